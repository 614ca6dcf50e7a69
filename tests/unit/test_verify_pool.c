/* Signatures are checked in portions by the loop, or by threads: votes first, nothing twice, nothing lost, and a bad one ends its job. */
#include "replica/verify_pool.h"
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A signature is good when its first byte is not 0; the rest names it. */
static atomic_uint asked;
static uint8_t order[4096];
static atomic_bool blocked;

static bool verify(const struct signature *sig, const struct statement *s, const struct public_key *pk)
{
	(void)s;
	(void)pk;
	while (atomic_load(&blocked))
		;
	unsigned i = atomic_fetch_add(&asked, 1);
	if (i < sizeof order)
		order[i] = sig->b[1];
	return sig->b[0] != 0;
}

static const struct sign_scheme scheme = { .name = "test", .verify = verify };

struct owner {
	uint32_t done, good;
	uint8_t order[256];
};

struct job {
	struct verify_job job; /* first */
	uint8_t name;
	struct verify_item items[200];
};

static void done(void *owner, struct verify_job *job, bool good)
{
	struct owner *o = owner;
	if (o) {
		o->order[o->done % 256] = ((struct job *)job)->name;
		o->done++;
		o->good += good;
	}
	free(job);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static uint32_t wakes;

static void wake(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	wakes++;
	pthread_cond_signal(&woken);
	pthread_mutex_unlock(&lock);
}

static struct job *job_of(uint8_t name)
{
	struct job *j = calloc(1, sizeof *j);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	j->name = name;
	j->job.done = done;
	j->job.items = j->items;
	return j;
}

static void want(struct verify_pool *pool, struct job *j, uint8_t name, uint8_t index, bool good)
{
	struct public_key key = { { 0 } };
	struct statement s = { { 0 } };
	struct signature sig = { { good, name, index } };
	verify_pool_want(pool, &j->job, &key, &s, &sig);
}

/* A job of `count` signatures, of which `bad` (from 0; 255: none) is bad. */
static void submit(struct verify_pool *pool, uint8_t name, uint8_t count, uint8_t bad, bool urgent)
{
	struct job *j = job_of(name);
	for (uint8_t i = 0; i < count; i++)
		want(pool, j, name, i, i != bad);
	CU_ASSERT_EQUAL_FATAL(j->job.count, count);
	verify_pool_submit(pool, &j->job, urgent);
}

static struct verify_pool *pool_of(uint32_t threads)
{
	atomic_store(&asked, 0);
	atomic_store(&blocked, false);
	wakes = 0;
	struct verify_pool *pool = verify_pool_create(threads, &scheme, 1024, wake, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	return pool;
}

static void without_threads_the_loop_works_in_portions(void)
{
	struct owner o = { 0 };
	struct verify_pool *pool = pool_of(0);
	CU_ASSERT_FALSE(verify_pool_turn(pool, &o, 10));
	submit(pool, 1, 25, 255, false);
	submit(pool, 2, 5, 255, false);
	CU_ASSERT_EQUAL(verify_pool_waiting(pool), 2);
	CU_ASSERT_TRUE(verify_pool_turn(pool, &o, 10));
	CU_ASSERT_TRUE(asked == 10 && o.done == 0);
	CU_ASSERT_TRUE(verify_pool_turn(pool, &o, 10));
	CU_ASSERT_TRUE(asked == 20 && o.done == 0);
	/* The rest of the large one, and the small one. */
	CU_ASSERT_FALSE(verify_pool_turn(pool, &o, 10));
	CU_ASSERT_TRUE(asked == 30 && o.done == 2 && o.good == 2 && o.order[0] == 1 && o.order[1] == 2);
	CU_ASSERT_EQUAL(verify_pool_waiting(pool), 0);
	CU_ASSERT_FALSE(verify_pool_turn(pool, &o, 0));
	CU_ASSERT_EQUAL(wakes, 0);
	verify_pool_destroy(pool, &o);
	CU_ASSERT_EQUAL(o.done, 2);
}

static void votes_go_before_requests(void)
{
	struct owner o = { 0 };
	struct verify_pool *pool = pool_of(0);
	submit(pool, 1, 4, 255, false);
	submit(pool, 2, 4, 255, false);
	submit(pool, 3, 4, 255, true);
	CU_ASSERT_TRUE(verify_pool_turn(pool, &o, 6)); /* one vote's, and half a request's */
	CU_ASSERT_TRUE(o.done == 1 && o.order[0] == 3);
	submit(pool, 4, 4, 255, true); /* overtakes even what is begun */
	CU_ASSERT_FALSE(verify_pool_turn(pool, &o, 100));
	static const uint8_t is[] = { 3, 4, 1, 2 };
	CU_ASSERT_TRUE(o.done == 4 && memcmp(o.order, is, 4) == 0);
	static const uint8_t each[] = { 3, 3, 3, 3, 1, 1, 4, 4, 4, 4, 1, 1, 2, 2, 2, 2 };
	CU_ASSERT_TRUE(asked == sizeof each && memcmp(order, each, sizeof each) == 0);
	verify_pool_destroy(pool, &o);
}

static void a_bad_signature_ends_its_job(void)
{
	struct owner o = { 0 };
	struct verify_pool *pool = pool_of(0);
	submit(pool, 1, 20, 0, false);
	submit(pool, 2, 20, 3, false);
	submit(pool, 3, 2, 255, false);
	CU_ASSERT_FALSE(verify_pool_turn(pool, &o, 100));
	CU_ASSERT_TRUE(asked == 1 + 4 + 2 && o.done == 3 && o.good == 1);
	/* What was found good is remembered, also of a bad job; what was bad, and what came after it, is not. */
	struct job *j = job_of(2);
	for (uint8_t i = 0; i < 20; i++)
		want(pool, j, 2, i, i != 3);
	CU_ASSERT_EQUAL(j->job.count, 17);
	free(j);
	j = job_of(1);
	want(pool, j, 1, 0, false);
	CU_ASSERT_EQUAL(j->job.count, 1);
	free(j);
	verify_pool_destroy(pool, &o);
}

static void what_is_known_costs_nothing(void)
{
	struct owner o = { 0 };
	struct verify_pool *pool = pool_of(0);
	struct public_key key = { { 0 } }, stranger = { { 1 } };
	struct statement s = { { 0 } };
	struct signature good = { { 1, 5, 0 } }, bad = { { 0, 5, 1 } };
	submit(pool, 5, 1, 255, true);
	CU_ASSERT_FALSE(verify_pool_turn(pool, &o, 100));
	struct job *j = job_of(5);
	want(pool, j, 5, 0, true);
	CU_ASSERT_EQUAL(j->job.count, 0);
	CU_ASSERT_TRUE(verify_pool_now(pool, &key, &s, &good));
	CU_ASSERT_EQUAL(asked, 1);
	/* Under another key it is another. */
	CU_ASSERT_TRUE(verify_pool_now(pool, &stranger, &s, &good));
	CU_ASSERT_EQUAL(asked, 2);
	/* At once, and a bad one every time. */
	CU_ASSERT_FALSE(verify_pool_now(pool, &key, &s, &bad));
	CU_ASSERT_FALSE(verify_pool_now(pool, &key, &s, &bad));
	CU_ASSERT_EQUAL(asked, 4);
	free(j);
	verify_pool_destroy(pool, &o);
}

/* A result may ask for more work. */
static struct verify_pool *chained;
static void done_and_again(void *owner, struct verify_job *job, bool good)
{
	uint8_t name = ((struct job *)job)->name;
	done(owner, job, good);
	if (name == 1)
		submit(chained, 2, 3, 255, true);
}

static void a_result_may_bring_more_work(void)
{
	struct owner o = { 0 };
	chained = pool_of(0);
	struct job *j = job_of(1);
	want(chained, j, 1, 0, true);
	j->job.done = done_and_again;
	verify_pool_submit(chained, &j->job, false);
	while (o.done < 2)
		verify_pool_turn(chained, &o, 2);
	CU_ASSERT_TRUE(o.good == 2 && asked == 4 && verify_pool_waiting(chained) == 0);
	verify_pool_destroy(chained, &o);
}

static void without_threads_work_left_is_given_back(void)
{
	struct owner o = { 0 };
	struct verify_pool *pool = pool_of(0);
	for (uint8_t i = 0; i < 10; i++)
		submit(pool, i, 10, 255, i % 2);
	verify_pool_turn(pool, &o, 15);
	CU_ASSERT_EQUAL(o.done, 1);
	verify_pool_destroy(pool, &o);
	CU_ASSERT_TRUE(o.done == 10 && o.good == 1);
	verify_pool_destroy(NULL, &o);
}

static void wait_for(struct verify_pool *pool, struct owner *o, uint32_t count)
{
	while (o->done < count) {
		pthread_mutex_lock(&lock);
		while (wakes == 0)
			pthread_cond_wait(&woken, &lock);
		wakes = 0;
		pthread_mutex_unlock(&lock);
		CU_ASSERT_FALSE(verify_pool_turn(pool, o, 0)); /* the loop's budget is not touched */
	}
}

static void threads_bring_every_result(void)
{
	struct owner o = { 0 };
	struct verify_pool *pool = pool_of(2);
	for (uint32_t round = 0; round < 20; round++) {
		for (uint8_t i = 0; i < 10; i++)
			submit(pool, (uint8_t)(round * 10 + i), 7, i == 3 ? 4 : 255, i % 3 == 0);
		wait_for(pool, &o, (round + 1) * 10);
	}
	CU_ASSERT_TRUE(o.done == 200 && o.good == 180 && verify_pool_waiting(pool) == 0);
	CU_ASSERT_EQUAL(asked, 180 * 7 + 20 * 5);
	/* And what they found good is known. */
	struct job *j = job_of(199);
	want(pool, j, 199, 6, true);
	CU_ASSERT_EQUAL(j->job.count, 0);
	free(j);
	verify_pool_destroy(pool, &o);
	CU_ASSERT_EQUAL(o.done, 200);
}

static void threads_may_be_ended_in_the_middle(void)
{
	for (int round = 0; round < 20; round++) {
		struct owner o = { 0 };
		struct verify_pool *pool = pool_of(2);
		atomic_store(&blocked, round % 2 == 0);
		for (uint8_t i = 0; i < 50; i++)
			submit(pool, i, 5, 255, i % 2);
		if (round % 3 == 0)
			verify_pool_turn(pool, &o, 0);
		atomic_store(&blocked, false);
		verify_pool_destroy(pool, &o);
		CU_ASSERT_EQUAL(o.done, 50);
	}
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "without threads the loop works in portions", without_threads_the_loop_works_in_portions },
		{ "votes go before requests", votes_go_before_requests },
		{ "a bad signature ends its job", a_bad_signature_ends_its_job },
		{ "what is known costs nothing", what_is_known_costs_nothing },
		{ "a result may bring more work", a_result_may_bring_more_work },
		{ "without threads work left is given back", without_threads_work_left_is_given_back },
		{ "threads bring every result", threads_bring_every_result },
		{ "threads may be ended in the middle", threads_may_be_ended_in_the_middle },
		{ 0 },
	};
	return unit_main("verify_pool", cases);
}
