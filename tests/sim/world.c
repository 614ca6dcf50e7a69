/* Time, the queue of events, the faults, the clients: one seed decides all of it. */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->s += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	return n ? (uint32_t)(rng_next(r) % n) : 0;
}

bool rng_chance(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

void sim_trace(struct sim *s, const char *format, ...)
{
	if (!s->trace)
		return;
	va_list args;
	va_start(args, format);
	printf("%8llu  ", (unsigned long long)s->now);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

bool sim_fail(struct sim *s, const char *format, ...)
{
	if (s->failure[0])
		return false;
	va_list args;
	va_start(args, format);
	vsnprintf(s->failure, sizeof s->failure, format, args);
	va_end(args);
	sim_trace(s, "FAILED: %s", s->failure);
	return false;
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void sim_at(struct sim *s, struct sim_event e)
{
	if (s->heap_count == s->heap_capacity) {
		s->heap_capacity = s->heap_capacity ? s->heap_capacity * 2 : 4096;
		s->heap = realloc(s->heap, s->heap_capacity * sizeof *s->heap);
		if (!s->heap)
			abort();
	}
	e.order = s->order++;
	uint32_t i = s->heap_count++;
	while (i && before(&e, &s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = e;
}

static struct sim_event pop(struct sim *s)
{
	struct sim_event top = s->heap[0], last = s->heap[--s->heap_count];
	uint32_t i = 0;
	for (;;) {
		uint32_t c = 2 * i + 1;
		if (c >= s->heap_count)
			break;
		if (c + 1 < s->heap_count && before(&s->heap[c + 1], &s->heap[c]))
			c++;
		if (before(&last, &s->heap[c]))
			break;
		s->heap[i] = s->heap[c];
		i = c;
	}
	s->heap[i] = last;
	return top;
}

/* ---- faults ---- */

static void cut_at_random(struct sim *s)
{
	memset(s->cut, 0, sizeof s->cut);
	if (s->calm || s->forgetting || rng_chance(&s->rng, 50))
		return;
	s->partitions++;
	uint32_t side = rng_below(&s->rng, 1u << s->n);
	bool one_way = rng_chance(&s->rng, 30);
	for (uint32_t a = 0; a < s->n; a++)
		for (uint32_t b = 0; b < s->n; b++)
			if ((side >> a & 1) && !(side >> b & 1)) {
				s->cut[a][b] = true;
				s->cut[b][a] = !one_way;
			}
	sim_trace(s, "partition %x%s", side, one_way ? " one way" : "");
}

static void links(struct sim *s)
{
	if (s->now >= SIM_FAULTS_END_MS)
		s->calm = true;
	cut_at_random(s);
	for (uint32_t i = 0; i < s->n; i++)
		if (s->node[i].up && !s->failure[0])
			node_links(&s->node[i]);
	if (!s->calm)
		sim_at(s, (struct sim_event){ .at = s->now + 200 + rng_below(&s->rng, 3000), .kind = SIM_LINKS });
}

static uint8_t victim(struct sim *s)
{
	for (uint8_t i = 0; s->forgetting && i < s->n; i++)
		if (s->node[i].forgetful)
			return i;
	return (uint8_t)rng_below(&s->rng, s->n);
}

static void crash(struct sim *s, uint8_t id)
{
	struct node *d = &s->node[id];
	if (d->up && !s->calm && d->forgetful == s->forgetting) {
		s->crashes++;
		node_crash(d);
		sim_at(s, (struct sim_event){ .at = s->now + (s->forgetting ? 300 : 10) + rng_below(&s->rng, 4000), .kind = SIM_START, .node = id });
	}
	if (!s->calm && s->crash_every_ms)
		sim_at(s, (struct sim_event){ .at = s->now + 1 + rng_below(&s->rng, 2 * s->crash_every_ms), .kind = SIM_CRASH, .node = victim(s) });
}

static void hand_over(struct sim *s)
{
	for (uint8_t i = 0; i < s->n; i++) {
		struct node *d = &s->node[i];
		struct sim_event e = { .kind = SIM_HAND_OVER, .node = i, .boot = d->boot };
		if (d->up && !d->liar.lies && d->seen.role == STANDING_LEADER)
			node_event(d, &e);
	}
	if (!s->calm)
		sim_at(s, (struct sim_event){ .at = s->now + 150 + rng_below(&s->rng, 250), .kind = SIM_HAND_OVER });
}

static void handle(struct sim *s, const struct sim_event *e)
{
	switch (e->kind) {
	case SIM_REQUEST:
	case SIM_READ:
	case SIM_READMIT:
	case SIM_CLIENT: clients_event(s, e); break;
	case SIM_REPLY:
		clients_event(s, e);
		frame_release(e->frame);
		break;
	case SIM_HAND_OVER: hand_over(s); break;
	case SIM_LINKS: links(s); break;
	case SIM_CRASH: crash(s, e->node); break;
	case SIM_START: node_start(&s->node[e->node]); break;
	case SIM_LINK:
	case SIM_FRAME:
	case SIM_FLUSHED:
	case SIM_TICK: node_event(&s->node[e->node], e); break;
	}
}

static uint32_t pick_n(struct sim *s)
{
	static const uint32_t sizes[8] = { 4, 4, 4, 4, 5, 6, 7, 10 };
	return sizes[rng_below(&s->rng, 8)];
}

static void draw(struct sim *s, uint32_t nodes)
{
	s->n = pick_n(s);
	s->n = nodes ? nodes : s->n;
	s->f = quorum_faults(s->n);
	s->q = quorum_strong(s->n);
	bool tiny = rng_chance(&s->rng, 50); /* most bugs need 2 views and the first slots */
	uint32_t k = tiny ? 1 + rng_below(&s->rng, 4) : 16;
	s->genesis.mode = BFT_MODE_BFT;
	s->genesis.count = s->n;
	s->genesis.limits = (struct bft_genesis_limits){
		.window = tiny ? 2 * k + rng_below(&s->rng, 4) : 64,
		.checkpoint_every = k,
		.snapshot_bytes = 1u << 20,
		.state_bytes = 4u << 20,
		.snapshot_seqs = tiny ? 4 + rng_below(&s->rng, 30) : 24 + rng_below(&s->rng, 100),
		.proposal_bytes_max = 1u << 16,
		.proposal_bundles_max = tiny ? 2 : 16,
		.drift_ms = 5000,
		.sessions_per_key = 32,
		.session_window = 64,
		.request_timeout_ms = 400,
	};
	s->loss = rng_chance(&s->rng, 60) ? rng_below(&s->rng, 20) : 0;
	s->duplicate = rng_below(&s->rng, 10);
	s->delay_max_ms = 2 + rng_below(&s->rng, 60);
	s->crash_every_ms = rng_chance(&s->rng, 70) ? 500 + rng_below(&s->rng, 4000) : 0;
	s->quiet = s->calm = rng_below(&s->rng, 10) == 0;
	s->strike_percent = !s->quiet && rng_chance(&s->rng, 60) ? 1 + rng_below(&s->rng, tiny ? 20 : 8) : 0;
	s->slow = !s->quiet && rng_below(&s->rng, 12) == 0;
	if (s->slow) {
		s->delay_max_ms = 30 + rng_below(&s->rng, 60);
		s->genesis.limits.request_timeout_ms = 30 + rng_below(&s->rng, 60);
	}
	s->scheme = rng_below(&s->rng, 20) == 0 ? &sign_ed25519 : &sign_simulated;
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

static bool finished(const struct sim *s)
{
	if (s->completed < SIM_REQUESTS || !s->calm)
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		if (!s->node[i].liar.lies && (!s->node[i].up || s->node[i].seen.executed != s->top || s->node[i].incarnation))
			return false;
	return true;
}

static void set_up(struct sim *s, uint64_t seed, uint32_t nodes, bool trace)
{
	memset(s, 0, sizeof *s);
	s->seed = seed;
	s->rng.s = seed * 0x2545F4914F6CDD1Du + 1;
	s->trace = trace;
	draw(s, nodes);
	liar_draw(s);
	/* One who loses its memory is no liar, and must not be taken for one; together they are at most f. */
	uint32_t who = rng_chance(&s->rng, 50) ? 0 : rng_below(&s->rng, s->n);
	s->forgetting = !s->quiet && s->liars < s->f && !s->node[who].liar.lies && rng_chance(&s->rng, 25);
	if (s->forgetting) {
		s->node[who].forgetful = true;
		s->loss = s->strike_percent = 0;
		s->crash_every_ms = 1000 + rng_below(&s->rng, 2000);
	}
	liar_idlers(s);
	make_members(s);
	/* In memory where there is such a place: nothing of it outlives the seed. */
	snprintf(s->folder, sizeof s->folder, "%s/quorate-sim-%d", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	mkdir(s->folder, 0700);
	s->chain_at[0] = s->cluster;
	s->said = malloc(bft_pbft.body_bytes);
	if (!s->said)
		abort();
	sim_trace(s, "seed %llu: n=%u f=%u q=%u W=%u K=%u loss=%u%% delay<=%ums crash every %ums, signatures: %s", (unsigned long long)seed, s->n, s->f, s->q,
	          s->genesis.limits.window, s->genesis.limits.checkpoint_every, s->loss, s->delay_max_ms, s->crash_every_ms, s->scheme->name);
}

static void schedule(struct sim *s)
{
	for (uint8_t i = 0; i < s->n; i++)
		sim_at(s, (struct sim_event){ .at = rng_below(&s->rng, 50), .kind = SIM_START, .node = i });
	sim_at(s, (struct sim_event){ .at = 100, .kind = SIM_LINKS });
	sim_at(s, (struct sim_event){ .at = SIM_FAULTS_END_MS, .kind = SIM_LINKS });
	if (s->idlers)
		sim_at(s, (struct sim_event){ .at = 1000, .kind = SIM_HAND_OVER });
	if (s->crash_every_ms)
		sim_at(s, (struct sim_event){ .at = rng_below(&s->rng, s->crash_every_ms), .kind = SIM_CRASH, .node = victim(s) });
}

void sim_run(struct sim *s, uint64_t seed, uint32_t nodes, bool trace)
{
	set_up(s, seed, nodes, trace);
	for (uint8_t i = 0; i < s->n; i++)
		node_create(s, i);
	clients_create(s);
	reads_create(s);
	operators_create(s);
	schedule(s);
	uint64_t turn = 0;
	while (s->heap_count && !s->failure[0] && s->now <= SIM_FAULTS_END_MS + SIM_LIVE_MS) {
		struct sim_event e = pop(s);
		s->now = e.at;
		handle(s, &e);
		if (++turn % 64 == 0 && finished(s))
			break;
	}
	check_end(s);
	while (s->heap_count) {
		struct sim_event e = pop(s);
		frame_release(e.frame);
	}
	for (uint32_t i = 0; i < s->n; i++)
		node_destroy(&s->node[i]);
	clients_destroy(s);
	free(s->heap);
	free(s->statements);
	free(s->said);
	rmdir(s->folder);
}
