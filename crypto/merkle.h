/* crypto/merkle.h - Merkle trees over digests, with paths.
 *
 * The tree over n leaves splits at the largest power of two below n (as RFC 6962 does); an inner node is H(DOMAIN_MERKLE_NODE, left, right). Leaves are
 * digests with a domain of their own, so a node never passes for a leaf. One leaf alone is its own root and has an empty path. */
#ifndef CRYPTO_MERKLE_H
#define CRYPTO_MERKLE_H
#include "crypto/digest.h"

#define MERKLE_LEAVES_MAX 65535u
#define MERKLE_PATH_MAX 16u

/* Requires: 1 <= count <= MERKLE_LEAVES_MAX. Allocates nothing. */
void merkle_root(struct digest *out, const struct digest *leaves, uint32_t count);

/* Writes the siblings of leaf `index`, lowest first; returns how many (at most MERKLE_PATH_MAX). Requires: index < count. */
uint32_t merkle_path(struct digest path[MERKLE_PATH_MAX], const struct digest *leaves, uint32_t count, uint32_t index);

/* The length that a path for `index` among `count` must have. */
uint32_t merkle_path_length(uint32_t count, uint32_t index);

/* Recomputes the root from a leaf. False when index >= count, count is 0 or too large, or `length` is not exactly what (count, index) demands: each
 * (count, index) has one path length, so a peer cannot show one leaf in two ways. */
bool merkle_root_from_path(struct digest *out, const struct digest *leaf, uint32_t count, uint32_t index, const struct digest *path, uint32_t length);
#endif
