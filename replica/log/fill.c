/* replica/log/fill.c - the next segment, made ahead: from an old one that nobody needs, or from zeros.
 *
 * Both are made under LAYOUT_FILL_NAME and get their number by a rename at the very end, after a flush. So every segment with a number has a whole preamble,
 * and a crash leaves only a file that log_open removes. */
#include "replica/log/log_state.h"

#include <errno.h>
#include <string.h>

#define STEP_BYTES (1u << 20)
#define RECYCLED_KEPT 4u /* old segments kept for reuse; more are removed, so that a bulge gives its space back */
static const uint8_t zeros[64 * 1024];

static uint32_t recyclable_count(const struct log *log)
{
	uint32_t n = 0;
	while (n < log->segments_count && log->segments[n].number < log->lowest_durable)
		n++;
	return n;
}

static void forget_first_segment(struct log *log)
{
	log->segments_count--;
	memmove(log->segments, log->segments + 1, log->segments_count * sizeof log->segments[0]);
}

bool log_fill_wanted(struct log *log)
{
	struct log_fill *f = &log->fill;
	if (log->failed || log->in_flight || f->work != LOG_FILL_NOTHING)
		return false;
	uint32_t recyclable = recyclable_count(log);
	bool missing = log->next_handle < 0 && log->current_used;
	/* A fresh one that is half filled is finished, unless the disk is full: then an old one takes its place. */
	bool reuse = missing && !f->recycled && (f->handle < 0 || log->low_space);
	if (recyclable > RECYCLED_KEPT || (recyclable > 0 && reuse)) {
		f->work = reuse ? LOG_FILL_RECYCLE : LOG_FILL_UNLINK;
		f->old = log->segments[0].number;
		forget_first_segment(log);
	} else if (missing && log->segments_count < LOG_SEGMENTS_MAX && (!log->low_space || log->retry)) {
		f->work = f->zeroed < log->segment_bytes ? LOG_FILL_ZERO : LOG_FILL_PUBLISH;
	} else {
		log->low_space = log->low_space || (missing && log->segments_count >= LOG_SEGMENTS_MAX);
		return false;
	}
	log->retry = false;
	f->number = log->newest + 1;
	f->lowest = log->lowest_durable;
	f->error = 0;
	return true;
}

static int work_zero(struct log *log)
{
	struct log_fill *f = &log->fill;
	int e = f->handle < 0 ? log->disk.open(log->disk.user, LAYOUT_FILL_NAME, true, &f->handle) : 0;
	for (uint32_t done = 0; e == 0 && done < STEP_BYTES && f->zeroed < log->segment_bytes;) {
		uint32_t left = log->segment_bytes - f->zeroed;
		uint32_t n = left < sizeof zeros ? left : (uint32_t)sizeof zeros;
		e = log->disk.pwrite(log->disk.user, f->handle, zeros, n, f->zeroed);
		if (e == 0) {
			f->zeroed += n;
			done += n;
		}
	}
	if (e != 0)
		return e;
	e = log->disk.sync(log->disk.user, f->handle);
	if (e != 0)
		f->zeroed = 0; /* what a failed flush has kept is unknown: all of it is written again */
	return e;
}

/* One that is not of the log's size (somebody cut it) would pass for a damaged segment once groups stand in it: it is given up, and a fresh one made. */
static int recycle_opened(struct log *log)
{
	struct log_fill *f = &log->fill;
	uint64_t bytes = 0;
	int e = log->disk.size(log->disk.user, f->handle, &bytes);
	f->recycled = e == 0 && bytes == log->segment_bytes;
	f->zeroed = f->recycled ? log->segment_bytes : 0; /* old groups stay: their CRCs name another segment */
	if (e != 0 || f->recycled)
		return e;
	log->disk.close(log->disk.user, f->handle);
	f->handle = -1;
	return log->disk.unlink(log->disk.user, LAYOUT_FILL_NAME);
}

/* The name goes first and is flushed: until then the old segment, which a durable group has given up, lies there whole. */
static int work_recycle(struct log *log)
{
	struct log_fill *f = &log->fill;
	char name[DISK_NAME_MAX];
	layout_segment_name(name, f->old);
	if (f->handle >= 0)
		log->disk.close(log->disk.user, f->handle); /* the half-filled one, which the rename replaces */
	f->handle = -1;
	int e = log->disk.rename(log->disk.user, name, LAYOUT_FILL_NAME);
	if (e == 0)
		e = log->disk.sync_folder(log->disk.user);
	if (e == 0)
		e = log->disk.open(log->disk.user, LAYOUT_FILL_NAME, false, &f->handle);
	if (e == 0)
		e = recycle_opened(log);
	return e;
}

static int work_unlink(struct log *log)
{
	char name[DISK_NAME_MAX];
	layout_segment_name(name, log->fill.old);
	int e = log->disk.unlink(log->disk.user, name);
	return e == -ENOENT ? 0 : e;
}

static int work_publish(struct log *log)
{
	struct log_fill *f = &log->fill;
	struct layout_preamble p = { LAYOUT_VERSION, log->segment_bytes, log->cluster, log->salt, f->number, f->lowest, f->recycled };
	uint8_t block[LOG_BLOCK_BYTES];
	layout_preamble_encode(block, &p);
	char name[DISK_NAME_MAX];
	layout_segment_name(name, f->number);
	int e = log->disk.pwrite(log->disk.user, f->handle, block, sizeof block, 0);
	if (e == 0)
		e = log->disk.sync(log->disk.user, f->handle);
	if (e == 0)
		e = log->disk.rename(log->disk.user, LAYOUT_FILL_NAME, name);
	return e == 0 ? log->disk.sync_folder(log->disk.user) : e;
}

void log_fill_work(struct log *log)
{
	switch (log->fill.work) {
	case LOG_FILL_ZERO: log->fill.error = work_zero(log); break;
	case LOG_FILL_RECYCLE: log->fill.error = work_recycle(log); break;
	case LOG_FILL_UNLINK: log->fill.error = work_unlink(log); break;
	case LOG_FILL_PUBLISH: log->fill.error = work_publish(log); break;
	case LOG_FILL_NOTHING: break;
	}
}

void log_fill_finish(struct log *log)
{
	struct log_fill *f = &log->fill;
	enum log_fill_work done = f->work;
	f->work = LOG_FILL_NOTHING;
	bool full = done == LOG_FILL_ZERO && (f->error == -ENOSPC || f->error == -EDQUOT);
	if (full) {
		log->low_space = true; /* what is zeroed so far stays; the rest is tried again when asked */
		return;
	}
	if (f->error != 0) {
		log->failed = true;
		return;
	}
	if (done == LOG_FILL_ZERO || done == LOG_FILL_RECYCLE) {
		log->retry = log->low_space; /* it goes on: no need to be asked */
		return;
	}
	if (done != LOG_FILL_PUBLISH)
		return;
	log->newest = f->number;
	log->next_handle = f->handle;
	log->low_space = false;
	*f = (struct log_fill){ .handle = -1 };
	(void)log_segment_add(log, log->newest); /* there is room: log_fill_wanted looked */
}

void log_prepare(struct log *log)
{
	while (log_fill_wanted(log)) {
		log_fill_work(log);
		log_fill_finish(log);
	}
}

bool log_low_space(const struct log *log)
{
	return log->low_space;
}

void log_reclaim_retry(struct log *log)
{
	log->retry = true;
}

enum log_result log_reclaim_try(struct log *log)
{
	log->retry = true;
	log_prepare(log);
	if (log->failed)
		return LOG_ERR_FAILED;
	return log->next_handle >= 0 ? LOG_OK : LOG_ERR_SPACE;
}
