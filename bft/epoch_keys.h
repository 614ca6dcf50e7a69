/* bft/epoch_keys.h - the one place that says which key a member has in an epoch, and who leads last in it: what the genesis says, and what was changed since
 * (design sections 3, 5, 7).
 *
 * What was signed in an epoch is checked with that epoch's keys and order, however long ago it was: certificates, receipts and evidence outlive the epoch that
 * they are of. So nothing is forgotten. There is at most one change an epoch, and EPOCH_CHANGES_MAX of keys and EPOCH_ORDERS_MAX of the order in all: execution
 * refuses one more. */
#ifndef BFT_EPOCH_KEYS_H
#define BFT_EPOCH_KEYS_H
#include "bft/genesis.h"

#define EPOCH_CHANGES_MAX 4096u /* one a day for eleven years */
#define EPOCH_ORDERS_MAX 4096u

struct epoch_key_change {
	bft_epoch from; /* the first epoch in which `key` is the member's */
	struct public_key key;
	uint8_t member;
	uint16_t before; /* 1 + index of the member's change before this one; 0: it had the genesis' key */
};

/* From this epoch on. */
struct epoch_order {
	bft_epoch from;
	bft_mask passed; /* who leads last: bft/order.h */
};

/* About 260 KiB. */
struct epoch_keys {
	const struct bft_genesis *genesis; /* borrowed */
	bft_epoch epoch;                   /* the newest that is known; of later ones nothing is */
	bft_seq base;                      /* it began behind this sequence                      */
	uint16_t count;
	uint16_t last[BFT_MEMBERS_MAX]; /* 1 + index of the member's newest change; 0: none */
	struct epoch_key_change change[EPOCH_CHANGES_MAX];
	uint16_t orders;
	struct epoch_order order[EPOCH_ORDERS_MAX];
};

/* The first epoch's. `genesis` stays the caller's. */
void epoch_keys_init(struct epoch_keys *k, const struct bft_genesis *genesis);

/* The key of `member` in `epoch`, to check what it signed there. NULL: no such member, or an epoch that is not known.
 *
 * Cost: constant for a member's newest key; one step more for each change of its key since. Borrowed until `k` changes. */
const struct public_key *epoch_key(const struct epoch_keys *k, uint8_t member, bft_epoch epoch);

/* Who leads last in `epoch` (bft/order.h). 0: nobody does, or that epoch is not known. Cost: one step for each change of the order since. */
bft_mask epoch_passed(const struct epoch_keys *k, bft_epoch epoch);

/* Whether anybody has or had `key`, in whatever role: member, TLS, organization. One key in two roles would let a signature of one stand for the other. */
bool epoch_keys_used(const struct epoch_keys *k, const struct public_key *key);

/* The next epoch begins behind `base`; nothing changes, or the key of `member` (epoch_keys_rotate), or it leads last (epoch_keys_pass). Requires: for a rotation,
 * count < EPOCH_CHANGES_MAX; for a passing over, orders < EPOCH_ORDERS_MAX. */
void epoch_keys_next(struct epoch_keys *k, bft_seq base);
void epoch_keys_rotate(struct epoch_keys *k, bft_seq base, uint8_t member, const struct public_key *key);
void epoch_keys_pass(struct epoch_keys *k, bft_seq base, uint8_t member);
#endif
