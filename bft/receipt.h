/* bft/receipt.h - a result that q members signed, in a form that anybody with the genesis can check (design section 9).
 *
 *   receipt = "qr/receipt" 16 | u32 1 | cluster 32 | u64 epoch | u64 seq | u32 n, bundle n | the client's signature 64 | u32 n, result n
 *             | u64 signers | u64 alone | signers != alone: proposal 32 | chain 32 | u16 count | u16 index | path
 *             | a signature 64 of each signer, ascending
 *
 * `signers` and `alone` have bit i for member i; `alone` is a part of `signers`. Who is in it signed the leaf by itself, as in a REPLY_LATE; who is not, the root
 * over the leaves of the whole proposal, as in a REPLY. Both say the same of the request: a leaf names its digest, the sequence and the result. Of the proposal and
 * the chain only the others say anything.
 *
 * Nothing here allocates, and everything that is pointed to is borrowed from the bytes. */
#ifndef BFT_RECEIPT_H
#define BFT_RECEIPT_H
#include "bft/bundle.h"
#include "bft/genesis.h"
#include "bft/reply.h"

struct receipt {
	struct digest cluster;
	bft_epoch epoch; /* of the members' signatures */
	bft_seq seq;
	const uint8_t *bundle;
	size_t bundle_bytes;
	struct signature asked; /* the client's, over the bundle */
	const uint8_t *result;
	size_t result_bytes;
	bft_mask signers, alone;
	struct reply_place place;                    /* when signers != alone */
	struct signature signature[BFT_MEMBERS_MAX]; /* of member i at i      */
	struct bundle request;                       /* decoded from `bundle` */
	struct result outcome;                       /* decoded from `result` */
};
#define RECEIPT_HEAD_BYTES (16u + 4u + 32u + 8u + 8u + 4u + SIGNATURE_BYTES + 4u + 8u + 8u)
#define RECEIPT_BYTES_MAX (RECEIPT_HEAD_BYTES + BFT_BUNDLE_BYTES_MAX + RESULT_BYTES_MAX + REPLY_PLACE_BYTES_MAX + BFT_MEMBERS_MAX * SIGNATURE_BYTES)

/* Returns the bytes written; 0 when they do not fit. The decoded parts are not looked at. Requires: `alone` is a part of `signers`. */
size_t receipt_encode(const struct receipt *r, uint8_t *bytes, size_t capacity);
/* NULL, or why the bytes are no receipt. Encoding it again gives the same bytes. No signature is looked at. */
const char *receipt_decode(struct receipt *out, const uint8_t *bytes, size_t n);

/* NULL when the receipt proves that the request was ordered and ended as it says, in the cluster that the genesis describes; otherwise the reason.
 *
 * Requires: genesis_check passed on `g`, and `cluster` is its digest. `out` is decoded as far as the bytes allow. */
const char *receipt_verify(struct receipt *out, const uint8_t *bytes, size_t n, const struct bft_genesis *g, const struct digest *cluster,
                           const struct sign_scheme *scheme);

/* Who may sign in an epoch, and how many must. The one place to ask: today every epoch has the genesis' members and their keys. */
const struct public_key *receipt_member_key(const struct bft_genesis *g, bft_epoch epoch, uint32_t member); /* NULL: there is no such member */
uint32_t receipt_quorum(const struct bft_genesis *g, bft_epoch epoch);
#endif
