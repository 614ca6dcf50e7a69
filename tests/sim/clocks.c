/* The wall clocks of the replicas: apart by less than the agreed drift, and stepped; and of a few, as many as may fail, anywhere. Agreed time follows neither back nor
 * far ahead. */
#include "tests/sim/sim.h"

#define APART_MS 2000u /* from true time, either way: two of them together stay below the drift of 5 s */
#define FAR_MS 3600000u

uint64_t clock_of(const struct node *d)
{
	int64_t drifted = (int64_t)d->sim->now * d->drift_ppm / 1000000;
	return SIM_WALL_MS + d->sim->now + (uint64_t)(d->clock_ms + drifted);
}

uint64_t mono_of(const struct node *d)
{
	return d->sim->now + (uint64_t)((int64_t)d->sim->now * d->speed_ppm / 1000000);
}

/* When its clock shows `mono`, or more. */
uint64_t true_time_of(const struct node *d, uint64_t mono)
{
	uint64_t t = mono * 1000000 / (uint64_t)(1000000 + d->speed_ppm);
	while (t + (uint64_t)((int64_t)t * d->speed_ppm / 1000000) < mono)
		t++;
	return t;
}

static int64_t either_way(struct rng *plan, uint32_t ms)
{
	return (int64_t)rng_below(plan, 2 * ms + 1) - ms;
}

/* Within bounds even in seeds where nothing happens: nobody may lose office for it. */
void clocks_create(struct sim *s)
{
	struct rng *plan = &s->faults.plan[FAULT_CLOCK];
	bool apart = rng_chance(plan, 60), far = rng_chance(plan, 40) && !s->quiet && !s->schedule->trusted; /* of whom nobody would say so */
	uint32_t left = s->f - s->liars - s->forgetting;
	s->clocks_far = far;
	for (uint32_t i = 0; i < s->n; i++) {
		struct node *d = &s->node[i];
		d->clock_ms = apart ? either_way(plan, APART_MS / 2) : 50 * (int64_t)i;
		d->drift_ppm = apart ? (int32_t)either_way(plan, 5000) : 0;
		if (far && left && !d->liar.lies && !d->forgetful && rng_chance(plan, 50)) {
			d->far = true;
			left--;
		}
		if (d->liar.lies && (d->liar.scripts >> (FAULT_LIARS_CLOCK - FAULT_SILENT) & 1) &&
		    fault(s, FAULT_LIARS_CLOCK, "the clock of replica %u, which lies, is wrong", i)) {
			int64_t edge = (int64_t)s->genesis.limits.drift_ms,
				off[] = { edge - 200, edge + 2000, -edge, (int64_t)FAR_MS, -(int64_t)SIM_WALL_MS / 2, 0, 0 };
			uint32_t how = rng_below(plan, 7);
			d->clock_ms = off[how];
			d->drift_ppm = how == 5 ? -1000000 : how == 6 ? 1000000 : d->drift_ppm; /* it stands still, or runs twice as fast */
			d->far = true;
		}
		for (uint32_t steps = apart || d->far ? rng_below(plan, 4) : 0; steps; steps--)
			sim_at(s, (struct sim_event){ .at = 500 + rng_below(plan, SIM_FAULTS_END_MS), .kind = SIM_CLOCK, .node = (uint8_t)i });
	}
}

/* Half of the trusted clusters read by lease, with the bound that they were given: at its edges, too. */
void clocks_speeds(struct sim *s)
{
	struct rng *plan = &s->faults.plan[FAULT_SPEED];
	uint32_t bound = 1 + rng_below(plan, BFT_LEASE_DRIFT_PERCENT_MAX);
	if (!s->schedule->trusted || !rng_chance(plan, 50))
		return;
	s->lease_drift_percent = bound;
	s->register_keys = 1; /* whoever reads, reads what others write */
	sim_at(s, (struct sim_event){ .at = 1000, .kind = SIM_CUT_LEADER });
	for (uint32_t i = 0; i < s->n; i++) {
		int32_t edge = (int32_t)bound * 10000, how = (int32_t)rng_below(plan, 4);
		int32_t speed = how == 0 ? edge : how == 1 ? -edge : (int32_t)rng_below(plan, 2 * (uint32_t)edge + 1) - edge;
		if (fault(s, FAULT_SPEED, "the clock of replica %u runs at %d ppm off true time", i, speed))
			s->node[i].speed_ppm = speed;
	}
}

void clocks_event(struct sim *s, const struct sim_event *e)
{
	struct node *d = &s->node[e->node];
	enum fault_class class = d->far ? FAULT_CLOCK_FAR : FAULT_CLOCK;
	int64_t to = either_way(&s->faults.plan[FAULT_CLOCK], d->far ? FAR_MS : APART_MS / 2);
	if (s->now < s->end_ms && fault(s, class, "replica %u's clock is set to %lld ms from true time", d->id, (long long)to))
		d->clock_ms = to;
}

/* What a sequence's agreed time is, is the same everywhere; it never falls; and it is at most the drift ahead of an honest clock that is right. */
void clocks_check(struct node *d, const struct standing *now)
{
	struct sim *s = d->sim;
	bft_seq seq = now->executed;
	if (!seq || seq >= SIM_SEQS_MAX)
		return;
	if (s->time_at[seq] && s->time_at[seq] != now->time_ms)
		sim_fail(s, "time: node %u has another time at %llu", d->id, (unsigned long long)seq);
	s->time_at[seq] = now->time_ms;
	bft_seq low = seq < s->timed ? seq : s->timed, high = seq < s->timed ? s->timed : seq;
	if (low && s->time_at[low] > s->time_at[high])
		sim_fail(s, "time: it falls between %llu and %llu", (unsigned long long)low, (unsigned long long)high);
	s->timed = high;
	if (now->time_ms > SIM_WALL_MS + s->now + APART_MS + s->genesis.limits.drift_ms)
		sim_fail(s, "time: at %llu it is %llu ms ahead of true time", (unsigned long long)seq,
		         (unsigned long long)(now->time_ms - SIM_WALL_MS - s->now));
}
