#include "bft/receipt.h"

#include "bft/quorum.h"

#define VERSION 1u

static const uint8_t magic[16] = "qr/receipt";

/* ---- bytes ---- */

size_t receipt_encode(const struct receipt *r, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	wr_bytes(&w, magic, sizeof magic);
	wr_u32(&w, VERSION);
	wr_bytes(&w, r->cluster.b, DIGEST_BYTES);
	wr_u64(&w, r->epoch);
	wr_u64(&w, r->seq);
	wr_u32(&w, (uint32_t)r->bundle_bytes);
	wr_bytes(&w, r->bundle, r->bundle_bytes);
	wr_bytes(&w, r->asked.b, SIGNATURE_BYTES);
	wr_u32(&w, (uint32_t)r->result_bytes);
	wr_bytes(&w, r->result, r->result_bytes);
	wr_u64(&w, r->signers);
	wr_u64(&w, r->alone);
	if (r->signers != r->alone)
		reply_place_write(&w, &r->place);
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++)
		if (r->signers & BFT_BIT(i))
			wr_bytes(&w, r->signature[i].b, SIGNATURE_BYTES);
	wr_bytes(&w, r->links, r->links_bytes);
	return wr_done(&w);
}

static const char *decode_request(struct receipt *out, struct rd *r)
{
	uint32_t n;
	if (!rd_u32(r, &n) || n > BFT_BUNDLE_BYTES_MAX || !(out->bundle = rd_take(r, n)) || !rd_bytes(r, out->asked.b, SIGNATURE_BYTES))
		return "the request is cut short";
	out->bundle_bytes = n;
	return bundle_decode(&out->request, out->bundle, n);
}

static const char *decode_outcome(struct receipt *out, struct rd *r)
{
	uint32_t n;
	if (!rd_u32(r, &n) || n > RESULT_BYTES_MAX || !(out->result = rd_take(r, n)))
		return "the result is cut short";
	out->result_bytes = n;
	return result_decode(&out->outcome, out->result, n) ? NULL : "the result is malformed";
}

static const char *decode_signers(struct receipt *out, struct rd *r)
{
	if (!rd_u64(r, &out->signers) || !rd_u64(r, &out->alone))
		return "it is cut short";
	if (out->signers == 0 || (out->alone & ~out->signers) != 0)
		return "its signers are malformed";
	if (out->signers != out->alone && !reply_place_read(r, &out->place))
		return "the result's place in its proposal is malformed";
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++)
		if ((out->signers & BFT_BIT(i)) && !rd_bytes(r, out->signature[i].b, SIGNATURE_BYTES))
			return "its signatures are cut short";
	out->links_bytes = rd_left(r);
	out->links = out->links_bytes ? r->at : NULL;
	if (out->links_bytes > RECEIPT_LINKS_BYTES_MAX || (out->epoch == 1 && out->links_bytes))
		return "bytes are left over behind it";
	return NULL;
}

const char *receipt_decode(struct receipt *out, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	uint8_t begins[sizeof magic];
	uint32_t version;
	memset(out, 0, sizeof *out);
	if (!rd_bytes(&r, begins, sizeof begins) || memcmp(begins, magic, sizeof magic) != 0)
		return "it is no receipt";
	if (!rd_u32(&r, &version) || version != VERSION)
		return "it is a receipt of another release";
	if (!rd_bytes(&r, out->cluster.b, DIGEST_BYTES) || !rd_u64(&r, &out->epoch) || !rd_u64(&r, &out->seq))
		return "it is cut short";
	if (out->epoch == 0 || out->seq == 0 || out->seq > BFT_SEQ_MAX)
		return "it names no epoch or no sequence";
	const char *why = decode_request(out, &r);
	if (!why)
		why = decode_outcome(out, &r);
	return why ? why : decode_signers(out, &r);
}

/* ---- judging ---- */

static bool client_asked(const struct receipt *r, const struct sign_scheme *scheme)
{
	struct digest digest;
	struct statement statement;
	bundle_digest(&digest, r->bundle, r->bundle_bytes);
	bundle_statement(&statement, &r->cluster, &digest);
	return scheme->verify(&r->asked, &statement, &r->request.key);
}

/* From the genesis to the receipt's epoch, and not further: one encoding. */
static const char *follow(struct epoch_keys *keys, const struct receipt *r, const struct digest *cluster, const struct sign_scheme *scheme)
{
	size_t used = 0;
	const char *why = r->links_bytes ? epoch_links_follow(keys, r->links, r->links_bytes, r->epoch, scheme, cluster, &used) : NULL;
	if (why)
		return why;
	if (keys->epoch != r->epoch)
		return "its chain of epochs does not reach the epoch that it names";
	return used == r->links_bytes ? NULL : "bytes are left over behind it";
}

static const char *members_signed(const struct receipt *r, const struct epoch_keys *keys, const struct sign_scheme *scheme)
{
	struct digest bundle, leaf;
	struct statement root = { { 0 } }, alone;
	bundle_digest(&bundle, r->bundle, r->bundle_bytes);
	result_leaf(&leaf, r->seq, &bundle, r->result, r->result_bytes);
	reply_late_statement(&alone, &r->cluster, r->epoch, &leaf);
	if (r->signers != r->alone && !reply_leaf_statement(&root, &r->cluster, r->epoch, r->seq, &r->place, &leaf))
		return "the result's path leads to no root";
	struct bft_roster roster = epoch_roster(keys, r->epoch);
	if (mask_count(r->signers) < roster_quorum(&roster))
		return "fewer members signed it than a receipt needs";
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		const struct public_key *key = epoch_key(keys, (uint8_t)i, r->epoch);
		if (!(r->signers & BFT_BIT(i)))
			continue;
		if (!key)
			return "it names a signer that is no member";
		if (!scheme->verify(&r->signature[i], r->alone & BFT_BIT(i) ? &alone : &root, key))
			return "a member's signature is false";
	}
	return NULL;
}

const char *receipt_verify(struct receipt *out, const uint8_t *bytes, size_t n, struct epoch_keys *keys, const struct digest *cluster,
                           const struct sign_scheme *scheme)
{
	const char *why = receipt_decode(out, bytes, n);
	if (why)
		return why;
	if (!digest_equal(&out->cluster, cluster))
		return "it is of another cluster";
	if (out->outcome.session != out->request.session || out->outcome.number != out->request.number)
		return "the result is another request's";
	if (!client_asked(out, scheme))
		return "the client's signature is false: nobody asked for this";
	why = follow(keys, out, cluster, scheme);
	return why ? why : members_signed(out, keys, scheme);
}
