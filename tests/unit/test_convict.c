/* A whole replica hears a liar contradict itself: what it keeps is proof to anybody, and when there is no proof nothing is kept. */
#include "bft/certificate.h"
#include "bft/pbft/evidence.h"
#include "replica/driver_state.h"
#include "tests/unit/driver_bed.h"

static struct dbed b;
static struct evidence evidence;
static struct evidence_room room;
static union pbft_body body;
static struct epoch_keys keys;

static struct digest some(uint8_t i)
{
	struct digest d;
	memset(d.b, i, sizeof d.b);
	return d;
}

/* One more was kept, under `name`, and it proves that `culprit` did it. */
static void kept(const char *name, uint8_t culprit)
{
	dbed_turn(&b);
	CU_ASSERT_EQUAL_FATAL(b.evidence_count, 1);
	CU_ASSERT_STRING_EQUAL(b.evidence_name, name);
	epoch_keys_init(&keys, &b.genesis);
	CU_ASSERT_PTR_NULL(evidence_verify(&evidence, b.evidence, b.evidence_n, &keys, &b.cluster, &sign_ed25519, &room));
	CU_ASSERT_EQUAL(evidence.culprit, culprit);
	CU_ASSERT_EQUAL(dbed_counts(&b).convicted, 1);
	dbed_destroy(&b);
}

static void nothing_kept(void)
{
	dbed_turn(&b);
	CU_ASSERT_EQUAL(b.evidence_count, 0);
	CU_ASSERT_EQUAL(dbed_counts(&b).convicted, 0);
	dbed_destroy(&b);
}

static void two_pre_prepares(void)
{
	dbed_create(&b);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 1, some(1));
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 1, some(2));
	kept("0-two-pre-prepares-0-1.evidence", 0);
}

static void two_prepares(void)
{
	dbed_create(&b);
	dbed_leaf(&b, 2, BFT_LEAF_PREPARE, 1, some(1));
	dbed_leaf(&b, 2, BFT_LEAF_PREPARE, 1, some(2));
	kept("2-two-prepares-0-1.evidence", 2);
}

/* COMMITs are acted on unseen: their signatures are looked at now. */
static void two_commits(void)
{
	dbed_create(&b);
	dbed_leaf(&b, 2, BFT_LEAF_COMMIT, 3, some(1));
	dbed_leaf(&b, 2, BFT_LEAF_COMMIT, 3, some(2));
	kept("2-two-commits-0-3.evidence", 2);
}

static void two_commits_one_of_them_unsigned(void)
{
	struct dbed_say lie = { .link = 2, .signer = 2, .false_signature = true };
	dbed_create(&b);
	dbed_leaf(&b, 2, BFT_LEAF_COMMIT, 3, some(1));
	dbed_say_as(&b, &lie, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 3, some(2)));
	nothing_kept();
	dbed_create(&b);
	dbed_say_as(&b, &lie, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 3, some(1)));
	dbed_leaf(&b, 2, BFT_LEAF_COMMIT, 3, some(2));
	nothing_kept();
}

static void one_of_many_leaves(void)
{
	static struct bft_votes v;
	dbed_create(&b);
	v = (struct bft_votes){ .view = 0, .count = DBED_W };
	for (uint16_t i = 0; i < DBED_W; i++)
		v.leaf[i] = (struct bft_leaf){ .kind = BFT_LEAF_COMMIT, .seq = 1u + i, .digest = some(1) };
	dbed_say(&b, 3, PBFT_VOTES, &v);
	dbed_leaf(&b, 3, BFT_LEAF_COMMIT, 6, some(2));
	kept("3-two-commits-0-6.evidence", 3);
}

static void both_in_one_message(void)
{
	static struct bft_votes v;
	dbed_create(&b);
	v = (struct bft_votes){ .view = 0, .count = 2 };
	for (uint8_t i = 0; i < 2; i++)
		v.leaf[i] = (struct bft_leaf){ .kind = BFT_LEAF_COMMIT, .seq = 4, .digest = some(i) };
	dbed_say(&b, 3, PBFT_VOTES, &v);
	kept("3-two-commits-0-4.evidence", 3);
}

static void two_checkpoints(void)
{
	dbed_create(&b);
	for (uint8_t i = 1; i <= 2; i++) {
		body.checkpoint = (struct bft_checkpoint){ .seq = DBED_K, .chain = some(i) };
		dbed_say(&b, 2, PBFT_CHECKPOINT, &body);
	}
	kept("2-two-checkpoints-0-2.evidence", 2);
}

static void two_members_that_differ(void)
{
	dbed_create(&b);
	for (uint8_t i = 2; i <= 3; i++) {
		body.checkpoint = (struct bft_checkpoint){ .seq = DBED_K, .chain = some(i) };
		dbed_say(&b, i, PBFT_CHECKPOINT, &body);
		dbed_leaf(&b, i, BFT_LEAF_COMMIT, 3, some(i));
	}
	dbed_leaf(&b, 2, BFT_LEAF_COMMIT, 3, some(2));
	nothing_kept();
}

static size_t stable_certificate(bft_seq seq, struct digest chain, uint8_t *bytes, size_t capacity)
{
	static struct certificate c;
	uint8_t encoded[64];
	c = (struct certificate){ .epoch = 1, .kind = CERTIFICATE_CHECKPOINT, .seq = seq, .digest = chain };
	struct bft_checkpoint said = { .seq = seq, .chain = chain };
	size_t n = pbft_encode(PBFT_CHECKPOINT, &said, encoded, sizeof encoded);
	for (uint8_t i = 0; i < DBED_N; i++) {
		struct bft_envelope e = dbed_envelope(&b, i, PBFT_CHECKPOINT, encoded, n);
		if (i != DBED_SELF)
			CU_ASSERT_TRUE(certificate_add(&c, i, NULL, 0, &e.signature));
	}
	return certificate_encode(&c, bytes, capacity);
}

static void two_view_changes(void)
{
	dbed_create(&b);
	body.view_change = (struct pbft_view_change){ .view = 5, .chain = b.cluster };
	dbed_say(&b, 2, PBFT_VIEW_CHANGE, &body);
	/* Another, with the certificate that admission asks for. */
	uint8_t tail[1024];
	struct dbed_say how = { .link = 2, .signer = 2, .tail = tail, .tail_n = stable_certificate(DBED_K, some(1), tail, sizeof tail) };
	body.view_change = (struct pbft_view_change){ .view = 5, .stable = DBED_K, .chain = some(1) };
	dbed_say_as(&b, &how, PBFT_VIEW_CHANGE, &body);
	kept("2-two-view-changes-5-0.evidence", 2);
}

/* In either order: the COMMIT was acted on unseen, and its signature is looked at now. */
static void a_hidden_commit(void)
{
	for (int first = 0; first < 2; first++) {
		dbed_create(&b);
		for (int i = 0; i < 2; i++) {
			if (i == first)
				dbed_leaf(&b, 2, BFT_LEAF_COMMIT, 3, some(1));
			body.view_change = (struct pbft_view_change){ .view = 5, .chain = b.cluster };
			if (i != first)
				dbed_say(&b, 2, PBFT_VIEW_CHANGE, &body);
		}
		kept("2-hidden-commit-0-3.evidence", 2);
	}
	struct dbed_say lie = { .link = 2, .signer = 2, .false_signature = true };
	dbed_create(&b);
	dbed_say_as(&b, &lie, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 3, some(1)));
	body.view_change = (struct pbft_view_change){ .view = 5, .chain = b.cluster };
	dbed_say(&b, 2, PBFT_VIEW_CHANGE, &body);
	nothing_kept();
}

/* View 2, whose leader sees three VIEW-CHANGEs in which nothing is prepared, and proposes something all the same. */
static void a_new_view(bool false_one)
{
	static struct pbft_new_view nv;
	uint8_t bytes[128];
	struct digest digest;
	dbed_create(&b);
	body.view_change = (struct pbft_view_change){ .view = 2, .chain = b.cluster };
	size_t n = pbft_encode(PBFT_VIEW_CHANGE, &body, bytes, sizeof bytes);
	pbft_body_digest(&digest, PBFT_VIEW_CHANGE, bytes, n);
	nv = (struct pbft_new_view){ .view = 2, .chain = b.cluster, .sources_count = 3 };
	static const uint8_t by[3] = { 0, 2, 3 };
	for (uint8_t i = 0; i < 3; i++) {
		nv.source[i].member = by[i];
		nv.source[i].digest = digest;
	}
	if (false_one) {
		nv.count = 1;
		nv.digest[0] = some(1);
	}
	dbed_say(&b, 2, PBFT_NEW_VIEW, &nv);
	for (uint8_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(b.evidence_count, 0); /* not before all that it names is here */
		body.view_change = (struct pbft_view_change){ .view = 2, .chain = b.cluster };
		dbed_say(&b, by[i], PBFT_VIEW_CHANGE, &body);
	}
}

static void a_false_new_view(void)
{
	a_new_view(true);
	kept("2-false-new-view-2-0.evidence", 2);
	a_new_view(false);
	struct standing st;
	driver_standing(b.driver, &st);
	CU_ASSERT_EQUAL(st.view, 2);
	nothing_kept();
}

static void two_new_views(void)
{
	static struct pbft_new_view nv;
	dbed_create(&b);
	nv = (struct pbft_new_view){ .view = 2, .chain = b.cluster, .sources_count = 3 };
	for (uint8_t i = 0; i < 3; i++)
		nv.source[i].member = i;
	dbed_say(&b, 2, PBFT_NEW_VIEW, &nv);
	nv.count = 1;
	nv.digest[0] = some(1);
	dbed_say(&b, 2, PBFT_NEW_VIEW, &nv);
	kept("2-two-new-views-2-0.evidence", 2);
}

static void contradicts_in(uint8_t member, bft_seq from, bft_seq to)
{
	for (bft_seq seq = from; seq <= to; seq++) {
		dbed_leaf(&b, member, BFT_LEAF_PREPARE, seq, some(1));
		dbed_leaf(&b, member, BFT_LEAF_PREPARE, seq, some(2));
		dbed_turn(&b);
	}
}

/* One file convicts: for the hundredth nobody pays with a flush. Another kind, and another member, have their own. */
static void who_lies_in_every_slot_costs_a_few_files(void)
{
	dbed_create(&b);
	contradicts_in(3, 1, EVIDENCE_EACH_MAX + 2);
	CU_ASSERT_EQUAL(b.evidence_count, EVIDENCE_EACH_MAX);
	CU_ASSERT_EQUAL(dbed_counts(&b).convicted, EVIDENCE_EACH_MAX + 2);
	dbed_leaf(&b, 3, BFT_LEAF_COMMIT, 1, some(1));
	dbed_leaf(&b, 3, BFT_LEAF_COMMIT, 1, some(2));
	dbed_turn(&b);
	CU_ASSERT_EQUAL(b.evidence_count, EVIDENCE_EACH_MAX + 1);
	/* What could not be kept does not count: the disk may have room again. */
	b.evidence_fails = true;
	contradicts_in(2, 1, EVIDENCE_EACH_MAX);
	CU_ASSERT_EQUAL(b.evidence_count, EVIDENCE_EACH_MAX + 1);
	b.evidence_fails = false;
	contradicts_in(2, EVIDENCE_EACH_MAX + 1, EVIDENCE_EACH_MAX + 2);
	CU_ASSERT_EQUAL(b.evidence_count, EVIDENCE_EACH_MAX + 3);
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "two PRE-PREPAREs", two_pre_prepares },
		{ "two PREPAREs", two_prepares },
		{ "two COMMITs", two_commits },
		{ "two COMMITs, one of them not signed", two_commits_one_of_them_unsigned },
		{ "one of many leaves", one_of_many_leaves },
		{ "both in one message", both_in_one_message },
		{ "two CHECKPOINTs", two_checkpoints },
		{ "two members that differ", two_members_that_differ },
		{ "two VIEW-CHANGEs", two_view_changes },
		{ "a COMMIT that a VIEW-CHANGE hides", a_hidden_commit },
		{ "two NEW-VIEWs", two_new_views },
		{ "a NEW-VIEW, false and true", a_false_new_view },
		{ "who lies in every slot costs a few files", who_lies_in_every_slot_costs_a_few_files },
		{ 0 },
	};
	return unit_main("convict", cases);
}
