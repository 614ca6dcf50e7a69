/* All stand at once, and each votes for itself (Ongaro 3.4). */
#include "tests/sim/explain/explain.h"
#include "tests/sim/explain/raft_tale.h"

#define CLUSTERS 200u

static bool any_leads(const struct raft_tale *r)
{
	for (uint8_t i = 0; i < r->n; i++)
		if (tale_raft(r, i)->role == RAFT_LEADER)
			return true;
	return false;
}

/* The scheduler sets all timers alike: what chance would do once in a while, it does each time. */
static void one_round(struct raft_tale *r)
{
	for (uint8_t i = 0; i < r->n; i++)
		tale_timer(r, i, RAFT_ELECTION_MS);
	tale_run(r, RAFT_ELECTION_MS + 6 * RAFT_TALE_LATENCY_MS);
}

/* Fresh clusters whose timers nobody touches: how often the first election fails, and how long the slowest took. */
static void by_chance(struct teller *t, uint32_t latency_ms)
{
	uint32_t split = 0, worst = 0;
	uint64_t sum = 0;
	for (uint32_t k = 0; k < CLUSTERS && !t->failed; k++) {
		struct teller silent = { .to = t->to, .quiet = true };
		struct raft_tale r;
		raft_tale_begin_slow(&r, &silent, 3, 100 + k, latency_ms);
		uint8_t leader = tale_run_to_leader(&r, 10000);
		tell_must(t, leader != CORES_NOBODY && !silent.failed, "every cluster finds a leader by itself");
		split += leader != CORES_NOBODY && tale_raft(&r, leader)->term > 1;
		worst = tale_now(&r) > worst ? (uint32_t)tale_now(&r) : worst;
		sum += tale_now(&r);
		raft_tale_end(&r);
	}
	tell_line(t, "       %3u ms           %3u of %u             %4u ms           %4u ms", latency_ms, split, CLUSTERS, (uint32_t)(sum / CLUSTERS), worst);
}

void explain_split_vote(struct teller *t, uint32_t rounds)
{
	struct raft_tale r;
	tell(t, "SPLIT VOTE. Each replica has one vote in a term. If three stand at the same moment, each has given its vote to itself before it hears of the "
	        "others, and nobody "
	        "has two of three. Nothing is wrong then, but nobody leads: they must try again. If their timers went off together again, that could go on for "
	        "ever.");
	raft_tale_begin(&r, t, 3, 1);
	for (uint32_t k = 1; k <= rounds; k++) {
		r.brief = k > 1;
		tell_part(t, "Round %u: the scheduler lets all three timers end in the same millisecond", k);
		bft_view before = tale_raft(&r, 0)->term;
		one_round(&r);
		bool candidates = true;
		for (uint8_t i = 0; i < 3; i++)
			candidates &= tale_raft(&r, i)->role == RAFT_CANDIDATE && tale_raft(&r, i)->term == before + 1;
		if (!tell_must(t, candidates && !any_leads(&r), "the vote is split, and nobody leads"))
			return;
		tell_at(t, tale_now(&r), "Term %u has three candidates with one vote each, and no leader.", k);
	}
	r.brief = false;
	tell_part(t, "The cure: the timers are left alone, and each draws its next timeout at random");
	for (uint8_t i = 0; i < 3; i++)
		tell_at(t, tale_now(&r), "%s will wait for %llu ms more.", place_name(3, 0, i),
		        (unsigned long long)(tale_raft(&r, i)->election_ms - cores_now(r.c)));
	uint8_t leader = tale_run_to_leader(&r, 5000);
	tell_must(t, leader != CORES_NOBODY && tale_raft(&r, leader)->term > rounds, "with timers apart somebody wins");
	tale_run(&r, 10);
	tell_part(t, "How often does it happen by itself? Fresh clusters of three whose timers nobody touched");
	tell_line(t, "%s", "  message delay   second term needed   mean time to leader   slowest");
	static const uint32_t latency_ms[] = { 5, 20, 50, 100 };
	for (size_t i = 0; i < sizeof latency_ms / sizeof latency_ms[0]; i++)
		by_chance(t, latency_ms[i]);
	tell_line(t, "%s", "");
	tell(t,
	     "To see: the first to wake must have asked, been answered, and told everybody that it leads, before the next one wakes. That takes a few message "
	     "delays; so the "
	     "timeouts are spread over a time that is long beside a message delay (here %u ms). The question before the vote helps as well: who hears it late "
	     "is told that "
	     "somebody stands already, and does not stand against it.",
	     RAFT_ELECTION_SPREAD_MS);
	raft_tale_end(&r);
}
