/* What lying clients share: the product's client, kept busy until the attack ends. */
#include "bench/malice/malice.h"
#include "quorate_kv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void lying_acts(struct lying_client *c, const char *what)
{
	if (c->lies++ == 0) {
		printf("%s\n", what);
		fflush(stdout);
	}
}

uint64_t lying_random(struct lying_client *c)
{
	uint64_t z = (c->rng += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

struct quorate_client *lying_starts(struct lying_client *c)
{
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_client_options o = { .genesis = c->genesis_path, .key = c->key_path, .timeout_ms = 2000, .bundles_max = 32 };
	if (c->client)
		return c->client;
	if (quorate_client_create(&c->client, &o, reason) != QUORATE_OK || quorate_client_start(c->client, reason) != QUORATE_OK) {
		fprintf(stderr, "quorate-liar: %s\n", reason);
		return NULL;
	}
	quorate_client_wait(c->client, quorate_client_quorum(c->client), 2000);
	return c->client;
}

struct asking {
	volatile uint32_t open;
};

static void answered(void *user, const struct quorate_answer *answer)
{
	struct asking *a = user;
	(void)answer;
	__atomic_sub_fetch(&a->open, 1, __ATOMIC_RELAXED);
}

static size_t some_key(struct lying_client *c, char *key, size_t capacity)
{
	return (size_t)snprintf(key, capacity, "liar-%04u", (uint32_t)(lying_random(c) % 1000));
}

/* Tops up a thousand times a second: what is refused at once is not asked again in a loop without a pause. */
void lying_keeps_asking(struct lying_client *c, uint32_t sessions, uint32_t outstanding, uint32_t bytes)
{
	static struct asking asking[64];
	struct quorate_session *session[64] = { NULL };
	char key[32];
	size_t capacity = bytes + 256;
	uint8_t *op = malloc(capacity), *value = calloc(1, bytes ? bytes : 1);
	sessions = sessions < 64 ? sessions : 64;
	if (!op || !value || !lying_starts(c))
		goto out;
	for (uint32_t i = 0; i < sessions; i++)
		session[i] = quorate_session_open(c->client, NULL, NULL);
	while (lying_goes_on(c)) {
		for (uint32_t i = 0; i < sessions; i++)
			while (session[i] && __atomic_load_n(&asking[i].open, __ATOMIC_RELAXED) < outstanding) {
				size_t n = c->key ? c->key(c, key, sizeof key) : some_key(c, key, sizeof key);
				size_t op_n = quorate_kv_put(op, capacity, key, n, value, bytes);
				__atomic_add_fetch(&asking[i].open, 1, __ATOMIC_RELAXED);
				if (!op_n || quorate_submit(session[i], op, op_n, answered, &asking[i]) != QUORATE_OK) {
					__atomic_sub_fetch(&asking[i].open, 1, __ATOMIC_RELAXED);
					break;
				}
			}
		usleep(1000);
	}
out:
	free(op);
	free(value);
}
