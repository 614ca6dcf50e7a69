#include "bench/compare.h"

#include "bench/numbers.h"
#include "bench/several.h"
#include "bench/words.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 4096u
#define PER_SECOND 10u /* intervals of 100 ms */

struct folder {
	const char *path;
	json_t *summary, *rows; /* of a run, or of a matrix */
};

bool compare_regressed(const struct estimate *ratio, double percent)
{
	if (!isfinite(ratio->value) || ratio->value >= 1 - percent / 100)
		return false;
	return !isfinite(ratio->high) || ratio->high < 1;
}

/* ---- folders ---- */

static json_t *load(const char *folder, const char *name)
{
	char path[1100];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return json_load_file(path, 0, NULL);
}

static bool folder_read(struct folder *f, const char *path)
{
	json_t *matrix = load(path, "matrix.json");
	*f = (struct folder){ .path = path, .summary = load(path, "summary.json"), .rows = json_incref(json_object_get(matrix, "rows")) };
	json_decref(matrix);
	if (f->summary || json_is_array(f->rows))
		return true;
	fprintf(stderr, "quorate-bench: %s: it holds neither summary.json nor matrix.json of a run\n", path);
	return false;
}

static void folder_free(struct folder *f)
{
	json_decref(f->summary);
	json_decref(f->rows);
}

/* Operations a second: of each run where there are several, else of each whole second of the one. */
static size_t samples(const struct folder *f, double out[SAMPLES_MAX])
{
	char path[1100], line[256];
	const json_t *runs = json_object_get(f->summary, "runs");
	size_t count = 0, intervals = 0;
	double second = 0, t, ops;
	if (json_array_size(runs) > 1)
		return several_numbers(runs, "throughput.ops_per_s", out);
	snprintf(path, sizeof path, "%s/intervals.csv", f->path);
	FILE *in = fopen(path, "re");
	while (in && count < SAMPLES_MAX && fgets(line, sizeof line, in)) {
		if (sscanf(line, "%lf,%lf", &t, &ops) != 2)
			continue;
		second += ops;
		if (++intervals % PER_SECOND)
			continue;
		out[count++] = second;
		second = 0;
	}
	if (in)
		fclose(in);
	return count;
}

/* ---- what changed ---- */

struct change {
	const char *name;
	double before, after;
	struct estimate ratio; /* of after by before, as throughput: less is worse */
	bool regressed;
};

static json_t *change_json(const struct change *c)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:b}", "what", c->name, "before", number_json(c->before), "after", number_json(c->after), "change_pct",
	                 number_json(100 * (c->ratio.value - 1)), "ratio_ci95", interval_json(&c->ratio, 1), "regressed", c->regressed);
}

static void change_say(const struct change *c)
{
	printf("%-26s %12.2f %12.2f %+8.1f%%", c->name, c->before, c->after, 100 * (c->ratio.value - 1));
	if (isfinite(c->ratio.low))
		printf("  (95%% confidence: %+.1f to %+.1f)", 100 * (c->ratio.low - 1), 100 * (c->ratio.high - 1));
	printf("%s\n", c->regressed ? "  WORSE" : "");
}

static void add(json_t *list, bool json, struct change c)
{
	json_array_append_new(list, change_json(&c));
	if (!json)
		change_say(&c);
}

static bool throughput(const struct folder *a, const struct folder *b, double percent, bool json, json_t *list)
{
	static double x[SAMPLES_MAX], y[SAMPLES_MAX];
	size_t before = samples(a, x), after = samples(b, y);
	struct change c = { .name = "throughput, operations/s",
		            .before = several_number(a->summary, "throughput.ops_per_s"),
		            .after = several_number(b->summary, "throughput.ops_per_s"),
		            .ratio = stats_ratio(y, after, x, before) };
	c.regressed = compare_regressed(&c.ratio, percent);
	add(list, json, c);
	return c.regressed;
}

/* One run has one median: no interval, and no verdict. */
static void latencies(const struct folder *a, const struct folder *b, bool json, json_t *list)
{
	static const char *const path[] = { "latency_ms.p50", "latency_ms.p99", "latency_ms.p99_9", "cpu_us_per_op" };
	for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
		double before = several_number(a->summary, path[i]), after = several_number(b->summary, path[i]);
		if (isfinite(before) && isfinite(after) && before > 0)
			add(list, json, (struct change){ .name = path[i], .before = before, .after = after, .ratio = { after / before, NAN, NAN } });
	}
}

/* The interval of a difference of two that have one each; of pairs, the spread of both counts. */
static struct estimate ratio_of(const json_t *a, const json_t *b)
{
	const json_t *x = json_object_get(a, "kept_pct_cpu_fair_ci95"), *y = json_object_get(b, "kept_pct_cpu_fair_ci95");
	double before = several_number(a, "kept_pct_cpu_fair"), after = several_number(b, "kept_pct_cpu_fair");
	struct estimate e = { before > 0 ? after / before : NAN, NAN, NAN };
	if (!json_is_array(x) || !json_is_array(y) || !isfinite(e.value))
		return e;
	double of_x = (json_number_value(json_array_get(x, 1)) - json_number_value(json_array_get(x, 0))) / 2 / before;
	double of_y = (json_number_value(json_array_get(y, 1)) - json_number_value(json_array_get(y, 0))) / 2 / (after > 0 ? after : 1);
	double half = e.value * hypot(of_x, of_y);
	return (struct estimate){ e.value, e.value - half, e.value + half };
}

static bool rows(const struct folder *a, const struct folder *b, double percent, bool json, json_t *list)
{
	json_t *row, *other;
	size_t i, k;
	bool any = false;
	json_array_foreach(b->rows, i, row)
	{
		const char *name = json_string_value(json_object_get(row, "attack"));
		json_array_foreach(a->rows, k, other)
		{
			const char *was = json_string_value(json_object_get(other, "attack"));
			if (!name || !was || strcmp(name, was) != 0)
				continue;
			struct change c = { name, several_number(other, "kept_pct_cpu_fair"), several_number(row, "kept_pct_cpu_fair"), ratio_of(other, row),
				            false };
			c.regressed = compare_regressed(&c.ratio, percent);
			any |= c.regressed;
			if (isfinite(c.ratio.value))
				add(list, json, c);
		}
	}
	return any;
}

static bool became_unsafe(const struct folder *a, const struct folder *b)
{
	const char *x = json_string_value(json_object_get(json_object_get(a->summary, "safety"), "verdict"));
	const char *y = json_string_value(json_object_get(json_object_get(b->summary, "safety"), "verdict"));
	return x && y && strcmp(x, "UNSAFE") != 0 && !strcmp(y, "UNSAFE");
}

/* ---- the whole ---- */

static int usage(const char *why)
{
	fprintf(stderr, "quorate-bench: %s\nusage: quorate-bench compare A B [--fail-if 5%%] [--json]: folders that --out made\n", why);
	return 2;
}

static int read_words(int argc, char *const *argv, const char *path[2], double *percent, bool *json)
{
	int count = 0;
	uint32_t wanted;
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			*json = true;
		else if (!strcmp(argv[i], "--fail-if")) {
			if (i + 1 == argc || !words_percent(argv[i + 1], &wanted))
				return usage("--fail-if needs a share, as 5%");
			*percent = wanted;
			i++;
		} else if (argv[i][0] == '-' || count == 2)
			return usage(argv[i][0] == '-' ? "compare knows --fail-if and --json" : "compare takes two folders");
		else
			path[count++] = argv[i];
	}
	return count == 2 ? 0 : usage("compare takes two folders");
}

static int compare(const struct folder *a, const struct folder *b, double percent, bool json)
{
	json_t *list = json_array();
	bool worse = became_unsafe(a, b), limited = percent >= 0;
	if (!json)
		printf("%-26s %12s %12s %9s\n", "", "before", "after", "change");
	if (a->summary && b->summary) {
		worse |= throughput(a, b, limited ? percent : 100, json, list);
		latencies(a, b, json, list);
	}
	if (a->rows && b->rows)
		worse |= rows(a, b, limited ? percent : 100, json, list);
	if (json) {
		json_t *out = json_pack("{s:s,s:s,s:O,s:b}", "before", a->path, "after", b->path, "changes", list, "regressed", worse);
		json_dumpf(out, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		puts("");
		json_decref(out);
	} else if (became_unsafe(a, b)) {
		puts("it was safe, and is UNSAFE");
	}
	json_decref(list);
	return worse;
}

int compare_run(int argc, char *const *argv)
{
	const char *path[2];
	struct folder a = { 0 }, b = { 0 };
	double percent = -1;
	bool json = false;
	int code = read_words(argc, argv, path, &percent, &json);
	if (code)
		return code;
	bool read = folder_read(&a, path[0]);
	read = folder_read(&b, path[1]) && read;
	if (read && !((a.summary && b.summary) || (a.rows && b.rows))) {
		fputs("quorate-bench: one folder holds a run, the other a matrix: they cannot be compared\n", stderr);
		read = false;
	}
	code = read ? compare(&a, &b, percent, json) : 3;
	folder_free(&a);
	folder_free(&b);
	return code;
}
