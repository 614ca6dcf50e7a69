#include "replica/history.h"

#include <stdlib.h>
#include <string.h>

#define HISTORY_SPAN_MAX (1u << 24) /* sequences between two truncations, bounded by the log's size long before */

struct body_place {
	uint64_t prefix[2];
	struct log_position at; /* segment 0: free */
	bft_seq seq;
};

struct history {
	bft_seq base; /* entry i is about base + i */
	struct history_entry *at;
	size_t count, capacity;
	struct body_place *bodies; /* open addressing, a power of two */
	size_t bodies_count, bodies_capacity;
};

struct history *history_create(void)
{
	struct history *h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	h->base = 1;
	h->bodies_capacity = 1024;
	h->bodies = calloc(h->bodies_capacity, sizeof *h->bodies);
	if (!h->bodies) {
		free(h);
		return NULL;
	}
	return h;
}

void history_destroy(struct history *h)
{
	if (!h)
		return;
	free(h->at);
	free(h->bodies);
	free(h);
}

struct history_entry *history_open(struct history *h, bft_seq seq)
{
	/* What comes first says where the log begins. */
	if (h->count == 0 && seq > h->base + 1024)
		h->base = seq - 1024;
	if (seq < h->base || seq - h->base >= HISTORY_SPAN_MAX)
		return NULL;
	size_t i = (size_t)(seq - h->base);
	if (i >= h->capacity) {
		size_t capacity = h->capacity ? h->capacity * 2 : 4096;
		while (capacity <= i)
			capacity *= 2;
		struct history_entry *at = realloc(h->at, capacity * sizeof *at);
		if (!at)
			return NULL;
		h->at = at;
		h->capacity = capacity;
	}
	if (i >= h->count) {
		memset(h->at + h->count, 0, (i + 1 - h->count) * sizeof *h->at);
		h->count = i + 1;
	}
	return &h->at[i];
}

const struct history_entry *history_find(const struct history *h, bft_seq seq)
{
	return seq >= h->base && seq - h->base < h->count ? &h->at[seq - h->base] : NULL;
}

bft_seq history_stable_from(const struct history *h, bft_seq from, bft_seq reach)
{
	for (bft_seq seq = from; seq - from <= reach; seq++) {
		const struct history_entry *e = history_find(h, seq);
		if (e && e->stable.segment)
			return seq;
	}
	return 0;
}

static void prefix_of(uint64_t prefix[2], const struct digest *d)
{
	memcpy(prefix, d->b, 16);
}

static struct body_place *place_of(struct body_place *table, size_t capacity, const uint64_t prefix[2])
{
	size_t i = (size_t)prefix[0] & (capacity - 1);
	while (table[i].at.segment && (table[i].prefix[0] != prefix[0] || table[i].prefix[1] != prefix[1]))
		i = (i + 1) & (capacity - 1);
	return &table[i];
}

/* A new table of `capacity` with what is about sequences above `above`. */
static bool rebuild(struct history *h, size_t capacity, bft_seq above)
{
	struct body_place *table = calloc(capacity, sizeof *table);
	if (!table)
		return false;
	size_t kept = 0;
	for (size_t i = 0; i < h->bodies_capacity; i++) {
		const struct body_place *b = &h->bodies[i];
		if (!b->at.segment || b->seq <= above)
			continue;
		*place_of(table, capacity, b->prefix) = *b;
		kept++;
	}
	free(h->bodies);
	h->bodies = table;
	h->bodies_capacity = capacity;
	h->bodies_count = kept;
	return true;
}

bool history_put_body(struct history *h, const struct digest *digest, bft_seq seq, const struct log_position *at)
{
	if (h->bodies_count * 2 >= h->bodies_capacity && !rebuild(h, h->bodies_capacity * 2, 0))
		return false;
	struct body_place b = { .at = *at, .seq = seq };
	prefix_of(b.prefix, digest);
	struct body_place *place = place_of(h->bodies, h->bodies_capacity, b.prefix);
	h->bodies_count += place->at.segment == 0;
	*place = b;
	return true;
}

bool history_body(const struct history *h, const struct digest *digest, struct log_position *at)
{
	uint64_t prefix[2];
	prefix_of(prefix, digest);
	const struct body_place *place = place_of(h->bodies, h->bodies_capacity, prefix);
	*at = place->at;
	return place->at.segment != 0;
}

bool history_body_covers(const struct history *h, const struct digest *digest, bft_seq seq)
{
	uint64_t prefix[2];
	prefix_of(prefix, digest);
	const struct body_place *place = place_of(h->bodies, h->bodies_capacity, prefix);
	return place->at.segment != 0 && place->seq >= seq;
}

bft_lsn history_drop(struct history *h, bft_seq seq)
{
	if (seq >= h->base) {
		size_t drop = (size_t)(seq - h->base) + 1;
		drop = drop < h->count ? drop : h->count;
		if (h->count > drop)
			memmove(h->at, h->at + drop, (h->count - drop) * sizeof *h->at);
		h->count -= drop;
		h->base = seq + 1;
		rebuild(h, h->bodies_capacity, seq);
	}
	bft_lsn lowest = UINT64_MAX;
	for (size_t i = 0; i < h->count; i++)
		if (h->at[i].lsn_min && h->at[i].lsn_min < lowest)
			lowest = h->at[i].lsn_min;
	return lowest;
}
