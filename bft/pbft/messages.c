/* The decoder is the schema: little-endian, fixed order, no optional fields, counts checked before they bound a loop. */
#include "bft/pbft/messages.h"

#include "bft/codec.h"
#include "crypto/merkle.h"

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

static bool rd_leaf(struct rd *r, struct pbft_leaf *leaf)
{
	return rd_u8(r, &leaf->kind) && leaf->kind >= PBFT_LEAF_PRE_PREPARE && leaf->kind <= PBFT_LEAF_COMMIT && rd_seq(r, &leaf->seq) && leaf->seq > 0 &&
	       rd_digest(r, &leaf->digest);
}

static bool dec_votes(struct pbft_votes *m, struct rd *r)
{
	if (!rd_view(r, &m->view) || !rd_u16(r, &m->count) || m->count == 0 || m->count > BFT_LEAVES_MAX)
		return false;
	for (uint16_t i = 0; i < m->count; i++)
		if (!rd_leaf(r, &m->leaf[i]))
			return false;
	return true;
}

static void enc_votes(const struct pbft_votes *m, struct wr *w)
{
	wr_u64(w, m->view);
	wr_u16(w, m->count);
	for (uint16_t i = 0; i < m->count; i++) {
		wr_u8(w, m->leaf[i].kind);
		wr_u64(w, m->leaf[i].seq);
		wr_digest(w, &m->leaf[i].digest);
	}
}

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

static bool dec_chain(struct pbft_chain *m, struct rd *r)
{
	if (!rd_seq(r, &m->from) || m->from == 0 || !rd_u16(r, &m->count) || m->count > BFT_WINDOW_MAX || !rd_seq(r, &m->end) || !rd_digest(r, &m->chain))
		return false;
	if (m->count && m->end != m->from + m->count - 1)
		return false;
	for (uint16_t i = 0; i < m->count; i++)
		if (!rd_digest(r, &m->entry[i].proposal) || !rd_digest(r, &m->entry[i].results))
			return false;
	return true;
}

static void enc_chain(const struct pbft_chain *m, struct wr *w)
{
	wr_u64(w, m->from);
	wr_u16(w, m->count);
	wr_u64(w, m->end);
	wr_digest(w, &m->chain);
	for (uint16_t i = 0; i < m->count; i++) {
		wr_digest(w, &m->entry[i].proposal);
		wr_digest(w, &m->entry[i].results);
	}
}

size_t pbft_decode(uint16_t type, void *body, const uint8_t *bytes, size_t n)
{
	union pbft_body *m = body;
	struct rd r = rd_of(bytes, n);
	bool ok = false;
	switch ((enum pbft_type)type) {
	case PBFT_VOTES: ok = dec_votes(&m->votes, &r); break;
	case PBFT_SUSPECT: ok = dec_suspect(&m->suspect, &r); break;
	case PBFT_VIEW_CHANGE: ok = dec_view_change(&m->view_change, &r); break;
	case PBFT_NEW_VIEW: ok = dec_new_view(&m->new_view, &r); break;
	case PBFT_STABLE:
	case PBFT_CHECKPOINT: ok = rd_seq(&r, &m->checkpoint.seq) && rd_digest(&r, &m->checkpoint.chain); break;
	case PBFT_SNAPSHOT: ok = rd_seq(&r, &m->snapshot.seq) && rd_digest(&r, &m->snapshot.chain) && rd_digest(&r, &m->snapshot.root); break;
	case PBFT_STATUS: ok = dec_status(&m->status, &r); break;
	case PBFT_RECALL: ok = rd_seq(&r, &m->recall.stable); break;
	case PBFT_RECALL_DONE: ok = true; break;
	case PBFT_PASS_OVER: ok = rd_u8(&r, &m->pass_over.member) && m->pass_over.member < BFT_MEMBERS_MAX; break;
	case PBFT_FETCH_VIEW_CHANGE: ok = rd_digest(&r, &m->fetch_view_change.digest); break;
	case PBFT_FETCH_CHAIN: ok = rd_seq(&r, &m->fetch_chain.from) && m->fetch_chain.from > 0; break;
	case PBFT_CHAIN: ok = dec_chain(&m->chain, &r); break;
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
	case PBFT_VOTES: enc_votes(&m->votes, &w); break;
	case PBFT_PASS_OVER: wr_u8(&w, m->pass_over.member); break;
	case PBFT_SUSPECT: enc_suspect(&m->suspect, &w); break;
	case PBFT_VIEW_CHANGE: enc_view_change(&m->view_change, &w); break;
	case PBFT_NEW_VIEW: enc_new_view(&m->new_view, &w); break;
	case PBFT_STABLE:
	case PBFT_CHECKPOINT:
		wr_u64(&w, m->checkpoint.seq);
		wr_digest(&w, &m->checkpoint.chain);
		break;
	case PBFT_SNAPSHOT:
		wr_u64(&w, m->snapshot.seq);
		wr_digest(&w, &m->snapshot.chain);
		wr_digest(&w, &m->snapshot.root);
		break;
	case PBFT_STATUS: enc_status(&m->status, &w); break;
	case PBFT_RECALL: wr_u64(&w, m->recall.stable); break;
	case PBFT_RECALL_DONE: wr_u8(&w, 0); break;
	case PBFT_FETCH_VIEW_CHANGE: wr_digest(&w, &m->fetch_view_change.digest); break;
	case PBFT_FETCH_CHAIN: wr_u64(&w, m->fetch_chain.from); break;
	case PBFT_CHAIN: enc_chain(&m->chain, &w); break;
	case PBFT_TYPE_END: return 0;
	}
	return wr_done(&w);
}

void pbft_leaf_digest(struct digest *out, const struct pbft_leaf *leaf)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_LEAF);
	digest_add(&ctx, &leaf->kind, 1);
	digest_add_u64(&ctx, leaf->seq);
	digest_add(&ctx, leaf->digest.b, sizeof leaf->digest.b);
	digest_end(&ctx, out);
}

void pbft_votes_digest(struct digest *out, bft_view view, uint16_t count, const struct digest *root)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_VOTES);
	digest_add_u64(&ctx, view);
	digest_add_u16(&ctx, count);
	digest_add(&ctx, root->b, sizeof root->b);
	digest_end(&ctx, out);
}

void pbft_votes_digest_of(struct digest *out, const struct pbft_votes *votes)
{
	struct digest leaves[BFT_LEAVES_MAX], root;
	for (uint16_t i = 0; i < votes->count; i++)
		pbft_leaf_digest(&leaves[i], &votes->leaf[i]);
	merkle_root(&root, leaves, votes->count);
	pbft_votes_digest(out, votes->view, votes->count, &root);
}
