/* replica/execution/epochs.h - which epoch an executed sequence is in: part of the replicated state, changed by ordered entries alone (design section 7). */
#ifndef REPLICA_EXECUTION_EPOCHS_H
#define REPLICA_EXECUTION_EPOCHS_H
#include "bft/genesis.h"
#include "bft/readmit.h"
#include "replica/state/state.h"

/* The present one, and the border that ends it. */
struct epochs {
	bft_epoch epoch;                       /* 1: the genesis                                                             */
	bft_seq base;                          /* it began behind this sequence                                              */
	struct digest chain;                   /* at `base`                                                                  */
	uint64_t incarnation[BFT_MEMBERS_MAX]; /* the last that was let in again; 0: the first             */
	bft_seq border;                        /* the next begins behind this sequence; 0: none is pending */
	uint8_t member;                        /* then: who comes back                                     */
	uint64_t next_incarnation;             /* then: as which                                           */
};

/* What the state says; a state that says nothing is in the genesis' epoch. */
enum state_result epochs_load(struct epochs *e, struct state *state, const struct digest *cluster);

/* The least multiple of K that no slot in flight can pass when an entry is executed at `seq`. */
bft_seq epochs_border(bft_seq seq, const struct bft_genesis_limits *limits);

/* An ordered entry, executed at `seq`; `*status` is a RESULT_ status. Stores what it fixed. */
enum state_result epochs_readmit(struct epochs *e, struct state *state, const struct bft_genesis *genesis, const struct sign_scheme *scheme,
                                 const struct digest *cluster, bft_seq seq, const uint8_t *entry, size_t n, uint8_t *status);
/* `seq` was executed, with `chain` after it. At the border the next epoch becomes the present one: true. */
enum state_result epochs_executed(struct epochs *e, struct state *state, bft_seq seq, const struct digest *chain, bool *crossed);
#endif
