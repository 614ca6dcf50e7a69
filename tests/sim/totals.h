/* tests/sim/totals.h - what the seeds of a run exercised, added up. */
#ifndef SIM_TOTALS_H
#define SIM_TOTALS_H
#include "tests/sim/sim.h"

/* X(field, JSON name, text) */
#define TOTALS_LIST(X)                                                                                                                                         \
	X(wakeups, "wakeups", "wake-ups")                                                                                                                      \
	X(frames, "frames", "frames")                                                                                                                          \
	X(views, "views_entered", "views entered")                                                                                                             \
	X(epochs, "epochs_entered", "epochs entered")                                                                                                          \
	X(snapshots, "snapshots", "snapshots")                                                                                                                 \
	X(transfers_begun, "transfers_begun", "transfers begun")                                                                                               \
	X(transfers, "states_installed", "states installed")                                                                                                   \
	X(transfers_ms, "fetching_ms", "milliseconds of fetching states")                                                                                      \
	X(observers, "observers", "observers")                                                                                                                 \
	X(readmitted, "readmitted", "let in again")                                                                                                            \
	X(members_changed, "members_changed", "changes of members")                                                                                            \
	X(modes_changed, "modes_changed", "changes of the mode")                                                                                               \
	X(rotations, "keys_changed", "keys changed")                                                                                                           \
	X(passed_over, "passed_over", "leaders passed over")                                                                                                   \
	X(damaged, "damaged_logs", "damaged logs met at a start")                                                                                              \
	X(states_dropped, "states_dropped", "damaged states dropped at a start")                                                                               \
	X(given_up, "folders_given_up", "damaged folders given up")                                                                                            \
	X(refusals, "full_disks_met", "full disks met")                                                                                                        \
	X(accusations, "accusations", "accusations")                                                                                                           \
	X(convictions, "convictions", "convictions")                                                                                                           \
	X(reads, "reads", "reads")                                                                                                                             \
	X(histories, "register_operations", "register operations")                                                                                             \
	X(lies_executed, "lies_executed", "operations of lying clients executed")                                                                              \
	X(large_executed, "large_executed", "requests as large as may be executed")                                                                            \
	X(deep_paths, "deep_paths", "states with a path as deep as a client made it")                                                                          \
	X(repeated, "asked_again", "requests asked again")

struct totals {
	uint64_t passed, failed;
#define TOTALS_FIELD(field, name, text) uint64_t field;
	TOTALS_LIST(TOTALS_FIELD)
#undef TOTALS_FIELD
	uint64_t fault[FAULT_CLASSES], seeds_with[FAULT_CLASSES], seeds_of[SIM_NODES_MAX + 1], tiny;
};

void totals_add(struct totals *t, const struct totals *o);
void totals_of(struct totals *t, const struct sim *s);
void totals_print(const struct totals *t, bool json);
#endif
