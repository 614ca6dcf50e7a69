/* Leadership transfer (3.10): the one that is most up to date is brought up to date and told to stand at once; meanwhile nothing new is proposed. */
#include "bft/raft/raft.h"

static bool fit(const struct raft *p, uint32_t i)
{
	const struct raft_peer *peer = &p->peer[i];
	return raft_other(p, i) && peer->up && !peer->learner && peer->match > 0;
}

void raft_transfer_begin(struct raft *p, struct bft_effects *out)
{
	if (p->role != RAFT_LEADER || p->transfer != RAFT_NOBODY)
		return;
	for (uint8_t i = 0; i < p->n; i++)
		if (fit(p, i) && (p->transfer == RAFT_NOBODY || p->peer[i].match > p->peer[p->transfer].match))
			p->transfer = i;
	if (p->transfer == RAFT_NOBODY)
		return;
	p->transfer_ms = p->mono_ms;
	raft_role(p, out, RAFT_WHY_ASKED);
	raft_transfer_try(p, out);
}

/* It has all of mine: it can win. Told again with each of its answers, until another term or the end of the time. */
void raft_transfer_try(struct raft *p, struct bft_effects *out)
{
	if (p->role != RAFT_LEADER || p->transfer == RAFT_NOBODY || p->peer[p->transfer].match < p->last)
		return;
	struct raft_timeout_now *m = effects_room(out, sizeof *m);
	if (!m)
		return;
	*m = (struct raft_timeout_now){ .term = p->term };
	p->handed = true; /* it may come late: nothing in this term takes it back */
	raft_send(out, RAFT_TIMEOUT_NOW, m, sizeof *m, BFT_BIT(p->transfer), 0);
}

/* It may come late: who lacks what is committed by now would be voted for as if it had it, since its question says how far that reaches. */
enum bft_verdict raft_on_timeout_now(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct raft_timeout_now *t = m->body;
	if (m->from == p->self || t->term != p->term || p->role != RAFT_FOLLOWER || p->leader != m->from || !raft_votes(p) || !raft_log_last_known(p) ||
	    p->commit > p->last)
		return BFT_IGNORE;
	raft_campaign_stand(p, RAFT_ASK_TRANSFER, out);
	return BFT_ACCEPT;
}
