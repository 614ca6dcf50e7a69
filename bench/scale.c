#include "bench/scale.h"

#include "bench/child.h"
#include "bench/report.h"
#include "bench/several.h"
#include "bench/words.h"
#include "quorate_setup.h"

#include <stdio.h>
#include <string.h>

#define SIZES_MAX 13u

struct scale {
	uint32_t size[SIZES_MAX], count;
	bool json;
	const char *out;
};

static const char *const own[] = { "--sizes", "--replicas", "--out", "--json!", NULL };

static bool read_sizes(struct scale *s, const char *text)
{
	char copy[200], *rest = NULL;
	uint64_t n;
	snprintf(copy, sizeof copy, "%s", text);
	s->count = 0;
	for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (s->count == SIZES_MAX || !words_number(word, 1, 16, &n))
			return false;
		s->size[s->count++] = (uint32_t)n;
	}
	return s->count > 0;
}

static bool read_words(struct scale *s, int argc, char *const *argv)
{
	bool trusted = false, sized = false;
	for (int i = 0; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		s->json |= !strcmp(argv[i], "--json");
		trusted |= !strcmp(argv[i], "--mode") && !strcmp(value, "trusted");
		if (!strcmp(argv[i], "--out"))
			s->out = value;
		if (!strcmp(argv[i], "--sizes") || !strcmp(argv[i], "--replicas")) {
			sized = true;
			if (!read_sizes(s, value))
				return false;
		}
	}
	return sized || read_sizes(s, trusted ? "1,3,5,7" : "4,7,10,13");
}

static json_t *measure(const struct scale *s, uint32_t n, int argc, char *const *argv, int *code)
{
	struct child_words w = { 0 };
	char why[300] = "";
	bool ok = child_add(&w, "run") && child_add_others(&w, argc, argv, own) && child_add(&w, "--replicas") && child_add(&w, "%u", n) &&
	          child_add(&w, "--json") && (!s->out || (child_add(&w, "--out") && child_add(&w, "%s/%u", s->out, n)));
	json_t *said = ok ? child_run(&w, false, code, why) : NULL;
	child_free(&w);
	if (!said)
		fprintf(stderr, "quorate-bench: n = %u: exit %d: %s\n", n, *code, why);
	return said;
}

static void say(uint32_t n, const json_t *summary)
{
	const json_t *ci = json_object_get(json_object_get(summary, "throughput"), "ci95");
	char interval[40] = "-";
	if (json_is_array(ci))
		snprintf(interval, sizeof interval, "%.0f..%.0f", json_number_value(json_array_get(ci, 0)), json_number_value(json_array_get(ci, 1)));
	printf("%4u %10.0f %16s %9.2f %9.2f %12.1f  %s\n", n, several_number(summary, "throughput.ops_per_s"), interval,
	       several_number(summary, "latency_ms.p50"), several_number(summary, "latency_ms.p99"), several_number(summary, "cpu_us_per_op"),
	       json_string_value(json_object_get(json_object_get(summary, "safety"), "verdict")));
	fflush(stdout);
}

/* The manifest's: what is the same for all sizes. */
static json_t *whole(const struct scale *s, const json_t *rows, int argc, char *const *argv)
{
	static const char *const of_one[] = { "replicas", "f", "seed", "unit_costs" };
	char one[1100] = "";
	json_t *first = json_array_get(rows, 0);
	if (s->out)
		snprintf(one, sizeof one, "%s/%lld", s->out, (long long)json_integer_value(json_object_get(first, "n")));
	json_t *manifest = folder_manifest_of(one, argc, argv);
	for (size_t i = 0; i < sizeof of_one / sizeof *of_one; i++)
		json_object_del(manifest, of_one[i]);
	json_object_set_new(manifest, "machine", report_machine());
	return json_pack("{s:s,s:O,s:o,s:b}", "version", quorate_version(), "rows", rows, "manifest", manifest, "interrupted", child_stopped());
}

static bool tell(const struct scale *s, const json_t *rows, int argc, char *const *argv)
{
	json_t *out = whole(s, rows, argc, argv);
	if (s->json)
		json_dumpf(out, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)), puts("");
	if (s->out)
		return folder_write_whole(out, s->out, "scale");
	json_decref(out);
	return true;
}

int scale_run(int argc, char *const *argv)
{
	struct scale s = { 0 };
	char reason[QUORATE_REASON_BYTES];
	int worst = 0, code;
	if (!read_words(&s, argc, argv)) {
		fputs("quorate-bench: scale --sizes 4,7,10,13 [and words of run]: sizes from 1 to 16\n", stderr);
		return 2;
	}
	if (s.out && !folder_make_whole(s.out, "scale", reason)) {
		fprintf(stderr, "quorate-bench: %s\n", reason);
		return 1;
	}
	json_t *rows = json_array();
	child_on_signals();
	if (!s.json)
		printf("%4s %10s %16s %9s %9s %12s  everything on the same cores\n", "n", "ops/s", "95%", "p50 ms", "p99 ms", "CPU us/op");
	for (uint32_t i = 0; i < s.count && !child_stopped(); i++) {
		json_t *summary = measure(&s, s.size[i], argc, argv, &code);
		worst = code > worst ? code : worst;
		if (!summary)
			continue;
		if (!s.json)
			say(s.size[i], summary);
		json_array_append_new(rows, json_pack("{s:i,s:o}", "n", (int)s.size[i], "summary", summary));
	}
	if (!tell(&s, rows, argc, argv) || child_stopped())
		worst = worst ? worst : 1;
	json_decref(rows);
	return worst;
}
