/* Organizations' word about members and mode: its one encoding, what it may ask for, whose approval counts, and what it makes of the chain of epochs. Real signatures. */
#include "bft/certificate.h"
#include "bft/epoch_link.h"
#include "tests/unit/reconfigure_bed.h"

#include <stdlib.h>
#include <string.h>

#define N 4u
#define SCHEME (&sign_ed25519)

static struct bft_genesis genesis;
static struct digest cluster;
static struct epoch_keys keys;

static void begin_as(enum bft_mode mode, uint32_t n)
{
	memset(&genesis, 0, sizeof genesis);
	rbed_genesis(&genesis, mode, n);
	memset(cluster.b, 7, sizeof cluster.b);
	epoch_keys_init(&keys, &genesis);
}

static void begin(void)
{
	begin_as(BFT_MODE_BFT, N);
}

static const char *why_not(const struct reconfigure *r)
{
	const char *why = reconfigure_check(r, &keys, SCHEME);
	return why ? why : "";
}

static bool is(const struct public_key *k, enum rbed_role role, uint8_t i)
{
	struct public_key pk = rbed_public(role, i);
	return k && public_key_equal(k, &pk);
}

/* As if enough had approved: the epoch that it begins. */
static void apply(const struct reconfigure *r)
{
	reconfigure_apply(r, &keys, keys.base + 64);
}

/* ---- bytes ---- */

/* One of each: members that go, are replaced and come, as many as fit; and a mode. */
static struct reconfigure everything(void)
{
	struct bft_card a = rbed_card(9, 20), b = rbed_card(9, 21);
	struct reconfigure r = { .epoch = 1, .kind = RECONFIGURE_MEMBERS };
	rbed_seat(&r, 1, NULL);
	rbed_seat(&r, 2, &a);
	rbed_seat(&r, 63, &b);
	rbed_approve_by(&r, 3, &cluster);
	return r;
}

static void has_one_encoding(const struct reconfigure *r)
{
	static uint8_t bytes[RECONFIGURE_BYTES_MAX + 1], again[RECONFIGURE_BYTES_MAX];
	static struct reconfigure read;
	size_t n = reconfigure_encode(r, bytes, sizeof bytes);
	CU_ASSERT_FATAL(n > 0 && n <= RECONFIGURE_BYTES_MAX);
	CU_ASSERT(reconfigure_decode(&read, bytes, n) && reconfigure_encode(&read, again, sizeof again) == n && memcmp(bytes, again, n) == 0);
	CU_ASSERT_EQUAL(reconfigure_encode(r, again, n - 1), 0);
	bytes[n] = 0;
	CU_ASSERT(!reconfigure_decode(&read, bytes, n + 1));
	for (size_t cut = 0; cut < n; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1); /* so that a sanitizer sees one read too many */
		CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
		memcpy(exact, bytes, cut);
		CU_ASSERT(!reconfigure_decode(&read, exact, cut));
		free(exact);
	}
	/* A flipped bit is malformed, or another value with this encoding. */
	for (size_t bit = 0; bit < 8 * n; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (reconfigure_decode(&read, bytes, n))
			CU_ASSERT(reconfigure_encode(&read, again, sizeof again) == n && memcmp(bytes, again, n) == 0);
		bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
}

static void it_has_one_encoding(void)
{
	begin();
	struct reconfigure members = everything(), mode = rbed_mode(1, BFT_MODE_TRUSTED);
	rbed_approve_by(&mode, 2, &cluster);
	has_one_encoding(&members);
	has_one_encoding(&mode);
}

static bool reads(const struct reconfigure *r)
{
	static uint8_t bytes[2 * RECONFIGURE_BYTES_MAX];
	static struct reconfigure read;
	return reconfigure_decode(&read, bytes, reconfigure_encode(r, bytes, sizeof bytes));
}

/* Of a mode, with one approval: u64 epoch | u8 kind | u8 mode | u8 approvals | key | signature. */
static bool mode_reads(size_t at, uint8_t value, size_t n)
{
	uint8_t bytes[11 + PUBLIC_KEY_BYTES + SIGNATURE_BYTES];
	static struct reconfigure read;
	struct reconfigure r = rbed_mode(1, BFT_MODE_TRUSTED);
	rbed_approve(&r, 0, &cluster);
	CU_ASSERT_EQUAL(reconfigure_encode(&r, bytes, sizeof bytes), sizeof bytes);
	bytes[at] = value;
	return reconfigure_decode(&read, bytes, n ? n : sizeof bytes);
}

static void counts_and_kinds_are_bounded(void)
{
	begin();
	CU_ASSERT(mode_reads(0, 1, 0) && !mode_reads(0, 0, 0)); /* of no epoch */
	for (unsigned v = 0; v < 256; v++) {
		CU_ASSERT_EQUAL(mode_reads(8, (uint8_t)v, 0), v == RECONFIGURE_MODE);
		CU_ASSERT_EQUAL(mode_reads(9, (uint8_t)v, 0), v == BFT_MODE_BFT || v == BFT_MODE_TRUSTED);
		CU_ASSERT_EQUAL(mode_reads(10, (uint8_t)v, 0), v == 1); /* 255 of them are more than there may be, whatever follows */
	}
	CU_ASSERT(!mode_reads(10, 0, 11)); /* by nobody */
	/* Members: u64 epoch | u8 kind | u8 seats | u8 member | u8 taken | approvals... */
	static uint8_t bytes[RECONFIGURE_BYTES_MAX];
	static struct reconfigure read;
	struct reconfigure r = rbed_members(1, 3, NULL);
	rbed_approve(&r, 0, &cluster);
	size_t n = reconfigure_encode(&r, bytes, sizeof bytes);
	for (unsigned v = 0; v < 256; v++) {
		bytes[9] = (uint8_t)v;
		CU_ASSERT_EQUAL(reconfigure_decode(&read, bytes, n), v == 1);
		bytes[9] = 1;
		bytes[10] = (uint8_t)v;
		CU_ASSERT_EQUAL(reconfigure_decode(&read, bytes, n), v < BFT_MEMBERS_MAX);
		bytes[10] = 3;
		bytes[11] = (uint8_t)v;
		CU_ASSERT_EQUAL(reconfigure_decode(&read, bytes, n), v == 0);
		bytes[11] = 0;
	}
	/* As many seats as there may be, and one more. */
	r = (struct reconfigure){ .epoch = 1, .kind = RECONFIGURE_MEMBERS };
	for (uint8_t i = 0; i < RECONFIGURE_SEATS_MAX; i++)
		rbed_seat(&r, i, NULL);
	rbed_approve(&r, 0, &cluster);
	CU_ASSERT(reads(&r));
	n = reconfigure_encode(&r, bytes, sizeof bytes);
	memmove(bytes + 12, bytes + 10, n - 10);
	bytes[9] = RECONFIGURE_SEATS_MAX + 1;
	CU_ASSERT(!reconfigure_decode(&read, bytes, n + 2));
}

static void seats_and_approvals_stand_in_order_and_once(void)
{
	begin();
	struct reconfigure r = { .epoch = 1, .kind = RECONFIGURE_MEMBERS };
	rbed_seat(&r, 2, NULL);
	rbed_seat(&r, 3, NULL);
	rbed_approve_by(&r, 3, &cluster);
	CU_ASSERT(reads(&r));
	r.seat[0].member = 3;
	CU_ASSERT(!reads(&r)); /* twice */
	r.seat[1].member = 2;
	CU_ASSERT(!reads(&r)); /* not ascending */
	r.seat[0].member = 1;
	struct reconfigure twice = r, unsorted = r;
	twice.by[1] = twice.by[0];
	CU_ASSERT(!reads(&twice));
	unsorted.by[1] = r.by[2];
	unsorted.by[2] = r.by[1];
	CU_ASSERT(reads(&r) && !reads(&unsorted));
}

/* In whatever order they come, and each once. */
static void approvals_are_put_in_their_place(void)
{
	begin();
	struct reconfigure a = rbed_mode(1, BFT_MODE_TRUSTED), b = a;
	static const uint8_t forth[] = { 0, 1, 2, 3 }, back[] = { 3, 1, 0, 2 };
	for (int i = 0; i < 4; i++) {
		rbed_approve(&a, forth[i], &cluster);
		rbed_approve(&b, back[i], &cluster);
	}
	CU_ASSERT(a.approvals == 4 && b.approvals == 4 && memcmp(a.by, b.by, 4 * sizeof a.by[0]) == 0);
	for (uint8_t i = 0; i < 4; i++)
		CU_ASSERT(!reconfigure_add(&a, &b.by[i].org, &b.by[i].signature));
	struct reconfigure full = rbed_mode(1, BFT_MODE_TRUSTED);
	struct public_key key = { { 0 } };
	for (uint8_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		key.b[0] = i;
		CU_ASSERT(reconfigure_add(&full, &key, &a.by[0].signature));
	}
	key.b[0] = 200;
	CU_ASSERT(!reconfigure_add(&full, &key, &a.by[0].signature) && full.approvals == BFT_MEMBERS_MAX);
}

/* Its name is what is wanted, not by whom, nor in which epoch: the statement names that. */
static void what_is_signed(void)
{
	begin();
	struct reconfigure one = everything(), other = one;
	struct digest a, b;
	struct statement x, y;
	other.approvals = 0;
	reconfigure_digest(&a, &one);
	reconfigure_digest(&b, &other);
	CU_ASSERT(digest_equal(&a, &b));
	other.epoch++;
	reconfigure_digest(&b, &other);
	reconfigure_statement(&x, &one, &cluster);
	reconfigure_statement(&y, &other, &cluster);
	CU_ASSERT(digest_equal(&a, &b) && memcmp(x.b, y.b, sizeof x.b) != 0);
	other = one;
	other.seat[1].card.addresses[0][0] = '2';
	reconfigure_digest(&b, &other);
	CU_ASSERT(!digest_equal(&a, &b));
}

/* ---- whether it may be ---- */

static void numbers_stay_and_the_rest_follows(void)
{
	begin_as(BFT_MODE_BFT, 7);
	struct bft_card card = rbed_card(9, 20);
	struct reconfigure gone = rbed_members(1, 2, NULL);
	struct bft_roster r = reconfigure_roster(&gone, &keys);
	CU_ASSERT(r.mode == BFT_MODE_BFT && r.members == (mask_all(7) & ~BFT_BIT(2)) && roster_count(&r) == 6 && roster_width(&r) == 7);
	CU_ASSERT(roster_quorum(&r) == quorum_strong(6) && reconfigure_touched(&gone) == BFT_BIT(2));
	struct reconfigure come = rbed_members(1, 40, &card);
	r = reconfigure_roster(&come, &keys);
	CU_ASSERT(roster_count(&r) == 8 && roster_has(&r, 40) && !roster_has(&r, 39) && roster_width(&r) == 41);
	struct reconfigure mode = rbed_mode(1, BFT_MODE_TRUSTED);
	r = reconfigure_roster(&mode, &keys);
	CU_ASSERT(r.mode == BFT_MODE_TRUSTED && r.members == mask_all(7) && roster_quorum(&r) == 4 && reconfigure_touched(&mode) == 0);
}

/* Whoever takes a number has lost no office; under another mode nobody has. */
static void who_was_passed_over(void)
{
	begin_as(BFT_MODE_BFT, 7);
	epoch_keys_pass(&keys, 64, 2);
	epoch_keys_pass(&keys, 128, 3);
	struct bft_card card = rbed_card(9, 20);
	struct reconfigure other = rbed_members(3, 2, &card), mode = rbed_mode(3, BFT_MODE_TRUSTED);
	CU_ASSERT_EQUAL(epoch_roster_now(&keys).passed, BFT_BIT(2) | BFT_BIT(3));
	CU_ASSERT_EQUAL(reconfigure_roster(&other, &keys).passed, BFT_BIT(3));
	CU_ASSERT_EQUAL(reconfigure_roster(&mode, &keys).passed, 0);
}

static void each_refusal_says_why(void)
{
	begin();
	struct bft_card good = rbed_card(9, 20), card;
	struct reconfigure r = rbed_members(1, 4, &good);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "");
	r.epoch = 2;
	CU_ASSERT_STRING_EQUAL(why_not(&r), "it is of another epoch");
	r = rbed_mode(1, BFT_MODE_BFT);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "that is the mode already");
	r = rbed_members(1, 3, NULL);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "a cluster in bft mode has at least 4 members");
	r = rbed_members(1, 9, NULL);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "there is no such member");
	r = (struct reconfigure){ .epoch = 1, .kind = RECONFIGURE_MEMBERS };
	for (uint8_t i = 0; i < N; i++) {
		card = rbed_card((uint8_t)(30 + i), (uint8_t)(30 + i));
		rbed_seat(&r, i, &card);
	}
	CU_ASSERT_STRING_EQUAL(why_not(&r), "nobody would remain who knows the state");

	/* Keys that somebody has, in whatever role. */
	card = good;
	card.member_key = rbed_public(RBED_MEMBER, 1);
	rbed_sign_card(&card, 9, 1);
	r = rbed_members(1, 4, &card);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "somebody has or had a key of that card");
	card = good;
	card.tls_key = rbed_public(RBED_ORG, 2);
	r = rbed_members(1, 4, &card);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "somebody has or had a key of that card");
	card = good;
	card.org_key = rbed_public(RBED_TLS, 2);
	r = rbed_members(1, 4, &card);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "its organization's key was used in the past");
	/* Two organizations of one name, or one of two names. */
	card = rbed_card(9, 20);
	snprintf(card.org, sizeof card.org, "org-1");
	rbed_sign_card(&card, 9, 20);
	r = rbed_members(1, 4, &card);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "two cards of one organization have different organization keys");
	card = rbed_card(1, 20);
	snprintf(card.org, sizeof card.org, "org-9");
	rbed_sign_card(&card, 1, 20);
	r = rbed_members(1, 4, &card);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "two organizations have the same key");
	/* A second replica of an organization that is known may come. */
	card = rbed_card(1, 20);
	r = rbed_members(1, 4, &card);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "");
	/* The same card twice in one change. */
	rbed_seat(&r, 5, &card);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "two cards have the same member key");
}

static void signatures_of_cards_are_checked(void)
{
	begin();
	struct bft_card card = rbed_card(9, 20);
	for (size_t at = 0; at < SIGNATURE_BYTES; at += 7) {
		struct bft_card bad = card;
		bad.org_signature.b[at] ^= 1;
		struct reconfigure r = rbed_members(1, 4, &bad);
		CU_ASSERT_STRING_NOT_EQUAL(why_not(&r), "");
		bad = card;
		bad.member_signature.b[at] ^= 1;
		r = rbed_members(1, 4, &bad);
		CU_ASSERT_STRING_NOT_EQUAL(why_not(&r), "");
	}
	/* What was signed for another address. */
	snprintf(card.addresses[0], sizeof card.addresses[0], "10.9.9.9:1");
	struct reconfigure r = rbed_members(1, 4, &card);
	CU_ASSERT_STRING_NOT_EQUAL(why_not(&r), "");
	/* A key of small order, by which anybody could sign. */
	card = rbed_card(9, 20);
	memset(&card.member_key, 0, sizeof card.member_key);
	card.member_key.b[0] = 1;
	r = rbed_members(1, 4, &card);
	CU_ASSERT_STRING_NOT_EQUAL(why_not(&r), "");
}

/* For each number of members, so many may be replaced or come at once that the rest is a quorum of what follows. */
static void who_remains_is_a_quorum(void)
{
	for (int mode = BFT_MODE_BFT; mode <= BFT_MODE_TRUSTED; mode++)
		for (uint32_t n = mode == BFT_MODE_BFT ? 4 : 1; n <= 10; n++)
			for (uint32_t coming = 0; coming <= RECONFIGURE_SEATS_MAX; coming++)
				for (uint32_t replaced = 0; replaced + coming <= RECONFIGURE_SEATS_MAX && replaced <= n; replaced++) {
					if (coming + replaced == 0)
						continue;
					begin_as((enum bft_mode)mode, n);
					struct reconfigure r = { .epoch = 1, .kind = RECONFIGURE_MEMBERS };
					for (uint32_t i = 0; i < replaced + coming; i++) {
						struct bft_card card = rbed_card((uint8_t)(30 + i), (uint8_t)(30 + i));
						rbed_seat(&r, (uint8_t)(i < replaced ? i : n + i - replaced), &card);
					}
					uint32_t remain = n - replaced, q = quorum_of((enum bft_mode)mode, n + coming);
					bool good = remain > 0 && (remain >= q || n == 1);
					CU_ASSERT_EQUAL(why_not(&r)[0] == 0, good);
					if (!good && remain)
						CU_ASSERT_STRING_EQUAL(why_not(&r),
						                       "too few would remain to go on without those who come: change fewer at once");
				}
}

static void a_mode_needs_its_number(void)
{
	begin_as(BFT_MODE_TRUSTED, 3);
	struct reconfigure r = rbed_mode(1, BFT_MODE_BFT);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "a cluster in bft mode has at least 4 members");
	begin_as(BFT_MODE_TRUSTED, 4);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "");
	begin();
	r = rbed_mode(1, BFT_MODE_TRUSTED);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "");
	/* Of trusted members all but one may go. */
	begin_as(BFT_MODE_TRUSTED, 2);
	r = rbed_members(1, 0, NULL);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "");
	apply(&r);
	r = rbed_members(2, 1, NULL);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "nobody would remain who knows the state");
}

/* ---- who approves ---- */

static bool has_enough(const struct reconfigure *r)
{
	return reconfigure_holds(r, &keys, SCHEME, &cluster);
}

static void members_are_approved_by_members(void)
{
	begin();
	struct bft_card card = rbed_card(9, 20);
	struct reconfigure r = rbed_members(1, 4, &card);
	rbed_approve_by(&r, 2, &cluster);
	struct reconfigure_progress p = reconfigure_progress(&r, &keys);
	CU_ASSERT(p.have == 2 && p.need == 3 && !has_enough(&r));
	rbed_approve(&r, 3, &cluster);
	CU_ASSERT(reconfigure_progress(&r, &keys).have == 3 && has_enough(&r));
	rbed_approve(&r, 2, &cluster);
	CU_ASSERT(reconfigure_progress(&r, &keys).have == 4 && has_enough(&r));
	/* Who is to be removed has a say until it is. */
	begin_as(BFT_MODE_BFT, 5);
	r = rbed_members(1, 0, NULL);
	rbed_approve_by(&r, 4, &cluster);
	CU_ASSERT(has_enough(&r));
}

/* An organization with two replicas has two members' weight, as it has in the order; of a mode, one voice. */
static void an_organization_weighs_as_its_members(void)
{
	begin();
	struct bft_card second = rbed_card(0, 20), card = rbed_card(9, 21);
	struct reconfigure first = rbed_members(1, 4, &second);
	apply(&first);
	CU_ASSERT_EQUAL(epoch_roster_now(&keys).members, mask_all(5));
	struct reconfigure r = rbed_members(2, 5, &card);
	rbed_approve_by(&r, 1, &cluster);
	struct reconfigure_progress p = reconfigure_progress(&r, &keys);
	CU_ASSERT(p.have == 2 && p.need == 4 && r.approvals == 1);
	rbed_approve(&r, 1, &cluster);
	CU_ASSERT(!has_enough(&r));
	rbed_approve(&r, 2, &cluster);
	CU_ASSERT(has_enough(&r)); /* three organizations, four members */
	r = rbed_mode(2, BFT_MODE_TRUSTED);
	rbed_approve_by(&r, 3, &cluster);
	p = reconfigure_progress(&r, &keys);
	CU_ASSERT(p.have == 3 && p.need == 4 && !has_enough(&r)); /* of four organizations, not of five members */
	rbed_approve(&r, 3, &cluster);
	CU_ASSERT(has_enough(&r));
}

static void a_mode_is_approved_by_everybody(void)
{
	for (int to = BFT_MODE_BFT; to <= BFT_MODE_TRUSTED; to++) {
		begin_as(to == BFT_MODE_BFT ? BFT_MODE_TRUSTED : BFT_MODE_BFT, 5);
		struct reconfigure r = rbed_mode(1, (enum bft_mode)to);
		rbed_approve_by(&r, 4, &cluster);
		CU_ASSERT(reconfigure_progress(&r, &keys).need == 5 && !has_enough(&r));
		rbed_approve(&r, 4, &cluster);
		CU_ASSERT(has_enough(&r));
	}
}

static void only_true_words_of_members_count(void)
{
	begin();
	struct bft_card card = rbed_card(9, 20);
	struct reconfigure good = rbed_members(1, 4, &card), r;
	rbed_approve_by(&good, 3, &cluster);
	CU_ASSERT(reconfigure_signed(&good, &keys, SCHEME, &cluster) && has_enough(&good));
	for (uint8_t i = 0; i < 3; i++)
		for (size_t at = 0; at < SIGNATURE_BYTES; at += 5) {
			r = good;
			r.by[i].signature.b[at] ^= 4;
			CU_ASSERT(!reconfigure_signed(&r, &keys, SCHEME, &cluster) && !has_enough(&r));
		}
	/* One false among enough true ones spoils it. */
	r = good;
	rbed_approve(&r, 3, &cluster);
	CU_ASSERT(has_enough(&r));
	r.by[0].signature = r.by[1].signature;
	CU_ASSERT(!has_enough(&r));
	/* So does one of an organization that has no member: the newcomer's own. */
	r = good;
	rbed_approve(&r, 9, &cluster);
	CU_ASSERT(!reconfigure_signed(&r, &keys, SCHEME, &cluster) && !has_enough(&r));
	/* What was said of another change, another epoch, in another cluster. */
	r = good;
	r.seat[0].member = 5;
	CU_ASSERT(!has_enough(&r));
	r = good;
	epoch_keys_next(&keys, 64);
	r.epoch = 2;
	CU_ASSERT(!has_enough(&r) && !has_enough(&good));
	begin();
	cluster.b[3] ^= 1;
	CU_ASSERT(!has_enough(&good));
	/* A member's key is not its organization's. */
	begin();
	r = rbed_members(1, 4, &card);
	rbed_approve_by(&r, 2, &cluster);
	struct statement s;
	struct signature signature;
	struct secret_key secret = rbed_secret(RBED_MEMBER, 2);
	struct public_key key = rbed_public(RBED_MEMBER, 2);
	reconfigure_statement(&s, &r, &cluster);
	SCHEME->sign(&signature, &s, &secret);
	CU_ASSERT(reconfigure_add(&r, &key, &signature) && !has_enough(&r));
}

static uint32_t verified;

static bool count_verify(const struct signature *signature, const struct statement *s, const struct public_key *key)
{
	verified++;
	return SCHEME->verify(signature, s, key);
}

/* Anybody may bring one: without an organization's key it costs one check at most, however many cards it brings. */
static void a_stranger_costs_one_check(void)
{
	begin_as(BFT_MODE_BFT, 10);
	struct sign_scheme counting = *SCHEME;
	counting.verify = count_verify;
	struct bft_card a = rbed_card(20, 20), b = rbed_card(21, 21);
	struct reconfigure r = { .epoch = 1, .kind = RECONFIGURE_MEMBERS }, own;
	rbed_seat(&r, 10, &a);
	rbed_seat(&r, 11, &b);
	own = r;
	rbed_approve(&own, 20, &cluster);
	verified = 0;
	CU_ASSERT(!reconfigure_holds(&own, &keys, &counting, &cluster) && verified == 0);
	rbed_approve_by(&r, 10, &cluster);
	CU_ASSERT_TRUE(has_enough(&r));
	for (uint8_t i = 0; i < 10; i++)
		r.by[i].signature.b[7] ^= 1;
	CU_ASSERT(!reconfigure_holds(&r, &keys, &counting, &cluster) && verified == 1);
	r.epoch = 2;
	CU_ASSERT(!reconfigure_holds(&r, &keys, &counting, &cluster) && verified == 1);
}

/* ---- what it makes of the epochs ---- */

/* 1 is removed in epoch 2, and its number given to another in epoch 3, whose place a third takes in epoch 4. */
static void four_epochs(void)
{
	begin_as(BFT_MODE_BFT, 6);
	struct bft_card second = rbed_card(9, 20), third = rbed_card(9, 21);
	struct reconfigure a = rbed_members(1, 1, NULL), b = rbed_members(2, 1, &second), c = rbed_members(3, 1, &third);
	apply(&a);
	apply(&b);
	apply(&c);
}

static void keys_and_cards_are_those_of_their_epoch(void)
{
	four_epochs();
	CU_ASSERT(keys.epoch == 4 && keys.base == 192);
	static const bft_mask members[] = { 0, 0x3f, 0x3d, 0x3f, 0x3f, 0 };
	for (bft_epoch e = 0; e < 6; e++)
		CU_ASSERT_EQUAL(epoch_roster(&keys, e).members, members[e]);
	CU_ASSERT(is(epoch_key(&keys, 1, 1), RBED_MEMBER, 1) && epoch_key(&keys, 1, 2) == NULL);
	CU_ASSERT(is(epoch_key(&keys, 1, 3), RBED_MEMBER, 20) && is(epoch_key(&keys, 1, 4), RBED_MEMBER, 21));
	CU_ASSERT(epoch_key(&keys, 1, 5) == NULL && epoch_key(&keys, 1, 0) == NULL && epoch_key(&keys, 6, 4) == NULL && epoch_key(&keys, 255, 4) == NULL);
	CU_ASSERT(is(&epoch_card(&keys, 1, 1)->tls_key, RBED_TLS, 1) && epoch_card(&keys, 1, 2) == NULL);
	CU_ASSERT(is(&epoch_card(&keys, 1, 3)->tls_key, RBED_TLS, 20) && is(&epoch_card(&keys, 1, 4)->tls_key, RBED_TLS, 21));
	CU_ASSERT(is(&epoch_card_last(&keys, 1)->tls_key, RBED_TLS, 21) && epoch_card_last(&keys, 6) == NULL && epoch_card_last(&keys, 255) == NULL);
	for (bft_epoch e = 1; e <= 4; e++)
		CU_ASSERT(is(epoch_key(&keys, 5, e), RBED_MEMBER, 5));
	/* Another key for whoever has the number now, and the former ones stay theirs. */
	struct public_key fresh = rbed_public(RBED_MEMBER, 99);
	epoch_keys_rotate(&keys, 256, 1, &fresh);
	CU_ASSERT(is(epoch_key(&keys, 1, 5), RBED_MEMBER, 99) && is(epoch_key(&keys, 1, 4), RBED_MEMBER, 21) && is(epoch_key(&keys, 1, 3), RBED_MEMBER, 20));
}

static void keys_never_come_back(void)
{
	four_epochs();
	for (uint8_t i = 0; i < 6; i++) {
		struct public_key a = rbed_public(RBED_MEMBER, i), b = rbed_public(RBED_TLS, i), c = rbed_public(RBED_ORG, i);
		CU_ASSERT(epoch_keys_used(&keys, &a) && epoch_keys_used(&keys, &b) && epoch_keys_used(&keys, &c));
	}
	struct bft_card first = rbed_card(1, 1), second = rbed_card(9, 20), org = rbed_card(1, 22);
	struct reconfigure back = rbed_members(4, 6, &first), again = rbed_members(4, 6, &second), same_org = rbed_members(4, 6, &org);
	CU_ASSERT_STRING_EQUAL(why_not(&back), "somebody has or had a key of that card");
	CU_ASSERT_STRING_EQUAL(why_not(&again), "somebody has or had a key of that card");
	/* An organization that has left comes back with another key. */
	CU_ASSERT_STRING_EQUAL(why_not(&same_org), "its organization's key was used in the past");
	org = rbed_card(77, 22);
	same_org = rbed_members(4, 6, &org);
	CU_ASSERT_STRING_EQUAL(why_not(&same_org), "");
}

static void changes_are_bounded(void)
{
	struct bft_card card = rbed_card(9, 20);
	begin();
	for (uint32_t i = 0; i < EPOCH_CARDS_MAX - 1; i++) {
		struct bft_card other = card; /* what stands on it was checked when it came */
		other.member_key.b[0] = (uint8_t)i;
		other.member_key.b[1] = 1;
		struct reconfigure r = rbed_members(keys.epoch, 4, &other);
		CU_ASSERT_FATAL(epoch_keys_room(&keys, 1));
		apply(&r);
	}
	/* One more card fits, and not two. */
	struct bft_card a = rbed_card(10, 30), b = rbed_card(11, 31);
	struct reconfigure two = rbed_members(keys.epoch, 4, &a), one = two;
	rbed_seat(&two, 5, &b);
	CU_ASSERT_STRING_EQUAL(why_not(&two), "the cluster has changed as often as it can");
	CU_ASSERT_STRING_EQUAL(why_not(&one), "");
	apply(&one);
	one = rbed_members(keys.epoch, 5, &b);
	CU_ASSERT_STRING_EQUAL(why_not(&one), "the cluster has changed as often as it can");
	/* Who leaves, and the mode, need no card. */
	one = rbed_members(keys.epoch, 4, NULL);
	CU_ASSERT_STRING_EQUAL(why_not(&one), "");
	apply(&one);
	CU_ASSERT_EQUAL(epoch_key(&keys, 4, 2)->b[0], 0);
	CU_ASSERT_EQUAL(epoch_key(&keys, 4, 101)->b[0], 99);
	while (keys.rosters < EPOCH_ROSTERS_MAX) {
		one = rbed_mode(keys.epoch, keys.rosters % 2 ? BFT_MODE_BFT : BFT_MODE_TRUSTED);
		apply(&one);
	}
	one = rbed_mode(keys.epoch, epoch_roster_now(&keys).mode == BFT_MODE_BFT ? BFT_MODE_TRUSTED : BFT_MODE_BFT);
	CU_ASSERT_STRING_EQUAL(why_not(&one), "the cluster has changed as often as it can");
}

/* ---- links ---- */

static struct epoch_link link_of(const struct reconfigure *r)
{
	struct epoch_link link = { .record = { .epoch = r->epoch + 1, .base = keys.base + 64, .change = { .kind = BUNDLE_RECONFIGURE } } };
	link.record.change.reconfigure = *r;
	memset(link.record.chain.b, (int)link.record.epoch, DIGEST_BYTES);
	return link;
}

static void sign_link(struct epoch_link *link, uint8_t member, uint8_t by)
{
	struct secret_key secret = rbed_secret(RBED_MEMBER, by);
	struct statement s;
	struct signature signature;
	epoch_record_statement(&s, &link->record, &cluster);
	SCHEME->sign(&signature, &s, &secret);
	CU_ASSERT(epoch_link_add(link, member, &signature));
}

static const char *check(const struct epoch_link *link)
{
	return epoch_link_check(link, &keys, SCHEME, &cluster);
}

/* f+1 of those before, of whom none has left or been replaced; newcomers have no say in how they came. */
static void a_link_is_signed_by_those_who_stay(void)
{
	begin();
	struct bft_card card = rbed_card(9, 20);
	struct reconfigure r = rbed_members(1, 3, &card);
	rbed_approve_by(&r, 3, &cluster);
	struct epoch_link link = link_of(&r), bad;
	sign_link(&link, 0, 0);
	CU_ASSERT_STRING_EQUAL(check(&link), "too few members have signed it");
	bad = link;
	sign_link(&bad, 3, 3); /* it is replaced */
	CU_ASSERT_STRING_EQUAL(check(&bad), "somebody has signed it who may not");
	bad = link;
	sign_link(&bad, 3, 20); /* by whoever replaces it */
	CU_ASSERT_STRING_EQUAL(check(&bad), "somebody has signed it who may not");
	bad = link;
	sign_link(&bad, 9, 20);
	CU_ASSERT_STRING_EQUAL(check(&bad), "somebody has signed it who may not");
	sign_link(&link, 1, 1);
	CU_ASSERT_PTR_NULL(check(&link));
	/* Members cannot do it alone, however many. */
	struct reconfigure few = rbed_members(1, 3, &card);
	rbed_approve_by(&few, 2, &cluster);
	bad = link_of(&few);
	for (uint8_t i = 0; i < 3; i++)
		sign_link(&bad, i, i);
	CU_ASSERT_STRING_EQUAL(check(&bad), "the change is not the word of those who may make it");
}

/* Of a trusted member one word is enough, and the next epoch's links need what that one's mode needs. */
static void links_lead_through_modes_and_members(void)
{
	static uint8_t file[8 * EPOCH_LINK_BYTES_MAX];
	size_t n = 0, used, third = 0;
	begin();
	struct reconfigure all[4] = { rbed_mode(1, BFT_MODE_TRUSTED), rbed_members(2, 2, NULL), rbed_members(3, 2, NULL), rbed_mode(4, BFT_MODE_BFT) };
	struct bft_card card = rbed_card(9, 20);
	all[2] = rbed_members(3, 2, &card);
	for (int i = 0; i < 4; i++) {
		if (i == 3) { /* everybody that is there then */
			static const uint8_t orgs[] = { 0, 1, 3, 9 };
			for (int k = 0; k < 4; k++)
				rbed_approve(&all[i], orgs[k], &cluster);
		} else if (i == 2) {
			static const uint8_t orgs[] = { 0, 3 };
			rbed_approve(&all[i], orgs[0], &cluster);
			rbed_approve(&all[i], orgs[1], &cluster);
		} else {
			rbed_approve_by(&all[i], 4, &cluster);
		}
		struct epoch_link link = link_of(&all[i]);
		sign_link(&link, 0, 0);
		if (i == 0) {
			CU_ASSERT_STRING_EQUAL(check(&link), "too few members have signed it"); /* it was not trusted yet */
			sign_link(&link, 3, 3);
		}
		CU_ASSERT_PTR_NULL_FATAL(check(&link));
		epoch_link_follow(&link, &keys);
		n += epoch_link_encode(&link, file + n, sizeof file - n);
		third = i == 2 ? n : third;
	}
	CU_ASSERT(keys.epoch == 5 && epoch_roster_now(&keys).mode == BFT_MODE_BFT && is(epoch_key(&keys, 2, 5), RBED_MEMBER, 20));
	/* Offline, with the genesis alone. */
	epoch_keys_init(&keys, &genesis);
	CU_ASSERT_PTR_NULL(epoch_links_follow(&keys, file, n, UINT64_MAX, SCHEME, &cluster, &used));
	CU_ASSERT(used == n && keys.epoch == 5 && epoch_roster(&keys, 3).members == 0xb && epoch_roster(&keys, 2).mode == BFT_MODE_TRUSTED);
	CU_ASSERT(is(&epoch_card(&keys, 2, 4)->org_key, RBED_ORG, 9) && epoch_card(&keys, 2, 3) == NULL);
	/* A flipped bit in the last one. */
	for (size_t at = third; at < n; at += 11) {
		file[at] ^= 2;
		epoch_keys_init(&keys, &genesis);
		CU_ASSERT_PTR_NOT_NULL(epoch_links_follow(&keys, file, n, UINT64_MAX, SCHEME, &cluster, &used));
		CU_ASSERT(used == third && keys.epoch == 4);
		file[at] ^= 2;
	}
}

/* Which organizations approved is not what members sign: two replicas' links of one record are the same. */
static void records_are_equal_whoever_approved(void)
{
	begin();
	struct bft_card card = rbed_card(9, 20);
	struct reconfigure a = rbed_members(1, 3, &card), b = a;
	rbed_approve_by(&a, 3, &cluster);
	rbed_approve_by(&b, 4, &cluster);
	struct epoch_link x = link_of(&a), y = link_of(&b);
	CU_ASSERT(epoch_record_equal(&x.record, &y.record));
	y.record.change.reconfigure.seat[0].member = 4;
	CU_ASSERT(!epoch_record_equal(&x.record, &y.record));
}

/* ---- certificates ---- */

static bool key_of_epoch(void *arg, uint8_t member, const struct statement *s, const struct signature *signature)
{
	const struct certificate *c = arg;
	const struct public_key *key = epoch_key(&keys, member, c->epoch);
	return key && SCHEME->verify(signature, s, key);
}

/* A checkpoint that these members signed; of 3 the key is `third`'s. */
static bool certified(bft_epoch epoch, bft_mask members, uint8_t third)
{
	static struct certificate c;
	struct bft_roster roster = epoch_roster(&keys, epoch);
	c = (struct certificate){ .epoch = epoch, .kind = CERTIFICATE_CHECKPOINT, .seq = 64, .digest = { { 5 } } };
	for (uint8_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		struct bft_roster one = { .mode = BFT_MODE_BFT, .members = BFT_BIT(i) };
		struct certificate alone = c;
		struct statement s;
		if (!(members & BFT_BIT(i)))
			continue;
		alone.count = 1;
		alone.by[0] = (struct certificate_signer){ .member = i, .count = 1 };
		CU_ASSERT(certificate_statement(&s, &alone, 0, &one, &cluster));
		struct secret_key secret = rbed_secret(RBED_MEMBER, i == 3 ? third : i);
		SCHEME->sign(&alone.by[0].signature, &s, &secret);
		CU_ASSERT(certificate_add(&c, i, NULL, 0, &alone.by[0].signature));
	}
	return certificate_check(&c, &roster, &cluster, key_of_epoch, &c);
}

/* Of five, 3 is replaced and 1 removed. */
static void a_certificate_is_of_its_epochs_members(void)
{
	begin_as(BFT_MODE_BFT, 5);
	struct bft_card card = rbed_card(9, 20);
	struct reconfigure r = { .epoch = 1, .kind = RECONFIGURE_MEMBERS };
	rbed_seat(&r, 1, NULL);
	rbed_seat(&r, 3, &card);
	CU_ASSERT_STRING_EQUAL(why_not(&r), "");
	apply(&r);
	CU_ASSERT(certified(1, 0x0f, 3) && certified(1, 0x1e, 3)); /* four of five, for ever */
	CU_ASSERT(!certified(1, 0x0f, 20) && !certified(1, 0x0d, 3));
	CU_ASSERT(certified(2, 0x0d, 20) && certified(2, 0x1c, 20)); /* three of four */
	CU_ASSERT(!certified(2, 0x0d, 3));                           /* by the key of whoever was 3 before */
	CU_ASSERT(!certified(2, 0x0b, 20) && !certified(2, 0x05, 20) && !certified(3, 0x0d, 20));
	/* Trusted, a majority is enough; of an earlier epoch it was not. */
	r = rbed_mode(2, BFT_MODE_TRUSTED);
	apply(&r);
	CU_ASSERT(certified(3, 0x1c, 20) && !certified(3, 0x14, 20) && !certified(3, 0x0b, 20));
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "it has one encoding", it_has_one_encoding },
		{ "counts and kinds are bounded", counts_and_kinds_are_bounded },
		{ "seats and approvals stand in order and once", seats_and_approvals_stand_in_order_and_once },
		{ "approvals are put in their place", approvals_are_put_in_their_place },
		{ "what is signed", what_is_signed },
		{ "numbers stay, and the rest follows", numbers_stay_and_the_rest_follows },
		{ "who was passed over", who_was_passed_over },
		{ "each refusal says why", each_refusal_says_why },
		{ "signatures of cards are checked", signatures_of_cards_are_checked },
		{ "who remains is a quorum", who_remains_is_a_quorum },
		{ "a mode needs its number", a_mode_needs_its_number },
		{ "members are approved by members", members_are_approved_by_members },
		{ "an organization weighs as its members", an_organization_weighs_as_its_members },
		{ "a mode is approved by everybody", a_mode_is_approved_by_everybody },
		{ "only true words of members count", only_true_words_of_members_count },
		{ "a stranger costs one check", a_stranger_costs_one_check },
		{ "keys and cards are those of their epoch", keys_and_cards_are_those_of_their_epoch },
		{ "keys never come back", keys_never_come_back },
		{ "changes are bounded", changes_are_bounded },
		{ "a link is signed by those who stay", a_link_is_signed_by_those_who_stay },
		{ "links lead through modes and members", links_lead_through_modes_and_members },
		{ "records are equal, whoever approved", records_are_equal_whoever_approved },
		{ "a certificate is of its epoch's members", a_certificate_is_of_its_epochs_members },
		{ 0 },
	};
	if (!sign_self_test())
		return 1;
	return unit_main("reconfigure", cases);
}
