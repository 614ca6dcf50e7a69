#include "replica/verify_pool.h"

#include "bft/check.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS_MAX 32u

struct jobs {
	struct verify_job *first, **last;
};

struct verify_pool {
	const struct sign_scheme *scheme;
	struct verify_cache *cache; /* the loop's */
	uint32_t waiting;           /* submitted and not handed out; the loop's */
	uint32_t threads_count;
	pthread_t threads[THREADS_MAX];
	void (*wake)(void *arg);
	void *arg;
	/* under the lock, when there are threads */
	pthread_mutex_t lock;
	pthread_cond_t work;
	bool ending;
	struct jobs urgent, normal, finished;
};

static void jobs_init(struct jobs *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void jobs_put(struct jobs *q, struct verify_job *job)
{
	job->next = NULL;
	*q->last = job;
	q->last = &job->next;
}

static struct verify_job *jobs_take(struct jobs *q)
{
	struct verify_job *job = q->first;
	if (!job)
		return NULL;
	q->first = job->next;
	if (!q->first)
		q->last = &q->first;
	return job;
}

static void check_item(const struct verify_pool *pool, struct verify_job *job)
{
	const struct verify_item *item = &job->items[job->checked++];
	job->good = pool->scheme->verify(&item->signature, &item->statement, &item->key);
}

static struct verify_job *take_work(struct verify_pool *pool)
{
	struct verify_job *job = jobs_take(&pool->urgent);
	return job ? job : jobs_take(&pool->normal);
}

static void *verifier(void *arg)
{
	struct verify_pool *pool = arg;
	pthread_mutex_lock(&pool->lock);
	while (!pool->ending) {
		struct verify_job *job = take_work(pool);
		if (!job) {
			pthread_cond_wait(&pool->work, &pool->lock);
			continue;
		}
		pthread_mutex_unlock(&pool->lock);
		while (job->good && job->checked < job->count)
			check_item(pool, job);
		pthread_mutex_lock(&pool->lock);
		bool first = pool->finished.first == NULL;
		jobs_put(&pool->finished, job);
		if (first)
			pool->wake(pool->arg);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

struct verify_pool *verify_pool_create(uint32_t threads, const struct sign_scheme *scheme, uint32_t cache_entries, void (*wake)(void *arg), void *arg)
{
	struct verify_pool *pool = calloc(1, sizeof *pool);
	if (!pool)
		return NULL;
	pool->scheme = scheme;
	pool->wake = wake;
	pool->arg = arg;
	jobs_init(&pool->urgent);
	jobs_init(&pool->normal);
	jobs_init(&pool->finished);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pool->cache = verify_cache_create(cache_entries);
	if (!pool->cache) {
		verify_pool_destroy(pool, NULL);
		return NULL;
	}
	for (uint32_t i = 0; i < threads && i < THREADS_MAX; i++) {
		if (pthread_create(&pool->threads[i], NULL, verifier, pool) != 0) {
			verify_pool_destroy(pool, NULL);
			return NULL;
		}
		pool->threads_count++;
	}
	return pool;
}

static void drop_all(struct jobs *q, void *owner)
{
	struct verify_job *job;
	while ((job = jobs_take(q)))
		job->done(owner, job, false);
}

void verify_pool_destroy(struct verify_pool *pool, void *owner)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (uint32_t i = 0; i < pool->threads_count; i++)
		pthread_join(pool->threads[i], NULL);
	drop_all(&pool->urgent, owner);
	drop_all(&pool->normal, owner);
	drop_all(&pool->finished, owner);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	verify_cache_destroy(pool->cache);
	free(pool);
}

void verify_pool_want(struct verify_pool *pool, struct verify_job *job, const struct public_key *key, const struct statement *s, const struct signature *sig)
{
	struct digest known;
	verify_cache_key(&known, key, s, sig);
	if (!verify_cache_has(pool->cache, &known))
		job->items[job->count++] = (struct verify_item){ *key, *s, *sig };
}

void verify_pool_submit(struct verify_pool *pool, struct verify_job *job, bool urgent)
{
	BFT_CHECK(job->count > 0);
	job->good = true;
	job->checked = 0;
	pool->waiting++;
	pthread_mutex_lock(&pool->lock);
	jobs_put(urgent ? &pool->urgent : &pool->normal, job);
	if (pool->threads_count)
		pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
}

static void remember(struct verify_pool *pool, const struct verify_job *job)
{
	uint32_t good = job->good ? job->checked : job->checked - 1;
	for (uint32_t i = 0; i < good; i++) {
		struct digest key;
		verify_cache_key(&key, &job->items[i].key, &job->items[i].statement, &job->items[i].signature);
		verify_cache_put(pool->cache, &key);
	}
}

/* Without threads the queues are the loop's alone. A job too large for this turn goes on in the next. */
static bool work_here(struct verify_pool *pool, uint32_t budget)
{
	while (budget) {
		struct jobs *q = pool->urgent.first ? &pool->urgent : &pool->normal;
		struct verify_job *job = q->first;
		if (!job)
			return false;
		while (budget && job->good && job->checked < job->count) {
			check_item(pool, job);
			budget--;
		}
		if (!job->good || job->checked == job->count)
			jobs_put(&pool->finished, jobs_take(q));
	}
	return pool->urgent.first || pool->normal.first;
}

bool verify_pool_turn(struct verify_pool *pool, void *owner, uint32_t budget)
{
	bool more = pool->threads_count == 0 && work_here(pool, budget);
	pthread_mutex_lock(&pool->lock);
	struct verify_job *job = pool->finished.first;
	jobs_init(&pool->finished);
	pthread_mutex_unlock(&pool->lock);
	while (job) {
		struct verify_job *next = job->next;
		pool->waiting--;
		remember(pool, job);
		job->done(owner, job, job->good);
		job = next;
	}
	return more;
}

bool verify_pool_now(struct verify_pool *pool, const struct public_key *key, const struct statement *s, const struct signature *sig)
{
	return verify_once(pool->cache, pool->scheme, sig, s, key);
}

uint32_t verify_pool_waiting(const struct verify_pool *pool)
{
	return pool->waiting;
}
