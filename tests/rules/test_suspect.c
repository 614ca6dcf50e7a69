/* Timers and SUSPECT: whose fault a delay is, when it is said, when it is taken back. docs/protocol.md, "Suspicion and timers". */
#include "tests/rules/core_bed.h"

static uint64_t timer(const struct bed *b)
{
	return suspect_deadline((const struct pbft *)b->core);
}

static void ends(struct bed *b, uint64_t session, uint64_t number)
{
	b->ends[b->ends_count++] = (struct bft_request_id){ .session = session, .number = number };
}

static void a_request_that_waits_too_long_is_a_reason(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, 5000); /* idle as long as one likes */
	CU_ASSERT(!bed_sent(b, PBFT_SUSPECT) && timer(b) == UINT64_MAX);
	bed_request(b, 1, 1, bed_digest(1));
	CU_ASSERT(timer(b) == b->mono_ms + BED_TIMEOUT_MS);
	bed_tick(b, BED_TIMEOUT_MS - 1);
	CU_ASSERT(!bed_sent(b, PBFT_SUSPECT));
	bed_tick(b, 1);
	const struct bft_effect *said = bed_sent(b, PBFT_SUSPECT);
	CU_ASSERT_FATAL(said != NULL);
	const struct pbft_suspect *m = said->data;
	CU_ASSERT(m->view == 0 && m->standing == 1 && said->to == (mask_all(4) & ~BFT_BIT(1)));
	bed_free(b);
}

/* It is not binding: not durable, and voting goes on. */
static void it_binds_nobody(void)
{
	struct bed *b = bed_new(4, 1);
	bft_lsn before = bed_lsn(b);
	bed_request(b, 1, 1, bed_digest(1));
	bed_tick(b, BED_TIMEOUT_MS);
	CU_ASSERT(bed_sent(b, PBFT_SUSPECT) != NULL && bed_sent(b, PBFT_SUSPECT)->lsn == 0 && bed_lsn(b) == before);
	CU_ASSERT(!bed_sent(b, PBFT_VIEW_CHANGE) && bed_standing(b).view == 0 && !bed_standing(b).changing);
	bed_make_prepared(b, 0, 1, bed_digest(5));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL && bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL);
	bed_free(b);
}

static void it_is_said_once(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	for (int i = 0; i < 10; i++)
		bed_tick(b, BED_TIMEOUT_MS);
	CU_ASSERT(bed_sent_count(b, PBFT_SUSPECT) == 1 && timer(b) == UINT64_MAX);
	bed_free(b);
}

static void it_is_withdrawn_when_the_request_executes(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	bed_tick(b, BED_TIMEOUT_MS);
	CU_ASSERT(bed_standing(b).suspecting);
	bed_forget(b);
	bed_decide(b, 0, 1, bed_digest(100)); /* something else: it still waits */
	CU_ASSERT(bed_standing(b).suspecting && !bed_sent(b, PBFT_SUSPECT));
	ends(b, 1, 1);
	bed_decide(b, 0, 2, bed_digest(101));
	CU_ASSERT(!bed_standing(b).suspecting);
	CU_ASSERT_FATAL(bed_sent(b, PBFT_SUSPECT) != NULL);
	CU_ASSERT(((const struct pbft_suspect *)bed_sent(b, PBFT_SUSPECT)->data)->standing == 0);
	bed_free(b);
}

/* Agreed time would stand still, and with it everything that ends with time. It takes f+1: whose clock is the wrong one, nobody knows alone. */
static void a_first_proposal_far_behind_my_clock_is_a_reason(void)
{
	struct bed *b = bed_new(4, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), b->wall_ms - BED_DRIFT_MS, true);
	bed_tick(b, 0);
	CU_ASSERT(!bed_standing(b).suspecting);
	bed_pre_prepare(b, 0, 2, bed_digest(2));
	bed_held(b, bed_digest(2), b->wall_ms - BED_DRIFT_MS - 1, true);
	bed_tick(b, 0);
	CU_ASSERT(bed_standing(b).suspecting && bed_sent_count(b, PBFT_SUSPECT) == 1);
	/* It is prepared all the same, and its being executed takes nothing back. */
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 2) != NULL);
	for (bft_seq seq = 1; seq <= 2; seq++)
		for (uint8_t i = 0; i < 4; i++)
			if (i != 1)
				bed_commit(b, i, 0, seq, bed_digest(seq));
	CU_ASSERT(bed_standing(b).executed == 2 && bed_standing(b).suspecting);
	/* One in time does. */
	bed_pre_prepare(b, 0, 3, bed_digest(3));
	bed_held(b, bed_digest(3), b->wall_ms, true);
	ends(b, 1, 1);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_commit(b, i, 0, 3, bed_digest(3));
	CU_ASSERT(!bed_standing(b).suspecting);
	bed_free(b);
}

/* What is old for another reason: decided without me, or proposed again; and the null proposal is of no time. And a view begins without reproach. */
static void what_is_old_is_no_reason(void)
{
	struct bed *b = bed_new(4, 1);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_commit(b, i, 0, 1, bed_digest(1));
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), 1, true);
	bed_tick(b, 0);
	CU_ASSERT(!bed_sent(b, PBFT_SUSPECT));
	bed_pre_prepare(b, 0, 2, b->null);
	bed_held(b, b->null, 1, true);
	bed_tick(b, 0);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 2) != NULL && !bed_sent(b, PBFT_SUSPECT));
	bed_pre_prepare(b, 0, 3, bed_digest(3));
	bed_held(b, bed_digest(3), 1, true);
	bed_tick(b, 0);
	CU_ASSERT(bed_standing(b).suspecting);
	bed_enter_view(b, 2);
	bed_tick(b, 0);
	CU_ASSERT(bed_standing(b).view == 2 && !bed_standing(b).suspecting);
	bed_free(b);
}

/* With f liars that suspect everybody, a wrong clock would depose one honest leader after the other, for ever. */
static void my_own_clock_may_be_the_wrong_one(void)
{
	struct bed *b = bed_new(4, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), 1, true);
	bed_tick(b, 0);
	CU_ASSERT(bed_standing(b).suspecting);
	bed_enter_view(b, 2);
	bed_pre_prepare(b, 2, 1, bed_digest(2));
	bed_held(b, bed_digest(2), 1, true);
	bed_tick(b, 0);
	CU_ASSERT(bed_standing(b).view == 2 && !bed_standing(b).suspecting); /* f+1 are behind it */
	bed_pre_prepare(b, 2, 2, bed_digest(3));
	bed_held(b, bed_digest(3), b->wall_ms, true);
	bed_enter_view(b, 4);
	bed_pre_prepare(b, 4, 3, bed_digest(4));
	bed_held(b, bed_digest(4), 1, true);
	bed_tick(b, 0);
	CU_ASSERT(bed_standing(b).view == 4 && bed_standing(b).suspecting); /* one came in time, so it is right */
	bed_free(b);
}

/* A leader that serves all but one client: the timer follows the oldest request, and progress with others does not restart it. */
static void progress_with_others_does_not_help(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	uint64_t due = timer(b);
	for (bft_seq seq = 1; seq <= 3; seq++) {
		bed_tick(b, BED_TIMEOUT_MS / 4);
		bed_request(b, 2, seq, bed_digest(50 + seq));
		ends(b, 2, seq);
		bed_decide(b, 0, seq, bed_digest(100 + seq));
		CU_ASSERT(timer(b) == due);
	}
	bed_tick(b, BED_TIMEOUT_MS / 4);
	CU_ASSERT(bed_sent(b, PBFT_SUSPECT) != NULL);
	bed_free(b);
}

/* When the oldest ends, the next oldest's own age counts. */
static void it_follows_the_oldest(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	uint64_t start = b->mono_ms;
	bed_tick(b, 300);
	bed_request(b, 1, 2, bed_digest(2));
	CU_ASSERT(timer(b) == start + BED_TIMEOUT_MS);
	ends(b, 1, 1);
	bed_decide(b, 0, 1, bed_digest(100));
	CU_ASSERT(timer(b) == start + 300 + BED_TIMEOUT_MS);
	bed_free(b);
}

/* A client that repeats itself, or signs two bundles with one number, neither restarts the timer nor keeps it running. */
static void repeating_a_request_changes_nothing(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	uint64_t due = timer(b);
	bed_tick(b, 100);
	bed_request(b, 1, 1, bed_digest(1));
	bed_request(b, 1, 1, bed_digest(2));
	CU_ASSERT(timer(b) == due);
	ends(b, 1, 1);
	bed_decide(b, 0, 1, bed_digest(100));
	CU_ASSERT(timer(b) == UINT64_MAX);
	bed_free(b);
}

static void the_leader_does_not_suspect_itself(void)
{
	struct bed *b = bed_new(4, 0);
	bed_request(b, 1, 1, bed_digest(1));
	bed_tick(b, 10 * BED_TIMEOUT_MS);
	CU_ASSERT(!bed_sent(b, PBFT_SUSPECT) && timer(b) == UINT64_MAX);
	bed_free(b);
}

/* n = 6: one honest member has executed more than the rest, a liar says so of itself too, leads, and finishes nothing: behind it the others would wait for ever. */
static void being_behind_excuses_while_something_comes(void)
{
	struct bed *b = bed_new(6, 1);
	bed_request(b, 1, 1, bed_digest(1));
	bed_status(b, 0, 0, 0, 5);
	bed_status(b, 2, 0, 0, 5);
	bed_tick(b, PBFT_BEHIND_TIMES * BED_TIMEOUT_MS - 1);
	CU_ASSERT(!bed_standing(b).suspecting);
	bed_decide(b, 0, 1, bed_digest(100)); /* it comes, if slowly */
	bed_tick(b, PBFT_BEHIND_TIMES * BED_TIMEOUT_MS - 1);
	CU_ASSERT(!bed_standing(b).suspecting);
	bed_tick(b, 1);
	CU_ASSERT(bed_standing(b).suspecting);
	bed_free(b);
}

/* Who is behind is slow itself: as f+1 members report, never fewer, or a liar talks everybody out of suspecting. */
static void not_while_i_am_behind(void)
{
	struct bed *b = bed_new(7, 1);
	bed_request(b, 1, 1, bed_digest(1));
	bed_status(b, 5, 0, 0, BFT_SEQ_MAX);
	bed_status(b, 6, 0, 0, BFT_SEQ_MAX);
	CU_ASSERT(timer(b) != UINT64_MAX);
	bed_status(b, 4, 0, 0, 1);
	CU_ASSERT(timer(b) == UINT64_MAX);
	bed_tick(b, PBFT_BEHIND_TIMES * BED_TIMEOUT_MS - 1);
	CU_ASSERT(!bed_sent(b, PBFT_SUSPECT));
	/* Executed what the third one reports: not behind, and it runs again, from the last word of it at the latest. */
	bed_decide(b, 0, 1, bed_digest(100));
	CU_ASSERT(timer(b) != UINT64_MAX);
	bed_free(b);
}

static void a_leader_that_cannot_be_reached_gets_less_time(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	uint64_t full = timer(b);
	bed_link(b, 0, false);
	CU_ASSERT(timer(b) == full - BED_TIMEOUT_MS + BED_TIMEOUT_MS / 4);
	bed_link(b, 0, true);
	CU_ASSERT(timer(b) == full);
	bed_link(b, 3, false); /* not the leader */
	CU_ASSERT(timer(b) == full);
	/* Its link alone, with nothing to wait for, is no reason. */
	struct bed *c = bed_new(4, 1);
	bed_link(c, 0, false);
	CU_ASSERT(timer(c) == UINT64_MAX);
	bed_free(b);
	bed_free(c);
}

static void a_pending_border_is_a_reason(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = BED_W + BED_K };
	bed_step(b, &e);
	CU_ASSERT(timer(b) != UINT64_MAX);
	bed_free(b);
	b = bed_new(4, 1);
	e = (struct bft_event){ .kind = BFT_EV_FILL, .seq = BED_K };
	bed_step(b, &e);
	CU_ASSERT(timer(b) != UINT64_MAX);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	CU_ASSERT(timer(b) == UINT64_MAX);
	bed_free(b);
}

/* A view may be old and its leader good: what has to be reached is as old as the wish. An older request is not made younger by it. */
static void it_has_its_own_beginning(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, 100 * BED_TIMEOUT_MS);
	struct bft_event e = { .kind = BFT_EV_FILL, .seq = BED_K };
	bed_step(b, &e);
	uint64_t due = timer(b);
	CU_ASSERT(due == b->mono_ms + BED_TIMEOUT_MS);
	bed_tick(b, 100);
	bed_step(b, &e); /* the same again */
	bed_request(b, 1, 1, bed_digest(1));
	CU_ASSERT(timer(b) == due && !bed_sent(b, PBFT_SUSPECT));
	bed_free(b);

	b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	due = timer(b);
	bed_tick(b, 100);
	bed_step(b, &e);
	CU_ASSERT(timer(b) == due);
	bed_free(b);

	b = bed_new(4, 1);
	bed_tick(b, 100 * BED_TIMEOUT_MS);
	e = (struct bft_event){ .kind = BFT_EV_EPOCH, .seq = BED_W + BED_K };
	bed_step(b, &e);
	due = timer(b);
	CU_ASSERT(due == b->mono_ms + BED_TIMEOUT_MS);
	bed_tick(b, 100);
	bed_step(b, &e); /* a second border is not taken */
	CU_ASSERT(timer(b) == due);
	bed_free(b);
}

/* ---- how long ---- */

/* Doubles per fruitless view, up to 2^PBFT_BACKOFF_MAX; counts from the view's beginning. */
static void the_time_doubles_with_each_fruitless_view(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	uint64_t expected = BED_TIMEOUT_MS;
	for (bft_view view = 0; view < 4 * (PBFT_BACKOFF_MAX + 3); view++) {
		if (view % 4 == 1 || view == 0)
			continue; /* the core leads those */
		bed_enter_view(b, view);
		CU_ASSERT_FATAL(bed_standing(b).view == view);
		uint64_t now = timer(b) - b->mono_ms;
		CU_ASSERT(now >= expected && now <= (uint64_t)BED_TIMEOUT_MS << PBFT_BACKOFF_MAX);
		expected = now;
	}
	CU_ASSERT(expected == (uint64_t)BED_TIMEOUT_MS << PBFT_BACKOFF_MAX);
	bed_free(b);
}

/* Not at once: a leader that executes one thing and then nothing would have all of it back. */
static void it_shrinks_with_what_is_executed(void)
{
	struct bed *b = bed_new(4, 1);
	bed_leave(b, 0);
	bed_leave(b, 1);
	bed_enter_view(b, 2);
	bed_request(b, 1, 1, bed_digest(1));
	uint64_t wait = timer(b) - b->mono_ms;
	CU_ASSERT(wait > BED_TIMEOUT_MS);
	for (bft_seq seq = 1; seq <= 15; seq++) {
		bed_decide(b, 2, seq, bed_digest(seq));
		if (seq % BED_K == 0)
			bed_make_stable(b, seq);
	}
	CU_ASSERT(timer(b) - b->mono_ms == wait);
	bed_decide(b, 2, 16, bed_digest(16));
	CU_ASSERT(timer(b) - b->mono_ms == wait / 2);
	bed_free(b);
}

/* Cut off for an hour or for a minute: as many proposals bring the timeout down again. */
static void a_long_outage_is_forgotten_as_soon_as_a_short_one(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_view view = 1; view < 100; view++)
		bed_leave(b, view - 1);
	bed_enter_view(b, 103);
	bed_request(b, 1, 1, bed_digest(1));
	CU_ASSERT(timer(b) - b->mono_ms == (uint64_t)BED_TIMEOUT_MS << PBFT_BACKOFF_MAX);
	for (bft_seq seq = 1; seq <= 16 * (PBFT_BACKOFF_MAX + PBFT_NEW_VIEW_LESS); seq++) {
		bed_decide(b, 103, seq, bed_digest(seq));
		if (seq % BED_K == 0)
			bed_make_stable(b, seq);
	}
	CU_ASSERT(timer(b) - b->mono_ms == BED_TIMEOUT_MS);
	bed_free(b);
}

/* ---- clocks ---- */

static void the_wall_clock_moves_no_timer(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	uint64_t due = timer(b);
	b->wall_ms += 1000000000;
	bed_tick(b, 1);
	CU_ASSERT(!bed_sent(b, PBFT_SUSPECT) && timer(b) == due);
	b->wall_ms = 1;
	bed_tick(b, 1);
	CU_ASSERT(!bed_sent(b, PBFT_SUSPECT) && timer(b) == due);
	bed_free(b);
}

static void the_monotonic_clock_never_goes_back(void)
{
	struct bed *b = bed_new(4, 1);
	bed_tick(b, 10000);
	bed_request(b, 1, 1, bed_digest(1));
	uint64_t due = timer(b);
	struct bft_event e = { .kind = BFT_EV_TICK, .mono_ms = 5, .wall_ms = b->wall_ms };
	bed_step(b, &e);
	CU_ASSERT(timer(b) == due);
	bed_request(b, 2, 1, bed_digest(2));
	ends(b, 1, 1);
	bed_decide(b, 0, 1, bed_digest(100));
	CU_ASSERT(timer(b) == due); /* the second is not older than the first */
	bed_free(b);
}

/* ---- others' ---- */

static void on_the_channel_it_counts(void)
{
	struct bed *b = bed_new(4, 1);
	CU_ASSERT(bed_suspect(b, 2, 0, true) == BFT_ACCEPT); /* bed_suspect says it on the channel */
	CU_ASSERT(bed_suspect(b, 3, 0, true) == BFT_ACCEPT);
	CU_ASSERT(bed_standing(b).view == 1);
	bed_free(b);
}

static void of_another_epoch_or_an_older_view_it_does_not(void)
{
	struct bed *b = bed_new(4, 1);
	struct pbft_suspect m = { .view = 0, .standing = 1 };
	CU_ASSERT(bed_say_in(b, 2, PBFT_SUSPECT, &m, BFT_AUTH_SIGNED, 2) == BFT_IGNORE);
	CU_ASSERT(bed_say_in(b, 3, PBFT_SUSPECT, &m, BFT_AUTH_SIGNED, 2) == BFT_IGNORE);
	bed_suspect(b, 2, 3, true);
	CU_ASSERT(bed_suspect(b, 2, 2, false) == BFT_IGNORE); /* late: it has said more since */
	bed_free(b);
}

static void the_operator_may_ask_for_it(void)
{
	struct bed *b = bed_new(4, 1);
	struct bft_event admin = { .kind = BFT_EV_ADMIN };
	bed_step(b, &admin);
	CU_ASSERT(bed_standing(b).suspecting && !bed_sent(b, PBFT_VIEW_CHANGE));
	bed_free(b);
	/* Of the leader itself it is enough. */
	b = bed_new(4, 0);
	bed_step(b, &admin);
	CU_ASSERT(bed_sent(b, PBFT_VIEW_CHANGE) != NULL && bed_standing(b).view == 1);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a request that waits too long is a reason", a_request_that_waits_too_long_is_a_reason },
		{ "it binds nobody", it_binds_nobody },
		{ "it is said once", it_is_said_once },
		{ "a first proposal far behind my clock is a reason", a_first_proposal_far_behind_my_clock_is_a_reason },
		{ "what is old is no reason", what_is_old_is_no_reason },
		{ "my own clock may be the wrong one", my_own_clock_may_be_the_wrong_one },
		{ "it is withdrawn when the request executes", it_is_withdrawn_when_the_request_executes },
		{ "progress with others does not help", progress_with_others_does_not_help },
		{ "it follows the oldest", it_follows_the_oldest },
		{ "repeating a request changes nothing", repeating_a_request_changes_nothing },
		{ "the leader does not suspect itself", the_leader_does_not_suspect_itself },
		{ "not while I am behind, as f+1 report", not_while_i_am_behind },
		{ "being behind excuses while something comes", being_behind_excuses_while_something_comes },
		{ "a leader that cannot be reached gets less time", a_leader_that_cannot_be_reached_gets_less_time },
		{ "a pending border, or snapshot, is a reason", a_pending_border_is_a_reason },
		{ "what must be reached has its own beginning", it_has_its_own_beginning },
		{ "the time doubles with each fruitless view, and is capped", the_time_doubles_with_each_fruitless_view },
		{ "it shrinks with what is executed", it_shrinks_with_what_is_executed },
		{ "a long outage is forgotten as soon as a short one", a_long_outage_is_forgotten_as_soon_as_a_short_one },
		{ "the wall clock moves no timer", the_wall_clock_moves_no_timer },
		{ "the monotonic clock never goes back", the_monotonic_clock_never_goes_back },
		{ "on the channel it counts", on_the_channel_it_counts },
		{ "of another epoch or an older view it does not", of_another_epoch_or_an_older_view_it_does_not },
		{ "the operator may ask for it", the_operator_may_ask_for_it },
		{ 0 },
	};
	return unit_main("suspect", cases);
}
