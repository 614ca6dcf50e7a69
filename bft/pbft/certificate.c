#include "bft/pbft/certificate.h"

#include "bft/check.h"
#include "crypto/merkle.h"

enum domain pbft_domain(uint16_t type)
{
	switch ((enum pbft_type)type) {
	case PBFT_VOTES: return DOMAIN_VOTES;
	case PBFT_SUSPECT: return DOMAIN_SUSPECT;
	case PBFT_VIEW_CHANGE: return DOMAIN_VIEW_CHANGE;
	case PBFT_NEW_VIEW: return DOMAIN_NEW_VIEW;
	case PBFT_CHECKPOINT: return DOMAIN_CHECKPOINT;
	case PBFT_SNAPSHOT: return DOMAIN_SNAPSHOT;
	case PBFT_STATUS: return DOMAIN_STATUS;
	case PBFT_PASS_OVER: return DOMAIN_PASS_OVER;
	case PBFT_FETCH_VIEW_CHANGE:
	case PBFT_FETCH_CHAIN: return DOMAIN_FETCH;
	case PBFT_RECALL:
	case PBFT_RECALL_DONE:
	case PBFT_CHAIN:
	case PBFT_STABLE:
	case PBFT_TYPE_END: break;
	}
	return DOMAIN_PEER;
}

void pbft_body_digest(struct digest *out, uint16_t type, const uint8_t *bytes, size_t n)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, pbft_domain(type));
	digest_add_u16(&ctx, type);
	digest_add(&ctx, bytes, n);
	digest_end(&ctx, out);
}

size_t certificate_encode(const struct certificate *c, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	wr_u64(&w, c->epoch);
	wr_u8(&w, (uint8_t)c->kind);
	wr_u64(&w, c->view);
	wr_u64(&w, c->seq);
	wr_bytes(&w, c->digest.b, DIGEST_BYTES);
	if (c->kind == CERTIFICATE_SNAPSHOT)
		wr_bytes(&w, c->root.b, DIGEST_BYTES);
	wr_u8(&w, c->count);
	for (uint8_t i = 0; i < c->count; i++) {
		const struct certificate_signer *s = &c->by[i];
		wr_u8(&w, s->member);
		wr_u16(&w, s->count);
		wr_u8(&w, s->index);
		for (uint32_t k = 0; k < s->path_count; k++)
			wr_bytes(&w, s->path[k].b, DIGEST_BYTES);
		wr_bytes(&w, s->signature.b, SIGNATURE_BYTES);
	}
	return wr_done(&w);
}

static bool read_signer(struct rd *r, const struct certificate *c, uint8_t i)
{
	struct certificate_signer *s = (struct certificate_signer *)&c->by[i];
	if (!rd_u8(r, &s->member) || !rd_u16(r, &s->count) || !rd_u8(r, &s->index))
		return false;
	if (s->member >= BFT_MEMBERS_MAX || (i && s->member <= c->by[i - 1].member))
		return false;
	bool alone = c->kind != CERTIFICATE_PREPARED;
	if (s->count == 0 || s->count > BFT_LEAVES_MAX || s->index >= s->count || (alone && s->count != 1))
		return false;
	s->path_count = merkle_path_length(s->count, s->index);
	for (uint32_t k = 0; k < s->path_count; k++)
		if (!rd_bytes(r, s->path[k].b, DIGEST_BYTES))
			return false;
	return rd_bytes(r, s->signature.b, SIGNATURE_BYTES);
}

bool certificate_read(struct rd *r, struct certificate *c)
{
	uint8_t kind = 0;
	memset(&c->root, 0, sizeof c->root);
	if (!rd_u64(r, &c->epoch) || !rd_u8(r, &kind) || !rd_u64(r, &c->view) || !rd_u64(r, &c->seq) || !rd_bytes(r, c->digest.b, DIGEST_BYTES))
		return false;
	if (kind < CERTIFICATE_PREPARED || kind > CERTIFICATE_SNAPSHOT || c->seq == 0 || c->seq > BFT_SEQ_MAX || c->view > BFT_VIEW_MAX)
		return false;
	c->kind = (enum certificate_kind)kind;
	if (c->kind != CERTIFICATE_PREPARED && c->view != 0)
		return false;
	if (c->kind == CERTIFICATE_SNAPSHOT && !rd_bytes(r, c->root.b, DIGEST_BYTES))
		return false;
	if (!rd_u8(r, &c->count) || c->count == 0 || c->count > BFT_MEMBERS_MAX)
		return false;
	for (uint8_t i = 0; i < c->count; i++)
		if (!read_signer(r, c, i))
			return false;
	return true;
}

static bool find_leaf(const struct certificate *c, const struct pbft_votes *votes, uint8_t kind, uint16_t *at)
{
	for (uint16_t i = 0; i < votes->count; i++) {
		const struct pbft_leaf *l = &votes->leaf[i];
		if (l->kind == kind && l->seq == c->seq && digest_equal(&l->digest, &c->digest)) {
			*at = i;
			return votes->view == c->view;
		}
	}
	return false;
}

bool certificate_add(struct certificate *c, uint8_t member, const struct pbft_votes *votes, uint8_t leaf_kind, const struct signature *signature)
{
	BFT_CHECK(c->count < BFT_MEMBERS_MAX && (c->count == 0 || c->by[c->count - 1].member < member));
	struct certificate_signer *s = &c->by[c->count];
	*s = (struct certificate_signer){ .member = member, .count = 1, .signature = *signature };
	if (votes) {
		uint16_t at = 0;
		if (!find_leaf(c, votes, leaf_kind, &at))
			return false;
		struct digest leaves[BFT_LEAVES_MAX], path[MERKLE_PATH_MAX];
		for (uint16_t i = 0; i < votes->count; i++)
			pbft_leaf_digest(&leaves[i], &votes->leaf[i]);
		s->count = votes->count;
		s->index = (uint8_t)at;
		s->path_count = merkle_path(path, leaves, votes->count, at);
		memcpy(s->path, path, s->path_count * sizeof path[0]);
	}
	c->count++;
	return true;
}

static bool votes_statement(struct digest *out, const struct certificate *c, const struct certificate_signer *s, uint32_t n, bft_mask passed)
{
	bool leader = order_leader(c->view, n, passed) == s->member;
	struct pbft_leaf leaf = { .kind = leader ? PBFT_LEAF_PRE_PREPARE : PBFT_LEAF_PREPARE, .seq = c->seq, .digest = c->digest };
	struct digest digest, root;
	pbft_leaf_digest(&digest, &leaf);
	if (!merkle_root_from_path(&root, &digest, s->count, s->index, s->path, s->path_count))
		return false;
	pbft_votes_digest(out, c->view, s->count, &root);
	return true;
}

bool certificate_statement(struct statement *out, const struct certificate *c, uint32_t i, uint32_t n, bft_mask passed, const struct digest *cluster)
{
	uint8_t bytes[8 + 2 * DIGEST_BYTES];
	struct digest body;
	uint16_t type = c->kind == CERTIFICATE_PREPARED ? PBFT_VOTES : c->kind == CERTIFICATE_CHECKPOINT ? PBFT_CHECKPOINT : PBFT_SNAPSHOT;
	if (type == PBFT_VOTES) {
		if (!votes_statement(&body, c, &c->by[i], n, passed))
			return false;
	} else {
		struct wr w = wr_of(bytes, sizeof bytes);
		wr_u64(&w, c->seq);
		wr_bytes(&w, c->digest.b, DIGEST_BYTES);
		if (type == PBFT_SNAPSHOT)
			wr_bytes(&w, c->root.b, DIGEST_BYTES);
		pbft_body_digest(&body, type, bytes, wr_done(&w));
	}
	statement_make(out, pbft_domain(type), cluster, c->epoch, &body);
	return true;
}

bool certificate_check(const struct certificate *c, uint32_t n, bft_mask passed, uint32_t q, const struct digest *cluster, certificate_verify_fn verify,
                       void *arg)
{
	uint32_t good = 0;
	if (c->count < q || c->by[c->count - 1].member >= n)
		return false;
	for (uint8_t i = 0; i < c->count && good < q; i++) {
		struct statement s;
		/* No honest holder keeps a signature that does not verify, so the first bad one ends it. */
		if (!certificate_statement(&s, c, i, n, passed, cluster) || !verify(arg, c->by[i].member, &s, &c->by[i].signature))
			return false;
		good++;
	}
	return good >= q;
}
