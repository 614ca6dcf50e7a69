/* What a load rests on: rows grouped alike in every run, a progress file that is whole or refused, and honest figures. */
#include "client/cli/load_rows.h"
#include "client/cli/load_state.h"
#include "client/cli/load_stats.h"
#include "tests/unit/unit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The command line is a program and no library: these files are taken as they are, and say what they say to `said`. */
#include "client/cli/load_rows.c"
#include "client/cli/load_state.c"
#include "client/cli/load_stats.c"

static char said[2048], folder[64], path[128];

int cli_fail(int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(said, sizeof said, format, args);
	va_end(args);
	return code;
}

static void write_text(const char *text, size_t n)
{
	FILE *f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(text, 1, n, f), n);
	fclose(f);
	said[0] = 0;
}

static void rows_are_grouped(void)
{
	struct rows r;
	struct row_bundle b;
	uint8_t op[64];
	write_text("a\t1\nb\t\nc\tx\ty\nlast\tno newline", 29);
	CU_ASSERT_EQUAL_FATAL(rows_open(&r, path), CLI_OK);
	CU_ASSERT(r.rows == 4 && r.line == 0);
	CU_ASSERT_EQUAL(rows_next(&r, 3, &b), CLI_OK);
	CU_ASSERT_EQUAL_FATAL(b.count, 3);
	size_t n = quorate_kv_put(op, sizeof op, "a", 1, "1", 1);
	CU_ASSERT(b.ops[0].n == n && memcmp(b.ops[0].bytes, op, n) == 0);
	n = quorate_kv_put(op, sizeof op, "c", 1, "x\ty", 3); /* the first TAB ends the key */
	CU_ASSERT(b.ops[2].n == n && memcmp(b.ops[2].bytes, op, n) == 0);
	row_bundle_free(&b);
	CU_ASSERT(rows_next(&r, 3, &b) == CLI_OK && b.count == 1);
	row_bundle_free(&b);
	CU_ASSERT(rows_next(&r, 3, &b) == CLI_OK && b.count == 0);
	row_bundle_free(&b);
	rows_close(&r);
}

/* Large rows make small bundles, and the same ones every time; none is lost between two. */
static void large_rows_are_grouped_by_bytes(void)
{
	size_t value = 400000, n = 0;
	size_t room = 8 * (value + 16);
	char *text = malloc(room);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	for (int i = 0; i < 7; i++) {
		n += (size_t)snprintf(text + n, room - n, "k%d\t", i);
		memset(text + n, 'v', value);
		n += value;
		text[n++] = '\n';
	}
	write_text(text, n);
	free(text);
	uint16_t counts[2][8] = { { 0 } };
	for (int run = 0; run < 2; run++) {
		struct rows r;
		struct row_bundle b;
		int total = 0, k = 0;
		CU_ASSERT_EQUAL_FATAL(rows_open(&r, path), CLI_OK);
		do {
			CU_ASSERT_EQUAL_FATAL(rows_next(&r, 100, &b), CLI_OK);
			CU_ASSERT(b.n <= LOAD_BUNDLE_BYTES_MAX);
			for (uint16_t i = 0; i < b.count; i++)
				CU_ASSERT_EQUAL(((const char *)b.ops[i].bytes)[4], '0' + total + i);
			total += b.count;
			counts[run][k++] = b.count;
			row_bundle_free(&b);
		} while (counts[run][k - 1] && k < 8);
		CU_ASSERT_EQUAL(total, 7);
		rows_close(&r);
	}
	CU_ASSERT_EQUAL(memcmp(counts[0], counts[1], sizeof counts[0]), 0);
}

static void wrong_rows_are_told_before_any_is_sent(void)
{
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{ "a\tb\nnotab\n", ":2: there is no TAB between key and value" },
		{ "a\tb\n\n", ":2: there is no TAB between key and value" },
		{ "\tb\n", ":1: the key is empty" },
	};
	struct rows r;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		write_text(rows[i].text, strlen(rows[i].text));
		CU_ASSERT_EQUAL(rows_open(&r, path), CLI_FAILED);
		CU_ASSERT_PTR_NOT_NULL(strstr(said, rows[i].problem));
		rows_close(&r);
	}
	char *text = malloc(LINE_BYTES_MAX + 8);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, 'k', LINE_BYTES_MAX + 8);
	text[QUORATE_KV_KEY_MAX + 1] = '\t';
	write_text(text, QUORATE_KV_KEY_MAX + 3);
	CU_ASSERT_EQUAL(rows_open(&r, path), CLI_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "the key is longer"));
	rows_close(&r);
	text[1] = '\t';
	write_text(text, QUORATE_KV_VALUE_MAX + 3);
	CU_ASSERT_EQUAL(rows_open(&r, path), CLI_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "the value is longer"));
	rows_close(&r);
	write_text(text, QUORATE_KV_VALUE_MAX + 2); /* exactly as long as allowed */
	CU_ASSERT(rows_open(&r, path) == CLI_OK && r.rows == 1);
	rows_close(&r);
	write_text(text, LINE_BYTES_MAX + 8);
	CU_ASSERT_EQUAL(rows_open(&r, path), CLI_FAILED);
	rows_close(&r);
	free(text);
	CU_ASSERT_EQUAL(rows_open(&r, folder), CLI_FAILED);
	rows_close(&r);
}

static struct load_state some_state(void)
{
	struct load_state s = { .rows = 100000, .bytes = UINT64_MAX, .digest = 0xfedcba9876543210u, .lanes = LOAD_LANES_MAX, .bundle_rows = 100 };
	memset(s.cluster, 'a', sizeof s.cluster - 1);
	for (uint32_t i = 0; i < s.lanes; i++) {
		s.session[i] = UINT64_MAX - i;
		s.done[i] = i;
	}
	return s;
}

static void progress_comes_back(void)
{
	struct load_state a = some_state(), b;
	bool found;
	unlink(path);
	CU_ASSERT(load_state_read(&b, &found, path) == CLI_OK && !found);
	CU_ASSERT_FATAL(load_state_write(&a, path));
	CU_ASSERT(load_state_read(&b, &found, path) == CLI_OK && found);
	CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof a), 0);
	a.done[3]++;
	CU_ASSERT(load_state_write(&a, path) && load_state_read(&b, &found, path) == CLI_OK && b.done[3] == a.done[3]);
	CU_ASSERT(!load_state_write(&a, "/no/such/folder/file"));
}

/* Half a file is no file: rows must not be sent under numbers that it does not vouch for. */
static void damaged_progress_is_refused(void)
{
	struct load_state a = some_state(), b;
	char text[TEXT_BYTES_MAX];
	bool found;
	size_t n = print(&a, text, sizeof text);
	CU_ASSERT_FATAL(n > 0 && n < sizeof text);
	for (size_t cut = 0; cut < n; cut++) {
		write_text(text, cut);
		CU_ASSERT_EQUAL(load_state_read(&b, &found, path), CLI_FAILED);
	}
	text[n] = 'x';
	write_text(text, n + 1);
	CU_ASSERT_EQUAL(load_state_read(&b, &found, path), CLI_FAILED);
	char *lanes = strstr(text, "lanes 16");
	CU_ASSERT_PTR_NOT_NULL_FATAL(lanes);
	lanes[7] = '7';
	write_text(text, n);
	CU_ASSERT_EQUAL(load_state_read(&b, &found, path), CLI_FAILED);
	lanes[6] = lanes[7] = '0';
	write_text(text, n);
	CU_ASSERT_EQUAL(load_state_read(&b, &found, path), CLI_FAILED);
}

static void figures_are_honest(void)
{
	static struct load_stats s;
	memset(&s, 0, sizeof s);
	CU_ASSERT_EQUAL(stats_percentile(&s, 500), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		stats_add(&s, i * 10 + (i > 500 ? 5000 : 0), i, 1);
	CU_ASSERT(s.count == 1000 && s.max_us == 1000 && s.gap_us == 5010);
	uint64_t p50 = stats_percentile(&s, 500), p99 = stats_percentile(&s, 990);
	CU_ASSERT(p50 >= 500 && p50 <= 520 && p99 >= 990 && p99 <= 1000 && stats_percentile(&s, 1000) == 1000);
	/* Every value lies in its bucket, and no bucket is wider than a thirtieth. */
	for (uint64_t v = 0; v < UINT64_MAX / 3; v = v * 2 + v / 7 + 1) {
		uint32_t bucket = bucket_of(v);
		CU_ASSERT(bucket < STATS_BUCKETS && bucket_end(bucket) >= v && bucket_end(bucket) - v <= v / 30);
		CU_ASSERT(bucket == 0 || bucket_end(bucket - 1) < v);
	}
	CU_ASSERT(bucket_of(UINT64_MAX) < STATS_BUCKETS);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "rows are grouped", rows_are_grouped },
		{ "large rows are grouped by bytes", large_rows_are_grouped_by_bytes },
		{ "wrong rows are told before any is sent", wrong_rows_are_told_before_any_is_sent },
		{ "progress comes back", progress_comes_back },
		{ "damaged progress is refused", damaged_progress_is_refused },
		{ "figures are honest", figures_are_honest },
		{ NULL, NULL },
	};
	snprintf(folder, sizeof folder, "/tmp/test-load-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof path, "%s/rows", folder);
	int result = unit_main("load", cases);
	unlink(path);
	rmdir(folder);
	return result;
}
