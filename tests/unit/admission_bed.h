/* tests/unit/admission_bed.h - one whole replica, what it has refused, and whom that cost. */
#ifndef TESTS_UNIT_ADMISSION_BED_H
#define TESTS_UNIT_ADMISSION_BED_H
#include "replica/driver_state.h"
#include "tests/unit/driver_bed.h"

static struct dbed b;

static inline struct digest some(uint8_t i)
{
	struct digest d;
	memset(d.b, i, sizeof d.b);
	return d;
}

/* What it cost so far: refusals that count against a link, and false signatures. */
static inline uint64_t blamed(void)
{
	return dbed_counts(&b).blamed;
}

static inline uint64_t bad(void)
{
	return dbed_counts(&b).bad_signatures;
}

/* ---- one well-formed message of every type, that the core can use now ---- */

static union pbft_body body;

static inline bool fill(uint16_t type)
{
	memset(&body, 0, sizeof body);
	switch ((enum pbft_type)type) {
	case PBFT_VOTES: body.votes = *dbed_votes(0, BFT_LEAF_COMMIT, 3, some(1)); return true;
	case PBFT_SUSPECT: body.suspect.standing = 1; return true;
	case PBFT_VIEW_CHANGE:
		body.view_change.view = 1;
		body.view_change.chain = b.cluster;
		return true;
	case PBFT_NEW_VIEW:
		body.new_view.view = 2;
		body.new_view.chain = b.cluster;
		body.new_view.sources_count = DBED_Q;
		for (uint8_t i = 0; i < DBED_Q; i++) {
			body.new_view.source[i].member = i;
			body.new_view.source[i].digest = some(i);
		}
		return true;
	case PBFT_CHECKPOINT: body.checkpoint = (struct bft_checkpoint){ .seq = DBED_K, .chain = some(1) }; return true;
	case PBFT_SNAPSHOT: body.snapshot = (struct bft_snapshot){ .seq = DBED_K, .chain = some(1), .root = some(2) }; return true;
	case PBFT_STATUS: return true;
	case PBFT_RECALL: return true;
	case PBFT_RECALL_DONE: return true;
	case PBFT_FETCH_VIEW_CHANGE: body.fetch_view_change.digest = some(1); return true;
	case PBFT_CHAIN: body.chain = (struct bft_chain){ .from = 1, .end = 4, .chain = some(1) }; return true;
	case PBFT_FETCH_CHAIN: body.fetch_chain.from = 1; return true;
	case PBFT_PASS_OVER: body.pass_over.member = 1; return true;
	case PBFT_STABLE: /* needs a certificate: below */
	case PBFT_TYPE_END: break;
	}
	return false;
}
#endif
