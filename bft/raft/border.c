/* The border between two epochs (design section 7): nothing above it exists in this epoch, and nothing but its certificate crosses. */
#include "bft/raft/raft.h"

/* One is pending at a time. Behind the base lies what an earlier epoch has settled: it comes again when the log is executed again. */
void raft_on_epoch(struct raft *p, const struct bft_event *e)
{
	p->overtaken |= e->ok;
	if (e->seq <= p->base || p->border)
		return;
	BFT_CHECK(e->seq % p->limits.checkpoint_every == 0 && e->seq >= p->executed);
	p->border = e->seq;
	p->next_members = e->members ? e->members : p->members;
	p->next_mode = e->mode ? e->mode : BFT_MODE_TRUSTED;
	p->border_signers = e->signers;
}

static bft_lsn border_record(struct raft *p, struct bft_effects *out, const struct bft_rec_view *where)
{
	struct bft_rec_view *rec = effects_room(out, sizeof *rec);
	if (!rec)
		return 0;
	*rec = *where;
	return raft_persist(p, out, RAFT_REC_VIEW, rec, sizeof *rec, NULL);
}

/* Which epoch this log is of, when its beginning has been cut away. */
bft_lsn raft_border_stand(struct raft *p, struct bft_effects *out)
{
	const struct bft_rec_view here = { .view = 0,
		                           .entered = BFT_VIEW_ENTERED,
		                           .epoch = p->epoch,
		                           .base = p->base,
		                           .chain = p->base_chain,
		                           .mode = BFT_MODE_TRUSTED,
		                           .members = p->members };
	return border_record(p, out, &here);
}

static void leave(struct raft *p, struct bft_effects *out, const struct bft_rec_view *next)
{
	bft_lsn lsn = border_record(p, out, next);
	if (!lsn)
		return;
	p->closed = true;
	struct bft_effect *e = effects_add(out, BFT_FX_ACTIVATE);
	e->seq = next->base;
	e->digest = next->chain;
	e->lsn = lsn;
}

/* The next epoch begins where I hold the border durably, and when its checkpoint is stable: who left earlier would leave the others a CHECKPOINT short. That one
 * member has gone on shows that it saw it stable. */
void raft_border_try(struct raft *p, struct bft_effects *out)
{
	if (!p->border || p->closed || p->halted || !p->started || p->executed != p->border || p->snapshot_made < p->border)
		return;
	if (p->low < p->border && !p->overtaken)
		return;
	const struct bft_rec_view next = {
		.entered = BFT_VIEW_BEGINS, .epoch = p->epoch + 1, .base = p->border, .chain = p->chain, .mode = p->next_mode, .members = p->next_members
	};
	leave(p, out, &next);
}

/* Whose log no longer reaches the border goes on from a state of the later epoch. */
void raft_on_jump(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	const struct bft_rec_view next = { .entered = BFT_VIEW_BEGINS,
		                           .epoch = e->epoch,
		                           .base = e->seq,
		                           .chain = e->digest,
		                           .mode = e->mode ? e->mode : BFT_MODE_TRUSTED,
		                           .members = e->members ? e->members : p->members };
	if (p->started && e->epoch > p->epoch && e->seq > p->base)
		leave(p, out, &next);
}
