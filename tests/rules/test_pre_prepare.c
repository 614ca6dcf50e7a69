/* PRE-PREPARE: who may send one, what a backup does with it, and what the leader does before it sends one. docs/protocol.md, "The normal case". */
#include "tests/rules/core_bed.h"

/* ---- a backup: member 1 of 4, led by 0 ---- */

/* PREPARE means "the whole proposal, checked, is on my disk": its record names the body, and the vote waits for that record. */
static void a_backup_prepares_what_it_holds_when_it_is_durable(void)
{
	for (uint32_t n = 4; n <= 8; n++) {
		struct bed *b = bed_new(n, 1);
		struct digest d = bed_digest(1);
		CU_ASSERT(bed_pre_prepare(b, 0, 1, d) == BFT_ACCEPT);
		bed_held(b, d, 0, true);
		const struct bft_effect *record = bed_record(b, PBFT_REC_PREPARE), *vote = bed_leaf(b, BFT_LEAF_PREPARE, 1);
		CU_ASSERT_FATAL(record && vote);
		CU_ASSERT(bed_same(record->digest, d));
		CU_ASSERT(vote->lsn == record->lsn && vote->lsn > 0);
		CU_ASSERT(vote->to == mask_all(n));
		CU_ASSERT(bed_same(bed_leaf_in(vote).digest, d) && ((const struct bft_votes *)vote->data)->view == 0);
		bed_free(b);
	}
}

static void without_the_body_it_fetches_and_does_not_prepare(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1) && !bed_record(b, PBFT_REC_PREPARE));
	const struct bft_effect *fetch = bed_last(b, BFT_FX_FETCH);
	CU_ASSERT_FATAL(fetch != NULL);
	CU_ASSERT(bed_same(fetch->digest, d) && fetch->to == BFT_BIT(0));
	/* Another body does not help. */
	bed_held(b, bed_digest(2), 0, true);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1));
	/* Who prepares claims to hold it, and is asked too. */
	bed_prepare(b, 3, 0, 1, d);
	CU_ASSERT(bed_last(b, BFT_FX_FETCH)->to == (BFT_BIT(0) | BFT_BIT(3)));
	CU_ASSERT(bed_count(b, BFT_FX_FETCH) == 2);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_leaves(b, BFT_LEAF_PREPARE, 1) == 1);
	bed_free(b);
}

static void a_body_that_breaks_a_rule_convicts_its_leader(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	bft_ref said = b->last_ref;
	bed_held(b, d, 0, false);
	const struct bft_effect *blame = bed_blame(b, 0, BFT_CONVICT, PBFT_WHY_INVALID_PROPOSAL);
	CU_ASSERT_FATAL(blame != NULL);
	CU_ASSERT(blame->ref == said);
	bed_held(b, d, 0, true); /* no second opinion */
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1));
	CU_ASSERT(bed_sent(b, PBFT_SUSPECT) != NULL);
	bed_free(b);
}

static void said_twice_it_is_prepared_once(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	CU_ASSERT(bed_pre_prepare(b, 0, 1, d) == BFT_IGNORE);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_pre_prepare(b, 0, 1, d) == BFT_IGNORE);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_leaves(b, BFT_LEAF_PREPARE, 0) == 1);
	bed_free(b);
}

static void said_differently_it_convicts(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest one = bed_digest(1), other = bed_digest(2);
	bed_pre_prepare(b, 0, 1, one);
	bft_ref first = b->last_ref;
	CU_ASSERT(bed_pre_prepare(b, 0, 1, other) == BFT_CONVICT);
	const struct bft_effect *blame = bed_blame(b, 0, BFT_CONVICT, PBFT_WHY_TWO_PRE_PREPARES);
	CU_ASSERT_FATAL(blame != NULL);
	CU_ASSERT(blame->ref == b->last_ref && blame->other == first);
	/* Who holds proof suspects at once; the first one stays what the slot is about. */
	CU_ASSERT(bed_sent(b, PBFT_SUSPECT) != NULL);
	bed_held(b, other, 0, true);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1));
	bed_held(b, one, 0, true);
	CU_ASSERT(bed_same(bed_leaf_in(bed_leaf(b, BFT_LEAF_PREPARE, 1)).digest, one));
	CU_ASSERT(bed_leaves(b, BFT_LEAF_PREPARE, 0) == 1);
	bed_free(b);
}

static void after_preparing_the_other_one_is_not_prepared(void)
{
	struct bed *b = bed_new(4, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(bed_pre_prepare(b, 0, 1, bed_digest(2)) == BFT_CONVICT);
	bed_held(b, bed_digest(2), 0, true);
	CU_ASSERT(bed_leaves(b, BFT_LEAF_PREPARE, 0) == 1);
	bed_free(b);
}

static void from_a_member_that_does_not_lead_it_is_rejected(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_leaf_as(b, 2, 0, BFT_LEAF_PRE_PREPARE, 1, d, BFT_AUTH_SIGNED) == BFT_REJECT);
	CU_ASSERT(bed_leaf_as(b, 3, 0, BFT_LEAF_PRE_PREPARE, 1, d, BFT_AUTH_SIGNED) == BFT_REJECT);
	/* Nor from this view's leader in another's name. */
	CU_ASSERT(bed_leaf_as(b, 0, 1, BFT_LEAF_PRE_PREPARE, 1, d, BFT_AUTH_SIGNED) == BFT_REJECT);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 0));
	bed_free(b);
}

static void on_the_channel_alone_it_is_rejected(void)
{
	struct bed *b = bed_new(4, 1);
	CU_ASSERT(bed_leaf_as(b, 0, 0, BFT_LEAF_PRE_PREPARE, 1, bed_digest(1), BFT_AUTH_CHANNEL) == BFT_REJECT);
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 0));
	bed_free(b);
}

static void above_the_window_it_is_ignored(void)
{
	struct bed *b = bed_new(4, 1);
	CU_ASSERT(bed_pre_prepare(b, 0, BED_W + 1, bed_digest(1)) == BFT_IGNORE);
	CU_ASSERT(bed_pre_prepare(b, 0, BFT_SEQ_MAX, bed_digest(1)) == BFT_IGNORE);
	CU_ASSERT(bed_pre_prepare(b, 0, UINT64_MAX, bed_digest(1)) == BFT_IGNORE);
	CU_ASSERT(bed_pre_prepare(b, 0, BED_W, bed_digest(1)) == BFT_ACCEPT);
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, BED_W) != NULL);
	bed_free(b);
}

static void at_or_below_the_stable_checkpoint_it_is_ignored(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_make_stable(b, BED_K);
	CU_ASSERT_FATAL(bed_standing(b).low == BED_K);
	bed_forget(b);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		CU_ASSERT(bed_pre_prepare(b, 0, seq, bed_digest(50)) == BFT_IGNORE);
	/* The upper end has moved with it, by as much. */
	CU_ASSERT(bed_pre_prepare(b, 0, BED_K + BED_W + 1, bed_digest(51)) == BFT_IGNORE);
	CU_ASSERT(bed_pre_prepare(b, 0, BED_K + BED_W, bed_digest(51)) == BFT_ACCEPT);
	bed_free(b);
}

static void of_another_epoch_it_is_ignored(void)
{
	struct bed *b = bed_new(4, 1);
	static struct bft_votes m = { .count = 1 };
	m.leaf[0] = (struct bft_leaf){ .kind = BFT_LEAF_PRE_PREPARE, .seq = 1, .digest = bed_digest(1) };
	CU_ASSERT(bed_say_in(b, 0, PBFT_VOTES, &m, BFT_AUTH_SIGNED, 0) == BFT_IGNORE);
	CU_ASSERT(bed_say_in(b, 0, PBFT_VOTES, &m, BFT_AUTH_SIGNED, 2) == BFT_IGNORE);
	CU_ASSERT(bed_say_in(b, 0, PBFT_VOTES, &m, BFT_AUTH_SIGNED, UINT64_MAX) == BFT_IGNORE);
	bed_free(b);
}

static void of_an_older_view_it_is_ignored(void)
{
	struct bed *b = bed_new(4, 1);
	bed_enter_view(b, 2);
	CU_ASSERT_FATAL(bed_standing(b).view == 2 && !bed_standing(b).changing);
	bed_forget(b);
	CU_ASSERT(bed_pre_prepare(b, 0, 1, bed_digest(1)) == BFT_IGNORE);
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 0));
	bed_free(b);
}

/* Its leader may be ahead of me by the NEW-VIEW that I have not seen. */
static void of_a_later_view_it_is_kept_until_that_view(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	CU_ASSERT(bed_pre_prepare(b, 2, 1, d) == BFT_ACCEPT);
	bed_held(b, d, 0, true);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 0) && !bed_last(b, BFT_FX_FETCH));
	bed_enter_view(b, 2);
	bed_held(b, d, 0, true);
	const struct bft_effect *vote = bed_leaf(b, BFT_LEAF_PREPARE, 1);
	CU_ASSERT_FATAL(vote != NULL);
	CU_ASSERT(((const struct bft_votes *)vote->data)->view == 2);
	bed_free(b);
}

/* ---- time ---- */

static void too_far_ahead_of_my_clock_it_is_not_prepared(void)
{
	struct bed *b = bed_new(4, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), b->wall_ms + BED_DRIFT_MS + 1, true);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1));
	/* At the bound, at my time, and long ago: allowed. Time is clamped at execution. */
	bed_pre_prepare(b, 0, 2, bed_digest(2));
	bed_held(b, bed_digest(2), b->wall_ms + BED_DRIFT_MS, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 2) != NULL);
	bed_pre_prepare(b, 0, 3, bed_digest(3));
	bed_held(b, bed_digest(3), b->wall_ms, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 3) != NULL);
	bed_pre_prepare(b, 0, 4, bed_digest(4));
	bed_held(b, bed_digest(4), 1, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 4) != NULL);
	/* It is nobody's proven fault, and my clock gets there. */
	CU_ASSERT(!bed_last(b, BFT_FX_BLAME));
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL);
	bed_free(b);
}

static void the_largest_time_does_not_wrap(void)
{
	struct bed *b = bed_new(4, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), UINT64_MAX, true);
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1));
	bed_free(b);
}

/* f+1 voters: one of them is correct, and its clock allowed it; mine is the wrong one. */
static void the_refusal_yields_to_a_weak_quorum(void)
{
	for (uint32_t n = 4; n <= 8; n++) {
		struct bed *b = bed_new(n, 1);
		struct digest d = bed_digest(1);
		bed_pre_prepare(b, 0, 1, d); /* the leader's is one */
		bed_held(b, d, b->wall_ms + 10 * BED_DRIFT_MS, true);
		for (uint32_t votes = 1; votes < b->weak; votes++) {
			CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1));
			bed_prepare(b, (uint8_t)(1 + votes), 0, 1, d);
		}
		CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL);
		bed_free(b);
	}
}

/* ---- the leader: member 0 ---- */

static void a_leader_signs_nothing_before_the_recall_is_over(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 0);
	bed_start(b, BFT_RECOVERY_WHOLE);
	bed_request(b, 1, 1, bed_digest(1));
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PRE_PREPARE, 0));
	bed_join(b);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 1) != NULL);
	bed_free(b);
}

/* The others' copies leave beside the flush, behind nothing but the record that the view was entered; its own waits for the vote's record. */
static void its_pre_prepare_leaves_beside_the_flush(void)
{
	struct bed *b = bed_new(4, 0);
	b->durable = false;
	bft_lsn entered = bed_lsn(b);
	bed_request(b, 1, 1, bed_digest(1));
	const struct bft_effect *record = bed_record(b, PBFT_REC_PREPARE), *others = NULL, *own = NULL;
	for (uint32_t i = 0; i < b->seen_count; i++)
		if (bed_is_leaf(&b->seen[i], BFT_LEAF_PRE_PREPARE, 1)) {
			if (b->seen[i].to & BFT_BIT(0))
				own = &b->seen[i];
			else
				others = &b->seen[i];
		}
	CU_ASSERT_FATAL(record && others && own);
	CU_ASSERT(others->to == (mask_all(4) & ~BFT_BIT(0)) && others->lsn == entered && entered > 0);
	CU_ASSERT(own->to == BFT_BIT(0) && own->lsn == record->lsn && record->lsn > entered);
	/* The body is pooled here and pushed to the others. */
	CU_ASSERT(bed_same(bed_last(b, BFT_FX_BODY)->digest, record->digest));
	CU_ASSERT(bed_same(bed_last(b, BFT_FX_PUSH)->digest, record->digest) && bed_last(b, BFT_FX_PUSH)->to == others->to);
	bed_free(b);
}

static void its_vote_counts_here_when_it_is_durable(void)
{
	struct bed *b = bed_new(4, 0);
	b->durable = false;
	bed_request(b, 1, 1, bed_digest(1));
	struct digest d = bed_leaf_in(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 1)).digest;
	bed_prepare(b, 1, 0, 1, d);
	bed_prepare(b, 2, 0, 1, d);
	bed_prepare(b, 3, 0, 1, d);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
	bed_flush(b);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL);
	bed_free(b);
}

static void what_it_proposes_is_canonical(void)
{
	struct bed *b = bed_new(4, 0);
	bed_request(b, 1, 1, bed_digest(7));
	const struct bft_effect *body = bed_last(b, BFT_FX_BODY);
	struct bft_proposal p;
	struct digest d, bundle = bed_digest(7);
	CU_ASSERT_FATAL(body && proposal_decode(&p, body->data, body->data_bytes, 4) == body->data_bytes);
	proposal_digest(&d, &b->cluster, body->data, body->data_bytes);
	CU_ASSERT(bed_same(d, body->digest) && bed_same(d, bed_leaf_in(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 1)).digest));
	CU_ASSERT(p.count == 1 && memcmp(p.digests, bundle.b, DIGEST_BYTES) == 0 && p.time_ms == b->wall_ms);
	bed_free(b);
}

/* The wall clock is set back: agreed time stands still, and the timers, on the other clock, notice nothing. */
static void its_time_never_falls(void)
{
	struct bed *b = bed_new(4, 0);
	struct bft_proposal p;
	bed_request(b, 1, 1, bed_digest(1));
	const struct bft_effect *body = bed_last(b, BFT_FX_BODY);
	CU_ASSERT(proposal_decode(&p, body->data, body->data_bytes, 4) != 0);
	uint64_t first = p.time_ms;
	b->wall_ms -= 500000;
	bed_tick(b, 1);
	bed_request(b, 1, 2, bed_digest(2));
	body = bed_last(b, BFT_FX_BODY);
	CU_ASSERT(proposal_decode(&p, body->data, body->data_bytes, 4) != 0);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 2) != NULL && p.time_ms == first);
	bed_free(b);
}

/* My clock was an hour ahead when I led, so they refused it all. Put right, it does not make me refused again when I lead the next time. */
static void its_clock_put_right_it_leads_again(void)
{
	struct bed *b = bed_new(4, 0);
	struct bft_proposal p;
	b->wall_ms += 3600000;
	bed_tick(b, 1);
	bed_request(b, 1, 1, bed_digest(1));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 1) != NULL);
	b->wall_ms -= 3600000;
	bed_tick(b, 1);
	struct bed_changes *c = bed_changes_new(b, 4, b->q);
	bed_changes_say(b, c);
	bed_changes_free(c);
	CU_ASSERT(bed_standing(b).view == 4 && !bed_standing(b).changing);
	const struct bft_effect *body = bed_last(b, BFT_FX_BODY);
	CU_ASSERT(proposal_decode(&p, body->data, body->data_bytes, 4) != 0);
	CU_ASSERT(p.count == 1 && p.time_ms == b->wall_ms);
	bed_free(b);
}

static void it_proposes_within_the_window(void)
{
	struct bft_limits limits = bed_limits(4);
	limits.proposal_bundles_max = 1;
	limits.requests_max = 64;
	struct bed *b = bed_ready(&limits, 0);
	for (uint64_t i = 1; i <= 2 * BED_W; i++)
		bed_request(b, 1, i, bed_digest(i));
	for (bft_seq seq = 1; seq <= BED_W; seq++)
		CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, seq) != NULL);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PRE_PREPARE, BED_W + 1));
	bed_free(b);
}

static void a_backup_proposes_nothing(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PRE_PREPARE, 0) && !bed_last(b, BFT_FX_BODY));
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a backup prepares what it holds, when it is durable", a_backup_prepares_what_it_holds_when_it_is_durable },
		{ "without the body it fetches and does not prepare", without_the_body_it_fetches_and_does_not_prepare },
		{ "a body that breaks a rule convicts its leader", a_body_that_breaks_a_rule_convicts_its_leader },
		{ "said twice it is prepared once", said_twice_it_is_prepared_once },
		{ "said differently it convicts", said_differently_it_convicts },
		{ "after preparing the other one is not prepared", after_preparing_the_other_one_is_not_prepared },
		{ "from a member that does not lead it is rejected", from_a_member_that_does_not_lead_it_is_rejected },
		{ "on the channel alone it is rejected", on_the_channel_alone_it_is_rejected },
		{ "above the window it is ignored", above_the_window_it_is_ignored },
		{ "at or below the stable checkpoint it is ignored", at_or_below_the_stable_checkpoint_it_is_ignored },
		{ "of another epoch it is ignored", of_another_epoch_it_is_ignored },
		{ "of an older view it is ignored", of_an_older_view_it_is_ignored },
		{ "of a later view it is kept until that view", of_a_later_view_it_is_kept_until_that_view },
		{ "too far ahead of my clock it is not prepared", too_far_ahead_of_my_clock_it_is_not_prepared },
		{ "the largest time does not wrap", the_largest_time_does_not_wrap },
		{ "the refusal yields to a weak quorum", the_refusal_yields_to_a_weak_quorum },
		{ "a leader signs nothing before the recall is over", a_leader_signs_nothing_before_the_recall_is_over },
		{ "a leader's PRE-PREPARE leaves beside the flush", its_pre_prepare_leaves_beside_the_flush },
		{ "a leader's vote counts here when it is durable", its_vote_counts_here_when_it_is_durable },
		{ "what a leader proposes is canonical", what_it_proposes_is_canonical },
		{ "a leader's time never falls", its_time_never_falls },
		{ "its clock put right, a leader leads again", its_clock_put_right_it_leads_again },
		{ "a leader proposes within the window", it_proposes_within_the_window },
		{ "a backup proposes nothing", a_backup_proposes_nothing },
		{ 0 },
	};
	return unit_main("pre_prepare", cases);
}
