/* A contradiction that the core found becomes evidence: bytes that anybody with the genesis can check. */
#include "bft/pbft/evidence.h"
#include "bft/pbft/pbft.h"

static void add(struct evidence *e, const struct evidence_message *m)
{
	e->message[e->count++] = *m;
}

/* A vote as its leaf and path: the file is about one place, and small. */
static void add_leaf(struct evidence *e, struct evidence_room *room, const struct evidence_message *m, const struct bft_votes *votes, uint16_t index)
{
	struct evidence_message leaf = *m;
	leaf.form = EVIDENCE_LEAF;
	leaf.body = room->leaf[e->count];
	leaf.n = evidence_leaf(room->leaf[e->count], votes, index);
	add(e, &leaf);
}

static bool decode(const struct evidence_message *m, uint16_t type, void *body)
{
	return m->type == type && pbft_decode(type, body, m->body, m->n) == m->n;
}

static enum evidence_predicate two_of(uint8_t leaf_kind)
{
	switch ((enum bft_leaf_kind)leaf_kind) {
	case BFT_LEAF_PRE_PREPARE: return EVIDENCE_TWO_PRE_PREPARES;
	case BFT_LEAF_PREPARE: return EVIDENCE_TWO_PREPARES;
	case BFT_LEAF_COMMIT: break;
	}
	return EVIDENCE_TWO_COMMITS;
}

/* The first place at which two VOTES differ. A liar that differs at many is shown once. */
static bool two_votes(struct evidence *e, struct evidence_room *room, const struct evidence_message *m, const struct evidence_message *other, bool pre_prepares)
{
	struct bft_votes *a = &room->votes[0], *b = &room->votes[1];
	if (!decode(m, PBFT_VOTES, a) || !decode(other, PBFT_VOTES, b) || a->view != b->view)
		return false;
	for (uint16_t i = 0; i < a->count; i++)
		for (uint16_t k = 0; k < b->count; k++) {
			const struct bft_leaf *x = &a->leaf[i], *y = &b->leaf[k];
			if (x->kind != y->kind || x->seq != y->seq || digest_equal(&x->digest, &y->digest))
				continue;
			if (pre_prepares != (x->kind == BFT_LEAF_PRE_PREPARE))
				continue;
			e->predicate = two_of(x->kind);
			e->view = a->view;
			e->seq = x->seq;
			add_leaf(e, room, m, a, i);
			add_leaf(e, room, other, b, k);
			return true;
		}
	return false;
}

static bool two_bodies(struct evidence *e, struct evidence_room *room, const struct evidence_message *m, const struct evidence_message *other,
                       enum evidence_predicate predicate)
{
	const union pbft_body *body = &room->body;
	if (!decode(m, m->type, &room->body))
		return false;
	e->predicate = predicate;
	switch ((enum pbft_type)m->type) {
	case PBFT_CHECKPOINT: e->seq = body->checkpoint.seq; break;
	case PBFT_SNAPSHOT: e->seq = body->snapshot.seq; break;
	case PBFT_VIEW_CHANGE: e->view = body->view_change.view; break;
	case PBFT_NEW_VIEW: e->view = body->new_view.view; break;
	default: return false;
	}
	add(e, m);
	add(e, other);
	return true;
}

/* `m`: the VOTES with the COMMIT. The first that is hidden. */
static bool hidden_commit(struct evidence *e, struct evidence_room *room, const struct evidence_message *m, const struct evidence_message *view_change)
{
	struct bft_votes *votes = &room->votes[0];
	struct pbft_view_change *vc = &room->view_change[0];
	if (!decode(m, PBFT_VOTES, votes) || !decode(view_change, PBFT_VIEW_CHANGE, vc))
		return false;
	for (uint16_t i = 0; i < votes->count; i++) {
		const struct bft_leaf *l = &votes->leaf[i];
		if (l->kind != BFT_LEAF_COMMIT || !evidence_hides(vc, votes->view, l->seq, &l->digest))
			continue;
		e->predicate = EVIDENCE_HIDDEN_COMMIT;
		e->view = votes->view;
		e->seq = l->seq;
		add_leaf(e, room, m, votes, i);
		add(e, view_change);
		return true;
	}
	return false;
}

static bool not_reproposed(struct evidence *e, struct evidence_room *room, const struct evidence_message *m, const struct evidence_message *new_view)
{
	struct bft_votes *votes = &room->votes[0];
	struct pbft_new_view *nv = &room->new_view[0];
	if (!decode(m, PBFT_VOTES, votes) || !decode(new_view, PBFT_NEW_VIEW, nv) || votes->view != nv->view)
		return false;
	for (uint16_t i = 0; i < votes->count; i++) {
		const struct bft_leaf *l = &votes->leaf[i];
		if (l->kind != BFT_LEAF_PRE_PREPARE || l->seq <= nv->stable || l->seq - nv->stable > nv->count)
			continue;
		if (digest_equal(&l->digest, &nv->digest[l->seq - nv->stable - 1]))
			continue;
		e->predicate = EVIDENCE_NOT_REPROPOSED;
		e->view = nv->view;
		e->seq = l->seq;
		add_leaf(e, room, m, votes, i);
		add(e, new_view);
		return true;
	}
	return false;
}

static bool false_new_view(struct evidence *e, struct evidence_room *room, const struct evidence_message *m, const struct evidence_source *source)
{
	struct pbft_new_view *nv = &room->new_view[0];
	if (!decode(m, PBFT_NEW_VIEW, nv))
		return false;
	e->predicate = EVIDENCE_FALSE_NEW_VIEW;
	e->view = nv->view;
	add(e, m);
	for (uint8_t i = 0; i < nv->sources_count; i++) {
		struct evidence_message vc;
		if (!source->find(source->user, nv->source[i].member, PBFT_VIEW_CHANGE, &nv->source[i].digest, &vc))
			return false;
		add(e, &vc);
	}
	return true;
}

bool pbft_gather(struct evidence *e, uint16_t reason, const struct evidence_message *m, const struct evidence_message *other,
                 const struct evidence_source *source, struct evidence_room *room)
{
	switch ((enum pbft_reason)reason) {
	case PBFT_WHY_TWO_PRE_PREPARES: return other && two_votes(e, room, m, other, true);
	case PBFT_WHY_TWO_VOTES: return other && two_votes(e, room, m, other, false);
	case PBFT_WHY_TWO_CHECKPOINTS: return other && two_bodies(e, room, m, other, EVIDENCE_TWO_CHECKPOINTS);
	case PBFT_WHY_TWO_SNAPSHOTS: return other && two_bodies(e, room, m, other, EVIDENCE_TWO_SNAPSHOTS);
	case PBFT_WHY_TWO_VIEW_CHANGES: return other && two_bodies(e, room, m, other, EVIDENCE_TWO_VIEW_CHANGES);
	case PBFT_WHY_HIDDEN_COMMIT: return other && hidden_commit(e, room, m, other);
	case PBFT_WHY_TWO_NEW_VIEWS: return other && two_bodies(e, room, m, other, EVIDENCE_TWO_NEW_VIEWS);
	case PBFT_WHY_NOT_REPROPOSED: return other && not_reproposed(e, room, m, other);
	case PBFT_WHY_FALSE_NEW_VIEW: return false_new_view(e, room, m, source);
	default: return false; /* an invalid proposal: its body is too large for a file of evidence */
	}
}

/* ---- for people ---- */

static const char *leaf_name(uint8_t kind)
{
	static const char *const names[] = { "vote", "PRE-PREPARE", "PREPARE", "COMMIT" };
	return names[kind <= BFT_LEAF_COMMIT ? kind : 0];
}

static void say_body(struct evidence_said *out, uint16_t type, const union pbft_body *m)
{
	switch ((enum pbft_type)type) {
	case PBFT_VOTES:
		*out = (struct evidence_said){ .what = "VOTES", .has_view = true, .view = m->votes.view, .count = m->votes.count, .counted = "of them" };
		break;
	case PBFT_VIEW_CHANGE:
		*out = (struct evidence_said){ .what = "VIEW-CHANGE",
			                       .has_view = true,
			                       .view = m->view_change.view,
			                       .has_stable = true,
			                       .stable = m->view_change.stable,
			                       .count = m->view_change.count,
			                       .counted = "prepared" };
		break;
	case PBFT_NEW_VIEW:
		*out = (struct evidence_said){ .what = "NEW-VIEW",
			                       .has_view = true,
			                       .view = m->new_view.view,
			                       .has_stable = true,
			                       .stable = m->new_view.stable,
			                       .count = m->new_view.count,
			                       .counted = "proposed again" };
		break;
	case PBFT_CHECKPOINT:
		*out = (struct evidence_said){
			.what = "CHECKPOINT", .has_seq = true, .seq = m->checkpoint.seq, .has_chain = true, .chain = m->checkpoint.chain
		};
		break;
	case PBFT_SNAPSHOT:
		*out = (struct evidence_said){ .what = "SNAPSHOT",
			                       .has_seq = true,
			                       .seq = m->snapshot.seq,
			                       .has_chain = true,
			                       .chain = m->snapshot.chain,
			                       .has_root = true,
			                       .root = m->snapshot.root };
		break;
	default: *out = (struct evidence_said){ 0 }; break;
	}
}

bool pbft_say(struct evidence_said *out, const struct evidence_message *m, struct evidence_room *room)
{
	if (m->form == EVIDENCE_LEAF && evidence_leaf_read(m, &room->votes[0])) {
		const struct bft_leaf *l = &room->votes[0].leaf[0];
		*out = (struct evidence_said){ .what = leaf_name(l->kind),
			                       .has_view = true,
			                       .view = room->votes[0].view,
			                       .has_seq = true,
			                       .seq = l->seq,
			                       .has_digest = true,
			                       .digest = l->digest };
		return true;
	}
	if (m->form != EVIDENCE_WHOLE || !decode(m, m->type, &room->body))
		return false;
	say_body(out, m->type, &room->body);
	return true;
}
