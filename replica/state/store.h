/* replica/state/store.h - the inside of struct state, for store.c, undo.c, touched.c, room.c and trie.c. */
#ifndef REPLICA_STATE_STORE_H
#define REPLICA_STATE_STORE_H
#include "replica/state/state.h"

#include <lmdb.h>

struct undo { /* one old value; its bytes stand in the log of bytes: key, then value */
	size_t at;
	size_t value_bytes;
	uint16_t key_bytes; /* with the namespace */
	bool existed;
};

struct touched_key {
	struct digest hash;
	size_t at; /* in touched.bytes */
	uint16_t key_bytes;
};
struct touched_place {
	uint64_t tag[2]; /* SipHash, 128 bits */
	uint32_t key;    /* 1 + index into keys; 0: free */
};
/* Keys changed since the last snapshot, each once. They are told apart by SipHash alone, under a secret drawn at the start: so a key that is there costs one look, and
 * there is nothing to grind collisions for. */
struct touched {
	uint8_t secret[16];
	struct touched_key *keys;
	size_t count, capacity;
	struct touched_place *place; /* open addressing, a power of two, at most half full */
	size_t places;
	uint8_t *bytes;
	size_t bytes_used, bytes_capacity;
};

struct state {
	MDB_env *env;
	MDB_txn *txn;                    /* open from the first use after a snapshot */
	MDB_cursor *cursor;              /* of `data`, as long as that; NULL until it is needed */
	MDB_dbi data, trie, keys, about; /* keys: H(key) -> key, for those who know an entry by its place in the tree */
	enum state_result failure;       /* STATE_OK, or final */
	struct state_meta meta;
	uint64_t counts[256];
	uint64_t bytes;

	uint32_t marks;
	struct undo *undo;
	size_t undo_count, undo_capacity;
	uint8_t *undo_bytes;
	size_t undo_bytes_used, undo_bytes_capacity;
	struct touched touched;
	struct {
		uint64_t growth;   /* of the file by what came since the snapshot, estimated high */
		uint64_t reserved; /* up to here the file has its blocks                          */
	} room;
	uint8_t *scratch; /* a value on its way in; at most STATE_VALUE_MAX */
	size_t scratch_bytes;
};

/* One entry of the tree that changes: a digest, or gone. */
struct trie_change {
	struct digest hash, entry;
	bool present;
};

enum state_result store_failure(int mdb_error);
/* Entries of all namespaces, as the file has them. */
uint64_t store_view_entries(const struct state_view *v);
bool store_about_read(const MDB_val *v, struct state_meta *meta, uint64_t *bytes, uint64_t counts[256]);
/* Puts or deletes (value NULL) without undo, with counts and touching. `key` begins with the namespace. */
enum state_result store_write(struct state *s, const MDB_val *key, const MDB_val *value);

void room_note(struct state *s, size_t old_bytes, bool existed, size_t value_bytes);

enum state_result undo_note(struct state *s, const MDB_val *key, const MDB_val *old);
void undo_free(struct state *s);

/* Draws the secret. */
void touched_init(struct touched *t);
/* False: no memory. */
bool touched_add(struct touched *t, const MDB_val *key);
/* Sorts by hash, for good: nothing can be added before touched_clear. */
void touched_sort(struct touched *t);
void touched_clear(struct touched *t);
void touched_free(struct touched *t);

void trie_key_hash(struct digest *out, const void *key, size_t key_bytes);
void trie_entry_digest(struct digest *out, const MDB_val *key, const MDB_val *value);
void trie_empty_root(struct digest *out);
/* Applies changes, sorted by hash and without repetitions. */
enum state_result trie_update(MDB_txn *txn, MDB_dbi dbi, const struct trie_change *changes, size_t count, struct digest *root);
MDB_val trie_node_key(uint8_t space[STATE_PATH_MAX + 1], const uint8_t *path, uint32_t depth);
#endif
