/* tests/rules/bed/seen.h - what the core did since the last bed_forget(). */
#ifndef TESTS_RULES_BED_SEEN_H
#define TESTS_RULES_BED_SEEN_H
#include "tests/rules/bed/life.h"

static inline uint32_t bed_count(const struct bed *b, enum bft_effect_kind kind)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		count += b->seen[i].kind == kind;
	return count;
}

static inline const struct bft_effect *bed_last(const struct bed *b, enum bft_effect_kind kind)
{
	for (uint32_t i = b->seen_count; i--;)
		if (b->seen[i].kind == kind)
			return &b->seen[i];
	return NULL;
}

/* The last SEND of `type`; NULL when none was seen. */
static inline const struct bft_effect *bed_sent(const struct bed *b, uint16_t type)
{
	for (uint32_t i = b->seen_count; i--;)
		if (b->seen[i].kind == BFT_FX_SEND && b->seen[i].type == type)
			return &b->seen[i];
	return NULL;
}

static inline uint32_t bed_sent_count(const struct bed *b, uint16_t type)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		count += b->seen[i].kind == BFT_FX_SEND && b->seen[i].type == type;
	return count;
}

static inline bool bed_is_leaf(const struct bft_effect *e, uint8_t kind, bft_seq seq)
{
	const struct bft_votes *m = e->data;
	return e->kind == BFT_FX_SEND && e->type == PBFT_VOTES && m->leaf[0].kind == kind && (seq == 0 || m->leaf[0].seq == seq);
}

/* The last own leaf of `kind` for `seq` (0: any). */
static inline const struct bft_effect *bed_leaf(const struct bed *b, uint8_t kind, bft_seq seq)
{
	for (uint32_t i = b->seen_count; i--;)
		if (bed_is_leaf(&b->seen[i], kind, seq))
			return &b->seen[i];
	return NULL;
}

static inline uint32_t bed_leaves(const struct bed *b, uint8_t kind, bft_seq seq)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		count += bed_is_leaf(&b->seen[i], kind, seq);
	return count;
}

static inline struct bft_leaf bed_leaf_in(const struct bft_effect *e)
{
	return ((const struct bft_votes *)e->data)->leaf[0];
}

/* The last record of `rtype`. */
static inline const struct bft_effect *bed_record(const struct bed *b, uint16_t rtype)
{
	for (uint32_t i = b->seen_count; i--;)
		if (b->seen[i].kind == BFT_FX_PERSIST && b->seen[i].rtype == rtype)
			return &b->seen[i];
	return NULL;
}

static inline const struct bft_effect *bed_blame(const struct bed *b, uint8_t from, enum bft_verdict verdict, uint16_t reason)
{
	for (uint32_t i = 0; i < b->seen_count; i++) {
		const struct bft_effect *e = &b->seen[i];
		if (e->kind == BFT_FX_BLAME && e->from == from && e->verdict == verdict && e->reason == reason)
			return e;
	}
	return NULL;
}

static inline bool bed_executes(const struct bed *b, bft_seq seq, struct digest d)
{
	for (uint32_t i = 0; i < b->seen_count; i++)
		if (b->seen[i].kind == BFT_FX_EXECUTE && b->seen[i].seq == seq)
			return digest_equal(&b->seen[i].digest, &d);
	return false;
}

static inline bool bed_forwards(const struct bed *b, bft_ref ref, uint8_t signer, uint8_t to)
{
	for (uint32_t i = 0; i < b->seen_count; i++) {
		const struct bft_effect *e = &b->seen[i];
		if (e->kind == BFT_FX_FORWARD && e->ref == ref && e->from == signer && e->to == BFT_BIT(to))
			return true;
	}
	return false;
}

static inline struct bft_standing bed_standing(const struct bed *b)
{
	struct bft_standing s;
	bft_pbft.standing(b->core, &s);
	return s;
}

static inline bool bed_same(struct digest a, struct digest b)
{
	return digest_equal(&a, &b);
}

/* Something that binds was said: a vote, a VIEW-CHANGE, a CHECKPOINT, a SNAPSHOT, a NEW-VIEW, a SUSPECT. */
static inline bool bed_signed_anything(const struct bed *b)
{
	for (uint16_t type = PBFT_VOTES; type <= PBFT_SNAPSHOT; type++)
		if (bed_sent(b, type))
			return true;
	return false;
}
#endif
