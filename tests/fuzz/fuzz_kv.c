/* Operations and answers of the key-value service: an even first byte means an operation, an odd one an answer. */
#include "replica/kv/kv_codec.h"
#include "tests/fuzz/fuzz.h"

static size_t write_atomic(uint8_t *out, size_t capacity, const struct kv_op *op)
{
	struct quorate_kv_part parts[QUORATE_KV_ATOMIC_MAX];
	struct kv_reader r = { op->parts.at, op->parts.at + op->parts.n, false };
	FUZZ_CHECK(op->parts_count <= QUORATE_KV_ATOMIC_MAX);
	for (uint8_t i = 0; i < op->parts_count; i++) {
		uint32_t n;
		struct kv_bytes part;
		struct kv_op inner;
		FUZZ_CHECK(kv_take_u32(&r, &n) && kv_take(&r, &part, n));
		FUZZ_CHECK(kv_op_read(&inner, part.at, part.n) == QUORATE_KV_OK && inner.code != KV_ATOMIC && inner.code != KV_SCAN);
		parts[i] = (struct quorate_kv_part){ part.at, part.n };
	}
	FUZZ_CHECK(r.at == r.end && !r.failed);
	return quorate_kv_atomic(out, capacity, parts, op->parts_count);
}

static size_t write_again(uint8_t *out, size_t capacity, const struct kv_op *op)
{
	switch ((enum kv_code)op->code) {
	case KV_PUT: return quorate_kv_put(out, capacity, op->key.at, op->key.n, op->value.at, op->value.n);
	case KV_GET: return quorate_kv_get(out, capacity, op->key.at, op->key.n);
	case KV_DEL: return quorate_kv_del(out, capacity, op->key.at, op->key.n);
	case KV_CAS:
		return quorate_kv_cas(out, capacity, op->key.at, op->key.n, op->present ? op->expected.at : NULL, op->expected.n, op->value.at, op->value.n);
	case KV_SCAN: return quorate_kv_scan(out, capacity, op->key.at, op->key.n, op->after.n ? op->after.at : NULL, op->after.n, op->limit);
	case KV_COUNT: return quorate_kv_count(out, capacity);
	case KV_ATOMIC: return write_atomic(out, capacity, op);
	}
	FUZZ_CHECK(!"a code that is known");
	return 0;
}

static void operation(const uint8_t *bytes, size_t n)
{
	struct kv_op op;
	if (kv_op_read(&op, bytes, n) != QUORATE_KV_OK)
		return;
	uint8_t *again = malloc(n);
	FUZZ_CHECK(again && fuzz_same(bytes, n, again, write_again(again, n, &op)));
	free(again);
}

static void answer(const uint8_t *bytes, size_t n)
{
	struct quorate_kv_answer a;
	struct quorate_kv_page page;
	uint64_t count;
	if (!quorate_kv_answer_read(&a, bytes, n))
		return;
	FUZZ_CHECK(quorate_kv_status_text(a.status) != NULL);
	(void)quorate_kv_count_read(&count, &a);
	if (!quorate_kv_page_read(&page, &a))
		return;
	const void *key, *value;
	size_t key_n, value_n;
	for (uint32_t i = 0; quorate_kv_page_next(&page, &key, &key_n, &value, &value_n); i++) {
		FUZZ_CHECK(i < UINT16_MAX && (const uint8_t *)key + key_n <= bytes + n && (const uint8_t *)value + value_n <= bytes + n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return 0;
	if (bytes[0] % 2)
		answer(bytes + 1, n - 1);
	else
		operation(bytes + 1, n - 1);
	return 0;
}
