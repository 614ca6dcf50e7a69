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
	const char *org;                            /* 1 to 63 of a-z, 0-9, - */
	const char *org_key, *member_key, *tls_key; /* paths */
	const char *passphrase;
	const char *const *addresses; /* "host:port" */
	uint32_t addresses_count;
	const char *out;
};
enum quorate_error quorate_card_new(const struct quorate_card_options *options, char *reason);

enum quorate_mode {
	QUORATE_BFT = 1,     /* up to f liars among 3f+1 members: four or more     */
	QUORATE_TRUSTED = 2, /* nobody lies, a minority may crash: one or more     */
};

/* The same bytes and digest wherever it runs, whatever the order of the cards. */
enum quorate_error quorate_genesis_build(const char *const *cards, uint32_t count, enum quorate_mode mode, const char *out, char digest_hex[QUORATE_HEX_BYTES],
                                         char *reason);

struct quorate_member_info {
	char org[64];
	char member_key[QUORATE_HEX_BYTES];
	char address[256];
};
struct quorate_genesis_info {
	char digest[QUORATE_HEX_BYTES];
	uint8_t mode; /* enum quorate_mode */
	uint32_t members, faults, quorum;
	struct quorate_member_info member[64];
};
/* Reads and verifies a genesis, every signature of it. */
enum quorate_error quorate_genesis_show(const char *path, struct quorate_genesis_info *out, char *reason);

/* Who the members are. */
struct quorate_chain {
	const char *genesis;
	const void *epochs; /* links of the chain of epochs, as quorate_client_epochs gives them; NULL, 0: the first epoch */
	size_t epochs_n;
};

/* The word of the organization whose key `org_key` is that member `member`, which lost its memory and calls itself `incarnation`, may vote again when `epoch` ends. */
enum quorate_error quorate_readmit_sign(const struct quorate_chain *who, const char *org_key, const char *passphrase, uint32_t member, uint64_t epoch,
                                        uint64_t incarnation, uint8_t word[QUORATE_READMIT_BYTES], char *reason);

/* A new member key for a replica: in a new file beside the one that its configuration names (MEMBER_KEY.XXXXXXXX, the key's first four bytes), where the replica finds
 * it when the time has come; and the word of its organization, and of the new key, that it is `member`'s when `epoch` ends. */
#define QUORATE_PATH_BYTES 4096
struct quorate_rotate_options {
	const struct quorate_options *replica; /* as its configuration says */
	const char *org_key, *passphrase;      /* of the organization       */
	uint32_t member;
	uint64_t epoch;
};
enum quorate_error quorate_rotate_sign(const struct quorate_rotate_options *options, uint8_t word[QUORATE_ROTATE_BYTES], char path[QUORATE_PATH_BYTES],
                                       char *reason);
/* Removes that file. Only when the cluster has refused the word: else it may be the replica's key. */
void quorate_rotate_undo(const char *path);

/* ---- changes: other members, or another mode -------------------------------------------------------------------------------------------------------------
 *
 * A change is bytes that say what is wanted and which organizations approve it. It is of one epoch, and ends that. What may be depends on who the members are: `who`. */

#define QUORATE_CHANGE_SEATS_MAX 4u /* members that come, go or are replaced at once */
enum quorate_seat_kind { QUORATE_SEAT_ADD = 1, QUORATE_SEAT_REMOVE, QUORATE_SEAT_REPLACE };
struct quorate_change_seat {
	enum quorate_seat_kind kind;
	uint32_t member;  /* REMOVE, REPLACE; ADD takes the lowest number that is free */
	const char *card; /* ADD, REPLACE: path */
};
struct quorate_change_wish {
	enum quorate_mode mode; /* 0: members change, and these: */
	uint32_t seats;
	struct quorate_change_seat seat[QUORATE_CHANGE_SEATS_MAX];
};

struct quorate_change_size {
	uint8_t mode; /* enum quorate_mode */
	uint32_t members, quorum, faults;
};
struct quorate_change_info {
	char name[17]; /* by which operators call it: the beginning of its digest */
	uint64_t epoch;
	char what[640];                           /* in words */
	struct quorate_change_size before, after; /* what the cluster is and would be */
	bool of_mode;                             /* organizations approve, all of them; else members by their organizations, a quorum of them */
	uint32_t have, need;
	uint32_t approvals;
	char org[64][64]; /* that approve */
};

/* What is wanted, approved by the organization of `org_key`: `change` (QUORATE_CHANGE_BYTES_MAX) and its length. Errors: QUORATE_PRECONDITION (it cannot be: `reason` says
 * why, before anything is ordered), QUORATE_VERIFICATION (no member is of that organization, a card is false), QUORATE_CONFIG, QUORATE_FAILED. */
enum quorate_error quorate_change_make(const struct quorate_chain *who, const struct quorate_change_wish *wish, const char *org_key, const char *passphrase,
                                       void *change, size_t *n, char *reason);
/* The same change, approved by that organization alone: what is ordered. */
enum quorate_error quorate_change_approve(const struct quorate_chain *who, const void *change, size_t n, const char *org_key, const char *passphrase,
                                          void *approved, size_t *approved_n, char *reason);
/* What it says, and who approves it truly. Errors: QUORATE_VERIFICATION (malformed, a false signature), QUORATE_PRECONDITION (it cannot be, or not any more). `out` is then
 * filled as far as it can be read. */
enum quorate_error quorate_change_show(const struct quorate_chain *who, const void *change, size_t n, struct quorate_change_info *out, char *reason);
/* Adds the approvals of `other` to `change`, in place, when both want the same. False: they do not. `change` has room for QUORATE_CHANGE_BYTES_MAX bytes. */
bool quorate_change_join(void *change, size_t *n, const void *other, size_t other_n);
/* The key of the first organization that approves it: for quorate_client_change. False: it is malformed. */
bool quorate_change_org(const void *change, size_t n, uint8_t key[QUORATE_PUBLIC_KEY_BYTES]);
/* Who the members are, and under which mode. */
enum quorate_error quorate_chain_size(const struct quorate_chain *who, struct quorate_change_size *out, uint64_t *epoch, char *reason);

/* DIR/genesis, DIR/client.yaml, DIR/client.key, DIR/replica-I/{replica.yaml, org.key, member.key, tls.key, card, data/}, formatted; replica I listens on
 * 127.0.0.1:base_port+I. `dir` must not exist or be empty. */
enum quorate_error quorate_testnet(const char *dir, uint32_t replicas, enum quorate_mode mode, uint16_t base_port, char *reason);

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

/* ---- evidence ------------------------------------------------------------------------------------------------------------------------------------------- */

/* A file that shows how one member contradicted itself (docs/protocol.md). Replicas write them into the folder `evidence` of their data. */
struct quorate_evidence_statement {
	uint32_t signer;
	char text[232]; /* "PREPARE view 3 seq 17 digest 5a..." */
};
struct quorate_evidence_info {
	char cluster[QUORATE_HEX_BYTES];
	uint64_t epoch;
	uint32_t culprit; /* member index in the genesis */
	char org[64];
	char member_key[QUORATE_HEX_BYTES];
	char predicate[32]; /* in one word */
	char sentence[128]; /* in words    */
	uint64_t view, seq; /* the place; 0 where none is named */
	uint32_t statements;
	struct quorate_evidence_statement statement[65];
};
/* Whether the file proves what it claims, to anybody who holds the genesis: signatures, signers, cluster, and that the statements contradict each other. `epochs`: the
 * chain of epochs, as any replica keeps it in the file `epochs` of its data, for what was said after the first; NULL: there is none. It proves itself.
 *
 * Errors: QUORATE_VERIFICATION (it proves nothing; `out` then says what it claims as far as it can be read: `statements` is 0 when not even that),
 * QUORATE_CONFIG (a file cannot be read), QUORATE_FAILED. */
enum quorate_error quorate_evidence_verify(const char *path, const char *genesis, const char *epochs, struct quorate_evidence_info *out, char *reason);
/* The same for bytes: of a file of evidence, and of links of the chain (NULL, 0: none). */
enum quorate_error quorate_evidence_judge(const void *bytes, size_t n, const char *genesis, const void *epochs, size_t epochs_n,
                                          struct quorate_evidence_info *out, char *reason);
/* Names the evidence in the data folder of a replica, running or not, in the order of their names. Nothing is verified. */
typedef void (*quorate_evidence_fn)(void *user, const char *path);
enum quorate_error quorate_evidence_list(const char *data, quorate_evidence_fn found, void *user, char *reason);

#ifdef __cplusplus
}
#endif
#endif
