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
	if (c->kind == BUNDLE_PASS_OVER && k->rosters >= EPOCH_ROSTERS_MAX)
		return false;
	if (c->kind == BUNDLE_RECONFIGURE)
		return epoch_keys_room(k, reconfigure_cards(&c->reconfigure));
	return true;
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
	memset(e, 0, offsetof(struct epochs, keys));
	e->epoch = 1;
	e->chain = *cluster;
	epoch_keys_init(&e->keys, genesis);
	enum state_result r = state_get(state, STATE_SYSTEM, KEY, sizeof KEY - 1, &value, &n);
	if (r == STATE_NONE)
		return STATE_OK;
	if (r != STATE_OK)
		return r;
	return read(e, value, n) ? load_keys(e, state) : STATE_ERR_DAMAGED;
}

bft_seq epochs_border(bft_seq seq, const struct bft_genesis_limits *limits)
{
	bft_seq k = limits->checkpoint_every;
	return (seq + limits->window + k - 1) / k * k;
}

/* ---- voices ---- */

#define VOICE_KEY "voice/"
#define VOICE_KEY_BYTES (sizeof VOICE_KEY - 1 + PUBLIC_KEY_BYTES)

static void voice_key(uint8_t key[VOICE_KEY_BYTES], const struct public_key *org)
{
	memcpy(key, VOICE_KEY, sizeof VOICE_KEY - 1);
	memcpy(key + sizeof VOICE_KEY - 1, org->b, PUBLIC_KEY_BYTES);
}

enum state_result epochs_voice(struct reconfigure *out, struct state *state, const struct public_key *org)
{
	uint8_t key[VOICE_KEY_BYTES];
	const void *value;
	size_t n;
	voice_key(key, org);
	enum state_result r = state_get(state, STATE_SYSTEM, key, sizeof key, &value, &n);
	if (r != STATE_OK)
		return r;
	return reconfigure_decode(out, value, n) && out->approvals == 1 && public_key_equal(&out->by[0].org, org) ? STATE_OK : STATE_ERR_DAMAGED;
}

/* One voice for each organization: its last. So as many are kept as there are organizations, whatever anybody sends. */
static enum state_result speak(struct state *state, const struct reconfigure *r, uint8_t i)
{
	uint8_t key[VOICE_KEY_BYTES], bytes[RECONFIGURE_BYTES_MAX];
	struct reconfigure one = *r;
	one.approvals = 1;
	one.by[0] = r->by[i];
	voice_key(key, &r->by[i].org);
	return state_put(state, STATE_SYSTEM, key, sizeof key, bytes, reconfigure_encode(&one, bytes, sizeof bytes));
}

enum state_result epochs_gather(struct reconfigure *want, const struct epoch_keys *k, struct state *state)
{
	struct digest name, other;
	reconfigure_digest(&name, want);
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		const struct bft_card *card = epoch_card(k, (uint8_t)i, k->epoch);
		struct reconfigure voice;
		enum state_result r = card ? epochs_voice(&voice, state, &card->org_key) : STATE_NONE;
		if (r == STATE_NONE)
			continue;
		if (r != STATE_OK)
			return r;
		reconfigure_digest(&other, &voice);
		if (digest_equal(&name, &other))
			(void)reconfigure_add(want, &card->org_key, &voice.by[0].signature);
	}
	return STATE_OK;
}

static enum state_result silence(const struct epoch_keys *k, struct state *state)
{
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		const struct bft_card *card = epoch_card(k, (uint8_t)i, k->epoch);
		uint8_t key[VOICE_KEY_BYTES];
		if (!card)
			continue;
		voice_key(key, &card->org_key);
		enum state_result r = state_delete(state, STATE_SYSTEM, key, sizeof key);
		if (r != STATE_OK && r != STATE_NONE)
			return r;
	}
	return STATE_OK;
}

/* ---- entries and the border ---- */

static uint8_t judge(const struct epochs *e, const struct epoch_change *c, const struct sign_scheme *scheme, const struct digest *cluster)
{
	if (e->border)
		return RESULT_PENDING;
	if (c->kind == BUNDLE_READMIT && c->readmit.incarnation == e->incarnation[c->readmit.member])
		return RESULT_FORBIDDEN;
	return epoch_change_holds(c, &e->keys, scheme, cluster) ? RESULT_DONE : RESULT_FORBIDDEN;
}

static enum state_result fix(struct epochs *e, struct state *state, bft_seq seq, const struct epoch_change *c)
{
	e->border = epochs_border(seq, &e->keys.genesis->limits);
	e->next = *c;
	return store(e, state);
}

/* Whoever has no organization's key costs one signature. */
static uint8_t judge_wish(const struct epochs *e, const struct reconfigure *want, const struct sign_scheme *scheme, const struct digest *cluster)
{
	if (e->border)
		return RESULT_PENDING;
	bool good = want->epoch == e->keys.epoch && reconfigure_signed(want, &e->keys, scheme, cluster) && !reconfigure_check(want, &e->keys, scheme);
	return good ? RESULT_DONE : RESULT_FORBIDDEN;
}

/* Its approvals are kept until there are enough. */
static enum state_result approve(struct epochs *e, struct state *state, const struct sign_scheme *scheme, const struct digest *cluster, bft_seq seq,
                                 struct epoch_change *c, uint8_t *status)
{
	struct reconfigure *want = &c->reconfigure;
	enum state_result r = STATE_OK;
	*status = judge_wish(e, want, scheme, cluster);
	for (uint8_t i = 0; *status == RESULT_DONE && r == STATE_OK && i < want->approvals; i++)
		r = speak(state, want, i);
	if (*status != RESULT_DONE || r != STATE_OK)
		return r;
	r = epochs_gather(want, &e->keys, state);
	struct reconfigure_progress p = reconfigure_progress(want, &e->keys);
	return r == STATE_OK && p.have >= p.need ? fix(e, state, seq, c) : r;
}

enum state_result epochs_change(struct epochs *e, struct state *state, const struct sign_scheme *scheme, const struct digest *cluster, bft_seq seq,
                                uint8_t kind, const uint8_t *entry, size_t n, uint8_t *status)
{
	struct epoch_change c;
	*status = RESULT_FORBIDDEN;
	if (!epoch_change_decode(&c, kind, entry, n))
		return STATE_OK;
	if (kind == BUNDLE_RECONFIGURE)
		return approve(e, state, scheme, cluster, seq, &c, status);
	*status = judge(e, &c, scheme, cluster);
	return *status == RESULT_DONE ? fix(e, state, seq, &c) : STATE_OK;
}

/* Whoever gets that number has lost nothing yet. */
static void forget_incarnations(struct epochs *e, bft_mask of)
{
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++)
		if (of & BFT_BIT(i))
			e->incarnation[i] = 0;
}

enum state_result epochs_executed(struct epochs *e, struct state *state, bft_seq seq, const struct digest *chain, bool *crossed)
{
	*crossed = e->border && seq == e->border;
	if (!*crossed)
		return STATE_OK;
	enum state_result r = silence(&e->keys, state);
	if (r != STATE_OK)
		return r;
	e->epoch++;
	e->base = e->border;
	e->chain = *chain;
	if (e->next.kind == BUNDLE_READMIT)
		e->incarnation[e->next.readmit.member] = e->next.readmit.incarnation;
	if (e->next.kind == BUNDLE_RECONFIGURE)
		forget_incarnations(e, reconfigure_touched(&e->next.reconfigure));
	epoch_change_apply(&e->next, &e->keys, e->base);
	r = store_record(e, state);
	e->border = 0;
	e->next = (struct epoch_change){ 0 };
	return r == STATE_OK ? store(e, state) : r;
}
