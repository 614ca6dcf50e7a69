/* What a leader does with its office: it proposes the same at several times, what breaks a rule, what was there before, little, or late; and it serves some, then nobody. */
#include "bft/pbft/pbft.h"
#include "bft/proposal.h"
#include "replica/driver_state.h"
#include "tests/sim/scripts.h"

#define BODY_BYTES (1u << 16)

/* ---- another proposal in the place of its own ---- */

/* A proposal as it travels: its bytes, then its bundles. */
struct made {
	struct digest digest;
	size_t head_n, n; /* n 0: only the digest, the others have it */
	uint8_t bytes[BODY_BYTES];
};

static void name(const struct node *d, struct made *m)
{
	proposal_digest(&m->digest, &d->sim->cluster, m->bytes, m->head_n);
}

static const struct proposal_body *own(const struct node *d, const struct digest *digest)
{
	const struct proposal_body *p = bodies_find_proposal(d->driver->bodies, digest);
	return p && bodies_whole(p) && p->total < BODY_BYTES / 2 ? p : NULL;
}

/* Each other replica hears of another time; or one half does. */
static bool at_another_time(struct node *d, const struct proposal_body *p, uint8_t to, struct made *m)
{
	uint64_t later = d->sim->seed / 2 % 2 ? to % 2 : to;
	if (!later)
		return false;
	m->n = bodies_encode(p, m->bytes, sizeof m->bytes);
	m->head_n = p->n;
	struct wr w = wr_of(m->bytes, 8);
	wr_u64(&w, p->head.time_ms + later);
	name(d, m);
	return true;
}

/* One bundle of its own, under a key of its own: it is nobody's client. */
static bool of_one_bundle(struct node *d, const struct proposal_body *p, struct made *m, size_t op_n, bool malformed)
{
	static uint8_t bytes[BODY_BYTES / 2], op[BODY_BYTES / 4];
	struct sim *s = d->sim;
	struct bundle b = {
		.key = s->genesis.cards[d->id].member_key, .kind = BUNDLE_OPS, .session = 1, .number = 1, .count = 1, .ops = op, .ops_bytes = 4 + op_n
	};
	struct statement statement;
	struct signature signature;
	struct digest digest;
	struct wr length = wr_of(op, 4), w = wr_of(m->bytes, sizeof m->bytes);
	wr_u32(&length, malformed ? UINT32_MAX : (uint32_t)op_n);
	size_t n = bundle_encode(&b, bytes, sizeof bytes);
	bundle_digest(&digest, bytes, n);
	bundle_statement(&statement, &s->cluster, &digest);
	s->scheme->sign(&signature, &statement, &s->secret[d->id]);
	struct bft_proposal head = { .time_ms = p->head.time_ms, .count = 1, .digests = digest.b };
	w.at += proposal_encode(&head, m->bytes, sizeof m->bytes);
	m->head_n = (size_t)(w.at - m->bytes);
	wr_u32(&w, (uint32_t)n);
	wr_bytes(&w, signature.b, sizeof signature.b);
	wr_bytes(&w, bytes, n);
	m->n = wr_done(&w);
	name(d, m);
	return m->n > 0;
}

/* A malformed bundle, one that is larger than a proposal may be, one that nobody asked for, or flags that do not exist. The false signature of a client is scripts.c's. */
static bool against_a_rule(struct node *d, const struct proposal_body *p, bft_view view, struct made *m)
{
	switch (liar_whim(d, view) % 5) {
	case 0: return of_one_bundle(d, p, m, 4, true);
	case 1: return of_one_bundle(d, p, m, d->sim->genesis.limits.proposal_bytes_max, false);
	case 2: return of_one_bundle(d, p, m, 4, false);
	case 3:
		m->n = bodies_encode(p, m->bytes, sizeof m->bytes);
		m->head_n = p->n;
		m->bytes[8] = 1;
		name(d, m);
		return true;
	default: return false; /* a false signature, in the body alone */
	}
}

/* Its bundles, and what was executed before: or they themselves again. */
static bool with_more(struct node *d, const struct proposal_body *p, bft_seq seq, struct made *m)
{
	uint8_t digests[2 * 16 * DIGEST_BYTES];
	const struct proposal_body *more = seq > 1 ? own(d, &d->sim->proposal_at[seq - 1]) : NULL, *from[2] = { p, more && more->head.count ? more : p };
	uint32_t count = 0, most = d->sim->genesis.limits.proposal_bundles_max;
	struct bundle_body *bundle[2 * 16];
	for (uint32_t k = 0; k < 2; k++)
		for (uint16_t i = 0; i < from[k]->head.count && count < most && count < 2 * 16; i++)
			bundle[count++] = from[k]->bundles[i];
	for (uint32_t i = 0; i < count; i++)
		memcpy(digests + (size_t)i * DIGEST_BYTES, bundle[i]->digest.b, DIGEST_BYTES);
	struct bft_proposal head = { .time_ms = p->head.time_ms, .count = (uint16_t)count, .digests = digests };
	struct wr w = wr_of(m->bytes, sizeof m->bytes);
	w.at += proposal_encode(&head, m->bytes, sizeof m->bytes);
	m->head_n = (size_t)(w.at - m->bytes);
	for (uint32_t i = 0; i < count; i++) {
		wr_u32(&w, (uint32_t)bundle[i]->n);
		wr_bytes(&w, bundle[i]->signature.b, SIGNATURE_BYTES);
		wr_bytes(&w, bundle[i]->bytes, bundle[i]->n);
	}
	m->n = wr_done(&w);
	name(d, m);
	return m->n > 0;
}

/* In each third slot: what stands in the one before it, what was executed long ago, or its own with something of that. */
static bool once_more(struct node *d, const struct proposal_body *p, bft_view view, bft_seq seq, struct made *m)
{
	struct sim *s = d->sim;
	bft_seq window = s->genesis.limits.window;
	if (seq % 3)
		return false;
	if (liar_whim(d, view) % 3 == 0)
		return p && with_more(d, p, seq, m);
	bool old = liar_whim(d, view) % 3 == 1 && seq > window;
	m->digest = old ? s->proposal_at[seq - window] : d->liar.told[(seq - 1) % LIAR_OLD];
	m->n = 0;
	return !digest_is_zero(&m->digest);
}

/* The same for each vote on that slot, as long as nothing is executed there. */
static bool other(struct node *d, bft_view view, const struct bft_leaf *l, uint8_t to, struct made *m)
{
	const struct proposal_body *p = own(d, &l->digest);
	if (script_has(d, FAULT_TIMES) && p && at_another_time(d, p, to, m))
		return script_acts(d, FAULT_TIMES);
	if (script_has(d, FAULT_BAD_BODY) && p && p->head.count && against_a_rule(d, p, view, m))
		return script_acts(d, FAULT_BAD_BODY);
	return script_has(d, FAULT_AGAIN) && once_more(d, p, view, l->seq, m) && script_acts(d, FAULT_AGAIN);
}

static bool proposes_otherwise(struct node *d, uint8_t to, const struct frame *f)
{
	static struct made m;
	struct opened x;
	bool any = false;
	if (!(script_has(d, FAULT_TIMES) || script_has(d, FAULT_BAD_BODY) || script_has(d, FAULT_AGAIN)) || !script_open(d, &x, f) ||
	    liar_leader(d, x.b->votes.view) != d->id)
		return false;
	for (uint16_t i = 0; i < x.b->votes.count; i++) {
		struct bft_leaf *l = &x.b->votes.leaf[i];
		if (l->kind == BFT_LEAF_PRE_PREPARE)
			d->liar.told[l->seq % LIAR_OLD] = l->digest;
		if (!other(d, x.b->votes.view, l, to, &m))
			continue;
		if (l->kind == BFT_LEAF_PRE_PREPARE && m.n)
			script_send(d, to, script_frame(d, BFT_WIRE_PROPOSAL, x.e.epoch, m.bytes, m.n, false), 0);
		l->digest = m.digest;
		any = true;
	}
	if (any)
		script_send(d, to, script_close(d, &x), 0);
	return any;
}

/* The proposal is as it was agreed, and one of its clients never signed that. */
static bool forges_a_client(struct node *d, uint8_t to, const struct frame *f)
{
	struct bft_proposal head;
	size_t n = f->n - BFT_FRAME_HEAD_BYTES, used = proposal_decode(&head, f->bytes + BFT_FRAME_HEAD_BYTES, n, d->sim->genesis.limits.proposal_bundles_max);
	if (!script_has(d, FAULT_BAD_BODY) || liar_whim(d, d->sim->now / 4000) % 5 != 4 || !used || !head.count || !script_acts(d, FAULT_BAD_BODY))
		return false;
	struct frame *bad = frame_make(f->bytes, f->n, NULL, 0);
	bad->bytes[BFT_FRAME_HEAD_BYTES + used + 4] ^= 1;
	script_send(d, to, bad, 0);
	return true;
}

/* ---- late, and little ---- */

static bool proposes(const struct node *d, const struct frame *f)
{
	struct opened x;
	bool mine = script_open(d, &x, f) && x.e.type == PBFT_VOTES && liar_leader(d, x.b->votes.view) == d->id, any = false;
	for (uint16_t i = 0; mine && i < x.b->votes.count; i++)
		any |= x.b->votes.leaf[i].kind == BFT_LEAF_PRE_PREPARE;
	return any;
}

/* What a backup's bar is at least (protocol, "A slow leader"). */
static uint32_t bar_ms(const struct sim *s)
{
	return 250 + 10 * (2 + s->delay_max_ms);
}

static uint32_t late_ms(struct node *d)
{
	const struct sim *s = d->sim;
	uint32_t timeout = s->genesis.limits.request_timeout_ms, ramp = (uint32_t)((s->now - d->liar.from_ms) / 40);
	if (script_has(d, FAULT_SLOW) && script_acts(d, FAULT_SLOW))
		return timeout * 9 / 10;
	if (script_has(d, FAULT_DANCES) && script_acts(d, FAULT_DANCES))
		return (bar_ms(s) < timeout ? bar_ms(s) : timeout) * 8 / 10;
	if (script_has(d, FAULT_RAMP) && script_acts(d, FAULT_RAMP))
		return ramp < timeout ? ramp : timeout;
	return 0;
}

/* Its core gathers no more than one. */
static void hurries_nobody(struct node *d)
{
	struct pbft *core = (struct pbft *)(void *)d->driver->core;
	core->limits.proposal_bundles_max = script_acts(d, FAULT_TINY) ? 1 : d->sim->genesis.limits.proposal_bundles_max;
}

/* The farthest f are in the dark for six seconds; then everybody is. */
static bool in_the_dark(struct node *d, uint8_t to)
{
	const struct sim *s = d->sim;
	bool far = (to + s->n - d->id) % s->n > s->q - 1, over = s->now >= d->liar.from_ms + 6000;
	return (far || over) && script_acts(d, FAULT_DARK);
}

bool script_leads(struct node *d, uint8_t to, uint16_t type, struct frame *f)
{
	if (script_has(d, FAULT_DARK) && in_the_dark(d, to))
		return true;
	if (type == BFT_WIRE_PROPOSAL)
		return forges_a_client(d, to, f);
	if (type != PBFT_VOTES)
		return false;
	if (proposes_otherwise(d, to, f))
		return true;
	if (!proposes(d, f))
		return false;
	if (script_has(d, FAULT_TINY))
		hurries_nobody(d);
	uint32_t late = late_ms(d);
	if (late)
		network_send_late(d, to, f, late);
	return late > 0;
}
