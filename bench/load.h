/* bench/load.h - closed-loop load on a cluster: sessions of one client process, so many operations outstanding in each, puts of random keys. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H
#include "bench/histogram.h"
#include "quorate_client.h"

struct load_options {
	const char *genesis, *key;
	uint32_t sessions, outstanding, bundle_ops; /* outstanding: operations of each session */
	bool reads;                                 /* gets without ordering instead of puts                */
	bool fill;                                  /* each key once, in their order: ends when all are there, or at the duration */
	uint64_t keys;
	uint32_t value_bytes;
	uint64_t seed;
	uint32_t warm_up_ms, duration_ms;
	bool (*enough)(void *arg); /* NULL, or asked now and then: the measured part ends when it says so, or at the duration */
	void *enough_arg;
};

/* What a client was told: enough to look it up in the replicas' histories. */
struct told {
	uint64_t session, number, seq;
};

struct load_result {
	uint64_t done, failed; /* within the measured time */
	double seconds;
	uint64_t gap_us_max; /* longest between two completions of any session */
	struct histogram latency_us;
	struct told *told;            /* every acknowledged bundle of the whole run, once; the caller frees it */
	size_t told_count, told_lost; /* lost: beyond what is kept */
	char first_failure[QUORATE_REASON_BYTES];
};

/* `measuring` (may be NULL) is called when the measured part begins and ends. False: it could not begin; `reason` says why. */
bool load_run(const struct load_options *options, struct load_result *out, void (*measuring)(void *arg, bool begins), void *arg, char *reason);
#endif
