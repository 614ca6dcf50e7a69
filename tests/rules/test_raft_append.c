/* docs/protocol.md, "Raft": what a follower takes, cuts, acknowledges and commits. The core is member 1, and member 0 leads. */
#include "tests/rules/raft_bed.h"

static void acknowledged_when_durable(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 0, 0); /* the term is known */
	rbed_forget(b);
	b->durable = false;
	rbed_append(b, 0, 1, 2, 0, 0, 0, 2, 1);
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_ENTRY), 2);
	CU_ASSERT_EQUAL(((const struct raft_ack *)rbed_sent(b, RAFT_ACK)->data)->match, 2);
	CU_ASSERT_EQUAL(rbed_last_ack(b).match, 0);
	rbed_flush_to(b, b->lsn - 1);
	CU_ASSERT_EQUAL(rbed_last_ack(b).match, 1);
	/* A heartbeat is answered at once, with what is durable. */
	rbed_append(b, 0, 1, 3, 2, 1, 0, 0, 0);
	CU_ASSERT(rbed_last_ack(b).match == 1 && rbed_last_ack(b).round == 3);
	rbed_flush_to(b, b->lsn);
	bool two = false;
	for (uint32_t i = 0; i < b->seen_count; i++)
		two |= b->seen[i].free && b->seen[i].e.type == RAFT_ACK && ((const struct raft_ack *)b->seen[i].e.data)->match == 2;
	CU_ASSERT(two);
	rbed_free(b);
}

static void recorded_when_the_body_is_here(void)
{
	struct rbed *b = rbed_new(3, 1);
	b->bodies = false;
	rbed_append(b, 0, 1, 1, 0, 0, 0, 2, 1);
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_FETCH), 2);
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_FETCH)->to, BFT_BIT(0));
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_ENTRY), 0);
	CU_ASSERT_EQUAL(rbed_last_ack(b).match, 0);
	rbed_held(b, rbed_digest(10002), true);
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_ENTRY), 0); /* in order */
	rbed_held(b, rbed_digest(10001), true);
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_ENTRY), 2);
	rbed_settle(b, b->seen_count);
	CU_ASSERT_EQUAL(rbed_last_ack(b).match, 2);
	/* Sent again, it is not asked for again. */
	rbed_append(b, 0, 1, 2, 0, 0, 0, 2, 1);
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_FETCH), 2);
	rbed_free(b);
}

static void a_new_leader_is_asked_for_the_body(void)
{
	struct rbed *b = rbed_new(3, 1);
	b->bodies = false;
	rbed_append(b, 0, 1, 1, 0, 0, 0, 1, 1);
	rbed_append(b, 2, 2, 1, 0, 0, 0, 1, 1); /* the same entry, by the leader of the next term */
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_FETCH), 2);
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_FETCH)->to, BFT_BIT(2));
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_CUT), 0);
	rbed_held(b, rbed_digest(10001), true);
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_ENTRY), 1);
	rbed_free(b);
}

static void a_late_shorter_one_cuts_nothing(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 2, 0, 0, 0, 4, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 2, 1);
	rbed_append(b, 0, 1, 3, 1, 1, 0, 2, 1); /* overlapping */
	rbed_append(b, 0, 1, 4, 0, 0, 0, 0, 0); /* backwards */
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_CUT), 0);
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_ENTRY), 4);
	CU_ASSERT_EQUAL(rbed_raft(b)->last, 4);
	CU_ASSERT_EQUAL(rbed_raft(b)->round, 4);
	rbed_free(b);
}

static void a_conflict_cuts(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 4, 1);
	rbed_append(b, 2, 2, 1, 1, 1, 0, 1, 2);
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_CUT), 1);
	CU_ASSERT(rbed_raft(b)->last == 2 && raft_log_term(rbed_raft(b), 2) == 2 && raft_log_term(rbed_raft(b), 1) == 1);
	CU_ASSERT_EQUAL(rbed_last_ack(b).match, 2);
	/* What is gone stays gone after a restart. */
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT(rbed_raft(b)->last == 2 && raft_log_term(rbed_raft(b), 2) == 2);
	CU_ASSERT_FALSE(rbed_raft(b)->learner);
	rbed_free(b);
}

/* The same proposal in a higher term: it may be committed, so it is written over and never away; what follows it is not, and goes. */
static void the_same_in_a_higher_term_is_renewed(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 3, 1);
	struct raft_append *m = rbed_append_of(2, 1, 1, 1, 0, 1, 2);
	m->entry[0].digest = rbed_digest(10002);
	b->durable = false;
	bft_lsn before = b->lsn;
	rbed_say(b, 2, RAFT_APPEND, m);
	free(m);
	CU_ASSERT(rbed_raft(b)->last == 2 && raft_log_term(rbed_raft(b), 2) == 2);
	for (bft_lsn i = before; i < b->lsn; i++)
		CU_ASSERT(b->log[i].rtype != RAFT_REC_CUT || b->log[i].data.cut.seq == 3);
	CU_ASSERT(rbed_last_ack(b).term == 1);
	rbed_flush_to(b, b->lsn);
	CU_ASSERT(rbed_last_ack(b).term == 2 && rbed_last_ack(b).match == 2);
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT(rbed_raft(b)->last == 2 && raft_log_term(rbed_raft(b), 2) == 2);
	rbed_free(b);
}

static void the_hint_names_a_whole_term(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 2, 1);
	rbed_append(b, 0, 2, 1, 2, 1, 0, 3, 2);
	rbed_append(b, 2, 5, 1, 5, 4, 0, 1, 5);
	struct raft_ack a = rbed_last_ack(b);
	CU_ASSERT(a.kind == RAFT_ACK_CONFLICT && a.conflict_term == 2 && a.match == 3);
	rbed_append(b, 2, 5, 2, 9, 4, 0, 1, 5);
	a = rbed_last_ack(b);
	CU_ASSERT(a.kind == RAFT_ACK_CONFLICT && a.conflict_term == 0 && a.match == 6);
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_CUT), 0); /* nothing is cut before it is known what stands there */
	rbed_free(b);
}

static void committed_is_what_matches(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 3, 1);
	/* Another leader, whose log parts from mine behind 1, has committed 3. */
	rbed_append(b, 2, 2, 1, 1, 1, 3, 0, 0);
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, 1);
	CU_ASSERT_EQUAL(b->executed, 1);
	rbed_append(b, 2, 2, 2, 1, 1, 3, 2, 2);
	CU_ASSERT_EQUAL(b->executed, 3);
	struct digest d = rbed_digest(20003);
	CU_ASSERT(digest_equal(&b->done[3], &d));
	/* Of what is committed nothing is compared, nor cut. */
	rbed_forget(b);
	rbed_append(b, 0, 3, 1, 0, 0, 3, 3, 3);
	CU_ASSERT(rbed_records(b, RAFT_REC_CUT) == 0 && rbed_raft(b)->last == 3);
	rbed_free(b);
}

static void an_older_term_is_told(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 3, 1, 0, 0, 0, 1, 3);
	struct raft before = *rbed_raft(b);
	rbed_append(b, 2, 2, 7, 0, 0, 0, 1, 2);
	CU_ASSERT_EQUAL(memcmp(&before, rbed_raft(b), sizeof before), 0);
	CU_ASSERT_EQUAL(rbed_last_ack(b).term, 3);
	CU_ASSERT_EQUAL(rbed_left(b, RAFT_ACK)->to, BFT_BIT(2));
	rbed_free(b);
}

static void one_entry_for_one_place_and_term(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 2, 1);
	struct raft_append *m = rbed_append_of(1, 2, 0, 0, 0, 2, 1);
	m->entry[1].digest = rbed_digest(77);
	CU_ASSERT_EQUAL(rbed_say(b, 0, RAFT_APPEND, m), BFT_REJECT);
	CU_ASSERT_EQUAL(rbed_raft(b)->last, 2);
	free(m);
	rbed_free(b);
}

/* Cut and written again: what the disk has finished is the entry that stood there before. */
static void an_ack_names_its_append(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 1, 1);
	b->durable = false;
	rbed_append(b, 0, 1, 2, 1, 1, 0, 1, 1);
	bft_lsn old = b->lsn;
	rbed_append(b, 2, 2, 1, 1, 1, 0, 1, 2);
	rbed_flush_to(b, old);
	for (uint32_t i = 0; i < b->seen_count; i++) {
		const struct raft_ack *a = b->seen[i].e.data;
		if (b->seen[i].free && b->seen[i].e.type == RAFT_ACK && a->term == 2)
			CU_ASSERT(a->match < 2);
	}
	rbed_flush_to(b, b->lsn);
	CU_ASSERT(rbed_last_ack(b).term == 2 && rbed_last_ack(b).match == 2);
	rbed_free(b);
}

static void the_ring_bounds_what_is_taken(void)
{
	struct rbed *b = rbed_new(3, 1);
	b->execute = false;
	rbed_append(b, 0, 1, 1, 0, 0, 0, 60, 1);
	CU_ASSERT_EQUAL(rbed_raft(b)->last, 2 * RBED_W - 1);
	CU_ASSERT_EQUAL(rbed_last_ack(b).match, 2 * RBED_W - 1);
	/* What was executed makes room, and the rest comes again. */
	b->execute = true;
	rbed_append(b, 0, 1, 2, 2 * RBED_W - 1, 1, 2 * RBED_W - 1, 0, 0);
	rbed_append(b, 0, 1, 3, 2 * RBED_W - 1, 1, 2 * RBED_W - 1, 20, 1);
	CU_ASSERT_EQUAL(rbed_raft(b)->last, 2 * RBED_W - 1 + 20);
	rbed_free(b);
}

static void nothing_stands_beyond_the_border(void)
{
	struct rbed *b = rbed_new(3, 1);
	struct bft_event epoch = { .kind = BFT_EV_EPOCH, .seq = 4 };
	rbed_step(b, &epoch);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 8, 1);
	CU_ASSERT_EQUAL(rbed_raft(b)->last, 4);
	/* But what opens a term may, or the border would never be committed; it is not executed. */
	struct raft_append *m = rbed_append_of(2, 1, 4, 1, 5, 1, 2);
	m->entry[0].digest = b->null;
	rbed_say(b, 2, RAFT_APPEND, m);
	free(m);
	CU_ASSERT(rbed_raft(b)->last == 5 && rbed_raft(b)->commit == 5);
	CU_ASSERT(b->executed == 4 && b->to_execute == 4);
	rbed_free(b);
}

static void an_invalid_body_halts(void)
{
	struct rbed *b = rbed_new(3, 1);
	b->bodies = false;
	rbed_append(b, 0, 1, 1, 0, 0, 0, 1, 1);
	rbed_held(b, rbed_digest(10001), false);
	CU_ASSERT(b->halted && rbed_records(b, RAFT_REC_ENTRY) == 0);
	rbed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "acknowledged when it is durable", acknowledged_when_durable },
		{ "recorded when the body is here", recorded_when_the_body_is_here },
		{ "a new leader is asked for the body", a_new_leader_is_asked_for_the_body },
		{ "a late shorter one cuts nothing", a_late_shorter_one_cuts_nothing },
		{ "a conflict cuts", a_conflict_cuts },
		{ "the same in a higher term is renewed", the_same_in_a_higher_term_is_renewed },
		{ "the hint names a whole term", the_hint_names_a_whole_term },
		{ "committed is what matches", committed_is_what_matches },
		{ "an older term is told", an_older_term_is_told },
		{ "one entry for one place and term", one_entry_for_one_place_and_term },
		{ "an ack names its append", an_ack_names_its_append },
		{ "the ring bounds what is taken", the_ring_bounds_what_is_taken },
		{ "nothing stands beyond the border", nothing_stands_beyond_the_border },
		{ "an invalid body halts", an_invalid_body_halts },
		{ NULL, NULL },
	};
	return unit_main("raft_append", cases);
}
