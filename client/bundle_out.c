/* What waits becomes a bundle: as many operations as may share one, in the order in which they were submitted. */
#include "client/core_state.h"

#include <stdlib.h>

/* How much of what waits goes into the next bundle. */
struct load {
	uint32_t works, ops;
	size_t bytes;
};

static struct load load_next(const struct client_session *s)
{
	const struct client_work *w = s->waiting;
	struct load l = { 1, w->count, w->n };
	bool shares = w->kind == BUNDLE_OPS && !w->alone;
	while (shares && (w = w->next) != NULL && w->kind == BUNDLE_OPS && !w->alone) {
		if (l.ops + w->count > s->core->options.bundle_ops || l.bytes + w->n > BFT_BUNDLE_BYTES_MAX - BUNDLE_HEAD_BYTES)
			break;
		l.works++;
		l.ops += w->count;
		l.bytes += w->n;
	}
	return l;
}

static struct client_request *allocate(struct client_session *s, uint32_t parts, size_t ops_bytes, bool receipt)
{
	struct client_core *c = s->core;
	if (!client_timers_reserve(&c->timers))
		return NULL;
	struct client_request *r = calloc(1, sizeof *r + c->n * sizeof r->opinion[0]);
	if (r) {
		r->frame_n = BFT_FRAME_HEAD_BYTES + BUNDLE_HEAD_BYTES + ops_bytes;
		r->frame = malloc(r->frame_n);
		r->parts = calloc(parts ? parts : 1, sizeof *r->parts);
		r->collection = receipt ? client_collection_create(c->n) : NULL;
	}
	if (!r || !r->frame || !r->parts || (receipt && !r->collection)) {
		if (r) {
			client_collection_free(r->collection);
			free(r->frame);
			free(r->parts);
		}
		free(r);
		client_timers_release(&c->timers);
		return NULL;
	}
	r->ending.is_request = true;
	r->timer.of = CLIENT_TIMER_REQUEST;
	r->session = s;
	r->rows = c->n;
	return r;
}

/* The operations already stand behind the head; `b` names none. */
static void write_head(const struct client_request *r, const struct bundle *b)
{
	size_t n = bundle_encode(b, r->frame + BFT_FRAME_HEAD_BYTES, BUNDLE_HEAD_BYTES);
	BFT_CHECK(n == BUNDLE_HEAD_BYTES);
}

static void write_envelope(struct client_request *r, const struct signature *signature)
{
	struct wr w = wr_of(r->frame, BFT_FRAME_HEAD_BYTES);
	client_frame_head(&w, BFT_WIRE_BUNDLE, signature);
	BFT_CHECK(wr_done(&w) == BFT_FRAME_HEAD_BYTES);
}

void client_request_sign(struct client_request *r)
{
	const struct client_core_options *o = &r->session->core->options;
	struct statement statement;
	struct signature signature;
	if (r->signed_)
		return;
	r->signed_ = true;
	bundle_statement(&statement, &o->cluster, &r->digest);
	o->scheme->sign(&signature, &statement, &o->secret);
	write_envelope(r, &signature);
}

/* Signs, if that is asked for or a receipt is wanted, and sends. The fields of `r` that name it are set. */
static void go(struct client_request *r)
{
	struct client_core *c = r->session->core;
	struct bundle b = {
		.key = c->options.key, .kind = r->kind, .session = r->session_id, .number = r->number, .reply_mask = ~(uint64_t)0, .count = r->count
	};
	write_head(r, &b);
	bundle_digest(&r->digest, r->frame + BFT_FRAME_HEAD_BYTES, r->frame_n - BFT_FRAME_HEAD_BYTES);
	write_envelope(r, NULL);
	if (client_signs_requests(c) || r->collection)
		client_request_sign(r);
	if (client_signs_requests(c) && client_random(c) % c->options.shown == 0)
		r->to_all = true; /* backups judge a leader by what they know of */
	client_request_fly(r);
	client_request_send(r);
}

/* ---- an opening ---- */

static uint64_t fresh_number(struct client_core *c)
{
	uint64_t number = 0;
	while (!number || client_request_find(c, 0, number))
		c->options.fill_random(c->options.user, &number, sizeof number);
	return number;
}

static void go_opening(struct client_session *s)
{
	struct client_core *c = s->core;
	struct client_request *r = allocate(s, 0, 12, false);
	if (!r) {
		client_session_die(s, QUORATE_FAILED, "no memory for the session's opening");
		return;
	}
	struct wr w = wr_of(r->frame + BFT_FRAME_HEAD_BYTES + BUNDLE_HEAD_BYTES, 12);
	wr_u32(&w, 8);
	wr_u64(&w, c->wall_ms + CLIENT_VOID_MS);
	r->kind = BUNDLE_OPEN;
	r->count = 1;
	r->number = fresh_number(c);
	r->ends_ms = s->opening ? s->opening->ends_ms : c->mono_ms + c->options.timeout_ms;
	r->to_all = true;
	go(r);
}

/* ---- what waits ---- */

static void fill(struct client_request *r, const struct load *l)
{
	struct client_session *s = r->session;
	uint8_t *at = r->frame + BFT_FRAME_HEAD_BYTES + BUNDLE_HEAD_BYTES;
	r->kind = s->waiting->kind;
	r->count = (uint16_t)l->ops;
	r->ends_ms = s->waiting->ends_ms;
	r->session_id = s->id;
	r->number = ++s->number;
	for (uint32_t i = 0; i < l->works; i++) {
		struct client_work *w = client_session_take(s);
		if (w->n)
			memcpy(at, w->bytes, w->n);
		at += w->n;
		r->parts[r->parts_count++] = (struct client_part){ .calls = (uint16_t)client_work_ops(w), .done = w->done, .user = w->user };
		free(w);
	}
}

/* A number takes the place that another had in the session's record, one window ago: not before that one is answered. */
static bool may_go(const struct client_session *s)
{
	struct client_core *c = s->core;
	uint64_t number = s->number + 1;
	if (!s->waiting || s->flying.count >= c->options.bundles_max)
		return false;
	return number <= c->window || !client_request_find(c, s->id, number - c->window);
}

static void pump_open(struct client_session *s, uint32_t *budget)
{
	bool any = false;
	while (*budget && may_go(s)) {
		struct load l = load_next(s);
		struct client_request *r = allocate(s, l.works, l.bytes, s->waiting->receipt);
		if (!r) {
			struct client_work *w = client_session_take(s);
			client_end_later(s->core, &w->ending, QUORATE_FAILED, "no memory to send it");
			continue;
		}
		fill(r, &l);
		if (!any)
			client_changed(s);
		any = true;
		--*budget;
		go(r);
	}
	if (any)
		client_changed(s);
	if (!*budget && may_go(s))
		client_session_ready(s);
}

static void pump_dead(struct client_session *s)
{
	struct client_work *w;
	while ((w = client_session_take(s)) != NULL)
		client_end_later(s->core, &w->ending, s->error, s->reason);
	client_changed(s);
}

void client_session_pump(struct client_session *s, uint32_t *budget)
{
	if (s->state == CLIENT_SESSION_OPENING) {
		if (!s->flying.count)
			go_opening(s);
		return;
	}
	if (s->attach)
		client_attach_one(s);
	if (s->state == CLIENT_SESSION_OPEN)
		pump_open(s, budget);
	else
		pump_dead(s);
}
