#include "bft/readmit.h"

void readmit_statement(struct statement *out, const struct readmit *r, const struct digest *cluster)
{
	uint8_t bytes[9];
	struct digest digest;
	struct wr w = wr_of(bytes, sizeof bytes);
	wr_u8(&w, r->member);
	wr_u64(&w, r->incarnation);
	digest_of(&digest, DOMAIN_READMIT, bytes, wr_done(&w));
	statement_make(out, DOMAIN_READMIT, cluster, r->epoch, &digest);
}

size_t readmit_encode(const struct readmit *r, uint8_t bytes[READMIT_BYTES])
{
	struct wr w = wr_of(bytes, READMIT_BYTES);
	wr_u64(&w, r->epoch);
	wr_u8(&w, r->member);
	wr_u64(&w, r->incarnation);
	wr_bytes(&w, r->signature.b, SIGNATURE_BYTES);
	return wr_done(&w);
}

bool readmit_decode(struct readmit *r, const uint8_t *bytes, size_t n)
{
	struct rd rd = rd_of(bytes, n);
	return rd_u64(&rd, &r->epoch) && rd_u8(&rd, &r->member) && rd_u64(&rd, &r->incarnation) && rd_bytes(&rd, r->signature.b, SIGNATURE_BYTES) &&
	       rd_done(&rd) && r->epoch && r->member < BFT_MEMBERS_MAX && r->incarnation;
}
