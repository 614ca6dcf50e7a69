/* The properties: agreement on proposal and chain, validity (network.c), exactly-once and durability (through the chain), monotony, bounded liveness. */
#include "tests/sim/sim.h"

#include <string.h>

/* One history: whoever executes a sequence executes what the first one executed there, with the same chain after it; over restarts too. */
void check_executed(struct sim *s, struct node *d, bft_seq seq, const struct digest *proposal, const struct digest *chain)
{
	if (seq >= SIM_SEQS_MAX) {
		sim_fail(s, "more than %u sequences", SIM_SEQS_MAX);
		return;
	}
	if (digest_is_zero(&s->chain_at[seq])) {
		s->proposal_at[seq] = *proposal;
		s->chain_at[seq] = *chain;
		if (seq > s->top)
			s->top = seq;
		return;
	}
	if (!digest_equal(&s->proposal_at[seq], proposal))
		sim_fail(s, "agreement: node %u executes another proposal at %llu", d->id, (unsigned long long)seq);
	else if (!digest_equal(&s->chain_at[seq], chain))
		sim_fail(s, "determinism: node %u has another chain at %llu", d->id, (unsigned long long)seq);
}

void check_node(struct sim *s, struct node *d)
{
	struct bft_standing now;
	bft_pbft.standing(d->core, &now);
	if (now.view < d->view_max && d->durable == (d->log_count ? d->log[d->log_count - 1].lsn : 0))
		sim_fail(s, "node %u: the view falls from %llu to %llu", d->id, (unsigned long long)d->view_max, (unsigned long long)now.view);
	if (now.view != d->view_seen || now.changing != d->changing_seen) {
		s->view_changes += !now.changing;
		sim_trace(s, "node %u is in view %llu%s, executed %llu, low %llu", d->id, (unsigned long long)now.view, now.changing ? " (changing)" : "",
		          (unsigned long long)now.executed, (unsigned long long)now.low);
		d->view_seen = now.view;
		d->changing_seen = now.changing;
	}
	if (now.view > d->view_max && d->durable == now.lsn)
		d->view_max = now.view;
	if (now.observer)
		sim_fail(s, "node %u believes that it lost its memory", d->id);
	if (now.low > d->low_max)
		d->low_max = now.low;
	if (d->waiting_count > 20000)
		sim_fail(s, "bounds: node %u has %u effects waiting", d->id, d->waiting_count);
}

/* A client that has f+1 answers was told the truth: the request stands in the one history, executed exactly once. */
static void check_requests(struct sim *s)
{
	uint8_t *times = calloc(SIM_REQUESTS, 1);
	if (!times)
		abort();
	for (bft_seq seq = 1; seq <= s->top; seq++) {
		const struct body *b = body_find(s, &s->proposal_at[seq]);
		for (uint16_t i = 0; b && i < b->count; i++)
			times[b->request[i]] = 1;
	}
	for (uint32_t r = 0; r < SIM_REQUESTS; r++)
		if (mask_count(s->acks[r]) > s->f && !times[r])
			sim_fail(s, "durability: request %u was acknowledged and is in no proposal", r);
	free(times);
}

void check_end(struct sim *s)
{
	if (s->failure[0])
		return;
	if (s->completed < SIM_REQUESTS)
		sim_fail(s, "liveness: %u of %u requests completed %u ms after the faults stopped", s->completed, SIM_REQUESTS, SIM_LIVE_MS);
	for (uint32_t i = 0; i < s->n; i++)
		if (!s->node[i].up)
			sim_fail(s, "node %u was never started again", i);
		else if (s->node[i].executed != s->top)
			sim_fail(s, "liveness: node %u is at %llu, the others at %llu", i, (unsigned long long)s->node[i].executed,
			         (unsigned long long)s->top);
	check_requests(s);
}
