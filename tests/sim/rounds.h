/* tests/sim/rounds.h - bare cores in rounds, for enumerating: a network that is cut into cells anew each round, and two requests with each. */
#ifndef SIM_ROUNDS_H
#define SIM_ROUNDS_H
#include "tests/sim/cores.h"

#define ROUNDS_MEMBERS 4u
#define ROUNDS_PLACES 5u
#define ROUNDS_TWIN 4u /* the place of the twin */

struct cores *rounds_create(void);
/* `cell[i]` is where place i is. Two requests come, in another order at every other place. Then `hops` times all that is under way arrives; or, with 0, all of it and
 * what follows, and time passes until whoever waits has suspected. What is under way at the end is lost where the next round cuts. */
void rounds_one(struct cores *c, const uint8_t cell[ROUNDS_PLACES], uint32_t hops);
/* The network is whole, and time passes until the honest have executed every request, or `ms` are over. False: they have not. */
bool rounds_heal(struct cores *c, uint32_t ms);
#endif
