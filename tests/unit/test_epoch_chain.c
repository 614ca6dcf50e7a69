/* The chain of epochs: which key a member has when, what may change it, and links that lead from the genesis to the present, with every way to forge one. */
#include "bft/epoch_link.h"
#include "bft/quorum.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define N 4u
#define SCHEME (&sign_ed25519)

static struct bft_genesis genesis;
static struct digest cluster;
static struct secret_key member[N], org[N], tls[N], fresh[8];
static struct epoch_keys keys, before;

static void key(struct public_key *pk, struct secret_key *sk, uint8_t role, uint8_t i)
{
	uint8_t seed[32] = { role, i };
	SCHEME->keypair(pk, sk, seed);
}

static struct public_key public_of(const struct secret_key *sk)
{
	struct public_key pk;
	memcpy(pk.b, sk->b + 32, sizeof pk.b);
	return pk;
}

static void begin(void)
{
	struct public_key unused;
	memset(&genesis, 0, sizeof genesis);
	genesis.mode = BFT_MODE_BFT;
	genesis.count = N;
	for (uint8_t i = 0; i < N; i++) {
		key(&genesis.cards[i].member_key, &member[i], 1, i);
		key(&genesis.cards[i].org_key, &org[i], 2, i);
		key(&genesis.cards[i].tls_key, &tls[i], 3, i);
	}
	for (uint8_t i = 0; i < 8; i++)
		key(&unused, &fresh[i], 4, i);
	memset(cluster.b, 7, sizeof cluster.b);
	epoch_keys_init(&keys, &genesis);
}

static struct epoch_change rotation(uint8_t m, bft_epoch epoch, const struct secret_key *to, const struct secret_key *by)
{
	struct epoch_change c = { .kind = BUNDLE_ROTATE, .rotate = { .epoch = epoch, .member = m, .key = public_of(to) } };
	struct statement s;
	rotate_statement(&s, &c.rotate, DOMAIN_ROTATE, &cluster);
	SCHEME->sign(&c.rotate.signature, &s, by);
	rotate_statement(&s, &c.rotate, DOMAIN_ROTATE_OWN, &cluster);
	SCHEME->sign(&c.rotate.own, &s, to);
	return c;
}

static struct epoch_change readmission(uint8_t m, bft_epoch epoch)
{
	struct epoch_change c = { .kind = BUNDLE_READMIT, .readmit = { .epoch = epoch, .member = m, .incarnation = 5 } };
	struct statement s;
	readmit_statement(&s, &c.readmit, &cluster);
	SCHEME->sign(&c.readmit.signature, &s, &org[m]);
	return c;
}

static void sign_link(struct epoch_link *link, uint8_t m, const struct secret_key *by)
{
	struct statement s;
	struct signature signature;
	epoch_record_statement(&s, &link->record, &cluster);
	SCHEME->sign(&signature, &s, by);
	epoch_link_add(link, m, &signature);
}

/* The next epoch's, not signed by anybody yet. */
static struct epoch_link link_of(const struct epoch_change *c)
{
	struct epoch_link link = { .record = { .epoch = epoch_change_epoch(c) + 1, .base = keys.base + 64, .change = *c } };
	memset(link.record.chain.b, (int)link.record.epoch, DIGEST_BYTES);
	return link;
}

static const char *check(const struct epoch_link *link)
{
	return epoch_link_check(link, &keys, SCHEME, &cluster);
}

static bool is(const struct public_key *k, const struct secret_key *sk)
{
	struct public_key pk = public_of(sk);
	return k && public_key_equal(k, &pk);
}

/* ---- keys ---- */

static void a_key_is_that_of_its_epoch(void)
{
	begin();
	struct public_key a = public_of(&fresh[0]), b = public_of(&fresh[1]);
	epoch_keys_next(&keys, 64);
	epoch_keys_rotate(&keys, 128, 2, &a);
	epoch_keys_next(&keys, 192);
	epoch_keys_rotate(&keys, 256, 2, &b);
	CU_ASSERT(keys.epoch == 5 && keys.base == 256);
	CU_ASSERT(is(epoch_key(&keys, 2, 1), &member[2]) && is(epoch_key(&keys, 2, 2), &member[2]));
	CU_ASSERT(is(epoch_key(&keys, 2, 3), &fresh[0]) && is(epoch_key(&keys, 2, 4), &fresh[0]));
	CU_ASSERT(is(epoch_key(&keys, 2, 5), &fresh[1]));
	for (bft_epoch e = 1; e <= 5; e++)
		CU_ASSERT(is(epoch_key(&keys, 1, e), &member[1]));
	/* Nothing is said of epochs that are not known, nor of others than members. */
	CU_ASSERT_PTR_NULL(epoch_key(&keys, 2, 0));
	CU_ASSERT_PTR_NULL(epoch_key(&keys, 2, 6));
	CU_ASSERT_PTR_NULL(epoch_key(&keys, N, 1));
}

static void a_key_that_was_anybodys_is_used(void)
{
	begin();
	struct public_key new = public_of(&fresh[0]), other = public_of(&fresh[1]);
	CU_ASSERT(!epoch_keys_used(&keys, &new));
	epoch_keys_rotate(&keys, 64, 1, &new);
	epoch_keys_rotate(&keys, 128, 1, &other);
	CU_ASSERT(epoch_keys_used(&keys, &new) && epoch_keys_used(&keys, &other));
	for (uint8_t i = 0; i < N; i++)
		CU_ASSERT(epoch_keys_used(&keys, &genesis.cards[i].member_key) && epoch_keys_used(&keys, &genesis.cards[i].tls_key) &&
		          epoch_keys_used(&keys, &genesis.cards[i].org_key));
}

/* ---- changes ---- */

static struct epoch_change passing(uint8_t m, bft_epoch epoch, bft_mask signers);

static bool holds(const struct epoch_change *c)
{
	return epoch_change_holds(c, &keys, SCHEME, &cluster);
}

static void a_rotation_needs_both_signatures_and_a_fresh_key(void)
{
	begin();
	struct epoch_change good = rotation(2, 1, &fresh[0], &org[2]), c;
	CU_ASSERT(holds(&good));
	c = rotation(2, 1, &fresh[0], &org[1]); /* another organization */
	CU_ASSERT(!holds(&c));
	c = rotation(2, 2, &fresh[0], &org[2]); /* another epoch */
	CU_ASSERT(!holds(&c));
	c = rotation(N, 1, &fresh[0], &org[2]); /* nobody */
	CU_ASSERT(!holds(&c));
	c = good; /* another member than was signed for */
	c.rotate.member = 3;
	CU_ASSERT(!holds(&c));
	c = good; /* a key that its owner does not know of */
	c.rotate.key = public_of(&fresh[1]);
	CU_ASSERT(!holds(&c));
	c = rotation(2, 1, &fresh[1], &org[2]); /* and no proof by the key itself */
	c.rotate.own = good.rotate.own;
	CU_ASSERT(!holds(&c));
	c = good; /* the organization's signature is no proof, nor the proof a word */
	c.rotate.own = good.rotate.signature;
	CU_ASSERT(!holds(&c));
	c = good;
	c.rotate.signature = good.rotate.own;
	CU_ASSERT(!holds(&c));
	for (size_t bit = 0; bit < SIGNATURE_BYTES; bit += 9) {
		c = good;
		c.rotate.own.b[bit] ^= 1;
		CU_ASSERT(!holds(&c));
		c = good;
		c.rotate.signature.b[bit] ^= 1;
		CU_ASSERT(!holds(&c));
	}
	cluster.b[0] ^= 1; /* another cluster */
	CU_ASSERT(!holds(&good));
}

static void keys_of_others_and_bad_points_are_no_keys(void)
{
	begin();
	for (uint8_t i = 0; i < N; i++) {
		struct epoch_change a = rotation(2, 1, &member[i], &org[2]), b = rotation(2, 1, &tls[i], &org[2]), c = rotation(2, 1, &org[i], &org[2]);
		CU_ASSERT(!holds(&a) && !holds(&b) && !holds(&c));
	}
	/* Small order: anybody can make a signature that some verifiers take. */
	static const uint8_t points[][32] = { { 1 }, { 0 }, { [0] = 0xec, [1 ... 30] = 0xff, [31] = 0x7f } };
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		struct epoch_change c = rotation(2, 1, &fresh[0], &org[2]);
		struct statement s;
		memcpy(c.rotate.key.b, points[i], 32);
		rotate_statement(&s, &c.rotate, DOMAIN_ROTATE, &cluster);
		SCHEME->sign(&c.rotate.signature, &s, &org[2]);
		memset(&c.rotate.own, 0, sizeof c.rotate.own);
		memcpy(c.rotate.own.b, points[i], 32);
		CU_ASSERT(!holds(&c));
	}
	/* A former key does not come back, not even to the member that had it. */
	struct public_key new = public_of(&fresh[0]);
	epoch_keys_rotate(&keys, 64, 2, &new);
	struct epoch_change back = rotation(2, 2, &member[2], &org[2]), same = rotation(2, 2, &fresh[0], &org[2]), other = rotation(3, 2, &fresh[0], &org[3]),
			    next = rotation(2, 2, &fresh[1], &org[2]);
	CU_ASSERT(!holds(&back) && !holds(&same) && !holds(&other) && holds(&next));
}

static void changes_are_bounded(void)
{
	begin();
	for (uint32_t i = 0; i < EPOCH_CHANGES_MAX; i++) {
		struct public_key k = { { 9, (uint8_t)i, (uint8_t)(i >> 8) } };
		epoch_keys_rotate(&keys, 64 * (i + 1), (uint8_t)(i % N), &k);
	}
	struct epoch_change rotate = rotation(2, keys.epoch, &fresh[0], &org[2]), readmit = readmission(2, keys.epoch);
	CU_ASSERT(!holds(&rotate));
	CU_ASSERT(holds(&readmit)); /* whoever lost its memory can still come back */
	CU_ASSERT(is(epoch_key(&keys, 1, 1), &member[1]) && epoch_key(&keys, 1, 100)->b[0] == 9);
}

static void a_change_has_one_encoding(void)
{
	begin();
	struct epoch_change all[] = { rotation(2, 1, &fresh[0], &org[2]), readmission(3, 1), passing(3, 1, 0x7), { .kind = BUNDLE_RECONFIGURE } };
	all[3].reconfigure = (struct reconfigure){ .epoch = 1, .kind = RECONFIGURE_MODE, .mode = BFT_MODE_TRUSTED, .approvals = 1 };
	for (size_t i = 0; i < 4; i++) {
		uint8_t bytes[EPOCH_CHANGE_BYTES_MAX], again[EPOCH_CHANGE_BYTES_MAX];
		struct epoch_change c;
		struct wr w = wr_of(bytes, sizeof bytes);
		epoch_change_write(&w, &all[i]);
		size_t n = wr_done(&w);
		struct rd r = rd_of(bytes, n);
		CU_ASSERT_FATAL(n && epoch_change_read(&r, &c) && rd_done(&r));
		struct wr v = wr_of(again, sizeof again);
		epoch_change_write(&v, &c);
		CU_ASSERT(wr_done(&v) == n && memcmp(bytes, again, n) == 0);
		for (size_t cut = 0; cut < n; cut++) {
			r = rd_of(bytes, cut);
			CU_ASSERT(!epoch_change_read(&r, &c));
		}
		bytes[0] = 99;
		r = rd_of(bytes, n);
		CU_ASSERT(!epoch_change_read(&r, &c));
	}
}

/* ---- who leads last ---- */

static struct epoch_change passing(uint8_t m, bft_epoch epoch, bft_mask signers)
{
	struct epoch_change c = { .kind = BUNDLE_PASS_OVER, .pass_over = { .epoch = epoch, .member = m } };
	struct statement s;
	pass_over_statement(&s, epoch, m, &cluster);
	for (uint8_t i = 0; i < N; i++)
		if (signers & BFT_BIT(i)) {
			struct pass_over_signer *by = &c.pass_over.by[c.pass_over.count++];
			by->member = i;
			SCHEME->sign(&by->signature, &s, &member[i]);
		}
	return c;
}

static void q_others_pass_a_member_over(void)
{
	begin();
	struct epoch_change good = passing(1, 1, 0xd), c;
	CU_ASSERT(holds(&good));
	c = passing(1, 1, 0x9); /* one short */
	CU_ASSERT(!holds(&c));
	c = passing(1, 1, 0xb); /* its own does not count */
	CU_ASSERT(!holds(&c));
	c = passing(1, 1, 0xf);
	CU_ASSERT(!holds(&c));
	c = passing(1, 2, 0xd); /* another epoch */
	CU_ASSERT(!holds(&c));
	c = good;
	c.pass_over.epoch = 2;
	CU_ASSERT(!holds(&c));
	c = good; /* another member than was signed for */
	c.pass_over.member = N + 1;
	CU_ASSERT(!holds(&c));
	c = passing(3, 1, 0x7);
	c.pass_over.member = 1;
	CU_ASSERT(!holds(&c));
	c = good; /* a signature under another's name, or of nobody */
	c.pass_over.by[2].signature = good.pass_over.by[1].signature;
	CU_ASSERT(!holds(&c));
	c = good;
	c.pass_over.by[2].member = N;
	CU_ASSERT(!holds(&c));
	for (size_t at = 0; at < 3 * SIGNATURE_BYTES; at += 5) {
		c = good;
		c.pass_over.by[at / SIGNATURE_BYTES].signature.b[at % SIGNATURE_BYTES] ^= 4;
		CU_ASSERT(!holds(&c));
	}
	cluster.b[0] ^= 1; /* another cluster */
	CU_ASSERT(!holds(&good));
}

/* What is said in one context is of no use in another. */
static void organizations_pass_nobody_over(void)
{
	begin();
	struct epoch_change c = passing(1, 1, 0xd);
	struct statement s;
	pass_over_statement(&s, 1, 1, &cluster);
	for (uint8_t i = 0; i < c.pass_over.count; i++)
		SCHEME->sign(&c.pass_over.by[i].signature, &s, &org[c.pass_over.by[i].member]);
	CU_ASSERT(!holds(&c));
}

static void the_order_is_that_of_its_epoch(void)
{
	begin();
	struct epoch_change c = passing(1, 1, 0xd);
	epoch_change_apply(&c, &keys, 64);
	CU_ASSERT(keys.epoch == 2 && keys.base == 64);
	CU_ASSERT(epoch_passed(&keys, 1) == 0 && epoch_passed(&keys, 2) == BFT_BIT(1) && epoch_passed(&keys, 3) == 0 && epoch_passed(&keys, 0) == 0);
	c = passing(1, 2, 0xd); /* it is already */
	CU_ASSERT(!holds(&c));
	/* Another border changes nothing of it; a new key signs with the others. */
	struct epoch_change to3 = rotation(2, 2, &fresh[0], &org[2]);
	epoch_change_apply(&to3, &keys, 128);
	CU_ASSERT(epoch_passed(&keys, 3) == BFT_BIT(1));
	c = passing(3, 3, 0x7);
	CU_ASSERT(!holds(&c)); /* the former key */
	struct statement s;
	pass_over_statement(&s, 3, 3, &cluster);
	SCHEME->sign(&c.pass_over.by[2].signature, &s, &fresh[0]);
	CU_ASSERT(holds(&c));
	/* More than f: the list begins anew. */
	epoch_change_apply(&c, &keys, 192);
	CU_ASSERT(epoch_passed(&keys, 4) == BFT_BIT(3) && epoch_passed(&keys, 3) == BFT_BIT(1) && epoch_passed(&keys, 1) == 0);
}

static void orders_are_bounded(void)
{
	begin();
	for (uint32_t i = 0; i < EPOCH_ROSTERS_MAX; i++)
		epoch_keys_pass(&keys, 64 * (i + 1), (uint8_t)(i % 2));
	struct epoch_change pass = passing(2, keys.epoch, 0xb), rotate = rotation(2, keys.epoch, &fresh[0], &org[2]);
	CU_ASSERT(!holds(&pass) && holds(&rotate));
	CU_ASSERT(epoch_passed(&keys, 1) == 0 && epoch_passed(&keys, 2) == BFT_BIT(0) && epoch_passed(&keys, 3) == BFT_BIT(1));
}

static void a_passing_over_has_one_encoding(void)
{
	begin();
	struct pass_over p = passing(1, 1, 0xd).pass_over, read;
	uint8_t bytes[PASS_OVER_BYTES_MAX + 1];
	size_t n = pass_over_encode(&p, bytes);
	CU_ASSERT(n == PASS_OVER_HEAD_BYTES + 3 * PASS_OVER_SIGNER_BYTES && pass_over_length(bytes, n) == n);
	CU_ASSERT(pass_over_decode(&read, bytes, n) && !pass_over_decode(&read, bytes, n + 1) && !pass_over_decode(&read, bytes, n - 1));
	bytes[PASS_OVER_HEAD_BYTES + PASS_OVER_SIGNER_BYTES] = 0; /* the same member twice */
	CU_ASSERT(!pass_over_decode(&read, bytes, n));
	bytes[PASS_OVER_HEAD_BYTES] = 2; /* not ascending */
	CU_ASSERT(!pass_over_decode(&read, bytes, n));
	pass_over_encode(&p, bytes);
	bytes[8] = BFT_MEMBERS_MAX;
	CU_ASSERT(!pass_over_decode(&read, bytes, n));
	pass_over_encode(&p, bytes);
	memset(bytes, 0, 8);
	CU_ASSERT(!pass_over_decode(&read, bytes, n));
	pass_over_encode(&p, bytes);
	bytes[9] = 0; /* by nobody */
	CU_ASSERT(!pass_over_decode(&read, bytes, PASS_OVER_HEAD_BYTES));
}

/* Nobody's key changes, so all may sign the link, whoever is passed over too. */
static void a_link_leads_to_another_order(void)
{
	begin();
	struct epoch_change c = passing(1, 1, 0xd), short_of_one = passing(1, 1, 0x9);
	struct epoch_link link = link_of(&c), bad = link_of(&short_of_one);
	sign_link(&link, 1, &member[1]);
	sign_link(&link, 3, &member[3]);
	sign_link(&bad, 1, &member[1]);
	sign_link(&bad, 3, &member[3]);
	CU_ASSERT_PTR_NOT_NULL(check(&bad));
	CU_ASSERT_PTR_NULL_FATAL(check(&link));
	uint8_t bytes[EPOCH_LINK_BYTES_MAX];
	size_t n = epoch_link_encode(&link, bytes, sizeof bytes), used;
	CU_ASSERT_PTR_NULL(epoch_links_follow(&keys, bytes, n, UINT64_MAX, SCHEME, &cluster, &used));
	CU_ASSERT(used == n && keys.epoch == 2 && epoch_passed(&keys, 2) == BFT_BIT(1));
	/* Which q said so is not what is signed: two replicas' links of one record are the same. */
	struct epoch_change other = passing(1, 1, 0xd);
	other.pass_over.by[0].signature.b[0] ^= 1;
	struct epoch_link same = link_of(&c);
	same.record.change = other;
	same.record.base = link.record.base;
	CU_ASSERT(epoch_record_equal(&same.record, &link.record));
}

/* ---- links ---- */

static void it_is_followed_from_the_genesis(void)
{
	begin();
	struct epoch_change to2 = rotation(2, 1, &fresh[0], &org[2]);
	struct epoch_link link = link_of(&to2);
	sign_link(&link, 0, &member[0]);
	sign_link(&link, 3, &member[3]);
	CU_ASSERT_PTR_NULL_FATAL(check(&link));
	epoch_link_follow(&link, &keys);
	CU_ASSERT(keys.epoch == 2 && is(epoch_key(&keys, 2, 2), &fresh[0]));
	/* The new key signs the next one, and the one after a readmission. */
	struct epoch_change to3 = readmission(1, 2);
	link = link_of(&to3);
	sign_link(&link, 2, &fresh[0]);
	sign_link(&link, 1, &member[1]);
	CU_ASSERT(link.by[0].member == 1 && link.by[1].member == 2);
	CU_ASSERT_PTR_NULL_FATAL(check(&link));
	epoch_link_follow(&link, &keys);
	/* The former key signs nothing any more. */
	struct epoch_change to4 = rotation(0, 3, &fresh[1], &org[0]);
	link = link_of(&to4);
	sign_link(&link, 2, &member[2]);
	sign_link(&link, 1, &member[1]);
	CU_ASSERT_PTR_NOT_NULL(check(&link));
	CU_ASSERT_EQUAL(keys.epoch, 3);
}

static void one_short_is_no_link(void)
{
	begin();
	struct epoch_change c = rotation(2, 1, &fresh[0], &org[2]);
	struct epoch_link link = link_of(&c);
	CU_ASSERT_PTR_NOT_NULL(check(&link));
	sign_link(&link, 0, &member[0]);
	CU_ASSERT_EQUAL(link.count, quorum_weak(N) - 1);
	CU_ASSERT_PTR_NOT_NULL(check(&link));
	/* The same member again does not add up, in whatever way it comes. */
	sign_link(&link, 0, &member[0]);
	CU_ASSERT_EQUAL(link.count, 1);
	link.by[1] = link.by[0];
	link.count = 2;
	uint8_t bytes[EPOCH_LINK_BYTES_MAX];
	struct epoch_link read;
	size_t n = epoch_link_encode(&link, bytes, sizeof bytes);
	struct rd r = rd_of(bytes, n);
	CU_ASSERT(!epoch_link_read(&r, &read));
	link.by[1].member = 1; /* its signature under another's name */
	CU_ASSERT_PTR_NOT_NULL(check(&link));
}

/* Not with the key that goes: whoever has stolen it has no say in what follows it. With the one that comes, which is its organization's word. */
static void who_is_changed_signs_with_the_new_key(void)
{
	begin();
	struct epoch_change c = rotation(2, 1, &fresh[0], &org[2]);
	struct epoch_link link = link_of(&c);
	sign_link(&link, 0, &member[0]);
	sign_link(&link, 2, &member[2]);
	CU_ASSERT_PTR_NOT_NULL(check(&link));
	link = link_of(&c);
	sign_link(&link, 0, &member[0]);
	sign_link(&link, 2, &fresh[1]);
	CU_ASSERT_PTR_NOT_NULL(check(&link));
	link = link_of(&c);
	sign_link(&link, 2, &fresh[0]);
	CU_ASSERT_PTR_NOT_NULL(check(&link)); /* it counts as one */
	sign_link(&link, 0, &member[0]);
	CU_ASSERT_PTR_NULL(check(&link));
	link = link_of(&c);
	sign_link(&link, 0, &member[0]);
	sign_link(&link, 1, &member[1]);
	CU_ASSERT_PTR_NULL(check(&link));
	/* One more, false or of nobody, spoils it: what is shown is all true. */
	sign_link(&link, 3, &member[1]);
	CU_ASSERT_PTR_NOT_NULL(check(&link));
	link.by[2].member = N;
	CU_ASSERT_PTR_NOT_NULL(check(&link));
}

static void members_alone_change_no_key(void)
{
	begin();
	/* f+1 members, and not the organization. */
	struct epoch_change c = rotation(2, 1, &fresh[0], &org[1]);
	struct epoch_link link = link_of(&c);
	for (uint8_t i = 0; i < N; i++)
		if (i != 2)
			sign_link(&link, i, &member[i]);
	CU_ASSERT_EQUAL(link.count, 3);
	CU_ASSERT_PTR_NOT_NULL(check(&link));
}

static void order_place_and_cluster_are_signed(void)
{
	begin();
	struct epoch_change c = rotation(2, 1, &fresh[0], &org[2]);
	struct epoch_link good = link_of(&c), link;
	sign_link(&good, 0, &member[0]);
	sign_link(&good, 1, &member[1]);
	CU_ASSERT_PTR_NULL(check(&good));
	link = good;
	link.record.base++;
	CU_ASSERT_PTR_NOT_NULL(check(&link));
	link = good;
	link.record.chain.b[31] ^= 1;
	CU_ASSERT_PTR_NOT_NULL(check(&link));
	link = good;
	link.record.epoch = 3;
	CU_ASSERT_PTR_NOT_NULL(check(&link));
	/* Behind the place where the known epoch begins. */
	struct epoch_link early = link_of(&c);
	keys.base = early.record.base;
	sign_link(&early, 0, &member[0]);
	sign_link(&early, 1, &member[1]);
	CU_ASSERT_PTR_NOT_NULL(check(&early));
	keys.base = 0;
	/* Of another cluster. */
	cluster.b[5] ^= 1;
	CU_ASSERT_PTR_NOT_NULL(check(&good));
	cluster.b[5] ^= 1;
	/* Once followed it leads nowhere: neither it nor the word in it is of use a second time. */
	epoch_link_follow(&good, &keys);
	CU_ASSERT_PTR_NOT_NULL(check(&good));
	link = good;
	link.record.epoch = 3;
	link.record.base = keys.base + 64;
	link.count = 0;
	sign_link(&link, 0, &member[0]);
	sign_link(&link, 1, &member[1]);
	CU_ASSERT_PTR_NOT_NULL(check(&link));
}

/* Two links for one epoch need f+1 signers each: with f liars one of them is honest, so there are none. Whoever has f+1 keys and an organization's can fork it. */
static void a_fork_needs_a_weak_quorum_and_an_organization(void)
{
	begin();
	struct epoch_change a = rotation(2, 1, &fresh[0], &org[2]), b = rotation(2, 1, &fresh[1], &org[2]);
	struct epoch_link one = link_of(&a), other = link_of(&b);
	sign_link(&one, 0, &member[0]);
	sign_link(&one, 1, &member[1]);
	CU_ASSERT_PTR_NULL(check(&one));
	/* The liar's part of the fork, with the honest ones' signatures over the true link. */
	sign_link(&other, 3, &member[3]);
	CU_ASSERT_PTR_NOT_NULL(check(&other));
	epoch_link_add(&other, 0, &one.by[0].signature);
	CU_ASSERT_PTR_NOT_NULL(check(&other));
	CU_ASSERT(!epoch_record_equal(&one.record, &other.record));
	/* Whoever holds the organization's key is its member: by the order too it could have the key changed. Without it the other key signs nothing. */
	struct epoch_change forged = rotation(2, 1, &fresh[1], &org[1]);
	struct epoch_link third = link_of(&forged);
	sign_link(&third, 3, &member[3]);
	sign_link(&third, 2, &fresh[1]);
	CU_ASSERT_PTR_NOT_NULL(check(&third));
	/* Another signature by the organization over the same word is the same record. */
	struct epoch_record same = one.record;
	same.change.rotate.signature.b[0] ^= 1;
	CU_ASSERT(epoch_record_equal(&one.record, &same));
}

static void a_flipped_bit_anywhere_breaks_it(void)
{
	begin();
	struct epoch_change c = rotation(2, 1, &fresh[0], &org[2]);
	struct epoch_link link = link_of(&c), read;
	sign_link(&link, 0, &member[0]);
	sign_link(&link, 1, &member[1]);
	uint8_t bytes[EPOCH_LINK_BYTES_MAX], again[EPOCH_LINK_BYTES_MAX];
	size_t n = epoch_link_encode(&link, bytes, sizeof bytes);
	struct rd r = rd_of(bytes, n);
	CU_ASSERT_FATAL(n && epoch_link_read(&r, &read) && rd_done(&r) && !check(&read));
	CU_ASSERT(epoch_link_encode(&read, again, sizeof again) == n && memcmp(bytes, again, n) == 0);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		r = rd_of(bytes, n);
		CU_ASSERT(!epoch_link_read(&r, &read) || check(&read));
		bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	for (size_t cut = 0; cut < n; cut++) {
		r = rd_of(bytes, cut);
		CU_ASSERT(!epoch_link_read(&r, &read));
	}
}

/* A file of links, as a replica keeps it: torn, damaged, out of order, too short. */
static void a_file_is_followed_as_far_as_it_is_good(void)
{
	static uint8_t file[3 * EPOCH_LINK_BYTES_MAX];
	size_t n = 0, at[4] = { 0 }, used;
	begin();
	before = keys;
	for (uint8_t i = 0; i < 3; i++) {
		struct epoch_change c = rotation(i, keys.epoch, &fresh[i], &org[i]);
		struct epoch_link link = link_of(&c);
		sign_link(&link, 3, &member[3]);
		sign_link(&link, i ? 0 : 1, i ? &fresh[0] : &member[1]);
		CU_ASSERT_PTR_NULL_FATAL(check(&link));
		epoch_link_follow(&link, &keys);
		n += epoch_link_encode(&link, file + n, sizeof file - n);
		at[i + 1] = n;
	}
	keys = before;
	CU_ASSERT_PTR_NULL(epoch_links_follow(&keys, file, n, UINT64_MAX, SCHEME, &cluster, &used));
	CU_ASSERT(used == n && keys.epoch == 4 && is(epoch_key(&keys, 0, 4), &fresh[0]) && is(epoch_key(&keys, 0, 1), &member[0]));
	keys = before;
	CU_ASSERT_PTR_NULL(epoch_links_follow(&keys, file, n, 3, SCHEME, &cluster, &used));
	CU_ASSERT(used == at[2] && keys.epoch == 3);
	keys = before;
	CU_ASSERT_PTR_NOT_NULL(epoch_links_follow(&keys, file, n - 1, UINT64_MAX, SCHEME, &cluster, &used));
	CU_ASSERT(used == at[2] && keys.epoch == 3);
	keys = before;
	CU_ASSERT_PTR_NOT_NULL(epoch_links_follow(&keys, file + at[1], n - at[1], UINT64_MAX, SCHEME, &cluster, &used));
	CU_ASSERT(used == 0 && keys.epoch == 1);
	file[at[1] + 20] ^= 1;
	keys = before;
	CU_ASSERT_PTR_NOT_NULL(epoch_links_follow(&keys, file, n, UINT64_MAX, SCHEME, &cluster, &used));
	CU_ASSERT(used == at[1] && keys.epoch == 2);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a key is that of its epoch", a_key_is_that_of_its_epoch },
		{ "a key that was anybody's is used", a_key_that_was_anybodys_is_used },
		{ "a rotation needs both signatures and a fresh key", a_rotation_needs_both_signatures_and_a_fresh_key },
		{ "keys of others and bad points are no keys", keys_of_others_and_bad_points_are_no_keys },
		{ "changes are bounded", changes_are_bounded },
		{ "a change has one encoding", a_change_has_one_encoding },
		{ "q others pass a member over", q_others_pass_a_member_over },
		{ "organizations pass nobody over", organizations_pass_nobody_over },
		{ "the order is that of its epoch", the_order_is_that_of_its_epoch },
		{ "orders are bounded", orders_are_bounded },
		{ "a passing over has one encoding", a_passing_over_has_one_encoding },
		{ "a link leads to another order", a_link_leads_to_another_order },
		{ "it is followed from the genesis", it_is_followed_from_the_genesis },
		{ "one short is no link", one_short_is_no_link },
		{ "who is changed signs with the new key", who_is_changed_signs_with_the_new_key },
		{ "members alone change no key", members_alone_change_no_key },
		{ "order, place and cluster are signed", order_place_and_cluster_are_signed },
		{ "a fork needs a weak quorum and an organization", a_fork_needs_a_weak_quorum_and_an_organization },
		{ "a flipped bit anywhere breaks it", a_flipped_bit_anywhere_breaks_it },
		{ "a file is followed as far as it is good", a_file_is_followed_as_far_as_it_is_good },
		{ 0 },
	};
	if (!sign_self_test())
		return 1;
	return unit_main("epoch_chain", cases);
}
