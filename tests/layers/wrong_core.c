/* A core that allocates and reads the clock: the layers test must name both. */
#include <stdlib.h>
#include <time.h>

void *wrong_core_allocates(size_t n);
long wrong_core_reads_the_clock(void);

void *wrong_core_allocates(size_t n)
{
	return malloc(n);
}

long wrong_core_reads_the_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_nsec;
}
