/* bench/knee.h - which rate to try next, and where the knee is: the highest that the service kept. Rates double until one is not kept (or the end is); then the middle,
 * by ratio, between the last that was and the first that was not. Pure. */
#ifndef BENCH_KNEE_H
#define BENCH_KNEE_H
#include <stdbool.h>
#include <stdint.h>

#define KNEE_STEPS_MAX 24u
#define KNEE_CLOSE 1.05 /* kept and not kept so near: good enough */

struct knee {
	double from, to;
	double kept, broken; /* the highest and the lowest; 0: none yet */
	uint32_t steps_left;
};

void knee_begin(struct knee *k, double from, double to, uint32_t steps);
/* False: it is found, or no step is left. */
bool knee_next(const struct knee *k, double *rate);
void knee_tell(struct knee *k, double rate, bool kept);
#endif
