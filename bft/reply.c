#include "bft/reply.h"

const char *result_text(uint8_t status)
{
	switch ((enum result_status)status) {
	case RESULT_DONE: return "executed";
	case RESULT_TOO_OLD: return "the session has gone on beyond this request, and its result is no longer kept";
	case RESULT_NO_SESSION: return "there is no such session; it was not executed";
	case RESULT_QUOTA: return "this key's quota is used up; it was not executed";
	case RESULT_VOID: return "the time at which this opening was void has passed, or lies too far ahead";
	case RESULT_AFTER: return "its predecessor was not executed before it; it was not executed";
	case RESULT_LATER: return "a snapshot was made less than ten seconds ago";
	case RESULT_TOO_LARGE: return "its results do not fit into one reply; nothing of it was kept";
	case RESULT_PENDING: return "another change is on its way to the next epoch; it was not executed";
	case RESULT_FORBIDDEN: return "the replica's organization has not signed this for the present epoch; it was not executed";
	case RESULT_STATUS_END: break;
	}
	return "an unknown status";
}

const char *refusal_text(uint8_t reason)
{
	switch ((enum refusal)reason) {
	case REFUSAL_MALFORMED: return "the request is malformed";
	case REFUSAL_SIGNATURE: return "the request's signature is wrong";
	case REFUSAL_BUSY: return "the replica holds as many requests as it can";
	case REFUSAL_OBSERVER: return "the replica is an observer";
	case REFUSAL_SPACE: return "the replica's disk is full";
	case REFUSAL_LARGE: return "it is larger than a proposal of this cluster may be";
	case REFUSAL_UNSIGNED: return "the request is not signed, as this epoch's mode demands";
	case REFUSAL_END: break;
	}
	return "an unknown reason";
}

bool result_decode(struct result *out, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	if (!rd_u64(&r, &out->session) || !rd_u64(&r, &out->number) || !rd_u8(&r, &out->status) || !rd_u16(&r, &out->count))
		return false;
	if (out->status >= RESULT_STATUS_END || out->count > BFT_BUNDLE_OPS_MAX || (out->status != RESULT_DONE && out->count != 0))
		return false;
	out->values = r.at;
	out->values_bytes = rd_left(&r);
	for (uint16_t i = 0; i < out->count; i++) {
		uint32_t size;
		if (!rd_u32(&r, &size) || !rd_take(&r, size))
			return false;
	}
	return rd_done(&r);
}

size_t result_encode(const struct result *x, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	wr_u64(&w, x->session);
	wr_u64(&w, x->number);
	wr_u8(&w, x->status);
	wr_u16(&w, x->count);
	wr_bytes(&w, x->values, x->values_bytes);
	return wr_done(&w);
}

void result_leaf(struct digest *out, bft_seq seq, const struct digest *bundle, const uint8_t *bytes, size_t n)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_RESULT);
	digest_add_u64(&ctx, seq);
	digest_add(&ctx, bundle->b, DIGEST_BYTES);
	digest_add(&ctx, bytes, n);
	digest_end(&ctx, out);
}

void results_root(struct digest *out, const struct digest *leaves, uint32_t count)
{
	if (count)
		merkle_root(out, leaves, count);
	else
		digest_of(out, DOMAIN_RESULT, NULL, 0);
}

bool reply_place_read(struct rd *r, struct reply_place *out)
{
	if (!rd_bytes(r, out->proposal.b, DIGEST_BYTES) || !rd_bytes(r, out->chain.b, DIGEST_BYTES) || !rd_u16(r, &out->count) || !rd_u16(r, &out->index) ||
	    out->index >= out->count || out->count > BFT_PROPOSAL_BUNDLES_MAX)
		return false;
	out->path_count = merkle_path_length(out->count, out->index);
	for (uint32_t i = 0; i < out->path_count; i++)
		if (!rd_bytes(r, out->path[i].b, DIGEST_BYTES))
			return false;
	return true;
}

void reply_place_write(struct wr *w, const struct reply_place *p)
{
	wr_bytes(w, p->proposal.b, DIGEST_BYTES);
	wr_bytes(w, p->chain.b, DIGEST_BYTES);
	wr_u16(w, p->count);
	wr_u16(w, p->index);
	for (uint32_t i = 0; i < p->path_count; i++)
		wr_bytes(w, p->path[i].b, DIGEST_BYTES);
}

bool reply_decode(struct reply *out, bool late, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	memset(out, 0, sizeof *out);
	if (!rd_u64(&r, &out->view) || !rd_u64(&r, &out->seq) || out->seq > BFT_SEQ_MAX || !rd_bytes(&r, out->bundle.b, DIGEST_BYTES))
		return false;
	if (!late && !reply_place_read(&r, &out->place))
		return false;
	out->result_bytes = rd_left(&r);
	out->result = r.at;
	return !r.failed && out->result_bytes > 0;
}

size_t reply_head_encode(const struct reply *x, bool late, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	wr_u64(&w, x->view);
	wr_u64(&w, x->seq);
	wr_bytes(&w, x->bundle.b, DIGEST_BYTES);
	if (!late)
		reply_place_write(&w, &x->place);
	return wr_done(&w);
}

void reply_root_statement(struct statement *out, const struct digest *cluster, bft_epoch epoch, bft_seq seq, const struct digest *proposal,
                          const struct digest *chain, uint16_t count, const struct digest *root)
{
	struct digest_ctx ctx;
	struct digest body;
	digest_begin(&ctx, DOMAIN_REPLY);
	digest_add_u64(&ctx, seq);
	digest_add(&ctx, proposal->b, DIGEST_BYTES);
	digest_add(&ctx, chain->b, DIGEST_BYTES);
	digest_add_u16(&ctx, count);
	digest_add(&ctx, root->b, DIGEST_BYTES);
	digest_end(&ctx, &body);
	statement_make(out, DOMAIN_REPLY, cluster, epoch, &body);
}

void reply_late_statement(struct statement *out, const struct digest *cluster, bft_epoch epoch, const struct digest *leaf)
{
	struct digest body;
	digest_of(&body, DOMAIN_RESULT_LATE, leaf->b, DIGEST_BYTES);
	statement_make(out, DOMAIN_RESULT_LATE, cluster, epoch, &body);
}

bool reply_leaf_statement(struct statement *out, const struct digest *cluster, bft_epoch epoch, bft_seq seq, const struct reply_place *place,
                          const struct digest *leaf)
{
	struct digest root;
	if (!merkle_root_from_path(&root, leaf, place->count, place->index, place->path, place->path_count))
		return false;
	reply_root_statement(out, cluster, epoch, seq, &place->proposal, &place->chain, place->count, &root);
	return true;
}

bool reply_statement(struct statement *out, const struct digest *cluster, bft_epoch epoch, const struct reply *r, bool late)
{
	struct digest leaf;
	result_leaf(&leaf, r->seq, &r->bundle, r->result, r->result_bytes);
	if (!late)
		return reply_leaf_statement(out, cluster, epoch, r->seq, &r->place, &leaf);
	reply_late_statement(out, cluster, epoch, &leaf);
	return true;
}
