/* replica/bodies.h - bundles and proposals in memory, addressed by digest (design section 4, "bodies apart from order").
 *
 * A bundle lives as long as a request or a proposal refers to it. A proposal is whole when each bundle that it names is here and verified. What is whole and in
 * the log may leave memory at any time: whoever needs it again reads it there.
 *
 * A proposal with its bundles, on the wire (PROPOSAL) and in the log:
 *   proposal (bft/proposal.h) | count * (u32 n | signature 64 | bundle n)      in the proposal's order */
#ifndef REPLICA_BODIES_H
#define REPLICA_BODIES_H
#include "bft/bundle.h"
#include "bft/core.h"
#include "bft/proposal.h"
#include "replica/shares.h"

struct bodies;

struct bundle_body {
	struct digest digest;
	struct signature signature; /* zeros: none */
	struct bundle head;         /* points into `bytes`                            */
	const uint8_t *bytes;
	size_t n;
	struct bft_request_id id; /* bodies_request_id                              */
	bool requested;           /* the core holds it as a request                 */
	enum share share;         /* as which its client has it counted             */
	uint32_t refs;
	struct bundle_body *next; /* of its bucket; and of the bucket of its id      */
	struct bundle_body *next_id;
};

struct proposal_body {
	struct digest digest;
	struct bft_proposal head; /* points into `bytes`                            */
	const uint8_t *bytes;
	size_t n, total;              /* total: with its bundles, as in the log         */
	struct bundle_body **bundles; /* head.count; NULL while missing              */
	uint16_t missing;
	uint8_t from; /* who sent it first                              */
	bool invalid; /* breaks a validity rule                         */
	bool wanted;  /* the core waits for it: FETCH                   */
	bool in_use;  /* decided or voted: stays until executed          */
	bool in_log;
	bft_lsn lsn;                         /* until this is durable, memory alone has it: it can be read back only then */
	uint32_t pins;                       /* jobs that work on it                           */
	struct proposal_body *next;          /* of its bucket                    */
	struct proposal_body *older, *newer; /* order of arrival                 */
};

struct bodies_limits {
	uint32_t proposal_bundles_max, proposal_bytes_max;
	size_t bytes_max; /* of all together */
};

/* `null_digest`: that proposal is always here and needs no log. NULL: no memory. */
struct bodies *bodies_create(const struct bodies_limits *limits, const struct digest *cluster);
void bodies_destroy(struct bodies *b);
size_t bodies_bytes(const struct bodies *b);
/* Whether `n` more bytes may come in without being asked for. */
bool bodies_room(const struct bodies *b, size_t n);

/* Names a request for its timer: (session, number); for an opening, which has no session yet, a digest of (key, number) in the number's place. */
void bodies_request_id(struct bft_request_id *out, const struct bundle *head);

/* Whether requests are signed in this epoch: then an unsigned bundle, of a proposal of an earlier one, is not taken for one that a new proposal names. */
void bodies_set_signs(struct bodies *b, bool signs);

struct bundle_body *bodies_find_bundle(const struct bodies *b, const struct digest *digest);
/* The one that the core holds as the request `id`. */
struct bundle_body *bodies_find_request(const struct bodies *b, const struct bft_request_id *id);
/* A bundle whose signature, if it has one, was verified; with one reference that is the caller's. The bytes are copied. What is here unsigned gets the signature.
 * NULL: no memory. */
struct bundle_body *bodies_add_bundle(struct bodies *b, const struct digest *digest, const struct signature *signature, const uint8_t *bytes, size_t n);
void bodies_ref(struct bundle_body *x);
void bodies_unref(struct bodies *b, struct bundle_body *x);
void bodies_set_requested(struct bodies *b, struct bundle_body *x, bool requested);
/* How many the core holds. */
uint32_t bodies_requested(const struct bodies *b);

/* Every bundle that the core holds as a request; false ends it. `visit` may let bundles go, this one too. */
typedef bool (*bodies_request_fn)(void *arg, struct bundle_body *x);
void bodies_each_request(struct bodies *b, bodies_request_fn visit, void *arg);
/* Nothing is wanted or used by the core any more. */
void bodies_forget_core(struct bodies *b);

struct proposal_body *bodies_find_proposal(const struct bodies *b, const struct digest *digest);
/* A proposal's canonical bytes, well-formed (proposal_decode takes all of them). Links the bundles that are here. NULL: no memory. */
struct proposal_body *bodies_add_proposal(struct bodies *b, const struct digest *digest, const uint8_t *bytes, size_t n, uint8_t from);
/* Puts `x` where it is named (with references of its own). */
void bodies_fill(struct bodies *b, struct proposal_body *p, struct bundle_body *x);
/* Whole, and within the limits on its size. */
static inline bool bodies_whole(const struct proposal_body *p)
{
	return p->missing == 0;
}
/* The log is on disk up to `lsn`. */
void bodies_durable(struct bodies *b, bft_lsn lsn);
/* Nobody wants or uses it, and if the log has it, it can be read from there. */
bool bodies_idle(const struct bodies *b, const struct proposal_body *p);
void bodies_remove_proposal(struct bodies *b, struct proposal_body *p);
/* Forgets the oldest proposals that nobody wants or uses while there are more than `count` of them from `from`, or too many bytes. */
void bodies_trim(struct bodies *b, uint8_t from, uint32_t count);
/* Forgets all that nobody wants or uses. */
void bodies_drop_idle(struct bodies *b);
/* The bytes as they stand in the log; `capacity` >= p->total. Requires: whole. */
size_t bodies_encode(const struct proposal_body *p, uint8_t *bytes, size_t capacity);
#endif
