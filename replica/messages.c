#include "replica/messages.h"

#include "bft/check.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	struct message m; /* body NULL: free */
	uint8_t *bytes;
	uint32_t holds, next_free;
};

struct hold {
	bft_seq seq;
	bft_ref ref;
};

struct messages {
	uint32_t max, count, capacity, first_free;
	struct entry *at; /* index 0 is not used */
	struct hold *holds;
	size_t holds_count, holds_capacity;
};

struct messages *messages_create(uint32_t max)
{
	struct messages *ms = calloc(1, sizeof *ms);
	if (ms)
		ms->max = max;
	return ms;
}

void messages_destroy(struct messages *ms)
{
	if (!ms)
		return;
	for (uint32_t i = 1; i < ms->capacity; i++)
		free(ms->at[i].bytes);
	free(ms->at);
	free(ms->holds);
	free(ms);
}

static bool grow(struct messages *ms)
{
	uint32_t capacity = ms->capacity ? ms->capacity * 2 : 256;
	if (ms->capacity > ms->max)
		return false;
	struct entry *at = realloc(ms->at, capacity * sizeof *at);
	if (!at)
		return false;
	memset(at + ms->capacity, 0, (capacity - ms->capacity) * sizeof *at);
	for (uint32_t i = capacity; i-- > (ms->capacity ? ms->capacity : 1);) {
		at[i].next_free = ms->first_free;
		ms->first_free = i;
	}
	ms->at = at;
	ms->capacity = capacity;
	return true;
}

bft_ref messages_add(struct messages *ms, const struct message *m)
{
	if (ms->count >= ms->max || (!ms->first_free && !grow(ms)))
		return 0;
	uint8_t *bytes = malloc(m->body_bytes ? m->body_bytes : 1);
	if (!bytes)
		return 0;
	memcpy(bytes, m->body, m->body_bytes);
	bft_ref ref = ms->first_free;
	struct entry *e = &ms->at[ref];
	ms->first_free = e->next_free;
	*e = (struct entry){ .m = *m, .bytes = bytes };
	e->m.body = bytes;
	ms->count++;
	return ref;
}

static struct entry *entry_at(const struct messages *ms, bft_ref ref)
{
	BFT_CHECK(ref && ref < ms->capacity && ms->at[ref].bytes);
	return &ms->at[ref];
}

const struct message *messages_at(const struct messages *ms, bft_ref ref)
{
	return &entry_at(ms, ref)->m;
}

bft_ref messages_find(const struct messages *ms, uint8_t signer, uint16_t type, const struct digest *digest)
{
	for (bft_ref ref = 1; ref < ms->capacity; ref++) {
		const struct entry *e = &ms->at[ref];
		if (e->bytes && e->m.signer == signer && e->m.type == type && digest_equal(&e->m.digest, digest))
			return ref;
	}
	return 0;
}

void messages_set_verified(struct messages *ms, bft_ref ref)
{
	entry_at(ms, ref)->m.verified = true;
}

void messages_hold(struct messages *ms, bft_ref ref, bft_seq seq)
{
	struct entry *e = entry_at(ms, ref);
	if (ms->holds_count == ms->holds_capacity) {
		size_t capacity = ms->holds_capacity ? ms->holds_capacity * 2 : 1024;
		struct hold *holds = realloc(ms->holds, capacity * sizeof *holds);
		BFT_CHECK(holds); /* a few bytes for a message that is here already */
		ms->holds = holds;
		ms->holds_capacity = capacity;
	}
	ms->holds[ms->holds_count++] = (struct hold){ .seq = seq, .ref = ref };
	e->holds++;
}

static void unhold(struct messages *ms, size_t i)
{
	bft_ref ref = ms->holds[i].ref;
	ms->holds[i] = ms->holds[--ms->holds_count];
	entry_at(ms, ref)->holds--;
	messages_drop(ms, ref);
}

void messages_release(struct messages *ms, bft_ref ref, bft_seq seq)
{
	for (size_t i = ms->holds_count; i--;)
		if (ms->holds[i].ref == ref && ms->holds[i].seq == seq) {
			unhold(ms, i);
			return;
		}
	BFT_CHECK(!"the core releases what it holds");
}

void messages_stable(struct messages *ms, bft_seq seq)
{
	for (size_t i = ms->holds_count; i--;)
		if (ms->holds[i].seq <= seq)
			unhold(ms, i);
}

void messages_forget(struct messages *ms, bft_seq kept)
{
	for (size_t i = ms->holds_count; i--;)
		if (ms->holds[i].seq != kept)
			unhold(ms, i);
}

void messages_drop(struct messages *ms, bft_ref ref)
{
	struct entry *e = entry_at(ms, ref);
	if (e->holds)
		return;
	free(e->bytes);
	*e = (struct entry){ .next_free = ms->first_free };
	ms->first_free = ref;
	ms->count--;
}

uint32_t messages_count(const struct messages *ms)
{
	return ms->count;
}
