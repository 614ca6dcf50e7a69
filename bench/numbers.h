/* bench/numbers.h - numbers that may not be there, as JSON. */
#ifndef BENCH_NUMBERS_H
#define BENCH_NUMBERS_H
#include "bench/stats.h"

#include <jansson.h>

/* null for NaN and the infinite; the caller owns it, as always here. */
json_t *number_json(double x);
/* [low, high], each `times` as much; null when it has no end. */
json_t *interval_json(const struct estimate *e, double times);
/* null when it is negative: it never came. */
json_t *seconds_json(double s);
#endif
