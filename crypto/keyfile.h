/* crypto/keyfile.h - secret keys on disk: mode 0600, never overwritten, sealed by a passphrase (Argon2id, XChaCha20-Poly1305) when one is given.
 *
 * The file is a few lines of text: a header line "quorate-key 1", `public`, and `secret` (hex of the seed) or `sealed` (salt, ops, memory, nonce,
 * ciphertext). docs/formats.md has it to the byte. */
#ifndef CRYPTO_KEYFILE_H
#define CRYPTO_KEYFILE_H
#include "crypto/sign.h"

enum keyfile_result {
	KEYFILE_OK,
	KEYFILE_EXISTS,           /* write: the path exists; nothing was touched                            */
	KEYFILE_UNREADABLE,       /* read: cannot be opened or read; write: cannot be created (errno is set) */
	KEYFILE_PERMISSIONS,      /* read: group or others may read it                                      */
	KEYFILE_MALFORMED,        /* read: not a key file, or damaged                                       */
	KEYFILE_NEEDS_PASSPHRASE, /* read: sealed, and no passphrase was given                              */
	KEYFILE_WRONG_PASSPHRASE, /* read: the passphrase does not open it                                  */
};

/* Writes `sk` to a new file `path` (O_EXCL, 0600, file and directory synced). `passphrase` NULL stores it in the clear. */
enum keyfile_result keyfile_write(const char *path, const struct secret_key *sk, const char *passphrase);
/* Reads it back and checks that the public key belongs to the secret. `pk` may be NULL. */
enum keyfile_result keyfile_read(const char *path, struct secret_key *sk, struct public_key *pk, const char *passphrase);
/* One sentence in plain words for `result`; never NULL. */
const char *keyfile_text(enum keyfile_result result);
#endif
