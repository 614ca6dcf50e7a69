/* client/cli/cluster.h - a client of the cluster that --cluster names, for one command. */
#ifndef CLIENT_CLI_CLUSTER_H
#define CLIENT_CLI_CLUSTER_H
#include "cli.h"
#include "quorate_kv.h"

struct cluster {
	struct quorate_config *config;
	char *passphrase;
	struct quorate_client *client;
	struct quorate_session *session; /* NULL until cluster_session */
	uint32_t timeout_ms;             /* of this command            */
	uint8_t *reply;                  /* of cluster_ask             */
	uint8_t *receipt;                /* of cluster_ask_receipt     */
	uint8_t *links;                  /* of cluster_chain           */
	struct cluster_farewell *farewell;
};

/* What every answer of the service fits into. */
#define CLUSTER_REPLY_BYTES (2u << 20)

/* Reads the configuration and starts the client. `timeout_ms` is used when --timeout is not given, 0: the file's; one operation is reported as unknown after that, and
 * after `op_timeout_ms` at most when that is not 0. CLI_OK, or a code after saying why; cluster_close in both cases. */
int cluster_open(struct cluster *c, const struct cli *cli, uint32_t timeout_ms, uint32_t op_timeout_ms);
/* Opens a session. */
int cluster_session(struct cluster *c);
/* Who the members are, as far as the client has followed the chain of epochs. Borrowed until the next time. */
int cluster_chain(struct cluster *c, struct quorate_chain *out);
/* Orders one operation of the service and takes its answer apart; it is borrowed until the next. `reads`: that it may have been executed matters to nobody. */
int cluster_ask(struct cluster *c, const void *op, size_t op_bytes, bool reads, struct quorate_kv_answer *answer);
/* The same, waiting for a receipt: it is borrowed like the answer, and may be there although the operation failed. Without one, `why` says why. */
struct cluster_receipt {
	const uint8_t *bytes; /* NULL: none */
	size_t n;
	char why[QUORATE_REASON_BYTES];
};
int cluster_ask_receipt(struct cluster *c, const void *op, size_t op_bytes, bool reads, struct quorate_kv_answer *answer, struct cluster_receipt *receipt);
/* Gives a session up, in the cluster too: cluster_close sees to it that the word goes out. */
void cluster_give_up(struct cluster *c, struct quorate_session *session);
void cluster_close(struct cluster *c);
#endif
