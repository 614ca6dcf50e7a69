/* Messages that the core holds: counted, bounded, and gone when nobody holds them. */
#include "replica/messages.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static struct messages *ms;

static bft_ref add(uint8_t what)
{
	uint8_t body[3] = { what, what, what };
	struct message m = { .signer = what, .type = 16, .epoch = 1, .body = body, .body_bytes = sizeof body, .core_bytes = 2 };
	return messages_add(ms, &m);
}

static void begin(uint32_t max)
{
	ms = messages_create(max);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ms);
}

static void a_message_is_copied(void)
{
	begin(10);
	bft_ref a = add(1), c = add(2);
	CU_ASSERT_TRUE(a && c && a != c);
	const struct message *m = messages_at(ms, a);
	CU_ASSERT_TRUE(m->signer == 1 && m->type == 16 && m->body_bytes == 3 && m->core_bytes == 2 && m->body[2] == 1 && !m->verified);
	messages_set_verified(ms, a);
	CU_ASSERT_TRUE(messages_at(ms, a)->verified && !messages_at(ms, c)->verified);
	/* An empty body is one too. */
	struct message none = { .signer = 3, .body = (const uint8_t *)"" };
	bft_ref e = messages_add(ms, &none);
	CU_ASSERT_TRUE(e && messages_at(ms, e)->body_bytes == 0);
	CU_ASSERT_EQUAL(messages_count(ms), 3);
	messages_destroy(ms);
	messages_destroy(NULL);
}

static void a_hold_keeps_it(void)
{
	begin(10);
	bft_ref a = add(1);
	messages_hold(ms, a, 5);
	messages_hold(ms, a, 5);
	messages_hold(ms, a, 6);
	messages_drop(ms, a);
	CU_ASSERT_EQUAL(messages_count(ms), 1);
	messages_release(ms, a, 5);
	messages_release(ms, a, 6);
	CU_ASSERT_EQUAL(messages_count(ms), 1);
	messages_release(ms, a, 5);
	CU_ASSERT_EQUAL(messages_count(ms), 0);
	bft_ref c = add(2);
	messages_drop(ms, c);
	CU_ASSERT_EQUAL(messages_count(ms), 0);
	messages_destroy(ms);
}

static void what_is_stable_is_let_go(void)
{
	begin(100);
	bft_ref at[20];
	for (uint8_t i = 0; i < 20; i++) {
		at[i] = add(i);
		messages_hold(ms, at[i], i + 1u);
		messages_hold(ms, at[i], i / 2 + 1u);
	}
	bft_ref job = add(99);
	messages_hold(ms, job, UINT64_MAX - 1); /* the driver's own holds lie above every sequence */
	messages_stable(ms, 0);
	CU_ASSERT_EQUAL(messages_count(ms), 21);
	messages_stable(ms, 10);
	CU_ASSERT_EQUAL(messages_count(ms), 11);
	for (uint8_t i = 10; i < 20; i++)
		CU_ASSERT_EQUAL(messages_at(ms, at[i])->signer, i);
	messages_stable(ms, BFT_SEQ_MAX);
	CU_ASSERT_EQUAL(messages_count(ms), 1);
	messages_release(ms, job, UINT64_MAX - 1);
	CU_ASSERT_EQUAL(messages_count(ms), 0);
	messages_destroy(ms);
}

static void there_are_so_many_and_no_more(void)
{
	static const uint32_t maxima[] = { 1, 255, 256, 257, 600 };
	for (size_t k = 0; k < sizeof maxima / sizeof maxima[0]; k++) {
		uint32_t max = maxima[k];
		bft_ref *at = calloc(max, sizeof *at);
		begin(max);
		CU_ASSERT_PTR_NOT_NULL_FATAL(at);
		for (uint32_t i = 0; i < max; i++) {
			at[i] = add((uint8_t)i);
			CU_ASSERT_NOT_EQUAL_FATAL(at[i], 0);
			messages_hold(ms, at[i], i + 1u);
		}
		CU_ASSERT_EQUAL(add(1), 0);
		CU_ASSERT_EQUAL(messages_count(ms), max);
		/* The places are apart, though the table grew. */
		for (uint32_t i = 0; i < max; i++)
			CU_ASSERT_EQUAL(messages_at(ms, at[i])->body[0], (uint8_t)i);
		/* One goes, one comes. */
		messages_release(ms, at[max / 2], max / 2 + 1u);
		bft_ref again = add(77);
		CU_ASSERT_TRUE(again && messages_at(ms, again)->signer == 77 && !messages_at(ms, again)->verified);
		CU_ASSERT_EQUAL(add(1), 0);
		messages_destroy(ms); /* with holds */
		free(at);
	}
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a message is copied", a_message_is_copied },
		{ "a hold keeps it", a_hold_keeps_it },
		{ "what is stable is let go", what_is_stable_is_let_go },
		{ "there are so many and no more", there_are_so_many_and_no_more },
		{ 0 },
	};
	return unit_main("messages", cases);
}
