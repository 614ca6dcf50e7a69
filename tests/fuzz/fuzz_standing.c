/* What a replica says of itself. */
#include "bft/standing.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct standing s;
	uint8_t again[STANDING_BYTES_MAX];
	if (!standing_decode(&s, bytes, n))
		return 0;
	size_t trouble = strnlen(s.trouble, sizeof s.trouble);
	FUZZ_CHECK(trouble < sizeof s.trouble && trouble <= n);
	/* What a terminal would obey was replaced; all else is as it came. */
	for (size_t i = 0; i < trouble; i++)
		FUZZ_CHECK(s.trouble[i] >= 0x20 && s.trouble[i] < 0x7f);
	FUZZ_CHECK(standing_encode(&s, again, sizeof again) == n && memcmp(again, bytes, n - trouble) == 0);
	return 0;
}
