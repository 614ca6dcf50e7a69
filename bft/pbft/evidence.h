/* bft/pbft/evidence.h - statements of one member that no honest member makes, in a form that anybody with the genesis can check (design section 10).
 *
 *   evidence = "qr/evidence" 16 | u32 1 | cluster 32 | u64 epoch | u16 predicate | u8 culprit | u64 view | u64 seq | u8 count | count * message
 *   message  = u8 form | u32 n | frame n          frame as on the wire: u8 signer | envelope | body; certificates behind the body are left out
 *   forms      0: the body whole   1, VOTES only: one leaf, u64 view | u16 count | u8 index | leaf 41 | path (as long as (count, index) demands)
 *
 * The list of predicates is closed. Each is a function of the bytes and of the genesis; none depends on a clock, on a state, or on comparing signatures, of which
 * a signer can make any number for one statement. What a flipped bit in an honest member's memory can cause (a chain or a state that is outvoted) is not in it. */
#ifndef BFT_PBFT_EVIDENCE_H
#define BFT_PBFT_EVIDENCE_H
#include "bft/epoch_keys.h"
#include "bft/pbft/messages.h"
#include "crypto/sign.h"

/* What stands in `view` and `seq`, the place; what is not named is 0. */
enum evidence_predicate {
	EVIDENCE_TWO_PRE_PREPARES = 1, /* view, seq: leaves of one kind with different digests                               */
	EVIDENCE_TWO_PREPARES,
	EVIDENCE_TWO_COMMITS,
	EVIDENCE_TWO_CHECKPOINTS,  /* seq                                                                               */
	EVIDENCE_TWO_SNAPSHOTS,    /* seq                                                                               */
	EVIDENCE_TWO_VIEW_CHANGES, /* view                                                                              */
	EVIDENCE_TWO_NEW_VIEWS,    /* view                                                                              */
	EVIDENCE_HIDDEN_COMMIT,    /* view, seq of a COMMIT, then a VIEW-CHANGE for a higher view that does not show it */
	EVIDENCE_NOT_REPROPOSED,   /* view, seq of a PRE-PREPARE, then its signer's NEW-VIEW, which says otherwise      */
	EVIDENCE_FALSE_NEW_VIEW,   /* view: a NEW-VIEW, then the VIEW-CHANGEs that it names, from which another follows; */
				   /* alone when no VIEW-CHANGE is needed to see that it is false                       */
	EVIDENCE_PREDICATE_END,
};

enum evidence_form { EVIDENCE_WHOLE = 0, EVIDENCE_LEAF = 1 };

struct evidence_message {
	enum evidence_form form;
	uint8_t signer;
	uint16_t type;
	struct signature signature;
	const uint8_t *body; /* borrowed */
	size_t n;
};
#define EVIDENCE_MESSAGES_MAX (1u + BFT_MEMBERS_MAX)

struct evidence {
	struct digest cluster;
	bft_epoch epoch;
	enum evidence_predicate predicate;
	uint8_t culprit;
	bft_view view;
	bft_seq seq;
	uint8_t count;
	struct evidence_message message[EVIDENCE_MESSAGES_MAX];
};
#define EVIDENCE_HEAD_BYTES (16u + 4u + 32u + 8u + 2u + 1u + 8u + 8u + 1u)
#define EVIDENCE_BYTES_MAX (1u << 20)
#define EVIDENCE_LEAF_BYTES_MAX (8u + 2u + 1u + PBFT_LEAF_BYTES + BFT_LEAF_PATH_MAX * DIGEST_BYTES)

/* Where messages are decoded; too large for a stack. Contents are nobody's business. */
struct evidence_room {
	struct pbft_votes votes[2];
	struct pbft_new_view new_view[2];
	struct pbft_view_change view_change[BFT_MEMBERS_MAX];
	union pbft_body body;
};

/* In words: "two PREPAREs for one place". */
const char *evidence_text(enum evidence_predicate predicate);
/* In one word, for file names and machines: "two-prepares". */
const char *evidence_name(enum evidence_predicate predicate);

/* The bytes written, 0 when they do not fit. */
size_t evidence_encode(const struct evidence *e, uint8_t *bytes, size_t capacity);
/* NULL, or the reason why these bytes are no evidence. `e` borrows them. */
const char *evidence_decode(struct evidence *e, const uint8_t *bytes, size_t n);

/* One leaf of a VOTES body, as form EVIDENCE_LEAF has it. Requires: index < votes->count. The bytes written. */
size_t evidence_leaf(uint8_t bytes[EVIDENCE_LEAF_BYTES_MAX], const struct pbft_votes *votes, uint16_t index);
/* The leaf alone, as a VOTES of one. False: malformed. Requires: its form is EVIDENCE_LEAF. */
bool evidence_leaf_read(const struct evidence_message *m, struct pbft_votes *out);

/* What the messages say is a contradiction, if they are signed: NULL, or the reason why it is none. `passed`: who led last in that epoch. */
const char *evidence_holds(const struct evidence *e, const struct bft_genesis *g, bft_mask passed, struct evidence_room *room);
/* The statement that message `i` is signed over. False: its body is malformed. */
bool evidence_statement(struct statement *out, const struct evidence *e, uint32_t i, struct evidence_room *room);

/* All of it: the bytes are evidence, of this cluster, every message is signed by whom it names, and they contradict. NULL, or the reason why it proves nothing.
 * `e` borrows `bytes`. `keys` knows the epoch that it is about: from the chain of epochs, when that is not the first. Requires: the genesis of `keys` passed
 * genesis_check, `cluster` is its digest. Cost: at most EVIDENCE_MESSAGES_MAX signatures. Threads: any. */
const char *evidence_verify(struct evidence *e, const uint8_t *bytes, size_t n, const struct epoch_keys *keys, const struct digest *cluster,
                            const struct sign_scheme *scheme, struct evidence_room *room);
/* A VIEW-CHANGE that its signer cannot send when it has sent a COMMIT for (view, seq, digest): it must show that certificate, or one of a higher view, unless its
 * stable checkpoint covers the place. */
bool evidence_hides(const struct pbft_view_change *vc, bft_view view, bft_seq seq, const struct digest *digest);
#endif
