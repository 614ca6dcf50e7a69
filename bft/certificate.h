/* bft/certificate.h - signatures that anybody can check: q of a proposal prepared in a view or a checkpoint, f+1 of a snapshot (design section 3).
 *
 *   certificate = u64 epoch | u8 kind | u64 view | u64 seq | digest 32 | root 32 (SNAPSHOT only) | u8 signers | signers * signer
 *   signer      = u8 member | u16 count | u8 index | path (as many digests as (count, index) demands) | signature 64         ascending member
 *
 * Votes are signed as leaves of a Merkle tree, so a signer shows the path of its leaf; a checkpoint and a snapshot are signed alone: view 0, count 1, index 0.
 * In a prepared certificate the leader's leaf is its PRE-PREPARE. */
#ifndef BFT_CERTIFICATE_H
#define BFT_CERTIFICATE_H
#include "bft/messages.h"
#include "bft/roster.h"
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

/* What a certificate behind a message has to prove, as the message says it. */
struct bft_claim {
	enum certificate_kind kind;
	bft_view view;
	bft_seq seq;
	struct digest digest;
	bool or_base; /* where the epoch began, no certificate stands: every voter holds its chain digest, which must be this one */
};
#define BFT_CLAIMS_MAX (BFT_WINDOW_MAX + 1u)

/* Of a CHAIN or a STABLE: 0 or 1. */
size_t message_claims(uint16_t type, const void *body, struct bft_claim *out);

size_t certificate_encode(const struct certificate *c, uint8_t *bytes, size_t capacity);
/* Reads one and leaves `r` behind it. False when malformed; signatures are certificate_check's. */
bool certificate_read(struct rd *r, struct certificate *c);

/* Adds member's signature from its message: a VOTES that has the leaf, or the CHECKPOINT or SNAPSHOT itself (`votes` NULL). Members come in ascending order.
 * False when the VOTES lacks the leaf: it does not prove that. */
bool certificate_add(struct certificate *c, uint8_t member, const struct bft_votes *votes, uint8_t leaf_kind, const struct signature *signature);

/* How many of the members of its epoch must have signed. What a state is, one correct member knows, so of a snapshot f+1; that q executed it, its checkpoint says. */
static inline uint32_t certificate_signers(enum certificate_kind kind, const struct bft_roster *roster)
{
	return kind == CERTIFICATE_SNAPSHOT ? roster_weak(roster) : roster_quorum(roster);
}

/* The leaf that `member` shows in a prepared certificate: the leader of the view its PRE-PREPARE. */
static inline enum bft_leaf_kind certificate_leaf(bft_view view, const struct bft_roster *roster, uint8_t member)
{
	return roster_leader(roster, view) == member ? BFT_LEAF_PRE_PREPARE : BFT_LEAF_PREPARE;
}

/* What signer `i` signed. `roster`: of the certificate's epoch (epoch_roster): the leader of the view signed a PRE-PREPARE. */
bool certificate_statement(struct statement *out, const struct certificate *c, uint32_t i, const struct bft_roster *roster, const struct digest *cluster);

typedef bool (*certificate_verify_fn)(void *arg, uint8_t member, const struct statement *statement, const struct signature *signature);
/* Enough (certificate_signers) different members of `roster` signed it. Asks `verify` about at most so many of them. */
bool certificate_check(const struct certificate *c, const struct bft_roster *roster, const struct digest *cluster, certificate_verify_fn verify, void *arg);
#endif
