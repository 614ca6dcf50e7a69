/* How many requests of each client are on their way: who wants far more than the others, and what it may have under way then. */
#include "replica/shares.h"
#include "tests/unit/unit.h"

#define MANY 1024u

static struct public_key key_of(uint8_t client)
{
	return (struct public_key){ .b = { client, (uint8_t)(client * 7) } };
}

static void move(struct shares *s, uint8_t client, enum share *at, uint32_t count, enum share to)
{
	struct public_key key = key_of(client);
	for (uint32_t i = 0; i < count; i++)
		shares_move(s, &key, &at[i], to);
}

static bool allowed(const struct shares *s, uint8_t client)
{
	struct public_key key = key_of(client);
	return shares_allow(s, &key);
}

/* Four that want 16 each, and one that wants `want`. */
static enum share places[5][MANY];

/* What is as it is now is so for 200 ms. */
static void goes_on(struct shares *s)
{
	static uint64_t now_ms;
	shares_time(s, now_ms += 200);
}

static struct shares *crowd(uint32_t want)
{
	struct shares *s = shares_create(8);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	memset(places, 0, sizeof places);
	for (uint8_t i = 0; i < 4; i++)
		move(s, i, places[i], 16, SHARE_UNDER_WAY);
	move(s, 4, places[4], want, SHARE_WAITS);
	goes_on(s);
	return s;
}

static void about_equal_they_have_what_they_want(void)
{
	struct shares *s = crowd(32);
	shares_judge(s, 64);
	CU_ASSERT_TRUE(shares_most(s) == UINT32_MAX && allowed(s, 4) && allowed(s, 0));
	shares_destroy(s);
}

static void who_wants_far_more_has_as_much_as_the_others(void)
{
	struct shares *s = crowd(256);
	shares_judge(s, 64);
	CU_ASSERT_EQUAL(shares_most(s), 16);
	move(s, 4, places[4], 15, SHARE_UNDER_WAY);
	CU_ASSERT_TRUE(allowed(s, 4));
	move(s, 4, places[4] + 15, 1, SHARE_UNDER_WAY);
	CU_ASSERT_FALSE(allowed(s, 4));
	move(s, 4, places[4], 1, SHARE_NONE);
	CU_ASSERT_TRUE(allowed(s, 4));
	/* It wants as much, wherever its requests stand: what it was held to is no reason to let go. */
	move(s, 4, places[4], 16, SHARE_UNDER_WAY);
	shares_judge(s, 64);
	CU_ASSERT_EQUAL(shares_most(s), 16);
	shares_destroy(s);
}

/* One that loads much at night beside four that ask now and then: the order is kept full. */
static void what_the_others_leave_is_theirs_who_want_more(void)
{
	struct shares *s = crowd(1000);
	shares_judge(s, 64 + 300);
	CU_ASSERT_EQUAL(shares_most(s), 300);
	for (uint8_t i = 0; i < 4; i++)
		move(s, i, places[i], 15, SHARE_NONE);
	shares_judge(s, 64);
	CU_ASSERT_EQUAL(shares_most(s), 60);
	goes_on(s);
	shares_judge(s, 64);
	CU_ASSERT_EQUAL(shares_most(s), 60);
	for (uint8_t i = 0; i < 4; i++)
		move(s, i, places[i], 16, SHARE_NONE);
	shares_judge(s, 64);
	shares_judge(s, 64);
	CU_ASSERT_EQUAL(shares_most(s), UINT32_MAX); /* alone */
	shares_destroy(s);
}

/* Two accomplices of five do not raise what counts as much. */
static void several_do_not_raise_it(void)
{
	struct shares *s = crowd(256);
	move(s, 3, places[3], 16, SHARE_NONE);
	move(s, 3, places[3], 256, SHARE_WAITS);
	shares_judge(s, 64);
	CU_ASSERT_TRUE(allowed(s, 2) && allowed(s, 3));
	CU_ASSERT_EQUAL(shares_most(s), 16);
	shares_judge(s, 48 + 100);
	CU_ASSERT_EQUAL(shares_most(s), 50); /* the rest is for both */
	shares_destroy(s);
}

/* Who has requests waiting has as many under way as it may, always; who waits for an answer before it asks again has as many now and then. */
static void as_many_as_the_others_have_on_average(void)
{
	struct shares *s = crowd(256);
	shares_judge(s, 64);
	for (uint8_t i = 0; i < 4; i++)
		move(s, i, places[i], 16, SHARE_NONE);
	goes_on(s);
	for (uint8_t i = 0; i < 4; i++)
		move(s, i, places[i], 16, SHARE_UNDER_WAY);
	goes_on(s);
	shares_judge(s, 0);
	CU_ASSERT_TRUE(shares_most(s) == 8 && shares_held(s, &(struct public_key){ .b = { 4, 28 } }) &&
	               !shares_held(s, &(struct public_key){ .b = { 3, 21 } }));
	shares_destroy(s);
}

/* A hundred keys cost nothing. */
static void a_crowd_holds_nobody_to_little(void)
{
	struct shares *s = shares_create(128);
	static enum share one[100];
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	memset(one, 0, sizeof one);
	memset(places, 0, sizeof places);
	for (uint8_t i = 0; i < 100; i++)
		move(s, (uint8_t)(10 + i), &one[i], 1, SHARE_UNDER_WAY);
	move(s, 0, places[0], 3, SHARE_UNDER_WAY);
	move(s, 0, places[0] + 3, 100, SHARE_WAITS);
	goes_on(s);
	shares_judge(s, 64);
	CU_ASSERT_TRUE(shares_most(s) == 4 && allowed(s, 0));
	move(s, 0, places[0] + 3, 1, SHARE_UNDER_WAY);
	CU_ASSERT_FALSE(allowed(s, 0));
	shares_destroy(s);
}

static void of_too_many_the_last_are_not_counted(void)
{
	struct shares *s = shares_create(4);
	enum share at[6] = { 0 };
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	for (uint8_t i = 0; i < 6; i++)
		move(s, i, &at[i], 1, SHARE_WAITS);
	CU_ASSERT_TRUE(at[3] == SHARE_WAITS && at[4] == SHARE_NONE && at[5] == SHARE_NONE);
	move(s, 0, &at[0], 1, SHARE_NONE);
	shares_judge(s, 64);
	move(s, 4, &at[4], 1, SHARE_UNDER_WAY);
	CU_ASSERT_EQUAL(at[4], SHARE_NONE);
	shares_judge(s, 64);
	move(s, 4, &at[4], 1, SHARE_UNDER_WAY);
	CU_ASSERT_EQUAL(at[4], SHARE_UNDER_WAY);
	shares_judge(s, 64);
	CU_ASSERT_EQUAL(shares_most(s), UINT32_MAX);
	shares_destroy(s);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "about equal, they have what they want", about_equal_they_have_what_they_want },
		{ "who wants far more has as much as the others", who_wants_far_more_has_as_much_as_the_others },
		{ "what the others leave is theirs who want more", what_the_others_leave_is_theirs_who_want_more },
		{ "several do not raise it", several_do_not_raise_it },
		{ "as many as the others have on average", as_many_as_the_others_have_on_average },
		{ "a crowd holds nobody to little", a_crowd_holds_nobody_to_little },
		{ "of too many the last are not counted", of_too_many_the_last_are_not_counted },
		{ 0 },
	};
	return unit_main("shares", cases);
}
