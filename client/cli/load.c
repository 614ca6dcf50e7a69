#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 100u
#define SAVE_US 1000000u
#define SAVE_BEHIND 16u /* requests of a lane after which the file is written at once */

uint64_t load_now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- what came of it, on the client's thread ---- */

static void stop(struct load *l, int code, const char *what, const char *why)
{
	if (l->code != CLI_OK)
		return;
	l->code = code;
	snprintf(l->why, sizeof l->why, "%s%s%s", what, why ? ": " : "", why ? why : "");
}

static struct slot *slot_of(struct lane *lane, uint64_t number)
{
	return &lane->slot[number % LOAD_SLOTS];
}

/* What is done in one piece from the first number on may be forgotten. What is done behind a gap may not: a lane that begins again sends it again, so that what
 * follows it gets its own number. */
static void advance(struct lane *lane)
{
	struct slot *s;
	while ((s = slot_of(lane, lane->done + 1))->state == SLOT_DONE && s->number == lane->done + 1) {
		lane->load->bytes -= s->rows.n;
		row_bundle_free(&s->rows);
		s->state = SLOT_FREE;
		lane->done++;
	}
}

static void bundle_done(struct slot *s)
{
	struct lane *lane = s->lane;
	struct load *l = lane->load;
	if (!s->counted) {
		uint64_t now = load_now_us();
		stats_add(&l->stats, now, now - s->began_us, s->rows.count);
		l->done_rows += s->rows.count;
		l->open_bundles--;
		l->progress_us = now;
	}
	s->counted = true;
	s->state = SLOT_DONE;
	lane->flying--;
	advance(lane);
}

static void row_done(struct slot *s, const struct quorate_answer *a)
{
	struct quorate_kv_answer answer;
	if (a->number != s->number)
		stop(s->lane->load, CLI_FAILED, "a request went out under another number; remove the progress file to load every row again", NULL);
	else if (!quorate_kv_answer_read(&answer, a->value, a->value_bytes))
		stop(s->lane->load, CLI_FAILED, "an answer is not one of the key-value service", NULL);
	else if (answer.status != QUORATE_KV_OK)
		stop(s->lane->load, CLI_FAILED, "a row was refused", quorate_kv_status_text(answer.status));
	else if (a->index + 1u == s->rows.count)
		bundle_done(s);
}

static void bundle_failed(struct slot *s, const struct quorate_answer *a)
{
	struct lane *lane = s->lane;
	lane->flying--;
	if (a->error == QUORATE_UNKNOWN && a->seq == 0) {
		s->state = SLOT_UNKNOWN;
	} else if (a->error == QUORATE_UNREACHABLE) {
		s->state = SLOT_UNSENT;
		lane->stalled = true;
	} else {
		stop(lane->load, cli_code(a->error),
		     a->error == QUORATE_UNKNOWN ? "whether some rows were executed cannot be known any more; remove the progress file to load every row again"
		                                 : "the cluster does not take these rows (remove the progress file to load every row again)",
		     a->reason);
	}
}

/* Once for each row. A failure is the whole bundle's: the first row's word is enough, and what follows may come after it was sent again. */
static void on_answer(void *user, const struct quorate_answer *a)
{
	struct slot *s = user;
	struct load *l = s->lane->load;
	pthread_mutex_lock(&l->lock);
	if (s->state == SLOT_FLYING) {
		if (a->error == QUORATE_OK)
			row_done(s, a);
		else if (a->index == 0)
			bundle_failed(s, a);
	}
	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

/* ---- sending ---- */

/* Without the lock: the client calls back under its own. */
static void send_slot(struct slot *s)
{
	enum quorate_error error = quorate_submit_bundle(s->lane->session, s->rows.ops, s->rows.count, on_answer, s);
	if (error == QUORATE_OK)
		return;
	struct load *l = s->lane->load;
	pthread_mutex_lock(&l->lock);
	stop(l, cli_code(error), "rows cannot be sent", quorate_error_text(error));
	pthread_mutex_unlock(&l->lock);
}

static void fly(struct slot *s)
{
	struct lane *lane = s->lane;
	pthread_mutex_lock(&lane->load->lock);
	s->state = SLOT_FLYING;
	lane->flying++;
	pthread_mutex_unlock(&lane->load->lock);
}

/* Again under the same number: whatever became of it, it is executed once. */
static void ask_again(struct slot *s)
{
	struct lane *lane = s->lane;
	fly(s);
	if (quorate_session_ask_again(lane->session, s->number, on_answer, s) == QUORATE_OK)
		return;
	/* The client does not hold it any more; the lane does. */
	pthread_mutex_lock(&lane->load->lock);
	s->state = SLOT_UNSENT;
	lane->flying--;
	lane->stalled = true;
	pthread_mutex_unlock(&lane->load->lock);
}

/* From the first number that is not done, in order, so that each bundle gets its own number again. What was executed is answered, not executed again. */
static void begin_again(struct lane *lane)
{
	struct load *l = lane->load;
	/* Nothing of the lane is flying, so `done` stands still. */
	lane->session = quorate_session_resume(l->cluster->client, l->state.session[lane - l->lane], lane->done);
	if (!lane->session) {
		pthread_mutex_lock(&l->lock);
		stop(l, CLI_FAILED, "no memory for a session", NULL);
		pthread_mutex_unlock(&l->lock);
		return;
	}
	pthread_mutex_lock(&l->lock);
	lane->stalled = false;
	uint64_t first = lane->done + 1, next = lane->next;
	pthread_mutex_unlock(&l->lock);
	for (uint64_t number = first; number < next; number++) {
		fly(slot_of(lane, number));
		send_slot(slot_of(lane, number));
	}
}

static void tend_lane(struct lane *lane, bool linked)
{
	struct load *l = lane->load;
	pthread_mutex_lock(&l->lock);
	bool again = lane->stalled && lane->flying == 0 && linked && l->code == CLI_OK;
	bool asks = !lane->stalled && l->code == CLI_OK;
	pthread_mutex_unlock(&l->lock);
	if (again)
		begin_again(lane);
	for (uint32_t i = 0; asks && i < LOAD_SLOTS; i++) {
		pthread_mutex_lock(&l->lock);
		bool unknown = lane->slot[i].state == SLOT_UNKNOWN;
		pthread_mutex_unlock(&l->lock);
		if (unknown)
			ask_again(&lane->slot[i]);
	}
}

/* ---- how far it came ---- */

static bool save_due(struct load *l, uint64_t now)
{
	bool due = false, news = false;
	for (uint32_t i = 0; i < l->state.lanes; i++) {
		news |= l->lane[i].done != l->lane[i].saved;
		due |= l->lane[i].done - l->lane[i].saved >= SAVE_BEHIND;
	}
	return due || (news && now - l->saved_us >= SAVE_US);
}

static void save(struct load *l)
{
	pthread_mutex_lock(&l->lock);
	for (uint32_t i = 0; i < l->state.lanes; i++)
		l->state.done[i] = l->lane[i].done;
	pthread_mutex_unlock(&l->lock);
	bool ok = load_state_write(&l->state, l->path);
	int why = errno;
	pthread_mutex_lock(&l->lock);
	for (uint32_t i = 0; ok && i < l->state.lanes; i++)
		l->lane[i].saved = l->state.done[i];
	if (!ok)
		stop(l, CLI_FAILED, l->path, strerror(why));
	pthread_mutex_unlock(&l->lock);
	l->saved_us = load_now_us();
}

/* ---- this command's thread ---- */

static void wait_a_while(struct load *l)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&l->changed, &l->lock, &until);
}

/* One step of waiting. False when it cannot go on. */
static bool tend(struct load *l)
{
	bool linked = quorate_client_links(l->cluster->client) > 0;
	for (uint32_t i = 0; i < l->state.lanes; i++)
		tend_lane(&l->lane[i], linked);
	pthread_mutex_lock(&l->lock);
	uint64_t now = load_now_us(); /* under the lock: never before what the other thread noted */
	bool due = save_due(l, now);
	if (now - l->progress_us > (uint64_t)l->give_up_ms * 1000)
		stop(l, CLI_UNREACHABLE, "too few replicas answer, and no row was done for as long as --timeout says; start it again to go on", NULL);
	bool on = l->code == CLI_OK;
	pthread_mutex_unlock(&l->lock);
	if (due && on)
		save(l);
	l->look(l);
	return on;
}

static bool has_room(const struct lane *lane, uint64_t number)
{
	const struct load *l = lane->load;
	return !lane->stalled && lane->flying < LOAD_FLYING_MAX && number <= lane->saved + LOAD_SLOTS && (l->bytes < LOAD_BYTES_MAX || l->open_bundles == 0);
}

/* Under nothing; returns when the bundle may go. False when it cannot go on. */
static bool wait_for_room(struct lane *lane, uint64_t number)
{
	struct load *l = lane->load;
	for (;;) {
		pthread_mutex_lock(&l->lock);
		bool room = has_room(lane, number), on = l->code == CLI_OK;
		bool save_now = save_due(l, load_now_us());
		if (on && !room && !save_now)
			wait_a_while(l);
		pthread_mutex_unlock(&l->lock);
		if (room && on && !save_now)
			return true;
		if (!tend(l))
			return false;
	}
}

static void send_new(struct lane *lane, uint64_t number, struct row_bundle *rows)
{
	struct load *l = lane->load;
	struct slot *s = slot_of(lane, number);
	pthread_mutex_lock(&l->lock);
	*s = (struct slot){ .lane = lane, .state = SLOT_FLYING, .number = number, .rows = *rows, .began_us = load_now_us() };
	lane->flying++;
	lane->next = number + 1;
	l->open_bundles++;
	l->bytes += rows->n;
	pthread_mutex_unlock(&l->lock);
	*rows = (struct row_bundle){ 0 };
	send_slot(s);
}

static bool goes_on(struct load *l)
{
	pthread_mutex_lock(&l->lock);
	bool on = l->code == CLI_OK;
	pthread_mutex_unlock(&l->lock);
	return on;
}

/* Bundle after bundle; what an earlier run has done is passed over. */
static int send_all(struct load *l)
{
	for (uint64_t k = 0;; k++) {
		struct row_bundle rows;
		struct lane *lane = &l->lane[k % l->state.lanes];
		uint64_t number = k / l->state.lanes + 1;
		int code = rows_next(l->rows, l->state.bundle_rows, &rows);
		if (code != CLI_OK)
			return code;
		uint16_t count = rows.count;
		if (count && number < lane->next)
			l->resumed_rows += count;
		else if (count && wait_for_room(lane, number))
			send_new(lane, number, &rows);
		row_bundle_free(&rows);
		if (!count || !goes_on(l))
			return CLI_OK;
	}
}

static void finish_all(struct load *l)
{
	for (;;) {
		pthread_mutex_lock(&l->lock);
		bool over = l->open_bundles == 0 || l->code != CLI_OK;
		if (!over && !save_due(l, load_now_us()))
			wait_a_while(l);
		pthread_mutex_unlock(&l->lock);
		if (over || !tend(l))
			return;
	}
}

/* ---- sessions ---- */

static int open_lane(struct load *l, struct lane *lane)
{
	char reason[QUORATE_REASON_BYTES] = "";
	uint64_t ends = load_now_us() + (uint64_t)l->give_up_ms * 1000;
	for (;;) {
		enum quorate_error error = QUORATE_FAILED;
		lane->session = quorate_session_open(l->cluster->client, NULL, NULL);
		if (lane->session)
			error = quorate_session_wait(lane->session, l->give_up_ms, reason);
		if (error == QUORATE_OK)
			return CLI_OK;
		if ((error != QUORATE_UNREACHABLE && error != QUORATE_UNKNOWN) || load_now_us() >= ends)
			return cli_error(error == QUORATE_UNKNOWN ? QUORATE_UNREACHABLE : error, reason);
		quorate_session_close(lane->session);
		l->look(l);
	}
}

static int open_lanes(struct load *l, bool resumed)
{
	int code = CLI_OK;
	for (uint32_t i = 0; i < l->state.lanes && code == CLI_OK; i++) {
		struct lane *lane = &l->lane[i];
		lane->load = l;
		lane->done = lane->saved = l->state.done[i];
		lane->next = lane->done + 1;
		if (resumed)
			lane->session = quorate_session_resume(l->cluster->client, l->state.session[i], lane->done);
		else
			code = open_lane(l, lane);
		if (!lane->session)
			return cli_fail(CLI_FAILED, "no memory for a session");
		l->state.session[i] = quorate_session_id(lane->session);
	}
	return code;
}

static void close_lanes(struct load *l)
{
	for (uint32_t i = 0; i < l->state.lanes; i++)
		cluster_give_up(l->cluster, l->lane[i].session);
}

int load_run(struct load *l, bool resumed)
{
	int code = open_lanes(l, resumed);
	if (code != CLI_OK)
		return code;
	/* Before the first row goes: a later run must know the sessions. */
	save(l);
	l->began_us = l->progress_us = load_now_us();
	code = send_all(l);
	if (code == CLI_OK)
		finish_all(l);
	l->ended_us = load_now_us();
	bool whole = code == CLI_OK && goes_on(l);
	if (whole)
		close_lanes(l);
	else
		save(l); /* a later run goes on here */
	l->look(l);
	return code == CLI_OK && !whole ? cli_fail(l->code, "%s", l->why) : code;
}
