#include "crypto/merkle.h"

static void node(struct digest *out, const struct digest *left, const struct digest *right)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_MERKLE_NODE);
	digest_add(&ctx, left->b, DIGEST_BYTES);
	digest_add(&ctx, right->b, DIGEST_BYTES);
	digest_end(&ctx, out);
}

/* The largest power of two below `count`. Requires: count >= 2. */
static uint32_t split(uint32_t count)
{
	uint32_t k = 1;
	while (k * 2 < count)
		k *= 2;
	return k;
}

/* Recursion is at most MERKLE_PATH_MAX deep: each side of a split of n leaves has at most half of the next power of two. */
void merkle_root(struct digest *out, const struct digest *leaves, uint32_t count)
{
	if (count == 1) {
		*out = leaves[0];
		return;
	}
	uint32_t k = split(count);
	struct digest left, right;
	merkle_root(&left, leaves, k);
	merkle_root(&right, leaves + k, count - k);
	node(out, &left, &right);
}

/* Walks from the root down to leaf `index` and notes at each node whether the leaf lies to the right. Returns the number of nodes passed. */
static uint32_t descend(bool right[MERKLE_PATH_MAX], uint32_t count, uint32_t index)
{
	uint32_t depth = 0;
	while (count > 1) {
		uint32_t k = split(count);
		right[depth] = index >= k;
		index = right[depth] ? index - k : index;
		count = right[depth] ? count - k : k;
		depth++;
	}
	return depth;
}

uint32_t merkle_path_length(uint32_t count, uint32_t index)
{
	bool right[MERKLE_PATH_MAX];
	return descend(right, count, index);
}

uint32_t merkle_path(struct digest path[MERKLE_PATH_MAX], const struct digest *leaves, uint32_t count, uint32_t index)
{
	uint32_t length = merkle_path_length(count, index);
	for (uint32_t level = length; level > 0; level--) {
		uint32_t k = split(count);
		if (index < k) {
			merkle_root(&path[level - 1], leaves + k, count - k);
			count = k;
		} else {
			merkle_root(&path[level - 1], leaves, k);
			leaves += k;
			index -= k;
			count -= k;
		}
	}
	return length;
}

bool merkle_root_from_path(struct digest *out, const struct digest *leaf, uint32_t count, uint32_t index, const struct digest *path, uint32_t length)
{
	if (count == 0 || count > MERKLE_LEAVES_MAX || index >= count)
		return false;
	bool right[MERKLE_PATH_MAX];
	if (descend(right, count, index) != length)
		return false;
	struct digest at = *leaf;
	for (uint32_t level = 0; level < length; level++) {
		struct digest child = at;
		if (right[length - 1 - level])
			node(&at, &path[level], &child);
		else
			node(&at, &child, &path[level]);
	}
	*out = at;
	return true;
}
