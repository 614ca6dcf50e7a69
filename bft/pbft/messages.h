/* bft/pbft/messages.h - what PBFT replicas say to one another, as the core sees it, and the encoding of it to the byte.
 *
 * A VIEW-CHANGE, a CHAIN and a STABLE are followed on the wire by certificates; admission checks those before the core sees the message, so here they are the facts
 * that the certificates prove. */
#ifndef BFT_PBFT_MESSAGES_H
#define BFT_PBFT_MESSAGES_H
#include "bft/types.h"

enum pbft_type {
	PBFT_VOTES = 16,        /* leaves of one replica and wake-up: PRE-PREPARE, PREPARE, COMMIT          (OSDI'99 4.2) */
	PBFT_SUSPECT,           /* not binding: "the leader of this view does not serve me"                 (design 5)    */
	PBFT_VIEW_CHANGE,       /* binding: no vote in a lower view after it                                (OSDI'99 4.4) */
	PBFT_NEW_VIEW,          /* what the new leader re-proposes, from q VIEW-CHANGEs named by digest     (OSDI'99 4.4) */
	PBFT_CHECKPOINT,        /* chain digest after seq                                                   (OSDI'99 4.3) */
	PBFT_SNAPSHOT,          /* state root after seq, durable                                            (design 6)    */
	PBFT_STATUS,            /* what I have and miss; the only cause of a retransmission                 (design 4)    */
	PBFT_RECALL,            /* after a start: tell me what I signed                                     (design 8)    */
	PBFT_RECALL_DONE,       /* that was all that I hold of yours                                        (design 8)    */
	PBFT_FETCH_VIEW_CHANGE, /* the VIEW-CHANGE with this digest, that your NEW-VIEW names              (design 5)    */
	PBFT_FETCH_CHAIN,       /* proposals from `from` to the next checkpoint that you can prove          (design 6)    */
	PBFT_CHAIN,             /* the answer: digests and result roots, proved by a checkpoint certificate (design 6)    */
	PBFT_STABLE,            /* my stable checkpoint, proved by its certificate                  (design 4)    */
	PBFT_PASS_OVER,         /* this member led until f+1 suspected it, again and again           (design 5)    */
	PBFT_TYPE_END,
};

enum pbft_leaf_kind { PBFT_LEAF_PRE_PREPARE = 1, PBFT_LEAF_PREPARE = 2, PBFT_LEAF_COMMIT = 3 };

struct pbft_leaf {
	uint8_t kind;
	bft_seq seq;
	struct digest digest;
};
#define PBFT_LEAF_BYTES 41u

struct pbft_votes {
	bft_view view;
	uint16_t count; /* 1 .. BFT_LEAVES_MAX */
	struct pbft_leaf leaf[BFT_LEAVES_MAX];
};

struct pbft_suspect {
	bft_view view;
	uint8_t standing; /* 0 withdraws it */
};

/* One prepared certificate whose COMMIT its holder decided. */
struct pbft_prepared {
	bft_seq seq;
	bft_view view;
	struct digest digest;
};

struct pbft_view_change {
	bft_view view;       /* the view it asks for                                          */
	bft_seq stable;      /* 0: none yet in this epoch, every voter holds its beginning     */
	struct digest chain; /* at `stable`                                                   */
	uint16_t count;      /* at most W; ascending seq in (stable, stable + W]               */
	struct pbft_prepared prepared[BFT_WINDOW_MAX];
};

struct pbft_new_view {
	bft_view view;
	bft_seq stable;
	struct digest chain;
	uint8_t sources_count; /* q, ascending member */
	struct {
		uint8_t member;
		struct digest digest;
	} source[BFT_MEMBERS_MAX];
	uint16_t count; /* re-proposals for stable+1 .. stable+count */
	struct digest digest[BFT_WINDOW_MAX];
};

struct pbft_checkpoint {
	bft_seq seq;
	struct digest chain;
};

struct pbft_snapshot {
	bft_seq seq;
	struct digest chain, root;
};

enum pbft_status_flag { PBFT_STATUS_CHANGING = 1, PBFT_STATUS_SUSPECTING = 2, PBFT_STATUS_RECALLING = 4, PBFT_STATUS_OBSERVER = 8 };

struct pbft_status {
	bft_view view;
	uint8_t flags;
	bft_seq low, executed;
	bft_mask view_changes; /* held for `view`                                        */
	bft_mask checkpoints;  /* held for low + K                                       */
	bft_seq snapshot;      /* my newest                                              */
	bft_mask snapshots;    /* held that equal it                                     */
	uint16_t count;        /* slots low+1 ..                                           */
	struct {
		bft_mask prepares, commits; /* held in `view`, for what I take to be its proposal */
	} open[BFT_WINDOW_MAX];
};

struct pbft_recall {
	bft_seq stable; /* nothing at or below it is of interest */
};

struct pbft_pass_over {
	uint8_t member;
};

struct pbft_fetch_view_change {
	struct digest digest;
};

struct pbft_fetch_chain {
	bft_seq from;
};

struct pbft_chain {
	bft_seq from;        /* first entry                                                                          */
	uint16_t count;      /* 0: the sender's log no longer reaches back to `from`; then `end` is its stable one   */
	bft_seq end;         /* the checkpoint that proves the entries: from + count - 1                              */
	struct digest chain; /* at `end`, certified                                                                  */
	struct {
		struct digest proposal, results;
	} entry[BFT_WINDOW_MAX];
};

/* STABLE has the body of a CHECKPOINT; a certificate follows it. */

union pbft_body {
	struct pbft_votes votes;
	struct pbft_suspect suspect;
	struct pbft_view_change view_change;
	struct pbft_new_view new_view;
	struct pbft_checkpoint checkpoint;
	struct pbft_snapshot snapshot;
	struct pbft_status status;
	struct pbft_recall recall;
	struct pbft_fetch_view_change fetch_view_change;
	struct pbft_fetch_chain fetch_chain;
	struct pbft_chain chain;
	struct pbft_pass_over pass_over;
};

/* Own records: what a replica must not forget. */
enum pbft_record {
	PBFT_REC_VIEW = 1,    /* {view, entered} in {epoch, base, chain}            */
	PBFT_REC_PREPARE,     /* {view, seq, digest}: PRE-PREPARE or PREPARE decided */
	PBFT_REC_COMMIT,      /* {view, seq, digest} and the prepared certificate    */
	PBFT_REC_VIEW_CHANGE, /* as sent                                             */
	PBFT_REC_NEW_VIEW,    /* as sent or accepted                                 */
	PBFT_REC_CHECKPOINT,
	PBFT_REC_STABLE, /* a checkpoint and its certificate                    */
	PBFT_REC_SNAPSHOT,
	PBFT_REC_CERTIFIED, /* a snapshot and its certificate                      */
	PBFT_REC_EXECUTED,  /* {seq, proposal, chain, results}: nothing waits for it */
};

/* BEGINS: the epoch does; what stands before it in the log was another one's. A log that was cut begins with records of its epoch, and no such word. */
enum pbft_entered { PBFT_VIEW_CHANGES = 0, PBFT_VIEW_ENTERED = 1, PBFT_VIEW_BEGINS = 2 };
struct pbft_rec_view {
	bft_view view;
	uint8_t entered;
	bft_epoch epoch;
	bft_seq base;        /* the border behind which the epoch begins; 0 for the first */
	struct digest chain; /* at `base`                                                 */
};
struct pbft_rec_vote {
	bft_view view;
	bft_seq seq;
	struct digest digest;
};
struct pbft_rec_executed {
	bft_seq seq;
	struct digest proposal, chain, results;
};

/* What a certificate is made of: the driver turns the held messages into signatures and paths. Data of PERSIST for COMMIT, STABLE and CERTIFIED. */
struct pbft_certificate_refs {
	bft_view view; /* 0 for checkpoints and snapshots */
	bft_seq seq;
	struct digest digest, root; /* proposal, or chain and root */
	bft_mask signers;
	bft_ref wire[BFT_MEMBERS_MAX];
	bft_ref whole; /* nonzero: this message carries the certificate already */
};

/* q PASS_OVERs about `member`: the driver turns the held messages into an entry (bft/pass_over.h). Data of PASS_OVER. */
struct pbft_pass_over_refs {
	uint8_t member;
	bft_mask signers;
	bft_ref wire[BFT_MEMBERS_MAX];
};

size_t pbft_decode(uint16_t type, void *body, const uint8_t *bytes, size_t n);
size_t pbft_encode(uint16_t type, const void *body, uint8_t *bytes, size_t capacity);

/* H(body) of a VOTES: view, count and the root of its leaves, so that a leaf can be shown alone with its path. */
void pbft_leaf_digest(struct digest *out, const struct pbft_leaf *leaf);
void pbft_votes_digest(struct digest *out, bft_view view, uint16_t count, const struct digest *root);
void pbft_votes_digest_of(struct digest *out, const struct pbft_votes *votes);
#endif
