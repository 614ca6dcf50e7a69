/* replica/history.h - where things are in the log: by sequence for those who catch up and for truncation, by digest for bodies.
 *
 * About 64 bytes for each sequence that the log keeps. */
#ifndef REPLICA_HISTORY_H
#define REPLICA_HISTORY_H
#include "bft/types.h"
#include "replica/log/log.h"

struct history;

struct history_entry {
	bft_lsn lsn_min;              /* lowest record that concerns this sequence; 0: none */
	struct log_position executed; /* segment 0: none                                    */
	struct log_position stable;   /* the checkpoint certificate of it; segment 0: none   */
};

struct history *history_create(void);
void history_destroy(struct history *h);
/* The entry of `seq`, made when it is not there. NULL: below what was dropped, too far above, or no memory. */
struct history_entry *history_open(struct history *h, bft_seq seq);
const struct history_entry *history_find(const struct history *h, bft_seq seq);
/* The lowest checkpoint certificate at or above `from`, not further than `reach` above it; 0: none. */
bft_seq history_stable_from(const struct history *h, bft_seq from, bft_seq reach);

/* A body's place. Last one wins; `seq` says with what it may be dropped. */
bool history_put_body(struct history *h, const struct digest *digest, bft_seq seq, const struct log_position *at);
/* Digests are compared by their first half: the reader checks the whole against the bytes. False: not in the log. */
bool history_body(const struct history *h, const struct digest *digest, struct log_position *at);
/* It is in the log, and stays there until `seq` is dropped. */
bool history_body_covers(const struct history *h, const struct digest *digest, bft_seq seq);

/* Drops everything about sequences up to `seq`; returns the lowest lsn that what remains needs, or UINT64_MAX. */
bft_lsn history_drop(struct history *h, bft_seq seq);
#endif
