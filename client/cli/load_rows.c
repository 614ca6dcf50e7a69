#include "load_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_BYTES_MAX (QUORATE_KV_KEY_MAX + 1u + QUORATE_KV_VALUE_MAX)

/* FNV-1a: notices a file that was changed between two runs; nobody gains by deceiving oneself. */
#define DIGEST_BEGIN 0xcbf29ce484222325u
static uint64_t digest_add(uint64_t d, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		d = (d ^ (unsigned char)bytes[i]) * 0x100000001b3u;
	return (d ^ '\n') * 0x100000001b3u;
}

/* getline without its unbounded growth: 1 a line, 0 the end, -1 an error that was told. */
static int read_line(struct rows *r)
{
	size_t n = 0;
	int c;
	while ((c = getc_unlocked(r->file)) != EOF && c != '\n') {
		if (n == LINE_BYTES_MAX) {
			cli_fail(CLI_FAILED, "%s:%llu: the row is longer than a key and a value can be", r->path, (unsigned long long)r->line + 1);
			return -1;
		}
		r->text[n++] = (char)c;
	}
	if (ferror(r->file)) {
		cli_fail(CLI_FAILED, "%s: %s", r->path, strerror(errno));
		return -1;
	}
	if (c == EOF && n == 0)
		return 0;
	r->line++;
	r->text_n = n;
	return 1;
}

/* NULL, or what is wrong with the line. */
static const char *row_check(const struct rows *r, size_t *key_n)
{
	const char *tab = memchr(r->text, '\t', r->text_n);
	if (!tab)
		return "there is no TAB between key and value";
	*key_n = (size_t)(tab - r->text);
	if (*key_n == 0)
		return "the key is empty";
	if (*key_n > QUORATE_KV_KEY_MAX)
		return "the key is longer than 480 bytes";
	return r->text_n - *key_n - 1 > QUORATE_KV_VALUE_MAX ? "the value is longer than 1 MiB" : NULL;
}

/* 1: a row that is in order, 0: the end, -1: told. */
static int read_row(struct rows *r, size_t *key_n)
{
	int got = read_line(r);
	const char *why = got == 1 ? row_check(r, key_n) : NULL;
	if (!why)
		return got;
	cli_fail(CLI_FAILED, "%s:%llu: %s", r->path, (unsigned long long)r->line, why);
	return -1;
}

static int read_through(struct rows *r)
{
	size_t key_n;
	int got;
	r->digest = DIGEST_BEGIN;
	while ((got = read_row(r, &key_n)) == 1) {
		r->rows++;
		r->bytes += r->text_n + 1;
		r->digest = digest_add(r->digest, r->text, r->text_n);
	}
	if (got < 0)
		return CLI_FAILED;
	if (fseeko(r->file, 0, SEEK_SET) != 0)
		return cli_fail(CLI_FAILED, "%s: %s", r->path, strerror(errno));
	r->line = 0;
	return CLI_OK;
}

int rows_open(struct rows *r, const char *path)
{
	struct stat st;
	memset(r, 0, sizeof *r);
	r->path = path;
	r->file = fopen(path, "re");
	if (!r->file)
		return cli_fail(CLI_FAILED, "%s: %s", path, strerror(errno));
	/* It is read twice, and again when the load is started again: a pipe would not do. */
	if (fstat(fileno(r->file), &st) != 0 || !S_ISREG(st.st_mode))
		return cli_fail(CLI_FAILED, "%s: it is not a file", path);
	r->capacity = LINE_BYTES_MAX;
	r->text = malloc(r->capacity);
	return r->text ? read_through(r) : cli_fail(CLI_FAILED, "no memory");
}

void rows_close(struct rows *r)
{
	if (r->file)
		fclose(r->file);
	free(r->text);
	memset(r, 0, sizeof *r);
}

/* ---- bundles ---- */

static bool append(struct row_bundle *b, const struct rows *r, size_t key_n, size_t *capacity)
{
	size_t most = r->text_n + 16;
	if (b->n + most > *capacity) {
		size_t wanted = *capacity * 2 > b->n + most ? *capacity * 2 : b->n + most;
		uint8_t *bytes = realloc(b->bytes, wanted);
		if (!bytes)
			return false;
		b->bytes = bytes;
		*capacity = wanted;
	}
	size_t n = quorate_kv_put(b->bytes + b->n, *capacity - b->n, r->text, key_n, r->text + key_n + 1, r->text_n - key_n - 1);
	b->ops[b->count++].n = n;
	b->n += n;
	return n > 0;
}

static int gather(struct rows *r, uint32_t rows_max, struct row_bundle *b)
{
	size_t capacity = 0, key_n = 0;
	while (b->count < rows_max) {
		int got = r->held ? 1 : read_row(r, &key_n);
		if (got < 0)
			return CLI_FAILED;
		if (got == 0)
			break;
		/* A row that would make it too large begins the next. */
		r->held = b->count && b->n + r->text_n + 16 > LOAD_BUNDLE_BYTES_MAX;
		if (r->held)
			break;
		if (row_check(r, &key_n) || !append(b, r, key_n, &capacity))
			return cli_fail(CLI_FAILED, "no memory for the rows");
	}
	size_t at = 0;
	for (uint16_t i = 0; i < b->count; i++) {
		b->ops[i].bytes = b->bytes + at;
		at += b->ops[i].n;
	}
	return CLI_OK;
}

int rows_next(struct rows *r, uint32_t rows_max, struct row_bundle *out)
{
	*out = (struct row_bundle){ .ops = calloc(rows_max, sizeof *out->ops) };
	if (!out->ops)
		return cli_fail(CLI_FAILED, "no memory for the rows");
	int code = gather(r, rows_max, out);
	if (code != CLI_OK)
		row_bundle_free(out);
	return code;
}

void row_bundle_free(struct row_bundle *b)
{
	free(b->bytes);
	free(b->ops);
	*b = (struct row_bundle){ 0 };
}
