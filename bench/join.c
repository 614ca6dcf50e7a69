/* The last replica loses its folder under load. It counts as joined when it says of itself that it has executed what replica 0 had when both were asked. */
#include "bench/join.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ASK_MS 1000u
#define FILL_MS 120000u

struct watch {
	struct quorate_client *client;
	uint32_t who;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t asked;
	uint64_t first, last; /* executed by replica 0, and by the one that joins */
	bool heard_first, heard_last;
	struct timespec began, joined;
	bool has_joined;
};

static void heard(void *user, uint32_t member, const struct quorate_report *report)
{
	struct watch *w = user;
	pthread_mutex_lock(&w->lock);
	if (report && member == 0) {
		w->first = report->standing.executed;
		w->heard_first = true;
	} else if (report) {
		w->last = report->standing.executed;
		w->heard_last = true;
	}
	w->asked--;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

/* Replica 0 first: whatever the other says later, it has executed no less than that. */
static bool ask(struct watch *w, uint32_t member)
{
	pthread_mutex_lock(&w->lock);
	w->asked++;
	pthread_mutex_unlock(&w->lock);
	if (quorate_client_ask(w->client, member, ASK_MS, heard, w) != QUORATE_OK) {
		pthread_mutex_lock(&w->lock);
		w->asked--;
		pthread_mutex_unlock(&w->lock);
		return false;
	}
	pthread_mutex_lock(&w->lock);
	while (w->asked)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return true;
}

static bool joined(void *arg)
{
	struct watch *w = arg;
	w->heard_first = w->heard_last = false;
	if (!ask(w, 0) || !ask(w, w->who) || !w->heard_first || !w->heard_last || w->first == 0 || w->last < w->first)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &w->joined);
	return w->has_joined = true;
}

static bool watch_begin(struct watch *w, const struct load_options *load, uint32_t who, char *reason)
{
	struct quorate_client_options o = { .genesis = load->genesis, .key = load->key };
	*w = (struct watch){ .who = who };
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	return quorate_client_create(&w->client, &o, reason) == QUORATE_OK && quorate_client_start(w->client, reason) == QUORATE_OK;
}

static void watch_end(struct watch *w)
{
	if (w->client)
		quorate_client_stop(w->client, NULL, NULL);
	quorate_client_destroy(w->client);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
}

/* Operations a second; a negative number: the load could not run, or operations failed. */
static double rate_of(const struct load_options *o, char *reason)
{
	struct load_result r = { 0 };
	bool ran = load_run(o, &r, NULL, NULL, reason);
	free(r.told);
	if (ran && r.failed)
		snprintf(reason, QUORATE_REASON_BYTES, "%llu operations failed, the first: %.200s", (unsigned long long)r.failed, r.first_failure);
	return ran && !r.failed && r.seconds > 0 ? (double)r.done / r.seconds : -1;
}

static bool fill(const struct load_options *load, char *reason)
{
	struct load_options o = *load;
	o.fill = true;
	o.sessions = 8;
	o.outstanding = 1000;
	o.bundle_ops = 100;
	o.warm_up_ms = 0;
	o.duration_ms = FILL_MS;
	return rate_of(&o, reason) >= 0;
}

static bool rejoin(struct cluster *c, struct watch *w, const struct load_options *load, uint32_t limit_ms, struct join_result *out, char *reason)
{
	struct load_options o = *load;
	o.warm_up_ms = 0;
	o.duration_ms = limit_ms;
	o.enough = joined;
	o.enough_arg = w;
	clock_gettime(CLOCK_MONOTONIC, &w->began);
	if (!cluster_start_one(c, w->who, reason))
		return false;
	out->during = rate_of(&o, reason);
	out->joined = w->has_joined;
	out->seq = w->last;
	out->seconds = (double)(w->joined.tv_sec - w->began.tv_sec) + (double)(w->joined.tv_nsec - w->began.tv_nsec) / 1e9;
	return out->during >= 0;
}

bool join_run(struct cluster *c, const struct load_options *load, uint32_t limit_ms, struct join_result *out, char *reason)
{
	struct watch w;
	*out = (struct join_result){ 0 };
	bool ok = watch_begin(&w, load, c->n - 1, reason) && fill(load, reason) && (out->before = rate_of(load, reason)) >= 0;
	ok = ok && cluster_empty(c, w.who, true, reason) && rejoin(c, &w, load, limit_ms, out, reason);
	watch_end(&w);
	return ok;
}
