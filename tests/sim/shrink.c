/* Makes a failing seed smaller: the faults stop earlier, fewer requests, whole classes of faults left out, then single ones by halving (delta debugging, after Zeller
 * and Hildebrandt). Smaller counts when it fails in the same way. Each try runs in a process of its own, because some die and some never end. */
#include "tests/sim/shrink.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS_MAX 60000u
#define TRY_SECONDS 60u

struct happening {
	uint32_t class;
	uint64_t k, at;
	char text[100];
};

struct outcome {
	bool over; /* the process came to its end */
	char cluster[160], failure[256], kind[120];
	uint64_t at_ms;
	uint32_t requests, register_ops, events_count, events_missed;
	struct happening events[EVENTS_MAX];
};

struct shrinker {
	struct schedule schedule; /* the smallest that fails, so far */
	struct schedule tried;
	struct outcome *outcome; /* of the last try: shared with its process */
	struct outcome *best;    /* of `schedule` */
	uint64_t tries_left;
};

/* ---- one try ---- */

static void note(void *user, enum fault_class class, uint64_t k, uint64_t at, const char *text)
{
	struct outcome *o = user;
	if (o->events_count == EVENTS_MAX) {
		o->events_missed++;
		return;
	}
	struct happening *h = &o->events[o->events_count++];
	*h = (struct happening){ class, k, at, "" };
	snprintf(h->text, sizeof h->text, "%s", *text ? text : fault_texts[class]);
}

static void run_here(struct outcome *o, const struct schedule *schedule)
{
	struct sim *s = malloc(sizeof *s);
	struct schedule *mine = malloc(sizeof *mine);
	if (!s || !mine)
		_exit(1);
	*mine = *schedule;
	mine->trace = mine->tell = false;
	mine->happened = note;
	mine->user = o;
	alarm(TRY_SECONDS);
	sim_run(s, mine);
	snprintf(o->cluster, sizeof o->cluster, "%u replicas, f = %u, a window of %u, a checkpoint every %u; %u requests, %u operations on %u registers", s->n,
	         s->f, s->genesis.limits.window, s->genesis.limits.checkpoint_every, s->requests_count, s->register_wanted, s->register_keys);
	memcpy(o->failure, s->failure, sizeof o->failure);
	snprintf(o->kind, sizeof o->kind, "%s", s->failure_kind ? s->failure_kind : "");
	o->at_ms = s->now;
	o->requests = s->requests_count;
	o->register_ops = s->register_wanted;
	o->over = true;
	_exit(0);
}

static void run(struct outcome *o, const struct schedule *schedule)
{
	int status = 0;
	o->over = false;
	o->events_count = o->events_missed = 0;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		run_here(o, schedule);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (o->over)
		return;
	bool endless = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
	snprintf(o->failure, sizeof o->failure, "%s", endless ? "it does not end" : "the program died");
	snprintf(o->kind, sizeof o->kind, "%s", endless ? "endless" : "died");
}

/* Takes s->tried for the smallest if it fails in the same way. */
static bool smaller(struct shrinker *s)
{
	if (!s->tries_left)
		return false;
	s->tries_left--;
	run(s->outcome, &s->tried);
	if (!s->outcome->failure[0] || strcmp(s->outcome->kind, s->best->kind) != 0)
		return false;
	s->schedule = s->tried;
	memcpy(s->best, s->outcome, offsetof(struct outcome, events) + s->outcome->events_count * sizeof s->outcome->events[0]);
	return true;
}

/* ---- time and load ---- */

static void try_end(struct shrinker *s)
{
	uint64_t low = 0, high = s->schedule.end_ms ? s->schedule.end_ms : SIM_FAULTS_END_MS;
	while (high - low > 500 && s->tries_left) {
		s->tried = s->schedule;
		s->tried.end_ms = low + (high - low) / 2;
		if (smaller(s))
			high = s->tried.end_ms;
		else
			low = s->tried.end_ms;
	}
}

/* `field`: of s->tried; `now`: how many there were. */
static void try_fewer(struct shrinker *s, uint32_t *field, uint32_t now)
{
	for (uint32_t low = 0, high = now; high - low > 1 && s->tries_left;) {
		uint32_t half = low + (high - low) / 2;
		s->tried = s->schedule;
		*field = half;
		if (smaller(s))
			high = half;
		else
			low = half;
	}
}

static void try_less_load(struct shrinker *s)
{
	try_end(s);
	try_fewer(s, &s->tried.requests, s->best->requests);
	if (s->best->register_ops)
		try_fewer(s, &s->tried.register_ops, s->best->register_ops);
}

/* ---- faults ---- */

static void try_classes(struct shrinker *s)
{
	for (uint32_t c = 0; c < FAULT_CLASSES; c++) {
		bool any = false;
		for (uint32_t i = 0; i < s->best->events_count; i++)
			any |= s->best->events[i].class == c;
		if (!any)
			continue;
		s->tried = s->schedule;
		s->tried.off[c] = true;
		(void)smaller(s);
	}
}

static int by_class(const void *left, const void *right)
{
	const struct happening *a = left, *b = right;
	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return a->k < b->k ? -1 : a->k > b->k;
}

/* Everything is left out but `kept`, which is sorted. False: there is no room to say so. */
static bool keep_only(struct schedule *sch, const struct happening *kept, uint32_t count)
{
	sch->without_count = 0;
	for (uint32_t c = 0, i = 0; c < FAULT_CLASSES; c++) {
		uint64_t next = 1;
		sch->some[c] = false;
		sch->off[c] |= i == count || kept[i].class != c;
		for (; i < count && kept[i].class == c; i++) {
			if (kept[i].k > next)
				schedule_leave_out(sch, (enum fault_class)c, next, kept[i].k - 1);
			next = kept[i].k + 1;
		}
		if (!sch->off[c])
			schedule_leave_out(sch, (enum fault_class)c, next, UINT64_MAX);
	}
	return sch->without_count < SCHEDULE_RANGES_MAX;
}

static bool try_kept(struct shrinker *s, const struct happening *kept, uint32_t count)
{
	s->tried = s->schedule;
	return keep_only(&s->tried, kept, count) && smaller(s);
}

/* Leaves out part after part, then smaller parts, until no single one can be missed. */
static void try_occurrences(struct shrinker *s)
{
	struct happening *items = malloc(EVENTS_MAX * sizeof *items), *kept = malloc(EVENTS_MAX * sizeof *kept);
	if (!items || !kept)
		abort();
	uint32_t count = s->best->events_count, parts = 1;
	memcpy(items, s->best->events, count * sizeof *items);
	qsort(items, count, sizeof *items, by_class);
	for (uint32_t part = 0; count && parts <= count && s->tries_left && !s->best->events_missed;) {
		uint32_t from = (uint32_t)((uint64_t)count * part / parts), to = (uint32_t)((uint64_t)count * (part + 1) / parts);
		memcpy(kept, items, from * sizeof *kept);
		memcpy(kept + from, items + to, (count - to) * sizeof *kept);
		if (try_kept(s, kept, count - (to - from))) {
			count -= to - from;
			memcpy(items, kept, count * sizeof *items);
			parts = parts > 2 ? parts - 1 : 2;
			part = part < parts ? part : 0;
		} else if (++part >= parts) {
			if (parts == count)
				break;
			parts = parts * 2 < count ? parts * 2 : count;
			part = 0;
		}
	}
	free(items);
	free(kept);
}

/* For whoever waits. */
static void report(const struct shrinker *s, const char *what)
{
	fprintf(stderr, "%s: %" PRIu32 " faults are left, %" PRIu64 " tries\n", what, s->best->events_count, s->tries_left);
}

/* ---- the story ---- */

struct heap { /* of small faults of one class, between two that are told */
	uint32_t count;
	uint64_t from_ms, to_ms, from_k, to_k;
};

static void tell_heaps(struct heap *heaps)
{
	for (uint32_t c = 0; c < FAULT_CLASSES; c++) {
		struct heap *h = &heaps[c];
		if (h->count == 1)
			printf("%8" PRIu64 "  %s  (%s:%" PRIu64 ")\n", h->from_ms, fault_texts[c], fault_words[c], h->from_k);
		else if (h->count)
			printf("%8" PRIu64 "  until %" PRIu64 ", %" PRIu32 " times: %s  (%s:%" PRIu64 "-%" PRIu64 ")\n", h->from_ms, h->to_ms, h->count,
			       fault_texts[c], fault_words[c], h->from_k, h->to_k);
		h->count = 0;
	}
}

static void tell_happening(struct heap *heaps, const struct happening *x)
{
	struct heap *h = &heaps[x->class];
	if (strcmp(x->text, fault_texts[x->class]) != 0) {
		tell_heaps(heaps);
		printf("%8" PRIu64 "  %s  (%s:%" PRIu64 ")\n", x->at, x->text, fault_words[x->class], x->k);
		return;
	}
	if (!h->count++) {
		h->from_ms = x->at;
		h->from_k = x->k;
	}
	h->to_ms = x->at;
	h->to_k = x->k;
}

static void tell(const struct shrinker *s, uint32_t faults_before)
{
	const struct outcome *o = s->best;
	printf("seed %" PRIu64 " needs %" PRIu32 " of its %" PRIu32 " faults%s\n", s->schedule.seed, o->events_count, faults_before,
	       s->tries_left ? "" : ", or fewer: there were no more tries");
	printf("%s\n", o->cluster);
	struct heap heaps[FAULT_CLASSES] = { { 0 } };
	for (uint32_t i = 0; i < o->events_count; i++)
		tell_happening(heaps, &o->events[i]);
	tell_heaps(heaps);
	printf("%8" PRIu64 "  FAILED: %s\n", o->at_ms, o->failure);
	printf("replay: quorate-sim ");
	schedule_print(stdout, &s->schedule);
	printf(" --trace\n");
}

static struct outcome *shared_outcome(void)
{
	void *at = mmap(NULL, sizeof(struct outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		abort();
	return at;
}

int shrink(const struct schedule *from, uint64_t tries)
{
	struct shrinker *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->outcome = shared_outcome();
	s->best = shared_outcome();
	s->schedule = *from;
	s->tries_left = tries;
	run(s->best, from);
	uint32_t before = s->best->events_count;
	bool fails = s->best->failure[0];
	if (fails) {
		try_less_load(s);
		report(s, "less time and load");
		try_classes(s);
		report(s, "fewer classes");
		try_occurrences(s);
		report(s, "fewer of each");
		try_less_load(s);
		tell(s, before);
	} else {
		printf("seed %" PRIu64 " does not fail: there is nothing to make smaller\n", from->seed);
	}
	munmap(s->outcome, sizeof *s->outcome);
	munmap(s->best, sizeof *s->best);
	free(s);
	return fails ? 0 : 1;
}
