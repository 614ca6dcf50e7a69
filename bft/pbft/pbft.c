/* The PBFT core: its table, its message table, and the one door through which everything comes (OSDI'99; design sections 2 to 6). */
#include "bft/pbft/pbft.h"

#include "bft/pbft/evidence.h"
#include "bft/proposal.h"

#include <string.h>

bool pbft_may_sign(const struct pbft *p)
{
	return p->started && !p->observer && !p->recalling && !p->halted;
}

bft_lsn pbft_persist(struct pbft *p, struct bft_effects *out, uint16_t rtype, const void *data, size_t bytes, const struct digest *body)
{
	struct bft_effect *e = effects_add(out, BFT_FX_PERSIST);
	e->lsn = ++p->lsn;
	if (rtype == PBFT_REC_PREPARE || rtype == PBFT_REC_COMMIT)
		pace_persisted(p, e->lsn);
	e->rtype = rtype;
	e->data = data;
	e->data_bytes = bytes;
	if (body)
		e->digest = *body;
	return p->lsn;
}

void pbft_send(const struct pbft *p, struct bft_effects *out, uint16_t type, const void *data, size_t bytes, bft_mask to, bft_lsn lsn)
{
	(void)p;
	struct bft_effect *e = effects_add(out, BFT_FX_SEND);
	e->type = type;
	e->data = data;
	e->data_bytes = bytes;
	e->to = to;
	e->lsn = lsn;
}

void pbft_send_leaf(const struct pbft *p, struct bft_effects *out, uint8_t kind, bft_seq seq, const struct digest *digest, bft_mask to, bft_lsn lsn)
{
	struct { /* the head of a struct bft_votes with one leaf */
		bft_view view;
		uint16_t count;
		struct bft_leaf leaf;
	} *m = effects_room(out, sizeof *m);
	if (!m)
		return; /* STATUS has it sent again */
	m->view = p->view;
	m->count = 1;
	m->leaf = (struct bft_leaf){ .kind = kind, .seq = seq, .digest = *digest };
	pbft_send(p, out, PBFT_VOTES, m, sizeof *m, to, lsn);
}

void pbft_blame(struct bft_effects *out, uint8_t from, enum bft_verdict verdict, uint16_t reason, bft_ref ref, bft_ref other)
{
	struct bft_effect *e = effects_add(out, BFT_FX_BLAME);
	e->from = from;
	e->verdict = verdict;
	e->reason = reason;
	e->ref = ref;
	e->other = other;
}

void pbft_role(const struct pbft *p, struct bft_effects *out)
{
	struct bft_effect *e = effects_add(out, BFT_FX_ROLE);
	e->seq = p->view;
	e->from = pbft_leader(p, p->view);
	e->reason = p->suspecting ? p->suspect_why : PBFT_WHY_NONE;
}

void pbft_halt(struct pbft *p, struct bft_effects *out, uint16_t reason, bft_seq seq)
{
	p->halted = true;
	struct bft_effect *e = effects_add(out, BFT_FX_HALT);
	e->reason = reason;
	e->seq = seq;
}

void pbft_hold(struct bft_effects *out, bft_ref wire, bft_seq seq)
{
	struct bft_effect *e = effects_add(out, BFT_FX_HOLD);
	e->ref = wire;
	e->seq = seq;
}

void pbft_release(struct bft_effects *out, bft_ref *wire, bft_seq seq)
{
	if (!*wire)
		return;
	struct bft_effect *e = effects_add(out, BFT_FX_RELEASE);
	e->ref = *wire;
	e->seq = seq;
	*wire = 0;
}

/* ---- the block ---- */

static size_t place(size_t *at, size_t bytes)
{
	size_t here = *at;
	*at += (bytes + 15) & ~(size_t)15;
	return here;
}

static size_t lay_out(const struct bft_limits *l, struct pbft *p)
{
	size_t at = (sizeof *p + 15) & ~(size_t)15;
	size_t ring = l->window / l->checkpoint_every + 1;
	p->buckets = l->requests_max * 2 + 1;
	p->slots_at = place(&at, 2 * l->window * sizeof(struct pbft_slot));
	p->votes_at = place(&at, (size_t)2 * l->window * 2 * l->members * sizeof(struct pbft_vote));
	p->checkpoints_at = place(&at, ring * l->members * sizeof(struct pbft_checkpoint_vote));
	p->own_chain_at = place(&at, ring * sizeof(struct pbft_checkpoint_vote));
	p->seen_chain_at = place(&at, ring * sizeof(struct pbft_checkpoint_vote));
	p->view_changes_at = place(&at, l->members * sizeof(struct pbft_view_change));
	p->vc_meta_at = place(&at, l->members * sizeof(struct pbft_vc_meta));
	p->pass_overs_at = place(&at, (size_t)l->members * l->members * sizeof(bft_ref));
	p->requests_at = place(&at, ((size_t)l->requests_max + 1) * sizeof(struct pbft_request));
	p->buckets_at = place(&at, (size_t)p->buckets * sizeof(uint32_t));
	return at;
}

static size_t pbft_bytes(const struct bft_limits *l)
{
	struct pbft scratch;
	return lay_out(l, &scratch);
}

void pbft_set_members(struct pbft *p, bft_mask members)
{
	BFT_CHECK(members && (members & ~mask_all(p->n)) == 0);
	p->members = members;
	p->q = quorum_strong(mask_count(members));
	p->weak = quorum_weak(mask_count(members));
}

static void pbft_init(struct bft_core *core, const struct bft_limits *l, const struct digest *cluster, bft_epoch epoch, uint8_t self)
{
	struct pbft *p = (struct pbft *)core;
	BFT_CHECK(l->members >= 1 && l->members <= BFT_MEMBERS_MAX && self < l->members);
	BFT_CHECK(l->window >= 2 * l->checkpoint_every && l->window <= BFT_WINDOW_MAX && l->checkpoint_every >= 1);
	BFT_CHECK(l->proposal_bundles_max >= 1 && l->proposal_bundles_max <= BFT_PROPOSAL_BUNDLES_MAX && l->requests_max >= 1 && l->executing_max >= 1);
	memset(p, 0, pbft_bytes(l));
	p->limits = *l;
	lay_out(l, p);
	p->cluster = p->chain = p->low_chain = p->base_chain = *cluster;
	proposal_null_digest(&p->null_digest, cluster);
	p->epoch = epoch;
	p->n = l->members;
	pbft_set_members(p, mask_all(p->n) & ~l->absent);
	p->self = self;
	p->fresh = true;
	p->next_seq = 1;
	requests_init(p);
}

/* ---- messages ---- */

static enum bft_verdict on_msg(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	BFT_CHECK(pbft_member(p, m->from));
	if (m->epoch != p->epoch)
		return BFT_IGNORE;
	if (m->from == p->self && !recall_check(p, m, out))
		return BFT_IGNORE;
	switch ((enum pbft_type)m->type) {
	case PBFT_VOTES: return on_votes(p, m, out);
	case PBFT_SUSPECT: return on_suspect(p, m, out);
	case PBFT_VIEW_CHANGE: return on_view_change(p, m, out);
	case PBFT_NEW_VIEW: return on_new_view(p, m, out);
	case PBFT_CHECKPOINT: return on_checkpoint(p, m, out);
	case PBFT_SNAPSHOT: return on_snapshot_vote(p, m, out);
	case PBFT_STATUS: return on_status(p, m, out);
	case PBFT_RECALL: return on_recall(p, m, out);
	case PBFT_RECALL_DONE: return on_recall_done(p, m, out);
	case PBFT_FETCH_VIEW_CHANGE: return on_fetch_view_change(p, m, out);
	case PBFT_CHAIN: return on_chain(p, m, out);
	case PBFT_STABLE: return on_stable(p, m, out);
	case PBFT_PASS_OVER: return on_pass_over(p, m, out);
	case PBFT_FETCH_CHAIN: /* answered from the log, by the driver */
	case PBFT_TYPE_END: break;
	}
	return BFT_REJECT;
}

static void on_link(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	if (!pbft_member(p, e->from) || e->from == p->self)
		return;
	p->peer[e->from].up = e->ok;
	if (!e->ok || !p->started)
		return;
	if (p->recalling && !p->peer[e->from].recall_answered)
		recall_send(p, BFT_BIT(e->from), out);
	status_send(p, BFT_BIT(e->from), out);
}

static bool something_open(const struct pbft *p)
{
	return p->mode == PBFT_CHANGING || p->requests_count || p->dispatched < p->low || pbft_behind(p) || p->recalling ||
	       slot_find(p, p->executed + 1) != NULL;
}

static uint64_t status_due(const struct pbft *p)
{
	uint64_t slow = p->status_ms + PBFT_STATUS_MS;
	if (!something_open(p))
		return slow;
	uint64_t idle = p->progress_ms + PBFT_STATUS_FAST_MS, again = p->status_ms + PBFT_STATUS_FAST_MS;
	uint64_t fast = idle > again ? idle : again;
	return fast < slow ? fast : slow;
}

static uint64_t deadline(const struct pbft *p)
{
	uint64_t a = status_due(p), b = suspect_deadline(p);
	return a < b ? a : b;
}

static void on_tick(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	/* A clock that falls, or a process that was frozen, does not move time back. */
	uint64_t before_ms = p->mono_ms, due_ms = p->started ? deadline(p) : 0;
	p->mono_ms = e->mono_ms > p->mono_ms ? e->mono_ms : p->mono_ms;
	p->wall_ms = e->wall_ms;
	if (!p->started)
		return;
	pace_tick(p, before_ms, due_ms, e->rtt_us);
	suspect_tick(p, out);
	if (status_due(p) <= p->mono_ms) {
		p->status_ms = p->mono_ms;
		if (p->recalling)
			for (uint32_t i = 0; i < p->n; i++)
				if (i != p->self && pbft_member(p, i) && !p->peer[i].recall_answered)
					recall_send(p, BFT_BIT(i), out);
		status_send(p, pbft_others(p), out);
		pass_over_tick(p, out);
		slots_progress(p, out);
		propose_try(p, out);
		chain_tick(p, out);
		chain_ask(p, out);
	}
	p->pace.wanted_ms = deadline(p);
}

static void on_installed(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	if (e->seq <= p->executed)
		return;
	p->executed = p->dispatched = e->seq;
	p->chain = e->digest;
	chain_give_up(p, out);
	/* What was installed is certified: the window begins there. */
	struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
	if (cert && e->seq > p->low) {
		*cert = (struct bft_certificate_refs){ .seq = e->seq, .digest = e->digest, .whole = e->ref };
		stable_adopt(p, cert, out);
	}
	slots_progress(p, out);
	propose_try(p, out);
}

/* The highest sequence for which COMMIT was decided here; 0 when none is above `low`. */
static bft_seq decided(const struct pbft *p)
{
	for (bft_seq seq = p->low + p->limits.window; seq > p->low; seq--) {
		const struct pbft_slot *slot = slot_find(p, seq);
		if (slot && slot->own_commit_set)
			return seq;
	}
	return 0;
}

/* Any q meet, in an honest replica, the q whose COMMITs made a write that somebody was told of: q equal answers from states that hold what was decided here are
 * linearizable (design section 9). Who does not take part says nothing. */
static void on_read(const struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	bft_seq at = decided(p);
	struct bft_effect *x = effects_add(out, BFT_FX_READ_AT);
	x->id = e->id.number;
	x->seq = at > p->executed ? at : p->executed;
	x->reason = p->observer || p->recalling ? PBFT_WHY_MEMORY_LOST : PBFT_WHY_NONE;
}

/* A handler that knows more has said it. */
static bool blamed(const struct bft_effects *out, bft_ref wire)
{
	for (uint32_t i = 0; i < out->count; i++)
		if (out->at[i].kind == BFT_FX_BLAME && out->at[i].ref == wire)
			return true;
	return false;
}

static enum bft_step pbft_step(struct bft_core *core, const struct bft_event *e, struct bft_effects *out)
{
	struct pbft *p = (struct pbft *)core;
	enum bft_verdict verdict = BFT_ACCEPT;
	if (p->closed)
		return BFT_STEP_DONE;
	switch (e->kind) {
	case BFT_EV_RECORD: on_record(p, e); break;
	case BFT_EV_START: on_start(p, e, out); break;
	case BFT_EV_TICK: on_tick(p, e, out); break;
	case BFT_EV_MSG:
		verdict = p->started ? on_msg(p, e->msg, out) : BFT_IGNORE;
		if (verdict == BFT_REJECT && !blamed(out, e->msg->wire))
			pbft_blame(out, e->msg->from, BFT_REJECT, PBFT_WHY_NONE, e->msg->wire, 0);
		if (verdict != BFT_REJECT) /* what is refused is the occasion for nothing */
			propose_try(p, out);
		break;
	case BFT_EV_REQUEST: on_request(p, e, out); break;
	case BFT_EV_HELD: on_held(p, e, out); break;
	case BFT_EV_DURABLE: pace_durable(p, e->lsn); break; /* the driver releases by lsn; nothing here waits for it beside */
	case BFT_EV_EXECUTED:
		on_executed(p, e, out);
		execute_dispatch(p, out);
		propose_try(p, out);
		break;
	case BFT_EV_SNAPSHOT: on_snapshot(p, e, out); break;
	case BFT_EV_INSTALLED: on_installed(p, e, out); break;
	case BFT_EV_LINK: on_link(p, e, out); break;
	case BFT_EV_EPOCH: on_epoch(p, e); break;
	case BFT_EV_JUMP: on_jump(p, e, out); break;
	case BFT_EV_FILL:
		if (e->seq > p->fill) {
			p->fill = e->seq;
			p->fill_ms = p->mono_ms;
		}
		propose_try(p, out);
		break;
	case BFT_EV_ORDER: p->passed = e->members & p->members; break;
	case BFT_EV_READ: on_read(p, e, out); break;
	case BFT_EV_ADMIN: suspect_leader(p, PBFT_WHY_ASKED, out); break;
	}
	border_try(p, out);
	return BFT_STEP_DONE;
}

static uint64_t pbft_deadline(const struct bft_core *core)
{
	const struct pbft *p = (const struct pbft *)core;
	return p->started && !p->closed ? deadline(p) : UINT64_MAX;
}

/* Before any signature: what can no longer matter is dropped here (ATTACKS.md, vote-flood). */
static enum bft_verdict pbft_screen(const struct bft_core *core, uint8_t from, uint16_t type, const void *body)
{
	const struct pbft *p = (const struct pbft *)core;
	const union pbft_body *b = body;
	if (!pbft_member(p, from))
		return BFT_REJECT;
	switch ((enum pbft_type)type) {
	case PBFT_VOTES:
		for (uint16_t i = 0; i < b->votes.count; i++)
			if (leaf_useful(p, from, b->votes.view, &b->votes.leaf[i]))
				return BFT_ACCEPT;
		return BFT_IGNORE;
	case PBFT_CHECKPOINT: return pbft_in_window(p, b->checkpoint.seq) ? BFT_ACCEPT : BFT_IGNORE;
	case PBFT_NEW_VIEW: return b->new_view.view < p->view ? BFT_IGNORE : BFT_ACCEPT;
	/* Their certificates are the dearest thing to check that a peer can send: not again, and not for nothing. */
	case PBFT_VIEW_CHANGE: return view_change_held(p, from, &b->view_change) ? BFT_IGNORE : BFT_ACCEPT;
	case PBFT_STABLE: return b->checkpoint.seq > p->low || b->checkpoint.seq > p->peer[from].low ? BFT_ACCEPT : BFT_IGNORE;
	case PBFT_CHAIN: return chain_wanted(p, &b->chain) ? BFT_ACCEPT : BFT_IGNORE;
	case PBFT_PASS_OVER: return pass_over_screen(p, from, &b->pass_over);
	case PBFT_TYPE_END: return BFT_REJECT;
	default: return type >= PBFT_VOTES && type < PBFT_TYPE_END ? BFT_ACCEPT : BFT_REJECT;
	}
}

static void pbft_standing(const struct bft_core *core, struct bft_standing *s)
{
	const struct pbft *p = (const struct pbft *)core;
	*s = (struct bft_standing){
		.epoch = p->epoch,
		.base = p->base,
		.base_chain = p->base_chain,
		.view = p->view,
		.leader = pbft_leader(p, p->view),
		.changing = p->mode == PBFT_CHANGING,
		.observer = p->observer,
		.recalling = p->recalling,
		.suspecting = p->suspecting,
		.low = p->low,
		.executed = p->executed,
		.snapshot = p->snapshot[p->self].seq,
		.lsn = p->lsn,
	};
	s->decided = decided(p);
}

static const char *pbft_reason_text(uint16_t reason)
{
	switch ((enum pbft_reason)reason) {
	case PBFT_WHY_TIMEOUT: return "a request, or the change of view, takes longer than the timeout";
	case PBFT_WHY_SLOW: return "a request takes longer than replicas need among themselves";
	case PBFT_WHY_THIN: return "it proposes little at a time while much is under way";
	case PBFT_WHY_CLOCK: return "its clock is far behind this one's";
	case PBFT_WHY_RESIGNED: return "it was started again, and may not lead on";
	case PBFT_WHY_ASKED: return "the operator asked for it";
	default: return "what it signed contradicts itself, or the rules";
	}
}

static size_t decode_record(uint16_t rtype, void *data, const uint8_t *bytes, size_t n)
{
	return pbft_record_decode(rtype, data, bytes, n);
}

const struct bft_protocol bft_pbft = {
	.name = "pbft",
	.bytes = pbft_bytes,
	.init = pbft_init,
	.step = pbft_step,
	.deadline = pbft_deadline,
	.standing = pbft_standing,
	.check = pbft_invariants,
	.message = pbft_message,
	.decode = pbft_decode,
	.encode = pbft_encode,
	.body_bytes = sizeof(union pbft_body),
	.screen = pbft_screen,
	.needs = pbft_needs,
	.claims = pbft_claims,
	.record = pbft_record,
	.record_decode = decode_record,
	.record_encode = pbft_record_encode,
	.record_seq = pbft_record_seq,
	.record_bytes = sizeof(union pbft_record_body),
	.reason = pbft_reason_text,
	.evidence = &pbft_evidence,
};
