/* A scheduler that sees everything, loses nothing, and keeps a protocol undecided (Fischer, Lynch, Paterson 1985); and what ends it (Dwork, Lynch, Stockmeyer 1988). */
#include "tests/sim/explain/explain.h"
#include "tests/sim/explain/raft_tale.h"

#define TOLD_MAX 10u /* rounds with a line of their own */
#define CLUSTERS 50u

struct scheduler {
	struct raft_tale *r;
	bool sees;        /* it knows when what it holds has become too late ... */
	uint32_t hold_ms; /* ... or it holds everything for so long; 0: it holds nothing */
	uint32_t held;    /* messages that it let go late, since somebody asked */
	uint32_t longest_ms;
};

/* What a leader says decides something. Everything else passes. */
static bool passes(void *user, const struct cores_letter *l)
{
	struct scheduler *s = user;
	if (l->type != RAFT_APPEND)
		return true;
	const struct raft_append *a = l->body;
	uint32_t age = (uint32_t)(cores_now(s->r->c) - l->sent_ms);
	if (s->sees && tale_raft(s->r, l->to)->term <= a->term)
		return false; /* until it comes too late to matter: whom it is for is in a higher term */
	if (!s->sees && age < s->hold_ms)
		return false;
	s->held += age > RAFT_TALE_LATENCY_MS;
	s->longest_ms = age > s->longest_ms ? age : s->longest_ms;
	return true;
}

static bool nothing_executed(const struct raft_tale *r)
{
	for (uint8_t i = 0; i < r->n; i++)
		if (cores_executed(r->c, i))
			return false;
	return true;
}

static void wait_for_leader(struct raft_tale *r)
{
	uint32_t leaders = r->leaders;
	for (uint32_t ms = 0; ms < 20000 && r->leaders == leaders; ms++)
		tale_run(r, 1);
	tell_must(r->t, r->leaders > leaders, "somebody else is elected");
}

/* One leader is kept from saying anything until the next one is elected. */
static void one_round(struct raft_tale *r, struct scheduler *s, uint32_t k, bool told)
{
	uint8_t leader = r->leads;
	uint64_t since = tale_now(r);
	r->t->quiet = !told;
	s->held = s->longest_ms = 0;
	wait_for_leader(r);
	tale_run(r, 2 * RAFT_TALE_LATENCY_MS);
	tell_must(r->t, nothing_executed(r), "nothing is decided");
	tell_must(r->t, r->leads != leader || tale_raft(r, leader)->role == RAFT_LEADER, "another one leads");
	tell_at(r->t, tale_now(r),
	        "Round %u: %s led for %llu ms and reached nobody. %u messages of its term arrive now, up to %u ms late, and are refused as old.", k,
	        place_name(3, 0, leader), (unsigned long long)(tale_now(r) - since), s->held, s->longest_ms);
	tell_must(r->t, s->held > 0, "what the scheduler held arrives in the end");
	r->t->quiet = false;
}

static void undecided(struct raft_tale *r, struct scheduler *s, uint32_t rounds)
{
	tell_part(r->t, "The scheduler holds what leaders say until it is too late to matter");
	uint32_t x = tale_ask(r, 1);
	wait_for_leader(r);
	for (uint32_t k = 1; k <= rounds && !r->t->failed; k++)
		one_round(r, s, k, k <= TOLD_MAX || k == rounds);
	tell_must(r->t, !cores_done(r->c, 1) && x == 1, "x is not executed");
	tell_line(r->t, "%s", "");
	tell(r->t,
	     "%u leaders in %llu ms, and x is not decided. Every message arrives in the end, nobody crashed, and nobody did anything wrong. It would have gone "
	     "on "
	     "for %u rounds as "
	     "well, or for ever (--rounds N).",
	     r->leaders, (unsigned long long)tale_now(r), rounds * 10);
	tell_line(r->t, "%s", "");
	tale_logs(r);
}

static void bounded(struct raft_tale *r, struct scheduler *s)
{
	tell_part(r->t, "The first cure: delays are bounded, from some moment on");
	tell_at(r->t, tale_now(r), "The scheduler may hold nothing any more: every message takes %u ms.", RAFT_TALE_LATENCY_MS);
	uint64_t since = tale_now(r);
	s->sees = false;
	tell_must(r->t, tale_run_to_executed(r, 7, 1, 3000), "with bounded delays x is decided");
	tell_must(r->t, digest_equal(cores_chain(r->c, 0), cores_chain(r->c, 1)) && digest_equal(cores_chain(r->c, 0), cores_chain(r->c, 2)),
	          "all three have decided the same");
	tell_at(r->t, tale_now(r), "x is decided everywhere, %llu ms after that. Who was kept undecided for so long has lost nothing by it.",
	        (unsigned long long)(tale_now(r) - since));
}

/* The timers are drawn at random, and whoever chooses the delays beforehand has not seen them. */
static void blind(struct teller *t, uint32_t hold_ms)
{
	uint32_t terms = 0, most = 0;
	uint64_t slowest = 0;
	for (uint32_t k = 0; k < CLUSTERS && !t->failed; k++) {
		struct teller silent = { .to = t->to, .quiet = true };
		struct raft_tale r;
		struct scheduler s = { .r = &r, .hold_ms = hold_ms };
		raft_tale_begin(&r, &silent, 3, 300 + k);
		raft_tale_schedule(&r, passes, &s);
		uint32_t x = tale_ask(&r, 0);
		tell_must(t, tale_run_to_executed(&r, 7, x, 120000) && !silent.failed, "a scheduler that does not see the timers loses in the end");
		terms += r.leaders;
		most = r.leaders > most ? r.leaders : most;
		slowest = tale_now(&r) > slowest ? tale_now(&r) : slowest;
		raft_tale_end(&r);
	}
	tell_line(t, "       %3u ms        %u of %u     %2u.%u              %2u            %5llu ms", hold_ms, CLUSTERS, CLUSTERS, terms / CLUSTERS,
	          terms * 10 / CLUSTERS % 10, most, (unsigned long long)slowest);
}

void explain_flp(struct teller *t, uint32_t rounds)
{
	static const uint32_t hold_ms[] = { 200, 300, 350, 400 };
	struct raft_tale r;
	struct scheduler s = { .r = &r, .sees = true };
	tell(t, "FLP. Fischer, Lynch and Paterson proved in 1985 that no deterministic protocol can be sure to decide, if messages may take any time and one "
	        "replica may crash: a "
	        "scheduler that sees everything can always delay the right message. Here is one at work. It loses no message and crashes nobody; it only "
	        "chooses when "
	        "each message arrives. The three replicas are the real Raft cores, timers and all.");
	raft_tale_begin(&r, t, 3, 1);
	raft_tale_schedule(&r, passes, &s);
	r.brief = true;
	undecided(&r, &s, rounds);
	if (!t->failed)
		bounded(&r, &s);
	raft_tale_end(&r);
	if (t->failed)
		return;
	tell_part(t, "The second cure: the scheduler does not see the timers, which are drawn at random");
	tell(t, "Now it must say beforehand for how long it holds what leaders say. In every round the timers may outlast it, so it loses sooner or later:");
	tell_line(t, "\n   holds each for   decided   leaders, mean   leaders, most   slowest");
	for (size_t i = 0; i < sizeof hold_ms / sizeof hold_ms[0]; i++)
		blind(t, hold_ms[i]);
	tell_line(t, "%s", "");
	tell(t,
	     "To see: safety never depended on time. However long the scheduler played, nobody executed anything that others did not. Only progress did. No "
	     "timeout in Raft is longer "
	     "than %u ms, so a scheduler that may hold everything for longer than that wins again, random or not: Raft, like PBFT, promises progress when "
	     "messages are faster than "
	     "timeouts, and PBFT makes its timeouts longer until they are. (Protocols that toss a coin for the decision itself, as Ben-Or's of 1983, need no "
	     "bound.)",
	     RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS);
}
