/* bench/repeat.h - `run --repeat N`: the same so many times, each with a cluster of its own, and what these say together. */
#ifndef BENCH_REPEAT_H
#define BENCH_REPEAT_H
#include "bench/plan.h"

/* `argv`: the words behind `run`. The exit code: the worst of the runs'. */
int repeat_runs(const struct plan *plan, int argc, char *const *argv);
#endif
