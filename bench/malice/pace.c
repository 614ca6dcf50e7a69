/* When a leader proposes, and whom it hears first: one request before each timer, its accomplice before everybody else, and its worst whenever it leads. */
#include "bench/malice/malice.h"
#include "bft/pbft/pbft.h"
#include "replica/driver_state.h"
#include "replica/running.h"

#include <string.h>

static bool leads(struct liar *l)
{
	const struct pbft *core = liar_core(l);
	return core && core->mode == PBFT_NORMAL && pbft_leader(core, core->view) == core->self;
}

static uint64_t timeout_ms(const struct liar *l)
{
	return l->identity.genesis.limits.request_timeout_ms;
}

static bool carries_a_proposal(struct liar *l, const struct sending *s)
{
	return s->e.type == BFT_WIRE_PROPOSAL || liar_proposes(l, s);
}

/* ---- one before each timer ---- */

static struct {
	bft_seq first; /* 0: it has not begun */
	uint64_t began_ms;
} dripping;

/* The k-th proposal leaves at k times nine tenths of the timeout: no request alone waits for longer than it may, if a timer runs for the view instead. */
static bool drip(struct liar *l, struct sending *s)
{
	struct pbft *core = liar_core(l);
	bft_seq seq = 0;
	if (!core || !liar_proposes(l, s))
		return false;
	for (uint16_t i = 0; i < l->body.votes.count; i++)
		if (l->body.votes.leaf[i].kind == BFT_LEAF_PRE_PREPARE && l->body.votes.leaf[i].seq > seq)
			seq = l->body.votes.leaf[i].seq;
	if (!dripping.first || seq < dripping.first) {
		dripping.first = seq;
		dripping.began_ms = liar_now_ms();
	}
	core->limits.proposal_bundles_max = 1;
	uint64_t due_ms = dripping.began_ms + (seq - dripping.first) * timeout_ms(l) * 9 / 10, now_ms = liar_now_ms();
	liar_acts(l, "it proposes one request just before each timer ends");
	late_put(&l->late, due_ms > now_ms ? due_ms - now_ms : 0, s->member, s->class, s->bytes, s->n, NULL, 0);
	return true;
}

static void drip_ends(struct liar *l)
{
	struct pbft *core = liar_core(l);
	dripping.first = 0;
	if (core)
		core->limits.proposal_bundles_max = l->identity.genesis.limits.proposal_bundles_max;
}

/* ---- one before the others ---- */

#define UNFAIR_MS 200u /* below what a backup calls slow (docs/protocol.md, "A slow leader") */

static bool client_of(const uint8_t *bytes, size_t n, struct public_key *key)
{
	struct rd r = rd_of(bytes, n);
	struct bft_envelope e;
	if (!envelope_read(&r, &e) || e.type != BFT_WIRE_BUNDLE || rd_left(&r) < sizeof key->b)
		return false;
	memcpy(key->b, r.at, sizeof key->b);
	return true;
}

/* The first client that it hears is the one that it prefers. */
static bool unfair(struct liar *l, const uint8_t *bytes, size_t n)
{
	static const struct public_key nobody;
	struct public_key key;
	if (!leads(l) || !client_of(bytes, n, &key))
		return false;
	if (public_key_equal(&l->preferred, &nobody))
		l->preferred = key;
	if (public_key_equal(&l->preferred, &key) || !liar_hears_later(l, UNFAIR_MS))
		return false;
	liar_acts(l, "it hears one client at once, and the others late");
	return true;
}

static void unfair_ends(struct liar *l)
{
	memset(&l->preferred, 0, sizeof l->preferred);
}

/* Its accomplice writes under keys that begin so (lying_keeps_asking). */
static bool unfair_for_its_client(struct liar *l, const uint8_t *bytes, size_t n)
{
	static const char mark[] = "liar-";
	struct public_key key;
	if (!leads(l) || !client_of(bytes, n, &key) || memmem(bytes, n, mark, sizeof mark - 1) || !liar_hears_later(l, UNFAIR_MS))
		return false;
	liar_acts(l, "it hears its accomplice at once, and everybody else late");
	return true;
}

static void accomplice(struct lying_client *c)
{
	lying_acts(c, "it asks whenever the leader serves it");
	lying_keeps_asking(c, 4, 64, 128);
}

/* ---- its worst, whenever it leads ---- */

static bool two_tongues(struct liar *l, struct sending *s)
{
	const struct attack *a = attack_find("equivocating-leader");
	return a->to_member(l, s);
}

/* Another one each time that it comes into office. */
static bool recurrent(struct liar *l, struct sending *s)
{
	const struct pbft *core = liar_core(l);
	if (!core || !leads(l) || !carries_a_proposal(l, s))
		return false;
	liar_acts(l, "it leads, and does what it can against it");
	switch (core->view / l->identity.genesis.count % 3) {
	case 0: late_put(&l->late, timeout_ms(l) * 9 / 10, s->member, s->class, s->bytes, s->n, NULL, 0); return true;
	case 1: return true;
	default: return two_tongues(l, s);
	}
}

/* ---- when all have learnt to wait ---- */

static struct {
	bft_view view;
	uint64_t due_ms;
} grown;

/* With one honest member away each vote counts, so nothing is decided in the others' views, and each makes the timers twice as long, and the bars too. */
static bool withholds_votes(struct liar *l, const struct sending *s)
{
	if (!s->mine || s->e.type != PBFT_VOTES)
		return false;
	liar_acts(l, "it votes in nobody else's view, until all have learnt to wait");
	return true;
}

/* Its own view begins as late as the timer allows by then: until then nothing of it goes out, and STATUS brings it afterwards. */
static bool begins_late(const struct sending *s, const struct pbft *core)
{
	bool of_the_view = s->e.type == PBFT_NEW_VIEW || s->e.type == PBFT_VOTES || s->e.type == BFT_WIRE_PROPOSAL;
	if (grown.view != core->view) {
		grown.view = core->view;
		grown.due_ms = liar_now_ms() + (pbft_timeout_ms(core) >> PBFT_NEW_VIEW_LESS) * 9 / 10;
	}
	return s->mine && of_the_view && liar_now_ms() < grown.due_ms;
}

/* And it leads just within what the others call slow by then. */
static bool inflates(struct liar *l, struct sending *s)
{
	const struct pbft *core = liar_core(l);
	if (!core)
		return false;
	if (pbft_leader(core, core->view) != core->self)
		return withholds_votes(l, s);
	return begins_late(s, core) || attack_find("threshold-dancer")->to_member(l, s);
}

const struct attack attacks_pace[] = {
	{ "drip-leader", "S90", BY_LEADER, "proposes one request just before each timer ends, and nothing else",
	  "A timer that any progress restarts never ends: one request a second and a half is progress.",
	  "Timers follow the oldest request, each from when it came; and backups measure how long requests wait.", .to_member = drip, .ends = drip_ends },
	{ "unfair-leader", "S90", BY_LEADER, "hears one client at once, and the others 200 ms late",
	  "The total rate looks well; all but one client wait at the limit.",
	  "What a backup judges is the wait of the oldest request of anybody, not the rate.", .ends = unfair_ends, .hears = unfair },
	{ "leader-plus-client", "S90", BY_LEADER,
	  "hears a client that is its accomplice at once, and the others 200 ms late; the accomplice asks as much as suits them",
	  "Demand that the leader itself makes hides how little the others get.",
	  "Waits are judged, not rates: no demand of an accomplice makes the others' shorter.", .client = accomplice, .hears = unfair_for_its_client },
	{ "timeout-inflation", "S90", BY_LEADER,
	  "keeps its votes while an honest member is away, so that honest leaders fail; then begins its own view as late as the timers allow, and leads just "
	  "within what is called slow",
	  "Timers that only grow, or shrink late, let a liar take as long as it likes: minutes for each request.",
	  "The back-off is capped, and shrinks with what is executed; how long a request may wait has a bar of its own, with three doublings.",
	  .to_member = inflates, .needs = NEEDS_AWAY },
	{ "recurrent", "R75", BY_LEADER, "keeps the protocol as a backup; each time that it leads it is late, mute, or tells two proposals, in turn",
	  "Each time that its turn comes the service stands still until a timer ends.",
	  "Who lost its office again and again is passed over, by a rule that all compute alike.", .to_member = recurrent },
	{ 0 },
};
