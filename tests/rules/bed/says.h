/* tests/rules/bed/says.h - what other members, clients and the clock tell the core. */
#ifndef TESTS_RULES_BED_SAYS_H
#define TESTS_RULES_BED_SAYS_H
#include "tests/rules/bed/steps.h"

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
#endif
