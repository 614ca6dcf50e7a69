/* replica/places.h - how the places for requests that are being ordered are divided among clients: max-min fair, by what each asked for at most in the last while
 * (docs/security.md, "Denial of service").
 *
 * A turn for each is not enough: who asks, waits for an answer and asks again has nothing waiting at the moment when places become free, and whoever floods would
 * have them all. */
#ifndef REPLICA_PLACES_H
#define REPLICA_PLACES_H
#include "crypto/sign.h"

#include <stdbool.h>
#include <stdint.h>

#define PLACES_SETS 256u
#define PLACES_WAYS 4u
#define PLACES_WHILE_MS 500u
#define PLACES_AGAIN_MS 5u /* the division is computed again */

struct places_client {
	struct public_key key;
	uint32_t asked, held;       /* now: waiting or held; held */
	uint32_t most, most_before; /* asked at once in this while, and in the one before */
};
/* Zeros are empty. Clients for whom there is no room are not counted, and not restrained. */
struct places {
	struct places_client set[PLACES_SETS][PLACES_WAYS];
	uint64_t while_ms, divided_ms;
	uint32_t part; /* what each may hold */
};

/* One that waits, or is held; each ends with the other call of its kind. */
void places_asks(struct places *p, const struct public_key *client);
void places_asks_less(struct places *p, const struct public_key *client);
void places_holds(struct places *p, const struct public_key *client);
void places_holds_less(struct places *p, const struct public_key *client);
/* Divides `places` anew, when it is time. */
void places_divide(struct places *p, uint32_t places, uint64_t now_ms);
/* Whether it may hold one more. */
bool places_may(const struct places *p, const struct public_key *client);
#endif
