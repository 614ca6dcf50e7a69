/* replica/log/layout.h - the log's bytes: preamble, group, record. All integers little-endian.
 *
 *   segment  = preamble block | group...                     one file "seg-NNNNNNNNNNNNNNNN.log" (number in hexadecimal)
 *   preamble = "qr/logseg" 16 | u32 version | u32 segment bytes | cluster 32 | u64 salt | u64 number | u64 lowest | u8 recycled | u8 zero[3] | u32 CRC of all
 *              before | zeros                                 (4096 bytes)
 *   group    = header 88 | record... | zeros to a multiple of 4096
 *   header   = u32 magic | u16 kind | u16 zero | u32 bytes with padding | u32 bytes used | u32 records | u32 offset | u64 segment | u64 prev segment |
 *              u32 prev offset | u32 zero | u64 lowest | u64 newest | u8 zero[20] | u32 CRC
 *   record   = u32 payload bytes | u16 type | u16 flags | u64 lsn | u64 seq | u32 CRC of payload | u32 CRC of header | payload
 *
 * Group and record CRCs begin with (cluster, salt, segment, offset): bytes at another place, in another segment's life or in another log do not verify.
 * `prev` is the end of the group before, which was flushed before this one was written. `lowest` is the lowest segment still needed, `newest` the highest
 * that exists, the one that is written or the one after it: whichever of them is missing is missed. Numbers that no log comes to are nobody's: else whoever
 * writes a claim with the right CRC makes the next number wrap around. */
#ifndef REPLICA_LOG_LAYOUT_H
#define REPLICA_LOG_LAYOUT_H
#include "replica/log/log.h"

#define LAYOUT_VERSION 1u
#define LAYOUT_GROUP_HEADER_BYTES 88u
#define LAYOUT_RECORD_HEADER_BYTES 32u
#define LAYOUT_GROUP_BYTES_MAX (LOG_PAYLOAD_MAX + LOG_BLOCK_BYTES)
_Static_assert(LAYOUT_GROUP_HEADER_BYTES + LAYOUT_RECORD_HEADER_BYTES <= LOG_BLOCK_BYTES, "the largest payload fits into the largest group");

#define LAYOUT_FILL_NAME "fill.tmp"
#define LAYOUT_LOCK_NAME "lock"
#define LAYOUT_SEGMENT_MAX (UINT64_MAX >> 16) /* so many of the smallest are 4 EiB */

struct layout_place {
	uint64_t segment;
	uint32_t offset;
};

struct layout_preamble {
	uint32_t version, segment_bytes;
	struct digest cluster;
	uint64_t salt, number, lowest;
	bool recycled;
};

enum layout_kind { LAYOUT_GROUP = 1, LAYOUT_MARK = 2 };
struct layout_group {
	enum layout_kind kind;
	uint32_t bytes, used, records;
	struct layout_place at, prev;
	uint64_t lowest, newest;
};

void layout_segment_name(char out[DISK_NAME_MAX], uint64_t number);
bool layout_segment_number(const char *name, uint64_t *number);

/* What every CRC of one log begins with. */
uint32_t layout_base(const struct digest *cluster, uint64_t salt);

void layout_preamble_encode(uint8_t out[LOG_BLOCK_BYTES], const struct layout_preamble *p);
bool layout_preamble_decode(struct layout_preamble *p, const uint8_t in[LOG_BLOCK_BYTES]);

void layout_group_encode(uint8_t out[LAYOUT_GROUP_HEADER_BYTES], const struct layout_group *g, uint32_t base);
/* True when it is a whole header of this log, for the place that it names itself: the caller compares that with where it was found. */
bool layout_group_decode(struct layout_group *g, const uint8_t in[LAYOUT_GROUP_HEADER_BYTES], uint32_t base);

/* Header and payload CRC of the record at `at`; the payload follows the header in `out` already. */
void layout_record_seal(uint8_t *out, const struct log_record *r, struct layout_place at, uint32_t base);
/* Checks the header alone: r->bytes is then true. */
bool layout_record_header(struct log_record *r, uint32_t *payload_crc, const uint8_t in[LAYOUT_RECORD_HEADER_BYTES], struct layout_place at, uint32_t base);
bool layout_payload_ok(const void *payload, uint32_t bytes, uint32_t payload_crc, struct layout_place at, uint32_t base);

static inline uint32_t layout_round_up(uint32_t bytes)
{
	return (bytes + LOG_BLOCK_BYTES - 1) / LOG_BLOCK_BYTES * LOG_BLOCK_BYTES;
}
#endif
