/* replica/transfer.h - state transfer: a certified snapshot, fetched from several others at once and checked part by part (design section 6). Private to the driver.
 *
 *   FETCH_OFFER = u8 0                                                 OFFER = the SNAPSHOT certificate of what is served
 *   FETCH_STATE = u64 seq | u32 question | u16 count | count * item                   item  = u8 0 | u8 depth | depth nibbles, a byte each        a node of the tree
 *                                                                            | u8 1 | key hash 32                                   an entry
 *   STATE       = u64 seq | u32 question | u16 count | count * part                   part  = u32 n | node n   |   u32 k | full key k | u32 n | value n
 *
 * Parts come in the order of the items; what did not fit into a mebibyte is left out at the end and asked for again. Count 0: that snapshot is not served.
 *
 * The receiver walks the certified tree from its root, beside a copy of its own state: equal subtrees are skipped, so only what differs travels. Each node is
 * checked against its parent before anything follows from it, each entry before it is written. What is there already stays when the target moves, and after a
 * restart: the walk begins again at the root and skips it. */
#ifndef REPLICA_TRANSFER_H
#define REPLICA_TRANSFER_H
#include "bft/types.h"
#include "replica/state/state.h"

struct driver;
struct transfer;

struct transfer_view { /* a snapshot that is served */
	struct state_view *view;
	bft_seq seq;
	uint8_t *certificate;
	size_t certificate_n;
	uint32_t leases; /* of so many members */
};
struct transfer_lease { /* what one member is served; view NULL: nothing */
	struct transfer_view *view;
	uint64_t since_ms, used_ms;
};

/* transfer_get.c */
void transfer_begin(struct driver *d);
void transfer_end(struct driver *d); /* gives it up; what was fetched stays in its file */
void transfer_offer(struct driver *d, uint8_t member, const uint8_t *body, size_t n);
void transfer_state(struct driver *d, uint8_t member, const uint8_t *body, size_t n);
void transfer_tick(struct driver *d);
uint64_t transfer_deadline(const struct driver *d);

/* transfer_serve.c */
void transfer_serve_offer(struct driver *d, uint8_t member);
void transfer_serve(struct driver *d, uint8_t member, const uint8_t *body, size_t n);
void transfer_leases_tick(struct driver *d);
uint64_t transfer_leases_deadline(const struct driver *d);
void transfer_leases_end(struct driver *d);

#define TRANSFER_ITEMS_MAX 64u         /* of one FETCH_STATE                     */
#define TRANSFER_PART_BYTES (1u << 20) /* of one STATE, but at least one part    */
#define TRANSFER_LEASE_IDLE_MS 10000u  /* unused for so long, a lease ends       */
#define TRANSFER_LEASE_MS 60000u       /* then it does when there is a newer one */
#define TRANSFER_NODE 0u
#define TRANSFER_ENTRY 1u
#endif
