/* Coming back: own records first, then the question whether the log lacks anything that others hold of mine (design section 8). */
#include "bft/pbft/pbft.h"

#include <string.h>

static void recover_prepare(struct pbft *p, const struct pbft_rec_vote *r)
{
	struct pbft_slot *s = slot_recover(p, r->seq);
	if (!s || (s->own_prepare_set && s->own_prepare_view > r->view))
		return;
	s->own_prepare_set = true;
	s->own_prepare_view = r->view;
	s->own_prepare = r->digest;
	s->digest = r->digest;
	s->has_digest = s->held = true; /* its body stands beside the record */
}

static void recover_commit(struct pbft *p, const struct bft_certificate_refs *c)
{
	struct pbft_slot *s = slot_recover(p, c->seq);
	if (!s)
		return;
	s->own_commit_set = true;
	s->own_commit_view = c->view;
	s->own_commit = c->digest;
}

static void recover_stable(struct pbft *p, const struct bft_certificate_refs *c, bft_lsn lsn)
{
	struct bft_effect none[2 * BFT_WINDOW_MAX];
	struct bft_effects out = { .at = none, .capacity = 2 * BFT_WINDOW_MAX };
	if (c->seq <= p->low)
		return;
	p->low = c->seq;
	p->low_chain = c->digest;
	p->stable_lsn = lsn;
	slots_stable(p, p->low, &out);
}

static void recover_view(struct pbft *p, bft_view view, bool entered, bft_lsn lsn)
{
	if (view < p->view)
		return;
	p->view = view;
	p->mode = entered ? PBFT_NORMAL : PBFT_CHANGING;
	p->view_lsn = lsn;
	p->fresh = false;
}

/* The driver makes a new core for each epoch, so this is the core's own, or the log begins within it. */
static void recover_epoch(struct pbft *p, const struct bft_rec_view *r)
{
	pbft_set_members(p, r->members);
	p->epoch = r->epoch;
	p->base = r->base;
	p->base_chain = r->chain;
	if (p->low >= r->base)
		return;
	p->low = r->base;
	p->low_chain = r->chain;
}

/* What the NEW-VIEW required is required after a restart too: else its leader could show me another proposal for a decided sequence. */
static void recover_reproposals(struct pbft *p, const struct pbft_new_view *nv)
{
	slots_enter_view(p);
	p->new_view_top = nv->stable + nv->count;
	for (uint16_t k = 0; k < nv->count; k++) {
		struct pbft_slot *s = slot_recover(p, nv->stable + 1 + k);
		if (!s)
			continue;
		bool held = s->has_digest && s->held && digest_equal(&s->digest, &nv->digest[k]);
		s->digest = nv->digest[k];
		s->has_digest = s->required = true;
		s->held = held || digest_equal(&s->digest, &p->null_digest);
	}
}

void on_record(struct pbft *p, const struct bft_event *e)
{
	BFT_CHECK(!p->started && e->lsn > p->lsn);
	p->lsn = e->lsn;
	switch ((enum pbft_record)e->rtype) {
	case PBFT_REC_VIEW: {
		const struct bft_rec_view *r = e->data;
		recover_epoch(p, r);
		recover_view(p, r->view, r->entered, e->lsn);
		break;
	}
	case PBFT_REC_PREPARE: recover_prepare(p, e->data); break;
	case PBFT_REC_COMMIT: recover_commit(p, e->data); break;
	case PBFT_REC_VIEW_CHANGE: {
		const struct pbft_view_change *vc = e->data;
		*view_change_of(p, p->self) = *vc;
		p->peer[p->self].vc_view = vc->view;
		recover_view(p, vc->view, false, e->lsn);
		slots_enter_view(p);
		break;
	}
	case PBFT_REC_NEW_VIEW: {
		const struct pbft_new_view *nv = e->data;
		recover_view(p, nv->view, true, e->lsn);
		recover_reproposals(p, nv);
		break;
	}
	case PBFT_REC_CHECKPOINT: {
		const struct bft_checkpoint *c = e->data;
		if (checkpoint_own(p, c->seq)->seq < c->seq)
			*checkpoint_own(p, c->seq) = (struct pbft_checkpoint_vote){ .seq = c->seq, .chain = c->chain };
		break;
	}
	case PBFT_REC_STABLE: recover_stable(p, e->data, e->lsn); break;
	case PBFT_REC_SNAPSHOT: {
		const struct bft_snapshot *s = e->data;
		p->snapshot[p->self] = p->signed_snapshot = (struct pbft_checkpoint_vote){ .seq = s->seq, .chain = s->chain, .root = s->root };
		break;
	}
	case PBFT_REC_CERTIFIED: {
		const struct bft_certificate_refs *c = e->data;
		p->certified[1] = p->certified[0];
		p->certified[0] = c->seq;
		p->certified_lsn = e->lsn;
		break;
	}
	case PBFT_REC_EXECUTED: { /* execution's: the driver ran it again before START */
		const struct bft_rec_executed *r = e->data;
		checkpoint_note(p, r->seq, &r->chain);
		break;
	}
	}
}

void recall_send(struct pbft *p, bft_mask to, struct bft_effects *out)
{
	struct pbft_recall *m = effects_room(out, sizeof *m);
	if (!m || !to)
		return;
	m->stable = p->low;
	pbft_send(p, out, PBFT_RECALL, m, sizeof *m, to, 0);
}

/* A leader sends its PRE-PREPAREs beside their flush, so one that was killed may have sent what its log lacks: it leads no view that it had entered before,
 * and resigns. Its SUSPECT alone is enough for everyone. */
static void resign(struct pbft *p)
{
	p->resigned = p->mode == PBFT_NORMAL && pbft_leader(p, p->view) == p->self && !p->fresh;
}

/* What I signed in this view and nobody may have received: the same statements again. */
static void say_again(struct pbft *p, struct bft_effects *out)
{
	if (p->mode == PBFT_CHANGING) {
		struct pbft_view_change *m = effects_room(out, sizeof *m);
		if (!m)
			return;
		*m = *view_change_of(p, p->self);
		pbft_send(p, out, PBFT_VIEW_CHANGE, m, sizeof *m, p->members, 0);
		return;
	}
	for (bft_seq seq = p->low + 1; seq <= p->low + p->limits.window; seq++) {
		struct pbft_slot *s = slot_find(p, seq);
		if (!s || p->resigned)
			continue;
		if (s->own_prepare_set && s->own_prepare_view == p->view) {
			s->voted = true;
			pbft_send_leaf(p, out, BFT_LEAF_PREPARE, seq, &s->own_prepare, p->members, 0);
		}
		if (s->own_commit_set && s->own_commit_view == p->view) {
			s->prepared = true;
			pbft_send_leaf(p, out, BFT_LEAF_COMMIT, seq, &s->own_commit, p->members, 0);
		}
	}
}

static void say_checkpoints_again(struct pbft *p, struct bft_effects *out)
{
	for (bft_seq seq = p->low + p->limits.checkpoint_every; seq <= p->executed; seq += p->limits.checkpoint_every) {
		const struct pbft_checkpoint_vote *own = checkpoint_own(p, seq);
		if (own->seq != seq) {
			checkpoint_send(p, seq, out);
			continue;
		}
		struct bft_checkpoint *m = effects_room(out, sizeof *m);
		if (!m)
			return;
		*m = (struct bft_checkpoint){ .seq = seq, .chain = own->chain };
		pbft_send(p, out, PBFT_CHECKPOINT, m, sizeof *m, p->members, 0);
	}
	struct bft_snapshot *m = p->snapshot[p->self].seq ? effects_room(out, sizeof *m) : NULL;
	if (!m)
		return;
	const struct pbft_checkpoint_vote *own = &p->snapshot[p->self];
	*m = (struct bft_snapshot){ .seq = own->seq, .chain = own->chain, .root = own->root };
	p->snapshot[p->self].seq = 0; /* set again when it comes back through the door */
	pbft_send(p, out, PBFT_SNAPSHOT, m, sizeof *m, p->members, 0);
}

static void become_member(struct pbft *p, struct bft_effects *out)
{
	p->recalling = false;
	say_again(p, out);
	say_checkpoints_again(p, out);
	snapshot_sign(p, out);
	pbft_role(p, out);
	slots_progress(p, out);
	if (p->resigned)
		suspect_leader(p, PBFT_WHY_RESIGNED, out);
	status_send(p, pbft_others(p), out);
	propose_try(p, out);
}

void on_start(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	BFT_CHECK(!p->started);
	p->started = true;
	p->executed = p->dispatched = e->seq;
	p->chain = e->digest;
	p->observer = e->recovery == BFT_RECOVERY_LOST || !pbft_member(p, p->self);
	p->log_view = p->view;
	p->next_seq = (p->new_view_top > p->low ? p->new_view_top : p->low) + 1;
	/* Tables that hold a message's handle start without one. */
	view_change_meta(p, p->self)->set = false;
	if (p->executed == p->low && p->low && !digest_equal(&p->chain, &p->low_chain)) {
		pbft_halt(p, out, PBFT_WHY_OWN_CHAIN, p->low);
		return;
	}
	if (!e->ok)
		resign(p);
	p->recalling = !p->observer;
	if (p->fresh)
		border_stand(p, out);
	pbft_role(p, out);
	recall_send(p, pbft_others(p), out);
	status_send(p, pbft_others(p), out);
	execute_dispatch(p, out);
	if (p->recalling && p->q <= 1)
		become_member(p, out);
}

static void forward_of(struct bft_effects *out, bft_ref wire, bft_ref *last, uint8_t member)
{
	if (!wire || wire == *last || out->count > out->capacity - 64)
		return;
	*last = wire;
	struct bft_effect *e = effects_add(out, BFT_FX_FORWARD);
	e->ref = wire;
	e->from = member;
	e->to = BFT_BIT(member);
}

/* Answering needs no standing: everything that I hold of theirs, verbatim. */
enum bft_verdict on_recall(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	struct pbft_peer *peer = &p->peer[m->from];
	if (m->from == p->self)
		return BFT_IGNORE;
	if (peer->recall_ms && p->mono_ms < peer->recall_ms + PBFT_RECALL_AGAIN_MS)
		return BFT_IGNORE;
	peer->recall_ms = p->mono_ms;
	bft_ref last = 0;
	for (int commit = 0; commit < 2; commit++)
		for (bft_seq seq = p->low + 1; seq <= p->low + p->limits.window; seq++) {
			const struct pbft_slot *s = slot_find(p, seq);
			const struct pbft_vote *v = s ? slot_vote(p, s, commit, m->from) : NULL;
			if (v && v->set)
				forward_of(out, v->wire, &last, m->from);
		}
	for (bft_seq seq = p->low + p->limits.checkpoint_every; seq <= p->low + p->limits.window; seq += p->limits.checkpoint_every)
		if (checkpoint_vote(p, seq, m->from)->seq == seq)
			forward_of(out, checkpoint_vote(p, seq, m->from)->wire, &last, m->from);
	forward_of(out, view_change_meta(p, m->from)->wire, &last, m->from);
	forward_of(out, p->snapshot[m->from].wire, &last, m->from);
	if (pbft_leader(p, p->view) == m->from)
		forward_of(out, p->new_view_wire, &last, m->from);
	struct pbft_recall *done = effects_room(out, sizeof *done);
	if (done) {
		done->stable = 0;
		pbft_send(p, out, PBFT_RECALL_DONE, done, sizeof *done, BFT_BIT(m->from), 0);
	}
	return BFT_ACCEPT;
}

/* q-1 others have told: with mine, a quorum, so any statement that helped to decide something was held by one of them. */
enum bft_verdict on_recall_done(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	if (!p->recalling || m->from == p->self)
		return BFT_IGNORE;
	p->peer[m->from].recall_answered = true;
	uint32_t count = 0;
	for (uint32_t i = 0; i < p->n; i++)
		count += p->peer[i].recall_answered;
	if (count >= p->q - 1)
		become_member(p, out);
	return BFT_ACCEPT;
}

static bool leaf_known(const struct pbft *p, bft_view view, const struct bft_leaf *leaf)
{
	const struct pbft_slot *s = slot_find(p, leaf->seq);
	/* At or below the stable checkpoint nothing is of interest. */
	if (leaf->seq <= p->low)
		return true;
	/* A PRE-PREPARE that my log lacks is no loss: they leave beside their flush. But who was started again proposes nothing in that view: there are never two. */
	if (leaf->kind == BFT_LEAF_PRE_PREPARE)
		return !s || !s->own_prepare_set || s->own_prepare_view != view || digest_equal(&s->own_prepare, &leaf->digest);
	if (!s)
		return false;
	if (leaf->kind == BFT_LEAF_PREPARE)
		return s->own_prepare_set && (s->own_prepare_view > view || (s->own_prepare_view == view && digest_equal(&s->own_prepare, &leaf->digest)));
	return s->own_commit_set && (s->own_commit_view > view || (s->own_commit_view == view && digest_equal(&s->own_commit, &leaf->digest)));
}

/* What I signed for `view` is in my log, or of this life. Not because I am beyond it by now: what the others hold may come after the first view that I changed to. */
static bool view_known(const struct pbft *p, bft_view view)
{
	return view <= p->log_view || (p->first_change && view >= p->first_change);
}

/* The one that I signed in this life, or none. */
static bool view_change_known(const struct pbft *p, const struct bft_vmsg *m)
{
	const struct pbft_view_change *vc = m->body;
	const struct pbft_vc_meta *mine = view_change_meta(p, p->self);
	bool another = mine->set && view_change_of(p, p->self)->view == vc->view && !digest_equal(&mine->digest, &m->digest);
	return view_known(p, vc->view) && !another;
}

static bool statement_known(const struct pbft *p, const struct bft_vmsg *m)
{
	const union pbft_body *b = m->body;
	switch ((enum pbft_type)m->type) {
	case PBFT_VOTES:
		for (uint16_t i = 0; i < b->votes.count; i++)
			if (!leaf_known(p, b->votes.view, &b->votes.leaf[i]))
				return false;
		return true;
	case PBFT_VIEW_CHANGE: return view_change_known(p, m);
	case PBFT_NEW_VIEW: return view_known(p, b->new_view.view);
	case PBFT_CHECKPOINT:
		return b->checkpoint.seq <= p->low || (checkpoint_own(p, b->checkpoint.seq)->seq == b->checkpoint.seq &&
		                                       digest_equal(&checkpoint_own(p, b->checkpoint.seq)->chain, &b->checkpoint.chain));
	case PBFT_SNAPSHOT: {
		const struct pbft_checkpoint_vote *said = &p->signed_snapshot;
		/* At or below the stable checkpoint nothing is of interest: the log may have been cut since, and the state have come from others. */
		return b->snapshot.seq <= p->low || b->snapshot.seq < said->seq ||
		       (b->snapshot.seq == said->seq && digest_equal(&said->chain, &b->snapshot.chain) && digest_equal(&said->root, &b->snapshot.root));
	}
	default: return true;
	}
}

void recall_lost(struct pbft *p, bft_ref shown, struct bft_effects *out)
{
	p->observer = true;
	p->recalling = p->suspecting = false;
	pbft_blame(out, p->self, BFT_IGNORE, PBFT_WHY_MEMORY_LOST, shown, 0);
	pbft_role(p, out);
}

bool recall_check(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	if (p->observer || statement_known(p, m))
		return true;
	recall_lost(p, m->wire, out);
	return false;
}
