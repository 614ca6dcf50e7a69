/* bft/pbft/messages.h - what PBFT replicas say to one another, as the core sees it, and the encoding of it to the byte.
 *
 * A VIEW-CHANGE, a CHAIN and a STABLE are followed on the wire by certificates; admission checks those before the core sees the message, so here they are the facts
 * that the certificates prove. */
#ifndef BFT_PBFT_MESSAGES_H
#define BFT_PBFT_MESSAGES_H
#include "bft/certificate.h"
#include "bft/core.h"

enum pbft_type {
	PBFT_VOTES = BFT_MSG_VOTES,             /* leaves of one replica and wake-up: PRE-PREPARE, PREPARE, COMMIT          (OSDI'99 4.2) */
	PBFT_SUSPECT = 17,                      /* not binding: "the leader of this view does not serve me"                 (design 5)    */
	PBFT_VIEW_CHANGE,                       /* binding: no vote in a lower view after it                                (OSDI'99 4.4) */
	PBFT_NEW_VIEW,                          /* what the new leader re-proposes, from q VIEW-CHANGEs named by digest     (OSDI'99 4.4) */
	PBFT_CHECKPOINT = BFT_MSG_CHECKPOINT,   /* chain digest after seq                                                   (OSDI'99 4.3) */
	PBFT_SNAPSHOT = BFT_MSG_SNAPSHOT,       /* state root after seq, durable                                            (design 6)    */
	PBFT_STATUS = BFT_MSG_STATUS,           /* what I have and miss; the only cause of a retransmission                 (design 4)    */
	PBFT_RECALL = 23,                       /* after a start: tell me what I signed                                     (design 8)    */
	PBFT_RECALL_DONE,                       /* that was all that I hold of yours                                        (design 8)    */
	PBFT_FETCH_VIEW_CHANGE,                 /* the VIEW-CHANGE with this digest, that your NEW-VIEW names              (design 5)    */
	PBFT_FETCH_CHAIN = BFT_MSG_FETCH_CHAIN, /* proposals from `from` to the next checkpoint that you can prove          (design 6)    */
	PBFT_CHAIN = BFT_MSG_CHAIN,             /* the answer: digests and result roots, proved by a checkpoint certificate (design 6)    */
	PBFT_STABLE = BFT_MSG_STABLE,           /* my stable checkpoint, proved by its certificate                  (design 4)    */
	PBFT_PASS_OVER = 29,                    /* this member led until f+1 suspected it, again and again           (design 5)    */
	PBFT_TYPE_END,
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

union pbft_body {
	struct bft_votes votes;
	struct pbft_suspect suspect;
	struct pbft_view_change view_change;
	struct pbft_new_view new_view;
	struct bft_checkpoint checkpoint;
	struct bft_snapshot snapshot;
	struct pbft_status status;
	struct pbft_recall recall;
	struct pbft_fetch_view_change fetch_view_change;
	struct bft_fetch_chain fetch_chain;
	struct bft_chain chain;
	struct pbft_pass_over pass_over;
};

size_t pbft_decode(uint16_t type, void *body, const uint8_t *bytes, size_t n);
size_t pbft_encode(uint16_t type, const void *body, uint8_t *bytes, size_t capacity);

/* For the table (bft/core.h). */
const struct bft_message_row *pbft_message(uint16_t type);
enum bft_auth pbft_needs(uint16_t type, const void *body);
size_t pbft_claims(uint16_t type, const void *body, struct bft_claim out[BFT_CLAIMS_MAX]);

enum domain pbft_domain(uint16_t type);
/* H(body) of any message but VOTES. */
void pbft_body_digest(struct digest *out, uint16_t type, const uint8_t *bytes, size_t n);
#endif
