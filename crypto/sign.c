#include "crypto/sign.h"

#include <sodium.h>
#include <string.h>

_Static_assert(sizeof(struct public_key) == crypto_sign_PUBLICKEYBYTES, "libsodium's public key");
_Static_assert(sizeof(struct secret_key) == crypto_sign_SECRETKEYBYTES, "libsodium's secret key");
_Static_assert(sizeof(struct signature) == crypto_sign_BYTES, "libsodium's signature");

static void ed25519_keypair(struct public_key *pk, struct secret_key *sk, const uint8_t seed[32])
{
	crypto_sign_seed_keypair(pk->b, sk->b, seed);
}

static void ed25519_sign(struct signature *out, const struct statement *s, const struct secret_key *sk)
{
	crypto_sign_detached(out->b, NULL, s->b, sizeof s->b, sk->b);
}

static bool ed25519_verify(const struct signature *sig, const struct statement *s, const struct public_key *pk)
{
	return crypto_sign_verify_detached(sig->b, s->b, sizeof s->b, pk->b) == 0;
}

/* On the curve, canonical, in the prime-order group and not its identity. */
static bool ed25519_key_ok(const struct public_key *pk)
{
	return crypto_core_ed25519_is_valid_point(pk->b) == 1;
}

const struct sign_scheme sign_ed25519 = {
	.name = "ed25519",
	.keypair = ed25519_keypair,
	.sign = ed25519_sign,
	.verify = ed25519_verify,
	.key_ok = ed25519_key_ok,
};

void sign_keypair_random(const struct sign_scheme *scheme, struct public_key *pk, struct secret_key *sk)
{
	uint8_t seed[32];
	randombytes_buf(seed, sizeof seed);
	scheme->keypair(pk, sk, seed);
	sodium_memzero(seed, sizeof seed);
}

void sign_wipe(struct secret_key *sk)
{
	sodium_memzero(sk, sizeof *sk);
}

bool signature_is_none(const struct signature *s)
{
	static const struct signature none;
	return memcmp(s->b, none.b, sizeof none.b) == 0;
}
