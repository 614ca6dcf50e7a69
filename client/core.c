/* See client/core.h: the core's life, its frames and its ticks. */
#include "client/core_state.h"

#include <stdlib.h>

#define TIMEOUT_MS_DEFAULT 10000u
#define RETRY_MS_DEFAULT 150u
#define BUNDLES_DEFAULT 32u
#define QUEUE_DEFAULT 65536u
#define SHOWN_DEFAULT 48u

/* splitmix64: for jitter, where nobody gains by guessing. */
uint64_t client_random(struct client_core *c)
{
	uint64_t z = c->random += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint32_t or_default(uint32_t value, uint32_t standard)
{
	return value ? value : standard;
}

static void fill_defaults(struct client_core_options *o, uint32_t window)
{
	o->timeout_ms = or_default(o->timeout_ms, TIMEOUT_MS_DEFAULT);
	o->retry_ms = or_default(o->retry_ms, RETRY_MS_DEFAULT);
	o->bundle_ops = or_default(o->bundle_ops, 1);
	o->bundles_max = or_default(o->bundles_max, BUNDLES_DEFAULT);
	o->queue_max = or_default(o->queue_max, QUEUE_DEFAULT);
	o->shown = or_default(o->shown, SHOWN_DEFAULT);
	if (o->bundle_ops > BFT_BUNDLE_OPS_MAX)
		o->bundle_ops = BFT_BUNDLE_OPS_MAX;
	if (o->bundles_max > window)
		o->bundles_max = window;
}

struct client_core *client_core_create(const struct client_core_options *options)
{
	struct client_core *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->options = *options;
	c->window = options->genesis->limits.session_window;
	c->again = CLIENT_AGAIN_MAX * CLIENT_AGAIN_ANSWERS;
	fill_defaults(&c->options, c->window);
	client_epochs_begin(c);
	c->options.fill_random(c->options.user, &c->random, sizeof c->random);
	return c;
}

void client_core_destroy(struct client_core *c)
{
	if (!c)
		return;
	client_reads_end(c, false);
	while (c->sessions)
		client_session_free(c->sessions);
	client_questions_end(c, false);
	while (c->ended) {
		struct client_ending *e = c->ended;
		c->ended = e->next;
		if (e->is_request)
			client_request_free(c, (struct client_request *)e);
		else
			free(e);
	}
	client_timers_free(&c->timers);
	free(c->links);
	sign_wipe(&c->options.secret);
	free(c);
}

void client_core_time(struct client_core *c, uint64_t mono_ms, uint64_t wall_ms)
{
	if (mono_ms > c->mono_ms)
		c->mono_ms = mono_ms;
	c->wall_ms = wall_ms;
}

uint32_t client_core_leader(const struct client_core *c)
{
	return roster_leader(&c->roster, client_match_view(c->said, c->n, c->weak));
}

void client_changed(struct client_session *s)
{
	const struct client_core_options *o = &s->core->options;
	if (o->changed && !s->closing)
		o->changed(o->user, s);
}

/* ---- frames ---- */

void client_frame_head(struct wr *w, uint16_t type, const struct signature *signature)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type };
	if (signature)
		e.signature = *signature;
	envelope_write(w, &e);
}

bool client_send(struct client_core *c, uint32_t member, enum net_class class, const uint8_t *frame, size_t n)
{
	return (c->linked & BFT_BIT(member)) && c->options.send(c->options.user, member, class, frame, n);
}

void client_core_link(struct client_core *c, uint32_t member, bool up)
{
	BFT_CHECK(member < BFT_MEMBERS_MAX);
	if (!up) {
		c->linked &= ~BFT_BIT(member);
		return;
	}
	c->linked |= BFT_BIT(member);
	client_attach(c, member);
	client_requests_to(c, member);
	client_questions_to(c, member);
}

bool client_core_frame(struct client_core *c, uint32_t member, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	struct bft_envelope e;
	if (c->stopped || member >= c->n)
		return true;
	if (!envelope_read(&r, &e) || e.signer != BFT_SIGNER_CHANNEL)
		return false;
	client_epochs_heard(c, member, e.epoch);
	if (!roster_has(&c->roster, member))
		return client_core_stranger_frame(c, member, bytes, n); /* it has left, or is not known to have come */
	switch (e.type) {
	case BFT_WIRE_EPOCH: return client_on_epoch(c, member, r.at, rd_left(&r));
	case BFT_WIRE_REPLY: return client_on_reply(c, member, &e, false, r.at, rd_left(&r));
	case BFT_WIRE_REPLY_LATE: return client_on_reply(c, member, &e, true, r.at, rd_left(&r));
	case BFT_WIRE_REFUSED: return client_on_refused(c, member, r.at, rd_left(&r));
	case BFT_WIRE_READ_ANSWER: return client_on_read_answer(c, member, e.epoch, r.at, rd_left(&r));
	case BFT_WIRE_STANDING: return client_on_standing(c, member, r.at, rd_left(&r));
	case BFT_WIRE_VOICE: return client_on_voice(c, member, r.at, rd_left(&r));
	case BFT_WIRE_EVIDENCE: return client_on_evidence(c, member, r.at, rd_left(&r));
	default: return false;
	}
}

/* ---- ticks ---- */

static void run_timers(struct client_core *c)
{
	struct client_timer *t;
	while ((t = client_timers_due(&c->timers, c->mono_ms)) != NULL) {
		char *owner = (char *)t;
		switch (t->of) {
		case CLIENT_TIMER_REQUEST: client_request_due((struct client_request *)(void *)(owner - offsetof(struct client_request, timer))); break;
		case CLIENT_TIMER_SESSION: client_session_due((struct client_session *)(void *)(owner - offsetof(struct client_session, timer))); break;
		case CLIENT_TIMER_READ: client_read_due(t); break;
		case CLIENT_TIMER_ASK: client_question_due((struct client_question *)(void *)(owner - offsetof(struct client_question, timer))); break;
		}
	}
}

/* One after another, so that a busy session does not keep the others waiting. */
static void pump(struct client_core *c)
{
	uint32_t budget = CLIENT_TICK_BUNDLES;
	while (c->ready && budget) {
		struct client_session *s = c->ready;
		c->ready = s->ready_next;
		s->is_ready = false;
		client_session_pump(s, &budget);
	}
}

/* Only here: elsewhere a callback may have closed the session that is being worked on. */
static void reap(struct client_core *c)
{
	struct client_session *next;
	c->reap = false;
	for (struct client_session *s = c->sessions; s; s = next) {
		next = s->next;
		if (client_session_over(s))
			client_session_free(s);
	}
}

void client_core_tick(struct client_core *c, uint64_t mono_ms, uint64_t wall_ms)
{
	client_core_time(c, mono_ms, wall_ms);
	client_end_all(c);
	if (c->stopped)
		return;
	run_timers(c);
	client_epochs_tick(c);
	pump(c);
	if (c->reap)
		reap(c);
}

uint64_t client_core_deadline(const struct client_core *c)
{
	bool now = c->ended || (!c->stopped && (c->ready || c->reap));
	uint64_t timers = client_timers_next(&c->timers), epochs = client_epochs_deadline(c);
	return now ? c->mono_ms : c->stopped ? UINT64_MAX : timers < epochs ? timers : epochs;
}

/* ---- the end ---- */

static void end_session(struct client_session *s)
{
	static const char *const why = "the client was stopped";
	struct client_core *c = s->core;
	struct client_request *r;
	struct client_work *work;
	while ((r = s->flying.first) != NULL) {
		client_request_unfly(r);
		r->session = NULL;
		client_end_later(c, &r->ending, r->sent ? QUORATE_UNKNOWN : QUORATE_FAILED, why);
	}
	while ((work = client_session_take(s)) != NULL)
		client_end_later(c, &work->ending, QUORATE_FAILED, why);
	if (s->opening) {
		client_end_later(c, &s->opening->ending, QUORATE_FAILED, why);
		s->opening = NULL;
	}
}

void client_core_stop(struct client_core *c)
{
	c->stopped = true;
	for (struct client_session *s = c->sessions; s; s = s->next)
		end_session(s);
	while (c->ended)
		client_end_all(c);
	client_questions_end(c, true);
	client_reads_end(c, true);
}
