/* Stories of four replicas, told as text and compared with their files. */
#include "tests/stories/world.h"

/* f = 1: one that says nothing costs nothing, and learns what it missed. */
static void one_silent_backup(void)
{
	world_begin();
	world_ask("a");
	world_run(50);
	world_cut(3, true);
	for (unsigned i = 0; i < 3; i++) {
		world_ask("b");
		world_run(50);
	}
	world_cut(3, false);
	world_run(500);
	world_end("tests/stories/one_silent_backup.story");
}

/* Who waits for the leader suspects it; the next one takes over; the old one comes back as a backup. */
static void the_leader_is_killed(void)
{
	world_begin();
	world_ask("a");
	world_run(50);
	world_kill(0);
	world_ask("b");
	world_run(1500);
	world_ask("c");
	world_run(50);
	world_start(0);
	world_run(1000);
	world_end("tests/stories/the_leader_is_killed.story");
}

/* A backup is killed while a write of its log is under way: what it wrote since the last flush is gone, and nobody was told of it. */
static void a_torn_log(void)
{
	world_begin();
	world_ask("a");
	world_run(50);
	world.replica[2].holds_flush = true;
	tell("replica 2's disk stands still");
	world_ask("b");
	world_run(50);
	world_kill(2);
	tell("replica 2 loses %u records that were not flushed", bed_tear(&world.replica[2]));
	world_start(2);
	world_run(300);
	world_ask("c");
	world_run(300);
	world_end("tests/stories/a_torn_log.story");
}

/* All four are killed: what was acknowledged is there. */
static void all_are_killed(void)
{
	world_begin();
	world_ask("a");
	world_run(50);
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		world_kill(i);
	world_ask("b");
	world_run(300);
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		world_start(i);
	world_run(2000);
	world_end("tests/stories/all_are_killed.story");
}

/* One that was away for more than the others' logs keep fetches their state, and goes on from there. */
static void away_for_long(void)
{
	world_begin();
	world_ask("a");
	world_run(50);
	world_kill(3);
	for (unsigned i = 0; i < 40; i++) {
		CU_ASSERT_EQUAL(client_session_submit(world.client.session, "\6", 1, world_quietly, NULL), QUORATE_OK);
		world_run(10);
	}
	tell("the other three have executed %llu", (unsigned long long)world.seen[0].executed);
	world_start(3);
	world_run(3000);
	tell("replica 3 has fetched %u states", world.replica[3].transfers);
	world_ask("b");
	world_run(100);
	world_end("tests/stories/away_for_long.story");
}

static const struct unit_case cases[] = {
	{ "one silent backup", one_silent_backup },
	{ "the leader is killed", the_leader_is_killed },
	{ "a torn log", a_torn_log },
	{ "all are killed", all_are_killed },
	{ "away for long", away_for_long },
	{ 0 },
};

int main(void)
{
	return unit_main("replicas", cases);
}
