/* replica/log/superblock.c - see superblock.h.
 *
 *   slot = "qr/superb" 16 | u32 version | u32 zero | u64 generation | cluster 32 | member 32 | u8 formatted | u8 clean | u8 durability | u8 zero |
 *          boot id 36 | u64 lowest segment | u64 free[8] | zeros | u32 CRC-32C of all before                                     (4096 bytes) */
#include "replica/log/superblock.h"
#include "bft/codec.h"
#include "replica/log/checksum.h"

#include <errno.h>

static const char magic[16] = "qr/superb";
#define CRC_AT (SUPERBLOCK_SLOT_BYTES - 4u)

static void slot_encode(uint8_t out[SUPERBLOCK_SLOT_BYTES], const struct superblock *sb)
{
	memset(out, 0, SUPERBLOCK_SLOT_BYTES);
	struct wr w = wr_of(out, CRC_AT);
	wr_bytes(&w, magic, sizeof magic);
	wr_u32(&w, SUPERBLOCK_VERSION);
	wr_u32(&w, 0);
	wr_u64(&w, sb->generation);
	wr_bytes(&w, sb->cluster.b, sizeof sb->cluster.b);
	wr_bytes(&w, sb->member.b, sizeof sb->member.b);
	wr_u8(&w, sb->formatted);
	wr_u8(&w, sb->clean);
	wr_u8(&w, sb->durability);
	wr_u8(&w, 0);
	wr_bytes(&w, sb->boot_id, sizeof sb->boot_id);
	wr_u64(&w, sb->lowest_segment);
	for (unsigned i = 0; i < SUPERBLOCK_FREE_FIELDS; i++)
		wr_u64(&w, sb->free[i]);
	struct wr crc = wr_of(out + CRC_AT, 4);
	wr_u32(&crc, checksum(0, out, CRC_AT));
}

static bool flag_read(struct rd *r, bool *out)
{
	uint8_t v;
	if (!rd_u8(r, &v) || v > 1)
		return false;
	*out = v == 1;
	return true;
}

static enum superblock_result slot_decode(struct superblock *sb, const uint8_t bytes[SUPERBLOCK_SLOT_BYTES])
{
	struct rd crc = rd_of(bytes + CRC_AT, 4), r = rd_of(bytes, CRC_AT);
	uint32_t stored, version, zero;
	uint8_t pad;
	const uint8_t *m = rd_take(&r, sizeof magic);
	if (!rd_u32(&crc, &stored) || stored != checksum(0, bytes, CRC_AT) || memcmp(m, magic, sizeof magic) != 0)
		return SUPERBLOCK_DAMAGED;
	if (!rd_u32(&r, &version) || version != SUPERBLOCK_VERSION)
		return SUPERBLOCK_VERSION_UNKNOWN;
	bool ok = rd_u32(&r, &zero) && rd_u64(&r, &sb->generation) && rd_bytes(&r, sb->cluster.b, sizeof sb->cluster.b) &&
	          rd_bytes(&r, sb->member.b, sizeof sb->member.b) && flag_read(&r, &sb->formatted) && flag_read(&r, &sb->clean) && rd_u8(&r, &sb->durability) &&
	          rd_u8(&r, &pad) && rd_bytes(&r, sb->boot_id, sizeof sb->boot_id) && rd_u64(&r, &sb->lowest_segment);
	for (unsigned i = 0; ok && i < SUPERBLOCK_FREE_FIELDS; i++)
		ok = rd_u64(&r, &sb->free[i]);
	return ok && zero == 0 && pad == 0 && sb->durability <= SUPERBLOCK_OS ? SUPERBLOCK_OK : SUPERBLOCK_DAMAGED;
}

static bool name_exists(const struct log_disk *disk, const char *name, bool *exists)
{
	int handle;
	int e = disk->open(disk->user, name, false, &handle);
	if (e == 0)
		disk->close(disk->user, handle);
	*exists = e == 0;
	return e == 0 || e == -ENOENT;
}

enum superblock_result superblock_format(const struct log_disk *disk, struct superblock *sb)
{
	bool exists;
	if (!name_exists(disk, SUPERBLOCK_NAME, &exists))
		return SUPERBLOCK_IO;
	if (exists)
		return SUPERBLOCK_EXISTS;
	int e = disk->unlink(disk->user, SUPERBLOCK_NEW_NAME); /* of a format that did not end */
	if (e != 0 && e != -ENOENT)
		return SUPERBLOCK_IO;

	uint8_t slots[2 * SUPERBLOCK_SLOT_BYTES] = { 0 };
	sb->generation = 0;
	slot_encode(slots, sb); /* generation g lies in slot g % 2 */
	int handle;
	if (disk->open(disk->user, SUPERBLOCK_NEW_NAME, true, &handle) != 0)
		return SUPERBLOCK_IO;
	bool ok = disk->pwrite(disk->user, handle, slots, sizeof slots, 0) == 0 && disk->sync(disk->user, handle) == 0;
	disk->close(disk->user, handle);
	ok = ok && disk->rename(disk->user, SUPERBLOCK_NEW_NAME, SUPERBLOCK_NAME) == 0 && disk->sync_folder(disk->user) == 0;
	return ok ? SUPERBLOCK_OK : SUPERBLOCK_IO;
}

enum superblock_result superblock_read(const struct log_disk *disk, struct superblock *sb)
{
	int handle;
	int e = disk->open(disk->user, SUPERBLOCK_NAME, false, &handle);
	if (e != 0)
		return e == -ENOENT ? SUPERBLOCK_NONE : SUPERBLOCK_IO;
	uint8_t slots[2 * SUPERBLOCK_SLOT_BYTES] = { 0 };
	int64_t n = disk->pread(disk->user, handle, slots, sizeof slots, 0);
	disk->close(disk->user, handle);
	if (n < 0)
		return SUPERBLOCK_IO;

	struct superblock two[2] = { { 0 }, { 0 } };
	enum superblock_result r[2];
	for (unsigned i = 0; i < 2; i++) {
		r[i] = slot_decode(&two[i], slots + i * SUPERBLOCK_SLOT_BYTES);
		if (r[i] == SUPERBLOCK_VERSION_UNKNOWN)
			return r[i]; /* a newer release was here: its other slot is not ours to fall back on */
	}
	if (r[0] != SUPERBLOCK_OK && r[1] != SUPERBLOCK_OK)
		return SUPERBLOCK_DAMAGED;
	unsigned newest = r[0] != SUPERBLOCK_OK || (r[1] == SUPERBLOCK_OK && two[1].generation > two[0].generation);
	*sb = two[newest];
	return SUPERBLOCK_OK;
}

enum superblock_result superblock_write(const struct log_disk *disk, struct superblock *sb)
{
	struct superblock next = *sb;
	next.generation++;
	uint8_t slot[SUPERBLOCK_SLOT_BYTES];
	slot_encode(slot, &next);
	int handle;
	int e = disk->open(disk->user, SUPERBLOCK_NAME, false, &handle);
	if (e != 0)
		return e == -ENOENT ? SUPERBLOCK_NONE : SUPERBLOCK_IO;
	bool ok = disk->pwrite(disk->user, handle, slot, sizeof slot, next.generation % 2 * SUPERBLOCK_SLOT_BYTES) == 0 && disk->sync(disk->user, handle) == 0;
	disk->close(disk->user, handle);
	if (!ok)
		return SUPERBLOCK_IO;
	*sb = next;
	return SUPERBLOCK_OK;
}

const char *superblock_text(enum superblock_result result)
{
	switch (result) {
	case SUPERBLOCK_OK: return "the superblock is whole";
	case SUPERBLOCK_NONE: return "the folder has no superblock: it was never formatted, or was emptied";
	case SUPERBLOCK_EXISTS: return "the folder is formatted already; nothing was changed";
	case SUPERBLOCK_DAMAGED: return "the superblock is damaged: neither of its two slots is whole";
	case SUPERBLOCK_VERSION_UNKNOWN: return "the superblock was written by a newer release";
	case SUPERBLOCK_IO: return "the superblock could not be read or written";
	}
	return "unknown result";
}
