/* Pieces out of a stream that arrives in any portions, and frames out of parts. */
#include "net/frame.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static size_t put(uint8_t *out, enum frame_kind kind, const void *payload, size_t n)
{
	size_t at = frame_put_head(out, kind, n);
	memcpy(out + at, payload, n);
	return at + n;
}

/* Gives the reader `n` bytes, at most `portion` at a time, and counts the pieces; stops at a refusal. */
static enum frame_result feed(struct frame_reader *r, const uint8_t *bytes, size_t n, size_t portion, uint32_t *lengths, size_t *count)
{
	*count = 0;
	while (n > 0) {
		size_t room;
		uint8_t *space = frame_reader_space(r, &room);
		CU_ASSERT_FATAL(room > 0);
		size_t now = n < portion ? n : portion;
		now = now < room ? now : room;
		memcpy(space, bytes, now);
		frame_reader_filled(r, now);
		bytes += now;
		n -= now;
		enum frame_result result;
		uint8_t kind;
		const uint8_t *payload;
		uint32_t length;
		while ((result = frame_reader_next(r, &kind, &payload, &length)) == FRAME_WHOLE)
			lengths[(*count)++] = length;
		if (result != FRAME_PARTIAL)
			return result;
	}
	return FRAME_PARTIAL;
}

static void pieces_come_out_whole_however_they_arrive(void)
{
	uint8_t payload[300], stream[2000];
	memset(payload, 0xab, sizeof payload);
	size_t n = put(stream, FRAME_DATA, payload, 300);
	n += put(stream + n, FRAME_PING, payload, 8);
	n += put(stream + n, FRAME_DATA, payload, 0);
	n += put(stream + n, FRAME_DATA, payload, 299);
	for (size_t portion = 1; portion <= n; portion++) {
		struct frame_reader r = { 0 };
		uint32_t lengths[8];
		size_t count;
		CU_ASSERT_FATAL(frame_reader_limit(&r, 301));
		CU_ASSERT_EQUAL(feed(&r, stream, n, portion, lengths, &count), FRAME_PARTIAL);
		CU_ASSERT_EQUAL(count, 4);
		CU_ASSERT(lengths[0] == 300 && lengths[1] == 8 && lengths[2] == 0 && lengths[3] == 299);
		CU_ASSERT_FALSE(frame_reader_inside(&r));
		frame_reader_free(&r);
	}
}

static void bytes_of_a_piece_are_those_sent(void)
{
	struct frame_reader r = { 0 };
	uint8_t kind;
	const uint8_t *payload;
	uint32_t n;
	size_t room;
	CU_ASSERT_FATAL(frame_reader_limit(&r, 100));
	frame_reader_filled(&r, put(frame_reader_space(&r, &room), FRAME_PART, "\x03hello", 6));
	CU_ASSERT_EQUAL(frame_reader_next(&r, &kind, &payload, &n), FRAME_WHOLE);
	CU_ASSERT_EQUAL(kind, FRAME_PART);
	CU_ASSERT_EQUAL(n, 6);
	CU_ASSERT_EQUAL(memcmp(payload, "\x03hello", 6), 0);
	frame_reader_free(&r);
}

static void length_zero_and_above_the_limit_are_refused_by_the_prefix_alone(void)
{
	static const struct {
		uint8_t prefix[4];
		enum frame_result result;
	} rows[] = {
		{ { 0, 0, 0, 0 }, FRAME_EMPTY },     { { 0xff, 0xff, 0xff, 0xff }, FRAME_TOO_LONG }, { { 101, 0, 0, 0 }, FRAME_TOO_LONG },
		{ { 100, 0, 0, 0 }, FRAME_PARTIAL }, { { 0, 0, 0, 0x80 }, FRAME_TOO_LONG },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct frame_reader r = { 0 };
		uint32_t lengths[2];
		size_t count;
		CU_ASSERT_FATAL(frame_reader_limit(&r, 100));
		CU_ASSERT_EQUAL(feed(&r, rows[i].prefix, 4, 1, lengths, &count), rows[i].result);
		CU_ASSERT_EQUAL(count, 0);
		frame_reader_free(&r);
	}
}

static void raising_the_limit_keeps_what_has_arrived(void)
{
	struct frame_reader r = { 0 };
	uint8_t stream[600], payload[500];
	uint32_t lengths[2];
	size_t count;
	memset(payload, 1, sizeof payload);
	size_t n = put(stream, FRAME_DATA, payload, 500);
	CU_ASSERT_FATAL(frame_reader_limit(&r, 100));
	CU_ASSERT_EQUAL(feed(&r, stream, 3, 3, lengths, &count), FRAME_PARTIAL);
	CU_ASSERT_TRUE(frame_reader_inside(&r));
	CU_ASSERT_FATAL(frame_reader_limit(&r, FRAME_LENGTH_MAX));
	CU_ASSERT_EQUAL(feed(&r, stream + 3, n - 3, 7, lengths, &count), FRAME_PARTIAL);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(lengths[0], 500);
	frame_reader_free(&r);
}

static void the_largest_piece_fits_and_one_byte_more_does_not(void)
{
	struct frame_reader r = { 0 };
	uint8_t *stream = calloc(1, FRAME_PIECE_BYTES + 8);
	uint32_t lengths[2];
	size_t count;
	CU_ASSERT_FATAL(stream && frame_reader_limit(&r, FRAME_LENGTH_MAX));
	frame_put_head(stream, FRAME_DATA, FRAME_DATA_MAX);
	CU_ASSERT_EQUAL(feed(&r, stream, FRAME_PIECE_BYTES, 5000, lengths, &count), FRAME_PARTIAL);
	CU_ASSERT_EQUAL(count, 1);
	frame_put_head(stream, FRAME_DATA, FRAME_DATA_MAX + 1);
	CU_ASSERT_EQUAL(feed(&r, stream, FRAME_PIECE_BYTES, 5000, lengths, &count), FRAME_TOO_LONG);
	frame_reader_free(&r);
	free(stream);
}

static void parts_grow_with_what_arrives_and_stop_at_the_bound(void)
{
	struct frame_assembly a = { 0 };
	uint8_t part[FRAME_PART_MAX];
	size_t max = 10 * sizeof part;
	for (size_t i = 0; i < 10; i++) {
		memset(part, (int)i, sizeof part);
		CU_ASSERT_EQUAL(frame_assembly_add(&a, part, sizeof part, max), FRAME_ADDED);
		CU_ASSERT(a.capacity <= max && (a.capacity <= 2 * a.used || a.capacity <= 2 * FRAME_PIECE_BYTES));
	}
	CU_ASSERT_EQUAL(frame_assembly_add(&a, part, 1, max), FRAME_ADD_TOO_LARGE);
	CU_ASSERT_EQUAL(a.used, max);
	for (size_t i = 0; i < max; i++)
		CU_ASSERT_FATAL(a.bytes[i] == i / sizeof part);
	frame_assembly_reset(&a);
	CU_ASSERT_EQUAL(a.capacity, 0);
	CU_ASSERT_EQUAL(frame_assembly_add(&a, part, sizeof part, sizeof part - 1), FRAME_ADD_TOO_LARGE);
	CU_ASSERT_PTR_NULL(a.bytes);
}

static void numbers_are_little_endian(void)
{
	uint8_t out[8];
	frame_put_u64(out, 0x0102030405060708u);
	CU_ASSERT_EQUAL(memcmp(out, "\x08\x07\x06\x05\x04\x03\x02\x01", 8), 0);
	CU_ASSERT_EQUAL(frame_get_u64(out), 0x0102030405060708u);
}

static const struct unit_case cases[] = {
	{ "pieces come out whole however they arrive", pieces_come_out_whole_however_they_arrive },
	{ "bytes of a piece are those sent", bytes_of_a_piece_are_those_sent },
	{ "lengths 0 and above the limit are refused by the prefix alone", length_zero_and_above_the_limit_are_refused_by_the_prefix_alone },
	{ "raising the limit keeps what has arrived", raising_the_limit_keeps_what_has_arrived },
	{ "the largest piece fits, one byte more does not", the_largest_piece_fits_and_one_byte_more_does_not },
	{ "parts grow with what arrives and stop at the bound", parts_grow_with_what_arrives_and_stop_at_the_bound },
	{ "numbers are little-endian", numbers_are_little_endian },
	{ 0 },
};

int main(void)
{
	return unit_main("frame", cases);
}
