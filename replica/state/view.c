/* replica/state/view.c - the newest snapshot, held for those who copy it. */
#include "bft/codec.h"
#include "replica/state/store.h"

#include <errno.h>
#include <stdlib.h>

struct state_view {
	struct state *s;
	MDB_txn *txn;
	struct state_meta meta;
};

void state_key_hash(struct digest *out, const void *full_key, size_t n)
{
	trie_key_hash(out, full_key, n);
}

void state_entry_digest(struct digest *out, const void *full_key, size_t key_bytes, const void *value, size_t value_bytes)
{
	MDB_val k = { key_bytes, (void *)(uintptr_t)full_key }, v = { value_bytes, (void *)(uintptr_t)value };
	trie_entry_digest(out, &k, &v);
}

void state_empty_root(struct digest *out)
{
	trie_empty_root(out);
}

static int read_about(struct state_view *v)
{
	uint64_t bytes, counts[256];
	MDB_val key = { 5, "state" }, value;
	int e = mdb_get(v->txn, v->s->about, &key, &value);
	if (e == MDB_NOTFOUND) {
		trie_empty_root(&v->meta.root);
		return 0;
	}
	return e ? e : store_about_read(&value, &v->meta, &bytes, counts) ? 0 : MDB_CORRUPTED;
}

enum state_result state_view_open(struct state_view **out, struct state *s)
{
	*out = NULL;
	struct state_view *v = calloc(1, sizeof *v);
	if (!v)
		return STATE_ERR_MEMORY;
	v->s = s;
	int e = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &v->txn);
	if (e == 0)
		e = read_about(v);
	if (e != 0) {
		state_view_close(v);
		return store_failure(e);
	}
	*out = v;
	return STATE_OK;
}

void state_view_close(struct state_view *v)
{
	if (!v)
		return;
	if (v->txn)
		mdb_txn_abort(v->txn);
	free(v);
}

struct state_meta state_view_meta(const struct state_view *v)
{
	return v->meta;
}

enum state_result state_view_node(struct state_view *v, const uint8_t *path, uint32_t depth, uint8_t out[STATE_NODE_BYTES_MAX], size_t *bytes)
{
	uint8_t space[STATE_PATH_MAX + 1];
	MDB_val value;
	if (depth > STATE_PATH_MAX)
		return STATE_ERR_TOO_LARGE;
	MDB_val key = trie_node_key(space, path, depth);
	int e = mdb_get(v->txn, v->s->trie, &key, &value);
	if (e == MDB_NOTFOUND)
		return STATE_NONE;
	if (e != 0)
		return store_failure(e);
	if (value.mv_size > STATE_NODE_BYTES_MAX)
		return STATE_ERR_DAMAGED;
	memcpy(out, value.mv_data, value.mv_size);
	*bytes = value.mv_size;
	return STATE_OK;
}

uint64_t store_view_entries(const struct state_view *v)
{
	MDB_stat stat;
	return mdb_stat(v->txn, v->s->data, &stat) == 0 ? stat.ms_entries : UINT64_MAX;
}

static int key_by_hash(MDB_txn *txn, const struct state *s, const struct digest *hash, MDB_val *key)
{
	MDB_val h = { DIGEST_BYTES, (void *)(uintptr_t)hash->b };
	return mdb_get(txn, s->keys, &h, key);
}

enum state_result state_view_entry(struct state_view *v, const struct digest *hash, const void **full_key, size_t *key_bytes, const void **value,
                                   size_t *value_bytes)
{
	MDB_val key, found;
	int e = key_by_hash(v->txn, v->s, hash, &key);
	if (e == 0)
		e = mdb_get(v->txn, v->s->data, &key, &found);
	if (e == MDB_NOTFOUND)
		return STATE_NONE;
	if (e != 0)
		return store_failure(e);
	*full_key = key.mv_data;
	*key_bytes = key.mv_size;
	*value = found.mv_data;
	*value_bytes = found.mv_size;
	return STATE_OK;
}

enum state_result state_key_by_hash(struct state *s, const struct digest *hash, const void **full_key, size_t *key_bytes)
{
	MDB_val key;
	if (!s->txn) {
		int e = mdb_txn_begin(s->env, NULL, 0, &s->txn);
		if (e != 0)
			return store_failure(e);
	}
	int e = key_by_hash(s->txn, s, hash, &key);
	if (e == MDB_NOTFOUND)
		return STATE_NONE;
	if (e != 0)
		return store_failure(e);
	*full_key = key.mv_data;
	*key_bytes = key.mv_size;
	return STATE_OK;
}

int state_copy(struct state *s, const char *path)
{
	/* Compacting reads through a transaction of its own; the plain copy would wait for the write transaction that is open here. */
	return mdb_env_copy2(s->env, path, MDB_CP_COMPACT);
}

/* ---- nodes as bytes ---- */

static void node_digest(struct state_node *n)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, n->leaf ? DOMAIN_STATE_LEAF : DOMAIN_STATE_NODE);
	for (uint32_t i = 0; n->leaf && i < n->count; i++) {
		digest_add(&ctx, n->hash[i].b, DIGEST_BYTES);
		digest_add(&ctx, n->entry[i].b, DIGEST_BYTES);
	}
	for (uint32_t i = 0; !n->leaf && i < 16; i++)
		digest_add(&ctx, n->child[i].b, DIGEST_BYTES);
	digest_end(&ctx, &n->digest);
}

bool state_node_parse(struct state_node *n, const uint8_t *bytes, size_t size)
{
	struct rd r = rd_of(bytes, size);
	uint8_t kind = 0, count = 0;
	uint64_t below;
	bool ok = rd_u8(&r, &kind) && kind <= 1;
	n->leaf = kind == 0;
	n->count = 0;
	if (ok && n->leaf) {
		ok = rd_u8(&r, &count) && count >= 1 && count <= STATE_LEAF_ENTRIES;
		for (uint32_t i = 0; ok && i < count; i++)
			ok = rd_bytes(&r, n->hash[i].b, DIGEST_BYTES) && rd_bytes(&r, n->entry[i].b, DIGEST_BYTES) &&
			     (i == 0 || memcmp(n->hash[i - 1].b, n->hash[i].b, DIGEST_BYTES) < 0);
		n->count = count;
	} else {
		for (uint32_t i = 0; ok && i < 16; i++)
			ok = rd_u64(&r, &below) && rd_bytes(&r, n->child[i].b, DIGEST_BYTES);
	}
	if (!ok || !rd_done(&r))
		return false;
	node_digest(n);
	return true;
}
