/* Admission: what a liar sends instead, message by message, to a whole replica; what it costs, and whom; and that honest ones get through beside it. */
#include "tests/unit/admission_bed.h"

/* ---- the honest story, so that what follows is a departure from it ---- */

static void a_request_is_ordered_executed_and_answered(void)
{
	dbed_create(&b);
	uint64_t s = dbed_session(&b, 5, 0, 1);
	const struct dbed_frame *f = dbed_told(&b, 5, BFT_WIRE_REPLY);
	struct reply reply;
	struct result result;
	struct statement statement;
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_TRUE_FATAL(reply_decode(&reply, false, f->body, f->n) && result_decode(&result, reply.result, reply.result_bytes));
	CU_ASSERT_TRUE(reply.seq == 1 && result.status == RESULT_DONE && result.number == 77);
	CU_ASSERT_TRUE(reply_statement(&statement, &b.cluster, 1, &reply, false));
	CU_ASSERT_TRUE(sign_ed25519.verify(&f->e.signature, &statement, &b.key[DBED_SELF]));
	struct rd r = rd_of(result.values, result.values_bytes);
	uint32_t n;
	uint64_t session = 0;
	CU_ASSERT_TRUE(rd_u32(&r, &n) && rd_u64(&r, &session) && session == s);
	CU_ASSERT_TRUE(blamed() == 0 && bad() == 0 && b.memory_lost == 0 && !driver_failed(b.driver));
	dbed_destroy(&b);
}

static void a_request_executed_is_answered_from_its_record(void)
{
	struct reply reply;
	struct result result;
	struct statement statement;
	dbed_create(&b);
	uint64_t s = dbed_session(&b, 5, 0, 1);
	struct dbed_bundle x = dbed_request(&b, 0, s, 1, 8), old;
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_agree(&b, 2, p.digest);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 2);
	dbed_forget(&b);
	/* Again, by another link: at once, and nobody else hears of it. */
	dbed_client_bundle(&b, 6, 0, &x);
	dbed_turn(&b);
	const struct dbed_frame *f = dbed_told(&b, 6, BFT_WIRE_REPLY_LATE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(b.frames_count, 1);
	CU_ASSERT_TRUE_FATAL(reply_decode(&reply, true, f->body, f->n) && result_decode(&result, reply.result, reply.result_bytes));
	CU_ASSERT_TRUE(reply.seq == 2 && result.status == RESULT_DONE && result.number == 1 && result.session == s);
	CU_ASSERT_TRUE(reply_statement(&statement, &b.cluster, 1, &reply, true));
	CU_ASSERT_TRUE(sign_ed25519.verify(&f->e.signature, &statement, &b.key[DBED_SELF]));
	/* Another key learns nothing: it is not answered from there. */
	struct bundle head;
	CU_ASSERT_PTR_NULL(bundle_decode(&head, x.bytes, x.n));
	head.key = b.client_key[1];
	struct dbed_bundle stolen = dbed_sign_bundle(&b, 1, &head);
	dbed_forget(&b);
	dbed_client_bundle(&b, 7, 1, &stolen);
	dbed_turn(&b);
	CU_ASSERT_PTR_NULL(dbed_told(&b, 7, BFT_WIRE_REPLY_LATE));
	/* What is passed on by a replica and executed here already is not answered nor taken. */
	dbed_forget(&b);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .signature = x.signature };
	dbed_frame_in(&b, 2, &e, x.bytes, x.n, NULL, 0);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(b.frames_count, 0);
	/* Too old for ever: said at once. */
	struct dbed_bundle later = dbed_request(&b, 0, s, 1 + b.genesis.limits.session_window, 8);
	p = dbed_propose(&b, DBED_WALL, &later, 1);
	dbed_push(&b, 0, &p, &later, 1);
	dbed_agree(&b, 3, p.digest);
	old = dbed_request(&b, 0, s, 1, 9);
	dbed_forget(&b);
	dbed_client_bundle(&b, 6, 0, &old);
	dbed_turn(&b);
	f = dbed_told(&b, 6, BFT_WIRE_REPLY_LATE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_TRUE(reply_decode(&reply, true, f->body, f->n) && result_decode(&result, reply.result, reply.result_bytes));
	CU_ASSERT_EQUAL(result.status, RESULT_TOO_OLD);
	free(x.bytes);
	free(stolen.bytes);
	free(later.bytes);
	free(old.bytes);
	dbed_destroy(&b);
}

/* ---- envelopes ---- */

static void a_frame_without_an_envelope_costs_the_link(void)
{
	static const uint8_t zeros[BFT_FRAME_HEAD_BYTES];
	uint8_t frame[BFT_FRAME_HEAD_BYTES + 8] = { 0 };
	dbed_create(&b);
	for (size_t n = 0; n < BFT_FRAME_HEAD_BYTES; n++)
		driver_member_frame(b.driver, 2, zeros, n);
	CU_ASSERT_EQUAL(b.closed[2], BFT_FRAME_HEAD_BYTES);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = PBFT_STATUS, .epoch = 1 };
	static const uint16_t versions[] = { 0, 2, 256, UINT16_MAX };
	for (int i = 0; i < 4; i++) {
		struct wr w = wr_of(frame, sizeof frame);
		envelope_write(&w, &e);
		frame[1] = (uint8_t)versions[i];
		frame[2] = (uint8_t)(versions[i] >> 8);
		driver_member_frame(b.driver, 3, frame, sizeof frame);
		CU_ASSERT_EQUAL(b.closed[3], (uint32_t)i + 1);
	}
	/* Who is no member is not heard at all. */
	driver_member_frame(b.driver, DBED_N, frame, sizeof frame);
	driver_member_frame(b.driver, 255, frame, sizeof frame);
	dbed_destroy(&b);
}

static void unknown_types_are_refused(void)
{
	static const uint16_t types[] = { 0,   BFT_WIRE_REPLY, BFT_WIRE_REPLY_LATE, BFT_WIRE_REFUSED, BFT_WIRE_ATTACH, BFT_WIRE_STANDING, 15, PBFT_TYPE_END,
		                          255, UINT16_MAX };
	static const uint8_t zeros[32];
	dbed_create(&b);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = types[i], .epoch = 1 };
		dbed_frame_in(&b, 2, &e, zeros, sizeof zeros, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), i + 1);
	}
	dbed_turn(&b);
	CU_ASSERT_EQUAL(b.closed[2], 1);
	CU_ASSERT_EQUAL(b.closed[3], 0);
	dbed_destroy(&b);
}

/* Eight within ten seconds: one slip is forgiven, and forgotten. */
static void refusals_add_up_and_decay(void)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = 255, .epoch = 1 };
	dbed_create(&b);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 7; i++)
			dbed_frame_in(&b, 2, &e, NULL, 0, NULL, 0);
		dbed_turn(&b);
		CU_ASSERT_EQUAL(b.closed[2], 0);
		dbed_pass(&b, 10001);
	}
	for (int i = 0; i < 8; i++)
		dbed_frame_in(&b, 2, &e, NULL, 0, NULL, 0);
	CU_ASSERT_EQUAL(b.closed[2], 0); /* not within the call */
	dbed_turn(&b);
	CU_ASSERT_EQUAL(b.closed[2], 1);
	dbed_destroy(&b);
}

/* ---- one well-formed message of every type, that the core can use now ---- */

static void another_epoch_is_not_heard(void)
{
	static const uint64_t epochs[] = { 2, 7, UINT64_MAX };
	dbed_create(&b);
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++)
		for (int i = 0; i < 3 && fill(type); i++) {
			struct dbed_say how = { .link = 2, .signer = 2, .epoch = epochs[i] };
			dbed_say_as(&b, &how, type, &body);
		}
	/* Honest, from across a border: it costs nothing. */
	CU_ASSERT_TRUE(blamed() == 0 && bad() == 0 && b.closed[2] == 0);
	CU_ASSERT_EQUAL(b.frames_count, 0);
	dbed_destroy(&b);
}

static void every_wrong_length_is_refused(void)
{
	static uint8_t bytes[4096];
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		dbed_create(&b);
		if (!fill(type)) {
			dbed_destroy(&b);
			continue;
		}
		size_t n = pbft_encode(type, &body, bytes, sizeof bytes);
		for (size_t cut = 1; cut <= n; cut++) {
			struct dbed_say how = { .link = 2, .signer = 2, .cut = cut };
			uint64_t was = blamed();
			dbed_say_as(&b, &how, type, &body);
			CU_ASSERT_EQUAL(blamed(), was + 1);
		}
		uint64_t was = blamed();
		struct dbed_say how = { .link = 2, .signer = 2, .extra = 1 };
		dbed_say_as(&b, &how, type, &body);
		CU_ASSERT_TRUE(blamed() == was + 1 || type == PBFT_FETCH_CHAIN);
		how.extra = 64;
		dbed_say_as(&b, &how, type, &body);
		CU_ASSERT_TRUE(blamed() == was + 2 || type == PBFT_FETCH_CHAIN);
		CU_ASSERT_EQUAL(bad(), 0);
		dbed_destroy(&b);
	}
}

static void as_it_should_be_it_is_taken(void)
{
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		dbed_create(&b);
		if (fill(type)) {
			dbed_say(&b, 2, type, &body);
			CU_ASSERT_TRUE(blamed() == 0 && bad() == 0 && b.closed[2] == 0);
		}
		dbed_destroy(&b);
	}
}

static void only_statements_are_passed_on(void)
{
	dbed_create(&b);
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		bool may = type == PBFT_VOTES || type == PBFT_VIEW_CHANGE || type == PBFT_NEW_VIEW || type == PBFT_CHECKPOINT || type == PBFT_SNAPSHOT;
		if (!fill(type))
			continue;
		uint64_t was = blamed();
		struct dbed_say how = { .link = 3, .signer = 2 };
		dbed_say_as(&b, &how, type, &body);
		CU_ASSERT_EQUAL(blamed(), was + !may);
	}
	CU_ASSERT_EQUAL(bad(), 0);
	/* Of somebody who is nobody. */
	fill(PBFT_CHECKPOINT);
	static uint8_t bytes[256];
	size_t n = pbft_encode(PBFT_CHECKPOINT, &body, bytes, sizeof bytes);
	for (uint32_t signer = DBED_N; signer < 255; signer += 50) {
		uint64_t was = blamed();
		struct bft_envelope e = dbed_envelope(&b, 2, PBFT_CHECKPOINT, bytes, n);
		e.signer = (uint8_t)signer;
		dbed_frame_in(&b, 3, &e, bytes, n, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 1);
	}
	dbed_destroy(&b);
}

/* ---- signatures ---- */

static void a_false_signature_costs_the_link(void)
{
	static const uint16_t types[] = { PBFT_VIEW_CHANGE, PBFT_NEW_VIEW, PBFT_CHECKPOINT, PBFT_SNAPSHOT, PBFT_VOTES };
	for (int i = 0; i < 5; i++) {
		dbed_create(&b);
		fill(types[i]);
		body.votes.leaf[0].kind = types[i] == PBFT_VOTES ? BFT_LEAF_PREPARE : body.votes.leaf[0].kind;
		struct dbed_say how = { .link = 2, .signer = 2, .false_signature = true };
		dbed_say_as(&b, &how, types[i], &body);
		dbed_turn(&b);
		CU_ASSERT_TRUE(bad() == 1 && b.closed[2] == 1 && b.closed[3] == 0);
		dbed_destroy(&b);
	}
}

/* In one wake-up, so that none of them is held yet when the next one comes. */
static void send_together(uint32_t times, const struct bft_envelope *e, uint8_t link, const uint8_t *bytes, size_t n)
{
	for (uint32_t i = 0; i < times; i++)
		dbed_frame_in(&b, link, e, bytes, n, NULL, 0);
}

static void copies_are_checked_once(void)
{
	static uint8_t bytes[1024];
	dbed_create(&b);
	size_t n = pbft_encode(PBFT_VOTES, dbed_votes(0, BFT_LEAF_PREPARE, 1, some(1)), bytes, sizeof bytes);
	struct bft_envelope e = dbed_envelope(&b, 2, PBFT_VOTES, bytes, n);
	send_together(50, &e, 2, bytes, n);
	CU_ASSERT_EQUAL(dbed_counts(&b).repeated, 49);
	/* Under another signature, or from another link, it is another message. */
	struct bft_envelope passed_on = e, forged = e;
	passed_on.signer = 2;
	forged.signature.b[3] ^= 1;
	send_together(2, &passed_on, 3, bytes, n);
	send_together(2, &forged, 0, bytes, n);
	CU_ASSERT_EQUAL(dbed_counts(&b).repeated, 51);
	dbed_turn(&b);
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[0] == 1 && b.closed[2] == 0 && b.closed[3] == 0);
	/* Afterwards it is held, and needs no look. */
	send_together(50, &e, 2, bytes, n);
	CU_ASSERT_EQUAL(dbed_counts(&b).repeated, 51);
	dbed_destroy(&b);
}

/* What needs only the channel is acted on unseen, until its sender is caught. */
static void who_was_caught_needs_signatures(void)
{
	struct digest d = some(1);
	dbed_create(&b);
	struct dbed_say lie = { .link = 2, .signer = 2, .false_signature = true };
	dbed_say_as(&b, &lie, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 1, d));
	CU_ASSERT_TRUE(bad() == 0 && b.closed[2] == 0);
	dbed_say_as(&b, &lie, PBFT_VOTES, dbed_votes(0, BFT_LEAF_PREPARE, 1, d));
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[2] == 1);
	dbed_say_as(&b, &lie, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 2, d));
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 2 && b.closed[2] == 2);
	fill(PBFT_STATUS);
	dbed_say_as(&b, &lie, PBFT_STATUS, &body);
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 3 && b.closed[2] == 3);
	/* It may still speak the truth; and nobody else is touched. */
	dbed_leaf(&b, 2, BFT_LEAF_COMMIT, 3, d);
	struct dbed_say other = { .link = 3, .signer = 3, .false_signature = true };
	dbed_say_as(&b, &other, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 2, d));
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 3 && b.closed[2] == 3 && b.closed[3] == 0);
	dbed_destroy(&b);
}

/* Whoever passes something on has checked it: the one who did not pays, not the one who is named. */
static void a_false_statement_of_another_costs_the_messenger(void)
{
	struct digest d = some(1);
	dbed_create(&b);
	struct dbed_say how = { .link = 3, .signer = 2, .false_signature = true };
	dbed_say_as(&b, &how, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 1, d)); /* not even a COMMIT is taken unseen */
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[3] == 1 && b.closed[2] == 0);
	struct dbed_say lazily = { .link = 2, .signer = 2, .false_signature = true };
	dbed_say_as(&b, &lazily, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 2, d));
	CU_ASSERT_EQUAL(bad(), 1); /* 2 is still trusted on its channel */
	dbed_destroy(&b);
}

static void a_statement_of_mine_that_i_never_made_ends_my_voting(void)
{
	struct digest d = some(1);
	dbed_create(&b);
	/* A false one does nothing to me. */
	struct dbed_say how = { .link = 2, .signer = DBED_SELF, .false_signature = true };
	dbed_say_as(&b, &how, PBFT_VOTES, dbed_votes(0, BFT_LEAF_PREPARE, 1, d));
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[2] == 1 && b.memory_lost == 0);
	CU_ASSERT_NOT_EQUAL(dbed_standing(&b).role, STANDING_OBSERVER);
	how.false_signature = false;
	dbed_say_as(&b, &how, PBFT_VOTES, dbed_votes(0, BFT_LEAF_PREPARE, 1, d));
	dbed_turn(&b);
	CU_ASSERT_TRUE(b.memory_lost >= 1);
	CU_ASSERT_EQUAL(dbed_standing(&b).role, STANDING_OBSERVER);
	CU_ASSERT_FALSE(driver_failed(b.driver));
	/* It executes and signs no vote; clients are sent elsewhere. */
	dbed_forget(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 77);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_client_bundle(&b, 5, 0, &x);
	CU_ASSERT_EQUAL(dbed_refused(&b, 5), REFUSAL_OBSERVER);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_agree(&b, 1, p.digest);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	CU_ASSERT_TRUE(dbed_sent(&b, PBFT_VOTES) == 0 && dbed_sent(&b, PBFT_CHECKPOINT) == 0);
	free(x.bytes);
	dbed_destroy(&b);
}

/* ---- fetches ---- */

static void malformed_fetches_are_refused(void)
{
	static uint8_t bytes[2 + 65535 * 32];
	static const uint16_t counts[] = { 0, FETCH_DIGESTS_MAX + 1, 65535 };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH, .epoch = 1 };
	dbed_create(&b);
	for (int i = 0; i < 3; i++) {
		bytes[0] = (uint8_t)counts[i];
		bytes[1] = (uint8_t)(counts[i] >> 8);
		uint64_t was = blamed();
		dbed_frame_in(&b, 2, &e, bytes, 2 + (size_t)counts[i] * 32, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 1);
		dbed_frame_in(&b, 2, &e, bytes, 2 + 32, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 2);
		dbed_frame_in(&b, 2, &e, bytes, (size_t)i, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 3);
	}
	/* What nobody has is not answered, and costs nothing. */
	uint64_t was = blamed();
	bytes[0] = FETCH_DIGESTS_MAX;
	bytes[1] = 0;
	memset(bytes + 2, 9, FETCH_DIGESTS_MAX * 32);
	dbed_frame_in(&b, 2, &e, bytes, 2 + FETCH_DIGESTS_MAX * 32, NULL, 0);
	dbed_turn(&b);
	CU_ASSERT_TRUE(blamed() == was && dbed_sent(&b, BFT_WIRE_PROPOSAL) == 0);
	dbed_destroy(&b);
}

static void a_body_is_served(void)
{
	uint8_t bytes[2 + 32] = { 1, 0 };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH, .epoch = 1 };
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 77);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_session(&b, 5, 0, 1);
	memcpy(bytes + 2, p.digest.b, 32);
	dbed_forget(&b);
	dbed_frame_in(&b, 2, &e, bytes, sizeof bytes, NULL, 0);
	CU_ASSERT_EQUAL(dbed_sent(&b, BFT_WIRE_PROPOSAL), 1);
	CU_ASSERT_TRUE(b.frame[0].to == 2 && b.frame[0].n == p.n + 4 + SIGNATURE_BYTES + x.n && memcmp(b.frame[0].body, p.bytes, p.n) == 0);
	free(x.bytes);
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a request is ordered, executed and answered", a_request_is_ordered_executed_and_answered },
		{ "a request executed is answered from its record", a_request_executed_is_answered_from_its_record },
		{ "a frame without an envelope costs the link", a_frame_without_an_envelope_costs_the_link },
		{ "unknown types are refused", unknown_types_are_refused },
		{ "refusals add up and decay", refusals_add_up_and_decay },
		{ "another epoch is not heard", another_epoch_is_not_heard },
		{ "every wrong length is refused", every_wrong_length_is_refused },
		{ "as it should be it is taken", as_it_should_be_it_is_taken },
		{ "only statements are passed on", only_statements_are_passed_on },
		{ "a false signature costs the link", a_false_signature_costs_the_link },
		{ "copies are checked once", copies_are_checked_once },
		{ "who was caught needs signatures", who_was_caught_needs_signatures },
		{ "a false statement of another costs the messenger", a_false_statement_of_another_costs_the_messenger },
		{ "a statement of mine that I never made ends my voting", a_statement_of_mine_that_i_never_made_ends_my_voting },
		{ "malformed fetches are refused", malformed_fetches_are_refused },
		{ "a body is served", a_body_is_served },
		{ 0 },
	};
	return unit_main("admission", cases);
}
