#include "replica/allowance.h"

#include <string.h>

static struct allowance_key *place_of(struct allowance *a, const struct public_key *key)
{
	uint64_t h;
	memcpy(&h, key->b, sizeof h);
	struct allowance_key *set = a->set[(h * 0x9E3779B97F4A7C15u >> 40) % ALLOWANCE_SETS], *oldest = &set[0];
	for (uint32_t i = 0; i < ALLOWANCE_WAYS; i++) {
		if (public_key_equal(&set[i].key, key))
			return &set[i];
		if (set[i].used_ms < oldest->used_ms)
			oldest = &set[i];
	}
	*oldest = (struct allowance_key){ .key = *key };
	return oldest;
}

bool allowance_spend(struct allowance *a, const struct public_key *key, uint64_t now_ms, uint32_t most)
{
	struct allowance_key *k = place_of(a, key);
	if (k->second != now_ms / 1000) {
		k->second = now_ms / 1000;
		k->spent = 0;
	}
	k->used_ms = now_ms;
	if (k->spent >= most)
		return false;
	k->spent++;
	return true;
}
