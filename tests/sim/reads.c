/* Reads without ordering, and whether they are linearizable: what was acknowledged, or read, before a read began must be in its answer. */
#include "tests/sim/sim.h"

static void on_read(void *user, const struct quorate_answer *a)
{
	struct sim_read *r = user;
	struct sim *s = r->client->sim;
	const uint8_t *count = a->value;
	if (a->error == QUORATE_OK && (a->value_bytes != 1 || count[0] > 1))
		sim_fail(s, "a read of request %u says that it was executed %u times", r->request, a->value_bytes ? count[0] : 0);
	else if (a->error == QUORATE_OK && r->must && count[0] != 1)
		sim_fail(s, "linearizability: a read does not see request %u, which was acknowledged, or read, before it began", r->request);
	else if (a->error == QUORATE_OK && count[0] == 1)
		s->request[r->request].read = true;
	if (a->error == QUORATE_UNKNOWN)
		client_asks_again(r->client, a);
	s->reads += a->error == QUORATE_OK;
}

void reads_event(struct sim *s, const struct sim_event *e)
{
	struct sim_client *c = &s->client[e->node];
	struct sim_read *r = &s->read[s->reads_begun++];
	uint8_t op[5] = { 'r' };
	*r = (struct sim_read){ c, (uint32_t)e->value, s->request[e->value].completed || s->request[e->value].read };
	struct wr w = wr_of(op + 1, 4);
	wr_u32(&w, r->request);
	if (c->open)
		(void)client_session_read(c->session, op, sizeof op, on_read, r);
}

void reads_create(struct sim *s)
{
	for (uint32_t i = 0; i < SIM_READS; i++)
		sim_at(s, (struct sim_event){ .at = 1000 + rng_below(&s->rng, SIM_FAULTS_END_MS),
		                              .kind = SIM_READ,
		                              .node = (uint8_t)rng_below(&s->rng, SIM_CLIENTS),
		                              .value = rng_below(&s->rng, SIM_REQUESTS) });
}
