/* STATUS and CHAIN: what makes anybody send a thing again, and how a member catches up. docs/protocol.md, "Status" and "Catching up". */
#include "tests/rules/core_bed.h"

/* ---- when it is said ---- */

static void it_is_said_when_a_link_comes_up(void)
{
	struct bed *b = bed_new(4, 1);
	bed_link(b, 3, false);
	CU_ASSERT(!bed_sent(b, PBFT_STATUS));
	bed_link(b, 3, true);
	CU_ASSERT_FATAL(bed_sent(b, PBFT_STATUS) != NULL);
	CU_ASSERT(bed_sent(b, PBFT_STATUS)->to == BFT_BIT(3) && bed_sent(b, PBFT_STATUS)->lsn == 0);
	/* Links to nobody, and to myself, are nothing. */
	bed_forget(b);
	bed_link(b, 1, true);
	bed_link(b, 200, true);
	CU_ASSERT(!bed_sent(b, PBFT_STATUS));
	bed_free(b);
}

/* Who was left out of everything has nothing open, and must say so all the same. */
static void it_is_said_twice_a_second_when_idle(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	bed_forget(b);
	bed_tick(b, PBFT_STATUS_MS - 1);
	CU_ASSERT(!bed_sent(b, PBFT_STATUS));
	bed_tick(b, 1);
	CU_ASSERT_FATAL(bed_sent(b, PBFT_STATUS) != NULL);
	CU_ASSERT(bed_sent(b, PBFT_STATUS)->to == (mask_all(4) & ~BFT_BIT(1)));
	bed_free(b);
}

static void it_is_said_sooner_while_something_is_open(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_forget(b);
	bed_tick(b, PBFT_STATUS_FAST_MS);
	CU_ASSERT(bed_sent(b, PBFT_STATUS) != NULL);
	CU_ASSERT(bft_pbft.deadline(b->core) == b->mono_ms + PBFT_STATUS_FAST_MS);
	bed_free(b);
}

static void it_says_what_is_held(void)
{
	struct bed *b = bed_new(4, 1);
	bed_decide(b, 0, 1, bed_digest(1));
	bed_prepare(b, 3, 0, 2, bed_digest(2));
	bed_commit(b, 2, 0, 3, bed_digest(3));
	bed_checkpoint(b, 2, BED_K, bed_digest(9));
	bed_forget(b);
	bed_tick(b, PBFT_STATUS_MS);
	const struct pbft_status *m = bed_sent(b, PBFT_STATUS)->data;
	CU_ASSERT(m->view == 0 && m->flags == 0 && m->low == 0 && m->executed == 1 && m->checkpoints == BFT_BIT(2));
	CU_ASSERT_FATAL(m->count == BED_W);
	/* What is decided lacks nothing. */
	CU_ASSERT(m->open[0].prepares == mask_all(4) && m->open[0].commits == mask_all(4));
	CU_ASSERT(m->open[1].prepares == BFT_BIT(3) && m->open[1].commits == 0);
	CU_ASSERT(m->open[2].prepares == 0 && m->open[2].commits == BFT_BIT(2));
	bed_leave(b, 0);
	bed_forget(b);
	bed_tick(b, PBFT_STATUS_MS);
	m = bed_sent(b, PBFT_STATUS)->data;
	CU_ASSERT(m->view == 1 && (m->flags & PBFT_STATUS_CHANGING) && m->view_changes == BFT_BIT(1));
	bed_free(b);
}

static void a_standing_suspect_is_in_it(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_event admin = { .kind = BFT_EV_ADMIN };
	bed_step(b, &admin);
	bed_forget(b);
	bed_tick(b, PBFT_STATUS_MS);
	const struct pbft_status *m = bed_sent(b, PBFT_STATUS)->data;
	CU_ASSERT(m->flags & PBFT_STATUS_SUSPECTING);
	/* And heard: the SUSPECT itself was lost. */
	struct bed *c = bed_new(4, 2);
	struct pbft_status heard = bed_status_of(0, 0, 0);
	heard.flags = PBFT_STATUS_SUSPECTING;
	bed_say_as(c, 1, PBFT_STATUS, &heard, BFT_AUTH_CHANNEL);
	bed_say_as(c, 3, PBFT_STATUS, &heard, BFT_AUTH_CHANNEL);
	CU_ASSERT(bed_sent(c, PBFT_VIEW_CHANGE) != NULL);
	bed_free(b);
	bed_free(c);
}

/* ---- what is answered ---- */

/* Member 3 lacks everything of the first sequence. The core, 1, has voted both times. */
static void own_votes_that_they_lack_are_sent_verbatim(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bft_ref pre = b->last_ref;
	bed_held(b, bed_digest(1), 0, true);
	bed_prepare(b, 2, 0, 1, bed_digest(1));
	bft_ref others = b->last_ref;
	bed_forget(b);
	struct pbft_status m = bed_status_of(0, 0, 0);
	m.count = 1;
	bed_say_as(b, 3, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	/* My PREPARE, my COMMIT; the leader's leaf, which f+1 members in turn pass on; never somebody else's vote. */
	CU_ASSERT(bed_count(b, BFT_FX_FORWARD) == 3);
	CU_ASSERT(bed_forwards(b, pre, 0, 3) && !bed_forwards(b, others, 2, 3));
	bed_free(b);
}

static void what_they_have_is_not_sent(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	bed_make_prepared(b, 0, 1, bed_digest(1));
	bed_forget(b);
	struct pbft_status m = bed_status_of(0, 0, 0);
	m.count = 1;
	m.open[0].prepares = BFT_BIT(0) | BFT_BIT(1);
	m.open[0].commits = BFT_BIT(1);
	bed_say_as(b, 3, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(!bed_last(b, BFT_FX_FORWARD));
	bed_free(b);
}

static void the_leaders_leaf_is_passed_on_by_a_weak_quorum(void)
{
	uint32_t passing = 0;
	for (uint8_t self = 1; self < 7; self++) {
		struct bed *b = bed_new(7, self);
		bed_tick(b, PBFT_STATUS_MS);
		bed_pre_prepare(b, 0, 1, bed_digest(1));
		bft_ref pre = b->last_ref;
		uint8_t asks = self == 6 ? 5 : 6;
		struct pbft_status m = bed_status_of(0, 0, 0);
		m.count = 1;
		bed_say_as(b, asks, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
		passing += bed_forwards(b, pre, 0, asks);
		bed_free(b);
	}
	CU_ASSERT(passing == quorum_weak(7));
}

/* The liar's COMMIT is the third, and it told me alone: whoever I am, the one who lacks it gets it, and before every member has had its turn twice. */
static void a_commit_told_to_one_is_passed_on_by_that_one(void)
{
	for (uint8_t self = 0; self < 4; self++)
		for (uint8_t liar = 0; liar < 4; liar++)
			for (uint8_t asks = 0; asks < 4 && liar != self; asks++) {
				uint8_t other = (uint8_t)(6 - self - liar - asks);
				if (asks == self || asks == liar)
					continue;
				struct bed *b = bed_new(4, self);
				bed_tick(b, PBFT_STATUS_MS);
				bed_commit(b, other, 0, 1, bed_digest(1));
				bed_commit(b, asks, 0, 1, bed_digest(1));
				bed_commit(b, liar, 0, 1, bed_digest(1));
				bft_ref told = b->last_ref;
				uint32_t rounds = 0, passed = 0;
				for (; rounds < 4; rounds++) {
					struct pbft_status m = bed_status_of(0, 0, 0);
					m.count = 1;
					m.open[0].commits = BFT_BIT(asks) | BFT_BIT(other);
					bed_forget(b);
					bed_tick(b, PBFT_STATUS_MS);
					bed_say_as(b, asks, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
					passed += bed_forwards(b, told, liar, asks);
				}
				CU_ASSERT_EQUAL(passed, quorum_weak(4)); /* in f+1 of n rounds */
				bed_free(b);
			}
}

static void who_asks_too_often_is_answered_later(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	bed_make_prepared(b, 0, 1, bed_digest(1));
	bed_forget(b);
	struct pbft_status m = bed_status_of(0, 0, 0);
	m.count = 1;
	bed_say_as(b, 3, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	uint32_t once = bed_count(b, BFT_FX_FORWARD);
	for (int i = 0; i < 100; i++)
		bed_say_as(b, 3, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(once > 0 && bed_count(b, BFT_FX_FORWARD) == once);
	/* Another member's budget is its own. */
	bed_say_as(b, 2, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(bed_count(b, BFT_FX_FORWARD) > once);
	bed_tick(b, PBFT_STATUS_FAST_MS);
	bed_forget(b);
	bed_say_as(b, 3, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(bed_count(b, BFT_FX_FORWARD) == once);
	bed_free(b);
}

static void who_is_behind_gets_the_new_view(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	struct bed_changes *c = bed_changes_new(b, 2, 3);
	struct pbft_new_view *nv = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, nv);
	bft_ref new_view = b->last_ref;
	bed_status(b, 3, 0, 0, 0);
	CU_ASSERT(bed_forwards(b, new_view, 2, 3));
	bed_forget(b);
	bed_status(b, 0, 2, 0, 0); /* it is there */
	CU_ASSERT(!bed_forwards(b, new_view, 2, 0));
	struct pbft_status m = bed_status_of(2, 0, 0);
	m.flags = PBFT_STATUS_CHANGING; /* it asked for that view, and has not seen it begin */
	bed_tick(b, PBFT_STATUS_FAST_MS);
	bed_say_as(b, 0, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(bed_forwards(b, new_view, 2, 0));
	bed_changes_free(c);
	free(nv);
	bed_free(b);
}

static void who_lacks_my_view_change_gets_it(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	bed_leave(b, 0);
	bed_forget(b);
	struct pbft_status m = bed_status_of(1, 0, 0);
	m.flags = PBFT_STATUS_CHANGING;
	m.view_changes = BFT_BIT(1);
	bed_say_as(b, 3, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(!bed_last(b, BFT_FX_FORWARD));
	m.view_changes = 0;
	bed_say_as(b, 2, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT_FATAL(bed_last(b, BFT_FX_FORWARD) != NULL);
	CU_ASSERT(bed_last(b, BFT_FX_FORWARD)->from == 1 && bed_last(b, BFT_FX_FORWARD)->to == BFT_BIT(2));
	bed_forget(b);
	bed_status(b, 0, 0, 0, 0); /* still in view 0 */
	CU_ASSERT(bed_last(b, BFT_FX_FORWARD) != NULL && bed_last(b, BFT_FX_FORWARD)->to == BFT_BIT(0));
	bed_free(b);
}

static void who_lacks_my_checkpoint_gets_it(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_forget(b);
	struct pbft_status m = bed_status_of(0, 0, BED_K);
	m.checkpoints = BFT_BIT(1);
	bed_say_as(b, 2, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(!bed_last(b, BFT_FX_FORWARD));
	m.checkpoints = BFT_BIT(0) | BFT_BIT(2);
	bed_say_as(b, 3, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(bed_count(b, BFT_FX_FORWARD) == 1 && bed_last(b, BFT_FX_FORWARD)->from == 1);
	bed_free(b);
}

/* Whoever is stable has dropped the CHECKPOINTs below: the certificate is shown instead. */
static void who_is_below_my_stable_checkpoint_is_shown_it(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_make_stable(b, BED_K);
	bed_forget(b);
	bed_status(b, 2, 0, BED_K, BED_K); /* is there */
	CU_ASSERT(!bed_sent(b, PBFT_STABLE));
	bed_status(b, 3, 0, 0, BED_K);
	const struct bft_effect *shown = bed_sent(b, PBFT_STABLE);
	CU_ASSERT_FATAL(shown != NULL);
	const struct bft_checkpoint *m = shown->data;
	CU_ASSERT(shown->to == BFT_BIT(3) && m->seq == BED_K && bed_same(m->chain, b->chain[BED_K]));
	bed_free(b);
}

static void a_stable_checkpoint_that_is_shown_is_adopted(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_checkpoint m = { .seq = BED_K + 1, .chain = bed_digest(800) };
	CU_ASSERT(bed_say_as(b, 3, PBFT_STABLE, &m, BFT_AUTH_CHANNEL) == BFT_REJECT); /* no checkpoint is there */
	m.seq = 0;
	CU_ASSERT(bed_say_as(b, 3, PBFT_STABLE, &m, BFT_AUTH_CHANNEL) == BFT_REJECT);
	m.seq = 5 * BED_W;
	CU_ASSERT(bed_say_as(b, 3, PBFT_STABLE, &m, BFT_AUTH_CHANNEL) == BFT_ACCEPT);
	CU_ASSERT(bed_standing(b).low == 5 * BED_W && bed_standing(b).executed == 0);
	const struct bft_certificate_refs *c = bed_record(b, PBFT_REC_STABLE)->data;
	CU_ASSERT(c->seq == 5 * BED_W && bed_same(c->digest, bed_digest(800)) && c->whole == b->last_ref);
	CU_ASSERT(bed_say_as(b, 3, PBFT_STABLE, &m, BFT_AUTH_CHANNEL) == BFT_IGNORE);
	m.seq = BED_K;
	CU_ASSERT(bed_say_as(b, 3, PBFT_STABLE, &m, BFT_AUTH_CHANNEL) == BFT_IGNORE);
	/* Another one's is looked at once: from then on it may be asked for what comes before. */
	m.seq = 5 * BED_W;
	union pbft_body shown = { .checkpoint = m };
	CU_ASSERT_EQUAL(bft_pbft.screen(b->core, 2, PBFT_STABLE, &shown), BFT_ACCEPT);
	bed_say_as(b, 2, PBFT_STABLE, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT_EQUAL(bft_pbft.screen(b->core, 2, PBFT_STABLE, &shown), BFT_IGNORE);
	bed_free(b);
}

/* Found under load: execution stood at a snapshot, the others' checkpoints went on, and the place of a decided proposal was used again. Its body was let go while
 * execution was about to ask for it. */
static void what_was_handed_over_is_kept_until_it_is_executed(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_checkpoint m = { .seq = BED_W + BED_K, .chain = bed_digest(800) };
	b->execute = false;
	bed_decide(b, 0, 1, bed_digest(1));
	CU_ASSERT(bed_last(b, BFT_FX_EXECUTE) != NULL && bed_standing(b).executed == 0);
	bed_say_as(b, 3, PBFT_STABLE, &m, BFT_AUTH_CHANNEL);
	bed_forget(b);
	CU_ASSERT(bed_pre_prepare(b, 0, 1 + 2 * BED_W, bed_digest(33)) == BFT_ACCEPT); /* in the place of the first */
	for (uint32_t i = 0; i < b->seen_count; i++)
		CU_ASSERT_FALSE(b->seen[i].kind == BFT_FX_FORGET && bed_same(b->seen[i].digest, bed_digest(1)));
	bed_free(b);
}

/* It contradicts what I executed. */
static void a_stable_checkpoint_against_my_execution_halts(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	struct bft_checkpoint m = { .seq = BED_K, .chain = bed_digest(800) };
	bed_say_as(b, 3, PBFT_STABLE, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(bed_last(b, BFT_FX_HALT) != NULL);
	bed_free(b);
}

static void what_it_asks_for_is_bounded(void)
{
	struct bed *b = bed_new(4, 1);
	struct pbft_status m = bed_status_of(0, 0, 0);
	m.count = BED_W + 1;
	CU_ASSERT(bed_say_as(b, 3, PBFT_STATUS, &m, BFT_AUTH_CHANNEL) == BFT_REJECT);
	/* A window far from mine, at the end of all numbers: nothing to send, nothing wraps. */
	m.count = BED_W;
	m.low = BFT_SEQ_MAX;
	CU_ASSERT(bed_say_as(b, 3, PBFT_STATUS, &m, BFT_AUTH_CHANNEL) == BFT_ACCEPT);
	CU_ASSERT(!bed_last(b, BFT_FX_FORWARD));
	bed_free(b);
}

/* ---- catching up ---- */

/* What honest members decided up to K, as a CHAIN; the caller frees. */
static struct bft_chain *chain_to(const struct bed *b, bft_seq from, bft_seq end)
{
	struct bft_chain *c = &bed_body()->chain;
	struct digest chain = b->cluster;
	c->from = from;
	c->end = end;
	c->count = (uint16_t)(end - from + 1);
	for (bft_seq seq = 1; seq <= end; seq++) {
		struct digest d = bed_digest(seq);
		chain = bed_chain_after(&chain, seq, &d);
		if (seq < from)
			continue;
		c->entry[seq - from].proposal = d;
		c->entry[seq - from].results = bed_results(seq);
	}
	c->chain = chain;
	return c;
}

static void one_who_is_ahead_is_asked(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	bed_status(b, 2, 0, 0, 0);
	CU_ASSERT(!bed_sent(b, PBFT_FETCH_CHAIN));
	bed_status(b, 3, 0, BED_K, BED_K);
	const struct bft_effect *ask = bed_sent(b, PBFT_FETCH_CHAIN);
	CU_ASSERT_FATAL(ask != NULL);
	CU_ASSERT(ask->to == BFT_BIT(3) && ((const struct bft_fetch_chain *)ask->data)->from == 1);
	bed_free(b);
}

static void in_turn_until_one_answers(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, PBFT_STATUS_MS);
	bft_mask asked = 0;
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_status(b, i, 0, BED_K, BED_K);
	for (int i = 0; i < 6; i++) {
		bed_forget(b);
		bed_tick(b, PBFT_STATUS_MS);
		CU_ASSERT_FATAL(bed_sent(b, PBFT_FETCH_CHAIN) != NULL);
		asked |= bed_sent(b, PBFT_FETCH_CHAIN)->to;
	}
	CU_ASSERT(asked == (mask_all(4) & ~BFT_BIT(1)));
	bed_free(b);
}

static void a_proved_chain_is_fetched_and_executed(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_chain *c = chain_to(b, 1, BED_K);
	CU_ASSERT(bed_say_as(b, 3, PBFT_CHAIN, c, BFT_AUTH_CHANNEL) == BFT_ACCEPT);
	CU_ASSERT(bed_count(b, BFT_FX_FETCH) == BED_K && !bed_last(b, BFT_FX_EXECUTE));
	/* Its certificate is mine now, and the window moves with it. */
	CU_ASSERT(bed_standing(b).low == BED_K);
	CU_ASSERT(((const struct bft_certificate_refs *)bed_record(b, PBFT_REC_STABLE)->data)->whole == b->last_ref);
	for (bft_seq seq = BED_K; seq >= 1; seq--)
		bed_held(b, bed_digest(seq), 0, true);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		CU_ASSERT(bed_executes(b, seq, bed_digest(seq)));
	CU_ASSERT(bed_standing(b).executed == BED_K && !bed_last(b, BFT_FX_HALT));
	free(c);
	bed_free(b);
}

/* Every proposal and every result is under the chain digest that q members certified. */
static void a_chain_that_does_not_fold_is_refused(void)
{
	for (int wrong = 0; wrong < 4; wrong++) {
		struct bed *b = bed_new(4, 1);
		struct bft_chain *c = chain_to(b, 1, BED_K);
		if (wrong == 0)
			c->entry[1].proposal = bed_digest(66);
		else if (wrong == 1)
			c->entry[BED_K - 1].results = bed_digest(66);
		else if (wrong == 2)
			c->chain = bed_digest(66);
		else
			c->count--;
		CU_ASSERT(bed_say_as(b, 3, PBFT_CHAIN, c, BFT_AUTH_CHANNEL) == BFT_REJECT);
		CU_ASSERT(!bed_last(b, BFT_FX_FETCH) && bed_standing(b).low == 0);
		free(c);
		bed_free(b);
	}
}

static void a_chain_that_does_not_fit_is_refused(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_chain *c = chain_to(b, 2, BED_K); /* not from where I stand */
	CU_ASSERT(bed_say_as(b, 3, PBFT_CHAIN, c, BFT_AUTH_CHANNEL) == BFT_IGNORE);
	free(c);
	c = chain_to(b, 1, BED_K + 1); /* ends where no checkpoint is */
	CU_ASSERT(bed_say_as(b, 3, PBFT_CHAIN, c, BFT_AUTH_CHANNEL) == BFT_REJECT);
	free(c);
	c = chain_to(b, 1, 2 * BED_W); /* longer than the window */
	CU_ASSERT(bed_say_as(b, 3, PBFT_CHAIN, c, BFT_AUTH_CHANNEL) == BFT_REJECT);
	free(c);
	c = chain_to(b, 1, BED_K);
	CU_ASSERT(bed_say_as(b, 3, PBFT_CHAIN, c, BFT_AUTH_CHANNEL) == BFT_ACCEPT);
	CU_ASSERT(bed_say_as(b, 2, PBFT_CHAIN, c, BFT_AUTH_CHANNEL) == BFT_IGNORE); /* one at a time */
	free(c);
	bed_free(b);
}

/* The others' logs were cut after the digests were proved, and nobody has a body: the question is asked anew. */
static void a_chain_whose_bodies_do_not_come_is_given_up(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_chain *c = chain_to(b, 1, BED_K);
	bed_status(b, 3, 0, BED_K, BED_K);
	bed_say_as(b, 3, PBFT_CHAIN, c, BFT_AUTH_CHANNEL);
	bed_held(b, bed_digest(2), 0, true);
	bed_forget(b);
	bed_tick(b, PBFT_CATCH_MS - 1);
	CU_ASSERT(!bed_last(b, BFT_FX_FORGET) && !bed_sent(b, PBFT_FETCH_CHAIN));
	bed_tick(b, PBFT_STATUS_MS);
	/* The three that are missing are not wanted any more. */
	CU_ASSERT(bed_count(b, BFT_FX_FORGET) == BED_K - 1);
	CU_ASSERT(bed_sent(b, PBFT_FETCH_CHAIN) != NULL);
	CU_ASSERT(bed_say_as(b, 3, PBFT_CHAIN, c, BFT_AUTH_CHANNEL) == BFT_ACCEPT);
	free(c);
	bed_free(b);
}

static void one_voice_sends_nobody_to_transfer(void)
{
	for (uint32_t n = 4; n <= 7; n += 3) {
		struct bed *b = bed_new(n, 1);
		struct bft_chain *c = &bed_body()->chain;
		c->from = 1;
		c->end = 100 * BED_K;
		for (uint32_t i = 0; i + 1 < b->weak; i++) {
			bed_say_as(b, bed_other(b, i, BED_ALL), PBFT_CHAIN, c, BFT_AUTH_CHANNEL);
			bed_say_as(b, bed_other(b, i, BED_ALL), PBFT_CHAIN, c, BFT_AUTH_CHANNEL); /* nor the same one twice */
		}
		CU_ASSERT(!bed_last(b, BFT_FX_TRANSFER));
		bed_say_as(b, bed_other(b, b->weak - 1, BED_ALL), PBFT_CHAIN, c, BFT_AUTH_CHANNEL);
		CU_ASSERT(bed_last(b, BFT_FX_TRANSFER) != NULL);
		/* One more voice is again one voice. */
		bed_forget(b);
		bed_say_as(b, bed_other(b, 0, BED_ALL), PBFT_CHAIN, c, BFT_AUTH_CHANNEL);
		CU_ASSERT(!bed_last(b, BFT_FX_TRANSFER));
		free(c);
		bed_free(b);
	}
}

static void what_is_installed_is_where_i_stand(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_event e = { .kind = BFT_EV_INSTALLED, .seq = 10 * BED_K, .digest = bed_digest(800), .ref = 77 };
	bed_step(b, &e);
	CU_ASSERT(bed_standing(b).executed == 10 * BED_K && bed_standing(b).low == 10 * BED_K);
	CU_ASSERT(((const struct bft_certificate_refs *)bed_record(b, PBFT_REC_STABLE)->data)->whole == 77);
	/* An older one changes nothing. */
	e.seq = 5 * BED_K;
	bed_step(b, &e);
	CU_ASSERT(bed_standing(b).executed == 10 * BED_K);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 10 * BED_K + 1, d);
	bed_held(b, d, 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 10 * BED_K + 1) != NULL);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "it is said when a link comes up", it_is_said_when_a_link_comes_up },
		{ "it is said twice a second when idle", it_is_said_twice_a_second_when_idle },
		{ "it is said sooner while something is open", it_is_said_sooner_while_something_is_open },
		{ "it says what is held", it_says_what_is_held },
		{ "a standing SUSPECT is in it", a_standing_suspect_is_in_it },
		{ "own votes that they lack are sent verbatim", own_votes_that_they_lack_are_sent_verbatim },
		{ "what they have is not sent", what_they_have_is_not_sent },
		{ "a COMMIT told to one is passed on by that one", a_commit_told_to_one_is_passed_on_by_that_one },
		{ "the leader's leaf is passed on by f+1", the_leaders_leaf_is_passed_on_by_a_weak_quorum },
		{ "who asks too often is answered later", who_asks_too_often_is_answered_later },
		{ "who is behind gets the NEW-VIEW", who_is_behind_gets_the_new_view },
		{ "who lacks my VIEW-CHANGE gets it", who_lacks_my_view_change_gets_it },
		{ "who lacks my CHECKPOINT gets it", who_lacks_my_checkpoint_gets_it },
		{ "who is below my stable checkpoint is shown it", who_is_below_my_stable_checkpoint_is_shown_it },
		{ "a stable checkpoint that is shown is adopted", a_stable_checkpoint_that_is_shown_is_adopted },
		{ "what was handed over is kept until it is executed", what_was_handed_over_is_kept_until_it_is_executed },
		{ "a stable checkpoint against my execution halts", a_stable_checkpoint_against_my_execution_halts },
		{ "what it asks for is bounded", what_it_asks_for_is_bounded },
		{ "catching up: one who is ahead is asked", one_who_is_ahead_is_asked },
		{ "catching up: in turn until one answers", in_turn_until_one_answers },
		{ "catching up: a proved chain is fetched and executed", a_proved_chain_is_fetched_and_executed },
		{ "catching up: a chain that does not fold is refused", a_chain_that_does_not_fold_is_refused },
		{ "catching up: a chain that does not fit is refused", a_chain_that_does_not_fit_is_refused },
		{ "catching up: a chain whose bodies do not come is given up", a_chain_whose_bodies_do_not_come_is_given_up },
		{ "catching up: one voice sends nobody to transfer", one_voice_sends_nobody_to_transfer },
		{ "what is installed is where I stand", what_is_installed_is_where_i_stand },
		{ 0 },
	};
	return unit_main("status", cases);
}
