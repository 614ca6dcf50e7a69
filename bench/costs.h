/* bench/costs.h - two older questions, each a command of its own: what a joining replica costs, and what one fault costs before and after. */
#ifndef BENCH_COSTS_H
#define BENCH_COSTS_H
#include "bench/plan.h"

/* Each the exit code. */
int costs_join(const struct plan *p);
int costs_fault(const struct plan *p);
#endif
