/* tests/sim/cores.h - bare cores in rounds, for enumerating: five of them with four keys, a network that is cut into cells anew each round, and nothing else.
 *
 * A place is one core; the last place has the key of another, its twin. Every disk is durable at once, every message that is not cut arrives in order, every
 * proposal that somebody in the cell has can be fetched. Messages are authentic as admission would have made them; certificates need no check, because no core
 * here says what it has not seen. */
#ifndef SIM_CORES_H
#define SIM_CORES_H
#include "bft/core.h"

#define CORES_MEMBERS 4u
#define CORES_PLACES 5u
#define CORES_TWIN 4u /* the place of the twin */

struct cores;
struct cores *cores_create(void);
void cores_destroy(struct cores *c);
/* Everything begins anew; the member with two places is `twinned`. */
void cores_begin(struct cores *c, uint8_t twinned);
/* One round: `cell[i]` is where place i is. Two requests come, in another order at every other place. Then `hops` times all that is under way arrives; or, with 0, all
 * of it and what follows, and time passes until whoever waits has suspected. What is under way at the end is lost where the next round cuts. */
void cores_round(struct cores *c, const uint8_t cell[CORES_PLACES], uint32_t hops);
/* The network is whole, and time passes until the honest have executed every request, or `ms` are over. False: they have not. */
bool cores_heal(struct cores *c, uint32_t ms);
/* What fell, or NULL. */
const char *cores_failure(const struct cores *c);

struct cores_counts {
	uint64_t steps, views, executed, convictions;
	bool convicted; /* an honest core has proof against the twins */
};
void cores_counts(const struct cores *c, struct cores_counts *out);
#endif
