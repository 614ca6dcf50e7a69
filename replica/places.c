#include "replica/places.h"

#include <string.h>

static struct places_client *find(const struct places *p, const struct public_key *client)
{
	uint64_t h;
	memcpy(&h, client->b, sizeof h);
	const struct places_client *set = p->set[(h * 0x9E3779B97F4A7C15u >> 40) % PLACES_SETS], *free = NULL;
	for (uint32_t i = 0; i < PLACES_WAYS; i++) {
		if (public_key_equal(&set[i].key, client))
			return (struct places_client *)(uintptr_t)&set[i];
		if (!set[i].asked && !set[i].held && (!free || set[i].most + set[i].most_before < free->most + free->most_before))
			free = &set[i];
	}
	return (struct places_client *)(uintptr_t)free;
}

static struct places_client *place_of(struct places *p, const struct public_key *client)
{
	struct places_client *c = find(p, client);
	if (c && !public_key_equal(&c->key, client))
		*c = (struct places_client){ .key = *client };
	return c;
}

void places_asks(struct places *p, const struct public_key *client)
{
	struct places_client *c = place_of(p, client);
	if (c && ++c->asked > c->most)
		c->most = c->asked;
}

void places_asks_less(struct places *p, const struct public_key *client)
{
	struct places_client *c = place_of(p, client);
	if (c && c->asked)
		c->asked--;
}

void places_holds(struct places *p, const struct public_key *client)
{
	struct places_client *c = place_of(p, client);
	if (c)
		c->held++;
}

void places_holds_less(struct places *p, const struct public_key *client)
{
	struct places_client *c = place_of(p, client);
	if (c && c->held)
		c->held--;
}

static uint32_t demand(const struct places_client *c)
{
	return c->most > c->most_before ? c->most : c->most_before;
}

/* Who wants less than `part` gets that; what is left is for the others. 0: nobody wants more. */
static uint32_t part_of_the_rest(const struct places *p, uint32_t places, uint32_t part)
{
	uint32_t more = 0;
	uint64_t less = 0;
	const struct places_client *all = &p->set[0][0];
	for (uint32_t i = 0; i < PLACES_SETS * PLACES_WAYS; i++) {
		uint32_t d = demand(&all[i]);
		more += d > part;
		less += d > part ? 0 : d;
	}
	if (!more)
		return 0;
	return less < places && (places - less) / more > 1 ? (uint32_t)((places - less) / more) : 1;
}

static void next_while(struct places *p)
{
	struct places_client *all = &p->set[0][0];
	for (uint32_t i = 0; i < PLACES_SETS * PLACES_WAYS; i++) {
		all[i].most_before = all[i].most;
		all[i].most = all[i].asked;
	}
}

void places_divide(struct places *p, uint32_t places, uint64_t now_ms)
{
	if (now_ms < p->divided_ms + PLACES_AGAIN_MS && p->part)
		return;
	p->divided_ms = now_ms;
	if (now_ms >= p->while_ms + PLACES_WHILE_MS) {
		next_while(p);
		p->while_ms = now_ms;
	}
	uint32_t part = 0, next;
	while ((next = part_of_the_rest(p, places, part)) > part) /* each pass finds somebody who wants less, or ends */
		part = next;
	p->part = next ? part : UINT32_MAX;
}

bool places_may(const struct places *p, const struct public_key *client)
{
	const struct places_client *c = find(p, client);
	return !c || !public_key_equal(&c->key, client) || !p->part || c->held < p->part;
}
