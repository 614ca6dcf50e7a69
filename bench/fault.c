#include "bench/fault.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define ASK_MS 2000u

const char *fault_name(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_NONE: return "none";
	case FAULT_FOLLOWER_DEAD: return "follower-dead";
	case FAULT_FOLLOWER_STOPPED: return "follower-stopped";
	case FAULT_FOLLOWER_SLOW: return "follower-slow-disk";
	case FAULT_LEADER_DEAD: return "leader-dead";
	case FAULT_KINDS: break;
	}
	return NULL;
}

/* ---- who leads ---- */

struct question {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool heard;
	uint32_t leader;
	uint64_t view;
};

static void heard(void *user, uint32_t member, const struct quorate_report *report)
{
	struct question *q = user;
	(void)member;
	pthread_mutex_lock(&q->lock);
	if (report && report->standing.view >= q->view) {
		q->view = report->standing.view;
		q->leader = report->standing.leader;
	}
	q->heard = true;
	pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

static void ask(struct question *q, struct quorate_client *client, uint32_t member)
{
	q->heard = false;
	if (quorate_client_ask(client, member, ASK_MS, heard, q) != QUORATE_OK)
		return;
	pthread_mutex_lock(&q->lock);
	while (!q->heard)
		pthread_cond_wait(&q->changed, &q->lock);
	pthread_mutex_unlock(&q->lock);
}

/* As who is furthest says. */
static bool find_leader(const struct load_options *load, uint32_t n, uint32_t *out, char *reason)
{
	struct quorate_client_options o = { .genesis = load->genesis, .key = load->key };
	struct quorate_client *client = NULL;
	struct question q = { .leader = 0 };
	pthread_mutex_init(&q.lock, NULL);
	pthread_cond_init(&q.changed, NULL);
	bool ok = quorate_client_create(&client, &o, reason) == QUORATE_OK && quorate_client_start(client, reason) == QUORATE_OK;
	for (uint32_t i = 0; ok && i < n; i++)
		ask(&q, client, i);
	if (client)
		quorate_client_stop(client, NULL, NULL);
	quorate_client_destroy(client);
	pthread_cond_destroy(&q.changed);
	pthread_mutex_destroy(&q.lock);
	*out = q.leader;
	return ok && q.leader < n;
}

/* ---- the fault ---- */

struct strike {
	struct cluster *cluster;
	enum fault_kind kind;
	uint32_t victim;
};

static void slow_down(const struct cluster *c, uint32_t victim)
{
	char path[300];
	cluster_slow_path(c, victim, path, sizeof path);
	FILE *f = fopen(path, "we");
	if (f)
		fclose(f);
}

static void on_measuring(void *arg, bool begins)
{
	const struct strike *s = arg;
	if (!begins)
		return;
	switch (s->kind) {
	case FAULT_FOLLOWER_DEAD:
	case FAULT_LEADER_DEAD: cluster_kill(s->cluster, s->victim); break;
	case FAULT_FOLLOWER_STOPPED: kill(s->cluster->pid[s->victim], SIGSTOP); break;
	case FAULT_FOLLOWER_SLOW: slow_down(s->cluster, s->victim); break;
	case FAULT_NONE:
	case FAULT_KINDS: break;
	}
}

static bool run(const struct load_options *load, struct load_result *out, void (*measuring)(void *arg, bool begins), void *arg, char *reason)
{
	bool ok = load_run(load, out, measuring, arg, reason);
	free(out->told);
	out->told = NULL;
	if (ok && out->failed)
		snprintf(reason, QUORATE_REASON_BYTES, "%llu operations failed, the first: %.200s", (unsigned long long)out->failed, out->first_failure);
	return ok && !out->failed;
}

bool fault_run(struct cluster *c, const struct load_options *load, enum fault_kind kind, struct fault_result *out, char *reason)
{
	*out = (struct fault_result){ 0 };
	if (!run(load, &out->before, NULL, NULL, reason) || !find_leader(load, c->n, &out->leader, reason))
		return false;
	out->victim = kind == FAULT_LEADER_DEAD ? out->leader : (out->leader + 1) % c->n;
	struct strike s = { c, kind, out->victim };
	bool ok = run(load, &out->after, on_measuring, &s, reason);
	if (kind == FAULT_FOLLOWER_STOPPED && c->pid[s.victim])
		kill(c->pid[s.victim], SIGCONT);
	return ok;
}
