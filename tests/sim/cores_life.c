/* What is done to bare cores, and what is to be seen of them: see cores.h. */
#include "bft/records.h"
#include "tests/sim/cores_inside.h"

#include <stdio.h>
#include <string.h>

/* ---- what is done to a place ---- */

uint32_t cores_request(struct cores *c)
{
	if (c->requests_count == REQUESTS_MAX) {
		cores_fell(c, "more than %u requests", REQUESTS_MAX);
		return REQUESTS_MAX;
	}
	struct request *r = &c->request[c->requests_count++];
	r->id = (struct bft_request_id){ .session = 1, .number = c->requests_count };
	digest_of(&r->digest, DOMAIN_TEST, &r->id, sizeof r->id);
	return c->requests_count;
}

void cores_ask(struct cores *c, uint8_t place, uint32_t number)
{
	cores_take_request(c, &c->place[place], number - 1);
}

void cores_event(struct cores *c, uint8_t place, const struct bft_event *e)
{
	cores_step(c, &c->place[place], e);
}

void cores_read(struct cores *c, uint8_t place, uint64_t id)
{
	struct bft_event e = { .kind = BFT_EV_READ, .id = { .number = id } };
	cores_step(c, &c->place[place], &e);
}

void cores_say(struct cores *c, uint8_t from, uint8_t to, uint16_t type, const void *body)
{
	struct bft_vmsg v = { .wire = MESSAGES_MAX, .from = c->place[from].id, .auth = BFT_AUTH_SIGNED, .type = type, .epoch = 1, .body = body };
	struct bft_event e = { .kind = BFT_EV_MSG, .msg = &v };
	const struct cores_letter l = { .from = from, .to = to, .type = type, .body = body, .sent_ms = c->now };
	if (c->watch.arrives && c->place[to].up)
		c->watch.arrives(c->watch.user, &l);
	cores_step(c, &c->place[to], &e);
}

void cores_disk(struct cores *c, uint8_t place, bool stands)
{
	c->place[place].stands = stands;
	if (!stands)
		cores_flush(c, place, c->place[place].lsn);
}

/* What waited for it happens first, as in a driver; then the core is told. */
void cores_flush(struct cores *c, uint8_t place, bft_lsn lsn)
{
	struct place *p = &c->place[place];
	uint32_t kept = 0, count = p->waiting_count;
	if (lsn <= p->durable)
		return;
	p->durable = lsn;
	for (uint32_t i = 0; i < count; i++) {
		struct bft_effect e = p->waiting[i];
		if (e.lsn > lsn) {
			p->waiting[kept++] = e;
			continue;
		}
		cores_happen(c, p, &e);
		free((void *)(uintptr_t)e.data);
	}
	p->waiting_count = kept;
	struct bft_event e = { .kind = BFT_EV_DURABLE, .lsn = lsn };
	cores_step(c, p, &e);
}

static void no_longer_waits(struct place *p)
{
	for (uint32_t i = 0; i < p->waiting_count; i++)
		free((void *)(uintptr_t)p->waiting[i].data);
	p->waiting_count = 0;
}

void cores_kill(struct cores *c, uint8_t place)
{
	struct place *p = &c->place[place];
	p->up = false;
	p->lsn = p->durable;
	p->executing_count = p->fetch_count = 0;
	no_longer_waits(p);
	for (uint32_t i = 0; i < c->proposals_count; i++) {
		c->proposal[i].held_by &= ~(1u << place);
		for (bft_lsn k = 0; k < p->lsn; k++)
			c->proposal[i].held_by |= digest_equal(&p->record[k].body, &c->proposal[i].digest) ? 1u << place : 0;
	}
	cores_links(c);
}

static bft_seq executed_on_disk(const struct place *p)
{
	bft_seq executed = 0;
	for (bft_lsn k = 0; k < p->lsn; k++) {
		const struct bft_rec_executed *r = p->record[k].data;
		if (p->record[k].rtype == BFT_REC_EXECUTED && r->seq > executed)
			executed = r->seq;
	}
	return executed;
}

static void begin(struct cores *c, struct place *p, enum bft_recovery recovery)
{
	struct bft_event tick = { .kind = BFT_EV_TICK, .mono_ms = c->now, .wall_ms = WALL_MS + c->now };
	struct bft_event start = { .kind = BFT_EV_START, .seq = p->executed, .digest = p->chain[p->executed], .recovery = recovery, .ok = !p->lsn };
	cores_step(c, p, &tick);
	cores_step(c, p, &start);
}

void cores_start(struct cores *c, uint8_t place, enum bft_recovery recovery)
{
	struct place *p = &c->place[place];
	p->up = true;
	p->executed = executed_on_disk(p);
	p->done = 0;
	for (bft_seq seq = 1; seq <= p->executed; seq++)
		p->done |= cores_requests_of(c, &p->decided[seq]);
	c->plan.protocol->init(p->core, &c->limits, &c->cluster, 1, p->id);
	for (bft_lsn k = 0; k < p->lsn; k++) {
		const struct record *r = &p->record[k];
		struct bft_event e = { .kind = BFT_EV_RECORD, .rtype = r->rtype, .lsn = k + 1, .data = r->data, .data_count = r->bytes };
		cores_step(c, p, &e);
	}
	begin(c, p, recovery);
	cores_links(c);
}

/* ---- what is to be seen ---- */

struct bft_core *cores_core(const struct cores *c, uint8_t place)
{
	return c->place[place].core;
}

bool cores_up(const struct cores *c, uint8_t place)
{
	return c->place[place].up;
}

uint64_t cores_now(const struct cores *c)
{
	return c->now;
}

bft_seq cores_executed(const struct cores *c, uint8_t place)
{
	return c->place[place].executed;
}

const struct digest *cores_chain(const struct cores *c, uint8_t place)
{
	return &c->place[place].chain[c->place[place].executed];
}

bft_lsn cores_lsn(const struct cores *c, uint8_t place)
{
	return c->place[place].lsn;
}

const struct digest *cores_decided(const struct cores *c, uint8_t place, bft_seq seq)
{
	return &c->place[place].decided[seq];
}

uint32_t cores_requests_of(const struct cores *c, const struct digest *digest)
{
	const struct proposal *x = cores_proposal_of(c, digest);
	uint32_t requests = 0;
	for (uint32_t i = 0; x && i < x->ends_count; i++)
		requests |= 1u << (x->ends[i].number - 1);
	return requests;
}

uint32_t cores_done(const struct cores *c, uint8_t place)
{
	return c->place[place].done;
}

bool cores_all_done(const struct cores *c)
{
	const struct place *first = NULL;
	for (uint32_t i = 0; i < c->plan.places; i++) {
		const struct place *p = &c->place[i];
		if (!honest(c, p))
			continue;
		first = first ? first : p;
		if (p->done != (uint32_t)((1ull << c->requests_count) - 1) || p->executed != first->executed)
			return false;
	}
	return true;
}

const char *cores_failure(const struct cores *c)
{
	return c->failure[0] ? c->failure : NULL;
}

void cores_counts(const struct cores *c, struct cores_counts *out)
{
	*out = c->counts;
}

/* ---- life ---- */

struct cores *cores_create(const struct cores_plan *plan)
{
	struct cores *c = room(sizeof *c);
	c->plan = *plan;
	c->limits = (struct bft_limits){ .members = plan->members,
		                         .window = plan->window,
		                         .checkpoint_every = plan->checkpoint_every,
		                         .proposal_bytes_max = 1000,
		                         .proposal_bundles_max = plan->bundles_max,
		                         .drift_ms = 100000,
		                         .request_timeout_ms = plan->request_timeout_ms,
		                         .requests_max = 64,
		                         .executing_max = 8 };
	char name[32];
	int n = snprintf(name, sizeof name, plan->cluster ? "cluster %u" : "twins", plan->cluster);
	digest_of(&c->cluster, DOMAIN_TEST, name, (size_t)n);
	for (uint32_t i = 0; i < plan->places; i++) {
		c->place[i].core = room(plan->protocol->bytes(&c->limits));
	}
	return c;
}

void cores_watch(struct cores *c, const struct cores_watch *watch)
{
	c->watch = *watch;
}

void cores_begin(struct cores *c, uint8_t twinned)
{
	for (uint32_t i = 0; i < c->messages_count; i++)
		c->message[i].flying = 0;
	c->messages_count = c->free_count = 0;
	c->proposals_count = c->requests_count = c->head = c->count = 0;
	c->twinned = twinned;
	c->now = 1000;
	c->failure[0] = 0;
	memset(c->decided, 0, sizeof c->decided);
	memset(c->cell, 0, sizeof c->cell);
	c->counts = (struct cores_counts){ 0 };
	for (uint32_t i = 0; i < c->plan.places; i++) {
		struct place *p = &c->place[i];
		no_longer_waits(p);
		*p = (struct place){ .id = i < c->plan.members ? (uint8_t)i : twinned,
			             .core = p->core,
			             .waiting = p->waiting,
			             .waiting_room = p->waiting_room,
			             .record = p->record,
			             .records_room = p->records_room,
			             .up = true };
		p->chain[0] = c->cluster;
		c->plan.protocol->init(p->core, &c->limits, &c->cluster, 1, p->id);
		begin(c, p, BFT_RECOVERY_WHOLE);
	}
	if (!c->plan.latency_ms)
		cores_settle(c);
}

void cores_destroy(struct cores *c)
{
	for (uint32_t i = 0; i < c->messages_most; i++)
		free(c->message[i].body);
	for (uint32_t i = 0; i < c->plan.places; i++) {
		struct place *p = &c->place[i];
		for (bft_lsn k = 0; k < p->records_room; k++)
			free(p->record[k].data);
		no_longer_waits(p);
		free(p->record);
		free(p->waiting);
		free(p->core);
	}
	free(c);
}
