/* bench/live.h - what is shown while a run goes on, on standard error: one screen on a terminal, a line a second elsewhere. */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H
#include "bench/conduct.h"

void live_tell(struct conductor *c, uint64_t second, uint64_t now_us);
void live_end(void);
#endif
