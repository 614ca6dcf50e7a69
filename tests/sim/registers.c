/* A few registers and many hands: puts, compare-and-swaps, deletes, and gets with and without ordering, one at a time for each client. What they were answered must
 * be linearizable (linear.h). What a client has given up goes on without it: its effect stays open until its answer comes after all. */
#include "tests/sim/sim.h"

/* The name is the place in s->register_op. */
static void write_op(const struct register_op *r, uint8_t out[REGISTER_OP_BYTES])
{
	const struct sim *s = r->client->sim;
	struct wr w = wr_of(out + 3, REGISTER_OP_BYTES - 3);
	out[0] = 'k';
	out[1] = (uint8_t)r->op.kind;
	out[2] = (uint8_t)r->op.key;
	wr_u32(&w, (uint32_t)(r - s->register_op));
	wr_u64(&w, r->op.expected);
	wr_u64(&w, r->op.value);
}

/* `since`: nothing came of the last one yet. */
static void next_one(struct sim_client *c, uint32_t within_ms)
{
	struct sim *s = c->sim;
	sim_at(s, (struct sim_event){ .at = s->now + 1 + rng_below(&s->rng, within_ms), .kind = SIM_REGISTER, .node = c->id });
}

static struct register_op *named(struct sim_client *c, const struct quorate_answer *a, uint64_t *result)
{
	struct sim *s = c->sim;
	struct rd r = rd_of(a->value, a->value_bytes);
	uint32_t name;
	bool whole = rd_u32(&r, &name) && rd_u64(&r, result) && rd_done(&r) && name < s->register_begun;
	return whole && s->register_op[name].client == c ? &s->register_op[name] : NULL;
}

static void answered(struct register_op *r, uint64_t result)
{
	struct sim *s = r->client->sim;
	if (r->over) {
		sim_fail(s, "register operation %zu was answered twice", (size_t)(r - s->register_op));
		return;
	}
	r->over = true;
	r->op.result = result;
	r->op.answered = s->moment;
	s->register_over++;
	if (r->op.kind == LINEAR_GET)
		r->client->last_seen = result;
	else if (result && r->op.kind != LINEAR_DELETE)
		r->client->last_seen = r->op.value;
}

static void on_answer(void *user, const struct quorate_answer *a)
{
	struct register_op *r = user;
	struct sim_client *c = r->client;
	uint64_t result;
	if (a->error == QUORATE_OK && named(c, a, &result) == r) {
		answered(r, result);
	} else if (a->error == QUORATE_UNKNOWN) {
		client_asks_again(c, a);
	} else if (a->error == QUORATE_UNREACHABLE) { /* it was never sent: as if it had not been asked */
		r->over = true;
		r->op.key = 0;
		c->sim->register_over++;
	} else {
		sim_fail(c->sim, "client %u: a register operation ended with: %s", c->id, a->reason ? a->reason : "another one's answer");
	}
	if (r->read && !r->over) {
		r->over = true; /* nobody waits for it any more */
		c->sim->register_over++;
	}
	next_one(c, 1 + c->think_ms);
}

void registers_late(struct sim_client *c, const struct quorate_answer *a)
{
	uint64_t result;
	struct register_op *r = named(c, a, &result);
	if (!r)
		sim_fail(c->sim, "client %u: request %llu, asked again, ended with an answer of nobody's", c->id, (unsigned long long)a->number);
	else if (!r->read)
		answered(r, result);
}

static void choose(struct register_op *r)
{
	struct sim_client *c = r->client;
	struct sim *s = c->sim;
	uint32_t what = rng_below(&s->rng, 100);
	r->op.kind = what < 45 ? LINEAR_GET : what < 70 ? LINEAR_PUT : what < 90 ? LINEAR_CAS : LINEAR_DELETE;
	r->op.key = 1 + rng_below(&s->rng, s->register_keys);
	r->op.client = c->id;
	r->op.value = (uint64_t)(r - s->register_op) + 1;
	r->op.expected = rng_chance(&s->rng, 80) ? c->last_seen : rng_below(&s->rng, (uint32_t)r->op.value);
	r->op.answered = LINEAR_NEVER;
	r->read = r->op.kind == LINEAR_GET && rng_chance(&s->rng, 70);
}

void registers_event(struct sim *s, const struct sim_event *e)
{
	struct sim_client *c = &s->client[e->node];
	uint8_t bytes[REGISTER_OP_BYTES];
	if (s->now > s->end_ms) /* what has begun must end in time; nothing more begins */
		s->register_wanted = s->register_begun;
	if (s->register_begun >= s->register_wanted)
		return;
	if (!c->open) {
		next_one(c, 50);
		return;
	}
	struct register_op *r = &s->register_op[s->register_begun++];
	r->client = c;
	choose(r);
	r->op.asked = s->moment;
	write_op(r, bytes);
	enum quorate_error error = r->read ? client_session_read(c->session, bytes, sizeof bytes, on_answer, r)
	                                   : client_session_submit(c->session, bytes, sizeof bytes, on_answer, r);
	if (error != QUORATE_OK)
		sim_fail(s, "client %u cannot submit", c->id);
}

void registers_create(struct sim *s)
{
	uint32_t clients = 2 + rng_below(&s->rng, SIM_CLIENTS - 1), think_ms = 50 + rng_below(&s->rng, 1500);
	if (s->lease_drift_percent)
		think_ms %= 60; /* a lease lasts no longer than a moment */
	for (uint32_t i = 0; i < clients && s->register_wanted; i++) {
		s->client[i].think_ms = think_ms;
		next_one(&s->client[i], 500);
	}
}

bool registers_done(const struct sim *s)
{
	return s->register_over == s->register_begun && (s->register_begun == s->register_wanted || s->now > s->end_ms);
}

/* What stands in a replica's state in the end is one more read. */
static void read_state(struct sim *s, struct linear_op *ops, uint32_t *count)
{
	for (uint32_t i = 0; i < s->n; i++)
		for (uint32_t key = 1; key <= s->register_keys && !s->node[i].liar.lies && !s->node[i].left && s->node[i].state; key++) {
			uint8_t name[2] = { 'k', (uint8_t)key };
			const void *found;
			size_t n;
			uint64_t value = LINEAR_NONE;
			if (state_get(s->node[i].state, STATE_USER, name, sizeof name, &found, &n) == STATE_OK) {
				struct rd r = rd_of(found, n);
				rd_u64(&r, &value);
			}
			ops[(*count)++] = (struct linear_op){
				.key = key, .asked = s->moment, .answered = s->moment, .kind = LINEAR_GET, .result = value, .client = 100 + i
			};
		}
}

static void tell(const struct sim *s, const struct linear_op *ops, const struct linear_report *report)
{
	FILE *to = s->trace ? stdout : stderr;
	fprintf(to, "seed %llu, register %llu (times in microseconds; client 100 + i is replica i's state at the end):\n", (unsigned long long)s->seed,
	        (unsigned long long)report->key);
	for (size_t i = report->first; i < report->first + report->count; i++) {
		fputs(&ops[i] == report->op ? "  => " : "     ", to);
		linear_print(to, &ops[i]);
	}
}

void registers_check(struct sim *s)
{
	struct linear_op ops[SIM_REGISTER_OPS + SIM_NODES_MAX * SIM_REGISTERS_MAX];
	struct linear_report report;
	uint32_t count = 0;
	for (uint32_t i = 0; i < s->register_begun; i++)
		if (s->register_op[i].op.key)
			ops[count++] = s->register_op[i].op;
	s->histories += count;
	if (!s->failure[0])
		read_state(s, ops, &count);
	enum linear_verdict verdict = linear_check(ops, count, &report);
	if (verdict == LINEAR_HOLDS)
		return;
	if (verdict == LINEAR_TOO_WIDE)
		sim_fail(s, "linearizability: too much overlaps on register %llu to be judged", (unsigned long long)report.key);
	else
		sim_fail(s, "linearizability: no order explains what register %llu answered to client %u at %llu ms", (unsigned long long)report.key,
		         report.op->client, (unsigned long long)report.op->answered / 1000);
	if (s->schedule->tell || s->trace)
		tell(s, ops, &report);
}
