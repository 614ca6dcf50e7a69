/* What a seed makes of the cluster, the network, the load and the plan of faults. */
#include "tests/sim/sim.h"

static uint32_t pick_n(struct sim *s)
{
	static const uint32_t sizes[8] = { 4, 4, 4, 4, 5, 6, 7, 10 }, trusted[8] = { 3, 3, 3, 3, 5, 2, 4, 7 };
	return (s->schedule->trusted ? trusted : sizes)[rng_below(&s->rng, 8)];
}

static void draw_cluster(struct sim *s)
{
	s->n = pick_n(s);
	s->n = s->schedule->nodes ? s->schedule->nodes : s->n;
	s->places = s->n;
	s->genesis.mode = s->schedule->trusted ? BFT_MODE_TRUSTED : BFT_MODE_BFT;
	s->f = quorum_faults_of(s->genesis.mode, s->n);
	s->q = quorum_of(s->genesis.mode, s->n);
	bool tiny = rng_chance(&s->rng, 50); /* most bugs need 2 views and the first slots */
	uint32_t k = tiny ? 1 + rng_below(&s->rng, 4) : 16;
	s->genesis.count = s->n;
	s->genesis.limits = (struct bft_genesis_limits){
		.window = tiny ? 2 * k + rng_below(&s->rng, 4) : 64,
		.checkpoint_every = k,
		.snapshot_bytes = 1u << 20,
		.state_bytes = 4u << 20,
		.snapshot_seqs = tiny ? 4 + rng_below(&s->rng, 30) : 24 + rng_below(&s->rng, 100),
		.proposal_bytes_max = 8u << 10, /* so small that segments of the log can be */
		.proposal_bundles_max = tiny ? 2 : 16,
		.drift_ms = 5000,
		.sessions_per_key = 32,
		.session_window = 64,
		.request_timeout_ms = 400,
	};
	s->scheme = rng_below(&s->rng, 20) == 0 ? &sign_ed25519 : &sign_simulated;
}

static void draw_network(struct sim *s)
{
	bool tiny = s->genesis.limits.window < 32;
	s->loss = rng_chance(&s->rng, 60) ? rng_below(&s->rng, 20) : 0;
	s->duplicate = rng_below(&s->rng, 10);
	s->delay_max_ms = 2 + rng_below(&s->rng, 60);
	s->crash_every_ms = rng_chance(&s->rng, 70) ? 500 + rng_below(&s->rng, 4000) : 0;
	s->quiet = s->calm = rng_below(&s->rng, 10) == 0;
	s->strike_percent = !s->quiet && rng_chance(&s->rng, 60) ? 1 + rng_below(&s->rng, tiny ? 20 : 8) : 0;
	s->disks_fail = !s->quiet && rng_chance(&s->faults.plan[FAULT_DISK_FAILS], 40);
	struct rng *rot = &s->faults.plan[FAULT_STATE];
	s->rots = !s->quiet && rng_chance(rot, 50) ? (uint8_t)rng_below(rot, s->n) : SIM_NODES_MAX;
	s->slow = !s->quiet && rng_below(&s->rng, 12) == 0;
	if (s->slow) {
		s->delay_max_ms = 30 + rng_below(&s->rng, 60);
		s->genesis.limits.request_timeout_ms = 30 + rng_below(&s->rng, 60);
	}
}

/* Half of the seeds have registers: fewer requests then, so that a seed costs as much. */
static void draw_load(struct sim *s)
{
	const struct schedule *sch = s->schedule;
	bool registers = rng_chance(&s->rng, 50);
	uint32_t keys = 1 + rng_below(&s->rng, SIM_REGISTERS_MAX);
	s->requests_count = registers ? SIM_REQUESTS / 2 : SIM_REQUESTS;
	if (sch->requests && sch->requests < s->requests_count)
		s->requests_count = sch->requests;
	if (!registers)
		return;
	s->register_keys = keys;
	s->register_wanted = sch->register_ops && sch->register_ops < SIM_REGISTER_OPS ? sch->register_ops : SIM_REGISTER_OPS;
}

/* One who loses its memory is no liar, and must not be taken for one; together they are at most f. */
static void draw_forgetting(struct sim *s)
{
	uint32_t who = rng_chance(&s->rng, 50) ? 0 : rng_below(&s->rng, s->n);
	s->forgetting = !s->quiet && s->liars < s->f && !s->node[who].liar.lies && rng_chance(&s->rng, 60);
	if (!s->forgetting)
		return;
	s->node[who].forgetful = true;
	s->loss = s->strike_percent = 0;
	s->disks_fail = false;
	s->crash_every_ms = 1000 + rng_below(&s->rng, 2000);
}

static void make_members(struct sim *s)
{
	digest_of(&s->cluster, DOMAIN_TEST, &s->seed, sizeof s->seed);
	for (uint32_t i = 0; i < s->n; i++) {
		uint64_t name[2] = { s->seed, i };
		struct digest seed;
		digest_of(&seed, DOMAIN_TEST, name, sizeof name);
		s->scheme->keypair(&s->genesis.cards[i].member_key, &s->secret[i], seed.b);
		seed.b[0] ^= 1;
		s->scheme->keypair(&s->genesis.cards[i].org_key, &s->org_secret[i], seed.b);
		snprintf(s->genesis.cards[i].org, sizeof s->genesis.cards[i].org, "org-%u", i);
	}
}

void draw(struct sim *s)
{
	draw_cluster(s);
	draw_network(s);
	draw_load(s);
	sim_trace(s, "seed %llu: n=%u f=%u q=%u W=%u K=%u, %u requests, %u registers, loss %u%%, delay up to %u ms%s, signatures: %s",
	          (unsigned long long)s->seed, s->n, s->f, s->q, s->genesis.limits.window, s->genesis.limits.checkpoint_every, s->requests_count,
	          s->register_keys, s->loss, s->delay_max_ms, s->slow ? " at all times" : "", s->scheme->name);
	if (!s->schedule->trusted) {
		liar_draw(s);
		if (script_about_state(s)) /* and as many snapshots as there may be */
			s->genesis.limits.snapshot_seqs = s->genesis.limits.checkpoint_every < 4 ? 4 : s->genesis.limits.checkpoint_every;
		adaptive_draw(s);
	}
	draw_forgetting(s);
	if (!s->schedule->trusted) {
		liar_idlers(s);
		liar_coup(s);
	}
	make_members(s);
}
