/* Mistakes that implementations of Raft have made, as whole traces: what docs/protocol.md ("Traps of Raft") names and no single core can show. */
#include "tests/stories/raft_world.h"

enum { A, B, C, D, E };

static struct raft_world *led_by_a(uint32_t n)
{
	struct raft_world *w = raft_world_new(n, 1);
	CU_ASSERT_FATAL(tale_make_leader(&w->r, A));
	tale_run(&w->r, 100);
	return w;
}

static bool leads(const struct raft_world *w, uint8_t place)
{
	return tale_raft(&w->r, place)->role == RAFT_LEADER;
}

static bool done(const struct raft_world *w, uint8_t place, uint32_t request)
{
	return cores_done(w->r.c, place) >> (request - 1) & 1;
}

/* 2. What the leader before committed, and told nobody but a client, is read from the new leader though nobody writes. */
static void a_new_leader_without_load_reads(void)
{
	struct raft_world *w = led_by_a(3);
	uint32_t x = tale_ask(&w->r, A);
	while (!done(w, A, x))
		tale_run(&w->r, 1);
	CU_ASSERT(!done(w, B, x) && !done(w, C, x));
	tale_kill(&w->r, A);
	CU_ASSERT_FATAL(tale_make_leader(&w->r, B));
	cores_disk(w->r.c, C, true);
	cores_read(w->r.c, B, 1);
	tale_run(&w->r, 4 * RAFT_HEARTBEAT_MS);
	/* A majority confirms that it leads; but before it has committed in its term it cannot know what is committed. */
	CU_ASSERT(leads(w, B) && tale_raft(&w->r, B)->commit == 1 && w->r.reads_answered == 0);
	cores_disk(w->r.c, C, false);
	tale_run(&w->r, 100);
	CU_ASSERT(w->r.reads_answered == 1 && w->r.read_at >= 2 && done(w, B, x));
	raft_world_end(w, NULL);
}

/* 3. Killed between its vote and the flush, a member may vote anew in the same term: nobody has heard the first vote, so there is one leader all the same. */
static void killed_between_vote_and_flush(void)
{
	struct raft_world *w = raft_world_new(3, 1);
	tale_timer(&w->r, A, 100);
	tale_timer(&w->r, B, 100);
	raft_world_cells(w, "AC B", "B is far away.");
	while (tale_raft(&w->r, A)->role != RAFT_CANDIDATE)
		tale_run(&w->r, 1);
	bft_view term = tale_raft(&w->r, A)->term;
	cores_disk(w->r.c, C, true);
	tale_run(&w->r, 2 * RAFT_TALE_LATENCY_MS);
	CU_ASSERT(tale_raft(&w->r, C)->voted == A + 1 && !leads(w, A)); /* decided, and not said */
	tale_kill(&w->r, C);
	cores_disk(w->r.c, C, false);
	raft_world_cells(w, "A BC", "A is far away.");
	tale_start(&w->r, C);
	CU_ASSERT(tale_raft(&w->r, C)->voted == 0);
	CU_ASSERT_FATAL(tale_make_leader(&w->r, B));
	CU_ASSERT(tale_raft(&w->r, B)->term == term && tale_raft(&w->r, C)->voted == B + 1 && !leads(w, A));
	/* After the flush the vote outlives the process. */
	tale_kill(&w->r, C);
	tale_start(&w->r, C);
	CU_ASSERT(tale_raft(&w->r, C)->term == term && tale_raft(&w->r, C)->voted == B + 1);
	raft_world_cells(w, "ABC", "All hear one another.");
	tale_run(&w->r, 200);
	CU_ASSERT(leads(w, B) && !leads(w, A));
	raft_world_end(w, NULL);
}

/* A has x on its own disk and, under way to it, on C's, which is slow; then B leads, and has its own entry there; then A again. */
static void there_and_back(struct raft_world *w)
{
	raft_world_cells(w, "AC BDE", "B, D and E are far away.");
	cores_disk(w->r.c, C, true);
	(void)tale_ask(&w->r, A);
	tale_run(&w->r, 20);
	CU_ASSERT_FATAL(tale_raft(&w->r, C)->last == 2 && raft_log_durable(tale_raft(&w->r, C)) == 1);
	raft_world_cells(w, "A C BDE", "A is far away, and C for a moment.");
	CU_ASSERT_FATAL(tale_make_leader(&w->r, B));
	raft_world_cells(w, "A BC DE", "B and C hear each other, and nobody else.");
	tale_run(&w->r, 120);
	CU_ASSERT_FATAL(raft_log_term(tale_raft(&w->r, C), 2) == tale_raft(&w->r, B)->term);
	raft_world_cells(w, "ACDE B", "B is far away.");
	CU_ASSERT_FATAL(tale_make_leader(&w->r, A));
	tale_run(&w->r, 120);
	CU_ASSERT_FATAL(tale_raft(&w->r, C)->leader == A && tale_raft(&w->r, C)->last == tale_raft(&w->r, A)->last);
}

/* 7. The same place was written, cut and written anew before a slow disk had done any of it. Whatever it has done when the power fails, it has what was acknowledged. */
static void a_slow_disk_and_leaders_in_turn(void)
{
	bft_lsn flushed = 0;
	for (bool more = true; more; flushed++) {
		struct raft_world *w = led_by_a(5);
		bft_lsn before = cores_lsn(w->r.c, C);
		there_and_back(w);
		more = before + flushed < cores_lsn(w->r.c, C);
		cores_flush(w->r.c, C, before + flushed);
		tale_run(&w->r, 4 * RAFT_HEARTBEAT_MS);
		CU_ASSERT(leads(w, A));
		const struct raft *a = tale_raft(&w->r, A), *c = tale_raft(&w->r, C);
		bft_seq acknowledged = a->peer[C].match;
		tale_kill(&w->r, C);
		cores_disk(w->r.c, C, false);
		tale_start(&w->r, C);
		CU_ASSERT(c->last >= acknowledged && raft_log_term(c, acknowledged) == raft_log_term(a, acknowledged));
		CU_ASSERT(more || acknowledged == a->last);
		raft_world_end(w, NULL);
	}
	CU_ASSERT(flushed > 5);
}

/* 8. The leader's own copy counts when it is flushed, and not before; a majority without it is one too. */
static void the_leaders_disk_stalls_and_power_fails(void)
{
	struct raft_world *w = led_by_a(3);
	raft_world_cells(w, "AB C", "C is far away.");
	cores_disk(w->r.c, A, true);
	uint32_t x = tale_ask(&w->r, A);
	tale_run(&w->r, 100);
	const struct raft *a = tale_raft(&w->r, A);
	CU_ASSERT(a->last == 2 && a->peer[B].match == 2 && a->commit == 1); /* one disk of three has it, and it is not mine */
	tale_kill(&w->r, A);
	tale_kill(&w->r, B);
	cores_disk(w->r.c, A, false);
	raft_world_cells(w, "ABC", "All hear one another.");
	tale_start(&w->r, A);
	CU_ASSERT_EQUAL(tale_raft(&w->r, A)->last, 1);
	CU_ASSERT_FATAL(tale_make_leader(&w->r, C)); /* A and C do not have it: it was never committed */
	tale_run(&w->r, 50);
	tale_start(&w->r, B);
	tale_run(&w->r, 200);
	CU_ASSERT(!done(w, A, x) && !done(w, B, x) && raft_world_same(w, 7));
	/* The other two are a majority, whatever the leader's disk does. */
	cores_disk(w->r.c, C, true);
	uint32_t y = tale_ask(&w->r, C);
	CU_ASSERT(tale_run_to_executed(&w->r, 7, y, 200));
	CU_ASSERT(leads(w, C) && raft_log_durable(tale_raft(&w->r, C)) < tale_raft(&w->r, C)->commit);
	raft_world_end(w, NULL);
}

/* Execution tells each core, when it has executed `request`, that the epoch ends behind `border`. */
static void end_epoch(struct raft_world *w, bool *told, uint32_t request, bft_seq border)
{
	for (uint8_t i = A; i < w->r.n; i++) {
		if (told[i] || !cores_up(w->r.c, i) || !done(w, i, request))
			continue;
		told[i] = true;
		struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = border };
		cores_event(w->r.c, i, &e);
	}
}

static void make_snapshots(struct raft_world *w, bft_seq border)
{
	for (uint8_t i = A; i <= C; i++) {
		struct digest root = { { 1 } };
		struct bft_event made = { .kind = BFT_EV_SNAPSHOT, .seq = border, .digest = *cores_chain(w->r.c, i), .root = root };
		if (cores_up(w->r.c, i) && cores_executed(w->r.c, i) == border)
			cores_event(w->r.c, i, &made);
	}
}

/* 12, 13. The leader dies between the entry that ends the epoch and the border: another one brings all to the same border, and nobody goes beyond it. Who led ends with its
 * epoch, as everybody does: it says nothing in the next unless that one names it. */
static void the_leader_dies_before_the_border(void)
{
	struct raft_world *w = led_by_a(3);
	bool told[3] = { false };
	uint32_t x = tale_ask(&w->r, A);
	for (uint32_t ms = 0; ms < 200 && !told[A]; ms++) {
		tale_run(&w->r, 1);
		end_epoch(w, told, x, 8);
	}
	CU_ASSERT(told[A] && !told[B] && !told[C]);
	tale_kill(&w->r, A);
	told[A] = false; /* it will execute x again, as that was not on its disk */
	for (uint32_t ms = 0; ms < 3000; ms++) {
		tale_run(&w->r, 1);
		end_epoch(w, told, x, 8);
	}
	CU_ASSERT(cores_executed(w->r.c, B) == 8 && cores_executed(w->r.c, C) == 8); /* though nobody asks for anything */
	uint8_t leader = leads(w, B) ? B : C;
	for (uint32_t k = 0; k < 3; k++)
		(void)tale_ask(&w->r, leader);
	tale_run(&w->r, 300);
	CU_ASSERT(cores_executed(w->r.c, B) == 8 && tale_raft(&w->r, leader)->last == 8);
	CU_ASSERT(!tale_raft(&w->r, B)->closed && !tale_raft(&w->r, C)->closed); /* certified, and not on their disks yet */
	tale_start(&w->r, A);
	for (uint32_t ms = 0; ms < 1000; ms++) {
		tale_run(&w->r, 1);
		end_epoch(w, told, x, 8);
	}
	CU_ASSERT(cores_executed(w->r.c, A) == 8 && raft_world_same(w, 7));
	make_snapshots(w, 8);
	tale_run(&w->r, 200);
	for (uint8_t i = A; i <= C; i++)
		CU_ASSERT(tale_raft(&w->r, i)->closed && cores_executed(w->r.c, i) == 8);
	raft_world_end(w, NULL);
}

/* 11. The trace of 2015: two leaders, each with a change of members in its log that the other does not know. Here a change is an entry like any other, and does nothing before it
 * is executed; so one of the two is the first for everybody, and the epoch ends once. */
static void two_changes_of_members(void)
{
	struct raft_world *w = led_by_a(4);
	bool told_x[4] = { false }, told_y[4] = { false };
	raft_world_cells(w, "A BCD", "A is cut off.");
	uint32_t x = tale_ask(&w->r, A);
	CU_ASSERT_FATAL(tale_make_leader(&w->r, B));
	CU_ASSERT(leads(w, A) && tale_raft(&w->r, A)->last == 2);
	uint32_t y = tale_ask(&w->r, B);
	for (uint32_t ms = 0; ms < 3000; ms++) {
		if (ms == 500)
			raft_world_cells(w, "ABCD", "All hear one another.");
		tale_run(&w->r, 1);
		end_epoch(w, told_y, y, 8);
		end_epoch(w, told_x, x, 12); /* one is pending: this one would be refused, and changes nothing */
	}
	for (uint8_t i = A; i <= D; i++) {
		const struct raft *p = tale_raft(&w->r, i);
		CU_ASSERT(told_y[i] && p->border == 8 && p->n == 4 && p->majority == 3 && cores_executed(w->r.c, i) == 8);
	}
	CU_ASSERT(raft_world_same(w, 15));
	raft_world_end(w, NULL);
}

/* 16. What it says is heard, so nobody else stands; what the others say is not, so it serves nobody. It must see that by itself. */
static void a_one_way_partition(void)
{
	struct raft_world *w = led_by_a(3);
	cores_deaf(w->r.c, B, A, true);
	cores_deaf(w->r.c, C, A, true);
	uint32_t x = tale_ask(&w->r, A);
	tale_run(&w->r, 400);
	CU_ASSERT(leads(w, A) && tale_raft(&w->r, B)->role == RAFT_FOLLOWER && tale_raft(&w->r, C)->role == RAFT_FOLLOWER);
	uint8_t next = CORES_NOBODY;
	for (uint32_t ms = 0; ms < 3000 && (next == CORES_NOBODY || next == A); ms++) {
		tale_run(&w->r, 1);
		next = tale_run_to_leader(&w->r, 0);
	}
	CU_ASSERT(!leads(w, A) && (next == B || next == C));
	CU_ASSERT_FATAL(next < 3);
	uint32_t y = tale_ask(&w->r, next);
	CU_ASSERT(tale_run_to_executed(&w->r, BFT_BIT(B) | BFT_BIT(C), y, 500));
	cores_deaf(w->r.c, B, A, false);
	cores_deaf(w->r.c, C, A, false);
	CU_ASSERT(tale_run_to_executed(&w->r, 7, x, 2000) && tale_run_to_executed(&w->r, 7, y, 2000));
	tale_run(&w->r, 100);
	CU_ASSERT(raft_world_same(w, 7));
	raft_world_end(w, NULL);
}

/* 16. Its heartbeats flow, its disk does not: a leader steps down, and is not the one that stands next. */
static void the_disk_hangs_and_heartbeats_flow(void)
{
	struct raft_world *w = led_by_a(3);
	cores_disk(w->r.c, A, true);
	(void)tale_ask(&w->r, A);
	tale_run(&w->r, RAFT_DISK_MS - 200);
	CU_ASSERT(leads(w, A));
	uint8_t next = CORES_NOBODY;
	for (uint32_t ms = 0; ms < 3000 && (next == CORES_NOBODY || next == A); ms++) {
		tale_run(&w->r, 1);
		next = tale_run_to_leader(&w->r, 0);
	}
	CU_ASSERT(next == B || next == C);
	tale_run(&w->r, 2000);
	CU_ASSERT(!leads(w, A)); /* with an unflushed tail it does not stand */
	cores_disk(w->r.c, A, false);
	tale_run(&w->r, 300);
	CU_ASSERT(raft_world_same(w, 7));
	raft_world_end(w, NULL);
}

/* 17. A leader that was cut off, and does not know, reads nothing: what it has may be old. */
static void an_old_leader_reads_nothing(void)
{
	struct raft_world *w = led_by_a(3);
	raft_world_cells(w, "A BC", "A is cut off.");
	cores_read(w->r.c, A, 1);
	CU_ASSERT_FATAL(tale_make_leader(&w->r, B));
	CU_ASSERT(leads(w, A));
	uint32_t x = tale_ask(&w->r, B);
	CU_ASSERT(tale_run_to_executed(&w->r, BFT_BIT(B) | BFT_BIT(C), x, 200));
	cores_read(w->r.c, A, 2);
	tale_run(&w->r, 600);
	CU_ASSERT(w->r.reads_answered == 0 && w->r.reads_refused == 2);
	raft_world_end(w, NULL);
}

/* 19. Who has forgotten takes entries and does not count: with it alone beside the leader nothing is committed. */
static void a_learner_is_no_majority(void)
{
	struct raft_world *w = led_by_a(3);
	tale_kill(&w->r, C);
	cores_start(w->r.c, C, BFT_RECOVERY_LOST);
	tale_run(&w->r, 200);
	uint32_t x = tale_ask(&w->r, A);
	CU_ASSERT(tale_run_to_executed(&w->r, 7, x, 200)); /* A and B commit it, C learns it */
	tale_kill(&w->r, B);
	uint32_t y = tale_ask(&w->r, A);
	tale_run(&w->r, 2000);
	CU_ASSERT(!leads(w, A) && !done(w, A, y) && !done(w, C, y));
	tale_start(&w->r, B);
	CU_ASSERT(tale_run_to_executed(&w->r, 7, y, 3000));
	tale_run(&w->r, 100);
	CU_ASSERT(raft_world_same(w, 7) && tale_raft(&w->r, C)->learner);
	raft_world_end(w, NULL);
}

static const struct unit_case cases[] = {
	{ "a new leader without load reads", a_new_leader_without_load_reads },
	{ "killed between vote and flush", killed_between_vote_and_flush },
	{ "a slow disk, and leaders in turn", a_slow_disk_and_leaders_in_turn },
	{ "the leader's disk stalls, and power fails", the_leaders_disk_stalls_and_power_fails },
	{ "the leader dies before the border", the_leader_dies_before_the_border },
	{ "two changes of members", two_changes_of_members },
	{ "a one-way partition", a_one_way_partition },
	{ "the disk hangs, and heartbeats flow", the_disk_hangs_and_heartbeats_flow },
	{ "an old leader reads nothing", an_old_leader_reads_nothing },
	{ "a learner is no majority", a_learner_is_no_majority },
	{ NULL, NULL },
};

int main(void)
{
	return unit_main("raft_traps", cases);
}
