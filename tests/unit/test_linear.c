/* The checker of histories (tests/linear/linear.h), on histories made by hand: some have an order that explains them, some must fail, and each of those is one
 * operation away from one that holds. */
#include "tests/linear/linear.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define NEVER LINEAR_NEVER
#define GET(from, to, found)                                                                                                                                   \
	{                                                                                                                                                      \
		1, from, to, LINEAR_GET, 0, 0, found, 0                                                                                                        \
	}
#define PUT(from, to, what)                                                                                                                                    \
	{                                                                                                                                                      \
		1, from, to, LINEAR_PUT, what, 0, 0, 0                                                                                                         \
	}
#define CAS(from, to, was, what, did)                                                                                                                          \
	{                                                                                                                                                      \
		1, from, to, LINEAR_CAS, what, was, did, 0                                                                                                     \
	}
#define DELETE(from, to, did)                                                                                                                                  \
	{                                                                                                                                                      \
		1, from, to, LINEAR_DELETE, 0, 0, did, 0                                                                                                       \
	}
#define OPS_MAX 16

struct history {
	const char *name;
	enum linear_verdict verdict;
	struct linear_op op[OPS_MAX]; /* `key` 0 ends them */
};

static const struct history histories[] = {
	{ "nothing", LINEAR_HOLDS, { { 0 } } },
	{ "one after the other", LINEAR_HOLDS, { PUT(1, 2, 7), GET(3, 4, 7), PUT(5, 6, 8), GET(7, 8, 8) } },
	{ "absent at first", LINEAR_HOLDS, { GET(1, 2, LINEAR_NONE), PUT(3, 4, 7), GET(5, 6, 7) } },
	{ "absent after a write", LINEAR_BROKEN, { PUT(1, 2, 7), GET(3, 4, LINEAR_NONE) } },
	{ "stale read", LINEAR_BROKEN, { PUT(1, 2, 7), PUT(3, 4, 8), GET(5, 6, 7) } },
	{ "old value while the write is under way", LINEAR_HOLDS, { PUT(1, 2, 7), PUT(3, 9, 8), GET(5, 6, 7) } },
	{ "new value while the write is under way", LINEAR_HOLDS, { PUT(1, 2, 7), PUT(3, 9, 8), GET(5, 6, 8) } },
	{ "new, then old", LINEAR_BROKEN, { PUT(1, 2, 7), PUT(3, 20, 8), GET(5, 6, 8), GET(7, 8, 7) } },
	{ "new and old at once", LINEAR_HOLDS, { PUT(1, 2, 7), PUT(3, 20, 8), GET(5, 8, 8), GET(6, 9, 7) } },
	{ "read from the future", LINEAR_BROKEN, { GET(1, 2, 7), PUT(3, 4, 7) } },
	{ "read as the write begins", LINEAR_HOLDS, { GET(1, 3, 7), PUT(3, 4, 7) } },
	{ "out of thin air", LINEAR_BROKEN, { PUT(1, 2, 7), GET(1, 4, 9) } },
	{ "answered before it was asked", LINEAR_BROKEN, { PUT(5, 2, 7) } },
	{ "two writes at once, either last", LINEAR_HOLDS, { PUT(1, 9, 7), PUT(1, 9, 8), GET(10, 11, 7), GET(12, 13, 7) } },
	{ "two writes at once, both last", LINEAR_BROKEN, { PUT(1, 9, 7), PUT(1, 9, 8), GET(10, 11, 7), GET(12, 13, 8) } },
	{ "the same value is put again later", LINEAR_HOLDS, { PUT(1, 2, 7), PUT(3, 20, 7), PUT(5, 6, 8), GET(7, 8, 7) } },
	{ "cas counts up", LINEAR_HOLDS, { CAS(1, 2, LINEAR_NONE, 7, 1), CAS(3, 4, 7, 8, 1), GET(5, 6, 8) } },
	{ "lost update", LINEAR_BROKEN, { PUT(1, 2, 7), CAS(3, 9, 7, 8, 1), CAS(4, 10, 8, 9, 1), GET(11, 12, 8) } },
	{ "cas that succeeded twice", LINEAR_BROKEN, { PUT(1, 2, 7), CAS(3, 9, 7, 8, 1), CAS(4, 10, 7, 9, 1) } },
	{ "cas of two, one of them fails", LINEAR_HOLDS, { PUT(1, 2, 7), CAS(3, 9, 7, 8, 1), CAS(4, 10, 7, 9, 0), GET(11, 12, 8) } },
	{ "cas of two, and the one that failed is seen", LINEAR_BROKEN, { PUT(1, 2, 7), CAS(3, 9, 7, 8, 1), CAS(4, 10, 7, 9, 0), GET(11, 12, 9) } },
	{ "cas that failed for no reason", LINEAR_BROKEN, { PUT(1, 2, 7), CAS(3, 4, 7, 8, 0) } },
	{ "cas that does not tell", LINEAR_HOLDS, { PUT(1, 2, 7), CAS(3, 4, 6, 8, LINEAR_UNTOLD), GET(5, 6, 7) } },
	{ "cas that does not tell must succeed", LINEAR_BROKEN, { PUT(1, 2, 7), CAS(3, 4, 7, 8, LINEAR_UNTOLD), GET(5, 6, 7) } },
	{ "delete", LINEAR_HOLDS, { PUT(1, 2, 7), DELETE(3, 4, 1), GET(5, 6, LINEAR_NONE), DELETE(7, 8, 0) } },
	{ "deleted twice", LINEAR_BROKEN, { PUT(1, 2, 7), DELETE(3, 9, 1), DELETE(4, 10, 1) } },
	{ "deleted, and there again", LINEAR_BROKEN, { PUT(1, 2, 7), DELETE(3, 4, 1), GET(5, 6, 7) } },
	{ "deleted what was not there", LINEAR_BROKEN, { DELETE(1, 2, 1), PUT(3, 4, 7) } },
	{ "unknown write, never seen", LINEAR_HOLDS, { PUT(1, 2, 7), PUT(3, NEVER, 8), GET(5, 6, 7), GET(50, 60, 7) } },
	{ "unknown write, seen late", LINEAR_HOLDS, { PUT(1, 2, 7), PUT(3, NEVER, 8), GET(5, 6, 7), GET(50, 60, 8), GET(70, 80, 8) } },
	{ "unknown write, seen then unseen", LINEAR_BROKEN, { PUT(1, 2, 7), PUT(3, NEVER, 8), GET(5, 6, 8), GET(50, 60, 7) } },
	{ "unknown write, seen before it was asked", LINEAR_BROKEN, { PUT(1, 2, 7), GET(3, 4, 8), PUT(5, NEVER, 8) } },
	{ "unknown write, taken for two", LINEAR_BROKEN, { PUT(1, NEVER, 8), GET(3, 4, 8), PUT(5, 6, 7), GET(7, 8, 7), GET(9, 10, 8) } },
	{ "unknown delete", LINEAR_HOLDS, { PUT(1, 2, 7), DELETE(3, NEVER, 0), GET(5, 6, 7), GET(7, 8, LINEAR_NONE) } },
	{ "unknown cas can only write over what it expects", LINEAR_BROKEN, { PUT(1, 2, 7), CAS(3, NEVER, 6, 8, 0), GET(5, 6, 8) } },
	{ "unknown cas", LINEAR_HOLDS, { PUT(1, 2, 7), CAS(3, NEVER, 7, 8, 0), GET(5, 6, 7), GET(7, 8, 8) } },
	{ "unknown read", LINEAR_HOLDS, { PUT(1, 2, 7), GET(3, NEVER, 0), GET(5, 6, 7) } },
	{ "a chain through three that overlap", LINEAR_HOLDS, { CAS(1, 20, 8, 9, 1), CAS(1, 20, 7, 8, 1), PUT(1, 20, 7), GET(21, 22, 9), GET(2, 20, 8) } },
	{ "a chain with a link too few", LINEAR_BROKEN, { CAS(1, 20, 8, 9, 1), CAS(1, 20, 6, 8, 1), PUT(1, 20, 7), GET(21, 22, 9) } },
	{ "one read must not make two orders", LINEAR_BROKEN, { PUT(1, 9, 7), PUT(1, 9, 8), GET(2, 3, 7), GET(4, 5, 8), GET(6, 7, 7) } },
};

static enum linear_verdict judge(const struct linear_op *ops, size_t n, struct linear_report *report)
{
	static struct linear_op sorted[1 << 16];
	CU_ASSERT_FATAL(n <= sizeof sorted / sizeof *sorted);
	memcpy(sorted, ops, n * sizeof *ops);
	return linear_check(sorted, n, report);
}

static void by_hand(void)
{
	struct linear_report report;
	for (size_t i = 0; i < sizeof histories / sizeof *histories; i++) {
		const struct history *h = &histories[i];
		size_t n = 0;
		while (n < OPS_MAX && h->op[n].key)
			n++;
		if (judge(h->op, n, &report) != h->verdict)
			CU_FAIL_FATAL(h->name);
		CU_ASSERT_EQUAL(report.op != NULL, h->verdict == LINEAR_BROKEN);
	}
}

/* Keys are apart: each alone holds, and the broken one is named. */
static void keys_are_apart(void)
{
	struct linear_report report;
	struct linear_op ops[] = { PUT(1, 2, 7), PUT(3, 4, 8), GET(5, 6, 8) };
	ops[1].key = 2;
	ops[2].key = 2;
	CU_ASSERT_EQUAL(judge(ops, 3, &report), LINEAR_HOLDS);
	CU_ASSERT_EQUAL(report.keys, 2);
	ops[2].result = 7;
	CU_ASSERT_EQUAL(judge(ops, 3, &report), LINEAR_BROKEN);
	CU_ASSERT_EQUAL(report.key, 2);
	CU_ASSERT_EQUAL(report.count, 2);
}

static uint32_t below(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33) % n;
}

/* What a register does when each operation takes effect somewhere between question and answer. One client asks one thing at a time. */
static size_t made(struct linear_op *ops, size_t n, uint64_t seed, uint32_t clients)
{
	uint64_t value = LINEAR_NONE, state = seed, free_at[8] = { 0 };
	for (size_t i = 0; i < n; i++) {
		uint64_t moment = 100 * (i + 1);
		uint32_t c = below(&state, clients);
		struct linear_op *op = &ops[i];
		while (free_at[c] >= moment)
			c = (c + 1) % clients;
		uint64_t early = 1 + below(&state, 400);
		*op = (struct linear_op){ .key = 1, .client = c, .kind = (enum linear_kind)below(&state, 4), .value = i + 1, .expected = value };
		op->asked = moment > free_at[c] + early ? moment - early : free_at[c] + 1;
		op->answered = moment + below(&state, 90 * (clients - 1) + 1);
		free_at[c] = op->answered;
		if (op->kind == LINEAR_CAS && below(&state, 2))
			op->expected = value + 1;
		op->result = op->kind == LINEAR_GET ? value : op->kind == LINEAR_CAS ? value == op->expected : value != LINEAR_NONE;
		if (op->kind == LINEAR_PUT || (op->kind == LINEAR_CAS && op->result))
			value = op->value;
		if (op->kind == LINEAR_DELETE)
			value = LINEAR_NONE;
	}
	return n;
}

/* Histories of a real register hold, whatever overlaps; and one read changed to what never was there breaks them. */
static void made_histories(void)
{
	static struct linear_op ops[1000];
	struct linear_report report;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		size_t n = made(ops, sizeof ops / sizeof *ops, seed, 5);
		CU_ASSERT_EQUAL_FATAL(judge(ops, n, &report), LINEAR_HOLDS);
		size_t i = n / 2;
		while (ops[i].kind != LINEAR_GET)
			i++;
		ops[i].result = 1000000;
		CU_ASSERT_EQUAL_FATAL(judge(ops, n, &report), LINEAR_BROKEN);
		CU_ASSERT(report.op && report.op->result == 1000000);
	}
}

/* A read that is stale by a whole write, in the middle of a long history. */
static void one_stale_read(void)
{
	static struct linear_op ops[20000];
	struct linear_report report;
	size_t n = sizeof ops / sizeof *ops;
	for (size_t i = 0; i < n; i++)
		ops[i] = i % 2 ? (struct linear_op)GET(10 * i, 10 * i + 25, i) : (struct linear_op)PUT(10 * i, 10 * i + 5, i + 1);
	CU_ASSERT_EQUAL(judge(ops, n, &report), LINEAR_HOLDS);
	CU_ASSERT(report.arranged_max < 100);
	ops[10001].result = ops[9999].result;
	CU_ASSERT_EQUAL(judge(ops, n, &report), LINEAR_BROKEN);
	CU_ASSERT(report.op && report.op->asked == ops[10001].asked);
}

/* Whoever asks for too much at once is told so, and is told nothing else. */
static void too_wide(void)
{
	static struct linear_op ops[LINEAR_OPEN_MAX + 1];
	struct linear_report report;
	for (size_t i = 0; i <= LINEAR_OPEN_MAX; i++)
		ops[i] = (struct linear_op)PUT(1, 2, i + 1);
	CU_ASSERT_EQUAL(judge(ops, LINEAR_OPEN_MAX + 1, &report), LINEAR_TOO_WIDE);
	CU_ASSERT_EQUAL(judge(ops, 6, &report), LINEAR_HOLDS);
	for (size_t i = 0; i < 30; i++)
		ops[i] = (struct linear_op)PUT(1, 2, i % 29 + 1);
	CU_ASSERT_EQUAL(judge(ops, 30, &report), LINEAR_TOO_WIDE);
}

/* What is shown to people names all that matters. */
static void printed(void)
{
	const struct linear_op ops[] = { CAS(3, 9, 7, 8, 0), PUT(1, NEVER, 5), GET(2, 4, LINEAR_NONE), DELETE(5, 6, 1) };
	static const char *const want[] = { "       3..9        client 0 puts 8 in the place of 7: it did not\n",
		                            "       1..?        client 0 puts 5: never answered\n", "       2..4        client 0 gets: finds nothing\n",
		                            "       5..6        client 0 deletes: it was there\n" };
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		char text[200] = "";
		FILE *f = fmemopen(text, sizeof text, "w");
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		linear_print(f, &ops[i]);
		fclose(f);
		CU_ASSERT_STRING_EQUAL(text, want[i]);
	}
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "histories made by hand", by_hand },
		{ "keys are apart", keys_are_apart },
		{ "histories of a register", made_histories },
		{ "one stale read", one_stale_read },
		{ "too wide", too_wide },
		{ "what is printed", printed },
		{ 0 },
	};
	return unit_main("linear", cases);
}
