/* replica/log/log_state.h - the inside of struct log, for log.c, fill.c and recover.c. */
#ifndef REPLICA_LOG_LOG_STATE_H
#define REPLICA_LOG_LOG_STATE_H
#include "replica/log/layout.h"

struct log_group {
	struct log_group *next;
	struct layout_place at;
	uint32_t records, used, capacity;
	uint64_t lsn;      /* highest in it; 0: none                                          */
	uint64_t lsn_held; /* as lsn, a record of lsn 0 counting as the next that will follow */
	uint8_t *bytes;
};

struct log_segment {
	uint64_t number;
	uint64_t lsn_held; /* highest lsn that needs this segment, or any before it */
	bool damaged;
};

enum log_fill_work { LOG_FILL_NOTHING, LOG_FILL_ZERO, LOG_FILL_RECYCLE, LOG_FILL_UNLINK, LOG_FILL_PUBLISH };
struct log_fill { /* the next segment in the making. Belongs to whoever runs log_fill_work, between wanted and finish */
	enum log_fill_work work;
	int handle;      /* of LAYOUT_FILL_NAME; -1: not begun */
	uint32_t zeroed; /* bytes                              */
	bool recycled;
	uint64_t old;    /* segment to reuse or to remove      */
	uint64_t number; /* to be made                         */
	uint64_t lowest;
	int error; /* of the last work; negative errno   */
};

struct log {
	struct log_disk disk;
	struct digest cluster;
	uint64_t salt;
	uint32_t base, segment_bytes, group_bytes_max; /* never change after log_open: log_read uses them */
	size_t queue_max, queued;

	struct log_group *head, *tail; /* queued, head first; the head may be in flight */
	struct log_group *idle;        /* one kept for reuse                            */
	bool in_flight, marking, marked, failed;
	uint8_t marker[LOG_BLOCK_BYTES];

	struct layout_place end;     /* where the next group goes once the tail is sealed; may name a segment to come */
	struct layout_place flushed; /* end of the last group that is durable */
	uint64_t lsn_appended, lsn_durable;

	uint64_t current, newest; /* segment that is written; highest that exists            */
	bool current_used;        /* a group in it is durable: until then there is at most one segment beyond the log's end */
	int current_handle;
	int next_handle;                               /* segment current + 1; -1: not ready                      */
	uint64_t lowest;                               /* lowest that is needed; goes into the next group         */
	uint64_t lowest_taken;                         /* said by the group in flight                             */
	uint64_t lowest_durable;                       /* said by a durable group: those below are free for reuse */
	struct log_segment segments[LOG_SEGMENTS_MAX]; /* that exist, by number */
	uint32_t segments_count;

	struct log_fill fill;
	bool low_space, retry;
};

/* Allocates, with nothing on disk yet. NULL: no memory. Requires: options are checked. */
struct log *log_create(const struct log_disk *disk, const struct digest *cluster, uint64_t salt, uint32_t segment_bytes, size_t queue_bytes);
/* A sentence for what is wrong, or NULL. */
const char *log_options_check(const struct log_options *options);
struct log_segment *log_segment_find(struct log *log, uint64_t number);
bool log_segment_add(struct log *log, uint64_t number);
#endif
