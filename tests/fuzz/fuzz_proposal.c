/* A proposal: what was taken encodes to the same bytes. */
#include "bft/proposal.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct bft_proposal p;
	uint8_t again[PROPOSAL_BYTES(BFT_PROPOSAL_BUNDLES_MAX)];
	size_t taken = proposal_decode(&p, bytes, n, BFT_PROPOSAL_BUNDLES_MAX);
	if (taken == 0)
		return 0;
	FUZZ_CHECK(taken <= n && p.count <= BFT_PROPOSAL_BUNDLES_MAX && p.flags == 0);
	FUZZ_CHECK(fuzz_same(bytes, taken, again, proposal_encode(&p, again, sizeof again)));
	FUZZ_CHECK(taken == 0 || proposal_encode(&p, again, taken - 1) == 0);
	return 0;
}
