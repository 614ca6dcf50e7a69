/* bench/burn.h - processes that burn as much CPU as attackers used, in their place: the second baseline of bench/pairs.h. */
#ifndef BENCH_BURN_H
#define BENCH_BURN_H
#include <stdint.h>
#include <sys/types.h>

#define BURNERS_MAX 8u

struct burners {
	pid_t pid[BURNERS_MAX];
	uint32_t count;
};

/* So many cores' worth, by as many processes as that takes. They end with the thread that began them, at the latest. */
void burn_begin(struct burners *b, double cores);
/* Returns how much CPU they used, in seconds. */
double burn_end(struct burners *b);
#endif
