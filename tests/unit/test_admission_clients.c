/* Admission: clients that err, flood and forge, and those beside them. */
#include "bft/pbft/pbft.h"
#include "tests/unit/admission_bed.h"

static void a_client_that_errs_loses_its_link(void)
{
	static const uint8_t zeros[512];
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .signature = x.signature };
	/* No envelope; types that no client sends. */
	driver_client_frame(b.driver, 1, &b.client_key[0], zeros, 0);
	driver_client_frame(b.driver, 1, &b.client_key[0], zeros, sizeof zeros);
	CU_ASSERT_EQUAL(b.client_closed[1], 2);
	static const uint16_t types[] = { 0, BFT_WIRE_PROPOSAL, BFT_WIRE_FETCH, BFT_WIRE_REPLY, BFT_WIRE_STANDING, PBFT_VOTES, PBFT_STATUS, UINT16_MAX };
	for (uint32_t i = 0; i < 8; i++) {
		struct bft_envelope wrong = { .signer = BFT_SIGNER_CHANNEL, .type = types[i], .epoch = 1 };
		dbed_client_in(&b, 2, 0, &wrong, zeros, 64);
		CU_ASSERT_EQUAL(b.client_closed[2], i + 1);
	}
	/* Another's request: another key than the link's. */
	dbed_client_in(&b, 3, 1, &e, x.bytes, x.n);
	CU_ASSERT_EQUAL(b.client_closed[3], 1);
	/* Malformed, at every length. */
	for (size_t n = 0; n < x.n; n++)
		dbed_client_in(&b, 4, 0, &e, x.bytes, n);
	CU_ASSERT_EQUAL(b.client_closed[4], x.n);
	/* As a replica would pass it on. */
	e.signer = 0;
	dbed_client_in(&b, 5, 0, &e, x.bytes, x.n);
	CU_ASSERT_EQUAL(b.client_closed[5], 1);
	e.signer = BFT_SIGNER_CHANNEL;
	e.epoch = 1;
	dbed_client_in(&b, 5, 0, &e, x.bytes, x.n);
	CU_ASSERT_EQUAL(b.client_closed[5], 2);
	e.epoch = 0;
	/* A false signature, seen a little later. */
	e.signature.b[0] ^= 1;
	dbed_client_in(&b, 6, 0, &e, x.bytes, x.n);
	CU_ASSERT_EQUAL(b.client_closed[6], 0);
	dbed_turn(&b);
	CU_ASSERT_TRUE(b.client_closed[6] == 1 && bad() == 1);
	CU_ASSERT_EQUAL(dbed_sent(&b, BFT_WIRE_BUNDLE), 0);
	/* Nobody else paid, and the right one is taken. */
	e.signature = x.signature;
	dbed_client_in(&b, 7, 0, &e, x.bytes, x.n);
	dbed_turn(&b);
	CU_ASSERT_TRUE(b.client_closed[7] == 0 && dbed_refused(&b, 7) == 0 && blamed() == 0);
	CU_ASSERT_PTR_NOT_NULL(bodies_find_bundle(b.driver->bodies, &x.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

static void attaching_has_one_form(void)
{
	static uint8_t bytes[2 + 65535 * 8];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_ATTACH };
	dbed_create(&b);
	bytes[0] = 2;
	for (size_t n = 0; n < 2 + 3 * 8; n++)
		if (n != 2 + 2 * 8)
			dbed_client_in(&b, 1, 0, &e, bytes, n);
	CU_ASSERT_EQUAL(b.client_closed[1], 2 + 3 * 8 - 1);
	dbed_client_in(&b, 2, 0, &e, bytes, 2 + 2 * 8);
	bytes[0] = 0;
	dbed_client_in(&b, 2, 0, &e, bytes, 2);
	/* As many as there may be: bounded by what is there. */
	bytes[0] = bytes[1] = 255;
	for (uint32_t i = 0; i < 65535; i++)
		memcpy(bytes + 2 + i * 8, &i, 4);
	dbed_client_in(&b, 2, 0, &e, bytes, sizeof bytes);
	CU_ASSERT_EQUAL(b.client_closed[2], 0);
	driver_client_gone(b.driver, 2);
	dbed_destroy(&b);
}

static void attach(driver_link link, uint8_t client, uint64_t session)
{
	uint8_t bytes[10] = { 1, 0 };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_ATTACH };
	memcpy(bytes + 2, &session, 8);
	dbed_client_in(&b, link, client, &e, bytes, sizeof bytes);
}

static void order_one(uint64_t session, uint64_t number, bft_seq seq)
{
	struct dbed_bundle x = dbed_request(&b, 0, session, number, 8);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_agree(&b, seq, p.digest);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, seq);
	free(x.bytes);
}

static void answers_go_where_their_client_is(void)
{
	dbed_create(&b);
	uint64_t s = dbed_session(&b, 5, 0, 1);
	attach(6, 0, s);
	order_one(s, 1, 2);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 6, BFT_WIRE_REPLY));
	/* It went and came again. */
	driver_client_gone(b.driver, 6);
	dbed_forget(&b);
	order_one(s, 2, 3);
	CU_ASSERT_PTR_NULL(dbed_told(&b, 6, BFT_WIRE_REPLY));
	attach(7, 0, s);
	order_one(s, 3, 4);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 7, BFT_WIRE_REPLY));
	dbed_destroy(&b);
}

/* Nobody gets, or stops, another's answers by naming its session. */
static void nobody_draws_anothers_answers(void)
{
	dbed_create(&b);
	uint64_t s = dbed_session(&b, 5, 0, 1);
	attach(6, 0, s);
	attach(7, 1, s);
	struct dbed_bundle x = dbed_request(&b, 1, s, 9, 8);
	dbed_client_bundle(&b, 8, 1, &x);
	dbed_turn(&b);
	order_one(s, 1, 2);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 6, BFT_WIRE_REPLY));
	CU_ASSERT_PTR_NULL(dbed_told(&b, 7, BFT_WIRE_REPLY));
	CU_ASSERT_PTR_NULL(dbed_told(&b, 8, BFT_WIRE_REPLY));
	free(x.bytes);
	dbed_destroy(&b);
}

/* One client's flood of good requests: it is told to wait when its share is full, and somebody else is served in the next turn. */
static void a_flood_of_requests_is_told_to_wait(void)
{
	dbed_create_with(&b, 1u << 20);
	uint32_t most = (1u << 20) / REQUESTS_WAITING_PART / FAIR_ITEM_BYTES + DBED_REQUESTS, refused = 0;
	for (uint64_t i = 1; i <= most + 50; i++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, i, 8);
		dbed_client_bundle(&b, 5, 0, &x);
		refused += dbed_refused(&b, 5) == REFUSAL_BUSY;
		dbed_forget(&b);
		free(x.bytes);
	}
	CU_ASSERT_EQUAL(refused, 50);
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), most - DBED_REQUESTS);
	/* One who comes now has a place, and whoever holds most gives it: the flood's last is told to wait. */
	struct dbed_bundle x = dbed_request(&b, 1, 98, 1, 8);
	dbed_client_bundle(&b, 6, 1, &x);
	CU_ASSERT_TRUE(dbed_refused(&b, 6) == 0 && dbed_refused(&b, 5) == REFUSAL_BUSY);
	/* In portions: after one turn the loop looks at its sockets again. And it comes before nearly all of the flood. */
	dbed_turn(&b);
	CU_ASSERT_EQUAL(bodies_requested(b.driver->bodies), DBED_REQUESTS);
	free(x.bytes);
	dbed_destroy(&b);
}

static void asks(uint8_t client, driver_link link, uint64_t from, uint64_t count)
{
	for (uint64_t i = from; i < from + count; i++) {
		struct dbed_bundle x = dbed_request(&b, client, 90u + client, i, 8);
		dbed_client_bundle(&b, link, client, &x);
		free(x.bytes);
	}
	dbed_turn(&b);
}

/* While there is room for all, nobody waits, and whoever has most under way has most of the order. */
static void who_wants_far_more_waits_though_there_is_room(void)
{
	dbed_create(&b);
	asks(0, 5, 1, 20);
	asks(1, 6, 1, 4);
	shares_judge(b.driver->shares, 0);
	CU_ASSERT_EQUAL(shares_most(b.driver->shares), 4);
	asks(0, 5, 21, 5);
	asks(1, 6, 5, 1);
	CU_ASSERT_TRUE(bodies_requested(b.driver->bodies) == 20 + 5 && fair_count(b.driver->fair) == 5);
	shares_judge(b.driver->shares, REQUESTS_HELD_MIN);
	asks(1, 6, 6, 1);
	CU_ASSERT_TRUE(bodies_requested(b.driver->bodies) == 26 + 5 && fair_count(b.driver->fair) == 0);
	dbed_destroy(&b);
}

/* The others want one each, and what is left of the order is the leader's to give: a backup sees little of what is ordered, and waits for whatever it holds. */
static void a_backup_holds_few_of_one_that_wants_far_more(void)
{
	static union pbft_body vote;
	dbed_create(&b);
	asks(0, 5, 1, 20);
	asks(1, 6, 1, 1);
	requests_pace(b.driver, 200);
	CU_ASSERT_EQUAL(shares_most(b.driver->shares), 4);
	vote.view_change = (struct pbft_view_change){ .view = 1, .chain = b.cluster };
	for (uint8_t member = 0; member < DBED_N; member++)
		if (member != DBED_SELF)
			dbed_say(&b, member, PBFT_VIEW_CHANGE, &vote);
	dbed_pass(&b, 100);
	CU_ASSERT(dbed_standing(&b).role == STANDING_LEADER);
	requests_pace(b.driver, 200);
	CU_ASSERT_TRUE(shares_most(b.driver->shares) > REQUESTS_HELD_MIN / 2);
	dbed_destroy(&b);
}

/* What members wait for goes before what only its client waits for; of a client that is not held, each queue has its turn. */
static void what_members_pass_on_goes_first(void)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE };
	dbed_create(&b);
	asks(0, 5, 1, 20);
	asks(1, 6, 1, 4);
	shares_judge(b.driver->shares, 0);
	asks(0, 5, 21, 5);
	struct dbed_bundle x = dbed_request(&b, 0, 90, 30, 8);
	e.signature = x.signature;
	dbed_frame_in(&b, 2, &e, NULL, 0, x.bytes, x.n);
	dbed_turn(&b);
	CU_ASSERT_TRUE(bodies_requested(b.driver->bodies) == 24 && fair_count(b.driver->fair) == 6);
	shares_judge(b.driver->shares, 4 + 21);
	requests_feed(b.driver);
	dbed_turn(&b);
	struct bundle_body *taken = bodies_find_bundle(b.driver->bodies, &x.digest);
	CU_ASSERT_TRUE(taken && taken->requested && fair_count(b.driver->fair) == 5);
	free(x.bytes);
	dbed_destroy(&b);
}

/* It waits once, whoever repeats it and whoever passes it on. Under another signature it is another: one of the two may be false. */
static void what_waits_is_not_taken_twice(void)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE };
	dbed_create(&b);
	for (uint64_t i = 1; i <= REQUESTS_CHECKED_MAX + DBED_REQUESTS; i++) {
		struct dbed_bundle x = dbed_request(&b, 1, 99, i, 8);
		dbed_client_bundle(&b, 6, 1, &x);
		free(x.bytes);
	}
	struct dbed_bundle x = dbed_request(&b, 0, 98, 1, 8);
	uint32_t before = fair_count(b.driver->fair);
	for (uint32_t i = 0; i < 10; i++)
		dbed_client_bundle(&b, 5, 0, &x);
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), before + 1);
	e.signature = x.signature;
	for (uint8_t member = 1; member < 4; member++)
		dbed_frame_in(&b, member, &e, NULL, 0, x.bytes, x.n);
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), before + 2);
	x.signature.b[3] ^= 1;
	dbed_client_bundle(&b, 5, 0, &x);
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), before + 3);
	free(x.bytes);
	dbed_destroy(&b);
}

/* Only its client can say that a request went to all at once. */
static void what_is_shown_says_so(void)
{
	dbed_create(&b);
	for (uint64_t number = 1; number <= 2; number++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, number, 8);
		struct bft_envelope e = { .signer = number == 1 ? BFT_SIGNER_SHOWN : BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .signature = x.signature };
		dbed_client_in(&b, 5, 0, &e, x.bytes, x.n);
		free(x.bytes);
	}
	dbed_turn(&b);
	const struct pbft *core = (const struct pbft *)b.driver->core;
	CU_ASSERT_EQUAL_FATAL(core->requests_count, 2);
	CU_ASSERT_TRUE(request_at(core, request_at(core, 0)->next)->shown && !request_at(core, request_at(core, 0)->prev)->shown);
	/* A member that passes one on, and anybody else who would be a signer. */
	struct dbed_bundle x = dbed_request(&b, 0, 99, 3, 8);
	struct bft_envelope e = { .signer = BFT_SIGNER_SHOWN, .type = BFT_WIRE_BUNDLE, .signature = x.signature };
	uint64_t blamed = dbed_counts(&b).blamed;
	dbed_frame_in(&b, 2, &e, NULL, 0, x.bytes, x.n);
	CU_ASSERT_EQUAL(dbed_counts(&b).blamed, blamed + 1);
	e.signer = 0;
	dbed_client_in(&b, 5, 0, &e, x.bytes, x.n);
	dbed_turn(&b);
	CU_ASSERT_TRUE(b.client_closed[5] == 1 && core->requests_count == 2);
	free(x.bytes);
	dbed_destroy(&b);
}

static uint32_t openings_refused(uint32_t count, uint64_t from, int member)
{
	uint32_t refused = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct dbed_bundle x = dbed_opening(&b, 0, from + i);
		struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .signature = x.signature };
		uint64_t before = b.driver->counts.refused;
		dbed_forget(&b);
		if (member < 0)
			dbed_client_bundle(&b, 5, 0, &x);
		else
			dbed_frame_in(&b, (uint8_t)member, &e, NULL, 0, x.bytes, x.n);
		CU_ASSERT(member >= 0 || (dbed_refused(&b, 5) == REFUSAL_BUSY) == (b.driver->counts.refused > before));
		refused += b.driver->counts.refused > before;
		free(x.bytes);
	}
	return refused;
}

/* A client's sessions are its own, but opening them is ordered work. What members let through is let through here, or they would suspect their leader. */
static void openings_have_a_budget(void)
{
	dbed_create(&b);
	CU_ASSERT_EQUAL(openings_refused(OPENINGS_MAX + 10, 1000, -1), 10);
	CU_ASSERT_EQUAL(openings_refused(2 * OPENINGS_MAX, 2000, 2), 0);
	CU_ASSERT_EQUAL(openings_refused(10, 3000, 2), 10);
	CU_ASSERT_EQUAL(openings_refused(OPENINGS_MAX, 4000, 3), 0); /* a liar's forwards take nothing from another's */
	b.now += OPENINGS_MS;
	driver_time(b.driver, b.now, DBED_WALL + b.now);
	CU_ASSERT_EQUAL(openings_refused(OPENINGS_MAX, 5000, -1), 0);
	dbed_destroy(&b);
}

/* What a client sends under a false signature costs one check: the rest of what it sent goes with its link. */
static void a_flood_of_false_requests_costs_one_check(void)
{
	static const struct signature wrong = { { 1 } };
	dbed_create(&b);
	for (uint64_t i = 1; i <= 4 * REQUESTS_CHECKED_MAX; i++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, i, 8);
		x.signature = wrong;
		dbed_client_bundle(&b, 5, 0, &x);
		free(x.bytes);
	}
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() <= REQUESTS_CHECKED_MAX && b.client_closed[5] > 0);
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), 0);
	/* And then there is room again. */
	struct dbed_bundle x = dbed_request(&b, 0, 99, 1, 8);
	dbed_forget(&b);
	dbed_client_bundle(&b, 6, 0, &x);
	dbed_turn(&b);
	CU_ASSERT_TRUE(dbed_refused(&b, 6) == 0 && b.client_closed[6] == 0);
	free(x.bytes);
	dbed_destroy(&b);
}

/* A member that forwards under a client's name what that client never signed does the client no harm. */
static void a_false_forward_is_not_the_clients_fault(void)
{
	static const struct signature none;
	dbed_create_with(&b, 1u << 20);
	struct dbed_bundle x;
	for (uint64_t i = 1; i <= REQUESTS_CHECKED_MAX + 20; i++) {
		x = dbed_request(&b, 0, 99, i, 8);
		dbed_client_bundle(&b, 5, 0, &x);
		free(x.bytes);
	}
	x = dbed_request(&b, 0, 99, 1000, 8);
	x.signature = none;
	dbed_frame_in(&b, 2, &(struct bft_envelope){ .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE }, NULL, 0, x.bytes, x.n);
	free(x.bytes);
	dbed_turn(&b);
	CU_ASSERT_TRUE(b.client_closed[5] == 0 && bodies_requested(b.driver->bodies) > 0);
	dbed_destroy(&b);
}

/* One that repeats what was executed is told so often in a second, and costs nothing beyond. */
static void a_storm_of_repeats_has_a_budget(void)
{
	dbed_create(&b);
	uint64_t session = dbed_session(&b, 5, 0, 1);
	order_one(session, 1, 2);
	struct dbed_bundle x = dbed_request(&b, 0, session, 1, 8);
	for (uint32_t second = 0; second < 2; second++) {
		uint32_t told = 0;
		for (uint32_t i = 0; i < LATE_ANSWERS_MAX + 100; i++) {
			dbed_forget(&b);
			dbed_client_bundle(&b, 5, 0, &x);
			told += dbed_told(&b, 5, BFT_WIRE_REPLY_LATE) != NULL;
		}
		CU_ASSERT_EQUAL(told, LATE_ANSWERS_MAX);
		b.now += 1000;
		driver_time(b.driver, b.now, DBED_WALL + b.now);
	}
	free(x.bytes);
	dbed_destroy(&b);
}

/* It was executed while it waited for its turn: it is answered, and not held. Held, nobody would ever end it, and the leader would lose its office over it. */
static void what_was_executed_meanwhile_is_not_held(void)
{
	dbed_create(&b);
	uint64_t session = dbed_session(&b, 5, 0, 1);
	for (uint64_t i = 1; i <= DBED_REQUESTS; i++) {
		struct dbed_bundle x = dbed_request(&b, 1, 99, i, 8);
		dbed_client_bundle(&b, 6, 1, &x);
		dbed_turn(&b);
		free(x.bytes);
	}
	struct dbed_bundle x = dbed_request(&b, 0, session, 1, 8);
	dbed_client_bundle(&b, 5, 0, &x);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), 1);
	order_one(session, 1, 2);
	dbed_forget(&b);
	for (bft_seq seq = 3; seq < 6; seq++) { /* places become free */
		struct dbed_bundle y = dbed_request(&b, 1, 99, seq, 8);
		struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &y, 1);
		dbed_push(&b, 0, &p, &y, 1);
		dbed_agree(&b, seq, p.digest);
		free(y.bytes);
	}
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), 0);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 5, BFT_WIRE_REPLY_LATE));
	const struct bundle_body *held = bodies_find_bundle(b.driver->bodies, &x.digest);
	CU_ASSERT_TRUE(!held || !held->requested);
	free(x.bytes);
	dbed_destroy(&b);
}

/* The core never has to refuse: what it has no place for waits for its turn. */
static void a_full_table_makes_it_wait(void)
{
	dbed_create(&b);
	for (uint64_t i = 1; i <= DBED_REQUESTS + 3; i++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, i, 8);
		dbed_client_bundle(&b, 5, 0, &x);
		dbed_turn(&b);
		CU_ASSERT_EQUAL(dbed_refused(&b, 5), 0);
		CU_ASSERT_EQUAL(bodies_find_bundle(b.driver->bodies, &x.digest) != NULL, i <= DBED_REQUESTS);
		free(x.bytes);
	}
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), 3);
	dbed_destroy(&b);
}

static void a_full_disk_takes_nothing_new(void)
{
	dbed_create(&b);
	uint64_t s = dbed_session(&b, 5, 0, 1);
	order_one(s, 1, 2);
	dbed_forget(&b);
	driver_space(b.driver, DRIVER_DISK_LOG, true);
	struct dbed_bundle x = dbed_request(&b, 0, s, 2, 8), done = dbed_request(&b, 0, s, 1, 8);
	dbed_client_bundle(&b, 5, 0, &x);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(dbed_refused(&b, 5), REFUSAL_SPACE);
	/* What is there is answered. */
	dbed_client_bundle(&b, 6, 0, &done);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 6, BFT_WIRE_REPLY_LATE));
	CU_ASSERT_EQUAL(dbed_refused(&b, 6), 0);
	/* No PREPARE promises what cannot be kept, until there is room again. */
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 3, p.digest);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 3, p.digest));
	CU_ASSERT_TRUE(strlen(dbed_standing(&b).trouble) > 0);
	/* The core asks for it again and again: it waits once. */
	for (int i = 0; i < 100; i++)
		fetch_order(b.driver, &p.digest, 1, BFT_BIT(0));
	CU_ASSERT_EQUAL(b.driver->held_count, 1);
	driver_space(b.driver, DRIVER_DISK_LOG, false);
	dbed_turn(&b);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 3, p.digest));
	CU_ASSERT_STRING_EQUAL(dbed_standing(&b).trouble, "");
	free(x.bytes);
	free(done.bytes);
	dbed_destroy(&b);
}

/* What another replica passes on is no better than from a client. */
static void a_request_passed_on_must_hold(void)
{
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .signature = x.signature };
	for (size_t n = 0; n < x.n; n += 9) {
		uint64_t was = blamed();
		dbed_frame_in(&b, 2, &e, x.bytes, n, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 1);
	}
	e.signature.b[0] ^= 1;
	dbed_turn(&b);
	dbed_forget(&b);
	dbed_frame_in(&b, 2, &e, x.bytes, x.n, NULL, 0);
	dbed_turn(&b);
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[2] == 1);
	e.signature = x.signature;
	dbed_frame_in(&b, 3, &e, x.bytes, x.n, NULL, 0);
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[3] == 0);
	CU_ASSERT_PTR_NOT_NULL(bodies_find_bundle(b.driver->bodies, &x.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a client that errs loses its link", a_client_that_errs_loses_its_link },
		{ "attaching has one form", attaching_has_one_form },
		{ "answers go where their client is", answers_go_where_their_client_is },
		{ "nobody draws another's answers", nobody_draws_anothers_answers },
		{ "a flood of requests is told to wait", a_flood_of_requests_is_told_to_wait },
		{ "who wants far more waits though there is room", who_wants_far_more_waits_though_there_is_room },
		{ "what is shown says so", what_is_shown_says_so },
		{ "a backup holds few of one that wants far more", a_backup_holds_few_of_one_that_wants_far_more },
		{ "what members pass on goes first", what_members_pass_on_goes_first },
		{ "what waits is not taken twice", what_waits_is_not_taken_twice },
		{ "openings have a budget", openings_have_a_budget },
		{ "a flood of false requests costs one check", a_flood_of_false_requests_costs_one_check },
		{ "a false forward is not the client's fault", a_false_forward_is_not_the_clients_fault },
		{ "a storm of repeats has a budget", a_storm_of_repeats_has_a_budget },
		{ "what was executed meanwhile is not held", what_was_executed_meanwhile_is_not_held },
		{ "a full table makes it wait", a_full_table_makes_it_wait },
		{ "a full disk takes nothing new", a_full_disk_takes_nothing_new },
		{ "a request passed on must hold", a_request_passed_on_must_hold },
		{ 0 },
	};
	return unit_main("admission_clients", cases);
}
