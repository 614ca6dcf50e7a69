/* Epochs as execution decides them: an organization's word, ordered, ends the present one at a border that all compute alike. */
#include "tests/unit/execution_bed.h"
#include "tests/unit/reconfigure_bed.h"

#define NOW 1000000u
#define SESSION (1u << 16)

static struct xbed b;
static struct secret_key org[4];
static uint64_t number;

static void begin(void)
{
	struct bft_genesis_limits limits = xbed_limits();
	xbed_create(&b, &limits);
	for (uint8_t i = 0; i < 4; i++) {
		uint8_t seed[32] = { (uint8_t)(i + 1) };
		sign_ed25519.keypair(&b.genesis.cards[i].org_key, &org[i], seed);
	}
	number = 0;
	xbed_open(&b, 1, 77, NOW + 5);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
}

static const struct epochs *now(void)
{
	return execution_epochs(b.x);
}

static struct readmit word_of(uint8_t member, bft_epoch epoch, uint64_t incarnation, const struct secret_key *key)
{
	struct readmit r = { .epoch = epoch, .member = member, .incarnation = incarnation };
	struct statement s;
	readmit_statement(&s, &r, &b.cluster);
	sign_ed25519.sign(&r.signature, &s, key);
	return r;
}

static void add(const struct readmit *r)
{
	uint8_t op[4 + READMIT_BYTES];
	struct wr w = wr_of(op, sizeof op);
	wr_u32(&w, READMIT_BYTES);
	CU_ASSERT_EQUAL(readmit_encode(r, op + 4), READMIT_BYTES);
	struct bundle x = { .key = xbed_key(1), .kind = BUNDLE_READMIT, .session = SESSION, .number = ++number, .count = 1, .ops = op, .ops_bytes = sizeof op };
	xbed_add(&b, &x);
}

static uint8_t order(const struct readmit *r)
{
	add(r);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	return xbed_result(&b, 0).status;
}

static struct rotate rotation(uint8_t member, bft_epoch epoch, uint8_t fresh, const struct secret_key *by)
{
	struct rotate r = { .epoch = epoch, .member = member };
	struct secret_key secret;
	struct statement s;
	uint8_t seed[32] = { 99, fresh };
	sign_ed25519.keypair(&r.key, &secret, seed);
	rotate_statement(&s, &r, DOMAIN_ROTATE, &b.cluster);
	sign_ed25519.sign(&r.signature, &s, by);
	rotate_statement(&s, &r, DOMAIN_ROTATE_OWN, &b.cluster);
	sign_ed25519.sign(&r.own, &s, &secret);
	return r;
}

static uint8_t order_rotation(const struct rotate *r)
{
	uint8_t op[4 + ROTATE_BYTES];
	struct wr w = wr_of(op, sizeof op);
	wr_u32(&w, ROTATE_BYTES);
	CU_ASSERT_EQUAL(rotate_encode(r, op + 4), ROTATE_BYTES);
	struct bundle x = { .key = xbed_key(1), .kind = BUNDLE_ROTATE, .session = SESSION, .number = ++number, .count = 1, .ops = op, .ops_bytes = sizeof op };
	xbed_add(&b, &x);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	return xbed_result(&b, 0).status;
}

static void idle_until(bft_seq seq)
{
	while (execution_seq(b.x) < seq) {
		if (execution_snapshot_due(b.x) == execution_seq(b.x) && execution_snapshot_due(b.x))
			CU_ASSERT_FATAL(execution_snapshot(b.x));
		xbed_idle(&b, execution_seq(b.x) + 1, NOW);
	}
}

static void it_begins_in_the_genesis_epoch(void)
{
	begin();
	CU_ASSERT(now()->epoch == 1 && now()->base == 0 && now()->border == 0 && digest_equal(&now()->chain, &b.cluster));
	xbed_destroy(&b);
}

/* The least multiple of K that no slot in flight can pass when the entry is executed. */
static void the_border_is_where_no_slot_in_flight_can_pass(void)
{
	struct bft_genesis_limits limits = xbed_limits();
	for (bft_seq at = 1; at <= 3 * XBED_K; at++) {
		bft_seq border = epochs_border(at, &limits);
		CU_ASSERT(border % XBED_K == 0 && border >= at + limits.window && border < at + limits.window + XBED_K);
	}
}

static void the_word_of_the_organization_ends_the_epoch(void)
{
	begin();
	struct readmit r = word_of(2, 1, 99, &org[2]);
	CU_ASSERT_EQUAL(order(&r), RESULT_DONE);
	bft_seq border = epochs_border(execution_seq(b.x), &b.limits);
	struct result x = xbed_result(&b, 0);
	struct rd value = rd_of(x.values, x.values_bytes);
	uint32_t n;
	uint64_t said;
	CU_ASSERT(rd_u32(&value, &n) && n == 8 && rd_u64(&value, &said) && rd_done(&value) && said == border);
	CU_ASSERT(now()->epoch == 1 && now()->border == border && now()->incarnation[2] == 0);

	/* Asked again, the same answer; another one waits. */
	struct readmit second = word_of(3, 1, 5, &org[3]);
	CU_ASSERT_EQUAL(order(&second), RESULT_PENDING);

	while (execution_seq(b.x) < border) {
		if (execution_snapshot_due(b.x) == execution_seq(b.x) && execution_snapshot_due(b.x))
			CU_ASSERT_FATAL(execution_snapshot(b.x));
		CU_ASSERT_EQUAL(now()->epoch, 1);
		xbed_idle(&b, execution_seq(b.x) + 1, NOW);
	}
	CU_ASSERT(now()->epoch == 2 && now()->base == border && now()->border == 0 && now()->incarnation[2] == 99);
	CU_ASSERT(digest_equal(&now()->chain, execution_chain(b.x)));
	/* The border has a snapshot of its own, and that knows the new epoch. */
	CU_ASSERT_EQUAL_FATAL(execution_snapshot_due(b.x), border);
	CU_ASSERT_FATAL(execution_snapshot(b.x));
	xbed_restart(&b);
	CU_ASSERT(execution_seq(b.x) == border && now()->epoch == 2 && now()->base == border && now()->incarnation[2] == 99);
	/* The same word again is of no use: it names the old epoch; nor is the incarnation. */
	CU_ASSERT_EQUAL(order(&r), RESULT_FORBIDDEN);
	struct readmit again = word_of(2, 2, 99, &org[2]);
	CU_ASSERT_EQUAL(order(&again), RESULT_FORBIDDEN);
	again = word_of(2, 2, 100, &org[2]);
	CU_ASSERT_EQUAL(order(&again), RESULT_DONE);
	xbed_destroy(&b);
}

static void a_border_that_is_pending_outlives_a_restart(void)
{
	begin();
	struct readmit r = word_of(0, 1, 7, &org[0]);
	xbed_kind(&b, 1, SESSION, ++number, BUNDLE_SNAPSHOT);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(order(&r), RESULT_DONE);
	bft_seq border = now()->border;
	xbed_idle(&b, execution_snapshot_due(b.x), NOW);
	CU_ASSERT_FATAL(execution_snapshot(b.x));
	xbed_restart(&b);
	CU_ASSERT(now()->epoch == 1 && now()->border == border && now()->next.kind == BUNDLE_READMIT && now()->next.readmit.member == 0 &&
	          now()->next.readmit.incarnation == 7);
	xbed_destroy(&b);
}

static void nobody_elses_word_counts(void)
{
	begin();
	struct readmit wrong[] = {
		word_of(2, 1, 99, &org[1]), /* another organization's */
		word_of(2, 2, 99, &org[2]), /* of an epoch to come */
		word_of(2, 1, 99, &org[2]), /* for another replica than it was signed for, below */
		word_of(2, 1, 99, &org[2]), /* and another incarnation */
		word_of(2, 1, 99, &org[2]), /* and a flipped bit */
		word_of(4, 1, 99, &org[2]), /* of nobody */
		word_of(2, 1, 0, &org[2]),  /* of a replica that has lost nothing */
		word_of(255, 1, 99, &org[2]),
	};
	wrong[2].member = 1;
	wrong[3].incarnation = 98;
	wrong[4].signature.b[10] ^= 4;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		CU_ASSERT_EQUAL(order(&wrong[i]), RESULT_FORBIDDEN);
		CU_ASSERT(now()->border == 0 && now()->epoch == 1);
	}
	/* Of another cluster. */
	struct digest mine = b.cluster;
	b.cluster.b[0] ^= 1;
	struct readmit theirs = word_of(2, 1, 99, &org[2]);
	b.cluster = mine;
	CU_ASSERT_EQUAL(order(&theirs), RESULT_FORBIDDEN);
	xbed_destroy(&b);
}

static void a_rotation_gives_another_key_from_the_border_on(void)
{
	begin();
	struct rotate r = rotation(2, 1, 1, &org[2]), again;
	struct public_key old = *epoch_key(&now()->keys, 2, 1);
	CU_ASSERT_EQUAL(order_rotation(&r), RESULT_DONE);
	bft_seq border = now()->border;
	CU_ASSERT_EQUAL(border, epochs_border(execution_seq(b.x), &b.limits));
	CU_ASSERT(now()->next.kind == BUNDLE_ROTATE && public_key_equal(&now()->next.rotate.key, &r.key));
	/* Until then nothing has changed, and nothing else may. */
	again = rotation(3, 1, 2, &org[3]);
	CU_ASSERT_EQUAL(order_rotation(&again), RESULT_PENDING);
	struct readmit word = word_of(3, 1, 5, &org[3]);
	CU_ASSERT_EQUAL(order(&word), RESULT_PENDING);
	CU_ASSERT_PTR_NULL(epoch_key(&now()->keys, 2, 2));
	idle_until(border);
	CU_ASSERT(now()->epoch == 2 && now()->keys.epoch == 2 && now()->keys.base == border);
	CU_ASSERT(public_key_equal(epoch_key(&now()->keys, 2, 1), &old) && public_key_equal(epoch_key(&now()->keys, 2, 2), &r.key));
	/* Its record is part of the state. */
	struct epoch_record record;
	CU_ASSERT_EQUAL(epochs_record(&record, b.state.state, 2), STATE_OK);
	CU_ASSERT(record.epoch == 2 && record.base == border && digest_equal(&record.chain, &now()->chain) && record.change.kind == BUNDLE_ROTATE);
	CU_ASSERT_EQUAL(epochs_record(&record, b.state.state, 3), STATE_NONE);
	CU_ASSERT_FATAL(execution_snapshot(b.x));
	xbed_restart(&b);
	CU_ASSERT(now()->epoch == 2 && public_key_equal(epoch_key(&now()->keys, 2, 2), &r.key) && public_key_equal(epoch_key(&now()->keys, 2, 1), &old));
	/* The same word is of no use again; the next one is. */
	CU_ASSERT_EQUAL(order_rotation(&r), RESULT_FORBIDDEN);
	again = rotation(2, 2, 1, &org[2]);
	CU_ASSERT_EQUAL(order_rotation(&again), RESULT_FORBIDDEN);
	again = rotation(3, 2, 1, &org[3]);
	CU_ASSERT_EQUAL(order_rotation(&again), RESULT_FORBIDDEN);
	again = rotation(2, 2, 3, &org[2]);
	CU_ASSERT_EQUAL(order_rotation(&again), RESULT_DONE);
	idle_until(now()->border);
	CU_ASSERT(now()->epoch == 3 && public_key_equal(epoch_key(&now()->keys, 2, 3), &again.key) && public_key_equal(epoch_key(&now()->keys, 2, 2), &r.key));
	xbed_destroy(&b);
}

static void nobody_elses_rotation_counts(void)
{
	begin();
	struct rotate wrong[] = {
		rotation(2, 1, 1, &org[1]), /* another organization's                                */
		rotation(2, 2, 1, &org[2]), /* of an epoch to come                                   */
		rotation(4, 1, 1, &org[2]), /* of nobody                                             */
		rotation(2, 1, 1, &org[2]), /* for another replica than it was signed for, below     */
		rotation(2, 1, 1, &org[2]), /* without the word of the new key                       */
		rotation(2, 1, 1, &org[2]), /* with another key                                      */
	};
	struct rotate other = rotation(2, 1, 7, &org[2]);
	wrong[3].member = 1;
	wrong[4].own.b[3] ^= 1;
	wrong[5].key = other.key;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		CU_ASSERT_EQUAL(order_rotation(&wrong[i]), RESULT_FORBIDDEN);
		CU_ASSERT(now()->border == 0 && now()->epoch == 1);
	}
	xbed_destroy(&b);
}

static void a_rotation_that_is_pending_outlives_a_restart(void)
{
	begin();
	struct rotate r = rotation(0, 1, 1, &org[0]);
	xbed_kind(&b, 1, SESSION, ++number, BUNDLE_SNAPSHOT);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(order_rotation(&r), RESULT_DONE);
	bft_seq border = now()->border;
	xbed_idle(&b, execution_snapshot_due(b.x), NOW);
	CU_ASSERT_FATAL(execution_snapshot(b.x));
	xbed_restart(&b);
	CU_ASSERT(now()->epoch == 1 && now()->border == border && now()->next.kind == BUNDLE_ROTATE && public_key_equal(&now()->next.rotate.key, &r.key));
	idle_until(border);
	CU_ASSERT(now()->epoch == 2 && public_key_equal(epoch_key(&now()->keys, 0, 2), &r.key));
	xbed_destroy(&b);
}

static struct secret_key member_secret[4];

static struct pass_over passing(uint8_t member, bft_epoch epoch, bft_mask signers)
{
	struct pass_over p = { .epoch = epoch, .member = member };
	struct statement s;
	pass_over_statement(&s, epoch, member, &b.cluster);
	for (uint8_t i = 0; i < 4; i++)
		if (signers & BFT_BIT(i)) {
			p.by[p.count].member = i;
			sign_ed25519.sign(&p.by[p.count++].signature, &s, &member_secret[i]);
		}
	return p;
}

static size_t passing_bundle(struct bundle *x, uint8_t op[4 + PASS_OVER_BYTES_MAX], const struct pass_over *p)
{
	size_t n = pass_over_encode(p, op + 4);
	struct wr w = wr_of(op, 4);
	wr_u32(&w, (uint32_t)n);
	*x = (struct bundle){ .key = xbed_key(3), .kind = BUNDLE_PASS_OVER, .number = 65, .count = 1, .ops = op, .ops_bytes = 4 + n };
	return n;
}

static uint8_t order_passing(const struct pass_over *p)
{
	uint8_t op[4 + PASS_OVER_BYTES_MAX];
	struct bundle x;
	passing_bundle(&x, op, p);
	xbed_add(&b, &x);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	return xbed_result(&b, 0).status;
}

static void begin_with_members(void)
{
	begin();
	for (uint8_t i = 0; i < 4; i++) {
		uint8_t seed[32] = { 50, i };
		sign_ed25519.keypair(&b.genesis.cards[i].member_key, &member_secret[i], seed);
	}
}

/* No session is opened for it, and none is needed: whoever brings it, and however often, it counts once. */
static void q_members_change_the_order_at_the_border(void)
{
	begin_with_members();
	struct pass_over good = passing(1, 1, 0xd), few = passing(1, 1, 0x5), own = passing(1, 1, 0xe), early = passing(1, 2, 0xd);
	CU_ASSERT(order_passing(&few) == RESULT_FORBIDDEN && order_passing(&own) == RESULT_FORBIDDEN && order_passing(&early) == RESULT_FORBIDDEN);
	CU_ASSERT_EQUAL(now()->border, 0);
	CU_ASSERT_EQUAL(order_passing(&good), RESULT_DONE);
	bft_seq border = epochs_border(execution_seq(b.x), &b.limits);
	CU_ASSERT(now()->border == border && now()->next.kind == BUNDLE_PASS_OVER && now()->next.pass_over.member == 1);
	CU_ASSERT_EQUAL(order_passing(&good), RESULT_PENDING);
	struct readmit waits = word_of(2, 1, 9, &org[2]);
	CU_ASSERT_EQUAL(order(&waits), RESULT_PENDING);
	CU_ASSERT_EQUAL(epoch_passed(&now()->keys, 1), 0); /* not before the border */
	idle_until(border);
	CU_ASSERT(now()->epoch == 2 && now()->base == border && epoch_passed(&now()->keys, 2) == BFT_BIT(1) && epoch_passed(&now()->keys, 1) == 0);
	CU_ASSERT_FATAL(execution_snapshot(b.x));
	xbed_restart(&b);
	CU_ASSERT(now()->epoch == 2 && epoch_passed(&now()->keys, 2) == BFT_BIT(1));
	struct epoch_record record;
	CU_ASSERT(epochs_record(&record, b.state.state, 2) == STATE_OK && record.change.kind == BUNDLE_PASS_OVER && record.change.pass_over.count == 3);
	/* Replayed, it names an epoch that is over; said anew, it is done already. */
	struct pass_over again = passing(1, 2, 0xd);
	CU_ASSERT(order_passing(&good) == RESULT_FORBIDDEN && order_passing(&again) == RESULT_FORBIDDEN);
	/* With f = 1, another one takes its place. */
	struct pass_over other = passing(2, 2, 0xb);
	CU_ASSERT_EQUAL(order_passing(&other), RESULT_DONE);
	idle_until(now()->border);
	CU_ASSERT_EQUAL(epoch_passed(&now()->keys, 3), BFT_BIT(2));
	xbed_destroy(&b);
}

static void a_passing_over_that_is_pending_outlives_a_restart(void)
{
	begin_with_members();
	struct pass_over p = passing(3, 1, 0x7);
	xbed_kind(&b, 1, SESSION, ++number, BUNDLE_SNAPSHOT);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(order_passing(&p), RESULT_DONE);
	bft_seq border = now()->border;
	idle_until(execution_snapshot_due(b.x));
	CU_ASSERT_FATAL(execution_snapshot(b.x));
	xbed_restart(&b);
	CU_ASSERT(now()->border == border && now()->next.kind == BUNDLE_PASS_OVER && now()->next.pass_over.count == 3);
	idle_until(border);
	CU_ASSERT_EQUAL(epoch_passed(&now()->keys, 2), BFT_BIT(3));
	xbed_destroy(&b);
}

static void a_passing_over_has_no_session(void)
{
	begin_with_members();
	uint8_t op[4 + PASS_OVER_BYTES_MAX], bytes[8192];
	struct pass_over p = passing(1, 1, 0xd);
	struct bundle x, out;
	passing_bundle(&x, op, &p);
	CU_ASSERT_PTR_NULL(bundle_decode(&out, bytes, bundle_encode(&x, bytes, sizeof bytes)));
	x.session = SESSION;
	CU_ASSERT_PTR_NOT_NULL(bundle_decode(&out, bytes, bundle_encode(&x, bytes, sizeof bytes)));
	x.session = 0;
	x.after = 1;
	CU_ASSERT_PTR_NOT_NULL(bundle_decode(&out, bytes, bundle_encode(&x, bytes, sizeof bytes)));
	x.after = 0;
	x.count = 0;
	x.ops_bytes = 0;
	CU_ASSERT_PTR_NOT_NULL(bundle_decode(&out, bytes, bundle_encode(&x, bytes, sizeof bytes)));
	p.by[2].member = p.by[1].member;
	passing_bundle(&x, op, &p);
	CU_ASSERT_PTR_NOT_NULL(bundle_decode(&out, bytes, bundle_encode(&x, bytes, sizeof bytes)));
	xbed_destroy(&b);
}

/* ---- members and mode: organizations' voices ---- */

static void begin_with_cards(void)
{
	begin();
	rbed_genesis(&b.genesis, BFT_MODE_BFT, 4);
}

static void add_change(const struct reconfigure *r)
{
	static uint8_t op[4 + RECONFIGURE_BYTES_MAX];
	size_t n = reconfigure_encode(r, op + 4, RECONFIGURE_BYTES_MAX);
	struct wr w = wr_of(op, 4);
	wr_u32(&w, (uint32_t)n);
	struct bundle x = { .key = xbed_key(1), .kind = BUNDLE_RECONFIGURE, .session = SESSION, .number = ++number, .count = 1, .ops = op, .ops_bytes = 4 + n };
	xbed_add(&b, &x);
}

static uint8_t order_change(const struct reconfigure *r)
{
	add_change(r);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	return xbed_result(&b, 0).status;
}

/* What is wanted, approved by one organization. */
static struct reconfigure by(const struct reconfigure *wanted, uint8_t org_number)
{
	struct reconfigure r = *wanted;
	r.approvals = 0;
	rbed_approve(&r, org_number, &b.cluster);
	return r;
}

static uint8_t approve_by(const struct reconfigure *wanted, uint8_t org_number)
{
	struct reconfigure r = by(wanted, org_number);
	return order_change(&r);
}

/* The border that the last entry's answer names; 0: none yet. */
static bft_seq answered_border(void)
{
	struct result x = xbed_result(&b, 0);
	struct rd r = rd_of(x.values, x.values_bytes);
	uint32_t n;
	uint64_t said = 0;
	CU_ASSERT(rd_u32(&r, &n) && n == 8 && rd_u64(&r, &said) && rd_done(&r));
	return said;
}

static struct reconfigure a_fifth(bft_epoch epoch, uint8_t card_number)
{
	struct bft_card card = rbed_card(card_number, card_number);
	return rbed_members(epoch, 4, &card);
}

/* The organization's voice is for that very change. */
static bool voice_is(uint8_t org_number, const struct reconfigure *wanted)
{
	struct public_key key = rbed_public(RBED_ORG, org_number);
	struct reconfigure voice;
	struct digest x, y;
	enum state_result r = epochs_voice(&voice, b.state.state, &key);
	if (!wanted || r != STATE_OK)
		return !wanted && r == STATE_NONE;
	reconfigure_digest(&x, wanted);
	reconfigure_digest(&y, &voice);
	return digest_equal(&x, &y) && voice.epoch == wanted->epoch && voice.approvals == 1 && public_key_equal(&voice.by[0].org, &key);
}

/* Over the border that is pending, with its snapshot. */
static void cross(void)
{
	idle_until(now()->border);
	CU_ASSERT_FATAL(execution_snapshot(b.x));
}

/* A snapshot that has everything up to here. */
static void keep(void)
{
	xbed_kind(&b, 1, SESSION, ++number, BUNDLE_SNAPSHOT);
	CU_ASSERT_FATAL(xbed_run(&b, NOW + 20000));
	CU_ASSERT_EQUAL(xbed_result(&b, 0).status, RESULT_DONE);
	idle_until(execution_snapshot_due(b.x));
	CU_ASSERT_FATAL(execution_snapshot(b.x));
}

static void voices_are_gathered_over_entries_and_restarts(void)
{
	begin_with_cards();
	struct reconfigure wanted = a_fifth(1, 20);
	CU_ASSERT(approve_by(&wanted, 0) == RESULT_DONE && answered_border() == 0);
	CU_ASSERT(now()->border == 0 && voice_is(0, &wanted) && voice_is(1, NULL));
	keep();
	xbed_restart(&b);
	CU_ASSERT(voice_is(0, &wanted) && now()->epoch == 1 && now()->border == 0);
	CU_ASSERT(approve_by(&wanted, 2) == RESULT_DONE && answered_border() == 0);
	CU_ASSERT(approve_by(&wanted, 2) == RESULT_DONE && answered_border() == 0); /* once more is one voice */
	CU_ASSERT(approve_by(&wanted, 3) == RESULT_DONE);
	bft_seq border = epochs_border(execution_seq(b.x), &b.limits);
	CU_ASSERT(answered_border() == border && now()->border == border && now()->next.kind == BUNDLE_RECONFIGURE);
	CU_ASSERT_EQUAL(now()->next.reconfigure.approvals, 3);
	CU_ASSERT(epoch_change_holds(&now()->next, &now()->keys, &sign_ed25519, &b.cluster)); /* it proves itself, to whoever was not there */
	CU_ASSERT_EQUAL(epoch_roster_now(&now()->keys).members, mask_all(4));                 /* not before the border */
	cross();
	CU_ASSERT(now()->epoch == 2 && now()->border == 0 && epoch_roster_now(&now()->keys).members == mask_all(5));
	for (uint8_t i = 0; i < 4; i++)
		CU_ASSERT(voice_is(i, NULL)); /* they were about the epoch that is over */
	xbed_restart(&b);
	struct public_key key = rbed_public(RBED_MEMBER, 20);
	CU_ASSERT(now()->epoch == 2 && public_key_equal(epoch_key(&now()->keys, 4, 2), &key) && epoch_key(&now()->keys, 4, 1) == NULL);
	xbed_destroy(&b);
}

static void several_approvals_come_in_one_entry(void)
{
	begin_with_cards();
	struct reconfigure wanted = rbed_mode(1, BFT_MODE_TRUSTED);
	rbed_approve_by(&wanted, 3, &b.cluster);
	CU_ASSERT(order_change(&wanted) == RESULT_DONE && now()->border == 0);
	CU_ASSERT(voice_is(0, &wanted) && voice_is(1, &wanted) && voice_is(2, &wanted) && voice_is(3, NULL));
	CU_ASSERT(approve_by(&wanted, 3) == RESULT_DONE && now()->border != 0);
	cross();
	CU_ASSERT(now()->epoch == 2 && epoch_roster_now(&now()->keys).mode == BFT_MODE_TRUSTED && epoch_roster(&now()->keys, 1).mode == BFT_MODE_BFT);
	/* Back, by a majority of members, is not enough either. */
	wanted = rbed_mode(2, BFT_MODE_BFT);
	rbed_approve_by(&wanted, 3, &b.cluster);
	CU_ASSERT(order_change(&wanted) == RESULT_DONE && now()->border == 0);
	xbed_destroy(&b);
}

/* One voice an organization: its last. What it says now is not counted for what it said before. */
static void a_voice_is_replaced_by_the_next(void)
{
	begin_with_cards();
	struct reconfigure first = a_fifth(1, 20), second = a_fifth(1, 21);
	CU_ASSERT(approve_by(&first, 0) == RESULT_DONE && approve_by(&first, 1) == RESULT_DONE);
	CU_ASSERT(approve_by(&second, 1) == RESULT_DONE && voice_is(1, &second) && voice_is(0, &first));
	CU_ASSERT(approve_by(&first, 2) == RESULT_DONE && now()->border == 0); /* 0 and 2: one has gone over */
	CU_ASSERT(approve_by(&first, 3) == RESULT_DONE && now()->border != 0);
	CU_ASSERT_EQUAL(now()->next.reconfigure.approvals, 3);
	xbed_destroy(&b);
}

/* Of two that are wanted at once one wins; the voices for the other go with the epoch that they are about. */
static void of_two_at_once_one_wins(void)
{
	begin_with_cards();
	struct reconfigure mine = a_fifth(1, 20), yours = a_fifth(1, 21);
	CU_ASSERT(approve_by(&mine, 0) == RESULT_DONE && approve_by(&yours, 1) == RESULT_DONE && approve_by(&mine, 2) == RESULT_DONE);
	CU_ASSERT(now()->border == 0);
	CU_ASSERT(approve_by(&mine, 3) == RESULT_DONE && now()->border != 0);
	bft_seq border = now()->border;
	CU_ASSERT_EQUAL(approve_by(&yours, 2), RESULT_PENDING);
	CU_ASSERT(now()->border == border && voice_is(2, &mine)); /* refused, it changes nothing */
	cross();
	CU_ASSERT(now()->epoch == 2 && voice_is(1, NULL));
	CU_ASSERT_EQUAL(approve_by(&yours, 2), RESULT_FORBIDDEN); /* it names the epoch that is over */
	CU_ASSERT_EQUAL(approve_by(&mine, 1), RESULT_FORBIDDEN);
	yours = a_fifth(2, 21);
	yours.seat[0].member = 5;
	CU_ASSERT(approve_by(&yours, 1) == RESULT_DONE && now()->border == 0); /* asked for anew it may be */
	xbed_destroy(&b);
}

/* A readmission, or another key, ends the epoch just the same: the voices of it are gone. */
static void another_border_takes_the_voices_away(void)
{
	begin_with_cards();
	org[2] = rbed_secret(RBED_ORG, 2);
	struct reconfigure wanted = a_fifth(1, 20);
	CU_ASSERT(approve_by(&wanted, 0) == RESULT_DONE && approve_by(&wanted, 1) == RESULT_DONE);
	struct readmit word = word_of(2, 1, 5, &org[2]);
	CU_ASSERT_EQUAL(order(&word), RESULT_DONE);
	CU_ASSERT_EQUAL(approve_by(&wanted, 2), RESULT_PENDING);
	cross();
	CU_ASSERT(now()->epoch == 2 && voice_is(0, NULL) && voice_is(1, NULL));
	CU_ASSERT(approve_by(&wanted, 2) == RESULT_FORBIDDEN && now()->border == 0);
	xbed_destroy(&b);
}

static void nobody_elses_voice_counts(void)
{
	begin_with_cards();
	struct reconfigure wanted = a_fifth(1, 20), bad;
	bad = by(&wanted, 0);
	bad.by[0].signature.b[9] ^= 1; /* false */
	CU_ASSERT_EQUAL(order_change(&bad), RESULT_FORBIDDEN);
	bad = by(&wanted, 20); /* the newcomer's own */
	CU_ASSERT_EQUAL(order_change(&bad), RESULT_FORBIDDEN);
	bad = by(&wanted, 0); /* for another number than it was signed for */
	bad.seat[0].member = 7;
	CU_ASSERT_EQUAL(order_change(&bad), RESULT_FORBIDDEN);
	bad = wanted;
	rbed_approve(&bad, 0, &b.cluster);
	rbed_approve(&bad, 20, &b.cluster); /* one true, one of nobody: it is not taken apart */
	CU_ASSERT_EQUAL(order_change(&bad), RESULT_FORBIDDEN);
	struct digest mine = b.cluster;
	b.cluster.b[0] ^= 1;
	bad = by(&wanted, 0);
	b.cluster = mine;
	CU_ASSERT_EQUAL(order_change(&bad), RESULT_FORBIDDEN);
	struct reconfigure later = a_fifth(2, 20), never = rbed_members(1, 3, NULL); /* of an epoch to come; three are too few */
	CU_ASSERT(approve_by(&later, 0) == RESULT_FORBIDDEN && approve_by(&never, 0) == RESULT_FORBIDDEN);
	for (uint8_t i = 0; i < 4; i++)
		CU_ASSERT(voice_is(i, NULL));
	struct public_key stranger = rbed_public(RBED_ORG, 20);
	struct reconfigure none;
	CU_ASSERT(epochs_voice(&none, b.state.state, &stranger) == STATE_NONE && now()->border == 0);
	xbed_destroy(&b);
}

/* It has one voice, and the weight of its members. */
static void an_organization_with_two_members(void)
{
	begin_with_cards();
	struct bft_card second = rbed_card(0, 20);
	struct reconfigure wanted = rbed_members(1, 4, &second);
	rbed_approve_by(&wanted, 3, &b.cluster);
	CU_ASSERT_EQUAL(order_change(&wanted), RESULT_DONE);
	cross();
	CU_ASSERT_EQUAL(now()->epoch, 2);
	struct bft_card third = rbed_card(21, 21);
	wanted = rbed_members(2, 5, &third); /* of five members four */
	CU_ASSERT(approve_by(&wanted, 0) == RESULT_DONE && approve_by(&wanted, 1) == RESULT_DONE && now()->border == 0);
	CU_ASSERT(approve_by(&wanted, 2) == RESULT_DONE && now()->border != 0);
	CU_ASSERT_EQUAL(now()->next.reconfigure.approvals, 3);
	xbed_destroy(&b);
}

static void a_change_that_is_pending_outlives_a_restart(void)
{
	begin_with_cards();
	struct reconfigure wanted = a_fifth(1, 20);
	rbed_approve_by(&wanted, 4, &b.cluster);
	xbed_kind(&b, 1, SESSION, ++number, BUNDLE_SNAPSHOT);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(order_change(&wanted), RESULT_DONE);
	bft_seq border = now()->border;
	idle_until(execution_snapshot_due(b.x));
	CU_ASSERT_FATAL(execution_snapshot(b.x));
	xbed_restart(&b);
	CU_ASSERT(now()->epoch == 1 && now()->border == border && now()->next.kind == BUNDLE_RECONFIGURE && now()->next.reconfigure.approvals == 4);
	cross();
	struct epoch_record record;
	CU_ASSERT(now()->epoch == 2 && epoch_roster_now(&now()->keys).members == mask_all(5));
	CU_ASSERT(epochs_record(&record, b.state.state, 2) == STATE_OK && record.change.reconfigure.approvals == 4);
	xbed_destroy(&b);
}

/* Whoever gets a number has lost nothing yet, whatever its holder before had. */
static void incarnations_go_with_their_member(void)
{
	begin_with_cards();
	org[3] = rbed_secret(RBED_ORG, 3);
	struct readmit word = word_of(3, 1, 5, &org[3]);
	CU_ASSERT_EQUAL(order(&word), RESULT_DONE);
	cross();
	CU_ASSERT(now()->epoch == 2 && now()->incarnation[3] == 5);
	struct bft_card card = rbed_card(20, 20);
	struct reconfigure wanted = rbed_members(2, 3, &card);
	rbed_approve_by(&wanted, 3, &b.cluster);
	CU_ASSERT_EQUAL(order_change(&wanted), RESULT_DONE);
	cross();
	CU_ASSERT(now()->epoch == 3 && now()->incarnation[3] == 0);
	/* Its former organization lets nobody in there any more; the new one does. */
	word = word_of(3, 3, 5, &org[3]);
	CU_ASSERT_EQUAL(order(&word), RESULT_FORBIDDEN);
	struct secret_key fresh = rbed_secret(RBED_ORG, 20);
	word = word_of(3, 3, 5, &fresh);
	CU_ASSERT_EQUAL(order(&word), RESULT_DONE);
	xbed_destroy(&b);
}

/* The shape of a change is judged before anything is ordered. */
static void a_changes_shape_is_one_operation(void)
{
	begin_with_cards();
	static uint8_t op[4 + RECONFIGURE_BYTES_MAX], bytes[BUNDLE_HEAD_BYTES + sizeof op];
	struct reconfigure wanted = a_fifth(1, 20);
	rbed_approve(&wanted, 0, &b.cluster);
	size_t n = reconfigure_encode(&wanted, op + 4, RECONFIGURE_BYTES_MAX);
	struct wr w = wr_of(op, 4);
	wr_u32(&w, (uint32_t)n);
	struct bundle x = { .key = xbed_key(1), .kind = BUNDLE_RECONFIGURE, .session = SESSION, .number = 1, .count = 1, .ops = op, .ops_bytes = 4 + n }, out;
	CU_ASSERT_PTR_NULL(bundle_decode(&out, bytes, bundle_encode(&x, bytes, sizeof bytes)));
	x.session = 0;
	CU_ASSERT_PTR_NOT_NULL(bundle_decode(&out, bytes, bundle_encode(&x, bytes, sizeof bytes)));
	x.session = SESSION;
	op[4 + 8] = 9; /* of no kind */
	CU_ASSERT_PTR_NOT_NULL(bundle_decode(&out, bytes, bundle_encode(&x, bytes, sizeof bytes)));
	op[4 + 8] = RECONFIGURE_MEMBERS;
	x.count = 0;
	x.ops_bytes = 0;
	CU_ASSERT_PTR_NOT_NULL(bundle_decode(&out, bytes, bundle_encode(&x, bytes, sizeof bytes)));
	xbed_destroy(&b);
}

/* The shape is judged before anything is ordered. */
static void its_shape_is_one_operation(void)
{
	uint8_t ops[4 + READMIT_BYTES + 8] = { READMIT_BYTES }, bytes[512];
	struct bundle x = { .key = xbed_key(1), .kind = BUNDLE_READMIT, .session = 1, .number = 1, .count = 1, .ops = ops, .ops_bytes = 4 + READMIT_BYTES },
		      out;
	size_t n = bundle_encode(&x, bytes, sizeof bytes);
	CU_ASSERT_PTR_NULL(bundle_decode(&out, bytes, n));
	x.session = 0;
	n = bundle_encode(&x, bytes, sizeof bytes);
	CU_ASSERT_PTR_NOT_NULL(bundle_decode(&out, bytes, n));
	x.session = 1;
	for (uint32_t size = READMIT_BYTES - 1; size <= READMIT_BYTES + 1; size++) {
		ops[0] = (uint8_t)size;
		x.ops_bytes = 4 + size;
		n = bundle_encode(&x, bytes, sizeof bytes);
		CU_ASSERT_EQUAL(bundle_decode(&out, bytes, n) == NULL, size == READMIT_BYTES);
	}
	x.count = 0;
	x.ops_bytes = 0;
	n = bundle_encode(&x, bytes, sizeof bytes);
	CU_ASSERT_PTR_NOT_NULL(bundle_decode(&out, bytes, n));
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "it begins in the genesis' epoch", it_begins_in_the_genesis_epoch },
		{ "the border is where no slot in flight can pass", the_border_is_where_no_slot_in_flight_can_pass },
		{ "the word of the organization ends the epoch", the_word_of_the_organization_ends_the_epoch },
		{ "a border that is pending outlives a restart", a_border_that_is_pending_outlives_a_restart },
		{ "nobody else's word counts", nobody_elses_word_counts },
		{ "a rotation gives another key from the border on", a_rotation_gives_another_key_from_the_border_on },
		{ "nobody else's rotation counts", nobody_elses_rotation_counts },
		{ "a rotation that is pending outlives a restart", a_rotation_that_is_pending_outlives_a_restart },
		{ "q members change the order at the border", q_members_change_the_order_at_the_border },
		{ "a passing over that is pending outlives a restart", a_passing_over_that_is_pending_outlives_a_restart },
		{ "a passing over has no session", a_passing_over_has_no_session },
		{ "its shape is one operation", its_shape_is_one_operation },
		{ "voices are gathered over entries and restarts", voices_are_gathered_over_entries_and_restarts },
		{ "several approvals come in one entry", several_approvals_come_in_one_entry },
		{ "a voice is replaced by the next", a_voice_is_replaced_by_the_next },
		{ "of two at once one wins", of_two_at_once_one_wins },
		{ "another border takes the voices away", another_border_takes_the_voices_away },
		{ "nobody else's voice counts", nobody_elses_voice_counts },
		{ "an organization with two members", an_organization_with_two_members },
		{ "a change that is pending outlives a restart", a_change_that_is_pending_outlives_a_restart },
		{ "incarnations go with their member", incarnations_go_with_their_member },
		{ "a change's shape is one operation", a_changes_shape_is_one_operation },
		{ 0 },
	};
	return unit_main("epochs", cases);
}
