/* quorate_client.h - a client of a Quorate cluster: operations in, agreed results out.
 *
 * An answer counts when f+1 replicas of the genesis say the same, so up to f liars cannot make one. Operations go out in sessions, which give exactly-once:
 * one that timed out may or may not have been executed, and asking again in the same session never executes it twice.
 *
 * A client runs on a thread of its own (then every function may be called from any thread, and the blocking ones may be used), or on a libuv loop that the
 * program gives it (then everything is called on that loop's thread). Callbacks run on the thread that the client runs on, never inside the call that caused
 * them; they may call any function here but the blocking ones and quorate_client_destroy. */
#ifndef QUORATE_CLIENT_H
#define QUORATE_CLIENT_H
#include "quorate.h"

#ifdef __cplusplus
extern "C" {
#endif

struct quorate_client;
struct quorate_session;

/* Zero means the default where one is named. Everything is copied. */
struct quorate_client_options {
	const char *genesis;    /* path of the cluster's genesis                                                                    */
	const char *key;        /* path of the client's key; NULL: a fresh one, in memory                                           */
	const char *passphrase; /* of the key file                                                                                  */
	uint32_t timeout_ms;    /* until an operation is reported as unknown                                            10 s        */
	uint32_t retry_ms;      /* until it is sent to every replica, and again with back-off                            150 ms     */
	uint32_t bundle_ops;    /* operations that may share one signature: what waits is sent together                   1          */
	uint32_t bundles_max;   /* requests of one session in flight; at most the genesis' session window                 32         */
	uint32_t queue_max;     /* operations of one session that may wait                                              65536       */
	struct uv_loop_s *loop; /* NULL: a thread of its own                                                                        */
	void (*log)(void *user, enum quorate_level level, const char *line); /* may be NULL */
	void *log_user;
};

/* How an operation ended. */
struct quorate_answer {
	enum quorate_error error; /* QUORATE_OK: executed, `value` is its answer. QUORATE_REFUSED: definitely not executed. QUORATE_UNKNOWN: no answer in time.
	                             QUORATE_UNREACHABLE: too few replicas answer, and it was never sent. QUORATE_FAILED: the client was stopped.            */
	const void *value;        /* borrowed for the call */
	size_t value_bytes;
	uint64_t session, number; /* the request: quorate_session_ask_again */
	uint16_t index;           /* of the operation in it                  */
	uint64_t seq;             /* place in the one order                  */
	const void *receipt;      /* quorate_submit_receipt, for the whole request; borrowed. NULL: none */
	size_t receipt_bytes;
	const char *reason; /* a sentence when error is not QUORATE_OK, or when a receipt that was asked for is missing; borrowed */
};
typedef void (*quorate_answer_fn)(void *user, const struct quorate_answer *answer);

/* Reads the genesis and the key; connects to nobody yet. Errors: QUORATE_CONFIG, QUORATE_VERIFICATION, QUORATE_FAILED. */
enum quorate_error quorate_client_create(struct quorate_client **out, const struct quorate_client_options *options, char *reason);
enum quorate_error quorate_client_start(struct quorate_client *c, char *reason);
/* What is open ends with QUORATE_UNKNOWN or QUORATE_FAILED; links close; `stopped` (may be NULL) as for quorate_stop. */
void quorate_client_stop(struct quorate_client *c, void (*stopped)(void *user), void *user);
/* Frees a client that is stopped or was never started, with its sessions. NULL is allowed. */
void quorate_client_destroy(struct quorate_client *c);

/* The cluster's size and what this client knows of it.
 *
 * One above the highest number that a member has, in the newest epoch that is known. Numbers below it may be nobody's: quorate_client_org says "" of those. */
uint32_t quorate_client_members(const struct quorate_client *c);
uint32_t quorate_client_quorum(const struct quorate_client *c); /* members that ordering needs */
uint32_t quorate_client_liars(const struct quorate_client *c);  /* of them, how many may lie: 0 of a trusted cluster */
uint32_t quorate_client_links(struct quorate_client *c);        /* members connected now        */
/* The newest epoch that is known. */
uint64_t quorate_client_epoch(struct quorate_client *c);
/* The organization of a member; "" when there is none. */
const char *quorate_client_org(const struct quorate_client *c, uint32_t member);
/* The links of the chain of epochs that it has followed, as quorate_evidence_judge takes them: copies at most `capacity` bytes, returns the true length (0: the
 * cluster is in its first epoch, as far as is known). Threads: any. */
size_t quorate_client_epochs(struct quorate_client *c, void *bytes, size_t capacity);
/* The cluster's id, in hexadecimal (64 digits). */
const char *quorate_client_cluster(const struct quorate_client *c);

/* A session, to be opened by an ordered request; `opened` (may be NULL) hears of it. Operations may be submitted at once: they wait for the opening.
 * NULL: no memory, or the client is stopped. Ownership: quorate_session_close, or the client's end. */
struct quorate_session *quorate_session_open(struct quorate_client *c, quorate_answer_fn opened, void *user);
/* A session of an earlier process, with the same key: `id` and the highest request number that was used in it. */
struct quorate_session *quorate_session_resume(struct quorate_client *c, uint64_t id, uint64_t number);
/* Gives it up, here and in the cluster; what is open ends with QUORATE_UNKNOWN. The handle is gone when this returns. */
void quorate_session_close(struct quorate_session *s);
uint64_t quorate_session_id(const struct quorate_session *s);     /* 0: not yet open        */
uint64_t quorate_session_number(const struct quorate_session *s); /* highest number used     */

/* One operation; `done` is called exactly once. Errors (done is not called): QUORATE_USAGE (too large, no op), QUORATE_FAILED (the queue is full, no memory, the
 * client is stopped). */
enum quorate_error quorate_submit(struct quorate_session *s, const void *op, size_t op_bytes, quorate_answer_fn done, void *user);
/* An operation that changes nothing, without ordering it: q members that say the same make a linearizable answer, as fresh as if it had been ordered. When they
 * differ, or not enough answer within `retry_ms`, or the application takes it for no read, it is ordered in this session instead. Errors as for quorate_submit;
 * at most 4096 at once, beyond which it ends with QUORATE_FAILED. */
enum quorate_error quorate_read(struct quorate_session *s, const void *op, size_t op_bytes, quorate_answer_fn done, void *user);
/* Several operations under one signature, executed in order with nothing between; `done` is called once for each, in order, with its own answer. */
struct quorate_op {
	const void *bytes;
	size_t n;
};
enum quorate_error quorate_submit_bundle(struct quorate_session *s, const struct quorate_op *ops, uint16_t count, quorate_answer_fn done, void *user);
/* As quorate_submit_bundle, and the answer comes with a receipt: at least q members' signatures under this request, its place in the order and its result, which
 * prove to anybody who holds the genesis that it was ordered and ended so (quorate_receipt_verify). f+1 equal answers are the answer here too, but it is told only
 * when q members have signed it; they are asked again until then. When `timeout_ms` is over and some signatures are missing, the answer is told without a receipt:
 * `error` as it is, `receipt` NULL, and `reason` says how many there are; the request may then be asked again (quorate_session_ask_again), which goes on
 * collecting. A refusal that never was in the order has no receipt. A request that fails is shown like one that succeeds.
 *
 * Ownership: `receipt` is borrowed for the call of `done`. Threads and errors as for quorate_submit. */
#define QUORATE_RECEIPT_BYTES_MAX (((size_t)8 << 20) + 8192u)
enum quorate_error quorate_submit_receipt(struct quorate_session *s, const struct quorate_op *ops, uint16_t count, quorate_answer_fn done, void *user);
/* The outcome of request `number`, sent before in this session and ended as unknown: the same bytes are sent again, and it is executed at most once in all.
 * Errors: QUORATE_USAGE when this handle does not hold that request. */
enum quorate_error quorate_session_ask_again(struct quorate_session *s, uint64_t number, quorate_answer_fn done, void *user);
/* Orders a snapshot of the state: `answer.seq` is where it was asked for. QUORATE_PRECONDITION: one was made less than ten seconds ago. */
enum quorate_error quorate_session_snapshot(struct quorate_session *s, quorate_answer_fn done, void *user);

/* Orders an organization's word that its replica may vote again (quorate_readmit_sign). The answer's value is the sequence behind which it does: 8 bytes, the lowest
 * first. QUORATE_PRECONDITION: another change is on its way. QUORATE_VERIFICATION: it is signed by another key, for another epoch, or was used before. */
#define QUORATE_READMIT_BYTES 81
enum quorate_error quorate_session_readmit(struct quorate_session *s, const uint8_t word[QUORATE_READMIT_BYTES], quorate_answer_fn done, void *user);
/* Orders an organization's word that its replica has another key (quorate_rotate_sign), with the same answers. */
#define QUORATE_ROTATE_BYTES 169
enum quorate_error quorate_session_rotate(struct quorate_session *s, const uint8_t word[QUORATE_ROTATE_BYTES], quorate_answer_fn done, void *user);

/* Orders what organizations approve: other members, or another mode (quorate_setup.h, "changes"). The answer's value is as above, or 0 when more of them have to approve.
 * QUORATE_PRECONDITION and QUORATE_VERIFICATION as above. */
#define QUORATE_CHANGE_BYTES_MAX 11423u
enum quorate_error quorate_session_change(struct quorate_session *s, const void *change, size_t n, quorate_answer_fn done, void *user);

/* What member `member` says of itself; not agreed, not verified beyond its link. `standing` is NULL when it does not answer in `timeout_ms`. */
struct quorate_report {
	struct quorate_standing standing;
	uint8_t mode;            /* 1: Byzantine faults, 2: trusted  */
	uint64_t snapshot_asked; /* newest snapshot that it has made or is making */
	uint64_t rtt_us;
};
typedef void (*quorate_report_fn)(void *user, uint32_t member, const struct quorate_report *report);
enum quorate_error quorate_client_ask(struct quorate_client *c, uint32_t member, uint32_t timeout_ms, quorate_report_fn done, void *user);

/* What an organization approves in this epoch, as that member's state has it: the one whose key comes next behind `after` (NULL: the first). Nothing of it is verified:
 * quorate_change_show in quorate_setup.h is. `change` is borrowed for the call, `n` 0: there is no other; NULL: no answer came in `timeout_ms`. Errors as for evidence. */
#define QUORATE_PUBLIC_KEY_BYTES 32
typedef void (*quorate_change_fn)(void *user, uint32_t member, const void *change, size_t n);
enum quorate_error quorate_client_change(struct quorate_client *c, uint32_t member, const uint8_t after[QUORATE_PUBLIC_KEY_BYTES], uint32_t timeout_ms,
                                         quorate_change_fn done, void *user);

/* The evidence that a member keeps of others (docs/protocol.md), one file a question: the first whose name lies behind `after` in the order of bytes; "": the first of
 * all. Nothing of it is verified, and the member may lie: quorate_evidence_judge in quorate_setup.h says what a file proves. A member answers a bounded amount in a
 * second to all who ask. `file` is NULL when no answer comes in `timeout_ms`; it may be asked again. Errors: QUORATE_USAGE (no such member, `after` is no name),
 * QUORATE_FAILED (too many questions at once, no memory, the client is stopped): `done` is not called then. */
#define QUORATE_EVIDENCE_NAME_BYTES 96
#define QUORATE_EVIDENCE_FILES_MAX 256u /* an honest member keeps no more */
struct quorate_evidence_file {
	const char *name; /* of a-z, 0-9, '.', '-'; "": there is no other; borrowed for the call, like the bytes */
	const void *bytes;
	size_t n;
};
typedef void (*quorate_evidence_file_fn)(void *user, uint32_t member, const struct quorate_evidence_file *file);
enum quorate_error quorate_client_evidence(struct quorate_client *c, uint32_t member, const char *after, uint32_t timeout_ms, quorate_evidence_file_fn done,
                                           void *user);

/* ---- blocking, for a client on its own thread; never from a callback ------------------------------------------------------------------------------- */

/* `value` gets at most `capacity` bytes, `*value_bytes` the true length. Returns answer.error; `reason` gets its sentence. */
enum quorate_error quorate_call_wait(struct quorate_session *s, const void *op, size_t op_bytes, void *value, size_t capacity, size_t *value_bytes,
                                     char *reason);
enum quorate_error quorate_read_wait(struct quorate_session *s, const void *op, size_t op_bytes, void *value, size_t capacity, size_t *value_bytes,
                                     char *reason);
/* quorate_submit_receipt with one operation. `receipt` gets at most `receipt_capacity` bytes, `*receipt_bytes` the true length: 0 when there is none, and then
 * `reason` says why, whatever is returned. QUORATE_RECEIPT_BYTES_MAX always suffices. */
enum quorate_error quorate_receipt_wait(struct quorate_session *s, const void *op, size_t op_bytes, void *value, size_t capacity, size_t *value_bytes,
                                        void *receipt, size_t receipt_capacity, size_t *receipt_bytes, char *reason);
/* Waits until the session is open. */
enum quorate_error quorate_session_wait(struct quorate_session *s, uint32_t timeout_ms, char *reason);
/* Waits until at least `links` members are connected; returns how many are after at most `timeout_ms`. */
uint32_t quorate_client_wait(struct quorate_client *c, uint32_t links, uint32_t timeout_ms);

/* ---- receipts, offline ------------------------------------------------------------------------------------------------------------------------------ */

struct quorate_receipt_info {
	char cluster[65]; /* in hexadecimal, as all of these    */
	char client[65];  /* the key that asked                 */
	char request[65]; /* digest of what it asked            */
	uint64_t session, number;
	uint16_t operations; /* of the application; 0: another kind of request */
	const void *ops;     /* borrowed from the receipt: quorate_receipt_next */
	size_t ops_bytes;
	bool executed;
	const char *outcome; /* in words                           */
	const void *values;  /* one for each operation when it was executed; borrowed: quorate_receipt_next */
	size_t values_bytes;
	uint64_t epoch, seq; /* its place in the one order         */
	uint32_t signers, members;
	uint64_t signed_by; /* bit i: member i                    */
	uint32_t placed;    /* of them, how many say the next two; 0: nobody, and they are empty */
	char proposal[65], chain[65];
	char org[64][64]; /* of each member that signed         */
};
/* What a receipt proves, to anybody who holds the genesis. Requires: nothing of the bytes; the file `genesis` is believed.
 *
 * Errors: QUORATE_VERIFICATION (it proves nothing; `out` is then empty), QUORATE_CONFIG (the genesis cannot be read), QUORATE_FAILED. Threads: any. */
enum quorate_error quorate_receipt_verify(const void *receipt, size_t n, const char *genesis, struct quorate_receipt_info *out, char *reason);
/* Walks operations or values: false at the end. */
bool quorate_receipt_next(const void **at, size_t *left, const void **bytes, size_t *n);

#ifdef __cplusplus
}
#endif
#endif
