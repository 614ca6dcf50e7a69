/* What each replica says of itself. Nobody else vouches for it; but replicas that say different things of the same sequence contradict one another. */
#include "survey.h"
#include "tolerance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 3000u
#define ASK_MS_MIN 1000u
#define DIGEST_TIMEOUT_MS 30000u
#define OP_MS 5000u /* of one request for a snapshot; another follows */
#define LOOK_MS 100u
#define AGAIN_MS 500u /* between two requests for a snapshot */

/* ---- --digest ---- */

static enum quorate_error ask_snapshot(struct survey *s, struct cluster *c)
{
	s->answered = false;
	enum quorate_error error = quorate_session_snapshot(c->session, survey_answer, s);
	return error == QUORATE_OK ? survey_wait_answer(s) : error;
}

/* A snapshot is ordered at most every ten seconds: until then it is asked again. */
static int order_snapshot(struct survey *s, struct cluster *c, uint64_t ends_ms)
{
	for (;;) {
		enum quorate_error error = ask_snapshot(s, c);
		if (error == QUORATE_OK)
			return CLI_OK;
		bool again = error == QUORATE_PRECONDITION || error == QUORATE_UNKNOWN;
		if (!again || cli_now_ms() + AGAIN_MS >= ends_ms)
			return error == QUORATE_PRECONDITION
			               ? cli_fail(CLI_FAILED, "no snapshot could be ordered in time: one was made less than ten seconds ago")
			               : cli_error(error == QUORATE_UNKNOWN ? QUORATE_UNREACHABLE : error, s->reason);
		cli_sleep_ms(AGAIN_MS);
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
	uint64_t now = cli_now_ms(), left = now < ends_ms ? ends_ms - now : 0;
	return left < ASK_MS_MIN ? ASK_MS_MIN : left < ASK_MS ? (uint32_t)left : ASK_MS;
}

/* *late is a replica that has not made it in time, or -1; what is known is shown all the same. */
static int make_digests(struct survey *s, struct cluster *c, int *late)
{
	uint64_t ends_ms = cli_now_ms() + c->timeout_ms;
	int code = cluster_session(c);
	if (code == CLI_OK)
		code = order_snapshot(s, c, ends_ms);
	uint64_t seq = s->seq;
	while (code == CLI_OK) {
		code = survey_ask(s, c, ask_ms(ends_ms));
		*late = behind(s, seq);
		if (*late < 0 || cli_now_ms() >= ends_ms)
			break;
		cli_sleep_ms(LOOK_MS);
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
		return json_pack("{s:i,s:s,s:b,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n}", "id", (int)id, "org", org, "reachable", 0, "role",
		                 "mode", "epoch", "view", "changing", "leader", "executed", "stable", "chain", "snapshot_seq", "state_digest", "agreed_ms",
		                 "damaged_from", "damaged_to");
	cli_hex(chain, st->chain, sizeof st->chain);
	cli_hex(digest, st->state_digest, sizeof st->state_digest);
	return json_pack("{s:i,s:s,s:b,s:s,s:s,s:I,s:I,s:b,s:i,s:I,s:I,s:s,s:I,s:s,s:I,s:I,s:I}", "id", (int)id, "org", org, "reachable", 1, "role",
	                 role_text(st->role), "mode", mode_text(row->report.mode), "epoch", (json_int_t)st->epoch, "view", (json_int_t)st->view, "changing",
	                 st->changing, "leader", (int)st->leader, "executed", (json_int_t)st->executed, "stable", (json_int_t)st->stable, "chain", chain,
	                 "snapshot_seq", (json_int_t)st->snapshot, "state_digest", digest, "agreed_ms", (json_int_t)st->time_ms, "damaged_from",
	                 (json_int_t)st->damaged_from, "damaged_to", (json_int_t)st->damaged_to);
}

static bool is_member(const struct cluster *c, uint32_t id)
{
	return *quorate_client_org(c->client, id) != 0;
}

static uint32_t members(const struct survey *s, const struct cluster *c)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < s->members; i++)
		count += is_member(c, i);
	return count;
}

static bool votes(const struct row *row)
{
	return row->reachable && !row->report.standing.failed && row->report.standing.role != QUORATE_OBSERVER;
}

static struct tolerance tolerated(const struct survey *s, const struct cluster *c)
{
	uint32_t voting = 0;
	for (uint32_t i = 0; i < s->members; i++)
		voting += is_member(c, i) && votes(&s->row[i]);
	return tolerance_of(voting, quorate_client_quorum(c->client), quorate_client_liars(c->client));
}

static json_t *tolerated_json(const struct survey *s, const struct cluster *c)
{
	struct tolerance t = tolerated(s, c);
	return json_pack("{s:i,s:i,s:i,s:i,s:b}", "voting", (int)t.voting, "needed", (int)t.needed, "crashes", (int)t.crashes, "liars", (int)t.liars,
	                 "stands_still", t.stands_still);
}

/* What observers observe for: nobody votes them in any more when too many of them do. */
static struct damage damaged(const struct survey *s, const struct cluster *c)
{
	struct damage_place place[SURVEY_MEMBERS_MAX];
	uint32_t observing = 0, count = 0;
	for (uint32_t i = 0; i < s->members; i++) {
		const struct quorate_standing *st = &s->row[i].report.standing;
		bool observes = is_member(c, i) && s->row[i].reachable && st->role == QUORATE_OBSERVER && !st->failed;
		observing += observes;
		if (observes && st->damaged_from)
			place[count++] = (struct damage_place){ st->damaged_from, st->damaged_to };
	}
	return damage_of(members(s, c), quorate_client_quorum(c->client), observing, place, count);
}

static json_t *damaged_json(const struct survey *s, const struct cluster *c)
{
	struct damage d = damaged(s, c);
	return json_pack("{s:i,s:i,s:b,s:I,s:I}", "observing", (int)d.observing, "damaged", (int)d.together, "too_many", d.too_many, "from",
	                 (json_int_t)d.place.from, "to", (json_int_t)d.place.to);
}

static void show_damage(const struct survey *s, const struct cluster *c)
{
	char text[DAMAGE_TEXT_BYTES];
	struct damage d = damaged(s, c);
	uint32_t best = 0;
	if (!d.too_many)
		return;
	for (uint32_t i = 0; i < s->members; i++)
		if (s->row[i].reachable && (!s->row[best].reachable || s->row[i].report.standing.executed > s->row[best].report.standing.executed))
			best = i;
	printf("%s.\nReplica %u has executed most, up to sequence %llu. What to do: keep every data folder as it is. With the data folder of one of them "
	       "put back "
	       "as it was\nwhen that replica last stopped, if there is such a copy, it votes again; nothing else makes these replicas sure of what they "
	       "promised.\n",
	       damage_text(text, &d, members(s, c)), best, (unsigned long long)s->row[best].report.standing.executed);
}

static int show_json(const struct survey *s, const struct cluster *c)
{
	json_t *rows = json_array();
	for (uint32_t i = 0; i < s->members; i++)
		if (is_member(c, i))
			json_array_append_new(rows, row_json(c, &s->row[i], i));
	return cli_json(json_pack("{s:s,s:o,s:o,s:o}", "cluster", quorate_client_cluster(c->client), "tolerated", tolerated_json(s, c), "damage",
	                          damaged_json(s, c), "replicas", rows));
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
	if (st->damaged_from)
		printf("    its log is damaged around sequences %llu to %llu\n", (unsigned long long)st->damaged_from, (unsigned long long)st->damaged_to);
	if (*st->trouble)
		printf("    %s%.200s\n", st->failed ? "stopped: " : "",
		       cli_printable(st->trouble, strnlen(st->trouble, sizeof st->trouble)) ? st->trouble : "?");
}

static void show_table(const struct survey *s, const struct cluster *c)
{
	printf("id  %-14s %-9s %6s %6s %10s %10s  %-16s %10s  %s\n", "org", "role", "view", "leader", "executed", "stable", "chain", "snapshot",
	       "state digest");
	for (uint32_t i = 0; i < s->members; i++)
		if (is_member(c, i))
			show_row(c, &s->row[i], i);
	char text[TOLERANCE_TEXT_BYTES];
	struct tolerance t = tolerated(s, c);
	printf("%s\n", tolerance_text(text, &t, quorate_client_liars(c->client)));
	show_damage(s, c);
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
	uint32_t reachable = 0;
	struct tolerance t = tolerated(s, c);
	for (uint32_t i = 0; i < s->members; i++)
		reachable += is_member(c, i) && s->row[i].reachable;
	if (!t.stands_still)
		return CLI_OK;
	return cli_fail(CLI_UNREACHABLE, "%u of %u replicas answer, %u of them vote, and the cluster needs %u to order anything", reachable, members(s, c),
	                t.voting, t.needed);
}

static int show(struct survey *s, struct cluster *c, const struct cli *cli)
{
	int late = -1, code;
	s->members = quorate_client_members(c->client);
	if (s->members > SURVEY_MEMBERS_MAX)
		return cli_fail(CLI_CONFIG, "the genesis names more members than a cluster can have");
	code = cli_has(cli, OPT_DIGEST) ? make_digests(s, c, &late) : survey_ask(s, c, c->timeout_ms < ASK_MS ? c->timeout_ms : ASK_MS);
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
	survey_init(s);
	int code = cluster_open(&c, cli, cli_has(cli, OPT_DIGEST) ? DIGEST_TIMEOUT_MS : 0, OP_MS);
	if (code == CLI_OK)
		code = show(s, &c, cli);
	cluster_close(&c); /* first: its thread uses the survey */
	survey_end(s);
	free(s);
	return code;
}
