/* net/net.h - one endpoint: frames between identities, over TCP and TLS 1.3, on a libuv loop.
 *
 * A member listens and dials every other member; a client dials every member and listens nowhere. Between two members there is one link, however both dial.
 * net moves bytes and never reads them: who the peer is stands in `struct net_peer`, proven by TLS and HELLO (net/hello.h); what it says is the caller's.
 *
 * Threads: every function and callback runs on the loop's thread. No callback runs inside net_create, net_send or net_send_buffer; net_peer_close,
 * net_set_member (where it ends an old link), net_clear_member and net_close call on_down before they return.
 *
 * Signals: the sockets are net's own, watched by uv_poll_t and written with MSG_NOSIGNAL, because libuv's streams write without it and a peer's reset could
 * then raise SIGPIPE in the embedder's process. No signal handler or mask is touched. */
#ifndef NET_NET_H
#define NET_NET_H
#include "crypto/sign.h"
#include "net/queue.h"

#include <uv.h>

#define NET_MEMBERS_MAX 64u
#define NET_HOST_BYTES_MAX 255u
#define NET_FRAME_BYTES_MAX (64u * 1024u * 1024u) /* what frame_bytes_max may be set to */

struct net;
/* One authenticated link. Valid from on_up until on_down returns. */
struct net_peer;

enum net_role { NET_MEMBER = 1, NET_CLIENT = 2 };

struct net_callbacks {
	/* Both sides have accepted each other: frames may flow. */
	void (*on_up)(void *user, struct net_peer *peer);
	/* Exactly once for each on_up. What was queued or in flight may be lost; the protocol asks again. `reason` is borrowed. */
	void (*on_down)(void *user, struct net_peer *peer, const char *reason);
	/* One whole frame, as given to net_send; borrowed for the call. Frames of one class arrive in order. */
	void (*on_frame)(void *user, struct net_peer *peer, const uint8_t *bytes, size_t n);
	/* One sentence for the log on somebody who was turned away, or who turned us away: at most one a second and source. */
	void (*on_refused)(void *user, const char *sentence);
};

/* Zero means the default where one is named. Everything is copied. */
struct net_options {
	uv_loop_t *loop;
	const struct sign_scheme *scheme;
	struct digest cluster;
	struct public_key self; /* member or client key                            */
	struct secret_key secret;
	struct secret_key tls_secret; /* Ed25519, whatever the scheme               */
	enum net_role role;
	uint8_t mode;            /* a peer with another one is refused by that reason */
	bool other_keys;         /* a member may show another key than is known here: net_peer_known */
	const char *listen_host; /* members: a name or address; NULL = every address  */
	uint16_t listen_port;    /* members: 0 = any, see net_port                    */

	uint32_t frame_bytes_max;            /* sent, and taken from members                          8 MiB    */
	uint32_t client_frame_bytes_max;     /* taken from clients, and sent by one: anybody may be   1 MiB    */
	uint32_t connections_max;            /* clients' links and members' places together           1024     */
	uint32_t connections_per_source;     /* accepted, not yet authenticated, from one address     32       */
	uint32_t handshakes_max;             /* accepted, not yet authenticated, in all               64       */
	uint32_t handshakes_per_second;      /* begun for strangers, with as much saved up            200      */
	uint32_t handshake_ms;               /* from connecting or accepting to HELLO accepted        3000     */
	size_t queue_bytes_max[NET_CLASSES]; /* per link to a member: at least one largest frame  see net.c */
	/* A link to a client has room for one largest frame in each class, and a client's unfinished frames together are held to the bound of one. */

	struct net_callbacks callbacks;
	void *user;
};

enum net_error {
	NET_OK,
	NET_BAD_OPTIONS, /* a pointer, role, key or limit that cannot be     */
	NET_NO_MEMORY,
	NET_TLS_UNUSABLE,  /* OpenSSL cannot do TLS 1.3 with Ed25519           */
	NET_BAD_ADDRESS,   /* listen_host, or a member's host, cannot be used  */
	NET_CANNOT_LISTEN, /* errno says why                                   */
	NET_CANNOT_WATCH,  /* the loop takes no more descriptors               */
};
const char *net_error_text(enum net_error error);

/* Creates the endpoint and, for a member, listens. The listening host is resolved on the spot.
 * Errors: nothing is left on the loop. Ownership: net_close frees it. */
enum net_error net_create(struct net **out, const struct net_options *options);
/* The port listened on; 0 for a client. */
uint16_t net_port(const struct net *net);

/* Ends everything: links go down, then the handles close, then `done` is called from the loop and the memory is gone. Never stops the loop. Safe in any
 * callback; a second call does nothing. `done` may be NULL. A look-up of a name that is under way cannot be stopped and is waited for. */
void net_close(struct net *net, void (*done)(void *user), void *user);

/* Names member `index` and dials it for ever, with jittered back-off, unless it is this endpoint itself. Another key, TLS key or address than before ends the
 * old link. Errors: NET_BAD_OPTIONS (index, or a key that another index has), NET_BAD_ADDRESS (host NULL, empty or too long; port 0). */
enum net_error net_set_member(struct net *net, uint32_t index, const struct public_key *key, const struct public_key *tls_key, const char *host, uint16_t port);
void net_clear_member(struct net *net, uint32_t index);
/* Member `index`, named before, has another key from now on, and may show `next` (NULL: none) as well. A link that shows neither is ended. Errors: NET_BAD_OPTIONS
 * (as above). */
enum net_error net_set_member_key(struct net *net, uint32_t index, const struct public_key *key, const struct public_key *next);
/* This endpoint has another key from now on: its links to members are ended, and built again with that one. Clients' links stay. */
void net_set_self(struct net *net, const struct public_key *self, const struct secret_key *secret);
/* The link to a member, or NULL while there is none. */
struct net_peer *net_member_peer(const struct net *net, uint32_t index);
/* Why the last attempt or link to it ended, in a few words; "" when nothing has. Borrowed until the loop runs. */
const char *net_member_trouble(const struct net *net, uint32_t index);

int net_peer_member(const struct net_peer *peer); /* index, or -1 for a client */
const struct public_key *net_peer_key(const struct net_peer *peer);
/* Whether it shows the key that is known as its member's. With `other_keys` it need not: its TLS key alone says then which member it may be, the caller judges what it
 * may do, and a link that is known takes its place. True for clients. */
bool net_peer_known(const struct net_peer *peer);
const char *net_peer_address(const struct net_peer *peer); /* "host:port" of the socket */
/* Smoothed round trip, as pings measure it; 0 before the first answer. */
uint64_t net_peer_rtt_us(const struct net_peer *peer);
void net_peer_set_user(struct net_peer *peer, void *user);
void *net_peer_user(const struct net_peer *peer);
/* Ends the link: on_down comes with `why` before this returns. What is queued is dropped. A member's link will be built again. */
void net_peer_close(struct net_peer *peer, const char *why);
/* Stops (or goes on with) reading the socket: TCP then holds the sender back. Frames of the bytes already read, at most 64 KiB, still arrive. While paused
 * the peer's silence is not held against it. */
void net_peer_pause_reading(struct net_peer *peer, bool pause);

/* Queues one frame, head and body together, copied; it goes out at the end of this turn of the loop, before everything of a later class. False when the frame
 * is empty or too large, the link is not up, memory is short, or the class's queue is full: the frame is dropped whole and counted. */
bool net_send(struct net_peer *peer, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n);
/* The same for bytes that go to many peers: the queue takes a reference of its own (net/queue.h). */
bool net_send_buffer(struct net_peer *peer, enum net_class class, struct net_buffer *buffer);
/* Bytes queued and not yet encrypted, in one class. */
size_t net_peer_queued(const struct net_peer *peer, enum net_class class);

struct net_counts {
	uint64_t accepted;            /* connections taken                                        */
	uint64_t turned_away;         /* closed at accept, by a limit                             */
	uint64_t refused;             /* HELLOs refused                                           */
	uint64_t failed;              /* handshakes that failed, timed out or were no TLS         */
	uint64_t violations;          /* authenticated links closed for bytes no honest peer sends */
	uint64_t frames_in, bytes_in; /* frames delivered, ciphertext read                        */
	uint64_t frames_queued, bytes_out;
	uint64_t dropped[NET_CLASSES];
	uint32_t links_members, links_clients, strangers; /* now */
};
void net_counts(const struct net *net, struct net_counts *out);
#endif
