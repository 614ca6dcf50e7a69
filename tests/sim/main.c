/* quorate-sim: seeds of a simulated cluster.
 *
 *   quorate-sim --seeds A..B [--jobs N] [--json]     each seed draws a cluster, its faults and its clients; exit 0 only when none failed
 *   quorate-sim --seed N --trace                     one seed, told; the same bytes each time
 *   quorate-sim --seeds A..B [--jobs N] --first      the first seed that fails, and nothing of those above it
 *   quorate-sim shrink N                             the faults that a seed needs to fail, as a story
 *   quorate-sim twins [--rounds N]                   two cores with one key, in every way that four members and a twin can be cut apart
 *   quorate-sim explain [TOPIC]                      a story that runs the real protocol and says what it does
 *   quorate-sim mutants [--mode trusted] [--quick]   plants each fault of tests/sim/mutants and looks for the first seed that finds it
 */
#include "tests/sim/explain/explain.h"
#include "tests/sim/shrink.h"
#include "tests/sim/totals.h"
#include "tests/sim/twins.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct schedule base; /* what the options say for every seed */

static void run_one(struct sim *s, uint64_t seed, struct totals *t)
{
	struct totals one;
	base.seed = seed;
	sim_run(s, &base);
	totals_of(&one, s);
	if (s->failure[0]) {
		fprintf(stderr, "seed %" PRIu64 ": %s\n    replay: quorate-sim ", seed, s->failure);
		schedule_print(stderr, &base);
		fprintf(stderr, " --trace\n    a smaller one: quorate-sim shrink %" PRIu64 "%s\n", seed, base.trusted ? " --mode trusted" : "");
	}
	totals_add(t, &one);
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
			run_one(s, seed, &t);
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
			totals_add(t, &one);
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
		base.seed = seed;
		sim_run(s, &base);
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
	fputs("usage: quorate-sim --seeds A..B [--jobs N] [--json | --first] [PLAN]\n"
	      "       quorate-sim --seed N [--trace] [PLAN]\n"
	      "       quorate-sim shrink N [--tries N] [PLAN]\n"
	      "       quorate-sim twins [--rounds N] [--sample N | --scenario S]\n"
	      "       quorate-sim explain [TOPIC [--rounds N]]\n"
	      "       quorate-sim mutants [--mode bft|trusted] [--quick] [--seeds N] [--jobs N] [NN ...]\n"
	      "PLAN:  [--mode bft|trusted] [--nodes N] [--without CLASS[:FROM[-TO]],...] [--requests N] [--registers N] [--faults-end MS]\n"
	      "       [--fail-when CLASS:K,...] [--break-when CLASS:K,...]        a failure on purpose, once all of these have happened\n"
	      "CLASS:",
	      stderr);
	for (uint32_t c = 0; c < FAULT_CLASSES; c++)
		fprintf(stderr, "%s%s", c % 8 ? " " : "\n       ", fault_words[c]);
	fputc('\n', stderr);
	return 2;
}

struct options {
	uint64_t a, b, jobs, tries;
	bool json, first, shrink;
};

static bool number(char **argv, int argc, int *i, const char *name, uint64_t *out)
{
	int used = 0;
	if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc || sscanf(argv[*i + 1], "%" SCNu64 "%n", out, &used) != 1 || argv[*i + 1][used])
		return false;
	++*i;
	return true;
}

static bool small_number(char **argv, int argc, int *i, const char *name, uint32_t *out)
{
	uint64_t n = 0;
	if (!number(argv, argc, i, name, &n) || n > UINT32_MAX)
		return false;
	*out = (uint32_t)n;
	return true;
}

static bool text(char **argv, int argc, int *i, const char *name)
{
	if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc)
		return false;
	++*i;
	return true;
}

static bool plan_option(char **argv, int argc, int *i)
{
	if (text(argv, argc, i, "--without"))
		return schedule_without(&base, argv[*i]);
	if (text(argv, argc, i, "--mode")) {
		base.trusted = !strcmp(argv[*i], "trusted");
		return base.trusted || !strcmp(argv[*i], "bft");
	}
	if (text(argv, argc, i, "--fail-when"))
		return schedule_plant(&base, argv[*i], false);
	if (text(argv, argc, i, "--break-when"))
		return schedule_plant(&base, argv[*i], true);
	return small_number(argv, argc, i, "--nodes", &base.nodes) || small_number(argv, argc, i, "--requests", &base.requests) ||
	       small_number(argv, argc, i, "--registers", &base.register_ops) || number(argv, argc, i, "--faults-end", &base.end_ms);
}

static bool option(struct options *o, char **argv, int argc, int *i)
{
	if (!strcmp(argv[*i], "--json"))
		return o->json = true;
	if (!strcmp(argv[*i], "--trace"))
		return base.trace = true;
	if (!strcmp(argv[*i], "--first"))
		return o->first = true;
	if (text(argv, argc, i, "--seeds"))
		return sscanf(argv[*i], "%" SCNu64 "..%" SCNu64, &o->a, &o->b) == 2;
	if (number(argv, argc, i, "--seed", &o->a) || number(argv, argc, i, "shrink", &o->a)) {
		o->b = o->a;
		o->shrink = !strcmp(argv[*i - 1], "shrink");
		return true;
	}
	return number(argv, argc, i, "--jobs", &o->jobs) || number(argv, argc, i, "--tries", &o->tries) || plan_option(argv, argc, i);
}

static int run_seeds(const struct options *o)
{
	struct totals t = { 0 };
	bool whole = true;
	base.tell = o->a == o->b;
	if (base.trace || o->jobs == 1) {
		struct sim *s = malloc(sizeof *s);
		for (uint64_t seed = o->a; s && seed <= o->b; seed++)
			run_one(s, seed, &t);
		free(s);
	} else {
		whole = run_range(o->a, o->b, o->jobs, &t);
	}
	totals_print(&t, o->json);
	return whole && t.failed == 0 && t.passed == o->b - o->a + 1 ? 0 : 1;
}

static int run_twins(char **argv, int argc)
{
	uint32_t rounds = 0;
	uint64_t sample = 0;
	const char *one = NULL;
	for (int i = 0; i < argc; i++) {
		if (text(argv, argc, &i, "--scenario"))
			one = argv[i];
		else if (!small_number(argv, argc, &i, "--rounds", &rounds) && !number(argv, argc, &i, "--sample", &sample))
			return usage();
	}
	int status = twins(rounds, sample, one);
	return status == 2 ? usage() : status;
}

/* Replicas come and go by the thousand: their tables stay in the heap, instead of being fetched from the kernel page by page each time. */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
}

int main(int argc, char **argv)
{
	struct options o = { .jobs = 1, .tries = 400 };
	keep_memory();
	if (argc > 1 && !strcmp(argv[1], "mutants"))
		return run_mutants(argv + 2, argc - 2);
	if (argc > 1 && !strcmp(argv[1], "explain"))
		return explain(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "twins"))
		return run_twins(argv + 2, argc - 2);
	for (int i = 1; i < argc; i++)
		if (!option(&o, argv, argc, &i))
			return usage();
	if (o.a == 0 || o.b < o.a || o.jobs == 0 || o.jobs > 64 || (base.nodes && (base.nodes < (base.trusted ? 1 : 4) || base.nodes > SIM_NODES_MAX)))
		return usage();
	base.seed = o.a;
	if (o.shrink)
		return shrink(&base, o.tries);
	return o.first ? run_first(o.a, o.b, o.jobs) : run_seeds(&o);
}
