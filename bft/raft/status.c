/* STATUS: what I have of what is settled, on link-up and twice a second. The log needs none: a heartbeat's answer says what is missing there. */
#include "bft/raft/raft.h"

void raft_status_send(struct raft *p, bft_mask to, struct bft_effects *out)
{
	struct raft_status *m = to ? effects_room(out, sizeof *m) : NULL;
	if (!m)
		return;
	const struct raft_statement *mine = &p->snapshot[p->self];
	*m = (struct raft_status){ .term = p->term, .low = p->low, .executed = p->executed, .snapshot = mine->seq };
	m->checkpoints = raft_checkpoint_voters(p, p->low + p->limits.checkpoint_every);
	for (uint32_t i = 0; i < p->n; i++)
		if (mine->seq && p->snapshot[i].wire && p->snapshot[i].seq == mine->seq)
			m->snapshots |= BFT_BIT(i);
	raft_send(out, RAFT_STATUS, m, sizeof *m, to, 0);
}

static bool something_open(const struct raft *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->peer[i].low > p->executed)
			return true;
	return p->dispatched < p->low;
}

uint64_t status_due(const struct raft *p)
{
	return p->status_ms + (something_open(p) ? RAFT_STATUS_FAST_MS : RAFT_STATUS_MS);
}

static void forward(struct bft_effects *out, bft_ref wire, uint8_t signer, uint8_t to)
{
	if (!wire)
		return;
	struct bft_effect *e = effects_add(out, BFT_FX_FORWARD);
	e->ref = wire;
	e->from = signer;
	e->to = BFT_BIT(to);
}

static void help(const struct raft *p, uint8_t to, const struct raft_status *s, struct bft_effects *out)
{
	bft_seq next = s->low + p->limits.checkpoint_every;
	const struct raft_statement *own = raft_checkpoint_vote(p, next, p->self), *snap = &p->snapshot[p->self];
	if (own->seq == next && !(s->checkpoints & BFT_BIT(p->self)))
		forward(out, own->wire, p->self, to);
	struct bft_checkpoint *m = s->low < p->low && p->low > p->base ? effects_room(out, sizeof *m) : NULL;
	if (m) {
		*m = (struct bft_checkpoint){ .seq = p->low, .chain = p->low_chain };
		raft_send(out, RAFT_STABLE, m, sizeof *m, BFT_BIT(to), 0);
	}
	if (snap->seq && (s->snapshot != snap->seq || !(s->snapshots & BFT_BIT(p->self))))
		forward(out, snap->wire, p->self, to);
}

enum bft_verdict raft_on_status(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct raft_status *s = m->body;
	struct raft_peer *peer = &p->peer[m->from];
	if (m->from == p->self)
		return BFT_IGNORE;
	peer->low = s->low;
	/* A budget for each peer: who asks more often is answered later. */
	if (peer->status_ms && p->mono_ms < peer->status_ms + RAFT_STATUS_FAST_MS / 2)
		return BFT_ACCEPT;
	peer->status_ms = p->mono_ms;
	help(p, m->from, s, out);
	if (peer->low > p->executed && p->mono_ms >= p->chain_ms + RAFT_CHAIN_MS)
		raft_chain_ask(p, out);
	return BFT_ACCEPT;
}
