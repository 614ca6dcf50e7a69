/* Twins, after Bano et al.: one member of four runs twice with one key; each round cuts the five into cells, and whoever leads does what it can there. All scenarios of
 * a few rounds, or an even sample of them, are tried; in each the honest must agree, nobody honest may be accused, and once the network is whole they must go on. The
 * twins are honest cores, so whatever they say to their cells is valid there: equivocation, double votes, two VIEW-CHANGEs, amnesia. */
#include "tests/sim/twins.h"
#include "tests/sim/cores.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS_MAX 6u
#define CELLS_MAX 3u
#define WAYS_MAX 64u
#define HEAL_MS 60000u
#define TWINNED 2u /* members that are tried as the twin: the leader of view 0, and that of view 1 */

/* The ways to cut five places into at most three cells, each written with the cells in order of their first place. */
struct ways {
	uint8_t cell[WAYS_MAX][CORES_PLACES];
	uint32_t count;
};

static void ways_add(struct ways *w, const uint8_t *cell, uint32_t i, uint8_t used)
{
	uint8_t next[CORES_PLACES];
	memcpy(next, cell, sizeof next);
	if (i == CORES_PLACES) {
		memcpy(w->cell[w->count++], next, sizeof next);
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
	uint8_t cell[CORES_PLACES], name[CORES_PLACES], names = 0;
	memcpy(cell, w->cell[way], sizeof cell);
	cell[CORES_TWIN] = w->cell[way][twinned];
	cell[twinned] = w->cell[way][CORES_TWIN];
	memset(name, 255, sizeof name);
	for (uint32_t i = 0; i < CORES_PLACES; i++) {
		if (name[cell[i]] == 255)
			name[cell[i]] = names++;
		cell[i] = name[cell[i]];
	}
	uint32_t at = 0;
	while (memcmp(w->cell[at], cell, sizeof cell) != 0)
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
		for (uint32_t i = 0; i < CORES_PLACES; i++)
			fprintf(to, "%u", w->cell[x->way[r]][i]);
	}
}

static bool read_scenario(const struct ways *w, struct scenario *x, const char *text)
{
	*x = (struct scenario){ .twinned = (uint8_t)(text[0] - '0') };
	if (text[0] < '0' || x->twinned >= CORES_MEMBERS)
		return false;
	for (text++; *text; text += 1 + CORES_PLACES) {
		uint32_t at = 0;
		if (*text != '/' || strlen(text) < 1 + CORES_PLACES || x->rounds == ROUNDS_MAX)
			return false;
		for (bool same = false; at < w->count; at++) {
			same = true;
			for (uint32_t i = 0; i < CORES_PLACES; i++)
				same &= text[1 + i] == '0' + w->cell[at][i];
			if (same)
				break;
		}
		if (at == w->count)
			return false;
		x->way[x->rounds++] = at;
	}
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
		cores_round(c, w->cell[x->way[r]]);
	bool healed = !cores_failure(c) && cores_heal(c, HEAL_MS);
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

/* Spread evenly over all: the same ones each time. */
static bool chosen(uint64_t i, uint64_t all, uint64_t sample)
{
	return !sample || sample >= all || i * sample / all != (i + 1) * sample / all;
}

static void run_all(struct cores *c, const struct ways *w, uint32_t rounds, uint64_t sample, struct tally *t)
{
	uint64_t all = TWINNED;
	for (uint32_t r = 0; r < rounds; r++)
		all *= w->count;
	for (uint64_t i = 0; i < all; i++) {
		struct scenario x = { .twinned = (uint8_t)(i % TWINNED), .rounds = rounds };
		uint64_t left = i / TWINNED;
		for (uint32_t r = 0; r < rounds; r++, left /= w->count)
			x.way[r] = (uint32_t)(left % w->count);
		if (chosen(i, all, sample) && is_first(w, &x))
			run(c, w, &x, t);
	}
}

int twins(uint32_t rounds, uint64_t sample, const char *one)
{
	static const uint8_t none[CORES_PLACES];
	struct ways w = { .count = 0 };
	struct tally t = { 0 };
	struct scenario x;
	ways_add(&w, none, 0, 0);
	if (rounds == 0 || rounds > ROUNDS_MAX || (one && !read_scenario(&w, &x, one)))
		return 2;
	struct cores *c = cores_create();
	if (one)
		run(c, &w, &x, &t);
	else
		run_all(c, &w, rounds, sample, &t);
	cores_destroy(c);
	printf("%" PRIu64 " scenarios of %" PRIu32 " rounds, %" PRIu32 " ways to cut in each; %" PRIu64 " steps, %" PRIu64 " views entered, %" PRIu64
	       " executions; the twins are convicted in %" PRIu64 "\n",
	       t.scenarios, one ? x.rounds : rounds, w.count, t.counts.steps, t.counts.views, t.counts.executed, t.convicting);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", t.scenarios - t.failed, t.failed);
	return t.failed == 0 && t.scenarios > 0 ? 0 : 1;
}
