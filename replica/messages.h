/* replica/messages.h - the messages that the core holds: envelope and body, counted (bft/core.h, HOLD and RELEASE).
 *
 * A ref names an entry until nothing holds it any more. Bounded by what the core can hold: a vote for each member and place in the window. */
#ifndef REPLICA_MESSAGES_H
#define REPLICA_MESSAGES_H
#include "bft/core.h"
#include "crypto/sign.h"

struct messages;

struct message {
	uint8_t signer;
	bool verified; /* its signature over the statement was checked, or is ours */
	uint16_t type;
	bft_epoch epoch;
	struct digest digest; /* H(core's part of the body) */
	struct signature signature;
	const uint8_t *body; /* owned by the table */
	size_t body_bytes, core_bytes;
};

/* At most `max` entries. NULL: no memory. */
struct messages *messages_create(uint32_t max);
void messages_destroy(struct messages *ms);
/* Copies the message with its body. 0 when the table is full or memory is short. The entry lives until messages_drop finds it unheld. */
bft_ref messages_add(struct messages *ms, const struct message *m);
const struct message *messages_at(const struct messages *ms, bft_ref ref);
/* The message of `signer` with this type and digest; 0 when it is not held. Looks at all. */
bft_ref messages_find(const struct messages *ms, uint8_t signer, uint16_t type, const struct digest *digest);
void messages_set_verified(struct messages *ms, bft_ref ref);
void messages_hold(struct messages *ms, bft_ref ref, bft_seq seq);
void messages_release(struct messages *ms, bft_ref ref, bft_seq seq);
/* Drops all holds for sequences up to `seq`. */
void messages_stable(struct messages *ms, bft_seq seq);
/* Drops all holds but those for `kept`. */
void messages_forget(struct messages *ms, bft_seq kept);
/* Frees the entry unless it is held. */
void messages_drop(struct messages *ms, bft_ref ref);
uint32_t messages_count(const struct messages *ms);
#endif
