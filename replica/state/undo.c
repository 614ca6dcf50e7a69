/* replica/state/undo.c - old values, kept while a mark is open. A list in memory costs a copy per change; a nested LMDB transaction costs its page lists. */
#include "replica/state/store.h"

#include <stdlib.h>
#include <string.h>

static bool list_room(struct state *s)
{
	if (s->undo_count < s->undo_capacity)
		return true;
	size_t capacity = s->undo_capacity ? 2 * s->undo_capacity : 64;
	struct undo *grown = realloc(s->undo, capacity * sizeof *grown);
	if (!grown)
		return false;
	s->undo = grown;
	s->undo_capacity = capacity;
	return true;
}

static bool bytes_room(struct state *s, size_t n)
{
	if (n > STATE_UNDO_BYTES_MAX - s->undo_bytes_used)
		return false;
	size_t need = s->undo_bytes_used + n, capacity = s->undo_bytes_capacity ? s->undo_bytes_capacity : 4096;
	if (need <= s->undo_bytes_capacity)
		return true;
	while (capacity < need)
		capacity *= 2;
	uint8_t *grown = realloc(s->undo_bytes, capacity);
	if (!grown)
		return false;
	s->undo_bytes = grown;
	s->undo_bytes_capacity = capacity;
	return true;
}

enum state_result undo_note(struct state *s, const MDB_val *key, const MDB_val *old)
{
	if (s->marks == 0)
		return STATE_OK;
	size_t value_bytes = old ? old->mv_size : 0;
	if (!list_room(s) || !bytes_room(s, key->mv_size + value_bytes))
		return STATE_ERR_MEMORY;
	s->undo[s->undo_count++] = (struct undo){ s->undo_bytes_used, value_bytes, (uint16_t)key->mv_size, old != NULL };
	memcpy(s->undo_bytes + s->undo_bytes_used, key->mv_data, key->mv_size);
	if (value_bytes > 0)
		memcpy(s->undo_bytes + s->undo_bytes_used + key->mv_size, old->mv_data, value_bytes);
	s->undo_bytes_used += key->mv_size + value_bytes;
	return STATE_OK;
}

void undo_free(struct state *s)
{
	free(s->undo);
	free(s->undo_bytes);
}

struct state_mark state_mark(struct state *s)
{
	s->marks++;
	return (struct state_mark){ s->undo_count };
}

static void mark_end(struct state *s)
{
	if (--s->marks == 0)
		s->undo_count = s->undo_bytes_used = 0;
}

void state_release(struct state *s, struct state_mark mark)
{
	(void)mark; /* an outer mark still needs what was noted since */
	mark_end(s);
}

size_t state_undo_bytes(const struct state *s)
{
	return s->undo_bytes_used;
}

enum state_result state_rollback(struct state *s, struct state_mark mark)
{
	enum state_result result = s->failure;
	while (result == STATE_OK && s->undo_count > mark.undo) {
		const struct undo *u = &s->undo[--s->undo_count];
		MDB_val key = { u->key_bytes, s->undo_bytes + u->at }, old = { u->value_bytes, s->undo_bytes + u->at + u->key_bytes };
		result = store_write(s, &key, u->existed ? &old : NULL);
		s->undo_bytes_used = u->at;
	}
	mark_end(s);
	return result;
}
