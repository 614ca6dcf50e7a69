/* Three replicas and one liar cannot agree, four can (Pease, Shostak, Lamport 1980; Castro and Liskov 1999). */
#include "tests/sim/explain/explain.h"
#include "tests/sim/explain/pbft_tale.h"

#include <string.h>

/* The liar is member A, and it leads: it runs twice with one key, so it can say one thing to some and another to the rest. Whatever else it does is by the rules. */
#define LIAR 0u

static void why_not_three(struct teller *t)
{
	tell_line(t, "   each waits for   two quorums share   one of them is honest    with one silent");
	for (uint32_t q = 2; q <= 3; q++)
		tell_line(t, "   %u of 3           at least %u          %-24s %s", q, 2 * q - 3, 2 * q - 3 >= 2 ? "yes" : "no, it may be the liar",
		          q <= 3 - 1 ? "they go on" : "they wait for ever");
}

static void safety_goes(struct teller *t)
{
	static const uint8_t cell[CORES_PLACES_MAX] = { 0, 0, 1, 1 }; /* A with B, A' with C */
	struct pbft_tale p;
	tell_part(t, "Three replicas that wait for two: they go on, and disagree");
	pbft_tale_begin(&p, t, 3, LIAR);
	tell_must(t, tale_pbft(&p, 1)->q == 2, "with three members the quorum is two");
	tell_at(t, pbft_tale_now(&p),
	        "Between B and C the network is slow: for a moment neither hears the other. A, who leads, hears both, and shows B one face (A) and C another "
	        "one (A').");
	cores_cells(p.c, cell);
	pbft_tale_ask(&p, 0);
	pbft_tale_ask(&p, 3);
	cores_run(p.c, 100);
	tell_must(t, cores_executed(p.c, 1) == 1 && cores_executed(p.c, 2) == 1, "B and C have both executed number 1");
	tell_must(t, !digest_equal(cores_decided(p.c, 1, 1), cores_decided(p.c, 2, 1)), "they have executed different things");
	tell_must(t, cores_failure(p.c) && !strncmp(cores_failure(p.c), "agreement", 9), "the check of agreement sees it");
	tell_at(t, pbft_tale_now(&p), "B and C are both honest, and have executed different things as number 1. Nothing can mend that: safety is gone.");
	pbft_tale_end(&p);
}

static void liveness_goes(struct teller *t)
{
	static const uint8_t cell[CORES_PLACES_MAX] = { 1 };
	struct pbft_tale p;
	tell_part(t, "Three replicas that wait for all three: they agree, and stand still");
	pbft_tale_begin(&p, t, 3, CORES_NOBODY);
	for (uint8_t i = 0; i < 3; i++) {
		tale_pbft(&p, i)->q = 3; /* what it would take to be safe */
		tale_pbft(&p, i)->weak = 2;
	}
	tell_at(t, pbft_tale_now(&p), "A says nothing at all. (The cores are told to wait for three, and to take two for one honest.)");
	cores_cells(p.c, cell);
	uint32_t x = pbft_tale_ask(&p, 1);
	cores_ask(p.c, 2, x);
	cores_run(p.c, 2000);
	bool still = t->quiet;
	t->quiet = true; /* what follows is the same again */
	cores_run(p.c, 58000);
	t->quiet = still;
	tell_must(t, !cores_executed(p.c, 1) && !cores_executed(p.c, 2), "neither B nor C has executed anything in a minute");
	tell_must(t, cores_failure(p.c) == NULL, "nobody did anything wrong");
	tell_at(t, pbft_tale_now(&p),
	        "A minute has passed and nothing was decided, nor another leader found: both take three. To B and C a liar that says nothing looks like one "
	        "that is slow.");
	pbft_tale_end(&p);
}

static void four_agree(struct teller *t)
{
	static const uint8_t cell[CORES_PLACES_MAX] = { 0, 0, 1, 1, 1 }, together[CORES_PLACES_MAX]; /* A with B, A' with C and D */
	struct pbft_tale p;
	tell_part(t, "Four replicas that wait for three, and the same two faces");
	pbft_tale_begin(&p, t, 4, LIAR);
	tell_must(t, tale_pbft(&p, 1)->q == quorum_strong(4) && quorum_strong(4) == 3, "with four members the quorum is three");
	tell_at(t, pbft_tale_now(&p), "B is the slow one now: for a moment it does not hear C and D. A shows B one face (A), and C and D another one (A').");
	cores_cells(p.c, cell);
	uint32_t x = pbft_tale_ask(&p, 0), y = pbft_tale_ask(&p, 4);
	cores_run(p.c, 60);
	tell_must(t, cores_executed(p.c, 1) == 0, "B has executed nothing");
	tell_must(t, cores_executed(p.c, 2) == 1 && cores_executed(p.c, 3) == 1, "C and D have executed number 1");
	tell_at(t, pbft_tale_now(&p),
	        "x has two of three votes, and A has no more to give: the third could only be C or D, who are honest and have voted for y.");
	tell_part(t, "Everybody hears everybody again");
	cores_cells(p.c, together);
	cores_ask(p.c, 1, x); /* its client asks all, as it has no answer */
	cores_ask(p.c, 2, x);
	cores_ask(p.c, 3, x);
	for (uint32_t ms = 0; ms < 20000 && !cores_all_done(p.c); ms++)
		cores_run(p.c, 1);
	tell_must(t, cores_all_done(p.c), "B, C and D have executed x and y");
	tell_must(t, cores_failure(p.c) == NULL, "the honest agree, and nobody honest is accused");
	for (uint8_t i = 2; i < 4; i++)
		tell_must(t, digest_equal(cores_chain(p.c, i), cores_chain(p.c, 1)), "the honest have executed the same, in the same order");
	struct cores_counts counts;
	cores_counts(p.c, &counts);
	tell_must(t, counts.convicted, "somebody honest can prove that A lies");
	tell_at(t, pbft_tale_now(&p), "B, C and D have executed the same in the same order, y as number 1%s.",
	        cores_requests_of(p.c, cores_decided(p.c, 1, 2)) == 1u << (x - 1) ? " and x as number 2" : "");
	(void)y;
	pbft_tale_end(&p);
}

static void four_go_on(struct teller *t)
{
	static const uint8_t cell[CORES_PLACES_MAX] = { 1 };
	struct pbft_tale p;
	tell_part(t, "Four replicas that wait for three, and a liar that says nothing");
	pbft_tale_begin(&p, t, 4, CORES_NOBODY);
	tell_at(t, pbft_tale_now(&p), "A, who leads, falls silent.");
	cores_cells(p.c, cell);
	uint32_t x = pbft_tale_ask(&p, 1);
	cores_ask(p.c, 2, x);
	cores_ask(p.c, 3, x);
	for (uint32_t ms = 0; ms < 20000 && !(cores_done(p.c, 1) & cores_done(p.c, 2) & cores_done(p.c, 3)); ms++)
		cores_run(p.c, 1);
	tell_must(t, cores_done(p.c, 1) & cores_done(p.c, 2) & cores_done(p.c, 3) & 1, "three of four execute x without A");
	tell_must(t, cores_failure(p.c) == NULL, "the honest agree");
	pbft_tale_end(&p);
}

void explain_two_generals_of_four(struct teller *t, uint32_t rounds)
{
	(void)rounds;
	tell(t, "TWO GENERALS OF FOUR. One of the replicas lies, and nobody knows which. A replica may wait for q answers before it decides. Any two such "
	        "quorums must have an honest "
	        "member in common, or two honest replicas can decide differently; and q must not need the liar's answer, or it can stop everybody by saying "
	        "nothing. "
	        "With three replicas no q does both:");
	tell_line(t, "%s", "");
	why_not_three(t);
	safety_goes(t);
	liveness_goes(t);
	four_agree(t);
	four_go_on(t);
	tell_line(t, "%s", "");
	tell(t,
	     "To see: with four and q = 3, two quorums share %u members, so one of them is honest, and it votes once. And three are there without the liar. In "
	     "general n replicas bear "
	     "f liars if n is at least 3f + 1. These are the product's own PBFT cores; the liar is one of them that runs twice with one key, so each of its "
	     "statements is valid "
	     "by itself.",
	     2 * quorum_strong(4) - 4);
}
