#include "bft/certificate.h"

#include "bft/check.h"
#include "crypto/merkle.h"

size_t message_claims(uint16_t type, const void *body, struct bft_claim *out)
{
	const struct bft_chain *chain = body;
	const struct bft_checkpoint *stable = body;
	if (type == BFT_MSG_STABLE)
		*out = (struct bft_claim){ .kind = CERTIFICATE_CHECKPOINT, .seq = stable->seq, .digest = stable->chain };
	else if (type == BFT_MSG_CHAIN && chain->count)
		*out = (struct bft_claim){ .kind = CERTIFICATE_CHECKPOINT, .seq = chain->end, .digest = chain->chain };
	else
		return 0;
	return 1;
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

static bool find_leaf(const struct certificate *c, const struct bft_votes *votes, uint8_t kind, uint16_t *at)
{
	for (uint16_t i = 0; i < votes->count; i++) {
		const struct bft_leaf *l = &votes->leaf[i];
		if (l->kind == kind && l->seq == c->seq && digest_equal(&l->digest, &c->digest)) {
			*at = i;
			return votes->view == c->view;
		}
	}
	return false;
}

bool certificate_add(struct certificate *c, uint8_t member, const struct bft_votes *votes, uint8_t leaf_kind, const struct signature *signature)
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
			votes_leaf_digest(&leaves[i], &votes->leaf[i]);
		s->count = votes->count;
		s->index = (uint8_t)at;
		s->path_count = merkle_path(path, leaves, votes->count, at);
		memcpy(s->path, path, s->path_count * sizeof path[0]);
	}
	c->count++;
	return true;
}

static bool votes_statement(struct digest *out, const struct certificate *c, const struct certificate_signer *s, const struct bft_roster *roster)
{
	struct bft_leaf leaf = { .kind = certificate_leaf(c->view, roster, s->member), .seq = c->seq, .digest = c->digest };
	struct digest digest, root;
	votes_leaf_digest(&digest, &leaf);
	if (!merkle_root_from_path(&root, &digest, s->count, s->index, s->path, s->path_count))
		return false;
	votes_digest(out, c->view, s->count, &root);
	return true;
}

/* A checkpoint or a snapshot is signed as the message that it is. */
static enum domain alone_digest(struct digest *out, const struct certificate *c)
{
	uint8_t bytes[8 + 2 * DIGEST_BYTES];
	bool root = c->kind == CERTIFICATE_SNAPSHOT;
	enum domain domain = root ? DOMAIN_SNAPSHOT : DOMAIN_CHECKPOINT;
	struct wr w = wr_of(bytes, sizeof bytes);
	wr_u64(&w, c->seq);
	wr_bytes(&w, c->digest.b, DIGEST_BYTES);
	if (root)
		wr_bytes(&w, c->root.b, DIGEST_BYTES);
	message_digest(out, domain, root ? BFT_MSG_SNAPSHOT : BFT_MSG_CHECKPOINT, bytes, wr_done(&w));
	return domain;
}

bool certificate_statement(struct statement *out, const struct certificate *c, uint32_t i, const struct bft_roster *roster, const struct digest *cluster)
{
	enum domain domain = DOMAIN_VOTES;
	struct digest body;
	if (c->kind != CERTIFICATE_PREPARED)
		domain = alone_digest(&body, c);
	else if (!votes_statement(&body, c, &c->by[i], roster))
		return false;
	statement_make(out, domain, cluster, c->epoch, &body);
	return true;
}

bool certificate_check(const struct certificate *c, const struct bft_roster *roster, const struct digest *cluster, certificate_verify_fn verify, void *arg)
{
	uint32_t good = 0, q = certificate_signers(c->kind, roster);
	if (c->count < q || roster_count(roster) == 0)
		return false;
	for (uint8_t i = 0; i < c->count; i++)
		if (!roster_has(roster, c->by[i].member))
			return false;
	for (uint8_t i = 0; i < c->count && good < q; i++) {
		struct statement s;
		/* No honest holder keeps a signature that does not verify, so the first bad one ends it. */
		if (!certificate_statement(&s, c, i, roster, cluster) || !verify(arg, c->by[i].member, &s, &c->by[i].signature))
			return false;
		good++;
	}
	return good >= q;
}
