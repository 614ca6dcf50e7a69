/* Configuration files: refused with named problems, or read without any. */
#include "quorate_setup.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>

struct heard {
	const char *path;
	uint32_t count;
};

static void problem(void *user, const char *sentence)
{
	struct heard *h = user;
	size_t n = strlen(sentence);
	h->count++;
	FUZZ_CHECK(n > 0 && n < 2048);
	/* Nothing that a terminal would obey comes out of the file. */
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK((unsigned char)sentence[i] >= 0x20 && sentence[i] != 0x7f);
}

static void read_as(enum quorate_config_kind kind, const char *path)
{
	struct heard heard = { path, 0 };
	struct quorate_config *config = NULL;
	enum quorate_error e = quorate_config_read(&config, kind, path, problem, &heard);
	FUZZ_CHECK((e == QUORATE_OK) == (heard.count == 0) && (e == QUORATE_OK) == (config != NULL));
	if (config)
		FUZZ_CHECK((kind == QUORATE_CONFIG_REPLICA ? quorate_config_options(config)->genesis : quorate_config_client(config)->genesis) != NULL);
	quorate_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char path[96];
	fuzz_path(path, sizeof path, "config.yaml");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	close(fd);
	read_as(QUORATE_CONFIG_REPLICA, path);
	read_as(QUORATE_CONFIG_CLIENT, path);
	struct heard heard = { path, 0 };
	enum quorate_config_kind kind;
	enum quorate_error e = quorate_config_check(path, problem, &heard, &kind);
	FUZZ_CHECK((e == QUORATE_OK) == (heard.count == 0));
	unlink(path);
	return 0;
}
