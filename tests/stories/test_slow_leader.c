/* The bar for the mean (docs/protocol.md, "A slow leader"), with whole replicas: a leader that is slow to all but its friends, and an honest one on a slow network. Ten
 * sessions ask, each the next thing when it was answered; two of them are the friends. All that they ask is shown to every replica at once, so backups judge all of it. */
#include "tests/stories/world.h"

#define ASKERS 10u
#define FRIENDS 2u
#define PAUSE_MS 20u /* between a friend's questions: else they were without end in one moment */

/* Time goes on in steps of 5 ms, so a message takes as much at least. */
#define FAST_MS 10u  /* a round trip */
#define BAR_MS 350u  /* for the oldest request, then: 250 and ten round trips; that for the mean is 30 and three */
#define LATE_MS 310u /* and what agreement takes */
#define SLOW_MS 50u  /* another round trip: agreement takes 75 at least, and the bar for the mean is 180 */

static const struct bft_genesis_limits limits = {
	.window = 32,
	.checkpoint_every = 8,
	.snapshot_bytes = 1u << 30,
	.state_bytes = 1u << 30,
	.snapshot_seqs = 1u << 16,
	.proposal_bytes_max = 1u << 16,
	.proposal_bundles_max = 16,
	.drift_ms = 5000,
	.sessions_per_key = 16,
	.session_window = 8,
	.request_timeout_ms = 1500,
};

static struct asker {
	struct client_session *session;
	bool asks;
	uint64_t asked_ms, shown_ms, answered_ms; /* shown: backups know of it; 0: they do not */
	uint32_t answers;
	uint64_t longest_ms; /* that it waited from then on */
} asker[ASKERS];

/* ---- the leader ---- */

static struct asker *asker_of(const struct world_flight *f)
{
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	struct bundle b;
	if (f->reply || !envelope_read(&r, &e) || e.type != BFT_WIRE_BUNDLE || bundle_decode(&b, r.at, rd_left(&r)) != NULL)
		return NULL;
	for (uint32_t i = FRIENDS; i < ASKERS; i++)
		if (client_session_id(asker[i].session) == b.session)
			return &asker[i];
	return NULL;
}

/* Replica 0 hears its friends at once, and what the others ask when backups have known of it for so long that they would soon call that slow. */
static bool dances(const struct world_flight *f)
{
	struct asker *a = asker_of(f);
	if (a && f->to != 0 && !a->shown_ms)
		a->shown_ms = world.now;
	return a && f->to == 0 && (!a->shown_ms || world.now < a->shown_ms + LATE_MS);
}

/* ---- the askers ---- */

static void answered(void *user, const struct quorate_answer *answer)
{
	struct asker *a = user;
	CU_ASSERT_EQUAL(answer->error, QUORATE_OK);
	uint64_t waited = a->shown_ms ? world.now - a->shown_ms : 0;
	a->longest_ms = waited > a->longest_ms ? waited : a->longest_ms;
	a->asks = false;
	a->answered_ms = world.now;
	a->shown_ms = 0;
	a->answers++;
}

static void ask(struct asker *a)
{
	uint8_t op[64];
	char key[16];
	int key_n = snprintf(key, sizeof key, "key-%u", (unsigned)(a - asker));
	if (a->asks || (a < asker + FRIENDS && world.now < a->answered_ms + PAUSE_MS))
		return;
	a->asks = true;
	size_t n = quorate_kv_put(op, sizeof op, key, (size_t)key_n, "v", 1);
	CU_ASSERT_EQUAL_FATAL(client_session_submit(a->session, op, n, answered, a), QUORATE_OK);
}

static void begin(uint32_t round_trip_ms)
{
	world_begin_with(&limits, round_trip_ms, 1);
	memset(asker, 0, sizeof asker);
	for (uint32_t i = 0; i < ASKERS; i++) {
		asker[i].session = client_session_open(world.client.core, world_quietly, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(asker[i].session);
	}
	world_run(10 * (round_trip_ms + WORLD_STEP_MS));
	tell("ten sessions are open");
}

static bool somebody_left(void)
{
	bool left = false;
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		left |= world.seen[i].view > 0;
	return left;
}

/* For so long, or until somebody leaves the first view. */
static void load(uint64_t ms, bool until_left)
{
	for (uint32_t i = 0; i < ASKERS; i++)
		asker[i].answers = 0;
	for (uint64_t end = world.now + ms; world.now < end && !(until_left && somebody_left());) {
		for (uint32_t i = 0; i < ASKERS; i++)
			ask(&asker[i]);
		world_run(WORLD_STEP_MS);
	}
}

static uint32_t answers_of(uint32_t from, uint32_t to)
{
	uint32_t sum = 0;
	for (uint32_t i = from; i < to; i++)
		sum += asker[i].answers;
	return sum;
}

static void tell_answers(void)
{
	tell("the friends had %u answers, the others %u", answers_of(0, FRIENDS), answers_of(FRIENDS, ASKERS));
}

/* ---- the stories ---- */

static void a_leader_with_friends(void)
{
	uint64_t longest = 0;
	begin(FAST_MS);
	load(3000, false);
	tell_answers();
	CU_ASSERT(!somebody_left());
	tell("replica 0 hears its friends at once, and the others as late as it dares");
	world.holds = dances;
	load(10000, true);
	tell_answers();
	for (uint32_t i = FRIENDS; i < ASKERS; i++)
		longest = asker[i].longest_ms > longest ? asker[i].longest_ms : longest;
	tell("nobody waited for more than %llu ms where others knew of it", (unsigned long long)longest);
	CU_ASSERT(longest >= LATE_MS && longest < BAR_MS);
	CU_ASSERT(somebody_left());
	load(3000, false);
	tell_answers();
	world_end("tests/stories/a_leader_with_friends.story");
}

static void a_slow_network(void)
{
	begin(SLOW_MS);
	load(10000, true);
	tell_answers();
	CU_ASSERT(!somebody_left());
	world_end("tests/stories/a_slow_network.story");
}

/* The same leader, judged by backups whose pings are answered five times as soon: the measure is what excuses it. */
static void a_slow_network_that_seems_fast(void)
{
	begin(SLOW_MS);
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		world.replica[i].rtt_us = FAST_MS * 1000;
	load(10000, true);
	tell_answers();
	CU_ASSERT(somebody_left());
	world_end("tests/stories/a_slow_network_that_seems_fast.story");
}

static const struct unit_case cases[] = {
	{ "a leader with friends", a_leader_with_friends },
	{ "a slow network", a_slow_network },
	{ "a slow network that seems fast", a_slow_network_that_seems_fast },
	{ 0 },
};

int main(void)
{
	return unit_main("slow leader", cases);
}
