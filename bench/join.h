/* bench/join.h - an empty replica joins a cluster under load: how long that takes, and what it costs the others. */
#ifndef BENCH_JOIN_H
#define BENCH_JOIN_H
#include "bench/cluster.h"
#include "bench/load.h"

struct join_result {
	double seconds;        /* from the start of its process until it has executed what the others have */
	bool joined;           /* within the time that is allowed                                          */
	double before, during; /* operations a second of the same load, without it being away and while it joins */
	uint64_t seq;          /* where it stood then */
};

/* `load` says what runs all the time: the cluster is filled with its keys first. Kills the last replica of the cluster and empties its folder. */
bool join_run(struct cluster *c, const struct load_options *load, uint32_t limit_ms, struct join_result *out, char *reason);
#endif
