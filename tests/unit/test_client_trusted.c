/* The client's core in a trusted cluster: it signs nothing but what somebody wants to be signed, and one answer is enough. */
#include "client/core_state.h"
#include "tests/unit/client_core_bed.h"

static struct client_session *trusted_bed(void)
{
	bed_mode = BFT_MODE_TRUSTED;
	struct client_session *s = ready_bed(3, NULL);
	bed_mode = BFT_MODE_BFT;
	return s;
}

static void one_answer_ends_it(void)
{
	struct client_session *s = trusted_bed();
	submit(s, "op", 1);
	tick();
	CU_ASSERT(bed->sent_count == 1 && !bed->sent[0].is_signed);
	struct word x = word_done(0x70001, 1, 5, 'a');
	x.late = true;
	CU_ASSERT(say(2, &x) && bed->got_count == 1);
	CU_ASSERT(bed->got[0].error == QUORATE_OK && bed->got[0].value[0] == 'a');
	bed_end();
}

static uint32_t bundles_to(uint32_t member, bool is_signed)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < bed->sent_count; i++)
		count += bed->sent[i].type == BFT_WIRE_BUNDLE && bed->sent[i].member == member && bed->sent[i].is_signed == is_signed;
	return count;
}

/* The members have entered an epoch that signs, and this client does not know it. */
static void it_is_signed_when_a_member_asks_for_that(void)
{
	struct client_session *s = trusted_bed();
	submit(s, "op", 1);
	tick();
	CU_ASSERT(bundles_to(0, false) == 1);
	struct digest before = digest_of_request(0x70001, 1);
	CU_ASSERT(say_refused(0, 0x70001, 1, REFUSAL_UNSIGNED));
	CU_ASSERT(bundles_to(0, true) == 1 && bed->got_count == 0);
	struct digest after = digest_of_request(0x70001, 1);
	CU_ASSERT(digest_equal(&before, &after) && last_bundle()->b.number == 1);
	/* Whoever says so again and again gets nothing for it; each member gets it once. */
	for (int i = 0; i < 50; i++)
		CU_ASSERT(say_refused(0, 0x70001, 1, REFUSAL_UNSIGNED));
	CU_ASSERT(bundles_to(0, true) == 1);
	CU_ASSERT(say_refused(1, 0x70001, 1, REFUSAL_UNSIGNED));
	CU_ASSERT(bundles_to(1, true) == 1);
	/* What is sent again later is signed. */
	run_to(bed->now + 1000);
	CU_ASSERT(bundles_to(0, false) == 1 && bundles_to(1, false) == 0 && bundles_to(2, false) == 0 && bundles_to(2, true) >= 1);
	struct word x = word_done(0x70001, 1, 5, 'a');
	CU_ASSERT(say(1, &x) && bed->got_count == 1 && bed->got[0].error == QUORATE_OK);
	/* Of what is not asked nothing is sent. */
	forget_sent();
	CU_ASSERT(say_refused(1, 0x70001, 1, REFUSAL_UNSIGNED) && say_refused(1, 0x70001, 99, REFUSAL_UNSIGNED) && bed->sent_count == 0);
	bed_end();
}

static void a_receipt_is_asked_for_by_signing(void)
{
	struct client_session *s = trusted_bed();
	struct quorate_op one = { "op", 2 };
	CU_ASSERT(client_session_submit_receipt(s, &one, 1, on_answer, nth(1)) == QUORATE_OK);
	tick();
	CU_ASSERT(bundles_to(0, true) == 1 && bundles_to(0, false) == 0);
	submit(s, "op", 2);
	tick();
	CU_ASSERT(bundles_to(0, false) == 1);
	bed_end();
}

static void the_newest_epoch_decides(void)
{
	struct client_session *s = trusted_bed();
	CU_ASSERT(!client_signs_requests(bed->core));
	/* As when a link into a Byzantine epoch is followed. */
	bed->core->roster.mode = BFT_MODE_BFT;
	CU_ASSERT(client_signs_requests(bed->core));
	submit(s, "op", 1);
	tick();
	CU_ASSERT(bundles_to(0, true) == 1 && bundles_to(0, false) == 0);
	bed->core->roster.mode = BFT_MODE_TRUSTED;
	submit(s, "op", 2);
	tick();
	CU_ASSERT(bundles_to(0, false) == 1);
	bed_end();
}

/* A liar that says so makes a Byzantine cluster's client send what it sends anyhow, once. */
static void what_is_signed_stays_as_it_is(void)
{
	struct client_session *s = ready_bed(4, NULL);
	submit(s, "op", 1);
	tick();
	CU_ASSERT(bundles_to(0, true) == 1);
	for (int i = 0; i < 50; i++)
		CU_ASSERT(say_refused(3, 0x70001, 1, REFUSAL_UNSIGNED));
	CU_ASSERT(bundles_to(3, true) == 1 && bed->sent_count == 2 && bed->got_count == 0);
	bed_end();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "one answer ends it", one_answer_ends_it },
		{ "it is signed when a member asks for that", it_is_signed_when_a_member_asks_for_that },
		{ "a receipt is asked for by signing", a_receipt_is_asked_for_by_signing },
		{ "the newest epoch decides", the_newest_epoch_decides },
		{ "what is signed stays as it is", what_is_signed_stays_as_it_is },
		{ 0 },
	};
	return unit_main("client_trusted", cases);
}
