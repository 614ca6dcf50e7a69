/* bench/histogram.h - latencies in logarithmic buckets: 64 for each doubling, so a percentile is at most 1.6 % too high. Microseconds. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H
#include <stdint.h>

#define HISTOGRAM_SUB 64u
#define HISTOGRAM_BUCKETS (HISTOGRAM_SUB * 40u)

struct histogram {
	uint64_t count, sum, max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t us);
/* The value below which `share` (0..1) of all lie; the upper end of its bucket, never above the largest. */
uint64_t histogram_at(const struct histogram *h, double share);
/* How many are at most `us`, by its bucket. */
uint64_t histogram_count_to(const struct histogram *h, uint64_t us);
/* The standard deviation, each by the upper end of its bucket. */
double histogram_deviation(const struct histogram *h);
void histogram_merge(struct histogram *into, const struct histogram *from);
#endif
