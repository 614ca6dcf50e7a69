/* bench/malice/malice.h - what an attack is made of. A liar is the real replica, or the real client, behind a filter: an attack sees each frame that leaves it, and sends
 * that, another, several, or nothing. It is honest until it is told (main.c), and everything here is one process.
 *
 * To add one: a function, and a row in the table of its family's file (one file for each family; catalogue.c lists the families). bench/README.md has an example. */
#ifndef BENCH_MALICE_MALICE_H
#define BENCH_MALICE_MALICE_H
#include "bench/malice/late.h"
#include "bft/envelope.h"
#include "bft/pbft/messages.h"
#include "quorate_client.h"
#include "replica/identity.h"
#include "replica/shim.h"

#define LIAR_ATTACKS_MAX 8u /* of one process at once */
#define CATALOGUE_MAX 96u

struct liar;
struct sending;
struct answering;
struct lying_client;
struct requesting;

enum attack_by {
	BY_LEADER,    /* by a replica while it leads: replica 0 leads first */
	BY_REPLICA,   /* by f replicas, whether they lead or not             */
	BY_CLIENT,    /* by a process of its own that is no replica          */
	BY_COLLUDERS, /* by f+1 replicas that know each other                */
};

/* What it must find to act at all. The run sees to it, and says so among its faults. */
enum attack_needs {
	NEEDS_NOTHING,
	NEEDS_VIEW_CHANGE, /* replica 0, which is honest, is paused; the liar leads next   */
	NEEDS_REJOIN,      /* an honest replica loses its folder, and fetches the state    */
	NEEDS_EMPTIED,     /* the liars are killed, and come back with an emptied folder   */
	NEEDS_ROLLED_BACK, /* ... with their folder as it was before the load              */
	NEEDS_TWIN,        /* a second process with the liar's key                         */
	NEEDS_AWAY,        /* replica 0, which is honest, is away for long: then each vote counts */
};

struct attack {
	const char *name, *class; /* class: what a correct engine keeps (B97, L90, S90, R75; docs/benchmarking.md) */
	enum attack_by by;
	const char *does;            /* one line */
	const char *breaks, *answer; /* what a naive implementation suffers; what a correct one does */
	/* Of replicas; on the engine's thread. True: the attack has seen to this frame, and nobody else does. NULL: every frame goes. */
	bool (*to_member)(struct liar *l, struct sending *s);
	bool (*to_client)(struct liar *l, struct answering *a);
	void (*ends)(struct liar *l); /* NULL, or puts back what it changed in its replica */
	/* Of clients. `client` runs on a thread of its own from the beginning to the end of the attack; `to_replica` as to_member, on the client's thread. */
	void (*client)(struct lying_client *c);
	bool (*to_replica)(struct lying_client *c, struct requesting *r);
	/* Of replicas again: a frame that came from a client or a member. True: it did not hear it. */
	bool (*hears)(struct liar *l, const uint8_t *bytes, size_t n);
	enum attack_needs needs;
};

/* Some are by both: a client process beside the liars. */
static inline bool attack_has_client(const struct attack *a)
{
	return a->client || a->by == BY_CLIENT;
}
static inline bool attack_has_replica(const struct attack *a)
{
	return a->by != BY_CLIENT;
}

/* ---- the catalogue ---- */

/* NULL beyond the last. */
const struct attack *attack_at(size_t i);
const struct attack *attack_find(const char *name);

/* A table ends with a row without a name. */
extern const struct attack attacks_withhold[], attacks_leader[], attacks_votes[], attacks_views[], attacks_state[], attacks_replies[], attacks_together[],
	attacks_clients[], attacks_strangers[], attacks_pace[], attacks_proposals[], attacks_certificates[], attacks_memory[], attacks_links[],
	attacks_crafted[], attacks_twins[];

/* ---- replicas ---- */

/* A frame on its way to a member, whole. It may be changed in place, by as many bytes as it has. */
struct sending {
	uint8_t member;
	int class;
	uint8_t *bytes;
	size_t n;
	struct bft_envelope e;
	bool mine; /* not something of another member that is passed on */
};

struct liar {
	struct quorate *q;
	struct identity identity;
	struct secret_key organization; /* its own organization is with it; zeros where its key is not beside the configuration */
	uint64_t colluders;             /* bit i: member i is in it too */
	struct late late;
	struct late_heard heard; /* what it hears later */
	struct hearing *hearing; /* what it hears now   */
	union pbft_body body;    /* what was opened */
	struct rd tail;          /* the certificates behind it: borrowed from the frame */
	uint64_t rng;
	uint64_t since_ms;               /* since when the attack that is asked now goes on */
	uint32_t acting;                 /* which one that is                               */
	bft_seq fork_seq;                /* split-brain-colluders: from this slot on; 0: not chosen yet */
	struct public_key unheard;       /* censor-client: whom it does not hear */
	struct public_key preferred;     /* unfair-leader: whom it hears at once */
	bool gone;                       /* silent-leader: it has led, and is silent now    */
	bool twin;                       /* twins: the second process with this key         */
	uint64_t lies[LIAR_ATTACKS_MAX]; /* how often each did something                  */
	uint8_t *frame;
	size_t frame_capacity;
};

/* It did something now. The first time `what` is printed. */
void liar_acts(struct liar *l, const char *what);
uint64_t liar_now_ms(void);
uint64_t liar_random(struct liar *l);
/* As it is. Returns true. */
bool liar_sends(struct liar *l, const struct sending *s);
/* And so many times more. Returns true. */
bool liar_repeats(struct liar *l, const struct sending *s, uint32_t times);
/* With a bit of the signature changed. */
void liar_spoils(struct liar *l, const struct sending *s);
/* A message of my own of this type: decoded into l->body, the rest into l->tail. */
bool liar_opens(struct liar *l, const struct sending *s, uint16_t type);
/* Sends l->body and l->tail in its place, signed. Returns true. */
bool liar_closes(struct liar *l, const struct sending *s);
/* What it hears now, in so many milliseconds (`hears`, which then returns true). False: no room. */
bool liar_hears_later(struct liar *l, uint64_t ms);
/* Any body under any type, signed where the type is signed. */
void liar_says(struct liar *l, const struct sending *beside, uint16_t type, const uint8_t *body, size_t n);
/* Whether these votes, mine, propose something; l->body then has them. */
bool liar_proposes(struct liar *l, const struct sending *s);
/* The core, where it is PBFT's; else NULL. */
struct pbft *liar_core(struct liar *l);
/* twins: whether whoever shows this TLS key belongs to the other process. */
bool twins_refuse(const struct liar *l, const struct public_key *tls_key);

struct answering {
	uint64_t link;
	uint8_t *bytes;
	size_t n;
	struct bft_envelope e;
};

/* ---- clients ---- */

struct requesting {
	struct net_peer *peer;
	int member, class;
	uint8_t *bytes;
	size_t n;
	struct bft_envelope e;
};

#define CLIENT_OLD 64u

struct lying_client {
	const char *genesis_path, *key_path;
	struct bft_genesis genesis;
	struct digest cluster;
	struct secret_key secret;
	struct quorate_client *client; /* NULL until an attack wants it */
	volatile uint32_t *acting;     /* not 0: the attack goes on */
	uint64_t rng, lies;
	struct {
		uint8_t *bytes;
		size_t n;
	} old[CLIENT_OLD];
	uint32_t old_next;
	size_t (*key)(struct lying_client *c, char *key, size_t capacity);              /* NULL, or the keys that lying_keeps_asking takes */
	struct net_peer *(*peer)(const struct lying_client *c, uint32_t member);        /* NULL: no link */
	bool (*send)(struct net_peer *peer, int class, const uint8_t *bytes, size_t n); /* past the filter */
};

static inline bool lying_goes_on(const struct lying_client *c)
{
	return *c->acting != 0;
}
void lying_acts(struct lying_client *c, const char *what);
uint64_t lying_random(struct lying_client *c);
/* Under keys that begin with "liar-", puts with values of `bytes`, so many at once, in so many sessions, until the attack ends. */
void lying_keeps_asking(struct lying_client *c, uint32_t sessions, uint32_t outstanding, uint32_t bytes);
/* The client, started. NULL: it cannot be; said on standard error. */
struct quorate_client *lying_starts(struct lying_client *c);
#endif
