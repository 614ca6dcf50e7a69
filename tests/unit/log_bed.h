/* tests/unit/log_bed.h - a log on a memory disk with records whose content follows from their lsn, so that reading back can be judged. */
#ifndef TESTS_UNIT_LOG_BED_H
#define TESTS_UNIT_LOG_BED_H
#include "replica/log/log_state.h"
#include "tests/unit/memory_disk.h"
#include "tests/unit/unit.h"

#define BED_SEGMENT (8u * LOG_BLOCK_BYTES)
#define BED_LSN_MAX 4096u

struct log_bed {
	struct memory_disk *memory;
	struct log_disk disk;
	struct log_options options;
	struct log *log;
	struct log_report report;
	uint64_t next;    /* lsn to append  */
	uint64_t durable; /* reported to us */
	uint64_t needed;  /* lowest         */
	uint8_t seen[BED_LSN_MAX];
	uint64_t last_seen;
	bool bad; /* a record that was never appended, or out of order */
};

static inline uint32_t bed_bytes(uint64_t lsn)
{
	return (uint32_t)(lsn * 2654435761u % 5 == 0 ? lsn * 7919 % 9000 : lsn * 31 % 300);
}

static inline void bed_payload(uint8_t *out, uint64_t lsn)
{
	uint32_t n = bed_bytes(lsn);
	for (uint32_t i = 0; i < n; i++)
		out[i] = (uint8_t)(lsn * 131 + i * (i >> 8 | 1));
}

static inline bool bed_visit(void *arg, const struct log_record *record, const struct log_position *position)
{
	struct log_bed *b = arg;
	static uint8_t expected[16384];
	if (record->lsn == 0 || record->lsn >= BED_LSN_MAX || record->lsn <= b->last_seen || record->bytes != bed_bytes(record->lsn) ||
	    record->type != record->lsn % 7 || record->seq != record->lsn * 3 || position->bytes != record->bytes) {
		b->bad = true;
		return true;
	}
	bed_payload(expected, record->lsn);
	b->bad = b->bad || memcmp(expected, record->payload, record->bytes) != 0;
	b->seen[record->lsn]++;
	b->last_seen = record->lsn;
	return true;
}

static inline enum log_result bed_open(struct log_bed *b)
{
	memset(b->seen, 0, sizeof b->seen);
	b->last_seen = 0;
	b->bad = false;
	return log_open(&b->log, &b->disk, &b->options, bed_visit, b, &b->report);
}

static inline void bed_create(struct log_bed *b, uint64_t seed)
{
	memset(b, 0, sizeof *b);
	b->memory = memory_disk_create(seed);
	b->disk = memory_disk_table(b->memory);
	memset(b->options.cluster.b, 7, DIGEST_BYTES);
	b->options.salt = 0x1234567890abcdefull;
	b->options.segment_bytes = BED_SEGMENT;
	b->next = b->needed = 1;
}

static inline void bed_format(struct log_bed *b, uint64_t seed)
{
	char reason[LOG_REASON_BYTES];
	bed_create(b, seed);
	CU_ASSERT_EQUAL_FATAL(log_format(&b->disk, &b->options, reason), LOG_OK);
	CU_ASSERT_EQUAL_FATAL(bed_open(b), LOG_OK);
	CU_ASSERT_EQUAL(b->report.class, LOG_CLEAN);
}

static inline void bed_destroy(struct log_bed *b)
{
	log_close(b->log);
	memory_disk_destroy(b->memory);
}

static inline enum log_result bed_append(struct log_bed *b)
{
	static uint8_t payload[16384];
	bed_payload(payload, b->next);
	uint32_t n = bed_bytes(b->next), half = n / 2;
	struct iovec v[2] = { { payload, half }, { payload + half, n - half } };
	enum log_result r = log_append(b->log, (uint16_t)(b->next % 7), 0, b->next, b->next * 3, v, 2, NULL);
	if (r == LOG_OK)
		b->next++;
	return r;
}

static inline bool bed_write(struct log_bed *b, const struct log_io *io)
{
	bool ok = b->disk.pwrite(b->disk.user, io->handle, io->bytes, io->n, io->offset) == 0 && b->disk.sync(b->disk.user, io->handle) == 0;
	log_group_done(b->log, ok);
	b->durable = log_durable_lsn(b->log);
	return ok;
}

/* Writes all that is queued, preparing segments as it goes. False when the disk does not go on. */
static inline bool bed_flush(struct log_bed *b)
{
	struct log_io io;
	for (;;) {
		log_prepare(b->log);
		if (!log_group_take(b->log, &io))
			return log_queue_empty(b->log);
		if (!bed_write(b, &io))
			return false;
	}
}

static inline bool bed_mark(struct log_bed *b)
{
	struct log_io io;
	log_prepare(b->log);
	return log_mark(b->log, &io) && bed_write(b, &io);
}

/* Groups of one to three records until `last` is durable. */
static inline void bed_fill(struct log_bed *b, uint64_t last)
{
	while (b->next <= last) {
		for (uint64_t i = 0; i <= b->next % 3 && b->next <= last; i++)
			CU_ASSERT_EQUAL_FATAL(bed_append(b), LOG_OK);
		CU_ASSERT_TRUE_FATAL(bed_flush(b));
	}
}

static inline void bed_restart(struct log_bed *b, int how)
{
	log_close(b->log);
	b->log = NULL;
	memory_disk_power_loss(b->memory, how);
}

/* Whether each of needed..last was seen once. */
static inline bool bed_saw_all(const struct log_bed *b, uint64_t last)
{
	for (uint64_t lsn = b->needed; lsn <= last; lsn++) {
		if (b->seen[lsn] != 1)
			return false;
	}
	return true;
}

static inline struct memory_file *bed_segment(struct log_bed *b, uint64_t number)
{
	char name[DISK_NAME_MAX];
	layout_segment_name(name, number);
	struct memory_file *f = memory_disk_file(b->memory, name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	return f;
}
#endif
