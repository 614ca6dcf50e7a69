/* Evidence: who contradicted itself, judged by the genesis alone. */
#include "evidence_say.h"
#include "gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `error`: what verifying it said. */
static json_t *evidence_json(const char *path, const struct quorate_evidence_info *e, enum quorate_error error, const char *reason, bool statements)
{
	json_t *o = json_pack("{s:s,s:b}", "file", path, "proved", error == QUORATE_OK);
	if (error != QUORATE_OK)
		json_object_set_new(o, "reason", json_string(reason));
	if (!e->statements)
		return o;
	evidence_json_add(o, e);
	json_t *list = statements ? json_array() : NULL;
	for (uint32_t i = 0; list && i < e->statements; i++)
		json_array_append_new(list, json_pack("{s:i,s:s}", "signer", (int)e->statement[i].signer, "statement", e->statement[i].text));
	if (list)
		json_object_set_new(o, "statements", list);
	return o;
}

static void evidence_text_of(const char *path, const struct quorate_evidence_info *e, bool proved, bool statements)
{
	char place[64];
	evidence_place(place, e);
	if (proved)
		printf("member %u (%s): %s; %s\n", e->culprit, e->org, e->sentence, place);
	else
		printf("%s: it claims: member %u: %s; %s\n", path, e->culprit, e->sentence, place);
	if (!statements)
		return;
	printf("  cluster %s\n", e->cluster);
	if (*e->member_key)
		printf("  key     %s\n", e->member_key);
	for (uint32_t i = 0; i < e->statements; i++)
		printf("  member %u: %s\n", e->statement[i].signer, e->statement[i].text);
}

static int judge(const struct cli *cli, bool show)
{
	char reason[QUORATE_REASON_BYTES] = "";
	const char *genesis = cli_need(cli, OPT_GENESIS), *path = cli->args[0];
	if (!genesis)
		return CLI_USAGE;
	struct quorate_evidence_info *e = calloc(1, sizeof *e);
	if (!e)
		return cli_fail(CLI_FAILED, "no memory");
	enum quorate_error error = quorate_evidence_verify(path, genesis, cli->value[OPT_EPOCHS], e, reason);
	int code = cli_code(error);
	if (cli_has(cli, OPT_JSON) && (error == QUORATE_OK || error == QUORATE_VERIFICATION)) {
		int said = cli_json(evidence_json(path, e, error, reason, show));
		code = code != CLI_OK ? code : said;
	} else {
		if (error == QUORATE_OK || (show && e->statements))
			evidence_text_of(path, e, error == QUORATE_OK, show);
		if (error != QUORATE_OK)
			code = cli_error(error, reason);
	}
	free(e);
	return code;
}

int cmd_evidence_verify(const struct cli *cli)
{
	return judge(cli, false);
}

int cmd_evidence_show(const struct cli *cli)
{
	return judge(cli, true);
}

/* ---- list ---- */

struct listing {
	const char *genesis;
	const char *epochs; /* NULL: the replica is in its first epoch */
	json_t *list;       /* NULL: it is printed */
	struct quorate_evidence_info info;
	uint32_t count;
	int code;
};

static void list_one(void *user, const char *path)
{
	struct listing *l = user;
	char reason[QUORATE_REASON_BYTES] = "";
	enum quorate_error error = quorate_evidence_verify(path, l->genesis, l->epochs, &l->info, reason);
	l->count++;
	if (error != QUORATE_OK)
		l->code = cli_code(error);
	if (l->list) {
		json_array_append_new(l->list, evidence_json(path, &l->info, error, reason, false));
		return;
	}
	if (error != QUORATE_OK) {
		cli_error(error, reason);
		return;
	}
	printf("%s\n  ", path);
	evidence_text_of(path, &l->info, true, false);
}

static int list_folder(const struct cli *cli)
{
	char reason[QUORATE_REASON_BYTES] = "";
	const char *path = cli->value[OPT_CONFIG];
	struct quorate_config *config;
	enum quorate_error error = quorate_config_read(&config, QUORATE_CONFIG_REPLICA, path, cli_problem, NULL);
	if (error != QUORATE_OK)
		return cli_code(error);
	const struct quorate_options *o = quorate_config_options(config);
	struct listing *l = calloc(1, sizeof *l);
	if (!l) {
		quorate_config_free(config);
		return cli_fail(CLI_FAILED, "no memory");
	}
	char epochs[QUORATE_PATH_BYTES];
	snprintf(epochs, sizeof epochs, "%s/epochs", o->data);
	l->genesis = o->genesis;
	l->epochs = access(epochs, R_OK) == 0 ? epochs : NULL;
	l->list = cli_has(cli, OPT_JSON) ? json_array() : NULL;
	error = quorate_evidence_list(o->data, list_one, l, reason);
	if (error != QUORATE_OK)
		l->code = cli_error(error, reason);
	if (l->list) {
		int said = error == QUORATE_OK ? cli_json(json_pack("{s:s,s:O}", "data", o->data, "evidence", l->list)) : l->code;
		l->code = l->code != CLI_OK ? l->code : said;
		json_decref(l->list);
	} else if (error == QUORATE_OK && l->count == 0) {
		printf("%s holds no evidence\n", o->data);
	}
	int code = l->code;
	free(l);
	quorate_config_free(config);
	return code;
}

int cmd_evidence_list(const struct cli *cli)
{
	bool folder = cli_has(cli, OPT_CONFIG);
	if (folder && (cli_has(cli, OPT_CLUSTER) || cli_has(cli, OPT_OUT)))
		return cli_fail(CLI_USAGE,
		                "give --config FILE for one replica's folder, or --cluster FILE for what all replicas keep, with --out DIR or without");
	return folder ? list_folder(cli) : cmd_evidence_gather(cli);
}
