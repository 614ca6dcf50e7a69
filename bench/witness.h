/* bench/witness.h - clients that watch: a few registers, written, compared and read by several sessions beside the load, and what each was told and when. In the end the
 * history must have an order that explains it (tests/linear/linear.h): each operation took effect once, between its question and its answer. */
#ifndef BENCH_WITNESS_H
#define BENCH_WITNESS_H
#include "quorate_client.h"
#include "tests/linear/linear.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct witness;

/* Begins to watch; an operation in each of its sessions every `pause_ms`. NULL: it cannot begin; `reason` says why. */
struct witness *witness_begin(const char *genesis, uint32_t pause_ms, uint64_t seed, char *reason);
/* Ends it, and judges. `why` gets a sentence when the history is not LINEAR_HOLDS. Frees it. NULL is allowed: nothing was seen. */
enum linear_verdict witness_end(struct witness *w, uint64_t *operations, char *why, size_t why_bytes);
#endif
