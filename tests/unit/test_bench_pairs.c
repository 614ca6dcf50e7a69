/* The bench's statistics, and pairs of calm and attack: when which is on, and what is said of them. */
#include "bench/pairs.h"
#include "bench/stats.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#define NEAR(a, b, within) CU_ASSERT_DOUBLE_EQUAL(a, b, within)

/* ---- statistics ---- */

static void a_mean_has_an_interval(void)
{
	static const double sample[] = { 10, 12, 11, 13, 9 };
	struct estimate e = stats_mean(sample, 5);
	NEAR(e.value, 11, 1e-9);
	NEAR(e.high - e.value, 2.776 * sqrt(2.5 / 5), 1e-3); /* t with 4 degrees of freedom */
	NEAR(e.value - e.low, e.high - e.value, 1e-9);
	e = stats_mean(sample, 1);
	CU_ASSERT(e.value == 10 && isnan(e.low) && isnan(e.high));
	CU_ASSERT(isnan(stats_mean(sample, 0).value));
	NEAR(stats_t95(1), 12.706, 1e-9);
	NEAR(stats_t95(30), 2.042, 1e-9);
	NEAR(stats_t95(60), 2.000, 2e-3);
	NEAR(stats_t95(1000000), 1.960, 1e-3);
}

static void a_ratio_of_means(void)
{
	static const double a[] = { 90, 110, 100, 100 }, b[] = { 200, 200, 210, 190 }, none[] = { 0, 0, 0, 0 };
	struct estimate e = stats_ratio(a, 4, b, 4);
	NEAR(e.value, 0.5, 1e-9);
	NEAR(e.high - 0.5, 2.776 * sqrt(200.0 / 3 / 4 + 0.25 * 200.0 / 3 / 4) / 200, 1e-3); /* 4.4 degrees of freedom */
	NEAR(0.5 - e.low, e.high - 0.5, 1e-9);
	struct estimate same = stats_ratio(none, 4, b, 4);
	CU_ASSERT(same.value == 0 && same.low <= 0 && same.high >= 0);
	CU_ASSERT(isnan(stats_ratio(a, 4, none, 4).value));
	CU_ASSERT(isnan(stats_ratio(a, 4, b, 0).value));
	e = stats_ratio(a, 1, b, 1);
	CU_ASSERT(e.value == 0.45 && isnan(e.low));
	/* Both are sure of themselves: so is their ratio. */
	static const double five[] = { 5, 5, 5 };
	e = stats_ratio(five, 3, five, 3);
	CU_ASSERT(e.value == 1 && e.low == 1 && e.high == 1);
}

static void ratios_in_pairs(void)
{
	static const double ratio[] = { 0.9, 0.95, 0.2, 0.92, 0.91 };
	struct estimate e = stats_paired(ratio, 5);
	NEAR(e.value, 0.91, 1e-9); /* the median does not mind the one that is off; the interval does */
	CU_ASSERT(e.low < 0.5 && e.high > 0.95);
	static const double stopped[] = { 0, 0, 0 };
	e = stats_paired(stopped, 3);
	CU_ASSERT(e.value == 0 && isfinite(e.low) && isfinite(e.high));
	double four[] = { 4, 1, 3, 2 };
	NEAR(stats_median(four, 4), 2.5, 1e-9);
}

/* ---- pairs ---- */

static const struct pairs plan = { .count = 2, .phase_ms = 2000, .grace_ms = 1000, .settle_ms = 500 };

static void each_part_has_its_time(void)
{
	static const struct {
		uint64_t ms;
		uint32_t pair;
		enum track_phase phase;
	} row[] = {
		{ 0, 0, TRACK_BASELINE },    { 1999, 0, TRACK_BASELINE }, { 2000, 0, TRACK_ATTACK }, { 2999, 0, TRACK_ATTACK }, { 3000, 0, TRACK_HELD },
		{ 4999, 0, TRACK_HELD },     { 5000, 0, TRACK_AFTER },    { 5500, 0, TRACK_BURN },   { 7499, 0, TRACK_BURN },   { 7500, 0, TRACK_AFTER },
		{ 8000, 1, TRACK_BASELINE }, { 10000, 1, TRACK_ATTACK },  { 13500, 1, TRACK_BURN },  { 15999, 1, TRACK_AFTER }, { 16000, 2, TRACK_AFTER },
	};
	CU_ASSERT_EQUAL(pairs_length_ms(&plan), 8000);
	CU_ASSERT_EQUAL(pairs_total_ms(&plan), 16000);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		uint32_t pair;
		CU_ASSERT_EQUAL(pairs_at(&plan, row[i].ms, &pair), row[i].phase);
		CU_ASSERT_EQUAL(pair, row[i].pair);
	}
}

/* 10 operations in 100 ms of calm, 5 held, 8 burnt; nothing in the grace and while things settle. */
static size_t fill(struct track_interval *interval, uint64_t held)
{
	size_t count = pairs_total_ms(&plan) / 100;
	memset(interval, 0, count * sizeof *interval);
	for (size_t i = 0; i < count; i++) {
		uint32_t pair;
		enum track_phase phase = pairs_at(&plan, i * 100, &pair);
		interval[i].ops = phase == TRACK_BASELINE ? 10 : phase == TRACK_HELD ? held : phase == TRACK_BURN ? 8 : 0;
	}
	return count;
}

static void what_is_kept_of_a_pair(void)
{
	static struct track_interval interval[400];
	struct pair_result r[2];
	size_t count = fill(interval, 5);
	CU_ASSERT(pairs_measure(&plan, interval, count, 0, &r[0]) && pairs_measure(&plan, interval, count, 1, &r[1]));
	CU_ASSERT_FALSE(pairs_measure(&plan, interval, count - 10, 1, &r[1])); /* cut short: its burnt part is not whole */
	NEAR(r[0].calm, 100, 1e-9);
	NEAR(r[0].held, 50, 1e-9);
	NEAR(r[0].burn, 80, 1e-9);
	NEAR(pairs_kept(r, 1, false).value, 0.5, 1e-9);
	NEAR(pairs_kept(r, 1, true).value, 0.625, 1e-9);
	NEAR(pairs_kept(r, 2, true).value, 0.625, 1e-9);
	CU_ASSERT(pairs_recover_s(r, 2) < 0); /* half is never nine tenths */
	fill(interval, 10);
	CU_ASSERT(pairs_measure(&plan, interval, count, 0, &r[0]));
	NEAR(r[0].recover_s, 1.9, 1e-9); /* 0.9 of a second within the first that begins 0.9 s after the attack */
	NEAR(pairs_recover_s(r, 1), 1.9, 1e-9);
	CU_ASSERT(pairs_recover_s(r, 2) < 0); /* the other one has not */
	CU_ASSERT(pairs_recover_s(r, 0) < 0);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a mean has an interval", a_mean_has_an_interval },   { "a ratio of means has one too", a_ratio_of_means },
		{ "ratios that were taken in pairs", ratios_in_pairs }, { "each part of a pair has its time", each_part_has_its_time },
		{ "what is kept of a pair", what_is_kept_of_a_pair },   { 0 },
	};
	return unit_main("bench_pairs", cases);
}
