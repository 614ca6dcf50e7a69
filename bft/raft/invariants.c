/* Facts that hold after every step, whatever peers sent. They are ours: one that fails is a bug. */
#include "bft/raft/raft.h"

static void log_invariants(const struct raft *p)
{
	bft_view term = 0;
	for (bft_seq seq = p->commit + 1; seq <= p->taken; seq++) {
		const struct raft_entry *e = raft_entry_find(p, seq);
		if (!e) {
			BFT_CHECK(seq <= p->settled);
			continue;
		}
		BFT_CHECK(e->term >= term && e->term <= p->term);
		BFT_CHECK(seq > p->last || e->held);
		term = e->term;
	}
}

void raft_invariants(const struct bft_core *core)
{
	const struct raft *p = (const struct raft *)core;
	if (!p->started)
		return;
	BFT_CHECK(p->executed <= p->dispatched && p->dispatched - p->executed <= p->limits.executing_max);
	BFT_CHECK(p->last <= p->taken && p->commit <= p->taken && p->matched <= p->taken);
	BFT_CHECK(p->executed <= p->commit && p->settled <= p->last);
	BFT_CHECK(p->low % p->limits.checkpoint_every == 0);
	BFT_CHECK(p->requests_waiting <= p->requests_count && p->requests_count <= p->limits.requests_max);
	/* Who leads has voted for itself, and the vote is on its disk. */
	BFT_CHECK(p->role != RAFT_LEADER || (p->voted == p->self + 1 && p->durable >= p->term_lsn && p->leader == p->self && !p->learner));
	log_invariants(p);
}
