/* bench/several.h - what several runs of the same say together, from their summaries (docs/benchmarking.md). Pure functions of JSON. */
#ifndef BENCH_SEVERAL_H
#define BENCH_SEVERAL_H
#include <jansson.h>
#include <stdbool.h>

#define SEVERAL_MAX 50u

/* Numbers at a path like "latency_ms.p99" of each of the list, those that are there. Returns how many. */
size_t several_numbers(const json_t *runs, const char *path, double out[SEVERAL_MAX]);
double several_number(const json_t *of, const char *path); /* NaN: it is not there */
/* A summary of them all: means with their interval, medians of latencies, the pairs together, the worst verdict, everybody convicted. Takes no reference. */
json_t *several_summary(json_t *runs);
#endif
