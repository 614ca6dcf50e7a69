#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX 256u
#define LEAST_RATIO 1e-6 /* of a pair in which nothing was done: its logarithm must be a number */

struct sample_sum stats_sum(const double *sample, size_t count)
{
	struct sample_sum s = { .count = count };
	for (size_t i = 0; i < count; i++)
		s.mean += sample[i] / (double)count;
	for (size_t i = 0; i < count && count > 1; i++)
		s.variance += (sample[i] - s.mean) * (sample[i] - s.mean) / (double)(count - 1);
	return s;
}

double stats_t95(size_t degrees)
{
	static const double t[] = { INFINITY, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
		                    2.120,    2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042 };
	size_t known = sizeof t / sizeof *t;
	return degrees < known ? t[degrees] : 1.960 + 2.46 / (double)degrees; /* within 0.001 above 30 */
}

static struct estimate around(double value, double deviation, size_t degrees)
{
	double half = degrees ? stats_t95(degrees) * deviation : NAN;
	return (struct estimate){ value, value - half, value + half };
}

struct estimate stats_mean(const double *sample, size_t count)
{
	struct sample_sum s = stats_sum(sample, count);
	return count ? around(s.mean, sqrt(s.variance / (double)count), count - 1) : (struct estimate){ NAN, NAN, NAN };
}

struct estimate stats_ratio(const double *a, size_t a_count, const double *b, size_t b_count)
{
	struct sample_sum x = stats_sum(a, a_count), y = stats_sum(b, b_count);
	if (!a_count || !b_count || y.mean <= 0)
		return (struct estimate){ NAN, NAN, NAN };
	double ratio = x.mean / y.mean, of_x = x.variance / (double)a_count, of_y = ratio * ratio * y.variance / (double)b_count;
	if (a_count < 2 || b_count < 2)
		return (struct estimate){ ratio, NAN, NAN };
	double both = of_x + of_y, parts = of_x * of_x / (double)(a_count - 1) + of_y * of_y / (double)(b_count - 1);
	size_t degrees = parts > 0 ? (size_t)(both * both / parts) : a_count + b_count - 2;
	return around(ratio, sqrt(both) / y.mean, degrees ? degrees : 1);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double stats_median(double *sample, size_t count)
{
	if (!count)
		return NAN;
	qsort(sample, count, sizeof *sample, by_size);
	return count % 2 ? sample[count / 2] : (sample[count / 2 - 1] + sample[count / 2]) / 2;
}

struct estimate stats_paired(const double *ratio, size_t count)
{
	double logs[PAIRS_MAX], sorted[PAIRS_MAX];
	count = count < PAIRS_MAX ? count : PAIRS_MAX;
	if (!count)
		return (struct estimate){ NAN, NAN, NAN };
	for (size_t i = 0; i < count; i++)
		logs[i] = log(ratio[i] > LEAST_RATIO ? ratio[i] : LEAST_RATIO);
	memcpy(sorted, ratio, count * sizeof *sorted);
	struct estimate e = stats_mean(logs, count);
	return (struct estimate){ stats_median(sorted, count), exp(e.low), exp(e.high) };
}
