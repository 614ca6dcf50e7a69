#include "gather.h"
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEARN_MS 1000u
#define TRY_MS 700u /* a replica answers a bounded amount in a second: who is not answered asks again */

/* ---- what comes, on the client's thread ---- */

static void on_file(void *user, uint32_t member, const struct quorate_evidence_file *file)
{
	struct gather *g = user;
	struct gather_source *s = &g->source[member];
	pthread_mutex_lock(&g->lock);
	s->answered = true;
	s->timeout = file == NULL;
	s->bytes = file && file->n ? malloc(file->n) : NULL;
	s->n = s->bytes ? file->n : 0;
	if (s->n)
		memcpy(s->bytes, file->bytes, s->n);
	/* Without memory for it, it is as if nothing had come: it is asked for again, until the time is over. */
	s->timeout |= file && file->n && !s->bytes;
	snprintf(s->name, sizeof s->name, "%s", file ? file->name : "");
	pthread_cond_signal(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

/* ---- judging ---- */

static bool same_place(const struct quorate_evidence_info *a, const struct quorate_evidence_info *b)
{
	return a->epoch == b->epoch && a->culprit == b->culprit && a->view == b->view && a->seq == b->seq && strcmp(a->predicate, b->predicate) == 0;
}

/* Two files for one place are one contradiction, whichever messages each of them shows. */
static bool keep(struct gather *g, uint32_t member, const struct quorate_evidence_info *info, struct gather_source *s)
{
	struct gather_find **at = &g->finds;
	while (*at && !same_place(&(*at)->info, info))
		at = &(*at)->next;
	if (!*at) {
		*at = calloc(1, sizeof **at);
		if (!*at)
			return false;
		(*at)->info = *info;
		(*at)->bytes = s->bytes;
		(*at)->n = s->n;
		s->bytes = NULL;
		g->finds_count++;
	}
	(*at)->held_by |= (uint64_t)1 << member;
	return true;
}

static bool refuse(struct gather *g, uint32_t member, const char *name, const char *reason)
{
	struct gather_refusal **at = &g->refusals;
	while (*at)
		at = &(*at)->next;
	*at = calloc(1, sizeof **at);
	if (!*at)
		return false;
	(*at)->member = member;
	snprintf((*at)->name, sizeof(*at)->name, "%s", name);
	snprintf((*at)->reason, sizeof(*at)->reason, "%s", reason);
	g->refusals_count++;
	return true;
}

/* What is known by now of the chain of epochs: whose keys signed what. False: no memory. */
static bool know_epochs(struct gather *g)
{
	size_t n = quorate_client_epochs(g->cluster->client, NULL, 0);
	if (n <= g->epochs_n)
		return true;
	uint8_t *epochs = realloc(g->epochs, n);
	if (!epochs)
		return false;
	size_t whole = quorate_client_epochs(g->cluster->client, epochs, n);
	g->epochs = epochs;
	g->epochs_n = whole < n ? whole : n;
	return true;
}

static int judge(struct gather *g, uint32_t member)
{
	struct gather_source *s = &g->source[member];
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_evidence_info *info = malloc(sizeof *info);
	if (!info)
		return cli_fail(CLI_FAILED, "no memory");
	enum quorate_error error = know_epochs(g) ? quorate_evidence_judge(s->bytes, s->n, g->genesis, g->epochs, g->epochs_n, info, reason) : QUORATE_FAILED;
	bool kept = true;
	if (error == QUORATE_OK)
		kept = keep(g, member, info, s);
	else if (error == QUORATE_VERIFICATION)
		kept = refuse(g, member, s->name, reason);
	free(info);
	free(s->bytes);
	s->bytes = NULL;
	if (error != QUORATE_OK && error != QUORATE_VERIFICATION)
		return cli_error(error, reason);
	return kept ? CLI_OK : cli_fail(CLI_FAILED, "no memory for what the replicas keep");
}

/* ---- asking ---- */

static int ask(struct gather *g, uint32_t member)
{
	struct gather_source *s = &g->source[member];
	s->answered = false;
	enum quorate_error error = quorate_client_evidence(g->cluster->client, member, s->after, TRY_MS, on_file, g);
	if (error != QUORATE_USAGE)
		return error == QUORATE_OK ? CLI_OK : cli_error(error, NULL);
	/* It has left in the meantime. */
	s->answered = s->timeout = true;
	s->ends_ms = 0;
	return CLI_OK;
}

/* By what any of them says the client learns who the members are now. */
static int learn_members(struct cluster *c, uint32_t timeout_ms)
{
	struct survey *s = calloc(1, sizeof *s);
	if (!s)
		return cli_fail(CLI_FAILED, "no memory");
	survey_init(s);
	int code = survey_ask(s, c, timeout_ms < LEARN_MS ? timeout_ms : LEARN_MS);
	survey_end(s);
	free(s);
	return code;
}

/* One answer, or none in time. `*open` falls when nothing more will come of that replica. */
static int take(struct gather *g, uint32_t member, uint32_t timeout_ms, uint32_t *open)
{
	struct gather_source *s = &g->source[member];
	uint64_t bit = (uint64_t)1 << member;
	if (s->timeout && cli_now_ms() < s->ends_ms)
		return ask(g, member);
	if (s->timeout || !s->bytes) {
		g->silent |= s->timeout ? bit : 0;
		g->heard |= s->timeout ? 0 : bit;
		s->answered = false;
		(*open)--;
		return CLI_OK;
	}
	g->heard |= bit;
	int code = judge(g, member);
	if (code != CLI_OK)
		return code;
	if (++s->files == QUORATE_EVIDENCE_FILES_MAX + 1) {
		(*open)--;
		s->answered = false;
		return refuse(g, member, s->name, "it lists more files than a replica keeps: the rest is left") ? CLI_OK : cli_fail(CLI_FAILED, "no memory");
	}
	memcpy(s->after, s->name, sizeof s->after);
	s->ends_ms = cli_now_ms() + timeout_ms;
	return ask(g, member);
}

/* Some replica's answer; taken one at a time, so none is starved by another that answers at once. */
static uint32_t wait_for_one(struct gather *g, uint32_t last)
{
	uint32_t found = GATHER_MEMBERS_MAX;
	pthread_mutex_lock(&g->lock);
	while (found == GATHER_MEMBERS_MAX) {
		for (uint32_t i = 1; i <= g->members && found == GATHER_MEMBERS_MAX; i++)
			if (g->source[(last + i) % g->members].answered)
				found = (last + i) % g->members;
		if (found == GATHER_MEMBERS_MAX)
			pthread_cond_wait(&g->changed, &g->lock);
	}
	pthread_mutex_unlock(&g->lock);
	return found;
}

int gather_all(struct gather *g, struct cluster *c, const char *genesis, uint32_t timeout_ms)
{
	uint32_t open = 0, last = 0;
	int code = learn_members(c, timeout_ms);
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	g->cluster = c;
	g->genesis = genesis;
	g->members = quorate_client_members(c->client);
	for (uint32_t i = 0; i < g->members && code == CLI_OK; i++) {
		if (!*quorate_client_org(c->client, i))
			continue; /* nobody has that number */
		g->source[i].ends_ms = cli_now_ms() + timeout_ms;
		code = ask(g, i);
		open++;
	}
	while (open && code == CLI_OK) {
		last = wait_for_one(g, last);
		code = take(g, last, timeout_ms, &open);
	}
	return code;
}

void gather_end(struct gather *g)
{
	while (g->finds) {
		struct gather_find *f = g->finds;
		g->finds = f->next;
		free(f->bytes);
		free(f);
	}
	while (g->refusals) {
		struct gather_refusal *r = g->refusals;
		g->refusals = r->next;
		free(r);
	}
	free(g->epochs);
	for (uint32_t i = 0; i < g->members; i++)
		free(g->source[i].bytes);
	if (g->cluster) {
		pthread_mutex_destroy(&g->lock);
		pthread_cond_destroy(&g->changed);
	}
}
