/* replica/state/touched.c - which keys the next snapshot has to look at. A busy one is written thousands of times between two snapshots, and hashed once. */
#include "replica/state/store.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof((struct touched *)0)->secret == crypto_shorthash_siphashx24_KEYBYTES, "SipHash's key");

_Static_assert(sizeof(uint64_t[2]) == crypto_shorthash_siphashx24_BYTES, "SipHash's value");

#define KEYS_FIRST 1024u

void touched_init(struct touched *t)
{
	randombytes_buf(t->secret, sizeof t->secret);
}

/* ---- room ---- */

static bool keys_room(struct touched *t)
{
	if (t->count < t->capacity)
		return true;
	size_t capacity = t->capacity ? 2 * t->capacity : KEYS_FIRST;
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

/* ---- places ---- */

struct tag {
	uint64_t u[2];
};

static struct tag tag_of(const struct touched *t, const void *key, size_t n)
{
	struct tag tag;
	crypto_shorthash_siphashx24((unsigned char *)tag.u, key, n, t->secret);
	return tag;
}

/* Where that key stands, or would stand. */
static struct touched_place *place_of(const struct touched *t, const struct tag *tag)
{
	size_t i = (size_t)tag->u[0] & (t->places - 1);
	while (t->place[i].key && (t->place[i].tag[0] != tag->u[0] || t->place[i].tag[1] != tag->u[1]))
		i = (i + 1) & (t->places - 1);
	return &t->place[i];
}

static void place_set(struct touched_place *place, const struct tag *tag, uint32_t key)
{
	*place = (struct touched_place){ { tag->u[0], tag->u[1] }, key };
}

static bool places_room(struct touched *t)
{
	if (t->places && t->count < t->places / 2)
		return true;
	struct touched grown = *t;
	grown.places = t->places ? 2 * t->places : 2 * (size_t)KEYS_FIRST;
	grown.place = t->count < UINT32_MAX / 4 ? calloc(grown.places, sizeof *grown.place) : NULL;
	if (!grown.place)
		return false;
	for (size_t i = 0; i < t->places; i++) {
		struct tag tag = { { t->place[i].tag[0], t->place[i].tag[1] } };
		if (t->place[i].key)
			place_set(place_of(&grown, &tag), &tag, t->place[i].key);
	}
	free(t->place);
	*t = grown;
	return true;
}

/* ---- keys ---- */

bool touched_add(struct touched *t, const MDB_val *key)
{
	if (!places_room(t))
		return false;
	struct tag tag = tag_of(t, key->mv_data, key->mv_size);
	struct touched_place *place = place_of(t, &tag);
	if (place->key)
		return true;
	if (!keys_room(t) || !bytes_room(t, key->mv_size))
		return false;
	struct touched_key *k = &t->keys[t->count++];
	trie_key_hash(&k->hash, key->mv_data, key->mv_size);
	k->at = t->bytes_used;
	k->key_bytes = (uint16_t)key->mv_size;
	memcpy(t->bytes + t->bytes_used, key->mv_data, key->mv_size);
	t->bytes_used += key->mv_size;
	place_set(place, &tag, (uint32_t)t->count);
	return true;
}

static int by_hash(const void *a, const void *b)
{
	const struct touched_key *x = a, *y = b;
	return memcmp(x->hash.b, y->hash.b, DIGEST_BYTES);
}

void touched_sort(struct touched *t)
{
	if (t->count)
		qsort(t->keys, t->count, sizeof t->keys[0], by_hash);
}

/* What was much is given back: the next time may be quiet. */
void touched_clear(struct touched *t)
{
	free(t->place);
	t->place = NULL;
	t->count = t->bytes_used = t->places = 0;
}

void touched_free(struct touched *t)
{
	free(t->keys);
	free(t->place);
	free(t->bytes);
}
