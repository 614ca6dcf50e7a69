/* The core's records as they come out of the log: the first byte is the type. */
#include "bft/pbft/records.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static union pbft_record_body body;
	static uint8_t again[BFT_RECORD_BYTES_MAX];
	if (n == 0)
		return 0;
	uint16_t type = bytes[0];
	size_t taken = pbft_record_decode(type, &body, bytes + 1, n - 1);
	if (taken == 0)
		return 0;
	FUZZ_CHECK(taken <= n - 1);
	(void)pbft_record_seq(type, &body);
	if (!pbft_record_has_certificate(type)) {
		size_t own = pbft_record_encode(type, &body, again, sizeof again);
		/* Only behind a VIEW-CHANGE something follows: its certificates. */
		FUZZ_CHECK(own > 0 && own <= taken && memcmp(again, bytes + 1, own) == 0 && (own == taken || type == PBFT_REC_VIEW_CHANGE));
	}
	return 0;
}
