/* bench/slots/slots.h - what the taps of a run's replicas tell (bench/tap/tap.h): bytes by message, where the time of a request goes, and a few slots message by message, before
 * and after something went wrong. Threads: the conductor's while the run goes on, then whoever reports. */
#ifndef BENCH_SLOTS_H
#define BENCH_SLOTS_H
#include "bench/cluster.h"
#include "bench/plan.h"
#include "bench/tap/tap.h"

#define SLOTS_CAPTURES 4u
#define SLOTS_OF_CAPTURE 3u
#define SLOTS_ENTRIES_MAX 150000u /* of one capture */

struct slots_entry {
	struct tap_entry e;
	uint8_t owner; /* whose tap */
};

struct capture { /* a while in which everything was recorded */
	const char *phase;
	uint32_t from_ms, until_ms; /* at the latest */
	bool waits;                 /* for the first attack or fault */
	uint64_t origin_ns;         /* what was proposed before does not count; 0: not known yet */
	struct slots_entry *entry;
	size_t count, capacity;
	uint64_t seq[SLOTS_OF_CAPTURE];
	uint32_t found;
	uint32_t enough_ms, looked_ms; /* when the last that was wanted was found, 0: not yet; when it was last looked */
	bool begun, over;
};

struct slots {
	const struct plan *plan;
	struct tap_shared *tap[CLUSTER_MAX];
	uint64_t read[CLUSTER_MAX];
	struct capture capture[SLOTS_CAPTURES];
	uint32_t captures;
};

/* Makes the files beside the cluster, which is told of them, and plans what is recorded when. Before it starts. False: a file could not be made. */
bool slots_prepare(struct slots *s, const struct plan *plan, struct cluster *cluster, const char *tapped);
/* The measured time begins, or is over. */
void slots_count(struct slots *s, bool on);
/* `ms`: of the measured time; `attack_ns`: when the first attack or fault began; 0: not yet. */
void slots_tick(struct slots *s, uint32_t ms, uint64_t attack_ns);
void slots_free(struct slots *s);

#endif
