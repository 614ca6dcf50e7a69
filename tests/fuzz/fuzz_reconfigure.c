/* Organizations' word about members and mode, as any client can bring it. What decodes is asked of a cluster, too: any card and any number may be in it. */
#include "bft/reconfigure.h"
#include "tests/fuzz/fuzz.h"

/* It believes every card and every approval, so that everything behind the signatures is reached. */
static bool any_signature(const struct signature *signature, const struct statement *s, const struct public_key *key)
{
	(void)signature;
	(void)s;
	(void)key;
	return true;
}
static bool any_key(const struct public_key *key)
{
	(void)key;
	return true;
}

/* Four members whose organizations' keys are all ones, all twos, and so on. */
static void cluster(struct bft_genesis *g, enum bft_mode mode)
{
	memset(g, 0, sizeof *g);
	g->mode = mode;
	g->count = 4;
	for (uint8_t i = 0; i < 4; i++) {
		struct bft_card *c = &g->cards[i];
		memcpy(c->org, (char[]){ 'o', (char)('0' + i), 0 }, 3);
		memset(c->org_key.b, 1 + i, PUBLIC_KEY_BYTES);
		memset(c->member_key.b, 10 + i, PUBLIC_KEY_BYTES);
		memset(c->tls_key.b, 20 + i, PUBLIC_KEY_BYTES);
	}
}

static void asked_of(const struct reconfigure *r, enum bft_mode mode)
{
	static const struct sign_scheme believing = { .name = "any", .verify = any_signature, .key_ok = any_key };
	static struct bft_genesis genesis;
	static struct epoch_keys keys;
	struct digest id = { { 7 } };
	cluster(&genesis, mode);
	epoch_keys_init(&keys, &genesis);
	struct bft_roster next = reconfigure_roster(r, &keys);
	struct reconfigure_progress p = reconfigure_progress(r, &keys);
	FUZZ_CHECK(p.have <= BFT_MEMBERS_MAX && p.need && p.need <= 4);
	if (!reconfigure_holds(r, &keys, &believing, &id))
		return;
	FUZZ_CHECK(r->epoch == 1 && p.have >= p.need && roster_count(&next) && (next.mode != BFT_MODE_BFT || roster_count(&next) >= 4));
	FUZZ_CHECK(mask_count(next.members & ~reconfigure_touched(r)) >= roster_quorum(&next));
	reconfigure_apply(r, &keys, 64);
	struct bft_roster now = epoch_roster_now(&keys);
	FUZZ_CHECK(keys.epoch == 2 && now.members == next.members && now.mode == next.mode && epoch_roster(&keys, 1).members == 15);
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++)
		FUZZ_CHECK((epoch_key(&keys, (uint8_t)i, 2) != NULL) == roster_has(&now, i));
	FUZZ_CHECK(!reconfigure_holds(r, &keys, &believing, &id)); /* once */
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct reconfigure r;
	static uint8_t again[RECONFIGURE_BYTES_MAX];
	if (!reconfigure_decode(&r, bytes, n))
		return 0;
	FUZZ_CHECK(n <= RECONFIGURE_BYTES_MAX && r.epoch && r.approvals && r.approvals <= BFT_MEMBERS_MAX && r.seats <= RECONFIGURE_SEATS_MAX);
	FUZZ_CHECK(reconfigure_encode(&r, again, sizeof again) == n && memcmp(again, bytes, n) == 0);
	asked_of(&r, BFT_MODE_BFT);
	asked_of(&r, BFT_MODE_TRUSTED);
	return 0;
}
