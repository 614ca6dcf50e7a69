/* tests/unit/test_superblock.c - two slots, written in turn; stopped and damaged in every way. */
#include "replica/log/superblock.h"
#include "tests/unit/memory_disk.h"
#include "tests/unit/unit.h"

static struct superblock example(void)
{
	struct superblock sb = { .formatted = true, .durability = SUPERBLOCK_FLUSH, .lowest_segment = 1 };
	memset(sb.cluster.b, 1, sizeof sb.cluster.b);
	memset(sb.member.b, 2, sizeof sb.member.b);
	memcpy(sb.boot_id, "0f3e1a52-7c3b-4d11-9a68-3d0d3c1f0b77", SUPERBLOCK_BOOT_ID_BYTES);
	sb.free[0] = 42;
	sb.free[SUPERBLOCK_FREE_FIELDS - 1] = UINT64_MAX;
	return sb;
}

static bool equal(const struct superblock *a, const struct superblock *b)
{
	return a->generation == b->generation && digest_equal(&a->cluster, &b->cluster) && memcmp(&a->member, &b->member, sizeof a->member) == 0 &&
	       a->formatted == b->formatted && a->clean == b->clean && a->durability == b->durability &&
	       memcmp(a->boot_id, b->boot_id, sizeof a->boot_id) == 0 && a->lowest_segment == b->lowest_segment &&
	       memcmp(a->free, b->free, sizeof a->free) == 0;
}

static void what_is_written_is_read(void)
{
	struct memory_disk *m = memory_disk_create(1);
	struct log_disk disk = memory_disk_table(m);
	struct superblock sb = example(), read;
	CU_ASSERT_EQUAL(superblock_read(&disk, &read), SUPERBLOCK_NONE);
	CU_ASSERT_EQUAL(superblock_write(&disk, &sb), SUPERBLOCK_NONE);
	CU_ASSERT_EQUAL(superblock_format(&disk, &sb), SUPERBLOCK_OK);
	for (int i = 0; i < 5; i++) {
		memory_disk_power_loss(m, 0);
		CU_ASSERT_EQUAL(superblock_read(&disk, &read), SUPERBLOCK_OK);
		CU_ASSERT_TRUE(equal(&sb, &read));
		CU_ASSERT_EQUAL(read.generation, (uint64_t)i);
		sb = read;
		sb.clean = i % 2 == 0;
		sb.lowest_segment += 3;
		CU_ASSERT_EQUAL(superblock_write(&disk, &sb), SUPERBLOCK_OK);
	}
	memory_disk_destroy(m);
}

static void format_never_overwrites(void)
{
	struct memory_disk *m = memory_disk_create(1);
	struct log_disk disk = memory_disk_table(m);
	struct superblock sb = example(), other = example(), read;
	CU_ASSERT_EQUAL(superblock_format(&disk, &sb), SUPERBLOCK_OK);
	other.cluster.b[0] ^= 1;
	CU_ASSERT_EQUAL(superblock_format(&disk, &other), SUPERBLOCK_EXISTS);
	CU_ASSERT_EQUAL(superblock_read(&disk, &read), SUPERBLOCK_OK);
	CU_ASSERT_TRUE(equal(&sb, &read));
	memset(memory_disk_file(m, SUPERBLOCK_NAME)->now, 9, 8192); /* not even a damaged one */
	CU_ASSERT_EQUAL(superblock_format(&disk, &other), SUPERBLOCK_EXISTS);
	memory_disk_destroy(m);
}

static void a_damaged_slot_leaves_the_other(void)
{
	for (size_t at = 0; at < SUPERBLOCK_SLOT_BYTES; at += 5) {
		struct memory_disk *m = memory_disk_create(at);
		struct log_disk disk = memory_disk_table(m);
		struct superblock sb = example(), read;
		CU_ASSERT_EQUAL(superblock_format(&disk, &sb), SUPERBLOCK_OK);
		struct superblock first = sb;
		CU_ASSERT_EQUAL(superblock_write(&disk, &sb), SUPERBLOCK_OK);
		struct memory_file *f = memory_disk_file(m, SUPERBLOCK_NAME);
		f->now[SUPERBLOCK_SLOT_BYTES + at] ^= 16;
		CU_ASSERT_EQUAL(superblock_read(&disk, &read), SUPERBLOCK_OK);
		CU_ASSERT_TRUE(equal(&first, &read));
		f->now[at] ^= 16;
		CU_ASSERT_EQUAL(superblock_read(&disk, &read), SUPERBLOCK_DAMAGED);
		f->bytes = at; /* cut short */
		CU_ASSERT_EQUAL(superblock_read(&disk, &read), SUPERBLOCK_DAMAGED);
		memory_disk_destroy(m);
	}
}

/* Stopped at every operation of a format and three writes: none, or the last that was reported, or the one in flight. */
static void stopped_at_every_operation(void)
{
	for (uint64_t k = 1; k <= 12; k++) {
		for (uint64_t seed = 1; seed <= 40; seed++) {
			struct memory_disk *m = memory_disk_create(seed);
			struct log_disk disk = memory_disk_table(m);
			struct superblock sb = example(), read;
			uint64_t done = 0;
			m->stop_at = k;
			bool formatted = superblock_format(&disk, &sb) == SUPERBLOCK_OK;
			while (formatted && done < 3 && superblock_write(&disk, &sb) == SUPERBLOCK_OK)
				done = sb.generation;
			memory_disk_power_loss(m, (int)(seed % 3));
			enum superblock_result r = superblock_read(&disk, &read);
			CU_ASSERT_TRUE(r == SUPERBLOCK_OK || (r == SUPERBLOCK_NONE && !formatted));
			CU_ASSERT_TRUE(r != SUPERBLOCK_OK || (read.generation >= done && read.generation <= done + 1));
			if (r == SUPERBLOCK_NONE)
				CU_ASSERT_EQUAL(superblock_format(&disk, &sb), SUPERBLOCK_OK);
			memory_disk_destroy(m);
		}
	}
}

static const struct unit_case cases[] = {
	{ "what is written is read", what_is_written_is_read },
	{ "format never overwrites", format_never_overwrites },
	{ "a damaged slot leaves the other", a_damaged_slot_leaves_the_other },
	{ "stopped at every operation", stopped_at_every_operation },
	{ 0 },
};

int main(void)
{
	return unit_main("superblock", cases);
}
