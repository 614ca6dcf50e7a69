/* What Raft replicas say and keep, to the byte. One value has one encoding; counts and terms are checked before they are used; what is cut is refused. */
#include "bft/raft/messages.h"
#include "bft/raft/records.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX (64u * 1024u)

static struct digest some(uint64_t i)
{
	struct digest d;
	digest_of(&d, DOMAIN_TEST, &i, sizeof i);
	return d;
}

/* A well-formed message of `type`, an APPEND or a CHAIN with `count` entries. */
static void fill(union raft_body *m, uint16_t type, uint16_t count)
{
	memset(m, 0, sizeof *m);
	switch ((enum raft_type)type) {
	case RAFT_STABLE:
	case RAFT_CHECKPOINT: m->checkpoint = (struct bft_checkpoint){ .seq = 8, .chain = some(1) }; break;
	case RAFT_SNAPSHOT: m->snapshot = (struct bft_snapshot){ .seq = 8, .chain = some(1), .root = some(2) }; break;
	case RAFT_FETCH_CHAIN: m->fetch_chain.from = 5; break;
	case RAFT_CHAIN:
		m->chain.from = 5;
		m->chain.count = count;
		m->chain.end = count ? 4u + count : 9;
		m->chain.chain = some(3);
		for (uint16_t i = 0; i < count; i++)
			m->chain.entry[i].proposal = m->chain.entry[i].results = some(i);
		break;
	case RAFT_STATUS: m->status = (struct raft_status){ .term = 3, .low = 8, .executed = 9, .checkpoints = 5, .snapshot = 8, .snapshots = 7 }; break;
	case RAFT_ASK_VOTE: m->ask_vote = (struct raft_ask_vote){ .term = 4, .kind = RAFT_ASK_TRANSFER, .last_term = 3, .last = 12, .commit = 11 }; break;
	case RAFT_VOTE: m->vote = (struct raft_vote){ .term = 4, .current = 6, .kind = RAFT_ASK_PRE, .answer = RAFT_DAMAGED }; break;
	case RAFT_APPEND:
		m->append = (struct raft_append){ .term = 70, .round = 9, .prev = 10, .prev_term = 2, .commit = 8, .count = count };
		for (uint16_t i = 0; i < count; i++) {
			m->append.entry[i].term = 3u + i;
			m->append.entry[i].digest = some(i);
		}
		break;
	case RAFT_ACK: m->ack = (struct raft_ack){ .term = 4, .round = 9, .kind = RAFT_ACK_CONFLICT, .learner = 1, .match = 7, .conflict_term = 2 }; break;
	case RAFT_ASK_READ:
	case RAFT_READ_AT: m->read = (struct raft_read){ .term = 4, .id = 77, .seq = 12 }; break;
	case RAFT_TIMEOUT_NOW: m->timeout_now.term = 4; break;
	case RAFT_TYPE_END: break;
	}
}

static void round_trip(void)
{
	union raft_body *m = malloc(sizeof *m), *back = malloc(sizeof *back);
	uint8_t *bytes = malloc(BYTES_MAX), *again = malloc(BYTES_MAX);
	uint32_t known = 0;
	for (uint16_t type = 0; type < BFT_MSG_END + 8; type++)
		for (uint16_t count = 0; count <= RAFT_ENTRIES_MAX && raft_message(type)->known; count = (uint16_t)(count * 2 + 1)) {
			known += count == 0;
			fill(m, type, count);
			size_t n = raft_encode(type, m, bytes, BYTES_MAX);
			CU_ASSERT_FATAL(n > 0);
			CU_ASSERT_EQUAL(raft_encode(type, m, again, n - 1), 0);
			memset(back, 0, sizeof *back);
			CU_ASSERT_EQUAL(raft_decode(type, back, bytes, n), n);
			CU_ASSERT_EQUAL(memcmp(m, back, sizeof *m), 0);
			for (size_t cut = 0; cut < n; cut++)
				CU_ASSERT_EQUAL(raft_decode(type, back, bytes, cut), 0);
		}
	CU_ASSERT_EQUAL(known, 13);
	free(m);
	free(back);
	free(bytes);
	free(again);
}

static bool good(uint16_t type, const void *body)
{
	static uint8_t bytes[BYTES_MAX];
	union raft_body *back = malloc(sizeof *back);
	size_t n = raft_encode(type, body, bytes, sizeof bytes), used = raft_decode(type, back, bytes, n);
	free(back);
	CU_ASSERT_FATAL(n > 0);
	return used == n;
}

static void numbers_have_bounds(void)
{
	union raft_body *m = malloc(sizeof *m);
#define BAD(type, change)                                                                                                                                      \
	do {                                                                                                                                                   \
		fill(m, type, 3);                                                                                                                              \
		CU_ASSERT_TRUE(good(type, m));                                                                                                                 \
		change;                                                                                                                                        \
		CU_ASSERT_FALSE(good(type, m));                                                                                                                \
	} while (0)
	BAD(RAFT_ASK_VOTE, m->ask_vote.term = UINT64_MAX);
	BAD(RAFT_ASK_VOTE, m->ask_vote.term = 0);
	BAD(RAFT_ASK_VOTE, m->ask_vote.last_term = 4); /* of the term that it asks for it has no entry yet */
	BAD(RAFT_ASK_VOTE, m->ask_vote.last = BFT_SEQ_MAX + 1);
	BAD(RAFT_ASK_VOTE, m->ask_vote.commit = 13); /* more than it has */
	BAD(RAFT_ASK_VOTE, m->ask_vote.kind = 3);
	BAD(RAFT_VOTE, m->vote.current = BFT_VIEW_MAX + 1);
	BAD(RAFT_VOTE, m->vote.answer = 3);
	BAD(RAFT_VOTE, m->vote.term = 0);
	BAD(RAFT_APPEND, m->append.term = UINT64_MAX);
	BAD(RAFT_APPEND, m->append.prev = UINT64_MAX);
	BAD(RAFT_APPEND, m->append.prev = BFT_SEQ_MAX - 2);
	BAD(RAFT_APPEND, m->append.prev_term = 71);
	BAD(RAFT_APPEND, m->append.commit = BFT_SEQ_MAX + 1);
	BAD(RAFT_APPEND, m->append.entry[0].term = 1); /* terms never fall along a log, from the one before on */
	BAD(RAFT_APPEND, m->append.entry[1].term = 2);
	BAD(RAFT_APPEND, m->append.entry[2].term = 71); /* nor is one from beyond its leader's */
	BAD(RAFT_APPEND, (m->append.prev_term = 0, m->append.entry[0].term = 0));
	BAD(RAFT_ACK, m->ack.term = 0);
	BAD(RAFT_ACK, m->ack.kind = 2);
	BAD(RAFT_ACK, m->ack.learner = 2);
	BAD(RAFT_ACK, m->ack.match = BFT_SEQ_MAX + 1);
	BAD(RAFT_ACK, m->ack.kind = RAFT_ACK_MATCH); /* conflicts with nothing */
	BAD(RAFT_READ_AT, m->read.seq = BFT_SEQ_MAX + 1);
	BAD(RAFT_TIMEOUT_NOW, m->timeout_now.term = BFT_VIEW_MAX + 1);
	BAD(RAFT_STATUS, m->status.low = BFT_SEQ_MAX + 1);
	BAD(RAFT_FETCH_CHAIN, m->fetch_chain.from = 0);
#undef BAD
	fill(m, RAFT_APPEND, RAFT_ENTRIES_MAX);
	uint8_t *bytes = calloc(1, BYTES_MAX);
	CU_ASSERT(raft_encode(RAFT_APPEND, m, bytes, BYTES_MAX) > 0);
	bytes[40] = RAFT_ENTRIES_MAX + 1; /* the count: before anything is sized by it */
	CU_ASSERT_EQUAL(raft_decode(RAFT_APPEND, m, bytes, BYTES_MAX), 0);
	free(bytes);
	free(m);
}

static void the_other_modes_messages_are_none(void)
{
	union raft_body *m = malloc(sizeof *m);
	uint8_t bytes[256] = { 1 };
	static const uint16_t others[] = { 0, BFT_MSG_VOTES, 17, 18, 19, 23, 24, 25, 29, 30, 31, RAFT_TYPE_END, 63, 65535 };
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		CU_ASSERT_FALSE(raft_message(others[i])->known);
		CU_ASSERT_EQUAL(raft_decode(others[i], m, bytes, sizeof bytes), 0);
	}
	free(m);
}

static void records(void)
{
	union raft_record_body *m = malloc(sizeof *m), *back = malloc(sizeof *back);
	uint8_t bytes[256];
	static const uint16_t types[] = { RAFT_REC_TERM, RAFT_REC_ENTRY, RAFT_REC_CUT, RAFT_REC_VIEW, RAFT_REC_EXECUTED };
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		memset(m, 0, sizeof *m);
		memset(back, 0, sizeof *back);
		if (types[i] == RAFT_REC_TERM)
			m->term = (struct raft_rec_term){ .term = 7, .voted = 3, .seq = 64, .seq_term = 5 };
		else if (types[i] == RAFT_REC_ENTRY)
			m->entry = (struct raft_rec_entry){ .term = 7, .seq = 65, .digest = some(1) };
		else if (types[i] == RAFT_REC_CUT)
			m->cut.seq = 66;
		else if (types[i] == RAFT_REC_VIEW)
			m->view = (struct bft_rec_view){
				.entered = BFT_VIEW_BEGINS, .epoch = 2, .base = 64, .chain = some(2), .mode = BFT_MODE_TRUSTED, .members = 7
			};
		else
			m->executed = (struct bft_rec_executed){ .seq = 65, .proposal = some(1), .chain = some(2), .results = some(3) };
		size_t n = raft_record_encode(types[i], m, bytes, sizeof bytes);
		CU_ASSERT_FATAL(n > 0);
		CU_ASSERT_EQUAL(raft_record_encode(types[i], m, bytes, n - 1), 0);
		CU_ASSERT_EQUAL(raft_record_decode(types[i], back, bytes, n), n);
		CU_ASSERT_EQUAL(memcmp(m, back, sizeof *m), 0);
		CU_ASSERT_EQUAL(raft_record_seq(types[i], m), types[i] == RAFT_REC_ENTRY || types[i] == RAFT_REC_EXECUTED ? 65 : 0);
		CU_ASSERT_EQUAL(raft_record_decode(types[i], back, bytes, n + 1), 0); /* nothing follows */
		for (size_t cut = 0; cut < n; cut++)
			CU_ASSERT_EQUAL(raft_record_decode(types[i], back, bytes, cut), 0);
	}
	/* PBFT's are not of this log. */
	for (uint16_t type = 2; type <= 5; type++)
		CU_ASSERT(!raft_record(type)->known && raft_record_decode(type, back, bytes, sizeof bytes) == 0);
	memset(m, 0, sizeof *m);
	m->term = (struct raft_rec_term){ .term = 7, .voted = BFT_MEMBERS_MAX + 1 };
	CU_ASSERT_EQUAL(raft_record_decode(RAFT_REC_TERM, back, bytes, raft_record_encode(RAFT_REC_TERM, m, bytes, sizeof bytes)), 0);
	m->term = (struct raft_rec_term){ .term = 7, .seq = 3, .seq_term = 8 };
	CU_ASSERT_EQUAL(raft_record_decode(RAFT_REC_TERM, back, bytes, raft_record_encode(RAFT_REC_TERM, m, bytes, sizeof bytes)), 0);
	free(m);
	free(back);
}

/* Nothing is signed on the way but what certificates are made of. */
static void signed_is_what_certificates_need(void)
{
	for (uint16_t type = 0; type < RAFT_TYPE_END; type++)
		if (raft_message(type)->known)
			CU_ASSERT_EQUAL(raft_needs(type, NULL), type == RAFT_CHECKPOINT || type == RAFT_SNAPSHOT ? BFT_AUTH_SIGNED : BFT_AUTH_CHANNEL);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "round trip, and every cut", round_trip },
		{ "numbers have bounds", numbers_have_bounds },
		{ "the other mode's messages are none", the_other_modes_messages_are_none },
		{ "records", records },
		{ "signed is what certificates need", signed_is_what_certificates_need },
		{ NULL, NULL },
	};
	return unit_main("raft_messages", cases);
}
