/* The leader's part: when to propose, and what. An entry is a proposal, ordered and executed like any other's (docs/design.md, section 4). */
#include "bft/proposal.h"
#include "bft/raft/raft.h"

/* The uncommitted tail is bounded by the window, which is tied to the checkpoints; nothing lies beyond the epoch's border. The window moves with the others' checkpoints: where I am
 * behind in executing, what I have to execute keeps its place. */
static bool may_propose(const struct raft *p)
{
	bft_seq seq = p->last + 1;
	bool place = raft_log_in_window(p, seq) && seq - p->executed < 2 * p->limits.window;
	if (p->role != RAFT_LEADER || !raft_votes(p) || p->transfer != RAFT_NOBODY || !place || p->taken != p->last)
		return false;
	/* Up to a pending border, or a snapshot that was ordered, the leader fills: an idle cluster reaches them too. */
	if (p->requests_waiting == 0)
		return seq <= p->border || seq <= p->fill;
	bool in_flight = p->last > p->executed;
	return !in_flight || p->requests_waiting >= p->requests_count - p->requests_waiting;
}

static void add(struct raft *p, const struct digest *digest, uint32_t bytes, struct bft_effects *out)
{
	struct raft_entry *e = raft_log_take(p, p->last + 1, p->term, digest);
	e->held = true;
	e->bytes = bytes;
	bool added = raft_log_append(p, out);
	BFT_CHECK(added); /* the caller left room */
	p->matched = p->last;
	raft_lead_persisted(p);
}

/* The entry that opens a term: with it, what stands before it can be committed (3.6.2, 6.4). So it may stand where nothing else may, beyond a full window or the border:
 * without it, what is there would never be committed. Beyond the border it is not executed, and ends with the epoch. */
void raft_propose_opening(struct raft *p, struct bft_effects *out)
{
	const struct raft_entry *last = p->last > p->commit ? raft_entry_find(p, p->last) : NULL;
	/* One that another leader opened its term with, and did not commit, opens mine: any number of leaders in turn leave one entry, not a full log. */
	if (last && digest_equal(&last->digest, &p->null_digest)) {
		raft_log_renew(p, p->last, p->term, out);
		p->opening = p->last;
		raft_lead_persisted(p);
		return;
	}
	p->opening = p->last + 1;
	if (raft_log_has_place(p, p->opening, &p->null_digest))
		add(p, &p->null_digest, 0, out);
}

/* Writes the digests of the waiting requests, oldest first, as far as the limits allow. */
static uint16_t gather(struct raft *p, struct wr *w, uint32_t *bytes)
{
	uint16_t count = 0;
	for (uint32_t i = raft_request_at(p, 0)->next; i && count < p->limits.proposal_bundles_max; i = raft_request_at(p, i)->next) {
		struct raft_request *r = raft_request_at(p, i);
		if (r->proposed)
			continue;
		if (r->bytes > p->limits.proposal_bytes_max - *bytes)
			break;
		*bytes += r->bytes;
		r->proposed = true;
		p->requests_waiting--;
		wr_bytes(w, r->digest.b, sizeof r->digest.b);
		count++;
	}
	return count;
}

static bool propose(struct raft *p, struct bft_effects *out)
{
	size_t capacity = PROPOSAL_BYTES(p->limits.proposal_bundles_max);
	uint8_t *bytes = effects_room(out, capacity);
	if (!bytes || out->arena_bytes - out->arena_used < 4096)
		return false;
	uint32_t total = 0;
	struct wr w = wr_of(bytes + PROPOSAL_HEAD_BYTES, capacity - PROPOSAL_HEAD_BYTES);
	uint16_t count = gather(p, &w, &total);
	p->proposed_ms = p->wall_ms > p->proposed_ms ? p->wall_ms : p->proposed_ms;
	struct wr head = wr_of(bytes, PROPOSAL_HEAD_BYTES);
	wr_u64(&head, p->proposed_ms);
	wr_u32(&head, 0);
	wr_u16(&head, count);
	struct digest d;
	proposal_digest(&d, &p->cluster, bytes, PROPOSAL_BYTES(count));
	struct bft_effect *body = effects_add(out, BFT_FX_BODY);
	body->digest = d;
	body->data = bytes;
	body->data_bytes = PROPOSAL_BYTES(count);
	add(p, &d, total ? total : 1, out);
	return true;
}

/* A leader that has not executed what stands far below its opening has no room for it yet. */
static bool open_late(struct raft *p, struct bft_effects *out)
{
	if (p->role != RAFT_LEADER || p->opening != p->last + 1 || !raft_log_has_place(p, p->opening, &p->null_digest))
		return false;
	add(p, &p->null_digest, 0, out);
	return true;
}

void raft_propose_try(struct raft *p, struct bft_effects *out)
{
	bool any = open_late(p, out);
	for (uint32_t i = 0; i < 8 && may_propose(p); i++) {
		if (!propose(p, out))
			break;
		any = true;
	}
	if (any)
		raft_replicate(p, out);
}
