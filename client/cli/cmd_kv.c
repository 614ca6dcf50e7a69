/* One operation of the key-value service, and what came of it. */
#include "cluster.h"
#include "receipt_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room for any single operation. */
#define OP_BYTES_MAX (2u * QUORATE_KV_VALUE_MAX + QUORATE_KV_KEY_MAX + 64u)

static int key_check(const char *key)
{
	size_t n = strlen(key);
	if (n >= 1 && n <= QUORATE_KV_KEY_MAX)
		return CLI_OK;
	return cli_fail(CLI_USAGE, "a key has from 1 to %u bytes, and this one has %zu", QUORATE_KV_KEY_MAX, n);
}

static int value_check(size_t n)
{
	if (n <= QUORATE_KV_VALUE_MAX)
		return CLI_OK;
	return cli_fail(CLI_USAGE, "a value has at most %u bytes, and this one has more", QUORATE_KV_VALUE_MAX);
}

/* Orders `op` in a session of its own. `show` says what the answer means. */
typedef int (*show_fn)(const struct cli *cli, const struct quorate_kv_answer *answer);

static int ask(const struct cli *cli, struct cluster *c, const uint8_t *op, size_t n, bool reads, show_fn show)
{
	struct quorate_kv_answer answer;
	int code = cluster_ask(c, op, n, reads, &answer);
	return code == CLI_OK ? show(cli, &answer) : code;
}

/* What failed is shown too: the receipt says so. What was done and cannot be shown is not all that was asked for. */
static int ask_receipt(const struct cli *cli, struct cluster *c, const uint8_t *op, size_t n, bool reads, show_fn show, struct receipt_file *file)
{
	struct quorate_kv_answer answer;
	struct cluster_receipt receipt;
	int code = cluster_ask_receipt(c, op, n, reads, &answer, &receipt);
	bool answered = code == CLI_OK;
	if (answered)
		code = show(cli, &answer);
	int kept = CLI_OK;
	if (receipt.bytes)
		kept = receipt_file_keep(file, receipt.bytes, receipt.n);
	else if (answered)
		kept = cli_fail(CLI_UNREACHABLE, "%s", receipt.why);
	return code == CLI_OK ? kept : code;
}

static int order(const struct cli *cli, const uint8_t *op, size_t n, bool reads, show_fn show)
{
	struct cluster c = { 0 };
	struct receipt_file file;
	bool wanted = cli_has(cli, OPT_RECEIPT);
	int code = wanted ? receipt_file_open(&file, cli->value[OPT_RECEIPT]) : CLI_OK;
	if (code != CLI_OK)
		return code;
	code = cluster_open(&c, cli, 0, 0);
	if (code == CLI_OK)
		code = cluster_session(&c);
	if (code == CLI_OK)
		code = wanted ? ask_receipt(cli, &c, op, n, reads, show, &file) : ask(cli, &c, op, n, reads, show);
	cluster_close(&c);
	if (wanted)
		receipt_file_close(&file);
	return code;
}

/* Everything but the outcomes that a command has words for. */
static int refuse(const struct quorate_kv_answer *answer)
{
	return cli_fail(CLI_FAILED, "%s", quorate_kv_status_text(answer->status));
}

static int no_such_key(const struct cli *cli)
{
	return cli_fail(CLI_FAILED, "no such key: %s", cli->args[0]);
}

static int show_done(const struct cli *cli, const struct quorate_kv_answer *answer)
{
	if (answer->status == QUORATE_KV_NONE)
		return no_such_key(cli);
	if (answer->status != QUORATE_KV_OK)
		return refuse(answer);
	return cli_has(cli, OPT_JSON) ? cli_json(json_pack("{s:b}", "ok", 1)) : CLI_OK;
}

/* ---- put ---- */

static int order_put(const struct cli *cli, const char *value, size_t n)
{
	int code = value_check(n);
	if (code != CLI_OK)
		return code;
	uint8_t *op = malloc(OP_BYTES_MAX);
	if (!op)
		return cli_fail(CLI_FAILED, "no memory");
	size_t op_n = quorate_kv_put(op, OP_BYTES_MAX, cli->args[0], strlen(cli->args[0]), value, n);
	code = order(cli, op, op_n, false, show_done);
	free(op);
	return code;
}

int cmd_put(const struct cli *cli)
{
	const char *path = cli->value[OPT_FILE];
	int code = key_check(cli->args[0]);
	if (code != CLI_OK)
		return code;
	if ((path != NULL) == (cli->args_count == 2))
		return cli_fail(CLI_USAGE, "give one value: an argument, or --file FILE");
	if (!path)
		return order_put(cli, cli->args[1], strlen(cli->args[1]));
	char *value;
	size_t n;
	code = cli_read_file(path, QUORATE_KV_VALUE_MAX, &value, &n);
	if (code != CLI_OK)
		return code;
	code = order_put(cli, value, n);
	free(value);
	return code;
}

/* ---- get, del, count ---- */

/* A file or a pipe gets the bytes themselves; a terminal nothing that it would obey. */
static void print_value(const uint8_t *value, size_t n)
{
	bool text = cli_printable(value, n);
	if (text || isatty(STDOUT_FILENO))
		cli_show(value, n);
	else
		fwrite(value, 1, n, stdout);
	if (text || isatty(STDOUT_FILENO))
		putchar('\n');
}

static int show_value(const struct cli *cli, const struct quorate_kv_answer *answer)
{
	if (answer->status != QUORATE_KV_OK && answer->status != QUORATE_KV_NONE)
		return refuse(answer);
	bool there = answer->status == QUORATE_KV_OK;
	if (!cli_has(cli, OPT_JSON)) {
		if (!there)
			return no_such_key(cli);
		print_value(answer->body, answer->body_bytes);
		return fflush(stdout) == 0 ? CLI_OK : cli_fail(CLI_FAILED, "standard output cannot be written");
	}
	json_t *object = json_object();
	bool ok = object && cli_json_bytes(object, "key", cli->args[0], strlen(cli->args[0]));
	ok = ok && (there ? cli_json_bytes(object, "value", answer->body, answer->body_bytes) : json_object_set_new(object, "value", json_null()) == 0);
	if (!ok) {
		json_decref(object);
		return cli_fail(CLI_FAILED, "no memory for the result");
	}
	int code = cli_json(object);
	return code != CLI_OK ? code : there ? CLI_OK : no_such_key(cli);
}

int cmd_get(const struct cli *cli)
{
	uint8_t op[QUORATE_KV_KEY_MAX + 16];
	int code = key_check(cli->args[0]);
	if (code != CLI_OK)
		return code;
	return order(cli, op, quorate_kv_get(op, sizeof op, cli->args[0], strlen(cli->args[0])), true, show_value);
}

int cmd_del(const struct cli *cli)
{
	uint8_t op[QUORATE_KV_KEY_MAX + 16];
	int code = key_check(cli->args[0]);
	if (code != CLI_OK)
		return code;
	return order(cli, op, quorate_kv_del(op, sizeof op, cli->args[0], strlen(cli->args[0])), false, show_done);
}

static int show_count(const struct cli *cli, const struct quorate_kv_answer *answer)
{
	uint64_t count;
	if (answer->status != QUORATE_KV_OK)
		return refuse(answer);
	if (!quorate_kv_count_read(&count, answer))
		return cli_fail(CLI_FAILED, "the answer is not a count");
	if (cli_has(cli, OPT_JSON))
		return cli_json(json_pack("{s:I}", "count", (json_int_t)count));
	printf("%llu\n", (unsigned long long)count);
	return CLI_OK;
}

int cmd_count(const struct cli *cli)
{
	uint8_t op[16];
	return order(cli, op, quorate_kv_count(op, sizeof op), true, show_count);
}

/* ---- cas ---- */

static int mismatch(const struct cli *cli, const struct quorate_kv_answer *answer)
{
	const uint8_t *value = answer->body + 1;
	size_t n = answer->body_bytes ? answer->body_bytes - 1 : 0;
	bool present = answer->body_bytes && answer->body[0];
	if (cli_has(cli, OPT_JSON)) {
		json_t *object = json_pack("{s:b}", "ok", 0);
		bool ok = object && (present ? cli_json_bytes(object, "value", value, n) : json_object_set_new(object, "value", json_null()) == 0);
		if (ok)
			cli_json(object);
		else
			json_decref(object);
	}
	if (!present)
		return cli_fail(CLI_PRECONDITION, "nothing was changed: there is no such key");
	if (n <= 100 && cli_printable(value, n))
		return cli_fail(CLI_PRECONDITION, "nothing was changed: the value is '%.*s'", (int)n, (const char *)value);
	return cli_fail(CLI_PRECONDITION, "nothing was changed: the value is another one, of %zu bytes", n);
}

static int show_cas(const struct cli *cli, const struct quorate_kv_answer *answer)
{
	return answer->status == QUORATE_KV_MISMATCH ? mismatch(cli, answer) : show_done(cli, answer);
}

int cmd_cas(const struct cli *cli)
{
	bool absent = cli_has(cli, OPT_ABSENT);
	if (cli->args_count != (absent ? 2 : 3))
		return cli_fail(CLI_USAGE, "give KEY EXPECTED VALUE, or --absent KEY VALUE");
	const char *key = cli->args[0], *expected = absent ? NULL : cli->args[1], *value = cli->args[absent ? 1 : 2];
	int code = key_check(key);
	if (code == CLI_OK)
		code = value_check(strlen(value));
	if (code == CLI_OK && expected)
		code = value_check(strlen(expected));
	if (code != CLI_OK)
		return code;
	uint8_t *op = malloc(OP_BYTES_MAX);
	if (!op)
		return cli_fail(CLI_FAILED, "no memory");
	size_t n = quorate_kv_cas(op, OP_BYTES_MAX, key, strlen(key), expected, expected ? strlen(expected) : 0, value, strlen(value));
	code = order(cli, op, n, false, show_cas);
	free(op);
	return code;
}
