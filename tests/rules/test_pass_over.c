/* Leaders who lose their office again and again: what is counted, who says so, and who leads in the next epoch. docs/protocol.md, "Passing over". */
#include "tests/rules/core_bed.h"

#define BORDER (BED_W + BED_K)

/* The next view that `leader` leads is entered. */
static bft_view its_view(struct bed *b, uint8_t leader)
{
	bft_view view = bed_standing(b).view + 1;
	while (bed_leader(b, view) != leader)
		view++;
	bed_enter_view(b, view);
	CU_ASSERT_FATAL(bed_standing(b).view == view && !bed_standing(b).changing);
	return view;
}

/* f+1 others than `leader` suspect it. */
static void depose(struct bed *b, uint8_t leader, bft_view view)
{
	for (uint32_t i = 0, told = 0; i < b->n && told < b->weak; i++)
		if (i != leader && i != b->self) {
			bed_suspect(b, (uint8_t)i, view, true);
			told++;
		}
	CU_ASSERT(bed_standing(b).view == view + 1);
}

static void loses(struct bed *b, uint8_t leader, uint32_t times)
{
	while (times--)
		depose(b, leader, its_view(b, leader));
}

/* Whom the core says to pass over, within the next status periods. */
static bft_mask says(struct bed *b)
{
	bft_mask said = 0;
	bed_forget(b);
	bed_tick(b, PBFT_STATUS_MS);
	for (uint32_t i = 0; i < b->seen_count; i++)
		if (b->seen[i].kind == BFT_FX_SEND && b->seen[i].type == PBFT_PASS_OVER)
			said |= BFT_BIT(((const struct pbft_pass_over *)b->seen[i].data)->member);
	return said;
}

static enum bft_verdict hear(struct bed *b, uint8_t from, uint8_t member)
{
	struct pbft_pass_over m = { .member = member };
	return bed_say_as(b, from, PBFT_PASS_OVER, &m, BFT_AUTH_SIGNED);
}

static const struct pass_over_refs *told(const struct bed *b)
{
	const struct bft_effect *e = bed_last(b, BFT_FX_PASS_OVER);
	return e ? e->data : NULL;
}

static void it_is_said_after_the_third_time(void)
{
	struct bed *b = bed_new(4, 0);
	for (uint32_t times = 1; times < PASS_OVER_AFTER; times++) {
		loses(b, 2, 1);
		CU_ASSERT_EQUAL(says(b), 0);
	}
	loses(b, 2, 1);
	bft_lsn before = bed_lsn(b);
	CU_ASSERT_EQUAL(says(b), BFT_BIT(2));
	const struct bft_effect *e = bed_sent(b, PBFT_PASS_OVER);
	CU_ASSERT_FATAL(e != NULL);
	CU_ASSERT(e->to == mask_all(4) && e->lsn == 0 && bed_lsn(b) == before); /* it binds nobody, and may be forgotten */
	CU_ASSERT_EQUAL(says(b), BFT_BIT(2));                                   /* as long as it stands */
	bed_free(b);
}

/* With everything open, STATUS goes out more often; this does not. */
static void it_is_said_in_the_slow_period(void)
{
	struct bed *b = bed_new(4, 0);
	loses(b, 2, PASS_OVER_AFTER);
	CU_ASSERT_EQUAL(says(b), BFT_BIT(2));
	bed_forget(b);
	for (int i = 0; i < 8; i++)
		bed_tick(b, PBFT_STATUS_FAST_MS);
	CU_ASSERT(bed_sent_count(b, PBFT_STATUS) > 2 && bed_sent_count(b, PBFT_PASS_OVER) == 0);
	bed_free(b);
}

static void each_is_counted_for_itself(void)
{
	struct bed *b = bed_new(4, 0);
	for (uint32_t times = 1; times < PASS_OVER_AFTER; times++) {
		loses(b, 1, 1);
		loses(b, 2, 1);
		loses(b, 3, 1);
	}
	CU_ASSERT_EQUAL(says(b), 0);
	loses(b, 1, 1);
	loses(b, 3, 1);
	CU_ASSERT_EQUAL(says(b), BFT_BIT(1) | BFT_BIT(3));
	bed_free(b);
}

/* A view that never began shows nothing of its leader: its NEW-VIEW may have been waiting for others. */
static void a_view_that_was_not_entered_does_not_count(void)
{
	struct bed *b = bed_new(4, 0);
	for (uint32_t times = 0; times < 2 * PASS_OVER_AFTER; times++) {
		bft_view view = its_view(b, 1);
		bed_leave(b, view); /* to the view of 2 */
		bed_forget(b);
		bed_leave(b, view + 1);
		CU_ASSERT(bed_standing(b).view == view + 2);
	}
	CU_ASSERT_EQUAL(says(b) & BFT_BIT(2), 0);
	bed_free(b);
}

/* It may not lead on after a restart, and says so itself; nor does a liar's SUSPECT beside that make it a loss. */
static void who_resigns_has_lost_nothing(void)
{
	struct bed *b = bed_new(4, 0);
	for (uint32_t times = 0; times < 2 * PASS_OVER_AFTER; times++) {
		bft_view view = its_view(b, 2);
		bed_suspect(b, 3, view, true);
		CU_ASSERT(bed_standing(b).view == view);
		bed_suspect(b, 2, view, true);
		CU_ASSERT(bed_standing(b).view == view + 1);
	}
	CU_ASSERT_EQUAL(says(b), 0);
	bed_free(b);
}

/* f+1 have gone ahead: perhaps its SUSPECT of itself has not reached me. */
static void whom_others_only_left_has_lost_nothing(void)
{
	struct bed *b = bed_new(4, 0);
	for (uint32_t times = 0; times < 2 * PASS_OVER_AFTER; times++) {
		bft_view view = its_view(b, 2);
		struct bed_changes *c = bed_changes_new(b, view + 1, 3);
		bed_changes_say(b, c);
		bed_changes_free(c);
		CU_ASSERT(bed_standing(b).view == view + 1);
	}
	CU_ASSERT_EQUAL(says(b), 0);
	bed_free(b);
}

/* What they said before they left may come after it. */
static void a_suspicion_that_comes_late_counts(void)
{
	struct bed *b = bed_new(4, 0);
	for (uint32_t times = 0; times < PASS_OVER_AFTER; times++) {
		CU_ASSERT_EQUAL(says(b), 0);
		bft_view view = its_view(b, 2);
		struct bed_changes *c = bed_changes_new(b, view + 1, 3);
		bed_changes_say(b, c);
		bed_changes_free(c);
		CU_ASSERT(bed_standing(b).view == view + 1);
		bed_suspect(b, 1, view, true);
		bed_suspect(b, 1, view, true);
		bed_suspect(b, 3, view - 1, true); /* of another view */
		CU_ASSERT_EQUAL(says(b), 0);
		bed_suspect(b, 3, view, true);
		bed_suspect(b, 3, view, true);
	}
	CU_ASSERT_EQUAL(says(b), BFT_BIT(2));
	bed_free(b);
}

/* Its own, too: it had given its office up. */
static void a_resignation_that_comes_late_is_one(void)
{
	struct bed *b = bed_new(4, 0);
	for (uint32_t times = 0; times < 2 * PASS_OVER_AFTER; times++) {
		bft_view view = its_view(b, 2);
		struct bed_changes *c = bed_changes_new(b, view + 1, 3);
		bed_changes_say(b, c);
		bed_changes_free(c);
		bed_suspect(b, 2, view, true);
		bed_suspect(b, 1, view, true);
		bed_suspect(b, 3, view, true);
	}
	CU_ASSERT_EQUAL(says(b), 0);
	bed_free(b);
}

/* Those who suspected it, and then went ahead, did suspect it. */
static void a_suspicion_outlives_its_views_end_elsewhere(void)
{
	struct bed *b = bed_new(4, 0);
	for (uint32_t times = 0; times < PASS_OVER_AFTER; times++) {
		bft_view view = its_view(b, 2);
		bed_suspect(b, 1, view, true);
		struct pbft_status *gone = &bed_body()->status;
		gone->view = view + 1;
		gone->flags = PBFT_STATUS_CHANGING;
		bed_say_as(b, 1, PBFT_STATUS, gone, BFT_AUTH_CHANNEL);
		free(gone);
		CU_ASSERT(bed_standing(b).view == view);
		bed_suspect(b, 3, view, true);
		CU_ASSERT(bed_standing(b).view == view + 1);
	}
	CU_ASSERT_EQUAL(says(b), BFT_BIT(2));
	bed_free(b);
}

static void a_withdrawn_suspicion_is_none(void)
{
	struct bed *b = bed_new(4, 0);
	for (uint32_t times = 0; times < 2 * PASS_OVER_AFTER; times++) {
		bft_view view = its_view(b, 2);
		bed_suspect(b, 1, view, true);
		bed_suspect(b, 1, view, false);
		bed_suspect(b, 3, view, true);
		CU_ASSERT(bed_standing(b).view == view);
		struct bed_changes *c = bed_changes_new(b, view + 1, 3);
		bed_changes_say(b, c);
		bed_changes_free(c);
		CU_ASSERT(bed_standing(b).view == view + 1);
	}
	CU_ASSERT_EQUAL(says(b), 0);
	bed_free(b);
}

/* My own counts with f others', unless it was the operator who asked me. */
static void an_operators_wish_is_no_suspicion(void)
{
	for (int asked = 0; asked < 2; asked++) {
		struct bed *b = bed_new(4, 0);
		for (uint32_t times = 0; times < PASS_OVER_AFTER; times++) {
			bft_view view = its_view(b, 2);
			struct bft_event e = { .kind = BFT_EV_ADMIN };
			if (asked) {
				bed_step(b, &e);
			} else {
				bed_request(b, 1, times + 1, bed_digest(times + 1));
				bed_tick(b, pbft_timeout_ms((const struct pbft *)b->core));
			}
			CU_ASSERT(bed_standing(b).suspecting && bed_standing(b).view == view);
			bed_suspect(b, 3, view, true);
			CU_ASSERT(bed_standing(b).view == view + 1);
		}
		CU_ASSERT_EQUAL(says(b), asked ? 0 : BFT_BIT(2));
		bed_free(b);
	}
}

/* It knows better than others why it was left, and no honest member says it of itself. */
static void nobody_says_it_of_himself(void)
{
	struct bed *b = bed_new(4, 2);
	bed_enter_view(b, 1);
	for (uint32_t times = 0; times < 2 * PASS_OVER_AFTER; times++) {
		bft_view view = its_view(b, 1);
		bed_leave(b, view);
	}
	CU_ASSERT_EQUAL(says(b) & BFT_BIT(2), 0);
	struct pbft_pass_over m = { .member = 3 };
	CU_ASSERT_EQUAL(bft_pbft.screen(b->core, 3, PBFT_PASS_OVER, &m), BFT_REJECT);
	CU_ASSERT_EQUAL(hear(b, 3, 3), BFT_REJECT);
	CU_ASSERT_EQUAL(hear(b, 3, 4), BFT_REJECT); /* of nobody */
	m.member = 1;
	CU_ASSERT_EQUAL(bed_say_as(b, 3, PBFT_PASS_OVER, &m, BFT_AUTH_CHANNEL), BFT_REJECT);
	bed_free(b);
}

static void q_that_say_it_are_shown_together(void)
{
	struct bed *b = bed_new(4, 0);
	CU_ASSERT(hear(b, 1, 2) == BFT_ACCEPT && hear(b, 3, 2) == BFT_ACCEPT);
	CU_ASSERT(hear(b, 3, 2) == BFT_IGNORE && hear(b, 3, 2) == BFT_IGNORE); /* the same one again does not add up */
	CU_ASSERT(hear(b, 2, 3) == BFT_ACCEPT && hear(b, 1, 3) == BFT_ACCEPT); /* nor does what is said of another */
	CU_ASSERT_PTR_NULL(told(b));
	struct pbft_pass_over m = { .member = 2 };
	CU_ASSERT_EQUAL(bft_pbft.screen(b->core, 3, PBFT_PASS_OVER, &m), BFT_IGNORE); /* its signature is not checked again */
	loses(b, 2, PASS_OVER_AFTER);
	CU_ASSERT_EQUAL(says(b), BFT_BIT(2));
	const struct pass_over_refs *refs = told(b);
	CU_ASSERT_FATAL(refs != NULL);
	CU_ASSERT(refs->member == 2 && refs->signers == (BFT_BIT(0) | BFT_BIT(1) | BFT_BIT(3)));
	for (uint8_t i = 0; i < 4; i++)
		CU_ASSERT(i == 2 ? refs->wire[i] == 0 : bed_holds(b, refs->wire[i]));
	/* As long as no border comes of it, again. */
	CU_ASSERT_EQUAL(says(b), BFT_BIT(2));
	CU_ASSERT_PTR_NOT_NULL(told(b));
	bed_free(b);
}

/* It says nothing of its own, and brings what q others say all the same. */
static void who_saw_nothing_shows_it_too(void)
{
	struct bed *b = bed_new(7, 0);
	for (uint8_t i = 1; i < 5; i++)
		CU_ASSERT_EQUAL(hear(b, i, 6), BFT_ACCEPT);
	CU_ASSERT_PTR_NULL(told(b));
	CU_ASSERT_EQUAL(hear(b, 5, 6), BFT_ACCEPT);
	CU_ASSERT(told(b) != NULL && mask_count(told(b)->signers) == b->q);
	CU_ASSERT_EQUAL(says(b), 0);
	bed_free(b);
}

static void a_border_that_is_pending_ends_it(void)
{
	struct bed *b = bed_new(4, 0);
	loses(b, 2, PASS_OVER_AFTER);
	CU_ASSERT_EQUAL(says(b), BFT_BIT(2));
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = BORDER };
	bed_step(b, &e);
	CU_ASSERT_EQUAL(says(b), 0);
	CU_ASSERT(hear(b, 1, 2) == BFT_IGNORE && hear(b, 3, 2) == BFT_IGNORE);
	CU_ASSERT_PTR_NULL(told(b));
	bed_free(b);
}

/* The border is executed, stable and durable: the next epoch's core, in which `passed` lead last. */
static void cross(struct bed *b, bft_mask passed)
{
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = BORDER };
	bft_view view = bed_standing(b).view;
	bed_step(b, &e);
	for (bft_seq seq = 1; seq <= BORDER; seq++) {
		bed_decide(b, view, seq, bed_digest(100 + seq));
		if (seq % BED_K == 0)
			bed_make_stable(b, seq);
	}
	struct bft_event made = { .kind = BFT_EV_SNAPSHOT, .seq = BORDER, .digest = b->chain[BORDER], .root = bed_digest(77) };
	bed_step(b, &made);
	CU_ASSERT_FATAL(bed_last(b, BFT_FX_ACTIVATE) != NULL);
	b->passed = passed;
	bed_next_epoch(b, BFT_RECOVERY_WHOLE);
	for (uint32_t i = 0; i < b->n; i++)
		if (i != b->self)
			bed_link(b, (uint8_t)i, true);
	bed_join(b);
	bed_forget(b);
}

static void from_the_next_epoch_on_it_leads_last(void)
{
	static const uint8_t order[] = { 1, 2, 3, 0 };
	struct bed *b = bed_new(4, 3);
	cross(b, BFT_BIT(0));
	CU_ASSERT(b->epoch == 2 && bed_standing(b).leader == 1);
	CU_ASSERT_EQUAL(bed_leaf_as(b, 0, 0, BFT_LEAF_PRE_PREPARE, BORDER + 1, bed_digest(5), BFT_AUTH_SIGNED), BFT_REJECT);
	bed_decide(b, 0, BORDER + 1, bed_digest(6));
	CU_ASSERT_EQUAL(b->executed, BORDER + 1);
	for (bft_view view = 1; view < 8; view++) {
		if (order[view % 4] == b->self)
			continue;
		struct bed_changes *c = bed_changes_new(b, view, b->q);
		for (uint32_t i = 0; i < b->n; i++)
			if (c->of[i]) {
				c->of[i]->stable = BORDER;
				c->of[i]->chain = b->chain[BORDER];
			}
		struct pbft_new_view *m = bed_new_view_from(b, c);
		bed_changes_say(b, c);
		CU_ASSERT_EQUAL(bed_standing(b).leader, order[view % 4]);
		CU_ASSERT_EQUAL(bed_say(b, (uint8_t)((order[view % 4] + 1) % 3), PBFT_NEW_VIEW, m), BFT_REJECT); /* not its turn */
		CU_ASSERT_EQUAL(bed_say(b, order[view % 4], PBFT_NEW_VIEW, m), BFT_ACCEPT);
		CU_ASSERT(!bed_standing(b).changing);
		bed_changes_free(c);
		free(m);
	}
	bed_free(b);
}

/* What it lost in the epoch before is not held against anybody in this one; and who leads last already is not passed over again. */
static void counting_begins_anew_with_the_epoch(void)
{
	struct bed *b = bed_new(4, 3);
	loses(b, 1, PASS_OVER_AFTER - 1);
	loses(b, 2, PASS_OVER_AFTER - 1);
	its_view(b, 0);
	cross(b, BFT_BIT(2));
	CU_ASSERT_EQUAL(says(b), 0);
	CU_ASSERT(hear(b, 0, 2) == BFT_IGNORE && hear(b, 1, 2) == BFT_IGNORE);
	struct pbft_pass_over m = { .member = 2 };
	CU_ASSERT_EQUAL(bft_pbft.screen(b->core, 0, PBFT_PASS_OVER, &m), BFT_IGNORE);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "it is said after the third time", it_is_said_after_the_third_time },
		{ "it is said in the slow period", it_is_said_in_the_slow_period },
		{ "each is counted for itself", each_is_counted_for_itself },
		{ "a view that was not entered does not count", a_view_that_was_not_entered_does_not_count },
		{ "who resigns has lost nothing", who_resigns_has_lost_nothing },
		{ "whom others only left has lost nothing", whom_others_only_left_has_lost_nothing },
		{ "a suspicion that comes late counts", a_suspicion_that_comes_late_counts },
		{ "a resignation that comes late is one", a_resignation_that_comes_late_is_one },
		{ "a suspicion outlives its view's end elsewhere", a_suspicion_outlives_its_views_end_elsewhere },
		{ "a withdrawn suspicion is none", a_withdrawn_suspicion_is_none },
		{ "an operator's wish is no suspicion", an_operators_wish_is_no_suspicion },
		{ "nobody says it of himself", nobody_says_it_of_himself },
		{ "q that say it are shown together", q_that_say_it_are_shown_together },
		{ "who saw nothing shows it too", who_saw_nothing_shows_it_too },
		{ "a border that is pending ends it", a_border_that_is_pending_ends_it },
		{ "from the next epoch on it leads last", from_the_next_epoch_on_it_leads_last },
		{ "counting begins anew with the epoch", counting_begins_anew_with_the_epoch },
		{ 0 },
	};
	return unit_main("pass_over", cases);
}
