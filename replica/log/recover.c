/* replica/log/recover.c - log_format and log_open: what is in the folder, judged from the first segment to the last.
 *
 *   list_folder      only our names may be there
 *   survey           preambles, and the newest group: which log is it, which segments must exist
 *   walk             every group in order; each must begin where the one before ended
 *   settle           where to go on writing; the torn tail is zeroed
 *
 * The walk tells damage from a torn tail by what follows (design section 8): a group is written only after the one before is flushed, so whatever is bad
 * with a group or marker behind it had been flushed. Only the last place can be torn. */
#include "replica/log/log_state.h"
#include "replica/log/segment_reader.h"

#include "replica/log/superblock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recovery {
	const struct log_disk *disk;
	const struct log_options *options;
	log_visit_fn visit;
	void *arg;
	struct log_report *report;
	struct segment_reader reader; /* the walk's                                     */
	struct segment_reader ahead;  /* looks behind a bad place                       */
	uint64_t present[LOG_SEGMENTS_MAX];
	uint32_t present_count;
	uint32_t first; /* index of the lowest segment that is needed            */
	bool fill_file, too_many;
	char foreign[DISK_NAME_MAX];

	bool known; /* salt and size are from a preamble */
	uint64_t salt, lowest, newest;
	uint32_t segment_bytes, base;
	bool recycled[LOG_SEGMENTS_MAX], damaged[LOG_SEGMENTS_MAX];
	uint64_t held[LOG_SEGMENTS_MAX]; /* highest lsn up to and with this segment */

	bool have_end;           /* `end` is the end of the last group: the next must say so */
	struct layout_place end; /* of the last whole group */
	bool any_group, marked;
	struct layout_place mark; /* if marked */
	uint64_t lsn_held;
	enum log_result result; /* first refusal; ends everything */
	uint8_t *group;
	uint32_t group_capacity;
};

/* ---- what is said about it ---- */

static void say(char reason[LOG_REASON_BYTES], const char *format, va_list args)
{
	vsnprintf(reason, LOG_REASON_BYTES, format, args);
}

__attribute__((format(printf, 3, 4))) static bool refuse(struct recovery *r, enum log_result result, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (r->result == LOG_OK)
		say(r->report->reason, format, args);
	va_end(args);
	if (r->result == LOG_OK)
		r->result = result;
	return false;
}

static bool refuse_io(struct recovery *r, const char *what, int error)
{
	char text[96];
	return refuse(r, error == -ENOMEM ? LOG_ERR_MEMORY : LOG_ERR_IO, "%s: %s", what, strerror_r(-error, text, sizeof text));
}

__attribute__((format(printf, 4, 5))) static void damage(struct recovery *r, uint64_t segment, uint32_t offset, const char *format, ...)
{
	struct log_report *report = r->report;
	for (uint32_t i = 0; i < r->present_count; i++)
		r->damaged[i] = r->damaged[i] || r->present[i] == segment;
	if (report->damaged_count++ > 0)
		return;
	va_list args;
	va_start(args, format);
	say(report->reason, format, args);
	va_end(args);
	report->class = LOG_DAMAGED;
	report->first_bad = (struct log_position){ .segment = segment, .offset = offset };
	report->lsn_before = report->last_lsn;
}

/* ---- the folder ---- */

static void list_name(void *arg, const char *name)
{
	struct recovery *r = arg;
	uint64_t number;
	if (layout_segment_number(name, &number)) {
		if (r->present_count < LOG_SEGMENTS_MAX)
			r->present[r->present_count++] = number;
		else
			r->too_many = true;
	} else if (strcmp(name, LAYOUT_FILL_NAME) == 0) {
		r->fill_file = true;
	} else if (strcmp(name, SUPERBLOCK_NAME) != 0 && strcmp(name, SUPERBLOCK_NEW_NAME) != 0 && strcmp(name, LAYOUT_LOCK_NAME) != 0) {
		snprintf(r->foreign, sizeof r->foreign, "%s", name);
	}
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static bool list_folder(struct recovery *r)
{
	int e = r->disk->list(r->disk->user, list_name, r);
	if (e != 0)
		return refuse_io(r, "the log folder cannot be listed", e);
	if (r->foreign[0])
		return refuse(r, LOG_ERR_REFUSED, "the log folder holds a file that is not the log's: \"%s\"; move it elsewhere", r->foreign);
	if (r->too_many)
		return refuse(r, LOG_ERR_REFUSED, "the log folder holds more than %u segments", LOG_SEGMENTS_MAX);
	qsort(r->present, r->present_count, sizeof r->present[0], compare_numbers);
	return true;
}

/* ---- survey ---- */

static bool survey_preamble(struct recovery *r, uint32_t i, const struct layout_preamble *p)
{
	char name[DISK_NAME_MAX];
	layout_segment_name(name, r->present[i]);
	if (p->version != LAYOUT_VERSION)
		return refuse(r, LOG_ERR_REFUSED, "log segment %s is of format version %u; this release knows %u", name, p->version, LAYOUT_VERSION);
	if (!digest_equal(&p->cluster, &r->options->cluster))
		return refuse(r, LOG_ERR_REFUSED, "log segment %s belongs to another cluster", name);
	if (p->segment_bytes < LOG_SEGMENT_BYTES_MIN || p->segment_bytes > LOG_SEGMENT_BYTES_MAX || p->segment_bytes % LOG_BLOCK_BYTES != 0)
		return refuse(r, LOG_ERR_REFUSED, "log segment %s names an impossible size", name);
	if (r->known && (p->salt != r->salt || p->segment_bytes != r->segment_bytes))
		return refuse(r, LOG_ERR_REFUSED, "log segment %s belongs to another log of this cluster", name);
	r->known = true;
	r->salt = p->salt;
	r->segment_bytes = p->segment_bytes;
	r->recycled[i] = p->recycled;
	if (p->number == r->present[i] && p->lowest > r->lowest)
		r->lowest = p->lowest;
	return true;
}

static bool survey_segment(struct recovery *r, uint32_t i)
{
	if (!segment_reader_open(&r->reader, r->present[i]))
		return refuse_io(r, "a log segment cannot be opened", r->reader.error);
	const uint8_t *block = segment_block(&r->reader, 0);
	struct layout_preamble p;
	if (r->reader.error != 0)
		return refuse_io(r, "a log segment cannot be read", r->reader.error);
	return !block || !layout_preamble_decode(&p, block) || survey_preamble(r, i, &p);
}

/* The newest group says which segments are needed and which exist; all that are lower are for reuse. */
static bool survey_newest_group(struct recovery *r)
{
	bool found = false;
	for (uint32_t i = r->present_count; i-- > 0 && !found;) {
		if (!segment_reader_open(&r->reader, r->present[i]))
			return refuse_io(r, "a log segment cannot be opened", r->reader.error);
		struct layout_group g;
		for (uint32_t at = LOG_BLOCK_BYTES; segment_next_group(&r->reader, r->base, at, &g);) {
			found = true;
			r->lowest = g.lowest > r->lowest ? g.lowest : r->lowest;
			r->newest = g.newest > r->newest ? g.newest : r->newest;
			at = g.at.offset + (g.kind == LAYOUT_MARK ? LOG_BLOCK_BYTES : g.bytes);
		}
		if (r->reader.error != 0)
			return refuse_io(r, "a log segment cannot be read", r->reader.error);
	}
	return true;
}

static bool survey_missing(struct recovery *r)
{
	uint64_t expected = r->lowest;
	while (r->first < r->present_count && r->present[r->first] < r->lowest)
		r->first++;
	for (uint32_t i = r->first; i < r->present_count; i++) {
		if (r->present[i] != expected)
			damage(r, expected, 0, "log segment %" PRIu64 " is missing", expected);
		expected = r->present[i] + 1;
	}
	if (r->newest >= expected)
		damage(r, expected, 0, "log segment %" PRIu64 " is missing", expected);
	if (r->present_count > 0 && r->present[r->present_count - 1] > r->newest)
		r->newest = r->present[r->present_count - 1];
	return r->newest < LAYOUT_SEGMENT_MAX || refuse(r, LOG_ERR_REFUSED, "log segment %" PRIu64 " leaves no number for the next", r->newest);
}

static bool survey(struct recovery *r)
{
	r->lowest = 1;
	r->salt = r->options->salt;
	r->segment_bytes = r->options->segment_bytes;
	for (uint32_t i = 0; i < r->present_count; i++) {
		if (!survey_segment(r, i))
			return false;
	}
	r->base = layout_base(&r->options->cluster, r->salt);
	return survey_newest_group(r);
}

/* ---- walk ---- */

static bool is_zero(const uint8_t *bytes, size_t n)
{
	return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

/* As it was made: of its size, and its beginning says which it is. */
static bool segment_begins(struct segment_reader *reader)
{
	struct layout_preamble p;
	const uint8_t *block = segment_block(reader, 0);
	return reader->error == 0 && block && layout_preamble_decode(&p, block) && p.number == reader->number;
}

/* Whether any group or marker follows, or may have: from `offset` on in segment i, or in a later one. What a segment held that is not as it was made, nobody knows. */
static bool group_follows(struct recovery *r, uint32_t i, uint32_t offset)
{
	struct layout_group g;
	for (uint32_t k = i; k < r->present_count; k++, offset = LOG_BLOCK_BYTES) {
		if (!segment_reader_open(&r->ahead, r->present[k]))
			return refuse_io(r, "a log segment cannot be opened", r->ahead.error);
		if (segment_next_group(&r->ahead, r->base, offset, &g))
			return true;
		bool lost = k > i && (r->ahead.file_bytes != r->segment_bytes || !segment_begins(&r->ahead));
		if (r->ahead.error != 0)
			return refuse_io(r, "a log segment cannot be read", r->ahead.error);
		if (lost)
			return true;
	}
	return false;
}

static bool group_load(struct recovery *r, const struct layout_group *g)
{
	if (g->bytes > r->group_capacity) {
		uint8_t *grown = realloc(r->group, g->bytes);
		if (!grown)
			return refuse(r, LOG_ERR_MEMORY, "not enough memory to read a group of %u bytes from the log", g->bytes);
		r->group = grown;
		r->group_capacity = g->bytes;
	}
	int64_t n = r->disk->pread(r->disk->user, r->reader.handle, r->group, g->bytes, g->at.offset);
	return n == (int64_t)g->bytes || refuse_io(r, "a log segment cannot be read", n < 0 ? (int)n : -EIO);
}

static bool record_visit(struct recovery *r, struct log_record *record, const struct log_position *position)
{
	struct log_report *report = r->report;
	record->after_damage = report->damaged_count > 0;
	uint64_t held = record->lsn ? record->lsn : report->last_lsn + 1;
	r->lsn_held = held > r->lsn_held ? held : r->lsn_held;
	report->last_lsn = record->lsn > report->last_lsn ? record->lsn : report->last_lsn;
	if (record->after_damage && record->lsn > 0 && record->lsn < report->lsn_after)
		report->lsn_after = record->lsn;
	report->records++;
	return !r->visit || r->visit(r->arg, record, position) || refuse(r, LOG_ERR_REFUSED, "the reader of the log's records stopped");
}

static bool group_damage(struct recovery *r, const struct layout_group *g)
{
	damage(r, g->at.segment, g->at.offset, "a group in log segment %" PRIu64 " at %u is damaged", g->at.segment, g->at.offset);
	return false;
}

/* Goes through the records of a loaded group; with `deliver` each whole one is visited, and damage is noted between those that it lies between. Returns whether
 * all were whole; stops early when refused. */
static bool group_records(struct recovery *r, const struct layout_group *g, bool deliver)
{
	bool whole = true;
	uint32_t at = LAYOUT_GROUP_HEADER_BYTES;
	for (uint32_t i = 0; i < g->records; i++) {
		struct log_record record;
		uint32_t crc;
		struct layout_place place = { g->at.segment, g->at.offset + at };
		if (LAYOUT_RECORD_HEADER_BYTES > g->used - at || !layout_record_header(&record, &crc, r->group + at, place, r->base) ||
		    record.bytes > g->used - at - LAYOUT_RECORD_HEADER_BYTES)
			return deliver && group_damage(r, g); /* where the next would begin is unknown */
		record.payload = r->group + at + LAYOUT_RECORD_HEADER_BYTES;
		bool ok = layout_payload_ok(record.payload, record.bytes, crc, place, r->base);
		whole = whole && ok;
		if (deliver && !ok)
			(void)group_damage(r, g);
		struct log_position position = { place.segment, place.offset, record.bytes };
		if (deliver && ok && !record_visit(r, &record, &position))
			return false;
		at += LAYOUT_RECORD_HEADER_BYTES + record.bytes;
	}
	if (deliver && at != g->used)
		return group_damage(r, g);
	return whole && at == g->used;
}

/* A group must begin where the last one ended: else what lay between is lost. */
static void check_chain(struct recovery *r, const struct layout_group *g)
{
	bool first_in_segment = g->at.offset == LOG_BLOCK_BYTES;
	if (r->have_end) {
		if (g->prev.segment != r->end.segment || g->prev.offset != r->end.offset)
			damage(r, r->end.segment, r->end.offset, "groups of the log are missing from segment %" PRIu64 " at %u on", r->end.segment,
			       r->end.offset);
	} else if (!r->any_group && !first_in_segment) {
		damage(r, g->at.segment, LOG_BLOCK_BYTES, "groups of the log are missing from the beginning of segment %" PRIu64, g->at.segment);
	}
}

/* Segment i holds `g` in its place. False: the walk ends here, in a torn tail or a refusal. */
static bool walk_group(struct recovery *r, uint32_t i, const struct layout_group *g)
{
	check_chain(r, g);
	if (!group_load(r, g))
		return false;
	bool whole = group_records(r, g, false);
	if (!whole && !group_follows(r, i, g->at.offset + g->bytes)) {
		if (r->result == LOG_OK && r->report->class == LOG_CLEAN) {
			r->report->class = LOG_TORN;
			r->report->first_bad = (struct log_position){ g->at.segment, g->at.offset, 0 };
			r->report->lsn_before = r->report->last_lsn;
		}
		return false;
	}
	(void)group_records(r, g, true);
	r->any_group = r->have_end = true;
	r->end = (struct layout_place){ g->at.segment, g->at.offset + g->bytes };
	r->marked = false;
	return r->result == LOG_OK;
}

static bool walk_groups(struct recovery *r, uint32_t i)
{
	uint32_t offset = LOG_BLOCK_BYTES;
	struct layout_group g;
	while (segment_next_group(&r->reader, r->base, offset, &g)) {
		if (g.at.offset != offset) {
			damage(r, r->reader.number, offset, "log segment %" PRIu64 " is damaged at %u, and more follows", r->reader.number, offset);
			r->have_end = false; /* what is lost is known: no second complaint about the same place */
			r->any_group = true;
		}
		offset = g.at.offset;
		if (g.kind == LAYOUT_GROUP) {
			if (!walk_group(r, i, &g))
				return false;
			offset += g.bytes;
		} else {
			check_chain(r, &g);
			r->marked = true;
			r->mark = g.at;
			offset += LOG_BLOCK_BYTES;
			/* Only what overwrites a marker follows it. Anything behind it in this segment means that the overwriting group is lost. */
			struct layout_group behind;
			if (segment_next_group(&r->reader, r->base, offset, &behind)) {
				damage(r, r->reader.number, g.at.offset, "a group in log segment %" PRIu64 " at %u is lost", r->reader.number, g.at.offset);
				r->have_end = false;
				offset = behind.at.offset;
			}
		}
	}
	return r->reader.error == 0 || refuse_io(r, "a log segment cannot be read", r->reader.error);
}

static bool walk_segment(struct recovery *r, uint32_t i)
{
	uint64_t number = r->present[i];
	if (!segment_reader_open(&r->reader, number))
		return refuse_io(r, "a log segment cannot be opened", r->reader.error);
	if (r->reader.file_bytes != r->segment_bytes)
		damage(r, number, 0, "log segment %" PRIu64 " has %" PRIu64 " bytes instead of %u", number, r->reader.file_bytes, r->segment_bytes);
	if (!segment_begins(&r->reader) && r->reader.error == 0)
		damage(r, number, 0, "the beginning of log segment %" PRIu64 " is damaged", number);
	bool on = walk_groups(r, i);
	r->held[i] = r->lsn_held;
	return on;
}

static bool walk(struct recovery *r)
{
	for (uint32_t i = r->first; i < r->present_count; i++) {
		r->held[i] = r->lsn_held;
		if (!walk_segment(r, i))
			break;
	}
	/* What a damaged segment held is unknown: it is needed as long as the one after it. */
	for (uint32_t i = r->present_count; i-- > r->first;) {
		uint64_t next = i + 1 < r->present_count ? r->held[i + 1] : r->lsn_held;
		if (r->damaged[i] && next > r->held[i])
			r->held[i] = next;
	}
	return r->result == LOG_OK;
}

/* ---- settle ---- */

/* Zeroes what is left of a write that was never reported: as much as one group can be, in the blocks that are not zero already. */
static bool tail_zero(struct recovery *r, uint32_t i, uint32_t offset, bool *dirty)
{
	static const uint8_t zeros[LOG_BLOCK_BYTES];
	if (!segment_reader_open(&r->reader, r->present[i]))
		return refuse_io(r, "a log segment cannot be opened", r->reader.error);
	bool wrote = false;
	const uint8_t *block;
	for (uint32_t n = 0; n < LAYOUT_GROUP_BYTES_MAX && (block = segment_block(&r->reader, offset)) != NULL;
	     n += LOG_BLOCK_BYTES, offset += LOG_BLOCK_BYTES) {
		struct layout_group g;
		bool stale = layout_group_decode(&g, block, r->base) && g.at.segment < r->present[i];
		if (is_zero(block, LOG_BLOCK_BYTES))
			continue;
		/* In a reused segment old bytes are expected: only the first block tells whether something was being written here. */
		if (!stale && (n == 0 || !r->recycled[i]))
			*dirty = true;
		int e = r->disk->pwrite(r->disk->user, r->reader.handle, zeros, sizeof zeros, offset);
		if (e != 0)
			return refuse_io(r, "the log's tail cannot be zeroed", e);
		wrote = true;
	}
	if (r->reader.error != 0)
		return refuse_io(r, "a log segment cannot be read", r->reader.error);
	int e = wrote ? r->disk->sync(r->disk->user, r->reader.handle) : 0;
	return e == 0 || refuse_io(r, "the log's tail cannot be flushed", e);
}

static bool cut_tail(struct recovery *r, uint32_t at)
{
	bool dirty = false;
	for (uint32_t i = at; i < r->present_count; i++) {
		uint32_t from = i == at ? r->end.offset : LOG_BLOCK_BYTES;
		if (i == at && r->marked)
			from = r->mark.offset + LOG_BLOCK_BYTES; /* the marker lies at the end and stays */
		if (!tail_zero(r, i, from, &dirty))
			return false;
	}
	struct log_report *report = r->report;
	if (dirty && report->class == LOG_CLEAN) {
		report->class = LOG_TORN;
		report->first_bad = (struct log_position){ r->end.segment, r->end.offset, 0 };
		report->lsn_before = report->last_lsn;
	}
	if (report->class == LOG_TORN)
		snprintf(report->reason, sizeof report->reason, "an unfinished write was cut off the log in segment %" PRIu64 " at %u",
		         report->first_bad.segment, report->first_bad.offset);
	return true;
}

/* The segment in which the log goes on: with a full segment behind it, the marker is in the next. */
static uint64_t end_segment(const struct recovery *r)
{
	return r->marked && r->mark.segment > r->end.segment ? r->mark.segment : r->end.segment;
}

/* The index of that segment, or present_count. */
static uint32_t end_index(const struct recovery *r)
{
	for (uint32_t i = r->first; i < r->present_count; i++) {
		if (r->present[i] == end_segment(r))
			return i;
	}
	return r->present_count;
}

static bool open_segment(struct recovery *r, uint64_t number, int *handle)
{
	char name[DISK_NAME_MAX];
	layout_segment_name(name, number);
	int e = r->disk->open(r->disk->user, name, false, handle);
	if (e != 0)
		*handle = -1;
	return e == 0 || refuse_io(r, "a log segment cannot be opened", e);
}

static bool adopt_segments(struct recovery *r, struct log *log)
{
	for (uint32_t i = 0; i < r->present_count; i++) {
		if (!log_segment_add(log, r->present[i]))
			return refuse(r, LOG_ERR_REFUSED, "the log folder holds more than %u segments", LOG_SEGMENTS_MAX);
		log->segments[i].lsn_held = r->held[i];
		log->segments[i].damaged = r->damaged[i];
	}
	log->newest = r->newest;
	log->lowest = log->lowest_durable = r->lowest;
	log->lsn_durable = log->lsn_appended = r->report->last_lsn;
	log->flushed = log->end = r->end;
	return true;
}

/* After damage nothing is written where the damage may go on: a new segment is begun. */
static bool go_on_in_new_segment(struct recovery *r, struct log *log)
{
	log->current = log->newest;
	log_prepare(log);
	if (log->failed)
		return refuse(r, LOG_ERR_IO, "a new log segment cannot be made after the damaged ones");
	if (log->next_handle < 0)
		return refuse(r, LOG_ERR_SPACE, "there is no room for a new log segment after the damaged ones");
	log->current = log->newest;
	log->current_used = false;
	log->current_handle = log->next_handle;
	log->next_handle = -1;
	log->end = (struct layout_place){ log->current, LOG_BLOCK_BYTES };
	return true;
}

static bool settle(struct recovery *r, struct log *log)
{
	if (!r->any_group || r->end.segment < r->lowest)
		r->end = (struct layout_place){ r->lowest, LOG_BLOCK_BYTES };
	uint32_t at = end_index(r);
	if (at == r->present_count || r->present_count - at > 2) /* see current_used */
		damage(r, r->end.segment, r->end.offset, "groups of the log are missing from segment %" PRIu64 " at %u on", r->end.segment, r->end.offset);
	if (!cut_tail(r, at) || !adopt_segments(r, log))
		return false;
	int e = r->fill_file ? r->disk->unlink(r->disk->user, LAYOUT_FILL_NAME) : 0;
	if (e != 0)
		return refuse_io(r, "a half-made log segment cannot be removed", e);
	if (r->report->class == LOG_DAMAGED)
		return go_on_in_new_segment(r, log);

	log->current = end_segment(r);
	log->current_used = log->current == r->end.segment;
	log->marked = r->marked;
	return open_segment(r, log->current, &log->current_handle) && (log->newest == log->current || open_segment(r, log->newest, &log->next_handle));
}

/* ---- the two functions of log.h ---- */

static struct recovery *recovery_create(const struct log_disk *disk, const struct log_options *options, struct log_report *report)
{
	*report = (struct log_report){ .lsn_after = UINT64_MAX };
	struct recovery *r = calloc(1, sizeof *r);
	if (!r) {
		snprintf(report->reason, sizeof report->reason, "out of memory");
		return NULL;
	}
	r->disk = disk;
	r->options = options;
	r->report = report;
	r->reader.disk = r->ahead.disk = disk;
	r->reader.handle = r->ahead.handle = -1;
	return r;
}

static enum log_result recovery_destroy(struct recovery *r)
{
	enum log_result result = r->result;
	segment_reader_close(&r->reader);
	segment_reader_close(&r->ahead);
	free(r->group);
	free(r);
	return result;
}

enum log_result log_open(struct log **out, const struct log_disk *disk, const struct log_options *options, log_visit_fn visit, void *arg,
                         struct log_report *report)
{
	*out = NULL;
	struct recovery *r = recovery_create(disk, options, report);
	if (!r)
		return LOG_ERR_MEMORY;
	r->visit = visit;
	r->arg = arg;
	const char *wrong = log_options_check(options);
	struct log *log = NULL;
	if (wrong) {
		refuse(r, LOG_ERR_REFUSED, "%s", wrong);
	} else if (list_folder(r) && r->present_count == 0) {
		refuse(r, LOG_ERR_NONE, "%s", log_text(LOG_ERR_NONE));
	} else if (r->result == LOG_OK && survey(r) && survey_missing(r)) {
		log = log_create(disk, &options->cluster, r->salt, r->segment_bytes, options->queue_bytes);
		if (!log)
			refuse(r, LOG_ERR_MEMORY, "out of memory");
		else if (walk(r))
			(void)settle(r, log);
	}
	enum log_result result = recovery_destroy(r);
	if (result != LOG_OK) {
		log_close(log);
		log = NULL;
	}
	*out = log;
	return result;
}

static void format_first_segment(struct recovery *r)
{
	int e = r->fill_file ? r->disk->unlink(r->disk->user, LAYOUT_FILL_NAME) : 0;
	struct log *log = log_create(r->disk, &r->options->cluster, r->options->salt, r->options->segment_bytes, 0);
	if (!log) {
		refuse(r, LOG_ERR_MEMORY, "out of memory");
	} else if (e != 0) {
		refuse_io(r, "a half-made log segment cannot be removed", e);
	} else {
		log_prepare(log);
		if (log->low_space)
			refuse(r, LOG_ERR_SPACE, "%s", log_text(LOG_ERR_SPACE));
		else if (log->failed)
			refuse_io(r, "the first log segment cannot be made", log->fill.error);
	}
	log_close(log);
}

enum log_result log_format(const struct log_disk *disk, const struct log_options *options, char reason[LOG_REASON_BYTES])
{
	struct log_report report;
	struct recovery *r = recovery_create(disk, options, &report);
	if (!r) {
		memcpy(reason, report.reason, LOG_REASON_BYTES);
		return LOG_ERR_MEMORY;
	}
	const char *wrong = log_options_check(options);
	if (wrong)
		refuse(r, LOG_ERR_REFUSED, "%s", wrong);
	else if (list_folder(r) && r->present_count > 0)
		refuse(r, LOG_ERR_EXISTS, "%s", log_text(LOG_ERR_EXISTS));
	else if (r->result == LOG_OK)
		format_first_segment(r);
	memcpy(reason, report.reason, LOG_REASON_BYTES);
	return recovery_destroy(r);
}
