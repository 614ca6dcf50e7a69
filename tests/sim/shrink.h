/* tests/sim/shrink.h - a smaller schedule that still fails. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H
#include "tests/sim/faults.h"

/* Runs the seed of `from` at most `tries` times, each time with less: whole classes of faults, single ones, requests, time. What cannot be missed is told as a story,
 * with the command that replays it. Returns the exit status: 0 it was made smaller, or is as small as it gets; 1 the seed does not fail. */
int shrink(const struct schedule *from, uint64_t tries);
#endif
