/* A genesis: what is one encodes to the same bytes. */
#include "bft/genesis.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct bft_genesis g;
	static uint8_t again[BFT_GENESIS_BYTES_MAX];
	if (genesis_decode(&g, bytes, n) != NULL)
		return 0;
	FUZZ_CHECK(genesis_fields_check(&g) == NULL && g.count <= BFT_MEMBERS_MAX);
	FUZZ_CHECK(fuzz_same(bytes, n, again, genesis_encode(again, sizeof again, &g)));
	return 0;
}
