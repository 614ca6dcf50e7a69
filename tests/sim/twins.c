/* Twins, after Bano et al.: one member of four runs twice with one key; each round cuts the five into cells, and whoever leads does what it can there. All scenarios of
 * a few rounds, or an even sample of them, are tried; in each the honest must agree, nobody honest may be accused, and once the network is whole they must go on. The
 * twins are honest cores, so whatever they say to their cells is valid there: equivocation, double votes, two VIEW-CHANGEs, amnesia. */
#include "tests/sim/twins.h"
#include "tests/sim/rounds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS_MAX 6u
#define CELLS_MAX 3u
#define WAYS_MAX 192u
#define HOPS_MAX 4u /* a round of 1 to 3 message delays, or, 0, one that lasts until all is said and timers have run out */
#define HEAL_MS 60000u
#define TWINNED 2u /* members that are tried as the twin: the leader of view 0, and that of view 1 */

/* The ways to cut five places into at most three cells, each written with the cells in order of their first place; and how long it stays so. */
struct ways {
	uint8_t cell[WAYS_MAX][ROUNDS_PLACES], hops[WAYS_MAX];
	uint32_t count;
};

static void ways_add(struct ways *w, const uint8_t *cell, uint32_t i, uint8_t used)
{
	uint8_t next[ROUNDS_PLACES];
	memcpy(next, cell, sizeof next);
	if (i == ROUNDS_PLACES) {
		for (uint8_t hops = 0; hops < HOPS_MAX; hops++) {
			w->hops[w->count] = hops;
			memcpy(w->cell[w->count++], next, sizeof next);
		}
		return;
	}
	for (uint8_t k = 0; k <= used && k < CELLS_MAX; k++) {
		next[i] = k;
		ways_add(w, next, i + 1, k == used ? (uint8_t)(used + 1) : used);
	}
}

/* The same way with the twins in each other's places. */
static uint32_t ways_swapped(const struct ways *w, uint32_t way, uint8_t twinned)
{
	uint8_t cell[ROUNDS_PLACES], name[ROUNDS_PLACES], names = 0;
	memcpy(cell, w->cell[way], sizeof cell);
	cell[ROUNDS_TWIN] = w->cell[way][twinned];
	cell[twinned] = w->cell[way][ROUNDS_TWIN];
	memset(name, 255, sizeof name);
	for (uint32_t i = 0; i < ROUNDS_PLACES; i++) {
		if (name[cell[i]] == 255)
			name[cell[i]] = names++;
		cell[i] = name[cell[i]];
	}
	uint32_t at = 0;
	while (w->hops[at] != w->hops[way] || memcmp(w->cell[at], cell, sizeof cell) != 0)
		at++;
	return at;
}

struct scenario {
	uint8_t twinned;
	uint32_t rounds, way[ROUNDS_MAX];
};

/* Of two that differ in which twin is which, one is enough. */
static bool is_first(const struct ways *w, const struct scenario *x)
{
	for (uint32_t r = 0; r < x->rounds; r++) {
		uint32_t swapped = ways_swapped(w, x->way[r], x->twinned);
		if (swapped != x->way[r])
			return x->way[r] < swapped;
	}
	return true;
}

static void print_scenario(FILE *to, const struct ways *w, const struct scenario *x)
{
	fprintf(to, "%u", x->twinned);
	for (uint32_t r = 0; r < x->rounds; r++) {
		fputc('/', to);
		for (uint32_t i = 0; i < ROUNDS_PLACES; i++)
			fprintf(to, "%u", w->cell[x->way[r]][i]);
		fprintf(to, ":%u", w->hops[x->way[r]]);
	}
}

/* "0/01002:2/00000:0": who has a twin, and for each round the cells and the hops. */
static bool read_round(const struct ways *w, const char *text, uint32_t *way)
{
	for (*way = 0; *way < w->count; ++*way) {
		char name[ROUNDS_PLACES + 4] = "/";
		for (uint32_t i = 0; i < ROUNDS_PLACES; i++)
			name[1 + i] = (char)('0' + w->cell[*way][i]);
		name[1 + ROUNDS_PLACES] = ':';
		name[2 + ROUNDS_PLACES] = (char)('0' + w->hops[*way]);
		if (strncmp(text, name, ROUNDS_PLACES + 3) == 0)
			return true;
	}
	return false;
}

static bool read_scenario(const struct ways *w, struct scenario *x, const char *text)
{
	*x = (struct scenario){ .twinned = (uint8_t)(text[0] - '0') };
	if (text[0] < '0' || x->twinned >= ROUNDS_MEMBERS)
		return false;
	for (text++; *text; text += ROUNDS_PLACES + 3)
		if (x->rounds == ROUNDS_MAX || !read_round(w, text, &x->way[x->rounds++]))
			return false;
	return x->rounds > 0;
}

/* ---- running ---- */

struct tally {
	uint64_t scenarios, failed, convicting;
	struct cores_counts counts;
};

static void run(struct cores *c, const struct ways *w, const struct scenario *x, struct tally *t)
{
	struct cores_counts one;
	cores_begin(c, x->twinned);
	for (uint32_t r = 0; r < x->rounds && !cores_failure(c); r++)
		rounds_one(c, w->cell[x->way[r]], w->hops[x->way[r]]);
	bool healed = !cores_failure(c) && rounds_heal(c, HEAL_MS);
	cores_counts(c, &one);
	t->scenarios++;
	t->convicting += one.convicted;
	t->counts.steps += one.steps;
	t->counts.views += one.views;
	t->counts.executed += one.executed;
	t->counts.convictions += one.convictions;
	if (healed)
		return;
	t->failed++;
	fprintf(stderr, "scenario ");
	print_scenario(stderr, w, x);
	fprintf(stderr, ": %s\n", cores_failure(c) ? cores_failure(c) : "liveness: the network is whole, and a request is not executed everywhere");
}

static uint64_t mixed(uint64_t z)
{
	z = (z + 0x9E3779B97F4A7C15u) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static struct scenario numbered(const struct ways *w, uint32_t rounds, uint64_t i)
{
	struct scenario x = { .twinned = (uint8_t)(i % TWINNED), .rounds = rounds };
	i /= TWINNED;
	for (uint32_t r = 0; r < rounds; r++, i /= w->count)
		x.way[r] = (uint32_t)(i % w->count);
	return x;
}

/* All of them, or a sample that is the same each time. */
static void run_rounds(struct cores *c, const struct ways *w, uint32_t rounds, uint64_t sample, struct tally *t)
{
	uint64_t all = TWINNED, before = t->scenarios;
	for (uint32_t r = 0; r < rounds; r++)
		all *= w->count;
	bool every = !sample || sample >= all;
	for (uint64_t k = 0; k < (every ? all : sample); k++) {
		struct scenario x = numbered(w, rounds, every ? k : mixed(k) % all);
		if (!every || is_first(w, &x))
			run(c, w, &x, t);
	}
	printf("%" PRIu32 " rounds: %" PRIu64 " scenarios%s\n", rounds, t->scenarios - before, every ? ", all of them" : "");
}

/* In about a minute: all that is short, and some of what is longer, where one view's leftovers meet the next one's. */
static void run_standard(struct cores *c, const struct ways *w, struct tally *t)
{
	static const uint64_t samples[] = { 0, 0, 60000, 100000, 40000 };
	for (uint32_t r = 0; r < sizeof samples / sizeof samples[0]; r++)
		run_rounds(c, w, r + 1, samples[r], t);
}

int twins(uint32_t rounds, uint64_t sample, const char *one)
{
	static const uint8_t none[ROUNDS_PLACES];
	struct ways w = { .count = 0 };
	struct tally t = { 0 };
	struct scenario x;
	ways_add(&w, none, 0, 0);
	if (rounds > ROUNDS_MAX || (one && !read_scenario(&w, &x, one)))
		return 2;
	struct cores *c = rounds_create();
	if (one)
		run(c, &w, &x, &t);
	else if (rounds)
		run_rounds(c, &w, rounds, sample, &t);
	else
		run_standard(c, &w, &t);
	cores_destroy(c);
	printf("%" PRIu64 " scenarios, %" PRIu32 " ways to cut and hold each round; %" PRIu64 " steps, %" PRIu64 " views entered, %" PRIu64
	       " executions; the twins are convicted in %" PRIu64 "\n",
	       t.scenarios, w.count, t.counts.steps, t.counts.views, t.counts.executed, t.convicting);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", t.scenarios - t.failed, t.failed);
	return t.failed == 0 && t.scenarios > 0 ? 0 : 1;
}
