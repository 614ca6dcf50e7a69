/* Bare cores on a network of their own: see cores.h. */
#include "bft/messages.h"
#include "tests/sim/cores_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cores_fell(struct cores *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (!c->failure[0])
		vsnprintf(c->failure, sizeof c->failure, format, args);
	va_end(args);
}

static void results_of(struct digest *out, bft_seq seq)
{
	digest_of(out, DOMAIN_TEST, &seq, sizeof seq);
}

static void *grown(void *at, size_t had, size_t bytes)
{
	void *more = room(bytes);
	if (had)
		memcpy(more, at, had);
	free(at);
	return more;
}

/* ---- messages ---- */

static void push(struct cores *c, struct delivery d)
{
	if (c->count == QUEUE_MAX) {
		cores_fell(c, "more than %u messages are under way", QUEUE_MAX);
		return;
	}
	d.sent_ms = c->now;
	if (d.message)
		c->message[d.message - 1].flying++;
	c->queue[(c->head + c->count++) % QUEUE_MAX] = d;
}

static void landed(struct cores *c, const struct delivery *d)
{
	if (!d->message)
		return;
	struct message *m = &c->message[d->message - 1];
	if (--m->flying == 0 && m->bare)
		c->free[c->free_count++] = d->message;
}

static bft_ref message_place(struct cores *c)
{
	if (c->free_count)
		return c->free[--c->free_count];
	if (c->messages_count == MESSAGES_MAX) {
		cores_fell(c, "more than %u messages", MESSAGES_MAX);
		return 0;
	}
	if (c->messages_count == c->messages_most)
		c->messages_most++;
	return ++c->messages_count; /* the place behind it: 0 is none */
}

static bft_ref keep(struct cores *c, const struct place *p, uint16_t type, const void *body, size_t n)
{
	static uint8_t bytes[1 << 16];
	const struct bft_message_row *row = c->plan.protocol->message(type);
	bft_ref ref = message_place(c);
	if (!ref)
		return 0;
	struct message *m = &c->message[ref - 1];
	m->type = type;
	m->from = p->id;
	m->bare = row->bare;
	if (m->capacity < n) {
		free(m->body);
		m->body = room(n);
		m->capacity = n;
	}
	memcpy(m->body, body, n);
	if (type == BFT_MSG_VOTES)
		votes_digest_of(&m->digest, m->body);
	else if (!m->bare)
		message_digest(&m->digest, row->domain, type, bytes, c->plan.protocol->encode(type, m->body, bytes, sizeof bytes));
	return ref;
}

/* To every place that hears this one and has one of the keys; its own copy comes back through the door. */
static void send(struct cores *c, struct place *p, bft_mask to, bft_ref ref, bool own)
{
	uint8_t from = index_of(c, p);
	uint32_t flying = c->count;
	for (uint8_t i = 0; ref && i < c->plan.places; i++) {
		bool self = i == from;
		if (!(to & BFT_BIT(c->place[i].id)) || !hears(c, from, i) || (self ? !own : c->place[i].id == p->id))
			continue;
		push(c, (struct delivery){ .to = i, .from = from, .message = ref });
	}
	if (ref && c->count == flying && own && c->message[ref - 1].bare)
		c->free[c->free_count++] = ref; /* nobody hears it */
}

/* The driver's part: from the log, up to the next checkpoint that is stable here. No log is ever cut. */
static void show_chain(struct cores *c, struct place *p, const struct message *asked)
{
	const struct bft_fetch_chain *ask = asked->body;
	uint32_t k = c->limits.checkpoint_every;
	struct bft_chain *m = room(sizeof *m);
	struct bft_standing s;
	c->plan.protocol->standing(p->core, &s);
	m->from = ask->from;
	m->end = (ask->from + k - 1) / k * k;
	m->count = (uint16_t)(m->end - m->from + 1);
	if (ask->from && m->end <= s.low && m->end <= p->executed) {
		m->chain = p->chain[m->end];
		for (bft_seq seq = m->from; seq <= m->end; seq++) {
			m->entry[seq - m->from].proposal = p->decided[seq];
			results_of(&m->entry[seq - m->from].results, seq);
		}
		send(c, p, BFT_BIT(asked->from), keep(c, p, BFT_MSG_CHAIN, m, sizeof *m), false);
	}
	free(m);
}

static void hand_on(struct cores *c, const struct place *p, const struct bft_effect *e)
{
	for (uint32_t r = 0; r < c->requests_count; r++)
		for (uint8_t i = 0; i < c->plan.places; i++)
			if (digest_equal(&c->request[r].digest, &e->digest) && (e->to & BFT_BIT(c->place[i].id)) && hears(c, index_of(c, p), i))
				push(c, (struct delivery){ .to = i, .from = index_of(c, p), .request = r });
}

/* ---- proposals ---- */

struct proposal *cores_proposal_of(const struct cores *c, const struct digest *digest)
{
	for (uint32_t i = c->proposals_count; i--;)
		if (digest_equal(&c->proposal[i].digest, digest))
			return (struct proposal *)&c->proposal[i];
	return NULL;
}

static void pool(struct cores *c, const struct place *p, const struct bft_effect *e)
{
	struct bft_proposal body;
	struct proposal *x = cores_proposal_of(c, &e->digest);
	if (!x && c->proposals_count == PROPOSALS_MAX) {
		cores_fell(c, "more than %u proposals", PROPOSALS_MAX);
		return;
	}
	if (!x) {
		x = &c->proposal[c->proposals_count++];
		*x = (struct proposal){ .digest = e->digest };
		if (!proposal_decode(&body, e->data, e->data_bytes, c->limits.proposal_bundles_max)) {
			cores_fell(c, "a proposal does not decode");
			return;
		}
		x->time_ms = body.time_ms;
		for (uint16_t k = 0; k < body.count; k++)
			for (uint32_t r = 0; r < c->requests_count; r++)
				if (memcmp(body.digests + k * DIGEST_BYTES, c->request[r].digest.b, DIGEST_BYTES) == 0)
					x->ends[x->ends_count++] = c->request[r].id;
	}
	x->held_by |= 1u << index_of(c, p);
}

static uint32_t heard_by(const struct cores *c, const struct place *p)
{
	uint32_t places = 0;
	for (uint8_t i = 0; i < c->plan.places; i++)
		places |= c->place[i].up && hears(c, i, index_of(c, p)) && hears(c, index_of(c, p), i) ? 1u << i : 0;
	return places;
}

/* One standing order that somebody in reach can fill. */
static bool fill_one(struct cores *c, struct place *p)
{
	for (uint32_t i = 0; i < p->fetch_count; i++) {
		struct proposal *x = cores_proposal_of(c, &p->fetch[i]);
		if (!x || !(x->held_by & heard_by(c, p)))
			continue;
		struct bft_event e = { .kind = BFT_EV_HELD, .digest = x->digest, .time_ms = x->time_ms, .ok = true };
		x->held_by |= 1u << index_of(c, p);
		p->fetch[i] = p->fetch[--p->fetch_count];
		cores_step(c, p, &e);
		return true;
	}
	return false;
}

static void order(struct cores *c, struct place *p, const struct digest *digest)
{
	for (uint32_t i = 0; i < p->fetch_count; i++)
		if (digest_equal(&p->fetch[i], digest))
			return;
	if (p->fetch_count == FETCHES_MAX)
		cores_fell(c, "more than %u bodies are fetched", FETCHES_MAX);
	else
		p->fetch[p->fetch_count++] = *digest;
}

static void forget(struct place *p, const struct digest *digest)
{
	for (uint32_t i = 0; i < p->fetch_count; i++)
		if (digest_equal(&p->fetch[i], digest))
			p->fetch[i--] = p->fetch[--p->fetch_count];
}

/* ---- execution ---- */

/* Agreement: what one honest core executes at a sequence, all do. */
static void decided(struct cores *c, struct place *p, bft_seq seq, const struct digest *digest)
{
	p->decided[seq] = *digest;
	if (!honest(c, p))
		return;
	c->counts.executed++;
	if (digest_is_zero(&c->decided[seq]))
		c->decided[seq] = *digest;
	else if (!digest_equal(&c->decided[seq], digest))
		cores_fell(c, "agreement: member %u executes another proposal at %llu", p->id, (unsigned long long)seq);
}

static void execute_one(struct cores *c, struct place *p)
{
	uint32_t first = p->executing_first++ % SEQ_MAX;
	bft_seq seq = p->executing[first];
	struct digest digest = p->executing_digest[first], results;
	struct proposal *x = cores_proposal_of(c, &digest);
	p->executing_count--;
	decided(c, p, seq, &digest);
	results_of(&results, seq);
	chain_next(&p->chain[seq], &p->chain[seq - 1], seq, &digest, &results);
	p->executed = seq;
	struct bft_event e = { .kind = BFT_EV_EXECUTED, .seq = seq, .digest = p->chain[seq], .root = results };
	if (x) {
		e.data = x->ends;
		e.data_count = x->ends_count;
		for (uint32_t i = 0; i < x->ends_count; i++)
			p->done |= 1u << (x->ends[i].number - 1);
	}
	cores_step(c, p, &e);
}

static void executes(struct cores *c, struct place *p, const struct bft_effect *e)
{
	if (e->seq >= SEQ_MAX || p->executing_count == SEQ_MAX) {
		cores_fell(c, "more than %u sequences", SEQ_MAX);
		return;
	}
	uint32_t at = (p->executing_first + p->executing_count++) % SEQ_MAX;
	p->executing[at] = e->seq;
	p->executing_digest[at] = e->digest;
}

/* ---- steps ---- */

/* Evidence is sound: nobody honest is refused as one who lies. */
static void blamed(struct cores *c, const struct place *p, const struct bft_effect *e)
{
	bool convicts = e->verdict == BFT_CONVICT;
	if (!honest(c, p))
		return;
	if (e->from != c->twinned)
		cores_fell(c, "evidence: member %u %s honest %u, for reason %u, by a message of type %u", p->id, convicts ? "convicts" : "rejects", e->from,
		           e->reason, e->ref ? c->message[e->ref - 1].type : 0);
	c->counts.convictions += convicts;
	c->counts.convicted |= convicts;
}

void cores_happen(struct cores *c, struct place *p, const struct bft_effect *e)
{
	if (c->watch.does)
		c->watch.does(c->watch.user, index_of(c, p), e);
	switch (e->kind) {
	case BFT_FX_SEND: send(c, p, e->to, keep(c, p, e->type, e->data, e->data_bytes), true); break;
	case BFT_FX_FORWARD: send(c, p, e->to, e->ref, false); break;
	case BFT_FX_BODY: pool(c, p, e); break;
	case BFT_FX_FETCH: order(c, p, &e->digest); break;
	case BFT_FX_FORGET: forget(p, &e->digest); break;
	case BFT_FX_REQUEST: hand_on(c, p, e); break;
	case BFT_FX_EXECUTE: executes(c, p, e); break;
	case BFT_FX_BLAME: blamed(c, p, e); break;
	case BFT_FX_HALT:
		if (honest(c, p))
			cores_fell(c, "member %u halts, for reason %u", p->id, e->reason);
		break;
	default: break;
	}
}

static void record(struct cores *c, struct place *p, const struct bft_effect *e)
{
	p->lsn = e->lsn;
	if (!c->plan.records)
		return;
	if (e->lsn > RECORDS_MAX) {
		cores_fell(c, "more than %u records", RECORDS_MAX);
		return;
	}
	if (e->lsn > p->records_room) {
		bft_lsn had = p->records_room;
		p->records_room = had ? had * 2 : 64;
		p->record = grown(p->record, had * sizeof *p->record, p->records_room * sizeof *p->record);
	}
	struct record *r = &p->record[e->lsn - 1];
	free(r->data);
	*r = (struct record){ .rtype = e->rtype, .data = room(c->plan.protocol->record_bytes), .bytes = e->data_bytes, .body = e->digest };
	memcpy(r->data, e->data, e->data_bytes);
}

static void wait_for_disk(struct cores *c, struct place *p, const struct bft_effect *e)
{
	if (p->waiting_count == WAITING_MAX) {
		cores_fell(c, "more than %u effects wait for a disk", WAITING_MAX);
		return;
	}
	if (p->waiting_count == p->waiting_room) {
		uint32_t had = p->waiting_room;
		p->waiting_room = had ? had * 2 : 64;
		p->waiting = grown(p->waiting, had * sizeof *p->waiting, p->waiting_room * sizeof *p->waiting);
	}
	struct bft_effect *w = &p->waiting[p->waiting_count++];
	*w = *e;
	if (!e->data)
		return;
	void *copy = room(e->data_bytes);
	w->data = memcpy(copy, e->data, e->data_bytes);
}

/* A disk that does not stand still is done before anybody looks: what waits for it happens in its order. */
static void take(struct cores *c, struct place *p, const struct bft_effect *e)
{
	if (e->kind == BFT_FX_PERSIST) {
		record(c, p, e);
		if (c->watch.does)
			c->watch.does(c->watch.user, index_of(c, p), e);
	} else if (p->stands && e->lsn > p->durable) {
		wait_for_disk(c, p, e);
	} else {
		cores_happen(c, p, e);
	}
}

static void durable(struct cores *c, struct place *p, bft_lsn lsn)
{
	if (lsn <= p->durable)
		return;
	p->durable = lsn;
	struct bft_event e = { .kind = BFT_EV_DURABLE, .lsn = lsn };
	cores_step(c, p, &e);
}

void cores_step(struct cores *c, struct place *p, const struct bft_event *e)
{
	static struct bft_effect effects[BFT_EFFECTS_MAX];
	static uint8_t arena[BFT_ARENA_BYTES];
	if (!p->up)
		return;
	c->out = (struct bft_effects){ .at = effects, .capacity = BFT_EFFECTS_MAX, .arena = arena, .arena_bytes = sizeof arena };
	c->counts.steps++;
	c->plan.protocol->step(p->core, e, &c->out);
	c->plan.protocol->check(p->core);
	if (c->watch.after)
		c->watch.after(c->watch.user, index_of(c, p));
	for (uint32_t i = 0; i < c->out.count; i++)
		take(c, p, &c->out.at[i]);
	if (!p->stands)
		durable(c, p, p->lsn);
}

void cores_take_request(struct cores *c, struct place *p, uint32_t r)
{
	struct bft_event e = { .kind = BFT_EV_REQUEST, .digest = c->request[r].digest, .bytes = 100, .id = c->request[r].id };
	if (!(p->done >> r & 1))
		cores_step(c, p, &e);
}

static struct cores_letter letter_of(const struct cores *c, const struct delivery *d)
{
	const struct message *m = d->message ? &c->message[d->message - 1] : NULL;
	return (struct cores_letter){
		.from = d->from, .to = d->to, .type = m ? m->type : 0, .body = m ? m->body : NULL, .request = d->request + 1, .sent_ms = d->sent_ms
	};
}

static void deliver(struct cores *c, const struct delivery *d)
{
	struct place *p = &c->place[d->to];
	if (c->watch.arrives && p->up) {
		struct cores_letter l = letter_of(c, d);
		c->watch.arrives(c->watch.user, &l);
	}
	if (!d->message) {
		cores_take_request(c, p, d->request);
		return;
	}
	const struct message *m = &c->message[d->message - 1];
	if (m->type == BFT_MSG_FETCH_CHAIN) {
		if (p->up)
			show_chain(c, p, m);
		return;
	}
	struct bft_vmsg v = { .wire = d->message, .from = m->from, .auth = BFT_AUTH_SIGNED, .type = m->type, .epoch = 1, .digest = m->digest, .body = m->body };
	struct bft_event e = { .kind = BFT_EV_MSG, .msg = &v };
	cores_step(c, p, &e);
}

static void arrive(struct cores *c, const struct delivery *d)
{
	if (hears(c, d->from, d->to))
		deliver(c, d);
	landed(c, d);
}

/* What each place does by itself: it executes, and its standing orders are filled. */
static bool turn(struct cores *c)
{
	bool moved = false;
	for (uint32_t i = 0; i < c->plan.places && !c->failure[0]; i++) {
		struct place *p = &c->place[i];
		while (p->executing_count && !c->failure[0])
			execute_one(c, p);
		while (fill_one(c, p) && !c->failure[0])
			moved = true;
	}
	return moved;
}

/* ---- time ---- */

static struct delivery pop(struct cores *c)
{
	struct delivery d = c->queue[c->head];
	c->head = (c->head + 1) % QUEUE_MAX;
	c->count--;
	return d;
}

bool cores_hop(struct cores *c)
{
	bool moved = c->count != 0;
	for (uint32_t n = c->count; n && !c->failure[0]; n--) {
		struct delivery d = pop(c);
		arrive(c, &d);
	}
	return turn(c) || moved;
}

void cores_settle(struct cores *c)
{
	while (cores_hop(c) && !c->failure[0])
		;
}

static void tick(struct cores *c, struct place *p)
{
	struct bft_standing s;
	struct bft_event e = { .kind = BFT_EV_TICK, .mono_ms = c->now, .wall_ms = WALL_MS + c->now };
	if (!p->up)
		return;
	cores_step(c, p, &e);
	c->plan.protocol->standing(p->core, &s);
	c->counts.views += s.view > p->view;
	p->view = s.view;
}

void cores_pass(struct cores *c, uint32_t ms)
{
	c->now += ms;
	for (uint32_t i = 0; i < c->plan.places; i++)
		tick(c, &c->place[i]);
	cores_settle(c);
}

static bool may_arrive(struct cores *c, const struct delivery *d)
{
	if (c->now < d->sent_ms + c->plan.latency_ms && d->from != d->to)
		return false;
	if (!c->watch.passes || d->from == d->to)
		return true;
	struct cores_letter l = letter_of(c, d);
	return c->watch.passes(c->watch.user, &l);
}

/* In the order in which they were sent, those that may; the others stay. */
static bool arrivals(struct cores *c)
{
	bool moved = false;
	for (uint32_t n = c->count; n && !c->failure[0]; n--) {
		struct delivery d = pop(c);
		if (may_arrive(c, &d)) {
			arrive(c, &d);
			moved = true;
		} else {
			c->queue[(c->head + c->count++) % QUEUE_MAX] = d;
		}
	}
	return moved;
}

void cores_run(struct cores *c, uint32_t ms)
{
	for (uint32_t k = 0; k < ms && !c->failure[0]; k++) {
		c->now++;
		for (uint32_t i = 0; i < c->plan.places; i++)
			tick(c, &c->place[i]);
		while ((arrivals(c) | turn(c)) && !c->failure[0])
			;
	}
}

/* ---- the network ---- */

static void link(struct cores *c, struct place *p, uint8_t member)
{
	bool up = false;
	for (uint8_t k = 0; k < c->plan.places; k++)
		up |= &c->place[k] != p && c->place[k].id == member && c->place[k].up && c->cell[k] == c->cell[index_of(c, p)];
	struct bft_event e = { .kind = BFT_EV_LINK, .from = member, .ok = up };
	if (member != p->id)
		cores_step(c, p, &e);
}

void cores_links(struct cores *c)
{
	for (uint32_t i = 0; i < c->plan.places; i++)
		for (uint8_t m = 0; m < c->plan.members; m++)
			link(c, &c->place[i], m);
}

void cores_cells(struct cores *c, const uint8_t *cell)
{
	memcpy(c->cell, cell, c->plan.places);
	cores_links(c);
}

void cores_deaf(struct cores *c, uint8_t from, uint8_t to, bool deaf)
{
	c->place[to].deaf_to = deaf ? c->place[to].deaf_to | 1u << from : c->place[to].deaf_to & ~(1u << from);
}
