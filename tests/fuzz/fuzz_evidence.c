/* Evidence: the same bytes again, and what holds accuses a member of the genesis by its own messages alone. */
#include "bft/pbft/evidence.h"
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
	static struct evidence e;
	static struct evidence_room room;
	static struct bft_genesis genesis;
	static struct epoch_keys keys;
	static uint8_t again[EVIDENCE_BYTES_MAX];
	if (evidence_decode(&e, bytes, n))
		return 0;
	FUZZ_CHECK(e.count && e.count <= EVIDENCE_MESSAGES_MAX);
	FUZZ_CHECK(fuzz_same(bytes, n, again, evidence_encode(&e, again, sizeof again)));
	genesis.mode = BFT_MODE_BFT;
	genesis.count = 4;
	genesis_limits_default(&genesis.limits);
	struct digest cluster = e.cluster;
	epoch_keys_init(&keys, &genesis);
	keys.epoch = UINT64_MAX;
	if (evidence_verify(&e, bytes, n, &keys, &cluster, &scheme, &room))
		return 0;
	FUZZ_CHECK(e.culprit < genesis.count && e.message[0].signer == e.culprit);
	for (uint8_t i = 1; i < e.count; i++)
		FUZZ_CHECK(e.message[i].signer == e.culprit || e.predicate == EVIDENCE_FALSE_NEW_VIEW);
	return 0;
}
