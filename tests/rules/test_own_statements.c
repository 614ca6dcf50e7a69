/* What I said before, and what is said of others: never twice, never otherwise. Each case was a mistake of this core before it was a rule. */
#include "tests/rules/core_bed.h"

/* A peer shows me an older VIEW-CHANGE of mine at the RECALL: the newest is said again all the same. */
static void the_newest_view_change_is_said_again(void)
{
	struct bed *b = bed_new(4, 1);
	bed_leave(b, 0); /* view 1 */
	bed_leave(b, 1); /* view 2 */
	struct pbft_view_change *old = bed_copy(bed_sent(b, PBFT_VIEW_CHANGE)->data, sizeof *old);
	CU_ASSERT(old->view == 2);
	bed_leave(b, 2); /* view 3 */
	CU_ASSERT(bed_standing(b).view == 3);
	bed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT(bed_standing(b).view == 3 && bed_standing(b).changing);
	bed_say(b, 1, PBFT_VIEW_CHANGE, old); /* forwarded by 2, who has not seen that of view 3 */
	bed_forget(b);
	bed_join(b);
	const struct bft_effect *e = bed_sent(b, PBFT_VIEW_CHANGE);
	CU_ASSERT_FATAL(e != NULL);
	CU_ASSERT(((const struct pbft_view_change *)e->data)->view == 3);
	/* and STATUS of a peer that lacks it */
	bed_forget(b);
	bed_tick(b, 500);
	struct pbft_status m = bed_status_of(3, 0, 0);
	m.flags = PBFT_STATUS_CHANGING;
	bed_say_as(b, 3, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
	CU_ASSERT(bed_last(b, BFT_FX_FORWARD) != NULL);
	free(old);
	bed_free(b);
}

static void a_snapshot_that_my_log_lacks_ends_my_voting(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_new_with(&limits, 1);
	bed_start(b, BFT_RECOVERY_WHOLE);
	struct bft_snapshot s = { .seq = 4, .chain = bed_digest(1), .root = bed_digest(2) };
	bed_say(b, 1, PBFT_SNAPSHOT, &s);
	CU_ASSERT(bed_standing(b).observer);
	bed_free(b);
}

static void a_false_leaf_convicts_once(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 2, 3);
	bed_changes_prepared(c, 3, 1, 0, bed_digest(1));
	struct pbft_new_view *nv = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, nv);
	bed_pre_prepare(b, 2, 1, bed_digest(66));
	for (int i = 0; i < 10; i++)
		bed_tick(b, 500);
	bed_prepare(b, 3, 2, 1, bed_digest(1));
	CU_ASSERT(bed_count(b, BFT_FX_BLAME) == 1);
	bed_changes_free(c);
	free(nv);
	bed_free(b);
}

static struct bft_chain *chain_of_four(struct bed *b)
{
	struct bft_chain *c = &bed_body()->chain;
	struct digest chain = b->cluster;
	c->from = 1;
	c->count = 4;
	c->end = 4;
	for (uint16_t i = 0; i < 4; i++) {
		struct digest d = bed_digest(i + 1u);
		chain = bed_chain_after(&chain, (bft_seq)i + 1, &d);
		c->entry[i].proposal = d;
		c->entry[i].results = bed_results((bft_seq)i + 1);
	}
	c->chain = chain;
	return c;
}

static void a_chain_that_does_not_fold_is_blamed_once(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_chain *c = chain_of_four(b);
	c->entry[2].results = bed_digest(99);
	bed_say_as(b, 3, PBFT_CHAIN, c, BFT_AUTH_CHANNEL);
	CU_ASSERT(bed_count(b, BFT_FX_BLAME) == 1);
	free(c);
	bed_free(b);
}

static void an_installed_state_ends_the_fetches(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_chain *c = chain_of_four(b);
	bed_say_as(b, 3, PBFT_CHAIN, c, BFT_AUTH_CHANNEL);
	struct bft_event e = { .kind = BFT_EV_INSTALLED, .seq = 40, .digest = bed_digest(800), .ref = 77 };
	bed_step(b, &e);
	CU_ASSERT(bed_count(b, BFT_FX_FORGET) == 4);
	free(c);
	bed_free(b);
}

static struct bed *snapshot_made_again(uint64_t root)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= 4; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	struct bft_event e = { .kind = BFT_EV_SNAPSHOT, .seq = 4, .digest = b->chain[4], .root = bed_digest(70) };
	bed_step(b, &e);
	bed_restart(b, 4, BFT_RECOVERY_WHOLE);
	e.root = bed_digest(root);
	bed_step(b, &e);
	bed_join(b);
	return b;
}

static void a_snapshot_is_signed_once(void)
{
	struct bed *b = snapshot_made_again(70);
	CU_ASSERT(bed_record(b, PBFT_REC_SNAPSHOT) == NULL);
	bed_free(b);
}

static void a_snapshot_that_differs_halts(void)
{
	struct bed *b = snapshot_made_again(71);
	CU_ASSERT(bed_record(b, PBFT_REC_SNAPSHOT) == NULL);
	CU_ASSERT(bed_count(b, BFT_FX_HALT) == 1);
	CU_ASSERT(bed_blame(b, 1, BFT_CONVICT, PBFT_WHY_TWO_SNAPSHOTS) == NULL);
	bed_free(b);
}

static void executing_again_with_another_result_halts(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= 4; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_restart(b, 3, BFT_RECOVERY_WHOLE);
	bed_join(b);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_commit(b, i, 0, 4, bed_digest(44));
	bed_held(b, bed_digest(44), 0, true);
	CU_ASSERT(bed_count(b, BFT_FX_HALT) == 1);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "the newest VIEW-CHANGE is said again", the_newest_view_change_is_said_again },
		{ "a SNAPSHOT that my log lacks ends my voting", a_snapshot_that_my_log_lacks_ends_my_voting },
		{ "a SNAPSHOT is signed once", a_snapshot_is_signed_once },
		{ "a SNAPSHOT that differs halts", a_snapshot_that_differs_halts },
		{ "executing again with another result halts", executing_again_with_another_result_halts },
		{ "a false leaf convicts once", a_false_leaf_convicts_once },
		{ "a chain that does not fold is blamed once", a_chain_that_does_not_fold_is_blamed_once },
		{ "an installed state ends the fetches", an_installed_state_ends_the_fetches },
		{ 0 },
	};
	return unit_main("own statements", cases);
}
