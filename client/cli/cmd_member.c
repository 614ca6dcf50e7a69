/* Members: an organization lets its replica, which lost its memory, vote again. */
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000u
#define ASK_MS 2000u
#define OP_MS 15000u
#define LOOK_MS 100u

struct readmission {
	struct survey survey;
	struct cluster cluster;
	uint32_t id;
	uint64_t epoch, border;
	uint64_t ends_ms;
};

static const struct quorate_standing *standing_of(const struct readmission *r)
{
	const struct row *row = &r->survey.row[r->id];
	return row->reachable ? &row->report.standing : NULL;
}

static int find(struct readmission *r)
{
	int code = survey_ask(&r->survey, &r->cluster, ASK_MS);
	if (code == CLI_OK)
		code = survey_has(&r->cluster, r->id);
	if (code != CLI_OK)
		return code;
	const struct quorate_standing *st = standing_of(r);
	if (!st)
		return cli_fail(CLI_UNREACHABLE, "replica %u does not answer: it has to run, so that it can say as which it comes back", r->id);
	if (st->role != QUORATE_OBSERVER || !st->incarnation)
		return cli_fail(CLI_PRECONDITION, "replica %u has lost nothing that it knows of: there is nothing to let in again", r->id);
	r->epoch = survey_epoch(&r->survey);
	return CLI_OK;
}

static int order(struct readmission *r, const struct cli *cli)
{
	uint8_t word[QUORATE_READMIT_BYTES];
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_chain who;
	int code = cluster_chain(&r->cluster, &who);
	if (code != CLI_OK)
		return code;
	uint64_t incarnation = standing_of(r)->incarnation;
	enum quorate_error error = quorate_readmit_sign(&who, cli->value[OPT_KEY], r->cluster.passphrase, r->id, r->epoch, incarnation, word, reason);
	if (error != QUORATE_OK)
		return cli_error(error, reason);
	code = cluster_session(&r->cluster);
	if (code != CLI_OK)
		return code;
	error = quorate_session_readmit(r->cluster.session, word, survey_answer, &r->survey);
	if (error == QUORATE_OK)
		error = survey_wait_answer(&r->survey);
	r->border = r->survey.value;
	return error == QUORATE_OK ? CLI_OK : cli_error(error, r->survey.reason);
}

static int wait_until_it_votes(struct readmission *r)
{
	for (;;) {
		int code = survey_ask(&r->survey, &r->cluster, ASK_MS);
		const struct quorate_standing *st = standing_of(r);
		if (code != CLI_OK || (st && st->epoch > r->epoch && st->role != QUORATE_OBSERVER))
			return code;
		if (cli_now_ms() >= r->ends_ms)
			return cli_fail(CLI_FAILED, "it is ordered, and replica %u does not vote yet: see 'quorate status'", r->id);
		cli_sleep_ms(LOOK_MS);
	}
}

static int say(const struct readmission *r, const struct cli *cli)
{
	if (cli_has(cli, OPT_JSON))
		return cli_json(json_pack("{s:i,s:I,s:I}", "id", (int)r->id, "epoch", (json_int_t)standing_of(r)->epoch, "border", (json_int_t)r->border));
	printf("replica %u votes again: epoch %llu began behind sequence %llu\n", r->id, (unsigned long long)standing_of(r)->epoch,
	       (unsigned long long)r->border);
	return CLI_OK;
}

static int readmit(struct readmission *r, const struct cli *cli)
{
	r->ends_ms = cli_now_ms() + r->cluster.timeout_ms;
	int code = find(r);
	if (code == CLI_OK)
		code = order(r, cli);
	if (code == CLI_OK)
		code = wait_until_it_votes(r);
	return code == CLI_OK ? say(r, cli) : code;
}

int cmd_member_readmit(const struct cli *cli)
{
	struct readmission *r = calloc(1, sizeof *r);
	if (!r)
		return cli_fail(CLI_FAILED, "no memory");
	if (!survey_member(cli, &r->id) || !cli_need(cli, OPT_KEY)) {
		free(r);
		return CLI_USAGE;
	}
	survey_init(&r->survey);
	int code = cluster_open(&r->cluster, cli, TIMEOUT_MS, OP_MS);
	if (code == CLI_OK)
		code = readmit(r, cli);
	cluster_close(&r->cluster);
	survey_end(&r->survey);
	free(r);
	return code;
}
