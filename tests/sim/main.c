/* quorate-sim: seeds of a simulated cluster.
 *
 *   quorate-sim --seeds A..B [--jobs N] [--nodes N] [--json]     each seed draws a cluster, its faults and its clients; exit 0 only when none failed
 *   quorate-sim --seed N --trace                     one seed, told; the same bytes each time
 *   quorate-sim --seeds A..B [--jobs N] --first      the first seed that fails, and nothing of those above it
 *   quorate-sim mutants [--quick] [--seeds N]        plants each fault of tests/sim/mutants and looks for the first seed that finds it
 */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct totals {
	uint64_t passed, failed, wakeups, views, crashes, partitions, transfers, frames, snapshots, liars, lies, accusations, rollbacks, emptied, observers,
		readmitted, epochs, rotations, passed_over;
};

static void add(struct totals *t, const struct totals *o)
{
	t->passed += o->passed;
	t->failed += o->failed;
	t->wakeups += o->wakeups;
	t->views += o->views;
	t->crashes += o->crashes;
	t->partitions += o->partitions;
	t->transfers += o->transfers;
	t->frames += o->frames;
	t->snapshots += o->snapshots;
	t->liars += o->liars;
	t->lies += o->lies;
	t->accusations += o->accusations;
	t->rollbacks += o->rollbacks;
	t->emptied += o->emptied;
	t->observers += o->observers;
	t->readmitted += o->readmitted;
	t->rotations += o->rotations;
	t->passed_over += o->passed_over;
	t->epochs += o->epochs;
}

static uint32_t nodes; /* 0: each seed draws its own number */

static void run_one(struct sim *s, uint64_t seed, bool trace, struct totals *t)
{
	sim_run(s, seed, nodes, trace);
	struct totals one = { .passed = !s->failure[0],
		              .failed = s->failure[0] != 0,
		              .wakeups = s->wakeups,
		              .views = s->views,
		              .crashes = s->crashes,
		              .partitions = s->partitions,
		              .transfers = s->transfers,
		              .frames = s->frames,
		              .snapshots = s->snapshots,
		              .liars = s->liars,
		              .lies = s->lies,
		              .accusations = s->accusations,
		              .rollbacks = s->rollbacks,
		              .emptied = s->emptied,
		              .observers = s->observers,
		              .readmitted = s->readmitted,
		              .rotations = s->rotations,
		              .passed_over = s->passed_over,
		              .epochs = s->epochs };
	if (s->failure[0])
		fprintf(stderr, "seed %" PRIu64 ": %s\n    replay: quorate-sim --seed %" PRIu64 " --trace\n", seed, s->failure, seed);
	add(t, &one);
}

/* Job k of `jobs` runs every jobs-th seed in a process of its own and sends its totals through a pipe. */
static int start_job(uint64_t a, uint64_t b, uint64_t k, uint64_t jobs)
{
	int ends[2];
	if (pipe(ends))
		return -1;
	fflush(NULL);
	if (fork() == 0) {
		struct totals t = { 0 };
		struct sim *s = malloc(sizeof *s);
		for (uint64_t seed = a + k; s && seed <= b; seed += jobs)
			run_one(s, seed, false, &t);
		ssize_t n = write(ends[1], &t, sizeof t);
		_exit(n == (ssize_t)sizeof t ? 0 : 1);
	}
	close(ends[1]);
	return ends[0];
}

static bool run_range(uint64_t a, uint64_t b, uint64_t jobs, struct totals *t)
{
	int ends[64];
	bool whole = true;
	for (uint64_t k = 0; k < jobs; k++)
		ends[k] = start_job(a, b, k, jobs);
	for (uint64_t k = 0; k < jobs; k++) {
		struct totals one;
		if (ends[k] < 0 || read(ends[k], &one, sizeof one) != (ssize_t)sizeof one) {
			fprintf(stderr, "job %" PRIu64 " ended without its totals: a check of the core failed; run its seeds one by one\n", k);
			whole = false;
		} else {
			add(t, &one);
		}
		if (ends[k] >= 0)
			close(ends[k]);
	}
	while (wait(NULL) > 0)
		;
	return whole;
}

/* ---- the first that fails ---- */

#define FIRST_SECONDS 60u /* of one seed: a fault can make it endless */

struct first {
	_Atomic uint64_t seed; /* the lowest that failed, or UINT64_MAX */
	struct first_job {
		uint64_t seed; /* what it runs, or where it failed */
		char failure[256];
	} job[64];
};

static void first_job(struct first *first, uint32_t k, uint64_t a, uint64_t b, uint64_t jobs)
{
	struct sim *s = malloc(sizeof *s);
	struct first_job *mine = &first->job[k];
	for (uint64_t seed = a + k; s && seed <= b && seed < first->seed; seed += jobs) {
		mine->seed = seed;
		alarm(FIRST_SECONDS);
		sim_run(s, seed, nodes, false);
		alarm(0);
		if (!s->failure[0])
			continue;
		memcpy(mine->failure, s->failure, sizeof mine->failure);
		break;
	}
	_exit(mine->failure[0] ? 1 : 0);
}

/* A job that dies has failed too, at the seed that it ran. */
static void first_end(struct first *first, uint32_t k, int status)
{
	struct first_job *j = &first->job[k];
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	if (!j->failure[0])
		snprintf(j->failure, sizeof j->failure, WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it does not end" : "the program died");
	if (j->seed < first->seed)
		first->seed = j->seed;
}

static int run_first(uint64_t a, uint64_t b, uint64_t jobs)
{
	struct first *first = mmap(NULL, sizeof *first, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[64];
	int status;
	if (first == MAP_FAILED)
		return 2;
	first->seed = UINT64_MAX;
	for (uint32_t k = 0; k < jobs; k++) {
		pid[k] = fork();
		if (pid[k] == 0)
			first_job(first, k, a, b, jobs);
	}
	for (pid_t ended = wait(&status); ended > 0; ended = wait(&status))
		for (uint32_t k = 0; k < jobs; k++)
			if (pid[k] == ended)
				first_end(first, k, status);
	for (uint32_t k = 0; k < jobs; k++)
		if (first->seed != UINT64_MAX && first->job[k].seed == first->seed)
			printf("seed %" PRIu64 ": %s\n", (uint64_t)first->seed, first->job[k].failure);
	return first->seed == UINT64_MAX ? 0 : 1;
}

/* ---- planted faults ---- */

#ifndef SIM_SOURCE
#define SIM_SOURCE "."
#define SIM_CC "cc"
#endif

static int run_mutants(char **rest, int count)
{
	char script[] = SIM_SOURCE "/tests/sim/mutants/run.sh", source[] = SIM_SOURCE, cc[] = SIM_CC, shell[] = "bash";
	char *arguments[32] = { shell, script, source, cc };
	for (int i = 0; i < count && i < 27; i++)
		arguments[4 + i] = rest[i];
	execvp(shell, arguments);
	perror("bash");
	return 2;
}

static int usage(void)
{
	fputs("usage: quorate-sim --seeds A..B [--jobs N] [--nodes N] [--json | --first]\n       quorate-sim --seed N [--nodes N] [--trace]\n"
	      "       quorate-sim mutants [--quick] [--seeds N] [--jobs N] [NN ...]\n",
	      stderr);
	return 2;
}

static void report(const struct totals *t, bool json)
{
	const char *format = json ? "{\"passed\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"wakeups\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"views_entered\":%" PRIu64
	                            ",\"crashes\":%" PRIu64 ",\"partitions\":%" PRIu64 ",\"snapshots\":%" PRIu64 ",\"states_installed\":%" PRIu64
	                            ",\"liars\":%" PRIu64 ",\"lies\":%" PRIu64 ",\"accusations\":%" PRIu64 ",\"rollbacks\":%" PRIu64 ",\"emptied\":%" PRIu64
	                            ",\"observers\":%" PRIu64 ",\"readmitted\":%" PRIu64 ",\"epochs_entered\":%" PRIu64 ",\"keys_changed\":%" PRIu64
	                            ",\"passed_over\":%" PRIu64 "}\n"
	                          : "%" PRIu64 " seeds clean, %" PRIu64 " not. Exercised: %" PRIu64 " wake-ups, %" PRIu64 " frames, %" PRIu64
	                            " views entered, %" PRIu64 " crashes, %" PRIu64 " partitions, %" PRIu64 " snapshots, %" PRIu64 " states installed, %" PRIu64
	                            " liars, %" PRIu64 " lies, %" PRIu64 " accusations, %" PRIu64 " older folders, %" PRIu64 " empty ones, %" PRIu64
	                            " observers, %" PRIu64 " let in again, %" PRIu64 " epochs entered, %" PRIu64 " keys changed, %" PRIu64 " passed over\n";
	printf(format, t->passed, t->failed, t->wakeups, t->frames, t->views, t->crashes, t->partitions, t->snapshots, t->transfers, t->liars, t->lies,
	       t->accusations, t->rollbacks, t->emptied, t->observers, t->readmitted, t->epochs, t->rotations, t->passed_over);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", t->passed, t->failed);
}

int main(int argc, char **argv)
{
	uint64_t a = 0, b = 0, jobs = 1;
	bool json = false, trace = false, first = false;
	if (argc > 1 && !strcmp(argv[1], "mutants"))
		return run_mutants(argv + 2, argc - 2);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!strcmp(argv[i], "--trace"))
			trace = true;
		else if (!strcmp(argv[i], "--first"))
			first = true;
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc && sscanf(argv[++i], "%" SCNu64, &a) == 1)
			b = a;
		else if (!strcmp(argv[i], "--seeds") && i + 1 < argc && sscanf(argv[++i], "%" SCNu64 "..%" SCNu64, &a, &b) == 2)
			continue;
		else if (!strcmp(argv[i], "--nodes") && i + 1 < argc && sscanf(argv[++i], "%" SCNu32, &nodes) == 1)
			continue;
		else if (!strcmp(argv[i], "--jobs") && i + 1 < argc && sscanf(argv[++i], "%" SCNu64, &jobs) == 1)
			continue;
		else
			return usage();
	}
	if (a == 0 || b < a || jobs == 0 || jobs > 64 || (nodes && (nodes < 4 || nodes > SIM_NODES_MAX)))
		return usage();
	if (first)
		return run_first(a, b, jobs);
	struct totals t = { 0 };
	bool whole = true;
	if (trace || jobs == 1) {
		struct sim *s = malloc(sizeof *s);
		for (uint64_t seed = a; s && seed <= b; seed++)
			run_one(s, seed, trace, &t);
		free(s);
	} else {
		whole = run_range(a, b, jobs, &t);
	}
	report(&t, json);
	return whole && t.failed == 0 && t.passed == b - a + 1 ? 0 : 1;
}
