/* A node of the state's tree, as another replica sends it. */
#include "replica/state/state.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct state_node node, again;
	if (!state_node_parse(&node, bytes, n))
		return 0;
	FUZZ_CHECK(n <= STATE_NODE_BYTES_MAX && (!node.leaf || node.count <= STATE_LEAF_ENTRIES));
	/* What it is named by follows from the bytes alone. */
	FUZZ_CHECK(state_node_parse(&again, bytes, n) && digest_equal(&node.digest, &again.digest));
	return 0;
}
