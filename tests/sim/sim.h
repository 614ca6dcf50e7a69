/* tests/sim/sim.h - a cluster of protocol cores in one process, under virtual time and one seed.
 *
 * The cores are the product's; what is simulated is what the driver's contract (bft/core.h) leaves to the world: the network, the disk, the clocks, the
 * bodies and execution. After each step the properties in check.c are asked; when the faults stop, every request must complete in bounded virtual time. */
#ifndef SIM_H
#define SIM_H
#include "bft/core.h"
#include "bft/effects.h"
#include "bft/pbft/messages.h"
#include "bft/quorum.h"

#include <stdio.h>
#include <stdlib.h>

#define SIM_NODES_MAX 10u
#define SIM_REQUESTS 200u
#define SIM_SEQS_MAX 20000u
#define SIM_FAULTS_END_MS 20000u  /* until then the world misbehaves                      */
#define SIM_LIVE_MS 60000u        /* after that every request completes within this time  */

struct rng {
	uint64_t s;
};
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n);          /* 0 .. n-1 */
bool rng_chance(struct rng *r, uint32_t percent);

/* A message in flight, or held: encoded as on the wire, so every encoder and decoder runs. Counted. */
struct wire {
	uint32_t count;
	uint8_t signer;
	uint16_t type;
	struct digest digest;
	uint8_t *bytes;
	size_t n;
};

struct record {
	bft_lsn lsn;
	uint16_t rtype;
	void *data;
	size_t bytes;
};

/* A body: the proposal and the requests that it names. Shared by everyone who has it; who has it is each node's own table. */
struct body {
	struct digest digest;
	uint64_t time_ms;
	uint16_t count;
	uint16_t request[BFT_PROPOSAL_BUNDLES_MAX];
	struct body *next;
};

struct hold {
	bft_seq seq;
	uint32_t wire; /* index into node.wires; 0 = free */
};

/* A body that a node has. On disk it stands beside the record at `lsn`, and is lost with it. */
struct held {
	struct digest digest;
	bool used, memory;
	bft_lsn lsn;
};

struct fetch {
	struct digest digest;
	bft_mask to;
	uint8_t turn;
	bool used;
};

#define NODE_WIRES 16384u
#define NODE_FETCHES 1024u
#define NODE_HELD 8192u

struct node {
	uint8_t id;
	bool up;
	uint32_t boot;              /* counts starts: events of an older life are void */
	struct bft_core *core;
	/* the disk */
	struct record *log;
	uint32_t log_count, log_capacity;
	bft_lsn durable, flushing;
	uint64_t flush_ms;
	/* the state at the last snapshot */
	bft_seq state_seq;
	struct digest state_chain;
	uint64_t state_done[(SIM_REQUESTS + 63) / 64]; /* bitmap of requests executed */
	struct held *held;          /* bodies, by digest: in memory, in the log */
	/* volatile */
	bft_seq executed;
	struct digest chain;
	uint64_t done[(SIM_REQUESTS + 63) / 64];
	struct wire **wires;
	uint32_t *wire_holds, *wires_free;
	uint32_t wires_free_count;
	struct hold *holds;
	uint32_t holds_count, holds_capacity;
	struct fetch fetch[NODE_FETCHES];
	struct bft_effect *waiting; /* effects whose lsn is not durable yet, data copied */
	uint32_t waiting_count, waiting_capacity;
	uint64_t tick_at;
	struct { /* waits until the log is durable through it */
		bft_seq seq;
		bft_lsn lsn;
		struct digest chain;
		uint64_t done[(SIM_REQUESTS + 63) / 64];
	} snapshot;
	uint64_t executing_at;
	struct pbft_votes votes; /* leaves that became free in this wake-up */
	bft_mask votes_to;
	/* for the checks */
	bft_view view_max, view_seen;
	bool changing_seen;
	bft_seq low_max;
};

enum sim_event_kind { SIM_DELIVER, SIM_BODY, SIM_FLUSHED, SIM_TICK, SIM_EXECUTED, SIM_REQUEST, SIM_CRASH, SIM_START, SIM_LINKS, SIM_LOCAL };
struct sim_event {
	uint64_t at, order;
	enum sim_event_kind kind;
	uint8_t node, from;
	uint32_t boot;
	struct wire *wire;
	const struct body *body;
	struct digest digest;
	uint64_t value;
};

struct sim {
	struct rng rng;
	uint64_t seed, now, order;
	uint32_t n, f, q;
	struct bft_limits limits;
	struct digest cluster, null_digest;
	struct node node[SIM_NODES_MAX];
	struct sim_event *heap;
	uint32_t heap_count, heap_capacity;
	struct body *bodies[4096];
	/* the network */
	uint32_t loss, duplicate, delay_max_ms, crash_every_ms;
	bool cut[SIM_NODES_MAX][SIM_NODES_MAX]; /* one-way */
	bool calm;
	/* clients */
	struct digest request[SIM_REQUESTS];
	bft_mask acks[SIM_REQUESTS]; /* who answered */
	uint64_t request_at[SIM_REQUESTS];
	uint32_t completed;
	/* the one history */
	struct digest proposal_at[SIM_SEQS_MAX], chain_at[SIM_SEQS_MAX];
	bft_seq top;
	/* what was exercised */
	uint64_t steps, view_changes, crashes, partitions, transfers, chains, messages, torn;
	bool trace;
	char failure[256];
	struct bft_effects out;
	void *decoded;
};

void sim_run(struct sim *s, uint64_t seed, bool trace);
bool sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_at(struct sim *s, struct sim_event e);
void sim_trace(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* node.c */
void node_create(struct sim *s, uint8_t id);
void node_destroy(struct sim *s, struct node *d);
void node_start(struct sim *s, struct node *d);
void node_crash(struct sim *s, struct node *d);
void node_step(struct sim *s, struct node *d, const struct bft_event *e);
void node_event(struct sim *s, struct node *d, const struct sim_event *e);
void node_links(struct sim *s, struct node *d);

/* network.c */
void net_wire(struct sim *s, uint8_t from, bft_mask to, struct wire *w);
void net_body(struct sim *s, uint8_t from, uint8_t to, const struct body *b);
void wire_release(struct wire *w);
const struct body *body_find(const struct sim *s, const struct digest *d);
const struct body *body_add(struct sim *s, const struct digest *d, const uint8_t *bytes, size_t n);

/* check.c */
void check_executed(struct sim *s, struct node *d, bft_seq seq, const struct digest *proposal, const struct digest *chain);
void check_node(struct sim *s, struct node *d);
void check_end(struct sim *s);
#endif
