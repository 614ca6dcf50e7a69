#include "bench/run.h"

#include "bench/report.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define WITNESS_MS 40u          /* between two operations of one of its sessions */
#define WITNESS_PROFILE_MS 400u /* beside a profile, whose figures are compared with others' */
#define STEP_WARMUP_MS 500u
#define SNAPSHOT_SEQS 64u /* where a replica is to rejoin */
#define KEEPS_RATE 0.95
#define KEEPS_P99_US 200000u
#define BEHIND_US 10000u /* the generator fell behind: worth a word */

static volatile sig_atomic_t interrupted;
static struct cluster *to_clean; /* for signals: nothing is left behind */
static bool clean_at_once;

static void on_signal(int signal)
{
	if (!clean_at_once && !interrupted) {
		interrupted = 1;
		return;
	}
	for (uint32_t i = 0; to_clean && i < to_clean->n; i++)
		if (to_clean->pid[i])
			kill(to_clean->pid[i], SIGKILL);
	_exit(128 + signal);
}

void run_on_signals(struct cluster *cluster, bool at_once)
{
	to_clean = cluster;
	clean_at_once = at_once;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
}

const char *run_verdict_name(const struct run *r)
{
	return !r->verdict.safe ? "UNSAFE" : r->known ? "SAFE" : "UNKNOWN";
}

/* ---- the cluster ---- */

/* What this program needs stands beside it. */
bool run_find_beside(const char *name, char *out, size_t n)
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

/* Somebody comes back empty, and must find a state to fetch. */
static bool rejoins(const struct plan *p)
{
	for (uint32_t i = 0; i < p->faults; i++)
		if (p->fault[i].strike == STRIKE_REJOIN)
			return true;
	return false;
}

/* A run with a folder has replicas that tell what passes by in them; another runs what the product runs. */
static bool tap_in(struct conductor *conductor, struct slots *slots, const struct plan *p, struct cluster *cluster, char *reason)
{
	char tapped[512];
	if (!slots || !p->out)
		return true;
	if (!run_find_beside("quorate-tapped", tapped, sizeof tapped) || !slots_prepare(slots, p, cluster, tapped)) {
		snprintf(reason, QUORATE_REASON_BYTES, "quorate-tapped does not stand beside this program, or its files cannot be made");
		return false;
	}
	conductor->slots = slots;
	return true;
}

bool run_begin(struct cluster *cluster, struct conductor *conductor, struct track *track, struct slots *slots, const struct plan *p, bool slow_disk,
               struct load_options *o, char genesis[512], char key[512])
{
	static char liar[512];
	char program[512], slow[512], source[512], reason[QUORATE_REASON_BYTES] = "";
	if (!run_find_beside("quorate", program, sizeof program) || !run_find_beside("quorate-liar", liar, sizeof liar) ||
	    (slow_disk && !run_find_beside("libslow_disk.so", slow, sizeof slow))) {
		fputs("quorate-bench: quorate, quorate-liar, or libslow_disk.so if a disk is to be slow, does not stand beside this program\n", stderr);
		return false;
	}
	if (p->nets.name && !run_find_beside("libsource_address.so", source, sizeof source)) {
		fputs("quorate-bench: --net needs libsource_address.so beside this program\n", stderr);
		return false;
	}
	bool made = cluster_make(cluster, program, slow_disk ? slow : NULL, p->folder, p->n, p->mode, p->base_port, reason);
	run_on_signals(cluster, conductor == NULL);
	made = made && (!rejoins(p) || cluster_small_snapshots(cluster, SNAPSHOT_SEQS, reason));
	made = made && (!p->nets.name || cluster_shape(cluster, &p->nets, p->seed, source, reason));
	if (made && conductor) {
		conduct_prepare(conductor, p, cluster, track, liar);
		made = conduct_twins(conductor, reason) && tap_in(conductor, slots, p, cluster, reason);
	}
	if (!made || !cluster_start_all(cluster, reason)) {
		fprintf(stderr, "quorate-bench: %s\n", reason);
		to_clean = NULL;
		cluster_remove(cluster);
		return false;
	}
	snprintf(genesis, 512, "%s/cluster/genesis", cluster->folder);
	snprintf(key, 512, "%s/cluster/client.key", cluster->folder);
	*o = (struct load_options){ .genesis = genesis,
		                    .key = key,
		                    .sessions = p->sessions,
		                    .clients = p->clients,
		                    .outstanding = p->outstanding,
		                    .bundle_ops = p->bundle_ops,
		                    .reads_pct = p->reads_pct,
		                    .rate = p->rate_from,
		                    .zipf = p->zipf,
		                    .keys = p->keys,
		                    .value_bytes = p->value_bytes,
		                    .seed = p->seed,
		                    .warm_up_ms = p->warmup_ms,
		                    .duration_ms = p->duration_ms,
		                    .stop = &interrupted };
	return true;
}

/* ---- load ---- */

static void take_cpu(struct run *r, struct cpu *out)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	out->client_s = (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	out->relay_s = cluster_relay_cpu_s(&r->cluster);
	for (uint32_t i = 0; i < r->plan->n; i++)
		out->replica_s[i] = cluster_cpu_of_s(&r->cluster, i);
}

static void on_measuring(void *arg, bool begins)
{
	struct run *r = arg;
	take_cpu(r, begins ? &r->begin : &r->end);
	if (begins)
		conduct_begin(&r->conductor);
	else
		conduct_end(&r->conductor);
}

/* `more`'s told is taken over; the rest of `into` is replaced when `better`. */
static bool take_step(struct load_result *into, struct load_result *more, bool better)
{
	struct told *all = realloc(into->told, (into->told_count + more->told_count + 1) * sizeof *all);
	size_t count = into->told_count;
	if (!all) {
		free(more->told);
		return false;
	}
	memcpy(all + count, more->told, more->told_count * sizeof *all);
	free(more->told);
	if (better)
		*into = *more;
	into->told = all;
	into->told_count = count + more->told_count;
	return true;
}

static bool one_step(struct run *r, struct load_options *o, double rate, char *reason)
{
	struct load_result result;
	o->rate = rate;
	if (!load_run(o, &result, NULL, NULL, reason)) {
		free(result.told);
		return false;
	}
	struct step *s = &r->step[r->steps++];
	*s = (struct step){ .rate = rate,
		            .ops_per_s = result.seconds > 0 ? (double)result.done / result.seconds : 0,
		            .p50_us = histogram_at(&result.latency_us, 0.5),
		            .p99_us = histogram_at(&result.latency_us, 0.99),
		            .behind_us = result.behind_us_max };
	s->kept = s->ops_per_s >= KEEPS_RATE * rate && s->p99_us <= KEEPS_P99_US && !result.failed;
	bool better = r->steps == 1 || (s->kept && rate > r->knee.kept);
	if (!interrupted)
		knee_tell(&r->knee, rate, s->kept);
	fprintf(stderr, "rate %.0f: %.0f ops/s p50 %.1f ms p99 %.1f ms %s\n", rate, s->ops_per_s, (double)s->p50_us / 1e3, (double)s->p99_us / 1e3,
	        s->kept ? "kept" : "not kept");
	return take_step(&r->load, &result, better);
}

static bool sweep(struct run *r, struct load_options *o, char *reason)
{
	const struct plan *p = r->plan;
	double rate, wanted = p->duration_ms / 2000.0;
	uint32_t steps = wanted < 4 ? 4 : wanted > 20 ? 20 : (uint32_t)wanted;
	bool ok = true;
	knee_begin(&r->knee, p->rate_from, p->rate_to, steps);
	o->duration_ms = p->duration_ms / steps ? p->duration_ms / steps : 1;
	r->track.several = true;
	on_measuring(r, true);
	while (ok && !interrupted && knee_next(&r->knee, &rate)) {
		ok = one_step(r, o, rate, reason);
		o->warm_up_ms = STEP_WARMUP_MS;
	}
	on_measuring(r, false);
	return ok;
}

static bool work(struct run *r, struct load_options *o, char *reason)
{
	o->track = &r->track;
	if (plan_is_sweep(r->plan))
		return sweep(r, o, reason);
	if (!load_run(o, &r->load, on_measuring, r, reason))
		return false;
	const struct pairs *p = &r->plan->pairs;
	while (r->pairs < p->count && pairs_measure(p, r->track.interval, r->track.count, r->pairs, &r->pair[r->pairs]))
		r->pairs++;
	return true;
}

/* ---- the verdict ---- */

static void judge(struct run *r)
{
	struct verdict *v = &r->verdict;
	char keep[1024] = "", why[200] = "";
	const struct plan *p = r->plan;
	if (p->out)
		snprintf(keep, sizeof keep, "%s/evidence", p->out);
	snprintf(why, sizeof why, "%.199s", v->why);
	enum linear_verdict linear = r->linear;
	verdict_reach(v, &r->cluster, p->liars, r->load.told, r->load.told_count, p->out ? keep : NULL);
	if (linear == LINEAR_BROKEN) {
		verdict_unsafe(v, "%s", why);
		v->convicted |= verdict_audit(&r->cluster, p->liars);
	}
	r->known = v->whole && linear != LINEAR_TOO_WIDE && v->sequences > 0;
	if (v->safe && !r->known)
		snprintf(v->why, sizeof v->why, "%s",
		         !v->whole                   ? "not every honest log could be read"
		         : linear == LINEAR_TOO_WIDE ? why
		                                     : "nothing was executed that could be compared");
	if (v->convicted & ~p->liars)
		verdict_unsafe(v, "a replica that kept the protocol is convicted");
	if (v->evidence)
		conduct_note(&r->conductor, "evidence", NOBODY, "%u files of evidence hold", v->evidence);
}

static void watch_ends(struct run *r, struct witness *w)
{
	r->linear = witness_end(w, &r->witnessed, r->verdict.why, sizeof r->verdict.why);
}

/* ---- the whole ---- */

static void warn_before(const struct plan *p)
{
	uint32_t liars = (uint32_t)__builtin_popcountll(p->liars), bears = p->mode == QUORATE_TRUSTED ? 0 : p->f;
	if (liars > bears)
		fprintf(stderr, "quorate-bench: %u of %u replicas will lie, and mode %s bears %u: the guarantee is gone, whatever comes of it\n", liars, p->n,
		        plan_mode_name(p->mode), bears);
}

static void warn_after(const struct run *r)
{
	const struct plan *p = r->plan;
	uint32_t liars = (uint32_t)__builtin_popcountll(p->liars), bears = p->mode == QUORATE_TRUSTED ? 0 : p->f;
	if (liars > bears)
		fprintf(stderr, "quorate-bench: with %u liars, more than the %u that it bears, it ended %s%s%s\n", liars, bears, run_verdict_name(r),
		        r->verdict.why[0] ? ": " : "", r->verdict.why);
	if (r->load.behind_us_max > BEHIND_US)
		fprintf(stderr,
		        "quorate-bench: the generator itself fell behind its schedule by up to %.0f ms: latencies count that too, and the service time beside "
		        "them "
		        "does not\n",
		        (double)r->load.behind_us_max / 1e3);
	if (!r->stopped)
		fputs("quorate-bench: a replica did not stop in good order\n", stderr);
	if (r->load.failed)
		fprintf(stderr, "quorate-bench: %llu operations failed, the first: %s\n", (unsigned long long)r->load.failed, r->load.first_failure);
	if (r->interrupted)
		fputs("quorate-bench: interrupted: the results are of the time until then, and say so\n", stderr);
}

static bool slow_disks(const struct plan *p)
{
	for (uint32_t i = 0; i < p->faults; i++)
		if (p->fault[i].strike == STRIKE_SLOW_DISK)
			return true;
	return false;
}

static int give_up(struct run *r, const char *reason)
{
	fprintf(stderr, "quorate-bench: %s\n", interrupted ? "interrupted before anything was measured" : reason);
	conduct_finish(&r->conductor);
	cluster_stop(&r->cluster);
	to_clean = NULL;
	cluster_remove(&r->cluster);
	free(r->load.told);
	return 1;
}

static int tell(struct run *r)
{
	char reason[QUORATE_REASON_BYTES] = "";
	const struct plan *p = r->plan;
	bool written = !p->out || folder_write(r, p->out, reason);
	if (!written)
		fprintf(stderr, "quorate-bench: %s\n", reason);
	if (p->json)
		report_json(r);
	else
		report_text(r);
	warn_after(r);
	if (!r->verdict.safe)
		return EXIT_UNSAFE;
	bool calm = r->stopped || p->faults || p->liars;
	return written && calm && r->known && r->load.done && !r->interrupted ? 0 : 1;
}

int run_whole(const struct plan *p, int argc, char *const *argv)
{
	struct run *r = calloc(1, sizeof *r);
	char reason[QUORATE_REASON_BYTES] = "", genesis[512], key[512];
	struct load_options o;
	if (!r)
		return 1;
	r->plan = p;
	r->argc = argc;
	r->argv = argv;
	track_init(&r->track);
	if (p->out && !folder_make(p->out, reason)) {
		fprintf(stderr, "quorate-bench: %s\n", reason);
		free(r);
		return 1;
	}
	warn_before(p);
	if (!run_begin(&r->cluster, &r->conductor, &r->track, &r->slots, p, slow_disks(p), &o, genesis, key)) {
		free(r);
		return 1;
	}
	struct witness *w = NULL;
	bool ready = conduct_ready(&r->conductor, genesis, reason) &&
	             (w = witness_begin(genesis, p->profile ? WITNESS_PROFILE_MS : WITNESS_MS, p->seed, reason)) != NULL;
	bool ran = ready && work(r, &o, reason);
	watch_ends(r, w);
	r->interrupted = interrupted != 0;
	if (!ran || (r->interrupted && !r->load.seconds)) {
		int code = give_up(r, reason);
		free(r);
		return code;
	}
	r->stopped = cluster_stop(&r->cluster);
	conduct_finish(&r->conductor);
	/* When the cluster is quiet, on the disk that it used. */
	if (!p->brief && !units_measure(&r->units, r->cluster.folder, p->n))
		fputs("quorate-bench: the units could not be measured\n", stderr);
	judge(r);
	int code = tell(r);
	to_clean = NULL;
	cluster_remove(&r->cluster);
	free(r->load.told);
	track_free(&r->track);
	free(r->conductor.happening);
	slots_free(&r->slots);
	free(r);
	return code;
}
