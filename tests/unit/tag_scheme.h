/* tests/unit/tag_scheme.h - signatures that cost nothing: whoever knows a public key can make them, and no test here forges one by accident. */
#ifndef TESTS_UNIT_TAG_SCHEME_H
#define TESTS_UNIT_TAG_SCHEME_H
#include "crypto/digest.h"
#include "crypto/sign.h"

#include <string.h>

static uint32_t tags_verified;

static inline void tag(struct signature *out, const struct statement *s, const uint8_t pk[32])
{
	struct digest_ctx ctx;
	struct digest d;
	digest_begin(&ctx, DOMAIN_TEST);
	digest_add(&ctx, pk, 32);
	digest_add(&ctx, s->b, sizeof s->b);
	digest_end(&ctx, &d);
	memcpy(out->b, d.b, 32);
	memcpy(out->b + 32, d.b, 32);
}

static inline void tag_sign(struct signature *out, const struct statement *s, const struct secret_key *sk)
{
	tag(out, s, sk->b + 32);
}

static inline bool tag_verify(const struct signature *sig, const struct statement *s, const struct public_key *pk)
{
	struct signature good;
	tags_verified++;
	tag(&good, s, pk->b);
	return memcmp(good.b, sig->b, sizeof good.b) == 0;
}

static const struct sign_scheme tagged = { .name = "tag", .sign = tag_sign, .verify = tag_verify };
#endif
