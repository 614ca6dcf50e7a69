/* What a leader does with its office: two proposals for one place, late ones, little ones, false ones. */
#include "bench/malice/malice.h"
#include "bft/pbft/pbft.h"
#include "bft/proposal.h"
#include "replica/driver_state.h"
#include "replica/running.h"

#include <string.h>

static bool equivocates(struct liar *l, struct sending *s)
{
	if (!(s->member % 2) || !liar_proposes(l, s))
		return false;
	for (uint16_t i = 0; i < l->body.votes.count; i++)
		if (l->body.votes.leaf[i].kind == BFT_LEAF_PRE_PREPARE)
			proposal_null_digest(&l->body.votes.leaf[i].digest, &l->identity.cluster);
	liar_acts(l, "it tells two proposals to two halves");
	return liar_closes(l, s);
}

/* ---- the same batch at two times ---- */

/* A proposal begins with its time. */
static void later(uint8_t *proposal)
{
	struct rd r = rd_of(proposal, 8);
	struct wr w = wr_of(proposal, 8);
	uint64_t time_ms;
	rd_u64(&r, &time_ms);
	wr_u64(&w, time_ms + 1);
}

static bool digest_of_the_other(struct liar *l, struct digest *digest)
{
	static uint8_t bytes[1 << 16];
	const struct proposal_body *p = bodies_find_proposal(l->q->driver->bodies, digest);
	if (!p || p->n > sizeof bytes)
		return false;
	memcpy(bytes, p->bytes, p->n);
	later(bytes);
	proposal_digest(digest, &l->identity.cluster, bytes, p->n);
	return true;
}

static bool equivocates_on_time(struct liar *l, struct sending *s)
{
	if (!(s->member % 2) || l->identity.genesis.mode != BFT_MODE_BFT)
		return false;
	if (s->e.type == BFT_WIRE_PROPOSAL && s->n >= BFT_FRAME_HEAD_BYTES + 8) {
		later(s->bytes + BFT_FRAME_HEAD_BYTES);
		return liar_sends(l, s);
	}
	if (!liar_proposes(l, s))
		return false;
	for (uint16_t i = 0; i < l->body.votes.count; i++)
		if (l->body.votes.leaf[i].kind == BFT_LEAF_PRE_PREPARE && !digest_of_the_other(l, &l->body.votes.leaf[i].digest))
			return false;
	liar_acts(l, "it proposes the same batch at two times");
	return liar_closes(l, s);
}

/* ---- late ---- */

static bool late(struct liar *l, struct sending *s, uint64_t ms, const char *what)
{
	if (s->e.type != BFT_WIRE_PROPOSAL && !liar_proposes(l, s))
		return false;
	liar_acts(l, what);
	return late_put(&l->late, ms, s->member, s->class, s->bytes, s->n, NULL, 0);
}

static uint64_t timeout_ms(const struct liar *l)
{
	return l->identity.genesis.limits.request_timeout_ms;
}

static bool slow(struct liar *l, struct sending *s)
{
	return late(l, s, timeout_ms(l) * 9 / 10, "its proposals are late");
}

/* A fiftieth of the timeout more each second. */
static bool ramp(struct liar *l, struct sending *s)
{
	uint64_t ms = (liar_now_ms() - l->since_ms) * timeout_ms(l) / 50000;
	return late(l, s, ms < timeout_ms(l) ? ms : timeout_ms(l), "its proposals are later and later");
}

/* Just below what backups call slow (docs/protocol.md, "A slow leader"), as far as it can tell from what it measures itself: half of the bar for the mean is its
 * own, the other half is what agreement takes. */
static bool dance(struct liar *l, struct sending *s)
{
	struct pbft *core = liar_core(l);
	uint64_t ms = core ? pace_mean_bar_ms(core) / 2 : timeout_ms(l) / 10;
	return late(l, s, ms < timeout_ms(l) ? ms : timeout_ms(l), "its proposals leave just before it is called slow");
}

/* ---- little ---- */

static bool tiny(struct liar *l, struct sending *s)
{
	struct pbft *core = liar_core(l);
	if (core && liar_proposes(l, s)) {
		core->limits.proposal_bundles_max = 1;
		liar_acts(l, "it proposes one request at a time");
	}
	return false;
}

static void tiny_ends(struct liar *l)
{
	struct pbft *core = liar_core(l);
	if (core)
		core->limits.proposal_bundles_max = l->identity.genesis.limits.proposal_bundles_max;
}

/* ---- false ---- */

/* A bit of the first client's signature: it does not stand under the digest. */
static bool invalid_body(struct liar *l, struct sending *s)
{
	struct bft_proposal head;
	size_t n = s->n - BFT_FRAME_HEAD_BYTES,
	       used = s->e.type == BFT_WIRE_PROPOSAL ? proposal_decode(&head, s->bytes + BFT_FRAME_HEAD_BYTES, n, BFT_PROPOSAL_BUNDLES_MAX) : 0;
	if (!used || n < used + 4 + SIGNATURE_BYTES)
		return false;
	s->bytes[BFT_FRAME_HEAD_BYTES + used + 4] ^= 1;
	liar_acts(l, "its bodies have a false client signature");
	return liar_sends(l, s);
}

/* ---- deaf ---- */

/* The first client whose request comes after the attack began: neither from itself nor from those who pass it on. */
static bool censors(struct liar *l, const uint8_t *bytes, size_t n)
{
	static const struct public_key nobody;
	struct rd r = rd_of(bytes, n);
	struct bft_envelope e;
	if (!envelope_read(&r, &e) || e.type != BFT_WIRE_BUNDLE || rd_left(&r) < sizeof nobody.b)
		return false;
	if (memcmp(&l->unheard, &nobody, sizeof nobody) == 0)
		memcpy(l->unheard.b, r.at, sizeof l->unheard.b);
	if (memcmp(l->unheard.b, r.at, sizeof l->unheard.b) != 0)
		return false;
	liar_acts(l, "it does not hear one of the clients");
	return true;
}

static void hears_again(struct liar *l)
{
	memset(&l->unheard, 0, sizeof l->unheard);
}

const struct attack attacks_leader[] = {
	{ "censor-client", "S90", BY_LEADER, "does not hear one of the clients, nor those who pass on its requests",
	  "One client is never served, and nobody else notices.",
	  "The request reaches every replica, and the timer of each follows the oldest: it is ordered in bounded time, or the leader goes.",
	  .ends = hears_again, .hears = censors },
	{ "equivocating-leader", "L90", BY_LEADER, "tells members of odd number another proposal than the others",
	  "Two halves execute different things, and the service has two histories.",
	  "At most one digest gathers q votes. Whoever sees both has proof, keeps it, and suspects the leader at once.", .to_member = equivocates },
	{ "equivocating-time", "L90", BY_LEADER, "proposes the same batch with another agreed time to members of odd number",
	  "Votes that do not cover the time agree, and states that depend on it differ.", "The digest that is voted on covers all that execution reads.",
	  .to_member = equivocates_on_time },
	{ "slow-leader", "S90", BY_LEADER, "its proposals leave at nine tenths of the timeout",
	  "No timer ever fires, and the service runs at a hundredth of its speed.",
	  "Backups measure how long the oldest request waits against what the network and disk need; a leader that is too slow is suspected.",
	  .to_member = slow },
	{ "ramp-leader", "S90", BY_LEADER, "its proposals are later by a fiftieth of the timeout each second",
	  "Thresholds that follow the recent past follow the leader down.", "The bar is absolute: round trips and a flush, not what former leaders reached.",
	  .to_member = ramp },
	{ "threshold-dancer", "S90", BY_LEADER, "its proposals leave just before it is called slow", "Any bar has a place just below it.",
	  "What that place costs is bounded by the bar, which is stated and measured.", .to_member = dance },
	{ "tiny-batches", "S90", BY_LEADER, "proposes one request at a time", "Each slot costs its signatures and flushes for one request.",
	  "Backups hold each proposal against what is under way: a correct leader proposes as much.", .to_member = tiny, .ends = tiny_ends },
	{ "invalid-batch-body", "L90", BY_LEADER, "its bodies have a client's signature that is false",
	  "A forged request is executed; or honest replicas blame each other for it.",
	  "Nobody prepares a body that is not good; a good copy is looked for, and without one the view changes.", .to_member = invalid_body },
	{ 0 },
};
