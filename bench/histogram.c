#include "bench/histogram.h"

#include <math.h>

static uint32_t bucket_of(uint64_t us)
{
	if (us < HISTOGRAM_SUB)
		return (uint32_t)us;
	uint32_t doubling = 63u - (uint32_t)__builtin_clzll(us); /* us in [2^doubling, 2^(doubling+1)) */
	uint32_t shift = doubling - 6;
	uint32_t i = (shift + 1) * HISTOGRAM_SUB + (uint32_t)((us >> shift) - HISTOGRAM_SUB);
	return i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1;
}

static uint64_t upper_end(uint32_t i)
{
	if (i < HISTOGRAM_SUB)
		return i;
	uint32_t shift = i / HISTOGRAM_SUB - 1;
	return ((uint64_t)(HISTOGRAM_SUB + i % HISTOGRAM_SUB + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t us)
{
	h->count++;
	h->sum += us;
	if (us > h->max)
		h->max = us;
	h->bucket[bucket_of(us)]++;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)h->count + 0.5), seen = 0;
	wanted = wanted ? wanted : 1;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= wanted && h->count) {
			uint64_t us = upper_end(i);
			return us < h->max ? us : h->max;
		}
	}
	return h->max;
}

uint64_t histogram_count_to(const struct histogram *h, uint64_t us)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i <= bucket_of(us); i++)
		count += h->bucket[i];
	return count;
}

double histogram_deviation(const struct histogram *h)
{
	double mean = h->count ? (double)h->sum / (double)h->count : 0, sum = 0;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		double off = (double)upper_end(i) - mean;
		sum += (double)h->bucket[i] * off * off;
	}
	return h->count ? sqrt(sum / (double)h->count) : 0;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	into->sum += from->sum;
	into->max = from->max > into->max ? from->max : into->max;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}
