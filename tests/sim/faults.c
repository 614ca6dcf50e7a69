/* Classes of faults, their occurrences, and which of them are left out. */
#include "bft/check.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>

#define FAULT_WORD(name, word, what) word,
const char *const fault_words[FAULT_CLASSES] = { FAULT_LIST(FAULT_WORD) };
#define FAULT_TEXT(name, word, what) what,
const char *const fault_texts[FAULT_CLASSES] = { FAULT_LIST(FAULT_TEXT) };

/* ---- randomness ---- */

uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->s += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	return n ? (uint32_t)(rng_next(r) % n) : 0;
}

bool rng_chance(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

void faults_begin(struct faults *f, uint64_t seed)
{
	/* By its word, not by its place in the list: a new class leaves what the others of a seed draw. */
	for (uint32_t c = 0; c < FAULT_CLASSES; c++) {
		uint64_t h = 0xCBF29CE484222325u;
		for (const char *at = fault_words[c]; *at; at++)
			h = (h ^ (uint8_t)*at) * 0x100000001B3u;
		f->plan[c].s = (seed ^ (h | 1) * 0xD1342543DE82EF95u) * 0x2545F4914F6CDD1Du;
	}
}

/* ---- what is left out ---- */

void schedule_leave_out(struct schedule *sch, enum fault_class class, uint64_t from, uint64_t to)
{
	if (sch->without_count == SCHEDULE_RANGES_MAX)
		return;
	sch->without[sch->without_count++] = (struct fault_range){ class, from, to };
	sch->some[class] = true;
}

static bool class_of(const char *word, size_t n, uint32_t *class)
{
	for (*class = 0; *class < FAULT_CLASSES; ++*class)
		if (strlen(fault_words[*class]) == n && memcmp(fault_words[*class], word, n) == 0)
			return true;
	return false;
}

/* One of "crash", "crash:3", "crash:3-5", "crash:3-"; `n` bytes. to 0: the whole class. */
static bool parse_range(struct fault_range *r, const char *text, size_t n)
{
	const char *colon = memchr(text, ':', n);
	size_t word_n = colon ? (size_t)(colon - text) : n;
	int used = 0;
	*r = (struct fault_range){ 0 };
	if (!class_of(text, word_n, &r->class))
		return false;
	if (!colon)
		return true;
	if (sscanf(colon, ":%" SCNu64 "%n", &r->from, &used) != 1 || r->from == 0)
		return false;
	r->to = r->from;
	if (colon[used] == '-') {
		int more = 0;
		if (sscanf(colon + used, "-%" SCNu64 "%n", &r->to, &more) != 1)
			r->to = UINT64_MAX; /* "3-": all from the third on */
		if (r->to < r->from)
			return false;
		used += more ? more : 1;
	}
	return word_n + (size_t)used == n;
}

static const char *next_part(const char *at, size_t *n)
{
	*n = strcspn(at, ",");
	return at;
}

bool schedule_without(struct schedule *sch, const char *text)
{
	struct fault_range r;
	size_t n;
	for (const char *at = next_part(text, &n);; at = next_part(at + n + 1, &n)) {
		if (!parse_range(&r, at, n) || (r.to && sch->without_count == SCHEDULE_RANGES_MAX))
			return false;
		if (r.to)
			schedule_leave_out(sch, (enum fault_class)r.class, r.from, r.to);
		else
			sch->off[r.class] = true;
		if (!at[n])
			return true;
	}
}

bool schedule_plant(struct schedule *sch, const char *text, bool breaks)
{
	size_t n;
	sch->plant_breaks = breaks;
	for (const char *at = next_part(text, &n); sch->plants_count < SCHEDULE_PLANTS_MAX; at = next_part(at + n + 1, &n)) {
		struct fault_range *r = &sch->plant[sch->plants_count++];
		if (!parse_range(r, at, n) || !r->to)
			return false;
		if (!at[n])
			return true;
	}
	return false;
}

static void print_ranges(FILE *to, const char *option, const struct fault_range *r, uint32_t count, const bool *off)
{
	const char *before = option;
	for (uint32_t c = 0; off && c < FAULT_CLASSES; c++)
		if (off[c]) {
			fprintf(to, "%s%s", before, fault_words[c]);
			before = ",";
		}
	for (uint32_t i = 0; i < count; i++) {
		if (off && off[r[i].class])
			continue;
		fprintf(to, "%s%s:%" PRIu64, before, fault_words[r[i].class], r[i].from);
		if (r[i].to == UINT64_MAX)
			fputc('-', to);
		else if (r[i].to != r[i].from)
			fprintf(to, "-%" PRIu64, r[i].to);
		before = ",";
	}
}

/* As the options that replay it. */
void schedule_print(FILE *to, const struct schedule *sch)
{
	fprintf(to, "--seed %" PRIu64 "%s", sch->seed, sch->trusted ? " --mode trusted" : "");
	if (sch->nodes)
		fprintf(to, " --nodes %" PRIu32, sch->nodes);
	if (sch->requests)
		fprintf(to, " --requests %" PRIu32, sch->requests);
	if (sch->register_ops)
		fprintf(to, " --registers %" PRIu32, sch->register_ops);
	if (sch->end_ms)
		fprintf(to, " --faults-end %" PRIu64, sch->end_ms);
	print_ranges(to, " --without ", sch->without, sch->without_count, sch->off);
	print_ranges(to, sch->plant_breaks ? " --break-when " : " --fail-when ", sch->plant, sch->plants_count, NULL);
}

static bool left_out(const struct schedule *sch, enum fault_class class, uint64_t k)
{
	if (sch->off[class])
		return true;
	for (uint32_t i = 0; sch->some[class] && i < sch->without_count; i++)
		if (sch->without[i].class == class && k >= sch->without[i].from && k <= sch->without[i].to)
			return true;
	return false;
}

/* ---- what happens ---- */

static void plant(struct sim *s, enum fault_class class, uint64_t k)
{
	const struct schedule *sch = s->schedule;
	uint32_t all = (1u << sch->plants_count) - 1;
	if (!sch->plants_count || s->faults.planted == all)
		return;
	for (uint32_t i = 0; i < sch->plants_count; i++)
		if (sch->plant[i].class == class && k >= sch->plant[i].from && k <= sch->plant[i].to)
			s->faults.planted |= 1u << i;
	if (s->faults.planted != all)
		return;
	bool no_such_check_fails = !sch->plant_breaks;
	BFT_CHECK(no_such_check_fails);
	sim_fail(s, "a planted failure: all that it needs has happened");
}

static bool happens(struct sim *s, enum fault_class class, const char *text)
{
	const struct schedule *sch = s->schedule;
	uint64_t k = ++s->faults.met[class];
	if (left_out(sch, class, k))
		return false;
	s->faults.happened[class]++;
	if (*text)
		sim_trace(s, "%s  (%s:%" PRIu64 ")", text, fault_words[class], k);
	if (sch->happened)
		sch->happened(sch->user, class, k, s->now, text);
	plant(s, class, k);
	return true;
}

bool fault(struct sim *s, enum fault_class class, const char *format, ...)
{
	char text[160] = "";
	if (s->trace || s->schedule->happened) {
		va_list args;
		va_start(args, format);
		vsnprintf(text, sizeof text, format, args);
		va_end(args);
	}
	return happens(s, class, text);
}

bool fault_small(struct sim *s, enum fault_class class)
{
	return happens(s, class, "");
}
