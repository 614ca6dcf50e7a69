#include "replica/execution/epochs.h"

#include "bft/reply.h"

#define KEY "epochs"
#define RECORD_KEY "epoch/"
#define RECORD_KEY_BYTES (sizeof RECORD_KEY - 1 + 8u)
#define BYTES (8u + 8u + DIGEST_BYTES + 8u + EPOCH_CHANGE_BYTES_MAX + BFT_MEMBERS_MAX * 8u)

/* ---- the rows ---- */

static bool read(struct epochs *e, const void *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	bool ok = rd_u64(&r, &e->epoch) && rd_u64(&r, &e->base) && rd_bytes(&r, e->chain.b, DIGEST_BYTES) && rd_u64(&r, &e->border);
	if (ok && e->border)
		ok = epoch_change_read(&r, &e->next);
	for (uint32_t i = 0; ok && i < BFT_MEMBERS_MAX; i++)
		ok = rd_u64(&r, &e->incarnation[i]);
	return ok && rd_done(&r) && e->epoch;
}

static enum state_result store(const struct epochs *e, struct state *state)
{
	uint8_t bytes[BYTES];
	struct wr w = wr_of(bytes, sizeof bytes);
	wr_u64(&w, e->epoch);
	wr_u64(&w, e->base);
	wr_bytes(&w, e->chain.b, DIGEST_BYTES);
	wr_u64(&w, e->border);
	if (e->border)
		epoch_change_write(&w, &e->next);
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++)
		wr_u64(&w, e->incarnation[i]);
	return state_put(state, STATE_SYSTEM, KEY, sizeof KEY - 1, bytes, wr_done(&w));
}

/* Highest byte first: in the order of their numbers. */
static void record_key(uint8_t key[RECORD_KEY_BYTES], bft_epoch epoch)
{
	memcpy(key, RECORD_KEY, sizeof RECORD_KEY - 1);
	for (uint32_t i = 0; i < 8; i++)
		key[sizeof RECORD_KEY - 1 + i] = (uint8_t)(epoch >> (56 - 8 * i));
}

static enum state_result store_record(const struct epochs *e, struct state *state)
{
	uint8_t key[RECORD_KEY_BYTES], bytes[EPOCH_RECORD_BYTES_MAX];
	struct epoch_record record = { .epoch = e->epoch, .base = e->base, .chain = e->chain, .change = e->next };
	struct wr w = wr_of(bytes, sizeof bytes);
	record_key(key, e->epoch);
	epoch_record_write(&w, &record);
	return state_put(state, STATE_SYSTEM, key, sizeof key, bytes, wr_done(&w));
}

enum state_result epochs_record(struct epoch_record *out, struct state *state, bft_epoch epoch)
{
	uint8_t key[RECORD_KEY_BYTES];
	const void *value;
	size_t n;
	record_key(key, epoch);
	enum state_result result = state_get(state, STATE_SYSTEM, key, sizeof key, &value, &n);
	if (result != STATE_OK)
		return result;
	struct rd r = rd_of(value, n);
	return epoch_record_read(&r, out) && rd_done(&r) && out->epoch == epoch ? STATE_OK : STATE_ERR_DAMAGED;
}

/* ---- loading ---- */

/* Execution let no more in. */
static bool room_for(const struct epoch_keys *k, const struct epoch_change *c)
{
	if (c->kind == BUNDLE_ROTATE && k->count >= EPOCH_CHANGES_MAX)
		return false;
	if (c->kind == BUNDLE_PASS_OVER && k->orders >= EPOCH_ORDERS_MAX)
		return false;
	return epoch_change_member(c) < k->genesis->count;
}

static enum state_result load_keys(struct epochs *e, struct state *state)
{
	while (e->keys.epoch < e->epoch) {
		struct epoch_record record;
		enum state_result r = epochs_record(&record, state, e->keys.epoch + 1);
		if (r != STATE_OK)
			return r == STATE_NONE ? STATE_ERR_DAMAGED : r;
		if (!room_for(&e->keys, &record.change))
			return STATE_ERR_DAMAGED;
		epoch_change_apply(&record.change, &e->keys, record.base);
	}
	return e->keys.base == e->base ? STATE_OK : STATE_ERR_DAMAGED;
}

enum state_result epochs_load(struct epochs *e, struct state *state, const struct bft_genesis *genesis, const struct digest *cluster)
{
	const void *value;
	size_t n;
	*e = (struct epochs){ .epoch = 1, .chain = *cluster };
	epoch_keys_init(&e->keys, genesis);
	enum state_result r = state_get(state, STATE_SYSTEM, KEY, sizeof KEY - 1, &value, &n);
	if (r == STATE_NONE)
		return STATE_OK;
	if (r != STATE_OK)
		return r;
	return read(e, value, n) ? load_keys(e, state) : STATE_ERR_DAMAGED;
}

/* ---- entries and the border ---- */

bft_seq epochs_border(bft_seq seq, const struct bft_genesis_limits *limits)
{
	bft_seq k = limits->checkpoint_every;
	return (seq + limits->window + k - 1) / k * k;
}

static uint8_t judge(const struct epochs *e, const struct epoch_change *c, const struct sign_scheme *scheme, const struct digest *cluster)
{
	if (e->border)
		return RESULT_PENDING;
	if (c->kind == BUNDLE_READMIT && c->readmit.incarnation == e->incarnation[c->readmit.member])
		return RESULT_FORBIDDEN;
	return epoch_change_holds(c, &e->keys, scheme, cluster) ? RESULT_DONE : RESULT_FORBIDDEN;
}

enum state_result epochs_change(struct epochs *e, struct state *state, const struct sign_scheme *scheme, const struct digest *cluster, bft_seq seq,
                                uint8_t kind, const uint8_t *entry, size_t n, uint8_t *status)
{
	struct epoch_change c;
	*status = epoch_change_decode(&c, kind, entry, n) ? judge(e, &c, scheme, cluster) : RESULT_FORBIDDEN;
	if (*status != RESULT_DONE)
		return STATE_OK;
	e->border = epochs_border(seq, &e->keys.genesis->limits);
	e->next = c;
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
	if (e->next.kind == BUNDLE_READMIT)
		e->incarnation[e->next.readmit.member] = e->next.readmit.incarnation;
	epoch_change_apply(&e->next, &e->keys, e->base);
	enum state_result r = store_record(e, state);
	e->border = 0;
	e->next = (struct epoch_change){ 0 };
	return r == STATE_OK ? store(e, state) : r;
}
