/* A leader that is slow on purpose: the bar, what moves it and what does not, and the request that is passed over. docs/protocol.md, "A slow leader". */
#include "tests/rules/core_bed.h"

#define RTT_MS 2u
#define BAR_MS (PACE_FLOOR_MS + PACE_TIMES * RTT_MS)

/* A backup of four that knows its round trip, in a cluster whose timeout is far. */
static struct bed *backup(void)
{
	struct bft_limits limits = bed_limits(4);
	limits.request_timeout_ms = 100 * BED_TIMEOUT_MS;
	struct bed *b = bed_ready(&limits, 1);
	b->rtt_us = RTT_MS * 1000;
	bed_tick(b, 1);
	return b;
}

/* As a driver ticks that is awake. */
static void wait(struct bed *b, uint64_t ms)
{
	for (; ms > 20; ms -= 20)
		bed_tick(b, 20);
	bed_tick(b, ms);
}

static bool suspects_now(const struct bed *b)
{
	return bed_standing(b).suspecting;
}

static struct pbft_pace *pace(struct bed *b)
{
	return &((struct pbft *)b->core)->pace;
}

/* What is left until the bar, and all of it is the leader's time. */
static uint64_t left(const struct bed *b)
{
	return pace_deadline((const struct pbft *)b->core) - b->mono_ms;
}

static void who_takes_longer_than_the_bar_is_suspected(void)
{
	struct bed *b = backup();
	wait(b, 3000); /* nobody waits */
	bed_request(b, 1, 1, bed_digest(1));
	wait(b, BAR_MS - 1);
	CU_ASSERT(!suspects_now(b));
	wait(b, 1);
	CU_ASSERT(suspects_now(b) && bed_sent_count(b, PBFT_SUSPECT) == 1);
	bed_free(b);
}

static void without_a_round_trip_nobody_is_slow(void)
{
	struct bed *b = backup();
	b->rtt_us = 0;
	bed_request(b, 1, 1, bed_digest(1));
	wait(b, 50 * BAR_MS);
	CU_ASSERT(!suspects_now(b) && pace_deadline((const struct pbft *)b->core) == UINT64_MAX);
	bed_free(b);
}

static void the_ordinary_timeout_stays(void)
{
	struct bed *b = bed_new(4, 1);
	b->rtt_us = BED_TIMEOUT_MS * 1000; /* ten of them are more than the timeout */
	bed_request(b, 1, 1, bed_digest(1));
	wait(b, BED_TIMEOUT_MS - 1);
	CU_ASSERT(!suspects_now(b));
	wait(b, 1);
	CU_ASSERT(suspects_now(b) && !pace(b)->slow);
	bed_free(b);
}

static void the_bar_grows_with_the_round_trip(void)
{
	struct bed *b = backup();
	bed_request(b, 1, 1, bed_digest(1));
	CU_ASSERT(left(b) == BAR_MS);
	b->rtt_us = 7 * 1000 + 1; /* rounded up */
	bed_tick(b, 0);
	CU_ASSERT(left(b) == PACE_FLOOR_MS + PACE_TIMES * 8);
	bed_free(b);
}

static void it_grows_with_my_own_flush(void)
{
	struct bed *b = backup();
	b->durable = false;
	bed_pre_prepare(b, 0, 1, bed_digest(100));
	bed_held(b, bed_digest(100), 0, true);
	CU_ASSERT(pace(b)->flush_lsn != 0);
	wait(b, 30);
	bed_flush(b);
	CU_ASSERT(pace(b)->flush_sum_ms == 30);
	bed_request(b, 1, 1, bed_digest(1));
	pace(b)->flush_sum_ms = 30 * PACE_FLUSHES; /* eight such */
	CU_ASSERT(left(b) == BAR_MS + PACE_TIMES * 30);
	b->durable = true;
	bed_decide(b, 0, 1, bed_digest(100));
	bed_decide(b, 0, 2, bed_digest(101)); /* quick ones: it comes down */
	CU_ASSERT(pace(b)->flush_sum_ms > 0 && pace(b)->flush_sum_ms < 30 * PACE_FLUSHES);
	bed_free(b);
}

/* An EXECUTED is flushed with what comes next. A leader that makes it wait would raise its own bar. */
static void what_need_not_be_flushed_is_not_timed(void)
{
	struct bed *b = backup();
	b->execute = false;
	bed_decide(b, 0, 1, bed_digest(100));
	b->durable = false;
	bed_executed(b);
	CU_ASSERT(bed_record(b, PBFT_REC_EXECUTED) != NULL && pace(b)->flush_lsn == 0);
	bed_pre_prepare(b, 0, 2, bed_digest(101));
	bed_held(b, bed_digest(101), 0, true);
	CU_ASSERT(pace(b)->flush_lsn == bed_lsn(b));
	bed_free(b);
}

/* Whoever was frozen itself does not blame the leader for it: a gap counts as one interval, and the bar is higher for a while. */
static void a_frozen_process_blames_nobody(void)
{
	struct bed *b = backup();
	bed_request(b, 1, 1, bed_digest(1));
	bed_tick(b, 5000);
	CU_ASSERT(!suspects_now(b) && pace(b)->leader_ms == PACE_GAP_MS);
	CU_ASSERT(pace(b)->stall_ms > 4000 && left(b) > 2 * 4000);
	uint32_t stall = pace(b)->stall_ms;
	bed_decide(b, 0, 1, bed_digest(100));
	wait(b, PACE_LEVEL_MS);
	CU_ASSERT(pace(b)->stall_ms == stall / 2);
	bed_free(b);
}

/* What came between two ticks may have moved what was wanted: that is no stall. */
static void idleness_is_no_stall(void)
{
	struct bed *b = backup();
	bed_tick(b, PBFT_STATUS_MS);
	bed_tick(b, PBFT_STATUS_MS - 1);
	bed_request(b, 1, 1, bed_digest(1)); /* a STATUS would have been due long ago */
	bed_tick(b, 1);
	CU_ASSERT(pace(b)->stall_ms == 0);
	b->ends[b->ends_count++] = (struct bft_request_id){ .session = 1, .number = 1 };
	bed_decide(b, 0, 1, bed_digest(100));
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(pace(b)->stall_ms == 0);
	bed_free(b);
}

static void it_grows_with_what_was_held_before(void)
{
	struct bed *b = backup();
	for (uint64_t i = 1; i <= 10; i++)
		bed_request(b, 1, i, bed_digest(i));
	CU_ASSERT(left(b) == BAR_MS); /* the oldest had nothing before it */
	for (uint64_t i = 1; i <= 9; i++)
		b->ends[b->ends_count++] = (struct bft_request_id){ .session = 1, .number = i };
	bed_decide(b, 0, 1, bed_digest(100));
	CU_ASSERT(left(b) == BAR_MS + 9 * PACE_EACH_MS);
	bed_free(b);
}

/* A leader that talks, votes, shows proposals early and finishes them late moves nothing. */
static void the_leader_does_not_move_it(void)
{
	struct bed *b = backup();
	bed_request(b, 1, 1, bed_digest(1));
	wait(b, 100);
	for (bft_seq seq = 1; seq <= 3; seq++) {
		bed_pre_prepare(b, 0, seq, bed_digest(100 + seq));
		bed_status(b, 0, 0, 0, 0);
		wait(b, 30);
		bed_decide(b, 0, seq, bed_digest(100 + seq));
	}
	CU_ASSERT(left(b) == BAR_MS - 190);
	wait(b, BAR_MS - 190);
	CU_ASSERT(suspects_now(b));
	bed_free(b);
}

static void not_while_i_execute(void)
{
	struct bed *b = backup();
	b->execute = false;
	bed_decide(b, 0, 1, bed_digest(100));
	bed_request(b, 1, 1, bed_digest(1));
	wait(b, 5 * BAR_MS);
	CU_ASSERT(!suspects_now(b));
	bed_executed(b);
	CU_ASSERT(left(b) == BAR_MS);
	bed_free(b);
}

static void not_while_i_am_behind(void)
{
	struct bed *b = backup();
	bed_request(b, 1, 1, bed_digest(1));
	bed_status(b, 2, 0, 0, 1);
	bed_tick(b, 0);
	CU_ASSERT(left(b) == BAR_MS); /* one voice */
	bed_status(b, 3, 0, 0, 1);
	wait(b, 5 * BAR_MS);
	CU_ASSERT(!suspects_now(b));
	bed_free(b);
}

/* The leader has proposed all that there may be: now it is q members' turn. */
static void not_while_the_window_is_full(void)
{
	struct bed *b = backup();
	bed_request(b, 1, 1, bed_digest(1));
	bed_pre_prepare(b, 0, BED_W, bed_digest(100));
	wait(b, 5 * BAR_MS);
	CU_ASSERT(!suspects_now(b));
	bed_free(b);
}

static void each_view_begins_anew(void)
{
	struct bed *b = backup();
	bed_request(b, 1, 1, bed_digest(1));
	wait(b, BAR_MS - 10);
	bed_enter_view(b, 2);
	CU_ASSERT(left(b) == BAR_MS);
	wait(b, BAR_MS - 1);
	CU_ASSERT(!suspects_now(b));
	wait(b, 1);
	CU_ASSERT(suspects_now(b));
	bed_free(b);
}

static void it_is_withdrawn_when_the_request_executes(void)
{
	struct bed *b = backup();
	bed_request(b, 1, 1, bed_digest(1));
	wait(b, BAR_MS);
	CU_ASSERT(suspects_now(b));
	b->ends[b->ends_count++] = (struct bft_request_id){ .session = 1, .number = 1 };
	bed_decide(b, 0, 1, bed_digest(100));
	CU_ASSERT(!suspects_now(b));
	bed_free(b);
}

/* f+1 found it slow, and it lost its office. */
static void depose(struct bed *b, uint64_t number)
{
	bft_view view = bed_standing(b).view;
	bed_request(b, 1, number, bed_digest(number));
	while (!suspects_now(b))
		wait(b, 20);
	bed_suspect(b, (uint8_t)((view + 2) % b->n == b->self ? (view + 3) % b->n : (view + 2) % b->n), view, true);
	CU_ASSERT(bed_standing(b).view == view + 1);
}

static void the_bar_doubles_with_each_slow_leader(void)
{
	struct bed *b = backup();
	for (uint32_t i = 1; i <= PACE_LEVEL_MAX + 2; i++) {
		depose(b, i);
		CU_ASSERT(pace(b)->level == (i < PACE_LEVEL_MAX ? i : PACE_LEVEL_MAX));
		bft_view view = bed_standing(b).view;
		bed_enter_view(b, view % b->n == b->self ? view + 1 : view);
	}
	bed_free(b);
}

/* In a network that is slow for good it stays where it has to be; after an attack it comes down. */
static void it_comes_down_when_the_lower_one_would_do(void)
{
	struct bed *b = backup();
	pace(b)->tries = PACE_TRIES_MAX; /* that it is tried is another rule */
	depose(b, 1);
	bed_enter_view(b, 2);
	b->ends[b->ends_count++] = (struct bft_request_id){ .session = 1, .number = 1 };
	bed_decide(b, 2, 1, bed_digest(99));
	for (uint64_t i = 2, gone = 0; gone < PACE_LEVEL_MS + 500; i++, gone += BAR_MS + 50) {
		bed_request(b, 1, i, bed_digest(i));
		wait(b, BAR_MS + 50);           /* above the lower bar */
		pace(b)->span[false].count = 0; /* what all together say is another rule */
		CU_ASSERT(!suspects_now(b));
		b->ends[b->ends_count++] = (struct bft_request_id){ .session = 1, .number = i };
		bed_decide(b, 2, i, bed_digest(100 + i));
		bed_make_stable(b, i / BED_K * BED_K);
	}
	CU_ASSERT(pace(b)->level == 1);
	wait(b, 2 * PACE_LEVEL_MS + 100);
	CU_ASSERT(pace(b)->level == 0);
	bed_free(b);
}

static void served(struct bed *b, uint8_t leader, uint64_t number)
{
	b->ends[b->ends_count++] = (struct bft_request_id){ .session = 1, .number = number };
	bed_decide(b, leader, bed_standing(b).executed + 1, bed_digest(90000 + number));
}

/* A leader that stays just within what others' misfortune has made of the bar. Where the network is what is slow, each try costs a leader its office: so they get rare. */
static void the_lower_one_is_tried(void)
{
	struct bed *b = backup();
	uint64_t number = 1;
	for (uint32_t failed = 0; failed < 2; failed++) {
		bft_view view = bed_standing(b).view;
		depose(b, number);
		view = (view + 1) % b->n == b->self ? view + 2 : view + 1;
		bed_enter_view(b, view);
		served(b, (uint8_t)(view % b->n), number++);
		CU_ASSERT(pace(b)->level == 1 && pace(b)->tries == failed);
		bed_request(b, 1, number, bed_digest(number));
		while (pace(b)->level == 1) {
			wait(b, BAR_MS / 2);
			served(b, (uint8_t)(view % b->n), number++);
			bed_request(b, 1, number, bed_digest(number));
			CU_ASSERT_FATAL(!suspects_now(b) && b->mono_ms < pace(b)->level_at_ms + 2 * (PACE_TRY_MS << failed));
			bed_make_stable(b, bed_standing(b).executed / BED_K * BED_K);
			pace(b)->span[false].count = 0;
		}
		CU_ASSERT(pace(b)->tried);
		served(b, (uint8_t)(view % b->n), number++);
	}
	/* A try that holds makes the next one sooner. */
	wait(b, (PACE_TRY_MS << 1) + 100);
	CU_ASSERT(pace(b)->level == 0 && pace(b)->tries == 0 && !pace(b)->tried);
	bed_free(b);
}

/* ---- many that take turns ---- */

/* For half a second: `count` requests of `sessions` sessions. */
static void window(struct bed *b, uint32_t sessions, uint32_t count)
{
	struct pbft *p = (struct pbft *)b->core;
	for (uint32_t i = 0; i < count; i++) {
		struct bft_request_id id = { .session = 1 + i % sessions, .number = i };
		load_executed(p, &id, 1);
	}
	bed_tick(b, LOAD_WINDOW_MS);
	load_executed(p, NULL, 0);
}

static void sessions_take_turns(void)
{
	struct bed *b = backup();
	const struct pbft *p = (struct pbft *)b->core;
	CU_ASSERT(load_turns_ms(p) == 0);
	window(b, 512, 2000);
	window(b, 512, 2000);
	/* A few are told apart no more. */
	CU_ASSERT(load_turns_ms(p) > 450 * LOAD_TIMES * LOAD_WINDOW_MS / 2000 && load_turns_ms(p) <= 512 * LOAD_TIMES * LOAD_WINDOW_MS / 2000);
	bed_request(b, 1, 1, bed_digest(1));
	CU_ASSERT(left(b) == BAR_MS + load_turns_ms(p) && pace_mean_bar_ms(p) == load_turns_ms(p));
	/* Few that ask again and again wait for themselves. */
	window(b, 8, 2000);
	window(b, 8, 2000);
	CU_ASSERT(load_turns_ms(p) <= 8 && pace_mean_bar_ms(p) == PACE_MEAN_FLOOR_MS + PACE_MEAN_TIMES * RTT_MS);
	bed_free(b);
}

/* Else a slow leader would be its own excuse. */
static void the_best_rate_counts(void)
{
	struct bed *b = backup();
	const struct pbft *p = (struct pbft *)b->core;
	window(b, 100, 100);
	CU_ASSERT(load_turns_ms(p) <= 100 * LOAD_EACH_MAX_US / 1000); /* nobody was faster yet */
	window(b, 100, 4000);
	for (uint32_t i = 0; i < LOAD_FORGET_MS / LOAD_WINDOW_MS; i++)
		window(b, 100, 100);
	CU_ASSERT(load_turns_ms(p) <= 100 * LOAD_TIMES * LOAD_WINDOW_MS / (4000 - 4000 / LOAD_FORGET_PART) + 1);
	bed_free(b);
}

/* ---- many that are a little late ---- */

#define MEAN_MS (PACE_MEAN_FLOOR_MS + PACE_MEAN_TIMES * RTT_MS)

/* `count` requests of a session one after the other, each executed `ms` after it came. */
static void serve_as(struct bed *b, uint8_t leader, uint64_t session, uint32_t count, uint64_t ms, bool shown)
{
	static uint64_t number = 1000;
	for (uint32_t i = 0; i < count; i++, number++) {
		bft_seq seq = bed_standing(b).executed + 1;
		bed_request_as(b, session, number, bed_digest(number), shown);
		wait(b, ms);
		b->ends[b->ends_count++] = (struct bft_request_id){ .session = session, .number = number };
		bed_decide(b, leader, seq, bed_digest(100000 + number));
		bed_make_stable(b, seq / BED_K * BED_K);
	}
}

static void serve_session(struct bed *b, uint8_t leader, uint64_t session, uint32_t count, uint64_t ms)
{
	serve_as(b, leader, session, count, ms, false);
}

static void serve(struct bed *b, uint8_t leader, uint32_t count, uint64_t ms)
{
	serve_session(b, leader, 1, count, ms);
}

static uint32_t enough(uint64_t ms)
{
	uint32_t of_time = (uint32_t)(PACE_SPAN_MS / ms + 2);
	return of_time > PACE_SPAN_COUNT + 1 ? of_time : PACE_SPAN_COUNT + 1;
}

/* Each far below the bar of a single one. */
static void a_mean_above_its_bar_is_slow(void)
{
	struct bed *b = backup();
	serve(b, 0, 2 * enough(MEAN_MS), MEAN_MS);
	CU_ASSERT(!suspects_now(b));
	serve(b, 0, 2 * enough(MEAN_MS), MEAN_MS + 5);
	CU_ASSERT(suspects_now(b) && pace(b)->slow);
	/* Quick again for as long: withdrawn. */
	serve(b, 0, 2 * enough(MEAN_MS / 2), MEAN_MS / 2);
	CU_ASSERT(!suspects_now(b));
	bed_free(b);
}

static void one_bad_moment_is_not_the_mean(void)
{
	struct bed *b = backup();
	for (uint32_t i = 0; i < 4; i++) {
		serve(b, 0, 1, BAR_MS - 10);
		serve(b, 0, enough(20), 20);
	}
	CU_ASSERT(!suspects_now(b));
	bed_free(b);
}

/* The accomplice is served at once, and asks ten times as often: each of the others counts as much as it does. */
static void who_is_served_at_once_hides_nobody(void)
{
	struct bed *b = backup();
	for (uint32_t round = 0; round < 4; round++)
		for (uint64_t session = 2; session < 7; session++) {
			serve_session(b, 0, 1, 10, 1);
			serve_session(b, 0, session, 1, 3 * MEAN_MS);
		}
	CU_ASSERT(suspects_now(b) && pace(b)->slow);
	bed_free(b);
}

/* A leader that hears everybody 200 ms late: what its clients send to all after 150 is executed soon after that, and hides what was shown at once, one in 48. */
static void what_was_shown_at_once_is_judged_by_itself(void)
{
	struct bed *b = backup();
	for (uint32_t i = 0; i <= PACE_SPAN_COUNT; i++) {
		serve_as(b, 0, i, 1, 200, true);
		serve_as(b, 0, i, 20, 10, false);
	}
	CU_ASSERT(suspects_now(b) && pace(b)->slow && pace(b)->span[true].slow && !pace(b)->span[false].slow);
	bed_free(b);
	/* And not the other way round: what an honest leader does at once does not excuse what all wait for. */
	b = backup();
	for (uint32_t i = 0; i < 2 * PACE_SPAN_COUNT; i++) {
		serve_as(b, 0, i, 1, 5, true);
		serve_as(b, 0, i, 3, 3 * MEAN_MS, false);
	}
	CU_ASSERT(suspects_now(b) && pace(b)->span[false].slow && !pace(b)->span[true].slow);
	bed_free(b);
}

static void the_mean_of_few_says_nothing(void)
{
	struct bed *b = backup();
	serve(b, 0, PACE_SPAN_COUNT - 2, 3 * MEAN_MS);
	CU_ASSERT(!suspects_now(b));
	bed_free(b);
}

/* A loaded member answers late: the least round trip of the last while counts, so nobody raises the bar by answering late now and then. */
static void the_least_round_trip_counts(void)
{
	struct bed *b = backup();
	b->rtt_us = 50000;
	serve(b, 0, 2 * enough(MEAN_MS + 20), MEAN_MS + 20);
	CU_ASSERT(suspects_now(b));
	bed_free(b);
	b = backup();
	b->rtt_us = 50000; /* it is far, from now on */
	wait(b, 2 * PACE_LEAST_MS + 100);
	serve(b, 0, 2 * enough(PACE_MEAN_TIMES * 50), PACE_MEAN_TIMES * 50);
	CU_ASSERT(!suspects_now(b));
	bed_free(b);
}

/* In a network that is slow for good two leaders lose their office, and the third stays. */
static void a_level_up_the_slow_network_is_fine(void)
{
	struct bed *b = backup();
	pace(b)->tries = PACE_TRIES_MAX;
	serve(b, 0, 2 * enough(3 * MEAN_MS), 3 * MEAN_MS);
	bed_suspect(b, 2, 0, true);
	CU_ASSERT(bed_standing(b).view == 1 && pace(b)->level == 1);
	bed_enter_view(b, 2);
	serve(b, 2, 2 * enough(3 * MEAN_MS), 3 * MEAN_MS);
	CU_ASSERT(suspects_now(b));
	bed_suspect(b, 3, 2, true);
	CU_ASSERT(bed_standing(b).view == 3 && pace(b)->level == 2);
	bed_enter_view(b, 3);
	for (uint32_t i = 0; i < 2; i++) {
		serve(b, 3, enough(3 * MEAN_MS), 3 * MEAN_MS);
		wait(b, PACE_LEVEL_MS);
		CU_ASSERT(!suspects_now(b) && pace(b)->level == 2); /* it does not come down while it is needed */
	}
	wait(b, PACE_LEVEL_MS + 100);
	CU_ASSERT(!suspects_now(b) && pace(b)->level == 1);
	bed_free(b);
}

/* Somebody else's suspicion, or the timeout's, says nothing about the bar. */
static void only_a_slow_leader_moves_the_level(void)
{
	struct bed *b = backup();
	bed_request(b, 1, 1, bed_digest(1));
	bed_suspect(b, 2, 0, true);
	bed_suspect(b, 3, 0, true);
	CU_ASSERT(bed_standing(b).view == 1 && pace(b)->level == 0);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "who takes longer than the bar is suspected", who_takes_longer_than_the_bar_is_suspected },
		{ "without a round trip nobody is slow", without_a_round_trip_nobody_is_slow },
		{ "the ordinary timeout stays", the_ordinary_timeout_stays },
		{ "the bar grows with the round trip", the_bar_grows_with_the_round_trip },
		{ "it grows with my own flush", it_grows_with_my_own_flush },
		{ "a frozen process blames nobody", a_frozen_process_blames_nobody },
		{ "idleness is no stall", idleness_is_no_stall },
		{ "what need not be flushed is not timed", what_need_not_be_flushed_is_not_timed },
		{ "it grows with what was held before", it_grows_with_what_was_held_before },
		{ "the leader does not move it", the_leader_does_not_move_it },
		{ "not while I execute", not_while_i_execute },
		{ "not while I am behind", not_while_i_am_behind },
		{ "not while the window is full", not_while_the_window_is_full },
		{ "each view begins anew", each_view_begins_anew },
		{ "it is withdrawn when the request executes", it_is_withdrawn_when_the_request_executes },
		{ "the bar doubles with each slow leader", the_bar_doubles_with_each_slow_leader },
		{ "it comes down when the lower one would do", it_comes_down_when_the_lower_one_would_do },
		{ "sessions take turns", sessions_take_turns },
		{ "the best rate counts", the_best_rate_counts },
		{ "a mean above its bar is slow", a_mean_above_its_bar_is_slow },
		{ "one bad moment is not the mean", one_bad_moment_is_not_the_mean },
		{ "who is served at once hides nobody", who_is_served_at_once_hides_nobody },
		{ "what was shown at once is judged by itself", what_was_shown_at_once_is_judged_by_itself },
		{ "the mean of few says nothing", the_mean_of_few_says_nothing },
		{ "the least round trip counts", the_least_round_trip_counts },
		{ "the lower one is tried", the_lower_one_is_tried },
		{ "a level up the slow network is fine", a_level_up_the_slow_network_is_fine },
		{ "only a slow leader moves the level", only_a_slow_leader_moves_the_level },
		{ 0 },
	};
	return unit_main("pace", cases);
}
