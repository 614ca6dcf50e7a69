/* VIEW-CHANGE (OSDI'99 4.4): binding, durable before sent, resent verbatim. It carries the stable checkpoint and every prepared certificate whose COMMIT was
 * decided, not only released: after it nothing of an older view is decided. */
#include "bft/pbft/evidence.h"
#include "bft/pbft/pbft.h"

struct pbft_view_change *view_change_of(const struct pbft *p, uint32_t member)
{
	return (struct pbft_view_change *)((uintptr_t)p + p->view_changes_at) + member;
}

struct pbft_vc_meta *view_change_meta(const struct pbft *p, uint32_t member)
{
	return (struct pbft_vc_meta *)((uintptr_t)p + p->vc_meta_at) + member;
}

/* This very one is here. */
bool view_change_held(const struct pbft *p, uint32_t member, const struct pbft_view_change *vc)
{
	const struct pbft_view_change *held = view_change_of(p, member);
	if (!view_change_meta(p, member)->set || held->view != vc->view || held->stable != vc->stable || held->count != vc->count)
		return false;
	if (!digest_equal(&held->chain, &vc->chain))
		return false;
	for (uint16_t i = 0; i < vc->count; i++)
		if (held->prepared[i].seq != vc->prepared[i].seq || held->prepared[i].view != vc->prepared[i].view ||
		    !digest_equal(&held->prepared[i].digest, &vc->prepared[i].digest))
			return false;
	return true;
}

bft_mask view_change_mask(const struct pbft *p, bft_view view)
{
	bft_mask mask = 0;
	for (uint32_t i = 0; i < p->n; i++)
		if (view_change_meta(p, i)->set && view_change_of(p, i)->view == view)
			mask |= BFT_BIT(i);
	return mask;
}

static void fill(const struct pbft *p, struct pbft_view_change *m, bft_view view)
{
	m->view = view;
	m->stable = p->low;
	m->chain = p->low_chain;
	m->count = 0;
	for (bft_seq seq = p->low + 1; seq <= p->low + p->limits.window; seq++) {
		const struct pbft_slot *s = slot_find(p, seq);
		if (s && s->own_commit_set)
			m->prepared[m->count++] = (struct pbft_prepared){ .seq = seq, .view = s->own_commit_view, .digest = s->own_commit };
	}
}

void view_change_start(struct pbft *p, bft_view view, struct bft_effects *out)
{
	BFT_CHECK(view > p->view);
	struct pbft_view_change *m = effects_room(out, sizeof *m);
	if (!m || view > BFT_VIEW_MAX)
		return;
	fill(p, m, view);
	pace_left_view(p);
	pass_over_view_ends(p);
	p->view = view;
	p->first_change = p->first_change ? p->first_change : view;
	p->mode = PBFT_CHANGING;
	p->fruitless += p->fruitless < PBFT_BACKOFF_MAX + PBFT_NEW_VIEW_LESS; /* what more would change nothing now, and take longer to forget */
	p->suspecting = p->resigned = false;
	p->peer[p->self].suspecting = false;
	p->peer[p->self].vc_view = view;
	p->timer_on = false;
	p->view_ms = p->progress_ms = p->mono_ms;
	if (p->new_view_pending && p->new_view.view < view) {
		p->new_view_pending = false;
		pbft_release(out, &p->new_view_pending_wire, PBFT_NO_SEQ);
	}
	pbft_release(out, &p->new_view_wire, PBFT_NO_SEQ);
	slots_enter_view(p);
	p->view_lsn = pbft_persist(p, out, PBFT_REC_VIEW_CHANGE, m, sizeof *m, NULL);
	pbft_send(p, out, PBFT_VIEW_CHANGE, m, sizeof *m, p->members, p->view_lsn);
	pbft_role(p, out);
	new_view_check_pending(p, out);
}

static enum bft_verdict view_change_check(const struct pbft *p, const struct bft_vmsg *m)
{
	const struct pbft_view_change *vc = m->body;
	if (m->auth < BFT_AUTH_SIGNED)
		return BFT_REJECT;
	if (vc->stable % p->limits.checkpoint_every != 0)
		return BFT_REJECT;
	for (uint16_t i = 0; i < vc->count; i++)
		if (vc->prepared[i].seq - vc->stable > p->limits.window)
			return BFT_REJECT;
	return BFT_ACCEPT;
}

/* Backups judge the bytes that the NEW-VIEW names, not the copy that a member who sent two gave to them. */
static bool named_by_new_view(const struct pbft *p, const struct bft_vmsg *m)
{
	for (uint8_t k = 0; p->new_view_pending && k < p->new_view.sources_count; k++)
		if (p->new_view.source[k].member == m->from && digest_equal(&p->new_view.source[k].digest, &m->digest))
			return true;
	return false;
}

/* Its COMMITs of lower views are here: each must be shown. Found once: one place is proof enough. */
static void against_commits(const struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct pbft_view_change *vc = m->body;
	for (bft_seq seq = p->low + 1; seq <= p->low + p->limits.window; seq++) {
		const struct pbft_slot *s = slot_find(p, seq);
		const struct pbft_vote *v = s ? slot_vote(p, s, true, m->from) : NULL;
		if (!v || !v->set || !v->wire || !evidence_hides(vc, v->view, seq, &v->digest))
			continue;
		pbft_blame(out, m->from, BFT_CONVICT, PBFT_WHY_HIDDEN_COMMIT, v->wire, m->wire);
		return;
	}
}

/* The other order: the COMMIT comes after the VIEW-CHANGE that should have shown it. It still counts: it binds its sender, and q of them decide. */
void view_change_against_commit(struct pbft *p, const struct bft_vmsg *m, bft_view view, const struct bft_leaf *commit, struct bft_effects *out)
{
	const struct pbft_vc_meta *meta = view_change_meta(p, m->from);
	if (m->from == p->self || !meta->set || !meta->wire || !evidence_hides(view_change_of(p, m->from), view, commit->seq, &commit->digest))
		return;
	pbft_blame(out, m->from, BFT_CONVICT, PBFT_WHY_HIDDEN_COMMIT, m->wire, meta->wire);
}

enum bft_verdict on_view_change(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct pbft_view_change *vc = m->body;
	enum bft_verdict verdict = view_change_check(p, m);
	if (verdict != BFT_ACCEPT)
		return verdict;
	/* Shown to me at a RECALL: my log has it, and has a newer one that must be said again. */
	if (m->from == p->self && vc->view < p->view)
		return BFT_IGNORE;
	struct pbft_vc_meta *meta = view_change_meta(p, m->from);
	struct pbft_view_change *held = view_change_of(p, m->from);
	bool named = named_by_new_view(p, m);
	if (meta->set && held->view == vc->view) {
		if (digest_equal(&meta->digest, &m->digest))
			return BFT_IGNORE;
		pbft_blame(out, m->from, BFT_CONVICT, PBFT_WHY_TWO_VIEW_CHANGES, m->wire, meta->wire);
		if (!named)
			return BFT_CONVICT;
	} else if (meta->set && held->view > vc->view && !named) {
		return BFT_IGNORE; /* one per member is kept, the highest */
	}
	/* It counts all the same: who votes for the next leader is one question, who lied another. */
	if (m->from != p->self)
		against_commits(p, m, out);
	pbft_hold(out, m->wire, PBFT_NO_SEQ);
	pbft_release(out, &meta->wire, PBFT_NO_SEQ);
	*meta = (struct pbft_vc_meta){ .set = true, .wire = m->wire, .digest = m->digest };
	*held = *vc;
	if (vc->view > p->peer[m->from].vc_view)
		p->peer[m->from].vc_view = vc->view;
	views_evaluate(p, out);
	new_view_check_pending(p, out);
	new_view_try(p, out);
	return BFT_ACCEPT;
}

/* Whoever sent a NEW-VIEW serves the VIEW-CHANGEs that it names. No member stands in the body, so those of several members may have one digest (nothing was prepared
 * anywhere, say): whoever asks may miss any of them, but not its own. */
enum bft_verdict on_fetch_view_change(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct pbft_fetch_view_change *f = m->body;
	bool found = false;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct pbft_vc_meta *meta = view_change_meta(p, i);
		if (i == m->from || !meta->set || !meta->wire || !digest_equal(&meta->digest, &f->digest))
			continue;
		struct bft_effect *e = effects_add(out, BFT_FX_FORWARD);
		e->ref = meta->wire;
		e->from = (uint8_t)i;
		e->to = BFT_BIT(m->from);
		found = true;
	}
	return found ? BFT_ACCEPT : BFT_IGNORE;
}
