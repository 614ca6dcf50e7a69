/* PBFT's messages: the first byte is the type. */
#include "bft/pbft/messages.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static union pbft_body body;
	static uint8_t again[65536];
	if (n == 0)
		return 0;
	uint16_t type = bytes[0];
	size_t taken = pbft_decode(type, &body, bytes + 1, n - 1);
	if (taken == 0)
		return 0;
	FUZZ_CHECK(taken <= n - 1 && type >= PBFT_VOTES && type < PBFT_TYPE_END);
	FUZZ_CHECK(fuzz_same(bytes + 1, taken, again, pbft_encode(type, &body, again, sizeof again)));
	if (type == PBFT_VOTES) {
		struct digest d;
		votes_digest_of(&d, &body.votes);
	}
	return 0;
}
