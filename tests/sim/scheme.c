/* A keyed tag where a signature would stand: a hundred times cheaper, and no replica can make another's, because it never holds another's secret. */
#include "tests/sim/sim.h"

static void tag_key(struct digest *out, const struct public_key *pk)
{
	digest_of(out, DOMAIN_TEST, pk->b, sizeof pk->b);
}

static void keypair(struct public_key *pk, struct secret_key *sk, const uint8_t seed[32])
{
	struct digest d;
	digest_of(&d, DOMAIN_TEST, seed, 32);
	memcpy(pk->b, d.b, sizeof pk->b);
	memcpy(sk->b, seed, 32);
	memcpy(sk->b + 32, pk->b, 32);
}

static void tag(struct digest *out, const struct statement *s, const struct public_key *pk)
{
	struct digest_ctx ctx;
	struct digest key;
	tag_key(&key, pk);
	digest_begin(&ctx, DOMAIN_TEST);
	digest_add(&ctx, key.b, sizeof key.b);
	digest_add(&ctx, s->b, sizeof s->b);
	digest_end(&ctx, out);
}

static void sign(struct signature *out, const struct statement *s, const struct secret_key *sk)
{
	struct public_key pk;
	struct digest d;
	memcpy(pk.b, sk->b + 32, sizeof pk.b);
	tag(&d, s, &pk);
	memset(out, 0, sizeof *out);
	memcpy(out->b, d.b, sizeof d.b);
}

static bool verify(const struct signature *sig, const struct statement *s, const struct public_key *pk)
{
	struct digest d;
	tag(&d, s, pk);
	return memcmp(sig->b, d.b, sizeof d.b) == 0;
}

static bool key_ok(const struct public_key *pk)
{
	(void)pk;
	return true;
}

const struct sign_scheme sign_simulated = { "simulated", keypair, sign, verify, key_ok };
