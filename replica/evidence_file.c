#include "replica/evidence_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096u
#define SUFFIX ".evidence"
#define TEMPORARY "new.tmp"

static bool named_evidence(const char *name)
{
	size_t n = strlen(name), suffix = strlen(SUFFIX);
	return n > suffix && strcmp(name + n - suffix, SUFFIX) == 0;
}

static int open_folder(const char *data, bool make)
{
	char path[PATH_BYTES];
	int n = snprintf(path, sizeof path, "%s/evidence", data);
	if (n < 0 || (size_t)n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (make && mkdir(path, 0700) != 0 && errno != EEXIST)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* -1: it cannot be read. */
static int count_files(int folder)
{
	int count = 0, fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	for (struct dirent *e; count < (int)EVIDENCE_FILES_MAX && (e = readdir(d));)
		count += named_evidence(e->d_name);
	closedir(d);
	return count;
}

static bool write_new(int folder, const uint8_t *bytes, size_t n)
{
	int fd = openat(folder, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	while (n) {
		ssize_t put = write(fd, bytes, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			break;
		bytes += put;
		n -= (size_t)put;
	}
	bool ok = n == 0 && fsync(fd) == 0;
	return close(fd) == 0 && ok;
}

static enum evidence_kept keep(int folder, const char *name, const uint8_t *bytes, size_t n)
{
	struct stat st;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return EVIDENCE_KNOWN;
	int count = count_files(folder);
	if (count < 0)
		return EVIDENCE_FAILED;
	if ((unsigned)count >= EVIDENCE_FILES_MAX)
		return EVIDENCE_FULL;
	if (write_new(folder, bytes, n) && renameat(folder, TEMPORARY, folder, name) == 0)
		return fsync(folder) == 0 ? EVIDENCE_KEPT : EVIDENCE_FAILED;
	int why = errno;
	unlinkat(folder, TEMPORARY, 0);
	errno = why;
	return EVIDENCE_FAILED;
}

enum evidence_kept evidence_file_keep(const char *data, const char *name, const uint8_t *bytes, size_t n)
{
	int folder = open_folder(data, true);
	if (folder < 0)
		return EVIDENCE_FAILED;
	enum evidence_kept kept = keep(folder, name, bytes, n);
	int why = errno;
	close(folder);
	errno = why;
	return kept;
}

/* ---- list ---- */

static int is_evidence(const struct dirent *e)
{
	return named_evidence(e->d_name);
}

bool evidence_file_list(const char *data, evidence_file_fn found, void *user)
{
	struct dirent **names = NULL;
	int folder = open_folder(data, false);
	if (folder < 0)
		return errno == ENOENT && access(data, F_OK) == 0;
	int count = scandirat(folder, ".", &names, is_evidence, alphasort), why = errno;
	close(folder);
	for (int i = 0; i < count; i++) {
		char path[PATH_BYTES + 300];
		if (i < (int)EVIDENCE_FILES_MAX) {
			snprintf(path, sizeof path, "%s/evidence/%s", data, names[i]->d_name);
			found(user, path);
		}
		free(names[i]);
	}
	free(names);
	errno = why;
	return count >= 0;
}

/* ---- one after the other ---- */

/* Names that no replica makes are left out. */
static bool first_behind(int folder, const struct evidence_name *after, struct evidence_name *best)
{
	struct evidence_name name;
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	*best = (struct evidence_name){ { 0 } };
	if (!d) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (!named_evidence(e->d_name) || !evidence_name_set(&name, e->d_name) || strcmp(name.text, after->text) <= 0)
			continue;
		if (!*best->text || strcmp(name.text, best->text) < 0)
			*best = name;
	}
	closedir(d);
	return *best->text != 0;
}

/* A folder, a pipe or a link of that name is no evidence. */
static size_t read_whole(int folder, const char *name, uint8_t *bytes, size_t capacity)
{
	struct stat st;
	size_t n = 0;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return 0;
	bool fits = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && (uint64_t)st.st_size <= capacity;
	while (fits && n < capacity) {
		ssize_t got = read(fd, bytes + n, capacity - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	return n;
}

size_t evidence_file_next(const char *data, const struct evidence_name *after, struct evidence_name *name, uint8_t *bytes, size_t capacity)
{
	struct evidence_name at = *after;
	size_t n = 0;
	int folder = open_folder(data, false);
	/* What cannot be read is passed over: behind it there may be more. */
	for (unsigned i = 0; folder >= 0 && n == 0 && i < EVIDENCE_FILES_MAX && first_behind(folder, &at, name); i++) {
		n = read_whole(folder, name->text, bytes, capacity);
		at = *name;
	}
	if (folder >= 0)
		close(folder);
	if (n == 0)
		*name = (struct evidence_name){ { 0 } };
	return n;
}
