/* bench/malice/late.h - frames that a liar lets wait. It has no timer: they go when the replica next sends anything, and are heard when it next hears anything, which it
 * does all the time. */
#ifndef BENCH_MALICE_LATE_H
#define BENCH_MALICE_LATE_H
#include "crypto/sign.h"
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

/* A frame that comes in: from a member, or from a client's link. */
struct hearing {
	int member; /* -1: a client */
	uint64_t link;
	struct public_key key; /* of the client */
	const uint8_t *bytes;
	size_t n;
};

struct heard_frame {
	uint64_t due_ms;
	struct hearing h; /* its bytes are owned here */
};

struct late_heard {
	struct heard_frame frame[LATE_FRAMES_MAX]; /* a ring, oldest first */
	uint32_t first, count;
};

bool late_hear(struct late_heard *l, uint64_t ms, const struct hearing *h);
/* The oldest, when it is due; its bytes are the caller's to free. */
bool late_heard_next(struct late_heard *l, struct hearing *out);
#endif
