/* Many rows at once, with a bar that shows how it goes, and figures at the end. */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIVE_UP_MS 300000u
#define OP_MS 10000u /* until one bundle is asked for again */
#define BAR 30u
#define STALL_US 2000000u

/* ---- the bar, on a terminal only ---- */

static void draw(struct load *l)
{
	static const char full[] = "##############################", empty[] = "                              ";
	pthread_mutex_lock(&l->lock);
	uint64_t done = l->done_rows, all = l->rows->rows, before = l->resumed_rows, quiet_us = load_now_us() - l->progress_us;
	pthread_mutex_unlock(&l->lock);
	double seconds = l->began_us ? (double)(load_now_us() - l->began_us) / 1e6 : 0;
	int part = all ? (int)((done + before) * BAR / all) : (int)BAR;
	fprintf(stderr, "\r[%.*s%.*s] %llu of %llu rows, %.0f/s%s\x1b[K", part, full, (int)BAR - part, empty, (unsigned long long)(done + before),
	        (unsigned long long)all, seconds > 0 ? (double)done / seconds : 0,
	        l->began_us && done + before < all && quiet_us > STALL_US ? ", waiting for a quorum" : "");
	if (l->ended_us)
		fputc('\n', stderr);
}

static void look(struct load *l)
{
	static uint64_t drawn_us; /* this command's alone */
	uint64_t now = load_now_us();
	if (!isatty(STDERR_FILENO) || (now - drawn_us < 100000 && !l->ended_us))
		return;
	drawn_us = now;
	draw(l);
}

/* ---- the end ---- */

static int report(const struct load *l, const struct cli *cli)
{
	const struct load_stats *s = &l->stats;
	double seconds = (double)(l->ended_us - l->began_us) / 1e6, rate = seconds > 0 ? (double)l->done_rows / seconds : 0;
	uint64_t p50 = stats_percentile(s, 500), p90 = stats_percentile(s, 900), p99 = stats_percentile(s, 990), p999 = stats_percentile(s, 999);
	if (cli_has(cli, OPT_JSON))
		return cli_json(json_pack("{s:I,s:f,s:{s:I,s:I,s:I,s:I,s:I},s:f}", "rows", (json_int_t)(l->done_rows + l->resumed_rows), "throughput_ops", rate,
		                          "latency_us", "p50", (json_int_t)p50, "p90", (json_int_t)p90, "p99", (json_int_t)p99, "p999", (json_int_t)p999, "max",
		                          (json_int_t)s->max_us, "gap_ms_max", (double)s->gap_us / 1000));
	printf("%llu rows", (unsigned long long)(l->done_rows + l->resumed_rows));
	if (l->resumed_rows)
		printf(" (%llu of them by an earlier run)", (unsigned long long)l->resumed_rows);
	printf(" in %.2f s: %.0f rows/s\nlatency p50 %.1f ms, p99 %.1f ms, longest %.1f ms\nlongest time in which nothing was completed: %.1f ms\n", seconds,
	       rate, (double)p50 / 1000, (double)p99 / 1000, (double)s->max_us / 1000, (double)s->gap_us / 1000);
	return fflush(stdout) == 0 ? CLI_OK : cli_fail(CLI_FAILED, "standard output cannot be written");
}

/* ---- the beginning ---- */

static bool same_file(const struct load_state *s, const struct rows *r)
{
	return s->rows == r->rows && s->bytes == r->bytes && s->digest == r->digest;
}

/* Fresh, or as an earlier run left it. */
static int prepare(struct load *l, const struct cli *cli, bool *resumed)
{
	uint64_t lanes, bundle;
	const char *cluster = quorate_client_cluster(l->cluster->client);
	if (!cli_number(cli, OPT_SESSIONS, 8, 1, LOAD_LANES_MAX, &lanes) || !cli_number(cli, OPT_BUNDLE, 100, 1, LOAD_BUNDLE_ROWS_MAX, &bundle))
		return CLI_USAGE;
	int code = load_state_read(&l->state, resumed, l->path);
	if (code != CLI_OK)
		return code;
	if (!*resumed) {
		snprintf(l->state.cluster, sizeof l->state.cluster, "%s", cluster);
		l->state.rows = l->rows->rows;
		l->state.bytes = l->rows->bytes;
		l->state.digest = l->rows->digest;
		l->state.lanes = (uint32_t)lanes;
		l->state.bundle_rows = (uint32_t)bundle;
		return CLI_OK;
	}
	if (strcmp(l->state.cluster, cluster) != 0)
		return cli_fail(CLI_FAILED, "%s: that load went to another cluster; remove it to load every row", l->path);
	if (!same_file(&l->state, l->rows))
		return cli_fail(CLI_FAILED, "%s: the rows were changed since that load began; remove it to load every row", l->path);
	/* Sessions and bundles are as they were: numbers depend on them. */
	return CLI_OK;
}

static int run(struct load *l, const struct cli *cli)
{
	bool resumed;
	int code = prepare(l, cli, &resumed);
	if (code != CLI_OK)
		return code;
	code = load_run(l, resumed);
	if (code != CLI_OK)
		return code;
	if (unlink(l->path) != 0)
		return cli_fail(CLI_FAILED, "%s: %s", l->path, strerror(errno));
	return report(l, cli);
}

static void free_slots(struct load *l)
{
	for (uint32_t i = 0; i < LOAD_LANES_MAX; i++) {
		for (uint32_t k = 0; k < LOAD_SLOTS; k++)
			row_bundle_free(&l->lane[i].slot[k].rows);
	}
}

static int load_rows(const struct cli *cli, struct load *l, struct rows *rows, struct cluster *c)
{
	int code = rows_open(rows, cli->args[0]);
	if (code == CLI_OK)
		code = cluster_open(c, cli, GIVE_UP_MS, OP_MS);
	if (code != CLI_OK)
		return code;
	l->give_up_ms = c->timeout_ms;
	return run(l, cli);
}

int cmd_load(const struct cli *cli)
{
	struct rows rows = { 0 };
	struct cluster c = { 0 };
	char *path = NULL;
	struct load *l = calloc(1, sizeof *l);
	const char *given = cli->value[OPT_PROGRESS];
	if (!l || asprintf(&path, "%s%s", given ? given : cli->args[0], given ? "" : ".progress") < 0) {
		free(l);
		return cli_fail(CLI_FAILED, "no memory");
	}
	l->cluster = &c;
	l->rows = &rows;
	l->path = path;
	l->look = look;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	int code = load_rows(cli, l, &rows, &c);
	cluster_close(&c); /* before the slots: its thread uses them */
	free_slots(l);
	rows_close(&rows);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->changed);
	free(path);
	free(l);
	return code;
}
