/* Key files: one that is read in the clear is what would be written. */
#include "crypto/keyfile.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <strings.h>

static void put(const char *path, const uint8_t *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	close(fd);
}

static void compare(const char *path, const uint8_t *bytes, size_t n)
{
	uint8_t again[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	FUZZ_CHECK(fd >= 0);
	ssize_t got = read(fd, again, sizeof again);
	close(fd);
	/* Digits may have been typed by hand: a to f may be A to F. */
	FUZZ_CHECK(got >= 0 && (size_t)got == n && strncasecmp((const char *)bytes, (const char *)again, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char path[96], second[96];
	struct secret_key sk;
	struct public_key pk;
	if (n > 4096)
		return 0;
	fuzz_path(path, sizeof path, "key");
	fuzz_path(second, sizeof second, "key2");
	put(path, bytes, n);
	/* Never with a passphrase: what a file may ask of Argon2 is bounded, and still too slow here. */
	enum keyfile_result r = keyfile_read(path, &sk, &pk, NULL);
	FUZZ_CHECK(keyfile_text(r) != NULL);
	if (r == KEYFILE_OK) {
		FUZZ_CHECK(keyfile_write(second, &sk, NULL) == KEYFILE_OK);
		compare(second, bytes, n);
		unlink(second);
	}
	unlink(path);
	return 0;
}
