/* net/endpoint.h - what the files of one endpoint share: net.c (life), members.c (dialling, one link per pair), listen.c (strangers). Internal to net/. */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H
#include "net/link.h"

#define NET_TICK_MS 25u
#define NET_REPORTERS 64u /* at most so many sentences a second, whoever knocks */

struct resolution;

/* Where strangers are counted: an IPv4 address, or an IPv6 network of 64 bits, since one host owns all of it. */
struct source {
	uint8_t b[16];
};

struct member {
	bool set;
	bool self;
	struct public_key key, tls_key;
	bool has_next;
	struct public_key next_key; /* which it has soon, and may show already */
	char host[NET_HOST_BYTES_MAX + 1];
	uint16_t port;

	struct net_peer *current; /* the one link: welcomed where this end decides, UP where the other end does */
	struct net_peer *dial;    /* opened by this end and not yet UP                                          */
	struct net_peer *held;    /* proven, but `current` may be alive: decided when it answers, or does not   */
	uint64_t held_until_ms;

	struct resolution *resolution; /* the host's name is being looked up         */
	bool address_known;
	struct sockaddr_storage address; /* the last one dialled, or a literal one   */
	uint32_t attempts;
	uint32_t backoff_ms;
	uint64_t dial_at_ms;
	uint64_t up_ms;
	char trouble[160];
};

struct net {
	struct link_context context;
	uint32_t magic;
	bool closing;
	uint32_t pending; /* handles, links and look-ups that still have a callback to come */
	void (*done)(void *user);
	void *done_user;

	uv_timer_t timer;
	uv_prepare_t prepare; /* sends what timers and the embedder queued, before the loop sleeps */
	uv_check_t check;     /* sends what this turn's sockets caused                             */
	uint64_t ticked_ms;
	uint64_t links_ticked_ms;

	int listen_fd; /* -1 for a client */
	uv_poll_t listener;
	uint16_t port;
	uint64_t rest_until_ms; /* no descriptors are left: nobody is accepted until then; 0 = accepting */
	uint64_t tokens;        /* handshakes that may be begun for strangers, in thousandths            */
	uint64_t tokens_ms;

	struct member members[NET_MEMBERS_MAX];
	uint32_t members_count;
	uint32_t clients; /* places taken: welcomed, and not yet closed */
	uint64_t welcomes;
	uint64_t random;
	uint64_t reported_ms[NET_REPORTERS]; /* by a hash of the source; 0 = never */
};

/* ---- net.c ---- */

uint64_t net_random(struct net *net);
/* A pending callback has come: the last one after net_close frees the endpoint. */
void net_unpend(struct net *net);
/* A sentence for the embedder's log, unless this source had one within a second. */
void net_report(struct net *net, const struct sockaddr_storage *from, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- members.c ---- */

/* Whether the link shows the key by which its member is known. */
bool member_known(const struct net *net, const struct net_peer *link);
int member_find(const struct net *net, const struct public_key *key);
enum hello_refusal member_judge(const struct net *net, const struct net_peer *link);
void member_identified(struct net *net, struct net_peer *link);
/* False: the link lost against another one and is closed. */
bool member_up(struct net *net, struct net_peer *link);
void member_pong(struct net *net, const struct net_peer *link);
/* Lets go of the link and plans the next attempt. */
void member_lost(struct net *net, uint32_t index, const struct net_peer *link, enum link_end end, const char *why);
/* A connection that was waiting takes the place that became free. */
void member_next(struct net *net, uint32_t index);
void members_tick(struct net *net, uint64_t now_ms);
/* Stops the look-ups as far as they can be stopped. */
void members_cancel(struct net *net);
/* `text` as an address, without asking anybody. */
bool address_literal(struct sockaddr_storage *out, const char *text, uint16_t port);

/* ---- listen.c ---- */

/* Opens the listening socket; NET_OK sets listen_fd and port. The handle is the caller's. */
enum net_error listen_open(struct net *net);
void listen_start(struct net *net);
void listen_tick(struct net *net, uint64_t now_ms);
void source_of(struct source *out, const struct sockaddr_storage *address);
#endif
