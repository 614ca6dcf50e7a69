/* The decoder is the schema: little-endian, fixed order, no optional fields, counts checked before they bound a loop. */
#include "bft/pbft/messages.h"

#include "bft/codec.h"

static bool rd_digest(struct rd *r, struct digest *d)
{
	return rd_bytes(r, d->b, sizeof d->b);
}

static void wr_digest(struct wr *w, const struct digest *d)
{
	wr_bytes(w, d->b, sizeof d->b);
}

static bool rd_view(struct rd *r, bft_view *v)
{
	return rd_u64(r, v) && *v <= BFT_VIEW_MAX;
}

static bool rd_seq(struct rd *r, bft_seq *s)
{
	return rd_u64(r, s) && *s <= BFT_SEQ_MAX;
}

/* ---- the table ---- */

const struct bft_message_row *pbft_message(uint16_t type)
{
	static const struct bft_message_row rows[PBFT_TYPE_END] = {
		[PBFT_VOTES] = { .known = true, .votes = true, .forwarded = true, .domain = DOMAIN_VOTES },
		[PBFT_SUSPECT] = { .known = true, .votes = true, .domain = DOMAIN_SUSPECT },
		[PBFT_VIEW_CHANGE] = { .known = true, .votes = true, .forwarded = true, .certified = true, .domain = DOMAIN_VIEW_CHANGE },
		[PBFT_NEW_VIEW] = { .known = true, .votes = true, .forwarded = true, .domain = DOMAIN_NEW_VIEW },
		[PBFT_CHECKPOINT] = { .known = true, .votes = true, .forwarded = true, .domain = DOMAIN_CHECKPOINT },
		[PBFT_SNAPSHOT] = { .known = true, .votes = true, .forwarded = true, .domain = DOMAIN_SNAPSHOT },
		[PBFT_STATUS] = { .known = true, .domain = DOMAIN_STATUS },
		[PBFT_RECALL] = { .known = true, .domain = DOMAIN_PEER },
		[PBFT_RECALL_DONE] = { .known = true, .domain = DOMAIN_PEER },
		[PBFT_FETCH_VIEW_CHANGE] = { .known = true, .domain = DOMAIN_FETCH },
		[PBFT_FETCH_CHAIN] = { .known = true, .domain = DOMAIN_FETCH },
		[PBFT_CHAIN] = { .known = true, .certified = true, .domain = DOMAIN_PEER },
		[PBFT_STABLE] = { .known = true, .certified = true, .domain = DOMAIN_PEER },
		[PBFT_PASS_OVER] = { .known = true, .votes = true, .domain = DOMAIN_PASS_OVER },
	};
	static const struct bft_message_row unknown = { .domain = DOMAIN_PEER };
	return type < PBFT_TYPE_END ? &rows[type] : &unknown;
}

enum domain pbft_domain(uint16_t type)
{
	return pbft_message(type)->domain;
}

void pbft_body_digest(struct digest *out, uint16_t type, const uint8_t *bytes, size_t n)
{
	message_digest(out, pbft_domain(type), type, bytes, n);
}

/* Enough to act on, not to show to others (design section 3). */
enum bft_auth pbft_needs(uint16_t type, const void *body)
{
	const struct bft_votes *votes = body;
	switch ((enum pbft_type)type) {
	case PBFT_VOTES:
		for (uint16_t i = 0; i < votes->count; i++)
			if (votes->leaf[i].kind != BFT_LEAF_COMMIT)
				return BFT_AUTH_SIGNED;
		return BFT_AUTH_CHANNEL;
	case PBFT_STATUS:
	case PBFT_SUSPECT:
	case PBFT_RECALL:
	case PBFT_RECALL_DONE:
	case PBFT_FETCH_VIEW_CHANGE:
	case PBFT_FETCH_CHAIN:
	case PBFT_CHAIN:
	case PBFT_STABLE: return BFT_AUTH_CHANNEL;
	case PBFT_VIEW_CHANGE:
	case PBFT_NEW_VIEW:
	case PBFT_CHECKPOINT:
	case PBFT_SNAPSHOT:
	case PBFT_PASS_OVER:
	case PBFT_TYPE_END: break;
	}
	return BFT_AUTH_SIGNED;
}

static size_t claim_view_change(const struct pbft_view_change *vc, struct bft_claim out[BFT_CLAIMS_MAX])
{
	out[0] = (struct bft_claim){ .kind = CERTIFICATE_CHECKPOINT, .seq = vc->stable, .digest = vc->chain, .or_base = true };
	for (uint16_t i = 0; i < vc->count; i++) {
		const struct pbft_prepared *p = &vc->prepared[i];
		out[1 + i] = (struct bft_claim){ .kind = CERTIFICATE_PREPARED, .view = p->view, .seq = p->seq, .digest = p->digest };
	}
	return 1u + vc->count;
}

size_t pbft_claims(uint16_t type, const void *body, struct bft_claim out[BFT_CLAIMS_MAX])
{
	return type == PBFT_VIEW_CHANGE ? claim_view_change(body, out) : message_claims(type, body, out);
}

/* ---- bodies ---- */

static bool dec_suspect(struct pbft_suspect *m, struct rd *r)
{
	return rd_view(r, &m->view) && rd_u8(r, &m->standing) && m->standing <= 1;
}

static void enc_suspect(const struct pbft_suspect *m, struct wr *w)
{
	wr_u64(w, m->view);
	wr_u8(w, m->standing);
}

static bool dec_view_change(struct pbft_view_change *m, struct rd *r)
{
	if (!rd_view(r, &m->view) || m->view == 0 || !rd_seq(r, &m->stable) || !rd_digest(r, &m->chain) || !rd_u16(r, &m->count) || m->count > BFT_WINDOW_MAX)
		return false;
	bft_seq last = m->stable;
	for (uint16_t i = 0; i < m->count; i++) {
		struct pbft_prepared *p = &m->prepared[i];
		if (!rd_seq(r, &p->seq) || !rd_view(r, &p->view) || !rd_digest(r, &p->digest))
			return false;
		if (p->seq <= last || p->view >= m->view)
			return false;
		last = p->seq;
	}
	return true;
}

static void enc_view_change(const struct pbft_view_change *m, struct wr *w)
{
	wr_u64(w, m->view);
	wr_u64(w, m->stable);
	wr_digest(w, &m->chain);
	wr_u16(w, m->count);
	for (uint16_t i = 0; i < m->count; i++) {
		wr_u64(w, m->prepared[i].seq);
		wr_u64(w, m->prepared[i].view);
		wr_digest(w, &m->prepared[i].digest);
	}
}

static bool dec_new_view(struct pbft_new_view *m, struct rd *r)
{
	if (!rd_view(r, &m->view) || m->view == 0 || !rd_seq(r, &m->stable) || !rd_digest(r, &m->chain) || !rd_u8(r, &m->sources_count) ||
	    m->sources_count > BFT_MEMBERS_MAX)
		return false;
	for (uint8_t i = 0; i < m->sources_count; i++) {
		if (!rd_u8(r, &m->source[i].member) || !rd_digest(r, &m->source[i].digest))
			return false;
		if (i && m->source[i].member <= m->source[i - 1].member)
			return false;
	}
	if (!rd_u16(r, &m->count) || m->count > BFT_WINDOW_MAX)
		return false;
	for (uint16_t i = 0; i < m->count; i++)
		if (!rd_digest(r, &m->digest[i]))
			return false;
	return true;
}

static void enc_new_view(const struct pbft_new_view *m, struct wr *w)
{
	wr_u64(w, m->view);
	wr_u64(w, m->stable);
	wr_digest(w, &m->chain);
	wr_u8(w, m->sources_count);
	for (uint8_t i = 0; i < m->sources_count; i++) {
		wr_u8(w, m->source[i].member);
		wr_digest(w, &m->source[i].digest);
	}
	wr_u16(w, m->count);
	for (uint16_t i = 0; i < m->count; i++)
		wr_digest(w, &m->digest[i]);
}

static bool dec_status(struct pbft_status *m, struct rd *r)
{
	if (!rd_view(r, &m->view) || !rd_u8(r, &m->flags) || m->flags > 15 || !rd_seq(r, &m->low) || !rd_seq(r, &m->executed) || !rd_u64(r, &m->view_changes) ||
	    !rd_u64(r, &m->checkpoints) || !rd_seq(r, &m->snapshot) || !rd_u64(r, &m->snapshots) || !rd_u16(r, &m->count) || m->count > BFT_WINDOW_MAX)
		return false;
	for (uint16_t i = 0; i < m->count; i++)
		if (!rd_u64(r, &m->open[i].prepares) || !rd_u64(r, &m->open[i].commits))
			return false;
	return true;
}

static void enc_status(const struct pbft_status *m, struct wr *w)
{
	wr_u64(w, m->view);
	wr_u8(w, m->flags);
	wr_u64(w, m->low);
	wr_u64(w, m->executed);
	wr_u64(w, m->view_changes);
	wr_u64(w, m->checkpoints);
	wr_u64(w, m->snapshot);
	wr_u64(w, m->snapshots);
	wr_u16(w, m->count);
	for (uint16_t i = 0; i < m->count; i++) {
		wr_u64(w, m->open[i].prepares);
		wr_u64(w, m->open[i].commits);
	}
}

size_t pbft_decode(uint16_t type, void *body, const uint8_t *bytes, size_t n)
{
	union pbft_body *m = body;
	struct rd r = rd_of(bytes, n);
	bool ok = false;
	switch ((enum pbft_type)type) {
	case PBFT_VOTES:
	case PBFT_STABLE:
	case PBFT_CHECKPOINT:
	case PBFT_SNAPSHOT:
	case PBFT_FETCH_CHAIN:
	case PBFT_CHAIN: ok = message_read(type, body, &r); break;
	case PBFT_SUSPECT: ok = dec_suspect(&m->suspect, &r); break;
	case PBFT_VIEW_CHANGE: ok = dec_view_change(&m->view_change, &r); break;
	case PBFT_NEW_VIEW: ok = dec_new_view(&m->new_view, &r); break;
	case PBFT_STATUS: ok = dec_status(&m->status, &r); break;
	case PBFT_RECALL: ok = rd_seq(&r, &m->recall.stable); break;
	case PBFT_RECALL_DONE: ok = true; break;
	case PBFT_PASS_OVER: ok = rd_u8(&r, &m->pass_over.member) && m->pass_over.member < BFT_MEMBERS_MAX; break;
	case PBFT_FETCH_VIEW_CHANGE: ok = rd_digest(&r, &m->fetch_view_change.digest); break;
	case PBFT_TYPE_END: break;
	}
	/* A RECALL_DONE is empty: one byte is counted so that 0 stays "malformed". */
	if (type == PBFT_RECALL_DONE)
		return rd_take(&r, 1) && bytes[0] == 0 ? 1 : 0;
	return ok && !r.failed ? (size_t)(r.at - bytes) : 0;
}

size_t pbft_encode(uint16_t type, const void *body, uint8_t *bytes, size_t capacity)
{
	const union pbft_body *m = body;
	struct wr w = wr_of(bytes, capacity);
	switch ((enum pbft_type)type) {
	case PBFT_VOTES:
	case PBFT_STABLE:
	case PBFT_CHECKPOINT:
	case PBFT_SNAPSHOT:
	case PBFT_FETCH_CHAIN:
	case PBFT_CHAIN: return message_write(type, body, &w) ? wr_done(&w) : 0;
	case PBFT_PASS_OVER: wr_u8(&w, m->pass_over.member); break;
	case PBFT_SUSPECT: enc_suspect(&m->suspect, &w); break;
	case PBFT_VIEW_CHANGE: enc_view_change(&m->view_change, &w); break;
	case PBFT_NEW_VIEW: enc_new_view(&m->new_view, &w); break;
	case PBFT_STATUS: enc_status(&m->status, &w); break;
	case PBFT_RECALL: wr_u64(&w, m->recall.stable); break;
	case PBFT_RECALL_DONE: wr_u8(&w, 0); break;
	case PBFT_FETCH_VIEW_CHANGE: wr_digest(&w, &m->fetch_view_change.digest); break;
	case PBFT_TYPE_END: return 0;
	}
	return wr_done(&w);
}
