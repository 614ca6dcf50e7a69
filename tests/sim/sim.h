/* tests/sim/sim.h - whole replicas and their clients in one process, under virtual time and one seed.
 *
 * Admission, driver, core, log, state and sessions are the product's. What is simulated is the world below them: the network, the disk under the log, the
 * clocks, and the crashes. After each wake-up the properties in check.c are asked; when the faults stop, every request must complete in bounded virtual time. */
#ifndef SIM_H
#define SIM_H
#include "bft/pbft/records.h"
#include "bft/quorum.h"
#include "bft/reply.h"
#include "client/core.h"
#include "replica/damage.h"
#include "replica/log/superblock.h"
#include "tests/linear/linear.h"
#include "tests/sim/faults.h"
#include "tests/unit/memory_disk.h"

#include <stdio.h>
#include <stdlib.h>

#define SIM_NODES_MAX 10u
#define SIM_PLACES_MAX (SIM_NODES_MAX + 1u) /* one liar may run twice, with one key: the twin is behind the members */
#define SIM_REQUESTS 200u
#define SIM_READS 200u
#define SIM_REGISTER_OPS 160u
#define SIM_REGISTERS_MAX 3u
#define SIM_CLIENTS 7u
#define SIM_LYING_CLIENT SIM_CLIENTS
#define SIM_SEQS_MAX 20000u
#define SIM_FAULTS_END_MS 20000u /* until then the world misbehaves, unless it is told to stop earlier */
#define SIM_LIVE_MS 60000u       /* after that every request completes within this time  */
#define SIM_FETCH_MS 15000u      /* and whoever fetches a state has it           */
#define SIM_WALL_MS 1000000u

/* A frame in flight. Counted. */
struct frame {
	uint32_t count;
	size_t n;
	uint8_t bytes[];
};

/* What a liar does with what its replica wants to send: liar.c. */
enum liar_habit {
	LIAR_DROPS = 1,
	LIAR_REPEATS = 2,
	LIAR_REPLAYS = 4,
	LIAR_CHANGES = 8,
	LIAR_FAVOURS = 16,
	LIAR_EQUIVOCATES = 32,
	LIAR_LIES_TO_CLIENTS = 64,
	LIAR_HIDES = 128,     /* its VIEW-CHANGEs say that nothing was prepared, or what was long ago; its NEW-VIEWs re-propose nothing */
	LIAR_FORGES = 256,    /* or that something was, in a certificate signed by it alone */
	LIAR_HURRIES = 512,   /* it commits to what it has not prepared                     */
	LIAR_COLLUDES = 1024, /* it helps one that EQUIVOCATES: each half hears of it what it heard of the leader */
	LIAR_DELAYS = 2048,
	LIAR_HABITS_ALL = 4095,
	LIAR_IDLES = 4096, /* it takes its office, and proposes nothing: alone, in seeds where the honest hand theirs over */
};
#define LIAR_OLD 64u
#define LIAR_HEARD 16u
struct liar {
	bool lies;
	uint32_t habits, percent;
	uint64_t scripts; /* a bit for each class from FAULT_SCRIPTS_FIRST on */
	bool splits;
	uint64_t from_ms;
	bft_mask favourites; /* who hears anything from one that FAVOURS */
	struct frame *old[LIAR_OLD];
	struct frame *stale; /* an old VIEW-CHANGE of its own that had certificates */
	uint32_t old_next;
	struct frame *former[LIAR_OLD]; /* of the first epoch that it spoke in */
	uint32_t former_next;
	struct digest told[LIAR_OLD];    /* what it proposed, by sequence */
	struct frame *heard[LIAR_HEARD]; /* VIEW-CHANGEs and NEW-VIEWs of the honest */
	uint8_t heard_from[LIAR_HEARD];
	uint32_t heard_next;
};

#define SIM_KEYS_MAX 8u
#define SIM_EPOCHS_MAX 64u
struct node {
	struct sim *sim;
	struct liar liar;
	uint8_t id;    /* the member */
	uint8_t place; /* in s->node: the member's, or behind them all */
	bool up;
	uint32_t boot; /* counts starts: events of an older life are void */
	/* what survives a crash */
	struct memory_disk *disk;
	char state_path[128];
	/* the running replica */
	struct driver *driver;
	struct log *log;
	struct state *state, *next;         /* next: fetched from the others */
	bool flushing, flush_wanted, stops; /* stops: its disk has failed */
	uint32_t lying_links;               /* of the client that lies: how often one was closed */
	bool low_space, space_event, no_room;
	struct superblock superblock;
	int64_t clock_ms; /* off true time, beside the drift */
	int32_t drift_ppm;
	int32_t speed_ppm; /* of its monotonic clock, off true time */
	bool far;          /* its clock may be anywhere */
	uint64_t tick_at;
	uint32_t crash_in; /* calls of the world until it stops in the middle of a wake-up; 0: not */
	bool dying;
	/* for the checks */
	struct standing seen;
	uint64_t accused;
	struct pbft_view_change *bound; /* its last VIEW-CHANGE */
	bft_epoch bound_epoch;
	struct memory_disk *backup;            /* an older copy of its folder, put back once */
	bool forgetful, rolled_back;           /* the first: it will be; counts among the f  */
	bool left;                             /* it is no member any more */
	bool rotten;                           /* a byte of its state flipped since it ran     */
	bool contradicts;                      /* rolled back, it signs what it would not have signed                                */
	struct secret_key later[SIM_KEYS_MAX]; /* keys that its operator has made since the genesis */
	uint32_t later_count;
	uint8_t *links; /* the file of the chain of epochs */
	size_t links_n;
	uint64_t incarnation;             /* in its superblock: its memory is lost, and nobody has let it in again */
	uint64_t fetches_since;           /* 0: it fetches no state */
	bool noticed, readmitted, wanted; /* wanted: its operators are at it */
	bft_epoch
		must_notice; /* and with votes of this epoch, as long as that lasts: an observer it must be in the end. (Of a second VIEW-CHANGE for one view nobody need tell it.) */
};

/* A change of members or mode that is on its way. */
struct sim_change {
	bool open;
	struct reconfigure wish;
	struct secret_key secret, org_secret; /* of who comes */
};

struct sim_client {
	struct sim *sim;
	uint8_t id;
	bool open, failed;
	struct public_key key;
	struct client_core *core;
	struct client_session *session;
	uint64_t tick_at;
	struct secret_key secret;
	struct lying_client *liar; /* NULL: it is honest */
	uint64_t last_seen;        /* in some register: what it expects next */
	uint32_t think_ms;
};

struct sim_request {
	struct sim_client *client;
	uint32_t id;
	bool completed, read; /* read: somebody has seen it */
};

enum sim_event_kind {
	SIM_FRAME,
	SIM_REPLY,
	SIM_FLUSHED,
	SIM_TICK,
	SIM_REQUEST,
	SIM_READ,
	SIM_REGISTER,
	SIM_CLIENT,
	SIM_CRASH,
	SIM_SLEEP,
	SIM_START,
	SIM_LINKS,
	SIM_REUNITE,
	SIM_CUT_LEADER,
	SIM_LINK,
	SIM_READMIT,
	SIM_RECONFIGURE,
	SIM_SPACE,
	SIM_ROOM,
	SIM_CLIENT_LIES,
	SIM_CLOCK,
	SIM_HAND_OVER
};
struct sim_event {
	uint64_t at, order;
	enum sim_event_kind kind;
	uint8_t node, from; /* places; of a READMIT `from` is a member, of a client's FRAME a client */
	bool client;        /* FRAME: `from` is a client */
	uint32_t boot;
	struct frame *frame;
	uint64_t value;
};

/* How often was that request executed? */
struct sim_read {
	struct sim_client *client;
	uint32_t request;
	bool must; /* it was there when the read began */
};

/* One operation on a register, by a client that waits for its answer: registers.c. */
struct register_op {
	struct sim_client *client;
	bool begun, over, read; /* read: without ordering, and given up when that failed */
	struct linear_op op;
};

/* Something that a node signed: see statements.c. */
struct statement_seen {
	uint8_t node, what; /* what 0: free */
	bft_epoch epoch;
	uint64_t a, b, value;
	struct digest digest;
};

struct sim {
	const struct schedule *schedule;
	struct faults faults;
	struct rng rng, lying; /* of the world, and of the liars: what they say less or more moves nothing else */
	uint64_t seed, now, order;
	uint64_t moment; /* a finer `now`: no two events have the same */
	int32_t at_work; /* the node whose code runs, for a check that fails; -1: none */
	uint64_t end_ms; /* the faults stop */
	uint32_t requests_count;
	uint32_t n, f, q, liars;
	uint32_t lease_drift_percent; /* 0: no reads by lease */
	struct bft_genesis genesis;
	struct digest cluster;
	const struct sign_scheme *scheme;
	struct secret_key secret[SIM_NODES_MAX], org_secret[SIM_NODES_MAX];
	struct node node[SIM_PLACES_MAX];
	uint32_t places; /* n, or n + 1 when there is a twin */
	struct sim_event *heap;
	uint32_t heap_count, heap_capacity;
	char folder[96];
	/* the network */
	uint32_t loss, duplicate, delay_max_ms, crash_every_ms;
	uint32_t strike_percent;                  /* of the first executions: who did it is cut off, or crashes, before anybody hears of it */
	bool coup;                                /* liars wait for the leader to be cut off */
	bool leaves_behind;                       /* towards the end most of the honest do not hear the others */
	uint64_t struck_until;                    /* who was cut off by that stays so */
	bool cut[SIM_PLACES_MAX][SIM_PLACES_MAX]; /* one-way */
	struct adaptive *adaptive;                /* NULL: nobody sees all */
	bool inflates;                            /* what honest leaders propose is slow, until: */
	uint64_t inflated_ms;
	bool idlers;      /* the liars idle, and whoever leads is asked to hand over, so that their turn comes again and again */
	bool calm, quiet; /* quiet: from the beginning, so nobody may lose office */
	bool forgetting;  /* one loses its memory, and nobody else loses anything: what it said is known */
	bool disks_fail;  /* a write or flush of a log, now and then */
	uint8_t rots;     /* whose state does, at rest; SIM_NODES_MAX: nobody's */
	bool slow;        /* the network stays slower than the timeout: only back-off helps */
	/* clients */
	struct sim_client client[SIM_CLIENTS + 1]; /* the last one lies, if it is there */
	uint32_t clients_count, lying_ops;
	struct sim_request request[SIM_REQUESTS];
	uint32_t completed;
	uint64_t reads;
	struct sim_read read[SIM_READS];
	uint32_t reads_begun;
	struct register_op register_op[SIM_REGISTER_OPS];
	uint32_t register_keys, register_begun, register_over, register_wanted; /* keys 0: none in this seed */
	/* the one history */
	struct digest proposal_at[SIM_SEQS_MAX], chain_at[SIM_SEQS_MAX], root_at[SIM_SEQS_MAX];
	uint64_t time_at[SIM_SEQS_MAX]; /* 0: nobody stood there when looked at */
	bft_seq timed;                  /* the highest of them */
	bft_seq top;
	struct statement_seen *statements;
	uint32_t statements_count, statements_capacity;
	struct epoch_keys judge_keys; /* of whoever judges a receipt: the genesis', and what the receipt leads to */
	void *said;                   /* room for one decoded message */
	/* what was exercised */
	uint64_t observers, readmitted, epochs, rotations, passed_over, damaged, states_dropped, given_up, refusals;
	struct public_key key_at[SIM_EPOCHS_MAX][SIM_NODES_MAX]; /* as the first honest node that came there knew them */
	struct bft_roster roster_at[SIM_EPOCHS_MAX];
	bft_mask passed_at[SIM_EPOCHS_MAX]; /* and who leads last, as it knew it */
	bool key_known[SIM_EPOCHS_MAX];
	struct sim_change change;
	bft_mask replacing; /* who is to be stopped, and begun anew, at the end of this wake-up */
	uint32_t members;   /* how many there are now; n, until they change               */
	uint32_t bears;     /* how many faults the members bear now; f, until they change */
	uint8_t links_from;
	uint32_t cards_made;
	bool clocks_far;
	uint64_t members_changed, modes_changed;
	uint32_t readmits_left; /* that nobody needs: an epoch ends all the same */
	uint64_t convictions, lies_executed, large_executed, deep_paths;
	uint64_t histories; /* operations on registers that were judged */
	uint64_t wakeups, views, transfers, transfers_begun, transfers_ms, accusations, frames, signatures, snapshots, repeated;
	bool trace, keep;
	char failure[256];
	const char *failure_kind; /* the same for failures that differ in numbers only */
};

void sim_run(struct sim *s, const struct schedule *schedule);
bool sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_at(struct sim *s, struct sim_event e);
void sim_trace(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* draw.c: what the seed makes of the cluster, the network and the plan of faults */
void draw(struct sim *s);

/* guard.c: a broken BFT_CHECK within `what` ends the seed, not the program. False: it broke. */
bool guarded(struct sim *s, void (*what)(struct sim *s));

/* node.c */
void node_create(struct sim *s, uint8_t place);
void node_destroy(struct node *d);
/* Its files. */
void node_unlink(const struct node *d);
void node_start(struct node *d);
void node_crash(struct node *d);
void node_event(struct node *d, const struct sim_event *e);
void node_links(struct node *d);

/* disk.c */
void disk_format(struct node *d, bool formatted);
void disk_empty(struct node *d);
/* A new disk, formatted for a replica that has never run. */
void disk_renew(struct node *d);
void disk_flush(struct node *d);
void disk_flushed(struct node *d, int handle);
void disk_tries_again(struct node *d);
void disk_rests(struct node *d);
void disk_fills(struct node *d, bool full);
bool disk_superblock(struct node *d, bool formatted);
void disk_memory_lost(struct node *d);
bool disk_judge(struct node *d, const struct damage *damage, bool damaged, const char *reason);

/* state_rot.c */
extern const struct state_options sim_state_options;
void state_rots(struct node *d);
/* Opens the state, and drops one that is damaged, as a replica does. False: the seed has failed. */
bool state_open_judged(struct node *d);

/* clocks.c */
uint64_t clock_of(const struct node *d);
uint64_t mono_of(const struct node *d);
uint64_t true_time_of(const struct node *d, uint64_t mono);
void clocks_speeds(struct sim *s);
void clocks_create(struct sim *s);
void clocks_event(struct sim *s, const struct sim_event *e);
void clocks_check(struct node *d, const struct standing *now);

/* network.c */
struct frame *frame_make(const void *head, size_t head_n, const void *body, size_t body_n);
void frame_release(struct frame *f);
/* A partition loses what is under way too. */
bool network_lost(const struct sim *s, const struct sim_event *e);
void network_send(struct node *d, uint8_t member, struct frame *f);
void network_send_late(struct node *d, uint8_t member, struct frame *f, uint64_t late_ms);
void network_reply(struct node *d, uint8_t client, struct frame *f);
void network_request(struct sim *s, uint8_t client, uint8_t member, struct frame *f);

/* clients.c */
void clients_create(struct sim *s);
void clients_destroy(struct sim *s);
void clients_event(struct sim *s, const struct sim_event *e);
/* A request ended as unknown: the first of its operations asks for all of them. */
void client_asks_again(struct sim_client *c, const struct quorate_answer *a);
/* A member was started, or has crashed. */
void clients_link(struct sim *s, uint8_t member, bool up);

/* clients_lying.c */
bool lying_client_draw(struct sim *s);
void lying_client_create(struct sim *s);
void lying_client_destroy(struct sim *s);
void lying_client_event(struct sim *s);
void lying_client_send(struct sim_client *c, uint8_t member, struct frame *f);
void lying_client_check(struct node *d);

/* scripts.c */
uint64_t script_draw(struct rng *plan);
uint64_t script_draw_later(struct rng *plan);
/* Whether some liar lies about the state, so that somebody should fetch one. */
bool script_about_state(const struct sim *s);
/* True: it is done with this frame. */
bool script_plays(struct node *d, uint8_t to, struct frame *f);
bool script_is_deaf(struct node *d, const struct sim_event *e);

/* adaptive.c */
void adaptive_draw(struct sim *s);
uint64_t adaptive_delay(struct sim *s, uint8_t from, uint8_t to, const struct frame *f);
bool adaptive_withholds(struct node *d, uint8_t to, const struct frame *f);

/* liar.c */
struct bft_envelope;
void liar_sign(struct node *d, struct bft_envelope *e, const uint8_t *body, size_t n, const struct bft_votes *votes);
/* With which it signs now. */
const struct secret_key *liar_key(const struct node *d);
void liar_draw(struct sim *s);
void liar_idlers(struct sim *s);
void liar_coup(struct sim *s);
void liar_send(struct node *d, uint8_t to, struct frame *f);
void liar_hears(struct node *d, const struct sim_event *e);
void liar_reply(struct node *d, uint8_t client, struct frame *f);
void liar_forget(struct node *d);
bool liars_fall_silent(const struct sim *s);
/* Who leads that view, and whether it is this one. */
uint8_t liar_leader(const struct node *d, bft_view view);
/* A number that is the same to everybody, and in every run. */
uint32_t liar_whim(const struct node *d, bft_view view);

/* operators.c: organizations that let their replicas vote again, and give them other keys */
void operators_create(struct sim *s);
void operators_event(struct sim *s, const struct sim_event *e);
void operator_wanted(struct node *d);
bool operator_secret(const struct node *d, const struct public_key *key, struct secret_key *out);

/* reconfigure.c: organizations that change members and mode */
void reconfigure_create(struct sim *s);
void reconfigure_event(struct sim *s, const struct sim_event *e);
void reconfigure_seen(struct node *d);
void reconfigure_after(struct sim *s);
/* As the honest node knows that knows most; who was removed or replaced a moment ago may not be stopped yet. */
bool reconfigure_member(struct sim *s, uint32_t i);

/* reads.c */
void reads_create(struct sim *s);
void reads_event(struct sim *s, const struct sim_event *e);

/* registers.c: few keys, many hands */
void registers_create(struct sim *s);
void registers_event(struct sim *s, const struct sim_event *e);
void registers_late(struct sim_client *c, const struct quorate_answer *a);
bool registers_done(const struct sim *s);
void registers_check(struct sim *s);
#define REGISTER_OP_BYTES 23u
#define REGISTER_ANSWER_BYTES 12u

/* scheme.c: a keyed tag behind the interface of signatures, for speed */
extern const struct sign_scheme sign_simulated;

/* application.c */
extern const struct quorate_app sim_app;

/* statements.c: nothing that an honest node signs contradicts what it signed before */
void statements_sent(struct sim *s, uint8_t node, const struct frame *f);
void statements_replied(struct sim *s, uint8_t node, const struct frame *f);

/* evidence.c: driver_env's callback */
bool evidence_shown(void *user, const uint8_t *bytes, size_t n, const char *name);

/* check.c */
void check_certificate(struct node *d, const uint8_t *bytes, size_t n);
void check_prepared(struct node *d);
void check_executed(struct node *d, const struct bft_rec_executed *r);
void check_node(struct node *d);
void check_end(struct sim *s);
#endif
