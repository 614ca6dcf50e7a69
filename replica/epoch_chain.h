/* replica/epoch_chain.h - the chain of epochs at one replica: which keys it knows, the links that show them, and how those who were away get them (design
 * section 7; bft/epoch_link.h). Private to the driver.
 *
 *   FETCH_EPOCH = u64 epoch                    EPOCH = the link of that epoch, with as many signatures as are known here
 *
 * A replica that has entered an epoch signs the new epoch's record, and asks the others for their signatures until f+1 are together. Whoever meets somebody in an
 * epoch that it does not know asks him for the next link: that proves itself, so it may come from anybody, on a link whose key is not known yet. */
#ifndef REPLICA_EPOCH_CHAIN_H
#define REPLICA_EPOCH_CHAIN_H
#include "bft/epoch_link.h"

struct driver;

/* One for each epoch from the second on. */
struct epoch_place {
	uint8_t *whole; /* encoded; NULL: there are too few signatures yet */
	size_t n;
	struct epoch_link *partial; /* then */
};

struct epoch_chain {
	struct epoch_keys keys; /* of all epochs that are known: executed here, or shown by links */
	struct epoch_place *at; /* of epoch 2 and on, keys.epoch - 1 of them */
	size_t count, capacity;
	size_t kept;                     /* of them are in the file, the first so many */
	bft_mask asked;                  /* may answer now                             */
	bft_mask strangers;              /* show a key that is not the member's here   */
	uint8_t last_ahead, last_linked; /* who was asked last for the next link; for signatures */
	uint64_t ask_ms;
	uint32_t wait_ms; /* between two questions: longer while nothing comes of them */
};

bool links_create(struct driver *d);
void links_destroy(struct driver *d);
/* The core has entered an epoch. */
void links_entered(struct driver *d);
/* Those that lack signatures get mine. Not earlier than the key of the epoch is here, and it is known whether I may sign anything. */
void links_sign(struct driver *d);
/* Execution has. */
void links_executed(struct driver *d);
/* Whether `epoch` had not ended before `seq`, as far as is known: whoever holds former keys makes no certificate of what came after them. */
bool links_within(const struct driver *d, bft_epoch epoch, bft_seq seq);
/* Whether the newest word that let this replica in again, up to the beginning of `epoch`, was for that incarnation, as links show. */
bool links_let_in(const struct driver *d, bft_epoch epoch, uint64_t incarnation);
void links_tick(struct driver *d);
uint64_t links_deadline(const struct driver *d);
/* From `member`; `stranger`: its key is not known. */
void links_serve(struct driver *d, uint8_t member, const uint8_t *body, size_t n);
void links_serve_client(struct driver *d, uint64_t link, const uint8_t *body, size_t n);
void links_take(struct driver *d, uint8_t member, const uint8_t *body, size_t n);
void links_stranger(struct driver *d, uint8_t member, bool up);

#define CHAIN_MS 100u
#define CHAIN_MS_MAX 1000u
#endif
