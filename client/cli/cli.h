/* client/cli/cli.h - what the commands of `quorate` share: options, exit codes, and how they speak. */
#ifndef CLIENT_CLI_CLI_H
#define CLIENT_CLI_CLI_H
#include "quorate_setup.h"

#include <jansson.h>

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_CONFIG = 3,
	CLI_UNREACHABLE = 4,
	CLI_UNKNOWN = 6,
	CLI_PRECONDITION = 7,
	CLI_VERIFICATION = 8,
	CLI_SAFETY = 9,
};

/* Every option of every command, in one table (options.c) from which parsing and help are made. */
enum cli_option {
	OPT_ABSENT,
	OPT_ADDRESS,
	OPT_BASE_PORT,
	OPT_BUNDLE,
	OPT_CLUSTER,
	OPT_CONFIG,
	OPT_DIGEST,
	OPT_EPOCHS,
	OPT_FILE,
	OPT_GENESIS,
	OPT_HELP,
	OPT_JSON,
	OPT_KEY,
	OPT_LIMIT,
	OPT_LOST,
	OPT_MEMBER_KEY,
	OPT_MODE,
	OPT_ORG,
	OPT_ORG_KEY,
	OPT_OUT,
	OPT_PASSPHRASE_FILE,
	OPT_PROGRESS,
	OPT_RECEIPT,
	OPT_REPLICAS,
	OPT_SESSIONS,
	OPT_TIMEOUT,
	OPT_TLS_KEY,
	OPT_COUNT,
};

#define CLI_OPTIONS_MAX 10u   /* of one command                            */
#define CLI_ADDRESSES_MAX 16u /* given; a card refuses more than it can have */

struct cli {
	const struct command *command;
	const char *value[OPT_COUNT]; /* NULL: not given; a flag's is ""; of a repeated one the first */
	const char *addresses[CLI_ADDRESSES_MAX];
	uint32_t addresses_count;
	char **args;
	int args_count;
};

struct command {
	const char *name;      /* one or two words */
	const char *arguments; /* as help shows them */
	const char *summary;
	int args_min, args_max; /* args_max -1: any number */
	enum cli_option options[CLI_OPTIONS_MAX];
	uint32_t options_count;
	int (*run)(const struct cli *cli);
};

/* ---- options.c ---- */

/* Takes argv after the command's words. CLI_OK, or CLI_USAGE after saying why. */
int cli_parse(struct cli *cli, const struct command *command, int argc, char **argv);
void cli_help_command(const struct command *command);
/* The value of a number's option, or `otherwise`; false after saying why it is none from `min` to `max`. */
bool cli_number(const struct cli *cli, enum cli_option option, uint64_t otherwise, uint64_t min, uint64_t max, uint64_t *out);
/* The same for a duration: 250ms, 10s, 5min, 1h; a bare number is seconds. */
bool cli_duration(const struct cli *cli, enum cli_option option, uint32_t otherwise, uint32_t *out_ms);
/* The value, or NULL after saying that the command needs it. */
const char *cli_need(const struct cli *cli, enum cli_option option);
static inline bool cli_has(const struct cli *cli, enum cli_option option)
{
	return cli->value[option] != NULL;
}
/* The passphrase that --passphrase-file names: its first line. False after saying why it cannot be read; *out stays NULL when the option is not given.
 * Ownership: cli_passphrase_free. */
bool cli_passphrase(const struct cli *cli, char **out);
void cli_passphrase_free(char *passphrase);

/* ---- say.c ---- */

/* "quorate: SENTENCE" on standard error; returns `code`. */
__attribute__((format(printf, 2, 3))) int cli_fail(int code, const char *format, ...);
/* The exit code of an error. */
int cli_code(enum quorate_error error);
int cli_error(enum quorate_error error, const char *reason);
/* One line on standard output. Takes ownership. */
int cli_json(json_t *object);
/* Text when it is printable UTF-8. */
bool cli_printable(const void *bytes, size_t n);
/* On standard output: as it is when printable, else "0x" and hexadecimal. */
void cli_show(const void *bytes, size_t n);
/* object[name] = text, or object[name_base16] = hexadecimal. False: no memory. */
bool cli_json_bytes(json_t *object, const char *name, const void *bytes, size_t n);
/* Hears a configuration file's problems. */
void cli_problem(void *user, const char *sentence);
void cli_hex(char *out, const uint8_t *bytes, size_t n);
/* Reads a file, or standard input for "-", whole, up to `most` bytes. CLI_OK, or a code after saying why. Ownership: free(*bytes). */
int cli_read_file(const char *path, size_t most, char **bytes, size_t *n);

/* ---- the commands ---- */
extern const struct command cli_commands[];
extern const size_t cli_commands_count;
int cmd_key_new(const struct cli *cli);
int cmd_key_show(const struct cli *cli);
int cmd_card_new(const struct cli *cli);
int cmd_genesis_build(const struct cli *cli);
int cmd_genesis_show(const struct cli *cli);
int cmd_format(const struct cli *cli);
int cmd_testnet(const struct cli *cli);
int cmd_config_check(const struct cli *cli);
int cmd_evidence_verify(const struct cli *cli);
int cmd_evidence_show(const struct cli *cli);
int cmd_evidence_gather(const struct cli *cli); /* 'evidence list' of a running cluster */
int cmd_evidence_list(const struct cli *cli);
int cmd_receipt_verify(const struct cli *cli);
int cmd_member_readmit(const struct cli *cli);
int cmd_member_rotate_key(const struct cli *cli);
int cmd_member_propose(const struct cli *cli);
int cmd_member_approve(const struct cli *cli);
int cmd_mode_propose(const struct cli *cli);
int cmd_mode_approve(const struct cli *cli);
int cmd_change_status(const struct cli *cli); /* 'member status', 'mode status' */
int cmd_member_chain(const struct cli *cli);
int cmd_start(const struct cli *cli);
int cmd_put(const struct cli *cli);
int cmd_get(const struct cli *cli);
int cmd_del(const struct cli *cli);
int cmd_cas(const struct cli *cli);
int cmd_count(const struct cli *cli);
int cmd_scan(const struct cli *cli);
int cmd_load(const struct cli *cli);
int cmd_status(const struct cli *cli);
int cmd_help(const struct cli *cli);
int cmd_version(const struct cli *cli);
#endif
