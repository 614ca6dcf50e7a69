/* CHECKPOINT: every K sequences the chain digest; q of them are stable and cut the log (OSDI'99 4.3). SNAPSHOT: the state root, when it is durable; f+1 certify it. */
#include "bft/pbft/pbft.h"

#include <string.h>

static uint32_t ring(const struct pbft *p)
{
	return p->limits.window / p->limits.checkpoint_every + 1;
}

struct pbft_checkpoint_vote *checkpoint_vote(const struct pbft *p, bft_seq seq, uint32_t member)
{
	struct pbft_checkpoint_vote *votes = (struct pbft_checkpoint_vote *)((uintptr_t)p + p->checkpoints_at);
	return &votes[(seq / p->limits.checkpoint_every) % ring(p) * p->n + member];
}

/* What I signed for `seq`. */
struct pbft_checkpoint_vote *checkpoint_own(const struct pbft *p, bft_seq seq)
{
	struct pbft_checkpoint_vote *own = (struct pbft_checkpoint_vote *)((uintptr_t)p + p->own_chain_at);
	return &own[(seq / p->limits.checkpoint_every) % ring(p)];
}

bft_mask checkpoint_voters(const struct pbft *p, bft_seq seq)
{
	bft_mask voters = 0;
	for (uint32_t i = 0; i < p->n; i++)
		if (checkpoint_vote(p, seq, i)->seq == seq)
			voters |= BFT_BIT(i);
	return voters;
}

static struct pbft_checkpoint_vote *checkpoint_seen(const struct pbft *p, bft_seq seq)
{
	struct pbft_checkpoint_vote *seen = (struct pbft_checkpoint_vote *)((uintptr_t)p + p->seen_chain_at);
	return &seen[(seq / p->limits.checkpoint_every) % ring(p)];
}

void checkpoint_note(struct pbft *p, bft_seq seq, const struct digest *chain)
{
	struct pbft_checkpoint_vote *seen = checkpoint_seen(p, seq);
	if (seq % p->limits.checkpoint_every == 0 && seen->seq <= seq)
		*seen = (struct pbft_checkpoint_vote){ .seq = seq, .chain = *chain };
}

/* Persist, then sign. Executed again, as by one whose state was gone, it is said again: what I signed before may have reached nobody, and where all are needed mine
 * is. What was executed before I may sign is signed when I may: with a liar among q, mine is needed. */
void checkpoint_send(struct pbft *p, bft_seq seq, struct bft_effects *out)
{
	const struct pbft_checkpoint_vote *seen = checkpoint_seen(p, seq);
	struct pbft_checkpoint_vote *own = checkpoint_own(p, seq);
	if (seen->seq != seq)
		return;
	if (own->seq == seq && !digest_equal(&own->chain, &seen->chain)) {
		pbft_halt(p, out, PBFT_WHY_OWN_CHAIN, seq); /* executed again, with another result than I signed */
		return;
	}
	if (own->seq > seq || !pbft_may_sign(p))
		return;
	struct bft_checkpoint *m = effects_room(out, sizeof *m);
	if (!m)
		return;
	bool again = own->seq == seq;
	*own = *seen;
	*m = (struct bft_checkpoint){ .seq = seq, .chain = seen->chain };
	bft_lsn lsn = again ? 0 : pbft_persist(p, out, PBFT_REC_CHECKPOINT, m, sizeof *m, NULL);
	pbft_send(p, out, PBFT_CHECKPOINT, m, sizeof *m, p->members, lsn);
}

/* A certificate for `cert->seq` is at hand: the window moves with the rest, executed or not. */
void stable_adopt(struct pbft *p, const struct bft_certificate_refs *cert, struct bft_effects *out)
{
	if (cert->seq <= p->low)
		return;
	const struct pbft_checkpoint_vote *own = checkpoint_own(p, cert->seq);
	p->stable_lsn = pbft_persist(p, out, PBFT_REC_STABLE, cert, sizeof *cert, NULL);
	p->low = cert->seq;
	p->low_chain = cert->digest;
	slots_stable(p, p->low, out);
	for (uint32_t k = 0; k < ring(p); k++)
		for (uint32_t i = 0; i < p->n; i++) {
			struct pbft_checkpoint_vote *v = checkpoint_vote(p, (bft_seq)k * p->limits.checkpoint_every, i);
			if (v->seq && v->seq <= p->low)
				memset(v, 0, sizeof *v);
		}
	if (p->next_seq <= p->low)
		p->next_seq = p->low + 1;
	effects_add(out, BFT_FX_STABLE)->seq = p->low;
	bool mine = own->seq == p->low;
	if ((mine && !digest_equal(&own->chain, &p->low_chain)) || (p->executed == p->low && !digest_equal(&p->chain, &p->low_chain)))
		pbft_halt(p, out, PBFT_WHY_OWN_CHAIN, p->low);
}

static bool gather_equal(const struct pbft *p, bft_seq seq, const struct digest *chain, struct bft_certificate_refs *cert)
{
	memset(cert, 0, sizeof *cert);
	cert->seq = seq;
	cert->digest = *chain;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct pbft_checkpoint_vote *v = checkpoint_vote(p, seq, i);
		if (v->seq != seq || !digest_equal(&v->chain, chain))
			continue;
		cert->signers |= BFT_BIT(i);
		cert->wire[i] = v->wire;
	}
	return mask_count(cert->signers) >= p->q;
}

enum bft_verdict on_checkpoint(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct bft_checkpoint *c = m->body;
	if (m->auth < BFT_AUTH_SIGNED || c->seq == 0 || c->seq % p->limits.checkpoint_every != 0)
		return BFT_REJECT;
	if (!pbft_in_window(p, c->seq))
		return BFT_IGNORE;
	struct pbft_checkpoint_vote *v = checkpoint_vote(p, c->seq, m->from);
	if (v->seq == c->seq) {
		if (digest_equal(&v->chain, &c->chain))
			return BFT_IGNORE;
		pbft_blame(out, m->from, BFT_CONVICT, PBFT_WHY_TWO_CHECKPOINTS, m->wire, v->wire);
		return BFT_CONVICT;
	}
	pbft_hold(out, m->wire, c->seq);
	*v = (struct pbft_checkpoint_vote){ .seq = c->seq, .chain = c->chain, .wire = m->wire };
	struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
	if (cert && gather_equal(p, c->seq, &c->chain, cert)) {
		stable_adopt(p, cert, out);
		slots_progress(p, out);
	}
	return BFT_ACCEPT;
}

/* Whoever is stable drops the CHECKPOINTs below, so who missed one of them is shown the whole certificate. With one of four replicas unable to execute, the
 * other three's CHECKPOINTs are all needed, and one that was lost would stop the cluster. */
enum bft_verdict on_stable(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
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
	stable_adopt(p, cert, out);
	slots_progress(p, out);
	return BFT_ACCEPT;
}

/* ---- snapshots ---- */

void on_snapshot(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	p->own_snapshot = (struct pbft_checkpoint_vote){ .seq = e->seq, .chain = e->digest, .root = e->root };
	p->snapshot_made = e->seq;
	snapshot_sign(p, out);
}

/* What was made before I may sign (after a start, until the others have told what I signed) waits. */
void snapshot_sign(struct pbft *p, struct bft_effects *out)
{
	const struct pbft_checkpoint_vote *own = &p->own_snapshot, *said = &p->signed_snapshot;
	/* Of the epoch's beginning there is one state only: whoever has said it before and forgot says it again. The others may need it before they can tell. */
	bool beginning = p->started && !p->observer && !p->halted && own->seq == p->base;
	if ((!pbft_may_sign(p) && !beginning) || !own->seq || own->seq < said->seq || own->seq == p->border)
		return; /* the border's is the next epoch's */
	if (own->seq == said->seq) {
		/* Made again, as after a restart. A second statement for one sequence would convict me. */
		if (!digest_equal(&own->chain, &said->chain) || !digest_equal(&own->root, &said->root))
			pbft_halt(p, out, PBFT_WHY_OWN_CHAIN, own->seq);
		p->own_snapshot.seq = 0;
		return;
	}
	struct bft_snapshot *m = effects_room(out, sizeof *m);
	if (!m)
		return;
	p->signed_snapshot = *own;
	*m = (struct bft_snapshot){ .seq = own->seq, .chain = own->chain, .root = own->root };
	p->own_snapshot.seq = 0;
	bft_lsn lsn = pbft_persist(p, out, PBFT_REC_SNAPSHOT, m, sizeof *m, NULL);
	pbft_send(p, out, PBFT_SNAPSHOT, m, sizeof *m, p->members, lsn);
}

/* Proposals stay in the log from the older of the two newest certified snapshots (design section 6). */
static void certified(struct pbft *p, const struct bft_certificate_refs *cert, struct bft_effects *out)
{
	p->certified[1] = p->certified[0];
	p->certified[0] = cert->seq;
	p->certified_lsn = pbft_persist(p, out, PBFT_REC_CERTIFIED, cert, sizeof *cert, NULL);
	/* Not while the log alone remembers what a NEW-VIEW requires above `low`, or that a VIEW-CHANGE binds me. */
	if (p->certified[1] == 0 || p->mode != PBFT_NORMAL || p->new_view_top > p->low)
		return;
	/* Where I stand is said again, so that no old record holds the log back. */
	border_stand(p, out);
	struct bft_effect *e = effects_add(out, BFT_FX_TRUNCATE);
	e->seq = p->certified[1];
	e->lsn = p->view_lsn;
	e->below = p->certified_lsn < p->stable_lsn || p->stable_lsn == 0 ? p->certified_lsn : p->stable_lsn;
}

enum bft_verdict on_snapshot_vote(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct bft_snapshot *s = m->body;
	if (m->auth < BFT_AUTH_SIGNED || s->seq == 0 || s->seq % p->limits.checkpoint_every != 0)
		return BFT_REJECT;
	struct pbft_checkpoint_vote *v = &p->snapshot[m->from];
	if (v->seq == s->seq && v->seq) {
		if (digest_equal(&v->chain, &s->chain) && digest_equal(&v->root, &s->root))
			return BFT_IGNORE;
		pbft_blame(out, m->from, BFT_CONVICT, PBFT_WHY_TWO_SNAPSHOTS, m->wire, v->wire);
		return BFT_CONVICT;
	}
	if (s->seq < v->seq)
		return BFT_IGNORE;
	pbft_release(out, &v->wire, PBFT_NO_SEQ);
	pbft_hold(out, m->wire, PBFT_NO_SEQ);
	*v = (struct pbft_checkpoint_vote){ .seq = s->seq, .chain = s->chain, .root = s->root, .wire = m->wire };
	struct bft_certificate_refs *cert = effects_room(out, sizeof *cert);
	if (!cert || s->seq <= p->certified[0])
		return BFT_ACCEPT;
	*cert = (struct bft_certificate_refs){ .seq = s->seq, .digest = s->chain, .root = s->root };
	for (uint32_t i = 0; i < p->n; i++) {
		const struct pbft_checkpoint_vote *w = &p->snapshot[i];
		/* My own of an earlier life counts once it has come back signed. */
		if (w->wire && w->seq == s->seq && digest_equal(&w->chain, &s->chain) && digest_equal(&w->root, &s->root)) {
			cert->signers |= BFT_BIT(i);
			cert->wire[i] = w->wire;
		}
	}
	/* f+1: with a liar among the q of its checkpoint, there may be no more of them before the rest has fetched this very state. */
	if (mask_count(cert->signers) >= p->weak)
		certified(p, cert, out);
	return BFT_ACCEPT;
}
