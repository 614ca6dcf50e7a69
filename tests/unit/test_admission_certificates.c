/* Admission: messages that carry proofs, whole and spoiled. */
#include "tests/unit/admission_bed.h"

struct proof {
	enum certificate_kind kind;
	bft_seq seq;
	struct digest digest;
	uint8_t count;
	int false_at; /* whose signature is false; -1: nobody's */
	bft_epoch epoch;
	bool commits; /* of a PREPARED one: leaves of the wrong kind */
};

/* By members 0, 2, 3 (and 1). */
static size_t prove(const struct proof *p, uint8_t *bytes, size_t capacity)
{
	static const uint8_t by[DBED_N] = { 0, 1, 2, 3 };
	static struct certificate c;
	memset(&c, 0, sizeof c);
	c.epoch = p->epoch ? p->epoch : 1;
	c.kind = p->kind;
	c.seq = p->seq;
	c.digest = p->digest;
	for (uint8_t i = 0, k = 0; i < DBED_N && k < p->count; i++) {
		uint8_t m = by[i], encoded[256];
		struct digest d;
		struct statement s;
		struct signature signature;
		if (m == DBED_SELF && p->count < DBED_N)
			continue;
		const struct bft_votes *v = NULL;
		uint8_t kind = m == 0 ? BFT_LEAF_PRE_PREPARE : BFT_LEAF_PREPARE;
		if (p->kind == CERTIFICATE_PREPARED) {
			v = dbed_votes(0, p->commits ? BFT_LEAF_COMMIT : kind, p->seq, p->digest);
			votes_digest_of(&d, v);
			statement_make(&s, DOMAIN_VOTES, &b.cluster, c.epoch, &d);
		} else {
			struct wr w = wr_of(encoded, sizeof encoded);
			wr_u64(&w, p->seq);
			wr_bytes(&w, p->digest.b, DIGEST_BYTES);
			if (p->kind == CERTIFICATE_SNAPSHOT)
				wr_bytes(&w, c.root.b, DIGEST_BYTES);
			uint16_t type = p->kind == CERTIFICATE_SNAPSHOT ? PBFT_SNAPSHOT : PBFT_CHECKPOINT;
			pbft_body_digest(&d, type, encoded, wr_done(&w));
			statement_make(&s, pbft_domain(type), &b.cluster, c.epoch, &d);
		}
		sign_ed25519.sign(&signature, &s, &b.secret[m]);
		if (p->false_at == m)
			signature.b[1] ^= 1;
		CU_ASSERT_TRUE(certificate_add(&c, m, v, p->commits ? BFT_LEAF_COMMIT : kind, &signature));
		k++;
	}
	return certificate_encode(&c, bytes, capacity);
}

static uint8_t tail[8192];

/* Says `body` with what `proofs` prove behind it; the last `cut` bytes are left away. */
static void say_proved(uint16_t type, const struct proof *proofs, size_t count, size_t cut)
{
	size_t n = 0;
	for (size_t i = 0; i < count; i++)
		n += prove(&proofs[i], tail + n, sizeof tail - n);
	struct dbed_say how = { .link = 2, .signer = 2, .tail = tail, .tail_n = n - (cut < n ? cut : n) };
	dbed_say_as(&b, &how, type, &body);
	dbed_turn(&b);
}

/* Everything that may be wrong with the only proof of `body`: each costs something, and nothing is believed. */
static void wrong_proofs(uint16_t type, const struct proof *right, bool (*believed)(void))
{
	struct proof all[16], twice[2] = { *right, *right };
	size_t count = 0;
	for (size_t i = 0; i < 16; i++)
		all[i] = *right;
	all[count++].seq += DBED_K;
	all[count++].digest.b[0] ^= 1;
	all[count++].kind = right->kind == CERTIFICATE_PREPARED ? CERTIFICATE_CHECKPOINT : CERTIFICATE_PREPARED;
	all[count++].kind = CERTIFICATE_SNAPSHOT;
	all[count++].count = DBED_Q - 1;
	all[count++].epoch = 2;
	if (right->kind == CERTIFICATE_PREPARED)
		all[count++].commits = true;
	for (size_t i = 0; i < count; i++) {
		uint64_t blamed_was = blamed(), bad_was = bad();
		say_proved(type, &all[i], 1, 0);
		/* Seen without looking at a signature, but for votes of another kind, which only the signature tells. */
		CU_ASSERT_EQUAL(blamed(), blamed_was + !all[i].commits);
		CU_ASSERT_EQUAL(bad(), bad_was + all[i].commits);
	}
	size_t n = prove(right, tail, sizeof tail);
	for (size_t cut = 1; cut <= n; cut += 7) {
		uint64_t was = blamed();
		say_proved(type, right, 1, cut);
		CU_ASSERT_EQUAL(blamed(), was + 1);
	}
	uint64_t was = blamed();
	say_proved(type, right, 0, 0);
	CU_ASSERT_EQUAL(blamed(), was + 1);
	say_proved(type, twice, 2, 0); /* more than is asked for */
	CU_ASSERT_EQUAL(blamed(), was + 2);
	static const uint8_t members[] = { 0, 2, 3 };
	for (int i = 0; i < 3; i++) {
		struct proof p = *right;
		p.false_at = members[i];
		uint64_t false_before = bad();
		dbed_forget(&b);
		say_proved(type, &p, 1, 0);
		CU_ASSERT_EQUAL(bad(), false_before + 1);
		CU_ASSERT_EQUAL(b.closed[2], 1); /* whoever shows it pays */
	}
	CU_ASSERT_FALSE(believed());
	uint64_t blamed_before = blamed(), bad_before = bad();
	say_proved(type, right, 1, 0);
	CU_ASSERT_TRUE(blamed() == blamed_before && bad() == bad_before);
	CU_ASSERT_TRUE(believed());
}

/* What is held is what my STATUS claims. */
static bool believed_view_change(void)
{
	static union pbft_body m;
	dbed_forget(&b);
	dbed_pass(&b, 1100);
	for (uint32_t i = b.frames_count; i--;) {
		const struct dbed_frame *f = &b.frame[i];
		if (!f->client && f->e.type == PBFT_STATUS && pbft_decode(PBFT_STATUS, &m, f->body, f->n))
			return m.status.view == 1 && (m.status.view_changes & BFT_BIT(2));
	}
	return false;
}

static void a_view_change_proves_what_it_says(void)
{
	dbed_create(&b);
	/* This replica changes views itself, so that it tells what it holds of the next. */
	struct pbft_suspect suspect = { .view = 0, .standing = 1 };
	dbed_say(&b, 0, PBFT_SUSPECT, &suspect);
	dbed_say(&b, 3, PBFT_SUSPECT, &suspect);
	CU_ASSERT_EQUAL(dbed_standing(&b).view, 1);
	fill(PBFT_VIEW_CHANGE);
	body.view_change.count = 1;
	body.view_change.prepared[0] = (struct pbft_prepared){ .seq = 1, .view = 0, .digest = some(9) };
	struct proof right = { .kind = CERTIFICATE_PREPARED, .seq = 1, .digest = some(9), .count = DBED_Q, .false_at = -1 };
	wrong_proofs(PBFT_VIEW_CHANGE, &right, believed_view_change);
	/* From the beginning there is nothing to prove, but it is known. */
	memset(&body, 0, sizeof body);
	body.view_change.view = 2;
	body.view_change.chain = some(3);
	uint64_t was = blamed();
	dbed_say(&b, 2, PBFT_VIEW_CHANGE, &body);
	CU_ASSERT_EQUAL(blamed(), was + 1);
	dbed_destroy(&b);
}

static void each_entry_of_a_view_change_is_proved(void)
{
	struct proof p[3] = { { CERTIFICATE_CHECKPOINT, DBED_K, some(5), DBED_Q, -1, 0, false },
		              { CERTIFICATE_PREPARED, 3, some(6), DBED_Q, -1, 0, false },
		              { CERTIFICATE_PREPARED, 5, some(7), DBED_Q, -1, 0, false } };
	struct proof swapped[3] = { p[0], p[2], p[1] }, first_last[3] = { p[1], p[2], p[0] };
	dbed_create(&b);
	fill(PBFT_VIEW_CHANGE);
	body.view_change.stable = DBED_K;
	body.view_change.chain = some(5);
	body.view_change.count = 2;
	body.view_change.prepared[0] = (struct pbft_prepared){ .seq = 3, .digest = some(6) };
	body.view_change.prepared[1] = (struct pbft_prepared){ .seq = 5, .digest = some(7) };
	say_proved(PBFT_VIEW_CHANGE, swapped, 3, 0);
	CU_ASSERT_EQUAL(blamed(), 1);
	say_proved(PBFT_VIEW_CHANGE, first_last, 3, 0);
	CU_ASSERT_EQUAL(blamed(), 2);
	say_proved(PBFT_VIEW_CHANGE, p, 2, 0);
	CU_ASSERT_EQUAL(blamed(), 3);
	say_proved(PBFT_VIEW_CHANGE, p + 1, 2, 0);
	CU_ASSERT_EQUAL(blamed(), 4);
	p[2].false_at = 3;
	say_proved(PBFT_VIEW_CHANGE, p, 3, 0);
	CU_ASSERT_TRUE(blamed() == 4 && bad() == 1);
	p[2].false_at = -1;
	say_proved(PBFT_VIEW_CHANGE, p, 3, 0);
	CU_ASSERT_TRUE(blamed() == 4 && bad() == 1);
	dbed_destroy(&b);
}

static bool believed_stable(void)
{
	return dbed_standing(&b).stable == DBED_K;
}

static void a_stable_checkpoint_is_proved(void)
{
	dbed_create(&b);
	fill(PBFT_CHECKPOINT);
	struct proof right = { .kind = CERTIFICATE_CHECKPOINT, .seq = DBED_K, .digest = some(1), .count = DBED_Q, .false_at = -1 };
	wrong_proofs(PBFT_STABLE, &right, believed_stable);
	dbed_destroy(&b);
}

/* Two empty proposals and their chain. */
static void make_chain(struct proof *right)
{
	struct digest null, none;
	memset(&body, 0, sizeof body);
	body.chain = (struct bft_chain){ .from = 1, .count = DBED_K, .end = DBED_K, .chain = b.cluster };
	proposal_null_digest(&null, &b.cluster);
	results_root(&none, NULL, 0);
	for (uint16_t i = 0; i < DBED_K; i++) {
		struct digest before = body.chain.chain;
		body.chain.entry[i].proposal = null;
		body.chain.entry[i].results = none;
		chain_next(&body.chain.chain, &before, i + 1u, &null, &none);
	}
	*right = (struct proof){ .kind = CERTIFICATE_CHECKPOINT, .seq = DBED_K, .digest = body.chain.chain, .count = DBED_Q, .false_at = -1 };
}

static bool believed_chain(void)
{
	return dbed_standing(&b).executed == DBED_K;
}

static void a_chain_is_proved(void)
{
	struct proof right;
	dbed_create(&b);
	make_chain(&right);
	wrong_proofs(PBFT_CHAIN, &right, believed_chain);
	struct standing now = dbed_standing(&b);
	CU_ASSERT_TRUE(digest_equal(&now.chain, &right.digest));
	dbed_destroy(&b);
}

static void entries_that_do_not_make_the_chain_are_refused(void)
{
	struct proof right;
	dbed_create(&b);
	make_chain(&right);
	body.chain.entry[0].results.b[0] ^= 1;
	say_proved(PBFT_CHAIN, &right, 1, 0);
	CU_ASSERT_TRUE(blamed() == 1 && dbed_standing(&b).executed == 0);
	/* What nobody asked for is not even looked at. */
	make_chain(&right);
	body.chain.from = 3;
	body.chain.end = 2 + DBED_K;
	say_proved(PBFT_CHAIN, &right, 1, 0);
	CU_ASSERT_EQUAL(blamed(), 1);
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a VIEW-CHANGE proves what it says", a_view_change_proves_what_it_says },
		{ "each entry of a VIEW-CHANGE is proved", each_entry_of_a_view_change_is_proved },
		{ "a stable checkpoint is proved", a_stable_checkpoint_is_proved },
		{ "a CHAIN is proved", a_chain_is_proved },
		{ "entries that do not make the chain are refused", entries_that_do_not_make_the_chain_are_refused },
		{ 0 },
	};
	return unit_main("admission_certificates", cases);
}
