/* Members whose numbers have gaps, and epochs with other members or another mode: Raft's part. docs/protocol.md, "Members and mode". */
#include "bft/raft/messages.h"
#include "tests/rules/raft_bed.h"

#define BORDER 8u
#define THREE (BFT_BIT(0) | BFT_BIT(2) | BFT_BIT(5)) /* 1, 3 and 4 are nobody's numbers */

static struct rbed *gaps(uint8_t self)
{
	struct bft_limits limits = rbed_limits(6);
	limits.absent = mask_all(6) & ~THREE;
	return rbed_ready(&limits, self);
}

static struct rbed *leader(uint8_t self)
{
	struct rbed *b = gaps(self);
	rbed_lead(b);
	for (uint8_t i = 0; i < 6; i++)
		if (rbed_others(b, i))
			rbed_ack(b, i, rbed_raft(b)->last);
	rbed_forget(b);
	return b;
}

/* ---- numbers that are nobody's ---- */

/* Two of three, not four of six places. */
static void one_other_vote_makes_a_leader(void)
{
	struct rbed *b = gaps(2);
	rbed_run(b, RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_ASKING);
	CU_ASSERT_FATAL(rbed_left(b, RAFT_ASK_VOTE) != NULL);
	CU_ASSERT_EQUAL(rbed_left(b, RAFT_ASK_VOTE)->to, BFT_BIT(0) | BFT_BIT(5));
	rbed_vote(b, 5, 1, RAFT_ASK_PRE, RAFT_YES);
	CU_ASSERT_FALSE(rbed_leads(b));
	rbed_vote(b, 5, 1, RAFT_ASK_REAL, RAFT_YES);
	CU_ASSERT_TRUE(rbed_leads(b));
	rbed_free(b);
}

static void one_other_acknowledgement_commits(void)
{
	struct rbed *b = leader(2);
	rbed_request(b, 1);
	bft_seq last = rbed_raft(b)->last;
	CU_ASSERT(last == 2 && rbed_raft(b)->commit == 1);
	rbed_ack(b, 5, last);
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, last);
	rbed_free(b);
}

static void only_members_hear_the_leader(void)
{
	struct rbed *b = leader(2);
	rbed_request(b, 1);
	rbed_ack(b, 5, 2);
	for (int i = 0; i < 50; i++) {
		rbed_ack(b, 0, 2);
		rbed_tick(b, 10);
		/* Nobody's silence makes it hurry. */
		CU_ASSERT(bft_raft.deadline(b->core) > b->mono_ms);
	}
	bft_mask heard = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		if (b->seen[i].e.kind == BFT_FX_SEND || b->seen[i].e.kind == BFT_FX_FETCH)
			heard |= b->seen[i].e.to;
	CU_ASSERT_EQUAL(heard & ~BFT_BIT(2), BFT_BIT(0) | BFT_BIT(5));
	/* With one other it leads on; alone it steps down. */
	CU_ASSERT_TRUE(rbed_leads(b));
	rbed_run(b, RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS + 100);
	CU_ASSERT_FALSE(rbed_leads(b));
	rbed_free(b);
}

static void one_other_confirms_a_read(void)
{
	struct rbed *b = leader(2);
	struct bft_event read = { .kind = BFT_EV_READ, .id = { .number = 7 } };
	rbed_step(b, &read);
	CU_ASSERT_PTR_NULL(rbed_last(b, BFT_FX_READ_AT));
	rbed_ack(b, 5, 1);
	CU_ASSERT_FATAL(rbed_count(b, BFT_FX_READ_AT) == 1);
	CU_ASSERT(rbed_last(b, BFT_FX_READ_AT)->id == 7 && rbed_last(b, BFT_FX_READ_AT)->reason == 0);
	rbed_free(b);
}

/* As in every mode: of those who are there, in turn. */
static void a_view_names_its_leader_by_place(void)
{
	static const uint8_t all[] = { 0, 2, 5 };
	for (int i = 0; i < 3; i++) {
		struct rbed *b = leader(all[i]);
		struct bft_standing s = rbed_standing(b);
		CU_ASSERT(s.leader == all[i] && order_leader(s.view, THREE, 0) == all[i] && s.view / 3 == rbed_raft(b)->term);
		rbed_free(b);
	}
}

static void nobodys_words_are_rejected(void)
{
	static const uint8_t nobody[] = { 1, 3, 4, 6, 63 };
	struct rbed *b = gaps(2);
	union raft_body *m = rbed_alloc(sizeof *m);
	m->vote = (struct raft_vote){ .term = 1, .current = 1, .kind = RAFT_ASK_REAL, .answer = RAFT_YES };
	memcpy(b->before, b->core, b->core_bytes);
	for (size_t i = 0; i < sizeof nobody; i++) {
		CU_ASSERT_EQUAL(bft_raft.screen(b->core, nobody[i], RAFT_VOTE, m), BFT_REJECT);
		rbed_link(b, nobody[i], true);
	}
	CU_ASSERT_EQUAL(memcmp(b->before, b->core, b->core_bytes), 0);
	free(m);
	rbed_free(b);
}

/* Leadership is handed to a member, however far the numbers are apart. */
static void it_is_handed_over_to_a_member(void)
{
	struct rbed *b = leader(2);
	struct bft_event admin = { .kind = BFT_EV_ADMIN };
	rbed_step(b, &admin);
	rbed_tick(b, 10);
	const struct bft_effect *e = rbed_sent(b, RAFT_TIMEOUT_NOW);
	CU_ASSERT_FATAL(e != NULL);
	CU_ASSERT(e->to == BFT_BIT(0) || e->to == BFT_BIT(5));
	rbed_free(b);
}

/* ---- from one epoch to the next ---- */

/* The leader of `n` has executed the border; its own CHECKPOINT is all that it has for it. */
static struct rbed *at_border(uint32_t n, const struct bft_event *epoch)
{
	struct rbed *b = rbed_new(n, 0);
	rbed_lead(b);
	for (uint8_t i = 1; i < n; i++)
		rbed_ack(b, i, 1);
	rbed_step(b, epoch);
	CU_ASSERT_EQUAL(rbed_raft(b)->last, BORDER);
	for (uint8_t i = 1; i < n; i++)
		rbed_ack(b, i, BORDER);
	CU_ASSERT_EQUAL(b->executed, BORDER);
	struct bft_event made = { .kind = BFT_EV_SNAPSHOT, .seq = BORDER, .digest = b->chain[BORDER], .root = rbed_digest(1) };
	rbed_step(b, &made);
	return b;
}

static void checkpoint(struct rbed *b, uint8_t from, bft_seq seq)
{
	struct bft_checkpoint c = { .seq = seq, .chain = b->chain[seq] };
	rbed_say(b, from, RAFT_CHECKPOINT, &c);
}

static const struct bft_rec_view *last_view(const struct rbed *b)
{
	CU_ASSERT_FATAL(b->log[b->lsn - 1].rtype == RAFT_REC_VIEW);
	return &b->log[b->lsn - 1].data.view;
}

static void the_border_says_who_is_a_member_behind_it(void)
{
	struct bft_event epoch = { .kind = BFT_EV_EPOCH, .seq = BORDER, .members = THREE, .mode = BFT_MODE_TRUSTED };
	struct rbed *b = at_border(3, &epoch);
	checkpoint(b, 1, BORDER);
	CU_ASSERT_FATAL(rbed_count(b, BFT_FX_ACTIVATE) == 1);
	const struct bft_rec_view *next = last_view(b);
	CU_ASSERT(next->entered == BFT_VIEW_BEGINS && next->epoch == 2 && next->base == BORDER && next->members == THREE && next->mode == BFT_MODE_TRUSTED);
	rbed_free(b);
	epoch = (struct bft_event){ .kind = BFT_EV_EPOCH, .seq = BORDER }; /* nothing of it changes */
	b = at_border(3, &epoch);
	checkpoint(b, 2, BORDER);
	CU_ASSERT(last_view(b)->members == mask_all(3) && last_view(b)->mode == BFT_MODE_TRUSTED);
	rbed_free(b);
}

/* Five trusted members: three are a majority, and bft begins among four that hold the border. */
static void bft_begins_among_as_many_as_it_needs(void)
{
	struct bft_event epoch = { .kind = BFT_EV_EPOCH, .seq = BORDER, .members = mask_all(5), .mode = BFT_MODE_BFT, .signers = quorum_strong(5) };
	struct rbed *b = at_border(5, &epoch);
	/* Before the border a majority is enough, as ever. */
	checkpoint(b, 1, RBED_K);
	checkpoint(b, 2, RBED_K);
	CU_ASSERT_EQUAL(rbed_raft(b)->low, RBED_K);
	checkpoint(b, 1, BORDER);
	checkpoint(b, 2, BORDER);
	CU_ASSERT(rbed_raft(b)->low == RBED_K && rbed_count(b, BFT_FX_ACTIVATE) == 0);
	checkpoint(b, 2, BORDER); /* once more is one */
	CU_ASSERT_EQUAL(rbed_raft(b)->low, RBED_K);
	checkpoint(b, 4, BORDER);
	CU_ASSERT(rbed_raft(b)->low == BORDER && rbed_count(b, BFT_FX_ACTIVATE) == 1);
	CU_ASSERT(last_view(b)->mode == BFT_MODE_BFT && last_view(b)->members == mask_all(5));
	rbed_free(b);
}

/* A border that leads from trusted to trusted members needs a majority. */
static void a_majority_ends_a_trusted_epoch(void)
{
	struct bft_event epoch = { .kind = BFT_EV_EPOCH, .seq = BORDER, .members = mask_all(4), .mode = BFT_MODE_TRUSTED };
	struct rbed *b = at_border(5, &epoch);
	checkpoint(b, 1, BORDER);
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_ACTIVATE), 0);
	checkpoint(b, 4, BORDER); /* who leaves has a say until then */
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_ACTIVATE), 1);
	rbed_free(b);
}

static void a_jump_names_members_and_mode(void)
{
	struct rbed *b = rbed_new(3, 1);
	struct bft_event jump = { .kind = BFT_EV_JUMP, .epoch = 3, .seq = BORDER, .digest = rbed_digest(800), .members = mask_all(4), .mode = BFT_MODE_BFT };
	rbed_step(b, &jump);
	const struct bft_rec_view *next = last_view(b);
	CU_ASSERT(next->entered == BFT_VIEW_BEGINS && next->epoch == 3 && next->members == mask_all(4) && next->mode == BFT_MODE_BFT);
	rbed_free(b);
}

/* It takes what the leader sends, and neither votes nor stands; what it acknowledges does not count. */
static void who_is_no_member_learns(void)
{
	struct rbed *b = gaps(3);
	CU_ASSERT_TRUE(rbed_raft(b)->learner);
	rbed_run(b, 10 * (RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS));
	CU_ASSERT(rbed_raft(b)->role == RAFT_FOLLOWER && rbed_raft(b)->term == 0);
	rbed_append(b, 0, 1, 1, 0, 0, 4, 4, 1);
	CU_ASSERT_EQUAL(b->executed, 4);
	CU_ASSERT_TRUE(rbed_last_ack(b).learner);
	CU_ASSERT_PTR_NULL(rbed_sent(b, RAFT_CHECKPOINT));
	rbed_free(b);
}

/* One alone decides; two need both. */
static void from_one_to_two_and_back(void)
{
	struct bft_event epoch = { .kind = BFT_EV_EPOCH, .seq = BORDER, .members = BFT_BIT(0) | BFT_BIT(4), .mode = BFT_MODE_TRUSTED };
	struct rbed *b = rbed_new(1, 0);
	rbed_run(b, 100);
	CU_ASSERT_TRUE(rbed_leads(b));
	rbed_step(b, &epoch);
	CU_ASSERT_EQUAL(b->executed, BORDER);
	struct bft_event made = { .kind = BFT_EV_SNAPSHOT, .seq = BORDER, .digest = b->chain[BORDER], .root = rbed_digest(1) };
	rbed_step(b, &made);
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_ACTIVATE), 1);
	rbed_free(b);
	struct bft_limits limits = rbed_limits(5);
	limits.absent = mask_all(5) & ~epoch.members;
	b = rbed_ready(&limits, 0);
	rbed_run(b, RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS);
	CU_ASSERT_FALSE(rbed_leads(b));
	rbed_vote(b, 4, 1, RAFT_ASK_PRE, RAFT_YES);
	rbed_vote(b, 4, 1, RAFT_ASK_REAL, RAFT_YES);
	CU_ASSERT_TRUE(rbed_leads(b));
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, 0);
	rbed_ack(b, 4, 1);
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, 1);
	rbed_free(b);
	/* What is left of them when the other goes: a number that is not the first. */
	limits.absent = mask_all(5) & ~BFT_BIT(4);
	b = rbed_ready(&limits, 4);
	rbed_run(b, 100);
	CU_ASSERT(rbed_leads(b) && rbed_raft(b)->commit == 1);
	rbed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "one other vote makes a leader", one_other_vote_makes_a_leader },
		{ "one other acknowledgement commits", one_other_acknowledgement_commits },
		{ "only members hear the leader", only_members_hear_the_leader },
		{ "one other confirms a read", one_other_confirms_a_read },
		{ "a view names its leader by place", a_view_names_its_leader_by_place },
		{ "nobody's words are rejected", nobodys_words_are_rejected },
		{ "it is handed over to a member", it_is_handed_over_to_a_member },
		{ "the border says who is a member behind it", the_border_says_who_is_a_member_behind_it },
		{ "bft begins among as many as it needs", bft_begins_among_as_many_as_it_needs },
		{ "a majority ends a trusted epoch", a_majority_ends_a_trusted_epoch },
		{ "a jump names members and mode", a_jump_names_members_and_mode },
		{ "who is no member learns", who_is_no_member_learns },
		{ "from one to two and back", from_one_to_two_and_back },
		{ 0 },
	};
	return unit_main("raft_members", cases);
}
