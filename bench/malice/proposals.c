/* What a leader proposes: at another time than it is, or what was there before. All members get the same, so nobody is told two things. */
#include "bench/malice/malice.h"
#include "bft/pbft/pbft.h"
#include "bft/proposal.h"
#include "replica/driver_state.h"
#include "replica/running.h"

#include <string.h>

/* ---- another time ---- */

#define EDGE_MS 500u /* so much inside the bound */

static uint64_t frozen_ms; /* 0: not yet */

/* A second each: as far ahead as it may be, as it was when this began, as far back. What it is follows from the proposal alone: its body and the vote on it go apart. */
static void skew(struct liar *l, uint8_t *proposal)
{
	struct rd r = rd_of(proposal, 8);
	struct wr w = wr_of(proposal, 8);
	uint64_t t, drift = l->identity.genesis.limits.drift_ms, most = drift > EDGE_MS ? drift - EDGE_MS : 0;
	rd_u64(&r, &t);
	frozen_ms = frozen_ms ? frozen_ms : t;
	wr_u64(&w, t / 1000 % 3 == 0 ? t + most : t / 1000 % 3 == 1 ? frozen_ms : t - most);
}

static bool skewed_digest(struct liar *l, struct digest *digest)
{
	static uint8_t bytes[1 << 16];
	const struct proposal_body *p = bodies_find_proposal(l->q->driver->bodies, digest);
	if (!p || p->n > sizeof bytes || !p->head.time_ms)
		return false;
	memcpy(bytes, p->bytes, p->n);
	skew(l, bytes);
	proposal_digest(digest, &l->identity.cluster, bytes, p->n);
	return true;
}

static bool skews(struct liar *l, struct sending *s)
{
	bool any = false;
	if (!liar_core(l))
		return false;
	if (s->e.type == BFT_WIRE_PROPOSAL && s->n >= BFT_FRAME_HEAD_BYTES + 8) {
		skew(l, s->bytes + BFT_FRAME_HEAD_BYTES);
		return liar_sends(l, s);
	}
	if (!liar_proposes(l, s))
		return false;
	for (uint16_t i = 0; i < l->body.votes.count; i++)
		if (l->body.votes.leaf[i].kind == BFT_LEAF_PRE_PREPARE)
			any |= skewed_digest(l, &l->body.votes.leaf[i].digest);
	if (!any)
		return false;
	liar_acts(l, "its time is ahead, stands still, or goes back");
	return liar_closes(l, s);
}

static void skew_ends(struct liar *l)
{
	(void)l;
	frozen_ms = 0;
}

/* ---- once more ---- */

#define TOLD 256u
static struct {
	bft_seq seq;
	struct digest digest;
} told[TOLD];

/* In each second slot what stands in the one before. */
static bool again(struct liar *l, struct sending *s)
{
	bool any = false;
	if (!liar_proposes(l, s))
		return false;
	for (uint16_t i = 0; i < l->body.votes.count; i++) {
		struct bft_leaf *leaf = &l->body.votes.leaf[i];
		if (leaf->kind != BFT_LEAF_PRE_PREPARE)
			continue;
		if (leaf->seq % 2) {
			told[leaf->seq % TOLD].seq = leaf->seq;
			told[leaf->seq % TOLD].digest = leaf->digest;
		} else if (told[(leaf->seq - 1) % TOLD].seq == leaf->seq - 1) {
			leaf->digest = told[(leaf->seq - 1) % TOLD].digest;
			any = true;
		}
	}
	if (!any)
		return false;
	liar_acts(l, "each second proposal of its is the one before");
	return liar_closes(l, s);
}

const struct attack attacks_proposals[] = {
	{ "clock-skew-leader", "S90", BY_LEADER, "proposes with a time as far ahead as it may be, one that stands still, and one as far back, a second each",
	  "Time jumps, goes back, or stands; and what one leader brought forward blocks the next.",
	  "Agreed time never falls; too far ahead is not voted for, and far behind is a reason against its leader.", .to_member = skews, .ends = skew_ends },
	{ "duplicate-batch", "S90", BY_LEADER, "proposes in each second slot what stands in the one before", "Requests are executed twice.",
	  "Execution knows each number: the second time it does nothing. Waits are judged, so nothing that is proposed again makes a leader look fast.",
	  .to_member = again },
	{ 0 },
};
