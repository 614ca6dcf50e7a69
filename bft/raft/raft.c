/* The Raft core: its table, its message table, and the one door through which everything comes (Ongaro's dissertation; docs/protocol.md, "Raft"). */
#include "bft/raft/raft.h"

#include "bft/proposal.h"

#include <string.h>

bft_lsn raft_persist(struct raft *p, struct bft_effects *out, uint16_t rtype, const void *data, size_t bytes, const struct digest *body)
{
	struct bft_effect *e = effects_add(out, BFT_FX_PERSIST);
	e->lsn = ++p->lsn;
	e->rtype = rtype;
	e->data = data;
	e->data_bytes = bytes;
	if (body)
		e->digest = *body;
	return p->lsn;
}

void raft_send(struct bft_effects *out, uint16_t type, const void *data, size_t bytes, bft_mask to, bft_lsn lsn)
{
	if (!to)
		return;
	struct bft_effect *e = effects_add(out, BFT_FX_SEND);
	e->type = type;
	e->data = data;
	e->data_bytes = bytes;
	e->to = to;
	e->lsn = lsn;
}

void raft_blame(struct bft_effects *out, const struct bft_vmsg *m, uint16_t reason)
{
	struct bft_effect *e = effects_add(out, BFT_FX_BLAME);
	e->from = m->from;
	e->verdict = BFT_REJECT;
	e->reason = reason;
	e->ref = m->wire;
}

void raft_halt(struct raft *p, struct bft_effects *out, uint16_t reason, bft_seq seq)
{
	p->halted = true;
	struct bft_effect *e = effects_add(out, BFT_FX_HALT);
	e->reason = reason;
	e->seq = seq;
}

/* For clients, who find a view's leader as in every mode (bft/order.h): it rises with the term, and names its leader. */
static bft_view view_of(const struct raft *p)
{
	return p->term * mask_count(p->members) + (p->leader == RAFT_NOBODY ? 0 : order_place(p->members, p->leader));
}

void raft_role(const struct raft *p, struct bft_effects *out, uint16_t why)
{
	struct bft_effect *e = effects_add(out, BFT_FX_ROLE);
	e->seq = view_of(p);
	e->from = p->leader == RAFT_NOBODY ? p->self : p->leader;
	e->reason = why;
}

/* ---- the block ---- */

static size_t place(size_t *at, size_t bytes)
{
	size_t here = *at;
	*at += (bytes + 15) & ~(size_t)15;
	return here;
}

static size_t lay_out(const struct bft_limits *l, struct raft *p)
{
	size_t at = (sizeof *p + 15) & ~(size_t)15;
	size_t ring = 2 * l->window / l->checkpoint_every + 1;
	p->buckets = l->requests_max * 2 + 1;
	p->entries_at = place(&at, 2 * l->window * sizeof(struct raft_entry));
	p->checkpoints_at = place(&at, ring * l->members * sizeof(struct raft_statement));
	p->own_at = place(&at, ring * sizeof(struct raft_statement));
	p->seen_at = place(&at, ring * sizeof(struct raft_statement));
	p->requests_at = place(&at, ((size_t)l->requests_max + 1) * sizeof(struct raft_request));
	p->buckets_at = place(&at, (size_t)p->buckets * sizeof(uint32_t));
	return at;
}

static size_t raft_bytes(const struct bft_limits *l)
{
	struct raft scratch;
	return lay_out(l, &scratch);
}

static uint64_t seed(const struct digest *cluster, bft_epoch epoch, uint8_t self)
{
	uint64_t s;
	memcpy(&s, cluster->b, sizeof s);
	return s ^ epoch << 8 ^ ((uint64_t)self + 1) * 0xD6E8FEB86659FD93u;
}

void raft_set_members(struct raft *p, bft_mask members)
{
	BFT_CHECK(members && (members & ~mask_all(p->n)) == 0);
	p->members = members;
	p->majority = quorum_of(BFT_MODE_TRUSTED, mask_count(members));
}

static void raft_init(struct bft_core *core, const struct bft_limits *l, const struct digest *cluster, bft_epoch epoch, uint8_t self)
{
	struct raft *p = (struct raft *)core;
	BFT_CHECK(l->members >= 1 && l->members <= BFT_MEMBERS_MAX && self < l->members);
	BFT_CHECK(l->window >= 2 * l->checkpoint_every && l->window <= BFT_WINDOW_MAX && l->checkpoint_every >= 1);
	BFT_CHECK(l->proposal_bundles_max >= 1 && l->proposal_bundles_max <= BFT_PROPOSAL_BUNDLES_MAX && l->requests_max >= 1 && l->executing_max >= 1);
	BFT_CHECK(l->lease_drift_percent <= BFT_LEASE_DRIFT_PERCENT_MAX);
	memset(p, 0, raft_bytes(l));
	p->limits = *l;
	lay_out(l, p);
	p->cluster = p->chain = p->low_chain = p->base_chain = *cluster;
	proposal_null_digest(&p->null_digest, cluster);
	p->epoch = epoch;
	p->n = l->members;
	raft_set_members(p, mask_all(p->n) & ~l->absent);
	p->self = self;
	p->leader = p->transfer = RAFT_NOBODY;
	p->random = seed(cluster, epoch, self);
	p->fresh = true;
	raft_requests_init(p);
}

/* ---- events ---- */

static enum bft_verdict on_msg(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	BFT_CHECK(raft_member(p, m->from));
	if (m->epoch != p->epoch)
		return BFT_IGNORE;
	switch ((enum raft_type)m->type) {
	case RAFT_ASK_VOTE: return raft_on_ask_vote(p, m, out);
	case RAFT_VOTE: return raft_on_vote(p, m, out);
	case RAFT_APPEND: return raft_on_append(p, m, out);
	case RAFT_ACK: return raft_on_ack(p, m, out);
	case RAFT_ASK_READ: return raft_on_ask_read(p, m, out);
	case RAFT_READ_AT: return raft_on_read_at(p, m, out);
	case RAFT_TIMEOUT_NOW: return raft_on_timeout_now(p, m, out);
	case RAFT_CHECKPOINT: return raft_on_checkpoint(p, m, out);
	case RAFT_SNAPSHOT: return raft_on_snapshot_vote(p, m, out);
	case RAFT_STATUS: return raft_on_status(p, m, out);
	case RAFT_CHAIN: return raft_on_chain(p, m, out);
	case RAFT_STABLE: return raft_on_stable(p, m, out);
	case RAFT_FETCH_CHAIN: /* answered from the log, by the driver */
	case RAFT_TYPE_END: break;
	}
	return BFT_REJECT; /* of the other mode, or of nobody */
}

static void on_link(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	if (!raft_other(p, e->from))
		return;
	p->peer[e->from].up = e->ok;
	if (!p->started)
		return;
	if (e->ok)
		raft_status_send(p, BFT_BIT(e->from), out);
	/* What was on the way is lost with a link: the entries, and the requests that its leader was told of. */
	raft_lead_link(p, e->from, out);
	if (e->ok && p->leader == e->from)
		raft_requests_leader(p, out);
}

static uint64_t deadline(const struct raft *p)
{
	uint64_t at = status_due(p);
	if (p->heard && p->mono_ms + 1 < at)
		at = p->mono_ms + 1; /* the promise is counted from a tick: a late one would make it longer */
	if (p->role != RAFT_LEADER)
		return p->election_ms < at ? p->election_ms : at;
	for (uint32_t i = 0; i < p->n; i++)
		if (raft_other(p, i) && p->peer[i].sent_ms + RAFT_HEARTBEAT_MS < at)
			at = p->peer[i].sent_ms + RAFT_HEARTBEAT_MS;
	return at;
}

static void status_tick(struct raft *p, struct bft_effects *out)
{
	if (p->mono_ms < status_due(p))
		return;
	p->status_ms = p->mono_ms;
	raft_status_send(p, raft_others(p), out);
	/* What its leader was told of may have been lost in a queue. */
	if (p->requests_count && p->role == RAFT_FOLLOWER && p->mono_ms >= p->progress_ms + RAFT_STATUS_MS)
		raft_requests_leader(p, out);
	raft_chain_tick(p, out);
	raft_chain_ask(p, out);
}

/* A process that was frozen heard nobody, and that is nobody's fault: of such a time only a little counts. */
static void thaw(struct raft *p)
{
	uint64_t late = p->wanted_ms && p->mono_ms > p->wanted_ms ? p->mono_ms - p->wanted_ms : 0;
	if (late <= RAFT_FROZEN_MS)
		return;
	p->election_ms += late;
	if (p->election_ms < p->mono_ms + RAFT_FROZEN_MS)
		p->election_ms = p->mono_ms + RAFT_FROZEN_MS; /* what waits in the sockets is heard first */
	for (uint32_t i = 0; i < p->n; i++)
		p->peer[i].ack_ms += late;
}

static void on_tick(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	p->mono_ms = e->mono_ms > p->mono_ms ? e->mono_ms : p->mono_ms;
	p->wall_ms = e->wall_ms;
	if (!p->started)
		return;
	thaw(p);
	raft_election_tick(p, out);
	raft_lead_tick(p, out);
	status_tick(p, out);
	p->wanted_ms = deadline(p);
}

static void on_durable(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	if (e->lsn > p->durable)
		p->durable = e->lsn;
	if (!p->started)
		return;
	raft_election_durable(p, out);
	raft_lead_durable(p, out);
	raft_propose_try(p, out);
}

static void on_fill(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	if (e->seq > p->fill)
		p->fill = e->seq;
	raft_propose_try(p, out);
}

/* A handler that knows more has said it. */
static bool blamed(const struct bft_effects *out, bft_ref wire)
{
	for (uint32_t i = 0; i < out->count; i++)
		if (out->at[i].kind == BFT_FX_BLAME && out->at[i].ref == wire)
			return true;
	return false;
}

static void take_message(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	enum bft_verdict verdict = p->started ? on_msg(p, m, out) : BFT_IGNORE;
	if (verdict == BFT_REJECT && !blamed(out, m->wire))
		raft_blame(out, m, RAFT_WHY_MALFORMED);
	if (verdict == BFT_ACCEPT)
		raft_propose_try(p, out);
}

static enum bft_step raft_step(struct bft_core *core, const struct bft_event *e, struct bft_effects *out)
{
	struct raft *p = (struct raft *)core;
	if (p->closed)
		return BFT_STEP_DONE;
	switch (e->kind) {
	case BFT_EV_RECORD: raft_on_record(p, e); break;
	case BFT_EV_START: raft_on_start(p, e, out); break;
	case BFT_EV_TICK: on_tick(p, e, out); break;
	case BFT_EV_MSG: take_message(p, e->msg, out); break;
	case BFT_EV_REQUEST: raft_on_request(p, e, out); break;
	case BFT_EV_HELD: raft_on_held(p, e, out); break;
	case BFT_EV_DURABLE: on_durable(p, e, out); break;
	case BFT_EV_EXECUTED:
		raft_on_executed(p, e, out);
		raft_propose_try(p, out);
		break;
	case BFT_EV_SNAPSHOT: raft_on_snapshot(p, e, out); break;
	case BFT_EV_INSTALLED: raft_on_installed(p, e, out); break;
	case BFT_EV_LINK: on_link(p, e, out); break;
	case BFT_EV_EPOCH:
		raft_on_epoch(p, e);
		raft_propose_try(p, out);
		break;
	case BFT_EV_JUMP: raft_on_jump(p, e, out); break;
	case BFT_EV_FILL: on_fill(p, e, out); break;
	case BFT_EV_ORDER: break; /* terms give the leader */
	case BFT_EV_READ: raft_on_read(p, e, out); break;
	case BFT_EV_ADMIN: raft_transfer_begin(p, out); break;
	}
	raft_border_try(p, out);
	return BFT_STEP_DONE;
}

static uint64_t raft_deadline(const struct bft_core *core)
{
	const struct raft *p = (const struct raft *)core;
	return p->started && !p->closed ? deadline(p) : UINT64_MAX;
}

/* Before any signature: what can no longer matter is dropped here. */
static enum bft_verdict raft_screen(const struct bft_core *core, uint8_t from, uint16_t type, const void *body)
{
	const struct raft *p = (const struct raft *)core;
	const union raft_body *b = body;
	if (!raft_member(p, from) || !raft_message(type)->known)
		return BFT_REJECT;
	switch ((enum raft_type)type) {
	case RAFT_CHECKPOINT: return raft_checkpoint_in_reach(p, b->checkpoint.seq) ? BFT_ACCEPT : BFT_IGNORE;
	case RAFT_STABLE: return b->checkpoint.seq > p->low ? BFT_ACCEPT : BFT_IGNORE;
	case RAFT_CHAIN: return raft_chain_wanted(p, &b->chain) ? BFT_ACCEPT : BFT_IGNORE;
	default: return BFT_ACCEPT;
	}
}

static void raft_standing(const struct bft_core *core, struct bft_standing *s)
{
	const struct raft *p = (const struct raft *)core;
	*s = (struct bft_standing){
		.epoch = p->epoch,
		.base = p->base,
		.base_chain = p->base_chain,
		.view = view_of(p),
		.leader = p->leader == RAFT_NOBODY ? p->self : p->leader,
		.changing = p->leader == RAFT_NOBODY,
		.observer = p->learner,
		.low = p->low,
		.executed = p->executed,
		.snapshot = p->signed_snapshot.seq,
		.decided = p->commit,
		.lsn = p->lsn,
	};
}

static const char *raft_reason_text(uint16_t reason)
{
	switch ((enum raft_reason)reason) {
	case RAFT_WHY_TIMEOUT: return "nothing is heard of a leader";
	case RAFT_WHY_NO_MAJORITY: return "a majority does not answer it";
	case RAFT_WHY_DISK: return "its disk stands still";
	case RAFT_WHY_ASKED: return "the operator asked for it";
	default: return "it broke the rules";
	}
}

const struct bft_protocol bft_raft = {
	.name = "raft",
	.bytes = raft_bytes,
	.init = raft_init,
	.step = raft_step,
	.deadline = raft_deadline,
	.standing = raft_standing,
	.check = raft_invariants,
	.message = raft_message,
	.decode = raft_decode,
	.encode = raft_encode,
	.body_bytes = sizeof(union raft_body),
	.screen = raft_screen,
	.needs = raft_needs,
	.claims = message_claims,
	.record = raft_record,
	.record_decode = raft_record_decode,
	.record_encode = raft_record_encode,
	.record_seq = raft_record_seq,
	.record_bytes = sizeof(union raft_record_body),
	.reason = raft_reason_text,
	.evidence = NULL,
};
