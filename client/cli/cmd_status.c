/* What each replica says of itself. Nobody else vouches for it; but replicas that say different things of the same sequence contradict one another. */
#include "cluster.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEMBERS_MAX 64u
#define ASK_MS 3000u
#define ASK_MS_MIN 1000u
#define DIGEST_TIMEOUT_MS 30000u
#define OP_MS 5000u /* of one request for a snapshot; another follows */
#define LOOK_MS 100u
#define AGAIN_MS 500u /* between two requests for a snapshot */

struct row {
	bool reachable, heard; /* heard: at any time during this command */
	struct quorate_report report;
};

/* Answers come on the client's thread. */
struct survey {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t members, open;
	struct row row[MEMBERS_MAX];
	/* the snapshot's request */
	bool answered;
	enum quorate_error error;
	uint64_t seq;
	char reason[QUORATE_REASON_BYTES];
};

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void sleep_ms(uint32_t ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

/* ---- asking ---- */

static void on_report(void *user, uint32_t member, const struct quorate_report *report)
{
	struct survey *s = user;
	pthread_mutex_lock(&s->lock);
	s->row[member].reachable = report != NULL;
	if (report) {
		s->row[member].heard = true;
		s->row[member].report = *report;
	}
	s->open--;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* Asks everybody at once; each answers or is given up in time. */
static int ask_all(struct survey *s, struct cluster *c, uint32_t timeout_ms)
{
	for (uint32_t i = 0; i < s->members; i++) {
		pthread_mutex_lock(&s->lock);
		s->open++;
		pthread_mutex_unlock(&s->lock);
		enum quorate_error error = quorate_client_ask(c->client, i, timeout_ms, on_report, s);
		if (error == QUORATE_OK)
			continue;
		pthread_mutex_lock(&s->lock);
		s->open--;
		pthread_mutex_unlock(&s->lock);
		return cli_error(error, NULL);
	}
	pthread_mutex_lock(&s->lock);
	while (s->open)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return CLI_OK;
}

/* ---- --digest ---- */

static void on_snapshot(void *user, const struct quorate_answer *answer)
{
	struct survey *s = user;
	pthread_mutex_lock(&s->lock);
	s->answered = true;
	s->error = answer->error;
	s->seq = answer->seq;
	snprintf(s->reason, sizeof s->reason, "%s", answer->reason ? answer->reason : "");
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static enum quorate_error ask_snapshot(struct survey *s, struct cluster *c)
{
	s->answered = false;
	enum quorate_error error = quorate_session_snapshot(c->session, on_snapshot, s);
	if (error != QUORATE_OK)
		return error;
	pthread_mutex_lock(&s->lock);
	while (!s->answered)
		pthread_cond_wait(&s->changed, &s->lock);
	error = s->error;
	pthread_mutex_unlock(&s->lock);
	return error;
}

/* A snapshot is ordered at most every ten seconds: until then it is asked again. */
static int order_snapshot(struct survey *s, struct cluster *c, uint64_t ends_ms)
{
	for (;;) {
		enum quorate_error error = ask_snapshot(s, c);
		if (error == QUORATE_OK)
			return CLI_OK;
		bool again = error == QUORATE_PRECONDITION || error == QUORATE_UNKNOWN;
		if (!again || now_ms() + AGAIN_MS >= ends_ms)
			return error == QUORATE_PRECONDITION
			               ? cli_fail(CLI_FAILED, "no snapshot could be ordered in time: one was made less than ten seconds ago")
			               : cli_error(error == QUORATE_UNKNOWN ? QUORATE_UNREACHABLE : error, s->reason);
		sleep_ms(AGAIN_MS);
	}
}

/* The first that was reachable and has not made the snapshot at or after `seq`, or not the same one as the others; -1: all have. */
static int behind(const struct survey *s, uint64_t seq)
{
	uint64_t newest = seq;
	for (uint32_t i = 0; i < s->members; i++) {
		if (s->row[i].reachable && s->row[i].report.standing.snapshot > newest)
			newest = s->row[i].report.standing.snapshot;
	}
	for (uint32_t i = 0; i < s->members; i++) {
		if (s->row[i].heard && (!s->row[i].reachable || s->row[i].report.standing.snapshot < newest))
			return (int)i;
	}
	return -1;
}

/* Also at the very end a replica gets a fair time to answer: a busy one is not unreachable. */
static uint32_t ask_ms(uint64_t ends_ms)
{
	uint64_t now = now_ms(), left = now < ends_ms ? ends_ms - now : 0;
	return left < ASK_MS_MIN ? ASK_MS_MIN : left < ASK_MS ? (uint32_t)left : ASK_MS;
}

/* *late is a replica that has not made it in time, or -1; what is known is shown all the same. */
static int make_digests(struct survey *s, struct cluster *c, int *late)
{
	uint64_t ends_ms = now_ms() + c->timeout_ms;
	int code = cluster_session(c);
	if (code == CLI_OK)
		code = order_snapshot(s, c, ends_ms);
	uint64_t seq = s->seq;
	while (code == CLI_OK) {
		code = ask_all(s, c, ask_ms(ends_ms));
		*late = behind(s, seq);
		if (*late < 0 || now_ms() >= ends_ms)
			break;
		sleep_ms(LOOK_MS);
	}
	return code;
}

/* ---- showing ---- */

static const char *role_text(enum quorate_role role)
{
	switch (role) {
	case QUORATE_LEADER: return "leader";
	case QUORATE_BACKUP: return "backup";
	case QUORATE_OBSERVER: break;
	}
	return "observer";
}

static const char *mode_text(uint8_t mode)
{
	return mode == 2 ? "trusted" : "bft";
}

static json_t *row_json(const struct cluster *c, const struct row *row, uint32_t id)
{
	const struct quorate_standing *st = &row->report.standing;
	const char *org = quorate_client_org(c->client, id);
	char chain[2 * QUORATE_DIGEST_BYTES + 1], digest[2 * QUORATE_DIGEST_BYTES + 1];
	if (!row->reachable)
		return json_pack("{s:i,s:s,s:b,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n}", "id", (int)id, "org", org, "reachable", 0, "role", "mode", "view",
		                 "changing", "leader", "executed", "stable", "chain", "snapshot_seq", "state_digest");
	cli_hex(chain, st->chain, sizeof st->chain);
	cli_hex(digest, st->state_digest, sizeof st->state_digest);
	return json_pack("{s:i,s:s,s:b,s:s,s:s,s:I,s:b,s:i,s:I,s:I,s:s,s:I,s:s}", "id", (int)id, "org", org, "reachable", 1, "role", role_text(st->role),
	                 "mode", mode_text(row->report.mode), "view", (json_int_t)st->view, "changing", st->changing, "leader", (int)st->leader, "executed",
	                 (json_int_t)st->executed, "stable", (json_int_t)st->stable, "chain", chain, "snapshot_seq", (json_int_t)st->snapshot, "state_digest",
	                 digest);
}

static int show_json(const struct survey *s, const struct cluster *c)
{
	json_t *rows = json_array();
	for (uint32_t i = 0; i < s->members; i++)
		json_array_append_new(rows, row_json(c, &s->row[i], i));
	return cli_json(json_pack("{s:s,s:o}", "cluster", quorate_client_cluster(c->client), "replicas", rows));
}

static void show_row(const struct cluster *c, const struct row *row, uint32_t id)
{
	const struct quorate_standing *st = &row->report.standing;
	char digest[17], chain[17];
	if (!row->reachable) {
		printf("%2u  %-14.14s unreachable\n", id, quorate_client_org(c->client, id));
		return;
	}
	cli_hex(digest, st->state_digest, 8);
	cli_hex(chain, st->chain, 8);
	printf("%2u  %-14.14s %-9s %6llu %6u %10llu %10llu  %s %10llu  %s\n", id, quorate_client_org(c->client, id), role_text(st->role),
	       (unsigned long long)st->view, st->leader, (unsigned long long)st->executed, (unsigned long long)st->stable, chain,
	       (unsigned long long)st->snapshot, digest);
	if (st->changing)
		printf("    waits for view %llu to begin\n", (unsigned long long)st->view);
	if (*st->trouble)
		printf("    %s%.200s\n", st->failed ? "stopped: " : "",
		       cli_printable(st->trouble, strnlen(st->trouble, sizeof st->trouble)) ? st->trouble : "?");
}

static void show_table(const struct survey *s, const struct cluster *c)
{
	printf("id  %-14s %-9s %6s %6s %10s %10s  %-16s %10s  %s\n", "org", "role", "view", "leader", "executed", "stable", "chain", "snapshot",
	       "state digest");
	for (uint32_t i = 0; i < s->members; i++)
		show_row(c, &s->row[i], i);
}

/* ---- judging ---- */

static bool contradict(const struct quorate_standing *a, const struct quorate_standing *b)
{
	bool chains = a->executed == b->executed && memcmp(a->chain, b->chain, sizeof a->chain) != 0;
	bool states = a->snapshot == b->snapshot && memcmp(a->state_digest, b->state_digest, sizeof a->state_digest) != 0;
	return chains || states;
}

static int check_safety(const struct survey *s)
{
	for (uint32_t i = 0; i < s->members; i++) {
		for (uint32_t j = i + 1; j < s->members; j++) {
			if (s->row[i].reachable && s->row[j].reachable && contradict(&s->row[i].report.standing, &s->row[j].report.standing))
				return cli_fail(CLI_SAFETY, "replicas %u and %u contradict each other about the same sequence", i, j);
		}
	}
	return CLI_OK;
}

static int check_quorum(const struct survey *s, const struct cluster *c)
{
	uint32_t reachable = 0, quorum = quorate_client_quorum(c->client);
	for (uint32_t i = 0; i < s->members; i++)
		reachable += s->row[i].reachable;
	if (reachable >= quorum)
		return CLI_OK;
	return cli_fail(CLI_UNREACHABLE, "%u of %u replicas answer, and the cluster needs %u to order anything", reachable, s->members, quorum);
}

static int survey(struct survey *s, struct cluster *c, const struct cli *cli)
{
	int late = -1, code;
	s->members = quorate_client_members(c->client);
	if (s->members > MEMBERS_MAX)
		return cli_fail(CLI_CONFIG, "the genesis names more members than a cluster can have");
	code = cli_has(cli, OPT_DIGEST) ? make_digests(s, c, &late) : ask_all(s, c, c->timeout_ms < ASK_MS ? c->timeout_ms : ASK_MS);
	if (code != CLI_OK)
		return code;
	if (cli_has(cli, OPT_JSON))
		code = show_json(s, c);
	else
		show_table(s, c);
	if (code == CLI_OK)
		code = check_safety(s);
	if (code == CLI_OK && late >= 0)
		code = cli_fail(CLI_FAILED, "replica %d has not made the snapshot at sequence %llu in time", late, (unsigned long long)s->seq);
	return code == CLI_OK ? check_quorum(s, c) : code;
}

int cmd_status(const struct cli *cli)
{
	struct survey *s = calloc(1, sizeof *s);
	struct cluster c;
	if (!s)
		return cli_fail(CLI_FAILED, "no memory");
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	int code = cluster_open(&c, cli, cli_has(cli, OPT_DIGEST) ? DIGEST_TIMEOUT_MS : 0, OP_MS);
	if (code == CLI_OK)
		code = survey(s, &c, cli);
	cluster_close(&c); /* first: its thread uses the survey */
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s);
	return code;
}
