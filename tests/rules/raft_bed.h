/* tests/rules/raft_bed.h - one Raft core on a bed: a test is everybody else, or many beds are a cluster (test_raft_cluster.c).
 *
 * The bed keeps the driver's contract (bft/core.h): records have positions, what waits for one is released when it is durable, own signed messages come back through
 * the door, and a restart feeds the durable records. `durable`, `bodies` and `execute` say which events the bed answers by itself. */
#ifndef TESTS_RULES_RAFT_BED_H
#define TESTS_RULES_RAFT_BED_H
#include "bft/codec.h"
#include "bft/proposal.h"
#include "bft/raft/raft.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#ifndef RBED_SEEN_MAX /* a test that makes thousands of beds has small ones */
#define RBED_SEEN_MAX 65536u
#define RBED_LOG_MAX 65536u
#endif
#define RBED_SEQ_MAX 4096u
#define RBED_W 16u
#define RBED_K 4u

struct rbed_record {
	uint16_t rtype;
	union raft_record_body data;
};

/* An effect with data of its own; `free`: released, or nothing to wait for. */
struct rbed_seen {
	struct bft_effect e;
	bool free;
};

struct rbed {
	struct bft_limits limits;
	struct digest cluster, null;
	uint32_t n; /* one above the highest number */
	bft_mask members;
	uint8_t self;
	bft_epoch epoch;
	struct bft_core *core, *before;
	size_t core_bytes;
	struct bft_effects out;
	struct rbed_seen *seen;
	uint32_t seen_count, own_next; /* own_next: own messages before it have come back */
	bool durable, bodies, execute;
	uint64_t mono_ms, wall_ms;
	bft_lsn durable_lsn, lsn;
	bft_ref next_ref;
	struct rbed_record *log; /* position i + 1 */
	struct digest chain[RBED_SEQ_MAX], done[RBED_SEQ_MAX];
	bft_seq executed, to_execute;
	struct bft_request_id ends[8]; /* the next EXECUTED ends these */
	size_t ends_count;
	bool halted;
};

static inline struct digest rbed_digest(uint64_t i)
{
	struct digest d;
	digest_of(&d, DOMAIN_TEST, &i, sizeof i);
	return d;
}

static inline void *rbed_alloc(size_t n)
{
	void *at = calloc(1, n ? n : 1);
	if (!at)
		abort();
	return at;
}

static inline void rbed_forget(struct rbed *b)
{
	for (uint32_t i = 0; i < b->seen_count; i++)
		free((void *)(uintptr_t)b->seen[i].e.data);
	b->seen_count = b->own_next = 0;
}

static inline struct bft_limits rbed_limits(uint32_t n)
{
	return (struct bft_limits){ .members = n,
		                    .window = RBED_W,
		                    .checkpoint_every = RBED_K,
		                    .proposal_bytes_max = 1000,
		                    .proposal_bundles_max = 4,
		                    .drift_ms = 100,
		                    .request_timeout_ms = 1000,
		                    .requests_max = 16,
		                    .executing_max = 8 };
}

static inline struct rbed *rbed_new_with(const struct bft_limits *limits, uint8_t self)
{
	struct rbed *b = rbed_alloc(sizeof *b);
	b->limits = *limits;
	b->cluster = rbed_digest(1000000);
	b->chain[0] = b->cluster;
	proposal_null_digest(&b->null, &b->cluster);
	b->n = limits->members;
	b->members = mask_all(b->n) & ~limits->absent;
	b->self = self;
	b->epoch = 1;
	b->core_bytes = bft_raft.bytes(limits);
	b->core = rbed_alloc(b->core_bytes);
	b->before = rbed_alloc(b->core_bytes);
	b->out = (struct bft_effects){ .at = rbed_alloc(BFT_EFFECTS_MAX * sizeof(struct bft_effect)),
		                       .capacity = BFT_EFFECTS_MAX,
		                       .arena = rbed_alloc(BFT_ARENA_BYTES),
		                       .arena_bytes = BFT_ARENA_BYTES };
	b->seen = rbed_alloc(RBED_SEEN_MAX * sizeof *b->seen);
	b->log = rbed_alloc(RBED_LOG_MAX * sizeof *b->log);
	b->durable = b->execute = b->bodies = true;
	b->mono_ms = 1000;
	b->wall_ms = 1000000;
	bft_raft.init(b->core, limits, &b->cluster, 1, self);
	return b;
}

static inline void rbed_free(struct rbed *b)
{
	rbed_forget(b);
	free(b->core);
	free(b->before);
	free(b->out.at);
	free(b->out.arena);
	free(b->seen);
	free(b->log);
	free(b);
}

static inline struct raft *rbed_raft(const struct rbed *b)
{
	return (struct raft *)b->core;
}

static inline struct bft_standing rbed_standing(const struct rbed *b)
{
	struct bft_standing s;
	bft_raft.standing(b->core, &s);
	return s;
}

static inline bool rbed_leads(const struct rbed *b)
{
	return rbed_raft(b)->role == RAFT_LEADER;
}

/* ---- steps ---- */

static inline void rbed_take(struct rbed *b, const struct bft_effect *e)
{
	if (b->seen_count == RBED_SEEN_MAX)
		abort();
	struct rbed_seen *s = &b->seen[b->seen_count++];
	*s = (struct rbed_seen){ .e = *e, .free = e->lsn <= b->durable_lsn };
	if (e->data) {
		void *copy = rbed_alloc(e->data_bytes);
		s->e.data = memcpy(copy, e->data, e->data_bytes);
	}
	if (e->kind == BFT_FX_PERSIST) {
		if (e->lsn != b->lsn + 1 || b->lsn == RBED_LOG_MAX || e->data_bytes > sizeof b->log->data)
			abort(); /* the log has no holes */
		struct rbed_record *r = &b->log[b->lsn++];
		r->rtype = e->rtype;
		memcpy(&r->data, e->data, e->data_bytes);
	}
	if (e->kind == BFT_FX_EXECUTE) {
		CU_ASSERT_EQUAL(e->seq, b->to_execute + 1);
		b->to_execute = e->seq;
		b->done[e->seq] = e->digest;
	}
	b->halted |= e->kind == BFT_FX_HALT;
}

static inline void rbed_step_once(struct rbed *b, const struct bft_event *e)
{
	b->out.count = 0;
	b->out.arena_used = 0;
	bft_raft.step(b->core, e, &b->out);
	bft_raft.check(b->core);
	for (uint32_t i = 0; i < b->out.count; i++)
		rbed_take(b, &b->out.at[i]);
}

static inline struct digest rbed_chain_after(const struct digest *before, bft_seq seq, const struct digest *proposal)
{
	struct digest d, results = rbed_digest(2000000 + seq);
	chain_next(&d, before, seq, proposal, &results);
	return d;
}

static inline void rbed_execute(struct rbed *b)
{
	bft_seq seq = ++b->executed;
	b->chain[seq] = rbed_chain_after(&b->chain[seq - 1], seq, &b->done[seq]);
	struct bft_event e = { .kind = BFT_EV_EXECUTED, .seq = seq, .digest = b->chain[seq], .root = rbed_digest(2000000 + seq) };
	e.data = b->ends;
	e.data_count = b->ends_count;
	rbed_step_once(b, &e);
	b->ends_count = 0;
}

static inline void rbed_flush_to(struct rbed *b, bft_lsn lsn)
{
	if (lsn <= b->durable_lsn)
		return;
	b->durable_lsn = lsn;
	for (uint32_t i = 0; i < b->seen_count; i++)
		b->seen[i].free |= b->seen[i].e.lsn <= lsn;
	struct bft_event e = { .kind = BFT_EV_DURABLE, .lsn = lsn };
	rbed_step_once(b, &e);
}

static inline void rbed_deliver(struct rbed *b, uint8_t from, uint16_t type, const void *body, bft_epoch epoch)
{
	enum bft_auth auth = from == b->self ? BFT_AUTH_SIGNED : raft_needs(type, body);
	struct bft_vmsg m = { .wire = ++b->next_ref, .from = from, .auth = auth, .type = type, .epoch = epoch, .body = body };
	struct bft_event e = { .kind = BFT_EV_MSG, .msg = &m };
	rbed_step_once(b, &e);
}

static inline bool rbed_own_returns(struct rbed *b)
{
	for (; b->own_next < b->seen_count; b->own_next++) {
		struct rbed_seen *s = &b->seen[b->own_next];
		if (s->e.kind != BFT_FX_SEND || !(s->e.to & BFT_BIT(b->self)))
			continue;
		if (!s->free)
			return false;
		b->own_next++;
		union raft_body *body = rbed_alloc(sizeof *body);
		memcpy(body, s->e.data, s->e.data_bytes);
		rbed_deliver(b, b->self, s->e.type, body, b->epoch);
		free(body);
		return true;
	}
	return false;
}

static inline void rbed_held(struct rbed *b, struct digest digest, bool ok)
{
	struct bft_event e = { .kind = BFT_EV_HELD, .digest = digest, .ok = ok, .time_ms = b->wall_ms };
	rbed_step_once(b, &e);
}

static inline bool rbed_fetches(struct rbed *b, uint32_t *from)
{
	for (; *from < b->seen_count; ++*from)
		if (b->seen[*from].e.kind == BFT_FX_FETCH) {
			rbed_held(b, b->seen[(*from)++].e.digest, true);
			return true;
		}
	return false;
}

static inline void rbed_settle(struct rbed *b, uint32_t from)
{
	for (bool moved = true; moved;) {
		moved = false;
		if (b->durable && b->durable_lsn < b->lsn) {
			rbed_flush_to(b, b->lsn);
			moved = true;
		}
		moved |= rbed_own_returns(b);
		moved |= b->bodies && rbed_fetches(b, &from);
		if (b->execute && b->executed < b->to_execute) {
			rbed_execute(b);
			moved = true;
		}
	}
}

static inline void rbed_step(struct rbed *b, const struct bft_event *e)
{
	uint32_t from = b->seen_count;
	rbed_step_once(b, e);
	rbed_settle(b, from);
}

/* ---- what others say ---- */

/* What the core made of it: REJECT is blamed; IGNORE leaves no trace, in the state nor in the effects. */
static inline enum bft_verdict rbed_say_in(struct rbed *b, uint8_t from, uint16_t type, const void *body, bft_epoch epoch)
{
	uint32_t first = b->seen_count;
	memcpy(b->before, b->core, b->core_bytes);
	rbed_deliver(b, from, type, body, epoch);
	bool changed = memcmp(b->before, b->core, b->core_bytes) != 0, blamed = false, more = false;
	for (uint32_t i = first; i < b->seen_count; i++) {
		blamed |= b->seen[i].e.kind == BFT_FX_BLAME;
		more |= b->seen[i].e.kind != BFT_FX_BLAME;
	}
	if (blamed) /* a refused message changes nothing */
		CU_ASSERT(!changed && !more);
	rbed_settle(b, first);
	return blamed ? BFT_REJECT : changed || more ? BFT_ACCEPT : BFT_IGNORE;
}

static inline enum bft_verdict rbed_say(struct rbed *b, uint8_t from, uint16_t type, const void *body)
{
	return rbed_say_in(b, from, type, body, b->epoch);
}

static inline enum bft_verdict rbed_ask_vote(struct rbed *b, uint8_t from, bft_view term, enum raft_ask kind, bft_view last_term, bft_seq last)
{
	struct raft_ask_vote m = { .term = term, .kind = (uint8_t)kind, .last_term = last_term, .last = last };
	return rbed_say(b, from, RAFT_ASK_VOTE, &m);
}

/* Of one that has committed so far. */
static inline enum bft_verdict rbed_ask_vote_at(struct rbed *b, uint8_t from, bft_view term, enum raft_ask kind, bft_view last_term, bft_seq last,
                                                bft_seq commit)
{
	struct raft_ask_vote m = { .term = term, .kind = (uint8_t)kind, .last_term = last_term, .last = last, .commit = commit };
	return rbed_say(b, from, RAFT_ASK_VOTE, &m);
}

static inline enum bft_verdict rbed_vote(struct rbed *b, uint8_t from, bft_view term, enum raft_ask kind, enum raft_answer answer)
{
	struct raft_vote m = { .term = term, .current = kind == RAFT_ASK_PRE ? term - 1 : term, .kind = (uint8_t)kind, .answer = (uint8_t)answer };
	return rbed_say(b, from, RAFT_VOTE, &m);
}

/* An APPEND with entries of `entry_term`, named by their sequence and term. */
static inline struct raft_append *rbed_append_of(bft_view term, uint64_t round, bft_seq prev, bft_view prev_term, bft_seq commit, uint16_t count,
                                                 bft_view entry_term)
{
	struct raft_append *m = rbed_alloc(sizeof(union raft_body));
	*m = (struct raft_append){ .term = term, .round = round, .prev = prev, .prev_term = prev_term, .commit = commit, .count = count };
	for (uint16_t i = 0; i < count; i++) {
		m->entry[i].term = entry_term;
		m->entry[i].digest = rbed_digest(entry_term * 10000 + prev + 1 + i);
	}
	return m;
}

static inline enum bft_verdict rbed_append(struct rbed *b, uint8_t from, bft_view term, uint64_t round, bft_seq prev, bft_view prev_term, bft_seq commit,
                                           uint16_t count, bft_view entry_term)
{
	struct raft_append *m = rbed_append_of(term, round, prev, prev_term, commit, count, entry_term);
	enum bft_verdict verdict = rbed_say(b, from, RAFT_APPEND, m);
	free(m);
	return verdict;
}

static inline enum bft_verdict rbed_ack(struct rbed *b, uint8_t from, bft_seq match)
{
	struct raft_ack m = { .term = rbed_raft(b)->term, .round = rbed_raft(b)->round, .match = match };
	return rbed_say(b, from, RAFT_ACK, &m);
}

static inline void rbed_tick(struct rbed *b, uint64_t ms)
{
	b->mono_ms += ms;
	b->wall_ms += ms;
	struct bft_event e = { .kind = BFT_EV_TICK, .mono_ms = b->mono_ms, .wall_ms = b->wall_ms };
	rbed_step(b, &e);
}

/* Time passes as it does in a process that is not frozen. */
static inline void rbed_run(struct rbed *b, uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i += 10)
		rbed_tick(b, 10);
}

static inline void rbed_request(struct rbed *b, uint64_t number)
{
	struct bft_event e = { .kind = BFT_EV_REQUEST, .digest = rbed_digest(5000000 + number), .bytes = 100, .id = { .session = 1, .number = number } };
	rbed_step(b, &e);
}

static inline void rbed_link(struct rbed *b, uint8_t peer, bool up)
{
	struct bft_event e = { .kind = BFT_EV_LINK, .from = peer, .ok = up };
	rbed_step(b, &e);
}

/* ---- life ---- */

static inline void rbed_start(struct rbed *b, enum bft_recovery recovery)
{
	struct bft_event tick = { .kind = BFT_EV_TICK, .mono_ms = b->mono_ms, .wall_ms = b->wall_ms };
	rbed_step(b, &tick);
	struct bft_event e = { .kind = BFT_EV_START, .seq = b->executed, .digest = b->chain[b->executed], .recovery = recovery };
	rbed_step(b, &e);
}

/* A member, and not the core. */
static inline bool rbed_others(const struct rbed *b, uint32_t i)
{
	return i != b->self && (b->members & BFT_BIT(i));
}

/* A core that has started for the first time; the links to all are up. */
static inline struct rbed *rbed_ready(const struct bft_limits *limits, uint8_t self)
{
	struct rbed *b = rbed_new_with(limits, self);
	rbed_start(b, BFT_RECOVERY_WHOLE);
	rbed_raft(b)->heard = false; /* that was long ago */
	rbed_raft(b)->heard_ms = 0;
	for (uint8_t i = 0; i < b->n; i++)
		if (rbed_others(b, i))
			rbed_link(b, i, true);
	rbed_forget(b);
	return b;
}

static inline struct rbed *rbed_new(uint32_t n, uint8_t self)
{
	struct bft_limits limits = rbed_limits(n);
	return rbed_ready(&limits, self);
}

/* The process ends and begins again: what was durable is all there is; the state stands at `executed`. */
static inline void rbed_restart(struct rbed *b, bft_seq executed, enum bft_recovery recovery)
{
	b->lsn = b->durable_lsn;
	b->executed = b->to_execute = executed;
	b->halted = false;
	rbed_forget(b);
	bft_raft.init(b->core, &b->limits, &b->cluster, 1, b->self);
	for (bft_lsn i = 0; i < b->lsn; i++) {
		struct bft_event e = {
			.kind = BFT_EV_RECORD, .rtype = b->log[i].rtype, .lsn = i + 1, .data = &b->log[i].data, .data_count = sizeof b->log[i].data
		};
		rbed_step_once(b, &e);
	}
	rbed_start(b, recovery);
}

/* ---- what was seen ---- */

/* The last SEND of `type`; NULL when none was seen. */
static inline const struct bft_effect *rbed_sent(const struct rbed *b, uint16_t type)
{
	for (uint32_t i = b->seen_count; i--;)
		if (b->seen[i].e.kind == BFT_FX_SEND && b->seen[i].e.type == type)
			return &b->seen[i].e;
	return NULL;
}

/* The last one that has left. */
static inline const struct bft_effect *rbed_left(const struct rbed *b, uint16_t type)
{
	for (uint32_t i = b->seen_count; i--;)
		if (b->seen[i].free && b->seen[i].e.kind == BFT_FX_SEND && b->seen[i].e.type == type)
			return &b->seen[i].e;
	return NULL;
}

static inline const struct bft_effect *rbed_last(const struct rbed *b, enum bft_effect_kind kind)
{
	for (uint32_t i = b->seen_count; i--;)
		if (b->seen[i].e.kind == kind)
			return &b->seen[i].e;
	return NULL;
}

static inline uint32_t rbed_count(const struct rbed *b, enum bft_effect_kind kind)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		count += b->seen[i].e.kind == kind;
	return count;
}

static inline uint32_t rbed_records(const struct rbed *b, uint16_t rtype)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		count += b->seen[i].e.kind == BFT_FX_PERSIST && b->seen[i].e.rtype == rtype;
	return count;
}

static inline struct raft_ack rbed_last_ack(const struct rbed *b)
{
	const struct bft_effect *e = rbed_left(b, RAFT_ACK);
	CU_ASSERT_FATAL(e != NULL);
	return *(const struct raft_ack *)e->data;
}

static inline struct raft_vote rbed_last_vote(const struct rbed *b)
{
	const struct bft_effect *e = rbed_left(b, RAFT_VOTE);
	CU_ASSERT_FATAL(e != NULL);
	return *(const struct raft_vote *)e->data;
}

/* The core leads the next term: it stood when it heard nobody, and the others voted for it. */
static inline void rbed_lead(struct rbed *b)
{
	for (int i = 0; i < 100 && rbed_raft(b)->role == RAFT_FOLLOWER; i++)
		rbed_tick(b, 10);
	for (uint8_t i = 0; i < b->n && !rbed_leads(b); i++)
		if (rbed_others(b, i) && rbed_raft(b)->role == RAFT_ASKING)
			rbed_vote(b, i, rbed_raft(b)->term + 1, RAFT_ASK_PRE, RAFT_YES);
	for (uint8_t i = 0; i < b->n && !rbed_leads(b); i++)
		if (rbed_others(b, i))
			rbed_vote(b, i, rbed_raft(b)->term, RAFT_ASK_REAL, RAFT_YES);
	CU_ASSERT_FATAL(rbed_leads(b));
}
#endif
