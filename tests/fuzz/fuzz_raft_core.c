/* A Raft core among members that say anything well-formed, in any order, while its disk, its bodies and its execution answer when the input says so: whatever
 * they say, its own facts hold. Small numbers, so that they meet. */
#include "bft/effects.h"
#include "bft/proposal.h"
#include "bft/raft/messages.h"
#include "bft/raft/raft.h"
#include "tests/fuzz/fuzz.h"

#define MEMBERS 3u

struct story {
	struct rd r;
	struct bft_core *core;
	struct bft_effects out;
	struct digest wanted[64], chain;
	uint32_t wanted_next;
	bft_lsn lsn;
	bft_seq executed, dispatched;
	uint64_t mono_ms;
	bft_ref ref;
	bool over;
};

static uint8_t small(struct story *s, uint8_t below)
{
	uint8_t v = 0;
	s->over |= !rd_u8(&s->r, &v);
	return (uint8_t)(v % below);
}

static struct digest some(uint64_t i)
{
	struct digest d;
	digest_of(&d, DOMAIN_TEST, &i, sizeof i);
	return d;
}

static void step(struct story *s, const struct bft_event *e)
{
	s->out.count = 0;
	s->out.arena_used = 0;
	bft_raft.step(s->core, e, &s->out);
	bft_raft.check(s->core);
	for (uint32_t i = 0; i < s->out.count; i++) {
		const struct bft_effect *x = &s->out.at[i];
		if (x->kind == BFT_FX_PERSIST)
			FUZZ_CHECK(x->lsn == ++s->lsn);
		if (x->kind == BFT_FX_FETCH)
			s->wanted[s->wanted_next++ % 64] = x->digest;
		if (x->kind == BFT_FX_EXECUTE)
			FUZZ_CHECK(x->seq == ++s->dispatched);
		s->over |= x->kind == BFT_FX_HALT || x->kind == BFT_FX_ACTIVATE;
	}
}

static void fill(struct story *s, uint16_t type, union raft_body *m)
{
	bft_view term = small(s, 6);
	switch ((enum raft_type)type) {
	case RAFT_ASK_VOTE:
		m->ask_vote = (struct raft_ask_vote){ .term = term, .kind = small(s, 3), .last_term = small(s, 6), .last = small(s, 40) };
		m->ask_vote.commit = m->ask_vote.last ? small(s, (uint8_t)m->ask_vote.last) : 0;
		break;
	case RAFT_VOTE: m->vote = (struct raft_vote){ .term = term, .current = small(s, 6), .kind = small(s, 3), .answer = small(s, 3) }; break;
	case RAFT_APPEND:
		m->append = (struct raft_append){
			.term = term, .round = small(s, 9), .prev = small(s, 40), .prev_term = small(s, 6), .commit = small(s, 40), .count = small(s, 6)
		};
		for (uint16_t i = 0; i < m->append.count; i++) {
			m->append.entry[i].term = small(s, 6);
			m->append.entry[i].digest = some(100 * m->append.entry[i].term + m->append.prev + 1 + i + small(s, 2) * 1000u);
		}
		break;
	case RAFT_ACK:
		m->ack = (struct raft_ack){ .term = term, .round = small(s, 20), .kind = small(s, 2), .learner = small(s, 9) == 0, .match = small(s, 40) };
		m->ack.conflict_term = m->ack.kind ? small(s, 6) : 0;
		break;
	case RAFT_ASK_READ:
	case RAFT_READ_AT: m->read = (struct raft_read){ .term = term, .id = small(s, 4), .seq = small(s, 40) }; break;
	case RAFT_TIMEOUT_NOW: m->timeout_now.term = term; break;
	case RAFT_STATUS: m->status = (struct raft_status){ .term = term, .low = small(s, 40), .executed = small(s, 40) }; break;
	case RAFT_CHAIN: /* what a certificate proves, nobody makes up: it goes on from what was executed */
		m->chain = (struct bft_chain){
			.from = s->executed + 1, .count = (uint16_t)(4 - s->executed % 4), .end = s->executed / 4 * 4 + 4, .chain = s->chain
		};
		for (uint16_t i = 0; i < m->chain.count; i++) {
			struct digest next;
			m->chain.entry[i].proposal = some(100u * small(s, 6) + m->chain.from + i);
			m->chain.entry[i].results = some(7);
			chain_next(&next, &m->chain.chain, m->chain.from + i, &m->chain.entry[i].proposal, &m->chain.entry[i].results);
			m->chain.chain = next;
		}
		break;
	default: m->checkpoint = (struct bft_checkpoint){ .seq = small(s, 12) * 4u, .chain = some(small(s, 2)) }; break;
	}
}

static void hear(struct story *s)
{
	static const uint16_t types[] = { RAFT_ASK_VOTE, RAFT_VOTE,    RAFT_APPEND,      RAFT_APPEND, RAFT_APPEND, RAFT_ACK,       RAFT_ACK,
		                          RAFT_ASK_READ, RAFT_READ_AT, RAFT_TIMEOUT_NOW, RAFT_STATUS, RAFT_CHAIN,  RAFT_CHECKPOINT };
	static union raft_body m, body;
	static uint8_t bytes[65536];
	uint16_t type = types[small(s, sizeof types / sizeof types[0])];
	memset(&m, 0, sizeof m);
	fill(s, type, &m);
	size_t n = raft_encode(type, &m, bytes, sizeof bytes);
	if (n == 0 || raft_decode(type, &body, bytes, n) != n)
		return; /* the decoder refuses it */
	struct bft_vmsg v = {
		.wire = ++s->ref, .from = (uint8_t)(1 + small(s, MEMBERS - 1)), .auth = BFT_AUTH_SIGNED, .type = type, .epoch = 1, .body = &body
	};
	struct bft_event e = { .kind = BFT_EV_MSG, .msg = &v };
	if (bft_raft.screen(s->core, v.from, type, &body) == BFT_ACCEPT)
		step(s, &e);
}

static void execute(struct story *s)
{
	struct digest next, proposal = some(s->executed), results = some(7);
	if (s->executed == s->dispatched)
		return;
	chain_next(&next, &s->chain, ++s->executed, &proposal, &results);
	s->chain = next;
	struct bft_event e = { .kind = BFT_EV_EXECUTED, .seq = s->executed, .digest = s->chain, .root = results };
	step(s, &e);
}

static void live(struct story *s)
{
	struct bft_event e = { .kind = BFT_EV_TICK };
	switch (small(s, 12)) {
	case 0:
		s->mono_ms += small(s, 250);
		e = (struct bft_event){ .kind = BFT_EV_TICK, .mono_ms = s->mono_ms, .wall_ms = s->mono_ms };
		break;
	case 1: e = (struct bft_event){ .kind = BFT_EV_DURABLE, .lsn = s->lsn - (s->lsn ? small(s, 2) : 0) }; break;
	case 2: e = (struct bft_event){ .kind = BFT_EV_HELD, .digest = s->wanted[small(s, 64)], .ok = small(s, 40) != 0 }; break;
	case 3: e = (struct bft_event){ .kind = BFT_EV_REQUEST, .digest = some(50000u + small(s, 20)), .bytes = 9, .id = { 1, small(s, 20) } }; break;
	case 4: e = (struct bft_event){ .kind = BFT_EV_LINK, .from = small(s, MEMBERS), .ok = small(s, 2) }; break;
	case 5: e = (struct bft_event){ .kind = BFT_EV_READ, .id = { 0, small(s, 200) } }; break;
	case 6: e = (struct bft_event){ .kind = small(s, 4) ? BFT_EV_FILL : BFT_EV_ADMIN, .seq = small(s, 40) }; break;
	case 7: execute(s); return;
	default: hear(s); return;
	}
	step(s, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct bft_limits limits = { .members = MEMBERS,
		                                  .window = 8,
		                                  .checkpoint_every = 4,
		                                  .proposal_bytes_max = 1000,
		                                  .proposal_bundles_max = 4,
		                                  .requests_max = 8,
		                                  .executing_max = 4 };
	static struct bft_effect effects[BFT_EFFECTS_MAX];
	static uint8_t arena[BFT_ARENA_BYTES] __attribute__((aligned(8)));
	static struct story s;
	struct bft_core *core = malloc(bft_raft.bytes(&limits));
	if (!core)
		return 0;
	s = (struct story){ .r = rd_of(bytes, n), .core = core, .chain = some(0) };
	s.out = (struct bft_effects){ .at = effects, .capacity = BFT_EFFECTS_MAX, .arena = arena, .arena_bytes = sizeof arena };
	bft_raft.init(core, &limits, &s.chain, 1, 0);
	struct bft_event start = { .kind = BFT_EV_START, .digest = s.chain, .recovery = small(&s, 8) ? BFT_RECOVERY_WHOLE : BFT_RECOVERY_LOST };
	step(&s, &start);
	while (!s.over)
		live(&s);
	free(core);
	return 0;
}
