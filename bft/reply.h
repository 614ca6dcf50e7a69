/* bft/reply.h - what comes back to a client: results, and the signatures over them (design section 9).
 *
 *   result     = u64 session | u64 number | u8 status | u16 count | count * (u32 n | n bytes)
 *   leaf       = H(DOMAIN_RESULT, u64 seq | bundle digest 32 | result)       that request was executed there, and this came of it
 *   REPLY      = u64 view | u64 seq | bundle digest 32 | proposal 32 | chain 32 | u16 count | u16 index | path | result
 *                signed: (DOMAIN_REPLY, cluster, epoch, H(seq, proposal, chain, count, root of the leaves)), once for the whole proposal
 *   REPLY_LATE = u64 view | u64 seq | bundle digest 32 | result      signed: (DOMAIN_RESULT_LATE, cluster, epoch, H(leaf)), or not at
 *                all, when the request was not
 *   REFUSED    = u64 session | u64 number | u8 reason         an opinion of one replica, not a result
 *
 * The digest is that of the request that was executed under (session, number), which need not be the one that was asked about: a client can sign two. f+1
 * replicas that say the same leaf are an answer; both forms say it, so they may be counted together. `view` is a hint who leads. In an opening's result, session
 * is 0 and number the client's choice, so that it is found again; its one value is the u64 session. */
#ifndef BFT_REPLY_H
#define BFT_REPLY_H
#include "bft/codec.h"
#include "bft/types.h"
#include "crypto/merkle.h"
#include "crypto/sign.h"

/* How a bundle ended, the same on every replica. */
enum result_status {
	RESULT_DONE = 0,       /* executed: one value for each operation                                        */
	RESULT_TOO_OLD = 1,    /* the session's window has passed that number; whether it was executed is unknown here */
	RESULT_NO_SESSION = 2, /* no such session, or another key's: closed, evicted, never opened. Not executed  */
	RESULT_QUOTA = 3,      /* this key may have no more: state or sessions. Not executed                     */
	RESULT_VOID = 4,       /* the opening's time had passed, or lies too far ahead. Not executed             */
	RESULT_AFTER = 5,      /* the predecessor was not executed before it. Not executed                       */
	RESULT_LATER = 6,      /* a snapshot was made less than ten seconds ago                                  */
	RESULT_TOO_LARGE = 7,  /* the results would not fit into a reply. Nothing of the bundle was kept         */
	RESULT_PENDING = 8,    /* another change of the epoch is on its way                                     */
	RESULT_FORBIDDEN = 9,  /* the member's organization has not signed this, for this epoch                 */
	RESULT_STATUS_END,
};

/* Why one replica refuses a request before it is ordered. */
enum refusal {
	REFUSAL_MALFORMED = 1,
	REFUSAL_SIGNATURE,
	REFUSAL_BUSY,     /* my tables are full: ask again later  */
	REFUSAL_OBSERVER, /* I do not take part: ask the others   */
	REFUSAL_SPACE,    /* my disk is full: ask again later     */
	REFUSAL_LARGE,    /* no proposal of this cluster can hold it */
	REFUSAL_UNSIGNED, /* the epoch's mode asks for a signature: sign it, and send it again */
	REFUSAL_END,
};
const char *result_text(uint8_t status);
const char *refusal_text(uint8_t reason);

struct result {
	uint64_t session, number;
	uint8_t status;
	uint16_t count;
	const uint8_t *values; /* borrowed: count * (u32 n | n bytes) */
	size_t values_bytes;
};
#define RESULT_HEAD_BYTES 19u
#define RESULT_BYTES_MAX ((2u << 20) - 64u) /* of one bundle: larger ones become RESULT_TOO_LARGE */

bool result_decode(struct result *out, const uint8_t *bytes, size_t n);
size_t result_encode(const struct result *r, uint8_t *bytes, size_t capacity);
/* A leaf under the reply root. `seq` is where the bundle was executed: of a repeated one, below the proposal's own. */
void result_leaf(struct digest *out, bft_seq seq, const struct digest *bundle, const uint8_t *bytes, size_t n);
/* The root over `count` leaves; what a proposal without a bundle has is a constant. It enters the chain. */
void results_root(struct digest *out, const struct digest *leaves, uint32_t count);

/* Where a leaf stands under the root of its proposal. */
struct reply_place {
	struct digest proposal, chain; /* chain: behind the proposal */
	uint16_t count, index;
	uint32_t path_count;
	struct digest path[MERKLE_PATH_MAX];
};
#define REPLY_PLACE_BYTES_MAX (32u + 32u + 2u + 2u + DIGEST_BYTES * MERKLE_PATH_MAX)
bool reply_place_read(struct rd *r, struct reply_place *out);
void reply_place_write(struct wr *w, const struct reply_place *p);

struct reply {
	bft_view view;
	bft_seq seq;
	struct digest bundle;     /* what was executed under the result's number */
	struct reply_place place; /* not of REPLY_LATE */
	const uint8_t *result;
	size_t result_bytes;
};

/* False when malformed. `late` selects the form; of REPLY_LATE only view, seq, bundle and result are filled. */
bool reply_decode(struct reply *out, bool late, const uint8_t *bytes, size_t n);
/* The part before the result; append that after it. */
size_t reply_head_encode(const struct reply *r, bool late, uint8_t *bytes, size_t capacity);
#define REPLY_LATE_HEAD_BYTES (8u + 8u + 32u)
#define REPLY_HEAD_BYTES_MAX (REPLY_LATE_HEAD_BYTES + REPLY_PLACE_BYTES_MAX)
/* What the signature covers. False when the path does not lead to a root. */
bool reply_statement(struct statement *out, const struct digest *cluster, bft_epoch epoch, const struct reply *r, bool late);
void reply_root_statement(struct statement *out, const struct digest *cluster, bft_epoch epoch, bft_seq seq, const struct digest *proposal,
                          const struct digest *chain, uint16_t count, const struct digest *root);
/* The root form by one of its leaves. False when the path does not lead to a root. */
bool reply_leaf_statement(struct statement *out, const struct digest *cluster, bft_epoch epoch, bft_seq seq, const struct reply_place *place,
                          const struct digest *leaf);
void reply_late_statement(struct statement *out, const struct digest *cluster, bft_epoch epoch, const struct digest *leaf);
#endif
