/* net/frame.c - see net/frame.h. */
#include "net/frame.h"

#include <stdlib.h>
#include <string.h>

static void put_u32(uint8_t *out, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get_u32(const uint8_t *in)
{
	return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

void frame_put_u64(uint8_t out[8], uint64_t v)
{
	put_u32(out, (uint32_t)v);
	put_u32(out + 4, (uint32_t)(v >> 32));
}

uint64_t frame_get_u64(const uint8_t in[8])
{
	return (uint64_t)get_u32(in) | (uint64_t)get_u32(in + 4) << 32;
}

size_t frame_put_head(uint8_t *out, enum frame_kind kind, size_t n)
{
	put_u32(out, (uint32_t)n + 1);
	out[FRAME_PREFIX_BYTES] = (uint8_t)kind;
	return FRAME_PREFIX_BYTES + 1;
}

bool frame_reader_limit(struct frame_reader *r, uint32_t length_max)
{
	uint32_t capacity = FRAME_PREFIX_BYTES + length_max;
	uint8_t *bytes = realloc(r->bytes, capacity);
	if (!bytes)
		return false;
	r->bytes = bytes;
	r->capacity = capacity;
	r->length_max = length_max;
	return true;
}

void frame_reader_free(struct frame_reader *r)
{
	free(r->bytes);
	memset(r, 0, sizeof *r);
}

uint8_t *frame_reader_space(struct frame_reader *r, size_t *room)
{
	if (r->start > 0) {
		memmove(r->bytes, r->bytes + r->start, r->end - r->start);
		r->end -= r->start;
		r->start = 0;
	}
	*room = r->capacity - r->end;
	return r->bytes + r->end;
}

void frame_reader_filled(struct frame_reader *r, size_t n)
{
	r->end += (uint32_t)n;
}

enum frame_result frame_reader_next(struct frame_reader *r, uint8_t *kind, const uint8_t **payload, uint32_t *n)
{
	uint32_t have = r->end - r->start;
	if (have < FRAME_PREFIX_BYTES)
		return FRAME_PARTIAL;

	uint32_t length = get_u32(r->bytes + r->start);
	if (length == 0)
		return FRAME_EMPTY;
	if (length > r->length_max)
		return FRAME_TOO_LONG;
	if (have - FRAME_PREFIX_BYTES < length)
		return FRAME_PARTIAL;

	*kind = r->bytes[r->start + FRAME_PREFIX_BYTES];
	*payload = r->bytes + r->start + FRAME_PREFIX_BYTES + 1;
	*n = length - 1;
	r->start += FRAME_PREFIX_BYTES + length;
	return FRAME_WHOLE;
}

bool frame_reader_inside(const struct frame_reader *r)
{
	return r->end > r->start;
}

/* The next capacity that holds `need`: doubling, so that a frame of n bytes costs O(n) copies, and at most twice what has arrived is held. */
static size_t capacity_for(size_t capacity, size_t need, size_t max)
{
	size_t next = capacity ? capacity : 2 * FRAME_PIECE_BYTES;
	while (next < need)
		next *= 2;
	return next < max ? next : max;
}

enum frame_add frame_assembly_add(struct frame_assembly *a, const uint8_t *bytes, size_t n, size_t frame_bytes_max)
{
	if (a->used > frame_bytes_max || n > frame_bytes_max - a->used)
		return FRAME_ADD_TOO_LARGE;
	if (a->used + n > a->capacity) {
		size_t capacity = capacity_for(a->capacity, a->used + n, frame_bytes_max);
		uint8_t *grown = realloc(a->bytes, capacity);
		if (!grown)
			return FRAME_ADD_NO_MEMORY;
		a->bytes = grown;
		a->capacity = capacity;
	}
	if (n > 0)
		memcpy(a->bytes + a->used, bytes, n);
	a->used += n;
	return FRAME_ADDED;
}

void frame_assembly_reset(struct frame_assembly *a)
{
	free(a->bytes);
	memset(a, 0, sizeof *a);
}
