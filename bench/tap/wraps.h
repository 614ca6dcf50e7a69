/* bench/tap/wraps.h - of the writer's files, those that know the driver. */
#ifndef BENCH_TAP_WRAPS_H
#define BENCH_TAP_WRAPS_H
#include "replica/driver_state.h"

void stages_executed(const struct executed *x, uint64_t executed_ns);
#endif
