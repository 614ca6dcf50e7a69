/* The bounded reader and writer: little-endian, never past the end, and failing stays failed. */
#include "bft/codec.h"
#include "tests/unit/unit.h"

static void integers_are_little_endian(void)
{
	uint8_t bytes[15];
	struct wr w = wr_of(bytes, sizeof bytes);
	wr_u8(&w, 0x01);
	wr_u16(&w, 0x0302);
	wr_u32(&w, 0x07060504);
	wr_u64(&w, 0x0F0E0D0C0B0A0908);
	CU_ASSERT(wr_done(&w) == sizeof bytes);
	for (uint8_t i = 0; i < sizeof bytes; i++)
		CU_ASSERT(bytes[i] == i + 1);

	struct rd r = rd_of(bytes, sizeof bytes);
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;
	CU_ASSERT(rd_u8(&r, &a) && rd_u16(&r, &b) && rd_u32(&r, &c) && rd_u64(&r, &d));
	CU_ASSERT(a == 0x01 && b == 0x0302 && c == 0x07060504 && d == 0x0F0E0D0C0B0A0908);
	CU_ASSERT(rd_done(&r) && rd_left(&r) == 0);
}

static void largest_values(void)
{
	uint8_t bytes[15];
	struct wr w = wr_of(bytes, sizeof bytes);
	wr_u8(&w, UINT8_MAX);
	wr_u16(&w, UINT16_MAX);
	wr_u32(&w, UINT32_MAX);
	wr_u64(&w, UINT64_MAX);
	struct rd r = rd_of(bytes, wr_done(&w));
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;
	CU_ASSERT(rd_u8(&r, &a) && rd_u16(&r, &b) && rd_u32(&r, &c) && rd_u64(&r, &d));
	CU_ASSERT(a == UINT8_MAX && b == UINT16_MAX && c == UINT32_MAX && d == UINT64_MAX);
}

static void every_short_read_fails(void)
{
	const uint8_t bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	for (size_t n = 0; n < 8; n++) {
		struct rd r = rd_of(bytes, n);
		uint64_t v = 0;
		CU_ASSERT(!rd_u64(&r, &v) && r.failed && !rd_done(&r));
	}
}

/* Bytes are left, and nothing more is given out: a decoder may check once, at its end. */
static void a_failed_reader_stays_failed(void)
{
	const uint8_t bytes[4] = { 1, 2, 3, 4 };
	struct rd r = rd_of(bytes, sizeof bytes);
	uint64_t v;
	uint8_t byte;
	CU_ASSERT(!rd_u64(&r, &v));
	CU_ASSERT(!rd_u8(&r, &byte) && !rd_take(&r, 0) && !rd_take(&r, 1));
	CU_ASSERT(rd_left(&r) == 0 && !rd_done(&r));
}

static void zero_length(void)
{
	const uint8_t bytes[1] = { 7 };
	uint8_t out[1] = { 9 };
	struct rd r = rd_of(bytes, 0);
	CU_ASSERT(rd_left(&r) == 0 && rd_done(&r));
	CU_ASSERT(rd_take(&r, 0) == bytes && rd_bytes(&r, out, 0) && out[0] == 9);
	CU_ASSERT(rd_done(&r));
	CU_ASSERT(!rd_u8(&r, out));

	struct rd none = rd_of(NULL, 0);
	CU_ASSERT(rd_left(&none) == 0 && rd_done(&none));
	CU_ASSERT(!rd_u8(&none, out) && none.failed);

	struct wr w = wr_of(out, 0);
	wr_bytes(&w, NULL, 0);
	CU_ASSERT(!w.failed && wr_done(&w) == 0);
	wr_u8(&w, 1);
	CU_ASSERT(w.failed && wr_done(&w) == 0);
}

static void lengths_that_would_wrap(void)
{
	const uint8_t bytes[4] = { 0 };
	struct rd r = rd_of(bytes, sizeof bytes);
	CU_ASSERT(rd_take(&r, SIZE_MAX) == NULL && r.failed);
	struct rd again = rd_of(bytes, sizeof bytes);
	CU_ASSERT(rd_take(&again, 1) == bytes);
	CU_ASSERT(rd_take(&again, SIZE_MAX - 1) == NULL && again.failed);
}

static void trailing_bytes_are_not_the_end(void)
{
	const uint8_t bytes[3] = { 1, 0, 0 };
	struct rd r = rd_of(bytes, sizeof bytes);
	uint16_t v;
	CU_ASSERT(rd_u16(&r, &v) && !rd_done(&r) && rd_left(&r) == 1);
}

static void take_borrows_in_order(void)
{
	const uint8_t bytes[5] = { 1, 2, 3, 4, 5 };
	struct rd r = rd_of(bytes, sizeof bytes);
	CU_ASSERT(rd_take(&r, 2) == bytes && rd_take(&r, 3) == bytes + 2 && rd_done(&r));
}

static void a_writer_keeps_its_bound(void)
{
	for (size_t capacity = 0; capacity < 8; capacity++) {
		uint8_t bytes[9];
		memset(bytes, 0xAA, sizeof bytes);
		struct wr w = wr_of(bytes, capacity);
		wr_u64(&w, UINT64_MAX);
		CU_ASSERT(w.failed && wr_done(&w) == 0);
		for (size_t i = 0; i < sizeof bytes; i++)
			CU_ASSERT(bytes[i] == 0xAA);
	}
}

/* What would fit again is not written either: a message with a hole in it never leaves. */
static void a_failed_writer_stays_failed(void)
{
	uint8_t bytes[4];
	struct wr w = wr_of(bytes, sizeof bytes);
	wr_u16(&w, 1);
	wr_u64(&w, 2);
	CU_ASSERT(w.failed && wr_done(&w) == 0);
	wr_u8(&w, 3);
	CU_ASSERT(w.failed && wr_done(&w) == 0 && w.at == bytes + 2);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "integers are little-endian", integers_are_little_endian },
		{ "the largest values", largest_values },
		{ "every short read fails", every_short_read_fails },
		{ "a failed reader stays failed", a_failed_reader_stays_failed },
		{ "length zero", zero_length },
		{ "lengths that would wrap", lengths_that_would_wrap },
		{ "trailing bytes are not the end", trailing_bytes_are_not_the_end },
		{ "take borrows in order", take_borrows_in_order },
		{ "a writer keeps its bound", a_writer_keeps_its_bound },
		{ "a failed writer stays failed", a_failed_writer_stays_failed },
		{ 0 },
	};
	return unit_main("codec", cases);
}
