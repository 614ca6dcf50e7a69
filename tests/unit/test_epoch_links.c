/* The chain of epochs at one replica: it asks who is ahead, follows what proves itself, shows it to those who are behind, and keeps it. */
#include "replica/driver_state.h"
#include "tests/unit/driver_bed.h"
#include "tests/unit/reconfigure_bed.h"

static struct dbed b;
static struct secret_key fresh[4];
static struct epoch_keys truth;

static void begin(void)
{
	struct public_key unused;
	dbed_create(&b);
	for (uint8_t i = 0; i < 4; i++) {
		uint8_t seed[32] = { 200, i };
		sign_ed25519.keypair(&unused, &fresh[i], seed);
	}
	epoch_keys_init(&truth, &b.genesis);
}

static struct public_key public_of(const struct secret_key *sk)
{
	struct public_key pk;
	memcpy(pk.b, sk->b + 32, sizeof pk.b);
	return pk;
}

/* The link by which `m` gets another key; nobody has signed it. */
static struct epoch_link link_of(uint8_t m, const struct secret_key *to)
{
	struct epoch_link link = { .record = { .epoch = truth.epoch + 1, .base = truth.base + 64 } };
	struct rotate *r = &link.record.change.rotate;
	struct statement s;
	link.record.change.kind = BUNDLE_ROTATE;
	*r = (struct rotate){ .epoch = truth.epoch, .member = m, .key = public_of(to) };
	rotate_statement(&s, r, DOMAIN_ROTATE, &b.cluster);
	sign_ed25519.sign(&r->signature, &s, &b.org_secret[m]);
	rotate_statement(&s, r, DOMAIN_ROTATE_OWN, &b.cluster);
	sign_ed25519.sign(&r->own, &s, to);
	return link;
}

static void sign_link(struct epoch_link *link, uint8_t m, const struct secret_key *by)
{
	struct statement s;
	struct signature signature;
	epoch_record_statement(&s, &link->record, &b.cluster);
	sign_ed25519.sign(&signature, &s, by);
	CU_ASSERT_TRUE(epoch_link_add(link, m, &signature));
}

static void give(uint8_t from, const struct epoch_link *link, bool stranger)
{
	uint8_t body[EPOCH_LINK_BYTES_MAX], frame[EPOCH_LINK_BYTES_MAX + BFT_FRAME_HEAD_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_EPOCH, .epoch = link->record.epoch };
	size_t n = epoch_link_encode(link, body, sizeof body);
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	wr_bytes(&w, body, n);
	if (stranger)
		driver_stranger_frame(b.driver, from, frame, wr_done(&w));
	else
		driver_member_frame(b.driver, from, frame, wr_done(&w));
	dbed_turn(&b);
}

static size_t question(uint8_t frame[128], bft_epoch epoch)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH_EPOCH, .epoch = 1 };
	struct wr w = wr_of(frame, 128);
	envelope_write(&w, &e);
	wr_u64(&w, epoch);
	return wr_done(&w);
}

/* How often `who` was asked for the link of `epoch`. */
static uint32_t asked(uint8_t who, bft_epoch epoch)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b.frames_count; i++) {
		const struct dbed_frame *f = &b.frame[i];
		struct rd r = rd_of(f->body, f->n);
		uint64_t of;
		if (!f->client && f->to == who && f->e.type == BFT_WIRE_FETCH_EPOCH)
			count += rd_u64(&r, &of) && of == epoch && rd_done(&r);
	}
	return count;
}

/* Something of a later epoch, signed or not. */
static void speak(uint8_t from, bft_epoch epoch)
{
	struct pbft_recall none = { 0 };
	struct dbed_say how = { .link = from, .signer = from, .epoch = epoch };
	dbed_say_as(&b, &how, PBFT_RECALL_DONE, &none);
}

static bool key_is(uint8_t m, const struct secret_key *sk)
{
	struct public_key pk = public_of(sk);
	return public_key_equal(driver_member_key(b.driver, m), &pk);
}

static struct epoch_link to_epoch_2(void)
{
	struct epoch_link link = link_of(3, &fresh[0]);
	sign_link(&link, 0, &b.secret[0]);
	sign_link(&link, 2, &b.secret[2]);
	return link;
}

static void who_is_ahead_is_asked(void)
{
	begin();
	dbed_pass(&b, 500);
	CU_ASSERT_EQUAL(dbed_sent(&b, BFT_WIRE_FETCH_EPOCH), 0);
	speak(2, 3);
	dbed_pass(&b, 100);
	CU_ASSERT(asked(2, 2) == 1 && asked(0, 2) == 0 && asked(3, 2) == 0);
	struct epoch_link link = to_epoch_2();
	give(2, &link, false);
	CU_ASSERT(key_is(3, &fresh[0]) && key_is(0, &b.secret[0]));
	CU_ASSERT(public_key_equal(driver_key(b.driver, 3, 1), &b.key[3])); /* what was signed before is checked with what was valid then */
	CU_ASSERT_PTR_NULL(driver_key(b.driver, 3, 3));
	CU_ASSERT_EQUAL(asked(2, 3), 1);
	/* It knows, and is where it was: the core goes there by the border, or by a state. */
	CU_ASSERT(dbed_standing(&b).epoch == 1 && driver_can_sign(b.driver) && dbed_counts(&b).blamed == 0);
	dbed_destroy(&b);
}

static void what_proves_nothing_changes_nothing(void)
{
	begin();
	struct epoch_link good = to_epoch_2(), bad[5];
	for (int i = 0; i < 5; i++)
		bad[i] = good;
	bad[0].count = 1;
	bad[1].record.base++;
	bad[2].record.change.rotate.signature.b[1] ^= 1;
	bad[3] = link_of(3, &fresh[0]);
	sign_link(&bad[3], 0, &b.secret[2]);
	sign_link(&bad[3], 2, &b.secret[2]);
	bad[4] = link_of(3, &fresh[0]);
	sign_link(&bad[4], 2, &b.secret[2]);
	sign_link(&bad[4], 3, &b.secret[3]); /* its own, though its key changes */
	speak(2, 9);
	for (int i = 0; i < 5; i++) {
		dbed_pass(&b, 1000);
		give(2, &bad[i], false);
		CU_ASSERT(key_is(3, &b.secret[3]) && b.links_n == 0);
	}
	/* Not asked for, it is not looked at. */
	give(0, &good, false);
	CU_ASSERT(key_is(3, &b.secret[3]));
	/* However long the liar claims it, it is a question a second, and the one who is honest gets in between. */
	dbed_forget(&b);
	for (int i = 0; i < 20; i++)
		dbed_pass(&b, 500);
	CU_ASSERT(asked(2, 2) >= 8 && asked(2, 2) <= 12);
	speak(0, 2);
	dbed_pass(&b, 1000);
	dbed_pass(&b, 1000);
	CU_ASSERT_EQUAL(asked(0, 2), 1);
	give(0, &good, false);
	CU_ASSERT(key_is(3, &fresh[0]));
	dbed_destroy(&b);
}

static const struct dbed_frame *shown_to(uint8_t member)
{
	for (uint32_t i = b.frames_count; i--;)
		if (!b.frame[i].client && b.frame[i].to == member && b.frame[i].e.type == BFT_WIRE_EPOCH)
			return &b.frame[i];
	return NULL;
}

static void what_is_known_is_shown(void)
{
	uint8_t frame[128];
	begin();
	size_t n = question(frame, 2);
	driver_member_frame(b.driver, 0, frame, n);
	CU_ASSERT_PTR_NULL(shown_to(0)); /* it has none */
	struct epoch_link link = to_epoch_2();
	speak(2, 2);
	dbed_pass(&b, 100);
	give(2, &link, false);
	dbed_forget(&b);
	driver_member_frame(b.driver, 0, frame, n);
	driver_stranger_frame(b.driver, 3, frame, n);
	driver_client_frame(b.driver, 5, &b.client_key[0], frame, n);
	const struct dbed_frame *f[] = { shown_to(0), shown_to(3), dbed_told(&b, 5, BFT_WIRE_EPOCH) };
	for (int i = 0; i < 3; i++) {
		struct epoch_link seen;
		CU_ASSERT_PTR_NOT_NULL_FATAL(f[i]);
		struct rd r = rd_of(f[i]->body, f[i]->n);
		CU_ASSERT_FATAL(epoch_link_read(&r, &seen) && rd_done(&r));
		CU_ASSERT_PTR_NULL(epoch_link_check(&seen, &truth, &sign_ed25519, &b.cluster));
	}
	/* Of others there is nothing to show, and what is no question is none. */
	dbed_forget(&b);
	for (uint64_t epoch = 0; epoch < 6; epoch++) {
		n = question(frame, epoch == 2 ? UINT64_MAX : epoch);
		driver_client_frame(b.driver, 5, &b.client_key[0], frame, n);
		driver_stranger_frame(b.driver, 3, frame, n);
	}
	driver_stranger_frame(b.driver, 3, frame, n - 1);
	CU_ASSERT(b.frames_count == 0 && b.client_closed[5] == 0);
	dbed_destroy(&b);
}

static void a_stranger_is_asked_and_not_heard(void)
{
	begin();
	driver_member_link(b.driver, 3, false);
	driver_stranger(b.driver, 3, true);
	dbed_pass(&b, 1);
	CU_ASSERT_EQUAL(asked(3, 2), 1);
	/* A vote by its former key, which was good until now, is not taken from that link. */
	uint8_t bytes[512], frame[1024];
	struct digest d = { { 9 } };
	const struct bft_votes *votes = dbed_votes(0, BFT_LEAF_COMMIT, 1, d);
	size_t n = pbft_encode(PBFT_VOTES, votes, bytes, sizeof bytes);
	struct bft_envelope e = dbed_envelope(&b, 3, PBFT_VOTES, bytes, n);
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	wr_bytes(&w, bytes, n);
	uint32_t before = messages_count(b.driver->messages);
	driver_stranger_frame(b.driver, 3, frame, wr_done(&w));
	dbed_turn(&b);
	CU_ASSERT_EQUAL(messages_count(b.driver->messages), before);
	driver_member_frame(b.driver, 3, frame, wr_done(&w)); /* on a member's link it is */
	dbed_turn(&b);
	CU_ASSERT_EQUAL(messages_count(b.driver->messages), before + 1);
	/* The link that explains it comes from the stranger itself. */
	struct epoch_link link = to_epoch_2();
	give(3, &link, true);
	CU_ASSERT(key_is(3, &fresh[0]));
	dbed_destroy(&b);
}

static void it_is_kept_and_taken_back(void)
{
	static uint8_t torn[8192];
	size_t used, first;
	begin();
	struct epoch_link link = to_epoch_2();
	speak(2, 3);
	dbed_pass(&b, 100);
	give(2, &link, false);
	first = b.links_n;
	CU_ASSERT(first > 0);
	epoch_link_follow(&link, &truth);
	link = link_of(0, &fresh[1]);
	sign_link(&link, 2, &b.secret[2]);
	sign_link(&link, 3, &fresh[0]);
	give(2, &link, false);
	CU_ASSERT(key_is(0, &fresh[1]) && b.links_n > first);
	dbed_close(&b);
	dbed_open(&b);
	CU_ASSERT(key_is(3, &fresh[0]) && key_is(0, &fresh[1]));
	/* Torn or damaged, it is a chain up to there. */
	memcpy(torn, b.links, b.links_n);
	struct driver *again = b.driver;
	struct driver_options o = again->options;
	o.secret = b.secret[DBED_SELF];
	struct driver *other = driver_create(&o);
	CU_ASSERT_PTR_NOT_NULL_FATAL(other);
	CU_ASSERT(!driver_epochs(other, torn, b.links_n - 1, &used) && used == first);
	CU_ASSERT(public_key_equal(driver_member_key(other, 0), &b.key[0]));
	driver_destroy(other);
	other = driver_create(&o);
	CU_ASSERT_PTR_NOT_NULL_FATAL(other);
	torn[10] ^= 1;
	CU_ASSERT(!driver_epochs(other, torn, b.links_n, &used) && used == 0);
	driver_destroy(other);
	dbed_destroy(&b);
}

/* Of a cluster that has replaced its first members nobody may be left to say so: the link's signatures do. */
static void who_starts_with_the_chain_knows_that_its_epoch_is_over(void)
{
	begin();
	struct epoch_link link = to_epoch_2();
	CU_ASSERT_FALSE(b.driver->overtaken);
	speak(2, 2);
	dbed_pass(&b, 100);
	CU_ASSERT_FALSE(b.driver->overtaken); /* one voice */
	give(2, &link, false);
	CU_ASSERT(b.driver->overtaken && b.driver->epoch == 1);
	dbed_close(&b);
	dbed_open(&b);
	CU_ASSERT(b.driver->overtaken && !b.driver->transfer);
	dbed_pass(&b, 2100);
	CU_ASSERT_PTR_NOT_NULL(b.driver->transfer);
	dbed_destroy(&b);
}

/* A newcomer gets the chain as a file. It asks members of numbers that the genesis does not have: the state may be with them alone. */
static void who_starts_with_the_chain_knows_all_numbers(void)
{
	size_t used;
	begin();
	struct bft_card card = rbed_card(30, 30);
	struct epoch_link link = { .record = { .epoch = 2, .base = 64, .change = { .kind = BUNDLE_RECONFIGURE } } };
	struct reconfigure *r = &link.record.change.reconfigure;
	*r = rbed_members(1, 9, &card);
	struct statement s;
	reconfigure_statement(&s, r, &b.cluster);
	for (uint8_t i = 0; i < 4; i++) {
		struct signature signature;
		sign_ed25519.sign(&signature, &s, &b.org_secret[i]);
		CU_ASSERT_TRUE(reconfigure_add(r, &b.genesis.cards[i].org_key, &signature));
	}
	for (uint8_t i = 0; i < 2; i++)
		sign_link(&link, i, &b.secret[i]);
	static uint8_t bytes[EPOCH_LINK_BYTES_MAX];
	size_t n = epoch_link_encode(&link, bytes, sizeof bytes);
	struct driver_options o = b.driver->options;
	o.secret = b.secret[DBED_SELF];
	struct driver *other = driver_create(&o);
	CU_ASSERT_PTR_NOT_NULL_FATAL(other);
	CU_ASSERT_EQUAL(other->n, 4);
	CU_ASSERT(driver_epochs(other, bytes, n, &used) && used == n);
	CU_ASSERT_EQUAL(other->n, 10);
	driver_destroy(other);
	dbed_destroy(&b);
}

/* Former keys settle nothing that comes after them, even q of them. */
static void say_stable(bft_seq seq)
{
	static uint8_t tail[4096];
	static struct certificate c;
	struct bft_checkpoint body = { .seq = seq, .chain = { { 5 } } };
	uint8_t bytes[64];
	struct digest digest;
	struct statement s;
	c = (struct certificate){ .epoch = 1, .kind = CERTIFICATE_CHECKPOINT, .seq = seq, .digest = body.chain };
	size_t n = pbft_encode(PBFT_CHECKPOINT, &body, bytes, sizeof bytes);
	pbft_body_digest(&digest, PBFT_CHECKPOINT, bytes, n);
	statement_make(&s, pbft_domain(PBFT_CHECKPOINT), &b.cluster, 1, &digest);
	for (uint8_t m = 0; m < DBED_N; m++) {
		struct signature signature;
		sign_ed25519.sign(&signature, &s, &b.secret[m]);
		if (m != DBED_SELF)
			CU_ASSERT_TRUE(certificate_add(&c, m, NULL, 0, &signature));
	}
	struct dbed_say how = { .link = 2, .signer = 2, .tail = tail, .tail_n = certificate_encode(&c, tail, sizeof tail) };
	dbed_say_as(&b, &how, PBFT_STABLE, &body);
}

static void what_had_ended_settles_nothing(void)
{
	for (int known = 0; known < 2; known++) {
		begin();
		struct epoch_link link = to_epoch_2();
		speak(2, 2);
		dbed_pass(&b, 100);
		if (known)
			give(2, &link, false);
		say_stable(link.record.base + DBED_K);
		/* Who does not know of the border has no reason to doubt it. */
		CU_ASSERT_EQUAL(dbed_counts(&b).blamed, (uint64_t)known);
		CU_ASSERT_EQUAL(dbed_standing(&b).stable, known ? 0 : link.record.base + DBED_K);
		dbed_destroy(&b);
		begin();
		speak(2, 2);
		dbed_pass(&b, 100);
		give(2, &link, false);
		say_stable(link.record.base); /* up to the border it holds */
		CU_ASSERT(dbed_counts(&b).blamed == 0 && dbed_standing(&b).stable == link.record.base);
		dbed_destroy(&b);
	}
}

/* It has executed the border behind which epoch 2 began, and lacks the others' signatures; `f` of them claim to be in epochs that never were. */
static void who_claims_to_be_ahead_keeps_no_signature_away(void)
{
	begin();
	struct epoch_link link = link_of(3, &fresh[0]);
	struct epoch_chain *c = b.driver->chain;
	c->at = calloc(1, sizeof *c->at);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c->at);
	c->at[0].partial = malloc(sizeof link);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c->at[0].partial);
	*c->at[0].partial = link;
	c->count = c->capacity = 1;
	epoch_link_follow(&link, &c->keys);
	for (uint32_t i = 0; i < 8; i++) {
		speak(2, 9);
		dbed_pass(&b, 1000);
	}
	CU_ASSERT(asked(2, 3) > 1 && asked(0, 3) == 0);
	CU_ASSERT(asked(0, 2) > 1 && asked(2, 2) > 1 && asked(3, 2) > 1);
	dbed_destroy(&b);
}

static struct epoch_link let_in_link(uint8_t m, uint64_t incarnation)
{
	struct epoch_link link = { .record = { .epoch = truth.epoch + 1, .base = truth.base + 64, .change = { .kind = BUNDLE_READMIT } } };
	struct readmit *r = &link.record.change.readmit;
	struct statement s;
	*r = (struct readmit){ .epoch = truth.epoch, .member = m, .incarnation = incarnation };
	readmit_statement(&s, r, &b.cluster);
	sign_ed25519.sign(&r->signature, &s, &b.org_secret[m]);
	for (uint8_t i = 0; i < 3; i += 2)
		sign_link(&link, i, &b.secret[i]);
	return link;
}

/* Whose state is gone, and whose superblock is an older one, still knows that it was let in; but the newest word counts, and each for its incarnation. */
static void who_was_let_in_stands_in_the_chain(void)
{
	begin();
	static const struct {
		uint8_t member;
		uint64_t incarnation;
	} words[] = { { DBED_SELF, 77 }, { 3, 88 }, { DBED_SELF, 78 }, { DBED_SELF, 79 } };
	CU_ASSERT_FALSE(links_let_in(b.driver, 1, 77));
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct epoch_link link = let_in_link(words[i].member, words[i].incarnation);
		speak(2, truth.epoch + 1);
		dbed_pass(&b, 1000);
		give(2, &link, false);
		epoch_link_follow(&link, &truth);
		CU_ASSERT_EQUAL(b.driver->chain->keys.epoch, truth.epoch);
	}
	for (uint64_t incarnation = 77; incarnation < 80; incarnation++)
		for (bft_epoch epoch = 1; epoch < 8; epoch++)
			CU_ASSERT_EQUAL(links_let_in(b.driver, epoch, incarnation), epoch >= 2 && incarnation == (epoch < 4 ? 77 : epoch == 4 ? 78 : 79));
	CU_ASSERT_FALSE(links_let_in(b.driver, 3, 88)); /* another member's */
	dbed_destroy(&b);
}

/* Found by a seed: its log is of an epoch that its state knew and nobody had shown it yet, and its state is gone. It does not know which of its keys is the one, and it has
 * forgotten nothing: it takes no part until it has been told, and votes then. */
static void who_does_not_know_its_epoch_waits_for_the_chain(void)
{
	begin();
	struct epoch_link link = to_epoch_2();
	struct bft_event there = { .kind = BFT_EV_JUMP, .epoch = 2, .seq = link.record.base, .members = 0xf, .mode = BFT_MODE_BFT };
	driver_step(b.driver, &there);
	dbed_turn(&b);
	dbed_close(&b);
	dbed_forget(&b);
	dbed_open(&b);
	struct standing st = dbed_standing(&b);
	CU_ASSERT(st.epoch == 2 && st.role != STANDING_OBSERVER && strstr(st.trouble, "the others are asked"));
	dbed_pass(&b, 1000);
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_STATUS), 0);
	speak(2, 2);
	dbed_pass(&b, 100);
	CU_ASSERT_EQUAL(asked(2, 2), 1);
	give(2, &link, false);
	st = dbed_standing(&b);
	CU_ASSERT(st.epoch == 2 && st.role != STANDING_OBSERVER && !*st.trouble && driver_can_sign(b.driver) && !b.memory_lost);
	CU_ASSERT(dbed_sent(&b, PBFT_STATUS) > 0);
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "who is ahead is asked", who_is_ahead_is_asked },
		{ "what proves nothing changes nothing", what_proves_nothing_changes_nothing },
		{ "who claims to be ahead keeps no signature away", who_claims_to_be_ahead_keeps_no_signature_away },
		{ "what is known is shown", what_is_known_is_shown },
		{ "a stranger is asked and not heard", a_stranger_is_asked_and_not_heard },
		{ "what had ended settles nothing", what_had_ended_settles_nothing },
		{ "who was let in stands in the chain", who_was_let_in_stands_in_the_chain },
		{ "it is kept and taken back", it_is_kept_and_taken_back },
		{ "who starts with the chain knows that its epoch is over", who_starts_with_the_chain_knows_that_its_epoch_is_over },
		{ "who starts with the chain knows all numbers", who_starts_with_the_chain_knows_all_numbers },
		{ "who does not know its epoch waits for the chain", who_does_not_know_its_epoch_waits_for_the_chain },
		{ 0 },
	};
	return unit_main("epoch_links", cases);
}
