/* tests/unit/test_log.c - appending, sealing, reading again, giving up segments, running out of space. */
#include "tests/unit/log_bed.h"

static struct log_bed b;

static void empty_log_opens_clean(void)
{
	bed_format(&b, 1);
	CU_ASSERT_EQUAL(b.report.records, 0);
	bed_restart(&b, 0);
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_EQUAL(b.report.class, LOG_CLEAN);
	bed_destroy(&b);
}

static void records_come_back_in_order(void)
{
	bed_format(&b, 1);
	bed_fill(&b, 200);
	CU_ASSERT_EQUAL(b.durable, 200);
	bed_restart(&b, 0);
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_EQUAL(b.report.class, LOG_CLEAN);
	CU_ASSERT_EQUAL(b.report.records, 200);
	CU_ASSERT_EQUAL(b.report.last_lsn, 200);
	CU_ASSERT_FALSE(b.bad);
	CU_ASSERT_TRUE(bed_saw_all(&b, 200));
	bed_fill(&b, 300);
	bed_restart(&b, 0);
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_TRUE(!b.bad && bed_saw_all(&b, 300));
	bed_destroy(&b);
}

static void all_that_is_queued_is_one_write(void)
{
	struct log_io io;
	bed_format(&b, 1);
	log_prepare(b.log);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(bed_append(&b), LOG_OK);
	CU_ASSERT_TRUE_FATAL(log_group_take(b.log, &io));
	CU_ASSERT_EQUAL(io.n % LOG_BLOCK_BYTES, 0);
	CU_ASSERT_EQUAL(bed_append(&b), LOG_OK); /* joins the next, not the one in flight */
	struct log_io second;
	CU_ASSERT_FALSE(log_group_take(b.log, &second));
	CU_ASSERT_EQUAL(log_durable_lsn(b.log), 0);
	CU_ASSERT_TRUE(bed_write(&b, &io));
	CU_ASSERT_EQUAL(b.durable, 4);
	CU_ASSERT_TRUE(log_group_take(b.log, &second));
	CU_ASSERT_TRUE(bed_write(&b, &second));
	CU_ASSERT_EQUAL(b.durable, 5);
	CU_ASSERT_FALSE(log_group_take(b.log, &second));
	bed_destroy(&b);
}

static void payloads_are_read_again(void)
{
	bed_format(&b, 1);
	uint8_t body[3000], out[3000];
	memset(body, 42, sizeof body);
	struct iovec v = { body, sizeof body };
	struct log_position position;
	struct log_record record;
	CU_ASSERT_EQUAL(log_append(b.log, 9, 1, 0, 77, &v, 1, &position), LOG_OK);
	CU_ASSERT_TRUE(bed_flush(&b));
	CU_ASSERT_EQUAL(log_read(b.log, &position, out, sizeof out, &record), LOG_OK);
	CU_ASSERT_EQUAL(record.type, 9);
	CU_ASSERT_EQUAL(record.flags, 1);
	CU_ASSERT_EQUAL(record.seq, 77);
	CU_ASSERT_EQUAL(memcmp(out, body, sizeof body), 0);
	CU_ASSERT_EQUAL(log_read(b.log, &position, out, 10, &record), LOG_ERR_TOO_LARGE);

	struct log_position wrong = position;
	wrong.offset += 8;
	CU_ASSERT_EQUAL(log_read(b.log, &wrong, out, sizeof out, &record), LOG_ERR_DAMAGED);
	wrong = position;
	wrong.segment = 99;
	CU_ASSERT_EQUAL(log_read(b.log, &wrong, out, sizeof out, &record), LOG_ERR_GONE);
	wrong.offset = UINT32_MAX;
	CU_ASSERT_EQUAL(log_read(b.log, &wrong, out, sizeof out, &record), LOG_ERR_TOO_LARGE);
	bed_segment(&b, position.segment)->now[position.offset + 100] ^= 1;
	CU_ASSERT_EQUAL(log_read(b.log, &position, out, sizeof out, &record), LOG_ERR_DAMAGED);
	bed_destroy(&b);
}

static void sizes_are_bounded(void)
{
	bed_format(&b, 1);
	static uint8_t big[BED_SEGMENT];
	uint32_t most = BED_SEGMENT - LOG_BLOCK_BYTES - LAYOUT_GROUP_HEADER_BYTES - LAYOUT_RECORD_HEADER_BYTES;
	struct iovec v = { big, most + 1 };
	CU_ASSERT_EQUAL(log_append(b.log, 1, 0, 1, 1, &v, 1, NULL), LOG_ERR_TOO_LARGE);
	v.iov_len = most;
	CU_ASSERT_EQUAL(log_append(b.log, 1, 0, 1, 1, &v, 1, NULL), LOG_OK);
	v.iov_len = SIZE_MAX;
	CU_ASSERT_EQUAL(log_append(b.log, 1, 0, 1, 1, &v, 1, NULL), LOG_ERR_TOO_LARGE);
	CU_ASSERT_EQUAL(log_append(b.log, 1, 0, 1, 1, &v, LOG_IOV_MAX + 1, NULL), LOG_ERR_TOO_LARGE);
	CU_ASSERT_TRUE(bed_flush(&b));
	bed_destroy(&b);
}

static void queue_is_bounded(void)
{
	bed_format(&b, 1);
	log_close(b.log);
	b.options.queue_bytes = 20000;
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	enum log_result r;
	do
		r = bed_append(&b);
	while (r == LOG_OK && b.next < 2000);
	CU_ASSERT_EQUAL(r, LOG_ERR_FULL);
	CU_ASSERT_TRUE(log_queued_bytes(b.log) <= 20000);
	CU_ASSERT_TRUE(bed_flush(&b));
	CU_ASSERT_EQUAL(log_queued_bytes(b.log), 0);
	CU_ASSERT_EQUAL(bed_append(&b), LOG_OK);
	bed_destroy(&b);
}

static void failed_write_is_final(void)
{
	for (int sync = 0; sync < 2; sync++) {
		struct log_io io;
		bed_format(&b, 1);
		bed_fill(&b, 10);
		log_prepare(b.log);
		CU_ASSERT_EQUAL(bed_append(&b), LOG_OK);
		CU_ASSERT_EQUAL(bed_append(&b), LOG_OK);
		CU_ASSERT_TRUE(log_group_take(b.log, &io));
		b.memory->fail_at = b.memory->operations + 1 + (uint64_t)sync;
		CU_ASSERT_FALSE(bed_write(&b, &io));
		CU_ASSERT_TRUE(log_failed(b.log));
		CU_ASSERT_EQUAL(b.durable, 10);
		CU_ASSERT_EQUAL(bed_append(&b), LOG_ERR_FAILED);
		CU_ASSERT_FALSE(log_group_take(b.log, &io));
		CU_ASSERT_FALSE(log_mark(b.log, &io));
		CU_ASSERT_FALSE(log_fill_wanted(b.log));
		bed_destroy(&b);
	}
}

static uint32_t files(struct log_bed *bed)
{
	uint32_t n = 0;
	for (int i = 0; i < MEMORY_NAMES; i++)
		n += bed->memory->names[i].file >= 0;
	return n;
}

static void truncated_segments_are_reused(void)
{
	bed_format(&b, 1);
	for (uint64_t to = 50; to <= 3000; to += 50) {
		bed_fill(&b, to);
		b.needed = to - 40;
		log_truncate_below(b.log, b.needed);
		CU_ASSERT_TRUE(files(&b) < 20);
	}
	CU_ASSERT_TRUE(log_lowest_segment(b.log) > 10);
	bed_restart(&b, 0);
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_NOT_EQUAL(b.report.class, LOG_DAMAGED);
	CU_ASSERT_TRUE(!b.bad && bed_saw_all(&b, 3000));
	CU_ASSERT_FALSE(b.seen[1]);
	bed_destroy(&b);
}

/* Nothing is reused before a durable group has said that it is not needed. */
static void truncation_waits_for_a_durable_group(void)
{
	struct log_io io;
	bed_format(&b, 1);
	bed_fill(&b, 300);
	uint64_t lowest = log_lowest_segment(b.log);
	log_truncate_below(b.log, 290);
	CU_ASSERT_TRUE(log_lowest_segment(b.log) > lowest);
	log_prepare(b.log);
	(void)bed_segment(&b, lowest);
	CU_ASSERT_TRUE(log_mark(b.log, &io)); /* a marker will do */
	CU_ASSERT_TRUE(bed_write(&b, &io));
	log_prepare(b.log);
	char name[DISK_NAME_MAX];
	layout_segment_name(name, lowest);
	CU_ASSERT_PTR_NULL(memory_disk_file(b.memory, name));
	bed_destroy(&b);
}

/* A body has lsn 0 and belongs to the next lsn: truncating below that keeps it. */
static void bodies_are_kept_for_the_next_lsn(void)
{
	bed_format(&b, 1);
	bed_fill(&b, 5);
	uint8_t body[20000] = { 0 };
	struct iovec v = { body, sizeof body };
	struct log_position position;
	struct log_record record;
	CU_ASSERT_EQUAL(log_append(b.log, 1, 0, 0, 0, &v, 1, &position), LOG_OK);
	CU_ASSERT_TRUE(bed_flush(&b));
	uint64_t segment = position.segment;
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(log_append(b.log, 1, 0, 6, 0, &v, 1, NULL), LOG_OK);
	CU_ASSERT_TRUE(bed_flush(&b));
	log_truncate_below(b.log, 6);
	CU_ASSERT_TRUE(log_lowest_segment(b.log) <= segment);
	CU_ASSERT_TRUE(bed_mark(&b));
	log_prepare(b.log);
	CU_ASSERT_EQUAL(log_read(b.log, &position, body, sizeof body, &record), LOG_OK);
	log_truncate_below(b.log, 7);
	CU_ASSERT_TRUE(log_lowest_segment(b.log) > segment);
	bed_destroy(&b);
}

static void full_disk_is_met_a_segment_ahead(void)
{
	bed_format(&b, 1);
	b.memory->space = 3 * BED_SEGMENT + 100;
	uint64_t durable_at_low = 0;
	for (int i = 0; i < 400 && !log_low_space(b.log); i++) {
		CU_ASSERT_EQUAL(bed_append(&b), LOG_OK);
		CU_ASSERT_TRUE(bed_flush(&b));
		durable_at_low = b.durable;
	}
	CU_ASSERT_TRUE_FATAL(log_low_space(b.log));
	CU_ASSERT_FALSE(log_failed(b.log));
	for (int i = 0; i < 3; i++) { /* what was in flight still fits */
		CU_ASSERT_EQUAL(bed_append(&b), LOG_OK);
		CU_ASSERT_TRUE(bed_flush(&b));
	}
	CU_ASSERT_TRUE(b.durable > durable_at_low);
	CU_ASSERT_EQUAL(log_reclaim_try(b.log), LOG_ERR_SPACE);
	while (b.next < 400) /* more waits, and nothing of it is lost */
		CU_ASSERT_EQUAL_FATAL(bed_append(&b), LOG_OK);
	CU_ASSERT_FALSE(bed_flush(&b));
	CU_ASSERT_FALSE(log_failed(b.log));
	b.memory->space = 0;
	CU_ASSERT_EQUAL(log_reclaim_try(b.log), LOG_OK);
	CU_ASSERT_FALSE(log_low_space(b.log));
	CU_ASSERT_TRUE(bed_flush(&b));
	CU_ASSERT_EQUAL(b.durable, 399);
	bed_restart(&b, 0);
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_TRUE(b.report.class == LOG_CLEAN && bed_saw_all(&b, 399));
	bed_destroy(&b);
}

/* Space can also come back from the log itself. */
static void full_disk_ends_with_a_truncation(void)
{
	bed_format(&b, 1);
	b.memory->space = 4 * BED_SEGMENT + 8192; /* the fifth is half made */
	for (int i = 0; i < 400 && !log_low_space(b.log); i++) {
		CU_ASSERT_EQUAL(bed_append(&b), LOG_OK);
		CU_ASSERT_TRUE(bed_flush(&b));
	}
	CU_ASSERT_TRUE_FATAL(log_low_space(b.log));
	b.needed = b.durable;
	log_truncate_below(b.log, b.durable);
	CU_ASSERT_TRUE(bed_mark(&b));
	log_prepare(b.log);
	CU_ASSERT_FALSE(log_low_space(b.log));
	bed_fill(&b, b.next + 20);
	bed_restart(&b, 0);
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_TRUE(b.report.class != LOG_DAMAGED && !b.bad && bed_saw_all(&b, b.next - 1));
	bed_destroy(&b);
}

static void format_touches_nothing_that_exists(void)
{
	char reason[LOG_REASON_BYTES];
	bed_format(&b, 1);
	bed_fill(&b, 20);
	CU_ASSERT_EQUAL(log_format(&b.disk, &b.options, reason), LOG_ERR_EXISTS);
	bed_restart(&b, 0);
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_TRUE(bed_saw_all(&b, 20));
	bed_destroy(&b);

	bed_create(&b, 1);
	CU_ASSERT_EQUAL(bed_open(&b), LOG_ERR_NONE);
	CU_ASSERT_PTR_NULL(b.log);
	b.options.segment_bytes = 5000;
	CU_ASSERT_EQUAL(log_format(&b.disk, &b.options, reason), LOG_ERR_REFUSED);
	b.options.segment_bytes = BED_SEGMENT;
	b.memory->space = BED_SEGMENT - 1;
	CU_ASSERT_EQUAL(log_format(&b.disk, &b.options, reason), LOG_ERR_SPACE);
	b.memory->space = 0;
	CU_ASSERT_EQUAL(log_format(&b.disk, &b.options, reason), LOG_OK);
	bed_destroy(&b);
}

static const struct unit_case cases[] = {
	{ "an empty log opens clean", empty_log_opens_clean },
	{ "records come back in order", records_come_back_in_order },
	{ "all that is queued is one write", all_that_is_queued_is_one_write },
	{ "payloads are read again", payloads_are_read_again },
	{ "sizes are bounded", sizes_are_bounded },
	{ "the queue is bounded", queue_is_bounded },
	{ "a failed write or flush is final", failed_write_is_final },
	{ "truncated segments are reused", truncated_segments_are_reused },
	{ "truncation waits for a durable group", truncation_waits_for_a_durable_group },
	{ "bodies are kept for the next lsn", bodies_are_kept_for_the_next_lsn },
	{ "a full disk is met a segment ahead", full_disk_is_met_a_segment_ahead },
	{ "a full disk ends with a truncation", full_disk_ends_with_a_truncation },
	{ "format touches nothing that exists", format_touches_nothing_that_exists },
	{ 0 },
};

int main(void)
{
	return unit_main("log", cases);
}
