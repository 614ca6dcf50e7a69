/* replica/state/touched.c - which keys the next snapshot has to look at. */
#include "replica/state/store.h"

#include <stdlib.h>
#include <string.h>

#define COMPACT_FIRST 1024u

static bool keys_room(struct touched *t)
{
	if (t->count < t->capacity)
		return true;
	size_t capacity = t->capacity ? 2 * t->capacity : COMPACT_FIRST;
	struct touched_key *grown = realloc(t->keys, capacity * sizeof *grown);
	if (!grown)
		return false;
	t->keys = grown;
	t->capacity = capacity;
	return true;
}

static bool bytes_room(struct touched *t, size_t n)
{
	size_t capacity = t->bytes_capacity ? t->bytes_capacity : 64 * 1024;
	while (capacity - t->bytes_used < n)
		capacity *= 2;
	if (capacity == t->bytes_capacity)
		return true;
	uint8_t *grown = realloc(t->bytes, capacity);
	if (!grown)
		return false;
	t->bytes = grown;
	t->bytes_capacity = capacity;
	return true;
}

static int by_hash(const void *a, const void *b)
{
	const struct touched_key *x = a, *y = b;
	int order = memcmp(x->hash.b, y->hash.b, DIGEST_BYTES);
	return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

static int by_place(const void *a, const void *b)
{
	const struct touched_key *x = a, *y = b;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The bytes of dropped repetitions are squeezed out: first come stays first. */
static void squeeze_bytes(struct touched *t)
{
	qsort(t->keys, t->count, sizeof t->keys[0], by_place);
	size_t used = 0;
	for (size_t i = 0; i < t->count; i++) {
		memmove(t->bytes + used, t->bytes + t->keys[i].at, t->keys[i].key_bytes);
		t->keys[i].at = used;
		used += t->keys[i].key_bytes;
	}
	t->bytes_used = used;
	qsort(t->keys, t->count, sizeof t->keys[0], by_hash);
}

void touched_compact(struct touched *t)
{
	if (t->count == 0)
		return;
	qsort(t->keys, t->count, sizeof t->keys[0], by_hash);
	size_t kept = 1;
	for (size_t i = 1; i < t->count; i++) {
		if (!digest_equal(&t->keys[i].hash, &t->keys[kept - 1].hash))
			t->keys[kept++] = t->keys[i];
	}
	if (kept < t->count) {
		t->count = kept;
		squeeze_bytes(t);
	}
}

bool touched_add(struct touched *t, const MDB_val *key)
{
	if (t->count >= COMPACT_FIRST && t->count >= t->compact_at) {
		touched_compact(t);
		t->compact_at = 2 * t->count > COMPACT_FIRST ? 2 * t->count : COMPACT_FIRST;
	}
	if (!keys_room(t) || !bytes_room(t, key->mv_size))
		return false;
	struct touched_key *k = &t->keys[t->count++];
	trie_key_hash(&k->hash, key->mv_data, key->mv_size);
	k->at = t->bytes_used;
	k->key_bytes = (uint16_t)key->mv_size;
	memcpy(t->bytes + t->bytes_used, key->mv_data, key->mv_size);
	t->bytes_used += key->mv_size;
	return true;
}

void touched_clear(struct touched *t)
{
	t->count = t->bytes_used = t->compact_at = 0;
}

void touched_free(struct touched *t)
{
	free(t->keys);
	free(t->bytes);
}
