/* bft/epoch_keys.h - the one place that says who the members of an epoch are, under which mode, with which keys, and who leads last: what the genesis says, and
 * what was changed since (design sections 3, 5, 7).
 *
 * What was signed in an epoch is checked with that epoch's members, keys and order, however long ago it was: certificates, receipts and evidence outlive the epoch
 * that they are of. So nothing is forgotten. There is at most one change an epoch, and so many of each kind in all: execution refuses one more. */
#ifndef BFT_EPOCH_KEYS_H
#define BFT_EPOCH_KEYS_H
#include "bft/genesis.h"
#include "bft/roster.h"

#define EPOCH_CHANGES_MAX 4096u /* of keys: one a day for eleven years */
#define EPOCH_ROSTERS_MAX 4096u
#define EPOCH_CARDS_MAX 256u

struct epoch_key_change {
	bft_epoch from; /* the first epoch in which `key` is the member's */
	struct public_key key;
	uint8_t member;
	uint16_t before; /* 1 + index of the member's change before this one; 0: it had the genesis' key */
};

/* A member that was not in the genesis, or took another's place. */
struct epoch_card {
	bft_epoch from;
	uint8_t member;
	uint16_t before;
	struct bft_card card;
};

/* From this epoch on. */
struct epoch_roster {
	bft_epoch from;
	struct bft_roster is;
};

/* About 650 KiB. */
struct epoch_keys {
	const struct bft_genesis *genesis; /* borrowed */
	bft_epoch epoch;                   /* the newest that is known; of later ones nothing is */
	bft_seq base;                      /* it began behind this sequence                      */
	uint16_t count;
	uint16_t last[BFT_MEMBERS_MAX]; /* 1 + index of the member's newest change; 0: none */
	struct epoch_key_change change[EPOCH_CHANGES_MAX];
	uint16_t rosters;
	struct epoch_roster roster[EPOCH_ROSTERS_MAX];
	uint16_t cards;
	uint16_t last_card[BFT_MEMBERS_MAX];
	struct epoch_card card[EPOCH_CARDS_MAX];
};

/* The first epoch's. `genesis` stays the caller's. What is in use alone is written: the tables are large, and mostly empty. */
void epoch_keys_init(struct epoch_keys *k, const struct bft_genesis *genesis);

/* Who are the members in `epoch`, and who of them leads last. An epoch that is not known has none.
 *
 * Cost: one step for each change of them since. */
struct bft_roster epoch_roster(const struct epoch_keys *k, bft_epoch epoch);
static inline bft_mask epoch_passed(const struct epoch_keys *k, bft_epoch epoch)
{
	return epoch_roster(k, epoch).passed;
}
/* Of the newest epoch. */
struct bft_roster epoch_roster_now(const struct epoch_keys *k);

/* The key of `member` in `epoch`, to check what it signed there. NULL: no such member, or an epoch that is not known.
 *
 * Cost: constant for a member's newest key; one step more for each change of its key since. Borrowed until `k` changes. */
const struct public_key *epoch_key(const struct epoch_keys *k, uint8_t member, bft_epoch epoch);

/* The card of `member` in `epoch`: its organization, its addresses, its TLS key; the member key may have been changed since (epoch_key). NULL: no such member, or an
 * epoch that is not known. Borrowed until `k` changes. */
const struct bft_card *epoch_card(const struct epoch_keys *k, uint8_t member, bft_epoch epoch);
/* The last that has or had this number; NULL: nobody ever had. For words about somebody who may have left. */
const struct bft_card *epoch_card_last(const struct epoch_keys *k, uint8_t member);

/* Whether anybody has or had `key`, in whatever role: member, TLS, organization. One key in two roles would let a signature of one stand for the other. */
bool epoch_keys_used(const struct epoch_keys *k, const struct public_key *key);

/* The next epoch begins behind `base`; nothing changes, or the key of `member` (epoch_keys_rotate), or it leads last (epoch_keys_pass). Requires: for a rotation,
 * count < EPOCH_CHANGES_MAX; for a passing over, rosters < EPOCH_ROSTERS_MAX. */
void epoch_keys_next(struct epoch_keys *k, bft_seq base);
void epoch_keys_rotate(struct epoch_keys *k, bft_seq base, uint8_t member, const struct public_key *key);
void epoch_keys_pass(struct epoch_keys *k, bft_seq base, uint8_t member);

/* Other members, another mode. In this order: epoch_keys_next; epoch_keys_seat for each number that somebody gets; epoch_keys_roster. Requires: room, which
 * epoch_keys_room says there is. */
bool epoch_keys_room(const struct epoch_keys *k, uint32_t cards);
void epoch_keys_seat(struct epoch_keys *k, uint8_t member, const struct bft_card *card);
void epoch_keys_roster(struct epoch_keys *k, const struct bft_roster *roster);
#endif
