/* client/cli/load_stats.h - how long operations took, and how long nothing was completed. */
#ifndef CLIENT_CLI_LOAD_STATS_H
#define CLIENT_CLI_LOAD_STATS_H
#include <stdint.h>

/* Buckets of 1/32 of a power of two: three per cent wide. */
#define STATS_SUB 32u
#define STATS_BUCKETS (64u * STATS_SUB)

struct load_stats {
	uint64_t count, max_us;
	uint64_t bucket[STATS_BUCKETS];
	uint64_t first_us, last_us; /* of completions; 0: none yet */
	uint64_t gap_us;
};

/* `count` operations that took `took_us` were completed at `now_us`. */
void stats_add(struct load_stats *s, uint64_t now_us, uint64_t took_us, uint32_t count);
/* The time within which `per_mille` of a thousand were done. */
uint64_t stats_percentile(const struct load_stats *s, uint32_t per_mille);
#endif
