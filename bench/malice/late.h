/* bench/malice/late.h - frames that a liar lets wait. It has no timer: they go when the replica next sends anything, which it does all the time. */
#ifndef BENCH_MALICE_LATE_H
#define BENCH_MALICE_LATE_H
#include "replica/shim.h"

#include <stddef.h>
#include <stdint.h>

#define LATE_FRAMES_MAX 4096u

struct late_frame {
	uint64_t due_ms;
	uint8_t member;
	int class;
	size_t n;
	uint8_t *bytes;
};

struct late {
	struct late_frame frame[LATE_FRAMES_MAX]; /* a ring, oldest first */
	uint32_t first, count;
};

/* Copies the frame; it goes in `ms`. False: it is full, or there is no memory. */
bool late_put(struct late *l, uint64_t ms, uint8_t member, int class, const void *head, size_t head_n, const void *body, size_t body_n);
/* Sends what is due. */
void late_send(struct late *l, struct quorate *q);
#endif
