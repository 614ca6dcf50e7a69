/* docs/protocol.md, "Raft", reads by lease: a majority that has heard a leader votes for nobody else for a while, and meanwhile what is committed is what that leader has
 * committed. The clocks' speeds may differ by no more than the bound that was given. */
#include "tests/rules/raft_bed.h"

#define DRIFT 5u

static struct rbed *bed_of(uint32_t n, uint8_t self, uint32_t drift)
{
	struct bft_limits limits = rbed_limits(n);
	limits.lease_drift_percent = drift;
	struct rbed *b = rbed_new_with(&limits, self);
	rbed_start(b, BFT_RECOVERY_WHOLE);
	for (uint8_t i = 0; i < n; i++)
		if (i != self)
			rbed_link(b, i, true);
	rbed_raft(b)->heard = false; /* it began long ago */
	rbed_raft(b)->heard_ms = 0;
	rbed_forget(b);
	return b;
}

/* Member 0 leads, and its opening is committed and executed, in this very millisecond. */
static struct rbed *leader_of(uint32_t n, uint32_t drift)
{
	struct rbed *b = bed_of(n, 0, drift);
	rbed_lead(b);
	for (uint8_t i = 1; i < n; i++)
		rbed_ack(b, i, rbed_raft(b)->last);
	CU_ASSERT_FATAL(b->executed == 1 && rbed_raft(b)->commit == 1);
	rbed_forget(b);
	return b;
}

static void ask(struct rbed *b, uint64_t id)
{
	struct bft_event e = { .kind = BFT_EV_READ, .id = { .number = id } };
	rbed_step(b, &e);
}

/* Whether a read is told at once, without a word from anybody. */
static bool by_lease(struct rbed *b)
{
	static uint64_t id;
	uint32_t before = rbed_count(b, BFT_FX_READ_AT);
	ask(b, ++id);
	return rbed_count(b, BFT_FX_READ_AT) > before && rbed_last(b, BFT_FX_READ_AT)->id == id && rbed_last(b, BFT_FX_READ_AT)->reason == 0;
}

static void told_at_once_while_it_holds(void)
{
	struct rbed *b = leader_of(3, DRIFT);
	CU_ASSERT(by_lease(b) && rbed_last(b, BFT_FX_READ_AT)->seq == 1 && rbed_sent(b, RAFT_APPEND) == NULL);
	/* For followers too. */
	struct raft_read m = { .term = rbed_raft(b)->term, .id = 9 };
	rbed_say(b, 2, RAFT_ASK_READ, &m);
	const struct bft_effect *e = rbed_sent(b, RAFT_READ_AT);
	CU_ASSERT(e && e->to == BFT_BIT(2) && ((const struct raft_read *)e->data)->seq == 1);
	/* It ends, and is renewed by answers to what was sent since. */
	rbed_run(b, raft_lease_span_ms(DRIFT) / 10 * 10);
	CU_ASSERT_TRUE(by_lease(b));
	rbed_run(b, 10);
	CU_ASSERT_FALSE(by_lease(b));
	rbed_ack(b, 1, 1);
	CU_ASSERT_TRUE(by_lease(b)); /* one of two others is a majority */
	rbed_free(b);
	b = leader_of(3, 0); /* off, if nothing else is said */
	CU_ASSERT_FALSE(by_lease(b));
	rbed_free(b);
	CU_ASSERT(raft_lease_span_ms(5) == 224 && raft_lease_span_ms(20) == 164);
}

/* It counts from when the oldest of what an answer may answer was sent, not from when the answer came. */
static void it_counts_from_the_sending(void)
{
	struct rbed *b = leader_of(3, DRIFT);
	rbed_run(b, 60); /* a heartbeat went out after 50 */
	uint64_t round = rbed_raft(b)->round, sent = rbed_raft(b)->peer[1].mark_ms;
	CU_ASSERT(rbed_raft(b)->peer[1].mark_round != 0 && sent < b->mono_ms);
	rbed_run(b, 150);
	struct raft_ack m = { .term = rbed_raft(b)->term, .round = round, .match = 1 };
	rbed_say(b, 1, RAFT_ACK, &m);
	CU_ASSERT(rbed_raft(b)->peer[1].lease_ms == sent && by_lease(b));
	while (b->mono_ms + 10 < sent + raft_lease_span_ms(DRIFT))
		rbed_run(b, 10);
	CU_ASSERT_TRUE(by_lease(b));
	rbed_run(b, 10);
	CU_ASSERT_FALSE(by_lease(b));
	/* An answer to something older renews nothing. */
	m.round = 1;
	rbed_say(b, 1, RAFT_ACK, &m);
	CU_ASSERT_FALSE(by_lease(b));
	rbed_free(b);
}

/* Another heartbeat, and its answer. */
static void heard(struct rbed *b, uint8_t from, bool learner)
{
	struct raft_ack m = { .term = rbed_raft(b)->term, .match = 1, .learner = learner };
	for (int i = 0; i < 2; i++) {
		rbed_run(b, i ? RAFT_HEARTBEAT_MS + 10 : 0);
		m.round = rbed_raft(b)->round;
		rbed_say(b, from, RAFT_ACK, &m);
	}
}

static void a_majority_and_no_learner(void)
{
	struct rbed *b = leader_of(5, DRIFT);
	rbed_run(b, 250);
	CU_ASSERT_FALSE(by_lease(b));
	heard(b, 1, false);
	CU_ASSERT_FALSE(by_lease(b));
	heard(b, 2, true); /* it promises nothing: it may forget it */
	CU_ASSERT_FALSE(by_lease(b));
	heard(b, 3, false);
	CU_ASSERT_TRUE(by_lease(b));
	rbed_free(b);
}

/* What it may not know is committed, and what could end the epoch unseen. */
static void not_before_it_knows_what_is_committed(void)
{
	struct rbed *b = bed_of(3, 0, DRIFT);
	rbed_lead(b);
	struct raft_ack m = { .term = rbed_raft(b)->term, .round = rbed_raft(b)->round };
	rbed_say(b, 1, RAFT_ACK, &m); /* it was heard, and its opening is nowhere yet */
	CU_ASSERT_FALSE(by_lease(b));
	rbed_free(b);
	b = leader_of(3, DRIFT);
	b->execute = false;
	rbed_request(b, 1);
	rbed_ack(b, 1, 2);
	CU_ASSERT(rbed_raft(b)->commit == 2 && rbed_raft(b)->executed == 1 && !by_lease(b));
	b->execute = true;
	rbed_settle(b, b->seen_count);
	CU_ASSERT(rbed_raft(b)->executed == 2 && by_lease(b));
	struct bft_event border = { .kind = BFT_EV_EPOCH, .seq = 8 };
	rbed_step(b, &border);
	CU_ASSERT(rbed_raft(b)->border == 8 && !by_lease(b));
	rbed_free(b);
}

/* Who is told to stand may do so whenever that word comes, in this term. */
static void a_transfer_ends_it(void)
{
	struct rbed *b = leader_of(3, DRIFT);
	struct bft_event e = { .kind = BFT_EV_ADMIN };
	rbed_step(b, &e);
	CU_ASSERT(rbed_sent(b, RAFT_TIMEOUT_NOW) != NULL && rbed_leads(b) && !by_lease(b));
	for (int i = 0; i < 60; i++) {
		rbed_run(b, 10);
		rbed_ack(b, 1, 1);
		rbed_ack(b, 2, 1);
	}
	CU_ASSERT(rbed_leads(b) && rbed_raft(b)->transfer == RAFT_NOBODY && !by_lease(b));
	rbed_free(b);
}

/* ---- the promise of those who answer ---- */

static bool votes(struct rbed *b, uint8_t from, bft_view term)
{
	rbed_forget(b);
	rbed_ask_vote(b, from, term, RAFT_ASK_PRE, 90, 90);
	const struct bft_effect *e = rbed_left(b, RAFT_VOTE);
	bool pre = e && ((const struct raft_vote *)e->data)->answer == RAFT_YES;
	rbed_ask_vote(b, from, term, RAFT_ASK_REAL, 90, 90);
	e = rbed_left(b, RAFT_VOTE);
	bool real = e && ((const struct raft_vote *)e->data)->kind == RAFT_ASK_REAL && ((const struct raft_vote *)e->data)->answer == RAFT_YES;
	CU_ASSERT_EQUAL(pre, real);
	return real;
}

/* Whatever it hears of higher terms meanwhile. */
static void nobody_votes_within_it(void)
{
	struct rbed *b = bed_of(3, 1, 0); /* whether the leader reads by lease, a follower does not know */
	rbed_append(b, 0, 91, 1, 0, 0, 0, 0, 0);
	struct raft_vote no = { .term = 95, .current = 95, .kind = RAFT_ASK_PRE, .answer = RAFT_NO };
	rbed_say(b, 2, RAFT_VOTE, &no);
	CU_ASSERT(rbed_raft(b)->term == 95 && rbed_raft(b)->leader == RAFT_NOBODY);
	rbed_tick(b, 10); /* counted from here */
	rbed_run(b, RAFT_ELECTION_MS - 10);
	CU_ASSERT_FALSE(votes(b, 2, 99));
	rbed_run(b, 10);
	CU_ASSERT_TRUE(votes(b, 2, 99));
	rbed_free(b);
	/* But the leader's own word is stronger: its lease has ended by it. */
	b = bed_of(3, 1, 0);
	rbed_append(b, 0, 91, 1, 0, 0, 0, 0, 0);
	rbed_ask_vote(b, 2, 99, RAFT_ASK_TRANSFER, 90, 90);
	CU_ASSERT_EQUAL(rbed_last_vote(b).answer, RAFT_YES);
	rbed_free(b);
}

/* A process that was frozen reads an old clock, then what waited for it: the promise does not begin before it was made. */
static void it_begins_when_it_is_made(void)
{
	struct rbed *b = bed_of(3, 1, 0);
	rbed_tick(b, 10);
	b->mono_ms += RAFT_ELECTION_MS; /* and no tick has told it so */
	rbed_append(b, 0, 91, 1, 0, 0, 0, 0, 0);
	CU_ASSERT_FALSE(votes(b, 2, 99));
	CU_ASSERT_EQUAL(bft_raft.deadline(b->core), rbed_raft(b)->mono_ms + 1); /* nor much later */
	rbed_tick(b, 0);
	CU_ASSERT(!votes(b, 2, 99) && rbed_raft(b)->role == RAFT_FOLLOWER);
	/* Nor does it stand itself: its own vote would be one of that majority's. */
	rbed_raft(b)->election_ms = b->mono_ms;
	rbed_tick(b, RAFT_ELECTION_MS - 1);
	CU_ASSERT(rbed_raft(b)->role == RAFT_FOLLOWER && !votes(b, 2, 99));
	rbed_tick(b, 1);
	CU_ASSERT_TRUE(votes(b, 2, 99));
	rbed_free(b);
}

/* It does not remember whom it heard just before it was killed; nor does the core of the next epoch. */
static void a_start_is_a_promise(void)
{
	struct rbed *b = bed_of(3, 1, 0);
	rbed_append(b, 0, 91, 1, 0, 0, 0, 0, 0);
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT_FALSE(votes(b, 2, 99));
	rbed_tick(b, 10);
	rbed_run(b, RAFT_ELECTION_MS - 10);
	CU_ASSERT_FALSE(votes(b, 2, 99));
	rbed_run(b, 10);
	CU_ASSERT_TRUE(votes(b, 2, 99));
	rbed_free(b);
}

/* ---- clocks ---- */

/* At true time `us`, a clock whose speed is off by `percent`, cut to milliseconds. */
static uint64_t shows(uint64_t us, int percent)
{
	return us * (uint64_t)(100 + percent) / 100 / 1000;
}

static void set_clock(struct rbed *b, uint64_t ms)
{
	rbed_tick(b, ms - b->mono_ms);
}

/* The leader's clock is slow and the followers' are fast, by `percent`; nothing takes any time on the way. Whether the leader would still read by lease when a follower may
 * vote for another: what that one commits then, the leader does not know. */
static bool reads_too_long(uint32_t bound, int percent, uint64_t phase_us)
{
	struct rbed *leader = leader_of(3, bound), *follower = bed_of(3, 1, bound);
	uint64_t us = 10000000 + phase_us;
	bool wrong = false;
	set_clock(leader, shows(us, -percent));
	set_clock(follower, shows(us, percent));
	bft_view term = rbed_raft(leader)->term;
	rbed_raft(leader)->peer[1].mark_round = 0; /* what was sent before the clocks were set */
	rbed_raft(leader)->peer[1].sent_ms = 0;
	rbed_tick(leader, 0);
	rbed_append(follower, 0, term, 1, 0, 0, 0, 0, 0);
	rbed_ack(leader, 1, 1);
	CU_ASSERT_TRUE(by_lease(leader));
	for (bool voted = false; !voted; us += 100) {
		if (shows(us, percent) > follower->mono_ms || rbed_raft(follower)->heard)
			set_clock(follower, shows(us, percent));
		if (shows(us, -percent) > leader->mono_ms)
			set_clock(leader, shows(us, -percent));
		struct raft_ask_vote question = { .term = term + 9, .kind = RAFT_ASK_PRE, .last_term = term + 1, .last = 99 };
		rbed_forget(follower);
		rbed_say(follower, 2, RAFT_ASK_VOTE, &question);
		voted = rbed_last_vote(follower).answer == RAFT_YES;
		wrong = voted && by_lease(leader);
		rbed_forget(leader);
	}
	rbed_free(leader);
	rbed_free(follower);
	return wrong;
}

static void it_ends_before_anybody_votes(void)
{
	for (uint32_t bound = 1; bound <= 20; bound += bound < 5 ? 1 : 5)
		for (uint64_t phase = 0; phase < 1000; phase += 330)
			for (int percent = -(int)bound; percent <= (int)bound; percent += (int)bound)
				CU_ASSERT_FALSE(reads_too_long(bound, percent, phase));
}

/* The bound is an assumption: clocks that are further apart make a read that may be old. */
static void beyond_the_bound_it_does_not(void)
{
	CU_ASSERT_TRUE(reads_too_long(1, 10, 0));
	CU_ASSERT_TRUE(reads_too_long(5, 10, 0));
	CU_ASSERT_TRUE(reads_too_long(5, 8, 500));
	CU_ASSERT_FALSE(reads_too_long(10, 10, 0));
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "told at once while it holds", told_at_once_while_it_holds },
		{ "it counts from the sending", it_counts_from_the_sending },
		{ "a majority, and no learner", a_majority_and_no_learner },
		{ "not before it knows what is committed", not_before_it_knows_what_is_committed },
		{ "a transfer ends it", a_transfer_ends_it },
		{ "nobody votes within it", nobody_votes_within_it },
		{ "it begins when it is made", it_begins_when_it_is_made },
		{ "a start is a promise", a_start_is_a_promise },
		{ "it ends before anybody votes", it_ends_before_anybody_votes },
		{ "beyond the bound it does not", beyond_the_bound_it_does_not },
		{ NULL, NULL },
	};
	return unit_main("raft_lease", cases);
}
