/* bench/run.h - one run: a cluster, load, what goes wrong, and what came out. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H
#include "bench/conduct.h"
#include "bench/knee.h"
#include "bench/load.h"
#include "bench/plan.h"
#include "bench/units.h"
#include "bench/verdict.h"
#include "bench/witness.h"

#define EXIT_USAGE 2
#define EXIT_UNSAFE 9

struct step { /* of a sweep */
	double rate, ops_per_s;
	uint64_t p50_us, p99_us, behind_us;
	bool kept;
};

struct cpu {
	double replica_s[CLUSTER_MAX], attacker_s[PLAN_ATTACKS_MAX], client_s, relay_s;
};

struct run {
	const struct plan *plan;
	int argc; /* as they were given, for the manifest */
	char *const *argv;
	struct cluster cluster;
	struct track track;
	struct conductor conductor;
	struct slots slots; /* when the run has a folder */
	struct units units;
	struct load_result load; /* of a sweep: of the step at the knee, but all that was told */
	struct cpu begin, end;
	struct knee knee;
	struct step step[KNEE_STEPS_MAX];
	uint32_t steps;
	struct pair_result pair[PAIRS_COUNT_MAX];
	uint32_t pairs; /* that are whole */
	/* the verdict */
	struct verdict verdict;
	enum linear_verdict linear;
	uint64_t witnessed;
	bool known; /* false: too little could be compared to say that it was safe */
	bool stopped, interrupted;
};

/* The exit code of the program. */
int run_whole(const struct plan *plan, int argc, char *const *argv);
/* Starts a cluster for the plan, with its liars' words when `conductor` is not NULL, with taps when `slots` is not and the run has a folder, and says what load it gets. False: it was said why, and nothing is left. */
bool run_begin(struct cluster *cluster, struct conductor *conductor, struct track *track, struct slots *slots, const struct plan *plan, bool slow_disk,
               struct load_options *o, char genesis[512], char key[512]);
/* A file that stands beside this program. False: it is not there, `out` says where it would be. */
bool run_find_beside(const char *name, char *out, size_t n);
const char *run_verdict_name(const struct run *r);

/* SIGINT and SIGTERM. `cluster`: killed at once, nothing is kept; NULL: `run_interrupted` is set, and a second one kills. */
void run_on_signals(struct cluster *cluster, bool at_once);
#endif
