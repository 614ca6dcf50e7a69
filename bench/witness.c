#include "bench/witness.h"

#include "quorate_kv.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SESSIONS 4u
#define CLIENTS 2u /* of two keys, so that answers come over different links */
#define REGISTERS 8u
#define OPS_MAX 1000000u

struct one { /* session */
	struct witness *witness;
	struct quorate_session *session;
	pthread_t thread;
	bool runs;
	uint32_t number;
	uint64_t rng, written;
	uint64_t seen[REGISTERS]; /* what it saw there last; LINEAR_NONE: nothing */
};

struct witness {
	struct quorate_client *client[CLIENTS];
	struct one one[SESSIONS];
	uint32_t pause_ms;
	volatile bool ends;
	pthread_mutex_t lock;
	struct linear_op *op;
	size_t count, capacity;
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t draw(struct one *o)
{
	uint64_t z = (o->rng += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static void keep(struct witness *w, const struct linear_op *op)
{
	pthread_mutex_lock(&w->lock);
	if (w->count == w->capacity && w->capacity < OPS_MAX) {
		size_t wanted = w->capacity ? 2 * w->capacity : 4096;
		struct linear_op *larger = realloc(w->op, wanted * sizeof *larger);
		if (larger) {
			w->op = larger;
			w->capacity = wanted;
		}
	}
	if (w->count < w->capacity)
		w->op[w->count++] = *op;
	pthread_mutex_unlock(&w->lock);
}

struct told {
	enum quorate_error error;
	struct quorate_kv_answer answer;
	uint8_t value[64];
	size_t n;
};

static void ask(struct one *o, bool read, const uint8_t *op, size_t n, struct told *t)
{
	char reason[QUORATE_REASON_BYTES];
	t->error = (read ? quorate_read_wait : quorate_call_wait)(o->session, op, n, t->value, sizeof t->value, &t->n, reason);
	if (t->error == QUORATE_OK && (t->n > sizeof t->value || !quorate_kv_answer_read(&t->answer, t->value, t->n)))
		t->error = QUORATE_VERIFICATION; /* f+1 say what is no answer: nothing explains it */
}

/* What stands in a register, of an answer that shows it. */
static uint64_t value_of(const struct quorate_kv_answer *a)
{
	uint64_t v = LINEAR_NONE;
	if (a->status == QUORATE_KV_OK && a->body_bytes == sizeof v)
		memcpy(&v, a->body, sizeof v);
	else if (a->status == QUORATE_KV_OK)
		v = LINEAR_UNTOLD - 1; /* never written */
	return v;
}

static size_t encode(const struct linear_op *x, const char *key, size_t key_n, uint8_t *out, size_t capacity)
{
	switch (x->kind) {
	case LINEAR_PUT: return quorate_kv_put(out, capacity, key, key_n, &x->value, sizeof x->value);
	case LINEAR_CAS:
		return quorate_kv_cas(out, capacity, key, key_n, x->expected == LINEAR_NONE ? NULL : &x->expected, sizeof x->expected, &x->value,
		                      sizeof x->value);
	case LINEAR_GET:
	case LINEAR_DELETE: break;
	}
	return quorate_kv_get(out, capacity, key, key_n);
}

/* An operation of which nobody knows how it ended may take effect at any later time, or never; a read of that kind says nothing. */
static void conclude(struct one *o, struct linear_op *x, const struct told *t, uint32_t which)
{
	bool known = t->error == QUORATE_OK;
	if (t->error == QUORATE_REFUSED || t->error == QUORATE_UNREACHABLE || (!known && x->kind == LINEAR_GET && t->error != QUORATE_VERIFICATION))
		return;
	x->answered = known ? now_ns() : LINEAR_NEVER;
	if (t->error == QUORATE_VERIFICATION) {
		x->answered = now_ns();
		x->kind = LINEAR_GET;
		x->result = LINEAR_UNTOLD - 1;
	} else if (x->kind == LINEAR_GET) {
		x->result = o->seen[which] = value_of(&t->answer);
	} else if (x->kind == LINEAR_CAS) {
		x->result = known ? t->answer.status == QUORATE_KV_OK : LINEAR_UNTOLD;
		o->seen[which] = known && x->result ? x->value : o->seen[which];
	} else {
		x->result = LINEAR_UNTOLD;
		o->seen[which] = x->value;
	}
	keep(o->witness, x);
}

static void act(struct one *o)
{
	uint32_t what = (uint32_t)(draw(o) % 100), which = (uint32_t)(draw(o) % REGISTERS);
	char key[24];
	uint8_t op[256];
	struct told told;
	struct linear_op x = { .key = which + 1, .client = o->number };
	int key_n = snprintf(key, sizeof key, "witness-%u", which);
	x.kind = what < 50 ? LINEAR_GET : what < 80 ? LINEAR_PUT : LINEAR_CAS;
	x.value = x.kind == LINEAR_GET ? 0 : (uint64_t)o->number << 48 | ++o->written;
	x.expected = x.kind == LINEAR_CAS ? o->seen[which] : 0;
	size_t n = encode(&x, key, (size_t)key_n, op, sizeof op);
	x.asked = now_ns();
	ask(o, what < 40, op, n, &told);
	conclude(o, &x, &told, which);
}

static void *watch(void *arg)
{
	struct one *o = arg;
	char reason[QUORATE_REASON_BYTES];
	if (quorate_session_wait(o->session, 10000, reason) != QUORATE_OK)
		return NULL;
	while (!o->witness->ends) {
		act(o);
		usleep(o->witness->pause_ms * 1000);
	}
	return NULL;
}

static void stop(struct witness *w)
{
	w->ends = true;
	for (uint32_t i = 0; i < SESSIONS; i++)
		if (w->one[i].runs)
			pthread_join(w->one[i].thread, NULL);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		if (w->client[i])
			quorate_client_stop(w->client[i], NULL, NULL);
		quorate_client_destroy(w->client[i]);
	}
	pthread_mutex_destroy(&w->lock);
}

struct witness *witness_begin(const char *genesis, uint32_t pause_ms, uint64_t seed, char *reason)
{
	struct witness *w = calloc(1, sizeof *w);
	bool ok = w != NULL;
	if (!w)
		return NULL;
	w->pause_ms = pause_ms;
	pthread_mutex_init(&w->lock, NULL);
	for (uint32_t i = 0; ok && i < CLIENTS; i++) {
		struct quorate_client_options o = { .genesis = genesis, .timeout_ms = 5000 };
		ok = quorate_client_create(&w->client[i], &o, reason) == QUORATE_OK && quorate_client_start(w->client[i], reason) == QUORATE_OK;
	}
	for (uint32_t i = 0; ok && i < SESSIONS; i++) {
		struct one *o = &w->one[i];
		*o = (struct one){ .witness = w, .number = i + 1, .rng = seed * 131 + i, .session = quorate_session_open(w->client[i % CLIENTS], NULL, NULL) };
		ok = o->session && pthread_create(&o->thread, NULL, watch, o) == 0;
		o->runs = ok;
	}
	if (ok)
		return w;
	stop(w);
	free(w);
	return NULL;
}

enum linear_verdict witness_end(struct witness *w, uint64_t *operations, char *why, size_t why_bytes)
{
	struct linear_report report = { .verdict = LINEAR_HOLDS };
	*operations = 0;
	if (!w)
		return LINEAR_HOLDS;
	stop(w);
	*operations = w->count;
	enum linear_verdict verdict = linear_check(w->op, w->count, &report);
	if (verdict == LINEAR_BROKEN)
		snprintf(why, why_bytes, "no order explains what clients were told of register %llu", (unsigned long long)report.key - 1);
	else if (verdict == LINEAR_TOO_WIDE)
		snprintf(why, why_bytes, "too many operations on register %llu overlap to tell whether an order explains them",
		         (unsigned long long)report.key - 1);
	free(w->op);
	free(w);
	return verdict;
}
