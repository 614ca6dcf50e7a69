#include "cluster.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT_MS 10000u
#define FAREWELL_MS 300u

static const char *cluster_path(const struct cli *cli)
{
	const char *path = cli->value[OPT_CLUSTER] ? cli->value[OPT_CLUSTER] : getenv("QUORATE_CLUSTER");
	if (!path || !*path)
		cli_fail(CLI_USAGE, "'%s' needs --cluster FILE, or the environment's QUORATE_CLUSTER", cli->command->name);
	return path && *path ? path : NULL;
}

static int start(struct cluster *c, uint32_t op_timeout_ms)
{
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_client_options o = *quorate_config_client(c->config);
	o.passphrase = c->passphrase;
	o.timeout_ms = op_timeout_ms && op_timeout_ms < c->timeout_ms ? op_timeout_ms : c->timeout_ms;
	enum quorate_error error = quorate_client_create(&c->client, &o, reason);
	if (error == QUORATE_OK)
		error = quorate_client_start(c->client, reason);
	return error == QUORATE_OK ? CLI_OK : cli_error(error, reason);
}

int cluster_open(struct cluster *c, const struct cli *cli, uint32_t timeout_ms, uint32_t op_timeout_ms)
{
	memset(c, 0, sizeof *c);
	const char *path = cluster_path(cli);
	if (!path || !cli_duration(cli, OPT_TIMEOUT, timeout_ms, &c->timeout_ms) || !cli_passphrase(cli, &c->passphrase))
		return CLI_USAGE;
	enum quorate_error error = quorate_config_read(&c->config, QUORATE_CONFIG_CLIENT, path, cli_problem, NULL);
	if (error != QUORATE_OK)
		return cli_code(error);
	if (!c->timeout_ms)
		c->timeout_ms = quorate_config_client(c->config)->timeout_ms;
	if (!c->timeout_ms)
		c->timeout_ms = TIMEOUT_DEFAULT_MS;
	return start(c, op_timeout_ms);
}

/* A session that did not open has executed nothing, so its failure is never an unknown outcome. */
int cluster_session(struct cluster *c)
{
	char reason[QUORATE_REASON_BYTES] = "";
	c->session = quorate_session_open(c->client, NULL, NULL);
	if (!c->session)
		return cli_fail(CLI_FAILED, "no memory for a session");
	enum quorate_error error = quorate_session_wait(c->session, c->timeout_ms, reason);
	if (error == QUORATE_OK)
		return CLI_OK;
	return cli_error(error == QUORATE_UNKNOWN ? QUORATE_UNREACHABLE : error, reason);
}

int cluster_chain(struct cluster *c, struct quorate_chain *out)
{
	size_t n = quorate_client_epochs(c->client, NULL, 0);
	free(c->links);
	c->links = malloc(n ? n : 1);
	if (!c->links)
		return cli_fail(CLI_FAILED, "no memory");
	n = n ? quorate_client_epochs(c->client, c->links, n) : 0;
	*out = (struct quorate_chain){ .genesis = quorate_config_client(c->config)->genesis, .epochs = c->links, .epochs_n = n };
	return CLI_OK;
}

static int judge(const struct cluster *c, enum quorate_error error, bool reads, size_t n, const char *reason, struct quorate_kv_answer *answer)
{
	if (error == QUORATE_UNKNOWN && reads)
		error = QUORATE_UNREACHABLE;
	if (error == QUORATE_UNKNOWN)
		return cli_fail(CLI_UNKNOWN, "the outcome is unknown, it may or may not have been executed: %s", reason);
	if (error != QUORATE_OK)
		return cli_error(error, reason);
	if (n > CLUSTER_REPLY_BYTES || !quorate_kv_answer_read(answer, c->reply, n))
		return cli_fail(CLI_FAILED, "the answer is not one of the key-value service");
	return CLI_OK;
}

int cluster_ask(struct cluster *c, const void *op, size_t op_bytes, bool reads, struct quorate_kv_answer *answer)
{
	char reason[QUORATE_REASON_BYTES] = "";
	size_t n = 0;
	if (!c->reply && !(c->reply = malloc(CLUSTER_REPLY_BYTES)))
		return cli_fail(CLI_FAILED, "no memory for an answer");
	enum quorate_error error = quorate_call_wait(c->session, op, op_bytes, c->reply, CLUSTER_REPLY_BYTES, &n, reason);
	return judge(c, error, reads, n, reason, answer);
}

int cluster_ask_receipt(struct cluster *c, const void *op, size_t op_bytes, bool reads, struct quorate_kv_answer *answer, struct cluster_receipt *receipt)
{
	size_t n = 0, receipt_n = 0;
	*receipt = (struct cluster_receipt){ 0 };
	if (!c->reply)
		c->reply = malloc(CLUSTER_REPLY_BYTES);
	if (!c->receipt)
		c->receipt = malloc(QUORATE_RECEIPT_BYTES_MAX);
	if (!c->reply || !c->receipt)
		return cli_fail(CLI_FAILED, "no memory for an answer");
	enum quorate_error error = quorate_receipt_wait(c->session, op, op_bytes, c->reply, CLUSTER_REPLY_BYTES, &n, c->receipt, QUORATE_RECEIPT_BYTES_MAX,
	                                                &receipt_n, receipt->why);
	if (receipt_n && receipt_n <= QUORATE_RECEIPT_BYTES_MAX) {
		receipt->bytes = c->receipt;
		receipt->n = receipt_n;
	}
	return judge(c, error, reads, n, receipt->why, answer);
}

/* ---- the end ---- */

/* A session that is not closed counts against its key until newer ones push it out, and that may be another command's, at work. Closing is asynchronous, and the end
 * of the client would overtake it: a question and its answer between the two show that the word is out. */
struct cluster_farewell {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t open;
	bool answered;
};

static void on_report(void *user, uint32_t member, const struct quorate_report *report)
{
	struct cluster_farewell *f = user;
	(void)member;
	pthread_mutex_lock(&f->lock);
	f->open--;
	f->answered |= report != NULL;
	pthread_cond_signal(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void ask_all(struct cluster *c)
{
	struct cluster_farewell *f = c->farewell;
	for (uint32_t i = 0; i < quorate_client_members(c->client); i++) {
		pthread_mutex_lock(&f->lock);
		f->open++;
		pthread_mutex_unlock(&f->lock);
		if (quorate_client_ask(c->client, i, FAREWELL_MS, on_report, f) != QUORATE_OK)
			on_report(f, i, NULL);
	}
}

static void see_farewell_out(struct cluster *c)
{
	struct cluster_farewell *f = c->farewell;
	if (!f || quorate_client_links(c->client) == 0)
		return;
	ask_all(c);
	pthread_mutex_lock(&f->lock);
	while (f->open && !f->answered)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

void cluster_give_up(struct cluster *c, struct quorate_session *session)
{
	bool open = quorate_session_id(session) != 0;
	quorate_session_close(session);
	if (!open || c->farewell || !(c->farewell = calloc(1, sizeof *c->farewell)))
		return;
	pthread_mutex_init(&c->farewell->lock, NULL);
	pthread_cond_init(&c->farewell->changed, NULL);
}

static void free_farewell(struct cluster *c)
{
	if (!c->farewell)
		return;
	pthread_mutex_destroy(&c->farewell->lock);
	pthread_cond_destroy(&c->farewell->changed);
	free(c->farewell);
}

void cluster_close(struct cluster *c)
{
	if (c->session)
		cluster_give_up(c, c->session);
	if (c->client) {
		see_farewell_out(c);
		quorate_client_stop(c->client, NULL, NULL);
		quorate_client_destroy(c->client);
	}
	free_farewell(c); /* after the client, whose thread used it */
	quorate_config_free(c->config);
	cli_passphrase_free(c->passphrase);
	free(c->reply);
	free(c->receipt);
	free(c->links);
	memset(c, 0, sizeof *c);
}
