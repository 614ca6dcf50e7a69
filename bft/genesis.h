/* bft/genesis.h - what a cluster begins with: mode, signature scheme, limits, and the members' cards. Its digest is the cluster's id.
 *
 * Everybody builds it alone from the same cards, in whatever order they came, and gets the same bytes: cards stand sorted by organization, then by member
 * key, and that order numbers the members.
 *
 * Binary form: u16 format 1 | u8 mode | u8 n, scheme n | limits: u32 window, u32 checkpoint_every, u64 snapshot_bytes, u64 state_bytes, u32 each of the others in the order
 * of the struct | u8 count | cards. No memory is allocated here; one struct is about 80 KiB. */
#ifndef BFT_GENESIS_H
#define BFT_GENESIS_H
#include "bft/card.h"
#include "bft/quorum.h"
#include "crypto/keyring.h"

#define BFT_GENESIS_FORMAT 1u
#define BFT_SCHEME_BYTES_MAX 31u
#define BFT_GENESIS_LIMITS_BYTES (9u * 4u + 2u * 8u)
#define BFT_GENESIS_BYTES_MAX (2u + 1u + 1u + BFT_SCHEME_BYTES_MAX + BFT_GENESIS_LIMITS_BYTES + 1u + BFT_MEMBERS_MAX * BFT_CARD_BYTES_MAX)

_Static_assert(BFT_MEMBERS_MAX <= KEYRING_MAX, "every member has a place in a keyring");

/* Agreed, because whether a proposal is valid, and what execution answers, depend on them. */
struct bft_genesis_limits {
	uint32_t window, checkpoint_every;                 /* W and K: W >= 2K                                                         */
	uint64_t snapshot_bytes;                           /* a snapshot after so many agreed bytes ...                                */
	uint64_t state_bytes;                              /* the logical size of the state: keys, values and a charge for each        */
	uint32_t snapshot_seqs;                            /* ... or sequences, whichever comes first                                  */
	uint32_t proposal_bytes_max, proposal_bundles_max; /* of one proposal                                                          */
	uint32_t drift_ms;                                 /* how far a leader's clock may run ahead of a voter's                      */
	uint32_t sessions_per_key, session_window;         /* open sessions of one client key; request numbers in flight in a session  */
	uint32_t request_timeout_ms;                       /* how long a request may wait before its leader is suspected, at first     */
};

struct bft_genesis {
	enum bft_mode mode;
	char scheme[BFT_SCHEME_BYTES_MAX + 1]; /* sign_scheme.name, of [a-z0-9-] */
	struct bft_genesis_limits limits;
	uint32_t count;
	struct bft_card cards[BFT_MEMBERS_MAX]; /* [0, count) in use, sorted; member i is cards[i] */
};

/* Good values to begin with: all are within the limits of genesis_check. */
void genesis_limits_default(struct bft_genesis_limits *out);
/* NULL, or the reason why these limits cannot be agreed on. */
const char *genesis_limits_check(const struct bft_genesis_limits *limits);

/* Brings the cards into the one order. Requires: count <= BFT_MEMBERS_MAX and every card passes card_fields_check. */
void genesis_sort(struct bft_genesis *g);

/* Everything that needs no key: mode, scheme's name, limits, number of members, order, and that no member key or TLS key stands there twice, in whatever role,
 * and organizations and their keys correspond one to one. NULL, or the reason. */
const char *genesis_fields_check(const struct bft_genesis *g);

/* The fields, that `scheme` is the one named, and every card with its signatures. NULL, or the reason. A replica does this once, at start. */
const char *genesis_check(const struct bft_genesis *g, const struct sign_scheme *scheme);

/* Returns the number of bytes written, or 0 when they do not fit in `capacity` (BFT_GENESIS_BYTES_MAX always suffices).
 *
 * Requires: genesis_fields_check(g) is NULL. */
size_t genesis_encode(void *bytes, size_t capacity, const struct bft_genesis *g);

/* NULL when `bytes` are a genesis that passes genesis_fields_check, whole and to the last byte: encoding it again gives the same bytes. Otherwise the reason,
 * and `g` holds nothing useful. Signatures are genesis_check's. */
const char *genesis_decode(struct bft_genesis *g, const void *bytes, size_t n);

/* The cluster's id: H(DOMAIN_GENESIS, the encoded bytes). */
void genesis_digest(struct digest *out, const void *bytes, size_t n);

/* The members' keys in member order. Requires: genesis_fields_check(g) is NULL. */
void genesis_keyring(struct keyring *out, const struct bft_genesis *g);
#endif
