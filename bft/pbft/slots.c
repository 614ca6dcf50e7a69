/* The window of sequences in flight: low < seq <= low + W. The ring holds 2W so that what is decided at or below `low` and waits for execution stays. */
#include "bft/pbft/pbft.h"

#include <string.h>

static struct pbft_slot *slot_place(const struct pbft *p, bft_seq seq)
{
	struct pbft_slot *slots = (struct pbft_slot *)((uintptr_t)p + p->slots_at);
	return &slots[seq % (2 * p->limits.window)];
}

/* No sum with a peer's number; `low` is ours. */
bool pbft_in_window(const struct pbft *p, bft_seq seq)
{
	return seq > p->low && seq - p->low <= p->limits.window && (p->border == 0 || seq <= p->border);
}

struct pbft_slot *slot_find(const struct pbft *p, bft_seq seq)
{
	struct pbft_slot *s = slot_place(p, seq);
	return seq && s->seq == seq ? s : NULL;
}

struct pbft_vote *slot_vote(const struct pbft *p, const struct pbft_slot *s, bool commit, uint32_t member)
{
	struct pbft_vote *votes = (struct pbft_vote *)((uintptr_t)p + p->votes_at);
	size_t place = s->seq % (2 * p->limits.window);
	return &votes[(place * 2 + (commit ? 1 : 0)) * p->n + member];
}

/* The messages behind them go with STABLE. */
static void clear_votes(const struct pbft *p, const struct pbft_slot *s)
{
	memset(slot_vote(p, s, false, 0), 0, 2 * p->n * sizeof(struct pbft_vote));
}

/* Two sequences can be about one digest (a leader may propose a thing twice), and catching up may want it too: only the last one forgets the body. */
static void forget(const struct pbft *p, struct pbft_slot *s, struct bft_effects *out)
{
	if (!s->has_digest)
		return;
	s->has_digest = false;
	/* Handed over and not executed yet: execution may stand at a snapshot while the window goes far ahead. */
	if (s->committed && s->seq > p->executed && s->seq <= p->dispatched)
		return;
	for (uint32_t i = 0; i < p->catch_count; i++)
		if (digest_equal(&p->catch_digest[i], &s->digest))
			return;
	if (!slots_name(p, &s->digest))
		effects_add(out, BFT_FX_FORGET)->digest = s->digest;
}

bool slots_name(const struct pbft *p, const struct digest *d)
{
	for (uint32_t i = 0; i < 2 * p->limits.window; i++) {
		const struct pbft_slot *s = slot_place(p, i);
		if (s->seq && s->has_digest && digest_equal(&s->digest, d))
			return true;
	}
	return false;
}

/* The slot for `seq`, emptied of the older sequence that had its place. Requires: `seq` in the window. */
struct pbft_slot *slot_open(struct pbft *p, bft_seq seq, struct bft_effects *out)
{
	BFT_CHECK(pbft_in_window(p, seq));
	struct pbft_slot *s = slot_place(p, seq);
	if (s->seq == seq)
		return s;
	BFT_CHECK(s->seq < seq);
	forget(p, s, out);
	memset(s, 0, sizeof *s);
	s->seq = seq;
	clear_votes(p, s);
	return s;
}

/* During recovery: no effects, for there is nothing yet that could be forgotten; and no window, for a log that was cut may begin below its first STABLE.
 * No record of mine is above the last one's window, and the ring holds two windows, so a higher sequence in the same place is never the one that matters
 * less. */
struct pbft_slot *slot_recover(struct pbft *p, bft_seq seq)
{
	struct pbft_slot *s = slot_place(p, seq);
	if (seq <= p->low || s->seq > seq)
		return NULL;
	if (s->seq < seq) {
		memset(s, 0, sizeof *s);
		s->seq = seq;
	}
	return s;
}

/* Another digest is now what this slot is about; the body of the former one is not needed any more. */
void slot_set_digest(struct pbft_slot *s, const struct digest *d, const struct pbft *p, struct bft_effects *out)
{
	if (s->has_digest && digest_equal(&s->digest, d))
		return;
	forget(p, s, out);
	s->digest = *d;
	s->has_digest = true;
	s->fetching = false;
	s->invalid = false;
	s->asked = 0;
	s->time_ms = 0;
	s->requests = 0;
	/* The null proposal is a constant that everyone holds. */
	s->held = digest_equal(d, &p->null_digest);
}

/* Votes count per (view, seq, digest) and signer: a set of members, so nobody counts twice. */
bft_mask slot_voters(const struct pbft *p, const struct pbft_slot *s, bool commit, bft_view view, const struct digest *d)
{
	bft_mask voters = 0;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct pbft_vote *v = slot_vote(p, s, commit, i);
		if (v->set && v->view == view && digest_equal(&v->digest, d))
			voters |= BFT_BIT(i);
	}
	return voters;
}

/* What belongs to a view ends with it. Votes stay: each carries its own view. */
void slots_enter_view(struct pbft *p)
{
	for (uint32_t i = 0; i < 2 * p->limits.window; i++) {
		struct pbft_slot *s = slot_place(p, i);
		s->contradicted = s->required = s->proposed = s->voted = s->prepared = false;
	}
}

/* Everything at or below the stable checkpoint: votes go; a decided proposal stays until it has been executed. */
void slots_stable(struct pbft *p, bft_seq low, struct bft_effects *out)
{
	for (uint32_t i = 0; i < 2 * p->limits.window; i++) {
		struct pbft_slot *s = slot_place(p, i);
		if (s->seq == 0 || s->seq > low)
			continue;
		clear_votes(p, s);
		if (s->seq > p->executed && s->committed)
			continue;
		forget(p, s, out);
		memset(s, 0, sizeof *s);
	}
}
