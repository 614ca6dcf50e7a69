/* replica/log/segment_reader.h - one segment's file, block by block, through a window; for recovery. */
#ifndef REPLICA_LOG_SEGMENT_READER_H
#define REPLICA_LOG_SEGMENT_READER_H
#include "replica/log/layout.h"

#define SEGMENT_WINDOW_BYTES (256u * 1024)

struct segment_reader {
	const struct log_disk *disk;
	int handle; /* -1: none is open */
	uint64_t number;
	uint32_t bytes; /* of the file, in whole blocks; at most LOG_SEGMENT_BYTES_MAX */
	uint64_t file_bytes;
	uint32_t window_at, window_n;
	int error; /* first error of the disk; sticky */
	uint8_t window[SEGMENT_WINDOW_BYTES];
};

/* False (and error) when it cannot be opened. */
bool segment_reader_open(struct segment_reader *r, uint64_t number);
void segment_reader_close(struct segment_reader *r);
/* The block at `offset`, valid until the next call; NULL past the end or on error. */
const uint8_t *segment_block(struct segment_reader *r, uint32_t offset);
/* The first group or marker of this log at or after `offset`, in its own place. False when there is none. */
bool segment_next_group(struct segment_reader *r, uint32_t base, uint32_t offset, struct layout_group *g);
#endif
