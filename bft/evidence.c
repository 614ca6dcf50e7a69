#include "bft/evidence.h"

#include "bft/check.h"
#include "bft/envelope.h"
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
	if (envelope.epoch != e->epoch || envelope.signer >= BFT_MEMBERS_MAX || (form == EVIDENCE_LEAF && envelope.type != BFT_MSG_VOTES))
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

size_t evidence_leaf(uint8_t bytes[EVIDENCE_LEAF_BYTES_MAX], const struct bft_votes *votes, uint16_t index)
{
	struct digest leaves[BFT_LEAVES_MAX], path[MERKLE_PATH_MAX];
	BFT_CHECK(index < votes->count && votes->count <= BFT_LEAVES_MAX);
	for (uint16_t i = 0; i < votes->count; i++)
		votes_leaf_digest(&leaves[i], &votes->leaf[i]);
	uint32_t length = merkle_path(path, leaves, votes->count, index);
	struct wr w = wr_of(bytes, EVIDENCE_LEAF_BYTES_MAX);
	wr_u64(&w, votes->view);
	wr_u16(&w, votes->count);
	wr_u8(&w, (uint8_t)index);
	votes_leaf_write(&w, &votes->leaf[index]);
	for (uint32_t i = 0; i < length; i++)
		wr_bytes(&w, path[i].b, DIGEST_BYTES);
	return wr_done(&w);
}

bool evidence_leaf_signed(const struct evidence_message *m, struct bft_votes *out, struct digest *signed_digest)
{
	struct rd r = rd_of(m->body, m->n);
	struct bft_leaf *leaf = &out->leaf[0];
	struct digest path[BFT_LEAF_PATH_MAX], digest, root;
	uint16_t count;
	uint8_t index;
	if (!rd_u64(&r, &out->view) || !rd_u16(&r, &count) || !rd_u8(&r, &index) || !votes_leaf_read(&r, leaf))
		return false;
	if (out->view > BFT_VIEW_MAX || count == 0 || count > BFT_LEAVES_MAX || index >= count)
		return false;
	uint32_t length = merkle_path_length(count, index);
	for (uint32_t i = 0; i < length; i++)
		if (!rd_bytes(&r, path[i].b, DIGEST_BYTES))
			return false;
	out->count = 1;
	votes_leaf_digest(&digest, leaf);
	if (!rd_done(&r) || !merkle_root_from_path(&root, &digest, count, index, path, length))
		return false;
	votes_digest(signed_digest, out->view, count, &root);
	return true;
}

bool evidence_leaf_read(const struct evidence_message *m, struct bft_votes *out)
{
	struct digest ignored;
	return evidence_leaf_signed(m, out, &ignored);
}
