#include "replica/execution/sessions.h"

#include <string.h>

static void wr_be(struct wr *w, uint64_t v, unsigned bytes)
{
	while (bytes--)
		wr_u8(w, (uint8_t)(v >> (8 * bytes)));
}

static uint64_t rd_be64(const uint8_t *b)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}

struct key {
	uint8_t b[64];
	size_t n;
};

static struct key session_key(uint64_t session)
{
	struct key k;
	struct wr w = wr_of(k.b, sizeof k.b);
	wr_u8(&w, 'S');
	wr_be(&w, session, 8);
	k.n = wr_done(&w);
	return k;
}

static struct key record_key(uint64_t session, uint64_t slot)
{
	struct key k;
	struct wr w = wr_of(k.b, sizeof k.b);
	wr_u8(&w, 'R');
	wr_be(&w, session, 8);
	wr_be(&w, slot, 2);
	k.n = wr_done(&w);
	return k;
}

static struct key owner_key(const struct public_key *key, uint64_t session)
{
	struct key k;
	struct wr w = wr_of(k.b, sizeof k.b);
	wr_u8(&w, 'K');
	wr_bytes(&w, key->b, PUBLIC_KEY_BYTES);
	wr_be(&w, session, 8);
	k.n = wr_done(&w);
	return k;
}

static struct key opening_key(const struct public_key *key, uint64_t number)
{
	struct key k = owner_key(key, number);
	k.b[0] = 'O';
	return k;
}

static struct key void_key(uint64_t void_ms, const struct public_key *key, uint64_t number)
{
	struct key k;
	struct wr w = wr_of(k.b, sizeof k.b);
	wr_u8(&w, 'V');
	wr_be(&w, void_ms, 8);
	wr_bytes(&w, key->b, PUBLIC_KEY_BYTES);
	wr_be(&w, number, 8);
	k.n = wr_done(&w);
	return k;
}

static enum state_result get(struct state *s, const struct key *k, const void **value, size_t *n)
{
	return state_get(s, STATE_SESSION, k->b, k->n, value, n);
}

static enum state_result put(struct state *s, const struct key *k, const void *value, size_t n)
{
	return state_put(s, STATE_SESSION, k->b, k->n, value, n);
}

/* That it was not there is no error. */
static enum state_result drop(struct state *s, const struct key *k)
{
	enum state_result r = state_delete(s, STATE_SESSION, k->b, k->n);
	return r == STATE_NONE ? STATE_OK : r;
}

static void refuse(struct session_answer *out, uint8_t status)
{
	*out = (struct session_answer){ .judgement = SESSION_REFUSED, .status = status };
}

static enum state_result read_record(struct state *s, const struct session_limits *limits, uint64_t session, uint64_t number, uint64_t *found,
                                     struct session_answer *out)
{
	struct key k = record_key(session, number % limits->window);
	const void *value;
	size_t n;
	*found = 0;
	enum state_result r = get(s, &k, &value, &n);
	if (r != STATE_OK)
		return r == STATE_NONE ? STATE_OK : r;
	struct rd rd = rd_of(value, n);
	if (!rd_u64(&rd, found) || !rd_u64(&rd, &out->seq) || !rd_bytes(&rd, out->bundle.b, DIGEST_BYTES))
		return STATE_ERR_DAMAGED;
	out->result = rd.at;
	out->result_bytes = rd_left(&rd);
	return STATE_OK;
}

/* A refusal is kept like a result, but nothing of its bundle was. */
static bool was_executed(const struct session_answer *record)
{
	struct result r;
	return result_decode(&r, record->result, record->result_bytes) && (r.status == RESULT_DONE || r.status == RESULT_LATER);
}

enum state_result sessions_judge(struct state *s, const struct session_limits *limits, const struct bundle *b, struct session_answer *out)
{
	struct key k = session_key(b->session);
	const void *value;
	size_t n;
	*out = (struct session_answer){ .judgement = SESSION_FRESH };
	enum state_result r = get(s, &k, &value, &n);
	if (r != STATE_OK && r != STATE_NONE)
		return r;
	if (r == STATE_NONE || n != PUBLIC_KEY_BYTES || memcmp(value, b->key.b, PUBLIC_KEY_BYTES) != 0) {
		refuse(out, RESULT_NO_SESSION);
		return STATE_OK;
	}
	uint64_t found;
	struct session_answer record = { 0 };
	r = read_record(s, limits, b->session, b->number, &found, &record);
	if (r != STATE_OK)
		return r;
	if (found == b->number) {
		*out = record;
		out->judgement = SESSION_REPEATED;
	} else if (found > b->number) {
		refuse(out, RESULT_TOO_OLD);
	} else if (b->after) {
		struct session_answer other;
		r = read_record(s, limits, b->session, b->after, &found, &other);
		if (r == STATE_OK && (found != b->after || !was_executed(&other)))
			refuse(out, RESULT_AFTER);
	}
	return r;
}

enum state_result sessions_record(struct state *s, const struct session_limits *limits, const struct bundle *b, const struct digest *digest, uint64_t seq,
                                  uint8_t *record, size_t n)
{
	struct key k = record_key(b->session, b->number % limits->window);
	struct wr w = wr_of(record, SESSION_RECORD_HEAD);
	wr_u64(&w, b->number);
	wr_u64(&w, seq);
	wr_bytes(&w, digest->b, DIGEST_BYTES);
	return put(s, &k, record, SESSION_RECORD_HEAD + n);
}

/* ---- opening ---- */

struct oldest {
	uint32_t count;
	uint64_t session;
};

static bool note_oldest(void *arg, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	struct oldest *o = arg;
	(void)value;
	(void)value_bytes;
	if (o->count++ == 0)
		o->session = rd_be64((const uint8_t *)key + key_bytes - 8);
	return true;
}

static enum state_result make_room(struct state *s, const struct session_limits *limits, const struct public_key *key)
{
	struct key prefix = owner_key(key, 0);
	struct oldest o = { 0 };
	enum state_result r = state_scan(s, STATE_SESSION, prefix.b, 1 + PUBLIC_KEY_BYTES, NULL, 0, note_oldest, &o, limits->sessions_per_key);
	if (r != STATE_OK || o.count < limits->sessions_per_key)
		return r;
	return sessions_close(s, limits, key, o.session);
}

struct expired {
	uint32_t count;
	uint64_t now;
	uint8_t keys[4][64];
	size_t n[4];
};

static bool note_expired(void *arg, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	struct expired *e = arg;
	(void)value;
	(void)value_bytes;
	if (rd_be64((const uint8_t *)key + 1) >= e->now)
		return false;
	memcpy(e->keys[e->count], key, key_bytes);
	e->n[e->count++] = key_bytes;
	return true;
}

/* Four for each new one, so that they cannot pile up. */
static enum state_result forget_void(struct state *s, uint64_t time_ms)
{
	struct expired e = { .now = time_ms };
	enum state_result r = state_scan(s, STATE_SESSION, "V", 1, NULL, 0, note_expired, &e, 4);
	for (uint32_t i = 0; r == STATE_OK && i < e.count; i++) {
		struct public_key key;
		memcpy(key.b, e.keys[i] + 9, PUBLIC_KEY_BYTES);
		struct key opening = opening_key(&key, rd_be64(e.keys[i] + 9 + PUBLIC_KEY_BYTES));
		struct key self = { .n = e.n[i] };
		memcpy(self.b, e.keys[i], e.n[i]);
		r = drop(s, &opening);
		if (r == STATE_OK)
			r = drop(s, &self);
	}
	return r;
}

static enum state_result store_opening(struct state *s, const struct bundle *b, const struct session_opening *x, uint64_t void_ms)
{
	uint8_t value[16 + DIGEST_BYTES];
	struct wr w = wr_of(value, sizeof value);
	wr_u64(&w, x->session);
	wr_u64(&w, x->seq);
	wr_bytes(&w, x->bundle.b, DIGEST_BYTES);
	const struct key keys[4] = { session_key(x->session), owner_key(&b->key, x->session), opening_key(&b->key, b->number),
		                     void_key(void_ms, &b->key, b->number) };
	const void *values[4] = { b->key.b, "", value, "" };
	const size_t sizes[4] = { PUBLIC_KEY_BYTES, 0, sizeof value, 0 };
	enum state_result r = STATE_OK;
	for (int i = 0; r == STATE_OK && i < 4; i++)
		r = put(s, &keys[i], values[i], sizes[i]);
	return r;
}

static uint64_t void_of(const struct bundle *b)
{
	struct rd r = rd_of(b->ops, b->ops_bytes);
	uint32_t n;
	uint64_t void_ms = 0;
	if (!rd_u32(&r, &n) || n != 8 || !rd_u64(&r, &void_ms))
		return 0;
	return void_ms;
}

static bool read_opening(struct session_opening *out, const void *value, size_t n)
{
	struct rd rd = rd_of(value, n);
	return rd_u64(&rd, &out->session) && rd_u64(&rd, &out->seq) && rd_bytes(&rd, out->bundle.b, DIGEST_BYTES) && rd_done(&rd);
}

enum state_result sessions_open(struct state *s, const struct session_limits *limits, const struct bundle *b, const struct digest *digest, uint64_t seq,
                                uint32_t index, uint64_t time_ms, struct session_opening *out)
{
	uint64_t void_ms = void_of(b);
	struct key k = opening_key(&b->key, b->number);
	const void *value;
	size_t n;
	*out = (struct session_opening){ .session = seq << 16 | index, .seq = seq, .bundle = *digest, .status = RESULT_DONE };
	enum state_result r = get(s, &k, &value, &n);
	if (r == STATE_OK)
		return read_opening(out, value, n) ? STATE_OK : STATE_ERR_DAMAGED;
	if (r != STATE_NONE)
		return r;
	if (void_ms < time_ms || void_ms - time_ms > SESSION_VOID_MS_MAX) {
		out->status = RESULT_VOID;
		return STATE_OK;
	}
	if (state_bytes(s) > limits->state_bytes) {
		out->status = RESULT_QUOTA;
		return STATE_OK;
	}
	r = make_room(s, limits, &b->key);
	if (r == STATE_OK)
		r = forget_void(s, time_ms);
	return r == STATE_OK ? store_opening(s, b, out, void_ms) : r;
}

enum state_result sessions_close(struct state *s, const struct session_limits *limits, const struct public_key *key, uint64_t session)
{
	struct key k = session_key(session), owner = owner_key(key, session);
	const void *value;
	size_t n;
	enum state_result r = get(s, &k, &value, &n);
	if (r != STATE_OK || n != PUBLIC_KEY_BYTES || memcmp(value, key->b, PUBLIC_KEY_BYTES) != 0)
		return r == STATE_NONE ? STATE_OK : r;
	r = drop(s, &k);
	if (r == STATE_OK)
		r = drop(s, &owner);
	for (uint32_t slot = 0; r == STATE_OK && slot < limits->window; slot++) {
		struct key record = record_key(session, slot);
		r = drop(s, &record);
	}
	return r;
}
