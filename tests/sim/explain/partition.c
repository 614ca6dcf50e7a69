/* Two of five are cut off, their leader among them (Ongaro 3.4, 6.2, 6.4; Gilbert and Lynch, 2002). */
#include "tests/sim/explain/explain.h"
#include "tests/sim/explain/raft_tale.h"

#include <string.h>

/* The leader and its neighbour on the one side, in cell 1. */
static bft_mask minority_of(uint8_t leader, uint8_t cell[CORES_PLACES_MAX])
{
	uint8_t beside = (uint8_t)((leader + 1) % 5);
	memset(cell, 0, CORES_PLACES_MAX);
	cell[leader] = cell[beside] = 1;
	return BFT_BIT(leader) | BFT_BIT(beside);
}

static bool in_log(const struct raft_tale *r, uint8_t place, uint32_t request)
{
	return strstr(tale_log_of(r, place).text, tale_request_name(request)) != NULL;
}

static void ask_to_read(struct raft_tale *r, uint8_t place, uint64_t id)
{
	tell_at(r->t, tale_now(r), "A client wants to read at %s. %s asks the others: do you still follow me?", place_name(5, 0, place),
	        place_name(5, 0, place));
	cores_read(r->c, place, id);
}

/* The old leader does not know yet that it leads nobody. */
static uint32_t ask_the_old(struct raft_tale *r, uint8_t old)
{
	uint32_t y = tale_ask(r, old);
	ask_to_read(r, old, 1);
	tale_run(r, 40);
	tell_must(r->t, in_log(r, old, y), "the leader has y in its log");
	tell_at(r->t, tale_now(r),
	        "y is on two disks of five, and two are no majority: %s waits. It neither executes y nor says that it is done, nor does it read.",
	        place_name(5, 0, old));
	return y;
}

static uint8_t another_leads(struct raft_tale *r, uint8_t old, bft_mask few)
{
	uint8_t next = old;
	for (uint32_t ms = 0; ms < 3000 && (few & BFT_BIT(next)); ms++) {
		tale_run(r, 1);
		next = r->leads;
	}
	if (tell_must(r->t, !(few & BFT_BIT(next)), "three of five elect a leader") &&
	    tell_must(r->t, tale_raft(r, old)->role == RAFT_LEADER, "the old leader still believes that it leads"))
		tell_at(r->t, tale_now(r),
		        "Now two believe that they lead: %s in term %llu, %s in term %llu. It does no harm, since only one of them has a majority.",
		        place_name(5, 0, old), (unsigned long long)tale_raft(r, old)->term, place_name(5, 0, next),
		        (unsigned long long)tale_raft(r, next)->term);
	return next;
}

static uint32_t ask_the_new(struct raft_tale *r, uint8_t next, bft_mask few)
{
	tale_run(r, 20);
	uint32_t z = tale_ask(r, next);
	tell_must(r->t, tale_run_to_executed(r, 31 & ~few, z, 500), "three of five execute z");
	ask_to_read(r, next, 2);
	tale_run(r, 20);
	return z;
}

static void the_old_gives_up(struct raft_tale *r, uint8_t old, bft_mask few, uint32_t y)
{
	for (uint32_t ms = 0; ms < 1000 && tale_raft(r, old)->role == RAFT_LEADER; ms++)
		tale_run(r, 1);
	tell_must(r->t, tale_raft(r, old)->role != RAFT_LEADER, "a leader without a majority steps down");
	tell_must(r->t, r->reads_answered == 1 && r->reads_refused == 1, "the old leader's read is refused, the new one's answered");
	tale_run(r, 600);
	for (uint8_t i = 0; i < 5; i++)
		tell_must(r->t, !(cores_done(r->c, i) >> (y - 1) & 1), "y is not executed anywhere");
	tell_at(r->t, tale_now(r), "So it goes on for as long as the cut lasts: %s answer nothing, %s answer everything.", names_of(few).text,
	        names_of(31 & ~few).text);
}

static void heal(struct raft_tale *r, uint8_t old, uint8_t leader, uint32_t y, uint32_t z)
{
	static const uint8_t together[CORES_PLACES_MAX];
	tell_part(r->t, "The network is whole again");
	tale_logs(r);
	tell_line(r->t, "%s", "");
	tale_cut(r, together, "All five hear one another.");
	tell_must(r->t, tale_run_to_executed(r, 31, z, 3000), "the smaller side executes z too");
	tell_must(r->t, tale_run_to_executed(r, 31, y, 3000), "y, which waited, is executed as well");
	tale_run(r, 100);
	tell_must(r->t, tale_run_to_leader(r, 0) == leader, "who comes back disturbs no leader");
	tell_must(r->t, tale_raft(r, old)->role == RAFT_FOLLOWER, "the old leader follows");
	tell_part(r->t, "What is left of it");
	tale_logs(r);
	for (uint8_t i = 1; i < 5; i++)
		tell_must(r->t, digest_equal(cores_chain(r->c, i), cores_chain(r->c, 0)), "all five have executed the same, in the same order");
}

void explain_partition(struct teller *t, uint32_t rounds)
{
	struct raft_tale r;
	uint8_t cell[CORES_PLACES_MAX];
	uint32_t y = 0, z = 0;
	(void)rounds;
	tell(t, "PARTITION. Five replicas, and the network breaks in two. The CAP theorem says what cannot be had then: both sides cannot go on answering "
	        "(available) as if they were "
	        "one (consistent). A protocol has to choose, and this one always chooses consistency: the side with a majority goes on, and the other side "
	        "refuses.");
	tell_part(t, "Before");
	raft_tale_begin(&r, t, 5, 2);
	r.brief = true;
	uint8_t leader = tale_run_to_leader(&r, 2000);
	if (!tell_must(t, leader != CORES_NOBODY, "within two seconds somebody leads"))
		return;
	tale_run(&r, 20);
	uint32_t x = tale_ask(&r, leader);
	tell_must(t, tale_run_to_executed(&r, 31, x, 500), "all five execute x");

	bft_mask few = minority_of(leader, cell);
	tell_part(t, "The cut: %s on one side, %s on the other", names_of(few).text, names_of(31 & ~few).text);
	tale_cut(&r, cell, "Nothing gets across any more. Nobody is told.");
	r.brief = false;
	y = ask_the_old(&r, leader);
	uint8_t next = another_leads(&r, leader, few);
	if (!t->failed)
		z = ask_the_new(&r, next, few);
	if (!t->failed)
		the_old_gives_up(&r, leader, few, y);
	if (!t->failed)
		heal(&r, leader, next, y, z);
	tell_line(t, "%s", "");
	tell(t, "To see: the smaller side lost no data and gave no wrong answer; it gave none. Its leader had written y, but what only a minority has is not "
	        "committed: another entry took "
	        "its place. y itself was not lost either, because the replica that was asked for it kept it until somebody could order it. A client on the "
	        "small side waits, "
	        "or asks a replica on the other side.");
	raft_tale_end(&r);
}
