/* docs/protocol.md, "Raft": terms, votes, who stands, who steps down. */
#include "tests/rules/raft_bed.h"

#define PROMISE_MS (RAFT_ELECTION_MS + 10u) /* it is counted from the tick after what was heard */

static bool answered(const struct rbed *b, enum raft_answer answer)
{
	const struct bft_effect *e = rbed_left(b, RAFT_VOTE);
	return e && ((const struct raft_vote *)e->data)->answer == answer;
}

static void until_it_asks(struct rbed *b)
{
	for (int i = 0; i < 100 && rbed_raft(b)->role == RAFT_FOLLOWER; i++)
		rbed_tick(b, 10);
	CU_ASSERT_EQUAL_FATAL(rbed_raft(b)->role, RAFT_ASKING);
}

static void until_it_stands(struct rbed *b)
{
	until_it_asks(b);
	for (uint8_t i = 1; rbed_raft(b)->role == RAFT_ASKING; i++)
		rbed_vote(b, i, rbed_raft(b)->term + 1, RAFT_ASK_PRE, RAFT_YES);
	CU_ASSERT_EQUAL_FATAL(rbed_raft(b)->role, RAFT_CANDIDATE);
}

static void durable_before_said(void)
{
	struct rbed *b = rbed_new(3, 0);
	b->durable = false;
	rbed_ask_vote(b, 1, 1, RAFT_ASK_REAL, 0, 0);
	CU_ASSERT_PTR_NOT_NULL(rbed_sent(b, RAFT_VOTE));
	CU_ASSERT_PTR_NULL(rbed_left(b, RAFT_VOTE));
	rbed_flush_to(b, b->lsn);
	CU_ASSERT(answered(b, RAFT_YES));
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	rbed_run(b, PROMISE_MS);
	rbed_ask_vote(b, 2, 1, RAFT_ASK_REAL, 0, 0);
	rbed_flush_to(b, b->lsn);
	CU_ASSERT(answered(b, RAFT_NO));
	rbed_ask_vote(b, 1, 1, RAFT_ASK_REAL, 0, 0);
	CU_ASSERT(answered(b, RAFT_YES));
	rbed_free(b);
}

static void own_vote_counts_when_durable(void)
{
	struct rbed *b = rbed_new(3, 0);
	b->durable = false;
	until_it_stands(b);
	CU_ASSERT_PTR_NOT_NULL(rbed_sent(b, RAFT_ASK_VOTE));
	rbed_vote(b, 1, 1, RAFT_ASK_REAL, RAFT_YES);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_CANDIDATE);
	const struct raft_ask_vote *left = rbed_left(b, RAFT_ASK_VOTE)->data;
	CU_ASSERT_EQUAL(left->kind, RAFT_ASK_PRE); /* the question itself waits for the disk */
	rbed_flush_to(b, b->lsn);
	CU_ASSERT(rbed_leads(b));
	rbed_free(b);
}

static void one_vote_in_a_term(void)
{
	struct rbed *b = rbed_new(3, 0);
	for (int i = 0; i < 2; i++) {
		rbed_ask_vote(b, 1, 4, RAFT_ASK_REAL, 0, 0);
		CU_ASSERT(answered(b, RAFT_YES));
		rbed_ask_vote(b, 2, 4, RAFT_ASK_REAL, 0, 0);
		CU_ASSERT(answered(b, RAFT_NO));
	}
	rbed_ask_vote(b, 2, 5, RAFT_ASK_REAL, 0, 0);
	CU_ASSERT(answered(b, RAFT_YES));
	rbed_ask_vote(b, 1, 4, RAFT_ASK_REAL, 0, 0);
	CU_ASSERT(answered(b, RAFT_NO));
	CU_ASSERT_EQUAL(rbed_last_vote(b).current, 5);
	rbed_free(b);
}

static void logs_are_compared(void)
{
	static const struct {
		bft_view last_term;
		bft_seq last;
		enum raft_answer answer;
	} rows[] = { { 1, 9, RAFT_NO }, { 2, 2, RAFT_NO }, { 2, 3, RAFT_YES }, { 2, 4, RAFT_YES }, { 3, 1, RAFT_YES } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (enum raft_ask kind = RAFT_ASK_REAL; kind <= RAFT_ASK_PRE; kind++) {
			struct rbed *b = rbed_new(3, 0);
			rbed_append(b, 1, 2, 1, 0, 0, 0, 3, 2);
			rbed_run(b, PROMISE_MS);
			rbed_ask_vote(b, 2, 9, kind, rows[i].last_term, rows[i].last);
			CU_ASSERT(answered(b, rows[i].answer));
			rbed_free(b);
		}
}

static void the_question_before_changes_nothing(void)
{
	struct rbed *b = rbed_new(3, 0);
	struct raft before = *rbed_raft(b);
	rbed_ask_vote(b, 1, 7, RAFT_ASK_PRE, 0, 0);
	CU_ASSERT(answered(b, RAFT_YES));
	CU_ASSERT_EQUAL(memcmp(&before, rbed_raft(b), sizeof before), 0);
	/* Its answer is no vote, however late it comes. */
	until_it_stands(b);
	bft_view term = rbed_raft(b)->term;
	CU_ASSERT_EQUAL(rbed_vote(b, 1, term, RAFT_ASK_PRE, RAFT_YES), BFT_IGNORE);
	CU_ASSERT_EQUAL(rbed_vote(b, 2, term + 1, RAFT_ASK_PRE, RAFT_YES), BFT_IGNORE);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_CANDIDATE);
	rbed_vote(b, 1, term, RAFT_ASK_REAL, RAFT_YES);
	CU_ASSERT(rbed_leads(b));
	rbed_free(b);
}

static void cut_off_it_raises_no_term(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_run(b, 20000);
	CU_ASSERT_EQUAL(rbed_raft(b)->term, 0);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_ASKING);
	rbed_free(b);
}

/* A no tells the term of who says it: else one that is a term behind asks for a term that is taken, for ever. */
static void a_no_tells_the_term(void)
{
	struct rbed *b = rbed_new(3, 0);
	until_it_asks(b);
	struct raft_vote no = { .term = 1, .current = 1, .kind = RAFT_ASK_PRE, .answer = RAFT_NO };
	rbed_say(b, 1, RAFT_VOTE, &no);
	CU_ASSERT_EQUAL(rbed_raft(b)->term, 1);
	until_it_asks(b);
	CU_ASSERT_EQUAL(((const struct raft_ask_vote *)rbed_sent(b, RAFT_ASK_VOTE)->data)->term, 2);
	rbed_free(b);
}

static void who_has_a_leader_answers_nobody(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_append(b, 1, 1, 1, 0, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(rbed_ask_vote(b, 2, 9, RAFT_ASK_REAL, 8, 9), BFT_IGNORE);
	rbed_ask_vote(b, 2, 9, RAFT_ASK_PRE, 8, 9);
	CU_ASSERT(answered(b, RAFT_NO));
	CU_ASSERT_EQUAL(rbed_raft(b)->term, 1);
	rbed_run(b, PROMISE_MS);
	rbed_ask_vote(b, 2, 9, RAFT_ASK_REAL, 8, 9);
	CU_ASSERT(answered(b, RAFT_YES));
	rbed_free(b);
	b = rbed_new(3, 0);
	rbed_lead(b);
	CU_ASSERT_EQUAL(rbed_ask_vote(b, 2, 9, RAFT_ASK_REAL, 8, 9), BFT_IGNORE);
	CU_ASSERT(rbed_leads(b));
	rbed_free(b);
}

static void a_majority_of_different_members(void)
{
	for (uint32_t n = 1; n <= 7; n++) {
		struct rbed *b = rbed_new(n, 0);
		if (n > 1)
			until_it_stands(b);
		else
			rbed_tick(b, 10);
		for (uint8_t i = 1; i + 1u < n / 2 + 1; i++)
			for (int twice = 0; twice < 2; twice++) {
				CU_ASSERT_FALSE(rbed_leads(b));
				CU_ASSERT_EQUAL(rbed_vote(b, i, 1, RAFT_ASK_REAL, RAFT_YES), twice ? BFT_IGNORE : BFT_ACCEPT);
			}
		CU_ASSERT_EQUAL(rbed_leads(b), n == 1);
		if (n > 1)
			rbed_vote(b, (uint8_t)(n - 1), 1, RAFT_ASK_REAL, RAFT_YES);
		CU_ASSERT(rbed_leads(b));
		rbed_free(b);
	}
}

static void timeouts_are_drawn_anew(void)
{
	uint64_t drawn[2][20];
	bool differ = false, members = false;
	for (uint8_t self = 0; self < 2; self++) {
		struct rbed *b = rbed_new(3, self), *again = rbed_new(3, self);
		for (int i = 0; i < 20; i++) {
			raft_election_reset(rbed_raft(b));
			raft_election_reset(rbed_raft(again));
			drawn[self][i] = rbed_raft(b)->election_ms - b->mono_ms;
			CU_ASSERT(drawn[self][i] >= RAFT_ELECTION_MS && drawn[self][i] < RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS);
			CU_ASSERT_EQUAL(rbed_raft(again)->election_ms, rbed_raft(b)->election_ms); /* a run can be repeated */
			differ |= i && drawn[self][i] != drawn[self][0];
			members |= self && drawn[1][i] != drawn[0][i];
		}
		rbed_free(b);
		rbed_free(again);
	}
	CU_ASSERT(differ && members);
}

static void without_a_majority_it_steps_down(void)
{
	struct rbed *b = rbed_new(5, 0);
	rbed_lead(b);
	for (int i = 0; i < 200; i++) {
		rbed_ack(b, 1, 0);
		rbed_ack(b, 2, 0);
		rbed_tick(b, 10);
	}
	CU_ASSERT(rbed_leads(b));
	for (int i = 0; i < 60; i++) {
		rbed_ack(b, 1, 0);
		rbed_tick(b, 10);
	}
	CU_ASSERT_FALSE(rbed_leads(b));
	CU_ASSERT_EQUAL(rbed_raft(b)->term, 1);
	rbed_free(b);
}

static void with_a_stalled_disk_it_steps_down(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_lead(b);
	b->durable = false;
	rbed_request(b, 1);
	for (int i = 0; i < 150 && rbed_leads(b); i++) {
		rbed_ack(b, 1, rbed_raft(b)->commit);
		rbed_ack(b, 2, rbed_raft(b)->commit);
		rbed_tick(b, 10);
	}
	CU_ASSERT_FALSE(rbed_leads(b));
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_ROLE)->reason, RAFT_WHY_DISK);
	/* And stands no more while it does not write. */
	rbed_run(b, 2000);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_FOLLOWER);
	rbed_flush_to(b, b->lsn);
	until_it_asks(b);
	rbed_free(b);
}

static void a_term_from_the_future(void)
{
	struct rbed *b = rbed_new(3, 0);
	bft_view far = RAFT_TERM_JUMP_MAX + 1;
	CU_ASSERT_EQUAL(rbed_ask_vote(b, 1, far, RAFT_ASK_REAL, 0, 0), BFT_REJECT);
	CU_ASSERT_EQUAL(rbed_ask_vote(b, 1, far, RAFT_ASK_PRE, 0, 0), BFT_REJECT);
	CU_ASSERT_EQUAL(rbed_append(b, 1, far, 1, 0, 0, 0, 0, 0), BFT_REJECT);
	until_it_asks(b);
	struct raft_vote no = { .term = 1, .current = BFT_VIEW_MAX, .kind = RAFT_ASK_PRE, .answer = RAFT_NO };
	CU_ASSERT_EQUAL(rbed_say(b, 1, RAFT_VOTE, &no), BFT_REJECT);
	CU_ASSERT_EQUAL(rbed_raft(b)->term, 0);
	CU_ASSERT_EQUAL(rbed_ask_vote(b, 1, RAFT_TERM_JUMP_MAX, RAFT_ASK_REAL, 0, 0), BFT_ACCEPT);
	CU_ASSERT_EQUAL(rbed_raft(b)->term, RAFT_TERM_JUMP_MAX);
	rbed_free(b);
}

static void a_higher_term_is_entered(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_lead(b);
	struct raft_ack m = { .term = 6, .round = 1 };
	rbed_say(b, 1, RAFT_ACK, &m);
	CU_ASSERT(!rbed_leads(b) && rbed_raft(b)->term == 6);
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT_EQUAL(rbed_raft(b)->term, 6);
	rbed_free(b);
}

static void one_leader_in_a_term(void)
{
	struct rbed *b = rbed_new(3, 0);
	CU_ASSERT_EQUAL(rbed_append(b, 1, 3, 1, 0, 0, 0, 0, 0), BFT_ACCEPT);
	CU_ASSERT_EQUAL(rbed_append(b, 2, 3, 1, 0, 0, 0, 0, 0), BFT_REJECT);
	CU_ASSERT_EQUAL(rbed_append(b, 2, 4, 1, 0, 0, 0, 0, 0), BFT_ACCEPT);
	rbed_free(b);
	b = rbed_new(3, 0);
	rbed_lead(b);
	CU_ASSERT_EQUAL(rbed_append(b, 2, 1, 1, 0, 0, 0, 0, 0), BFT_REJECT);
	CU_ASSERT(rbed_leads(b));
	rbed_free(b);
}

static void who_was_frozen_stands_not_at_once(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_append(b, 1, 1, 1, 0, 0, 0, 0, 0);
	rbed_run(b, 50);
	rbed_tick(b, 30000);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_FOLLOWER);
	rbed_run(b, RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_ASKING);
	rbed_free(b);
}

static void who_forgot_says_so(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_restart(b, 0, BFT_RECOVERY_LOST);
	rbed_ask_vote(b, 1, 4, RAFT_ASK_REAL, 3, 9);
	CU_ASSERT(answered(b, RAFT_DAMAGED));
	rbed_run(b, 3000);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_FOLLOWER);
	rbed_append(b, 1, 4, 1, 0, 0, 0, 2, 4);
	CU_ASSERT(rbed_last_ack(b).learner == 1 && rbed_last_ack(b).match == 2);
	rbed_free(b);
	/* Neither a yes nor a no. */
	b = rbed_new(5, 0);
	until_it_stands(b);
	rbed_vote(b, 1, 1, RAFT_ASK_REAL, RAFT_YES);
	rbed_vote(b, 2, 1, RAFT_ASK_REAL, RAFT_DAMAGED);
	CU_ASSERT_FALSE(rbed_leads(b));
	rbed_vote(b, 3, 1, RAFT_ASK_REAL, RAFT_YES);
	CU_ASSERT(rbed_leads(b));
	rbed_free(b);
}

static void what_is_not_for_it(void)
{
	struct rbed *b = rbed_new(3, 0);
	union raft_body *body = rbed_alloc(sizeof *body);
	CU_ASSERT_EQUAL(rbed_say(b, 1, BFT_MSG_VOTES, body), BFT_REJECT); /* of the other mode */
	CU_ASSERT_EQUAL(rbed_say(b, 1, 18, body), BFT_REJECT);
	struct raft_ask_vote m = { .term = 1 };
	CU_ASSERT_EQUAL(rbed_say_in(b, 1, RAFT_ASK_VOTE, &m, 2), BFT_IGNORE); /* of another epoch */
	CU_ASSERT_EQUAL(bft_raft.screen(b->core, 3, RAFT_ASK_VOTE, &m), BFT_REJECT);
	CU_ASSERT_EQUAL(bft_raft.screen(b->core, 1, BFT_MSG_VOTES, body), BFT_REJECT);
	free(body);
	rbed_free(b);
}

static void the_view_names_the_leader(void)
{
	struct rbed *b = rbed_new(3, 0);
	rbed_append(b, 2, 4, 1, 0, 0, 0, 0, 0);
	struct bft_standing s = rbed_standing(b);
	CU_ASSERT(s.leader == 2 && s.view % 3 == 2 && !s.changing);
	bft_view before = s.view;
	rbed_append(b, 1, 5, 1, 0, 0, 0, 0, 0);
	s = rbed_standing(b);
	CU_ASSERT(s.leader == 1 && s.view % 3 == 1 && s.view > before);
	rbed_run(b, RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS);
	CU_ASSERT_TRUE(rbed_standing(b).changing);
	rbed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "term and vote are durable before they are said", durable_before_said },
		{ "the own vote counts when it is durable", own_vote_counts_when_durable },
		{ "one vote in a term", one_vote_in_a_term },
		{ "the logs are compared", logs_are_compared },
		{ "the question before changes nothing", the_question_before_changes_nothing },
		{ "who is cut off raises no term", cut_off_it_raises_no_term },
		{ "a no tells the term", a_no_tells_the_term },
		{ "who has a leader answers nobody", who_has_a_leader_answers_nobody },
		{ "a majority of different members", a_majority_of_different_members },
		{ "timeouts are drawn anew", timeouts_are_drawn_anew },
		{ "without a majority it steps down", without_a_majority_it_steps_down },
		{ "with a stalled disk it steps down", with_a_stalled_disk_it_steps_down },
		{ "a term from the future", a_term_from_the_future },
		{ "a higher term is entered", a_higher_term_is_entered },
		{ "one leader in a term", one_leader_in_a_term },
		{ "who was frozen stands not at once", who_was_frozen_stands_not_at_once },
		{ "who forgot says so", who_forgot_says_so },
		{ "the view names the leader", the_view_names_the_leader },
		{ "what is not for it", what_is_not_for_it },
		{ NULL, NULL },
	};
	return unit_main("raft_election", cases);
}
