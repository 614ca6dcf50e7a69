#include "replica/kv/kv_codec.h"

#include <string.h>

/* ---- reading ---- */

bool kv_take(struct kv_reader *r, struct kv_bytes *out, size_t n)
{
	if (r->failed || (size_t)(r->end - r->at) < n) {
		r->failed = true;
		return false;
	}
	*out = (struct kv_bytes){ r->at, n };
	r->at += n;
	return true;
}

static bool take_uint(struct kv_reader *r, uint64_t *out, unsigned bytes)
{
	struct kv_bytes b;
	if (!kv_take(r, &b, bytes))
		return false;
	*out = 0;
	for (unsigned i = 0; i < bytes; i++)
		*out |= (uint64_t)b.at[i] << (8 * i);
	return true;
}

bool kv_take_u8(struct kv_reader *r, uint8_t *out)
{
	uint64_t v = 0;
	bool ok = take_uint(r, &v, 1);
	*out = (uint8_t)v;
	return ok;
}

bool kv_take_u16(struct kv_reader *r, uint16_t *out)
{
	uint64_t v = 0;
	bool ok = take_uint(r, &v, 2);
	*out = (uint16_t)v;
	return ok;
}

bool kv_take_u32(struct kv_reader *r, uint32_t *out)
{
	uint64_t v = 0;
	bool ok = take_uint(r, &v, 4);
	*out = (uint32_t)v;
	return ok;
}

static bool take_short(struct kv_reader *r, struct kv_bytes *out)
{
	uint16_t n;
	return kv_take_u16(r, &n) && kv_take(r, out, n);
}

static bool take_long(struct kv_reader *r, struct kv_bytes *out)
{
	uint32_t n;
	return kv_take_u32(r, &n) && kv_take(r, out, n);
}

static bool take_key(struct kv_reader *r, struct kv_bytes *out)
{
	return take_short(r, out) && out->n > 0;
}

static bool take_expected(struct kv_reader *r, struct kv_op *op)
{
	uint8_t present;
	if (!kv_take_u8(r, &present) || present > 1)
		return false;
	op->present = present;
	return !present || take_long(r, &op->expected);
}

static bool take_parts(struct kv_reader *r, struct kv_op *op)
{
	if (!kv_take_u8(r, &op->parts_count) || op->parts_count == 0)
		return false;
	op->parts = (struct kv_bytes){ r->at, (size_t)(r->end - r->at) };
	for (uint8_t i = 0; i < op->parts_count; i++) {
		struct kv_bytes part;
		if (!take_long(r, &part))
			return false;
	}
	return true;
}

static bool take_body(struct kv_reader *r, struct kv_op *op)
{
	switch (op->code) {
	case KV_PUT: return take_key(r, &op->key) && take_long(r, &op->value);
	case KV_GET:
	case KV_DEL: return take_key(r, &op->key);
	case KV_CAS: return take_key(r, &op->key) && take_expected(r, op) && take_long(r, &op->value);
	case KV_SCAN: return take_short(r, &op->key) && take_short(r, &op->after) && kv_take_u16(r, &op->limit) && op->limit > 0;
	case KV_COUNT: return true;
	case KV_ATOMIC: return take_parts(r, op);
	default: return false;
	}
}

static bool within_limits(const struct kv_op *op)
{
	return op->key.n <= QUORATE_KV_KEY_MAX && op->after.n <= QUORATE_KV_KEY_MAX && op->value.n <= QUORATE_KV_VALUE_MAX &&
	       op->expected.n <= QUORATE_KV_VALUE_MAX && op->limit <= QUORATE_KV_SCAN_MAX && op->parts_count <= QUORATE_KV_ATOMIC_MAX;
}

/* The form alone. */
static bool read_one(struct kv_op *out, const void *bytes, size_t n)
{
	struct kv_reader r = { bytes, (const uint8_t *)bytes + n, false };
	memset(out, 0, sizeof *out);
	return n > 0 && kv_take_u8(&r, &out->code) && take_body(&r, out) && r.at == r.end;
}

static enum quorate_kv_status judge_parts(const struct kv_op *op)
{
	struct kv_reader r = { op->parts.at, op->parts.at + op->parts.n, false };
	enum quorate_kv_status status = QUORATE_KV_OK;
	for (uint8_t i = 0; i < op->parts_count; i++) {
		struct kv_bytes bytes;
		struct kv_op part;
		if (!take_long(&r, &bytes) || !read_one(&part, bytes.at, bytes.n) || part.code == KV_ATOMIC || part.code == KV_SCAN)
			return QUORATE_KV_MALFORMED;
		if (!within_limits(&part))
			status = QUORATE_KV_TOO_LARGE;
	}
	return status;
}

enum quorate_kv_status kv_op_read(struct kv_op *out, const void *bytes, size_t n)
{
	if (!read_one(out, bytes, n))
		return QUORATE_KV_MALFORMED;
	enum quorate_kv_status parts = out->code == KV_ATOMIC ? judge_parts(out) : QUORATE_KV_OK;
	if (parts != QUORATE_KV_OK)
		return parts;
	return within_limits(out) ? QUORATE_KV_OK : QUORATE_KV_TOO_LARGE;
}

/* ---- writing ---- */

struct writer {
	uint8_t *start, *at, *end;
	bool failed;
};

static struct writer writer_of(void *out, size_t capacity)
{
	uint8_t *b = out;
	return (struct writer){ b, b, b + capacity, false };
}

static void add(struct writer *w, const void *bytes, size_t n)
{
	if (w->failed || (size_t)(w->end - w->at) < n) {
		w->failed = true;
		return;
	}
	if (n)
		memcpy(w->at, bytes, n);
	w->at += n;
}

static void add_uint(struct writer *w, uint64_t v, unsigned bytes)
{
	uint8_t b[8];
	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	add(w, b, bytes);
}

/* A length in `width` bytes, and what it counts; `least` to `most` are allowed. */
static void add_counted(struct writer *w, unsigned width, const void *bytes, size_t n, size_t least, size_t most)
{
	if (n < least || n > most) {
		w->failed = true;
		return;
	}
	add_uint(w, n, width);
	add(w, bytes, n);
}

static void add_key(struct writer *w, const void *key, size_t n)
{
	add_counted(w, 2, key, n, 1, QUORATE_KV_KEY_MAX);
}

static size_t written(const struct writer *w)
{
	return w->failed ? 0 : (size_t)(w->at - w->start);
}

size_t quorate_kv_put(void *out, size_t capacity, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	struct writer w = writer_of(out, capacity);
	add_uint(&w, KV_PUT, 1);
	add_key(&w, key, key_bytes);
	add_counted(&w, 4, value, value_bytes, 0, QUORATE_KV_VALUE_MAX);
	return written(&w);
}

size_t quorate_kv_get(void *out, size_t capacity, const void *key, size_t key_bytes)
{
	struct writer w = writer_of(out, capacity);
	add_uint(&w, KV_GET, 1);
	add_key(&w, key, key_bytes);
	return written(&w);
}

size_t quorate_kv_del(void *out, size_t capacity, const void *key, size_t key_bytes)
{
	struct writer w = writer_of(out, capacity);
	add_uint(&w, KV_DEL, 1);
	add_key(&w, key, key_bytes);
	return written(&w);
}

size_t quorate_kv_cas(void *out, size_t capacity, const void *key, size_t key_bytes, const void *expected, size_t expected_bytes, const void *value,
                      size_t value_bytes)
{
	struct writer w = writer_of(out, capacity);
	add_uint(&w, KV_CAS, 1);
	add_key(&w, key, key_bytes);
	add_uint(&w, expected != NULL, 1);
	if (expected)
		add_counted(&w, 4, expected, expected_bytes, 0, QUORATE_KV_VALUE_MAX);
	add_counted(&w, 4, value, value_bytes, 0, QUORATE_KV_VALUE_MAX);
	return written(&w);
}

size_t quorate_kv_scan(void *out, size_t capacity, const void *prefix, size_t prefix_bytes, const void *after, size_t after_bytes, uint16_t limit)
{
	struct writer w = writer_of(out, capacity);
	if (limit == 0 || limit > QUORATE_KV_SCAN_MAX)
		return 0;
	add_uint(&w, KV_SCAN, 1);
	add_counted(&w, 2, prefix, prefix_bytes, 0, QUORATE_KV_KEY_MAX);
	add_counted(&w, 2, after, after_bytes, 0, QUORATE_KV_KEY_MAX);
	add_uint(&w, limit, 2);
	return written(&w);
}

size_t quorate_kv_count(void *out, size_t capacity)
{
	struct writer w = writer_of(out, capacity);
	add_uint(&w, KV_COUNT, 1);
	return written(&w);
}

size_t quorate_kv_atomic(void *out, size_t capacity, const struct quorate_kv_part *parts, uint8_t count)
{
	struct writer w = writer_of(out, capacity);
	if (count == 0 || count > QUORATE_KV_ATOMIC_MAX)
		return 0;
	add_uint(&w, KV_ATOMIC, 1);
	add_uint(&w, count, 1);
	for (uint8_t i = 0; i < count; i++)
		add_counted(&w, 4, parts[i].op, parts[i].n, 1, UINT32_MAX);
	return written(&w);
}

/* ---- answers ---- */

const char *quorate_kv_status_text(uint8_t status)
{
	switch (status) {
	case QUORATE_KV_OK: return "done";
	case QUORATE_KV_NONE: return "there is no such key";
	case QUORATE_KV_MISMATCH: return "the value is not what was expected, and nothing was changed";
	case QUORATE_KV_MALFORMED: return "that is not an operation of the key-value service";
	case QUORATE_KV_TOO_LARGE: return "a key, a value or a page is over its limit";
	case QUORATE_KV_FULL: return "the state has reached its agreed size";
	default: return "an answer that this version does not know";
	}
}

bool quorate_kv_answer_read(struct quorate_kv_answer *out, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;
	if (n == 0 || b[0] > QUORATE_KV_FULL)
		return false;
	*out = (struct quorate_kv_answer){ .status = b[0], .body = b + 1, .body_bytes = n - 1 };
	return true;
}

bool quorate_kv_count_read(uint64_t *out, const struct quorate_kv_answer *answer)
{
	struct kv_reader r = { answer->body, answer->body + answer->body_bytes, false };
	return answer->status == QUORATE_KV_OK && answer->body_bytes == 8 && take_uint(&r, out, 8);
}

static bool take_entry(struct kv_reader *r, struct kv_bytes *key, struct kv_bytes *value)
{
	return take_key(r, key) && take_long(r, value);
}

bool quorate_kv_page_read(struct quorate_kv_page *out, const struct quorate_kv_answer *answer)
{
	struct kv_reader r = { answer->body, answer->body + answer->body_bytes, false };
	uint8_t more;
	if (answer->status != QUORATE_KV_OK || !kv_take_u8(&r, &more) || more > 1 || !kv_take_u16(&r, &out->left))
		return false;
	out->more = more;
	out->at = r.at;
	out->end = r.end;
	/* Once, here: afterwards every entry is known to be whole. */
	for (uint16_t i = 0; i < out->left; i++) {
		struct kv_bytes key, value;
		if (!take_entry(&r, &key, &value))
			return false;
	}
	return r.at == r.end;
}

bool quorate_kv_page_next(struct quorate_kv_page *page, const void **key, size_t *key_bytes, const void **value, size_t *value_bytes)
{
	struct kv_reader r = { page->at, page->end, false };
	struct kv_bytes k, v;
	if (page->left == 0 || !take_entry(&r, &k, &v))
		return false;
	page->left--;
	page->at = r.at;
	*key = k.at;
	*key_bytes = k.n;
	*value = v.at;
	*value_bytes = v.n;
	return true;
}
