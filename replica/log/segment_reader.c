/* replica/log/segment_reader.c - see segment_reader.h. */
#include "replica/log/segment_reader.h"

#include <errno.h>

bool segment_reader_open(struct segment_reader *r, uint64_t number)
{
	segment_reader_close(r);
	char name[DISK_NAME_MAX];
	layout_segment_name(name, number);
	int e = r->disk->open(r->disk->user, name, false, &r->handle);
	if (e != 0)
		r->handle = -1;
	if (e == 0)
		e = r->disk->size(r->disk->user, r->handle, &r->file_bytes);
	if (e != 0) {
		r->error = e;
		segment_reader_close(r);
		return false;
	}
	r->number = number;
	uint64_t whole = r->file_bytes - r->file_bytes % LOG_BLOCK_BYTES;
	r->bytes = whole < LOG_SEGMENT_BYTES_MAX ? (uint32_t)whole : LOG_SEGMENT_BYTES_MAX;
	r->window_n = 0;
	return true;
}

void segment_reader_close(struct segment_reader *r)
{
	if (r->handle >= 0)
		r->disk->close(r->disk->user, r->handle);
	r->handle = -1;
	r->window_n = 0;
}

const uint8_t *segment_block(struct segment_reader *r, uint32_t offset)
{
	if (r->handle < 0 || r->error != 0 || offset >= r->bytes || LOG_BLOCK_BYTES > r->bytes - offset)
		return NULL;
	if (offset < r->window_at || offset - r->window_at + LOG_BLOCK_BYTES > r->window_n) {
		uint32_t left = r->bytes - offset;
		uint32_t n = left < SEGMENT_WINDOW_BYTES ? left : SEGMENT_WINDOW_BYTES;
		int64_t got = r->disk->pread(r->disk->user, r->handle, r->window, n, offset);
		r->window_at = offset;
		r->window_n = got == (int64_t)n ? n : 0;
		if (got != (int64_t)n) {
			r->error = got < 0 ? (int)got : -EIO;
			return NULL;
		}
	}
	return r->window + (offset - r->window_at);
}

bool segment_next_group(struct segment_reader *r, uint32_t base, uint32_t offset, struct layout_group *g)
{
	const uint8_t *block;
	for (; (block = segment_block(r, offset)) != NULL; offset += LOG_BLOCK_BYTES) {
		if (layout_group_decode(g, block, base) && g->at.segment == r->number && g->at.offset == offset && g->bytes <= r->bytes - offset)
			return true;
	}
	return false;
}
