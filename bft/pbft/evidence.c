#include "bft/pbft/evidence.h"

#include "bft/check.h"
#include "bft/order.h"
#include "bft/pbft/pbft.h"
#include "bft/proposal.h"

#include <string.h>

static bool read_votes(const struct evidence_message *m, struct bft_votes *out, struct digest *signed_digest)
{
	if (m->type != PBFT_VOTES)
		return false;
	if (m->form == EVIDENCE_LEAF)
		return evidence_leaf_signed(m, out, signed_digest);
	if (pbft_decode(PBFT_VOTES, out, m->body, m->n) != m->n)
		return false;
	votes_digest_of(signed_digest, out);
	return true;
}

/* `body` has the size of its type. */
static bool read_whole(const struct evidence_message *m, uint16_t type, void *body)
{
	return m->type == type && m->form == EVIDENCE_WHOLE && pbft_decode(type, body, m->body, m->n) == m->n;
}

static bool body_digest(struct digest *out, const struct evidence_message *m, struct evidence_room *room)
{
	if (m->type == PBFT_VOTES)
		return read_votes(m, &room->body.votes, out);
	if (!read_whole(m, m->type, &room->body))
		return false;
	pbft_body_digest(out, m->type, m->body, m->n);
	return true;
}

bool evidence_statement(struct statement *out, const struct evidence *e, uint32_t i, struct evidence_room *room)
{
	struct digest digest;
	BFT_CHECK(i < e->count);
	if (!body_digest(&digest, &e->message[i], room))
		return false;
	statement_make(out, pbft_domain(e->message[i].type), &e->cluster, e->epoch, &digest);
	return true;
}

/* ---- the predicates ---- */

static const char *const malformed = "a message in it is malformed, or of another kind than what it claims is about";
static const char *const elsewhere = "its messages are about another place than it says";
static const char *const agree = "its messages do not contradict each other";

/* The leaf of `kind` for the place; the last of several, or the first whose digest is not `unlike`. */
static const struct bft_leaf *leaf_for(const struct bft_votes *votes, uint8_t kind, bft_seq seq, const struct digest *unlike)
{
	const struct bft_leaf *found = NULL;
	for (uint16_t i = 0; i < votes->count; i++) {
		const struct bft_leaf *l = &votes->leaf[i];
		if (l->kind != kind || l->seq != seq)
			continue;
		found = l;
		if (unlike && !digest_equal(&l->digest, unlike))
			return l;
	}
	return found;
}

static const char *two_votes(const struct evidence *e, uint8_t kind, struct evidence_room *room)
{
	struct bft_votes *a = &room->votes[0], *b = &room->votes[1];
	struct digest ignored;
	if (!read_votes(&e->message[0], a, &ignored) || !read_votes(&e->message[1], b, &ignored))
		return malformed;
	const struct bft_leaf *one = leaf_for(a, kind, e->seq, NULL);
	const struct bft_leaf *other = one ? leaf_for(b, kind, e->seq, &one->digest) : NULL;
	if (a->view != e->view || b->view != e->view || !one || !other)
		return elsewhere;
	return digest_equal(&one->digest, &other->digest) ? agree : NULL;
}

/* Two messages of one type, each about (view, seq), with different bodies: one value has one encoding, so the bytes are compared. */
static const char *two_bodies(const struct evidence *e, uint16_t type, struct evidence_room *room)
{
	for (uint32_t i = 0; i < 2; i++) {
		if (!read_whole(&e->message[i], type, &room->body))
			return malformed;
		bft_view view = type == PBFT_VIEW_CHANGE ? room->body.view_change.view : type == PBFT_NEW_VIEW ? room->body.new_view.view : 0;
		bft_seq seq = type == PBFT_CHECKPOINT ? room->body.checkpoint.seq : type == PBFT_SNAPSHOT ? room->body.snapshot.seq : 0;
		if (view != e->view || seq != e->seq)
			return elsewhere;
	}
	const struct evidence_message *a = &e->message[0], *b = &e->message[1];
	return a->n == b->n && memcmp(a->body, b->body, a->n) == 0 ? agree : NULL;
}

bool evidence_hides(const struct pbft_view_change *vc, bft_view view, bft_seq seq, const struct digest *digest)
{
	/* What is at or below the stable checkpoint need not be shown. */
	if (vc->view <= view || vc->stable >= seq)
		return false;
	for (uint16_t i = 0; i < vc->count; i++)
		if (vc->prepared[i].seq == seq)
			return vc->prepared[i].view < view || (vc->prepared[i].view == view && !digest_equal(&vc->prepared[i].digest, digest));
	return true;
}

static const char *hidden_commit(const struct evidence *e, struct evidence_room *room)
{
	struct bft_votes *votes = &room->votes[0];
	struct pbft_view_change *vc = &room->view_change[0];
	struct digest ignored;
	if (!read_votes(&e->message[0], votes, &ignored) || !read_whole(&e->message[1], PBFT_VIEW_CHANGE, vc))
		return malformed;
	const struct bft_leaf *commit = leaf_for(votes, BFT_LEAF_COMMIT, e->seq, NULL);
	if (votes->view != e->view || !commit)
		return elsewhere;
	return evidence_hides(vc, e->view, commit->seq, &commit->digest) ? NULL : agree;
}

static const char *not_reproposed(const struct evidence *e, struct evidence_room *room)
{
	struct bft_votes *votes = &room->votes[0];
	struct pbft_new_view *nv = &room->new_view[0];
	struct digest ignored;
	if (!read_votes(&e->message[0], votes, &ignored) || !read_whole(&e->message[1], PBFT_NEW_VIEW, nv))
		return malformed;
	if (votes->view != e->view || nv->view != e->view || e->seq <= nv->stable || e->seq - nv->stable > nv->count)
		return elsewhere;
	const struct digest *said = &nv->digest[e->seq - nv->stable - 1];
	const struct bft_leaf *leaf = leaf_for(votes, BFT_LEAF_PRE_PREPARE, e->seq, said);
	if (!leaf)
		return elsewhere;
	return digest_equal(&leaf->digest, said) ? agree : NULL;
}

/* What it says of itself cannot be, whatever the VIEW-CHANGEs say. */
static bool false_alone(const struct pbft_new_view *nv, uint8_t signer, const struct bft_genesis *g, const struct bft_roster *roster)
{
	if (roster_leader(roster, nv->view) != signer || nv->sources_count != roster_quorum(roster) || nv->count > g->limits.window)
		return true;
	for (uint8_t i = 0; i < nv->sources_count; i++)
		if (!roster_has(roster, nv->source[i].member))
			return true;
	return false;
}

static bool follows(const struct evidence *e, const struct bft_genesis *g, struct evidence_room *room)
{
	const struct pbft_view_change *vcs[BFT_MEMBERS_MAX];
	const struct pbft_new_view *said = &room->new_view[0];
	struct pbft_new_view *right = &room->new_view[1];
	struct digest null_digest;
	proposal_null_digest(&null_digest, &e->cluster);
	for (uint8_t i = 0; i < said->sources_count; i++) {
		vcs[i] = &room->view_change[i];
		if (vcs[i]->view != said->view)
			return false;
	}
	new_view_select(vcs, said->sources_count, &null_digest, g->limits.window, right);
	return right->stable == said->stable && digest_equal(&right->chain, &said->chain) && right->count == said->count &&
	       memcmp(right->digest, said->digest, right->count * sizeof right->digest[0]) == 0;
}

static const char *false_new_view(const struct evidence *e, const struct bft_genesis *g, const struct bft_roster *roster, struct evidence_room *room)
{
	struct pbft_new_view *nv = &room->new_view[0];
	if (!read_whole(&e->message[0], PBFT_NEW_VIEW, nv))
		return malformed;
	if (nv->view != e->view || e->seq != 0)
		return elsewhere;
	if (false_alone(nv, e->culprit, g, roster))
		return e->count == 1 ? NULL : "it has more messages than it needs";
	if (e->count != 1 + nv->sources_count)
		return "it lacks VIEW-CHANGEs that the NEW-VIEW names";
	for (uint8_t i = 0; i < nv->sources_count; i++) {
		const struct evidence_message *m = &e->message[1 + i];
		struct digest digest;
		if (!read_whole(m, PBFT_VIEW_CHANGE, &room->view_change[i]))
			return malformed;
		pbft_body_digest(&digest, PBFT_VIEW_CHANGE, m->body, m->n);
		if (m->signer != nv->source[i].member || !digest_equal(&digest, &nv->source[i].digest))
			return "it has other VIEW-CHANGEs than the NEW-VIEW names";
	}
	return follows(e, g, room) ? agree : NULL;
}

/* Signers: every message is the culprit's own, but for the VIEW-CHANGEs behind a NEW-VIEW. */
static const char *signers(const struct evidence *e)
{
	uint32_t own = e->predicate == EVIDENCE_FALSE_NEW_VIEW ? 1 : e->count;
	if (e->predicate != EVIDENCE_FALSE_NEW_VIEW && e->count != 2)
		return "it has another number of messages than what it claims needs";
	for (uint32_t i = 0; i < own; i++)
		if (e->message[i].signer != e->culprit)
			return "a message in it is not of the one whom it accuses";
	return NULL;
}

const char *evidence_holds(const struct evidence *e, const struct bft_genesis *g, const struct bft_roster *roster, struct evidence_room *room)
{
	const char *why = signers(e);
	if (why)
		return why;
	switch (e->predicate) {
	case EVIDENCE_TWO_PRE_PREPARES: return two_votes(e, BFT_LEAF_PRE_PREPARE, room);
	case EVIDENCE_TWO_PREPARES: return two_votes(e, BFT_LEAF_PREPARE, room);
	case EVIDENCE_TWO_COMMITS: return two_votes(e, BFT_LEAF_COMMIT, room);
	case EVIDENCE_TWO_CHECKPOINTS: return two_bodies(e, PBFT_CHECKPOINT, room);
	case EVIDENCE_TWO_SNAPSHOTS: return two_bodies(e, PBFT_SNAPSHOT, room);
	case EVIDENCE_TWO_VIEW_CHANGES: return two_bodies(e, PBFT_VIEW_CHANGE, room);
	case EVIDENCE_TWO_NEW_VIEWS: return two_bodies(e, PBFT_NEW_VIEW, room);
	case EVIDENCE_HIDDEN_COMMIT: return hidden_commit(e, room);
	case EVIDENCE_NOT_REPROPOSED: return not_reproposed(e, room);
	case EVIDENCE_FALSE_NEW_VIEW: return false_new_view(e, g, roster, room);
	case EVIDENCE_PREDICATE_END: break;
	}
	return "it claims what this release does not know";
}

const char *evidence_verify(struct evidence *e, const uint8_t *bytes, size_t n, const struct epoch_keys *keys, const struct digest *cluster,
                            const struct sign_scheme *scheme, struct evidence_room *room)
{
	const struct bft_genesis *g = keys->genesis;
	const char *why = evidence_decode(e, bytes, n);
	if (why)
		return why;
	if (!digest_equal(&e->cluster, cluster))
		return "it is about another cluster than the genesis";
	if (e->epoch == 0)
		return "it is about an epoch that the genesis does not know";
	if (e->epoch > keys->epoch)
		return "it is about an epoch that is not known here: the chain of epochs is needed, as any replica keeps it in the file 'epochs' of its data";
	struct bft_roster roster = epoch_roster(keys, e->epoch);
	if (roster.mode != BFT_MODE_BFT)
		return "in that epoch the cluster was in trusted mode, where nobody can be convicted";
	if (!roster_has(&roster, e->culprit))
		return "that epoch does not have the member whom it accuses";
	why = evidence_holds(e, g, &roster, room);
	for (uint32_t i = 0; i < e->count && !why; i++) {
		const struct evidence_message *m = &e->message[i];
		struct statement s;
		if (!roster_has(&roster, m->signer))
			why = "that epoch does not have the signer of a message";
		else if (!evidence_statement(&s, e, i, room) || !scheme->verify(&m->signature, &s, epoch_key(keys, m->signer, e->epoch)))
			why = "a signature in it is false";
	}
	return why;
}

const struct evidence_rules pbft_evidence = {
	.room_bytes = sizeof(struct evidence_room),
	.verify = evidence_verify,
	.gather = pbft_gather,
	.say = pbft_say,
};
