/* The rows of the matrix: what each says, in JSON and for people, and whether it kept what it must. */
#include "bench/malice/malice.h"
#include "bench/matrix.h"
#include "bench/numbers.h"
#include "bench/several.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MUST_FIRST_S 2.0     /* to the first completion, where a leader must lose its office */
#define MUST_CLIENT_PCT 75.0 /* of its share, each honest client under attacks by clients */
#define NAME_WIDTH 24

double matrix_must_pct(const char *class)
{
	switch (class[0]) {
	case 'B': return 85;
	case 'R': return 50;
	default: return 75;
	}
}

static json_t *taken(const json_t *pairs, const char *name)
{
	json_t *x = json_object_get(pairs, name);
	return x ? json_incref(x) : json_null();
}

json_t *matrix_row(const struct attack *a, const json_t *summary, const char *why)
{
	json_t *row = json_pack("{s:s,s:s,s:b}", "attack", a->name, "class", a->class, "by_client", a->by == BY_CLIENT);
	const json_t *pairs = json_object_get(summary, "pairs"), *safety = json_object_get(summary, "safety");
	if (!json_is_object(pairs)) {
		json_object_set_new(row, "verdict", json_string("NOT MEASURED"));
		json_object_set_new(row, "reason", json_string(why));
		matrix_judge(row);
		return row;
	}
	static const char *const of_pairs[] = { "kept_pct", "kept_pct_cpu_fair", "kept_pct_cpu_fair_ci95", "recover_s", "first_s", "worst_client_pct",
		                                "p99_ms",   "attackers_cores" };
	for (size_t i = 0; i < sizeof of_pairs / sizeof *of_pairs; i++)
		json_object_set_new(row, of_pairs[i], taken(pairs, of_pairs[i]));
	json_object_set_new(row, "ci95", taken(pairs, "kept_pct_ci95"));
	json_object_set_new(row, "pairs", taken(pairs, "count"));
	json_object_set_new(row, "view_changes", taken(summary, "view_changes"));
	json_object_set_new(row, "acted", taken(summary, "acted"));
	json_object_set_new(row, "verdict", taken(safety, "verdict"));
	json_object_set_new(row, "reason", taken(safety, "reason"));
	json_object_set_new(row, "convicted", taken(safety, "convicted"));
	json_object_set_new(row, "evidence_files", taken(safety, "evidence_files"));
	matrix_judge(row);
	return row;
}

/* What the row has less of than it must; those that never came are no numbers. */
static json_t *below(const json_t *row)
{
	const char *class = json_string_value(json_object_get(row, "class"));
	json_t *list = json_array();
	if (several_number(row, "kept_pct_cpu_fair") < matrix_must_pct(class))
		json_array_append_new(list, json_string("kept_pct_cpu_fair"));
	if (class[0] == 'L' && !(several_number(row, "first_s") <= MUST_FIRST_S))
		json_array_append_new(list, json_string("first_s"));
	if (json_is_true(json_object_get(row, "by_client")) && !(several_number(row, "worst_client_pct") >= MUST_CLIENT_PCT))
		json_array_append_new(list, json_string("worst_client_pct"));
	return list;
}

void matrix_judge(json_t *row)
{
	const char *class = json_string_value(json_object_get(row, "class"));
	bool measured = class && isfinite(several_number(row, "kept_pct_cpu_fair"));
	if (!class)
		return;
	json_object_set_new(row, "must_pct", json_real(matrix_must_pct(class)));
	json_object_set_new(row, "must_first_s", class[0] == 'L' ? json_real(MUST_FIRST_S) : json_null());
	json_object_set_new(row, "must_client_pct", json_is_true(json_object_get(row, "by_client")) ? json_real(MUST_CLIENT_PCT) : json_null());
	json_object_set_new(row, "below", measured ? below(row) : json_null());
}

int matrix_meets(const json_t *row)
{
	const json_t *lacking = json_object_get(row, "below");
	return json_is_array(lacking) ? json_array_size(lacking) == 0 : -1;
}

/* ---- for people ---- */

static void say_number(double x, int width, int digits)
{
	if (isfinite(x))
		printf(" %*.*f", width, digits, x);
	else
		printf(" %*s", width, "-");
}

static void say_interval(const json_t *ci)
{
	char text[40] = "-";
	if (json_is_array(ci))
		snprintf(text, sizeof text, "%.0f..%.0f", json_number_value(json_array_get(ci, 0)), json_number_value(json_array_get(ci, 1)));
	printf(" %9.9s", text);
}

void matrix_say_head(int against)
{
	printf("%-*s %-5s %6s %9s %6s %9s %5s %6s %7s %7s %5s%s  %s\n", NAME_WIDTH, "attack", "class", "kept%", "95%", "fair%", "95%", "must", "first_s",
	       "recover", "client%", "views", against ? "  before" : "", "verdict");
}

void matrix_say_row(const json_t *row, const json_t *was, int against)
{
	const char *verdict = json_string_value(json_object_get(row, "verdict")), *reason = json_string_value(json_object_get(row, "reason"));
	printf("%-*s %-5s", NAME_WIDTH, json_string_value(json_object_get(row, "attack")), json_string_value(json_object_get(row, "class")));
	say_number(several_number(row, "kept_pct"), 6, 1);
	say_interval(json_object_get(row, "ci95"));
	say_number(several_number(row, "kept_pct_cpu_fair"), 6, 1);
	say_interval(json_object_get(row, "kept_pct_cpu_fair_ci95"));
	say_number(several_number(row, "must_pct"), 5, 0);
	say_number(several_number(row, "first_s"), 7, 2);
	say_number(several_number(row, "recover_s"), 7, 1);
	say_number(several_number(row, "worst_client_pct"), 7, 0);
	say_number(several_number(row, "view_changes"), 5, 0);
	if (against)
		say_number(several_number(was, "kept_pct_cpu_fair"), 7, 1);
	printf("  %s", verdict ? verdict : "?");
	const json_t *convicted = json_object_get(row, "convicted");
	for (size_t i = 0; i < json_array_size(convicted); i++)
		printf("%s%lld", i ? "," : " convicts ", (long long)json_integer_value(json_array_get(convicted, i)));
	printf("%s", matrix_meets(row) == 0 ? "  BELOW ITS MUST" : "");
	if (several_number(row, "acted") == 0)
		printf("  never acted");
	if (reason && reason[0])
		printf("  %s", reason);
	printf("\n");
	fflush(stdout);
}

void matrix_say_end(const json_t *rows)
{
	size_t i, measured = 0, met = 0, safe = 0;
	json_t *row;
	json_array_foreach(rows, i, row)
	{
		const char *verdict = json_string_value(json_object_get(row, "verdict"));
		measured += matrix_meets(row) >= 0;
		met += matrix_meets(row) == 1;
		safe += verdict && !strcmp(verdict, "SAFE");
	}
	printf("\n%zu attacks, %zu measured, %zu keep what they must, %zu SAFE\n", json_array_size(rows), measured, met, safe);
}
