/* bft/pbft/certificate.h - signatures that anybody can check: q of a proposal prepared in a view or a checkpoint, f+1 of a snapshot (design section 3).
 *
 *   certificate = u64 epoch | u8 kind | u64 view | u64 seq | digest 32 | root 32 (SNAPSHOT only) | u8 signers | signers * signer
 *   signer      = u8 member | u16 count | u8 index | path (as many digests as (count, index) demands) | signature 64         ascending member
 *
 * Votes are signed as leaves of a Merkle tree, so a signer shows the path of its leaf; a checkpoint and a snapshot are signed alone: view 0, count 1, index 0.
 * In a prepared certificate the leader's leaf is its PRE-PREPARE. */
#ifndef BFT_PBFT_CERTIFICATE_H
#define BFT_PBFT_CERTIFICATE_H
#include "bft/codec.h"
#include "bft/order.h"
#include "bft/pbft/messages.h"
#include "crypto/sign.h"

enum certificate_kind { CERTIFICATE_PREPARED = 1, CERTIFICATE_CHECKPOINT = 2, CERTIFICATE_SNAPSHOT = 3 };

struct certificate_signer {
	uint8_t member, index;
	uint16_t count;
	uint32_t path_count;
	struct digest path[BFT_LEAF_PATH_MAX];
	struct signature signature;
};
struct certificate {
	bft_epoch epoch;
	enum certificate_kind kind;
	bft_view view;
	bft_seq seq;
	struct digest digest, root; /* proposal; or chain and state root */
	uint8_t count;
	struct certificate_signer by[BFT_MEMBERS_MAX];
};
#define CERTIFICATE_HEAD_BYTES (8u + 1u + 8u + 8u + 2u * DIGEST_BYTES + 1u)
#define CERTIFICATE_SIGNER_BYTES_MAX (4u + BFT_LEAF_PATH_MAX * DIGEST_BYTES + SIGNATURE_BYTES)
#define CERTIFICATE_BYTES_MAX (CERTIFICATE_HEAD_BYTES + BFT_MEMBERS_MAX * CERTIFICATE_SIGNER_BYTES_MAX)

size_t certificate_encode(const struct certificate *c, uint8_t *bytes, size_t capacity);
/* Reads one and leaves `r` behind it. False when malformed; signatures are certificate_check's. */
bool certificate_read(struct rd *r, struct certificate *c);

/* Adds member's signature from its message: a VOTES that has the leaf, or the CHECKPOINT or SNAPSHOT itself (`votes` NULL). Members come in ascending order.
 * False when the VOTES lacks the leaf: it does not prove that. */
bool certificate_add(struct certificate *c, uint8_t member, const struct pbft_votes *votes, uint8_t leaf_kind, const struct signature *signature);

/* How many of n must have signed. What a state is, one correct member knows, so of a snapshot f+1; that q executed it, its checkpoint says. */
static inline uint32_t certificate_signers(enum certificate_kind kind, uint32_t n)
{
	return kind == CERTIFICATE_SNAPSHOT ? quorum_weak(n) : quorum_strong(n);
}

/* What signer `i` signed. `n` members, `passed` of whom led last in that epoch (epoch_passed): the leader of the view signed a PRE-PREPARE. */
bool certificate_statement(struct statement *out, const struct certificate *c, uint32_t i, uint32_t n, bft_mask passed, const struct digest *cluster);

typedef bool (*certificate_verify_fn)(void *arg, uint8_t member, const struct statement *statement, const struct signature *signature);
/* q (certificate_signers) different members of n signed it. Asks `verify` about at most q of them. */
bool certificate_check(const struct certificate *c, uint32_t n, bft_mask passed, uint32_t q, const struct digest *cluster, certificate_verify_fn verify,
                       void *arg);

/* H(body) of any message but VOTES: H(domain of its type, u16 type, bytes of the core's part). */
void pbft_body_digest(struct digest *out, uint16_t type, const uint8_t *bytes, size_t n);
enum domain pbft_domain(uint16_t type);
#endif
