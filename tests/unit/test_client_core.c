/* The client's core in virtual time, with members that are this file: honest, silent and lying ones. */
#include "bft/envelope.h"
#include "bft/quorum.h"
#include "bft/reply.h"
#include "client/core.h"
#include "client/match.h"
#include "client/timers.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- a scheme that costs nothing ---- */

static void tag(struct signature *out, const struct statement *s, const uint8_t pk[32])
{
	struct digest_ctx ctx;
	struct digest d;
	digest_begin(&ctx, DOMAIN_TEST);
	digest_add(&ctx, pk, 32);
	digest_add(&ctx, s->b, sizeof s->b);
	digest_end(&ctx, &d);
	memcpy(out->b, d.b, 32);
	memcpy(out->b + 32, d.b, 32);
}

static void tag_sign(struct signature *out, const struct statement *s, const struct secret_key *sk)
{
	tag(out, s, sk->b + 32);
}

static bool tag_verify(const struct signature *sig, const struct statement *s, const struct public_key *pk)
{
	struct signature good;
	tag(&good, s, pk->b);
	return memcmp(good.b, sig->b, sizeof good.b) == 0;
}

static const struct sign_scheme tagged = { .name = "tag", .sign = tag_sign, .verify = tag_verify };

/* ---- the bed ---- */

#define SENT_MAX 4096
#define ANSWERS_MAX 4096
#define WALL 1700000000000u

struct sent {
	uint32_t member;
	uint64_t at_ms;
	uint16_t type;
	struct bundle b; /* of a BUNDLE; borrows from `bytes` */
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

static bool on_send(void *user, uint32_t member, enum net_class class, const uint8_t *frame, size_t n)
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
	CU_ASSERT_FATAL(envelope_read(&r, &e) && e.signer == BFT_SIGNER_CHANNEL && e.epoch == 0);
	s->type = e.type;
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
	CU_ASSERT(tag_verify(&e.signature, &statement, &s->b.key) && public_key_equal(&s->b.key, &b->options.key));
	CU_ASSERT(s->b.reply_mask == ~(uint64_t)0 && s->b.after == 0);
	return true;
}

static void on_random(void *user, void *out, size_t n)
{
	struct bed *b = user;
	uint8_t *bytes = out;
	for (size_t i = 0; i < n; i++) {
		b->random = b->random * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(b->random >> 56);
	}
}

static void on_changed(void *user, struct client_session *s)
{
	(void)s;
	((struct bed *)user)->changes++;
}

static void on_answer(void *user, const struct quorate_answer *a)
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

static void bed_make(uint32_t n, const struct client_core_options *options)
{
	bed = calloc(1, sizeof *bed);
	bed->sent = calloc(SENT_MAX, sizeof *bed->sent);
	bed->genesis = calloc(1, sizeof *bed->genesis);
	bed->genesis->mode = BFT_MODE_BFT;
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
	bed->options.send = on_send;
	bed->options.fill_random = on_random;
	bed->options.changed = on_changed;
	bed->now = 1000;
	bed->random = 1;
	bed->core = client_core_create(&bed->options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bed->core);
	client_core_time(bed->core, bed->now, WALL + bed->now);
}

static void forget_sent(void)
{
	for (uint32_t i = 0; i < bed->sent_count; i++)
		free(bed->sent[i].bytes);
	bed->sent_count = 0;
}

static void bed_end(void)
{
	client_core_destroy(bed->core);
	forget_sent();
	free(bed->sent);
	free(bed->genesis);
	free(bed);
	bed = NULL;
}

static void tick(void)
{
	client_core_tick(bed->core, bed->now, WALL + bed->now);
}

/* Runs to `until`, ticking when the core wants it and never else. */
static void run_to(uint64_t until)
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

static void link_all(void)
{
	for (uint32_t i = 0; i < bed->genesis->count; i++)
		client_core_link(bed->core, i, true);
}

static uint32_t count_sent(uint16_t type, bft_mask *members)
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
static struct digest digest_of_request(uint64_t session, uint64_t number)
{
	for (uint32_t i = bed->named_count; i-- > 0 && i + SENT_MAX >= bed->named_count;)
		if (bed->named[i % SENT_MAX].session == session && bed->named[i % SENT_MAX].number == number)
			return bed->named[i % SENT_MAX].digest;
	return (struct digest){ { 0 } };
}

static size_t frame_of(const struct word *x, uint8_t *frame, size_t capacity)
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

static bool say(uint32_t member, const struct word *x)
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

static bool say_refused(uint32_t member, uint64_t session, uint64_t number, uint8_t reason)
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
static struct word word_done(uint64_t session, uint64_t number, uint64_t seq, uint8_t value)
{
	static uint8_t values[256][5];
	uint8_t *v = values[value];
	v[0] = 1;
	v[4] = value;
	return (struct word){ .session = session, .number = number, .seq = seq, .count = 1, .values = v, .values_bytes = 5 };
}

static struct word word_opened(uint64_t number, uint64_t id)
{
	static uint8_t value[12];
	struct wr w = wr_of(value, sizeof value);
	wr_u32(&w, 8);
	wr_u64(&w, id);
	return (struct word){ .number = number, .seq = 1, .count = 1, .values = value, .values_bytes = 12 };
}

static struct word word_status(uint64_t session, uint64_t number, uint8_t status)
{
	return (struct word){ .session = session, .number = number, .seq = 9, .status = status };
}

static void say_by(uint32_t count, const struct word *x)
{
	for (uint32_t i = 0; i < count; i++)
		CU_ASSERT(say(i, x));
}

static void *nth(uintptr_t i)
{
	return (void *)i;
}

static struct client_session *open_session(uint64_t id)
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

static struct client_session *ready_bed(uint32_t n, const struct client_core_options *options)
{
	bed_make(n, options);
	link_all();
	return open_session(0x70001);
}

static void submit(struct client_session *s, const char *op, uintptr_t i)
{
	bed->inside = true;
	enum quorate_error error = client_session_submit(s, op, strlen(op), on_answer, nth(i));
	bed->inside = false;
	CU_ASSERT(error == QUORATE_OK);
}

/* ---- matching ---- */

static void one_answer_from_enough(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	CU_ASSERT(bed->sent_count == 0 && client_core_deadline(bed->core) <= bed->now);
	tick();
	CU_ASSERT(bed->sent_count == 1 && bed->sent[0].member == 0 && bed->sent[0].b.session == 0x70001 && bed->sent[0].b.number == 1);
	struct word x = word_done(0x70001, 1, 5, 'a');
	CU_ASSERT(say(2, &x) && bed->got_count == 0);
	x.late = true; /* the two forms say the same */
	CU_ASSERT(say(3, &x) && bed->got_count == 1);
	struct got *g = &bed->got[0];
	CU_ASSERT(g->error == QUORATE_OK && g->tag == 1 && g->seq == 5 && g->session == 0x70001 && g->number == 1 && g->index == 0);
	CU_ASSERT(g->value_bytes == 1 && g->value[0] == 'a');
	/* Those who come late change nothing. */
	say_by(4, &x);
	x = word_done(0x70001, 1, 6, 'b');
	say_by(4, &x);
	CU_ASSERT(bed->got_count == 1);
	run_to(60000);
	CU_ASSERT(bed->got_count == 1);
	bed_end();
}

static void liars_cannot_make_one(void)
{
	for (uint32_t n = 4; n <= 64; n += 15) {
		uint32_t f = quorum_faults(n);
		struct client_session *s = ready_bed(n, NULL);
		submit(s, "op", 1);
		tick();
		struct word lie = word_done(0x70001, 1, 5, 'x'), truth = word_done(0x70001, 1, 5, 'a');
		/* f equal lies, again and again. */
		for (int again = 0; again < 5; again++)
			for (uint32_t i = 0; i < f; i++)
				CU_ASSERT(say(i, &lie));
		CU_ASSERT(bed->got_count == 0);
		for (uint32_t i = 0; i < f; i++)
			CU_ASSERT(say(n - 1 - i, &truth) && bed->got_count == 0);
		CU_ASSERT(say(n - 1 - f, &truth) && bed->got_count == 1);
		CU_ASSERT(bed->got[0].value[0] == 'a');
		bed_end();
	}
}

static void what_must_be_the_same(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	tick();
	struct word x = word_done(0x70001, 1, 5, 'a');
	CU_ASSERT(say(0, &x));
	x.seq = 6;
	CU_ASSERT(say(1, &x) && bed->got_count == 0); /* another sequence */
	struct word late = word_status(0x70001, 1, RESULT_TOO_OLD);
	late.seq = 5;
	CU_ASSERT(say(2, &late) && bed->got_count == 0); /* another status */
	struct word other = word_done(0x70001, 1, 5, 'b');
	CU_ASSERT(say(3, &other) && bed->got_count == 0); /* another value */
	CU_ASSERT(say(2, &other) && bed->got_count == 1 && bed->got[0].value[0] == 'b');
	bed_end();
}

/* Two requests were signed under one number: who has the one that was not executed hears so, and not the other's result. */
static void another_request_under_its_number(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	submit(s, "op", 2);
	tick();
	struct word other = word_done(0x70001, 1, 5, 'a'), mine = other;
	other.another = 1;
	other.late = true;
	CU_ASSERT(say(0, &mine) && say(1, &other) && bed->got_count == 0); /* they do not agree */
	/* Its result need not fit the one that was sent. */
	other.count = 2;
	other.values = "\1\0\0\0a\1\0\0\0b";
	other.values_bytes = 10;
	CU_ASSERT(say(1, &other) && say(2, &other) && bed->got_count == 1);
	CU_ASSERT(bed->got[0].error == QUORATE_REFUSED && bed->got[0].tag == 1 && bed->got[0].value_bytes == 0 &&
	          strstr(bed->got[0].reason, "under its number"));
	/* The session goes on. */
	struct word next = word_done(0x70001, 2, 6, 'c');
	CU_ASSERT(say(0, &next) && say(1, &next) && bed->got_count == 2 && bed->got[1].error == QUORATE_OK);
	/* An opening alike. */
	client_session_open(bed->core, on_answer, nth(3));
	tick();
	struct word opened = word_opened(last_bundle()->b.number, 0x80001);
	opened.another = 1;
	CU_ASSERT(say(0, &opened) && say(1, &opened) && bed->got_count == 3 && bed->got[2].error == QUORATE_REFUSED && bed->got[2].tag == 3);
	bed_end();
}

static void one_voice_each(void)
{
	struct client_session *s = ready_bed(7, NULL); /* three must agree */
	submit(s, "op", 1);
	tick();
	struct word a = word_done(0x70001, 1, 5, 'a'), b = word_done(0x70001, 1, 5, 'b');
	for (int i = 0; i < 10; i++)
		CU_ASSERT(say(3, &a)); /* voting twice is voting once */
	CU_ASSERT(say(4, &a) && bed->got_count == 0);
	CU_ASSERT(say(3, &b)); /* the first vote is taken back */
	CU_ASSERT(say(5, &a) && bed->got_count == 0);
	CU_ASSERT(say(3, &a) && bed->got_count == 1 && bed->got[0].value[0] == 'a');
	bed_end();
}

static void opinions(void)
{
	struct client_opinion of[7] = { 0 };
	struct digest a = { { 1 } }, b = { { 2 } };
	CU_ASSERT(client_match_result(of, 7, 0, 1, &a) == 1);
	CU_ASSERT(client_match_result(of, 7, 0, 1, &a) == 1);
	CU_ASSERT(client_match_result(of, 7, 1, 1, &b) == 1);
	CU_ASSERT(client_match_result(of, 7, 2, 1, &a) == 2);
	CU_ASSERT(client_match_result(of, 7, 3, 2, &a) == 1);
	CU_ASSERT(client_match_result(of, 7, 0, 1, &b) == 2);
	CU_ASSERT(client_match_result(of, 7, 4, 1, &a) == 2);
	CU_ASSERT(client_match_refusal(of, 7, 5, REFUSAL_BUSY) == 0);
	CU_ASSERT(client_match_refusal(of, 7, 5, REFUSAL_MALFORMED) == 1);
	CU_ASSERT(client_match_refusal(of, 7, 6, REFUSAL_SIGNATURE) == 2);
	CU_ASSERT(client_match_refusal(of, 7, 6, REFUSAL_SPACE) == 1);

	bft_view said[4] = { 0, 0, 0, 0 };
	CU_ASSERT(client_match_view(said, 4, 2) == 0);
	said[2] = 1000; /* one liar */
	CU_ASSERT(client_match_view(said, 4, 2) == 0);
	said[1] = 7;
	CU_ASSERT(client_match_view(said, 4, 2) == 7);
	said[0] = 9;
	CU_ASSERT(client_match_view(said, 4, 2) == 9 && client_match_view(said, 4, 1) == 1000 && client_match_view(said, 4, 3) == 7);
}

static void counts_that_are_wrong(void)
{
	static const struct quorate_op ops[3] = { { "a", 1 }, { "b", 1 }, { "c", 1 } };
	static const uint8_t values[] = { 1, 0, 0, 0, 'A', 0, 0, 0, 0, 2, 0, 0, 0, 'C', 'C', 1, 0, 0, 0, 'D' };
	static const size_t upto[] = { 0, 5, 9, 15, 20 };
	struct client_session *s = ready_bed(4, NULL);
	CU_ASSERT(client_session_submit_bundle(s, ops, 3, on_answer, nth(1)) == QUORATE_OK);
	tick();
	for (uint16_t count = 0; count <= 4; count++) {
		struct word x = { .session = 0x70001, .number = 1, .seq = 5, .count = count, .values = values, .values_bytes = upto[count] };
		if (count == 3)
			continue;
		for (uint32_t i = 0; i < 4; i++)
			CU_ASSERT(!say(i, &x));
		/* Values with what was not executed. */
		x.status = RESULT_QUOTA;
		for (uint32_t i = 0; count && i < 4; i++)
			CU_ASSERT(!say(i, &x));
	}
	CU_ASSERT(bed->got_count == 0);
	struct word x = { .session = 0x70001, .number = 1, .seq = 5, .count = 3, .values = values, .values_bytes = upto[3] };
	say_by(2, &x);
	CU_ASSERT(bed->got_count == 3);
	for (uint16_t i = 0; i < 3; i++)
		CU_ASSERT(bed->got[i].index == i && bed->got[i].error == QUORATE_OK && bed->got[i].tag == 1 && bed->got[i].number == 1);
	CU_ASSERT(bed->got[0].value_bytes == 1 && bed->got[1].value_bytes == 0 && bed->got[2].value_bytes == 2 && bed->got[2].value[1] == 'C');
	bed_end();
}

static void large_results(void)
{
	struct client_session *s = ready_bed(4, NULL);
	for (size_t over = 0; over < 2; over++) {
		size_t n = RESULT_BYTES_MAX - RESULT_HEAD_BYTES + over;
		uint8_t *values = calloc(1, n);
		struct wr w = wr_of(values, 4);
		wr_u32(&w, (uint32_t)(n - 4));
		submit(s, "op", 1 + over);
		tick();
		struct word x = { .session = 0x70001, .number = 1 + over, .seq = 5, .count = 1, .values = values, .values_bytes = n };
		for (uint32_t i = 0; i < 2; i++)
			CU_ASSERT(say(i, &x) == (over == 0));
		CU_ASSERT(bed->got_count == 1 && bed->got[0].value_bytes == RESULT_BYTES_MAX - RESULT_HEAD_BYTES - 4);
		free(values);
	}
	bed_end();
}

/* ---- where and when ---- */

static uint32_t bundles_at(uint64_t at, bft_mask *members)
{
	uint32_t count = 0;
	*members = 0;
	for (uint32_t i = 0; i < bed->sent_count; i++) {
		if (bed->sent[i].type != BFT_WIRE_BUNDLE || bed->sent[i].at_ms != at)
			continue;
		count++;
		*members |= BFT_BIT(bed->sent[i].member);
	}
	return count;
}

static void retries(void)
{
	struct client_core_options options = { .timeout_ms = 20000, .retry_ms = 100 };
	struct client_session *s = ready_bed(4, &options);
	uint64_t start = bed->now;
	submit(s, "op", 1);
	tick();
	bft_mask members;
	CU_ASSERT(bundles_at(start, &members) == 1 && members == 1); /* the leader alone */
	run_to(start + 99);
	CU_ASSERT(bed->sent_count == 1);
	run_to(start + 100);
	CU_ASSERT(bundles_at(start + 100, &members) == 4 && members == 0xF);
	run_to(start + 30000);
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_UNKNOWN);
	uint64_t last = start + 100, wait = 200;
	uint32_t rounds = 0;
	for (uint32_t i = 5; i < bed->sent_count; i++) {
		CU_ASSERT(bed->sent[i].n == bed->sent[0].n && memcmp(bed->sent[i].bytes, bed->sent[0].bytes, bed->sent[0].n) == 0);
		if (bed->sent[i].at_ms == last)
			continue;
		uint64_t gap = bed->sent[i].at_ms - last;
		CU_ASSERT(gap > wait / 2 - 1 && gap <= wait && gap <= CLIENT_BACK_OFF_MS_MAX);
		CU_ASSERT(bundles_at(bed->sent[i].at_ms, &members) == 4 && members == 0xF);
		last = bed->sent[i].at_ms;
		wait = wait * 2 < CLIENT_BACK_OFF_MS_MAX ? wait * 2 : CLIENT_BACK_OFF_MS_MAX;
		rounds++;
	}
	CU_ASSERT(rounds >= 10 && rounds < 30 && last < start + 20000);
	bed_end();
}

static void the_leader_is_who_enough_say(void)
{
	struct client_session *s = ready_bed(4, NULL);
	bft_mask members;
	submit(s, "op", 1);
	tick();
	struct word x = word_done(0x70001, 1, 5, 'a');
	x.view = 4001; /* a liar's */
	CU_ASSERT(say(3, &x) && client_core_leader(bed->core) == 0);
	x.view = 6;
	CU_ASSERT(say(1, &x) && bed->got_count == 1);
	CU_ASSERT(client_core_leader(bed->core) == 2);
	x.view = BFT_VIEW_MAX + 1;
	CU_ASSERT(!say(2, &x) && client_core_leader(bed->core) == 2);
	/* Its link is down: everybody else is asked at once. */
	forget_sent();
	client_core_link(bed->core, 2, false);
	submit(s, "op", 2);
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 3 && members == 0xB);
	bed_end();
}

static void links_that_come_back(void)
{
	struct client_session *s = ready_bed(4, NULL);
	bft_mask members;
	submit(s, "op", 1);
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 1 && members == 1);
	/* Somebody who was not asked: the session is named, nothing is sent. */
	forget_sent();
	client_core_link(bed->core, 3, false);
	client_core_link(bed->core, 3, true);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 0 && count_sent(BFT_WIRE_ATTACH, &members) == 1 && members == BFT_BIT(3));
	/* The leader: what was on its way may be lost. */
	forget_sent();
	client_core_link(bed->core, 0, false);
	client_core_link(bed->core, 0, true);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 1 && members == 1);
	CU_ASSERT(bed->sent[0].type == BFT_WIRE_ATTACH); /* before what it is for */
	bed_end();

	/* Nobody is there: whoever comes first gets it. */
	s = ready_bed(4, NULL);
	for (uint32_t i = 0; i < 4; i++)
		client_core_link(bed->core, i, false);
	submit(s, "op", 1);
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 0);
	client_core_link(bed->core, 2, true);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 1 && members == BFT_BIT(2));
	bed_end();
}

static void time_is_over(void)
{
	struct client_core_options options = { .timeout_ms = 500 };
	struct client_session *s = ready_bed(4, &options);
	uint64_t start = bed->now;
	submit(s, "sent", 1);
	tick();
	CU_ASSERT(say_refused(1, 0x70001, 1, REFUSAL_BUSY) && say_refused(2, 0x70001, 1, REFUSAL_BUSY) && say_refused(3, 0x70001, 1, REFUSAL_SPACE));
	run_to(start + 499);
	CU_ASSERT(bed->got_count == 0);
	run_to(start + 500);
	CU_ASSERT_FATAL(bed->got_count == 1);
	CU_ASSERT(bed->got[0].error == QUORATE_UNKNOWN && bed->got[0].number == 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(bed->got[0].reason, "2 said: the replica holds as many requests"));
	/* An answer that comes now is nobody's. */
	struct word x = word_done(0x70001, 1, 5, 'a');
	say_by(4, &x);
	CU_ASSERT(bed->got_count == 1);

	/* Never on any link: unreachable. A full queue is no link either. */
	bed->deaf = 0xF;
	submit(s, "unsent", 2);
	run_to(bed->now + 500);
	CU_ASSERT(bed->got_count == 2 && bed->got[1].error == QUORATE_UNREACHABLE && bed->got[1].tag == 2);
	uint64_t kept[CLIENT_KEPT_MAX];
	CU_ASSERT(client_session_kept(s, kept) == 1 && kept[0] == 1);
	bed_end();
}

/* Time stood still in the core while nothing happened: a new operation has its whole time all the same. */
static void time_that_passed_unseen(void)
{
	struct client_core_options options = { .timeout_ms = 500 };
	struct client_session *s = ready_bed(4, &options);
	run_to(bed->now + 100000);
	submit(s, "op", 1);
	tick();
	run_to(bed->now + 499);
	CU_ASSERT(bed->got_count == 0);
	run_to(bed->now + 1);
	CU_ASSERT(bed->got_count == 1);
	/* A clock that goes back stands still. */
	client_core_tick(bed->core, 5, 5);
	CU_ASSERT(bed->got_count == 1);
	bed_end();
}

/* ---- asking again ---- */

static void asked_again(void)
{
	struct client_core_options options = { .timeout_ms = 500, .bundle_ops = 3 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "one", 1);
	submit(s, "two", 2);
	tick();
	uint8_t first[512];
	size_t n = bed->sent[0].n;
	CU_ASSERT_FATAL(bed->sent_count == 1 && n <= sizeof first && bed->sent[0].b.count == 2);
	memcpy(first, bed->sent[0].bytes, n);
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, nth(3)) == QUORATE_USAGE); /* it is still on its way */
	struct word old = word_status(0x70001, 1, RESULT_DONE);
	run_to(bed->now + 500);
	CU_ASSERT(bed->got_count == 2 && bed->got[0].error == QUORATE_UNKNOWN && bed->got[1].error == QUORATE_UNKNOWN);
	CU_ASSERT(client_session_ask_again(s, 2, on_answer, nth(3)) == QUORATE_USAGE);
	forget_sent();
	bed->got_count = 0;
	bed->inside = true;
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, nth(3)) == QUORATE_OK);
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, nth(4)) == QUORATE_USAGE);
	bed->inside = false;
	CU_ASSERT(bed->sent_count == 0);
	tick();
	bft_mask members;
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 4 && members == 0xF);
	for (uint32_t i = 0; i < bed->sent_count; i++)
		CU_ASSERT(bed->sent[i].n == n && memcmp(bed->sent[i].bytes, first, n) == 0);
	static const uint8_t values[] = { 1, 0, 0, 0, 'x', 1, 0, 0, 0, 'y' };
	old.count = 2;
	old.values = values;
	old.values_bytes = sizeof values;
	old.late = true;
	say_by(4, &old);
	CU_ASSERT(bed->got_count == 2 && bed->got[0].tag == 3 && bed->got[1].tag == 3 && bed->got[1].index == 1 && bed->got[1].value[0] == 'y');
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, nth(5)) == QUORATE_USAGE); /* known now */

	/* Too late for it: the session has gone on, and whether it was executed stays unknown. */
	submit(s, "three", 6);
	tick();
	bed->got_count = 0;
	run_to(bed->now + 500);
	CU_ASSERT(client_session_ask_again(s, 2, on_answer, nth(7)) == QUORATE_OK);
	tick();
	struct word too_old = word_status(0x70001, 2, RESULT_TOO_OLD);
	too_old.seq = 0;
	say_by(2, &too_old);
	CU_ASSERT(bed->got_count == 2 && bed->got[1].error == QUORATE_UNKNOWN && bed->got[1].tag == 7);
	bed_end();
}

/* Opinions from before do not count for what is asked again. */
static void asked_again_from_nothing(void)
{
	struct client_core_options options = { .timeout_ms = 500 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "one", 1);
	tick();
	struct word x = word_done(0x70001, 1, 5, 'a');
	CU_ASSERT(say(3, &x));
	run_to(bed->now + 500);
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, nth(2)) == QUORATE_OK);
	tick();
	CU_ASSERT(say(1, &x) && bed->got_count == 1);
	CU_ASSERT(say(2, &x) && bed->got_count == 2);
	bed_end();
}

static void what_is_kept_is_bounded(void)
{
	struct client_core_options options = { .timeout_ms = 500, .bundles_max = 1000 };
	uint64_t kept[CLIENT_KEPT_MAX];
	struct client_session *s = ready_bed(4, &options);
	for (uintptr_t i = 1; i <= 150; i++) {
		submit(s, "op", i);
		run_to(bed->now + 10);
		forget_sent();
	}
	run_to(bed->now + 1000);
	CU_ASSERT(bed->got_count == 150 && client_session_kept(s, kept) == CLIENT_KEPT_MAX);
	CU_ASSERT(kept[0] == 150 - CLIENT_KEPT_MAX + 1 && kept[CLIENT_KEPT_MAX - 1] == 150);
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, NULL) == QUORATE_USAGE);
	/* Large ones sooner. */
	uint8_t *large = calloc(1, CLIENT_OP_BYTES_MAX);
	for (uintptr_t i = 0; i < 20; i++) {
		CU_ASSERT(client_session_submit(s, large, CLIENT_OP_BYTES_MAX, on_answer, NULL) == QUORATE_OK);
		run_to(bed->now + 1000);
		forget_sent();
	}
	free(large);
	CU_ASSERT(client_session_kept(s, kept) == CLIENT_KEPT_BYTES_MAX / (BFT_BUNDLE_BYTES_MAX + BFT_FRAME_HEAD_BYTES) && kept[0] > 150);
	bed_end();
}

/* ---- bundles ---- */

static void what_waits_shares_a_signature(void)
{
	static const struct quorate_op two[2] = { { "x", 1 }, { "y", 1 } };
	struct client_core_options options = { .bundle_ops = 3 };
	struct client_session *s = ready_bed(4, &options);
	for (uintptr_t i = 1; i <= 7; i++)
		submit(s, "op", i);
	CU_ASSERT(client_session_submit_bundle(s, two, 2, on_answer, nth(8)) == QUORATE_OK);
	submit(s, "op", 9);
	CU_ASSERT(client_session_snapshot(s, on_answer, nth(10)) == QUORATE_OK);
	submit(s, "op", 11);
	CU_ASSERT(client_session_waiting(s) == 12);
	tick();
	static const uint16_t counts[] = { 3, 3, 1, 2, 1, 0, 1 };
	CU_ASSERT_FATAL(bed->sent_count == 7 && client_session_waiting(s) == 0 && client_session_number(s) == 7);
	for (uint32_t i = 0; i < 7; i++)
		CU_ASSERT(bed->sent[i].b.number == i + 1 && bed->sent[i].b.count == counts[i] &&
		          bed->sent[i].b.kind == (i == 5 ? BUNDLE_SNAPSHOT : BUNDLE_OPS));
	/* Each hears of its own. */
	static const uint8_t values[] = { 1, 0, 0, 0, 'd', 1, 0, 0, 0, 'e', 1, 0, 0, 0, 'f' };
	struct word x = { .session = 0x70001, .number = 2, .seq = 3, .count = 3, .values = values, .values_bytes = sizeof values };
	say_by(2, &x);
	CU_ASSERT(bed->got_count == 3);
	for (uint16_t i = 0; i < 3; i++)
		CU_ASSERT(bed->got[i].tag == 4u + i && bed->got[i].index == i && bed->got[i].value[0] == 'd' + i);
	struct word snapshot = word_status(0x70001, 6, RESULT_DONE);
	snapshot.seq = 77;
	say_by(2, &snapshot);
	CU_ASSERT(bed->got_count == 4 && bed->got[3].tag == 10 && bed->got[3].error == QUORATE_OK && bed->got[3].seq == 77 && bed->got[3].value_bytes == 0);
	bed_end();
}

static void bundles_have_a_size(void)
{
	struct client_core_options options = { .bundle_ops = 1024 };
	struct client_session *s = ready_bed(4, &options);
	size_t n = CLIENT_OP_BYTES_MAX;
	uint8_t *op = calloc(1, n + 1);
	CU_ASSERT(client_session_submit(s, op, n + 1, on_answer, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_session_submit(s, NULL, 1, on_answer, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_session_submit_bundle(s, NULL, 1, on_answer, NULL) == QUORATE_USAGE);
	struct quorate_op halves[3] = { { op, n / 2 }, { op, n / 2 - 4 }, { op, 1 } };
	CU_ASSERT(client_session_submit_bundle(s, halves, 0, on_answer, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_session_submit_bundle(s, halves, BFT_BUNDLE_OPS_MAX + 1, on_answer, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_session_submit_bundle(s, halves, 3, on_answer, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_session_submit_bundle(s, halves, 2, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, n, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, 1, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, 0, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, n - 9, on_answer, NULL) == QUORATE_OK); /* beside the two, to the last byte */
	tick();
	CU_ASSERT(bed->sent_count == 3 && bed->sent[2].b.count == 3 && bed->sent[2].n == BFT_FRAME_HEAD_BYTES + BFT_BUNDLE_BYTES_MAX);
	forget_sent();
	CU_ASSERT(client_session_submit(s, op, 1, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, 0, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, n - 8, on_answer, NULL) == QUORATE_OK); /* one byte too many */
	tick();
	CU_ASSERT(bed->sent_count == 2 && bed->sent[0].b.count == 2 && bed->sent[1].b.count == 1);
	free(op);
	bed_end();
}

static void the_queue_is_bounded(void)
{
	static const struct quorate_op two[2] = { { "x", 1 }, { "y", 1 } };
	struct client_core_options options = { .queue_max = 10, .bundles_max = 2 };
	struct client_session *s = ready_bed(4, &options);
	for (int i = 0; i < 9; i++)
		submit(s, "op", 1);
	CU_ASSERT(client_session_submit_bundle(s, two, 2, on_answer, NULL) == QUORATE_FAILED);
	submit(s, "op", 1);
	CU_ASSERT(client_session_submit(s, "op", 2, on_answer, NULL) == QUORATE_FAILED);
	CU_ASSERT(client_session_snapshot(s, on_answer, NULL) == QUORATE_FAILED);
	tick();
	CU_ASSERT(bed->sent_count == 2 && client_session_waiting(s) == 8);
	submit(s, "op", 1);
	/* Answers make room in the order of the queue. */
	struct word x = word_done(0x70001, 2, 5, 'a');
	say_by(2, &x);
	tick();
	CU_ASSERT(bed->sent_count == 3 && last_bundle()->b.number == 3);
	/* What waits too long was never sent. */
	run_to(bed->now + 10000);
	CU_ASSERT(bed->got_count == 11);
	uint32_t unreachable = 0, unknown = 0;
	for (uint32_t i = 1; i < bed->got_count; i++) {
		unreachable += bed->got[i].error == QUORATE_UNREACHABLE;
		unknown += bed->got[i].error == QUORATE_UNKNOWN;
	}
	CU_ASSERT(unknown + unreachable == 10 && unknown >= 2 && client_session_waiting(s) == 0);
	bed_end();
}

static void the_window(void)
{
	struct client_core_options options = { .bundles_max = 1000000, .timeout_ms = 100000 };
	struct client_session *s = ready_bed(4, &options);
	uint32_t window = bed->genesis->limits.session_window;
	bft_mask members;
	for (uintptr_t i = 0; i < window + 5; i++)
		submit(s, "op", i);
	for (int i = 0; i < 100; i++)
		tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == window && client_session_number(s) == window);
	/* The second is answered, the first is not: its place is still needed. */
	struct word x = word_done(0x70001, 2, 5, 'a');
	say_by(2, &x);
	tick();
	CU_ASSERT(client_session_number(s) == window);
	x = word_done(0x70001, 1, 5, 'a');
	say_by(2, &x);
	tick();
	CU_ASSERT(client_session_number(s) == window + 2);
	bed_end();
}

/* Many sessions at once: a tick signs so many and no more, and everybody's turn comes. */
static void a_tick_is_bounded(void)
{
	bed_make(4, NULL);
	link_all();
	enum { SESSIONS = 100 };
	for (uint64_t i = 1; i <= SESSIONS; i++) {
		struct client_session *s = client_session_resume(bed->core, i, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		submit(s, "op", (uintptr_t)i);
	}
	bft_mask members;
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == CLIENT_TICK_BUNDLES && client_core_deadline(bed->core) <= bed->now);
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == SESSIONS && client_core_deadline(bed->core) > bed->now);
	bed_end();
}

/* ---- refusals ---- */

static void statuses(void)
{
	static const struct {
		uint8_t status;
		enum quorate_error error;
	} rows[] = { { RESULT_TOO_OLD, QUORATE_UNKNOWN },    { RESULT_QUOTA, QUORATE_REFUSED },     { RESULT_AFTER, QUORATE_REFUSED },
		     { RESULT_LATER, QUORATE_PRECONDITION }, { RESULT_TOO_LARGE, QUORATE_REFUSED }, { RESULT_NO_SESSION, QUORATE_REFUSED } };
	struct client_session *s = ready_bed(4, NULL);
	for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		submit(s, "op", i);
		tick();
		struct word x = word_status(0x70001, i + 1, rows[i].status);
		say_by(2, &x);
		CU_ASSERT_FATAL(bed->got_count == i + 1);
		CU_ASSERT(bed->got[i].error == rows[i].error && strcmp(bed->got[i].reason, result_text(rows[i].status)) == 0);
	}
	bed_end();
}

static void refused_by_enough(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	tick();
	CU_ASSERT(say_refused(0, 0x70001, 1, REFUSAL_SIGNATURE) && bed->got_count == 0);
	CU_ASSERT(say_refused(0, 0x70001, 1, REFUSAL_MALFORMED) && bed->got_count == 0);
	CU_ASSERT(say_refused(1, 0x70001, 1, REFUSAL_BUSY) && say_refused(2, 0x70001, 1, REFUSAL_OBSERVER) && say_refused(3, 0x70001, 1, REFUSAL_SPACE));
	CU_ASSERT(bed->got_count == 0);
	CU_ASSERT(say_refused(3, 0x70001, 2, REFUSAL_MALFORMED) && bed->got_count == 0); /* another request */
	CU_ASSERT(!say_refused(3, 0x70001, 1, 0) && !say_refused(3, 0x70001, 1, REFUSAL_END) && !say_refused(3, 0x70001, 1, 255));
	CU_ASSERT(say_refused(3, 0x70001, 1, REFUSAL_MALFORMED));
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_REFUSED);
	bed_end();
}

/* ---- sessions ---- */

static void a_session_opens(void)
{
	bed_make(4, NULL);
	link_all();
	bed->inside = true;
	struct client_session *s = client_session_open(bed->core, on_answer, nth(1));
	bed->inside = false;
	submit(s, "op", 2);
	CU_ASSERT(bed->sent_count == 0 && client_session_id(s) == 0);
	tick();
	bft_mask members;
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 4 && members == 0xF);
	const struct sent *o = last_bundle();
	uint64_t number = o->b.number, void_ms;
	CU_ASSERT(o->b.kind == BUNDLE_OPEN && o->b.session == 0 && number != 0);
	struct rd r = rd_of(o->b.ops + 4, 8);
	CU_ASSERT(rd_u64(&r, &void_ms) && void_ms == WALL + bed->now + CLIENT_VOID_MS);
	/* It has no id yet: one of another length or none is a lie, and so is that there is no such session. */
	struct word x = word_opened(number, 0), bad = word_done(0, number, 1, 'x');
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(!say(i, &x) && !say(i, &bad));
	for (uint8_t status = RESULT_DONE; status < RESULT_STATUS_END; status++) {
		struct word y = word_status(0, number, status);
		if (status != RESULT_QUOTA && status != RESULT_VOID)
			CU_ASSERT(!say(0, &y) && !say(1, &y) && !say(2, &y));
	}
	x = word_opened(number, 0x99);
	CU_ASSERT(say(0, &x) && bed->got_count == 0);
	x = word_opened(number, 0x55);
	CU_ASSERT(say(1, &x) && bed->got_count == 0); /* another session: a lie */
	x = word_opened(number, 0x99);
	CU_ASSERT(say(2, &x) && bed->got_count == 1);
	CU_ASSERT(bed->got[0].error == QUORATE_OK && bed->got[0].session == 0x99 && bed->got[0].tag == 1 && client_session_id(s) == 0x99);
	forget_sent();
	tick();
	/* Everybody learns where its answers go, before what is to be answered. */
	CU_ASSERT(count_sent(BFT_WIRE_ATTACH, &members) == 4 && members == 0xF);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 1 && last_bundle()->b.session == 0x99 && last_bundle()->b.number == 1);
	CU_ASSERT(bed->sent[4].type == BFT_WIRE_BUNDLE);
	bed_end();
}

static void a_session_does_not_open(void)
{
	static const uint8_t statuses_of[] = { RESULT_VOID, RESULT_QUOTA };
	for (int i = 0; i < 2; i++) {
		bed_make(4, NULL);
		link_all();
		struct client_session *s = client_session_open(bed->core, on_answer, nth(1));
		submit(s, "op", 2);
		tick();
		struct word x = word_status(0, last_bundle()->b.number, statuses_of[i]);
		say_by(2, &x);
		CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_REFUSED && bed->got[0].tag == 1);
		tick();
		tick();
		CU_ASSERT(bed->got_count == 2 && bed->got[1].error == QUORATE_REFUSED && bed->got[1].tag == 2 && client_session_dead(s));
		submit(s, "op", 3);
		CU_ASSERT(bed->got_count == 2);
		run_to(bed->now + 1);
		CU_ASSERT(bed->got_count == 3 && bed->got[2].error == QUORATE_REFUSED);
		bed_end();
	}
	/* Nobody answers, or nobody is there. */
	for (int linked = 0; linked < 2; linked++) {
		bed_make(4, NULL);
		if (linked)
			link_all();
		struct client_session *s = client_session_open(bed->core, on_answer, nth(1));
		run_to(bed->now + 5000);
		submit(s, "op", 2);
		run_to(bed->now + 5001);
		CU_ASSERT(bed->got_count == 2 && bed->got[0].tag == 1 && bed->got[0].error == (linked ? QUORATE_UNKNOWN : QUORATE_UNREACHABLE));
		CU_ASSERT(bed->got[1].error == QUORATE_UNREACHABLE);
		client_session_close(s);
		run_to(bed->now + 20000);
		CU_ASSERT(bed->got_count == 2);
		bed_end();
	}
}

static void an_evicted_session(void)
{
	struct client_core_options options = { .bundles_max = 2 };
	struct client_session *s = ready_bed(4, &options);
	for (uintptr_t i = 1; i <= 5; i++)
		submit(s, "op", i);
	tick();
	struct word x = word_status(0x70001, 2, RESULT_NO_SESSION);
	CU_ASSERT(say(0, &x) && bed->got_count == 0); /* a liar's word ends no session */
	CU_ASSERT(say(1, &x) && bed->got_count == 1);
	run_to(bed->now + 1);
	/* What waited is refused; what is in flight has an answer of its own to wait for. */
	CU_ASSERT(bed->got_count == 4 && client_session_waiting(s) == 0);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(bed->got[i].error == QUORATE_REFUSED && strcmp(bed->got[i].reason, result_text(RESULT_NO_SESSION)) == 0);
	struct word y = word_done(0x70001, 1, 5, 'a');
	say_by(2, &y);
	CU_ASSERT(bed->got_count == 5 && bed->got[4].error == QUORATE_OK);
	bed_end();
}

static void a_session_is_resumed(void)
{
	bed_make(4, NULL);
	link_all();
	CU_ASSERT_PTR_NULL(client_session_resume(bed->core, 0, 5));
	struct client_session *s = client_session_resume(bed->core, 0x123, 40);
	submit(s, "op", 1);
	tick();
	bft_mask members;
	CU_ASSERT(count_sent(BFT_WIRE_ATTACH, &members) == 4 && bed->sent[0].type == BFT_WIRE_ATTACH);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 1 && last_bundle()->b.session == 0x123 && last_bundle()->b.number == 41);
	CU_ASSERT(client_session_ask_again(s, 40, on_answer, NULL) == QUORATE_USAGE);
	bed_end();
}

static void a_session_is_closed(void)
{
	struct client_core_options options = { .bundles_max = 1 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "sent", 1);
	submit(s, "waits", 2);
	tick();
	forget_sent();
	bed->inside = true;
	client_session_close(s);
	bed->inside = false;
	CU_ASSERT(bed->got_count == 0);
	tick();
	CU_ASSERT(bed->got_count == 2 && bed->got[0].error == QUORATE_UNKNOWN && bed->got[0].number == 1 && bed->got[1].error == QUORATE_UNKNOWN);
	CU_ASSERT_FATAL(bed->sent_count == 1);
	CU_ASSERT(bed->sent[0].b.kind == BUNDLE_CLOSE && bed->sent[0].b.session == 0x70001 && bed->sent[0].b.number == 2);
	struct word x = word_status(0x70001, 2, RESULT_DONE);
	say_by(2, &x);
	tick();
	CU_ASSERT(client_core_deadline(bed->core) == UINT64_MAX && bed->got_count == 2);
	/* Its answers are nobody's. */
	struct word y = word_done(0x70001, 1, 5, 'a');
	say_by(4, &y);
	CU_ASSERT(bed->got_count == 2);
	bed_end();

	/* While it opens: what it opens is closed. */
	bed_make(4, NULL);
	link_all();
	s = client_session_open(bed->core, on_answer, nth(1));
	tick();
	uint64_t number = last_bundle()->b.number;
	client_session_close(s);
	tick();
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_UNKNOWN && bed->got[0].tag == 1);
	forget_sent();
	x = word_opened(number, 0x88);
	say_by(2, &x);
	tick();
	CU_ASSERT(last_bundle()->b.kind == BUNDLE_CLOSE && last_bundle()->b.session == 0x88);
	run_to(bed->now + 60000); /* nobody answers: it is given up */
	CU_ASSERT(client_core_deadline(bed->core) == UINT64_MAX && bed->got_count == 1);
	bed_end();

	/* Before anybody has heard of it. */
	bed_make(4, NULL);
	link_all();
	s = client_session_open(bed->core, on_answer, nth(1));
	client_session_close(s);
	tick();
	CU_ASSERT(bed->got_count == 1 && bed->sent_count == 0 && client_core_deadline(bed->core) == UINT64_MAX);
	bed_end();
}

static void attaching_many(void)
{
	bed_make(4, NULL);
	enum { SESSIONS = 2 * CLIENT_ATTACH_MAX + 3 };
	for (uint64_t i = 1; i <= SESSIONS; i++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(client_session_resume(bed->core, i, 0));
	tick();
	client_core_link(bed->core, 2, true);
	CU_ASSERT_FATAL(bed->sent_count == 3);
	uint8_t seen[SESSIONS + 1] = { 0 };
	uint32_t total = 0;
	for (uint32_t i = 0; i < 3; i++) {
		struct rd r = rd_of(bed->sent[i].bytes + BFT_FRAME_HEAD_BYTES, bed->sent[i].n - BFT_FRAME_HEAD_BYTES);
		uint16_t count;
		uint64_t id;
		CU_ASSERT(bed->sent[i].type == BFT_WIRE_ATTACH && rd_u16(&r, &count) && count <= CLIENT_ATTACH_MAX && rd_left(&r) == 8u * count);
		while (rd_left(&r) && rd_u64(&r, &id)) {
			CU_ASSERT_FATAL(id >= 1 && id <= SESSIONS && !seen[id]);
			seen[id] = 1;
			total++;
		}
	}
	CU_ASSERT(total == SESSIONS);
	bed_end();
}

/* ---- reports ---- */

static void on_report(void *user, uint32_t member, const struct standing *x)
{
	(void)user;
	CU_ASSERT(!bed->inside && member == 1);
	if (x)
		bed->reports++;
	else
		bed->silences++;
}

static bool say_standing(uint32_t member)
{
	struct standing s = { .role = STANDING_BACKUP, .mode = 1, .leader = 2 };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_STANDING, .epoch = 1 };
	uint8_t frame[BFT_FRAME_HEAD_BYTES + STANDING_BYTES_MAX];
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	size_t n = wr_done(&w);
	return client_core_frame(bed->core, member, frame, n + standing_encode(&s, frame + n, sizeof frame - n));
}

static void reports(void)
{
	bed_make(4, NULL);
	CU_ASSERT(client_core_ask(bed->core, 4, 0, on_report, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_core_ask(bed->core, 1, 300, on_report, NULL) == QUORATE_OK);
	CU_ASSERT(bed->sent_count == 0); /* its link is down */
	client_core_link(bed->core, 1, true);
	CU_ASSERT_FATAL(bed->sent_count == 1);
	CU_ASSERT(bed->sent[0].type == BFT_WIRE_QUERY && bed->sent[0].n == BFT_FRAME_HEAD_BYTES + 1 && bed->sent[0].bytes[BFT_FRAME_HEAD_BYTES] == 0);
	CU_ASSERT(say_standing(2) && bed->reports == 0); /* nobody asked it */
	CU_ASSERT(say_standing(1) && bed->reports == 1);
	CU_ASSERT(say_standing(1) && bed->reports == 1);
	CU_ASSERT(client_core_ask(bed->core, 1, 300, on_report, NULL) == QUORATE_OK);
	run_to(bed->now + 299);
	CU_ASSERT(bed->silences == 0);
	run_to(bed->now + 1);
	CU_ASSERT(bed->silences == 1 && bed->reports == 1);
	uint32_t asked = 0;
	while (client_core_ask(bed->core, 1, 0, on_report, NULL) == QUORATE_OK)
		asked++;
	CU_ASSERT(asked == CLIENT_ASKS_MAX);
	client_core_stop(bed->core);
	CU_ASSERT(bed->silences == 1 + asked);
	bed_end();
}

/* ---- bytes ---- */

static void malformed_frames(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	tick();
	for (int late = 0; late < 2; late++) {
		struct word x = word_done(0x70001, 1, 5, 'a');
		x.late = late;
		uint8_t frame[512] = { 0 };
		size_t n = frame_of(&x, frame, sizeof frame);
		for (size_t k = 0; k < n + 4; k++) {
			uint8_t *exact = malloc(k ? k : 1);
			memcpy(exact, frame, k);
			if (k != n)
				CU_ASSERT(!client_core_frame(bed->core, (uint32_t)k % 4, exact, k));
			free(exact);
		}
	}
	CU_ASSERT(bed->got_count == 0);
	/* Another's word is not passed on to clients; unknown types and versions are nobody's. */
	struct word x = word_done(0x70001, 1, 5, 'a');
	uint8_t frame[512];
	size_t n = frame_of(&x, frame, sizeof frame);
	frame[0] = 2;
	CU_ASSERT(!client_core_frame(bed->core, 0, frame, n));
	for (uint32_t type = 0; type <= 0xFFFF; type++) {
		frame[0] = BFT_SIGNER_CHANNEL;
		frame[3] = (uint8_t)type;
		frame[4] = (uint8_t)(type >> 8);
		/* As an answer to a read, those bytes name none that was asked; nor was a link of the chain of epochs. */
		if (type != BFT_WIRE_REPLY && type != BFT_WIRE_REPLY_LATE && type != BFT_WIRE_READ_ANSWER && type != BFT_WIRE_EPOCH)
			CU_ASSERT_FATAL(!client_core_frame(bed->core, 0, frame, n));
	}
	frame[3] = BFT_WIRE_REPLY;
	frame[4] = 0;
	frame[1] = BFT_WIRE_VERSION + 1;
	CU_ASSERT(!client_core_frame(bed->core, 0, frame, n));
	frame[1] = BFT_WIRE_VERSION;
	CU_ASSERT(client_core_frame(bed->core, 77, frame, n)); /* no such member: ignored */
	CU_ASSERT(bed->got_count == 0);
	CU_ASSERT(client_core_frame(bed->core, 0, frame, n) && client_core_frame(bed->core, 1, frame, n) && bed->got_count == 1);
	bed_end();
}

static uint64_t dice_state;
static uint32_t dice(uint32_t sides)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(dice_state >> 33) % sides;
}

/* One member sends whatever it likes: nothing is answered by it. */
static void random_bytes_from_a_liar(void)
{
	struct client_core_options options = { .timeout_ms = 1000000, .retry_ms = 1000000 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "op", 1);
	tick();
	dice_state = 3;
	for (int i = 0; i < 200000; i++) {
		struct word x = word_done(0x70001, 1, 5, 'a');
		x.late = dice(2);
		uint8_t frame[512];
		size_t n = frame_of(&x, frame, sizeof frame);
		for (uint32_t k = dice(4); k > 0; k--)
			frame[dice((uint32_t)n)] = (uint8_t)dice(256);
		if (dice(4) == 0)
			frame[3] = (uint8_t)dice(12);
		client_core_frame(bed->core, 3, frame, n - dice(3));
		CU_ASSERT_FATAL(bed->got_count == 0);
	}
	CU_ASSERT(client_core_leader(bed->core) == 0);
	bed_end();
}

/* ---- the end ---- */

static void stopped(void)
{
	struct client_core_options options = { .bundles_max = 1 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "sent", 1);
	submit(s, "waits", 2);
	tick();
	struct client_session *opening = client_session_open(bed->core, on_answer, nth(3));
	submit(opening, "waits too", 4);
	client_core_stop(bed->core);
	CU_ASSERT_FATAL(bed->got_count == 4);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(bed->got[i].error == (bed->got[i].tag == 1 ? QUORATE_UNKNOWN : QUORATE_FAILED));
	CU_ASSERT(client_session_submit(s, "x", 1, on_answer, NULL) == QUORATE_FAILED);
	CU_ASSERT_PTR_NULL(client_session_open(bed->core, on_answer, NULL));
	CU_ASSERT(client_core_ask(bed->core, 1, 0, on_report, NULL) == QUORATE_FAILED);
	CU_ASSERT(client_core_deadline(bed->core) == UINT64_MAX);
	client_session_close(s);
	tick();
	client_core_stop(bed->core);
	CU_ASSERT(bed->got_count == 4);
	bed_end();
}

static void destroyed_in_the_middle(void)
{
	struct client_core_options options = { .bundles_max = 1, .timeout_ms = 500 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "unknown", 1);
	run_to(bed->now + 500);
	submit(s, "sent", 2);
	submit(s, "waits", 3);
	tick();
	client_session_close(client_session_open(bed->core, on_answer, nth(4)));
	client_session_open(bed->core, on_answer, nth(5));
	client_core_ask(bed->core, 1, 0, on_report, NULL);
	client_session_close(s);
	bed->got_count = 0;
	client_core_destroy(bed->core);
	bed->core = NULL;
	CU_ASSERT(bed->got_count == 0 && bed->silences == 0);
	bed_end();
}

/* ---- everything at once ---- */

#define MONKEYS 12
struct monkey {
	struct client_session *at[MONKEYS];
	uint32_t owed; /* answers that must still come */
} monkey;

static void monkey_answer(void *user, const struct quorate_answer *a);

static void monkey_submit(uint32_t i)
{
	static const struct quorate_op three[3] = { { "x", 1 }, { "yy", 2 }, { "", 0 } };
	struct client_session *s = monkey.at[i];
	uint64_t kept[CLIENT_KEPT_MAX];
	if (!s)
		return;
	uint32_t count = client_session_kept(s, kept);
	switch (dice(5)) {
	case 0: monkey.owed += client_session_submit_bundle(s, three, 3, monkey_answer, nth(i)) == QUORATE_OK ? 3 : 0; break;
	case 1: monkey.owed += client_session_snapshot(s, monkey_answer, nth(i)) == QUORATE_OK; break;
	case 2:
		/* Asked again it answers for each operation; which request it was is only known then. */
		if (count)
			client_session_ask_again(s, kept[dice(count)], NULL, NULL);
		break;
	default: monkey.owed += client_session_submit(s, "op", 2, monkey_answer, nth(i)) == QUORATE_OK; break;
	}
}

static void monkey_close(uint32_t i)
{
	if (monkey.at[i])
		client_session_close(monkey.at[i]);
	monkey.at[i] = NULL;
}

/* Callbacks do what they like. */
static void monkey_answer(void *user, const struct quorate_answer *a)
{
	uint32_t i = (uint32_t)(uintptr_t)user;
	(void)a;
	CU_ASSERT_FATAL(!bed->inside && monkey.owed > 0);
	monkey.owed--;
	if (dice(4) == 0)
		monkey_submit(dice(2) ? i : dice(MONKEYS));
	if (dice(40) == 0)
		monkey_close(i);
}

static void monkey_member_says(void)
{
	if (!bed->sent_count)
		return;
	const struct sent *o = &bed->sent[dice(bed->sent_count)];
	if (o->type != BFT_WIRE_BUNDLE)
		return;
	struct word x = { .late = dice(2), .view = dice(3), .session = o->b.session, .number = o->b.number, .seq = o->b.number + dice(8) / 7 };
	static const uint8_t values[] = { 1, 0, 0, 0, 'x', 1, 0, 0, 0, 'y', 1, 0, 0, 0, 'z' };
	uint32_t roll = dice(20);
	if (o->b.kind == BUNDLE_OPEN) {
		x = word_opened(o->b.number, o->b.number >> 8 | 1);
	} else if (o->b.kind == BUNDLE_OPS) {
		x.count = o->b.count;
		x.values = values;
		x.values_bytes = 5u * o->b.count;
		CU_ASSERT_FATAL(o->b.count <= 3);
	}
	if (roll == 0)
		x = word_status(o->b.session, o->b.number, (uint8_t)dice(RESULT_STATUS_END));
	uint32_t first = dice(4), count = 1 + dice(3);
	for (uint32_t i = 0; i < count; i++) {
		if (roll == 1)
			say_refused((first + i) % 4, o->b.session, o->b.number, (uint8_t)dice(REFUSAL_END));
		else
			say((first + i) % 4, &x);
	}
}

static void monkeys(void)
{
	struct client_core_options options = { .timeout_ms = 300, .retry_ms = 20, .bundle_ops = 2, .bundles_max = 3, .queue_max = 20 };
	for (uint32_t seed = 1; seed <= 20; seed++) {
		dice_state = seed;
		memset(&monkey, 0, sizeof monkey);
		bed_make(4, &options);
		for (int step = 0; step < 3000; step++) {
			uint32_t i = dice(MONKEYS);
			switch (dice(12)) {
			case 0: client_core_link(bed->core, dice(4), dice(3) > 0); break;
			case 1:
				if (!monkey.at[i]) {
					monkey.at[i] = client_session_open(bed->core, monkey_answer, nth(i));
					monkey.owed++;
				} else if (dice(20) == 0) {
					monkey_close(i);
				}
				break;
			case 2:
			case 3:
			case 4: monkey_submit(i); break;
			case 5: bed->deaf = dice(3) ? 0 : dice(16); break;
			case 6: run_to(bed->now + dice(60)); break;
			default: monkey_member_says(); break;
			}
			if (bed->sent_count > SENT_MAX - 700)
				forget_sent();
		}
		forget_sent();
		bed->deaf = 0xF;
		if (seed % 2) {
			client_core_stop(bed->core);
		} else {
			for (uint32_t i = 0; i < MONKEYS; i++)
				monkey_close(i);
			run_to(bed->now + 2000);
			CU_ASSERT(client_core_deadline(bed->core) == UINT64_MAX);
		}
		CU_ASSERT(monkey.owed == 0); /* each exactly once */
		bed_end();
	}
}

static void timers(void)
{
	struct client_timers t = { 0 };
	struct client_timer timer[200] = { 0 };
	dice_state = 5;
	for (int i = 0; i < 200; i++)
		CU_ASSERT_FATAL(client_timers_reserve(&t));
	CU_ASSERT(client_timers_next(&t) == UINT64_MAX && !client_timers_due(&t, UINT64_MAX));
	for (int round = 0; round < 20000; round++) {
		uint32_t i = dice(200);
		if (dice(3))
			client_timer_set(&t, &timer[i], dice(1000));
		else
			client_timer_clear(&t, &timer[i]);
		uint64_t first = UINT64_MAX;
		for (int k = 0; k < 200; k++)
			if (timer[k].place && timer[k].at_ms < first)
				first = timer[k].at_ms;
		CU_ASSERT_FATAL(client_timers_next(&t) == first);
	}
	uint64_t last = 0;
	struct client_timer *due;
	while ((due = client_timers_due(&t, 1000)) != NULL) {
		CU_ASSERT(due->at_ms >= last && due->place == 0);
		last = due->at_ms;
	}
	CU_ASSERT(t.count == 0);
	for (int i = 0; i < 200; i++)
		client_timers_release(&t);
	client_timers_free(&t);
}

/* ---- reads without ordering ---- */

static uint64_t read_nonce(void)
{
	uint64_t nonce = 0;
	for (uint32_t i = bed->sent_count; i-- > 0 && !nonce;)
		if (bed->sent[i].type == BFT_WIRE_READ) {
			struct rd r = rd_of(bed->sent[i].bytes + BFT_FRAME_HEAD_BYTES, bed->sent[i].n - BFT_FRAME_HEAD_BYTES);
			CU_ASSERT_FATAL(rd_u64(&r, &nonce));
		}
	return nonce;
}

static bool answer_read(uint32_t member, uint64_t nonce, uint64_t seq, const char *value)
{
	uint8_t frame[256];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_READ_ANSWER, .epoch = 1 };
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	wr_u64(&w, nonce);
	wr_u64(&w, seq);
	wr_bytes(&w, value, strlen(value));
	return client_core_frame(bed->core, member, frame, wr_done(&w));
}

static struct client_session *begin_read(void)
{
	bed_make(4, NULL);
	link_all();
	struct client_session *s = client_session_resume(bed->core, 9, 4);
	CU_ASSERT_FATAL(client_session_read(s, "r", 1, on_answer, (void *)7) == QUORATE_OK);
	return s;
}

static void q_equal_answers_are_a_read(void)
{
	begin_read();
	bft_mask asked;
	CU_ASSERT(count_sent(BFT_WIRE_READ, &asked) == 4 && asked == 15);
	uint64_t nonce = read_nonce();
	/* f+1 are not enough: two liars' worth of members must meet a writer's quorum. */
	CU_ASSERT(answer_read(0, nonce, 10, "new"));
	CU_ASSERT(answer_read(1, nonce, 11, "new"));
	CU_ASSERT(answer_read(1, nonce, 11, "new")); /* one voice each */
	CU_ASSERT(answer_read(2, nonce, 12, "old"));
	CU_ASSERT(answer_read(2, nonce, 12, "new")); /* and its first word counts */
	CU_ASSERT(bed->got_count == 0);
	CU_ASSERT(answer_read(3, nonce, 13, "new"));
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_OK && bed->got[0].value_bytes == 3 && memcmp(bed->got[0].value, "new", 3) == 0);
	CU_ASSERT(answer_read(0, nonce, 10, "new")); /* over: nothing */
	CU_ASSERT(bed->got_count == 1);
	bed_end();
}

static void a_read_that_cannot_agree_is_ordered(void)
{
	begin_read();
	uint64_t nonce = read_nonce();
	bft_mask to;
	CU_ASSERT(answer_read(0, nonce, 10, "a") && answer_read(1, nonce, 10, "b"));
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &to) == 0);
	CU_ASSERT(answer_read(2, nonce, 10, "c"));
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &to) > 0 && last_bundle()->b.number == 5 && bed->got_count == 0);
	bed_end();
}

static void a_read_that_is_late_is_ordered(void)
{
	begin_read();
	bft_mask to;
	CU_ASSERT(answer_read(0, read_nonce(), 10, "a") && answer_read(1, read_nonce(), 10, "a"));
	run_to(bed->now + 1000);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &to) > 0 && bed->got_count == 0);
	bed_end();
}

static void reads_that_nobody_answers_honestly(void)
{
	struct client_session *s = begin_read();
	uint8_t frame[BFT_FRAME_HEAD_BYTES + 16];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_READ_ANSWER, .epoch = 1 };
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	wr_u64(&w, read_nonce());
	for (size_t n = BFT_FRAME_HEAD_BYTES; n < sizeof frame; n++)
		CU_ASSERT(!client_core_frame(bed->core, 1, frame, n)); /* of every wrong length */
	CU_ASSERT(answer_read(1, read_nonce() + 1, 10, "x"));          /* of another read */
	CU_ASSERT(client_session_read(s, "", 0, on_answer, NULL) == QUORATE_USAGE);
	/* A closed session's read ends, and never within the call. */
	bed->inside = true;
	client_session_close(s);
	bed->inside = false;
	run_to(bed->now + 10);
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_FAILED);
	bed_end();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "q equal answers are a read", q_equal_answers_are_a_read },
		{ "a read that cannot agree is ordered", a_read_that_cannot_agree_is_ordered },
		{ "a read that is late is ordered", a_read_that_is_late_is_ordered },
		{ "reads that nobody answers honestly", reads_that_nobody_answers_honestly },
		{ "one answer from f+1", one_answer_from_enough },
		{ "f liars cannot make one", liars_cannot_make_one },
		{ "what must be the same", what_must_be_the_same },
		{ "another request under its number", another_request_under_its_number },
		{ "one voice each, which may change", one_voice_each },
		{ "opinions and views", opinions },
		{ "counts that are wrong", counts_that_are_wrong },
		{ "large results", large_results },
		{ "the leader, then all, then again", retries },
		{ "the leader is who f+1 say", the_leader_is_who_enough_say },
		{ "links that come back", links_that_come_back },
		{ "time is over", time_is_over },
		{ "time that passed unseen", time_that_passed_unseen },
		{ "asked again: the same bytes", asked_again },
		{ "asked again: opinions begin anew", asked_again_from_nothing },
		{ "what is kept is bounded", what_is_kept_is_bounded },
		{ "what waits shares a signature", what_waits_shares_a_signature },
		{ "bundles have a size", bundles_have_a_size },
		{ "the queue is bounded", the_queue_is_bounded },
		{ "the session's window", the_window },
		{ "a tick is bounded", a_tick_is_bounded },
		{ "statuses", statuses },
		{ "refused by f+1", refused_by_enough },
		{ "a session opens", a_session_opens },
		{ "a session does not open", a_session_does_not_open },
		{ "an evicted session", an_evicted_session },
		{ "a session is resumed", a_session_is_resumed },
		{ "a session is closed", a_session_is_closed },
		{ "many sessions in an ATTACH", attaching_many },
		{ "reports", reports },
		{ "malformed frames", malformed_frames },
		{ "random bytes from a liar", random_bytes_from_a_liar },
		{ "stopped", stopped },
		{ "destroyed in the middle", destroyed_in_the_middle },
		{ "everything at once", monkeys },
		{ "timers", timers },
		{ 0 },
	};
	return unit_main("client_core", cases);
}
