/* replica/log/checksum.h - CRC-32C over any number of pieces. It finds accidents; it keeps nobody out. */
#ifndef REPLICA_LOG_CHECKSUM_H
#define REPLICA_LOG_CHECKSUM_H
#include <stddef.h>
#include <stdint.h>

/* The value after `n` more bytes; `before` is 0 or an earlier value. checksum(0, "123456789", 9) is 0xe3069283. */
uint32_t checksum(uint32_t before, const void *bytes, size_t n);
#endif
