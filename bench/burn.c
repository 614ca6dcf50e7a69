#include "bench/burn.h"

#include <math.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LEAST_CORES 0.005
#define NAP_NS 2000000

static double seconds(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As an attacker would: as much as its share, when it gets it; what it was late with it makes up for. */
_Noreturn static void burn(double share)
{
	double from = seconds(CLOCK_MONOTONIC);
	for (;;) {
		if (seconds(CLOCK_PROCESS_CPUTIME_ID) >= share * (seconds(CLOCK_MONOTONIC) - from))
			nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
	}
}

void burn_begin(struct burners *b, double cores)
{
	*b = (struct burners){ 0 };
	if (cores < LEAST_CORES)
		return;
	uint32_t wanted = (uint32_t)ceil(cores), count = wanted < BURNERS_MAX ? wanted : BURNERS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			setpgid(0, 0);
			burn(cores / count);
		}
		if (pid > 0)
			b->pid[b->count++] = pid;
	}
}

double burn_end(struct burners *b)
{
	double used = 0;
	for (uint32_t i = 0; i < b->count; i++) {
		struct rusage u = { 0 };
		kill(b->pid[i], SIGKILL);
		if (wait4(b->pid[i], NULL, 0, &u) == b->pid[i])
			used += (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	}
	b->count = 0;
	return used;
}
