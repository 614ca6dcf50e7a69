/* crypto/digest.h - SHA-256 with a domain that cannot be left out.
 *
 * Every digest in Quorate begins with a 16-byte domain (crypto/domain.h), so bytes hashed in one role never equal bytes hashed in another. The functions
 * allocate nothing and keep no state outside their arguments: the protocol core may call them. */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H
#include "crypto/domain.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BYTES 32
struct digest {
	uint8_t b[DIGEST_BYTES];
};

/* A digest being computed. Lives on the caller's stack; may be copied. */
struct digest_ctx {
	uint64_t opaque[16];
};

void digest_begin(struct digest_ctx *ctx, enum domain domain);
void digest_add(struct digest_ctx *ctx, const void *bytes, size_t n);
void digest_add_u16(struct digest_ctx *ctx, uint16_t v); /* little-endian, as everywhere */
void digest_add_u32(struct digest_ctx *ctx, uint32_t v);
void digest_add_u64(struct digest_ctx *ctx, uint64_t v);
void digest_end(struct digest_ctx *ctx, struct digest *out);

/* The whole in one call. */
void digest_of(struct digest *out, enum domain domain, const void *bytes, size_t n);

bool digest_equal(const struct digest *a, const struct digest *b);
bool digest_is_zero(const struct digest *d);

/* Plain SHA-256 without a domain: only for checking against published vectors and other tools. */
void digest_sha256_plain(struct digest *out, const void *bytes, size_t n);

/* Lower-case hexadecimal of `n` bytes; `out` holds 2 * n + 1. hex_parse demands exactly 2 * n digits and returns false otherwise. */
void hex_format(char *out, const uint8_t *bytes, size_t n);
bool hex_parse(uint8_t *out, size_t n, const char *text);
#endif
