/* How requests end: by an answer that f+1 members give, by a refusal, or by time. */
#include "client/core_state.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- telling ---- */

static void tell_parts(const struct client_part *parts, uint32_t count, struct quorate_answer *a, struct rd *values)
{
	for (uint32_t i = 0; i < count; i++) {
		for (uint16_t k = 0; k < parts[i].calls; k++) {
			uint32_t n = 0;
			const uint8_t *value = NULL;
			if (values && !rd_done(values)) {
				bool read = bundle_next_op(values, &value, &n);
				BFT_CHECK(read); /* fits() */
			}
			a->value = value;
			a->value_bytes = n;
			if (parts[i].done)
				parts[i].done(parts[i].user, a);
			a->index++;
		}
	}
}

void client_work_end(struct client_work *work, uint64_t session, enum quorate_error error, const char *reason)
{
	struct client_part part = { .calls = (uint16_t)client_work_ops(work), .done = work->done, .user = work->user };
	struct quorate_answer a = { .error = error, .session = session, .reason = reason };
	free(work);
	tell_parts(&part, 1, &a, NULL);
}

/* Whoever hears of it may ask again, or close the session: `r` is let go of first. */
static void tell(struct client_request *r, struct quorate_answer *a, struct rd *values, bool keep)
{
	struct client_session *s = r->session;
	struct client_core *c = s->core;
	struct client_part *parts = r->parts;
	uint32_t count = r->parts_count;
	r->parts = NULL;
	r->parts_count = 0;
	a->session = r->session_id;
	a->number = r->number;
	if (keep)
		client_session_keep(s, r);
	else
		client_request_free(c, r);
	client_session_ready(s);
	client_changed(s);
	tell_parts(parts, count, a, values);
	free(parts);
}

static void end_now(struct client_core *c, struct client_ending *e)
{
	if (!e->is_request) {
		struct client_work *work = (struct client_work *)e;
		client_work_end(work, work->session, e->error, e->reason);
		return;
	}
	struct client_request *r = (struct client_request *)e;
	struct quorate_answer a = { .error = e->error, .session = r->session_id, .number = r->number, .reason = e->reason };
	tell_parts(r->parts, r->parts_count, &a, NULL);
	client_request_free(c, r);
}

void client_end_later(struct client_core *c, struct client_ending *e, enum quorate_error error, const char *reason)
{
	e->error = error;
	e->reason = reason;
	e->next = NULL;
	if (c->ended)
		c->ended_last->next = e;
	else
		c->ended = e;
	c->ended_last = e;
}

/* What the callbacks end in turn is for the next time. */
void client_end_all(struct client_core *c)
{
	struct client_ending *e = c->ended;
	c->ended = NULL;
	while (e) {
		struct client_ending *next = e->next;
		end_now(c, e);
		e = next;
	}
}

/* ---- an opening's end ---- */

static void opening_ends(struct client_request *r, struct quorate_answer *a, const char *for_the_rest, uint64_t id)
{
	struct client_session *s = r->session;
	struct client_work *opening = s->opening;
	s->opening = NULL;
	client_request_free(s->core, r);
	if (id)
		client_session_opened(s, id);
	else
		client_session_die(s, a->error == QUORATE_UNKNOWN ? QUORATE_UNREACHABLE : a->error, for_the_rest);
	client_changed(s);
	if (!opening)
		return;
	quorate_answer_fn done = opening->done;
	void *user = opening->user;
	free(opening);
	a->session = id;
	if (done)
		done(user, a);
}

/* ---- answers ---- */

static enum quorate_error error_of(uint8_t status)
{
	switch ((enum result_status)status) {
	case RESULT_DONE: return QUORATE_OK;
	case RESULT_TOO_OLD: return QUORATE_UNKNOWN;
	case RESULT_LATER:
	case RESULT_PENDING: return QUORATE_PRECONDITION;
	case RESULT_FORBIDDEN: return QUORATE_VERIFICATION;
	case RESULT_NO_SESSION:
	case RESULT_QUOTA:
	case RESULT_VOID:
	case RESULT_AFTER:
	case RESULT_TOO_LARGE:
	case RESULT_STATUS_END: break;
	}
	return QUORATE_REFUSED;
}

static uint64_t opened_id(const struct result *x)
{
	struct rd r = rd_of(x->values, x->values_bytes);
	uint32_t n;
	uint64_t id;
	return rd_u32(&r, &n) && n == 8 && rd_u64(&r, &id) && rd_done(&r) ? id : 0;
}

/* What an honest replica can say of that request: one value for each operation when it was executed, and none else. */
static bool fits(const struct client_request *r, const struct result *x)
{
	uint32_t values = r->kind == BUNDLE_SNAPSHOT || r->kind == BUNDLE_CLOSE ? 0 : r->count;
	if (x->status != RESULT_DONE) {
		bool of_opening = x->status == RESULT_VOID || x->status == RESULT_QUOTA;
		return x->count == 0 && (r->kind == BUNDLE_OPEN ? of_opening : x->status != RESULT_VOID);
	}
	return x->count == values && (r->kind != BUNDLE_OPEN || opened_id(x));
}

/* What comes with it when a receipt was asked for. */
struct shown {
	const uint8_t *receipt;
	size_t n;
	const char *why_none; /* and it may be asked for again */
};

static void answered(struct client_request *r, bft_seq seq, const struct result *x, const struct shown *shown)
{
	struct client_session *s = r->session;
	client_request_answered(s->core);
	const char *why = x->status == RESULT_DONE ? NULL : result_text(x->status);
	struct quorate_answer a = { .error = error_of(x->status), .seq = seq, .reason = why };
	if (shown) {
		a.receipt = shown->receipt;
		a.receipt_bytes = shown->n;
		a.reason = why ? why : shown->why_none;
	}
	client_request_unfly(r);
	if (r->kind == BUNDLE_OPEN) {
		opening_ends(r, &a, why, x->status == RESULT_DONE ? opened_id(x) : 0);
		return;
	}
	if (x->status == RESULT_NO_SESSION && s->state == CLIENT_SESSION_OPEN)
		client_session_die(s, QUORATE_REFUSED, why);
	struct rd values = rd_of(x->values, x->values_bytes);
	tell(r, &a, &values, shown && shown->why_none && !s->closing);
}

/* The number was used twice, and the other request came first. It keeps its place in the session's record, so this one will never be executed. */
static void another_was_executed(struct client_request *r)
{
	struct quorate_answer a = { .error = QUORATE_REFUSED, .reason = "another request was executed under its number; it was not executed" };
	client_request_unfly(r);
	if (r->kind == BUNDLE_OPEN)
		opening_ends(r, &a, a.reason, 0);
	else
		tell(r, &a, NULL, false);
}

/* f+1 members say it. It waits for its receipt until q have signed it, or its time is over. */
static void agreed(struct client_request *r, const struct reply *reply, const struct result *x, const struct digest *leaf)
{
	struct shown shown = { 0 };
	uint8_t *receipt;
	if (!r->collection || reply->seq == 0) {
		answered(r, reply->seq, x, NULL);
		return;
	}
	if (!client_collected(r, reply, leaf, &receipt, &shown.n) && client_collection_keep(r->collection, reply))
		return;
	shown.receipt = receipt;
	shown.why_none = receipt ? NULL : "it was executed, but there is no memory for its receipt";
	answered(r, reply->seq, x, &shown);
	free(receipt);
}

/* The former leader may have taken with it what it alone was told. Each view once, whatever one member says. */
static void heard_view(struct client_core *c, uint32_t member, bft_view view)
{
	c->said[member] = view;
	bft_view reached = client_match_view(c->said, c->n, c->weak);
	if (reached <= c->view)
		return;
	c->view = reached;
	client_requests_to(c, client_core_leader(c));
}

bool client_on_reply(struct client_core *c, uint32_t member, const struct bft_envelope *e, bool late, const uint8_t *body, size_t n)
{
	struct reply reply;
	struct result x;
	struct digest leaf;
	if (!reply_decode(&reply, late, body, n) || reply.view > BFT_VIEW_MAX || reply.result_bytes > RESULT_BYTES_MAX ||
	    !result_decode(&x, reply.result, reply.result_bytes))
		return false;
	heard_view(c, member, reply.view);
	struct client_request *r = client_request_find(c, x.session, x.number);
	if (!r || member >= r->rows)
		return true; /* answered before, or not ours; or older than that member */
	bool mine = digest_equal(&reply.bundle, &r->digest);
	if (mine && !fits(r, &x))
		return false;
	result_leaf(&leaf, reply.seq, &reply.bundle, reply.result, reply.result_bytes);
	/* A place in the order is what can be shown: a refusal without one is an answer, and no receipt. */
	if (mine && r->collection && reply.seq && !client_collect(r, member, e, late, &reply, &leaf))
		return false;
	/* These very bytes are what the others said: none of theirs need be kept. */
	if (client_match_result(r->opinion, r->rows, member, reply.seq, &leaf) < c->weak)
		return true;
	if (mine)
		agreed(r, &reply, &x, &leaf);
	else
		another_was_executed(r);
	return true;
}

/* ---- refusals ---- */

/* The epoch that the member is in asks for signatures, and may not be known here yet: the same request, signed. Once for each member, whatever it repeats. */
static void on_unsigned(struct client_request *r, uint32_t member)
{
	bool known = member < r->rows; /* others joined after it was made */
	if (r->signed_ && (!known || r->opinion[member].refusal == REFUSAL_UNSIGNED))
		return;
	if (known)
		r->opinion[member].refusal = REFUSAL_UNSIGNED;
	client_request_sign(r);
	client_request_send_to(r, member);
}

bool client_on_refused(struct client_core *c, uint32_t member, const uint8_t *body, size_t n)
{
	struct rd rd = rd_of(body, n);
	uint64_t session, number;
	uint8_t reason;
	if (!rd_u64(&rd, &session) || !rd_u64(&rd, &number) || !rd_u8(&rd, &reason) || !rd_done(&rd) || reason == 0 || reason >= REFUSAL_END)
		return false;
	struct client_request *r = client_request_find(c, session, number);
	if (r && reason == REFUSAL_UNSIGNED) {
		on_unsigned(r, member);
		return true;
	}
	if (!r || member >= r->rows || client_match_refusal(r->opinion, r->rows, member, reason) < c->weak)
		return true;
	struct quorate_answer a = { .error = QUORATE_REFUSED, .reason = refusal_text(reason) };
	client_request_unfly(r);
	if (r->kind == BUNDLE_OPEN)
		opening_ends(r, &a, a.reason, 0);
	else
		tell(r, &a, NULL, false);
	return true;
}

/* ---- time ---- */

/* The refusal that most members gave, and how many did. */
static uint8_t common_refusal(const struct client_request *r, uint32_t n, uint32_t *count)
{
	uint32_t by[REFUSAL_END] = { 0 };
	uint8_t most = 0;
	for (uint32_t i = 0; i < n; i++)
		by[r->opinion[i].refusal]++;
	by[0] = 0;
	for (uint8_t reason = 1; reason < REFUSAL_END; reason++)
		if (by[reason] > by[most])
			most = reason;
	*count = by[most];
	return most;
}

static void say_why(char *out, size_t room, const struct client_request *r)
{
	const struct client_core *c = r->session->core;
	uint32_t answers = 0, refusals;
	uint8_t refusal = common_refusal(r, r->rows, &refusals);
	for (uint32_t i = 0; i < r->rows; i++)
		answers += r->opinion[i].given;
	int n = snprintf(out, room, "%s within %u ms: %u of %u replicas are connected, %u answered, and an answer needs %u that say the same",
	                 r->sent ? "no answer" : "it could not be sent", c->options.timeout_ms, mask_count(c->linked & c->roster.members),
	                 roster_count(&c->roster), answers, c->weak);
	if (refusal && n > 0 && (size_t)n < room)
		snprintf(out + n, room - (size_t)n, "; %u said: %s", refusals, refusal_text(refusal));
}

/* It was answered, and too few members have signed it. True: told. */
static bool answered_without_receipt(struct client_request *r)
{
	const struct client_core *c = r->session->core;
	char why[QUORATE_REASON_BYTES];
	struct shown shown = { .why_none = why };
	struct result x;
	size_t n;
	bft_seq seq;
	uint32_t members;
	uint8_t *bytes = client_collection_take(r->collection, &n, &seq, &members);
	if (!bytes)
		return false;
	bool read = result_decode(&x, bytes, n);
	BFT_CHECK(read); /* as it was when it came */
	snprintf(why, sizeof why,
	         "it was executed, but its receipt is incomplete: %u of %u replicas have signed the result within %u ms, and a receipt needs %u", members,
	         roster_count(&c->roster), c->options.timeout_ms, roster_quorum(&c->roster));
	answered(r, seq, &x, &shown);
	free(bytes);
	return true;
}

void client_request_timeout(struct client_request *r)
{
	if (answered_without_receipt(r))
		return;
	char why[QUORATE_REASON_BYTES];
	struct quorate_answer a = { .error = r->sent ? QUORATE_UNKNOWN : QUORATE_UNREACHABLE, .reason = why };
	say_why(why, sizeof why, r);
	client_request_unfly(r);
	if (r->kind == BUNDLE_OPEN)
		opening_ends(r, &a, "its session could not be opened in time, and it was never sent", 0);
	else
		tell(r, &a, NULL, r->kind != BUNDLE_CLOSE && r->sent && !r->session->closing);
}
