/* bft/rotate.h - an organization's word that its replica has another member key from the next epoch on (design section 7).
 *
 *   rotate    = u64 epoch | u8 member | key 32 | signature 64 | own signature 64      the one operation of a bundle of kind BUNDLE_ROTATE
 *   statement = (DOMAIN_ROTATE, cluster, epoch, H(DOMAIN_ROTATE, u8 member | key 32)), by the organization's key of the member's card
 *   own       = the same under DOMAIN_ROTATE_OWN, by the new key: nobody enters a key that he does not hold
 *
 * It names the epoch that it ends, so it is of no use twice. The TLS key and the organization's key stay. */
#ifndef BFT_ROTATE_H
#define BFT_ROTATE_H
#include "bft/codec.h"
#include "bft/types.h"
#include "crypto/sign.h"

struct rotate {
	bft_epoch epoch;
	uint8_t member;
	struct public_key key;
	struct signature signature, own;
};
#define ROTATE_BYTES (8u + 1u + PUBLIC_KEY_BYTES + 2u * SIGNATURE_BYTES)

/* `domain`: DOMAIN_ROTATE, what the organization signs, or DOMAIN_ROTATE_OWN, what the new key signs. */
void rotate_statement(struct statement *out, const struct rotate *r, enum domain domain, const struct digest *cluster);
size_t rotate_encode(const struct rotate *r, uint8_t bytes[ROTATE_BYTES]);
/* False when malformed; neither the key nor the signatures are looked at. */
bool rotate_decode(struct rotate *r, const uint8_t *bytes, size_t n);
#endif
