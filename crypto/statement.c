/* What is signed, apart from who signs it: the protocol core builds statements and compares keys, and must not drag a signature library along. */
#include "crypto/sign.h"

#include <string.h>

_Static_assert(DOMAIN_BYTES + DIGEST_BYTES + 8 + DIGEST_BYTES == STATEMENT_BYTES, "domain, cluster, epoch and body fill a statement");

void statement_make(struct statement *out, enum domain domain, const struct digest *cluster, uint64_t epoch, const struct digest *body)
{
	uint8_t *at = out->b;
	memcpy(at, domain_bytes(domain), DOMAIN_BYTES);
	at += DOMAIN_BYTES;
	memcpy(at, cluster->b, DIGEST_BYTES);
	at += DIGEST_BYTES;
	for (unsigned i = 0; i < 8; i++)
		*at++ = (uint8_t)(epoch >> (8 * i));
	memcpy(at, body->b, DIGEST_BYTES);
}

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
	return memcmp(a->b, b->b, PUBLIC_KEY_BYTES) == 0;
}
