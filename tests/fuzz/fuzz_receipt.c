/* Receipts: the same bytes again, and what holds was asked by a client and signed by q members of the genesis, each once. */
#include "bft/quorum.h"
#include "bft/receipt.h"
#include "tests/fuzz/fuzz.h"

static bool anything(const struct signature *sig, const struct statement *s, const struct public_key *pk)
{
	(void)sig;
	(void)s;
	(void)pk;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct sign_scheme scheme = { .name = "anything", .verify = anything };
	static struct receipt r;
	static struct bft_genesis genesis;
	static uint8_t again[RECEIPT_BYTES_MAX];
	if (receipt_decode(&r, bytes, n))
		return 0;
	FUZZ_CHECK(n <= RECEIPT_BYTES_MAX && fuzz_same(bytes, n, again, receipt_encode(&r, again, sizeof again)));
	FUZZ_CHECK(r.signers && (r.alone & ~r.signers) == 0);
	FUZZ_CHECK(r.signers == r.alone || r.place.index < r.place.count);
	genesis.mode = BFT_MODE_BFT;
	genesis.count = 4;
	struct digest cluster = r.cluster;
	static struct epoch_keys keys;
	epoch_keys_init(&keys, &genesis);
	if (receipt_verify(&r, bytes, n, &keys, &cluster, &scheme))
		return 0;
	FUZZ_CHECK(mask_count(r.signers) >= 3 && r.signers < 16 && r.epoch && r.seq);
	FUZZ_CHECK(r.outcome.session == r.request.session && r.outcome.number == r.request.number);
	return 0;
}
