/* quorate_setup.h - what operators do before a replica runs: keys, cards, the genesis, configuration files, a local test cluster.
 *
 * Every function fills `reason` (QUORATE_REASON_BYTES, may be NULL) with one sentence when it fails. Nothing is ever overwritten. Threads: any, each call stands
 * alone. */
#ifndef QUORATE_SETUP_H
#define QUORATE_SETUP_H
#include "quorate.h"
#include "quorate_client.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QUORATE_HEX_BYTES 65 /* 32 bytes in hexadecimal, and the final zero */

/* A new random key in the new file `path` (mode 0600), sealed when `passphrase` is not NULL. */
enum quorate_error quorate_key_new(const char *path, const char *passphrase, char public_hex[QUORATE_HEX_BYTES], char *reason);
enum quorate_error quorate_key_show(const char *path, const char *passphrase, char public_hex[QUORATE_HEX_BYTES], char *reason);

struct quorate_card_options {
	const char *org; /* 1 to 63 of a-z, 0-9, - */
	const char *org_key, *member_key, *tls_key; /* paths */
	const char *passphrase;
	const char *const *addresses; /* "host:port" */
	uint32_t addresses_count;
	const char *out;
};
enum quorate_error quorate_card_new(const struct quorate_card_options *options, char *reason);

/* The same bytes and digest wherever it runs, whatever the order of the cards. */
enum quorate_error quorate_genesis_build(const char *const *cards, uint32_t count, const char *out, char digest_hex[QUORATE_HEX_BYTES], char *reason);

struct quorate_member_info {
	char org[64];
	char member_key[QUORATE_HEX_BYTES];
	char address[256];
};
struct quorate_genesis_info {
	char digest[QUORATE_HEX_BYTES];
	uint8_t mode; /* 1: Byzantine faults, 2: trusted */
	uint32_t members, faults, quorum;
	struct quorate_member_info member[64];
};
/* Reads and verifies a genesis, every signature of it. */
enum quorate_error quorate_genesis_show(const char *path, struct quorate_genesis_info *out, char *reason);

/* DIR/genesis, DIR/client.yaml, DIR/client.key, DIR/replica-I/{replica.yaml, org.key, member.key, tls.key, card, data/}, formatted; replica I listens on
 * 127.0.0.1:base_port+I. `dir` must not exist or be empty. */
enum quorate_error quorate_testnet(const char *dir, uint32_t replicas, uint16_t base_port, char *reason);

/* ---- configuration files -------------------------------------------------------------------------------------------------------------------------------- */

/* Hears every problem of a file, in order: "file:line:col: sentence". */
typedef void (*quorate_problem_fn)(void *user, const char *sentence);

enum quorate_config_kind { QUORATE_CONFIG_REPLICA, QUORATE_CONFIG_CLIENT };
struct quorate_config; /* owns the strings of the options read from it */

/* Reads a file with the schema of `kind`; paths in it are relative to its folder. Returns QUORATE_CONFIG after naming every problem at once. */
enum quorate_error quorate_config_read(struct quorate_config **out, enum quorate_config_kind kind, const char *path, quorate_problem_fn problem, void *user);
/* Finds the kind by the keys that are there. */
enum quorate_error quorate_config_check(const char *path, quorate_problem_fn problem, void *user, enum quorate_config_kind *kind);
const struct quorate_options *quorate_config_options(const struct quorate_config *config);
const struct quorate_client_options *quorate_config_client(const struct quorate_config *config);
void quorate_config_free(struct quorate_config *config);

#ifdef __cplusplus
}
#endif
#endif
