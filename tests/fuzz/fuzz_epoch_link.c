/* A link of the chain of epochs, and the organization's word in it: from any replica, and from a file. */
#include "bft/epoch_link.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct epoch_link link;
	static uint8_t again[EPOCH_LINK_BYTES_MAX];
	struct rd r = rd_of(bytes, n);
	if (!epoch_link_read(&r, &link))
		return 0;
	size_t used = n - rd_left(&r);
	FUZZ_CHECK(link.count && link.count <= BFT_MEMBERS_MAX && link.record.epoch == epoch_change_epoch(&link.record.change) + 1);
	FUZZ_CHECK(epoch_change_epoch(&link.record.change) && link.record.base);
	FUZZ_CHECK(epoch_link_encode(&link, again, sizeof again) == used && memcmp(again, bytes, used) == 0);
	return 0;
}
