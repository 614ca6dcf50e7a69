/* crypto/keyring.h - who is who: an identity is a public key. Members are numbered in the order in which the genesis (or the epoch) lists them. */
#ifndef CRYPTO_KEYRING_H
#define CRYPTO_KEYRING_H
#include "crypto/sign.h"

#define KEYRING_MAX 64u
struct keyring {
	uint32_t count;
	struct public_key keys[KEYRING_MAX];
};

/* False when the ring is full or already holds `pk`. */
bool keyring_add(struct keyring *ring, const struct public_key *pk);
/* Index of `pk`, or -1. */
int keyring_find(const struct keyring *ring, const struct public_key *pk);
#endif
