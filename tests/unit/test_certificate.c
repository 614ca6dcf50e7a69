/* Certificates: q signatures that anybody can check, and everything that a liar can make of them. Real signatures. */
#include "bft/pbft/messages.h"
#include "bft/quorum.h"
#include "crypto/merkle.h"
#include "tests/unit/unit.h"

#include <string.h>

#define N 7u
#define Q 5u
#define VIEW 9u /* led by 2 */
#define LEADER 2u
#define SEQ 1000u

static struct public_key key[N];
static struct secret_key secret[N];
static struct digest cluster, proposal, root;
static struct bft_roster roster = { .mode = BFT_MODE_BFT, .members = BFT_BIT(N) - 1 };
static uint8_t bytes[CERTIFICATE_BYTES_MAX + 16];

static void begin(void)
{
	uint8_t seed[32] = { 0 };
	CU_ASSERT_TRUE_FATAL(sign_self_test());
	CU_ASSERT_EQUAL(quorum_strong(N), Q);
	for (uint8_t i = 0; i < N; i++) {
		seed[0] = (uint8_t)(i + 1);
		sign_ed25519.keypair(&key[i], &secret[i], seed);
	}
	memset(cluster.b, 1, sizeof cluster.b);
	memset(proposal.b, 2, sizeof proposal.b);
	memset(root.b, 3, sizeof root.b);
}

/* Member i's VOTES: `count` leaves, of which the one at `at` is the vote. */
static void make_votes(struct bft_votes *v, uint8_t member, uint16_t count, uint16_t at)
{
	memset(v, 0, sizeof *v);
	v->view = VIEW;
	v->count = count;
	for (uint16_t i = 0; i < count; i++) {
		v->leaf[i] = (struct bft_leaf){ .kind = BFT_LEAF_COMMIT, .seq = 1u + i };
		memset(v->leaf[i].digest.b, i, DIGEST_BYTES);
	}
	v->leaf[at] = (struct bft_leaf){ .kind = member == LEADER ? BFT_LEAF_PRE_PREPARE : BFT_LEAF_PREPARE, .seq = SEQ, .digest = proposal };
}

static void sign_votes(struct signature *out, const struct bft_votes *v, uint8_t member, bft_epoch epoch)
{
	struct digest d;
	struct statement s;
	votes_digest_of(&d, v);
	statement_make(&s, DOMAIN_VOTES, &cluster, epoch, &d);
	sign_ed25519.sign(out, &s, &secret[member]);
}

static void add_vote(struct certificate *c, uint8_t member, uint16_t count, uint16_t at)
{
	static struct bft_votes v;
	struct signature signature;
	make_votes(&v, member, count, at);
	sign_votes(&signature, &v, member, c->epoch);
	CU_ASSERT_TRUE(certificate_add(c, member, &v, member == LEADER ? BFT_LEAF_PRE_PREPARE : BFT_LEAF_PREPARE, &signature));
}

/* By members 0, 2, 3, 5, 6, each with another number of leaves. */
static void make_prepared(struct certificate *c)
{
	static const uint8_t by[Q] = { 0, 2, 3, 5, 6 };
	static const uint16_t count[Q] = { 1, 2, 5, 33, 64 }, at[Q] = { 0, 1, 4, 20, 63 };
	memset(c, 0, sizeof *c);
	c->epoch = 1;
	c->kind = CERTIFICATE_PREPARED;
	c->view = VIEW;
	c->seq = SEQ;
	c->digest = proposal;
	for (int i = 0; i < (int)Q; i++)
		add_vote(c, by[i], count[i], at[i]);
}

static void sign_alone(struct certificate *c, uint8_t member)
{
	uint8_t body[8 + 64];
	struct wr w = wr_of(body, sizeof body);
	struct digest d;
	struct statement s;
	struct signature signature;
	bool snapshot = c->kind == CERTIFICATE_SNAPSHOT;
	wr_u64(&w, c->seq);
	wr_bytes(&w, c->digest.b, DIGEST_BYTES);
	if (snapshot)
		wr_bytes(&w, c->root.b, DIGEST_BYTES);
	pbft_body_digest(&d, snapshot ? PBFT_SNAPSHOT : PBFT_CHECKPOINT, body, wr_done(&w));
	statement_make(&s, snapshot ? DOMAIN_SNAPSHOT : DOMAIN_CHECKPOINT, &cluster, c->epoch, &d);
	sign_ed25519.sign(&signature, &s, &secret[member]);
	CU_ASSERT_TRUE(certificate_add(c, member, NULL, 0, &signature));
}

static void make_alone(struct certificate *c, enum certificate_kind kind)
{
	memset(c, 0, sizeof *c);
	c->epoch = 1;
	c->kind = kind;
	c->seq = SEQ;
	c->digest = proposal;
	if (kind == CERTIFICATE_SNAPSHOT)
		c->root = root;
	for (uint8_t i = 1; i < 1 + certificate_signers(kind, &roster); i++)
		sign_alone(c, i);
}

static uint32_t asked;
static bool verify(void *arg, uint8_t member, const struct statement *s, const struct signature *signature)
{
	(void)arg;
	asked++;
	return sign_ed25519.verify(signature, s, &key[member]);
}

static bool good(const struct certificate *c)
{
	asked = 0;
	return certificate_check(c, &roster, &cluster, verify, NULL);
}

static bool read_all(struct certificate *c, const uint8_t *at, size_t n)
{
	struct rd r = rd_of(at, n);
	return certificate_read(&r, c) && rd_done(&r);
}

static bool same(const struct certificate *a, const struct certificate *b)
{
	static uint8_t one[CERTIFICATE_BYTES_MAX], two[CERTIFICATE_BYTES_MAX];
	size_t n = certificate_encode(a, one, sizeof one);
	return n && n == certificate_encode(b, two, sizeof two) && memcmp(one, two, n) == 0 && a->kind == b->kind && digest_equal(&a->root, &b->root);
}

static const enum certificate_kind kinds[] = { CERTIFICATE_PREPARED, CERTIFICATE_CHECKPOINT, CERTIFICATE_SNAPSHOT };

static void make(struct certificate *c, enum certificate_kind kind)
{
	if (kind == CERTIFICATE_PREPARED)
		make_prepared(c);
	else
		make_alone(c, kind);
}

static void what_is_written_is_read_and_holds(void)
{
	static struct certificate c, back;
	begin();
	for (int k = 0; k < 3; k++) {
		make(&c, kinds[k]);
		CU_ASSERT_TRUE(good(&c));
		CU_ASSERT_EQUAL(asked, kinds[k] == CERTIFICATE_SNAPSHOT ? 3 : Q);
		size_t n = certificate_encode(&c, bytes, sizeof bytes);
		CU_ASSERT_TRUE(n > 0 && n <= CERTIFICATE_BYTES_MAX);
		memset(&back, 0xEE, sizeof back);
		CU_ASSERT_TRUE(read_all(&back, bytes, n));
		CU_ASSERT_TRUE(same(&c, &back));
		CU_ASSERT_TRUE(good(&back));
		/* Its end is its own: what follows is the caller's. */
		struct rd r = rd_of(bytes, n + 5);
		CU_ASSERT_TRUE(certificate_read(&r, &back) && rd_left(&r) == 5);
		CU_ASSERT_EQUAL(certificate_encode(&c, bytes, n - 1), 0);
	}
}

static void whatever_is_cut_is_refused(void)
{
	static struct certificate c, back;
	begin();
	for (int k = 0; k < 3; k++) {
		make(&c, kinds[k]);
		size_t n = certificate_encode(&c, bytes, sizeof bytes);
		for (size_t cut = 0; cut < n; cut++) {
			struct rd r = rd_of(bytes, cut);
			CU_ASSERT_FALSE(certificate_read(&r, &back));
		}
	}
}

/* One byte changed anywhere: not readable, or not good; never a proof of something else. Every byte is covered. */
static void whatever_is_changed_proves_nothing(void)
{
	static struct certificate c, back;
	begin();
	for (int k = 0; k < 3; k++) {
		make(&c, kinds[k]);
		size_t n = certificate_encode(&c, bytes, sizeof bytes);
		for (size_t i = 0; i < n; i++) {
			bytes[i] ^= (uint8_t)(1 << i % 8);
			CU_ASSERT_FALSE(read_all(&back, bytes, n) && good(&back));
			bytes[i] ^= (uint8_t)(1 << i % 8);
		}
	}
}

static void set_head(size_t at, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		bytes[at + i] = (uint8_t)(v >> 8 * i);
}

static void heads_have_one_form(void)
{
	static struct certificate c, back;
	static const uint64_t bad_seq[] = { 0, BFT_SEQ_MAX + 1, UINT64_MAX }, bad_view[] = { BFT_VIEW_MAX + 1, UINT64_MAX };
	begin();
	make_prepared(&c);
	size_t n = certificate_encode(&c, bytes, sizeof bytes);
	for (int kind = 0; kind < 256; kind++) {
		bytes[8] = (uint8_t)kind;
		CU_ASSERT_EQUAL(read_all(&back, bytes, n), kind == CERTIFICATE_PREPARED);
	}
	bytes[8] = CERTIFICATE_PREPARED;
	for (size_t i = 0; i < 3; i++) {
		set_head(17, bad_seq[i], 8);
		CU_ASSERT_FALSE(read_all(&back, bytes, n));
	}
	set_head(17, SEQ, 8);
	for (size_t i = 0; i < 2; i++) {
		set_head(9, bad_view[i], 8);
		CU_ASSERT_FALSE(read_all(&back, bytes, n));
	}
	set_head(9, VIEW, 8);
	CU_ASSERT_TRUE(read_all(&back, bytes, n));
	bytes[57] = 0; /* signers */
	CU_ASSERT_FALSE(read_all(&back, bytes, n));
	bytes[57] = BFT_MEMBERS_MAX + 1;
	CU_ASSERT_FALSE(read_all(&back, bytes, n));
	bytes[57] = 255;
	CU_ASSERT_FALSE(read_all(&back, bytes, n));
	/* A checkpoint belongs to no view. */
	make_alone(&c, CERTIFICATE_CHECKPOINT);
	n = certificate_encode(&c, bytes, sizeof bytes);
	CU_ASSERT_TRUE(read_all(&back, bytes, n));
	set_head(9, 1, 8);
	CU_ASSERT_FALSE(read_all(&back, bytes, n));
}

static void signers_have_one_form(void)
{
	static struct certificate c, back;
	static const uint16_t bad_count[] = { 0, BFT_LEAVES_MAX + 1, UINT16_MAX };
	begin();
	for (int k = 0; k < 3; k++) {
		make(&c, kinds[k]);
		size_t first = kinds[k] == CERTIFICATE_SNAPSHOT ? 90 : 58, n = certificate_encode(&c, bytes, sizeof bytes);
		CU_ASSERT_EQUAL(bytes[first], c.by[0].member);
		for (size_t i = 0; i < 3; i++) {
			set_head(first + 1, bad_count[i], 2);
			CU_ASSERT_FALSE(read_all(&back, bytes, n));
		}
		set_head(first + 1, 1, 2);
		bytes[first + 3] = 1; /* index = count */
		CU_ASSERT_FALSE(read_all(&back, bytes, n));
		bytes[first + 3] = 255;
		CU_ASSERT_FALSE(read_all(&back, bytes, n));
		bytes[first + 3] = 0;
		CU_ASSERT_TRUE(read_all(&back, bytes, n));
		if (kinds[k] == CERTIFICATE_PREPARED)
			continue;
		/* Alone is alone, even with the path that two leaves would need. */
		memmove(bytes + first + 4 + DIGEST_BYTES, bytes + first + 4, n - first - 4);
		set_head(first + 1, 2, 2);
		CU_ASSERT_FALSE(read_all(&back, bytes, n + DIGEST_BYTES));
	}
}

static void members_ascend_and_stand_once(void)
{
	static struct certificate c, back;
	begin();
	make_alone(&c, CERTIFICATE_CHECKPOINT);      /* by 1 to 5 */
	for (int before = 0; before < 2; before++) { /* after 1 and 2 comes 1, or 2 again */
		struct certificate_signer was = c.by[2];
		c.by[2] = c.by[before];
		CU_ASSERT_FALSE(read_all(&back, bytes, certificate_encode(&c, bytes, sizeof bytes)));
		c.by[2] = was;
	}
	/* Who is in no epoch. */
	c.by[4].member = BFT_MEMBERS_MAX;
	CU_ASSERT_FALSE(read_all(&back, bytes, certificate_encode(&c, bytes, sizeof bytes)));
	c.by[4].member = N; /* readable, but not of this cluster */
	CU_ASSERT_TRUE(read_all(&back, bytes, certificate_encode(&c, bytes, sizeof bytes)));
	CU_ASSERT_FALSE(good(&back));
	CU_ASSERT_EQUAL(asked, 0);
	c.by[4].member = 5;
	CU_ASSERT_TRUE(good(&c));
}

static void q_must_have_signed(void)
{
	static struct certificate c;
	begin();
	for (int k = 0; k < 3; k++) {
		make(&c, kinds[k]);
		c.count--;
		CU_ASSERT_FALSE(good(&c));
		CU_ASSERT_EQUAL(asked, 0);
	}
	/* More than q are allowed; q are asked about. */
	make_alone(&c, CERTIFICATE_CHECKPOINT);
	sign_alone(&c, 6);
	CU_ASSERT_TRUE(good(&c));
	CU_ASSERT_EQUAL(asked, Q);
}

static void one_false_signature_is_enough(void)
{
	static struct certificate c;
	begin();
	for (int k = 0; k < 3; k++)
		for (uint32_t i = 0; i < certificate_signers(kinds[k], &roster); i++) {
			make(&c, kinds[k]);
			c.by[i].signature.b[5] ^= 1;
			CU_ASSERT_FALSE(good(&c));
			CU_ASSERT_EQUAL(asked, i + 1); /* the first bad one ends it */
			/* Another's good signature is not its own. */
			make(&c, kinds[k]);
			c.by[i].signature = c.by[(i + 1) % c.count].signature;
			CU_ASSERT_FALSE(good(&c));
		}
}

static void a_path_leads_to_its_own_place(void)
{
	static struct certificate c;
	begin();
	for (uint32_t i = 1; i < Q; i++) {
		make_prepared(&c);
		struct certificate_signer *s = &c.by[i];
		for (uint32_t k = 0; k < s->path_count; k++) {
			s->path[k].b[0] ^= 1;
			CU_ASSERT_FALSE(good(&c));
			s->path[k].b[0] ^= 1;
		}
		/* Its length is what place and count demand. */
		s->path_count++;
		CU_ASSERT_FALSE(good(&c));
		s->path_count -= 2;
		CU_ASSERT_FALSE(good(&c));
		s->path_count++;
		uint8_t at = s->index;
		for (uint8_t other = 0; other < s->count; other++) {
			s->index = other;
			CU_ASSERT_EQUAL(good(&c), other == at);
		}
		s->index = at;
		s->count++; /* the count is signed too */
		CU_ASSERT_FALSE(good(&c));
	}
}

/* In a view's certificate its leader shows a PRE-PREPARE and nobody else does. */
static void the_leader_shows_its_pre_prepare(void)
{
	static struct certificate c;
	static struct bft_votes v;
	struct signature signature;
	begin();
	for (uint32_t i = 0; i < 2; i++) { /* member 0, then the leader */
		make_prepared(&c);
		uint8_t member = c.by[i].member;
		make_votes(&v, member, 1, 0);
		v.leaf[0].kind = member == LEADER ? BFT_LEAF_PREPARE : BFT_LEAF_PRE_PREPARE;
		sign_votes(&signature, &v, member, 1);
		c.by[i].count = 1;
		c.by[i].index = 0;
		c.by[i].path_count = 0;
		c.by[i].signature = signature;
		CU_ASSERT_FALSE(good(&c));
		v.leaf[0].kind = BFT_LEAF_COMMIT; /* nor is a COMMIT a PREPARE */
		sign_votes(&c.by[i].signature, &v, member, 1);
		CU_ASSERT_FALSE(good(&c));
	}
}

static void a_vote_counts_where_it_was_cast(void)
{
	static struct certificate c;
	begin();
	for (int what = 0; what < 5; what++) {
		make_prepared(&c);
		c.epoch += what == 0;
		c.view += what == 1;
		c.view += what == 2 ? N : 0; /* the same leader */
		c.seq += what == 3;
		c.digest.b[0] ^= what == 4;
		CU_ASSERT_FALSE(good(&c));
	}
	for (int what = 0; what < 4; what++) {
		make_alone(&c, CERTIFICATE_SNAPSHOT);
		c.epoch += what == 0;
		c.seq += what == 1;
		c.digest.b[0] ^= what == 2;
		c.root.b[0] ^= what == 3;
		CU_ASSERT_FALSE(good(&c));
	}
	/* A checkpoint is no snapshot, and another cluster's is none. */
	make_alone(&c, CERTIFICATE_CHECKPOINT);
	c.kind = CERTIFICATE_SNAPSHOT;
	CU_ASSERT_FALSE(good(&c));
	make_alone(&c, CERTIFICATE_CHECKPOINT);
	cluster.b[0] ^= 1;
	CU_ASSERT_FALSE(good(&c));
}

/* What is added must prove it: whoever builds one notices what it lacks. */
static void votes_without_the_leaf_are_not_added(void)
{
	static struct certificate c;
	static struct bft_votes v;
	struct signature signature = { { 0 } };
	begin();
	make_prepared(&c);
	c.count = 0;
	make_votes(&v, 1, 8, 3);
	CU_ASSERT_FALSE(certificate_add(&c, 1, &v, BFT_LEAF_PRE_PREPARE, &signature));
	CU_ASSERT_FALSE(certificate_add(&c, 1, &v, BFT_LEAF_COMMIT, &signature));
	v.view++;
	CU_ASSERT_FALSE(certificate_add(&c, 1, &v, BFT_LEAF_PREPARE, &signature));
	v.view--;
	v.leaf[3].seq++;
	CU_ASSERT_FALSE(certificate_add(&c, 1, &v, BFT_LEAF_PREPARE, &signature));
	v.leaf[3].seq--;
	v.leaf[3].digest.b[31] ^= 1;
	CU_ASSERT_FALSE(certificate_add(&c, 1, &v, BFT_LEAF_PREPARE, &signature));
	v.leaf[3].digest.b[31] ^= 1;
	v.count = 3;
	CU_ASSERT_FALSE(certificate_add(&c, 1, &v, BFT_LEAF_PREPARE, &signature));
	CU_ASSERT_EQUAL(c.count, 0);
	v.count = 8;
	CU_ASSERT_TRUE(certificate_add(&c, 1, &v, BFT_LEAF_PREPARE, &signature));
	CU_ASSERT_TRUE(c.count == 1 && c.by[0].index == 3 && c.by[0].count == 8 && c.by[0].path_count == 3);
}

static void the_largest_fits_its_bound(void)
{
	static struct certificate c, back;
	static struct bft_votes v;
	struct signature signature = { { 9 } };
	begin();
	make_prepared(&c);
	c.count = 0;
	for (uint8_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		make_votes(&v, 1, BFT_LEAVES_MAX, i % BFT_LEAVES_MAX);
		CU_ASSERT_TRUE(certificate_add(&c, i, &v, BFT_LEAF_PREPARE, &signature));
	}
	size_t n = certificate_encode(&c, bytes, CERTIFICATE_BYTES_MAX);
	CU_ASSERT_EQUAL(n, CERTIFICATE_BYTES_MAX - DIGEST_BYTES); /* a snapshot's root is the rest */
	CU_ASSERT_TRUE(read_all(&back, bytes, n) && same(&c, &back));
}

/* Led by 2 as long as nobody before it is passed over, nor it. */
static void the_leaders_leaf_is_that_of_its_epochs_order(void)
{
	static struct certificate c;
	static const struct {
		bft_mask passed;
		bool holds;
	} orders[] = { { 0x20, true }, { 0x60, true }, { 0x08, true }, { 0x01, false }, { 0x02, false }, { 0x04, false }, { 0x03, false } };
	make_prepared(&c);
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		roster.passed = orders[i].passed;
		CU_ASSERT_EQUAL(good(&c), orders[i].holds);
	}
	/* A checkpoint has no leader. */
	make_alone(&c, CERTIFICATE_CHECKPOINT);
	CU_ASSERT(good(&c));
	roster.passed = 0;
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "what is written is read, and holds", what_is_written_is_read_and_holds },
		{ "whatever is cut is refused", whatever_is_cut_is_refused },
		{ "whatever is changed proves nothing", whatever_is_changed_proves_nothing },
		{ "heads have one form", heads_have_one_form },
		{ "signers have one form", signers_have_one_form },
		{ "members ascend and stand once", members_ascend_and_stand_once },
		{ "q must have signed", q_must_have_signed },
		{ "one false signature is enough", one_false_signature_is_enough },
		{ "a path leads to its own place", a_path_leads_to_its_own_place },
		{ "the leader shows its PRE-PREPARE", the_leader_shows_its_pre_prepare },
		{ "the leader's leaf is that of its epoch's order", the_leaders_leaf_is_that_of_its_epochs_order },
		{ "a vote counts where it was cast", a_vote_counts_where_it_was_cast },
		{ "votes without the leaf are not added", votes_without_the_leaf_are_not_added },
		{ "the largest fits its bound", the_largest_fits_its_bound },
		{ 0 },
	};
	return unit_main("certificate", cases);
}
