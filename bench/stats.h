/* bench/stats.h - means with the interval in which they lie with 95 % confidence (Student's t), and ratios of two of them. Pure functions.
 *
 * Samples must be about independent: whole runs, pairs of phases, or slots of a second of one run, whose neighbours depend a little on each other: their interval is narrower
 * than the truth. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H
#include <stddef.h>

struct estimate {
	double value, low, high; /* low and high NaN: one sample has no interval */
};

struct sample_sum {
	size_t count;
	double mean, variance; /* of one sample; 0 of fewer than two */
};

struct sample_sum stats_sum(const double *sample, size_t count);
/* How many deviations 95 % lie within, with so many degrees of freedom. */
double stats_t95(size_t degrees);
struct estimate stats_mean(const double *sample, size_t count);
/* The mean of `a` by the mean of `b`, of independent samples (Welch's degrees of freedom, the ratio's variance to the first order). NaN: `b` is empty or zero. */
struct estimate stats_ratio(const double *a, size_t a_count, const double *b, size_t b_count);
/* The median of ratios that were taken in pairs, and the interval of their geometric mean. */
struct estimate stats_paired(const double *ratio, size_t count);
/* Sorts `sample`. NaN of none. */
double stats_median(double *sample, size_t count);
#endif
