/* replica/log/layout.c - see layout.h. */
#include "replica/log/layout.h"
#include "bft/codec.h"
#include "replica/log/checksum.h"

#include <inttypes.h>
#include <stdio.h>

static const char preamble_magic[16] = "qr/logseg";
#define GROUP_MAGIC 0x67727171u
#define PREAMBLE_CRC_AT 84u
#define GROUP_CRC_AT (LAYOUT_GROUP_HEADER_BYTES - 4u)
#define RECORD_CRC_AT (LAYOUT_RECORD_HEADER_BYTES - 4u)

void layout_segment_name(char out[DISK_NAME_MAX], uint64_t number)
{
	snprintf(out, DISK_NAME_MAX, "seg-%016" PRIx64 ".log", number);
}

bool layout_segment_number(const char *name, uint64_t *number)
{
	uint8_t b[8];
	char digits[17];
	if (strlen(name) != 24 || strncmp(name, "seg-", 4) != 0 || strcmp(name + 20, ".log") != 0)
		return false;
	memcpy(digits, name + 4, 16);
	digits[16] = 0;
	if (!hex_parse(b, 8, digits))
		return false;
	*number = 0;
	for (unsigned i = 0; i < 8; i++)
		*number = *number << 8 | b[i];
	char canonical[DISK_NAME_MAX];
	layout_segment_name(canonical, *number);
	return *number > 0 && *number <= LAYOUT_SEGMENT_MAX && strcmp(canonical, name) == 0;
}

uint32_t layout_base(const struct digest *cluster, uint64_t salt)
{
	uint8_t b[8];
	struct wr w = wr_of(b, sizeof b);
	wr_u64(&w, salt);
	return checksum(checksum(0, cluster->b, sizeof cluster->b), b, sizeof b);
}

static uint32_t place_crc(uint32_t base, struct layout_place at)
{
	uint8_t b[12];
	struct wr w = wr_of(b, sizeof b);
	wr_u64(&w, at.segment);
	wr_u32(&w, at.offset);
	return checksum(base, b, sizeof b);
}

static void put_u32(uint8_t *out, uint32_t v)
{
	struct wr w = wr_of(out, 4);
	wr_u32(&w, v);
}

static uint32_t get_u32(const uint8_t *in)
{
	struct rd r = rd_of(in, 4);
	uint32_t v = 0;
	(void)rd_u32(&r, &v);
	return v;
}

void layout_preamble_encode(uint8_t out[LOG_BLOCK_BYTES], const struct layout_preamble *p)
{
	memset(out, 0, LOG_BLOCK_BYTES);
	struct wr w = wr_of(out, PREAMBLE_CRC_AT);
	wr_bytes(&w, preamble_magic, sizeof preamble_magic);
	wr_u32(&w, p->version);
	wr_u32(&w, p->segment_bytes);
	wr_bytes(&w, p->cluster.b, sizeof p->cluster.b);
	wr_u64(&w, p->salt);
	wr_u64(&w, p->number);
	wr_u64(&w, p->lowest);
	wr_u8(&w, p->recycled);
	put_u32(out + PREAMBLE_CRC_AT, checksum(0, out, PREAMBLE_CRC_AT));
}

bool layout_preamble_decode(struct layout_preamble *p, const uint8_t in[LOG_BLOCK_BYTES])
{
	struct rd r = rd_of(in, PREAMBLE_CRC_AT);
	const uint8_t *magic = rd_take(&r, sizeof preamble_magic);
	uint8_t recycled, zero[3];
	if (memcmp(magic, preamble_magic, sizeof preamble_magic) != 0 || get_u32(in + PREAMBLE_CRC_AT) != checksum(0, in, PREAMBLE_CRC_AT))
		return false;
	bool ok = rd_u32(&r, &p->version) && rd_u32(&r, &p->segment_bytes) && rd_bytes(&r, p->cluster.b, sizeof p->cluster.b) && rd_u64(&r, &p->salt) &&
	          rd_u64(&r, &p->number) && rd_u64(&r, &p->lowest) && rd_u8(&r, &recycled) && rd_bytes(&r, zero, 3) && rd_done(&r);
	if (!ok)
		return false;
	p->recycled = recycled == 1;
	return p->number <= LAYOUT_SEGMENT_MAX && p->lowest > 0 && p->lowest <= p->number;
}

void layout_group_encode(uint8_t out[LAYOUT_GROUP_HEADER_BYTES], const struct layout_group *g, uint32_t base)
{
	memset(out, 0, LAYOUT_GROUP_HEADER_BYTES);
	struct wr w = wr_of(out, GROUP_CRC_AT);
	wr_u32(&w, GROUP_MAGIC);
	wr_u16(&w, (uint16_t)g->kind);
	wr_u16(&w, 0);
	wr_u32(&w, g->bytes);
	wr_u32(&w, g->used);
	wr_u32(&w, g->records);
	wr_u32(&w, g->at.offset);
	wr_u64(&w, g->at.segment);
	wr_u64(&w, g->prev.segment);
	wr_u32(&w, g->prev.offset);
	wr_u32(&w, 0);
	wr_u64(&w, g->lowest);
	wr_u64(&w, g->newest);
	put_u32(out + GROUP_CRC_AT, checksum(place_crc(base, g->at), out, GROUP_CRC_AT));
}

static bool group_sane(const struct layout_group *g)
{
	return (g->kind == LAYOUT_GROUP || g->kind == LAYOUT_MARK) && g->bytes >= LOG_BLOCK_BYTES && g->bytes <= LAYOUT_GROUP_BYTES_MAX &&
	       g->bytes % LOG_BLOCK_BYTES == 0 && g->used >= LAYOUT_GROUP_HEADER_BYTES && g->used <= g->bytes &&
	       g->records <= (g->used - LAYOUT_GROUP_HEADER_BYTES) / LAYOUT_RECORD_HEADER_BYTES && g->at.offset >= LOG_BLOCK_BYTES &&
	       g->at.offset % LOG_BLOCK_BYTES == 0 && g->at.segment > 0 && g->at.segment <= LAYOUT_SEGMENT_MAX && g->lowest > 0 && g->lowest <= g->at.segment &&
	       g->newest >= g->at.segment && g->newest - g->at.segment <= 1;
}

bool layout_group_decode(struct layout_group *g, const uint8_t in[LAYOUT_GROUP_HEADER_BYTES], uint32_t base)
{
	struct rd r = rd_of(in, GROUP_CRC_AT);
	uint32_t magic, zero32;
	uint16_t kind, zero16;
	if (!rd_u32(&r, &magic) || magic != GROUP_MAGIC)
		return false;
	bool ok = rd_u16(&r, &kind) && rd_u16(&r, &zero16) && rd_u32(&r, &g->bytes) && rd_u32(&r, &g->used) && rd_u32(&r, &g->records) &&
	          rd_u32(&r, &g->at.offset) && rd_u64(&r, &g->at.segment) && rd_u64(&r, &g->prev.segment) && rd_u32(&r, &g->prev.offset) &&
	          rd_u32(&r, &zero32) && rd_u64(&r, &g->lowest) && rd_u64(&r, &g->newest);
	if (!ok || get_u32(in + GROUP_CRC_AT) != checksum(place_crc(base, g->at), in, GROUP_CRC_AT))
		return false;
	g->kind = (enum layout_kind)kind;
	return group_sane(g);
}

void layout_record_seal(uint8_t *out, const struct log_record *r, struct layout_place at, uint32_t base)
{
	uint32_t start = place_crc(base, at);
	struct wr w = wr_of(out, RECORD_CRC_AT);
	wr_u32(&w, r->bytes);
	wr_u16(&w, r->type);
	wr_u16(&w, r->flags);
	wr_u64(&w, r->lsn);
	wr_u64(&w, r->seq);
	wr_u32(&w, checksum(start, out + LAYOUT_RECORD_HEADER_BYTES, r->bytes));
	put_u32(out + RECORD_CRC_AT, checksum(start, out, RECORD_CRC_AT));
}

bool layout_record_header(struct log_record *r, uint32_t *payload_crc, const uint8_t in[LAYOUT_RECORD_HEADER_BYTES], struct layout_place at, uint32_t base)
{
	if (get_u32(in + RECORD_CRC_AT) != checksum(place_crc(base, at), in, RECORD_CRC_AT))
		return false;
	struct rd rd = rd_of(in, RECORD_CRC_AT);
	*r = (struct log_record){ 0 };
	return rd_u32(&rd, &r->bytes) && rd_u16(&rd, &r->type) && rd_u16(&rd, &r->flags) && rd_u64(&rd, &r->lsn) && rd_u64(&rd, &r->seq) &&
	       rd_u32(&rd, payload_crc) && rd_done(&rd) && r->bytes <= LOG_PAYLOAD_MAX;
}

bool layout_payload_ok(const void *payload, uint32_t bytes, uint32_t payload_crc, struct layout_place at, uint32_t base)
{
	return checksum(place_crc(base, at), payload, bytes) == payload_crc;
}
