/* A whole replica (member 1 of four) while members come, go and are replaced, and while the mode changes: whose messages count in which epoch, what is answered, and what its
 * log can be read back as. */
#include "bft/raft/messages.h"
#include "replica/driver_state.h"
#include "tests/unit/driver_bed.h"
#include "tests/unit/reconfigure_bed.h"

static struct dbed b;
static uint64_t session, number;
static bft_epoch epoch; /* in which the others speak */
static bft_seq at;      /* the last sequence that they agreed on */

static void begin(void)
{
	dbed_create(&b);
	session = dbed_session(&b, 5, 0, 1);
	epoch = 1;
	number = 0;
	at = 1;
}

/* ---- the others, in whatever epoch ---- */

/* What member `m` says in `e`, signed by `secret`, over the link of `link`. */
static void say_by(uint8_t link, uint8_t m, const struct secret_key *secret, bft_epoch e, uint16_t type, const void *body)
{
	static uint8_t bytes[16384];
	static union pbft_body decoded;
	struct bft_envelope envelope = { .signer = link == m ? BFT_SIGNER_CHANNEL : m, .type = type, .epoch = e };
	struct digest d;
	struct statement s;
	size_t n = pbft_encode(type, body, bytes, sizeof bytes);
	CU_ASSERT_FATAL(n > 0);
	if (type == PBFT_VOTES && pbft_decode(type, &decoded, bytes, n))
		votes_digest_of(&d, &decoded.votes);
	else
		pbft_body_digest(&d, type, bytes, n);
	statement_make(&s, pbft_domain(type), &b.cluster, e, &d);
	sign_ed25519.sign(&envelope.signature, &s, secret);
	dbed_frame_in(&b, link, &envelope, bytes, n, NULL, 0);
	dbed_turn(&b);
}

static struct secret_key secret_of(uint8_t m)
{
	return m < DBED_N ? b.secret[m] : rbed_secret(RBED_MEMBER, 20);
}

static void say(uint8_t m, uint16_t type, const void *body)
{
	struct secret_key secret = secret_of(m);
	say_by(m, m, &secret, epoch, type, body);
}

/* Beside 0 and 2 a fifth member votes, where there is one. */
static bool fifth_votes(void)
{
	struct bft_roster now = driver_roster(b.driver, epoch);
	return roster_has(&now, 4);
}

static void leaf(uint8_t m, uint8_t kind, bft_seq seq, struct digest d)
{
	say(m, PBFT_VOTES, dbed_votes(0, kind, seq, d));
}

/* 0 leads, 2 votes with it, and this replica makes three; of five, another does. */
static void agree(struct digest d)
{
	at++;
	leaf(0, BFT_LEAF_PRE_PREPARE, at, d);
	leaf(2, BFT_LEAF_PREPARE, at, d);
	if (fifth_votes())
		leaf(4, BFT_LEAF_PREPARE, at, d);
	leaf(0, BFT_LEAF_COMMIT, at, d);
	leaf(2, BFT_LEAF_COMMIT, at, d);
	if (fifth_votes())
		leaf(4, BFT_LEAF_COMMIT, at, d);
}

static void stable(void)
{
	struct bft_checkpoint m = { .seq = at, .chain = dbed_standing(&b).chain };
	if (at % DBED_K || dbed_standing(&b).executed != at)
		return;
	say(0, PBFT_CHECKPOINT, &m);
	say(2, PBFT_CHECKPOINT, &m);
	if (fifth_votes())
		say(4, PBFT_CHECKPOINT, &m);
}

static void propose(const struct dbed_bundle *x)
{
	struct dbed_proposal p = dbed_propose(&b, DBED_WALL, x, 1);
	dbed_push(&b, 0, &p, x, 1);
	agree(p.digest);
	CU_ASSERT_EQUAL_FATAL(dbed_standing(&b).executed, at);
	stable();
}

/* Null proposals up to `seq`; `last_stable`: whether the last checkpoint is. */
static void fill(bft_seq seq, bool last_stable)
{
	struct digest null;
	proposal_null_digest(&null, &b.cluster);
	while (at < seq) {
		agree(null);
		CU_ASSERT_EQUAL_FATAL(dbed_standing(&b).executed, at);
		if (at < seq || last_stable)
			stable();
	}
}

/* ---- changes ---- */

/* By as many organizations of the genesis as are there, at most `orgs`. The border that it fixes; 0: none. */
static bft_seq order_change_by(struct reconfigure *r, uint8_t orgs)
{
	static uint8_t ops[4 + RECONFIGURE_BYTES_MAX];
	struct statement s;
	struct signature signature;
	r->epoch = epoch;
	reconfigure_statement(&s, r, &b.cluster);
	for (uint8_t i = 0; i < orgs; i++) {
		if (!epoch_key(&b.driver->chain->keys, i, epoch) ||
		    !public_key_equal(&epoch_card(&b.driver->chain->keys, i, epoch)->org_key, &b.genesis.cards[i].org_key))
			continue;
		sign_ed25519.sign(&signature, &s, &b.org_secret[i]);
		CU_ASSERT(reconfigure_add(r, &b.genesis.cards[i].org_key, &signature));
	}
	size_t n = reconfigure_encode(r, ops + 4, sizeof ops - 4);
	struct wr w = wr_of(ops, 4);
	wr_u32(&w, (uint32_t)n);
	struct bundle x = { .key = b.client_key[0],
		            .kind = BUNDLE_RECONFIGURE,
		            .session = session,
		            .number = ++number,
		            .reply_mask = ~(uint64_t)0,
		            .count = 1,
		            .ops = ops,
		            .ops_bytes = 4 + n };
	struct dbed_bundle signed_one = dbed_sign_bundle(&b, 0, &x);
	propose(&signed_one);
	free(signed_one.bytes);
	return execution_epochs(b.driver->execution)->border;
}

static bft_seq order_change(struct reconfigure *r)
{
	bft_seq border = order_change_by(r, DBED_N);
	CU_ASSERT_FATAL(border > at);
	return border;
}

/* Who has told what it holds of mine in the new epoch: I vote again. */
static void join(void)
{
	struct pbft_recall none = { 0 };
	say(0, PBFT_RECALL_DONE, &none);
	say(2, PBFT_RECALL_DONE, &none);
	if (fifth_votes())
		say(4, PBFT_RECALL_DONE, &none);
	dbed_pass(&b, 1);
}

/* The whole way into the next epoch, under bft. */
static void change(struct reconfigure *r)
{
	fill(order_change(r), true);
	dbed_pass(&b, 1);
	epoch++;
	CU_ASSERT_EQUAL_FATAL(dbed_standing(&b).epoch, epoch);
}

static struct reconfigure one(uint8_t member, const struct bft_card *card)
{
	return rbed_members(1, member, card);
}

/* The replica has taken it up to look at it: it is of a member, in an epoch that it is in. */
static bool taken(uint8_t link, uint8_t m, const struct secret_key *secret, bft_epoch e, uint8_t what)
{
	struct digest d;
	uint32_t before = messages_count(b.driver->messages);
	memset(d.b, what, sizeof d.b);
	say_by(link, m, secret, e, PBFT_VOTES, dbed_votes(0, BFT_LEAF_COMMIT, at + 1, d));
	return messages_count(b.driver->messages) > before;
}

/* ---- whose message counts ---- */

static void who_comes_is_heard_from_its_epoch_on(void)
{
	begin();
	struct bft_card card = rbed_card(20, 20);
	struct reconfigure r = one(4, &card);
	struct secret_key fresh = rbed_secret(RBED_MEMBER, 20);
	CU_ASSERT_FALSE(taken(4, 4, &fresh, 1, 1)); /* nobody yet */
	CU_ASSERT_FALSE(taken(4, 4, &fresh, 2, 1));
	CU_ASSERT_EQUAL(dbed_counts(&b).blamed, 0);
	change(&r);
	struct bft_roster now = driver_roster(b.driver, 2);
	CU_ASSERT(now.members == mask_all(5) && driver_roster(b.driver, 1).members == mask_all(4));
	driver_member_link(b.driver, 4, true);
	CU_ASSERT_TRUE(taken(4, 4, &fresh, 2, 2));
	/* In the epoch before it was nobody, whatever it says. */
	CU_ASSERT_FALSE(taken(4, 4, &fresh, 1, 3));
	/* Its key is the one on its card. */
	uint64_t bad = dbed_counts(&b).bad_signatures;
	struct bft_checkpoint m = { .seq = at + DBED_K, .chain = { { 5 } } };
	say_by(4, 4, &b.secret[3], 2, PBFT_CHECKPOINT, &m);
	CU_ASSERT_EQUAL(dbed_counts(&b).bad_signatures, bad + 1);
	dbed_destroy(&b);
}

static void who_was_removed_is_not_heard(void)
{
	begin();
	struct bft_card card = rbed_card(20, 20);
	struct reconfigure come = one(4, &card), go = one(3, NULL);
	change(&come);
	join();
	CU_ASSERT_EQUAL(b.driver->q, 4);
	CU_ASSERT_TRUE(taken(3, 3, &b.secret[3], 2, 1));
	change(&go);
	join();
	CU_ASSERT(b.driver->q == 3 && driver_roster(b.driver, 3).members == 0x17);
	/* In no epoch, by no link; and it is no offence to be behind. */
	uint64_t blamed = dbed_counts(&b).blamed;
	for (bft_epoch e = 1; e <= 4; e++)
		CU_ASSERT_FALSE(taken(3, 3, &b.secret[3], e, 2));
	CU_ASSERT_EQUAL(dbed_counts(&b).blamed, blamed);
	CU_ASSERT_FALSE(taken(0, 3, &b.secret[3], 3, 3)); /* passed on by a member, who should know */
	CU_ASSERT_EQUAL(dbed_counts(&b).blamed, blamed + 1);
	/* The four go on, whatever the numbers. */
	struct digest null;
	proposal_null_digest(&null, &b.cluster);
	agree(null);
	CU_ASSERT_EQUAL(dbed_standing(&b).executed, at);
	dbed_destroy(&b);
}

/* 3 is another's number in epoch 2. Its new holder is not the one that was 3 in epoch 1, and the former one is nobody in epoch 2. */
static void a_number_is_its_holders_in_its_epoch(void)
{
	begin();
	struct bft_card card = rbed_card(20, 20);
	struct reconfigure r = one(3, &card);
	struct secret_key fresh = rbed_secret(RBED_MEMBER, 20);
	CU_ASSERT_TRUE(taken(3, 3, &b.secret[3], 1, 1));
	change(&r);
	driver_member_link(b.driver, 3, false);
	driver_member_link(b.driver, 3, true);
	CU_ASSERT_TRUE(taken(3, 3, &fresh, 2, 2));
	/* By whatever link: its signature is not that of the number's holder. */
	uint64_t bad = dbed_counts(&b).bad_signatures;
	struct bft_checkpoint m = { .seq = at + DBED_K, .chain = { { 5 } } };
	say_by(0, 3, &b.secret[3], 2, PBFT_CHECKPOINT, &m);
	CU_ASSERT_EQUAL(dbed_counts(&b).bad_signatures, bad + 1);
	/* Who speaks in the epoch before by the channel alone must have had that number there: the proposals up to the border are served to 0, and not to 3. */
	struct bft_fetch_chain ask = { .from = 2 };
	dbed_forget(&b);
	say_by(3, 3, &fresh, 1, PBFT_FETCH_CHAIN, &ask);
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_CHAIN), 0);
	say_by(0, 0, &b.secret[0], 1, PBFT_FETCH_CHAIN, &ask);
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_CHAIN), 1);
	/* It asks in the epoch that it is a member of. */
	say_by(3, 3, &fresh, 2, PBFT_FETCH_CHAIN, &ask);
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_CHAIN), 2);
	dbed_destroy(&b);
}

/* ---- who is replaced, removed, or not there yet ---- */

static bool answers_a_client(void)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_READ };
	uint8_t body[9] = { 1, [8] = 'r' };
	struct dbed_bundle x = dbed_request(&b, 0, session, 1, 8); /* another was executed under that number: it is answered at once, if anything is */
	dbed_forget(&b);
	dbed_client_in(&b, 5, 0, &e, body, sizeof body);
	dbed_client_bundle(&b, 5, 0, &x);
	dbed_turn(&b);
	free(x.bytes);
	bool answered = false;
	for (uint32_t i = 0; i < b.frames_count; i++)
		answered |= b.frame[i].client;
	return answered;
}

static void who_is_replaced_answers_nobody_and_observes(void)
{
	for (int replaced = 0; replaced < 2; replaced++) {
		begin();
		struct bft_card card = rbed_card(20, 20), fifth = rbed_card(21, 21);
		struct reconfigure r = { .kind = RECONFIGURE_MEMBERS };
		rbed_seat(&r, DBED_SELF, replaced ? &card : NULL);
		if (!replaced)
			rbed_seat(&r, 4, &fifth);
		CU_ASSERT_TRUE(answers_a_client());
		change(&r);
		CU_ASSERT_FALSE(driver_is_member(b.driver));
		CU_ASSERT_FALSE(answers_a_client());
		struct standing s = dbed_standing(&b);
		CU_ASSERT(s.role == STANDING_OBSERVER && strcmp(s.trouble, "it is no member any more: it may be stopped") == 0);
		/* It signs nothing, whatever passes. */
		dbed_forget(&b);
		dbed_pass(&b, 5000);
		CU_ASSERT(dbed_sent(&b, PBFT_VOTES) == 0 && dbed_sent(&b, PBFT_SUSPECT) == 0 && dbed_sent(&b, PBFT_CHECKPOINT) == 0);
		/* Nor after a restart. */
		dbed_close(&b);
		dbed_open(&b);
		CU_ASSERT(!driver_is_member(b.driver) && dbed_standing(&b).epoch == 2 && !answers_a_client());
		dbed_destroy(&b);
	}
}

/* ---- the border ---- */

/* It has executed the border: others may be in the next epoch, with members that this one has never heard of, and what they decide there it cannot see. */
static void who_has_executed_the_border_answers_no_read(void)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_READ };
	uint8_t body[9] = { 1, [8] = 'r' };
	begin();
	struct bft_card card = rbed_card(20, 20);
	struct reconfigure r = one(3, &card);
	bft_seq border = order_change(&r);
	fill(border - 1, true);
	dbed_forget(&b);
	dbed_client_in(&b, 5, 0, &e, body, sizeof body);
	dbed_turn(&b);
	CU_ASSERT_PTR_NOT_NULL(dbed_told(&b, 5, BFT_WIRE_READ_ANSWER));
	fill(border, false);
	CU_ASSERT_EQUAL(dbed_standing(&b).epoch, 1); /* its checkpoint is not stable yet */
	dbed_forget(&b);
	dbed_client_in(&b, 5, 0, &e, body, sizeof body);
	dbed_turn(&b);
	CU_ASSERT_PTR_NULL(dbed_told(&b, 5, BFT_WIRE_READ_ANSWER));
	stable();
	dbed_pass(&b, 1);
	epoch = 2;
	join();
	CU_ASSERT_EQUAL(dbed_standing(&b).epoch, 2);
	dbed_client_in(&b, 5, 0, &e, body, sizeof body);
	dbed_turn(&b);
	const struct dbed_frame *f = dbed_told(&b, 5, BFT_WIRE_READ_ANSWER);
	CU_ASSERT_FATAL(f != NULL);
	CU_ASSERT_EQUAL(f->e.epoch, 2);
	dbed_destroy(&b);
}

/* ---- what organizations approve ---- */

static bool voice_behind(const struct public_key *after, struct reconfigure *out)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH_VOICE };
	dbed_forget(&b);
	dbed_client_in(&b, 5, 0, &e, after->b, sizeof after->b);
	dbed_turn(&b);
	const struct dbed_frame *f = dbed_told(&b, 5, BFT_WIRE_VOICE);
	CU_ASSERT_FATAL(f != NULL && f->n >= PUBLIC_KEY_BYTES);
	CU_ASSERT(memcmp(f->body, after->b, PUBLIC_KEY_BYTES) == 0);
	if (f->n == PUBLIC_KEY_BYTES)
		return false;
	CU_ASSERT_TRUE_FATAL(reconfigure_decode(out, f->body + PUBLIC_KEY_BYTES, f->n - PUBLIC_KEY_BYTES));
	return true;
}

/* One by one in the order of their keys, each with its signature; nothing behind the last, nor behind the border. */
static void voices_are_shown_one_by_one(void)
{
	begin();
	struct public_key after = { { 0 } };
	struct reconfigure voice, r = rbed_mode(1, BFT_MODE_TRUSTED);
	CU_ASSERT_FALSE(voice_behind(&after, &voice));
	order_change_by(&r, 2);
	uint32_t count = 0;
	while (voice_behind(&after, &voice)) {
		CU_ASSERT(voice.approvals == 1 && memcmp(voice.by[0].org.b, after.b, PUBLIC_KEY_BYTES) > 0 && voice.mode == BFT_MODE_TRUSTED);
		CU_ASSERT(reconfigure_signed(&voice, &b.driver->chain->keys, &sign_ed25519, &b.cluster));
		after = voice.by[0].org;
		CU_ASSERT_FATAL(++count <= 2);
	}
	CU_ASSERT_EQUAL(count, 2);
	memset(&after, 0, sizeof after);
	r = rbed_mode(1, BFT_MODE_TRUSTED);
	change(&r);
	CU_ASSERT_FALSE(voice_behind(&after, &voice));
	/* A question of another length costs the link. */
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH_VOICE };
	static const uint8_t zeros[PUBLIC_KEY_BYTES + 1];
	for (size_t n = 0; n <= sizeof zeros; n++)
		if (n != PUBLIC_KEY_BYTES)
			dbed_client_in(&b, 6, 0, &e, zeros, n);
	CU_ASSERT_EQUAL(b.client_closed[6], PUBLIC_KEY_BYTES + 1);
	dbed_destroy(&b);
}

/* ---- the other mode ---- */

static void the_core_is_the_modes(void)
{
	begin();
	struct reconfigure r = rbed_mode(1, BFT_MODE_TRUSTED);
	change(&r);
	CU_ASSERT(b.driver->protocol == bft_protocol_of(BFT_MODE_TRUSTED) && b.driver->roster.mode == BFT_MODE_TRUSTED);
	CU_ASSERT_EQUAL(epoch_flags(b.driver), BFT_MODE_TRUSTED | DBED_N << 2);
	/* What members of the other mode send is of another epoch, and no offence. */
	uint64_t blamed = dbed_counts(&b).blamed;
	CU_ASSERT_FALSE(taken(2, 2, &b.secret[2], 1, 1));
	CU_ASSERT_EQUAL(dbed_counts(&b).blamed, blamed);
	/* In this one it is. */
	CU_ASSERT_FALSE(taken(2, 2, &b.secret[2], 2, 1));
	CU_ASSERT_EQUAL(dbed_counts(&b).blamed, blamed + 1);
	/* It is heard by the channel alone. */
	uint8_t body[64];
	struct raft_append m = { .term = 1, .round = 1, .prev = at };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = RAFT_APPEND, .epoch = 2 };
	size_t n = b.driver->protocol->encode(RAFT_APPEND, &m, body, sizeof body);
	dbed_forget(&b);
	dbed_frame_in(&b, 2, &e, body, n, NULL, 0);
	dbed_turn(&b);
	CU_ASSERT(dbed_standing(&b).leader == 2 && dbed_sent(&b, RAFT_ACK) == 1);
	/* A restart reads a log of both. */
	dbed_close(&b);
	dbed_open(&b);
	CU_ASSERT(b.driver->roster.mode == BFT_MODE_TRUSTED && dbed_standing(&b).epoch == 2 && dbed_standing(&b).executed == at);
	dbed_destroy(&b);
}

/* ---- the log ---- */

struct log_view {
	uint32_t records, of_bft, of_trusted;
};

static bool look(void *arg, const struct log_record *record, const struct log_position *position)
{
	struct log_view *v = arg;
	(void)position;
	v->records++;
	v->of_bft += record->flags == (BFT_MODE_BFT | DBED_N << 2);
	v->of_trusted += record->flags == (BFT_MODE_TRUSTED | DBED_N << 2);
	return true;
}

static struct driver *empty_driver(void)
{
	struct driver_options o = b.driver->options;
	o.secret = b.secret[DBED_SELF];
	struct driver *d = driver_create(&o);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	return d;
}

/* Every record names the mode and the rows that it is of: a log whose beginning was cut away can be read, and one that changes in the middle without a word cannot. */
static void each_record_names_its_mode_and_rows(void)
{
	begin();
	struct bft_card card = rbed_card(20, 20);
	struct reconfigure r = one(4, &card);
	change(&r);
	join();
	CU_ASSERT_EQUAL(epoch_flags(b.driver), BFT_MODE_BFT | 5u << 2);
	struct driver *d = empty_driver();
	CU_ASSERT_TRUE(epoch_flags_fit(d, (uint16_t)(BFT_MODE_BFT | DBED_N << 2)));
	/* The first record of a log that was cut: of whatever epoch. */
	CU_ASSERT_TRUE(epoch_flags_fit(d, (uint16_t)(BFT_MODE_TRUSTED | 5u << 2)));
	CU_ASSERT(d->protocol == bft_protocol_of(BFT_MODE_TRUSTED) && d->limits.members == 5);
	CU_ASSERT_TRUE(epoch_flags_fit(d, (uint16_t)(BFT_MODE_BFT | 64u << 2)));
	/* What no record can say. */
	static const uint16_t wrong[] = { 0, 3 | 4u << 2, BFT_MODE_BFT, BFT_MODE_BFT | 1u << 2, BFT_MODE_BFT | 65u << 2, UINT16_MAX };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		CU_ASSERT_FALSE(epoch_flags_fit(d, wrong[i]));
	/* Behind others it has to be of their epoch. */
	d->lsn = 7;
	CU_ASSERT_FALSE(epoch_flags_fit(d, (uint16_t)(BFT_MODE_BFT | 5u << 2)));
	CU_ASSERT_TRUE(epoch_flags_fit(d, (uint16_t)(BFT_MODE_BFT | 64u << 2)));
	driver_destroy(d);
	dbed_destroy(&b);
}

static void a_log_of_two_modes_is_read_back(void)
{
	struct log_view v = { 0 };
	struct log_options log = { .segment_bytes = 1u << 20, .queue_bytes = 64u << 20 };
	struct log_report report;
	struct log *again;
	begin();
	struct reconfigure r = rbed_mode(1, BFT_MODE_TRUSTED);
	change(&r);
	struct raft_append m = { .term = 1, .round = 1, .prev = at };
	uint8_t body[64];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = RAFT_APPEND, .epoch = 2 };
	dbed_frame_in(&b, 2, &e, body, b.driver->protocol->encode(RAFT_APPEND, &m, body, sizeof body), NULL, 0);
	dbed_turn(&b);
	dbed_close(&b);
	log.cluster = b.cluster;
	struct log_disk disk = memory_disk_table(b.disk);
	CU_ASSERT_EQUAL_FATAL(log_open(&again, &disk, &log, look, &v, &report), LOG_OK);
	log_close(again);
	CU_ASSERT(v.of_bft > 10 && v.of_trusted > 0 && v.of_bft + v.of_trusted == v.records);
	dbed_open(&b);
	CU_ASSERT(dbed_standing(&b).epoch == 2 && b.driver->roster.mode == BFT_MODE_TRUSTED && !driver_failed(b.driver));
	dbed_destroy(&b);
}

/* What a record says of its core is believed of the first one alone. */
struct replay {
	struct driver *driver;
	uint64_t wrong_from; /* this record and those behind it name another core */
	uint64_t refused;
};

static bool replay_wrong(void *arg, const struct log_record *record, const struct log_position *position)
{
	struct replay *r = arg;
	struct log_record other = *record;
	if (record->lsn >= r->wrong_from)
		other.flags = BFT_MODE_TRUSTED | DBED_N << 2;
	if (!driver_record(r->driver, &other, position)) {
		r->refused = record->lsn;
		return false;
	}
	return true;
}

static void a_log_that_changes_its_core_without_a_word_is_refused(void)
{
	struct log_options options = { .segment_bytes = 1u << 20, .queue_bytes = 64u << 20 };
	struct log_report report;
	struct log *again;
	begin();
	fill(6, true);
	options.cluster = b.cluster;
	struct replay r = { .driver = empty_driver(), .wrong_from = 5 };
	dbed_close(&b);
	struct log_disk disk = memory_disk_table(b.disk);
	CU_ASSERT_NOT_EQUAL(log_open(&again, &disk, &options, replay_wrong, &r, &report), LOG_OK);
	CU_ASSERT_EQUAL(r.refused, 5);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.driver->trouble, "not one of this release, or stands in the wrong place"));
	driver_destroy(r.driver);
	dbed_open(&b);
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "who comes is heard from its epoch on", who_comes_is_heard_from_its_epoch_on },
		{ "who was removed is not heard", who_was_removed_is_not_heard },
		{ "a number is its holder's in its epoch", a_number_is_its_holders_in_its_epoch },
		{ "who is replaced answers nobody and observes", who_is_replaced_answers_nobody_and_observes },
		{ "who has executed the border answers no read", who_has_executed_the_border_answers_no_read },
		{ "voices are shown one by one", voices_are_shown_one_by_one },
		{ "a log that changes its core without a word is refused", a_log_that_changes_its_core_without_a_word_is_refused },
		{ "the core is the mode's", the_core_is_the_modes },
		{ "each record names its mode and rows", each_record_names_its_mode_and_rows },
		{ "a log of two modes is read back", a_log_of_two_modes_is_read_back },
		{ 0 },
	};
	return unit_main("driver_members", cases);
}
