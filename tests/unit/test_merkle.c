#include "crypto/merkle.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 70u

static void leaves_make(struct digest *leaves, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		digest_of(&leaves[i], DOMAIN_LEAF, &i, sizeof i);
}

/* A second opinion: level by level, an odd node moves up as it is. The shape is RFC 6962's. */
static void root_by_levels(struct digest *out, const struct digest *leaves, uint32_t count)
{
	struct digest level[COUNT_MAX];
	memcpy(level, leaves, count * sizeof *leaves);
	while (count > 1) {
		uint32_t up = 0;
		for (uint32_t i = 0; i < count; i += 2) {
			if (i + 1 < count)
				digest_of(&level[up++], DOMAIN_MERKLE_NODE, &level[i], 2 * DIGEST_BYTES);
			else
				level[up++] = level[i];
		}
		count = up;
	}
	*out = level[0];
}

static void root_has_the_shape(void)
{
	struct digest leaves[COUNT_MAX], a, b;
	leaves_make(leaves, COUNT_MAX);
	for (uint32_t count = 1; count <= COUNT_MAX; count++) {
		merkle_root(&a, leaves, count);
		root_by_levels(&b, leaves, count);
		CU_ASSERT(digest_equal(&a, &b));
	}
	merkle_root(&a, leaves, 1);
	CU_ASSERT(digest_equal(&a, &leaves[0]));
}

static void counts_have_their_own_roots(void)
{
	struct digest leaves[COUNT_MAX], roots[COUNT_MAX + 1];
	leaves_make(leaves, COUNT_MAX);
	for (uint32_t count = 1; count <= COUNT_MAX; count++) {
		merkle_root(&roots[count], leaves, count);
		for (uint32_t other = 1; other < count; other++)
			CU_ASSERT(!digest_equal(&roots[count], &roots[other]));
	}
}

static void every_path_leads_to_the_root(void)
{
	struct digest leaves[COUNT_MAX], path[MERKLE_PATH_MAX], root, found;
	leaves_make(leaves, COUNT_MAX);
	for (uint32_t count = 1; count <= COUNT_MAX; count++) {
		merkle_root(&root, leaves, count);
		for (uint32_t index = 0; index < count; index++) {
			uint32_t length = merkle_path(path, leaves, count, index);
			CU_ASSERT(length <= MERKLE_PATH_MAX && length == merkle_path_length(count, index));
			CU_ASSERT(merkle_root_from_path(&found, &leaves[index], count, index, path, length) && digest_equal(&found, &root));
		}
	}
}

/* Refused, or led to another root. */
static bool misleads(const struct digest *root, const struct digest *leaf, uint32_t count, uint32_t index, const struct digest *path, uint32_t length)
{
	struct digest found;
	return !merkle_root_from_path(&found, leaf, count, index, path, length) || !digest_equal(&found, root);
}

static void wrong_leaf_or_path(void)
{
	struct digest leaves[COUNT_MAX], path[MERKLE_PATH_MAX], root;
	leaves_make(leaves, COUNT_MAX);
	for (uint32_t count = 2; count <= COUNT_MAX; count++) {
		merkle_root(&root, leaves, count);
		for (uint32_t index = 0; index < count; index++) {
			uint32_t length = merkle_path(path, leaves, count, index);
			CU_ASSERT(misleads(&root, &leaves[(index + 1) % count], count, index, path, length));
			for (uint32_t level = 0; level < length; level++) {
				path[level].b[level] ^= 1;
				CU_ASSERT(misleads(&root, &leaves[index], count, index, path, length));
				path[level].b[level] ^= 1;
			}
		}
	}
}

static void wrong_index(void)
{
	struct digest leaves[COUNT_MAX], path[MERKLE_PATH_MAX], root;
	leaves_make(leaves, COUNT_MAX);
	for (uint32_t count = 2; count <= COUNT_MAX; count++) {
		merkle_root(&root, leaves, count);
		for (uint32_t index = 0; index < count; index++) {
			uint32_t length = merkle_path(path, leaves, count, index);
			for (uint32_t other = 0; other < count + 3; other++)
				CU_ASSERT(other == index || misleads(&root, &leaves[index], count, other, path, length));
		}
	}
}

static void wrong_length(void)
{
	struct digest leaves[COUNT_MAX], path[MERKLE_PATH_MAX + 1] = { 0 }, found;
	leaves_make(leaves, COUNT_MAX);
	for (uint32_t count = 1; count <= COUNT_MAX; count++) {
		for (uint32_t index = 0; index < count; index++) {
			uint32_t right = merkle_path(path, leaves, count, index);
			for (uint32_t length = 0; length <= MERKLE_PATH_MAX + 1; length++)
				CU_ASSERT((length == right) == merkle_root_from_path(&found, &leaves[index], count, index, path, length));
			CU_ASSERT(!merkle_root_from_path(&found, &leaves[index], count, index, path, UINT32_MAX));
		}
	}
}

static void wrong_count(void)
{
	struct digest leaf = { { 1 } }, path[MERKLE_PATH_MAX] = { 0 }, found;
	CU_ASSERT(!merkle_root_from_path(&found, &leaf, 0, 0, path, 0));
	CU_ASSERT(!merkle_root_from_path(&found, &leaf, 1, 1, path, 0));
	CU_ASSERT(!merkle_root_from_path(&found, &leaf, MERKLE_LEAVES_MAX + 1, 0, path, 16));
	CU_ASSERT(!merkle_root_from_path(&found, &leaf, UINT32_MAX, 0, path, 16));
	CU_ASSERT(merkle_root_from_path(&found, &leaf, MERKLE_LEAVES_MAX, 0, path, 16));
}

/* An inner node shown as a leaf of a smaller tree gives the same root: only the domain of real leaves and the signed count prevent it. */
static void count_is_part_of_the_claim(void)
{
	struct digest leaves[4], inner[2], root, small;
	leaves_make(leaves, 4);
	merkle_root(&root, leaves, 4);
	merkle_root(&inner[0], leaves, 2);
	merkle_root(&inner[1], leaves + 2, 2);
	merkle_root(&small, inner, 2);
	CU_ASSERT(digest_equal(&root, &small));
	CU_ASSERT(misleads(&root, &inner[0], 4, 0, &inner[1], 1));
}

static void largest_tree(void)
{
	struct digest *leaves = malloc(MERKLE_LEAVES_MAX * sizeof *leaves), path[MERKLE_PATH_MAX], root, found;
	CU_ASSERT_FATAL(leaves != NULL);
	leaves_make(leaves, MERKLE_LEAVES_MAX);
	merkle_root(&root, leaves, MERKLE_LEAVES_MAX);
	const uint32_t indexes[] = { 0, 1, 32767, 32768, 65533, 65534 };
	for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
		uint32_t length = merkle_path(path, leaves, MERKLE_LEAVES_MAX, indexes[i]);
		CU_ASSERT(merkle_root_from_path(&found, &leaves[indexes[i]], MERKLE_LEAVES_MAX, indexes[i], path, length) && digest_equal(&found, &root));
	}
	free(leaves);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "the root has RFC 6962's shape", root_has_the_shape },
		{ "each count has its own root", counts_have_their_own_roots },
		{ "every path leads to the root", every_path_leads_to_the_root },
		{ "a wrong leaf or path does not", wrong_leaf_or_path },
		{ "a wrong index does not", wrong_index },
		{ "one length for each place", wrong_length },
		{ "wrong counts", wrong_count },
		{ "the count is part of the claim", count_is_part_of_the_claim },
		{ "the largest tree", largest_tree },
		{ 0 },
	};
	return unit_main("merkle", cases);
}
