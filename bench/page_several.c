/* Folders of several runs, for their pages: the same again and again, and clusters of several sizes. */
#include "bench/page_parts.h"

#define RUNS_MAX 64u
#define PAIRS_MAX 400u /* of the page's 400 KiB */

/* Of a summary, what such a page shows; the rest is on the page of that run. */
static json_t *lean(const json_t *summary)
{
	static const char *const names[] = { "throughput",   "latency_ms",       "operations",    "failed",     "unanswered", "acted",
		                             "view_changes", "worst_client_pct", "cpu_us_per_op", "gap_ms_max", "safety",     "interrupted" };
	json_t *out = json_object();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_object_get(summary, names[i]))
			json_object_set(out, names[i], json_object_get(summary, names[i]));
	json_t *pairs = json_copy(json_object_get(summary, "pairs"));
	json_object_del(pairs, "list");
	json_object_set_new(out, "pairs", pairs ? pairs : json_null());
	return out;
}

static bool is_summary(const json_t *summary)
{
	const json_t *safety = json_object_get(summary, "safety");
	return json_is_object(json_object_get(summary, "throughput")) && json_is_object(json_object_get(summary, "latency_ms")) &&
	       json_is_string(json_object_get(safety, "verdict"));
}

/* ---- repeat ---- */

/* Those that fit, each with the number of its run. */
static void add_pairs(json_t *list, size_t *left_out, const json_t *run, size_t number)
{
	json_t *pair;
	size_t i;
	json_array_foreach(json_object_get(json_object_get(run, "pairs"), "list"), i, pair)
	{
		if (json_array_size(list) == PAIRS_MAX || !json_is_object(pair)) {
			++*left_out;
			continue;
		}
		json_t *one = json_copy(pair);
		json_object_set_new(one, "run", json_integer((json_int_t)number));
		json_array_append_new(list, one);
	}
}

static json_t *read_runs(const json_t *summary, json_t *pairs, size_t *left_out, const char *folder, char why[PAGE_WHY_BYTES])
{
	json_t *runs = json_array(), *run;
	size_t i;
	json_array_foreach(json_object_get(summary, "runs"), i, run)
	{
		if (!is_summary(run) || i == RUNS_MAX) {
			json_decref(runs);
			return page_fail(why, folder, "summary.json", "it is damaged, or not of a run");
		}
		json_array_append_new(runs, lean(run));
		add_pairs(pairs, left_out, run, i + 1);
	}
	if (i > 0 && is_summary(summary))
		return runs;
	json_decref(runs);
	return page_fail(why, folder, "summary.json", i > 0 ? "it is damaged, or not of a run" : "none of its runs came to an end");
}

bool page_add_repeat(json_t *data, const char *folder, char why[PAGE_WHY_BYTES])
{
	static const char *const needs[] = { "mode", "replicas", "argv", "attacks", "load", "machine", "date_utc", NULL };
	const json_t *summary = json_object_get(data, "summary");
	json_t *pairs = json_array();
	size_t left_out = 0;
	bool ok = page_add(data, "runs", read_runs(summary, pairs, &left_out, folder, why));
	ok = page_add(data, "pairs", pairs) && page_add(data, "pairs_left_out", json_integer((json_int_t)left_out)) && ok;
	if (!ok || !page_add(data, "manifest", page_read_json(folder, "manifest.json", why)))
		return false;
	const json_t *manifest = json_object_get(data, "manifest");
	return !page_lacks(manifest, needs, folder, why) && page_add(data, "summary", lean(summary)) &&
	       page_add(data, "attacks", page_attacks(json_object_get(manifest, "attacks"), "name"));
}

/* ---- scale ---- */

bool page_add_scale(json_t *data, const char *folder, char why[PAGE_WHY_BYTES])
{
	json_t *whole = page_read_json(folder, "scale.json", why), *sizes = json_array(), *row;
	size_t i;
	json_array_foreach(json_object_get(whole, "rows"), i, row)
	{
		json_t *summary = json_object_get(row, "summary");
		if (!json_is_integer(json_object_get(row, "n")) || !is_summary(summary) || i == RUNS_MAX)
			break;
		json_array_append_new(sizes, json_pack("{s:O,s:o}", "n", json_object_get(row, "n"), "summary", lean(summary)));
	}
	size_t rows = json_array_size(json_object_get(whole, "rows"));
	bool ok = whole && rows && json_array_size(sizes) == rows && json_is_object(json_object_get(whole, "manifest"));
	if (whole && !ok)
		page_fail(why, folder, "scale.json", rows ? "it is damaged, or not of sizes" : "no cluster came to an end, or it is not of sizes");
	page_add(data, "sizes", sizes);
	ok = ok && page_add(data, "manifest", json_incref(json_object_get(whole, "manifest")));
	json_decref(whole);
	return ok;
}
