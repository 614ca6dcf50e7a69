#include "crypto/digest.h"
#include "tests/unit/unit.h"

#include <string.h>

static void expect_plain(const char *hex, const void *bytes, size_t n)
{
	struct digest d;
	char text[65];
	digest_sha256_plain(&d, bytes, n);
	hex_format(text, d.b, sizeof d.b);
	CU_ASSERT_STRING_EQUAL(text, hex);
}

static void published_vectors(void)
{
	static char million[1000000];
	const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	const char *four = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
	memset(million, 'a', sizeof million);
	expect_plain("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", NULL, 0);
	expect_plain("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc", 3);
	expect_plain("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", two, strlen(two));
	expect_plain("cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1", four, strlen(four));
	expect_plain("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", million, sizeof million);
}

static void domain_opens_the_hash(void)
{
	uint8_t bytes[DOMAIN_BYTES + 3] = "qr/leaf";
	struct digest with_domain, by_hand, other;
	memcpy(bytes + DOMAIN_BYTES, "abc", 3);
	digest_of(&with_domain, DOMAIN_LEAF, "abc", 3);
	digest_sha256_plain(&by_hand, bytes, sizeof bytes);
	CU_ASSERT(digest_equal(&with_domain, &by_hand));
	digest_of(&other, DOMAIN_BUNDLE, "abc", 3);
	CU_ASSERT(!digest_equal(&with_domain, &other));
}

static void domains_differ(void)
{
	for (int a = 0; a < DOMAIN_COUNT; a++) {
		for (int b = 0; b < a; b++)
			CU_ASSERT(memcmp(domain_bytes((enum domain)a), domain_bytes((enum domain)b), DOMAIN_BYTES) != 0);
	}
	CU_ASSERT(memcmp(domain_bytes(DOMAIN_HELLO), "qr/hello\0\0\0\0\0\0\0\0", DOMAIN_BYTES) == 0);
}

static void pieces_equal_the_whole(void)
{
	uint8_t bytes[300];
	struct digest whole, pieces;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	digest_of(&whole, DOMAIN_TEST, bytes, sizeof bytes);
	for (size_t cut = 0; cut <= sizeof bytes; cut++) {
		struct digest_ctx ctx, copy;
		digest_begin(&ctx, DOMAIN_TEST);
		digest_add(&ctx, bytes, cut);
		copy = ctx;
		digest_add(&ctx, "elsewhere", 9); /* a copy goes its own way */
		digest_add(&copy, bytes + cut, sizeof bytes - cut);
		digest_end(&copy, &pieces);
		CU_ASSERT(digest_equal(&whole, &pieces));
	}
}

static void integers_are_little_endian(void)
{
	const uint8_t bytes[] = { 0x02, 0x01, 0x06, 0x05, 0x04, 0x03, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 0x07 };
	struct digest_ctx ctx;
	struct digest a, b;
	digest_begin(&ctx, DOMAIN_TEST);
	digest_add_u16(&ctx, 0x0102);
	digest_add_u32(&ctx, 0x03040506);
	digest_add_u64(&ctx, 0x0708090a0b0c0d0e);
	digest_end(&ctx, &a);
	digest_of(&b, DOMAIN_TEST, bytes, sizeof bytes);
	CU_ASSERT(digest_equal(&a, &b));
}

static void zero_and_equal(void)
{
	struct digest zero = { { 0 } }, d = { { 0 } };
	CU_ASSERT(digest_is_zero(&zero));
	for (int i = 0; i < DIGEST_BYTES; i++) {
		d.b[i] = 1;
		CU_ASSERT(!digest_is_zero(&d) && !digest_equal(&zero, &d));
		d.b[i] = 0;
	}
	CU_ASSERT(digest_equal(&zero, &d));
}

static void hexadecimal(void)
{
	uint8_t bytes[256], back[256];
	char text[513];
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	hex_format(text, bytes, 256);
	CU_ASSERT(strlen(text) == 512 && hex_parse(back, 256, text) && memcmp(bytes, back, 256) == 0);
	CU_ASSERT(hex_parse(back, 2, "AbCd") && back[0] == 0xab && back[1] == 0xcd);
	CU_ASSERT(hex_parse(back, 0, ""));

	const char *const bad[] = { "", "1", "12", "123", "12345", "123456", "12 4", "0x12", "12g4", "-123", "1:34", "12/4", "12@4", "12`4", "12\xff\xff" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CU_ASSERT(!hex_parse(back, 2, bad[i]));
	CU_ASSERT(!hex_parse(back, 0, "1"));
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "published vectors (FIPS 180)", published_vectors },
		{ "the domain opens the hash", domain_opens_the_hash },
		{ "domains differ", domains_differ },
		{ "pieces equal the whole", pieces_equal_the_whole },
		{ "integers are little-endian", integers_are_little_endian },
		{ "zero and equal", zero_and_equal },
		{ "hexadecimal", hexadecimal },
		{ 0 },
	};
	return unit_main("digest", cases);
}
