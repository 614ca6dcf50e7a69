/* The cases on which Ed25519 verifiers differ, tried at every start: a replica whose library judges one of them otherwise would leave the cluster at the
 * first signature that a liar makes for it. Each case is made to pass every check but the one that it is about. */
#include "crypto/sign.h"

#include <sodium.h>
#include <string.h>

/* RFC 8032, 7.1, TEST 2: the message is the one byte 0x72. */
static bool knows_the_rfc(void)
{
	uint8_t seed[32], pk[32], sk[64], sig[64], expected_pk[32], expected_sig[64];
	const uint8_t message[] = { 0x72 };
	if (!hex_parse(seed, 32, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb") ||
	    !hex_parse(expected_pk, 32, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c") ||
	    !hex_parse(expected_sig, 64,
	               "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	               "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"))
		return false;
	crypto_sign_seed_keypair(pk, sk, seed);
	crypto_sign_detached(sig, NULL, message, sizeof message, sk);
	return memcmp(pk, expected_pk, 32) == 0 && memcmp(sig, expected_sig, 64) == 0 &&
	       crypto_sign_verify_detached(expected_sig, message, sizeof message, expected_pk) == 0;
}

static void statement_numbered(struct statement *s, uint64_t number)
{
	const struct digest cluster = { { 0 } };
	struct digest body;
	digest_of(&body, DOMAIN_TEST, &number, sizeof number);
	statement_make(s, DOMAIN_TEST, &cluster, number, &body);
}

/* Every encoding of a point of order 1, 2, 4 or 8, those with y >= p and with the sign bit of a zero x included. */
static const char *const small_order[] = {
	"0100000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};
#define SMALL_ORDER_COUNT (sizeof small_order / sizeof small_order[0])

/* S = 0 and R = A = a point of small order fits one message in `order` under the bare equation: eight statements find it. */
static bool refuses_small_order(void)
{
	for (size_t i = 0; i < SMALL_ORDER_COUNT; i++) {
		struct public_key pk;
		if (!hex_parse(pk.b, 32, small_order[i]) || sign_ed25519.key_ok(&pk))
			return false;
		for (uint64_t number = 0; number < 8; number++) {
			struct signature sig = { { 0 } };
			struct statement s;
			memcpy(sig.b, pk.b, 32);
			statement_numbered(&s, number);
			if (sign_ed25519.verify(&sig, &s, &pk))
				return false;
		}
	}
	return true;
}

/* S + L is the same scalar written differently. */
static bool refuses_unreduced_scalar(const struct public_key *pk, const struct secret_key *sk)
{
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
	struct statement s;
	struct signature sig;
	statement_numbered(&s, 1);
	sign_ed25519.sign(&sig, &s, sk);
	bool whole_passes = sign_ed25519.verify(&sig, &s, pk);
	unsigned carry = 0;
	for (int i = 0; i < 32; i++) {
		carry += (unsigned)sig.b[32 + i] + order[i];
		sig.b[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	return whole_passes && carry == 0 && !sign_ed25519.verify(&sig, &s, pk);
}

/* h = SHA-512(R | A | M) mod L, as a verifier computes it. */
static void challenge(uint8_t h[32], const uint8_t r[32], const uint8_t a[32], const struct statement *s)
{
	crypto_hash_sha512_state state;
	uint8_t wide[64];
	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, r, 32);
	crypto_hash_sha512_update(&state, a, 32);
	crypto_hash_sha512_update(&state, s->b, sizeof s->b);
	crypto_hash_sha512_final(&state, wide);
	crypto_core_ed25519_scalar_reduce(h, wide);
}

/* Signs by hand as the owner of secret scalar `a` who shows `pk` and adds `torsion` (or nothing) to R. */
static bool sign_by_hand(struct signature *sig, uint8_t h[32], const uint8_t a[32], const uint8_t pk[32], const uint8_t *torsion, const struct statement *s)
{
	uint8_t wide[64], nonce[32], product[32];
	crypto_hash_sha512(wide, s->b, sizeof s->b);
	crypto_core_ed25519_scalar_reduce(nonce, wide);
	if (crypto_scalarmult_ed25519_base_noclamp(sig->b, nonce) != 0 || (torsion && crypto_core_ed25519_add(sig->b, sig->b, torsion) != 0))
		return false;
	challenge(h, sig->b, pk, s);
	crypto_core_ed25519_scalar_mul(product, h, a);
	crypto_core_ed25519_scalar_add(sig->b + 32, nonce, product);
	return true;
}

/* With a point of order 8 added to R, the equation holds only after multiplying by the cofactor: never accepted. With it added to A, the bare equation
 * holds exactly when 8 divides h: accepted then and only then. (Such an A never enters a card; key_ok refuses it.) */
static bool compares_without_cofactor(const struct public_key *pk, const uint8_t seed[32])
{
	uint8_t wide[64], a[32], torsion[32], h[32];
	struct public_key mixed;
	crypto_hash_sha512(wide, seed, 32);
	wide[0] &= 248;
	wide[31] &= 127;
	wide[31] |= 64;
	memset(wide + 32, 0, 32);
	crypto_core_ed25519_scalar_reduce(a, wide);
	if (!hex_parse(torsion, 32, small_order[8]) || crypto_core_ed25519_add(mixed.b, pk->b, torsion) != 0 || sign_ed25519.key_ok(&mixed))
		return false;
	unsigned accepted = 0, refused = 0;
	for (uint64_t number = 0; number < 64; number++) {
		struct statement s;
		struct signature sig;
		statement_numbered(&s, number);
		if (!sign_by_hand(&sig, h, a, pk->b, NULL, &s) || !sign_ed25519.verify(&sig, &s, pk))
			return false;
		if (!sign_by_hand(&sig, h, a, pk->b, torsion, &s) || sign_ed25519.verify(&sig, &s, pk))
			return false;
		if (!sign_by_hand(&sig, h, a, mixed.b, NULL, &s) || sign_ed25519.verify(&sig, &s, &mixed) != ((h[0] & 7) == 0))
			return false;
		accepted += (h[0] & 7) == 0;
		refused += (h[0] & 7) != 0;
	}
	return accepted > 0 && refused > 0;
}

bool sign_self_test(void)
{
	static const uint8_t seed[32] = "quorate signature self-test seed";
	if (sodium_init() < 0)
		return false;
	struct public_key pk;
	struct secret_key sk;
	sign_ed25519.keypair(&pk, &sk, seed);
	return knows_the_rfc() && sign_ed25519.key_ok(&pk) && refuses_small_order() && refuses_unreduced_scalar(&pk, &sk) &&
	       compares_without_cofactor(&pk, seed);
}
