/* bft/votes.h - many votes under one signature: leaves of a Merkle tree (design section 3).
 *
 *   VOTES = u64 view | u16 count (1..64) | count * leaf          leaf = u8 kind | u64 seq | digest 32
 *
 * What is signed is H(view, count, root of the leaves' digests), so that one leaf can be shown alone with its path: in certificates and in evidence. */
#ifndef BFT_VOTES_H
#define BFT_VOTES_H
#include "bft/codec.h"
#include "bft/types.h"

enum bft_leaf_kind { BFT_LEAF_PRE_PREPARE = 1, BFT_LEAF_PREPARE = 2, BFT_LEAF_COMMIT = 3 };

struct bft_leaf {
	uint8_t kind;
	bft_seq seq;
	struct digest digest;
};
#define BFT_LEAF_BYTES 41u

struct bft_votes {
	bft_view view;
	uint16_t count; /* 1 .. BFT_LEAVES_MAX */
	struct bft_leaf leaf[BFT_LEAVES_MAX];
};

bool votes_leaf_read(struct rd *r, struct bft_leaf *leaf);
void votes_leaf_write(struct wr *w, const struct bft_leaf *leaf);
bool votes_read(struct rd *r, struct bft_votes *votes);
void votes_write(struct wr *w, const struct bft_votes *votes);

void votes_leaf_digest(struct digest *out, const struct bft_leaf *leaf);
/* H(body) of a VOTES, from the root of its leaves; or of one that is whole. */
void votes_digest(struct digest *out, bft_view view, uint16_t count, const struct digest *root);
void votes_digest_of(struct digest *out, const struct bft_votes *votes);
#endif
