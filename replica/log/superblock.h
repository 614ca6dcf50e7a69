/* replica/log/superblock.h - what a folder says about itself before its log is read: whose it is, and how it was left.
 *
 * Two slots of 4 KiB are written in turn, each with a generation and a CRC, so a torn write costs the newer one only. The folder is formatted once: a start
 * on a folder without a superblock is an observer's (design section 8), and format never overwrites one. */
#ifndef REPLICA_LOG_SUPERBLOCK_H
#define REPLICA_LOG_SUPERBLOCK_H
#include "crypto/sign.h"
#include "replica/log/disk.h"

#define SUPERBLOCK_NAME "superblock"
#define SUPERBLOCK_NEW_NAME "superblock.new" /* while it is formatted */
#define SUPERBLOCK_VERSION 1u
#define SUPERBLOCK_SLOT_BYTES 4096u
#define SUPERBLOCK_BOOT_ID_BYTES 36u /* the text of the kernel's boot id, without its newline */
#define SUPERBLOCK_FREE_FIELDS 8u

enum superblock_durability { SUPERBLOCK_FLUSH = 0, SUPERBLOCK_OS = 1 };

struct superblock {
	uint64_t generation; /* set by format and write                                                      */
	struct digest cluster;
	struct public_key member;
	bool formatted;                         /* by the operator's command, so that nothing was signed before             */
	bool clean;                             /* left by an orderly stop                                                  */
	uint8_t durability;                     /* enum superblock_durability of the run that wrote it                      */
	char boot_id[SUPERBLOCK_BOOT_ID_BYTES]; /* of the boot that wrote it; zeros when unknown. Not terminated            */
	uint64_t lowest_segment;                /* a hint for people: the log's own groups are the authority                */
	uint64_t free[SUPERBLOCK_FREE_FIELDS];  /* for the replica's use: kept as they are                                  */
};

enum superblock_result {
	SUPERBLOCK_OK,
	SUPERBLOCK_NONE,            /* read: there is no file                                       */
	SUPERBLOCK_EXISTS,          /* format: there is one; nothing was touched                    */
	SUPERBLOCK_DAMAGED,         /* read: a file, but no whole slot                              */
	SUPERBLOCK_VERSION_UNKNOWN, /* read: written by a newer release                      */
	SUPERBLOCK_IO,              /* the disk refused; after a failed write the replica must stop */
};

/* Writes a first superblock from `sb` and sets its generation. A crash leaves none or a whole one. */
enum superblock_result superblock_format(const struct log_disk *disk, struct superblock *sb);
/* The newest whole slot. */
enum superblock_result superblock_read(const struct log_disk *disk, struct superblock *sb);
/* Writes `sb`, as read or last written, into the other slot with the next generation, and flushes it. */
enum superblock_result superblock_write(const struct log_disk *disk, struct superblock *sb);
/* One sentence; never NULL. */
const char *superblock_text(enum superblock_result result);
#endif
