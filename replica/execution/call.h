/* replica/execution/call.h - what an application's callback holds: a view of the state, and room for its answer. Private to replica/execution. */
#ifndef REPLICA_EXECUTION_CALL_H
#define REPLICA_EXECUTION_CALL_H
#include "quorate.h"
#include "replica/state/state.h"

struct execution;

struct call_buffer {
	struct execution *owner;
	size_t start; /* of the bundle's result */
	bool too_large;
};
/* Appends to the operation's answer; false (for good) when the bundle's results exceed RESULT_BYTES_MAX. */
bool call_append(struct call_buffer *c, const void *bytes, size_t n);

struct quorate_state {
	struct state *state;
	uint64_t bytes_max;
	bool read_only, wrote; /* wrote: it tried to, although it may not */
	uint32_t marks;        /* that this call opened and did not end */
	bool failed;           /* a local failure happened during this call */
	enum state_result result;
};
struct quorate_reply {
	struct call_buffer *buffer;
};
/* Ends what the call left open: its changes stay. */
void call_release_marks(struct quorate_state *s);

/* Old values that one request may make the state keep for undoing it: agreed, and far below what would be a local failure. */
#define CALL_UNDO_BYTES_MAX ((size_t)256 << 20)
_Static_assert(CALL_UNDO_BYTES_MAX + STATE_VALUE_MAX + STATE_KEY_MAX < STATE_UNDO_BYTES_MAX, "no request can make a replica fail");
#endif
