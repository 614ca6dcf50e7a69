/* Those who serve the state, and those who ask: false parts, late ones, and questions without end. */
#include "bench/malice/malice.h"
#include "replica/transfer.h"

static bool chunk_lie(struct liar *l, struct sending *s)
{
	if (s->e.type != BFT_WIRE_STATE || s->n <= BFT_FRAME_HEAD_BYTES + 20)
		return false;
	liar_acts(l, "it serves wrong parts of the state");
	s->bytes[s->n - 1] ^= 1;
	return liar_sends(l, s);
}

#define SLOW_STATE_MS 900u
static bool slow_server(struct liar *l, struct sending *s)
{
	if (s->e.type != BFT_WIRE_STATE && s->e.type != BFT_WIRE_OFFER)
		return false;
	liar_acts(l, "it serves the state as late as it may");
	return late_put(&l->late, SLOW_STATE_MS, s->member, s->class, s->bytes, s->n, NULL, 0);
}

static bool asks(uint16_t type)
{
	return type == BFT_WIRE_FETCH || type == BFT_WIRE_FETCH_OFFER || type == BFT_WIRE_FETCH_STATE || type == PBFT_FETCH_CHAIN ||
	       type == PBFT_FETCH_VIEW_CHANGE || type == PBFT_STATUS || type == PBFT_RECALL;
}

static bool pulls(struct liar *l, struct sending *s)
{
	uint8_t body[256];
	if (!s->mine || !asks(s->e.type))
		return false;
	liar_acts(l, "it asks for everything, fifty times");
	if (liar_core(l) && s->e.type == PBFT_STATUS) {
		l->body.fetch_chain.from = 1;
		size_t n = pbft_encode(PBFT_FETCH_CHAIN, &l->body, body, sizeof body);
		for (uint32_t i = 0; n && i < 50; i++)
			liar_says(l, s, PBFT_FETCH_CHAIN, body, n);
	}
	return liar_repeats(l, s, 49);
}

/* It begins to fetch the newest snapshot, asks for its root again and again, and never ends. */
static bool pins(struct liar *l, struct sending *s)
{
	uint8_t zero = 0, body[16];
	struct quorate_standing standing;
	if (!s->mine || s->e.type != PBFT_STATUS)
		return false;
	quorate_standing(l->q, &standing);
	struct wr w = wr_of(body, sizeof body);
	wr_u64(&w, standing.snapshot);
	wr_u32(&w, (uint32_t)liar_random(l));
	wr_u16(&w, 1);
	wr_u8(&w, TRANSFER_NODE);
	wr_u8(&w, 0);
	liar_says(l, s, BFT_WIRE_FETCH_OFFER, &zero, 1);
	liar_says(l, s, BFT_WIRE_FETCH_STATE, body, wr_done(&w));
	liar_acts(l, "it begins to fetch the state, and never ends");
	return false;
}

const struct attack attacks_state[] = {
	{ "state-chunk-lie", "B97", BY_REPLICA, "f replicas serve wrong parts of the state to who fetches it",
	  "A replica that lost its disk installs a false state.",
	  "Each part is checked against its parent in the certified tree before it is written; a source that lies is left.", .to_member = chunk_lie,
	  .needs = NEEDS_REJOIN },
	{ "slow-state-server", "B97", BY_REPLICA, "f replicas serve the state 900 ms late, each part", "A replica that fetches from one source never arrives.",
	  "Each source has a deadline, and there are several.", .to_member = slow_server, .needs = NEEDS_REJOIN },
	{ "pull-storm", "B97", BY_REPLICA, "f replicas ask for bodies, chains and everything that they miss, fifty times",
	  "Answering takes the disk and network that ordering needs.", "Answers have a budget for each peer, below ordering.", .to_member = pulls },
	{ "snapshot-pinner", "B97", BY_REPLICA, "f replicas begin to fetch the state again and again, and never end",
	  "Old states are kept for them until the disk is full.", "Leases on a snapshot run out, and there are at most two snapshots.", .to_member = pins },
	{ 0 },
};
