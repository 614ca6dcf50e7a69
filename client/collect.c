/* Receipts in the making: whose signatures stand under the result of a request, until q members have signed the same (bft/receipt.h).
 *
 * f+1 equal answers on the channel are the answer; what is collected here is for showing it to others. So a false signature costs its sender its word and nothing
 * else, and what q of the others sign is the receipt all the same. */
#include "client/core_state.h"

#include "bft/receipt.h"

#include <stdlib.h>

/* What one member signed. */
struct voucher {
	bool signed_, alone; /* alone: the leaf by itself, as from a session's record */
	uint8_t checks;      /* signatures of it that were looked at                  */
	bft_epoch epoch;
	struct digest leaf;
	struct statement statement;
	struct signature signature;
	struct reply_place place; /* when not alone */
};

struct client_collection {
	uint8_t *result; /* what f+1 members answered, kept for the time when no receipt comes of it; NULL: no answer yet */
	size_t result_bytes;
	bft_seq seq;
	uint32_t members; /* that signed what was answered */
	struct voucher voucher[];
};

struct client_collection *client_collection_create(uint32_t n)
{
	return calloc(1, sizeof(struct client_collection) + n * sizeof(struct voucher));
}

void client_collection_free(struct client_collection *k)
{
	if (!k)
		return;
	free(k->result);
	free(k);
}

/* ---- one member's word ---- */

/* Members repeat themselves when they are asked again. */
static bool known(const struct voucher *v, bft_epoch epoch, const struct digest *leaf)
{
	return v->signed_ && v->epoch == epoch && digest_equal(&v->leaf, leaf);
}

bool client_collect(struct client_request *r, uint32_t member, const struct bft_envelope *e, bool late, const struct reply *reply, const struct digest *leaf)
{
	const struct client_core_options *o = &r->session->core->options;
	const struct public_key *key = epoch_key(&r->session->core->keys, (uint8_t)member, e->epoch);
	struct voucher *v = &r->collection->voucher[member];
	struct voucher now = { .signed_ = true, .alone = late, .epoch = e->epoch, .leaf = *leaf, .signature = e->signature, .place = reply->place };
	if (known(v, e->epoch, leaf))
		return true;
	if (!key)
		return true; /* of an epoch that is not known yet: it will be asked again */
	if (v->checks >= CLIENT_CHECKS_MAX)
		return false;
	now.checks = ++v->checks;
	if (!reply_statement(&now.statement, &o->cluster, e->epoch, reply, late) || !o->scheme->verify(&e->signature, &now.statement, key)) {
		if (o->liar)
			o->liar(o->user, member, "its answer carries a false signature");
		return false;
	}
	*v = now;
	return true;
}

/* ---- all of them ---- */

/* Who can stand in one receipt with `v`: the same leaf and epoch, and the same root or none. */
static bft_mask together(const struct client_request *r, const struct voucher *v)
{
	const struct client_collection *k = r->collection;
	bft_mask members = 0;
	for (uint32_t i = 0; i < r->rows; i++) {
		const struct voucher *x = &k->voucher[i];
		bool same_root = x->alone || (!v->alone && memcmp(&x->statement, &v->statement, sizeof x->statement) == 0);
		if (known(x, v->epoch, &v->leaf) && same_root)
			members |= BFT_BIT(i);
	}
	return members;
}

static const struct voucher *best(const struct client_request *r, const struct digest *leaf, bft_mask *members)
{
	const struct voucher *found = NULL;
	*members = 0;
	for (uint32_t i = 0; i < r->rows; i++) {
		const struct voucher *v = &r->collection->voucher[i];
		if (!v->signed_ || !digest_equal(&v->leaf, leaf))
			continue;
		bft_mask with = together(r, v);
		if (mask_count(with) <= mask_count(*members))
			continue;
		*members = with;
		found = v;
	}
	return found;
}

static uint8_t *encode(const struct client_request *r, const struct voucher *v, bft_mask members, const struct reply *reply, size_t *n)
{
	struct receipt x = { .cluster = r->session->core->options.cluster,
		             .epoch = v->epoch,
		             .seq = reply->seq,
		             .bundle = r->frame + BFT_FRAME_HEAD_BYTES,
		             .bundle_bytes = r->frame_n - BFT_FRAME_HEAD_BYTES,
		             .result = reply->result,
		             .result_bytes = reply->result_bytes,
		             .signers = members,
		             .place = v->place };
	struct rd rd = rd_of(r->frame, r->frame_n);
	struct bft_envelope e;
	bool mine = envelope_read(&rd, &e);
	BFT_CHECK(mine);
	x.asked = e.signature;
	for (uint32_t i = 0; i < r->rows; i++) {
		const struct voucher *w = &r->collection->voucher[i];
		x.signature[i] = w->signature;
		if ((members & BFT_BIT(i)) && w->alone)
			x.alone |= BFT_BIT(i);
	}
	x.links = client_core_links(r->session->core, v->epoch, &x.links_bytes);
	size_t room = RECEIPT_HEAD_BYTES + x.bundle_bytes + x.result_bytes + REPLY_PLACE_BYTES_MAX + BFT_MEMBERS_MAX * SIGNATURE_BYTES + x.links_bytes;
	uint8_t *bytes = malloc(room);
	*n = bytes ? receipt_encode(&x, bytes, room) : 0;
	return bytes;
}

static uint32_t quorum_in(const struct client_core *c, bft_epoch epoch)
{
	struct bft_roster r = epoch_roster(&c->keys, epoch);
	return roster_count(&r) ? roster_quorum(&r) : UINT32_MAX;
}

bool client_collected(struct client_request *r, const struct reply *reply, const struct digest *leaf, uint8_t **receipt, size_t *n)
{
	const struct client_core *c = r->session->core;
	bft_mask members;
	const struct voucher *v = best(r, leaf, &members);
	*receipt = NULL;
	*n = 0;
	r->collection->members = mask_count(members);
	if (!v || r->collection->members < quorum_in(c, v->epoch))
		return false;
	size_t links_n;
	if (v->epoch > 1 && !client_core_links(c, v->epoch, &links_n))
		return false;
	*receipt = encode(r, v, members, reply, n);
	return true;
}

/* ---- an answer that waits for its receipt ---- */

bool client_collection_keep(struct client_collection *k, const struct reply *reply)
{
	if (k->result)
		return true; /* f+1 said so: nothing else can follow */
	k->result = malloc(reply->result_bytes);
	if (!k->result)
		return false;
	memcpy(k->result, reply->result, reply->result_bytes);
	k->result_bytes = reply->result_bytes;
	k->seq = reply->seq;
	return true;
}

uint8_t *client_collection_take(struct client_collection *k, size_t *n, bft_seq *seq, uint32_t *members)
{
	uint8_t *result = k ? k->result : NULL;
	if (!result)
		return NULL;
	*n = k->result_bytes;
	*seq = k->seq;
	*members = k->members;
	k->result = NULL;
	return result;
}
