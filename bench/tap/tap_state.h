/* bench/tap/tap_state.h - what the writer's files share. One replica to a process, on one thread. */
#ifndef BENCH_TAP_STATE_H
#define BENCH_TAP_STATE_H
#include "bench/tap/tap.h"

extern struct tap_shared *tap_here; /* NULL: nobody wants to know     */
extern uint64_t tap_pushing;        /* the proposal that is being sent */

void tap_put(const struct tap_entry *e);
uint64_t tap_id(const uint8_t *digest);
uint64_t tap_request_id(uint64_t session, uint64_t number);

/* stages.c. Requires: tap_here. */
void stages_request_came(const uint8_t *body, size_t n);
void stages_request_checked(uint64_t session, uint64_t number);
void stages_built(uint64_t proposal);
/* A record about `seq` was written at `lsn`, with the body of `proposal` (0: none). `commit`: it says that it is prepared. */
void stages_written(uint64_t seq, uint64_t lsn, uint64_t proposal, bool commit);
void stages_durable(uint64_t lsn);
void stages_decided(uint64_t seq);
#endif
