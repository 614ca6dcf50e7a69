/* Requests that are made with care: a signature that some libraries accept and others do not, and keys that all fall in one place of the state. */
#include "bench/malice/malice.h"
#include "replica/state/state.h"

#include <stdio.h>
#include <string.h>

/* ---- signatures ---- */

/* The order of the group, added to S: by the equation alone the signature is as good as before, and no two encodings of one may be accepted (RFC 8032, 5.1.7). */
static void add_order(uint8_t s[32])
{
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
	uint32_t carry = 0;
	for (size_t i = 0; i < 32; i++) {
		carry += (uint32_t)s[i] + order[i];
		s[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

/* The good one to members of even number, the odd one to the others. */
static bool splits_verifiers(struct lying_client *c, struct requesting *r)
{
	if (r->e.type == BFT_WIRE_BUNDLE && r->member % 2) {
		lying_acts(c, "it signs for one half so that others may not accept it");
		add_order(r->bytes + BFT_FRAME_HEAD_BYTES - 32);
	}
	return c->send(r->peer, r->class, r->bytes, r->n);
}

/* Little beside what the honest ask for: what is measured is the lie, not its client's share of the order (that is client-flood's). */
static void ordinary(struct lying_client *c)
{
	lying_keeps_asking(c, 2, 2, 128);
}

/* ---- keys ---- */

#define GROUND_BITS 12u /* three levels of the tree */

/* A key whose hash begins with zeros: some thousand tries. */
static size_t ground(struct lying_client *c, char *key, size_t capacity)
{
	uint8_t full[64] = { STATE_USER };
	struct digest hash;
	int n;
	do {
		n = snprintf(key, capacity, "liar-%016llx", (unsigned long long)lying_random(c));
		memcpy(full + 1, key, (size_t)n);
		state_key_hash(&hash, full, 1 + (size_t)n);
	} while (hash.b[0] || hash.b[1] >> (16 - GROUND_BITS));
	lying_acts(c, "its keys all fall in one place of the state");
	return (size_t)n;
}

static void one_place(struct lying_client *c)
{
	c->key = ground;
	lying_keeps_asking(c, 2, 4, 32); /* little, as above */
}

const struct attack attacks_crafted[] = {
	{ "client-split-verify", "B97", BY_CLIENT, "a client's signatures are good for one half, and for the other only to a verifier that is less strict",
	  "Some replicas accept what others refuse: the leader is blamed for it, view after view.",
	  "One predicate, named in the genesis, checked at start; what is refused is refused by all, before any timer starts.", .client = ordinary,
	  .to_replica = splits_verifiers },
	{ "hot-bucket", "B97", BY_CLIENT, "a client grinds keys until they all fall in one place of the state",
	  "One bucket grows, and each checkpoint hashes all of it again.", "A tree: a key that is touched costs its path, however many are beside it.",
	  .client = one_place },
	{ 0 },
};
