/* tests/unit/net_bed.h - endpoints over real sockets on the loopback address, all on one loop. */
#ifndef TESTS_UNIT_NET_BED_H
#define TESTS_UNIT_NET_BED_H
#include "net/frame.h"
#include "net/hello.h"
#include "net/net.h"
#include "net/tls.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NODES_MAX 8
#define PATIENCE_MS 20000 /* a test that waits so long has failed */
#define SEEN_MAX 64

struct bed;
struct node {
	struct bed *bed;
	struct net *net;
	struct net_options options;
	struct public_key tls_key;
	bool closed;

	int ups, downs;
	struct net_peer *last_up;
	uint64_t frames;
	struct {
		int member;
		size_t n;
		uint32_t first;
	} seen[SEEN_MAX]; /* the first frames */
	struct net_peer *last_from;
	uint8_t *large;
	size_t large_n;
	char down_reason[128];
	char refused[8][256];
	int refusals;
	bool close_on_frame, close_on_up, close_peer_on_frame;
};
struct bed {
	uv_loop_t loop;
	struct node nodes[NODES_MAX];
	int count;
	uv_timer_t watchdog;
	bool late;
};

static inline void on_closed(void *user)
{
	((struct node *)user)->closed = true;
}

static inline void on_up(void *user, struct net_peer *peer)
{
	struct node *node = user;
	node->ups++;
	node->last_up = peer;
	net_peer_set_user(peer, node);
	if (node->close_on_up)
		net_close(node->net, on_closed, node);
}

static inline void on_down(void *user, struct net_peer *peer, const char *reason)
{
	struct node *node = user;
	CU_ASSERT_PTR_EQUAL(net_peer_user(peer), node);
	node->downs++;
	if (node->last_up == peer)
		node->last_up = NULL;
	if (node->last_from == peer)
		node->last_from = NULL;
	snprintf(node->down_reason, sizeof node->down_reason, "%s", reason);
}

static inline void on_frame(void *user, struct net_peer *peer, const uint8_t *bytes, size_t n)
{
	struct node *node = user;
	if (node->frames < SEEN_MAX) {
		node->seen[node->frames].member = net_peer_member(peer);
		node->seen[node->frames].n = n;
		memcpy(&node->seen[node->frames].first, bytes, n < 4 ? n : 4);
	}
	node->frames++;
	node->last_from = peer;
	if (n > FRAME_DATA_MAX) {
		free(node->large);
		node->large = malloc(n);
		CU_ASSERT_PTR_NOT_NULL_FATAL(node->large);
		memcpy(node->large, bytes, n);
		node->large_n = n;
	}
	if (node->close_peer_on_frame)
		net_peer_close(peer, "the test wants it");
	if (node->close_on_frame)
		net_close(node->net, on_closed, node);
}

static inline void on_refused(void *user, const char *sentence)
{
	struct node *node = user;
	snprintf(node->refused[node->refusals++ % 8], sizeof node->refused[0], "%s", sentence);
}

/* ---- the bed ---- */

static inline void on_late(uv_timer_t *timer)
{
	((struct bed *)timer->data)->late = true;
}

static inline void bed_open(struct bed *bed)
{
	memset(bed, 0, sizeof *bed);
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&bed->loop), 0);
	uv_timer_init(&bed->loop, &bed->watchdog);
	bed->watchdog.data = bed;
	uv_timer_start(&bed->watchdog, on_late, PATIENCE_MS, PATIENCE_MS);
}

/* Options of a node that nothing is wrong with; keys follow from `name`. */
static inline struct node *node_prepare(struct bed *bed, enum net_role role, uint8_t name)
{
	struct node *node = &bed->nodes[bed->count++];
	const uint8_t seed[32] = { name, 1 }, tls_seed[32] = { name, 2 };
	node->bed = bed;
	node->options = (struct net_options){
		.loop = &bed->loop,
		.scheme = &sign_ed25519,
		.cluster = { { 7 } },
		.role = role,
		.mode = 1,
		.listen_host = role == NET_MEMBER ? "127.0.0.1" : NULL,
		.callbacks = { on_up, on_down, on_frame, on_refused },
		.user = node,
	};
	sign_ed25519.keypair(&node->options.self, &node->options.secret, seed);
	sign_ed25519.keypair(&node->tls_key, &node->options.tls_secret, tls_seed);
	return node;
}

static inline void node_start(struct node *node)
{
	CU_ASSERT_EQUAL_FATAL(net_create(&node->net, &node->options), NET_OK);
}

static inline struct node *node_add(struct bed *bed, enum net_role role, uint8_t name)
{
	struct node *node = node_prepare(bed, role, name);
	node_start(node);
	return node;
}

static inline void knows(struct node *node, uint32_t index, const struct node *other)
{
	CU_ASSERT_EQUAL(net_set_member(node->net, index, &other->options.self, &other->tls_key, "127.0.0.1", net_port(other->net)), NET_OK);
}

/* Turns the loop until `true_now`; false after PATIENCE_MS. */
static inline bool until(struct bed *bed, bool (*true_now)(struct bed *bed))
{
	uv_timer_again(&bed->watchdog);
	while (!bed->late && !true_now(bed))
		uv_run(&bed->loop, UV_RUN_ONCE);
	return !bed->late;
}

static inline bool all_closed(struct bed *bed)
{
	for (int i = 0; i < bed->count; i++) {
		if (bed->nodes[i].net && !bed->nodes[i].closed)
			return false;
	}
	return true;
}

static inline void bed_close(struct bed *bed)
{
	for (int i = 0; i < bed->count; i++) {
		struct node *node = &bed->nodes[i];
		if (node->net && !node->closed)
			net_close(node->net, on_closed, node);
	}
	bed->late = false;
	CU_ASSERT_TRUE(until(bed, all_closed));
	uv_close((uv_handle_t *)&bed->watchdog, NULL);
	uv_run(&bed->loop, UV_RUN_DEFAULT); /* returns: no endpoint left a handle */
	CU_ASSERT_EQUAL(uv_loop_close(&bed->loop), 0);
	for (int i = 0; i < bed->count; i++) {
		CU_ASSERT_EQUAL(bed->nodes[i].ups, bed->nodes[i].downs);
		free(bed->nodes[i].large);
	}
}

/* The bed's first `n` nodes are members 0 .. n-1 and know each other. */
static inline void members_open(struct bed *bed, int n)
{
	for (int i = 0; i < n; i++)
		node_add(bed, NET_MEMBER, (uint8_t)(10 + i));
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < n; j++)
			knows(&bed->nodes[i], (uint32_t)j, &bed->nodes[j]);
	}
}

static inline uint32_t links(const struct node *node)
{
	struct net_counts counts;
	net_counts(node->net, &counts);
	return counts.links_members;
}

static inline uint32_t strangers(const struct node *node)
{
	struct net_counts counts;
	net_counts(node->net, &counts);
	return counts.strangers;
}

static inline bool mesh_is_up(struct bed *bed)
{
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 4; j++) {
			if (i != j && !net_member_peer(bed->nodes[i].net, (uint32_t)j))
				return false;
		}
		if (links(&bed->nodes[i]) != 3 || strangers(&bed->nodes[i]) != 0)
			return false;
	}
	return true;
}

static inline bool pair_is_up(struct bed *bed)
{
	return links(&bed->nodes[0]) == 1 && links(&bed->nodes[1]) == 1 && strangers(&bed->nodes[0]) == 0 && strangers(&bed->nodes[1]) == 0;
}

static inline bool send_number(struct node *node, uint32_t to, enum net_class class, uint32_t number, size_t n)
{
	struct net_peer *peer = net_member_peer(node->net, to);
	uint8_t *body = calloc(1, n);
	bool sent = peer && net_send(peer, class, &number, sizeof number, body, n - sizeof number);
	free(body);
	return sent;
}
/* Whether it has refused somebody with these words. */
static inline bool said(const struct node *node, const char *words)
{
	for (int i = 0; i < 8; i++) {
		if (strstr(node->refused[i], words))
			return true;
	}
	return false;
}
#endif
