/* bft/messages.h - what the replicas of every protocol say to one another, and what the driver must know of a message whatever it says.
 *
 * A protocol's other messages have the types around these and are its own business (bft/core.h, `message`). STATUS has one type in all of them, and a body of its
 * own in each. A CHAIN and a STABLE are followed on the wire by certificates; admission checks those before the core sees the message. */
#ifndef BFT_MESSAGES_H
#define BFT_MESSAGES_H
#include "bft/votes.h"

enum bft_message {
	BFT_MSG_VOTES = 16,       /* leaves of one replica and wake-up                                                */
	BFT_MSG_CHECKPOINT = 20,  /* chain digest after seq                                                           */
	BFT_MSG_SNAPSHOT = 21,    /* state root after seq, durable                                         (design 6) */
	BFT_MSG_STATUS = 22,      /* what I have and miss: who says it in an older epoch is shown how that one ended  */
	BFT_MSG_FETCH_CHAIN = 26, /* proposals from `from` to the next checkpoint that you can prove       (design 6) */
	BFT_MSG_CHAIN = 27,       /* the answer: digests and result roots, proved by a checkpoint certificate         */
	BFT_MSG_STABLE = 28,      /* my stable checkpoint, proved by its certificate                       (design 4) */
};
#define BFT_MSG_FIRST 16u /* a protocol's types: what lies outside is the replica's (bft/envelope.h) */
#define BFT_MSG_END 64u

struct bft_checkpoint { /* of CHECKPOINT and of STABLE */
	bft_seq seq;
	struct digest chain;
};

struct bft_snapshot {
	bft_seq seq;
	struct digest chain, root;
};

struct bft_fetch_chain {
	bft_seq from;
};

struct bft_chain {
	bft_seq from;        /* first entry                                                                          */
	uint16_t count;      /* 0: the sender's log no longer reaches back to `from`; then `end` is its stable one   */
	bft_seq end;         /* the checkpoint that proves the entries: from + count - 1                              */
	struct digest chain; /* at `end`, certified                                                                  */
	struct {
		struct digest proposal, results;
	} entry[BFT_WINDOW_MAX];
};

/* A row of a protocol's message table. */
struct bft_message_row {
	bool known;
	bool votes;     /* something is decided by it: before all else on the wire, and never sent without a signature   */
	bool forwarded; /* may come through another member: it proves itself                                            */
	bool bare;      /* the channel alone says who speaks: it is sent without a signature, and none is asked for     */
	bool certified; /* certificates follow the core's part (bft/core.h, `claims`)                                   */
	enum domain domain;
};

/* Bodies of the types above, VOTES included, STATUS not. False, and 0: malformed, of another type, or no room. */
bool message_read(uint16_t type, void *body, struct rd *r);
bool message_write(uint16_t type, const void *body, struct wr *w);

/* H(body) of any message but VOTES: H(domain of its type, u16 type, bytes of the core's part). */
void message_digest(struct digest *out, enum domain domain, uint16_t type, const uint8_t *bytes, size_t n);
#endif
