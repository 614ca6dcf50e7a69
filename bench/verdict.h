/* bench/verdict.h - was it safe? The histories in the honest replicas' logs against one another, and against what clients were told; and what they hold of each other.
 *
 * UNSAFE: two honest replicas executed different proposals, or had different chains, at one sequence; a client was told of a place where its request does not stand,
 * or stands elsewhere too; evidence that holds names a replica that kept the protocol. What has left the logs (snapshots) cannot be compared and is counted.
 *
 * Convicted are those whom a file of evidence proves to have lied, as anybody with the genesis can check; and when two histories were decided, those who signed both of
 * two prepared certificates for one place (the audit: verdict_audit.c). */
#ifndef BENCH_VERDICT_H
#define BENCH_VERDICT_H
#include "bench/cluster.h"
#include "bench/load.h"
#include "replica/log/log.h"

struct verdict {
	bool safe, whole; /* whole: every log could be read */
	uint64_t sequences, told_checked, told_out_of_reach;
	uint64_t convicted; /* bit i: member i */
	uint32_t evidence;  /* files that hold */
	char why[512];
};

/* Says why it is not safe; the first reason stays. */
void verdict_unsafe(struct verdict *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `liars`: bit i: member i is one, and its log and evidence count for nothing. `keep`: NULL, or a folder that gets copies of the evidence.
 *
 * Requires: the replicas have stopped. */
void verdict_reach(struct verdict *out, const struct cluster *c, uint64_t liars, const struct told *told, size_t told_count, const char *keep);
/* Visits a replica's log. False: it could not be read whole. */
bool verdict_visit_log(const struct cluster *c, const struct digest *cluster, uint32_t replica, log_visit_fn visit, void *arg);
/* Who signed two histories, from the honest logs; a mask of members. */
uint64_t verdict_audit(const struct cluster *c, uint64_t liars);
/* Adds to `convicted` and `evidence` what the honest replicas keep. */
void verdict_evidence(struct verdict *v, const struct cluster *c, uint64_t liars, const char *keep);
#endif
