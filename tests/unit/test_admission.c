/* Admission: what a liar sends instead, message by message, to a whole replica; what it costs, and whom; and that honest ones get through beside it. */
#include "replica/driver_state.h"
#include "tests/unit/driver_bed.h"

static struct dbed b;

static struct digest some(uint8_t i)
{
	struct digest d;
	memset(d.b, i, sizeof d.b);
	return d;
}

/* What it cost so far: refusals that count against a link, and false signatures. */
static uint64_t blamed(void)
{
	return dbed_counts(&b).blamed;
}

static uint64_t bad(void)
{
	return dbed_counts(&b).bad_signatures;
}

/* ---- the honest story, so that what follows is a departure from it ---- */

static void a_request_is_ordered_executed_and_answered(void)
{
	dbed_create(&b);
	uint64_t s = dbed_session(&b, 5, 0, 1);
	const struct dbed_frame *f = dbed_told(&b, 5, BFT_WIRE_REPLY);
	struct reply reply;
	struct result result;
	struct statement statement;
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_TRUE_FATAL(reply_decode(&reply, false, f->body, f->n) && result_decode(&result, reply.result, reply.result_bytes));
	CU_ASSERT_TRUE(reply.seq == 1 && result.status == RESULT_DONE && result.number == 77);
	CU_ASSERT_TRUE(reply_statement(&statement, &b.cluster, 1, &reply, false));
	CU_ASSERT_TRUE(sign_ed25519.verify(&f->e.signature, &statement, &b.key[DBED_SELF]));
	struct rd r = rd_of(result.values, result.values_bytes);
	uint32_t n;
	uint64_t session = 0;
	CU_ASSERT_TRUE(rd_u32(&r, &n) && rd_u64(&r, &session) && session == s);
	CU_ASSERT_TRUE(blamed() == 0 && bad() == 0 && b.memory_lost == 0 && !driver_failed(b.driver));
	dbed_destroy(&b);
}

static void a_request_executed_is_answered_from_its_record(void)
{
	struct reply reply;
	struct result result;
	struct statement statement;
	dbed_create(&b);
	uint64_t s = dbed_session(&b, 5, 0, 1);
	struct dbed_bundle x = dbed_request(&b, 0, s, 1, 8), old;
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_agree(&b, 2, p.digest);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 2);
	dbed_forget(&b);
	/* Again, by another link: at once, and nobody else hears of it. */
	dbed_client_bundle(&b, 6, 0, &x);
	dbed_turn(&b);
	const struct dbed_frame *f = dbed_told(&b, 6, BFT_WIRE_REPLY_LATE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(b.frames_count, 1);
	CU_ASSERT_TRUE_FATAL(reply_decode(&reply, true, f->body, f->n) && result_decode(&result, reply.result, reply.result_bytes));
	CU_ASSERT_TRUE(reply.seq == 2 && result.status == RESULT_DONE && result.number == 1 && result.session == s);
	CU_ASSERT_TRUE(reply_statement(&statement, &b.cluster, 1, &reply, true));
	CU_ASSERT_TRUE(sign_ed25519.verify(&f->e.signature, &statement, &b.key[DBED_SELF]));
	/* Another key learns nothing: it is not answered from there. */
	struct bundle head;
	CU_ASSERT_PTR_NULL(bundle_decode(&head, x.bytes, x.n));
	head.key = b.client_key[1];
	struct dbed_bundle stolen = dbed_sign_bundle(&b, 1, &head);
	dbed_forget(&b);
	dbed_client_bundle(&b, 7, 1, &stolen);
	dbed_turn(&b);
	CU_ASSERT_PTR_NULL(dbed_told(&b, 7, BFT_WIRE_REPLY_LATE));
	/* What is passed on by a replica and executed here already is not answered nor taken. */
	dbed_forget(&b);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .signature = x.signature };
	dbed_frame_in(&b, 2, &e, x.bytes, x.n, NULL, 0);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(b.frames_count, 0);
	/* Too old for ever: said at once. */
	struct dbed_bundle later = dbed_request(&b, 0, s, 1 + b.genesis.limits.session_window, 8);
	p = dbed_propose(&b, DBED_WALL, &later, 1);
	dbed_push(&b, 0, &p, &later, 1);
	dbed_agree(&b, 3, p.digest);
	old = dbed_request(&b, 0, s, 1, 9);
	dbed_forget(&b);
	dbed_client_bundle(&b, 6, 0, &old);
	dbed_turn(&b);
	f = dbed_told(&b, 6, BFT_WIRE_REPLY_LATE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_TRUE(reply_decode(&reply, true, f->body, f->n) && result_decode(&result, reply.result, reply.result_bytes));
	CU_ASSERT_EQUAL(result.status, RESULT_TOO_OLD);
	free(x.bytes);
	free(stolen.bytes);
	free(later.bytes);
	free(old.bytes);
	dbed_destroy(&b);
}

/* ---- envelopes ---- */

static void a_frame_without_an_envelope_costs_the_link(void)
{
	static const uint8_t zeros[BFT_FRAME_HEAD_BYTES];
	uint8_t frame[BFT_FRAME_HEAD_BYTES + 8] = { 0 };
	dbed_create(&b);
	for (size_t n = 0; n < BFT_FRAME_HEAD_BYTES; n++)
		driver_member_frame(b.driver, 2, zeros, n);
	CU_ASSERT_EQUAL(b.closed[2], BFT_FRAME_HEAD_BYTES);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = PBFT_STATUS, .epoch = 1 };
	static const uint16_t versions[] = { 0, 2, 256, UINT16_MAX };
	for (int i = 0; i < 4; i++) {
		struct wr w = wr_of(frame, sizeof frame);
		envelope_write(&w, &e);
		frame[1] = (uint8_t)versions[i];
		frame[2] = (uint8_t)(versions[i] >> 8);
		driver_member_frame(b.driver, 3, frame, sizeof frame);
		CU_ASSERT_EQUAL(b.closed[3], (uint32_t)i + 1);
	}
	/* Who is no member is not heard at all. */
	driver_member_frame(b.driver, DBED_N, frame, sizeof frame);
	driver_member_frame(b.driver, 255, frame, sizeof frame);
	dbed_destroy(&b);
}

static void unknown_types_are_refused(void)
{
	static const uint16_t types[] = { 0,   BFT_WIRE_REPLY, BFT_WIRE_REPLY_LATE, BFT_WIRE_REFUSED, BFT_WIRE_ATTACH, BFT_WIRE_STANDING, 15, PBFT_TYPE_END,
		                          255, UINT16_MAX };
	static const uint8_t body[32];
	dbed_create(&b);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = types[i], .epoch = 1 };
		dbed_frame_in(&b, 2, &e, body, sizeof body, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), i + 1);
	}
	dbed_turn(&b);
	CU_ASSERT_EQUAL(b.closed[2], 1);
	CU_ASSERT_EQUAL(b.closed[3], 0);
	dbed_destroy(&b);
}

/* Eight within ten seconds: one slip is forgiven, and forgotten. */
static void refusals_add_up_and_decay(void)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = 255, .epoch = 1 };
	dbed_create(&b);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 7; i++)
			dbed_frame_in(&b, 2, &e, NULL, 0, NULL, 0);
		dbed_turn(&b);
		CU_ASSERT_EQUAL(b.closed[2], 0);
		dbed_pass(&b, 10001);
	}
	for (int i = 0; i < 8; i++)
		dbed_frame_in(&b, 2, &e, NULL, 0, NULL, 0);
	CU_ASSERT_EQUAL(b.closed[2], 0); /* not within the call */
	dbed_turn(&b);
	CU_ASSERT_EQUAL(b.closed[2], 1);
	dbed_destroy(&b);
}

/* ---- one well-formed message of every type, that the core can use now ---- */

static union pbft_body body;

static bool fill(uint16_t type)
{
	memset(&body, 0, sizeof body);
	switch ((enum pbft_type)type) {
	case PBFT_VOTES: body.votes = *dbed_votes(0, BFT_LEAF_COMMIT, 3, some(1)); return true;
	case PBFT_SUSPECT: body.suspect.standing = 1; return true;
	case PBFT_VIEW_CHANGE:
		body.view_change.view = 1;
		body.view_change.chain = b.cluster;
		return true;
	case PBFT_NEW_VIEW:
		body.new_view.view = 2;
		body.new_view.chain = b.cluster;
		body.new_view.sources_count = DBED_Q;
		for (uint8_t i = 0; i < DBED_Q; i++) {
			body.new_view.source[i].member = i;
			body.new_view.source[i].digest = some(i);
		}
		return true;
	case PBFT_CHECKPOINT: body.checkpoint = (struct bft_checkpoint){ .seq = DBED_K, .chain = some(1) }; return true;
	case PBFT_SNAPSHOT: body.snapshot = (struct bft_snapshot){ .seq = DBED_K, .chain = some(1), .root = some(2) }; return true;
	case PBFT_STATUS: return true;
	case PBFT_RECALL: return true;
	case PBFT_RECALL_DONE: return true;
	case PBFT_FETCH_VIEW_CHANGE: body.fetch_view_change.digest = some(1); return true;
	case PBFT_CHAIN: body.chain = (struct bft_chain){ .from = 1, .end = 4, .chain = some(1) }; return true;
	case PBFT_FETCH_CHAIN: body.fetch_chain.from = 1; return true;
	case PBFT_PASS_OVER: body.pass_over.member = 1; return true;
	case PBFT_STABLE: /* needs a certificate: below */
	case PBFT_TYPE_END: break;
	}
	return false;
}

static void another_epoch_is_not_heard(void)
{
	static const uint64_t epochs[] = { 2, 7, UINT64_MAX };
	dbed_create(&b);
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++)
		for (int i = 0; i < 3 && fill(type); i++) {
			struct dbed_say how = { .link = 2, .signer = 2, .epoch = epochs[i] };
			dbed_say_as(&b, &how, type, &body);
		}
	/* Honest, from across a border: it costs nothing. */
	CU_ASSERT_TRUE(blamed() == 0 && bad() == 0 && b.closed[2] == 0);
	CU_ASSERT_EQUAL(b.frames_count, 0);
	dbed_destroy(&b);
}

static void every_wrong_length_is_refused(void)
{
	static uint8_t bytes[4096];
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		dbed_create(&b);
		if (!fill(type)) {
			dbed_destroy(&b);
			continue;
		}
		size_t n = pbft_encode(type, &body, bytes, sizeof bytes);
		for (size_t cut = 1; cut <= n; cut++) {
			struct dbed_say how = { .link = 2, .signer = 2, .cut = cut };
			uint64_t was = blamed();
			dbed_say_as(&b, &how, type, &body);
			CU_ASSERT_EQUAL(blamed(), was + 1);
		}
		uint64_t was = blamed();
		struct dbed_say how = { .link = 2, .signer = 2, .extra = 1 };
		dbed_say_as(&b, &how, type, &body);
		CU_ASSERT_TRUE(blamed() == was + 1 || type == PBFT_FETCH_CHAIN);
		how.extra = 64;
		dbed_say_as(&b, &how, type, &body);
		CU_ASSERT_TRUE(blamed() == was + 2 || type == PBFT_FETCH_CHAIN);
		CU_ASSERT_EQUAL(bad(), 0);
		dbed_destroy(&b);
	}
}

static void as_it_should_be_it_is_taken(void)
{
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		dbed_create(&b);
		if (fill(type)) {
			dbed_say(&b, 2, type, &body);
			CU_ASSERT_TRUE(blamed() == 0 && bad() == 0 && b.closed[2] == 0);
		}
		dbed_destroy(&b);
	}
}

static void only_statements_are_passed_on(void)
{
	dbed_create(&b);
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		bool may = type == PBFT_VOTES || type == PBFT_VIEW_CHANGE || type == PBFT_NEW_VIEW || type == PBFT_CHECKPOINT || type == PBFT_SNAPSHOT;
		if (!fill(type))
			continue;
		uint64_t was = blamed();
		struct dbed_say how = { .link = 3, .signer = 2 };
		dbed_say_as(&b, &how, type, &body);
		CU_ASSERT_EQUAL(blamed(), was + !may);
	}
	CU_ASSERT_EQUAL(bad(), 0);
	/* Of somebody who is nobody. */
	fill(PBFT_CHECKPOINT);
	static uint8_t bytes[256];
	size_t n = pbft_encode(PBFT_CHECKPOINT, &body, bytes, sizeof bytes);
	for (uint32_t signer = DBED_N; signer < 255; signer += 50) {
		uint64_t was = blamed();
		struct bft_envelope e = dbed_envelope(&b, 2, PBFT_CHECKPOINT, bytes, n);
		e.signer = (uint8_t)signer;
		dbed_frame_in(&b, 3, &e, bytes, n, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 1);
	}
	dbed_destroy(&b);
}

/* ---- signatures ---- */

static void a_false_signature_costs_the_link(void)
{
	static const uint16_t types[] = { PBFT_VIEW_CHANGE, PBFT_NEW_VIEW, PBFT_CHECKPOINT, PBFT_SNAPSHOT, PBFT_VOTES };
	for (int i = 0; i < 5; i++) {
		dbed_create(&b);
		fill(types[i]);
		body.votes.leaf[0].kind = types[i] == PBFT_VOTES ? BFT_LEAF_PREPARE : body.votes.leaf[0].kind;
		struct dbed_say how = { .link = 2, .signer = 2, .false_signature = true };
		dbed_say_as(&b, &how, types[i], &body);
		dbed_turn(&b);
		CU_ASSERT_TRUE(bad() == 1 && b.closed[2] == 1 && b.closed[3] == 0);
		dbed_destroy(&b);
	}
}

/* What needs only the channel is acted on unseen, until its sender is caught. */
static void who_was_caught_needs_signatures(void)
{
	struct digest d = some(1);
	dbed_create(&b);
	struct dbed_say lie = { .link = 2, .signer = 2, .false_signature = true };
	dbed_say_as(&b, &lie, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 1, d));
	CU_ASSERT_TRUE(bad() == 0 && b.closed[2] == 0);
	dbed_say_as(&b, &lie, PBFT_VOTES, dbed_votes(0, BFT_LEAF_PREPARE, 1, d));
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[2] == 1);
	dbed_say_as(&b, &lie, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 2, d));
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 2 && b.closed[2] == 2);
	fill(PBFT_STATUS);
	dbed_say_as(&b, &lie, PBFT_STATUS, &body);
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 3 && b.closed[2] == 3);
	/* It may still speak the truth; and nobody else is touched. */
	dbed_leaf(&b, 2, BFT_LEAF_COMMIT, 3, d);
	struct dbed_say other = { .link = 3, .signer = 3, .false_signature = true };
	dbed_say_as(&b, &other, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 2, d));
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 3 && b.closed[2] == 3 && b.closed[3] == 0);
	dbed_destroy(&b);
}

/* Whoever passes something on has checked it: the one who did not pays, not the one who is named. */
static void a_false_statement_of_another_costs_the_messenger(void)
{
	struct digest d = some(1);
	dbed_create(&b);
	struct dbed_say how = { .link = 3, .signer = 2, .false_signature = true };
	dbed_say_as(&b, &how, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 1, d)); /* not even a COMMIT is taken unseen */
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[3] == 1 && b.closed[2] == 0);
	struct dbed_say lazily = { .link = 2, .signer = 2, .false_signature = true };
	dbed_say_as(&b, &lazily, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, 2, d));
	CU_ASSERT_EQUAL(bad(), 1); /* 2 is still trusted on its channel */
	dbed_destroy(&b);
}

static void a_statement_of_mine_that_i_never_made_ends_my_voting(void)
{
	struct digest d = some(1);
	dbed_create(&b);
	/* A false one does nothing to me. */
	struct dbed_say how = { .link = 2, .signer = DBED_SELF, .false_signature = true };
	dbed_say_as(&b, &how, PBFT_VOTES, dbed_votes(0, BFT_LEAF_PREPARE, 1, d));
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[2] == 1 && b.memory_lost == 0);
	CU_ASSERT_NOT_EQUAL(dbed_standing(&b).role, STANDING_OBSERVER);
	how.false_signature = false;
	dbed_say_as(&b, &how, PBFT_VOTES, dbed_votes(0, BFT_LEAF_PREPARE, 1, d));
	dbed_turn(&b);
	CU_ASSERT_TRUE(b.memory_lost >= 1);
	CU_ASSERT_EQUAL(dbed_standing(&b).role, STANDING_OBSERVER);
	CU_ASSERT_FALSE(driver_failed(b.driver));
	/* It executes and signs no vote; clients are sent elsewhere. */
	dbed_forget(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 77);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_client_bundle(&b, 5, 0, &x);
	CU_ASSERT_EQUAL(dbed_refused(&b, 5), REFUSAL_OBSERVER);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_agree(&b, 1, p.digest);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	CU_ASSERT_TRUE(dbed_sent(&b, PBFT_VOTES) == 0 && dbed_sent(&b, PBFT_CHECKPOINT) == 0);
	free(x.bytes);
	dbed_destroy(&b);
}

/* ---- certificates ---- */

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

/* ---- proposals ---- */

static void malformed_proposals_are_refused(void)
{
	dbed_create(&b);
	struct dbed_bundle x[2] = { dbed_opening(&b, 0, 1), dbed_opening(&b, 1, 1) };
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, x, 2);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_PROPOSAL, .epoch = 1 };
	for (size_t n = 0; n < p.n; n += 5) {
		uint64_t was = blamed();
		dbed_frame_in(&b, 2, &e, p.bytes, n, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 1);
	}
	uint64_t was = blamed();
	dbed_push(&b, 2, &p, x, 1); /* too few bundles */
	CU_ASSERT_EQUAL(blamed(), was + 1);
	dbed_push(&b, 2, &p, x, 0);
	CU_ASSERT_EQUAL(blamed(), was + 2);
	struct dbed_bundle three[3] = { x[0], x[1], x[0] };
	dbed_push(&b, 2, &p, three, 3);
	CU_ASSERT_EQUAL(blamed(), was + 3);
	/* More bundles than are agreed on; flags that nobody knows. */
	p.bytes[12] = 9;
	dbed_push(&b, 2, &p, x, 2);
	CU_ASSERT_EQUAL(blamed(), was + 4);
	p.bytes[12] = 255;
	p.bytes[13] = 255;
	dbed_push(&b, 2, &p, x, 2);
	CU_ASSERT_EQUAL(blamed(), was + 5);
	p = dbed_propose(&b, DBED_WALL, x, 2);
	p.bytes[8] = 1;
	dbed_push(&b, 2, &p, x, 2);
	CU_ASSERT_EQUAL(blamed(), was + 6);
	/* A length that reaches beyond the frame. */
	p = dbed_propose(&b, DBED_WALL, x, 1);
	static const uint8_t endless[4 + SIGNATURE_BYTES] = { 255, 255, 255, 255 };
	dbed_frame_in(&b, 2, &e, p.bytes, p.n, endless, sizeof endless);
	CU_ASSERT_EQUAL(blamed(), was + 7);
	CU_ASSERT_EQUAL(bad(), 0);
	free(x[0].bytes);
	free(x[1].bytes);
	dbed_destroy(&b);
}

static void a_bundle_that_is_not_named_is_refused(void)
{
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1), other = dbed_opening(&b, 1, 1);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &other, 1);
	CU_ASSERT_EQUAL(blamed(), 1);
	dbed_agree(&b, 1, p.digest);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	/* From another it comes whole. */
	dbed_push(&b, 3, &p, &x, 1);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	CU_ASSERT_EQUAL(blamed(), 1);
	free(x.bytes);
	free(other.bytes);
	dbed_destroy(&b);
}

static void a_clients_false_signature_costs_the_sender(void)
{
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1), lie = x;
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	lie.signature.b[7] ^= 1;
	dbed_push(&b, 0, &p, &lie, 1);
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[0] == 1);
	dbed_agree(&b, 1, p.digest);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	/* It is asked for. */
	dbed_pass(&b, 100);
	CU_ASSERT_TRUE(dbed_sent(&b, BFT_WIRE_FETCH) >= 1);
	dbed_push(&b, 3, &p, &x, 1);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	CU_ASSERT_TRUE(dbed_standing(&b).executed == 1 && b.closed[3] == 0 && bad() == 1);
	free(x.bytes);
	dbed_destroy(&b);
}

/* The leader named bytes that no replica may prepare: nobody else's copy can be better. */
static void a_malformed_bundle_named_by_the_leader_is_its_fault(void)
{
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1);
	x.bytes[PUBLIC_KEY_BYTES] = 9; /* an unknown kind */
	bundle_digest(&x.digest, x.bytes, x.n);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 1, p.digest);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SUSPECT), DBED_N - 1);
	CU_ASSERT_FALSE(driver_failed(b.driver));
	/* In the other order. */
	dbed_destroy(&b);
	dbed_create(&b);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 1, p.digest);
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SUSPECT), 0);
	dbed_push(&b, 3, &p, &x, 1);
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SUSPECT), DBED_N - 1);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

static void a_proposal_that_is_too_large_is_not_prepared(void)
{
	dbed_create(&b);
	uint32_t most = DBED_PROPOSAL_BYTES_MAX - BUNDLE_HEAD_BYTES - 4;
	struct dbed_bundle fits = dbed_request(&b, 0, 99, 1, most), large = dbed_request(&b, 0, 99, 2, most + 1);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &fits, 1), q = dbed_propose(&b, DBED_WALL, &large, 1);
	dbed_push(&b, 0, &p, &fits, 1);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 1, p.digest);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SUSPECT), 0);
	dbed_push(&b, 0, &q, &large, 1);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 2, q.digest);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 2, q.digest));
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SUSPECT), DBED_N - 1);
	free(fits.bytes);
	free(large.bytes);
	dbed_destroy(&b);
}

/* Whoever asked for nothing keeps no more than a budget of what one member sends. */
static void proposals_unasked_have_a_budget(void)
{
	dbed_create_with(&b, 1u << 20);
	for (uint64_t i = 1; i < 400; i++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, i, 62000);
		struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
		dbed_push(&b, 3, &p, &x, 1);
		free(x.bytes);
	}
	CU_ASSERT_TRUE(bodies_bytes(b.driver->bodies) <= (1u << 20));
	CU_ASSERT_FALSE(bodies_room(b.driver->bodies, 64u << 10));
	/* What the order waits for is taken all the same. */
	struct dbed_bundle x = dbed_request(&b, 0, 99, 1000, 62000);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_agree(&b, 1, p.digest);
	dbed_push(&b, 2, &p, &x, 1);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	free(x.bytes);
	dbed_destroy(&b);
}

/* Clients may fill the pool of requests; what is ordered is taken, or the cluster would stand still for good. */
static void a_pool_full_of_requests_does_not_stop_the_order(void)
{
	dbed_create_with(&b, 1u << 20);
	uint64_t i = 1;
	for (; i < 60; i++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, i, 30000);
		dbed_client_bundle(&b, 5, 0, &x);
		dbed_turn(&b);
		free(x.bytes);
	}
	CU_ASSERT_EQUAL(dbed_refused(&b, 5), REFUSAL_BUSY);
	struct dbed_bundle x = dbed_request(&b, 1, 98, 1, 50000);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_agree(&b, 1, p.digest);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 1, p.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

/* Held, it would wait for ever, and each leader in turn would lose its office over it. */
static void what_no_proposal_can_hold_is_refused(void)
{
	dbed_create(&b);
	struct dbed_bundle large = dbed_request(&b, 0, 99, 1, DBED_PROPOSAL_BYTES_MAX);
	dbed_client_bundle(&b, 5, 0, &large);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(dbed_refused(&b, 5), REFUSAL_LARGE);
	CU_ASSERT_EQUAL(dbed_counts(&b).refused, 1);
	free(large.bytes);
	dbed_destroy(&b);
}

/* A leader proposes the same bytes twice. When the log is cut above the first place, the second still has them after a restart. */
static void a_body_proposed_twice_outlives_its_first_place(void)
{
	struct dbed_bundle x;
	dbed_create(&b);
	x = dbed_opening(&b, 0, 1);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_agree(&b, 1, p.digest);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, 1);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 6, p.digest);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 6, p.digest));
	CU_ASSERT_TRUE(history_body_covers(b.driver->history, &p.digest, 6));
	history_drop(b.driver->history, 4);
	CU_ASSERT_TRUE(body_in_log(b.driver, &p.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

/* ---- fetches ---- */

static void malformed_fetches_are_refused(void)
{
	static uint8_t bytes[2 + 65535 * 32];
	static const uint16_t counts[] = { 0, FETCH_DIGESTS_MAX + 1, 65535 };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH, .epoch = 1 };
	dbed_create(&b);
	for (int i = 0; i < 3; i++) {
		bytes[0] = (uint8_t)counts[i];
		bytes[1] = (uint8_t)(counts[i] >> 8);
		uint64_t was = blamed();
		dbed_frame_in(&b, 2, &e, bytes, 2 + (size_t)counts[i] * 32, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 1);
		dbed_frame_in(&b, 2, &e, bytes, 2 + 32, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 2);
		dbed_frame_in(&b, 2, &e, bytes, (size_t)i, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 3);
	}
	/* What nobody has is not answered, and costs nothing. */
	uint64_t was = blamed();
	bytes[0] = FETCH_DIGESTS_MAX;
	bytes[1] = 0;
	memset(bytes + 2, 9, FETCH_DIGESTS_MAX * 32);
	dbed_frame_in(&b, 2, &e, bytes, 2 + FETCH_DIGESTS_MAX * 32, NULL, 0);
	dbed_turn(&b);
	CU_ASSERT_TRUE(blamed() == was && dbed_sent(&b, BFT_WIRE_PROPOSAL) == 0);
	dbed_destroy(&b);
}

static void a_body_is_served(void)
{
	uint8_t bytes[2 + 32] = { 1, 0 };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH, .epoch = 1 };
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 77);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_session(&b, 5, 0, 1);
	memcpy(bytes + 2, p.digest.b, 32);
	dbed_forget(&b);
	dbed_frame_in(&b, 2, &e, bytes, sizeof bytes, NULL, 0);
	CU_ASSERT_EQUAL(dbed_sent(&b, BFT_WIRE_PROPOSAL), 1);
	CU_ASSERT_TRUE(b.frame[0].to == 2 && b.frame[0].n == p.n + 4 + SIGNATURE_BYTES + x.n && memcmp(b.frame[0].body, p.bytes, p.n) == 0);
	free(x.bytes);
	dbed_destroy(&b);
}

/* ---- clients ---- */

static void a_client_that_errs_loses_its_link(void)
{
	static const uint8_t zeros[512];
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .signature = x.signature };
	/* No envelope; types that no client sends. */
	driver_client_frame(b.driver, 1, &b.client_key[0], zeros, 0);
	driver_client_frame(b.driver, 1, &b.client_key[0], zeros, sizeof zeros);
	CU_ASSERT_EQUAL(b.client_closed[1], 2);
	static const uint16_t types[] = { 0, BFT_WIRE_PROPOSAL, BFT_WIRE_FETCH, BFT_WIRE_REPLY, BFT_WIRE_STANDING, PBFT_VOTES, PBFT_STATUS, UINT16_MAX };
	for (uint32_t i = 0; i < 8; i++) {
		struct bft_envelope wrong = { .signer = BFT_SIGNER_CHANNEL, .type = types[i], .epoch = 1 };
		dbed_client_in(&b, 2, 0, &wrong, zeros, 64);
		CU_ASSERT_EQUAL(b.client_closed[2], i + 1);
	}
	/* Another's request: another key than the link's. */
	dbed_client_in(&b, 3, 1, &e, x.bytes, x.n);
	CU_ASSERT_EQUAL(b.client_closed[3], 1);
	/* Malformed, at every length. */
	for (size_t n = 0; n < x.n; n++)
		dbed_client_in(&b, 4, 0, &e, x.bytes, n);
	CU_ASSERT_EQUAL(b.client_closed[4], x.n);
	/* As a replica would pass it on. */
	e.signer = 0;
	dbed_client_in(&b, 5, 0, &e, x.bytes, x.n);
	CU_ASSERT_EQUAL(b.client_closed[5], 1);
	e.signer = BFT_SIGNER_CHANNEL;
	e.epoch = 1;
	dbed_client_in(&b, 5, 0, &e, x.bytes, x.n);
	CU_ASSERT_EQUAL(b.client_closed[5], 2);
	e.epoch = 0;
	/* A false signature, seen a little later. */
	e.signature.b[0] ^= 1;
	dbed_client_in(&b, 6, 0, &e, x.bytes, x.n);
	CU_ASSERT_EQUAL(b.client_closed[6], 0);
	dbed_turn(&b);
	CU_ASSERT_TRUE(b.client_closed[6] == 1 && bad() == 1);
	CU_ASSERT_EQUAL(dbed_sent(&b, BFT_WIRE_BUNDLE), 0);
	/* Nobody else paid, and the right one is taken. */
	e.signature = x.signature;
	dbed_client_in(&b, 7, 0, &e, x.bytes, x.n);
	dbed_turn(&b);
	CU_ASSERT_TRUE(b.client_closed[7] == 0 && dbed_refused(&b, 7) == 0 && blamed() == 0);
	CU_ASSERT_PTR_NOT_NULL(bodies_find_bundle(b.driver->bodies, &x.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

static void attaching_has_one_form(void)
{
	static uint8_t bytes[2 + 65535 * 8];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_ATTACH };
	dbed_create(&b);
	bytes[0] = 2;
	for (size_t n = 0; n < 2 + 3 * 8; n++)
		if (n != 2 + 2 * 8)
			dbed_client_in(&b, 1, 0, &e, bytes, n);
	CU_ASSERT_EQUAL(b.client_closed[1], 2 + 3 * 8 - 1);
	dbed_client_in(&b, 2, 0, &e, bytes, 2 + 2 * 8);
	bytes[0] = 0;
	dbed_client_in(&b, 2, 0, &e, bytes, 2);
	/* As many as there may be: bounded by what is there. */
	bytes[0] = bytes[1] = 255;
	for (uint32_t i = 0; i < 65535; i++)
		memcpy(bytes + 2 + i * 8, &i, 4);
	dbed_client_in(&b, 2, 0, &e, bytes, sizeof bytes);
	CU_ASSERT_EQUAL(b.client_closed[2], 0);
	driver_client_gone(b.driver, 2);
	dbed_destroy(&b);
}

static void attach(driver_link link, uint8_t client, uint64_t session)
{
	uint8_t bytes[10] = { 1, 0 };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_ATTACH };
	memcpy(bytes + 2, &session, 8);
	dbed_client_in(&b, link, client, &e, bytes, sizeof bytes);
}

static void order_one(uint64_t session, uint64_t number, bft_seq seq)
{
	struct dbed_bundle x = dbed_request(&b, 0, session, number, 8);
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_agree(&b, seq, p.digest);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, seq);
	free(x.bytes);
}

static void answers_go_where_their_client_is(void)
{
	dbed_create(&b);
	uint64_t s = dbed_session(&b, 5, 0, 1);
	attach(6, 0, s);
	order_one(s, 1, 2);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 6, BFT_WIRE_REPLY));
	/* It went and came again. */
	driver_client_gone(b.driver, 6);
	dbed_forget(&b);
	order_one(s, 2, 3);
	CU_ASSERT_PTR_NULL(dbed_told(&b, 6, BFT_WIRE_REPLY));
	attach(7, 0, s);
	order_one(s, 3, 4);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 7, BFT_WIRE_REPLY));
	dbed_destroy(&b);
}

/* Nobody gets, or stops, another's answers by naming its session. */
static void nobody_draws_anothers_answers(void)
{
	dbed_create(&b);
	uint64_t s = dbed_session(&b, 5, 0, 1);
	attach(6, 0, s);
	attach(7, 1, s);
	struct dbed_bundle x = dbed_request(&b, 1, s, 9, 8);
	dbed_client_bundle(&b, 8, 1, &x);
	dbed_turn(&b);
	order_one(s, 1, 2);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 6, BFT_WIRE_REPLY));
	CU_ASSERT_PTR_NULL(dbed_told(&b, 7, BFT_WIRE_REPLY));
	CU_ASSERT_PTR_NULL(dbed_told(&b, 8, BFT_WIRE_REPLY));
	free(x.bytes);
	dbed_destroy(&b);
}

/* One client's flood of good requests: it is told to wait when its share is full, and somebody else is served in the next turn. */
static void a_flood_of_requests_is_told_to_wait(void)
{
	dbed_create_with(&b, 1u << 20);
	uint32_t most = (1u << 20) / REQUESTS_WAITING_PART / FAIR_ITEM_BYTES + DBED_REQUESTS, refused = 0;
	for (uint64_t i = 1; i <= most + 50; i++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, i, 8);
		dbed_client_bundle(&b, 5, 0, &x);
		refused += dbed_refused(&b, 5) == REFUSAL_BUSY;
		dbed_forget(&b);
		free(x.bytes);
	}
	CU_ASSERT_EQUAL(refused, 50);
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), most - DBED_REQUESTS);
	/* One who comes now has a place, and whoever holds most gives it: the flood's last is told to wait. */
	struct dbed_bundle x = dbed_request(&b, 1, 98, 1, 8);
	dbed_client_bundle(&b, 6, 1, &x);
	CU_ASSERT_TRUE(dbed_refused(&b, 6) == 0 && dbed_refused(&b, 5) == REFUSAL_BUSY);
	/* In portions: after one turn the loop looks at its sockets again. And it comes before nearly all of the flood. */
	dbed_turn(&b);
	CU_ASSERT_EQUAL(bodies_requested(b.driver->bodies), DBED_REQUESTS);
	free(x.bytes);
	dbed_destroy(&b);
}

/* What a client sends under a false signature costs one check: the rest of what it sent goes with its link. */
static void a_flood_of_false_requests_costs_one_check(void)
{
	static const struct signature none;
	dbed_create(&b);
	for (uint64_t i = 1; i <= 4 * REQUESTS_CHECKED_MAX; i++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, i, 8);
		x.signature = none;
		dbed_client_bundle(&b, 5, 0, &x);
		free(x.bytes);
	}
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() <= REQUESTS_CHECKED_MAX && b.client_closed[5] > 0);
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), 0);
	/* And then there is room again. */
	struct dbed_bundle x = dbed_request(&b, 0, 99, 1, 8);
	dbed_forget(&b);
	dbed_client_bundle(&b, 6, 0, &x);
	dbed_turn(&b);
	CU_ASSERT_TRUE(dbed_refused(&b, 6) == 0 && b.client_closed[6] == 0);
	free(x.bytes);
	dbed_destroy(&b);
}

/* A member that forwards under a client's name what that client never signed does the client no harm. */
static void a_false_forward_is_not_the_clients_fault(void)
{
	static const struct signature none;
	dbed_create_with(&b, 1u << 20);
	struct dbed_bundle x;
	for (uint64_t i = 1; i <= REQUESTS_CHECKED_MAX + 20; i++) {
		x = dbed_request(&b, 0, 99, i, 8);
		dbed_client_bundle(&b, 5, 0, &x);
		free(x.bytes);
	}
	x = dbed_request(&b, 0, 99, 1000, 8);
	x.signature = none;
	dbed_frame_in(&b, 2, &(struct bft_envelope){ .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE }, NULL, 0, x.bytes, x.n);
	free(x.bytes);
	dbed_turn(&b);
	CU_ASSERT_TRUE(b.client_closed[5] == 0 && bodies_requested(b.driver->bodies) > 0);
	dbed_destroy(&b);
}

/* One that repeats what was executed is told so often in a second, and costs nothing beyond. */
static void a_storm_of_repeats_has_a_budget(void)
{
	dbed_create(&b);
	uint64_t session = dbed_session(&b, 5, 0, 1);
	order_one(session, 1, 2);
	struct dbed_bundle x = dbed_request(&b, 0, session, 1, 8);
	for (uint32_t second = 0; second < 2; second++) {
		uint32_t told = 0;
		for (uint32_t i = 0; i < LATE_ANSWERS_MAX + 100; i++) {
			dbed_forget(&b);
			dbed_client_bundle(&b, 5, 0, &x);
			told += dbed_told(&b, 5, BFT_WIRE_REPLY_LATE) != NULL;
		}
		CU_ASSERT_EQUAL(told, LATE_ANSWERS_MAX);
		b.now += 1000;
		driver_time(b.driver, b.now, DBED_WALL + b.now);
	}
	free(x.bytes);
	dbed_destroy(&b);
}

/* It was executed while it waited for its turn: it is answered, and not held. Held, nobody would ever end it, and the leader would lose its office over it. */
static void what_was_executed_meanwhile_is_not_held(void)
{
	dbed_create(&b);
	uint64_t session = dbed_session(&b, 5, 0, 1);
	for (uint64_t i = 1; i <= DBED_REQUESTS; i++) {
		struct dbed_bundle x = dbed_request(&b, 1, 99, i, 8);
		dbed_client_bundle(&b, 6, 1, &x);
		dbed_turn(&b);
		free(x.bytes);
	}
	struct dbed_bundle x = dbed_request(&b, 0, session, 1, 8);
	dbed_client_bundle(&b, 5, 0, &x);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), 1);
	order_one(session, 1, 2);
	dbed_forget(&b);
	for (bft_seq seq = 3; seq < 6; seq++) { /* places become free */
		struct dbed_bundle y = dbed_request(&b, 1, 99, seq, 8);
		struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &y, 1);
		dbed_push(&b, 0, &p, &y, 1);
		dbed_agree(&b, seq, p.digest);
		free(y.bytes);
	}
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), 0);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 5, BFT_WIRE_REPLY_LATE));
	const struct bundle_body *held = bodies_find_bundle(b.driver->bodies, &x.digest);
	CU_ASSERT_TRUE(!held || !held->requested);
	free(x.bytes);
	dbed_destroy(&b);
}

/* The core never has to refuse: what it has no place for waits for its turn. */
static void a_full_table_makes_it_wait(void)
{
	dbed_create(&b);
	for (uint64_t i = 1; i <= DBED_REQUESTS + 3; i++) {
		struct dbed_bundle x = dbed_request(&b, 0, 99, i, 8);
		dbed_client_bundle(&b, 5, 0, &x);
		dbed_turn(&b);
		CU_ASSERT_EQUAL(dbed_refused(&b, 5), 0);
		CU_ASSERT_EQUAL(bodies_find_bundle(b.driver->bodies, &x.digest) != NULL, i <= DBED_REQUESTS);
		free(x.bytes);
	}
	CU_ASSERT_EQUAL(fair_count(b.driver->fair), 3);
	dbed_destroy(&b);
}

static void a_full_disk_takes_nothing_new(void)
{
	dbed_create(&b);
	uint64_t s = dbed_session(&b, 5, 0, 1);
	order_one(s, 1, 2);
	dbed_forget(&b);
	driver_space(b.driver, DRIVER_DISK_LOG, true);
	struct dbed_bundle x = dbed_request(&b, 0, s, 2, 8), done = dbed_request(&b, 0, s, 1, 8);
	dbed_client_bundle(&b, 5, 0, &x);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(dbed_refused(&b, 5), REFUSAL_SPACE);
	/* What is there is answered. */
	dbed_client_bundle(&b, 6, 0, &done);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 6, BFT_WIRE_REPLY_LATE));
	CU_ASSERT_EQUAL(dbed_refused(&b, 6), 0);
	/* No PREPARE promises what cannot be kept, until there is room again. */
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, &x, 1);
	dbed_push(&b, 0, &p, &x, 1);
	dbed_leaf(&b, 0, BFT_LEAF_PRE_PREPARE, 3, p.digest);
	CU_ASSERT_FALSE(dbed_voted(&b, BFT_LEAF_PREPARE, 3, p.digest));
	CU_ASSERT_TRUE(strlen(dbed_standing(&b).trouble) > 0);
	driver_space(b.driver, DRIVER_DISK_LOG, false);
	dbed_turn(&b);
	CU_ASSERT_TRUE(dbed_voted(&b, BFT_LEAF_PREPARE, 3, p.digest));
	CU_ASSERT_STRING_EQUAL(dbed_standing(&b).trouble, "");
	free(x.bytes);
	free(done.bytes);
	dbed_destroy(&b);
}

/* What another replica passes on is no better than from a client. */
static void a_request_passed_on_must_hold(void)
{
	dbed_create(&b);
	struct dbed_bundle x = dbed_opening(&b, 0, 1);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .signature = x.signature };
	for (size_t n = 0; n < x.n; n += 9) {
		uint64_t was = blamed();
		dbed_frame_in(&b, 2, &e, x.bytes, n, NULL, 0);
		CU_ASSERT_EQUAL(blamed(), was + 1);
	}
	e.signature.b[0] ^= 1;
	dbed_turn(&b);
	dbed_forget(&b);
	dbed_frame_in(&b, 2, &e, x.bytes, x.n, NULL, 0);
	dbed_turn(&b);
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[2] == 1);
	e.signature = x.signature;
	dbed_frame_in(&b, 3, &e, x.bytes, x.n, NULL, 0);
	dbed_turn(&b);
	CU_ASSERT_TRUE(bad() == 1 && b.closed[3] == 0);
	CU_ASSERT_PTR_NOT_NULL(bodies_find_bundle(b.driver->bodies, &x.digest));
	free(x.bytes);
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a request is ordered, executed and answered", a_request_is_ordered_executed_and_answered },
		{ "a request executed is answered from its record", a_request_executed_is_answered_from_its_record },
		{ "a frame without an envelope costs the link", a_frame_without_an_envelope_costs_the_link },
		{ "unknown types are refused", unknown_types_are_refused },
		{ "refusals add up and decay", refusals_add_up_and_decay },
		{ "another epoch is not heard", another_epoch_is_not_heard },
		{ "every wrong length is refused", every_wrong_length_is_refused },
		{ "as it should be it is taken", as_it_should_be_it_is_taken },
		{ "only statements are passed on", only_statements_are_passed_on },
		{ "a false signature costs the link", a_false_signature_costs_the_link },
		{ "who was caught needs signatures", who_was_caught_needs_signatures },
		{ "a false statement of another costs the messenger", a_false_statement_of_another_costs_the_messenger },
		{ "a statement of mine that I never made ends my voting", a_statement_of_mine_that_i_never_made_ends_my_voting },
		{ "a VIEW-CHANGE proves what it says", a_view_change_proves_what_it_says },
		{ "each entry of a VIEW-CHANGE is proved", each_entry_of_a_view_change_is_proved },
		{ "a stable checkpoint is proved", a_stable_checkpoint_is_proved },
		{ "a CHAIN is proved", a_chain_is_proved },
		{ "entries that do not make the chain are refused", entries_that_do_not_make_the_chain_are_refused },
		{ "malformed proposals are refused", malformed_proposals_are_refused },
		{ "a bundle that is not named is refused", a_bundle_that_is_not_named_is_refused },
		{ "a client's false signature costs the sender", a_clients_false_signature_costs_the_sender },
		{ "a malformed bundle named by the leader is its fault", a_malformed_bundle_named_by_the_leader_is_its_fault },
		{ "a proposal that is too large is not prepared", a_proposal_that_is_too_large_is_not_prepared },
		{ "proposals unasked have a budget", proposals_unasked_have_a_budget },
		{ "what no proposal can hold is refused", what_no_proposal_can_hold_is_refused },
		{ "a pool full of requests does not stop the order", a_pool_full_of_requests_does_not_stop_the_order },
		{ "a body proposed twice outlives its first place", a_body_proposed_twice_outlives_its_first_place },
		{ "malformed fetches are refused", malformed_fetches_are_refused },
		{ "a body is served", a_body_is_served },
		{ "a client that errs loses its link", a_client_that_errs_loses_its_link },
		{ "attaching has one form", attaching_has_one_form },
		{ "answers go where their client is", answers_go_where_their_client_is },
		{ "nobody draws another's answers", nobody_draws_anothers_answers },
		{ "a flood of requests is told to wait", a_flood_of_requests_is_told_to_wait },
		{ "a flood of false requests costs one check", a_flood_of_false_requests_costs_one_check },
		{ "a false forward is not the client's fault", a_false_forward_is_not_the_clients_fault },
		{ "a storm of repeats has a budget", a_storm_of_repeats_has_a_budget },
		{ "what was executed meanwhile is not held", what_was_executed_meanwhile_is_not_held },
		{ "a full table makes it wait", a_full_table_makes_it_wait },
		{ "a full disk takes nothing new", a_full_disk_takes_nothing_new },
		{ "a request passed on must hold", a_request_passed_on_must_hold },
		{ 0 },
	};
	return unit_main("admission", cases);
}
