#include "replica/execution/execution.h"

#include "bft/check.h"
#include "replica/execution/call.h"
#include "replica/execution/epochs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SNAPSHOT_GAP_MS 10000u /* between two that requests ask for, in agreed time */

struct execution {
	struct state *state;
	const struct sign_scheme *scheme;
	struct bft_genesis_limits limits;
	struct session_limits sessions;
	struct epochs epochs;
	struct digest cluster;
	struct quorate_app app;
	bft_seq seq;
	struct digest chain;
	uint64_t time_ms;
	uint64_t bytes_since; /* agreed bytes since the snapshot */
	bft_seq snapshot_seq, snapshot_due;
	bool failed;
	char trouble[256];
	/* results of the proposal: one after another, each with room for its record's head before it */
	uint8_t *out;
	size_t out_used, out_capacity;
};

static bool fail(struct execution *x, const char *what, const char *why)
{
	x->failed = true;
	snprintf(x->trouble, sizeof x->trouble, "%s: %s", what, why);
	return false;
}

static bool state_ok(struct execution *x, enum state_result r, const char *what)
{
	return r == STATE_OK || fail(x, what, state_text(r));
}

struct execution *execution_create(struct state *state, const struct bft_genesis *genesis, const struct sign_scheme *scheme, const struct digest *cluster,
                                   const struct quorate_app *app)
{
	const struct bft_genesis_limits *limits = &genesis->limits;
	struct execution *x = calloc(1, sizeof *x);
	if (!x)
		return NULL;
	struct state_meta meta = state_meta(state);
	x->state = state;
	x->scheme = scheme;
	x->limits = *limits;
	x->sessions = (struct session_limits){ limits->session_window, limits->sessions_per_key, limits->state_bytes };
	x->cluster = *cluster;
	x->app = *app;
	x->seq = x->snapshot_seq = meta.seq;
	x->chain = meta.seq ? meta.chain : *cluster;
	x->time_ms = meta.time_ms;
	(void)state_ok(x, epochs_load(&x->epochs, state, genesis, cluster), "reading the epoch");
	return x;
}

void execution_destroy(struct execution *x)
{
	if (!x)
		return;
	free(x->out);
	free(x);
}

bft_seq execution_seq(const struct execution *x)
{
	return x->seq;
}

const struct digest *execution_chain(const struct execution *x)
{
	return &x->chain;
}

uint64_t execution_time_ms(const struct execution *x)
{
	return x->time_ms;
}

const char *execution_trouble(const struct execution *x)
{
	return x->trouble;
}

/* ---- room for results ---- */

static bool room(struct execution *x, size_t n)
{
	if (x->out_used + n <= x->out_capacity)
		return true;
	size_t capacity = x->out_capacity ? x->out_capacity : 64u << 10;
	while (capacity < x->out_used + n)
		capacity *= 2;
	uint8_t *out = realloc(x->out, capacity);
	if (!out)
		return fail(x, "results", "no memory");
	x->out = out;
	x->out_capacity = capacity;
	return true;
}

/* Opens a result: head space, then values are appended by the call. */
static bool result_begin(struct execution *x, struct execution_result *r)
{
	if (!room(x, SESSION_RECORD_HEAD + RESULT_HEAD_BYTES))
		return false;
	x->out_used += SESSION_RECORD_HEAD;
	r->at = x->out_used;
	x->out_used += RESULT_HEAD_BYTES;
	return true;
}

static void result_end(struct execution *x, struct execution_result *r, const struct bundle *b, uint8_t status, uint16_t count)
{
	struct result head = { .session = b->session, .number = b->number, .status = status, .count = status == RESULT_DONE ? count : 0 };
	if (status != RESULT_DONE)
		x->out_used = r->at + RESULT_HEAD_BYTES;
	result_encode(&head, x->out + r->at, RESULT_HEAD_BYTES);
	r->n = x->out_used - r->at;
}

static bool result_status(struct execution *x, struct execution_result *r, const struct bundle *b, uint8_t status)
{
	if (!result_begin(x, r))
		return false;
	result_end(x, r, b, status, 0);
	return true;
}

/* Done, with one value: a u64. */
static bool result_number(struct execution *x, struct execution_result *r, const struct bundle *b, uint64_t number)
{
	uint8_t value[12];
	if (!result_begin(x, r) || !room(x, sizeof value))
		return false;
	struct wr w = wr_of(value, sizeof value);
	wr_u32(&w, 8);
	wr_u64(&w, number);
	memcpy(x->out + x->out_used, value, sizeof value);
	x->out_used += sizeof value;
	result_end(x, r, b, RESULT_DONE, 1);
	return true;
}

/* ---- what callbacks may do (call.h) ---- */

bool call_append(struct call_buffer *c, const void *bytes, size_t n)
{
	struct execution *x = c->owner;
	if (c->too_large || n > RESULT_BYTES_MAX || x->out_used - c->start + n > RESULT_BYTES_MAX || !room(x, n)) {
		c->too_large = true;
		return false;
	}
	if (n)
		memcpy(x->out + x->out_used, bytes, n);
	x->out_used += n;
	return true;
}

static bool run_op(struct execution *x, const struct bundle *b, uint16_t index, const uint8_t *op, uint32_t n, struct call_buffer *buffer)
{
	static const uint8_t zeros[4];
	struct quorate_state view = { .state = x->state, .bytes_max = x->limits.state_bytes };
	struct quorate_reply reply = { .buffer = buffer };
	struct quorate_call call = { .state = &view,
		                     .op = op,
		                     .op_bytes = n,
		                     .seq = x->seq + 1,
		                     .time_ms = x->time_ms,
		                     .client = b->key.b,
		                     .session = b->session,
		                     .number = b->number,
		                     .index = index };
	size_t length_at = x->out_used;
	if (!call_append(buffer, zeros, sizeof zeros))
		return !x->failed;
	if (x->app.execute(x->app.user, &call, &reply) != 0)
		return fail(x, "the application could not execute an operation", view.failed ? state_text(view.result) : "its own error");
	if (view.failed)
		return fail(x, "the state", state_text(view.result));
	if (x->failed)
		return false; /* no memory for its answer: not the same as an answer that is too large */
	call_release_marks(&view);
	struct wr w = wr_of(x->out + length_at, sizeof zeros);
	wr_u32(&w, (uint32_t)(x->out_used - length_at - sizeof zeros));
	return true;
}

/* All operations of a bundle, or none: what does not fit into a reply, or into the state, is undone as a whole. */
static bool run_ops(struct execution *x, const struct bundle *b, struct execution_result *r)
{
	if (!result_begin(x, r))
		return false;
	struct state_mark mark = state_mark(x->state);
	struct call_buffer buffer = { .owner = x, .start = r->at };
	struct rd ops = rd_of(b->ops, b->ops_bytes);
	const uint8_t *op;
	uint32_t n;
	uint16_t index = 0;
	while (!buffer.too_large && bundle_next_op(&ops, &op, &n))
		if (!run_op(x, b, index++, op, n, &buffer))
			return false;
	uint8_t status = buffer.too_large ? RESULT_TOO_LARGE : RESULT_DONE;
	/* A large result is kept in the state like everything else, so it counts. Small ones always fit: the physical limit lies above the agreed one. */
	if (status == RESULT_DONE && x->out_used - r->at > 1024 && state_bytes(x->state) + (x->out_used - r->at) > x->limits.state_bytes)
		status = RESULT_QUOTA;
	if (status == RESULT_DONE)
		state_release(x->state, mark);
	else if (!state_ok(x, state_rollback(x->state, mark), "undoing a request"))
		return false;
	result_end(x, r, b, status, index);
	return true;
}

static bool run_open(struct execution *x, const struct bundle *b, uint32_t index, struct execution_result *r)
{
	struct session_opening opening;
	if (!state_ok(x, sessions_open(x->state, &x->sessions, b, &r->digest, x->seq + 1, index, x->time_ms, &opening), "opening a session"))
		return false;
	if (opening.status != RESULT_DONE)
		return result_status(x, r, b, opening.status);
	if (!result_number(x, r, b, opening.session))
		return false;
	r->repeated = opening.seq != x->seq + 1;
	r->seq = opening.seq;
	r->digest = opening.bundle;
	return true;
}

/* When a request last asked for a snapshot; one that was due anyhow does not count, else who asks would wait for ever where those are frequent. */
static bool asked_ms(struct execution *x, uint64_t *out)
{
	const void *value;
	size_t n;
	*out = 0;
	enum state_result r = state_get(x->state, STATE_SYSTEM, "asked", 5, &value, &n);
	struct rd rd = r == STATE_OK ? rd_of(value, n) : rd_of(NULL, 0);
	if (r == STATE_OK && !rd_u64(&rd, out))
		r = STATE_ERR_DAMAGED;
	return r == STATE_NONE || state_ok(x, r, "reading when a snapshot was asked for");
}

/* At the next checkpoint, so that the snapshot's place is one that certificates name. */
static bool ask_snapshot(struct execution *x, uint8_t *status)
{
	uint64_t last, k = x->limits.checkpoint_every;
	uint8_t now[8];
	*status = RESULT_DONE;
	if (x->snapshot_due)
		return true; /* one is on its way */
	if (!asked_ms(x, &last))
		return false;
	if (last && x->time_ms < last + SNAPSHOT_GAP_MS) {
		*status = RESULT_LATER;
		return true;
	}
	struct wr w = wr_of(now, sizeof now);
	wr_u64(&w, x->time_ms);
	x->snapshot_due = (x->seq + 1 + k - 1) / k * k;
	return state_ok(x, state_put(x->state, STATE_SYSTEM, "asked", 5, now, sizeof now), "keeping when a snapshot was asked for");
}

static bool run_change(struct execution *x, const struct bundle *b, struct execution_result *r)
{
	struct rd ops = rd_of(b->ops, b->ops_bytes);
	const uint8_t *entry = NULL;
	uint32_t n = 0;
	uint8_t status;
	(void)bundle_next_op(&ops, &entry, &n);
	if (!state_ok(x, epochs_change(&x->epochs, x->state, x->scheme, &x->cluster, x->seq + 1, b->kind, entry, n, &status), "keeping the next epoch"))
		return false;
	return status == RESULT_DONE ? result_number(x, r, b, x->epochs.border) : result_status(x, r, b, status);
}

static bool run_in_session(struct execution *x, const struct bundle *b, struct execution_result *r)
{
	if (b->kind == BUNDLE_SNAPSHOT) {
		uint8_t status;
		return ask_snapshot(x, &status) && result_status(x, r, b, status);
	}
	if (b->kind == BUNDLE_READMIT || b->kind == BUNDLE_ROTATE || b->kind == BUNDLE_RECONFIGURE)
		return run_change(x, b, r);
	if (b->kind == BUNDLE_CLOSE)
		return state_ok(x, sessions_close(x->state, &x->sessions, &b->key, b->session), "closing a session") && result_status(x, r, b, RESULT_DONE);
	return run_ops(x, b, r);
}

static bool repeat(struct execution *x, const struct session_answer *a, struct execution_result *r)
{
	if (!room(x, a->result_bytes))
		return false;
	r->at = x->out_used;
	r->n = a->result_bytes;
	memcpy(x->out + r->at, a->result, a->result_bytes);
	x->out_used += a->result_bytes;
	r->repeated = true;
	r->seq = a->seq;
	r->digest = a->bundle;
	return true;
}

static bool run_bundle(struct execution *x, const struct bundle *b, uint32_t index, struct execution_result *r)
{
	if (b->kind == BUNDLE_OPEN)
		return run_open(x, b, index, r);
	if (b->kind == BUNDLE_PASS_OVER)
		return run_change(x, b, r); /* of no session, and of no use twice: nothing is kept */
	struct session_answer a;
	if (!state_ok(x, sessions_judge(x->state, &x->sessions, b, &a), "reading a session"))
		return false;
	if (a.judgement == SESSION_REPEATED)
		return repeat(x, &a, r);
	if (a.judgement == SESSION_REFUSED && a.status != RESULT_AFTER)
		return result_status(x, r, b, a.status);
	bool ran = a.judgement == SESSION_REFUSED ? result_status(x, r, b, a.status) : run_in_session(x, b, r);
	if (!ran || b->kind == BUNDLE_CLOSE)
		return ran;
	uint8_t *record = x->out + r->at - SESSION_RECORD_HEAD;
	return state_ok(x, sessions_record(x->state, &x->sessions, b, &r->digest, x->seq + 1, record, r->n), "keeping a result");
}

static void decide_snapshot(struct execution *x, size_t bytes)
{
	uint64_t k = x->limits.checkpoint_every;
	x->bytes_since += bytes;
	bool much = x->bytes_since >= x->limits.snapshot_bytes || x->seq - x->snapshot_seq >= x->limits.snapshot_seqs;
	if (!x->snapshot_due && much)
		x->snapshot_due = (x->seq + k - 1) / k * k;
}

bool execution_run(struct execution *x, const struct proposal_body *p, struct executed *out)
{
	BFT_CHECK(bodies_whole(p) && !(x->snapshot_due && x->seq >= x->snapshot_due));
	if (x->failed)
		return false;
	x->out_used = 0;
	/* Time is clamped here, so it never falls, whoever leads (design section 4). */
	if (p->head.time_ms > x->time_ms)
		x->time_ms = p->head.time_ms;
	out->seq = x->seq + 1;
	out->proposal = p->digest;
	out->count = p->head.count;
	for (uint16_t i = 0; i < p->head.count; i++) {
		struct execution_result *r = &out->result[i];
		*r = (struct execution_result){ .id = p->bundles[i]->id, .bundle = p->bundles[i], .seq = out->seq, .digest = p->bundles[i]->digest };
		if (!run_bundle(x, &p->bundles[i]->head, i, r))
			return false;
		out->ids[i] = r->id;
		result_leaf(&out->leaf[i], r->seq, &r->digest, x->out + r->at, r->n);
	}
	results_root(&out->root, out->leaf, out->count);
	chain_next(&out->chain, &x->chain, out->seq, &p->digest, &out->root);
	out->bytes = x->out;
	x->chain = out->chain;
	x->seq = out->seq;
	decide_snapshot(x, p->total);
	bool crossed;
	if (!state_ok(x, epochs_executed(&x->epochs, x->state, x->seq, &x->chain, &crossed), "beginning an epoch"))
		return false;
	if (crossed)
		x->snapshot_due = x->seq;
	return true;
}

const struct epochs *execution_epochs(const struct execution *x)
{
	return &x->epochs;
}

bft_seq execution_snapshot_due(const struct execution *x)
{
	return x->snapshot_due;
}

bool execution_snapshot(struct execution *x)
{
	BFT_CHECK(x->snapshot_due && x->seq == x->snapshot_due);
	struct state_meta meta = { .seq = x->seq, .time_ms = x->time_ms, .chain = x->chain };
	uint8_t time[8];
	struct wr w = wr_of(time, sizeof time);
	wr_u64(&w, x->time_ms);
	/* Under the root, so that whoever gets this state from others need not believe them. */
	if (!state_ok(x, state_put(x->state, STATE_SYSTEM, "time", 4, time, sizeof time), "committing the state"))
		return false;
	if (!state_ok(x, state_snapshot(x->state, &meta), "committing the state"))
		return false;
	x->snapshot_seq = x->seq;
	x->snapshot_due = 0;
	x->bytes_since = 0;
	return true;
}

struct state_meta execution_snapshot_meta(const struct execution *x)
{
	return state_meta(x->state);
}

bool execution_read(struct execution *x, const struct public_key *client, const uint8_t *op, size_t n, const uint8_t **value, size_t *value_bytes)
{
	if (x->failed || !x->app.read)
		return false;
	x->out_used = 0;
	struct call_buffer buffer = { .owner = x };
	struct quorate_state view = { .state = x->state, .read_only = true };
	struct quorate_reply reply = { .buffer = &buffer };
	struct quorate_call call = { .state = &view, .op = op, .op_bytes = n, .seq = x->seq, .time_ms = x->time_ms, .client = client->b };
	int r = x->app.read(x->app.user, &call, &reply);
	if (view.failed)
		return fail(x, "the state", state_text(view.result));
	if (r != 0 || buffer.too_large || view.wrote)
		return false;
	*value = x->out;
	*value_bytes = x->out_used;
	return true;
}

bool execution_lookup(struct execution *x, const struct bundle *b, struct session_answer *out)
{
	*out = (struct session_answer){ .judgement = SESSION_FRESH };
	if (b->kind == BUNDLE_OPEN || b->kind == BUNDLE_PASS_OVER)
		return true; /* executed again, an opening gives the same session, and a passing over changes nothing */
	return state_ok(x, sessions_judge(x->state, &x->sessions, b, out), "reading a session");
}
