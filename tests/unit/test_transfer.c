/* State transfer, at a replica that fetches: a source that stalls keeps it from nothing but time. */
#include "replica/driver_state.h"
#include "tests/unit/driver_bed.h"

static struct dbed b;

#define LIAR 3u
#define HONEST 2u

/* f+1 members say that their logs no longer reach back. */
static void begin(void)
{
	struct pbft_chain none = { .from = 1 };
	dbed_create(&b);
	dbed_say(&b, 0, PBFT_CHAIN, &none);
	dbed_say(&b, HONEST, PBFT_CHAIN, &none);
	dbed_pass(&b, 20);
	CU_ASSERT_EQUAL_FATAL(dbed_sent(&b, BFT_WIRE_FETCH_OFFER), DBED_N - 1);
}

static void offer_signed_by(uint8_t member, bft_seq seq, uint8_t signers)
{
	static uint8_t bytes[4096];
	struct certificate c = { .epoch = 1, .kind = CERTIFICATE_SNAPSHOT, .seq = seq };
	memset(c.root.b, (int)seq, sizeof c.root.b);
	for (uint8_t i = 0; c.count < signers; i += 2) {
		struct pbft_snapshot m = { .seq = seq, .chain = c.digest, .root = c.root };
		uint8_t body[128];
		size_t n = pbft_encode(PBFT_SNAPSHOT, &m, body, sizeof body);
		struct bft_envelope signed_by = dbed_envelope(&b, i, PBFT_SNAPSHOT, body, n);
		CU_ASSERT_TRUE(certificate_add(&c, i, NULL, 0, &signed_by.signature));
	}
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_OFFER, .epoch = 1 };
	dbed_frame_in(&b, member, &e, bytes, certificate_encode(&c, bytes, sizeof bytes), NULL, 0);
	dbed_turn(&b);
}

static void offer(uint8_t member, bft_seq seq)
{
	offer_signed_by(member, seq, DBED_N - DBED_Q + 1);
}

/* Whether `member` was asked, in the next `ms`, for parts of the state. */
static bool asked(uint8_t member, uint32_t ms)
{
	dbed_forget(&b);
	for (uint32_t i = 0; i < ms; i += 20)
		dbed_pass(&b, 20);
	for (uint32_t i = 0; i < b.frames_count; i++)
		if (b.frame[i].e.type == BFT_WIRE_FETCH_STATE && b.frame[i].to == member)
			return true;
	return false;
}

static void an_offer_needs_f_plus_1(void)
{
	begin();
	offer_signed_by(HONEST, DBED_K, 1);
	CU_ASSERT_TRUE(!asked(HONEST, 100) && dbed_counts(&b).blamed == 1);
	dbed_destroy(&b);
	begin();
	offer_signed_by(HONEST, DBED_K, 2);
	CU_ASSERT_TRUE(asked(HONEST, 100) && dbed_counts(&b).blamed == 0);
	dbed_destroy(&b);
}

/* Its offer is the newest, and it answers nothing. */
static void who_stalls_is_left_for_an_older_offer(void)
{
	begin();
	offer(LIAR, 2 * DBED_K);
	CU_ASSERT_TRUE(asked(LIAR, 3500));
	/* All are tried again; the silent one has offered nothing since. */
	offer(HONEST, DBED_K);
	CU_ASSERT_TRUE(asked(HONEST, 100) && !asked(LIAR, 100));
	dbed_destroy(&b);
}

static void who_stalls_again_is_left_again(void)
{
	begin();
	for (int i = 0; i < 3; i++) {
		offer(LIAR, 2 * DBED_K);
		offer(HONEST, DBED_K);
		CU_ASSERT_TRUE(asked(LIAR, 100) && !asked(HONEST, 2000));
		CU_ASSERT_TRUE(asked(HONEST, 1500));
		/* The honest one is slow, too, and is left: all are tried again. */
		CU_ASSERT_TRUE(!asked(LIAR, 4000));
	}
	dbed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "an offer needs f+1", an_offer_needs_f_plus_1 },
		{ "who stalls is left for an older offer", who_stalls_is_left_for_an_older_offer },
		{ "who stalls again is left again", who_stalls_again_is_left_again },
		{ 0 },
	};
	return unit_main("transfer", cases);
}
