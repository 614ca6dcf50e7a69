/* The application's side of include/quorate.h: the state and the answer, within one call. */
#include "replica/execution/call.h"

_Static_assert(QUORATE_STATE_KEY_MAX == STATE_KEY_MAX && QUORATE_STATE_VALUE_MAX == STATE_VALUE_MAX, "the public limits are the state's");

bool quorate_reply_add(struct quorate_reply *reply, const void *bytes, size_t n)
{
	return call_append(reply->buffer, bytes, n);
}

static enum quorate_state_result answer(struct quorate_state *s, enum state_result r)
{
	switch (r) {
	case STATE_OK: return QUORATE_STATE_OK;
	case STATE_NONE: return QUORATE_STATE_NONE;
	case STATE_ERR_TOO_LARGE: return QUORATE_STATE_TOO_LARGE;
	case STATE_ERR_FULL:
	case STATE_ERR_SPACE:
	case STATE_ERR_IO:
	case STATE_ERR_MEMORY:
	case STATE_ERR_DAMAGED: break;
	}
	s->failed = true;
	s->result = r;
	return QUORATE_STATE_FAILED;
}

enum quorate_state_result quorate_state_get(struct quorate_state *s, const void *key, size_t key_bytes, const void **value, size_t *value_bytes)
{
	return answer(s, state_get(s->state, STATE_USER, key, key_bytes, value, value_bytes));
}

static bool may_not_write(struct quorate_state *s)
{
	s->wrote |= s->read_only;
	return s->read_only;
}

enum quorate_state_result quorate_state_put(struct quorate_state *s, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	if (may_not_write(s))
		return QUORATE_STATE_FULL;
	if (key_bytes == 0 || key_bytes > STATE_KEY_MAX || value_bytes > STATE_VALUE_MAX)
		return QUORATE_STATE_TOO_LARGE;
	if (state_undo_bytes(s->state) > CALL_UNDO_BYTES_MAX)
		return QUORATE_STATE_FULL;
	/* Judged by the logical size, which all replicas have alike; as if nothing were replaced, so that it is judged without reading. */
	if (state_bytes(s->state) + key_bytes + value_bytes + STATE_ENTRY_CHARGE > s->bytes_max)
		return QUORATE_STATE_FULL;
	return answer(s, state_put(s->state, STATE_USER, key, key_bytes, value, value_bytes));
}

enum quorate_state_result quorate_state_delete(struct quorate_state *s, const void *key, size_t key_bytes)
{
	if (may_not_write(s) || state_undo_bytes(s->state) > CALL_UNDO_BYTES_MAX)
		return QUORATE_STATE_FULL;
	return answer(s, state_delete(s->state, STATE_USER, key, key_bytes));
}

enum quorate_state_result quorate_state_scan(struct quorate_state *s, const void *prefix, size_t prefix_bytes, const void *after, size_t after_bytes,
                                             quorate_scan_fn visit, void *arg, uint32_t limit)
{
	return answer(s, state_scan(s->state, STATE_USER, prefix, prefix_bytes, after, after_bytes, visit, arg, limit));
}

uint64_t quorate_state_count(const struct quorate_state *s)
{
	return state_count(s->state, STATE_USER);
}

struct quorate_mark quorate_state_mark(struct quorate_state *s)
{
	s->marks++;
	return (struct quorate_mark){ s->read_only ? 0 : state_mark(s->state).undo };
}

void quorate_state_release(struct quorate_state *s, struct quorate_mark mark)
{
	if (s->marks == 0)
		return;
	s->marks--;
	if (s->read_only)
		return;
	state_release(s->state, (struct state_mark){ mark.opaque });
}

enum quorate_state_result quorate_state_rollback(struct quorate_state *s, struct quorate_mark mark)
{
	if (s->marks == 0)
		return QUORATE_STATE_OK;
	s->marks--;
	if (s->read_only)
		return QUORATE_STATE_OK;
	return answer(s, state_rollback(s->state, (struct state_mark){ mark.opaque }));
}

void call_release_marks(struct quorate_state *s)
{
	while (s->marks)
		quorate_state_release(s, (struct quorate_mark){ 0 });
}
