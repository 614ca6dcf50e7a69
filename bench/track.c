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
		t->begins_us = t->phase_us[TRACK_BASELINE] = now_us;
	pthread_mutex_unlock(&t->lock);
}

void track_done(struct track *t, uint64_t now_us, uint64_t asked_us, bool ok)
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
	} else if (i) {
		i->failed++;
	}
	pthread_mutex_unlock(&t->lock);
}

void track_enter(struct track *t, enum track_phase phase, uint64_t now_us)
{
	pthread_mutex_lock(&t->lock);
	if (phase != t->phase && t->begins_us) {
		t->phase_ended_us[t->phase] = t->phase_us[phase] = now_us;
		t->phase = phase;
		if (phase == TRACK_ATTACK && !t->attack_us)
			t->attack_us = now_us;
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
	t->phase_ended_us[t->phase] = now_us;
	if (!t->several) {
		if (interval_at(t, now_us - 1))
			close_interval(t);
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
	uint64_t us = t->phase_ended_us[phase] > t->phase_us[phase] ? t->phase_ended_us[phase] - t->phase_us[phase] : 0;
	return us ? (double)t->phase_ops[phase] * 1e6 / (double)us : 0;
}

double track_recovers_s(const struct track *t, double share)
{
	double wanted = share * track_rate(t, TRACK_BASELINE);
	if (!t->attack_us)
		return -1;
	size_t first = (size_t)((t->attack_us - t->phase_us[TRACK_BASELINE] + TRACK_INTERVAL_US - 1) / TRACK_INTERVAL_US);
	for (size_t k = first; k + SECOND <= t->count; k++) {
		uint64_t ops = 0;
		for (size_t i = k; i < k + SECOND; i++)
			ops += t->interval[i].ops;
		if ((double)ops >= wanted)
			return (double)(t->phase_us[TRACK_BASELINE] + (k + SECOND) * TRACK_INTERVAL_US - t->attack_us) / 1e6;
	}
	return -1;
}
