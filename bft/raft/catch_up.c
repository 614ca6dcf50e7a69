/* Catching up by proved proposals: a peer's log answers "what came after seq", up to the next checkpoint whose certificate it kept. The chain digest
 * covers every proposal and result between, so the certificate proves the whole list (design section 6). */
#include "bft/raft/raft.h"

#include "bft/proposal.h"

static bool useful(const struct raft *p, uint32_t i)
{
	return i != p->self && p->peer[i].low > p->executed;
}

/* One question at a time, to the next member who claims to be ahead. */
void raft_chain_ask(struct raft *p, struct bft_effects *out)
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
		raft_send(out, RAFT_FETCH_CHAIN, m, sizeof *m, BFT_BIT(i), 0);
		return;
	}
}

/* Its log no longer reaches back, and nobody lies: the state is fetched. */
static enum bft_verdict too_old(struct raft *p, const struct bft_vmsg *m, const struct bft_chain *c, struct bft_effects *out)
{
	p->chain_ms = p->mono_ms;
	struct bft_effect *e = effects_add(out, BFT_FX_TRANSFER);
	e->seq = c->end;
	e->from = m->from;
	return BFT_ACCEPT;
}

static bool fold_matches(const struct raft *p, const struct bft_chain *c)
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
void raft_chain_tick(struct raft *p, struct bft_effects *out)
{
	if (p->catch_count && p->dispatched == p->executed && p->mono_ms >= p->catch_ms + RAFT_CATCH_MS)
		raft_chain_give_up(p, out);
}

void raft_chain_give_up(struct raft *p, struct bft_effects *out)
{
	for (uint32_t i = 0; i < p->catch_count; i++)
		if (!p->catch_held[i] && !raft_log_names(p, &p->catch_digest[i]))
			effects_add(out, BFT_FX_FORGET)->digest = p->catch_digest[i];
	p->catch_count = 0;
}

bool raft_chain_wanted(const struct raft *p, const struct bft_chain *c)
{
	return !p->catch_count && p->dispatched == p->executed && c->from == p->executed + 1;
}

/* An entry of mine for one of these sequences that says something else was never committed, nor was what follows it in my log: the rest stays, I may have acknowledged
 * it (5.3). */
static void cut_where_they_part(struct raft *p, const struct bft_chain *c, struct bft_effects *out)
{
	for (uint16_t i = 0; i < c->count; i++) {
		const struct raft_entry *e = c->from + i <= p->taken ? raft_entry_find(p, c->from + i) : NULL;
		if (e && e->seq > p->commit && !digest_equal(&e->digest, &c->entry[i].proposal)) {
			raft_log_cut(p, e->seq, out);
			return;
		}
	}
}

/* Where my log goes on must be in it before what follows: else it has a hole when I come back before all of this is executed. */
static void settle(struct raft *p, bft_seq seq, struct bft_effects *out)
{
	bft_seq was = p->settled;
	raft_log_settle(p, seq);
	if (p->settled > was)
		raft_stand_record(p, out);
}

enum bft_verdict raft_on_chain(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct bft_chain *c = m->body;
	if (!raft_chain_wanted(p, c))
		return BFT_IGNORE;
	if (c->count == 0)
		return too_old(p, m, c, out);
	if (c->count > p->limits.window || c->end % p->limits.checkpoint_every != 0)
		return BFT_REJECT;
	if (!fold_matches(p, c)) {
		raft_blame(out, m, RAFT_WHY_CHAIN_MISMATCH);
		return BFT_REJECT;
	}
	struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
	if (!cert)
		return BFT_IGNORE;
	cut_where_they_part(p, c, out);
	p->catch_from = c->from;
	p->catch_count = c->count;
	p->catch_ms = p->mono_ms;
	for (uint16_t i = 0; i < c->count; i++) {
		p->catch_digest[i] = c->entry[i].proposal;
		p->catch_held[i] = digest_equal(&c->entry[i].proposal, &p->null_digest);
		struct bft_effect *e = effects_add(out, BFT_FX_FETCH);
		e->digest = c->entry[i].proposal;
		e->seq = c->from + i;
		e->to = raft_others(p);
	}
	*cert = (struct bft_certificate_refs){ .seq = c->end, .digest = c->chain, .whole = m->wire };
	settle(p, c->end, out);
	raft_commit_to(p, c->end, out);
	raft_stable_adopt(p, cert, out);
	raft_execute_dispatch(p, out);
	return BFT_ACCEPT;
}

/* What was installed is certified. Of my log stays what is above it. */
void raft_on_installed(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	if (e->seq <= p->executed)
		return;
	p->executed = p->dispatched = e->seq;
	p->chain = e->digest;
	raft_chain_give_up(p, out);
	raft_log_stop_seeking(p, out);
	raft_log_pass(p, p->commit, e->seq, out);
	raft_commit_to(p, e->seq, out);
	struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
	if (cert && e->seq > p->low) {
		*cert = (struct bft_certificate_refs){ .seq = e->seq, .digest = e->digest, .whole = e->ref };
		raft_stable_adopt(p, cert, out);
	}
	raft_append_taken(p, out);
}
