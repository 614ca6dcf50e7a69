/* bft/codec.h - bounded reading and writing of bytes: little-endian, fixed order, no optional fields, trailing bytes refused.
 *
 * A reader never goes past its end and never allocates; after the first failure every read fails. A writer that runs out of room stays failed and
 * `wr_done` returns 0. No struct is ever cast onto a buffer: one value has one encoding. */
#ifndef BFT_CODEC_H
#define BFT_CODEC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *at, *end;
	bool failed;
};

static inline struct rd rd_of(const void *bytes, size_t n)
{
	return (struct rd){ .at = bytes, .end = bytes ? (const uint8_t *)bytes + n : bytes };
}
static inline size_t rd_left(const struct rd *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->at);
}
/* Borrows the next `n` bytes; NULL (and failed) when there are fewer. */
static inline const uint8_t *rd_take(struct rd *r, size_t n)
{
	if (r->failed || (size_t)(r->end - r->at) < n) {
		r->failed = true;
		return NULL;
	}
	const uint8_t *at = r->at;
	r->at += n;
	return at;
}
static inline bool rd_bytes(struct rd *r, void *out, size_t n)
{
	const uint8_t *at = rd_take(r, n);
	if (at && n)
		memcpy(out, at, n);
	return at != NULL;
}
static inline bool rd_uint(struct rd *r, uint64_t *out, unsigned bytes)
{
	const uint8_t *at = rd_take(r, bytes);
	if (!at)
		return false;
	*out = 0;
	for (unsigned i = 0; i < bytes; i++)
		*out |= (uint64_t)at[i] << (8 * i);
	return true;
}
static inline bool rd_u8(struct rd *r, uint8_t *out)
{
	return rd_bytes(r, out, 1);
}
static inline bool rd_u16(struct rd *r, uint16_t *out)
{
	uint64_t v = 0;
	bool ok = rd_uint(r, &v, 2);
	*out = (uint16_t)v;
	return ok;
}
static inline bool rd_u32(struct rd *r, uint32_t *out)
{
	uint64_t v = 0;
	bool ok = rd_uint(r, &v, 4);
	*out = (uint32_t)v;
	return ok;
}
static inline bool rd_u64(struct rd *r, uint64_t *out)
{
	return rd_uint(r, out, 8);
}
/* The end is reached and nothing failed. */
static inline bool rd_done(const struct rd *r)
{
	return !r->failed && r->at == r->end;
}

struct wr {
	uint8_t *start, *at, *end;
	bool failed;
};

static inline struct wr wr_of(void *bytes, size_t capacity)
{
	uint8_t *b = bytes;
	return (struct wr){ .start = b, .at = b, .end = b + capacity };
}
static inline void wr_bytes(struct wr *w, const void *bytes, size_t n)
{
	if (w->failed || (size_t)(w->end - w->at) < n) {
		w->failed = true;
		return;
	}
	if (n)
		memcpy(w->at, bytes, n);
	w->at += n;
}
static inline void wr_uint(struct wr *w, uint64_t v, unsigned bytes)
{
	uint8_t b[8];
	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	wr_bytes(w, b, bytes);
}
static inline void wr_u8(struct wr *w, uint8_t v)
{
	wr_uint(w, v, 1);
}
static inline void wr_u16(struct wr *w, uint16_t v)
{
	wr_uint(w, v, 2);
}
static inline void wr_u32(struct wr *w, uint32_t v)
{
	wr_uint(w, v, 4);
}
static inline void wr_u64(struct wr *w, uint64_t v)
{
	wr_uint(w, v, 8);
}
/* Bytes written, or 0 when they did not fit. */
static inline size_t wr_done(const struct wr *w)
{
	return w->failed ? 0 : (size_t)(w->at - w->start);
}
#endif
