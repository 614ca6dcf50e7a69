#include "bench/load.h"

#include "quorate_kv.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOLD_MAX ((size_t)4 << 20)
#define LOOK_MS 50u
#define OP_BYTES (64u + (64u << 10))

enum phase { WARMING, MEASURING, DRAINING };

struct load;
struct operation {
	struct load *load;
	struct quorate_session *session;
	uint64_t begun_us;
};

struct load {
	struct load_options options;
	struct load_result *result;
	struct quorate_client *client;
	struct operation *operations;
	uint8_t *value, *op;
	uint64_t rng, next_key, last_us;
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

static bool submit(struct load *l, struct operation *o)
{
	char key[32];
	if (l->options.fill && l->next_key == l->options.keys)
		return false;
	uint64_t which = l->options.fill ? l->next_key++ : random_next(l) % l->options.keys;
	int n = snprintf(key, sizeof key, "key-%010llu", (unsigned long long)which);
	if (l->options.reads) {
		o->begun_us = now_us();
		return quorate_read(o->session, l->op, quorate_kv_get(l->op, OP_BYTES, key, (size_t)n), on_answer, o) == QUORATE_OK;
	}
	uint64_t stamp = random_next(l);
	memcpy(l->value, &stamp, sizeof stamp < l->options.value_bytes ? sizeof stamp : l->options.value_bytes);
	size_t bytes = quorate_kv_put(l->op, OP_BYTES, key, (size_t)n, l->value, l->options.value_bytes);
	o->begun_us = now_us();
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

static void count(struct load *l, const struct operation *o, const struct quorate_answer *a)
{
	struct load_result *r = l->result;
	uint64_t now = now_us();
	if (a->error == QUORATE_OK)
		keep_told(l, a);
	else if (!r->first_failure[0])
		snprintf(r->first_failure, sizeof r->first_failure, "%s", a->reason ? a->reason : "no reason");
	if (l->phase == MEASURING && a->error == QUORATE_OK) {
		r->done++;
		histogram_add(&r->latency_us, now - o->begun_us);
		if (l->last_us && now - l->last_us > r->gap_us_max)
			r->gap_us_max = now - l->last_us;
		l->last_us = now;
	} else if (a->error != QUORATE_OK) {
		r->failed++;
	}
}

static void on_answer(void *user, const struct quorate_answer *answer)
{
	struct operation *o = user;
	struct load *l = o->load;
	pthread_mutex_lock(&l->lock);
	count(l, o, answer);
	bool again = l->phase != DRAINING && answer->error == QUORATE_OK;
	if (!again || !submit(l, o)) {
		l->open--;
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

static bool begin(struct load *l, char *reason)
{
	const struct load_options *o = &l->options;
	struct quorate_client_options client = { .genesis = o->genesis, .key = o->key, .bundle_ops = o->bundle_ops, .timeout_ms = 20000 };
	if (quorate_client_create(&l->client, &client, reason) != QUORATE_OK || quorate_client_start(l->client, reason) != QUORATE_OK)
		return false;
	quorate_client_wait(l->client, quorate_client_members(l->client), 5000);
	for (uint32_t i = 0; i < o->sessions; i++) {
		struct quorate_session *s = quorate_session_open(l->client, NULL, NULL);
		if (!s || quorate_session_wait(s, 10000, reason) != QUORATE_OK)
			return false;
		for (uint32_t k = 0; k < o->outstanding; k++)
			l->operations[i * o->outstanding + k] = (struct operation){ .load = l, .session = s };
	}
	pthread_mutex_lock(&l->lock);
	for (uint32_t i = 0; i < o->sessions * o->outstanding; i++)
		l->open += submit(l, &l->operations[i]);
	pthread_mutex_unlock(&l->lock);
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

static void measure(struct load *l)
{
	const struct load_options *o = &l->options;
	uint64_t ends_us = now_us() + (uint64_t)o->duration_ms * 1000;
	while (now_us() < ends_us && !all_filled(l) && !is_enough(l)) {
		uint64_t left_ms = (ends_us - now_us()) / 1000 + 1;
		sleep_ms(left_ms < LOOK_MS || !(o->enough || o->fill) ? (uint32_t)left_ms : LOOK_MS);
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

bool load_run(const struct load_options *options, struct load_result *out, void (*measuring)(void *arg, bool begins), void *arg, char *reason)
{
	struct load l = { .options = *options, .result = out, .rng = options->seed };
	memset(out, 0, sizeof *out);
	out->told = malloc(TOLD_MAX * sizeof *out->told);
	l.operations = calloc((size_t)options->sessions * options->outstanding, sizeof *l.operations);
	l.value = calloc(1, options->value_bytes + 8);
	l.op = malloc(OP_BYTES);
	pthread_mutex_init(&l.lock, NULL);
	pthread_cond_init(&l.changed, NULL);
	bool ok = out->told && l.operations && l.value && l.op && begin(&l, reason);
	if (ok) {
		sleep_ms(options->warm_up_ms);
		uint64_t from = now_us();
		set_phase(&l, MEASURING);
		if (measuring)
			measuring(arg, true);
		measure(&l);
		set_phase(&l, DRAINING);
		out->seconds = (double)(now_us() - from) / 1e6;
		if (measuring)
			measuring(arg, false);
		drain(&l);
	}
	if (l.client)
		quorate_client_stop(l.client, NULL, NULL);
	quorate_client_destroy(l.client);
	pthread_cond_destroy(&l.changed);
	pthread_mutex_destroy(&l.lock);
	free(l.operations);
	free(l.value);
	free(l.op);
	return ok;
}
