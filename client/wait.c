/* The blocking functions, for programs that have nothing else to do. */
#include "client/client_state.h"

#include <stdio.h>
#include <string.h>

/* NULL when the calling thread may wait, or why not. */
static const char *may_not_wait(struct quorate_client *c)
{
	if (!c->own_thread)
		return "a client on the program's own loop cannot be waited for";
	if (client_on_own_thread(c))
		return "a callback cannot wait";
	uv_mutex_lock(&c->lock);
	bool created = c->phase == CLIENT_CREATED;
	uv_mutex_unlock(&c->lock);
	return created ? "the client is not started" : NULL;
}

/* ---- one call ---- */

struct waiter {
	uv_mutex_t lock;
	uv_cond_t done;
	bool over;
	enum quorate_error error;
	void *value;
	size_t capacity, value_bytes;
	void *receipt;
	size_t receipt_capacity, receipt_bytes;
	char *reason;
};

static void on_answer(void *user, const struct quorate_answer *a)
{
	struct waiter *w = user;
	size_t n = a->value_bytes < w->capacity ? a->value_bytes : w->capacity;
	uv_mutex_lock(&w->lock);
	w->error = a->error;
	w->value_bytes = a->value_bytes;
	if (n)
		memcpy(w->value, a->value, n);
	w->receipt_bytes = a->receipt_bytes;
	if (a->receipt_bytes && a->receipt_bytes <= w->receipt_capacity)
		memcpy(w->receipt, a->receipt, a->receipt_bytes);
	if (a->reason)
		client_fail(w->reason, a->error, a->reason);
	w->over = true;
	uv_cond_signal(&w->done);
	uv_mutex_unlock(&w->lock);
}

typedef enum quorate_error (*submit_fn)(struct quorate_session *s, const void *op, size_t op_bytes, quorate_answer_fn done, void *user);

static enum quorate_error wait_for(struct quorate_session *s, submit_fn submit, const void *op, size_t op_bytes, struct waiter *w)
{
	enum quorate_error error = submit(s, op, op_bytes, on_answer, w);
	if (error == QUORATE_USAGE)
		return client_fail(w->reason, error, "the operation is larger than a request may be, or there is none");
	if (error != QUORATE_OK)
		return client_fail(w->reason, error, "too many operations wait, memory is short, or the client is stopped");
	uv_mutex_lock(&w->lock);
	while (!w->over)
		uv_cond_wait(&w->done, &w->lock);
	uv_mutex_unlock(&w->lock);
	return w->error;
}

static enum quorate_error wait_with(struct quorate_session *s, submit_fn submit, const void *op, size_t op_bytes, struct waiter *w)
{
	const char *why = s ? may_not_wait(s->client) : "no session";
	if (why)
		return client_fail(w->reason, QUORATE_USAGE, why);
	if (uv_mutex_init(&w->lock) != 0)
		return client_fail(w->reason, QUORATE_FAILED, "no lock");
	if (uv_cond_init(&w->done) != 0) {
		uv_mutex_destroy(&w->lock);
		return client_fail(w->reason, QUORATE_FAILED, "no lock");
	}
	enum quorate_error error = wait_for(s, submit, op, op_bytes, w);
	uv_cond_destroy(&w->done);
	uv_mutex_destroy(&w->lock);
	return error;
}

static enum quorate_error submit_wait(struct quorate_session *s, submit_fn submit, const void *op, size_t op_bytes, void *value, size_t capacity,
                                      size_t *value_bytes, char *reason)
{
	struct waiter w = { .value = value, .capacity = value ? capacity : 0, .reason = reason };
	enum quorate_error error = wait_with(s, submit, op, op_bytes, &w);
	if (value_bytes)
		*value_bytes = w.value_bytes;
	return error;
}

enum quorate_error quorate_call_wait(struct quorate_session *s, const void *op, size_t op_bytes, void *value, size_t capacity, size_t *value_bytes,
                                     char *reason)
{
	return submit_wait(s, quorate_submit, op, op_bytes, value, capacity, value_bytes, reason);
}

enum quorate_error quorate_read_wait(struct quorate_session *s, const void *op, size_t op_bytes, void *value, size_t capacity, size_t *value_bytes,
                                     char *reason)
{
	return submit_wait(s, quorate_read, op, op_bytes, value, capacity, value_bytes, reason);
}

static enum quorate_error submit_one_receipt(struct quorate_session *s, const void *op, size_t op_bytes, quorate_answer_fn done, void *user)
{
	struct quorate_op one = { op, op_bytes };
	return quorate_submit_receipt(s, &one, 1, done, user);
}

enum quorate_error quorate_receipt_wait(struct quorate_session *s, const void *op, size_t op_bytes, void *value, size_t capacity, size_t *value_bytes,
                                        void *receipt, size_t receipt_capacity, size_t *receipt_bytes, char *reason)
{
	struct waiter w = {
		.value = value, .capacity = value ? capacity : 0, .receipt = receipt, .receipt_capacity = receipt ? receipt_capacity : 0, .reason = reason
	};
	enum quorate_error error = wait_with(s, submit_one_receipt, op, op_bytes, &w);
	if (value_bytes)
		*value_bytes = w.value_bytes;
	if (receipt_bytes)
		*receipt_bytes = w.receipt_bytes;
	return error;
}

/* ---- until something is so ---- */

/* Under the lock. False when the time is over. */
static bool wait_until(struct quorate_client *c, uint64_t until_ns)
{
	uint64_t now = uv_hrtime();
	if (now >= until_ns)
		return false;
	uv_cond_timedwait(&c->changed, &c->lock, until_ns - now);
	return true;
}

enum quorate_error quorate_session_wait(struct quorate_session *s, uint32_t timeout_ms, char *reason)
{
	uint64_t until = uv_hrtime() + (uint64_t)timeout_ms * 1000000u;
	const char *why = s ? may_not_wait(s->client) : "no session";
	if (why)
		return client_fail(reason, QUORATE_USAGE, why);
	struct quorate_client *c = s->client;
	enum quorate_error error = QUORATE_UNREACHABLE;
	uv_mutex_lock(&c->lock);
	while (!s->dead && c->phase == CLIENT_RUNNING && !atomic_load(&s->id) && wait_until(c, until))
		;
	if (s->dead)
		error = client_fail(reason, s->error, s->reason);
	else if (atomic_load(&s->id))
		error = QUORATE_OK;
	else if (c->phase != CLIENT_RUNNING)
		error = client_fail(reason, QUORATE_FAILED, "the client was stopped");
	else
		client_fail(reason, error, "the session is not open yet: too few replicas answer");
	uv_mutex_unlock(&c->lock);
	return error;
}

uint32_t quorate_client_wait(struct quorate_client *c, uint32_t links, uint32_t timeout_ms)
{
	uint64_t until = uv_hrtime() + (uint64_t)timeout_ms * 1000000u;
	bool may = may_not_wait(c) == NULL;
	uv_mutex_lock(&c->lock);
	while (may && c->links < links && c->phase == CLIENT_RUNNING && wait_until(c, until))
		;
	uint32_t now = c->links;
	uv_mutex_unlock(&c->lock);
	return now;
}
