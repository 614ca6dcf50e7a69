/* A superblock of any bytes. With an odd first byte the slots' checksums are made right, so that what stands behind them is reached. */
#include "replica/log/checksum.h"
#include "replica/log/superblock.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/memory_disk.h"

static void make_right(uint8_t *slot)
{
	struct wr w = wr_of(slot + SUPERBLOCK_SLOT_BYTES - 4, 4);
	wr_u32(&w, checksum(0, slot, SUPERBLOCK_SLOT_BYTES - 4));
}

/* Runs of zeros make slots of 4096 bytes small in a corpus: u16 offset, u8 n, n bytes. */
static void fill(uint8_t *file, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	uint16_t at;
	uint8_t some;
	const uint8_t *from;
	while (rd_u16(&r, &at) && rd_u8(&r, &some) && (from = rd_take(&r, some)) != NULL)
		memcpy(file + at % (2 * SUPERBLOCK_SLOT_BYTES - 255), from, some);
}

static void put(const struct log_disk *disk, const uint8_t *file)
{
	int handle;
	FUZZ_CHECK(disk->open(disk->user, SUPERBLOCK_NAME, true, &handle) == 0);
	FUZZ_CHECK(disk->pwrite(disk->user, handle, file, (size_t)2 * SUPERBLOCK_SLOT_BYTES, 0) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static uint8_t file[2 * SUPERBLOCK_SLOT_BYTES];
	if (n == 0)
		return 0;
	memset(file, 0, sizeof file);
	fill(file, bytes + 1, n - 1);
	if (bytes[0] & 1)
		make_right(file);
	if (bytes[0] & 2)
		make_right(file + SUPERBLOCK_SLOT_BYTES);
	struct memory_disk *m = memory_disk_create(1);
	struct log_disk disk = memory_disk_table(m);
	struct superblock sb, again;
	put(&disk, file);
	enum superblock_result r = superblock_read(&disk, &sb);
	FUZZ_CHECK(superblock_text(r) != NULL && superblock_format(&disk, &sb) == SUPERBLOCK_EXISTS);
	if (r == SUPERBLOCK_OK && sb.generation < UINT64_MAX) {
		uint64_t generation = sb.generation;
		FUZZ_CHECK(superblock_write(&disk, &sb) == SUPERBLOCK_OK && superblock_read(&disk, &again) == SUPERBLOCK_OK);
		FUZZ_CHECK(again.generation == generation + 1 && digest_equal(&again.cluster, &sb.cluster) && again.formatted == sb.formatted &&
		           again.clean == sb.clean && again.durability == sb.durability && memcmp(again.free, sb.free, sizeof sb.free) == 0);
	}
	memory_disk_destroy(m);
	return 0;
}
