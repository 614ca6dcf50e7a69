/* tests/rules/bed/steps.h - one event, the effects, and what the driver would do with them: records, holds, own messages, execution. */
#ifndef TESTS_RULES_BED_STEPS_H
#define TESTS_RULES_BED_STEPS_H
#include "tests/rules/bed/life.h"

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
#endif
