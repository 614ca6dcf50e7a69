/* Those who serve the state, and those who fetch it: false parts of it, the true ones too late, and questions that never end. */
#include "bft/certificate.h"
#include "replica/driver_state.h"
#include "tests/sim/scripts.h"

/* STATE = u64 seq | u32 question | u16 count | parts */
#define STATE_HEAD_BYTES 14u
#define COUNT_AT (BFT_FRAME_HEAD_BYTES + 12u)

struct part {
	const uint8_t *at;
	size_t n;
	bool node;
};

/* An entry's part begins like a node's; only its bytes tell. */
static bool next_part(struct rd *r, struct part *p)
{
	struct state_node node;
	uint32_t n;
	p->at = r->at;
	const uint8_t *bytes = rd_u32(r, &n) ? rd_take(r, n) : NULL;
	p->node = bytes && state_node_parse(&node, bytes, n);
	if (bytes && !p->node)
		bytes = rd_u32(r, &n) ? rd_take(r, n) : NULL;
	p->n = (size_t)(r->at - p->at);
	return bytes != NULL;
}

static uint32_t parts_of(const struct frame *f, struct part part[TRANSFER_ITEMS_MAX])
{
	struct rd r = rd_of(f->bytes + BFT_FRAME_HEAD_BYTES + STATE_HEAD_BYTES, f->n - BFT_FRAME_HEAD_BYTES - STATE_HEAD_BYTES);
	uint32_t count = 0;
	while (!rd_done(&r) && count < TRANSFER_ITEMS_MAX && next_part(&r, &part[count]))
		count++;
	return count;
}

static struct frame *with_parts(const struct frame *f, const struct part *part, uint32_t count)
{
	struct frame *out = frame_make(f->bytes, f->n, f->bytes, f->n); /* with room for more */
	struct wr w = wr_of(out->bytes + BFT_FRAME_HEAD_BYTES + STATE_HEAD_BYTES, f->n), head = wr_of(out->bytes + COUNT_AT, 2);
	for (uint32_t i = 0; i < count; i++)
		wr_bytes(&w, part[i].at, part[i].n);
	wr_u16(&head, (uint16_t)count);
	out->n = BFT_FRAME_HEAD_BYTES + STATE_HEAD_BYTES + wr_done(&w);
	return out;
}

/* ---- false ---- */

static void flip(struct sim *s, struct frame *f, size_t at, size_t n)
{
	if (n)
		f->bytes[at + rng_below(&s->lying, (uint32_t)n)] ^= (uint8_t)(1u << rng_below(&s->lying, 8));
}

/* True nodes and entries, each in another's place. */
static struct frame *misplaced(struct sim *s, const struct frame *f)
{
	struct part part[TRANSFER_ITEMS_MAX], first;
	uint32_t count = parts_of(f, part), by = count > 1 ? 1 + rng_below(&s->lying, count - 1) : 0;
	if (!by)
		return NULL;
	first = part[0];
	part[0] = part[by];
	part[by] = first;
	return with_parts(f, part, count);
}

/* The root, whatever was asked for. */
static struct frame *root_again(struct node *d, uint8_t to, const struct frame *f)
{
	uint8_t node[4 + STATE_NODE_BYTES_MAX];
	size_t n;
	struct wr w = wr_of(node, 4);
	const struct transfer_view *v = d->driver->lease[to].view;
	if (!v || state_view_node(v->view, NULL, 0, node + 4, &n) != STATE_OK)
		return NULL;
	wr_u32(&w, (uint32_t)n);
	struct part part = { node, 4 + n, true };
	return 4 + n <= f->n ? with_parts(f, &part, 1) : NULL;
}

static struct frame *false_state(struct node *d, uint8_t to, const struct frame *f)
{
	struct sim *s = d->sim;
	size_t head = BFT_FRAME_HEAD_BYTES + STATE_HEAD_BYTES;
	uint32_t how = rng_below(&s->lying, 7);
	struct frame *out = how == 0 ? misplaced(s, f) : how == 1 ? root_again(d, to, f) : NULL;
	if (out)
		return out;
	out = frame_make(f->bytes, f->n, "", 1);
	out->n = f->n;
	switch (how) {
	case 2: flip(s, out, BFT_FRAME_HEAD_BYTES, 8); break;     /* of another snapshot  */
	case 3: flip(s, out, BFT_FRAME_HEAD_BYTES + 8, 4); break; /* to another question  */
	case 4: flip(s, out, COUNT_AT, 2); break;                 /* more, or fewer, than there are */
	case 5: out->n += 1; break;
	case 6: out->n -= rng_below(&s->lying, (uint32_t)(f->n - head) + 1); break;
	default: flip(s, out, head, f->n - head); break;
	}
	return out;
}

/* A certificate for another root or sequence: the liars' own words are true, those of the rest are about something else. */
static struct frame *false_offer(struct node *d, const struct frame *f)
{
	struct sim *s = d->sim;
	struct rd r = rd_of(f->bytes + BFT_FRAME_HEAD_BYTES, f->n - BFT_FRAME_HEAD_BYTES);
	static struct certificate c;
	static uint8_t bytes[CERTIFICATE_BYTES_MAX];
	if (!certificate_read(&r, &c) || !c.count)
		return NULL;
	if (rng_chance(&s->lying, 50))
		c.root.b[0] ^= 1;
	else
		c.seq += s->genesis.limits.checkpoint_every;
	struct bft_snapshot said = { .seq = c.seq, .chain = c.digest, .root = c.root };
	struct bft_envelope e = { .type = PBFT_SNAPSHOT, .epoch = c.epoch };
	uint8_t body[128];
	size_t n = pbft_encode(PBFT_SNAPSHOT, &said, body, sizeof body);
	for (uint8_t i = 0; i < c.count; i++)
		if (s->node[c.by[i].member].liar.lies) {
			liar_sign(&s->node[c.by[i].member], &e, body, n, NULL);
			c.by[i].signature = e.signature;
		}
	return frame_make(f->bytes, BFT_FRAME_HEAD_BYTES, bytes, certificate_encode(&c, bytes, sizeof bytes));
}

/* ---- late ---- */

#define LATE_MS 900u /* a source that takes a second has stalled */

static struct frame *first_part(const struct frame *f)
{
	struct part part[TRANSFER_ITEMS_MAX];
	return parts_of(f, part) ? with_parts(f, part, 1) : NULL;
}

bool script_serves(struct node *d, uint8_t to, uint16_t type, struct frame *f)
{
	struct sim *s = d->sim;
	struct frame *other = NULL;
	if (type != BFT_WIRE_STATE && type != BFT_WIRE_OFFER)
		return false;
	if (script_has(d, FAULT_FALSE_STATE) && rng_chance(&s->lying, 50) && script_acts(d, FAULT_FALSE_STATE))
		other = type == BFT_WIRE_STATE ? false_state(d, to, f) : false_offer(d, f);
	if (!other && type == BFT_WIRE_STATE && script_acts(d, FAULT_SLOW_STATE)) {
		other = first_part(f);
		script_send(d, to, other, LATE_MS);
		return other != NULL;
	}
	bool any = other != NULL;
	script_send(d, to, other, 0);
	return any;
}

/* ---- for ever ---- */

/* What this member serves to it, or has: its root, one question after the other, and what comes goes nowhere. */
void script_pins(struct node *d, uint8_t to)
{
	const struct node *other = &d->sim->node[to];
	uint8_t body[STATE_HEAD_BYTES + 2], zero = 0;
	struct wr w = wr_of(body, sizeof body);
	if (!script_has(d, FAULT_PINS) || !other->driver || !script_acts(d, FAULT_PINS))
		return;
	const struct transfer_view *v = other->driver->lease[d->id].view;
	if (!v || rng_chance(&d->sim->lying, 1))
		script_send(d, to, script_frame(d, BFT_WIRE_FETCH_OFFER, d->driver->epoch, &zero, 1, false), 0);
	wr_u64(&w, v ? v->seq : other->seen.snapshot);
	wr_u32(&w, (uint32_t)d->sim->now);
	wr_u16(&w, 1);
	wr_u8(&w, TRANSFER_NODE);
	wr_u8(&w, 0);
	script_send(d, to, script_frame(d, BFT_WIRE_FETCH_STATE, d->driver->epoch, body, wr_done(&w), false), 0);
}
