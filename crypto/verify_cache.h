/* crypto/verify_cache.h - each (key, statement, signature) is verified once, ever: a bounded, set-associative memory of signatures that were found good.
 *
 * Only good ones are remembered: remembering bad ones would let a liar fill it for nothing. An entry is the whole 32-byte digest of the triple, so a
 * collision is a broken SHA-256. Not thread-safe: it belongs to admission, which asks before it hands work to verifiers. */
#ifndef CRYPTO_VERIFY_CACHE_H
#define CRYPTO_VERIFY_CACHE_H
#include "crypto/sign.h"

struct verify_cache;

/* `entries` is rounded up to a power of two. NULL when memory is short. */
struct verify_cache *verify_cache_create(uint32_t entries);
void verify_cache_destroy(struct verify_cache *cache);

void verify_cache_key(struct digest *out, const struct public_key *pk, const struct statement *s, const struct signature *sig);
bool verify_cache_has(struct verify_cache *cache, const struct digest *key);
void verify_cache_put(struct verify_cache *cache, const struct digest *key);

/* Asks the cache, else verifies by `scheme` and remembers a good one. `cache` may be NULL. */
bool verify_once(struct verify_cache *cache, const struct sign_scheme *scheme, const struct signature *sig, const struct statement *s,
                 const struct public_key *pk);
#endif
