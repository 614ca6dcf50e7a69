/* AppendEntries as a follower hears it (3.5, 5.3): what is new is taken, what contradicts is cut, and nothing is acknowledged before it is on disk. */
#include "bft/raft/raft.h"

static void ack(struct raft *p, const struct raft_ack *what, bft_lsn lsn, struct bft_effects *out)
{
	struct raft_ack *m = effects_room(out, sizeof *m);
	if (!m || p->leader == RAFT_NOBODY)
		return; /* the next heartbeat is answered */
	*m = *what;
	m->term = p->term;
	m->round = p->round;
	m->learner = p->learner;
	raft_send(out, RAFT_ACK, m, sizeof *m, BFT_BIT(p->leader), lsn);
}

/* What is durable now, and the leader's: a heartbeat's answer waits for no disk. */
static void ack_durable(struct raft *p, struct bft_effects *out)
{
	bft_seq seq = raft_log_durable(p);
	struct raft_ack m = { .kind = RAFT_ACK_MATCH, .match = seq < p->matched ? seq : p->matched };
	ack(p, &m, 0, out);
}

/* Released when the record of `last` is durable, and no sooner: the effect's position names that very append, whatever stood there before. */
static void ack_appended(struct raft *p, struct bft_effects *out)
{
	bft_seq seq = p->last < p->matched ? p->last : p->matched;
	struct raft_ack m = { .kind = RAFT_ACK_MATCH, .match = seq };
	ack(p, &m, raft_log_lsn(p, seq), out);
}

void raft_append_taken(struct raft *p, struct bft_effects *out)
{
	bft_seq was = p->last;
	while (p->last < p->taken && raft_entry_find(p, p->last + 1)->held)
		if (!raft_log_append(p, out))
			break;
	if (p->last > was)
		ack_appended(p, out);
	raft_execute_dispatch(p, out);
}

/* ---- where the logs part ---- */

static bft_view taken_term(const struct raft *p, bft_seq seq)
{
	const struct raft_entry *e = seq <= p->taken ? raft_entry_find(p, seq) : NULL;
	return e ? e->term : seq == p->settled ? p->settled_term : 0;
}

/* The term of mine that contradicts and where it begins, so that the leader leaves a whole term behind in one round trip (3.5, "conflict"). */
static void ack_conflict(struct raft *p, bft_seq prev, struct bft_effects *out)
{
	struct raft_ack m = { .kind = RAFT_ACK_CONFLICT, .match = p->taken + 1 };
	if (prev <= p->taken) {
		m.conflict_term = taken_term(p, prev);
		for (m.match = prev; m.match > p->commit + 1 && taken_term(p, m.match - 1) == m.conflict_term; m.match--)
			;
	}
	ack(p, &m, 0, out);
}

/* What is committed here, every later leader has (3.6.3): only above it terms need to be compared. */
static bool prev_matches(const struct raft *p, const struct raft_append *a)
{
	return a->prev <= p->commit || (a->prev <= p->taken && a->prev_term > 0 && taken_term(p, a->prev) == a->prev_term);
}

/* ---- taking ---- */

static void fetch(struct raft *p, struct raft_entry *e, struct bft_effects *out)
{
	if (e->held || (e->asked & BFT_BIT(p->leader)))
		return;
	e->asked |= BFT_BIT(p->leader);
	struct bft_effect *f = effects_add(out, BFT_FX_FETCH);
	f->digest = e->digest;
	f->seq = e->seq;
	f->to = BFT_BIT(p->leader); /* its push is on the way */
}

/* One that was sent again, or came late and is shorter, cuts nothing: only another term at the same place does. Returns how far I go along with it. */
static bft_seq take(struct raft *p, const struct raft_append *a, struct bft_effects *out)
{
	for (uint16_t i = 0; i < a->count; i++) {
		bft_seq seq = a->prev + 1 + i;
		const struct raft_entry *e = seq <= p->taken ? raft_entry_find(p, seq) : NULL;
		if (seq <= p->commit || (e && e->term == a->entry[i].term))
			continue;
		if (e && seq <= p->last && !e->sought && a->entry[i].term > e->term && digest_equal(&e->digest, &a->entry[i].digest)) {
			raft_log_renew(p, seq, a->entry[i].term, out);
			continue;
		}
		if (seq <= p->taken)
			raft_log_cut(p, seq, out);
		if (!raft_log_has_place(p, seq, &a->entry[i].digest))
			return seq - 1; /* it comes again */
		raft_log_take(p, seq, a->entry[i].term, &a->entry[i].digest);
	}
	return a->prev + a->count;
}

/* Its sender does not know that it leads no longer. */
static void tell_term(const struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	struct raft_ack *x = effects_room(out, sizeof *x);
	if (!x)
		return;
	*x = (struct raft_ack){ .term = p->term, .kind = RAFT_ACK_MATCH, .learner = p->learner };
	raft_send(out, RAFT_ACK, x, sizeof *x, BFT_BIT(m->from), p->term_lsn);
}

static bool same_entries(const struct raft *p, const struct raft_append *a)
{
	for (uint16_t i = 0; i < a->count; i++) {
		const struct raft_entry *e = a->prev + 1 + i <= p->taken ? raft_entry_find(p, a->prev + 1 + i) : NULL;
		if (e && e->term == a->entry[i].term && !digest_equal(&e->digest, &a->entry[i].digest))
			return false;
	}
	return true;
}

enum bft_verdict raft_on_append(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct raft_append *a = m->body;
	if (m->from == p->self)
		return BFT_IGNORE;
	if (a->term < p->term) {
		tell_term(p, m, out);
		return BFT_ACCEPT;
	}
	/* One term has one leader, and one place in it one entry (3.2). */
	if (a->term == p->term && (p->role == RAFT_LEADER || (p->leader != RAFT_NOBODY && p->leader != m->from) || !same_entries(p, a))) {
		raft_blame(out, m, RAFT_WHY_TWO_LEADERS);
		return BFT_REJECT;
	}
	if (raft_term_check(p, m, a->term, out) == BFT_REJECT)
		return BFT_REJECT;
	if (p->leader != m->from)
		raft_follow(p, a->term, m->from, RAFT_WHY_NONE, out);
	raft_promise_begin(p);
	raft_election_reset(p);
	if (a->round > p->round)
		p->round = a->round;
	if (!prev_matches(p, a)) {
		ack_conflict(p, a->prev, out);
		return BFT_ACCEPT;
	}
	bft_lsn recorded = p->lsn;
	bft_seq same = take(p, a, out), was = p->last;
	for (bft_seq seq = p->last + 1; seq <= p->taken && seq <= same; seq++)
		fetch(p, raft_entry_find(p, seq), out); /* of the leader before, too, who may be gone */
	if (same > p->matched)
		p->matched = same;
	raft_commit_to(p, a->commit < p->matched ? a->commit : p->matched, out);
	raft_append_taken(p, out);
	if (p->last == was && p->lsn == recorded)
		ack_durable(p, out);
	else if (p->last == was)
		ack_appended(p, out);
	return BFT_ACCEPT;
}
