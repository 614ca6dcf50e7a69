/* bench/schedule.h - when operations are asked in an open loop: at even intervals from one moment on, whatever comes back. Latency counts from these moments: a service
 * that stands still for a second then shows a second, in each operation that should have begun meanwhile, and not in the one that was under way alone. */
#ifndef BENCH_SCHEDULE_H
#define BENCH_SCHEDULE_H
#include <stdbool.h>
#include <stdint.h>

struct schedule {
	double rate; /* a second */
	uint64_t begins_us, asked;
	uint64_t behind_us_max; /* how late the generator itself was, at most */
};

void schedule_begin(struct schedule *s, double rate, uint64_t now_us);
/* The moment of the next operation. */
uint64_t schedule_next_us(const struct schedule *s);
/* True: one is due; `intended_us` is its moment, and it counts as asked. */
bool schedule_due(struct schedule *s, uint64_t now_us, uint64_t *intended_us);
#endif
