/* A stream of bytes cut into pieces, as a link does it: however the bytes arrive, the same pieces come out and the memory stays bounded. The first byte says how
 * much arrives at once. */
#include "net/frame.h"
#include "tests/fuzz/fuzz.h"

#define FRAME_MAX 40000u

struct seen {
	uint64_t pieces, sum, frames;
	enum frame_result end;
};

static void note(struct seen *s, uint8_t kind, const uint8_t *payload, uint32_t n)
{
	s->pieces++;
	s->sum = s->sum * 31 + kind;
	for (uint32_t i = 0; i < n; i++)
		s->sum = s->sum * 31 + payload[i];
}

static void put_together(struct seen *s, struct frame_assembly *a, uint8_t kind, const uint8_t *payload, uint32_t n)
{
	if ((kind != FRAME_PART && kind != FRAME_LAST) || n < 1)
		return;
	enum frame_add added = frame_assembly_add(&a[payload[0] % FRAME_CLASSES], payload + 1, n - 1, FRAME_MAX);
	FUZZ_CHECK(a[payload[0] % FRAME_CLASSES].used <= FRAME_MAX && a[payload[0] % FRAME_CLASSES].capacity <= FRAME_MAX);
	if (kind == FRAME_LAST || added != FRAME_ADDED) {
		s->frames++;
		frame_assembly_reset(&a[payload[0] % FRAME_CLASSES]);
	}
}

static struct seen stream(const uint8_t *bytes, size_t n, size_t at_once, uint32_t limit)
{
	struct seen s = { 0 };
	struct frame_reader r = { 0 };
	struct frame_assembly assembly[FRAME_CLASSES] = { 0 };
	FUZZ_CHECK(frame_reader_limit(&r, limit));
	while (n > 0 && s.end == FRAME_PARTIAL) {
		size_t room, some = at_once;
		uint8_t *to = frame_reader_space(&r, &room), kind;
		const uint8_t *payload;
		uint32_t length;
		FUZZ_CHECK(room > 0 && room <= FRAME_PREFIX_BYTES + limit);
		some = some < room ? some : room;
		some = some < n ? some : n;
		memcpy(to, bytes, some);
		bytes += some;
		n -= some;
		frame_reader_filled(&r, some);
		while ((s.end = frame_reader_next(&r, &kind, &payload, &length)) == FRAME_WHOLE) {
			FUZZ_CHECK(length < limit);
			note(&s, kind, payload, length);
			put_together(&s, assembly, kind, payload, length);
		}
	}
	for (unsigned c = 0; c < FRAME_CLASSES; c++)
		frame_assembly_reset(&assembly[c]);
	frame_reader_free(&r);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t limit = i ? FRAME_LENGTH_MAX : FRAME_LENGTH_MAX_STRANGER;
		struct seen a = stream(bytes + 1, n - 1, 1u + bytes[0], limit), b = stream(bytes + 1, n - 1, FRAME_PIECE_BYTES, limit);
		FUZZ_CHECK(a.pieces == b.pieces && a.sum == b.sum && a.frames == b.frames && a.end == b.end);
	}
	return 0;
}
