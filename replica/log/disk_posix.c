/* replica/log/disk_posix.c - struct log_disk over one real folder. */
#include "replica/log/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct posix_folder {
	int fd;
	int lock_fd; /* -1 until locked */
};

static int posix_open(void *user, const char *name, bool create, int *handle)
{
	const struct posix_folder *f = user;
	int fd = openat(f->fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT | O_EXCL : 0), 0600);
	if (fd < 0)
		return -errno;
	*handle = fd;
	return 0;
}

static void posix_close(void *user, int handle)
{
	(void)user;
	close(handle);
}

static int posix_size(void *user, int handle, uint64_t *bytes)
{
	(void)user;
	struct stat st;
	if (fstat(handle, &st) < 0)
		return -errno;
	*bytes = (uint64_t)st.st_size;
	return 0;
}

static int64_t posix_pread(void *user, int handle, void *out, size_t n, uint64_t offset)
{
	(void)user;
	size_t done = 0;
	while (done < n) {
		ssize_t got = pread(handle, (char *)out + done, n - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (int64_t)done;
}

static int posix_pwrite(void *user, int handle, const void *bytes, size_t n, uint64_t offset)
{
	(void)user;
	size_t done = 0;
	while (done < n) {
		ssize_t put = pwrite(handle, (const char *)bytes + done, n - done, (off_t)(offset + done));
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		if (put == 0)
			return -EIO;
		done += (size_t)put;
	}
	return 0;
}

/* Never repeated after an error: the pages may count as clean and be gone. EINTR is such an error, too. */
static int posix_sync(void *user, int handle)
{
	(void)user;
	return fdatasync(handle) < 0 ? -errno : 0;
}

static int posix_rename(void *user, const char *from, const char *to)
{
	const struct posix_folder *f = user;
	return renameat(f->fd, from, f->fd, to) < 0 ? -errno : 0;
}

static int posix_unlink(void *user, const char *name)
{
	const struct posix_folder *f = user;
	return unlinkat(f->fd, name, 0) < 0 ? -errno : 0;
}

static int posix_list(void *user, disk_list_fn fn, void *arg)
{
	const struct posix_folder *f = user;
	int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* its own place in the directory */
	if (fd < 0)
		return -errno;
	DIR *dir = fdopendir(fd);
	if (!dir) {
		int e = errno;
		close(fd);
		return -e;
	}
	const struct dirent *entry;
	errno = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			fn(arg, entry->d_name);
		errno = 0;
	}
	int e = errno;
	closedir(dir);
	return -e;
}

static int posix_sync_folder(void *user)
{
	const struct posix_folder *f = user;
	return fsync(f->fd) < 0 ? -errno : 0;
}

static int posix_lock(void *user, const char *name)
{
	struct posix_folder *f = user;
	int fd = openat(f->fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int e = errno;
		close(fd);
		return -e;
	}
	if (f->lock_fd >= 0)
		close(f->lock_fd);
	f->lock_fd = fd;
	return 0;
}

int disk_posix_open(struct log_disk *disk, const char *path)
{
	struct posix_folder *f = malloc(sizeof *f);
	if (!f)
		return -ENOMEM;
	f->lock_fd = -1;
	f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0) {
		int e = errno;
		free(f);
		return -e;
	}
	*disk = (struct log_disk){
		.user = f,
		.open = posix_open,
		.close = posix_close,
		.size = posix_size,
		.pread = posix_pread,
		.pwrite = posix_pwrite,
		.sync = posix_sync,
		.rename = posix_rename,
		.unlink = posix_unlink,
		.list = posix_list,
		.sync_folder = posix_sync_folder,
		.lock = posix_lock,
	};
	return 0;
}

void disk_posix_close(struct log_disk *disk)
{
	struct posix_folder *f = disk->user;
	if (!f)
		return;
	if (f->lock_fd >= 0)
		close(f->lock_fd);
	close(f->fd);
	free(f);
	disk->user = NULL;
}
