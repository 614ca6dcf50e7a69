/* What a link still has to send: order, bounds, and votes that overtake bodies. */
#include "net/queue.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static const size_t bounds[NET_CLASSES] = { 1000, 1000, 200000, 1000, 1000 };

static bool put(struct queue *q, enum net_class class, uint8_t fill, size_t n)
{
	uint8_t *bytes = malloc(n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	memset(bytes, fill, n);
	struct net_buffer *buffer = net_buffer_create(bytes, n, NULL, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
	bool ok = queue_put(q, class, buffer);
	net_buffer_unref(buffer);
	free(bytes);
	return ok;
}

/* Takes one piece and says its kind and first byte of the frame. */
static size_t take(struct queue *q, uint8_t *kind, uint8_t *fill)
{
	uint8_t out[FRAME_PIECE_BYTES];
	size_t n = queue_take(q, out, sizeof out);
	if (n == 0)
		return 0;
	*kind = out[FRAME_PREFIX_BYTES];
	*fill = out[*kind == FRAME_DATA ? 5 : 6];
	return n;
}

static void classes_come_in_their_order_and_frames_in_theirs(void)
{
	struct queue q;
	uint8_t kind, fill;
	queue_init(&q, bounds);
	CU_ASSERT_TRUE(queue_empty(&q));
	put(&q, NET_TRANSFER, 50, 10);
	put(&q, NET_BODIES, 30, 10);
	put(&q, NET_BODIES, 31, 10);
	put(&q, NET_VOTES, 10, 10);
	static const uint8_t expected[] = { 10, 30, 31, 50 };
	for (size_t i = 0; i < sizeof expected; i++) {
		CU_ASSERT_EQUAL(take(&q, &kind, &fill), 15);
		CU_ASSERT_EQUAL(kind, FRAME_DATA);
		CU_ASSERT_EQUAL(fill, expected[i]);
	}
	CU_ASSERT_TRUE(queue_empty(&q));
	CU_ASSERT_EQUAL(take(&q, &kind, &fill), 0);
	queue_clear(&q);
}

static void a_full_class_refuses_whole_frames_and_counts_them(void)
{
	struct queue q;
	uint8_t kind, fill;
	queue_init(&q, bounds);
	CU_ASSERT_FALSE(put(&q, NET_VOTES, 1, 1000 - QUEUE_FRAME_CHARGE + 1));
	CU_ASSERT_TRUE(put(&q, NET_VOTES, 1, 1000 - QUEUE_FRAME_CHARGE));
	CU_ASSERT_FALSE(put(&q, NET_VOTES, 2, 1));
	CU_ASSERT_TRUE(put(&q, NET_STATUS, 3, 1));
	CU_ASSERT_EQUAL(q.classes[NET_VOTES].dropped, 2);
	CU_ASSERT_EQUAL(q.classes[NET_STATUS].dropped, 0);
	CU_ASSERT(take(&q, &kind, &fill) > 0);
	CU_ASSERT_EQUAL(q.classes[NET_VOTES].bytes, 0);
	CU_ASSERT_TRUE(put(&q, NET_VOTES, 4, 1));
	queue_clear(&q);
	CU_ASSERT_EQUAL(q.classes[NET_VOTES].dropped, 2);
}

static void small_frames_are_bounded_by_their_charge(void)
{
	struct queue q;
	uint32_t taken = 0;
	queue_init(&q, bounds);
	while (put(&q, NET_STATUS, 1, 1))
		taken++;
	CU_ASSERT_EQUAL(taken, 1000 / (1 + QUEUE_FRAME_CHARGE));
	queue_clear(&q);
}

static void votes_overtake_a_large_body_between_its_parts(void)
{
	struct queue q;
	uint8_t kind, fill;
	queue_init(&q, bounds);
	CU_ASSERT_TRUE(put(&q, NET_BODIES, 9, 2 * FRAME_PART_MAX + 1));
	CU_ASSERT_EQUAL(take(&q, &kind, &fill), FRAME_PIECE_BYTES);
	CU_ASSERT_EQUAL(kind, FRAME_PART);
	put(&q, NET_VOTES, 1, 20);
	CU_ASSERT_EQUAL(take(&q, &kind, &fill), 25);
	CU_ASSERT(kind == FRAME_DATA && fill == 1);
	CU_ASSERT_EQUAL(take(&q, &kind, &fill), FRAME_PIECE_BYTES);
	CU_ASSERT_EQUAL(kind, FRAME_PART);
	CU_ASSERT_EQUAL(take(&q, &kind, &fill), 7);
	CU_ASSERT(kind == FRAME_LAST && fill == 9);
	CU_ASSERT_TRUE(queue_empty(&q));
	queue_clear(&q);
}

static void a_piece_that_does_not_fit_waits(void)
{
	struct queue q;
	uint8_t out[64];
	queue_init(&q, bounds);
	put(&q, NET_STATUS, 1, 60);
	CU_ASSERT_EQUAL(queue_take(&q, out, 64), 0);
	put(&q, NET_BODIES, 1, FRAME_DATA_MAX + 1);
	CU_ASSERT_EQUAL(queue_take(&q, out, 64), 0);
	CU_ASSERT_EQUAL(q.classes[NET_STATUS].count, 1);
	queue_clear(&q);
}

static void the_ring_grows_around_its_end(void)
{
	struct queue q;
	uint8_t kind, fill, next = 0, last = 0;
	queue_init(&q, bounds);
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 3; i++)
			CU_ASSERT_TRUE(put(&q, NET_BODIES, last++, 1));
		CU_ASSERT(take(&q, &kind, &fill) > 0 && fill == next++);
	}
	while (take(&q, &kind, &fill) > 0)
		CU_ASSERT_EQUAL(fill, next++);
	CU_ASSERT_EQUAL(next, last);
	queue_clear(&q);
}

static void one_buffer_stands_in_many_queues(void)
{
	struct queue q[3];
	uint8_t kind, fill;
	struct net_buffer *buffer = net_buffer_create("ab", 2, "cde", 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(buffer);
	CU_ASSERT_EQUAL(net_buffer_bytes(buffer), 5);
	for (int i = 0; i < 3; i++) {
		queue_init(&q[i], bounds);
		CU_ASSERT_TRUE(queue_put(&q[i], NET_BODIES, buffer));
	}
	net_buffer_unref(buffer);
	queue_clear(&q[0]);
	for (int i = 1; i < 3; i++) {
		CU_ASSERT_EQUAL(take(&q[i], &kind, &fill), 10);
		CU_ASSERT_EQUAL(fill, 'a');
		queue_clear(&q[i]);
	}
	CU_ASSERT_PTR_NULL(net_buffer_create(NULL, 0, NULL, 0));
	CU_ASSERT_PTR_NULL(net_buffer_create("", SIZE_MAX, "", 1));
}

static const struct unit_case cases[] = {
	{ "classes come in their order and frames in theirs", classes_come_in_their_order_and_frames_in_theirs },
	{ "a full class refuses whole frames and counts them", a_full_class_refuses_whole_frames_and_counts_them },
	{ "small frames are bounded by their charge", small_frames_are_bounded_by_their_charge },
	{ "votes overtake a large body between its parts", votes_overtake_a_large_body_between_its_parts },
	{ "a piece that does not fit waits", a_piece_that_does_not_fit_waits },
	{ "the ring grows around its end", the_ring_grows_around_its_end },
	{ "one buffer stands in many queues", one_buffer_stands_in_many_queues },
	{ 0 },
};

int main(void)
{
	return unit_main("queue", cases);
}
