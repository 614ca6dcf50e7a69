/* crypto/sign.h - signatures over statements of constant size.
 *
 *   statement = domain 16 | cluster 32 | epoch 8 (little-endian) | H(body) 32     = 88 bytes, whatever the body's size   (design section 3)
 *
 * There is one predicate, named in the genesis and reached through `struct sign_scheme`, so the simulator can put a cheap keyed tag behind the same
 * interface. No batch or cofactored variant exists beside it: verifiers that differ split a cluster. */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H
#include "crypto/digest.h"

#define PUBLIC_KEY_BYTES 32
#define SIGNATURE_BYTES 64
#define STATEMENT_BYTES 88

struct public_key {
	uint8_t b[PUBLIC_KEY_BYTES];
};
struct secret_key { /* libsodium's form: seed 32 | public key 32 */
	uint8_t b[64];
};
struct signature {
	uint8_t b[SIGNATURE_BYTES];
};
struct statement {
	uint8_t b[STATEMENT_BYTES];
};

void statement_make(struct statement *out, enum domain domain, const struct digest *cluster, uint64_t epoch, const struct digest *body);

struct sign_scheme {
	const char *name; /* as it stands in the genesis */
	void (*keypair)(struct public_key *pk, struct secret_key *sk, const uint8_t seed[32]);
	void (*sign)(struct signature *out, const struct statement *s, const struct secret_key *sk);
	bool (*verify)(const struct signature *sig, const struct statement *s, const struct public_key *pk);
	bool (*key_ok)(const struct public_key *pk); /* false for small-order, torsion and non-canonical keys: such a key never enters a card */
};

/* Ed25519 as libsodium 1.0.18 to 1.0.22 verify it: canonical S, no small-order R or A, byte comparison without cofactor. Threads: any. */
extern const struct sign_scheme sign_ed25519;

/* Initializes libsodium and checks the edge vectors of `sign_ed25519` (RFC 8032 7.1, small-order points, S + L). False when this library verifies
 * differently from the rule that the genesis names: the process must not take part. Idempotent; any thread. */
bool sign_self_test(void);

/* Fresh random key pair. `scheme` may be any. Never called in bft/. */
void sign_keypair_random(const struct sign_scheme *scheme, struct public_key *pk, struct secret_key *sk);
void sign_wipe(struct secret_key *sk);
bool public_key_equal(const struct public_key *a, const struct public_key *b);
/* Zeros stand where there is none. */
bool signature_is_none(const struct signature *s);
#endif
