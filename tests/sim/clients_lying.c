/* A client that lies: the product's client core behind a filter that signs a second bundle under the number of the first, sends to some, to one, or far too often, repeats
 * what is old, plays with numbers, times, sizes and signatures, opens session after session, and writes where it costs most. What it is answered is its own affair; the
 * others must be served, nobody blamed for it, and of two bundles under one number one executed, once. */
#include "bft/envelope.h"
#include "replica/execution/sessions.h"
#include "tests/sim/sim.h"

#define OP_FIRST 1000000u
#define OP_OTHER 0x40000000u /* in the second bundle's operations */
#define OP_LARGE 0x20000000u /* in one that is as large as may be */
#define OLD 32u

struct lying_client {
	uint32_t percent[FAULT_CLIENT_HOT - FAULT_CLIENT_TWO + 1];
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

static void sign_bundle(const struct sim_client *c, struct bft_envelope *e, const uint8_t *bytes, size_t n)
{
	struct digest digest;
	struct statement statement;
	bundle_digest(&digest, bytes, n);
	bundle_statement(&statement, &c->sim->cluster, &digest);
	c->sim->scheme->sign(&e->signature, &statement, &c->secret);
}

/* Signed again, and well-formed. */
static struct frame *close_bundle(const struct sim_client *c, struct opened_bundle *x)
{
	uint8_t bytes[sizeof x->bytes], head[BFT_FRAME_HEAD_BYTES];
	size_t n = bundle_encode(&x->b, bytes, sizeof bytes);
	struct wr w = wr_of(head, sizeof head);
	sign_bundle(c, &x->e, bytes, n);
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

/* A signature that is nobody's, or a bundle that is none. Without a signature any other bundle is simply another request, so there the envelope alone is spoiled. */
static struct frame *spoiled(struct sim_client *c, const struct frame *f)
{
	struct frame *out = frame_make(f->bytes, f->n, NULL, 0);
	struct opened_bundle x;
	bool bare = open_bundle(&x, f) && signature_is_none(&x.e.signature);
	out->bytes[rng_below(&c->sim->lying, bare ? BFT_FRAME_HEAD_BYTES : (uint32_t)f->n)] ^= (uint8_t)(1u << rng_below(&c->sim->lying, 8));
	return out;
}

/* An opening that is void before it is ordered, at that very moment, just within what is allowed, just beyond, or never. */
static struct frame *other_opening(struct sim_client *c, const struct frame *f)
{
	struct sim *s = c->sim;
	struct opened_bundle x;
	uint64_t now = SIM_WALL_MS + s->now, edge[] = { 0, now - 1, now, now + SESSION_VOID_MS_MAX, now + SESSION_VOID_MS_MAX + 1, UINT64_MAX };
	if (!open_bundle(&x, f) || x.b.kind != BUNDLE_OPEN)
		return NULL;
	struct wr w = wr_of(x.bytes + (x.b.ops - x.bytes) + 4, 8);
	wr_u64(&w, edge[rng_below(&s->lying, sizeof edge / sizeof edge[0])]);
	return close_bundle(c, &x);
}

/* By its number, so that everybody gets the same: one as large as a proposal may be, one that is a byte larger, one that says that it is larger than it is. */
static struct frame *large_bundle(const struct sim_client *c, const struct frame *f)
{
	const struct sim *s = c->sim;
	struct opened_bundle x;
	uint32_t most = s->genesis.limits.proposal_bytes_max, name;
	if (!open_bundle(&x, f) || x.b.kind != BUNDLE_OPS || x.b.ops_bytes < 8 || x.b.number % 8 < 5)
		return NULL;
	if (x.b.number % 8 == 7) {
		uint8_t *length = x.bytes + (x.b.ops - x.bytes), *count = length - 2;
		memset(x.b.number % 16 == 7 ? length : count, 0xFF, x.b.number % 16 == 7 ? 4 : 2);
		return frame_make(f->bytes, BFT_FRAME_HEAD_BYTES, x.bytes, x.n);
	}
	uint32_t op_n = most - BUNDLE_HEAD_BYTES - 4 + (x.b.number % 8 == 6);
	uint8_t *ops = calloc(1, 4 + op_n), *bytes = malloc(most + 1), head[BFT_FRAME_HEAD_BYTES];
	struct rd r = rd_of(x.b.ops + 4, 4);
	struct wr w = wr_of(ops, 8), head_w = wr_of(head, sizeof head);
	if (!ops || !bytes)
		abort();
	rd_u32(&r, &name);
	wr_u32(&w, op_n);
	wr_u32(&w, name ^ OP_LARGE);
	x.b.count = 1;
	x.b.ops = ops;
	x.b.ops_bytes = 4 + op_n;
	size_t n = bundle_encode(&x.b, bytes, most + 1);
	sign_bundle(c, &x.e, bytes, n);
	envelope_write(&head_w, &x.e);
	struct frame *out = frame_make(head, sizeof head, bytes, n);
	free(ops);
	free(bytes);
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

static struct frame *unless_left_out(struct sim *s, enum fault_class class, struct frame *lie)
{
	if (!lie || fault_small(s, class))
		return lie;
	frame_release(lie);
	return NULL;
}

void lying_client_send(struct sim_client *c, uint8_t member, struct frame *f)
{
	struct sim *s = c->sim;
	const struct lying_client *l = c->liar;
	struct frame *other = NULL;
	remember(c->liar, f);
	if (lies(c, FAULT_CLIENT_PARTIAL) && member != s->now / 1000 % s->n) /* for a while to one alone */
		return;
	if (member % 2 && lies(c, FAULT_CLIENT_TWO))
		other = second_bundle(c, f);
	if (!other && lies(c, FAULT_CLIENT_NUMBERS))
		other = other_number(c, f);
	if (!other && lies(c, FAULT_CLIENT_EDGE))
		other = other_opening(c, f);
	if (!other && l->percent[FAULT_CLIENT_LARGE - FAULT_CLIENT_TWO] && !s->calm)
		other = unless_left_out(s, FAULT_CLIENT_LARGE, large_bundle(c, f));
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

/* The first 24 bits of their keys' hashes are the same: in the state they stand together, below six nodes of their own. Found by trying 700 million. */
#define HOT_NAMES 40u
#define HOT_BITS 24u
static const uint32_t hot_names[HOT_NAMES] = {
	0x80f991af, 0x81ac2875, 0x8246bbe6, 0x839efc99, 0x8409820b, 0x85e7a29c, 0x8864cdb3, 0x88e9d4b6, 0x8a7079cf, 0x8b5031be,
	0x8bd85b33, 0x8be595ca, 0x8e5eecc4, 0x8f2997f1, 0x9031d8e9, 0x905c9485, 0x910199eb, 0x91b862e1, 0x92041cac, 0x921b6dc6,
	0x92c81013, 0x9478791b, 0x94dd7c88, 0x9691e40a, 0x969dc48a, 0x96afabf0, 0x97cbcd21, 0x9815c978, 0x988deaf2, 0x98b854cb,
	0x98fb04bb, 0x9ac041f5, 0x9c55e760, 0x9db6b4f9, 0x9dce812c, 0x9e0f97f2, 0x9e38933b, 0x9f287a65, 0x9f5f28d1, 0xa0e2d75b,
};

static uint32_t name_of(const struct sim *s, uint32_t op)
{
	const struct lying_client *l = s->client[SIM_LYING_CLIENT].liar;
	return l->percent[FAULT_CLIENT_HOT - FAULT_CLIENT_TWO] && op < HOT_NAMES ? hot_names[op] : OP_FIRST + op;
}

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
	wr_u32(&w, name_of(s, s->lying_ops));
	if (c->open && s->lying_ops < SIM_REQUESTS && client_session_submit(c->session, op, sizeof op, on_nothing, NULL) == QUORATE_OK) {
		if (name_of(s, s->lying_ops) != OP_FIRST + s->lying_ops)
			fault_small(s, FAULT_CLIENT_HOT);
		s->lying_ops++;
	}
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

/* A path takes as many nodes as the keys' hashes agree, and a few more: never as many as there are keys. */
static void check_depth(struct node *d)
{
	uint8_t key[5] = { STATE_USER }, path[STATE_PATH_MAX], bytes[STATE_NODE_BYTES_MAX];
	struct digest hash;
	struct state_node node = { .leaf = false };
	struct wr w = wr_of(key + 1, 4);
	size_t n;
	uint32_t depth = 0;
	wr_u32(&w, hot_names[0]);
	state_key_hash(&hash, key, sizeof key);
	for (; !node.leaf && depth < STATE_PATH_MAX; depth++) {
		path[depth] = depth % 2 ? hash.b[depth / 2] & 15u : hash.b[depth / 2] >> 4;
		if (state_node_read(d->state, path, depth, bytes, &n) != STATE_OK || !state_node_parse(&node, bytes, n))
			return; /* nothing is below */
	}
	if (depth > HOT_BITS / 4 + 4)
		sim_fail(d->sim, "the state: node %u has a path of %u nodes", d->id, depth);
	if (depth > HOT_BITS / 4)
		d->sim->deep_paths++;
}

/* Unless it signed the same under several numbers itself. */
void lying_client_check(struct node *d)
{
	struct sim *s = d->sim;
	struct lying_client *l = s->client[SIM_LYING_CLIENT].liar;
	if (l && l->percent[FAULT_CLIENT_HOT - FAULT_CLIENT_TWO])
		check_depth(d);
	if (!l || l->percent[FAULT_CLIENT_NUMBERS - FAULT_CLIENT_TWO])
		return;
	for (uint32_t i = 0; i < s->lying_ops; i++) {
		uint32_t name = name_of(s, i), large = times(d, name ^ OP_LARGE);
		uint32_t count = times(d, name) + times(d, name ^ OP_OTHER) + large;
		if (count > 1)
			sim_fail(s, "exactly-once: node %u executed the lying client's operation %u %u times", d->id, i, count);
		s->lies_executed += count;
		s->large_executed += large;
	}
}
