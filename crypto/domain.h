/* crypto/domain.h - the list of domains: everything that Quorate ever hashes or signs stands here once.
 *
 * A domain is 16 bytes of ASCII, zero-padded. It opens every hash and every signed statement (design section 3), so nothing signed or hashed in one role
 * can be shown in another. Never reuse or rename one: receipts and logs outlive releases. */
#ifndef CRYPTO_DOMAIN_H
#define CRYPTO_DOMAIN_H
#include <stdint.h>

#define DOMAIN_BYTES 16

/*        name                text (at most 16 characters) */
#define DOMAIN_LIST(X)                                                                                                                                         \
	X(DOMAIN_HELLO, "qr/hello")       /* signed: the TLS exporter value, by the member or client key          */                                           \
	X(DOMAIN_BUNDLE, "qr/bundle")     /* hashed: a bundle without its signature; signed: that digest, epoch 0 */                                           \
	X(DOMAIN_PROPOSAL, "qr/proposal") /* hashed: the canonical proposal, cluster first                        */                                           \
	X(DOMAIN_VOTES, "qr/votes")       /* hashed: view, count, root of the leaves; signed: that                */                                           \
	X(DOMAIN_LEAF, "qr/leaf")         /* hashed: one vote                                                     */                                           \
	X(DOMAIN_VIEW_CHANGE, "qr/view-change")                                                                                                                \
	X(DOMAIN_NEW_VIEW, "qr/new-view")                                                                                                                      \
	X(DOMAIN_SUSPECT, "qr/suspect")                                                                                                                        \
	X(DOMAIN_STATUS, "qr/status")                                                                                                                          \
	X(DOMAIN_CHECKPOINT, "qr/checkpoint")                                                                                                                  \
	X(DOMAIN_SNAPSHOT, "qr/snapshot")                                                                                                                      \
	X(DOMAIN_FETCH, "qr/fetch")                                                                                                                            \
	X(DOMAIN_PEER, "qr/peer")               /* signed: peer messages that carry no vote (recall, chain, bodies)     */                                     \
	X(DOMAIN_REPLY, "qr/reply")             /* signed: one root over a proposal's results                           */                                     \
	X(DOMAIN_RESULT, "qr/result")           /* hashed: one bundle's result, a leaf under the reply root             */                                     \
	X(DOMAIN_RESULT_LATE, "qr/result-late") /* signed: one such leaf by itself, from a session's record          */                                        \
	X(DOMAIN_CHAIN, "qr/chain")             /* hashed: chain(n)                                                     */                                     \
	X(DOMAIN_STATE_ENTRY, "qr/st-entry")    /* hashed: one key and value of the state                               */                                     \
	X(DOMAIN_STATE_KEY, "qr/st-key")        /* hashed: a key, for its place in the trie                             */                                     \
	X(DOMAIN_STATE_LEAF, "qr/st-leaf")                                                                                                                     \
	X(DOMAIN_STATE_NODE, "qr/st-node")                                                                                                                     \
	X(DOMAIN_MERKLE_NODE, "qr/merkle")      /* hashed: two children of a Merkle tree                                */                                     \
	X(DOMAIN_GENESIS, "qr/genesis")         /* hashed: the genesis; the digest is the cluster's id                  */                                     \
	X(DOMAIN_CARD_ORG, "qr/card-org")       /* signed: a card, by the organization key                              */                                     \
	X(DOMAIN_CARD_MEMBER, "qr/card-member") /* signed: a card, by the member key                                   */                                      \
	X(DOMAIN_EPOCH, "qr/epoch")             /* hashed: an epoch's record; signed: that, by members, for those who were away */                             \
	X(DOMAIN_READMIT, "qr/readmit")         /* signed: by an organization, to let its replica vote again            */                                     \
	X(DOMAIN_ROTATE, "qr/rotate")           /* signed: by an organization, to give its replica another key          */                                     \
	X(DOMAIN_ROTATE_OWN, "qr/rotate-own")   /* signed: the same by the new key                                      */                                     \
	X(DOMAIN_PASS_OVER, "qr/pass-over")     /* signed: by members, that one of them should lead last                */                                     \
	X(DOMAIN_RECONFIGURE, "qr/reconfigure") /* signed: by organizations, that there be other members or another mode    */                                 \
	X(DOMAIN_CACHE, "qr/cache")             /* hashed: key, statement, signature, for the verify-once cache         */                                     \
	X(DOMAIN_LOG, "qr/log")                 /* hashed: whatever the log checks by digest                            */                                     \
	X(DOMAIN_TEST, "qr/test")

#define DOMAIN_ENUM(name, text) name,
enum domain { DOMAIN_LIST(DOMAIN_ENUM) DOMAIN_COUNT };

/* The 16 bytes of `domain`. */
const uint8_t *domain_bytes(enum domain domain);
#endif
