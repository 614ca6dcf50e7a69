/* A client's bundle: one value, one encoding. */
#include "bft/bundle.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct bundle b;
	if (bundle_decode(&b, bytes, n) != NULL)
		return 0;
	uint8_t *again = malloc(n);
	FUZZ_CHECK(again && fuzz_same(bytes, n, again, bundle_encode(&b, again, n)));
	free(again);

	struct rd r = rd_of(b.ops, b.ops_bytes);
	const uint8_t *op;
	uint32_t op_n, count = 0;
	while (bundle_next_op(&r, &op, &op_n)) {
		FUZZ_CHECK(op >= bytes && op + op_n <= bytes + n);
		count++;
	}
	FUZZ_CHECK(count == b.count && rd_done(&r));
	return 0;
}
