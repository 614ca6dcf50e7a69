/* The file that a replica and the bench share. */
#include "bench/tap/tap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct tap_shared *map(const char *path, int flags)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	if (fd < 0)
		return NULL;
	if ((flags & O_CREAT && ftruncate(fd, sizeof(struct tap_shared)) != 0) || fstat(fd, &st) != 0 || st.st_size != (off_t)sizeof(struct tap_shared)) {
		close(fd);
		return NULL;
	}
	void *at = mmap(NULL, sizeof(struct tap_shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return at == MAP_FAILED ? NULL : at;
}

struct tap_shared *tap_make(const char *path)
{
	return map(path, O_CREAT | O_TRUNC);
}

struct tap_shared *tap_open(const char *path)
{
	return map(path, 0);
}

void tap_close(struct tap_shared *tap)
{
	if (tap)
		munmap(tap, sizeof *tap);
}

uint64_t tap_now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
