/* bft/raft/messages.h - what Raft replicas say to one another, and the encoding of it to the byte. Nothing here is signed but what every protocol signs: CHECKPOINT
 * and SNAPSHOT (bft/messages.h). The channel says who speaks, and nobody lies. */
#ifndef BFT_RAFT_MESSAGES_H
#define BFT_RAFT_MESSAGES_H
#include "bft/certificate.h"
#include "bft/core.h"

enum raft_type { /* sections: Ongaro's dissertation */
	         RAFT_CHECKPOINT = BFT_MSG_CHECKPOINT,
	         RAFT_SNAPSHOT = BFT_MSG_SNAPSHOT,
	         RAFT_STATUS = BFT_MSG_STATUS,
	         RAFT_FETCH_CHAIN = BFT_MSG_FETCH_CHAIN,
	         RAFT_CHAIN = BFT_MSG_CHAIN,
	         RAFT_STABLE = BFT_MSG_STABLE,
	         RAFT_ASK_VOTE = 32, /* RequestVote, and the question before it               (3.4, 9.6) */
	         RAFT_VOTE,          /* the answer                                                       */
	         RAFT_APPEND,        /* AppendEntries; without entries a heartbeat                 (3.5) */
	         RAFT_ACK,           /* the answer: what is durable here, or where the logs part   (3.5) */
	         RAFT_ASK_READ,      /* from which sequence on may I answer a read?                (6.4) */
	         RAFT_READ_AT,       /* the answer                                                       */
	         RAFT_TIMEOUT_NOW,   /* leadership transfer: campaign at once                     (3.10) */
	         RAFT_TYPE_END,
};

enum raft_ask { RAFT_ASK_REAL = 0, RAFT_ASK_PRE = 1, RAFT_ASK_TRANSFER = 2 };
struct raft_ask_vote {
	bft_view term; /* that it would have, or has */
	uint8_t kind;
	bft_view last_term; /* 0: settled, its term is not known */
	bft_seq last, commit;
};

/* Intact and missing entries are a yes or a no; whose log is damaged can say neither. */
enum raft_answer { RAFT_NO = 0, RAFT_YES = 1, RAFT_DAMAGED = 2 };
struct raft_vote {
	bft_view term;    /* of the question */
	bft_view current; /* of who answers  */
	uint8_t kind, answer;
};

#define RAFT_ENTRIES_MAX 64u /* in one APPEND */
struct raft_append {
	bft_view term;
	uint64_t round; /* counted up by the leader: an ACK names it           */
	bft_seq prev;
	bft_view prev_term; /* 0: settled, its term is not known to the leader */
	bft_seq commit;
	uint16_t count;
	struct {
		bft_view term;
		struct digest digest;
	} entry[RAFT_ENTRIES_MAX];
};

enum raft_ack_kind { RAFT_ACK_MATCH = 0, RAFT_ACK_CONFLICT = 1 };
struct raft_ack {
	bft_view term;
	uint64_t round; /* of the APPEND that it answers                                               */
	uint8_t kind;
	uint8_t learner;        /* my memory is damaged: I take entries, and do not count                      */
	bft_seq match;          /* durable here, and the same as the leader's; of a CONFLICT: where the conflicting term begins here */
	bft_view conflict_term; /* of my entry at `prev`; 0: my log is shorter                                 */
};

struct raft_read {
	bft_view term;
	uint64_t id;
	bft_seq seq; /* of READ_AT */
};

struct raft_timeout_now {
	bft_view term;
};

struct raft_status {
	bft_view term;
	bft_seq low, executed;
	bft_mask checkpoints; /* held for low + K      */
	bft_seq snapshot;     /* my newest             */
	bft_mask snapshots;   /* held that equal it    */
};

union raft_body {
	struct bft_checkpoint checkpoint;
	struct bft_snapshot snapshot;
	struct bft_fetch_chain fetch_chain;
	struct bft_chain chain;
	struct raft_status status;
	struct raft_ask_vote ask_vote;
	struct raft_vote vote;
	struct raft_append append;
	struct raft_ack ack;
	struct raft_read read;
	struct raft_timeout_now timeout_now;
};

size_t raft_decode(uint16_t type, void *body, const uint8_t *bytes, size_t n);
size_t raft_encode(uint16_t type, const void *body, uint8_t *bytes, size_t capacity);

/* For the table (bft/core.h). */
const struct bft_message_row *raft_message(uint16_t type);
enum bft_auth raft_needs(uint16_t type, const void *body);
#endif
