#include "replica/shares.h"

#include "bft/check.h"

#include <stdlib.h>
#include <string.h>

#define FAR_MORE 2u /* times what the one in the middle wants */
#define LEAST 16u   /* so many under way are nobody's excess: keys cost nothing, and a crowd of them that ask for one each would hold everybody to one */

struct holder {
	struct public_key client;
	bool used;
	uint32_t waits, under_way;
	uint32_t wanted;      /* at the last judgement */
	uint32_t wants;       /* both together, the most of them since the last judgement: what it has at one moment is up to the moment */
	struct holder *chain; /* of its bucket, or of the free ones */
};

struct shares {
	uint32_t clients_max, count;
	uint32_t far, most; /* who wants more than `far` may have `most` under way */
	struct holder *holder, **bucket, *free;
	uint32_t *wants; /* scratch */
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
	if (!s->holder || !s->bucket || !s->wants) {
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
	*h = (struct holder){ .used = true, .client = *client };
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

void shares_move(struct shares *s, const struct public_key *client, enum share *at, enum share to)
{
	if (*at == to)
		return;
	struct holder **place = find(s, client), *h = *place ? *place : enter(s, place, client);
	if (!h)
		return;
	BFT_CHECK(*at == SHARE_NONE || (*at == SHARE_WAITS ? h->waits : h->under_way) > 0);
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

/* Against the one in the middle, and not the mean: several that want much would raise that. */
void shares_judge(struct shares *s, uint32_t room)
{
	uint32_t count = 0, many = 0, others = 0;
	s->most = UINT32_MAX;
	for (uint32_t i = 0; i < s->clients_max && s->count; i++) {
		struct holder *h = &s->holder[i];
		if (h->wants)
			s->wants[count++] = h->wants;
		h->wanted = h->wants;
		h->wants = h->waits + h->under_way;
		if (h->used && !h->wanted)
			leave(s, find(s, &h->client));
	}
	if (count < 2)
		return;
	qsort(s->wants, count, sizeof *s->wants, less);
	uint32_t middle = s->wants[(count - 1) / 2];
	s->far = FAR_MORE * middle;
	for (uint32_t i = 0; i < count; i++) {
		bool far_more = s->wants[i] > s->far;
		many += far_more;
		others += far_more ? 0 : s->wants[i];
	}
	if (many == 0)
		return;
	uint32_t rest = room > others ? (room - others) / many : 0;
	s->most = rest > middle ? rest : middle;
	s->most = s->most > LEAST ? s->most : LEAST;
}

bool shares_allow(const struct shares *s, const struct public_key *client)
{
	const struct holder *h = s->most == UINT32_MAX ? NULL : *find(s, client);
	return !h || h->wanted <= s->far || h->under_way < s->most;
}

uint32_t shares_most(const struct shares *s)
{
	return s->most;
}
