#include "crypto/keyring.h"
#include "crypto/sign.h"
#include "tests/unit/unit.h"

#include <sodium.h>
#include <string.h>

static void pair(struct public_key *pk, struct secret_key *sk, uint8_t number)
{
	uint8_t seed[32] = { number };
	sign_ed25519.keypair(pk, sk, seed);
}

static void statement(struct statement *s, uint64_t epoch, const char *text)
{
	struct digest cluster, body;
	digest_of(&cluster, DOMAIN_GENESIS, "cluster", 7);
	digest_of(&body, DOMAIN_TEST, text, strlen(text));
	statement_make(s, DOMAIN_TEST, &cluster, epoch, &body);
}

static void statement_layout(void)
{
	struct digest cluster, body;
	struct statement s;
	memset(cluster.b, 0xcc, sizeof cluster.b);
	memset(body.b, 0xbb, sizeof body.b);
	statement_make(&s, DOMAIN_VOTES, &cluster, 0x0807060504030201, &body);
	CU_ASSERT(memcmp(s.b, "qr/votes\0\0\0\0\0\0\0\0", 16) == 0);
	CU_ASSERT(memcmp(s.b + 16, cluster.b, 32) == 0);
	CU_ASSERT(memcmp(s.b + 48, "\1\2\3\4\5\6\7\10", 8) == 0);
	CU_ASSERT(memcmp(s.b + 56, body.b, 32) == 0);
}

/* Through libsodium itself, as the RFC's messages are not statements. */
static void expect_rfc(const char *seed_hex, const char *pk_hex, const char *message_hex, const char *sig_hex)
{
	uint8_t seed[32], pk[32], expected_pk[32], sk[64], sig[64], expected_sig[64], message[64];
	size_t n = strlen(message_hex) / 2;
	CU_ASSERT_FATAL(hex_parse(seed, 32, seed_hex) && hex_parse(expected_pk, 32, pk_hex) && hex_parse(message, n, message_hex) &&
	                hex_parse(expected_sig, 64, sig_hex));
	crypto_sign_seed_keypair(pk, sk, seed);
	CU_ASSERT(memcmp(pk, expected_pk, 32) == 0);
	crypto_sign_detached(sig, NULL, message, n, sk);
	CU_ASSERT(memcmp(sig, expected_sig, 64) == 0);
	CU_ASSERT(crypto_sign_verify_detached(sig, message, n, pk) == 0);

	struct public_key ours;
	struct secret_key ours_sk;
	sign_ed25519.keypair(&ours, &ours_sk, seed);
	CU_ASSERT(memcmp(ours.b, pk, 32) == 0 && memcmp(ours_sk.b, sk, 64) == 0 && sign_ed25519.key_ok(&ours));
}

static void rfc_8032(void)
{
	expect_rfc("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	           "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
	expect_rfc("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	           "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
	expect_rfc("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
	           "af82", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
	expect_rfc("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42", "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
	           "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	           "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704");
}

static void self_test_passes(void)
{
	CU_ASSERT(sign_self_test());
	CU_ASSERT(sign_self_test());
	CU_ASSERT_STRING_EQUAL(sign_ed25519.name, "ed25519");
}

static void signs_and_verifies(void)
{
	struct public_key pk, other_pk;
	struct secret_key sk, other_sk;
	struct statement s, other;
	struct signature sig, again;
	pair(&pk, &sk, 1);
	pair(&other_pk, &other_sk, 2);
	statement(&s, 1, "a");
	statement(&other, 2, "a");
	sign_ed25519.sign(&sig, &s, &sk);
	sign_ed25519.sign(&again, &s, &sk);
	CU_ASSERT(memcmp(&sig, &again, sizeof sig) == 0);
	CU_ASSERT(sign_ed25519.verify(&sig, &s, &pk));
	CU_ASSERT(!sign_ed25519.verify(&sig, &s, &other_pk));
	CU_ASSERT(!sign_ed25519.verify(&sig, &other, &pk));
}

static void every_flipped_bit_is_noticed(void)
{
	struct public_key pk;
	struct secret_key sk;
	struct statement s;
	struct signature sig;
	pair(&pk, &sk, 3);
	statement(&s, 1, "flip");
	sign_ed25519.sign(&sig, &s, &sk);
	for (unsigned bit = 0; bit < 8 * sizeof sig; bit++) {
		struct signature bad = sig;
		bad.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CU_ASSERT(!sign_ed25519.verify(&bad, &s, &pk));
	}
	for (unsigned bit = 0; bit < 8 * sizeof s; bit++) {
		struct statement bad = s;
		bad.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CU_ASSERT(!sign_ed25519.verify(&sig, &bad, &pk));
	}
	for (unsigned bit = 0; bit < 8 * sizeof pk; bit++) {
		struct public_key bad = pk;
		bad.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CU_ASSERT(!sign_ed25519.verify(&sig, &s, &bad));
	}
}

/* The group's order, for S + L, S + 2L, ... */
static bool add_order(uint8_t scalar[32])
{
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
	unsigned carry = 0;
	for (int i = 0; i < 32; i++) {
		carry += (unsigned)scalar[i] + order[i];
		scalar[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return carry == 0;
}

static void unreduced_scalars(void)
{
	struct public_key pk;
	struct secret_key sk;
	struct statement s;
	struct signature sig;
	pair(&pk, &sk, 4);
	statement(&s, 1, "scalar");
	sign_ed25519.sign(&sig, &s, &sk);
	unsigned tried = 0;
	while (add_order(sig.b + 32)) {
		CU_ASSERT(!sign_ed25519.verify(&sig, &s, &pk));
		tried++;
	}
	CU_ASSERT(tried >= 14);
}

/* y = 0..18 written as p + y: canonical-minded verifiers refuse them all, whatever the point. */
static void non_canonical_points(void)
{
	struct public_key good, bad;
	struct secret_key sk;
	struct statement s;
	struct signature sig;
	pair(&good, &sk, 5);
	statement(&s, 1, "canonical");
	for (unsigned y = 0; y < 19; y++) {
		for (unsigned sign = 0; sign < 2; sign++) {
			memset(bad.b, 0xff, sizeof bad.b);
			bad.b[0] = (uint8_t)(0xed + y);
			bad.b[31] = sign ? 0xff : 0x7f;
			CU_ASSERT(!sign_ed25519.key_ok(&bad));
			sign_ed25519.sign(&sig, &s, &sk);
			CU_ASSERT(!sign_ed25519.verify(&sig, &s, &bad));
			memcpy(sig.b, bad.b, 32); /* as R */
			memset(sig.b + 32, 0, 32);
			CU_ASSERT(!sign_ed25519.verify(&sig, &s, &good));
			CU_ASSERT(!sign_ed25519.verify(&sig, &s, &bad));
		}
	}
}

/* With A of order 1 and S = 0, R = A, the bare equation holds for every message: one signature for everything. */
static void universal_forgery(void)
{
	struct public_key identity = { { 1 } };
	struct signature sig = { { 1 } };
	struct statement s;
	for (uint64_t epoch = 0; epoch < 16; epoch++) {
		statement(&s, epoch, "anything");
		CU_ASSERT(!sign_ed25519.verify(&sig, &s, &identity));
	}
	CU_ASSERT(!sign_ed25519.key_ok(&identity));

	/* A good key with R of small order: S = h * a makes the bare equation hold for R = identity. */
	struct public_key pk;
	struct secret_key sk;
	uint8_t wide[64], a[32], h[32];
	crypto_hash_sha512_state state;
	pair(&pk, &sk, 6);
	crypto_hash_sha512(wide, sk.b, 32);
	wide[0] &= 248;
	wide[31] = (uint8_t)((wide[31] & 127) | 64);
	memset(wide + 32, 0, 32);
	crypto_core_ed25519_scalar_reduce(a, wide);
	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, sig.b, 32);
	crypto_hash_sha512_update(&state, pk.b, 32);
	crypto_hash_sha512_update(&state, s.b, sizeof s.b);
	crypto_hash_sha512_final(&state, wide);
	crypto_core_ed25519_scalar_reduce(h, wide);
	crypto_core_ed25519_scalar_mul(sig.b + 32, h, a);
	CU_ASSERT(!sign_ed25519.verify(&sig, &s, &pk));
}

static void keys_that_enter_no_card(void)
{
	struct public_key pk = { { 0 } }, mixed;
	struct secret_key sk;
	uint8_t torsion[32];
	CU_ASSERT(!sign_ed25519.key_ok(&pk));
	pk.b[0] = 2; /* y = 2 is not on the curve */
	CU_ASSERT(!sign_ed25519.key_ok(&pk));
	pair(&pk, &sk, 7);
	CU_ASSERT(sign_ed25519.key_ok(&pk));
	CU_ASSERT(hex_parse(torsion, 32, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"));
	CU_ASSERT(crypto_core_ed25519_add(mixed.b, pk.b, torsion) == 0);
	CU_ASSERT(!sign_ed25519.key_ok(&mixed));
}

static void random_pairs(void)
{
	struct public_key a, b;
	struct secret_key sk, zero = { { 0 } };
	sign_keypair_random(&sign_ed25519, &a, &sk);
	sign_keypair_random(&sign_ed25519, &b, &sk);
	CU_ASSERT(!public_key_equal(&a, &b) && public_key_equal(&b, &b));
	sign_wipe(&sk);
	CU_ASSERT(memcmp(&sk, &zero, sizeof sk) == 0);
}

static void keyring(void)
{
	struct keyring ring = { 0 };
	struct public_key pk = { { 0 } };
	CU_ASSERT(keyring_find(&ring, &pk) == -1);
	for (uint32_t i = 0; i < KEYRING_MAX; i++) {
		pk.b[0] = (uint8_t)i;
		CU_ASSERT(keyring_add(&ring, &pk));
		CU_ASSERT(!keyring_add(&ring, &pk));
		CU_ASSERT(keyring_find(&ring, &pk) == (int)i);
	}
	pk.b[31] = 1;
	CU_ASSERT(!keyring_add(&ring, &pk) && keyring_find(&ring, &pk) == -1 && ring.count == KEYRING_MAX);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "the statement's layout", statement_layout },
		{ "published vectors (RFC 8032, 7.1)", rfc_8032 },
		{ "the self-test passes, twice", self_test_passes },
		{ "signs and verifies", signs_and_verifies },
		{ "every flipped bit is noticed", every_flipped_bit_is_noticed },
		{ "unreduced scalars are refused", unreduced_scalars },
		{ "non-canonical points are refused", non_canonical_points },
		{ "small-order A and R are refused", universal_forgery },
		{ "keys that enter no card", keys_that_enter_no_card },
		{ "random pairs", random_pairs },
		{ "keyring", keyring },
		{ 0 },
	};
	return unit_main("sign", cases);
}
