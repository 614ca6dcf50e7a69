/* replica/log/writer.h - the log's thread in a real process: all that is queued, one write, one flush, one callback. No timer holds a group back.
 *
 * Between groups it prepares the next segment piece by piece; a tenth of a second after the last group it writes the marker. */
#ifndef REPLICA_LOG_WRITER_H
#define REPLICA_LOG_WRITER_H
#include "replica/log/log.h"

struct log_writer;

struct log_writer_state {
	uint64_t durable_lsn; /* everything up to here is on disk               */
	bool failed;          /* final: stop voting                             */
	bool low_space;       /* take no new work until it is false again       */
};
/* Runs on the writer's thread, outside its lock, after each group and when `failed` or `low_space` changes; it should only wake the loop (uv_async_send). */
typedef void (*log_writer_fn)(void *arg);

struct log_writer_options {
	bool flush; /* durability: flush (true) or os (false: the write alone counts; power loss loses what the kernel held) */
	log_writer_fn notify;
	void *arg;
};

/* Starts the thread. It owns `log` until log_writer_stop: nobody else calls log_* on it but log_read. NULL: no memory or no thread. */
struct log_writer *log_writer_start(struct log *log, const struct log_writer_options *options);
/* Writes what is queued (unless that is impossible: failed, or no space), writes the marker, ends the thread and frees the writer; the log stays the caller's.
 * Returns whether everything that was appended is on disk. */
bool log_writer_stop(struct log_writer *w);

/* As log_append; any thread. log_writer_queue leaves it to a later append or kick to wake the thread: what belongs together then shares a flush, and what
 * nothing waits for costs none of its own. */
enum log_result log_writer_queue(struct log_writer *w, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
                                 struct log_position *position);
void log_writer_kick(struct log_writer *w);
enum log_result log_writer_append(struct log_writer *w, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
                                  struct log_position *position);
void log_writer_truncate_below(struct log_writer *w, uint64_t lsn);
uint64_t log_writer_lowest_segment(struct log_writer *w);
struct log_writer_state log_writer_state(struct log_writer *w);
#endif
