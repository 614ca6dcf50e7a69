#include "bench/repeat.h"

#include "bench/child.h"
#include "bench/report.h"
#include "bench/several.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const not_of_one[] = { "--repeat", "--out", "--seed", "--json!", NULL };

static bool one(struct child_words *w, const struct plan *p, int argc, char *const *argv, uint32_t i)
{
	bool ok = child_add(w, "run") && child_add_others(w, argc, argv, not_of_one) && child_add(w, "--json") && child_add(w, "--seed") &&
	          child_add(w, "%llu", (unsigned long long)p->seed + i);
	return ok && (!p->out || (child_add(w, "--out") && child_add(w, "%s/%u", p->out, i + 1)));
}

/* Null: it could not run; that is said. */
static json_t *run_one(const struct plan *p, int argc, char *const *argv, uint32_t i, int *code)
{
	struct child_words w = { 0 };
	char why[300];
	json_t *said = one(&w, p, argc, argv, i) ? child_run(&w, !p->json, code, why) : NULL;
	child_free(&w);
	if (!said)
		fprintf(stderr, "quorate-bench: run %u of %u: exit %d: %s\n", i + 1, p->repeat, *code, why);
	else if (!p->json)
		fprintf(stderr, "run %u of %u: %.0f operations/s\n", i + 1, p->repeat, several_number(said, "throughput.ops_per_s"));
	return said;
}

static void say(const json_t *summary)
{
	const json_t *ci = json_object_get(json_object_get(summary, "throughput"), "ci95"), *safety = json_object_get(summary, "safety");
	printf("throughput  %.0f operations/s", several_number(summary, "throughput.ops_per_s"));
	if (json_is_array(ci))
		printf(" (95%% confidence: %.0f to %.0f)", json_number_value(json_array_get(ci, 0)), json_number_value(json_array_get(ci, 1)));
	printf(", of %zu runs\n", json_array_size(json_object_get(summary, "runs")));
	printf("latency     p50 %.2f  p99 %.2f  p99.9 %.2f ms, medians of the runs\n", several_number(summary, "latency_ms.p50"),
	       several_number(summary, "latency_ms.p99"), several_number(summary, "latency_ms.p99_9"));
	if (isfinite(several_number(summary, "pairs.kept_pct")))
		printf("kept        %.1f%% of the calm phases, %.1f%% of the second baseline, of %.0f pairs\n", several_number(summary, "pairs.kept_pct"),
		       several_number(summary, "pairs.kept_pct_cpu_fair"), several_number(summary, "pairs.count"));
	printf("safety      %s %s\n", json_string_value(json_object_get(safety, "verdict")), json_string_value(json_object_get(safety, "reason")));
}

/* `first`: the number of a run that came to an end; 0: none did. */
static bool keep(json_t *summary, uint32_t first, const struct plan *p, int argc, char *const *argv)
{
	char one[1100];
	snprintf(one, sizeof one, "%s/%u", p->out, first);
	return folder_write_whole(json_incref(summary), p->out, "summary") && folder_write_whole(folder_manifest_of(one, argc, argv), p->out, "manifest");
}

int repeat_runs(const struct plan *p, int argc, char *const *argv)
{
	char reason[QUORATE_REASON_BYTES];
	int worst = 0, code;
	uint32_t first = 0;
	json_t *runs = json_array();
	if (p->out && !folder_make(p->out, reason)) {
		fprintf(stderr, "quorate-bench: %s\n", reason);
		json_decref(runs);
		return 1;
	}
	child_on_signals();
	for (uint32_t i = 0; i < p->repeat && !child_stopped(); i++) {
		json_t *said = run_one(p, argc, argv, i, &code);
		worst = code > worst ? code : worst;
		if (!said)
			continue;
		first = first ? first : i + 1;
		json_array_append_new(runs, said);
	}
	json_t *summary = several_summary(runs);
	json_object_set_new(summary, "interrupted", json_boolean(child_stopped()));
	if (p->json)
		json_dumpf(summary, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)), puts("");
	else if (json_array_size(runs))
		say(summary);
	if ((p->out && !keep(summary, first, p, argc, argv)) || !json_array_size(runs) || child_stopped())
		worst = worst > 1 ? worst : 1;
	json_decref(summary);
	json_decref(runs);
	return worst;
}
