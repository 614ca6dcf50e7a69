/* Coming back: what the log has of term, vote, entries and what is settled (3.8). The commit index is not remembered: the next leader tells it. */
#include "bft/raft/raft.h"

static void recover_epoch(struct raft *p, const struct bft_rec_view *r)
{
	raft_set_members(p, r->members);
	p->epoch = r->epoch;
	p->base = r->base;
	p->base_chain = r->chain;
	p->fresh = false;
	if (p->low < r->base) {
		p->low = r->base;
		p->low_chain = r->chain;
	}
	if (p->settled < r->base) {
		p->settled = r->base;
		p->settled_term = 0;
	}
	if (p->last < r->base)
		p->last = p->taken = r->base;
}

/* Settled without an entry of mine for it: what stands below in my log was compared with nothing (raft_log_pass). What was, comes again by the chain. */
static void forget_unproven(struct raft *p, bft_seq seq)
{
	for (bft_seq gone = p->settled + 1; gone <= seq && gone <= p->last; gone++) {
		struct raft_entry *e = raft_entry_find(p, gone);
		if (e)
			*e = (struct raft_entry){ 0 };
	}
}

static void recover_term(struct raft *p, const struct raft_rec_term *r, bft_lsn lsn)
{
	if (r->seq_term == 0)
		forget_unproven(p, r->seq);
	p->term = r->term;
	p->voted = r->voted;
	p->term_lsn = lsn;
	p->settled = r->seq;
	p->settled_term = r->seq_term;
	if (p->last < r->seq)
		p->last = p->taken = r->seq;
}

/* The first that is left of a log that was cut may stand anywhere; from there on they have no holes. */
static void recover_entry(struct raft *p, const struct raft_rec_entry *r, bft_lsn lsn)
{
	p->taken = p->last = r->seq - 1;
	struct raft_entry *e = raft_log_take(p, r->seq, r->term, &r->digest);
	e->held = true; /* its body stood beside the record when it was written */
	e->lsn = lsn;
	p->last = r->seq;
	/* I was in its term, and the record that said so is gone, with my vote in it. */
	if (r->term > p->term) {
		p->term = r->term;
		p->voted = 0;
		p->term_lsn = 0;
	}
}

static void recover_cut(struct raft *p, bft_seq seq)
{
	for (bft_seq gone = seq; gone <= p->last; gone++) {
		struct raft_entry *e = raft_entry_find(p, gone);
		if (e)
			*e = (struct raft_entry){ 0 };
	}
	if (p->last >= seq)
		p->last = p->taken = seq - 1;
}

static void recover_statement(struct raft_statement *at, bft_seq seq, const struct digest *chain, const struct digest *root)
{
	if (at->seq >= seq)
		return;
	*at = (struct raft_statement){ .seq = seq, .chain = *chain };
	if (root)
		at->root = *root;
}

static void recover_stable(struct raft *p, const struct bft_certificate_refs *c, bft_lsn lsn)
{
	if (c->seq <= p->low)
		return;
	p->low = c->seq;
	p->low_chain = c->digest;
	p->stable_lsn = lsn;
}

void raft_on_record(struct raft *p, const struct bft_event *e)
{
	const union raft_record_body *b = e->data;
	BFT_CHECK(!p->started && e->lsn > p->lsn);
	p->lsn = e->lsn;
	switch ((enum raft_record)e->rtype) {
	case RAFT_REC_VIEW: recover_epoch(p, &b->view); break;
	case RAFT_REC_TERM: recover_term(p, &b->term, e->lsn); break;
	case RAFT_REC_ENTRY: recover_entry(p, &b->entry, e->lsn); break;
	case RAFT_REC_CUT: recover_cut(p, b->cut.seq); break;
	case RAFT_REC_CHECKPOINT: recover_statement(raft_checkpoint_own(p, b->checkpoint.seq), b->checkpoint.seq, &b->checkpoint.chain, NULL); break;
	case RAFT_REC_SNAPSHOT: recover_statement(&p->signed_snapshot, b->snapshot.seq, &b->snapshot.chain, &b->snapshot.root); break;
	case RAFT_REC_STABLE: recover_stable(p, &b->certificate, e->lsn); break;
	case RAFT_REC_CERTIFIED:
		p->certified[1] = p->certified[0];
		p->certified[0] = b->certificate.seq;
		p->certified_lsn = e->lsn;
		break;
	case RAFT_REC_EXECUTED: raft_checkpoint_note(p, b->executed.seq, &b->executed.chain); break;
	}
}

/* The driver remembers that I may have forgotten something. */
static void memory_lost(struct raft *p, struct bft_effects *out)
{
	p->learner = true;
	struct bft_effect *e = effects_add(out, BFT_FX_BLAME);
	e->from = p->self;
	e->verdict = BFT_IGNORE;
	e->reason = RAFT_WHY_MEMORY_LOST;
}

/* Damage that nobody noticed. A hole above what is executed: what I acknowledged behind it, or a vote, may be gone; what is left of the log ends there, and its rest comes again
 * from the others. Or an entry's term that no record says I have entered. */
static void find_damage(struct raft *p, struct bft_effects *out)
{
	if (p->term && !p->term_lsn)
		memory_lost(p, out);
	for (bft_seq seq = p->executed + 1; seq <= p->last; seq++) {
		if (raft_entry_find(p, seq) || seq <= p->settled)
			continue;
		recover_cut(p, seq);
		memory_lost(p, out);
		return;
	}
}

/* Damage that was overtaken, below the checkpoint, or that made a learner of me, may have taken a body and left the record that names it. What my log has of them comes
 * back at once; the rest comes from the others, by their logs or with a state. */
static void seek_bodies(struct raft *p, struct bft_effects *out)
{
	bft_seq end = p->learner || p->last < p->low ? p->last : p->low;
	for (bft_seq seq = p->executed + 1; p->majority > 1 && seq <= end; seq++) {
		struct raft_entry *e = raft_entry_find(p, seq);
		if (!e || digest_equal(&e->digest, &p->null_digest))
			continue;
		e->sought = true;
		struct bft_effect *f = effects_add(out, BFT_FX_FETCH);
		f->digest = e->digest;
		f->seq = seq;
		f->to = raft_others(p);
	}
}

void raft_on_start(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	BFT_CHECK(!p->started);
	p->started = true;
	p->durable = p->lsn; /* what was read from the log is in it */
	p->executed = p->dispatched = e->seq;
	p->chain = e->digest;
	/* A state was put into its place, and nothing of that is in my log but the certificate. */
	if (p->settled < p->executed && p->executed <= p->low)
		raft_log_pass(p, p->settled, p->executed, out);
	raft_log_settle(p, p->executed);
	/* What was settled is committed, also when the state that had executed it is gone: no leader's entries may cut it. */
	p->commit = p->matched = p->settled > p->executed ? p->settled : p->executed;
	p->learner = e->recovery == BFT_RECOVERY_LOST || !raft_member(p, p->self);
	find_damage(p, out);
	seek_bodies(p, out);
	p->random ^= p->term << 32 ^ p->lsn;
	if (p->executed == p->low && p->low && !digest_equal(&p->chain, &p->low_chain)) {
		raft_halt(p, out, RAFT_WHY_OWN_CHAIN, p->low);
		return;
	}
	if (p->fresh) {
		raft_border_stand(p, out);
		p->term_lsn = raft_stand_record(p, out);
	}
	raft_election_reset(p);
	if (p->majority > 1)
		raft_promise_begin(p); /* to whomever I heard before this start: I do not remember it */
	if (p->majority == 1)
		p->election_ms = p->mono_ms; /* nobody else could lead */
	if (!p->learner) {
		raft_checkpoints_again(p, out);
		raft_snapshot_sign(p, out);
	}
	raft_role(p, out, RAFT_WHY_NONE);
	raft_status_send(p, raft_others(p), out);
}
