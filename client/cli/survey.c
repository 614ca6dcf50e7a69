#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FOLLOW_MS 2000u
#define FOLLOW_LOOK_MS 20u

uint64_t cli_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void cli_sleep_ms(uint32_t ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

bool survey_member(const struct cli *cli, uint32_t *id)
{
	char *end;
	unsigned long n = strtoul(cli->args[0], &end, 10);
	if (*end || end == cli->args[0] || n >= SURVEY_MEMBERS_MAX)
		return cli_fail(CLI_USAGE, "'%s' is not the number of a replica", cli->args[0]) == CLI_OK;
	*id = (uint32_t)n;
	return true;
}

int survey_has(const struct cluster *c, uint32_t id)
{
	const char *org = quorate_client_org(c->client, id);
	return org && *org ? CLI_OK : cli_fail(CLI_USAGE, "the cluster has no replica %u", id);
}

uint64_t survey_epoch(const struct survey *s)
{
	uint64_t best = 0;
	for (uint32_t i = 0; i < s->members; i++) {
		uint32_t there = 0;
		for (uint32_t k = 0; k < s->members; k++)
			there += s->row[k].reachable && s->row[k].report.standing.epoch >= s->row[i].report.standing.epoch;
		if (s->row[i].reachable && there > (s->asked - 1) / 3 && s->row[i].report.standing.epoch > best)
			best = s->row[i].report.standing.epoch;
	}
	return best;
}

void survey_init(struct survey *s)
{
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
}

void survey_end(struct survey *s)
{
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
}

static void on_report(void *user, uint32_t member, const struct quorate_report *report)
{
	struct survey *s = user;
	pthread_mutex_lock(&s->lock);
	s->row[member].reachable = report != NULL;
	if (report) {
		s->row[member].heard = true;
		s->row[member].report = *report;
	}
	s->open--;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static int ask_once(struct survey *s, struct cluster *c, uint32_t timeout_ms)
{
	s->members = quorate_client_members(c->client);
	s->asked = 0;
	for (uint32_t i = 0; i < s->members; i++) {
		s->row[i].reachable = false;
		if (!*quorate_client_org(c->client, i))
			continue; /* nobody has that number */
		s->asked++;
		pthread_mutex_lock(&s->lock);
		s->open++;
		pthread_mutex_unlock(&s->lock);
		enum quorate_error error = quorate_client_ask(c->client, i, timeout_ms, on_report, s);
		if (error == QUORATE_OK)
			continue;
		pthread_mutex_lock(&s->lock);
		s->open--;
		pthread_mutex_unlock(&s->lock);
		return cli_error(error, NULL);
	}
	pthread_mutex_lock(&s->lock);
	while (s->open)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return CLI_OK;
}

/* The client follows the chain of epochs by itself, once it has heard of a later one. */
static void follow(const struct survey *s, struct cluster *c)
{
	uint64_t there = survey_epoch(s), ends_ms = cli_now_ms() + FOLLOW_MS;
	while (quorate_client_epoch(c->client) < there && cli_now_ms() < ends_ms)
		cli_sleep_ms(FOLLOW_LOOK_MS);
}

/* Whoever followed it in the meantime may know other members: what the former holder of a number said is not this one's word. */
int survey_ask(struct survey *s, struct cluster *c, uint32_t timeout_ms)
{
	uint64_t before = quorate_client_epoch(c->client);
	int code = ask_once(s, c, timeout_ms);
	if (code != CLI_OK)
		return code;
	follow(s, c);
	return quorate_client_epoch(c->client) > before ? ask_once(s, c, timeout_ms) : code;
}

void survey_answer(void *user, const struct quorate_answer *answer)
{
	struct survey *s = user;
	pthread_mutex_lock(&s->lock);
	s->answered = true;
	s->error = answer->error;
	s->seq = answer->seq;
	s->value = 0;
	for (size_t i = answer->value_bytes == 8 ? 8 : 0; i--;)
		s->value = s->value << 8 | ((const uint8_t *)answer->value)[i];
	snprintf(s->reason, sizeof s->reason, "%s", answer->reason ? answer->reason : "");
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

enum quorate_error survey_wait_answer(struct survey *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->answered)
		pthread_cond_wait(&s->changed, &s->lock);
	enum quorate_error error = s->error;
	pthread_mutex_unlock(&s->lock);
	return error;
}
