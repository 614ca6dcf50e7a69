#include "replica/execution/epochs.h"

#include "bft/reply.h"

#define KEY "epochs"
#define BYTES (8u + 8u + DIGEST_BYTES + 8u + 1u + 8u + BFT_MEMBERS_MAX * 8u)

static bool read(struct epochs *e, const void *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	bool ok = rd_u64(&r, &e->epoch) && rd_u64(&r, &e->base) && rd_bytes(&r, e->chain.b, DIGEST_BYTES) && rd_u64(&r, &e->border) && rd_u8(&r, &e->member) &&
	          rd_u64(&r, &e->next_incarnation);
	for (uint32_t i = 0; ok && i < BFT_MEMBERS_MAX; i++)
		ok = rd_u64(&r, &e->incarnation[i]);
	return ok && rd_done(&r) && e->member < BFT_MEMBERS_MAX;
}

static enum state_result store(const struct epochs *e, struct state *state)
{
	uint8_t bytes[BYTES];
	struct wr w = wr_of(bytes, sizeof bytes);
	wr_u64(&w, e->epoch);
	wr_u64(&w, e->base);
	wr_bytes(&w, e->chain.b, DIGEST_BYTES);
	wr_u64(&w, e->border);
	wr_u8(&w, e->member);
	wr_u64(&w, e->next_incarnation);
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++)
		wr_u64(&w, e->incarnation[i]);
	return state_put(state, STATE_SYSTEM, KEY, sizeof KEY - 1, bytes, wr_done(&w));
}

enum state_result epochs_load(struct epochs *e, struct state *state, const struct digest *cluster)
{
	const void *value;
	size_t n;
	*e = (struct epochs){ .epoch = 1, .chain = *cluster };
	enum state_result r = state_get(state, STATE_SYSTEM, KEY, sizeof KEY - 1, &value, &n);
	if (r == STATE_NONE)
		return STATE_OK;
	return r == STATE_OK && !read(e, value, n) ? STATE_ERR_DAMAGED : r;
}

bft_seq epochs_border(bft_seq seq, const struct bft_genesis_limits *limits)
{
	bft_seq k = limits->checkpoint_every;
	return (seq + limits->window + k - 1) / k * k;
}

static uint8_t judge(const struct epochs *e, const struct readmit *r, const struct bft_genesis *genesis, const struct sign_scheme *scheme,
                     const struct digest *cluster)
{
	struct statement s;
	if (e->border)
		return RESULT_PENDING;
	if (r->epoch != e->epoch || r->member >= genesis->count || r->incarnation == e->incarnation[r->member])
		return RESULT_FORBIDDEN;
	readmit_statement(&s, r, cluster);
	return scheme->verify(&r->signature, &s, &genesis->cards[r->member].org_key) ? RESULT_DONE : RESULT_FORBIDDEN;
}

enum state_result epochs_readmit(struct epochs *e, struct state *state, const struct bft_genesis *genesis, const struct sign_scheme *scheme,
                                 const struct digest *cluster, bft_seq seq, const uint8_t *entry, size_t n, uint8_t *status)
{
	struct readmit r;
	*status = readmit_decode(&r, entry, n) ? judge(e, &r, genesis, scheme, cluster) : RESULT_FORBIDDEN;
	if (*status != RESULT_DONE)
		return STATE_OK;
	e->border = epochs_border(seq, &genesis->limits);
	e->member = r.member;
	e->next_incarnation = r.incarnation;
	return store(e, state);
}

enum state_result epochs_executed(struct epochs *e, struct state *state, bft_seq seq, const struct digest *chain, bool *crossed)
{
	*crossed = e->border && seq == e->border;
	if (!*crossed)
		return STATE_OK;
	e->epoch++;
	e->base = e->border;
	e->chain = *chain;
	e->incarnation[e->member] = e->next_incarnation;
	e->border = 0;
	e->member = 0;
	e->next_incarnation = 0;
	return store(e, state);
}
