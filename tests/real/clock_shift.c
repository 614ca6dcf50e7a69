/* Preloaded into a program, shifts its wall clock: by as much as the file named by CLOCK_SHIFT says at each call, in ms, and by its second number, ms a second since the
 * first call. The monotonic clock, and with it every timer, stays. So a clock can be stepped, and can run too fast, while the program runs. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static int (*real_clock)(clockid_t, struct timespec *);
static int64_t began_ms;

static int64_t ms_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

/* Before any thread of the program exists. */
__attribute__((constructor)) static void begin(void)
{
	struct timespec now;
	void *found = dlsym(RTLD_NEXT, "clock_gettime");
	if (!found)
		abort();
	memcpy(&real_clock, &found, sizeof real_clock);
	real_clock(CLOCK_MONOTONIC, &now);
	began_ms = ms_of(&now);
}

/* The file is replaced as a whole, so what is read is whole. Without one nothing is shifted. */
static int64_t shift_ms(void)
{
	struct timespec now;
	const char *path = getenv("CLOCK_SHIFT");
	FILE *f = path ? fopen(path, "re") : NULL;
	long step = 0, drift = 0;
	if (!f)
		return 0;
	if (fscanf(f, "%ld %ld", &step, &drift) != 2)
		abort();
	fclose(f);
	real_clock(CLOCK_MONOTONIC, &now);
	return step + drift * (ms_of(&now) - began_ms) / 1000;
}

static void shift(struct timespec *t)
{
	int64_t ms = ms_of(t) + shift_ms();
	t->tv_nsec = (long)(ms % 1000) * 1000000 + t->tv_nsec % 1000000;
	t->tv_sec = (time_t)(ms / 1000);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int e = real_clock(clock, out);
	if (e == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		shift(out);
	return e;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec t;
	(void)zone;
	int e = clock_gettime(CLOCK_REALTIME, &t);
	if (e == 0)
		*out = (struct timeval){ .tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000 };
	return e;
}

time_t time(time_t *out)
{
	struct timespec t;
	if (clock_gettime(CLOCK_REALTIME, &t) != 0)
		return -1;
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}
