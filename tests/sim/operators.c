/* Operators: an organization lets its replica, which lost its memory, vote again. And one does so for no reason: an epoch ends all the same. */
#include "tests/sim/sim.h"

#define AGAIN_MS 3000u

static void later(struct node *d, uint64_t ms)
{
	sim_at(d->sim, (struct sim_event){ .at = d->sim->now + ms, .kind = SIM_READMIT, .node = (uint8_t)rng_below(&d->sim->rng, SIM_CLIENTS), .from = d->id });
}

void operator_wanted(struct node *d)
{
	if (d->liar.lies || d->wanted)
		return;
	d->wanted = true;
	later(d, 200 + rng_below(&d->sim->rng, 2000));
}

void operators_create(struct sim *s)
{
	struct rng *plan = &s->faults.plan[FAULT_READMIT];
	s->readmits_left = !s->quiet && rng_chance(plan, 30) ? 1 + rng_below(plan, 2) : 0;
	for (uint32_t i = 0; i < s->readmits_left; i++)
		sim_at(s, (struct sim_event){ .at = 500 + rng_below(plan, (uint32_t)s->end_ms),
		                              .kind = SIM_READMIT,
		                              .node = (uint8_t)rng_below(plan, SIM_CLIENTS),
		                              .from = (uint8_t)rng_below(plan, s->n),
		                              .value = 1 });
}

static void on_ordered(void *user, const struct quorate_answer *a)
{
	struct node *d = user;
	sim_trace(d->sim, "readmission of node %u: %s", d->id, a->error == QUORATE_OK ? "ordered" : a->reason);
}

/* What people do: they look at the status, and ask again while it says that it is an observer. */
void operators_event(struct sim *s, const struct sim_event *e)
{
	struct node *d = &s->node[e->from];
	struct sim_client *c = &s->client[e->node];
	struct readmit r = { .member = d->id, .incarnation = e->value ? rng_next(&s->rng) | 1 : d->incarnation };
	struct statement statement;
	uint8_t word[READMIT_BYTES];
	d->wanted &= e->value || r.incarnation;
	if (!r.incarnation || (e->value && !fault(s, FAULT_READMIT, "an organization lets in replica %u, which never was out", d->id)))
		return;
	for (uint32_t i = 0; i < s->n; i++)
		if (!s->node[i].liar.lies && s->node[i].seen.epoch > r.epoch)
			r.epoch = s->node[i].seen.epoch;
	readmit_statement(&statement, &r, &s->cluster);
	s->scheme->sign(&r.signature, &statement, &s->org_secret[d->id]);
	readmit_encode(&r, word);
	if (c->open && r.epoch)
		(void)client_session_readmit(c->session, word, on_ordered, d);
	if (!e->value)
		later(d, AGAIN_MS);
}
