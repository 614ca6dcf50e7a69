/* bft/quorum.h - quorum arithmetic for every n (design: f = floor((n-1)/3), q = ceil((n+f+1)/2), weak quorum f+1).
 *
 * Two quorums of q share at least f+1 members, hence one correct one: 2q - n >= f + 1. q members can always answer: q <= n - f. For n = 3f+1 this is the
 * paper's 2f+1; for other n, 2f+1 would let two quorums miss each other. */
#ifndef BFT_QUORUM_H
#define BFT_QUORUM_H
#include "bft/types.h"

static inline uint32_t quorum_faults(uint32_t n)
{
	return n ? (n - 1) / 3 : 0;
}
static inline uint32_t quorum_strong(uint32_t n)
{
	return (n + quorum_faults(n) + 2) / 2; /* ceil((n + f + 1) / 2) */
}
static inline uint32_t quorum_weak(uint32_t n)
{
	return quorum_faults(n) + 1;
}
/* By mode: of trusted members a majority decides, as nobody lies two majorities need to share one member alone, and one word is enough. */
static inline uint32_t quorum_of(enum bft_mode mode, uint32_t n)
{
	return mode == BFT_MODE_TRUSTED ? n / 2 + 1 : quorum_strong(n);
}
static inline uint32_t quorum_weak_of(enum bft_mode mode, uint32_t n)
{
	return mode == BFT_MODE_TRUSTED ? 1 : quorum_weak(n);
}
/* How many equal answers are a read: a trusted one has asked a majority itself. */
static inline uint32_t quorum_read_of(enum bft_mode mode, uint32_t n)
{
	return mode == BFT_MODE_TRUSTED ? 1 : quorum_strong(n);
}
/* Members that may fail while the rest goes on. */
static inline uint32_t quorum_faults_of(enum bft_mode mode, uint32_t n)
{
	return mode == BFT_MODE_TRUSTED ? (n - 1) / 2 : quorum_faults(n);
}
static inline uint32_t mask_count(bft_mask m)
{
	return (uint32_t)__builtin_popcountll(m);
}
/* All members of a cluster of n. */
static inline bft_mask mask_all(uint32_t n)
{
	return n >= 64 ? ~(bft_mask)0 : BFT_BIT(n) - 1;
}
#endif
