/* replica/identity.h - who this replica is: its genesis, its keys, its place among the members. */
#ifndef REPLICA_IDENTITY_H
#define REPLICA_IDENTITY_H
#include "bft/genesis.h"
#include "quorate.h"

struct identity {
	struct bft_genesis genesis;
	struct digest cluster;
	uint8_t self;
	struct bft_card card; /* mine: of the genesis, or of the chain of epochs */
	bool has_key;         /* the file that `member_key` names is there; else one beside it may be: identity_secret */
	struct public_key key;
	struct secret_key secret, tls_secret;
};

/* Reads and verifies a genesis file, every signature of it. `cluster` gets its digest. */
enum quorate_error identity_genesis(struct bft_genesis *out, struct digest *cluster, const char *path, char *reason);
/* The genesis and both keys that the options name. The TLS key, which stays, says which member this is: of the genesis, or one that came later, as the
 * chain of epochs says (options->epochs, or the file `epochs` of the data). The member key may be a later one than the card's. The
 * caller wipes the secrets. */
enum quorate_error identity_read(struct identity *out, const struct quorate_options *options, char *reason);

/* The secret of `key`: in the file that `member_key` names, or beside it (identity_key_path). False: in neither. The caller wipes it. */
bool identity_secret(const struct quorate_options *options, const struct public_key *key, struct secret_key *out);
/* Where a key lies that came after the genesis: MEMBER_KEY.XXXXXXXX, its first four bytes. False: the path is too long. */
#define IDENTITY_PATH_BYTES 4096u
bool identity_key_path(char out[IDENTITY_PATH_BYTES], const char *member_key, const struct public_key *key);
#endif
