/* bench/fault.h - what a fault costs: the same load on the same cluster, before it and from the moment of it on. */
#ifndef BENCH_FAULT_H
#define BENCH_FAULT_H
#include "bench/cluster.h"
#include "bench/load.h"

enum fault_kind {
	FAULT_NONE,             /* nothing: how much two runs differ by chance */
	FAULT_FOLLOWER_DEAD,    /* killed                               */
	FAULT_FOLLOWER_STOPPED, /* stopped: its links stay              */
	FAULT_FOLLOWER_SLOW,    /* its disk is ten times slower         */
	FAULT_LEADER_DEAD,      /* killed                               */
	FAULT_KINDS,
};
/* NULL: there is no such one. */
const char *fault_name(enum fault_kind kind);

struct fault_result {
	uint32_t leader, victim;
	struct load_result before, after; /* `told` is freed */
};
/* False: the load could not run; `reason` says why. */
bool fault_run(struct cluster *c, const struct load_options *load, enum fault_kind kind, struct fault_result *out, char *reason);
#endif
