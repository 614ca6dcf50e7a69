/* counter DIR: four replicas of an application that counts, in one process, and a client that adds. Anything ordered is one more; the answer is the count.
 *   cc counter.c $(pkg-config --cflags --libs quorate) -o counter && ./counter /tmp/counter */
#include <quorate.h>
#include <quorate_client.h>
#include <quorate_setup.h>

#include <stdio.h>
#include <string.h>

/* Deterministic: from the state and nothing else. The count is a number in decimal under the key "count". */
static int execute(void *user, const struct quorate_call *call, struct quorate_reply *reply)
{
	const void *old = NULL;
	size_t n = 0;
	char text[24] = "0";
	unsigned long long count;
	(void)user;
	enum quorate_state_result r = quorate_state_get(call->state, "count", 5, &old, &n);
	if (r == QUORATE_STATE_OK && n < sizeof text)
		memcpy(text, old, n);
	else if (r != QUORATE_STATE_NONE)
		return 1; /* this machine failed: no result */
	sscanf(text, "%llu", &count);
	n = (size_t)snprintf(text, sizeof text, "%llu", count + 1);
	if (quorate_state_put(call->state, "count", 5, text, n) != QUORATE_STATE_OK)
		return 1;
	quorate_reply_add(reply, text, n);
	return 0;
}

int main(int argc, char **argv)
{
	struct quorate_app app = { .execute = execute };
	struct quorate *replica[4] = { 0 };
	struct quorate_client *client = NULL;
	struct quorate_config *config;
	char path[512], value[24], reason[QUORATE_REASON_BYTES] = "a folder is needed", *dir = argv[argc > 1];
	size_t n;
	bool ok = argc == 2 && quorate_testnet(dir, 4, QUORATE_BFT, 7600, reason) == QUORATE_OK;
	for (int i = 0; ok && i < 4; i++) {
		snprintf(path, sizeof path, "%s/replica-%d/replica.yaml", dir, i);
		ok = quorate_config_read(&config, QUORATE_CONFIG_REPLICA, path, NULL, NULL) == QUORATE_OK;
		ok = ok && quorate_create(&replica[i], quorate_config_options(config), &app, reason) == QUORATE_OK &&
		     quorate_start(replica[i], reason) == QUORATE_OK;
		quorate_config_free(config);
	}
	snprintf(path, sizeof path, "%s/genesis", dir ? dir : "");
	struct quorate_client_options options = { .genesis = path };
	ok = ok && quorate_client_create(&client, &options, reason) == QUORATE_OK && quorate_client_start(client, reason) == QUORATE_OK;
	struct quorate_session *session = ok ? quorate_session_open(client, NULL, NULL) : NULL;
	ok = session != NULL;
	for (int i = 0; ok && i < 3; i++)
		if ((ok = quorate_call_wait(session, "+", 1, value, sizeof value, &n, reason) == QUORATE_OK))
			printf("%.*s\n", (int)n, value);
	quorate_client_destroy(client);
	for (int i = 0; i < 4; i++)
		quorate_destroy(replica[i]);
	return ok ? 0 : (fprintf(stderr, "%s\n", reason), 1);
}
