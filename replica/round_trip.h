/* replica/round_trip.h - how far away those are with whom a quorum can be made (docs/protocol.md, "A slow leader"). */
#ifndef REPLICA_ROUND_TRIP_H
#define REPLICA_ROUND_TRIP_H
#include <stdint.h>

/* To the farthest of the n-1-f nearest of the `n` members, in us: f that answer late, or never, do not count. `us` has one for each member; mine is 0, and so is
 * whose is unknown. 0: not so many are known. */
uint32_t round_trip(const uint64_t *us, uint32_t width, uint32_t n);
#endif
