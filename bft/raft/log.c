/* The log as the core sees it: entries (term, digest) for the sequences in flight, in a ring of 2W; what lies below is settled by a certificate (3.5, 5.1). */
#include "bft/raft/raft.h"

#include <string.h>

static struct raft_entry *entry_place(const struct raft *p, bft_seq seq)
{
	struct raft_entry *entries = (struct raft_entry *)((uintptr_t)p + p->entries_at);
	return &entries[seq % (2 * p->limits.window)];
}

struct raft_entry *raft_entry_find(const struct raft *p, bft_seq seq)
{
	struct raft_entry *e = entry_place(p, seq);
	return seq && e->seq == seq ? e : NULL;
}

/* No sum with a peer's number; `low` is ours. */
bool raft_log_in_window(const struct raft *p, bft_seq seq)
{
	return seq > p->low && seq - p->low <= p->limits.window && (p->border == 0 || seq <= p->border);
}

/* The ring has room for it, and no entry that is not executed leaves for it. Beyond the border nothing stands but what opens a term. */
bool raft_log_has_place(const struct raft *p, bft_seq seq, const struct digest *digest)
{
	return seq > p->executed && seq - p->executed < 2 * p->limits.window && (p->border == 0 || seq <= p->border || digest_equal(digest, &p->null_digest));
}

bft_view raft_log_term(const struct raft *p, bft_seq seq)
{
	const struct raft_entry *e = seq <= p->last ? raft_entry_find(p, seq) : NULL;
	if (e)
		return e->term;
	return seq == p->settled ? p->settled_term : 0;
}

bool raft_log_last_known(const struct raft *p)
{
	return p->last == p->base || raft_log_term(p, p->last) > 0;
}

/* What is committed stands in every log that says so: whoever has committed as far as mine goes has all of it, whatever the terms. Where a term is not known, that alone
 * counts: such a log is no longer than what is settled. */
bool raft_log_newer_than(const struct raft *p, const struct raft_ask_vote *q)
{
	if (p->last <= q->commit)
		return false;
	if (!raft_log_last_known(p) || q->last_term == 0)
		return p->last > p->base;
	bft_view mine = raft_log_term(p, p->last);
	return mine > q->last_term || (mine == q->last_term && p->last > q->last);
}

struct raft_entry *raft_log_take(struct raft *p, bft_seq seq, bft_view term, const struct digest *digest)
{
	struct raft_entry *e = entry_place(p, seq);
	BFT_CHECK(seq == p->taken + 1);
	*e = (struct raft_entry){ .seq = seq, .term = term, .digest = *digest, .held = digest_equal(digest, &p->null_digest) };
	p->taken = seq;
	return e;
}

bool raft_log_append(struct raft *p, struct bft_effects *out)
{
	struct raft_entry *e = raft_entry_find(p, p->last + 1);
	struct raft_rec_entry *rec = effects_room(out, sizeof *rec);
	BFT_CHECK(e && e->held && p->last < p->taken);
	if (!rec)
		return false;
	*rec = (struct raft_rec_entry){ .term = e->term, .seq = e->seq, .digest = e->digest };
	e->lsn = raft_persist(p, out, RAFT_REC_ENTRY, rec, sizeof *rec, &e->digest);
	p->last = e->seq;
	return true;
}

bool raft_log_names(const struct raft *p, const struct digest *digest)
{
	for (uint32_t i = 0; i < 2 * p->limits.window; i++) {
		const struct raft_entry *e = entry_place(p, i);
		if (e->seq && digest_equal(&e->digest, digest))
			return true;
	}
	for (uint32_t i = 0; i < p->catch_count; i++)
		if (digest_equal(&p->catch_digest[i], digest))
			return true;
	return false;
}

static bool named_above(const struct raft *p, bft_seq seq, const struct digest *digest)
{
	for (bft_seq above = seq + 1; above <= p->taken; above++) {
		const struct raft_entry *e = raft_entry_find(p, above);
		if (e && digest_equal(&e->digest, digest))
			return true;
	}
	return false;
}

void raft_log_stop_seeking(struct raft *p, struct bft_effects *out)
{
	for (uint32_t i = 0; i < 2 * p->limits.window; i++) {
		struct raft_entry *e = entry_place(p, i);
		if (!e->sought || e->seq > p->executed)
			continue;
		e->sought = false;
		if (!named_above(p, p->executed, &e->digest))
			effects_add(out, BFT_FX_FORGET)->digest = e->digest;
	}
}

static void drop_entry(struct raft *p, bft_seq seq, struct bft_effects *out)
{
	struct raft_entry *e = raft_entry_find(p, seq);
	if (!e)
		return;
	struct digest digest = e->digest;
	memset(e, 0, sizeof *e);
	if (!raft_log_names(p, &digest))
		effects_add(out, BFT_FX_FORGET)->digest = digest;
}

void raft_log_cut(struct raft *p, bft_seq seq, struct bft_effects *out)
{
	BFT_CHECK(seq > p->commit);
	struct raft_rec_cut *rec = seq <= p->last ? effects_room(out, sizeof *rec) : NULL;
	if (rec) {
		rec->seq = seq;
		raft_persist(p, out, RAFT_REC_CUT, rec, sizeof *rec, NULL);
	}
	for (bft_seq gone = seq; gone <= p->taken; gone++)
		drop_entry(p, gone, out);
	p->taken = seq - 1;
	p->last = p->last < p->taken ? p->last : p->taken;
	p->matched = p->matched < p->taken ? p->matched : p->taken;
}

/* Written over in its place, not cut: the entry of before may be committed, and with another term it is still the same proposal. */
void raft_log_renew(struct raft *p, bft_seq seq, bft_view term, struct bft_effects *out)
{
	struct raft_entry *e = raft_entry_find(p, seq);
	BFT_CHECK(e && e->lsn && e->held && seq <= p->last && term > e->term);
	if (p->taken > seq)
		raft_log_cut(p, seq + 1, out);
	struct raft_rec_entry *rec = effects_room(out, sizeof *rec);
	BFT_CHECK(rec); /* once in a message, or a term */
	*rec = (struct raft_rec_entry){ .term = term, .seq = seq, .digest = e->digest };
	e->term = term;
	e->lsn = raft_persist(p, out, RAFT_REC_ENTRY, rec, sizeof *rec, &e->digest);
}

void raft_log_settle(struct raft *p, bft_seq seq)
{
	if (p->last >= seq)
		return;
	/* What was taken and is not recorded is not mine: it comes by the chain, or with a state. */
	for (bft_seq gone = p->last + 1; gone <= seq; gone++) {
		struct raft_entry *e = raft_entry_find(p, gone);
		if (e)
			memset(e, 0, sizeof *e);
	}
	if (p->taken < seq)
		p->taken = seq;
	p->last = p->settled = seq;
	p->settled_term = 0;
}

/* Its records stay in the log: the next TERM record says that the order is settled up to `seq` and that no entry of mine is known to be its (records.h). */
void raft_log_pass(struct raft *p, bft_seq known, bft_seq seq, struct bft_effects *out)
{
	for (bft_seq gone = known + 1; gone <= seq; gone++)
		drop_entry(p, gone, out);
	if (p->settled >= seq)
		return;
	raft_log_settle(p, seq);
	p->settled = seq;
	p->settled_term = 0;
	raft_stand_record(p, out);
}

bft_lsn raft_log_lsn(const struct raft *p, bft_seq seq)
{
	const struct raft_entry *e = raft_entry_find(p, seq);
	return e ? e->lsn : p->stable_lsn;
}

bft_seq raft_log_durable(const struct raft *p)
{
	bft_seq seq = p->last;
	while (seq && raft_log_lsn(p, seq) > p->durable)
		seq--;
	return seq;
}

bft_lsn raft_stand_record(struct raft *p, struct bft_effects *out)
{
	struct raft_rec_term *rec = effects_room(out, sizeof *rec);
	BFT_CHECK(rec); /* a few in a step, and no peer chooses how many */
	*rec = (struct raft_rec_term){ .term = p->term, .voted = p->voted, .seq = p->settled, .seq_term = p->settled_term };
	return raft_persist(p, out, RAFT_REC_TERM, rec, sizeof *rec, NULL);
}
