#include "bft/pass_over.h"

void pass_over_statement(struct statement *out, bft_epoch epoch, uint8_t member, const struct digest *cluster)
{
	struct digest_ctx ctx;
	struct digest digest;
	digest_begin(&ctx, DOMAIN_PASS_OVER);
	digest_add_u16(&ctx, PASS_OVER_MESSAGE);
	digest_add(&ctx, &member, 1);
	digest_end(&ctx, &digest);
	statement_make(out, DOMAIN_PASS_OVER, cluster, epoch, &digest);
}

size_t pass_over_encode(const struct pass_over *p, uint8_t bytes[PASS_OVER_BYTES_MAX])
{
	struct wr w = wr_of(bytes, PASS_OVER_BYTES_MAX);
	wr_u64(&w, p->epoch);
	wr_u8(&w, p->member);
	wr_u8(&w, p->count);
	for (uint8_t i = 0; i < p->count; i++) {
		wr_u8(&w, p->by[i].member);
		wr_bytes(&w, p->by[i].signature.b, SIGNATURE_BYTES);
	}
	return wr_done(&w);
}

size_t pass_over_length(const uint8_t *bytes, size_t n)
{
	return n < PASS_OVER_HEAD_BYTES ? 0 : PASS_OVER_HEAD_BYTES + (size_t)bytes[PASS_OVER_HEAD_BYTES - 1] * PASS_OVER_SIGNER_BYTES;
}

bool pass_over_decode(struct pass_over *p, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	if (!rd_u64(&r, &p->epoch) || !rd_u8(&r, &p->member) || !rd_u8(&r, &p->count) || p->epoch == 0 || p->member >= BFT_MEMBERS_MAX)
		return false;
	if (p->count == 0 || p->count > BFT_MEMBERS_MAX)
		return false;
	for (uint8_t i = 0; i < p->count; i++) {
		if (!rd_u8(&r, &p->by[i].member) || !rd_bytes(&r, p->by[i].signature.b, SIGNATURE_BYTES) || p->by[i].member >= BFT_MEMBERS_MAX)
			return false;
		if (i > 0 && p->by[i].member <= p->by[i - 1].member)
			return false; /* one member counts once, and one set has one encoding */
	}
	return rd_done(&r);
}

static bool signers_ok(const struct pass_over *p, const struct bft_roster *r)
{
	if (p->count < roster_quorum(r))
		return false;
	for (uint8_t i = 0; i < p->count; i++)
		if (p->by[i].member == p->member || !roster_has(r, p->by[i].member))
			return false;
	return true;
}

bool pass_over_holds(const struct pass_over *p, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster)
{
	struct bft_roster now = epoch_roster_now(k);
	struct statement s;
	if (p->epoch != k->epoch || !roster_has(&now, p->member) || k->rosters >= EPOCH_ROSTERS_MAX || (now.passed & BFT_BIT(p->member)))
		return false;
	if (!signers_ok(p, &now))
		return false;
	pass_over_statement(&s, p->epoch, p->member, cluster);
	for (uint8_t i = 0; i < p->count; i++)
		if (!scheme->verify(&p->by[i].signature, &s, epoch_key(k, p->by[i].member, p->epoch)))
			return false;
	return true;
}
