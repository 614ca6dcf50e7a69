#include "bft/proposal.h"

#include "bft/codec.h"

size_t proposal_decode(struct bft_proposal *p, const uint8_t *bytes, size_t n, uint32_t bundles_max)
{
	struct rd r = rd_of(bytes, n);
	if (!rd_u64(&r, &p->time_ms) || !rd_u32(&r, &p->flags) || !rd_u16(&r, &p->count))
		return 0;
	if (p->flags != 0 || p->count > bundles_max)
		return 0;
	p->digests = rd_take(&r, (size_t)p->count * DIGEST_BYTES);
	return p->digests ? PROPOSAL_BYTES(p->count) : 0;
}

size_t proposal_encode(const struct bft_proposal *p, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	wr_u64(&w, p->time_ms);
	wr_u32(&w, p->flags);
	wr_u16(&w, p->count);
	wr_bytes(&w, p->digests, (size_t)p->count * DIGEST_BYTES);
	return wr_done(&w);
}

void proposal_digest(struct digest *out, const struct digest *cluster, const uint8_t *bytes, size_t n)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_PROPOSAL);
	digest_add(&ctx, cluster->b, sizeof cluster->b);
	digest_add(&ctx, bytes, n);
	digest_end(&ctx, out);
}

size_t proposal_null(uint8_t bytes[PROPOSAL_HEAD_BYTES])
{
	const struct bft_proposal null = { .count = 0, .digests = NULL };
	return proposal_encode(&null, bytes, PROPOSAL_HEAD_BYTES);
}

void proposal_null_digest(struct digest *out, const struct digest *cluster)
{
	uint8_t bytes[PROPOSAL_HEAD_BYTES];
	proposal_digest(out, cluster, bytes, proposal_null(bytes));
}

void chain_next(struct digest *out, const struct digest *before, bft_seq seq, const struct digest *proposal, const struct digest *results)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_CHAIN);
	digest_add(&ctx, before->b, sizeof before->b);
	digest_add_u64(&ctx, seq);
	digest_add(&ctx, proposal->b, sizeof proposal->b);
	digest_add(&ctx, results->b, sizeof results->b);
	digest_end(&ctx, out);
}
