/* A proposal has one encoding and one digest, and everything that execution reads is under it. */
#include "bft/codec.h"
#include "bft/proposal.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static const struct digest cluster = { { 1 } };

/* `count` bundle digests at time `time_ms`, in exactly as many bytes as they take. The caller frees. */
static uint8_t *sample(uint16_t count, uint64_t time_ms, size_t *n)
{
	static uint8_t digests[BFT_PROPOSAL_BUNDLES_MAX * DIGEST_BYTES];
	for (size_t i = 0; i < (size_t)count * DIGEST_BYTES; i++)
		digests[i] = (uint8_t)(i * 7 + 1);
	struct bft_proposal p = { .time_ms = time_ms, .count = count, .digests = digests };
	*n = PROPOSAL_BYTES(count);
	uint8_t *bytes = malloc(*n);
	if (!bytes || proposal_encode(&p, bytes, *n) != *n)
		abort();
	return bytes;
}

static void round_trip(void)
{
	const uint16_t counts[] = { 0, 1, 2, 63, BFT_PROPOSAL_BUNDLES_MAX };
	for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
		size_t n;
		uint8_t *bytes = sample(counts[k], 1234567890123, &n), *again = malloc(n);
		struct bft_proposal p;
		CU_ASSERT(proposal_decode(&p, bytes, n, BFT_PROPOSAL_BUNDLES_MAX) == n);
		CU_ASSERT(p.time_ms == 1234567890123 && p.flags == 0 && p.count == counts[k] && p.digests == bytes + PROPOSAL_HEAD_BYTES);
		CU_ASSERT(proposal_encode(&p, again, n) == n && memcmp(bytes, again, n) == 0);
		free(bytes);
		free(again);
	}
}

static void truncated_at_every_byte(void)
{
	size_t n;
	uint8_t *bytes = sample(3, 1, &n);
	for (size_t cut = 0; cut < n; cut++) {
		/* Exactly as many bytes as are shown: a read past them is a read past the block. */
		uint8_t *part = malloc(cut ? cut : 1);
		struct bft_proposal p;
		memcpy(part, bytes, cut);
		CU_ASSERT(proposal_decode(&p, part, cut, BFT_PROPOSAL_BUNDLES_MAX) == 0);
		free(part);
	}
	free(bytes);
}

static void counts_are_limited(void)
{
	size_t n;
	uint8_t *bytes = sample(4, 1, &n);
	struct bft_proposal p;
	CU_ASSERT(proposal_decode(&p, bytes, n, 4) == n);
	CU_ASSERT(proposal_decode(&p, bytes, n, 3) == 0);
	CU_ASSERT(proposal_decode(&p, bytes, n, 0) == 0);
	/* A count that promises more than there is. */
	bytes[12] = 5;
	CU_ASSERT(proposal_decode(&p, bytes, n, BFT_PROPOSAL_BUNDLES_MAX) == 0);
	bytes[12] = bytes[13] = 0xFF;
	CU_ASSERT(proposal_decode(&p, bytes, n, BFT_PROPOSAL_BUNDLES_MAX) == 0);
	CU_ASSERT(proposal_decode(&p, bytes, n, UINT32_MAX) == 0);
	free(bytes);
}

static void no_flag_is_defined(void)
{
	size_t n;
	uint8_t *bytes = sample(1, 1, &n);
	for (unsigned bit = 0; bit < 32; bit++) {
		struct bft_proposal p;
		bytes[8 + bit / 8] = (uint8_t)(1u << bit % 8);
		CU_ASSERT(proposal_decode(&p, bytes, n, BFT_PROPOSAL_BUNDLES_MAX) == 0);
		bytes[8 + bit / 8] = 0;
	}
	free(bytes);
}

static void trailing_bytes_are_the_callers(void)
{
	size_t n;
	uint8_t *bytes = sample(2, 1, &n), *longer = malloc(n + 1);
	struct bft_proposal p;
	memcpy(longer, bytes, n);
	longer[n] = 0;
	CU_ASSERT(proposal_decode(&p, longer, n + 1, BFT_PROPOSAL_BUNDLES_MAX) == n);
	free(bytes);
	free(longer);
}

static void encoding_keeps_its_bound(void)
{
	uint8_t digests[2 * DIGEST_BYTES] = { 0 }, bytes[PROPOSAL_BYTES(2)];
	struct bft_proposal p = { .time_ms = 1, .count = 2, .digests = digests };
	for (size_t capacity = 0; capacity < sizeof bytes; capacity++)
		CU_ASSERT(proposal_encode(&p, bytes, capacity) == 0);
	CU_ASSERT(proposal_encode(&p, bytes, sizeof bytes) == sizeof bytes);
}

/* The time, the flags, the count, each digest, their order: whatever changes, the digest changes. */
static void the_digest_covers_every_bit(void)
{
	size_t n;
	uint8_t *bytes = sample(2, 99, &n);
	struct digest right, other;
	proposal_digest(&right, &cluster, bytes, n);
	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1u << bit);
			proposal_digest(&other, &cluster, bytes, n);
			CU_ASSERT(!digest_equal(&right, &other));
			bytes[i] ^= (uint8_t)(1u << bit);
		}
	proposal_digest(&other, &cluster, bytes, n - 1);
	CU_ASSERT(!digest_equal(&right, &other));
	const struct digest elsewhere = { { 2 } };
	proposal_digest(&other, &elsewhere, bytes, n);
	CU_ASSERT(!digest_equal(&right, &other));
	proposal_digest(&other, &cluster, bytes, n);
	CU_ASSERT(digest_equal(&right, &other));
	free(bytes);
}

static void the_null_proposal_is_a_proposal(void)
{
	uint8_t bytes[PROPOSAL_HEAD_BYTES];
	struct bft_proposal p;
	struct digest a, b, elsewhere = { { 2 } };
	CU_ASSERT(proposal_null(bytes) == PROPOSAL_HEAD_BYTES);
	CU_ASSERT(proposal_decode(&p, bytes, sizeof bytes, 0) == PROPOSAL_HEAD_BYTES);
	CU_ASSERT(p.time_ms == 0 && p.flags == 0 && p.count == 0);
	proposal_null_digest(&a, &cluster);
	proposal_digest(&b, &cluster, bytes, sizeof bytes);
	CU_ASSERT(digest_equal(&a, &b) && !digest_is_zero(&a));
	proposal_null_digest(&b, &elsewhere);
	CU_ASSERT(!digest_equal(&a, &b));
}

static void the_chain_covers_all_of_its_parts(void)
{
	struct digest before = { { 1 } }, proposal = { { 2 } }, results = { { 3 } }, right, other;
	chain_next(&right, &before, 5, &proposal, &results);
	chain_next(&other, &before, 5, &proposal, &results);
	CU_ASSERT(digest_equal(&right, &other));
	chain_next(&other, &proposal, 5, &before, &results);
	CU_ASSERT(!digest_equal(&right, &other));
	chain_next(&other, &before, 5, &results, &proposal);
	CU_ASSERT(!digest_equal(&right, &other));
	for (unsigned bit = 0; bit < 64; bit++) {
		chain_next(&other, &before, 5 ^ (bft_seq)1 << bit, &proposal, &results);
		CU_ASSERT(!digest_equal(&right, &other));
	}
	struct digest *const parts[] = { &before, &proposal, &results };
	for (size_t k = 0; k < 3; k++) {
		parts[k]->b[31] ^= 1;
		chain_next(&other, &before, 5, &proposal, &results);
		CU_ASSERT(!digest_equal(&right, &other));
		parts[k]->b[31] ^= 1;
	}
	/* It may be computed in place. */
	other = before;
	chain_next(&other, &other, 5, &proposal, &results);
	CU_ASSERT(digest_equal(&right, &other));
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "encode(decode(b)) = b", round_trip },
		{ "truncated at every byte", truncated_at_every_byte },
		{ "counts are limited", counts_are_limited },
		{ "no flag is defined", no_flag_is_defined },
		{ "trailing bytes are the caller's", trailing_bytes_are_the_callers },
		{ "encoding keeps its bound", encoding_keeps_its_bound },
		{ "the digest covers every bit", the_digest_covers_every_bit },
		{ "the null proposal is a proposal", the_null_proposal_is_a_proposal },
		{ "the chain covers all of its parts", the_chain_covers_all_of_its_parts },
		{ 0 },
	};
	return unit_main("proposal", cases);
}
