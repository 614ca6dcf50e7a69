#include "bench/several.h"

#include "bench/numbers.h"
#include "bench/stats.h"

#include <math.h>
#include <string.h>

double several_number(const json_t *of, const char *path)
{
	char name[64];
	while (of && *path) {
		size_t n = strcspn(path, ".");
		snprintf(name, sizeof name, "%.*s", (int)n, path);
		of = json_object_get(of, name);
		path += n + (path[n] == '.');
	}
	return json_is_number(of) ? json_number_value(of) : NAN;
}

size_t several_numbers(const json_t *runs, const char *path, double out[SEVERAL_MAX])
{
	size_t i, count = 0;
	json_t *run;
	json_array_foreach(runs, i, run)
	{
		double x = several_number(run, path);
		if (isfinite(x) && count < SEVERAL_MAX)
			out[count++] = x;
	}
	return count;
}

static json_t *median(const json_t *runs, const char *path)
{
	double x[SEVERAL_MAX];
	size_t count = several_numbers(runs, path, x);
	return number_json(stats_median(x, count));
}

static json_t *medians(const json_t *runs, const char *object, const char *const *names)
{
	json_t *o = json_object();
	char path[96];
	for (size_t i = 0; names[i]; i++) {
		snprintf(path, sizeof path, "%s.%s", object, names[i]);
		json_object_set_new(o, names[i], median(runs, path));
	}
	return o;
}

static json_t *largest(const json_t *runs, const char *path, double sign, bool all)
{
	double x[SEVERAL_MAX], most = -INFINITY;
	size_t count = several_numbers(runs, path, x);
	for (size_t i = 0; i < count; i++)
		most = fmax(most, sign * x[i]);
	/* One that never came is the longest. */
	return all && count < json_array_size(runs) ? json_null() : number_json(sign * most);
}

static json_t *sum(const json_t *runs, const char *path)
{
	double x[SEVERAL_MAX], s = 0;
	size_t count = several_numbers(runs, path, x);
	for (size_t i = 0; i < count; i++)
		s += x[i];
	return json_integer((json_int_t)s);
}

/* ---- pairs ---- */

/* Every pair of every run. */
static json_t *all_pairs(const json_t *runs)
{
	json_t *list = json_array(), *run;
	size_t i;
	json_array_foreach(runs, i, run) json_array_extend(list, json_object_get(json_object_get(run, "pairs"), "list"));
	return list;
}

static void put_kept(json_t *out, const json_t *list, const char *name)
{
	double x[SEVERAL_MAX];
	char interval[64];
	size_t count = several_numbers(list, name, x);
	struct estimate e = stats_paired(x, count);
	snprintf(interval, sizeof interval, "%s_ci95", name);
	json_object_set_new(out, name, number_json(e.value));
	json_object_set_new(out, interval, interval_json(&e, 1));
}

static json_t *pairs(const json_t *runs)
{
	static const char *const phases[] = { "calm", "attack", "burn", NULL };
	json_t *first = json_object_get(json_array_get(runs, 0), "pairs"), *list = all_pairs(runs);
	if (!json_is_object(first) || !json_array_size(list)) {
		json_decref(list);
		return json_null();
	}
	json_t *out = json_deep_copy(first);
	json_object_set_new(out, "count", json_integer((json_int_t)json_array_size(list)));
	/* Of one pair its own interval stays. */
	if (json_array_size(list) > 1) {
		put_kept(out, list, "kept_pct");
		put_kept(out, list, "kept_pct_cpu_fair");
	}
	json_object_set_new(out, "recover_s", largest(list, "recover_s", 1, true));
	json_object_set_new(out, "first_s", largest(runs, "pairs.first_s", 1, true));
	json_object_set_new(out, "worst_client_pct", largest(runs, "pairs.worst_client_pct", -1, true));
	json_object_set_new(out, "attackers_cores", median(runs, "pairs.attackers_cores"));
	json_object_set_new(out, "p99_ms", medians(runs, "pairs.p99_ms", phases));
	json_object_set_new(out, "list", list);
	return out;
}

/* ---- safety ---- */

static int how_bad(const char *verdict)
{
	return !verdict ? 1 : !strcmp(verdict, "UNSAFE") ? 2 : strcmp(verdict, "SAFE") != 0;
}

static bool has(const json_t *list, json_int_t who)
{
	json_t *x;
	size_t i;
	json_array_foreach(list, i, x) if (json_integer_value(x) == who) return true;
	return false;
}

static json_t *safety(const json_t *runs)
{
	json_t *convicted = json_array(), *run, *one;
	json_t *worst = NULL;
	size_t i, k;
	json_array_foreach(runs, i, run)
	{
		json_t *s = json_object_get(run, "safety");
		const char *verdict = json_string_value(json_object_get(s, "verdict"));
		if (!worst || how_bad(verdict) > how_bad(json_string_value(json_object_get(worst, "verdict"))))
			worst = s;
		json_array_foreach(json_object_get(s, "convicted"), k, one) if (!has(convicted, json_integer_value(one))) json_array_append(convicted, one);
	}
	json_t *out = worst ? json_copy(worst) : json_object();
	json_object_set_new(out, "convicted", convicted);
	json_object_set_new(out, "evidence_files", sum(runs, "safety.evidence_files"));
	return out;
}

/* ---- the whole ---- */

static bool any(const json_t *runs, const char *name)
{
	json_t *run;
	size_t i;
	json_array_foreach(runs, i, run) if (json_is_true(json_object_get(run, name))) return true;
	return false;
}

json_t *several_summary(json_t *runs)
{
	static const char *const latencies[] = { "p50", "p90", "p99", "p99_9", "p99_99", "max", NULL };
	double ops[SEVERAL_MAX];
	size_t count = several_numbers(runs, "throughput.ops_per_s", ops);
	struct estimate e = stats_mean(ops, count);
	e.low = fmax(e.low, 0);
	json_t *out =
		json_pack("{s:I,s:{s:o,s:o},s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "repeat", (json_int_t)json_array_size(runs), "throughput",
	                  "ops_per_s", number_json(e.value), "ci95", interval_json(&e, 1), "latency_ms", medians(runs, "latency_ms", latencies), "service_ms",
	                  medians(runs, "service_ms", latencies), "cpu_us_per_op", median(runs, "cpu_us_per_op"), "failed", sum(runs, "failed"), "operations",
	                  sum(runs, "operations"), "acted", sum(runs, "acted"), "view_changes", sum(runs, "view_changes"), "worst_client_pct",
	                  largest(runs, "worst_client_pct", -1, true), "pairs", pairs(runs), "safety", safety(runs), "interrupted", any(runs, "interrupted"));
	if (out)
		json_object_set(out, "runs", runs);
	return out;
}
