/* Facts that hold after every step, whatever peers sent. They are ours: one that fails is a bug, never a lie. */
#include "bft/pbft/pbft.h"

static void slot_invariants(const struct pbft *p, const struct pbft_slot *s)
{
	BFT_CHECK(s->seq <= p->low + p->limits.window);
	BFT_CHECK(!s->prepared || s->voted);
	BFT_CHECK(!s->voted || s->own_prepare_set);
	BFT_CHECK(!s->committed || s->has_digest);
	BFT_CHECK(!s->held || s->has_digest);
	/* A COMMIT of mine is for what I prepared, or the log said so before this start. */
	BFT_CHECK(!s->prepared || digest_equal(&s->own_commit, &s->own_prepare));
}

void pbft_invariants(const struct bft_core *core)
{
	const struct pbft *p = (const struct pbft *)core;
	BFT_CHECK(p->executed <= p->dispatched);
	BFT_CHECK(p->dispatched - p->executed <= p->limits.executing_max);
	BFT_CHECK(p->low % p->limits.checkpoint_every == 0);
	BFT_CHECK(p->requests_waiting <= p->requests_count && p->requests_count <= p->limits.requests_max);
	BFT_CHECK(p->border == 0 || p->next_seq <= p->border + 1);
	for (bft_seq seq = p->low + 1; seq <= p->low + p->limits.window; seq++) {
		const struct pbft_slot *s = slot_find(p, seq);
		if (s)
			slot_invariants(p, s);
	}
}
