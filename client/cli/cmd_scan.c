/* Everything that begins with a prefix, page after page. Pages are ordered one by one: what changes meanwhile may be in it or not. */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scan {
	const struct cli *cli;
	const char *prefix;
	size_t prefix_n;
	uint8_t after[QUORATE_KV_KEY_MAX];
	size_t after_n;
	uint64_t left;   /* entries that may still be printed */
	json_t *entries; /* NULL: they are printed            */
	bool more;
};

static int show_entry(struct scan *s, const void *key, size_t key_n, const void *value, size_t value_n)
{
	if (!s->entries) {
		cli_show(key, key_n);
		putchar('\t');
		cli_show(value, value_n);
		putchar('\n');
		return ferror(stdout) ? cli_fail(CLI_FAILED, "standard output cannot be written") : CLI_OK;
	}
	json_t *entry = json_object();
	bool ok = entry && cli_json_bytes(entry, "key", key, key_n) && cli_json_bytes(entry, "value", value, value_n);
	if (ok && json_array_append_new(s->entries, entry) == 0)
		return CLI_OK;
	if (!ok)
		json_decref(entry);
	return cli_fail(CLI_FAILED, "no memory for the result");
}

static int show_page(struct scan *s, const struct quorate_kv_answer *answer)
{
	struct quorate_kv_page page;
	const void *key, *value;
	size_t key_n, value_n;
	if (answer->status != QUORATE_KV_OK)
		return cli_fail(CLI_FAILED, "%s", quorate_kv_status_text(answer->status));
	if (!quorate_kv_page_read(&page, answer))
		return cli_fail(CLI_FAILED, "the answer is not a page");
	s->more = page.more;
	bool any = false;
	while (s->left && quorate_kv_page_next(&page, &key, &key_n, &value, &value_n)) {
		if (key_n > sizeof s->after)
			return cli_fail(CLI_FAILED, "the answer holds a key that is too long");
		int code = show_entry(s, key, key_n, value, value_n);
		if (code != CLI_OK)
			return code;
		memcpy(s->after, key, key_n);
		s->after_n = key_n;
		s->left--;
		any = true;
	}
	return s->more && !any && s->left ? cli_fail(CLI_FAILED, "a page is empty and claims that more follows") : CLI_OK;
}

static int pages(struct scan *s, struct cluster *c)
{
	uint8_t op[2 * QUORATE_KV_KEY_MAX + 16];
	struct quorate_kv_answer answer;
	s->more = true;
	while (s->more && s->left) {
		uint16_t limit = s->left < QUORATE_KV_SCAN_MAX ? (uint16_t)s->left : QUORATE_KV_SCAN_MAX;
		size_t n = quorate_kv_scan(op, sizeof op, s->prefix, s->prefix_n, s->after, s->after_n, limit);
		int code = cluster_ask(c, op, n, true, &answer);
		if (code == CLI_OK)
			code = show_page(s, &answer);
		if (code != CLI_OK)
			return code;
	}
	return CLI_OK;
}

static int finish(struct scan *s)
{
	if (s->entries)
		return cli_json(json_pack("{s:O,s:b}", "entries", s->entries, "more", s->more));
	return fflush(stdout) == 0 ? CLI_OK : cli_fail(CLI_FAILED, "standard output cannot be written");
}

int cmd_scan(const struct cli *cli)
{
	struct scan s = { .cli = cli, .prefix = cli->args_count ? cli->args[0] : "" };
	struct cluster c;
	s.prefix_n = strlen(s.prefix);
	if (s.prefix_n > QUORATE_KV_KEY_MAX)
		return cli_fail(CLI_USAGE, "a prefix has at most %u bytes", QUORATE_KV_KEY_MAX);
	if (!cli_number(cli, OPT_LIMIT, UINT64_MAX, 1, INT64_MAX, &s.left))
		return CLI_USAGE;
	if (cli_has(cli, OPT_JSON) && !(s.entries = json_array()))
		return cli_fail(CLI_FAILED, "no memory");
	int code = cluster_open(&c, cli, 0, 0);
	if (code == CLI_OK)
		code = cluster_session(&c);
	if (code == CLI_OK)
		code = pages(&s, &c);
	if (code == CLI_OK)
		code = finish(&s);
	cluster_close(&c);
	json_decref(s.entries);
	return code;
}
