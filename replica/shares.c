#include "replica/shares.h"

#include "bft/check.h"

#include <stdlib.h>
#include <string.h>

#define FAR_MORE 2u /* times what the one in the middle wants */
#define LEAST 4u    /* so many under way are nobody's excess: keys cost nothing, and a crowd of them that ask for one each would hold everybody to one */

struct holder {
	struct public_key client;
	bool used;
	uint32_t waits, under_way;
	uint32_t wanted;   /* at the last judgement */
	uint32_t wants;    /* both together, the most of them since the last judgement: what it has at one moment is up to the moment */
	uint64_t since_ms; /* as many are under way as now; before that, the sum over the time since the last judgement: */
	uint64_t under_way_ms;
	uint32_t mean;        /* under way, until the last judgement */
	struct holder *chain; /* of its bucket, or of the free ones */
};

struct shares {
	uint32_t clients_max, count;
	uint32_t far, most; /* who wants more than `far` may have `most` under way */
	struct holder *holder, **bucket, *free;
	uint64_t now_ms, judged_ms;
	uint32_t *wants, *means; /* scratch */
};

struct shares *shares_create(uint32_t clients_max)
{
	struct shares *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	*s = (struct shares){ .clients_max = clients_max, .most = UINT32_MAX };
	s->holder = calloc(clients_max, sizeof *s->holder);
	s->bucket = calloc(clients_max, sizeof(struct holder *));
	s->wants = calloc(clients_max, sizeof *s->wants);
	s->means = calloc(clients_max, sizeof *s->means);
	if (!s->holder || !s->bucket || !s->wants || !s->means) {
		shares_destroy(s);
		return NULL;
	}
	for (uint32_t i = clients_max; i > 0; i--) {
		s->holder[i - 1].chain = s->free;
		s->free = &s->holder[i - 1];
	}
	return s;
}

void shares_destroy(struct shares *s)
{
	if (!s)
		return;
	free(s->holder);
	free(s->bucket);
	free(s->wants);
	free(s->means);
	free(s);
}

static struct holder **find(const struct shares *s, const struct public_key *client)
{
	uint64_t h;
	memcpy(&h, client->b, sizeof h);
	struct holder **at = &s->bucket[(h * 0x9E3779B97F4A7C15u >> 32) % s->clients_max];
	while (*at && !public_key_equal(&(*at)->client, client))
		at = &(*at)->chain;
	return at;
}

static struct holder *enter(struct shares *s, struct holder **at, const struct public_key *client)
{
	struct holder *h = s->free;
	if (!h)
		return NULL;
	s->free = h->chain;
	*h = (struct holder){ .used = true, .client = *client, .since_ms = s->now_ms };
	*at = h;
	s->count++;
	return h;
}

static void leave(struct shares *s, struct holder **at)
{
	struct holder *h = *at;
	*at = h->chain;
	h->used = false;
	h->chain = s->free;
	s->free = h;
	s->count--;
}

void shares_time(struct shares *s, uint64_t now_ms)
{
	s->now_ms = now_ms;
}

static void settle(const struct shares *s, struct holder *h)
{
	h->under_way_ms += h->under_way * (s->now_ms - h->since_ms);
	h->since_ms = s->now_ms;
}

void shares_move(struct shares *s, const struct public_key *client, enum share *at, enum share to)
{
	if (*at == to)
		return;
	struct holder **place = find(s, client), *h = *place ? *place : enter(s, place, client);
	if (!h)
		return;
	BFT_CHECK(*at == SHARE_NONE || (*at == SHARE_WAITS ? h->waits : h->under_way) > 0);
	settle(s, h);
	h->waits -= *at == SHARE_WAITS;
	h->under_way -= *at == SHARE_UNDER_WAY;
	h->waits += to == SHARE_WAITS;
	h->under_way += to == SHARE_UNDER_WAY;
	h->wants = h->waits + h->under_way > h->wants ? h->waits + h->under_way : h->wants;
	*at = to;
}

static int less(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* What it had and wanted since the last judgement; from here on anew. */
static void sum_up(const struct shares *s, struct holder *h)
{
	uint64_t ms = s->now_ms - s->judged_ms;
	settle(s, h);
	h->mean = ms ? (uint32_t)((h->under_way_ms + ms - 1) / ms) : h->under_way;
	h->under_way_ms = 0;
	h->wanted = h->wants;
	h->wants = h->waits + h->under_way;
}

/* Of those who want something, as many as are returned. */
static uint32_t sum_up_all(struct shares *s)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < s->clients_max && s->count; i++) {
		struct holder *h = &s->holder[i];
		if (!h->used)
			continue;
		sum_up(s, h);
		if (!h->wanted) {
			leave(s, find(s, &h->client));
			continue;
		}
		s->wants[count] = h->wanted;
		s->means[count++] = h->mean;
	}
	s->judged_ms = s->now_ms;
	qsort(s->wants, count, sizeof *s->wants, less);
	qsort(s->means, count, sizeof *s->means, less);
	return count;
}

/* Against the one in the middle, and not the mean of all: several that want much would raise that. And as many as that one has on average, since who has requests waiting has the
 * most that it may at any time, and who waits for answers has not. */
void shares_judge(struct shares *s, uint32_t room)
{
	uint32_t many = 0, others = 0, count = sum_up_all(s);
	s->most = UINT32_MAX;
	if (count < 2)
		return;
	uint32_t middle = s->means[(count - 1) / 2];
	s->far = FAR_MORE * s->wants[(count - 1) / 2];
	for (uint32_t i = 0; i < s->clients_max; i++) {
		const struct holder *h = &s->holder[i];
		bool far_more = h->used && h->wanted > s->far;
		many += far_more;
		others += h->used && !far_more ? h->mean : 0;
	}
	if (many == 0)
		return;
	uint32_t rest = room > others ? (room - others) / many : 0;
	s->most = rest > middle ? rest : middle;
	s->most = s->most > LEAST ? s->most : LEAST;
}

static const struct holder *held(const struct shares *s, const struct public_key *client)
{
	const struct holder *h = s->most == UINT32_MAX ? NULL : *find(s, client);
	return h && h->wanted > s->far ? h : NULL;
}

bool shares_held(const struct shares *s, const struct public_key *client)
{
	return held(s, client) != NULL;
}

bool shares_allow(const struct shares *s, const struct public_key *client)
{
	const struct holder *h = held(s, client);
	return !h || h->under_way < s->most;
}

uint32_t shares_most(const struct shares *s)
{
	return s->most;
}
