/* Receipts: what a quorum of replicas signed of one request, judged by the genesis alone. */
#include "cli.h"
#include "kv_words.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- in words ---- */

static void say_request(const struct quorate_receipt_info *r)
{
	const void *at = r->ops, *value_at = r->values, *op, *value;
	size_t left = r->ops_bytes, values_left = r->values_bytes, n, value_n;
	printf("client %s asked for\n", r->client);
	while (quorate_receipt_next(&at, &left, &op, &n)) {
		fputs("  ", stdout);
		kv_show_op(op, n);
		if (quorate_receipt_next(&value_at, &values_left, &value, &value_n)) {
			fputs("  ->  ", stdout);
			kv_show_answer(value, value_n);
		}
		putchar('\n');
	}
	if (!r->operations)
		puts("  a change that is none of the application's");
	printf("  request %s, number %llu of session %llu\n", r->request, (unsigned long long)r->number, (unsigned long long)r->session);
}

static void say_place(const struct quorate_receipt_info *r)
{
	printf("%s at sequence %llu, epoch %llu, of cluster %s\n", r->executed ? "it was executed" : "it was ordered", (unsigned long long)r->seq,
	       (unsigned long long)r->epoch, r->cluster);
	if (!r->executed)
		printf("  and refused: %s\n", r->outcome);
	if (r->placed)
		printf("  in proposal %s, chain %s, as %u of the signers say\n", r->proposal, r->chain, r->placed);
}

static void say_signers(const struct quorate_receipt_info *r)
{
	printf("signed by %u of %u replicas:", r->signers, r->members);
	for (uint32_t i = 0, said = 0; i < r->members; i++)
		if (r->signed_by >> i & 1)
			printf("%s %u (%s)", said++ ? "," : "", i, r->org[i]);
	putchar('\n');
}

/* ---- as JSON ---- */

static json_t *operations_json(const struct quorate_receipt_info *r)
{
	json_t *list = json_array();
	const void *at = r->ops, *value_at = r->values, *op, *value;
	size_t left = r->ops_bytes, values_left = r->values_bytes, n, value_n;
	while (list && quorate_receipt_next(&at, &left, &op, &n)) {
		json_t *o = json_object();
		bool ok = o && cli_json_bytes(o, "operation", op, n);
		if (ok && quorate_receipt_next(&value_at, &values_left, &value, &value_n))
			ok = cli_json_bytes(o, "answer", value, value_n);
		if (ok && json_array_append(list, o) == 0) {
			json_decref(o);
			continue;
		}
		json_decref(o);
		json_decref(list);
		return NULL;
	}
	return list;
}

static json_t *signers_json(const struct quorate_receipt_info *r)
{
	json_t *list = json_array();
	for (uint32_t i = 0; list && i < r->members; i++)
		if (r->signed_by >> i & 1)
			json_array_append_new(list, json_pack("{s:i,s:s}", "id", (int)i, "org", r->org[i]));
	return list;
}

static json_t *receipt_json(const struct quorate_receipt_info *r)
{
	json_t *o = json_pack("{s:b,s:s,s:s,s:s,s:I,s:I,s:b,s:s,s:I,s:I,s:o,s:o}", "proved", 1, "cluster", r->cluster, "client", r->client, "request",
	                      r->request, "session", (json_int_t)r->session, "number", (json_int_t)r->number, "executed", r->executed, "outcome", r->outcome,
	                      "epoch", (json_int_t)r->epoch, "seq", (json_int_t)r->seq, "operations", operations_json(r), "signers", signers_json(r));
	if (o && r->placed)
		json_object_update_new(o, json_pack("{s:s,s:s,s:i}", "proposal", r->proposal, "chain", r->chain, "placed", (int)r->placed));
	return o;
}

static int judge(const struct cli *cli, const void *bytes, size_t n, const char *genesis)
{
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_receipt_info *info = malloc(sizeof *info);
	if (!info)
		return cli_fail(CLI_FAILED, "no memory");
	enum quorate_error error = quorate_receipt_verify(bytes, n, genesis, info, reason);
	int code = CLI_OK;
	if (error != QUORATE_OK && error != QUORATE_VERIFICATION) {
		code = cli_error(error, reason);
	} else if (cli_has(cli, OPT_JSON)) {
		json_t *o = error == QUORATE_OK ? receipt_json(info) : json_pack("{s:b,s:s}", "proved", 0, "reason", reason);
		code = cli_json(o);
		code = code != CLI_OK ? code : cli_code(error);
	} else if (error != QUORATE_OK) {
		code = cli_fail(CLI_VERIFICATION, "%s: %s", cli->args[0], reason);
	} else {
		say_request(info);
		say_place(info);
		say_signers(info);
	}
	free(info);
	return code;
}

int cmd_receipt_verify(const struct cli *cli)
{
	char *bytes;
	size_t n;
	const char *genesis = cli_need(cli, OPT_GENESIS);
	if (!genesis)
		return CLI_USAGE;
	int code = cli_read_file(cli->args[0], QUORATE_RECEIPT_BYTES_MAX, &bytes, &n);
	if (code != CLI_OK)
		return code;
	code = judge(cli, bytes, n, genesis);
	free(bytes);
	return code;
}
