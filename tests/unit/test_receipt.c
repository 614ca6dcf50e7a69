/* Receipts: what q members signed, shown to somebody who holds the genesis alone; and the client's core that collects them, with members that are this file. */
#include "bft/envelope.h"
#include "bft/quorum.h"
#include "bft/receipt.h"
#include "client/core.h"
#include "tests/unit/tag_scheme.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- a cluster ---- */

#define SESSION 0x70001u
#define SEQ 9u
#define BUNDLES 5u /* of the proposal that holds the request */
#define INDEX 2u

static struct bft_genesis genesis;
static struct digest cluster;
static const struct public_key client_key = { { 200, 1 } };

static struct secret_key secret_of(const struct public_key *pk)
{
	struct secret_key sk;
	memset(&sk, 0, sizeof sk);
	memcpy(sk.b + 32, pk->b, PUBLIC_KEY_BYTES);
	return sk;
}

static void cluster_make(uint32_t n)
{
	memset(&genesis, 0, sizeof genesis);
	genesis.mode = BFT_MODE_BFT;
	genesis.count = n;
	genesis_limits_default(&genesis.limits);
	for (uint32_t i = 0; i < n; i++)
		memset(genesis.cards[i].member_key.b, (int)(1 + i), PUBLIC_KEY_BYTES);
	for (uint32_t i = 0; i < n; i++)
		memset(genesis.cards[i].org_key.b, (int)(101 + i), PUBLIC_KEY_BYTES);
	memset(cluster.b, 77, DIGEST_BYTES);
}

static struct epoch_keys *fresh_keys(void)
{
	static struct epoch_keys keys;
	epoch_keys_init(&keys, &genesis);
	return &keys;
}

static void signs(struct signature *out, uint32_t member, const struct statement *s)
{
	struct secret_key sk = secret_of(&genesis.cards[member].member_key);
	tag_sign(out, s, &sk);
}

/* The link to the second epoch, in which member 3 is let in again: signed by f+1 of four. */
static size_t second_epoch(uint8_t *bytes, size_t capacity)
{
	struct epoch_link link = { .record = { .epoch = 2, .base = 64, .change = { .kind = BUNDLE_READMIT, .readmit = { 1, 3, 99, { { 0 } } } } } };
	struct signature by[2];
	struct statement s;
	struct secret_key org = secret_of(&genesis.cards[3].org_key);
	readmit_statement(&s, &link.record.change.readmit, &cluster);
	tag_sign(&link.record.change.readmit.signature, &s, &org);
	epoch_record_statement(&s, &link.record, &cluster);
	for (uint8_t i = 0; i < 2; i++) {
		signs(&by[i], i, &s);
		CU_ASSERT(epoch_link_add(&link, i, &by[i]));
	}
	return epoch_link_encode(&link, bytes, capacity);
}

/* ---- a receipt, made by hand ---- */

static const uint8_t op[] = { 3, 0, 0, 0, 'p', 'u', 't' };
static const uint8_t value[] = { 2, 0, 0, 0, 'o', 'k' };

struct sample {
	struct receipt r;
	uint8_t bundle[128], result[64];
	uint8_t bytes[4096];
	size_t n;
};

static void make_request(struct sample *s, uint64_t number)
{
	struct bundle b = {
		.key = client_key, .session = SESSION, .number = number, .reply_mask = ~(uint64_t)0, .count = 1, .ops = op, .ops_bytes = sizeof op
	};
	struct result x = { SESSION, number, RESULT_DONE, 1, value, sizeof value };
	s->r.cluster = cluster;
	s->r.epoch = 1;
	s->r.seq = SEQ;
	s->r.bundle = s->bundle;
	s->r.bundle_bytes = bundle_encode(&b, s->bundle, sizeof s->bundle);
	s->r.result = s->result;
	s->r.result_bytes = result_encode(&x, s->result, sizeof s->result);
}

static void client_signs(struct sample *s)
{
	struct digest d;
	struct statement statement;
	struct secret_key sk = secret_of(&client_key);
	bundle_digest(&d, s->bundle, s->r.bundle_bytes);
	bundle_statement(&statement, &s->r.cluster, &d);
	tag_sign(&s->r.asked, &statement, &sk);
}

static void leaf_of(struct digest *out, const struct receipt *r)
{
	struct digest d;
	bundle_digest(&d, r->bundle, r->bundle_bytes);
	result_leaf(out, r->seq, &d, r->result, r->result_bytes);
}

static void put_in_proposal(struct sample *s)
{
	struct digest leaves[BUNDLES];
	for (uint32_t i = 0; i < BUNDLES; i++)
		memset(leaves[i].b, (int)(100 + i), DIGEST_BYTES);
	leaf_of(&leaves[INDEX], &s->r);
	s->r.place = (struct reply_place){ .count = BUNDLES, .index = INDEX };
	memset(s->r.place.proposal.b, 5, DIGEST_BYTES);
	memset(s->r.place.chain.b, 6, DIGEST_BYTES);
	s->r.place.path_count = merkle_path(s->r.place.path, leaves, BUNDLES, INDEX);
}

static void members_sign(struct sample *s, bft_mask signers, bft_mask alone)
{
	struct digest leaf;
	struct statement root, single;
	leaf_of(&leaf, &s->r);
	s->r.signers = signers;
	s->r.alone = alone;
	CU_ASSERT(reply_leaf_statement(&root, &s->r.cluster, s->r.epoch, s->r.seq, &s->r.place, &leaf));
	reply_late_statement(&single, &s->r.cluster, s->r.epoch, &leaf);
	for (uint32_t i = 0; i < genesis.count; i++)
		if (signers & BFT_BIT(i))
			signs(&s->r.signature[i], i, alone & BFT_BIT(i) ? &single : &root);
}

static void encode(struct sample *s)
{
	s->n = receipt_encode(&s->r, s->bytes, sizeof s->bytes);
	CU_ASSERT_FATAL(s->n > 0);
}

static void sample_make(struct sample *s, bft_mask signers, bft_mask alone)
{
	memset(s, 0, sizeof *s);
	make_request(s, 3);
	client_signs(s);
	put_in_proposal(s);
	members_sign(s, signers, alone);
	encode(s);
}

/* In a block of their own size, so that a sanitizer sees one read too many. */
static const char *judge(const uint8_t *bytes, size_t n)
{
	static struct receipt out;
	uint8_t *exact = malloc(n ? n : 1);
	if (n)
		memcpy(exact, bytes, n);
	const char *why = receipt_verify(&out, exact, n, fresh_keys(), &cluster, &tagged);
	free(exact);
	return why;
}

static const char *judge_sample(struct sample *s)
{
	encode(s);
	return judge(s->bytes, s->n);
}

static bool says(const char *why, const char *word)
{
	return why && strstr(why, word);
}

/* ---- what holds ---- */

static void q_signatures_prove_it(void)
{
	struct sample s;
	static struct receipt out;
	for (uint32_t n = 4; n <= 64; n += 12) {
		cluster_make(n);
		bft_mask q = (BFT_BIT(quorum_strong(n)) - 1) << (n - quorum_strong(n));
		uint8_t *again = malloc(sizeof s.bytes + 8192), *bytes = malloc(sizeof s.bytes + 8192);
		sample_make(&s, 7, 0);
		members_sign(&s, q, 0);
		size_t size = receipt_encode(&s.r, bytes, sizeof s.bytes + 8192);
		CU_ASSERT(size > 0 && receipt_verify(&out, bytes, size, fresh_keys(), &cluster, &tagged) == NULL);
		CU_ASSERT(out.seq == SEQ && out.epoch == 1 && out.signers == q && out.request.number == 3 && out.outcome.status == RESULT_DONE);
		CU_ASSERT(receipt_encode(&out, again, sizeof s.bytes + 8192) == size && memcmp(again, bytes, size) == 0);
		for (size_t room = 0; room < size; room++)
			CU_ASSERT_FATAL(receipt_encode(&out, again, room) == 0);
		free(again);
		free(bytes);
	}
}

/* Both forms name the same leaf, so they count together. */
static void the_two_forms_count_together(void)
{
	struct sample s;
	cluster_make(4);
	for (bft_mask alone = 0; alone < 8; alone++) {
		sample_make(&s, 7, alone);
		const char *why = judge(s.bytes, s.n);
		CU_ASSERT_PTR_NULL(why);
		CU_ASSERT(s.n == RECEIPT_HEAD_BYTES + s.r.bundle_bytes + s.r.result_bytes + 3 * SIGNATURE_BYTES +
		                         (alone == 7 ? 0 : 68 + DIGEST_BYTES * merkle_path_length(BUNDLES, INDEX)));
		/* One signature never serves in the other form. */
		for (uint32_t i = 0; i < 3; i++) {
			s.r.alone = alone ^ BFT_BIT(i);
			CU_ASSERT(says(judge_sample(&s), "signature is false"));
		}
	}
}

/* ---- what proves nothing ---- */

static void a_flipped_bit_or_a_missing_byte(void)
{
	struct sample s;
	cluster_make(4);
	for (bft_mask alone = 0; alone <= 3; alone += 3) {
		sample_make(&s, 7, alone);
		for (size_t i = 0; i < 8 * s.n; i++) {
			s.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
			if (!judge(s.bytes, s.n)) {
				printf("bit %zu may be flipped\n", i);
				CU_FAIL("a flipped bit");
			}
			s.bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		}
		for (size_t n = 0; n < s.n; n++)
			CU_ASSERT_PTR_NOT_NULL(judge(s.bytes, n));
		for (size_t more = 1; more < 70; more++)
			CU_ASSERT(says(judge(s.bytes, s.n + more), "left over"));
		CU_ASSERT_PTR_NULL(judge(s.bytes, s.n));
	}
}

static void too_few_or_strange_signers(void)
{
	struct sample s;
	cluster_make(4);
	sample_make(&s, 3, 0); /* one short */
	CU_ASSERT(says(judge(s.bytes, s.n), "fewer members"));
	sample_make(&s, 3, 3);
	CU_ASSERT(says(judge(s.bytes, s.n), "fewer members"));
	/* One member's signature in two places. */
	sample_make(&s, 7, 0);
	s.r.signature[2] = s.r.signature[1];
	CU_ASSERT(says(judge_sample(&s), "signature is false"));
	sample_make(&s, 7, 2); /* and in two forms */
	s.r.signature[2] = s.r.signature[1];
	CU_ASSERT(says(judge_sample(&s), "signature is false"));
	/* Who is not a member does not sign. */
	for (uint32_t i = 4; i < 64; i++) {
		sample_make(&s, 7, 0);
		s.r.signers = 3 | BFT_BIT(i);
		CU_ASSERT(says(judge_sample(&s), "no member"));
		s.r.signers = 7 | BFT_BIT(i); /* nor beside enough who do */
		CU_ASSERT(says(judge_sample(&s), "no member"));
	}
	/* One false signature beside enough true ones is false too. */
	sample_make(&s, 15, 0);
	CU_ASSERT_PTR_NULL(judge(s.bytes, s.n));
	s.r.signature[3].b[5] ^= 1;
	CU_ASSERT(says(judge_sample(&s), "signature is false"));
	/* Who signed alone is a signer. */
	sample_make(&s, 7, 0);
	s.r.alone = 8;
	CU_ASSERT(says(judge_sample(&s), "malformed"));
	s.r.signers = s.r.alone = 0;
	CU_ASSERT(says(judge_sample(&s), "malformed"));
}

static void another_cluster_or_epoch(void)
{
	struct sample s;
	cluster_make(4);
	sample_make(&s, 7, 0);
	cluster.b[3] ^= 1; /* the same members, in another genesis */
	CU_ASSERT(says(judge(s.bytes, s.n), "another cluster"));
	s.r.cluster = cluster; /* and it says so, signed for the first */
	CU_ASSERT(says(judge_sample(&s), "nobody asked"));
	client_signs(&s);
	CU_ASSERT(says(judge_sample(&s), "signature is false"));
	cluster_make(4);
	sample_make(&s, 7, 4);
	s.r.epoch = 2;
	CU_ASSERT(says(judge_sample(&s), "does not reach"));
	s.r.epoch = 0;
	CU_ASSERT(says(judge_sample(&s), "no epoch"));
}

/* A receipt of a later epoch brings the links that lead there from the genesis, and nothing else. */
static void of_a_later_epoch(void)
{
	struct sample s;
	static uint8_t links[4096];
	cluster_make(4);
	sample_make(&s, 7, 4);
	size_t n = second_epoch(links, sizeof links);
	CU_ASSERT_FATAL(n > 0 && second_epoch(links + n, sizeof links - n) == n);
	s.r.epoch = 2;
	s.r.links = links;
	s.r.links_bytes = n;
	CU_ASSERT(says(judge_sample(&s), "signature is false")); /* signed in the first */
	members_sign(&s, 7, 4);
	CU_ASSERT_PTR_NULL(judge_sample(&s));
	s.r.links_bytes = 0;
	CU_ASSERT(says(judge_sample(&s), "does not reach"));
	s.r.links_bytes = 2 * n;
	CU_ASSERT(says(judge_sample(&s), "left over"));
	s.r.links_bytes = n - 1;
	CU_ASSERT(says(judge_sample(&s), "malformed"));
	s.r.links_bytes = n;
	for (size_t i = 0; i < n; i++) {
		links[i] ^= 1;
		CU_ASSERT_PTR_NOT_NULL(judge_sample(&s));
		links[i] ^= 1;
	}
	s.r.epoch = 3;
	members_sign(&s, 7, 4);
	CU_ASSERT(says(judge_sample(&s), "does not reach"));
	s.r.epoch = 1;
	members_sign(&s, 7, 4);
	CU_ASSERT(says(judge_sample(&s), "left over"));
}

/* Of five members the last is removed: then three of four are enough, and it is none of them. Organizations whose members are a quorum say so, and f+1 who stay. */
static size_t without_the_last(uint8_t *bytes, size_t capacity)
{
	struct epoch_link link = { .record = { .epoch = 2, .base = 64, .change = { .kind = BUNDLE_RECONFIGURE } } };
	struct reconfigure *r = &link.record.change.reconfigure;
	struct signature by;
	struct statement s;
	*r = (struct reconfigure){ .epoch = 1, .kind = RECONFIGURE_MEMBERS, .seats = 1, .seat = { { .member = 4 } } };
	reconfigure_statement(&s, r, &cluster);
	for (uint8_t i = 0; i < 4; i++) {
		struct secret_key org = secret_of(&genesis.cards[i].org_key);
		tag_sign(&by, &s, &org);
		CU_ASSERT(reconfigure_add(r, &genesis.cards[i].org_key, &by));
	}
	epoch_record_statement(&s, &link.record, &cluster);
	for (uint8_t i = 0; i < 2; i++) {
		signs(&by, i, &s);
		CU_ASSERT(epoch_link_add(&link, i, &by));
	}
	return epoch_link_encode(&link, bytes, capacity);
}

static void it_counts_the_members_of_its_epoch(void)
{
	struct sample s;
	uint8_t links[2048];
	cluster_make(5);
	size_t n = without_the_last(links, sizeof links);
	CU_ASSERT_FATAL(n > 0);
	sample_make(&s, 15, 0); /* of five four */
	CU_ASSERT_PTR_NULL(judge_sample(&s));
	members_sign(&s, 7, 0);
	CU_ASSERT_PTR_NOT_NULL(judge_sample(&s));
	s.r.epoch = 2;
	s.r.links = links;
	s.r.links_bytes = n;
	members_sign(&s, 7, 4);
	CU_ASSERT_PTR_NULL(judge_sample(&s)); /* of four three */
	members_sign(&s, 3, 0);
	CU_ASSERT_PTR_NOT_NULL(judge_sample(&s));
	members_sign(&s, 0x13, 0); /* who has left is none of them, though its signature is true */
	CU_ASSERT_PTR_NOT_NULL(judge_sample(&s));
	members_sign(&s, 0x17, 0);
	CU_ASSERT_PTR_NOT_NULL(judge_sample(&s));
	/* What four of five signed in the first epoch holds for ever; it needs no link. */
	s.r.epoch = 1;
	s.r.links_bytes = 0;
	members_sign(&s, 0x1b, 0);
	CU_ASSERT_PTR_NULL(judge_sample(&s));
}

static void what_was_asked_and_answered(void)
{
	struct sample s, other;
	cluster_make(4);
	/* Another result of the same shape. */
	for (bft_mask alone = 0; alone < 8; alone += 7) {
		sample_make(&s, 7, alone);
		s.result[s.r.result_bytes - 1] = 'x';
		CU_ASSERT(says(judge_sample(&s), "signature is false"));
		/* Another place. */
		sample_make(&s, 7, alone);
		s.r.seq++;
		CU_ASSERT(says(judge_sample(&s), "signature is false"));
		/* Another request of the same client under the same number, truly signed by it. */
		sample_make(&s, 7, alone);
		s.bundle[s.r.bundle_bytes - 1] ^= 1;
		client_signs(&s);
		CU_ASSERT(says(judge_sample(&s), "signature is false"));
		/* Another's request, whose result this is not. */
		sample_make(&s, 7, alone);
		memset(&other, 0, sizeof other);
		make_request(&other, 4);
		client_signs(&other);
		memcpy(s.bundle, other.bundle, sizeof s.bundle);
		s.r.asked = other.r.asked;
		CU_ASSERT(says(judge_sample(&s), "another request's"));
		/* Nobody asked, though all members say it was executed. */
		sample_make(&s, 7, alone);
		s.r.asked.b[0] ^= 1;
		CU_ASSERT(says(judge_sample(&s), "nobody asked"));
	}
	/* A refusal is shown like a result. */
	struct result x = { SESSION, 3, RESULT_AFTER, 0, NULL, 0 };
	sample_make(&s, 7, 0);
	s.r.result_bytes = result_encode(&x, s.result, sizeof s.result);
	put_in_proposal(&s);
	members_sign(&s, 7, 0);
	CU_ASSERT_PTR_NULL(judge_sample(&s));
}

static void a_place_that_is_none(void)
{
	struct sample s;
	cluster_make(4);
	static const uint16_t bad[][2] = { { 0, 0 }, { 0, 2 }, { 5, 5 }, { 513, 2 }, { 65535, 2 }, { 65535, 65534 }, { 2, 65535 } };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		sample_make(&s, 7, 0);
		s.r.place.count = bad[i][0];
		s.r.place.index = bad[i][1];
		CU_ASSERT(says(judge_sample(&s), "place"));
	}
	/* A path that is too long or too short moves what follows. */
	for (int by = -1; by <= 1; by += 2) {
		sample_make(&s, 7, 0);
		s.r.place.path_count = (uint32_t)((int)s.r.place.path_count + by);
		CU_ASSERT_PTR_NOT_NULL(judge_sample(&s));
	}
	sample_make(&s, 7, 0);
	s.r.place.path[1].b[9] ^= 1;
	CU_ASSERT(says(judge_sample(&s), "signature is false"));
	sample_make(&s, 7, 0);
	s.r.place.index ^= 1;
	CU_ASSERT(says(judge_sample(&s), "signature is false"));
}

static void sequences_are_limited(void)
{
	struct sample s;
	cluster_make(4);
	sample_make(&s, 7, 0);
	s.r.seq = 0;
	CU_ASSERT(says(judge_sample(&s), "no sequence"));
	s.r.seq = BFT_SEQ_MAX + 1;
	CU_ASSERT(says(judge_sample(&s), "no sequence"));
}

/* A repeated request stands in a later proposal too, with the leaf of where it was executed: nobody can show it as executed there. */
static void a_repetition_is_no_second_place(void)
{
	struct sample s;
	struct digest first;
	cluster_make(4);
	sample_make(&s, 7, 0);
	leaf_of(&first, &s.r);
	/* All members sign the root of proposal SEQ + 4, in which that leaf stands. */
	struct statement root;
	s.r.seq = SEQ + 4;
	CU_ASSERT(reply_leaf_statement(&root, &cluster, 1, s.r.seq, &s.r.place, &first));
	for (uint32_t i = 0; i < 3; i++)
		signs(&s.r.signature[i], i, &root);
	CU_ASSERT(says(judge_sample(&s), "signature is false"));
}

/* ---- collecting ---- */

#define WALL 1700000000000u
#define RETRY 100u
#define TIMEOUT 5000u

struct told {
	uint32_t count;
	enum quorate_error error;
	uint64_t seq, number;
	size_t value_bytes;
	uint8_t receipt[8192];
	size_t receipt_bytes;
	char reason[QUORATE_REASON_BYTES];
};
static struct collector {
	struct client_core *core;
	struct client_session *session;
	uint64_t now;
	uint64_t opening;    /* the number of the last opening */
	struct digest asked; /* the last request               */
	uint64_t number;
	uint32_t sent; /* bundles */
	uint32_t liars[64];
	struct told told;
} bed;

static bool on_send(void *user, uint32_t member, enum net_class class, const uint8_t *frame, size_t n)
{
	struct bft_envelope e;
	struct bundle b;
	struct rd r = rd_of(frame, n);
	(void)user;
	(void)member;
	(void)class;
	if (!envelope_read(&r, &e) || e.type != BFT_WIRE_BUNDLE)
		return true;
	CU_ASSERT_FATAL(bundle_decode(&b, r.at, rd_left(&r)) == NULL);
	bundle_digest(&bed.asked, r.at, rd_left(&r));
	CU_ASSERT(b.reply_mask == ~(uint64_t)0); /* enough are asked to answer */
	if (b.kind == BUNDLE_OPEN)
		bed.opening = b.number;
	else
		bed.number = b.number;
	bed.sent++;
	return true;
}

static void on_random(void *user, void *out, size_t n)
{
	(void)user;
	memset(out, 3, n);
}

static void on_liar(void *user, uint32_t member, const char *what)
{
	(void)user;
	CU_ASSERT(strstr(what, "false signature") != NULL);
	bed.liars[member]++;
}

static void on_answer(void *user, const struct quorate_answer *a)
{
	struct told *t = user;
	t->count++;
	t->error = a->error;
	t->seq = a->seq;
	t->number = a->number;
	t->value_bytes = a->value_bytes;
	t->receipt_bytes = a->receipt_bytes;
	CU_ASSERT_FATAL(a->receipt_bytes <= sizeof t->receipt && (a->receipt != NULL) == (a->receipt_bytes != 0));
	if (a->receipt)
		memcpy(t->receipt, a->receipt, a->receipt_bytes);
	snprintf(t->reason, sizeof t->reason, "%s", a->reason ? a->reason : "");
}

static void tick(void)
{
	client_core_tick(bed.core, bed.now, WALL + bed.now);
}

static void run_for(uint64_t ms)
{
	uint64_t until = bed.now + ms;
	while (client_core_deadline(bed.core) <= until) {
		if (client_core_deadline(bed.core) > bed.now)
			bed.now = client_core_deadline(bed.core);
		tick();
	}
	bed.now = until;
	tick();
}

/* What a member says: honest unless the test changes it. */
struct word {
	bool late;
	bft_epoch epoch;
	uint64_t seq;
	uint8_t value, chain;
	bool forged; /* the signature is false */
};

static struct word honest(void)
{
	return (struct word){ .epoch = 1, .seq = SEQ, .value = 'k', .chain = 6 };
}

static bool say_result(uint32_t member, const struct word *w, const struct result *x)
{
	uint8_t result[64], frame[1024];
	struct digest leaves[BUNDLES];
	struct reply reply = { .seq = w->seq, .bundle = bed.asked, .result = result, .result_bytes = result_encode(x, result, sizeof result) };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = w->late ? BFT_WIRE_REPLY_LATE : BFT_WIRE_REPLY, .epoch = w->epoch };
	struct statement s;
	memset(leaves, 100, sizeof leaves);
	result_leaf(&leaves[INDEX], reply.seq, &reply.bundle, result, reply.result_bytes);
	reply.place = (struct reply_place){ .count = BUNDLES, .index = INDEX };
	memset(reply.place.chain.b, w->chain, DIGEST_BYTES);
	reply.place.path_count = merkle_path(reply.place.path, leaves, BUNDLES, INDEX);
	CU_ASSERT(reply_statement(&s, &cluster, w->epoch, &reply, w->late));
	signs(&e.signature, member, &s);
	e.signature.b[9] ^= w->forged;
	struct wr wr = wr_of(frame, sizeof frame);
	envelope_write(&wr, &e);
	size_t n = wr_done(&wr);
	n += reply_head_encode(&reply, w->late, frame + n, sizeof frame - n);
	memcpy(frame + n, result, reply.result_bytes);
	return client_core_frame(bed.core, member, frame, n + reply.result_bytes);
}

static bool say(uint32_t member, const struct word *w)
{
	uint8_t v[6] = { 2, 0, 0, 0, 'o', w->value };
	struct result x = { SESSION, bed.number, RESULT_DONE, 1, v, sizeof v };
	return say_result(member, w, &x);
}

static bool say_link(uint32_t member)
{
	uint8_t frame[4096];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_EPOCH, .epoch = 2 };
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	size_t head = wr_done(&w), n = second_epoch(frame + head, sizeof frame - head);
	return n && client_core_frame(bed.core, member, frame, head + n);
}

static void open_session(void)
{
	uint8_t id[12];
	struct wr w = wr_of(id, sizeof id);
	wr_u32(&w, 8);
	wr_u64(&w, SESSION);
	bed.session = client_session_open(bed.core, NULL, NULL);
	tick();
	struct word opened = honest();
	struct result x = { 0, bed.opening, RESULT_DONE, 1, id, sizeof id };
	for (uint32_t i = 0; i < quorum_weak(genesis.count); i++)
		CU_ASSERT(say_result(i, &opened, &x));
	CU_ASSERT_FATAL(client_session_id(bed.session) == SESSION);
	tick();
}

static void begin(uint32_t n)
{
	cluster_make(n);
	memset(&bed, 0, sizeof bed);
	struct client_core_options o = { .genesis = &genesis,
		                         .cluster = cluster,
		                         .scheme = &tagged,
		                         .key = client_key,
		                         .secret = secret_of(&client_key),
		                         .timeout_ms = TIMEOUT,
		                         .retry_ms = RETRY,
		                         .bundle_ops = 8,
		                         .send = on_send,
		                         .fill_random = on_random,
		                         .liar = on_liar };
	bed.now = 1000;
	bed.core = client_core_create(&o);
	client_core_time(bed.core, bed.now, WALL + bed.now);
	for (uint32_t i = 0; i < n; i++)
		client_core_link(bed.core, i, true);
	open_session();
	tags_verified = 0;
}

static void end(void)
{
	client_core_destroy(bed.core);
}

static void ask(void)
{
	struct quorate_op one = { "put", 3 };
	memset(&bed.told, 0, sizeof bed.told);
	CU_ASSERT(client_session_submit_receipt(bed.session, &one, 1, on_answer, &bed.told) == QUORATE_OK);
	tick();
	bed.sent = 0;
}

/* It was told, and what came with it holds. */
static bool shown(bft_mask signers, bft_mask alone)
{
	static struct receipt out;
	const struct told *t = &bed.told;
	return t->count == 1 && t->error == QUORATE_OK && !*t->reason && t->value_bytes == 2 &&
	       !receipt_verify(&out, t->receipt, t->receipt_bytes, fresh_keys(), &cluster, &tagged) && out.signers == signers && out.alone == alone &&
	       out.seq == t->seq && out.request.number == t->number;
}

static void it_waits_for_q(void)
{
	struct word w = honest(), late = w;
	late.late = true;
	begin(4);
	ask();
	CU_ASSERT(say(0, &w) && say(1, &w) && bed.told.count == 0); /* f+1: an answer, and no receipt */
	CU_ASSERT(say(1, &w) && say(1, &late) && bed.told.count == 0);
	CU_ASSERT(say(3, &w) && shown(11, 0));
	CU_ASSERT(say(2, &w) && bed.told.count == 1);
	/* Who asks for none has no signature looked at. */
	tags_verified = 0;
	CU_ASSERT(client_session_submit(bed.session, "op", 2, on_answer, &bed.told) == QUORATE_OK);
	tick();
	w.forged = true;
	CU_ASSERT(say(0, &w) && say(1, &w) && bed.told.count == 2 && bed.told.receipt_bytes == 0 && tags_verified == 0);
	end();
}

static void members_are_asked_again(void)
{
	struct word w = honest(), late = w;
	late.late = true;
	begin(4);
	ask();
	CU_ASSERT(say(0, &w) && say(1, &w));
	run_for(RETRY + 1);
	CU_ASSERT(bed.sent == 4 && bed.told.count == 0); /* after the answer, for what is missing */
	CU_ASSERT(say(0, &late) && bed.told.count == 0); /* said before */
	CU_ASSERT(say(2, &late) && shown(7, 4));
	end();
}

static void a_false_signature_counts_for_nothing(void)
{
	struct word w = honest(), lie = w;
	lie.forged = true;
	begin(4);
	ask();
	CU_ASSERT(!say(3, &lie) && bed.liars[3] == 1);
	CU_ASSERT(say(0, &w) && bed.told.count == 0);
	CU_ASSERT(!say(3, &lie) && bed.told.count == 0); /* not even for the answer */
	CU_ASSERT(say(1, &w) && !say(3, &lie) && bed.told.count == 0);
	CU_ASSERT(say(2, &w) && shown(7, 0));
	CU_ASSERT(bed.liars[3] == 3 && bed.liars[0] + bed.liars[1] + bed.liars[2] == 0);
	end();
	/* And costs a few checks, not one for each lie. */
	begin(4);
	ask();
	for (int i = 0; i < 1000; i++) {
		lie.value = (uint8_t)i;
		CU_ASSERT(!say(3, &lie));
	}
	CU_ASSERT(tags_verified == CLIENT_CHECKS_MAX && bed.liars[3] == CLIENT_CHECKS_MAX);
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT(say(i, &w));
	CU_ASSERT(shown(7, 0));
	end();
}

/* A true signature over something else stands in no receipt with the others'. */
static void who_says_something_else_is_left_out(void)
{
	struct word w = honest(), other = w;
	for (int what = 0; what < 3; what++) {
		begin(4);
		ask();
		other = w;
		other.value ^= what == 0;
		other.seq += what == 1;
		other.chain ^= what == 2; /* the same result, in another history */
		CU_ASSERT(say(0, &w) && say(3, &other) && say(1, &w) && bed.told.count == 0);
		CU_ASSERT(say(2, &w) && shown(7, 0));
		end();
	}
	/* Alone it signs the leaf only, and that is the same. */
	begin(4);
	ask();
	other = w;
	other.chain ^= 1;
	CU_ASSERT(say(3, &other) && say(0, &w) && say(1, &w) && bed.told.count == 0);
	other.late = true;
	CU_ASSERT(say(2, &other) && shown(7, 4));
	end();
}

/* Members cross a border while they answer: who signed in the old epoch is asked again, and signs in the new one. */
static void an_epoch_ends_meanwhile(void)
{
	struct word w = honest(), next = w;
	next.epoch = 2;
	next.late = true;
	begin(4);
	ask();
	/* What is signed in an epoch that is not known yet counts for nothing, and against nobody. */
	CU_ASSERT(say(0, &w) && say(1, &w) && say(2, &next) && bed.told.count == 0 && bed.liars[2] == 0);
	tick();
	CU_ASSERT(say_link(2));
	run_for(RETRY + 1);
	CU_ASSERT(say(2, &next) && say(0, &next) && bed.told.count == 0);
	CU_ASSERT(say(3, &next) && shown(13, 13));
	end();
}

static void time_is_over(void)
{
	struct word w = honest();
	begin(4);
	ask();
	CU_ASSERT(say(0, &w) && say(1, &w));
	run_for(TIMEOUT);
	const struct told *t = &bed.told;
	CU_ASSERT(t->count == 1 && t->error == QUORATE_OK && t->seq == SEQ && t->value_bytes == 2 && t->receipt_bytes == 0);
	CU_ASSERT(strstr(t->reason, "it was executed") && strstr(t->reason, "2 of 4"));
	/* It goes on where it was. */
	memset(&bed.told, 0, sizeof bed.told);
	CU_ASSERT(client_session_ask_again(bed.session, bed.number, on_answer, &bed.told) == QUORATE_OK);
	tick();
	w.late = true;
	CU_ASSERT(say(0, &w) && bed.told.count == 0);
	CU_ASSERT(say(3, &w) && shown(11, 8));
	/* Without an answer it is unknown, as ever. */
	ask();
	w = honest();
	CU_ASSERT(say(0, &w));
	run_for(TIMEOUT);
	CU_ASSERT(t->count == 1 && t->error == QUORATE_UNKNOWN && t->receipt_bytes == 0);
	/* And what waits for its receipt when the session is given up is told once. */
	ask();
	CU_ASSERT(say(0, &w) && say(1, &w) && t->count == 0);
	client_session_close(bed.session);
	run_for(10);
	CU_ASSERT(t->count == 1 && t->error == QUORATE_UNKNOWN);
	end();
}

static void refusals(void)
{
	struct word w = honest();
	begin(4);
	ask();
	struct result after = { SESSION, bed.number, RESULT_AFTER, 0, NULL, 0 };
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT(say_result(i, &w, &after));
	CU_ASSERT(bed.told.count == 1 && bed.told.error == QUORATE_REFUSED && *bed.told.reason);
	static struct receipt out;
	CU_ASSERT(!receipt_verify(&out, bed.told.receipt, bed.told.receipt_bytes, fresh_keys(), &cluster, &tagged) && out.outcome.status == RESULT_AFTER);
	/* One that never was in the order is an answer at once, and nothing to show. */
	ask();
	struct result old = { SESSION, bed.number, RESULT_TOO_OLD, 0, NULL, 0 };
	w.seq = 0;
	w.late = true;
	CU_ASSERT(say_result(0, &w, &old) && say_result(1, &w, &old));
	CU_ASSERT(bed.told.count == 1 && bed.told.error == QUORATE_UNKNOWN && bed.told.receipt_bytes == 0);
	end();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "q signatures prove it", q_signatures_prove_it },
		{ "the two forms count together", the_two_forms_count_together },
		{ "a flipped bit, or a missing byte", a_flipped_bit_or_a_missing_byte },
		{ "too few, or strange, signers", too_few_or_strange_signers },
		{ "another cluster or epoch", another_cluster_or_epoch },
		{ "it counts the members of its epoch", it_counts_the_members_of_its_epoch },
		{ "what was asked and answered", what_was_asked_and_answered },
		{ "a place that is none", a_place_that_is_none },
		{ "sequences are limited", sequences_are_limited },
		{ "a repetition is no second place", a_repetition_is_no_second_place },
		{ "it waits for q", it_waits_for_q },
		{ "members are asked again", members_are_asked_again },
		{ "a false signature counts for nothing", a_false_signature_counts_for_nothing },
		{ "who says something else is left out", who_says_something_else_is_left_out },
		{ "of a later epoch", of_a_later_epoch },
		{ "an epoch ends meanwhile", an_epoch_ends_meanwhile },
		{ "time is over", time_is_over },
		{ "refusals", refusals },
		{ 0 },
	};
	return unit_main("receipt", cases);
}
