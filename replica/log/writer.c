/* replica/log/writer.c - see writer.h. */
#include "replica/log/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define MARK_AFTER_NS 100000000ull   /* idle for so long: the marker                                  */
#define SPACE_RETRY_NS 1000000000ull /* the disk is full: look again so often                         */

struct log_writer {
	struct log *log; /* under `lock`, but for log_fill_work and the write itself */
	struct log_writer_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
	bool said_failed, said_low_space;
};

/* Tells the loop, outside the lock. Requires: locked. */
static void notify(struct log_writer *w)
{
	w->said_failed = log_failed(w->log);
	w->said_low_space = log_low_space(w->log);
	pthread_mutex_unlock(&w->lock);
	w->options.notify(w->options.arg);
	pthread_mutex_lock(&w->lock);
}

static void notify_changes(struct log_writer *w)
{
	if (w->said_failed != log_failed(w->log) || w->said_low_space != log_low_space(w->log))
		notify(w);
}

static bool disk_write(struct log_writer *w, const struct log_io *io, const struct log_disk *disk)
{
	return disk->pwrite(disk->user, io->handle, io->bytes, io->n, io->offset) == 0 && (!w->options.flush || disk->sync(disk->user, io->handle) == 0);
}

/* Requires: locked, before and after. */
static void write_out(struct log_writer *w, const struct log_io *io)
{
	const struct log_disk *disk = log_disk_of(w->log);
	pthread_mutex_unlock(&w->lock);
	bool ok = disk_write(w, io, disk);
	pthread_mutex_lock(&w->lock);
	log_group_done(w->log, ok);
}

static bool write_group(struct log_writer *w)
{
	struct log_io io;
	if (!log_group_take(w->log, &io))
		return false;
	write_out(w, &io);
	notify(w);
	return true;
}

static bool fill_some(struct log_writer *w)
{
	if (!log_fill_wanted(w->log))
		return false;
	pthread_mutex_unlock(&w->lock);
	log_fill_work(w->log);
	pthread_mutex_lock(&w->lock);
	log_fill_finish(w->log);
	notify_changes(w);
	return true;
}

/* Returns false when somebody woke us, true when `ns` have passed. */
static bool wait_ns(struct log_writer *w, uint64_t ns)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	ns += (uint64_t)until.tv_nsec;
	until.tv_sec += (time_t)(ns / 1000000000ull);
	until.tv_nsec = (long)(ns % 1000000000ull);
	return pthread_cond_timedwait(&w->wake, &w->lock, &until) != 0;
}

static void write_mark(struct log_writer *w)
{
	struct log_io io;
	if (log_mark(w->log, &io)) {
		write_out(w, &io);
		notify_changes(w);
	}
}

static void rest(struct log_writer *w)
{
	if (log_low_space(w->log) && !log_failed(w->log)) {
		if (wait_ns(w, SPACE_RETRY_NS) && !w->stopping) {
			write_mark(w); /* it may give up segments, which can be used again */
			log_reclaim_retry(w->log);
		}
	} else if (log_mark_wanted(w->log)) {
		if (wait_ns(w, MARK_AFTER_NS) && !w->stopping)
			write_mark(w);
	} else {
		pthread_cond_wait(&w->wake, &w->lock);
	}
}

static void *run(void *arg)
{
	struct log_writer *w = arg;
	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		if (!write_group(w) && !fill_some(w))
			rest(w);
	}
	/* Groups that wait for the next segment get it now, if there is room. */
	log_reclaim_retry(w->log);
	while (!log_queue_empty(w->log) && (write_group(w) || fill_some(w)))
		continue;
	write_mark(w);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct log_writer *log_writer_start(struct log *log, const struct log_writer_options *options)
{
	struct log_writer *w = calloc(1, sizeof *w);
	if (!w)
		return NULL;
	w->log = log;
	w->options = *options;
	pthread_condattr_t attr;
	if (pthread_condattr_init(&attr) != 0)
		goto err_attr;
	if (pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 || pthread_cond_init(&w->wake, &attr) != 0)
		goto err_cond;
	if (pthread_mutex_init(&w->lock, NULL) != 0)
		goto err_lock;
	if (pthread_create(&w->thread, NULL, run, w) != 0)
		goto err_thread;
	pthread_condattr_destroy(&attr);
	return w;
err_thread:
	pthread_mutex_destroy(&w->lock);
err_lock:
	pthread_cond_destroy(&w->wake);
err_cond:
	pthread_condattr_destroy(&attr);
err_attr:
	free(w);
	return NULL;
}

bool log_writer_stop(struct log_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	bool whole = log_queue_empty(w->log) && !log_failed(w->log);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w);
	return whole;
}

enum log_result log_writer_queue(struct log_writer *w, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
                                 struct log_position *position)
{
	pthread_mutex_lock(&w->lock);
	enum log_result result = log_append(w->log, type, flags, lsn, seq, pieces, count, position);
	pthread_mutex_unlock(&w->lock);
	return result;
}

void log_writer_kick(struct log_writer *w)
{
	/* The lock is taken so that a thread about to sleep sees what was queued, and given back first so that it does not wake up only to wait for it. */
	pthread_mutex_lock(&w->lock);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_signal(&w->wake);
}

enum log_result log_writer_append(struct log_writer *w, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
                                  struct log_position *position)
{
	enum log_result result = log_writer_queue(w, type, flags, lsn, seq, pieces, count, position);
	if (result == LOG_OK)
		log_writer_kick(w);
	return result;
}

void log_writer_truncate_below(struct log_writer *w, uint64_t lsn)
{
	pthread_mutex_lock(&w->lock);
	log_truncate_below(w->log, lsn);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

uint64_t log_writer_lowest_segment(struct log_writer *w)
{
	pthread_mutex_lock(&w->lock);
	uint64_t lowest = log_lowest_segment(w->log);
	pthread_mutex_unlock(&w->lock);
	return lowest;
}

struct log_writer_state log_writer_state(struct log_writer *w)
{
	pthread_mutex_lock(&w->lock);
	struct log_writer_state s = { log_durable_lsn(w->log), log_failed(w->log), log_low_space(w->log) };
	pthread_mutex_unlock(&w->lock);
	return s;
}
