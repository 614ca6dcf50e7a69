/* bft/pbft/pace.h - what a backup measures of itself, and the bar that follows for a leader that is slow on purpose (docs/protocol.md, "A slow leader"). */
#ifndef BFT_PBFT_PACE_H
#define BFT_PBFT_PACE_H
#include "bft/types.h"

/* The bar, in ms: what a leader may take at least, ... */
#define PACE_FLOOR_MS 250u
#define PACE_TIMES 10u         /* so many round trips and flushes, ... */
#define PACE_EACH_MS 2u        /* and for each request that was held before it */
#define PACE_LEVEL_MAX 3u      /* doublings, one for each leader that I found slow ... */
#define PACE_LEVEL_MS 30000u   /* less one for each such time in which the lower bar would have done */
#define PACE_TRY_MS 3000u      /* the lower bar is tried after so long in any case, ... */
#define PACE_TRIES_MAX 6u      /* doubled with each try that failed, so often */
#define PACE_FLUSHES 8u        /* whose mean counts */
#define PACE_MEAN_FLOOR_MS 30u /* the bar for the mean of many: at least, ... */
#define PACE_MEAN_TIMES 3u     /* and so many round trips, the least of the last while, and flushes; and PACE_EACH_MS as above */
#define PACE_MEAN_CLAMP 4u     /* one that waited longer than so many bars counts as so many: it may be bad luck */
#define PACE_SPAN_MS 2000u     /* they were executed in so much of the leader's time, ... */
#define PACE_SPAN_COUNT 16u    /* and are so many at least */
#define PACE_SHARES 64u        /* of so many groups of sessions each counts the same */
#define PACE_LEAST_MS 10000u   /* the while */
#define PACE_GAP_MS 100u       /* longer between two ticks, I was frozen myself */

struct pace_share {
	uint64_t waited_ms, bar_ms; /* of what was executed in the span, in all; the bars without the level */
};

/* What the clients showed to all at once is judged by itself: what comes here later has waited elsewhere before, and how long only its client knows. */
struct pace_span {
	uint64_t began_ms; /* pbft_pace.leader_ms then */
	uint32_t count;
	struct pace_share share[PACE_SHARES]; /* by session */
	bool slow;                            /* in the last one the mean was above its bar */
};

#define THIN_TIMES 4u        /* a proposal with less than a part in so many of what is under way is thin; doubled with each level */
#define THIN_WINDOW_MS 100u  /* most of those of so long, ... */
#define THIN_WINDOW_COUNT 4u /* and are so many at least: a thin window */
#define THIN_WINDOWS 12u     /* of the last 16: a slow leader */

struct pbft_thin {
	bft_seq top; /* the last that this view's leader proposed */
	uint64_t window_ms;
	uint32_t judged, thin; /* proposals of this window */
	uint16_t windows;      /* of the last ones, which were thin */
	bool slow;
};

#define LOAD_WINDOW_MS 500u
#define LOAD_SESSIONS_MAX 4096u /* that are told apart */
#define LOAD_TIMES 2u           /* the bars have room for a session's turn at so much of what it took at best, ... */
#define LOAD_EACH_MAX_US 750u   /* and at most so long */
#define LOAD_FORGET_MS 10000u   /* what was best is forgotten: a part in so many in so long */
#define LOAD_FORGET_PART 32u

struct pbft_load {
	uint64_t window_ms, best_ms;
	uint32_t requests, sessions, before; /* executed in this window; of so many sessions; and in the one before */
	uint32_t best;                       /* requests of the best window */
	uint64_t seen[LOAD_SESSIONS_MAX / 64];
};

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
	uint32_t level;                       /* doublings of the bar                                                                          */
	uint32_t tries;                       /* that failed, less those that did not */
	bool tried;                           /* this level is a try */
	uint64_t level_at_ms;                 /* since when, ...                                                                               */
	uint64_t oldest_ms;                   /* and how long the oldest request waited for the leader in that time, at most                   */
	uint32_t least_rtt_ms, before_rtt_ms; /* the least of this while, and of the one before */
	uint64_t least_at_ms;
	struct pace_span span[2]; /* [shown] */
	bool slow;                /* my SUSPECT of this view says: slow                                                            */
};
#endif
