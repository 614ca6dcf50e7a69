/* Reads without a log entry (6.4): a position that holds everything committed when the question came, told once a majority has said since then that its leader still
 * leads. Questions that come together share one round of heartbeats. By lease (6.4.1) it is told at once, while a majority votes for nobody else. */
#include "bft/raft/raft.h"

#include <string.h>

static void tell(struct raft *p, const struct raft_read_wait *r, struct bft_effects *out)
{
	if (r->from == p->self) {
		struct bft_effect *e = effects_add(out, BFT_FX_READ_AT);
		e->id = r->id;
		e->seq = r->seq;
		return;
	}
	struct raft_read *m = effects_room(out, sizeof *m);
	if (!m)
		return; /* asked again, or ordered */
	*m = (struct raft_read){ .term = p->term, .id = r->id, .seq = r->seq };
	raft_send(out, RAFT_READ_AT, m, sizeof *m, BFT_BIT(r->from), 0);
}

static void refuse(struct bft_effects *out, uint64_t id, uint16_t why)
{
	struct bft_effect *e = effects_add(out, BFT_FX_READ_AT);
	e->id = id;
	e->reason = why;
}

static uint64_t round_of(const struct raft_peer *peer)
{
	return peer->round;
}

static uint64_t lease_of(const struct raft_peer *peer)
{
	return peer->lease_ms;
}

/* What a majority has reached, me included, who am always there. */
static uint64_t majority_of(const struct raft *p, uint64_t (*of)(const struct raft_peer *peer))
{
	uint64_t has[BFT_MEMBERS_MAX];
	uint32_t count = 0;
	for (uint32_t i = 0; i < p->n; i++) {
		if (!raft_member(p, i) || (i != p->self && p->peer[i].learner))
			continue;
		uint64_t x = i == p->self ? UINT64_MAX : of(&p->peer[i]);
		uint32_t at = count++;
		for (; at && has[at - 1] < x; at--)
			has[at] = has[at - 1];
		has[at] = x;
	}
	return count >= p->majority ? has[p->majority - 1] : 0;
}

/* ---- by lease ---- */

/* A follower's promise of RAFT_ELECTION_MS is over after that / (1 + d) of true time at the soonest, and my clock shows (1 - d) of true time at the least. Clocks are cut to
 * milliseconds: one here, one there. */
uint64_t raft_lease_span_ms(uint32_t drift_percent)
{
	uint64_t span = (uint64_t)RAFT_ELECTION_MS * (100 - drift_percent) / (100 + drift_percent);
	return span > 2 ? span - 2 : 0;
}

void raft_lease_heard(struct raft_peer *peer, uint64_t round)
{
	if (!peer->mark_round || round < peer->mark_round)
		return;
	peer->lease_ms = peer->mark_ms;
	peer->mark_round = 0;
}

/* A majority votes for nobody else, and none of what is committed, which I have executed, ends the epoch: the next one keeps no promise of this one. */
static bool lease_holds(const struct raft *p)
{
	if (!p->limits.lease_drift_percent || p->role != RAFT_LEADER || p->handed || p->transfer != RAFT_NOBODY)
		return false;
	if (p->commit < p->opening || p->executed < p->commit || p->border)
		return false;
	uint64_t since = majority_of(p, lease_of);
	return since == UINT64_MAX || (since && p->mono_ms < since + raft_lease_span_ms(p->limits.lease_drift_percent));
}

/* ---- by a majority's word ---- */

/* Those without a round wait for the one before to return, so that any number of them costs one more. */
static void ask_majority(struct raft *p, struct bft_effects *out)
{
	for (uint32_t i = 0; i < p->reads_count; i++)
		if (p->read[i].round)
			return;
	for (uint32_t i = 0; i < p->reads_count; i++)
		p->read[i].round = p->round + 1; /* heartbeats before the question say nothing */
	raft_heartbeat(p, out);
}

/* Nothing is known of what is committed before my term's first entry is (6.4, step 1). */
void raft_reads_confirm(struct raft *p, struct bft_effects *out)
{
	uint64_t round = p->role == RAFT_LEADER ? majority_of(p, round_of) : 0;
	uint32_t kept = 0;
	if (p->reads_count == 0 || p->role != RAFT_LEADER || p->commit < p->opening)
		return;
	for (uint32_t i = 0; i < p->reads_count; i++) {
		if (p->read[i].round && p->read[i].round <= round)
			tell(p, &p->read[i], out);
		else
			p->read[kept++] = p->read[i];
	}
	p->reads_count = kept;
	if (kept)
		ask_majority(p, out);
}

void raft_reads_refuse(struct raft *p, struct bft_effects *out)
{
	for (uint32_t i = 0; i < p->reads_count; i++)
		if (p->read[i].from == p->self)
			refuse(out, p->read[i].id, RAFT_WHY_NO_MAJORITY);
	p->reads_count = 0;
}

static bool take(struct raft *p, uint8_t from, uint64_t id, struct bft_effects *out)
{
	if (lease_holds(p)) {
		tell(p, &(struct raft_read_wait){ .id = id, .seq = p->commit, .from = from }, out);
		return true;
	}
	if (p->reads_count == RAFT_READS_MAX)
		return false;
	bft_seq seq = p->commit > p->opening ? p->commit : p->opening;
	p->read[p->reads_count++] = (struct raft_read_wait){ .id = id, .seq = seq, .from = from };
	ask_majority(p, out);
	raft_reads_confirm(p, out);
	return true;
}

void raft_on_read(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	if (p->role == RAFT_LEADER) {
		if (!take(p, p->self, e->id.number, out))
			refuse(out, e->id.number, RAFT_WHY_TABLE_FULL);
		return;
	}
	struct raft_read *m = p->started && p->leader != RAFT_NOBODY ? effects_room(out, sizeof *m) : NULL;
	if (!m) {
		refuse(out, e->id.number, RAFT_WHY_NO_MAJORITY);
		return;
	}
	*m = (struct raft_read){ .term = p->term, .id = e->id.number };
	raft_send(out, RAFT_ASK_READ, m, sizeof *m, BFT_BIT(p->leader), 0);
}

enum bft_verdict raft_on_ask_read(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct raft_read *r = m->body;
	if (m->from == p->self || p->role != RAFT_LEADER || r->term != p->term)
		return BFT_IGNORE;
	return take(p, m->from, r->id, out) ? BFT_ACCEPT : BFT_IGNORE;
}

/* The position was confirmed after the question came, whatever has happened to its leader since. */
enum bft_verdict raft_on_read_at(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct raft_read *r = m->body;
	if (m->from == p->self || r->term != p->term || m->from != p->leader)
		return BFT_IGNORE;
	struct bft_effect *e = effects_add(out, BFT_FX_READ_AT);
	e->id = r->id;
	e->seq = r->seq;
	return BFT_ACCEPT;
}
