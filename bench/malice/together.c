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

/* One that leads tells two halves two proposals; the others vote for both, so that each half sees more for its own. */
static bool both_ways(struct liar *l, struct sending *s)
{
	const struct attack *leads = attack_find("equivocating-leader"), *votes = attack_find("double-vote");
	return leads->to_member(l, s) || votes->to_member(l, s);
}

static bool floods(struct liar *l, struct sending *s)
{
	return attack_find("vote-flood")->to_member(l, s);
}

static void floods_too(struct lying_client *c)
{
	attack_find("client-flood")->client(c);
}

const struct attack attacks_together[] = {
	{ "leader-plus-backup", "L90", BY_LEADER,
	  "a leader tells two proposals to two halves, and the other liars vote for both (from 7 replicas on; with 4 it is alone)",
	  "With their votes each half decides its own.", "f double votes are not enough: one digest at most gathers q. All of them are convicted.",
	  .to_member = both_ways },
	{ "backups-plus-clients", "B97", BY_REPLICA, "f replicas send each vote fifty times, while a client asks as fast as it can sign",
	  "Honest votes and honest requests wait behind theirs.",
	  "What is held already is dropped before its signature is looked at; each client has its share.", .to_member = floods, .client = floods_too },
	{ "split-brain-colluders", "-", BY_COLLUDERS, "f+1 replicas vote for one history with one honest half, and for another with the other",
	  "Two clients that ask different replicas see different histories, and nobody notices.",
	  "No protocol of 3f+1 replicas survives f+1 liars. What both halves signed proves who they were: at least f+1 are named.", .to_member = splits },
	{ 0 },
};
