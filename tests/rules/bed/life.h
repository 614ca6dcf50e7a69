/* tests/rules/bed/life.h - what the bed of one core holds, and how a life begins and ends on it. */
#ifndef TESTS_RULES_BED_LIFE_H
#define TESTS_RULES_BED_LIFE_H
#include "bft/certificate.h"
#include "bft/codec.h"
#include "bft/core.h"
#include "bft/effects.h"
#include "bft/pbft/pbft.h"
#include "bft/proposal.h"
#include "bft/roster.h"

#include <stdlib.h>
#include <string.h>

#ifndef BED_CHECK /* a fuzz target has its own */
#include "tests/unit/unit.h"
#define BED_CHECK CU_ASSERT
#endif

#ifndef BED_SEEN_MAX
#define BED_SEEN_MAX 32768u
#endif
#define BED_SEQ_MAX 512u
#define BED_ALL UINT32_MAX

struct bed_record {
	bft_lsn lsn;
	uint16_t rtype;
	void *data;
	size_t bytes;
};

/* HOLD without RELEASE yet. */
struct bed_hold {
	bft_ref ref;
	bft_seq seq;
};

/* Something that the core has said and that others may show: one value for each place, whatever happens between. */
struct bed_said {
	uint16_t type;
	uint8_t kind;
	bft_view view;
	bft_seq seq;
	struct digest digest;
};

/* An own message on its way back. */
struct bed_own {
	bft_lsn lsn;
	uint16_t type;
	union pbft_body *body;
};

struct bed {
	struct bft_limits limits;
	bft_mask first; /* who were members when it began */
	struct digest cluster, null;
	uint32_t n; /* one above the highest number */
	bft_mask members;
	uint32_t q, weak;
	uint8_t self;
	bft_epoch epoch;
	bft_mask passed; /* who leads last in it */
	struct bft_core *core, *before;
	size_t core_bytes;

	struct bft_effects out;
	struct bft_effect *seen; /* everything since the last bed_forget(), with data of its own */
	uint32_t seen_count;
	bool durable, bodies, execute; /* answered at once */
	uint64_t mono_ms, wall_ms;
	uint32_t rtt_us; /* 0: unknown, and no leader is slow */
	bft_lsn durable_lsn;
	bft_ref next_ref, last_ref;
	struct bed_record log[4096];
	uint32_t log_count;
	struct bed_own own[4096];
	struct bed_said said[8192];
	uint32_t said_count;
	struct bed_hold holds[4096];
	uint32_t holds_count;
	uint32_t own_first, own_count;
	struct digest chain[BED_SEQ_MAX]; /* what execution made of it; [0] is the beginning */
	bft_seq executing[BED_SEQ_MAX];
	struct digest executing_digest[BED_SEQ_MAX];
	uint32_t executing_first, executing_count;
	bft_seq executed;
	struct bft_request_id ends[16]; /* the next EXECUTED ends these */
	size_t ends_count;
};

/* Some digest, another one for each `i`. */
static inline struct digest bed_digest(uint64_t i)
{
	struct digest d;
	digest_of(&d, DOMAIN_TEST, &i, sizeof i);
	return d;
}

static inline void *bed_alloc(size_t n)
{
	void *at = calloc(1, n ? n : 1);
	if (!at)
		abort();
	return at;
}

static inline void *bed_copy(const void *data, size_t n)
{
	void *at = bed_alloc(n);
	if (n)
		memcpy(at, data, n);
	return at;
}

static inline void bed_forget(struct bed *b)
{
	for (uint32_t i = 0; i < b->seen_count; i++)
		free((void *)(uintptr_t)b->seen[i].data);
	b->seen_count = 0;
}

static inline void bed_members(struct bed *b, bft_mask members)
{
	b->members = members;
	b->q = quorum_strong(mask_count(members));
	b->weak = quorum_weak(mask_count(members));
}

/* A member, and not the core. */
static inline bool bed_others(const struct bed *b, uint32_t i)
{
	return i != b->self && (b->members & BFT_BIT(i));
}

/* A life begins in `b`, which has room for the limits and holds nothing. */
static inline void bed_begin(struct bed *b, const struct bft_limits *limits, uint8_t self)
{
	b->limits = *limits;
	b->cluster = bed_digest(1000000);
	b->chain[0] = b->cluster;
	proposal_null_digest(&b->null, &b->cluster);
	bed_members(b, mask_all(limits->members) & ~limits->absent);
	b->first = b->members;
	b->n = limits->members;
	b->self = self;
	b->durable = b->execute = true;
	b->wall_ms = 1000000;
	b->mono_ms = 1000;
	b->epoch = 1;
	bft_pbft.init(b->core, limits, &b->cluster, 1, self);
}

static inline struct bed *bed_new_with(const struct bft_limits *limits, uint8_t self)
{
	struct bed *b = bed_alloc(sizeof *b);
	b->core_bytes = bft_pbft.bytes(limits);
	b->core = bed_alloc(b->core_bytes);
	b->before = bed_alloc(b->core_bytes);
	b->out = (struct bft_effects){ .at = bed_alloc(BFT_EFFECTS_MAX * sizeof(struct bft_effect)),
		                       .capacity = BFT_EFFECTS_MAX,
		                       .arena = bed_alloc(BFT_ARENA_BYTES),
		                       .arena_bytes = BFT_ARENA_BYTES };
	b->seen = bed_alloc(BED_SEEN_MAX * sizeof *b->seen);
	bed_begin(b, limits, self);
	return b;
}

#define BED_W 16u
#define BED_K 4u
#define BED_TIMEOUT_MS 1000u
#define BED_DRIFT_MS 100u

static inline struct bft_limits bed_limits(uint32_t n)
{
	return (struct bft_limits){ .members = n,
		                    .window = BED_W,
		                    .checkpoint_every = BED_K,
		                    .proposal_bytes_max = 1000,
		                    .proposal_bundles_max = 4,
		                    .drift_ms = BED_DRIFT_MS,
		                    .request_timeout_ms = BED_TIMEOUT_MS,
		                    .requests_max = 16,
		                    .executing_max = 8 };
}

/* What this life has left behind. */
static inline void bed_end(struct bed *b)
{
	bed_forget(b);
	for (uint32_t i = 0; i < b->log_count; i++)
		free(b->log[i].data);
	for (uint32_t i = 0; i < b->own_count; i++)
		free(b->own[(b->own_first + i) % 4096].body);
}

static inline void bed_free(struct bed *b)
{
	bed_end(b);
	free(b->core);
	free(b->before);
	free(b->out.at);
	free(b->out.arena);
	free(b->seen);
	free(b);
}

static inline uint8_t bed_leader(const struct bed *b, bft_view view)
{
	return order_leader(view, b->members, b->passed);
}
#endif
