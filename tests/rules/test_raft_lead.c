/* docs/protocol.md, "Raft": what a leader sends, counts, commits and bounds; transfer of its office; reads. The core is member 0 and leads. */
#include "tests/rules/raft_bed.h"

static struct raft_append last_append(const struct rbed *b, uint8_t to)
{
	for (uint32_t i = b->seen_count; i--;)
		if (b->seen[i].e.kind == BFT_FX_SEND && b->seen[i].e.type == RAFT_APPEND && b->seen[i].e.to == BFT_BIT(to))
			return *(const struct raft_append *)b->seen[i].e.data;
	CU_FAIL_FATAL("no APPEND was sent");
	abort();
}

static uint32_t appends(const struct rbed *b, uint8_t to, bool entries)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->seen_count; i++) {
		const struct raft_append *a = b->seen[i].e.data;
		count += b->seen[i].e.kind == BFT_FX_SEND && b->seen[i].e.type == RAFT_APPEND && b->seen[i].e.to == BFT_BIT(to) && (a->count > 0) == entries;
	}
	return count;
}

/* Leads; both others have all of its log. */
static struct rbed *leader(uint32_t n)
{
	struct rbed *b = rbed_new(n, 0);
	rbed_lead(b);
	for (uint8_t i = 1; i < n; i++)
		rbed_ack(b, i, rbed_raft(b)->last);
	rbed_forget(b);
	return b;
}

static void an_entry_opens_a_term(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_lead(b);
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_ENTRY), 1);
	struct raft_append a = last_append(b, 1);
	CU_ASSERT(a.count == 1 && a.entry[0].term == 1 && digest_equal(&a.entry[0].digest, &b->null));
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, 0);
	rbed_ack(b, 2, 1);
	CU_ASSERT_EQUAL(b->executed, 1);
	rbed_free(b);
}

static void entries_leave_beside_the_flush(void)
{
	struct rbed *b = leader(3);
	b->durable = false;
	rbed_request(b, 1);
	CU_ASSERT_EQUAL(((const struct raft_append *)rbed_left(b, RAFT_APPEND)->data)->count, 1);
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_PUSH)->to, BFT_BIT(1) | BFT_BIT(2));
	rbed_ack(b, 1, 2);
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, 1); /* mine does not count yet */
	rbed_flush_to(b, b->lsn);
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, 2);
	/* A majority without me is one too. */
	rbed_settle(b, b->seen_count);
	rbed_request(b, 2);
	rbed_ack(b, 1, 3);
	rbed_ack(b, 2, 3);
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, 3);
	rbed_free(b);
}

/* Figure 3.7: an entry of an older term that a majority has may still be lost. */
static void only_its_own_term_is_counted(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_append(b, 1, 2, 1, 0, 0, 0, 2, 2);
	rbed_lead(b);
	CU_ASSERT_EQUAL(rbed_raft(b)->term, 3);
	rbed_ack(b, 1, 2);
	rbed_ack(b, 2, 2);
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, 0);
	rbed_ack(b, 2, 3);
	CU_ASSERT(rbed_raft(b)->commit == 3 && b->executed == 3);
	rbed_free(b);
}

static void a_majority_has_it(void)
{
	for (uint32_t n = 1; n <= 7; n++) {
		struct rbed *b = rbed_new(n, 0);
		if (n == 1)
			rbed_tick(b, 10);
		else
			rbed_lead(b);
		for (uint8_t i = 1; i < n / 2 + 1; i++) {
			CU_ASSERT_EQUAL(rbed_raft(b)->commit, 0);
			rbed_ack(b, i, 1);
			rbed_ack(b, i, 1);
		}
		CU_ASSERT_EQUAL(rbed_raft(b)->commit, 1);
		rbed_free(b);
	}
}

static void a_learner_does_not_count(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_lead(b);
	struct raft_ack m = { .term = 1, .round = 1, .learner = 1, .match = 1 };
	rbed_say(b, 1, RAFT_ACK, &m);
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, 0);
	rbed_ack(b, 2, 1);
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, 1);
	rbed_free(b);
}

static void probed_then_pipelined(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_lead(b);
	CU_ASSERT_EQUAL(appends(b, 1, true), 1);
	rbed_request(b, 1);
	CU_ASSERT_EQUAL(appends(b, 1, true), 1); /* one probe at a time */
	rbed_ack(b, 1, 1);
	rbed_ack(b, 2, 1);
	CU_ASSERT_EQUAL(rbed_raft(b)->peer[1].progress, RAFT_REPLICATE);
	rbed_forget(b);
	for (uint64_t i = 0; i < 3; i++) {
		rbed_request(b, 10 + 2 * i);
		rbed_request(b, 11 + 2 * i);
	}
	CU_ASSERT(appends(b, 1, true) >= 2 && rbed_raft(b)->peer[1].next == rbed_raft(b)->last + 1 && rbed_raft(b)->peer[1].match == 1);
	rbed_free(b);
}

static void a_conflict_costs_a_round_trip_a_term(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_append(b, 1, 1, 1, 0, 0, 0, 3, 1);
	rbed_append(b, 1, 4, 1, 3, 1, 0, 3, 4);
	rbed_lead(b); /* term 5: 1 1 1 4 4 4 5 */
	CU_ASSERT_EQUAL(last_append(b, 2).prev, 6);
	/* It has 1 1 1 2 2 2: nothing of its term 2 can be mine. */
	struct raft_ack m = { .term = 5, .round = rbed_raft(b)->round, .kind = RAFT_ACK_CONFLICT, .match = 4, .conflict_term = 2 };
	rbed_say(b, 2, RAFT_ACK, &m);
	CU_ASSERT(last_append(b, 2).prev == 3 && last_append(b, 2).prev_term == 1 && last_append(b, 2).count == 4);
	/* An answer to what was sent before the probe says nothing new. */
	m.round--;
	m.match = 2;
	rbed_say(b, 2, RAFT_ACK, &m);
	CU_ASSERT_EQUAL(rbed_raft(b)->peer[2].next, 4);
	/* Who has more of a term than I goes on behind my last of it. */
	m = (struct raft_ack){ .term = 5, .round = rbed_raft(b)->round, .kind = RAFT_ACK_CONFLICT, .match = 1, .conflict_term = 1 };
	rbed_raft(b)->peer[1].next = 6;
	rbed_say(b, 1, RAFT_ACK, &m);
	CU_ASSERT_EQUAL(last_append(b, 1).prev, 3);
	rbed_free(b);
}

static void late_answers_move_nothing_back(void)
{
	struct rbed *b = leader(3);
	rbed_request(b, 1);
	rbed_ack(b, 1, 2);
	rbed_ack(b, 1, 1);
	CU_ASSERT(rbed_raft(b)->peer[1].match == 2 && rbed_raft(b)->peer[1].next == 3);
	struct raft_ack m = { .term = 1, .round = 1, .kind = RAFT_ACK_CONFLICT, .match = 1, .conflict_term = 0 };
	rbed_say(b, 1, RAFT_ACK, &m);
	CU_ASSERT(rbed_raft(b)->peer[1].match == 2 && rbed_raft(b)->peer[1].next == 3);
	m = (struct raft_ack){ .term = 1, .round = 1, .match = 9 };
	CU_ASSERT_EQUAL(rbed_say(b, 1, RAFT_ACK, &m), BFT_REJECT); /* nobody sent it so much */
	m = (struct raft_ack){ .term = 1, .round = 1000, .match = 2 };
	CU_ASSERT_EQUAL(rbed_say(b, 1, RAFT_ACK, &m), BFT_REJECT);
	rbed_free(b);
}

static void what_is_lost_is_sent_again(void)
{
	struct rbed *b = leader(3);
	rbed_request(b, 1);
	CU_ASSERT_EQUAL(last_append(b, 1).count, 1);
	/* The heartbeat names the last that was sent; who lacks it says so. */
	rbed_run(b, RAFT_HEARTBEAT_MS);
	CU_ASSERT_EQUAL(last_append(b, 1).prev, 2);
	struct raft_ack m = { .term = 1, .round = rbed_raft(b)->round, .kind = RAFT_ACK_CONFLICT, .match = 2 };
	rbed_say(b, 1, RAFT_ACK, &m);
	CU_ASSERT(last_append(b, 1).prev == 1 && last_append(b, 1).count == 1);
	/* With a link goes what was on it. */
	rbed_forget(b);
	rbed_link(b, 2, false);
	rbed_link(b, 2, true);
	CU_ASSERT(last_append(b, 2).prev == 1 && last_append(b, 2).count == 1);
	rbed_free(b);
}

static void bytes_on_the_way_are_bounded(void)
{
	struct bft_limits limits = rbed_limits(3);
	limits.proposal_bytes_max = 2u << 20;
	limits.proposal_bundles_max = 1;
	struct rbed *b = rbed_new_with(&limits, 0);
	rbed_start(b, BFT_RECOVERY_WHOLE);
	rbed_link(b, 1, true);
	rbed_link(b, 2, true);
	rbed_lead(b);
	rbed_ack(b, 1, 1);
	rbed_ack(b, 2, 1);
	for (uint64_t i = 1; i <= 12; i++) {
		struct bft_event e = { .kind = BFT_EV_REQUEST, .digest = rbed_digest(i), .bytes = 1u << 20, .id = { 1, i } };
		rbed_step(b, &e);
		rbed_ack(b, 2, rbed_raft(b)->last);
	}
	CU_ASSERT(rbed_raft(b)->last > 8);
	CU_ASSERT_EQUAL(rbed_raft(b)->peer[1].next, 2 + 4); /* four of a MiB; nobody waits for it */
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, rbed_raft(b)->last);
	rbed_ack(b, 1, 3);
	CU_ASSERT_EQUAL(rbed_raft(b)->peer[1].next, 2 + 6);
	rbed_free(b);
}

static void together_they_are_proposed_together(void)
{
	struct rbed *b = leader(3);
	for (uint64_t i = 1; i <= 4; i++) {
		CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_BODY), 0);
		struct bft_event e = { .kind = BFT_EV_REQUEST, .digest = rbed_digest(i), .bytes = 100, .id = { 1, i }, .ok = i < 4 };
		rbed_step(b, &e);
	}
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_BODY), 1);
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_BODY)->data_bytes, PROPOSAL_BYTES(4));
	rbed_free(b);
	/* The last may be a repetition, or find no place: what came before it is proposed all the same. */
	b = leader(3);
	for (uint64_t i = 1; i <= 3; i++) {
		struct bft_event e = { .kind = BFT_EV_REQUEST, .digest = rbed_digest(1), .bytes = 100, .id = { 1, 1 }, .ok = i < 3 };
		rbed_step(b, &e);
	}
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_BODY), 1);
	rbed_free(b);
}

static void the_uncommitted_tail_is_bounded(void)
{
	struct bft_limits limits = rbed_limits(3);
	limits.proposal_bundles_max = 1; /* many entries, where it would rather gather many requests in each */
	limits.requests_max = 4 * RBED_W;
	struct rbed *b = rbed_new_with(&limits, 0);
	rbed_start(b, BFT_RECOVERY_WHOLE);
	rbed_link(b, 1, true);
	rbed_lead(b);
	rbed_ack(b, 1, 1);
	for (uint64_t i = 1; i <= 200; i++) {
		rbed_request(b, i);
		struct raft_ack alive = { .term = 1, .round = 1, .match = 1 };
		rbed_say(b, 1, RAFT_ACK, &alive);
	}
	CU_ASSERT(rbed_raft(b)->last == RBED_W && rbed_raft(b)->commit == 1);
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_DROP)->reason, RAFT_WHY_TABLE_FULL);
	rbed_free(b);
}

static void nothing_is_proposed_beyond_the_border(void)
{
	struct rbed *b = leader(3);
	struct bft_event epoch = { .kind = BFT_EV_EPOCH, .seq = 8 };
	rbed_step(b, &epoch);
	/* Up to it the leader fills, though nobody asks. */
	CU_ASSERT_EQUAL(rbed_raft(b)->last, 8);
	for (uint64_t i = 1; i <= 20; i++)
		rbed_request(b, i);
	rbed_ack(b, 1, 8);
	CU_ASSERT(rbed_raft(b)->last == 8 && b->executed == 8);
	CU_ASSERT_PTR_NULL(rbed_last(b, BFT_FX_ACTIVATE)); /* not before its checkpoint is stable and its state durable */
	struct bft_checkpoint c = { .seq = 8, .chain = b->chain[8] };
	rbed_say(b, 1, RAFT_CHECKPOINT, &c);
	struct bft_event made = { .kind = BFT_EV_SNAPSHOT, .seq = 8, .digest = b->chain[8], .root = rbed_digest(1) };
	rbed_step(b, &made);
	CU_ASSERT_EQUAL_FATAL(rbed_count(b, BFT_FX_ACTIVATE), 1);
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_ACTIVATE)->seq, 8);
	rbed_free(b);
}

static void a_new_leader_commits_a_full_window(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_append(b, 1, 1, 1, 0, 0, 0, RBED_W, 1);
	rbed_lead(b);
	CU_ASSERT_EQUAL(rbed_raft(b)->last, RBED_W + 1);
	rbed_ack(b, 2, RBED_W + 1);
	CU_ASSERT_EQUAL(b->executed, RBED_W + 1);
	rbed_free(b);
}

/* One leader after another that commits nothing: their openings do not fill the log. */
static void openings_do_not_add_up(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_append(b, 1, 1, 1, 0, 0, 0, 2, 1);
	for (int i = 0; i < 40; i++) {
		rbed_lead(b);
		CU_ASSERT_EQUAL(rbed_raft(b)->last, 3);
		CU_ASSERT_EQUAL(raft_log_term(rbed_raft(b), 3), rbed_raft(b)->term);
		rbed_run(b, 2 * (RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS)); /* nobody answers */
		CU_ASSERT_FALSE(rbed_leads(b));
	}
	/* It is written over in its place: it was never away, whatever of this is on disk. */
	CU_ASSERT_EQUAL(rbed_records(b, RAFT_REC_CUT), 0);
	bft_view before = raft_log_term(rbed_raft(b), 3);
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT(rbed_raft(b)->last == 3 && raft_log_term(rbed_raft(b), 3) == before);
	rbed_lead(b);
	rbed_ack(b, 1, 3);
	CU_ASSERT_EQUAL(b->executed, 3);
	rbed_free(b);
}

/* ---- leadership transfer ---- */

static void handed_over_to_who_has_all(void)
{
	struct rbed *b = leader(3);
	rbed_request(b, 1);
	rbed_ack(b, 2, 2);
	rbed_request(b, 2);
	rbed_forget(b);
	struct bft_event admin = { .kind = BFT_EV_ADMIN };
	rbed_step(b, &admin);
	CU_ASSERT_PTR_NULL(rbed_sent(b, RAFT_TIMEOUT_NOW));
	rbed_request(b, 3);
	rbed_request(b, 4);
	bft_seq last = rbed_raft(b)->last;
	rbed_ack(b, 2, last);
	CU_ASSERT_EQUAL_FATAL(rbed_sent(b, RAFT_TIMEOUT_NOW)->to, BFT_BIT(2));
	CU_ASSERT_EQUAL(rbed_raft(b)->last, last); /* nothing new meanwhile */
	/* It does not come about: it leads on. */
	for (int i = 0; i < 30; i++) {
		rbed_ack(b, 1, 2);
		rbed_tick(b, 10);
	}
	CU_ASSERT(rbed_leads(b) && rbed_raft(b)->last > last);
	rbed_free(b);
}

static void who_is_told_stands_at_once(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_append(b, 1, 1, 1, 0, 0, 0, 1, 1);
	struct raft_timeout_now m = { .term = 1 };
	CU_ASSERT_EQUAL(rbed_say(b, 2, RAFT_TIMEOUT_NOW, &m), BFT_IGNORE); /* its leader says it, nobody else */
	m.term = 0;
	CU_ASSERT_EQUAL(rbed_say(b, 1, RAFT_TIMEOUT_NOW, &m), BFT_IGNORE);
	m.term = 1;
	rbed_say(b, 1, RAFT_TIMEOUT_NOW, &m);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_CANDIDATE);
	const struct raft_ask_vote *q = rbed_sent(b, RAFT_ASK_VOTE)->data;
	CU_ASSERT(q->term == 2 && q->kind == RAFT_ASK_TRANSFER);
	rbed_free(b);
	/* Who has a leader answers that question. */
	b = rbed_new(3, 0);
	rbed_append(b, 1, 1, 1, 0, 0, 0, 1, 1);
	rbed_ask_vote(b, 2, 2, RAFT_ASK_TRANSFER, 1, 1);
	CU_ASSERT_EQUAL(rbed_last_vote(b).answer, RAFT_YES);
	rbed_free(b);
}

/* The word came late: meanwhile its leader led on, and of what that committed this member knows the names alone. */
static void who_lacks_what_is_committed_does_not_stand(void)
{
	struct rbed *b = rbed_new(3, 0);
	struct raft_timeout_now m = { .term = 1 };
	rbed_append(b, 1, 1, 1, 0, 0, 0, 1, 1);
	b->bodies = false;
	rbed_append(b, 1, 1, 2, 1, 1, 4, 3, 1);
	CU_ASSERT(rbed_raft(b)->commit == 4 && rbed_raft(b)->last == 1);
	CU_ASSERT_EQUAL(rbed_say(b, 1, RAFT_TIMEOUT_NOW, &m), BFT_IGNORE);
	CU_ASSERT(rbed_raft(b)->role == RAFT_FOLLOWER && !rbed_sent(b, RAFT_ASK_VOTE));
	rbed_free(b);
}

/* ---- reads ---- */

static void ask_read(struct rbed *b, uint64_t id)
{
	struct bft_event e = { .kind = BFT_EV_READ, .id = { .number = id } };
	rbed_step(b, &e);
}

static void a_read_waits_for_a_majority(void)
{
	struct rbed *b = leader(5);
	uint64_t before = rbed_raft(b)->round;
	ask_read(b, 7);
	CU_ASSERT_EQUAL(appends(b, 1, false), 1);
	CU_ASSERT_PTR_NULL(rbed_last(b, BFT_FX_READ_AT));
	/* Answers to what was sent before the question say nothing. */
	struct raft_ack m = { .term = 1, .round = before, .match = 1 };
	for (uint8_t i = 1; i < 5; i++)
		rbed_say(b, i, RAFT_ACK, &m);
	CU_ASSERT_PTR_NULL(rbed_last(b, BFT_FX_READ_AT));
	rbed_ack(b, 3, 1);
	CU_ASSERT_PTR_NULL(rbed_last(b, BFT_FX_READ_AT));
	rbed_ack(b, 1, 1);
	CU_ASSERT_EQUAL_FATAL(rbed_count(b, BFT_FX_READ_AT), 1);
	const struct bft_effect *e = rbed_last(b, BFT_FX_READ_AT);
	CU_ASSERT(e->id == 7 && e->seq == 1 && e->reason == 0);
	rbed_free(b);
}

static void no_read_before_the_term_commits(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_append(b, 1, 1, 1, 0, 0, 0, 3, 1); /* committed, and I have not been told */
	rbed_lead(b);
	ask_read(b, 1);
	rbed_ack(b, 1, 3);
	rbed_ack(b, 2, 3);
	CU_ASSERT_PTR_NULL(rbed_last(b, BFT_FX_READ_AT));
	rbed_ack(b, 2, 4);
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_READ_AT)->seq, 4);
	rbed_free(b);
}

static void reads_share_a_round(void)
{
	struct rbed *b = leader(3);
	for (uint64_t id = 1; id <= 20; id++)
		ask_read(b, id);
	CU_ASSERT_EQUAL(appends(b, 1, false), 1);
	rbed_ack(b, 1, 1);
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_READ_AT), 1);
	CU_ASSERT_EQUAL(appends(b, 1, false), 2);
	rbed_ack(b, 1, 1);
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_READ_AT), 20);
	/* And have a bound. */
	for (uint64_t id = 0; id <= RAFT_READS_MAX; id++)
		ask_read(b, 100 + id);
	CU_ASSERT(rbed_last(b, BFT_FX_READ_AT)->id == 100 + RAFT_READS_MAX && rbed_last(b, BFT_FX_READ_AT)->reason == RAFT_WHY_TABLE_FULL);
	rbed_free(b);
}

static void a_follower_asks_its_leader(void)
{
	struct rbed *b = rbed_new(3, 0);
	ask_read(b, 1);
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_READ_AT)->reason, RAFT_WHY_NO_MAJORITY);
	rbed_append(b, 1, 1, 1, 0, 0, 0, 0, 0);
	rbed_forget(b);
	ask_read(b, 2);
	CU_ASSERT_EQUAL_FATAL(rbed_sent(b, RAFT_ASK_READ)->to, BFT_BIT(1));
	struct raft_read m = { .term = 1, .id = 2, .seq = 9 };
	CU_ASSERT_EQUAL(rbed_say(b, 2, RAFT_READ_AT, &m), BFT_IGNORE);
	rbed_say(b, 1, RAFT_READ_AT, &m);
	CU_ASSERT(rbed_last(b, BFT_FX_READ_AT)->seq == 9 && rbed_last(b, BFT_FX_READ_AT)->id == 2);
	rbed_free(b);
	b = leader(3);
	m = (struct raft_read){ .term = 1, .id = 5 };
	rbed_say(b, 1, RAFT_ASK_READ, &m);
	CU_ASSERT_PTR_NULL(rbed_sent(b, RAFT_READ_AT));
	rbed_ack(b, 2, 1);
	CU_ASSERT_EQUAL_FATAL(rbed_sent(b, RAFT_READ_AT)->to, BFT_BIT(1));
	m = *(const struct raft_read *)rbed_sent(b, RAFT_READ_AT)->data;
	CU_ASSERT(m.id == 5 && m.seq == 1);
	rbed_free(b);
}

static void who_steps_down_refuses_its_reads(void)
{
	struct rbed *b = leader(3);
	ask_read(b, 3);
	rbed_append(b, 1, 2, 1, 1, 1, 1, 0, 0);
	CU_ASSERT(rbed_last(b, BFT_FX_READ_AT)->id == 3 && rbed_last(b, BFT_FX_READ_AT)->reason == RAFT_WHY_NO_MAJORITY);
	rbed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "an entry opens a term", an_entry_opens_a_term },
		{ "entries leave beside the flush", entries_leave_beside_the_flush },
		{ "only its own term is counted", only_its_own_term_is_counted },
		{ "a majority has it", a_majority_has_it },
		{ "a learner does not count", a_learner_does_not_count },
		{ "probed, then pipelined", probed_then_pipelined },
		{ "a conflict costs a round trip a term", a_conflict_costs_a_round_trip_a_term },
		{ "late answers move nothing back", late_answers_move_nothing_back },
		{ "what is lost is sent again", what_is_lost_is_sent_again },
		{ "bytes on the way are bounded", bytes_on_the_way_are_bounded },
		{ "together they are proposed together", together_they_are_proposed_together },
		{ "the uncommitted tail is bounded", the_uncommitted_tail_is_bounded },
		{ "nothing is proposed beyond the border", nothing_is_proposed_beyond_the_border },
		{ "a new leader commits a full window", a_new_leader_commits_a_full_window },
		{ "openings do not add up", openings_do_not_add_up },
		{ "handed over to who has all", handed_over_to_who_has_all },
		{ "who is told stands at once", who_is_told_stands_at_once },
		{ "who lacks what is committed does not stand", who_lacks_what_is_committed_does_not_stand },
		{ "a read waits for a majority", a_read_waits_for_a_majority },
		{ "no read before the term commits", no_read_before_the_term_commits },
		{ "reads share a round", reads_share_a_round },
		{ "a follower asks its leader", a_follower_asks_its_leader },
		{ "who steps down refuses its reads", who_steps_down_refuses_its_reads },
		{ NULL, NULL },
	};
	return unit_main("raft_lead", cases);
}
