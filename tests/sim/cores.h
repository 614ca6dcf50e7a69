/* tests/sim/cores.h - bare cores of any protocol, in virtual time, on a network that is cut, slowed and watched from outside; and nothing else. Twins enumerate on it
 * (rounds.h), the stories of `quorate-sim explain` are told on it, and so are the traces of tests/stories.
 *
 * A place is one core with its disk. There may be more places than members: those behind the members have the key of another one, their twin. A disk is durable at once
 * unless it stands still; every proposal that somebody in reach holds can be fetched; execution and checkpoints are as in a replica, and no log is ever cut. Messages
 * are authentic as admission would have made them; certificates need no check, because no core here says what it has not seen. */
#ifndef SIM_CORES_H
#define SIM_CORES_H
#include "bft/core.h"

#define CORES_PLACES_MAX 8u
#define CORES_NOBODY 255u

struct cores_plan {
	const struct bft_protocol *protocol;
	uint32_t members, places;
	uint32_t cluster;    /* another number, another name, other timers */
	uint32_t latency_ms; /* of every message */
	uint32_t request_timeout_ms, window, checkpoint_every, bundles_max;
	bool records; /* kept, so that a place can die and come back */
};

/* What is on its way from place to place. */
struct cores_letter {
	uint8_t from, to;
	uint16_t type; /* of the protocol; 0: request `request` is handed on */
	const void *body;
	uint32_t request;
	uint64_t sent_ms;
};

/* Who watches. Each may be NULL. `passes` is asked when a message is due, and then every millisecond until it says yes: so a scheduler holds it. `after`: a step is over,
 * and its effects, which `does` names one by one as they are released, have not happened yet. */
struct cores_watch {
	void *user;
	bool (*passes)(void *user, const struct cores_letter *l);
	void (*arrives)(void *user, const struct cores_letter *l);
	void (*after)(void *user, uint8_t place);
	void (*does)(void *user, uint8_t place, const struct bft_effect *e);
};

struct cores;
struct cores *cores_create(const struct cores_plan *plan);
void cores_destroy(struct cores *c);
/* Everything begins anew; the member whose key the places behind the members have is `twinned`, or CORES_NOBODY. */
void cores_begin(struct cores *c, uint8_t twinned);
void cores_watch(struct cores *c, const struct cores_watch *watch);

/* ---- the network: what is under way across a new cut is lost ---- */
/* Only places of the same cell hear one another. */
void cores_cells(struct cores *c, const uint8_t *cell);
/* In one direction; the links stay up. */
void cores_deaf(struct cores *c, uint8_t from, uint8_t to, bool deaf);

/* ---- time ---- */
/* All that is under way arrives, and what that causes is under way. False: nothing moved. */
bool cores_hop(struct cores *c);
/* Until nothing moves any more. */
void cores_settle(struct cores *c);
/* The clocks are `ms` later, and what follows from it settles. */
void cores_pass(struct cores *c, uint32_t ms);
/* Millisecond by millisecond: timers, messages as they are due, execution. */
void cores_run(struct cores *c, uint32_t ms);

/* ---- what is done to a place ---- */
/* A new request: its number, from 1 on. It comes to nobody by itself. */
uint32_t cores_request(struct cores *c);
void cores_ask(struct cores *c, uint8_t place, uint32_t request);
void cores_read(struct cores *c, uint8_t place, uint64_t id);
void cores_event(struct cores *c, uint8_t place, const struct bft_event *e);
/* As if `from` had said it, by a message that is not its own; it arrives at once. */
void cores_say(struct cores *c, uint8_t from, uint8_t to, uint16_t type, const void *body);
/* While it stands still nothing becomes durable, and what waits for it stays. */
void cores_disk(struct cores *c, uint8_t place, bool stands);
void cores_flush(struct cores *c, uint8_t place, bft_lsn lsn);
/* The process ends, and what was not durable is gone; it begins again with what was. Requires: plan.records. */
void cores_kill(struct cores *c, uint8_t place);
void cores_start(struct cores *c, uint8_t place, enum bft_recovery recovery);

/* ---- what is to be seen ---- */
struct bft_core *cores_core(const struct cores *c, uint8_t place);
bool cores_up(const struct cores *c, uint8_t place);
uint64_t cores_now(const struct cores *c);
bft_seq cores_executed(const struct cores *c, uint8_t place);
const struct digest *cores_chain(const struct cores *c, uint8_t place);
bft_lsn cores_lsn(const struct cores *c, uint8_t place);
/* What was executed there at `seq`; all zero: nothing. */
const struct digest *cores_decided(const struct cores *c, uint8_t place, bft_seq seq);
/* The requests of a proposal, a bit for each; 0 for the null proposal and for one that nobody made. */
uint32_t cores_requests_of(const struct cores *c, const struct digest *proposal);
/* The requests that were executed at a place. */
uint32_t cores_done(const struct cores *c, uint8_t place);
/* Every request was executed at every honest place, and they stand at the same sequence. */
bool cores_all_done(const struct cores *c);
/* What fell, or NULL. */
const char *cores_failure(const struct cores *c);

struct cores_counts {
	uint64_t steps, views, executed, convictions;
	bool convicted; /* an honest core has proof against the twins */
};
void cores_counts(const struct cores *c, struct cores_counts *out);
#endif
