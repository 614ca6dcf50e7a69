/* A running replica: include/quorate.h over the driver, net/, the log's thread and a libuv loop (running.h). Here is how it starts and ends, on its own thread or on the
 * loop of whoever embeds it. */
#include "bft/check.h"
#include "replica/epochs_file.h"
#include "replica/running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_DEFAULT 1024u
#define CLIENTS_MAX 60000u

struct quorate *running_of(void *data)
{
	struct quorate *q = data;
	BFT_CHECK(q && q->magic == RUNNING_MAGIC);
	return q;
}

enum quorate_error running_fail(char *reason, enum quorate_error error, const char *sentence)
{
	if (reason)
		snprintf(reason, QUORATE_REASON_BYTES, "%s", sentence);
	return error;
}

void running_note(void *user, enum quorate_level level, const char *line)
{
	struct quorate *q = running_of(user);
	if (q->options.log)
		q->options.log(q->options.log_user, level, line);
}

/* ---- the end ---- */

static void handle_closed(uv_handle_t *handle)
{
	struct quorate *q = running_of(handle->data);
	if (--q->handles_open)
		return;
	q->phase = PHASE_STOPPED;
	if (q->stopped && !q->own_thread)
		q->stopped(q->stopped_user);
}

static void close_rest(struct quorate *q)
{
	bool clean = q->log_ok && !(q->driver && driver_failed(q->driver));
	if (q->writer)
		clean &= log_writer_stop(q->writer);
	else
		clean = false; /* it never ran: the superblock says what it said */
	q->writer = NULL;
	driver_destroy(q->driver);
	q->driver = NULL;
	folder_close(&q->folder, clean);
	if (q->identity) {
		sign_wipe(&q->identity->secret);
		sign_wipe(&q->identity->tls_secret);
	}
	if (q->handles_open) {
		uv_close((uv_handle_t *)&q->check, handle_closed);
		uv_close((uv_handle_t *)&q->idle, handle_closed);
		uv_close((uv_handle_t *)&q->timer, handle_closed);
		uv_close((uv_handle_t *)&q->async, handle_closed);
	}
}

static void net_gone(void *user)
{
	struct quorate *q = running_of(user);
	q->net = NULL;
	close_rest(q);
}

void running_stop(struct quorate *q)
{
	if (q->phase >= PHASE_STOPPING)
		return;
	q->phase = PHASE_STOPPING;
	if (q->net)
		net_close(q->net, net_gone, q);
	else
		close_rest(q);
}

/* ---- starting ---- */

static enum quorate_error start_now(struct quorate *q, char *reason)
{
	struct log_writer_options w = { .flush = q->options.durability == QUORATE_DURABILITY_FLUSH, .notify = world_wake, .arg = q };
	q->writer = log_writer_start(q->folder.log, &w);
	if (!q->writer)
		return running_fail(reason, QUORATE_FAILED, "no thread for the log");
	q->log_ok = true;
	q->phase = PHASE_RUNNING;
	const char *why;
	if (!peers_dial(q, &why))
		return running_fail(reason, QUORATE_CONFIG, why);
	loop_begin(q);
	if (q->folder.state_lost[0]) {
		char line[STATE_REASON_BYTES + 96];
		snprintf(line, sizeof line, "the state is damaged (%s): it was dropped, and is made again from the log or from the others",
		         q->folder.state_lost);
		running_note(q, QUORATE_LEVEL_WARNING, line);
	}
	if (q->options.lease_drift_percent)
		running_note(
			q, QUORATE_LEVEL_INFO,
			"in trusted mode reads are answered by lease, which is right only while no replica's clock breaks the bound of lease_drift_percent");
	if (q->folder.recovery == BFT_RECOVERY_LOST) {
		char line[QUORATE_REASON_BYTES + 64];
		snprintf(line, sizeof line, "this replica is an observer: %s", q->folder.why_lost);
		running_note(q, QUORATE_LEVEL_WARNING, line);
	}
	if (!driver_start(q->driver, q->folder.recovery, folder_incarnation(&q->folder), q->folder.last_lsn, running_mono_ms(), running_wall_ms()))
		return running_fail(reason, QUORATE_FAILED, driver_trouble(q->driver));
	running_turn(q);
	return QUORATE_OK;
}

static void own_thread_main(void *arg)
{
	struct quorate *q = running_of(arg);
	char reason[QUORATE_REASON_BYTES] = "";
	enum quorate_error error = running_open(q, reason);
	uv_mutex_lock(&q->lock);
	q->error = error;
	memcpy(q->reason, reason, sizeof reason);
	q->created = true;
	uv_cond_broadcast(&q->changed);
	while (error == QUORATE_OK && q->wanted == WANT_NOTHING)
		uv_cond_wait(&q->changed, &q->lock);
	bool start = error == QUORATE_OK && q->wanted == WANT_START;
	uv_mutex_unlock(&q->lock);
	if (start) {
		error = start_now(q, reason);
		uv_mutex_lock(&q->lock);
		q->error = error;
		memcpy(q->reason, reason, sizeof reason);
		q->created = true;
		uv_cond_broadcast(&q->changed);
		uv_mutex_unlock(&q->lock);
	}
	if (!start || error != QUORATE_OK)
		running_stop(q);
	uv_run(q->loop, UV_RUN_DEFAULT);
}

/* Waits until the thread has tried what was asked. */
static enum quorate_error own_thread_answer(struct quorate *q, char *reason)
{
	while (!q->created)
		uv_cond_wait(&q->changed, &q->lock);
	enum quorate_error error = q->error;
	if (error != QUORATE_OK && reason)
		memcpy(reason, q->reason, sizeof q->reason);
	uv_mutex_unlock(&q->lock);
	return error;
}

/* ---- the public functions ---- */

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

static bool copy_options(struct quorate *q, const struct quorate_options *o)
{
	const char **fields[7] = { &q->options.genesis, &q->options.member_key, &q->options.tls_key, &q->options.passphrase,
		                   &q->options.data,    &q->options.listen,     &q->options.epochs };
	q->options = *o;
	for (int i = 0; i < 7; i++) {
		q->strings[i] = copy(*fields[i]);
		if (*fields[i] && !q->strings[i])
			return false;
		*fields[i] = q->strings[i];
	}
	return true;
}

static struct quorate *allocate(const struct quorate_options *o, const struct quorate_app *app)
{
	struct quorate *q = calloc(1, sizeof *q);
	if (!q)
		return NULL;
	q->magic = RUNNING_MAGIC;
	q->app = *app;
	q->clients_count = o->clients_max ? (o->clients_max < CLIENTS_MAX ? o->clients_max : CLIENTS_MAX) : CLIENTS_DEFAULT;
	q->clients = calloc(q->clients_count, sizeof *q->clients);
	for (uint32_t i = 0; q->clients && i < q->clients_count; i++)
		q->clients[i].generation = i;
	q->identity = calloc(1, sizeof *q->identity);
	uv_mutex_init(&q->lock);
	uv_cond_init(&q->changed);
	if (!copy_options(q, o) || !q->clients || !q->identity) {
		q->phase = PHASE_STOPPED;
		quorate_destroy(q);
		return NULL;
	}
	return q;
}

enum quorate_error quorate_create(struct quorate **out, const struct quorate_options *options, const struct quorate_app *app, char *reason)
{
	*out = NULL;
	if (!options || !app || !app->execute)
		return running_fail(reason, QUORATE_USAGE, "no options, or no application");
	struct quorate *q = allocate(options, app);
	if (!q)
		return running_fail(reason, QUORATE_FAILED, "no memory");
	q->own_thread = options->loop == NULL;
	q->loop = q->own_thread ? &q->own_loop : options->loop;
	if (q->own_thread && uv_loop_init(&q->own_loop) != 0) {
		q->phase = PHASE_STOPPED;
		q->own_thread = false;
		quorate_destroy(q);
		return running_fail(reason, QUORATE_FAILED, "no loop");
	}
	loop_open_handles(q);
	enum quorate_error error;
	if (q->own_thread) {
		uv_mutex_lock(&q->lock);
		if (uv_thread_create(&q->thread, own_thread_main, q) != 0) {
			q->error = QUORATE_FAILED;
			q->created = true;
		}
		error = own_thread_answer(q, reason);
	} else {
		error = running_open(q, reason);
	}
	if (error != QUORATE_OK) {
		quorate_destroy(q);
		return error;
	}
	*out = q;
	return QUORATE_OK;
}

enum quorate_error quorate_start(struct quorate *q, char *reason)
{
	if (q->wanted != WANT_NOTHING)
		return running_fail(reason, QUORATE_USAGE, "a replica is started once");
	if (!q->own_thread) {
		q->wanted = WANT_START;
		return start_now(q, reason);
	}
	uv_mutex_lock(&q->lock);
	q->created = false;
	q->wanted = WANT_START;
	uv_cond_broadcast(&q->changed);
	return own_thread_answer(q, reason);
}

void quorate_stop(struct quorate *q, void (*stopped)(void *user), void *user)
{
	if (!q->own_thread) {
		q->stopped = stopped;
		q->stopped_user = user;
		if (q->phase == PHASE_STOPPED && stopped)
			stopped(user);
		else
			running_stop(q);
		return;
	}
	uv_mutex_lock(&q->lock);
	q->wanted = WANT_STOP;
	uv_cond_broadcast(&q->changed);
	uv_mutex_unlock(&q->lock);
	if (!q->joined) {
		q->joined = true;
		uv_async_send(&q->async);
		uv_thread_join(&q->thread);
		uv_loop_close(&q->own_loop);
		q->phase = PHASE_STOPPED;
	}
	if (stopped)
		stopped(user);
}

void quorate_destroy(struct quorate *q)
{
	if (!q)
		return;
	if (q->own_thread && !q->joined)
		quorate_stop(q, NULL, NULL);
	if (!q->own_thread && q->phase != PHASE_STOPPED) {
		/* Never started, or stopped and not yet gone: the loop is run until its handles are. */
		running_stop(q);
		while (q->phase != PHASE_STOPPED)
			uv_run(q->loop, UV_RUN_ONCE);
	}
	for (int i = 0; i < 7; i++)
		free(q->strings[i]);
	free(q->identity);
	free(q->clients);
	uv_mutex_destroy(&q->lock);
	uv_cond_destroy(&q->changed);
	q->magic = 0;
	free(q);
}

uint16_t quorate_port(const struct quorate *q)
{
	return q->port;
}

void quorate_standing(struct quorate *q, struct quorate_standing *out)
{
	uv_mutex_lock(&q->lock);
	*out = q->standing;
	uv_mutex_unlock(&q->lock);
}

/* A member that came later finds itself in it at each start. */
static enum quorate_error keep_chain(const struct quorate_options *options, char *reason)
{
	char sentence[QUORATE_REASON_BYTES];
	if (epochs_file_copy(options->data, options->epochs))
		return QUORATE_OK;
	snprintf(sentence, sizeof sentence, "%.200s: %s", options->epochs, strerror(errno));
	return running_fail(reason, QUORATE_FAILED, sentence);
}

enum quorate_error quorate_format(const struct quorate_options *options, char *reason)
{
	struct identity *identity = calloc(1, sizeof *identity);
	if (!identity)
		return running_fail(reason, QUORATE_FAILED, "no memory");
	enum quorate_error error = identity_read(identity, options, reason);
	if (error == QUORATE_OK && !options->data)
		error = running_fail(reason, QUORATE_USAGE, "no data folder is named");
	if (error == QUORATE_OK && !options->lost && (!identity->has_key || !public_key_equal(&identity->key, &identity->card.member_key)))
		error = running_fail(reason, QUORATE_CONFIG, "no member of the genesis has the key in the file that member_key names");
	if (error == QUORATE_OK) {
		struct folder_needs needs = folder_needs(&identity->genesis);
		error = folder_format(options->data, &identity->cluster, &identity->card.member_key, &needs, options, reason);
	}
	if (error == QUORATE_OK && options->epochs)
		error = keep_chain(options, reason);
	sign_wipe(&identity->secret);
	sign_wipe(&identity->tls_secret);
	free(identity);
	return error;
}
