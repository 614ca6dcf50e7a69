/* The bench's pure parts: histogram, words of the command line, schedule, knee, keys, what came out over time, and the plan that all of these make. */
#include "bench/histogram.h"
#include "bench/keys.h"
#include "bench/knee.h"
#include "bench/nets.h"
#include "bench/plan.h"
#include "bench/schedule.h"
#include "bench/track.h"
#include "bench/words.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- histogram ---- */

static void two_significant_digits(void)
{
	static struct histogram h;
	for (uint64_t v = 1; v < 1000000000; v = v * 3 / 2 + 1) {
		memset(&h, 0, sizeof h);
		histogram_add(&h, v);
		histogram_add(&h, 10 * v); /* so that the first is not the largest, which is exact */
		uint64_t said = histogram_at(&h, 0.5);
		CU_ASSERT(said >= v && (double)said <= (double)v * 1.016 + 1);
		CU_ASSERT_EQUAL(histogram_at(&h, 1), 10 * v);
	}
}

static void percentiles_up_to_the_last(void)
{
	static struct histogram h;
	memset(&h, 0, sizeof h);
	for (uint64_t v = 1; v <= 100000; v++)
		histogram_add(&h, v);
	static const double share[] = { 0.5, 0.9, 0.99, 0.999, 0.9999 };
	for (size_t i = 0; i < 5; i++)
		CU_ASSERT(fabs((double)histogram_at(&h, share[i]) / (share[i] * 100000) - 1) < 0.017);
	CU_ASSERT_EQUAL(h.max, 100000);
	CU_ASSERT_EQUAL(histogram_count_to(&h, h.max), 100000);
	CU_ASSERT(fabs(histogram_deviation(&h) / 28867.5 - 1) < 0.02);
}

static void nothing_and_two_become_one(void)
{
	static struct histogram a, b;
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	CU_ASSERT_EQUAL(histogram_at(&a, 0.99), 0);
	histogram_add(&a, 5);
	histogram_add(&b, 7000);
	histogram_merge(&a, &b);
	CU_ASSERT_EQUAL(a.count, 2);
	CU_ASSERT_EQUAL(a.max, 7000);
	CU_ASSERT_EQUAL(histogram_at(&a, 0.5), 5);
}

/* ---- words ---- */

static void durations_sizes_shares(void)
{
	uint32_t v;
	CU_ASSERT(words_duration("500ms", &v) && v == 500);
	CU_ASSERT(words_duration("1.5s", &v) && v == 1500);
	CU_ASSERT(words_duration("2m", &v) && v == 120000);
	CU_ASSERT(words_duration("0s", &v) && v == 0);
	static const char *const no_duration[] = { "", "5", "s", "-5s", "5 s", "5h", "1e3s", "0x5s", "inf", "nans", "1.2.3s", "5.s", "90000s" };
	for (size_t i = 0; i < sizeof no_duration / sizeof *no_duration; i++)
		CU_ASSERT_FALSE(words_duration(no_duration[i], &v));
	CU_ASSERT(words_size("128", 1 << 20, &v) && v == 128);
	CU_ASSERT(words_size("16KiB", 1 << 20, &v) && v == 16384);
	CU_ASSERT(words_size("1MiB", 1 << 20, &v) && v == 1 << 20);
	CU_ASSERT(words_size("0.5KiB", 1 << 20, &v) && v == 512);
	static const char *const no_size[] = { "", "2MiB", "1KB", "1kib", "-1", "0.3B", "16 KiB", "99999999999999999999999" };
	for (size_t i = 0; i < sizeof no_size / sizeof *no_size; i++)
		CU_ASSERT_FALSE(words_size(no_size[i], 1 << 20, &v));
	CU_ASSERT(words_percent("50%", &v) && v == 50);
	CU_ASSERT(words_percent("0", &v) && v == 0);
	CU_ASSERT_FALSE(words_percent("101%", &v));
	CU_ASSERT_FALSE(words_percent("50%%", &v));
	CU_ASSERT_FALSE(words_percent("half", &v));
}

static void rates(void)
{
	double from, to;
	CU_ASSERT(words_rate("5000", &from, &to) && from == 5000 && to == 5000);
	CU_ASSERT(words_rate("1.5k", &from, &to) && from == 1500);
	CU_ASSERT(words_rate("1k..40k", &from, &to) && from == 1000 && to == 40000);
	static const char *const none[] = { "", "0", "-1", "k", "1k..", "..4k", "40k..1k", "1k..1k", "1k...2k", "1k..2k..3k", "11M", "1e3", "5/s" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		CU_ASSERT_FALSE(words_rate(none[i], &from, &to));
}

static void what_happens_when(void)
{
	struct words_timed t;
	struct words_fault f;
	CU_ASSERT(words_timed("silent-leader", &t) && !strcmp(t.name, "silent-leader") && t.from_ms == 0 && t.to_ms == WORDS_NEVER);
	CU_ASSERT(words_timed("slow-leader@5s-15s", &t) && !strcmp(t.name, "slow-leader") && t.from_ms == 5000 && t.to_ms == 15000);
	CU_ASSERT(words_timed("a@500ms", &t) && t.from_ms == 500 && t.to_ms == WORDS_NEVER);
	static const char *const none[] = {
		"", "@5s", "a@", "a@5", "a@5s-", "a@5s-4s", "a@5s-5s", "a@-5s", "a-name-that-is-longer-than-any-name-may-be-here@5s"
	};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		CU_ASSERT_FALSE(words_timed(none[i], &t));
	CU_ASSERT(words_fault("kill:1@5s", &f) && !strcmp(f.name, "kill") && f.replica == 1 && f.at_ms == 5000 && f.to_ms == WORDS_NEVER);
	CU_ASSERT(words_fault("pause:leader@1s-2s", &f) && f.replica == WORDS_LEADER && f.to_ms == 2000);
	static const char *const no_fault[] = { "", "kill", "kill@5s", "kill:@5s", "kill:x@5s", "kill:64@5s", ":1@5s", "kill:1", "kill:1@", "kill@5s:1" };
	for (size_t i = 0; i < sizeof no_fault / sizeof *no_fault; i++)
		CU_ASSERT_FALSE(words_fault(no_fault[i], &f));
}

static void did_you_mean(void)
{
	static const char *const names[] = { "silent-leader", "slow-leader", "kill" };
	CU_ASSERT_EQUAL(words_distance("abc", "abc"), 0);
	CU_ASSERT_EQUAL(words_distance("abc", "acb"), 1);
	CU_ASSERT_EQUAL(words_distance("", "abc"), 3);
	CU_ASSERT_EQUAL(words_distance("kitten", "sitting"), 3);
	CU_ASSERT_STRING_EQUAL(words_meant("silentleader", names, 3), "silent-leader");
	CU_ASSERT_STRING_EQUAL(words_meant("slwo-leader", names, 3), "slow-leader");
	CU_ASSERT_PTR_NULL(words_meant("banana-split-forever", names, 3));
	CU_ASSERT_PTR_NULL(words_meant("", names, 3));
}

/* ---- networks ---- */

static void networks_by_name(void)
{
	struct nets nets;
	char why[NETS_WHY_BYTES] = "";
	CU_ASSERT(nets_read(&nets, "none", why) && !nets.name);
	CU_ASSERT(nets_read(&nets, "wan", why) && !strcmp(nets.name, "wan"));
	struct net_shape s = nets_between(&nets, 1, 2), to_client = nets_between(&nets, 3, NETS_CLIENT);
	CU_ASSERT(s.delay_us == 20000 && s.bits_per_s == 100000000 && s.loss_ppm == 100 && to_client.delay_us == 20000);
	CU_ASSERT(nets_read(&nets, "wan4", why));
	for (uint32_t a = 0; a < 8; a++)
		for (uint32_t b = 0; b < 8; b++) {
			s = nets_between(&nets, a, b);
			CU_ASSERT_EQUAL(s.delay_us, nets_between(&nets, b, a).delay_us);
			CU_ASSERT_EQUAL(s.delay_us == 250, a % 4 == b % 4);
			CU_ASSERT_EQUAL(s.loss_ppm == 0, a % 4 == b % 4);
		}
	CU_ASSERT_EQUAL(nets_between(&nets, 2, 3).delay_us, 128400);
	CU_ASSERT_EQUAL(nets_between(&nets, NETS_CLIENT, 4).delay_us, 250);
	CU_ASSERT_EQUAL(nets_between(&nets, NETS_CLIENT, 5).delay_us, 40250);
}

static void networks_by_figures(void)
{
	struct nets nets;
	char why[NETS_WHY_BYTES] = "";
	CU_ASSERT(nets_read(&nets, "delay=20ms,jitter=250us,loss=0.1%,rate=100mbit", why));
	CU_ASSERT(nets.shape.delay_us == 20000 && nets.shape.jitter_us == 250 && nets.shape.loss_ppm == 1000 && nets.shape.bits_per_s == 100000000);
	CU_ASSERT(nets_read(&nets, "rate=1.5gbit", why) && nets.shape.delay_us == 0 && nets.shape.bits_per_s == 1500000000);
	CU_ASSERT(nets_read(&nets, "delay=0ms", why) && nets.shape.delay_us == 0);
	static const char *const none[] = {
		"",         "wn",         "delay",     "delay=",        "delay=20",    "delay=-20ms",   "delay=11s",  "delay=1e3ms",       "loss=51%",
		"loss=0.1", "rate=0mbit", "rate=1bit", "rate=1000gbit", "delay=nanms", "delay=1.2.3ms", "dealy=20ms", "delay=20ms;loss=1%"
	};
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		why[0] = 0;
		CU_ASSERT_FALSE(nets_read(&nets, none[i], why));
		CU_ASSERT(why[0] != 0);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "delay"));
	CU_ASSERT(!nets_read(&nets, "wan5", why) && strstr(why, "did you mean wan"));
	CU_ASSERT(!nets_read(&nets, "dealy=20ms", why) && strstr(why, "did you mean delay"));
}

/* ---- schedule ---- */

/* 1000 a second for 10 s, each served in 1 ms, by one that stands still from second 4 to 5. What was asked meanwhile waited, and the percentiles must say so; measured from
 * the moment at which it was its turn, nothing is to be seen. */
static void an_open_loop_is_corrected(void)
{
	static struct histogram corrected, service;
	struct schedule s;
	uint64_t intended, free_us = 0, asked = 0;
	memset(&corrected, 0, sizeof corrected);
	memset(&service, 0, sizeof service);
	schedule_begin(&s, 1000, 1000000);
	for (uint64_t now = 1000000; now < 11000000; now += 100)
		while (schedule_due(&s, now, &intended)) {
			uint64_t begins = intended > free_us ? intended : free_us;
			if (begins >= 5000000 && begins < 6000000)
				begins = 6000000;
			free_us = begins + 500;
			histogram_add(&corrected, begins + 1000 - intended);
			histogram_add(&service, 1000);
			asked++;
		}
	CU_ASSERT_EQUAL(asked, 10000);
	CU_ASSERT(histogram_at(&corrected, 0.5) < 1100);
	CU_ASSERT(histogram_at(&corrected, 0.99) > 900000);
	CU_ASSERT(corrected.max >= 1000000 && corrected.max <= 1002000);
	CU_ASSERT_EQUAL(service.max, 1000);
}

static void a_generator_that_is_late_is_known(void)
{
	struct schedule s;
	uint64_t intended;
	schedule_begin(&s, 100, 0);
	CU_ASSERT(schedule_due(&s, 0, &intended) && intended == 0);
	CU_ASSERT_FALSE(schedule_due(&s, 9999, &intended));
	CU_ASSERT(schedule_due(&s, 10000, &intended) && intended == 10000);
	CU_ASSERT_EQUAL(s.behind_us_max, 0);
	CU_ASSERT(schedule_due(&s, 95000, &intended) && intended == 20000); /* asked late, and counted from when it should have been */
	CU_ASSERT_EQUAL(s.behind_us_max, 75000);
	CU_ASSERT_EQUAL(schedule_next_us(&s), 30000);
}

/* ---- knee ---- */

static double find_knee(double capacity, double from, double to, uint32_t steps, uint32_t *used)
{
	struct knee k;
	double rate;
	knee_begin(&k, from, to, steps);
	for (*used = 0; knee_next(&k, &rate); (*used)++) {
		CU_ASSERT(rate >= from && rate <= to);
		knee_tell(&k, rate, rate <= capacity);
	}
	return k.kept;
}

static void the_knee_is_found(void)
{
	uint32_t used;
	double kept = find_knee(17000, 1000, 40000, 20, &used);
	CU_ASSERT(kept <= 17000 && kept > 17000 / 1.06);
	CU_ASSERT(used < 14);
	CU_ASSERT_EQUAL(find_knee(1e6, 1000, 40000, 20, &used), 40000);
	CU_ASSERT_EQUAL(find_knee(10, 1000, 40000, 20, &used), 0);
	CU_ASSERT_EQUAL(used, 1);
	kept = find_knee(17000, 1000, 40000, 6, &used);
	CU_ASSERT(used == 6 && kept >= 16000 && kept <= 17000);
}

/* ---- keys ---- */

static void zipf_is_skewed_and_uniform_is_not(void)
{
	static uint32_t hits[2][1000];
	struct keys k[2];
	uint64_t random = 1;
	memset(hits, 0, sizeof hits);
	keys_begin(&k[0], 1000, false);
	keys_begin(&k[1], 1000, true);
	for (uint32_t i = 0; i < 200000; i++)
		for (uint32_t z = 0; z < 2; z++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			uint64_t at = keys_draw(&k[z], random ^ random >> 29);
			CU_ASSERT_FATAL(at < 1000);
			hits[z][at]++;
		}
	CU_ASSERT(hits[0][0] < 400);
	CU_ASSERT(hits[1][0] > 20000 && hits[1][0] < 32000); /* 1 / zeta(1000, 0.99) = 13 % */
	CU_ASSERT(hits[1][0] > hits[1][10] && hits[1][10] > hits[1][500]);
}

/* ---- over time ---- */

static void phases_and_recovery(void)
{
	static struct track t;
	track_init(&t);
	track_begin(&t, 1000000);
	/* 100 a second for 2 s; nothing for 1 s; then 100 a second again, and the attack ends at 5 s. */
	for (uint64_t us = 1000000; us < 7000000; us += 10000) {
		if (us == 3000000)
			track_enter(&t, TRACK_ATTACK, us);
		if (us == 6000000)
			track_enter(&t, TRACK_AFTER, us);
		if (us < 3000000 || us >= 4000000)
			track_done(&t, us, us - 2000, 0, true);
	}
	track_done(&t, 6999999, 6000000, 0, false);
	track_end(&t, 7000000);
	CU_ASSERT_EQUAL(t.count, 60);
	CU_ASSERT_EQUAL(t.interval[0].ops, 10);
	CU_ASSERT_EQUAL(t.interval[25].ops, 0);
	CU_ASSERT_EQUAL(t.interval[59].failed, 1);
	CU_ASSERT_EQUAL(t.interval[5].p50_us, 2000);
	CU_ASSERT_DOUBLE_EQUAL(track_rate(&t, TRACK_BASELINE), 100, 0.1);
	CU_ASSERT_DOUBLE_EQUAL(track_rate(&t, TRACK_ATTACK), 200 / 3.0, 0.1);
	CU_ASSERT_DOUBLE_EQUAL(track_rate(&t, TRACK_AFTER), 100, 0.1);
	/* What was answered first had been asked before the attack only in the beginning. */
	CU_ASSERT_DOUBLE_EQUAL(track_first_s(&t), 1, 0);
	CU_ASSERT_DOUBLE_EQUAL(track_recovers_s(&t, 0.9), 1.9, 0.001); /* the first second with 90 of 100 begins at 0.9 s */
	track_free(&t);
}

static void one_that_never_recovers(void)
{
	static struct track t;
	track_init(&t);
	track_begin(&t, 1);
	for (uint64_t us = 1; us < 3000000; us += 1000) {
		if (us > 1000000)
			track_enter(&t, TRACK_ATTACK, us);
		if (us < 1000000)
			track_done(&t, us, us, 0, true);
	}
	track_end(&t, 3000001);
	CU_ASSERT(track_recovers_s(&t, 0.9) < 0);
	CU_ASSERT(track_first_s(&t) < 0);
	track_free(&t);
}

/* Two attacks: both count, and the calm between them is calm. */
static void what_comes_again(void)
{
	static struct track t;
	track_init(&t);
	track_begin(&t, 1000000);
	for (uint64_t us = 1000000; us < 5000000; us += 10000) {
		bool attacked = us / 1000000 % 2 == 0; /* in the second and the fourth */
		track_enter(&t, attacked ? TRACK_HELD : TRACK_BASELINE, us);
		if (!attacked || us % 1000000 >= (us < 3000000 ? 200000u : 500000u))
			track_done(&t, us, us, us % 20000 ? 0 : us % 40000 ? 1 : 2, true);
	}
	track_end(&t, 5000000);
	CU_ASSERT_DOUBLE_EQUAL(track_rate(&t, TRACK_BASELINE), 100, 0.1);
	CU_ASSERT_DOUBLE_EQUAL(track_rate(&t, TRACK_HELD), 65, 0.1);
	CU_ASSERT_DOUBLE_EQUAL(track_first_s(&t), 0.5, 1e-9);         /* the longer one */
	CU_ASSERT_DOUBLE_EQUAL(track_worst_client_pct(&t, 3), 75, 4); /* a quarter, of which a third would have been fair */
	CU_ASSERT_DOUBLE_EQUAL(track_worst_client_pct(&t, 4), 0, 0);
	CU_ASSERT_EQUAL(t.phase_us[TRACK_HELD], 2000000);
	track_free(&t);
}

/* ---- the plan ---- */

static struct plan plan;
static char why[PLAN_WHY_BYTES];

/* `words`, by spaces. */
static bool read_plan(const char *words)
{
	static char text[512];
	char *argv[64], *rest = NULL;
	int argc = 0;
	snprintf(text, sizeof text, "%s", words);
	for (char *w = strtok_r(text, " ", &rest); w && argc < 64; w = strtok_r(NULL, " ", &rest))
		argv[argc++] = w;
	return plan_read(&plan, "run", argc, argv, why);
}

static void plans_that_hold(void)
{
	CU_ASSERT(read_plan(""));
	CU_ASSERT(plan.n == 4 && plan.f == 1 && plan.liars == 0 && plan.rate_from == 0);
	CU_ASSERT(read_plan("--attack silent-leader@2s --duration 6s"));
	CU_ASSERT(plan.liars == 1 && plan.attack[0].from_ms == 2000 && plan.attack[0].to_ms == 6000);
	CU_ASSERT(read_plan("--attack double-vote@2s-4s --attack client-flood --seed 7"));
	CU_ASSERT(plan.liars == 1 << 3 && plan.attacks == 2 && plan.seed == 7);
	CU_ASSERT(read_plan("--replicas 7 --attack slow-leader"));
	CU_ASSERT(plan.liars == (1 | 1 << 6)); /* f of them, one where the first view is led */
	CU_ASSERT(read_plan("--attack split-brain-colluders --beyond-f"));
	CU_ASSERT(plan.liars == 3);
	CU_ASSERT(read_plan("--mode trusted --attack silent-leader --beyond-f"));
	CU_ASSERT(plan.n == 3 && plan.liars == 1);
	CU_ASSERT(read_plan("--rate 1k..40k") && plan_is_sweep(&plan));
	CU_ASSERT(read_plan("--fault kill:1@5s --fault slow-disk:leader@1s-2s") && plan.faults == 2);
	CU_ASSERT(read_plan("--attack double-vote --pairs 3 --phase 2s") && plan.pairs.count == 3 && plan.pairs.phase_ms == 2000 && plan.pairs.grace_ms == 0);
	CU_ASSERT_EQUAL(plan.duration_ms, 3 * 8000);
	CU_ASSERT(read_plan("--attack silent-leader --pairs 1 --repeat 5") && plan.pairs.grace_ms == 5000 && plan.repeat == 5);
	CU_ASSERT(read_plan("--attack slow-leader --pairs 1 --grace 4s") && plan.pairs.grace_ms == 4000 && plan.attack[0].to_ms == plan.duration_ms);
	CU_ASSERT(read_plan("--attack bad-new-view@2s --duration 6s")); /* replica 0 must lose its office, and the liar leads next */
	CU_ASSERT(plan.liars == 2 && plan.faults == 1 && plan.fault[0].strike == STRIKE_PAUSE && plan.fault[0].replica == 0);
	CU_ASSERT(plan.fault[0].at_ms == 2000 && plan.fault[0].to_ms == 3000);
	CU_ASSERT(read_plan("--attack timeout-inflation@2s --duration 9s")); /* each vote must count, and the liar lead last */
	CU_ASSERT(plan.liars == 8 && plan.faults == 1 && plan.fault[0].strike == STRIKE_PAUSE && plan.fault[0].replica == 0);
	CU_ASSERT(plan.fault[0].at_ms == 2000 && plan.fault[0].to_ms == 6000);
	CU_ASSERT(read_plan("--replicas 7 --attack timeout-inflation") && plan.liars == 3 << 5);
	CU_ASSERT(read_plan("--attack twins") && plan.liars == 1 && plan.faults == 0);
	CU_ASSERT(read_plan("--attack state-chunk-lie@2s --duration 6s")); /* somebody honest must fetch the state */
	CU_ASSERT(plan.liars == 8 && plan.faults == 1 && plan.fault[0].strike == STRIKE_REJOIN && plan.fault[0].replica == 2);
	CU_ASSERT(read_plan("--attack leader-plus-client") && plan.liars == 1 && attack_has_client(plan.attack[0].attack));
	CU_ASSERT(read_plan("--net wan --fault rejoin:1@2s") && !strcmp(plan.nets.name, "wan"));
	CU_ASSERT(read_plan("--attack slow-state-server --pairs 2 --phase 2s") && plan.faults == 2); /* the occasion comes in each pair */
	CU_ASSERT(plan.fault[0].at_ms == 2500 && plan.fault[1].at_ms == plan.duration_ms / 2 + 2500);
	CU_ASSERT(read_plan("--clients 300") && plan.clients == 5); /* a key has 64 sessions at most */
	CU_ASSERT(read_plan("--clients 2") && plan.clients == 2);
	CU_ASSERT(read_plan("--clients 16 --client-keys 16") && plan.clients == 16);
	CU_ASSERT(read_plan("--profile signed --client-keys 8") && plan.clients == 8);
	CU_ASSERT(read_plan("--profile bundled") && plan.outstanding == 1000 && plan.clients == 1);
}

static void plans_that_do_not(void)
{
	static const struct {
		const char *words, *says;
	} row[] = {
		{ "--attack silent-laeder", "did you mean silent-leader?" },
		{ "--attack xyzzy", "unknown attack xyzzy" },
		{ "--attack silent-leader@10s", "outside the run" },
		{ "--attack silent-leader@2s-11s", "outside the run" },
		{ "--attack silent-leader@2", "with its time" },
		{ "--attack silent-leader --attack silent-leader@2s", "twice" },
		{ "--attack split-brain-colluders", "--beyond-f" },
		{ "--attack split-brain-colluders --attack double-vote --beyond-f", "cannot be mixed" },
		{ "--attack double-vote --liars 2", "--beyond-f" },
		{ "--attack double-vote --liars 4 --beyond-f", "nobody honest" },
		{ "--attack client-flood --liars 1", "without an attack by replicas" },
		{ "--mode trusted --attack double-vote", "it bears 0" },
		{ "--fault kil:1@2s", "did you mean kill?" },
		{ "--fault kill:4@2s", "no replica 4" },
		{ "--fault kill:1@10s", "outside the run" },
		{ "--fault kill:1@2s-3s", "has no end" },
		{ "--fault restart:0@2s --attack silent-leader", "bring back a liar" },
		{ "--fault wipe:leader@2s --attack double-vote", "bring back a liar" },
		{ "--rate 1k..2k --attack client-flood", "cannot be mixed" },
		{ "--rate 5000 --outstanding 3", "exclude each other" },
		{ "--replicas 3", "4 replicas" },
		{ "--distribution zipfian", "does not take" },
		{ "--distribution zipf --keys 100000000", "at most" },
		{ "--durations 5s", "did you mean --duration?" },
		{ "--net wna", "did you mean wan" },
		{ "--fault rejoin:3@2s --attack double-vote", "bring back a liar" },
		{ "--net delay=20", "does not take" },
		{ "--reads 200%", "does not take" },
		{ "--clients 0", "does not take" },
		{ "--client-keys 17", "does not take" },
		{ "--clients 3 --client-keys 4", "each needs one" },
		{ "--clients 300 --client-keys 4", "Say --client-keys 5" },
		{ "--pairs 3", "compares calm with --attack" },
		{ "--pairs 3 --attack double-vote --duration 8s", "compares calm with --attack" },
		{ "--pairs 3 --attack double-vote@2s", "needs no time" },
		{ "--pairs 3 --attack silent-leader", "--pairs 1 --repeat 3" },
		{ "--pairs 26 --repeat 2 --attack double-vote", "more than 50 pairs" },
		{ "--pairs 3 --attack double-vote --fault kill:1@2s", "compares calm with --attack" },
		{ "--attack double-vote --phase 2s", "parts of --pairs" },
		{ "--attack double-vote --pairs 1 --phase 10ms", "does not take" },
		{ "--repeat 0", "does not take" },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		bool held = read_plan(row[i].words), said = strstr(why, row[i].says) != NULL;
		if (held || !said)
			printf("%s: %s\n", row[i].words, held ? "holds" : why);
		CU_ASSERT(!held && said);
	}
}

/* Each attack can be found by its name, is told in words, and does something. */
static void the_catalogue_is_whole(void)
{
	const struct attack *a;
	size_t i = 0;
	for (; (a = attack_at(i)); i++) {
		CU_ASSERT_PTR_EQUAL(attack_find(a->name), a);
		CU_ASSERT(strlen(a->name) < WORDS_NAME_BYTES && strlen(a->class) > 0);
		CU_ASSERT(strlen(a->does) > 10 && strlen(a->breaks) > 10 && strlen(a->answer) > 10);
		CU_ASSERT(a->by != BY_CLIENT || a->client);
		CU_ASSERT(a->client || a->to_member || a->to_client || a->hears);
	}
	CU_ASSERT(i == 68 && i < CATALOGUE_MAX); /* as many as the README and the change log say, and one beyond f */
	CU_ASSERT_PTR_NULL(attack_find("no-such-attack"));
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a value is at most 1.6 % too high", two_significant_digits },
		{ "percentiles up to 99.99 and the largest", percentiles_up_to_the_last },
		{ "nothing has percentiles of 0, and two become one", nothing_and_two_become_one },
		{ "durations, sizes, shares", durations_sizes_shares },
		{ "rates, and ranges of them", rates },
		{ "attacks and faults with their times", what_happens_when },
		{ "what was meant", did_you_mean },
		{ "networks by name", networks_by_name },
		{ "networks by their figures", networks_by_figures },
		{ "an open loop counts from the intended moment", an_open_loop_is_corrected },
		{ "a generator that is late is known", a_generator_that_is_late_is_known },
		{ "the knee is found", the_knee_is_found },
		{ "Zipf is skewed, uniform is not", zipf_is_skewed_and_uniform_is_not },
		{ "phases, the first answer, and recovery", phases_and_recovery },
		{ "one that never recovers", one_that_never_recovers },
		{ "what comes again", what_comes_again },
		{ "plans that hold", plans_that_hold },
		{ "plans that do not, and why", plans_that_do_not },
		{ "the catalogue is whole", the_catalogue_is_whole },
		{ 0 },
	};
	return unit_main("bench", cases);
}
