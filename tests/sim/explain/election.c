/* A leader is found, serves, dies, and another one is found (Ongaro 3.4, 3.5, 9.6). */
#include "tests/sim/explain/explain.h"
#include "tests/sim/explain/raft_tale.h"

static void it_dies(struct raft_tale *r, uint8_t leader)
{
	uint8_t other = (uint8_t)((leader + 1) % 3);
	tell_part(r->t, "The leader dies, and a client asks for y");
	tale_kill(r, leader);
	uint32_t y = tale_ask(r, other);
	bft_view before = tale_raft(r, other)->term;
	tell_must(r->t, tale_run_to_executed(r, 7 & ~BFT_BIT(leader), y, 5000), "two of three elect another leader and execute y");
	uint8_t next = tale_run_to_leader(r, 0);
	tell_must(r->t, next != CORES_NOBODY && next != leader && tale_raft(r, next)->term > before, "the new leader leads a higher term");

	tell_part(r->t, "The old leader comes back");
	tale_start(r, leader);
	tell_must(r->t, tale_run_to_executed(r, 7, y, 1000), "the old leader executes y too");
	tale_run(r, 100);
	tell_must(r->t, tale_run_to_leader(r, 0) == next, "who comes back disturbs nobody");
}

void explain_election(struct teller *t, uint32_t rounds)
{
	struct raft_tale r;
	(void)rounds;
	tell(t, "ELECTION. Three replicas, A, B and C, run Raft: at any time one of them should lead and the other two follow. A leader needs the votes of a "
	        "majority, "
	        "two of three, and each replica has one vote in a term. So a term has at most one leader, whatever happens.");
	tell_part(t, "Nobody leads yet");
	raft_tale_begin(&r, t, 3, 1);
	tell_at(t, 0, "All three have just started. Each waits for a leader, for a time that it draws at random between %u and %u ms.", RAFT_ELECTION_MS,
	        RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS);
	uint8_t leader = tale_run_to_leader(&r, 2000);
	if (!tell_must(t, leader != CORES_NOBODY, "within two seconds somebody leads"))
		return;
	tale_run(&r, 20);

	tell_part(t, "It serves");
	uint32_t x = tale_ask(&r, (uint8_t)((leader + 1) % 3));
	tell_must(t, tale_run_to_executed(&r, 7, x, 1000), "all three execute x");
	tale_run(&r, 30);

	it_dies(&r, leader);
	tell_part(t, "What is left of it");
	tale_logs(&r);
	for (uint8_t i = 1; i < 3; i++)
		tell_must(t, cores_executed(r.c, i) == cores_executed(r.c, 0) && digest_equal(cores_chain(r.c, i), cores_chain(r.c, 0)),
		          "all three have executed the same, in the same order");
	tell_line(t, "%s", "");
	tell(t, "To see: nobody decided who should lead. Whoever waited for the shortest "
	        "time asked first, "
	        "and was given the votes because nobody else had them. A replica that dies costs the rest one timeout, and nothing that was committed.");
	raft_tale_end(&r);
}
