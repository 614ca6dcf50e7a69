/* replica/execution/execution.h - carrying out what was agreed, in order: sessions, the application, results, the chain (design sections 4, 6, 9).
 *
 * Deterministic: everything follows from the proposals and the state. What this machine fails at (disk, memory, the application's own error) is never a result:
 * it is final, and the replica stops. */
#ifndef REPLICA_EXECUTION_EXECUTION_H
#define REPLICA_EXECUTION_EXECUTION_H
#include "bft/genesis.h"
#include "bft/reply.h"
#include "quorate.h"
#include "replica/bodies.h"
#include "replica/execution/epochs.h"
#include "replica/execution/sessions.h"
#include "replica/state/state.h"

struct execution;

/* One bundle's end. */
struct execution_result {
	struct bft_request_id id;
	const struct bundle_body *bundle;
	uint64_t seq;         /* where it was executed: lower than the proposal's for a repeated one */
	struct digest digest; /* of what was executed: of a repeated one, the first bundle under that number */
	bool repeated;
	size_t at, n; /* of the result's bytes in `bytes` */
};
struct executed {
	bft_seq seq;
	struct digest proposal, root, chain; /* root: of the results; chain: after it */
	uint16_t count;
	struct execution_result result[BFT_PROPOSAL_BUNDLES_MAX];
	struct bft_request_id ids[BFT_PROPOSAL_BUNDLES_MAX];
	struct digest leaf[BFT_PROPOSAL_BUNDLES_MAX];
	const uint8_t *bytes; /* valid until the next execution */
};

/* `state`, `genesis`, `scheme` and `app` stay the caller's. The execution stands where the state's snapshot does. NULL: no memory. */
struct execution *execution_create(struct state *state, const struct bft_genesis *genesis, const struct sign_scheme *scheme, const struct digest *cluster,
                                   const struct quorate_app *app);
void execution_destroy(struct execution *x);

bft_seq execution_seq(const struct execution *x);
const struct digest *execution_chain(const struct execution *x);
uint64_t execution_time_ms(const struct execution *x);
/* The epoch of what is executed next, and the border that is pending. */
const struct epochs *execution_epochs(const struct execution *x);

/* Executes the proposal `p`, whole, at execution_seq + 1. False: this machine failed (execution_trouble); nothing may be executed any more. */
bool execution_run(struct execution *x, const struct proposal_body *p, struct executed *out);
/* Why. */
const char *execution_trouble(const struct execution *x);

/* Carries out an operation that changes nothing, on the state as it is. False: the application does not take it for one, it does not fit into a reply, or it
 * tried to change something. `*value` is borrowed until the next call of anything here. */
bool execution_read(struct execution *x, const struct public_key *client, const uint8_t *op, size_t n, const uint8_t **value, size_t *value_bytes);

/* A snapshot is due at this sequence (0: none is). Execution must not go on above it before execution_snapshot. */
bft_seq execution_snapshot_due(const struct execution *x);
/* Commits the state as of execution_seq. Requires: the log is durable through it. */
bool execution_snapshot(struct execution *x);
struct state_meta execution_snapshot_meta(const struct execution *x);
/* What the state says of a request now, for retransmissions. The answer is borrowed until the next execution. False: this machine failed. */
bool execution_lookup(struct execution *x, const struct bundle *b, struct session_answer *out);
#endif
