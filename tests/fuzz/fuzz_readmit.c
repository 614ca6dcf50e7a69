/* An organization's word for its replica. */
#include "bft/readmit.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct readmit r;
	uint8_t again[READMIT_BYTES];
	if (!readmit_decode(&r, bytes, n))
		return 0;
	FUZZ_CHECK(n == READMIT_BYTES && r.member < BFT_MEMBERS_MAX && r.incarnation && r.epoch);
	FUZZ_CHECK(readmit_encode(&r, again) == n && memcmp(again, bytes, n) == 0);
	return 0;
}
