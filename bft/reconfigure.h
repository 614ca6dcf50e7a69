/* bft/reconfigure.h - the word of organizations that the cluster has other members, or another mode, from the next epoch on (design section 7).
 *
 *   reconfigure = u64 epoch | u8 kind | what | u8 approvals | approvals * (organization key 32 | signature 64)       ascending by key
 *   what        = MEMBERS: u8 seats | seats * (u8 member | u8 taken | taken: card)        ascending by member        MODE: u8 mode
 *   statement   = (DOMAIN_RECONFIGURE, cluster, epoch, H(DOMAIN_RECONFIGURE, u8 kind | what)), by the key of an organization that has a member in that epoch
 *
 * The one operation of a bundle of kind BUNDLE_RECONFIGURE: there it carries some approvals, one mostly. Execution gathers them until there are enough; the change
 * that the chain of epochs tells of carries them all. It names the epoch that it ends, so it is of no use twice, and of two that are wanted at once one is left. */
#ifndef BFT_RECONFIGURE_H
#define BFT_RECONFIGURE_H
#include "bft/codec.h"
#include "bft/epoch_keys.h"
#include "crypto/sign.h"

enum reconfigure_kind { RECONFIGURE_MEMBERS = 1, RECONFIGURE_MODE = 2 };

#define RECONFIGURE_SEATS_MAX 4u /* members that come, go or are replaced by one change */

struct reconfigure_seat {
	uint8_t member;
	bool taken; /* by `card`; else nobody has that number any more */
	struct bft_card card;
};
struct reconfigure_approval {
	struct public_key org;
	struct signature signature;
};
struct reconfigure {
	bft_epoch epoch;
	uint8_t kind;
	uint8_t mode; /* MODE: enum bft_mode */
	uint8_t seats;
	struct reconfigure_seat seat[RECONFIGURE_SEATS_MAX];
	uint8_t approvals;
	struct reconfigure_approval by[BFT_MEMBERS_MAX];
};
#define RECONFIGURE_WHAT_BYTES_MAX (1u + 1u + RECONFIGURE_SEATS_MAX * (2u + BFT_CARD_BYTES_MAX))
#define RECONFIGURE_BYTES_MAX (8u + RECONFIGURE_WHAT_BYTES_MAX + 1u + BFT_MEMBERS_MAX * (PUBLIC_KEY_BYTES + SIGNATURE_BYTES))

/* What is wanted, without who wants it: its name. */
void reconfigure_digest(struct digest *out, const struct reconfigure *r);
void reconfigure_statement(struct statement *out, const struct reconfigure *r, const struct digest *cluster);
/* u8 kind | what */
void reconfigure_write_what(struct wr *w, const struct reconfigure *r);

size_t reconfigure_encode(const struct reconfigure *r, uint8_t *bytes, size_t capacity);
/* Reads one and leaves `rd` behind it. False: malformed; no signature is looked at. */
bool reconfigure_read(struct rd *rd, struct reconfigure *r);
bool reconfigure_decode(struct reconfigure *r, const uint8_t *bytes, size_t n);
/* In its place among the others, once. False: that organization has approved already. */
bool reconfigure_add(struct reconfigure *r, const struct public_key *org, const struct signature *signature);

/* Who would be members, under which mode. */
struct bft_roster reconfigure_roster(const struct reconfigure *r, const struct epoch_keys *k);
/* Whose number is another's afterwards, or nobody's. */
bft_mask reconfigure_touched(const struct reconfigure *r);
/* How many cards it brings: only these take room in the chain of epochs (epoch_keys_room). */
uint32_t reconfigure_cards(const struct reconfigure *r);

/* Whether it may be, whoever approves: keys and cards are good and new, enough members remain to go on without those who come, the mode allows so many. NULL, or the
 * reason. Cost: two signatures for each card. */
const char *reconfigure_check(const struct reconfigure *r, const struct epoch_keys *k, const struct sign_scheme *scheme);
/* Whether every approval is of an organization that has a member, and its signature true. */
bool reconfigure_signed(const struct reconfigure *r, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster);

/* How far it is: of a change of the mode, organizations of all; of one of the members, members of those organizations that approve, of a quorum. */
struct reconfigure_progress {
	uint32_t have, need;
};
struct reconfigure_progress reconfigure_progress(const struct reconfigure *r, const struct epoch_keys *k);

/* All of the above, and enough: it may end the epoch that `k` knows as the newest. */
bool reconfigure_holds(const struct reconfigure *r, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster);
/* Requires: it holds. */
void reconfigure_apply(const struct reconfigure *r, struct epoch_keys *k, bft_seq base);
#endif
