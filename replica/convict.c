/* A contradiction that the core found becomes evidence: bytes that anybody with the genesis can check (bft/pbft/evidence.h). */
#include "bft/pbft/evidence.h"
#include "bft/pbft/pbft.h"
#include "replica/driver_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct work {
	struct evidence evidence;
	struct evidence_room room;
	uint8_t leaf[2][EVIDENCE_LEAF_BYTES_MAX];
	uint8_t bytes[EVIDENCE_BYTES_MAX];
};

static struct evidence_message *add(struct evidence *e, const struct message *m)
{
	struct evidence_message *out = &e->message[e->count++];
	/* Certificates behind the core's part are under no signature. */
	*out = (struct evidence_message){ .signer = m->signer, .type = m->type, .signature = m->signature, .body = m->body, .n = m->core_bytes };
	return out;
}

static void add_leaf(struct work *w, const struct message *m, const struct pbft_votes *votes, uint16_t index)
{
	uint8_t *bytes = w->leaf[w->evidence.count];
	struct evidence_message *out = add(&w->evidence, m);
	out->form = EVIDENCE_LEAF;
	out->n = evidence_leaf(bytes, votes, index);
	out->body = bytes;
}

static bool decode(const struct message *m, uint16_t type, void *body)
{
	return m->type == type && bft_pbft.decode(type, body, m->body, m->core_bytes) == m->core_bytes;
}

static enum evidence_predicate two_of(uint8_t leaf_kind)
{
	switch ((enum pbft_leaf_kind)leaf_kind) {
	case PBFT_LEAF_PRE_PREPARE: return EVIDENCE_TWO_PRE_PREPARES;
	case PBFT_LEAF_PREPARE: return EVIDENCE_TWO_PREPARES;
	case PBFT_LEAF_COMMIT: break;
	}
	return EVIDENCE_TWO_COMMITS;
}

/* The first place at which two VOTES differ. A liar that differs at many is shown once. */
static bool two_votes(struct work *w, const struct message *m, const struct message *other, bool pre_prepares)
{
	struct pbft_votes *a = &w->room.votes[0], *b = &w->room.votes[1];
	if (!decode(m, PBFT_VOTES, a) || !decode(other, PBFT_VOTES, b) || a->view != b->view)
		return false;
	for (uint16_t i = 0; i < a->count; i++)
		for (uint16_t k = 0; k < b->count; k++) {
			const struct pbft_leaf *x = &a->leaf[i], *y = &b->leaf[k];
			if (x->kind != y->kind || x->seq != y->seq || digest_equal(&x->digest, &y->digest))
				continue;
			if (pre_prepares != (x->kind == PBFT_LEAF_PRE_PREPARE))
				continue;
			w->evidence.predicate = two_of(x->kind);
			w->evidence.view = a->view;
			w->evidence.seq = x->seq;
			add_leaf(w, m, a, i);
			add_leaf(w, other, b, k);
			return true;
		}
	return false;
}

static bool two_bodies(struct work *w, const struct message *m, const struct message *other, enum evidence_predicate predicate)
{
	const union pbft_body *body = &w->room.body;
	if (!decode(m, m->type, &w->room.body))
		return false;
	w->evidence.predicate = predicate;
	switch ((enum pbft_type)m->type) {
	case PBFT_CHECKPOINT: w->evidence.seq = body->checkpoint.seq; break;
	case PBFT_SNAPSHOT: w->evidence.seq = body->snapshot.seq; break;
	case PBFT_VIEW_CHANGE: w->evidence.view = body->view_change.view; break;
	case PBFT_NEW_VIEW: w->evidence.view = body->new_view.view; break;
	default: return false;
	}
	add(&w->evidence, m);
	add(&w->evidence, other);
	return true;
}

/* `m`: the VOTES with the COMMIT. The first that is hidden. */
static bool hidden_commit(struct work *w, const struct message *m, const struct message *view_change)
{
	struct pbft_votes *votes = &w->room.votes[0];
	struct pbft_view_change *vc = &w->room.view_change[0];
	if (!decode(m, PBFT_VOTES, votes) || !decode(view_change, PBFT_VIEW_CHANGE, vc))
		return false;
	for (uint16_t i = 0; i < votes->count; i++) {
		const struct pbft_leaf *l = &votes->leaf[i];
		if (l->kind != PBFT_LEAF_COMMIT || !evidence_hides(vc, votes->view, l->seq, &l->digest))
			continue;
		w->evidence.predicate = EVIDENCE_HIDDEN_COMMIT;
		w->evidence.view = votes->view;
		w->evidence.seq = l->seq;
		add_leaf(w, m, votes, i);
		add(&w->evidence, view_change);
		return true;
	}
	return false;
}

static bool not_reproposed(struct work *w, const struct message *m, const struct message *new_view)
{
	struct pbft_votes *votes = &w->room.votes[0];
	struct pbft_new_view *nv = &w->room.new_view[0];
	if (!decode(m, PBFT_VOTES, votes) || !decode(new_view, PBFT_NEW_VIEW, nv) || votes->view != nv->view)
		return false;
	for (uint16_t i = 0; i < votes->count; i++) {
		const struct pbft_leaf *l = &votes->leaf[i];
		if (l->kind != PBFT_LEAF_PRE_PREPARE || l->seq <= nv->stable || l->seq - nv->stable > nv->count)
			continue;
		if (digest_equal(&l->digest, &nv->digest[l->seq - nv->stable - 1]))
			continue;
		w->evidence.predicate = EVIDENCE_NOT_REPROPOSED;
		w->evidence.view = nv->view;
		w->evidence.seq = l->seq;
		add_leaf(w, m, votes, i);
		add(&w->evidence, new_view);
		return true;
	}
	return false;
}

static bool false_new_view(struct driver *d, struct work *w, const struct message *m)
{
	struct pbft_new_view *nv = &w->room.new_view[0];
	if (!decode(m, PBFT_NEW_VIEW, nv))
		return false;
	w->evidence.predicate = EVIDENCE_FALSE_NEW_VIEW;
	w->evidence.view = nv->view;
	add(&w->evidence, m);
	for (uint8_t i = 0; i < nv->sources_count; i++) {
		bft_ref ref = messages_find(d->messages, nv->source[i].member, PBFT_VIEW_CHANGE, &nv->source[i].digest);
		if (!ref || !message_verified(d, ref))
			return false;
		add(&w->evidence, messages_at(d->messages, ref));
	}
	return true;
}

static bool gather(struct driver *d, struct work *w, const struct bft_effect *e)
{
	const struct message *m = messages_at(d->messages, e->ref), *other = e->other ? messages_at(d->messages, e->other) : NULL;
	switch ((enum pbft_reason)e->reason) {
	case PBFT_WHY_TWO_PRE_PREPARES: return other && two_votes(w, m, other, true);
	case PBFT_WHY_TWO_VOTES: return other && two_votes(w, m, other, false);
	case PBFT_WHY_TWO_CHECKPOINTS: return other && two_bodies(w, m, other, EVIDENCE_TWO_CHECKPOINTS);
	case PBFT_WHY_TWO_SNAPSHOTS: return other && two_bodies(w, m, other, EVIDENCE_TWO_SNAPSHOTS);
	case PBFT_WHY_TWO_VIEW_CHANGES: return other && two_bodies(w, m, other, EVIDENCE_TWO_VIEW_CHANGES);
	case PBFT_WHY_HIDDEN_COMMIT: return other && hidden_commit(w, m, other);
	case PBFT_WHY_TWO_NEW_VIEWS: return other && two_bodies(w, m, other, EVIDENCE_TWO_NEW_VIEWS);
	case PBFT_WHY_NOT_REPROPOSED: return other && not_reproposed(w, m, other);
	case PBFT_WHY_FALSE_NEW_VIEW: return false_new_view(d, w, m);
	default: return false; /* an invalid proposal: its body is too large for a file of evidence */
	}
}

void convict(struct driver *d, const struct bft_effect *effect)
{
	char name[96];
	if (!d->options.env.evidence || !effect->ref)
		return;
	struct work *w = malloc(sizeof *w);
	if (!w)
		return; /* evidence is a by-product: what the replica does depends on none of it */
	struct evidence *e = &w->evidence;
	*e = (struct evidence){ .cluster = d->cluster, .epoch = d->epoch, .culprit = effect->from };
	size_t n = gather(d, w, effect) ? evidence_encode(e, w->bytes, sizeof w->bytes) : 0;
	if (n) {
		snprintf(name, sizeof name, "%u-%s-%llu-%llu.evidence", e->culprit, evidence_name(e->predicate), (unsigned long long)e->view,
		         (unsigned long long)e->seq);
		d->options.env.evidence(d->options.env.user, w->bytes, n, name);
	}
	free(w);
}
