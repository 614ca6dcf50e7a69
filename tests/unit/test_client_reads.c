/* The client's core: reads without ordering, and when they are ordered all the same. */
#include "tests/unit/client_core_bed.h"

static uint64_t read_nonce(void)
{
	uint64_t nonce = 0;
	for (uint32_t i = bed->sent_count; i-- > 0 && !nonce;)
		if (bed->sent[i].type == BFT_WIRE_READ) {
			struct rd r = rd_of(bed->sent[i].bytes + BFT_FRAME_HEAD_BYTES, bed->sent[i].n - BFT_FRAME_HEAD_BYTES);
			CU_ASSERT_FATAL(rd_u64(&r, &nonce));
		}
	return nonce;
}

static bool answer_read(uint32_t member, uint64_t nonce, uint64_t seq, const char *value)
{
	uint8_t frame[256];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_READ_ANSWER, .epoch = 1 };
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	wr_u64(&w, nonce);
	wr_u64(&w, seq);
	wr_bytes(&w, value, strlen(value));
	return client_core_frame(bed->core, member, frame, wr_done(&w));
}

static struct client_session *begin_read(void)
{
	bed_make(4, NULL);
	link_all();
	struct client_session *s = client_session_resume(bed->core, 9, 4);
	CU_ASSERT_FATAL(client_session_read(s, "r", 1, on_answer, (void *)7) == QUORATE_OK);
	return s;
}

static void q_equal_answers_are_a_read(void)
{
	begin_read();
	bft_mask asked;
	CU_ASSERT(count_sent(BFT_WIRE_READ, &asked) == 4 && asked == 15);
	uint64_t nonce = read_nonce();
	/* f+1 are not enough: two liars' worth of members must meet a writer's quorum. */
	CU_ASSERT(answer_read(0, nonce, 10, "new"));
	CU_ASSERT(answer_read(1, nonce, 11, "new"));
	CU_ASSERT(answer_read(1, nonce, 11, "new")); /* one voice each */
	CU_ASSERT(answer_read(2, nonce, 12, "old"));
	CU_ASSERT(answer_read(2, nonce, 12, "new")); /* and its first word counts */
	CU_ASSERT(bed->got_count == 0);
	CU_ASSERT(answer_read(3, nonce, 13, "new"));
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_OK && bed->got[0].value_bytes == 3 && memcmp(bed->got[0].value, "new", 3) == 0);
	CU_ASSERT(answer_read(0, nonce, 10, "new")); /* over: nothing */
	CU_ASSERT(bed->got_count == 1);
	bed_end();
}

static void a_read_that_cannot_agree_is_ordered(void)
{
	begin_read();
	uint64_t nonce = read_nonce();
	bft_mask to;
	CU_ASSERT(answer_read(0, nonce, 10, "a") && answer_read(1, nonce, 10, "b"));
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &to) == 0);
	CU_ASSERT(answer_read(2, nonce, 10, "c"));
	tick();
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &to) > 0 && last_bundle()->b.number == 5 && bed->got_count == 0);
	bed_end();
}

static void a_read_that_is_late_is_ordered(void)
{
	begin_read();
	bft_mask to;
	CU_ASSERT(answer_read(0, read_nonce(), 10, "a") && answer_read(1, read_nonce(), 10, "a"));
	run_to(bed->now + 1000);
	CU_ASSERT(count_sent(BFT_WIRE_BUNDLE, &to) > 0 && bed->got_count == 0);
	bed_end();
}

static void reads_that_nobody_answers_honestly(void)
{
	struct client_session *s = begin_read();
	uint8_t frame[BFT_FRAME_HEAD_BYTES + 16];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_READ_ANSWER, .epoch = 1 };
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	wr_u64(&w, read_nonce());
	for (size_t n = BFT_FRAME_HEAD_BYTES; n < sizeof frame; n++)
		CU_ASSERT(!client_core_frame(bed->core, 1, frame, n)); /* of every wrong length */
	CU_ASSERT(answer_read(1, read_nonce() + 1, 10, "x"));          /* of another read */
	CU_ASSERT(client_session_read(s, "", 0, on_answer, NULL) == QUORATE_USAGE);
	/* A closed session's read ends, and never within the call. */
	bed->inside = true;
	client_session_close(s);
	bed->inside = false;
	run_to(bed->now + 10);
	CU_ASSERT(bed->got_count == 1 && bed->got[0].error == QUORATE_FAILED);
	bed_end();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "q equal answers are a read", q_equal_answers_are_a_read },
		{ "a read that cannot agree is ordered", a_read_that_cannot_agree_is_ordered },
		{ "a read that is late is ordered", a_read_that_is_late_is_ordered },
		{ "reads that nobody answers honestly", reads_that_nobody_answers_honestly },
		{ 0 },
	};
	return unit_main("client_reads", cases);
}
