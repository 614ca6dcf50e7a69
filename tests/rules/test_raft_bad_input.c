/* docs/protocol.md, "Raft": what a peer of another mode, term, membership or cluster says, and what no honest one does. It goes the way of bytes: what the encoding refuses
 * never comes to the core; what comes there is refused, or ignored, and nothing is lost. */
#include "bft/pbft/pbft.h"
#define RBED_SEEN_MAX 4096u
#define RBED_LOG_MAX 1024u
#include "tests/rules/raft_bed.h"

#define BYTES_MAX 65536u

static uint8_t bytes[BYTES_MAX];

static bool known(uint16_t type)
{
	return raft_message(type)->known;
}

/* As admission takes it: of a known kind, decoded whole, screened. */
static enum bft_verdict arrives_in(struct rbed *b, uint8_t from, uint16_t type, size_t n, bft_epoch epoch)
{
	union raft_body *m = rbed_alloc(sizeof *m);
	enum bft_verdict verdict = BFT_REJECT;
	if (known(type) && raft_decode(type, m, bytes, n) == n) {
		verdict = bft_raft.screen(b->core, from, type, m);
		if (verdict == BFT_ACCEPT)
			verdict = rbed_say_in(b, from, type, m, epoch);
	}
	free(m);
	return verdict;
}

static enum bft_verdict arrives(struct rbed *b, uint8_t from, uint16_t type, const void *body)
{
	size_t n = raft_encode(type, body, bytes, sizeof bytes);
	CU_ASSERT_FATAL(n > 0);
	return arrives_in(b, from, type, n, b->epoch);
}

/* Member 1 of 3 follows member 0 in term 5 and has six entries, four of them committed. */
static struct rbed *follower(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 5, 1, 0, 0, 4, 6, 5);
	CU_ASSERT(b->executed == 4 && rbed_raft(b)->last == 6 && rbed_raft(b)->term == 5);
	rbed_forget(b);
	return b;
}

static bool intact(const struct rbed *b)
{
	const struct raft *p = rbed_raft(b);
	bool entries = true;
	for (bft_seq seq = 1; seq <= 6; seq++) {
		struct digest wanted = rbed_digest(50000 + seq);
		const struct raft_entry *e = raft_entry_find(p, seq);
		entries = entries && e && e->term == 5 && digest_equal(&e->digest, &wanted);
	}
	return entries && p->last >= 6 && p->commit >= 4 && p->term == 5 && !b->halted && rbed_records(b, RAFT_REC_CUT) == 0;
}

/* ---- the other mode ---- */

static void a_pbft_peer_is_not_heard(void)
{
	struct rbed *b = follower();
	union raft_body *m = rbed_alloc(sizeof *m);
	union pbft_body *pbft = rbed_alloc(sizeof *pbft);
	uint32_t foreign = 0;
	for (uint16_t type = 0; type < 256; type++) {
		if (known(type))
			continue;
		foreign += pbft_message(type)->known;
		CU_ASSERT_EQUAL(arrives_in(b, 0, type, 64, b->epoch), BFT_REJECT);
		CU_ASSERT_EQUAL(bft_raft.screen(b->core, 0, type, m), BFT_REJECT);
		CU_ASSERT_EQUAL(rbed_say(b, 0, type, m), BFT_REJECT); /* nor behind the screen */
	}
	CU_ASSERT_EQUAL(foreign, 8); /* VOTES, SUSPECT, VIEW-CHANGE, NEW-VIEW, RECALL, RECALL-DONE, FETCH-VIEW-CHANGE, PASS-OVER */
	/* The kind that both have with fields of their own. */
	size_t n = pbft_encode(PBFT_STATUS, pbft, bytes, sizeof bytes);
	CU_ASSERT_FATAL(n > 0);
	CU_ASSERT_EQUAL(arrives_in(b, 0, PBFT_STATUS, n, b->epoch), BFT_REJECT);
	CU_ASSERT(intact(b));
	free(m);
	free(pbft);
	rbed_free(b);
}

static void a_raft_peer_is_not_heard_by_pbft(void)
{
	union pbft_body *m = rbed_alloc(sizeof *m);
	union raft_body *raft = rbed_alloc(sizeof *raft);
	struct bft_limits limits = rbed_limits(4);
	struct digest cluster = rbed_digest(1);
	struct bft_core *core = rbed_alloc(bft_pbft.bytes(&limits));
	uint32_t foreign = 0;
	bft_pbft.init(core, &limits, &cluster, 1, 0);
	for (uint16_t type = RAFT_ASK_VOTE; type < RAFT_TYPE_END; type++) {
		foreign++;
		memset(raft, 0, sizeof *raft);
		raft->append.term = 1; /* and the term of each of them */
		size_t n = raft_encode(type, raft, bytes, sizeof bytes);
		CU_ASSERT_FATAL(n > 0 && known(type));
		CU_ASSERT(!pbft_message(type)->known && pbft_decode(type, m, bytes, n) == 0);
		CU_ASSERT_EQUAL(bft_pbft.screen(core, 1, type, m), BFT_REJECT);
	}
	CU_ASSERT_EQUAL(foreign, 7);
	memset(raft, 0, sizeof *raft);
	size_t n = raft_encode(RAFT_STATUS, raft, bytes, sizeof bytes);
	CU_ASSERT(n > 0 && pbft_decode(PBFT_STATUS, m, bytes, n) != n);
	free(m);
	free(raft);
	free(core);
}

/* ---- older terms, and those who do not belong ---- */

static void an_older_term_changes_nothing(void)
{
	for (int leads = 0; leads < 2; leads++) {
		struct rbed *b = leads ? rbed_new(3, 1) : follower();
		if (leads) {
			rbed_append(b, 0, 4, 1, 0, 0, 4, 6, 4);
			rbed_run(b, RAFT_ELECTION_MS);
			rbed_lead(b);
		}
		bft_view old = rbed_raft(b)->term - 1;
		struct raft *before = rbed_alloc(b->core_bytes);
		memcpy(before, b->core, b->core_bytes);
		struct raft_append *append = rbed_append_of(old, 9, 2, old, 6, 2, old);
		struct raft_ack ack = { .term = old, .round = 1, .match = 6 };
		struct raft_vote vote = { .term = old, .current = old, .answer = RAFT_YES };
		struct raft_ask_vote ask = { .term = old, .last_term = old - 1, .last = 99 };
		struct raft_read read = { .term = old, .id = 1, .seq = 3 };
		struct raft_timeout_now now = { .term = old };
		arrives(b, 2, RAFT_APPEND, append);
		CU_ASSERT_EQUAL(arrives(b, 2, RAFT_ACK, &ack), BFT_IGNORE);
		CU_ASSERT_EQUAL(arrives(b, 2, RAFT_VOTE, &vote), BFT_IGNORE);
		arrives(b, 2, RAFT_ASK_VOTE, &ask);
		ask.kind = RAFT_ASK_TRANSFER;
		arrives(b, 2, RAFT_ASK_VOTE, &ask);
		ask.kind = RAFT_ASK_PRE;
		arrives(b, 2, RAFT_ASK_VOTE, &ask);
		arrives(b, 2, RAFT_ASK_READ, &read);
		arrives(b, 2, RAFT_READ_AT, &read);
		CU_ASSERT_EQUAL(arrives(b, 0, RAFT_TIMEOUT_NOW, &now), BFT_IGNORE);
		for (uint32_t i = 0; i < b->seen_count; i++) /* whatever was asked, no yes was said */
			if (b->seen[i].e.kind == BFT_FX_SEND && b->seen[i].e.type == RAFT_VOTE)
				CU_ASSERT_EQUAL(((const struct raft_vote *)b->seen[i].e.data)->answer == RAFT_YES &&
				                        ((const struct raft_vote *)b->seen[i].e.data)->term <= old,
				                false);
		if (!leads)
			CU_ASSERT_EQUAL(memcmp(before, b->core, b->core_bytes), 0);
		CU_ASSERT(rbed_raft(b)->term == old + 1 && rbed_raft(b)->last == before->last && rbed_leads(b) == leads);
		free(append);
		free(before);
		rbed_free(b);
	}
}

/* Who is no member is screened; who was one speaks in an epoch that is over. */
static void a_removed_member_is_not_heard(void)
{
	struct rbed *b = follower();
	union raft_body *m = rbed_alloc(sizeof *m);
	for (uint16_t type = 0; type < RAFT_TYPE_END; type++) {
		if (!known(type))
			continue;
		memset(m, 0, sizeof *m);
		m->append.term = 9;
		m->checkpoint.seq = 8;
		CU_ASSERT_EQUAL(bft_raft.screen(b->core, 3, type, m), BFT_REJECT);
		CU_ASSERT_EQUAL(bft_raft.screen(b->core, 63, type, m), BFT_REJECT);
		CU_ASSERT_EQUAL(rbed_say_in(b, 2, type, m, 0), BFT_IGNORE);
		CU_ASSERT_EQUAL(rbed_say_in(b, 2, type, m, 2), BFT_IGNORE);
	}
	CU_ASSERT(intact(b));
	free(m);
	rbed_free(b);
}

/* What is settled in another membership: its CHECKPOINTs and SNAPSHOTs are of another epoch, and its chain begins elsewhere. */
static void a_snapshot_of_another_configuration(void)
{
	struct rbed *b = follower();
	struct bft_checkpoint checkpoint = { .seq = 4, .chain = b->chain[4] };
	struct bft_snapshot snapshot = { .seq = 4, .chain = b->chain[4], .root = rbed_digest(1) };
	CU_ASSERT_EQUAL(rbed_say_in(b, 0, RAFT_CHECKPOINT, &checkpoint, 2), BFT_IGNORE);
	CU_ASSERT_EQUAL(rbed_say_in(b, 0, RAFT_SNAPSHOT, &snapshot, 2), BFT_IGNORE);
	CU_ASSERT_EQUAL(rbed_say_in(b, 0, RAFT_STABLE, &checkpoint, 2), BFT_IGNORE);
	CU_ASSERT_EQUAL(rbed_raft(b)->low, 0);
	/* Said on the channel alone they are nobody's. */
	struct bft_vmsg unsigned_one = { .wire = 1, .from = 0, .auth = BFT_AUTH_CHANNEL, .type = RAFT_SNAPSHOT, .epoch = 1, .body = &snapshot };
	struct bft_event e = { .kind = BFT_EV_MSG, .msg = &unsigned_one };
	rbed_step(b, &e);
	CU_ASSERT(rbed_last(b, BFT_FX_BLAME) != NULL && rbed_raft(b)->certified[0] == 0);
	/* A chain that begins with another cluster's digest proves nothing here. */
	struct bft_chain *c = rbed_alloc(sizeof(union raft_body));
	struct digest at = rbed_digest(31337);
	*c = (struct bft_chain){ .from = 5, .count = 4, .end = 8 };
	for (uint16_t i = 0; i < 4; i++) {
		struct digest next;
		c->entry[i].proposal = rbed_digest(900u + i);
		c->entry[i].results = rbed_digest(950u + i);
		chain_next(&next, &at, 5u + i, &c->entry[i].proposal, &c->entry[i].results);
		at = next;
	}
	c->chain = at;
	CU_ASSERT_EQUAL(rbed_say(b, 0, RAFT_CHAIN, c), BFT_REJECT);
	CU_ASSERT(intact(b) && rbed_raft(b)->low == 0);
	free(c);
	rbed_free(b);
}

/* ---- votes ---- */

static void a_vote_twice_is_one(void)
{
	struct rbed *b = rbed_new(5, 0);
	for (int i = 0; i < 100 && rbed_raft(b)->role == RAFT_FOLLOWER; i++)
		rbed_tick(b, 10);
	struct raft_vote m = { .term = 1, .kind = RAFT_ASK_PRE, .answer = RAFT_YES };
	for (int twice = 0; twice < 2; twice++)
		CU_ASSERT_EQUAL(arrives(b, 1, RAFT_VOTE, &m), twice ? BFT_IGNORE : BFT_ACCEPT);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_ASKING);
	arrives(b, 2, RAFT_VOTE, &m);
	CU_ASSERT_EQUAL(rbed_raft(b)->role, RAFT_CANDIDATE);
	m = (struct raft_vote){ .term = 1, .current = 1, .kind = RAFT_ASK_REAL, .answer = RAFT_YES };
	arrives(b, 1, RAFT_VOTE, &m);
	CU_ASSERT_EQUAL(arrives(b, 1, RAFT_VOTE, &m), BFT_IGNORE);
	m.answer = RAFT_NO; /* nor is it taken back ... */
	CU_ASSERT_EQUAL(arrives(b, 1, RAFT_VOTE, &m), BFT_IGNORE);
	arrives(b, 2, RAFT_VOTE, &m);
	m.answer = RAFT_YES; /* ... or given by who said no */
	CU_ASSERT_EQUAL(arrives(b, 2, RAFT_VOTE, &m), BFT_IGNORE);
	CU_ASSERT_FALSE(rbed_leads(b));
	arrives(b, 3, RAFT_VOTE, &m);
	CU_ASSERT_TRUE(rbed_leads(b));
	rbed_free(b);
}

/* ---- entries ---- */

static void entries_that_overlap(void)
{
	struct rbed *b = follower();
	/* All of it again, a part of it, and one that goes on from the middle. */
	CU_ASSERT_EQUAL(rbed_append(b, 0, 5, 2, 0, 0, 4, 6, 5), BFT_ACCEPT);
	CU_ASSERT_EQUAL(rbed_append(b, 0, 5, 3, 2, 5, 4, 2, 5), BFT_ACCEPT);
	CU_ASSERT(intact(b) && rbed_raft(b)->last == 6 && rbed_records(b, RAFT_REC_ENTRY) == 0);
	CU_ASSERT_EQUAL(rbed_append(b, 0, 5, 4, 4, 5, 4, 4, 5), BFT_ACCEPT);
	CU_ASSERT(intact(b) && rbed_raft(b)->last == 8 && rbed_records(b, RAFT_REC_ENTRY) == 2);
	/* Other entries over what is committed, whatever their term: nothing of it moves, and with its own digests the rest is taken. */
	struct raft_append *m = rbed_append_of(5, 5, 0, 0, 4, 6, 5);
	for (int i = 0; i < 4; i++) {
		m->entry[i].term = 1;
		m->entry[i].digest = rbed_digest(7000u + (unsigned)i);
	}
	CU_ASSERT_EQUAL(arrives(b, 0, RAFT_APPEND, m), BFT_ACCEPT);
	CU_ASSERT(intact(b) && rbed_raft(b)->last == 8);
	free(m);
	rbed_free(b);
}

static bool refused(struct rbed *b, const struct raft_append *m)
{
	return arrives(b, 0, RAFT_APPEND, m) == BFT_REJECT;
}

static void entries_that_go_backwards(void)
{
	struct rbed *b = follower();
	struct raft_append *m = rbed_append_of(5, 2, 6, 5, 4, 3, 5);
	m->entry[1].term = 4; /* a term falls */
	CU_ASSERT_TRUE(refused(b, m));
	m->entry[1].term = 5;
	m->entry[0].term = 4; /* below the one before it */
	CU_ASSERT_TRUE(refused(b, m));
	m->entry[0].term = m->entry[1].term = 5;
	m->entry[2].term = 6; /* from beyond its leader's */
	CU_ASSERT_TRUE(refused(b, m));
	m->entry[2].term = 5;
	m->prev_term = 6;
	CU_ASSERT_TRUE(refused(b, m));
	m->prev_term = 5;
	m->prev = BFT_SEQ_MAX - 1; /* over the end of the numbers */
	CU_ASSERT_TRUE(refused(b, m));
	m->prev = BFT_SEQ_MAX;
	m->count = 0;
	CU_ASSERT_EQUAL(arrives(b, 0, RAFT_APPEND, m), BFT_ACCEPT); /* a gap: it is told where the logs part */
	CU_ASSERT_EQUAL(rbed_last_ack(b).kind, RAFT_ACK_CONFLICT);
	CU_ASSERT(intact(b) && rbed_raft(b)->last == 6);
	free(m);
	rbed_free(b);
}

/* ---- 2^64-1 ---- */

static size_t sample(uint16_t type, union raft_body *m)
{
	memset(m, 0, sizeof *m);
	switch ((enum raft_type)type) {
	case RAFT_ASK_VOTE: m->ask_vote = (struct raft_ask_vote){ .term = 5, .last_term = 4, .last = 6 }; break;
	case RAFT_VOTE: m->vote = (struct raft_vote){ .term = 5, .current = 5 }; break;
	case RAFT_APPEND:
		m->append = (struct raft_append){ .term = 5, .round = 2, .prev = 6, .prev_term = 5, .commit = 4, .count = 1 };
		m->append.entry[0].term = 5;
		break;
	case RAFT_ACK: m->ack = (struct raft_ack){ .term = 5, .round = 1, .match = 6 }; break;
	case RAFT_ASK_READ:
	case RAFT_READ_AT: m->read = (struct raft_read){ .term = 5, .id = 1, .seq = 4 }; break;
	case RAFT_TIMEOUT_NOW: m->timeout_now.term = 5; break;
	case RAFT_STATUS: m->status = (struct raft_status){ .term = 5, .low = 4, .executed = 4 }; break;
	case RAFT_CHECKPOINT:
	case RAFT_STABLE: m->checkpoint.seq = 4; break;
	case RAFT_SNAPSHOT: m->snapshot.seq = 4; break;
	case RAFT_FETCH_CHAIN: m->fetch_chain.from = 4; break;
	case RAFT_CHAIN: m->chain = (struct bft_chain){ .from = 5, .end = 8 }; break;
	case RAFT_TYPE_END: break;
	}
	return raft_encode(type, m, bytes, sizeof bytes);
}

/* Every eight bytes of every message, wherever they stand: what is a term or a sequence is refused with that value, and what is not changes no term. A STABLE
 * comes here without the certificate that admission looks at, which is why it may halt. */
static void the_largest_number(void)
{
	union raft_body *m = rbed_alloc(sizeof *m);
	static const uint64_t values[] = { UINT64_MAX, UINT64_MAX - 1, (uint64_t)1 << 63, (uint64_t)1 << 48, ((uint64_t)1 << 48) + 1 };
	for (uint16_t type = 0; type < RAFT_TYPE_END; type++)
		for (size_t at = 0; known(type) && at + 8 <= sample(type, m); at++)
			for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
				struct rbed *b = follower();
				size_t n = sample(type, m);
				for (int i = 0; i < 8; i++)
					bytes[at + (size_t)i] = (uint8_t)(values[v] >> 8 * i);
				(void)arrives_in(b, 0, type, n, b->epoch);
				CU_ASSERT(rbed_raft(b)->term - 5 <= RAFT_TERM_JUMP_MAX && (!b->halted || type == RAFT_STABLE) && rbed_raft(b)->commit <= 7);
				rbed_run(b, 20);
				rbed_free(b);
			}
	/* The first field of those that name a term. */
	for (uint16_t type = RAFT_ASK_VOTE; type < RAFT_TYPE_END; type++) {
		size_t n = sample(type, m);
		memset(bytes, 0xFF, 8);
		CU_ASSERT_EQUAL(raft_decode(type, m, bytes, n), 0);
	}
	free(m);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a PBFT peer is not heard", a_pbft_peer_is_not_heard },
		{ "a Raft peer is not heard by PBFT", a_raft_peer_is_not_heard_by_pbft },
		{ "an older term changes nothing", an_older_term_changes_nothing },
		{ "a removed member is not heard", a_removed_member_is_not_heard },
		{ "a snapshot of another configuration", a_snapshot_of_another_configuration },
		{ "a vote twice is one", a_vote_twice_is_one },
		{ "entries that overlap", entries_that_overlap },
		{ "entries that go backwards", entries_that_go_backwards },
		{ "the largest number", the_largest_number },
		{ NULL, NULL },
	};
	return unit_main("raft_bad_input", cases);
}
