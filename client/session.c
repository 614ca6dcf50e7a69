/* Sessions: what waits in them, how they open, and how they end. */
#include "client/core_state.h"

#include <stdlib.h>

static struct client_work *work_of(uint8_t kind, uint16_t count, size_t n, quorate_answer_fn done, void *user)
{
	struct client_work *w = malloc(sizeof *w + n);
	if (w)
		*w = (struct client_work){ .kind = kind, .count = count, .done = done, .user = user, .n = n };
	return w;
}

/* ---- work ---- */

uint32_t client_work_ops(const struct client_work *work)
{
	return work->kind == BUNDLE_OPS ? work->count : 1;
}

enum quorate_error client_work_check(const struct quorate_op *ops, uint32_t count)
{
	size_t room = BFT_BUNDLE_BYTES_MAX - BUNDLE_HEAD_BYTES;
	if (!ops || count == 0 || count > BFT_BUNDLE_OPS_MAX)
		return QUORATE_USAGE;
	for (uint32_t i = 0; i < count; i++) {
		if (!ops[i].bytes || room < 4 || ops[i].n > room - 4)
			return QUORATE_USAGE;
		room -= 4 + ops[i].n;
	}
	return QUORATE_OK;
}

struct client_work *client_work_create(const struct quorate_op *ops, uint16_t count, bool alone, quorate_answer_fn done, void *user)
{
	size_t n = 0;
	for (uint16_t i = 0; i < count; i++)
		n += 4 + ops[i].n;
	struct client_work *work = work_of(BUNDLE_OPS, count, n, done, user);
	if (!work)
		return NULL;
	work->alone = alone;
	struct wr w = wr_of(work->bytes, n);
	for (uint16_t i = 0; i < count; i++) {
		wr_u32(&w, (uint32_t)ops[i].n);
		wr_bytes(&w, ops[i].bytes, ops[i].n);
	}
	BFT_CHECK(wr_done(&w) == n);
	return work;
}

struct client_work *client_work_create_receipt(const struct quorate_op *ops, uint16_t count, quorate_answer_fn done, void *user)
{
	struct client_work *work = client_work_create(ops, count, true, done, user);
	if (work)
		work->receipt = true;
	return work;
}

struct client_work *client_work_create_snapshot(quorate_answer_fn done, void *user)
{
	return work_of(BUNDLE_SNAPSHOT, 0, 0, done, user);
}

/* An organization's word, that ends an epoch. */
static struct client_work *create_word(uint8_t kind, const uint8_t *word, uint32_t n, quorate_answer_fn done, void *user)
{
	struct client_work *work = work_of(kind, 1, 4 + n, done, user);
	if (!work)
		return NULL;
	struct wr w = wr_of(work->bytes, work->n);
	wr_u32(&w, n);
	wr_bytes(&w, word, n);
	return work;
}

struct client_work *client_work_create_readmit(const uint8_t word[READMIT_BYTES], quorate_answer_fn done, void *user)
{
	return create_word(BUNDLE_READMIT, word, READMIT_BYTES, done, user);
}

struct client_work *client_work_create_rotate(const uint8_t word[ROTATE_BYTES], quorate_answer_fn done, void *user)
{
	return create_word(BUNDLE_ROTATE, word, ROTATE_BYTES, done, user);
}

struct client_work *client_work_create_reconfigure(const uint8_t *word, uint32_t n, quorate_answer_fn done, void *user)
{
	return create_word(BUNDLE_RECONFIGURE, word, n, done, user);
}

/* ---- what waits ---- */

void client_session_ready(struct client_session *s)
{
	struct client_core *c = s->core;
	if (s->is_ready)
		return;
	s->is_ready = true;
	s->ready_next = NULL;
	if (c->ready)
		c->ready_last->ready_next = s;
	else
		c->ready = s;
	c->ready_last = s;
}

static void append(struct client_session *s, struct client_work *work)
{
	struct client_core *c = s->core;
	work->session = s->id;
	work->ends_ms = c->mono_ms + c->options.timeout_ms;
	work->next = NULL;
	if (s->waiting)
		s->waiting_last->next = work;
	else
		s->waiting = work;
	s->waiting_last = work;
	s->waiting_ops += client_work_ops(work);
	if (s->waiting == work)
		client_timer_set(&c->timers, &s->timer, work->ends_ms);
	client_session_ready(s);
}

struct client_work *client_session_take(struct client_session *s)
{
	struct client_work *work = s->waiting;
	if (!work)
		return NULL;
	s->waiting = work->next;
	s->waiting_ops -= client_work_ops(work);
	work->session = s->id;
	if (s->waiting)
		client_timer_set(&s->core->timers, &s->timer, s->waiting->ends_ms);
	else
		client_timer_clear(&s->core->timers, &s->timer);
	return work;
}

void client_session_due(struct client_session *s)
{
	struct client_work *work = client_session_take(s);
	const char *why = s->state == CLIENT_SESSION_OPENING ? "too few replicas answer: its session is not open yet, and it was never sent"
	                                                     : "it waited behind others in its session for too long, and was never sent";
	/* A close that cannot be sent is given up without a word. */
	if (s->closing)
		s->core->reap = true;
	client_changed(s);
	client_work_end(work, s->id, QUORATE_UNREACHABLE, why);
}

enum quorate_error client_session_put(struct client_session *s, struct client_work *work)
{
	struct client_core *c = s->core;
	uint32_t ops = client_work_ops(work);
	if (c->stopped || s->closing || ops > c->options.queue_max || s->waiting_ops > c->options.queue_max - ops) {
		free(work);
		return QUORATE_FAILED;
	}
	append(s, work);
	return QUORATE_OK;
}

enum quorate_error client_session_submit_bundle(struct client_session *s, const struct quorate_op *ops, uint16_t count, quorate_answer_fn done, void *user)
{
	enum quorate_error error = client_work_check(ops, count);
	if (error != QUORATE_OK)
		return error;
	struct client_work *work = client_work_create(ops, count, true, done, user);
	return work ? client_session_put(s, work) : QUORATE_FAILED;
}

enum quorate_error client_session_submit(struct client_session *s, const void *op, size_t op_bytes, quorate_answer_fn done, void *user)
{
	struct quorate_op one = { op, op_bytes };
	enum quorate_error error = client_work_check(&one, 1);
	if (error != QUORATE_OK)
		return error;
	struct client_work *work = client_work_create(&one, 1, false, done, user);
	return work ? client_session_put(s, work) : QUORATE_FAILED;
}

enum quorate_error client_session_submit_receipt(struct client_session *s, const struct quorate_op *ops, uint16_t count, quorate_answer_fn done, void *user)
{
	enum quorate_error error = client_work_check(ops, count);
	if (error != QUORATE_OK)
		return error;
	struct client_work *work = client_work_create_receipt(ops, count, done, user);
	return work ? client_session_put(s, work) : QUORATE_FAILED;
}

enum quorate_error client_session_snapshot(struct client_session *s, quorate_answer_fn done, void *user)
{
	struct client_work *work = client_work_create_snapshot(done, user);
	return work ? client_session_put(s, work) : QUORATE_FAILED;
}

enum quorate_error client_session_readmit(struct client_session *s, const uint8_t word[READMIT_BYTES], quorate_answer_fn done, void *user)
{
	struct client_work *work = client_work_create_readmit(word, done, user);
	return work ? client_session_put(s, work) : QUORATE_FAILED;
}

enum quorate_error client_session_rotate(struct client_session *s, const uint8_t word[ROTATE_BYTES], quorate_answer_fn done, void *user)
{
	struct client_work *work = client_work_create_rotate(word, done, user);
	return work ? client_session_put(s, work) : QUORATE_FAILED;
}

enum quorate_error client_session_reconfigure(struct client_session *s, const uint8_t *word, uint32_t n, quorate_answer_fn done, void *user)
{
	struct client_work *work = client_work_create_reconfigure(word, n, done, user);
	return work ? client_session_put(s, work) : QUORATE_FAILED;
}

/* ---- what was sent and never answered ---- */

void client_session_keep(struct client_session *s, struct client_request *r)
{
	client_requests_append(&s->kept, r);
	s->kept_bytes += r->frame_n;
	while (s->kept.count > CLIENT_KEPT_MAX || (s->kept.count > 1 && s->kept_bytes > CLIENT_KEPT_BYTES_MAX)) {
		struct client_request *oldest = s->kept.first;
		client_requests_remove(&s->kept, oldest);
		s->kept_bytes -= oldest->frame_n;
		client_request_free(s->core, oldest);
	}
}

uint32_t client_session_kept(const struct client_session *s, uint64_t numbers[CLIENT_KEPT_MAX])
{
	uint32_t count = 0;
	for (const struct client_request *r = s->kept.first; r; r = r->next)
		numbers[count++] = r->number;
	return count;
}

enum quorate_error client_session_ask_again(struct client_session *s, uint64_t number, quorate_answer_fn done, void *user)
{
	struct client_core *c = s->core;
	struct client_request *r = s->kept.first;
	while (r && r->number != number)
		r = r->next;
	if (!r)
		return QUORATE_USAGE;
	if (c->stopped)
		return QUORATE_FAILED;
	struct client_part *part = calloc(1, sizeof *part);
	if (!part)
		return QUORATE_FAILED;
	*part = (struct client_part){ .calls = r->kind == BUNDLE_OPS ? r->count : 1, .done = done, .user = user };
	client_requests_remove(&s->kept, r);
	s->kept_bytes -= r->frame_n;
	r->parts = part;
	r->parts_count = 1;
	r->sent = 0;
	r->ends_ms = c->mono_ms + c->options.timeout_ms;
	memset(r->opinion, 0, r->rows * sizeof r->opinion[0]);
	client_request_fly(r); /* due in the next tick, and then to all */
	client_changed(s);
	return QUORATE_OK;
}

/* ---- where answers go ---- */

static void attach_list(struct client_core *c, uint32_t member, const uint64_t *ids, uint32_t count)
{
	uint8_t frame[BFT_FRAME_HEAD_BYTES + 2 + 8 * CLIENT_ATTACH_MAX];
	struct wr w = wr_of(frame, sizeof frame);
	client_frame_head(&w, BFT_WIRE_ATTACH, NULL);
	wr_u16(&w, (uint16_t)count);
	for (uint32_t i = 0; i < count; i++)
		wr_u64(&w, ids[i]);
	client_send(c, member, NET_REQUESTS, frame, wr_done(&w));
}

void client_attach(struct client_core *c, uint32_t member)
{
	uint64_t ids[CLIENT_ATTACH_MAX];
	uint32_t count = 0;
	for (struct client_session *s = c->sessions; s; s = s->next) {
		if (s->state == CLIENT_SESSION_OPEN)
			ids[count++] = s->id;
		if (count == CLIENT_ATTACH_MAX || (count && !s->next)) {
			attach_list(c, member, ids, count);
			count = 0;
		}
	}
}

void client_attach_one(struct client_session *s)
{
	s->attach = false;
	for (uint32_t i = 0; i < s->core->n; i++)
		attach_list(s->core, i, &s->id, 1);
}

/* ---- the life of one ---- */

static struct client_session *session_new(struct client_core *c, bool with_opening, quorate_answer_fn opened, void *user)
{
	if (c->stopped || !client_timers_reserve(&c->timers))
		return NULL;
	struct client_session *s = calloc(1, sizeof *s);
	if (s) {
		s->farewell = work_of(BUNDLE_CLOSE, 0, 0, NULL, NULL);
		s->opening = with_opening ? work_of(BUNDLE_OPEN, 1, 0, opened, user) : NULL;
	}
	if (!s || !s->farewell || (with_opening && !s->opening)) {
		if (s) {
			free(s->farewell);
			free(s->opening);
		}
		free(s);
		client_timers_release(&c->timers);
		return NULL;
	}
	s->core = c;
	s->timer.of = CLIENT_TIMER_SESSION;
	s->next = c->sessions;
	if (c->sessions)
		c->sessions->prev = s;
	c->sessions = s;
	client_session_ready(s);
	return s;
}

struct client_session *client_session_open(struct client_core *c, quorate_answer_fn opened, void *user)
{
	struct client_session *s = session_new(c, true, opened, user);
	if (s)
		s->opening->ends_ms = c->mono_ms + c->options.timeout_ms;
	return s;
}

struct client_session *client_session_resume(struct client_core *c, uint64_t id, uint64_t number)
{
	struct client_session *s = id ? session_new(c, false, NULL, NULL) : NULL;
	if (!s)
		return NULL;
	s->state = CLIENT_SESSION_OPEN;
	s->id = id;
	s->number = number;
	s->attach = true;
	return s;
}

/* Its id goes out with the next tick, before its first bundle. */
static void say_farewell(struct client_session *s)
{
	struct client_work *farewell = s->farewell;
	s->farewell = NULL;
	if (s->state == CLIENT_SESSION_OPEN && !s->core->stopped)
		append(s, farewell);
	else
		free(farewell);
}

void client_session_opened(struct client_session *s, uint64_t id)
{
	s->state = CLIENT_SESSION_OPEN;
	s->id = id;
	s->attach = true;
	if (s->closing)
		say_farewell(s);
	client_session_ready(s);
}

void client_session_die(struct client_session *s, enum quorate_error error, const char *reason)
{
	s->state = CLIENT_SESSION_DEAD;
	s->error = error;
	s->reason = reason;
	if (s->opening) {
		client_end_later(s->core, &s->opening->ending, error, reason);
		s->opening = NULL;
	}
	if (s->closing)
		s->core->reap = true;
	client_session_ready(s);
}

void client_session_close(struct client_session *s)
{
	static const char *const why = "its session was closed";
	struct client_core *c = s->core;
	struct client_request *r = s->flying.first, *next;
	struct client_work *work;
	s->closing = true;
	client_reads_leave(c, s);
	for (; r; r = next) {
		next = r->next;
		if (r->kind == BUNDLE_OPEN)
			continue; /* what it opens must be closed */
		client_request_unfly(r);
		r->session = NULL;
		client_end_later(c, &r->ending, QUORATE_UNKNOWN, why);
	}
	while ((work = client_session_take(s)) != NULL)
		client_end_later(c, &work->ending, QUORATE_UNKNOWN, why);
	if (s->opening) {
		client_end_later(c, &s->opening->ending, QUORATE_UNKNOWN, why);
		s->opening = NULL;
	}
	if (s->state == CLIENT_SESSION_OPENING && !s->flying.count)
		s->state = CLIENT_SESSION_DEAD; /* nobody has heard of it */
	if (s->state != CLIENT_SESSION_OPENING)
		say_farewell(s);
	c->reap = true;
}

/* Nothing of it is on its way any more, and the cluster has heard, or has been told for as long as anything is. */
bool client_session_over(const struct client_session *s)
{
	return s->closing && s->state != CLIENT_SESSION_OPENING && !s->flying.count && !s->waiting;
}

static void free_requests(struct client_core *c, struct client_requests *list, bool fly)
{
	struct client_request *r;
	while ((r = list->first) != NULL) {
		if (fly)
			client_request_unfly(r);
		else
			client_requests_remove(list, r);
		client_request_free(c, r);
	}
}

static void unready(struct client_session *s)
{
	struct client_core *c = s->core;
	struct client_session *before = NULL, *at = c->ready;
	while (at && at != s) {
		before = at;
		at = at->ready_next;
	}
	if (!at)
		return;
	if (before)
		before->ready_next = s->ready_next;
	else
		c->ready = s->ready_next;
	if (c->ready_last == s)
		c->ready_last = before;
}

void client_session_free(struct client_session *s)
{
	struct client_core *c = s->core;
	struct client_work *work;
	unready(s);
	free_requests(c, &s->flying, true);
	free_requests(c, &s->kept, false);
	while ((work = client_session_take(s)) != NULL)
		free(work);
	free(s->opening);
	free(s->farewell);
	if (s->prev)
		s->prev->next = s->next;
	else
		c->sessions = s->next;
	if (s->next)
		s->next->prev = s->prev;
	client_timers_release(&c->timers);
	free(s);
}

uint64_t client_session_id(const struct client_session *s)
{
	return s->id;
}

uint64_t client_session_number(const struct client_session *s)
{
	return s->number;
}

uint32_t client_session_waiting(const struct client_session *s)
{
	return s->waiting_ops;
}

bool client_session_dead(const struct client_session *s)
{
	return s->state == CLIENT_SESSION_DEAD;
}

void client_session_set_owner(struct client_session *s, void *owner)
{
	s->owner = owner;
}

void *client_session_owner(const struct client_session *s)
{
	return s->owner;
}
