#include "crypto/keyring.h"

int keyring_find(const struct keyring *ring, const struct public_key *pk)
{
	for (uint32_t i = 0; i < ring->count; i++) {
		if (public_key_equal(&ring->keys[i], pk))
			return (int)i;
	}
	return -1;
}

bool keyring_add(struct keyring *ring, const struct public_key *pk)
{
	if (ring->count >= KEYRING_MAX || keyring_find(ring, pk) >= 0)
		return false;
	ring->keys[ring->count++] = *pk;
	return true;
}
