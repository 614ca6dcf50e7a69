/* Preloaded into a replica, makes its disk ten times slower while the file named by SLOW_DISK exists: each flush takes nine times as long again as it took. */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define AGAIN 9

static int (*real_fdatasync)(int), (*real_fsync)(int);

/* Before any thread of the program exists. */
__attribute__((constructor)) static void begin(void)
{
	void *found[2] = { dlsym(RTLD_NEXT, "fdatasync"), dlsym(RTLD_NEXT, "fsync") };
	if (!found[0] || !found[1])
		abort();
	memcpy(&real_fdatasync, &found[0], sizeof found[0]);
	memcpy(&real_fsync, &found[1], sizeof found[1]);
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int slowly(int (*real)(int), int fd)
{
	const char *path = getenv("SLOW_DISK");
	int64_t began = now_ns();
	int result = real(fd), e = errno;
	if (path && access(path, F_OK) == 0) {
		int64_t more = AGAIN * (now_ns() - began);
		struct timespec t = { .tv_sec = (time_t)(more / 1000000000), .tv_nsec = (long)(more % 1000000000) };
		nanosleep(&t, NULL);
	}
	errno = e;
	return result;
}

int fdatasync(int fd)
{
	return slowly(real_fdatasync, fd);
}

int fsync(int fd)
{
	return slowly(real_fsync, fd);
}
