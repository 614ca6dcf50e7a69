/* 'evidence list --cluster': who contradicted itself, as far as any replica can prove it. */
#include "evidence_say.h"
#include "gather.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MS 3000u /* for each file of a replica that does not answer at once */

/* ---- keeping: names are made of what was proved, never of what a replica says ---- */

static void name_of(char out[128], const struct quorate_evidence_info *e)
{
	snprintf(out, 128, "%u-%s-%llu-%llu-%llu.evidence", e->culprit, e->predicate, (unsigned long long)e->epoch, (unsigned long long)e->view,
	         (unsigned long long)e->seq);
}

static bool write_new(int folder, const char *name, const uint8_t *bytes, size_t n)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return errno == EEXIST; /* it is there from another time: nothing is overwritten */
	while (n) {
		ssize_t put = write(fd, bytes, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			break;
		bytes += put;
		n -= (size_t)put;
	}
	int why = errno;
	bool ok = close(fd) == 0 && n == 0;
	if (!ok)
		unlinkat(folder, name, 0);
	errno = why;
	return ok;
}

static int keep_all(const struct gather *g, const char *path)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return cli_fail(CLI_FAILED, "%s: %s", path, strerror(errno));
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = CLI_OK;
	if (folder < 0)
		return cli_fail(CLI_FAILED, "%s: %s", path, strerror(errno));
	for (const struct gather_find *f = g->finds; f && code == CLI_OK; f = f->next) {
		char name[128];
		name_of(name, &f->info);
		if (!write_new(folder, name, f->bytes, f->n))
			code = cli_fail(CLI_FAILED, "%s/%s: %s", path, name, strerror(errno));
	}
	/* By which 'evidence verify --epochs' judges them; a shorter one of before is of no more use. */
	if (code == CLI_OK && g->epochs_n) {
		(void)unlinkat(folder, "epochs", 0);
		if (!write_new(folder, "epochs", g->epochs, g->epochs_n))
			code = cli_fail(CLI_FAILED, "%s/epochs: %s", path, strerror(errno));
	}
	close(folder);
	return code;
}

/* ---- saying ---- */

static void say_finds(const struct gather *g)
{
	for (const struct gather_find *f = g->finds; f; f = f->next) {
		char place[64];
		evidence_place(place, &f->info);
		printf("member %u (%s): %s; %s; kept by replica", f->info.culprit, f->info.org, f->info.sentence, place);
		for (uint32_t i = 0, said = 0; i < g->members; i++)
			if (f->held_by >> i & 1)
				printf("%s %u", said++ ? "," : "", i);
		putchar('\n');
	}
	if (!g->finds && g->heard)
		puts("no replica that answered keeps evidence");
}

/* Results go to standard output; what is wrong with the replicas that gave them, to the other. */
static void say_troubles(const struct gather *g)
{
	for (const struct gather_refusal *r = g->refusals; r; r = r->next)
		cli_fail(CLI_VERIFICATION, "replica %u (%s) serves %s, which is not believed: %s", r->member, quorate_client_org(g->cluster->client, r->member),
		         r->name, r->reason);
	for (uint32_t i = 0; i < g->members; i++)
		if (g->silent >> i & 1)
			cli_fail(CLI_UNREACHABLE, "replica %u (%s) does not answer%s", i, quorate_client_org(g->cluster->client, i),
			         g->heard >> i & 1 ? " any more" : "");
}

static json_t *ids(uint64_t mask, uint32_t members)
{
	json_t *list = json_array();
	for (uint32_t i = 0; list && i < members; i++)
		if (mask >> i & 1)
			json_array_append_new(list, json_integer((json_int_t)i));
	return list;
}

static json_t *gathered_json(const struct gather *g)
{
	json_t *finds = json_array(), *refused = json_array();
	for (const struct gather_find *f = g->finds; finds && f; f = f->next) {
		json_t *o = json_pack("{s:b,s:o}", "proved", 1, "kept_by", ids(f->held_by, g->members));
		evidence_json_add(o, &f->info);
		json_array_append_new(finds, o);
	}
	for (const struct gather_refusal *r = g->refusals; refused && r; r = r->next)
		json_array_append_new(refused, json_pack("{s:i,s:s,s:s}", "replica", (int)r->member, "file", r->name, "reason", r->reason));
	return json_pack("{s:o,s:o,s:o}", "evidence", finds, "refused", refused, "silent", ids(g->silent, g->members));
}

static int say(const struct cli *cli, const struct gather *g)
{
	if (cli_has(cli, OPT_JSON)) {
		int code = cli_json(gathered_json(g));
		if (code != CLI_OK)
			return code;
	} else {
		say_finds(g);
		say_troubles(g);
	}
	if (!g->heard)
		return cli_fail(CLI_UNREACHABLE, "no replica answers");
	return g->refusals ? CLI_VERIFICATION : CLI_OK;
}

int cmd_evidence_gather(const struct cli *cli)
{
	struct cluster c;
	struct gather *g = calloc(1, sizeof *g);
	if (!g)
		return cli_fail(CLI_FAILED, "no memory");
	int code = cluster_open(&c, cli, FILE_MS, 0);
	if (code == CLI_OK)
		code = gather_all(g, &c, quorate_config_client(c.config)->genesis, c.timeout_ms);
	if (code == CLI_OK && cli_has(cli, OPT_OUT))
		code = keep_all(g, cli->value[OPT_OUT]);
	if (code == CLI_OK)
		code = say(cli, g);
	cluster_close(&c);
	gather_end(g);
	free(g);
	return code;
}
