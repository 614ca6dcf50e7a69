/* SUSPECT and VIEW-CHANGE: when a view is left, what the VIEW-CHANGE carries, what binds after it. docs/protocol.md, "View change". */
#include "tests/rules/core_bed.h"

static const struct pbft_view_change *own_change(const struct bed *b)
{
	const struct bft_effect *e = bed_sent(b, PBFT_VIEW_CHANGE);
	return e ? e->data : NULL;
}

static void change_to(struct bed *b, uint8_t from, bft_view view)
{
	CU_ASSERT(bed_view_change(b, from, view) == BFT_ACCEPT);
}

/* ---- when ---- */

static void a_weak_quorum_of_suspects_starts_it(void)
{
	for (uint32_t n = 4; n <= 13; n++) {
		struct bed *b = bed_new(n, 1);
		for (uint32_t i = 0; i + 1 < b->weak; i++)
			bed_suspect(b, bed_other(b, i, 0), 0, true);
		CU_ASSERT(!own_change(b) && bed_standing(b).view == 0);
		bed_suspect(b, bed_other(b, b->weak - 1, 0), 0, true);
		CU_ASSERT_FATAL(own_change(b) != NULL);
		CU_ASSERT(own_change(b)->view == 1 && bed_standing(b).view == 1 && bed_standing(b).changing);
		bed_free(b);
	}
}

static void my_own_suspect_is_one_of_them(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_event admin = { .kind = BFT_EV_ADMIN };
	bed_step(b, &admin);
	CU_ASSERT(bed_sent(b, PBFT_SUSPECT) != NULL && !own_change(b));
	bed_suspect(b, 2, 0, true);
	CU_ASSERT(own_change(b) != NULL);
	bed_free(b);
}

static void repeated_withdrawn_and_older_suspects_do_not(void)
{
	struct bed *b = bed_new(7, 1);
	for (int i = 0; i < 5; i++)
		bed_suspect(b, 2, 0, true);
	bed_suspect(b, 3, 0, true);
	bed_suspect(b, 3, 0, false);
	bed_suspect(b, 4, 0, true);
	CU_ASSERT(!own_change(b));
	bed_suspect(b, 3, 0, true);
	CU_ASSERT(own_change(b) != NULL && own_change(b)->view == 1);
	/* In view 1 the SUSPECTs of view 0 are worth nothing. */
	bed_forget(b);
	bed_suspect(b, 5, 0, true);
	bed_suspect(b, 6, 0, true);
	bed_suspect(b, 0, 0, true);
	CU_ASSERT(!own_change(b) && bed_standing(b).view == 1);
	bed_free(b);
}

/* Nobody else can say it for a leader that restarted; of anybody else one voice is one voice. */
static void a_leader_that_resigns_is_believed(void)
{
	struct bed *b = bed_new(7, 1);
	bed_suspect(b, 2, 0, true);
	CU_ASSERT(!own_change(b));
	bed_suspect(b, 0, 0, true);
	CU_ASSERT(own_change(b) != NULL && own_change(b)->view == 1);
	/* The next view's leader, before there is that view, is not its leader yet. */
	struct bed *c = bed_new(7, 2);
	bed_suspect(c, 1, 1, true);
	CU_ASSERT(!own_change(c));
	bed_free(b);
	bed_free(c);
}

/* Else one replica gone ahead and one dead leave the rest a SUSPECT short for ever: n = 4, 3 has gone to view 5, 0 is dead, 2 suspects. */
static void a_view_change_counts_as_a_suspect_of_lower_views(void)
{
	struct bed *b = bed_new(4, 1);
	change_to(b, 3, 5);
	CU_ASSERT(!own_change(b));
	bed_suspect(b, 2, 0, true);
	CU_ASSERT_FATAL(own_change(b) != NULL);
	CU_ASSERT(own_change(b)->view == 1);
	bed_free(b);
}

static void being_in_a_higher_view_counts_too(void)
{
	struct bed *b = bed_new(4, 1);
	bed_status(b, 3, 5, 0, 0);
	CU_ASSERT(!own_change(b));
	bed_suspect(b, 2, 0, true);
	CU_ASSERT(own_change(b) != NULL && own_change(b)->view == 1);
	bed_free(b);
}

/* The (f+1)-th highest: at least one correct member is there. Not the highest, that a liar names; not the lowest, that is already lost. */
static void it_joins_the_weak_th_highest_view(void)
{
	struct bed *b = bed_new(7, 1);
	change_to(b, 6, 9);
	change_to(b, 5, 7);
	CU_ASSERT(!own_change(b));
	change_to(b, 4, 5);
	CU_ASSERT_FATAL(own_change(b) != NULL);
	CU_ASSERT(own_change(b)->view == 5);
	bed_forget(b);
	change_to(b, 3, 8); /* 9, 8, 7 */
	CU_ASSERT(own_change(b) != NULL && own_change(b)->view == 7);
	bed_free(b);
}

/* However far ahead they are: one VIEW-CHANGE, to where they are. That they count as a SUSPECT of each view on the way would bring it there too, by a VIEW-CHANGE and a
 * flush for each of them, and one at a time as messages come. */
static void it_joins_in_one_step(void)
{
	struct bed *b = bed_new(4, 1);
	bft_lsn before = bed_lsn(b);
	bed_status(b, 2, 100000, 0, 0);
	bed_status(b, 3, 100000, 0, 0);
	CU_ASSERT(own_change(b) != NULL && own_change(b)->view == 100000);
	CU_ASSERT(bed_sent_count(b, PBFT_VIEW_CHANGE) == 1 && bed_lsn(b) <= before + 2);
	bed_free(b);
}

static void a_liars_view_moves_nobody(void)
{
	struct bed *b = bed_new(7, 1); /* f = 2 liars */
	change_to(b, 5, BFT_VIEW_MAX);
	change_to(b, 6, BFT_VIEW_MAX);
	bed_status(b, 5, BFT_VIEW_MAX, 0, 0);
	bed_suspect(b, 6, BFT_VIEW_MAX, true);
	CU_ASSERT(!own_change(b) && bed_standing(b).view == 0);
	/* With a third one, the highest view that a correct member is at. */
	bed_suspect(b, 2, 0, true);
	CU_ASSERT(own_change(b) != NULL && own_change(b)->view == 1);
	bed_free(b);
}

/* Beyond the largest view nothing is representable on the wire: it stays where it is. */
static void views_do_not_overflow(void)
{
	struct bed *b = bed_new(4, 1);
	change_to(b, 2, BFT_VIEW_MAX);
	change_to(b, 3, BFT_VIEW_MAX);
	CU_ASSERT(bed_standing(b).view == BFT_VIEW_MAX);
	bed_suspect(b, 2, BFT_VIEW_MAX, true);
	bed_suspect(b, 3, BFT_VIEW_MAX, true);
	CU_ASSERT(bed_standing(b).view == BFT_VIEW_MAX);
	bed_free(b);
}

/* ---- what it carries ---- */

static void it_is_durable_before_it_is_sent(void)
{
	struct bed *b = bed_new(4, 1);
	b->durable = false;
	bed_leave(b, 0);
	const struct bft_effect *record = bed_record(b, PBFT_REC_VIEW_CHANGE), *said = bed_sent(b, PBFT_VIEW_CHANGE);
	CU_ASSERT_FATAL(record && said);
	CU_ASSERT(said->lsn == record->lsn && said->to == mask_all(4));
	CU_ASSERT(said->data_bytes == record->data_bytes && memcmp(said->data, record->data, said->data_bytes) == 0);
	bed_free(b);
}

static void it_carries_the_stable_checkpoint_and_what_is_prepared_above(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= BED_K + 2; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_make_stable(b, BED_K);
	bed_pre_prepare(b, 0, BED_K + 3, bed_digest(BED_K + 3)); /* only pre-prepared */
	bed_held(b, bed_digest(BED_K + 3), 0, true);
	bed_make_prepared(b, 0, BED_K + 5, bed_digest(BED_K + 5));
	bed_leave(b, 0);
	const struct pbft_view_change *m = own_change(b);
	CU_ASSERT_FATAL(m != NULL);
	CU_ASSERT(m->view == 1 && m->stable == BED_K && bed_same(m->chain, b->chain[BED_K]));
	CU_ASSERT_FATAL(m->count == 3);
	const bft_seq seqs[] = { BED_K + 1, BED_K + 2, BED_K + 5 };
	for (uint16_t i = 0; i < 3; i++)
		CU_ASSERT(m->prepared[i].seq == seqs[i] && m->prepared[i].view == 0 && bed_same(m->prepared[i].digest, bed_digest(seqs[i])));
	bed_free(b);
}

/* Decided, not only released: the COMMIT still waits for its flush, and will be seen after the VIEW-CHANGE. */
static void it_carries_what_is_decided_and_not_yet_durable(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1);
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);
	b->durable = false;
	bed_prepare(b, 2, 0, 1, d);
	const struct bft_effect *commit = bed_leaf(b, BFT_LEAF_COMMIT, 1);
	CU_ASSERT_FATAL(commit && commit->lsn > b->durable_lsn);
	bed_leave(b, 0);
	CU_ASSERT_FATAL(own_change(b) != NULL);
	CU_ASSERT(own_change(b)->count == 1 && own_change(b)->prepared[0].seq == 1 && bed_same(own_change(b)->prepared[0].digest, d));
	CU_ASSERT(bed_sent(b, PBFT_VIEW_CHANGE)->lsn > bed_leaf(b, BFT_LEAF_COMMIT, 1)->lsn);
	bed_free(b);
}

/* One certificate a sequence: that of the highest view in which I committed. */
static void it_carries_the_highest_views_certificate(void)
{
	struct bed *b = bed_new(4, 1);
	bed_make_prepared(b, 0, 1, bed_digest(1));
	struct bed_changes *c = bed_changes_new(b, 2, b->q);
	struct pbft_new_view *nv = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, nv);
	bed_make_prepared(b, 2, 1, bed_digest(5));
	bed_forget(b);
	bed_leave(b, 2);
	CU_ASSERT_FATAL(own_change(b) && own_change(b)->count == 1);
	CU_ASSERT(own_change(b)->view == 3 && own_change(b)->prepared[0].view == 2 && bed_same(own_change(b)->prepared[0].digest, bed_digest(5)));
	bed_changes_free(c);
	free(nv);
	bed_free(b);
}

/* ---- after it ---- */

static void nothing_of_the_old_view_is_voted_any_more(void)
{
	struct bed *b = bed_new(4, 1);
	struct digest d = bed_digest(1), e = bed_digest(2);
	bed_pre_prepare(b, 0, 1, d);
	bed_held(b, d, 0, true);     /* one vote from COMMIT */
	bed_pre_prepare(b, 0, 2, e); /* one body from PREPARE */
	bed_leave(b, 0);
	bed_forget(b);
	CU_ASSERT(bed_prepare(b, 2, 0, 1, d) == BFT_IGNORE);
	CU_ASSERT(bed_prepare(b, 3, 0, 1, d) == BFT_IGNORE);
	bed_held(b, e, 0, true);
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(!bed_sent(b, PBFT_VOTES));
	bed_free(b);
}

static void it_says_one_for_each_view(void)
{
	struct bed *b = bed_new(4, 1);
	bed_leave(b, 0);
	bed_leave(b, 0);
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(bed_sent_count(b, PBFT_VIEW_CHANGE) == 1);
	bed_free(b);
}

/* ---- what others' are worth ---- */

static void one_is_kept_for_each_member_the_highest(void)
{
	struct bed *b = bed_new(7, 1);
	change_to(b, 2, 3);
	bft_ref first = b->last_ref;
	CU_ASSERT(bed_view_change(b, 2, 2) == BFT_IGNORE);
	change_to(b, 2, 4);
	CU_ASSERT_FATAL(bed_last(b, BFT_FX_RELEASE) != NULL);
	CU_ASSERT(bed_last(b, BFT_FX_RELEASE)->ref == first);
	CU_ASSERT(bed_view_change(b, 2, 4) == BFT_IGNORE);
	CU_ASSERT(!bed_last(b, BFT_FX_BLAME));
	bed_free(b);
}

static void two_for_one_view_convict(void)
{
	struct bed *b = bed_new(7, 1);
	struct pbft_view_change *m = &bed_body()->view_change;
	m->view = 3;
	m->chain = b->cluster;
	bed_say(b, 2, PBFT_VIEW_CHANGE, m);
	bft_ref first = b->last_ref;
	m->count = 1;
	m->prepared[0] = (struct pbft_prepared){ .seq = 1, .view = 0, .digest = bed_digest(1) };
	CU_ASSERT(bed_say(b, 2, PBFT_VIEW_CHANGE, m) == BFT_CONVICT);
	const struct bft_effect *blame = bed_blame(b, 2, BFT_CONVICT, PBFT_WHY_TWO_VIEW_CHANGES);
	CU_ASSERT_FATAL(blame != NULL);
	CU_ASSERT(blame->ref == b->last_ref && blame->other == first);
	/* The first one stays. */
	m->count = 0;
	CU_ASSERT(bed_say(b, 2, PBFT_VIEW_CHANGE, m) == BFT_IGNORE);
	free(m);
	bed_free(b);
}

/* `commit_first`: which of the two comes first. Whether member 2 is blamed for hiding its COMMIT of (view 1, sequence 3). */
static bool hides(bool commit_first, uint16_t count, bft_view view, uint64_t digest, bft_seq stable)
{
	struct bed *b = bed_new(7, 1);
	struct pbft_view_change *m = &bed_body()->view_change;
	m->view = 3;
	m->stable = stable;
	m->chain = stable ? bed_digest(9) : b->cluster;
	m->count = count;
	m->prepared[0] = (struct pbft_prepared){ .seq = 3, .view = view, .digest = bed_digest(digest) };
	bft_ref commit = 0, change = 0;
	for (int i = 0; i < 2; i++) {
		if ((i == 0) == commit_first) {
			bed_commit(b, 2, 1, 3, bed_digest(5));
			commit = b->last_ref;
		} else {
			bed_say(b, 2, PBFT_VIEW_CHANGE, m);
			change = b->last_ref;
		}
	}
	const struct bft_effect *blame = bed_blame(b, 2, BFT_CONVICT, PBFT_WHY_HIDDEN_COMMIT);
	if (blame)
		CU_ASSERT(blame->ref == commit && blame->other == change);
	bool found = blame != NULL;
	free(m);
	bed_free(b);
	return found;
}

static void a_commit_that_it_hides_convicts(void)
{
	for (int first = 0; first < 2; first++) {
		CU_ASSERT(hides(first, 0, 0, 0, 0));      /* nothing is shown       */
		CU_ASSERT(hides(first, 1, 0, 5, 0));      /* of a lower view        */
		CU_ASSERT(hides(first, 1, 1, 6, 0));      /* another digest         */
		CU_ASSERT(!hides(first, 1, 1, 5, 0));     /* the very one           */
		CU_ASSERT(!hides(first, 1, 2, 6, 0));     /* of a higher view       */
		CU_ASSERT(!hides(first, 0, 0, 0, BED_K)); /* it is stable: no need  */
	}
	/* It counts all the same, and so does the COMMIT: the fifth for one digest decides, among them one that its sender hid. */
	struct bed *b = bed_new(7, 1);
	bed_view_change(b, 2, 3);
	for (uint8_t i = 2; i < 7; i++)
		bed_commit(b, i, 0, 1, b->null);
	CU_ASSERT(bed_blame(b, 2, BFT_CONVICT, PBFT_WHY_HIDDEN_COMMIT) && bed_executes(b, 1, b->null));
	bed_free(b);
	/* What it commits to in the view of its VIEW-CHANGE, or above, it need not have shown. */
	b = bed_new(7, 1);
	bed_view_change(b, 2, 3);
	bed_commit(b, 2, 3, 3, bed_digest(5));
	bed_commit(b, 2, 4, 2, bed_digest(5));
	CU_ASSERT(!bed_last(b, BFT_FX_BLAME));
	bed_free(b);
}

static void malformed_ones_are_rejected(void)
{
	struct bed *b = bed_new(7, 1);
	struct pbft_view_change *m = &bed_body()->view_change;
	m->view = 3;
	CU_ASSERT(bed_say_as(b, 2, PBFT_VIEW_CHANGE, m, BFT_AUTH_CHANNEL) == BFT_REJECT);
	m->stable = BED_K + 1; /* no checkpoint is there */
	CU_ASSERT(bed_say(b, 2, PBFT_VIEW_CHANGE, m) == BFT_REJECT);
	m->stable = BED_K;
	m->count = 1;
	m->prepared[0] = (struct pbft_prepared){ .seq = BED_K + BED_W + 1, .view = 0, .digest = bed_digest(1) }; /* above its window */
	CU_ASSERT(bed_say(b, 2, PBFT_VIEW_CHANGE, m) == BFT_REJECT);
	m->prepared[0].seq = BFT_SEQ_MAX;
	CU_ASSERT(bed_say(b, 2, PBFT_VIEW_CHANGE, m) == BFT_REJECT);
	m->prepared[0].seq = BED_K + BED_W;
	CU_ASSERT(bed_say_in(b, 2, PBFT_VIEW_CHANGE, m, BFT_AUTH_SIGNED, 2) == BFT_IGNORE);
	CU_ASSERT(bed_say(b, 2, PBFT_VIEW_CHANGE, m) == BFT_ACCEPT);
	free(m);
	bed_free(b);
}

/* ---- the timer ---- */

/* It runs once q members are at that view or above. Below that, the view cannot begin, and leaving it would spread them further. */
static void the_timer_waits_for_a_quorum(void)
{
	struct bed *b = bed_new(4, 1);
	change_to(b, 2, 2);
	change_to(b, 3, 2); /* joined: three are at view 2 */
	CU_ASSERT_FATAL(bed_standing(b).view == 2 && bed_standing(b).changing);
	bed_tick(b, BED_TIMEOUT_MS / 2 - 1);
	CU_ASSERT(!bed_standing(b).suspecting);
	bed_tick(b, 1);
	CU_ASSERT(bed_standing(b).suspecting);
	bed_free(b);

	b = bed_new(7, 1);
	change_to(b, 2, 2);
	change_to(b, 3, 2);
	change_to(b, 4, 2); /* four of seven: q is five */
	CU_ASSERT_FATAL(bed_standing(b).view == 2 && bed_standing(b).changing);
	bed_tick(b, 100 * BED_TIMEOUT_MS);
	CU_ASSERT(!bed_standing(b).suspecting);
	bed_free(b);
}

/* Spread over three views they would otherwise wait for each other for ever: n = 7, 0 is dead. */
static void members_above_count_for_it(void)
{
	struct bed *b = bed_new(7, 1);
	change_to(b, 2, 2);
	change_to(b, 3, 2);
	change_to(b, 4, 2);
	change_to(b, 5, 4);
	CU_ASSERT_FATAL(bed_standing(b).view == 2);
	bed_tick(b, BED_TIMEOUT_MS / 2);
	CU_ASSERT(bed_standing(b).suspecting);
	bed_free(b);
}

/* Each begins a view that has no NEW-VIEW; the wait doubles up to the cap of the other timeout. */
static void a_new_view_gets_half_a_timeout(void)
{
	struct bed *b = bed_new(4, 1);
	uint64_t wait = BED_TIMEOUT_MS / 2, cap = (uint64_t)BED_TIMEOUT_MS << PBFT_BACKOFF_MAX;
	for (bft_view view = 2; view < 16; view++, wait = wait < cap ? 2 * wait : cap) {
		if (view % 4 == 1)
			continue; /* the core leads those, and passes through them */
		change_to(b, 2, view);
		change_to(b, 3, view);
		CU_ASSERT_FATAL(bed_standing(b).view == view && bed_standing(b).changing);
		bed_tick(b, wait - 1);
		CU_ASSERT(!bed_standing(b).suspecting);
		bed_tick(b, 1);
		CU_ASSERT(bed_standing(b).suspecting);
	}
	CU_ASSERT(wait == cap);
	bed_free(b);
}

/* ---- serving ---- */

static void it_serves_the_one_that_is_asked_for(void)
{
	struct bed *b = bed_new(7, 1);
	struct pbft_view_change *m = &bed_body()->view_change;
	m->view = 3;
	m->chain = b->cluster;
	bed_say(b, 2, PBFT_VIEW_CHANGE, m);
	bft_ref kept = b->last_ref;
	struct pbft_fetch_view_change ask;
	bed_digest_of(&ask.digest, PBFT_VIEW_CHANGE, m);
	CU_ASSERT(bed_say_as(b, 5, PBFT_FETCH_VIEW_CHANGE, &ask, BFT_AUTH_CHANNEL) == BFT_ACCEPT);
	CU_ASSERT(bed_forwards(b, kept, 2, 5));
	ask.digest = bed_digest(1);
	CU_ASSERT(bed_say_as(b, 5, PBFT_FETCH_VIEW_CHANGE, &ask, BFT_AUTH_CHANNEL) == BFT_IGNORE);
	free(m);
	bed_free(b);
}

/* When nothing was prepared anywhere, all say the same to the byte. Serving the first that matches would give the asker its own, for ever. */
static void it_serves_all_that_are_alike(void)
{
	struct bed *b = bed_new(4, 1);
	struct pbft_view_change *m = &bed_body()->view_change;
	bft_ref kept[4] = { 0 };
	m->view = 1;
	m->chain = b->cluster;
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1) {
			bed_say(b, i, PBFT_VIEW_CHANGE, m);
			kept[i] = b->last_ref;
		}
	struct pbft_fetch_view_change ask;
	bed_digest_of(&ask.digest, PBFT_VIEW_CHANGE, m);
	bed_forget(b);
	CU_ASSERT(bed_say_as(b, 0, PBFT_FETCH_VIEW_CHANGE, &ask, BFT_AUTH_CHANNEL) == BFT_ACCEPT);
	CU_ASSERT(bed_forwards(b, kept[2], 2, 0));
	CU_ASSERT(bed_forwards(b, kept[3], 3, 0));
	CU_ASSERT(!bed_forwards(b, kept[0], 0, 0));
	free(m);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "f+1 SUSPECTs start it", a_weak_quorum_of_suspects_starts_it },
		{ "my own SUSPECT is one of them", my_own_suspect_is_one_of_them },
		{ "repeated, withdrawn and older SUSPECTs do not", repeated_withdrawn_and_older_suspects_do_not },
		{ "a leader that resigns is believed", a_leader_that_resigns_is_believed },
		{ "a VIEW-CHANGE counts as a SUSPECT of lower views", a_view_change_counts_as_a_suspect_of_lower_views },
		{ "being in a higher view counts too", being_in_a_higher_view_counts_too },
		{ "it joins the (f+1)-th highest view", it_joins_the_weak_th_highest_view },
		{ "it joins in one step", it_joins_in_one_step },
		{ "a liar's view moves nobody", a_liars_view_moves_nobody },
		{ "views do not overflow", views_do_not_overflow },
		{ "it is durable before it is sent", it_is_durable_before_it_is_sent },
		{ "it carries the stable checkpoint and what is prepared above", it_carries_the_stable_checkpoint_and_what_is_prepared_above },
		{ "it carries what is decided and not yet durable", it_carries_what_is_decided_and_not_yet_durable },
		{ "it carries the highest view's certificate", it_carries_the_highest_views_certificate },
		{ "nothing of the old view is voted any more", nothing_of_the_old_view_is_voted_any_more },
		{ "it says one for each view", it_says_one_for_each_view },
		{ "one is kept for each member, the highest", one_is_kept_for_each_member_the_highest },
		{ "two for one view convict", two_for_one_view_convict },
		{ "a COMMIT that it hides convicts", a_commit_that_it_hides_convicts },
		{ "malformed ones are rejected", malformed_ones_are_rejected },
		{ "the timer waits for a quorum", the_timer_waits_for_a_quorum },
		{ "members above count for it", members_above_count_for_it },
		{ "a NEW-VIEW gets half a timeout, doubled with each view", a_new_view_gets_half_a_timeout },
		{ "it serves the one that is asked for", it_serves_the_one_that_is_asked_for },
		{ "it serves all that are alike", it_serves_all_that_are_alike },
		{ 0 },
	};
	return unit_main("view_change", cases);
}
