#include "client/timers.h"

#include "bft/check.h"

#include <stdlib.h>

bool client_timers_reserve(struct client_timers *t)
{
	if (t->reserved == t->capacity) {
		size_t capacity = t->capacity ? t->capacity * 2 : 64;
		struct client_timer **heap = realloc(t->heap, capacity * sizeof(struct client_timer *));
		if (!heap)
			return false;
		t->heap = heap;
		t->capacity = capacity;
	}
	t->reserved++;
	return true;
}

void client_timers_release(struct client_timers *t)
{
	t->reserved--;
	BFT_CHECK(t->count <= t->reserved);
}

void client_timers_free(struct client_timers *t)
{
	free(t->heap);
	*t = (struct client_timers){ 0 };
}

static void put(struct client_timers *t, size_t place, struct client_timer *timer)
{
	t->heap[place - 1] = timer;
	timer->place = place;
}

static void rise(struct client_timers *t, struct client_timer *timer)
{
	size_t place = timer->place;
	while (place > 1 && t->heap[place / 2 - 1]->at_ms > timer->at_ms) {
		put(t, place, t->heap[place / 2 - 1]);
		place /= 2;
	}
	put(t, place, timer);
}

static void sink(struct client_timers *t, struct client_timer *timer)
{
	size_t place = timer->place;
	for (;;) {
		size_t child = place * 2;
		if (child < t->count && t->heap[child]->at_ms < t->heap[child - 1]->at_ms)
			child++;
		if (child > t->count || t->heap[child - 1]->at_ms >= timer->at_ms)
			break;
		put(t, place, t->heap[child - 1]);
		place = child;
	}
	put(t, place, timer);
}

void client_timer_set(struct client_timers *t, struct client_timer *timer, uint64_t at_ms)
{
	timer->at_ms = at_ms;
	if (!timer->place) {
		BFT_CHECK(t->count < t->reserved);
		put(t, ++t->count, timer);
	}
	rise(t, timer);
	sink(t, timer);
}

void client_timer_clear(struct client_timers *t, struct client_timer *timer)
{
	if (!timer->place)
		return;
	struct client_timer *last = t->heap[--t->count];
	size_t place = timer->place;
	timer->place = 0;
	if (last == timer)
		return;
	put(t, place, last);
	rise(t, last);
	sink(t, last);
}

struct client_timer *client_timers_due(struct client_timers *t, uint64_t now_ms)
{
	if (!t->count || t->heap[0]->at_ms > now_ms)
		return NULL;
	struct client_timer *first = t->heap[0];
	client_timer_clear(t, first);
	return first;
}

uint64_t client_timers_next(const struct client_timers *t)
{
	return t->count ? t->heap[0]->at_ms : UINT64_MAX;
}
