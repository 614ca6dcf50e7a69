/* NEW-VIEW (OSDI'99 4.4): one pure function computes the re-proposals; the leader runs it, backups recompute and compare. */
#include "bft/pbft/pbft.h"

#include <string.h>

/* The highest view's certificate for `seq`, or NULL. Null only without any. */
static const struct pbft_prepared *best_for(const struct pbft_view_change *const *vcs, uint32_t count, const uint16_t *cursor, bft_seq seq)
{
	const struct pbft_prepared *best = NULL;
	for (uint32_t i = 0; i < count; i++) {
		if (cursor[i] >= vcs[i]->count)
			continue;
		const struct pbft_prepared *c = &vcs[i]->prepared[cursor[i]];
		if (c->seq == seq && (!best || c->view > best->view))
			best = c;
	}
	return best;
}

void new_view_select(const struct pbft_view_change *const *vcs, uint32_t count, const struct digest *null_digest, uint32_t window, struct pbft_new_view *out)
{
	uint16_t cursor[BFT_MEMBERS_MAX] = { 0 };
	BFT_CHECK(count > 0 && count <= BFT_MEMBERS_MAX);
	out->stable = 0;
	out->count = 0;
	const struct pbft_view_change *base = vcs[0];
	bft_seq top = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (vcs[i]->stable > base->stable)
			base = vcs[i];
		if (vcs[i]->count && vcs[i]->prepared[vcs[i]->count - 1].seq > top)
			top = vcs[i]->prepared[vcs[i]->count - 1].seq;
	}
	out->stable = base->stable;
	out->chain = base->chain;
	for (bft_seq seq = out->stable + 1; seq <= top && seq - out->stable <= window; seq++) {
		for (uint32_t i = 0; i < count; i++)
			while (cursor[i] < vcs[i]->count && vcs[i]->prepared[cursor[i]].seq < seq)
				cursor[i]++;
		const struct pbft_prepared *best = best_for(vcs, count, cursor, seq);
		out->digest[out->count++] = best ? best->digest : *null_digest;
	}
}

static void select_from(const struct pbft *p, bft_mask sources, struct pbft_new_view *out)
{
	const struct pbft_view_change *vcs[BFT_MEMBERS_MAX];
	uint32_t count = 0;
	for (uint32_t i = 0; i < p->n; i++)
		if (sources & BFT_BIT(i))
			vcs[count++] = view_change_of(p, i);
	new_view_select(vcs, count, &p->null_digest, p->limits.window, out);
}

/* The window moves to the re-proposals' base, whose certificate one of the VIEW-CHANGEs carries. */
static void adopt_base(struct pbft *p, const struct pbft_new_view *nv, struct bft_effects *out)
{
	if (nv->stable <= p->low)
		return;
	for (uint8_t k = 0; k < nv->sources_count; k++) {
		uint32_t i = nv->source[k].member;
		struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
		if (!cert || view_change_of(p, i)->stable != nv->stable)
			continue;
		*cert = (struct bft_certificate_refs){ .seq = nv->stable, .digest = nv->chain, .whole = view_change_meta(p, i)->wire };
		stable_adopt(p, cert, out);
		return;
	}
}

/* CHANGING -> NORMAL. That the view was entered is durable before the first statement in it. */
static void new_view_enter(struct pbft *p, const struct pbft_new_view *nv, bft_ref wire, struct bft_effects *out)
{
	struct pbft_new_view *rec = effects_room(out, sizeof *rec);
	if (!rec)
		return;
	*rec = *nv;
	adopt_base(p, rec, out);
	p->view = rec->view;
	p->mode = PBFT_NORMAL;
	p->suspecting = p->resigned = false;
	p->peer[p->self].suspecting = false;
	p->timer_on = false;
	p->view_ms = p->progress_ms = p->mono_ms;
	p->executed_in_view = 0;
	p->proposed_ms = 0; /* my clock may have been put right since I led last; execution clamps */
	pace_enter_view(p);
	thin_enter_view(p);
	p->new_view_pending = false;
	if (p->new_view_wire != wire)
		pbft_release(out, &p->new_view_wire, PBFT_NO_SEQ);
	p->new_view_wire = wire;
	p->new_view_pending_wire = 0;
	p->view_lsn = pbft_persist(p, out, PBFT_REC_NEW_VIEW, rec, sizeof *rec, NULL);
	slots_enter_view(p);
	p->new_view_top = rec->stable + rec->count;
	p->next_seq = p->new_view_top + 1 > p->low + 1 ? p->new_view_top + 1 : p->low + 1;
	for (uint16_t k = 0; k < rec->count; k++) {
		bft_seq seq = rec->stable + 1 + k;
		if (!pbft_in_window(p, seq))
			continue;
		struct pbft_slot *s = slot_open(p, seq, out);
		if (s->committed && !digest_equal(&s->digest, &rec->digest[k]))
			continue; /* never overwrite what is decided; agreement makes this impossible with f liars */
		bool was_held = s->has_digest && digest_equal(&s->digest, &rec->digest[k]) && s->held;
		slot_set_digest(s, &rec->digest[k], p, out);
		s->required = true;
		s->held = s->held || was_held;
	}
	requests_enter_view(p, out);
	pbft_role(p, out);
	slots_progress(p, out);
	propose_try(p, out);
}

static bool leads_next(const struct pbft *p)
{
	return p->mode == PBFT_CHANGING && pbft_leader(p, p->view) == p->self && pbft_may_sign(p);
}

/* The new leader: own VIEW-CHANGE back through the door, q in all. */
void new_view_try(struct pbft *p, struct bft_effects *out)
{
	bft_mask have = view_change_mask(p, p->view);
	if (!leads_next(p) || !(have & BFT_BIT(p->self)) || mask_count(have) < p->q)
		return;
	struct pbft_new_view *nv = effects_room(out, sizeof *nv);
	if (!nv)
		return;
	bft_mask sources = BFT_BIT(p->self);
	for (uint32_t i = 0; i < p->n && mask_count(sources) < p->q; i++)
		sources |= have & BFT_BIT(i);
	nv->view = p->view;
	nv->sources_count = 0;
	for (uint32_t i = 0; i < p->n; i++)
		if (sources & BFT_BIT(i)) {
			nv->source[nv->sources_count].member = (uint8_t)i;
			nv->source[nv->sources_count++].digest = view_change_meta(p, i)->digest;
		}
	select_from(p, sources, nv);
	new_view_enter(p, nv, 0, out);
	pbft_send(p, out, PBFT_NEW_VIEW, nv, sizeof *nv, p->members, p->view_lsn);
}

/* A NEW-VIEW waits here until every VIEW-CHANGE that it names is at hand, then it is recomputed and compared. */
void new_view_check_pending(struct pbft *p, struct bft_effects *out)
{
	if (!p->new_view_pending || p->new_view.view < p->view || (p->new_view.view == p->view && p->mode == PBFT_NORMAL))
		return;
	bft_mask sources = 0;
	bool missing = false;
	for (uint8_t k = 0; k < p->new_view.sources_count; k++) {
		uint8_t i = p->new_view.source[k].member;
		const struct pbft_vc_meta *meta = view_change_meta(p, i);
		sources |= BFT_BIT(i);
		missing |= !meta->set || !digest_equal(&meta->digest, &p->new_view.source[k].digest);
	}
	if (missing)
		return;
	struct pbft_new_view *mine = effects_room(out, sizeof *mine);
	if (!mine)
		return;
	select_from(p, sources, mine);
	bool views_match = true;
	for (uint32_t i = 0; i < p->n; i++)
		views_match &= !(sources & BFT_BIT(i)) || view_change_of(p, i)->view == p->new_view.view;
	bool equal = views_match && mine->stable == p->new_view.stable && mine->count == p->new_view.count && digest_equal(&mine->chain, &p->new_view.chain) &&
	             memcmp(mine->digest, p->new_view.digest, mine->count * sizeof mine->digest[0]) == 0;
	bft_ref wire = p->new_view_pending_wire;
	if (equal) {
		new_view_enter(p, &p->new_view, wire, out);
		return;
	}
	p->new_view_pending = false;
	pbft_blame(out, pbft_leader(p, p->new_view.view), BFT_CONVICT, PBFT_WHY_FALSE_NEW_VIEW, wire, 0);
	pbft_release(out, &p->new_view_pending_wire, PBFT_NO_SEQ);
	if (p->new_view.view == p->view)
		suspect_leader(p, PBFT_WHY_FALSE_NEW_VIEW, out);
}

static bool sources_are_members(const struct pbft *p, const struct pbft_new_view *nv)
{
	for (uint8_t i = 0; i < nv->sources_count; i++)
		if (!pbft_member(p, nv->source[i].member))
			return false;
	return true;
}

static enum bft_verdict new_view_check(const struct pbft *p, const struct bft_vmsg *m)
{
	const struct pbft_new_view *nv = m->body;
	if (m->auth < BFT_AUTH_SIGNED || m->from != pbft_leader(p, nv->view))
		return BFT_REJECT;
	if (nv->sources_count != p->q || nv->count > p->limits.window || !sources_are_members(p, nv))
		return BFT_REJECT;
	if (nv->view < p->view || (nv->view == p->view && p->mode == PBFT_NORMAL))
		return BFT_IGNORE;
	if (p->new_view_pending && p->new_view.view >= nv->view)
		return BFT_IGNORE;
	return BFT_ACCEPT;
}

/* Another one of its leader for the view whose NEW-VIEW is here, judged or not. */
static bool contradicts(const struct pbft *p, const struct bft_vmsg *m, bft_ref *held)
{
	const struct pbft_new_view *nv = m->body;
	bool entered = !p->new_view_pending && p->view == nv->view && p->mode == PBFT_NORMAL;
	if (p->new_view.view != nv->view || !(p->new_view_pending || entered))
		return false;
	*held = p->new_view_pending ? p->new_view_pending_wire : p->new_view_wire;
	return *held && !digest_is_zero(&p->new_view_digest) && !digest_equal(&p->new_view_digest, &m->digest);
}

static bool source_missing(const struct pbft *p, uint8_t k)
{
	const struct pbft_vc_meta *meta = view_change_meta(p, p->new_view.source[k].member);
	return !meta->set || !digest_equal(&meta->digest, &p->new_view.source[k].digest);
}

/* All that have one digest come together. */
static bool source_asked(const struct pbft *p, uint8_t k)
{
	for (uint8_t i = 0; i < k; i++)
		if (source_missing(p, i) && digest_equal(&p->new_view.source[i].digest, &p->new_view.source[k].digest))
			return true;
	return false;
}

static void ask_for_missing(const struct pbft *p, bft_mask from, struct bft_effects *out)
{
	for (uint8_t k = 0; k < p->new_view.sources_count; k++) {
		if (!source_missing(p, k) || source_asked(p, k))
			continue;
		struct pbft_fetch_view_change *f = effects_room(out, sizeof *f);
		if (!f)
			return;
		f->digest = p->new_view.source[k].digest;
		pbft_send(p, out, PBFT_FETCH_VIEW_CHANGE, f, sizeof *f, from, 0);
	}
}

enum bft_verdict on_new_view(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct pbft_new_view *nv = m->body;
	/* My own, on its way back: it is already entered; the message is kept for those who miss it. */
	if (m->from == p->self) {
		if (nv->view != p->view || p->new_view_wire)
			return BFT_IGNORE;
		pbft_hold(out, m->wire, PBFT_NO_SEQ);
		p->new_view_wire = m->wire;
		return BFT_ACCEPT;
	}
	enum bft_verdict verdict = new_view_check(p, m);
	bft_ref held;
	if (verdict == BFT_IGNORE && contradicts(p, m, &held)) {
		pbft_blame(out, m->from, BFT_CONVICT, PBFT_WHY_TWO_NEW_VIEWS, m->wire, held);
		if (nv->view == p->view)
			suspect_leader(p, PBFT_WHY_TWO_NEW_VIEWS, out);
		return BFT_CONVICT;
	}
	if (verdict == BFT_IGNORE && p->new_view_pending && p->new_view.view == nv->view && nv->view > 0)
		ask_for_missing(p, pbft_others(p), out);
	if (verdict != BFT_ACCEPT)
		return verdict;
	pbft_hold(out, m->wire, PBFT_NO_SEQ);
	pbft_release(out, &p->new_view_pending_wire, PBFT_NO_SEQ);
	p->new_view_pending = true;
	p->new_view = *nv;
	p->new_view_digest = m->digest;
	p->new_view_pending_wire = m->wire;
	ask_for_missing(p, BFT_BIT(m->from), out);
	new_view_check_pending(p, out);
	return BFT_ACCEPT;
}
