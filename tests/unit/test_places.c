/* How places are divided among clients: who wants little gets it, and the rest is divided among the others. */
#include "replica/places.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct places p;
static uint64_t now = 1000;

static struct public_key key_of(uint32_t client)
{
	struct public_key key = { .b = { 1 } };
	memcpy(key.b + 1, &client, sizeof client);
	return key;
}

/* `count` more wait, and as many of them are held as may be. */
static uint32_t asks(uint32_t client, uint32_t count)
{
	struct public_key key = key_of(client);
	for (uint32_t i = 0; i < count; i++)
		places_asks(&p, &key);
	uint32_t held = 0;
	while (held < count && places_may(&p, &key)) {
		places_holds(&p, &key);
		held++;
	}
	return held;
}

static void ends(uint32_t client, uint32_t count, uint32_t held)
{
	struct public_key key = key_of(client);
	for (uint32_t i = 0; i < count; i++)
		places_asks_less(&p, &key);
	for (uint32_t i = 0; i < held; i++)
		places_holds_less(&p, &key);
}

static void divide(uint32_t places, uint64_t ms)
{
	now += ms;
	places_divide(&p, places, now);
}

static void begin(void)
{
	memset(&p, 0, sizeof p);
	divide(64, 10 * PLACES_WHILE_MS);
}

static void alone_it_has_all(void)
{
	begin();
	CU_ASSERT_EQUAL(asks(1, 1000), 1000); /* nobody restrains it: how many are held in all is the caller's */
	divide(64, PLACES_AGAIN_MS);
	CU_ASSERT_EQUAL(p.part, 64);
}

static void who_wants_little_gets_it(void)
{
	begin();
	asks(1, 1000);
	asks(2, 3);
	asks(3, 1);
	divide(64, PLACES_AGAIN_MS);
	CU_ASSERT_EQUAL(p.part, 60);
	asks(4, 1000);
	divide(64, PLACES_AGAIN_MS);
	CU_ASSERT_EQUAL(p.part, 30);
}

/* Its answers have come and its next questions not yet: its places are kept for a while. */
static void who_comes_back_finds_its_places(void)
{
	begin();
	for (uint32_t i = 1; i <= 4; i++)
		asks(i, 16);
	asks(5, 8000);
	divide(64, PLACES_AGAIN_MS);
	CU_ASSERT_EQUAL(p.part, 12);
	for (uint32_t i = 1; i <= 4; i++)
		ends(i, 16, 12);
	divide(64, PLACES_AGAIN_MS);
	CU_ASSERT_EQUAL(p.part, 12);
	divide(64, PLACES_WHILE_MS);
	CU_ASSERT_EQUAL(p.part, 12);
	divide(64, PLACES_WHILE_MS); /* they stay away */
	CU_ASSERT_EQUAL(p.part, 64);
}

static void there_is_always_one(void)
{
	begin();
	for (uint32_t i = 0; i < 200; i++)
		asks(i, 10);
	divide(64, PLACES_AGAIN_MS);
	CU_ASSERT_EQUAL(p.part, 1);
	CU_ASSERT_EQUAL(asks(1000, 5), 1);
}

/* More keys than there is room for: those without are not restrained, and nothing that ends is counted twice. */
static void more_keys_than_room(void)
{
	begin();
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 4 * PLACES_SETS * PLACES_WAYS; i++)
			asks(i, 1);
		for (uint32_t i = 0; i < 4 * PLACES_SETS * PLACES_WAYS; i++)
			ends(i, 1, 1);
	}
	divide(64, PLACES_WHILE_MS);
	divide(64, PLACES_WHILE_MS);
	divide(64, PLACES_WHILE_MS);
	CU_ASSERT_EQUAL(p.part, UINT32_MAX); /* nobody wants anything */
	for (uint32_t i = 0; i < PLACES_SETS; i++)
		for (uint32_t k = 0; k < PLACES_WAYS; k++)
			CU_ASSERT_TRUE(p.set[i][k].asked == 0 && p.set[i][k].held == 0);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "alone it has all", alone_it_has_all },
		{ "who wants little gets it", who_wants_little_gets_it },
		{ "who comes back finds its places", who_comes_back_finds_its_places },
		{ "there is always one", there_is_always_one },
		{ "more keys than room", more_keys_than_room },
		{ 0 },
	};
	return unit_main("places", cases);
}
