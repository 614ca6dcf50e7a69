/* Members whose numbers have gaps, and epochs with other members or another mode: PBFT's part. docs/protocol.md, "Members and mode". */
#include "tests/rules/core_bed.h"

#define BORDER (BED_W + BED_K)
#define FOUR (BFT_BIT(0) | BFT_BIT(2) | BFT_BIT(3) | BFT_BIT(5)) /* 1 and 4 are nobody's numbers */

static struct bed *gaps(uint8_t self)
{
	struct bft_limits limits = bed_limits(6);
	limits.absent = mask_all(6) & ~FOUR;
	return bed_ready(&limits, self);
}

/* ---- numbers that are nobody's ---- */

/* Of six places four are taken: three decide, not five. */
static void quorums_are_of_those_who_are_there(void)
{
	struct bed *b = gaps(2);
	struct digest d = bed_digest(1);
	CU_ASSERT_EQUAL(b->q, 3);
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL && bed_leaf(b, BFT_LEAF_COMMIT, 1) == NULL);
	bed_prepare(b, 5, 0, 1, d);
	CU_ASSERT_PTR_NOT_NULL(bed_leaf(b, BFT_LEAF_COMMIT, 1));
	bed_commit(b, 3, 0, 1, d);
	CU_ASSERT_EQUAL(bed_standing(b).executed, 0);
	bed_commit(b, 5, 0, 1, d);
	CU_ASSERT_EQUAL(bed_standing(b).executed, 1);
	bed_free(b);
}

static void those_who_are_there_lead_in_turn(void)
{
	static const uint8_t leader[] = { 0, 2, 3, 5, 0, 2, 3, 5 };
	struct bed *b = gaps(2);
	CU_ASSERT_EQUAL(bed_standing(b).leader, 0);
	for (bft_view view = 1; view < 8; view++) {
		CU_ASSERT_EQUAL(bed_leader(b, view), leader[view]);
		if (leader[view] == b->self)
			continue; /* it enters its own by itself */
		bed_leave(b, view - 1);
		bed_enter_view(b, view);
		CU_ASSERT(bed_standing(b).view == view && bed_standing(b).leader == leader[view]);
	}
	bed_free(b);
}

/* Whatever it says, and to whom it says it. */
static void nothing_is_sent_to_nobody(void)
{
	struct bed *b = gaps(0);
	for (bft_seq seq = 1; seq <= 2 * BED_K; seq++) {
		bed_request(b, 1, seq, bed_digest(seq));
		bed_others_decide(b, seq);
		if (seq % BED_K == 0)
			bed_make_stable(b, seq);
	}
	CU_ASSERT_EQUAL(bed_standing(b).low, 2 * BED_K);
	bed_tick(b, PBFT_STATUS_MS);
	bed_leave(b, 0);
	bed_tick(b, 10 * BED_TIMEOUT_MS);
	CU_ASSERT(bed_sent(b, PBFT_CHECKPOINT) && bed_sent(b, PBFT_STATUS) && bed_sent(b, PBFT_VIEW_CHANGE));
	for (uint32_t i = 0; i < b->seen_count; i++) {
		const struct bft_effect *e = &b->seen[i];
		bool to_others = e->kind == BFT_FX_SEND || e->kind == BFT_FX_FORWARD || e->kind == BFT_FX_FETCH;
		CU_ASSERT(!to_others || (e->to & ~FOUR) == 0);
	}
	bed_free(b);
}

static void nobodys_words_are_rejected(void)
{
	struct bed *b = gaps(2);
	union pbft_body *body = bed_body();
	body->checkpoint = (struct bft_checkpoint){ .seq = BED_K, .chain = bed_digest(1) };
	static const uint8_t nobody[] = { 1, 4, 6, 63 };
	for (size_t i = 0; i < sizeof nobody; i++)
		CU_ASSERT_EQUAL(bft_pbft.screen(b->core, nobody[i], PBFT_CHECKPOINT, body), BFT_REJECT);
	CU_ASSERT_EQUAL(bft_pbft.screen(b->core, 5, PBFT_CHECKPOINT, body), BFT_ACCEPT);
	/* A link to somebody who has no say is none. */
	memcpy(b->before, b->core, b->core_bytes);
	for (size_t i = 0; i < sizeof nobody; i++)
		bed_link(b, nobody[i], true);
	CU_ASSERT_EQUAL(memcmp(b->before, b->core, b->core_bytes), 0);
	free(body);
	bed_free(b);
}

/* A new leader that names a VIEW-CHANGE of nobody's among the q. */
static void a_new_view_has_members_for_sources(void)
{
	static const uint8_t false_source[] = { 1, 4 };
	for (int i = 0; i < 2; i++) {
		struct bed *b = gaps(2);
		struct bed_changes *c = bed_changes_new(b, 2, b->q); /* of 0, 3 and 5; 3 leads */
		struct pbft_new_view *m = bed_new_view_from(b, c), lie = *m;
		bed_changes_say(b, c);
		lie.source[i ? 2 : 0].member = false_source[i];
		CU_ASSERT(lie.sources_count == 3 && (i ? lie.source[1].member < 4 : lie.source[1].member > 1));
		CU_ASSERT_EQUAL(bed_say(b, 3, PBFT_NEW_VIEW, &lie), BFT_REJECT);
		CU_ASSERT_EQUAL(bed_say(b, 3, PBFT_NEW_VIEW, m), BFT_ACCEPT);
		CU_ASSERT(bed_standing(b).view == 2 && !bed_standing(b).changing);
		bed_changes_free(c);
		free(m);
		bed_free(b);
	}
}

/* As many as the places would have are too many, and too few. */
static void a_new_view_has_a_quorum_of_sources(void)
{
	struct bed *b = gaps(2);
	struct bed_changes *c = bed_changes_new(b, 2, b->q);
	struct pbft_new_view *m = bed_new_view_from(b, c), lie = *m;
	bed_changes_say(b, c);
	lie.sources_count = 2;
	CU_ASSERT_EQUAL(bed_say(b, 3, PBFT_NEW_VIEW, &lie), BFT_REJECT);
	bed_changes_free(c);
	free(m);
	bed_free(b);
}

/* ---- from one epoch to the next ---- */

/* A backup of four that has the border, whose other side has `members` and `mode`, durable and stable: its core has ended. */
static struct bed *at_border(uint8_t self, bft_mask members, enum bft_mode mode)
{
	struct bed *b = bed_new(4, self);
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = BORDER, .members = members, .mode = mode };
	bed_step(b, &e);
	for (bft_seq seq = 1; seq <= BORDER; seq++) {
		bed_decide(b, 0, seq, bed_digest(seq));
		if (seq % BED_K == 0)
			bed_make_stable(b, seq);
	}
	struct bft_event made = { .kind = BFT_EV_SNAPSHOT, .seq = BORDER, .digest = b->chain[BORDER], .root = bed_digest(77) };
	bed_step(b, &made);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bed_last(b, BFT_FX_ACTIVATE));
	return b;
}

static struct bft_rec_view last_record(const struct bed *b)
{
	CU_ASSERT_FATAL(b->log[b->log_count - 1].rtype == PBFT_REC_VIEW);
	return *(const struct bft_rec_view *)b->log[b->log_count - 1].data;
}

static void the_border_says_who_is_a_member_behind_it(void)
{
	struct bed *b = at_border(1, FOUR | BFT_BIT(1), BFT_MODE_TRUSTED);
	struct bft_rec_view next = last_record(b);
	CU_ASSERT(next.entered == BFT_VIEW_BEGINS && next.epoch == 2 && next.base == BORDER && next.members == (FOUR | BFT_BIT(1)));
	CU_ASSERT_EQUAL(next.mode, BFT_MODE_TRUSTED);
	bed_free(b);
	b = at_border(1, 0, 0); /* nothing of it changes */
	next = last_record(b);
	CU_ASSERT(next.members == mask_all(4) && next.mode == BFT_MODE_BFT);
	bed_free(b);
}

/* 4 comes, as the fifth: four of five decide. */
static void the_next_epochs_quorum_is_of_its_members(void)
{
	struct bed *b = at_border(1, mask_all(5), BFT_MODE_BFT);
	bed_next_epoch(b, BFT_RECOVERY_WHOLE);
	CU_ASSERT_EQUAL(b->q, 4);
	bed_recall_done(b, 0);
	bed_recall_done(b, 2);
	CU_ASSERT_TRUE(bed_standing(b).recalling); /* of five, three others have to tell */
	bed_recall_done(b, 4);
	CU_ASSERT_FALSE(bed_standing(b).recalling);
	struct digest d = bed_digest(50);
	bed_pre_prepare(b, 0, BORDER + 1, d);
	bed_held(b, d, 0, true);
	bed_prepare(b, 2, 0, BORDER + 1, d);
	CU_ASSERT_PTR_NULL(bed_leaf(b, BFT_LEAF_COMMIT, BORDER + 1));
	bed_prepare(b, 4, 0, BORDER + 1, d);
	CU_ASSERT_PTR_NOT_NULL(bed_leaf(b, BFT_LEAF_COMMIT, BORDER + 1));
	bed_commit(b, 0, 0, BORDER + 1, d);
	bed_commit(b, 2, 0, BORDER + 1, d);
	CU_ASSERT_EQUAL(bed_standing(b).executed, BORDER);
	bed_commit(b, 4, 0, BORDER + 1, d);
	CU_ASSERT_EQUAL(bed_standing(b).executed, BORDER + 1);
	/* The newcomer leads when it is its turn. */
	CU_ASSERT_EQUAL(bed_leader(b, 4), 4);
	bed_free(b);
}

/* Who has no say executes, serves, and signs nothing. */
static void who_is_no_member_observes(void)
{
	struct bed *b = at_border(1, FOUR, BFT_MODE_BFT);
	bed_next_epoch(b, BFT_RECOVERY_WHOLE);
	bed_join(b);
	CU_ASSERT_TRUE(bed_standing(b).observer);
	struct digest d = bed_digest(50);
	bed_pre_prepare(b, 0, BORDER + 1, d);
	bed_held(b, d, 0, true);
	static const uint8_t others[] = { 0, 2, 3, 5 };
	for (int i = 1; i < 4; i++)
		bed_prepare(b, others[i], 0, BORDER + 1, d);
	for (int i = 0; i < 3; i++)
		bed_commit(b, others[i], 0, BORDER + 1, d);
	CU_ASSERT(bed_standing(b).executed == BORDER + 1 && !bed_signed_anything(b));
	bed_tick(b, 10 * BED_TIMEOUT_MS);
	CU_ASSERT(!bed_signed_anything(b) && !bed_standing(b).suspecting);
	bed_free(b);
}

static void a_restart_finds_the_epochs_members(void)
{
	struct bed *b = at_border(2, FOUR, BFT_MODE_BFT);
	bed_next_epoch(b, BFT_RECOVERY_WHOLE);
	bed_join(b);
	bed_decide(b, 0, BORDER + 1, bed_digest(50));
	CU_ASSERT_EQUAL(bed_standing(b).executed, BORDER + 1);
	bed_restart(b, b->executed, BFT_RECOVERY_WHOLE);
	CU_ASSERT(b->members == FOUR && b->n == 6 && bed_standing(b).epoch == 2 && !bed_standing(b).observer);
	bed_join(b);
	struct digest d = bed_digest(51);
	bed_pre_prepare(b, 0, BORDER + 2, d);
	bed_held(b, d, 0, true);
	bed_prepare(b, 5, 0, BORDER + 2, d); /* nobody had that number before */
	CU_ASSERT_PTR_NOT_NULL(bed_leaf(b, BFT_LEAF_COMMIT, BORDER + 2));
	bed_free(b);
}

/* The beginning of the epoch is cut away: each word about a view names the members. */
static void a_cut_log_knows_its_members(void)
{
	struct bed *b = at_border(2, FOUR, BFT_MODE_BFT);
	bed_next_epoch(b, BFT_RECOVERY_WHOLE);
	bed_join(b);
	for (bft_seq seq = BORDER + 1; seq <= BORDER + 3 * BED_K; seq++) {
		bed_decide(b, 0, seq, bed_digest(seq));
		if (seq % BED_K)
			continue;
		bed_make_stable(b, seq);
		struct bft_snapshot m = { .seq = seq, .chain = b->chain[seq], .root = bed_digest(70) };
		bed_say(b, 0, PBFT_SNAPSHOT, &m);
		bed_say(b, 5, PBFT_SNAPSHOT, &m);
	}
	const struct bft_effect *cut = bed_last(b, BFT_FX_TRUNCATE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
	uint32_t gone = 0;
	while (gone < b->log_count && b->log[gone].lsn < cut->below)
		free(b->log[gone++].data);
	CU_ASSERT_FATAL(gone > 0);
	memmove(b->log, b->log + gone, (b->log_count - gone) * sizeof b->log[0]);
	b->log_count -= gone;
	bed_restart(b, b->executed, BFT_RECOVERY_WHOLE);
	struct bft_standing st = bed_standing(b);
	CU_ASSERT(b->members == FOUR && st.epoch == 2 && st.base == BORDER && st.low == BORDER + 3 * BED_K && !st.observer);
	bed_free(b);
}

/* Whose log no longer reaches the border is told by the state who the members are. */
static void a_jump_names_members_and_mode(void)
{
	struct bed *b = bed_new(4, 2);
	struct bft_event jump = { .kind = BFT_EV_JUMP, .epoch = 3, .seq = BORDER, .digest = bed_digest(800), .members = FOUR, .mode = BFT_MODE_TRUSTED };
	bed_step(b, &jump);
	struct bft_rec_view next = last_record(b);
	CU_ASSERT(next.entered == BFT_VIEW_BEGINS && next.epoch == 3 && next.members == FOUR && next.mode == BFT_MODE_TRUSTED);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "quorums are of those who are there", quorums_are_of_those_who_are_there },
		{ "those who are there lead in turn", those_who_are_there_lead_in_turn },
		{ "nothing is sent to nobody", nothing_is_sent_to_nobody },
		{ "nobody's words are rejected", nobodys_words_are_rejected },
		{ "a NEW-VIEW has members for sources", a_new_view_has_members_for_sources },
		{ "a NEW-VIEW has a quorum of sources", a_new_view_has_a_quorum_of_sources },
		{ "the border says who is a member behind it", the_border_says_who_is_a_member_behind_it },
		{ "the next epoch's quorum is of its members", the_next_epochs_quorum_is_of_its_members },
		{ "who is no member observes", who_is_no_member_observes },
		{ "a restart finds the epoch's members", a_restart_finds_the_epochs_members },
		{ "a cut log knows its members", a_cut_log_knows_its_members },
		{ "a jump names members and mode", a_jump_names_members_and_mode },
		{ 0 },
	};
	return unit_main("members", cases);
}
