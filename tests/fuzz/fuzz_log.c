/* A log with damage: the input says which records are written, then which bytes are changed, and whether the checksums are made right again afterwards. Whatever
 * it says, log_open ends; when it opens the log, it takes records, and a second opening sees what the first one saw, and them.
 *
 *   input = u8 flags | u8 count | count * (u8 size, u8 step) | changes: (u8 file, u16 at, u8 n, n bytes)...
 *   flags   1 make the checksums right after the changes   2 a file is cut at the first change   4 a segment is removed */
#include "replica/log/layout.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/memory_disk.h"

#define SEGMENT (4u * LOG_BLOCK_BYTES)
#define SALT 77u

struct seen {
	uint64_t count, sum, lsn;
};

static bool visit(void *arg, const struct log_record *record, const struct log_position *position)
{
	struct seen *s = arg;
	const uint8_t *payload = record->payload;
	FUZZ_CHECK(position->bytes == record->bytes);
	s->count++;
	s->lsn = record->lsn;
	s->sum = s->sum * 31 + record->lsn + record->type + record->seq;
	for (uint32_t i = 0; i < record->bytes; i++)
		s->sum = s->sum * 31 + payload[i];
	return true;
}

static struct log_options options_of(void)
{
	struct log_options o = { .salt = SALT, .segment_bytes = SEGMENT };
	memset(o.cluster.b, 7, sizeof o.cluster.b);
	return o;
}

static bool write_group(struct log *log, const struct log_disk *disk)
{
	struct log_io io;
	log_prepare(log);
	if (!log_group_take(log, &io))
		return false;
	bool ok = disk->pwrite(disk->user, io.handle, io.bytes, io.n, io.offset) == 0 && disk->sync(disk->user, io.handle) == 0;
	log_group_done(log, ok);
	return ok;
}

static bool append(struct log *log, const struct log_disk *disk, uint64_t lsn, size_t n)
{
	uint8_t payload[SEGMENT];
	for (size_t i = 0; i < n; i++)
		payload[i] = (uint8_t)(lsn + i);
	struct iovec v = { payload, n };
	return log_append(log, (uint16_t)(lsn % 5), 0, lsn, lsn, &v, 1, NULL) == LOG_OK && write_group(log, disk) && log_durable_lsn(log) >= lsn;
}

static void write_log(const struct log_disk *disk, struct rd *r)
{
	char why[LOG_REASON_BYTES];
	struct log_options o = options_of();
	struct seen none = { 0 };
	struct log_report report;
	struct log *log;
	uint8_t count = 0, size, step;
	uint64_t lsn = 1;
	FUZZ_CHECK(log_format(disk, &o, why) == LOG_OK && log_open(&log, disk, &o, visit, &none, &report) == LOG_OK && report.class == LOG_CLEAN);
	(void)rd_u8(r, &count);
	for (uint8_t i = 0; i < count % 24 && rd_u8(r, &size) && rd_u8(r, &step); i++) {
		FUZZ_CHECK(append(log, disk, lsn, size * 32u));
		lsn += 1u + step % 3u;
		if (step & 0x80)
			log_truncate_below(log, lsn > 4 ? lsn - 4 : 1);
	}
	log_close(log);
}

/* ---- damage ---- */

static void seal_records(uint8_t *group, size_t room, struct layout_place at, uint32_t count, uint32_t base)
{
	size_t place = LAYOUT_GROUP_HEADER_BYTES;
	for (uint32_t i = 0; i < count && place + LAYOUT_RECORD_HEADER_BYTES <= room; i++) {
		struct log_record x = { 0 };
		struct rd r = rd_of(group + place, LAYOUT_RECORD_HEADER_BYTES);
		(void)(rd_u32(&r, &x.bytes) && rd_u16(&r, &x.type) && rd_u16(&r, &x.flags) && rd_u64(&r, &x.lsn) && rd_u64(&r, &x.seq));
		if (x.bytes > room - place - LAYOUT_RECORD_HEADER_BYTES)
			return;
		layout_record_seal(group + place, &x, (struct layout_place){ at.segment, at.offset + (uint32_t)place }, base);
		place += LAYOUT_RECORD_HEADER_BYTES + x.bytes;
	}
}

static void seal_preamble(uint8_t *block)
{
	struct layout_preamble p = { 0 };
	struct rd r = rd_of(block + 16, LOG_BLOCK_BYTES - 16);
	uint8_t recycled = 0;
	(void)(rd_u32(&r, &p.version) && rd_u32(&r, &p.segment_bytes) && rd_bytes(&r, p.cluster.b, sizeof p.cluster.b) && rd_u64(&r, &p.salt) &&
	       rd_u64(&r, &p.number) && rd_u64(&r, &p.lowest) && rd_u8(&r, &recycled));
	p.recycled = recycled == 1;
	layout_preamble_encode(block, &p);
}

/* Every block that looks like a group's beginning becomes one again, with whatever now stands in its fields; so does the preamble. */
static void seal_file(struct memory_file *f, uint64_t number)
{
	struct log_options o = options_of();
	uint32_t base = layout_base(&o.cluster, SALT);
	if (f->bytes >= LOG_BLOCK_BYTES)
		seal_preamble(f->now);
	for (uint32_t at = LOG_BLOCK_BYTES; at + LOG_BLOCK_BYTES <= f->bytes; at += LOG_BLOCK_BYTES) {
		struct layout_group g = { 0 };
		struct rd r = rd_of(f->now + at, LAYOUT_GROUP_HEADER_BYTES);
		uint32_t magic, zero32;
		uint16_t kind, zero16;
		if (!rd_u32(&r, &magic) || magic == 0)
			continue;
		(void)(rd_u16(&r, &kind) && rd_u16(&r, &zero16) && rd_u32(&r, &g.bytes) && rd_u32(&r, &g.used) && rd_u32(&r, &g.records) &&
		       rd_u32(&r, &g.at.offset) && rd_u64(&r, &g.at.segment) && rd_u64(&r, &g.prev.segment) && rd_u32(&r, &g.prev.offset) &&
		       rd_u32(&r, &zero32) && rd_u64(&r, &g.lowest) && rd_u64(&r, &g.newest));
		g.kind = (enum layout_kind)kind;
		seal_records(f->now + at, f->bytes - at, (struct layout_place){ number, at }, g.records, base);
		layout_group_encode(f->now + at, &g, base);
	}
}

static struct memory_file *segment(struct memory_disk *m, uint64_t number, char name[DISK_NAME_MAX])
{
	layout_segment_name(name, number);
	return memory_disk_file(m, name);
}

static void change(struct memory_disk *m, struct rd *r, uint8_t flags)
{
	uint8_t file, n;
	uint16_t at;
	const uint8_t *bytes;
	char name[DISK_NAME_MAX];
	bool first = true;
	while (rd_u8(r, &file) && rd_u16(r, &at) && rd_u8(r, &n) && (bytes = rd_take(r, n)) != NULL) {
		struct memory_file *f = segment(m, 1u + file % 6u, name);
		if (!f || at >= f->bytes)
			continue;
		for (size_t i = 0; i < n && at + i < f->bytes; i++)
			f->now[at + i] = bytes[i];
		if (first && (flags & 2))
			f->bytes = at;
		if (first && (flags & 4))
			memory_find(m, name)->file = -1;
		first = false;
	}
	for (uint64_t i = 1; (flags & 1) && i <= 6; i++) {
		struct memory_file *f = segment(m, i, name);
		if (f)
			seal_file(f, i);
	}
	memory_settle_names(m);
}

static void open_twice(struct memory_disk *m)
{
	struct log_disk disk = memory_disk_table(m);
	struct log_options o = options_of();
	struct log_report first, second;
	struct seen a = { 0 }, b = { 0 };
	struct log *log;
	memory_disk_power_loss(m, 1);
	enum log_result r = log_open(&log, &disk, &o, visit, &a, &first);
	FUZZ_CHECK(r == LOG_OK || (first.reason[0] != 0 && log == NULL));
	if (r != LOG_OK)
		return;
	FUZZ_CHECK((first.class == LOG_CLEAN) == (first.reason[0] == 0) && first.records == a.count);
	bool more = first.last_lsn < UINT64_MAX - 1;
	if (more)
		FUZZ_CHECK(append(log, &disk, first.last_lsn + 1, 100));
	log_close(log);
	memory_disk_power_loss(m, 1);
	FUZZ_CHECK(log_open(&log, &disk, &o, visit, &b, &second) == LOG_OK);
	FUZZ_CHECK(b.count == a.count + (more ? 1 : 0) && (!more || b.lsn == first.last_lsn + 1));
	/* Not CLEAN in any case: what an earlier life of a reused segment left in the middle of a group looks like an unfinished write. */
	FUZZ_CHECK(first.class == LOG_DAMAGED || second.class != LOG_DAMAGED);
	log_close(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	uint8_t flags;
	if (!rd_u8(&r, &flags))
		return 0;
	struct memory_disk *m = memory_disk_create(1);
	struct log_disk disk = memory_disk_table(m);
	write_log(&disk, &r);
	change(m, &r, flags);
	open_twice(m);
	memory_disk_destroy(m);
	return 0;
}
