/* Certificates: the same bytes again, and at most q signatures are looked at whatever they say. */
#include "bft/certificate.h"
#include "bft/quorum.h"
#include "tests/fuzz/fuzz.h"

struct asked {
	uint32_t count;
	bft_mask members;
};

static bool verify(void *arg, uint8_t member, const struct statement *statement, const struct signature *signature)
{
	struct asked *a = arg;
	(void)statement;
	(void)signature;
	FUZZ_CHECK(member < BFT_MEMBERS_MAX && !(a->members & BFT_BIT(member)));
	a->members |= BFT_BIT(member);
	a->count++;
	return true;
}

static void check(const struct certificate *c, uint32_t n)
{
	struct asked asked = { 0 };
	struct digest cluster = { { 1 } };
	struct bft_roster roster = roster_of(BFT_MODE_BFT, n);
	uint32_t q = certificate_signers(c->kind, &roster);
	bool good = certificate_check(c, &roster, &cluster, verify, &asked);
	FUZZ_CHECK(asked.count <= q && (!good || asked.count == q));
	FUZZ_CHECK(!good || (n == BFT_MEMBERS_MAX ? asked.members : asked.members & (BFT_BIT(n) - 1)) == asked.members);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct certificate c;
	static uint8_t again[CERTIFICATE_BYTES_MAX];
	struct rd r = rd_of(bytes, n);
	if (!certificate_read(&r, &c))
		return 0;
	size_t taken = n - rd_left(&r);
	FUZZ_CHECK(fuzz_same(bytes, taken, again, certificate_encode(&c, again, sizeof again)));
	check(&c, 4);
	check(&c, BFT_MEMBERS_MAX);
	return 0;
}
