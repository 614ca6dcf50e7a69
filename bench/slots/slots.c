#include "bench/slots/slots.h"

#include "bench/slots/tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_MS 60u /* after the last slot that was wanted: its answers, and who is late */
#define LIES_MS 500u  /* the same, when lies may come */
#define CAPTURE_MS 5000u
#define BEFORE_MS 100u /* what was on its way when it began is in the picture */
#define LOOK_MS 100u

/* ---- what is recorded when ---- */

static void add(struct slots *s, const char *phase, uint32_t from_ms, uint32_t until_ms, bool waits)
{
	if (s->captures < SLOTS_CAPTURES && until_ms > from_ms)
		s->capture[s->captures++] = (struct capture){
			.phase = phase, .from_ms = from_ms, .until_ms = until_ms < from_ms + CAPTURE_MS ? until_ms : from_ms + CAPTURE_MS, .waits = waits
		};
}

static void first_trouble(const struct plan *p, uint32_t *from, uint32_t *to)
{
	*from = *to = p->duration_ms;
	if (p->pairs.count) {
		*from = p->pairs.phase_ms;
		*to = *from + p->pairs.grace_ms + p->pairs.phase_ms;
		return;
	}
	for (uint32_t i = 0; i < p->attacks; i++)
		if (p->attack[i].from_ms < *from) {
			*from = p->attack[i].from_ms;
			*to = p->attack[i].to_ms;
		}
	for (uint32_t i = 0; i < p->faults; i++)
		if (p->fault[i].at_ms < *from) {
			*from = p->fault[i].at_ms;
			*to = p->fault[i].to_ms;
		}
	if (*to > p->duration_ms)
		*to = p->duration_ms;
}

static void plan_captures(struct slots *s)
{
	uint32_t from, to, all = s->plan->duration_ms;
	first_trouble(s->plan, &from, &to);
	uint32_t before = from > BEFORE_MS ? from - BEFORE_MS : 0;
	add(s, "baseline", from / 2, from == all ? all : before, false);
	if (from == all)
		return;
	add(s, "attack", before, to > from ? to : all, true);
	add(s, "attack", from + (to - from) / 10 * 8, to, false);
	if (!s->plan->pairs.count)
		add(s, "after", to + (all - to) / 2, all, false);
}

bool slots_prepare(struct slots *s, const struct plan *plan, struct cluster *cluster, const char *tapped)
{
	char path[400];
	*s = (struct slots){ .plan = plan };
	plan_captures(s);
	for (uint32_t i = 0; i < plan->n; i++) {
		cluster_tap_path(cluster, i, path, sizeof path);
		if (!(s->tap[i] = tap_make(path)))
			return false;
	}
	snprintf(cluster->tapped, sizeof cluster->tapped, "%s", tapped);
	return true;
}

void slots_free(struct slots *s)
{
	for (uint32_t i = 0; i < CLUSTER_MAX; i++)
		tap_close(s->tap[i]);
	for (uint32_t i = 0; i < s->captures; i++)
		free(s->capture[i].entry);
	*s = (struct slots){ 0 };
}

void slots_count(struct slots *s, bool on)
{
	for (uint32_t i = 0; i < s->plan->n; i++) {
		atomic_store(&s->tap[i]->counting, on);
		if (!on)
			atomic_store(&s->tap[i]->recording, 0);
	}
}

/* ---- recording ---- */

static void set_recording(struct slots *s, bool on)
{
	for (uint32_t i = 0; i < s->plan->n; i++) {
		s->read[i] = atomic_load_explicit(&s->tap[i]->written, memory_order_acquire);
		atomic_store(&s->tap[i]->recording, on);
	}
}

static bool keep(struct capture *c, const struct tap_entry *e, uint8_t owner)
{
	if (c->count == SLOTS_ENTRIES_MAX)
		return false;
	if (c->count == c->capacity) {
		size_t wanted = c->capacity ? 2 * c->capacity : 4096;
		struct slots_entry *more = realloc(c->entry, wanted * sizeof *more);
		if (!more)
			return false;
		c->entry = more;
		c->capacity = wanted;
	}
	c->entry[c->count++] = (struct slots_entry){ *e, owner };
	return true;
}

/* What was written since the last time; what was overwritten meanwhile is passed over. False: there is no room for more. */
static bool drain(struct slots *s, struct capture *c)
{
	for (uint32_t i = 0; i < s->plan->n; i++) {
		const struct tap_shared *t = s->tap[i];
		uint64_t written = atomic_load_explicit(&t->written, memory_order_acquire);
		if (written - s->read[i] > TAP_ENTRIES / 2)
			s->read[i] = written - TAP_ENTRIES / 2;
		for (; s->read[i] < written; s->read[i]++)
			if (!keep(c, &t->entry[s->read[i] % TAP_ENTRIES], (uint8_t)i))
				return false;
	}
	return true;
}

/* So many must have executed a slot before it is told of. */
static uint32_t enough(const struct plan *p)
{
	return p->mode == QUORATE_TRUSTED ? p->n / 2 + 1 : p->n - p->f;
}

#define LOOKED_AT 1024u
struct looked_at {
	uint64_t seq, by, proposal;       /* by: who executed it */
	bool early, proposed, holds, two; /* two: different proposals were voted for */
};

static void look_at(struct looked_at table[LOOKED_AT], const struct capture *c, const struct slots_entry *x)
{
	const struct tap_entry *e = &x->e;
	struct looked_at *l = &table[e->seq % LOOKED_AT];
	bool early = slots_is_about(e) && e->at_ns < c->origin_ns; /* and perhaps proposed once more since, in a new view */
	bool proposes = e->what == TAP_SENT && slots_proposes(e);
	if ((proposes || early) && (!l->seq || (l->early && l->seq < e->seq)))
		*l = (struct looked_at){ .seq = e->seq };
	if (l->seq != e->seq)
		return;
	l->proposed |= proposes;
	l->early |= early;
	if (slots_is_about(e) && e->id) {
		l->two |= l->proposal && l->proposal != e->id;
		l->proposal = e->id;
	}
	if (e->what == TAP_AT_EXECUTED) {
		l->by |= 1ull << x->owner;
		l->holds |= e->bytes > 0;
	}
}

static struct looked_at *lowest(const struct slots *s, struct looked_at table[LOOKED_AT], bool two)
{
	struct looked_at *best = NULL;
	for (uint32_t i = 0; i < LOOKED_AT; i++) {
		struct looked_at *l = &table[i];
		bool executed = (uint32_t)__builtin_popcountll(l->by) >= enough(s->plan);
		if (l->proposed && !l->early && (l->holds || two) && executed && l->two >= two && (!best || l->seq < best->seq))
			best = l;
	}
	return best;
}

/* The first that were proposed since and not before, hold requests, and are executed; the last of them one about which different things were said, if there is one.
 * Entries come replica by replica, so twice: what was executed may stand before its proposal. */
static void find(const struct slots *s, struct capture *c)
{
	static struct looked_at table[LOOKED_AT];
	memset(table, 0, sizeof table);
	for (int twice = 0; twice < 2; twice++)
		for (size_t i = 0; i < c->count; i++)
			look_at(table, c, &c->entry[i]);
	for (c->found = 0; c->found < SLOTS_OF_CAPTURE; c->found++) {
		struct looked_at *best = c->found + 1 == SLOTS_OF_CAPTURE ? lowest(s, table, true) : NULL;
		if (!best)
			best = lowest(s, table, false);
		if (!best)
			return;
		c->seq[c->found] = best->seq;
		best->proposed = false;
	}
}

static void begin(struct slots *s, struct capture *c)
{
	c->begun = true;
	c->origin_ns = c->waits ? 0 : tap_now_ns();
	set_recording(s, true);
}

static void end(struct slots *s, struct capture *c)
{
	set_recording(s, false);
	if (c->origin_ns)
		find(s, c);
	c->over = true;
}

void slots_tick(struct slots *s, uint32_t ms, uint64_t attack_ns)
{
	struct capture *c = NULL;
	for (uint32_t i = 0; i < s->captures && !c; i++)
		if (!s->capture[i].over)
			c = &s->capture[i];
	if (!c || ms < c->from_ms)
		return;
	if (!c->begun) {
		begin(s, c);
		return;
	}
	if (!c->origin_ns)
		c->origin_ns = attack_ns;
	bool room = drain(s, c);
	if (c->origin_ns && !c->enough_ms && ms >= c->looked_ms + LOOK_MS) {
		c->looked_ms = ms;
		find(s, c);
		c->enough_ms = c->found == SLOTS_OF_CAPTURE ? ms : 0;
	}
	if (!room || ms >= c->until_ms || (c->enough_ms && ms >= c->enough_ms + (c->waits ? LIES_MS : SETTLE_MS)))
		end(s, c);
}
