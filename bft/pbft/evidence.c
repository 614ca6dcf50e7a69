#include "bft/pbft/evidence.h"

#include "bft/check.h"
#include "bft/envelope.h"
#include "bft/order.h"
#include "bft/pbft/certificate.h"
#include "bft/pbft/pbft.h"
#include "bft/proposal.h"
#include "crypto/merkle.h"

#include <string.h>

#define EVIDENCE_VERSION 1u

static const uint8_t magic[16] = "qr/evidence";

static const struct {
	const char *name, *text;
} predicates[EVIDENCE_PREDICATE_END] = {
	[EVIDENCE_TWO_PRE_PREPARES] = { "two-pre-prepares", "two PRE-PREPAREs with different digests for one place in one view" },
	[EVIDENCE_TWO_PREPARES] = { "two-prepares", "two PREPAREs with different digests for one place in one view" },
	[EVIDENCE_TWO_COMMITS] = { "two-commits", "two COMMITs with different digests for one place in one view" },
	[EVIDENCE_TWO_CHECKPOINTS] = { "two-checkpoints", "two different CHECKPOINTs for one sequence" },
	[EVIDENCE_TWO_SNAPSHOTS] = { "two-snapshots", "two different SNAPSHOTs for one sequence" },
	[EVIDENCE_TWO_VIEW_CHANGES] = { "two-view-changes", "two different VIEW-CHANGEs for one view" },
	[EVIDENCE_TWO_NEW_VIEWS] = { "two-new-views", "two different NEW-VIEWs for one view" },
	[EVIDENCE_HIDDEN_COMMIT] = { "hidden-commit", "a VIEW-CHANGE that hides a COMMIT of an earlier view" },
	[EVIDENCE_NOT_REPROPOSED] = { "not-reproposed", "a PRE-PREPARE that contradicts the leader's own NEW-VIEW" },
	[EVIDENCE_FALSE_NEW_VIEW] = { "false-new-view", "a NEW-VIEW that does not follow from the VIEW-CHANGEs that it names" },
};

static bool known(enum evidence_predicate p)
{
	return p >= EVIDENCE_TWO_PRE_PREPARES && p < EVIDENCE_PREDICATE_END;
}

const char *evidence_text(enum evidence_predicate predicate)
{
	return known(predicate) ? predicates[predicate].text : "nothing";
}

const char *evidence_name(enum evidence_predicate predicate)
{
	return known(predicate) ? predicates[predicate].name : "none";
}

/* ---- bytes ---- */

size_t evidence_encode(const struct evidence *e, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	wr_bytes(&w, magic, sizeof magic);
	wr_u32(&w, EVIDENCE_VERSION);
	wr_bytes(&w, e->cluster.b, DIGEST_BYTES);
	wr_u64(&w, e->epoch);
	wr_u16(&w, (uint16_t)e->predicate);
	wr_u8(&w, e->culprit);
	wr_u64(&w, e->view);
	wr_u64(&w, e->seq);
	wr_u8(&w, e->count);
	for (uint8_t i = 0; i < e->count; i++) {
		const struct evidence_message *m = &e->message[i];
		struct bft_envelope envelope = { .signer = m->signer, .type = m->type, .epoch = e->epoch, .signature = m->signature };
		wr_u8(&w, (uint8_t)m->form);
		wr_u32(&w, (uint32_t)(BFT_FRAME_HEAD_BYTES + m->n));
		envelope_write(&w, &envelope);
		wr_bytes(&w, m->body, m->n);
	}
	return wr_done(&w);
}

static bool read_message(struct rd *r, const struct evidence *e, struct evidence_message *m)
{
	uint8_t form;
	uint32_t n;
	struct bft_envelope envelope;
	if (!rd_u8(r, &form) || form > EVIDENCE_LEAF || !rd_u32(r, &n) || n <= BFT_FRAME_HEAD_BYTES || n > rd_left(r) || !envelope_read(r, &envelope))
		return false;
	if (envelope.epoch != e->epoch || envelope.signer >= BFT_MEMBERS_MAX || (form == EVIDENCE_LEAF && envelope.type != PBFT_VOTES))
		return false;
	*m = (struct evidence_message){ .form = (enum evidence_form)form, .signer = envelope.signer, .type = envelope.type, .signature = envelope.signature };
	m->n = n - BFT_FRAME_HEAD_BYTES;
	m->body = rd_take(r, m->n);
	return m->body != NULL;
}

const char *evidence_decode(struct evidence *e, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	uint8_t head[sizeof magic];
	uint32_t version;
	uint16_t predicate;
	if (n > EVIDENCE_BYTES_MAX)
		return "it is too large";
	if (!rd_bytes(&r, head, sizeof head) || memcmp(head, magic, sizeof magic) != 0)
		return "it is not an evidence file";
	if (!rd_u32(&r, &version) || version != EVIDENCE_VERSION)
		return "it is of a version that this release does not know";
	if (!rd_bytes(&r, e->cluster.b, DIGEST_BYTES) || !rd_u64(&r, &e->epoch) || !rd_u16(&r, &predicate) || !rd_u8(&r, &e->culprit) ||
	    !rd_u64(&r, &e->view) || !rd_u64(&r, &e->seq) || !rd_u8(&r, &e->count))
		return "it is cut short";
	if (predicate == 0 || predicate >= EVIDENCE_PREDICATE_END)
		return "it claims what this release does not know";
	e->predicate = (enum evidence_predicate)predicate;
	if (e->count == 0 || e->count > EVIDENCE_MESSAGES_MAX)
		return "it has an impossible number of messages";
	for (uint8_t i = 0; i < e->count; i++)
		if (!read_message(&r, e, &e->message[i]))
			return "a message in it is malformed";
	return rd_done(&r) ? NULL : "something follows the last message";
}

/* ---- one leaf of a VOTES ---- */

size_t evidence_leaf(uint8_t bytes[EVIDENCE_LEAF_BYTES_MAX], const struct pbft_votes *votes, uint16_t index)
{
	struct digest leaves[BFT_LEAVES_MAX], path[MERKLE_PATH_MAX];
	BFT_CHECK(index < votes->count && votes->count <= BFT_LEAVES_MAX);
	for (uint16_t i = 0; i < votes->count; i++)
		pbft_leaf_digest(&leaves[i], &votes->leaf[i]);
	uint32_t length = merkle_path(path, leaves, votes->count, index);
	struct wr w = wr_of(bytes, EVIDENCE_LEAF_BYTES_MAX);
	wr_u64(&w, votes->view);
	wr_u16(&w, votes->count);
	wr_u8(&w, (uint8_t)index);
	wr_u8(&w, votes->leaf[index].kind);
	wr_u64(&w, votes->leaf[index].seq);
	wr_bytes(&w, votes->leaf[index].digest.b, DIGEST_BYTES);
	for (uint32_t i = 0; i < length; i++)
		wr_bytes(&w, path[i].b, DIGEST_BYTES);
	return wr_done(&w);
}

/* As a VOTES of this leaf alone, and the digest of the one that was signed. */
static bool read_leaf(const struct evidence_message *m, struct pbft_votes *out, struct digest *signed_digest)
{
	struct rd r = rd_of(m->body, m->n);
	struct pbft_leaf *leaf = &out->leaf[0];
	struct digest path[BFT_LEAF_PATH_MAX], digest, root;
	uint16_t count;
	uint8_t index;
	if (!rd_u64(&r, &out->view) || !rd_u16(&r, &count) || !rd_u8(&r, &index) || !rd_u8(&r, &leaf->kind) || !rd_u64(&r, &leaf->seq) ||
	    !rd_bytes(&r, leaf->digest.b, DIGEST_BYTES))
		return false;
	if (out->view > BFT_VIEW_MAX || leaf->kind < PBFT_LEAF_PRE_PREPARE || leaf->kind > PBFT_LEAF_COMMIT || leaf->seq == 0 || leaf->seq > BFT_SEQ_MAX)
		return false;
	if (count == 0 || count > BFT_LEAVES_MAX || index >= count)
		return false;
	uint32_t length = merkle_path_length(count, index);
	for (uint32_t i = 0; i < length; i++)
		if (!rd_bytes(&r, path[i].b, DIGEST_BYTES))
			return false;
	out->count = 1;
	pbft_leaf_digest(&digest, leaf);
	if (!rd_done(&r) || !merkle_root_from_path(&root, &digest, count, index, path, length))
		return false;
	pbft_votes_digest(signed_digest, out->view, count, &root);
	return true;
}

bool evidence_leaf_read(const struct evidence_message *m, struct pbft_votes *out)
{
	struct digest ignored;
	return read_leaf(m, out, &ignored);
}

static bool read_votes(const struct evidence_message *m, struct pbft_votes *out, struct digest *signed_digest)
{
	if (m->type != PBFT_VOTES)
		return false;
	if (m->form == EVIDENCE_LEAF)
		return read_leaf(m, out, signed_digest);
	if (pbft_decode(PBFT_VOTES, out, m->body, m->n) != m->n)
		return false;
	pbft_votes_digest_of(signed_digest, out);
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
static const struct pbft_leaf *leaf_for(const struct pbft_votes *votes, uint8_t kind, bft_seq seq, const struct digest *unlike)
{
	const struct pbft_leaf *found = NULL;
	for (uint16_t i = 0; i < votes->count; i++) {
		const struct pbft_leaf *l = &votes->leaf[i];
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
	struct pbft_votes *a = &room->votes[0], *b = &room->votes[1];
	struct digest ignored;
	if (!read_votes(&e->message[0], a, &ignored) || !read_votes(&e->message[1], b, &ignored))
		return malformed;
	const struct pbft_leaf *one = leaf_for(a, kind, e->seq, NULL);
	const struct pbft_leaf *other = one ? leaf_for(b, kind, e->seq, &one->digest) : NULL;
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
	struct pbft_votes *votes = &room->votes[0];
	struct pbft_view_change *vc = &room->view_change[0];
	struct digest ignored;
	if (!read_votes(&e->message[0], votes, &ignored) || !read_whole(&e->message[1], PBFT_VIEW_CHANGE, vc))
		return malformed;
	const struct pbft_leaf *commit = leaf_for(votes, PBFT_LEAF_COMMIT, e->seq, NULL);
	if (votes->view != e->view || !commit)
		return elsewhere;
	return evidence_hides(vc, e->view, commit->seq, &commit->digest) ? NULL : agree;
}

static const char *not_reproposed(const struct evidence *e, struct evidence_room *room)
{
	struct pbft_votes *votes = &room->votes[0];
	struct pbft_new_view *nv = &room->new_view[0];
	struct digest ignored;
	if (!read_votes(&e->message[0], votes, &ignored) || !read_whole(&e->message[1], PBFT_NEW_VIEW, nv))
		return malformed;
	if (votes->view != e->view || nv->view != e->view || e->seq <= nv->stable || e->seq - nv->stable > nv->count)
		return elsewhere;
	const struct digest *said = &nv->digest[e->seq - nv->stable - 1];
	const struct pbft_leaf *leaf = leaf_for(votes, PBFT_LEAF_PRE_PREPARE, e->seq, said);
	if (!leaf)
		return elsewhere;
	return digest_equal(&leaf->digest, said) ? agree : NULL;
}

/* What it says of itself cannot be, whatever the VIEW-CHANGEs say. */
static bool false_alone(const struct pbft_new_view *nv, uint8_t signer, const struct bft_genesis *g, bft_mask passed)
{
	return order_leader(nv->view, g->count, passed) != signer || nv->sources_count != quorum_strong(g->count) || nv->count > g->limits.window ||
	       nv->source[nv->sources_count - 1].member >= g->count;
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

static const char *false_new_view(const struct evidence *e, const struct bft_genesis *g, bft_mask passed, struct evidence_room *room)
{
	struct pbft_new_view *nv = &room->new_view[0];
	if (!read_whole(&e->message[0], PBFT_NEW_VIEW, nv))
		return malformed;
	if (nv->view != e->view || e->seq != 0)
		return elsewhere;
	if (false_alone(nv, e->culprit, g, passed))
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

const char *evidence_holds(const struct evidence *e, const struct bft_genesis *g, bft_mask passed, struct evidence_room *room)
{
	const char *why = signers(e);
	if (why)
		return why;
	switch (e->predicate) {
	case EVIDENCE_TWO_PRE_PREPARES: return two_votes(e, PBFT_LEAF_PRE_PREPARE, room);
	case EVIDENCE_TWO_PREPARES: return two_votes(e, PBFT_LEAF_PREPARE, room);
	case EVIDENCE_TWO_COMMITS: return two_votes(e, PBFT_LEAF_COMMIT, room);
	case EVIDENCE_TWO_CHECKPOINTS: return two_bodies(e, PBFT_CHECKPOINT, room);
	case EVIDENCE_TWO_SNAPSHOTS: return two_bodies(e, PBFT_SNAPSHOT, room);
	case EVIDENCE_TWO_VIEW_CHANGES: return two_bodies(e, PBFT_VIEW_CHANGE, room);
	case EVIDENCE_TWO_NEW_VIEWS: return two_bodies(e, PBFT_NEW_VIEW, room);
	case EVIDENCE_HIDDEN_COMMIT: return hidden_commit(e, room);
	case EVIDENCE_NOT_REPROPOSED: return not_reproposed(e, room);
	case EVIDENCE_FALSE_NEW_VIEW: return false_new_view(e, g, passed, room);
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
	if (g->mode != BFT_MODE_BFT || e->epoch == 0)
		return "it is about an epoch that the genesis does not know";
	if (e->epoch > keys->epoch)
		return "it is about an epoch that is not known here: the chain of epochs is needed, as any replica keeps it in the file 'epochs' of its data";
	if (e->culprit >= g->count)
		return "the genesis does not have the member whom it accuses";
	why = evidence_holds(e, g, epoch_passed(keys, e->epoch), room);
	for (uint32_t i = 0; i < e->count && !why; i++) {
		const struct evidence_message *m = &e->message[i];
		struct statement s;
		if (m->signer >= g->count)
			why = "the genesis does not have the signer of a message";
		else if (!evidence_statement(&s, e, i, room) || !scheme->verify(&m->signature, &s, epoch_key(keys, m->signer, e->epoch)))
			why = "a signature in it is false";
	}
	return why;
}
