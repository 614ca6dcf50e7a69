/* replica/log/checksum.c - see checksum.h. */
#include "replica/log/checksum.h"

#include <isa-l/crc.h>

uint32_t checksum(uint32_t before, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;
	uint32_t crc = ~before;
	while (n > 0) { /* the library counts in int, and takes its input without const */
		int piece = n > (1u << 30) ? 1 << 30 : (int)n;
		crc = crc32_iscsi((unsigned char *)(uintptr_t)at, piece, crc);
		at += piece;
		n -= (size_t)piece;
	}
	return ~crc;
}
