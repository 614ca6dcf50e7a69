/* Bare cores in rounds: see cores.h. */
#include "tests/sim/cores.h"

#include "bft/pbft/messages.h"
#include "bft/pbft/pbft.h"
#include "bft/proposal.h"
#include "bft/quorum.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 100u
#define TICK_MS 30u
#define ROUND_MS 240u
#define SEQ_MAX 128u
#define MESSAGES_MAX 16384u
#define PROPOSALS_MAX 1024u
#define REQUESTS_MAX 32u
#define FETCHES_MAX 64u
#define QUEUE_MAX 8192u
#define WALL_MS 1000000u

struct message {
	uint16_t type;
	uint8_t from; /* the member */
	struct digest digest;
	void *body;
	size_t capacity; /* it stays for the next scenario */
};

struct proposal {
	struct digest digest;
	uint64_t time_ms;
	struct bft_request_id ends[REQUESTS_MAX];
	uint32_t ends_count;
	uint32_t held_by; /* places */
};

struct request {
	struct digest digest;
	struct bft_request_id id;
};

/* What is on its way to one place: a message, or a request that another handed on. */
struct delivery {
	uint8_t to, from; /* places */
	enum bft_auth auth;
	bft_ref message; /* 0: a request */
	uint32_t request;
	bool own;
};

struct place {
	uint8_t id; /* the member whose key it has */
	struct bft_core *core;
	bft_lsn lsn;
	bft_seq executed, executing[SEQ_MAX];
	struct digest chain[SEQ_MAX], decided[SEQ_MAX], executing_digest[SEQ_MAX];
	uint32_t executing_first, executing_count;
	struct digest fetch[FETCHES_MAX];
	uint32_t fetch_count;
	uint32_t done; /* requests executed, a bit for each */
	bft_view view;
};

struct cores {
	struct bft_limits limits;
	struct digest cluster;
	struct place place[CORES_PLACES];
	uint8_t cell[CORES_PLACES], twinned;
	struct message message[MESSAGES_MAX];
	uint32_t messages_count;
	struct proposal proposal[PROPOSALS_MAX];
	uint32_t proposals_count;
	struct request request[REQUESTS_MAX];
	uint32_t requests_count;
	struct delivery queue[QUEUE_MAX];
	uint32_t head, count;
	struct bft_effects out;
	uint64_t now;
	struct digest decided[SEQ_MAX]; /* by the honest */
	struct cores_counts counts;
	char failure[200];
};

static void step(struct cores *c, struct place *p, const struct bft_event *e);

static void *room(size_t n)
{
	void *at = calloc(1, n);
	if (!at)
		abort();
	return at;
}

static bool honest(const struct cores *c, const struct place *p)
{
	return p->id != c->twinned;
}

__attribute__((format(printf, 2, 3))) static void fell(struct cores *c, const char *format, ...)
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

/* ---- messages ---- */

static void push(struct cores *c, struct delivery d)
{
	if (c->count == QUEUE_MAX)
		fell(c, "more than %u messages are under way", QUEUE_MAX);
	else
		c->queue[(c->head + c->count++) % QUEUE_MAX] = d;
}

static bft_ref keep(struct cores *c, const struct place *p, uint16_t type, const void *body, size_t n)
{
	static uint8_t bytes[1 << 16];
	if (c->messages_count == MESSAGES_MAX) {
		fell(c, "more than %u messages", MESSAGES_MAX);
		return 0;
	}
	struct message *m = &c->message[c->messages_count++];
	m->type = type;
	m->from = p->id;
	if (m->capacity < n) {
		free(m->body);
		m->body = room(n);
		m->capacity = n;
	}
	memcpy(m->body, body, n);
	if (type == PBFT_VOTES)
		votes_digest_of(&m->digest, m->body);
	else
		pbft_body_digest(&m->digest, type, bytes, bft_pbft.encode(type, m->body, bytes, sizeof bytes));
	return c->messages_count; /* the place behind it: 0 is none */
}

/* To every place in this one's cell that has one of the keys; its own copy comes back through the door. */
static void send(struct cores *c, struct place *p, bft_mask to, bft_ref ref, bool own)
{
	for (uint8_t i = 0; ref && i < CORES_PLACES; i++) {
		bool self = &c->place[i] == p;
		if (!(to & BFT_BIT(c->place[i].id)) || c->cell[i] != c->cell[p - c->place] || (self ? !own : c->place[i].id == p->id))
			continue;
		push(c, (struct delivery){ .to = i, .from = (uint8_t)(p - c->place), .auth = BFT_AUTH_SIGNED, .message = ref, .own = self });
	}
}

/* The driver's part: from the log, up to the next checkpoint that is stable here. No log is ever cut. */
static void show_chain(struct cores *c, struct place *p, const struct message *asked)
{
	const struct bft_fetch_chain *ask = asked->body;
	uint32_t k = c->limits.checkpoint_every;
	struct bft_chain *m = room(sizeof *m);
	struct bft_standing s;
	bft_pbft.standing(p->core, &s);
	m->from = ask->from;
	m->end = (ask->from + k - 1) / k * k;
	m->count = (uint16_t)(m->end - m->from + 1);
	if (ask->from && m->end <= s.low && m->end <= p->executed) {
		m->chain = p->chain[m->end];
		for (bft_seq seq = m->from; seq <= m->end; seq++) {
			m->entry[seq - m->from].proposal = p->decided[seq];
			results_of(&m->entry[seq - m->from].results, seq);
		}
		send(c, p, BFT_BIT(asked->from), keep(c, p, PBFT_CHAIN, m, sizeof *m), false);
	}
	free(m);
}

static void hand_on(struct cores *c, const struct place *p, const struct bft_effect *e)
{
	for (uint32_t r = 0; r < c->requests_count; r++)
		for (uint8_t i = 0; i < CORES_PLACES; i++)
			if (digest_equal(&c->request[r].digest, &e->digest) && (e->to & BFT_BIT(c->place[i].id)) && c->cell[i] == c->cell[p - c->place])
				push(c, (struct delivery){ .to = i, .from = (uint8_t)(p - c->place), .request = r });
}

/* ---- proposals ---- */

static struct proposal *proposal_of(struct cores *c, const struct digest *digest)
{
	for (uint32_t i = c->proposals_count; i--;)
		if (digest_equal(&c->proposal[i].digest, digest))
			return &c->proposal[i];
	return NULL;
}

static void pool(struct cores *c, const struct place *p, const struct bft_effect *e)
{
	struct bft_proposal body;
	struct proposal *x = proposal_of(c, &e->digest);
	if (!x && c->proposals_count == PROPOSALS_MAX) {
		fell(c, "more than %u proposals", PROPOSALS_MAX);
		return;
	}
	if (!x) {
		x = &c->proposal[c->proposals_count++];
		*x = (struct proposal){ .digest = e->digest };
		if (!proposal_decode(&body, e->data, e->data_bytes, c->limits.proposal_bundles_max)) {
			fell(c, "a proposal does not decode");
			return;
		}
		x->time_ms = body.time_ms;
		for (uint16_t k = 0; k < body.count; k++)
			for (uint32_t r = 0; r < c->requests_count; r++)
				if (memcmp(body.digests + k * DIGEST_BYTES, c->request[r].digest.b, DIGEST_BYTES) == 0)
					x->ends[x->ends_count++] = c->request[r].id;
	}
	x->held_by |= 1u << (p - c->place);
}

static uint32_t cell_of(const struct cores *c, const struct place *p)
{
	uint32_t places = 0;
	for (uint32_t i = 0; i < CORES_PLACES; i++)
		places |= c->cell[i] == c->cell[p - c->place] ? 1u << i : 0;
	return places;
}

/* One standing order that somebody in the cell can fill. */
static bool fill_one(struct cores *c, struct place *p)
{
	for (uint32_t i = 0; i < p->fetch_count; i++) {
		struct proposal *x = proposal_of(c, &p->fetch[i]);
		if (!x || !(x->held_by & cell_of(c, p)))
			continue;
		struct bft_event e = { .kind = BFT_EV_HELD, .digest = x->digest, .time_ms = x->time_ms, .ok = true };
		x->held_by |= 1u << (p - c->place);
		p->fetch[i] = p->fetch[--p->fetch_count];
		step(c, p, &e);
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
		fell(c, "more than %u bodies are fetched", FETCHES_MAX);
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
		fell(c, "agreement: member %u executes another proposal at %llu", p->id, (unsigned long long)seq);
}

static void execute_one(struct cores *c, struct place *p)
{
	uint32_t first = p->executing_first++ % SEQ_MAX;
	bft_seq seq = p->executing[first];
	struct digest digest = p->executing_digest[first], results;
	struct proposal *x = proposal_of(c, &digest);
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
	step(c, p, &e);
}

static void executes(struct cores *c, struct place *p, const struct bft_effect *e)
{
	if (e->seq >= SEQ_MAX || p->executing_count == SEQ_MAX) {
		fell(c, "more than %u sequences", SEQ_MAX);
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
		fell(c, "evidence: member %u %s honest %u, for reason %u, by a message of type %u", p->id, convicts ? "convicts" : "rejects", e->from,
		     e->reason, e->ref ? c->message[e->ref - 1].type : 0);
	c->counts.convictions += convicts;
	c->counts.convicted |= convicts;
}

static void take(struct cores *c, struct place *p, const struct bft_effect *e)
{
	switch (e->kind) {
	case BFT_FX_PERSIST: p->lsn = e->lsn; break;
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
			fell(c, "member %u halts, for reason %u", p->id, e->reason);
		break;
	default: break;
	}
}

static void step(struct cores *c, struct place *p, const struct bft_event *e)
{
	static struct bft_effect effects[BFT_EFFECTS_MAX];
	static uint8_t arena[BFT_ARENA_BYTES];
	c->out = (struct bft_effects){ .at = effects, .capacity = BFT_EFFECTS_MAX, .arena = arena, .arena_bytes = sizeof arena };
	bft_lsn before = p->lsn;
	c->counts.steps++;
	bft_pbft.step(p->core, e, &c->out);
	bft_pbft.check(p->core);
	for (uint32_t i = 0; i < c->out.count; i++)
		take(c, p, &c->out.at[i]);
	if (p->lsn == before)
		return;
	struct bft_event durable = { .kind = BFT_EV_DURABLE, .lsn = p->lsn };
	step(c, p, &durable);
}

static void request(struct cores *c, struct place *p, uint32_t r)
{
	struct bft_event e = { .kind = BFT_EV_REQUEST, .digest = c->request[r].digest, .bytes = 100, .id = c->request[r].id };
	if (!(p->done >> r & 1))
		step(c, p, &e);
}

static void deliver(struct cores *c, const struct delivery *d)
{
	struct place *p = &c->place[d->to];
	if (!d->message) {
		request(c, p, d->request);
		return;
	}
	const struct message *m = &c->message[d->message - 1];
	if (m->type == PBFT_FETCH_CHAIN) {
		show_chain(c, p, m);
		return;
	}
	struct bft_vmsg v = { .wire = d->message, .from = m->from, .auth = d->auth, .type = m->type, .epoch = 1, .digest = m->digest, .body = m->body };
	struct bft_event e = { .kind = BFT_EV_MSG, .msg = &v };
	step(c, p, &e);
}

/* What each place does by itself: it executes, and its standing orders are filled. */
static bool turn(struct cores *c)
{
	bool moved = false;
	for (uint32_t i = 0; i < CORES_PLACES && !c->failure[0]; i++) {
		struct place *p = &c->place[i];
		while (p->executing_count && !c->failure[0])
			execute_one(c, p);
		while (fill_one(c, p) && !c->failure[0])
			moved = true;
	}
	return moved;
}

/* All that is under way arrives, and what that causes is under way. What was sent to a place that is cut off by now is lost. */
static bool hop(struct cores *c)
{
	bool moved = c->count != 0;
	for (uint32_t n = c->count; n && !c->failure[0]; n--) {
		struct delivery d = c->queue[c->head];
		c->head = (c->head + 1) % QUEUE_MAX;
		c->count--;
		if (c->cell[d.to] == c->cell[d.from])
			deliver(c, &d);
	}
	return turn(c) || moved;
}

/* Until nothing moves any more. */
static void settle(struct cores *c)
{
	while (hop(c) && !c->failure[0])
		;
}

static void pass(struct cores *c, uint32_t ms)
{
	c->now += ms;
	for (uint32_t i = 0; i < CORES_PLACES; i++) {
		struct bft_standing s;
		struct bft_event e = { .kind = BFT_EV_TICK, .mono_ms = c->now, .wall_ms = WALL_MS + c->now };
		step(c, &c->place[i], &e);
		bft_pbft.standing(c->place[i].core, &s);
		c->counts.views += s.view > c->place[i].view;
		c->place[i].view = s.view;
	}
	settle(c);
}

/* ---- rounds ---- */

static void links(struct cores *c)
{
	for (uint32_t i = 0; i < CORES_PLACES; i++)
		for (uint8_t m = 0; m < CORES_MEMBERS; m++) {
			bool up = false;
			for (uint32_t k = 0; k < CORES_PLACES; k++)
				up |= k != i && c->place[k].id == m && c->cell[k] == c->cell[i];
			struct bft_event e = { .kind = BFT_EV_LINK, .from = m, .ok = up };
			if (m != c->place[i].id)
				step(c, &c->place[i], &e);
		}
}

static void ask(struct cores *c)
{
	uint32_t first = c->requests_count;
	for (uint32_t k = 0; k < 2 && c->requests_count < REQUESTS_MAX; k++) {
		struct request *r = &c->request[c->requests_count++];
		r->id = (struct bft_request_id){ .session = 1, .number = c->requests_count };
		digest_of(&r->digest, DOMAIN_TEST, &r->id, sizeof r->id);
	}
	for (uint32_t i = 0; i < CORES_PLACES; i++)
		for (uint32_t k = first; k < c->requests_count; k++)
			request(c, &c->place[i], i % 2 ? k : c->requests_count - 1 - (k - first));
}

void cores_round(struct cores *c, const uint8_t cell[CORES_PLACES], uint32_t hops)
{
	memcpy(c->cell, cell, sizeof c->cell);
	links(c);
	ask(c);
	if (hops) {
		while (hops-- && !c->failure[0])
			hop(c);
		return;
	}
	settle(c);
	for (uint32_t ms = 0; ms < ROUND_MS && !c->failure[0]; ms += TICK_MS)
		pass(c, TICK_MS);
}

static bool all_done(const struct cores *c)
{
	const struct place *first = NULL;
	for (uint32_t i = 0; i < CORES_PLACES; i++) {
		const struct place *p = &c->place[i];
		if (!honest(c, p))
			continue;
		first = first ? first : p;
		if (p->done != (uint32_t)((1ull << c->requests_count) - 1) || p->executed != first->executed)
			return false;
	}
	return true;
}

bool cores_heal(struct cores *c, uint32_t ms)
{
	static const uint8_t together[CORES_PLACES];
	memcpy(c->cell, together, sizeof c->cell);
	links(c);
	settle(c);
	for (uint32_t passed = 0; passed < ms && !c->failure[0] && !all_done(c); passed += TICK_MS)
		pass(c, TICK_MS);
	return all_done(c);
}

/* ---- life ---- */

struct cores *cores_create(void)
{
	struct cores *c = room(sizeof *c);
	c->limits = (struct bft_limits){ .members = CORES_MEMBERS,
		                         .window = 8,
		                         .checkpoint_every = 4,
		                         .proposal_bytes_max = 1000,
		                         .proposal_bundles_max = 1,
		                         .drift_ms = 100000,
		                         .request_timeout_ms = TIMEOUT_MS,
		                         .requests_max = 64,
		                         .executing_max = 8 };
	digest_of(&c->cluster, DOMAIN_TEST, "twins", 5);
	for (uint32_t i = 0; i < CORES_PLACES; i++)
		c->place[i].core = room(bft_pbft.bytes(&c->limits));
	return c;
}

void cores_begin(struct cores *c, uint8_t twinned)
{
	c->messages_count = 0;
	c->proposals_count = c->requests_count = c->head = c->count = 0;
	c->twinned = twinned;
	c->now = 1000;
	c->failure[0] = 0;
	memset(c->decided, 0, sizeof c->decided);
	memset(c->cell, 0, sizeof c->cell);
	c->counts = (struct cores_counts){ 0 };
	for (uint32_t i = 0; i < CORES_PLACES; i++) {
		struct bft_core *core = c->place[i].core;
		struct bft_event tick = { .kind = BFT_EV_TICK, .mono_ms = c->now, .wall_ms = WALL_MS + c->now };
		struct bft_event start = { .kind = BFT_EV_START, .digest = c->cluster, .recovery = BFT_RECOVERY_WHOLE, .ok = true };
		c->place[i] = (struct place){ .id = i == CORES_TWIN ? twinned : (uint8_t)i, .core = core };
		c->place[i].chain[0] = c->cluster;
		bft_pbft.init(core, &c->limits, &c->cluster, 1, c->place[i].id);
		step(c, &c->place[i], &tick);
		step(c, &c->place[i], &start);
	}
	settle(c);
}

void cores_destroy(struct cores *c)
{
	for (uint32_t i = 0; i < MESSAGES_MAX; i++)
		free(c->message[i].body);
	for (uint32_t i = 0; i < CORES_PLACES; i++)
		free(c->place[i].core);
	free(c);
}

const char *cores_failure(const struct cores *c)
{
	return c->failure[0] ? c->failure : NULL;
}

void cores_counts(const struct cores *c, struct cores_counts *out)
{
	*out = c->counts;
}
