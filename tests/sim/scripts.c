/* Scripts: what a liar does always, from its time on, instead of now and then: the attacks of the catalogue that are a habit of sending. Some withhold, some send too much,
 * some spoil what they pass on. They run before the habits of liar.c. */
#include "bft/envelope.h"
#include "tests/sim/sim.h"

static bool plays(const struct node *d, enum fault_class class)
{
	return (d->liar.scripts >> (class - FAULT_SILENT) & 1) && d->sim->now >= d->liar.from_ms;
}

static bool acts(struct node *d, enum fault_class class)
{
	return plays(d, class) && fault_small(d->sim, class);
}

static uint16_t type_of(const struct frame *f, uint8_t *signer)
{
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	if (!envelope_read(&r, &e))
		return 0;
	*signer = e.signer;
	return e.type;
}

/* ---- withholding ---- */

/* Who is told all the same: one of them, another one every few seconds. */
static bool is_the_one(const struct node *d, uint8_t to)
{
	return (d->sim->now / 4000 + d->id) % d->sim->n == to;
}

static bool withholds(struct node *d, uint8_t to, uint16_t type)
{
	switch (type) {
	case BFT_WIRE_BUNDLE:
	case BFT_WIRE_PROPOSAL: return plays(d, FAULT_NO_BODY) && !is_the_one(d, to) && acts(d, FAULT_NO_BODY);
	case PBFT_NEW_VIEW: return plays(d, FAULT_NO_NEW_VIEW) && !is_the_one(d, to) && acts(d, FAULT_NO_NEW_VIEW);
	case PBFT_CHECKPOINT:
	case PBFT_SNAPSHOT:
	case PBFT_STABLE: return acts(d, FAULT_NO_CHECKPOINT);
	default: return false;
	}
}

/* The votes without the proposals: all of them, or each fifth sequence's. NULL: nothing is left. `changed` says whether anything went. */
static struct frame *without_proposals(struct node *d, const struct frame *f, bool *changed)
{
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	union pbft_body *b = d->sim->said;
	uint8_t body[8192], head[BFT_FRAME_HEAD_BYTES];
	*changed = false;
	if (!envelope_read(&r, &e) || e.type != PBFT_VOTES || e.signer != BFT_SIGNER_CHANNEL || !pbft_decode(e.type, b, r.at, rd_left(&r)))
		return NULL;
	uint16_t kept = 0;
	for (uint16_t i = 0; i < b->votes.count; i++) {
		bool proposal = b->votes.leaf[i].kind == BFT_LEAF_PRE_PREPARE;
		bool goes = proposal && (acts(d, FAULT_MUTE) || (b->votes.leaf[i].seq % 5 == 0 && acts(d, FAULT_HOLE)));
		*changed |= goes;
		if (!goes)
			b->votes.leaf[kept++] = b->votes.leaf[i];
	}
	b->votes.count = kept;
	size_t n = *changed && kept ? pbft_encode(PBFT_VOTES, b, body, sizeof body) : 0;
	if (!n)
		return NULL;
	struct wr w = wr_of(head, sizeof head);
	liar_sign(d, &e, body, n, &b->votes);
	envelope_write(&w, &e);
	return frame_make(head, sizeof head, body, n);
}

/* ---- too much ---- */

static void again(struct node *d, uint8_t to, struct frame *f, uint32_t times)
{
	while (times--)
		network_send(d, to, f);
}

static void spoiled(struct node *d, uint8_t to, const struct frame *f)
{
	struct frame *bad = frame_make(f->bytes, f->n, NULL, 0);
	bad->bytes[BFT_FRAME_HEAD_BYTES - 1 - rng_below(&d->sim->lying, SIGNATURE_BYTES)] ^= 1;
	network_send(d, to, bad);
	frame_release(bad);
}

/* The same VIEW-CHANGE for the views after it, and for one that nobody will see. */
static void views(struct node *d, uint8_t to, const struct frame *f)
{
	struct sim *s = d->sim;
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	union pbft_body *b = s->said;
	uint8_t body[1 << 16], head[BFT_FRAME_HEAD_BYTES];
	size_t core_n;
	if (!envelope_read(&r, &e) || e.signer != BFT_SIGNER_CHANNEL || !(core_n = pbft_decode(e.type, b, r.at, rd_left(&r))))
		return;
	bft_view view = b->view_change.view;
	for (uint32_t k = 1; k <= 4; k++) {
		b->view_change.view = k == 4 ? 1ull << 40 : view + k;
		size_t n = pbft_encode(e.type, b, body, sizeof body), tail = rd_left(&r) - core_n;
		struct wr w = wr_of(head, sizeof head);
		if (!n || n + tail > sizeof body)
			return;
		liar_sign(d, &e, body, n, &b->votes);
		envelope_write(&w, &e);
		memcpy(body + n, r.at + core_n, tail);
		struct frame *x = frame_make(head, sizeof head, body, n + tail);
		network_send(d, to, x);
		frame_release(x);
	}
}

static bool asks(uint16_t type)
{
	return type == BFT_WIRE_FETCH || type == BFT_WIRE_FETCH_OFFER || type == BFT_WIRE_FETCH_STATE || type == PBFT_FETCH_CHAIN ||
	       type == PBFT_FETCH_VIEW_CHANGE || type == PBFT_STATUS || type == PBFT_RECALL;
}

/* ---- the whole ---- */

bool script_plays(struct node *d, uint8_t to, struct frame *f)
{
	struct sim *s = d->sim;
	uint8_t signer = 0;
	uint16_t type = type_of(f, &signer);
	bool changed;
	if (!d->liar.scripts || s->now < d->liar.from_ms)
		return false;
	if (acts(d, FAULT_SILENT) || withholds(d, to, type))
		return true;
	if (signer != BFT_SIGNER_CHANNEL && acts(d, FAULT_RELAYS)) {
		spoiled(d, to, f);
		return true;
	}
	if (type == BFT_WIRE_BUNDLE && acts(d, FAULT_FALSE_BODY)) {
		spoiled(d, to, f);
		return true;
	}
	if (type == PBFT_VOTES && acts(d, FAULT_LATE)) {
		network_send_late(d, to, f, 20 + rng_below(&s->lying, 1500));
		return true;
	}
	struct frame *less = type == PBFT_VOTES && (plays(d, FAULT_MUTE) || plays(d, FAULT_HOLE)) ? without_proposals(d, f, &changed) : NULL;
	if (less) {
		network_send(d, to, less);
		frame_release(less);
		return true;
	}
	if (type == PBFT_VOTES && (plays(d, FAULT_MUTE) || plays(d, FAULT_HOLE)) && changed)
		return true;
	if (type == PBFT_VOTES && acts(d, FAULT_FLOODS))
		again(d, to, f, 6);
	if (type == PBFT_VOTES && acts(d, FAULT_FALSE_VOTES))
		spoiled(d, to, f);
	if (type == PBFT_VIEW_CHANGE && acts(d, FAULT_VIEWS))
		views(d, to, f);
	if (asks(type) && acts(d, FAULT_PULLS))
		again(d, to, f, 5);
	return false;
}

/* A leader that does not hear one of the clients, nor those who pass on what it asks for. */
bool script_is_deaf(struct node *d, const struct sim_event *e)
{
	const struct sim *s = d->sim;
	const struct public_key *key = &s->client[s->seed % SIM_CLIENTS].key;
	uint8_t signer;
	if (!plays(d, FAULT_CENSORS) || type_of(e->frame, &signer) != BFT_WIRE_BUNDLE)
		return false;
	return e->frame->n > BFT_FRAME_HEAD_BYTES + sizeof key->b && memcmp(e->frame->bytes + BFT_FRAME_HEAD_BYTES, key->b, sizeof key->b) == 0 &&
	       acts(d, FAULT_CENSORS);
}

/* One or two of them; some liars have habits beside them. */
uint32_t script_draw(struct rng *plan)
{
	uint32_t count = FAULT_SCRIPTS_LAST - FAULT_SILENT + 1, one = 1u << rng_below(plan, count), other = 1u << rng_below(plan, count);
	return rng_chance(plan, 50) ? one : one | other;
}
