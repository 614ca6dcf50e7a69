#include "bft/rotate.h"

void rotate_statement(struct statement *out, const struct rotate *r, enum domain domain, const struct digest *cluster)
{
	uint8_t bytes[1 + PUBLIC_KEY_BYTES];
	struct digest digest;
	struct wr w = wr_of(bytes, sizeof bytes);
	wr_u8(&w, r->member);
	wr_bytes(&w, r->key.b, PUBLIC_KEY_BYTES);
	digest_of(&digest, domain, bytes, wr_done(&w));
	statement_make(out, domain, cluster, r->epoch, &digest);
}

size_t rotate_encode(const struct rotate *r, uint8_t bytes[ROTATE_BYTES])
{
	struct wr w = wr_of(bytes, ROTATE_BYTES);
	wr_u64(&w, r->epoch);
	wr_u8(&w, r->member);
	wr_bytes(&w, r->key.b, PUBLIC_KEY_BYTES);
	wr_bytes(&w, r->signature.b, SIGNATURE_BYTES);
	wr_bytes(&w, r->own.b, SIGNATURE_BYTES);
	return wr_done(&w);
}

bool rotate_decode(struct rotate *r, const uint8_t *bytes, size_t n)
{
	struct rd rd = rd_of(bytes, n);
	return rd_u64(&rd, &r->epoch) && rd_u8(&rd, &r->member) && rd_bytes(&rd, r->key.b, PUBLIC_KEY_BYTES) &&
	       rd_bytes(&rd, r->signature.b, SIGNATURE_BYTES) && rd_bytes(&rd, r->own.b, SIGNATURE_BYTES) && rd_done(&rd) && r->epoch &&
	       r->member < BFT_MEMBERS_MAX;
}
