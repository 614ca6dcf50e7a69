/* replica/setup_file.h - small files of operators, read whole within a limit and written once. */
#ifndef REPLICA_SETUP_FILE_H
#define REPLICA_SETUP_FILE_H
#include "bft/card.h"
#include "crypto/sign.h"
#include "quorate.h"

#define SETUP_PATH_BYTES 4096u

/* "path: sentence" in `reason` (may be NULL); returns `error`. */
enum quorate_error setup_fail(char *reason, enum quorate_error error, const char *path, const char *sentence);

/* Reads a regular file of 1 to `most` bytes into memory of its own, ended by a zero that is not counted. Ownership: free(*bytes).
 * Errors: QUORATE_CONFIG (cannot be opened, empty, too large, no file), QUORATE_FAILED. */
enum quorate_error setup_read(char **bytes, size_t *n, const char *path, size_t most, char *reason);
/* Writes a new file and flushes it and its folder. What exists is left alone; what could not be written whole is removed. */
enum quorate_error setup_write(const char *path, const void *bytes, size_t n, char *reason);
/* A key file; libsodium is initialized first. `pk` may be NULL. The caller wipes `sk`. */
enum quorate_error setup_read_key(const char *path, const char *passphrase, struct secret_key *sk, struct public_key *pk, char *reason);
/* A card, every signature of it. */
enum quorate_error setup_read_card(struct bft_card *card, const char *path, char *reason);
/* A fresh key in a new file. */
enum quorate_error setup_new_key(const char *path, const char *passphrase, struct public_key *pk, char *reason);
#endif
