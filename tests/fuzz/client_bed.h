/* tests/fuzz/client_bed.h - a client core whose randomness is always the same, for fuzz_client and make_corpus: what a recorded answer names is named again. */
#ifndef TESTS_FUZZ_CLIENT_BED_H
#define TESTS_FUZZ_CLIENT_BED_H
#include "bft/envelope.h"
#include "client/core.h"
#include "tests/fuzz/replica_bed.h"

struct client_bed {
	struct client_core *core;
	struct client_session *session;
	uint64_t random, now;
	uint32_t opened, submitted, answered, good;
	uint8_t done[256]; /* how often each submission was answered */
	void *user;
	void (*sent)(void *user, uint8_t member, const uint8_t *frame, size_t n);
};

static inline bool client_bed_send(void *user, uint32_t member, enum net_class class, const uint8_t *frame, size_t n)
{
	struct client_bed *b = user;
	(void)class;
	FUZZ_CHECK(member < BED_MEMBERS && n >= BFT_FRAME_HEAD_BYTES);
	if (b->sent)
		b->sent(b->user, (uint8_t)member, frame, n);
	return true;
}

static inline void client_bed_random(void *user, void *out, size_t n)
{
	struct client_bed *b = user;
	uint8_t *bytes = out;
	for (size_t i = 0; i < n; i++) {
		b->random = b->random * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(b->random >> 56);
	}
}

static inline void client_bed_opened(void *user, const struct quorate_answer *a)
{
	struct client_bed *b = user;
	FUZZ_CHECK(b->opened == 0);
	b->opened++;
	b->good += a->error == QUORATE_OK;
}

/* `shown`: one request in so many goes to every replica at once; 0: as usual. */
static inline void client_bed_create_shown(struct client_bed *b, const struct cluster_bed *c, uint32_t shown)
{
	memset(b, 0, sizeof *b);
	b->random = 1;
	b->now = 1;
	struct client_core_options o = { .genesis = &c->genesis,
		                         .cluster = c->cluster,
		                         .scheme = &bed_scheme,
		                         .key = c->client_key,
		                         .secret = c->client_secret,
		                         .timeout_ms = 2000,
		                         .retry_ms = 150,
		                         .bundle_ops = 2,
		                         .bundles_max = 4,
		                         .queue_max = 64,
		                         .shown = shown,
		                         .user = b,
		                         .send = client_bed_send,
		                         .fill_random = client_bed_random };
	b->core = client_core_create(&o);
	FUZZ_CHECK(b->core != NULL);
	client_core_time(b->core, b->now, BED_WALL_MS + b->now);
	b->session = client_session_open(b->core, client_bed_opened, b);
	FUZZ_CHECK(b->session != NULL);
}

static inline void client_bed_create(struct client_bed *b, const struct cluster_bed *c)
{
	client_bed_create_shown(b, c, 0);
}

static inline void client_bed_tick(struct client_bed *b)
{
	client_core_tick(b->core, b->now, BED_WALL_MS + b->now);
}
#endif
