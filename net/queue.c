/* net/queue.c - see net/queue.h. */
#include "net/queue.h"

#include <stdlib.h>
#include <string.h>

struct net_buffer {
	uint32_t refs;
	size_t n;
	uint8_t bytes[];
};

struct net_buffer *net_buffer_create(const void *head, size_t head_n, const void *body, size_t body_n)
{
	if (head_n > SIZE_MAX / 4 || body_n > SIZE_MAX / 4 || head_n + body_n == 0)
		return NULL;
	struct net_buffer *buffer = malloc(sizeof *buffer + head_n + body_n);
	if (!buffer)
		return NULL;

	buffer->refs = 1;
	buffer->n = head_n + body_n;
	if (head_n > 0)
		memcpy(buffer->bytes, head, head_n);
	if (body_n > 0)
		memcpy(buffer->bytes + head_n, body, body_n);
	return buffer;
}

struct net_buffer *net_buffer_ref(struct net_buffer *buffer)
{
	buffer->refs++;
	return buffer;
}

void net_buffer_unref(struct net_buffer *buffer)
{
	if (buffer && --buffer->refs == 0)
		free(buffer);
}

size_t net_buffer_bytes(const struct net_buffer *buffer)
{
	return buffer->n;
}

void queue_init(struct queue *q, const size_t bytes_max[NET_CLASSES])
{
	memset(q, 0, sizeof *q);
	for (int i = 0; i < NET_CLASSES; i++)
		q->classes[i].bytes_max = bytes_max[i];
}

static struct net_buffer *class_pop(struct queue_class *c)
{
	struct net_buffer *buffer = c->ring[c->head];
	c->head = (c->head + 1) & (c->capacity - 1);
	c->count--;
	c->sent = 0;
	c->bytes -= buffer->n + QUEUE_FRAME_CHARGE;
	return buffer;
}

void queue_clear(struct queue *q)
{
	for (int i = 0; i < NET_CLASSES; i++) {
		struct queue_class *c = &q->classes[i];
		while (c->count > 0)
			net_buffer_unref(class_pop(c));
		free(c->ring);
		c->ring = NULL;
		c->capacity = c->head = 0;
	}
}

/* Room for one more. The bound on bytes bounds the doubling: each place in use was charged QUEUE_FRAME_CHARGE. */
static bool class_make_room(struct queue_class *c)
{
	if (c->count < c->capacity)
		return true;
	if (c->capacity > UINT32_MAX / 2)
		return false;
	uint32_t capacity = c->capacity ? 2 * c->capacity : 16;
	struct net_buffer **ring = malloc(capacity * sizeof(*ring));
	if (!ring)
		return false;
	for (uint32_t i = 0; i < c->count; i++)
		ring[i] = c->ring[(c->head + i) & (c->capacity - 1)];
	free(c->ring);
	c->ring = ring;
	c->capacity = capacity;
	c->head = 0;
	return true;
}

bool queue_put(struct queue *q, enum net_class class, struct net_buffer *buffer)
{
	struct queue_class *c = &q->classes[class];
	size_t charge = buffer->n + QUEUE_FRAME_CHARGE;
	if (charge > c->bytes_max || c->bytes > c->bytes_max - charge || !class_make_room(c)) {
		c->dropped++;
		return false;
	}
	c->ring[(c->head + c->count) & (c->capacity - 1)] = net_buffer_ref(buffer);
	c->count++;
	c->bytes += charge;
	return true;
}

static size_t take_whole(struct queue_class *c, uint8_t *out, size_t room)
{
	const struct net_buffer *buffer = c->ring[c->head];
	if (room < FRAME_PREFIX_BYTES + 1 + buffer->n)
		return 0;
	size_t at = frame_put_head(out, FRAME_DATA, buffer->n);
	memcpy(out + at, buffer->bytes, buffer->n);
	at += buffer->n;
	net_buffer_unref(class_pop(c));
	return at;
}

static size_t take_part(struct queue_class *c, uint8_t class, uint8_t *out, size_t room)
{
	const struct net_buffer *buffer = c->ring[c->head];
	size_t left = buffer->n - c->sent;
	size_t n = left < FRAME_PART_MAX ? left : FRAME_PART_MAX;
	if (room < FRAME_PREFIX_BYTES + 2 + n)
		return 0;

	size_t at = frame_put_head(out, n == left ? FRAME_LAST : FRAME_PART, n + 1);
	out[at++] = class;
	memcpy(out + at, buffer->bytes + c->sent, n);
	at += n;
	c->sent += n;
	if (n == left)
		net_buffer_unref(class_pop(c));
	return at;
}

size_t queue_take(struct queue *q, uint8_t *out, size_t room)
{
	for (uint8_t i = 0; i < NET_CLASSES; i++) {
		struct queue_class *c = &q->classes[i];
		if (c->count == 0)
			continue;
		return c->ring[c->head]->n <= FRAME_DATA_MAX ? take_whole(c, out, room) : take_part(c, i, out, room);
	}
	return 0;
}

bool queue_empty(const struct queue *q)
{
	for (int i = 0; i < NET_CLASSES; i++) {
		if (q->classes[i].count > 0)
			return false;
	}
	return true;
}
