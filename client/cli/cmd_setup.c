/* What comes before a replica runs: keys, cards, the genesis, folders, configuration. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int say_hex(const struct cli *cli, const char *name, const char *hex)
{
	if (cli_has(cli, OPT_JSON))
		return cli_json(json_pack("{s:s}", name, hex));
	printf("%s\n", hex);
	return CLI_OK;
}

static int key(const struct cli *cli, const char *path, bool new)
{
	char reason[QUORATE_REASON_BYTES] = "", hex[QUORATE_HEX_BYTES], *passphrase;
	if (!path || !cli_passphrase(cli, &passphrase))
		return CLI_USAGE;
	enum quorate_error error = new ? quorate_key_new(path, passphrase, hex, reason) : quorate_key_show(path, passphrase, hex, reason);
	cli_passphrase_free(passphrase);
	return error == QUORATE_OK ? say_hex(cli, "public_key", hex) : cli_error(error, reason);
}

int cmd_key_new(const struct cli *cli)
{
	return key(cli, cli_need(cli, OPT_OUT), true);
}

int cmd_key_show(const struct cli *cli)
{
	return key(cli, cli->args[0], false);
}

int cmd_card_new(const struct cli *cli)
{
	static const enum cli_option needed[] = { OPT_ORG, OPT_ORG_KEY, OPT_MEMBER_KEY, OPT_TLS_KEY, OPT_ADDRESS, OPT_OUT };
	char reason[QUORATE_REASON_BYTES] = "", *passphrase;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		if (!cli_need(cli, needed[i]))
			return CLI_USAGE;
	}
	if (!cli_passphrase(cli, &passphrase))
		return CLI_USAGE;
	struct quorate_card_options o = {
		.org = cli->value[OPT_ORG],
		.org_key = cli->value[OPT_ORG_KEY],
		.member_key = cli->value[OPT_MEMBER_KEY],
		.tls_key = cli->value[OPT_TLS_KEY],
		.passphrase = passphrase,
		.addresses = cli->addresses,
		.addresses_count = cli->addresses_count,
		.out = cli->value[OPT_OUT],
	};
	enum quorate_error error = quorate_card_new(&o, reason);
	cli_passphrase_free(passphrase);
	if (error != QUORATE_OK)
		return cli_error(error, reason);
	return cli_has(cli, OPT_JSON) ? cli_json(json_pack("{s:s,s:s}", "card", o.out, "org", o.org)) : CLI_OK;
}

static bool mode_of(const struct cli *cli, enum quorate_mode *mode)
{
	const char *text = cli_has(cli, OPT_MODE) ? cli->value[OPT_MODE] : "bft";
	*mode = strcmp(text, "trusted") == 0 ? QUORATE_TRUSTED : QUORATE_BFT;
	if (*mode == QUORATE_TRUSTED || strcmp(text, "bft") == 0)
		return true;
	fprintf(stderr, "--mode is bft or trusted\n");
	return false;
}

int cmd_genesis_build(const struct cli *cli)
{
	enum quorate_mode mode;
	char reason[QUORATE_REASON_BYTES] = "", hex[QUORATE_HEX_BYTES];
	const char *out = cli_need(cli, OPT_OUT);
	if (!out || !mode_of(cli, &mode))
		return CLI_USAGE;
	enum quorate_error error = quorate_genesis_build((const char *const *)cli->args, (uint32_t)cli->args_count, mode, out, hex, reason);
	return error == QUORATE_OK ? say_hex(cli, "cluster", hex) : cli_error(error, reason);
}

static const char *mode_text(uint8_t mode)
{
	return mode == 2 ? "trusted" : "bft";
}

static int genesis_json(const struct quorate_genesis_info *g)
{
	json_t *members = json_array();
	for (uint32_t i = 0; i < g->members; i++) {
		const struct quorate_member_info *m = &g->member[i];
		json_array_append_new(members, json_pack("{s:i,s:s,s:s,s:s}", "id", (int)i, "org", m->org, "address", m->address, "key", m->member_key));
	}
	return cli_json(json_pack("{s:s,s:s,s:i,s:i,s:o}", "cluster", g->digest, "mode", mode_text(g->mode), "faults", (int)g->faults, "quorum", (int)g->quorum,
	                          "members", members));
}

static void genesis_text(const struct quorate_genesis_info *g)
{
	printf("cluster  %s\nmode     %s, %u members, a quorum is %u, up to %u may %s\n", g->digest, mode_text(g->mode), g->members, g->quorum, g->faults,
	       g->mode == 2 ? "crash" : "fail or lie");
	for (uint32_t i = 0; i < g->members; i++)
		printf("%-8u %-20s %-24s %s\n", i, g->member[i].org, g->member[i].address, g->member[i].member_key);
}

int cmd_genesis_show(const struct cli *cli)
{
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_genesis_info *g = calloc(1, sizeof *g);
	if (!g)
		return cli_fail(CLI_FAILED, "no memory");
	int code = CLI_OK;
	enum quorate_error error = quorate_genesis_show(cli->args[0], g, reason);
	if (error != QUORATE_OK)
		code = cli_error(error, reason);
	else if (cli_has(cli, OPT_JSON))
		code = genesis_json(g);
	else
		genesis_text(g);
	free(g);
	return code;
}

int cmd_format(const struct cli *cli)
{
	char reason[QUORATE_REASON_BYTES] = "", *passphrase;
	const char *path = cli_need(cli, OPT_CONFIG);
	struct quorate_config *config;
	if (!path || !cli_passphrase(cli, &passphrase))
		return CLI_USAGE;
	enum quorate_error error = quorate_config_read(&config, QUORATE_CONFIG_REPLICA, path, cli_problem, NULL);
	if (error != QUORATE_OK) {
		cli_passphrase_free(passphrase);
		return cli_code(error);
	}
	struct quorate_options o = *quorate_config_options(config);
	o.passphrase = passphrase;
	o.lost = cli_has(cli, OPT_LOST);
	o.epochs = cli->value[OPT_EPOCHS];
	error = quorate_format(&o, reason);
	int code = CLI_OK;
	if (error != QUORATE_OK)
		code = cli_error(error, reason);
	else if (cli_has(cli, OPT_JSON))
		code = cli_json(json_pack("{s:s,s:b}", "data", o.data, "observer", o.lost));
	else
		printf("%s is ready%s\n", o.data, o.lost ? "; this replica begins as an observer" : "");
	cli_passphrase_free(passphrase);
	quorate_config_free(config);
	return code;
}

int cmd_testnet(const struct cli *cli)
{
	char reason[QUORATE_REASON_BYTES] = "";
	const char *dir = cli->args[0];
	uint64_t replicas, port;
	enum quorate_mode mode;
	if (!mode_of(cli, &mode))
		return CLI_USAGE;
	bool trusted = mode == QUORATE_TRUSTED;
	if (!cli_number(cli, OPT_REPLICAS, trusted ? 3 : 4, trusted ? 1 : 4, 64, &replicas) || !cli_number(cli, OPT_BASE_PORT, 7000, 1, 65535, &port))
		return CLI_USAGE;
	enum quorate_error error = quorate_testnet(dir, (uint32_t)replicas, mode, (uint16_t)port, reason);
	if (error != QUORATE_OK)
		return cli_error(error, reason);
	if (cli_has(cli, OPT_JSON))
		return cli_json(json_pack("{s:s,s:i,s:i}", "dir", dir, "replicas", (int)replicas, "base_port", (int)port));
	printf("%llu replicas are in %s. Start each with\n\n  quorate start --config %s/replica-I/replica.yaml     (I from 0 to %llu)\n\n"
	       "and talk to them with\n\n  quorate status --cluster %s/client.yaml\n",
	       (unsigned long long)replicas, dir, dir, (unsigned long long)replicas - 1, dir);
	return CLI_OK;
}

struct problems {
	json_t *list; /* NULL: they are printed */
	unsigned count;
};

static void note_problem(void *user, const char *sentence)
{
	struct problems *p = user;
	p->count++;
	if (p->list)
		json_array_append_new(p->list, json_string(sentence));
	else
		fprintf(stderr, "%s\n", sentence); /* as compilers do, so that editors jump there */
}

int cmd_config_check(const struct cli *cli)
{
	bool json = cli_has(cli, OPT_JSON);
	struct problems p = { json ? json_array() : NULL, 0 };
	enum quorate_config_kind kind = QUORATE_CONFIG_REPLICA;
	enum quorate_error error = quorate_config_check(cli->args[0], note_problem, &p, &kind);
	const char *what = kind == QUORATE_CONFIG_REPLICA ? "replica" : "client";
	if (json) {
		int code = cli_json(json_pack("{s:s,s:b,s:s,s:o}", "file", cli->args[0], "ok", error == QUORATE_OK, "kind", what, "problems", p.list));
		return error != QUORATE_OK ? cli_code(error) : code;
	}
	if (error == QUORATE_OK)
		printf("%s: a %s's configuration, and nothing is wrong with it\n", cli->args[0], what);
	else
		fprintf(stderr, "%u %s\n", p.count, p.count == 1 ? "problem" : "problems");
	return cli_code(error);
}
