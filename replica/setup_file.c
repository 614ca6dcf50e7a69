#include "replica/setup_file.h"

#include "crypto/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum quorate_error setup_fail(char *reason, enum quorate_error error, const char *path, const char *sentence)
{
	if (reason)
		snprintf(reason, QUORATE_REASON_BYTES, "%.250s: %.250s", path, sentence);
	return error;
}

static ssize_t read_all(int fd, char *bytes, size_t capacity)
{
	size_t n = 0;
	while (n < capacity) {
		ssize_t got = read(fd, bytes + n, capacity - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

static enum quorate_error read_open(int fd, char **bytes, size_t *n, const char *path, size_t most, char *reason)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return setup_fail(reason, QUORATE_FAILED, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return setup_fail(reason, QUORATE_CONFIG, path, "it is not a file");
	if (st.st_size == 0)
		return setup_fail(reason, QUORATE_CONFIG, path, "it is empty");
	if (st.st_size < 0 || (size_t)st.st_size > most)
		return setup_fail(reason, QUORATE_CONFIG, path, "it is larger than such a file can be");
	char *space = malloc((size_t)st.st_size + 1);
	if (!space)
		return setup_fail(reason, QUORATE_FAILED, path, "no memory");
	ssize_t got = read_all(fd, space, (size_t)st.st_size);
	if (got <= 0) {
		free(space);
		return setup_fail(reason, QUORATE_FAILED, path, got < 0 ? strerror(errno) : "it became empty while it was read");
	}
	space[got] = 0;
	*bytes = space;
	*n = (size_t)got;
	return QUORATE_OK;
}

enum quorate_error setup_read(char **bytes, size_t *n, const char *path, size_t most, char *reason)
{
	/* Not blocking: opening a pipe must not hang. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return setup_fail(reason, QUORATE_CONFIG, path, strerror(errno));
	enum quorate_error error = read_open(fd, bytes, n, path, most, reason);
	close(fd);
	return error;
}

static bool write_all(int fd, const char *bytes, size_t n)
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
	return fsync(fd) == 0;
}

static bool sync_folder_of(const char *path)
{
	char folder[SETUP_PATH_BYTES];
	const char *slash = strrchr(path, '/');
	int n = slash ? snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path) : snprintf(folder, sizeof folder, ".");
	if (n < 0 || (size_t)n >= sizeof folder)
		return false;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

enum quorate_error setup_write(const char *path, const void *bytes, size_t n, char *reason)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return setup_fail(reason, errno == EEXIST ? QUORATE_CONFIG : QUORATE_FAILED, path,
		                  errno == EEXIST ? "it exists already, and nothing is overwritten" : strerror(errno));
	bool ok = write_all(fd, bytes, n);
	int why = errno;
	if (close(fd) != 0 && ok) {
		ok = false;
		why = errno;
	}
	if (ok && !sync_folder_of(path)) {
		ok = false;
		why = errno;
	}
	if (ok)
		return QUORATE_OK;
	unlink(path);
	return setup_fail(reason, QUORATE_FAILED, path, strerror(why));
}

static enum quorate_error key_failed(enum keyfile_result r, const char *path, char *reason)
{
	enum quorate_error error = r == KEYFILE_UNREADABLE && (errno == ENOSPC || errno == EIO || errno == ENOMEM) ? QUORATE_FAILED : QUORATE_CONFIG;
	return setup_fail(reason, error, path, r == KEYFILE_UNREADABLE && errno ? strerror(errno) : keyfile_text(r));
}

enum quorate_error setup_read_key(const char *path, const char *passphrase, struct secret_key *sk, struct public_key *pk, char *reason)
{
	if (!sign_self_test())
		return setup_fail(reason, QUORATE_VERIFICATION, "libsodium", "its signatures fail their test vectors");
	errno = 0;
	enum keyfile_result r = keyfile_read(path, sk, pk, passphrase);
	return r == KEYFILE_OK ? QUORATE_OK : key_failed(r, path, reason);
}

enum quorate_error setup_new_key(const char *path, const char *passphrase, struct public_key *pk, char *reason)
{
	struct secret_key sk;
	if (!sign_self_test())
		return setup_fail(reason, QUORATE_VERIFICATION, "libsodium", "its signatures fail their test vectors");
	sign_keypair_random(&sign_ed25519, pk, &sk);
	errno = 0;
	enum keyfile_result r = keyfile_write(path, &sk, passphrase);
	int why = errno;
	sign_wipe(&sk);
	errno = why;
	return r == KEYFILE_OK ? QUORATE_OK : key_failed(r, path, reason);
}
