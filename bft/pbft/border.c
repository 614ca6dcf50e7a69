/* The border between two epochs (design section 7): nothing above it exists in this epoch, and nothing but its certificate crosses. */
#include "bft/pbft/pbft.h"

/* One is pending at a time. Behind the base lies what an earlier epoch has settled: it comes again when the log is executed again. */
void on_epoch(struct pbft *p, const struct bft_event *e)
{
	p->overtaken |= e->ok;
	if (e->seq <= p->base || p->border)
		return;
	BFT_CHECK(e->seq % p->limits.checkpoint_every == 0 && e->seq >= p->executed);
	p->border = e->seq;
	p->next_members = e->members ? e->members : p->members;
	p->next_mode = e->mode ? e->mode : BFT_MODE_BFT;
	p->border_ms = p->mono_ms;
	/* A leader that was behind may have proposed beyond it: who knows of the border took no notice. */
	if (p->next_seq > p->border + 1)
		p->next_seq = p->border + 1;
}

static bft_lsn border_record(struct pbft *p, struct bft_effects *out, const struct bft_rec_view *where)
{
	struct bft_rec_view *rec = effects_room(out, sizeof *rec);
	if (!rec)
		return 0;
	*rec = *where;
	return pbft_persist(p, out, PBFT_REC_VIEW, rec, sizeof *rec, NULL);
}

void border_stand(struct pbft *p, struct bft_effects *out)
{
	const struct bft_rec_view here = { .view = p->view,
		                           .entered = BFT_VIEW_ENTERED,
		                           .epoch = p->epoch,
		                           .base = p->base,
		                           .chain = p->base_chain,
		                           .mode = BFT_MODE_BFT,
		                           .members = p->members };
	bft_lsn lsn = border_record(p, out, &here);
	p->view_lsn = lsn ? lsn : p->view_lsn;
}

static void leave(struct pbft *p, struct bft_effects *out, const struct bft_rec_view *next)
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

/* The next epoch begins where I hold the border durably, and when its checkpoint is stable: who left earlier would leave the others a CHECKPOINT short. That f+1
 * members have gone on shows that one honest replica saw it stable. */
void border_try(struct pbft *p, struct bft_effects *out)
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
void on_jump(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	const struct bft_rec_view next = { .entered = BFT_VIEW_BEGINS,
		                           .epoch = e->epoch,
		                           .base = e->seq,
		                           .chain = e->digest,
		                           .mode = e->mode ? e->mode : BFT_MODE_BFT,
		                           .members = e->members ? e->members : p->members };
	if (p->started && e->epoch > p->epoch && e->seq > p->base)
		leave(p, out, &next);
}
