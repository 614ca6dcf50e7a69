/* Scripts: what a liar does always, from its time on, instead of now and then: the attacks of the catalogue that are a habit of sending. Some withhold, some send too much,
 * some spoil what they pass on. They run before the habits of liar.c. Leaders, those who serve states, and those who claim things have files of their own. */
#include "tests/sim/scripts.h"

bool script_has(const struct node *d, enum fault_class class)
{
	return (d->liar.scripts >> (class - FAULT_SCRIPTS_FIRST) & 1) && d->sim->now >= d->liar.from_ms;
}

bool script_acts(struct node *d, enum fault_class class)
{
	return script_has(d, class) && fault_small(d->sim, class);
}

static bool plays(const struct node *d, enum fault_class class)
{
	return script_has(d, class);
}

static bool acts(struct node *d, enum fault_class class)
{
	return script_acts(d, class);
}

/* ---- frames ---- */

bool script_open(const struct node *d, struct opened *x, const struct frame *f)
{
	struct rd r = rd_of(f->bytes, f->n);
	x->b = d->sim->said;
	if (!envelope_read(&r, &x->e) || x->e.signer != BFT_SIGNER_CHANNEL || x->e.type < PBFT_VOTES)
		return false;
	x->core_n = pbft_decode(x->e.type, x->b, r.at, rd_left(&r));
	x->tail = r.at + x->core_n;
	x->tail_n = rd_left(&r) - x->core_n;
	return x->core_n > 0;
}

struct frame *script_close(struct node *d, struct opened *x)
{
	uint8_t body[1 << 16], head[BFT_FRAME_HEAD_BYTES];
	size_t n = pbft_encode(x->e.type, x->b, body, sizeof body);
	struct wr w = wr_of(head, sizeof head);
	if (!n || n + x->tail_n > sizeof body)
		return NULL;
	liar_sign(d, &x->e, body, n, &x->b->votes);
	envelope_write(&w, &x->e);
	memcpy(body + n, x->tail, x->tail_n);
	return frame_make(head, sizeof head, body, n + x->tail_n);
}

struct frame *script_frame(struct node *d, uint16_t type, bft_epoch epoch, const uint8_t *body, size_t n, bool sign)
{
	uint8_t head[BFT_FRAME_HEAD_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = epoch };
	struct wr w = wr_of(head, sizeof head);
	if (sign && type >= PBFT_VOTES && type < PBFT_TYPE_END && (type != PBFT_VOTES || pbft_decode(type, d->sim->said, body, n)))
		liar_sign(d, &e, body, n, d->sim->said);
	envelope_write(&w, &e);
	return frame_make(head, sizeof head, body, n);
}

void script_send(struct node *d, uint8_t to, struct frame *f, uint64_t late_ms)
{
	if (f)
		network_send_late(d, to, f, late_ms);
	frame_release(f);
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
	struct opened x;
	*changed = false;
	if (!script_open(d, &x, f) || x.e.type != PBFT_VOTES)
		return NULL;
	struct bft_votes *v = &x.b->votes;
	uint16_t kept = 0;
	for (uint16_t i = 0; i < v->count; i++) {
		bool proposal = v->leaf[i].kind == BFT_LEAF_PRE_PREPARE;
		bool goes = proposal && (acts(d, FAULT_MUTE) || (v->leaf[i].seq % 5 == 0 && acts(d, FAULT_HOLE)));
		*changed |= goes;
		if (!goes)
			v->leaf[kept++] = v->leaf[i];
	}
	v->count = kept;
	return *changed && kept ? script_close(d, &x) : NULL;
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
	struct opened x;
	if (!script_open(d, &x, f))
		return;
	bft_view view = x.b->view_change.view;
	for (uint32_t k = 1; k <= 4; k++) {
		x.b->view_change.view = k == 4 ? 1ull << 40 : view + k;
		script_send(d, to, script_close(d, &x), 0);
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
	bool changed = false;
	if (!d->liar.scripts || s->now < d->liar.from_ms)
		return false;
	script_remembers(d, f);
	if (type == PBFT_STATUS && signer == BFT_SIGNER_CHANNEL) {
		script_pins(d, to);
		script_claims(d, to);
	}
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
	if (script_leads(d, to, type, f) || script_serves(d, to, type, f) || script_votes_twice(d, to, type, f) || script_proves_otherwise(d, to, type, f))
		return true;
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

static bool is_of(const struct frame *f, const struct sim_client *c)
{
	return f->n > BFT_FRAME_HEAD_BYTES + sizeof c->key.b && memcmp(f->bytes + BFT_FRAME_HEAD_BYTES, c->key.b, sizeof c->key.b) == 0;
}

/* A leader that does not hear one of the clients, nor those who pass on what it asks for; or that hears all but one late. The one is the client that lies, if there is
 * one. */
bool script_is_deaf(struct node *d, const struct sim_event *e)
{
	struct sim *s = d->sim;
	uint8_t signer;
	if (!(plays(d, FAULT_CENSORS) || plays(d, FAULT_UNFAIR)) || type_of(e->frame, &signer) != BFT_WIRE_BUNDLE)
		return false;
	if (plays(d, FAULT_CENSORS) && is_of(e->frame, &s->client[s->seed % SIM_CLIENTS]) && acts(d, FAULT_CENSORS))
		return true;
	if (!plays(d, FAULT_UNFAIR) || e->value || is_of(e->frame, &s->client[s->clients_count > SIM_CLIENTS ? SIM_LYING_CLIENT : s->seed % SIM_CLIENTS]) ||
	    !acts(d, FAULT_UNFAIR))
		return false;
	struct sim_event late = *e;
	late.at = s->now + 150 + s->genesis.limits.request_timeout_ms / 4;
	late.value = 1; /* it is heard then */
	late.frame->count++;
	sim_at(s, late);
	return true;
}

bool script_about_state(const struct sim *s)
{
	bool any = false;
	for (uint32_t i = 0; i < s->n; i++)
		for (uint32_t class = FAULT_FALSE_STATE; class <= FAULT_PINS; class ++)
			any |= s->node[i].liar.lies && (s->node[i].liar.scripts >> (class - FAULT_SCRIPTS_FIRST) & 1);
	return any;
}

/* One or two of them; some liars have habits beside them. Half of the liars have one or two of the later ones, drawn apart, whatever else they do. */
uint64_t script_draw(struct rng *plan)
{
	uint32_t count = FAULT_LIARS_CLOCK - FAULT_SCRIPTS_FIRST + 1;
	uint64_t one = 1ull << rng_below(plan, count), other = 1ull << rng_below(plan, count);
	return rng_chance(plan, 50) ? one : one | other;
}

uint64_t script_draw_later(struct rng *plan)
{
	uint32_t first = FAULT_TIMES - FAULT_SCRIPTS_FIRST, count = FAULT_SCRIPTS_LAST - FAULT_TIMES + 1;
	bool any = rng_chance(plan, 50), two = rng_chance(plan, 40);
	uint64_t one = 1ull << (first + rng_below(plan, count)), other = 1ull << (first + rng_below(plan, count));
	if (two && one >> (FAULT_TINY - FAULT_SCRIPTS_FIRST) & 1) /* one request, just before each timer runs out */
		other = 1ull << (FAULT_SLOW - FAULT_SCRIPTS_FIRST);
	return !any ? 0 : two ? one | other : one;
}
