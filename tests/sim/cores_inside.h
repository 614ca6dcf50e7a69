/* tests/sim/cores_inside.h - what cores.c (the network, steps and time) and cores_life.c (what is done to a place, and what is to be seen) share. */
#ifndef SIM_CORES_INSIDE_H
#define SIM_CORES_INSIDE_H
#include "bft/proposal.h"
#include "tests/sim/cores.h"

#include <stdlib.h>

#define SEQ_MAX 128u
#define MESSAGES_MAX 16384u
#define PROPOSALS_MAX 1024u
#define REQUESTS_MAX 32u
#define FETCHES_MAX 64u
#define QUEUE_MAX 8192u
#define WAITING_MAX 1024u
#define RECORDS_MAX 16384u
#define WALL_MS 1000000u

struct message {
	uint16_t type;
	uint8_t from; /* the member */
	struct digest digest;
	void *body;
	size_t capacity; /* it stays for the next one */
	uint32_t flying;
	bool bare; /* nobody holds it for a certificate: its place is free when it has arrived */
};

struct proposal {
	struct digest digest;
	uint64_t time_ms;
	struct bft_request_id ends[REQUESTS_MAX];
	uint32_t ends_count;
	uint32_t held_by; /* places */
};

struct request {
	struct digest digest;
	struct bft_request_id id;
};

/* What is on its way to one place: a message, or a request that another handed on. */
struct delivery {
	uint8_t to, from; /* places */
	bft_ref message;  /* 0: a request */
	uint32_t request;
	uint64_t sent_ms;
};

struct record {
	uint16_t rtype;
	void *data;
	size_t bytes;
	struct digest body;
};

struct place {
	uint8_t id; /* the member whose key it has */
	struct bft_core *core;
	bool up, stands;
	uint32_t deaf_to; /* places that it does not hear */
	bft_lsn lsn, durable;
	struct record *record; /* those of plan.records */
	bft_lsn records_room;
	struct bft_effect *waiting; /* for the disk, with data of their own */
	uint32_t waiting_count, waiting_room;
	bft_seq executed, executing[SEQ_MAX];
	struct digest chain[SEQ_MAX], decided[SEQ_MAX], executing_digest[SEQ_MAX];
	uint32_t executing_first, executing_count;
	struct digest fetch[FETCHES_MAX];
	uint32_t fetch_count;
	uint32_t done; /* requests executed, a bit for each */
	bft_view view;
};

struct cores {
	struct cores_plan plan;
	struct cores_watch watch;
	struct bft_limits limits;
	struct digest cluster;
	struct place place[CORES_PLACES_MAX];
	uint8_t cell[CORES_PLACES_MAX], twinned;
	struct message message[MESSAGES_MAX];
	uint32_t messages_count, messages_most, free_count;
	bft_ref free[MESSAGES_MAX];
	struct proposal proposal[PROPOSALS_MAX];
	uint32_t proposals_count;
	struct request request[REQUESTS_MAX];
	uint32_t requests_count;
	struct delivery queue[QUEUE_MAX];
	uint32_t head, count;
	struct bft_effects out;
	uint64_t now;
	struct digest decided[SEQ_MAX]; /* by the honest */
	struct cores_counts counts;
	char failure[200];
};

static inline void *room(size_t n)
{
	void *at = calloc(1, n ? n : 1);
	if (!at)
		abort();
	return at;
}

static inline uint8_t index_of(const struct cores *c, const struct place *p)
{
	return (uint8_t)(p - c->place);
}

static inline bool honest(const struct cores *c, const struct place *p)
{
	return p->id != c->twinned;
}

/* What `from` says reaches `to`. */
static inline bool hears(const struct cores *c, uint8_t from, uint8_t to)
{
	return c->cell[from] == c->cell[to] && !(c->place[to].deaf_to >> from & 1);
}

/* cores.c */
__attribute__((format(printf, 2, 3))) void cores_fell(struct cores *c, const char *format, ...);
void cores_step(struct cores *c, struct place *p, const struct bft_event *e);
/* An effect that waits for nothing. */
void cores_happen(struct cores *c, struct place *p, const struct bft_effect *e);
void cores_take_request(struct cores *c, struct place *p, uint32_t r);
/* Every core is told which links are up. */
void cores_links(struct cores *c);
struct proposal *cores_proposal_of(const struct cores *c, const struct digest *digest);
#endif
