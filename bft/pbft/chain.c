/* Catching up by proved proposals: a peer's log answers "what came after seq", up to the next checkpoint whose certificate it kept. The chain digest
 * covers every proposal and result between, so the certificate proves the whole list (design section 6). */
#include "bft/pbft/pbft.h"

#include "bft/proposal.h"

static bool useful(const struct pbft *p, uint32_t i)
{
	return i != p->self && p->peer[i].low > p->executed;
}

/* One question at a time, to the next member who claims to be ahead. */
void chain_ask(struct pbft *p, struct bft_effects *out)
{
	if (!p->started || p->halted || p->catch_count || p->dispatched != p->executed)
		return;
	for (uint32_t k = 1; k <= p->n; k++) {
		uint32_t i = (p->catch_next + k) % p->n;
		if (!useful(p, i))
			continue;
		struct bft_fetch_chain *m = effects_room(out, sizeof *m);
		if (!m)
			return;
		m->from = p->executed + 1;
		p->catch_next = (uint8_t)i;
		p->chain_ms = p->mono_ms;
		pbft_send(p, out, PBFT_FETCH_CHAIN, m, sizeof *m, BFT_BIT(i), 0);
		return;
	}
}

static void forget_too_old(struct pbft *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		p->peer[i].too_old = false;
}

/* One voice is not enough: f+1 members say that their logs no longer reach back. */
static enum bft_verdict too_old(struct pbft *p, const struct bft_vmsg *m, const struct bft_chain *c, struct bft_effects *out)
{
	p->peer[m->from].too_old = true;
	uint32_t count = 0;
	for (uint32_t i = 0; i < p->n; i++)
		count += p->peer[i].too_old;
	if (count < p->weak)
		return BFT_ACCEPT;
	struct bft_effect *e = effects_add(out, BFT_FX_TRANSFER);
	e->seq = c->end;
	e->from = m->from;
	/* Asked again, and said again, until a state is installed. */
	forget_too_old(p);
	return BFT_ACCEPT;
}

static bool fold_matches(const struct pbft *p, const struct bft_chain *c)
{
	struct digest chain = p->chain;
	for (uint16_t i = 0; i < c->count; i++) {
		struct digest next;
		chain_next(&next, &chain, c->from + i, &c->entry[i].proposal, &c->entry[i].results);
		chain = next;
	}
	return digest_equal(&chain, &c->chain);
}

/* Bodies that nobody has any more: the others' logs were cut after the digests were proved. The question is asked anew, and its answer will say so. */
void chain_tick(struct pbft *p, struct bft_effects *out)
{
	if (p->catch_count && p->dispatched == p->executed && p->mono_ms >= p->catch_ms + PBFT_CATCH_MS)
		chain_give_up(p, out);
}

void chain_give_up(struct pbft *p, struct bft_effects *out)
{
	for (uint32_t i = 0; i < p->catch_count; i++)
		if (!p->catch_held[i] && !slots_name(p, &p->catch_digest[i]))
			effects_add(out, BFT_FX_FORGET)->digest = p->catch_digest[i];
	p->catch_count = 0;
}

bool chain_wanted(const struct pbft *p, const struct bft_chain *c)
{
	return !p->catch_count && p->dispatched == p->executed && c->from == p->executed + 1;
}

enum bft_verdict on_chain(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct bft_chain *c = m->body;
	if (!chain_wanted(p, c))
		return BFT_IGNORE;
	if (c->count == 0)
		return too_old(p, m, c, out);
	if (c->count > p->limits.window || c->end % p->limits.checkpoint_every != 0)
		return BFT_REJECT;
	if (!fold_matches(p, c)) {
		pbft_blame(out, m->from, BFT_REJECT, PBFT_WHY_CHAIN_MISMATCH, m->wire, 0);
		return BFT_REJECT;
	}
	struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
	if (!cert)
		return BFT_IGNORE;
	forget_too_old(p);
	p->catch_from = c->from;
	p->catch_count = c->count;
	p->catch_ms = p->mono_ms;
	for (uint16_t i = 0; i < c->count; i++) {
		p->catch_digest[i] = c->entry[i].proposal;
		p->catch_held[i] = digest_equal(&c->entry[i].proposal, &p->null_digest);
		struct bft_effect *e = effects_add(out, BFT_FX_FETCH);
		e->digest = c->entry[i].proposal;
		e->seq = c->from + i;
		e->to = pbft_others(p);
	}
	*cert = (struct bft_certificate_refs){ .seq = c->end, .digest = c->chain, .whole = m->wire };
	stable_adopt(p, cert, out);
	execute_dispatch(p, out);
	return BFT_ACCEPT;
}
