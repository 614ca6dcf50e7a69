/* More than f, and of one mind: what no protocol of 3f+1 survives, so that it is seen how it ends. */
#include "bench/malice/malice.h"
#include "bft/proposal.h"

/* The first slot of the fork, the same for all of them: what was begun honestly is left alone, because two words about it would be proof before anything is decided. */
#define FORK_EVERY 32u
static bft_seq fork_seq(struct liar *l)
{
	struct quorate_standing standing;
	if (!l->fork_seq) {
		quorate_standing(l->q, &standing);
		l->fork_seq = ((standing.executed + FORK_EVERY / 2) / FORK_EVERY + 1) * FORK_EVERY;
	}
	return l->fork_seq;
}

/* Members of odd number that are not in it hear of nothing but null proposals, from all colluders: the other honest half, and that one, each gather q. */
static bool splits(struct liar *l, struct sending *s)
{
	bool any = false;
	bft_seq from = fork_seq(l);
	if (!(s->member % 2) || l->colluders >> s->member & 1 || !liar_opens(l, s, PBFT_VOTES))
		return false;
	for (uint16_t i = 0; i < l->body.votes.count; i++)
		if (l->body.votes.leaf[i].seq >= from) {
			proposal_null_digest(&l->body.votes.leaf[i].digest, &l->identity.cluster);
			any = true;
		}
	if (!any)
		return false;
	liar_acts(l, "with the other colluders, it gives each honest half a history of its own");
	return liar_closes(l, s);
}

const struct attack attacks_together[] = {
	{ "split-brain-colluders", "-", BY_COLLUDERS, "f+1 replicas vote for one history with one honest half, and for another with the other",
	  "Two clients that ask different replicas see different histories, and nobody notices.",
	  "No protocol of 3f+1 replicas survives f+1 liars. What both halves signed proves who they were: at least f+1 are named.", splits, NULL, NULL, NULL,
	  NULL, NULL },
	{ 0 },
};
