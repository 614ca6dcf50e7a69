/* net/hello.h - the first piece in each direction once TLS stands: it binds the channel to an identity.
 *
 *   HELLO = u32 magic | u16 wire version | u8 role | u8 mode | cluster 32 | key 32 | u64 incarnation | signature 64
 *
 * The signature is by `key` over statement(DOMAIN_HELLO, cluster, epoch 0, H(exporter 32 | wire version | role | mode | direction | incarnation)). The
 * exporter value is known to the two ends of this TLS connection alone, so a HELLO cannot be carried to another one; the direction says whether its sender
 * opened the connection, so it cannot be sent back to where it came from. Pure functions of bytes: who is welcome is decided in net.c. */
#ifndef NET_HELLO_H
#define NET_HELLO_H
#include "crypto/sign.h"
#include "net/tls.h"

#define HELLO_MAGIC 0x45545251u /* "QRTE" */
#define HELLO_WIRE_VERSION 1u
#define HELLO_BYTES 144u

enum hello_direction { HELLO_FROM_OPENER = 1, HELLO_FROM_ACCEPTOR = 2 };

struct hello {
	uint16_t wire_version;
	uint8_t role; /* enum net_role */
	uint8_t mode; /* opaque        */
	struct digest cluster;
	struct public_key key;
	uint64_t incarnation; /* drawn anew at each start: tells a process that came back from one that is still there */
	struct signature signature;
};

/* Why a HELLO is refused: the code of the REFUSED piece.      said of the other side                               said by the other side                  */
#define HELLO_REFUSALS(X)                                                                                                                                      \
	X(HELLO_NOT_A_HELLO, "its first piece is not a HELLO", "it could not read our HELLO")                                                                  \
	X(HELLO_OTHER_VERSION, "it speaks another wire version", "it speaks another wire version")                                                             \
	X(HELLO_OTHER_CLUSTER, "it belongs to another cluster", "it belongs to another cluster")                                                               \
	X(HELLO_OTHER_MODE, "its cluster runs in the other mode: one trusts its members, the other does not",                                                  \
	  "its cluster runs in the other mode: one trusts its members, the other does not")                                                                    \
	X(HELLO_OTHER_ROLE, "it has no role that can be served here", "it does not serve our role")                                                            \
	X(HELLO_SELF, "it shows this endpoint's own key: an address leads back here, or the key is in use twice",                                              \
	  "it has our own key: an address leads back here, or the key is in use twice")                                                                        \
	X(HELLO_NOT_DIALLED, "it is not the member that was dialled", "we are not the member that it wanted to reach")                                         \
	X(HELLO_NOT_A_MEMBER, "its key is not a member's", "our key is not among its members")                                                                 \
	X(HELLO_OTHER_TLS_KEY, "its TLS key is not the one on its card", "our TLS key is not the one on our card")                                             \
	X(HELLO_BAD_SIGNATURE, "its signature does not hold for this connection", "it found our signature false")                                              \
	X(HELLO_NO_ROOM, "no place is free for another client", "it has no place free for another client")                                                     \
	X(HELLO_DUPLICATE, "a link to it is already up", "a link to it is already up")

#define HELLO_REFUSAL_ENUM(name, of_them, by_them) name,
enum hello_refusal { HELLO_ACCEPTED = 0, HELLO_REFUSALS(HELLO_REFUSAL_ENUM) HELLO_REFUSAL_COUNT };

/* Sentences without subject's name, never NULL; an unknown code has one too, since a newer peer may know more reasons. */
const char *hello_refusal_of_them(enum hello_refusal code);
const char *hello_refusal_by_them(uint8_t code);

/* Fills in everything but the signature from `h`, signs, and writes HELLO_BYTES. */
void hello_write(uint8_t out[HELLO_BYTES], const struct hello *h, const uint8_t exporter[TLS_EXPORTER_BYTES], enum hello_direction from,
                 const struct sign_scheme *scheme, const struct secret_key *secret);

/* Reads the fields. HELLO_NOT_A_HELLO for another length or magic, HELLO_OTHER_VERSION for a version that is not ours, whose other fields mean nothing. */
enum hello_refusal hello_read(struct hello *out, const uint8_t *bytes, size_t n);

/* The costly question, asked last: does the signature hold on this connection? Also false for a key that may never enter a card. */
bool hello_holds(const struct hello *h, const uint8_t exporter[TLS_EXPORTER_BYTES], enum hello_direction from, const struct sign_scheme *scheme);
#endif
