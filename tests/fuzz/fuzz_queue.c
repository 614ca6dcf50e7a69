/* Frames through a queue and back: each class keeps its order, and every frame that was taken comes out whole. The input is a list of frames: u8 class and kind of
 * step, u16 size; the content follows from the place. */
#include "net/queue.h"
#include "tests/fuzz/fuzz.h"

#define FRAMES_MAX 256u
#define BYTES_MAX 100000u

struct expected {
	size_t n[FRAMES_MAX];
	uint32_t first, count;
};
struct link {
	struct queue queue;
	struct frame_reader reader;
	struct frame_assembly parts[NET_CLASSES];
	struct expected expected[NET_CLASSES];
};

static uint8_t content(size_t n, size_t i)
{
	return (uint8_t)(n * 7 + i * (1 + (i >> 8)));
}

/* The class of a DATA piece is not transmitted: it is the first frame of some class. */
static void arrived(struct link *l, int class, const uint8_t *bytes, size_t n)
{
	for (int c = 0; c < (int)NET_CLASSES; c++) {
		struct expected *e = &l->expected[c];
		if ((class >= 0 && c != class) || e->first == e->count || e->n[e->first] != n)
			continue;
		for (size_t i = 0; i < n; i++)
			FUZZ_CHECK(bytes[i] == content(n, i));
		e->first++;
		return;
	}
	FUZZ_CHECK(!"a frame that was sent, in the order of its class");
}

static void piece(struct link *l, uint8_t kind, const uint8_t *payload, uint32_t n)
{
	if (kind == FRAME_DATA) {
		arrived(l, -1, payload, n);
		return;
	}
	FUZZ_CHECK((kind == FRAME_PART || kind == FRAME_LAST) && n >= 1 && payload[0] < NET_CLASSES);
	struct frame_assembly *a = &l->parts[payload[0]];
	FUZZ_CHECK(frame_assembly_add(a, payload + 1, n - 1, BYTES_MAX) == FRAME_ADDED);
	if (kind == FRAME_LAST) {
		arrived(l, payload[0], a->bytes, a->used);
		frame_assembly_reset(a);
	}
}

static bool take(struct link *l)
{
	uint8_t out[FRAME_PIECE_BYTES], kind;
	const uint8_t *payload;
	uint32_t length;
	size_t n = queue_take(&l->queue, out, sizeof out), room;
	if (n == 0)
		return false;
	uint8_t *to = frame_reader_space(&l->reader, &room);
	FUZZ_CHECK(n <= room);
	memcpy(to, out, n);
	frame_reader_filled(&l->reader, n);
	while (frame_reader_next(&l->reader, &kind, &payload, &length) == FRAME_WHOLE)
		piece(l, kind, payload, length);
	FUZZ_CHECK(!frame_reader_inside(&l->reader));
	return true;
}

static void put(struct link *l, enum net_class class, size_t n)
{
	static uint8_t bytes[65536];
	struct expected *e = &l->expected[class];
	if (n == 0 || e->count == FRAMES_MAX)
		return;
	for (size_t i = 0; i < n; i++)
		bytes[i] = content(n, i);
	struct net_buffer *b = net_buffer_create(bytes, n / 3, bytes + n / 3, n - n / 3);
	FUZZ_CHECK(b != NULL);
	if (queue_put(&l->queue, class, b))
		e->n[e->count++] = n;
	net_buffer_unref(b);
	FUZZ_CHECK(l->queue.classes[class].bytes <= BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct link l;
	static const size_t most[NET_CLASSES] = { BYTES_MAX, BYTES_MAX, BYTES_MAX, BYTES_MAX, BYTES_MAX };
	struct rd r = rd_of(bytes, n);
	uint8_t step;
	uint16_t size;
	memset(&l, 0, sizeof l);
	queue_init(&l.queue, most);
	FUZZ_CHECK(frame_reader_limit(&l.reader, FRAME_LENGTH_MAX));
	while (rd_u8(&r, &step) && rd_u16(&r, &size)) {
		if (step & 0x80)
			(void)take(&l);
		else
			put(&l, step % NET_CLASSES, size);
	}
	while (take(&l))
		;
	FUZZ_CHECK(queue_empty(&l.queue));
	for (unsigned c = 0; c < NET_CLASSES; c++) {
		FUZZ_CHECK(l.expected[c].first == l.expected[c].count);
		frame_assembly_reset(&l.parts[c]);
	}
	queue_clear(&l.queue);
	frame_reader_free(&l.reader);
	return 0;
}
