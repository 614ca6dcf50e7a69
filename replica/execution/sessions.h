/* replica/execution/sessions.h - exactly-once: sessions and their results, part of the replicated state (design section 9).
 *
 * In the namespace STATE_SESSION, numbers big-endian so that the order of bytes is theirs:
 *   'S' session 8             -> client key 32
 *   'R' session 8 | slot 2    -> u64 number | u64 seq | bundle digest 32 | result
 *                                slot = number % session_window: one record for each bundle of the window. Of two bundles under one number the first that was
 *                                executed has it, and the second is answered with it.
 *   'K' client key 32 | session 8 -> (empty)                            a key's sessions, oldest first
 *   'O' client key 32 | number 8  -> u64 session | u64 seq | bundle digest 32   an opening, remembered until it is void
 *   'V' void_ms 8 | client key 32 | number 8 -> (empty)                 when
 *
 * Everything here is judged at execution, from the state alone, so that all replicas judge alike. Errors: local failures of the state only. */
#ifndef REPLICA_EXECUTION_SESSIONS_H
#define REPLICA_EXECUTION_SESSIONS_H
#include "bft/bundle.h"
#include "bft/reply.h"
#include "replica/state/state.h"

#define SESSION_VOID_MS_MAX 60000u /* how far ahead of agreed time an opening may be void */

struct session_limits {
	uint32_t window, sessions_per_key;
	uint64_t state_bytes;
};

/* What the state says about a bundle before it is executed. */
enum session_judgement {
	SESSION_FRESH,    /* execute it                                                                   */
	SESSION_REPEATED, /* `result` (borrowed from the state) is its record: of `bundle`, executed at `seq` */
	SESSION_REFUSED,  /* `status` says why                                                            */
};
struct session_answer {
	enum session_judgement judgement;
	uint8_t status;
	uint64_t seq;
	struct digest bundle;
	const uint8_t *result;
	size_t result_bytes;
};

enum state_result sessions_judge(struct state *s, const struct session_limits *limits, const struct bundle *b, struct session_answer *out);
/* Keeps the result of a bundle in a session. `record` has SESSION_RECORD_HEAD bytes of room before the `n` bytes of the result. */
#define SESSION_RECORD_HEAD (16u + DIGEST_BYTES)
enum state_result sessions_record(struct state *s, const struct session_limits *limits, const struct bundle *b, const struct digest *digest, uint64_t seq,
                                  uint8_t *record, size_t n);

struct session_opening {
	uint64_t session, seq; /* where it was opened */
	struct digest bundle;  /* by which request    */
	uint8_t status;
};
/* Executes an opening: the session is new, or what an opening of that key and number made before. Otherwise `out->status` says why not. Evicts the oldest session
 * of the same key when it has too many. */
enum state_result sessions_open(struct state *s, const struct session_limits *limits, const struct bundle *b, const struct digest *digest, uint64_t seq,
                                uint32_t index, uint64_t time_ms, struct session_opening *out);
/* Gives a session of this key up, with its records. */
enum state_result sessions_close(struct state *s, const struct session_limits *limits, const struct public_key *key, uint64_t session);
#endif
