/* bft/receipt.h - a result that q members signed, in a form that anybody with the genesis can check (design section 9).
 *
 *   receipt = "qr/receipt" 16 | u32 1 | cluster 32 | u64 epoch | u64 seq | u32 n, bundle n | the client's signature 64 | u32 n, result n
 *             | u64 signers | u64 alone | signers != alone: proposal 32 | chain 32 | u16 count | u16 index | path
 *             | a signature 64 of each signer, ascending
 *             | epoch > 1: the links of the chain of epochs from 2 to `epoch` (epoch_link.h), which lead from the genesis' keys to the signers'
 *
 * `signers` and `alone` have bit i for member i; `alone` is a part of `signers`. Who is in it signed the leaf by itself, as in a REPLY_LATE; who is not, the root
 * over the leaves of the whole proposal, as in a REPLY. Both say the same of the request: a leaf names its digest, the sequence and the result. Of the proposal and
 * the chain only the others say anything.
 *
 * Nothing here allocates, and everything that is pointed to is borrowed from the bytes. */
#ifndef BFT_RECEIPT_H
#define BFT_RECEIPT_H
#include "bft/bundle.h"
#include "bft/epoch_link.h"
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
	const uint8_t *links;                        /* of the chain          */
	size_t links_bytes;
	struct bundle request; /* decoded from `bundle` */
	struct result outcome; /* decoded from `result` */
};
#define RECEIPT_LINKS_BYTES_MAX (4u << 20) /* thousands of links of a small cluster */
#define RECEIPT_HEAD_BYTES (16u + 4u + 32u + 8u + 8u + 4u + SIGNATURE_BYTES + 4u + 8u + 8u)
#define RECEIPT_BYTES_MAX                                                                                                                                      \
	(RECEIPT_HEAD_BYTES + BFT_BUNDLE_BYTES_MAX + RESULT_BYTES_MAX + REPLY_PLACE_BYTES_MAX + BFT_MEMBERS_MAX * SIGNATURE_BYTES + RECEIPT_LINKS_BYTES_MAX)

/* Returns the bytes written; 0 when they do not fit. The decoded parts are not looked at. Requires: `alone` is a part of `signers`. */
size_t receipt_encode(const struct receipt *r, uint8_t *bytes, size_t capacity);
/* NULL, or why the bytes are no receipt. Encoding it again gives the same bytes. No signature is looked at. */
const char *receipt_decode(struct receipt *out, const uint8_t *bytes, size_t n);

/* NULL when the receipt proves that the request was ordered and ended as it says, in the cluster that the genesis describes; otherwise the reason.
 *
 * Requires: `keys` knows the genesis, whose digest `cluster` is, and nothing more (epoch_keys_init); it follows the receipt's own links. `out` is decoded as far as
 * the bytes allow. */
const char *receipt_verify(struct receipt *out, const uint8_t *bytes, size_t n, struct epoch_keys *keys, const struct digest *cluster,
                           const struct sign_scheme *scheme);
#endif
