/* CHECKPOINT: every K sequences the chain digest; a majority of them is stable, and the window moves. SNAPSHOT: the state root, when it is durable. They are signed as in
 * every protocol: who was away, a next epoch in another mode, and an auditor ask for nothing else. */
#include "bft/raft/raft.h"

#include <string.h>

static uint32_t ring(const struct raft *p)
{
	return 2 * p->limits.window / p->limits.checkpoint_every + 1;
}

/* Entries that open terms may stand beyond the window, and are executed: so may the CHECKPOINTs of what is. Twice the window, as the log and execution. */
bool raft_checkpoint_in_reach(const struct raft *p, bft_seq seq)
{
	return seq > p->low && seq - p->low <= 2 * p->limits.window && (p->border == 0 || seq <= p->border);
}

struct raft_statement *raft_checkpoint_vote(const struct raft *p, bft_seq seq, uint32_t member)
{
	struct raft_statement *votes = (struct raft_statement *)((uintptr_t)p + p->checkpoints_at);
	return &votes[(seq / p->limits.checkpoint_every) % ring(p) * p->n + member];
}

/* What I signed for `seq`. */
struct raft_statement *raft_checkpoint_own(const struct raft *p, bft_seq seq)
{
	struct raft_statement *own = (struct raft_statement *)((uintptr_t)p + p->own_at);
	return &own[(seq / p->limits.checkpoint_every) % ring(p)];
}

bft_mask raft_checkpoint_voters(const struct raft *p, bft_seq seq)
{
	bft_mask voters = 0;
	for (uint32_t i = 0; i < p->n; i++)
		if (raft_checkpoint_vote(p, seq, i)->seq == seq)
			voters |= BFT_BIT(i);
	return voters;
}

static struct raft_statement *checkpoint_seen(const struct raft *p, bft_seq seq)
{
	struct raft_statement *seen = (struct raft_statement *)((uintptr_t)p + p->seen_at);
	return &seen[(seq / p->limits.checkpoint_every) % ring(p)];
}

void raft_checkpoint_note(struct raft *p, bft_seq seq, const struct digest *chain)
{
	struct raft_statement *seen = checkpoint_seen(p, seq);
	if (seq % p->limits.checkpoint_every == 0 && seen->seq <= seq)
		*seen = (struct raft_statement){ .seq = seq, .chain = *chain };
}

/* Persist, then sign. Executed again, as by one whose state was gone, it is said again: what I signed before may have reached nobody. */
void raft_checkpoint_send(struct raft *p, bft_seq seq, struct bft_effects *out)
{
	const struct raft_statement *seen = checkpoint_seen(p, seq);
	struct raft_statement *own = raft_checkpoint_own(p, seq);
	if (seen->seq != seq)
		return;
	if (own->seq == seq && !digest_equal(&own->chain, &seen->chain)) {
		raft_halt(p, out, RAFT_WHY_OWN_CHAIN, seq); /* executed again, with another result than I signed */
		return;
	}
	if (own->seq > seq || !raft_votes(p))
		return;
	struct bft_checkpoint *m = effects_room(out, sizeof *m);
	if (!m)
		return;
	bool again = own->seq == seq;
	*own = *seen;
	*m = (struct bft_checkpoint){ .seq = seq, .chain = seen->chain };
	bft_lsn lsn = again ? 0 : raft_persist(p, out, RAFT_REC_CHECKPOINT, m, sizeof *m, NULL);
	raft_send(out, RAFT_CHECKPOINT, m, sizeof *m, p->members, lsn);
}

static void hold(struct bft_effects *out, bft_ref wire, bft_seq seq)
{
	struct bft_effect *e = effects_add(out, BFT_FX_HOLD);
	e->ref = wire;
	e->seq = seq;
}

/* A certificate for `cert->seq` is at hand: the window moves with the rest, executed or not. My log goes on from there, in whatever term that is. */
void raft_stable_adopt(struct raft *p, const struct bft_certificate_refs *cert, struct bft_effects *out)
{
	if (cert->seq <= p->low)
		return;
	const struct raft_statement *own = raft_checkpoint_own(p, cert->seq);
	if (cert->seq <= p->last && cert->seq <= p->commit && raft_entry_find(p, cert->seq)) {
		p->settled = cert->seq;
		p->settled_term = raft_log_term(p, cert->seq);
	}
	raft_stand_record(p, out);
	p->stable_lsn = raft_persist(p, out, RAFT_REC_STABLE, cert, sizeof *cert, NULL);
	p->low = cert->seq;
	p->low_chain = cert->digest;
	for (uint32_t k = 0; k < ring(p); k++)
		for (uint32_t i = 0; i < p->n; i++) {
			struct raft_statement *v = raft_checkpoint_vote(p, (bft_seq)k * p->limits.checkpoint_every, i);
			if (v->seq && v->seq <= p->low)
				memset(v, 0, sizeof *v);
		}
	effects_add(out, BFT_FX_STABLE)->seq = p->low;
	bool mine = own->seq == p->low;
	if ((mine && !digest_equal(&own->chain, &p->low_chain)) || (p->executed == p->low && !digest_equal(&p->chain, &p->low_chain)))
		raft_halt(p, out, RAFT_WHY_OWN_CHAIN, p->low);
}

static bool gather_equal(const struct raft *p, bft_seq seq, const struct digest *chain, struct bft_certificate_refs *cert)
{
	memset(cert, 0, sizeof *cert);
	cert->seq = seq;
	cert->digest = *chain;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct raft_statement *v = raft_checkpoint_vote(p, seq, i);
		if (v->seq != seq || !digest_equal(&v->chain, chain))
			continue;
		cert->signers |= BFT_BIT(i);
		cert->wire[i] = v->wire;
	}
	/* A mode with larger quorums begins among as many as hold the border durably (design section 7). */
	uint32_t need = seq == p->border && p->border_signers > p->majority ? p->border_signers : p->majority;
	return mask_count(cert->signers) >= need;
}

enum bft_verdict raft_on_checkpoint(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct bft_checkpoint *c = m->body;
	if (m->auth < BFT_AUTH_SIGNED || c->seq == 0 || c->seq % p->limits.checkpoint_every != 0)
		return BFT_REJECT;
	if (!raft_checkpoint_in_reach(p, c->seq))
		return BFT_IGNORE;
	struct raft_statement *v = raft_checkpoint_vote(p, c->seq, m->from);
	if (v->seq == c->seq)
		return BFT_IGNORE; /* another chain in it is a bad memory's, and halts its owner */
	hold(out, m->wire, c->seq);
	*v = (struct raft_statement){ .seq = c->seq, .chain = c->chain, .wire = m->wire };
	struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
	if (cert && gather_equal(p, c->seq, &c->chain, cert)) {
		raft_stable_adopt(p, cert, out);
		raft_execute_dispatch(p, out);
		raft_propose_try(p, out);
	}
	return BFT_ACCEPT;
}

/* Who missed a CHECKPOINT is shown the certificate. */
enum bft_verdict raft_on_stable(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct bft_checkpoint *c = m->body;
	if (c->seq == 0 || c->seq % p->limits.checkpoint_every != 0)
		return BFT_REJECT;
	/* Who is in the next epoch says in no other way that it can be asked for what comes before. */
	if (p->peer[m->from].low < c->seq)
		p->peer[m->from].low = c->seq;
	if (c->seq <= p->low)
		return BFT_IGNORE;
	struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
	if (!cert)
		return BFT_IGNORE;
	*cert = (struct bft_certificate_refs){ .seq = c->seq, .digest = c->chain, .whole = m->wire };
	raft_stable_adopt(p, cert, out);
	raft_execute_dispatch(p, out);
	raft_propose_try(p, out);
	return BFT_ACCEPT;
}

/* ---- snapshots ---- */

void raft_on_snapshot(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	p->own_snapshot = (struct raft_statement){ .seq = e->seq, .chain = e->digest, .root = e->root };
	p->snapshot_made = e->seq;
	raft_snapshot_sign(p, out);
}

/* What was made before I may sign (after a start, until the others have told what I signed) waits. */
void raft_snapshot_sign(struct raft *p, struct bft_effects *out)
{
	const struct raft_statement *own = &p->own_snapshot, *said = &p->signed_snapshot;
	if (!raft_votes(p) || !own->seq || own->seq < said->seq || own->seq == p->border)
		return; /* the border's is the next epoch's */
	if (own->seq == said->seq) {
		/* Made again, as after a restart. */
		if (!digest_equal(&own->chain, &said->chain) || !digest_equal(&own->root, &said->root))
			raft_halt(p, out, RAFT_WHY_OWN_CHAIN, own->seq);
		p->own_snapshot.seq = 0;
		return;
	}
	struct bft_snapshot *m = effects_room(out, sizeof *m);
	if (!m)
		return;
	p->signed_snapshot = *own;
	*m = (struct bft_snapshot){ .seq = own->seq, .chain = own->chain, .root = own->root };
	p->own_snapshot.seq = 0;
	bft_lsn lsn = raft_persist(p, out, RAFT_REC_SNAPSHOT, m, sizeof *m, NULL);
	raft_send(out, RAFT_SNAPSHOT, m, sizeof *m, p->members, lsn);
}

/* Proposals stay in the log from the older of the two newest certified snapshots (design section 6); where I stand is said again, so that no old record holds it back. */
static void certified(struct raft *p, const struct bft_certificate_refs *cert, struct bft_effects *out)
{
	p->certified[1] = p->certified[0];
	p->certified[0] = cert->seq;
	p->certified_lsn = raft_persist(p, out, RAFT_REC_CERTIFIED, cert, sizeof *cert, NULL);
	/* The term of what is settled must be above the cut as well. */
	if (p->certified[1] == 0 || p->settled < p->certified[1])
		return;
	bft_lsn view = raft_border_stand(p, out), term = raft_stand_record(p, out);
	struct bft_effect *e = effects_add(out, BFT_FX_TRUNCATE);
	e->seq = p->certified[1];
	e->lsn = term > view ? term : view;
	e->below = p->certified_lsn < p->stable_lsn || p->stable_lsn == 0 ? p->certified_lsn : p->stable_lsn;
}

enum bft_verdict raft_on_snapshot_vote(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct bft_snapshot *s = m->body;
	if (m->auth < BFT_AUTH_SIGNED || s->seq == 0 || s->seq % p->limits.checkpoint_every != 0)
		return BFT_REJECT;
	struct raft_statement *v = &p->snapshot[m->from];
	if (v->seq == s->seq && v->seq) {
		return BFT_IGNORE;
	}
	if (s->seq < v->seq)
		return BFT_IGNORE;
	if (v->wire) {
		struct bft_effect *e = effects_add(out, BFT_FX_RELEASE);
		e->ref = v->wire;
		e->seq = UINT64_MAX;
	}
	hold(out, m->wire, UINT64_MAX);
	*v = (struct raft_statement){ .seq = s->seq, .chain = s->chain, .root = s->root, .wire = m->wire };
	struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
	if (!cert || s->seq <= p->certified[0])
		return BFT_ACCEPT;
	*cert = (struct bft_certificate_refs){ .seq = s->seq, .digest = s->chain, .root = s->root };
	for (uint32_t i = 0; i < p->n; i++) {
		const struct raft_statement *w = &p->snapshot[i];
		/* My own of an earlier life counts once it has come back signed. */
		if (w->wire && w->seq == s->seq && digest_equal(&w->chain, &s->chain) && digest_equal(&w->root, &s->root)) {
			cert->signers |= BFT_BIT(i);
			cert->wire[i] = w->wire;
		}
	}
	/* Nobody lies: one word is enough of what a state is, and that a majority executed it, its checkpoint says. */
	certified(p, cert, out);
	return BFT_ACCEPT;
}

/* What I said before this start and nobody may have received; and what I executed and have not said yet. */
void raft_checkpoints_again(struct raft *p, struct bft_effects *out)
{
	bft_seq every = p->limits.checkpoint_every;
	for (bft_seq seq = p->low + every; seq <= p->executed; seq += every) {
		const struct raft_statement *own = raft_checkpoint_own(p, seq);
		if (own->seq != seq) {
			raft_checkpoint_send(p, seq, out);
			continue;
		}
		struct bft_checkpoint *m = effects_room(out, sizeof *m);
		if (!m)
			return;
		*m = (struct bft_checkpoint){ .seq = seq, .chain = own->chain };
		raft_send(out, RAFT_CHECKPOINT, m, sizeof *m, p->members, 0);
	}
	struct bft_snapshot *m = p->signed_snapshot.seq ? effects_room(out, sizeof *m) : NULL;
	if (!m)
		return;
	*m = (struct bft_snapshot){ .seq = p->signed_snapshot.seq, .chain = p->signed_snapshot.chain, .root = p->signed_snapshot.root };
	raft_send(out, RAFT_SNAPSHOT, m, sizeof *m, p->members, 0);
}
