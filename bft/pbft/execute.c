/* Execution in order, agreement not. What is decided is handed over once and never withdrawn. */
#include "bft/pbft/pbft.h"

/* The digest decided for `seq`, when it is decided and its body is here. */
static const struct digest *decided(const struct pbft *p, bft_seq seq)
{
	if (p->catch_count && seq >= p->catch_from && seq - p->catch_from < p->catch_count) {
		uint32_t i = (uint32_t)(seq - p->catch_from);
		return p->catch_held[i] ? &p->catch_digest[i] : NULL;
	}
	const struct pbft_slot *s = slot_find(p, seq);
	return s && s->committed && s->held ? &s->digest : NULL;
}

void execute_dispatch(struct pbft *p, struct bft_effects *out)
{
	while (p->started && p->dispatched - p->executed < p->limits.executing_max) {
		const struct digest *d = decided(p, p->dispatched + 1);
		if (!d)
			return;
		p->dispatched++;
		struct bft_effect *e = effects_add(out, BFT_FX_EXECUTE);
		e->seq = p->dispatched;
		e->digest = *d;
	}
}

/* What I executed must be what q members certified; if it is not, my memory or my program is wrong and I must not vote on (design section 10). */
static bool chain_agrees(const struct pbft *p)
{
	return p->executed != p->low || digest_equal(&p->chain, &p->low_chain);
}

static void executed_record(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	struct bft_rec_executed *rec = effects_room(out, sizeof *rec);
	const struct digest *d = decided(p, e->seq);
	if (!rec || !d)
		return; /* the record only saves time after a restart */
	*rec = (struct bft_rec_executed){ .seq = e->seq, .proposal = *d, .chain = e->digest, .results = e->root };
	pbft_persist(p, out, PBFT_REC_EXECUTED, rec, sizeof *rec, d);
}

static void catch_up_advance(struct pbft *p)
{
	p->catch_ms = p->mono_ms;
	if (p->catch_count && p->executed + 1 >= p->catch_from + p->catch_count)
		p->catch_count = 0;
}

void on_executed(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	BFT_CHECK(e->seq == p->executed + 1 && e->seq <= p->dispatched);
	executed_record(p, e, out);
	p->executed = e->seq;
	p->chain = e->digest;
	p->progress_ms = p->mono_ms;
	catch_up_advance(p);
	if (!chain_agrees(p)) {
		pbft_halt(p, out, PBFT_WHY_OWN_CHAIN, p->executed);
		return;
	}
	requests_executed(p, e->data, e->data_count, out);
	/* Back-off shrinks with progress, never at once. */
	if (p->mode == PBFT_NORMAL && ++p->executed_in_view % 16 == 0 && p->fruitless)
		p->fruitless--;
	suspect_withdraw(p, out);
	if (p->executed % p->limits.checkpoint_every == 0) {
		checkpoint_note(p, p->executed, &p->chain);
		checkpoint_send(p, p->executed, out);
	}
	if (p->executed < p->low && !slot_find(p, p->executed + 1))
		chain_ask(p, out);
}
