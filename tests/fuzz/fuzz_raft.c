/* Raft's messages and records: the first byte is the type, with its highest bit a record's. */
#include "bft/raft/messages.h"
#include "bft/raft/records.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static union raft_body body;
	static union raft_record_body data;
	static uint8_t again[65536];
	if (n == 0)
		return 0;
	uint16_t type = bytes[0] & 0x7F;
	if (bytes[0] & 0x80) {
		if (raft_record_decode(type, &data, bytes + 1, n - 1) && !raft_record(type)->certificate)
			FUZZ_CHECK(fuzz_same(bytes + 1, n - 1, again, raft_record_encode(type, &data, again, sizeof again)));
		return 0;
	}
	size_t taken = raft_decode(type, &body, bytes + 1, n - 1);
	if (taken == 0)
		return 0;
	FUZZ_CHECK(taken <= n - 1 && raft_message(type)->known);
	FUZZ_CHECK(fuzz_same(bytes + 1, taken, again, raft_encode(type, &body, again, sizeof again)));
	return 0;
}
