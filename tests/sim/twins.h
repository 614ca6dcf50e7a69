/* tests/sim/twins.h - quorate-sim twins: every way to cut four members and a twin apart, round after round. */
#ifndef SIM_TWINS_H
#define SIM_TWINS_H
#include <stdbool.h>
#include <stdint.h>

/* Returns the exit status. `rounds` 0: a standard choice, of about a minute. `sample` 0: all of them. `one` is not NULL: that scenario alone, as it is printed when it fails. */
int twins(uint32_t rounds, uint64_t sample, const char *one);
#endif
