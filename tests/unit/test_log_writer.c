/* tests/unit/test_log_writer.c - the log's thread, with real files in a folder of its own and with a disk that fails. */
#include "replica/log/writer.h"
#include "tests/unit/memory_disk.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <unistd.h>

struct bed {
	char path[64];
	struct log_disk disk;
	struct log_options options;
	struct log *log;
	struct log_report report;
	struct log_writer *writer;
	pthread_mutex_t lock;
	pthread_cond_t told;
	uint64_t calls;
	uint64_t seen; /* records in order at recovery */
};

static void notified(void *arg)
{
	struct bed *b = arg;
	pthread_mutex_lock(&b->lock);
	b->calls++;
	pthread_cond_broadcast(&b->told);
	pthread_mutex_unlock(&b->lock);
}

static bool visit(void *arg, const struct log_record *record, const struct log_position *position)
{
	struct bed *b = arg;
	(void)position;
	uint64_t content = 0;
	if (record->bytes >= sizeof content)
		memcpy(&content, record->payload, sizeof content);
	if (record->lsn == b->seen + 1 && content == record->lsn * 5)
		b->seen++;
	return true;
}

static void bed_start(struct bed *b, bool flush)
{
	b->seen = 0;
	CU_ASSERT_EQUAL_FATAL(log_open(&b->log, &b->disk, &b->options, visit, b, &b->report), LOG_OK);
	struct log_writer_options options = { flush, notified, b };
	b->writer = log_writer_start(b->log, &options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->writer);
}

static void bed_init(struct bed *b)
{
	memset(b, 0, sizeof *b);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->told, NULL);
	b->options.segment_bytes = 64 * 1024;
	b->options.salt = 77;
}

static void bed_open_folder(struct bed *b)
{
	char reason[LOG_REASON_BYTES];
	bed_init(b);
	snprintf(b->path, sizeof b->path, "/tmp/test-log-writer-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(b->path));
	CU_ASSERT_EQUAL_FATAL(disk_posix_open(&b->disk, b->path), 0);
	CU_ASSERT_EQUAL_FATAL(log_format(&b->disk, &b->options, reason), LOG_OK);
}

static void remove_name(void *arg, const char *name)
{
	struct bed *b = arg;
	(void)b->disk.unlink(b->disk.user, name);
}

static void bed_remove_folder(struct bed *b)
{
	b->disk.list(b->disk.user, remove_name, b);
	disk_posix_close(&b->disk);
	CU_ASSERT_EQUAL(rmdir(b->path), 0);
}

static enum log_result append(struct bed *b, uint64_t lsn, struct log_position *position)
{
	uint8_t payload[300] = { 0 };
	uint64_t content = lsn * 5;
	memcpy(payload, &content, sizeof content);
	struct iovec v = { payload, 8 + lsn % 290 };
	return log_writer_append(b->writer, 1, 0, lsn, lsn, &v, 1, position);
}

static void wait_durable(struct bed *b, uint64_t lsn)
{
	for (;;) {
		pthread_mutex_lock(&b->lock);
		uint64_t calls = b->calls;
		pthread_mutex_unlock(&b->lock);
		struct log_writer_state s = log_writer_state(b->writer);
		if (s.durable_lsn >= lsn || s.failed)
			return;
		pthread_mutex_lock(&b->lock);
		while (b->calls == calls)
			pthread_cond_wait(&b->told, &b->lock);
		pthread_mutex_unlock(&b->lock);
	}
}

static void everything_is_there_after_a_restart(void)
{
	struct bed b;
	bed_open_folder(&b);
	bed_start(&b, true);
	struct log_position position;
	for (uint64_t lsn = 1; lsn <= 3000; lsn++)
		CU_ASSERT_EQUAL_FATAL(append(&b, lsn, &position), LOG_OK);
	wait_durable(&b, 3000);
	CU_ASSERT_TRUE(b.calls < 3000); /* many to a flush */
	uint8_t out[300];
	struct log_record record;
	CU_ASSERT_EQUAL(log_read(b.log, &position, out, sizeof out, &record), LOG_OK);
	CU_ASSERT_EQUAL(record.lsn, 3000);
	CU_ASSERT_TRUE(log_writer_stop(b.writer));
	log_close(b.log);

	bed_start(&b, false);
	CU_ASSERT_EQUAL(b.report.class, LOG_CLEAN);
	CU_ASSERT_EQUAL(b.seen, 3000);
	for (uint64_t lsn = 3001; lsn <= 3100; lsn++)
		CU_ASSERT_EQUAL(append(&b, lsn, NULL), LOG_OK);
	CU_ASSERT_TRUE(log_writer_stop(b.writer)); /* writes out what is queued */
	log_close(b.log);
	bed_start(&b, true);
	CU_ASSERT_EQUAL(b.seen, 3100);
	CU_ASSERT_TRUE(log_writer_stop(b.writer));
	log_close(b.log);
	bed_remove_folder(&b);
}

static void truncation_keeps_the_folder_small(void)
{
	struct bed b;
	bed_open_folder(&b);
	bed_start(&b, false);
	for (uint64_t lsn = 1; lsn <= 5000; lsn++) {
		CU_ASSERT_EQUAL_FATAL(append(&b, lsn, NULL), LOG_OK);
		if (lsn % 100 == 0) {
			wait_durable(&b, lsn);
			log_writer_truncate_below(b.writer, lsn - 50);
		}
	}
	CU_ASSERT_TRUE(log_writer_lowest_segment(b.writer) > 5);
	CU_ASSERT_TRUE(log_writer_stop(b.writer));
	log_close(b.log);
	bed_start(&b, true);
	CU_ASSERT_NOT_EQUAL(b.report.class, LOG_DAMAGED);
	CU_ASSERT_EQUAL(b.report.last_lsn, 5000);
	CU_ASSERT_TRUE(log_writer_stop(b.writer));
	log_close(b.log);
	bed_remove_folder(&b);
}

static void a_folder_is_locked_once(void)
{
	struct bed b;
	bed_open_folder(&b);
	struct log_disk second;
	CU_ASSERT_EQUAL(disk_posix_open(&second, b.path), 0);
	CU_ASSERT_EQUAL(b.disk.lock(b.disk.user, "lock"), 0);
	CU_ASSERT_EQUAL(second.lock(second.user, "lock"), -EWOULDBLOCK);
	disk_posix_close(&second);
	bed_remove_folder(&b);
	CU_ASSERT_EQUAL(disk_posix_open(&second, "/tmp/test-log-writer-that-is-not-there"), -ENOENT);
}

/* The disk fails in the middle: the writer says so, takes nothing more, and ends when asked. */
static void a_failing_disk_is_final(void)
{
	char reason[LOG_REASON_BYTES];
	struct bed b;
	bed_init(&b);
	struct memory_disk *m = memory_disk_create(3);
	b.disk = memory_disk_table(m);
	CU_ASSERT_EQUAL_FATAL(log_format(&b.disk, &b.options, reason), LOG_OK);
	m->stop_at = m->operations + 25;
	bed_start(&b, true);
	uint64_t lsn = 1;
	while (lsn < 1000 && append(&b, lsn, NULL) == LOG_OK) {
		wait_durable(&b, lsn);
		lsn++;
	}
	struct log_writer_state s = log_writer_state(b.writer);
	CU_ASSERT_TRUE(s.failed);
	CU_ASSERT_EQUAL(append(&b, lsn, NULL), LOG_ERR_FAILED);
	CU_ASSERT_FALSE(log_writer_stop(b.writer));
	log_close(b.log);
	memory_disk_power_loss(m, 0);
	CU_ASSERT_EQUAL_FATAL(log_open(&b.log, &b.disk, &b.options, visit, &b, &b.report), LOG_OK);
	CU_ASSERT_TRUE(b.seen >= s.durable_lsn && b.report.class != LOG_DAMAGED);
	log_close(b.log);
	memory_disk_destroy(m);
}

static const struct unit_case cases[] = {
	{ "everything is there after a restart", everything_is_there_after_a_restart },
	{ "truncation keeps the folder small", truncation_keeps_the_folder_small },
	{ "a folder is locked once", a_folder_is_locked_once },
	{ "a failing disk is final", a_failing_disk_is_final },
	{ 0 },
};

int main(void)
{
	return unit_main("log_writer", cases);
}
