/* replica/running.h - a running replica from inside: what loop.c, world.c, peers.c and open.c make of a struct quorate, and call of each other. */
#ifndef REPLICA_RUNNING_H
#define REPLICA_RUNNING_H
#include "bft/card.h"
#include "net/net.h"
#include "quorate.h"
#include "replica/driver.h"
#include "replica/folder.h"
#include "replica/identity.h"
#include "replica/log/writer.h"
#include "replica/shim.h"

#include <uv.h>

#define RUNNING_MAGIC 0x71756f72u

enum phase { PHASE_CREATED, PHASE_RUNNING, PHASE_STOPPING, PHASE_STOPPED };

struct client_place {
	struct net_peer *peer; /* NULL: free */
	uint64_t generation;
};

struct quorate {
	uint32_t magic;
	struct quorate_options options;
	char *strings[7];
	struct quorate_app app;
	const struct replica_shim *shim; /* NULL: nothing stands between the driver and the links */
	struct identity *identity;
	struct folder folder;
	struct driver *driver;
	struct net *net;
	struct log_writer *writer;
	struct client_place *clients;
	uint32_t clients_count;
	uint16_t port;
	bft_mask linked;         /* members that show the key which is known here: the others are strangers */
	struct public_key shown; /* by this replica                                                         */
	bool keys_changed;
	const struct bft_card *dialled[BFT_MEMBERS_MAX]; /* whose links the net keeps up */

	uv_loop_t own_loop, *loop;
	uv_check_t check; /* after the sockets: the driver's turn */
	uv_idle_t idle;   /* while there is more to do            */
	uv_timer_t timer;
	uv_async_t async; /* the log's thread, verifiers, stop    */
	uint32_t handles_open;
	bool dirty, idling, log_ok;
	enum phase phase;
	void (*stopped)(void *user);
	void *stopped_user;

	/* a thread of its own */
	bool own_thread;
	uv_thread_t thread;
	uv_mutex_t lock; /* standing, wanted, answer */
	uv_cond_t changed;
	enum { WANT_NOTHING, WANT_START, WANT_STOP } wanted;
	bool joined;  /* the caller's */
	bool created; /* the thread has tried; `error` says how */
	enum quorate_error error;
	char reason[QUORATE_REASON_BYTES];
	struct quorate_standing standing;
};

/* What libuv, net/ or the driver hands back is this. */
struct quorate *running_of(void *data);
enum quorate_error running_fail(char *reason, enum quorate_error error, const char *sentence);
void running_note(void *user, enum quorate_level level, const char *line);

/* loop.c: one wake-up of the loop is one turn of the driver. */
uint64_t running_mono_ms(void);
uint64_t running_wall_ms(void);
/* The first thing in every callback that brings something. */
void running_wake(struct quorate *q);
void running_turn(struct quorate *q);
void loop_open_handles(struct quorate *q);
void loop_begin(struct quorate *q);

/* world.c: what the driver does to the world. */
struct driver_env world_of(struct quorate *q);
void world_wake(void *user);

/* peers.c: links, and the keys that they show. */
struct net_callbacks peers_callbacks(void);
/* Whoever the driver knows as a member is dialled. False: an address or a key cannot be used (*why). */
bool peers_dial(struct quorate *q, const char **why);
/* The driver has come to an epoch with other keys. */
void peers_follow_keys(struct quorate *q);

/* open.c: everything but running, on the thread that will run it: the state's transactions belong to one thread. */
enum quorate_error running_open(struct quorate *q, char *reason);

/* replica.c */
void running_stop(struct quorate *q);
#endif
