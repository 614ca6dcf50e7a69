/* tests/unit/client_core_bed.h - the client's core in virtual time, with members that are the test: honest, silent and lying ones. */
#ifndef TESTS_UNIT_CLIENT_CORE_BED_H
#define TESTS_UNIT_CLIENT_CORE_BED_H
#include "bft/envelope.h"
#include "bft/quorum.h"
#include "bft/reply.h"
#include "client/core.h"
#include "tests/unit/tag_scheme.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the bed ---- */

#define SENT_MAX 4096
#define ANSWERS_MAX 4096
#define WALL 1700000000000u

struct sent {
	uint32_t member;
	uint64_t at_ms;
	uint16_t type;
	struct bundle b; /* of a BUNDLE; borrows from `bytes` */
	bool is_signed, is_shown;
	uint8_t *bytes;
	size_t n;
};
/* Which bytes a request was: what honest members name when they answer it. */
struct named {
	uint64_t session, number;
	struct digest digest;
};
struct got {
	enum quorate_error error;
	uint64_t session, number, seq;
	uint16_t index;
	uint8_t value[32];
	size_t value_bytes;
	char reason[QUORATE_REASON_BYTES];
	uintptr_t tag; /* which callback */
};
struct bed {
	struct bft_genesis *genesis;
	struct client_core_options options;
	struct client_core *core;
	uint64_t now;
	uint64_t random;
	bft_mask deaf; /* links whose queue is full */
	struct sent *sent;
	uint32_t sent_count;
	struct named named[SENT_MAX];
	uint32_t named_count;
	struct got got[ANSWERS_MAX];
	uint32_t got_count;
	uint32_t reports, silences;
	uint32_t changes;
	bool inside; /* a call of submit and the like: no callback may come */
};
static struct bed *bed; /* callbacks' users are small numbers */
static enum bft_mode bed_mode = BFT_MODE_BFT;

static inline bool on_send(void *user, uint32_t member, enum net_class class, const uint8_t *frame, size_t n)
{
	struct bed *b = user;
	struct bft_envelope e = { 0 };
	struct rd r;
	CU_ASSERT_FATAL(b->sent_count < SENT_MAX && member < b->genesis->count);
	if (b->deaf & BFT_BIT(member))
		return false;
	struct sent *s = &b->sent[b->sent_count++];
	*s = (struct sent){ .member = member, .at_ms = b->now, .bytes = malloc(n), .n = n };
	memcpy(s->bytes, frame, n);
	r = rd_of(s->bytes, n);
	CU_ASSERT_FATAL(envelope_read(&r, &e) && e.epoch == 0);
	s->type = e.type;
	s->is_shown = e.signer == BFT_SIGNER_SHOWN;
	CU_ASSERT_FATAL(e.signer == BFT_SIGNER_CHANNEL || (s->is_shown && e.type == BFT_WIRE_BUNDLE));
	if (e.type != BFT_WIRE_BUNDLE)
		return true;
	struct digest d;
	struct statement statement;
	CU_ASSERT_FATAL(class == NET_REQUESTS);
	const char *why = bundle_decode(&s->b, r.at, rd_left(&r));
	CU_ASSERT_PTR_NULL_FATAL(why);
	bundle_digest(&d, r.at, rd_left(&r));
	b->named[b->named_count++ % SENT_MAX] = (struct named){ s->b.session, s->b.number, d };
	bundle_statement(&statement, &b->options.cluster, &d);
	s->is_signed = !signature_is_none(&e.signature);
	CU_ASSERT(s->is_signed ? tag_verify(&e.signature, &statement, &s->b.key) : b->genesis->mode == BFT_MODE_TRUSTED);
	CU_ASSERT(public_key_equal(&s->b.key, &b->options.key));
	CU_ASSERT(s->b.reply_mask == ~(uint64_t)0 && s->b.after == 0);
	return true;
}

static inline void on_random(void *user, void *out, size_t n)
{
	struct bed *b = user;
	uint8_t *bytes = out;
	for (size_t i = 0; i < n; i++) {
		b->random = b->random * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(b->random >> 56);
	}
}

static inline void on_changed(void *user, struct client_session *s)
{
	(void)s;
	((struct bed *)user)->changes++;
}

static inline void on_answer(void *user, const struct quorate_answer *a)
{
	CU_ASSERT(!bed->inside);
	CU_ASSERT_FATAL(bed->got_count < ANSWERS_MAX);
	struct got *g = &bed->got[bed->got_count++];
	*g = (struct got){ .error = a->error,
		           .session = a->session,
		           .number = a->number,
		           .seq = a->seq,
		           .index = a->index,
		           .value_bytes = a->value_bytes,
		           .tag = (uintptr_t)user };
	CU_ASSERT((a->error == QUORATE_OK) == (a->reason == NULL));
	snprintf(g->reason, sizeof g->reason, "%s", a->reason ? a->reason : "");
	if (a->value_bytes && a->value_bytes <= sizeof g->value)
		memcpy(g->value, a->value, a->value_bytes);
}

static inline void bed_make(uint32_t n, const struct client_core_options *options)
{
	bed = calloc(1, sizeof *bed);
	bed->sent = calloc(SENT_MAX, sizeof *bed->sent);
	bed->genesis = calloc(1, sizeof *bed->genesis);
	bed->genesis->mode = bed_mode;
	bed->genesis->count = n;
	genesis_limits_default(&bed->genesis->limits);
	if (options)
		bed->options = *options;
	bed->options.genesis = bed->genesis;
	bed->options.cluster.b[0] = 77;
	bed->options.scheme = &tagged;
	memset(bed->options.key.b, 5, PUBLIC_KEY_BYTES);
	memset(bed->options.secret.b, 5, sizeof bed->options.secret.b);
	bed->options.user = bed;
	if (!bed->options.shown)
		bed->options.shown = UINT32_MAX; /* not by chance */
	bed->options.send = on_send;
	bed->options.fill_random = on_random;
	bed->options.changed = on_changed;
	bed->now = 1000;
	bed->random = 1;
	bed->core = client_core_create(&bed->options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bed->core);
	client_core_time(bed->core, bed->now, WALL + bed->now);
}

static inline void forget_sent(void)
{
	for (uint32_t i = 0; i < bed->sent_count; i++)
		free(bed->sent[i].bytes);
	bed->sent_count = 0;
}

static inline void bed_end(void)
{
	client_core_destroy(bed->core);
	forget_sent();
	free(bed->sent);
	free(bed->genesis);
	free(bed);
	bed = NULL;
}

static inline void tick(void)
{
	client_core_tick(bed->core, bed->now, WALL + bed->now);
}

/* Runs to `until`, ticking when the core wants it and never else. */
static inline void run_to(uint64_t until)
{
	for (int steps = 0; client_core_deadline(bed->core) <= until; steps++) {
		CU_ASSERT_FATAL(steps < 100000);
		if (client_core_deadline(bed->core) > bed->now)
			bed->now = client_core_deadline(bed->core);
		tick();
	}
	bed->now = until;
	client_core_time(bed->core, bed->now, WALL + bed->now);
}

static inline void link_all(void)
{
	for (uint32_t i = 0; i < bed->genesis->count; i++)
		client_core_link(bed->core, i, true);
}

static inline uint32_t count_sent(uint16_t type, bft_mask *members)
{
	uint32_t count = 0;
	*members = 0;
	for (uint32_t i = 0; i < bed->sent_count; i++) {
		if (bed->sent[i].type != type)
			continue;
		count++;
		*members |= BFT_BIT(bed->sent[i].member);
	}
	return count;
}

static const struct sent *last_bundle(void)
{
	for (uint32_t i = bed->sent_count; i-- > 0;)
		if (bed->sent[i].type == BFT_WIRE_BUNDLE)
			return &bed->sent[i];
	CU_FAIL_FATAL("no bundle was sent");
	return NULL;
}

/* ---- members' words ---- */

struct word {
	bool late;
	uint8_t another; /* not 0: the answer is another request's, of the same number */
	bft_view view;
	uint64_t session, number, seq;
	uint8_t status;
	uint16_t count;
	const void *values;
	size_t values_bytes;
};

/* Of what was never sent there is none: it answers nothing. */
static inline struct digest digest_of_request(uint64_t session, uint64_t number)
{
	for (uint32_t i = bed->named_count; i-- > 0 && i + SENT_MAX >= bed->named_count;)
		if (bed->named[i % SENT_MAX].session == session && bed->named[i % SENT_MAX].number == number)
			return bed->named[i % SENT_MAX].digest;
	return (struct digest){ { 0 } };
}

static inline size_t frame_of(const struct word *x, uint8_t *frame, size_t capacity)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = x->late ? BFT_WIRE_REPLY_LATE : BFT_WIRE_REPLY, .epoch = 1 };
	struct reply reply = { .view = x->view, .seq = x->seq, .bundle = digest_of_request(x->session, x->number), .place.count = 1 };
	reply.bundle.b[0] ^= x->another;
	struct result result = { x->session, x->number, x->status, x->count, x->values, x->values_bytes };
	struct wr w = wr_of(frame, capacity);
	envelope_write(&w, &e);
	size_t n = wr_done(&w);
	n += reply_head_encode(&reply, x->late, frame + n, capacity - n);
	return n + result_encode(&result, frame + n, capacity - n);
}

static inline bool say(uint32_t member, const struct word *x)
{
	size_t capacity = 512 + x->values_bytes;
	uint8_t *frame = malloc(capacity);
	size_t n = frame_of(x, frame, capacity);
	uint8_t *exact = malloc(n); /* so that a sanitizer sees one read too many */
	memcpy(exact, frame, n);
	bool ok = client_core_frame(bed->core, member, exact, n);
	free(exact);
	free(frame);
	return ok;
}

static inline bool say_refused(uint32_t member, uint64_t session, uint64_t number, uint8_t reason)
{
	uint8_t frame[128];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_REFUSED };
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	wr_u64(&w, session);
	wr_u64(&w, number);
	wr_u8(&w, reason);
	return client_core_frame(bed->core, member, frame, wr_done(&w));
}

/* One value of one byte for each operation. */
static inline struct word word_done(uint64_t session, uint64_t number, uint64_t seq, uint8_t value)
{
	static uint8_t values[256][5];
	uint8_t *v = values[value];
	v[0] = 1;
	v[4] = value;
	return (struct word){ .session = session, .number = number, .seq = seq, .count = 1, .values = v, .values_bytes = 5 };
}

static inline struct word word_opened(uint64_t number, uint64_t id)
{
	static uint8_t value[12];
	struct wr w = wr_of(value, sizeof value);
	wr_u32(&w, 8);
	wr_u64(&w, id);
	return (struct word){ .number = number, .seq = 1, .count = 1, .values = value, .values_bytes = 12 };
}

static inline struct word word_status(uint64_t session, uint64_t number, uint8_t status)
{
	return (struct word){ .session = session, .number = number, .seq = 9, .status = status };
}

static inline void say_by(uint32_t count, const struct word *x)
{
	for (uint32_t i = 0; i < count; i++)
		CU_ASSERT(say(i, x));
}

static inline void *nth(uintptr_t i)
{
	return (void *)i;
}

static inline struct client_session *open_session(uint64_t id)
{
	struct client_session *s = client_session_open(bed->core, on_answer, nth(99));
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	tick();
	const struct sent *opening = last_bundle();
	CU_ASSERT(opening->b.kind == BUNDLE_OPEN);
	struct word x = word_opened(opening->b.number, id);
	say_by(quorum_weak(bed->genesis->count), &x);
	CU_ASSERT_FATAL(bed->got_count > 0);
	CU_ASSERT_FATAL(bed->got[bed->got_count - 1].error == QUORATE_OK && bed->got[bed->got_count - 1].session == id);
	CU_ASSERT(client_session_id(s) == id);
	tick();
	bed->got_count = 0;
	forget_sent();
	return s;
}

static inline struct client_session *ready_bed(uint32_t n, const struct client_core_options *options)
{
	bed_make(n, options);
	link_all();
	return open_session(0x70001);
}

static inline void submit(struct client_session *s, const char *op, uintptr_t i)
{
	bed->inside = true;
	enum quorate_error error = client_session_submit(s, op, strlen(op), on_answer, nth(i));
	bed->inside = false;
	CU_ASSERT(error == QUORATE_OK);
}

static uint64_t dice_state;
static inline uint32_t dice(uint32_t sides)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(dice_state >> 33) % sides;
}
#endif
