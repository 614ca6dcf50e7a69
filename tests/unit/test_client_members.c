/* The client's core while members and mode change: whose word counts in which epoch, what is forgotten, and what organizations approve. All keys of this cluster are zeros,
 * so that one organization and anybody's signature are enough: what makes a link good is unit/reconfigure's. */
#include "bft/epoch_link.h"
#include "tests/unit/client_core_bed.h"

/* ---- the chain of epochs ---- */

static struct epoch_keys truth;

static void make(enum bft_mode mode, uint32_t n)
{
	bed_make(n, NULL);
	client_core_destroy(bed->core);
	bed->genesis->mode = mode;
	bed->core = client_core_create(&bed->options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bed->core);
	client_core_time(bed->core, bed->now, WALL + bed->now);
	epoch_keys_init(&truth, bed->genesis);
	link_all();
}

static size_t head(uint8_t *frame, size_t capacity, uint16_t type, bft_epoch epoch)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = epoch };
	struct wr w = wr_of(frame, capacity);
	envelope_write(&w, &e);
	return wr_done(&w);
}

/* The next epoch, which `wanted` begins, as member 0 shows it when it is asked. */
static void follow(const struct reconfigure *wanted)
{
	static uint8_t frame[BFT_FRAME_HEAD_BYTES + EPOCH_LINK_BYTES_MAX];
	static const struct secret_key zeros;
	struct epoch_link link = { .record = { .epoch = truth.epoch + 1, .base = truth.base + 64, .change = { .kind = BUNDLE_RECONFIGURE } } };
	struct reconfigure *r = &link.record.change.reconfigure;
	struct public_key org = { { 0 } };
	struct statement s;
	struct signature signature;
	*r = *wanted;
	r->epoch = truth.epoch;
	reconfigure_statement(&s, r, &bed->options.cluster);
	tag_sign(&signature, &s, &zeros);
	CU_ASSERT(reconfigure_add(r, &org, &signature));
	epoch_record_statement(&s, &link.record, &bed->options.cluster);
	tag_sign(&signature, &s, &zeros);
	/* By those who may: so many that every mode and number has enough. */
	for (uint8_t i = 0, count = 0; i < BFT_MEMBERS_MAX && count < 3; i++)
		if (epoch_key(&truth, i, truth.epoch) && epoch_record_signer(&link.record, i)) {
			CU_ASSERT(epoch_link_add(&link, i, &signature));
			count++;
		}
	/* Somebody speaks in that epoch, and is asked. */
	uint8_t refused[BFT_FRAME_HEAD_BYTES + 17] = { 0 };
	size_t n = head(refused, sizeof refused, BFT_WIRE_REFUSED, link.record.epoch);
	refused[n + 16] = 3;
	CU_ASSERT(client_core_frame(bed->core, 0, refused, sizeof refused));
	run_to(bed->now + 200);
	n = head(frame, sizeof frame, BFT_WIRE_EPOCH, link.record.epoch);
	n += epoch_link_encode(&link, frame + n, sizeof frame - n);
	CU_ASSERT(client_core_frame(bed->core, 0, frame, n));
	epoch_link_follow(&link, &truth);
	CU_ASSERT_EQUAL_FATAL(client_core_epoch(bed->core), truth.epoch);
}

static void mode_is(enum bft_mode mode)
{
	struct reconfigure r = { .kind = RECONFIGURE_MODE, .mode = (uint8_t)mode };
	follow(&r);
}

static void without(uint8_t member)
{
	struct reconfigure r = { .kind = RECONFIGURE_MEMBERS, .seats = 1, .seat = { { .member = member } } };
	follow(&r);
}

/* ---- reads ---- */

static uint64_t begin_read(void)
{
	struct client_session *s = client_session_resume(bed->core, 9, 4);
	CU_ASSERT_FATAL(client_session_read(s, "r", 1, on_answer, nth(7)) == QUORATE_OK);
	uint64_t nonce = 0;
	for (uint32_t i = bed->sent_count; i-- > 0 && !nonce;)
		if (bed->sent[i].type == BFT_WIRE_READ) {
			struct rd r = rd_of(bed->sent[i].bytes + BFT_FRAME_HEAD_BYTES, bed->sent[i].n - BFT_FRAME_HEAD_BYTES);
			CU_ASSERT_FATAL(rd_u64(&r, &nonce));
		}
	return nonce;
}

static void answer_in(uint32_t member, bft_epoch epoch, uint64_t nonce, const char *value)
{
	uint8_t frame[256];
	struct wr w = wr_of(frame, sizeof frame);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_READ_ANSWER, .epoch = epoch };
	envelope_write(&w, &e);
	wr_u64(&w, nonce);
	wr_u64(&w, 10);
	wr_bytes(&w, value, strlen(value));
	CU_ASSERT(client_core_frame(bed->core, member, frame, wr_done(&w)));
}

static bool ordered(void)
{
	bft_mask to;
	tick();
	return count_sent(BFT_WIRE_BUNDLE, &to) > 0;
}

/* A liar that says it is still in the epoch in which nobody lied. */
static void a_former_trusted_epoch_is_no_excuse(void)
{
	make(BFT_MODE_TRUSTED, 4);
	mode_is(BFT_MODE_BFT);
	uint64_t nonce = begin_read();
	answer_in(3, 1, nonce, "lie");
	CU_ASSERT_EQUAL(bed->got_count, 0);
	answer_in(0, 2, nonce, "true");
	answer_in(1, 2, nonce, "true");
	CU_ASSERT_EQUAL(bed->got_count, 0);
	answer_in(2, 2, nonce, "true");
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_OK && memcmp(bed->got[0].value, "true", 4) == 0);
	bed_end();
}

/* In an epoch that is over nothing new can be seen, however many say it. */
static void answers_of_a_former_epoch_do_not_count(void)
{
	make(BFT_MODE_BFT, 5);
	without(4);
	uint64_t nonce = begin_read();
	for (uint32_t i = 0; i < 3; i++)
		answer_in(i, 1, nonce, "old");
	CU_ASSERT(bed->got_count == 0 && ordered()); /* of four, one cannot make three any more */
	bed_end();
}

/* Nor of one that is not known: who says it may be a liar. */
static void answers_of_an_unknown_epoch_do_not_count(void)
{
	make(BFT_MODE_TRUSTED, 3);
	uint64_t nonce = begin_read();
	answer_in(0, 2, nonce, "later");
	answer_in(1, 0, nonce, "never");
	CU_ASSERT(bed->got_count == 0 && !ordered());
	answer_in(2, 1, nonce, "now");
	CU_ASSERT(bed->got_count == 1 && memcmp(bed->got[0].value, "now", 3) == 0);
	bed_end();
}

static void the_newest_modes_number_decides(void)
{
	make(BFT_MODE_BFT, 4);
	mode_is(BFT_MODE_TRUSTED);
	uint64_t nonce = begin_read();
	answer_in(2, 2, nonce, "one word");
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_OK);
	bed_end();
}

/* What was asked of others than who are members now is asked in the one order. */
static void a_read_that_waits_is_ordered(void)
{
	make(BFT_MODE_BFT, 5);
	uint64_t nonce = begin_read();
	answer_in(1, 1, nonce, "a");
	answer_in(4, 1, nonce, "a");
	CU_ASSERT(!ordered());
	without(4);
	CU_ASSERT(ordered() && bed->got_count == 0);
	bed_end();
}

/* ---- requests ---- */

static struct client_session *a_session(void)
{
	struct client_session *s = client_session_resume(bed->core, 0x70001, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	tick();
	return s;
}

static void f_plus_one_of_the_newest_epoch_answer(void)
{
	make(BFT_MODE_TRUSTED, 4);
	submit(a_session(), "x", 1);
	tick();
	mode_is(BFT_MODE_BFT);
	struct word lie = word_done(0x70001, 1, 5, 66), done = word_done(0x70001, 1, 5, 1);
	CU_ASSERT(say(3, &lie)); /* its epoch is the first: of that one it would have been enough */
	CU_ASSERT_EQUAL(bed->got_count, 0);
	CU_ASSERT(say(0, &done) && bed->got_count == 0);
	CU_ASSERT(say(1, &done) && bed->got_count == 1 && bed->got[0].value[0] == 1);
	bed_end();
}

static void of_trusted_members_one_is_enough(void)
{
	make(BFT_MODE_BFT, 4);
	submit(a_session(), "x", 1);
	tick();
	mode_is(BFT_MODE_TRUSTED);
	struct word done = word_done(0x70001, 1, 5, 1);
	CU_ASSERT(say(2, &done) && bed->got_count == 1 && bed->got[0].error == QUORATE_OK);
	bed_end();
}

/* Of seven three must say it, of six two: 6's lie is not taken along. */
static void what_a_numbers_former_holder_said_is_forgotten(void)
{
	make(BFT_MODE_BFT, 7);
	submit(a_session(), "x", 1);
	tick();
	struct word lie = word_done(0x70001, 1, 5, 66), done = word_done(0x70001, 1, 5, 1);
	CU_ASSERT(say(6, &lie));
	without(6);
	CU_ASSERT(say(5, &lie));
	CU_ASSERT_EQUAL(bed->got_count, 0);
	CU_ASSERT(say(6, &lie) && bed->got_count == 0); /* it is nobody */
	CU_ASSERT(say(0, &done) && bed->got_count == 0);
	CU_ASSERT(say(1, &done) && bed->got_count == 1 && bed->got[0].value[0] == 1);
	bed_end();
}

/* Who stays has said what it said: nobody needs to be asked again. */
static void what_the_others_said_is_kept(void)
{
	make(BFT_MODE_BFT, 7);
	submit(a_session(), "x", 1);
	tick();
	struct word done = word_done(0x70001, 1, 5, 1);
	CU_ASSERT(say(0, &done) && bed->got_count == 0);
	without(6);
	CU_ASSERT(say(1, &done) && bed->got_count == 1);
	bed_end();
}

/* ---- who leads ---- */

static void who_left_leads_no_view(void)
{
	static const uint8_t leader[] = { 0, 2, 3, 4, 0 };
	make(BFT_MODE_BFT, 5);
	without(1);
	struct client_session *s = a_session();
	for (bft_view view = 0; view < 5; view++) {
		submit(s, "x", view + 1);
		tick();
		struct word done = word_done(0x70001, view + 1, 5 + view, 1);
		done.view = view;
		CU_ASSERT(say(0, &done) && say(2, &done));
		CU_ASSERT_EQUAL(client_core_leader(bed->core), leader[view]);
	}
	bed_end();
}

/* ---- what organizations approve ---- */

static struct {
	uint32_t count, member;
	bool none;
	struct reconfigure change;
} heard;

static void on_voice(void *user, uint32_t member, const uint8_t *bytes, size_t n)
{
	CU_ASSERT(user == nth(3) && !bed->inside);
	heard.count++;
	heard.member = member;
	heard.none = !bytes || n == 0;
	if (n)
		CU_ASSERT(reconfigure_decode(&heard.change, bytes, n));
}

static void ask_voice(uint32_t member, uint8_t after)
{
	struct public_key key = { { after } };
	bed->inside = true;
	CU_ASSERT(client_core_ask_voice(bed->core, member, &key, 500, on_voice, nth(3)) == QUORATE_OK);
	bed->inside = false;
}

static bool tell_voice(uint32_t member, uint8_t after, const struct reconfigure *voice, size_t cut)
{
	static uint8_t frame[BFT_FRAME_HEAD_BYTES + PUBLIC_KEY_BYTES + RECONFIGURE_BYTES_MAX];
	struct public_key key = { { after } };
	size_t n = head(frame, sizeof frame, BFT_WIRE_VOICE, 1);
	memcpy(frame + n, key.b, PUBLIC_KEY_BYTES);
	n += PUBLIC_KEY_BYTES;
	n += voice ? reconfigure_encode(voice, frame + n, RECONFIGURE_BYTES_MAX) : 0;
	uint8_t *exact = malloc(n - cut);
	CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
	memcpy(exact, frame, n - cut);
	bool ok = client_core_frame(bed->core, member, exact, n - cut);
	free(exact);
	return ok;
}

static void a_voice_is_asked_for(void)
{
	make(BFT_MODE_BFT, 4);
	memset(&heard, 0, sizeof heard);
	struct reconfigure voice = { .epoch = 1, .kind = RECONFIGURE_MODE, .mode = BFT_MODE_TRUSTED };
	static const struct signature any;
	struct public_key org = { { 9 } };
	bft_mask to;
	CU_ASSERT(reconfigure_add(&voice, &org, &any));
	ask_voice(2, 5);
	CU_ASSERT(count_sent(BFT_WIRE_FETCH_VOICE, &to) == 1 && to == BFT_BIT(2));
	const struct sent *s = &bed->sent[bed->sent_count - 1];
	CU_ASSERT(s->n == BFT_FRAME_HEAD_BYTES + PUBLIC_KEY_BYTES && s->bytes[BFT_FRAME_HEAD_BYTES] == 5);
	/* By another, or behind another key: not what was asked. */
	CU_ASSERT(tell_voice(1, 5, &voice, 0) && tell_voice(2, 6, &voice, 0) && heard.count == 0);
	/* Malformed, of every length. */
	size_t n = 8 + 1 + 1 + 1 + PUBLIC_KEY_BYTES + SIGNATURE_BYTES;
	for (size_t cut = 1; cut < n + PUBLIC_KEY_BYTES; cut++)
		if (cut != n) /* that is: no other */
			CU_ASSERT_FALSE(tell_voice(2, 5, &voice, cut));
	CU_ASSERT_EQUAL(heard.count, 0);
	CU_ASSERT(tell_voice(2, 5, &voice, 0));
	CU_ASSERT(heard.count == 1 && heard.member == 2 && !heard.none && heard.change.mode == BFT_MODE_TRUSTED && heard.change.by[0].org.b[0] == 9);
	CU_ASSERT(tell_voice(2, 5, &voice, 0) && heard.count == 1); /* once */
	ask_voice(2, 9);
	CU_ASSERT(tell_voice(2, 9, NULL, 0) && heard.count == 2 && heard.none);
	/* Silence ends it too. */
	ask_voice(3, 0);
	run_to(bed->now + 600);
	CU_ASSERT(heard.count == 3 && heard.none && heard.member == 3);
	/* Nobody is asked who is not there. */
	CU_ASSERT(client_core_ask_voice(bed->core, 4, &org, 500, on_voice, nth(3)) == QUORATE_USAGE);
	CU_ASSERT(client_core_ask_voice(bed->core, 255, &org, 500, on_voice, nth(3)) == QUORATE_USAGE);
	bed_end();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a former trusted epoch is no excuse", a_former_trusted_epoch_is_no_excuse },
		{ "answers of a former epoch do not count", answers_of_a_former_epoch_do_not_count },
		{ "answers of an unknown epoch do not count", answers_of_an_unknown_epoch_do_not_count },
		{ "the newest mode's number decides", the_newest_modes_number_decides },
		{ "a read that waits is ordered", a_read_that_waits_is_ordered },
		{ "f+1 of the newest epoch answer", f_plus_one_of_the_newest_epoch_answer },
		{ "of trusted members one is enough", of_trusted_members_one_is_enough },
		{ "what a number's former holder said is forgotten", what_a_numbers_former_holder_said_is_forgotten },
		{ "what the others said is kept", what_the_others_said_is_kept },
		{ "who left leads no view", who_left_leads_no_view },
		{ "a voice is asked for", a_voice_is_asked_for },
		{ 0 },
	};
	return unit_main("client_members", cases);
}
