#include "bft/votes.h"

#include "crypto/merkle.h"

bool votes_leaf_read(struct rd *r, struct bft_leaf *leaf)
{
	return rd_u8(r, &leaf->kind) && leaf->kind >= BFT_LEAF_PRE_PREPARE && leaf->kind <= BFT_LEAF_COMMIT && rd_u64(r, &leaf->seq) &&
	       leaf->seq <= BFT_SEQ_MAX && leaf->seq > 0 && rd_bytes(r, leaf->digest.b, DIGEST_BYTES);
}

void votes_leaf_write(struct wr *w, const struct bft_leaf *leaf)
{
	wr_u8(w, leaf->kind);
	wr_u64(w, leaf->seq);
	wr_bytes(w, leaf->digest.b, DIGEST_BYTES);
}

bool votes_read(struct rd *r, struct bft_votes *votes)
{
	if (!rd_u64(r, &votes->view) || votes->view > BFT_VIEW_MAX || !rd_u16(r, &votes->count) || votes->count == 0 || votes->count > BFT_LEAVES_MAX)
		return false;
	for (uint16_t i = 0; i < votes->count; i++)
		if (!votes_leaf_read(r, &votes->leaf[i]))
			return false;
	return true;
}

void votes_write(struct wr *w, const struct bft_votes *votes)
{
	wr_u64(w, votes->view);
	wr_u16(w, votes->count);
	for (uint16_t i = 0; i < votes->count; i++)
		votes_leaf_write(w, &votes->leaf[i]);
}

void votes_leaf_digest(struct digest *out, const struct bft_leaf *leaf)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_LEAF);
	digest_add(&ctx, &leaf->kind, 1);
	digest_add_u64(&ctx, leaf->seq);
	digest_add(&ctx, leaf->digest.b, sizeof leaf->digest.b);
	digest_end(&ctx, out);
}

void votes_digest(struct digest *out, bft_view view, uint16_t count, const struct digest *root)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_VOTES);
	digest_add_u64(&ctx, view);
	digest_add_u16(&ctx, count);
	digest_add(&ctx, root->b, sizeof root->b);
	digest_end(&ctx, out);
}

void votes_digest_of(struct digest *out, const struct bft_votes *votes)
{
	struct digest leaves[BFT_LEAVES_MAX], root;
	for (uint16_t i = 0; i < votes->count; i++)
		votes_leaf_digest(&leaves[i], &votes->leaf[i]);
	merkle_root(&root, leaves, votes->count);
	votes_digest(out, votes->view, votes->count, &root);
}
