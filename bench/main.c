/* quorate-bench: a local cluster of processes under closed-loop load, and whether what came out was safe. */
#include "bench/cluster.h"
#include "bench/fault.h"
#include "bench/join.h"
#include "bench/load.h"
#include "bench/units.h"
#include "bench/verdict.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define EXIT_UNSAFE 9
#define JOIN_LIMIT_MS 120000u

struct profile {
	const char *name, *what;
	uint32_t sessions, outstanding, bundle_ops;
	bool reads;
};
static const struct profile profiles[] = {
	{ "latency", "1 client, 1 outstanding, each operation signed", 1, 1, 1, false },
	{ "signed", "64 client sessions in one process, 1 outstanding each, each operation signed", 64, 1, 1, false },
	{ "bundled", "8 client sessions, 1000 outstanding each, 100 operations a bundle", 8, 1000, 100, false },
	{ "reads", "64 client sessions in one process, 1 outstanding each, gets that are not ordered", 64, 1, 1, true },
};

struct run {
	const struct profile *profile;
	enum quorate_mode mode;
	uint32_t n, duration_ms, value_bytes; /* n 0: as many as the mode's smallest cluster that bears one failure */
	uint64_t keys;
	const char *folder;
	enum fault_kind fault;
	bool json, slow_disk; /* slow_disk: the library for that is preloaded */
	struct cluster cluster;
	double cpu_begin, cpu_end;
};

static int usage(void)
{
	fputs("usage: quorate-bench run --profile latency|signed|bundled|reads [--duration 10s] [--keys 10000] [--value 128] [--mode bft|trusted] [--replicas "
	      "N] "
	      "[--folder DIR] [--json]\n"
	      "       quorate-bench join [--profile signed] [--keys 200000] and the others: an empty replica joins under that load\n"
	      "       quorate-bench fault --what none|follower-dead|follower-stopped|follower-slow-disk|leader-dead [--profile signed] and the others: what "
	      "that "
	      "costs\n",
	      stderr);
	return EXIT_USAGE;
}

static struct cluster *to_clean; /* for signals: nothing is left behind */

static void on_signal(int signal)
{
	for (uint32_t i = 0; to_clean && i < to_clean->n; i++)
		if (to_clean->pid[i])
			kill(to_clean->pid[i], SIGKILL);
	_exit(128 + signal);
}

static double own_cpu_s(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void on_measuring(void *arg, bool begins)
{
	struct run *r = arg;
	*(begins ? &r->cpu_begin : &r->cpu_end) = cluster_cpu_s(&r->cluster) + own_cpu_s();
}

/* What this program needs stands beside it. */
static bool find_beside(const char *name, char *out, size_t n)
{
	char self[400];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	if (length < 0)
		return false;
	self[length] = 0;
	char *slash = strrchr(self, '/');
	if (!slash)
		return false;
	*slash = 0;
	snprintf(out, n, "%s/%s", self, name);
	return access(out, R_OK) == 0;
}

static json_t *latencies(const struct histogram *h)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "p50", (json_int_t)histogram_at(h, 0.5), "p90", (json_int_t)histogram_at(h, 0.9), "p99",
	                 (json_int_t)histogram_at(h, 0.99), "p999", (json_int_t)histogram_at(h, 0.999), "max", (json_int_t)h->max);
}

static const char *mode_name(enum quorate_mode mode)
{
	return mode == QUORATE_TRUSTED ? "trusted" : "bft";
}

static void report(const struct run *r, const struct units *u, const struct load_result *l, const struct verdict *v)
{
	double cores = (double)sysconf(_SC_NPROCESSORS_ONLN), throughput = (double)l->done / l->seconds;
	double bound = cores * 1e6 / ((double)r->n * u->verify_us + u->sign_us);
	double critical = 4 * u->verify_us + 5 * u->sign_us + 2 * u->flush_n_us, p50 = (double)histogram_at(&l->latency_us, 0.5);
	double cpu = l->done ? (r->cpu_end - r->cpu_begin) * 1e6 / (double)l->done : 0;
	const char *verdict = v->safe ? "SAFE" : "UNSAFE";
	if (!r->json) {
		printf("profile     %s: %s\n", r->profile->name, r->profile->what);
		printf("            %s, n = %u, TLS 1.3, durability flush, values of %u bytes over %llu keys, %.1f s measured, %.0f cores\n",
		       mode_name(r->mode), r->n, r->value_bytes, (unsigned long long)r->keys, l->seconds, cores);
		printf("throughput  %.0f operations/s\n", throughput);
		printf("latency     p50 %llu  p90 %llu  p99 %llu  p99.9 %llu  max %llu us; longest gap between completions %.1f ms\n",
		       (unsigned long long)histogram_at(&l->latency_us, 0.5), (unsigned long long)histogram_at(&l->latency_us, 0.9),
		       (unsigned long long)histogram_at(&l->latency_us, 0.99), (unsigned long long)histogram_at(&l->latency_us, 0.999),
		       (unsigned long long)l->latency_us.max, (double)l->gap_us_max / 1e3);
		printf("cost        %.1f us of CPU an operation, all processes together\n", cpu);
		printf("units       sign %.1f us, verify %.1f us, flush %.0f us, %u flushing at once %.0f us\n", u->sign_us, u->verify_us, u->flush_us, r->n,
		       u->flush_n_us);
		printf("bound       %.0f operations/s if every operation is signed and checked by every replica: reached %.2f of it\n", bound,
		       throughput / bound);
		printf("path        %.0f us for 4 checks, 5 signatures, 2 flushes: the median is %.2f times that\n", critical, p50 / critical);
		printf("safety      %s%s%s (%llu sequences compared, %llu answers found where they were said to be)\n", verdict, v->safe ? "" : ": ", v->why,
		       (unsigned long long)v->sequences, (unsigned long long)v->told_checked);
		return;
	}
	json_t *j = json_pack("{s:s,s:s,s:s,s:i,s:f,s:I,s:i,s:f,s:o,s:f,s:f,s:{s:f,s:f,s:f,s:f},s:f,s:f,s:f,s:f,s:I,s:{s:s,s:s,s:b,s:I,s:I,s:I}}", "profile",
	                      r->profile->name, "what", r->profile->what, "mode", mode_name(r->mode), "n", (int)r->n, "duration_s", l->seconds, "keys",
	                      (json_int_t)r->keys, "value_bytes", (int)r->value_bytes, "throughput_ops", throughput, "latency_us", latencies(&l->latency_us),
	                      "gap_ms_max", (double)l->gap_us_max / 1e3, "cpu_us_per_op", cpu, "unit_us", "sign", u->sign_us, "verify", u->verify_us, "flush",
	                      u->flush_us, "flush_n", u->flush_n_us, "bound_ops", bound, "bound_ratio", throughput / bound, "critical_path_us", critical,
	                      "critical_path_ratio", p50 / critical, "failed", (json_int_t)l->failed, "safety", "verdict", verdict, "why", v->why, "logs_whole",
	                      v->whole, "sequences", (json_int_t)v->sequences, "answers_checked", (json_int_t)v->told_checked, "answers_out_of_reach",
	                      (json_int_t)v->told_out_of_reach);
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	puts(text ? text : "{}");
	free(text);
	json_decref(j);
}

static bool begin(struct run *r, struct load_options *o, char genesis[512], char key[512])
{
	char program[512], slow[512], reason[QUORATE_REASON_BYTES] = "";
	if (!find_beside("quorate", program, sizeof program) || (r->slow_disk && !find_beside("libslow_disk.so", slow, sizeof slow))) {
		fputs("quorate-bench: quorate, or libslow_disk.so if a disk is to be slow, does not stand beside this program\n", stderr);
		return false;
	}
	if (!cluster_start(&r->cluster, program, r->slow_disk ? slow : NULL, r->folder, r->n, r->mode, reason)) {
		fprintf(stderr, "quorate-bench: %s\n", reason);
		cluster_remove(&r->cluster);
		return false;
	}
	to_clean = &r->cluster;
	snprintf(genesis, 512, "%s/cluster/genesis", r->cluster.folder);
	snprintf(key, 512, "%s/cluster/client.key", r->cluster.folder);
	*o = (struct load_options){ .genesis = genesis,
		                    .key = key,
		                    .sessions = r->profile->sessions,
		                    .outstanding = r->profile->outstanding,
		                    .bundle_ops = r->profile->bundle_ops,
		                    .reads = r->profile->reads,
		                    .keys = r->keys,
		                    .value_bytes = r->value_bytes,
		                    .seed = 1,
		                    .warm_up_ms = 1000,
		                    .duration_ms = r->duration_ms };
	return true;
}

static int measure(struct run *r)
{
	char reason[QUORATE_REASON_BYTES] = "", genesis[512], key[512];
	struct units units;
	struct load_options o;
	struct load_result result = { 0 };
	struct verdict verdict;
	if (!begin(r, &o, genesis, key))
		return 1;
	bool ran = load_run(&o, &result, on_measuring, r, reason);
	bool stopped = cluster_stop(&r->cluster);
	/* When the cluster is quiet, on the disk that it used. */
	bool measured = ran && units_measure(&units, r->cluster.folder, r->n);
	if (measured)
		verdict_reach(&verdict, &r->cluster, result.told, result.told_count);
	to_clean = NULL;
	cluster_remove(&r->cluster);
	if (!measured) {
		fprintf(stderr, "quorate-bench: %s\n", ran ? "the units could not be measured" : reason);
		free(result.told);
		return 1;
	}
	report(r, &units, &result, &verdict);
	free(result.told);
	if (!stopped)
		fputs("quorate-bench: a replica did not stop in good order\n", stderr);
	if (result.failed)
		fprintf(stderr, "quorate-bench: %llu operations failed, the first: %s\n", (unsigned long long)result.failed, result.first_failure);
	if (!verdict.whole)
		fputs("quorate-bench: not every log could be read\n", stderr);
	return !verdict.safe ? EXIT_UNSAFE : stopped && verdict.whole && result.done ? 0 : 1;
}

static void report_join(const struct run *r, const struct join_result *j)
{
	if (r->json) {
		printf("{\"profile\":\"join\",\"load\":\"%s\",\"n\":%u,\"keys\":%llu,\"value_bytes\":%u,\"joined\":%s,\"join_s\":%.2f,\"before_ops\":%.0f,"
		       "\"during_ops\":%.0f,\"kept_ratio\":%.3f}\n",
		       r->profile->name, r->n, (unsigned long long)r->keys, r->value_bytes, j->joined ? "true" : "false", j->seconds, j->before, j->during,
		       j->during / j->before);
		return;
	}
	printf("load        %s: %s\n", r->profile->name, r->profile->what);
	printf("            n = %u, %llu keys with values of %u bytes\n", r->n, (unsigned long long)r->keys, r->value_bytes);
	if (j->joined)
		printf("join        %.2f s from the start of an empty replica until it had executed what the others had, sequence %llu\n", j->seconds,
		       (unsigned long long)j->seq);
	else
		puts("join        NOT within the time");
	printf("throughput  %.0f operations/s before, %.0f meanwhile: %.2f of it\n", j->before, j->during, j->during / j->before);
}

static int measure_join(struct run *r)
{
	char reason[QUORATE_REASON_BYTES] = "", genesis[512], key[512];
	struct load_options o;
	struct join_result result;
	if (!begin(r, &o, genesis, key))
		return 1;
	bool ran = join_run(&r->cluster, &o, JOIN_LIMIT_MS, &result, reason);
	bool stopped = cluster_stop(&r->cluster);
	struct verdict verdict;
	verdict_reach(&verdict, &r->cluster, NULL, 0);
	to_clean = NULL;
	cluster_remove(&r->cluster);
	if (!ran) {
		fprintf(stderr, "quorate-bench: %s\n", reason);
		return 1;
	}
	report_join(r, &result);
	if (!verdict.safe)
		fprintf(stderr, "quorate-bench: UNSAFE: %s\n", verdict.why);
	return !verdict.safe ? EXIT_UNSAFE : stopped && result.joined ? 0 : 1;
}

static double per_second(const struct load_result *l)
{
	return l->seconds > 0 ? (double)l->done / l->seconds : 0;
}

static void report_fault(const struct run *r, const struct fault_result *f)
{
	double before = per_second(&f->before), after = per_second(&f->after);
	unsigned long long p50[2] = { histogram_at(&f->before.latency_us, 0.5), histogram_at(&f->after.latency_us, 0.5) };
	unsigned long long p99[2] = { histogram_at(&f->before.latency_us, 0.99), histogram_at(&f->after.latency_us, 0.99) };
	double kept = before > 0 ? after / before : 0, times = p99[0] ? (double)p99[1] / (double)p99[0] : 0, gap_ms = (double)f->after.gap_us_max / 1e3;
	if (r->json) {
		printf("{\"profile\":\"%s\",\"fault\":\"%s\",\"mode\":\"%s\",\"n\":%u,\"leader\":%u,\"victim\":%u,\"before_ops\":%.0f,\"after_ops\":%.0f,"
		       "\"kept_ratio\":%.3f,\"p50_us\":[%llu,%llu],\"p99_us\":[%llu,%llu],\"p99_ratio\":%.2f,\"gap_ms_max\":%.1f}\n",
		       r->profile->name, fault_name(r->fault), mode_name(r->mode), r->n, f->leader, f->victim, before, after, kept, p50[0], p50[1], p99[0],
		       p99[1], times, gap_ms);
		return;
	}
	printf("load        %s: %s\n", r->profile->name, r->profile->what);
	printf("fault       %s: replica %u, while %u led; %s, n = %u\n", fault_name(r->fault), f->victim, f->leader, mode_name(r->mode), r->n);
	printf("throughput  %.0f operations/s before, %.0f from then on: %.2f of it\n", before, after, kept);
	printf("latency     p50 %llu us before, %llu after; p99 %llu and %llu, %.2f times; longest gap between completions %.1f ms\n", p50[0], p50[1], p99[0],
	       p99[1], times, gap_ms);
}

static int measure_fault(struct run *r)
{
	static struct fault_result result;
	char reason[QUORATE_REASON_BYTES] = "", genesis[512], key[512];
	struct load_options o;
	r->slow_disk = r->fault == FAULT_FOLLOWER_SLOW;
	if (!begin(r, &o, genesis, key))
		return 1;
	bool ran = fault_run(&r->cluster, &o, r->fault, &result, reason);
	bool stopped = cluster_stop(&r->cluster);
	struct verdict verdict;
	verdict_reach(&verdict, &r->cluster, NULL, 0);
	to_clean = NULL;
	cluster_remove(&r->cluster);
	if (!ran) {
		fprintf(stderr, "quorate-bench: %s\n", reason);
		return 1;
	}
	report_fault(r, &result);
	if (!verdict.safe)
		fprintf(stderr, "quorate-bench: UNSAFE: %s\n", verdict.why);
	return !verdict.safe ? EXIT_UNSAFE : stopped ? 0 : 1;
}

static bool parse_fault(const char *name, enum fault_kind *out)
{
	for (enum fault_kind kind = 0; kind < FAULT_KINDS; kind++)
		if (!strcmp(fault_name(kind), name)) {
			*out = kind;
			return true;
		}
	return false;
}

static bool parse_duration(const char *text, uint32_t *ms)
{
	char *end;
	double v = strtod(text, &end);
	double unit = strcmp(end, "s") == 0 ? 1000 : strcmp(end, "ms") == 0 ? 1 : strcmp(end, "m") == 0 ? 60000 : 0;
	if (end == text || unit == 0 || !(v > 0) || v * unit > 86400e3)
		return false;
	*ms = (uint32_t)(v * unit);
	return *ms > 0;
}

static bool parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
	char *end;
	unsigned long long v = strtoull(text, &end, 10);
	if (end == text || *end || v < low || v > high)
		return false;
	*out = v;
	return true;
}

static bool parse(struct run *r, int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		uint64_t v = 0;
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (!strcmp(argv[i], "--json")) {
			r->json = true;
			continue;
		}
		i++;
		if (!strcmp(argv[i - 1], "--profile")) {
			for (size_t k = 0; k < sizeof profiles / sizeof *profiles; k++)
				if (!strcmp(profiles[k].name, value))
					r->profile = &profiles[k];
		} else if (!strcmp(argv[i - 1], "--duration")) {
			if (!parse_duration(value, &r->duration_ms))
				return false;
		} else if (!strcmp(argv[i - 1], "--keys") && parse_number(value, 1, 1000000000, &v)) {
			r->keys = v;
		} else if (!strcmp(argv[i - 1], "--value") && parse_number(value, 0, 65536, &v)) {
			r->value_bytes = (uint32_t)v;
		} else if (!strcmp(argv[i - 1], "--replicas") && parse_number(value, 1, 16, &v)) {
			r->n = (uint32_t)v;
		} else if (!strcmp(argv[i - 1], "--mode") && (!strcmp(value, "bft") || !strcmp(value, "trusted"))) {
			r->mode = !strcmp(value, "trusted") ? QUORATE_TRUSTED : QUORATE_BFT;
		} else if (!strcmp(argv[i - 1], "--what") && !strcmp(argv[1], "fault") && parse_fault(value, &r->fault)) {
			continue;
		} else if (!strcmp(argv[i - 1], "--folder")) {
			r->folder = value;
		} else {
			return false;
		}
	}
	uint32_t least = r->mode == QUORATE_TRUSTED ? 1 : 4;
	if (!r->n)
		r->n = r->mode == QUORATE_TRUSTED ? 3 : 4;
	bool named = strcmp(argv[1], "fault") != 0 || r->fault != FAULT_KINDS;
	return r->profile != NULL && named && r->n >= least;
}

int main(int argc, char **argv)
{
	struct run r = { .fault = FAULT_KINDS, .mode = QUORATE_BFT, .duration_ms = 10000, .keys = 10000, .value_bytes = 128 };
	bool join = argc > 1 && strcmp(argv[1], "join") == 0, fault = argc > 1 && strcmp(argv[1], "fault") == 0;
	if (join || fault)
		r.profile = &profiles[1];
	if (join)
		r.keys = 200000;
	if (argc < 2 || (!join && !fault && strcmp(argv[1], "run") != 0) || !parse(&r, argc, argv))
		return usage();
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	return join ? measure_join(&r) : fault ? measure_fault(&r) : measure(&r);
}
