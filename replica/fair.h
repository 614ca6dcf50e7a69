/* replica/fair.h - requests that wait for their signature's check, in turn by client: whoever sends much waits behind itself (docs/security.md, "Denial of
 * service").
 *
 * Deficit round robin (Shreedhar and Varghese, SIGCOMM'95) over clients' keys, by bytes. When it is full, what the largest holder sent last goes first. */
#ifndef REPLICA_FAIR_H
#define REPLICA_FAIR_H
#include "crypto/sign.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fair_source;
struct fair_item {
	struct fair_item *newer, *older; /* of its source */
	struct fair_source *source;
	size_t bytes;
};

struct fair_limits {
	uint32_t items_max, sources_max;
	size_t bytes_max, turn_bytes; /* turn_bytes: what one client may have in its turn; an item counts as at least FAIR_ITEM_BYTES */
};
#define FAIR_ITEM_BYTES 512u

struct fair;
/* NULL: no memory. */
struct fair *fair_create(const struct fair_limits *limits);
/* `drop` is told of each item that still waits. */
void fair_destroy(struct fair *f, void (*drop)(struct fair_item *item));

/* False: there is no place for it. For its sake others may have had to go: they are the caller's again, one call of `pushed_out` for each. */
typedef void (*fair_pushed_fn)(void *arg, struct fair_item *item);
bool fair_put(struct fair *f, const struct public_key *client, struct fair_item *item, size_t bytes, fair_pushed_fn pushed_out, void *arg);
/* Whose turn it is, of those whose next one may go, as `may` says (NULL: all). NULL: nobody such waits. */
typedef bool (*fair_may_fn)(const void *arg, const struct fair_item *next);
struct fair_item *fair_take(struct fair *f, fair_may_fn may, const void *arg);
/* All that waits from `client` is the caller's again, one call of `out` for each. */
void fair_forget(struct fair *f, const struct public_key *client, fair_pushed_fn out, void *arg);
/* Whether something of `client` waits. */
bool fair_waits(const struct fair *f, const struct public_key *client);
uint32_t fair_count(const struct fair *f);
#endif
