/* client/cli/receipt_file.h - where --receipt puts what it gets: a new file, made before anything is ordered, and gone again when there is nothing to put into it. */
#ifndef CLIENT_CLI_RECEIPT_FILE_H
#define CLIENT_CLI_RECEIPT_FILE_H
#include "cli.h"

struct receipt_file {
	const char *path;
	int fd;
	bool kept;
};
/* CLI_OK, or a code after saying why; receipt_file_close in the first case. */
int receipt_file_open(struct receipt_file *f, const char *path);
/* Writes and flushes it. CLI_OK, or CLI_FAILED after saying why. */
int receipt_file_keep(struct receipt_file *f, const void *bytes, size_t n);
void receipt_file_close(struct receipt_file *f);
#endif
