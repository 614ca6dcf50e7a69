/* The key-value service: one operation in, one answer out, from the operation and the state alone. An ordinary user of include/quorate.h. */
#include "replica/kv/kv_codec.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_BYTES_MAX (2u << 20) /* answers of one atomic operation: no more fits into a reply */

/* What the machine says: anything but HERE_OK ends the replica, and is no answer. */
enum here { HERE_OK = 0, HERE_FAILED = 1 };

/* Where answers go: straight to the reply, or, for the parts of an atomic operation, to memory first, because what stands before them depends on how they end. */
struct sink {
	struct quorate_reply *reply; /* NULL: to memory */
	uint8_t *bytes;
	size_t n, capacity;
	bool too_large, no_memory;
};

static void sink_grow(struct sink *s, size_t n)
{
	size_t capacity = s->capacity ? s->capacity : 4096;
	while (capacity < s->n + n)
		capacity *= 2;
	uint8_t *bytes = realloc(s->bytes, capacity);
	s->no_memory = !bytes;
	if (bytes) {
		s->bytes = bytes;
		s->capacity = capacity;
	}
}

static void put(struct sink *s, const void *bytes, size_t n)
{
	if (s->reply) {
		(void)quorate_reply_add(s->reply, bytes, n); /* when it does not fit, the engine undoes the request */
		return;
	}
	s->too_large |= n > PARTS_BYTES_MAX - s->n;
	if (s->too_large || s->no_memory)
		return;
	if (s->n + n > s->capacity)
		sink_grow(s, n);
	if (s->no_memory || n == 0)
		return;
	memcpy(s->bytes + s->n, bytes, n);
	s->n += n;
}

static void put_uint(struct sink *s, uint64_t v, unsigned bytes)
{
	uint8_t b[8];
	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	put(s, b, bytes);
}

/* ---- single operations ---- */

static enum here answer_state(struct sink *out, enum quorate_state_result r, uint8_t *status)
{
	switch (r) {
	case QUORATE_STATE_OK: *status = QUORATE_KV_OK; break;
	case QUORATE_STATE_NONE: *status = QUORATE_KV_NONE; break;
	case QUORATE_STATE_TOO_LARGE: *status = QUORATE_KV_TOO_LARGE; break;
	case QUORATE_STATE_FULL: *status = QUORATE_KV_FULL; break;
	default: return HERE_FAILED;
	}
	put_uint(out, *status, 1);
	return HERE_OK;
}

static enum here do_get(struct quorate_state *s, const struct kv_op *op, struct sink *out, uint8_t *status)
{
	const void *value = NULL;
	size_t n = 0;
	enum quorate_state_result r = quorate_state_get(s, op->key.at, op->key.n, &value, &n);
	if (answer_state(out, r, status) != HERE_OK)
		return HERE_FAILED;
	if (r == QUORATE_STATE_OK)
		put(out, value, n);
	return HERE_OK;
}

static enum here do_put(struct quorate_state *s, const struct kv_op *op, struct sink *out, uint8_t *status)
{
	return answer_state(out, quorate_state_put(s, op->key.at, op->key.n, op->value.at, op->value.n), status);
}

static bool as_expected(const struct kv_op *op, bool present, const void *value, size_t n)
{
	if (!op->present || !present)
		return op->present == present;
	return n == op->expected.n && (n == 0 || memcmp(value, op->expected.at, n) == 0);
}

static enum here do_cas(struct quorate_state *s, const struct kv_op *op, struct sink *out, uint8_t *status)
{
	const void *value = NULL;
	size_t n = 0;
	enum quorate_state_result r = quorate_state_get(s, op->key.at, op->key.n, &value, &n);
	if (r != QUORATE_STATE_OK && r != QUORATE_STATE_NONE)
		return HERE_FAILED;
	bool present = r == QUORATE_STATE_OK;
	if (as_expected(op, present, value, n))
		return do_put(s, op, out, status);
	*status = QUORATE_KV_MISMATCH;
	put_uint(out, QUORATE_KV_MISMATCH, 1);
	put_uint(out, present, 1);
	put(out, value, present ? n : 0);
	return HERE_OK;
}

static enum here do_count(struct quorate_state *s, struct sink *out, uint8_t *status)
{
	*status = QUORATE_KV_OK;
	put_uint(out, QUORATE_KV_OK, 1);
	put_uint(out, quorate_state_count(s), 8);
	return HERE_OK;
}

/* ---- a page ---- */

struct page {
	struct sink *out; /* NULL: only measured */
	uint16_t count, limit;
	size_t bytes;
	bool more;
};

/* A page ends before it would be too large, but an entry that is so alone is a page: otherwise nobody could pass it. */
static bool measure(void *arg, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	struct page *p = arg;
	(void)key;
	(void)value;
	p->more = p->count == p->limit || (p->count && p->bytes + key_bytes + value_bytes > QUORATE_KV_SCAN_BYTES_MAX);
	if (p->more)
		return false;
	p->count++;
	p->bytes += key_bytes + value_bytes;
	return true;
}

static bool write_entry(void *arg, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	struct page *p = arg;
	put_uint(p->out, key_bytes, 2);
	put(p->out, key, key_bytes);
	put_uint(p->out, value_bytes, 4);
	put(p->out, value, value_bytes);
	return true;
}

/* Twice over the same entries, so that the head is known before the entries and nothing is kept. */
static enum here do_scan(struct quorate_state *s, const struct kv_op *op, struct sink *out, uint8_t *status)
{
	struct page page = { .out = out, .limit = op->limit };
	const void *after = op->after.n ? op->after.at : NULL;
	enum quorate_state_result r = quorate_state_scan(s, op->key.at, op->key.n, after, op->after.n, measure, &page, op->limit + 1u);
	if (r != QUORATE_STATE_OK)
		return HERE_FAILED;
	*status = QUORATE_KV_OK;
	put_uint(out, QUORATE_KV_OK, 1);
	put_uint(out, page.more, 1);
	put_uint(out, page.count, 2);
	if (page.count == 0)
		return HERE_OK;
	r = quorate_state_scan(s, op->key.at, op->key.n, after, op->after.n, write_entry, &page, page.count);
	return r == QUORATE_STATE_OK ? HERE_OK : HERE_FAILED;
}

static enum here do_single(struct quorate_state *s, const struct kv_op *op, struct sink *out, uint8_t *status)
{
	switch (op->code) {
	case KV_PUT: return do_put(s, op, out, status);
	case KV_GET: return do_get(s, op, out, status);
	case KV_DEL: return answer_state(out, quorate_state_delete(s, op->key.at, op->key.n), status);
	case KV_CAS: return do_cas(s, op, out, status);
	case KV_SCAN: return do_scan(s, op, out, status);
	default: return do_count(s, out, status);
	}
}

/* ---- all or nothing ---- */

/* An absent key is an answer; everything else that is not OK fails the whole. */
static bool part_failed(uint8_t status)
{
	return status != QUORATE_KV_OK && status != QUORATE_KV_NONE;
}

/* One part: its length is known when its answer is, so it is written over afterwards. */
static enum here do_part(struct quorate_state *s, const struct kv_bytes *bytes, struct sink *answers, uint8_t *status)
{
	struct kv_op part;
	if (kv_op_read(&part, bytes->at, bytes->n) != QUORATE_KV_OK)
		return HERE_FAILED; /* it was judged before: this machine's memory is wrong */
	size_t length_at = answers->n;
	put_uint(answers, 0, 4);
	if (do_single(s, &part, answers, status) != HERE_OK || answers->no_memory)
		return HERE_FAILED;
	if (answers->too_large)
		return HERE_OK;
	uint32_t n = (uint32_t)(answers->n - length_at - 4);
	for (unsigned i = 0; i < 4; i++)
		answers->bytes[length_at + i] = (uint8_t)(n >> (8 * i));
	return HERE_OK;
}

static enum here do_parts(struct quorate_state *s, const struct kv_op *op, struct sink *answers, uint8_t *count, bool *failed)
{
	struct kv_reader r = { op->parts.at, op->parts.at + op->parts.n, false };
	while (*count < op->parts_count && !*failed) {
		uint32_t n;
		struct kv_bytes part;
		uint8_t status = QUORATE_KV_MALFORMED;
		if (!kv_take_u32(&r, &n) || !kv_take(&r, &part, n) || do_part(s, &part, answers, &status) != HERE_OK)
			return HERE_FAILED;
		++*count;
		*failed = part_failed(status) || answers->too_large;
	}
	return HERE_OK;
}

static enum here do_atomic(struct quorate_state *s, const struct kv_op *op, struct sink *out)
{
	struct sink answers = { 0 };
	uint8_t count = 0;
	bool failed = false;
	struct quorate_mark mark = quorate_state_mark(s);
	enum here here = do_parts(s, op, &answers, &count, &failed);
	if (here == HERE_OK && failed)
		here = quorate_state_rollback(s, mark) == QUORATE_STATE_OK ? HERE_OK : HERE_FAILED;
	else
		quorate_state_release(s, mark);
	if (here == HERE_OK && answers.too_large) {
		put_uint(out, QUORATE_KV_TOO_LARGE, 1);
	} else if (here == HERE_OK) {
		put_uint(out, failed ? QUORATE_KV_MISMATCH : QUORATE_KV_OK, 1);
		put_uint(out, count, 1);
		put(out, answers.bytes, answers.n);
	}
	free(answers.bytes);
	return here;
}

static int execute(void *user, const struct quorate_call *call, struct quorate_reply *reply)
{
	struct kv_op op;
	struct sink out = { .reply = reply };
	uint8_t status = (uint8_t)kv_op_read(&op, call->op, call->op_bytes);
	(void)user;
	if (status != QUORATE_KV_OK) {
		put_uint(&out, status, 1);
		return 0;
	}
	enum here here = op.code == KV_ATOMIC ? do_atomic(call->state, &op, &out) : do_single(call->state, &op, &out, &status);
	return here == HERE_OK ? 0 : 1;
}

static int read_only(void *user, const struct quorate_call *call, struct quorate_reply *reply)
{
	struct kv_op op;
	(void)user;
	if (kv_op_read(&op, call->op, call->op_bytes) != QUORATE_KV_OK || (op.code != KV_GET && op.code != KV_SCAN && op.code != KV_COUNT))
		return 1;
	return execute(user, call, reply);
}

void quorate_kv_app(struct quorate_app *out)
{
	*out = (struct quorate_app){ .user = NULL, .execute = execute, .read = read_only };
}
