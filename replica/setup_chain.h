/* replica/setup_chain.h - who the members are, for operators' commands: the genesis, and what the chain of epochs says since. */
#ifndef REPLICA_SETUP_CHAIN_H
#define REPLICA_SETUP_CHAIN_H
#include "bft/epoch_keys.h"
#include "quorate_setup.h"

/* Too large for a stack. */
struct setup_chain {
	struct bft_genesis genesis;
	struct digest cluster;
	struct epoch_keys keys; /* of the newest epoch that it leads to; borrows `genesis` */
};

/* Every signature is verified. Errors: those of reading a genesis; QUORATE_VERIFICATION (a link proves nothing). */
enum quorate_error setup_follow(struct setup_chain *out, const struct quorate_chain *who, char *reason);
#endif
