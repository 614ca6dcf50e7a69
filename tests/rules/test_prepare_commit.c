/* PREPARE and COMMIT: what counts, once, for whom; what is durable before it is said; what q COMMITs decide. docs/protocol.md, "Votes and certificates". */
#include "tests/rules/core_bed.h"

/* The core is member 1, led by 0. `k` other backups' PREPAREs. */
static void prepares(struct bed *b, uint32_t k, bft_view view, bft_seq seq, struct digest d)
{
	for (uint32_t i = 0; i < k; i++)
		bed_prepare(b, bed_other(b, i, (uint32_t)(view % b->n)), view, seq, d);
}

static void commits(struct bed *b, uint32_t k, bft_view view, bft_seq seq, struct digest d)
{
	for (uint32_t i = 0; i < k; i++)
		bed_commit(b, bed_other(b, i, BED_ALL), view, seq, d);
}

/* ---- prepared ---- */

/* The leader's PRE-PREPARE, mine, and q-2 others: q, never fewer, for every n. */
static void commit_needs_a_quorum_of_prepares(void)
{
	for (uint32_t n = 4; n <= 12; n++) {
		struct bed *b = bed_new(n, 1);
		struct digest d = bed_digest(1);
		bed_pre_prepare(b, 0, 1, d);
		bed_held(b, d, 0, true);
		prepares(b, b->q - 3, 0, 1, d);
		CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1) && !bed_record(b, PBFT_REC_COMMIT));
		prepares(b, b->q - 2, 0, 1, d);
		const struct bft_effect *record = bed_record(b, PBFT_REC_COMMIT), *vote = bed_leaf(b, BFT_LEAF_COMMIT, 1);
		CU_ASSERT_FATAL(record && vote);
		CU_ASSERT(bed_same(bed_leaf_in(vote).digest, d) && vote->to == mask_all(n));
		bed_free(b);
	}
}

/* COMMIT means "and the prepared certificate is on my disk": its record names q members and the message of each. */
static void commit_waits_for_its_certificate(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	bft_ref leaders = b->last_ref;
	bed_held(b, d, 0, true);
	bed_prepare(b, 2, 0, 1, d);
	const struct bft_effect *record = bed_record(b, PBFT_REC_COMMIT), *vote = bed_leaf(b, BFT_LEAF_COMMIT, 1);
	CU_ASSERT_FATAL(record && vote);
	CU_ASSERT(vote->lsn == record->lsn && record->lsn > bed_record(b, PBFT_REC_PREPARE)->lsn);
	const struct bft_certificate_refs *c = record->data;
	CU_ASSERT(c->view == 0 && c->seq == 1 && bed_same(c->digest, d));
	CU_ASSERT(c->signers == (BFT_BIT(0) | BFT_BIT(1) | BFT_BIT(2)));
	CU_ASSERT(c->wire[0] == leaders && c->wire[1] && c->wire[2] && !c->wire[3]);
	bed_free(b);
}

/* My own vote counts when it has come back, that is, when it is on my disk. */
static void nothing_counts_before_it_is_durable(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	b->durable = false;
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	bed_prepare(b, 2, 0, 1, d);
	bed_prepare(b, 3, 0, 1, d); /* q without mine */
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
	bed_flush(b);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL);
	bed_free(b);
}

static void own_commit_counts_when_durable(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	b->durable = false;
	bed_prepare(b, 2, 0, 1, d);
	commits(b, b->q - 1, 0, 1, d);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL && !bed_executes(b, 1, d));
	bed_flush(b);
	CU_ASSERT(bed_executes(b, 1, d));
	bed_free(b);
}

/* n = 4, the leader and I: its PREPARE beside its PRE-PREPARE must not make three. */
static void the_leaders_prepare_is_rejected(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_prepare(b, 0, 0, 1, d) == BFT_REJECT);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
	/* Also for a later view that it would lead. */
	CU_ASSERT(bed_prepare(b, 2, 2, 1, d) == BFT_REJECT);
	bed_free(b);
}

static void a_repeated_prepare_counts_once(void)
{
	struct bed *b = bed_new(7, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_prepare(b, 2, 0, 1, d) == BFT_ACCEPT);
	for (int i = 0; i < 5; i++)
		CU_ASSERT(bed_prepare(b, 2, 0, 1, d) == BFT_IGNORE);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
	bed_free(b);
}

static void two_prepares_convict(void)
{
	struct bed *b = bed_new(4, 1);
	bed_prepare(b, 2, 0, 1, bed_digest(1));
	bft_ref first = b->last_ref;
	CU_ASSERT(bed_prepare(b, 2, 0, 1, bed_digest(2)) == BFT_CONVICT);
	const struct bft_effect *blame = bed_blame(b, 2, BFT_CONVICT, PBFT_WHY_TWO_VOTES);
	CU_ASSERT_FATAL(blame != NULL);
	CU_ASSERT(blame->ref == b->last_ref && blame->other == first);
	/* It says nothing about the leader. */
	CU_ASSERT(!bed_sent(b, PBFT_SUSPECT));
	bed_free(b);
}

static void on_the_channel_alone_a_prepare_is_rejected(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_leaf_as(b, 2, 0, BFT_LEAF_PREPARE, 1, d, BFT_AUTH_CHANNEL) == BFT_REJECT);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
	bed_free(b);
}

/* Votes count per (view, seq, digest): split ones are no quorum of anything. */
static void split_votes_do_not_add_up(void)
{
	struct bed *b = bed_new(7, 1);
	struct digest d = bed_digest(1), other = bed_digest(2);
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	bed_prepare(b, 2, 0, 1, d);
	bed_prepare(b, 3, 0, 1, other);
	bed_prepare(b, 4, 0, 1, other);
	bed_prepare(b, 5, 0, 1, other);
	bed_prepare(b, 6, 0, 2, d); /* another sequence */
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 0));
	bed_free(b);
}

/* q others for what I was not shown: I cannot vouch for that body. */
static void a_quorum_for_another_digest_moves_no_vote(void)
{
	struct bed *b = bed_new(7, 1);
	struct digest other = bed_digest(2);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), 0, true);
	bed_held(b, other, 0, true);
	for (uint8_t i = 2; i < 7; i++)
		bed_prepare(b, i, 0, 1, other);
	CU_ASSERT(bed_leaves(b, BFT_LEAF_PREPARE, 1) == 1 && !bed_leaf(b, BFT_LEAF_COMMIT, 0));
	bed_free(b);
}

static void prepares_of_another_view_do_not_count(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_prepare(b, 2, 1, 1, d) == BFT_ACCEPT); /* kept for that view */
	CU_ASSERT(bed_prepare(b, 3, 6, 1, d) == BFT_ACCEPT);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
	bed_enter_view(b, 2);
	bed_forget(b);
	CU_ASSERT(bed_prepare(b, 3, 1, 1, d) == BFT_IGNORE);
	CU_ASSERT(bed_prepare(b, 3, 0, 1, d) == BFT_IGNORE);
	bed_free(b);
}

static void prepares_before_the_pre_prepare_count(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_prepare(b, 2, 0, 1, d);
	bed_prepare(b, 3, 0, 1, d);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1));
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL);
	bed_free(b);
}

static void outside_the_window_votes_are_ignored(void)
{
	struct bed *b = bed_new(4, 1);
	const bft_seq seqs[] = { BED_W + 1, BFT_SEQ_MAX, UINT64_MAX };
	for (size_t i = 0; i < 3; i++) {
		CU_ASSERT(bed_prepare(b, 2, 0, seqs[i], bed_digest(1)) == BFT_IGNORE);
		CU_ASSERT(bed_commit(b, 2, 0, seqs[i], bed_digest(1)) == BFT_IGNORE);
	}
	CU_ASSERT(bed_prepare(b, 2, 0, BED_W, bed_digest(1)) == BFT_ACCEPT);
	CU_ASSERT(bed_commit(b, 2, 0, BED_W, bed_digest(1)) == BFT_ACCEPT);
	bed_free(b);
}

static void of_another_epoch_they_are_ignored(void)
{
	struct bed *b = bed_new(4, 1);
	static struct bft_votes m = { .count = 2 };
	m.leaf[0] = (struct bft_leaf){ .kind = BFT_LEAF_PREPARE, .seq = 1, .digest = bed_digest(1) };
	m.leaf[1] = (struct bft_leaf){ .kind = BFT_LEAF_COMMIT, .seq = 1, .digest = bed_digest(1) };
	CU_ASSERT(bed_say_in(b, 2, PBFT_VOTES, &m, BFT_AUTH_SIGNED, 2) == BFT_IGNORE);
	CU_ASSERT(bed_say_in(b, 2, PBFT_VOTES, &m, BFT_AUTH_SIGNED, 1) == BFT_ACCEPT);
	bed_free(b);
}

/* One message, many leaves: each is judged alone. */
static void a_bad_leaf_does_not_spoil_its_neighbours(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	static struct bft_votes m = { .count = 3 };
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	bed_forget(b);
	m.leaf[0] = (struct bft_leaf){ .kind = BFT_LEAF_PREPARE, .seq = BED_W + 9, .digest = d };
	m.leaf[1] = (struct bft_leaf){ .kind = BFT_LEAF_PREPARE, .seq = 1, .digest = d };
	m.leaf[2] = (struct bft_leaf){ .kind = BFT_LEAF_COMMIT, .seq = 1, .digest = d };
	bed_say(b, 2, PBFT_VOTES, &m);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL);
	CU_ASSERT(!bed_last(b, BFT_FX_BLAME));
	bed_free(b);
}

/* ---- before a signature is looked at ---- */

static enum bft_verdict screened(const struct bed *b, uint8_t from, bft_view view, uint8_t kind, bft_seq seq, struct digest d)
{
	static struct bft_votes m = { .count = 1 };
	m.view = view;
	m.leaf[0] = (struct bft_leaf){ .kind = kind, .seq = seq, .digest = d };
	return bft_pbft.screen(b->core, from, PBFT_VOTES, &m);
}

static void what_can_no_longer_matter_is_screened(void)
{
	struct bed *b = bed_new(7, 1);
	struct digest d = bed_digest(1), other = bed_digest(2);
	CU_ASSERT(screened(b, 2, 0, BFT_LEAF_PREPARE, BED_W, d) == BFT_ACCEPT);
	CU_ASSERT(screened(b, 2, 0, BFT_LEAF_PREPARE, BED_W + 1, d) == BFT_IGNORE);
	CU_ASSERT(screened(b, 2, 0, BFT_LEAF_COMMIT, UINT64_MAX, d) == BFT_IGNORE);
	CU_ASSERT(screened(b, 7, 0, BFT_LEAF_PREPARE, 1, d) == BFT_REJECT); /* no such member */
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	bed_prepare(b, 2, 0, 1, d);
	CU_ASSERT(screened(b, 2, 0, BFT_LEAF_PREPARE, 1, d) == BFT_IGNORE);     /* here already */
	CU_ASSERT(screened(b, 2, 0, BFT_LEAF_PREPARE, 1, other) == BFT_ACCEPT); /* a contradiction is looked at */
	CU_ASSERT(screened(b, 6, 0, BFT_LEAF_PREPARE, 1, d) == BFT_ACCEPT);
	bed_prepare(b, 3, 0, 1, d);
	bed_prepare(b, 4, 0, 1, d);
	CU_ASSERT_FATAL(bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL);
	CU_ASSERT(screened(b, 6, 0, BFT_LEAF_PREPARE, 1, d) == BFT_IGNORE); /* prepared without it */
	CU_ASSERT(screened(b, 6, 0, BFT_LEAF_PREPARE, 1, other) == BFT_ACCEPT);
	CU_ASSERT(screened(b, 6, 0, BFT_LEAF_COMMIT, 1, d) == BFT_ACCEPT);
	bed_enter_view(b, 2);
	CU_ASSERT(screened(b, 6, 0, BFT_LEAF_PREPARE, 2, d) == BFT_IGNORE);
	CU_ASSERT(screened(b, 6, 0, BFT_LEAF_COMMIT, 2, d) == BFT_ACCEPT);
	bed_free(b);
}

/* ---- committed ---- */

static void a_quorum_of_commits_decides(void)
{
	for (uint32_t n = 4; n <= 12; n++) {
		struct bed *b = bed_new(n, 1);
		struct digest d = bed_digest(1);
		bed_held(b, d, 0, true);
		commits(b, b->q - 1, 0, 1, d);
		CU_ASSERT(!bed_last(b, BFT_FX_FETCH) && !bed_last(b, BFT_FX_EXECUTE));
		commits(b, b->q, 0, 1, d);
		CU_ASSERT(bed_last(b, BFT_FX_FETCH) != NULL);
		bed_held(b, d, 0, true);
		CU_ASSERT(bed_executes(b, 1, d));
		bed_free(b);
	}
}

/* Without PRE-PREPARE, PREPARE or body: then anybody may have it, and everybody is asked. */
static void whatever_else_is_held(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_commit(b, 0, 0, 1, d);
	bed_commit(b, 2, 0, 1, d);
	bed_commit(b, 3, 0, 1, d);
	const struct bft_effect *fetch = bed_last(b, BFT_FX_FETCH);
	CU_ASSERT_FATAL(fetch != NULL);
	CU_ASSERT(fetch->to == (mask_all(4) & ~BFT_BIT(1)));
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE));
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_executes(b, 1, d));
	bed_free(b);
}

/* The leader showed me another proposal, and I prepared it. */
static void against_what_i_prepared_myself(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest mine = bed_digest(1), theirs = bed_digest(2);
	bed_pre_prepare(b, 0, 1, mine);
	bed_held(b, mine, 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL);
	commits(b, b->q, 0, 1, theirs);
	bed_held(b, theirs, 0, true);
	CU_ASSERT(bed_executes(b, 1, theirs));
	/* I did not vote for it, and do not now. */
	CU_ASSERT(bed_leaves(b, BFT_LEAF_PREPARE, 0) == 1 && !bed_leaf(b, BFT_LEAF_COMMIT, 0));
	bed_free(b);
}

static void commits_of_an_older_view_still_decide(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_enter_view(b, 2);
	CU_ASSERT_FATAL(bed_standing(b).view == 2);
	commits(b, b->q, 0, 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_executes(b, 1, d));
	bed_free(b);
}

static void and_while_the_view_changes(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_leave(b, 0);
	CU_ASSERT_FATAL(bed_standing(b).changing);
	commits(b, b->q, 0, 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_executes(b, 1, d));
	bed_free(b);
}

static void commits_of_different_views_do_not_add_up(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_commit(b, 0, 0, 1, d);
	bed_commit(b, 2, 0, 1, d);
	bed_commit(b, 3, 1, 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE) && !bed_last(b, BFT_FX_FETCH));
	bed_free(b);
}

static void split_commits_do_not_add_up(void)
{
	struct bed *b = bed_new(4, 1);
	bed_commit(b, 0, 0, 1, bed_digest(1));
	bed_commit(b, 2, 0, 1, bed_digest(1));
	bed_commit(b, 3, 0, 1, bed_digest(2));
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE));
	bed_free(b);
}

static void a_repeated_commit_counts_once(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	for (int i = 0; i < 3; i++)
		CU_ASSERT(bed_commit(b, 2, 0, 1, d) == (i ? BFT_IGNORE : BFT_ACCEPT));
	bed_commit(b, 3, 0, 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE));
	bed_free(b);
}

static void two_commits_convict(void)
{
	struct bed *b = bed_new(4, 1);
	bed_leaf_as(b, 2, 0, BFT_LEAF_COMMIT, 1, bed_digest(1), BFT_AUTH_SIGNED);
	bft_ref first = b->last_ref;
	CU_ASSERT(bed_leaf_as(b, 2, 0, BFT_LEAF_COMMIT, 1, bed_digest(2), BFT_AUTH_SIGNED) == BFT_CONVICT);
	const struct bft_effect *blame = bed_blame(b, 2, BFT_CONVICT, PBFT_WHY_TWO_VOTES);
	CU_ASSERT_FATAL(blame != NULL);
	CU_ASSERT(blame->ref == b->last_ref && blame->other == first);
	bed_free(b);
}

/* In different views one member may commit to different things: that is no contradiction. */
static void commits_of_different_views_do_not_convict(void)
{
	struct bed *b = bed_new(4, 1);
	bed_commit(b, 2, 0, 1, bed_digest(1));
	bft_ref first = b->last_ref;
	CU_ASSERT(bed_commit(b, 2, 1, 1, bed_digest(2)) == BFT_ACCEPT);
	/* The older message is let go. */
	CU_ASSERT_FATAL(bed_last(b, BFT_FX_RELEASE) != NULL);
	CU_ASSERT(bed_last(b, BFT_FX_RELEASE)->ref == first && bed_last(b, BFT_FX_RELEASE)->seq == 1);
	CU_ASSERT(bed_commit(b, 2, 0, 1, bed_digest(1)) == BFT_IGNORE); /* late: the newest one is kept */
	CU_ASSERT(!bed_last(b, BFT_FX_BLAME));
	bed_free(b);
}

/* ---- execution ---- */

static void execution_is_in_order_agreement_is_not(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 3; seq >= 2; seq--) {
		commits(b, b->q, 0, seq, bed_digest(seq));
		bed_held(b, bed_digest(seq), 0, true);
	}
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE));
	commits(b, b->q, 0, 1, bed_digest(1));
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE)); /* its body is missing */
	bed_held(b, bed_digest(1), 0, true);
	bft_seq next = 1;
	for (uint32_t i = 0; i < b->seen_count; i++)
		if (b->seen[i].kind == BFT_FX_EXECUTE)
			CU_ASSERT(b->seen[i].seq == next++);
	CU_ASSERT(next == 4 && bed_standing(b).executed == 3);
	bed_free(b);
}

static void execution_is_handed_a_bounded_number(void)
{
	struct bft_limits limits = bed_limits(4);
	limits.executing_max = 3;
	struct bed *b = bed_ready(&limits, 1);
	b->execute = false;
	for (bft_seq seq = 1; seq <= 6; seq++) {
		commits(b, b->q, 0, seq, bed_digest(seq));
		bed_held(b, bed_digest(seq), 0, true);
	}
	CU_ASSERT(bed_count(b, BFT_FX_EXECUTE) == 3);
	bed_executed(b);
	CU_ASSERT(bed_count(b, BFT_FX_EXECUTE) == 4);
	bed_free(b);
}

/* The null proposal is a constant that everybody holds, and it is executed like any other. */
static void the_null_proposal_is_executed(void)
{
	struct bed *b = bed_new(4, 1);
	commits(b, b->q, 0, 1, b->null);
	CU_ASSERT(bed_executes(b, 1, b->null) && !bed_last(b, BFT_FX_FETCH));
	bed_free(b);
}

/* Two sequences about one body: the first that is done with does not take it from the other. */
static void a_body_that_two_sequences_need_is_not_forgotten(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	bed_pre_prepare(b, 0, 2, d);
	commits(b, b->q, 0, 1, bed_digest(9)); /* the first slot is about another one now */
	for (uint32_t i = 0; i < b->seen_count; i++)
		CU_ASSERT(b->seen[i].kind != BFT_FX_FORGET || !bed_same(b->seen[i].digest, d));
	commits(b, b->q, 0, 2, bed_digest(8));
	CU_ASSERT_FATAL(bed_last(b, BFT_FX_FORGET) != NULL);
	CU_ASSERT(bed_same(bed_last(b, BFT_FX_FORGET)->digest, d));
	bed_free(b);
}

/* A leader that told two things: whoever votes for the other one is shown what I was told, once for each vote. */
static void who_was_told_otherwise_is_shown_it(void)
{
	struct bed *b = bed_new(4, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_prepare(b, 3, 0, 1, bed_digest(1));
	CU_ASSERT(bed_last(b, BFT_FX_FORWARD) == NULL); /* it was told the same */
	bed_prepare(b, 2, 0, 1, bed_digest(2));
	const struct bft_effect *e = bed_last(b, BFT_FX_FORWARD);
	CU_ASSERT_FATAL(e != NULL);
	CU_ASSERT(e->from == 0 && e->to == BFT_BIT(2) && bed_count(b, BFT_FX_FORWARD) == 1);
	bed_prepare(b, 2, 0, 1, bed_digest(2));
	CU_ASSERT(bed_count(b, BFT_FX_FORWARD) == 1);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "COMMIT needs a quorum of prepares", commit_needs_a_quorum_of_prepares },
		{ "COMMIT waits for its certificate", commit_waits_for_its_certificate },
		{ "nothing counts before it is durable", nothing_counts_before_it_is_durable },
		{ "the own COMMIT counts when durable", own_commit_counts_when_durable },
		{ "the leader's PREPARE is rejected", the_leaders_prepare_is_rejected },
		{ "a repeated PREPARE counts once", a_repeated_prepare_counts_once },
		{ "two PREPAREs convict", two_prepares_convict },
		{ "on the channel alone a PREPARE is rejected", on_the_channel_alone_a_prepare_is_rejected },
		{ "split votes do not add up", split_votes_do_not_add_up },
		{ "a quorum for another digest moves no vote", a_quorum_for_another_digest_moves_no_vote },
		{ "PREPAREs of another view do not count", prepares_of_another_view_do_not_count },
		{ "PREPAREs before the PRE-PREPARE count", prepares_before_the_pre_prepare_count },
		{ "outside the window votes are ignored", outside_the_window_votes_are_ignored },
		{ "of another epoch they are ignored", of_another_epoch_they_are_ignored },
		{ "a bad leaf does not spoil its neighbours", a_bad_leaf_does_not_spoil_its_neighbours },
		{ "what can no longer matter is screened", what_can_no_longer_matter_is_screened },
		{ "q COMMITs decide", a_quorum_of_commits_decides },
		{ "q COMMITs decide whatever else is held", whatever_else_is_held },
		{ "q COMMITs decide against what I prepared", against_what_i_prepared_myself },
		{ "COMMITs of an older view still decide", commits_of_an_older_view_still_decide },
		{ "COMMITs decide while the view changes", and_while_the_view_changes },
		{ "COMMITs of different views do not add up", commits_of_different_views_do_not_add_up },
		{ "split COMMITs do not add up", split_commits_do_not_add_up },
		{ "a repeated COMMIT counts once", a_repeated_commit_counts_once },
		{ "two COMMITs convict", two_commits_convict },
		{ "COMMITs of different views do not convict", commits_of_different_views_do_not_convict },
		{ "execution is in order, agreement is not", execution_is_in_order_agreement_is_not },
		{ "execution is handed a bounded number", execution_is_handed_a_bounded_number },
		{ "the null proposal is executed", the_null_proposal_is_executed },
		{ "a body that two sequences need is not forgotten", a_body_that_two_sequences_need_is_not_forgotten },
		{ "who was told otherwise is shown it", who_was_told_otherwise_is_shown_it },
		{ 0 },
	};
	return unit_main("prepare_commit", cases);
}
