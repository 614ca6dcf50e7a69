#include "crypto/verify_cache.h"
#include "tests/unit/unit.h"

#include <string.h>

/* A scheme that counts: a signature is good when it begins with the key's first byte. */
static unsigned verified;

static bool counting_verify(const struct signature *sig, const struct statement *s, const struct public_key *pk)
{
	(void)s;
	verified++;
	return sig->b[0] == pk->b[0];
}

static const struct sign_scheme counting = { .name = "counting", .verify = counting_verify };

static void key_of(struct digest *out, uint32_t number)
{
	digest_of(out, DOMAIN_CACHE, &number, sizeof number);
}

static void good_ones_are_verified_once(void)
{
	struct verify_cache *cache = verify_cache_create(64);
	struct signature sig = { { 1 } };
	struct statement s = { { 2 } };
	struct public_key pk = { { 1 } };
	CU_ASSERT_FATAL(cache != NULL);
	verified = 0;
	for (int i = 0; i < 3; i++)
		CU_ASSERT(verify_once(cache, &counting, &sig, &s, &pk));
	CU_ASSERT(verified == 1);
	verify_cache_destroy(cache);
}

static void bad_ones_are_not_remembered(void)
{
	struct verify_cache *cache = verify_cache_create(64);
	struct signature sig = { { 9 } };
	struct statement s = { { 2 } };
	struct public_key pk = { { 1 } };
	CU_ASSERT_FATAL(cache != NULL);
	verified = 0;
	for (int i = 0; i < 3; i++)
		CU_ASSERT(!verify_once(cache, &counting, &sig, &s, &pk));
	CU_ASSERT(verified == 3);
	verify_cache_destroy(cache);
}

/* A good triple does not vouch for a neighbour that differs in one bit of key, statement or signature. */
static void each_part_counts(void)
{
	struct verify_cache *cache = verify_cache_create(64);
	struct signature sig = { { 1 } };
	struct statement s = { { 2 } };
	struct public_key pk = { { 1 } };
	CU_ASSERT_FATAL(cache != NULL);
	CU_ASSERT(verify_once(cache, &counting, &sig, &s, &pk));
	verified = 0;
	sig.b[63] ^= 1;
	CU_ASSERT(verify_once(cache, &counting, &sig, &s, &pk) && verified == 1);
	s.b[87] ^= 1;
	CU_ASSERT(verify_once(cache, &counting, &sig, &s, &pk) && verified == 2);
	pk.b[31] ^= 1;
	CU_ASSERT(verify_once(cache, &counting, &sig, &s, &pk) && verified == 3);
	CU_ASSERT(verify_once(cache, &counting, &sig, &s, &pk) && verified == 3);
	verify_cache_destroy(cache);
}

static void without_a_cache(void)
{
	struct signature sig = { { 1 } };
	struct statement s = { { 0 } };
	struct public_key pk = { { 1 } };
	verified = 0;
	CU_ASSERT(verify_once(NULL, &counting, &sig, &s, &pk) && verify_once(NULL, &counting, &sig, &s, &pk));
	CU_ASSERT(verified == 2);
}

static uint32_t held(struct verify_cache *cache, uint32_t numbers)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < numbers; i++) {
		struct digest key;
		key_of(&key, i);
		count += verify_cache_has(cache, &key);
	}
	return count;
}

static void memory_is_bounded(void)
{
	struct verify_cache *cache = verify_cache_create(100); /* becomes 128 */
	struct digest key;
	CU_ASSERT_FATAL(cache != NULL);
	for (uint32_t i = 0; i < 10000; i++) {
		key_of(&key, i);
		CU_ASSERT(!verify_cache_has(cache, &key));
		verify_cache_put(cache, &key);
		CU_ASSERT(verify_cache_has(cache, &key));
	}
	CU_ASSERT(held(cache, 10000) == 128);
	verify_cache_destroy(cache);
}

/* One set: what is asked for stays, what is not falls out. */
static void the_oldest_falls_out(void)
{
	struct verify_cache *cache = verify_cache_create(1);
	struct digest kept, key;
	CU_ASSERT_FATAL(cache != NULL);
	key_of(&kept, 0);
	verify_cache_put(cache, &kept);
	for (uint32_t i = 1; i < 100; i++) {
		key_of(&key, i);
		verify_cache_put(cache, &key);
		verify_cache_put(cache, &key); /* twice is once */
		CU_ASSERT(verify_cache_has(cache, &kept));
	}
	key_of(&key, 1);
	CU_ASSERT(!verify_cache_has(cache, &key));
	CU_ASSERT(held(cache, 100) == 8);
	verify_cache_destroy(cache);
}

static void limits(void)
{
	struct digest zero = { { 0 } };
	struct verify_cache *cache = verify_cache_create(0);
	CU_ASSERT_FATAL(cache != NULL);
	CU_ASSERT(!verify_cache_has(cache, &zero));
	verify_cache_put(cache, &zero); /* the mark of an empty place is no entry */
	CU_ASSERT(!verify_cache_has(cache, &zero));
	verify_cache_destroy(cache);
	verify_cache_destroy(NULL);
	CU_ASSERT(verify_cache_create(UINT32_MAX) == NULL);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "good ones are verified once", good_ones_are_verified_once },
		{ "bad ones are not remembered", bad_ones_are_not_remembered },
		{ "each part of the triple counts", each_part_counts },
		{ "without a cache", without_a_cache },
		{ "memory is bounded", memory_is_bounded },
		{ "the oldest falls out", the_oldest_falls_out },
		{ "limits", limits },
		{ 0 },
	};
	return unit_main("verify_cache", cases);
}
