/* bft/pass_over.h - q members' word that one of them, again and again, led until f+1 suspected it: from the next epoch on it leads last (design section 5).
 *
 *   pass over = u64 epoch | u8 member | u8 signers | signers * (u8 member, signature 64)      ascending; the one operation of a bundle of kind BUNDLE_PASS_OVER
 *   statement = (DOMAIN_PASS_OVER, cluster, epoch, H(DOMAIN_PASS_OVER, u16 29, u8 member)), by the signer's key of that epoch
 *
 * The signatures are those of the messages (PASS_OVER), so nobody signs twice. At least q, none of them the member's own. It names the epoch that it
 * ends, so it is of no use twice. */
#ifndef BFT_PASS_OVER_H
#define BFT_PASS_OVER_H
#include "bft/codec.h"
#include "bft/epoch_keys.h"
#include "crypto/sign.h"

struct pass_over {
	bft_epoch epoch;
	uint8_t member;
	uint8_t count;
	struct pass_over_signer {
		uint8_t member;
		struct signature signature;
	} by[BFT_MEMBERS_MAX];
};
#define PASS_OVER_AFTER 3u    /* offices lost in one epoch */
#define PASS_OVER_MESSAGE 29u /* its type, as the digest of every message has it */
#define PASS_OVER_HEAD_BYTES (8u + 1u + 1u)
#define PASS_OVER_SIGNER_BYTES (1u + SIGNATURE_BYTES)
#define PASS_OVER_BYTES_MAX (PASS_OVER_HEAD_BYTES + BFT_MEMBERS_MAX * PASS_OVER_SIGNER_BYTES)

/* q such messages about `member`: the driver turns them into an entry. Data of the effect PASS_OVER (bft/core.h). */
struct pass_over_refs {
	uint8_t member;
	bft_mask signers;
	bft_ref wire[BFT_MEMBERS_MAX];
};

void pass_over_statement(struct statement *out, bft_epoch epoch, uint8_t member, const struct digest *cluster);
size_t pass_over_encode(const struct pass_over *p, uint8_t bytes[PASS_OVER_BYTES_MAX]);
/* How long it is, from its head: of the first bytes of several things. 0: there is no head. */
size_t pass_over_length(const uint8_t *bytes, size_t n);
/* False when malformed; no signature is looked at, and how many there are is pass_over_holds'. */
bool pass_over_decode(struct pass_over *p, const uint8_t *bytes, size_t n);

/* Whether it may change the order: of a member that is not passed over, by q others of the newest epoch that `k` knows. Cost: at most n signatures, and none
 * after the first false one. */
bool pass_over_holds(const struct pass_over *p, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster);
#endif
