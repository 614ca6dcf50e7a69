/* replica/allowance.h - so many in a second for each key: what one client asks for again and again costs the others nothing (docs/security.md). */
#ifndef REPLICA_ALLOWANCE_H
#define REPLICA_ALLOWANCE_H
#include "crypto/sign.h"

#include <stdbool.h>
#include <stdint.h>

#define ALLOWANCE_SETS 256u
#define ALLOWANCE_WAYS 4u

struct allowance_key {
	struct public_key key;
	uint64_t second, used_ms;
	uint32_t spent;
};
/* Zeros are empty. A key that was forgotten for others begins anew. */
struct allowance {
	struct allowance_key set[ALLOWANCE_SETS][ALLOWANCE_WAYS];
};

/* One more for `key`, of `most` in a second. False: not in this one. */
bool allowance_spend(struct allowance *a, const struct public_key *key, uint64_t now_ms, uint32_t most);
#endif
