/* client/core.h - the client without clock, socket and thread: what it is told, what it sends, and whom it answers.
 *
 * The library (client.c) gives it libuv's world, the simulator gives it virtual time. Members are told apart by the caller, whose links are bound to their
 * keys, so a reply's signature is not looked at: f+1 members that say the same are an answer (design section 9). Only who asks for a receipt has the signatures
 * checked, and waits for q of them.
 *
 * A wake-up is: client_core_time, then any calls, then client_core_tick. What is submitted goes out in the tick, so what came together may share a signature.
 * Callbacks run within client_core_frame, client_core_tick and client_core_stop, never within the other functions; they may call everything but those,
 * client_core_link and client_core_destroy.
 *
 * Memory: tables at creation; beside them only what the caller opens, submits (within queue_max a session) and asks. Nothing is sized by a replica. */
#ifndef CLIENT_CORE_H
#define CLIENT_CORE_H
#include "bft/bundle.h"
#include "bft/epoch_link.h"
#include "bft/evidence_list.h"
#include "bft/genesis.h"
#include "bft/standing.h"
#include "net/queue.h"
#include "quorate_client.h"

#define CLIENT_KEPT_MAX 64u                                                 /* unknown requests of one session that can be asked again      */
#define CLIENT_KEPT_BYTES_MAX ((size_t)16 << 20)                            /* and their bytes together, if they are more than one          */
#define CLIENT_READS_MAX 4096u                                              /* reads without ordering at once                               */
#define CLIENT_ASKS_MAX 1024u                                               /* reports asked for at once                                    */
#define CLIENT_CHECKS_MAX 8u                                                /* signatures of one member looked at for one receipt            */
#define CLIENT_ATTACH_MAX 512u                                              /* sessions in one ATTACH                                       */
#define CLIENT_VOID_MS 30000u                                               /* an opening is void so long after it was made                 */
#define CLIENT_BACK_OFF_MS_MAX 2000u                                        /* between two times that a request is sent                     */
#define CLIENT_AGAIN_MAX 64u                                                /* sent again at once, ... */
#define CLIENT_AGAIN_MS 32u                                                 /* one more each time so long passes, ... */
#define CLIENT_AGAIN_ANSWERS 16u                                            /* and each time that so many were answered              */
#define CLIENT_TICK_BUNDLES 64u                                             /* made in one tick: signing may not hold the loop              */
#define CLIENT_OP_BYTES_MAX (BFT_BUNDLE_BYTES_MAX - BUNDLE_HEAD_BYTES - 4u) /* one operation alone in a bundle */

struct client_core;
/* Valid until client_session_close, or the core's end. */
struct client_session;

/* Zero means the default that include/quorate_client.h names. */
struct client_core_options {
	const struct bft_genesis *genesis; /* borrowed for the core's life */
	struct digest cluster;
	const struct sign_scheme *scheme;
	struct public_key key;
	struct secret_key secret;
	uint32_t timeout_ms, retry_ms, bundle_ops, bundles_max, queue_max;
	uint32_t shown; /* one request in so many goes to every replica at once */
	void *user;
	/* Queue one frame, copied. False: it was dropped; it will be sent again. */
	bool (*send)(void *user, uint32_t member, enum net_class class, const uint8_t *frame, size_t n);
	void (*fill_random)(void *user, void *out, size_t n);
	/* A member sent what no honest one does. At most CLIENT_CHECKS_MAX times a request. May be NULL; must call nothing. `what` lives for ever. */
	void (*liar)(void *user, uint32_t member, const char *what);
	/* The session's id, highest number or kept requests have changed; before any callback that tells of it. May be NULL; must call nothing that changes. */
	void (*changed)(void *user, struct client_session *s);
	/* A later epoch is known: client_core_key may say something else. May be NULL; must call nothing that changes. */
	void (*keys_changed)(void *user);
};

/* NULL: no memory. */
struct client_core *client_core_create(const struct client_core_options *options);
/* Ends everything without a word: see client_core_stop. */
void client_core_destroy(struct client_core *c);

/* mono_ms never goes back, or is taken as standing still; wall_ms may. */
void client_core_time(struct client_core *c, uint64_t mono_ms, uint64_t wall_ms);
void client_core_link(struct client_core *c, uint32_t member, bool up);
/* One frame from a member. False: no honest replica sends that; it was ignored. */
bool client_core_frame(struct client_core *c, uint32_t member, const uint8_t *bytes, size_t n);
/* The same for a link that shows another key than client_core_key: it is asked for the chain of epochs, and for what it says of itself. */
void client_core_stranger(struct client_core *c, uint32_t member, bool up);
bool client_core_stranger_frame(struct client_core *c, uint32_t member, const uint8_t *bytes, size_t n);
void client_core_tick(struct client_core *c, uint64_t mono_ms, uint64_t wall_ms);
/* mono_ms at which client_core_tick is wanted; UINT64_MAX: not before something happens. */
uint64_t client_core_deadline(const struct client_core *c);
/* Ends what is open: QUORATE_UNKNOWN when it was sent, QUORATE_FAILED when not. Nothing can be submitted any more. */
void client_core_stop(struct client_core *c);
/* Who leads, as far as f+1 members' replies say. */
uint32_t client_core_leader(const struct client_core *c);

/* In the newest epoch that is known here: the card of a member (NULL: nobody has that number; else it stays where it is while the core lives), who the members are,
 * a member's key, and which epoch that is. Borrowed until keys_changed. */
const struct bft_card *client_core_card(const struct client_core *c, uint32_t member);
const struct bft_roster *client_core_roster(const struct client_core *c);
const struct public_key *client_core_key(const struct client_core *c, uint32_t member);
uint64_t client_core_epoch(const struct client_core *c);
/* The links of the chain from epoch 2 to `epoch`; NULL: they are not at hand. Borrowed until the next one is followed. */
const uint8_t *client_core_links(const struct client_core *c, bft_epoch epoch, size_t *n);

/* ---- sessions: include/quorate_client.h has the meaning ---- */

/* NULL: no memory, or stopped. */
struct client_session *client_session_open(struct client_core *c, quorate_answer_fn opened, void *user);
struct client_session *client_session_resume(struct client_core *c, uint64_t id, uint64_t number);
void client_session_close(struct client_session *s);
uint64_t client_session_id(const struct client_session *s);
uint64_t client_session_number(const struct client_session *s);
/* Operations that wait: at most queue_max. */
uint32_t client_session_waiting(const struct client_session *s);
/* It is not opened and will not be, or it was closed by the cluster: what is submitted is answered with the error. */
bool client_session_dead(const struct client_session *s);
/* Numbers of requests that can be asked again, oldest first. */
uint32_t client_session_kept(const struct client_session *s, uint64_t numbers[CLIENT_KEPT_MAX]);
/* For the caller's own use; NULL at first. */
void client_session_set_owner(struct client_session *s, void *owner);
void *client_session_owner(const struct client_session *s);

enum quorate_error client_session_submit(struct client_session *s, const void *op, size_t op_bytes, quorate_answer_fn done, void *user);
/* Without ordering, as long as the members agree; else in the session's order. */
enum quorate_error client_session_read(struct client_session *s, const void *op, size_t op_bytes, quorate_answer_fn done, void *user);
enum quorate_error client_session_submit_bundle(struct client_session *s, const struct quorate_op *ops, uint16_t count, quorate_answer_fn done, void *user);
/* Its answer waits for a receipt: include/quorate_client.h. */
enum quorate_error client_session_submit_receipt(struct client_session *s, const struct quorate_op *ops, uint16_t count, quorate_answer_fn done, void *user);
enum quorate_error client_session_snapshot(struct client_session *s, quorate_answer_fn done, void *user);
/* `word`: readmit_encode's. The answer's value is the u64 sequence behind which the next epoch begins. */
enum quorate_error client_session_readmit(struct client_session *s, const uint8_t word[READMIT_BYTES], quorate_answer_fn done, void *user);
/* `word`: rotate_encode's. */
enum quorate_error client_session_rotate(struct client_session *s, const uint8_t word[ROTATE_BYTES], quorate_answer_fn done, void *user);
/* `word`: reconfigure_encode's. The answer's value is the same, or 0: more organizations have to approve. */
enum quorate_error client_session_reconfigure(struct client_session *s, const uint8_t *word, uint32_t n, quorate_answer_fn done, void *user);
/* `done` is called for each operation of that request. */
enum quorate_error client_session_ask_again(struct client_session *s, uint64_t number, quorate_answer_fn done, void *user);

/* The same in two steps, for a caller whose threads make work and whose loop takes it. Making touches no core. NULL: no memory. */
struct client_work;
/* QUORATE_OK, or QUORATE_USAGE: no operation, too many, too large. */
enum quorate_error client_work_check(const struct quorate_op *ops, uint32_t count);
/* Requires: client_work_check says QUORATE_OK; `alone`: it shares its signature with nothing. */
struct client_work *client_work_create(const struct quorate_op *ops, uint16_t count, bool alone, quorate_answer_fn done, void *user);
struct client_work *client_work_create_receipt(const struct quorate_op *ops, uint16_t count, quorate_answer_fn done, void *user);
struct client_work *client_work_create_snapshot(quorate_answer_fn done, void *user);
struct client_work *client_work_create_readmit(const uint8_t word[READMIT_BYTES], quorate_answer_fn done, void *user);
struct client_work *client_work_create_rotate(const uint8_t word[ROTATE_BYTES], quorate_answer_fn done, void *user);
struct client_work *client_work_create_reconfigure(const uint8_t *word, uint32_t n, quorate_answer_fn done, void *user);
/* Takes ownership of `work` whatever it returns: QUORATE_OK, or QUORATE_FAILED (the queue is full, stopped): `done` is not called then. */
enum quorate_error client_session_put(struct client_session *s, struct client_work *work);
/* Answers that whole work with `error`, and frees it. `reason` is one sentence. */
void client_work_end(struct client_work *work, uint64_t session, enum quorate_error error, const char *reason);
uint32_t client_work_ops(const struct client_work *work);

/* ---- reports ---- */

/* `standing` is NULL when it does not answer in time. */
typedef void (*client_report_fn)(void *user, uint32_t member, const struct standing *standing);
/* QUORATE_USAGE: no such member; QUORATE_FAILED: too many at once, no memory, stopped. `timeout_ms` 0: the core's own. */
enum quorate_error client_core_ask(struct client_core *c, uint32_t member, uint32_t timeout_ms, client_report_fn done, void *user);

/* What the organization approves in this epoch whose key comes next behind `after` (zeros: the first): bytes of bft/reconfigure.h, of which nothing is verified but their
 * shape. `n` is 0 when there is no other; `bytes` NULL when no answer comes in time. */
typedef void (*client_voice_fn)(void *user, uint32_t member, const uint8_t *bytes, size_t n);
/* Errors as for client_core_ask. */
enum quorate_error client_core_ask_voice(struct client_core *c, uint32_t member, const struct public_key *after, uint32_t timeout_ms, client_voice_fn done,
                                         void *user);

/* The member's next file of evidence behind that name; nothing of it is verified. `answer` is NULL when none comes in time, its name "" when there is no other. */
typedef void (*client_evidence_fn)(void *user, uint32_t member, const struct evidence_answer *answer);
/* Errors as for client_core_ask; QUORATE_USAGE too when `after` is no name. */
enum quorate_error client_core_ask_evidence(struct client_core *c, uint32_t member, const char *after, uint32_t timeout_ms, client_evidence_fn done,
                                            void *user);
#endif
