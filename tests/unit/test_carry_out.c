/* Snapshots of a whole replica: when one is made, and from when on it is served. */
#include "replica/driver_state.h"
#include "tests/unit/driver_bed.h"

static struct dbed b;

#define DUE (2u * DBED_K) /* the bed's first snapshot */

static void decide_up_to(bft_seq last)
{
	struct digest null;
	proposal_null_digest(&null, &b.cluster);
	for (bft_seq seq = dbed_standing(&b).executed + 1; seq <= last; seq++)
		dbed_agree(&b, seq, null);
}

/* Its log is durable, and the next sequence is decided. */
static void begin(void)
{
	dbed_create(&b);
	decide_up_to(DUE + 1);
}

static void say_checkpoint(uint8_t member)
{
	struct bft_checkpoint m = { .seq = DUE, .chain = dbed_standing(&b).chain };
	dbed_say(&b, member, PBFT_CHECKPOINT, &m);
}

static bool waits(void)
{
	struct standing s = dbed_standing(&b);
	return s.executed == DUE && s.stable < DUE && s.snapshot == 0 && dbed_sent(&b, PBFT_SNAPSHOT) == 0;
}

static void it_waits_until_its_checkpoint_is_stable(void)
{
	begin();
	CU_ASSERT_TRUE(waits());
	say_checkpoint(0);
	dbed_pass(&b, 1000);
	CU_ASSERT_TRUE(waits());
	say_checkpoint(2);
	struct standing s = dbed_standing(&b);
	CU_ASSERT_TRUE(s.stable == DUE && s.snapshot == DUE && s.executed == DUE + 1);
	CU_ASSERT_EQUAL(dbed_sent(&b, PBFT_SNAPSHOT), DBED_N - 1);
	dbed_destroy(&b);
}

static void it_waits_after_a_restart_too(void)
{
	begin();
	dbed_close(&b);
	dbed_forget(&b);
	CU_ASSERT_EQUAL_FATAL(bed_reopen(&b.state), STATE_OK);
	dbed_open(&b);
	CU_ASSERT_TRUE(waits());
	say_checkpoint(0);
	say_checkpoint(2);
	CU_ASSERT_TRUE(waits());
	say_checkpoint(3);
	CU_ASSERT_TRUE(dbed_standing(&b).stable == DUE && dbed_standing(&b).snapshot == DUE);
	dbed_destroy(&b);
}

/* The certificate of its checkpoint is in the log first: without it, a loss of power would leave a state that nothing proves. */
static void it_waits_for_the_disk(void)
{
	begin();
	say_checkpoint(0);
	struct bft_checkpoint m = { .seq = DUE, .chain = dbed_standing(&b).chain };
	uint8_t bytes[64];
	size_t n = pbft_encode(PBFT_CHECKPOINT, &m, bytes, sizeof bytes);
	struct bft_envelope e = dbed_envelope(&b, 2, PBFT_CHECKPOINT, bytes, n);
	dbed_frame_in(&b, 2, &e, bytes, n, NULL, 0);
	while (driver_turn(b.driver))
		;
	CU_ASSERT_TRUE(dbed_standing(&b).stable == DUE && dbed_standing(&b).snapshot == 0);
	dbed_turn(&b);
	CU_ASSERT_EQUAL(dbed_standing(&b).snapshot, DUE);
	dbed_destroy(&b);
}

/* To `member`, that asks. */
static uint32_t offers_to(uint8_t member)
{
	static const uint8_t zero[1];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH_OFFER, .epoch = 1 };
	dbed_forget(&b);
	dbed_frame_in(&b, member, &e, zero, sizeof zero, NULL, 0);
	dbed_turn(&b);
	return dbed_sent(&b, BFT_WIRE_OFFER);
}

static uint32_t offers(void)
{
	return offers_to(3);
}

/* Member 3 needs it, and the fourth lies: more than mine and one more there will not be. */
static void it_is_served_when_one_more_has_it(void)
{
	begin();
	say_checkpoint(0);
	say_checkpoint(2);
	CU_ASSERT_EQUAL(offers(), 0);
	struct state_meta meta = execution_snapshot_meta(b.driver->execution);
	struct bft_snapshot m = { .seq = meta.seq, .chain = meta.chain, .root = meta.root };
	dbed_say(&b, 2, PBFT_SNAPSHOT, &m);
	CU_ASSERT_EQUAL(offers(), 1);
	dbed_destroy(&b);
}

/* Member 3 asks for parts of it all the time, and never has enough. */
static void ask_for_parts(bft_seq seq, uint32_t ms)
{
	uint8_t ask[16];
	struct wr w = wr_of(ask, sizeof ask);
	wr_u64(&w, seq);
	wr_u32(&w, 1);
	wr_u16(&w, 1);
	wr_u8(&w, TRANSFER_NODE);
	wr_u8(&w, 0);
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH_STATE, .epoch = 1 };
	for (uint32_t i = 0; i < ms; i += 5000) {
		dbed_frame_in(&b, 3, &e, ask, wr_done(&w), NULL, 0);
		dbed_pass(&b, 5000);
	}
}

static void begin_certified(void)
{
	begin();
	say_checkpoint(0);
	say_checkpoint(2);
	struct state_meta meta = execution_snapshot_meta(b.driver->execution);
	struct bft_snapshot m = { .seq = meta.seq, .chain = meta.chain, .root = meta.root };
	dbed_say(&b, 2, PBFT_SNAPSHOT, &m);
}

static bft_seq served(uint8_t member)
{
	return b.driver->lease[member].view ? b.driver->lease[member].view->seq : 0;
}

static void nobody_keeps_an_old_snapshot_served_for_ever(void)
{
	begin_certified();
	CU_ASSERT_EQUAL_FATAL(offers(), 1);
	/* As long as there is no newer one, and for a minute when there is. */
	ask_for_parts(DUE, TRANSFER_LEASE_MS + 10000);
	CU_ASSERT_EQUAL(served(3), DUE);
	b.driver->lease[3].since_ms = b.driver->mono_ms;
	b.driver->lease[3].view->seq = DUE - DBED_K; /* as if that one had come since */
	ask_for_parts(DUE - DBED_K, TRANSFER_LEASE_MS - 10000);
	CU_ASSERT_EQUAL(served(3), DUE - DBED_K);
	ask_for_parts(DUE - DBED_K, 15000);
	CU_ASSERT_EQUAL(served(3), 0);
	/* Whoever asks for nothing more is served nothing more, a newer one or not. */
	CU_ASSERT_EQUAL(offers(), 1);
	CU_ASSERT_EQUAL(served(3), DUE);
	dbed_pass(&b, TRANSFER_LEASE_IDLE_MS);
	CU_ASSERT_EQUAL(served(3), 0);
	dbed_destroy(&b);
}

/* Member 3 never ends; member 2 comes later, and could do nothing with what member 3 fetches. */
static void whoever_fetches_without_end_keeps_nobody_from_the_newest(void)
{
	begin_certified();
	CU_ASSERT_EQUAL_FATAL(offers(), 1);
	b.driver->lease[3].view->seq = DUE - DBED_K; /* as if the other one had come since */
	ask_for_parts(DUE - DBED_K, 5000);
	CU_ASSERT_EQUAL(served(3), DUE - DBED_K);
	CU_ASSERT_EQUAL(offers_to(2), 1);
	CU_ASSERT_TRUE(served(2) == DUE && served(3) == DUE - DBED_K);
	/* Who asks for offers again begins anew, and shares what another one is served. */
	CU_ASSERT_EQUAL(offers(), 1);
	CU_ASSERT_TRUE(served(3) == DUE && b.driver->lease[2].view == b.driver->lease[3].view);
	dbed_destroy(&b);
}

/* How many proposals after the beginning member 3 is shown; 0: it is told that the log no longer reaches back. */
static uint32_t shown_chain(void)
{
	static union pbft_body body;
	struct bft_fetch_chain ask = { .from = 1 };
	dbed_pass(&b, 1000);
	dbed_forget(&b);
	dbed_say(&b, 3, PBFT_FETCH_CHAIN, &ask);
	for (uint32_t i = 0; i < b.frames_count; i++)
		if (!b.frame[i].client && b.frame[i].to == 3 && b.frame[i].e.type == PBFT_CHAIN) {
			CU_ASSERT_TRUE_FATAL(pbft_decode(PBFT_CHAIN, &body, b.frame[i].body, b.frame[i].n) > 0);
			return body.chain.count;
		}
	return UINT32_MAX;
}

/* A log is cut by segments: a body is gone before what came of it is. Shown the rest, whoever is behind would wait for that body, and ask again, for ever. */
static void a_chain_is_shown_with_its_bodies_or_not_at_all(void)
{
	dbed_create(&b);
	(void)dbed_session(&b, 5, 0, 1);
	decide_up_to(DBED_K);
	struct bft_checkpoint m = { .seq = DBED_K, .chain = dbed_standing(&b).chain };
	dbed_say(&b, 0, PBFT_CHECKPOINT, &m);
	dbed_say(&b, 2, PBFT_CHECKPOINT, &m);
	CU_ASSERT_EQUAL_FATAL(dbed_standing(&b).stable, DBED_K);
	CU_ASSERT_EQUAL(shown_chain(), DBED_K);
	struct history *before = b.driver->history, *after = history_create();
	CU_ASSERT_PTR_NOT_NULL_FATAL(after);
	for (bft_seq seq = 1; seq <= DBED_K; seq++)
		*history_open(after, seq) = *history_find(before, seq);
	b.driver->history = after;
	history_destroy(before);
	CU_ASSERT_EQUAL(shown_chain(), 0);
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a snapshot waits until its checkpoint is stable", it_waits_until_its_checkpoint_is_stable },
		{ "a snapshot waits after a restart too", it_waits_after_a_restart_too },
		{ "a snapshot waits for the certificate's flush", it_waits_for_the_disk },
		{ "a snapshot is served when f+1 have it", it_is_served_when_one_more_has_it },
		{ "nobody keeps an old snapshot served for ever", nobody_keeps_an_old_snapshot_served_for_ever },
		{ "whoever fetches without end keeps nobody from the newest", whoever_fetches_without_end_keeps_nobody_from_the_newest },
		{ "a chain is shown with its bodies or not at all", a_chain_is_shown_with_its_bodies_or_not_at_all },
		{ 0 },
	};
	return unit_main("carry_out", cases);
}
