/* Those who keep back what others wait for: everything, proposals, bodies, some members' share, NEW-VIEWs, checkpoints. */
#include "bench/malice/malice.h"

static bool carries_a_proposal(struct liar *l, const struct sending *s)
{
	return s->e.type == BFT_WIRE_PROPOSAL || liar_proposes(l, s);
}

/* Raft's leader has no PRE-PREPARE: there, who leads says so itself. */
static bool leads_by_raft(struct liar *l)
{
	struct quorate_standing standing;
	if (liar_core(l))
		return false;
	quorate_standing(l->q, &standing);
	return standing.role == QUORATE_LEADER;
}

static bool silent_leader(struct liar *l, struct sending *s)
{
	l->gone |= carries_a_proposal(l, s) || leads_by_raft(l);
	if (l->gone)
		liar_acts(l, "it says nothing any more");
	return l->gone;
}

static bool silent_leader_client(struct liar *l, struct answering *a)
{
	(void)a;
	return l->gone;
}

static void speaks_again(struct liar *l)
{
	l->gone = false;
}

/* The votes without the proposals; every other sequence's, when only holes are made. */
static bool without_proposals(struct liar *l, struct sending *s, uint32_t each, const char *what)
{
	if (!liar_proposes(l, s))
		return false;
	struct bft_votes *v = &l->body.votes;
	uint16_t kept = 0, was = v->count;
	for (uint16_t i = 0; i < was; i++)
		if (v->leaf[i].kind != BFT_LEAF_PRE_PREPARE || v->leaf[i].seq % each)
			v->leaf[kept++] = v->leaf[i];
	v->count = kept;
	if (kept == was)
		return false;
	liar_acts(l, what);
	return kept ? liar_closes(l, s) : true;
}

static bool mute_leader(struct liar *l, struct sending *s)
{
	if (s->e.type == BFT_WIRE_PROPOSAL)
		return true;
	return without_proposals(l, s, 1, "it votes and answers, and proposes nothing");
}

static bool hole(struct liar *l, struct sending *s)
{
	return without_proposals(l, s, 50, "it leaves out each fiftieth sequence");
}

static bool silent_backup(struct liar *l, struct sending *s)
{
	(void)s;
	liar_acts(l, "it says nothing any more");
	return true;
}

static bool silent_to_client(struct liar *l, struct answering *a)
{
	(void)l;
	(void)a;
	return true;
}

static bool withhold_body(struct liar *l, struct sending *s)
{
	if (s->e.type != BFT_WIRE_PROPOSAL && s->e.type != BFT_WIRE_BUNDLE)
		return false;
	liar_acts(l, "it gives bodies to nobody");
	return true;
}

/* The last f of the others. */
static bool is_in_the_dark(const struct liar *l, uint8_t member)
{
	uint32_t n = l->identity.genesis.count, f = (n - 1) / 3;
	return (member + n - l->identity.self) % n >= n - f;
}

static bool selective(struct liar *l, struct sending *s)
{
	if (!is_in_the_dark(l, s->member))
		return false;
	liar_acts(l, "it serves q-1 others, and leaves the rest in the dark");
	return true;
}

#define DARK_MS 3000u
static bool dark_then_silent(struct liar *l, struct sending *s)
{
	if (liar_now_ms() < l->since_ms + DARK_MS)
		return selective(l, s);
	return true;
}

static bool withhold_new_view(struct liar *l, struct sending *s)
{
	if (!s->mine || s->e.type != PBFT_NEW_VIEW)
		return false;
	liar_acts(l, "it keeps its NEW-VIEW");
	return true;
}

static bool checkpoint_withhold(struct liar *l, struct sending *s)
{
	if (s->e.type != PBFT_CHECKPOINT && s->e.type != PBFT_SNAPSHOT && s->e.type != PBFT_STABLE)
		return false;
	liar_acts(l, "it keeps its CHECKPOINTs and SNAPSHOTs");
	return true;
}

const struct attack attacks_withhold[] = {
	{ "silent-leader", "L90", BY_LEADER, "says nothing any more, to anybody, once it leads",
	  "Nobody else proposes: the service stops until somebody restarts the leader.",
	  "A timer runs for each request that a backup knows of; f+1 of them suspect the leader, the view changes, and what was asked completes in the next "
	  "view.",
	  .to_member = silent_leader, .to_client = silent_leader_client, .ends = speaks_again },
	{ "mute-leader", "L90", BY_LEADER, "votes, answers and sends signs of life, and never proposes",
	  "A leader that is watched by heartbeats looks alive for ever, and nothing is ordered.",
	  "Timers follow requests, not signs of life: the oldest request that is not executed deposes it.", .to_member = mute_leader },
	{ "hole-in-sequence", "L90", BY_LEADER, "leaves out each fiftieth sequence, and proposes those behind it",
	  "Everything behind the hole is agreed on and cannot be executed: throughput looks well, and clients hear nothing.",
	  "Timers run until execution. The next view fills the hole with the null proposal.", .to_member = hole },
	{ "withhold-body", "L90", BY_LEADER, "proposes digests, and gives the bodies to nobody",
	  "Backups vote for a digest that nobody holds: it is decided, and can never be executed.",
	  "PREPARE means that the body is here, checked and on disk. Without it nothing prepares, and the view changes.", .to_member = withhold_body },
	{ "selective-send", "B97", BY_LEADER, "serves q-1 others, and says nothing to the last f",
	  "The f in the dark fall behind for ever: the next fault stops the service.",
	  "STATUS tells what is missing, and others send it verbatim: batches, votes and certificates.", .to_member = selective },
	{ "dark-then-silent", "L90", BY_LEADER, "selective-send for three seconds, then silence",
	  "With the leader gone the quorum needs those who were left in the dark, and they must first catch up.",
	  "They were current all the time, from what others sent: the next view begins at once.", .to_member = dark_then_silent },
	{ "withhold-new-view", "L90", BY_LEADER, "is the next to lead, gathers q VIEW-CHANGEs, and keeps its NEW-VIEW",
	  "Everybody waits for a view that nobody begins.", "A timer runs from the q-th VIEW-CHANGE on; then the next view is asked for.",
	  .to_member = withhold_new_view, .needs = NEEDS_VIEW_CHANGE },
	{ "silent-backup", "B97", BY_REPLICA, "f replicas say nothing any more", "A protocol that waits for all, or for a fixed quorum, stops.",
	  "Any q are enough.", .to_member = silent_backup, .to_client = silent_to_client },
	{ "checkpoint-withhold", "B97", BY_REPLICA, "f replicas never sign checkpoints or snapshots",
	  "The window stands still, or logs grow until the disk is full.", "q of the others make a checkpoint stable.", .to_member = checkpoint_withhold },
	{ 0 },
};
