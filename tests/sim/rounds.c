/* Bare cores in rounds: see rounds.h. */
#include "tests/sim/rounds.h"

#include "bft/pbft/pbft.h"

#define TIMEOUT_MS 100u
#define TICK_MS 30u
#define ROUND_MS 240u

struct cores *rounds_create(void)
{
	static const struct cores_plan plan = { .protocol = &bft_pbft,
		                                .members = ROUNDS_MEMBERS,
		                                .places = ROUNDS_PLACES,
		                                .request_timeout_ms = TIMEOUT_MS,
		                                .window = 8,
		                                .checkpoint_every = 4,
		                                .bundles_max = 1 };
	return cores_create(&plan);
}

static void ask(struct cores *c)
{
	uint32_t request[2];
	for (uint32_t k = 0; k < 2; k++)
		request[k] = cores_request(c);
	for (uint8_t i = 0; i < ROUNDS_PLACES; i++)
		for (uint32_t k = 0; k < 2; k++)
			cores_ask(c, i, request[i % 2 ? k : 1 - k]);
}

void rounds_one(struct cores *c, const uint8_t cell[ROUNDS_PLACES], uint32_t hops)
{
	cores_cells(c, cell);
	ask(c);
	if (hops) {
		while (hops-- && !cores_failure(c))
			cores_hop(c);
		return;
	}
	cores_settle(c);
	for (uint32_t ms = 0; ms < ROUND_MS && !cores_failure(c); ms += TICK_MS)
		cores_pass(c, TICK_MS);
}

bool rounds_heal(struct cores *c, uint32_t ms)
{
	static const uint8_t together[ROUNDS_PLACES];
	cores_cells(c, together);
	cores_settle(c);
	for (uint32_t passed = 0; passed < ms && !cores_failure(c) && !cores_all_done(c); passed += TICK_MS)
		cores_pass(c, TICK_MS);
	return cores_all_done(c);
}
