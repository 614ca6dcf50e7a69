/* replica/execution/epochs.h - which epoch an executed sequence is in: part of the replicated state, changed by ordered entries alone (design section 7).
 *
 *   epochs       = u64 epoch | u64 base | chain 32 | u64 border | (border: the change that is pending) | u64 incarnations[64]
 *   epoch/ u64   = the record of that epoch (bft/epoch_link.h), from the second on; the number stands highest byte first
 *   voice/ key32 = what the organization with that key approved last in this epoch (bft/reconfigure.h), with that approval alone. An epoch's end takes them all away */
#ifndef REPLICA_EXECUTION_EPOCHS_H
#define REPLICA_EXECUTION_EPOCHS_H
#include "bft/epoch_link.h"
#include "replica/state/state.h"

/* The present one, and the border that ends it. */
struct epochs {
	bft_epoch epoch;                       /* 1: the genesis                                           */
	bft_seq base;                          /* it began behind this sequence                            */
	struct digest chain;                   /* at `base`                                                */
	uint64_t incarnation[BFT_MEMBERS_MAX]; /* the last that was let in again; 0: the first             */
	bft_seq border;                        /* the next begins behind this sequence; 0: none is pending */
	struct epoch_change next;              /* then: by which change                                    */
	struct epoch_keys keys;                /* of this epoch and all before it                          */
};

/* What the state says; a state that says nothing is in the genesis' epoch. `genesis` stays the caller's. */
enum state_result epochs_load(struct epochs *e, struct state *state, const struct bft_genesis *genesis, const struct digest *cluster);
/* The record of an epoch that the state has entered: from 2 on. STATE_NONE: it has not. */
enum state_result epochs_record(struct epoch_record *out, struct state *state, bft_epoch epoch);

/* The least multiple of K that no slot in flight can pass when an entry is executed at `seq`. */
bft_seq epochs_border(bft_seq seq, const struct bft_genesis_limits *limits);

/* An ordered entry of `kind`, executed at `seq`; `*status` is a RESULT_ status. Stores what it fixed. */
enum state_result epochs_change(struct epochs *e, struct state *state, const struct sign_scheme *scheme, const struct digest *cluster, bft_seq seq,
                                uint8_t kind, const uint8_t *entry, size_t n, uint8_t *status);
/* What the organization of that key approves in this epoch. STATE_NONE: nothing. */
enum state_result epochs_voice(struct reconfigure *out, struct state *state, const struct public_key *org);
/* What `want` asks for, with every approval that it has in this epoch: of the organizations of the members. */
enum state_result epochs_gather(struct reconfigure *want, const struct epoch_keys *k, struct state *state);
/* `seq` was executed, with `chain` after it. At the border the next epoch becomes the present one: true. */
enum state_result epochs_executed(struct epochs *e, struct state *state, bft_seq seq, const struct digest *chain, bool *crossed);
#endif
