/* The client's core: sessions that open, are resumed, evicted and closed, and end in the middle; and what members say of themselves. */
#include "tests/unit/client_core_bed.h"

/* ---- sessions ---- */

static void a_session_opens(void)
{
	bed_make(4, NULL);
	link_all();
	bed->inside = true;
	struct client_session *s = client_session_open(bed->core, on_answer, nth(1));
	bed->inside = false;
	submit(s, "op", 2);
	CU_ASSERT(bed->sent_count == 0 && client_session_id(s) == 0);
	tick();
	bft_mask members;
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 4 && members == 0xF);
	const struct sent *o = last_bundle();
	uint64_t number = o->b.number, void_ms;
	CU_ASSERT(o->b.kind == BUNDLE_OPEN && o->b.session == 0 && number != 0);
	struct rd r = rd_of(o->b.ops + 4, 8);
	CU_ASSERT(rd_u64(&r, &void_ms) && void_ms == WALL + bed->now + CLIENT_VOID_MS);
	/* It has no id yet: one of another length or none is a lie, and so is that there is no such session. */
	struct word x = word_opened(number, 0), bad = word_done(0, number, 1, 'x');
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(!say(i, &x) && !say(i, &bad));
	for (uint8_t status = RESULT_DONE; status < RESULT_STATUS_END; status++) {
		struct word y = word_status(0, number, status);
		if (status != RESULT_QUOTA && status != RESULT_VOID)
			CU_ASSERT(!say(0, &y) && !say(1, &y) && !say(2, &y));
	}
	x = word_opened(number, 0x99);
	CU_ASSERT(say(0, &x) && bed->got_count == 0);
	x = word_opened(number, 0x55);
	CU_ASSERT(say(1, &x) && bed->got_count == 0); /* another session: a lie */
	x = word_opened(number, 0x99);
	CU_ASSERT(say(2, &x) && bed->got_count == 1);
	CU_ASSERT(bed->got[0].error == QUORATE_OK && bed->got[0].session == 0x99 && bed->got[0].tag == 1 && client_session_id(s) == 0x99);
	forget_sent();
	tick();
	/* Everybody learns where its answers go, before what is to be answered. */
	CU_ASSERT(count_sent(BFT_WIRE_ATTACH, &members) == 4 && members == 0xF);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 1 && last_bundle()->b.session == 0x99 && last_bundle()->b.number == 1);
	CU_ASSERT(bed->sent[4].type == BFT_WIRE_BUNDLE);
	bed_end();
}

static void a_session_does_not_open(void)
{
	static const uint8_t statuses_of[] = { RESULT_VOID, RESULT_QUOTA };
	for (int i = 0; i < 2; i++) {
		bed_make(4, NULL);
		link_all();
		struct client_session *s = client_session_open(bed->core, on_answer, nth(1));
		submit(s, "op", 2);
		tick();
		struct word x = word_status(0, last_bundle()->b.number, statuses_of[i]);
		say_by(2, &x);
		CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_REFUSED && bed->got[0].tag == 1);
		tick();
		tick();
		CU_ASSERT(bed->got_count == 2 && bed->got[1].error == QUORATE_REFUSED && bed->got[1].tag == 2 && client_session_dead(s));
		submit(s, "op", 3);
		CU_ASSERT(bed->got_count == 2);
		run_to(bed->now + 1);
		CU_ASSERT(bed->got_count == 3 && bed->got[2].error == QUORATE_REFUSED);
		bed_end();
	}
	/* Nobody answers, or nobody is there. */
	for (int linked = 0; linked < 2; linked++) {
		bed_make(4, NULL);
		if (linked)
			link_all();
		struct client_session *s = client_session_open(bed->core, on_answer, nth(1));
		run_to(bed->now + 5000);
		submit(s, "op", 2);
		run_to(bed->now + 5001);
		CU_ASSERT(bed->got_count == 2 && bed->got[0].tag == 1 && bed->got[0].error == (linked ? QUORATE_UNKNOWN : QUORATE_UNREACHABLE));
		CU_ASSERT(bed->got[1].error == QUORATE_UNREACHABLE);
		client_session_close(s);
		run_to(bed->now + 20000);
		CU_ASSERT(bed->got_count == 2);
		bed_end();
	}
}

static void an_evicted_session(void)
{
	struct client_core_options options = { .bundles_max = 2 };
	struct client_session *s = ready_bed(4, &options);
	for (uintptr_t i = 1; i <= 5; i++)
		submit(s, "op", i);
	tick();
	struct word x = word_status(0x70001, 2, RESULT_NO_SESSION);
	CU_ASSERT(say(0, &x) && bed->got_count == 0); /* a liar's word ends no session */
	CU_ASSERT(say(1, &x) && bed->got_count == 1);
	run_to(bed->now + 1);
	/* What waited is refused; what is in flight has an answer of its own to wait for. */
	CU_ASSERT(bed->got_count == 4 && client_session_waiting(s) == 0);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(bed->got[i].error == QUORATE_REFUSED && strcmp(bed->got[i].reason, result_text(RESULT_NO_SESSION)) == 0);
	struct word y = word_done(0x70001, 1, 5, 'a');
	say_by(2, &y);
	CU_ASSERT(bed->got_count == 5 && bed->got[4].error == QUORATE_OK);
	bed_end();
}

static void a_session_is_resumed(void)
{
	bed_make(4, NULL);
	link_all();
	CU_ASSERT_PTR_NULL(client_session_resume(bed->core, 0, 5));
	struct client_session *s = client_session_resume(bed->core, 0x123, 40);
	submit(s, "op", 1);
	tick();
	bft_mask members;
	CU_ASSERT(count_sent(BFT_WIRE_ATTACH, &members) == 4 && bed->sent[0].type == BFT_WIRE_ATTACH);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &members) == 1 && last_bundle()->b.session == 0x123 && last_bundle()->b.number == 41);
	CU_ASSERT(client_session_ask_again(s, 40, on_answer, NULL) == QUORATE_USAGE);
	bed_end();
}

static void a_session_is_closed(void)
{
	struct client_core_options options = { .bundles_max = 1 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "sent", 1);
	submit(s, "waits", 2);
	tick();
	forget_sent();
	bed->inside = true;
	client_session_close(s);
	bed->inside = false;
	CU_ASSERT(bed->got_count == 0);
	tick();
	CU_ASSERT(bed->got_count == 2 && bed->got[0].error == QUORATE_UNKNOWN && bed->got[0].number == 1 && bed->got[1].error == QUORATE_UNKNOWN);
	CU_ASSERT_FATAL(bed->sent_count == 1);
	CU_ASSERT(bed->sent[0].b.kind == BUNDLE_CLOSE && bed->sent[0].b.session == 0x70001 && bed->sent[0].b.number == 2);
	struct word x = word_status(0x70001, 2, RESULT_DONE);
	say_by(2, &x);
	tick();
	CU_ASSERT(client_core_deadline(bed->core) == UINT64_MAX && bed->got_count == 2);
	/* Its answers are nobody's. */
	struct word y = word_done(0x70001, 1, 5, 'a');
	say_by(4, &y);
	CU_ASSERT(bed->got_count == 2);
	bed_end();

	/* While it opens: what it opens is closed. */
	bed_make(4, NULL);
	link_all();
	s = client_session_open(bed->core, on_answer, nth(1));
	tick();
	uint64_t number = last_bundle()->b.number;
	client_session_close(s);
	tick();
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_UNKNOWN && bed->got[0].tag == 1);
	forget_sent();
	x = word_opened(number, 0x88);
	say_by(2, &x);
	tick();
	CU_ASSERT(last_bundle()->b.kind == BUNDLE_CLOSE && last_bundle()->b.session == 0x88);
	run_to(bed->now + 60000); /* nobody answers: it is given up */
	CU_ASSERT(client_core_deadline(bed->core) == UINT64_MAX && bed->got_count == 1);
	bed_end();

	/* Before anybody has heard of it. */
	bed_make(4, NULL);
	link_all();
	s = client_session_open(bed->core, on_answer, nth(1));
	client_session_close(s);
	tick();
	CU_ASSERT(bed->got_count == 1 && bed->sent_count == 0 && client_core_deadline(bed->core) == UINT64_MAX);
	bed_end();
}

static void attaching_many(void)
{
	bed_make(4, NULL);
	enum { SESSIONS = 2 * CLIENT_ATTACH_MAX + 3 };
	for (uint64_t i = 1; i <= SESSIONS; i++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(client_session_resume(bed->core, i, 0));
	tick();
	client_core_link(bed->core, 2, true);
	CU_ASSERT_FATAL(bed->sent_count == 3);
	uint8_t seen[SESSIONS + 1] = { 0 };
	uint32_t total = 0;
	for (uint32_t i = 0; i < 3; i++) {
		struct rd r = rd_of(bed->sent[i].bytes + BFT_FRAME_HEAD_BYTES, bed->sent[i].n - BFT_FRAME_HEAD_BYTES);
		uint16_t count;
		uint64_t id;
		CU_ASSERT(bed->sent[i].type == BFT_WIRE_ATTACH && rd_u16(&r, &count) && count <= CLIENT_ATTACH_MAX && rd_left(&r) == 8u * count);
		while (rd_left(&r) && rd_u64(&r, &id)) {
			CU_ASSERT_FATAL(id >= 1 && id <= SESSIONS && !seen[id]);
			seen[id] = 1;
			total++;
		}
	}
	CU_ASSERT(total == SESSIONS);
	bed_end();
}

/* ---- reports ---- */

static void on_report(void *user, uint32_t member, const struct standing *x)
{
	(void)user;
	CU_ASSERT(!bed->inside && member == 1);
	if (x)
		bed->reports++;
	else
		bed->silences++;
}

static bool say_standing(uint32_t member)
{
	struct standing s = { .role = STANDING_BACKUP, .mode = 1, .leader = 2 };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_STANDING, .epoch = 1 };
	uint8_t frame[BFT_FRAME_HEAD_BYTES + STANDING_BYTES_MAX];
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	size_t n = wr_done(&w);
	return client_core_frame(bed->core, member, frame, n + standing_encode(&s, frame + n, sizeof frame - n));
}

static void reports(void)
{
	bed_make(4, NULL);
	CU_ASSERT(client_core_ask(bed->core, 4, 0, on_report, NULL) == QUORATE_USAGE);
	CU_ASSERT(client_core_ask(bed->core, 1, 300, on_report, NULL) == QUORATE_OK);
	CU_ASSERT(bed->sent_count == 0); /* its link is down */
	client_core_link(bed->core, 1, true);
	CU_ASSERT_FATAL(bed->sent_count == 1);
	CU_ASSERT(bed->sent[0].type == BFT_WIRE_QUERY && bed->sent[0].n == BFT_FRAME_HEAD_BYTES + 1 && bed->sent[0].bytes[BFT_FRAME_HEAD_BYTES] == 0);
	CU_ASSERT(say_standing(2) && bed->reports == 0); /* nobody asked it */
	CU_ASSERT(say_standing(1) && bed->reports == 1);
	CU_ASSERT(say_standing(1) && bed->reports == 1);
	CU_ASSERT(client_core_ask(bed->core, 1, 300, on_report, NULL) == QUORATE_OK);
	run_to(bed->now + 299);
	CU_ASSERT(bed->silences == 0);
	run_to(bed->now + 1);
	CU_ASSERT(bed->silences == 1 && bed->reports == 1);
	uint32_t asked = 0;
	while (client_core_ask(bed->core, 1, 0, on_report, NULL) == QUORATE_OK)
		asked++;
	CU_ASSERT(asked == CLIENT_ASKS_MAX);
	client_core_stop(bed->core);
	CU_ASSERT(bed->silences == 1 + asked);
	bed_end();
}

/* ---- the end ---- */

static void stopped(void)
{
	struct client_core_options options = { .bundles_max = 1 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "sent", 1);
	submit(s, "waits", 2);
	tick();
	struct client_session *opening = client_session_open(bed->core, on_answer, nth(3));
	submit(opening, "waits too", 4);
	client_core_stop(bed->core);
	CU_ASSERT_FATAL(bed->got_count == 4);
	for (uint32_t i = 0; i < 4; i++)
		CU_ASSERT(bed->got[i].error == (bed->got[i].tag == 1 ? QUORATE_UNKNOWN : QUORATE_FAILED));
	CU_ASSERT(client_session_submit(s, "x", 1, on_answer, NULL) == QUORATE_FAILED);
	CU_ASSERT_PTR_NULL(client_session_open(bed->core, on_answer, NULL));
	CU_ASSERT(client_core_ask(bed->core, 1, 0, on_report, NULL) == QUORATE_FAILED);
	CU_ASSERT(client_core_deadline(bed->core) == UINT64_MAX);
	client_session_close(s);
	tick();
	client_core_stop(bed->core);
	CU_ASSERT(bed->got_count == 4);
	bed_end();
}

static void destroyed_in_the_middle(void)
{
	struct client_core_options options = { .bundles_max = 1, .timeout_ms = 500 };
	struct client_session *s = ready_bed(4, &options);
	submit(s, "unknown", 1);
	run_to(bed->now + 500);
	submit(s, "sent", 2);
	submit(s, "waits", 3);
	tick();
	client_session_close(client_session_open(bed->core, on_answer, nth(4)));
	client_session_open(bed->core, on_answer, nth(5));
	client_core_ask(bed->core, 1, 0, on_report, NULL);
	client_session_close(s);
	bed->got_count = 0;
	client_core_destroy(bed->core);
	bed->core = NULL;
	CU_ASSERT(bed->got_count == 0 && bed->silences == 0);
	bed_end();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a session opens", a_session_opens },
		{ "a session does not open", a_session_does_not_open },
		{ "an evicted session", an_evicted_session },
		{ "a session is resumed", a_session_is_resumed },
		{ "a session is closed", a_session_is_closed },
		{ "many sessions in an ATTACH", attaching_many },
		{ "reports", reports },
		{ "stopped", stopped },
		{ "destroyed in the middle", destroyed_in_the_middle },
		{ 0 },
	};
	return unit_main("client_sessions", cases);
}
