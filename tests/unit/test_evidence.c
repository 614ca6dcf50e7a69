/* Evidence: each predicate, what comes close to it and proves nothing, and files that somebody changed. */
#include "bft/certificate.h"
#include "bft/envelope.h"
#include "bft/pbft/evidence.h"
#include "bft/proposal.h"
#include "bft/quorum.h"
#include "crypto/keyring.h"
#include "quorate_setup.h"
#include "replica/evidence_file.h"
#include "replica/identity.h"
#include "replica/setup_file.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N 4u
#define EPOCH 1u

static struct bft_genesis genesis;
static const struct bft_roster roster = { .mode = BFT_MODE_BFT, .members = 0xf };
static struct digest cluster;
static struct secret_key secret[N + 1]; /* the last is nobody's */
static struct evidence made, seen;
static struct evidence_room room;
static uint8_t file[EVIDENCE_BYTES_MAX];
static size_t file_n;
static uint8_t space[16][16384];
static uint32_t spaces;

static struct digest d_of(uint8_t what)
{
	struct digest d;
	digest_of(&d, DOMAIN_TEST, &what, 1);
	return d;
}

/* ---- messages ---- */

static void begin(enum evidence_predicate predicate, uint8_t culprit, bft_view view, bft_seq seq)
{
	made = (struct evidence){ .cluster = cluster, .epoch = EPOCH, .predicate = predicate, .culprit = culprit, .view = view, .seq = seq };
	spaces = 0;
}

static void sign_as(struct signature *out, uint16_t type, const struct digest *body, uint8_t signer, bft_epoch epoch, const struct digest *of_cluster)
{
	struct statement s;
	statement_make(&s, pbft_domain(type), of_cluster, epoch, body);
	sign_ed25519.sign(out, &s, &secret[signer]);
}

static struct evidence_message *add(uint8_t signer, uint16_t type, const void *body)
{
	struct evidence_message *m = &made.message[made.count++];
	struct digest digest;
	uint8_t *bytes = space[spaces++];
	*m = (struct evidence_message){ .signer = signer, .type = type, .body = bytes };
	m->n = pbft_encode(type, body, bytes, sizeof space[0]);
	CU_ASSERT_TRUE_FATAL(m->n > 0);
	if (type == PBFT_VOTES)
		votes_digest_of(&digest, body);
	else
		pbft_body_digest(&digest, type, bytes, m->n);
	sign_as(&m->signature, type, &digest, signer, EPOCH, &cluster);
	return m;
}

static void add_leaf(uint8_t signer, const struct bft_votes *votes, uint16_t index)
{
	struct evidence_message *m = add(signer, PBFT_VOTES, votes);
	m->form = EVIDENCE_LEAF;
	m->n = evidence_leaf(space[spaces - 1], votes, index);
}

static struct bft_votes vote(bft_view view, uint8_t kind, bft_seq seq, uint8_t what)
{
	struct bft_votes v = { .view = view, .count = 1 };
	v.leaf[0] = (struct bft_leaf){ .kind = kind, .seq = seq, .digest = d_of(what) };
	return v;
}

/* Among `count` votes for other sequences, at `index`. */
static struct bft_votes vote_among(bft_view view, uint8_t kind, bft_seq seq, uint8_t what, uint16_t count, uint16_t index)
{
	struct bft_votes v = { .view = view, .count = count };
	for (uint16_t i = 0; i < count; i++)
		v.leaf[i] = (struct bft_leaf){ .kind = kind, .seq = seq + 100u + i, .digest = d_of(200) };
	v.leaf[index] = (struct bft_leaf){ .kind = kind, .seq = seq, .digest = d_of(what) };
	return v;
}

static struct epoch_keys keys; /* nobody's has changed */

static const char *judge(void)
{
	file_n = evidence_encode(&made, file, sizeof file);
	CU_ASSERT_TRUE_FATAL(file_n > 0);
	return evidence_verify(&seen, file, file_n, &keys, &cluster, &sign_ed25519, &room);
}

static const char *judge_bytes(const uint8_t *bytes, size_t n)
{
	return evidence_verify(&seen, bytes, n, &keys, &cluster, &sign_ed25519, &room);
}

#define PROVES() CU_ASSERT_PTR_NULL(judge())
#define PROVES_NOTHING() CU_ASSERT_PTR_NOT_NULL(judge())

static void genesis_begin(void)
{
	memset(&genesis, 0, sizeof genesis);
	genesis.mode = BFT_MODE_BFT;
	genesis.count = N;
	genesis_limits_default(&genesis.limits);
	cluster = d_of(99);
	epoch_keys_init(&keys, &genesis);
	keys.epoch = 1000;
	for (uint8_t i = 0; i <= N; i++) {
		struct public_key pk;
		uint8_t seed[32] = { i, 1 };
		sign_ed25519.keypair(&pk, &secret[i], seed);
		if (i < N)
			genesis.cards[i].member_key = pk;
	}
}

/* ---- votes ---- */

static const struct {
	enum evidence_predicate predicate;
	uint8_t kind;
} kinds[] = { { EVIDENCE_TWO_PRE_PREPARES, BFT_LEAF_PRE_PREPARE }, { EVIDENCE_TWO_PREPARES, BFT_LEAF_PREPARE }, { EVIDENCE_TWO_COMMITS, BFT_LEAF_COMMIT } };

static void two_votes_whole(void)
{
	for (uint32_t k = 0; k < 3; k++) {
		struct bft_votes a = vote(6, kinds[k].kind, 17, 1), b = vote_among(6, kinds[k].kind, 17, 2, 9, 4);
		begin(kinds[k].predicate, 2, 6, 17);
		add(2, PBFT_VOTES, &a);
		add(2, PBFT_VOTES, &b);
		PROVES();
		CU_ASSERT_TRUE(seen.culprit == 2 && seen.view == 6 && seen.seq == 17 && seen.predicate == kinds[k].predicate);
	}
}

static void two_votes_as_leaves(void)
{
	for (uint16_t count = 1; count <= BFT_LEAVES_MAX; count = (uint16_t)(count * 2 - 1 + (count == 1))) {
		for (uint16_t index = 0; index < count; index = (uint16_t)(index + 1 + count / 4)) {
			struct bft_votes a = vote_among(6, BFT_LEAF_COMMIT, 17, 1, count, index), b = vote(6, BFT_LEAF_COMMIT, 17, 2);
			begin(EVIDENCE_TWO_COMMITS, 3, 6, 17);
			add_leaf(3, &a, index);
			add(3, PBFT_VOTES, &b);
			PROVES();
		}
	}
	/* Both in one VOTES, under one signature. */
	struct bft_votes both = vote_among(6, BFT_LEAF_PREPARE, 17, 1, 5, 1);
	both.leaf[3] = (struct bft_leaf){ .kind = BFT_LEAF_PREPARE, .seq = 17, .digest = d_of(2) };
	begin(EVIDENCE_TWO_PREPARES, 1, 6, 17);
	add_leaf(1, &both, 1);
	add_leaf(1, &both, 3);
	PROVES();
	begin(EVIDENCE_TWO_PREPARES, 1, 6, 17);
	add(1, PBFT_VOTES, &both);
	add(1, PBFT_VOTES, &both);
	PROVES();
}

static void near_two_votes(void)
{
	for (uint32_t k = 0; k < 3; k++) {
		uint8_t kind = kinds[k].kind, other_kind = kinds[(k + 1) % 3].kind;
		const struct {
			struct bft_votes b;
			uint8_t signer;
		} near[] = {
			{ vote(6, kind, 17, 1), 2 },             /* the same digest                */
			{ vote(7, kind, 17, 2), 2 },             /* another view                   */
			{ vote(6, kind, 18, 2), 2 },             /* another sequence               */
			{ vote(6, other_kind, 17, 2), 2 },       /* a PREPARE and then a COMMIT is how it goes on */
			{ vote(6, kind, 17, 2), 1 },             /* another member                 */
			{ vote_among(6, kind, 17, 1, 9, 4), 2 }, /* the same digest, other bytes and signature */
		};
		for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
			struct bft_votes a = vote(6, kind, 17, 1);
			begin(kinds[k].predicate, 2, 6, 17);
			add(2, PBFT_VOTES, &a);
			add(near[i].signer, PBFT_VOTES, &near[i].b);
			PROVES_NOTHING();
			add_leaf(near[i].signer, &near[i].b, near[i].b.count == 9 ? 4 : 0);
			made.message[1] = made.message[2];
			made.count = 2;
			PROVES_NOTHING();
		}
	}
}

static void a_leaf_that_was_not_signed(void)
{
	struct bft_votes a = vote_among(6, BFT_LEAF_COMMIT, 17, 1, 9, 4), b = vote(6, BFT_LEAF_COMMIT, 17, 2), c = vote_among(6, BFT_LEAF_COMMIT, 17, 3, 9, 4);
	begin(EVIDENCE_TWO_COMMITS, 2, 6, 17);
	add_leaf(2, &a, 4);
	add(2, PBFT_VOTES, &b);
	PROVES();
	/* Another leaf under the path and signature of the first. */
	evidence_leaf(space[0], &c, 4);
	PROVES_NOTHING();
	/* The same leaf, said to be at another place of the tree. */
	evidence_leaf(space[0], &a, 4);
	PROVES();
	space[0][10] = 5;
	PROVES_NOTHING();
	space[0][10] = 4;
	space[0][8] = 10;
	PROVES_NOTHING();
}

/* ---- two bodies ---- */

static struct pbft_view_change view_change(bft_view view, bft_seq stable, uint16_t count, uint8_t what)
{
	struct pbft_view_change vc = { .view = view, .stable = stable, .chain = d_of(50), .count = count };
	for (uint16_t i = 0; i < count; i++)
		vc.prepared[i] = (struct pbft_prepared){ .seq = stable + 1 + i, .view = view - 1, .digest = d_of((uint8_t)(what + i)) };
	return vc;
}

static void two_checkpoints_and_snapshots(void)
{
	struct bft_checkpoint a = { .seq = 32, .chain = d_of(1) }, b = { .seq = 32, .chain = d_of(2) }, later = { .seq = 64, .chain = d_of(2) };
	begin(EVIDENCE_TWO_CHECKPOINTS, 1, 0, 32);
	add(1, PBFT_CHECKPOINT, &a);
	add(1, PBFT_CHECKPOINT, &b);
	PROVES();
	made.seq = 64;
	PROVES_NOTHING();
	made.seq = 32;
	made.view = 1;
	PROVES_NOTHING();
	begin(EVIDENCE_TWO_CHECKPOINTS, 1, 0, 32);
	add(1, PBFT_CHECKPOINT, &a);
	add(1, PBFT_CHECKPOINT, &a);
	PROVES_NOTHING();
	begin(EVIDENCE_TWO_CHECKPOINTS, 1, 0, 32);
	add(1, PBFT_CHECKPOINT, &a);
	add(1, PBFT_CHECKPOINT, &later);
	PROVES_NOTHING();
	begin(EVIDENCE_TWO_CHECKPOINTS, 1, 0, 32);
	add(1, PBFT_CHECKPOINT, &a);
	add(2, PBFT_CHECKPOINT, &b);
	PROVES_NOTHING(); /* being outvoted */
	/* STABLE passes on somebody's certificate: it says nothing of its sender's own. */
	begin(EVIDENCE_TWO_CHECKPOINTS, 1, 0, 32);
	add(1, PBFT_STABLE, &a);
	add(1, PBFT_CHECKPOINT, &b);
	PROVES_NOTHING();

	struct bft_snapshot s = { .seq = 96, .chain = d_of(1), .root = d_of(2) }, t = s;
	t.root = d_of(3);
	begin(EVIDENCE_TWO_SNAPSHOTS, 0, 0, 96);
	add(0, PBFT_SNAPSHOT, &s);
	add(0, PBFT_SNAPSHOT, &t);
	PROVES();
	made.predicate = EVIDENCE_TWO_CHECKPOINTS;
	PROVES_NOTHING();
	begin(EVIDENCE_TWO_SNAPSHOTS, 0, 0, 96);
	add(0, PBFT_SNAPSHOT, &s);
	add(0, PBFT_SNAPSHOT, &s);
	PROVES_NOTHING();
}

static void two_view_changes_and_new_views(void)
{
	struct pbft_view_change a = view_change(7, 32, 3, 1), b = view_change(7, 32, 2, 1), other = view_change(8, 32, 2, 1);
	begin(EVIDENCE_TWO_VIEW_CHANGES, 1, 7, 0);
	add(1, PBFT_VIEW_CHANGE, &a);
	add(1, PBFT_VIEW_CHANGE, &b);
	PROVES();
	begin(EVIDENCE_TWO_VIEW_CHANGES, 1, 7, 0);
	add(1, PBFT_VIEW_CHANGE, &a);
	add(1, PBFT_VIEW_CHANGE, &a);
	PROVES_NOTHING();
	begin(EVIDENCE_TWO_VIEW_CHANGES, 1, 7, 0);
	add(1, PBFT_VIEW_CHANGE, &a);
	add(1, PBFT_VIEW_CHANGE, &other);
	PROVES_NOTHING();
	begin(EVIDENCE_TWO_VIEW_CHANGES, 1, 7, 0);
	add(1, PBFT_VIEW_CHANGE, &a);
	add(3, PBFT_VIEW_CHANGE, &b);
	PROVES_NOTHING();

	struct pbft_new_view n = { .view = 7, .stable = 32, .count = 1, .digest = { d_of(1) } }, m = n;
	m.digest[0] = d_of(2);
	begin(EVIDENCE_TWO_NEW_VIEWS, 3, 7, 0);
	add(3, PBFT_NEW_VIEW, &n);
	add(3, PBFT_NEW_VIEW, &m);
	PROVES();
	begin(EVIDENCE_TWO_NEW_VIEWS, 3, 7, 0);
	add(3, PBFT_NEW_VIEW, &n);
	add(3, PBFT_NEW_VIEW, &n);
	PROVES_NOTHING();
}

/* ---- a COMMIT and a later VIEW-CHANGE ---- */

static const char *commit_then(bft_view commit_view, bft_seq seq, const struct pbft_view_change *vc)
{
	struct bft_votes c = vote_among(commit_view, BFT_LEAF_COMMIT, seq, 1, 3, 1);
	begin(EVIDENCE_HIDDEN_COMMIT, 2, commit_view, seq);
	add_leaf(2, &c, 1);
	add(2, PBFT_VIEW_CHANGE, vc);
	return judge();
}

static void hidden_commits(void)
{
	struct pbft_view_change vc = view_change(7, 32, 3, 70); /* 33, 34, 35 in view 6 */
	CU_ASSERT_PTR_NULL(commit_then(5, 36, &vc));            /* not shown at all                       */
	CU_ASSERT_PTR_NOT_NULL(commit_then(5, 34, &vc));        /* a higher view's is shown               */
	CU_ASSERT_PTR_NULL(commit_then(6, 34, &vc));            /* that view's, with another digest       */
	CU_ASSERT_PTR_NOT_NULL(commit_then(5, 32, &vc));        /* at the stable checkpoint               */
	CU_ASSERT_PTR_NOT_NULL(commit_then(7, 36, &vc));        /* of the view that it asks for: later    */
	CU_ASSERT_PTR_NOT_NULL(commit_then(8, 36, &vc));
	vc.prepared[1].digest = d_of(1);
	CU_ASSERT_PTR_NOT_NULL(commit_then(6, 34, &vc)); /* shown                                  */
	vc.prepared[1].view = 4;
	CU_ASSERT_PTR_NULL(commit_then(6, 34, &vc)); /* an older one in its place              */
	/* A PREPARE needs not be shown. */
	struct bft_votes p = vote(5, BFT_LEAF_PREPARE, 36, 1);
	begin(EVIDENCE_HIDDEN_COMMIT, 2, 5, 36);
	add(2, PBFT_VOTES, &p);
	add(2, PBFT_VIEW_CHANGE, &vc);
	PROVES_NOTHING();
	/* Nor what somebody else committed to. */
	struct bft_votes c = vote(5, BFT_LEAF_COMMIT, 36, 1);
	begin(EVIDENCE_HIDDEN_COMMIT, 2, 5, 36);
	add(2, PBFT_VOTES, &c);
	add(1, PBFT_VIEW_CHANGE, &vc);
	PROVES_NOTHING();
}

/* ---- NEW-VIEW ---- */

/* View 7 of members 0, 1, 3, led by 3, from VIEW-CHANGEs that show 33 (twice, in different views), nothing for 34, and 35. */
static struct pbft_view_change sources[3];
static struct pbft_new_view true_new_view(void)
{
	static const uint8_t member[3] = { 0, 1, 3 };
	struct pbft_new_view nv = { .view = 7, .stable = 32, .chain = d_of(50), .sources_count = 3, .count = 3 };
	sources[0] = view_change(7, 32, 1, 1);
	sources[1] = view_change(7, 32, 1, 2);
	sources[1].prepared[0].view = 3;
	sources[2] = view_change(7, 0, 0, 0);
	sources[2].count = 1;
	sources[2].prepared[0] = (struct pbft_prepared){ .seq = 35, .view = 2, .digest = d_of(3) };
	nv.digest[0] = d_of(1);
	proposal_null_digest(&nv.digest[1], &cluster);
	nv.digest[2] = d_of(3);
	for (uint8_t i = 0; i < 3; i++) {
		uint8_t bytes[1024];
		size_t n = pbft_encode(PBFT_VIEW_CHANGE, &sources[i], bytes, sizeof bytes);
		nv.source[i].member = member[i];
		pbft_body_digest(&nv.source[i].digest, PBFT_VIEW_CHANGE, bytes, n);
	}
	return nv;
}

static const char *new_view(const struct pbft_new_view *nv, uint8_t signer)
{
	begin(EVIDENCE_FALSE_NEW_VIEW, signer, nv->view, 0);
	add(signer, PBFT_NEW_VIEW, nv);
	for (uint8_t i = 0; i < 3; i++)
		add(nv->source[i].member, PBFT_VIEW_CHANGE, &sources[i]);
	return judge();
}

static void false_new_views(void)
{
	struct pbft_new_view nv = true_new_view();
	CU_ASSERT_PTR_NOT_NULL(new_view(&nv, 3)); /* a true one convicts nobody */
	nv.digest[0] = d_of(2);
	CU_ASSERT_PTR_NULL(new_view(&nv, 3));
	nv = true_new_view();
	nv.digest[1] = d_of(2);
	CU_ASSERT_PTR_NULL(new_view(&nv, 3));
	nv = true_new_view();
	nv.count = 2;
	CU_ASSERT_PTR_NULL(new_view(&nv, 3));
	nv = true_new_view();
	nv.stable = 0;
	CU_ASSERT_PTR_NULL(new_view(&nv, 3));
	nv = true_new_view();
	nv.chain = d_of(51);
	CU_ASSERT_PTR_NULL(new_view(&nv, 3));
	/* VIEW-CHANGEs for another view support nothing. */
	nv = true_new_view();
	nv.view = 11;
	CU_ASSERT_PTR_NULL(new_view(&nv, 3));
}

/* View 7 is 3's; where 1 leads last it is 1's, and 3 has no business with it. */
static void a_new_view_out_of_turn_by_the_order_of_its_epoch(void)
{
	struct pbft_new_view nv = true_new_view();
	begin(EVIDENCE_FALSE_NEW_VIEW, 3, 7, 0);
	add(3, PBFT_NEW_VIEW, &nv);
	PROVES_NOTHING();
	keys.rosters = 1;
	keys.roster[0] = (struct epoch_roster){ .from = EPOCH, .is = roster_of(BFT_MODE_BFT, N) };
	keys.roster[0].is.passed = BFT_BIT(1);
	PROVES();
	begin(EVIDENCE_FALSE_NEW_VIEW, 1, 7, 0);
	add(1, PBFT_NEW_VIEW, &nv);
	PROVES_NOTHING();
	keys.roster[0].from = EPOCH + 1; /* of a later epoch */
	PROVES();
	keys.rosters = 0;
}

static void near_false_new_views(void)
{
	struct pbft_new_view nv = true_new_view(), lie = nv;
	lie.digest[0] = d_of(2);
	/* Judged by other VIEW-CHANGEs than it names, any NEW-VIEW looks false. */
	begin(EVIDENCE_FALSE_NEW_VIEW, 3, 7, 0);
	add(3, PBFT_NEW_VIEW, &nv);
	sources[0].prepared[0].digest = d_of(9);
	for (uint8_t i = 0; i < 3; i++)
		add(nv.source[i].member, PBFT_VIEW_CHANGE, &sources[i]);
	PROVES_NOTHING();
	/* One is missing; they are in another order; one is there twice. */
	CU_ASSERT_PTR_NOT_NULL((true_new_view(), new_view(&nv, 3)));
	CU_ASSERT_PTR_NULL(new_view(&lie, 3));
	made.count = 3;
	PROVES_NOTHING();
	made.count = 1;
	PROVES_NOTHING();
	CU_ASSERT_PTR_NULL(new_view(&lie, 3));
	struct evidence_message swap = made.message[1];
	made.message[1] = made.message[2];
	PROVES_NOTHING();
	made.message[2] = swap;
	PROVES_NOTHING();
	/* Of another member than the NEW-VIEW names. */
	CU_ASSERT_PTR_NULL(new_view(&lie, 3));
	made.count = 3;
	add(2, PBFT_VIEW_CHANGE, &sources[2]);
	PROVES_NOTHING();
	/* The accused is not who signed it. */
	CU_ASSERT_PTR_NULL(new_view(&lie, 3));
	made.culprit = 1;
	PROVES_NOTHING();
}

static void false_on_its_face(void)
{
	struct pbft_new_view nv = true_new_view();
	begin(EVIDENCE_FALSE_NEW_VIEW, 2, 7, 0);
	add(2, PBFT_NEW_VIEW, &nv); /* member 2 does not lead view 7 */
	PROVES();
	add(0, PBFT_VIEW_CHANGE, &sources[0]);
	PROVES_NOTHING(); /* one file for one claim */
	nv.sources_count = 2;
	begin(EVIDENCE_FALSE_NEW_VIEW, 3, 7, 0);
	add(3, PBFT_NEW_VIEW, &nv);
	PROVES();
	nv.sources_count = 0;
	begin(EVIDENCE_FALSE_NEW_VIEW, 3, 7, 0);
	add(3, PBFT_NEW_VIEW, &nv);
	PROVES();
	nv = true_new_view();
	nv.source[2].member = 60;
	begin(EVIDENCE_FALSE_NEW_VIEW, 3, 7, 0);
	add(3, PBFT_NEW_VIEW, &nv);
	PROVES();
	nv = true_new_view();
	nv.count = 200;
	genesis.limits.window = 128;
	begin(EVIDENCE_FALSE_NEW_VIEW, 3, 7, 0);
	add(3, PBFT_NEW_VIEW, &nv);
	PROVES();
	genesis.limits.window = 256;
	PROVES_NOTHING();
}

static void not_reproposed(void)
{
	struct pbft_new_view nv = true_new_view();
	struct bft_votes lie = vote_among(7, BFT_LEAF_PRE_PREPARE, 33, 9, 6, 2), honest = vote(7, BFT_LEAF_PRE_PREPARE, 33, 1);
	begin(EVIDENCE_NOT_REPROPOSED, 3, 7, 33);
	add_leaf(3, &lie, 2);
	add(3, PBFT_NEW_VIEW, &nv);
	PROVES();
	begin(EVIDENCE_NOT_REPROPOSED, 3, 7, 33);
	add(3, PBFT_VOTES, &honest);
	add(3, PBFT_NEW_VIEW, &nv);
	PROVES_NOTHING();
	const struct bft_votes near[] = {
		vote(8, BFT_LEAF_PRE_PREPARE, 33, 9),
		vote(7, BFT_LEAF_PRE_PREPARE, 36, 9),
		vote(7, BFT_LEAF_PRE_PREPARE, 32, 9),
		vote(7, BFT_LEAF_COMMIT, 33, 9),
	};
	for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
		begin(EVIDENCE_NOT_REPROPOSED, 3, near[i].view, near[i].leaf[0].seq);
		add(3, PBFT_VOTES, &near[i]);
		add(3, PBFT_NEW_VIEW, &nv);
		PROVES_NOTHING();
		made.view = 7;
		made.seq = 33;
		PROVES_NOTHING();
	}
}

/* ---- who, where ---- */

static void begin_two_commits(void)
{
	struct bft_votes a = vote_among(6, BFT_LEAF_COMMIT, 17, 1, 5, 2), b = vote(6, BFT_LEAF_COMMIT, 17, 2);
	begin(EVIDENCE_TWO_COMMITS, 2, 6, 17);
	add_leaf(2, &a, 2);
	add(2, PBFT_VOTES, &b);
}

/* What was signed in an epoch is checked with that epoch's keys, however its signer's key has changed since. */
static void the_keys_of_its_epoch(void)
{
	struct bft_votes a = vote(6, BFT_LEAF_COMMIT, 17, 1), b = vote(6, BFT_LEAF_COMMIT, 17, 2);
	struct public_key later;
	struct digest of_a, of_b;
	memcpy(later.b, secret[N].b + 32, sizeof later.b);
	votes_digest_of(&of_a, &a);
	votes_digest_of(&of_b, &b);
	epoch_keys_init(&keys, &genesis);
	epoch_keys_rotate(&keys, 64, 2, &later);
	for (bft_epoch epoch = 1; epoch <= 2; epoch++)
		for (uint8_t by = 0; by < 2; by++) {
			begin(EVIDENCE_TWO_COMMITS, 2, 6, 17);
			add(2, PBFT_VOTES, &a);
			add(2, PBFT_VOTES, &b);
			made.epoch = epoch;
			sign_as(&made.message[0].signature, PBFT_VOTES, &of_a, by ? N : 2, epoch, &cluster);
			sign_as(&made.message[1].signature, PBFT_VOTES, &of_b, by ? N : 2, epoch, &cluster);
			CU_ASSERT_EQUAL(judge() == NULL, by == epoch - 1);
		}
	made.epoch = 3;
	PROVES_NOTHING();
	epoch_keys_init(&keys, &genesis);
	keys.epoch = 1000;
}

static void another_cluster_epoch_or_signer(void)
{
	struct bft_votes b = vote(6, BFT_LEAF_COMMIT, 17, 2);
	struct digest digest, elsewhere = d_of(98);
	votes_digest_of(&digest, &b);
	begin_two_commits();
	PROVES();
	made.cluster = elsewhere;
	PROVES_NOTHING();
	begin_two_commits();
	made.epoch = 2;
	PROVES_NOTHING();
	/* Signed in another cluster, another epoch, another role, by somebody else, by nobody of this cluster. */
	begin_two_commits();
	sign_as(&made.message[1].signature, PBFT_VOTES, &digest, 2, EPOCH, &elsewhere);
	PROVES_NOTHING();
	begin_two_commits();
	sign_as(&made.message[1].signature, PBFT_VOTES, &digest, 2, 2, &cluster);
	PROVES_NOTHING();
	begin_two_commits();
	sign_as(&made.message[1].signature, PBFT_CHECKPOINT, &digest, 2, EPOCH, &cluster);
	PROVES_NOTHING();
	begin_two_commits();
	sign_as(&made.message[1].signature, PBFT_VOTES, &digest, 1, EPOCH, &cluster);
	PROVES_NOTHING();
	begin_two_commits();
	made.culprit = made.message[0].signer = made.message[1].signer = N;
	PROVES_NOTHING();
	begin_two_commits();
	made.message[0] = made.message[1];
	PROVES_NOTHING();
	/* A cluster whose members are trusted not to lie knows no evidence. */
	begin_two_commits();
	genesis.mode = BFT_MODE_TRUSTED;
	PROVES_NOTHING();
	genesis.mode = BFT_MODE_BFT;
	PROVES();
}

static void the_number_of_messages(void)
{
	begin_two_commits();
	made.count = 1;
	PROVES_NOTHING();
	begin_two_commits();
	made.message[2] = made.message[1];
	made.count = 3;
	PROVES_NOTHING();
}

/* ---- changed files ---- */

static uint8_t copy[16384];

static void changed_everywhere(unsigned bits)
{
	CU_ASSERT_TRUE_FATAL(file_n <= sizeof copy);
	CU_ASSERT_PTR_NULL(judge_bytes(file, file_n));
	for (size_t i = 0; i < file_n; i++)
		for (unsigned bit = 0; bit < bits; bit++) {
			memcpy(copy, file, file_n);
			copy[i] ^= (uint8_t)(1u << (bits == 1 ? i % 8 : bit));
			if (!judge_bytes(copy, file_n)) {
				printf("bit %u of byte %zu of %zu does not matter\n", bit, i, file_n);
				CU_FAIL("a flipped bit goes unnoticed");
			}
		}
	for (size_t n = 0; n < file_n; n++) {
		uint8_t *exact = malloc(n ? n : 1); /* so that reading beyond is seen */
		memcpy(exact, file, n);
		CU_ASSERT_PTR_NOT_NULL(judge_bytes(exact, n));
		free(exact);
	}
	memcpy(copy, file, file_n);
	copy[file_n] = 0;
	CU_ASSERT_PTR_NOT_NULL(judge_bytes(copy, file_n + 1));
}

static void a_flipped_bit_anywhere(void)
{
	begin_two_commits();
	PROVES();
	changed_everywhere(8);
	struct bft_checkpoint a = { .seq = 32, .chain = d_of(1) }, b = { .seq = 32, .chain = d_of(2) };
	begin(EVIDENCE_TWO_CHECKPOINTS, 1, 0, 32);
	add(1, PBFT_CHECKPOINT, &a);
	add(1, PBFT_CHECKPOINT, &b);
	PROVES();
	changed_everywhere(8);
	struct pbft_new_view nv = true_new_view();
	nv.digest[0] = d_of(2);
	CU_ASSERT_PTR_NULL(new_view(&nv, 3));
	changed_everywhere(1);
	struct pbft_view_change vc = view_change(7, 32, 3, 70);
	CU_ASSERT_PTR_NULL(commit_then(5, 36, &vc));
	changed_everywhere(1);
}

static void put_u32(uint8_t *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

static void huge_counts(void)
{
	begin_two_commits();
	PROVES();
	size_t length = EVIDENCE_HEAD_BYTES + 1;
	static const uint32_t lengths[] = { 0, 1, BFT_FRAME_HEAD_BYTES, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu };
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		memcpy(copy, file, file_n);
		put_u32(copy + length, lengths[i]);
		CU_ASSERT_PTR_NOT_NULL(judge_bytes(copy, file_n));
	}
	static const uint8_t counts[] = { 0, 1, 3, 65, 66, 255 };
	for (size_t i = 0; i < sizeof counts; i++) {
		memcpy(copy, file, file_n);
		copy[EVIDENCE_HEAD_BYTES - 1] = counts[i];
		CU_ASSERT_PTR_NOT_NULL(judge_bytes(copy, file_n));
	}
	/* The number of leaves that a path claims. */
	space[0][8] = space[0][9] = 0xFF;
	PROVES_NOTHING();
	uint8_t *large = calloc(1, EVIDENCE_BYTES_MAX + 1);
	memcpy(large, file, file_n);
	CU_ASSERT_PTR_NOT_NULL(judge_bytes(large, EVIDENCE_BYTES_MAX + 1));
	free(large);
}

static void any_bytes_are_no_evidence(void)
{
	uint64_t x = 88172645463325252u;
	begin_two_commits();
	PROVES();
	for (int round = 0; round < 20000; round++) {
		memcpy(copy, file, file_n);
		for (int k = 0; k < 6; k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			copy[x % file_n] = (uint8_t)(x >> 32);
		}
		const char *why = evidence_decode(&seen, copy, file_n);
		if (!why)
			why = evidence_holds(&seen, &genesis, &roster, &room);
		CU_ASSERT_TRUE(why == NULL || *why);
	}
}

static void words(void)
{
	for (int p = 1; p < EVIDENCE_PREDICATE_END; p++) {
		CU_ASSERT_TRUE(*evidence_name((enum evidence_predicate)p) && strlen(evidence_name((enum evidence_predicate)p)) < 32);
		CU_ASSERT_TRUE(*evidence_text((enum evidence_predicate)p) && strlen(evidence_text((enum evidence_predicate)p)) < 128);
	}
	CU_ASSERT_STRING_EQUAL(evidence_name((enum evidence_predicate)0), "none");
	CU_ASSERT_STRING_EQUAL(evidence_text(EVIDENCE_PREDICATE_END), "nothing");
}

static void the_largest_fits(void)
{
	/* q of 64 members with a window of 256, in which everything is prepared: bodies alone. */
	struct pbft_view_change *vc = calloc(1, sizeof *vc);
	uint8_t *bytes = malloc(65536);
	*vc = view_change(7, 0, 0, 0);
	vc->count = BFT_WINDOW_MAX;
	for (uint16_t i = 0; i < BFT_WINDOW_MAX; i++)
		vc->prepared[i] = (struct pbft_prepared){ .seq = 1u + i, .view = 1, .digest = d_of(1) };
	begin(EVIDENCE_FALSE_NEW_VIEW, 0, 7, 0);
	size_t n = pbft_encode(PBFT_VIEW_CHANGE, vc, bytes, 65536);
	CU_ASSERT_TRUE_FATAL(n > 12000);
	for (uint32_t i = 0; i < 1 + quorum_strong(64); i++)
		made.message[made.count++] = (struct evidence_message){ .signer = 0, .type = PBFT_VIEW_CHANGE, .body = bytes, .n = n };
	CU_ASSERT_TRUE(evidence_encode(&made, file, sizeof file) > 0);
	CU_ASSERT_EQUAL(evidence_encode(&made, file, 1000), 0);
	free(vc);
	free(bytes);
}

/* ---- files ---- */

static char folder[64];

static const char *in(const char *name)
{
	static char paths[8][160];
	static unsigned next;
	char *path = paths[next++ % 8];
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

static void count_path(void *user, const char *path)
{
	unsigned *count = user;
	CU_ASSERT_PTR_NOT_NULL(strstr(path, "/evidence/"));
	++*count;
}

static void remove_folder(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

static void make_folder(void)
{
	snprintf(folder, sizeof folder, "/tmp/quorate-evidence-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

static void kept_once_and_bounded(void)
{
	unsigned count = 0;
	make_folder();
	CU_ASSERT_TRUE(evidence_file_list(folder, count_path, &count) && count == 0);
	CU_ASSERT_EQUAL(evidence_file_keep(folder, "a.evidence", (const uint8_t *)"x", 1), EVIDENCE_KEPT);
	CU_ASSERT_EQUAL(evidence_file_keep(folder, "a.evidence", (const uint8_t *)"yy", 2), EVIDENCE_KNOWN);
	char *bytes;
	size_t n;
	CU_ASSERT_EQUAL_FATAL(setup_read(&bytes, &n, in("evidence/a.evidence"), 100, NULL), QUORATE_OK);
	CU_ASSERT_TRUE(n == 1 && bytes[0] == 'x');
	free(bytes);
	/* What a crash left of the one before is overwritten and is not listed. */
	FILE *f = fopen(in("evidence/new.tmp"), "w");
	fputs("half of something", f);
	fclose(f);
	CU_ASSERT_EQUAL(evidence_file_keep(folder, "b.evidence", (const uint8_t *)"z", 1), EVIDENCE_KEPT);
	CU_ASSERT_TRUE(access(in("evidence/new.tmp"), F_OK) != 0);
	CU_ASSERT_TRUE(evidence_file_list(folder, count_path, &count) && count == 2);
	for (unsigned i = 2; i < EVIDENCE_FILES_MAX; i++) {
		char name[32];
		snprintf(name, sizeof name, "evidence/%u.evidence", i);
		f = fopen(in(name), "w");
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		fclose(f);
	}
	CU_ASSERT_EQUAL(evidence_file_keep(folder, "c.evidence", (const uint8_t *)"z", 1), EVIDENCE_FULL);
	CU_ASSERT_EQUAL(evidence_file_keep(folder, "a.evidence", (const uint8_t *)"z", 1), EVIDENCE_KNOWN);
	CU_ASSERT_EQUAL(evidence_file_keep(in("nowhere"), "a.evidence", (const uint8_t *)"z", 1), EVIDENCE_FAILED);
	CU_ASSERT_FALSE(evidence_file_list(in("nowhere"), count_path, &count));
	remove_folder();
}

/* A cluster's files as operators make them; secret[] and cluster become its members'. */
static void make_genesis(void)
{
	static const char *const orgs[N] = { "alba", "bede", "cato", "dara" };
	char hex[QUORATE_HEX_BYTES], reason[QUORATE_REASON_BYTES], card[N][160];
	const char *cards[N], *address = "127.0.0.1:7000";
	for (uint32_t i = 0; i < N; i++) {
		char org[160], member[160], tls[160], name[32];
		snprintf(name, sizeof name, "%u.org", i), snprintf(org, sizeof org, "%s", in(name));
		snprintf(name, sizeof name, "%u.member", i), snprintf(member, sizeof member, "%s", in(name));
		snprintf(name, sizeof name, "%u.tls", i), snprintf(tls, sizeof tls, "%s", in(name));
		snprintf(name, sizeof name, "%u.card", i), snprintf(card[i], sizeof card[i], "%s", in(name));
		CU_ASSERT_TRUE_FATAL(!quorate_key_new(org, NULL, hex, reason) && !quorate_key_new(member, NULL, hex, reason) &&
		                     !quorate_key_new(tls, NULL, hex, reason));
		struct quorate_card_options o = {
			.org = orgs[i], .org_key = org, .member_key = member, .tls_key = tls, .addresses = &address, .addresses_count = 1, .out = card[i]
		};
		CU_ASSERT_EQUAL_FATAL(quorate_card_new(&o, reason), QUORATE_OK);
		CU_ASSERT_EQUAL_FATAL(setup_read_key(member, NULL, &secret[i], NULL, reason), QUORATE_OK);
		cards[i] = card[i];
	}
	CU_ASSERT_EQUAL_FATAL(quorate_genesis_build(cards, N, QUORATE_BFT, in("genesis"), hex, reason), QUORATE_OK);
	CU_ASSERT_TRUE_FATAL(hex_parse(cluster.b, sizeof cluster.b, hex));
}

static void judged_by_the_genesis_alone(void)
{
	static struct quorate_evidence_info info;
	char reason[QUORATE_REASON_BYTES];
	make_folder();
	make_genesis();
	begin_two_commits();
	file_n = evidence_encode(&made, file, sizeof file);
	CU_ASSERT_EQUAL_FATAL(setup_write(in("e"), file, file_n, reason), QUORATE_OK);
	CU_ASSERT_EQUAL(quorate_evidence_verify(in("e"), in("genesis"), NULL, &info, reason), QUORATE_OK);
	CU_ASSERT_TRUE(info.culprit == 2 && info.view == 6 && info.seq == 17 && info.statements == 2 && info.epoch == 1);
	CU_ASSERT_STRING_EQUAL(info.org, "cato");
	CU_ASSERT_STRING_EQUAL(info.predicate, "two-commits");
	CU_ASSERT_PTR_NOT_NULL(strstr(info.statement[0].text, "COMMIT view 6 seq 17 digest "));
	CU_ASSERT_EQUAL(info.statement[1].signer, 2);
	file[file_n - 1] ^= 1;
	CU_ASSERT_EQUAL_FATAL(setup_write(in("flipped"), file, file_n, reason), QUORATE_OK);
	CU_ASSERT_EQUAL(quorate_evidence_verify(in("flipped"), in("genesis"), NULL, &info, reason), QUORATE_VERIFICATION);
	CU_ASSERT_TRUE(info.statements == 2 && strstr(reason, "proves nothing") != NULL);
	CU_ASSERT_EQUAL_FATAL(setup_write(in("short"), file, 20, reason), QUORATE_OK);
	CU_ASSERT_EQUAL(quorate_evidence_verify(in("short"), in("genesis"), NULL, &info, reason), QUORATE_VERIFICATION);
	CU_ASSERT_EQUAL(info.statements, 0);
	CU_ASSERT_EQUAL(quorate_evidence_verify(in("genesis"), in("genesis"), NULL, &info, reason), QUORATE_VERIFICATION);
	CU_ASSERT_EQUAL(quorate_evidence_verify(in("nothing"), in("genesis"), NULL, &info, reason), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(quorate_evidence_verify(in("e"), in("e"), NULL, &info, reason), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(quorate_evidence_verify(NULL, in("genesis"), NULL, &info, reason), QUORATE_USAGE);
	/* What is no chain of epochs is no help, and what is of an epoch that nobody shows proves nothing. */
	CU_ASSERT_EQUAL(quorate_evidence_verify(in("e"), in("genesis"), in("genesis"), &info, reason), QUORATE_VERIFICATION);
	CU_ASSERT_EQUAL(quorate_evidence_verify(in("e"), in("genesis"), in("nothing"), &info, reason), QUORATE_CONFIG);
	made.epoch = 2;
	file_n = evidence_encode(&made, file, sizeof file);
	CU_ASSERT_EQUAL_FATAL(setup_write(in("later"), file, file_n, reason), QUORATE_OK);
	CU_ASSERT_EQUAL(quorate_evidence_verify(in("later"), in("genesis"), NULL, &info, reason), QUORATE_VERIFICATION);
	CU_ASSERT_PTR_NOT_NULL(strstr(reason, "chain of epochs is needed"));
	unsigned count = 0;
	CU_ASSERT_EQUAL(evidence_file_keep(folder, "2-two-commits-6-17.evidence", file, file_n), EVIDENCE_KEPT);
	CU_ASSERT_TRUE(quorate_evidence_list(folder, count_path, &count, reason) == QUORATE_OK && count == 1);
	CU_ASSERT_EQUAL(quorate_evidence_list(in("nowhere"), count_path, &count, reason), QUORATE_CONFIG);
	remove_folder();
	genesis_begin();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "two votes, whole", two_votes_whole },
		{ "two votes, as leaves with their paths", two_votes_as_leaves },
		{ "near: votes that do not contradict", near_two_votes },
		{ "a leaf that was not signed", a_leaf_that_was_not_signed },
		{ "two CHECKPOINTs, two SNAPSHOTs, and near", two_checkpoints_and_snapshots },
		{ "two VIEW-CHANGEs, two NEW-VIEWs, and near", two_view_changes_and_new_views },
		{ "a COMMIT that a VIEW-CHANGE hides, and near", hidden_commits },
		{ "a false NEW-VIEW", false_new_views },
		{ "a NEW-VIEW out of turn, by the order of its epoch", a_new_view_out_of_turn_by_the_order_of_its_epoch },
		{ "near: a NEW-VIEW that is not shown to be false", near_false_new_views },
		{ "a NEW-VIEW that is false on its face", false_on_its_face },
		{ "a leaf against its own NEW-VIEW, and near", not_reproposed },
		{ "the keys of its epoch", the_keys_of_its_epoch },
		{ "another cluster, epoch or signer", another_cluster_epoch_or_signer },
		{ "the number of messages", the_number_of_messages },
		{ "a flipped bit anywhere, cut short anywhere", a_flipped_bit_anywhere },
		{ "huge counts", huge_counts },
		{ "any bytes are no evidence", any_bytes_are_no_evidence },
		{ "each predicate has words", words },
		{ "the largest fits", the_largest_fits },
		{ "files are kept once and are bounded", kept_once_and_bounded },
		{ "judged by the genesis alone", judged_by_the_genesis_alone },
		{ 0 },
	};
	if (!sign_self_test())
		return 1;
	genesis_begin();
	return unit_main("evidence", cases);
}
