/* Held requests, what the leader makes of them, batching and filling. docs/protocol.md, "Window and batching". */
#include "tests/rules/core_bed.h"

static uint16_t bundles_in(const struct bft_effect *body)
{
	struct bft_proposal p;
	CU_ASSERT_FATAL(body && proposal_decode(&p, body->data, body->data_bytes, BFT_PROPOSAL_BUNDLES_MAX) == body->data_bytes);
	return p.count;
}

static void ends(struct bed *b, uint64_t session, uint64_t number)
{
	b->ends[b->ends_count++] = (struct bft_request_id){ .session = session, .number = number };
}

/* ---- held ---- */

static void a_backup_hands_it_to_the_leader(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(5));
	const struct bft_effect *e = bed_last(b, BFT_FX_REQUEST);
	CU_ASSERT_FATAL(e != NULL);
	CU_ASSERT(bed_same(e->digest, bed_digest(5)) && e->to == BFT_BIT(0));
	bed_free(b);
}

static void a_number_is_held_once(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(5));
	bed_request(b, 1, 1, bed_digest(5));
	/* A client that signs two bundles with one number: the first is the one. */
	bed_request(b, 1, 1, bed_digest(6));
	CU_ASSERT(bed_count(b, BFT_FX_REQUEST) == 1 && !bed_last(b, BFT_FX_DROP));
	/* Another session's number is another request. */
	bed_request(b, 2, 1, bed_digest(7));
	CU_ASSERT(bed_count(b, BFT_FX_REQUEST) == 2);
	bed_free(b);
}

/* The other bundle of that number was ordered: it ends the number, and nobody waits for the one held here. */
static void its_number_ends_it_whatever_its_digest(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(5));
	ends(b, 1, 1);
	bed_decide(b, 0, 1, bed_digest(100));
	const struct bft_effect *drop = bed_last(b, BFT_FX_DROP);
	CU_ASSERT_FATAL(drop != NULL);
	CU_ASSERT(bed_same(drop->digest, bed_digest(5)) && drop->reason == PBFT_WHY_EXECUTED);
	bed_forget(b);
	bed_tick(b, 10 * BED_TIMEOUT_MS);
	CU_ASSERT(!bed_sent(b, PBFT_SUSPECT));
	bed_free(b);
}

static void the_table_is_bounded(void)
{
	struct bed *b = bed_new(4, 1);
	for (uint64_t i = 1; i <= b->limits.requests_max; i++)
		bed_request(b, 1, i, bed_digest(i));
	CU_ASSERT(!bed_last(b, BFT_FX_DROP));
	bed_request(b, 1, 99, bed_digest(99));
	const struct bft_effect *drop = bed_last(b, BFT_FX_DROP);
	CU_ASSERT_FATAL(drop != NULL);
	CU_ASSERT(bed_same(drop->digest, bed_digest(99)) && drop->reason == PBFT_WHY_TABLE_FULL);
	/* There is room again when one ends. */
	ends(b, 1, 3);
	bed_decide(b, 0, 1, bed_digest(100));
	bed_forget(b);
	bed_request(b, 1, 99, bed_digest(99));
	CU_ASSERT(!bed_last(b, BFT_FX_DROP) && bed_last(b, BFT_FX_REQUEST) != NULL);
	bed_free(b);
}

static void requests_that_nobody_holds_end_without_harm(void)
{
	struct bed *b = bed_new(4, 1);
	ends(b, 8, 8);
	ends(b, 8, 9);
	bed_decide(b, 0, 1, bed_digest(100));
	CU_ASSERT(bed_standing(b).executed == 1 && !bed_last(b, BFT_FX_DROP));
	bed_free(b);
}

static void the_next_leader_hears_of_all(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(5));
	bed_request(b, 1, 2, bed_digest(6));
	bed_forget(b);
	bed_enter_view(b, 2);
	CU_ASSERT(bed_count(b, BFT_FX_REQUEST) == 2);
	for (uint32_t i = 0; i < b->seen_count; i++)
		CU_ASSERT(b->seen[i].kind != BFT_FX_REQUEST || b->seen[i].to == BFT_BIT(2));
	bed_free(b);
}

/* While the view changes nobody leads; what comes then is handed over when the view begins. */
static void what_comes_during_a_view_change_waits(void)
{
	struct bed *b = bed_new(4, 1);
	bed_leave(b, 0);
	bed_request(b, 1, 1, bed_digest(5));
	CU_ASSERT(!bed_last(b, BFT_FX_REQUEST));
	bed_enter_view(b, 2);
	CU_ASSERT(bed_last(b, BFT_FX_REQUEST) != NULL && bed_last(b, BFT_FX_REQUEST)->to == BFT_BIT(2));
	bed_free(b);
}

/* ---- the leader: member 0 ---- */

static void alone_it_is_proposed_at_once(void)
{
	struct bed *b = bed_new(4, 0);
	bed_request(b, 1, 1, bed_digest(5));
	CU_ASSERT(bundles_in(bed_last(b, BFT_FX_BODY)) == 1);
	CU_ASSERT(!bed_last(b, BFT_FX_REQUEST));
	bed_free(b);
}

static void what_was_proposed_is_not_proposed_again(void)
{
	struct bed *b = bed_new(4, 0);
	bed_request(b, 1, 1, bed_digest(5));
	bed_request(b, 1, 1, bed_digest(5));
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(bed_count(b, BFT_FX_BODY) == 1);
	bed_others_decide(b, 1);
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(bed_count(b, BFT_FX_BODY) == 1);
	bed_free(b);
}

/* While something is in flight: when as much as that waits. */
static void in_flight_it_waits_for_as_much(void)
{
	struct bft_limits limits = bed_limits(4);
	limits.proposal_bundles_max = 8;
	struct bed *b = bed_ready(&limits, 1);
	for (uint64_t i = 1; i <= 8; i++)
		bed_request(b, 1, i, bed_digest(i));
	struct bed_changes *c = bed_changes_new(b, 1, 2);
	bed_changes_say(b, c); /* the core leads view 1 and proposes all eight */
	CU_ASSERT(bed_count(b, BFT_FX_BODY) == 1 && bundles_in(bed_last(b, BFT_FX_BODY)) == 8);
	for (uint64_t i = 9; i <= 15; i++) {
		bed_request(b, 1, i, bed_digest(i));
		CU_ASSERT(bed_count(b, BFT_FX_BODY) == 1);
	}
	bed_request(b, 1, 16, bed_digest(16));
	CU_ASSERT(bed_count(b, BFT_FX_BODY) == 2 && bundles_in(bed_last(b, BFT_FX_BODY)) == 8);
	bed_changes_free(c);
	bed_free(b);
}

static void together_they_are_proposed_together(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_ready(&limits, 1);
	struct bed_changes *c = bed_changes_new(b, 1, 2);
	bed_changes_say(b, c); /* the core leads view 1 */
	for (uint64_t i = 1; i <= 4; i++) {
		CU_ASSERT(bed_count(b, BFT_FX_BODY) == 0);
		struct bft_event e = { .kind = BFT_EV_REQUEST, .digest = bed_digest(i), .bytes = 100, .id = { 1, i }, .ok = i < 4 };
		bed_step(b, &e);
	}
	CU_ASSERT(bed_count(b, BFT_FX_BODY) == 1 && bundles_in(bed_last(b, BFT_FX_BODY)) == 4);
	bed_changes_free(c);
	bed_free(b);
}

static void a_proposal_has_limits(void)
{
	struct bft_limits limits = bed_limits(4);
	limits.proposal_bundles_max = 3;
	struct bed *b = bed_ready(&limits, 1);
	for (uint64_t i = 1; i <= 8; i++)
		bed_request(b, 1, i, bed_digest(i));
	struct bed_changes *c = bed_changes_new(b, 1, 2);
	bed_changes_say(b, c);
	for (uint32_t i = 0; i < b->seen_count; i++)
		CU_ASSERT(b->seen[i].kind != BFT_FX_BODY || bundles_in(&b->seen[i]) <= 3);
	bed_changes_free(c);
	bed_free(b);

	limits.proposal_bundles_max = 8;
	limits.proposal_bytes_max = 250; /* each bundle has 100 */
	b = bed_ready(&limits, 1);
	for (uint64_t i = 1; i <= 5; i++)
		bed_request(b, 1, i, bed_digest(i));
	c = bed_changes_new(b, 1, 2);
	bed_changes_say(b, c);
	for (uint32_t i = 0; i < b->seen_count; i++)
		CU_ASSERT(b->seen[i].kind != BFT_FX_BODY || bundles_in(&b->seen[i]) == 2);
	bed_changes_free(c);
	bed_free(b);
}

static void oldest_first(void)
{
	struct bft_limits limits = bed_limits(4);
	struct bed *b = bed_ready(&limits, 1);
	for (uint64_t i = 1; i <= 3; i++)
		bed_request(b, 9 - i, i, bed_digest(i));
	struct bed_changes *c = bed_changes_new(b, 1, 2);
	bed_changes_say(b, c);
	const struct bft_effect *body = bed_last(b, BFT_FX_BODY);
	struct bft_proposal p;
	CU_ASSERT_FATAL(body && proposal_decode(&p, body->data, body->data_bytes, 8) && p.count == 3);
	for (uint64_t i = 1; i <= 3; i++) {
		struct digest d = bed_digest(i);
		CU_ASSERT(memcmp(p.digests + (i - 1) * DIGEST_BYTES, d.b, DIGEST_BYTES) == 0);
	}
	bed_changes_free(c);
	bed_free(b);
}

/* A full window waits for the checkpoint, and goes on from there. */
static void the_window_opens_with_the_checkpoint(void)
{
	struct bft_limits limits = bed_limits(4);
	limits.proposal_bundles_max = 1;
	limits.requests_max = 64;
	struct bed *b = bed_ready(&limits, 0);
	for (uint64_t i = 1; i <= 3 * BED_W; i++)
		bed_request(b, 1, i, bed_digest(i));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, BED_W) != NULL && !bed_leaf(b, BFT_LEAF_PRE_PREPARE, BED_W + 1));
	for (bft_seq seq = 1; seq <= BED_K; seq++) {
		CU_ASSERT(!bed_leaf(b, BFT_LEAF_PRE_PREPARE, BED_W + 1));
		bed_others_decide(b, seq);
	}
	bed_make_stable(b, BED_K);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, BED_W + 1) != NULL && bed_leaf(b, BFT_LEAF_PRE_PREPARE, BED_W + 2) != NULL);
	bed_free(b);
}

/* ---- filling ---- */

static void it_fills_up_to_a_snapshot_that_was_ordered(void)
{
	struct bed *b = bed_new(4, 0);
	struct bft_event e = { .kind = BFT_EV_FILL, .seq = BED_K };
	bed_step(b, &e);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, seq) != NULL);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PRE_PREPARE, BED_K + 1));
	CU_ASSERT(bundles_in(bed_last(b, BFT_FX_BODY)) == 0);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a backup hands it to the leader", a_backup_hands_it_to_the_leader },
		{ "a number is held once", a_number_is_held_once },
		{ "its number ends it, whatever its digest", its_number_ends_it_whatever_its_digest },
		{ "the table is bounded", the_table_is_bounded },
		{ "requests that nobody holds end without harm", requests_that_nobody_holds_end_without_harm },
		{ "the next leader hears of all", the_next_leader_hears_of_all },
		{ "what comes during a view change waits", what_comes_during_a_view_change_waits },
		{ "alone it is proposed at once", alone_it_is_proposed_at_once },
		{ "what was proposed is not proposed again", what_was_proposed_is_not_proposed_again },
		{ "in flight it waits for as much", in_flight_it_waits_for_as_much },
		{ "together they are proposed together", together_they_are_proposed_together },
		{ "a proposal has limits", a_proposal_has_limits },
		{ "oldest first", oldest_first },
		{ "the window opens with the checkpoint", the_window_opens_with_the_checkpoint },
		{ "it fills up to a snapshot that was ordered", it_fills_up_to_a_snapshot_that_was_ordered },
		{ 0 },
	};
	return unit_main("requests", cases);
}
