/* A leader that is slow on purpose (design section 5): judged by how long the oldest request waits while it is the leader's turn, against a multiple of what I
 * measure of myself. Nothing here comes from what the leader sends, so it cannot raise its own bar. */
#include "bft/pbft/pbft.h"

#include <string.h>

#define PACE_UNIT 1024u /* a bar, as a whole number */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- what I measure ---- */

/* One record after the other is timed, of those for which a message waits: others may lie until the next one of these, which is when the leader likes. */
void pace_persisted(struct pbft *p, bft_lsn lsn)
{
	if (p->pace.flush_lsn)
		return;
	p->pace.flush_lsn = lsn;
	p->pace.flush_at_ms = p->mono_ms;
}

void pace_durable(struct pbft *p, bft_lsn lsn)
{
	if (!p->pace.flush_lsn || p->pace.flush_lsn > lsn)
		return;
	p->pace.flush_sum_ms += least(p->mono_ms - p->pace.flush_at_ms, 60000) - p->pace.flush_sum_ms / PACE_FLUSHES;
	p->pace.flush_lsn = 0;
}

/* Late against what was wanted at the last tick, and against what is wanted since: what came between may have moved it either way. */
static void note_stall(struct pbft *p, uint64_t due_ms)
{
	struct pbft_pace *a = &p->pace;
	uint64_t due = most(a->wanted_ms, due_ms);
	uint64_t late = a->wanted_ms && p->mono_ms > due ? p->mono_ms - due : 0;
	if (late >= a->stall_ms) {
		a->stall_ms = (uint32_t)least(late, 60000);
		a->stall_at_ms = p->mono_ms;
	} else if (p->mono_ms >= a->stall_at_ms + PACE_LEVEL_MS) {
		a->stall_ms /= 2;
		a->stall_at_ms = p->mono_ms;
	}
}

/* It is not while I execute, or am behind; nor when the window is full, or the border is all that there is left. */
static bool leaders_turn(const struct pbft *p)
{
	if (p->mode != PBFT_NORMAL || pbft_leader(p, p->view) == p->self || p->dispatched > p->executed || !pbft_may_sign(p) || pbft_behind(p))
		return false;
	const struct pbft_slot *last = slot_find(p, p->low + p->limits.window);
	return !(last && last->proposed) && !(p->border && p->executed >= p->border);
}

/* ---- the bar ---- */

static uint64_t bar(const struct pbft *p, uint32_t ahead, uint32_t level)
{
	const struct pbft_pace *a = &p->pace;
	uint64_t ms = PACE_FLOOR_MS + PACE_TIMES * (a->rtt_ms + a->flush_sum_ms / PACE_FLUSHES) + 2 * (uint64_t)a->stall_ms + (uint64_t)PACE_EACH_MS * ahead +
	              load_turns_ms(p);
	return ms << level;
}

static uint64_t flush_ms(const struct pbft_pace *a)
{
	return a->flush_sum_ms / PACE_FLUSHES;
}

static uint64_t mean_bar(const struct pbft *p, uint32_t ahead)
{
	const struct pbft_pace *a = &p->pace;
	uint64_t rtt = a->before_rtt_ms ? least(a->before_rtt_ms, a->least_rtt_ms) : a->least_rtt_ms;
	uint64_t alone_ms = PACE_MEAN_FLOOR_MS + PACE_MEAN_TIMES * (rtt + flush_ms(a)); /* that nobody had a turn before */
	return most(alone_ms, load_turns_ms(p)) + (uint64_t)PACE_EACH_MS * ahead;
}

uint64_t pace_mean_bar_ms(const struct pbft *p)
{
	return mean_bar(p, 0) << p->pace.level;
}

static uint64_t waited(const struct pbft *p, const struct pbft_request *r)
{
	return p->pace.leader_ms - most(r->leader_ms, p->pace.view_ms);
}

/* How much longer the oldest request may wait for the leader. At the ordinary timeout there is nothing left to say. */
static uint64_t left(const struct pbft *p)
{
	const struct pbft_request *oldest = request_oldest(p);
	if ((p->pace.span[false].slow || p->pace.span[true].slow || p->thin.slow) && p->mode == PBFT_NORMAL)
		return 0;
	if (!oldest || !p->pace.rtt_ms || !leaders_turn(p))
		return UINT64_MAX;
	uint64_t ms = bar(p, oldest->ahead, p->pace.level), gone = waited(p, oldest);
	if (ms >= pbft_timeout_ms(p))
		return UINT64_MAX;
	return ms > gone ? ms - gone : 0;
}

uint64_t pace_deadline(const struct pbft *p)
{
	uint64_t ms = left(p);
	return ms == UINT64_MAX ? ms : p->mono_ms + ms;
}

/* ---- what was executed ---- */

static void span_begins(const struct pbft_pace *a, struct pace_span *span)
{
	span->began_ms = a->leader_ms;
	span->count = 0;
	memset(span->share, 0, sizeof span->share);
}

/* Each group of sessions by itself, and their mean: else whoever is served at once, and asks for more and more, would hide how long the others wait. */
static bool above(const struct pace_span *span, uint32_t level)
{
	uint64_t sum = 0, bars = 0;
	for (uint32_t i = 0; i < PACE_SHARES; i++) {
		const struct pace_share *s = &span->share[i];
		if (!s->bar_ms)
			continue;
		sum += s->waited_ms * PACE_UNIT / s->bar_ms;
		bars += PACE_UNIT;
	}
	return sum > bars << level;
}

static void span_ends(struct pbft_pace *a, struct pace_span *span)
{
	span->slow = above(span, a->level);
	if (a->level && above(span, a->level - 1))
		a->oldest_ms = UINT64_MAX; /* the lower level would not do */
	span_begins(a, span);
}

static struct pace_share *share_of(struct pace_span *span, uint64_t session)
{
	return &span->share[(session * 0x9E3779B97F4A7C15u >> 32) % PACE_SHARES];
}

/* One late request may be bad luck. Many that are a little late are the leader, or the network; a level more tells them apart. */
void pace_executed(struct pbft *p, const struct pbft_request *r)
{
	struct pbft_pace *a = &p->pace;
	if (p->mode != PBFT_NORMAL || pbft_leader(p, p->view) == p->self || !a->rtt_ms || pbft_behind(p))
		return;
	uint64_t ms = mean_bar(p, r->ahead);
	struct pace_span *span = &a->span[r->shown];
	struct pace_share *s = share_of(span, r->id.session);
	span->count++;
	s->bar_ms += ms;
	s->waited_ms += least(waited(p, r), (ms << a->level) * PACE_MEAN_CLAMP);
	if (a->leader_ms >= span->began_ms + PACE_SPAN_MS && span->count >= PACE_SPAN_COUNT)
		span_ends(a, span);
}

/* ---- in the course of time ---- */

static void note_least(struct pbft *p)
{
	struct pbft_pace *a = &p->pace;
	if (!a->rtt_ms)
		return;
	if (!a->least_rtt_ms || p->mono_ms >= a->least_at_ms + PACE_LEAST_MS) {
		a->before_rtt_ms = a->least_rtt_ms;
		a->least_rtt_ms = a->rtt_ms;
		a->least_at_ms = p->mono_ms;
	}
	a->least_rtt_ms = (uint32_t)least(a->least_rtt_ms, a->rtt_ms);
}

static void set_level(struct pbft *p, uint32_t level)
{
	p->pace.level = level;
	p->pace.level_at_ms = p->mono_ms;
	p->pace.oldest_ms = 0;
}

/* A liar just below a bar that others' misfortune has raised shows nothing by which the lower one would do: it is tried. */
static void try_lower(struct pbft *p)
{
	struct pbft_pace *a = &p->pace;
	a->tries -= a->tried && a->tries;
	a->tried = a->level > 0;
	set_level(p, a->level - a->tried);
}

static void note_level(struct pbft *p)
{
	struct pbft_pace *a = &p->pace;
	const struct pbft_request *oldest = request_oldest(p);
	if (!a->level && !a->tried)
		return;
	if (oldest)
		a->oldest_ms = most(a->oldest_ms, waited(p, oldest));
	if (p->mono_ms >= a->level_at_ms + ((uint64_t)PACE_TRY_MS << a->tries))
		try_lower(p);
	else if (p->mono_ms >= a->level_at_ms + PACE_LEVEL_MS)
		set_level(p, a->level - (a->level && a->oldest_ms < bar(p, 0, a->level - 1)));
}

void pace_tick(struct pbft *p, uint64_t before_ms, uint64_t due_ms, uint32_t rtt_us)
{
	p->pace.rtt_ms = rtt_us / 1000 + (rtt_us % 1000 != 0);
	note_least(p);
	note_stall(p, due_ms);
	if (request_oldest(p) && leaders_turn(p))
		p->pace.leader_ms += least(p->mono_ms - before_ms, PACE_GAP_MS);
	note_level(p);
}

/* The view's requests wait anew. */
void pace_enter_view(struct pbft *p)
{
	p->pace.view_ms = p->pace.leader_ms;
	p->pace.slow = false;
	for (int shown = 0; shown < 2; shown++) {
		p->pace.span[shown].slow = false;
		span_begins(&p->pace, &p->pace.span[shown]);
	}
}

/* One more leader whom I found slow has lost its office: perhaps it is the network. */
void pace_left_view(struct pbft *p)
{
	p->pace.span[false].slow = p->pace.span[true].slow = p->thin.slow = false;
	if (!p->pace.slow)
		return;
	p->pace.slow = false;
	p->pace.tries += p->pace.tried && p->pace.tries < PACE_TRIES_MAX;
	p->pace.tried = false;
	set_level(p, p->pace.level + (p->pace.level < PACE_LEVEL_MAX));
}
