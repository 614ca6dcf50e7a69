/* How many answers are enough, and why (bft/quorum.h). */
#include "tests/sim/explain/explain.h"
#include "tests/sim/explain/pbft_tale.h"
#include "tests/sim/explain/raft_tale.h"

#define N_MAX 10u

/* How many members the two quorums that share fewest have in common: every pair is tried. */
static uint32_t least_shared(uint32_t n, uint32_t q)
{
	uint32_t least = n;
	for (uint32_t a = 0; a < 1u << n; a++)
		for (uint32_t b = 0; mask_count(a) == q && b < 1u << n; b++)
			if (mask_count(b) == q && mask_count(a & b) < least)
				least = mask_count(a & b);
	return least;
}

static void row(struct teller *t, uint32_t n)
{
	uint32_t m = quorum_of(BFT_MODE_TRUSTED, n), crash = quorum_faults_of(BFT_MODE_TRUSTED, n);
	uint32_t q = quorum_of(BFT_MODE_BFT, n), f = quorum_faults_of(BFT_MODE_BFT, n);
	uint32_t share = least_shared(n, m), share_bft = least_shared(n, q);
	tell_must(t, share >= 1 && m <= n - crash, "trusted: two majorities share a member, and one is there when as many as may have crashed");
	tell_must(t, share_bft >= f + 1 && q <= n - f, "BFT: two quorums share more members than may lie, and one is there without the liars");
	if (f)
		tell_line(t, "   %2u       %2u          %u          %u               %2u         %u          %u", n, m, crash, share, q, f, share_bft);
	else
		tell_line(t, "   %2u       %2u          %u          %u               too few for any liar", n, m, crash, share);
}

static void table(struct teller *t)
{
	tell_line(t, "\n            trusted (Raft)                     BFT (PBFT)");
	tell_line(t, "    n     quorum   may crash   share        quorum   may lie   share");
	for (uint32_t n = 1; n <= N_MAX; n++)
		row(t, n);
	tell_line(t, "%s", "");
	tell(t, "\"share\" is how many members the two quorums that overlap least have in common; every pair of quorums was tried. Trusted: one is enough, "
	        "since nobody lies. BFT: it must be "
	        "more than may lie, so that one of them is honest. One more replica than 3, 5 or 7 (trusted), or 4, 7 or 10 (BFT), makes the quorum larger and "
	        "bears no more failures.");
}

/* x is on three disks of five. The next three of five have one of these among them, and it speaks up. */
static void majorities_meet(struct teller *t)
{
	static const uint8_t three[CORES_PLACES_MAX] = { 0, 0, 0, 1, 1 }, others[CORES_PLACES_MAX] = { 1, 1, 0, 0, 0 };
	struct raft_tale r;
	tell_part(t, "Five trusted replicas: the quorum that has x, and the next one, meet in C");
	raft_tale_begin(&r, t, 5, 2);
	r.brief = true;
	if (!tell_must(t, tale_make_leader(&r, 0), "A leads"))
		return;
	tale_run(&r, 20);
	tale_cut(&r, three, "D and E hear nobody for a while.");
	uint32_t x = tale_ask(&r, 0);
	tell_must(t, tale_run_to_executed(&r, 7, x, 300), "A, B and C execute x");
	r.brief = false;
	tale_cut(&r, others, "Now A and B are gone. C, D and E are a quorum, and only C has x.");
	static const uint32_t timer_ms[] = { 350, 300, 450 }; /* D, who lacks x, is the first to ask */
	for (uint8_t i = 2; i < 5; i++)
		tale_timer(&r, i, timer_ms[i - 2]);
	tale_run(&r, 320);
	tell_must(t, tale_raft(&r, 3)->role != RAFT_LEADER, "D, who lacks x, is not elected");
	tell_must(t, tale_run_to_executed(&r, 28, x, 3000), "D and E execute x");
	tale_run(&r, 20);
	tell_must(t, tale_raft(&r, 2)->role == RAFT_LEADER, "C leads, who has x");
	tell_at(t, tale_now(&r), "So x, once committed, is in the log of every later leader, whoever is there to vote.");
	raft_tale_end(&r);
}

/* q = 3 of 4: two quorums share two, and one of these is honest. */
static void quorums_meet(struct teller *t)
{
	static const uint8_t without_d[CORES_PLACES_MAX] = { 0, 0, 0, 1 }, without_a[CORES_PLACES_MAX] = { 1 };
	struct pbft_tale p;
	tell_part(t, "Four replicas of which one may lie: the quorum that has x, and the next one, meet in B and C");
	pbft_tale_begin(&p, t, 4, CORES_NOBODY);
	tell_at(t, pbft_tale_now(&p), "D hears nobody for a while.");
	cores_cells(p.c, without_d);
	uint32_t x = pbft_tale_ask(&p, 0);
	cores_run(p.c, 60);
	tell_must(t, cores_executed(p.c, 0) == 1 && cores_executed(p.c, 3) == 0, "A, B and C execute x, D does not");
	tell_at(t, pbft_tale_now(&p),
	        "Now A, who leads, is gone, and D is back. B, C and D are a quorum, and two of them have x. One of the two might lie about it, both cannot.");
	cores_cells(p.c, without_a);
	uint32_t y = pbft_tale_ask(&p, 1);
	cores_ask(p.c, 2, y);
	cores_ask(p.c, 3, y);
	for (uint32_t ms = 0; ms < 20000 && !(cores_done(p.c, 3) >> (y - 1) & 1); ms++)
		cores_run(p.c, 1);
	tell_must(t, cores_requests_of(p.c, cores_decided(p.c, 3, 1)) == 1u << (x - 1), "D executes x as number 1");
	tell_must(t, cores_requests_of(p.c, cores_decided(p.c, 3, 2)) == 1u << (y - 1), "D executes y as number 2");
	tell_must(t, cores_failure(p.c) == NULL, "the honest agree");
	pbft_tale_end(&p);
}

void explain_quorum_sizes(struct teller *t, uint32_t rounds)
{
	(void)rounds;
	tell(t, "QUORUM SIZES. A cluster of n replicas decides when a quorum of q has said yes. Two rules give q. Two quorums must meet in somebody who tells "
	        "the truth, or the second does not "
	        "learn what the first decided. And a quorum must be there when as many as may have failed. These are the numbers that the product uses "
	        "(bft/quorum.h):");
	table(t);
	if (!t->failed)
		majorities_meet(t);
	if (!t->failed)
		quorums_meet(t);
	tell_line(t, "%s", "");
	tell(t,
	     "To see: nobody sent x to the second quorum on purpose. It found x because the two quorums overlap, and it could not have chosen anything else.");
}
