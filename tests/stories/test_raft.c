/* The figures of Ongaro's dissertation as whole traces, told as text and compared with their files. Its servers S1 to S5 are A to E. */
#include "tests/stories/raft_world.h"

enum { A, B, C, D, E };

/* ---- figure 3.7: why counting commits entries of the current term alone (3.6.2) ---- */

/* (a) A leads and has x on two disks. (b) A is gone, and E leads with another entry in that place, on its own disk alone. (c) E is gone, A leads again, and brings x to
 * a third disk; what it has written in its new term is on its own disk alone. Returns x. */
static uint32_t until_c(struct raft_world *w)
{
	w->r.brief = true;
	tell_part(&w->t, "(a) A leads; x reaches B and nobody else");
	CU_ASSERT_FATAL(tale_make_leader(&w->r, A));
	tale_run(&w->r, 100);
	raft_world_cells(w, "AB CDE", "C, D and E hear nothing of A and B any more.");
	uint32_t x = tale_ask(&w->r, A);
	tale_run(&w->r, 20);
	tale_logs(&w->r);

	tell_part(&w->t, "(b) A dies; E leads with the votes of C and D, and dies when its first entry is on its own disk alone");
	tale_kill(&w->r, A);
	CU_ASSERT_FATAL(tale_make_leader(&w->r, E));
	raft_world_cells(w, "AB CD E", "E is cut off, with what it was about to send.");
	tale_kill(&w->r, E);
	tale_logs(&w->r);

	tell_part(&w->t, "(c) A comes back and leads again; x reaches C");
	tale_start(&w->r, A);
	raft_world_cells(w, "ABCD E", "A, B, C and D hear one another.");
	CU_ASSERT_FATAL(tale_make_leader(&w->r, A));
	tell_at(&w->t, tale_now(&w->r), "From here on the disks of B, C and D are slow.");
	for (uint8_t i = B; i <= D; i++)
		cores_disk(w->r.c, i, true);
	tale_run(&w->r, 30);
	cores_flush(w->r.c, C, raft_log_lsn(tale_raft(&w->r, C), 2));
	tell_at(&w->t, tale_now(&w->r), "C's disk has written x, and nothing behind it.");
	tale_run(&w->r, 2 * RAFT_HEARTBEAT_MS);
	const struct raft *a = tale_raft(&w->r, A);
	CU_ASSERT(a->role == RAFT_LEADER && a->peer[B].match == 2 && a->peer[C].match == 2 && raft_log_durable(a) == 3);
	CU_ASSERT_EQUAL(a->commit, 1); /* three of five have x, and that commits nothing: it is of an older term */
	tell_at(&w->t, tale_now(&w->r), "A knows that x is on three disks of five. It does not commit it: x is of term %llu, and A leads term %llu.",
	        (unsigned long long)raft_log_term(a, 2), (unsigned long long)a->term);
	tale_logs(&w->r);
	return x;
}

static void figure_3_7_d(void)
{
	struct raft_world *w = raft_world_new(5, 2);
	uint32_t x = until_c(w);
	tell_part(&w->t, "(d) The power fails everywhere, and E, whose last entry is of a higher term, is elected: x goes");
	for (uint8_t i = A; i <= D; i++) {
		tale_kill(&w->r, i);
		cores_disk(w->r.c, i, false);
	}
	raft_world_cells(w, "ABCDE", "The network is whole.");
	for (uint8_t i = B; i <= E; i++)
		tale_start(&w->r, i);
	CU_ASSERT_FATAL(tale_make_leader(&w->r, E));
	w->r.brief = false;
	tale_run(&w->r, 100);
	tale_start(&w->r, A);
	tale_run(&w->r, 200);
	tale_logs(&w->r);
	/* x was on three of five disks, and no client was told of it. */
	for (uint8_t i = A; i <= E; i++)
		CU_ASSERT(tale_log_of(&w->r, i).text[0] && !strstr(tale_log_of(&w->r, i).text, "x") && !(cores_done(w->r.c, i) >> (x - 1) & 1));
	CU_ASSERT(raft_world_same(w, 31));
	raft_world_end(w, "tests/stories/raft_figure_3_7_d.story");
}

static void figure_3_7_e(void)
{
	struct raft_world *w = raft_world_new(5, 2);
	uint32_t x = until_c(w);
	tell_part(&w->t, "(e) Instead: A's own entry reaches a majority before A dies. Then x is committed with it, and E is not elected");
	for (uint8_t i = B; i <= D; i++)
		cores_disk(w->r.c, i, false);
	tale_run(&w->r, 20);
	CU_ASSERT(tale_raft(&w->r, A)->commit == 3 && (cores_done(w->r.c, A) >> (x - 1) & 1));
	tale_kill(&w->r, A);
	raft_world_cells(w, "ABCDE", "The network is whole.");
	tale_start(&w->r, E);
	w->r.brief = false;
	CU_ASSERT_FALSE(tale_make_leader(&w->r, E));
	w->r.brief = true;
	CU_ASSERT(tale_run_to_executed(&w->r, 30, x, 3000));
	tale_start(&w->r, A);
	tale_run(&w->r, 300);
	tale_logs(&w->r);
	CU_ASSERT(raft_world_same(w, 31));
	raft_world_end(w, "tests/stories/raft_figure_3_7_e.story");
}

/* ---- figure 3.8: whoever is elected has what was committed (3.6.3) ---- */

/* A commits x with `two`; then A is gone and `candidate` is the first to ask. */
static void complete(struct raft_world *w, bft_mask two, uint8_t candidate)
{
	uint8_t cell[CORES_PLACES_MAX] = { 0 }, together[CORES_PLACES_MAX] = { 0 };
	CU_ASSERT_FATAL(tale_make_leader(&w->r, A));
	tale_run(&w->r, 100);
	for (uint8_t i = B; i <= E; i++)
		cell[i] = !(two & BFT_BIT(i));
	tale_cut(&w->r, cell, "Two of the five hear nothing any more.");
	uint32_t x = tale_ask(&w->r, A);
	CU_ASSERT_FATAL(tale_run_to_executed(&w->r, BFT_BIT(A), x, 300));
	tale_kill(&w->r, A);
	tale_cut(&w->r, together, "All who are left hear one another.");
	w->r.brief = false;
	bool elected = tale_make_leader(&w->r, candidate);
	CU_ASSERT_EQUAL(elected, (two & BFT_BIT(candidate)) != 0); /* one of any majority that could elect it has x */
	w->r.brief = true;
	CU_ASSERT(tale_run_to_executed(&w->r, 30, x, 3000));
	CU_ASSERT(raft_world_same(w, 30));
}

static void figure_3_8(void)
{
	struct raft_world *w = raft_world_new(5, 2);
	w->r.brief = true;
	complete(w, BFT_BIT(B) | BFT_BIT(C), E);
	tale_logs(&w->r);
	raft_world_end(w, "tests/stories/raft_figure_3_8.story");
	for (bft_mask two = 0; two < 32; two++)
		for (uint8_t candidate = B; mask_count(two) == 2 && !(two & 1) && candidate <= E; candidate++) {
			w = raft_world_new(5, 2);
			w->r.brief = true;
			complete(w, two, candidate);
			raft_world_end(w, NULL);
		}
}

/* ---- the disruptive server (4.2.3, 9.6) ---- */

static void the_disruptive_server(void)
{
	struct raft_world *w = raft_world_new(3, 1);
	w->r.brief = true;
	CU_ASSERT_FATAL(tale_make_leader(&w->r, A));
	tale_run(&w->r, 100);
	bft_view term = tale_raft(&w->r, A)->term;

	tell_part(&w->t, "C is cut off for a hundred timeouts, and comes back");
	raft_world_cells(w, "AB C", "C hears nobody.");
	w->r.brief = false;
	tale_run(&w->r, 1000);
	w->t.quiet = true;
	tale_run(&w->r, 100 * (RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS));
	w->t.quiet = false;
	CU_ASSERT_EQUAL(tale_raft(&w->r, C)->term, term);
	raft_world_cells(w, "ABC", "C is heard again. It is in the same term as the others, however often it has asked.");
	tale_run(&w->r, 600);

	tell_part(&w->t, "C hears nobody, and is heard: it asks without end");
	cores_deaf(w->r.c, A, C, true);
	cores_deaf(w->r.c, B, C, true);
	tale_run(&w->r, 1000);
	w->t.quiet = true;
	tale_run(&w->r, 30000);
	w->t.quiet = false;

	tell_part(&w->t, "It even stands without asking first, as a server would that knows no such question");
	struct raft_ask_vote stand = { .term = term + 5, .kind = RAFT_ASK_REAL, .last_term = term, .last = 1 };
	tell_at(&w->t, tale_now(&w->r), "C asks A and B for their votes in term %llu.", (unsigned long long)stand.term);
	cores_say(w->r.c, C, A, RAFT_ASK_VOTE, &stand);
	cores_say(w->r.c, C, B, RAFT_ASK_VOTE, &stand);
	tale_run(&w->r, 100);
	CU_ASSERT(tale_raft(&w->r, A)->role == RAFT_LEADER && tale_raft(&w->r, A)->term == term && tale_raft(&w->r, B)->term == term);
	tell_at(&w->t, tale_now(&w->r), "A leads on in term %llu.", (unsigned long long)term);

	tell_part(&w->t, "When the leader is really gone, C is as good as any other");
	cores_deaf(w->r.c, A, C, false);
	cores_deaf(w->r.c, B, C, false);
	tale_run(&w->r, 600);
	tale_kill(&w->r, A);
	CU_ASSERT(tale_make_leader(&w->r, C));
	tale_run(&w->r, 100);
	tale_logs(&w->r);
	raft_world_end(w, "tests/stories/raft_disruptive_server.story");
}

/* ---- the split vote (3.4) ---- */

/* Four members, and a network in which A is near to C, and B to D: two candidates get two votes each. */
static bool near_first(void *user, const struct cores_letter *l)
{
	const struct raft_world *w = user;
	return (l->from - l->to) % 2 == 0 || cores_now(w->r.c) >= l->sent_ms + 40;
}

static void the_split_vote(void)
{
	struct raft_world *w = raft_world_new(4, 1);
	raft_tale_schedule(&w->r, near_first, w);
	tell_part(&w->t, "A and B wake together; A is near to C, B is near to D");
	for (uint8_t i = A; i <= D; i++)
		tale_timer(&w->r, i, i < C ? 300 : 500);
	tale_run(&w->r, 480);
	bft_view term = tale_raft(&w->r, A)->term;
	for (uint8_t i = A; i <= D; i++) {
		const struct raft *p = tale_raft(&w->r, i);
		CU_ASSERT(p->role != RAFT_LEADER && p->term == term && p->voted == (i % 2 ? B : A) + 1);
	}
	tell_at(&w->t, tale_now(&w->r), "Two votes of four for A, two for B, and three are needed: term %llu ends without a leader.", (unsigned long long)term);
	tell_part(&w->t, "Timers are drawn anew");
	uint8_t leader = tale_run_to_leader(&w->r, 5000);
	CU_ASSERT(leader != CORES_NOBODY && tale_raft(&w->r, leader)->term > term);
	tale_run(&w->r, 100);
	tale_logs(&w->r);
	raft_world_end(w, "tests/stories/raft_split_vote.story");
}

static const struct unit_case cases[] = {
	{ "figure 3.7, (a) to (d)", figure_3_7_d },         { "figure 3.7, (e)", figure_3_7_e },  { "figure 3.8", figure_3_8 },
	{ "the disruptive server", the_disruptive_server }, { "the split vote", the_split_vote }, { NULL, NULL },
};

int main(void)
{
	return unit_main("raft", cases);
}
