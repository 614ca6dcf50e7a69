/* NEW-VIEW: one pure function selects the re-proposals; the leader runs it, backups recompute and compare. docs/protocol.md, "New view". */
#include "tests/rules/core_bed.h"

/* ---- the pure function ---- */

struct selection {
	struct pbft_view_change *vc[4];
	struct pbft_new_view *out;
	struct digest null;
};

static struct selection selection_of(uint32_t count)
{
	struct selection s = { .out = &bed_body()->new_view, .null = bed_digest(9999) };
	for (uint32_t i = 0; i < count; i++)
		s.vc[i] = &bed_body()->view_change;
	return s;
}

static void selection_run(struct selection *s, uint32_t count)
{
	new_view_select((const struct pbft_view_change *const *)s->vc, count, &s->null, BED_W, s->out);
}

static void selection_free(struct selection *s)
{
	for (uint32_t i = 0; i < 4; i++)
		free(s->vc[i]);
	free(s->out);
}

static void add(struct pbft_view_change *m, bft_seq seq, bft_view view, struct digest d)
{
	m->prepared[m->count++] = (struct pbft_prepared){ .seq = seq, .view = view, .digest = d };
}

/* Not the commonest, not the first, not the last said: the highest view's. */
static void the_highest_views_certificate_wins(void)
{
	for (uint32_t who = 0; who < 3; who++) {
		struct selection s = selection_of(3);
		for (uint32_t i = 0; i < 3; i++)
			add(s.vc[i], 1, i == who ? 3 : 1, bed_digest(i == who ? 3 : 1));
		selection_run(&s, 3);
		CU_ASSERT(s.out->stable == 0 && s.out->count == 1 && bed_same(s.out->digest[0], bed_digest(3)));
		selection_free(&s);
	}
}

static void null_only_without_any_certificate(void)
{
	struct selection s = selection_of(3);
	add(s.vc[0], 4, 0, bed_digest(4));
	add(s.vc[2], 2, 0, bed_digest(2));
	selection_run(&s, 3);
	CU_ASSERT_FATAL(s.out->count == 4);
	CU_ASSERT(bed_same(s.out->digest[0], s.null) && bed_same(s.out->digest[1], bed_digest(2)));
	CU_ASSERT(bed_same(s.out->digest[2], s.null) && bed_same(s.out->digest[3], bed_digest(4)));
	selection_free(&s);
}

static void nothing_prepared_nothing_re_proposed(void)
{
	struct selection s = selection_of(3);
	selection_run(&s, 3);
	CU_ASSERT(s.out->count == 0 && s.out->stable == 0);
	selection_free(&s);
}

static void the_highest_stable_checkpoint_is_the_base(void)
{
	struct selection s = selection_of(3);
	s.vc[1]->stable = 2 * BED_K;
	s.vc[1]->chain = bed_digest(800);
	s.vc[0]->stable = BED_K;
	add(s.vc[0], BED_K + 1, 0, bed_digest(1)); /* below the base: done */
	add(s.vc[0], 2 * BED_K + 2, 0, bed_digest(2));
	selection_run(&s, 3);
	CU_ASSERT(s.out->stable == 2 * BED_K && bed_same(s.out->chain, bed_digest(800)));
	CU_ASSERT_FATAL(s.out->count == 2);
	CU_ASSERT(bed_same(s.out->digest[0], s.null) && bed_same(s.out->digest[1], bed_digest(2)));
	selection_free(&s);
}

static void the_window_bounds_it(void)
{
	struct selection s = selection_of(3);
	s.vc[0]->stable = 1000 * BED_K;
	add(s.vc[0], 1000 * BED_K + BED_W + 50, 0, bed_digest(1));
	selection_run(&s, 3);
	CU_ASSERT(s.out->count == BED_W);
	selection_free(&s);
}

/* ---- the leader: member 1 leads view 1 ---- */

static void the_leader_names_a_quorum_by_digest(void)
{
	for (uint32_t n = 4; n <= 10; n++) {
		struct bed *b = bed_new(n, 1);
		struct bed_changes *c = bed_changes_new(b, 1, b->q - 1);
		for (uint32_t i = 0, said = 0; i < n; i++) {
			if (!c->of[i])
				continue;
			CU_ASSERT(!bed_sent(b, PBFT_NEW_VIEW));
			bed_say(b, (uint8_t)i, PBFT_VIEW_CHANGE, c->of[i]);
			bed_digest_of(&c->digest[i], PBFT_VIEW_CHANGE, c->of[i]);
			CU_ASSERT(++said >= b->q - 1 || !bed_sent(b, PBFT_NEW_VIEW));
		}
		const struct bft_effect *said = bed_sent(b, PBFT_NEW_VIEW), *record = bed_record(b, PBFT_REC_NEW_VIEW);
		CU_ASSERT_FATAL(said && record);
		/* That the view is entered is durable before the first statement in it. */
		CU_ASSERT(said->lsn == record->lsn && said->to == mask_all(n));
		const struct pbft_new_view *m = said->data;
		CU_ASSERT(m->view == 1 && m->sources_count == b->q);
		bft_mask named = 0;
		for (uint8_t k = 0; k < m->sources_count; k++) {
			named |= BFT_BIT(m->source[k].member);
			CU_ASSERT(m->source[k].member == 1 || bed_same(m->source[k].digest, c->digest[m->source[k].member]));
		}
		CU_ASSERT(mask_count(named) == b->q && (named & BFT_BIT(1)));
		CU_ASSERT(!bed_standing(b).changing && bed_standing(b).leader == 1);
		bed_changes_free(c);
		bed_free(b);
	}
}

static void not_before_its_own_view_change_is_durable(void)
{
	struct bed *b = bed_new(4, 1);
	b->durable = false;
	struct bed_changes *c = bed_changes_new(b, 1, 3); /* q of the others */
	bed_changes_say(b, c);
	CU_ASSERT(bed_sent(b, PBFT_VIEW_CHANGE) != NULL && !bed_sent(b, PBFT_NEW_VIEW));
	bed_flush(b);
	CU_ASSERT(bed_sent(b, PBFT_NEW_VIEW) != NULL);
	bed_changes_free(c);
	bed_free(b);
}

static void view_changes_for_other_views_do_not_count(void)
{
	struct bed *b = bed_new(4, 1);
	bed_view_change(b, 2, 1);
	bed_view_change(b, 3, 5);
	CU_ASSERT_FATAL(bed_standing(b).view == 1 && bed_standing(b).changing);
	CU_ASSERT(!bed_sent(b, PBFT_NEW_VIEW));
	bed_view_change(b, 0, 1);
	CU_ASSERT(bed_sent(b, PBFT_NEW_VIEW) != NULL);
	bed_free(b);
}

/* No certificate of the new view could be made of what NEW-VIEW's signature alone covers: the leader signs each re-proposal, when it holds the body. */
static void the_leader_signs_each_re_proposal(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 1, 2);
	bed_changes_prepared(c, 3, 3, 0, bed_digest(3));
	bed_changes_say(b, c);
	CU_ASSERT_FATAL(bed_sent(b, PBFT_NEW_VIEW) != NULL);
	bft_lsn entered = bed_sent(b, PBFT_NEW_VIEW)->lsn;
	for (bft_seq seq = 1; seq <= 2; seq++) {
		const struct bft_effect *leaf = bed_leaf(b, BFT_LEAF_PRE_PREPARE, seq);
		CU_ASSERT_FATAL(leaf != NULL);
		CU_ASSERT(bed_same(bed_leaf_in(leaf).digest, b->null) && leaf->lsn > entered && leaf->to == mask_all(4));
	}
	/* It lacks the body of the third: it asks everybody, and does not give up on it nor propose null. */
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PRE_PREPARE, 3));
	CU_ASSERT_FATAL(bed_last(b, BFT_FX_FETCH) != NULL);
	CU_ASSERT(bed_same(bed_last(b, BFT_FX_FETCH)->digest, bed_digest(3)) && bed_last(b, BFT_FX_FETCH)->to == (mask_all(4) & ~BFT_BIT(1)));
	bed_held(b, bed_digest(3), 0, true);
	CU_ASSERT(bed_same(bed_leaf_in(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 3)).digest, bed_digest(3)));
	bed_changes_free(c);
	bed_free(b);
}

static void new_proposals_follow_the_re_proposed(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 1, 2);
	bed_changes_prepared(c, 3, 3, 0, bed_digest(3));
	bed_changes_say(b, c);
	bed_request(b, 1, 1, bed_digest(70));
	bed_request(b, 1, 2, bed_digest(71));
	const struct bft_effect *body = bed_last(b, BFT_FX_BODY);
	CU_ASSERT_FATAL(body != NULL);
	const struct bft_effect *leaf = bed_leaf(b, BFT_LEAF_PRE_PREPARE, 4);
	CU_ASSERT_FATAL(leaf != NULL);
	for (bft_seq seq = 1; seq <= 3; seq++)
		CU_ASSERT(!bed_leaf(b, BFT_LEAF_PRE_PREPARE, seq) || !bed_same(bed_leaf_in(bed_leaf(b, BFT_LEAF_PRE_PREPARE, seq)).digest, body->digest));
	bed_changes_free(c);
	bed_free(b);
}

/* ---- a backup: member 1, view 2 is led by 2 ---- */

struct story {
	struct bed *b;
	struct bed_changes *c;
	struct pbft_new_view *m;
};

/* q others change to view 2; 3 has prepared sequence 2. The core has everything but the NEW-VIEW. */
static struct story story_new(void)
{
	struct story s = { .b = bed_new(4, 1) };
	s.c = bed_changes_new(s.b, 2, 3);
	bed_changes_prepared(s.c, 3, 2, 0, bed_digest(2));
	s.m = bed_new_view_from(s.b, s.c);
	return s;
}

static void story_free(struct story *s)
{
	bed_changes_free(s->c);
	free(s->m);
	bed_free(s->b);
}

static void a_true_one_is_entered(void)
{
	struct story s = story_new();
	bed_changes_say(s.b, s.c);
	CU_ASSERT(bed_standing(s.b).changing);
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	CU_ASSERT(bed_standing(s.b).view == 2 && !bed_standing(s.b).changing && bed_standing(s.b).leader == 2);
	const struct bft_effect *record = bed_record(s.b, PBFT_REC_NEW_VIEW);
	CU_ASSERT_FATAL(record != NULL);
	/* The re-proposals are voted when their leader has signed them, behind the record that the view was entered. */
	CU_ASSERT(!bed_leaf(s.b, BFT_LEAF_PREPARE, 0));
	bft_lsn entered = record->lsn;
	bed_pre_prepare(s.b, 2, 1, s.b->null);
	bed_pre_prepare(s.b, 2, 2, bed_digest(2));
	bed_held(s.b, bed_digest(2), 0, true);
	for (bft_seq seq = 1; seq <= 2; seq++) {
		const struct bft_effect *vote = bed_leaf(s.b, BFT_LEAF_PREPARE, seq);
		CU_ASSERT_FATAL(vote != NULL);
		CU_ASSERT(vote->lsn > entered && ((const struct bft_votes *)vote->data)->view == 2);
	}
	story_free(&s);
}

static void it_may_come_before_what_it_names(void)
{
	struct story s = story_new();
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	CU_ASSERT(bed_standing(s.b).view == 0);
	/* Its sender is asked for each that is missing, by digest: two of the three are alike. */
	CU_ASSERT(bed_sent_count(s.b, PBFT_FETCH_VIEW_CHANGE) == 2 && bed_sent(s.b, PBFT_FETCH_VIEW_CHANGE)->to == BFT_BIT(2));
	bed_changes_say(s.b, s.c);
	CU_ASSERT(bed_standing(s.b).view == 2 && !bed_standing(s.b).changing);
	story_free(&s);
}

static void a_missing_one_is_asked_of_all_when_it_is_said_again(void)
{
	struct story s = story_new();
	bed_say(s.b, 0, PBFT_VIEW_CHANGE, s.c->of[0]);
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	CU_ASSERT(bed_sent_count(s.b, PBFT_FETCH_VIEW_CHANGE) == 2);
	bed_forget(s.b);
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	CU_ASSERT(bed_sent_count(s.b, PBFT_FETCH_VIEW_CHANGE) == 2 && bed_sent(s.b, PBFT_FETCH_VIEW_CHANGE)->to == (mask_all(4) & ~BFT_BIT(1)));
	story_free(&s);
}

static void expect_refused(struct story *s)
{
	bed_changes_say(s->b, s->c);
	bed_say(s->b, 2, PBFT_NEW_VIEW, s->m);
	CU_ASSERT(bed_blame(s->b, 2, BFT_CONVICT, PBFT_WHY_FALSE_NEW_VIEW) != NULL);
	CU_ASSERT(bed_standing(s->b).changing && !bed_record(s->b, PBFT_REC_NEW_VIEW));
	/* Who holds the proof suspects at once. */
	CU_ASSERT(bed_standing(s->b).suspecting || bed_standing(s->b).view > 2);
	bed_pre_prepare(s->b, 2, 1, bed_digest(50));
	bed_held(s->b, bed_digest(50), 0, true);
	CU_ASSERT(!bed_sent(s->b, PBFT_VOTES));
	story_free(s);
}

static void false_ones_are_refused(void)
{
	struct story s = story_new();
	s.m->digest[1] = bed_digest(77); /* another proposal where one was prepared */
	expect_refused(&s);
	s = story_new();
	s.m->digest[1] = s.b->null; /* null where one was prepared */
	expect_refused(&s);
	s = story_new();
	s.m->digest[0] = bed_digest(77); /* something where nothing was prepared */
	expect_refused(&s);
	s = story_new();
	s.m->count = 1; /* one left out */
	expect_refused(&s);
	s = story_new();
	s.m->count = 0;
	expect_refused(&s);
	s = story_new();
	s.m->digest[s.m->count++] = bed_digest(3); /* one too many */
	expect_refused(&s);
	s = story_new();
	s.m->digest[s.m->count++] = s.b->null;
	expect_refused(&s);
	s = story_new();
	s.m->stable = BED_K; /* a checkpoint that none of them shows */
	expect_refused(&s);
	s = story_new();
	s.m->chain.b[0] ^= 1;
	expect_refused(&s);
}

/* They are all there, and one asks for another view. */
static void view_changes_for_another_view_do_not_support_it(void)
{
	struct story s = story_new();
	s.c->of[0]->view = 3;
	bed_digest_of(&s.m->source[0].digest, PBFT_VIEW_CHANGE, s.c->of[0]);
	CU_ASSERT_FATAL(s.m->source[0].member == 0);
	bed_changes_say(s.b, s.c);
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	CU_ASSERT(bed_blame(s.b, 2, BFT_CONVICT, PBFT_WHY_FALSE_NEW_VIEW) != NULL && !bed_record(s.b, PBFT_REC_NEW_VIEW));
	story_free(&s);
}

static void malformed_ones_are_rejected(void)
{
	struct story s = story_new();
	bed_changes_say(s.b, s.c);
	CU_ASSERT(bed_say_as(s.b, 2, PBFT_NEW_VIEW, s.m, BFT_AUTH_CHANNEL) == BFT_REJECT);
	CU_ASSERT(bed_say(s.b, 3, PBFT_NEW_VIEW, s.m) == BFT_REJECT); /* does not lead that view */
	CU_ASSERT(bed_say(s.b, 0, PBFT_NEW_VIEW, s.m) == BFT_REJECT);
	s.m->sources_count = 2; /* fewer than q */
	CU_ASSERT(bed_say(s.b, 2, PBFT_NEW_VIEW, s.m) == BFT_REJECT);
	s.m->sources_count = 0;
	CU_ASSERT(bed_say(s.b, 2, PBFT_NEW_VIEW, s.m) == BFT_REJECT);
	s.m->sources_count = 4; /* more: one choice of q, so that it is one message */
	s.m->source[3].member = 4;
	CU_ASSERT(bed_say(s.b, 2, PBFT_NEW_VIEW, s.m) == BFT_REJECT);
	s.m->sources_count = 3;
	s.m->source[2].member = 4; /* no such member */
	CU_ASSERT(bed_say(s.b, 2, PBFT_NEW_VIEW, s.m) == BFT_REJECT);
	s.m->source[2].member = 3;
	uint16_t count = s.m->count;
	s.m->count = BED_W + 1; /* above the window */
	CU_ASSERT(bed_say(s.b, 2, PBFT_NEW_VIEW, s.m) == BFT_REJECT);
	s.m->count = count;
	CU_ASSERT(bed_say_in(s.b, 2, PBFT_NEW_VIEW, s.m, BFT_AUTH_SIGNED, 2) == BFT_IGNORE);
	CU_ASSERT(bed_standing(s.b).changing);
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	CU_ASSERT(!bed_standing(s.b).changing);
	story_free(&s);
}

static void late_and_repeated_ones_are_ignored(void)
{
	struct story s = story_new();
	bed_changes_say(s.b, s.c);
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	CU_ASSERT(bed_say(s.b, 2, PBFT_NEW_VIEW, s.m) == BFT_IGNORE);
	s.m->view = 1;
	CU_ASSERT(bed_say(s.b, 1, PBFT_NEW_VIEW, s.m) == BFT_IGNORE);
	bed_enter_view(s.b, 3);
	CU_ASSERT_FATAL(bed_standing(s.b).view == 3);
	s.m->view = 2;
	CU_ASSERT(bed_say(s.b, 2, PBFT_NEW_VIEW, s.m) == BFT_IGNORE);
	story_free(&s);
}

/* Before the first is judged, and after it was entered. */
static void two_for_one_view_convict(void)
{
	for (int entered = 0; entered < 2; entered++) {
		struct story s = story_new();
		if (entered)
			bed_changes_say(s.b, s.c);
		bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
		bft_ref first = s.b->last_ref;
		CU_ASSERT(bed_standing(s.b).view == (entered ? 2 : 0));
		s.m->digest[1] = bed_digest(77);
		CU_ASSERT(bed_say_as(s.b, 2, PBFT_NEW_VIEW, s.m, BFT_AUTH_CHANNEL) == BFT_REJECT); /* unseen it proves nothing */
		CU_ASSERT(bed_say(s.b, 3, PBFT_NEW_VIEW, s.m) == BFT_REJECT);                      /* another's is no second one */
		CU_ASSERT(!bed_blame(s.b, 2, BFT_CONVICT, PBFT_WHY_TWO_NEW_VIEWS));
		CU_ASSERT(bed_say(s.b, 2, PBFT_NEW_VIEW, s.m) == BFT_CONVICT);
		const struct bft_effect *blame = bed_blame(s.b, 2, BFT_CONVICT, PBFT_WHY_TWO_NEW_VIEWS);
		CU_ASSERT_FATAL(blame != NULL);
		CU_ASSERT(blame->ref == s.b->last_ref && blame->other == first);
		/* Who holds the proof suspects at once; the first stays. */
		CU_ASSERT(bed_standing(s.b).suspecting == (entered == 1));
		if (!entered)
			bed_changes_say(s.b, s.c);
		CU_ASSERT(bed_standing(s.b).view == 2 && !bed_standing(s.b).changing);
		/* A view later it is late, and nothing more. */
		bed_enter_view(s.b, 3);
		CU_ASSERT(bed_say(s.b, 2, PBFT_NEW_VIEW, s.m) == BFT_IGNORE);
		story_free(&s);
	}
}

/* 0 gave one VIEW-CHANGE to me and another to the leader. The NEW-VIEW is judged by the bytes that it names, and 0 is convicted. */
static void the_bytes_that_it_names_are_judged(void)
{
	struct story s = story_new();
	struct pbft_view_change *other = bed_copy(s.c->of[0], sizeof(struct pbft_view_change));
	other->prepared[other->count++] = (struct pbft_prepared){ .seq = 5, .view = 1, .digest = bed_digest(5) };
	bed_say(s.b, 0, PBFT_VIEW_CHANGE, other);
	bed_say(s.b, 2, PBFT_VIEW_CHANGE, s.c->of[2]);
	bed_say(s.b, 3, PBFT_VIEW_CHANGE, s.c->of[3]);
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	CU_ASSERT(bed_standing(s.b).changing);
	CU_ASSERT(!bed_blame(s.b, 2, BFT_CONVICT, PBFT_WHY_FALSE_NEW_VIEW));
	const struct pbft_fetch_view_change *ask = bed_sent(s.b, PBFT_FETCH_VIEW_CHANGE)->data;
	CU_ASSERT(bed_same(ask->digest, s.c->digest[0]));
	bed_say(s.b, 0, PBFT_VIEW_CHANGE, s.c->of[0]); /* forwarded by the leader */
	CU_ASSERT(bed_blame(s.b, 0, BFT_CONVICT, PBFT_WHY_TWO_VIEW_CHANGES) != NULL);
	CU_ASSERT(!bed_standing(s.b).changing && bed_standing(s.b).view == 2);
	free(other);
	story_free(&s);
}

/* It had been valid when q prepared it: a clock that is wrong today is no reason. */
static void re_proposals_are_not_validated_again(void)
{
	struct story s = story_new();
	bed_changes_say(s.b, s.c);
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	bed_held(s.b, bed_digest(2), s.b->wall_ms + 1000 * BED_DRIFT_MS, true);
	bed_pre_prepare(s.b, 2, 2, bed_digest(2));
	CU_ASSERT(bed_leaf(s.b, BFT_LEAF_PREPARE, 2) != NULL);
	story_free(&s);
}

/* The leader that sent the body may be gone: every other member is asked. */
static void a_missing_body_is_asked_of_all(void)
{
	struct story s = story_new();
	bed_changes_say(s.b, s.c);
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	CU_ASSERT_FATAL(bed_last(s.b, BFT_FX_FETCH) != NULL);
	CU_ASSERT(bed_same(bed_last(s.b, BFT_FX_FETCH)->digest, bed_digest(2)) && bed_last(s.b, BFT_FX_FETCH)->to == (mask_all(4) & ~BFT_BIT(1)));
	bed_pre_prepare(s.b, 2, 2, bed_digest(2));
	CU_ASSERT(!bed_leaf(s.b, BFT_LEAF_PREPARE, 2));
	story_free(&s);
}

static void a_leaf_against_its_own_new_view_convicts(void)
{
	struct story s = story_new();
	bed_changes_say(s.b, s.c);
	bed_say(s.b, 2, PBFT_NEW_VIEW, s.m);
	bft_ref new_view = s.b->last_ref;
	bed_pre_prepare(s.b, 2, 2, bed_digest(66));
	const struct bft_effect *blame = bed_blame(s.b, 2, BFT_CONVICT, PBFT_WHY_NOT_REPROPOSED);
	CU_ASSERT_FATAL(blame != NULL);
	CU_ASSERT(blame->ref == s.b->last_ref && blame->other == new_view);
	CU_ASSERT(bed_standing(s.b).suspecting);
	bed_held(s.b, bed_digest(66), 0, true);
	bed_held(s.b, bed_digest(2), 0, true);
	CU_ASSERT(!bed_leaf(s.b, BFT_LEAF_PREPARE, 2));
	story_free(&s);
}

/* The base is above my window: I adopt it by its certificate, vote there, and fetch what is below beside it. */
static void a_base_above_mine_is_adopted(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 2, 3);
	for (uint32_t i = 0; i < 4; i++)
		if (c->of[i]) {
			c->of[i]->stable = 2 * BED_W;
			c->of[i]->chain = bed_digest(800);
		}
	bed_changes_prepared(c, 3, 2 * BED_W + BED_W, 0, bed_digest(2));
	struct pbft_new_view *m = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, m);
	CU_ASSERT(bed_standing(b).low == 2 * BED_W && bed_standing(b).executed == 0 && !bed_standing(b).changing);
	const struct bft_effect *stable = bed_record(b, PBFT_REC_STABLE);
	CU_ASSERT_FATAL(stable != NULL);
	CU_ASSERT(((const struct bft_certificate_refs *)stable->data)->whole != 0);
	CU_ASSERT(stable->lsn < bed_record(b, PBFT_REC_NEW_VIEW)->lsn);
	bed_pre_prepare(b, 2, 3 * BED_W, bed_digest(2));
	bed_held(b, bed_digest(2), 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 3 * BED_W) != NULL);
	bed_changes_free(c);
	free(m);
	bed_free(b);
}

/* What is executed is voted again in the new view, for those who lack it, and not executed again. */
static void re_proposed_and_executed_it_is_voted_not_executed(void)
{
	struct bed *b = bed_new(4, 1);
	bed_decide(b, 0, 1, bed_digest(1));
	CU_ASSERT_FATAL(bed_standing(b).executed == 1);
	struct bed_changes *c = bed_changes_new(b, 2, 3);
	bed_changes_prepared(c, 3, 1, 0, bed_digest(1));
	struct pbft_new_view *m = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, m);
	bed_forget(b);
	bed_make_prepared(b, 2, 1, bed_digest(1));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL && bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL);
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE));
	bed_changes_free(c);
	free(m);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "selection: the highest view's certificate wins", the_highest_views_certificate_wins },
		{ "selection: null only without any certificate", null_only_without_any_certificate },
		{ "selection: nothing prepared, nothing re-proposed", nothing_prepared_nothing_re_proposed },
		{ "selection: the highest stable checkpoint is the base", the_highest_stable_checkpoint_is_the_base },
		{ "selection: the window bounds it", the_window_bounds_it },
		{ "the leader names a quorum by digest", the_leader_names_a_quorum_by_digest },
		{ "not before its own VIEW-CHANGE is durable", not_before_its_own_view_change_is_durable },
		{ "VIEW-CHANGEs for other views do not count", view_changes_for_other_views_do_not_count },
		{ "the leader signs each re-proposal", the_leader_signs_each_re_proposal },
		{ "new proposals follow the re-proposed", new_proposals_follow_the_re_proposed },
		{ "a true one is entered", a_true_one_is_entered },
		{ "it may come before what it names", it_may_come_before_what_it_names },
		{ "a missing one is asked of all when it is said again", a_missing_one_is_asked_of_all_when_it_is_said_again },
		{ "false ones are refused", false_ones_are_refused },
		{ "VIEW-CHANGEs for another view do not support it", view_changes_for_another_view_do_not_support_it },
		{ "malformed ones are rejected", malformed_ones_are_rejected },
		{ "late and repeated ones are ignored", late_and_repeated_ones_are_ignored },
		{ "two for one view convict", two_for_one_view_convict },
		{ "the bytes that it names are judged", the_bytes_that_it_names_are_judged },
		{ "re-proposals are not validated again", re_proposals_are_not_validated_again },
		{ "a missing body is asked of all", a_missing_body_is_asked_of_all },
		{ "a leaf against its own NEW-VIEW convicts", a_leaf_against_its_own_new_view_convicts },
		{ "a base above mine is adopted", a_base_above_mine_is_adopted },
		{ "re-proposed and executed: voted, not executed", re_proposed_and_executed_it_is_voted_not_executed },
		{ 0 },
	};
	return unit_main("new_view", cases);
}
