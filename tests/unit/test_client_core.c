/* The client's core: whose words make an answer, where and when it asks, what it sends again, what it refuses. */
#include "client/match.h"
#include "tests/unit/client_core_bed.h"

/* ---- matching ---- */

static void one_answer_from_enough(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	CU_ASSERT(bed->sent_count == 0 && client_core_deadline(bed->core) <= bed->now);
	tick();
	CU_ASSERT(bed->sent_count == 1 && bed->sent[0].member == 0 && bed->sent[0].b.session == 0x70001 && bed->sent[0].b.number == 1);
	struct word x = word_done(0x70001, 1, 5, 'a');
	CU_ASSERT(say(2, &x) && bed->got_count == 0);
	x.late = true; /* the two forms say the same */
	CU_ASSERT(say(3, &x) && bed->got_count == 1);
	struct got *g = &bed->got[0];
	CU_ASSERT(g->error == QUORATE_OK && g->tag == 1 && g->seq == 5 && g->session == 0x70001 && g->number == 1 && g->index == 0);
	CU_ASSERT(g->value_bytes == 1 && g->value[0] == 'a');
	/* Those who come late change nothing. */
	say_by(4, &x);
	x = word_done(0x70001, 1, 6, 'b');
	say_by(4, &x);
	CU_ASSERT(bed->got_count == 1);
	run_to(60000);
	CU_ASSERT(bed->got_count == 1);
	bed_end();
}

static void liars_cannot_make_one(void)
{
	for (uint32_t n = 4; n <= 64; n += 15) {
		uint32_t f = quorum_faults(n);
		struct client_session *s = ready_bed(n, NULL);
		submit(s, "op", 1);
		tick();
		struct word lie = word_done(0x70001, 1, 5, 'x'), truth = word_done(0x70001, 1, 5, 'a');
		/* f equal lies, again and again. */
		for (int again = 0; again < 5; again++)
			for (uint32_t i = 0; i < f; i++)
				CU_ASSERT(say(i, &lie));
		CU_ASSERT(bed->got_count == 0);
		for (uint32_t i = 0; i < f; i++)
			CU_ASSERT(say(n - 1 - i, &truth) && bed->got_count == 0);
		CU_ASSERT(say(n - 1 - f, &truth) && bed->got_count == 1);
		CU_ASSERT(bed->got[0].value[0] == 'a');
		bed_end();
	}
}

static void what_must_be_the_same(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	tick();
	struct word x = word_done(0x70001, 1, 5, 'a');
	CU_ASSERT(say(0, &x));
	x.seq = 6;
	CU_ASSERT(say(1, &x) && bed->got_count == 0); /* another sequence */
	struct word late = word_status(0x70001, 1, RESULT_TOO_OLD);
	late.seq = 5;
	CU_ASSERT(say(2, &late) && bed->got_count == 0); /* another status */
	struct word other = word_done(0x70001, 1, 5, 'b');
	CU_ASSERT(say(3, &other) && bed->got_count == 0); /* another value */
	CU_ASSERT(say(2, &other) && bed->got_count == 1 && bed->got[0].value[0] == 'b');
	bed_end();
}

/* Two requests were signed under one number: who has the one that was not executed hears so, and not the other's result. */
static void another_request_under_its_number(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	submit(s, "op", 2);
	tick();
	struct word other = word_done(0x70001, 1, 5, 'a'), mine = other;
	other.another = 1;
	other.late = true;
	CU_ASSERT(say(0, &mine) && say(1, &other) && bed->got_count == 0); /* they do not agree */
	/* Its result need not fit the one that was sent. */
	other.count = 2;
	other.values = "\1\0\0\0a\1\0\0\0b";
	other.values_bytes = 10;
	CU_ASSERT(say(1, &other) && say(2, &other) && bed->got_count == 1);
	CU_ASSERT(bed->got[0].error == QUORATE_REFUSED && bed->got[0].tag == 1 && bed->got[0].value_bytes == 0 &&
	          strstr(bed->got[0].reason, "under its number"));
	/* The session goes on. */
	struct word next = word_done(0x70001, 2, 6, 'c');
	CU_ASSERT(say(0, &next) && say(1, &next) && bed->got_count == 2 && bed->got[1].error == QUORATE_OK);
	/* An opening alike. */
	client_session_open(bed->core, on_answer, nth(3));
	tick();
	struct word opened = word_opened(last_bundle()->b.number, 0x80001);
	opened.another = 1;
	CU_ASSERT(say(0, &opened) && say(1, &opened) && bed->got_count == 3 && bed->got[2].error == QUORATE_REFUSED && bed->got[2].tag == 3);
	bed_end();
}

static void one_voice_each(void)
{
	struct client_session *s = ready_bed(7, NULL); /* three must agree */
	submit(s, "op", 1);
	tick();
	struct word a = word_done(0x70001, 1, 5, 'a'), b = word_done(0x70001, 1, 5, 'b');
	for (int i = 0; i < 10; i++)
		CU_ASSERT(say(3, &a)); /* voting twice is voting once */
	CU_ASSERT(say(4, &a) && bed->got_count == 0);
	CU_ASSERT(say(3, &b)); /* the first vote is taken back */
	CU_ASSERT(say(5, &a) && bed->got_count == 0);
	CU_ASSERT(say(3, &a) && bed->got_count == 1 && bed->got[0].value[0] == 'a');
	bed_end();
}

static void opinions(void)
{
	struct client_opinion of[7] = { 0 };
	struct digest a = { { 1 } }, b = { { 2 } };
	CU_ASSERT(client_match_result(of, 7, 0, 1, &a) == 1);
	CU_ASSERT(client_match_result(of, 7, 0, 1, &a) == 1);
	CU_ASSERT(client_match_result(of, 7, 1, 1, &b) == 1);
	CU_ASSERT(client_match_result(of, 7, 2, 1, &a) == 2);
	CU_ASSERT(client_match_result(of, 7, 3, 2, &a) == 1);
	CU_ASSERT(client_match_result(of, 7, 0, 1, &b) == 2);
	CU_ASSERT(client_match_result(of, 7, 4, 1, &a) == 2);
	CU_ASSERT(client_match_refusal(of, 7, 5, REFUSAL_BUSY) == 0);
	CU_ASSERT(client_match_refusal(of, 7, 5, REFUSAL_MALFORMED) == 1);
	CU_ASSERT(client_match_refusal(of, 7, 6, REFUSAL_SIGNATURE) == 2);
	CU_ASSERT(client_match_refusal(of, 7, 6, REFUSAL_SPACE) == 1);

	bft_view said[4] = { 0, 0, 0, 0 };
	CU_ASSERT(client_match_view(said, 4, 2) == 0);
	said[2] = 1000; /* one liar */
	CU_ASSERT(client_match_view(said, 4, 2) == 0);
	said[1] = 7;
	CU_ASSERT(client_match_view(said, 4, 2) == 7);
	said[0] = 9;
	CU_ASSERT(client_match_view(said, 4, 2) == 9 && client_match_view(said, 4, 1) == 1000 && client_match_view(said, 4, 3) == 7);
}

static void counts_that_are_wrong(void)
{
	static const struct quorate_op ops[3] = { { "a", 1 }, { "b", 1 }, { "c", 1 } };
	static const uint8_t values[] = { 1, 0, 0, 0, 'A', 0, 0, 0, 0, 2, 0, 0, 0, 'C', 'C', 1, 0, 0, 0, 'D' };
	static const size_t upto[] = { 0, 5, 9, 15, 20 };
	struct client_session *s = ready_bed(4, NULL);
	CU_ASSERT(client_session_submit_bundle(s, ops, 3, on_answer, nth(1)) == QUORATE_OK);
	tick();
	for (uint16_t count = 0; count <= 4; count++) {
		struct word x = { .session = 0x70001, .number = 1, .seq = 5, .count = count, .values = values, .values_bytes = upto[count] };
		if (count == 3)
			continue;
		for (uint32_t i = 0; i < 4; i++)
			CU_ASSERT(!say(i, &x));
		/* Values with what was not executed. */
		x.status = RESULT_QUOTA;
		for (uint32_t i = 0; count && i < 4; i++)
			CU_ASSERT(!say(i, &x));
	}
	CU_ASSERT(bed->got_count == 0);
	struct word x = { .session = 0x70001, .number = 1, .seq = 5, .count = 3, .values = values, .values_bytes = upto[3] };
	say_by(2, &x);
	CU_ASSERT(bed->got_count == 3);
	for (uint16_t i = 0; i < 3; i++)
		CU_ASSERT(bed->got[i].index == i && bed->got[i].error == QUORATE_OK && bed->got[i].tag == 1 && bed->got[i].number == 1);
	CU_ASSERT(bed->got[0].value_bytes == 1 && bed->got[1].value_bytes == 0 && bed->got[2].value_bytes == 2 && bed->got[2].value[1] == 'C');
	bed_end();
}

static void large_results(void)
{
	struct client_session *s = ready_bed(4, NULL);
	for (size_t over = 0; over < 2; over++) {
		size_t n = RESULT_BYTES_MAX - RESULT_HEAD_BYTES + over;
		uint8_t *values = calloc(1, n);
		struct wr w = wr_of(values, 4);
		wr_u32(&w, (uint32_t)(n - 4));
		submit(s, "op", 1 + over);
		tick();
		struct word x = { .session = 0x70001, .number = 1 + over, .seq = 5, .count = 1, .values = values, .values_bytes = n };
		for (uint32_t i = 0; i < 2; i++)
			CU_ASSERT(say(i, &x) == (over == 0));
		CU_ASSERT(bed->got_count == 1 && bed->got[0].value_bytes == RESULT_BYTES_MAX - RESULT_HEAD_BYTES - 4);
		free(values);
	}
	bed_end();
}

/* ---- where and when ---- */

static uint32_t bundles_at(uint64_t at, bft_mask *members)
{
	uint32_t count = 0;
	*members = 0;
	for (uint32_t i = 0; i < bed->sent_count; i++) {
		if (bed->sent[i].type != BFT_WIRE_BUNDLE || bed->sent[i].at_ms != at)
			continue;
		count++;
		*members |= BFT_BIT(bed->sent[i].member);
	}
	return count;
}

static void retries(void)
{
	struct client_core_options options = { .timeout_ms = 20000, .retry_ms = 100 };
	struct client_session *s = ready_bed(4, &options);
	uint64_t start = bed->now;
	submit(s, "op", 1);
	tick();
	bft_mask members;
	CU_ASSERT(bundles_at(start, &members) == 1 && members == 1); /* the leader alone */
	run_to(start + 99);
	CU_ASSERT(bed->sent_count == 1);
	run_to(start + 100);
	CU_ASSERT(bundles_at(start + 100, &members) == 4 && members == 0xF);
	run_to(start + 30000);
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_UNKNOWN);
	uint64_t last = start + 100, wait = 200;
	uint32_t rounds = 0;
	for (uint32_t i = 5; i < bed->sent_count; i++) {
		CU_ASSERT(bed->sent[i].n == bed->sent[0].n && memcmp(bed->sent[i].bytes, bed->sent[0].bytes, bed->sent[0].n) == 0);
		if (bed->sent[i].at_ms == last)
			continue;
		uint64_t gap = bed->sent[i].at_ms - last;
		CU_ASSERT(gap > wait / 2 - 1 && gap <= wait && gap <= CLIENT_BACK_OFF_MS_MAX);
		CU_ASSERT(bundles_at(bed->sent[i].at_ms, &members) == 4 && members == 0xF);
		last = bed->sent[i].at_ms;
		wait = wait * 2 < CLIENT_BACK_OFF_MS_MAX ? wait * 2 : CLIENT_BACK_OFF_MS_MAX;
		rounds++;
	}
	CU_ASSERT(rounds >= 10 && rounds < 30 && last < start + 20000);
	bed_end();
}

/* A cluster that is slow is not asked everything again: so much at once, and more as time and answers come. */
static void what_is_sent_again_has_a_budget(void)
{
	struct client_core_options options = { .timeout_ms = 60000, .retry_ms = 100, .bundles_max = 256, .shown = UINT32_MAX };
	struct client_session *s = ready_bed(4, &options);
	bft_mask members;
	uint64_t start = bed->now;
	for (uint32_t i = 0; i < CLIENT_AGAIN_MAX + 40; i++)
		submit(s, "op", i);
	tick();
	tick();
	forget_sent();
	run_to(start + 100 + CLIENT_AGAIN_MS - 1);
	uint32_t first = count_sent(BFT_WIRE_BUNDLE, &members);
	CU_ASSERT(members == 0xF && first >= 4 * CLIENT_AGAIN_MAX && first <= 4 * (CLIENT_AGAIN_MAX + 1));
	forget_sent();
	run_to(start + 100 + 20 * CLIENT_AGAIN_MS);
	uint32_t later = count_sent(BFT_WIRE_BUNDLE, &members);
	CU_ASSERT(later >= 4 && later <= 4 * 20);
	/* Nothing is forgotten: in time each goes to everybody. */
	forget_sent();
	run_to(start + 20000);
	bool shown[CLIENT_AGAIN_MAX + 41] = { false };
	for (uint32_t i = 0; i < bed->sent_count; i++)
		shown[bed->sent[i].b.number] |= bed->sent[i].member == 3;
	uint32_t count = 0;
	for (uint32_t i = 1; i <= CLIENT_AGAIN_MAX + 40; i++)
		count += shown[i];
	CU_ASSERT_EQUAL(count, CLIENT_AGAIN_MAX + 40);
	bed_end();
}

/* The former leader may have been the only one that knew of them. */
static void a_new_leader_hears_of_all(void)
{
	struct client_core_options options = { .bundles_max = 256, .shown = UINT32_MAX, .retry_ms = 60000 };
	struct client_session *s = ready_bed(4, &options);
	bft_mask members;
	for (uint32_t i = 0; i < 100; i++)
		submit(s, "op", i);
	tick();
	tick();
	forget_sent();
	struct word x = word_done(0x70001, 1, 5, 'a');
	x.view = 6;
	CU_ASSERT(say(3, &x) && count_sent(BFT_WIRE_BUNDLE, &members) == 0); /* one may lie */
	CU_ASSERT(say(1, &x) && count_sent(BFT_WIRE_BUNDLE, &members) == 100 && members == BFT_BIT(2));
	/* Once, whatever a liar says meanwhile. */
	forget_sent();
	for (uint64_t view = 0; view < 20; view++) {
		struct word y = word_done(0x70001, 2, 5, 'a');
		y.view = view % 2 ? 4001 : 0;
		CU_ASSERT(say(3, &y));
	}
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 0);
	bed_end();
}

/* What a backup knows of, it can judge its leader by. Where nobody lies there is nothing to judge. */
static void some_are_shown_to_all(void)
{
	struct client_core_options options = { .bundles_max = 256, .shown = 4, .retry_ms = 5000 };
	struct client_session *s = ready_bed(4, &options);
	bft_mask members;
	forget_sent();
	for (uint32_t i = 0; i < 100; i++)
		submit(s, "op", i);
	tick();
	tick();
	uint32_t count = count_sent(BFT_WIRE_BUNDLE, &members);
	CU_ASSERT(members == 0xF && count > 100 + 3 * 10 && count < 100 + 3 * 50);
	/* It says so to all but the leader; and what is sent again has waited elsewhere. */
	for (uint32_t i = 0; i < bed->sent_count; i++)
		CU_ASSERT(bed->sent[i].is_shown == (bed->sent[i].member != 0));
	forget_sent();
	run_to(bed->now + 5100);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) > 0 && members == 0xF);
	for (uint32_t i = 0; i < bed->sent_count; i++)
		CU_ASSERT(!bed->sent[i].is_shown);
	bed_end();
	bed_mode = BFT_MODE_TRUSTED;
	s = ready_bed(4, &options);
	forget_sent();
	for (uint32_t i = 0; i < 50; i++)
		submit(s, "op", i);
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 50 && members == 1);
	bed_end();
	bed_mode = BFT_MODE_BFT;
}

static void the_leader_is_who_enough_say(void)
{
	struct client_session *s = ready_bed(4, NULL);
	bft_mask members;
	submit(s, "op", 1);
	tick();
	struct word x = word_done(0x70001, 1, 5, 'a');
	x.view = 4001; /* a liar's */
	CU_ASSERT(say(3, &x) && client_core_leader(bed->core) == 0);
	x.view = 6;
	CU_ASSERT(say(1, &x) && bed->got_count == 1);
	CU_ASSERT(client_core_leader(bed->core) == 2);
	x.view = BFT_VIEW_MAX + 1;
	CU_ASSERT(!say(2, &x) && client_core_leader(bed->core) == 2);
	/* Its link is down: everybody else is asked at once. */
	forget_sent();
	client_core_link(bed->core, 2, false);
	submit(s, "op", 2);
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 3 && members == 0xB);
	bed_end();
}

static void links_that_come_back(void)
{
	struct client_session *s = ready_bed(4, NULL);
	bft_mask members;
	submit(s, "op", 1);
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 1 && members == 1);
	/* Somebody who was not asked: the session is named, nothing is sent. */
	forget_sent();
	client_core_link(bed->core, 3, false);
	client_core_link(bed->core, 3, true);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 0 && count_sent(BFT_WIRE_ATTACH, &members) == 1 && members == BFT_BIT(3));
	/* The leader: what was on its way may be lost. */
	forget_sent();
	client_core_link(bed->core, 0, false);
	client_core_link(bed->core, 0, true);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 1 && members == 1);
	CU_ASSERT(bed->sent[0].type == BFT_WIRE_ATTACH); /* before what it is for */
	bed_end();

	/* Nobody is there: whoever comes first gets it. */
	s = ready_bed(4, NULL);
	for (uint32_t i = 0; i < 4; i++)
		client_core_link(bed->core, i, false);
	submit(s, "op", 1);
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 0);
	client_core_link(bed->core, 2, true);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 1 && members == BFT_BIT(2));
	bed_end();
}

static void time_is_over(void)
{
	struct client_core_options options = { .timeout_ms = 500 };
	struct client_session *s = ready_bed(4, &options);
	uint64_t start = bed->now;
	submit(s, "sent", 1);
	tick();
	CU_ASSERT(say_refused(1, 0x70001, 1, REFUSAL_BUSY) && say_refused(2, 0x70001, 1, REFUSAL_BUSY) && say_refused(3, 0x70001, 1, REFUSAL_SPACE));
	run_to(start + 499);
	CU_ASSERT(bed->got_count == 0);
	run_to(start + 500);
	CU_ASSERT_FATAL(bed->got_count == 1);
	CU_ASSERT(bed->got[0].error == QUORATE_UNKNOWN && bed->got[0].number == 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(bed->got[0].reason, "2 said: the replica holds as many requests"));
	/* An answer that comes now is nobody's. */
	struct word x = word_done(0x70001, 1, 5, 'a');
	say_by(4, &x);
	CU_ASSERT(bed->got_count == 1);

	/* Never on any link: unreachable. A full queue is no link either. */
	bed->deaf = 0xF;
	submit(s, "unsent", 2);
	run_to(bed->now + 500);
	CU_ASSERT(bed->got_count == 2 && bed->got[1].error == QUORATE_UNREACHABLE && bed->got[1].tag == 2);
	uint64_t kept[CLIENT_KEPT_MAX];
	CU_ASSERT(client_session_kept(s, kept) == 1 && kept[0] == 1);
	bed_end();
}

/* Time stood still in the core while nothing happened: a new operation has its whole time all the same. */
static void time_that_passed_unseen(void)
{
	struct client_core_options options = { .timeout_ms = 500 };
	struct client_session *s = ready_bed(4, &options);
	run_to(bed->now + 100000);
	submit(s, "op", 1);
	tick();
	run_to(bed->now + 499);
	CU_ASSERT(bed->got_count == 0);
	run_to(bed->now + 1);
	CU_ASSERT(bed->got_count == 1);
	/* A clock that goes back stands still. */
	client_core_tick(bed->core, 5, 5);
	CU_ASSERT(bed->got_count == 1);
	bed_end();
}

/* ---- asking again ---- */

static void asked_again(void)
{
	struct client_core_options options = { .timeout_ms = 500, .bundle_ops = 3 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "one", 1);
	submit(s, "two", 2);
	tick();
	uint8_t first[512];
	size_t n = bed->sent[0].n;
	CU_ASSERT_FATAL(bed->sent_count == 1 && n <= sizeof first && bed->sent[0].b.count == 2);
	memcpy(first, bed->sent[0].bytes, n);
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, nth(3)) == QUORATE_USAGE); /* it is still on its way */
	struct word old = word_status(0x70001, 1, RESULT_DONE);
	run_to(bed->now + 500);
	CU_ASSERT(bed->got_count == 2 && bed->got[0].error == QUORATE_UNKNOWN && bed->got[1].error == QUORATE_UNKNOWN);
	CU_ASSERT(client_session_ask_again(s, 2, on_answer, nth(3)) == QUORATE_USAGE);
	forget_sent();
	bed->got_count = 0;
	bed->inside = true;
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, nth(3)) == QUORATE_OK);
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, nth(4)) == QUORATE_USAGE);
	bed->inside = false;
	CU_ASSERT(bed->sent_count == 0);
	tick();
	bft_mask members;
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 4 && members == 0xF);
	for (uint32_t i = 0; i < bed->sent_count; i++)
		CU_ASSERT(bed->sent[i].n == n && memcmp(bed->sent[i].bytes + 1, first + 1, n - 1) == 0);
	static const uint8_t values[] = { 1, 0, 0, 0, 'x', 1, 0, 0, 0, 'y' };
	old.count = 2;
	old.values = values;
	old.values_bytes = sizeof values;
	old.late = true;
	say_by(4, &old);
	CU_ASSERT(bed->got_count == 2 && bed->got[0].tag == 3 && bed->got[1].tag == 3 && bed->got[1].index == 1 && bed->got[1].value[0] == 'y');
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, nth(5)) == QUORATE_USAGE); /* known now */

	/* Too late for it: the session has gone on, and whether it was executed stays unknown. */
	submit(s, "three", 6);
	tick();
	bed->got_count = 0;
	run_to(bed->now + 500);
	CU_ASSERT(client_session_ask_again(s, 2, on_answer, nth(7)) == QUORATE_OK);
	tick();
	struct word too_old = word_status(0x70001, 2, RESULT_TOO_OLD);
	too_old.seq = 0;
	say_by(2, &too_old);
	CU_ASSERT(bed->got_count == 2 && bed->got[1].error == QUORATE_UNKNOWN && bed->got[1].tag == 7);
	bed_end();
}

/* Opinions from before do not count for what is asked again. */
static void asked_again_from_nothing(void)
{
	struct client_core_options options = { .timeout_ms = 500 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "one", 1);
	tick();
	struct word x = word_done(0x70001, 1, 5, 'a');
	CU_ASSERT(say(3, &x));
	run_to(bed->now + 500);
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, nth(2)) == QUORATE_OK);
	tick();
	CU_ASSERT(say(1, &x) && bed->got_count == 1);
	CU_ASSERT(say(2, &x) && bed->got_count == 2);
	bed_end();
}

static void what_is_kept_is_bounded(void)
{
	struct client_core_options options = { .timeout_ms = 500, .bundles_max = 1000 };
	uint64_t kept[CLIENT_KEPT_MAX];
	struct client_session *s = ready_bed(4, &options);
	for (uintptr_t i = 1; i <= 150; i++) {
		submit(s, "op", i);
		run_to(bed->now + 10);
		forget_sent();
	}
	run_to(bed->now + 1000);
	CU_ASSERT(bed->got_count == 150 && client_session_kept(s, kept) == CLIENT_KEPT_MAX);
	CU_ASSERT(kept[0] == 150 - CLIENT_KEPT_MAX + 1 && kept[CLIENT_KEPT_MAX - 1] == 150);
	CU_ASSERT(client_session_ask_again(s, 1, on_answer, NULL) == QUORATE_USAGE);
	/* Large ones sooner. */
	uint8_t *large = calloc(1, CLIENT_OP_BYTES_MAX);
	for (uintptr_t i = 0; i < 20; i++) {
		CU_ASSERT(client_session_submit(s, large, CLIENT_OP_BYTES_MAX, on_answer, NULL) == QUORATE_OK);
		run_to(bed->now + 1000);
		forget_sent();
	}
	free(large);
	CU_ASSERT(client_session_kept(s, kept) == CLIENT_KEPT_BYTES_MAX / (BFT_BUNDLE_BYTES_MAX + BFT_FRAME_HEAD_BYTES) && kept[0] > 150);
	bed_end();
}

/* ---- bundles ---- */

static void what_waits_shares_a_signature(void)
{
	static const struct quorate_op two[2] = { { "x", 1 }, { "y", 1 } };
	struct client_core_options options = { .bundle_ops = 3 };
	struct client_session *s = ready_bed(4, &options);
	for (uintptr_t i = 1; i <= 7; i++)
		submit(s, "op", i);
	CU_ASSERT(client_session_submit_bundle(s, two, 2, on_answer, nth(8)) == QUORATE_OK);
	submit(s, "op", 9);
	CU_ASSERT(client_session_snapshot(s, on_answer, nth(10)) == QUORATE_OK);
	submit(s, "op", 11);
	CU_ASSERT(client_session_waiting(s) == 12);
	tick();
	static const uint16_t counts[] = { 3, 3, 1, 2, 1, 0, 1 };
	CU_ASSERT_FATAL(bed->sent_count == 7 && client_session_waiting(s) == 0 && client_session_number(s) == 7);
	for (uint32_t i = 0; i < 7; i++)
		CU_ASSERT(bed->sent[i].b.number == i + 1 && bed->sent[i].b.count == counts[i] &&
		          bed->sent[i].b.kind == (i == 5 ? BUNDLE_SNAPSHOT : BUNDLE_OPS));
	/* Each hears of its own. */
	static const uint8_t values[] = { 1, 0, 0, 0, 'd', 1, 0, 0, 0, 'e', 1, 0, 0, 0, 'f' };
	struct word x = { .session = 0x70001, .number = 2, .seq = 3, .count = 3, .values = values, .values_bytes = sizeof values };
	say_by(2, &x);
	CU_ASSERT(bed->got_count == 3);
	for (uint16_t i = 0; i < 3; i++)
		CU_ASSERT(bed->got[i].tag == 4u + i && bed->got[i].index == i && bed->got[i].value[0] == 'd' + i);
	struct word snapshot = word_status(0x70001, 6, RESULT_DONE);
	snapshot.seq = 77;
	say_by(2, &snapshot);
	CU_ASSERT(bed->got_count == 4 && bed->got[3].tag == 10 && bed->got[3].error == QUORATE_OK && bed->got[3].seq == 77 && bed->got[3].value_bytes == 0);
	bed_end();
}

static void bundles_have_a_size(void)
{
	struct client_core_options options = { .bundle_ops = 1024 };
	struct client_session *s = ready_bed(4, &options);
	size_t n = CLIENT_OP_BYTES_MAX;
	uint8_t *op = calloc(1, n + 1);
	CU_ASSERT(client_session_submit(s, op, n + 1, on_answer, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_session_submit(s, NULL, 1, on_answer, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_session_submit_bundle(s, NULL, 1, on_answer, NULL) == QUORATE_USAGE);
	struct quorate_op halves[3] = { { op, n / 2 }, { op, n / 2 - 4 }, { op, 1 } };
	CU_ASSERT(client_session_submit_bundle(s, halves, 0, on_answer, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_session_submit_bundle(s, halves, BFT_BUNDLE_OPS_MAX + 1, on_answer, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_session_submit_bundle(s, halves, 3, on_answer, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_session_submit_bundle(s, halves, 2, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, n, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, 1, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, 0, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, n - 9, on_answer, NULL) == QUORATE_OK); /* beside the two, to the last byte */
	tick();
	CU_ASSERT(bed->sent_count == 3 && bed->sent[2].b.count == 3 && bed->sent[2].n == BFT_FRAME_HEAD_BYTES + BFT_BUNDLE_BYTES_MAX);
	forget_sent();
	CU_ASSERT(client_session_submit(s, op, 1, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, 0, on_answer, NULL) == QUORATE_OK);
	CU_ASSERT(client_session_submit(s, op, n - 8, on_answer, NULL) == QUORATE_OK); /* one byte too many */
	tick();
	CU_ASSERT(bed->sent_count == 2 && bed->sent[0].b.count == 2 && bed->sent[1].b.count == 1);
	free(op);
	bed_end();
}

static void the_queue_is_bounded(void)
{
	static const struct quorate_op two[2] = { { "x", 1 }, { "y", 1 } };
	struct client_core_options options = { .queue_max = 10, .bundles_max = 2 };
	struct client_session *s = ready_bed(4, &options);
	for (int i = 0; i < 9; i++)
		submit(s, "op", 1);
	CU_ASSERT(client_session_submit_bundle(s, two, 2, on_answer, NULL) == QUORATE_FAILED);
	submit(s, "op", 1);
	CU_ASSERT(client_session_submit(s, "op", 2, on_answer, NULL) == QUORATE_FAILED);
	CU_ASSERT(client_session_snapshot(s, on_answer, NULL) == QUORATE_FAILED);
	tick();
	CU_ASSERT(bed->sent_count == 2 && client_session_waiting(s) == 8);
	submit(s, "op", 1);
	/* Answers make room in the order of the queue. */
	struct word x = word_done(0x70001, 2, 5, 'a');
	say_by(2, &x);
	tick();
	CU_ASSERT(bed->sent_count == 3 && last_bundle()->b.number == 3);
	/* What waits too long was never sent. */
	run_to(bed->now + 10000);
	CU_ASSERT(bed->got_count == 11);
	uint32_t unreachable = 0, unknown = 0;
	for (uint32_t i = 1; i < bed->got_count; i++) {
		unreachable += bed->got[i].error == QUORATE_UNREACHABLE;
		unknown += bed->got[i].error == QUORATE_UNKNOWN;
	}
	CU_ASSERT(unknown + unreachable == 10 && unknown >= 2 && client_session_waiting(s) == 0);
	bed_end();
}

static void the_window(void)
{
	struct client_core_options options = { .bundles_max = 1000000, .timeout_ms = 100000 };
	struct client_session *s = ready_bed(4, &options);
	uint32_t window = bed->genesis->limits.session_window;
	bft_mask members;
	for (uintptr_t i = 0; i < window + 5; i++)
		submit(s, "op", i);
	for (int i = 0; i < 100; i++)
		tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == window && client_session_number(s) == window);
	/* The second is answered, the first is not: its place is still needed. */
	struct word x = word_done(0x70001, 2, 5, 'a');
	say_by(2, &x);
	tick();
	CU_ASSERT(client_session_number(s) == window);
	x = word_done(0x70001, 1, 5, 'a');
	say_by(2, &x);
	tick();
	CU_ASSERT(client_session_number(s) == window + 2);
	bed_end();
}

/* Many sessions at once: a tick signs so many and no more, and everybody's turn comes. */
static void a_tick_is_bounded(void)
{
	bed_make(4, NULL);
	link_all();
	enum { SESSIONS = 100 };
	for (uint64_t i = 1; i <= SESSIONS; i++) {
		struct client_session *s = client_session_resume(bed->core, i, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		submit(s, "op", (uintptr_t)i);
	}
	bft_mask members;
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == CLIENT_TICK_BUNDLES && client_core_deadline(bed->core) <= bed->now);
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == SESSIONS && client_core_deadline(bed->core) > bed->now);
	bed_end();
}

/* ---- refusals ---- */

static void statuses(void)
{
	static const struct {
		uint8_t status;
		enum quorate_error error;
	} rows[] = { { RESULT_TOO_OLD, QUORATE_UNKNOWN },    { RESULT_QUOTA, QUORATE_REFUSED },     { RESULT_AFTER, QUORATE_REFUSED },
		     { RESULT_LATER, QUORATE_PRECONDITION }, { RESULT_TOO_LARGE, QUORATE_REFUSED }, { RESULT_NO_SESSION, QUORATE_REFUSED } };
	struct client_session *s = ready_bed(4, NULL);
	for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		submit(s, "op", i);
		tick();
		struct word x = word_status(0x70001, i + 1, rows[i].status);
		say_by(2, &x);
		CU_ASSERT_FATAL(bed->got_count == i + 1);
		CU_ASSERT(bed->got[i].error == rows[i].error && strcmp(bed->got[i].reason, result_text(rows[i].status)) == 0);
	}
	bed_end();
}

static void refused_by_enough(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	tick();
	CU_ASSERT(say_refused(0, 0x70001, 1, REFUSAL_SIGNATURE) && bed->got_count == 0);
	CU_ASSERT(say_refused(0, 0x70001, 1, REFUSAL_MALFORMED) && bed->got_count == 0);
	CU_ASSERT(say_refused(1, 0x70001, 1, REFUSAL_BUSY) && say_refused(2, 0x70001, 1, REFUSAL_OBSERVER) && say_refused(3, 0x70001, 1, REFUSAL_SPACE));
	CU_ASSERT(bed->got_count == 0);
	CU_ASSERT(say_refused(3, 0x70001, 2, REFUSAL_MALFORMED) && bed->got_count == 0); /* another request */
	CU_ASSERT(!say_refused(3, 0x70001, 1, 0) && !say_refused(3, 0x70001, 1, REFUSAL_END) && !say_refused(3, 0x70001, 1, 255));
	CU_ASSERT(say_refused(3, 0x70001, 1, REFUSAL_MALFORMED));
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_REFUSED);
	bed_end();
}

/* ---- bytes ---- */

static void malformed_frames(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	tick();
	for (int late = 0; late < 2; late++) {
		struct word x = word_done(0x70001, 1, 5, 'a');
		x.late = late;
		uint8_t frame[512] = { 0 };
		size_t n = frame_of(&x, frame, sizeof frame);
		for (size_t k = 0; k < n + 4; k++) {
			uint8_t *exact = malloc(k ? k : 1);
			memcpy(exact, frame, k);
			if (k != n)
				CU_ASSERT(!client_core_frame(bed->core, (uint32_t)k % 4, exact, k));
			free(exact);
		}
	}
	CU_ASSERT(bed->got_count == 0);
	/* Another's word is not passed on to clients; unknown types and versions are nobody's. */
	struct word x = word_done(0x70001, 1, 5, 'a');
	uint8_t frame[512];
	size_t n = frame_of(&x, frame, sizeof frame);
	frame[0] = 2;
	CU_ASSERT(!client_core_frame(bed->core, 0, frame, n));
	for (uint32_t type = 0; type <= 0xFFFF; type++) {
		frame[0] = BFT_SIGNER_CHANNEL;
		frame[3] = (uint8_t)type;
		frame[4] = (uint8_t)(type >> 8);
		/* As an answer to a read, those bytes name none that was asked; nor was a link of the chain of epochs. */
		if (type != BFT_WIRE_REPLY && type != BFT_WIRE_REPLY_LATE && type != BFT_WIRE_READ_ANSWER && type != BFT_WIRE_EPOCH)
			CU_ASSERT_FATAL(!client_core_frame(bed->core, 0, frame, n));
	}
	frame[3] = BFT_WIRE_REPLY;
	frame[4] = 0;
	frame[1] = BFT_WIRE_VERSION + 1;
	CU_ASSERT(!client_core_frame(bed->core, 0, frame, n));
	frame[1] = BFT_WIRE_VERSION;
	CU_ASSERT(client_core_frame(bed->core, 77, frame, n)); /* no such member: ignored */
	CU_ASSERT(bed->got_count == 0);
	CU_ASSERT(client_core_frame(bed->core, 0, frame, n) && client_core_frame(bed->core, 1, frame, n) && bed->got_count == 1);
	bed_end();
}

/* One member sends whatever it likes: nothing is answered by it. */
static void random_bytes_from_a_liar(void)
{
	struct client_core_options options = { .timeout_ms = 1000000, .retry_ms = 1000000 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "op", 1);
	tick();
	dice_state = 3;
	for (int i = 0; i < 200000; i++) {
		struct word x = word_done(0x70001, 1, 5, 'a');
		x.late = dice(2);
		uint8_t frame[512];
		size_t n = frame_of(&x, frame, sizeof frame);
		for (uint32_t k = dice(4); k > 0; k--)
			frame[dice((uint32_t)n)] = (uint8_t)dice(256);
		if (dice(4) == 0)
			frame[3] = (uint8_t)dice(12);
		client_core_frame(bed->core, 3, frame, n - dice(3));
		CU_ASSERT_FATAL(bed->got_count == 0);
	}
	CU_ASSERT(client_core_leader(bed->core) == 0);
	bed_end();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "one answer from f+1", one_answer_from_enough },
		{ "f liars cannot make one", liars_cannot_make_one },
		{ "what must be the same", what_must_be_the_same },
		{ "another request under its number", another_request_under_its_number },
		{ "one voice each, which may change", one_voice_each },
		{ "opinions and views", opinions },
		{ "counts that are wrong", counts_that_are_wrong },
		{ "large results", large_results },
		{ "the leader, then all, then again", retries },
		{ "what is sent again has a budget", what_is_sent_again_has_a_budget },
		{ "a new leader hears of all", a_new_leader_hears_of_all },
		{ "some are shown to all", some_are_shown_to_all },
		{ "the leader is who f+1 say", the_leader_is_who_enough_say },
		{ "links that come back", links_that_come_back },
		{ "time is over", time_is_over },
		{ "time that passed unseen", time_that_passed_unseen },
		{ "asked again: the same bytes", asked_again },
		{ "asked again: opinions begin anew", asked_again_from_nothing },
		{ "what is kept is bounded", what_is_kept_is_bounded },
		{ "what waits shares a signature", what_waits_shares_a_signature },
		{ "bundles have a size", bundles_have_a_size },
		{ "the queue is bounded", the_queue_is_bounded },
		{ "the session's window", the_window },
		{ "a tick is bounded", a_tick_is_bounded },
		{ "statuses", statuses },
		{ "refused by f+1", refused_by_enough },
		{ "malformed frames", malformed_frames },
		{ "random bytes from a liar", random_bytes_from_a_liar },
		{ 0 },
	};
	return unit_main("client_core", cases);
}
