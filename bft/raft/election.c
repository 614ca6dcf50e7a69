/* Who leads a term (3.4): the question before the vote (9.6), the vote, and when neither is answered because a leader is there (4.2.3). */
#include "bft/raft/raft.h"

/* splitmix64: seeded by who I am, so that a run can be repeated and no two members agree. */
static uint64_t next_random(struct raft *p)
{
	uint64_t z = p->random += 0x9E3779B97F4A7C15u;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

/* Drawn anew each time (3.4): two that collided once need not collide again. */
void raft_election_reset(struct raft *p)
{
	p->election_ms = p->mono_ms + RAFT_ELECTION_MS + next_random(p) % RAFT_ELECTION_SPREAD_MS;
}

/* Counted from the next tick on: the last one may be older than what I heard. */
void raft_promise_begin(struct raft *p)
{
	p->heard = true;
	p->heard_ms = p->mono_ms;
}

bool raft_promised(const struct raft *p)
{
	return p->heard || (p->heard_ms && p->mono_ms < p->heard_ms + RAFT_ELECTION_MS);
}

/* A leader is there, as far as I know: who asks for votes now was cut off, or was removed (4.2.3). Whatever term I have heard of since: a lease counts on it. */
static bool leader_is_there(const struct raft *p)
{
	return p->role == RAFT_LEADER || raft_promised(p);
}

/* ---- terms ---- */

void raft_follow(struct raft *p, bft_view term, uint8_t leader, uint16_t why, struct bft_effects *out)
{
	bool led = p->role == RAFT_LEADER, changed = term > p->term || leader != p->leader;
	p->role = RAFT_FOLLOWER;
	p->yes = p->no = p->damaged = 0;
	p->asked_by_leader = false;
	p->transfer = RAFT_NOBODY;
	p->flush_lsn = 0;
	if (term > p->term) {
		p->term = term;
		p->voted = 0;
		p->term_lsn = raft_stand_record(p, out);
	}
	if (changed || led) {
		p->leader = leader;
		p->round = 0;
		p->matched = p->commit;
		raft_role(p, out, why);
	}
	if (led)
		raft_reads_refuse(p, out);
	raft_election_reset(p);
	if (changed && leader != RAFT_NOBODY)
		raft_requests_leader(p, out);
}

/* A number that no election reaches would take the terms away from everybody; the others are entered, as they come (3.3). */
enum bft_verdict raft_term_check(struct raft *p, const struct bft_vmsg *m, bft_view term, struct bft_effects *out)
{
	if (term < p->term)
		return BFT_IGNORE;
	if (term - p->term > RAFT_TERM_JUMP_MAX) {
		raft_blame(out, m, RAFT_WHY_TERM_JUMP);
		return BFT_REJECT;
	}
	if (term > p->term)
		raft_follow(p, term, RAFT_NOBODY, RAFT_WHY_NONE, out);
	return BFT_ACCEPT;
}

/* ---- asking and standing ---- */

/* Its log is on disk and says how new it is: what it would be judged by, it has. */
static bool may_stand(const struct raft *p)
{
	return raft_votes(p) && p->commit <= p->last && p->durable >= raft_log_lsn(p, p->last);
}

static void ask(struct raft *p, bft_view term, uint8_t kind, bft_lsn lsn, struct bft_effects *out)
{
	struct raft_ask_vote *m = effects_room(out, sizeof *m);
	if (!m)
		return; /* asked again when the timer ends */
	*m = (struct raft_ask_vote){ .term = term, .kind = kind, .last_term = raft_log_term(p, p->last), .last = p->last, .commit = p->commit };
	raft_send(out, RAFT_ASK_VOTE, m, sizeof *m, raft_others(p), lsn);
}

/* Would you vote for me? No term is raised by the question, so who was cut off and comes back disturbs nobody (9.6). */
static void campaign_ask(struct raft *p, struct bft_effects *out)
{
	raft_role(p, out, p->leader == RAFT_NOBODY ? RAFT_WHY_NONE : RAFT_WHY_TIMEOUT);
	p->role = RAFT_ASKING;
	p->leader = RAFT_NOBODY;
	p->yes = BFT_BIT(p->self);
	p->no = p->damaged = 0;
	raft_election_reset(p);
	ask(p, p->term + 1, RAFT_ASK_PRE, 0, out);
	if (mask_count(p->yes) >= p->majority)
		raft_campaign_stand(p, RAFT_ASK_REAL, out);
}

/* My own vote is a vote: it counts when it is on my disk, and so does the question leave (3.4, 3.8). */
void raft_campaign_stand(struct raft *p, uint8_t kind, struct bft_effects *out)
{
	if (p->term >= BFT_VIEW_MAX)
		return;
	p->role = RAFT_CANDIDATE;
	p->leader = RAFT_NOBODY;
	p->term++;
	p->voted = (uint8_t)(p->self + 1);
	p->yes = p->no = p->damaged = 0;
	raft_election_reset(p);
	p->term_lsn = raft_stand_record(p, out);
	raft_role(p, out, RAFT_WHY_NONE);
	ask(p, p->term, kind, p->term_lsn, out);
}

static void count(struct raft *p, struct bft_effects *out)
{
	if (mask_count(p->yes) < p->majority)
		return;
	if (p->role == RAFT_ASKING)
		raft_campaign_stand(p, RAFT_ASK_REAL, out);
	else if (p->role == RAFT_CANDIDATE)
		raft_lead_begin(p, out);
}

void raft_election_durable(struct raft *p, struct bft_effects *out)
{
	if (p->role != RAFT_CANDIDATE || p->durable < p->term_lsn || (p->yes & BFT_BIT(p->self)))
		return;
	p->yes |= BFT_BIT(p->self);
	count(p, out);
}

void raft_election_tick(struct raft *p, struct bft_effects *out)
{
	if (p->heard)
		p->heard_ms = p->mono_ms;
	p->heard = false;
	if (p->role == RAFT_LEADER || p->mono_ms < p->election_ms)
		return;
	if (raft_promised(p))
		p->election_ms = p->heard_ms + RAFT_ELECTION_MS; /* it was drawn by a clock that was a little behind */
	else if (may_stand(p))
		campaign_ask(p, out);
	else
		raft_election_reset(p);
}

/* ---- others' questions ---- */

static void answer(struct raft *p, const struct raft_ask_vote *q, uint8_t to, enum raft_answer answer, bft_lsn lsn, struct bft_effects *out)
{
	struct raft_vote *m = effects_room(out, sizeof *m);
	if (!m)
		return;
	*m = (struct raft_vote){ .term = q->term, .current = p->term, .kind = q->kind, .answer = (uint8_t)answer };
	raft_send(out, RAFT_VOTE, m, sizeof *m, BFT_BIT(to), lsn);
}

/* Changes nothing here, whatever the answer. */
static enum bft_verdict on_pre_question(struct raft *p, const struct raft_ask_vote *q, uint8_t from, struct bft_effects *out)
{
	bool yes = q->term > p->term && !leader_is_there(p) && !raft_log_newer_than(p, q);
	answer(p, q, from, yes ? RAFT_YES : RAFT_NO, 0, out);
	return BFT_ACCEPT;
}

enum bft_verdict raft_on_ask_vote(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct raft_ask_vote *q = m->body;
	if (m->from == p->self)
		return BFT_IGNORE;
	if (q->term > p->term && q->term - p->term > RAFT_TERM_JUMP_MAX) {
		raft_blame(out, m, RAFT_WHY_TERM_JUMP);
		return BFT_REJECT;
	}
	if (!raft_votes(p)) {
		/* A no would deny an entry that I may have acknowledged, a yes as well. */
		if (p->started && p->learner)
			answer(p, q, m->from, RAFT_DAMAGED, 0, out);
		return p->started && p->learner ? BFT_ACCEPT : BFT_IGNORE;
	}
	if (q->kind == RAFT_ASK_PRE)
		return on_pre_question(p, q, m->from, out);
	/* Stickiness: neither the vote nor the term, unless the leader itself asked for it (3.10). */
	if (q->kind != RAFT_ASK_TRANSFER && leader_is_there(p))
		return BFT_IGNORE;
	if (q->term < p->term) {
		answer(p, q, m->from, RAFT_NO, p->term_lsn, out);
		return BFT_ACCEPT;
	}
	raft_term_check(p, m, q->term, out);
	bool mine = p->voted == 0 || p->voted == m->from + 1;
	if (!mine || p->leader != RAFT_NOBODY || raft_log_newer_than(p, q)) {
		answer(p, q, m->from, RAFT_NO, p->term_lsn, out);
		return BFT_ACCEPT;
	}
	if (!p->voted) {
		p->voted = (uint8_t)(m->from + 1);
		p->term_lsn = raft_stand_record(p, out);
		raft_election_reset(p);
	}
	answer(p, q, m->from, RAFT_YES, p->term_lsn, out);
	return BFT_ACCEPT;
}

/* A yes to the question before is none to the vote: it names the term that would be, and its kind. */
enum bft_verdict raft_on_vote(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct raft_vote *v = m->body;
	bool pre = v->kind == RAFT_ASK_PRE;
	bool mine = pre ? p->role == RAFT_ASKING && v->term == p->term + 1 : p->role == RAFT_CANDIDATE && v->term == p->term;
	if (m->from == p->self)
		return BFT_IGNORE;
	if (v->answer == RAFT_NO && v->current > p->term)
		return raft_term_check(p, m, v->current, out);
	if (!mine)
		return BFT_IGNORE;
	bft_mask bit = BFT_BIT(m->from);
	if ((p->yes | p->no | p->damaged) & bit)
		return BFT_IGNORE;
	*(v->answer == RAFT_YES ? &p->yes : v->answer == RAFT_NO ? &p->no : &p->damaged) |= bit;
	count(p, out);
	return BFT_ACCEPT;
}
