/* quorate: the daemon and everything that an operator or a user does, on the public headers alone. */
#include "cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define CLIENT_OPTIONS OPT_CLUSTER, OPT_TIMEOUT, OPT_PASSPHRASE_FILE, OPT_JSON

const struct command cli_commands[] = {
	{ "key new", "-o FILE", "Makes a new key in a new file and prints its public half.", 0, 0, { OPT_OUT, OPT_PASSPHRASE_FILE, OPT_JSON }, 3, cmd_key_new },
	{ "key show", "FILE", "Prints a key's public half.", 1, 1, { OPT_PASSPHRASE_FILE, OPT_JSON }, 2, cmd_key_show },
	{ "card new",
	  "-o FILE",
	  "Makes a member's card, signed by its organization and by itself, for the genesis.",
	  0,
	  0,
	  { OPT_ORG, OPT_ORG_KEY, OPT_MEMBER_KEY, OPT_TLS_KEY, OPT_ADDRESS, OPT_OUT, OPT_PASSPHRASE_FILE, OPT_JSON },
	  8,
	  cmd_card_new },
	{ "genesis build",
	  "CARD... -o FILE",
	  "Makes the genesis from the members' cards: the same bytes wherever it runs, whatever the order of cards.",
	  1,
	  -1,
	  { OPT_MODE, OPT_OUT, OPT_JSON },
	  3,
	  cmd_genesis_build },
	{ "genesis show", "FILE", "Verifies a genesis and shows who is in it.", 1, 1, { OPT_JSON }, 1, cmd_genesis_show },
	{ "format",
	  "",
	  "Prepares a replica's data folder, once, before its first start. Of a member that is not in the genesis, --epochs says that it is one.",
	  0,
	  0,
	  { OPT_CONFIG, OPT_LOST, OPT_EPOCHS, OPT_PASSPHRASE_FILE, OPT_JSON },
	  5,
	  cmd_format },
	{ "testnet",
	  "DIR",
	  "Makes a cluster on this machine: keys, cards, genesis, configuration and formatted folders.",
	  1,
	  1,
	  { OPT_MODE, OPT_REPLICAS, OPT_BASE_PORT, OPT_JSON },
	  4,
	  cmd_testnet },
	{ "config check",
	  "FILE",
	  "Reads a replica.yaml or a client.yaml and names everything that is wrong with it.",
	  1,
	  1,
	  { OPT_JSON },
	  1,
	  cmd_config_check },
	{ "evidence verify",
	  "FILE",
	  "Judges a file of evidence by the genesis alone (and --epochs, where it is of a later epoch than the first): who contradicted itself, and how;\n"
	  "exit 8 when it proves nothing.",
	  1,
	  1,
	  { OPT_GENESIS, OPT_EPOCHS, OPT_JSON },
	  3,
	  cmd_evidence_verify },
	{ "evidence show",
	  "FILE",
	  "Shows what is in a file of evidence, and judges it; exit 8 when it proves nothing.",
	  1,
	  1,
	  { OPT_GENESIS, OPT_EPOCHS, OPT_JSON },
	  3,
	  cmd_evidence_show },
	{ "evidence list",
	  "",
	  "Asks all replicas for the evidence that they keep, and judges each file here; --out keeps those that hold in a folder.\n"
	  "With --config instead of --cluster it lists what is in one replica's data folder. Exit 8 when a file proves nothing.",
	  0,
	  0,
	  { OPT_CLUSTER, OPT_TIMEOUT, OPT_PASSPHRASE_FILE, OPT_CONFIG, OPT_OUT, OPT_JSON },
	  6,
	  cmd_evidence_list },
	{ "receipt verify",
	  "FILE",
	  "Judges a receipt by the genesis alone: what was asked, by which key, where it was executed, and how it ended; exit 8 when it proves nothing.",
	  1,
	  1,
	  { OPT_GENESIS, OPT_JSON },
	  2,
	  cmd_receipt_verify },
	{ "start", "", "Runs a replica until SIGTERM or SIGINT.", 0, 0, { OPT_CONFIG, OPT_PASSPHRASE_FILE }, 2, cmd_start },
	{ "put", "KEY VALUE", "Sets a key. With --file there is no VALUE.", 1, 2, { CLIENT_OPTIONS, OPT_FILE, OPT_RECEIPT }, 6, cmd_put },
	{ "get", "KEY", "Prints a key's value; exit 1 when there is none.", 1, 1, { CLIENT_OPTIONS, OPT_RECEIPT }, 5, cmd_get },
	{ "del", "KEY", "Deletes a key; exit 1 when there is none.", 1, 1, { CLIENT_OPTIONS, OPT_RECEIPT }, 5, cmd_del },
	{ "cas",
	  "KEY EXPECTED VALUE",
	  "Sets a key if its value is EXPECTED; exit 7 when it is not, and nothing was changed.",
	  2,
	  3,
	  { CLIENT_OPTIONS, OPT_ABSENT, OPT_RECEIPT },
	  6,
	  cmd_cas },
	{ "scan", "[PREFIX]", "Prints the keys that begin with PREFIX, and their values.", 0, 1, { CLIENT_OPTIONS, OPT_LIMIT }, 5, cmd_scan },
	{ "count", "", "Prints how many keys there are.", 0, 0, { CLIENT_OPTIONS, OPT_RECEIPT }, 5, cmd_count },
	{ "load",
	  "FILE.tsv",
	  "Sets a key for each line (key, TAB, value). Goes on by itself when the cluster stops answering, for --timeout (default 5min)\n"
	  "without any progress; started again, it goes on where it was and executes nothing twice. Of lines with the same key, either may win.",
	  1,
	  1,
	  { CLIENT_OPTIONS, OPT_SESSIONS, OPT_BUNDLE, OPT_PROGRESS },
	  7,
	  cmd_load },
	{ "status",
	  "",
	  "Shows what each replica says of itself; exit 4 when fewer answer than the cluster needs.",
	  0,
	  0,
	  { CLIENT_OPTIONS, OPT_DIGEST },
	  5,
	  cmd_status },
	{ "member readmit",
	  "ID",
	  "Lets a replica that lost its memory, and observes, vote again: signed by its organization, ordered by the cluster.\n"
	  "Waits (--timeout, default 1min) until it does. Exit 7 when it does not observe or another change is on its way, 8 when the key is another's.",
	  1,
	  1,
	  { CLIENT_OPTIONS, OPT_KEY },
	  5,
	  cmd_member_readmit },
	{ "member rotate-key",
	  "ID",
	  "Gives a replica another key: made beside its old one (--config is the replica's own), signed by its organization (--key), ordered by the\n"
	  "cluster. Waits (--timeout, default 1min) until the replica votes with it; then the old key file is of no use, and may be deleted.\n"
	  "Exit 7 when another change is on its way, 8 when the organization's key is another's.",
	  1,
	  1,
	  { CLIENT_OPTIONS, OPT_KEY, OPT_CONFIG },
	  6,
	  cmd_member_rotate_key },
	{ "member propose",
	  "add CARD|remove ID|replace ID CARD ...",
	  "Wants other members, at most four changes at once, and approves that for the organization of --key. In force when organizations whose\n"
	  "members are a quorum approve; then it waits (--timeout, default 1min) until it is. What would leave too few is refused before anything is ordered.\n"
	  "An organization has one voice: what it approves later takes the place of what it approved before. Exit 7 when it cannot be, 8 when the key is no\n"
	  "member's organization's.",
	  2,
	  -1,
	  { CLIENT_OPTIONS, OPT_KEY },
	  5,
	  cmd_member_propose },
	{ "member approve",
	  "PROPOSAL",
	  "Approves a proposal for the organization of --key: by its name, or the beginning of that, as 'member status' lists it.",
	  1,
	  1,
	  { CLIENT_OPTIONS, OPT_KEY },
	  5,
	  cmd_member_approve },
	{ "member status", "", "Shows the members, the mode, and what waits for approval.", 0, 0, { CLIENT_OPTIONS }, 4, cmd_change_status },
	{ "member chain",
	  "-o FILE",
	  "Writes the chain of epochs: by which a new member finds itself ('format --epochs'), and evidence of a later epoch is judged.",
	  0,
	  0,
	  { CLIENT_OPTIONS, OPT_OUT },
	  5,
	  cmd_member_chain },
	{ "mode propose",
	  "bft|trusted",
	  "Wants the cluster in that mode, and approves it for the organization of --key. In force when every organization approves.",
	  1,
	  1,
	  { CLIENT_OPTIONS, OPT_KEY },
	  5,
	  cmd_mode_propose },
	{ "mode approve", "PROPOSAL", "Approves a proposal for the organization of --key.", 1, 1, { CLIENT_OPTIONS, OPT_KEY }, 5, cmd_mode_approve },
	{ "mode status", "", "Shows the mode, and what waits for approval.", 0, 0, { CLIENT_OPTIONS }, 4, cmd_change_status },
	{ "help", "[COMMAND]", "Explains a command, or lists them.", 0, 2, { 0 }, 0, cmd_help },
	{ "version", "", "Prints the version.", 0, 0, { OPT_JSON }, 1, cmd_version },
};
const size_t cli_commands_count = sizeof cli_commands / sizeof cli_commands[0];

/* The command that begins argv, and how many words it takes. */
static const struct command *find(int argc, char **argv, int *words)
{
	for (size_t i = 0; i < cli_commands_count; i++) {
		const char *name = cli_commands[i].name, *space = strchr(name, ' ');
		size_t n = space ? (size_t)(space - name) : strlen(name);
		if (argc < 1 || strlen(argv[0]) != n || strncmp(argv[0], name, n) != 0)
			continue;
		*words = space ? 2 : 1;
		if (!space || (argc > 1 && strcmp(argv[1], space + 1) == 0))
			return &cli_commands[i];
	}
	return NULL;
}

/* "key" alone, or with a second word that it does not have. */
static int half_a_command(const char *first)
{
	char list[128] = "";
	for (size_t i = 0; i < cli_commands_count; i++) {
		const char *name = cli_commands[i].name, *space = strchr(name, ' ');
		if (space && strlen(first) == (size_t)(space - name) && strncmp(name, first, strlen(first)) == 0)
			snprintf(list + strlen(list), sizeof list - strlen(list), "%s'%s'", *list ? " or " : "", name);
	}
	if (*list)
		return cli_fail(CLI_USAGE, "say %s", list);
	return cli_fail(CLI_USAGE, "there is no command '%s'; 'quorate help' lists them", first);
}

static void overview(void)
{
	printf("quorate %s: a cluster that agrees although some of its members fail or lie\n\nquorate COMMAND [options] [arguments]\n\n", quorate_version());
	for (size_t i = 0; i < cli_commands_count; i++)
		printf("  %-14s %.*s\n", cli_commands[i].name, (int)strcspn(cli_commands[i].summary, "\n"), cli_commands[i].summary);
	printf("\n'quorate help COMMAND' explains one. Exit codes: 0 done, 1 failed, 2 usage, 3 configuration, 4 too few replicas answer,\n"
	       "6 outcome unknown, 7 precondition not met, 8 verification failed, 9 safety violated.\n");
}

int cmd_help(const struct cli *cli)
{
	int words;
	if (cli->args_count == 0) {
		overview();
		return CLI_OK;
	}
	const struct command *c = find(cli->args_count, cli->args, &words);
	if (!c || words != cli->args_count)
		return half_a_command(cli->args[0]);
	cli_help_command(c);
	return CLI_OK;
}

int cmd_version(const struct cli *cli)
{
	if (cli_has(cli, OPT_JSON))
		return cli_json(json_pack("{s:s}", "version", quorate_version()));
	printf("quorate %s\n", quorate_version());
	return CLI_OK;
}

int main(int argc, char **argv)
{
	int words;
	struct cli cli;
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the write, not the end of a half-done operation */
	if (argc < 2) {
		overview();
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--version") == 0)
		argv[1] = strcmp(argv[1], "--version") == 0 ? "version" : "help";
	const struct command *c = find(argc - 1, argv + 1, &words);
	if (!c)
		return half_a_command(argv[1]);
	if (cli_parse(&cli, c, argc - 1 - words, argv + 1 + words) != CLI_OK)
		return CLI_USAGE;
	if (cli_has(&cli, OPT_HELP)) {
		cli_help_command(c);
		return CLI_OK;
	}
	return c->run(&cli);
}
