/* net/queue.h - what one link still has to send: a bounded queue per class, emptied in the order of the classes, a piece at a time.
 *
 * The bound is in bytes, with a fixed charge per frame for its bookkeeping, so it bounds the number of frames too. A frame that does not fit is dropped
 * whole and counted: the protocol's STATUS asks for what is missing (design section 4). Not thread-safe: it belongs to the loop. */
#ifndef NET_QUEUE_H
#define NET_QUEUE_H
#include "net/frame.h"

enum net_class { NET_VOTES, NET_STATUS, NET_BODIES, NET_REQUESTS, NET_TRANSFER, NET_CLASSES };
_Static_assert(NET_CLASSES == FRAME_CLASSES, "parts name the class");

#define QUEUE_FRAME_CHARGE 64u

/* One frame's bytes, shared by the queues of every link that it goes to. */
struct net_buffer;
/* Copies head and body. NULL when memory is short or when both are empty. The caller owns one reference. */
struct net_buffer *net_buffer_create(const void *head, size_t head_n, const void *body, size_t body_n);
struct net_buffer *net_buffer_ref(struct net_buffer *buffer);
void net_buffer_unref(struct net_buffer *buffer); /* NULL is allowed */
size_t net_buffer_bytes(const struct net_buffer *buffer);

struct queue_class {
	struct net_buffer **ring; /* `capacity` places, a power of two        */
	uint32_t capacity;
	uint32_t head; /* first frame                              */
	uint32_t count;
	size_t sent;  /* bytes of the first frame already taken   */
	size_t bytes; /* charged: payloads + QUEUE_FRAME_CHARGE   */
	size_t bytes_max;
	uint64_t dropped; /* frames refused for the bound or memory   */
};
struct queue {
	struct queue_class classes[NET_CLASSES];
};

void queue_init(struct queue *q, const size_t bytes_max[NET_CLASSES]);
/* Lets go of every frame and of the memory; the counts of dropped frames stay. */
void queue_clear(struct queue *q);

/* Appends with a reference of its own. False when the class's bound would be exceeded or memory is short: counted, the queue unchanged. */
bool queue_put(struct queue *q, enum net_class class, struct net_buffer *buffer);

/* Writes the next piece, prefix included: the first class that has something, a whole frame or the next part of a large one. Returns its bytes, or 0 when
 * nothing waits or the piece does not fit into `room`. A room of FRAME_PIECE_BYTES fits every piece. */
size_t queue_take(struct queue *q, uint8_t *out, size_t room);

bool queue_empty(const struct queue *q);
#endif
