#include "bench/report.h"

#include "bench/numbers.h"
#include "bench/slots/tell.h"
#include "bench/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static double ms(uint64_t us)
{
	return (double)us / 1e3;
}

static double throughput(const struct run *r)
{
	return r->load.seconds > 0 ? (double)r->load.done / r->load.seconds : 0;
}

static json_t *latencies_us(const struct histogram *h)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "p50", (json_int_t)histogram_at(h, 0.5), "p90", (json_int_t)histogram_at(h, 0.9), "p99",
	                 (json_int_t)histogram_at(h, 0.99), "p999", (json_int_t)histogram_at(h, 0.999), "max", (json_int_t)h->max);
}

static json_t *latencies_ms(const struct histogram *h)
{
	return json_pack("{s:f,s:f,s:f,s:f,s:f,s:f}", "p50", ms(histogram_at(h, 0.5)), "p90", ms(histogram_at(h, 0.9)), "p99", ms(histogram_at(h, 0.99)),
	                 "p99_9", ms(histogram_at(h, 0.999)), "p99_99", ms(histogram_at(h, 0.9999)), "max", ms(h->max));
}

static json_t *members(uint64_t mask)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < 64; i++)
		if (mask >> i & 1)
			json_array_append_new(list, json_integer(i));
	return list;
}

/* ---- parts ---- */

static json_t *phases(const struct run *r)
{
	static const char *const name[TRACK_PHASES] = { "baseline", "attack", "after", "attack-held", "burn" };
	const struct track *t = &r->track;
	json_t *list = json_array();
	for (uint32_t k = 0; k < TRACK_PHASES; k++)
		if (t->phase_ended_us[k] > t->phase_us[k])
			json_array_append_new(list, json_pack("{s:s,s:f,s:f,s:f,s:f,s:f}", "name", name[k], "from_s", ms(t->phase_us[k] - t->phase_us[0]) / 1e3,
			                                      "to_s", ms(t->phase_ended_us[k] - t->phase_us[0]) / 1e3, "ops_per_s",
			                                      track_rate(t, (enum track_phase)k), "p50_ms", ms(histogram_at(&t->latency_us[k], 0.5)), "p99_ms",
			                                      ms(histogram_at(&t->latency_us[k], 0.99))));
	return list;
}

static json_t *cpu(const struct run *r)
{
	json_t *o = json_object();
	char name[80];
	for (uint32_t i = 0; i < r->plan->n; i++) {
		snprintf(name, sizeof name, "%s-%u", r->plan->liars >> i & 1 ? "liar" : "replica", i);
		json_object_set_new(o, name, json_real(r->end.replica_s[i] - r->begin.replica_s[i]));
	}
	json_object_set_new(o, "client", json_real(r->end.client_s - r->begin.client_s));
	if (r->plan->nets.name)
		json_object_set_new(o, "relay", json_real(r->end.relay_s - r->begin.relay_s));
	for (uint32_t i = 0; i < r->plan->attacks; i++)
		if (attack_has_client(r->plan->attack[i].attack)) {
			snprintf(name, sizeof name, "attacker-%s", r->plan->attack[i].attack->name);
			json_object_set_new(o, name, json_real(r->conductor.attacker[i].cpu_s));
		}
	return o;
}

static double all_cpu_s(const struct cpu *c, uint32_t n)
{
	double s = c->client_s;
	for (uint32_t i = 0; i < n; i++)
		s += c->replica_s[i];
	return s;
}

static json_t *safety(const struct run *r)
{
	const struct verdict *v = &r->verdict;
	return json_pack("{s:s,s:s,s:o,s:b,s:I,s:I,s:I,s:I,s:i}", "verdict", run_verdict_name(r), "reason", v->why, "convicted", members(v->convicted),
	                 "logs_whole", v->whole, "sequences", (json_int_t)v->sequences, "answers_checked", (json_int_t)v->told_checked, "answers_out_of_reach",
	                 (json_int_t)v->told_out_of_reach, "register_operations", (json_int_t)r->witnessed, "evidence_files", (int)v->evidence);
}

static json_t *sweep(const struct run *r)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < r->steps; i++) {
		const struct step *s = &r->step[i];
		json_array_append_new(list, json_pack("{s:f,s:f,s:f,s:f,s:f,s:b}", "rate", s->rate, "ops_per_s", s->ops_per_s, "p50_ms", ms(s->p50_us),
		                                      "p99_ms", ms(s->p99_us), "generator_behind_s", ms(s->behind_us) / 1e3, "kept", s->kept));
	}
	return list;
}

/* ---- the whole ---- */

/* What was not measured stands nowhere. */
static void add_bounds(json_t *j, const struct run *r)
{
	if (r->plan->brief)
		return;
	const struct units *u = &r->units;
	double cores = (double)sysconf(_SC_NPROCESSORS_ONLN), p50 = (double)histogram_at(&r->load.latency_us, 0.5);
	double bound = cores * 1e6 / ((double)r->plan->n * u->verify_us + u->sign_us);
	double critical = 4 * u->verify_us + 5 * u->sign_us + 2 * u->flush_n_us;
	json_object_set_new(j, "unit_us",
	                    json_pack("{s:f,s:f,s:f,s:f}", "sign", u->sign_us, "verify", u->verify_us, "flush", u->flush_us, "flush_n", u->flush_n_us));
	json_object_set_new(j, "bound_ops", json_real(bound));
	json_object_set_new(j, "bound_ratio", json_real(throughput(r) / bound));
	json_object_set_new(j, "critical_path_us", json_real(critical));
	json_object_set_new(j, "critical_path_ratio", json_real(p50 / critical));
}

/* Only a run with a folder has it. */
static void add_tapped(json_t *j, const struct run *r)
{
	uint64_t requests = 0;
	bool tapped = r->conductor.slots != NULL;
	json_object_set_new(j, "bytes_by_message", tapped ? slots_bytes(&r->slots) : json_object());
	json_object_set_new(j, "votes_by_kind", tapped ? slots_leaves(&r->slots) : json_object());
	json_object_set_new(j, "stages_us", tapped ? slots_stages(&r->slots, &requests) : json_object());
	json_object_set_new(j, "stages_requests", json_integer((json_int_t)requests));
}

json_t *report_summary(const struct run *r)
{
	const struct load_result *l = &r->load;
	const struct track *t = &r->track;
	double used = all_cpu_s(&r->end, r->plan->n) - all_cpu_s(&r->begin, r->plan->n);
	json_t *j = json_pack("{s:{s:f,s:n},s:o,s:o,s:f,s:I,s:I,s:I,s:o,s:o,s:o,s:I,s:f,s:o,s:o,s:b}", "throughput", "ops_per_s", throughput(r), "ci95",
	                      "latency_ms", latencies_ms(&l->latency_us), "service_ms", latencies_ms(&l->service_us), "generator_behind_s",
	                      ms(l->behind_us_max) / 1e3, "operations", (json_int_t)l->done, "failed", (json_int_t)l->failed, "unanswered",
	                      (json_int_t)l->unanswered, "phases", phases(r), "first_after_attack_s", seconds_json(track_first_s(t)), "to_90_pct_s",
	                      seconds_json(track_recovers_s(t, 0.9)), "view_changes",
	                      (json_int_t)(r->conductor.view_first == UINT64_MAX ? 0 : r->conductor.views_before + r->conductor.view - r->conductor.view_first),
	                      "worst_client_pct", l->worst_client_pct, "cpu_s_by_process", cpu(r), "safety", safety(r), "interrupted", r->interrupted);
	if (!j)
		return json_object();
	json_object_set_new(j, "pairs", report_pairs(r));
	json_object_set_new(j, "acted", json_integer((json_int_t)r->conductor.acted));
	add_tapped(j, r);
	json_object_set_new(j, "gap_ms_max", json_real(ms(l->gap_us_max)));
	json_object_set_new(j, "cpu_us_per_op", json_real(l->done && !r->steps ? used * 1e6 / (double)l->done : 0));
	if (r->steps) {
		json_object_set_new(j, "knee_ops_per_s", r->knee.kept > 0 ? json_real(r->knee.kept) : json_null());
		json_object_set_new(j, "sweep", sweep(r));
	}
	return j;
}

void report_json(const struct run *r)
{
	const struct plan *p = r->plan;
	json_t *summary = report_summary(r);
	json_t *j = json_pack("{s:s,s:s,s:s,s:i,s:f,s:I,s:i,s:f,s:o}", "profile", p->profile ? p->profile->name : "none", "what",
	                      p->profile ? p->profile->what : "", "mode", plan_mode_name(p->mode), "n", (int)p->n, "duration_s", r->load.seconds, "keys",
	                      (json_int_t)p->keys, "value_bytes", (int)p->value_bytes, "throughput_ops", throughput(r), "latency_us",
	                      latencies_us(&r->load.latency_us));
	add_bounds(j, r);
	json_object_update(j, summary);
	char *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(6));
	puts(text ? text : "{}");
	free(text);
	json_decref(summary);
	json_decref(j);
}

/* ---- for people ---- */

static void say_load(const struct plan *p)
{
	char load[200];
	if (p->rate_from > 0)
		snprintf(load, sizeof load, plan_is_sweep(p) ? "open loop, %.0f to %.0f operations/s" : "open loop, %.0f operations/s", p->rate_from,
		         p->rate_to);
	else
		snprintf(load, sizeof load, "closed loop, %u sessions with %u outstanding", p->sessions, p->outstanding);
	if (p->profile)
		printf("profile     %s: %s\n", p->profile->name, p->profile->what);
	printf("load        %s, of %u client keys; %u%% reads, %u operations a bundle, %s keys\n", load, p->clients, p->reads_pct, p->bundle_ops,
	       p->zipf ? "Zipf" : "uniform");
}

static void say_latency(const char *name, const struct histogram *h)
{
	printf("%-11s p50 %llu  p90 %llu  p99 %llu  p99.9 %llu  p99.99 %llu  max %llu us\n", name, (unsigned long long)histogram_at(h, 0.5),
	       (unsigned long long)histogram_at(h, 0.9), (unsigned long long)histogram_at(h, 0.99), (unsigned long long)histogram_at(h, 0.999),
	       (unsigned long long)histogram_at(h, 0.9999), (unsigned long long)h->max);
}

static void say_costs(const struct run *r)
{
	const struct units *u = &r->units;
	const struct load_result *l = &r->load;
	double cores = (double)sysconf(_SC_NPROCESSORS_ONLN), p50 = (double)histogram_at(&l->latency_us, 0.5);
	double bound = cores * 1e6 / ((double)r->plan->n * u->verify_us + u->sign_us), critical = 4 * u->verify_us + 5 * u->sign_us + 2 * u->flush_n_us;
	double used = all_cpu_s(&r->end, r->plan->n) - all_cpu_s(&r->begin, r->plan->n);
	if (!r->steps) /* of a sweep, nobody knows which step cost what */
		printf("cost        %.1f us of CPU an operation, replicas and load together\n", l->done ? used * 1e6 / (double)l->done : 0);
	if (r->plan->brief)
		return;
	printf("units       sign %.1f us, verify %.1f us, flush %.0f us, %u flushing at once %.0f us, hash %.2f us/KiB\n", u->sign_us, u->verify_us,
	       u->flush_us, r->plan->n, u->flush_n_us, u->hash_us_per_kib);
	printf("bound       %.0f operations/s if every operation is signed and checked by every replica: reached %.2f of it\n", bound, throughput(r) / bound);
	printf("path        %.0f us for 4 checks, 5 signatures, 2 flushes: the median is %.2f times that\n", critical, p50 / critical);
}

static void say_phases(const struct track *t)
{
	double before = track_rate(t, TRACK_BASELINE), during = track_rate(t, TRACK_ATTACK), back = track_recovers_s(t, 0.9);
	printf("attack      %.0f operations/s before, %.0f during", before, during);
	if (before > 0)
		printf(" (%.0f%%)", 100 * during / before);
	if (t->phase_time_us[TRACK_AFTER])
		printf(", %.0f after", track_rate(t, TRACK_AFTER));
	if (track_first_s(t) >= 0)
		printf("; the first answer to what was asked then came after %.2f s", track_first_s(t));
	else
		printf("; nothing that was asked then was answered");
	if (back >= 0)
		printf(", 90%% of before after %.1f s", back);
	printf("\n");
}

static void say_attack(const struct run *r)
{
	if (!r->track.attack_us)
		return;
	if (!r->plan->pairs.count)
		say_phases(&r->track);
	printf("            view %llu at the beginning, %llu in the end\n",
	       (unsigned long long)(r->conductor.view_first == UINT64_MAX ? 0 : r->conductor.view_first), (unsigned long long)r->conductor.view);
	for (size_t i = 0; i < r->conductor.happenings; i++) {
		const struct happening *h = &r->conductor.happening[i];
		if (strcmp(h->what, "note") != 0 && strcmp(h->what, "leader") != 0)
			printf("            %6.2f s  %s: %s\n", h->t_s, h->what, h->text);
		else if (!strcmp(h->what, "note") && h->replica != NOBODY)
			printf("                      replica %u: %s\n", h->replica, h->text);
		else if (!strcmp(h->what, "note"))
			printf("                      %s\n", h->text);
	}
}

static void say_safety(const struct run *r)
{
	const struct verdict *v = &r->verdict;
	printf("safety      %s%s%s\n", run_verdict_name(r), v->why[0] ? ": " : "", v->why);
	printf("            %llu sequences compared, %llu answers found where they were said to be, %llu operations on registers in an order that explains "
	       "them\n",
	       (unsigned long long)v->sequences, (unsigned long long)v->told_checked, r->linear == LINEAR_HOLDS ? (unsigned long long)r->witnessed : 0ull);
	if (v->evidence)
		printf("            %u files of evidence hold\n", v->evidence);
	if (v->convicted) {
		printf("convicted  ");
		for (uint32_t i = 0; i < r->plan->n; i++)
			if (v->convicted >> i & 1)
				printf(" replica %u", i);
		printf("\n");
	}
}

static void say_sweep(const struct run *r)
{
	for (uint32_t i = 0; i < r->steps; i++)
		printf("rate        %8.0f asked, %8.0f answered a second, p50 %.1f ms, p99 %.1f ms: %s\n", r->step[i].rate, r->step[i].ops_per_s,
		       ms(r->step[i].p50_us), ms(r->step[i].p99_us), r->step[i].kept ? "kept" : "not kept");
	if (r->knee.kept > 0)
		printf("knee        %.0f operations/s%s\n", r->knee.kept, r->knee.broken > 0 ? "" : ": the highest rate that was asked for was kept");
	else if (r->steps)
		printf("knee        below %.0f operations/s, the lowest rate that was asked for\n", r->plan->rate_from);
}

void report_text(const struct run *r)
{
	const struct plan *p = r->plan;
	const struct load_result *l = &r->load;
	if (r->interrupted)
		printf("interrupted after %.1f s: what follows is of that time\n", l->seconds);
	say_load(p);
	printf("            %s, n = %u, TLS 1.3, durability flush, values of %u bytes over %llu keys, %.1f s measured, everything on the same %ld cores\n",
	       plan_mode_name(p->mode), p->n, p->value_bytes, (unsigned long long)p->keys, l->seconds, sysconf(_SC_NPROCESSORS_ONLN));
	say_sweep(r);
	printf("throughput  %.0f operations/s%s\n", throughput(r), r->steps ? " at the knee" : "");
	say_latency("latency", &l->latency_us);
	if (p->rate_from > 0)
		say_latency("service", &l->service_us);
	printf("            longest gap between completions %.1f ms; %llu failed; the client that got least got %.0f%% of its share\n", ms(l->gap_us_max),
	       (unsigned long long)l->failed, l->worst_client_pct);
	say_costs(r);
	say_attack(r);
	report_pairs_text(r);
	say_safety(r);
}

/* ---- the manifest ---- */

static void first_value(const char *path, const char *key, char *out, size_t n)
{
	char line[512];
	FILE *f = fopen(path, "re");
	out[0] = 0;
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, key, strlen(key)) && strchr(line, ':')) {
			snprintf(out, n, "%s", strchr(line, ':') + 2);
			out[strcspn(out, "\n")] = 0;
			break;
		}
	if (f)
		fclose(f);
}

json_t *report_machine(void)
{
	struct utsname u = { .release = "" };
	char model[200];
	uname(&u);
	first_value("/proc/cpuinfo", "model name", model, sizeof model);
	return json_pack("{s:i,s:s,s:s,s:I,s:b}", "cores", (int)sysconf(_SC_NPROCESSORS_ONLN), "cpu", model, "kernel", u.release, "memory_bytes",
	                 (json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE), "shared", 1);
}

static json_t *load(const struct plan *p)
{
	if (plan_is_sweep(p))
		return json_pack("{s:s,s:f,s:f}", "kind", "sweep", "from", p->rate_from, "to", p->rate_to);
	if (p->rate_from > 0)
		return json_pack("{s:s,s:f}", "kind", "open", "rate", p->rate_from);
	return json_pack("{s:s,s:i,s:i}", "kind", "closed", "clients", (int)p->sessions, "outstanding", (int)p->outstanding);
}

static json_t *attacks(const struct plan *p)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < p->attacks; i++) {
		const struct planned_attack *a = &p->attack[i];
		bool client = attack_has_client(a->attack), replica = attack_has_replica(a->attack);
		json_array_append_new(list, json_pack("{s:s,s:f,s:o,s:o,s:i}", "name", a->attack->name, "from_s", a->from_ms / 1e3, "to_s",
		                                      a->to_ms < p->duration_ms ? json_real(a->to_ms / 1e3) : json_null(), "replicas",
		                                      members(replica ? p->liars : 0), "clients", client ? 1 : 0));
	}
	return list;
}

static json_t *faults(const struct run *r)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < r->plan->faults; i++) {
		const struct planned_fault *f = &r->plan->fault[i];
		json_array_append_new(list, json_pack("{s:s,s:I,s:f}", "name", strike_names[f->strike], "replica",
		                                      (json_int_t)(f->replica == WORDS_LEADER ? r->conductor.victim[i] : f->replica), "at_s", f->at_ms / 1e3));
	}
	return list;
}

json_t *report_manifest(const struct run *r)
{
	const struct plan *p = r->plan;
	const struct units *u = &r->units;
	char date[40];
	time_t now = time(NULL);
	struct tm tm;
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	json_t *argv = json_array();
	for (int i = 0; i < r->argc; i++)
		json_array_append_new(argv, json_string(r->argv[i]));
	json_t *j = json_pack("{s:s,s:o,s:I,s:s,s:s,s:i,s:i,s:s,s:b,s:i,s:I,s:s,s:i,s:i,s:i,s:o,s:f,s:f,s:s,s:o,s:o,s:o,s:{s:f,s:f,s:f,s:f}}", "version",
	                      quorate_version(), "argv", argv, "seed", (json_int_t)p->seed, "date_utc", date, "mode", plan_mode_name(p->mode), "replicas",
	                      (int)p->n, "f", (int)p->f, "durability", "flush", "tls", 1, "value_bytes", (int)p->value_bytes, "keys", (json_int_t)p->keys,
	                      "key_distribution", p->zipf ? "zipf" : "uniform", "reads_pct", (int)p->reads_pct, "bundle_ops", (int)p->bundle_ops, "client_keys",
	                      (int)p->clients, "load", load(p), "warmup_s", p->warmup_ms / 1e3, "duration_s", p->duration_ms / 1e3, "net",
	                      p->nets.name ? p->nets.name : "none", "attacks", attacks(p), "faults", faults(r), "machine", report_machine(), "unit_costs",
	                      "flush_us", u->flush_us, "sign_us", u->sign_us, "verify_us", u->verify_us, "hash_us_per_kib", u->hash_us_per_kib);
	if (j && p->brief)
		json_object_set_new(j, "unit_costs", json_null());
	return j ? j : json_object();
}
