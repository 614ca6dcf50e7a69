/* bft/epoch_change.h - what ends an epoch, of one of several kinds: the word of an organization about its replica (readmit.h, rotate.h), of q members about
 * one of them (pass_over.h), of organizations about members and mode (reconfigure.h). */
#ifndef BFT_EPOCH_CHANGE_H
#define BFT_EPOCH_CHANGE_H
#include "bft/bundle.h"
#include "bft/epoch_keys.h"
#include "bft/pass_over.h"
#include "bft/readmit.h"
#include "bft/reconfigure.h"
#include "bft/rotate.h"

struct epoch_change {
	uint8_t kind; /* BUNDLE_READMIT, BUNDLE_ROTATE, BUNDLE_PASS_OVER or BUNDLE_RECONFIGURE */
	union {
		struct readmit readmit;
		struct rotate rotate;
		struct pass_over pass_over;
		struct reconfigure reconfigure;
	};
};
#define EPOCH_CHANGE_BYTES_MAX (1u + RECONFIGURE_BYTES_MAX)
_Static_assert(READMIT_BYTES <= RECONFIGURE_BYTES_MAX && ROTATE_BYTES <= RECONFIGURE_BYTES_MAX && PASS_OVER_BYTES_MAX <= RECONFIGURE_BYTES_MAX, "the longest");

bft_epoch epoch_change_epoch(const struct epoch_change *c); /* that it ends */
/* Those of the epoch before whose key, or number, is not theirs any more: they have no say in it. */
bft_mask epoch_change_touched(const struct epoch_change *c);

/* The operation of a bundle of `kind`. False: malformed, or no such kind. */
bool epoch_change_decode(struct epoch_change *c, uint8_t kind, const uint8_t *bytes, size_t n);
/* u8 kind | operation, where it stands among other things. */
void epoch_change_write(struct wr *w, const struct epoch_change *c);
bool epoch_change_read(struct rd *r, struct epoch_change *c);
/* Appends what it says, without its signatures, for a digest: u8 kind | u64 epoch | u8 member | incarnation, key, or nothing; or
 * what is wanted. */
void epoch_change_said(struct wr *w, const struct epoch_change *c);

/* Whether it may end the epoch that `k` knows as the newest: for that epoch, of a member, signed by that member's organization, or by q others, or by enough
 * organizations; and a new key is a good one that nobody has or had, shown by whoever holds it. Cheap questions first. */
bool epoch_change_holds(const struct epoch_change *c, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster);
/* Who is a member behind it, under which mode. Requires: it holds. */
struct bft_roster epoch_change_roster(const struct epoch_change *c, const struct epoch_keys *k);
/* The epoch that it begins, behind `base`. Requires: it holds. */
void epoch_change_apply(const struct epoch_change *c, struct epoch_keys *k, bft_seq base);
#endif
