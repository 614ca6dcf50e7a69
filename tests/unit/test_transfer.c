/* State transfer, at a replica that fetches: a source that stalls keeps it from nothing but time. */
#include "replica/driver_state.h"
#include "tests/unit/driver_bed.h"

static struct dbed b;

#define LIAR 3u
#define HONEST 2u

/* f+1 members say that their logs no longer reach back. */
static void begin(void)
{
	struct bft_chain none = { .from = 1 };
	dbed_create(&b);
	dbed_say(&b, 0, PBFT_CHAIN, &none);
	dbed_say(&b, HONEST, PBFT_CHAIN, &none);
	dbed_pass(&b, 20);
	CU_ASSERT_EQUAL_FATAL(dbed_sent(&b, BFT_WIRE_FETCH_OFFER), DBED_N - 1);
}

static void offer_of(uint8_t member, bft_seq seq, const struct digest *root, uint8_t signers)
{
	static uint8_t bytes[4096];
	struct certificate c = { .epoch = 1, .kind = CERTIFICATE_SNAPSHOT, .seq = seq, .root = *root };
	for (uint8_t i = 0; c.count < signers; i += 2) {
		struct bft_snapshot m = { .seq = seq, .chain = c.digest, .root = c.root };
		uint8_t body[128];
		size_t n = pbft_encode(PBFT_SNAPSHOT, &m, body, sizeof body);
		struct bft_envelope signed_by = dbed_envelope(&b, i, PBFT_SNAPSHOT, body, n);
		CU_ASSERT_TRUE(certificate_add(&c, i, NULL, 0, &signed_by.signature));
	}
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_OFFER, .epoch = 1 };
	dbed_frame_in(&b, member, &e, bytes, certificate_encode(&c, bytes, sizeof bytes), NULL, 0);
	dbed_turn(&b);
}

static void offer_signed_by(uint8_t member, bft_seq seq, uint8_t signers)
{
	struct digest root;
	memset(root.b, (int)seq, sizeof root.b);
	offer_of(member, seq, &root, signers);
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

static uint32_t offers_asked_of(uint8_t member, uint32_t ms)
{
	uint32_t count = 0;
	dbed_forget(&b);
	for (uint32_t i = 0; i < ms; i += 20)
		dbed_pass(&b, 20);
	for (uint32_t i = 0; i < b.frames_count; i++)
		count += b.frame[i].e.type == BFT_WIRE_FETCH_OFFER && b.frame[i].to == member;
	return count;
}

/* Else a liar that takes its time is the only one for ever, when the others' answers were lost (seed 12472). */
static void who_serves_nothing_yet_is_asked_again(void)
{
	begin();
	offer(LIAR, DBED_K);
	CU_ASSERT_TRUE(asked(LIAR, 100));
	uint32_t again = offers_asked_of(HONEST, 2000);
	CU_ASSERT_TRUE(again >= 1 && again <= 3 && offers_asked_of(LIAR, 20) == 0);
	offer(HONEST, DBED_K);
	CU_ASSERT_TRUE(asked(HONEST, 1500) && offers_asked_of(HONEST, 1000) == 0);
	dbed_destroy(&b);
}

static uint32_t asks_for_offers(void)
{
	dbed_forget(&b);
	for (uint32_t i = 0; i < 10; i++)
		dbed_pass(&b, 50);
	return dbed_sent(&b, BFT_WIRE_FETCH_OFFER);
}

/* Somebody's log had it. Nobody offers anything newer than what is executed then, and it would be fetching for ever (seed 10551 of trusted mode). */
static void what_the_log_had_after_all_is_not_fetched(void)
{
	begin();
	CU_ASSERT_TRUE(asks_for_offers() > 0);
	dbed_session(&b, 5, 0, 1);
	CU_ASSERT_EQUAL_FATAL(dbed_standing(&b).executed, 1);
	CU_ASSERT_TRUE(asks_for_offers() == 0 && !b.driver->transfer);
	dbed_destroy(&b);
}

/* Answers the first question of HONEST's with one node. */
static void answer_with(const uint8_t *node, size_t n)
{
	for (uint32_t i = 0; i < b.frames_count; i++) {
		const struct dbed_frame *f = &b.frame[i];
		uint8_t body[14 + 4 + STATE_NODE_BYTES_MAX];
		struct wr w = wr_of(body, sizeof body);
		struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_STATE, .epoch = 1 };
		if (f->e.type != BFT_WIRE_FETCH_STATE || f->to != HONEST)
			continue;
		wr_bytes(&w, f->body, 12); /* the sequence and the question's number */
		wr_u16(&w, 1);
		wr_u32(&w, (uint32_t)n);
		wr_bytes(&w, node, n);
		dbed_frame_in(&b, HONEST, &e, body, wr_done(&w), NULL, 0);
		dbed_turn(&b);
		return;
	}
	CU_FAIL_FATAL("nothing was asked");
}

/* The whole state is here, and the others have gone to a later epoch: nobody shows the certificate of that checkpoint any more. */
static void a_state_that_nobody_certifies_gives_way(void)
{
	uint8_t node[STATE_NODE_BYTES_MAX];
	size_t n;
	begin();
	CU_ASSERT_EQUAL_FATAL(bed_put(&b.next, 1, 1), STATE_OK);
	struct digest root = bed_snapshot(&b.next);
	CU_ASSERT_EQUAL_FATAL(state_node_read(b.next.state, NULL, 0, node, &n), STATE_OK);
	dbed_forget(&b);
	offer_of(HONEST, DBED_K, &root, DBED_N - DBED_Q + 1);
	dbed_pass(&b, 20);
	answer_with(node, n);
	CU_ASSERT_TRUE(!asked(HONEST, 1000));
	CU_ASSERT_EQUAL(dbed_counts(&b).blamed, 0);
	CU_ASSERT_TRUE(!asked(HONEST, 1500));
	CU_ASSERT_TRUE(dbed_sent(&b, BFT_WIRE_FETCH_OFFER) > 0);
	offer(HONEST, 2 * DBED_K);
	CU_ASSERT_TRUE(asked(HONEST, 100));
	dbed_destroy(&b);
}

/* ---- one who is slow ---- */

#define LATE_MS 900u

static struct state_bed served;
static struct state_view *view;

struct answer {
	bool used;
	uint64_t at_ms;
	size_t n;
	uint8_t bytes[1 << 18];
};

/* Up to `most` parts of what the question names, as whoever has the state would. */
static void answer_to(struct answer *x, const struct dbed_frame *f, uint16_t most)
{
	struct rd r = rd_of(f->body, f->n);
	struct wr w = wr_of(x->bytes, sizeof x->bytes), count_w = wr_of(x->bytes + 12, 2);
	uint64_t seq;
	uint32_t question;
	uint16_t count = 0;
	CU_ASSERT_TRUE_FATAL(rd_u64(&r, &seq) && rd_u32(&r, &question) && rd_u16(&r, &count));
	count = count < most ? count : most;
	wr_bytes(&w, f->body, 14);
	wr_u16(&count_w, count);
	for (uint16_t i = 0; i < count; i++) {
		uint8_t kind = 0, depth = 0, node[STATE_NODE_BYTES_MAX];
		struct digest hash;
		const void *key, *value;
		size_t n, value_n;
		CU_ASSERT_TRUE_FATAL(rd_u8(&r, &kind));
		if (kind == TRANSFER_NODE) {
			CU_ASSERT_TRUE_FATAL(rd_u8(&r, &depth));
			CU_ASSERT_EQUAL_FATAL(state_view_node(view, rd_take(&r, depth), depth, node, &n), STATE_OK);
			wr_u32(&w, (uint32_t)n);
			wr_bytes(&w, node, n);
			continue;
		}
		CU_ASSERT_TRUE_FATAL(rd_bytes(&r, hash.b, sizeof hash.b));
		CU_ASSERT_EQUAL_FATAL(state_view_entry(view, &hash, &key, &n, &value, &value_n), STATE_OK);
		wr_u32(&w, (uint32_t)n);
		wr_bytes(&w, key, n);
		wr_u32(&w, (uint32_t)value_n);
		wr_bytes(&w, value, value_n);
	}
	x->n = wr_done(&w);
	CU_ASSERT_TRUE_FATAL(x->n > 0);
}

static void deliver(uint8_t from, const struct answer *x)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_STATE, .epoch = 1 };
	dbed_frame_in(&b, from, &e, x->bytes, x->n, NULL, 0);
	dbed_turn(&b);
}

struct both {
	uint32_t entries;
	bft_seq honest;     /* what HONEST offers; LIAR the first snapshot */
	uint32_t lost;      /* which of its questions is lost, from 1 */
	uint32_t late_most; /* questions that LIAR may get */
	uint64_t must_ms;
};

/* HONEST answers at once, but for one question; LIAR with one part, as late as it may. */
static void fetch_from_both(const struct both *x)
{
	static struct answer at_once, late[16];
	uint32_t seen = 0, asked_late = 0, asked_honest = 0;
	uint64_t begun, ended = 0;
	begin();
	bed_create(&served);
	for (uint32_t i = 0; i < x->entries; i++)
		CU_ASSERT_EQUAL_FATAL(bed_put(&served, i, i), STATE_OK);
	struct digest root = bed_snapshot(&served);
	CU_ASSERT_EQUAL_FATAL(state_view_open(&view, served.state), STATE_OK);
	memset(late, 0, sizeof late);
	offer_of(LIAR, DBED_K, &root, 2);
	offer_of(HONEST, x->honest, &root, 2);
	begun = b.now;
	while (b.now < begun + 20000 && !ended) {
		for (; seen < b.frames_count; seen++) {
			const struct dbed_frame *f = &b.frame[seen];
			if (f->e.type != BFT_WIRE_FETCH_STATE || (f->to == HONEST && ++asked_honest == x->lost))
				continue;
			if (f->to == HONEST) {
				answer_to(&at_once, f, UINT16_MAX);
				deliver(HONEST, &at_once);
				continue;
			}
			struct answer *slow = &late[asked_late++ % 16];
			answer_to(slow, f, 1);
			slow->used = true;
			slow->at_ms = b.now + LATE_MS;
		}
		for (uint32_t i = 0; i < 16; i++)
			if (late[i].used && b.now >= late[i].at_ms) {
				late[i].used = false;
				deliver(LIAR, &late[i]);
			}
		dbed_pass(&b, 20);
		ended = state_count(b.next.state, STATE_USER) == x->entries ? b.now : 0;
	}
	CU_ASSERT_TRUE(ended && ended < begun + x->must_ms);
	CU_ASSERT_TRUE(asked_late <= x->late_most);
	CU_ASSERT_EQUAL(dbed_counts(&b).blamed, 0);
	state_view_close(view);
	bed_destroy(&served);
	dbed_destroy(&b);
}

static void one_who_answers_little_and_late_costs_a_second(void)
{
	fetch_from_both(&(struct both){ .entries = 3000, .honest = DBED_K, .late_most = 2, .must_ms = LATE_MS + 500 });
}

/* It counted as one that takes a minute for ever, and the other one always as one that takes less (seed 662). */
static void who_stalled_once_is_asked_again(void)
{
	fetch_from_both(&(struct both){ .entries = 60, .honest = DBED_K, .lost = 2, .late_most = 9, .must_ms = 8000 });
}

/* A liar that serves the older one a part at a time is what everybody but it has forgotten (seed 662). */
static void a_target_that_few_serve_gives_way(void)
{
	fetch_from_both(&(struct both){ .entries = 60, .honest = 2 * DBED_K, .late_most = 9, .must_ms = 6000 });
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "an offer needs f+1", an_offer_needs_f_plus_1 },
		{ "who stalls is left for an older offer", who_stalls_is_left_for_an_older_offer },
		{ "who stalls again is left again", who_stalls_again_is_left_again },
		{ "who serves nothing yet is asked again", who_serves_nothing_yet_is_asked_again },
		{ "what the log had after all is not fetched", what_the_log_had_after_all_is_not_fetched },
		{ "a state that nobody certifies gives way", a_state_that_nobody_certifies_gives_way },
		{ "one who answers little and late costs a second", one_who_answers_little_and_late_costs_a_second },
		{ "who stalled once is asked again", who_stalled_once_is_asked_again },
		{ "a target that few serve gives way", a_target_that_few_serve_gives_way },
		{ 0 },
	};
	return unit_main("transfer", cases);
}
