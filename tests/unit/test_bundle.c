#include "bft/bundle.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define KIND_AT PUBLIC_KEY_BYTES
#define SESSION_AT (KIND_AT + 1)
#define NUMBER_AT (SESSION_AT + 8)
#define AFTER_AT (NUMBER_AT + 8)
#define COUNT_AT (BUNDLE_HEAD_BYTES - 2)

static const uint8_t three_ops[] = { 3, 0, 0, 0, 'a', 'b', 'c', 0, 0, 0, 0, 1, 0, 0, 0, 'z' };

static struct bundle sample(void)
{
	struct bundle b = { .kind = BUNDLE_OPS,
		            .session = 0x0102030405060708,
		            .number = 9,
		            .after = 8,
		            .reply_mask = ~(uint64_t)0,
		            .count = 3,
		            .ops = three_ops,
		            .ops_bytes = sizeof three_ops };
	for (uint8_t i = 0; i < PUBLIC_KEY_BYTES; i++)
		b.key.b[i] = i;
	return b;
}

/* The bytes in a block of their own size, so that a sanitizer sees one read too many. */
static const char *decode(struct bundle *out, const uint8_t *bytes, size_t n)
{
	static struct bundle ignored;
	uint8_t *exact = malloc(n ? n : 1);
	if (n)
		memcpy(exact, bytes, n);
	const char *why = bundle_decode(out ? out : &ignored, exact, n);
	free(exact);
	return why;
}

static size_t encode(const struct bundle *b, uint8_t *bytes, size_t capacity)
{
	size_t n = bundle_encode(b, bytes, capacity);
	CU_ASSERT_FATAL(n == BUNDLE_HEAD_BYTES + b->ops_bytes);
	return n;
}

static void round_trip(void)
{
	struct bundle b = sample(), back;
	uint8_t bytes[256], again[256];
	size_t n = encode(&b, bytes, sizeof bytes);
	CU_ASSERT_PTR_NULL(bundle_decode(&back, bytes, n));
	CU_ASSERT(public_key_equal(&back.key, &b.key) && back.kind == b.kind && back.session == b.session && back.number == b.number);
	CU_ASSERT(back.after == b.after && back.reply_mask == b.reply_mask && back.count == 3 && back.ops_bytes == sizeof three_ops);
	CU_ASSERT(encode(&back, again, sizeof again) == n && memcmp(bytes, again, n) == 0);

	struct rd r = rd_of(back.ops, back.ops_bytes);
	const uint8_t *op;
	uint32_t size;
	CU_ASSERT(bundle_next_op(&r, &op, &size) && size == 3 && memcmp(op, "abc", 3) == 0);
	CU_ASSERT(bundle_next_op(&r, &op, &size) && size == 0);
	CU_ASSERT(bundle_next_op(&r, &op, &size) && size == 1 && *op == 'z');
	CU_ASSERT(!bundle_next_op(&r, &op, &size));
}

static void every_truncation_and_a_trailing_byte(void)
{
	struct bundle b = sample();
	uint8_t bytes[256] = { 0 };
	size_t n = encode(&b, bytes, sizeof bytes);
	for (size_t k = 0; k < n; k++)
		CU_ASSERT_PTR_NOT_NULL(decode(NULL, bytes, k));
	CU_ASSERT_PTR_NULL(decode(NULL, bytes, n));
	for (size_t k = n + 1; k <= n + 5; k++)
		CU_ASSERT_PTR_NOT_NULL(decode(NULL, bytes, k));
	for (size_t room = 0; room < n; room++)
		CU_ASSERT(bundle_encode(&b, bytes, room) == 0);
}

static void lengths_of_operations_that_lie(void)
{
	static const uint32_t lies[] = { 0, 1, 2, 4, 16, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF };
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		struct bundle b = sample();
		uint8_t bytes[256];
		size_t n = encode(&b, bytes, sizeof bytes);
		struct wr w = wr_of(bytes + BUNDLE_HEAD_BYTES, 4);
		wr_u32(&w, lies[i]);
		CU_ASSERT_PTR_NOT_NULL(decode(NULL, bytes, n));
	}
}

static void set_u16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)v;
	at[1] = (uint8_t)(v >> 8);
}

static void counts_that_lie(void)
{
	static const uint16_t lies[] = { 0, 1, 2, 4, 1024, 1025, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF };
	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		struct bundle b = sample();
		uint8_t bytes[256];
		size_t n = encode(&b, bytes, sizeof bytes);
		set_u16(bytes + COUNT_AT, lies[i]);
		CU_ASSERT_PTR_NOT_NULL(decode(NULL, bytes, n));
	}
}

/* `count` empty operations, said to be `said`. */
static const char *empty_ops(uint32_t count, uint16_t said)
{
	size_t n = BUNDLE_HEAD_BYTES + 4 * (size_t)count;
	uint8_t *bytes = calloc(1, n);
	struct bundle b = { .session = 1, .number = 1, .count = said };
	bundle_encode(&b, bytes, n);
	const char *why = decode(NULL, bytes, n);
	free(bytes);
	return why;
}

static void the_number_of_operations(void)
{
	CU_ASSERT_PTR_NULL(empty_ops(1, 1));
	CU_ASSERT_PTR_NULL(empty_ops(BFT_BUNDLE_OPS_MAX, BFT_BUNDLE_OPS_MAX));
	CU_ASSERT_PTR_NOT_NULL(empty_ops(BFT_BUNDLE_OPS_MAX + 1, BFT_BUNDLE_OPS_MAX + 1));
	CU_ASSERT_PTR_NOT_NULL(empty_ops(0xFFFF, 0xFFFF));
	/* A count that is right only modulo 2^16 would have more executed than was counted. */
	CU_ASSERT_PTR_NOT_NULL(empty_ops(0x10000 + 1, 1));
	CU_ASSERT_PTR_NOT_NULL(empty_ops(0x10000 + 1024, 1024));
	CU_ASSERT_PTR_NOT_NULL(empty_ops(0x20000 + 1, 1));
	CU_ASSERT_PTR_NOT_NULL(empty_ops(0x10000, 0));
}

static void the_size(void)
{
	for (size_t over = 0; over < 2; over++) {
		size_t n = BFT_BUNDLE_BYTES_MAX + over, op = n - BUNDLE_HEAD_BYTES - 4;
		uint8_t *bytes = calloc(1, n);
		struct bundle b = { .session = 1, .number = 1, .count = 1 };
		bundle_encode(&b, bytes, n);
		struct wr w = wr_of(bytes + BUNDLE_HEAD_BYTES, 4);
		wr_u32(&w, (uint32_t)op);
		CU_ASSERT((decode(NULL, bytes, n) == NULL) == (over == 0));
		free(bytes);
	}
}

static const char *check(uint8_t kind, uint64_t session, uint64_t number, uint64_t after, uint16_t count, const void *ops, size_t ops_bytes)
{
	uint8_t bytes[256];
	struct bundle b = { .kind = kind, .session = session, .number = number, .after = after, .count = count, .ops = ops, .ops_bytes = ops_bytes };
	return decode(NULL, bytes, encode(&b, bytes, sizeof bytes));
}

static void kinds(void)
{
	static const uint8_t time[] = { 8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 }, short_time[] = { 7, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7 };
	static const uint8_t op[] = { 1, 0, 0, 0, 'x' };
	CU_ASSERT_PTR_NULL(check(BUNDLE_OPEN, 0, 77, 0, 1, time, sizeof time));
	CU_ASSERT_PTR_NOT_NULL(check(BUNDLE_OPEN, 1, 77, 0, 1, time, sizeof time));
	CU_ASSERT_PTR_NOT_NULL(check(BUNDLE_OPEN, 0, 77, 76, 1, time, sizeof time));
	CU_ASSERT_PTR_NOT_NULL(check(BUNDLE_OPEN, 0, 77, 0, 0, NULL, 0));
	CU_ASSERT_PTR_NOT_NULL(check(BUNDLE_OPEN, 0, 77, 0, 1, short_time, sizeof short_time));
	CU_ASSERT_PTR_NOT_NULL(check(BUNDLE_OPEN, 0, 0, 0, 1, time, sizeof time));

	CU_ASSERT_PTR_NULL(check(BUNDLE_OPS, 5, 1, 0, 1, op, sizeof op));
	CU_ASSERT_PTR_NOT_NULL(check(BUNDLE_OPS, 0, 1, 0, 1, op, sizeof op));
	CU_ASSERT_PTR_NOT_NULL(check(BUNDLE_OPS, 5, 1, 0, 0, NULL, 0));

	for (uint8_t kind = BUNDLE_SNAPSHOT; kind <= BUNDLE_CLOSE; kind++) {
		CU_ASSERT_PTR_NULL(check(kind, 5, 1, 0, 0, NULL, 0));
		CU_ASSERT_PTR_NOT_NULL(check(kind, 5, 1, 0, 1, op, sizeof op));
		CU_ASSERT_PTR_NOT_NULL(check(kind, 0, 1, 0, 0, NULL, 0));
	}
	for (uint32_t kind = BUNDLE_CLOSE + 1; kind <= 0xFF; kind++) {
		CU_ASSERT_PTR_NOT_NULL(check((uint8_t)kind, 5, 1, 0, 0, NULL, 0));
		CU_ASSERT_PTR_NOT_NULL(check((uint8_t)kind, 5, 1, 0, 1, op, sizeof op));
	}
}

static void numbers(void)
{
	static const uint8_t op[] = { 1, 0, 0, 0, 'x' };
	CU_ASSERT_PTR_NOT_NULL(check(BUNDLE_OPS, 5, 0, 0, 1, op, sizeof op));
	CU_ASSERT_PTR_NULL(check(BUNDLE_OPS, 5, UINT64_MAX, UINT64_MAX - 1, 1, op, sizeof op));
	CU_ASSERT_PTR_NOT_NULL(check(BUNDLE_OPS, 5, 7, 7, 1, op, sizeof op));
	CU_ASSERT_PTR_NOT_NULL(check(BUNDLE_OPS, 5, 7, 8, 1, op, sizeof op));
	CU_ASSERT_PTR_NULL(check(BUNDLE_OPS, 5, 7, 6, 1, op, sizeof op));
}

/* Whatever is accepted has one encoding, and its operations are as many as it says. */
static void random_bytes(void)
{
	uint64_t x = 42;
	uint8_t bytes[160], again[160];
	uint32_t accepted = 0;
	for (int i = 0; i < 200000; i++) {
		struct bundle b = sample(), back;
		size_t n = encode(&b, bytes, sizeof bytes);
		for (int k = 0; k < 3; k++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			bytes[KIND_AT + (x >> 33) % (n - KIND_AT)] = (uint8_t)(x >> 56);
		}
		n -= (x >> 20) % 2;
		if (bundle_decode(&back, bytes, n))
			continue;
		accepted++;
		CU_ASSERT_FATAL(bundle_encode(&back, again, sizeof again) == n && memcmp(bytes, again, n) == 0);
		struct rd r = rd_of(back.ops, back.ops_bytes);
		const uint8_t *op;
		uint32_t size, seen = 0;
		while (bundle_next_op(&r, &op, &size))
			seen++;
		CU_ASSERT_FATAL(seen == back.count && rd_done(&r));
	}
	CU_ASSERT(accepted > 0);
}

static void digest_and_statement(void)
{
	struct bundle b = sample();
	uint8_t bytes[256];
	size_t n = encode(&b, bytes, sizeof bytes);
	struct digest d, other, cluster = { { 1 } }, elsewhere = { { 2 } };
	struct statement s, t;
	bundle_digest(&d, bytes, n);
	for (size_t k = 0; k < n; k++) {
		bytes[k] ^= 1;
		bundle_digest(&other, bytes, n);
		CU_ASSERT(!digest_equal(&d, &other));
		bytes[k] ^= 1;
	}
	bundle_statement(&s, &cluster, &d);
	bundle_statement(&t, &elsewhere, &d);
	CU_ASSERT(memcmp(&s, &t, sizeof s) != 0);
	statement_make(&t, DOMAIN_BUNDLE, &cluster, 0, &d);
	CU_ASSERT(memcmp(&s, &t, sizeof s) == 0);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a bundle and its bytes", round_trip },
		{ "every truncation, and a trailing byte", every_truncation_and_a_trailing_byte },
		{ "lengths of operations that lie", lengths_of_operations_that_lie },
		{ "counts that lie", counts_that_lie },
		{ "the number of operations", the_number_of_operations },
		{ "the size", the_size },
		{ "kinds", kinds },
		{ "numbers", numbers },
		{ "random bytes", random_bytes },
		{ "digest and statement", digest_and_statement },
		{ 0 },
	};
	return unit_main("bundle", cases);
}
