/* net/link.h - one connection's life.
 *
 *   CONNECTING --connected--> HANDSHAKE --TLS done, HELLO sent--> GREETING --WELCOME sent and received--> UP
 *       link_dial                link_accept                          link_welcome
 *
 *   any state --link_close--> CLOSED, freed in the handle's close callback
 *   HANDSHAKE, GREETING --link_refuse--> REFUSING (says why, waits for the other side to hang up) --> CLOSED
 *
 * A link proves who the other side is; whether that identity is wanted is the endpoint's question (net.c), asked through `struct link_owner`. Both sides
 * send WELCOME when they take the other, so UP means that both have. Internal to net/. */
#ifndef NET_LINK_H
#define NET_LINK_H
#include "net/hello.h"
#include "net/net.h"
#include "net/queue.h"
#include "net/tls.h"

#define LINK_ADDRESS_BYTES 64
#define LINK_READ_BYTES (64u * 1024u)
#define LINK_READ_BYTES_STRANGER 4096u

enum link_state { LINK_CONNECTING, LINK_HANDSHAKE, LINK_GREETING, LINK_UP, LINK_REFUSING, LINK_CLOSED };

/* Who ended a link, so that the owner can count and report. */
enum link_end {
	LINK_END_LOCAL,     /* this process wanted it: shutdown, replaced, duplicate           */
	LINK_END_NETWORK,   /* unreachable, reset, silent                                      */
	LINK_END_HANDSHAKE, /* no TLS, a bad certificate, the deadline                         */
	LINK_END_REFUSED,   /* this side refused the other                                     */
	LINK_END_TURNED,    /* the other side refused this one                                 */
	LINK_END_VIOLATION, /* an authenticated peer sent bytes that no honest peer sends      */
};

struct net_peer;
struct link_owner {
	/* The other side's HELLO is whole and its fields fit; ask membership here. HELLO_ACCEPTED: go on to the signature, then `identified`. */
	enum hello_refusal (*judge)(void *owner, struct net_peer *link);
	/* Identity proven. Answers now or later by link_welcome, link_refuse or link_close. */
	void (*identified)(void *owner, struct net_peer *link);
	/* Sets was_up, or closes the link. */
	void (*up)(void *owner, struct net_peer *link);
	void (*frame)(void *owner, struct net_peer *link, const uint8_t *bytes, size_t n);
	/* An answer to link_probe, or to an ordinary ping. */
	void (*pong)(void *owner, struct net_peer *link);
	/* Exactly once per link; link->was_up says whether `up` came before. The link stays readable until `freed`. */
	void (*down)(void *owner, struct net_peer *link, enum link_end end, const char *why);
	/* Its handle is closed; the memory goes when this returns. */
	void (*freed)(void *owner, struct net_peer *link);
};

/* What the links of one endpoint share. Owned by the endpoint and outlives them. */
struct link_context {
	uv_loop_t *loop;
	struct net_options options; /* defaults filled in */
	struct tls_context *tls;
	uint64_t incarnation;
	struct net_counts counts;
	const struct link_owner *calls;
	void *owner;
	struct net_peer *all;             /* every link whose memory is not yet freed, newest first            */
	struct net_peer *dirty;           /* links with something to send                                      */
	uint8_t in[LINK_READ_BYTES];      /* what one recv returned; consumed before the callback returns */
	uint8_t plain[FRAME_PIECE_BYTES]; /* pieces on their way into one TLS record                     */
};

struct net_peer {
	uint32_t magic;
	enum link_state state;
	struct link_context *context;
	struct net_peer *next, *prev;             /* context->all                       */
	struct net_peer *next_dirty, *prev_dirty; /* context->dirty, when `is_dirty`    */
	bool is_dirty;

	uv_poll_t poll;
	int fd;
	int events; /* what poll watches now */
	bool paused;

	bool accepted; /* the other side opened it                              */
	int dialled;   /* member index that was dialled, -1 for accepted ones   */
	int member;    /* set by the owner once proven; -1 for a client          */
	struct sockaddr_storage address;
	char address_text[LINK_ADDRESS_BYTES];

	struct tls *tls;
	struct frame_reader reader;
	struct frame_assembly parts[FRAME_CLASSES];
	size_t frame_bytes_max; /* of frames from this peer */
	struct queue queue;

	uint8_t exporter[TLS_EXPORTER_BYTES];
	struct public_key tls_key; /* of the peer's certificate                        */
	struct hello hello;        /* the peer's, once `identified`                    */
	bool hello_seen, welcome_sent, welcome_seen;
	bool was_up;
	bool has_place; /* the owner's: a client that was welcomed */
	uint64_t welcome_number_sent, welcome_number_seen;
	enum hello_refusal refusal; /* why this side refused it, once REFUSING */

	uint64_t deadline_ms; /* before UP: closed then                               */
	uint64_t heard_ms;    /* last bytes from the socket                           */
	uint64_t piece_ms;    /* since when the piece in the reader is incomplete     */
	uint64_t wrote_ms;    /* last bytes that the socket took                     */
	uint64_t ping_ms;     /* last ping sent                                       */
	uint64_t ping_nonce;  /* 0 = answered                                         */
	uint64_t ping_sent_ns;
	bool ping_due, pong_due; /* written before anything queued; one of each at most, however many the peer sends */
	uint64_t pong_nonce;
	uint64_t rtt_us;

	void *user;
};

/* Opens a connection. NULL: `*why` says it, nothing is left. */
struct net_peer *link_dial(struct link_context *context, const struct sockaddr_storage *address, int member, const char **why);
/* Takes over a connected, non-blocking socket, also when it fails (it is closed then). */
struct net_peer *link_accept(struct link_context *context, int fd, const struct sockaddr_storage *address, const char **why);

/* Ends it at once. Does nothing on a link that is closed. */
void link_close(struct net_peer *link, enum link_end end, const char *why);
/* Requires: HANDSHAKE or GREETING. Tells the other side why, and closes soon. */
void link_refuse(struct net_peer *link, enum hello_refusal code);
/* Requires: identified. Accepts the other side; `number` orders the welcomes of one endpoint. UP follows at once if the other side's is here. */
void link_welcome(struct net_peer *link, uint64_t number);
/* Requires: UP. Sends a ping now: `pong` follows if it lives. */
void link_probe(struct net_peer *link);

bool link_send(struct net_peer *link, enum net_class class, struct net_buffer *buffer);
void link_pause(struct net_peer *link, bool pause);
/* Encrypts and writes what waits, within one turn's budget. */
void link_flush(struct net_peer *link);
/* Deadlines and keep-alive. Called a few times a second with the loop's time. */
void link_tick(struct net_peer *link, uint64_t now_ms);

/* The loop stood still for so long: that is not the other side's silence. */
void link_forgive(struct net_peer *link, uint64_t ms);

/* "host:port" of `address`. */
void link_address_format(char out[LINK_ADDRESS_BYTES], const struct sockaddr_storage *address);
#endif
