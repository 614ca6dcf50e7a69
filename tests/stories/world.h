/* tests/stories/world.h - four replicas and a client in virtual time, and what happens as lines of text.
 *
 * Everything is the product's but the network (which delivers at once or after world.latency_ms, in order, unless somebody is cut off or a story holds it), the log (records in memory) and the signatures. A
 * story is compared with its file, so a change of the protocol shows as a diff of what happened. */
#ifndef TESTS_STORIES_WORLD_H
#define TESTS_STORIES_WORLD_H
#include "tests/fuzz/client_bed.h"
#include "tests/unit/unit.h"

#include <stdarg.h>

#define WORLD_QUEUE 65536u
#define WORLD_TRACE_BYTES 16384u
#define WORLD_STEP_MS 5u

struct world_flight {
	uint8_t from, to;
	bool client, reply;
	uint8_t *bytes;
	size_t n;
	uint64_t due;
};

struct world {
	struct cluster_bed cluster;
	struct replica_bed replica[BED_MEMBERS];
	struct client_bed client;
	struct standing seen[BED_MEMBERS];
	bool up[BED_MEMBERS], cut[BED_MEMBERS]; /* cut: nothing comes in or goes out */
	uint64_t now;
	uint32_t latency_ms;                         /* of everything                                    */
	bool (*holds)(const struct world_flight *f); /* NULL, or asked of what is due: it stays under way */
	struct world_flight *queue;
	uint32_t head, count;
	char trace[WORLD_TRACE_BYTES];
	size_t trace_n;
};

static struct world world;

__attribute__((format(printf, 1, 2))) static inline void tell(const char *format, ...)
{
	va_list args;
	size_t room = sizeof world.trace - world.trace_n;
	int n = snprintf(world.trace + world.trace_n, room, "%6llu  ", (unsigned long long)world.now);
	va_start(args, format);
	n += vsnprintf(world.trace + world.trace_n + n, room - (size_t)n, format, args);
	va_end(args);
	FUZZ_CHECK((size_t)n + 2 < room);
	world.trace_n += (size_t)n;
	world.trace[world.trace_n++] = '\n';
	world.trace[world.trace_n] = 0;
}

/* ---- the network ---- */

static inline void world_put(struct world_flight f, const uint8_t *bytes, size_t n)
{
	FUZZ_CHECK(world.count < WORLD_QUEUE);
	f.bytes = bed_join(bytes, n, NULL, 0);
	f.n = n;
	f.due = world.now + world.latency_ms;
	world.queue[(world.head + world.count++) % WORLD_QUEUE] = f;
}

static inline void world_to_member(void *user, uint8_t from, uint8_t to, const uint8_t *frame, size_t n)
{
	(void)user;
	if (!world.cut[from])
		world_put((struct world_flight){ .from = from, .to = to }, frame, n);
}

static inline void world_to_client(void *user, uint8_t from, driver_link link, const uint8_t *frame, size_t n)
{
	(void)user;
	(void)link;
	if (!world.cut[from])
		world_put((struct world_flight){ .from = from, .client = true, .reply = true }, frame, n);
}

static inline void world_from_client(void *user, uint8_t member, const uint8_t *frame, size_t n)
{
	(void)user;
	world_put((struct world_flight){ .to = member, .client = true }, frame, n);
}

static inline void world_deliver(const struct world_flight *f)
{
	if (f->reply) {
		(void)client_core_frame(world.client.core, f->from, f->bytes, f->n);
		client_bed_tick(&world.client);
		return;
	}
	if (!world.up[f->to] || world.cut[f->to])
		return;
	struct driver *d = world.replica[f->to].driver;
	if (f->client)
		driver_client_frame(d, 1, &world.cluster.client_key, f->bytes, f->n);
	else
		driver_member_frame(d, f->from, f->bytes, f->n);
	bed_turn(&world.replica[f->to]);
}

static inline struct world_flight *world_at(uint32_t i)
{
	return &world.queue[(world.head + i) % WORLD_QUEUE];
}

/* The i-th that is under way; those before it stay in their order. */
static inline struct world_flight world_take(uint32_t i)
{
	struct world_flight f = *world_at(i);
	for (; i > 0; i--)
		*world_at(i) = *world_at(i - 1);
	world.head = (world.head + 1) % WORLD_QUEUE;
	world.count--;
	return f;
}

static inline void world_drain(void)
{
	for (uint32_t i = 0; i < world.count;) {
		const struct world_flight *next = world_at(i);
		if (next->due > world.now || (world.holds && world.holds(next))) {
			i++;
			continue;
		}
		struct world_flight f = world_take(i);
		world_deliver(&f);
		free(f.bytes);
		i = 0;
	}
}

/* ---- what is noticed ---- */

static inline const char *world_role(uint8_t role)
{
	return role == STANDING_LEADER ? "leads" : role == STANDING_BACKUP ? "is a backup" : "observes";
}

static inline void world_notice(uint8_t i)
{
	struct standing s;
	driver_standing(world.replica[i].driver, &s);
	struct standing *was = &world.seen[i];
	if (s.view != was->view || (s.role != was->role && !(s.flags & 1)))
		tell("replica %u %s%s view %llu", i, s.flags & 1 ? "wants" : world_role(s.role), s.flags & 1 ? "" : " in", (unsigned long long)s.view);
	else if ((s.flags & 1) != (was->flags & 1) && !(s.flags & 1))
		tell("replica %u %s in view %llu", i, world_role(s.role), (unsigned long long)s.view);
	if (strcmp(s.trouble, was->trouble) != 0)
		tell("replica %u says: %s", i, *s.trouble ? s.trouble : "all is well");
	*was = s;
}

static inline void world_run(uint64_t ms)
{
	for (uint64_t end = world.now + ms; world.now < end;) {
		world.now += WORLD_STEP_MS;
		world.client.now = world.now;
		client_core_time(world.client.core, world.now, BED_WALL_MS + world.now);
		client_bed_tick(&world.client);
		for (uint8_t i = 0; i < BED_MEMBERS; i++) {
			if (!world.up[i])
				continue;
			world.replica[i].now = world.now;
			driver_time(world.replica[i].driver, world.now, BED_WALL_MS + world.now);
			bed_turn(&world.replica[i]);
		}
		world_drain();
		for (uint8_t i = 0; i < BED_MEMBERS; i++)
			if (world.up[i])
				world_notice(i);
	}
}

/* ---- what is done ---- */

static inline void world_links(uint8_t i)
{
	for (uint8_t k = 0; k < BED_MEMBERS; k++) {
		bool on = world.up[i] && world.up[k] && !world.cut[i] && !world.cut[k];
		if (k == i)
			continue;
		if (world.up[i])
			driver_member_link(world.replica[i].driver, k, false);
		if (world.up[k])
			driver_member_link(world.replica[k].driver, i, false);
		if (!on)
			continue;
		driver_member_link(world.replica[i].driver, k, true);
		driver_member_link(world.replica[k].driver, i, true);
	}
	client_core_link(world.client.core, i, false);
	if (world.up[i] && !world.cut[i])
		client_core_link(world.client.core, i, true);
}

static inline void world_start(uint8_t i)
{
	world.replica[i].now = world.now;
	CU_ASSERT_FATAL(bed_start(&world.replica[i], &world.cluster));
	world.up[i] = true;
	driver_standing(world.replica[i].driver, &world.seen[i]);
	tell("replica %u starts in view %llu", i, (unsigned long long)world.seen[i].view);
	world_links(i);
}

static inline void world_kill(uint8_t i)
{
	tell("replica %u is killed", i);
	world.up[i] = false;
	bed_stop(&world.replica[i]);
	world_links(i);
}

static inline void world_cut(uint8_t i, bool cut)
{
	tell("replica %u %s", i, cut ? "falls silent" : "is heard again");
	world.cut[i] = cut;
	world_links(i);
}

static inline void world_answered(void *user, const struct quorate_answer *a)
{
	const char *key = user;
	if (a->error == QUORATE_OK)
		tell("%s is done, at sequence %llu", key, (unsigned long long)a->seq);
	else
		tell("%s is not done: %s", key, a->reason);
}

static inline void world_quietly(void *user, const struct quorate_answer *a)
{
	(void)user;
	CU_ASSERT_EQUAL(a->error, QUORATE_OK);
}

/* `key` must outlive the story. */
static inline void world_ask(const char *key)
{
	uint8_t op[64];
	size_t n = quorate_kv_put(op, sizeof op, key, strlen(key), "v", 1);
	tell("the client puts %s", key);
	CU_ASSERT_EQUAL_FATAL(client_session_submit(world.client.session, op, n, world_answered, (void *)(uintptr_t)key), QUORATE_OK);
}

/* A network of such round trips; `limits` NULL: those of the bed, which are small; `shown`: client_bed.h. */
static inline void world_begin_with(const struct bft_genesis_limits *limits, uint32_t round_trip_ms, uint32_t shown)
{
	memset(&world, 0, sizeof world);
	world.queue = calloc(WORLD_QUEUE, sizeof *world.queue);
	CU_ASSERT_PTR_NOT_NULL_FATAL(world.queue);
	cluster_make(&world.cluster);
	if (limits)
		world.cluster.genesis.limits = *limits;
	world.latency_ms = round_trip_ms / 2;
	client_bed_create_shown(&world.client, &world.cluster, shown);
	world.client.sent = world_from_client;
	for (uint8_t i = 0; i < BED_MEMBERS; i++) {
		bed_create(&world.replica[i], i);
		world.replica[i].to_member = world_to_member;
		world.replica[i].to_client = world_to_client;
		world.replica[i].rtt_us = round_trip_ms * 1000;
		world_start(i);
	}
	world_run(50 + 5 * round_trip_ms);
	CU_ASSERT_EQUAL(world.client.good, 1); /* the session is open */
}

static inline void world_begin(void)
{
	world_begin_with(NULL, 0, 0);
}

/* Everybody who is up has executed the same. */
static inline void world_compare(void)
{
	for (uint8_t i = 1; i < BED_MEMBERS; i++) {
		bool same = world.seen[i].executed == world.seen[0].executed && digest_equal(&world.seen[i].chain, &world.seen[0].chain);
		if (world.up[i] && world.up[0] && !same)
			tell("replicas 0 and %u differ: %llu and %llu are executed", i, (unsigned long long)world.seen[0].executed,
			     (unsigned long long)world.seen[i].executed);
	}
	tell("replica 0 has executed %llu; the others are compared with it", (unsigned long long)world.seen[0].executed);
}

/* The trace is what the file says; otherwise both are shown. */
static inline void world_end(const char *path)
{
	static char wanted[WORLD_TRACE_BYTES];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(wanted, 1, sizeof wanted - 1, f) : 0;
	wanted[n] = 0;
	if (f)
		fclose(f);
	world_compare();
	if (strcmp(wanted, world.trace) != 0) {
		printf("\n%s is not what happened. What happened:\n%s", path, world.trace);
		CU_FAIL("another story");
	}
	client_core_destroy(world.client.core);
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		bed_destroy(&world.replica[i]);
	for (; world.count; world.count--, world.head = (world.head + 1) % WORLD_QUEUE)
		free(world.queue[world.head].bytes);
	free(world.queue);
}
#endif
