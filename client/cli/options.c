/* One table of options feeds parsing and help. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct option_spec {
	const char *name;  /* --name                    */
	char letter;       /* -letter; 0: none          */
	const char *value; /* as help shows it; NULL: a flag */
	bool repeats;
	const char *help;
};

static const struct option_spec specs[OPT_COUNT] = {
	[OPT_ABSENT] = { "absent", 0, NULL, false, "the key must not exist yet; no EXPECTED is given then" },
	[OPT_ADDRESS] = { "address", 0, "HOST:PORT", true, "where this member listens; up to four, the first is tried first" },
	[OPT_BASE_PORT] = { "base-port", 0, "PORT", false, "replica I listens on PORT+I (default 7000)" },
	[OPT_BUNDLE] = { "bundle", 0, "ROWS", false, "rows under one signature (default 100)" },
	[OPT_CLUSTER] = { "cluster", 0, "FILE", false, "the cluster, a client.yaml (or the environment's QUORATE_CLUSTER)" },
	[OPT_CONFIG] = { "config", 0, "FILE", false, "the replica's configuration, a replica.yaml" },
	[OPT_DIGEST] = { "digest", 0, NULL, false, "first have every reachable replica make a snapshot, so that digests compare" },
	[OPT_EPOCHS] = { "epochs", 0, "FILE", false, "the chain of epochs, as any replica keeps it: DATA/epochs" },
	[OPT_FILE] = { "file", 0, "FILE", false, "the value is this file's content (- is standard input)" },
	[OPT_GENESIS] = { "genesis", 0, "FILE", false, "the cluster's genesis" },
	[OPT_HELP] = { "help", 'h', NULL, false, "this text" },
	[OPT_JSON] = { "json", 0, NULL, false, "print one line of JSON" },
	[OPT_KEY] = { "key", 0, "FILE", false, "the organization's key" },
	[OPT_LIMIT] = { "limit", 0, "N", false, "print at most N entries" },
	[OPT_LOST] = { "lost", 0, NULL, false, "this replica ran before and its data is gone: it begins as an observer" },
	[OPT_MEMBER_KEY] = { "member-key", 0, "FILE", false, "the replica's own key" },
	[OPT_MODE] = { "mode", 0, "bft|trusted", false, "bft: up to f of 3f+1 may lie; trusted: nobody does, a minority may crash (default bft)" },
	[OPT_ORG] = { "org", 0, "NAME", false, "the organization's name: 1 to 63 of a-z, 0-9 and -" },
	[OPT_ORG_KEY] = { "org-key", 0, "FILE", false, "the organization's key" },
	[OPT_OUT] = { "out", 'o', "FILE", false, "the new file; it must not exist (of evidence list: the folder)" },
	[OPT_PASSPHRASE_FILE] = { "passphrase-file", 0, "FILE", false, "the keys are sealed by this file's first line (- is standard input)" },
	[OPT_PROGRESS] = { "progress", 0, "FILE", false, "where to keep how far it came (default: beside the rows, named .progress)" },
	[OPT_RECEIPT] = { "receipt", 0, "FILE", false, "a new file: what a quorum of replicas sign of it, for 'quorate receipt verify'; it is ordered" },
	[OPT_REPLICAS] = { "replicas", 0, "N", false, "4 to 64 (default 4); in trusted mode 1 to 64 (default 3)" },
	[OPT_SESSIONS] = { "sessions", 0, "N", false, "sessions at once, 1 to 16 (default 8)" },
	[OPT_TIMEOUT] = { "timeout", 0, "TIME", false, "how long to wait: 250ms, 10s, 5min; a bare number is seconds" },
	[OPT_TLS_KEY] = { "tls-key", 0, "FILE", false, "the key of its connections" },
};

static bool takes(const struct command *c, enum cli_option option)
{
	for (uint32_t i = 0; i < c->options_count; i++) {
		if (c->options[i] == option)
			return true;
	}
	return option == OPT_HELP;
}

/* ---- help ---- */

static void help_option(enum cli_option option)
{
	const struct option_spec *s = &specs[option];
	char left[48];
	int n = snprintf(left, sizeof left, "--%s", s->name);
	if (s->letter)
		n += snprintf(left + n, sizeof left - (size_t)n, ", -%c", s->letter);
	if (s->value)
		snprintf(left + n, sizeof left - (size_t)n, " %s", s->value);
	printf("  %-26s %s\n", left, s->help);
}

void cli_help_command(const struct command *c)
{
	printf("quorate %s%s%s%s\n\n%s\n", c->name, c->options_count ? " [options]" : "", *c->arguments ? " " : "", c->arguments, c->summary);
	if (c->options_count)
		printf("\n");
	for (uint32_t i = 0; i < c->options_count; i++)
		help_option(c->options[i]);
}

/* ---- parsing ---- */

/* `--name`, `--name=value` or `-letter`. OPT_COUNT: there is none. */
static enum cli_option find(const struct command *c, const char *arg, const char **value)
{
	*value = NULL;
	for (int i = 0; i < OPT_COUNT; i++) {
		size_t n = strlen(specs[i].name);
		if (!takes(c, (enum cli_option)i))
			continue;
		if (arg[1] != '-') {
			if (specs[i].letter && arg[1] == specs[i].letter && !arg[2])
				return (enum cli_option)i;
			continue;
		}
		if (strncmp(arg + 2, specs[i].name, n) == 0 && (arg[2 + n] == 0 || arg[2 + n] == '=')) {
			*value = arg[2 + n] ? arg + 3 + n : NULL;
			return (enum cli_option)i;
		}
	}
	return OPT_COUNT;
}

static int keep(struct cli *cli, enum cli_option option, const char *value)
{
	const struct option_spec *s = &specs[option];
	if (cli->value[option] && !s->repeats)
		return cli_fail(CLI_USAGE, "--%s is given twice", s->name);
	if (!cli->value[option])
		cli->value[option] = value ? value : "";
	if (option != OPT_ADDRESS)
		return CLI_OK;
	if (cli->addresses_count == CLI_ADDRESSES_MAX)
		return cli_fail(CLI_USAGE, "--%s is given too often", s->name);
	cli->addresses[cli->addresses_count++] = value;
	return CLI_OK;
}

/* The option at argv[*i]; moves past its value. */
static int parse_option(struct cli *cli, int argc, char **argv, int *i)
{
	const char *arg = argv[*i], *value;
	enum cli_option option = find(cli->command, arg, &value);
	if (option == OPT_COUNT)
		return cli_fail(CLI_USAGE, "'%s' has no option '%s'; 'quorate help %s' lists them", cli->command->name, arg, cli->command->name);
	const struct option_spec *s = &specs[option];
	if (!s->value && value)
		return cli_fail(CLI_USAGE, "--%s takes no value", s->name);
	if (s->value && !value) {
		if (*i + 1 >= argc)
			return cli_fail(CLI_USAGE, "--%s needs a value, %s", s->name, s->value);
		value = argv[++*i];
	}
	return keep(cli, option, value);
}

static int check_count(const struct cli *cli)
{
	const struct command *c = cli->command;
	int most = c->args_max < 0 ? INT32_MAX : c->args_max;
	if (cli_has(cli, OPT_HELP) || (cli->args_count >= c->args_min && cli->args_count <= most))
		return CLI_OK;
	return cli_fail(CLI_USAGE, "usage: quorate %s%s%s%s", c->name, c->options_count ? " [options]" : "", *c->arguments ? " " : "", c->arguments);
}

int cli_parse(struct cli *cli, const struct command *command, int argc, char **argv)
{
	bool only_arguments = false;
	*cli = (struct cli){ .command = command, .args = argv };
	for (int i = 0; i < argc; i++) {
		const char *arg = argv[i];
		if (!only_arguments && strcmp(arg, "--") == 0) {
			only_arguments = true;
			continue;
		}
		if (only_arguments || arg[0] != '-' || !arg[1]) {
			argv[cli->args_count++] = argv[i]; /* never further than `i` */
			continue;
		}
		if (parse_option(cli, argc, argv, &i) != CLI_OK)
			return CLI_USAGE;
	}
	return check_count(cli);
}

/* ---- values ---- */

const char *cli_need(const struct cli *cli, enum cli_option option)
{
	if (!cli->value[option])
		cli_fail(CLI_USAGE, "'%s' needs --%s %s", cli->command->name, specs[option].name, specs[option].value);
	return cli->value[option];
}

/* Digits alone, or what follows them. False: no digit, or too many. */
static bool digits(const char *text, uint64_t *out, const char **rest)
{
	char *end;
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	*rest = end;
	return errno == 0;
}

bool cli_number(const struct cli *cli, enum cli_option option, uint64_t otherwise, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *text = cli->value[option], *rest;
	*out = otherwise;
	if (!text)
		return true;
	if (digits(text, out, &rest) && !*rest && *out >= min && *out <= max)
		return true;
	cli_fail(CLI_USAGE, "--%s is a whole number from %llu to %llu, not '%s'", specs[option].name, (unsigned long long)min, (unsigned long long)max, text);
	return false;
}

static uint64_t unit_ms(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 } };
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(unit, units[i].name) == 0)
			return units[i].ms;
	}
	return 0;
}

bool cli_duration(const struct cli *cli, enum cli_option option, uint32_t otherwise, uint32_t *out_ms)
{
	const uint64_t most = 24 * 3600000u;
	const char *text = cli->value[option], *rest;
	uint64_t value;
	*out_ms = otherwise;
	if (!text)
		return true;
	uint64_t factor = digits(text, &value, &rest) ? unit_ms(rest) : 0;
	if (factor && value > 0 && value <= most / factor) {
		*out_ms = (uint32_t)(value * factor);
		return true;
	}
	cli_fail(CLI_USAGE, "--%s is a time from 1ms to 24h, as 250ms, 10s or 5min, not '%s'", specs[option].name, text);
	return false;
}

bool cli_passphrase(const struct cli *cli, char **out)
{
	size_t n;
	*out = NULL;
	if (!cli_has(cli, OPT_PASSPHRASE_FILE))
		return true;
	if (cli_read_file(cli->value[OPT_PASSPHRASE_FILE], 4096, out, &n) != CLI_OK)
		return false;
	(*out)[n] = 0;
	(*out)[strcspn(*out, "\r\n")] = 0;
	if (**out)
		return true;
	cli_passphrase_free(*out);
	*out = NULL;
	cli_fail(CLI_USAGE, "%s: its first line, the passphrase, is empty", cli->value[OPT_PASSPHRASE_FILE]);
	return false;
}

void cli_passphrase_free(char *passphrase)
{
	if (passphrase)
		explicit_bzero(passphrase, strlen(passphrase));
	free(passphrase);
}
