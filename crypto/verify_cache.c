#include "crypto/verify_cache.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8u
#define ENTRIES_MAX (1u << 26)

/* A set keeps its entries newest first; the oldest falls out. A zero digest marks an empty place. */
struct set {
	struct digest way[WAYS];
};

struct verify_cache {
	uint32_t sets; /* a power of two */
	/* The set is chosen by a keyed hash: a client who grinds its own good signatures cannot aim them at one set and drive others out. */
	uint8_t place_key[crypto_shorthash_KEYBYTES];
	struct set set[];
};

static uint32_t sets_for(uint32_t entries)
{
	uint32_t sets = 1;
	while (sets * WAYS < entries)
		sets *= 2;
	return sets;
}

struct verify_cache *verify_cache_create(uint32_t entries)
{
	if (entries > ENTRIES_MAX)
		return NULL;
	uint32_t sets = sets_for(entries);
	struct verify_cache *cache = calloc(1, sizeof *cache + sets * sizeof(struct set));
	if (!cache)
		return NULL;
	cache->sets = sets;
	randombytes_buf(cache->place_key, sizeof cache->place_key);
	return cache;
}

void verify_cache_destroy(struct verify_cache *cache)
{
	free(cache);
}

void verify_cache_key(struct digest *out, const struct public_key *pk, const struct statement *s, const struct signature *sig)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_CACHE);
	digest_add(&ctx, pk->b, sizeof pk->b);
	digest_add(&ctx, s->b, sizeof s->b);
	digest_add(&ctx, sig->b, sizeof sig->b);
	digest_end(&ctx, out);
}

static struct set *set_of(struct verify_cache *cache, const struct digest *key)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint32_t place;
	crypto_shorthash(hash, key->b, sizeof key->b, cache->place_key);
	memcpy(&place, hash, sizeof place);
	return &cache->set[place & (cache->sets - 1)];
}

static uint32_t way_of(const struct set *set, const struct digest *key)
{
	uint32_t way = 0;
	while (way < WAYS && !digest_equal(&set->way[way], key))
		way++;
	return way;
}

/* Puts `key` first; those before `way` move back by one. */
static void move_to_front(struct set *set, uint32_t way, const struct digest *key)
{
	memmove(&set->way[1], &set->way[0], way * sizeof set->way[0]);
	set->way[0] = *key;
}

bool verify_cache_has(struct verify_cache *cache, const struct digest *key)
{
	if (digest_is_zero(key))
		return false;
	struct set *set = set_of(cache, key);
	uint32_t way = way_of(set, key);
	if (way == WAYS)
		return false;
	move_to_front(set, way, key);
	return true;
}

void verify_cache_put(struct verify_cache *cache, const struct digest *key)
{
	if (digest_is_zero(key) || verify_cache_has(cache, key))
		return;
	move_to_front(set_of(cache, key), WAYS - 1, key);
}

bool verify_once(struct verify_cache *cache, const struct sign_scheme *scheme, const struct signature *sig, const struct statement *s,
                 const struct public_key *pk)
{
	if (!cache)
		return scheme->verify(sig, s, pk);
	struct digest key;
	verify_cache_key(&key, pk, s, sig);
	if (verify_cache_has(cache, &key))
		return true;
	if (!scheme->verify(sig, s, pk))
		return false;
	verify_cache_put(cache, &key);
	return true;
}
