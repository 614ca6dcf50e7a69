#include "replica/fair.h"

#include <stdlib.h>
#include <string.h>

struct fair_source {
	struct public_key client;
	struct fair_item *oldest, *newest;
	size_t bytes, credit;
	struct fair_source *next, *prev; /* in the ring of those who wait */
	struct fair_source *chain;       /* of its bucket, or of the free ones */
};

struct fair {
	struct fair_limits limits;
	struct fair_source *source, **bucket, *free;
	struct fair_source *turn; /* the ring */
	uint32_t count;
	size_t bytes;
};

struct fair *fair_create(const struct fair_limits *limits)
{
	struct fair *f = calloc(1, sizeof *f);
	if (!f)
		return NULL;
	f->limits = *limits;
	f->source = calloc(limits->sources_max, sizeof *f->source);
	f->bucket = calloc(limits->sources_max, sizeof(struct fair_source *));
	if (!f->source || !f->bucket) {
		fair_destroy(f, NULL);
		return NULL;
	}
	for (uint32_t i = limits->sources_max; i > 0; i--) {
		f->source[i - 1].chain = f->free;
		f->free = &f->source[i - 1];
	}
	return f;
}

static struct fair_source **bucket_of(const struct fair *f, const struct public_key *client)
{
	uint64_t h;
	memcpy(&h, client->b, sizeof h);
	return &f->bucket[(h * 0x9E3779B97F4A7C15u >> 32) % f->limits.sources_max];
}

static struct fair_source *find(const struct fair *f, const struct public_key *client)
{
	struct fair_source *s = *bucket_of(f, client);
	while (s && !public_key_equal(&s->client, client))
		s = s->chain;
	return s;
}

/* The last in the ring: all who wait already come before it. */
static struct fair_source *enter(struct fair *f, const struct public_key *client)
{
	struct fair_source *s = f->free, **head = bucket_of(f, client);
	if (!s)
		return NULL;
	f->free = s->chain;
	*s = (struct fair_source){ .client = *client, .chain = *head };
	*head = s;
	if (!f->turn)
		f->turn = s->next = s->prev = s;
	s->next = f->turn;
	s->prev = f->turn->prev;
	s->prev->next = s;
	f->turn->prev = s;
	return s;
}

static void leave(struct fair *f, struct fair_source *s)
{
	struct fair_source **at = bucket_of(f, &s->client);
	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
	if (f->turn == s)
		f->turn = s->next == s ? NULL : s->next;
	s->next->prev = s->prev;
	s->prev->next = s->next;
	s->chain = f->free;
	f->free = s;
}

static void unlink_item(struct fair *f, struct fair_item *item)
{
	struct fair_source *s = item->source;
	*(item->older ? &item->older->newer : &s->oldest) = item->newer;
	*(item->newer ? &item->newer->older : &s->newest) = item->older;
	s->bytes -= item->bytes;
	f->bytes -= item->bytes;
	f->count--;
	if (!s->oldest)
		leave(f, s);
}

static struct fair_source *largest(const struct fair *f)
{
	struct fair_source *most = f->turn;
	for (struct fair_source *s = f->turn ? f->turn->next : NULL; s && s != f->turn; s = s->next)
		if (s->bytes > most->bytes)
			most = s;
	return most;
}

static bool is_full(const struct fair *f, size_t bytes)
{
	return f->count >= f->limits.items_max || f->bytes + bytes > f->limits.bytes_max;
}

bool fair_put(struct fair *f, const struct public_key *client, struct fair_item *item, size_t bytes, fair_pushed_fn pushed_out, void *arg)
{
	bytes = bytes > FAIR_ITEM_BYTES ? bytes : FAIR_ITEM_BYTES;
	struct fair_source *s = find(f, client);
	size_t mine = (s ? s->bytes : 0) + bytes;
	if (!s && !f->free)
		return false;
	while (is_full(f, bytes)) {
		struct fair_source *most = largest(f);
		if (!most || most == s || most->bytes <= mine)
			return false;
		struct fair_item *out = most->newest;
		unlink_item(f, out);
		pushed_out(arg, out);
	}
	if (!s)
		s = enter(f, client);
	*item = (struct fair_item){ .source = s, .older = s->newest, .bytes = bytes };
	*(s->newest ? &s->newest->newer : &s->oldest) = item;
	s->newest = item;
	s->bytes += bytes;
	f->bytes += bytes;
	f->count++;
	return true;
}

/* The turn goes to the next one that may have it. False: none may. */
static bool pass_on(struct fair *f, fair_may_fn may, const void *arg)
{
	const struct fair_source *from = f->turn;
	while (may && !may(arg, f->turn->oldest)) {
		f->turn = f->turn->next;
		if (f->turn == from)
			return false;
	}
	return true;
}

struct fair_item *fair_take(struct fair *f, fair_may_fn may, const void *arg)
{
	if (!f->turn || !pass_on(f, may, arg))
		return NULL;
	/* Each pass gives everybody one turn's credit. The largest bundle is worth 256 turns, so there are at most as many passes; and what everybody got meanwhile
	 * lets their next ones go without any. */
	while (f->turn->credit < f->turn->oldest->bytes) {
		f->turn->credit += f->limits.turn_bytes;
		if (f->turn->credit < f->turn->oldest->bytes) {
			f->turn = f->turn->next;
			pass_on(f, may, arg);
		}
	}
	struct fair_source *s = f->turn;
	struct fair_item *item = s->oldest;
	s->credit -= item->bytes;
	bool last = item->newer == NULL;
	unlink_item(f, item);
	if (!last && s->credit < s->oldest->bytes)
		f->turn = s->next;
	return item;
}

void fair_forget(struct fair *f, const struct public_key *client, fair_pushed_fn out, void *arg)
{
	struct fair_source *s;
	while ((s = find(f, client))) {
		struct fair_item *item = s->newest;
		unlink_item(f, item);
		out(arg, item);
	}
}

bool fair_waits(const struct fair *f, const struct public_key *client)
{
	return find(f, client) != NULL;
}

uint32_t fair_count(const struct fair *f)
{
	return f->count;
}

void fair_destroy(struct fair *f, void (*drop)(struct fair_item *item))
{
	struct fair_item *item;
	if (!f)
		return;
	while (f->source && f->bucket && (item = fair_take(f, NULL, NULL)))
		drop(item);
	free(f->source);
	free(f->bucket);
	free(f);
}
