/* STATUS: what I have and what I miss. Nothing else makes anyone send a thing again (design section 4, "retransmission"). */
#include "bft/pbft/pbft.h"

#include <string.h>

/* The k-th highest `executed` that others report, k from 1. */
static bft_seq executed_rank(const struct pbft *p, uint32_t k)
{
	bft_seq best = 0;
	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t at_least = 0;
		for (uint32_t j = 0; j < p->n; j++)
			at_least += p->peer[j].executed >= p->peer[i].executed;
		if (at_least >= k && p->peer[i].executed > best)
			best = p->peer[i].executed;
	}
	return best;
}

/* As f+1 members report, never fewer: a liar cannot talk me out of suspecting. */
bool pbft_behind(const struct pbft *p)
{
	return executed_rank(p, p->weak) > p->executed;
}

/* Every sequence above `low` is finished in the current view, decided or not: who decided it in an older one still owes the others its COMMIT in this. */
static void fill_open(const struct pbft *p, struct pbft_status *m)
{
	for (bft_seq seq = p->low + 1; seq <= p->low + p->limits.window && m->count < BFT_WINDOW_MAX; seq++) {
		const struct pbft_slot *s = slot_find(p, seq);
		bool decided = seq <= p->executed || (s && s->committed);
		bft_mask prepares = s && s->prepared ? p->members : 0, commits = decided ? p->members : 0;
		for (uint32_t i = 0; s && i < p->n; i++) {
			const struct pbft_vote *a = slot_vote(p, s, false, i), *b = slot_vote(p, s, true, i);
			prepares |= a->set && a->view == p->view ? BFT_BIT(i) : 0;
			commits |= b->set && b->view == p->view ? BFT_BIT(i) : 0;
		}
		m->open[m->count].prepares = prepares;
		m->open[m->count++].commits = commits;
	}
}

void status_send(struct pbft *p, bft_mask to, struct bft_effects *out)
{
	struct pbft_status *m = effects_room(out, sizeof *m);
	if (!m || !p->started)
		return;
	memset(m, 0, sizeof *m);
	m->view = p->view;
	m->flags = (uint8_t)((p->mode == PBFT_CHANGING ? PBFT_STATUS_CHANGING : 0) | (p->suspecting ? PBFT_STATUS_SUSPECTING : 0) |
	                     (p->recalling ? PBFT_STATUS_RECALLING : 0) | (p->observer ? PBFT_STATUS_OBSERVER : 0));
	m->low = p->low;
	m->executed = p->executed;
	m->view_changes = view_change_mask(p, p->view);
	m->checkpoints = checkpoint_voters(p, p->low + p->limits.checkpoint_every);
	m->snapshot = p->snapshot[p->self].seq;
	for (uint32_t i = 0; i < p->n; i++)
		m->snapshots |= p->snapshot[i].seq == m->snapshot && m->snapshot ? BFT_BIT(i) : 0;
	fill_open(p, m);
	pbft_send(p, out, PBFT_STATUS, m, sizeof *m, to, 0);
}

static void forward(struct bft_effects *out, bft_ref wire, uint32_t signer, uint8_t to)
{
	if (!wire)
		return;
	struct bft_effect *e = effects_add(out, BFT_FX_FORWARD);
	e->ref = wire;
	e->from = (uint8_t)signer;
	e->to = BFT_BIT(to);
}

/* What they need to come to my view: my VIEW-CHANGE, or the NEW-VIEW, whoever sent it. */
static void help_view(const struct pbft *p, uint8_t to, const struct pbft_status *s, struct bft_effects *out)
{
	if (s->view > p->view)
		return;
	bool behind = s->view < p->view || (s->flags & PBFT_STATUS_CHANGING);
	if (p->mode == PBFT_NORMAL && behind)
		forward(out, p->new_view_wire, pbft_leader(p, p->view), to);
	const struct pbft_vc_meta *own = view_change_meta(p, p->self);
	if (p->mode == PBFT_CHANGING && own->set && view_change_of(p, p->self)->view == p->view && (s->view < p->view || !(s->view_changes & BFT_BIT(p->self))))
		forward(out, own->wire, p->self, to);
}

static void help_checkpoints(const struct pbft *p, uint8_t to, const struct pbft_status *s, struct bft_effects *out)
{
	bft_seq next = s->low + p->limits.checkpoint_every;
	const struct pbft_checkpoint_vote *own = checkpoint_vote(p, next, p->self);
	if (own->seq == next && !(s->checkpoints & BFT_BIT(p->self)))
		forward(out, own->wire, p->self, to);
	if (s->low < p->low && p->low > p->base) { /* all in this epoch hold its base */
		struct bft_checkpoint *m = effects_room(out, sizeof *m);
		if (m) {
			*m = (struct bft_checkpoint){ .seq = p->low, .chain = p->low_chain };
			pbft_send(p, out, PBFT_STABLE, m, sizeof *m, BFT_BIT(to), 0);
		}
	}
	const struct pbft_checkpoint_vote *snap = &p->snapshot[p->self];
	if (snap->seq && (s->snapshot != snap->seq || !(s->snapshots & BFT_BIT(p->self))))
		forward(out, snap->wire, p->self, to);
}

/* How many members after `i` I come, in a circle that moves on with each round. */
static uint32_t turn_of(const struct pbft *p, uint32_t i, uint32_t round)
{
	uint32_t count = mask_count(p->members);
	return (order_place(p->members, p->self) + count - order_place(p->members, (uint8_t)i) + round) % count;
}

/* My own votes that they lack; and the leader's leaf, when it did not reach them: f+1 of us in turn pass it on. */
static void help_slot(const struct pbft *p, uint8_t to, const struct pbft_slot *s, bft_mask prepares, bft_mask commits, struct bft_effects *out)
{
	uint8_t leader = pbft_leader(p, p->view);
	const struct pbft_vote *pre = slot_vote(p, s, false, leader), *mine = slot_vote(p, s, false, p->self);
	const struct pbft_vote *commit = slot_vote(p, s, true, p->self);
	if (!(prepares & BFT_BIT(leader)) && pre->set && pre->view == p->view && to != leader) {
		uint32_t turn = turn_of(p, leader, 0);
		if (turn <= p->weak)
			forward(out, pre->wire, leader, to);
	}
	if (!(prepares & BFT_BIT(p->self)) && mine->set && mine->view == p->view && leader != p->self)
		forward(out, mine->wire, p->self, to);
	if (!(commits & BFT_BIT(p->self)) && commit->set)
		forward(out, commit->wire, p->self, to);
}

/* A liar that speaks to all but one keeps that one short of a COMMIT until the next checkpoint, and with no load there is none: what it said to us is passed on, for
 * the next few sequences, by f+1 of us in turn. */
#define PASS_ON_MAX 4u
static void pass_on_commits(const struct pbft *p, uint8_t to, const struct pbft_slot *s, bft_mask commits, struct bft_effects *out)
{
	/* The turn moves on with each round of STATUS: the only one to whom the liar spoke may not be among the first. */
	uint32_t round = (uint32_t)(p->mono_ms / PBFT_STATUS_MS % mask_count(p->members));
	for (uint32_t i = 0; i < p->n; i++) {
		const struct pbft_vote *v = slot_vote(p, s, true, i);
		uint32_t turn = turn_of(p, i, round);
		if (i != to && i != p->self && turn < p->weak && v->set && !(commits & BFT_BIT(i)))
			forward(out, v->wire, i, to);
	}
}

static void help_slots(const struct pbft *p, uint8_t to, const struct pbft_status *s, struct bft_effects *out)
{
	for (uint16_t k = 0; k < s->count; k++) {
		bft_seq seq = s->low + 1 + k;
		const struct pbft_slot *slot = pbft_in_window(p, seq) ? slot_find(p, seq) : NULL;
		if (!slot)
			continue;
		bool same = s->view == p->view && !(s->flags & PBFT_STATUS_CHANGING) && p->mode == PBFT_NORMAL;
		if (slot->committed && seq > s->executed && seq - s->executed <= PASS_ON_MAX)
			pass_on_commits(p, to, slot, same ? s->open[k].commits : 0, out);
		help_slot(p, to, slot, same ? s->open[k].prepares : p->members, same ? s->open[k].commits : 0, out);
		if (out->count > out->capacity / 2)
			return; /* the rest with the next STATUS */
	}
}

static void note(struct pbft *p, uint8_t from, const struct pbft_status *s)
{
	struct pbft_peer *peer = &p->peer[from];
	if (s->view > peer->status_view)
		peer->status_view = s->view;
	/* A restarted peer may honestly report less than before. */
	peer->executed = s->executed;
	peer->low = s->low;
	peer->normal = !(s->flags & PBFT_STATUS_CHANGING);
	bool suspecting = (s->flags & PBFT_STATUS_SUSPECTING) != 0;
	if (s->view >= peer->suspect_view) {
		peer->suspect_view = s->view;
		peer->suspecting = suspecting;
		pass_over_suspected(p, from, s->view, suspecting);
	}
}

enum bft_verdict on_status(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct pbft_status *s = m->body;
	if (m->from == p->self)
		return BFT_IGNORE;
	if (s->count > p->limits.window)
		return BFT_REJECT;
	struct pbft_peer *peer = &p->peer[m->from];
	bool was_behind = pbft_behind(p);
	note(p, m->from, s);
	if (was_behind && !pbft_behind(p))
		p->caught_up_ms = p->mono_ms;
	views_evaluate(p, out);
	/* A budget for each peer: who asks more often is answered later. */
	if (peer->status_ms && p->mono_ms < peer->status_ms + PBFT_STATUS_FAST_MS / 2)
		return BFT_ACCEPT;
	peer->status_ms = p->mono_ms;
	help_view(p, m->from, s, out);
	help_checkpoints(p, m->from, s, out);
	help_slots(p, m->from, s, out);
	if (peer->low > p->executed && p->mono_ms >= p->chain_ms + PBFT_CHAIN_MS)
		chain_ask(p, out);
	return BFT_ACCEPT;
}
