/* tests/sim/explain/raft_tale.h - bare Raft cores in virtual time, and a teller who says what they do and why, from their state and their messages. */
#ifndef EXPLAIN_RAFT_TALE_H
#define EXPLAIN_RAFT_TALE_H
#include "bft/raft/raft.h"
#include "tests/sim/cores.h"
#include "tests/sim/explain/teller.h"

struct raft_tale_seen {
	enum raft_role role;
	bft_view term;
	uint8_t leader;
	bft_seq commit, acked;
	bft_view acked_term;
	uint64_t election_ms, reset_ms; /* its timer ends; was set */
};

struct raft_tale {
	struct teller *t;
	struct cores *c;
	uint32_t n;
	bool legend; /* it was told how a log reads */
	bool brief;  /* who leads, what is committed and executed, and no more */
	bool (*passes)(void *user, const struct cores_letter *l);
	void *user;
	struct raft_tale_seen seen[CORES_PLACES_MAX];
	struct raft_ask_vote question[CORES_PLACES_MAX]; /* the last that came there */
	uint8_t leads;                                   /* who was the last to become a leader */
	uint32_t leaders;                                /* how often somebody did */
	uint32_t reads_answered, reads_refused;
	bft_seq read_at; /* from which state on the last one may be answered */
};

#define RAFT_TALE_LATENCY_MS 5u

/* A cluster of n, all linked and just started. `cluster`: another number draws other timers. */
void raft_tale_begin(struct raft_tale *r, struct teller *t, uint32_t n, uint32_t cluster);
void raft_tale_begin_slow(struct raft_tale *r, struct teller *t, uint32_t n, uint32_t cluster, uint32_t latency_ms);
void raft_tale_end(struct raft_tale *r);
/* The scheduler: as in cores.h. */
void raft_tale_schedule(struct raft_tale *r, bool (*passes)(void *user, const struct cores_letter *l), void *user);

struct raft *tale_raft(const struct raft_tale *r, uint8_t place);
uint64_t tale_now(const struct raft_tale *r);
void tale_run(struct raft_tale *r, uint32_t ms);
/* Until somebody leads whom a majority follows, or `ms` are over. Returns who, or CORES_NOBODY. */
uint8_t tale_run_to_leader(struct raft_tale *r, uint32_t ms);
/* Until every place that is up has executed `request`, or `ms` are over. */
bool tale_run_to_executed(struct raft_tale *r, bft_mask places, uint32_t request, uint32_t ms);
/* A client asks `place`; returns the request. */
uint32_t tale_ask(struct raft_tale *r, uint8_t place);
void tale_cut(struct raft_tale *r, const uint8_t *cell, const char *what);
void tale_kill(struct raft_tale *r, uint8_t place);
void tale_start(struct raft_tale *r, uint8_t place);
/* The scheduler's hand on a timer: it ends in `ms`. */
void tale_timer(struct raft_tale *r, uint8_t place, uint32_t ms);
/* It leads the next term: its timer is the first to end. Others' timers start anew. Returns whether it does. */
bool tale_make_leader(struct raft_tale *r, uint8_t place);
/* "x", "y", ... */
const char *tale_request_name(uint32_t request);
/* What the place has in its log: "1:- 1:x 2:-~", term and request ('-' opens a term; '~' not on its disk yet). */
struct tale_log {
	char text[128];
};
struct tale_log tale_log_of(const struct raft_tale *r, uint8_t place);
/* One line for each place: its term and its log. */
void tale_logs(struct raft_tale *r);
/* No two places have executed different entries at one sequence; nobody halted. */
bool tale_safe(const struct raft_tale *r);
#endif
