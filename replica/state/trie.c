/* replica/state/trie.c - the tree over the state; its form is in state.h. Nodes lie in an LMDB database of their own, by path.
 *
 * One pass: the changes, sorted by hash, fall apart by nibble at each inner node; a leaf merges them with its entries and stays a leaf or becomes a subtree;
 * an inner node left with few entries becomes a leaf again. So the shape depends on the set alone, whatever the order in which it came about. */
#include "bft/codec.h"
#include "replica/state/store.h"

#include <stdlib.h>

#define CHILDREN 16u
enum { NODE_LEAF = 0, NODE_INNER = 1 };

struct entry {
	struct digest hash, digest;
};
struct subtree { /* what a parent knows of a child */
	uint64_t count;
	struct digest digest; /* zero when count is 0 */
};
struct walk {
	MDB_txn *txn;
	MDB_dbi dbi;
	uint8_t path[STATE_PATH_MAX];
};
struct node {
	bool inner;
	uint32_t entries_count;
	struct entry entries[STATE_LEAF_ENTRIES];
	struct subtree children[CHILDREN];
};

void trie_key_hash(struct digest *out, const void *key, size_t key_bytes)
{
	digest_of(out, DOMAIN_STATE_KEY, key, key_bytes);
}

void trie_entry_digest(struct digest *out, const MDB_val *key, const MDB_val *value)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_STATE_ENTRY);
	digest_add_u32(&ctx, (uint32_t)key->mv_size);
	digest_add(&ctx, key->mv_data, key->mv_size);
	digest_add(&ctx, value->mv_data, value->mv_size);
	digest_end(&ctx, out);
}

static void leaf_digest(struct digest *out, const struct entry *entries, size_t count)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_STATE_LEAF);
	for (size_t i = 0; i < count; i++) {
		digest_add(&ctx, entries[i].hash.b, DIGEST_BYTES);
		digest_add(&ctx, entries[i].digest.b, DIGEST_BYTES);
	}
	digest_end(&ctx, out);
}

void trie_empty_root(struct digest *out)
{
	leaf_digest(out, NULL, 0);
}

static unsigned nibble(const struct digest *hash, uint32_t depth)
{
	return depth % 2 ? hash->b[depth / 2] & 15u : hash->b[depth / 2] >> 4;
}

/* ---- nodes on disk ---- */

MDB_val trie_node_key(uint8_t space[STATE_PATH_MAX + 1], const uint8_t *path, uint32_t depth)
{
	space[0] = (uint8_t)depth;
	if (depth > 0)
		memcpy(space + 1, path, depth);
	return (MDB_val){ depth + 1, space };
}

static bool node_decode(struct node *n, const MDB_val *v)
{
	struct rd r = rd_of(v->mv_data, v->mv_size);
	uint8_t kind, count;
	if (!rd_u8(&r, &kind))
		return false;
	n->inner = kind == NODE_INNER;
	n->entries_count = 0;
	if (kind == NODE_LEAF) {
		if (!rd_u8(&r, &count) || count == 0 || count > STATE_LEAF_ENTRIES)
			return false;
		n->entries_count = count;
		for (uint32_t i = 0; i < count; i++) {
			if (!rd_bytes(&r, n->entries[i].hash.b, DIGEST_BYTES) || !rd_bytes(&r, n->entries[i].digest.b, DIGEST_BYTES))
				return false;
		}
		return rd_done(&r);
	}
	for (uint32_t i = 0; i < CHILDREN; i++) {
		if (!rd_u64(&r, &n->children[i].count) || !rd_bytes(&r, n->children[i].digest.b, DIGEST_BYTES))
			return false;
	}
	return kind == NODE_INNER && rd_done(&r);
}

/* STATE_NONE: no entries below this path. */
static enum state_result node_load(struct walk *w, uint32_t depth, struct node *n)
{
	uint8_t space[STATE_PATH_MAX + 1];
	MDB_val key = trie_node_key(space, w->path, depth), v;
	int e = mdb_get(w->txn, w->dbi, &key, &v);
	if (e == MDB_NOTFOUND)
		return STATE_NONE;
	if (e != 0)
		return store_failure(e);
	return node_decode(n, &v) ? STATE_OK : STATE_ERR_DAMAGED;
}

static enum state_result node_remove(struct walk *w, uint32_t depth)
{
	uint8_t space[STATE_PATH_MAX + 1];
	MDB_val key = trie_node_key(space, w->path, depth);
	int e = mdb_del(w->txn, w->dbi, &key, NULL);
	return e == 0 || e == MDB_NOTFOUND ? STATE_OK : store_failure(e);
}

static enum state_result node_store(struct walk *w, uint32_t depth, struct wr *out)
{
	uint8_t space[STATE_PATH_MAX + 1];
	MDB_val key = trie_node_key(space, w->path, depth), v = { wr_done(out), out->start };
	int e = mdb_put(w->txn, w->dbi, &key, &v, 0);
	return e == 0 ? STATE_OK : store_failure(e);
}

static enum state_result leaf_store(struct walk *w, uint32_t depth, const struct entry *entries, size_t count, struct subtree *out)
{
	*out = (struct subtree){ .count = count };
	if (count == 0)
		return node_remove(w, depth);
	leaf_digest(&out->digest, entries, count);
	uint8_t bytes[STATE_NODE_BYTES_MAX];
	struct wr wr = wr_of(bytes, sizeof bytes);
	wr_u8(&wr, NODE_LEAF);
	wr_u8(&wr, (uint8_t)count);
	for (size_t i = 0; i < count; i++) {
		wr_bytes(&wr, entries[i].hash.b, DIGEST_BYTES);
		wr_bytes(&wr, entries[i].digest.b, DIGEST_BYTES);
	}
	return node_store(w, depth, &wr);
}

static enum state_result inner_store(struct walk *w, uint32_t depth, const struct subtree children[CHILDREN], struct subtree *out)
{
	uint8_t bytes[STATE_NODE_BYTES_MAX];
	struct wr wr = wr_of(bytes, sizeof bytes);
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_STATE_NODE);
	wr_u8(&wr, NODE_INNER);
	out->count = 0;
	for (uint32_t i = 0; i < CHILDREN; i++) {
		out->count += children[i].count;
		wr_u64(&wr, children[i].count);
		wr_bytes(&wr, children[i].digest.b, DIGEST_BYTES);
		digest_add(&ctx, children[i].digest.b, DIGEST_BYTES);
	}
	digest_end(&ctx, &out->digest);
	return node_store(w, depth, &wr);
}

/* ---- building and changing ---- */

/* A subtree of its own from sorted entries. Recursion ends: 17 different hashes part within STATE_PATH_MAX nibbles. */
static enum state_result build(struct walk *w, uint32_t depth, const struct entry *entries, size_t count, struct subtree *out)
{
	if (count <= STATE_LEAF_ENTRIES)
		return leaf_store(w, depth, entries, count, out);
	if (depth >= STATE_PATH_MAX)
		return STATE_ERR_DAMAGED;
	struct subtree children[CHILDREN] = { { 0 } };
	for (size_t from = 0; from < count;) {
		unsigned n = nibble(&entries[from].hash, depth);
		size_t to = from + 1;
		while (to < count && nibble(&entries[to].hash, depth) == n)
			to++;
		w->path[depth] = (uint8_t)n;
		enum state_result result = build(w, depth + 1, entries + from, to - from, &children[n]);
		if (result != STATE_OK)
			return result;
		from = to;
	}
	return inner_store(w, depth, children, out);
}

/* Two sorted lists into one; a change wins over the entry with its hash. Returns how many there are. */
static size_t merge(struct entry *out, const struct entry *old, size_t old_count, const struct trie_change *changes, size_t count)
{
	size_t n = 0, i = 0;
	for (size_t j = 0; j < count; j++) {
		while (i < old_count && memcmp(old[i].hash.b, changes[j].hash.b, DIGEST_BYTES) < 0)
			out[n++] = old[i++];
		if (i < old_count && digest_equal(&old[i].hash, &changes[j].hash))
			i++;
		if (changes[j].present)
			out[n++] = (struct entry){ changes[j].hash, changes[j].entry };
	}
	while (i < old_count)
		out[n++] = old[i++];
	return n;
}

static enum state_result change_leaf(struct walk *w, uint32_t depth, const struct node *n, const struct trie_change *changes, size_t count, struct subtree *out)
{
	struct entry few[2 * STATE_LEAF_ENTRIES];
	size_t most = n->entries_count + count;
	struct entry *merged = most <= 2 * STATE_LEAF_ENTRIES ? few : malloc(most * sizeof *merged);
	if (!merged)
		return STATE_ERR_MEMORY;
	size_t total = merge(merged, n->entries, n->entries_count, changes, count);
	enum state_result result = build(w, depth, merged, total, out);
	if (merged != few)
		free(merged);
	return result;
}

/* All children of an inner node that holds few entries are leaves: their entries move up, in order. */
static enum state_result collapse(struct walk *w, uint32_t depth, const struct subtree children[CHILDREN], struct subtree *out)
{
	struct entry entries[STATE_LEAF_ENTRIES];
	size_t total = 0;
	struct node child;
	for (uint32_t i = 0; i < CHILDREN; i++) {
		if (children[i].count == 0)
			continue;
		w->path[depth] = (uint8_t)i;
		enum state_result result = node_load(w, depth + 1, &child);
		if (result != STATE_OK || child.inner || child.entries_count != children[i].count || total + child.entries_count > STATE_LEAF_ENTRIES)
			return result == STATE_OK || result == STATE_NONE ? STATE_ERR_DAMAGED : result;
		memcpy(entries + total, child.entries, child.entries_count * sizeof entries[0]);
		total += child.entries_count;
		result = node_remove(w, depth + 1);
		if (result != STATE_OK)
			return result;
	}
	return leaf_store(w, depth, entries, total, out);
}

static enum state_result change(struct walk *w, uint32_t depth, const struct trie_change *changes, size_t count, struct subtree *out);

static enum state_result change_inner(struct walk *w, uint32_t depth, struct subtree children[CHILDREN], const struct trie_change *changes, size_t count,
                                      struct subtree *out)
{
	for (size_t from = 0; from < count;) {
		unsigned n = nibble(&changes[from].hash, depth);
		size_t to = from + 1;
		while (to < count && nibble(&changes[to].hash, depth) == n)
			to++;
		w->path[depth] = (uint8_t)n;
		enum state_result result = change(w, depth + 1, changes + from, to - from, &children[n]);
		if (result != STATE_OK)
			return result;
		from = to;
	}
	uint64_t total = 0;
	for (uint32_t i = 0; i < CHILDREN; i++)
		total += children[i].count;
	return total <= STATE_LEAF_ENTRIES ? collapse(w, depth, children, out) : inner_store(w, depth, children, out);
}

static enum state_result change(struct walk *w, uint32_t depth, const struct trie_change *changes, size_t count, struct subtree *out)
{
	struct node n;
	n.entries_count = 0;
	enum state_result result = node_load(w, depth, &n);
	if (result == STATE_OK && n.inner)
		return depth < STATE_PATH_MAX ? change_inner(w, depth, n.children, changes, count, out) : STATE_ERR_DAMAGED;
	if (result != STATE_OK && result != STATE_NONE)
		return result;
	return change_leaf(w, depth, &n, changes, count, out);
}

enum state_result trie_update(MDB_txn *txn, MDB_dbi dbi, const struct trie_change *changes, size_t count, struct digest *root)
{
	struct walk w = { .txn = txn, .dbi = dbi };
	struct subtree top;
	enum state_result result = change(&w, 0, changes, count, &top);
	if (result != STATE_OK)
		return result;
	*root = top.digest;
	if (top.count == 0)
		trie_empty_root(root);
	return STATE_OK;
}
