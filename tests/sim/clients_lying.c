/* A client that lies: the product's client core behind a filter that signs a second bundle under the number of the first, sends to some, to one, or far too often, repeats
 * what is old, plays with numbers and signatures, and opens session after session. What it is answered is its own affair; the others must be served, nobody blamed for it,
 * and of two bundles under one number one executed, once. */
#include "bft/envelope.h"
#include "tests/sim/sim.h"

#define OP_FIRST 1000000u
#define OP_OTHER 0x40000000u /* in the second bundle's operations */
#define OLD 32u

struct lying_client {
	uint32_t percent[FAULT_CLIENT_CHURN - FAULT_CLIENT_TWO + 1];
	struct frame *old[OLD];
	uint32_t old_next;
};

static bool lies(struct sim_client *c, enum fault_class class)
{
	struct sim *s = c->sim;
	return !s->calm && rng_chance(&s->lying, c->liar->percent[class - FAULT_CLIENT_TWO]) && fault_small(s, class);
}

/* ---- bundles ---- */

struct opened_bundle {
	struct bft_envelope e;
	struct bundle b;
	uint8_t bytes[512]; /* of this client's: small */
	size_t n;
};

static bool open_bundle(struct opened_bundle *x, const struct frame *f)
{
	struct rd r = rd_of(f->bytes, f->n);
	if (!envelope_read(&r, &x->e) || x->e.type != BFT_WIRE_BUNDLE || rd_left(&r) > sizeof x->bytes)
		return false;
	x->n = rd_left(&r);
	memcpy(x->bytes, r.at, x->n);
	return bundle_decode(&x->b, x->bytes, x->n) == NULL;
}

/* Signed again, and well-formed. */
static struct frame *close_bundle(const struct sim_client *c, struct opened_bundle *x)
{
	const struct sim *s = c->sim;
	uint8_t bytes[sizeof x->bytes], head[BFT_FRAME_HEAD_BYTES];
	size_t n = bundle_encode(&x->b, bytes, sizeof bytes);
	struct digest digest;
	struct statement statement;
	struct wr w = wr_of(head, sizeof head);
	bundle_digest(&digest, bytes, n);
	bundle_statement(&statement, &s->cluster, &digest);
	s->scheme->sign(&x->e.signature, &statement, &c->secret);
	envelope_write(&w, &x->e);
	return frame_make(head, sizeof head, bytes, n);
}

/* The same number, other operations. */
static struct frame *second_bundle(const struct sim_client *c, const struct frame *f)
{
	struct opened_bundle x;
	if (!open_bundle(&x, f) || x.b.kind != BUNDLE_OPS || x.b.ops_bytes < 8)
		return NULL;
	x.bytes[(size_t)(x.b.ops - x.bytes) + 7] ^= (uint8_t)(OP_OTHER >> 24); /* u32 length | u32 name, little-endian */
	return close_bundle(c, &x);
}

/* Another number: far ahead, at the end of all numbers, old, or of a session of nobody's. */
static struct frame *other_number(struct sim_client *c, const struct frame *f)
{
	struct sim *s = c->sim;
	struct opened_bundle x;
	if (!open_bundle(&x, f) || x.b.kind != BUNDLE_OPS)
		return NULL;
	switch (rng_below(&s->lying, 6)) {
	case 0: x.b.number = UINT64_MAX; break;
	case 1: x.b.number += 1 + rng_below(&s->lying, 200); break;
	case 2: x.b.number = 1 + rng_below(&s->lying, (uint32_t)x.b.number); break;
	case 3: x.b.after = x.b.number > 1 ? 1 + rng_below(&s->lying, (uint32_t)x.b.number - 1) : 0; break;
	case 4: x.b.reply_mask = rng_next(&s->lying); break;
	default: x.b.session = 1 + rng_below(&s->lying, 1000); break;
	}
	return close_bundle(c, &x);
}

/* A signature that is nobody's, or a bundle that is none. */
static struct frame *spoiled(struct sim_client *c, const struct frame *f)
{
	struct frame *out = frame_make(f->bytes, f->n, NULL, 0);
	out->bytes[rng_below(&c->sim->lying, (uint32_t)f->n)] ^= (uint8_t)(1u << rng_below(&c->sim->lying, 8));
	return out;
}

/* ---- sending ---- */

static void remember(struct lying_client *l, struct frame *f)
{
	struct frame **place = &l->old[l->old_next++ % OLD];
	frame_release(*place);
	f->count++;
	*place = f;
}

static void send_old(struct sim_client *c, uint8_t member)
{
	struct frame *old = c->liar->old[rng_below(&c->sim->lying, OLD)];
	for (uint32_t times = 1 + rng_below(&c->sim->lying, 4); old && times; times--)
		network_request(c->sim, c->id, member, old);
}

void lying_client_send(struct sim_client *c, uint8_t member, struct frame *f)
{
	struct sim *s = c->sim;
	struct frame *other = NULL;
	remember(c->liar, f);
	if (lies(c, FAULT_CLIENT_PARTIAL) && member != s->now / 1000 % s->n) /* for a while to one alone */
		return;
	if (member % 2 && lies(c, FAULT_CLIENT_TWO))
		other = second_bundle(c, f);
	if (!other && lies(c, FAULT_CLIENT_NUMBERS))
		other = other_number(c, f);
	if (!other && lies(c, FAULT_CLIENT_SPOILS))
		other = spoiled(c, f);
	network_request(s, c->id, member, other ? other : f);
	for (uint32_t times = lies(c, FAULT_CLIENT_FLOODS) ? 1 + rng_below(&s->lying, 10) : 0; times; times--)
		network_request(s, c->id, member, other ? other : f);
	if (lies(c, FAULT_CLIENT_OLD))
		send_old(c, member);
	frame_release(other);
}

/* ---- what it asks for ---- */

static void on_nothing(void *user, const struct quorate_answer *a)
{
	(void)user;
	(void)a;
}

static void on_opened(void *user, const struct quorate_answer *a)
{
	struct sim_client *c = user;
	c->open = a->error == QUORATE_OK;
}

/* The old session is forgotten without a word. */
static void churn(struct sim_client *c)
{
	client_session_close(c->session);
	c->open = false;
	c->session = client_session_open(c->core, on_opened, c);
	if (!c->session)
		abort();
}

void lying_client_event(struct sim *s)
{
	struct sim_client *c = &s->client[SIM_LYING_CLIENT];
	uint8_t op[4];
	struct wr w = wr_of(op, sizeof op);
	if (s->calm)
		return;
	if (client_session_dead(c->session) || lies(c, FAULT_CLIENT_CHURN))
		churn(c);
	wr_u32(&w, OP_FIRST + s->lying_ops);
	if (c->open && s->lying_ops < SIM_REQUESTS && client_session_submit(c->session, op, sizeof op, on_nothing, NULL) == QUORATE_OK)
		s->lying_ops++;
	sim_at(s, (struct sim_event){ .at = s->now + 20 + rng_below(&s->lying, 300), .kind = SIM_CLIENT_LIES });
}

/* ---- life ---- */

/* It is there in a third of the seeds, and never where nothing happens. */
bool lying_client_draw(struct sim *s)
{
	struct rng *plan = &s->faults.plan[FAULT_CLIENT];
	struct lying_client *l = calloc(1, sizeof *l);
	bool any = rng_chance(plan, 35);
	if (!l)
		abort();
	for (uint32_t i = 0; i < sizeof l->percent / sizeof l->percent[0]; i++)
		l->percent[i] = rng_chance(plan, 50) ? 2 + rng_below(plan, 40) : 0;
	if (!any || s->quiet || !fault(s, FAULT_CLIENT, "a client lies")) {
		free(l);
		return false;
	}
	s->client[SIM_LYING_CLIENT].liar = l;
	return true;
}

void lying_client_create(struct sim *s)
{
	if (s->client[SIM_LYING_CLIENT].liar)
		sim_at(s, (struct sim_event){ .at = 200, .kind = SIM_CLIENT_LIES });
}

void lying_client_destroy(struct sim *s)
{
	struct lying_client *l = s->client[SIM_LYING_CLIENT].liar;
	for (uint32_t i = 0; l && i < OLD; i++)
		frame_release(l->old[i]);
	free(l);
}

/* ---- exactly-once ---- */

static uint32_t times(struct node *d, uint32_t name)
{
	uint8_t key[4];
	const void *value;
	size_t n;
	struct wr w = wr_of(key, sizeof key);
	wr_u32(&w, name);
	return state_get(d->state, STATE_USER, key, sizeof key, &value, &n) == STATE_OK && n == 1 ? *(const uint8_t *)value : 0;
}

/* Unless it signed the same under several numbers itself. */
void lying_client_check(struct node *d)
{
	struct sim *s = d->sim;
	struct lying_client *l = s->client[SIM_LYING_CLIENT].liar;
	if (!l || l->percent[FAULT_CLIENT_NUMBERS - FAULT_CLIENT_TWO])
		return;
	for (uint32_t i = 0; i < s->lying_ops; i++) {
		uint32_t count = times(d, OP_FIRST + i) + times(d, (OP_FIRST + i) ^ OP_OTHER);
		if (count > 1)
			sim_fail(s, "exactly-once: node %u executed the lying client's operation %u %u times", d->id, i, count);
		s->lies_executed += count;
	}
}
