/* A leader that proposes little at a time: what a proposal is held against, and what counts for nothing. docs/protocol.md, "A slow leader". */
#include "tests/rules/core_bed.h"

#define ROUND BED_W /* proposals that are under way together */

/* A backup of four whom the leader of view 0 may propose many requests at once. */
static struct bed *backup(void)
{
	struct bft_limits limits = bed_limits(4);
	limits.request_timeout_ms = 100 * BED_TIMEOUT_MS;
	limits.proposal_bundles_max = 256;
	struct bed *b = bed_ready(&limits, 1);
	b->rtt_us = 2000;
	bed_tick(b, 1);
	((struct pbft *)b->core)->thin.window_ms = b->mono_ms;
	return b;
}

static struct digest proposal(bft_seq seq)
{
	return bed_digest(1000 + seq);
}

static void holds(struct bed *b, bft_seq seq, uint32_t requests, uint32_t bytes)
{
	struct bft_event e = { .kind = BFT_EV_HELD, .digest = proposal(seq), .time_ms = b->wall_ms, .ok = true, .data_count = requests, .bytes = bytes };
	bed_step(b, &e);
}

static void proposes(struct bed *b, bft_seq seq, uint32_t requests)
{
	bed_pre_prepare(b, bed_standing(b).view, seq, proposal(seq));
	holds(b, seq, requests, requests);
}

static void decided(struct bed *b, bft_seq from)
{
	bft_view view = bed_standing(b).view;
	for (bft_seq seq = from; seq < from + ROUND; seq++)
		bed_decide(b, view, seq, proposal(seq));
	bed_make_stable(b, from + ROUND - 1);
}

static bool suspects_now(const struct bed *b)
{
	return bed_standing(b).suspecting;
}

static const struct pbft_thin *thin(const struct bed *b)
{
	return &((const struct pbft *)b->core)->thin;
}

/* One request in each, all under way together, round after round. */
static uint32_t rounds_until_suspected(struct bed *b, uint32_t requests, uint32_t bytes, uint32_t most)
{
	for (uint32_t round = 1; round <= most; round++) {
		bft_seq first = bed_standing(b).executed + 1;
		for (bft_seq seq = first; seq < first + ROUND; seq++) {
			bed_pre_prepare(b, bed_standing(b).view, seq, proposal(seq));
			holds(b, seq, requests, bytes);
		}
		if (suspects_now(b))
			return round;
		bed_tick(b, THIN_WINDOW_MS);
		if (suspects_now(b))
			return round;
		decided(b, first);
	}
	return 0;
}

static void one_at_a_time_is_suspected(void)
{
	struct bed *b = backup();
	uint32_t round = rounds_until_suspected(b, 1, 1, 20);
	CU_ASSERT(round >= THIN_WINDOWS && round <= THIN_WINDOWS + 2);
	CU_ASSERT(((struct pbft *)b->core)->suspect_why == PBFT_WHY_THIN && pbft_may_sign((struct pbft *)b->core));
	bed_free(b);
}

/* 1, 1, 2, 4 .. as a correct leader does, and a quarter of that. */
static void as_much_as_is_under_way_is_fine(void)
{
	for (uint32_t part = 1; part <= THIN_TIMES; part *= 2) {
		struct bed *b = backup();
		for (uint32_t round = 0; round < 20; round++) {
			bft_seq first = bed_standing(b).executed + 1;
			uint32_t under_way = 0;
			for (bft_seq seq = first; seq < first + ROUND; seq++) {
				uint32_t requests = under_way < part ? 1 : (under_way + part - 1) / part;
				proposes(b, seq, requests < 200 ? requests : 256);
				under_way += requests;
			}
			CU_ASSERT(thin(b)->thin == 0);
			bed_tick(b, THIN_WINDOW_MS);
			decided(b, first);
		}
		CU_ASSERT(!suspects_now(b) && thin(b)->windows == 0);
		bed_free(b);
	}
}

static void a_full_one_is_never_thin(void)
{
	struct bed *b = backup();
	CU_ASSERT(rounds_until_suspected(b, 1, 501, 20) == 0); /* the next may have been as large, of 1000 */
	bed_free(b);
	b = backup();
	CU_ASSERT(rounds_until_suspected(b, 256, 256, 20) == 0);
	bed_free(b);
}

/* A leader with little to do, as seen by a member whose own votes, and whose PREPAREs of others, are late. */
static void what_others_committed_is_settled(void)
{
	struct bed *b = backup();
	bft_seq seq = 1;
	for (; seq <= BED_W; seq++) {
		proposes(b, seq, 1);
		bed_commit(b, 2, 0, seq, proposal(seq));
		bed_tick(b, THIN_WINDOW_MS);
	}
	CU_ASSERT(bed_standing(b).executed == 0 && thin(b)->thin == 0 && thin(b)->windows == 0);
	bed_free(b);
}

/* Neither the leader's COMMIT nor mine says that it was decided. */
static void the_leaders_own_word_settles_nothing(void)
{
	struct bed *b = backup();
	for (bft_seq seq = 1; seq <= BED_W; seq++) {
		proposes(b, seq, 1);
		bed_commit(b, 0, 0, seq, proposal(seq));
	}
	CU_ASSERT(thin(b)->judged == BED_W && thin(b)->thin == BED_W - THIN_TIMES - 1);
	bed_free(b);
}

static void the_order_of_arrival_hides_nothing(void)
{
	struct bed *b = backup();
	for (bft_seq seq = BED_W; seq >= 1; seq--)
		proposes(b, seq, 1);
	CU_ASSERT(thin(b)->judged == BED_W && thin(b)->thin == BED_W - THIN_TIMES - 1);
	bed_free(b);
}

/* A replica that stood still finds all that was proposed, and hears later what was decided. */
static void who_was_away_finds_it_in_one_window(void)
{
	struct bed *b = backup();
	CU_ASSERT(rounds_until_suspected(b, 1, 1, 1) == 0);
	bed_tick(b, 5000);
	for (bft_seq seq = BED_W + 1; seq <= 2 * BED_W; seq++)
		proposes(b, seq, 1);
	decided(b, BED_W + 1);
	for (bft_seq seq = 2 * BED_W + 1; seq <= 3 * BED_W; seq++) {
		bed_tick(b, THIN_WINDOW_MS);
		proposes(b, seq, 1);
		bed_decide(b, 0, seq, proposal(seq));
	}
	CU_ASSERT(!suspects_now(b) && mask_count(thin(b)->windows) <= 2);
	bed_free(b);
}

static void each_view_begins_anew(void)
{
	struct bed *b = backup();
	CU_ASSERT(rounds_until_suspected(b, 1, 1, THIN_WINDOWS - 1) == 0);
	CU_ASSERT(thin(b)->windows != 0);
	bed_enter_view(b, 2);
	CU_ASSERT(thin(b)->windows == 0 && thin(b)->judged == 0 && thin(b)->top == 0);
	bed_free(b);
}

/* As the other bars: where every leader seems to, it may be the network. */
static void a_level_up_it_takes_more(void)
{
	struct bed *b = backup();
	((struct pbft *)b->core)->pace.level = 1;
	((struct pbft *)b->core)->pace.level_at_ms = b->mono_ms;
	for (bft_seq seq = 1; seq <= BED_W; seq++)
		proposes(b, seq, 1);
	CU_ASSERT(thin(b)->thin == BED_W - 2 * THIN_TIMES - 1);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "one at a time is suspected", one_at_a_time_is_suspected },
		{ "as much as is under way is fine", as_much_as_is_under_way_is_fine },
		{ "a full one is never thin", a_full_one_is_never_thin },
		{ "what others committed is settled", what_others_committed_is_settled },
		{ "the leader's own word settles nothing", the_leaders_own_word_settles_nothing },
		{ "the order of arrival hides nothing", the_order_of_arrival_hides_nothing },
		{ "who was away finds it in one window", who_was_away_finds_it_in_one_window },
		{ "each view begins anew", each_view_begins_anew },
		{ "a level up it takes more", a_level_up_it_takes_more },
		{ 0 },
	};
	return unit_main("thin", cases);
}
