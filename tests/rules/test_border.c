/* The border between two epochs: where one ends, how the next begins, and what a liar can do about it. docs/protocol.md, "The border". */
#include "tests/rules/core_bed.h"

#define BORDER (BED_W + BED_K)

/* The border's checkpoint, executed and stable, and its snapshot durable. */
static void reach(struct bed *b, bft_seq border)
{
	struct bft_event made = { .kind = BFT_EV_SNAPSHOT, .seq = border, .digest = b->chain[border], .root = bed_digest(77) };
	bed_step(b, &made);
}

static void nothing_above_the_border_exists(void)
{
	struct bed *b = bed_new(4, 1);
	bft_seq border = BORDER;
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = border };
	bed_step(b, &e);
	/* Wherever the window is. */
	struct bft_event installed = { .kind = BFT_EV_INSTALLED, .seq = BED_K * 2, .digest = bed_digest(1), .ref = 1 };
	bed_step(b, &installed);
	CU_ASSERT(bed_pre_prepare(b, 0, border + 1, bed_digest(9)) == BFT_IGNORE);
	CU_ASSERT(bed_commit(b, 2, 0, border + 1, bed_digest(9)) == BFT_IGNORE);
	CU_ASSERT(bed_checkpoint(b, 2, border + BED_K, bed_digest(9)) == BFT_IGNORE);
	CU_ASSERT(bed_pre_prepare(b, 0, border, bed_digest(9)) == BFT_ACCEPT);
	bed_free(b);
}

static void the_leader_fills_up_to_the_border_and_stops(void)
{
	struct bft_limits limits = bed_limits(4);
	limits.proposal_bundles_max = 1;
	limits.requests_max = 64;
	struct bed *b = bed_ready(&limits, 0);
	bed_request(b, 1, 1, bed_digest(1));
	bed_others_decide(b, 1);
	bft_seq border = BORDER;
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = border };
	bed_step(b, &e);
	for (bft_seq seq = 2; seq <= border; seq++) {
		bed_tick(b, PBFT_STATUS_MS);
		bed_others_decide(b, seq);
		if (seq % BED_K == 0)
			bed_make_stable(b, seq);
	}
	CU_ASSERT(bed_last(b, BFT_FX_ACTIVATE) == NULL); /* executed and stable, but not yet on the disk */
	reach(b, border);
	CU_ASSERT(bed_last(b, BFT_FX_ACTIVATE) != NULL && bed_last(b, BFT_FX_ACTIVATE)->seq == border);
	/* Requests that wait now are the next epoch's. */
	bed_request(b, 1, 50, bed_digest(50));
	bed_request(b, 1, 51, bed_digest(51));
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PRE_PREPARE, border + 1));
	bed_free(b);
}

static void one_border_is_pending_at_a_time(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = BED_W + BED_K };
	bed_step(b, &e);
	e.seq = 2 * BED_W + BED_K;
	bed_step(b, &e);
	struct bft_event installed = { .kind = BFT_EV_INSTALLED, .seq = BED_K * 2, .digest = bed_digest(1), .ref = 1 };
	bed_step(b, &installed);
	CU_ASSERT(bed_pre_prepare(b, 0, BED_W + BED_K + 1, bed_digest(9)) == BFT_IGNORE);
	bed_free(b);
}

/* A backup that has executed everything up to the border; what is stable is the caller's. */
static struct bed *at_border(uint8_t self, bool stable)
{
	struct bed *b = bed_new(4, self);
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = BORDER };
	bed_step(b, &e);
	for (bft_seq seq = 1; seq <= BORDER; seq++) {
		bed_decide(b, 0, seq, bed_digest(seq));
		if (seq % BED_K == 0 && (seq < BORDER || stable))
			bed_make_stable(b, seq);
	}
	CU_ASSERT_EQUAL(bed_standing(b).executed, BORDER);
	return b;
}

/* Who leaves earlier leaves the others a CHECKPOINT short. */
static void nobody_leaves_before_the_border_is_stable(void)
{
	struct bed *b = at_border(1, false);
	reach(b, BORDER);
	CU_ASSERT_PTR_NULL(bed_last(b, BFT_FX_ACTIVATE));
	bed_make_stable(b, BORDER);
	const struct bft_effect *e = bed_last(b, BFT_FX_ACTIVATE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT(e->seq == BORDER && bed_same(e->digest, b->chain[BORDER]) && e->lsn == b->log[b->log_count - 1].lsn);
	const struct bft_rec_view *next = b->log[b->log_count - 1].data;
	CU_ASSERT(b->log[b->log_count - 1].rtype == PBFT_REC_VIEW && next->epoch == 2 && next->base == BORDER && next->view == 0);
	bed_free(b);
}

/* f+1 members in a later epoch: one of them is honest, and saw the border stable. They will not send their CHECKPOINTs again. */
static void it_follows_who_has_gone_on(void)
{
	struct bed *b = at_border(1, false);
	struct bft_event beyond = { .kind = BFT_EV_EPOCH, .ok = true };
	bed_step(b, &beyond);
	CU_ASSERT_PTR_NULL(bed_last(b, BFT_FX_ACTIVATE)); /* not before it holds the border */
	reach(b, BORDER);
	CU_ASSERT_PTR_NOT_NULL(bed_last(b, BFT_FX_ACTIVATE));
	bed_free(b);
}

static void whoever_has_not_executed_the_border_stays(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = BORDER }, beyond = { .kind = BFT_EV_EPOCH, .ok = true };
	bed_step(b, &e);
	bed_step(b, &beyond);
	for (bft_seq seq = 1; seq < BORDER; seq++) {
		bed_decide(b, 0, seq, bed_digest(seq));
		if (seq % BED_K == 0)
			bed_make_stable(b, seq);
	}
	struct bft_event made = { .kind = BFT_EV_SNAPSHOT, .seq = BORDER - BED_K, .digest = b->chain[BORDER - BED_K], .root = bed_digest(77) };
	bed_step(b, &made);
	CU_ASSERT_PTR_NULL(bed_last(b, BFT_FX_ACTIVATE));
	bed_free(b);
}

/* Between its last record and the new core nothing is said that either would have to remember. */
static void a_core_that_has_ended_says_nothing(void)
{
	struct bed *b = at_border(1, true);
	reach(b, BORDER);
	bed_forget(b);
	bed_request(b, 1, 1, bed_digest(5));
	bed_suspect(b, 2, 0, true);
	bed_suspect(b, 3, 0, true);
	bed_status(b, 2, 0, 0, 0);
	bed_tick(b, 100 * BED_TIMEOUT_MS);
	CU_ASSERT(b->seen_count == 0 && bft_pbft.deadline(b->core) == UINT64_MAX);
	bed_free(b);
}

/* Signed in the old epoch, some would have it there and some in the new one. */
static void the_borders_snapshot_is_the_next_epochs(void)
{
	struct bed *b = at_border(1, true);
	reach(b, BORDER);
	CU_ASSERT_PTR_NULL(bed_sent(b, PBFT_SNAPSHOT));
	bed_next_epoch(b, BFT_RECOVERY_WHOLE);
	bed_join(b);
	reach(b, BORDER);
	const struct bft_effect *e = bed_sent(b, PBFT_SNAPSHOT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT_EQUAL(((const struct bft_snapshot *)e->data)->seq, BORDER);
	bed_free(b);
}

/* Found by a seed: two of four had crossed, a third needed their state, the fourth lied and fell silent. Nobody could have told them what they had said before. */
static void the_borders_snapshot_waits_for_nobody(void)
{
	struct bed *b = at_border(1, true);
	reach(b, BORDER);
	bed_next_epoch(b, BFT_RECOVERY_WHOLE);
	reach(b, BORDER);
	CU_ASSERT_PTR_NOT_NULL(bed_sent(b, PBFT_SNAPSHOT));
	struct bft_snapshot m = { .seq = BORDER, .chain = b->chain[BORDER], .root = bed_digest(77) };
	bed_say(b, 2, PBFT_SNAPSHOT, &m);
	CU_ASSERT_PTR_NOT_NULL(bed_record(b, PBFT_REC_CERTIFIED));
	/* Any other waits. */
	bed_forget(b);
	reach(b, BORDER + BED_K);
	CU_ASSERT_PTR_NULL(bed_sent(b, PBFT_SNAPSHOT));
	bed_free(b);
	/* And who lost its memory says nothing. */
	b = at_border(1, true);
	reach(b, BORDER);
	bed_next_epoch(b, BFT_RECOVERY_LOST);
	reach(b, BORDER);
	CU_ASSERT_PTR_NULL(bed_sent(b, PBFT_SNAPSHOT));
	bed_free(b);
}

/* ---- the next epoch ---- */

static struct bed *next_epoch(uint8_t self, enum bft_recovery recovery)
{
	struct bed *b = at_border(self, true);
	reach(b, BORDER);
	bed_next_epoch(b, recovery);
	return b;
}

/* An older copy of a folder may have been in this epoch before: the others are asked, as after every start. */
static void it_votes_when_the_others_have_told(void)
{
	struct bed *b = next_epoch(1, BFT_RECOVERY_WHOLE);
	struct bft_standing st = bed_standing(b);
	CU_ASSERT(st.epoch == 2 && st.base == BORDER && st.low == BORDER && st.executed == BORDER && st.view == 0 && st.recalling);
	CU_ASSERT_PTR_NOT_NULL(bed_sent(b, PBFT_RECALL));
	bed_decide(b, 0, BORDER + 1, bed_digest(50));
	CU_ASSERT_FALSE(bed_signed_anything(b));
	bed_join(b);
	bed_decide(b, 0, BORDER + 2, bed_digest(51));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, BORDER + 2) != NULL && bed_standing(b).executed == BORDER + 2);
	bed_free(b);
}

static void what_it_said_in_this_epoch_and_forgot_makes_it_an_observer(void)
{
	struct bed *b = next_epoch(1, BFT_RECOVERY_WHOLE);
	struct bft_votes *m = &bed_body()->votes;
	m->count = 1;
	m->leaf[0] = (struct bft_leaf){ .kind = BFT_LEAF_PREPARE, .seq = BORDER + 1, .digest = bed_digest(9) };
	bed_deliver(b, b->self, PBFT_VOTES, m, BFT_AUTH_SIGNED, 1); /* of the old epoch: nothing to do with this one */
	CU_ASSERT_FALSE(bed_standing(b).observer);
	bed_deliver(b, b->self, PBFT_VOTES, m, BFT_AUTH_SIGNED, 2);
	CU_ASSERT_TRUE(bed_standing(b).observer);
	free(m);
	bed_free(b);
}

/* At an epoch's beginning the first leader has led nothing, and leads; after a restart it may have. */
static void its_first_leader_leads_until_it_restarts(void)
{
	struct bed *b = bed_new(4, 0);
	struct bft_event jump = { .kind = BFT_EV_JUMP, .epoch = 2, .seq = BORDER, .digest = bed_digest(800) };
	bed_step(b, &jump);
	b->executed = 0;
	bed_next_epoch(b, BFT_RECOVERY_WHOLE);
	bed_join(b);
	CU_ASSERT(!bed_sent(b, PBFT_SUSPECT) && bed_standing(b).leader == 0);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	bed_join(b);
	CU_ASSERT(bed_standing(b).epoch == 2 && bed_standing(b).low == BORDER && bed_sent(b, PBFT_SUSPECT) != NULL);
	bed_free(b);
}

static void an_observer_stays_one_unless_it_was_let_in(void)
{
	struct bed *b = next_epoch(1, BFT_RECOVERY_LOST);
	bed_join(b);
	bed_decide(b, 0, BORDER + 1, bed_digest(50));
	CU_ASSERT(bed_standing(b).observer && !bed_signed_anything(b) && bed_standing(b).executed == BORDER + 1);
	bed_free(b);
}

/* Every voter holds the border: it is named without a certificate, as the beginning is in the first epoch. */
static void a_view_change_names_the_border(void)
{
	struct bed *b = next_epoch(1, BFT_RECOVERY_WHOLE);
	bed_join(b);
	bed_suspect(b, 2, 0, true);
	bed_suspect(b, 3, 0, true);
	const struct bft_effect *e = bed_sent(b, PBFT_VIEW_CHANGE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	const struct pbft_view_change *vc = e->data;
	CU_ASSERT(vc->view == 1 && vc->stable == BORDER && bed_same(vc->chain, b->chain[BORDER]) && vc->count == 0);
	bed_free(b);
}

/* Found by a seed: a liar that says it has less than the border made an honest replica look for a certificate that this epoch does not have. */
static void who_claims_less_than_the_border_gets_no_certificate(void)
{
	struct bed *b = next_epoch(1, BFT_RECOVERY_WHOLE);
	bed_join(b);
	bed_forget(b);
	bed_status(b, 2, 0, BORDER - BED_K, BORDER - BED_K);
	CU_ASSERT_PTR_NULL(bed_sent(b, PBFT_STABLE));
	bed_free(b);
}

/* Found by a seed: the only ones who could be asked for what comes before the border had spoken in the next epoch alone. */
static void who_shows_the_border_is_asked_for_what_comes_before_it(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_checkpoint stable = { .seq = 2 * BED_K, .chain = bed_digest(800) };
	bed_status(b, 2, 0, 2 * BED_K, 0); /* it has the certificate, and not the proposals */
	bed_say_as(b, 2, PBFT_STABLE, &stable, BFT_AUTH_CHANNEL);
	bed_forget(b);
	CU_ASSERT_EQUAL(bed_standing(b).low, 2 * BED_K);
	union pbft_body shown = { .checkpoint = stable };
	CU_ASSERT_EQUAL(bft_pbft.screen(b->core, 3, PBFT_STABLE, &shown), BFT_ACCEPT);
	bed_say_as(b, 3, PBFT_STABLE, &stable, BFT_AUTH_CHANNEL);
	CU_ASSERT_EQUAL(bft_pbft.screen(b->core, 3, PBFT_STABLE, &shown), BFT_IGNORE); /* once */
	bool asked[4] = { false };
	for (uint32_t i = 0; i < 4; i++) {
		bed_forget(b);
		bed_tick(b, PBFT_STATUS_MS);
		const struct bft_effect *e = bed_sent(b, PBFT_FETCH_CHAIN);
		for (uint32_t k = 0; e && k < 4; k++)
			asked[k] |= e->to == BFT_BIT(k);
	}
	CU_ASSERT(asked[2] && asked[3] && !asked[0]);
	bed_free(b);
}

static void messages_of_another_epoch_are_nothing(void)
{
	struct bed *b = next_epoch(1, BFT_RECOVERY_WHOLE);
	bed_join(b);
	struct bft_votes *m = &bed_body()->votes;
	m->count = 1;
	m->leaf[0] = (struct bft_leaf){ .kind = BFT_LEAF_PRE_PREPARE, .seq = BORDER + 1, .digest = bed_digest(9) };
	bed_forget(b);
	bed_deliver(b, 0, PBFT_VOTES, m, BFT_AUTH_SIGNED, 1);
	bed_deliver(b, 0, PBFT_VOTES, m, BFT_AUTH_SIGNED, 3);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 0) && !bed_last(b, BFT_FX_FETCH));
	free(m);
	bed_free(b);
}

/* The process ended after the log was cut to what TRUNCATE allows. */
static void restart_with_cut_log(struct bed *b, bft_lsn below)
{
	uint32_t gone = 0;
	while (gone < b->log_count && b->log[gone].lsn < below)
		free(b->log[gone++].data);
	memmove(b->log, b->log + gone, (b->log_count - gone) * sizeof b->log[0]);
	b->log_count -= gone;
	bed_restart(b, b->executed, BFT_RECOVERY_WHOLE);
}

/* Found by a seed: the beginning had been cut away, and the first word of the epoch was taken for another beginning: what stood before it was forgotten. */
static void a_cut_log_is_of_one_epoch(void)
{
	struct bed *b = next_epoch(1, BFT_RECOVERY_WHOLE);
	bed_join(b);
	for (bft_seq seq = BORDER + 1; seq <= BORDER + 3 * BED_K; seq++) {
		bed_decide(b, 0, seq, bed_digest(seq));
		if (seq % BED_K)
			continue;
		bed_make_stable(b, seq);
		struct bft_snapshot m = { .seq = seq, .chain = b->chain[seq], .root = bed_digest(70) };
		bed_say(b, 0, PBFT_SNAPSHOT, &m);
		bed_say(b, 2, PBFT_SNAPSHOT, &m);
	}
	const struct bft_effect *cut = bed_last(b, BFT_FX_TRUNCATE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
	restart_with_cut_log(b, cut->below);
	struct bft_standing st = bed_standing(b);
	CU_ASSERT(b->log[0].rtype != PBFT_REC_VIEW && st.epoch == 2 && st.base == BORDER && st.low == BORDER + 3 * BED_K && !st.observer);
	bed_free(b);
}

/* An entry that is executed again, from a log that reaches behind the border, fixes nothing. */
static void a_border_behind_is_none(void)
{
	struct bed *b = next_epoch(1, BFT_RECOVERY_WHOLE);
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = BORDER };
	bed_join(b);
	bed_step(b, &e);
	reach(b, BORDER);
	CU_ASSERT_PTR_NULL(bed_last(b, BFT_FX_ACTIVATE));
	bed_free(b);
}

/* A jump leads forward, once. */
static void nobody_jumps_back(void)
{
	struct bed *b = next_epoch(1, BFT_RECOVERY_WHOLE);
	struct bft_event back = { .kind = BFT_EV_JUMP, .epoch = 2, .seq = 2 * BORDER, .digest = bed_digest(800) };
	bed_join(b);
	bed_step(b, &back);
	back.epoch = 3;
	back.seq = BORDER;
	bed_step(b, &back);
	CU_ASSERT_PTR_NULL(bed_last(b, BFT_FX_ACTIVATE));
	back.seq = 2 * BORDER;
	bed_step(b, &back);
	CU_ASSERT(bed_last(b, BFT_FX_ACTIVATE) != NULL && bed_last(b, BFT_FX_ACTIVATE)->seq == 2 * BORDER);
	bed_free(b);
}

/* Found by a seed: who was behind and led had proposed above a border that it had not yet heard of. */
static void a_leader_that_was_behind_proposes_nothing_more_above_it(void)
{
	struct bed *b = bed_new(4, 0);
	for (uint64_t i = 1; i <= 8; i++)
		bed_request(b, 1, i, bed_digest(i));
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = BED_K };
	for (bft_seq seq = 1; seq < BED_K; seq++) {
		struct bft_event fill = { .kind = BFT_EV_FILL, .seq = 2 * BED_K };
		bed_step(b, &fill);
		bed_tick(b, PBFT_STATUS_MS);
	}
	bed_step(b, &e);
	bed_forget(b);
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PRE_PREPARE, 0) || bed_leaf_in(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 0)).seq <= BED_K);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "nothing above the border exists", nothing_above_the_border_exists },
		{ "the leader fills up to the border and stops", the_leader_fills_up_to_the_border_and_stops },
		{ "one border is pending at a time", one_border_is_pending_at_a_time },
		{ "a leader that was behind proposes nothing more above it", a_leader_that_was_behind_proposes_nothing_more_above_it },
		{ "nobody leaves before the border is stable", nobody_leaves_before_the_border_is_stable },
		{ "it follows who has gone on", it_follows_who_has_gone_on },
		{ "whoever has not executed the border stays", whoever_has_not_executed_the_border_stays },
		{ "a core that has ended says nothing", a_core_that_has_ended_says_nothing },
		{ "the border's snapshot is the next epoch's", the_borders_snapshot_is_the_next_epochs },
		{ "the border's snapshot waits for nobody", the_borders_snapshot_waits_for_nobody },
		{ "it votes when the others have told", it_votes_when_the_others_have_told },
		{ "what it said in this epoch and forgot makes it an observer", what_it_said_in_this_epoch_and_forgot_makes_it_an_observer },
		{ "its first leader leads until it restarts", its_first_leader_leads_until_it_restarts },
		{ "an observer stays one unless it was let in", an_observer_stays_one_unless_it_was_let_in },
		{ "a view change names the border", a_view_change_names_the_border },
		{ "who claims less than the border gets no certificate", who_claims_less_than_the_border_gets_no_certificate },
		{ "who shows the border is asked for what comes before it", who_shows_the_border_is_asked_for_what_comes_before_it },
		{ "messages of another epoch are nothing", messages_of_another_epoch_are_nothing },
		{ "a cut log is of one epoch", a_cut_log_is_of_one_epoch },
		{ "a border behind is none", a_border_behind_is_none },
		{ "nobody jumps back", nobody_jumps_back },
		{ 0 },
	};
	return unit_main("border", cases);
}
