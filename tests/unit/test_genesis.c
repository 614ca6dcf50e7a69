#include "bft/genesis.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A scheme whose signature is a digest of key and statement: it keeps these tests about genesis, fast at 64 members. A key that begins with 0xff is bad. */
static void tag(struct signature *out, const struct statement *s, const uint8_t pk[32])
{
	struct digest_ctx ctx;
	struct digest d;
	digest_begin(&ctx, DOMAIN_TEST);
	digest_add(&ctx, pk, 32);
	digest_add(&ctx, s->b, sizeof s->b);
	digest_end(&ctx, &d);
	memcpy(out->b, d.b, 32);
	memcpy(out->b + 32, d.b, 32);
}

static void tag_keypair(struct public_key *pk, struct secret_key *sk, const uint8_t seed[32])
{
	memcpy(pk->b, seed, 32);
	memcpy(sk->b, seed, 32);
	memcpy(sk->b + 32, seed, 32);
}

static void tag_sign(struct signature *out, const struct statement *s, const struct secret_key *sk)
{
	tag(out, s, sk->b + 32);
}

static bool tag_verify(const struct signature *sig, const struct statement *s, const struct public_key *pk)
{
	struct signature good;
	tag(&good, s, pk->b);
	return memcmp(good.b, sig->b, sizeof good.b) == 0;
}

static bool tag_key_ok(const struct public_key *pk)
{
	return pk->b[0] != 0xff;
}

static const struct sign_scheme tagged = { "tag", tag_keypair, tag_sign, tag_verify, tag_key_ok };

enum role { ROLE_ORG = 1, ROLE_MEMBER, ROLE_TLS };

static void key(const struct sign_scheme *scheme, struct public_key *pk, struct secret_key *sk, enum role role, uint32_t number)
{
	struct digest seed;
	uint32_t what[2] = { (uint32_t)role, number };
	digest_of(&seed, DOMAIN_TEST, what, sizeof what);
	seed.b[0] &= 0x7f;
	scheme->keypair(pk, sk, seed.b);
}

/* Signs whatever the card says now, good or not. */
static void card_sign(struct bft_card *card, const struct sign_scheme *scheme, uint32_t org, uint32_t member)
{
	struct public_key pk;
	struct secret_key sk;
	struct statement s;
	key(scheme, &pk, &sk, ROLE_ORG, org);
	card_statement(&s, card, DOMAIN_CARD_ORG);
	scheme->sign(&card->org_signature, &s, &sk);
	key(scheme, &pk, &sk, ROLE_MEMBER, member);
	card_statement(&s, card, DOMAIN_CARD_MEMBER);
	scheme->sign(&card->member_signature, &s, &sk);
}

static void card_make(struct bft_card *card, const struct sign_scheme *scheme, uint32_t org, uint32_t member)
{
	struct secret_key sk;
	memset(card, 0, sizeof *card);
	snprintf(card->org, sizeof card->org, "org-%02u", org);
	key(scheme, &card->org_key, &sk, ROLE_ORG, org);
	key(scheme, &card->member_key, &sk, ROLE_MEMBER, member);
	key(scheme, &card->tls_key, &sk, ROLE_TLS, member);
	card->addresses_count = (uint8_t)(1 + member % BFT_ADDRESSES_MAX);
	for (uint32_t i = 0; i < card->addresses_count; i++)
		snprintf(card->addresses[i], sizeof card->addresses[i], "host-%u.example:%u", member, 7000 + i);
	card_sign(card, scheme, org, member);
}

static void genesis_make(struct bft_genesis *g, const struct sign_scheme *scheme, uint32_t n)
{
	memset(g, 0, sizeof *g);
	g->mode = BFT_MODE_BFT;
	snprintf(g->scheme, sizeof g->scheme, "%s", scheme->name);
	genesis_limits_default(&g->limits);
	g->count = n;
	for (uint32_t i = 0; i < n; i++)
		card_make(&g->cards[i], scheme, i, i);
	genesis_sort(g);
}

/* One struct is 80 KiB: the tests share two and a buffer. */
static struct bft_genesis a, b;
static uint8_t bytes[BFT_GENESIS_BYTES_MAX], again[BFT_GENESIS_BYTES_MAX];

static bool says(const char *reason, const char *part)
{
	return reason && strstr(reason, part);
}

/* ---- cards ---- */

static void organizations(void)
{
	char name[80];
	CU_ASSERT(!card_org_check("a") && !card_org_check("0") && !card_org_check("bank-of-x") && !card_org_check("-"));
	CU_ASSERT(says(card_org_check(""), "empty"));
	const char *const bad[] = { "A", "a b", "a.b", "a_b", "\xc3\xa9", "a\n", "a/b" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CU_ASSERT(says(card_org_check(bad[i]), "other than"));
	memset(name, 'a', sizeof name);
	name[63] = 0;
	CU_ASSERT(!card_org_check(name));
	name[63] = 'a';
	name[64] = 0;
	CU_ASSERT(says(card_org_check(name), "longer"));
}

static void addresses(void)
{
	char address[300];
	const char *const good[] = { "a:1", "host.example:7000", "10.0.0.1:65535", "[::1]:80", "[fe80::1%eth0]:9", "a~b:1" };
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		CU_ASSERT(!card_address_check(good[i]));
	const char *const bad[] = { "",        ":",     "a",     "a:",     ":80",   "a:0",    "a:01",   "a:65536", "a:99999",  "a:100000",
		                    "a:+1",    "a:-1",  "a:1 ",  " a:1",   "a b:1", "a\t:1",  "::1:80", "[]:80",   "[::1]",    "[::1]80",
		                    "[::1:80", "a]:80", "a:80x", "a:0x50", "a\n:1", "\x7f:1", "\xff:1", "a:1:",    "[[::1]]:1" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CU_ASSERT(card_address_check(bad[i]) != NULL);
	memset(address, 'a', sizeof address);
	snprintf(address + 250, sizeof address - 250, ":7000");
	CU_ASSERT(!card_address_check(address));
	snprintf(address + 250, sizeof address - 250, "a:7000");
	address[250] = 'a';
	CU_ASSERT(says(card_address_check(address), "longer"));
}

static void a_good_card(void)
{
	struct bft_card card, back;
	uint8_t buffer[BFT_CARD_BYTES_MAX];
	for (uint32_t member = 0; member < 4; member++) {
		card_make(&card, &tagged, 1, member);
		CU_ASSERT(!card_check(&card, &tagged));
		struct wr w = wr_of(buffer, sizeof buffer);
		card_write(&w, &card);
		struct rd r = rd_of(buffer, wr_done(&w));
		CU_ASSERT(card_read(&r, &back) && rd_done(&r) && memcmp(&card, &back, sizeof card) == 0);
	}
}

static void the_largest_card_fits(void)
{
	struct bft_card card;
	uint8_t buffer[BFT_CARD_BYTES_MAX];
	char text[BFT_CARD_TEXT_BYTES_MAX];
	card_make(&card, &tagged, 1, 3);
	memset(card.org, 'o', BFT_ORG_BYTES_MAX);
	for (uint32_t i = 0; i < BFT_ADDRESSES_MAX; i++) {
		memset(card.addresses[i], 'a' + (int)i, BFT_ADDRESS_BYTES_MAX - 3);
		memcpy(card.addresses[i] + BFT_ADDRESS_BYTES_MAX - 3, ":99", sizeof ":99");
	}
	card_sign(&card, &tagged, 1, 3);
	CU_ASSERT(!card_check(&card, &tagged));
	struct wr w = wr_of(buffer, sizeof buffer);
	card_write(&w, &card);
	CU_ASSERT(wr_done(&w) == BFT_CARD_BYTES_MAX);
	size_t n = card_format(text, sizeof text, &card);
	struct bft_card back;
	CU_ASSERT(n > 0 && strlen(text) == n && card_parse(&back, text, n) && memcmp(&card, &back, sizeof card) == 0);
}

static void both_signatures_count(void)
{
	struct bft_card card, other;
	card_make(&card, &tagged, 1, 1);
	card.org_signature.b[5] ^= 1;
	CU_ASSERT(says(card_check(&card, &tagged), "by its organization"));
	card_make(&card, &tagged, 1, 1);
	card.member_signature.b[5] ^= 1;
	CU_ASSERT(says(card_check(&card, &tagged), "by its member"));

	/* One role's signature in the place of the other's, and another card's signature. */
	card_make(&card, &tagged, 1, 1);
	card.member_signature = card.org_signature;
	CU_ASSERT(says(card_check(&card, &tagged), "by its member"));
	card_make(&card, &tagged, 1, 1);
	card_make(&other, &tagged, 1, 2);
	card.org_signature = other.org_signature;
	CU_ASSERT(says(card_check(&card, &tagged), "by its organization"));
	card_make(&card, &tagged, 1, 1);
	card.addresses[0][0] = 'x';
	CU_ASSERT(says(card_check(&card, &tagged), "by its organization"));
}

static void keys_of_a_card(void)
{
	struct bft_card card;
	struct public_key *const keys[] = { &card.org_key, &card.member_key, &card.tls_key };
	for (int i = 0; i < 3; i++) {
		card_make(&card, &tagged, 1, 1);
		keys[i]->b[0] = 0xff;
		CU_ASSERT(says(card_check(&card, &tagged), "no good public key"));
		card_make(&card, &tagged, 1, 1);
		*keys[i] = *keys[(i + 1) % 3];
		CU_ASSERT(says(card_check(&card, &tagged), "two purposes"));
	}
}

static void address_lists(void)
{
	struct bft_card card;
	card_make(&card, &tagged, 1, 1);
	card.addresses_count = 0;
	CU_ASSERT(says(card_fields_check(&card), "one to four"));
	card.addresses_count = 5;
	CU_ASSERT(says(card_fields_check(&card), "one to four"));
	card.addresses_count = 2;
	memcpy(card.addresses[1], card.addresses[0], sizeof card.addresses[1]);
	CU_ASSERT(says(card_fields_check(&card), "twice"));
}

static void damaged_card(void)
{
	struct bft_card card, back;
	uint8_t buffer[BFT_CARD_BYTES_MAX];
	card_make(&card, &tagged, 1, 2);
	struct wr w = wr_of(buffer, sizeof buffer);
	card_write(&w, &card);
	size_t n = wr_done(&w);
	for (size_t cut = 0; cut < n; cut++) {
		struct rd r = rd_of(buffer, cut);
		CU_ASSERT(!card_read(&r, &back) && r.failed);
	}
	for (size_t bit = 0; bit < 8 * n; bit++) {
		buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
		struct rd r = rd_of(buffer, n);
		CU_ASSERT(!card_read(&r, &back) || !rd_done(&r) || card_check(&back, &tagged) != NULL);
		buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void text_form(void)
{
	struct bft_card card, back;
	char text[BFT_CARD_TEXT_BYTES_MAX], bad[BFT_CARD_TEXT_BYTES_MAX + 8];
	card_make(&card, &tagged, 1, 2);
	size_t n = card_format(text, sizeof text, &card);
	CU_ASSERT(n > 0 && text[n] == 0 && text[n - 1] == '\n' && strncmp(text, "quorate-card 1\n", 15) == 0);
	CU_ASSERT(card_parse(&back, text, n) && memcmp(&card, &back, sizeof card) == 0);
	CU_ASSERT(card_format(text, n + 1, &card) == n && card_format(bad, n, &card) == 0);
	for (size_t cut = 0; cut < n; cut++)
		CU_ASSERT(!card_parse(&back, text, cut));
	/* A changed character is refused as text or by the signatures, never taken for the same card. */
	for (size_t i = 0; i < n; i++) {
		memcpy(bad, text, n);
		bad[i] = bad[i] == 'f' ? 'e' : 'f';
		CU_ASSERT(!card_parse(&back, bad, n) || card_check(&back, &tagged) != NULL);
		memcpy(bad, text, n);
		bad[i] = (char)(bad[i] ^ 0x20);
		CU_ASSERT(!card_parse(&back, bad, n) || card_check(&back, &tagged) != NULL);
	}
	snprintf(bad, sizeof bad, "%s\n", text);
	CU_ASSERT(!card_parse(&back, bad, n + 1));
	snprintf(bad, sizeof bad, "%s00\n", text);
	CU_ASSERT(!card_parse(&back, bad, n + 3));
	CU_ASSERT(!card_parse(&back, text, n + 1)); /* the final zero is not part of it */
	/* The same bytes in lines of another length are another spelling. */
	memcpy(bad, text, n);
	memmove(bad + 15 + 63, bad + 15 + 65, n - 15 - 65);
	CU_ASSERT(!card_parse(&back, bad, n - 2));
	memset(bad, '0', sizeof bad);
	CU_ASSERT(!card_parse(&back, bad, sizeof bad));
}

/* ---- genesis ---- */

static void every_size(void)
{
	for (uint32_t n = 1; n <= BFT_MEMBERS_MAX; n++) {
		genesis_make(&a, &tagged, n);
		if (n < 4) {
			CU_ASSERT(says(genesis_check(&a, &tagged), "at least 4"));
			a.mode = BFT_MODE_TRUSTED;
		}
		CU_ASSERT(!genesis_check(&a, &tagged));
		size_t length = genesis_encode(bytes, sizeof bytes, &a);
		CU_ASSERT_FATAL(length > 0);
		CU_ASSERT(!genesis_decode(&b, bytes, length) && memcmp(&a, &b, sizeof a) == 0);
		CU_ASSERT(genesis_encode(again, sizeof again, &b) == length && memcmp(bytes, again, length) == 0);
		CU_ASSERT(genesis_encode(again, length, &a) == length && genesis_encode(again, length - 1, &a) == 0);
	}
	genesis_make(&a, &tagged, 4);
	a.count = 0;
	CU_ASSERT(says(genesis_fields_check(&a), "at least 4"));
	a.mode = BFT_MODE_TRUSTED;
	CU_ASSERT(says(genesis_fields_check(&a), "at least one"));
	a.count = BFT_MEMBERS_MAX + 1;
	CU_ASSERT(says(genesis_fields_check(&a), "at most 64"));
}

/* The same generator as everywhere: the order is shuffled, and the same each time. */
static uint32_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static void any_order_gives_the_same_bytes(void)
{
	uint64_t rng = 1;
	const uint32_t sizes[] = { 4, 7, 31, 64 };
	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		genesis_make(&a, &tagged, sizes[s]);
		size_t length = genesis_encode(bytes, sizeof bytes, &a);
		struct digest id, other;
		genesis_digest(&id, bytes, length);
		for (int round = 0; round < 20; round++) {
			for (uint32_t i = a.count - 1; i > 0; i--) {
				uint32_t j = next(&rng) % (i + 1);
				struct bft_card card = a.cards[i];
				a.cards[i] = a.cards[j];
				a.cards[j] = card;
			}
			genesis_sort(&a);
			CU_ASSERT(genesis_encode(again, sizeof again, &a) == length && memcmp(bytes, again, length) == 0);
			genesis_digest(&other, again, length);
			CU_ASSERT(digest_equal(&id, &other));
		}
	}
}

static void all_orders_of_four(void)
{
	struct bft_card cards[4];
	genesis_make(&a, &tagged, 4);
	size_t length = genesis_encode(bytes, sizeof bytes, &a);
	memcpy(cards, a.cards, sizeof cards);
	for (unsigned p = 0; p < 256; p++) {
		unsigned at[4] = { p & 3, p >> 2 & 3, p >> 4 & 3, p >> 6 & 3 };
		if ((1u << at[0] | 1u << at[1] | 1u << at[2] | 1u << at[3]) != 15)
			continue;
		for (int i = 0; i < 4; i++)
			a.cards[i] = cards[at[i]];
		bool sorted = at[0] == 0 && at[1] == 1 && at[2] == 2;
		CU_ASSERT(sorted ? !genesis_check(&a, &tagged) : says(genesis_check(&a, &tagged), "order"));
		genesis_sort(&a);
		CU_ASSERT(genesis_encode(again, sizeof again, &a) == length && memcmp(bytes, again, length) == 0);
	}
}

/* Members of the testnet are numbered by the names of their organizations; members of one organization by their keys. */
static void order_is_organization_then_key(void)
{
	struct keyring ring;
	struct bft_card expected;
	genesis_make(&a, &tagged, 64);
	genesis_keyring(&ring, &a);
	CU_ASSERT(ring.count == 64);
	for (uint32_t i = 0; i < 64; i++) {
		card_make(&expected, &tagged, i, i);
		CU_ASSERT(keyring_find(&ring, &expected.member_key) == (int)i);
	}
	genesis_make(&a, &tagged, 6);
	for (uint32_t i = 0; i < 6; i++)
		card_make(&a.cards[i], &tagged, i % 2, i);
	genesis_sort(&a);
	CU_ASSERT(!genesis_check(&a, &tagged));
	for (uint32_t i = 1; i < 6; i++) {
		CU_ASSERT((strcmp(a.cards[i].org, "org-01") == 0) == (i >= 3));
		CU_ASSERT(i == 3 || memcmp(a.cards[i - 1].member_key.b, a.cards[i].member_key.b, 32) < 0);
	}
	/* A name that begins another comes first. */
	snprintf(a.cards[0].org, sizeof a.cards[0].org, "b-c");
	snprintf(a.cards[1].org, sizeof a.cards[1].org, "b");
	genesis_sort(&a);
	CU_ASSERT(strcmp(a.cards[0].org, "b") == 0 && strcmp(a.cards[1].org, "b-c") == 0);
}

static void every_cut_is_refused(void)
{
	genesis_make(&a, &tagged, 5);
	size_t length = genesis_encode(bytes, sizeof bytes, &a);
	for (size_t cut = 0; cut < length; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1); /* so that ASan sees one byte too far */
		CU_ASSERT_FATAL(exact != NULL);
		memcpy(exact, bytes, cut);
		CU_ASSERT(genesis_decode(&b, exact, cut) != NULL);
		free(exact);
	}
	bytes[length] = 0;
	CU_ASSERT(says(genesis_decode(&b, bytes, length + 1), "followed"));
}

static void every_changed_byte_is_another_or_none(void)
{
	struct digest id, other;
	genesis_make(&a, &tagged, 4);
	size_t length = genesis_encode(bytes, sizeof bytes, &a);
	genesis_digest(&id, bytes, length);
	for (size_t i = 0; i < length; i++) {
		static const uint8_t flips[] = { 0x01, 0x20, 0x80, 0xff };
		for (size_t f = 0; f < sizeof flips; f++) {
			bytes[i] ^= flips[f];
			if (!genesis_decode(&b, bytes, length)) {
				CU_ASSERT(genesis_encode(again, sizeof again, &b) == length && memcmp(bytes, again, length) == 0);
				genesis_digest(&other, again, length);
				CU_ASSERT(!digest_equal(&id, &other));
			}
			bytes[i] ^= flips[f];
		}
	}
}

static void duplicates(void)
{
	genesis_make(&a, &tagged, 5);
	a.cards[3] = a.cards[2];
	CU_ASSERT(says(genesis_check(&a, &tagged), "same member key"));
	genesis_make(&a, &tagged, 5);
	a.cards[4].member_key = a.cards[0].member_key;
	CU_ASSERT(says(genesis_fields_check(&a), "same member key"));
	genesis_make(&a, &tagged, 5);
	a.cards[4].tls_key = a.cards[0].tls_key;
	CU_ASSERT(says(genesis_fields_check(&a), "same TLS key"));
	genesis_make(&a, &tagged, 5);
	a.cards[4].tls_key = a.cards[0].member_key;
	CU_ASSERT(says(genesis_fields_check(&a), "another's TLS key"));
	genesis_make(&a, &tagged, 5);
	a.cards[0].org_key = a.cards[4].member_key;
	CU_ASSERT(says(genesis_fields_check(&a), "organization key is another's"));
	genesis_make(&a, &tagged, 5);
	a.cards[4].tls_key = a.cards[1].org_key;
	CU_ASSERT(says(genesis_fields_check(&a), "organization key is another's"));
	genesis_make(&a, &tagged, 5);
	snprintf(a.cards[4].org, sizeof a.cards[4].org, "%s", a.cards[3].org);
	CU_ASSERT(says(genesis_fields_check(&a), "different organization keys"));
	genesis_make(&a, &tagged, 5);
	a.cards[4].org_key = a.cards[3].org_key;
	CU_ASSERT(says(genesis_fields_check(&a), "two organizations"));
}

static void bad_cards_are_not_decoded(void)
{
	static const char *const bad_orgs[] = { "", "Org", "o g" };
	for (size_t i = 0; i < sizeof bad_orgs / sizeof bad_orgs[0]; i++) {
		genesis_make(&a, &tagged, 4);
		snprintf(a.cards[0].org, sizeof a.cards[0].org, "%s", bad_orgs[i]);
		size_t length = genesis_encode(bytes, sizeof bytes, &a);
		CU_ASSERT(genesis_fields_check(&a) && length > 0 && genesis_decode(&b, bytes, length));
	}
	genesis_make(&a, &tagged, 4);
	snprintf(a.cards[1].addresses[0], sizeof a.cards[1].addresses[0], "%s", "nowhere");
	size_t length = genesis_encode(bytes, sizeof bytes, &a);
	CU_ASSERT(says(genesis_fields_check(&a), "host:port") && genesis_decode(&b, bytes, length));
	genesis_make(&a, &tagged, 4);
	struct bft_card card = a.cards[0];
	a.cards[0] = a.cards[1];
	a.cards[1] = card;
	length = genesis_encode(bytes, sizeof bytes, &a);
	CU_ASSERT(says(genesis_decode(&b, bytes, length), "order"));
}

static void signatures_are_checked(void)
{
	genesis_make(&a, &tagged, 7);
	a.cards[6].member_signature.b[0] ^= 1;
	CU_ASSERT(!genesis_fields_check(&a) && says(genesis_check(&a, &tagged), "by its member"));
	genesis_make(&a, &tagged, 4);
	snprintf(a.scheme, sizeof a.scheme, "%s", "other");
	CU_ASSERT(!genesis_fields_check(&a) && says(genesis_check(&a, &tagged), "another signature scheme"));
}

static void mode_and_scheme(void)
{
	genesis_make(&a, &tagged, 4);
	for (int mode = 0; mode < 256; mode++) {
		a.mode = (enum bft_mode)mode;
		size_t length = genesis_encode(bytes, sizeof bytes, &a);
		bool known = mode == BFT_MODE_BFT || mode == BFT_MODE_TRUSTED;
		CU_ASSERT(known == !genesis_fields_check(&a) && known == !genesis_decode(&b, bytes, length));
	}
	genesis_make(&a, &tagged, 4);
	static const char *const bad[] = { "", "ED25519", "a b", "ed25519\n" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(a.scheme, sizeof a.scheme, "%s", bad[i]);
		CU_ASSERT(says(genesis_fields_check(&a), "signature scheme"));
	}
	/* A zero inside the name, and a format of the future. */
	genesis_make(&a, &tagged, 4);
	size_t length = genesis_encode(bytes, sizeof bytes, &a);
	bytes[5] = 0;
	CU_ASSERT(genesis_decode(&b, bytes, length) != NULL);
	genesis_encode(bytes, sizeof bytes, &a);
	bytes[0] = 2;
	CU_ASSERT(says(genesis_decode(&b, bytes, length), "format"));
}

static void limits(void)
{
	struct bft_genesis_limits l;
	genesis_limits_default(&l);
	CU_ASSERT(!genesis_limits_check(&l) && l.window >= 2 * l.checkpoint_every);

#define REFUSED(field, value, part)                                                                                                                            \
	do {                                                                                                                                                   \
		genesis_limits_default(&l);                                                                                                                    \
		l.field = value;                                                                                                                               \
		CU_ASSERT(says(genesis_limits_check(&l), part));                                                                                               \
		genesis_make(&a, &tagged, 4);                                                                                                                  \
		a.limits.field = value;                                                                                                                        \
		CU_ASSERT(says(genesis_decode(&b, bytes, genesis_encode(bytes, sizeof bytes, &a)), part));                                                     \
	} while (0)
	REFUSED(window, 0, "window");
	REFUSED(window, 1, "window");
	REFUSED(window, 257, "window");
	REFUSED(window, 63, "window");
	REFUSED(checkpoint_every, 0, "checkpoint_every");
	REFUSED(checkpoint_every, 65, "checkpoint_every");
	REFUSED(checkpoint_every, 0x80000000u, "checkpoint_every"); /* doubling it would overflow */
	REFUSED(snapshot_bytes, 0, "snapshot_bytes");
	REFUSED(snapshot_bytes, UINT64_MAX, "snapshot_bytes");
	REFUSED(state_bytes, 0, "state_bytes");
	REFUSED(state_bytes, UINT64_MAX, "state_bytes");
	REFUSED(snapshot_seqs, 31, "snapshot_seqs");
	REFUSED(snapshot_seqs, UINT32_MAX, "snapshot_seqs");
	REFUSED(proposal_bytes_max, 0, "proposal_bytes_max");
	REFUSED(proposal_bytes_max, BFT_PROPOSAL_BYTES_MAX + 1, "proposal_bytes_max");
	REFUSED(proposal_bundles_max, 0, "proposal_bundles_max");
	REFUSED(proposal_bundles_max, BFT_PROPOSAL_BUNDLES_MAX + 1, "proposal_bundles_max");
	REFUSED(drift_ms, 0, "drift_ms");
	REFUSED(drift_ms, 3600001, "drift_ms");
	REFUSED(sessions_per_key, 0, "sessions_per_key");
	REFUSED(sessions_per_key, 65537, "sessions_per_key");
	REFUSED(session_window, 0, "session_window");
	REFUSED(session_window, 4097, "session_window");
	REFUSED(request_timeout_ms, 0, "request_timeout_ms");
	REFUSED(request_timeout_ms, 3600001, "request_timeout_ms");
#undef REFUSED
	genesis_limits_default(&l);
	l.window = 2 * l.checkpoint_every;
	CU_ASSERT(!genesis_limits_check(&l));
}

/* Once with the real signatures. */
static void with_ed25519(void)
{
	CU_ASSERT_FATAL(sign_self_test());
	genesis_make(&a, &sign_ed25519, 4);
	CU_ASSERT(!genesis_check(&a, &sign_ed25519));
	a.cards[2].tls_key = (struct public_key){ { 1 } }; /* a point of small order */
	card_sign(&a.cards[2], &sign_ed25519, 2, 2);
	CU_ASSERT(says(genesis_check(&a, &sign_ed25519), "no good public key"));
	genesis_make(&a, &sign_ed25519, 4);
	a.cards[3].addresses[0][0] ^= 1;
	CU_ASSERT(says(genesis_check(&a, &sign_ed25519), "by its organization"));
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "names of organizations", organizations },
		{ "addresses", addresses },
		{ "a good card", a_good_card },
		{ "the largest card fits", the_largest_card_fits },
		{ "both signatures count", both_signatures_count },
		{ "keys of a card", keys_of_a_card },
		{ "lists of addresses", address_lists },
		{ "a damaged card", damaged_card },
		{ "the text form of a card", text_form },
		{ "every size", every_size },
		{ "any order gives the same bytes", any_order_gives_the_same_bytes },
		{ "all orders of four", all_orders_of_four },
		{ "the order is organization, then key", order_is_organization_then_key },
		{ "every cut is refused", every_cut_is_refused },
		{ "every changed byte is another genesis or none", every_changed_byte_is_another_or_none },
		{ "duplicates", duplicates },
		{ "bad cards are not decoded", bad_cards_are_not_decoded },
		{ "signatures are checked", signatures_are_checked },
		{ "mode and scheme", mode_and_scheme },
		{ "limits", limits },
		{ "with Ed25519", with_ed25519 },
		{ 0 },
	};
	return unit_main("genesis", cases);
}
