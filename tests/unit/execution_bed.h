/* tests/unit/execution_bed.h - an execution over a state of its own, fed with proposals of bundles, and an application that does what the operation says. */
#ifndef TESTS_UNIT_EXECUTION_BED_H
#define TESTS_UNIT_EXECUTION_BED_H
#include "bft/reply.h"
#include "replica/execution/call.h"
#include "replica/execution/execution.h"
#include "tests/unit/state_bed.h"

#define XBED_K 4u
#define XBED_BUNDLES 8u

struct xbed {
	struct state_bed state;
	struct bft_genesis genesis; /* with `limits` */
	struct bft_genesis_limits limits;
	struct digest cluster;
	struct bodies *bodies;
	struct execution *x;
	struct executed done;
	uint64_t calls; /* of the application */
	/* the proposal that is being made */
	uint8_t named[XBED_BUNDLES * DIGEST_BYTES];
	struct bundle_body *bundle[XBED_BUNDLES];
	uint16_t count;
};

/* The operation's first byte says what to do:
 *   p KEY: put KEY = number of the call, answer it     g KEY: answer its value     d KEY: delete it
 *   r n: an answer of n quarters of a MiB              l n: put a value of n KiB under 'l', answer the result
 *   m KEY: put, in a mark that stays open              M: three marks left open    z KEY: put in a mark, undone
 *   o: overwrite one value of 2 MiB until it is FULL; answer how often             x: fail
 *   t: answer the time                                 n: answer nothing           c: answer the count of keys */
static inline int xbed_execute(void *user, const struct quorate_call *call, struct quorate_reply *reply)
{
	static uint8_t big[STATE_VALUE_MAX];
	struct xbed *b = user;
	const uint8_t *op = call->op;
	const void *value;
	size_t n;
	uint8_t said;
	uint32_t times = 0;
	uint64_t count;
	struct quorate_mark mark;
	b->calls++;
	if (call->op_bytes == 0)
		return 0;
	const uint8_t *key = op + 1;
	size_t key_bytes = call->op_bytes - 1;
	switch (op[0]) {
	case 'p':
		said = (uint8_t)quorate_state_put(call->state, key, key_bytes, &call->number, 8);
		quorate_reply_add(reply, &said, 1);
		return 0;
	case 'g':
		if (quorate_state_get(call->state, key, key_bytes, &value, &n) == QUORATE_STATE_OK)
			quorate_reply_add(reply, value, n);
		return 0;
	case 'd':
		said = (uint8_t)quorate_state_delete(call->state, key, key_bytes);
		quorate_reply_add(reply, &said, 1);
		return 0;
	case 'r':
		for (uint8_t i = 0; i < op[1]; i++)
			for (int k = 0; k < 16; k++)
				quorate_reply_add(reply, big, 16384);
		return 0;
	case 'l':
		said = (uint8_t)quorate_state_put(call->state, "l", 1, big, (size_t)op[1] << 10);
		quorate_reply_add(reply, &said, 1);
		return 0;
	case 'm':
		quorate_state_mark(call->state);
		quorate_state_put(call->state, key, key_bytes, "m", 1);
		return 0;
	case 'M':
		for (int i = 0; i < 3; i++)
			quorate_state_mark(call->state);
		return 0;
	case 'z':
		mark = quorate_state_mark(call->state);
		quorate_state_put(call->state, key, key_bytes, "z", 1);
		return quorate_state_rollback(call->state, mark) != QUORATE_STATE_OK;
	case 'o':
		while (times < 1000 && quorate_state_put(call->state, "o", 1, big, sizeof big) == QUORATE_STATE_OK)
			times++;
		/* What would be kept for undoing a deletion is bounded alike. */
		if (quorate_state_delete(call->state, "o", 1) != QUORATE_STATE_FULL)
			times = 0;
		quorate_reply_add(reply, &times, sizeof times);
		return 0;
	case 't': quorate_reply_add(reply, &call->time_ms, 8); return 0;
	case 'c':
		count = quorate_state_count(call->state);
		quorate_reply_add(reply, &count, 8);
		return 0;
	case 'x': return 1;
	default: return 0;
	}
}

static inline struct bft_genesis_limits xbed_limits(void)
{
	return (struct bft_genesis_limits){
		.window = 8,
		.checkpoint_every = XBED_K,
		.snapshot_bytes = 1u << 30,
		.state_bytes = 64u << 20,
		.snapshot_seqs = 1000,
		.proposal_bytes_max = 8u << 20,
		.proposal_bundles_max = XBED_BUNDLES,
		.sessions_per_key = 4,
		.session_window = 8,
	};
}

static inline void xbed_begin(struct xbed *b)
{
	struct quorate_app app = { .user = b, .execute = xbed_execute };
	b->genesis.limits = b->limits;
	b->genesis.count = 4;
	b->x = execution_create(b->state.state, &b->genesis, &sign_ed25519, &b->cluster, &app);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->x);
}

static inline void xbed_create(struct xbed *b, const struct bft_genesis_limits *limits)
{
	memset(b, 0, sizeof *b);
	bed_create(&b->state);
	b->limits = *limits;
	memset(b->cluster.b, 7, sizeof b->cluster.b);
	struct bodies_limits bodies = { limits->proposal_bundles_max, limits->proposal_bytes_max, (size_t)1 << 30 };
	b->bodies = bodies_create(&bodies, &b->cluster);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->bodies);
	xbed_begin(b);
}

static inline void xbed_forget(struct xbed *b)
{
	while (b->count)
		bodies_unref(b->bodies, b->bundle[--b->count]);
}

static inline void xbed_destroy(struct xbed *b)
{
	xbed_forget(b);
	execution_destroy(b->x);
	bodies_destroy(b->bodies);
	bed_destroy(&b->state);
}

/* The process ends and begins again: what came after the snapshot is gone. */
static inline void xbed_restart(struct xbed *b)
{
	execution_destroy(b->x);
	CU_ASSERT_EQUAL_FATAL(bed_reopen(&b->state), STATE_OK);
	xbed_begin(b);
}

/* ---- a proposal, bundle by bundle ---- */

static inline void xbed_add(struct xbed *b, const struct bundle *bundle)
{
	static uint8_t bytes[BFT_BUNDLE_BYTES_MAX];
	static const struct signature none;
	struct digest digest;
	size_t n = bundle_encode(bundle, bytes, sizeof bytes);
	CU_ASSERT_FATAL(n > 0 && b->count < XBED_BUNDLES);
	bundle_digest(&digest, bytes, n);
	memcpy(b->named + (size_t)b->count * DIGEST_BYTES, digest.b, DIGEST_BYTES);
	b->bundle[b->count++] = bodies_add_bundle(b->bodies, &digest, &none, bytes, n);
}

static inline struct public_key xbed_key(uint8_t client)
{
	struct public_key k;
	memset(k.b, client, sizeof k.b);
	return k;
}

static inline void xbed_open(struct xbed *b, uint8_t client, uint64_t number, uint64_t void_ms)
{
	uint8_t op[12];
	struct wr w = wr_of(op, sizeof op);
	wr_u32(&w, 8);
	wr_u64(&w, void_ms);
	struct bundle x = { .key = xbed_key(client), .kind = BUNDLE_OPEN, .number = number, .count = 1, .ops = op, .ops_bytes = sizeof op };
	xbed_add(b, &x);
}

/* Operations are given as texts, ended by NULL. */
static inline void xbed_request(struct xbed *b, uint8_t client, uint64_t session, uint64_t number, const char *const *ops)
{
	uint8_t bytes[512];
	struct wr w = wr_of(bytes, sizeof bytes);
	struct bundle x = { .key = xbed_key(client), .session = session, .number = number, .ops = bytes };
	for (; ops[x.count]; x.count++) {
		wr_u32(&w, (uint32_t)strlen(ops[x.count]));
		wr_bytes(&w, ops[x.count], strlen(ops[x.count]));
	}
	x.ops_bytes = wr_done(&w);
	xbed_add(b, &x);
}

#define XBED_OPS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static inline void xbed_kind(struct xbed *b, uint8_t client, uint64_t session, uint64_t number, enum bundle_kind kind)
{
	struct bundle x = { .key = xbed_key(client), .kind = (uint8_t)kind, .session = session, .number = number, .ops = (const uint8_t *)"" };
	xbed_add(b, &x);
}

/* Proposes what was added, at `time_ms`, and executes it. */
static inline bool xbed_run(struct xbed *b, uint64_t time_ms)
{
	uint8_t bytes[PROPOSAL_BYTES(XBED_BUNDLES)];
	struct bft_proposal p = { .time_ms = time_ms, .count = b->count, .digests = b->named };
	size_t n = proposal_encode(&p, bytes, sizeof bytes);
	struct digest digest;
	proposal_digest(&digest, &b->cluster, bytes, n);
	struct proposal_body *body = bodies_find_proposal(b->bodies, &digest);
	if (!body)
		body = bodies_add_proposal(b->bodies, &digest, bytes, n, 0);
	bool ok = execution_run(b->x, body, &b->done);
	xbed_forget(b);
	return ok;
}

/* Empty proposals up to `seq`. */
static inline void xbed_idle(struct xbed *b, bft_seq seq, uint64_t time_ms)
{
	while (execution_seq(b->x) < seq)
		CU_ASSERT_FATAL(xbed_run(b, time_ms));
}

static inline struct result xbed_result(const struct xbed *b, uint16_t i)
{
	struct result r = { .status = RESULT_STATUS_END };
	CU_ASSERT(result_decode(&r, b->done.bytes + b->done.result[i].at, b->done.result[i].n));
	return r;
}

/* The value of operation `op` of bundle `i`. */
static inline const uint8_t *xbed_value(const struct xbed *b, uint16_t i, uint16_t op, uint32_t *n)
{
	struct result r = xbed_result(b, i);
	struct rd rd = rd_of(r.values, r.values_bytes);
	const uint8_t *value = NULL;
	for (uint16_t k = 0; k <= op; k++)
		if (!rd_u32(&rd, n) || !(value = rd_take(&rd, *n)))
			return NULL;
	return value;
}

static inline uint64_t xbed_u64(const struct xbed *b, uint16_t i, uint16_t op)
{
	uint32_t n = 0;
	uint64_t v = 0;
	const uint8_t *value = xbed_value(b, i, op, &n);
	if (value && n <= 8)
		memcpy(&v, value, n);
	return value && n ? v : UINT64_MAX;
}

/* Opens a session in a proposal of its own. */
static inline uint64_t xbed_session(struct xbed *b, uint8_t client, uint64_t number, uint64_t time_ms)
{
	xbed_open(b, client, number, time_ms + 1000);
	CU_ASSERT_FATAL(xbed_run(b, time_ms));
	CU_ASSERT_EQUAL_FATAL(xbed_result(b, 0).status, RESULT_DONE);
	return xbed_u64(b, 0, 0);
}
#endif
