/* PRE-PREPARE, PREPARE and COMMIT (OSDI'99 4.2), and what becomes possible in a slot when one of them, or a body, arrives. */
#include "bft/pbft/pbft.h"

/* Who may say what. The primary's PRE-PREPARE is its prepare vote: a PREPARE of its own would count it twice. */
static enum bft_verdict leaf_check(const struct pbft *p, const struct bft_vmsg *m, bft_view view, const struct bft_leaf *leaf)
{
	bool from_leader = m->from == pbft_leader(p, view);
	if (leaf->kind == BFT_LEAF_PRE_PREPARE && !from_leader)
		return BFT_REJECT;
	if (leaf->kind == BFT_LEAF_PREPARE && from_leader)
		return BFT_REJECT;
	if (leaf->kind != BFT_LEAF_COMMIT && m->auth < BFT_AUTH_SIGNED)
		return BFT_REJECT;
	if (!pbft_in_window(p, leaf->seq))
		return BFT_IGNORE;
	/* After VIEW-CHANGE nothing of an older view is prepared; COMMITs of older views still decide (design section 4). */
	if (leaf->kind != BFT_LEAF_COMMIT && view < p->view)
		return BFT_IGNORE;
	return BFT_ACCEPT;
}

/* Before its signature is looked at. A vote that is here already, and an equal PREPARE for what I have prepared, change nothing; one that differs is kept. */
bool leaf_useful(const struct pbft *p, uint32_t from, bft_view view, const struct bft_leaf *leaf)
{
	bool commit = leaf->kind == BFT_LEAF_COMMIT;
	if (!pbft_in_window(p, leaf->seq) || (!commit && view < p->view))
		return false;
	const struct pbft_slot *s = slot_find(p, leaf->seq);
	if (!s)
		return true;
	const struct pbft_vote *v = slot_vote(p, s, commit, from);
	if (v->set && v->view == view && digest_equal(&v->digest, &leaf->digest))
		return false;
	bool prepared = s->prepared && view == p->view && digest_equal(&s->digest, &leaf->digest);
	return leaf->kind != BFT_LEAF_PREPARE || !prepared;
}

/* One vote per signer and view: the first counts, a different second one is proof (E1, E2). */
static enum bft_verdict vote_store(struct pbft_vote *v, const struct bft_vmsg *m, bft_view view, const struct bft_leaf *leaf, struct bft_effects *out)
{
	if (v->set && v->view == view) {
		if (digest_equal(&v->digest, &leaf->digest))
			return BFT_IGNORE;
		pbft_blame(out, m->from, BFT_CONVICT, leaf->kind == BFT_LEAF_PRE_PREPARE ? PBFT_WHY_TWO_PRE_PREPARES : PBFT_WHY_TWO_VOTES, m->wire, v->wire);
		return BFT_CONVICT;
	}
	if (v->set && v->view > view)
		return BFT_IGNORE;
	pbft_release(out, &v->wire, leaf->seq);
	pbft_hold(out, m->wire, leaf->seq);
	*v = (struct pbft_vote){ .set = true, .view = view, .wire = m->wire, .digest = leaf->digest };
	return BFT_ACCEPT;
}

/* q COMMITs for one (view, seq, digest) decide it, whatever else is held (design section 4). */
static void commit_decides(struct pbft *p, struct pbft_slot *s, bft_view view, const struct digest *d, struct bft_effects *out)
{
	if (s->committed || mask_count(slot_voters(p, s, true, view, d)) < p->q)
		return;
	slot_set_digest(s, d, p, out);
	s->committed = true;
}

/* A PREPARE for something else than the leader told me: the voter is shown what I was told. If the leader told it otherwise, it holds the proof then. Once for each
 * vote, which is once for each member, sequence and view. */
static void show_leader_leaf(struct pbft *p, const struct pbft_slot *s, const struct bft_vmsg *m, bft_view view, const struct bft_leaf *leaf,
                             struct bft_effects *out)
{
	const struct pbft_vote *told = slot_vote(p, s, false, pbft_leader(p, view));
	if (leaf->kind != BFT_LEAF_PREPARE || view != p->view || m->from == p->self || !told->set || !told->wire || told->view != view)
		return;
	if (digest_equal(&told->digest, &leaf->digest))
		return;
	struct bft_effect *e = effects_add(out, BFT_FX_FORWARD);
	e->ref = told->wire;
	e->from = pbft_leader(p, view);
	e->to = BFT_BIT(m->from);
}

static enum bft_verdict on_leaf(struct pbft *p, const struct bft_vmsg *m, bft_view view, const struct bft_leaf *leaf, struct bft_effects *out)
{
	enum bft_verdict verdict = leaf_check(p, m, view, leaf);
	if (verdict != BFT_ACCEPT)
		return verdict;
	struct pbft_slot *s = slot_open(p, leaf->seq, out);
	bool commit = leaf->kind == BFT_LEAF_COMMIT;
	verdict = vote_store(slot_vote(p, s, commit, m->from), m, view, leaf, out);
	if (verdict == BFT_CONVICT && leaf->kind == BFT_LEAF_PRE_PREPARE && view == p->view)
		suspect_leader(p, PBFT_WHY_TWO_PRE_PREPARES, out);
	if (verdict != BFT_ACCEPT)
		return verdict;
	if (commit) {
		view_change_against_commit(p, m, view, leaf, out);
		commit_decides(p, s, view, &leaf->digest, out);
	}
	show_leader_leaf(p, s, m, view, leaf, out);
	slot_progress(p, s, out);
	return BFT_ACCEPT;
}

enum bft_verdict on_votes(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct bft_votes *votes = m->body;
	enum bft_verdict worst = BFT_ACCEPT;
	for (uint16_t i = 0; i < votes->count; i++) {
		enum bft_verdict verdict = on_leaf(p, m, votes->view, &votes->leaf[i], out);
		if (verdict > worst)
			worst = verdict;
	}
	execute_dispatch(p, out);
	return worst;
}

/* The current leader's leaf becomes the slot's proposal. */
static void take_proposal(struct pbft *p, struct pbft_slot *s, struct bft_effects *out)
{
	const struct pbft_vote *leader = slot_vote(p, s, false, pbft_leader(p, p->view));
	if (s->proposed || !leader->set || leader->view != p->view)
		return;
	/* What q members decided meanwhile, in a later view that I have not entered, says nothing about what this one's NEW-VIEW required. */
	if (s->committed && !digest_equal(&leader->digest, &s->digest))
		return;
	if (s->required && !digest_equal(&leader->digest, &s->digest)) {
		/* Its leaf contradicts its own NEW-VIEW. */
		if (s->contradicted)
			return;
		s->contradicted = true;
		pbft_blame(out, pbft_leader(p, p->view), BFT_CONVICT, PBFT_WHY_NOT_REPROPOSED, leader->wire, p->new_view_wire);
		suspect_leader(p, PBFT_WHY_NOT_REPROPOSED, out);
		return;
	}
	slot_set_digest(s, &leader->digest, p, out);
	s->proposed = true;
}

/* A standing order to those who claim the body: the leader first, then whoever voted for it. */
static void fetch_body(struct pbft *p, struct pbft_slot *s, struct bft_effects *out)
{
	if (s->held || s->invalid || !s->has_digest || !(s->proposed || s->committed || s->required))
		return;
	bft_mask claim = slot_voters(p, s, false, p->view, &s->digest);
	for (uint32_t i = 0; i < p->n; i++) {
		const struct pbft_vote *v = slot_vote(p, s, true, i);
		if (v->set && digest_equal(&v->digest, &s->digest))
			claim |= BFT_BIT(i);
	}
	/* A re-proposal, or what is decided, is on the disk of q-1-f >= f correct backups: anyone may have it. */
	if (s->required || s->committed)
		claim = p->members;
	claim &= pbft_others(p);
	if (s->fetching && (claim & ~s->asked) == 0)
		return;
	s->fetching = true;
	s->asked |= claim;
	struct bft_effect *e = effects_add(out, BFT_FX_FETCH);
	e->digest = s->digest;
	e->seq = s->seq;
	e->to = s->asked;
}

/* Too far ahead of my clock is a reason not to prepare a first proposal, and it yields once f+1 members have prepared. */
static bool time_allows(const struct pbft *p, const struct pbft_slot *s)
{
	if (s->required || s->time_ms <= p->wall_ms || s->time_ms - p->wall_ms <= p->limits.drift_ms)
		return true;
	return mask_count(slot_voters(p, s, false, p->view, &s->digest)) >= p->weak;
}

/* Far behind my clock is no reason against this proposal, but one against its leader: with agreed time all stands still that ends with time, and openings of
 * sessions, which name the right time, are void. Not when it is old for another reason: decided already, or while I was away.
 * The null proposal says nothing of time. */
static void judge_lag(struct pbft *p, const struct pbft_slot *s)
{
	if (s->required || s->committed || pbft_behind(p) || digest_equal(&s->digest, &p->null_digest))
		return;
	bool lags = s->time_ms < p->wall_ms && p->wall_ms - s->time_ms > p->limits.drift_ms;
	bft_mask leader = BFT_BIT(pbft_leader(p, p->view));
	p->lags = lags ? p->lags | leader : p->lags & ~leader;
}

/* PREPARE means "the whole proposal, checked, is on my disk": its record carries the body and the vote waits for it. */
static void vote_prepare(struct pbft *p, struct pbft_slot *s, struct bft_effects *out)
{
	bool leader = pbft_leader(p, p->view) == p->self;
	if (s->voted || s->invalid || !s->held || p->mode != PBFT_NORMAL || !pbft_may_sign(p) || !pbft_in_window(p, s->seq))
		return;
	if (leader ? !s->required || p->resigned : !s->proposed || !time_allows(p, s))
		return;
	struct pbft_rec_vote *rec = effects_room(out, sizeof *rec);
	if (!rec)
		return;
	if (!leader)
		judge_lag(p, s);
	*rec = (struct pbft_rec_vote){ .view = p->view, .seq = s->seq, .digest = s->digest };
	s->voted = true;
	s->own_prepare_set = true;
	s->own_prepare_view = p->view;
	s->own_prepare = s->digest;
	bft_lsn lsn = pbft_persist(p, out, PBFT_REC_PREPARE, rec, sizeof *rec, &s->digest);
	pbft_send_leaf(p, out, leader ? BFT_LEAF_PRE_PREPARE : BFT_LEAF_PREPARE, s->seq, &s->digest, p->members, lsn);
}

/* Prepared: q votes of this view, mine among them. COMMIT means "and the prepared certificate is on my disk". */
static void vote_commit(struct pbft *p, struct pbft_slot *s, struct bft_effects *out)
{
	if (!s->voted || s->prepared || p->mode != PBFT_NORMAL || !pbft_may_sign(p))
		return;
	bft_mask voters = slot_voters(p, s, false, p->view, &s->digest);
	if (mask_count(voters) < p->q || !(voters & BFT_BIT(p->self)))
		return;
	struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
	if (!cert)
		return;
	*cert = (struct bft_certificate_refs){ .view = p->view, .seq = s->seq, .digest = s->digest, .signers = voters };
	for (uint32_t i = 0; i < p->n; i++)
		if (voters & BFT_BIT(i))
			cert->wire[i] = slot_vote(p, s, false, i)->wire;
	s->prepared = true;
	s->own_commit_set = true;
	s->own_commit_view = p->view;
	s->own_commit = s->digest;
	bft_lsn lsn = pbft_persist(p, out, PBFT_REC_COMMIT, cert, sizeof *cert, NULL);
	pbft_send_leaf(p, out, BFT_LEAF_COMMIT, s->seq, &s->digest, p->members, lsn);
}

void slot_progress(struct pbft *p, struct pbft_slot *s, struct bft_effects *out)
{
	if (p->mode == PBFT_NORMAL && s->seq > p->low)
		take_proposal(p, s, out);
	fetch_body(p, s, out);
	vote_prepare(p, s, out);
	vote_commit(p, s, out);
}

void slots_progress(struct pbft *p, struct bft_effects *out)
{
	for (bft_seq seq = p->executed < p->low ? p->executed + 1 : p->low + 1; seq <= p->low + p->limits.window; seq++) {
		struct pbft_slot *s = slot_find(p, seq);
		if (s)
			slot_progress(p, s, out);
	}
	execute_dispatch(p, out);
}

static void proposal_invalid(struct pbft *p, struct pbft_slot *s, struct bft_effects *out)
{
	s->invalid = true;
	if (!s->proposed || s->required)
		return;
	const struct pbft_vote *leader = slot_vote(p, s, false, pbft_leader(p, p->view));
	pbft_blame(out, pbft_leader(p, p->view), BFT_CONVICT, PBFT_WHY_INVALID_PROPOSAL, leader->wire, 0);
	suspect_leader(p, PBFT_WHY_INVALID_PROPOSAL, out);
}

void on_held(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	for (uint32_t i = 0; i < p->catch_count; i++)
		if (digest_equal(&p->catch_digest[i], &e->digest) && e->ok)
			p->catch_held[i] = true;
	bft_seq first = p->low > p->limits.window ? p->low - p->limits.window : 0;
	for (bft_seq seq = first + 1; seq <= p->low + p->limits.window; seq++) {
		struct pbft_slot *s = slot_find(p, seq);
		if (!s || !s->has_digest || s->held || !digest_equal(&s->digest, &e->digest))
			continue;
		/* What q members decided is executed even when I find it invalid: execution answers, deterministically. */
		if (!e->ok && !s->committed) {
			proposal_invalid(p, s, out);
			continue;
		}
		s->held = true;
		s->time_ms = e->time_ms;
		s->requests = (uint32_t)e->data_count;
		thin_held(p, s, e->bytes);
		slot_progress(p, s, out);
	}
	execute_dispatch(p, out);
}
