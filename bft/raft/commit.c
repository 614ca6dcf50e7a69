/* What is committed, and its execution in order (3.5, 3.6.2). */
#include "bft/raft/raft.h"

/* The highest that a majority has on disk. */
static bft_seq majority_has(const struct raft *p)
{
	bft_seq has[BFT_MEMBERS_MAX];
	uint32_t count = 0;
	for (uint32_t i = 0; i < p->n; i++) {
		if (!raft_member(p, i) || (i != p->self && p->peer[i].learner))
			continue;
		bft_seq seq = i == p->self ? raft_log_durable(p) : p->peer[i].match;
		uint32_t at = count++;
		for (; at && has[at - 1] < seq; at--)
			has[at] = has[at - 1];
		has[at] = seq;
	}
	return count >= p->majority ? has[p->majority - 1] : 0;
}

/* Counting commits entries of the current term alone; what lies below them is committed with them (3.6.2, figure 3.7). */
void raft_commit_count(struct raft *p, struct bft_effects *out)
{
	if (p->role != RAFT_LEADER)
		return;
	bft_seq seq = majority_has(p);
	if (seq > p->commit && raft_log_term(p, seq) == p->term)
		raft_commit_to(p, seq, out);
}

void raft_commit_to(struct raft *p, bft_seq seq, struct bft_effects *out)
{
	if (seq <= p->commit)
		return;
	p->commit = seq;
	if (p->matched < seq)
		p->matched = seq;
	p->progress_ms = p->mono_ms;
	raft_execute_dispatch(p, out);
}

/* ---- execution ---- */

static const struct digest *decided(const struct raft *p, bft_seq seq)
{
	if (p->catch_count && seq >= p->catch_from && seq - p->catch_from < p->catch_count) {
		uint32_t i = (uint32_t)(seq - p->catch_from);
		return p->catch_held[i] ? &p->catch_digest[i] : NULL;
	}
	const struct raft_entry *e = seq <= p->commit && seq <= p->last ? raft_entry_find(p, seq) : NULL;
	return e && e->lsn && !e->sought ? &e->digest : NULL;
}

void raft_execute_dispatch(struct raft *p, struct bft_effects *out)
{
	while (p->started && p->dispatched - p->executed < p->limits.executing_max) {
		bool may = (p->border == 0 || p->dispatched < p->border) && p->dispatched < p->low + 2 * p->limits.window;
		const struct digest *d = may ? decided(p, p->dispatched + 1) : NULL;
		if (!d)
			return;
		p->dispatched++;
		struct bft_effect *e = effects_add(out, BFT_FX_EXECUTE);
		e->seq = p->dispatched;
		e->digest = *d;
	}
}

static void executed_record(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	struct bft_rec_executed *rec = effects_room(out, sizeof *rec);
	const struct digest *d = decided(p, e->seq);
	if (!rec || !d)
		return; /* the record only saves time after a restart */
	*rec = (struct bft_rec_executed){ .seq = e->seq, .proposal = *d, .chain = e->digest, .results = e->root };
	raft_persist(p, out, RAFT_REC_EXECUTED, rec, sizeof *rec, d);
}

void raft_on_executed(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	BFT_CHECK(e->seq == p->executed + 1 && e->seq <= p->dispatched);
	executed_record(p, e, out);
	p->executed = e->seq;
	p->chain = e->digest;
	p->progress_ms = p->catch_ms = p->mono_ms;
	if (p->catch_count && p->executed + 1 >= p->catch_from + p->catch_count)
		p->catch_count = 0;
	/* What I executed must be what a majority certified: else my memory or my program is wrong. */
	if (p->executed == p->low && !digest_equal(&p->chain, &p->low_chain)) {
		raft_halt(p, out, RAFT_WHY_OWN_CHAIN, p->executed);
		return;
	}
	raft_requests_executed(p, e->data, e->data_count, out);
	if (p->executed % p->limits.checkpoint_every == 0) {
		raft_checkpoint_note(p, p->executed, &p->chain);
		raft_checkpoint_send(p, p->executed, out);
	}
	raft_execute_dispatch(p, out);
	raft_append_taken(p, out);
}

/* ---- bodies ---- */

void raft_on_held(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	for (uint32_t i = 0; i < p->catch_count; i++)
		if (digest_equal(&p->catch_digest[i], &e->digest))
			p->catch_held[i] = true;
	for (bft_seq seq = p->executed + 1; seq <= p->last && e->ok; seq++) {
		struct raft_entry *x = raft_entry_find(p, seq);
		if (x && digest_equal(&x->digest, &e->digest))
			x->sought = false;
	}
	for (bft_seq seq = p->last + 1; seq <= p->taken; seq++) {
		struct raft_entry *x = raft_entry_find(p, seq);
		if (!digest_equal(&x->digest, &e->digest))
			continue;
		if (e->ok) {
			x->held = true;
			continue;
		}
		/* Nobody who leads proposes it; I cannot follow where it leads. */
		raft_halt(p, out, RAFT_WHY_INVALID, seq);
		return;
	}
	raft_append_taken(p, out);
}
