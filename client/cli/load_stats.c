#include "load_stats.h"

static uint32_t bucket_of(uint64_t us)
{
	if (us < STATS_SUB)
		return (uint32_t)us;
	uint32_t top = 63u - (uint32_t)__builtin_clzll(us); /* >= 5 */
	return (top - 4) * STATS_SUB + (uint32_t)((us >> (top - 5)) & (STATS_SUB - 1));
}

/* The upper end of a bucket: what is reported is never less than what was measured. */
static uint64_t bucket_end(uint32_t bucket)
{
	if (bucket < STATS_SUB)
		return bucket;
	uint32_t top = bucket / STATS_SUB + 4;
	return ((uint64_t)(STATS_SUB + bucket % STATS_SUB + 1) << (top - 5)) - 1;
}

void stats_add(struct load_stats *s, uint64_t now_us, uint64_t took_us, uint32_t count)
{
	s->bucket[bucket_of(took_us)] += count;
	s->count += count;
	if (took_us > s->max_us)
		s->max_us = took_us;
	if (!s->first_us)
		s->first_us = now_us;
	else if (now_us > s->last_us && now_us - s->last_us > s->gap_us)
		s->gap_us = now_us - s->last_us;
	s->last_us = now_us;
}

uint64_t stats_percentile(const struct load_stats *s, uint32_t per_mille)
{
	uint64_t rank = (s->count * per_mille + 999) / 1000, seen = 0;
	for (uint32_t i = 0; i < STATS_BUCKETS && s->count; i++) {
		seen += s->bucket[i];
		if (seen >= rank)
			return bucket_end(i) < s->max_us ? bucket_end(i) : s->max_us;
	}
	return 0;
}
