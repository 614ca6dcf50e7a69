/* AppendEntries as the leader sees it (3.5, 10.2.1): each follower has a progress of its own, and nobody waits for the slowest. */
#include "bft/raft/raft.h"

/* ---- one follower ---- */

/* Entries from `next` on are here, and the term before them. */
static bool reaches(const struct raft *p, bft_seq next)
{
	bft_seq prev = next - 1;
	if (next > p->last + 1 || (next <= p->last && !raft_entry_find(p, next)))
		return false;
	return prev == p->base || prev == p->settled || raft_entry_find(p, prev);
}

static void probe_from(struct raft *p, struct raft_peer *peer, bft_seq next)
{
	peer->progress = reaches(p, next) ? RAFT_PROBE : RAFT_SNAPSHOT_NEEDED;
	peer->next = next;
	peer->inflight_bytes = 0;
	peer->probing = false;
	peer->fence = p->round + 1;
}

/* Bodies leave with the entries that name them, as much as may be on the way; a follower that is probed asks for what it lacks. */
static bool may_push(const struct raft_peer *peer, const struct raft_entry *e)
{
	return peer->inflight_bytes == 0 || peer->inflight_bytes + e->bytes <= RAFT_INFLIGHT_BYTES_MAX;
}

static uint16_t fill(struct raft *p, uint8_t i, struct raft_append *m)
{
	struct raft_peer *peer = &p->peer[i];
	for (; m->count < RAFT_ENTRIES_MAX && peer->next + m->count <= p->last; m->count++) {
		struct raft_entry *e = raft_entry_find(p, peer->next + m->count);
		if (!e)
			break; /* it came here by the chain, and goes on by the chain */
		if (peer->progress == RAFT_REPLICATE) {
			if (!may_push(peer, e))
				break;
			e->push |= e->bytes ? BFT_BIT(i) : 0;
			peer->inflight_bytes += e->bytes;
		}
		m->entry[m->count].term = e->term;
		m->entry[m->count].digest = e->digest;
	}
	return m->count;
}

/* False: no room in this step. Released at once: my disk works beside it (10.2.1). But not before my term is on it. */
static bool send_append(struct raft *p, uint8_t i, bool entries, struct bft_effects *out)
{
	struct raft_peer *peer = &p->peer[i];
	struct raft_append *m = effects_room(out, sizeof *m);
	if (!m)
		return false;
	if (!reaches(p, peer->next)) /* the window has moved on without it */
		probe_from(p, peer, peer->next);
	bft_seq prev = peer->progress == RAFT_SNAPSHOT_NEEDED ? 0 : peer->next - 1;
	*m = (struct raft_append){ .term = p->term, .round = ++p->round, .prev = prev, .prev_term = raft_log_term(p, prev), .commit = p->commit };
	if (entries && peer->progress != RAFT_SNAPSHOT_NEEDED)
		fill(p, i, m);
	if (peer->progress == RAFT_REPLICATE)
		peer->next += m->count;
	peer->probing |= peer->progress == RAFT_PROBE;
	peer->sent_ms = p->mono_ms;
	if (!peer->mark_round) {
		peer->mark_round = p->round;
		peer->mark_ms = p->mono_ms;
	}
	raft_send(out, RAFT_APPEND, m, sizeof *m, BFT_BIT(i), p->term_lsn);
	return true;
}

static void replicate_to(struct raft *p, uint8_t i, struct bft_effects *out)
{
	struct raft_peer *peer = &p->peer[i];
	if (peer->progress == RAFT_SNAPSHOT_NEEDED && reaches(p, peer->match + 1))
		probe_from(p, peer, peer->match + 1);
	if (peer->progress == RAFT_PROBE && !peer->probing)
		send_append(p, i, true, out);
	while (peer->progress == RAFT_REPLICATE && peer->next <= p->last) {
		const struct raft_entry *e = raft_entry_find(p, peer->next);
		if ((e && !may_push(peer, e)) || !send_append(p, i, true, out))
			return;
	}
}

/* ---- all of them ---- */

static void push(struct raft *p, struct bft_effects *out)
{
	for (bft_seq seq = p->last; seq > p->commit; seq--) {
		struct raft_entry *e = raft_entry_find(p, seq);
		if (!e || !e->push)
			continue;
		struct bft_effect *x = effects_add(out, BFT_FX_PUSH);
		x->digest = e->digest;
		x->to = e->push;
		e->push = 0;
	}
}

void raft_replicate(struct raft *p, struct bft_effects *out)
{
	if (p->role != RAFT_LEADER)
		return;
	for (uint8_t i = 0; i < p->n; i++)
		if (raft_other(p, i))
			replicate_to(p, i, out);
	push(p, out);
}

/* To everybody, whatever is on the way to it: it names the last that was sent, so that a loss shows. */
void raft_heartbeat(struct raft *p, struct bft_effects *out)
{
	for (uint8_t i = 0; i < p->n; i++)
		if (raft_other(p, i))
			send_append(p, i, false, out);
}

void raft_lead_begin(struct raft *p, struct bft_effects *out)
{
	p->role = RAFT_LEADER;
	p->leader = p->self;
	p->round = 0;
	p->reads_count = 0;
	p->transfer = RAFT_NOBODY;
	p->handed = false;
	p->flush_lsn = 0;
	/* What was taken of another leader and is not mine yet never will be. */
	raft_log_cut(p, p->last + 1, out);
	p->matched = p->last;
	for (uint32_t i = 0; i < p->n; i++) {
		struct raft_peer *peer = &p->peer[i];
		peer->match = peer->round = 0;
		peer->lease_ms = peer->mark_round = 0;
		peer->ack_ms = p->mono_ms;
		probe_from(p, peer, p->last + 1);
		peer->fence = 0;
	}
	raft_role(p, out, RAFT_WHY_NONE);
	raft_propose_opening(p, out);
	raft_requests_leader(p, out);
	raft_replicate(p, out);
}

void raft_lead_link(struct raft *p, uint8_t i, struct bft_effects *out)
{
	struct raft_peer *peer = &p->peer[i];
	if (p->role != RAFT_LEADER)
		return;
	probe_from(p, peer, peer->match ? peer->match + 1 : peer->next);
	if (peer->up)
		replicate_to(p, i, out);
}

/* ---- answers ---- */

static void on_match(struct raft *p, struct raft_peer *peer, const struct raft_ack *a)
{
	for (bft_seq seq = peer->match + 1; seq <= a->match; seq++) {
		const struct raft_entry *e = raft_entry_find(p, seq);
		uint64_t bytes = e ? e->bytes : 0;
		peer->inflight_bytes -= bytes < peer->inflight_bytes ? bytes : peer->inflight_bytes;
	}
	peer->match = a->match;
	if (peer->next <= peer->match)
		peer->next = peer->match + 1;
	if (peer->next == peer->match + 1)
		peer->inflight_bytes = 0;
}

/* The last entry of that term here, or where it begins there: a term that contradicts is left behind whole. */
static bft_seq after_conflict(const struct raft *p, const struct raft_peer *peer, const struct raft_ack *a)
{
	bft_seq seq = peer->next - 1 < p->last ? peer->next - 1 : p->last;
	if (a->conflict_term)
		for (; seq >= a->match && raft_entry_find(p, seq); seq--)
			if (raft_entry_find(p, seq)->term == a->conflict_term)
				return seq + 1;
	return a->match;
}

static void on_conflict(struct raft *p, struct raft_peer *peer, const struct raft_ack *a)
{
	/* What was sent before the last probe is answered too, and says nothing new; nor do they part below what matches. */
	if (a->round < peer->fence || a->match <= peer->match || a->match > peer->next)
		return;
	bft_seq next = after_conflict(p, peer, a);
	probe_from(p, peer, next > peer->match ? next : peer->match + 1);
}

enum bft_verdict raft_on_ack(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct raft_ack *a = m->body;
	struct raft_peer *peer = &p->peer[m->from];
	if (m->from == p->self)
		return BFT_IGNORE;
	if (a->term > p->term)
		return raft_term_check(p, m, a->term, out);
	if (a->term < p->term || p->role != RAFT_LEADER)
		return BFT_IGNORE;
	if (a->round > p->round || (a->kind == RAFT_ACK_MATCH && a->match > p->last)) {
		raft_blame(out, m, RAFT_WHY_BEYOND);
		return BFT_REJECT;
	}
	peer->ack_ms = p->mono_ms;
	peer->learner = a->learner;
	if (a->round > peer->round)
		peer->round = a->round;
	raft_lease_heard(peer, a->round);
	if (a->kind == RAFT_ACK_CONFLICT)
		on_conflict(p, peer, a);
	else if (a->match > peer->match) /* a late one moves nothing back */
		on_match(p, peer, a);
	if (a->kind == RAFT_ACK_MATCH && peer->progress == RAFT_PROBE && a->round >= peer->fence && peer->match + 1 >= peer->next) {
		peer->progress = RAFT_REPLICATE;
		peer->probing = false;
	}
	raft_commit_count(p, out);
	raft_reads_confirm(p, out);
	raft_transfer_try(p, out);
	raft_replicate(p, out);
	return BFT_ACCEPT;
}

/* ---- my own disk ---- */

void raft_lead_persisted(struct raft *p)
{
	if (p->flush_lsn)
		return;
	p->flush_lsn = p->lsn;
	p->flush_ms = p->mono_ms;
}

void raft_lead_durable(struct raft *p, struct bft_effects *out)
{
	if (p->role != RAFT_LEADER)
		return;
	if (p->flush_lsn && p->durable >= p->flush_lsn) {
		bft_seq next = raft_log_durable(p) + 1;
		p->flush_lsn = next <= p->last ? raft_log_lsn(p, next) : 0;
		p->flush_ms = p->mono_ms;
	}
	raft_commit_count(p, out);
}

/* ---- whether I still lead ---- */

/* A majority answered within the shortest time after which others may stand (6.2). */
static bool majority_answers(const struct raft *p)
{
	uint32_t count = 1;
	for (uint32_t i = 0; i < p->n; i++)
		count += raft_other(p, i) && !p->peer[i].learner && p->mono_ms - p->peer[i].ack_ms < RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS;
	return count >= p->majority;
}

void raft_lead_tick(struct raft *p, struct bft_effects *out)
{
	if (p->role != RAFT_LEADER)
		return;
	if (!majority_answers(p)) {
		raft_follow(p, p->term, RAFT_NOBODY, RAFT_WHY_NO_MAJORITY, out);
		return;
	}
	if (p->flush_lsn && p->mono_ms - p->flush_ms > RAFT_DISK_MS) {
		raft_follow(p, p->term, RAFT_NOBODY, RAFT_WHY_DISK, out);
		return;
	}
	if (p->transfer != RAFT_NOBODY && p->mono_ms >= p->transfer_ms + RAFT_ELECTION_MS) {
		p->transfer = RAFT_NOBODY; /* it did not come about: I lead on (3.10) */
		raft_propose_try(p, out);
	}
	for (uint8_t i = 0; i < p->n; i++) {
		struct raft_peer *peer = &p->peer[i];
		if (!raft_other(p, i) || p->mono_ms < peer->sent_ms + RAFT_HEARTBEAT_MS)
			continue;
		peer->probing = false;
		send_append(p, i, peer->progress == RAFT_PROBE, out);
	}
}
