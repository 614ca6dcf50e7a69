/* What several runs say together, what counts as worse, and the rows of the matrix. */
#include "bench/compare.h"
#include "bench/malice/malice.h"
#include "bench/matrix.h"
#include "bench/several.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#define NEAR(a, b, within) CU_ASSERT_DOUBLE_EQUAL(a, b, within)

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *j = json_loads(text, 0, &error);
	if (!j)
		printf("%s: %s\n", error.text, text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	return j;
}

static void numbers_that_may_not_be_there(void)
{
	json_t *j = parse("{\"a\":{\"b\":{\"c\":4}},\"n\":null,\"s\":\"5\"}");
	NEAR(several_number(j, "a.b.c"), 4, 0);
	CU_ASSERT(isnan(several_number(j, "a.b")) && isnan(several_number(j, "a.x.c")) && isnan(several_number(j, "n")) && isnan(several_number(j, "s")));
	CU_ASSERT(isnan(several_number(NULL, "a")));
	json_decref(j);
}

static const char two[] =
	"[{\"throughput\":{\"ops_per_s\":1000},\"latency_ms\":{\"p50\":1,\"p99\":5},\"failed\":1,\"acted\":3,\"view_changes\":1,\"interrupted\":false,"
	"\"pairs\":{\"count\":1,\"kept_pct\":80,\"kept_pct_ci95\":[70,90],\"first_s\":0.5,\"worst_client_pct\":90,\"p99_ms\":{\"calm\":4},"
	"\"list\":[{\"kept_pct\":80,\"kept_pct_cpu_fair\":90,\"recover_s\":1.5}]},\"safety\":{\"verdict\":\"SAFE\",\"convicted\":[0],\"evidence_files\":2}},"
	"{\"throughput\":{\"ops_per_s\":1200},\"latency_ms\":{\"p50\":3,\"p99\":6},\"failed\":0,\"acted\":4,\"view_changes\":2,\"interrupted\":true,"
	"\"pairs\":{\"count\":1,\"kept_pct\":90,\"kept_pct_ci95\":[80,95],\"first_s\":null,\"worst_client_pct\":60,\"p99_ms\":{\"calm\":6},"
	"\"list\":[{\"kept_pct\":90,\"kept_pct_cpu_fair\":100,\"recover_s\":2.5}]},\"safety\":{\"verdict\":\"UNSAFE\",\"reason\":\"forked\","
	"\"convicted\":[0,1],\"evidence_files\":1}}]";

static void two_runs_together(void)
{
	json_t *runs = parse(two), *s = several_summary(runs), *safety = json_object_get(s, "safety");
	NEAR(several_number(s, "throughput.ops_per_s"), 1100, 1e-9);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json_object_get(s, "throughput"), "ci95")), 2);
	NEAR(several_number(s, "latency_ms.p50"), 2, 1e-9);
	CU_ASSERT(json_is_null(json_object_get(json_object_get(s, "latency_ms"), "p99_9"))); /* nobody said it */
	NEAR(several_number(s, "acted"), 7, 0);
	NEAR(several_number(s, "failed"), 1, 0);
	NEAR(several_number(s, "pairs.count"), 2, 0);
	NEAR(several_number(s, "pairs.kept_pct"), 85, 1e-9);
	NEAR(several_number(s, "pairs.kept_pct_cpu_fair"), 95, 1e-9);
	NEAR(several_number(s, "pairs.recover_s"), 2.5, 1e-9);
	NEAR(several_number(s, "pairs.worst_client_pct"), 60, 1e-9);
	NEAR(several_number(s, "pairs.p99_ms.calm"), 5, 1e-9);
	CU_ASSERT(isnan(several_number(s, "pairs.first_s"))); /* in one of them it never came */
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(safety, "verdict")), "UNSAFE");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(safety, "reason")), "forked");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(safety, "convicted")), 2);
	CU_ASSERT(json_is_true(json_object_get(s, "interrupted")));
	json_decref(s);
	json_decref(runs);
}

static void one_run_and_none(void)
{
	json_t *runs = parse(two), *one = json_array(), *none = json_array();
	json_array_append(one, json_array_get(runs, 0));
	json_t *s = several_summary(one);
	CU_ASSERT(json_is_null(json_object_get(json_object_get(s, "throughput"), "ci95")));
	/* Of one pair its own interval stays. */
	NEAR(json_number_value(json_array_get(json_object_get(json_object_get(s, "pairs"), "kept_pct_ci95"), 0)), 70, 1e-9);
	json_decref(s);
	s = several_summary(none);
	CU_ASSERT(json_is_null(json_object_get(s, "pairs")) && isnan(several_number(s, "throughput.ops_per_s")));
	json_decref(s);
	json_decref(none);
	json_decref(one);
	json_decref(runs);
}

static void what_is_worse(void)
{
	static const struct {
		struct estimate ratio;
		bool worse;
	} row[] = {
		{ { 0.90, 0.85, 0.95 }, true },  { { 0.90, 0.70, 1.05 }, false }, /* it may be nothing */
		{ { 0.97, 0.96, 0.98 }, false },                                  /* surely, but little */
		{ { 1.20, 1.10, 1.30 }, false }, { { 0.50, NAN, NAN }, true },    { { NAN, NAN, NAN }, false },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		CU_ASSERT_EQUAL(compare_regressed(&row[i].ratio, 5), row[i].worse);
}

static json_t *row_of(const char *name, double fair, const char *first, double client)
{
	char text[500];
	snprintf(text, sizeof text,
	         "{\"pairs\":{\"kept_pct\":50,\"kept_pct_cpu_fair\":%f,\"first_s\":%s,\"worst_client_pct\":%f},\"safety\":{\"verdict\":\"SAFE\"}}", fair, first,
	         client);
	json_t *summary = parse(text), *row = matrix_row(attack_find(name), summary, "");
	json_decref(summary);
	return row;
}

static void what_a_row_must_keep(void)
{
	static const struct {
		const char *name;
		double fair;
		const char *first;
		double client;
		int meets;
	} of[] = {
		{ "double-vote", 85, "0.1", 0, 1 },      { "double-vote", 84, "0.1", 100, 0 },   { "client-flood", 90, "0.1", 76, 1 },
		{ "client-flood", 90, "0.1", 70, 0 },    { "silent-leader", 76, "1.9", 100, 1 }, { "silent-leader", 76, "2.5", 100, 0 },
		{ "silent-leader", 76, "null", 100, 0 }, { "slow-leader", 75, "3", 100, 1 },
	};
	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		json_t *row = row_of(of[i].name, of[i].fair, of[i].first, of[i].client);
		CU_ASSERT_EQUAL(matrix_meets(row), of[i].meets);
		CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(row, "attack")), of[i].name);
		json_decref(row);
	}
	json_t *poor = row_of("client-flood", 20, "0.1", 30), *lacking = json_object_get(poor, "below");
	CU_ASSERT_EQUAL(json_array_size(lacking), 2);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(lacking, 0)), "kept_pct_cpu_fair");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(lacking, 1)), "worst_client_pct");
	NEAR(several_number(poor, "must_client_pct"), 75, 0);
	CU_ASSERT(isnan(several_number(poor, "must_first_s"))); /* of a leader's attack only */
	json_decref(poor);
	json_t *nothing = matrix_row(attack_find("double-vote"), NULL, "it fell over");
	CU_ASSERT_EQUAL(matrix_meets(nothing), -1);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(nothing, "reason")), "it fell over");
	json_decref(nothing);
	NEAR(matrix_must_pct("R75"), 50, 0);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "numbers that may not be there", numbers_that_may_not_be_there },
		{ "two runs together", two_runs_together },
		{ "one run, and none", one_run_and_none },
		{ "what is worse", what_is_worse },
		{ "what a row must keep", what_a_row_must_keep },
		{ 0 },
	};
	return unit_main("bench_several", cases);
}
