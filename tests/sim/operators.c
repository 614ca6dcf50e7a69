/* Operators: an organization lets its replica, which lost its memory, vote again. And one does so for no reason: an epoch ends all the same. Others give their replicas
 * another key, of liars too. */
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
	if (s->idlers)
		return; /* an epoch that ends for another reason forgets what was counted in it */
	struct rng *plan = &s->faults.plan[FAULT_READMIT];
	s->readmits_left = !s->quiet && rng_chance(plan, 30) ? 1 + rng_below(plan, 2) : 0;
	for (uint32_t i = 0; i < s->readmits_left; i++)
		sim_at(s, (struct sim_event){ .at = 500 + rng_below(plan, (uint32_t)s->end_ms),
		                              .kind = SIM_READMIT,
		                              .node = (uint8_t)rng_below(plan, SIM_CLIENTS),
		                              .from = (uint8_t)rng_below(plan, s->n),
		                              .value = 1 });
	plan = &s->faults.plan[FAULT_ROTATE];
	uint32_t rotations = !s->quiet && rng_chance(plan, 40) ? 1 + rng_below(plan, 4) : 0;
	for (uint32_t i = 0; i < rotations; i++)
		sim_at(s, (struct sim_event){ .at = 500 + rng_below(plan, (uint32_t)s->end_ms),
		                              .kind = SIM_READMIT,
		                              .node = (uint8_t)rng_below(plan, SIM_CLIENTS),
		                              .from = (uint8_t)rng_below(plan, s->n),
		                              .value = 2 });
}

/* ---- another key ---- */

static void on_rotated(void *user, const struct quorate_answer *a)
{
	struct node *d = user;
	d->sim->rotations += a->error == QUORATE_OK;
	sim_trace(d->sim, "another key for node %u: %s", d->id, a->error == QUORATE_OK ? "ordered" : a->reason);
}

bool operator_secret(const struct node *d, const struct public_key *key, struct secret_key *out)
{
	for (uint32_t i = 0; i <= d->later_count; i++) {
		const struct secret_key *secret = i ? &d->later[i - 1] : &d->sim->secret[d->id];
		if (memcmp(secret->b + 32, key->b, sizeof key->b) != 0)
			continue;
		*out = *secret;
		return true;
	}
	return false;
}

/* The key lies with the replica before anybody hears of it. */
static void rotate(struct node *d, struct sim_client *c, bft_epoch epoch)
{
	struct sim *s = d->sim;
	struct rotate r = { .epoch = epoch, .member = d->id };
	struct statement statement;
	uint8_t word[ROTATE_BYTES], seed[32] = { 0 };
	if (d->later_count == SIM_KEYS_MAX || !c->open || !epoch)
		return;
	for (uint32_t i = 0; i < sizeof seed; i++)
		seed[i] = (uint8_t)rng_next(&s->rng);
	struct secret_key *fresh = &d->later[d->later_count++];
	s->scheme->keypair(&r.key, fresh, seed);
	rotate_statement(&statement, &r, DOMAIN_ROTATE, &s->cluster);
	s->scheme->sign(&r.signature, &statement, &s->org_secret[d->id]);
	rotate_statement(&statement, &r, DOMAIN_ROTATE_OWN, &s->cluster);
	s->scheme->sign(&r.own, &statement, fresh);
	rotate_encode(&r, word);
	(void)client_session_rotate(c->session, word, on_rotated, d);
}

static bft_epoch present_epoch(const struct sim *s)
{
	bft_epoch epoch = 0;
	for (uint32_t i = 0; i < s->n; i++)
		if (!s->node[i].liar.lies && s->node[i].seen.epoch > epoch)
			epoch = s->node[i].seen.epoch;
	return epoch;
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
	if (e->value == 2) {
		if (fault(s, FAULT_ROTATE, "an organization gives replica %u another key", d->id))
			rotate(d, c, present_epoch(s));
		return;
	}
	d->wanted &= e->value || r.incarnation;
	if (!r.incarnation || (e->value && !fault(s, FAULT_READMIT, "an organization lets in replica %u, which never was out", d->id)))
		return;
	r.epoch = present_epoch(s);
	readmit_statement(&statement, &r, &s->cluster);
	s->scheme->sign(&r.signature, &statement, &s->org_secret[d->id]);
	readmit_encode(&r, word);
	if (c->open && r.epoch)
		(void)client_session_readmit(c->session, word, on_ordered, d);
	if (!e->value)
		later(d, AGAIN_MS);
}
