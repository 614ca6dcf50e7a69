/* bench/load.h - load on a cluster, from sessions of this process: a closed loop (so many operations outstanding in each session) or an open one (so many a second,
 * whatever comes back), puts and reads of random keys. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H
#include "bench/histogram.h"
#include "bench/keys.h"
#include "bench/schedule.h"
#include "bench/track.h"
#include "quorate_client.h"

#include <signal.h>

struct load_options {
	const char *genesis, *key;
	uint32_t sessions, outstanding, bundle_ops; /* outstanding: operations of each session, in a closed loop */
	uint32_t clients;                           /* the sessions are of so many client keys; 0: of one            */
	double rate;                                /* above 0: an open loop, so many operations a second              */
	uint32_t reads_pct;                         /* of a hundred, gets that are not ordered instead of puts      */
	bool zipf;                                  /* the keys' distribution                                       */
	bool fill;                                  /* each key once, in their order: ends when all are there, or at the duration */
	uint64_t keys;
	uint32_t value_bytes;
	uint64_t seed;
	uint32_t warm_up_ms, duration_ms;
	bool (*enough)(void *arg); /* NULL, or asked now and then: the measured part ends when it says so, or at the duration */
	void *enough_arg;
	const volatile sig_atomic_t *stop; /* NULL, or: it ends at once when this is set */
	struct track *track;               /* NULL, or what the measured time is told to */
};

/* What a client was told: enough to look it up in the replicas' histories. */
struct told {
	uint64_t session, number, seq;
};

struct load_result {
	uint64_t done, failed; /* within the measured time */
	double seconds;
	uint64_t gap_us_max;          /* longest between two completions of any session */
	struct histogram latency_us;  /* from the intended moment */
	struct histogram service_us;  /* from the moment of asking: the same in a closed loop */
	uint64_t behind_us_max;       /* how late an open loop's generator was            */
	uint64_t unanswered;          /* in the end, of what was asked in the measured time */
	double worst_client_pct;      /* what the client that got least got of its equal share */
	struct told *told;            /* every acknowledged bundle of the whole run, once; the caller frees it */
	size_t told_count, told_lost; /* lost: beyond what is kept */
	char first_failure[QUORATE_REASON_BYTES];
};

/* `measuring` (may be NULL) is called when the measured part begins and ends. False: it could not begin; `reason` says why. */
bool load_run(const struct load_options *options, struct load_result *out, void (*measuring)(void *arg, bool begins), void *arg, char *reason);
#endif
