#include "bench/malice/late.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

bool late_put(struct late *l, uint64_t ms, uint8_t member, int class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	uint8_t *bytes = l->count < LATE_FRAMES_MAX ? malloc(head_n + body_n) : NULL;
	if (!bytes)
		return false;
	memcpy(bytes, head, head_n);
	if (body_n)
		memcpy(bytes + head_n, body, body_n);
	l->frame[(l->first + l->count++) % LATE_FRAMES_MAX] =
		(struct late_frame){ .due_ms = now_ms() + ms, .member = member, .class = class, .n = head_n + body_n, .bytes = bytes };
	return true;
}

void late_send(struct late *l, struct quorate *q)
{
	uint64_t now = l->count ? now_ms() : 0;
	while (l->count && l->frame[l->first].due_ms <= now) {
		struct late_frame *f = &l->frame[l->first];
		replica_send_member(q, f->member, f->class, f->bytes, f->n);
		free(f->bytes);
		l->first = (l->first + 1) % LATE_FRAMES_MAX;
		l->count--;
	}
}

bool late_hear(struct late_heard *l, uint64_t ms, const struct hearing *h)
{
	uint8_t *bytes = l->count < LATE_FRAMES_MAX ? malloc(h->n) : NULL;
	if (!bytes)
		return false;
	memcpy(bytes, h->bytes, h->n);
	struct heard_frame *f = &l->frame[(l->first + l->count++) % LATE_FRAMES_MAX];
	*f = (struct heard_frame){ .due_ms = now_ms() + ms, .h = *h };
	f->h.bytes = bytes;
	return true;
}

bool late_heard_next(struct late_heard *l, struct hearing *out)
{
	if (!l->count || l->frame[l->first].due_ms > now_ms())
		return false;
	*out = l->frame[l->first].h;
	l->first = (l->first + 1) % LATE_FRAMES_MAX;
	l->count--;
	return true;
}
