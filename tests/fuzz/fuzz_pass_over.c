/* Members' word about one of them. */
#include "bft/pass_over.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pass_over p;
	uint8_t again[PASS_OVER_BYTES_MAX];
	if (!pass_over_decode(&p, bytes, n))
		return 0;
	FUZZ_CHECK(n <= PASS_OVER_BYTES_MAX && pass_over_length(bytes, n) == n && p.epoch && p.member < BFT_MEMBERS_MAX && p.count);
	for (uint8_t i = 0; i < p.count; i++)
		FUZZ_CHECK(p.by[i].member < BFT_MEMBERS_MAX && (i == 0 || p.by[i].member > p.by[i - 1].member));
	FUZZ_CHECK(pass_over_encode(&p, again) == n && memcmp(again, bytes, n) == 0);
	return 0;
}
