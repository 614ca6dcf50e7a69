/* replica/log/log.c - queueing, sealing and reading records. Making segments is in fill.c, reading all of it at start in recover.c. */
#include "replica/log/log_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_CAPACITY_FIRST (64u * 1024)
#define GROUP_CAPACITY_KEPT (1u << 20)

const char *log_text(enum log_result result)
{
	switch (result) {
	case LOG_OK: return "done";
	case LOG_ERR_FULL: return "too much waits for the disk";
	case LOG_ERR_TOO_LARGE: return "the record is larger than a segment can hold";
	case LOG_ERR_MEMORY: return "out of memory";
	case LOG_ERR_FAILED: return "a write or flush of the log failed: this process must not vote any more";
	case LOG_ERR_IO: return "the disk answered with an error";
	case LOG_ERR_SPACE: return "the disk has no room for the next log segment";
	case LOG_ERR_GONE: return "that part of the log is not kept any more";
	case LOG_ERR_DAMAGED: return "that part of the log is damaged";
	case LOG_ERR_EXISTS: return "the folder holds a log already";
	case LOG_ERR_NONE: return "the folder holds no log";
	case LOG_ERR_REFUSED: return "the folder's content does not belong to this log";
	}
	return "unknown result";
}

const char *log_options_check(const struct log_options *options)
{
	if (options->segment_bytes < LOG_SEGMENT_BYTES_MIN || options->segment_bytes > LOG_SEGMENT_BYTES_MAX)
		return "a log segment has between 16 KiB and 1 GiB";
	if (options->segment_bytes % LOG_BLOCK_BYTES != 0)
		return "the size of a log segment must be a multiple of 4096 bytes";
	return NULL;
}

uint32_t log_segment_bytes_for(uint32_t payload)
{
	uint32_t bytes = LOG_BLOCK_BYTES + layout_round_up(LAYOUT_GROUP_HEADER_BYTES + LAYOUT_RECORD_HEADER_BYTES + payload);
	return bytes > LOG_SEGMENT_BYTES_MIN ? bytes : LOG_SEGMENT_BYTES_MIN;
}

struct log *log_create(const struct log_disk *disk, const struct digest *cluster, uint64_t salt, uint32_t segment_bytes, size_t queue_bytes)
{
	struct log *log = calloc(1, sizeof *log);
	if (!log)
		return NULL;
	log->disk = *disk;
	log->cluster = *cluster;
	log->salt = salt;
	log->base = layout_base(cluster, salt);
	log->segment_bytes = segment_bytes;
	uint32_t room = segment_bytes - LOG_BLOCK_BYTES;
	log->group_bytes_max = room < LAYOUT_GROUP_BYTES_MAX ? room : LAYOUT_GROUP_BYTES_MAX;
	log->queue_max = queue_bytes ? queue_bytes : LOG_QUEUE_BYTES_DEFAULT;
	log->current_handle = log->next_handle = log->fill.handle = -1;
	log->lowest = log->lowest_durable = 1;
	log->current_used = true;
	return log;
}

static void group_free(struct log_group *g)
{
	if (!g)
		return;
	free(g->bytes);
	free(g);
}

static void handle_close(struct log *log, int *handle)
{
	if (*handle >= 0)
		log->disk.close(log->disk.user, *handle);
	*handle = -1;
}

void log_close(struct log *log)
{
	if (!log)
		return;
	while (log->head) {
		struct log_group *next = log->head->next;
		group_free(log->head);
		log->head = next;
	}
	group_free(log->idle);
	handle_close(log, &log->current_handle);
	handle_close(log, &log->next_handle);
	handle_close(log, &log->fill.handle);
	free(log);
}

struct log_segment *log_segment_find(struct log *log, uint64_t number)
{
	for (uint32_t i = log->segments_count; i-- > 0;) { /* the newest are asked for most */
		if (log->segments[i].number == number)
			return &log->segments[i];
	}
	return NULL;
}

bool log_segment_add(struct log *log, uint64_t number)
{
	if (log->segments_count >= LOG_SEGMENTS_MAX)
		return false;
	log->segments[log->segments_count++] = (struct log_segment){ .number = number };
	return true;
}

/* Where a group of `bytes` goes after `end`: a group never spans two segments. */
static struct layout_place place_for(const struct log *log, struct layout_place end, uint32_t bytes)
{
	if (bytes <= log->segment_bytes - end.offset)
		return end;
	return (struct layout_place){ end.segment + 1, LOG_BLOCK_BYTES };
}

static bool group_reserve(struct log_group *g, uint32_t bytes)
{
	if (bytes <= g->capacity)
		return true;
	uint32_t capacity = g->capacity ? g->capacity : GROUP_CAPACITY_FIRST;
	while (capacity < bytes)
		capacity *= 2; /* at most twice LAYOUT_GROUP_BYTES_MAX */
	uint8_t *grown = realloc(g->bytes, capacity);
	if (!grown)
		return false;
	g->bytes = grown;
	g->capacity = capacity;
	return true;
}

static struct log_group *group_open(struct log *log, uint32_t record_bytes)
{
	struct log_group *g = log->idle ? log->idle : calloc(1, sizeof *g);
	if (!g)
		return NULL;
	log->idle = g; /* until it is complete, so that nothing leaks */
	uint32_t used = LAYOUT_GROUP_HEADER_BYTES + record_bytes;
	if (!group_reserve(g, layout_round_up(used)))
		return NULL;
	log->idle = NULL;
	g->next = NULL;
	g->records = 0;
	g->lsn = g->lsn_held = 0;
	g->used = LAYOUT_GROUP_HEADER_BYTES;
	g->at = place_for(log, log->end, layout_round_up(used));
	if (log->tail)
		log->tail->next = g;
	else
		log->head = g;
	log->tail = g;
	return g;
}

/* The tail, when it is not sealed and the record fits into it and into its segment. */
static struct log_group *group_joinable(const struct log *log, uint32_t record_bytes)
{
	struct log_group *g = log->tail;
	if (!g || (g == log->head && log->in_flight))
		return NULL;
	uint32_t bytes = layout_round_up(g->used + record_bytes);
	return bytes <= log->group_bytes_max && bytes <= log->segment_bytes - g->at.offset ? g : NULL;
}

static void record_put(struct log *log, struct log_group *g, const struct log_record *r, const struct iovec *pieces, unsigned count)
{
	struct layout_place at = { g->at.segment, g->at.offset + g->used };
	uint8_t *out = g->bytes + g->used, *payload = out + LAYOUT_RECORD_HEADER_BYTES;
	for (unsigned i = 0; i < count; i++) {
		if (pieces[i].iov_len > 0)
			memcpy(payload, pieces[i].iov_base, pieces[i].iov_len);
		payload += pieces[i].iov_len;
	}
	layout_record_seal(out, r, at, log->base);
	g->used += LAYOUT_RECORD_HEADER_BYTES + r->bytes;
	g->records++;

	if (r->lsn > log->lsn_appended)
		log->lsn_appended = r->lsn;
	if (r->lsn > g->lsn)
		g->lsn = r->lsn;
	uint64_t held = r->lsn ? r->lsn : log->lsn_appended + 1;
	if (held > g->lsn_held)
		g->lsn_held = held;
}

enum log_result log_append(struct log *log, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
                           struct log_position *position)
{
	if (log->failed)
		return LOG_ERR_FAILED;
	if (count > LOG_IOV_MAX)
		return LOG_ERR_TOO_LARGE;
	size_t payload = 0;
	for (unsigned i = 0; i < count; i++) {
		if (pieces[i].iov_len > LOG_PAYLOAD_MAX - payload)
			return LOG_ERR_TOO_LARGE;
		payload += pieces[i].iov_len;
	}
	uint32_t bytes = LAYOUT_RECORD_HEADER_BYTES + (uint32_t)payload;
	if (layout_round_up(LAYOUT_GROUP_HEADER_BYTES + bytes) > log->group_bytes_max)
		return LOG_ERR_TOO_LARGE;
	if (log->queued > 0 && (log->queued > log->queue_max || bytes > log->queue_max - log->queued))
		return LOG_ERR_FULL;

	struct log_group *g = group_joinable(log, bytes);
	if (!g)
		g = group_open(log, bytes);
	if (!g || !group_reserve(g, layout_round_up(g->used + bytes)))
		return LOG_ERR_MEMORY;

	if (position)
		*position = (struct log_position){ g->at.segment, g->at.offset + g->used, (uint32_t)payload };
	struct log_record r = { .type = type, .flags = flags, .lsn = lsn, .seq = seq, .bytes = (uint32_t)payload };
	record_put(log, g, &r, pieces, count);
	log->queued += bytes;
	log->end = (struct layout_place){ g->at.segment, g->at.offset + layout_round_up(g->used) };
	return LOG_OK;
}

/* The handle for writing at `at`, moving on to the next segment when it lies there; -1 when that is not ready. */
static int handle_for(struct log *log, struct layout_place at)
{
	if (at.segment == log->current)
		return log->current_handle;
	if (log->next_handle < 0)
		return -1;
	handle_close(log, &log->current_handle);
	log->current_handle = log->next_handle;
	log->next_handle = -1;
	log->current++;
	log->current_used = false; /* recovery relies on it: see settle */
	return log->current_handle;
}

static void header_put(struct log *log, uint8_t *out, enum layout_kind kind, struct layout_place at, uint32_t used, uint32_t records)
{
	struct layout_group g = {
		.kind = kind,
		.bytes = layout_round_up(used),
		.used = used,
		.records = records,
		.at = at,
		.prev = log->flushed,
		.lowest = log->lowest,
		.newest = log->newest,
	};
	layout_group_encode(out, &g, log->base);
	log->lowest_taken = log->lowest;
}

bool log_group_take(struct log *log, struct log_io *io)
{
	struct log_group *g = log->head;
	if (log->failed || log->in_flight || !g)
		return false;
	int handle = handle_for(log, g->at);
	if (handle < 0)
		return false;
	uint32_t n = layout_round_up(g->used);
	memset(g->bytes + g->used, 0, n - g->used);
	header_put(log, g->bytes, LAYOUT_GROUP, g->at, g->used, g->records);
	struct log_segment *s = log_segment_find(log, g->at.segment);
	if (s && g->lsn_held > s->lsn_held)
		s->lsn_held = g->lsn_held;
	log->in_flight = true;
	log->marking = log->marked = false;
	*io = (struct log_io){ handle, g->at.offset, g->bytes, n };
	return true;
}

bool log_mark_wanted(const struct log *log)
{
	return !log->failed && !log->in_flight && !log->head && !log->marked;
}

bool log_mark(struct log *log, struct log_io *io)
{
	if (!log_mark_wanted(log))
		return false;
	struct layout_place at = place_for(log, log->end, LOG_BLOCK_BYTES);
	int handle = handle_for(log, at);
	if (handle < 0)
		return false;
	memset(log->marker, 0, sizeof log->marker);
	header_put(log, log->marker, LAYOUT_MARK, at, LAYOUT_GROUP_HEADER_BYTES, 0);
	log->in_flight = log->marking = true;
	*io = (struct log_io){ handle, at.offset, log->marker, sizeof log->marker };
	return true;
}

static void group_retire(struct log *log, struct log_group *g)
{
	log->queued -= g->used - LAYOUT_GROUP_HEADER_BYTES;
	log->head = g->next;
	if (!log->head)
		log->tail = NULL;
	if (!log->idle && g->capacity <= GROUP_CAPACITY_KEPT)
		log->idle = g;
	else
		group_free(g);
}

void log_group_done(struct log *log, bool ok)
{
	if (!log->in_flight)
		return;
	log->in_flight = false;
	if (!ok || log->failed) {
		log->failed = true;
		return;
	}
	log->lowest_durable = log->lowest_taken;
	if (log->marking) {
		log->marking = false;
		log->marked = true;
		return;
	}
	struct log_group *g = log->head;
	log->current_used = true;
	log->flushed = (struct layout_place){ g->at.segment, g->at.offset + layout_round_up(g->used) };
	if (g->lsn > log->lsn_durable)
		log->lsn_durable = g->lsn;
	group_retire(log, g);
}

uint64_t log_durable_lsn(const struct log *log)
{
	return log->lsn_durable;
}

bool log_failed(const struct log *log)
{
	return log->failed;
}

bool log_queue_empty(const struct log *log)
{
	return log->head == NULL;
}

const struct log_disk *log_disk_of(const struct log *log)
{
	return &log->disk;
}

size_t log_queued_bytes(const struct log *log)
{
	return log->queued;
}

uint32_t log_segment_bytes(const struct log *log)
{
	return log->segment_bytes;
}

void log_truncate_below(struct log *log, uint64_t lsn)
{
	uint64_t before = log->lowest;
	for (uint32_t i = 0; i < log->segments_count; i++) {
		const struct log_segment *s = &log->segments[i];
		if (s->number < log->lowest)
			continue;
		if (s->number >= log->current || s->lsn_held >= lsn)
			break;
		log->lowest = s->number + 1;
	}
	if (log->lowest != before)
		log->marked = false; /* an idle log says so in a marker: the space comes back without new work */
}

uint64_t log_lowest_segment(const struct log *log)
{
	return log->lowest;
}

static enum log_result read_at(const struct log *log, int handle, const struct log_position *position, void *out, struct log_record *record)
{
	uint8_t head[LAYOUT_RECORD_HEADER_BYTES];
	struct layout_place at = { position->segment, position->offset };
	uint32_t crc;
	int64_t n = log->disk.pread(log->disk.user, handle, head, sizeof head, position->offset);
	if (n < 0)
		return LOG_ERR_IO;
	if (n != (int64_t)sizeof head || !layout_record_header(record, &crc, head, at, log->base) || record->bytes != position->bytes)
		return LOG_ERR_DAMAGED;
	n = log->disk.pread(log->disk.user, handle, out, record->bytes, (uint64_t)position->offset + sizeof head);
	if (n < 0)
		return LOG_ERR_IO;
	record->payload = out;
	return n == (int64_t)record->bytes && layout_payload_ok(out, record->bytes, crc, at, log->base) ? LOG_OK : LOG_ERR_DAMAGED;
}

enum log_result log_read(const struct log *log, const struct log_position *position, void *out, size_t capacity, struct log_record *record)
{
	if (position->bytes > capacity || position->bytes > LOG_PAYLOAD_MAX || position->offset < LOG_BLOCK_BYTES ||
	    position->offset > log->segment_bytes - LAYOUT_RECORD_HEADER_BYTES)
		return LOG_ERR_TOO_LARGE;
	char name[DISK_NAME_MAX];
	layout_segment_name(name, position->segment);
	int handle;
	int e = log->disk.open(log->disk.user, name, false, &handle);
	if (e != 0)
		return e == -ENOENT ? LOG_ERR_GONE : LOG_ERR_IO;
	enum log_result result = read_at(log, handle, position, out, record);
	log->disk.close(log->disk.user, handle);

	/* Reused under our hands? Then the name has gone before the bytes changed. */
	if (result == LOG_ERR_DAMAGED) {
		e = log->disk.open(log->disk.user, name, false, &handle);
		if (e == -ENOENT)
			return LOG_ERR_GONE;
		if (e == 0)
			log->disk.close(log->disk.user, handle);
	}
	return result;
}
