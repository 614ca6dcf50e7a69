/* quorate-sim: seeds of a simulated cluster.
 *
 *   quorate-sim --seeds A..B [--jobs N] [--nodes N] [--json]     each seed draws a cluster, its faults and its clients; exit 0 only when none failed
 *   quorate-sim --seed N --trace                     one seed, told; the same bytes each time
 */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct totals {
	uint64_t passed, failed, wakeups, views, crashes, partitions, transfers, frames, snapshots, liars, lies, accusations;
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
}

static uint32_t nodes; /* 0: each seed draws its own number */

static void run_one(struct sim *s, uint64_t seed, bool trace, struct totals *t)
{
	sim_run(s, seed, nodes, trace);
	struct totals one = { .passed = !s->failure[0], .failed = s->failure[0] != 0, .wakeups = s->wakeups, .views = s->views, .crashes = s->crashes,
		              .partitions = s->partitions, .transfers = s->transfers, .frames = s->frames, .snapshots = s->snapshots, .liars = s->liars, .lies = s->lies,
		              .accusations = s->accusations };
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

static int usage(void)
{
	fputs("usage: quorate-sim --seeds A..B [--jobs N] [--nodes N] [--json]\n       quorate-sim --seed N [--nodes N] [--trace]\n", stderr);
	return 2;
}

static void report(const struct totals *t, bool json)
{
	const char *format = json ? "{\"passed\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"wakeups\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"views_entered\":%" PRIu64
	                            ",\"crashes\":%" PRIu64 ",\"partitions\":%" PRIu64 ",\"snapshots\":%" PRIu64 ",\"states_installed\":%" PRIu64 ",\"liars\":%" PRIu64 ",\"lies\":%" PRIu64 ",\"accusations\":%" PRIu64 "}\n"
	                          : "%" PRIu64 " seeds clean, %" PRIu64 " not. Exercised: %" PRIu64 " wake-ups, %" PRIu64 " frames, %" PRIu64
	                            " views entered, %" PRIu64 " crashes, %" PRIu64 " partitions, %" PRIu64 " snapshots, %" PRIu64
	                            " states installed, %" PRIu64
	                            " liars, %" PRIu64 " lies, %" PRIu64 " accusations\n";
	printf(format, t->passed, t->failed, t->wakeups, t->frames, t->views, t->crashes, t->partitions, t->snapshots, t->transfers, t->liars, t->lies, t->accusations);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", t->passed, t->failed);
}

int main(int argc, char **argv)
{
	uint64_t a = 0, b = 0, jobs = 1;
	bool json = false, trace = false;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!strcmp(argv[i], "--trace"))
			trace = true;
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
