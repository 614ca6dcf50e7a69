/* replica/state/store.c - struct state over LMDB: databases "data" (ns | key -> value), "trie" (path -> node), "keys" (H(ns | key) -> ns | key),
 * "about" (what it is). */
#include "replica/state/store.h"
#include "bft/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ABOUT_VERSION 2u
#define ABOUT_BYTES (4u + 8u + 8u + 32u + 32u + 8u + 256u * 8u)
#define PATH_BYTES 4096u
#define LOCK_BYTES 8192 /* what LMDB makes of it, for the number of readers that it has unless it is told otherwise */

const char *state_text(enum state_result result)
{
	switch (result) {
	case STATE_OK: return "done";
	case STATE_NONE: return "there is no such key";
	case STATE_ERR_TOO_LARGE: return "the key or the value is too large";
	case STATE_ERR_FULL: return "the state's map is full: its configured size is too small";
	case STATE_ERR_SPACE: return "the disk has no room for the state";
	case STATE_ERR_IO: return "the disk under the state answered with an error";
	case STATE_ERR_MEMORY: return "out of memory";
	case STATE_ERR_DAMAGED: return "the state's file is damaged";
	}
	return "unknown result";
}

enum state_result store_failure(int e)
{
	switch (e) {
	case MDB_MAP_FULL:
	case MDB_TXN_FULL: return STATE_ERR_FULL;
	case ENOSPC:
	case EDQUOT: return STATE_ERR_SPACE;
	case ENOMEM: return STATE_ERR_MEMORY;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_VERSION_MISMATCH:
	case MDB_PAGE_NOTFOUND:
	case MDB_INCOMPATIBLE:
	case MDB_PANIC: return STATE_ERR_DAMAGED;
	default: return STATE_ERR_IO;
	}
}

static enum state_result fail(struct state *s, enum state_result result)
{
	if (s->failure == STATE_OK)
		s->failure = result;
	return s->failure;
}

static enum state_result begin(struct state *s)
{
	if (s->failure != STATE_OK || s->txn)
		return s->failure;
	int e = mdb_txn_begin(s->env, NULL, 0, &s->txn);
	if (e == 0)
		return STATE_OK;
	s->txn = NULL;
	return fail(s, store_failure(e));
}

/* ---- opening ---- */

bool store_about_read(const MDB_val *v, struct state_meta *meta, uint64_t *bytes, uint64_t counts[256])
{
	struct rd r = rd_of(v->mv_data, v->mv_size);
	uint32_t version;
	bool ok = rd_u32(&r, &version) && version == ABOUT_VERSION && rd_u64(&r, &meta->seq) && rd_u64(&r, &meta->time_ms) &&
	          rd_bytes(&r, meta->chain.b, DIGEST_BYTES) && rd_bytes(&r, meta->root.b, DIGEST_BYTES) && rd_u64(&r, bytes);
	for (unsigned i = 0; ok && i < 256; i++)
		ok = rd_u64(&r, &counts[i]);
	return ok && rd_done(&r);
}

static MDB_val about_key(void)
{
	return (MDB_val){ 5, "state" };
}

static enum state_result about_store(struct state *s, const struct state_meta *meta)
{
	uint8_t bytes[ABOUT_BYTES];
	struct wr w = wr_of(bytes, sizeof bytes);
	wr_u32(&w, ABOUT_VERSION);
	wr_u64(&w, meta->seq);
	wr_u64(&w, meta->time_ms);
	wr_bytes(&w, meta->chain.b, DIGEST_BYTES);
	wr_bytes(&w, meta->root.b, DIGEST_BYTES);
	wr_u64(&w, s->bytes);
	for (unsigned i = 0; i < 256; i++)
		wr_u64(&w, s->counts[i]);
	MDB_val key = about_key(), v = { wr_done(&w), bytes };
	int e = mdb_put(s->txn, s->about, &key, &v, 0);
	return e == 0 ? STATE_OK : store_failure(e);
}

static bool lock_path(char lock[PATH_BYTES], const char *path)
{
	int n = snprintf(lock, PATH_BYTES, "%s-lock", path);
	return n > 0 && n < (int)PATH_BYTES;
}

/* LMDB maps its file of locks and writes into it. A write where no block is would end the process (SIGBUS) when the disk is full: so it gets its blocks first. */
static int lock_reserve(const char *path)
{
	char lock[PATH_BYTES];
	if (!lock_path(lock, path))
		return ENAMETOOLONG;
	int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	int e = posix_fallocate(fd, 0, LOCK_BYTES);
	close(fd);
	return e;
}

static int env_open(struct state *s, const char *path, const struct state_options *options)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t map = options->map_bytes - options->map_bytes % (size_t)(page > 0 ? page : 4096);
	int e = lock_reserve(path);
	if (e == 0)
		e = mdb_env_create(&s->env);
	if (e == 0)
		e = mdb_env_set_mapsize(s->env, map);
	if (e == 0)
		e = mdb_env_set_maxdbs(s->env, 4);
	if (e == 0)
		e = mdb_env_open(s->env, path, MDB_NOSUBDIR | MDB_NOTLS | (options->no_sync ? MDB_NOSYNC : 0), 0600);
	return e;
}

static int databases_open(struct state *s)
{
	int e = mdb_txn_begin(s->env, NULL, 0, &s->txn);
	if (e != 0) {
		s->txn = NULL;
		return e;
	}
	e = mdb_dbi_open(s->txn, "data", MDB_CREATE, &s->data);
	if (e == 0)
		e = mdb_dbi_open(s->txn, "trie", MDB_CREATE, &s->trie);
	if (e == 0)
		e = mdb_dbi_open(s->txn, "keys", MDB_CREATE, &s->keys);
	if (e == 0)
		e = mdb_dbi_open(s->txn, "about", MDB_CREATE, &s->about);
	MDB_val key = about_key(), v;
	if (e == 0)
		e = mdb_get(s->txn, s->about, &key, &v);
	if (e == MDB_NOTFOUND)
		trie_empty_root(&s->meta.root);
	else if (e != 0)
		return e;
	else if (!store_about_read(&v, &s->meta, &s->bytes, s->counts))
		return MDB_CORRUPTED;
	/* Committed, although nothing may have changed: handles of an aborted transaction are closed with it. */
	e = mdb_txn_commit(s->txn);
	s->txn = NULL;
	return e;
}

enum state_result state_open(struct state **out, const char *path, const struct state_options *options, char reason[STATE_REASON_BYTES])
{
	*out = NULL;
	struct state *s = calloc(1, sizeof *s);
	if (!s) {
		snprintf(reason, STATE_REASON_BYTES, "%s", state_text(STATE_ERR_MEMORY));
		return STATE_ERR_MEMORY;
	}
	touched_init(&s->touched);
	int e = env_open(s, path, options);
	if (e == 0)
		e = databases_open(s);
	if (e != 0) {
		snprintf(reason, STATE_REASON_BYTES, "the state cannot be opened: %s", mdb_strerror(e));
		state_close(s);
		return store_failure(e);
	}
	*out = s;
	return STATE_OK;
}

static void cursor_close(struct state *s)
{
	if (s->cursor)
		mdb_cursor_close(s->cursor);
	s->cursor = NULL;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	cursor_close(s);
	if (s->txn)
		mdb_txn_abort(s->txn);
	if (s->env)
		mdb_env_close(s->env);
	undo_free(s);
	touched_free(&s->touched);
	free(s->scratch);
	free(s);
}

int state_drop(const char *path)
{
	char lock[PATH_BYTES];
	if (!lock_path(lock, path))
		return -ENAMETOOLONG;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return unlink(lock) < 0 && errno != ENOENT ? -errno : 0;
}

struct state_meta state_meta(const struct state *s)
{
	return s->meta;
}

uint64_t state_count(const struct state *s, uint8_t ns)
{
	return s->counts[ns];
}

uint64_t state_bytes(const struct state *s)
{
	return s->bytes;
}

/* ---- entries ---- */

struct full_key {
	uint8_t bytes[1 + STATE_KEY_MAX];
};

static MDB_val full_key(struct full_key *space, uint8_t ns, const void *key, size_t key_bytes)
{
	space->bytes[0] = ns;
	if (key_bytes > 0)
		memcpy(space->bytes + 1, key, key_bytes);
	return (MDB_val){ 1 + key_bytes, space->bytes };
}

enum state_result state_get(struct state *s, uint8_t ns, const void *key, size_t key_bytes, const void **value, size_t *value_bytes)
{
	enum state_result result = begin(s);
	if (result != STATE_OK)
		return result;
	if (key_bytes > STATE_KEY_MAX)
		return STATE_ERR_TOO_LARGE;
	struct full_key space;
	MDB_val k = full_key(&space, ns, key, key_bytes), v;
	int e = mdb_get(s->txn, s->data, &k, &v);
	if (e == MDB_NOTFOUND)
		return STATE_NONE;
	if (e != 0)
		return fail(s, store_failure(e));
	*value = v.mv_data;
	*value_bytes = v.mv_size;
	return STATE_OK;
}

static void count_entry(struct state *s, const MDB_val *key, size_t old_bytes, bool existed, const MDB_val *value)
{
	uint64_t *count = &s->counts[*(const uint8_t *)key->mv_data];
	if (existed) {
		(*count)--;
		s->bytes -= key->mv_size + old_bytes + STATE_ENTRY_CHARGE;
	}
	if (value) {
		(*count)++;
		s->bytes += key->mv_size + value->mv_size + STATE_ENTRY_CHARGE;
	}
}

/* What is there now. The cursor stands on it, so that it is written over without being looked for again. */
static int look(struct state *s, const MDB_val *key, MDB_val *old)
{
	MDB_val k = *key;
	int e = s->cursor ? 0 : mdb_cursor_open(s->txn, s->data, &s->cursor);
	return e == 0 ? mdb_cursor_get(s->cursor, &k, old, MDB_SET) : e;
}

/* Requires: look() found it, or not, just now. */
static enum state_result write_over(struct state *s, const MDB_val *key, size_t old_bytes, bool existed, const MDB_val *value)
{
	if (!touched_add(&s->touched, key))
		return fail(s, STATE_ERR_MEMORY);
	MDB_val k = *key, v = value ? *value : (MDB_val){ 0 };
	int e = value ? mdb_cursor_put(s->cursor, &k, &v, existed ? MDB_CURRENT : 0) : mdb_cursor_del(s->cursor, 0);
	if (e != 0)
		return fail(s, store_failure(e));
	count_entry(s, key, old_bytes, existed, value);
	if (value)
		room_note(s, old_bytes, existed, value->mv_size);
	return STATE_OK;
}

enum state_result store_write(struct state *s, const MDB_val *key, const MDB_val *value)
{
	MDB_val old = { 0 };
	int e = look(s, key, &old);
	if (e != 0 && e != MDB_NOTFOUND)
		return fail(s, store_failure(e));
	if (e == MDB_NOTFOUND && !value)
		return STATE_OK;
	return write_over(s, key, old.mv_size, e == 0, value);
}

/* A value that was borrowed from this state lies in pages that the put may move: it is copied first, like every other. */
static enum state_result scratch_copy(struct state *s, MDB_val *v, const void *value, size_t value_bytes)
{
	if (value_bytes > s->scratch_bytes) {
		uint8_t *grown = realloc(s->scratch, value_bytes);
		if (!grown)
			return STATE_ERR_MEMORY;
		s->scratch = grown;
		s->scratch_bytes = value_bytes;
	}
	if (value_bytes > 0)
		memcpy(s->scratch, value, value_bytes);
	*v = (MDB_val){ value_bytes, s->scratch };
	return STATE_OK;
}

enum state_result state_put(struct state *s, uint8_t ns, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	enum state_result result = begin(s);
	if (result != STATE_OK)
		return result;
	if (key_bytes > STATE_KEY_MAX || value_bytes > STATE_VALUE_MAX)
		return STATE_ERR_TOO_LARGE;
	struct full_key space;
	MDB_val k = full_key(&space, ns, key, key_bytes), v, old = { 0 };
	result = scratch_copy(s, &v, value, value_bytes);
	if (result != STATE_OK)
		return fail(s, result);
	int e = look(s, &k, &old);
	if (e != 0 && e != MDB_NOTFOUND)
		return fail(s, store_failure(e));
	result = undo_note(s, &k, e == 0 ? &old : NULL);
	return result == STATE_OK ? write_over(s, &k, old.mv_size, e == 0, &v) : fail(s, result);
}

enum state_result state_delete(struct state *s, uint8_t ns, const void *key, size_t key_bytes)
{
	enum state_result result = begin(s);
	if (result != STATE_OK)
		return result;
	if (key_bytes > STATE_KEY_MAX)
		return STATE_ERR_TOO_LARGE;
	struct full_key space;
	MDB_val k = full_key(&space, ns, key, key_bytes), old = { 0 };
	int e = look(s, &k, &old);
	if (e == MDB_NOTFOUND)
		return STATE_NONE;
	if (e != 0)
		return fail(s, store_failure(e));
	result = undo_note(s, &k, &old);
	return result == STATE_OK ? write_over(s, &k, old.mv_size, true, NULL) : fail(s, result);
}

/* ---- scanning ---- */

struct scan {
	const MDB_val *prefix; /* with the namespace */
	const MDB_val *after;  /* with the namespace, or NULL */
	state_scan_fn visit;
	void *arg;
	uint32_t limit;
};

static bool begins_with(const MDB_val *key, const MDB_val *prefix)
{
	return key->mv_size >= prefix->mv_size && memcmp(key->mv_data, prefix->mv_data, prefix->mv_size) == 0;
}

static bool equal_keys(const MDB_val *a, const MDB_val *b)
{
	return a->mv_size == b->mv_size && memcmp(a->mv_data, b->mv_data, a->mv_size) == 0;
}

/* In the order of bytes, a key before its extensions. */
static bool is_above(const MDB_val *a, const MDB_val *b)
{
	size_t common = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
	int order = memcmp(a->mv_data, b->mv_data, common);
	return order > 0 || (order == 0 && a->mv_size > b->mv_size);
}

static int scan_run(MDB_cursor *cursor, const struct scan *scan)
{
	MDB_val key = scan->after && is_above(scan->after, scan->prefix) ? *scan->after : *scan->prefix, value;
	int e = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	if (e == 0 && scan->after && equal_keys(&key, scan->after))
		e = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	for (uint32_t n = 0; e == 0 && n < scan->limit && begins_with(&key, scan->prefix); n++) {
		if (!scan->visit(scan->arg, (const uint8_t *)key.mv_data + 1, key.mv_size - 1, value.mv_data, value.mv_size))
			return 0;
		e = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return e == MDB_NOTFOUND ? 0 : e;
}

enum state_result state_scan(struct state *s, uint8_t ns, const void *prefix, size_t prefix_bytes, const void *after, size_t after_bytes, state_scan_fn visit,
                             void *arg, uint32_t limit)
{
	enum state_result result = begin(s);
	if (result != STATE_OK)
		return result;
	if (prefix_bytes > STATE_KEY_MAX || (after && after_bytes > STATE_KEY_MAX))
		return STATE_ERR_TOO_LARGE;
	struct full_key prefix_space, after_space;
	MDB_val p = full_key(&prefix_space, ns, prefix, prefix_bytes);
	MDB_val a = full_key(&after_space, ns, after, after ? after_bytes : 0);
	struct scan scan = { &p, after ? &a : NULL, visit, arg, limit };
	MDB_cursor *cursor;
	int e = mdb_cursor_open(s->txn, s->data, &cursor);
	if (e == 0) {
		e = scan_run(cursor, &scan);
		mdb_cursor_close(cursor);
	}
	return e == 0 ? STATE_OK : fail(s, store_failure(e));
}

/* ---- snapshot ---- */

static int name_by_hash(struct state *s, const struct digest *hash, MDB_val *key)
{
	MDB_val h = { DIGEST_BYTES, (void *)(uintptr_t)hash->b };
	int e = key ? mdb_put(s->txn, s->keys, &h, key, MDB_NOOVERWRITE) : mdb_del(s->txn, s->keys, &h, NULL);
	return e == MDB_KEYEXIST || e == MDB_NOTFOUND ? 0 : e;
}

/* What the touched keys hold now, in the order of their hashes. */
static enum state_result collect(struct state *s, struct trie_change **out)
{
	touched_sort(&s->touched);
	struct trie_change *changes = calloc(s->touched.count ? s->touched.count : 1, sizeof *changes);
	if (!changes)
		return STATE_ERR_MEMORY;
	for (size_t i = 0; i < s->touched.count; i++) {
		const struct touched_key *t = &s->touched.keys[i];
		MDB_val key = { t->key_bytes, s->touched.bytes + t->at }, value;
		int e = mdb_get(s->txn, s->data, &key, &value);
		if (e != 0 && e != MDB_NOTFOUND) {
			free(changes);
			return store_failure(e);
		}
		changes[i].hash = t->hash;
		changes[i].present = e == 0;
		if (e == 0)
			trie_entry_digest(&changes[i].entry, &key, &value);
		e = name_by_hash(s, &t->hash, changes[i].present ? &key : NULL);
		if (e != 0) {
			free(changes);
			return store_failure(e);
		}
	}
	*out = changes;
	return STATE_OK;
}

static enum state_result commit(struct state *s, struct state_meta *meta)
{
	struct trie_change *changes = NULL;
	enum state_result result = collect(s, &changes);
	if (result != STATE_OK)
		return result;
	meta->root = s->meta.root;
	if (s->touched.count > 0)
		result = trie_update(s->txn, s->trie, changes, s->touched.count, &meta->root);
	free(changes);
	if (result == STATE_OK)
		result = about_store(s, meta);
	if (result != STATE_OK)
		return result;
	cursor_close(s);
	int e = mdb_txn_commit(s->txn);
	s->txn = NULL;
	return e == 0 ? STATE_OK : store_failure(e);
}

enum state_result state_snapshot(struct state *s, struct state_meta *meta)
{
	enum state_result result = begin(s);
	if (result == STATE_OK)
		result = commit(s, meta);
	if (result != STATE_OK)
		return fail(s, result);
	s->meta = *meta;
	touched_clear(&s->touched);
	s->room.growth = 0;
	return STATE_OK;
}

enum state_result state_node_read(struct state *s, const uint8_t *path, uint32_t depth, uint8_t out[STATE_NODE_BYTES_MAX], size_t *bytes)
{
	enum state_result result = begin(s);
	if (result != STATE_OK)
		return result;
	if (depth > STATE_PATH_MAX)
		return STATE_ERR_TOO_LARGE;
	uint8_t space[STATE_PATH_MAX + 1];
	MDB_val key = trie_node_key(space, path, depth), v;
	int e = mdb_get(s->txn, s->trie, &key, &v);
	if (e == MDB_NOTFOUND)
		return STATE_NONE;
	if (e != 0)
		return fail(s, store_failure(e));
	if (v.mv_size > STATE_NODE_BYTES_MAX)
		return fail(s, STATE_ERR_DAMAGED);
	memcpy(out, v.mv_data, v.mv_size);
	*bytes = v.mv_size;
	return STATE_OK;
}
