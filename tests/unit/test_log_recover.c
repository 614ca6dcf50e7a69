/* tests/unit/test_log_recover.c - a catalogue of damaged folders, and a machine that stops at every operation. */
#include "replica/log/superblock.h"
#include "tests/unit/log_bed.h"

static struct log_bed b;

/* 60 records, flushed, marked, and the machine stopped. */
static void make_log(void)
{
	bed_format(&b, 1);
	bed_fill(&b, 60);
	CU_ASSERT_TRUE(bed_mark(&b));
	log_close(b.log);
	b.log = NULL;
}

static struct layout_group groups[256];
static uint32_t groups_count;

/* Where the groups (not markers) lie on the disk. */
static void find_groups(void)
{
	uint32_t base = layout_base(&b.options.cluster, b.options.salt);
	groups_count = 0;
	for (uint64_t s = 1; s < 64; s++) {
		char name[DISK_NAME_MAX];
		layout_segment_name(name, s);
		struct memory_file *f = memory_disk_file(b.memory, name);
		for (uint32_t at = LOG_BLOCK_BYTES; f && at + LOG_BLOCK_BYTES <= f->bytes && groups_count < 256; at += LOG_BLOCK_BYTES) {
			struct layout_group g;
			if (layout_group_decode(&g, f->now + at, base) && g.at.segment == s && g.at.offset == at && g.kind == LAYOUT_GROUP)
				groups[groups_count++] = g;
		}
	}
}

static void erase_marker(void)
{
	uint32_t base = layout_base(&b.options.cluster, b.options.salt);
	for (uint64_t s = 1; s < 64; s++) {
		char name[DISK_NAME_MAX];
		layout_segment_name(name, s);
		struct memory_file *f = memory_disk_file(b.memory, name);
		for (uint32_t at = LOG_BLOCK_BYTES; f && at + LOG_BLOCK_BYTES <= f->bytes; at += LOG_BLOCK_BYTES) {
			struct layout_group g;
			if (layout_group_decode(&g, f->now + at, base) && g.kind == LAYOUT_MARK)
				memset(f->now + at, 0, LOG_BLOCK_BYTES);
		}
	}
}

static void reopen(enum log_class class)
{
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_EQUAL(b.report.class, class);
	CU_ASSERT_FALSE(b.bad);
	CU_ASSERT_TRUE((class == LOG_CLEAN) == (b.report.reason[0] == 0));
}

/* After whatever happened the log takes records and gives them back. */
static void goes_on(void)
{
	uint64_t from = b.report.last_lsn + 1;
	b.next = from;
	bed_fill(&b, from + 30);
	bed_restart(&b, 1);
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_FALSE(b.bad);
	for (uint64_t lsn = from; lsn <= from + 30; lsn++)
		CU_ASSERT_EQUAL(b.seen[lsn], 1);
	bed_destroy(&b);
}

static void flipped_preamble(void)
{
	make_log();
	bed_segment(&b, 2)->now[20] ^= 1;
	reopen(LOG_DAMAGED);
	CU_ASSERT_EQUAL(b.report.first_bad.segment, 2);
	CU_ASSERT_EQUAL(b.report.first_bad.offset, 0);
	CU_ASSERT_TRUE(bed_saw_all(&b, 60)); /* the groups in it are whole, and delivered */
	goes_on();
}

static void torn_preamble_of_the_newest(void)
{
	make_log();
	uint64_t newest = 1;
	char name[DISK_NAME_MAX];
	for (uint64_t s = 1; s < 64; s++) {
		layout_segment_name(name, s);
		newest = memory_disk_file(b.memory, name) ? s : newest;
	}
	memset(bed_segment(&b, newest)->now, 0, LOG_BLOCK_BYTES); /* flushed before it got its name: no crash does this */
	reopen(LOG_DAMAGED);
	goes_on();
}

static void flipped_header_in_the_middle(void)
{
	make_log();
	find_groups();
	const struct layout_group *g = &groups[groups_count / 2];
	bed_segment(&b, g->at.segment)->now[g->at.offset + 30] ^= 4;
	reopen(LOG_DAMAGED);
	CU_ASSERT_EQUAL(b.report.first_bad.segment, g->at.segment);
	CU_ASSERT_EQUAL(b.report.first_bad.offset, g->at.offset);
	CU_ASSERT_EQUAL(b.report.records, 60 - g->records);
	CU_ASSERT_EQUAL(b.report.lsn_after, b.report.lsn_before + g->records + 1);
	CU_ASSERT_EQUAL(b.report.damaged_count, 1);
	goes_on();
}

static void flipped_payload_in_the_middle(void)
{
	make_log();
	find_groups();
	const struct layout_group *g = &groups[1];
	bed_segment(&b, g->at.segment)->now[g->at.offset + LAYOUT_GROUP_HEADER_BYTES + 2] ^= 4; /* the first record's header */
	reopen(LOG_DAMAGED);
	CU_ASSERT_EQUAL(b.report.first_bad.offset, g->at.offset);
	CU_ASSERT_EQUAL(b.report.records, 60 - g->records);
	goes_on();
}

static void torn_last_group(bool whole_header)
{
	bed_format(&b, 1);
	bed_fill(&b, 60);
	log_close(b.log);
	find_groups();
	const struct layout_group *g = &groups[groups_count - 1];
	struct memory_file *f = bed_segment(&b, g->at.segment);
	uint32_t from = whole_header ? LAYOUT_GROUP_HEADER_BYTES + LAYOUT_RECORD_HEADER_BYTES - 2 : 40;
	memset(f->now + g->at.offset + from, 0xa5, 600);
	reopen(LOG_TORN); /* with no marker this is what a crash in the last write leaves */
	CU_ASSERT_EQUAL(b.report.records, 60 - g->records);
	for (uint32_t i = 0; i < g->bytes; i++)
		CU_ASSERT_EQUAL_FATAL(f->now[g->at.offset + i], 0);
	goes_on();
}

/* The last group looks torn, and behind it lies a segment that may have held more: what it was, nobody knows. */
static void torn_before_a_lost_segment(void)
{
	for (int beginning = 0; beginning < 2; beginning++) {
		bed_format(&b, 1);
		bed_fill(&b, 60);
		log_close(b.log);
		find_groups();
		const struct layout_group *g = &groups[groups_count - 1];
		bed_segment(&b, g->at.segment)->now[g->at.offset + LAYOUT_GROUP_HEADER_BYTES + 1] ^= 1;
		struct memory_file *spare = bed_segment(&b, g->at.segment + 1);
		if (beginning)
			memset(spare->now, 0, LOG_BLOCK_BYTES);
		else
			spare->bytes = 0;
		reopen(LOG_DAMAGED);
		CU_ASSERT_EQUAL(b.report.first_bad.segment, g->at.segment);
		CU_ASSERT_EQUAL(b.report.first_bad.offset, g->at.offset);
		CU_ASSERT_TRUE(b.report.damaged_count >= 2);
		goes_on();
	}
}

static void torn_header(void)
{
	torn_last_group(false);
}

static void torn_payload(void)
{
	torn_last_group(true);
}

static void bad_last_group_below_the_marker(void)
{
	make_log();
	find_groups();
	const struct layout_group *g = &groups[groups_count - 1];
	bed_segment(&b, g->at.segment)->now[g->at.offset + LAYOUT_GROUP_HEADER_BYTES + 1] ^= 1;
	reopen(LOG_DAMAGED);
	CU_ASSERT_EQUAL(b.report.lsn_after, UINT64_MAX);
	CU_ASSERT_EQUAL(b.report.lsn_before, 60 - g->records);
	goes_on();
}

static void zeroed_last_group_below_the_marker(void)
{
	make_log();
	find_groups();
	const struct layout_group *g = &groups[groups_count - 1];
	memset(bed_segment(&b, g->at.segment)->now + g->at.offset, 0, g->bytes);
	reopen(LOG_DAMAGED);
	goes_on();
}

static void zeroed_end_of_a_full_segment(void)
{
	make_log();
	find_groups();
	uint32_t i = 0;
	while (groups[i + 1].at.segment == groups[0].at.segment)
		i++;
	memset(bed_segment(&b, groups[i].at.segment)->now + groups[i].at.offset, 0, groups[i].bytes);
	reopen(LOG_DAMAGED); /* the next segment's first group says where this one ended */
	CU_ASSERT_EQUAL(b.report.first_bad.offset, groups[i].at.offset);
	goes_on();
}

static void zeroed_beginning_of_the_lowest_segment(void)
{
	make_log();
	find_groups();
	memset(bed_segment(&b, 1)->now + LOG_BLOCK_BYTES, 0, groups[0].bytes);
	reopen(LOG_DAMAGED);
	goes_on();
}

static void zero_tail_is_clean(void)
{
	bed_format(&b, 1);
	bed_fill(&b, 60);
	log_close(b.log);
	reopen(LOG_CLEAN);
	CU_ASSERT_TRUE(bed_saw_all(&b, 60));
	goes_on();
}

static void damaged_marker_is_a_torn_tail(void)
{
	make_log();
	uint32_t base = layout_base(&b.options.cluster, b.options.salt);
	find_groups();
	const struct layout_group *g = &groups[groups_count - 1];
	struct memory_file *f = bed_segment(&b, g->at.segment);
	struct layout_group mark;
	if (g->at.offset + g->bytes < BED_SEGMENT && layout_group_decode(&mark, f->now + g->at.offset + g->bytes, base))
		f->now[g->at.offset + g->bytes + 9] ^= 1;
	reopen(LOG_TORN);
	CU_ASSERT_TRUE(bed_saw_all(&b, 60));
	goes_on();
}

static void remove_segment(uint64_t number)
{
	char name[DISK_NAME_MAX];
	layout_segment_name(name, number);
	CU_ASSERT_EQUAL(b.disk.unlink(b.disk.user, name), 0);
}

static void missing_segments(void)
{
	make_log();
	remove_segment(2);
	reopen(LOG_DAMAGED);
	CU_ASSERT_EQUAL(b.report.first_bad.segment, 2);
	goes_on();

	make_log();
	remove_segment(1);
	reopen(LOG_DAMAGED);
	CU_ASSERT_EQUAL(b.report.first_bad.segment, 1);
	goes_on();

	/* The newest, too, with all that was in it: the ones before know that it was there. */
	bed_format(&b, 1);
	bed_fill(&b, 60);
	log_prepare(b.log);
	uint64_t newest = b.log->newest;
	log_close(b.log);
	remove_segment(newest);
	reopen(LOG_DAMAGED);
	CU_ASSERT_EQUAL(b.report.first_bad.segment, newest);
	goes_on();
}

static void emptied_folder(void)
{
	make_log();
	for (uint64_t s = 1; s < 64; s++) {
		char name[DISK_NAME_MAX];
		layout_segment_name(name, s);
		if (memory_disk_file(b.memory, name))
			remove_segment(s);
	}
	CU_ASSERT_EQUAL(bed_open(&b), LOG_ERR_NONE);
	CU_ASSERT_PTR_NULL(b.log);
	bed_destroy(&b);
}

static void foreign_file(void)
{
	int handle;
	make_log();
	CU_ASSERT_EQUAL(b.disk.open(b.disk.user, "seg-000000000000000A.log", true, &handle), 0); /* not how we write it */
	CU_ASSERT_EQUAL(bed_open(&b), LOG_ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.report.reason, "seg-000000000000000A.log"));
	bed_destroy(&b);

	make_log();
	CU_ASSERT_EQUAL(b.disk.open(b.disk.user, "notes.txt", true, &handle), 0);
	CU_ASSERT_EQUAL(bed_open(&b), LOG_ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.report.reason, "notes.txt"));
	bed_destroy(&b);
}

static void superblock_and_lock_are_ours(void)
{
	int handle;
	make_log();
	CU_ASSERT_EQUAL(b.disk.open(b.disk.user, SUPERBLOCK_NAME, true, &handle), 0);
	CU_ASSERT_EQUAL(b.disk.open(b.disk.user, "lock", true, &handle), 0);
	reopen(LOG_CLEAN);
	goes_on();
}

static void copy_segment(uint64_t from, uint64_t to)
{
	struct memory_file *f = bed_segment(&b, from), *t = bed_segment(&b, to);
	memcpy(t->now, f->now, f->bytes);
}

static void old_segment_revived(void)
{
	make_log();
	copy_segment(1, 2);
	reopen(LOG_DAMAGED);
	CU_ASSERT_EQUAL(b.report.first_bad.segment, 2);
	for (uint64_t lsn = 1; lsn <= 60; lsn++)
		CU_ASSERT_TRUE(b.seen[lsn] <= 1); /* nothing old passes for new */
	goes_on();
}

static void misdirected_write(void)
{
	make_log();
	find_groups();
	const struct layout_group *from = &groups[1], *to = &groups[groups_count - 2];
	memcpy(bed_segment(&b, to->at.segment)->now + to->at.offset, bed_segment(&b, from->at.segment)->now + from->at.offset, LOG_BLOCK_BYTES);
	reopen(LOG_DAMAGED);
	CU_ASSERT_EQUAL(b.report.first_bad.segment, to->at.segment);
	CU_ASSERT_EQUAL(b.report.first_bad.offset, to->at.offset);
	goes_on();
}

static void segment_of_another_cluster(void)
{
	make_log();
	b.options.cluster.b[3] ^= 1;
	CU_ASSERT_EQUAL(bed_open(&b), LOG_ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.report.reason, "another cluster"));
	bed_destroy(&b);
}

static void segment_of_another_log(void)
{
	struct log_bed other;
	bed_create(&other, 2);
	char reason[LOG_REASON_BYTES];
	other.options.salt = 5;
	CU_ASSERT_EQUAL(log_format(&other.disk, &other.options, reason), LOG_OK);
	make_log();
	memcpy(bed_segment(&b, 1)->now, bed_segment(&other, 1)->now, BED_SEGMENT);
	CU_ASSERT_EQUAL(bed_open(&b), LOG_ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.report.reason, "another log"));
	bed_destroy(&b);
	bed_destroy(&other);
}

static void newer_format(void)
{
	make_log();
	struct layout_preamble p;
	struct memory_file *f = bed_segment(&b, 1);
	CU_ASSERT_TRUE(layout_preamble_decode(&p, f->now));
	p.version = 2;
	layout_preamble_encode(f->now, &p);
	CU_ASSERT_EQUAL(bed_open(&b), LOG_ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.report.reason, "version 2"));
	bed_destroy(&b);
}

/* With a right CRC under them: what comes after is found again all the same. */
static void numbers_that_no_log_comes_to(void)
{
	static const struct {
		uint64_t lowest, newest;
	} claim[] = {
		{ 1, UINT64_MAX }, { UINT64_MAX, UINT64_MAX }, { UINT64_MAX - 1, UINT64_MAX }, { 1, LAYOUT_SEGMENT_MAX }, { 64, 64 }, { 64, 1 }, { 1, 1 }
	};
	for (size_t i = 0; i < sizeof claim / sizeof claim[0]; i++) {
		make_log();
		find_groups();
		struct layout_group g = groups[groups_count / 2];
		g.lowest = claim[i].lowest;
		g.newest = claim[i].newest;
		CU_ASSERT_NOT_EQUAL_FATAL(g.at.segment, 1); /* else the last claim would be true */
		layout_group_encode(bed_segment(&b, g.at.segment)->now + g.at.offset, &g, layout_base(&b.options.cluster, b.options.salt));
		reopen(LOG_DAMAGED);
		goes_on();
	}
	for (uint64_t lowest = 2; lowest != 0; lowest = lowest == 2 ? UINT64_MAX : 0) {
		struct layout_preamble p;
		make_log();
		uint8_t *block = bed_segment(&b, 1)->now;
		CU_ASSERT_TRUE(layout_preamble_decode(&p, block));
		p.lowest = lowest;
		layout_preamble_encode(block, &p);
		reopen(LOG_DAMAGED);
		goes_on();
	}
}

static void names_that_no_log_comes_to(void)
{
	char name[DISK_NAME_MAX];
	for (uint64_t number = LAYOUT_SEGMENT_MAX; number <= LAYOUT_SEGMENT_MAX + 1; number++) {
		int handle;
		make_log();
		layout_segment_name(name, number);
		CU_ASSERT_EQUAL(b.disk.open(b.disk.user, name, true, &handle), 0);
		CU_ASSERT_EQUAL(bed_open(&b), LOG_ERR_REFUSED);
		CU_ASSERT_PTR_NOT_NULL(strstr(b.report.reason, number == LAYOUT_SEGMENT_MAX ? "no number for the next" : name));
		bed_destroy(&b);
	}
}

static void shortened_segment(void)
{
	make_log();
	bed_segment(&b, 2)->bytes = 3 * LOG_BLOCK_BYTES + 100;
	reopen(LOG_DAMAGED);
	goes_on();
}

/* Cut while it waits for reuse, when nothing in it is needed: nothing is lost, then or later. */
static void shortened_segment_for_reuse(void)
{
	bed_format(&b, 1);
	bed_fill(&b, 30);
	uint64_t cut = log_lowest_segment(b.log);
	b.needed = 25;
	log_truncate_below(b.log, b.needed);
	bed_fill(&b, 31);
	bed_restart(&b, 1);
	bed_segment(&b, cut)->bytes = 100;
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_NOT_EQUAL(b.report.class, LOG_DAMAGED);
	bed_fill(&b, 60);
	bed_restart(&b, 1);
	CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
	CU_ASSERT_NOT_EQUAL(b.report.class, LOG_DAMAGED);
	CU_ASSERT_TRUE(bed_saw_all(&b, 60));
	bed_destroy(&b);
}

/* Bytes of a client that look like a group: without the log's salt they are only bytes. */
static void payload_that_forges_a_group(void)
{
	static uint8_t payload[3 * LOG_BLOCK_BYTES];
	bed_format(&b, 1);
	bed_fill(&b, 3);
	uint32_t guess = layout_base(&b.options.cluster, 0);
	log_prepare(b.log);
	for (uint32_t at = 0; at + LOG_BLOCK_BYTES <= sizeof payload; at += LOG_BLOCK_BYTES) {
		struct layout_place here = { 1, 3 * LOG_BLOCK_BYTES + at };
		struct layout_group g = { LAYOUT_MARK, LOG_BLOCK_BYTES, LAYOUT_GROUP_HEADER_BYTES, 0, here, here, 1, 1 };
		layout_group_encode(payload + LOG_BLOCK_BYTES - LAYOUT_GROUP_HEADER_BYTES - LAYOUT_RECORD_HEADER_BYTES + at, &g, guess);
	}
	struct iovec v = { payload, sizeof payload - 200 };
	struct log_io io;
	CU_ASSERT_EQUAL(log_append(b.log, 1, 0, 4, 0, &v, 1, NULL), LOG_OK);
	CU_ASSERT_TRUE(log_group_take(b.log, &io));
	CU_ASSERT_EQUAL(b.disk.pwrite(b.disk.user, io.handle, (const uint8_t *)io.bytes + 512, io.n - 512, io.offset + 512),
	                0); /* all but the header arrives */
	log_close(b.log);
	reopen(LOG_TORN);
	goes_on();
}

/* One bit anywhere below the marker: all records come back, or it is called damage. Never a loss that passes for clean or torn. */
static void any_flipped_bit(void)
{
	for (uint64_t seed = 1; seed <= 1500; seed++) {
		bed_format(&b, seed);
		bed_fill(&b, 40);
		bool marked = bed_mark(&b);
		CU_ASSERT_TRUE(marked);
		log_close(b.log);
		uint64_t segment = 1 + memory_random(b.memory) % 4;
		char name[DISK_NAME_MAX];
		layout_segment_name(name, segment);
		struct memory_file *f = memory_disk_file(b.memory, name);
		if (f)
			f->now[memory_random(b.memory) % f->bytes] ^= (uint8_t)(1u << memory_random(b.memory) % 8);
		CU_ASSERT_EQUAL_FATAL(bed_open(&b), LOG_OK);
		CU_ASSERT_FALSE(b.bad);
		CU_ASSERT_TRUE(b.report.class == LOG_DAMAGED || bed_saw_all(&b, 40));
		bed_destroy(&b);
	}
}

/* ---- the machine stops ---- */

/* One life: appends, flushes, marks, truncates, until the disk stops or `steps` are done. Returns whether it went to the end. */
static bool live(int steps, uint64_t *random)
{
	for (int i = 0; i < steps; i++) {
		*random = *random * 6364136223846793005ull + 1442695040888963407ull;
		uint64_t dice = *random >> 40;
		for (uint64_t n = 0; n <= dice % 3; n++) {
			if (bed_append(&b) != LOG_OK)
				return false;
		}
		if (dice % 2 == 0)
			log_prepare(b.log);
		if (!bed_flush(&b))
			return false;
		if (dice % 5 == 0)
			(void)bed_mark(&b);
		if (dice % 7 == 0 && b.durable > 12) {
			b.needed = b.durable - 10;
			log_truncate_below(b.log, b.needed);
		}
		if (log_failed(b.log))
			return false;
	}
	return true;
}

/* What was reported durable and is needed is there; nothing is called damage that a crash did. */
static bool survived(uint64_t durable)
{
	enum log_result r = bed_open(&b);
	if (r != LOG_OK || b.report.class == LOG_DAMAGED || b.bad || !bed_saw_all(&b, durable)) {
		printf("\n  result %d class %d bad %d durable %llu last %llu: %s\n", (int)r, (int)b.report.class, b.bad, (unsigned long long)durable,
		       (unsigned long long)b.last_seen, b.report.reason);
		return false;
	}
	if (b.report.last_lsn >= b.next)
		return false;
	b.next = (b.report.last_lsn > durable ? b.report.last_lsn : durable) + 1;
	b.durable = b.next - 1;
	return true;
}

static uint64_t life_operations(int steps)
{
	uint64_t random = 99;
	bed_format(&b, 1);
	CU_ASSERT_TRUE(live(steps, &random));
	uint64_t n = b.memory->operations;
	bed_destroy(&b);
	return n;
}

static void stopped_at_every_operation(void)
{
	uint64_t last = life_operations(60);
	for (uint64_t k = 1; k <= last; k++) {
		for (int how = 0; how <= 3; how++) {
			char reason[LOG_REASON_BYTES];
			uint64_t random = 99;
			bed_create(&b, k * 4 + (uint64_t)how);
			b.memory->stop_at = k;
			if (log_format(&b.disk, &b.options, reason) != LOG_OK) {
				bed_destroy(&b); /* stopped before there was a log */
				continue;
			}
			if (bed_open(&b) == LOG_OK)
				(void)live(60, &random);
			bed_restart(&b, how < 2 ? how : 2);
			if (!survived(b.durable)) {
				CU_FAIL("see above");
				printf("  stopped at %llu, how %d\n", (unsigned long long)k, how);
				bed_destroy(&b);
				return;
			}
			bed_fill(&b, b.next + 12);
			bed_restart(&b, 0);
			CU_ASSERT_TRUE(survived(b.durable));
			bed_destroy(&b);
		}
	}
}

/* Life after life on one disk, stopped in recovery as well. */
static void stopped_again_and_again(void)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		uint64_t random = seed;
		bed_format(&b, seed);
		for (int life = 0; life < 30 && b.next < BED_LSN_MAX - 200; life++) {
			b.memory->stop_at = b.memory->operations + 1 + memory_random(b.memory) % 120;
			uint64_t durable = b.durable;
			if (b.log || bed_open(&b) == LOG_OK) {
				b.next = b.report.last_lsn >= b.next ? b.report.last_lsn + 1 : b.next;
				(void)live(40, &random);
				durable = b.durable;
			}
			bed_restart(&b, (int)(memory_random(b.memory) % 3));
			if (!survived(durable)) {
				CU_FAIL("see above");
				printf("  seed %llu life %d\n", (unsigned long long)seed, life);
				break;
			}
		}
		bed_destroy(&b);
	}
}

/* A disk that fails once and goes on: the log ends there, and the next start finds what was reported. */
static void failed_at_every_operation(void)
{
	uint64_t last = life_operations(40);
	for (uint64_t k = 1; k <= last; k++) {
		char reason[LOG_REASON_BYTES];
		uint64_t random = 99;
		bed_create(&b, k);
		b.memory->fail_at = k;
		if (log_format(&b.disk, &b.options, reason) == LOG_OK) {
			if (bed_open(&b) == LOG_OK)
				(void)live(40, &random);
			bed_restart(&b, 2);
			CU_ASSERT_TRUE(survived(b.durable));
		}
		bed_destroy(&b);
	}
}

static bool stop(void *arg, const struct log_record *record, const struct log_position *position)
{
	(void)arg;
	(void)position;
	return record->lsn < 5;
}

static void stopping_visitor(void)
{
	make_log();
	struct log_report report;
	struct log *log;
	CU_ASSERT_EQUAL(log_open(&log, &b.disk, &b.options, stop, NULL, &report), LOG_ERR_REFUSED);
	CU_ASSERT_PTR_NULL(log);
	bed_destroy(&b);
}

static void missing_marker_leaves_it_open(void)
{
	make_log();
	erase_marker();
	reopen(LOG_CLEAN);
	goes_on();
}

static const struct unit_case cases[] = {
	{ "a flipped bit in a preamble", flipped_preamble },
	{ "a torn preamble of the newest segment", torn_preamble_of_the_newest },
	{ "a flipped bit in a header in the middle", flipped_header_in_the_middle },
	{ "a flipped bit in a record in the middle", flipped_payload_in_the_middle },
	{ "a torn header at the end", torn_header },
	{ "a torn payload at the end", torn_payload },
	{ "a torn payload before a lost segment", torn_before_a_lost_segment },
	{ "a bad last group below the marker", bad_last_group_below_the_marker },
	{ "a zeroed last group below the marker", zeroed_last_group_below_the_marker },
	{ "a zeroed end of a full segment", zeroed_end_of_a_full_segment },
	{ "a zeroed beginning of the lowest segment", zeroed_beginning_of_the_lowest_segment },
	{ "a zero tail is clean", zero_tail_is_clean },
	{ "a damaged marker is a torn tail", damaged_marker_is_a_torn_tail },
	{ "no marker", missing_marker_leaves_it_open },
	{ "missing segments", missing_segments },
	{ "an emptied folder", emptied_folder },
	{ "a foreign file", foreign_file },
	{ "superblock and lock are ours", superblock_and_lock_are_ours },
	{ "an old segment revived", old_segment_revived },
	{ "a misdirected write", misdirected_write },
	{ "a segment of another cluster", segment_of_another_cluster },
	{ "a segment of another log", segment_of_another_log },
	{ "a newer format", newer_format },
	{ "numbers that no log comes to", numbers_that_no_log_comes_to },
	{ "names that no log comes to", names_that_no_log_comes_to },
	{ "a shortened segment", shortened_segment },
	{ "a shortened segment that waits for reuse", shortened_segment_for_reuse },
	{ "a payload that forges a group", payload_that_forges_a_group },
	{ "any flipped bit", any_flipped_bit },
	{ "stopped at every operation", stopped_at_every_operation },
	{ "stopped again and again", stopped_again_and_again },
	{ "failed at every operation", failed_at_every_operation },
	{ "a visitor that stops", stopping_visitor },
	{ 0 },
};

int main(void)
{
	return unit_main("log_recover", cases);
}
