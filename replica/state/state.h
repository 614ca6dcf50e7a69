/* replica/state/state.h - the replicated state: keys and values as of one executed sequence, with a root that all honest replicas compute alike.
 *
 * Everything since the last snapshot lives in one open write transaction: execution reads its own writes, and a crash goes back to that snapshot, from which
 * the log is executed again. state_snapshot names the sequence in the same transaction, so the state never disagrees with what it says it is.
 *
 * Local failure (map or disk full, I/O, memory) is never a result of an operation: it is final for this handle, every later call returns it again, and the
 * replica stops (design section 4). The state may be lost: state_drop, then transfer.
 *
 * Threads: one, and always the same from the first change after a snapshot to the next snapshot (LMDB's rule for write transactions). A file may be open once
 * in a process. */
#ifndef REPLICA_STATE_STATE_H
#define REPLICA_STATE_STATE_H
#include "crypto/digest.h"

#define STATE_KEY_MAX 480u
#define STATE_VALUE_MAX (2u << 20)
#define STATE_UNDO_BYTES_MAX ((size_t)1 << 30)
#define STATE_ENTRY_CHARGE 64u /* bytes that an entry counts beside its key and value: see state_bytes */
#define STATE_REASON_BYTES 256u

#define STATE_USER 'u'
#define STATE_SESSION 's'
#define STATE_SYSTEM 'm' /* what a snapshot says about itself beside its place: "time", u64 ms */

struct state;

enum state_result {
	STATE_OK,
	STATE_NONE,          /* get, delete, node_read: there is no such thing          */
	STATE_ERR_TOO_LARGE, /* key or value: the caller's mistake; nothing was changed */
	/* Local failures: */
	STATE_ERR_FULL,  /* the map; its size is the configuration's */
	STATE_ERR_SPACE, /* the disk                                 */
	STATE_ERR_IO,
	STATE_ERR_MEMORY,
	STATE_ERR_DAMAGED, /* not a state, or one that contradicts itself */
};
const char *state_text(enum state_result result);

struct state_options {
	size_t map_bytes; /* most that the file may take; rounded down to pages */
	bool no_sync;     /* for the simulator alone, whose folder is in memory: power loss may corrupt the file, not only lose what is new */
};

/* What the newest snapshot says about itself. All zero before the first, but for the root of the empty state. */
struct state_meta {
	uint64_t seq;
	uint64_t time_ms;    /* agreed time after it */
	struct digest chain; /* after it             */
	struct digest root;
};

/* Opens or creates the file `path` (beside it LMDB keeps "path-lock"). `reason` gets a sentence for every error. */
enum state_result state_open(struct state **out, const char *path, const struct state_options *options, char reason[STATE_REASON_BYTES]);
/* Forgets what came after the last snapshot. NULL is allowed. */
void state_close(struct state *s);
/* Removes the file of a closed state. Zero or -errno; that it does not exist is no error. */
int state_drop(const char *path);

struct state_meta state_meta(const struct state *s);

/* Whether the newest snapshot is what its root says: every node, every key, every value, and nothing beside them. Requires: nothing has changed since the opening.
 * STATE_ERR_DAMAGED: it is not, and `reason` says what is wrong. Cost: two lookups and two digests an entry. */
enum state_result state_audit(struct state *s, char reason[STATE_REASON_BYTES]);

/* `*value` is borrowed until the next put, delete, rollback or snapshot. */
enum state_result state_get(struct state *s, uint8_t ns, const void *key, size_t key_bytes, const void **value, size_t *value_bytes);
/* `value` may be borrowed from this state. */
enum state_result state_put(struct state *s, uint8_t ns, const void *key, size_t key_bytes, const void *value, size_t value_bytes);
enum state_result state_delete(struct state *s, uint8_t ns, const void *key, size_t key_bytes);

/* Key and value are borrowed for the call, which must not change the state. False ends the scan. */
typedef bool (*state_scan_fn)(void *arg, const void *key, size_t key_bytes, const void *value, size_t value_bytes);
/* Visits at most `limit` entries whose key begins with `prefix`, in the order of bytes, after the key `after` (NULL: from the first). */
enum state_result state_scan(struct state *s, uint8_t ns, const void *prefix, size_t prefix_bytes, const void *after, size_t after_bytes, state_scan_fn visit,
                             void *arg, uint32_t limit);

/* Entries of one namespace; and the logical size of all: keys, values and STATE_ENTRY_CHARGE each. Both follow from the set of entries alone, so execution
 * may judge by them. */
uint64_t state_count(const struct state *s, uint8_t ns);
uint64_t state_bytes(const struct state *s);

/* A unit that can be undone. Marks nest and end in reverse order, each by release (keep) or rollback (undo all since). While one is open the old values are
 * kept in memory; more than STATE_UNDO_BYTES_MAX is a local failure, so execution bounds a unit by an agreed limit below it. */
struct state_mark {
	size_t undo;
};
struct state_mark state_mark(struct state *s);
void state_release(struct state *s, struct state_mark mark);
enum state_result state_rollback(struct state *s, struct state_mark mark);
/* Bytes kept for undoing: follows from the changes since the outermost mark, so execution may judge by it. */
size_t state_undo_bytes(const struct state *s);

/* Brings the tree up to date, stores `meta` (its root is filled in) and commits. Requires: no mark is open.
 * Cost: one tree path per key touched since the last, in the order of their hashes. */
enum state_result state_snapshot(struct state *s, struct state_meta *meta);

/* Takes the disk space that the next snapshot may need when `coming` more bytes are executed before it; that of a disk cannot be met a step ahead otherwise.
 * False: the disk is full. Nothing is lost and nothing final: ask again later, and change nothing until then. */
bool state_room(struct state *s, size_t coming);

/* The tree, for state transfer: 16-ary, by H(DOMAIN_STATE_KEY, ns | key); a subtree of at most STATE_LEAF_ENTRIES entries is one leaf, so its shape follows
 * from the set of entries alone.
 *   leaf  = u8 0 | u8 count | count * (key hash 32 | entry digest 32), by key hash         digest: H(DOMAIN_STATE_LEAF, the pairs)
 *   inner = u8 1 | 16 * (u64 entries below | digest 32), both zero where there are none    digest: H(DOMAIN_STATE_NODE, the 16 digests)
 *   entry digest = H(DOMAIN_STATE_ENTRY, u32 length of ns | key, ns | key, value) */
#define STATE_LEAF_ENTRIES 16u
#define STATE_PATH_MAX 64u
#define STATE_NODE_BYTES_MAX (2u + STATE_LEAF_ENTRIES * 64u)
/* The node at `path` (`depth` nibbles, one a byte) as of the last snapshot; *bytes of it in `out`. */
enum state_result state_node_read(struct state *s, const uint8_t *path, uint32_t depth, uint8_t out[STATE_NODE_BYTES_MAX], size_t *bytes);

/* Takes a node apart: its digest, and for a leaf the pairs (key hash, entry digest), for an inner one the children's digests (zero: nothing there). False: it is
 * no node. Counts of entries are not in the digest: nobody may rely on them. */
struct state_node {
	bool leaf;
	uint32_t count; /* of a leaf's entries */
	struct digest hash[STATE_LEAF_ENTRIES], entry[STATE_LEAF_ENTRIES];
	struct digest child[16];
	struct digest digest;
};
bool state_node_parse(struct state_node *out, const uint8_t *bytes, size_t n);
void state_key_hash(struct digest *out, const void *full_key, size_t n); /* full_key: ns | key */
void state_entry_digest(struct digest *out, const void *full_key, size_t key_bytes, const void *value, size_t value_bytes);
void state_empty_root(struct digest *out);

/* The state as of the newest snapshot at the time of opening, whatever comes after: for serving it. Holds pages of the file that would be used again, so it is
 * not kept for long. Threads: the state's. */
struct state_view;
enum state_result state_view_open(struct state_view **out, struct state *s);
void state_view_close(struct state_view *v);
struct state_meta state_view_meta(const struct state_view *v);
enum state_result state_view_node(struct state_view *v, const uint8_t *path, uint32_t depth, uint8_t out[STATE_NODE_BYTES_MAX], size_t *bytes);
/* The entry whose full key has this hash; borrowed until the view is closed. */
enum state_result state_view_entry(struct state_view *v, const struct digest *hash, const void **full_key, size_t *key_bytes, const void **value,
                                   size_t *value_bytes);
/* The full key of an entry as it is now; borrowed until the next change. */
enum state_result state_key_by_hash(struct state *s, const struct digest *hash, const void **full_key, size_t *key_bytes);
/* A copy of the newest snapshot in a new file. Zero or an errno. */
int state_copy(struct state *s, const char *path);
#endif
