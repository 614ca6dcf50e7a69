#include "bench/compare.h"

#include "bench/numbers.h"
#include "bench/page.h"
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
	json_t *summary, *rows, *sizes; /* of a run, of a matrix, of scale; those that are not there are NULL */
	json_t *manifest;
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

static json_t *member(const char *folder, const char *file, const char *name, json_t **manifest)
{
	json_t *whole = load(folder, file), *list = json_incref(json_object_get(whole, name));
	if (!*manifest)
		*manifest = json_incref(json_object_get(whole, "manifest"));
	json_decref(whole);
	return list;
}

static bool folder_read(struct folder *f, const char *path)
{
	*f = (struct folder){ .path = path, .summary = load(path, "summary.json"), .manifest = load(path, "manifest.json") };
	f->rows = member(path, "matrix.json", "rows", &f->manifest);
	f->sizes = member(path, "scale.json", "rows", &f->manifest);
	if (f->summary || json_is_array(f->rows) || json_is_array(f->sizes))
		return true;
	fprintf(stderr, "quorate-bench: %s: it holds none of summary.json, matrix.json and scale.json\n", path);
	return false;
}

static void folder_free(struct folder *f)
{
	json_decref(f->summary);
	json_decref(f->rows);
	json_decref(f->sizes);
	json_decref(f->manifest);
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
	struct estimate ratio; /* of after by before */
	bool less_is_better;   /* a time; of throughput more is */
	bool regressed;
	const char *was, *is; /* the verdicts, of what has its own; else NULL */
};

/* All that is compared, and what came of it. */
struct comparison {
	double percent; /* what may be lost; 100: anything */
	bool json, worse, became_unsafe;
	json_t *list;
};

static json_t *change_json(const struct change *c)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:s,s:b,s:s?,s:s?}", "what", c->name, "before", number_json(c->before), "after", number_json(c->after),
	                 "change_pct", number_json(100 * (c->ratio.value - 1)), "ratio_ci95", interval_json(&c->ratio, 1), "better",
	                 c->less_is_better ? "less" : "more", "regressed", c->regressed, "verdict_before", c->was, "verdict_after", c->is);
}

static void change_say(const struct change *c)
{
	printf("%-26s %12.2f %12.2f %+8.1f%%", c->name, c->before, c->after, 100 * (c->ratio.value - 1));
	if (isfinite(c->ratio.low))
		printf("  (95%% confidence: %+.1f to %+.1f)", 100 * (c->ratio.low - 1), 100 * (c->ratio.high - 1));
	printf("%s%s\n", c->regressed ? "  WORSE" : "", c->is && !strcmp(c->is, "UNSAFE") ? "  UNSAFE" : "");
}

static void add(struct comparison *all, const struct change *c)
{
	all->worse |= c->regressed;
	all->became_unsafe |= c->was && c->is && strcmp(c->was, "UNSAFE") != 0 && !strcmp(c->is, "UNSAFE");
	json_array_append_new(all->list, change_json(c));
	if (!all->json)
		change_say(c);
}

static const char *verdict_of(const json_t *summary)
{
	return json_string_value(json_object_get(json_object_get(summary, "safety"), "verdict"));
}

static void throughput(struct comparison *all, const char *name, const struct folder *a, const struct folder *b)
{
	static double x[SAMPLES_MAX], y[SAMPLES_MAX];
	size_t before = samples(a, x), after = samples(b, y);
	struct change c = { .name = name,
		            .before = several_number(a->summary, "throughput.ops_per_s"),
		            .after = several_number(b->summary, "throughput.ops_per_s"),
		            .ratio = stats_ratio(y, after, x, before),
		            .was = verdict_of(a->summary),
		            .is = verdict_of(b->summary) };
	c.regressed = compare_regressed(&c.ratio, all->percent);
	add(all, &c);
}

/* One run has one median: no interval, and no verdict. */
static void latencies(struct comparison *all, const struct folder *a, const struct folder *b)
{
	static const char *const path[] = { "latency_ms.p50", "latency_ms.p99", "latency_ms.p99_9", "cpu_us_per_op" };
	for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
		double before = several_number(a->summary, path[i]), after = several_number(b->summary, path[i]);
		if (isfinite(before) && isfinite(after) && before > 0)
			add(all, &(struct change){
					 .name = path[i], .before = before, .after = after, .ratio = { after / before, NAN, NAN }, .less_is_better = true });
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

/* The one of `list` that has the same at `key`, or NULL. */
static const json_t *same(const json_t *list, const char *key, const json_t *as)
{
	json_t *one;
	size_t i;
	json_array_foreach(list, i, one)
	{
		const json_t *value = json_object_get(one, key);
		if (value && json_equal(value, json_object_get(as, key)))
			return one;
	}
	return NULL;
}

static void rows(struct comparison *all, const struct folder *a, const struct folder *b)
{
	json_t *row;
	size_t i;
	json_array_foreach(b->rows, i, row)
	{
		const json_t *other = same(a->rows, "attack", row);
		struct change c = { .name = json_string_value(json_object_get(row, "attack")),
			            .before = several_number(other, "kept_pct_cpu_fair"),
			            .after = several_number(row, "kept_pct_cpu_fair"),
			            .ratio = ratio_of(other, row),
			            .was = json_string_value(json_object_get(other, "verdict")),
			            .is = json_string_value(json_object_get(row, "verdict")) };
		c.regressed = compare_regressed(&c.ratio, all->percent);
		if (c.name && other && isfinite(c.ratio.value))
			add(all, &c);
	}
}

static void sizes(struct comparison *all, const struct folder *a, const struct folder *b)
{
	char name[40], before[1100], after[1100];
	json_t *row;
	size_t i;
	json_array_foreach(b->sizes, i, row)
	{
		const json_t *other = same(a->sizes, "n", row);
		int n = (int)json_integer_value(json_object_get(row, "n"));
		if (!other)
			continue;
		snprintf(name, sizeof name, "n = %d, operations/s", n);
		snprintf(before, sizeof before, "%s/%d", a->path, n);
		snprintf(after, sizeof after, "%s/%d", b->path, n);
		throughput(all, name, &(struct folder){ .path = before, .summary = json_object_get(other, "summary") },
		           &(struct folder){ .path = after, .summary = json_object_get(row, "summary") });
	}
}

/* ---- the whole ---- */

static int usage(const char *why)
{
	fprintf(stderr, "quorate-bench: %s\nusage: quorate-bench compare A B [--fail-if 5%%] [-o FILE.html] [--json]: folders that --out made\n", why);
	return 2;
}

struct words {
	const char *path[2], *page; /* page NULL: none is wanted */
	double percent;             /* negative: nothing is too much */
	bool json;
};

static int read_words(struct words *w, int argc, char *const *argv)
{
	int count = 0;
	uint32_t wanted;
	for (int i = 0; i < argc; i++) {
		bool last = i + 1 == argc;
		if (!strcmp(argv[i], "--json"))
			w->json = true;
		else if (!strcmp(argv[i], "--fail-if")) {
			if (last || !words_percent(argv[++i], &wanted))
				return usage("--fail-if needs a share, as 5%");
			w->percent = wanted;
		} else if (!strcmp(argv[i], "-o") || !strcmp(argv[i], "--out")) {
			if (last)
				return usage("-o needs the page to write");
			w->page = argv[++i];
		} else if (argv[i][0] == '-' || count == 2)
			return usage(argv[i][0] == '-' ? "compare knows --fail-if, -o and --json" : "compare takes two folders");
		else
			w->path[count++] = argv[i];
	}
	return count == 2 ? 0 : usage("compare takes two folders");
}

static json_t *compare(const struct folder *a, const struct folder *b, const struct words *w)
{
	struct comparison all = { .percent = w->percent >= 0 ? w->percent : 100, .json = w->json, .list = json_array() };
	if (!w->json)
		printf("%-26s %12s %12s %9s\n", "", "before", "after", "change");
	if (a->summary && b->summary) {
		throughput(&all, "throughput, operations/s", a, b);
		latencies(&all, a, b);
	}
	if (a->rows && b->rows)
		rows(&all, a, b);
	if (a->sizes && b->sizes)
		sizes(&all, a, b);
	if (all.became_unsafe && !w->json)
		puts("it was safe, and is UNSAFE");
	return json_pack("{s:s,s:s,s:o,s:b,s:b,s:o}", "before", a->path, "after", b->path, "changes", all.list, "regressed", all.worse || all.became_unsafe,
	                 "became_unsafe", all.became_unsafe, "fail_if_pct", w->percent >= 0 ? json_real(w->percent) : json_null());
}

/* What a page says beside: what ran, and of what. */
static int put_page(json_t *found, const struct folder *a, const struct folder *b, const char *out, const char *template)
{
	char why[PAGE_WHY_BYTES] = "";
	json_object_set_new(found, "kind", json_string(b->rows ? "matrix" : b->sizes ? "scale" : json_object_get(b->summary, "repeat") ? "repeat" : "run"));
	json_object_set_new(found, "manifests",
	                    json_pack("[o,o]", a->manifest ? json_incref(a->manifest) : json_null(), b->manifest ? json_incref(b->manifest) : json_null()));
	if (page_write_comparison(found, out, template, why) == PAGE_OK)
		return 0;
	fprintf(stderr, "quorate-bench: %s\n", why);
	return 1;
}

static int tell(json_t *found, const struct folder *a, const struct folder *b, const struct words *w, const char *template)
{
	int code = json_is_true(json_object_get(found, "regressed"));
	if (w->json)
		json_dumpf(found, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)), puts("");
	if (w->page && put_page(found, a, b, w->page, template) != 0)
		code = 1;
	return code;
}

int compare_run(int argc, char *const *argv, const char *template)
{
	struct words w = { .percent = -1 };
	struct folder a = { 0 }, b = { 0 };
	int code = read_words(&w, argc, argv);
	if (code)
		return code;
	bool read = folder_read(&a, w.path[0]);
	read = folder_read(&b, w.path[1]) && read;
	if (read && !((a.summary && b.summary) || (a.rows && b.rows) || (a.sizes && b.sizes))) {
		fputs("quorate-bench: one folder holds a run, the other a matrix or sizes: they cannot be compared\n", stderr);
		read = false;
	}
	json_t *found = read ? compare(&a, &b, &w) : NULL;
	code = found ? tell(found, &a, &b, &w, template) : 3;
	json_decref(found);
	folder_free(&a);
	folder_free(&b);
	return code;
}
