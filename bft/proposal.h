/* bft/proposal.h - the unit of agreement: canonical {agreed time, flags, bundle digests} (design section 4).
 *
 *   proposal = u64 time_ms | u32 flags | u16 count | count * digest
 *
 * Its digest is free of view, sequence and epoch, so that a new view proposes it unchanged; it covers the cluster and everything that execution reads. */
#ifndef BFT_PROPOSAL_H
#define BFT_PROPOSAL_H
#include "bft/types.h"

#define PROPOSAL_HEAD_BYTES 14u
#define PROPOSAL_BYTES(count) (PROPOSAL_HEAD_BYTES + (size_t)(count)*DIGEST_BYTES)

struct bft_proposal {
	uint64_t time_ms;
	uint32_t flags; /* none is defined: must be 0 */
	uint16_t count;
	const uint8_t *digests; /* count * 32 bytes, borrowed */
};

/* Returns the bytes taken; 0 when malformed or over `bundles_max`. Trailing bytes are the caller's. */
size_t proposal_decode(struct bft_proposal *p, const uint8_t *bytes, size_t n, uint32_t bundles_max);
/* Returns the bytes written; 0 when they do not fit. */
size_t proposal_encode(const struct bft_proposal *p, uint8_t *bytes, size_t capacity);
/* H(DOMAIN_PROPOSAL, cluster, encoded proposal). */
void proposal_digest(struct digest *out, const struct digest *cluster, const uint8_t *bytes, size_t n);
/* The null proposal: time 0, no bundle. It fills holes in a new view and is executed like any other. */
size_t proposal_null(uint8_t bytes[PROPOSAL_HEAD_BYTES]);
void proposal_null_digest(struct digest *out, const struct digest *cluster);
/* chain(n) = H(DOMAIN_CHAIN, chain(n-1), n, proposal digest, results root) (design section 6). chain(0) is the cluster id. */
void chain_next(struct digest *out, const struct digest *before, bft_seq seq, const struct digest *proposal, const struct digest *results);
#endif
