#include "bench/load.h"

#include "quorate_kv.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOLD_MAX ((size_t)4 << 20)
#define LOOK_MS 50u
#define OP_BYTES (64u + (1u << 20))

#define OPEN_MAX 100000u /* operations that an open loop has under way: what comes above it counts as failed */

enum phase { WARMING, MEASURING, DRAINING };

struct load;
struct operation {
	struct load *load;
	struct quorate_session *session;
	uint32_t client;
	bool measured; /* its moment lay in the measured time */
	uint64_t intended_us, begun_us;
	struct operation *next; /* of those that are free, in an open loop */
};

struct load {
	struct load_options options;
	struct load_result *result;
	struct quorate_client *client[TRACK_CLIENTS];
	struct quorate_session **session;
	uint32_t clients;
	struct operation *operations, *free;
	struct keys keys;
	struct schedule schedule;
	uint8_t *value, *op;
	uint64_t rng, next_key, last_us, begins_us;
	uint64_t done_by[TRACK_CLIENTS], turn;
	/* under the lock: the client's thread works, the caller's waits */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum phase phase;
	uint32_t open;
};

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static uint64_t random_next(struct load *l)
{
	uint64_t z = (l->rng += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static void on_answer(void *user, const struct quorate_answer *answer);

static bool submit(struct load *l, struct operation *o, uint64_t intended_us)
{
	char key[32];
	if (l->options.fill && l->next_key == l->options.keys)
		return false;
	uint64_t which = l->options.fill ? l->next_key++ : keys_draw(&l->keys, random_next(l));
	int n = snprintf(key, sizeof key, "key-%010llu", (unsigned long long)which);
	o->begun_us = now_us();
	o->intended_us = intended_us ? intended_us : o->begun_us;
	o->measured = l->phase == MEASURING && o->intended_us >= l->begins_us;
	if (l->options.reads_pct && (l->options.reads_pct == 100 || random_next(l) % 100 < l->options.reads_pct))
		return quorate_read(o->session, l->op, quorate_kv_get(l->op, OP_BYTES, key, (size_t)n), on_answer, o) == QUORATE_OK;
	uint64_t stamp = random_next(l);
	memcpy(l->value, &stamp, sizeof stamp < l->options.value_bytes ? sizeof stamp : l->options.value_bytes);
	size_t bytes = quorate_kv_put(l->op, OP_BYTES, key, (size_t)n, l->value, l->options.value_bytes);
	return quorate_submit(o->session, l->op, bytes, on_answer, o) == QUORATE_OK;
}

static void keep_told(struct load *l, const struct quorate_answer *a)
{
	struct load_result *r = l->result;
	if (a->index != 0 || a->number == 0)
		return; /* the bundle's first operation stands for it */
	if (r->told_count == TOLD_MAX) {
		r->told_lost++;
		return;
	}
	r->told[r->told_count++] = (struct told){ a->session, a->number, a->seq };
}

static void count_good(struct load *l, const struct operation *o, uint64_t now)
{
	struct load_result *r = l->result;
	bool open_loop = l->options.rate > 0;
	if (l->phase == MEASURING) {
		r->done++;
		l->done_by[o->client]++;
		if (l->last_us && now - l->last_us > r->gap_us_max)
			r->gap_us_max = now - l->last_us;
		l->last_us = now;
	}
	/* An open loop counts what was asked in the measured time, when it is answered later too: what takes longest would be missing else. */
	if (open_loop ? o->measured : l->phase == MEASURING) {
		histogram_add(&r->latency_us, now - o->intended_us);
		histogram_add(&r->service_us, now - o->begun_us);
	}
}

static void count(struct load *l, const struct operation *o, const struct quorate_answer *a)
{
	struct load_result *r = l->result;
	uint64_t now = now_us();
	bool ok = a->error == QUORATE_OK;
	if (ok)
		keep_told(l, a);
	else if (!r->first_failure[0])
		snprintf(r->first_failure, sizeof r->first_failure, "%s", a->reason ? a->reason : "no reason");
	if (l->options.track && l->phase == MEASURING)
		track_done(l->options.track, now, o->intended_us, o->client, ok);
	if (ok)
		count_good(l, o, now);
	else
		r->failed++;
}

/* What ended without an answer is asked for again, as something new; what was refused would be refused again at once. */
static bool asks_again(const struct load *l, enum quorate_error error)
{
	return l->options.rate == 0 && l->phase != DRAINING && (error == QUORATE_OK || error == QUORATE_UNKNOWN || error == QUORATE_UNREACHABLE);
}

static void on_answer(void *user, const struct quorate_answer *answer)
{
	struct operation *o = user;
	struct load *l = o->load;
	pthread_mutex_lock(&l->lock);
	count(l, o, answer);
	if (!asks_again(l, answer->error) || !submit(l, o, 0)) {
		l->open--;
		if (l->options.rate > 0) {
			o->next = l->free;
			l->free = o;
		}
		pthread_cond_signal(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
}

static void sleep_ms(uint32_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

static void set_phase(struct load *l, enum phase phase)
{
	pthread_mutex_lock(&l->lock);
	l->phase = phase;
	l->last_us = now_us(); /* a gap that begins with the phase counts too */
	pthread_mutex_unlock(&l->lock);
}

static void set_operations(struct load *l)
{
	const struct load_options *o = &l->options;
	if (o->rate > 0) {
		for (uint32_t i = 0; i < OPEN_MAX; i++) {
			l->operations[i] = (struct operation){ .load = l, .next = l->free };
			l->free = &l->operations[i];
		}
		return;
	}
	for (uint32_t i = 0; i < o->sessions * o->outstanding; i++) {
		uint32_t s = i / o->outstanding;
		l->operations[i] = (struct operation){ .load = l, .session = l->session[s], .client = s % l->clients };
		l->open += submit(l, &l->operations[i], 0);
	}
}

/* The first client has the key that is named, the others fresh ones. */
static bool open_clients(struct load *l, char *reason)
{
	const struct load_options *o = &l->options;
	for (uint32_t i = 0; i < l->clients; i++) {
		struct quorate_client_options client = { .genesis = o->genesis, .key = i ? NULL : o->key, .bundle_ops = o->bundle_ops, .timeout_ms = 20000 };
		if (quorate_client_create(&l->client[i], &client, reason) != QUORATE_OK || quorate_client_start(l->client[i], reason) != QUORATE_OK)
			return false;
		quorate_client_wait(l->client[i], quorate_client_members(l->client[i]), 5000);
	}
	return true;
}

static bool begin(struct load *l, char *reason)
{
	const struct load_options *o = &l->options;
	if (!open_clients(l, reason))
		return false;
	for (uint32_t i = 0; i < o->sessions; i++) {
		l->session[i] = quorate_session_open(l->client[i % l->clients], NULL, NULL);
		if (!l->session[i] || quorate_session_wait(l->session[i], 10000, reason) != QUORATE_OK)
			return false;
	}
	pthread_mutex_lock(&l->lock);
	set_operations(l);
	pthread_mutex_unlock(&l->lock);
	if (o->rate > 0)
		schedule_begin(&l->schedule, o->rate, now_us());
	return true;
}

static bool all_filled(struct load *l)
{
	pthread_mutex_lock(&l->lock);
	bool all = l->options.fill && l->open == 0;
	pthread_mutex_unlock(&l->lock);
	return all;
}

/* Not before anything was done: it could be so before the load has begun, and then there is nothing to tell. */
static bool is_enough(struct load *l)
{
	pthread_mutex_lock(&l->lock);
	bool any = l->result->done > 0;
	pthread_mutex_unlock(&l->lock);
	return any && l->options.enough && l->options.enough(l->options.enough_arg);
}

/* One at a moment that has come. Each session in its turn. */
static void ask(struct load *l, uint64_t intended_us)
{
	pthread_mutex_lock(&l->lock);
	struct operation *o = l->free;
	uint32_t s = (uint32_t)(l->turn++ % l->options.sessions);
	if (o) {
		l->free = o->next;
		o->session = l->session[s];
		o->client = s % l->clients;
	}
	if (o && submit(l, o, intended_us)) {
		l->open++;
	} else {
		l->result->failed++;
		if (!l->result->first_failure[0])
			snprintf(l->result->first_failure, sizeof l->result->first_failure, "more is under way than the clients can hold");
		if (o) {
			o->next = l->free;
			l->free = o;
		}
	}
	pthread_mutex_unlock(&l->lock);
}

static bool is_over(struct load *l)
{
	return all_filled(l) || is_enough(l);
}

/* The open loop works until then; the closed one works by itself. */
static void go_on(struct load *l, uint64_t until_us, bool may_end)
{
	uint64_t looked_us = 0, intended_us;
	const volatile sig_atomic_t *stop = l->options.stop;
	for (uint64_t now; (now = now_us()) < until_us && !(stop && *stop);) {
		if (may_end && now - looked_us > LOOK_MS * 1000) {
			looked_us = now;
			if (is_over(l))
				return;
		}
		if (l->options.rate > 0) {
			while (schedule_due(&l->schedule, now, &intended_us))
				ask(l, intended_us);
			uint64_t next = schedule_next_us(&l->schedule);
			now = now_us();
			uint64_t wait = next <= now ? 0 : next - now < 1000 ? next - now : 1000;
			nanosleep(&(struct timespec){ .tv_nsec = (long)wait * 1000 }, NULL);
			continue;
		}
		uint64_t left_ms = (until_us - now) / 1000 + 1;
		sleep_ms(left_ms < LOOK_MS ? (uint32_t)left_ms : LOOK_MS);
	}
}

static void drain(struct load *l)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30;
	pthread_mutex_lock(&l->lock);
	while (l->open && pthread_cond_timedwait(&l->changed, &l->lock, &until) == 0)
		;
	pthread_mutex_unlock(&l->lock);
}

static double worst_share(const struct load *l)
{
	uint64_t sum = 0, least = UINT64_MAX;
	for (uint32_t i = 0; i < l->clients; i++) {
		sum += l->done_by[i];
		least = l->done_by[i] < least ? l->done_by[i] : least;
	}
	return sum ? 100.0 * (double)least * l->clients / (double)sum : 0;
}

static void run_phases(struct load *l, void (*measuring)(void *arg, bool begins), void *arg)
{
	struct load_result *out = l->result;
	go_on(l, now_us() + (uint64_t)l->options.warm_up_ms * 1000, false);
	uint64_t from = now_us();
	l->schedule.behind_us_max = 0;
	l->begins_us = from;
	if (l->options.track)
		track_begin(l->options.track, from);
	set_phase(l, MEASURING);
	if (measuring)
		measuring(arg, true);
	go_on(l, from + (uint64_t)l->options.duration_ms * 1000, true);
	pthread_mutex_lock(&l->lock);
	uint64_t to = now_us(), last = l->last_us; /* a gap that the end cuts short counts too */
	if (to > last && to - last > out->gap_us_max)
		out->gap_us_max = to - last;
	pthread_mutex_unlock(&l->lock);
	set_phase(l, DRAINING);
	out->seconds = (double)(to - from) / 1e6;
	out->behind_us_max = l->schedule.behind_us_max;
	out->worst_client_pct = worst_share(l);
	if (l->options.track)
		track_end(l->options.track, to);
	if (measuring)
		measuring(arg, false);
	drain(l);
	pthread_mutex_lock(&l->lock);
	out->unanswered = l->open;
	pthread_mutex_unlock(&l->lock);
}

static void end(struct load *l)
{
	for (uint32_t i = 0; i < l->clients; i++) {
		if (l->client[i])
			quorate_client_stop(l->client[i], NULL, NULL);
		quorate_client_destroy(l->client[i]);
	}
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l->session);
	free(l->operations);
	free(l->value);
	free(l->op);
}

bool load_run(const struct load_options *options, struct load_result *out, void (*measuring)(void *arg, bool begins), void *arg, char *reason)
{
	struct load *l = calloc(1, sizeof *l);
	memset(out, 0, sizeof *out);
	if (!l)
		return false;
	l->options = *options;
	l->result = out;
	l->rng = options->seed;
	l->clients = options->clients < 1 ? 1 : options->clients < TRACK_CLIENTS ? options->clients : TRACK_CLIENTS;
	keys_begin(&l->keys, options->keys, options->zipf);
	out->told = malloc(TOLD_MAX * sizeof *out->told);
	l->session = calloc(options->sessions, sizeof *l->session);
	l->operations = calloc(options->rate > 0 ? OPEN_MAX : (size_t)options->sessions * options->outstanding, sizeof *l->operations);
	l->value = calloc(1, options->value_bytes + 8);
	l->op = malloc(OP_BYTES);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	bool ok = out->told && l->session && l->operations && l->value && l->op && begin(l, reason);
	if (ok)
		run_phases(l, measuring, arg);
	end(l);
	free(l);
	return ok;
}
