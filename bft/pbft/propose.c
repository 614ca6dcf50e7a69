/* The leader's part: when to propose, and what (design section 4, "batching and pipelining"). */
#include "bft/pbft/pbft.h"

#include "bft/codec.h"
#include "bft/proposal.h"

/* Propose when a slot is free and (nothing is in flight, or as much waits as is in flight). Measured by the last proposal instead, requests that come
 * one by one keep proposals of one for ever: 64 clients got a seventh of what the signatures allow. */
static bool may_propose(const struct pbft *p)
{
	if (p->mode != PBFT_NORMAL || pbft_leader(p, p->view) != p->self || p->resigned || !pbft_may_sign(p))
		return false;
	if (!pbft_in_window(p, p->next_seq))
		return false;
	/* Up to a pending border, or a snapshot that was ordered, the leader fills: an idle cluster reaches them too (design section 7). */
	if (p->requests_waiting == 0)
		return p->next_seq <= p->border || p->next_seq <= p->fill;
	bool in_flight = p->next_seq > p->executed + 1;
	uint32_t proposed = p->requests_count - p->requests_waiting;
	return !in_flight || p->requests_waiting >= proposed;
}

/* Writes the digests of the waiting requests, oldest first, as far as the limits allow. */
static uint16_t gather(struct pbft *p, struct wr *w)
{
	uint32_t bytes = 0;
	uint16_t count = 0;
	for (uint32_t i = request_at(p, 0)->next; i && count < p->limits.proposal_bundles_max; i = request_at(p, i)->next) {
		struct pbft_request *r = request_at(p, i);
		if (r->proposed)
			continue;
		if (r->bytes > p->limits.proposal_bytes_max - bytes)
			break;
		bytes += r->bytes;
		r->proposed = true;
		p->requests_waiting--;
		wr_bytes(w, r->digest.b, sizeof r->digest.b);
		count++;
	}
	return count;
}

static bool propose(struct pbft *p, struct bft_effects *out)
{
	size_t capacity = PROPOSAL_BYTES(p->limits.proposal_bundles_max);
	uint8_t *bytes = effects_room(out, capacity);
	struct pbft_rec_vote *rec = effects_room(out, sizeof *rec);
	/* SEND's own leaves come from the arena too. */
	if (!bytes || !rec || out->arena_bytes - out->arena_used < 4096)
		return false;

	bft_seq seq = p->next_seq;
	struct pbft_slot *s = slot_open(p, seq, out);
	if (s->committed) { /* decided in an older view and not re-proposed: can only be below the new view's top */
		p->next_seq++;
		return true;
	}
	/* Who was started again proposes nothing in that view; so what stands here with my signature is not of this process. */
	const struct pbft_vote *mine = slot_vote(p, s, false, p->self);
	if (mine->set && mine->view == p->view) {
		recall_lost(p, mine->wire, out);
		return false;
	}
	struct wr w = wr_of(bytes + PROPOSAL_HEAD_BYTES, capacity - PROPOSAL_HEAD_BYTES);
	uint16_t count = gather(p, &w);
	p->proposed_ms = p->wall_ms > p->proposed_ms ? p->wall_ms : p->proposed_ms;
	struct bft_proposal proposal = { .time_ms = p->proposed_ms, .count = count, .digests = bytes + PROPOSAL_HEAD_BYTES };
	struct wr head = wr_of(bytes, PROPOSAL_HEAD_BYTES);
	wr_u64(&head, proposal.time_ms);
	wr_u32(&head, proposal.flags);
	wr_u16(&head, proposal.count);
	size_t n = PROPOSAL_BYTES(count);
	struct digest d;
	proposal_digest(&d, &p->cluster, bytes, n);

	struct bft_effect *body = effects_add(out, BFT_FX_BODY);
	body->digest = d;
	body->data = bytes;
	body->data_bytes = n;
	struct bft_effect *push = effects_add(out, BFT_FX_PUSH);
	push->digest = d;
	push->to = pbft_others(p);

	slot_set_digest(s, &d, p, out);
	s->held = s->voted = s->own_prepare_set = true;
	s->time_ms = proposal.time_ms;
	s->own_prepare_view = p->view;
	s->own_prepare = d;
	*rec = (struct pbft_rec_vote){ .view = p->view, .seq = seq, .digest = d };
	bft_lsn lsn = pbft_persist(p, out, PBFT_REC_PREPARE, rec, sizeof *rec, &d);
	/* The PRE-PREPARE leaves beside its own flush and is counted here when that is done. The price: on_start(). The view itself was entered durably. */
	pbft_send_leaf(p, out, BFT_LEAF_PRE_PREPARE, seq, &d, pbft_others(p), p->view_lsn);
	pbft_send_leaf(p, out, BFT_LEAF_PRE_PREPARE, seq, &d, BFT_BIT(p->self), lsn);
	p->next_seq++;
	return true;
}

void propose_try(struct pbft *p, struct bft_effects *out)
{
	for (uint32_t i = 0; i < 8 && may_propose(p); i++)
		if (!propose(p, out))
			return;
}
