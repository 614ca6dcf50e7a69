/* client/cli/load_rows.h - the rows of a file, key TAB value, grouped into bundles in one way that follows from the file alone. */
#ifndef CLIENT_CLI_LOAD_ROWS_H
#define CLIENT_CLI_LOAD_ROWS_H
#include "cli.h"
#include "quorate_kv.h"

#include <stdio.h>

#define LOAD_BUNDLE_ROWS_MAX 1000u
#define LOAD_BUNDLE_BYTES_MAX (QUORATE_KV_VALUE_MAX + 4096u) /* of a bundle's operations, so that any one row fits */

struct rows {
	const char *path;
	FILE *file;
	uint64_t line;                /* of the row read last, from 1 */
	uint64_t rows, bytes, digest; /* of the whole file: rows_check */
	char *text;                   /* the line, owned by getline's caller */
	size_t capacity;
	bool held; /* `text` is a row that no bundle has taken yet */
	size_t text_n;
};

/* Several operations, one after another in `bytes`. Memory is its own. */
struct row_bundle {
	uint8_t *bytes;
	size_t n;
	uint16_t count;
	struct quorate_op *ops;
};

/* Opens the file and reads it once: every row is judged before the first is sent. CLI_OK, or a code after saying what is wrong in which line. */
int rows_open(struct rows *r, const char *path);
void rows_close(struct rows *r);
/* The next bundle of at most `rows_max` rows; its count is 0 at the end. CLI_OK, or a code after saying why. Ownership: row_bundle_free. */
int rows_next(struct rows *r, uint32_t rows_max, struct row_bundle *out);
void row_bundle_free(struct row_bundle *b);
#endif
