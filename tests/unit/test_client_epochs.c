/* The client follows the chain of epochs from the genesis, by links that prove themselves, and by nobody's word. */
#include "bft/envelope.h"
#include "bft/quorum.h"
#include "client/core.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define N 4u
#define WALL 1700000000000u
#define SENT_MAX 1024u

static struct bft_genesis genesis;
static struct secret_key member[N], org[N], fresh[8];
static struct client_core_options options;
static struct client_core *core;
static struct epoch_keys truth;
static uint64_t now;
static uint32_t told; /* times that keys_changed came */
static struct {
	uint32_t member;
	uint16_t type;
	uint64_t epoch;
} sent[SENT_MAX];
static uint32_t sent_count;

static bool on_send(void *user, uint32_t to, enum net_class class, const uint8_t *frame, size_t n)
{
	struct rd r = rd_of(frame, n);
	struct bft_envelope e = { 0 };
	(void)user;
	CU_ASSERT_FATAL(envelope_read(&r, &e) && sent_count < SENT_MAX && class < NET_CLASSES);
	sent[sent_count].member = to;
	sent[sent_count].type = e.type;
	if (e.type == BFT_WIRE_FETCH_EPOCH)
		CU_ASSERT(rd_u64(&r, &sent[sent_count].epoch) && rd_done(&r));
	sent_count++;
	return true;
}

static void on_random(void *user, void *out, size_t n)
{
	(void)user;
	memset(out, 3, n);
}

static void on_keys(void *user)
{
	(void)user;
	told++;
}

static void begin(void)
{
	struct public_key unused;
	memset(&genesis, 0, sizeof genesis);
	genesis.mode = BFT_MODE_BFT;
	genesis.count = N;
	genesis_limits_default(&genesis.limits);
	for (uint8_t i = 0; i < N; i++) {
		uint8_t a[32] = { 1, i }, b[32] = { 2, i };
		sign_ed25519.keypair(&genesis.cards[i].member_key, &member[i], a);
		sign_ed25519.keypair(&genesis.cards[i].org_key, &org[i], b);
	}
	for (uint8_t i = 0; i < 8; i++) {
		uint8_t c[32] = { 3, i };
		sign_ed25519.keypair(&unused, &fresh[i], c);
	}
	options = (struct client_core_options){
		.genesis = &genesis, .cluster = { { 7 } }, .scheme = &sign_ed25519, .send = on_send, .fill_random = on_random, .keys_changed = on_keys
	};
	core = client_core_create(&options);
	CU_ASSERT_PTR_NOT_NULL_FATAL(core);
	epoch_keys_init(&truth, &genesis);
	now = 1000;
	told = sent_count = 0;
	client_core_time(core, now, WALL);
	for (uint32_t i = 0; i < N; i++)
		client_core_link(core, i, true);
}

static void end(void)
{
	client_core_destroy(core);
}

static void run_to(uint64_t until)
{
	while (client_core_deadline(core) <= until) {
		now = client_core_deadline(core) > now ? client_core_deadline(core) : now + 1;
		client_core_tick(core, now, WALL + now);
	}
	now = until;
	client_core_time(core, now, WALL + now);
}

static struct public_key public_of(const struct secret_key *sk)
{
	struct public_key pk;
	memcpy(pk.b, sk->b + 32, sizeof pk.b);
	return pk;
}

/* The link by which `m` gets another key, signed by two others, with their present keys. */
static struct epoch_link link_of(uint8_t m, const struct secret_key *to, uint8_t a, const struct secret_key *by_a, uint8_t b, const struct secret_key *by_b)
{
	struct epoch_link link = { .record = { .epoch = truth.epoch + 1, .base = truth.base + 64 } };
	struct rotate *r = &link.record.change.rotate;
	struct statement s;
	struct signature signature;
	link.record.change.kind = BUNDLE_ROTATE;
	*r = (struct rotate){ .epoch = truth.epoch, .member = m, .key = public_of(to) };
	rotate_statement(&s, r, DOMAIN_ROTATE, &options.cluster);
	sign_ed25519.sign(&r->signature, &s, &org[m]);
	rotate_statement(&s, r, DOMAIN_ROTATE_OWN, &options.cluster);
	sign_ed25519.sign(&r->own, &s, to);
	epoch_record_statement(&s, &link.record, &options.cluster);
	sign_ed25519.sign(&signature, &s, by_a);
	epoch_link_add(&link, a, &signature);
	sign_ed25519.sign(&signature, &s, by_b);
	epoch_link_add(&link, b, &signature);
	return link;
}

static size_t frame_of(uint8_t *frame, size_t capacity, uint16_t type, bft_epoch epoch, const void *body, size_t n)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = epoch };
	struct wr w = wr_of(frame, capacity);
	envelope_write(&w, &e);
	wr_bytes(&w, body, n);
	return wr_done(&w);
}

static bool give(uint32_t from, const struct epoch_link *link, bool stranger)
{
	uint8_t body[EPOCH_LINK_BYTES_MAX], frame[EPOCH_LINK_BYTES_MAX + 256];
	size_t n = epoch_link_encode(link, body, sizeof body);
	n = frame_of(frame, sizeof frame, BFT_WIRE_EPOCH, link->record.epoch, body, n);
	return stranger ? client_core_stranger_frame(core, from, frame, n) : client_core_frame(core, from, frame, n);
}

/* A frame that says nothing but in which epoch its sender is. */
static void claim(uint32_t from, bft_epoch epoch)
{
	uint8_t body[17] = { 1, [8] = 1, [16] = 3 }, frame[256];
	CU_ASSERT(client_core_frame(core, from, frame, frame_of(frame, sizeof frame, BFT_WIRE_REFUSED, epoch, body, sizeof body)));
}

static uint32_t asked(uint32_t who, uint64_t epoch)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < sent_count; i++)
		count += sent[i].type == BFT_WIRE_FETCH_EPOCH && sent[i].member == who && sent[i].epoch == epoch;
	return count;
}

static bool key_is(uint32_t m, const struct secret_key *sk)
{
	struct public_key pk = public_of(sk);
	return public_key_equal(client_core_key(core, m), &pk);
}

static void links_are_followed_one_by_one(void)
{
	begin();
	CU_ASSERT(client_core_epoch(core) == 1 && key_is(2, &member[2]));
	CU_ASSERT_EQUAL(client_core_deadline(core), UINT64_MAX); /* nobody is ahead: nothing is asked */
	claim(0, 3);
	run_to(now + 1);
	CU_ASSERT_EQUAL(asked(0, 2), 1);
	struct epoch_link to2 = link_of(2, &fresh[0], 0, &member[0], 1, &member[1]);
	CU_ASSERT(give(0, &to2, false));
	CU_ASSERT(told == 1 && client_core_epoch(core) == 2 && key_is(2, &fresh[0]) && key_is(1, &member[1]));
	CU_ASSERT_EQUAL(asked(0, 3), 1); /* at once, whoever showed one */
	epoch_link_follow(&to2, &truth);
	/* The new key signs, and the former one does not. */
	struct epoch_link wrong = link_of(0, &fresh[1], 1, &member[1], 2, &member[2]), to3 = link_of(0, &fresh[1], 1, &member[1], 2, &fresh[0]);
	CU_ASSERT(!give(0, &wrong, false));
	CU_ASSERT_EQUAL(client_core_epoch(core), 2);
	run_to(now + 5000);
	CU_ASSERT(asked(0, 3) > 1);
	CU_ASSERT(give(0, &to3, false));
	CU_ASSERT(told == 2 && client_core_epoch(core) == 3 && key_is(0, &fresh[1]) && key_is(2, &fresh[0]));
	sent_count = 0;
	run_to(now + 5000);
	CU_ASSERT_EQUAL(sent_count, 0); /* nobody is ahead any more */
	end();
}

static void a_claim_without_a_proof_is_nothing(void)
{
	begin();
	claim(1, (bft_epoch)1 << 60);
	run_to(now + 20000);
	CU_ASSERT(asked(1, 2) >= 10 && asked(1, 2) < 20); /* less and less often */
	CU_ASSERT(asked(0, 2) == 0 && client_core_epoch(core) == 1 && told == 0);
	/* What the liar shows: another cluster's, one short, a flipped bit, its own signature for another's. */
	struct epoch_link good = link_of(2, &fresh[0], 0, &member[0], 3, &member[3]), bad[4];
	for (int i = 0; i < 4; i++)
		bad[i] = good;
	bad[0].record.chain.b[0] ^= 1;
	bad[1].count = 1;
	bad[2].record.change.rotate.own.b[7] ^= 8;
	bad[3] = link_of(2, &fresh[0], 0, &member[1], 1, &member[1]);
	for (int i = 0; i < 4; i++) {
		run_to(now + 2500);
		CU_ASSERT(!give(1, &bad[i], false));
		CU_ASSERT(client_core_epoch(core) == 1 && told == 0);
	}
	/* A good one that nobody asked for is not looked at: that would be a check for each frame that a liar sends. */
	CU_ASSERT(give(0, &good, false) && client_core_epoch(core) == 1);
	run_to(now + 5000); /* now two are ahead, and they are asked in turn */
	CU_ASSERT(give(1, &good, false) && client_core_epoch(core) == 2);
	/* Once more it is known already. */
	CU_ASSERT(give(1, &good, false) && client_core_epoch(core) == 2 && told == 1);
	end();
}

static void answered(void *user, const struct quorate_answer *a)
{
	(void)a;
	++*(uint32_t *)user;
}

static void a_stranger_shows_links_and_nothing_else(void)
{
	begin();
	uint32_t answers = 0, before;
	for (uint32_t i = 0; i < N; i++)
		client_core_link(core, i, false);
	client_core_stranger(core, 2, true);
	client_core_stranger(core, 3, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(client_session_open(core, answered, &answers));
	run_to(now + 300);
	CU_ASSERT(asked(2, 2) + asked(3, 2) >= 2);
	for (uint32_t i = 0; i < sent_count; i++)
		CU_ASSERT_EQUAL(sent[i].type, BFT_WIRE_FETCH_EPOCH); /* no request goes there */
	/* f+1 strangers that say the same are no answer. */
	uint8_t refused[17] = { [8] = 1, [16] = 1 }, frame[256];
	size_t n = frame_of(frame, sizeof frame, BFT_WIRE_REFUSED, 1, refused, sizeof refused);
	CU_ASSERT(client_core_stranger_frame(core, 2, frame, n) && client_core_stranger_frame(core, 3, frame, n));
	CU_ASSERT_EQUAL(answers, 0);
	struct epoch_link to2 = link_of(2, &fresh[0], 0, &member[0], 1, &member[1]);
	run_to(now + 2500);
	CU_ASSERT(give(2, &to2, true) && client_core_epoch(core) == 2 && key_is(2, &fresh[0]));
	/* Then it is a member's link, and gets the request. */
	client_core_stranger(core, 2, false);
	client_core_link(core, 2, true);
	before = sent_count;
	run_to(now + 10);
	bool bundle = false;
	for (uint32_t i = before ? before - 2 : 0; i < sent_count; i++)
		bundle |= sent[i].type == BFT_WIRE_BUNDLE && sent[i].member == 2;
	CU_ASSERT(bundle);
	end();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "links are followed one by one", links_are_followed_one_by_one },
		{ "a claim without a proof is nothing", a_claim_without_a_proof_is_nothing },
		{ "a stranger shows links and nothing else", a_stranger_shows_links_and_nothing_else },
		{ 0 },
	};
	if (!sign_self_test())
		return 1;
	return unit_main("client_epochs", cases);
}
