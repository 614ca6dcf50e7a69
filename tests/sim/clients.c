/* Clients: a session each, requests at their times, sent to a few and then to all, until f+1 replicas say the same. */
#include "bft/bundle.h"
#include "bft/envelope.h"
#include "tests/sim/sim.h"

static void seed_of(uint8_t out[32], uint64_t seed, uint64_t what)
{
	uint64_t name[2] = { seed, what };
	struct digest d;
	digest_of(&d, DOMAIN_TEST, name, sizeof name);
	memcpy(out, d.b, 32);
}

static void send_bundle(struct sim *s, uint8_t client, const struct bundle *b, uint32_t percent)
{
	uint8_t body[256], head[BFT_FRAME_HEAD_BYTES];
	size_t n = bundle_encode(b, body, sizeof body);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE };
	struct statement statement;
	struct digest digest;
	bundle_digest(&digest, body, n);
	bundle_statement(&statement, &s->cluster, &digest);
	s->scheme->sign(&e.signature, &statement, &s->client[client].secret);
	struct wr w = wr_of(head, sizeof head);
	envelope_write(&w, &e);
	struct frame *f = frame_make(head, sizeof head, body, n);
	for (uint8_t i = 0; i < s->n; i++)
		if (rng_chance(&s->rng, percent))
			network_request(s, client, i, f);
	frame_release(f);
}

static void open_session(struct sim *s, uint8_t client)
{
	struct sim_client *c = &s->client[client];
	uint8_t ops[12];
	if (c->session)
		return;
	struct wr w = wr_of(ops, sizeof ops);
	wr_u32(&w, 8);
	wr_u64(&w, SIM_WALL_MS + 1000 * (c->opening & 0xFF) + 30000);
	struct bundle b = { .key = c->key, .kind = BUNDLE_OPEN, .number = c->opening, .reply_mask = UINT64_MAX, .count = 1, .ops = ops, .ops_bytes = sizeof ops };
	send_bundle(s, client, &b, 100);
	/* An opening that could not be ordered in its time is void: another one follows. */
	uint64_t tries = c->opening & 0xFF;
	if (s->now > 1000 * tries + 28000) {
		memset(&s->openings[client], 0, sizeof s->openings[client]);
		c->opening = (c->opening & ~0xFFull) + (1u << 16) + s->now / 1000;
	}
	sim_at(s, (struct sim_event){ .at = s->now + 300, .kind = SIM_OPEN, .node = client });
}

static void send_request(struct sim *s, uint32_t r, bool again)
{
	struct sim_request *q = &s->request[r];
	struct sim_client *c = &s->client[q->client];
	uint8_t ops[8];
	if (q->completed)
		return;
	if (c->session) {
		if (!q->number)
			q->number = ++c->next_number;
		struct wr w = wr_of(ops, sizeof ops);
		wr_u32(&w, 4);
		wr_u32(&w, r);
		struct bundle b = { .key = c->key, .session = c->session, .number = q->number, .reply_mask = UINT64_MAX, .count = 1, .ops = ops, .ops_bytes = sizeof ops };
		send_bundle(s, q->client, &b, again ? 100 : 40);
	}
	sim_at(s, (struct sim_event){ .at = s->now + 300, .kind = SIM_REQUEST, .value = r | 1u << 16 });
}

void clients_event(struct sim *s, const struct sim_event *e)
{
	if (e->kind == SIM_OPEN)
		open_session(s, e->node);
	else
		send_request(s, (uint32_t)(e->value & 0xFFFF), e->value >> 16);
}

/* One opinion per member; the last one counts. True once f+1 say the same. */
static bool vote(struct sim *s, struct votes_of *v, uint8_t from, const struct digest *said)
{
	v->set[from] = true;
	v->said[from] = *said;
	uint32_t same = 0;
	for (uint32_t i = 0; i < s->n; i++)
		same += v->set[i] && digest_equal(&v->said[i], said);
	return same > s->f;
}

static void on_result(struct sim *s, uint8_t client, uint8_t from, const struct reply *reply, const struct result *x)
{
	struct sim_client *c = &s->client[client];
	struct digest said;
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_TEST);
	digest_add_u64(&ctx, reply->seq);
	digest_add(&ctx, reply->result, reply->result_bytes);
	digest_end(&ctx, &said);
	if (x->session == 0) {
		struct rd r = rd_of(x->values, x->values_bytes);
		uint32_t n;
		uint64_t session;
		if (c->session || x->number != c->opening || !vote(s, &s->openings[client], from, &said) || x->status != RESULT_DONE)
			return;
		if (rd_u32(&r, &n) && rd_u64(&r, &session))
			c->session = session;
		return;
	}
	for (uint32_t i = 0; i < SIM_REQUESTS; i++) {
		struct sim_request *q = &s->request[i];
		if (q->client != client || q->number != x->number || x->session != c->session || q->completed)
			continue;
		if (!vote(s, &q->votes, from, &said))
			return;
		if (x->status != RESULT_DONE || x->values_bytes != 5 || x->values[4] != 1) {
			sim_fail(s, "exactly-once: request %u was answered with status %u, executed %u times", i, x->status,
			         x->values_bytes == 5 ? x->values[4] : 0);
			return;
		}
		q->completed = true;
		s->completed++;
	}
}

void clients_reply(struct sim *s, uint8_t client, uint8_t from, const struct frame *f)
{
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	struct reply reply;
	struct result x;
	if (!envelope_read(&r, &e)) {
		sim_fail(s, "a client got a frame that is none");
		return;
	}
	if (e.type != BFT_WIRE_REPLY && e.type != BFT_WIRE_REPLY_LATE)
		return;
	bool late = e.type == BFT_WIRE_REPLY_LATE;
	struct statement statement;
	if (!reply_decode(&reply, late, r.at, rd_left(&r)) || !result_decode(&x, reply.result, reply.result_bytes) ||
	    !reply_statement(&statement, &s->cluster, e.epoch, &reply, late) ||
	    !s->scheme->verify(&e.signature, &statement, &s->genesis.cards[from].member_key)) {
		sim_fail(s, "an honest replica's reply does not verify");
		return;
	}
	on_result(s, client, from, &reply, &x);
}

void clients_create(struct sim *s)
{
	for (uint8_t i = 0; i < SIM_CLIENTS; i++) {
		uint8_t seed[32];
		seed_of(seed, s->seed, 1000 + i);
		s->scheme->keypair(&s->client[i].key, &s->client[i].secret, seed);
		s->client[i].opening = (uint64_t)(i + 1) << 32;
		sim_at(s, (struct sim_event){ .at = 5 + rng_below(&s->rng, 500), .kind = SIM_OPEN, .node = i });
	}
	for (uint32_t r = 0; r < SIM_REQUESTS; r++) {
		s->request[r].client = (uint8_t)(r % SIM_CLIENTS);
		sim_at(s, (struct sim_event){ .at = 10 + rng_below(&s->rng, SIM_FAULTS_END_MS), .kind = SIM_REQUEST, .value = r });
	}
}
