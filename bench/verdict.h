/* bench/verdict.h - was it safe? The histories in the replicas' logs against one another, and against what clients were told.
 *
 * UNSAFE: two replicas executed different proposals, or had different chains, at one sequence; or a client was told of a place where its request does not
 * stand, or stands elsewhere too. What has left the logs (snapshots) cannot be compared and is counted. */
#ifndef BENCH_VERDICT_H
#define BENCH_VERDICT_H
#include "bench/cluster.h"
#include "bench/load.h"

struct verdict {
	bool safe, whole; /* whole: every log could be read */
	uint64_t sequences, told_checked, told_out_of_reach;
	char why[512];
};

/* Requires: the replicas have stopped. */
void verdict_reach(struct verdict *out, const struct cluster *c, const struct told *told, size_t told_count);
#endif
