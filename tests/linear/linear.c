/* Linearizability of registers: see linear.h. */
#include "tests/linear/linear.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One way in which things may stand: what the key holds, and which of the open operations have taken effect. */
struct arrangement {
	uint64_t value, done;
};

struct arrangements {
	struct arrangement *at;
	uint32_t count, capacity;
	uint32_t *place; /* open hashing into `at`, from 1; twice as many as `capacity`, a power of two */
};

struct key_search {
	const struct linear_op *open[LINEAR_OPEN_MAX];
	uint64_t used; /* places in `open` */
	struct arrangements now, next;
	uint64_t arranged_max;
	bool too_wide;
};

/* ---- a set of arrangements ---- */

static uint32_t place_of(const struct arrangements *s, const struct arrangement *a)
{
	uint64_t h = (a->value * 0x9E3779B97F4A7C15u) ^ (a->done * 0xBF58476D1CE4E5B9u);
	uint32_t mask = 2 * s->capacity - 1, i = (uint32_t)((h ^ h >> 29) * 0x94D049BB133111EBu >> 33) & mask;
	while (s->place[i] && (s->at[s->place[i] - 1].value != a->value || s->at[s->place[i] - 1].done != a->done))
		i = (i + 1) & mask;
	return i;
}

static void set_empty(struct arrangements *s)
{
	s->count = 0;
	if (s->capacity)
		memset(s->place, 0, 2 * s->capacity * sizeof *s->place);
}

static void set_grow(struct arrangements *s)
{
	s->capacity = s->capacity ? 2 * s->capacity : 16;
	free(s->place);
	s->at = realloc(s->at, s->capacity * sizeof *s->at);
	s->place = calloc(2 * s->capacity, sizeof *s->place);
	if (!s->at || !s->place)
		abort();
	for (uint32_t i = 0; i < s->count; i++)
		s->place[place_of(s, &s->at[i])] = i + 1;
}

static void set_add(struct arrangements *s, struct arrangement a)
{
	if (s->count == s->capacity)
		set_grow(s);
	uint32_t i = place_of(s, &a);
	if (s->place[i])
		return;
	s->at[s->count++] = a;
	s->place[i] = s->count;
}

static void set_free(struct arrangements *s)
{
	free(s->at);
	free(s->place);
}

/* ---- one operation takes effect ---- */

static bool known(const struct linear_op *op)
{
	return op->answered != LINEAR_NEVER;
}

/* May it take effect where `value` is, with the answer that it got? Then *after is what is there. An operation without an answer that would write nothing is left
 * out: it might as well not have happened. */
static bool effect(const struct linear_op *op, uint64_t value, uint64_t *after)
{
	bool told = known(op) && op->result != LINEAR_UNTOLD, wrote = true;
	*after = value;
	switch (op->kind) {
	case LINEAR_GET: return known(op) && (!told || op->result == value);
	case LINEAR_PUT: *after = op->value; return true;
	case LINEAR_CAS:
		wrote = value == op->expected;
		*after = wrote ? op->value : value;
		break;
	case LINEAR_DELETE:
		wrote = value != LINEAR_NONE;
		*after = LINEAR_NONE;
		break;
	}
	return told ? wrote == (op->result != 0) : known(op) || wrote;
}

/* With the answer that it got it changed nothing. */
static bool pure(const struct linear_op *op)
{
	return op->kind == LINEAR_GET || (op->kind != LINEAR_PUT && known(op) && op->result == 0);
}

/* What changes nothing takes effect as early as it may: later is no better. Only what writes is tried in different orders. */
static struct arrangement settle(const struct key_search *k, struct arrangement a)
{
	for (uint64_t left = k->used & ~a.done; left; left &= left - 1) {
		uint64_t after;
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		if (pure(k->open[i]) && effect(k->open[i], a.value, &after))
			a.done |= 1ull << i;
	}
	return a;
}

/* ---- forward in time ---- */

static void asked(struct key_search *k, const struct linear_op *op)
{
	if (op->kind == LINEAR_GET && !known(op))
		return;
	if (~k->used == 0) {
		k->too_wide = true;
		return;
	}
	uint32_t i = (uint32_t)__builtin_ctzll(~k->used);
	k->open[i] = op;
	k->used |= 1ull << i;
	set_empty(&k->next);
	for (uint32_t j = 0; j < k->now.count; j++)
		set_add(&k->next, settle(k, k->now.at[j]));
	struct arrangements swap = k->now;
	k->now = k->next;
	k->next = swap;
}

/* All that can follow from arrangement `from` by one more write. */
static void expand(struct key_search *k, struct arrangement from)
{
	for (uint64_t left = k->used & ~from.done; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		struct arrangement a = from;
		if (!effect(k->open[i], from.value, &a.value))
			continue;
		a.done |= 1ull << i;
		set_add(&k->now, settle(k, a));
	}
}

/* `op` has taken effect in all that goes on from here; in the rest it never can any more. */
static bool answered(struct key_search *k, const struct linear_op *op)
{
	uint32_t place = 0;
	while (place < LINEAR_OPEN_MAX && (k->open[place] != op || !(k->used >> place & 1)))
		place++;
	if (place == LINEAR_OPEN_MAX) /* answered before it was asked */
		return false;
	uint64_t bit = 1ull << place;
	/* The set grows while it is read: what is added is read too. Where the operation has taken effect nothing more needs to, for now. */
	for (uint32_t i = 0; i < k->now.count && !k->too_wide; i++) {
		if (!(k->now.at[i].done & bit))
			expand(k, k->now.at[i]);
		k->too_wide = k->now.count > LINEAR_ARRANGED_MAX;
	}
	if (k->now.count > k->arranged_max)
		k->arranged_max = k->now.count;
	set_empty(&k->next);
	for (uint32_t i = 0; i < k->now.count; i++)
		if (k->now.at[i].done & bit)
			set_add(&k->next, (struct arrangement){ k->now.at[i].value, k->now.at[i].done & ~bit });
	struct arrangements swap = k->now;
	k->now = k->next;
	k->next = swap;
	k->used &= ~bit;
	return k->now.count > 0;
}

/* ---- one key ---- */

static int by_key_and_asked(const void *left, const void *right)
{
	const struct linear_op *a = left, *b = right;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->asked < b->asked ? -1 : a->asked > b->asked;
}

static int by_answered(const void *left, const void *right)
{
	const struct linear_op *a = *(const struct linear_op *const *)left, *b = *(const struct linear_op *const *)right;
	if (a->answered != b->answered)
		return a->answered < b->answered ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* `ops`: of one key, by the time at which they were asked; `ends`: the same by that of their answers. Returns the answer that nothing explains. */
static const struct linear_op *search(struct key_search *k, const struct linear_op *ops, const struct linear_op **ends, size_t n)
{
	set_empty(&k->now);
	set_add(&k->now, (struct arrangement){ LINEAR_NONE, 0 });
	k->used = 0;
	for (size_t begun = 0, ended = 0; ended < n && known(ends[ended]) && !k->too_wide;) {
		if (begun < n && ops[begun].asked <= ends[ended]->answered)
			asked(k, &ops[begun++]);
		else if (!answered(k, ends[ended++]))
			return ends[ended - 1];
	}
	return NULL;
}

enum linear_verdict linear_check(struct linear_op *ops, size_t n, struct linear_report *report)
{
	struct key_search *k = calloc(1, sizeof *k);
	const struct linear_op **ends = calloc(n + 1, sizeof *ends);
	if (!k || !ends)
		abort();
	*report = (struct linear_report){ .verdict = LINEAR_HOLDS };
	qsort(ops, n, sizeof *ops, by_key_and_asked);
	for (size_t first = 0, count; first < n && report->verdict == LINEAR_HOLDS; first += count) {
		for (count = 0; first + count < n && ops[first + count].key == ops[first].key; count++)
			ends[count] = &ops[first + count];
		qsort(ends, count, sizeof *ends, by_answered);
		report->op = search(k, ops + first, ends, count);
		report->verdict = k->too_wide ? LINEAR_TOO_WIDE : report->op ? LINEAR_BROKEN : LINEAR_HOLDS;
		report->key = ops[first].key;
		report->first = first;
		report->count = count;
		report->keys++;
	}
	report->arranged_max = k->arranged_max;
	set_free(&k->now);
	set_free(&k->next);
	free(k);
	free(ends);
	return report->verdict;
}

/* ---- for people ---- */

static void print_value(FILE *to, uint64_t value)
{
	if (value == LINEAR_NONE)
		fputs("nothing", to);
	else
		fprintf(to, "%" PRIu64, value);
}

static void print_outcome(FILE *to, const struct linear_op *op)
{
	if (!known(op)) {
		fputs(": never answered", to);
	} else if (op->kind == LINEAR_GET) {
		fputs(": finds ", to);
		print_value(to, op->result);
	} else if (op->kind == LINEAR_CAS && op->result != LINEAR_UNTOLD) {
		fputs(op->result ? ": it did" : ": it did not", to);
	} else if (op->kind == LINEAR_DELETE && op->result != LINEAR_UNTOLD) {
		fputs(op->result ? ": it was there" : ": it was not there", to);
	}
}

void linear_print(FILE *to, const struct linear_op *op)
{
	fprintf(to, "%8" PRIu64 "..", op->asked);
	if (known(op))
		fprintf(to, "%-8" PRIu64, op->answered);
	else
		fputs("?       ", to);
	fprintf(to, " client %" PRIu32, op->client);
	switch (op->kind) {
	case LINEAR_GET: fputs(" gets", to); break;
	case LINEAR_PUT:
		fputs(" puts ", to);
		print_value(to, op->value);
		break;
	case LINEAR_CAS:
		fputs(" puts ", to);
		print_value(to, op->value);
		fputs(" in the place of ", to);
		print_value(to, op->expected);
		break;
	case LINEAR_DELETE: fputs(" deletes", to); break;
	}
	print_outcome(to, op);
	fputc('\n', to);
}
