/* Admission in a trusted cluster: requests without a signature, who may vouch for them, and what a signature that is there still means. The replica is a follower of
 * member 0. */
#include "bft/raft/messages.h"
#include "tests/unit/admission_bed.h"

static uint64_t round_of_leader;

static void trusted_bed(void)
{
	dbed_create_mode(&b, BFT_MODE_TRUSTED, 16u << 20);
	round_of_leader = 0;
}

/* Member 0 leads term 1: `p` stands at `seq`, or nothing does; what stands before `seq` is committed, and `seq` too. */
static void leader_appends(bft_seq seq, const struct dbed_proposal *p)
{
	static struct raft_append m;
	static uint8_t bytes[64u << 10];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = RAFT_APPEND, .epoch = 1 };
	m = (struct raft_append){ .term = 1, .round = ++round_of_leader, .prev = p ? seq - 1 : seq, .commit = seq, .count = p ? 1 : 0 };
	m.prev_term = m.prev ? 1 : 0;
	if (p) {
		m.entry[0].term = 1;
		m.entry[0].digest = p->digest;
	}
	dbed_frame_in(&b, 0, &e, bytes, raft_encode(RAFT_APPEND, &m, bytes, sizeof bytes), NULL, 0);
	dbed_turn(&b);
}

static struct dbed_bundle unsigned_(struct dbed_bundle x)
{
	memset(&x.signature, 0, sizeof x.signature);
	return x;
}

/* Pushed by the leader, ordered and executed. */
static void order(const struct dbed_bundle *x, bft_seq seq)
{
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, x, 1);
	dbed_push(&b, 0, &p, x, 1);
	leader_appends(seq, &p);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, seq);
}

/* A session of client 0, whose link is 5; at sequence 1. */
static uint64_t session(void)
{
	struct dbed_bundle x = unsigned_(dbed_opening(&b, 0, 77));
	dbed_client_bundle(&b, 5, 0, &x);
	order(&x, 1);
	free(x.bytes);
	return (uint64_t)1 << 16;
}

static const struct dbed_frame *passed_on(uint8_t to)
{
	for (uint32_t i = b.frames_count; i--;)
		if (!b.frame[i].client && b.frame[i].to == to && b.frame[i].e.type == BFT_WIRE_BUNDLE)
			return &b.frame[i];
	return NULL;
}

static void a_request_needs_no_signature(void)
{
	trusted_bed();
	leader_appends(0, NULL);
	struct dbed_bundle x = unsigned_(dbed_opening(&b, 0, 1));
	dbed_client_bundle(&b, 5, 0, &x);
	dbed_turn(&b);
	const struct dbed_frame *f = passed_on(0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_TRUE(signature_is_none(&f->e.signature) && f->n == x.n && memcmp(f->body, x.bytes, x.n) == 0);
	CU_ASSERT_TRUE(b.client_closed[5] == 0 && dbed_refused(&b, 5) == 0 && bad() == 0 && blamed() == 0);
	free(x.bytes);
	dbed_destroy(&b);
}

static void nobody_asks_in_anothers_name(void)
{
	trusted_bed();
	struct dbed_bundle x = unsigned_(dbed_opening(&b, 0, 1));
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE };
	dbed_client_in(&b, 6, 1, &e, x.bytes, x.n);
	CU_ASSERT_EQUAL(b.client_closed[6], 1);
	/* Nor as a member would pass it on. */
	e.signer = 2;
	dbed_client_in(&b, 7, 1, &e, x.bytes, x.n);
	dbed_client_in(&b, 8, 0, &e, x.bytes, x.n);
	CU_ASSERT_TRUE(b.client_closed[7] == 1 && b.client_closed[8] == 1);
	dbed_turn(&b);
	CU_ASSERT_PTR_NULL(bodies_find_bundle(b.driver->bodies, &x.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

static void a_member_vouches_a_stranger_does_not(void)
{
	uint8_t bytes[512];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE };
	trusted_bed();
	struct dbed_bundle x = unsigned_(dbed_opening(&b, 0, 1));
	struct wr w = wr_of(bytes, sizeof bytes);
	envelope_write(&w, &e);
	wr_bytes(&w, x.bytes, x.n);
	driver_stranger(b.driver, 3, true);
	driver_stranger_frame(b.driver, 3, bytes, wr_done(&w));
	driver_member_frame(b.driver, DBED_N, bytes, wr_done(&w)); /* no member at all */
	dbed_turn(&b);
	CU_ASSERT_PTR_NULL(bodies_find_bundle(b.driver->bodies, &x.digest));
	dbed_frame_in(&b, 2, &e, x.bytes, x.n, NULL, 0);
	dbed_turn(&b);
	const struct bundle_body *held = bodies_find_bundle(b.driver->bodies, &x.digest);
	CU_ASSERT_TRUE(held && held->requested && b.closed[2] == 0 && blamed() == 0);
	free(x.bytes);
	dbed_destroy(&b);
}

static void a_pushed_bundle_needs_none(void)
{
	trusted_bed();
	uint64_t s = session();
	struct dbed_bundle x = unsigned_(dbed_request(&b, 0, s, 1, 8));
	order(&x, 2);
	CU_ASSERT_TRUE(b.closed[0] == 0 && bad() == 0 && blamed() == 0);
	free(x.bytes);
	dbed_destroy(&b);
}

static void a_false_signature_is_refused(void)
{
	trusted_bed();
	uint64_t s = session();
	struct dbed_bundle x = dbed_request(&b, 0, s, 1, 8);
	x.signature.b[3] ^= 1;
	dbed_client_bundle(&b, 6, 0, &x);
	dbed_turn(&b);
	CU_ASSERT_TRUE(b.client_closed[6] == 1 && bad() == 1);
	CU_ASSERT_PTR_NULL(bodies_find_bundle(b.driver->bodies, &x.digest));
	/* Of a member neither: passed on, or pushed. */
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .signature = x.signature };
	dbed_frame_in(&b, 2, &e, x.bytes, x.n, NULL, 0);
	dbed_turn(&b);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	leader_appends(2, &p);
	CU_ASSERT_TRUE(b.closed[2] == 1 && b.closed[0] == 1 && bad() == 3);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	free(x.bytes);
	dbed_destroy(&b);
}

static void attach(driver_link link, uint64_t session)
{
	uint8_t bytes[10] = { 1, 0 };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_ATTACH };
	memcpy(bytes + 2, &session, 8);
	dbed_client_in(&b, link, 0, &e, bytes, sizeof bytes);
}

static bool mine(const struct dbed_frame *f, bool late)
{
	struct reply reply;
	struct statement s;
	return reply_decode(&reply, late, f->body, f->n) && reply_statement(&s, &b.cluster, 1, &reply, late) &&
	       sign_ed25519.verify(&f->e.signature, &s, &b.key[DBED_SELF]);
}

static void a_signed_request_is_answered_signed(void)
{
	trusted_bed();
	uint64_t s = session();
	attach(5, s);
	dbed_forget(&b);
	/* By every member, whoever was asked: it came with the leader's proposal. */
	struct dbed_bundle x = dbed_request(&b, 0, s, 1, 8);
	order(&x, 2);
	const struct dbed_frame *f = dbed_told(&b, 5, BFT_WIRE_REPLY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_TRUE(mine(f, false));
	/* From the record too, when it is asked for signed; else not. */
	dbed_client_bundle(&b, 6, 0, &x);
	struct dbed_bundle bare = unsigned_(x);
	dbed_client_bundle(&b, 7, 0, &bare);
	f = dbed_told(&b, 6, BFT_WIRE_REPLY_LATE);
	CU_ASSERT_TRUE(f && mine(f, true));
	f = dbed_told(&b, 7, BFT_WIRE_REPLY_LATE);
	CU_ASSERT_TRUE(f && signature_is_none(&f->e.signature));
	free(x.bytes);
	dbed_destroy(&b);
}

static void who_was_asked_answers(void)
{
	trusted_bed();
	uint64_t s = session();
	const struct dbed_frame *f = dbed_told(&b, 5, BFT_WIRE_REPLY_LATE);
	CU_ASSERT_TRUE(f && signature_is_none(&f->e.signature));
	dbed_forget(&b);
	/* Another replica was asked for this one. */
	struct dbed_bundle x = unsigned_(dbed_request(&b, 0, s, 1, 8)), y = unsigned_(dbed_request(&b, 0, s, 2, 8));
	order(&x, 2);
	CU_ASSERT_PTR_NULL(dbed_told(&b, 5, BFT_WIRE_REPLY_LATE));
	/* It is asked now: from the session's record. */
	dbed_client_bundle(&b, 5, 0, &x);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 5, BFT_WIRE_REPLY_LATE));
	dbed_forget(&b);
	dbed_client_bundle(&b, 5, 0, &y);
	dbed_turn(&b);
	order(&y, 3);
	f = dbed_told(&b, 5, BFT_WIRE_REPLY_LATE);
	CU_ASSERT_TRUE(f && signature_is_none(&f->e.signature) && !dbed_told(&b, 5, BFT_WIRE_REPLY));
	/* By another link than the one it came by, nothing is owed. */
	dbed_forget(&b);
	struct dbed_bundle z = unsigned_(dbed_request(&b, 0, s, 3, 8));
	dbed_client_bundle(&b, 5, 0, &z);
	attach(6, s);
	order(&z, 4);
	CU_ASSERT_TRUE(!dbed_told(&b, 5, BFT_WIRE_REPLY_LATE) && !dbed_told(&b, 6, BFT_WIRE_REPLY_LATE));
	free(x.bytes);
	free(y.bytes);
	free(z.bytes);
	dbed_destroy(&b);
}

static void raft_says(uint8_t member, uint16_t type, const void *m)
{
	static uint8_t bytes[64u << 10];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = 1 };
	dbed_frame_in(&b, member, &e, bytes, raft_encode(type, m, bytes, sizeof bytes), NULL, 0);
	dbed_turn(&b);
}

/* The replica is elected, and its opening entry is committed. */
static void it_leads(void)
{
	struct raft_vote yes = { .term = 1, .kind = RAFT_ASK_PRE, .answer = RAFT_YES };
	struct raft_ack ack = { .term = 1, .round = 1, .kind = RAFT_ACK_MATCH, .match = 1 };
	for (int i = 0; i < 100 && !dbed_sent(&b, RAFT_ASK_VOTE); i++)
		dbed_pass(&b, 10);
	raft_says(0, RAFT_VOTE, &yes);
	raft_says(2, RAFT_VOTE, &yes);
	yes.kind = RAFT_ASK_REAL;
	raft_says(0, RAFT_VOTE, &yes);
	raft_says(2, RAFT_VOTE, &yes);
	raft_says(0, RAFT_ACK, &ack);
	raft_says(2, RAFT_ACK, &ack);
	CU_ASSERT_TRUE_FATAL(dbed_standing(&b).role == STANDING_LEADER && dbed_standing(&b).executed == 1);
	dbed_forget(&b);
}

/* What one wake-up brings is told to the core together, so it is one proposal. */
static void a_burst_is_one_proposal(void)
{
	struct dbed_bundle x[5];
	trusted_bed();
	it_leads();
	for (uint8_t i = 0; i < 5; i++) {
		x[i] = unsigned_(dbed_opening(&b, i % 4, 1 + i));
		dbed_client_bundle(&b, 5 + i % 4, i % 4, &x[i]);
		dbed_client_bundle(&b, 5 + i % 4, i % 4, &x[i]); /* repeated, as clients do */
	}
	CU_ASSERT_TRUE(b.driver->fresh_count == 5 && bodies_requested(b.driver->bodies) == 5 && dbed_sent(&b, BFT_WIRE_PROPOSAL) == 0);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(dbed_sent(&b, BFT_WIRE_PROPOSAL), 2); /* one, to each that has answered */
	struct bft_proposal head;
	for (uint32_t i = 0; i < b.frames_count; i++)
		if (b.frame[i].e.type == BFT_WIRE_PROPOSAL)
			CU_ASSERT_TRUE(proposal_decode(&head, b.frame[i].body, b.frame[i].n, 8) > 0 && head.count == 5);
	for (uint8_t i = 0; i < 5; i++)
		free(x[i].bytes);
	dbed_destroy(&b);
}

/* What is pooled and not told yet may be executed when a fetched state is installed: the core must not wait for it. */
static void what_was_executed_meanwhile_is_not_told(void)
{
	trusted_bed();
	uint64_t s = session();
	struct dbed_bundle x = unsigned_(dbed_request(&b, 0, s, 1, 8));
	order(&x, 2);
	dbed_forget(&b);
	/* As if it had been pooled before that. */
	struct bundle_body *pooled = bodies_add_bundle(b.driver->bodies, &x.digest, &x.signature, x.bytes, x.n);
	bodies_set_requested(b.driver->bodies, pooled, true);
	b.driver->fresh[b.driver->fresh_count++] = (struct fresh_request){ x.digest, 5, false, 1 };
	dbed_turn(&b);
	CU_ASSERT_TRUE(bodies_requested(b.driver->bodies) == 0 && dbed_sent(&b, BFT_WIRE_BUNDLE) == 0);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 5, BFT_WIRE_REPLY_LATE));
	free(x.bytes);
	dbed_destroy(&b);
}

static void an_epoch_that_signs_refuses_what_is_unsigned(void)
{
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1), bare = unsigned_(x);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE };
	dbed_client_bundle(&b, 5, 0, &bare);
	dbed_turn(&b);
	const struct dbed_frame *f = dbed_told(&b, 5, BFT_WIRE_REFUSED);
	CU_ASSERT_TRUE(f && f->e.epoch == 1 && dbed_refused(&b, 5) == REFUSAL_UNSIGNED && b.client_closed[5] == 0);
	CU_ASSERT_PTR_NULL(bodies_find_bundle(b.driver->bodies, &x.digest));
	/* Who passes it on may be in another epoch (seed 706); nobody honest proposes it. */
	dbed_frame_in(&b, 2, &e, bare.bytes, bare.n, NULL, 0);
	dbed_turn(&b);
	CU_ASSERT_TRUE(blamed() == 0 && b.driver->counts.refused == 2 && !bodies_find_bundle(b.driver->bodies, &x.digest));
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &bare, 1);
	/* Unasked it may be what was asked for in an epoch before, and came late (seed 78 of trusted mode); who is asked in this one has no such excuse. */
	dbed_push(&b, 0, &p, &bare, 1);
	dbed_turn(&b);
	CU_ASSERT_TRUE(blamed() == 0 && bad() == 0 && b.closed[0] == 0 && !bodies_find_bundle(b.driver->bodies, &x.digest));
	fetch_order(b.driver, &p.digest, 1, BFT_BIT(0));
	dbed_push(&b, 0, &p, &bare, 1);
	dbed_turn(&b);
	CU_ASSERT_TRUE(blamed() == 1 && !bodies_find_bundle(b.driver->bodies, &x.digest));
	fetch_forget(b.driver, &p.digest);
	/* What was decided before this epoch may be asked for in it, by one who lost its state. */
	b.driver->base = 8;
	fetch_order(b.driver, &p.digest, 9, BFT_BIT(0));
	dbed_push(&b, 0, &p, &bare, 1);
	dbed_turn(&b);
	CU_ASSERT_TRUE(blamed() == 2 && !bodies_find_bundle(b.driver->bodies, &x.digest));
	fetch_order(b.driver, &p.digest, 8, BFT_BIT(0));
	dbed_push(&b, 0, &p, &bare, 1);
	dbed_turn(&b);
	CU_ASSERT_TRUE(blamed() == 2 && bad() == 0 && bodies_find_bundle(b.driver->bodies, &x.digest) != NULL);
	/* Signed, it is the same request. */
	dbed_client_bundle(&b, 5, 0, &x);
	dbed_turn(&b);
	CU_ASSERT_PTR_NOT_NULL(bodies_find_bundle(b.driver->bodies, &bare.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

static void what_waits_unsigned_is_given_back(void)
{
	trusted_bed();
	uint64_t s = session();
	struct dbed_bundle x = dbed_request(&b, 0, s, 1, 8), bare = unsigned_(x), y = dbed_request(&b, 0, s, 2, 8);
	dbed_client_bundle(&b, 5, 0, &bare);
	dbed_client_bundle(&b, 5, 0, &y);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(bodies_requested(b.driver->bodies), 2);
	/* As at a border into an epoch that signs. */
	requests_give_back(b.driver);
	CU_ASSERT_EQUAL(bodies_requested(b.driver->bodies), 2);
	b.driver->roster.mode = BFT_MODE_BFT;
	requests_give_back(b.driver);
	CU_ASSERT_TRUE(bodies_requested(b.driver->bodies) == 1 && dbed_refused(&b, 5) == REFUSAL_UNSIGNED);
	CU_ASSERT_PTR_NULL(bodies_find_bundle(b.driver->bodies, &x.digest));
	CU_ASSERT_PTR_NOT_NULL(bodies_find_bundle(b.driver->bodies, &y.digest));
	b.driver->roster.mode = BFT_MODE_TRUSTED;
	free(x.bytes);
	free(y.bytes);
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a request needs no signature", a_request_needs_no_signature },
		{ "nobody asks in another's name", nobody_asks_in_anothers_name },
		{ "a member vouches, a stranger does not", a_member_vouches_a_stranger_does_not },
		{ "a pushed bundle needs none", a_pushed_bundle_needs_none },
		{ "a false signature is refused", a_false_signature_is_refused },
		{ "a signed request is answered signed", a_signed_request_is_answered_signed },
		{ "who was asked answers", who_was_asked_answers },
		{ "a burst is one proposal", a_burst_is_one_proposal },
		{ "what was executed meanwhile is not told", what_was_executed_meanwhile_is_not_told },
		{ "an epoch that signs refuses what is unsigned", an_epoch_that_signs_refuses_what_is_unsigned },
		{ "what waits unsigned is given back", what_waits_unsigned_is_given_back },
		{ 0 },
	};
	return unit_main("admission_trusted", cases);
}
