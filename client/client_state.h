/* client/client_state.h - what the files of the library over libuv share: the core on its loop, and the calls that other threads hand to it. */
#ifndef CLIENT_CLIENT_STATE_H
#define CLIENT_CLIENT_STATE_H
#include "client/core.h"
#include "net/net.h"

#include <stdatomic.h>
#include <uv.h>

enum client_phase { CLIENT_CREATED, CLIENT_RUNNING, CLIENT_STOPPING, CLIENT_STOPPED };

enum client_call_kind {
	CLIENT_CALL_OPEN,
	CLIENT_CALL_RESUME,
	CLIENT_CALL_CLOSE,
	CLIENT_CALL_WORK,
	CLIENT_CALL_AGAIN,
	CLIENT_CALL_ASK,
	CLIENT_CALL_EVIDENCE,
	CLIENT_CALL_VOICE,
	CLIENT_CALL_READ
};

/* What a thread asks of the loop's. Carried out in order. */
struct client_call {
	struct client_call *next;
	enum client_call_kind kind;
	bool embedded; /* belongs to its session: not freed by itself */
	struct quorate_session *session;
	struct client_work *work;     /* WORK */
	uint64_t number;              /* AGAIN */
	quorate_answer_fn done;       /* AGAIN, READ */
	size_t op_bytes;              /* READ: behind the call itself */
	struct client_report *report; /* ASK */
	uint32_t member, timeout_ms;  /* ASK, EVIDENCE, VOICE */
	struct evidence_name after;   /* EVIDENCE */
	struct public_key behind;     /* VOICE */
	void *user;
};

struct client_report {
	struct quorate_client *client;
	quorate_report_fn done;
	quorate_evidence_file_fn evidence;
	quorate_change_fn change; /* one of the three */
	void *user;
};

struct quorate_session {
	struct quorate_client *client;
	struct quorate_session *prev, *next; /* under the client's lock */
	/* the loop's own */
	struct client_session *core;
	bool closed;  /* the handle is gone                           */
	bool opening; /* on_opened will come                          */
	quorate_answer_fn opened;
	void *opened_user;
	/* Any thread's. */
	_Atomic uint64_t id, number;
	/* Under the client's lock. */
	uint32_t handed;  /* operations in calls                          */
	uint32_t waiting; /* operations in the core                       */
	uint64_t kept[CLIENT_KEPT_MAX];
	uint32_t kept_count;
	bool dead;
	enum quorate_error error; /* why it is dead */
	char reason[QUORATE_REASON_BYTES];
	/* So that neither needs memory later. */
	struct client_call open_call, close_call;
};

struct quorate_client {
	uint32_t magic;
	struct bft_genesis *genesis;
	struct digest cluster;
	char cluster_text[2 * DIGEST_BYTES + 1];
	struct public_key key;
	struct secret_key secret;
	uint32_t queue_max;
	void (*log)(void *user, enum quorate_level level, const char *line);
	void *log_user;

	/* the loop's own */
	uv_loop_t own_loop, *loop;
	struct client_core *core;
	struct net *net;
	uv_check_t check; /* after the sockets: the core's tick */
	uv_timer_t timer;
	uv_async_t async; /* calls, stop                        */
	uint32_t handles_open;
	bool dirty, keys_changed;
	bft_mask linked; /* members that show the key which is known here */
	const struct bft_card *dialled[BFT_MEMBERS_MAX];

	bool own_thread;
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t changed;
	/* Under the lock. */
	enum client_phase phase;
	bool stop_wanted, thread_made, joined;
	bool thread_known; /* thread_self holds */
	uv_thread_t thread_self;
	uint8_t *chain; /* of epochs, as far as it was followed; for other threads */
	size_t chain_bytes;
	uint32_t links;
	bft_epoch epoch;
	struct bft_roster roster;                     /* of the newest epoch that is known */
	const struct bft_card *card[BFT_MEMBERS_MAX]; /* of its members; the core's        */
	struct client_call *calls, *calls_last;
	struct quorate_session *sessions;
	void (*stopped)(void *user);
	void *stopped_user;
};

struct quorate_client *client_from(void *data);
enum quorate_error client_fail(char *reason, enum quorate_error error, const char *sentence);
void client_note(struct quorate_client *c, enum quorate_level level, const char *line);
/* True on the thread that the client runs on by itself. */
bool client_on_own_thread(struct quorate_client *c);

/* identity.c: genesis and keys. The first one verifies every signature of the genesis. */
enum quorate_error client_genesis_read(struct bft_genesis *genesis, struct digest *cluster, const char *path, char *reason);
enum quorate_error client_identity_read(struct quorate_client *c, const struct quorate_client_options *o, char *reason);

/* calls.c; both on the loop's thread (or when no loop runs yet or any more). */
void client_calls_carry_out(struct quorate_client *c);
/* Ends every call with QUORATE_FAILED. Requires: no new ones are taken. */
void client_calls_refuse(struct quorate_client *c);
/* The core's hook. */
void client_calls_changed(void *user, struct client_session *s);
void client_sessions_free(struct quorate_client *c);
#endif
