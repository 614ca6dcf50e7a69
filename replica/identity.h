/* replica/identity.h - who this replica is: its genesis, its keys, its place among the members. */
#ifndef REPLICA_IDENTITY_H
#define REPLICA_IDENTITY_H
#include "bft/genesis.h"
#include "quorate.h"

struct identity {
	struct bft_genesis genesis;
	struct digest cluster;
	uint8_t self;
	struct secret_key secret, tls_secret;
};

/* Reads and verifies a genesis file, every signature of it. `cluster` gets its digest. */
enum quorate_error identity_genesis(struct bft_genesis *out, struct digest *cluster, const char *path, char *reason);
/* The genesis and both keys that the options name; they must be a member's. The caller wipes the secrets. */
enum quorate_error identity_read(struct identity *out, const struct quorate_options *options, char *reason);
#endif
