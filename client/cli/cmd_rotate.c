/* A replica gets another key: made where it lies, signed by its organization, ordered, and waited for. */
#include "survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000u
#define ASK_MS 2000u
#define OP_MS 15000u
#define LOOK_MS 100u

struct rotation {
	struct survey survey;
	struct cluster cluster;
	struct quorate_config *replica;
	uint32_t id;
	uint64_t epoch, border;
	uint64_t ends_ms;
	char path[QUORATE_PATH_BYTES]; /* of the new key */
};

static int make(struct rotation *r, const struct cli *cli, uint8_t word[QUORATE_ROTATE_BYTES])
{
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_options replica = *quorate_config_options(r->replica);
	replica.passphrase = r->cluster.passphrase;
	struct quorate_rotate_options o = {
		.replica = &replica, .org_key = cli->value[OPT_KEY], .passphrase = r->cluster.passphrase, .member = r->id, .epoch = r->epoch
	};
	enum quorate_error error = quorate_rotate_sign(&o, word, r->path, reason);
	return error == QUORATE_OK ? CLI_OK : cli_error(error, reason);
}

/* What was refused is nobody's key; of an outcome that is unknown nothing may be removed. */
static int refused(struct rotation *r, enum quorate_error error)
{
	if (error == QUORATE_UNKNOWN)
		return cli_fail(CLI_UNKNOWN, "it may have been ordered, so %s stays: see 'quorate status' (%s)", r->path, r->survey.reason);
	quorate_rotate_undo(r->path);
	return cli_error(error, r->survey.reason);
}

static int order(struct rotation *r, const struct cli *cli)
{
	uint8_t word[QUORATE_ROTATE_BYTES];
	int code = cluster_session(&r->cluster);
	if (code == CLI_OK)
		code = make(r, cli, word);
	if (code != CLI_OK)
		return code;
	enum quorate_error error = quorate_session_rotate(r->cluster.session, word, survey_answer, &r->survey);
	if (error == QUORATE_OK)
		error = survey_wait_answer(&r->survey);
	r->border = r->survey.value;
	return error == QUORATE_OK ? CLI_OK : refused(r, error);
}

static int wait_until_it_votes(struct rotation *r)
{
	for (;;) {
		int code = survey_ask(&r->survey, &r->cluster, ASK_MS);
		const struct row *row = &r->survey.row[r->id];
		const struct quorate_standing *st = &row->report.standing;
		if (code != CLI_OK || (row->reachable && st->epoch > r->epoch && st->role != QUORATE_OBSERVER))
			return code;
		if (cli_now_ms() >= r->ends_ms)
			return cli_fail(CLI_FAILED, "it is ordered, and replica %u does not vote with %s yet: see 'quorate status'", r->id, r->path);
		cli_sleep_ms(LOOK_MS);
	}
}

static int say(const struct rotation *r, const struct cli *cli)
{
	uint64_t epoch = r->survey.row[r->id].report.standing.epoch;
	if (cli_has(cli, OPT_JSON))
		return cli_json(json_pack("{s:i,s:I,s:I,s:s}", "id", (int)r->id, "epoch", (json_int_t)epoch, "border", (json_int_t)r->border, "key", r->path));
	printf("replica %u has the key in %s: epoch %llu began behind sequence %llu\nThe former key is of no use any more; delete it, or put the new one in "
	       "its place.\n",
	       r->id, r->path, (unsigned long long)epoch, (unsigned long long)r->border);
	return CLI_OK;
}

static int rotate(struct rotation *r, const struct cli *cli)
{
	r->ends_ms = cli_now_ms() + r->cluster.timeout_ms;
	int code = survey_ask(&r->survey, &r->cluster, ASK_MS);
	if (code == CLI_OK)
		code = survey_has(&r->cluster, r->id);
	if (code != CLI_OK)
		return code;
	r->epoch = survey_epoch(&r->survey);
	if (!r->epoch)
		return cli_fail(CLI_UNREACHABLE, "too few replicas say in which epoch they are");
	code = order(r, cli);
	if (code == CLI_OK)
		code = wait_until_it_votes(r);
	return code == CLI_OK ? say(r, cli) : code;
}

static int open_and_rotate(struct rotation *r, const struct cli *cli)
{
	if (!survey_member(cli, &r->id) || !cli_need(cli, OPT_KEY) || !cli_need(cli, OPT_CONFIG))
		return CLI_USAGE;
	enum quorate_error error = quorate_config_read(&r->replica, QUORATE_CONFIG_REPLICA, cli->value[OPT_CONFIG], cli_problem, NULL);
	if (error != QUORATE_OK)
		return cli_code(error);
	survey_init(&r->survey);
	int code = cluster_open(&r->cluster, cli, TIMEOUT_MS, OP_MS);
	if (code == CLI_OK)
		code = rotate(r, cli);
	cluster_close(&r->cluster);
	survey_end(&r->survey);
	quorate_config_free(r->replica);
	return code;
}

int cmd_member_rotate_key(const struct cli *cli)
{
	struct rotation *r = calloc(1, sizeof *r);
	if (!r)
		return cli_fail(CLI_FAILED, "no memory");
	int code = open_and_rotate(r, cli);
	free(r);
	return code;
}
