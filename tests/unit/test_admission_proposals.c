/* Admission: proposals and their bodies that no honest leader would make, and what they may take. */
#include "tests/unit/admission_bed.h"

static void malformed_proposals_are_refused(void)
{
	dbed_create(&b);
	struct dbed_bundle x[2] = { dbed_opening(&b, 0, 1), dbed_opening(&b, 1, 1) };
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, x, 2);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_PROPOSAL, .epoch = 1 };
	for (size_t n = 0; n < p.n; n += 5) {
		uint64_t was = blamed();
		dbed_frame_in(&b, 2, &e, p.bytes, n, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 1);
	}
	uint64_t was = blamed();
	dbed_push(&b, 2, &p, x, 1); /* too few bundles */
	CU_ASSERT_EQUAL(blamed(), was + 1);
	dbed_push(&b, 2, &p, x, 0);
	CU_ASSERT_EQUAL(blamed(), was + 2);
	struct dbed_bundle three[3] = { x[0], x[1], x[0] };
	dbed_push(&b, 2, &p, three, 3);
	CU_ASSERT_EQUAL(blamed(), was + 3);
	/* More bundles than are agreed on; flags that nobody knows. */
	p.bytes[12] = 9;
	dbed_push(&b, 2, &p, x, 2);
	CU_ASSERT_EQUAL(blamed(), was + 4);
	p.bytes[12] = 255;
	p.bytes[13] = 255;
	dbed_push(&b, 2, &p, x, 2);
	CU_ASSERT_EQUAL(blamed(), was + 5);
	p = dbed_propose(&b, DBED_WALL, x, 2);
	p.bytes[8] = 1;
	dbed_push(&b, 2, &p, x, 2);
	CU_ASSERT_EQUAL(blamed(), was + 6);
	/* A length that reaches beyond the frame. */
	p = dbed_propose(&b, DBED_WALL, x, 1);
	static const uint8_t endless[4 + SIGNATURE_BYTES] = { 255, 255, 255, 255 };
	dbed_frame_in(&b, 2, &e, p.bytes, p.n, endless, sizeof endless);
	CU_ASSERT_EQUAL(blamed(), was + 7);
	CU_ASSERT_EQUAL(bad(), 0);
	free(x[0].bytes);
	free(x[1].bytes);
	dbed_destroy(&b);
}

static void a_bundle_that_is_not_named_is_refused(void)
{
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1), other = dbed_opening(&b, 1, 1);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &other, 1);
	CU_ASSERT_EQUAL(blamed(), 1);
	dbed_agree(&b, 1, p.digest);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	/* From another it comes whole. */
	dbed_push(&b, 3, &p, &x, 1);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	CU_ASSERT_EQUAL(blamed(), 1);
	free(x.bytes);
	free(other.bytes);
	dbed_destroy(&b);
}

static void a_clients_false_signature_costs_the_sender(void)
{
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1), lie = x;
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	lie.signature.b[7] ^= 1;
	dbed_push(&b, 0, &p, &lie, 1);
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[0] == 1);
	dbed_agree(&b, 1, p.digest);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	/* It is asked for. */
	dbed_pass(&b, 100);
	CU_ASSERT_TRUE(dbed_sent(&b, BFT_WIRE_FETCH) >= 1);
	dbed_push(&b, 3, &p, &x, 1);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	CU_ASSERT_TRUE(dbed_standing(&b).executed == 1 && b.closed[3] == 0 && bad() == 1);
	free(x.bytes);
	dbed_destroy(&b);
}

/* The leader named bytes that no replica may prepare: nobody else's copy can be better. */
static void a_malformed_bundle_named_by_the_leader_is_its_fault(void)
{
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1);
	x.bytes[PUBLIC_KEY_BYTES] = 9; /* an unknown kind */
	bundle_digest(&x.digest, x.bytes, x.n);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 1, p.digest);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SUSPECT), DBED_N - 1);
	CU_ASSERT_FALSE(driver_failed(b.driver));
	/* In the other order. */
	dbed_destroy(&b);
	dbed_create(&b);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 1, p.digest);
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SUSPECT), 0);
	dbed_push(&b, 3, &p, &x, 1);
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SUSPECT), DBED_N - 1);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

static void a_proposal_that_is_too_large_is_not_prepared(void)
{
	dbed_create(&b);
	uint32_t most = DBED_PROPOSAL_BYTES_MAX - BUNDLE_HEAD_BYTES - 4;
	struct dbed_bundle fits = dbed_request(&b, 0, 99, 1, most), large = dbed_request(&b, 0, 99, 2, most + 1);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &fits, 1), q = dbed_propose(&b, DBED_WALL, &large, 1);
	dbed_push(&b, 0, &p, &fits, 1);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 1, p.digest);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SUSPECT), 0);
	dbed_push(&b, 0, &q, &large, 1);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 2, q.digest);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 2, q.digest));
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SUSPECT), DBED_N - 1);
	free(fits.bytes);
	free(large.bytes);
	dbed_destroy(&b);
}

/* Whoever asked for nothing keeps no more than a budget of what one member sends. */
static void proposals_unasked_have_a_budget(void)
{
	dbed_create_with(&b, 1u << 20);
	for (uint64_t i = 1; i < 400; i++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, i, 62000);
		struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
		dbed_push(&b, 3, &p, &x, 1);
		free(x.bytes);
	}
	CU_ASSERT_TRUE(bodies_bytes(b.driver->bodies) <= (1u << 20));
	CU_ASSERT_FALSE(bodies_room(b.driver->bodies, 64u << 10));
	/* What the order waits for is taken all the same. */
	struct dbed_bundle x = dbed_request(&b, 0, 99, 1000, 62000);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_agree(&b, 1, p.digest);
	dbed_push(&b, 2, &p, &x, 1);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	free(x.bytes);
	dbed_destroy(&b);
}

/* Clients may fill the pool of requests; what is ordered is taken, or the cluster would stand still for good. */
static void a_pool_full_of_requests_does_not_stop_the_order(void)
{
	dbed_create_with(&b, 1u << 20);
	uint64_t i = 1;
	for (; i < 60; i++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, i, 30000);
		dbed_client_bundle(&b, 5, 0, &x);
		dbed_turn(&b);
		free(x.bytes);
	}
	CU_ASSERT_EQUAL(dbed_refused(&b, 5), REFUSAL_BUSY);
	struct dbed_bundle x = dbed_request(&b, 1, 98, 1, 50000);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_agree(&b, 1, p.digest);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

/* Held, it would wait for ever, and each leader in turn would lose its office over it. */
static void what_no_proposal_can_hold_is_refused(void)
{
	dbed_create(&b);
	struct dbed_bundle large = dbed_request(&b, 0, 99, 1, DBED_PROPOSAL_BYTES_MAX);
	dbed_client_bundle(&b, 5, 0, &large);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(dbed_refused(&b, 5), REFUSAL_LARGE);
	CU_ASSERT_EQUAL(dbed_counts(&b).refused, 1);
	free(large.bytes);
	dbed_destroy(&b);
}

/* A leader proposes the same bytes twice. When the log is cut above the first place, the second still has them after a restart. */
static void a_body_proposed_twice_outlives_its_first_place(void)
{
	struct dbed_bundle x;
	dbed_create(&b);
	x = dbed_opening(&b, 0, 1);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_agree(&b, 1, p.digest);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 6, p.digest);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 6, p.digest));
	CU_ASSERT_TRUE(history_body_covers(b.driver->history, &p.digest, 6));
	history_drop(b.driver->history, 4);
	CU_ASSERT_TRUE(body_in_log(b.driver, &p.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "malformed proposals are refused", malformed_proposals_are_refused },
		{ "a bundle that is not named is refused", a_bundle_that_is_not_named_is_refused },
		{ "a client's false signature costs the sender", a_clients_false_signature_costs_the_sender },
		{ "a malformed bundle named by the leader is its fault", a_malformed_bundle_named_by_the_leader_is_its_fault },
		{ "a proposal that is too large is not prepared", a_proposal_that_is_too_large_is_not_prepared },
		{ "proposals unasked have a budget", proposals_unasked_have_a_budget },
		{ "what no proposal can hold is refused", what_no_proposal_can_hold_is_refused },
		{ "a pool full of requests does not stop the order", a_pool_full_of_requests_does_not_stop_the_order },
		{ "a body proposed twice outlives its first place", a_body_proposed_twice_outlives_its_first_place },
		{ 0 },
	};
	return unit_main("admission_proposals", cases);
}
