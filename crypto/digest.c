/* SHA-256 by OpenSSL's low-level calls. OpenSSL 3 calls them deprecated and offers EVP instead, but EVP allocates for every digest, and the protocol core
 * must not. The calls themselves are supported, use the processor's SHA instructions, and cannot fail on memory. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/digest.h"

#include <openssl/sha.h>
#include <string.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct digest_ctx), "OpenSSL's context fits into ours");
_Static_assert(SHA256_DIGEST_LENGTH == DIGEST_BYTES, "a digest is a SHA-256");

/* By copy, not by cast: the header shows 16 integers, so that nobody who includes it needs OpenSSL. */
static void ctx_store(struct digest_ctx *ctx, const SHA256_CTX *sha)
{
	memcpy(ctx->opaque, sha, sizeof *sha);
}

static void ctx_load(SHA256_CTX *sha, const struct digest_ctx *ctx)
{
	memcpy(sha, ctx->opaque, sizeof *sha);
}

void digest_begin(struct digest_ctx *ctx, enum domain domain)
{
	SHA256_CTX sha;
	SHA256_Init(&sha);
	SHA256_Update(&sha, domain_bytes(domain), DOMAIN_BYTES);
	memset(ctx, 0, sizeof *ctx);
	ctx_store(ctx, &sha);
}

void digest_add(struct digest_ctx *ctx, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	SHA256_CTX sha;
	ctx_load(&sha, ctx);
	SHA256_Update(&sha, bytes, n);
	ctx_store(ctx, &sha);
}

static void add_little_endian(struct digest_ctx *ctx, uint64_t v, size_t n)
{
	uint8_t b[8];
	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	digest_add(ctx, b, n);
}

void digest_add_u16(struct digest_ctx *ctx, uint16_t v)
{
	add_little_endian(ctx, v, 2);
}

void digest_add_u32(struct digest_ctx *ctx, uint32_t v)
{
	add_little_endian(ctx, v, 4);
}

void digest_add_u64(struct digest_ctx *ctx, uint64_t v)
{
	add_little_endian(ctx, v, 8);
}

void digest_end(struct digest_ctx *ctx, struct digest *out)
{
	SHA256_CTX sha;
	ctx_load(&sha, ctx);
	SHA256_Final(out->b, &sha);
}

void digest_of(struct digest *out, enum domain domain, const void *bytes, size_t n)
{
	SHA256_CTX sha;
	SHA256_Init(&sha);
	SHA256_Update(&sha, domain_bytes(domain), DOMAIN_BYTES);
	if (n)
		SHA256_Update(&sha, bytes, n);
	SHA256_Final(out->b, &sha);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->b, b->b, DIGEST_BYTES) == 0;
}

bool digest_is_zero(const struct digest *d)
{
	static const struct digest zero;
	return digest_equal(d, &zero);
}

void digest_sha256_plain(struct digest *out, const void *bytes, size_t n)
{
	SHA256_CTX sha;
	SHA256_Init(&sha);
	if (n)
		SHA256_Update(&sha, bytes, n);
	SHA256_Final(out->b, &sha);
}

void hex_format(char *out, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = 0;
}

/* The value of a hexadecimal digit of either case, or -1 (also for the zero that ends the text, so a short text is never read past its end). */
static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_parse(uint8_t *out, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit_value(text[2 * i]);
		int low = high < 0 ? -1 : digit_value(text[2 * i + 1]);
		if (low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return text[2 * n] == 0;
}
