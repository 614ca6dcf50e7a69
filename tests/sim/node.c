/* One replica: the driver's contract of bft/core.h over a simulated disk. It decides nothing: effects wait for their lsn, then happen. */
#include "bft/proposal.h"
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <string.h>

static void *alloc(size_t n)
{
	void *p = calloc(1, n);
	if (!p)
		abort();
	return p;
}

/* ---- bodies ---- */

static struct held *held_at(struct node *d, const struct digest *digest)
{
	uint32_t i = (digest->b[0] | (uint32_t)digest->b[1] << 8) % NODE_HELD;
	while (d->held[i].used && !digest_equal(&d->held[i].digest, digest))
		i = (i + 1) % NODE_HELD;
	return &d->held[i];
}

static bool has_body(struct node *d, const struct digest *digest)
{
	const struct held *h = held_at(d, digest);
	return h->used && (h->memory || h->lsn);
}

static struct held *hold_body(struct node *d, const struct digest *digest)
{
	struct held *h = held_at(d, digest);
	if (!h->used)
		*h = (struct held){ .digest = *digest, .used = true };
	return h;
}

static void local(struct sim *s, struct node *d, struct sim_event e)
{
	e.node = e.from = d->id;
	e.boot = d->boot;
	if (e.at < s->now)
		e.at = s->now;
	sim_at(s, e);
}

/* ---- held messages ---- */

static uint32_t wire_keep(struct node *d, struct wire *w)
{
	if (d->wires_free_count == 0)
		abort(); /* a bound of the simulated driver: the core holds at most one message a vote */
	uint32_t ref = d->wires_free[--d->wires_free_count];
	d->wires[ref] = w;
	w->count++;
	d->wire_holds[ref] = 0;
	return ref;
}

static void wire_drop(struct node *d, uint32_t ref)
{
	if (!d->wires[ref] || d->wire_holds[ref])
		return;
	wire_release(d->wires[ref]);
	d->wires[ref] = NULL;
	d->wires_free[d->wires_free_count++] = ref;
}

static void hold(struct node *d, bft_ref ref, bft_seq seq)
{
	if (d->holds_count == d->holds_capacity) {
		d->holds_capacity = d->holds_capacity ? d->holds_capacity * 2 : 256;
		d->holds = realloc(d->holds, d->holds_capacity * sizeof *d->holds);
		if (!d->holds)
			abort();
	}
	d->holds[d->holds_count++] = (struct hold){ .seq = seq, .wire = ref };
	d->wire_holds[ref]++;
}

static void unhold(struct node *d, uint32_t i)
{
	uint32_t ref = d->holds[i].wire;
	d->holds[i] = d->holds[--d->holds_count];
	d->wire_holds[ref]--;
	wire_drop(d, ref);
}

static void release(struct sim *s, struct node *d, bft_ref ref, bft_seq seq)
{
	for (uint32_t i = 0; i < d->holds_count; i++)
		if (d->holds[i].wire == ref && d->holds[i].seq == seq) {
			unhold(d, i);
			return;
		}
	sim_fail(s, "node %u releases a message that it does not hold", d->id);
}

static void stable(struct node *d, bft_seq seq)
{
	for (uint32_t i = d->holds_count; i--;)
		if (d->holds[i].seq <= seq)
			unhold(d, i);
}

/* ---- the log ---- */

static void flush(struct sim *s, struct node *d)
{
	if (d->flushing || d->log_count == 0 || d->log[d->log_count - 1].lsn <= d->durable)
		return;
	d->flushing = d->log[d->log_count - 1].lsn;
	uint32_t slow = !s->calm && rng_chance(&s->rng, 3) ? 200 : 4;
	local(s, d, (struct sim_event){ .at = s->now + 1 + rng_below(&s->rng, slow), .kind = SIM_FLUSHED, .value = d->flushing });
}

static void persist(struct sim *s, struct node *d, const struct bft_effect *e)
{
	bft_lsn last = d->log_count ? d->log[d->log_count - 1].lsn : 0;
	if (e->lsn <= last)
		sim_fail(s, "node %u: log positions fall", d->id);
	if (d->log_count == d->log_capacity) {
		d->log_capacity = d->log_capacity ? d->log_capacity * 2 : 1024;
		d->log = realloc(d->log, d->log_capacity * sizeof *d->log);
		if (!d->log)
			abort();
	}
	struct record *r = &d->log[d->log_count++];
	*r = (struct record){ .lsn = e->lsn, .rtype = e->rtype, .data = alloc(e->data_bytes), .bytes = e->data_bytes };
	memcpy(r->data, e->data, e->data_bytes);
	if (digest_is_zero(&e->digest))
		return;
	struct held *h = hold_body(d, &e->digest);
	if (!h->memory && !h->lsn)
		sim_fail(s, "node %u persists a body that it does not have", d->id);
	if (!h->lsn)
		h->lsn = e->lsn;
}

static bft_seq record_seq(const struct record *r)
{
	switch ((enum pbft_record)r->rtype) {
	case PBFT_REC_PREPARE: return ((const struct pbft_rec_vote *)r->data)->seq;
	case PBFT_REC_COMMIT:
	case PBFT_REC_STABLE:
	case PBFT_REC_CERTIFIED: return ((const struct pbft_certificate_refs *)r->data)->seq;
	case PBFT_REC_CHECKPOINT: return ((const struct pbft_checkpoint *)r->data)->seq;
	case PBFT_REC_SNAPSHOT: return ((const struct pbft_snapshot *)r->data)->seq;
	case PBFT_REC_EXECUTED: return ((const struct pbft_rec_executed *)r->data)->seq;
	default: return 0;
	}
}

static void truncate_log(struct node *d, bft_seq seq, bft_lsn below)
{
	/* Not above what the state on disk still needs. */
	if (seq > d->state_seq)
		return;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < d->log_count; i++) {
		if (d->log[i].lsn < below && record_seq(&d->log[i]) <= seq)
			free(d->log[i].data);
		else
			d->log[kept++] = d->log[i];
	}
	d->log_count = kept;
}

/* ---- sending ---- */

static void seal(struct sim *s, struct node *d, uint16_t type, const void *body, bft_mask to)
{
	uint8_t bytes[1 << 16];
	size_t n = bft_pbft.encode(type, body, bytes, sizeof bytes);
	if (!n) {
		sim_fail(s, "a message of type %u does not fit", type);
		return;
	}
	struct wire *w = alloc(sizeof *w);
	*w = (struct wire){ .count = 1, .signer = d->id, .type = type, .bytes = alloc(n), .n = n };
	memcpy(w->bytes, bytes, n);
	if (type == PBFT_VOTES)
		pbft_votes_digest_of(&w->digest, body);
	else
		digest_of(&w->digest, DOMAIN_TEST, bytes, n);
	net_wire(s, d->id, to, w);
	if (to & BFT_BIT(d->id)) {
		w->count++;
		local(s, d, (struct sim_event){ .kind = SIM_DELIVER, .wire = w });
	}
	wire_release(w);
}

static void seal_votes(struct sim *s, struct node *d)
{
	if (d->votes.count)
		seal(s, d, PBFT_VOTES, &d->votes, d->votes_to);
	d->votes.count = 0;
}

/* All leaves that become free in one wake-up, for the same members, share one signature. */
static void add_leaf(struct sim *s, struct node *d, const struct bft_effect *e)
{
	const struct pbft_votes *one = e->data;
	if (d->votes.count == BFT_LEAVES_MAX || d->votes.view != one->view || d->votes_to != e->to)
		seal_votes(s, d);
	d->votes.view = one->view;
	d->votes_to = e->to;
	d->votes.leaf[d->votes.count++] = one->leaf[0];
}

/* The proposals after `from`, up to the first checkpoint at or above it whose certificate this log kept. */
static void answer_chain(struct sim *s, struct node *d, uint8_t to, bft_seq from)
{
	struct pbft_chain *c = alloc(sizeof *c);
	const struct pbft_certificate_refs *end = NULL;
	bft_seq newest = 0;
	for (uint32_t i = 0; i < d->log_count; i++) {
		const struct pbft_certificate_refs *r = d->log[i].data;
		if (d->log[i].rtype != PBFT_REC_STABLE)
			continue;
		newest = r->seq;
		if (r->seq >= from && (!end || r->seq < end->seq))
			end = r;
	}
	if (!end) {
		free(c);
		return;
	}
	c->from = from;
	/* A certificate too far up means that what was between has left the log. */
	bool reaches = end->seq - from < s->limits.window;
	c->count = reaches ? (uint16_t)(end->seq - from + 1) : 0;
	c->end = reaches ? end->seq : newest;
	c->chain = end->digest;
	uint32_t found = 0;
	for (uint32_t i = 0; reaches && i < d->log_count; i++) {
		const struct pbft_rec_executed *r = d->log[i].data;
		if (d->log[i].rtype != PBFT_REC_EXECUTED || r->seq < from || r->seq > end->seq)
			continue;
		c->entry[r->seq - from].proposal = r->proposal;
		c->entry[r->seq - from].results = r->results;
		found++;
	}
	/* Executed twice (before and after a restart) is recorded once: recovery starts above. */
	if (found < c->count) {
		c->count = 0;
		c->end = newest;
	}
	seal(s, d, PBFT_CHAIN, c, BFT_BIT(to));
	s->chains++;
	free(c);
}

/* ---- effects ---- */

static void fetch_again(struct sim *s, struct node *d, struct fetch *f)
{
	for (uint32_t k = 0; k < s->n; k++) {
		f->turn = (uint8_t)((f->turn + 1) % s->n);
		struct node *peer = &s->node[f->turn];
		if (f->turn == d->id || !(f->to & BFT_BIT(f->turn)))
			continue;
		if (!peer->up || s->cut[d->id][f->turn] || !has_body(peer, &f->digest))
			return; /* asked in vain: the next turn asks the next */
		net_body(s, f->turn, d->id, body_find(s, &f->digest));
		return;
	}
}

static void fetch(struct sim *s, struct node *d, const struct bft_effect *e)
{
	if (has_body(d, &e->digest)) {
		local(s, d, (struct sim_event){ .kind = SIM_LOCAL, .digest = e->digest });
		return;
	}
	struct fetch *free_one = NULL;
	for (uint32_t i = 0; i < NODE_FETCHES; i++) {
		struct fetch *f = &d->fetch[i];
		if (f->used && digest_equal(&f->digest, &e->digest)) {
			f->to |= e->to;
			return;
		}
		if (!f->used && !free_one)
			free_one = f;
	}
	if (!free_one) {
		sim_fail(s, "bounds: node %u has more than %u standing fetches", d->id, NODE_FETCHES);
		return;
	}
	*free_one = (struct fetch){ .digest = e->digest, .to = e->to, .used = true, .turn = (uint8_t)rng_below(&s->rng, s->n) };
}

static void forget(struct node *d, const struct digest *digest)
{
	for (uint32_t i = 0; i < NODE_FETCHES; i++)
		if (d->fetch[i].used && digest_equal(&d->fetch[i].digest, digest))
			d->fetch[i].used = false;
}

static void hand_over(struct sim *s, struct node *d, const struct bft_effect *e)
{
	for (uint32_t r = 0; r < SIM_REQUESTS; r++) {
		if (!digest_equal(&s->request[r], &e->digest))
			continue;
		for (uint8_t i = 0; i < s->n; i++)
			if ((e->to & BFT_BIT(i)) && s->node[i].up && !s->cut[d->id][i])
				sim_at(s, (struct sim_event){ .at = s->now + 1 + rng_below(&s->rng, s->delay_max_ms),
				                              .kind = SIM_LOCAL,
				                              .node = i,
				                              .from = d->id,
				                              .boot = s->node[i].boot,
				                              .value = r + 1 });
	}
}

static void install(struct sim *s, struct node *d)
{
	/* State transfer itself is not simulated here: the state of whoever is furthest arrives whole. */
	struct node *best = NULL;
	for (uint32_t i = 0; i < s->n; i++)
		if (s->node[i].state_seq > d->executed && (!best || s->node[i].state_seq > best->state_seq))
			best = &s->node[i];
	if (!best)
		return;
	s->transfers++;
	d->state_seq = d->executed = best->state_seq;
	d->state_chain = d->chain = best->state_chain;
	memcpy(d->state_done, best->state_done, sizeof d->done);
	memcpy(d->done, best->state_done, sizeof d->done);
	sim_trace(s, "node %u installs the state at %llu", d->id, (unsigned long long)d->executed);
	struct bft_event e = { .kind = BFT_EV_INSTALLED, .seq = d->executed, .digest = d->chain };
	node_step(s, d, &e);
}

static void happen(struct sim *s, struct node *d, const struct bft_effect *e)
{
	switch (e->kind) {
	case BFT_FX_PERSIST: persist(s, d, e); break;
	case BFT_FX_SEND:
		if (e->type == PBFT_VOTES)
			add_leaf(s, d, e);
		else
			seal(s, d, e->type, e->data, e->to);
		break;
	case BFT_FX_FORWARD:
		if (!d->wires[e->ref])
			sim_fail(s, "node %u forwards what it does not hold", d->id);
		else
			net_wire(s, d->id, e->to, d->wires[e->ref]);
		break;
	case BFT_FX_BODY:
		body_add(s, &e->digest, e->data, e->data_bytes);
		hold_body(d, &e->digest)->memory = true;
		break;
	case BFT_FX_PUSH:
		for (uint8_t i = 0; i < s->n; i++)
			if (e->to & BFT_BIT(i))
				net_body(s, d->id, i, body_find(s, &e->digest));
		break;
	case BFT_FX_HOLD: hold(d, e->ref, e->seq); break;
	case BFT_FX_RELEASE: release(s, d, e->ref, e->seq); break;
	case BFT_FX_FETCH: fetch(s, d, e); break;
	case BFT_FX_FORGET: forget(d, &e->digest); break;
	case BFT_FX_REQUEST: hand_over(s, d, e); break;
	case BFT_FX_EXECUTE: /* in seq order, each taking its time */
		d->executing_at = (d->executing_at > s->now ? d->executing_at : s->now) + rng_below(&s->rng, 3);
		local(s, d, (struct sim_event){ .at = d->executing_at, .kind = SIM_EXECUTED, .value = e->seq, .digest = e->digest });
		break;
	case BFT_FX_STABLE: stable(d, e->seq); break;
	case BFT_FX_TRUNCATE: truncate_log(d, e->seq, e->below); break;
	case BFT_FX_TRANSFER: local(s, d, (struct sim_event){ .at = s->now + 20, .kind = SIM_LOCAL, .value = UINT64_MAX }); break;
	case BFT_FX_BLAME:
		if (e->verdict != BFT_IGNORE)
			sim_fail(s, "node %u blames honest %u: verdict %d, reason %u", d->id, e->from, (int)e->verdict, e->reason);
		break;
	case BFT_FX_HALT: sim_fail(s, "node %u halts: reason %u at %llu", d->id, e->reason, (unsigned long long)e->seq); break;
	case BFT_FX_DROP:
	case BFT_FX_ROLE:
	case BFT_FX_ACTIVATE: break;
	}
}

static void wait_for(struct node *d, const struct bft_effect *e)
{
	if (d->waiting_count == d->waiting_capacity) {
		d->waiting_capacity = d->waiting_capacity ? d->waiting_capacity * 2 : 256;
		d->waiting = realloc(d->waiting, d->waiting_capacity * sizeof *d->waiting);
		if (!d->waiting)
			abort();
	}
	struct bft_effect *w = &d->waiting[d->waiting_count++];
	*w = *e;
	if (e->data) {
		void *copy = alloc(e->data_bytes);
		memcpy(copy, e->data, e->data_bytes);
		w->data = copy;
	}
}

static void release_durable(struct sim *s, struct node *d)
{
	uint32_t kept = 0, count = d->waiting_count;
	struct bft_effect *ready = alloc((count + 1) * sizeof *ready);
	uint32_t ready_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (d->waiting[i].lsn <= d->durable)
			ready[ready_count++] = d->waiting[i];
		else
			d->waiting[kept++] = d->waiting[i];
	}
	d->waiting_count = kept;
	for (uint32_t i = 0; i < ready_count; i++) {
		happen(s, d, &ready[i]);
		free((void *)(uintptr_t)ready[i].data);
	}
	seal_votes(s, d);
	free(ready);
}

static void tick_at_deadline(struct sim *s, struct node *d)
{
	uint64_t at = bft_pbft.deadline(d->core);
	if (at == UINT64_MAX)
		return;
	if (at <= s->now)
		at = s->now + 1;
	if (d->tick_at > s->now && d->tick_at <= at)
		return;
	d->tick_at = at;
	local(s, d, (struct sim_event){ .at = at, .kind = SIM_TICK, .value = at });
}

/* A broken BFT_CHECK of the core ends the seed, not the program: this definition takes the library's place. */
static jmp_buf broken;
static char broken_fact[200];

void bft_check_failed(const char *file, int line, const char *fact)
{
	snprintf(broken_fact, sizeof broken_fact, "%s:%d: %s", file, line, fact);
	longjmp(broken, 1);
}

static bool step_checked(struct sim *s, struct node *d, const struct bft_event *event)
{
	if (setjmp(broken))
		return sim_fail(s, "node %u: the core's own check failed: %s", d->id, broken_fact);
	bft_pbft.step(d->core, event, &s->out);
	bft_pbft.check(d->core);
	return true;
}

void node_step(struct sim *s, struct node *d, const struct bft_event *event)
{
	if (!d->up || s->failure[0])
		return;
	s->steps++;
	s->out.count = 0;
	s->out.arena_used = 0;
	if (!step_checked(s, d, event))
		return;
	uint32_t count = s->out.count;
	struct bft_effect *effects = alloc((count + 1) * sizeof *effects);
	memcpy(effects, s->out.at, count * sizeof *effects);
	/* Records first: an effect may wait for one that follows it in the list. */
	for (uint32_t i = 0; i < count; i++) {
		if (effects[i].kind == BFT_FX_PERSIST || effects[i].lsn <= d->durable)
			happen(s, d, &effects[i]);
		else
			wait_for(d, &effects[i]);
	}
	seal_votes(s, d);
	free(effects);
	flush(s, d);
	check_node(s, d);
	tick_at_deadline(s, d);
}

/* ---- events ---- */

static void deliver(struct sim *s, struct node *d, const struct sim_event *e)
{
	struct wire *w = e->wire;
	size_t used = bft_pbft.decode(w->type, s->decoded, w->bytes, w->n);
	if (used != w->n) {
		sim_fail(s, "a message of type %u does not decode", w->type);
		return;
	}
	if (w->type == PBFT_FETCH_CHAIN) {
		answer_chain(s, d, w->signer, ((const struct pbft_fetch_chain *)s->decoded)->from);
		return;
	}
	if (w->signer != d->id && bft_pbft.screen(d->core, w->signer, w->type, s->decoded) != BFT_ACCEPT)
		return;
	uint32_t ref = wire_keep(d, w);
	struct bft_vmsg m = { .wire = ref, .from = w->signer, .auth = BFT_AUTH_SIGNED, .type = w->type, .epoch = 1, .digest = w->digest, .body = s->decoded };
	struct bft_event event = { .kind = BFT_EV_MSG, .msg = &m };
	node_step(s, d, &event);
	wire_drop(d, ref);
}

static void held_event(struct sim *s, struct node *d, const struct digest *digest)
{
	const struct body *b = body_find(s, digest);
	struct bft_event event = { .kind = BFT_EV_HELD, .digest = *digest, .ok = true, .time_ms = b->time_ms };
	node_step(s, d, &event);
}

static void on_body(struct sim *s, struct node *d, const struct body *b)
{
	hold_body(d, &b->digest)->memory = true;
	for (uint32_t i = 0; i < NODE_FETCHES; i++)
		if (d->fetch[i].used && digest_equal(&d->fetch[i].digest, &b->digest)) {
			d->fetch[i].used = false;
			held_event(s, d, &b->digest);
			return;
		}
}

static void execute(struct node *d, const struct body *b, bft_seq seq, struct digest *results, struct bft_request_id *ids)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_RESULT);
	for (uint16_t i = 0; i < b->count; i++) {
		uint16_t r = b->request[i];
		bool repeated = d->done[r / 64] >> (r % 64) & 1;
		d->done[r / 64] |= 1ull << (r % 64);
		digest_add_u16(&ctx, r);
		digest_add_u16(&ctx, repeated);
		ids[i] = (struct bft_request_id){ .session = 1 + r % 7u, .number = r };
	}
	digest_end(&ctx, results);
	struct digest next;
	chain_next(&next, &d->chain, seq, &b->digest, results);
	d->chain = next;
	d->executed = seq;
}

static void snapshot_try(struct sim *s, struct node *d)
{
	if (!d->snapshot.seq || d->durable < d->snapshot.lsn)
		return;
	d->state_seq = d->snapshot.seq;
	d->state_chain = d->snapshot.chain;
	memcpy(d->state_done, d->snapshot.done, sizeof d->state_done);
	d->snapshot.seq = 0;
	struct digest root;
	digest_of(&root, DOMAIN_STATE_NODE, d->state_done, sizeof d->state_done);
	struct bft_event event = { .kind = BFT_EV_SNAPSHOT, .seq = d->state_seq, .digest = d->state_chain, .root = root };
	node_step(s, d, &event);
}

static void on_executed(struct sim *s, struct node *d, const struct sim_event *e)
{
	if (e->value != d->executed + 1)
		return; /* a state was installed meanwhile */
	const struct body *b = body_find(s, &e->digest);
	struct bft_request_id ids[BFT_PROPOSAL_BUNDLES_MAX];
	struct digest results;
	if (!has_body(d, &e->digest)) {
		sim_fail(s, "node %u executes a proposal without its body", d->id);
		return;
	}
	execute(d, b, e->value, &results, ids);
	check_executed(s, d, e->value, &e->digest, &d->chain);
	for (uint16_t i = 0; i < b->count; i++)
		if (s->calm || !rng_chance(&s->rng, s->loss))
			s->acks[b->request[i]] |= BFT_BIT(d->id);
	struct bft_event event = {
		.kind = BFT_EV_EXECUTED, .seq = e->value, .digest = d->chain, .root = results, .data = ids, .data_count = b->count
	};
	node_step(s, d, &event);
	if (d->up && d->executed % (4 * s->limits.checkpoint_every) == 0 && !d->snapshot.seq) {
		d->snapshot.seq = d->executed;
		d->snapshot.chain = d->chain;
		d->snapshot.lsn = d->log_count ? d->log[d->log_count - 1].lsn : 0;
		memcpy(d->snapshot.done, d->done, sizeof d->done);
		snapshot_try(s, d);
	}
}

static void on_flushed(struct sim *s, struct node *d, bft_lsn lsn)
{
	d->flushing = 0;
	d->durable = lsn;
	release_durable(s, d);
	struct bft_event event = { .kind = BFT_EV_DURABLE, .lsn = lsn };
	node_step(s, d, &event);
	snapshot_try(s, d);
}

static void on_tick(struct sim *s, struct node *d)
{
	for (uint32_t i = 0; i < NODE_FETCHES; i++)
		if (d->fetch[i].used)
			fetch_again(s, d, &d->fetch[i]);
	struct bft_event event = { .kind = BFT_EV_TICK, .mono_ms = s->now, .wall_ms = 1000000 + s->now + 50u * d->id };
	node_step(s, d, &event);
}

static void on_local(struct sim *s, struct node *d, const struct sim_event *e)
{
	if (e->value == UINT64_MAX) {
		install(s, d);
	} else if (e->value) {
		uint32_t r = (uint32_t)e->value - 1;
		struct bft_event event = { .kind = BFT_EV_REQUEST, .digest = s->request[r], .bytes = 200, .id = { 1 + r % 7, r } };
		if (!(d->done[r / 64] >> (r % 64) & 1))
			node_step(s, d, &event);
	} else {
		held_event(s, d, &e->digest);
	}
}

void node_event(struct sim *s, struct node *d, const struct sim_event *e)
{
	bool own = e->kind != SIM_DELIVER && e->kind != SIM_BODY;
	own |= e->from == e->node;
	bool dead = !d->up || (own && e->boot != d->boot);
	if (!dead && e->kind != SIM_TICK) { /* the clock of this wake-up */
		struct bft_event tick = { .kind = BFT_EV_TICK, .mono_ms = s->now, .wall_ms = 1000000 + s->now + 50u * d->id };
		node_step(s, d, &tick);
	}
	if (!dead) {
		switch (e->kind) {
		case SIM_DELIVER: deliver(s, d, e); break;
		case SIM_BODY: on_body(s, d, e->body); break;
		case SIM_FLUSHED: on_flushed(s, d, e->value); break;
		case SIM_TICK: on_tick(s, d); break;
		case SIM_EXECUTED: on_executed(s, d, e); break;
		case SIM_LOCAL: on_local(s, d, e); break;
		default: break;
		}
	}
	wire_release(e->wire);
}

/* ---- life ---- */

void node_create(struct sim *s, uint8_t id)
{
	struct node *d = &s->node[id];
	d->id = id;
	d->core = alloc(bft_pbft.bytes(&s->limits));
	d->held = alloc(NODE_HELD * sizeof *d->held);
	d->wires = alloc(NODE_WIRES * sizeof *d->wires);
	d->wire_holds = alloc(NODE_WIRES * sizeof *d->wire_holds);
	d->wires_free = alloc(NODE_WIRES * sizeof *d->wires_free);
	d->state_chain = s->cluster;
	hold_body(d, &s->null_digest)->lsn = 1;
}

static void forget_all(struct node *d)
{
	for (uint32_t i = 0; i < d->waiting_count; i++)
		free((void *)(uintptr_t)d->waiting[i].data);
	d->waiting_count = d->holds_count = 0;
	for (uint32_t i = 0; i < NODE_WIRES; i++) {
		if (d->wires[i])
			wire_release(d->wires[i]);
		d->wires[i] = NULL;
		d->wire_holds[i] = 0;
	}
	memset(d->fetch, 0, sizeof d->fetch);
	d->votes.count = 0;
	d->snapshot.seq = 0;
}

/* What was flushed stays. Of what was written after that, any prefix may. */
void node_crash(struct sim *s, struct node *d)
{
	sim_trace(s, "node %u crashes at %llu", d->id, (unsigned long long)d->executed);
	d->up = false;
	uint32_t flushed = d->log_count;
	while (flushed && d->log[flushed - 1].lsn > d->durable)
		flushed--;
	uint32_t kept = flushed + rng_below(&s->rng, d->log_count - flushed + 1);
	s->torn += kept > flushed && kept < d->log_count;
	bft_lsn last = kept ? d->log[kept - 1].lsn : 0;
	for (uint32_t i = kept; i < d->log_count; i++)
		free(d->log[i].data);
	d->log_count = kept;
	for (uint32_t i = 0; i < NODE_HELD; i++) {
		struct held *h = &d->held[i];
		h->memory = false;
		if (h->lsn > last && !digest_equal(&h->digest, &s->null_digest))
			h->lsn = 0;
	}
	forget_all(d);
}

static void recover(struct sim *s, struct node *d)
{
	struct bft_effects *out = &s->out;
	out->count = 0;
	out->arena_used = 0;
	for (uint32_t i = 0; i < d->log_count; i++) {
		struct bft_event e = { .kind = BFT_EV_RECORD, .lsn = d->log[i].lsn, .rtype = d->log[i].rtype, .data = d->log[i].data, .data_count = d->log[i].bytes };
		if (!step_checked(s, d, &e))
			return;
		const struct pbft_rec_executed *r = d->log[i].data;
		if (d->log[i].rtype != PBFT_REC_EXECUTED || r->seq != d->executed + 1)
			continue;
		struct digest results;
		struct bft_request_id ids[BFT_PROPOSAL_BUNDLES_MAX];
		if (!has_body(d, &r->proposal))
			sim_fail(s, "node %u: an executed proposal's body is not in the log", d->id);
		else
			execute(d, body_find(s, &r->proposal), r->seq, &results, ids);
		if (!digest_equal(&d->chain, &r->chain))
			sim_fail(s, "node %u: executing %llu again gave another result", d->id, (unsigned long long)r->seq);
	}
}

void node_start(struct sim *s, struct node *d)
{
	if (d->up)
		return;
	d->up = true;
	d->boot++;
	d->flushing = 0;
	d->tick_at = d->executing_at = 0;
	d->durable = d->log_count ? d->log[d->log_count - 1].lsn : 0;
	d->executed = d->state_seq;
	d->chain = d->state_chain;
	memcpy(d->done, d->state_done, sizeof d->done);
	d->wires_free_count = 0;
	for (uint32_t i = NODE_WIRES - 1; i > 0; i--)
		d->wires_free[d->wires_free_count++] = i;
	bft_pbft.init(d->core, &s->limits, &s->cluster, 1, d->id);
	recover(s, d);
	sim_trace(s, "node %u starts at %llu", d->id, (unsigned long long)d->executed);
	struct bft_event start = { .kind = BFT_EV_START, .seq = d->executed, .digest = d->chain, .recovery = BFT_RECOVERY_WHOLE };
	struct bft_event tick = { .kind = BFT_EV_TICK, .mono_ms = s->now, .wall_ms = 1000000 + s->now + 50u * d->id };
	node_step(s, d, &tick);
	node_step(s, d, &start);
	for (uint32_t i = 0; i < s->n; i++)
		if (s->node[i].up)
			node_links(s, &s->node[i]);
}

void node_links(struct sim *s, struct node *d)
{
	for (uint8_t i = 0; i < s->n && d->up; i++) {
		if (i == d->id)
			continue;
		struct bft_event e = { .kind = BFT_EV_LINK, .from = i, .ok = s->node[i].up && !s->cut[d->id][i] && !s->cut[i][d->id] };
		node_step(s, d, &e);
	}
}

void node_destroy(struct sim *s, struct node *d)
{
	(void)s;
	forget_all(d);
	for (uint32_t i = 0; i < d->log_count; i++)
		free(d->log[i].data);
	free(d->log);
	free(d->core);
	free(d->held);
	free(d->wires);
	free(d->wire_holds);
	free(d->wires_free);
	free(d->holds);
	free(d->waiting);
}
