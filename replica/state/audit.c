/* replica/state/audit.c - whether the newest snapshot is what it says: LMDB's pages carry no checksum, so a flipped bit of a value shows nowhere but here.
 *
 * The tree is walked from the root; each node must have the digest that its parent names, each entry the digest that its leaf names, and there is nothing beside
 * them. Who passes holds what the root stands for. */
#include "replica/state/store.h"

#include <stdio.h>
#include <string.h>

struct audit {
	struct state_view *view;
	uint8_t path[STATE_PATH_MAX];
	uint64_t entries, bytes, counts[256];
	const char *wrong; /* what, once something is */
};

static enum state_result found(struct audit *a, const char *what)
{
	a->wrong = what;
	return STATE_ERR_DAMAGED;
}

static enum state_result audit_entry(struct audit *a, const struct digest *hash, const struct digest *entry)
{
	const void *key, *value;
	size_t key_bytes, value_bytes;
	enum state_result r = state_view_entry(a->view, hash, &key, &key_bytes, &value, &value_bytes);
	if (r == STATE_NONE)
		return found(a, "an entry of the tree is not there");
	if (r != STATE_OK)
		return r;
	struct digest is;
	if (key_bytes == 0)
		return found(a, "an entry has no key");
	state_key_hash(&is, key, key_bytes);
	if (!digest_equal(&is, hash))
		return found(a, "a key is not the one that its hash names");
	state_entry_digest(&is, key, key_bytes, value, value_bytes);
	if (!digest_equal(&is, entry))
		return found(a, "a value is not the one that the tree names");
	a->entries++;
	a->counts[*(const uint8_t *)key]++;
	a->bytes += key_bytes + value_bytes + STATE_ENTRY_CHARGE;
	return STATE_OK;
}

/* Recursion ends: a path has at most STATE_PATH_MAX nibbles. */
static enum state_result audit_node(struct audit *a, uint32_t depth, const struct digest *expected)
{
	uint8_t bytes[STATE_NODE_BYTES_MAX];
	size_t n;
	struct state_node node;
	enum state_result r = state_view_node(a->view, a->path, depth, bytes, &n);
	if (r == STATE_NONE)
		return found(a, "a node of the tree is not there");
	if (r != STATE_OK)
		return r;
	if (!state_node_parse(&node, bytes, n) || !digest_equal(&node.digest, expected) || (!node.leaf && depth == STATE_PATH_MAX))
		return found(a, "a node of the tree is not the one that is named above it");
	for (uint32_t i = 0; r == STATE_OK && node.leaf && i < node.count; i++)
		r = audit_entry(a, &node.hash[i], &node.entry[i]);
	for (uint32_t i = 0; r == STATE_OK && !node.leaf && i < 16; i++) {
		a->path[depth] = (uint8_t)i;
		if (!digest_is_zero(&node.child[i]))
			r = audit_node(a, depth + 1, &node.child[i]);
	}
	return r;
}

static enum state_result audit_all(struct audit *a, const struct state *s)
{
	struct state_meta meta = state_view_meta(a->view);
	struct digest empty;
	state_empty_root(&empty);
	enum state_result r = digest_equal(&meta.root, &empty) ? STATE_OK : audit_node(a, 0, &meta.root);
	if (r != STATE_OK)
		return r;
	if (a->bytes != s->bytes || memcmp(a->counts, s->counts, sizeof a->counts) != 0 || a->entries != store_view_entries(a->view))
		return found(a, "it holds other entries than the tree");
	return STATE_OK;
}

enum state_result state_audit(struct state *s, char reason[STATE_REASON_BYTES])
{
	struct audit a = { 0 };
	enum state_result r = state_view_open(&a.view, s);
	if (r == STATE_OK)
		r = audit_all(&a, s);
	if (r != STATE_OK)
		snprintf(reason, STATE_REASON_BYTES, "%s", a.wrong ? a.wrong : state_text(r));
	state_view_close(a.view);
	return r;
}
