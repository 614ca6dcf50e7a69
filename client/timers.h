/* client/timers.h - what is due when: a heap of timers that live inside what they belong to.
 *
 * Room is reserved when an owner is made, so setting a timer never fails. Not thread-safe. */
#ifndef CLIENT_TIMERS_H
#define CLIENT_TIMERS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum client_timer_of { CLIENT_TIMER_REQUEST, CLIENT_TIMER_SESSION, CLIENT_TIMER_ASK, CLIENT_TIMER_READ };

struct client_timer {
	uint64_t at_ms;
	size_t place; /* in the heap, from 1; 0: not set */
	enum client_timer_of of;
};

struct client_timers {
	struct client_timer **heap;
	size_t count, reserved, capacity;
};

/* Room for one more timer. False: no memory. */
bool client_timers_reserve(struct client_timers *t);
/* Gives one place back. Requires: the timer that it was for is not set. */
void client_timers_release(struct client_timers *t);
void client_timers_free(struct client_timers *t);

/* Sets, or moves, a timer for which room is reserved. */
void client_timer_set(struct client_timers *t, struct client_timer *timer, uint64_t at_ms);
/* Does nothing when it is not set. */
void client_timer_clear(struct client_timers *t, struct client_timer *timer);
/* Takes out one that is due; NULL when none is. */
struct client_timer *client_timers_due(struct client_timers *t, uint64_t now_ms);
/* When the first is due; UINT64_MAX: none is set. */
uint64_t client_timers_next(const struct client_timers *t);
#endif
