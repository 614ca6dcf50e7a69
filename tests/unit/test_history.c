/* Where things are in the log: by sequence, by digest, and what goes when the log is cut. */
#include "replica/history.h"
#include "tests/unit/unit.h"

#include <string.h>

static struct history *h;

static void begin(void)
{
	h = history_create();
	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
}

static struct digest some(uint64_t i)
{
	struct digest d;
	digest_of(&d, DOMAIN_TEST, &i, sizeof i);
	return d;
}

static struct log_position place(uint64_t i)
{
	return (struct log_position){ .segment = 1 + i / 100, .offset = (uint32_t)i, .bytes = 10 };
}

static bool body_at(const struct digest *d, uint64_t i)
{
	struct log_position at, is = place(i);
	return history_body(h, d, &at) && at.segment == is.segment && at.offset == is.offset && at.bytes == is.bytes;
}

static bool body_gone(const struct digest *d)
{
	struct log_position at;
	return !history_body(h, d, &at);
}

static void entries_are_found_by_sequence(void)
{
	begin();
	CU_ASSERT_PTR_NULL(history_find(h, 0));
	CU_ASSERT_PTR_NULL(history_find(h, 1));
	CU_ASSERT_PTR_NULL(history_open(h, 0));
	for (bft_seq seq = 1; seq <= 10000; seq += 3) {
		struct history_entry *e = history_open(h, seq);
		CU_ASSERT_PTR_NOT_NULL_FATAL(e);
		CU_ASSERT_TRUE(e->lsn_min == 0 && e->executed.segment == 0 && e->stable.segment == 0);
		e->lsn_min = seq * 2;
	}
	for (bft_seq seq = 1; seq <= 9999; seq++)
		CU_ASSERT_EQUAL(history_find(h, seq)->lsn_min, seq % 3 == 1 ? seq * 2 : 0);
	CU_ASSERT_PTR_NULL(history_find(h, 10001));
	CU_ASSERT_EQUAL(history_open(h, 4)->lsn_min, 8);
	history_destroy(h);
	history_destroy(NULL);
}

static void a_log_may_begin_anywhere(void)
{
	begin();
	CU_ASSERT_PTR_NOT_NULL_FATAL(history_open(h, 1000000));
	CU_ASSERT_PTR_NOT_NULL(history_open(h, 1000000 - 1024));
	CU_ASSERT_PTR_NULL(history_open(h, 1000000 - 1025));
	CU_ASSERT_PTR_NULL(history_find(h, 1));
	/* And reaches only so far: no sequence that a record names sizes anything. */
	CU_ASSERT_PTR_NULL(history_open(h, BFT_SEQ_MAX));
	CU_ASSERT_PTR_NULL(history_open(h, UINT64_MAX));
	history_destroy(h);
}

static void the_next_certificate_is_found_within_reach(void)
{
	begin();
	history_open(h, 50)->stable = place(1);
	history_open(h, 58)->stable = place(2);
	CU_ASSERT_EQUAL(history_stable_from(h, 40, 9), 0);
	CU_ASSERT_EQUAL(history_stable_from(h, 40, 10), 50);
	CU_ASSERT_EQUAL(history_stable_from(h, 50, 0), 50);
	CU_ASSERT_EQUAL(history_stable_from(h, 51, 100), 58);
	CU_ASSERT_EQUAL(history_stable_from(h, 59, 255), 0);
	history_destroy(h);
}

static void bodies_are_found_by_digest(void)
{
	begin();
	for (uint64_t i = 1; i <= 5000; i++) {
		struct digest d = some(i);
		struct log_position at = place(i);
		CU_ASSERT_TRUE(body_gone(&d));
		CU_ASSERT_TRUE(history_put_body(h, &d, i, &at));
	}
	for (uint64_t i = 1; i <= 5000; i++) {
		struct digest d = some(i);
		CU_ASSERT_TRUE(body_at(&d, i));
	}
	struct digest d = some(7), none = some(5001);
	struct log_position at = place(9999);
	CU_ASSERT_TRUE(history_put_body(h, &d, 7, &at)); /* the last one wins */
	CU_ASSERT_TRUE(body_at(&d, 9999));
	CU_ASSERT_TRUE(body_gone(&none));
	history_destroy(h);
}

/* Digests that begin alike lie side by side. */
static void a_full_neighbourhood_keeps_apart(void)
{
	struct digest d[40];
	begin();
	for (uint8_t i = 0; i < 40; i++) {
		memset(d[i].b, 0xFF, sizeof d[i].b);
		d[i].b[12] = i;
		struct log_position at = place(i);
		CU_ASSERT_TRUE(history_put_body(h, &d[i], i + 1u, &at));
	}
	for (uint8_t i = 0; i < 40; i++)
		CU_ASSERT_TRUE(body_at(&d[i], i));
	history_drop(h, 20);
	for (uint8_t i = 0; i < 40; i++)
		CU_ASSERT_TRUE(i < 20 ? body_gone(&d[i]) : body_at(&d[i], i));
	history_destroy(h);
}

static void cutting_says_what_is_still_needed(void)
{
	begin();
	CU_ASSERT_EQUAL(history_drop(h, 0), UINT64_MAX);
	for (bft_seq seq = 1; seq <= 20; seq++) {
		struct digest d = some(seq);
		struct log_position at = place(seq);
		history_open(h, seq)->lsn_min = seq == 15 ? 30 : 100 + seq; /* one that concerns 15 came early */
		history_put_body(h, &d, seq, &at);
	}
	history_open(h, 21); /* nothing is said of it */
	CU_ASSERT_EQUAL(history_drop(h, 5), 30);
	for (bft_seq seq = 1; seq <= 20; seq++) {
		struct digest d = some(seq);
		CU_ASSERT_TRUE(seq <= 5 ? body_gone(&d) : body_at(&d, seq));
		CU_ASSERT_EQUAL(history_find(h, seq) == NULL, seq <= 5);
	}
	CU_ASSERT_EQUAL(history_find(h, 6)->lsn_min, 106);
	CU_ASSERT_PTR_NULL(history_open(h, 5));
	/* Again, and lower: nothing more goes. */
	CU_ASSERT_EQUAL(history_drop(h, 5), 30);
	CU_ASSERT_EQUAL(history_drop(h, 2), 30);
	CU_ASSERT_EQUAL(history_find(h, 6)->lsn_min, 106);
	CU_ASSERT_EQUAL(history_drop(h, 15), 116);
	CU_ASSERT_EQUAL(history_drop(h, 20), UINT64_MAX);
	CU_ASSERT_EQUAL(history_drop(h, 5000), UINT64_MAX);
	/* What was cut does not come back, whatever comes first then. */
	CU_ASSERT_PTR_NOT_NULL(history_open(h, 5001));
	CU_ASSERT_PTR_NULL(history_open(h, 5000));
	CU_ASSERT_PTR_NULL(history_open(h, 4000));
	history_destroy(h);
}

static void the_table_is_used_again_after_a_cut(void)
{
	begin();
	for (uint64_t i = 1; i <= 20000; i++) {
		struct digest d = some(i);
		struct log_position at = place(i);
		history_open(h, i)->lsn_min = i;
		CU_ASSERT_TRUE(history_put_body(h, &d, i, &at));
		if (i % 400 == 0)
			CU_ASSERT_EQUAL(history_drop(h, i - 100), i - 99);
	}
	for (uint64_t i = 1; i <= 20000; i++) {
		struct digest d = some(i);
		CU_ASSERT_TRUE(i <= 19900 ? body_gone(&d) : body_at(&d, i));
	}
	history_destroy(h);
}

/* A leader may propose the same bytes again at a higher place. What was written for the lower one goes with the lower one. */
static void a_body_covers_only_its_own_place_and_below(void)
{
	struct digest d = some(1);
	struct log_position low = place(1), high = place(2);
	begin();
	CU_ASSERT_FALSE(history_body_covers(h, &d, 1));
	history_put_body(h, &d, 5, &low);
	CU_ASSERT_TRUE(history_body_covers(h, &d, 5) && history_body_covers(h, &d, 4));
	CU_ASSERT_FALSE(history_body_covers(h, &d, 6));
	history_put_body(h, &d, 9, &high);
	CU_ASSERT_TRUE(history_body_covers(h, &d, 9));
	history_open(h, 9)->lsn_min = 4;
	history_drop(h, 5);
	CU_ASSERT_TRUE(body_at(&d, 2));
	history_drop(h, 9);
	CU_ASSERT_TRUE(body_gone(&d) && !history_body_covers(h, &d, 1));
	history_destroy(h);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "entries are found by sequence", entries_are_found_by_sequence },
		{ "a log may begin anywhere", a_log_may_begin_anywhere },
		{ "the next certificate is found within reach", the_next_certificate_is_found_within_reach },
		{ "bodies are found by digest", bodies_are_found_by_digest },
		{ "a full neighbourhood keeps apart", a_full_neighbourhood_keeps_apart },
		{ "cutting says what is still needed", cutting_says_what_is_still_needed },
		{ "the table is used again after a cut", the_table_is_used_again_after_a_cut },
		{ "a body covers only its own place and below", a_body_covers_only_its_own_place_and_below },
		{ 0 },
	};
	return unit_main("history", cases);
}
