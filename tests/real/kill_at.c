/* Preloaded into a program, kills it at one of its writes: the KILL_AT-th call (from 1) that changes a file below the folder KILL_UNDER, before the call or after
 * it as KILL_WHEN says. Without KILL_AT nothing happens. SIGKILL: nothing of the program runs any more, what the kernel holds stays. */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static bool below(const char *path)
{
	const char *folder = getenv("KILL_UNDER");
	size_t n = folder ? strlen(folder) : 0;
	return n && strncmp(path, folder, n) == 0 && path[n] == '/';
}

static bool fd_below(int fd)
{
	char name[64], path[PATH_MAX];
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(name, path, sizeof path - 1);
	if (n < 0)
		return false;
	/* A folder's own sync counts too. */
	if ((size_t)n + 2 <= sizeof path)
		path[n++] = '/';
	path[n] = 0;
	return below(path);
}

/* Whether this call is the one. */
static bool due(bool counts)
{
	const char *at = getenv("KILL_AT");
	return counts && at && atomic_fetch_add(&calls, 1) + 1 == atol(at);
}

static bool after(void)
{
	const char *when = getenv("KILL_WHEN");
	return when && strcmp(when, "after") == 0;
}

static void end(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void *real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);
	if (!f)
		abort();
	return f;
}

#define INTERPOSED(type, name, declared, given, counts)                                                                                                        \
	type name declared                                                                                                                                     \
	{                                                                                                                                                      \
		type(*call) declared;                                                                                                                          \
		void *found = real(#name);                                                                                                                     \
		memcpy(&call, &found, sizeof call);                                                                                                            \
		bool now = due(counts);                                                                                                                        \
		if (now && !after())                                                                                                                           \
			end();                                                                                                                                 \
		type result = call given;                                                                                                                      \
		if (now)                                                                                                                                       \
			end();                                                                                                                                 \
		return result;                                                                                                                                 \
	}

INTERPOSED(ssize_t, pwrite, (int fd, const void *bytes, size_t n, off_t offset), (fd, bytes, n, offset), fd_below(fd))
INTERPOSED(ssize_t, pwrite64, (int fd, const void *bytes, size_t n, off64_t offset), (fd, bytes, n, offset), fd_below(fd))
INTERPOSED(ssize_t, pwritev, (int fd, const struct iovec *v, int count, off_t offset), (fd, v, count, offset), fd_below(fd))
INTERPOSED(ssize_t, pwritev64, (int fd, const struct iovec *v, int count, off64_t offset), (fd, v, count, offset), fd_below(fd))
INTERPOSED(int, fdatasync, (int fd), (fd), fd_below(fd))
INTERPOSED(int, fsync, (int fd), (fd), fd_below(fd))
INTERPOSED(int, ftruncate, (int fd, off_t n), (fd, n), fd_below(fd))
INTERPOSED(int, ftruncate64, (int fd, off64_t n), (fd, n), fd_below(fd))
INTERPOSED(int, fallocate, (int fd, int mode, off_t from, off_t n), (fd, mode, from, n), fd_below(fd))
INTERPOSED(int, posix_fallocate, (int fd, off_t from, off_t n), (fd, from, n), fd_below(fd))
INTERPOSED(int, rename, (const char *from, const char *to), (from, to), below(from) || below(to))
INTERPOSED(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), fd_below(a) || fd_below(b))
INTERPOSED(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags), (a, from, b, to, flags), fd_below(a) || fd_below(b))
INTERPOSED(int, unlink, (const char *path), (path), below(path))
INTERPOSED(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), fd_below(fd) || below(path))
INTERPOSED(int, mkdir, (const char *path, mode_t mode), (path, mode), below(path))
/* LMDB maps nothing for writing unless it is told to. */
INTERPOSED(int, msync, (void *at, size_t n, int flags), (at, n, flags), true)
