/* bft/effects.h - the list of effects that a step fills. */
#ifndef BFT_EFFECTS_H
#define BFT_EFFECTS_H
#include "bft/check.h"
#include "bft/core.h"

/* The next effect, zeroed, of `kind`. Capacity is ours to guarantee: no peer chooses how many effects a step has. */
static inline struct bft_effect *effects_add(struct bft_effects *out, enum bft_effect_kind kind)
{
	BFT_CHECK(out->count < out->capacity);
	struct bft_effect *e = &out->at[out->count++];
	*e = (struct bft_effect){ .kind = kind };
	return e;
}

/* `bytes` of the arena, aligned for u64; NULL when it is used up (the caller then does its work in a later step). */
static inline void *effects_room(struct bft_effects *out, size_t bytes)
{
	size_t rounded = (bytes + 7) & ~(size_t)7;
	if (rounded > out->arena_bytes - out->arena_used)
		return NULL;
	void *at = out->arena + out->arena_used;
	out->arena_used += rounded;
	return at;
}
#endif
