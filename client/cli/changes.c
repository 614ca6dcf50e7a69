#include "changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000u
#define ASK_MS 2000u
#define OP_MS 15000u
#define LOOK_MS 50u

/* ---- the chain of epochs ---- */

static int learn_epoch(struct changes *c)
{
	int code = survey_ask(&c->survey, &c->cluster, ASK_MS);
	if (code != CLI_OK)
		return code;
	c->epoch = survey_epoch(&c->survey);
	if (!c->epoch)
		return cli_fail(CLI_UNREACHABLE, "too few replicas say in which epoch they are");
	if (quorate_client_epoch(c->cluster.client) < c->epoch)
		return cli_fail(CLI_UNREACHABLE, "nobody shows how epoch %llu came about", (unsigned long long)c->epoch);
	return CLI_OK;
}

static int learn_chain(struct changes *c)
{
	char reason[QUORATE_REASON_BYTES] = "";
	int code = cluster_chain(&c->cluster, &c->chain);
	if (code != CLI_OK)
		return code;
	enum quorate_error error = quorate_chain_size(&c->chain, &c->size, &c->epoch, reason);
	return error == QUORATE_OK ? CLI_OK : cli_error(error, reason);
}

/* ---- voices ---- */

static void on_voice(void *user, uint32_t member, const void *bytes, size_t n)
{
	struct changes *c = user;
	(void)member;
	pthread_mutex_lock(&c->lock);
	c->answered = true;
	c->silent = !bytes || n > sizeof c->voice;
	c->voice_n = c->silent ? 0 : n;
	if (c->voice_n)
		memcpy(c->voice, bytes, n);
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static bool ask(struct changes *c, uint32_t member, const uint8_t *after)
{
	c->answered = false;
	if (quorate_client_change(c->cluster.client, member, after, ASK_MS, on_voice, c) != QUORATE_OK)
		return false;
	pthread_mutex_lock(&c->lock);
	while (!c->answered)
		pthread_cond_wait(&c->changed, &c->lock);
	pthread_mutex_unlock(&c->lock);
	return !c->silent && c->voice_n > 0;
}

static bool same_org(const struct change *change, const char *org)
{
	for (uint32_t i = 0; i < change->info.approvals; i++)
		if (strcmp(change->info.org[i], org) == 0)
			return true;
	return false;
}

/* What proves nothing, or is of another epoch, is left out: a replica may be behind, or lie. */
static void take(struct changes *c, const uint8_t *bytes, size_t n)
{
	struct quorate_change_info info;
	if (quorate_change_show(&c->chain, bytes, n, &info, NULL) != QUORATE_OK || info.approvals != 1)
		return;
	for (uint32_t i = 0; i < c->count; i++) {
		struct change *known = &c->at[i];
		if (strcmp(known->info.name, info.name) != 0)
			continue;
		if (!same_org(known, info.org[0]) && quorate_change_join(known->bytes, &known->n, bytes, n))
			(void)quorate_change_show(&c->chain, known->bytes, known->n, &known->info, NULL);
		return;
	}
	if (c->count == CHANGES_MAX)
		return;
	struct change *fresh = &c->at[c->count++];
	memcpy(fresh->bytes, bytes, n);
	fresh->n = n;
	fresh->info = info;
}

int changes_gather(struct changes *c)
{
	c->count = 0;
	for (uint32_t i = 0; i < c->survey.members; i++) {
		uint8_t after[QUORATE_PUBLIC_KEY_BYTES] = { 0 };
		for (uint32_t k = 0; k < CHANGES_MAX && c->survey.row[i].reachable && ask(c, i, after); k++) {
			take(c, c->voice, c->voice_n);
			if (!quorate_change_org(c->voice, c->voice_n, after))
				break;
		}
	}
	return CLI_OK;
}

/* ---- opening ---- */

int changes_open(struct changes *c, const struct cli *cli)
{
	memset(c, 0, sizeof *c);
	survey_init(&c->survey);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	c->at = calloc(CHANGES_MAX, sizeof *c->at);
	int code = cluster_open(&c->cluster, cli, TIMEOUT_MS, OP_MS);
	if (code == CLI_OK && !c->at)
		code = cli_fail(CLI_FAILED, "no memory");
	if (code == CLI_OK)
		code = learn_epoch(c);
	if (code == CLI_OK)
		code = learn_chain(c);
	return code == CLI_OK ? changes_gather(c) : code;
}

void changes_close(struct changes *c)
{
	cluster_close(&c->cluster);
	survey_end(&c->survey);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c->at);
}

const struct change *changes_find(const struct changes *c, const char *name)
{
	const struct change *found = NULL;
	size_t n = strlen(name);
	for (uint32_t i = 0; i < c->count; i++) {
		if (n < 4 || strncmp(c->at[i].info.name, name, n) != 0)
			continue;
		if (found) {
			cli_fail(CLI_USAGE, "'%s' begins the names of several proposals", name);
			return NULL;
		}
		found = &c->at[i];
	}
	if (!found)
		cli_fail(CLI_USAGE, "no proposal's name begins with '%s'; 'quorate member status' lists them", name);
	return found;
}

/* ---- ordering ---- */

int changes_order(struct changes *c, const uint8_t *change, size_t n, uint64_t *border)
{
	int code = cluster_session(&c->cluster);
	if (code != CLI_OK)
		return code;
	enum quorate_error error = quorate_session_change(c->cluster.session, change, n, survey_answer, &c->survey);
	if (error == QUORATE_OK)
		error = survey_wait_answer(&c->survey);
	*border = c->survey.value;
	return error == QUORATE_OK ? CLI_OK : cli_error(error, c->survey.reason);
}

int changes_wait(struct changes *c)
{
	uint64_t ends_ms = cli_now_ms() + c->cluster.timeout_ms, before = c->epoch;
	for (;;) {
		int code = survey_ask(&c->survey, &c->cluster, ASK_MS);
		if (code != CLI_OK || survey_epoch(&c->survey) > before)
			return code;
		if (cli_now_ms() >= ends_ms)
			return cli_fail(CLI_FAILED, "it is ordered, and not in force yet: see 'quorate status'");
		cli_sleep_ms(LOOK_MS);
	}
}
