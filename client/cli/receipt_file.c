#include "receipt_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int receipt_file_open(struct receipt_file *f, const char *path)
{
	*f = (struct receipt_file){ .path = path, .fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) };
	if (f->fd >= 0)
		return CLI_OK;
	return cli_fail(CLI_FAILED, "%s: %s; nothing was sent", path, strerror(errno));
}

static bool write_whole(int fd, const uint8_t *bytes, size_t n)
{
	while (n) {
		ssize_t put = write(fd, bytes, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		bytes += put;
		n -= (size_t)put;
	}
	return fsync(fd) == 0 || errno == EINVAL;
}

int receipt_file_keep(struct receipt_file *f, const void *bytes, size_t n)
{
	f->kept = write_whole(f->fd, bytes, n);
	return f->kept ? CLI_OK : cli_fail(CLI_FAILED, "%s: the receipt cannot be written: %s", f->path, strerror(errno));
}

void receipt_file_close(struct receipt_file *f)
{
	close(f->fd);
	if (!f->kept)
		unlink(f->path);
}
