/* Votes that are two, late, too many, false, absurd; and those of others, spoiled on the way. */
#include "bench/malice/malice.h"
#include "bft/proposal.h"

/* Honest first, then the same slots for the null proposal. A leader's PRE-PREPARE stays: that lie has its own name. */
static bool double_vote(struct liar *l, struct sending *s)
{
	bool any = false;
	if (!liar_opens(l, s, PBFT_VOTES))
		return false;
	for (uint16_t i = 0; i < l->body.votes.count; i++)
		if (l->body.votes.leaf[i].kind != BFT_LEAF_PRE_PREPARE) {
			proposal_null_digest(&l->body.votes.leaf[i].digest, &l->identity.cluster);
			any = true;
		}
	if (!any)
		return false;
	liar_acts(l, "it votes for two proposals in each slot");
	liar_sends(l, s);
	return liar_closes(l, s);
}

#define LAG_MS 200u
static bool lagging(struct liar *l, struct sending *s)
{
	if (!s->mine || s->e.type != PBFT_VOTES)
		return false;
	liar_acts(l, "its votes come last");
	return late_put(&l->late, LAG_MS, s->member, s->class, s->bytes, s->n, NULL, 0);
}

static bool flood(struct liar *l, struct sending *s)
{
	if (!s->mine || s->e.type != PBFT_VOTES)
		return false;
	liar_acts(l, "it sends each vote fifty times");
	return liar_repeats(l, s, 49);
}

static bool bad_signatures(struct liar *l, struct sending *s)
{
	if (!s->mine || s->e.type != PBFT_VOTES)
		return false;
	liar_acts(l, "it sends votes with a false signature beside its own");
	for (uint32_t i = 0; i < 20; i++)
		liar_spoils(l, s);
	return liar_sends(l, s);
}

static bool spoils_relays(struct liar *l, struct sending *s)
{
	if (s->mine)
		return false;
	liar_acts(l, "it spoils what it passes on for others");
	liar_spoils(l, s);
	return true;
}

static uint64_t absurd_number(struct liar *l)
{
	static const uint64_t number[] = { 0, 1, BFT_SEQ_MAX, UINT32_MAX, 1ull << 63, UINT64_MAX - 1, UINT64_MAX };
	return number[liar_random(l) % (sizeof number / sizeof number[0])];
}

/* Beside a STATUS: one message of each kind with absurd fields, and bytes that count more than is there. */
static bool nonsense(struct liar *l, struct sending *s)
{
	uint8_t body[1024];
	if (!s->mine || s->e.type != PBFT_STATUS || !liar_core(l))
		return false;
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		uint64_t x = absurd_number(l), y = absurd_number(l);
		memset(&l->body, 0, sizeof l->body);
		switch ((enum pbft_type)type) {
		case PBFT_VOTES: l->body.votes = (struct bft_votes){ .view = x, .count = 1, .leaf = { { .kind = (uint8_t)(1 + y % 3), .seq = y } } }; break;
		case PBFT_SUSPECT: l->body.suspect = (struct pbft_suspect){ x, 1 }; break;
		case PBFT_VIEW_CHANGE: l->body.view_change = (struct pbft_view_change){ .view = x, .stable = y }; break;
		case PBFT_CHECKPOINT:
		case PBFT_STABLE: l->body.checkpoint.seq = x; break;
		case PBFT_SNAPSHOT: l->body.snapshot.seq = x; break;
		case PBFT_FETCH_CHAIN: l->body.fetch_chain.from = x; break;
		case PBFT_RECALL: l->body.recall.stable = x; break;
		default: break;
		}
		size_t n = pbft_encode(type, &l->body, body, sizeof body);
		if (n)
			liar_says(l, s, type, body, n);
		memset(body, 0xFF, 64);
		liar_says(l, s, type == PBFT_VOTES ? PBFT_STATUS : type, body, 8 + liar_random(l) % 56);
	}
	liar_acts(l, "it signs absurd numbers, counts and kinds");
	return false;
}

/* Beside each of its votes: the same in the epoch after this one, in the one before, and for another cluster. */
static bool other_epoch(struct liar *l, struct sending *s)
{
	struct sending other = *s;
	if (!liar_opens(l, s, PBFT_VOTES))
		return false;
	other.e.epoch = s->e.epoch + 1;
	liar_closes(l, &other);
	other.e.epoch = s->e.epoch - 1;
	liar_closes(l, &other);
	l->identity.cluster.b[0] ^= 1;
	liar_closes(l, s);
	l->identity.cluster.b[0] ^= 1;
	liar_acts(l, "it says its votes again for other epochs and another cluster");
	return false;
}

/* Beside a STATUS: each honest member is to be passed over, and is named by a vote that it never gave. */
static bool accuses(struct liar *l, struct sending *s)
{
	uint8_t body[256];
	if (!s->mine || s->e.type != PBFT_STATUS || !liar_core(l))
		return false;
	for (uint8_t i = 0; i < l->identity.genesis.count; i++) {
		if (l->colluders >> i & 1)
			continue;
		l->body.pass_over.member = i;
		liar_says(l, s, PBFT_PASS_OVER, body, pbft_encode(PBFT_PASS_OVER, &l->body, body, sizeof body));
	}
	liar_acts(l, "it wants every honest member passed over");
	return false;
}

const struct attack attacks_votes[] = {
	{ "replay-old-epoch", "B97", BY_REPLICA, "f replicas say their votes again for other epochs and for another cluster",
	  "What was said in one place counts in another.", "Cluster and epoch are under every signature.", .to_member = other_epoch },
	{ "evidence-spam", "B97", BY_REPLICA, "f replicas want every honest member passed over, twice a second",
	  "An honest leader loses its place by one liar's word.", "It takes q members that saw it lose its office again and again.", .to_member = accuses },
	{ "double-vote", "B97", BY_REPLICA, "f replicas vote for two proposals in each slot", "Votes are counted by slot alone, and two proposals are decided.",
	  "The first vote of a member counts, for its digest; the second is proof against it.", .to_member = double_vote },
	{ "lagging-voter", "B97", BY_REPLICA, "f replicas vote 200 ms after everybody else",
	  "Whoever waits for all, or for a fixed set, is as slow as the slowest.", "Any q votes are enough: it is never waited for.", .to_member = lagging },
	{ "vote-flood", "B97", BY_REPLICA, "f replicas send each vote fifty times", "Each copy costs a signature check, and honest votes wait behind them.",
	  "A vote that is held already is dropped before its signature is looked at.", .to_member = flood },
	{ "bad-signature-flood", "B97", BY_REPLICA, "f replicas send twenty votes with a false signature beside each of their own",
	  "Each costs a check; or the one who is named, not the one who sent it, is shut out.",
	  "The link on which it came pays, and is closed. A signature proves nothing against the one it names.", .to_member = bad_signatures },
	{ "relay-garbage", "B97", BY_REPLICA, "f replicas spoil what they pass on for others", "The one whose message was spoiled is blamed for it.",
	  "The link pays, not the one who is named.", .to_member = spoils_relays },
	{ "valid-signature-nonsense", "B97", BY_REPLICA, "f replicas sign absurd numbers, counts and kinds",
	  "A number sizes an allocation, a loop or an index: memory or the process is gone.",
	  "Cheap checks come first, and no state is sized by what a peer says.", .to_member = nonsense },
	{ 0 },
};
