/* bft/pbft/pace.h - what a backup measures of itself, and the bar that follows for a leader that is slow on purpose (docs/protocol.md, "A slow leader"). */
#ifndef BFT_PBFT_PACE_H
#define BFT_PBFT_PACE_H
#include "bft/types.h"

/* The bar, in ms: what a leader may take at least, ... */
#define PACE_FLOOR_MS 250u
#define PACE_TIMES 10u       /* so many round trips and flushes, ... */
#define PACE_EACH_MS 2u      /* and for each request that was held before it */
#define PACE_LEVEL_MAX 3u    /* doublings, one for each leader that I found slow ... */
#define PACE_LEVEL_MS 30000u /* less one for each such time in which the lower bar would have done */
#define PACE_FLUSHES 8u      /* whose mean counts */
#define PACE_GAP_MS 100u     /* longer between two ticks, I was frozen myself */

struct pbft_pace {
	uint32_t rtt_ms;       /* round trip to the farthest of the n-1-f nearest others; 0: unknown, and no leader is slow     */
	uint64_t leader_ms;    /* time that passed while it was the leader's turn                                               */
	uint64_t view_ms;      /* the same when the view began                                                                  */
	bft_lsn flush_lsn;     /* a record whose flush is being timed, since ...                                                */
	uint64_t flush_at_ms;  /* ...                                                                                           */
	uint64_t flush_sum_ms; /* the mean of the last ones, times PACE_FLUSHES                                                 */
	uint64_t wanted_ms;    /* when the next tick was wanted                                                                 */
	uint32_t stall_ms;     /* how late one came: the latest, decaying                                                       */
	uint64_t stall_at_ms;
	uint32_t level;       /* doublings of the bar                                                                          */
	uint64_t level_at_ms; /* since when, ...                                                                               */
	uint64_t oldest_ms;   /* and how long the oldest request waited for the leader in that time, at most                   */
	bool slow;            /* my SUSPECT of this view says: slow                                                            */
};
#endif
