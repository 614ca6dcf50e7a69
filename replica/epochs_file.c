#include "replica/epochs_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096u

static int open_file(const char *data, int flags)
{
	char path[PATH_BYTES];
	int n = snprintf(path, sizeof path, "%s/epochs", data);
	if (n < 0 || (size_t)n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool read_whole(int fd, uint8_t *bytes, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = read(fd, bytes + at, n - at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

bool epochs_file_read(const char *data, uint8_t **bytes, size_t *n)
{
	struct stat st;
	int fd = open_file(data, O_RDONLY);
	*bytes = NULL;
	*n = 0;
	if (fd < 0)
		return errno == ENOENT;
	bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	size_t size = ok && (size_t)st.st_size < EPOCHS_FILE_BYTES_MAX ? (size_t)st.st_size : EPOCHS_FILE_BYTES_MAX;
	if (ok && st.st_size > 0) {
		*bytes = malloc(size);
		ok = *bytes && read_whole(fd, *bytes, size);
		*n = ok ? size : 0;
	}
	close(fd);
	return ok;
}

bool epochs_file_cut(const char *data, size_t n)
{
	int fd = open_file(data, O_WRONLY);
	if (fd < 0)
		return errno == ENOENT;
	bool ok = ftruncate(fd, (off_t)n) == 0 && fsync(fd) == 0;
	close(fd);
	return ok;
}

static bool sync_folder(const char *data)
{
	int fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

bool epochs_file_append(const char *data, const uint8_t *bytes, size_t n)
{
	struct stat st;
	int fd = open_file(data, O_WRONLY | O_CREAT | O_APPEND);
	if (fd < 0)
		return false;
	bool ok = fstat(fd, &st) == 0 && (size_t)st.st_size + n <= EPOCHS_FILE_BYTES_MAX;
	/* A part of it may stay behind when this fails: the next start cuts it off. */
	ok = ok && write(fd, bytes, n) == (ssize_t)n && fsync(fd) == 0 && (st.st_size || sync_folder(data));
	int why = errno;
	close(fd);
	errno = why;
	return ok;
}

bool epochs_file_copy(const char *data, const char *from)
{
	struct stat st;
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	uint8_t *bytes = fstat(fd, &st) == 0 && (size_t)st.st_size <= EPOCHS_FILE_BYTES_MAX ? malloc((size_t)st.st_size + 1) : NULL;
	bool ok = bytes && read_whole(fd, bytes, (size_t)st.st_size) && epochs_file_append(data, bytes, (size_t)st.st_size);
	int why = errno;
	free(bytes);
	close(fd);
	errno = why;
	return ok;
}
