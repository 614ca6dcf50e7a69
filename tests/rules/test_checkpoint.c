/* CHECKPOINT and SNAPSHOT: q equal CHECKPOINTs cut the log and move the window, f+1 equal SNAPSHOTs name a state; a member whose execution contradicts them halts. docs/protocol.md, "Checkpoints". */
#include "tests/rules/core_bed.h"

static void decide_up_to(struct bed *b, bft_seq last)
{
	for (bft_seq seq = bed_standing(b).executed + 1; seq <= last; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	CU_ASSERT_FATAL(bed_standing(b).executed == last);
}

/* ---- saying one ---- */

static void every_k_sequences_one_is_persisted_then_said(void)
{
	struct bed *b = bed_new(4, 1);
	decide_up_to(b, BED_K - 1);
	CU_ASSERT(!bed_sent(b, PBFT_CHECKPOINT));
	decide_up_to(b, BED_K);
	const struct bft_effect *record = bed_record(b, PBFT_REC_CHECKPOINT), *said = bed_sent(b, PBFT_CHECKPOINT);
	CU_ASSERT_FATAL(record && said);
	CU_ASSERT(said->lsn == record->lsn && said->to == mask_all(4));
	const struct bft_checkpoint *m = said->data;
	CU_ASSERT(m->seq == BED_K && bed_same(m->chain, b->chain[BED_K]));
	decide_up_to(b, 2 * BED_K - 1);
	CU_ASSERT(bed_sent_count(b, PBFT_CHECKPOINT) == 1);
	bed_free(b);
}

/* ---- stable ---- */

static void a_quorum_is_stable(void)
{
	for (uint32_t n = 4; n <= 12; n++) {
		struct bed *b = bed_new(n, 1);
		decide_up_to(b, BED_K);
		for (uint32_t i = 0; i < b->q - 2; i++) /* with mine, one short */
			bed_checkpoint(b, bed_other(b, i, BED_ALL), BED_K, b->chain[BED_K]);
		CU_ASSERT(bed_standing(b).low == 0 && !bed_last(b, BFT_FX_STABLE));
		bed_checkpoint(b, bed_other(b, b->q - 2, BED_ALL), BED_K, b->chain[BED_K]);
		CU_ASSERT(bed_standing(b).low == BED_K);
		CU_ASSERT_FATAL(bed_last(b, BFT_FX_STABLE) != NULL);
		CU_ASSERT(bed_last(b, BFT_FX_STABLE)->seq == BED_K);
		const struct bft_certificate_refs *c = bed_record(b, PBFT_REC_STABLE)->data;
		CU_ASSERT(c->seq == BED_K && bed_same(c->digest, b->chain[BED_K]) && mask_count(c->signers) >= b->q);
		for (uint32_t i = 0; i < n; i++)
			CU_ASSERT(!(c->signers & BFT_BIT(i)) == !c->wire[i]);
		bed_free(b);
	}
}

static void my_own_counts_when_it_is_durable(void)
{
	struct bed *b = bed_new(4, 1);
	decide_up_to(b, BED_K - 1);
	b->durable = false;
	b->execute = false;
	struct digest d = bed_digest(BED_K);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_commit(b, i, 0, BED_K, d);
	bed_held(b, d, 0, true);
	bed_executed(b);
	bed_checkpoint(b, 2, BED_K, b->chain[BED_K]);
	bed_checkpoint(b, 3, BED_K, b->chain[BED_K]);
	CU_ASSERT(bed_standing(b).low == 0);
	bed_flush(b);
	CU_ASSERT(bed_standing(b).low == BED_K);
	bed_free(b);
}

static void unequal_ones_do_not_add_up_and_blame_nobody(void)
{
	struct bed *b = bed_new(4, 1);
	decide_up_to(b, BED_K);
	CU_ASSERT(bed_checkpoint(b, 2, BED_K, bed_digest(666)) == BFT_ACCEPT);
	CU_ASSERT(bed_checkpoint(b, 3, BED_K, b->chain[BED_K]) == BFT_ACCEPT);
	CU_ASSERT(bed_standing(b).low == 0);
	/* A flipped bit does that to an honest member: it is not evidence. */
	CU_ASSERT(!bed_last(b, BFT_FX_BLAME));
	bed_checkpoint(b, 0, BED_K, b->chain[BED_K]);
	CU_ASSERT(bed_standing(b).low == BED_K);
	bed_free(b);
}

static void a_repeated_one_counts_once(void)
{
	struct bed *b = bed_new(4, 1);
	decide_up_to(b, BED_K);
	CU_ASSERT(bed_checkpoint(b, 2, BED_K, b->chain[BED_K]) == BFT_ACCEPT);
	CU_ASSERT(bed_checkpoint(b, 2, BED_K, b->chain[BED_K]) == BFT_IGNORE);
	CU_ASSERT(bed_standing(b).low == 0);
	bed_free(b);
}

static void two_of_one_member_convict(void)
{
	struct bed *b = bed_new(4, 1);
	bed_checkpoint(b, 2, BED_K, bed_digest(1));
	bft_ref first = b->last_ref;
	CU_ASSERT(bed_checkpoint(b, 2, BED_K, bed_digest(2)) == BFT_CONVICT);
	const struct bft_effect *blame = bed_blame(b, 2, BFT_CONVICT, PBFT_WHY_TWO_CHECKPOINTS);
	CU_ASSERT_FATAL(blame != NULL);
	CU_ASSERT(blame->ref == b->last_ref && blame->other == first);
	bed_free(b);
}

static void malformed_ones_are_rejected(void)
{
	struct bed *b = bed_new(4, 1);
	CU_ASSERT(bed_checkpoint(b, 2, 0, bed_digest(1)) == BFT_REJECT);
	for (bft_seq seq = 1; seq < BED_K; seq++)
		CU_ASSERT(bed_checkpoint(b, 2, BED_K + seq, bed_digest(1)) == BFT_REJECT);
	struct bft_checkpoint m = { .seq = BED_K, .chain = bed_digest(1) };
	CU_ASSERT(bed_say_as(b, 2, PBFT_CHECKPOINT, &m, BFT_AUTH_CHANNEL) == BFT_REJECT);
	bed_free(b);
}

static void early_and_late_ones_are_ignored(void)
{
	struct bed *b = bed_new(4, 1);
	CU_ASSERT(bed_checkpoint(b, 2, BED_W + BED_K, bed_digest(1)) == BFT_IGNORE);
	CU_ASSERT(bed_checkpoint(b, 2, BFT_SEQ_MAX, bed_digest(1)) == BFT_IGNORE);
	CU_ASSERT(bed_checkpoint(b, 2, UINT64_MAX - UINT64_MAX % BED_K, bed_digest(1)) == BFT_IGNORE);
	CU_ASSERT(bed_checkpoint(b, 2, BED_W, bed_digest(1)) == BFT_ACCEPT);
	decide_up_to(b, BED_K);
	bed_make_stable(b, BED_K);
	/* At the stable one, even a contradiction is of no interest. */
	CU_ASSERT(bed_checkpoint(b, 2, BED_K, bed_digest(1)) == BFT_IGNORE);
	struct bft_checkpoint m = { .seq = 2 * BED_K, .chain = bed_digest(1) };
	CU_ASSERT(bed_say_in(b, 3, PBFT_CHECKPOINT, &m, BFT_AUTH_SIGNED, 2) == BFT_IGNORE);
	bed_free(b);
}

static void votes_below_are_gone(void)
{
	struct bed *b = bed_new(4, 1);
	decide_up_to(b, BED_K + 1);
	bed_make_stable(b, BED_K);
	bed_forget(b);
	for (bft_seq seq = 1; seq <= BED_K; seq++) {
		CU_ASSERT(bed_commit(b, 2, 0, seq, bed_digest(77)) == BFT_IGNORE);
		CU_ASSERT(bed_prepare(b, 2, 0, seq, bed_digest(77)) == BFT_IGNORE);
	}
	/* What is above has stayed: a second, different vote still convicts. */
	CU_ASSERT(bed_commit(b, 2, 0, BED_K + 1, bed_digest(77)) == BFT_CONVICT);
	bed_free(b);
}

/* ---- behind ---- */

/* The window moves with the rest, executed or not: else a slow member could not vote on what the others work at. */
static void the_window_moves_whether_executed_or_not(void)
{
	struct bed *b = bed_new(4, 1);
	bed_make_prepared(b, 0, 1, bed_digest(1));
	bed_checkpoint(b, 0, BED_K, bed_digest(500));
	bed_checkpoint(b, 2, BED_K, bed_digest(500));
	bed_checkpoint(b, 3, BED_K, bed_digest(500));
	CU_ASSERT(bed_standing(b).low == BED_K && bed_standing(b).executed == 0);
	struct digest d = bed_digest(9);
	bed_pre_prepare(b, 0, BED_K + BED_W, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, BED_K + BED_W) != NULL);
	bed_free(b);
}

/* Decided and not yet executed when the checkpoint passes it: it stays until it has been executed. */
static void what_is_decided_below_is_executed_all_the_same(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest chain = b->cluster;
	for (bft_seq seq = 1; seq <= BED_K; seq++) {
		struct digest d = bed_digest(seq);
		chain = bed_chain_after(&chain, seq, &d);
		if (seq == 1)
			continue;
		for (uint8_t i = 0; i < 4; i++)
			if (i != 1)
				bed_commit(b, i, 0, seq, d);
		bed_held(b, d, 0, true);
	}
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_commit(b, i, 0, 1, bed_digest(1)); /* its body is slow */
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_checkpoint(b, i, BED_K, chain);
	CU_ASSERT(bed_standing(b).low == BED_K && bed_standing(b).executed == 0);
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(bed_standing(b).executed == BED_K);
	CU_ASSERT(!bed_last(b, BFT_FX_HALT));
	bed_free(b);
}

/* ---- my execution contradicts a certificate ---- */

static void outvoted_after_executing_i_halt(void)
{
	struct bed *b = bed_new(4, 1);
	decide_up_to(b, BED_K);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_checkpoint(b, i, BED_K, bed_digest(500));
	const struct bft_effect *halt = bed_last(b, BFT_FX_HALT);
	CU_ASSERT_FATAL(halt != NULL);
	CU_ASSERT(halt->reason == PBFT_WHY_OWN_CHAIN && halt->seq == BED_K);
	/* Nobody else is to blame, and nothing is signed any more. */
	CU_ASSERT(!bed_last(b, BFT_FX_BLAME));
	bed_forget(b);
	bed_make_prepared(b, 0, BED_K + 1, bed_digest(9));
	bed_leave(b, 0);
	CU_ASSERT(!bed_signed_anything(b));
	bed_free(b);
}

static void outvoted_before_executing_i_halt_when_i_come_there(void)
{
	struct bed *b = bed_new(4, 1);
	decide_up_to(b, BED_K - 1);
	struct digest d = bed_digest(BED_K);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_commit(b, i, 0, BED_K, d);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_checkpoint(b, i, BED_K, bed_digest(500));
	CU_ASSERT(!bed_last(b, BFT_FX_HALT));
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_last(b, BFT_FX_HALT) != NULL);
	CU_ASSERT(!bed_sent(b, PBFT_CHECKPOINT));
	bed_free(b);
}

/* I am past it when the others' certificate comes: my own record of it is what is compared. */
static void outvoted_long_after_i_halt(void)
{
	struct bed *b = bed_new(4, 1);
	decide_up_to(b, BED_K + 2);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_checkpoint(b, i, BED_K, bed_digest(500));
	CU_ASSERT(bed_last(b, BFT_FX_HALT) != NULL);
	bed_free(b);
}

/* ---- snapshots ---- */

static void make_snapshot(struct bed *b, bft_seq seq, struct digest root)
{
	struct bft_event e = { .kind = BFT_EV_SNAPSHOT, .seq = seq, .digest = b->chain[seq], .root = root };
	bed_step(b, &e);
}

static enum bft_verdict say_snapshot(struct bed *b, uint8_t from, bft_seq seq, struct digest chain, struct digest root)
{
	struct bft_snapshot m = { .seq = seq, .chain = chain, .root = root };
	return bed_say(b, from, PBFT_SNAPSHOT, &m);
}

static void a_snapshot_is_persisted_then_said(void)
{
	struct bed *b = bed_new(4, 1);
	decide_up_to(b, BED_K);
	make_snapshot(b, BED_K, bed_digest(70));
	const struct bft_effect *record = bed_record(b, PBFT_REC_SNAPSHOT), *said = bed_sent(b, PBFT_SNAPSHOT);
	CU_ASSERT_FATAL(record && said);
	CU_ASSERT(said->lsn == record->lsn && said->to == mask_all(4));
	const struct bft_snapshot *m = said->data;
	CU_ASSERT(m->seq == BED_K && bed_same(m->chain, b->chain[BED_K]) && bed_same(m->root, bed_digest(70)));
	CU_ASSERT(bed_standing(b).snapshot == BED_K);
	bed_free(b);
}

static void a_weak_quorum_certifies_a_snapshot(void)
{
	for (uint32_t n = 4; n <= 8; n++) {
		struct bed *b = bed_new(n, 1);
		decide_up_to(b, BED_K);
		make_snapshot(b, BED_K, bed_digest(70));
		for (uint32_t i = 0; i < b->weak - 2; i++)
			say_snapshot(b, bed_other(b, i, BED_ALL), BED_K, b->chain[BED_K], bed_digest(70));
		/* Another root, or another chain, is another snapshot. */
		say_snapshot(b, bed_other(b, n - 2, BED_ALL), BED_K, b->chain[BED_K], bed_digest(71));
		say_snapshot(b, bed_other(b, n - 3, BED_ALL), BED_K, bed_digest(1), bed_digest(70));
		CU_ASSERT(!bed_record(b, PBFT_REC_CERTIFIED));
		say_snapshot(b, bed_other(b, b->weak - 2, BED_ALL), BED_K, b->chain[BED_K], bed_digest(70));
		const struct bft_effect *record = bed_record(b, PBFT_REC_CERTIFIED);
		CU_ASSERT_FATAL(record != NULL);
		CU_ASSERT(mask_count(((const struct bft_certificate_refs *)record->data)->signers) == b->weak);
		bed_free(b);
	}
}

/* The log is kept from the older of the two newest ones: others need it, and the cut waits for nobody. */
static void the_second_certified_snapshot_cuts_the_log_at_the_first(void)
{
	struct bed *b = bed_new(4, 1);
	decide_up_to(b, BED_K);
	bed_make_stable(b, BED_K);
	make_snapshot(b, BED_K, bed_digest(70));
	say_snapshot(b, 2, BED_K, b->chain[BED_K], bed_digest(70));
	say_snapshot(b, 3, BED_K, b->chain[BED_K], bed_digest(70));
	CU_ASSERT(bed_record(b, PBFT_REC_CERTIFIED) != NULL && !bed_last(b, BFT_FX_TRUNCATE));
	decide_up_to(b, 2 * BED_K);
	bed_make_stable(b, 2 * BED_K);
	bed_forget(b);
	make_snapshot(b, 2 * BED_K, bed_digest(71));
	say_snapshot(b, 2, 2 * BED_K, b->chain[2 * BED_K], bed_digest(71));
	say_snapshot(b, 3, 2 * BED_K, b->chain[2 * BED_K], bed_digest(71));
	const struct bft_effect *cut = bed_last(b, BFT_FX_TRUNCATE), *view = bed_record(b, PBFT_REC_VIEW);
	CU_ASSERT_FATAL(cut && view);
	CU_ASSERT(cut->seq == BED_K);
	/* Where I stand is in the log again before the old record of it may go; the newest certificates stay. */
	CU_ASSERT(cut->lsn == view->lsn && cut->below < view->lsn);
	CU_ASSERT(cut->below <= bed_record(b, PBFT_REC_CERTIFIED)->lsn);
	bed_free(b);
}

static void two_roots_convict(void)
{
	struct bed *b = bed_new(4, 1);
	say_snapshot(b, 2, BED_K, bed_digest(1), bed_digest(70));
	bft_ref first = b->last_ref;
	CU_ASSERT(say_snapshot(b, 2, BED_K, bed_digest(1), bed_digest(70)) == BFT_IGNORE);
	CU_ASSERT(say_snapshot(b, 2, BED_K, bed_digest(1), bed_digest(71)) == BFT_CONVICT);
	const struct bft_effect *blame = bed_blame(b, 2, BFT_CONVICT, PBFT_WHY_TWO_SNAPSHOTS);
	CU_ASSERT_FATAL(blame != NULL);
	CU_ASSERT(blame->ref == b->last_ref && blame->other == first);
	CU_ASSERT(say_snapshot(b, 3, BED_K, bed_digest(1), bed_digest(70)) == BFT_ACCEPT);
	CU_ASSERT(say_snapshot(b, 3, BED_K, bed_digest(2), bed_digest(70)) == BFT_CONVICT);
	bed_free(b);
}

static void one_snapshot_a_member_the_newest(void)
{
	struct bed *b = bed_new(4, 1);
	CU_ASSERT(say_snapshot(b, 2, 2 * BED_K, bed_digest(1), bed_digest(70)) == BFT_ACCEPT);
	bft_ref first = b->last_ref;
	CU_ASSERT(say_snapshot(b, 2, BED_K, bed_digest(1), bed_digest(70)) == BFT_IGNORE);
	CU_ASSERT(say_snapshot(b, 2, 3 * BED_K, bed_digest(1), bed_digest(70)) == BFT_ACCEPT);
	/* The message of the older one is let go. */
	CU_ASSERT_FATAL(bed_last(b, BFT_FX_RELEASE) != NULL);
	CU_ASSERT(bed_last(b, BFT_FX_RELEASE)->ref == first);
	bed_free(b);
}

static void malformed_snapshots_are_rejected(void)
{
	struct bed *b = bed_new(4, 1);
	CU_ASSERT(say_snapshot(b, 2, 0, bed_digest(1), bed_digest(70)) == BFT_REJECT);
	CU_ASSERT(say_snapshot(b, 2, BED_K + 1, bed_digest(1), bed_digest(70)) == BFT_REJECT);
	struct bft_snapshot m = { .seq = BED_K, .chain = bed_digest(1), .root = bed_digest(70) };
	CU_ASSERT(bed_say_as(b, 2, PBFT_SNAPSHOT, &m, BFT_AUTH_CHANNEL) == BFT_REJECT);
	CU_ASSERT(bed_say_in(b, 2, PBFT_SNAPSHOT, &m, BFT_AUTH_SIGNED, 2) == BFT_IGNORE);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "every K sequences one is persisted, then said", every_k_sequences_one_is_persisted_then_said },
		{ "q equal ones are stable", a_quorum_is_stable },
		{ "my own counts when it is durable", my_own_counts_when_it_is_durable },
		{ "unequal ones do not add up and blame nobody", unequal_ones_do_not_add_up_and_blame_nobody },
		{ "a repeated one counts once", a_repeated_one_counts_once },
		{ "two of one member convict", two_of_one_member_convict },
		{ "malformed ones are rejected", malformed_ones_are_rejected },
		{ "early and late ones are ignored", early_and_late_ones_are_ignored },
		{ "votes below are gone", votes_below_are_gone },
		{ "the window moves, executed or not", the_window_moves_whether_executed_or_not },
		{ "what is decided below is executed all the same", what_is_decided_below_is_executed_all_the_same },
		{ "outvoted after executing: halt", outvoted_after_executing_i_halt },
		{ "outvoted before executing: halt on arrival", outvoted_before_executing_i_halt_when_i_come_there },
		{ "outvoted long after: halt", outvoted_long_after_i_halt },
		{ "a snapshot is persisted, then said", a_snapshot_is_persisted_then_said },
		{ "f+1 certify a snapshot", a_weak_quorum_certifies_a_snapshot },
		{ "the second certified snapshot cuts the log at the first", the_second_certified_snapshot_cuts_the_log_at_the_first },
		{ "two roots convict", two_roots_convict },
		{ "one snapshot a member, the newest", one_snapshot_a_member_the_newest },
		{ "malformed snapshots are rejected", malformed_snapshots_are_rejected },
		{ 0 },
	};
	return unit_main("checkpoint", cases);
}
