#include "load_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER "quorate-load 1"
#define TEXT_BYTES_MAX 4096u

static int damaged(const char *path)
{
	return cli_fail(CLI_FAILED, "%s: it does not say how far a load came; remove it to load every row again", path);
}

static bool parse(struct load_state *s, const char *text)
{
	int used = 0;
	if (sscanf(text, HEADER "\ncluster %64[0-9a-f]\nfile %" SCNu64 " %" SCNu64 " %" SCNx64 "\nlanes %" SCNu32 " %" SCNu32 "\n%n", s->cluster, &s->rows,
	           &s->bytes, &s->digest, &s->lanes, &s->bundle_rows, &used) != 6 ||
	    !used || s->lanes < 1 || s->lanes > LOAD_LANES_MAX || s->bundle_rows < 1)
		return false;
	for (uint32_t i = 0; i < s->lanes; i++) {
		text += used;
		used = 0;
		if (sscanf(text, "session %" SCNu64 " %" SCNu64 "\n%n", &s->session[i], &s->done[i], &used) != 2 || !used)
			return false;
	}
	return strcmp(text + used, "end\n") == 0;
}

int load_state_read(struct load_state *out, bool *found, const char *path)
{
	char text[TEXT_BYTES_MAX + 1];
	memset(out, 0, sizeof *out);
	FILE *f = fopen(path, "re");
	*found = f != NULL;
	if (!f)
		return errno == ENOENT ? CLI_OK : cli_fail(CLI_FAILED, "%s: %s", path, strerror(errno));
	size_t n = fread(text, 1, TEXT_BYTES_MAX, f);
	bool failed = ferror(f);
	fclose(f);
	text[n] = 0;
	return !failed && parse(out, text) ? CLI_OK : damaged(path);
}

static size_t print(const struct load_state *s, char *text, size_t capacity)
{
	size_t n = (size_t)snprintf(text, capacity, HEADER "\ncluster %s\nfile %" PRIu64 " %" PRIu64 " %" PRIx64 "\nlanes %" PRIu32 " %" PRIu32 "\n",
	                            s->cluster, s->rows, s->bytes, s->digest, s->lanes, s->bundle_rows);
	for (uint32_t i = 0; i < s->lanes; i++)
		n += (size_t)snprintf(text + n, capacity - n, "session %" PRIu64 " %" PRIu64 "\n", s->session[i], s->done[i]);
	return n + (size_t)snprintf(text + n, capacity - n, "end\n");
}

static bool write_file(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	bool ok = write(fd, text, n) == (ssize_t)n && fdatasync(fd) == 0;
	int why = errno;
	ok = close(fd) == 0 && ok;
	if (!ok)
		errno = why;
	return ok;
}

bool load_state_write(const struct load_state *s, const char *path)
{
	char text[TEXT_BYTES_MAX], *fresh = NULL;
	size_t n = print(s, text, sizeof text);
	if (asprintf(&fresh, "%s.new", path) < 0)
		return false;
	bool ok = write_file(fresh, text, n) && rename(fresh, path) == 0;
	int why = errno;
	free(fresh);
	errno = why;
	return ok;
}
