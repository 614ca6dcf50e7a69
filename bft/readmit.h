/* bft/readmit.h - an organization's word that its replica, which lost its memory, may vote again from the next epoch on (design sections 7, 8).
 *
 *   readmit   = u64 epoch | u8 member | u64 incarnation | signature 64      the one operation of a bundle of kind BUNDLE_READMIT
 *   statement = (DOMAIN_READMIT, cluster, epoch, H(DOMAIN_READMIT, u8 member | u64 incarnation)), by the organization's key of the member's card
 *
 * An incarnation is a number that a replica draws when it finds that its memory may be incomplete. An older word names an older one: it lets nobody in who has
 * lost its memory again since. It holds in the epoch that it names, and ends that epoch, so it is of no use twice. */
#ifndef BFT_READMIT_H
#define BFT_READMIT_H
#include "bft/codec.h"
#include "bft/types.h"
#include "crypto/sign.h"

struct readmit {
	bft_epoch epoch;
	uint8_t member;
	uint64_t incarnation; /* never 0 */
	struct signature signature;
};
#define READMIT_BYTES (8u + 1u + 8u + SIGNATURE_BYTES)

void readmit_statement(struct statement *out, const struct readmit *r, const struct digest *cluster);
size_t readmit_encode(const struct readmit *r, uint8_t bytes[READMIT_BYTES]);
/* False when malformed; the signature is not looked at. */
bool readmit_decode(struct readmit *r, const uint8_t *bytes, size_t n);
#endif
