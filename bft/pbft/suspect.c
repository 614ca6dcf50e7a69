/* Timers and SUSPECT: not binding, not durable; withdrawn when what it waited for executes, ended by the view (design section 5). */
#include "bft/pbft/pbft.h"

static uint64_t doubled(const struct pbft *p, uint32_t most)
{
	return (uint64_t)p->limits.request_timeout_ms << (p->fruitless < most ? p->fruitless : most);
}

/* Doubles with each fruitless view, shrinks with executed proposals, is capped. */
uint64_t pbft_timeout_ms(const struct pbft *p)
{
	return doubled(p, PBFT_BACKOFF_MAX);
}

/* For a NEW-VIEW: no proposal, no execution is waited for, so it begins at half of the timeout; with the same cap. */
static uint64_t new_view_timeout_ms(const struct pbft *p)
{
	return doubled(p, PBFT_BACKOFF_MAX + PBFT_NEW_VIEW_LESS) >> PBFT_NEW_VIEW_LESS;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Behind, the delay is mine; but not for ever while nothing comes: a liar that leads may be what I am waiting for, and another honest member be ahead with it. */
static bool behind_excuses(const struct pbft *p, uint64_t since)
{
	return pbft_behind(p) && p->mono_ms < later(since, p->progress_ms) + PBFT_BEHIND_TIMES * pbft_timeout_ms(p);
}

/* When the oldest request becomes a reason to suspect. It runs in the normal case only, and not while I am behind: then the fault is mine. */
static uint64_t request_deadline(const struct pbft *p)
{
	const struct pbft_request *oldest = request_oldest(p);
	uint8_t leader = pbft_leader(p, p->view);
	/* A pending border, or snapshot, is such a request until it is executed. */
	uint64_t since = oldest ? oldest->since_ms : UINT64_MAX;
	since = p->executed < p->border ? earlier(since, p->border_ms) : since;
	since = p->executed < p->fill ? earlier(since, p->fill_ms) : since;
	if (since == UINT64_MAX || p->mode != PBFT_NORMAL || leader == p->self || behind_excuses(p, since))
		return UINT64_MAX;
	uint64_t from = later(p->view_ms, p->caught_up_ms);
	from = later(from, since);
	/* A leader whose link is down cannot serve me; the suspicion still needs f+1. */
	uint64_t wait = pbft_timeout_ms(p);
	return from + (p->peer[leader].up ? wait : wait / 4);
}

static uint64_t view_deadline(const struct pbft *p)
{
	return p->mode == PBFT_CHANGING && p->timer_on ? p->timer_ms + new_view_timeout_ms(p) : UINT64_MAX;
}

/* Its clock is behind: at once, at the next tick. One of f+1 leaders is honest: when so many are behind, it is my clock that is wrong. */
static uint64_t lag_deadline(const struct pbft *p)
{
	bool behind = (p->lags & BFT_BIT(pbft_leader(p, p->view))) && mask_count(p->lags) < p->weak;
	return p->mode == PBFT_NORMAL && behind ? p->mono_ms : UINT64_MAX;
}

static uint64_t leader_deadline(const struct pbft *p)
{
	return earlier(lag_deadline(p), earlier(request_deadline(p), pace_deadline(p)));
}

uint64_t suspect_deadline(const struct pbft *p)
{
	if (p->suspecting || !pbft_may_sign(p))
		return UINT64_MAX;
	return earlier(leader_deadline(p), view_deadline(p));
}

static void say(struct pbft *p, bool standing, struct bft_effects *out)
{
	struct pbft_suspect *m = effects_room(out, sizeof *m);
	if (!m)
		return;
	*m = (struct pbft_suspect){ .view = p->view, .standing = standing };
	p->suspecting = standing;
	p->peer[p->self].suspect_view = p->view;
	p->peer[p->self].suspecting = standing;
	if (p->suspect_why != PBFT_WHY_ASKED)
		pass_over_suspected(p, p->self, p->view, standing);
	pbft_send(p, out, PBFT_SUSPECT, m, sizeof *m, pbft_others(p), 0);
	pbft_role(p, out);
}

void suspect_leader(struct pbft *p, uint16_t why, struct bft_effects *out)
{
	if (p->suspecting || !pbft_may_sign(p))
		return;
	p->suspect_why = why;
	say(p, true, out);
	views_evaluate(p, out);
}

/* What it waited for has been executed: the oldest request is young again, or there is none; and its clock is not behind any more. */
void suspect_withdraw(struct pbft *p, struct bft_effects *out)
{
	if (!p->suspecting || p->mode != PBFT_NORMAL || p->resigned)
		return;
	p->suspecting = false; /* for the question: would I suspect now? */
	bool still = leader_deadline(p) <= p->mono_ms;
	p->suspecting = true;
	if (!still)
		say(p, false, out);
}

void suspect_tick(struct pbft *p, struct bft_effects *out)
{
	static const uint32_t resolution_ms = 1;
	if (suspect_deadline(p) > p->mono_ms + resolution_ms - 1)
		return;
	bool late = p->mode != PBFT_NORMAL || request_deadline(p) <= p->mono_ms;
	p->pace.slow = !late && pace_deadline(p) <= p->mono_ms;
	uint16_t slow = p->thin.slow ? PBFT_WHY_THIN : PBFT_WHY_SLOW;
	suspect_leader(p, late ? PBFT_WHY_TIMEOUT : p->pace.slow ? slow : PBFT_WHY_CLOCK, out);
}

enum bft_verdict on_suspect(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct pbft_suspect *s = m->body;
	struct pbft_peer *peer = &p->peer[m->from];
	if (m->from == p->self)
		return BFT_IGNORE;
	pass_over_suspected(p, m->from, s->view, s->standing);
	if (s->view < peer->suspect_view)
		return BFT_IGNORE;
	peer->suspect_view = s->view;
	peer->suspecting = s->standing;
	views_evaluate(p, out);
	return BFT_ACCEPT;
}

/* The highest view that member i says it is in, or wants to leave. */
static bft_view claim(const struct pbft *p, uint32_t i)
{
	if (i == p->self)
		return p->view;
	const struct pbft_peer *peer = &p->peer[i];
	bft_view v = later(peer->status_view, peer->vc_view);
	return peer->suspecting ? later(v, peer->suspect_view) : v;
}

/* A VIEW-CHANGE, or being there, counts as a SUSPECT of every lower view: else one replica gone ahead and one dead leave the rest a SUSPECT short for ever. */
static bool suspects(const struct pbft *p, uint32_t i)
{
	const struct pbft_peer *peer = &p->peer[i];
	return (peer->suspecting && peer->suspect_view >= p->view) || peer->vc_view > p->view || peer->status_view > p->view;
}

/* The (k)-th highest claim, k from 1. */
static bft_view claim_rank(const struct pbft *p, uint32_t k)
{
	bft_view best = 0;
	for (uint32_t i = 0; i < p->n; i++) {
		bft_view v = claim(p, i);
		uint32_t at_least = 0;
		for (uint32_t j = 0; j < p->n; j++)
			at_least += claim(p, j) >= v;
		if (at_least >= k && v > best)
			best = v;
	}
	return best;
}

static void run_view_timer(struct pbft *p)
{
	if (p->mode != PBFT_CHANGING || p->timer_on)
		return;
	uint32_t here = 0;
	for (uint32_t i = 0; i < p->n; i++)
		here += claim(p, i) >= p->view;
	if (here < p->q) /* at that view or above: replicas spread over three views otherwise wait for ever */
		return;
	p->timer_on = true;
	p->timer_ms = p->mono_ms;
}

void views_evaluate(struct pbft *p, struct bft_effects *out)
{
	if (!pbft_may_sign(p) || !p->started)
		return;
	bft_view joined = claim_rank(p, p->weak);
	if (joined > p->view) {
		view_change_start(p, joined, out);
	} else {
		uint32_t count = 0;
		for (uint32_t i = 0; i < p->n; i++)
			count += suspects(p, i);
		uint8_t leader = pbft_leader(p, p->view);
		const struct pbft_peer *l = &p->peer[leader];
		/* A leader that resigns is believed: nobody else can say so for it. */
		bool resigned = p->mode == PBFT_NORMAL && l->suspecting && l->suspect_view == p->view;
		if (count >= p->weak || resigned)
			view_change_start(p, p->view + 1, out);
	}
	run_view_timer(p);
}
