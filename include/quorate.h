/* quorate.h - a replica, embedded: the whole server interface of Quorate.
 *
 * A program gives a table of callbacks (struct quorate_app) that executes operations deterministically, and options that say who this replica is. The engine
 * orders, stores, executes and answers. It runs on a thread of its own, or on a libuv loop that the program gives it. It has no globals, installs no signal
 * handler, prints nothing and never ends the process.
 *
 * Errors are values; functions that can fail fill `reason` (QUORATE_REASON_BYTES, may be NULL) with one sentence.
 * Strings are UTF-8, copied, and never kept by the engine. Sizes are bytes, times milliseconds unless the name says otherwise. */
#ifndef QUORATE_H
#define QUORATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUORATE_REASON_BYTES 512
#define QUORATE_KEY_BYTES 32
#define QUORATE_DIGEST_BYTES 32
#define QUORATE_STATE_KEY_MAX 480u         /* bytes of a key in the replicated state   */
#define QUORATE_STATE_VALUE_MAX (2u << 20) /* bytes of a value in the replicated state */

/* The version of the library that is linked, as "major.minor.patch". */
const char *quorate_version(void);

enum quorate_error {
	QUORATE_OK = 0,
	QUORATE_FAILED,       /* the world: disk, memory, socket                                        */
	QUORATE_USAGE,        /* the caller: a pointer, an argument, a call in the wrong order           */
	QUORATE_CONFIG,       /* what the options name cannot be used: keys, genesis, folder, addresses  */
	QUORATE_UNREACHABLE,  /* client: too few replicas answer                                         */
	QUORATE_UNKNOWN,      /* client: no answer in time; the operation may or may not be executed     */
	QUORATE_PRECONDITION, /* what was expected is not so; nothing was changed                        */
	QUORATE_VERIFICATION, /* a signature, digest or proof is wrong                                   */
	QUORATE_SAFETY,       /* replicas contradict one another, or this one contradicts itself         */
	QUORATE_REFUSED,      /* client: a definite refusal; it was not executed                         */
};
const char *quorate_error_text(enum quorate_error error);

/* ---- the application -------------------------------------------------------------------------------------------------------------------------------- */

/* The replicated state: ordered keys and values, the same on every honest replica after the same sequence. Valid during a callback only. */
struct quorate_state;
/* Where a callback puts its answer. */
struct quorate_reply;

/* One operation. Everything here is agreed: a result that follows from it and from the state alone is the same on every replica. */
struct quorate_call {
	struct quorate_state *state;
	const void *op; /* as the client gave it; borrowed */
	size_t op_bytes;
	uint64_t seq;          /* place in the one order                               */
	uint64_t time_ms;      /* agreed time (Unix epoch); never falls                */
	const uint8_t *client; /* QUORATE_KEY_BYTES: whose signature verified          */
	uint64_t session, number;
	uint16_t index; /* of this operation in its request                     */
};

struct quorate_app {
	void *user;
	/* Executes one operation. Must be deterministic: no clock, no randomness, no environment, no floating point whose result differs between machines.
	 * An operation that it does not understand gets an answer that says so.
	 *
	 * Returns 0, or nonzero when the machine failed (memory, a state function that returned QUORATE_STATE_FAILED): the replica then stops without
	 * answering, because a local failure is never a result. Threads: the engine's. */
	int (*execute)(void *user, const struct quorate_call *call, struct quorate_reply *reply);
	/* Carries out an operation that changes nothing, on the state as it is, for reads that are not ordered; NULL: every operation is ordered. Must give what
	 * `execute` would give on the same state, and depend on nothing but `call->op`, `call->client` and the state: replicas that are at different sequences must
	 * give the same bytes. Returns 0; or nonzero for an operation that is no read, which is then ordered. Threads: the engine's. */
	int (*read)(void *user, const struct quorate_call *call, struct quorate_reply *reply);
};

/* Appends to the operation's answer. False when the request's answers together would exceed 2 MiB: the engine then undoes the whole request and answers
 * that it was too large, whatever else `execute` does. */
bool quorate_reply_add(struct quorate_reply *reply, const void *bytes, size_t n);

enum quorate_state_result {
	QUORATE_STATE_OK,
	QUORATE_STATE_NONE,      /* there is no such key                                                      */
	QUORATE_STATE_TOO_LARGE, /* key or value over the limits above; nothing was changed                    */
	QUORATE_STATE_FULL,      /* the agreed size of the state would be exceeded; nothing was changed        */
	QUORATE_STATE_FAILED,    /* this machine failed: `execute` returns nonzero                             */
};
/* `*value` is borrowed until the next change of the state. */
enum quorate_state_result quorate_state_get(struct quorate_state *s, const void *key, size_t key_bytes, const void **value, size_t *value_bytes);
enum quorate_state_result quorate_state_put(struct quorate_state *s, const void *key, size_t key_bytes, const void *value, size_t value_bytes);
enum quorate_state_result quorate_state_delete(struct quorate_state *s, const void *key, size_t key_bytes);
/* Visits at most `limit` entries whose key begins with `prefix`, in the order of bytes, after the key `after` (NULL: from the first). The visitor must not
 * change the state; false ends the scan. */
typedef bool (*quorate_scan_fn)(void *arg, const void *key, size_t key_bytes, const void *value, size_t value_bytes);
enum quorate_state_result quorate_state_scan(struct quorate_state *s, const void *prefix, size_t prefix_bytes, const void *after, size_t after_bytes,
                                             quorate_scan_fn visit, void *arg, uint32_t limit);
uint64_t quorate_state_count(const struct quorate_state *s);
/* Several changes that are kept or undone together. Marks nest and end in reverse order. A mark that `execute` leaves open is released for it. */
struct quorate_mark {
	size_t opaque;
};
struct quorate_mark quorate_state_mark(struct quorate_state *s);
void quorate_state_release(struct quorate_state *s, struct quorate_mark mark);
enum quorate_state_result quorate_state_rollback(struct quorate_state *s, struct quorate_mark mark);

/* ---- a replica --------------------------------------------------------------------------------------------------------------------------------------- */

struct quorate;
struct uv_loop_s;

enum quorate_durability {
	QUORATE_DURABILITY_FLUSH = 0, /* what is acknowledged survives power loss                                   */
	QUORATE_DURABILITY_OS = 1,    /* it survives the process; after a power loss the replica is an observer      */
};

enum quorate_level { QUORATE_LEVEL_INFO, QUORATE_LEVEL_WARNING, QUORATE_LEVEL_ERROR };

/* Zero means the default where one is named. Everything is copied. */
struct quorate_options {
	const char *genesis;    /* path of the cluster's genesis                                                     */
	const char *member_key; /* path of this replica's key                                                        */
	const char *tls_key;    /* path of its TLS key                                                               */
	const char *passphrase; /* of both key files; NULL when they are in the clear                                */
	const char *data;       /* folder, prepared by quorate_format                                                */
	const char *listen;     /* "host:port"; NULL: the first address of this replica's card                       */
	const char *epochs;     /* quorate_format: the chain of epochs, for a member that is not in the genesis; NULL for others */
	bool lost;              /* quorate_format: this replica ran before and has lost its data, so it begins as an observer */
	enum quorate_durability durability;
	uint32_t verifiers;     /* threads that check signatures; 0: the loop does                                   */
	uint64_t state_bytes;   /* most that the state's file may take                                   16 GiB      */
	uint32_t segment_bytes; /* of the log, at quorate_format                                         64 MiB      */
	uint32_t requests_max;  /* requests held at once                                                 16384       */
	uint32_t clients_max;   /* client connections                                                    1024        */
	uint64_t memory_bytes;  /* most that requests and proposals may take in memory                   256 MiB     */
	/* Trusted mode: as leader it answers reads by itself while a majority has promised to follow it, which is right only while no replica's monotonic clock runs
	 * faster or slower than true time by more than so many percent, or stands still (a machine that is suspended): docs/security.md. 1 to 20; 0: it asks a majority. */
	uint32_t lease_drift_percent;
	struct uv_loop_s *loop; /* NULL: a thread of its own                                                         */
	/* One line for the operator's log, without a newline; at most a few a second. May be NULL. Threads: the engine's. */
	void (*log)(void *user, enum quorate_level level, const char *line);
	void *log_user;
};

/* Prepares the data folder `options->data` for the replica that the keys name, once. Never touches a folder that holds a superblock.
 *
 * Errors: QUORATE_CONFIG (keys, genesis; the keys are not of this genesis; the folder is in use or formatted already), QUORATE_FAILED. */
enum quorate_error quorate_format(const struct quorate_options *options, char *reason);

/* Reads keys, genesis and superblock, opens log and state, recovers them, executes again what the log holds, and listens. Nothing runs yet.
 *
 * Errors: QUORATE_CONFIG: a file cannot be used, the folder is another cluster's or another running process's, the port is in use;
 * QUORATE_VERIFICATION: the library's own signatures fail their test vectors; QUORATE_SAFETY: executing the log again gave another result;
 * QUORATE_FAILED. *out is then NULL. Threads: with options->loop, the loop's. */
enum quorate_error quorate_create(struct quorate **out, const struct quorate_options *options, const struct quorate_app *app, char *reason);
/* Takes part, on its own thread or on the loop given. Once. */
enum quorate_error quorate_start(struct quorate *q, char *reason);
/* Stops in good order: no new work, what is queued reaches the log, links close. `stopped` (may be NULL) is called when nothing runs any more: from the loop, or,
 * with a thread of its own, before quorate_stop returns. Safe to call in any state. */
void quorate_stop(struct quorate *q, void (*stopped)(void *user), void *user);
/* Frees a replica that is stopped or was never started. NULL is allowed. */
void quorate_destroy(struct quorate *q);
/* The port listened on. */
uint16_t quorate_port(const struct quorate *q);

enum quorate_role { QUORATE_LEADER = 1, QUORATE_BACKUP, QUORATE_OBSERVER };
struct quorate_standing {
	enum quorate_role role;
	uint32_t id; /* member index */
	uint64_t epoch, view;
	uint32_t leader;
	uint64_t incarnation; /* of an observer that lost its memory: as which it may be let in again; else 0 */
	bool changing;        /* it has left the view before and waits for this one to begin: nothing is ordered meanwhile */
	uint64_t executed, stable, snapshot;
	uint64_t damaged_from, damaged_to;          /* of an observer: its log lost something around these sequences; else 0 */
	uint64_t time_ms;                           /* agreed time at `executed` (Unix epoch); never falls        */
	uint8_t chain[QUORATE_DIGEST_BYTES];        /* at `executed`                                          */
	uint8_t state_digest[QUORATE_DIGEST_BYTES]; /* root of the snapshot                                    */
	bool failed;                                /* it has stopped by itself: `trouble` says why            */
	char trouble[256];                          /* what needs the operator; "" when nothing does           */
};
/* Threads: any. */
void quorate_standing(struct quorate *q, struct quorate_standing *out);

#ifdef __cplusplus
}
#endif
#endif
