/* replica/shares.h - how many requests of each client are on their way here (docs/security.md, "Denial of service").
 *
 * Turns (replica/fair.h) are fair among those who wait. What is under way is ordered as it came, though, so whoever has most of it under way has most of the order, and while there is room
 * for all nobody waits. So where some want far more than the others, they have as much under way as the others do, and what else the order needs to be full. */
#ifndef REPLICA_SHARES_H
#define REPLICA_SHARES_H
#include "crypto/sign.h"

#include <stdbool.h>
#include <stdint.h>

struct shares;
/* A request waits for its turn; or is under way: its signature is being checked, or the core holds it. */
enum share { SHARE_NONE, SHARE_WAITS, SHARE_UNDER_WAY };

/* NULL: no memory. */
struct shares *shares_create(uint32_t clients_max);
void shares_destroy(struct shares *s);

/* What happens from here on happens now; it never falls. */
void shares_time(struct shares *s, uint64_t now_ms);
/* A request of `client`'s that stands at `*at` stands at `to` now. Of more than `clients_max` clients the last ones' are not counted: they stay at SHARE_NONE. */
void shares_move(struct shares *s, const struct public_key *client, enum share *at, enum share to);
/* Judges anew who wants far more than the others, by the most that each had at once since the last time. `room`: so many under way keep the order full; what the others leave of it is theirs
 * who want far more. */
void shares_judge(struct shares *s, uint32_t room);
/* Whether it wants far more than the others. */
bool shares_held(const struct shares *s, const struct public_key *client);
/* Whether one more of its requests may get under way. */
bool shares_allow(const struct shares *s, const struct public_key *client);
/* How many those may have under way who want far more than the others; UINT32_MAX: nobody does. */
uint32_t shares_most(const struct shares *s);
#endif
