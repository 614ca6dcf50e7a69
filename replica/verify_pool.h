/* replica/verify_pool.h - signatures are checked here: by threads, or, with none, by the loop itself in bounded portions (design section 14).
 *
 * Votes go before requests. A thread touches the job and nothing else; the loop takes the results. */
#ifndef REPLICA_VERIFY_POOL_H
#define REPLICA_VERIFY_POOL_H
#include "crypto/verify_cache.h"

struct verify_pool;

struct verify_item {
	struct public_key key;
	struct statement statement;
	struct signature signature;
};

struct verify_job {
	struct verify_job *next;
	void (*done)(void *owner, struct verify_job *job, bool good); /* on the loop; frees the job */
	uint32_t count, checked;
	bool good;
	struct verify_item *items;
};

/* `wake` runs on a verifier's thread when results wait. Without threads it may be NULL. NULL: no memory, no thread. */
struct verify_pool *verify_pool_create(uint32_t threads, const struct sign_scheme *scheme, uint32_t cache_entries, void (*wake)(void *arg), void *arg);
/* Ends the threads. Jobs that are not done are given to `done` as bad, so that they are freed. */
void verify_pool_destroy(struct verify_pool *pool, void *owner);
/* Adds an item unless it was found good before. `items` has room. */
void verify_pool_want(struct verify_pool *pool, struct verify_job *job, const struct public_key *key, const struct statement *s, const struct signature *sig);
/* Requires: job->count > 0. */
void verify_pool_submit(struct verify_pool *pool, struct verify_job *job, bool urgent);
/* Hands out results; without threads checks up to `budget` signatures first. True: more is to be done. */
bool verify_pool_turn(struct verify_pool *pool, void *owner, uint32_t budget);
/* At once, on the loop: for what cannot wait. */
bool verify_pool_now(struct verify_pool *pool, const struct public_key *key, const struct statement *s, const struct signature *sig);
uint32_t verify_pool_waiting(const struct verify_pool *pool);
#endif
