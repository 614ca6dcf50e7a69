/* Clients: the product's client core, a session each. Requests come at their times; what ended as unknown is asked again in the same session. */
#include "bft/receipt.h"
#include "tests/sim/sim.h"

static void seed_of(uint8_t out[32], uint64_t seed, uint64_t what)
{
	uint64_t name[2] = { seed, what };
	struct digest d;
	digest_of(&d, DOMAIN_TEST, name, sizeof name);
	memcpy(out, d.b, 32);
}

static bool env_send(void *user, uint32_t member, enum net_class class, const uint8_t *bytes, size_t n)
{
	struct sim_client *c = user;
	(void)class;
	struct frame *f = frame_make(bytes, n, NULL, 0);
	if (c->liar)
		lying_client_send(c, (uint8_t)member, f);
	else
		network_request(c->sim, c->id, (uint8_t)member, f);
	frame_release(f);
	return true;
}

static void env_random(void *user, void *out, size_t n)
{
	struct sim_client *c = user;
	uint8_t *b = out;
	while (n--)
		*b++ = (uint8_t)rng_next(&c->sim->rng);
}

/* One request in five asks for a receipt. What comes shows this very request and answer to who holds the genesis. */
static bool wants_receipt(const struct sim_request *q)
{
	return q->id % 5 == 4;
}

static void check_receipt(struct sim *s, const struct sim_request *q, const struct quorate_answer *a)
{
	struct receipt r;
	epoch_keys_init(&s->judge_keys, &s->genesis);
	const char *why = receipt_verify(&r, a->receipt, a->receipt_bytes, &s->judge_keys, &s->cluster, s->scheme);
	if (why)
		sim_fail(s, "request %u: a receipt that proves nothing: %s", q->id, why);
	else if (!wants_receipt(q) || r.seq != a->seq || r.request.number != a->number || !public_key_equal(&r.request.key, &q->client->key))
		sim_fail(s, "request %u: the receipt is another's", q->id);
}

static void complete(struct sim *s, struct sim_request *q, const struct quorate_answer *a)
{
	const uint8_t *answer = a->value;
	if (answer[0] != 1)
		sim_fail(s, "exactly-once: request %u was executed %u times", q->id, answer[0]);
	else if (q->completed)
		sim_fail(s, "request %u was answered twice", q->id);
	if (a->receipt)
		check_receipt(s, q, a);
	q->completed = true;
	s->completed++;
}

/* An answer to a request that was asked again: it says itself whose it is. */
static struct sim_request *named(struct sim *s, const struct quorate_answer *a)
{
	struct rd r = rd_of(a->value, a->value_bytes);
	uint8_t count;
	uint32_t id;
	return rd_u8(&r, &count) && rd_u32(&r, &id) && rd_done(&r) && id < SIM_REQUESTS ? &s->request[id] : NULL;
}

static void on_late_answer(void *user, const struct quorate_answer *a);

/* All operations of one request end alike: the first one asks for all. */
void client_asks_again(struct sim_client *c, const struct quorate_answer *a)
{
	if (a->index != 0)
		return;
	c->sim->repeated++;
	if (client_session_ask_again(c->session, a->number, on_late_answer, c) != QUORATE_OK)
		sim_fail(c->sim, "client %u cannot ask again for request %llu", c->id, (unsigned long long)a->number);
}

static void on_late_answer(void *user, const struct quorate_answer *a)
{
	struct sim_client *c = user;
	if (a->error == QUORATE_UNKNOWN) {
		client_asks_again(c, a);
		return;
	}
	if (a->error == QUORATE_OK && a->value_bytes == 1)
		return; /* a read that shared the request: its own caller has given it up */
	if (a->error == QUORATE_OK && a->value_bytes == REGISTER_ANSWER_BYTES) {
		registers_late(c, a);
		return;
	}
	struct sim_request *q = a->error == QUORATE_OK ? named(c->sim, a) : NULL;
	if (q && q->client == c)
		complete(c->sim, q, a);
	else
		sim_fail(c->sim, "client %u: request %llu, asked again, ended with: %s", c->id, (unsigned long long)a->number, a->reason);
}

static void on_answer(void *user, const struct quorate_answer *a)
{
	struct sim_request *q = user;
	struct sim *s = q->client->sim;
	if (a->error == QUORATE_UNKNOWN)
		client_asks_again(q->client, a);
	else if (a->error == QUORATE_UNREACHABLE) /* it was never sent */
		sim_at(s, (struct sim_event){ .at = s->now + 1, .kind = SIM_REQUEST, .value = q->id });
	else if (a->error == QUORATE_OK && named(s, a) == q)
		complete(s, q, a);
	else
		sim_fail(s, "client %u: request %u ended with: %s", q->client->id, q->id, a->reason ? a->reason : "another one's answer");
}

static void on_opened(void *user, const struct quorate_answer *a)
{
	struct sim_client *c = user;
	c->open = a->error == QUORATE_OK;
	c->failed = !c->open;
}

/* An opening that could not be ordered in its time is over: another session follows. Its requests were never sent. */
static void open_session(struct sim_client *c)
{
	c->failed = false;
	c->session = client_session_open(c->core, on_opened, c);
	if (!c->session)
		abort();
}

static void tick(struct sim_client *c)
{
	struct sim *s = c->sim;
	client_core_tick(c->core, s->now, SIM_WALL_MS + s->now);
	if (c->failed) {
		client_session_close(c->session);
		open_session(c);
		client_core_tick(c->core, s->now, SIM_WALL_MS + s->now);
	}
	uint64_t at = client_core_deadline(c->core);
	if (at == UINT64_MAX)
		return;
	at = at > s->now ? at : s->now + 1;
	if (c->tick_at > s->now && c->tick_at <= at)
		return;
	c->tick_at = at;
	sim_at(s, (struct sim_event){ .at = at, .kind = SIM_CLIENT, .node = c->id });
}

static void submit(struct sim_request *q)
{
	struct sim_client *c = q->client;
	uint8_t op[4];
	struct wr w = wr_of(op, sizeof op);
	wr_u32(&w, q->id);
	if (!c->open) { /* it waits, so that a session that fails has nothing in it */
		sim_at(c->sim, (struct sim_event){ .at = c->sim->now + 50, .kind = SIM_REQUEST, .value = q->id });
		return;
	}
	struct quorate_op one = { op, sizeof op };
	enum quorate_error e = wants_receipt(q) ? client_session_submit_receipt(c->session, &one, 1, on_answer, q)
	                                        : client_session_submit(c->session, op, sizeof op, on_answer, q);
	if (e != QUORATE_OK)
		sim_fail(c->sim, "client %u cannot submit", c->id);
}

void clients_event(struct sim *s, const struct sim_event *e)
{
	struct sim_client *c = e->kind == SIM_REQUEST ? s->request[e->value].client : &s->client[e->kind == SIM_CLIENT_LIES ? SIM_LYING_CLIENT : e->node];
	client_core_time(c->core, s->now, SIM_WALL_MS + s->now);
	if (e->kind == SIM_REQUEST)
		submit(&s->request[e->value]);
	if (e->kind == SIM_READ)
		reads_event(s, e);
	if (e->kind == SIM_REGISTER)
		registers_event(s, e);
	if (e->kind == SIM_READMIT)
		operators_event(s, e);
	if (e->kind == SIM_CLIENT_LIES)
		lying_client_event(s);
	if (e->kind == SIM_REPLY && !client_core_frame(c->core, e->from, e->frame->bytes, e->frame->n) && !s->node[e->from].liar.lies && !c->liar)
		sim_fail(s, "client %u is sent what no honest replica sends, by %u", c->id, e->from);
	tick(c);
}

void clients_link(struct sim *s, uint8_t member, bool up)
{
	for (uint8_t i = 0; i < s->clients_count; i++) {
		struct sim_client *c = &s->client[i];
		client_core_time(c->core, s->now, SIM_WALL_MS + s->now);
		client_core_link(c->core, member, up);
		tick(c);
	}
}

void clients_create(struct sim *s)
{
	s->clients_count = SIM_CLIENTS + lying_client_draw(s);
	for (uint8_t i = 0; i < s->clients_count; i++) {
		struct sim_client *c = &s->client[i];
		uint8_t seed[32];
		struct client_core_options o = { .genesis = &s->genesis,
			                         .cluster = s->cluster,
			                         .scheme = s->scheme,
			                         .timeout_ms = 4000,
			                         .retry_ms = 300,
			                         .bundle_ops = 1 + rng_below(&s->rng, 4),
			                         .bundles_max = 8,
			                         .queue_max = SIM_REQUESTS,
			                         .user = c,
			                         .send = env_send,
			                         .fill_random = env_random };
		seed_of(seed, s->seed, 1000 + i);
		s->scheme->keypair(&c->key, &o.secret, seed);
		o.key = c->key;
		c->secret = o.secret;
		c->sim = s;
		c->id = i;
		c->core = client_core_create(&o);
		if (!c->core)
			abort();
		client_core_time(c->core, 0, SIM_WALL_MS);
		open_session(c);
		sim_at(s, (struct sim_event){ .at = 1 + rng_below(&s->rng, 500), .kind = SIM_CLIENT, .node = i });
	}
	lying_client_create(s);
	for (uint32_t r = 0; r < SIM_REQUESTS; r++) {
		s->request[r].client = &s->client[r % SIM_CLIENTS];
		s->request[r].id = r;
		uint64_t at = 10 + rng_below(&s->rng, SIM_FAULTS_END_MS);
		if (r < s->requests_count)
			sim_at(s, (struct sim_event){ .at = at, .kind = SIM_REQUEST, .value = r });
	}
}

void clients_destroy(struct sim *s)
{
	for (uint32_t i = 0; i < s->clients_count; i++)
		client_core_destroy(s->client[i].core);
	lying_client_destroy(s);
}
