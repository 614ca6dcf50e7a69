/* bft/evidence.h - statements of one member that no honest member makes, in a form that anybody with the genesis can check (design section 10).
 *
 *   evidence = "qr/evidence" 16 | u32 1 | cluster 32 | u64 epoch | u16 predicate | u8 culprit | u64 view | u64 seq | u8 count | count * message
 *   message  = u8 form | u32 n | frame n          frame as on the wire: u8 signer | envelope | body; certificates behind the body are left out
 *   forms      0: the body whole   1, VOTES only: one leaf, u64 view | u16 count | u8 index | leaf 41 | path (as long as (count, index) demands)
 *
 * The list of predicates is closed. What they say, only the protocol whose messages these are can judge (struct evidence_rules); here is the file, and what every
 * reader of it needs. */
#ifndef BFT_EVIDENCE_H
#define BFT_EVIDENCE_H
#include "bft/epoch_keys.h"
#include "bft/messages.h"
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
#define EVIDENCE_LEAF_BYTES_MAX (8u + 2u + 1u + BFT_LEAF_BYTES + BFT_LEAF_PATH_MAX * DIGEST_BYTES)

/* In words: "two PREPAREs for one place". */
const char *evidence_text(enum evidence_predicate predicate);
/* In one word, for file names and machines: "two-prepares". */
const char *evidence_name(enum evidence_predicate predicate);

/* The bytes written, 0 when they do not fit. */
size_t evidence_encode(const struct evidence *e, uint8_t *bytes, size_t capacity);
/* NULL, or the reason why these bytes are no evidence. `e` borrows them. */
const char *evidence_decode(struct evidence *e, const uint8_t *bytes, size_t n);

/* One leaf of a VOTES body, as form EVIDENCE_LEAF has it. Requires: index < votes->count. The bytes written. */
size_t evidence_leaf(uint8_t bytes[EVIDENCE_LEAF_BYTES_MAX], const struct bft_votes *votes, uint16_t index);
/* The leaf alone, as a VOTES of one. False: malformed. Requires: its form is EVIDENCE_LEAF. */
bool evidence_leaf_read(const struct evidence_message *m, struct bft_votes *out);

/* As `evidence_leaf_read`, and the digest of the VOTES that was signed. */
bool evidence_leaf_signed(const struct evidence_message *m, struct bft_votes *out, struct digest *signed_digest);

/* Where messages are decoded; too large for a stack. Each protocol has its own. */
struct evidence_room;

/* The messages that the driver holds. */
struct evidence_source {
	void *user;
	/* The one of `signer` with this type and digest, its signature verified; borrowed. False: it is not here. */
	bool (*find)(void *user, uint8_t signer, uint16_t type, const struct digest *digest, struct evidence_message *out);
};

/* What one message says, for people; what it does not name is 0. */
struct evidence_said {
	const char *what, *counted; /* "COMMIT"; what `count` is the number of */
	bool has_view, has_seq, has_digest, has_stable, has_chain, has_root;
	bft_view view;
	bft_seq seq, stable;
	uint32_t count;
	struct digest digest, chain, root;
};

struct evidence_rules { /* of a protocol (bft/core.h): what its members can be convicted of */
	size_t room_bytes;
	/* All of it: the bytes are evidence, of this cluster, every message is signed by whom it names, and they contradict. NULL, or the reason why it proves
	 * nothing. `e` borrows `bytes`. `keys` knows the epoch that it is about: from the chain of epochs, when that is not the first. Requires: the genesis of
	 * `keys` passed genesis_check, `cluster` is its digest. Cost: at most EVIDENCE_MESSAGES_MAX signatures. Threads: any. */
	const char *(*verify)(struct evidence *e, const uint8_t *bytes, size_t n, const struct epoch_keys *keys, const struct digest *cluster,
	                      const struct sign_scheme *scheme, struct evidence_room *room);
	/* The contradiction that a BLAME names by its `reason` and one or two messages (`other` may be NULL): predicate, place and messages of `e`, which borrows from
	 * them and from `room`. False: it cannot be shown. Requires: `m` and `other` are whole, and their signatures were verified. */
	bool (*gather)(struct evidence *e, uint16_t reason, const struct evidence_message *m, const struct evidence_message *other,
	               const struct evidence_source *source, struct evidence_room *room);
	/* False: it is malformed. */
	bool (*say)(struct evidence_said *out, const struct evidence_message *m, struct evidence_room *room);
};
#endif
