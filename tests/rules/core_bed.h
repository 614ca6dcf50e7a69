/* tests/rules/core_bed.h - one PBFT core on a bed: a test is everybody else.
 *
 * The test says what other members say and sees every effect. The bed keeps the driver's contract (bft/core.h): records have positions, own messages come back
 * through the door when the position that they wait for is durable, and a restart feeds the durable records. `durable`, `bodies` and `execute` say which
 * events the bed answers by itself. The other members are honest or not as the test likes: every message is authentic, as admission would have made it. */
#ifndef TESTS_RULES_CORE_BED_H
#define TESTS_RULES_CORE_BED_H
#include "bft/certificate.h"
#include "bft/codec.h"
#include "bft/core.h"
#include "bft/effects.h"
#include "bft/pbft/pbft.h"
#include "bft/proposal.h"
#include "bft/roster.h"

#include <stdlib.h>
#include <string.h>

#ifndef BED_CHECK /* a fuzz target has its own */
#include "tests/unit/unit.h"
#define BED_CHECK CU_ASSERT
#endif

#ifndef BED_SEEN_MAX
#define BED_SEEN_MAX 32768u
#endif
#define BED_SEQ_MAX 512u
#define BED_ALL UINT32_MAX

struct bed_record {
	bft_lsn lsn;
	uint16_t rtype;
	void *data;
	size_t bytes;
};

/* HOLD without RELEASE yet. */
struct bed_hold {
	bft_ref ref;
	bft_seq seq;
};

/* Something that the core has said and that others may show: one value for each place, whatever happens between. */
struct bed_said {
	uint16_t type;
	uint8_t kind;
	bft_view view;
	bft_seq seq;
	struct digest digest;
};

/* An own message on its way back. */
struct bed_own {
	bft_lsn lsn;
	uint16_t type;
	union pbft_body *body;
};

struct bed {
	struct bft_limits limits;
	bft_mask first; /* who were members when it began */
	struct digest cluster, null;
	uint32_t n; /* one above the highest number */
	bft_mask members;
	uint32_t q, weak;
	uint8_t self;
	bft_epoch epoch;
	bft_mask passed; /* who leads last in it */
	struct bft_core *core, *before;
	size_t core_bytes;

	struct bft_effects out;
	struct bft_effect *seen; /* everything since the last bed_forget(), with data of its own */
	uint32_t seen_count;
	bool durable, bodies, execute; /* answered at once */
	uint64_t mono_ms, wall_ms;
	uint32_t rtt_us; /* 0: unknown, and no leader is slow */
	bft_lsn durable_lsn;
	bft_ref next_ref, last_ref;
	struct bed_record log[4096];
	uint32_t log_count;
	struct bed_own own[4096];
	struct bed_said said[8192];
	uint32_t said_count;
	struct bed_hold holds[4096];
	uint32_t holds_count;
	uint32_t own_first, own_count;
	struct digest chain[BED_SEQ_MAX]; /* what execution made of it; [0] is the beginning */
	bft_seq executing[BED_SEQ_MAX];
	struct digest executing_digest[BED_SEQ_MAX];
	uint32_t executing_first, executing_count;
	bft_seq executed;
	struct bft_request_id ends[16]; /* the next EXECUTED ends these */
	size_t ends_count;
};

/* Some digest, another one for each `i`. */
static inline struct digest bed_digest(uint64_t i)
{
	struct digest d;
	digest_of(&d, DOMAIN_TEST, &i, sizeof i);
	return d;
}

static inline void *bed_alloc(size_t n)
{
	void *at = calloc(1, n ? n : 1);
	if (!at)
		abort();
	return at;
}

static inline void *bed_copy(const void *data, size_t n)
{
	void *at = bed_alloc(n);
	if (n)
		memcpy(at, data, n);
	return at;
}

/* ---- life ---- */

static inline void bed_forget(struct bed *b)
{
	for (uint32_t i = 0; i < b->seen_count; i++)
		free((void *)(uintptr_t)b->seen[i].data);
	b->seen_count = 0;
}

static inline void bed_members(struct bed *b, bft_mask members)
{
	b->members = members;
	b->q = quorum_strong(mask_count(members));
	b->weak = quorum_weak(mask_count(members));
}

/* A member, and not the core. */
static inline bool bed_others(const struct bed *b, uint32_t i)
{
	return i != b->self && (b->members & BFT_BIT(i));
}

/* A life begins in `b`, which has room for the limits and holds nothing. */
static inline void bed_begin(struct bed *b, const struct bft_limits *limits, uint8_t self)
{
	b->limits = *limits;
	b->cluster = bed_digest(1000000);
	b->chain[0] = b->cluster;
	proposal_null_digest(&b->null, &b->cluster);
	bed_members(b, mask_all(limits->members) & ~limits->absent);
	b->first = b->members;
	b->n = limits->members;
	b->self = self;
	b->durable = b->execute = true;
	b->wall_ms = 1000000;
	b->mono_ms = 1000;
	b->epoch = 1;
	bft_pbft.init(b->core, limits, &b->cluster, 1, self);
}

static inline struct bed *bed_new_with(const struct bft_limits *limits, uint8_t self)
{
	struct bed *b = bed_alloc(sizeof *b);
	b->core_bytes = bft_pbft.bytes(limits);
	b->core = bed_alloc(b->core_bytes);
	b->before = bed_alloc(b->core_bytes);
	b->out = (struct bft_effects){ .at = bed_alloc(BFT_EFFECTS_MAX * sizeof(struct bft_effect)),
		                       .capacity = BFT_EFFECTS_MAX,
		                       .arena = bed_alloc(BFT_ARENA_BYTES),
		                       .arena_bytes = BFT_ARENA_BYTES };
	b->seen = bed_alloc(BED_SEEN_MAX * sizeof *b->seen);
	bed_begin(b, limits, self);
	return b;
}

#define BED_W 16u
#define BED_K 4u
#define BED_TIMEOUT_MS 1000u
#define BED_DRIFT_MS 100u

static inline struct bft_limits bed_limits(uint32_t n)
{
	return (struct bft_limits){ .members = n,
		                    .window = BED_W,
		                    .checkpoint_every = BED_K,
		                    .proposal_bytes_max = 1000,
		                    .proposal_bundles_max = 4,
		                    .drift_ms = BED_DRIFT_MS,
		                    .request_timeout_ms = BED_TIMEOUT_MS,
		                    .requests_max = 16,
		                    .executing_max = 8 };
}

/* What this life has left behind. */
static inline void bed_end(struct bed *b)
{
	bed_forget(b);
	for (uint32_t i = 0; i < b->log_count; i++)
		free(b->log[i].data);
	for (uint32_t i = 0; i < b->own_count; i++)
		free(b->own[(b->own_first + i) % 4096].body);
}

static inline void bed_free(struct bed *b)
{
	bed_end(b);
	free(b->core);
	free(b->before);
	free(b->out.at);
	free(b->out.arena);
	free(b->seen);
	free(b);
}

static inline uint8_t bed_leader(const struct bed *b, bft_view view)
{
	return order_leader(view, b->members, b->passed);
}

/* ---- steps ---- */

static inline void bed_step_once(struct bed *b, const struct bft_event *e);

static inline bool bed_holds(const struct bed *b, bft_ref ref)
{
	for (uint32_t i = 0; i < b->holds_count; i++)
		if (b->holds[i].ref == ref)
			return true;
	return false;
}

/* Messages are held as the core says, and nothing is released or passed on that is not held. */
static inline void bed_track(struct bed *b, const struct bft_effect *e)
{
	uint32_t kept = 0, found = 0;
	if (e->kind == BFT_FX_HOLD) {
		if (b->holds_count == 4096)
			abort();
		b->holds[b->holds_count++] = (struct bed_hold){ .ref = e->ref, .seq = e->seq };
	} else if (e->kind == BFT_FX_FORWARD) {
		BED_CHECK(bed_holds(b, e->ref));
	} else if (e->kind == BFT_FX_RELEASE || e->kind == BFT_FX_STABLE) {
		for (uint32_t i = 0; i < b->holds_count; i++) {
			bool one = e->kind == BFT_FX_RELEASE && !found && b->holds[i].ref == e->ref && b->holds[i].seq == e->seq;
			bool below = e->kind == BFT_FX_STABLE && b->holds[i].seq <= e->seq;
			found += one;
			if (!one && !below)
				b->holds[kept++] = b->holds[i];
		}
		b->holds_count = kept;
		BED_CHECK(found || e->kind == BFT_FX_STABLE);
	}
}

static inline void bed_take(struct bed *b, const struct bft_effect *e)
{
	bed_track(b, e);
	if (b->seen_count == BED_SEEN_MAX)
		abort();
	struct bft_effect *s = &b->seen[b->seen_count++];
	*s = *e;
	s->data = e->data ? bed_copy(e->data, e->data_bytes) : NULL;
	if (e->kind == BFT_FX_PERSIST) {
		if (b->log_count == 4096 || e->lsn != (b->log_count ? b->log[b->log_count - 1].lsn : 0) + 1)
			abort(); /* the log has no holes */
		b->log[b->log_count++] =
			(struct bed_record){ .lsn = e->lsn, .rtype = e->rtype, .data = bed_copy(e->data, e->data_bytes), .bytes = e->data_bytes };
	} else if (e->kind == BFT_FX_SEND && (e->to & BFT_BIT(b->self))) {
		if (b->own_count == 4096)
			abort();
		struct bed_own *o = &b->own[(b->own_first + b->own_count++) % 4096];
		*o = (struct bed_own){ .lsn = e->lsn, .type = e->type, .body = bed_alloc(sizeof *o->body) };
		memcpy(o->body, e->data, e->data_bytes);
	} else if (e->kind == BFT_FX_EXECUTE) {
		uint32_t at = (b->executing_first + b->executing_count++) % BED_SEQ_MAX;
		b->executing[at] = e->seq;
		b->executing_digest[at] = e->digest;
	}
}

static inline struct digest bed_results(bft_seq seq)
{
	return bed_digest(2000000 + seq);
}

/* The chain that honest members have after `seq`, given what was decided there. */
static inline struct digest bed_chain_after(const struct digest *before, bft_seq seq, const struct digest *proposal)
{
	struct digest d, results = bed_results(seq);
	chain_next(&d, before, seq, proposal, &results);
	return d;
}

/* Answers the oldest EXECUTE. */
static inline void bed_executed(struct bed *b)
{
	if (!b->executing_count)
		abort();
	bft_seq seq = b->executing[b->executing_first];
	b->chain[seq] = bed_chain_after(&b->chain[seq - 1], seq, &b->executing_digest[b->executing_first]);
	b->executing_first = (b->executing_first + 1) % BED_SEQ_MAX;
	b->executing_count--;
	b->executed = seq;
	struct bft_event e = {
		.kind = BFT_EV_EXECUTED, .seq = seq, .digest = b->chain[seq], .root = bed_results(seq), .data = b->ends, .data_count = b->ends_count
	};
	bed_step_once(b, &e);
	b->ends_count = 0;
}

static inline union pbft_body *bed_body(void)
{
	return bed_alloc(sizeof(union pbft_body));
}

static inline void bed_digest_of(struct digest *out, uint16_t type, const void *body)
{
	static uint8_t bytes[64 * 1024];
	if (type == PBFT_VOTES)
		votes_digest_of(out, body);
	else
		pbft_body_digest(out, type, bytes, bft_pbft.encode(type, body, bytes, sizeof bytes));
}

static inline void bed_deliver(struct bed *b, uint8_t from, uint16_t type, const void *body, enum bft_auth auth, bft_epoch epoch)
{
	struct bft_vmsg m = { .wire = ++b->next_ref, .from = from, .auth = auth, .type = type, .epoch = epoch, .body = body };
	bed_digest_of(&m.digest, type, body);
	b->last_ref = m.wire;
	struct bft_event e = { .kind = BFT_EV_MSG, .msg = &m };
	bed_step_once(b, &e);
}

/* No two statements of an honest member contradict each other, restarts between them or not. */
static inline void bed_said_one(struct bed *b, const struct bed_said *now)
{
	for (uint32_t i = 0; i < b->said_count; i++) {
		const struct bed_said *was = &b->said[i];
		if (was->type == now->type && was->kind == now->kind && was->view == now->view && was->seq == now->seq) {
			BED_CHECK(digest_equal(&was->digest, &now->digest));
			return;
		}
	}
	if (b->said_count == 8192)
		abort();
	b->said[b->said_count++] = *now;
}

static inline void bed_said(struct bed *b, uint16_t type, const union pbft_body *m)
{
	struct bed_said now = { .type = type };
	if (type == PBFT_VOTES) {
		for (uint16_t i = 0; i < m->votes.count; i++) {
			now.kind = m->votes.leaf[i].kind;
			now.view = m->votes.view;
			now.seq = m->votes.leaf[i].seq;
			now.digest = m->votes.leaf[i].digest;
			bed_said_one(b, &now);
		}
		return;
	}
	now.view = type == PBFT_VIEW_CHANGE ? m->view_change.view : type == PBFT_NEW_VIEW ? m->new_view.view : 0;
	now.seq = type == PBFT_CHECKPOINT ? m->checkpoint.seq : 0;
	bed_digest_of(&now.digest, type, m);
	if (type == PBFT_VIEW_CHANGE || type == PBFT_NEW_VIEW || type == PBFT_CHECKPOINT)
		bed_said_one(b, &now);
}

/* Own messages whose records are durable come back through the door, in order. */
static inline bool bed_return_one(struct bed *b)
{
	for (uint32_t i = 0; i < b->own_count; i++) {
		struct bed_own o = b->own[(b->own_first + i) % 4096];
		if (o.lsn > b->durable_lsn)
			continue;
		for (uint32_t k = i; k > 0; k--)
			b->own[(b->own_first + k) % 4096] = b->own[(b->own_first + k - 1) % 4096];
		b->own_first = (b->own_first + 1) % 4096;
		b->own_count--;
		bft_ref last = b->last_ref;
		bed_said(b, o.type, o.body);
		bed_deliver(b, b->self, o.type, o.body, BFT_AUTH_SIGNED, b->epoch);
		b->last_ref = last;
		free(o.body);
		return true;
	}
	return false;
}

static inline bft_lsn bed_lsn(const struct bed *b)
{
	return b->log_count ? b->log[b->log_count - 1].lsn : 0;
}

/* HELD for every FETCH in what was seen since `from`. */
static inline bool bed_answer_fetches(struct bed *b, uint32_t *from)
{
	for (; *from < b->seen_count; ++*from) {
		if (b->seen[*from].kind != BFT_FX_FETCH)
			continue;
		struct bft_event e = { .kind = BFT_EV_HELD, .digest = b->seen[(*from)++].digest, .ok = true };
		bed_step_once(b, &e);
		return true;
	}
	return false;
}

static inline void bed_settle(struct bed *b, uint32_t from)
{
	bool moved = true;
	while (moved) {
		moved = false;
		if (b->durable && b->durable_lsn < bed_lsn(b)) {
			b->durable_lsn = bed_lsn(b);
			struct bft_event e = { .kind = BFT_EV_DURABLE, .lsn = b->durable_lsn };
			bed_step_once(b, &e);
			moved = true;
		}
		moved |= bed_return_one(b);
		moved |= b->bodies && bed_answer_fetches(b, &from);
		if (b->execute && b->executing_count) {
			bed_executed(b);
			moved = true;
		}
	}
}

static inline void bed_step_once(struct bed *b, const struct bft_event *e)
{
	b->out.count = 0;
	b->out.arena_used = 0;
	bft_pbft.step(b->core, e, &b->out);
	bft_pbft.check(b->core);
	for (uint32_t i = 0; i < b->out.count; i++)
		bed_take(b, &b->out.at[i]);
}

static inline void bed_step(struct bed *b, const struct bft_event *e)
{
	uint32_t from = b->seen_count;
	bed_step_once(b, e);
	bed_settle(b, from);
}

/* What was decided to be durable later is now. */
static inline void bed_flush(struct bed *b)
{
	bool was = b->durable;
	b->durable = true;
	bed_settle(b, b->seen_count);
	b->durable = was;
}

/* ---- what others say ---- */

/* What the core made of it: REJECT and CONVICT are blamed; IGNORE is not and leaves no trace, in the state nor in the effects. */
static inline enum bft_verdict bed_say_in(struct bed *b, uint8_t from, uint16_t type, const void *body, enum bft_auth auth, bft_epoch epoch)
{
	uint32_t first = b->seen_count;
	memcpy(b->before, b->core, b->core_bytes);
	bed_deliver(b, from, type, body, auth, epoch);
	enum bft_verdict verdict = BFT_IGNORE;
	if (b->seen_count != first || memcmp(b->before, b->core, b->core_bytes) != 0)
		verdict = BFT_ACCEPT;
	bool only_blame = memcmp(b->before, b->core, b->core_bytes) == 0;
	for (uint32_t i = first; i < b->seen_count; i++) {
		if (b->seen[i].kind == BFT_FX_BLAME && b->seen[i].verdict > verdict)
			verdict = b->seen[i].verdict;
		only_blame &= b->seen[i].kind == BFT_FX_BLAME;
	}
	/* A refused message changes nothing; of votes each leaf is judged alone. */
	bool many = type == PBFT_VOTES && ((const struct bft_votes *)body)->count > 1;
	if (verdict == BFT_REJECT && !many)
		BED_CHECK(only_blame);
	bed_settle(b, first);
	return verdict;
}

static inline enum bft_verdict bed_say_as(struct bed *b, uint8_t from, uint16_t type, const void *body, enum bft_auth auth)
{
	return bed_say_in(b, from, type, body, auth, b->epoch);
}

static inline enum bft_verdict bed_say(struct bed *b, uint8_t from, uint16_t type, const void *body)
{
	return bed_say_as(b, from, type, body, BFT_AUTH_SIGNED);
}

static inline enum bft_verdict bed_leaf_as(struct bed *b, uint8_t from, bft_view view, uint8_t kind, bft_seq seq, struct digest d, enum bft_auth auth)
{
	static struct bft_votes m;
	m.view = view;
	m.count = 1;
	m.leaf[0] = (struct bft_leaf){ .kind = kind, .seq = seq, .digest = d };
	return bed_say_as(b, from, PBFT_VOTES, &m, auth);
}

static inline enum bft_verdict bed_pre_prepare(struct bed *b, bft_view view, bft_seq seq, struct digest d)
{
	return bed_leaf_as(b, bed_leader(b, view), view, BFT_LEAF_PRE_PREPARE, seq, d, BFT_AUTH_SIGNED);
}

static inline enum bft_verdict bed_prepare(struct bed *b, uint8_t from, bft_view view, bft_seq seq, struct digest d)
{
	return bed_leaf_as(b, from, view, BFT_LEAF_PREPARE, seq, d, BFT_AUTH_SIGNED);
}

static inline enum bft_verdict bed_commit(struct bed *b, uint8_t from, bft_view view, bft_seq seq, struct digest d)
{
	return bed_leaf_as(b, from, view, BFT_LEAF_COMMIT, seq, d, BFT_AUTH_CHANNEL);
}

static inline enum bft_verdict bed_checkpoint(struct bed *b, uint8_t from, bft_seq seq, struct digest chain)
{
	struct bft_checkpoint m = { .seq = seq, .chain = chain };
	return bed_say(b, from, PBFT_CHECKPOINT, &m);
}

static inline enum bft_verdict bed_suspect(struct bed *b, uint8_t from, bft_view view, bool standing)
{
	struct pbft_suspect m = { .view = view, .standing = standing };
	return bed_say_as(b, from, PBFT_SUSPECT, &m, BFT_AUTH_CHANNEL);
}

/* A VIEW-CHANGE without a prepared certificate. */
static inline enum bft_verdict bed_view_change(struct bed *b, uint8_t from, bft_view view)
{
	struct pbft_view_change *m = &bed_body()->view_change;
	m->view = view;
	m->chain = b->cluster;
	enum bft_verdict verdict = bed_say(b, from, PBFT_VIEW_CHANGE, m);
	free(m);
	return verdict;
}

static inline void bed_held(struct bed *b, struct digest d, uint64_t time_ms, bool ok)
{
	time_ms = time_ms ? time_ms : b->wall_ms; /* 0: now */
	struct bft_event e = { .kind = BFT_EV_HELD, .digest = d, .time_ms = time_ms, .ok = ok };
	bed_step(b, &e);
}

static inline void bed_tick(struct bed *b, uint64_t ms)
{
	b->mono_ms += ms;
	b->wall_ms += ms;
	struct bft_event e = { .kind = BFT_EV_TICK, .mono_ms = b->mono_ms, .wall_ms = b->wall_ms, .rtt_us = b->rtt_us };
	bed_step(b, &e);
}

static inline void bed_link(struct bed *b, uint8_t peer, bool up)
{
	struct bft_event e = { .kind = BFT_EV_LINK, .from = peer, .ok = up };
	bed_step(b, &e);
}

static inline void bed_request_as(struct bed *b, uint64_t session, uint64_t number, struct digest d, bool shown)
{
	struct bft_event e = { .kind = BFT_EV_REQUEST, .digest = d, .bytes = 100, .id = { .session = session, .number = number }, .shown = shown };
	bed_step(b, &e);
}

static inline void bed_request(struct bed *b, uint64_t session, uint64_t number, struct digest d)
{
	bed_request_as(b, session, number, d, false);
}

/* A STATUS without an open slot. */
static inline struct pbft_status bed_status_of(bft_view view, bft_seq low, bft_seq executed)
{
	struct pbft_status m;
	memset(&m, 0, sizeof m);
	m.view = view;
	m.low = low;
	m.executed = executed;
	return m;
}

static inline enum bft_verdict bed_status(struct bed *b, uint8_t from, bft_view view, bft_seq low, bft_seq executed)
{
	struct pbft_status m = bed_status_of(view, low, executed);
	return bed_say_as(b, from, PBFT_STATUS, &m, BFT_AUTH_CHANNEL);
}

static inline void bed_recall_done(struct bed *b, uint8_t from)
{
	struct pbft_recall none = { 0 };
	bed_say_as(b, from, PBFT_RECALL_DONE, &none, BFT_AUTH_CHANNEL);
}

/* ---- starting ---- */

/* The log is read, and nobody has answered yet. */
static inline void bed_start(struct bed *b, enum bft_recovery recovery)
{
	struct bft_event tick = { .kind = BFT_EV_TICK, .mono_ms = b->mono_ms, .wall_ms = b->wall_ms };
	bed_step(b, &tick);
	struct bft_event e = { .kind = BFT_EV_START, .seq = b->executed, .digest = b->chain[b->executed], .recovery = recovery };
	bed_step(b, &e);
}

/* q-1 others have told: a full member. */
static inline void bed_join(struct bed *b)
{
	for (uint32_t i = 0, told = 0; i < b->n && told < b->q - 1; i++)
		if (bed_others(b, i)) {
			bed_recall_done(b, (uint8_t)i);
			told++;
		}
}

/* It has started for the first time and joined; the links to all are up. */
static inline void bed_get_ready(struct bed *b)
{
	bed_start(b, BFT_RECOVERY_WHOLE);
	for (uint32_t i = 0; i < b->n; i++)
		if (bed_others(b, i))
			bed_link(b, (uint8_t)i, true);
	bed_join(b);
	bed_forget(b);
}

static inline struct bed *bed_ready(const struct bft_limits *limits, uint8_t self)
{
	struct bed *b = bed_new_with(limits, self);
	bed_get_ready(b);
	return b;
}

static inline struct bed *bed_new(uint32_t n, uint8_t self)
{
	struct bft_limits limits = bed_limits(n);
	return bed_ready(&limits, self);
}

/* As the driver does: a core for the members of that epoch, and for me. */
static inline void bed_roster(struct bed *b, const struct bft_rec_view *view)
{
	struct bft_roster all = { .members = view->members | BFT_BIT(b->self) };
	bed_members(b, view->members);
	b->n = b->limits.members = roster_width(&all);
	b->limits.absent = mask_all(b->n) & ~view->members;
	size_t need = bft_pbft.bytes(&b->limits);
	if (need > b->core_bytes) {
		free(b->core);
		free(b->before);
		b->core = bed_alloc(need);
		b->before = bed_alloc(need);
		b->core_bytes = need;
	}
}

/* Of which members its first records are: the driver reads that off each record. */
static inline struct bft_rec_view bed_log_begins(const struct bed *b)
{
	for (uint32_t i = 0; i < b->log_count; i++) {
		const struct bft_rec_view *view = b->log[i].rtype == PBFT_REC_VIEW ? b->log[i].data : NULL;
		if (view && view->entered != BFT_VIEW_BEGINS)
			return *view;
		if (view)
			break;
	}
	return (struct bft_rec_view){ .members = b->first };
}

/* The process ends and begins again: what was durable is all there is. The state stands where execution had come, or at `executed`. Not yet joined. */
static inline void bed_restart(struct bed *b, bft_seq executed, enum bft_recovery recovery)
{
	for (uint32_t i = 0; i < b->own_count; i++)
		free(b->own[(b->own_first + i) % 4096].body);
	b->own_count = b->executing_count = b->holds_count = 0;
	b->executed = executed;
	while (b->log_count && b->log[b->log_count - 1].lsn > b->durable_lsn)
		free(b->log[--b->log_count].data);
	struct bft_rec_view where = bed_log_begins(b);
	bed_roster(b, &where);
	bft_pbft.init(b->core, &b->limits, &b->cluster, 1, b->self);
	bed_forget(b);
	b->epoch = 1;
	for (uint32_t i = 0; i < b->log_count; i++) {
		const struct bft_rec_view *view = b->log[i].rtype == PBFT_REC_VIEW ? b->log[i].data : NULL;
		/* As the driver does: before an epoch's beginning stands what was another core's. */
		if (view && view->entered == BFT_VIEW_BEGINS) {
			bed_roster(b, view);
			bft_pbft.init(b->core, &b->limits, &b->cluster, view->epoch, b->self);
		}
		if (view)
			b->epoch = view->epoch;
		struct bft_event e = {
			.kind = BFT_EV_RECORD, .rtype = b->log[i].rtype, .lsn = b->log[i].lsn, .data = b->log[i].data, .data_count = b->log[i].bytes
		};
		bed_step_once(b, &e);
	}
	bed_start(b, recovery);
}

/* What the driver does after ACTIVATE: a new core, which begins behind the border. Not yet joined. */
static inline void bed_next_epoch(struct bed *b, enum bft_recovery recovery)
{
	const struct bed_record *last = &b->log[b->log_count - 1];
	const struct bft_rec_view *view = last->data;
	if (last->rtype != PBFT_REC_VIEW || view->epoch <= b->epoch)
		abort();
	for (uint32_t i = 0; i < b->own_count; i++)
		free(b->own[(b->own_first + i) % 4096].body);
	b->own_count = b->executing_count = b->holds_count = b->said_count = 0;
	b->epoch = view->epoch;
	bed_roster(b, view);
	bft_pbft.init(b->core, &b->limits, &b->cluster, b->epoch, b->self);
	bed_forget(b);
	struct bft_event order = { .kind = BFT_EV_ORDER, .members = b->passed };
	struct bft_event record = { .kind = BFT_EV_RECORD, .rtype = last->rtype, .lsn = last->lsn, .data = last->data, .data_count = last->bytes };
	bed_step_once(b, &record);
	bed_step(b, &order);
	struct bft_event tick = { .kind = BFT_EV_TICK, .mono_ms = b->mono_ms, .wall_ms = b->wall_ms };
	bed_step(b, &tick);
	struct bft_event e = { .kind = BFT_EV_START, .seq = b->executed, .digest = b->chain[b->executed], .recovery = recovery, .ok = true };
	bed_step(b, &e);
}

/* ---- what was seen ---- */

static inline uint32_t bed_count(const struct bed *b, enum bft_effect_kind kind)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		count += b->seen[i].kind == kind;
	return count;
}

static inline const struct bft_effect *bed_last(const struct bed *b, enum bft_effect_kind kind)
{
	for (uint32_t i = b->seen_count; i--;)
		if (b->seen[i].kind == kind)
			return &b->seen[i];
	return NULL;
}

/* The last SEND of `type`; NULL when none was seen. */
static inline const struct bft_effect *bed_sent(const struct bed *b, uint16_t type)
{
	for (uint32_t i = b->seen_count; i--;)
		if (b->seen[i].kind == BFT_FX_SEND && b->seen[i].type == type)
			return &b->seen[i];
	return NULL;
}

static inline uint32_t bed_sent_count(const struct bed *b, uint16_t type)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		count += b->seen[i].kind == BFT_FX_SEND && b->seen[i].type == type;
	return count;
}

static inline bool bed_is_leaf(const struct bft_effect *e, uint8_t kind, bft_seq seq)
{
	const struct bft_votes *m = e->data;
	return e->kind == BFT_FX_SEND && e->type == PBFT_VOTES && m->leaf[0].kind == kind && (seq == 0 || m->leaf[0].seq == seq);
}

/* The last own leaf of `kind` for `seq` (0: any). */
static inline const struct bft_effect *bed_leaf(const struct bed *b, uint8_t kind, bft_seq seq)
{
	for (uint32_t i = b->seen_count; i--;)
		if (bed_is_leaf(&b->seen[i], kind, seq))
			return &b->seen[i];
	return NULL;
}

static inline uint32_t bed_leaves(const struct bed *b, uint8_t kind, bft_seq seq)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		count += bed_is_leaf(&b->seen[i], kind, seq);
	return count;
}

static inline struct bft_leaf bed_leaf_in(const struct bft_effect *e)
{
	return ((const struct bft_votes *)e->data)->leaf[0];
}

/* The last record of `rtype`. */
static inline const struct bft_effect *bed_record(const struct bed *b, uint16_t rtype)
{
	for (uint32_t i = b->seen_count; i--;)
		if (b->seen[i].kind == BFT_FX_PERSIST && b->seen[i].rtype == rtype)
			return &b->seen[i];
	return NULL;
}

static inline const struct bft_effect *bed_blame(const struct bed *b, uint8_t from, enum bft_verdict verdict, uint16_t reason)
{
	for (uint32_t i = 0; i < b->seen_count; i++) {
		const struct bft_effect *e = &b->seen[i];
		if (e->kind == BFT_FX_BLAME && e->from == from && e->verdict == verdict && e->reason == reason)
			return e;
	}
	return NULL;
}

static inline bool bed_executes(const struct bed *b, bft_seq seq, struct digest d)
{
	for (uint32_t i = 0; i < b->seen_count; i++)
		if (b->seen[i].kind == BFT_FX_EXECUTE && b->seen[i].seq == seq)
			return digest_equal(&b->seen[i].digest, &d);
	return false;
}

static inline bool bed_forwards(const struct bed *b, bft_ref ref, uint8_t signer, uint8_t to)
{
	for (uint32_t i = 0; i < b->seen_count; i++) {
		const struct bft_effect *e = &b->seen[i];
		if (e->kind == BFT_FX_FORWARD && e->ref == ref && e->from == signer && e->to == BFT_BIT(to))
			return true;
	}
	return false;
}

static inline struct bft_standing bed_standing(const struct bed *b)
{
	struct bft_standing s;
	bft_pbft.standing(b->core, &s);
	return s;
}

static inline bool bed_same(struct digest a, struct digest b)
{
	return digest_equal(&a, &b);
}

/* Something that binds was said: a vote, a VIEW-CHANGE, a CHECKPOINT, a SNAPSHOT, a NEW-VIEW, a SUSPECT. */
static inline bool bed_signed_anything(const struct bed *b)
{
	for (uint16_t type = PBFT_VOTES; type <= PBFT_SNAPSHOT; type++)
		if (bed_sent(b, type))
			return true;
	return false;
}

/* ---- longer stories ---- */

/* The i-th of the others, in the order of members, skipping `not` (BED_ALL: nobody). */
static inline uint8_t bed_other(const struct bed *b, uint32_t i, uint32_t not )
{
	for (uint32_t m = 0; m < b->n; m++)
		if (bed_others(b, m) && m != not &&i-- == 0)
			return (uint8_t)m;
	abort();
}

/* The core backs `view`; everybody proposes, prepares and commits `d` at `seq`, and it is executed (with `bodies` or HELD before). */
static inline void bed_decide(struct bed *b, bft_view view, bft_seq seq, struct digest d)
{
	uint8_t leader = bed_leader(b, view);
	bed_pre_prepare(b, view, seq, d);
	bed_held(b, d, 0, true);
	for (uint32_t i = 0; i < b->n; i++)
		if (bed_others(b, i) && i != leader)
			bed_prepare(b, (uint8_t)i, view, seq, d);
	for (uint32_t i = 0; i < b->n; i++)
		if (bed_others(b, i))
			bed_commit(b, (uint8_t)i, view, seq, d);
}

/* Everybody else prepares and commits what the core, which leads view 0, proposed for `seq`. */
static inline void bed_others_decide(struct bed *b, bft_seq seq)
{
	const struct bft_effect *leaf = bed_leaf(b, BFT_LEAF_PRE_PREPARE, seq);
	BED_CHECK(leaf != NULL);
	struct digest d = bed_leaf_in(leaf).digest;
	for (uint8_t i = 0; i < b->n; i++)
		if (bed_others(b, i))
			bed_prepare(b, i, 0, seq, d);
	for (uint8_t i = 0; i < b->n; i++)
		if (bed_others(b, i))
			bed_commit(b, i, 0, seq, d);
	BED_CHECK(bed_standing(b).executed >= seq);
}

/* Prepared by q, so that the core decides COMMIT; nobody else commits. */
static inline void bed_make_prepared(struct bed *b, bft_view view, bft_seq seq, struct digest d)
{
	uint8_t leader = bed_leader(b, view);
	bed_pre_prepare(b, view, seq, d);
	bed_held(b, d, 0, true);
	for (uint32_t i = 0; i < b->n; i++)
		if (bed_others(b, i) && i != leader)
			bed_prepare(b, (uint8_t)i, view, seq, d);
}

/* Everybody else says the core's own chain at `seq`; the core executed it. */
static inline void bed_make_stable(struct bed *b, bft_seq seq)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (bed_others(b, i))
			bed_checkpoint(b, (uint8_t)i, seq, b->chain[seq]);
}

/* f+1 others leave `view`: the core sends its VIEW-CHANGE for the next. */
static inline void bed_leave(struct bed *b, bft_view view)
{
	for (uint32_t i = 0; i < b->weak; i++)
		bed_suspect(b, bed_other(b, i, BED_ALL), view, true);
}

/* VIEW-CHANGEs as others send them. */
struct bed_changes {
	struct pbft_view_change *of[BFT_MEMBERS_MAX]; /* NULL: does not take part */
	struct digest digest[BFT_MEMBERS_MAX];
};

static inline struct bed_changes *bed_changes_new(const struct bed *b, bft_view view, uint32_t count)
{
	struct bed_changes *c = bed_alloc(sizeof *c);
	/* From the highest member down, so that it is never by accident the first ones. */
	for (uint32_t i = b->n; i-- && count;) {
		if (!bed_others(b, i))
			continue;
		count--;
		c->of[i] = &bed_body()->view_change;
		c->of[i]->view = view;
		c->of[i]->chain = b->cluster;
	}
	return c;
}

static inline void bed_changes_free(struct bed_changes *c)
{
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++)
		free(c->of[i]);
	free(c);
}

static inline void bed_changes_prepared(struct bed_changes *c, uint32_t member, bft_seq seq, bft_view view, struct digest d)
{
	struct pbft_view_change *m = c->of[member];
	m->prepared[m->count++] = (struct pbft_prepared){ .seq = seq, .view = view, .digest = d };
}

static inline void bed_changes_say(struct bed *b, struct bed_changes *c)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (c->of[i])
			bed_say(b, (uint8_t)i, PBFT_VIEW_CHANGE, c->of[i]);
}

/* The NEW-VIEW that an honest leader makes of them, or of them and the core's own. The caller frees. */
static inline struct pbft_new_view *bed_new_view_from(const struct bed *b, struct bed_changes *c)
{
	struct pbft_new_view *m = &bed_body()->new_view;
	const struct pbft_view_change *vcs[BFT_MEMBERS_MAX];
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		if (!c->of[i])
			continue;
		bed_digest_of(&c->digest[i], PBFT_VIEW_CHANGE, c->of[i]);
		vcs[count++] = c->of[i];
		m->view = c->of[i]->view;
		m->source[m->sources_count].member = (uint8_t)i;
		m->source[m->sources_count++].digest = c->digest[i];
	}
	new_view_select(vcs, count, &b->null, b->limits.window, m);
	return m;
}

/* The core goes to `view` with nothing re-proposed: q others change, the leader among them. */
static inline void bed_enter_view(struct bed *b, bft_view view)
{
	struct bed_changes *c = bed_changes_new(b, view, b->q);
	struct pbft_new_view *m = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, bed_leader(b, view), PBFT_NEW_VIEW, m);
	bed_changes_free(c);
	free(m);
}
#endif
