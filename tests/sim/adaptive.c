/* An adversary that sees every vote. It slows the vote that would complete a quorum wherever it goes, and lets the others pass at once: a network that delays the next
 * decision longest, within its bounds. And a liar that sees as much gives its vote to half of those who lack just that one: some decide, the others do not.
 *
 * Another one slows what honest leaders propose, until all have lost their offices a few times and everybody waits as long as it ever does; then the liars begin, and the
 * network is quick. */
#include "bft/envelope.h"
#include "tests/sim/sim.h"

#define PLACES 256u

/* Votes of one kind that one replica has been sent for a slot. */
struct counted {
	bft_epoch epoch;
	bft_view view;
	bft_seq seq;
	bft_mask from;
};
struct adaptive {
	struct counted at[SIM_PLACES_MAX][2][PLACES]; /* by kind: prepare votes, COMMITs */
};

static struct counted *place(struct adaptive *a, uint8_t to, bool commit, bft_epoch epoch, bft_view view, bft_seq seq)
{
	struct counted *c = &a->at[to][commit][seq % PLACES];
	if (c->epoch != epoch || c->view != view || c->seq != seq)
		*c = (struct counted){ epoch, view, seq, 0 };
	return c;
}

static bool votes_in(const struct sim *s, const struct frame *f, struct bft_envelope *e)
{
	struct rd r = rd_of(f->bytes, f->n);
	return envelope_read(&r, e) && e->type == PBFT_VOTES && e->signer == BFT_SIGNER_CHANNEL && pbft_decode(e->type, s->said, r.at, rd_left(&r));
}

/* Whether this frame is the one that completes a quorum at `to`. Counts it. */
static bool completes(struct sim *s, uint8_t from, uint8_t to, const struct frame *f, bool count)
{
	struct bft_envelope e;
	const union pbft_body *b = s->said;
	bool any = false;
	if (!votes_in(s, f, &e))
		return false;
	for (uint16_t i = 0; i < b->votes.count; i++) {
		struct counted *c = place(s->adaptive, to, b->votes.leaf[i].kind == BFT_LEAF_COMMIT, e.epoch, b->votes.view, b->votes.leaf[i].seq);
		bft_mask now = c->from | BFT_BIT(from) | BFT_BIT(s->node[to].id); /* its own it has */
		any |= !(c->from & BFT_BIT(from)) && (uint32_t)__builtin_popcountll(now) == s->q;
		if (count)
			c->from |= BFT_BIT(from);
	}
	return any;
}

static bool proposal_in(const struct sim *s, const struct frame *f)
{
	struct bft_envelope e;
	const union pbft_body *b = s->said;
	bool any = false;
	if (!votes_in(s, f, &e))
		return false;
	for (uint16_t i = 0; i < b->votes.count; i++)
		any |= b->votes.leaf[i].kind == BFT_LEAF_PRE_PREPARE;
	return any;
}

static bool inflates(struct sim *s, uint8_t from, const struct frame *f)
{
	return s->inflates && s->now < s->inflated_ms && !s->node[from].liar.lies && proposal_in(s, f) && fault_small(s, FAULT_INFLATES);
}

uint64_t adaptive_delay(struct sim *s, uint8_t from, uint8_t to, const struct frame *f)
{
	if (inflates(s, from, f))
		return 2 * s->genesis.limits.request_timeout_ms;
	if (!s->adaptive || s->calm || !completes(s, from, to, f, true) || !fault_small(s, FAULT_ADAPTIVE))
		return 0;
	return 2 * s->delay_max_ms;
}

bool adaptive_withholds(struct node *d, uint8_t to, const struct frame *f)
{
	struct sim *s = d->sim;
	return s->adaptive && d->liar.splits && s->now >= d->liar.from_ms && completes(s, d->id, to, f, false) && (to + s->seed) % 2 &&
	       fault_small(s, FAULT_SPLITS);
}

/* In an eighth of those with liars, who wait for their turn. */
static void inflation_draw(struct sim *s)
{
	struct rng *plan = &s->faults.plan[FAULT_INFLATES];
	bool any = rng_chance(plan, 12);
	s->inflated_ms = s->end_ms / 4 + rng_below(plan, (uint32_t)s->end_ms / 2);
	s->inflates = any && s->liars && !s->quiet;
	if (s->inflates)
		sim_trace(s, "the liars wait until %llu ms: till then what honest leaders propose is slow", (unsigned long long)s->inflated_ms);
	for (uint32_t i = 0; s->inflates && i < s->n; i++)
		s->node[i].liar.from_ms = s->inflated_ms;
}

/* In a fifth of the seeds. */
void adaptive_draw(struct sim *s)
{
	inflation_draw(s);
	struct rng *plan = &s->faults.plan[FAULT_ADAPTIVE];
	if (s->quiet || !rng_chance(plan, 20))
		return;
	s->adaptive = calloc(1, sizeof *s->adaptive);
	if (!s->adaptive)
		abort();
	for (uint32_t i = 0; i < s->n; i++)
		s->node[i].liar.splits = rng_chance(plan, 70);
}
