/* Coming back: what the log says still binds, nothing is signed before others have told what they hold, and who has forgotten something signs no more.
 * docs/protocol.md, "Recovery and recall". */
#include "tests/rules/core_bed.h"

/* ---- the question ---- */

static void nothing_is_signed_before_a_quorum_has_told(void)
{
	for (uint32_t n = 4; n <= 10; n++) {
		struct bft_limits limits = bed_limits(n);
		struct bed *b = bed_new_with(&limits, 1);
		bed_start(b, BFT_RECOVERY_WHOLE);
		CU_ASSERT_FATAL(bed_sent(b, PBFT_RECALL) != NULL);
		CU_ASSERT(bed_sent(b, PBFT_RECALL)->to == (mask_all(n) & ~BFT_BIT(1)) && bed_standing(b).recalling);
		struct digest d = bed_digest(1);
		bed_make_prepared(b, 0, 1, d);
		for (uint32_t i = 0; i + 2 < b->q; i++) {
			bed_recall_done(b, bed_other(b, i, BED_ALL));
			bed_recall_done(b, bed_other(b, i, BED_ALL)); /* one member is one answer */
		}
		bed_leave(b, 0);
		bed_tick(b, PBFT_STATUS_MS);
		CU_ASSERT(bed_standing(b).recalling && !bed_signed_anything(b));
		bed_recall_done(b, bed_other(b, b->q - 2, BED_ALL));
		CU_ASSERT(!bed_standing(b).recalling);
		CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL);
		bed_free(b);
	}
}

static void it_is_asked_until_it_is_answered(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 1);
	bed_start(b, BFT_RECOVERY_WHOLE);
	bed_recall_done(b, 2);
	bed_forget(b);
	bed_tick(b, PBFT_STATUS_MS);
	bft_mask asked = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		asked |= b->seen[i].kind == BFT_FX_SEND && b->seen[i].type == PBFT_RECALL ? b->seen[i].to : 0;
	CU_ASSERT(asked == (BFT_BIT(0) | BFT_BIT(3)));
	bed_forget(b);
	bed_link(b, 3, true); /* and when a link comes up */
	CU_ASSERT(bed_sent(b, PBFT_RECALL) != NULL && bed_sent(b, PBFT_RECALL)->to == BFT_BIT(3));
	bed_free(b);
}

/* While it waits it learns and executes. */
static void it_executes_meanwhile(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 1);
	bed_start(b, BFT_RECOVERY_WHOLE);
	bed_decide(b, 0, 1, bed_digest(1));
	CU_ASSERT(bed_standing(b).executed == 1 && !bed_signed_anything(b));
	bed_free(b);
}

/* ---- the answer ---- */

static void everything_held_of_theirs_is_told_verbatim(void)
{
	struct bed *b = bed_new(4, 1);
	bft_ref theirs[5];
	bed_prepare(b, 2, 0, 1, bed_digest(1));
	theirs[0] = b->last_ref;
	bed_commit(b, 2, 0, 2, bed_digest(2));
	theirs[1] = b->last_ref;
	bed_checkpoint(b, 2, BED_K, bed_digest(3));
	theirs[2] = b->last_ref;
	bed_view_change(b, 2, 5);
	theirs[3] = b->last_ref;
	struct bft_snapshot snapshot = { .seq = BED_K, .chain = bed_digest(4), .root = bed_digest(5) };
	bed_say(b, 2, PBFT_SNAPSHOT, &snapshot);
	theirs[4] = b->last_ref;
	bed_prepare(b, 3, 0, 1, bed_digest(1)); /* another's */
	bed_forget(b);
	struct pbft_recall m = { .stable = 0 };
	CU_ASSERT(bed_say_as(b, 2, PBFT_RECALL, &m, BFT_AUTH_CHANNEL) == BFT_ACCEPT);
	CU_ASSERT(bed_count(b, BFT_FX_FORWARD) == 5);
	for (size_t i = 0; i < 5; i++)
		CU_ASSERT(bed_forwards(b, theirs[i], 2, 2));
	/* Then, and not before, that this was all. */
	const struct bft_effect *last = bed_last(b, BFT_FX_SEND);
	CU_ASSERT(last != NULL && last->type == PBFT_RECALL_DONE && last->to == BFT_BIT(2) && last == &b->seen[b->seen_count - 1]);
	/* Asked again at once, it is ignored: a member cannot make me repeat myself as fast as it likes. */
	CU_ASSERT(bed_say_as(b, 2, PBFT_RECALL, &m, BFT_AUTH_CHANNEL) == BFT_IGNORE);
	bed_tick(b, PBFT_RECALL_AGAIN_MS);
	CU_ASSERT(bed_say_as(b, 2, PBFT_RECALL, &m, BFT_AUTH_CHANNEL) == BFT_ACCEPT);
	bed_free(b);
}

static void answering_needs_no_standing(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 1);
	bed_start(b, BFT_RECOVERY_LOST);
	bed_prepare(b, 2, 0, 1, bed_digest(1));
	bft_ref theirs = b->last_ref;
	struct pbft_recall m = { .stable = 0 };
	bed_say_as(b, 2, PBFT_RECALL, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(bed_forwards(b, theirs, 2, 2) && bed_sent(b, PBFT_RECALL_DONE) != NULL);
	bed_free(b);
}

/* ---- what was forgotten ---- */

/* A statement of mine comes back that my log does not have. */
static void expect_forgotten(uint16_t type, const void *body)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 1);
	bed_start(b, BFT_RECOVERY_WHOLE);
	bed_say(b, 1, type, body);
	CU_ASSERT(bed_standing(b).observer && !bed_standing(b).recalling);
	CU_ASSERT(bed_blame(b, 1, BFT_IGNORE, PBFT_WHY_MEMORY_LOST) != NULL);
	bed_join(b);
	bed_make_prepared(b, 0, 1, bed_digest(1));
	bed_leave(b, 0);
	bed_decide(b, 0, 2, bed_digest(2));
	CU_ASSERT(!bed_signed_anything(b));
	/* It goes on learning and executing. */
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_commit(b, i, 0, 1, bed_digest(1));
	CU_ASSERT(bed_standing(b).executed == 2);
	bed_free(b);
}

static void a_vote_that_my_log_lacks_ends_my_voting(void)
{
	static struct bft_votes m = { .count = 1 };
	m.leaf[0] = (struct bft_leaf){ .kind = BFT_LEAF_PREPARE, .seq = 3, .digest = bed_digest(9) };
	expect_forgotten(PBFT_VOTES, &m);
	m.leaf[0].kind = BFT_LEAF_COMMIT;
	expect_forgotten(PBFT_VOTES, &m);
	/* Also behind one that is known: each leaf is looked up. */
	m.count = 2;
	m.leaf[0].kind = BFT_LEAF_PRE_PREPARE;
	m.leaf[1] = (struct bft_leaf){ .kind = BFT_LEAF_COMMIT, .seq = 4, .digest = bed_digest(9) };
	expect_forgotten(PBFT_VOTES, &m);
}

static void a_view_change_or_checkpoint_that_my_log_lacks_too(void)
{
	struct pbft_view_change *vc = &bed_body()->view_change;
	vc->view = 4;
	expect_forgotten(PBFT_VIEW_CHANGE, vc);
	free(vc);
	struct pbft_new_view *nv = &bed_body()->new_view;
	nv->view = 5; /* that I would have led */
	nv->sources_count = 3;
	expect_forgotten(PBFT_NEW_VIEW, nv);
	free(nv);
	struct bft_checkpoint checkpoint = { .seq = BED_K, .chain = bed_digest(1) };
	expect_forgotten(PBFT_CHECKPOINT, &checkpoint);
}

/* The answer to my question was overtaken by the word that it is over, and I have changed views since: it is no less lost. My own of this life are none. */
static void a_view_change_that_is_shown_late_too(void)
{
	struct bed *b = bed_new(4, 1);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	bed_join(b);
	bed_view_change(b, 2, 7);
	bed_view_change(b, 3, 7);
	CU_ASSERT(bed_standing(b).view == 7 && bed_standing(b).changing && !bed_standing(b).observer);
	bed_view_change(b, 1, 4); /* mine, says its signature */
	CU_ASSERT(bed_standing(b).observer);
	bed_free(b);
}

/* My log ends in view 0, and I have changed to view 7 since. So I had before. */
static void another_view_change_for_the_same_view_too(void)
{
	struct bed *b = bed_new(4, 1);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	bed_join(b);
	bed_view_change(b, 2, 7);
	bed_view_change(b, 3, 7);
	struct pbft_view_change *vc = bed_copy(bed_sent(b, PBFT_VIEW_CHANGE)->data, sizeof *vc);
	bed_say(b, 1, PBFT_VIEW_CHANGE, vc); /* on its way back */
	bed_say(b, 1, PBFT_VIEW_CHANGE, vc);
	CU_ASSERT(!bed_standing(b).observer);
	vc->chain = bed_digest(9);
	bed_say(b, 1, PBFT_VIEW_CHANGE, vc);
	CU_ASSERT(bed_standing(b).observer);
	CU_ASSERT(bed_blame(b, 1, BFT_IGNORE, PBFT_WHY_MEMORY_LOST) != NULL && !bed_blame(b, 1, BFT_CONVICT, PBFT_WHY_TWO_VIEW_CHANGES));
	free(vc);
	bed_free(b);
}

/* A second process with my key, before I propose or after: what it signed is none of mine. */
static void a_proposal_of_mine_that_i_did_not_make_too(void)
{
	for (int late = 0; late < 2; late++) {
		struct bed *b = bed_new(4, 0);
		if (late)
			bed_request(b, 1, 1, bed_digest(7));
		CU_ASSERT(bed_leaves(b, BFT_LEAF_PRE_PREPARE, 1) == (late ? 2 : 0) && !bed_standing(b).observer);
		bed_leaf_as(b, 0, 0, BFT_LEAF_PRE_PREPARE, 1, bed_digest(9), BFT_AUTH_SIGNED);
		CU_ASSERT(bed_standing(b).observer == late);
		bed_forget(b);
		bed_request(b, 1, 2, bed_digest(8));
		CU_ASSERT(bed_standing(b).observer && !bed_signed_anything(b));
		for (uint8_t i = 1; i < 4; i++)
			bed_prepare(b, i, 0, 1, bed_digest(9));
		CU_ASSERT(!bed_signed_anything(b) && !bed_blame(b, 0, BFT_CONVICT, PBFT_WHY_TWO_PRE_PREPARES));
		bed_free(b);
	}
}

/* In the log there is another one than they show. */
static void a_different_vote_in_my_log_too(void)
{
	struct bed *b = bed_new(4, 1);
	bed_make_prepared(b, 0, 1, bed_digest(1));
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	bed_leaf_as(b, 1, 0, BFT_LEAF_PREPARE, 1, bed_digest(2), BFT_AUTH_SIGNED);
	CU_ASSERT(bed_standing(b).observer);
	bed_free(b);
}

/* It leaves beside its flush, so a leader that was killed may honestly lack it. */
static void a_pre_prepare_that_my_log_lacks_is_no_loss(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 0);
	bed_start(b, BFT_RECOVERY_WHOLE);
	bed_leaf_as(b, 0, 0, BFT_LEAF_PRE_PREPARE, 1, bed_digest(1), BFT_AUTH_SIGNED);
	CU_ASSERT(!bed_standing(b).observer);
	bed_free(b);
}

/* A SUSPECT is never durable: not to remember it is honest. */
static void a_suspect_is_not_remembered(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 1);
	bed_start(b, BFT_RECOVERY_WHOLE);
	struct pbft_suspect m = { .view = 3, .standing = 1 };
	bed_say(b, 1, PBFT_SUSPECT, &m);
	CU_ASSERT(!bed_standing(b).observer);
	bed_free(b);
}

static void what_my_log_has_is_no_loss(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_make_prepared(b, 0, BED_K + 1, bed_digest(BED_K + 1));
	bed_leave(b, 0);
	struct pbft_view_change *vc = bed_copy(bed_sent(b, PBFT_VIEW_CHANGE)->data, sizeof *vc);
	struct digest chain = b->chain[BED_K];
	bed_restart(b, BED_K, BFT_RECOVERY_WHOLE);
	for (bft_seq seq = 1; seq <= BED_K + 1; seq++) {
		bed_leaf_as(b, 1, 0, BFT_LEAF_PREPARE, seq, bed_digest(seq), BFT_AUTH_SIGNED);
		bed_leaf_as(b, 1, 0, BFT_LEAF_COMMIT, seq, bed_digest(seq), BFT_AUTH_SIGNED);
	}
	bed_checkpoint(b, 1, BED_K, chain);
	bed_say(b, 1, PBFT_VIEW_CHANGE, vc);
	CU_ASSERT(!bed_standing(b).observer);
	bed_join(b);
	CU_ASSERT(!bed_standing(b).observer && !bed_standing(b).recalling);
	free(vc);
	bed_free(b);
}

/* At or below my stable checkpoint nothing is of interest. */
static void below_the_stable_checkpoint_nothing_is_asked(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_make_stable(b, BED_K);
	bed_restart(b, BED_K, BFT_RECOVERY_WHOLE);
	CU_ASSERT(((const struct pbft_recall *)bed_sent(b, PBFT_RECALL)->data)->stable == BED_K);
	bed_leaf_as(b, 1, 0, BFT_LEAF_COMMIT, 2, bed_digest(999), BFT_AUTH_SIGNED);
	bed_checkpoint(b, 1, BED_K, bed_digest(999));
	CU_ASSERT(!bed_standing(b).observer);
	bed_free(b);
}

/* The log itself is known to be damaged. */
static void a_lost_log_makes_an_observer(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 1);
	bed_start(b, BFT_RECOVERY_LOST);
	bed_join(b);
	CU_ASSERT(bed_standing(b).observer);
	bed_make_prepared(b, 0, 1, bed_digest(1));
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_leave(b, 0);
	bed_request(b, 1, 1, bed_digest(1));
	bed_tick(b, 10 * BED_TIMEOUT_MS);
	CU_ASSERT(bed_standing(b).executed == BED_K && !bed_signed_anything(b));
	bed_free(b);
}

/* ---- what still binds ---- */

static void the_same_votes_are_said_again(void)
{
	struct bed *b = bed_new(4, 1);
	bed_make_prepared(b, 0, 1, bed_digest(1));
	bed_pre_prepare(b, 0, 2, bed_digest(2));
	bed_held(b, bed_digest(2), 0, true);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	bed_join(b);
	CU_ASSERT(bed_same(bed_leaf_in(bed_leaf(b, BFT_LEAF_PREPARE, 1)).digest, bed_digest(1)));
	CU_ASSERT(bed_same(bed_leaf_in(bed_leaf(b, BFT_LEAF_COMMIT, 1)).digest, bed_digest(1)));
	CU_ASSERT(bed_same(bed_leaf_in(bed_leaf(b, BFT_LEAF_PREPARE, 2)).digest, bed_digest(2)));
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 2));
	/* They are in the log already: nothing new is written, nothing waits. */
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1)->lsn == 0 && !bed_record(b, PBFT_REC_PREPARE) && !bed_record(b, PBFT_REC_COMMIT));
	bed_free(b);
}

/* Its leader shows another proposal after my restart, before I am a member again or after. */
static void no_other_vote_is_given_in_that_view(void)
{
	for (int before = 0; before < 2; before++) {
		struct bed *b = bed_new(4, 1);
		bed_pre_prepare(b, 0, 1, bed_digest(1));
		bed_held(b, bed_digest(1), 0, true);
		bed_restart(b, 0, BFT_RECOVERY_WHOLE);
		if (!before)
			bed_join(b);
		bed_pre_prepare(b, 0, 1, bed_digest(2));
		bed_held(b, bed_digest(2), 0, true);
		bed_prepare(b, 2, 0, 1, bed_digest(2));
		bed_prepare(b, 3, 0, 1, bed_digest(2));
		if (before)
			bed_join(b);
		for (uint32_t i = 0; i < b->seen_count; i++)
			if (bed_is_leaf(&b->seen[i], BFT_LEAF_PREPARE, 1))
				CU_ASSERT(bed_same(bed_leaf_in(&b->seen[i]).digest, bed_digest(1)));
		CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
		bed_free(b);
	}
}

/* What was decided and not yet durable was never said either: it is as if it had not been. */
static void what_was_not_durable_does_not_bind(void)
{
	struct bed *b = bed_new(4, 1);
	b->durable = false;
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	b->durable = true;
	bed_join(b);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1));
	bed_pre_prepare(b, 0, 1, bed_digest(2));
	bed_held(b, bed_digest(2), 0, true);
	CU_ASSERT(bed_same(bed_leaf_in(bed_leaf(b, BFT_LEAF_PREPARE, 1)).digest, bed_digest(2)));
	bed_free(b);
}

/* A COMMIT may have decided, so its certificate must be in every later VIEW-CHANGE, a restart between or not. */
static void a_commit_is_in_the_next_view_change(void)
{
	struct bed *b = bed_new(4, 1);
	bed_make_prepared(b, 0, 3, bed_digest(3));
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	bed_join(b);
	bed_leave(b, 0);
	const struct pbft_view_change *m = bed_sent(b, PBFT_VIEW_CHANGE)->data;
	CU_ASSERT_FATAL(m->count == 1);
	CU_ASSERT(m->prepared[0].seq == 3 && m->prepared[0].view == 0 && bed_same(m->prepared[0].digest, bed_digest(3)));
	bed_free(b);
}

static void a_view_change_still_binds_and_is_said_again(void)
{
	struct bed *b = bed_new(4, 1);
	bed_make_prepared(b, 0, 3, bed_digest(3));
	bed_leave(b, 0);
	struct pbft_view_change *said = bed_copy(bed_sent(b, PBFT_VIEW_CHANGE)->data, sizeof *said);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT(bed_standing(b).view == 1 && bed_standing(b).changing);
	bed_join(b);
	CU_ASSERT_FATAL(bed_sent(b, PBFT_VIEW_CHANGE) != NULL);
	struct digest a, c;
	bed_digest_of(&a, PBFT_VIEW_CHANGE, said);
	bed_digest_of(&c, PBFT_VIEW_CHANGE, bed_sent(b, PBFT_VIEW_CHANGE)->data);
	CU_ASSERT(bed_same(a, c)); /* verbatim */
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 0));
	free(said);
	bed_free(b);
}

/* Entered view 2, whose NEW-VIEW required a proposal; after my restart its leader shows another one for that place. */
static void what_a_new_view_required_is_still_required(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 2, 3);
	bed_changes_prepared(c, 3, 1, 0, bed_digest(1));
	struct pbft_new_view *nv = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, nv);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT(bed_standing(b).view == 2 && !bed_standing(b).changing);
	bed_join(b);
	bed_pre_prepare(b, 2, 1, bed_digest(66));
	bed_held(b, bed_digest(66), 0, true);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1));
	CU_ASSERT(bed_blame(b, 2, BFT_CONVICT, PBFT_WHY_NOT_REPROPOSED) != NULL);
	bed_changes_free(c);
	free(nv);
	bed_free(b);
}

static void checkpoints_are_said_again_never_made_again(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	struct digest chain = b->chain[BED_K];
	bed_restart(b, BED_K, BFT_RECOVERY_WHOLE);
	bed_join(b);
	CU_ASSERT_FATAL(bed_sent(b, PBFT_CHECKPOINT) != NULL);
	const struct bft_checkpoint *m = bed_sent(b, PBFT_CHECKPOINT)->data;
	CU_ASSERT(m->seq == BED_K && bed_same(m->chain, chain) && !bed_record(b, PBFT_REC_CHECKPOINT));
	/* Executed a second time, from below: what was signed is said again, since it may have reached nobody (trusted seed 12528), and there is no other record. */
	bed_restart(b, BED_K - 1, BFT_RECOVERY_WHOLE);
	bed_join(b);
	CU_ASSERT(!bed_sent(b, PBFT_CHECKPOINT));
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_commit(b, i, 0, BED_K, bed_digest(BED_K));
	bed_held(b, bed_digest(BED_K), 0, true);
	CU_ASSERT(bed_standing(b).executed == BED_K && !bed_record(b, PBFT_REC_CHECKPOINT));
	CU_ASSERT_FATAL(bed_sent(b, PBFT_CHECKPOINT) != NULL);
	m = bed_sent(b, PBFT_CHECKPOINT)->data;
	CU_ASSERT(m->seq == BED_K && bed_same(m->chain, chain));
	bed_free(b);
}

static void a_state_that_contradicts_its_certificate_halts(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_make_stable(b, BED_K);
	b->chain[BED_K] = bed_digest(13); /* a bit flipped on the disk */
	bed_restart(b, BED_K, BFT_RECOVERY_WHOLE);
	CU_ASSERT(bed_last(b, BFT_FX_HALT) != NULL && bed_last(b, BFT_FX_HALT)->reason == PBFT_WHY_OWN_CHAIN);
	bed_join(b);
	bed_make_prepared(b, 0, BED_K + 1, bed_digest(9));
	CU_ASSERT(!bed_signed_anything(b));
	bed_free(b);
}

static void low_and_window_come_back(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= BED_K + 1; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_make_stable(b, BED_K);
	bed_restart(b, BED_K + 1, BFT_RECOVERY_WHOLE);
	CU_ASSERT(bed_standing(b).low == BED_K && bed_standing(b).executed == BED_K + 1 && bed_standing(b).lsn == bed_lsn(b));
	bed_free(b);
}

/* ---- a leader ---- */

/* It may have sent PRE-PREPAREs that its log lacks: it leads no view that it had entered before, and says so. */
static void a_leader_that_restarts_resigns(void)
{
	struct bed *b = bed_new(4, 0);
	b->durable = false;
	bed_request(b, 1, 1, bed_digest(5)); /* sent beside the flush, and lost here */
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 1) != NULL);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	b->durable = true;
	bed_request(b, 1, 1, bed_digest(5));
	bed_request(b, 1, 2, bed_digest(6));
	bed_join(b);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PRE_PREPARE, 0));
	const struct bft_effect *said = bed_sent(b, PBFT_SUSPECT);
	CU_ASSERT_FATAL(said != NULL);
	CU_ASSERT(((const struct pbft_suspect *)said->data)->view == 0 && ((const struct pbft_suspect *)said->data)->standing == 1);
	CU_ASSERT(bed_sent(b, PBFT_VIEW_CHANGE) != NULL);
	bed_free(b);
}

static void a_leader_that_starts_first_leads(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 0);
	bed_start(b, BFT_RECOVERY_WHOLE);
	/* That view 0 is entered is in the log before any statement in it. */
	CU_ASSERT_FATAL(bed_record(b, PBFT_REC_VIEW) != NULL);
	bed_join(b);
	bed_request(b, 1, 1, bed_digest(5));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 1) != NULL && !bed_sent(b, PBFT_SUSPECT));
	bed_free(b);
}

/* Killed before that record was durable: nothing can have left, so it may lead. */
static void a_leader_that_said_nothing_leads(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 0);
	b->durable = false;
	bed_start(b, BFT_RECOVERY_WHOLE);
	bed_join(b);
	bed_request(b, 1, 1, bed_digest(5));
	const struct bft_effect *leaf = bed_leaf(b, BFT_LEAF_PRE_PREPARE, 1);
	CU_ASSERT_FATAL(leaf != NULL && leaf->lsn > b->durable_lsn);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	b->durable = true;
	bed_join(b);
	bed_request(b, 1, 1, bed_digest(6));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 1) != NULL && !bed_sent(b, PBFT_SUSPECT));
	bed_free(b);
}

static void in_a_later_view_it_leads_again(void)
{
	struct bed *b = bed_new(4, 0);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	bed_join(b);
	struct bed_changes *c = bed_changes_new(b, 4, 3);
	bed_changes_say(b, c);
	CU_ASSERT(bed_standing(b).view == 4 && !bed_standing(b).changing && bed_sent(b, PBFT_NEW_VIEW) != NULL);
	bed_request(b, 1, 1, bed_digest(5));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 1) != NULL);
	bed_changes_free(c);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "nothing is signed before q-1 others have told", nothing_is_signed_before_a_quorum_has_told },
		{ "it is asked until it is answered", it_is_asked_until_it_is_answered },
		{ "it executes meanwhile", it_executes_meanwhile },
		{ "everything held of theirs is told verbatim", everything_held_of_theirs_is_told_verbatim },
		{ "answering needs no standing", answering_needs_no_standing },
		{ "a vote that my log lacks ends my voting", a_vote_that_my_log_lacks_ends_my_voting },
		{ "a VIEW-CHANGE, NEW-VIEW or CHECKPOINT too", a_view_change_or_checkpoint_that_my_log_lacks_too },
		{ "a VIEW-CHANGE that is shown late too", a_view_change_that_is_shown_late_too },
		{ "another VIEW-CHANGE for the same view too", another_view_change_for_the_same_view_too },
		{ "a proposal of mine that I did not make too", a_proposal_of_mine_that_i_did_not_make_too },
		{ "a different vote in my log too", a_different_vote_in_my_log_too },
		{ "a PRE-PREPARE that my log lacks is no loss", a_pre_prepare_that_my_log_lacks_is_no_loss },
		{ "a SUSPECT is not remembered", a_suspect_is_not_remembered },
		{ "what my log has is no loss", what_my_log_has_is_no_loss },
		{ "below the stable checkpoint nothing is asked", below_the_stable_checkpoint_nothing_is_asked },
		{ "a lost log makes an observer", a_lost_log_makes_an_observer },
		{ "the same votes are said again", the_same_votes_are_said_again },
		{ "no other vote is given in that view", no_other_vote_is_given_in_that_view },
		{ "what was not durable does not bind", what_was_not_durable_does_not_bind },
		{ "a COMMIT is in the next VIEW-CHANGE", a_commit_is_in_the_next_view_change },
		{ "a VIEW-CHANGE still binds and is said again", a_view_change_still_binds_and_is_said_again },
		{ "what a NEW-VIEW required is still required", what_a_new_view_required_is_still_required },
		{ "checkpoints are said again, never made again", checkpoints_are_said_again_never_made_again },
		{ "a state that contradicts its certificate halts", a_state_that_contradicts_its_certificate_halts },
		{ "low and window come back", low_and_window_come_back },
		{ "a leader that restarts resigns", a_leader_that_restarts_resigns },
		{ "a leader that starts first leads", a_leader_that_starts_first_leads },
		{ "a leader that said nothing leads", a_leader_that_said_nothing_leads },
		{ "in a later view it leads again", in_a_later_view_it_leads_again },
		{ 0 },
	};
	return unit_main("recovery", cases);
}
