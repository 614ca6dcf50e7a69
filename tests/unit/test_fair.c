/* Requests in turn by client: who waits behind whom, and who goes when it is full. */
#include "replica/fair.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

struct thing {
	struct fair_item place;
	uint8_t client;
	uint32_t number;
};

static struct thing things[4096];
static uint32_t count, pushed, dropped;
static struct thing *last_pushed;

static struct public_key key_of(uint8_t client)
{
	return (struct public_key){ .b = { client, (uint8_t)(client * 7) } };
}

static void push(void *arg, struct fair_item *item)
{
	CU_ASSERT_PTR_EQUAL(arg, things);
	pushed++;
	last_pushed = (struct thing *)item;
}

static void drop(struct fair_item *item)
{
	CU_ASSERT_PTR_NOT_NULL(item);
	dropped++;
}

static bool put(struct fair *f, uint8_t client, uint32_t number, size_t bytes)
{
	struct public_key key = key_of(client);
	struct thing *t = &things[count++ % 4096];
	*t = (struct thing){ .client = client, .number = number };
	return fair_put(f, &key, &t->place, bytes, push, things);
}

static struct thing *take(struct fair *f)
{
	return (struct thing *)fair_take(f, NULL, NULL);
}

static struct fair *made(uint32_t items, uint32_t sources, size_t bytes, size_t turn)
{
	struct fair_limits limits = { .items_max = items, .sources_max = sources, .bytes_max = bytes, .turn_bytes = turn };
	struct fair *f = fair_create(&limits);
	count = pushed = dropped = 0;
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return f;
}

static void one_client_is_served_in_its_order(void)
{
	struct fair *f = made(100, 8, 1 << 20, 512);
	CU_ASSERT_PTR_NULL(fair_take(f, NULL, NULL));
	for (uint32_t i = 0; i < 10; i++)
		CU_ASSERT_TRUE(put(f, 1, i, 100 * i));
	CU_ASSERT_EQUAL(fair_count(f), 10);
	for (uint32_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(take(f)->number, i);
	CU_ASSERT_PTR_NULL(fair_take(f, NULL, NULL));
	fair_destroy(f, drop);
	CU_ASSERT_EQUAL(dropped, 0);
}

/* One who sent a hundred before: the other's first is the second that goes. */
static void a_flood_waits_behind_itself(void)
{
	struct fair *f = made(1000, 8, 1 << 20, FAIR_ITEM_BYTES);
	for (uint32_t i = 0; i < 100; i++)
		put(f, 1, i, 10);
	put(f, 2, 0, 10);
	put(f, 2, 1, 10);
	put(f, 3, 0, 10);
	static const uint8_t order[] = { 1, 2, 3, 1, 2, 1, 1 };
	for (uint32_t i = 0; i < sizeof order; i++)
		CU_ASSERT_EQUAL(take(f)->client, order[i]);
	fair_destroy(f, drop);
	CU_ASSERT_EQUAL(dropped, 96);
}

/* By bytes: who sends large ones has no more than who sends small ones. */
static void large_ones_cost_more(void)
{
	struct fair *f = made(1000, 8, 8 << 20, 4096);
	for (uint32_t i = 0; i < 100; i++) {
		put(f, 1, i, 16384);
		put(f, 2, i, 1024);
	}
	size_t bytes[3] = { 0 };
	for (uint32_t i = 0; i < 85; i++) {
		struct thing *t = take(f);
		bytes[t->client] += t->client == 1 ? 16384 : 1024;
	}
	CU_ASSERT_TRUE(bytes[1] <= bytes[2] + 16384 && bytes[2] <= bytes[1] + 16384);
	fair_destroy(f, drop);
}

/* What the largest holder sent last has to go; whoever holds most gets no place. */
static void when_it_is_full_the_largest_holder_gives(void)
{
	struct fair *f = made(10, 8, 1 << 20, 512);
	for (uint32_t i = 0; i < 8; i++)
		CU_ASSERT_TRUE(put(f, 1, i, 10));
	CU_ASSERT_TRUE(put(f, 2, 0, 10));
	CU_ASSERT_TRUE(put(f, 2, 1, 10));
	CU_ASSERT_FALSE(put(f, 1, 8, 10));
	CU_ASSERT_EQUAL(pushed, 0);
	CU_ASSERT_TRUE(put(f, 3, 0, 10));
	CU_ASSERT_TRUE(pushed == 1 && last_pushed->client == 1 && last_pushed->number == 7);
	CU_ASSERT_EQUAL(fair_count(f), 10);
	for (uint32_t i = 2; i < 10 && put(f, 2, i, 10); i++)
		continue;
	uint32_t of[4] = { 0 };
	for (struct thing *t; (t = take(f));)
		of[t->client]++;
	CU_ASSERT_TRUE(of[1] == 5 && of[2] == 4 && of[3] == 1);
	fair_destroy(f, drop);
}

static void bytes_are_bounded_too(void)
{
	struct fair *f = made(1000, 8, 10000, 512);
	CU_ASSERT_TRUE(put(f, 1, 0, 4000));
	CU_ASSERT_TRUE(put(f, 1, 1, 4000));
	CU_ASSERT_FALSE(put(f, 1, 2, 4000));
	CU_ASSERT_FALSE(put(f, 2, 0, 10001)); /* larger than all there is */
	CU_ASSERT_EQUAL(pushed, 0);
	CU_ASSERT_TRUE(put(f, 2, 0, 4000));
	CU_ASSERT_TRUE(pushed == 1 && last_pushed->number == 1);
	fair_destroy(f, drop);
	CU_ASSERT_EQUAL(dropped, 2);
}

static void clients_are_bounded_too(void)
{
	struct fair *f = made(1000, 4, 1 << 20, 512);
	for (uint8_t c = 1; c <= 4; c++)
		CU_ASSERT_TRUE(put(f, c, 0, 10));
	put(f, 3, 1, 10);
	CU_ASSERT_FALSE(put(f, 5, 0, 10));
	CU_ASSERT_TRUE(pushed == 0 && fair_count(f) == 5);
	while (fair_take(f, NULL, NULL))
		continue;
	for (uint8_t c = 10; c < 14; c++)
		CU_ASSERT_TRUE(put(f, c, 0, 10)); /* places are given back */
	fair_destroy(f, drop);
}

static bool may(const void *arg, const struct fair_item *next)
{
	return ((const struct thing *)next)->client != *(const uint8_t *)arg;
}

static void who_may_not_keeps_its_place(void)
{
	struct fair *f = made(1000, 4, 1 << 20, FAIR_ITEM_BYTES);
	uint8_t not = 1;
	for (uint32_t i = 0; i < 3; i++) {
		put(f, 1, i, 10);
		put(f, 2, i, 10);
		put(f, 3, i, 2000);
	}
	for (uint32_t i = 0; i < 6; i++)
		CU_ASSERT_TRUE(((struct thing *)fair_take(f, may, &not ))->client != 1);
	CU_ASSERT_PTR_NULL(fair_take(f, may, &not ));
	CU_ASSERT_EQUAL(fair_count(f), 3);
	not = 2;
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(((struct thing *)fair_take(f, may, &not ))->number, i);
	CU_ASSERT_PTR_NULL(fair_take(f, may, &not ));
	fair_destroy(f, drop);
	CU_ASSERT_EQUAL(dropped, 0);
}

static void who_is_forgotten_has_nothing_left(void)
{
	struct fair *f = made(1000, 4, 1 << 20, 512);
	struct public_key key = key_of(1);
	for (uint32_t i = 0; i < 5; i++) {
		put(f, 1, i, 10);
		put(f, 2, i, 10);
	}
	fair_forget(f, &key, push, things);
	CU_ASSERT_TRUE(pushed == 5 && fair_count(f) == 5);
	fair_forget(f, &key, push, things);
	CU_ASSERT_EQUAL(pushed, 5);
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(take(f)->client, 2);
	fair_destroy(f, drop);
}

/* Against a model that knows only who has how many: nothing is lost, nothing comes twice, each client in order. */
static void nothing_is_lost(void)
{
	struct fair *f = made(300, 16, 1 << 18, 700);
	uint32_t in = 0, out = 0, next[32] = { 0 }, seen[32] = { 0 };
	uint64_t r = 88172645463325252u;
	for (uint32_t i = 0; i < 20000; i++) {
		r ^= r << 13, r ^= r >> 7, r ^= r << 17;
		if (r % 3) {
			uint8_t c = (uint8_t)(r >> 8 & 31);
			in += put(f, c, next[c]++, r >> 20 & 4095);
		} else {
			struct thing *t = take(f);
			if (!t)
				continue;
			out++;
			CU_ASSERT_TRUE(t->number >= seen[t->client]);
			seen[t->client] = t->number + 1;
		}
	}
	CU_ASSERT_EQUAL(in, out + pushed + fair_count(f));
	CU_ASSERT_TRUE(out > 1000 && pushed > 100);
	fair_destroy(f, drop);
	CU_ASSERT_EQUAL(in, out + pushed + dropped);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "one client is served in its order", one_client_is_served_in_its_order },
		{ "a flood waits behind itself", a_flood_waits_behind_itself },
		{ "large ones cost more", large_ones_cost_more },
		{ "when it is full the largest holder gives", when_it_is_full_the_largest_holder_gives },
		{ "bytes are bounded too", bytes_are_bounded_too },
		{ "clients are bounded too", clients_are_bounded_too },
		{ "who may not keeps its place", who_may_not_keeps_its_place },
		{ "who is forgotten has nothing left", who_is_forgotten_has_nothing_left },
		{ "nothing is lost", nothing_is_lost },
		{ 0 },
	};
	return unit_main("fair", cases);
}
