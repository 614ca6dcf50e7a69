/* Other members, or another mode: proposed, approved and shown. */
#include "changes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *mode_text(uint8_t mode)
{
	return mode == QUORATE_TRUSTED ? "trusted" : "bft";
}

static const char *fault_text(uint8_t mode)
{
	return mode == QUORATE_TRUSTED ? "crash" : "lie";
}

/* ---- saying ---- */

static void say_size(const char *when, const struct quorate_change_size *s)
{
	printf("  %-7s %u members in %s mode: %u decide, %u may %s\n", when, s->members, mode_text(s->mode), s->quorum, s->faults, fault_text(s->mode));
}

static void say_change(const struct quorate_change_info *i)
{
	printf("proposal %s: %s\n", i->name, i->what);
	say_size("now", &i->before);
	say_size("after", &i->after);
	printf("  approved by");
	for (uint32_t k = 0; k < i->approvals; k++)
		printf("%s %s", k ? "," : "", i->org[k]);
	if (i->of_mode)
		printf(": %u of %u organizations\n", i->have, i->need);
	else
		printf(": organizations of %u members, and %u are needed\n", i->have, i->need);
}

static json_t *size_json(const struct quorate_change_size *s)
{
	return json_pack("{s:i,s:s,s:i,s:i}", "members", (int)s->members, "mode", mode_text(s->mode), "quorum", (int)s->quorum, "tolerated", (int)s->faults);
}

static json_t *change_json(const struct quorate_change_info *i)
{
	json_t *orgs = json_array();
	for (uint32_t k = 0; orgs && k < i->approvals; k++)
		json_array_append_new(orgs, json_string(i->org[k]));
	return json_pack("{s:s,s:s,s:I,s:o,s:o,s:o,s:i,s:i}", "proposal", i->name, "what", i->what, "epoch", (json_int_t)i->epoch, "now", size_json(&i->before),
	                 "after", size_json(&i->after), "approved_by", orgs, "have", (int)i->have, "need", (int)i->need);
}

/* ---- proposing and approving ---- */

static const struct change *named(const struct changes *c, const char *name)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (strcmp(c->at[i].info.name, name) == 0)
			return &c->at[i];
	return NULL;
}

/* As the cluster has it now; what was just ordered, when nobody shows it. */
static int say_waiting(struct changes *c, const struct cli *cli, const char *group, struct quorate_change_info *info)
{
	(void)changes_gather(c);
	const struct change *now = named(c, info->name);
	if (now)
		*info = now->info;
	if (cli_has(cli, OPT_JSON)) {
		json_t *o = change_json(info);
		json_object_set_new(o, "in_force", json_false());
		return cli_json(o);
	}
	say_change(info);
	printf("It waits for more: 'quorate %s approve %s --key ORG_KEY' by each of the others.\n", group, info->name);
	return CLI_OK;
}

static int say_done(const struct changes *c, const struct cli *cli, const struct quorate_change_info *info, uint64_t border)
{
	if (cli_has(cli, OPT_JSON)) {
		json_t *o = change_json(info);
		json_object_set_new(o, "in_force", json_true());
		json_object_set_new(o, "border", json_integer((json_int_t)border));
		json_object_set_new(o, "epoch", json_integer((json_int_t)(c->epoch + 1)));
		return cli_json(o);
	}
	printf("proposal %s: %s\n", info->name, info->what);
	printf("It is in force: epoch %llu began behind sequence %llu.\n", (unsigned long long)(c->epoch + 1), (unsigned long long)border);
	say_size("now", &info->after);
	return CLI_OK;
}

/* With whoever had approved it before: once it is in force nobody shows that any more. */
static void add_known(const struct changes *c, const uint8_t *bytes, size_t n, struct quorate_change_info *info)
{
	const struct change *known = named(c, info->name);
	uint8_t all[QUORATE_CHANGE_BYTES_MAX];
	size_t all_n = known ? known->n : 0;
	if (!known)
		return;
	memcpy(all, known->bytes, all_n);
	if (quorate_change_join(all, &all_n, bytes, n))
		(void)quorate_change_show(&c->chain, all, all_n, info, NULL);
}

static int order(struct changes *c, const struct cli *cli, const char *group, const uint8_t *bytes, size_t n)
{
	struct quorate_change_info info;
	char reason[QUORATE_REASON_BYTES] = "";
	uint64_t border;
	enum quorate_error error = quorate_change_show(&c->chain, bytes, n, &info, reason);
	if (error != QUORATE_OK)
		return cli_error(error, reason);
	add_known(c, bytes, n, &info);
	int code = changes_order(c, bytes, n, &border);
	if (code != CLI_OK)
		return code;
	if (!border)
		return say_waiting(c, cli, group, &info);
	code = changes_wait(c);
	return code == CLI_OK ? say_done(c, cli, &info, border) : code;
}

/* What is approved for the organization of --key: `wish`, or the proposal that the first argument names. */
static int approve_one(struct changes *c, const struct cli *cli, const struct quorate_change_wish *wish, uint8_t bytes[QUORATE_CHANGE_BYTES_MAX], size_t *n)
{
	char reason[QUORATE_REASON_BYTES] = "";
	enum quorate_error error;
	if (wish) {
		error = quorate_change_make(&c->chain, wish, cli->value[OPT_KEY], c->cluster.passphrase, bytes, n, reason);
	} else {
		const struct change *found = changes_find(c, cli->args[0]);
		if (!found)
			return CLI_USAGE;
		error = quorate_change_approve(&c->chain, found->bytes, found->n, cli->value[OPT_KEY], c->cluster.passphrase, bytes, n, reason);
	}
	return error == QUORATE_OK ? CLI_OK : cli_error(error, reason);
}

static int approve(const struct cli *cli, const char *group, const struct quorate_change_wish *wish)
{
	uint8_t bytes[QUORATE_CHANGE_BYTES_MAX];
	size_t n = 0;
	struct changes *c = cli_need(cli, OPT_KEY) ? calloc(1, sizeof *c) : NULL;
	if (!c)
		return CLI_USAGE;
	int code = changes_open(c, cli);
	if (code == CLI_OK)
		code = approve_one(c, cli, wish, bytes, &n);
	if (code == CLI_OK)
		code = order(c, cli, group, bytes, n);
	changes_close(c);
	free(c);
	return code;
}

/* ---- members ---- */

static bool member_number(const char *text, uint32_t *id)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	if (*end || end == text || errno || n >= SURVEY_MEMBERS_MAX)
		return cli_fail(CLI_USAGE, "'%s' is not the number of a replica", text) == CLI_OK;
	*id = (uint32_t)n;
	return true;
}

/* add CARD | remove ID | replace ID CARD, one behind another. */
static bool read_seats(const struct cli *cli, struct quorate_change_wish *wish)
{
	for (int i = 0; i < cli->args_count;) {
		struct quorate_change_seat seat = { 0 };
		const char *verb = cli->args[i++];
		bool add = strcmp(verb, "add") == 0, replace = strcmp(verb, "replace") == 0;
		if (!add && !replace && strcmp(verb, "remove") != 0)
			return cli_fail(CLI_USAGE, "'%s' is none of add CARD, remove ID, replace ID CARD", verb) == CLI_OK;
		seat.kind = add ? QUORATE_SEAT_ADD : replace ? QUORATE_SEAT_REPLACE : QUORATE_SEAT_REMOVE;
		if (i + (replace ? 2 : 1) > cli->args_count)
			return cli_fail(CLI_USAGE, "'%s' needs %s", verb, add ? "a CARD" : replace ? "an ID and a CARD" : "an ID") == CLI_OK;
		if (!add && !member_number(cli->args[i++], &seat.member))
			return false;
		if (add || replace)
			seat.card = cli->args[i++];
		if (wish->seats == QUORATE_CHANGE_SEATS_MAX)
			return cli_fail(CLI_USAGE, "at most %u members come, go or are replaced at once", QUORATE_CHANGE_SEATS_MAX) == CLI_OK;
		wish->seat[wish->seats++] = seat;
	}
	return true;
}

int cmd_member_propose(const struct cli *cli)
{
	struct quorate_change_wish wish = { 0 };
	return read_seats(cli, &wish) ? approve(cli, "member", &wish) : CLI_USAGE;
}

int cmd_member_approve(const struct cli *cli)
{
	return approve(cli, "member", NULL);
}

/* ---- the mode ---- */

int cmd_mode_propose(const struct cli *cli)
{
	const char *mode = cli->args[0];
	struct quorate_change_wish wish = { .mode = strcmp(mode, "trusted") == 0 ? QUORATE_TRUSTED : QUORATE_BFT };
	if (strcmp(mode, "trusted") != 0 && strcmp(mode, "bft") != 0)
		return cli_fail(CLI_USAGE, "'%s' is no mode: bft or trusted", mode);
	return approve(cli, "mode", &wish);
}

int cmd_mode_approve(const struct cli *cli)
{
	return approve(cli, "mode", NULL);
}

/* ---- what is, and what waits ---- */

static int say_status(const struct changes *c, const struct cli *cli)
{
	if (cli_has(cli, OPT_JSON)) {
		json_t *list = json_array(), *o = size_json(&c->size);
		for (uint32_t i = 0; list && i < c->count; i++)
			json_array_append_new(list, change_json(&c->at[i].info));
		json_object_set_new(o, "epoch", json_integer((json_int_t)c->epoch));
		json_object_set_new(o, "proposals", list);
		return cli_json(o);
	}
	printf("epoch %llu: %u members in %s mode; %u decide, %u may %s\n", (unsigned long long)c->epoch, c->size.members, mode_text(c->size.mode),
	       c->size.quorum, c->size.faults, fault_text(c->size.mode));
	for (uint32_t i = 0; i < quorate_client_members(c->cluster.client); i++)
		if (*quorate_client_org(c->cluster.client, i))
			printf("  replica %u  %s\n", i, quorate_client_org(c->cluster.client, i));
	for (uint32_t i = 0; i < c->count; i++)
		say_change(&c->at[i].info);
	if (!c->count)
		puts("no proposal waits for approval");
	return CLI_OK;
}

int cmd_change_status(const struct cli *cli)
{
	struct changes *c = calloc(1, sizeof *c);
	if (!c)
		return cli_fail(CLI_FAILED, "no memory");
	int code = changes_open(c, cli);
	if (code == CLI_OK)
		code = say_status(c, cli);
	changes_close(c);
	free(c);
	return code;
}

static int write_chain(const struct changes *c, const char *path)
{
	FILE *f = fopen(path, "wxe");
	bool ok = f && fwrite(c->chain.epochs, 1, c->chain.epochs_n, f) == c->chain.epochs_n;
	int why = errno;
	if (f && fclose(f) != 0 && ok) {
		ok = false;
		why = errno;
	}
	return ok ? CLI_OK : cli_fail(CLI_FAILED, "%s: %s", path, strerror(why));
}

int cmd_member_chain(const struct cli *cli)
{
	struct changes *c = cli_need(cli, OPT_OUT) ? calloc(1, sizeof *c) : NULL;
	if (!c)
		return CLI_USAGE;
	int code = changes_open(c, cli);
	if (code == CLI_OK)
		code = write_chain(c, cli->value[OPT_OUT]);
	if (code == CLI_OK && cli_has(cli, OPT_JSON))
		code = cli_json(json_pack("{s:s,s:I}", "chain", cli->value[OPT_OUT], "epoch", (json_int_t)c->epoch));
	else if (code == CLI_OK)
		printf("%s leads from the genesis to epoch %llu\n", cli->value[OPT_OUT], (unsigned long long)c->epoch);
	changes_close(c);
	free(c);
	return code;
}
