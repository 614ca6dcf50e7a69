/* replica/log/log.h - the replica's log: what it must not forget, in one order, on its own disk (design section 12).
 *
 * This is the log without a thread: log_append queues, log_group_take seals what is queued into one write, the caller writes and flushes it and reports with
 * log_group_done. writer.h does that with a real thread, the simulator does it in virtual time. One group is in flight at a time, so each group can say that
 * all before it was flushed: a bad place with a group or a marker after it is DAMAGE, and only a bad place at the very end is a TORN tail.
 *
 * Segments are files of one size, filled with zeros before use and reused when nothing in them is needed. A failed write or flush is final: the log refuses
 * everything afterwards, because what the kernel still holds of it is unknown. A full disk is met a whole segment ahead: log_low_space.
 *
 * Threads: none here. The caller serializes all calls but log_read and log_fill_work; see each. */
#ifndef REPLICA_LOG_LOG_H
#define REPLICA_LOG_LOG_H
#include "crypto/digest.h"
#include "replica/log/disk.h"

#include <sys/uio.h>

#define LOG_BLOCK_BYTES 4096u
#define LOG_PAYLOAD_MAX (16u << 20)
#define LOG_IOV_MAX 64u
#define LOG_SEGMENTS_MAX 4096u
#define LOG_SEGMENT_BYTES_MIN (4u * LOG_BLOCK_BYTES)
#define LOG_SEGMENT_BYTES_MAX (1u << 30)
#define LOG_SEGMENT_BYTES_DEFAULT (64u << 20)
#define LOG_QUEUE_BYTES_DEFAULT ((size_t)64 << 20)
#define LOG_REASON_BYTES 256u

struct log;

enum log_result {
	LOG_OK,
	LOG_ERR_FULL,      /* append: as much is queued as may be; nothing was queued, ask again after a group is done  */
	LOG_ERR_TOO_LARGE, /* append: no segment holds such a record                                                    */
	LOG_ERR_MEMORY,
	LOG_ERR_FAILED,  /* a write or flush failed earlier: final                                                    */
	LOG_ERR_IO,      /* the disk answered with an error (log_open, log_format, log_read)                          */
	LOG_ERR_SPACE,   /* no room for a segment (log_open, log_format, log_reclaim_try)                             */
	LOG_ERR_GONE,    /* read: that segment was given up                                                           */
	LOG_ERR_DAMAGED, /* read: the bytes there are not what was written                                            */
	LOG_ERR_EXISTS,  /* format: there is a log; nothing was touched                                               */
	LOG_ERR_NONE,    /* open: there is no log. Never started silently: the caller decides what that means         */
	LOG_ERR_REFUSED, /* open, format: what is there is not this log's, or the options are wrong; the reason names it */
};
const char *log_text(enum log_result result);

/* Where a record is. Kept by whoever wants to read the payload again. */
struct log_position {
	uint64_t segment; /* from 1 */
	uint32_t offset;  /* of the record's header in the segment's file */
	uint32_t bytes;   /* payload */
};

struct log_record {
	uint16_t type, flags;
	uint64_t lsn, seq;
	const void *payload; /* borrowed */
	uint32_t bytes;
	bool after_damage; /* recovery: something before it is lost */
};

struct log_options {
	struct digest cluster;
	uint64_t salt;          /* format: random and secret, so that no client can make bytes that pass for a group; open: used only when it cannot be read */
	uint32_t segment_bytes; /* format: a multiple of LOG_BLOCK_BYTES; open: what is on disk counts */
	size_t queue_bytes;     /* most that may be queued; 0 = LOG_QUEUE_BYTES_DEFAULT. At least one record is always taken */
};

/* The smallest segment that holds a record of `payload` bytes. */
uint32_t log_segment_bytes_for(uint32_t payload);
/* Makes the first segment in a folder that has none. Cost: writes a segment of zeros. `reason` gets a sentence for every error. */
enum log_result log_format(const struct log_disk *disk, const struct log_options *options, char reason[LOG_REASON_BYTES]);

enum log_class {
	LOG_CLEAN,
	LOG_TORN,    /* a tail that was never reported durable was cut off */
	LOG_DAMAGED, /* something that may have been reported durable is missing; records around it were still delivered */
};
struct log_report {
	enum log_class class;
	uint32_t damaged_count;        /* places                                                                              */
	struct log_position first_bad; /* of the first of them, or of the cut; offset 0: the whole segment                     */
	uint64_t lsn_before;           /* highest lsn before first_bad; 0: none                                               */
	uint64_t lsn_after;            /* lowest lsn after it: what is missing lies between the two. UINT64_MAX: none follows, anything above is missing */
	uint64_t last_lsn;             /* highest of all                                                                      */
	uint64_t records;
	char reason[LOG_REASON_BYTES]; /* a sentence, for every result and class but LOG_CLEAN */
};
typedef bool (*log_visit_fn)(void *arg, const struct log_record *record, const struct log_position *position);

/* Reads the whole log in order, then opens it for appending after its last whole group.
 *
 * `visit` sees each record once; the record is borrowed for the call; false ends it all with LOG_ERR_REFUSED. `report` is always filled.
 * Effects: cuts a torn tail and zeroes it; removes a half-prepared segment. Nothing else is changed, nothing is skipped without being reported.
 * Errors:  LOG_ERR_NONE, LOG_ERR_REFUSED (a foreign file, another cluster's segment), LOG_ERR_IO, LOG_ERR_MEMORY, LOG_ERR_SPACE: *out is NULL.
 * With LOG_DAMAGED the log is open and appends to a new segment: whether the damage costs the replica its standing is for the caller to judge. */
enum log_result log_open(struct log **out, const struct log_disk *disk, const struct log_options *options, log_visit_fn visit, void *arg,
                         struct log_report *report);
/* Frees it; what was queued and not written is lost, as in a crash. NULL is allowed. */
void log_close(struct log *log);

/* Queues one record whose payload is the `count` pieces together (at most LOG_IOV_MAX), copied. `position`, if not NULL, is where it will be.
 * lsn counts up by one per PERSIST effect and never falls; 0 is for a record (a body) that belongs to the next lsn. */
enum log_result log_append(struct log *log, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
                           struct log_position *position);

/* One write: `n` bytes at `offset`, then a flush, then log_group_done. The bytes belong to the log and stay until then. */
struct log_io {
	int handle;
	uint64_t offset;
	const void *bytes;
	size_t n;
};
/* Seals the next group. False when nothing is queued, one is in flight, the log has failed, or the next segment is not ready (log_fill_wanted). */
bool log_group_take(struct log *log, struct log_io *io);
/* A marker that says "all is flushed", for when no group follows: without it, damage to the last group would pass for a torn tail. The next group overwrites
 * it. False when groups are queued or in flight, the end is marked already, or the log has failed. */
bool log_mark(struct log *log, struct log_io *io);
bool log_mark_wanted(const struct log *log);
/* Reports the write and flush of what was taken. !ok is final. */
void log_group_done(struct log *log, bool ok);
/* All records with lsn up to here are on disk. */
uint64_t log_durable_lsn(const struct log *log);
bool log_failed(const struct log *log);
bool log_queue_empty(const struct log *log);
size_t log_queued_bytes(const struct log *log);
uint32_t log_segment_bytes(const struct log *log);
const struct log_disk *log_disk_of(const struct log *log);

/* The next segment, prepared ahead in bounded pieces (a mebibyte, flushed). log_fill_wanted chooses the next piece of work; log_fill_work does it and may run
 * without the caller's lock, beside log_append but beside nothing else; log_fill_finish takes note. log_prepare is all three until nothing is left to do. */
bool log_fill_wanted(struct log *log);
void log_fill_work(struct log *log);
void log_fill_finish(struct log *log);
void log_prepare(struct log *log);
/* The next segment could not be made because the disk is full; the rest of the present one is still free. Take no new work until it is false again. */
bool log_low_space(const struct log *log);
/* Lets log_fill_wanted try again after low space. */
void log_reclaim_retry(struct log *log);
/* Tries at once: LOG_OK when the next segment is ready, LOG_ERR_SPACE, LOG_ERR_FAILED. */
enum log_result log_reclaim_try(struct log *log);

/* Records with an lsn below `lsn` are not needed: whole segments of such become free for reuse once a later group, which says so, is durable. */
void log_truncate_below(struct log *log, uint64_t lsn);
uint64_t log_lowest_segment(const struct log *log);

/* Reads a payload again into `out` (capacity >= position->bytes); fills `record` with payload = out.
 * Threads: any, beside everything but log_close: it uses only what never changes. LOG_ERR_GONE when the segment was given up meanwhile. */
enum log_result log_read(const struct log *log, const struct log_position *position, void *out, size_t capacity, struct log_record *record);
#endif
