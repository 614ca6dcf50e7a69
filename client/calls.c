/* The public functions on sessions: what any thread asks, handed to the thread that the client runs on. */
#include "client/client_state.h"

#include "bft/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- handing over ---- */

/* Under the lock. */
static bool taking(const struct quorate_client *c)
{
	return !c->stop_wanted && (c->phase == CLIENT_CREATED || c->phase == CLIENT_RUNNING);
}

static void push(struct quorate_client *c, struct client_call *call)
{
	bool first = c->calls == NULL;
	call->next = NULL;
	if (first)
		c->calls = call;
	else
		c->calls_last->next = call;
	c->calls_last = call;
	if (first && c->phase == CLIENT_RUNNING)
		uv_async_send(&c->async);
}

static enum quorate_error hand_over(struct quorate_client *c, struct client_call *call)
{
	uv_mutex_lock(&c->lock);
	bool ok = taking(c);
	if (ok)
		push(c, call);
	uv_mutex_unlock(&c->lock);
	return ok ? QUORATE_OK : QUORATE_FAILED;
}

/* ---- what the core tells ---- */

void client_calls_changed(void *user, struct client_session *core)
{
	struct quorate_session *s = client_session_owner(core);
	(void)user;
	if (!s)
		return;
	struct quorate_client *c = s->client;
	uint64_t id = client_session_id(core);
	uv_mutex_lock(&c->lock);
	bool news = id != atomic_load(&s->id);
	atomic_store(&s->number, client_session_number(core));
	atomic_store(&s->id, id);
	s->waiting = client_session_waiting(core);
	s->kept_count = client_session_kept(core, s->kept);
	if (news)
		uv_cond_broadcast(&c->changed);
	uv_mutex_unlock(&c->lock);
}

static void on_opened(void *user, const struct quorate_answer *a)
{
	struct quorate_session *s = user;
	struct quorate_client *c = s->client;
	quorate_answer_fn opened = s->opened;
	void *opened_user = s->opened_user;
	s->opening = false;
	uv_mutex_lock(&c->lock);
	if (a->error != QUORATE_OK) {
		s->dead = true;
		s->error = a->error;
		snprintf(s->reason, sizeof s->reason, "%s", a->reason);
		uv_cond_broadcast(&c->changed);
	}
	uv_mutex_unlock(&c->lock);
	if (s->closed)
		free(s);
	if (opened)
		opened(opened_user, a);
}

static void on_report(void *user, uint32_t member, const struct standing *x)
{
	struct client_report *r = user;
	struct quorate_client *c = r->client;
	quorate_report_fn done = r->done;
	void *done_user = r->user;
	free(r);
	if (!x) {
		done(done_user, member, NULL);
		return;
	}
	struct net_peer *peer = c->net ? net_member_peer(c->net, member) : NULL;
	struct quorate_report report = { .standing = { .role = (enum quorate_role)x->role,
		                                       .id = member,
		                                       .epoch = x->epoch,
		                                       .view = x->view,
		                                       .leader = x->leader,
		                                       .incarnation = x->incarnation,
		                                       .damaged_from = x->damaged_from,
		                                       .damaged_to = x->damaged_to,
		                                       .changing = x->flags & 1,
		                                       .executed = x->executed,
		                                       .stable = x->stable,
		                                       .time_ms = x->time_ms,
		                                       .snapshot = x->snapshot },
		                         .mode = x->mode,
		                         .snapshot_asked = x->snapshot_asked,
		                         .rtt_us = peer ? net_peer_rtt_us(peer) : 0 };
	memcpy(report.standing.chain, x->chain.b, DIGEST_BYTES);
	memcpy(report.standing.state_digest, x->root.b, DIGEST_BYTES);
	snprintf(report.standing.trouble, sizeof report.standing.trouble, "%s", x->trouble);
	done(done_user, member, &report);
}

_Static_assert(QUORATE_EVIDENCE_NAME_BYTES == sizeof(struct evidence_name) && QUORATE_EVIDENCE_FILES_MAX == EVIDENCE_LIST_FILES_MAX, "as it is told");

static void on_evidence(void *user, uint32_t member, const struct evidence_answer *a)
{
	struct client_report *r = user;
	quorate_evidence_file_fn done = r->evidence;
	void *done_user = r->user;
	free(r);
	struct quorate_evidence_file file = { 0 };
	if (a)
		file = (struct quorate_evidence_file){ a->name.text, a->file, a->n };
	done(done_user, member, a ? &file : NULL);
}

static void on_voice(void *user, uint32_t member, const uint8_t *bytes, size_t n)
{
	struct client_report *r = user;
	quorate_change_fn done = r->change;
	void *done_user = r->user;
	free(r);
	done(done_user, member, bytes, n);
}

/* ---- carrying out, on the loop's thread ---- */

static void answer(quorate_answer_fn done, void *user, const struct quorate_session *s, uint64_t number, enum quorate_error error, const char *reason)
{
	struct quorate_answer a = { .error = error, .session = atomic_load(&s->id), .number = number, .reason = reason };
	if (done)
		done(user, &a);
}

static void carry_open(struct quorate_session *s, bool resume)
{
	struct quorate_client *c = s->client;
	if (resume)
		s->core = client_session_resume(c->core, atomic_load(&s->id), atomic_load(&s->number));
	else
		s->core = client_session_open(c->core, on_opened, s);
	if (s->core)
		client_session_set_owner(s->core, s);
	else if (!resume)
		answer(on_opened, s, s, 0, QUORATE_FAILED, "no memory for a session");
}

static void handle_gone(struct quorate_session *s)
{
	s->closed = true;
	if (s->core) {
		client_session_set_owner(s->core, NULL);
		client_session_close(s->core);
		s->core = NULL;
	}
	if (!s->opening)
		free(s);
}

static void carry_work(struct quorate_session *s, struct client_work *work)
{
	struct quorate_client *c = s->client;
	uint32_t ops = client_work_ops(work);
	bool lost = !s->core;
	if (!lost) {
		enum quorate_error error = client_session_put(s->core, work);
		BFT_CHECK(error == QUORATE_OK); /* submit() has counted */
	}
	uv_mutex_lock(&c->lock);
	s->handed -= ops;
	s->waiting = lost ? 0 : client_session_waiting(s->core);
	uv_mutex_unlock(&c->lock);
	if (lost)
		client_work_end(work, 0, QUORATE_FAILED, "no memory for its session");
}

static void carry_again(struct quorate_session *s, const struct client_call *call)
{
	enum quorate_error error = s->core ? client_session_ask_again(s->core, call->number, call->done, call->user) : QUORATE_USAGE;
	if (error == QUORATE_OK)
		return;
	if (s->core)
		client_calls_changed(s->client, s->core);
	answer(call->done, call->user, s, call->number, QUORATE_UNKNOWN,
	       error == QUORATE_USAGE ? "that request is not held any more" : "no memory to ask again");
}

static void carry_read(struct quorate_session *s, const struct client_call *call)
{
	if (!s->core || client_session_read(s->core, call + 1, call->op_bytes, call->done, call->user) != QUORATE_OK)
		answer(call->done, call->user, s, 0, QUORATE_FAILED, "too many reads at once, or no memory for one");
}

static void carry_ask(struct quorate_client *c, const struct client_call *call)
{
	if (client_core_ask(c->core, call->member, call->timeout_ms, on_report, call->report) != QUORATE_OK)
		on_report(call->report, call->member, NULL);
}

static void carry_evidence(struct quorate_client *c, const struct client_call *call)
{
	if (client_core_ask_evidence(c->core, call->member, call->after.text, call->timeout_ms, on_evidence, call->report) != QUORATE_OK)
		on_evidence(call->report, call->member, NULL);
}

static void carry_voice(struct quorate_client *c, const struct client_call *call)
{
	if (client_core_ask_voice(c->core, call->member, &call->behind, call->timeout_ms, on_voice, call->report) != QUORATE_OK)
		on_voice(call->report, call->member, NULL, 0);
}

static void carry_out(struct quorate_client *c, struct client_call *call)
{
	switch (call->kind) {
	case CLIENT_CALL_OPEN: carry_open(call->session, false); break;
	case CLIENT_CALL_RESUME: carry_open(call->session, true); break;
	case CLIENT_CALL_CLOSE: handle_gone(call->session); break;
	case CLIENT_CALL_WORK: carry_work(call->session, call->work); break;
	case CLIENT_CALL_AGAIN: carry_again(call->session, call); break;
	case CLIENT_CALL_READ: carry_read(call->session, call); break;
	case CLIENT_CALL_ASK: carry_ask(c, call); break;
	case CLIENT_CALL_EVIDENCE: carry_evidence(c, call); break;
	case CLIENT_CALL_VOICE: carry_voice(c, call); break;
	}
}

static void refuse(struct client_call *call)
{
	static const char *const why = "the client was stopped";
	struct quorate_session *s = call->session;
	switch (call->kind) {
	case CLIENT_CALL_OPEN: answer(on_opened, s, s, 0, QUORATE_FAILED, why); break;
	case CLIENT_CALL_RESUME: break;
	case CLIENT_CALL_CLOSE: handle_gone(s); break;
	case CLIENT_CALL_WORK: client_work_end(call->work, atomic_load(&s->id), QUORATE_FAILED, why); break;
	case CLIENT_CALL_AGAIN: answer(call->done, call->user, s, call->number, QUORATE_UNKNOWN, why); break;
	case CLIENT_CALL_READ: answer(call->done, call->user, s, 0, QUORATE_FAILED, why); break;
	case CLIENT_CALL_ASK: on_report(call->report, call->member, NULL); break;
	case CLIENT_CALL_EVIDENCE: on_evidence(call->report, call->member, NULL); break;
	case CLIENT_CALL_VOICE: on_voice(call->report, call->member, NULL, 0); break;
	}
}

/* What callbacks hand over meanwhile is for the next turn. */
static struct client_call *take_calls(struct quorate_client *c)
{
	uv_mutex_lock(&c->lock);
	struct client_call *call = c->calls;
	c->calls = c->calls_last = NULL;
	uv_mutex_unlock(&c->lock);
	return call;
}

static void run_calls(struct quorate_client *c, struct client_call *call, bool refused)
{
	while (call) {
		/* A session's own call goes with the session. */
		struct client_call *next = call->next, *own = call->embedded ? NULL : call;
		if (refused)
			refuse(call);
		else
			carry_out(c, call);
		free(own);
		call = next;
	}
}

void client_calls_carry_out(struct quorate_client *c)
{
	run_calls(c, take_calls(c), false);
}

void client_calls_refuse(struct quorate_client *c)
{
	struct client_call *call;
	while ((call = take_calls(c)) != NULL)
		run_calls(c, call, true);
}

/* ---- the public functions ---- */

static struct quorate_session *session_new(struct quorate_client *c, enum client_call_kind kind, uint64_t id, uint64_t number)
{
	struct quorate_session *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->client = c;
	atomic_init(&s->id, id);
	atomic_init(&s->number, number);
	s->opening = kind == CLIENT_CALL_OPEN;
	s->open_call = (struct client_call){ .kind = kind, .embedded = true, .session = s };
	s->close_call = (struct client_call){ .kind = CLIENT_CALL_CLOSE, .embedded = true, .session = s };
	return s;
}

static struct quorate_session *enter(struct quorate_session *s)
{
	if (!s)
		return NULL;
	struct quorate_client *c = s->client;
	uv_mutex_lock(&c->lock);
	bool ok = taking(c);
	if (ok) {
		s->next = c->sessions;
		if (s->next)
			s->next->prev = s;
		c->sessions = s;
		push(c, &s->open_call);
	}
	uv_mutex_unlock(&c->lock);
	if (!ok)
		free(s);
	return ok ? s : NULL;
}

struct quorate_session *quorate_session_open(struct quorate_client *c, quorate_answer_fn opened, void *user)
{
	struct quorate_session *s = session_new(c, CLIENT_CALL_OPEN, 0, 0);
	if (s) {
		s->opened = opened;
		s->opened_user = user;
	}
	return enter(s);
}

struct quorate_session *quorate_session_resume(struct quorate_client *c, uint64_t id, uint64_t number)
{
	return id ? enter(session_new(c, CLIENT_CALL_RESUME, id, number)) : NULL;
}

void quorate_session_close(struct quorate_session *s)
{
	if (!s)
		return;
	struct quorate_client *c = s->client;
	uv_mutex_lock(&c->lock);
	if (s->prev)
		s->prev->next = s->next;
	else
		c->sessions = s->next;
	if (s->next)
		s->next->prev = s->prev;
	/* While it stops, what still is to be answered names the session. */
	bool over = c->phase == CLIENT_STOPPED;
	if (!over)
		push(c, &s->close_call);
	uv_mutex_unlock(&c->lock);
	if (over)
		handle_gone(s);
}

void client_sessions_free(struct quorate_client *c)
{
	while (c->sessions)
		quorate_session_close(c->sessions);
}

uint64_t quorate_session_id(const struct quorate_session *s)
{
	return atomic_load(&s->id);
}

uint64_t quorate_session_number(const struct quorate_session *s)
{
	return atomic_load(&s->number);
}

static enum quorate_error hand_over_work(struct quorate_session *s, struct client_work *work)
{
	struct quorate_client *c = s->client;
	struct client_call *call = malloc(sizeof *call);
	if (!work || !call) {
		free(work);
		free(call);
		return QUORATE_FAILED;
	}
	uint32_t ops = client_work_ops(work);
	*call = (struct client_call){ .kind = CLIENT_CALL_WORK, .session = s, .work = work };
	uv_mutex_lock(&c->lock);
	bool ok = taking(c) && (uint64_t)s->handed + s->waiting + ops <= c->queue_max;
	if (ok) {
		s->handed += ops;
		push(c, call);
	}
	uv_mutex_unlock(&c->lock);
	if (!ok) {
		free(work);
		free(call);
	}
	return ok ? QUORATE_OK : QUORATE_FAILED;
}

enum quorate_error quorate_submit(struct quorate_session *s, const void *op, size_t op_bytes, quorate_answer_fn done, void *user)
{
	struct quorate_op one = { op, op_bytes };
	if (!s || client_work_check(&one, 1) != QUORATE_OK)
		return QUORATE_USAGE;
	return hand_over_work(s, client_work_create(&one, 1, false, done, user));
}

enum quorate_error quorate_read(struct quorate_session *s, const void *op, size_t op_bytes, quorate_answer_fn done, void *user)
{
	struct quorate_op one = { op, op_bytes };
	if (!s || client_work_check(&one, 1) != QUORATE_OK)
		return QUORATE_USAGE;
	struct client_call *call = malloc(sizeof *call + op_bytes);
	if (!call)
		return QUORATE_FAILED;
	*call = (struct client_call){ .kind = CLIENT_CALL_READ, .session = s, .done = done, .user = user, .op_bytes = op_bytes };
	memcpy(call + 1, op, op_bytes);
	enum quorate_error error = hand_over(s->client, call);
	if (error != QUORATE_OK)
		free(call);
	return error;
}

enum quorate_error quorate_submit_bundle(struct quorate_session *s, const struct quorate_op *ops, uint16_t count, quorate_answer_fn done, void *user)
{
	if (!s || client_work_check(ops, count) != QUORATE_OK)
		return QUORATE_USAGE;
	return hand_over_work(s, client_work_create(ops, count, true, done, user));
}

enum quorate_error quorate_submit_receipt(struct quorate_session *s, const struct quorate_op *ops, uint16_t count, quorate_answer_fn done, void *user)
{
	if (!s || client_work_check(ops, count) != QUORATE_OK)
		return QUORATE_USAGE;
	return hand_over_work(s, client_work_create_receipt(ops, count, done, user));
}

enum quorate_error quorate_session_snapshot(struct quorate_session *s, quorate_answer_fn done, void *user)
{
	return s ? hand_over_work(s, client_work_create_snapshot(done, user)) : QUORATE_USAGE;
}

_Static_assert(QUORATE_READMIT_BYTES == READMIT_BYTES, "as it is told");
enum quorate_error quorate_session_readmit(struct quorate_session *s, const uint8_t word[QUORATE_READMIT_BYTES], quorate_answer_fn done, void *user)
{
	return s && word ? hand_over_work(s, client_work_create_readmit(word, done, user)) : QUORATE_USAGE;
}

_Static_assert(QUORATE_ROTATE_BYTES == ROTATE_BYTES, "as it is told");
enum quorate_error quorate_session_rotate(struct quorate_session *s, const uint8_t word[QUORATE_ROTATE_BYTES], quorate_answer_fn done, void *user)
{
	return s && word ? hand_over_work(s, client_work_create_rotate(word, done, user)) : QUORATE_USAGE;
}

_Static_assert(QUORATE_CHANGE_BYTES_MAX == RECONFIGURE_BYTES_MAX && QUORATE_PUBLIC_KEY_BYTES == PUBLIC_KEY_BYTES, "as it is told");
enum quorate_error quorate_session_change(struct quorate_session *s, const void *change, size_t n, quorate_answer_fn done, void *user)
{
	if (!s || !change || n == 0 || n > RECONFIGURE_BYTES_MAX)
		return QUORATE_USAGE;
	return hand_over_work(s, client_work_create_reconfigure(change, (uint32_t)n, done, user));
}

/* Under the lock. It is asked for once: what the core tells next puts the list right. */
static bool forget_kept(struct quorate_session *s, uint64_t number)
{
	for (uint32_t i = 0; i < s->kept_count; i++) {
		if (s->kept[i] != number)
			continue;
		s->kept[i] = s->kept[--s->kept_count];
		return true;
	}
	return false;
}

enum quorate_error quorate_session_ask_again(struct quorate_session *s, uint64_t number, quorate_answer_fn done, void *user)
{
	if (!s)
		return QUORATE_USAGE;
	struct quorate_client *c = s->client;
	struct client_call *call = malloc(sizeof *call);
	if (!call)
		return QUORATE_FAILED;
	*call = (struct client_call){ .kind = CLIENT_CALL_AGAIN, .session = s, .number = number, .done = done, .user = user };
	uv_mutex_lock(&c->lock);
	enum quorate_error error = !taking(c) ? QUORATE_FAILED : forget_kept(s, number) ? QUORATE_OK : QUORATE_USAGE;
	if (error == QUORATE_OK)
		push(c, call);
	uv_mutex_unlock(&c->lock);
	if (error != QUORATE_OK)
		free(call);
	return error;
}

/* Takes what is asked and whom to tell; `like` names the rest. */
static enum quorate_error hand_over_question(struct quorate_client *c, const struct client_report *whom, const struct client_call *like)
{
	struct client_call *call = malloc(sizeof *call);
	struct client_report *report = malloc(sizeof *report);
	enum quorate_error error = QUORATE_FAILED;
	if (call && report) {
		*report = *whom;
		*call = *like;
		call->report = report;
		error = hand_over(c, call);
	}
	if (error != QUORATE_OK) {
		free(call);
		free(report);
	}
	return error;
}

enum quorate_error quorate_client_ask(struct quorate_client *c, uint32_t member, uint32_t timeout_ms, quorate_report_fn done, void *user)
{
	if (!c || !done || !*quorate_client_org(c, member))
		return QUORATE_USAGE;
	struct client_report whom = { .client = c, .done = done, .user = user };
	struct client_call call = { .kind = CLIENT_CALL_ASK, .member = member, .timeout_ms = timeout_ms };
	return hand_over_question(c, &whom, &call);
}

enum quorate_error quorate_client_evidence(struct quorate_client *c, uint32_t member, const char *after, uint32_t timeout_ms, quorate_evidence_file_fn done,
                                           void *user)
{
	struct client_call call = { .kind = CLIENT_CALL_EVIDENCE, .member = member, .timeout_ms = timeout_ms };
	if (!c || !done || !after || !*quorate_client_org(c, member) || !evidence_name_set(&call.after, after))
		return QUORATE_USAGE;
	struct client_report whom = { .client = c, .evidence = done, .user = user };
	return hand_over_question(c, &whom, &call);
}

enum quorate_error quorate_client_change(struct quorate_client *c, uint32_t member, const uint8_t after[QUORATE_PUBLIC_KEY_BYTES], uint32_t timeout_ms,
                                         quorate_change_fn done, void *user)
{
	struct client_call call = { .kind = CLIENT_CALL_VOICE, .member = member, .timeout_ms = timeout_ms };
	if (!c || !done || !*quorate_client_org(c, member))
		return QUORATE_USAGE;
	if (after)
		memcpy(call.behind.b, after, PUBLIC_KEY_BYTES);
	struct client_report whom = { .client = c, .change = done, .user = user };
	return hand_over_question(c, &whom, &call);
}
