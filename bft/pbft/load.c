/* What the clients ask for, as a backup sees it executed (docs/protocol.md, "A slow leader"): how many sessions take turns, and how fast they were served when they were served best.
 * A request waits for those of the sessions before it, and that is not the leader's fault. */
#include "bft/pbft/pbft.h"

#include <string.h>

static bool is_new(struct pbft_load *l, uint64_t session)
{
	uint64_t at = (session * 0x9E3779B97F4A7C15u >> 32) % LOAD_SESSIONS_MAX, bit = (uint64_t)1 << at % 64;
	bool seen = l->seen[at / 64] & bit;
	l->seen[at / 64] |= bit;
	return !seen;
}

static void window_ends(struct pbft_load *l, uint64_t now_ms)
{
	uint64_t rate = (uint64_t)l->requests * LOAD_WINDOW_MS / (now_ms - l->window_ms);
	l->best = rate > l->best ? (uint32_t)rate : l->best;
	if (now_ms >= l->best_ms + LOAD_FORGET_MS) {
		l->best -= l->best / LOAD_FORGET_PART;
		l->best_ms = now_ms;
	}
	l->before = l->sessions;
	l->requests = l->sessions = 0;
	l->window_ms = now_ms;
	memset(l->seen, 0, sizeof l->seen);
}

void load_executed(struct pbft *p, const struct bft_request_id *ids, size_t count)
{
	struct pbft_load *l = &p->load;
	if (p->mono_ms >= l->window_ms + LOAD_WINDOW_MS)
		window_ends(l, p->mono_ms);
	l->requests += (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		l->sessions += ids[i].session && is_new(l, ids[i].session);
}

uint64_t load_turns_ms(const struct pbft *p)
{
	const struct pbft_load *l = &p->load;
	uint64_t sessions = l->sessions > l->before ? l->sessions : l->before;
	uint64_t each_us = l->best ? LOAD_TIMES * LOAD_WINDOW_MS * 1000u / l->best : LOAD_EACH_MAX_US;
	return sessions * (each_us < LOAD_EACH_MAX_US ? each_us : LOAD_EACH_MAX_US) / 1000;
}
