#include "bench/costs.h"

#include "bench/join.h"
#include "bench/run.h"

#include <stdio.h>

#define JOIN_LIMIT_MS 120000u

static void report_join(const struct plan *p, const struct join_result *j)
{
	if (p->json) {
		printf("{\"profile\":\"join\",\"load\":\"%s\",\"n\":%u,\"keys\":%llu,\"value_bytes\":%u,\"joined\":%s,\"join_s\":%.2f,\"before_ops\":%.0f,"
		       "\"during_ops\":%.0f,\"kept_ratio\":%.3f}\n",
		       p->profile->name, p->n, (unsigned long long)p->keys, p->value_bytes, j->joined ? "true" : "false", j->seconds, j->before, j->during,
		       j->during / j->before);
		return;
	}
	printf("load        %s: %s\n", p->profile->name, p->profile->what);
	printf("            n = %u, %llu keys with values of %u bytes\n", p->n, (unsigned long long)p->keys, p->value_bytes);
	if (j->joined)
		printf("join        %.2f s from the start of an empty replica until it had executed what the others had, sequence %llu\n", j->seconds,
		       (unsigned long long)j->seq);
	else
		puts("join        NOT within the time");
	printf("throughput  %.0f operations/s before, %.0f meanwhile: %.2f of it\n", j->before, j->during, j->during / j->before);
}

/* Stops the cluster, judges what it leaves, and removes it: the exit status so far. */
static int end(struct cluster *cluster, bool ran, const char *reason)
{
	bool stopped = cluster_stop(cluster);
	struct verdict verdict;
	verdict_reach(&verdict, cluster, 0, NULL, 0, NULL);
	run_on_signals(NULL, true);
	cluster_remove(cluster);
	if (!ran) {
		fprintf(stderr, "quorate-bench: %s\n", reason);
		return 1;
	}
	if (!verdict.safe) {
		fprintf(stderr, "quorate-bench: UNSAFE: %s\n", verdict.why);
		return EXIT_UNSAFE;
	}
	return stopped ? 0 : 1;
}

int costs_join(const struct plan *p)
{
	char reason[QUORATE_REASON_BYTES] = "", genesis[512], key[512];
	struct load_options o;
	struct join_result result;
	struct cluster cluster;
	if (!run_begin(&cluster, NULL, NULL, NULL, p, false, &o, genesis, key))
		return 1;
	bool ran = join_run(&cluster, &o, JOIN_LIMIT_MS, &result, reason);
	int code = end(&cluster, ran, reason);
	if (ran)
		report_join(p, &result);
	return code ? code : result.joined ? 0 : 1;
}

static double per_second(const struct load_result *l)
{
	return l->seconds > 0 ? (double)l->done / l->seconds : 0;
}

static void report_fault(const struct plan *p, const struct fault_result *f)
{
	double before = per_second(&f->before), after = per_second(&f->after);
	unsigned long long p50[2] = { histogram_at(&f->before.latency_us, 0.5), histogram_at(&f->after.latency_us, 0.5) };
	unsigned long long p99[2] = { histogram_at(&f->before.latency_us, 0.99), histogram_at(&f->after.latency_us, 0.99) };
	double kept = before > 0 ? after / before : 0, times = p99[0] ? (double)p99[1] / (double)p99[0] : 0, gap_ms = (double)f->after.gap_us_max / 1e3;
	if (p->json) {
		printf("{\"profile\":\"%s\",\"fault\":\"%s\",\"mode\":\"%s\",\"n\":%u,\"leader\":%u,\"victim\":%u,\"before_ops\":%.0f,\"after_ops\":%.0f,"
		       "\"kept_ratio\":%.3f,\"p50_us\":[%llu,%llu],\"p99_us\":[%llu,%llu],\"p99_ratio\":%.2f,\"gap_ms_max\":%.1f}\n",
		       p->profile->name, fault_name(p->what), plan_mode_name(p->mode), p->n, f->leader, f->victim, before, after, kept, p50[0], p50[1], p99[0],
		       p99[1], times, gap_ms);
		return;
	}
	printf("load        %s: %s\n", p->profile->name, p->profile->what);
	printf("fault       %s: replica %u, while %u led; %s, n = %u\n", fault_name(p->what), f->victim, f->leader, plan_mode_name(p->mode), p->n);
	printf("throughput  %.0f operations/s before, %.0f from then on: %.2f of it\n", before, after, kept);
	printf("latency     p50 %llu us before, %llu after; p99 %llu and %llu, %.2f times; longest gap between completions %.1f ms\n", p50[0], p50[1], p99[0],
	       p99[1], times, gap_ms);
}

int costs_fault(const struct plan *p)
{
	static struct fault_result result;
	char reason[QUORATE_REASON_BYTES] = "", genesis[512], key[512];
	struct load_options o;
	struct cluster cluster;
	if (!run_begin(&cluster, NULL, NULL, NULL, p, p->what == FAULT_FOLLOWER_SLOW, &o, genesis, key))
		return 1;
	bool ran = fault_run(&cluster, &o, p->what, &result, reason);
	int code = end(&cluster, ran, reason);
	if (ran)
		report_fault(p, &result);
	return code;
}
