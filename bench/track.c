#include "bench/track.h"

#include <stdlib.h>
#include <string.h>

#define SECOND (1000000u / TRACK_INTERVAL_US)

void track_init(struct track *t)
{
	memset(t, 0, sizeof *t);
	pthread_mutex_init(&t->lock, NULL);
}

void track_free(struct track *t)
{
	free(t->interval);
	t->interval = NULL;
	pthread_mutex_destroy(&t->lock);
}

static void close_interval(struct track *t)
{
	struct track_interval *i = &t->interval[t->count - 1];
	i->p50_us = histogram_at(&t->now_us, 0.5);
	i->p99_us = histogram_at(&t->now_us, 0.99);
	i->max_us = t->now_us.max;
	memset(&t->now_us, 0, sizeof t->now_us);
}

static bool open_interval(struct track *t)
{
	if (t->count == t->capacity) {
		size_t wanted = t->capacity ? 2 * t->capacity : 1024;
		struct track_interval *larger = realloc(t->interval, wanted * sizeof *larger);
		if (!larger)
			return false;
		t->interval = larger;
		t->capacity = wanted;
	}
	t->interval[t->count++] = (struct track_interval){ .view = t->view, .leader = t->leader, .suspects = t->suspects };
	return true;
}

/* Intervals in which nothing ended are there too. */
static struct track_interval *interval_at(struct track *t, uint64_t now_us)
{
	if (!t->begins_us || now_us < t->begins_us)
		return NULL;
	while (t->count <= (now_us - t->begins_us) / TRACK_INTERVAL_US) {
		if (t->count)
			close_interval(t);
		if (!open_interval(t))
			return NULL;
	}
	return &t->interval[t->count - 1];
}

void track_begin(struct track *t, uint64_t now_us)
{
	pthread_mutex_lock(&t->lock);
	if (!t->begins_us)
		t->begins_us = t->entered_us = t->phase_us[TRACK_BASELINE] = now_us;
	pthread_mutex_unlock(&t->lock);
}

static bool attacked(const struct track *t)
{
	return t->phase == TRACK_ATTACK || t->phase == TRACK_HELD;
}

void track_done(struct track *t, uint64_t now_us, uint64_t asked_us, uint32_t client, bool ok)
{
	pthread_mutex_lock(&t->lock);
	struct track_interval *i = interval_at(t, now_us);
	uint64_t latency_us = now_us - asked_us;
	if (i && ok) {
		i->ops++;
		histogram_add(&t->now_us, latency_us);
		t->phase_ops[t->phase]++;
		histogram_add(&t->latency_us[t->phase], latency_us);
		if (t->attack_us && !t->first_us && asked_us >= t->attack_us)
			t->first_us = now_us;
		t->attacked_ops[client % TRACK_CLIENTS] += attacked(t);
	} else if (i) {
		i->failed++;
	}
	pthread_mutex_unlock(&t->lock);
}

static void leave(struct track *t, uint64_t now_us)
{
	t->phase_ended_us[t->phase] = now_us;
	t->phase_time_us[t->phase] += now_us - t->entered_us;
	t->entered_us = now_us;
}

/* How long the attack that was last took to its first answer counts, when it is over. */
static void close_attack(struct track *t)
{
	uint64_t took = t->first_us ? t->first_us - t->attack_us : UINT64_MAX;
	if (t->attack_us && took > t->first_longest_us)
		t->first_longest_us = took;
	t->first_us = 0;
}

void track_enter(struct track *t, enum track_phase phase, uint64_t now_us)
{
	pthread_mutex_lock(&t->lock);
	if (phase != t->phase && t->begins_us) {
		bool was_attacked = attacked(t);
		leave(t, now_us);
		t->phase = phase;
		t->phase_us[phase] = t->phase_us[phase] ? t->phase_us[phase] : now_us;
		if (!was_attacked && attacked(t)) {
			close_attack(t);
			t->attack_us = now_us;
			t->first_attack_us = t->first_attack_us ? t->first_attack_us : now_us;
		}
	}
	pthread_mutex_unlock(&t->lock);
}

void track_note(struct track *t, uint64_t now_us, uint64_t view, uint32_t leader, uint32_t suspects)
{
	pthread_mutex_lock(&t->lock);
	t->view = view;
	t->leader = leader;
	t->suspects = suspects;
	struct track_interval *i = interval_at(t, now_us);
	if (i) {
		i->view = view;
		i->leader = leader;
		i->suspects = suspects;
	}
	pthread_mutex_unlock(&t->lock);
}

void track_end(struct track *t, uint64_t now_us)
{
	pthread_mutex_lock(&t->lock);
	leave(t, now_us);
	if (!t->several) {
		if (interval_at(t, now_us - 1))
			close_interval(t);
		close_attack(t);
		t->begins_us = 0; /* nothing more counts */
	}
	pthread_mutex_unlock(&t->lock);
}

struct track_interval track_last_second(struct track *t, uint64_t now_us)
{
	struct track_interval sum = { 0 };
	pthread_mutex_lock(&t->lock);
	interval_at(t, now_us);
	for (size_t k = 0; k < SECOND && k + 1 < t->count; k++) {
		const struct track_interval *i = &t->interval[t->count - 2 - k];
		sum.ops += i->ops;
		sum.failed += i->failed;
		sum.p50_us = i->p50_us > sum.p50_us ? i->p50_us : sum.p50_us;
		sum.p99_us = i->p99_us > sum.p99_us ? i->p99_us : sum.p99_us;
		sum.max_us = i->max_us > sum.max_us ? i->max_us : sum.max_us;
	}
	sum.view = t->view;
	sum.leader = t->leader;
	sum.suspects = t->suspects;
	pthread_mutex_unlock(&t->lock);
	return sum;
}

double track_rate(const struct track *t, enum track_phase phase)
{
	uint64_t us = t->phase_time_us[phase];
	return us ? (double)t->phase_ops[phase] * 1e6 / (double)us : 0;
}

double track_first_s(const struct track *t)
{
	return t->attack_us && t->first_longest_us != UINT64_MAX ? (double)t->first_longest_us / 1e6 : -1;
}

double track_worst_client_pct(const struct track *t, uint32_t clients)
{
	uint64_t sum = 0, least = UINT64_MAX;
	for (uint32_t i = 0; i < clients && i < TRACK_CLIENTS; i++) {
		sum += t->attacked_ops[i];
		least = t->attacked_ops[i] < least ? t->attacked_ops[i] : least;
	}
	return sum ? 100.0 * (double)least * clients / (double)sum : 100;
}

double track_recovers_s(const struct track *t, double share)
{
	double wanted = share * track_rate(t, TRACK_BASELINE);
	if (!t->first_attack_us)
		return -1;
	size_t first = (size_t)((t->first_attack_us - t->phase_us[TRACK_BASELINE] + TRACK_INTERVAL_US - 1) / TRACK_INTERVAL_US);
	for (size_t k = first; k + SECOND <= t->count; k++) {
		uint64_t ops = 0;
		for (size_t i = k; i < k + SECOND; i++)
			ops += t->interval[i].ops;
		if ((double)ops >= wanted)
			return (double)(t->phase_us[TRACK_BASELINE] + (k + SECOND) * TRACK_INTERVAL_US - t->first_attack_us) / 1e6;
	}
	return -1;
}
