/* Endpoints over real sockets on the loopback address, all on one loop: links, refusals, bounds, and the end of everything in the middle of everything. */
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

static void on_closed(void *user)
{
	((struct node *)user)->closed = true;
}

static void on_up(void *user, struct net_peer *peer)
{
	struct node *node = user;
	node->ups++;
	node->last_up = peer;
	net_peer_set_user(peer, node);
	if (node->close_on_up)
		net_close(node->net, on_closed, node);
}

static void on_down(void *user, struct net_peer *peer, const char *reason)
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

static void on_frame(void *user, struct net_peer *peer, const uint8_t *bytes, size_t n)
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

static void on_refused(void *user, const char *sentence)
{
	struct node *node = user;
	snprintf(node->refused[node->refusals++ % 8], sizeof node->refused[0], "%s", sentence);
}

/* ---- the bed ---- */

static void on_late(uv_timer_t *timer)
{
	((struct bed *)timer->data)->late = true;
}

static void bed_open(struct bed *bed)
{
	memset(bed, 0, sizeof *bed);
	CU_ASSERT_EQUAL_FATAL(uv_loop_init(&bed->loop), 0);
	uv_timer_init(&bed->loop, &bed->watchdog);
	bed->watchdog.data = bed;
	uv_timer_start(&bed->watchdog, on_late, PATIENCE_MS, PATIENCE_MS);
}

/* Options of a node that nothing is wrong with; keys follow from `name`. */
static struct node *node_prepare(struct bed *bed, enum net_role role, uint8_t name)
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

static void node_start(struct node *node)
{
	CU_ASSERT_EQUAL_FATAL(net_create(&node->net, &node->options), NET_OK);
}

static struct node *node_add(struct bed *bed, enum net_role role, uint8_t name)
{
	struct node *node = node_prepare(bed, role, name);
	node_start(node);
	return node;
}

static void knows(struct node *node, uint32_t index, const struct node *other)
{
	CU_ASSERT_EQUAL(net_set_member(node->net, index, &other->options.self, &other->tls_key, "127.0.0.1", net_port(other->net)), NET_OK);
}

/* Turns the loop until `true_now`; false after PATIENCE_MS. */
static bool until(struct bed *bed, bool (*true_now)(struct bed *bed))
{
	uv_timer_again(&bed->watchdog);
	while (!bed->late && !true_now(bed))
		uv_run(&bed->loop, UV_RUN_ONCE);
	return !bed->late;
}

static bool all_closed(struct bed *bed)
{
	for (int i = 0; i < bed->count; i++) {
		if (bed->nodes[i].net && !bed->nodes[i].closed)
			return false;
	}
	return true;
}

static void bed_close(struct bed *bed)
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
static void members_open(struct bed *bed, int n)
{
	for (int i = 0; i < n; i++)
		node_add(bed, NET_MEMBER, (uint8_t)(10 + i));
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < n; j++)
			knows(&bed->nodes[i], (uint32_t)j, &bed->nodes[j]);
	}
}

static uint32_t links(const struct node *node)
{
	struct net_counts counts;
	net_counts(node->net, &counts);
	return counts.links_members;
}

static uint32_t strangers(const struct node *node)
{
	struct net_counts counts;
	net_counts(node->net, &counts);
	return counts.strangers;
}

static bool mesh_is_up(struct bed *bed)
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

static bool pair_is_up(struct bed *bed)
{
	return links(&bed->nodes[0]) == 1 && links(&bed->nodes[1]) == 1 && strangers(&bed->nodes[0]) == 0 && strangers(&bed->nodes[1]) == 0;
}

static bool send_number(struct node *node, uint32_t to, enum net_class class, uint32_t number, size_t n)
{
	struct net_peer *peer = net_member_peer(node->net, to);
	uint8_t *body = calloc(1, n);
	bool sent = peer && net_send(peer, class, &number, sizeof number, body, n - sizeof number);
	free(body);
	return sent;
}

/* ---- links ---- */

static bool nine_frames_each(struct bed *bed)
{
	for (int i = 0; i < 4; i++) {
		if (bed->nodes[i].frames < 9)
			return false;
	}
	return true;
}

static void four_members_have_one_link_per_pair(void)
{
	struct bed bed;
	bed_open(&bed);
	members_open(&bed, 4);
	CU_ASSERT_TRUE(until(&bed, mesh_is_up));
	for (uint32_t i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(bed.nodes[i].ups, 3);
		CU_ASSERT_EQUAL(bed.nodes[i].downs, 0);
		for (uint32_t j = 0; j < 4; j++) {
			for (uint32_t k = 0; i != j && k < 3; k++)
				CU_ASSERT_TRUE(send_number(&bed.nodes[i], j, NET_VOTES, 100 * i + k, 40));
		}
	}
	CU_ASSERT_TRUE(until(&bed, nine_frames_each));
	for (int i = 0; i < 4; i++) {
		uint32_t next[4] = { 0 };
		CU_ASSERT_EQUAL(bed.nodes[i].frames, 9);
		for (int k = 0; k < 9; k++) {
			int from = bed.nodes[i].seen[k].member;
			CU_ASSERT_EQUAL(bed.nodes[i].seen[k].n, 40);
			CU_ASSERT_EQUAL(bed.nodes[i].seen[k].first, 100 * (uint32_t)from + next[from]++);
		}
	}
	bed_close(&bed);
}

static bool first_reads_one(struct bed *bed)
{
	return bed->nodes[0].frames >= 1;
}

static bool second_reads_one(struct bed *bed)
{
	return bed->nodes[1].frames >= 1;
}

static void a_client_reaches_a_member_and_is_answered(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *member = node_add(&bed, NET_MEMBER, 1);
	struct node *client = node_add(&bed, NET_CLIENT, 2);
	CU_ASSERT_EQUAL(net_port(client->net), 0);
	knows(member, 0, member);
	knows(client, 0, member);
	while (!bed.late && !(client->last_up && member->last_up))
		uv_run(&bed.loop, UV_RUN_ONCE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(member->last_up);
	CU_ASSERT_EQUAL(net_peer_member(member->last_up), -1);
	CU_ASSERT_TRUE(public_key_equal(net_peer_key(member->last_up), &client->options.self));
	CU_ASSERT_TRUE(send_number(client, 0, NET_REQUESTS, 5, 4));
	CU_ASSERT_TRUE(until(&bed, first_reads_one));
	CU_ASSERT_TRUE(net_send(member->last_from, NET_STATUS, "reply", 5, NULL, 0));
	CU_ASSERT_TRUE(until(&bed, second_reads_one));
	CU_ASSERT_EQUAL(client->seen[0].n, 5);
	CU_ASSERT_EQUAL(client->seen[0].member, 0);
	bed_close(&bed);
}

static void pair_open(struct bed *bed)
{
	bed_open(bed);
	members_open(bed, 2);
	CU_ASSERT_TRUE_FATAL(until(bed, pair_is_up));
}

static bool second_reads_four(struct bed *bed)
{
	return bed->nodes[1].frames >= 4;
}

static void eight_megabytes_arrive_whole_and_votes_overtake_them(void)
{
	struct bed bed;
	pair_open(&bed);
	size_t n = 8 * 1024 * 1024;
	uint8_t *body = malloc(n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	for (size_t i = 0; i < n; i++)
		body[i] = (uint8_t)(i * 2654435761u >> 13);
	struct net_peer *peer = net_member_peer(bed.nodes[0].net, 1);
	CU_ASSERT_TRUE(net_send(peer, NET_BODIES, body, 100, body + 100, n - 100));
	CU_ASSERT_FALSE(net_send(peer, NET_BODIES, body, n, "x", 1)); /* above the limit */
	CU_ASSERT_FALSE(net_send(peer, NET_BODIES, NULL, 0, NULL, 0));
	CU_ASSERT(net_peer_queued(peer, NET_BODIES) >= n);
	uv_run(&bed.loop, UV_RUN_NOWAIT); /* the first parts leave */
	for (uint32_t k = 0; k < 3; k++)
		CU_ASSERT_TRUE(send_number(&bed.nodes[0], 1, NET_VOTES, k, 100));
	CU_ASSERT_TRUE(until(&bed, second_reads_four));
	for (uint32_t k = 0; k < 3; k++) {
		CU_ASSERT_EQUAL(bed.nodes[1].seen[k].n, 100);
		CU_ASSERT_EQUAL(bed.nodes[1].seen[k].first, k);
	}
	CU_ASSERT_EQUAL_FATAL(bed.nodes[1].large_n, n);
	CU_ASSERT_EQUAL(memcmp(bed.nodes[1].large, body, n), 0);
	free(body);
	bed_close(&bed);
}

static uint64_t received_wanted;
static bool second_reads_wanted(struct bed *bed)
{
	return bed->nodes[1].frames >= received_wanted;
}

static uint64_t dropped_bodies(const struct node *node)
{
	struct net_counts counts;
	net_counts(node->net, &counts);
	return counts.dropped[NET_BODIES];
}

static void a_full_queue_refuses_and_what_was_taken_arrives(void)
{
	struct bed bed;
	pair_open(&bed);
	struct net_peer *reader = net_member_peer(bed.nodes[1].net, 0);
	net_peer_pause_reading(reader, true);
	uint64_t taken = 0;
	for (int turn = 0; turn < 400; turn++) { /* until socket and queue are full */
		while (send_number(&bed.nodes[0], 1, NET_BODIES, (uint32_t)taken, 1024 * 1024))
			taken++;
		uv_run(&bed.loop, UV_RUN_NOWAIT);
	}
	CU_ASSERT(taken >= 31 && taken < 400);
	CU_ASSERT(dropped_bodies(&bed.nodes[0]) > 0);
	CU_ASSERT_TRUE(send_number(&bed.nodes[0], 1, NET_VOTES, 77, 100));
	uint64_t before = bed.nodes[1].frames;
	CU_ASSERT(before <= 1); /* 64 KiB hold no frame of this size */
	net_peer_pause_reading(reader, false);
	received_wanted = taken + 1;
	CU_ASSERT_TRUE(until(&bed, second_reads_wanted));
	CU_ASSERT_EQUAL(bed.nodes[1].frames, taken + 1);
	uint32_t next = 0;
	for (uint64_t k = 0; k < taken + 1 && k < SEEN_MAX; k++) {
		if (bed.nodes[1].seen[k].n == 100)
			continue;
		CU_ASSERT_EQUAL(bed.nodes[1].seen[k].first, next++);
	}
	CU_ASSERT_EQUAL(bed.nodes[0].downs, 0);
	bed_close(&bed);
}

static bool rtt_known(struct bed *bed)
{
	struct net_peer *peer = net_member_peer(bed->nodes[0].net, 1);
	return peer && net_peer_rtt_us(peer) > 0;
}

static void pings_measure_the_round_trip(void)
{
	struct bed bed;
	pair_open(&bed);
	CU_ASSERT_TRUE(until(&bed, rtt_known));
	bed_close(&bed);
}

static bool second_ups_at_both(struct bed *bed)
{
	return pair_is_up(bed) && bed->nodes[0].ups >= 2 && bed->nodes[1].ups >= 2;
}

static void a_link_that_ends_is_built_again(void)
{
	struct bed bed;
	for (int i = 0; i < 2; i++) {
		pair_open(&bed);
		struct net_peer *peer = net_member_peer(bed.nodes[i].net, (uint32_t)(1 - i));
		net_peer_close(peer, "the test wants it");
		CU_ASSERT_EQUAL(bed.nodes[i].downs, 1);
		CU_ASSERT_STRING_EQUAL(bed.nodes[i].down_reason, "the test wants it");
		CU_ASSERT_PTR_NULL(net_member_peer(bed.nodes[i].net, (uint32_t)(1 - i)));
		CU_ASSERT_TRUE(until(&bed, second_ups_at_both));
		CU_ASSERT_TRUE(send_number(&bed.nodes[1 - i], (uint32_t)i, NET_VOTES, 1, 4));
		bed_close(&bed);
	}
}

static bool first_closed(struct bed *bed)
{
	return bed->nodes[0].closed;
}

static void a_member_that_restarts_is_found_again(void)
{
	struct bed bed;
	pair_open(&bed);
	struct node *node = &bed.nodes[0];
	uint16_t port = net_port(node->net);
	net_close(node->net, on_closed, node);
	net_close(node->net, NULL, NULL); /* a second call does nothing */
	CU_ASSERT_TRUE(until(&bed, first_closed));
	CU_ASSERT_EQUAL(node->downs, 1);
	node->closed = false;
	node->options.listen_port = port;
	node_start(node);
	knows(node, 0, node);
	knows(node, 1, &bed.nodes[1]);
	CU_ASSERT_TRUE(until(&bed, second_ups_at_both));
	bed_close(&bed);
}

static bool no_link(struct bed *bed)
{
	return links(&bed->nodes[0]) == 0 && links(&bed->nodes[1]) == 0;
}

static void a_changed_member_loses_its_link(void)
{
	struct bed bed;
	pair_open(&bed);
	struct node *a = &bed.nodes[0], *b = &bed.nodes[1];
	knows(a, 1, b); /* the same: nothing happens */
	CU_ASSERT_EQUAL(a->downs, 0);
	CU_ASSERT_EQUAL(net_set_member(a->net, 2, &b->options.self, &b->tls_key, "127.0.0.1", 1), NET_BAD_OPTIONS); /* its key is member 1's */
	CU_ASSERT_EQUAL(net_set_member(a->net, NET_MEMBERS_MAX, &b->options.self, &b->tls_key, "127.0.0.1", 1), NET_BAD_OPTIONS);
	CU_ASSERT_EQUAL(net_set_member(a->net, 1, &b->options.self, &b->tls_key, "", 1), NET_BAD_ADDRESS);
	CU_ASSERT_EQUAL(net_set_member(a->net, 1, &b->options.self, &b->tls_key, "127.0.0.1", 0), NET_BAD_ADDRESS);
	net_clear_member(a->net, 1);
	CU_ASSERT_EQUAL(a->downs, 1);
	CU_ASSERT_TRUE(until(&bed, no_link));
	knows(a, 1, b);
	CU_ASSERT_TRUE(until(&bed, second_ups_at_both));
	bed_close(&bed);
}

static void a_name_is_looked_up(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_prepare(&bed, NET_MEMBER, 1), *b = node_prepare(&bed, NET_MEMBER, 2);
	b->options.listen_host = NULL; /* every address */
	node_start(a);
	node_start(b);
	CU_ASSERT_EQUAL(net_set_member(a->net, 1, &b->options.self, &b->tls_key, "localhost", net_port(b->net)), NET_OK);
	CU_ASSERT_EQUAL(net_set_member(b->net, 0, &a->options.self, &a->tls_key, "no-such-host.invalid", net_port(a->net)), NET_OK);
	CU_ASSERT_TRUE(until(&bed, pair_is_up));
	bed_close(&bed);
}

/* ---- refusals ---- */

static bool said(const struct node *node, const char *words)
{
	for (int i = 0; i < 8; i++) {
		if (strstr(node->refused[i], words))
			return true;
	}
	return false;
}

static const char *words_first, *words_second;
static bool both_said(struct bed *bed)
{
	return said(&bed->nodes[0], words_first) && said(&bed->nodes[1], words_second);
}

/* Nodes 0 and 1, prepared by the test; node 1 dials node 0 and both say why it does not work. */
static void refused(struct bed *bed, const char *first, const char *second)
{
	struct net_counts counts;
	words_first = first;
	words_second = second;
	CU_ASSERT_TRUE(until(bed, both_said));
	net_counts(bed->nodes[0].net, &counts);
	CU_ASSERT(counts.links_members == 0 && counts.links_clients == 0 && bed->nodes[0].ups == 0 && bed->nodes[1].ups == 0);
	bed_close(bed);
}

static void another_cluster_is_refused(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *b = node_prepare(&bed, NET_MEMBER, 2);
	b->options.cluster.b[0] ^= 1;
	node_start(b);
	knows(a, 1, b);
	knows(b, 0, a);
	refused(&bed, "another cluster", "another cluster");
}

static void another_mode_is_refused(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *b = node_prepare(&bed, NET_CLIENT, 2);
	b->options.mode = 2;
	node_start(b);
	knows(a, 0, a);
	knows(b, 0, a);
	refused(&bed, "the other mode", "the other mode");
}

static void a_stranger_is_no_member(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *b = node_add(&bed, NET_MEMBER, 2);
	knows(a, 0, a);
	knows(b, 0, a);
	refused(&bed, "its key is not a member's", "our key is not among its members");
}

static void another_tls_key_is_refused(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *b = node_add(&bed, NET_MEMBER, 2);
	CU_ASSERT_EQUAL(net_set_member(a->net, 1, &b->options.self, &a->tls_key, "127.0.0.1", net_port(b->net)), NET_OK);
	knows(b, 0, a);
	refused(&bed, "its TLS key is not the one on its card", "our TLS key is not the one on our card");
}

static void somebody_else_than_dialled_is_refused(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *b = node_add(&bed, NET_MEMBER, 2);
	struct node *c = node_add(&bed, NET_MEMBER, 3);
	CU_ASSERT_EQUAL(net_set_member(b->net, 0, &a->options.self, &a->tls_key, "127.0.0.1", 1), NET_OK); /* nobody is there */
	knows(b, 2, c);
	CU_ASSERT_EQUAL(net_set_member(a->net, 2, &c->options.self, &c->tls_key, "127.0.0.1", net_port(b->net)), NET_OK); /* c's key at b's address */
	words_first = "is not the member that was dialled";
	words_second = "we are not the member that it wanted to reach";
	CU_ASSERT_TRUE(until(&bed, both_said));
	CU_ASSERT_STRING_NOT_EQUAL(net_member_trouble(a->net, 2), "");
	bed_close(&bed);
}

static bool first_said_own_key(struct bed *bed)
{
	return said(&bed->nodes[0], "own key");
}

static void an_address_that_leads_back_is_refused(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *b = node_add(&bed, NET_MEMBER, 2);
	CU_ASSERT_EQUAL(net_set_member(a->net, 1, &b->options.self, &b->tls_key, "127.0.0.1", net_port(a->net)), NET_OK);
	CU_ASSERT_TRUE(until(&bed, first_said_own_key));
	bed_close(&bed);
}

static bool no_room_said(struct bed *bed)
{
	return bed->nodes[1].ups + bed->nodes[2].ups == 1 && (said(&bed->nodes[1], "no place free") || said(&bed->nodes[2], "no place free"));
}

static void members_places_are_not_for_clients(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_prepare(&bed, NET_MEMBER, 1);
	a->options.connections_max = 3; /* two members and one client */
	node_start(a);
	struct node *c = node_add(&bed, NET_CLIENT, 2), *d = node_add(&bed, NET_CLIENT, 3), *b = node_add(&bed, NET_MEMBER, 4);
	knows(a, 0, a);
	knows(a, 1, b);
	knows(c, 0, a);
	knows(d, 0, a);
	CU_ASSERT_TRUE(until(&bed, no_room_said));
	knows(b, 0, a);
	while (!bed.late && links(a) == 0)
		uv_run(&bed.loop, UV_RUN_ONCE);
	CU_ASSERT_EQUAL(links(a), 1);
	bed_close(&bed);
}

/* ---- a liar with a socket of its own ---- */

struct raw {
	struct bed *bed;
	int fd;
	bool eof;
	bool deaf; /* answers no ping */
	struct tls_context *context;
	struct tls *tls;
	bool shaken;
	struct frame_reader reader;
	int pieces[FRAME_KINDS];
	uint8_t refusal;
	uint8_t incarnation;
};

static void raw_open(struct raw *raw, struct bed *bed, const struct node *to, const struct secret_key *tls_secret)
{
	struct sockaddr_in address;
	memset(raw, 0, sizeof *raw);
	raw->bed = bed;
	uv_ip4_addr("127.0.0.1", net_port(to->net), &address);
	raw->fd = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL_FATAL(connect(raw->fd, (struct sockaddr *)&address, sizeof address), 0); /* the backlog takes it */
	CU_ASSERT_EQUAL_FATAL(fcntl(raw->fd, F_SETFL, O_NONBLOCK), 0);
	CU_ASSERT_TRUE_FATAL(frame_reader_limit(&raw->reader, FRAME_LENGTH_MAX));
	if (!tls_secret)
		return;
	raw->context = tls_context_create(tls_secret);
	CU_ASSERT_PTR_NOT_NULL_FATAL(raw->context);
	raw->tls = tls_create(raw->context, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(raw->tls);
}

static void raw_close(struct raw *raw)
{
	close(raw->fd);
	tls_destroy(raw->tls);
	tls_context_destroy(raw->context);
	frame_reader_free(&raw->reader);
}

static void raw_piece(struct raw *raw, enum frame_kind kind, const void *payload, size_t n)
{
	uint8_t piece[512];
	CU_ASSERT_FATAL(n + 5 <= sizeof piece);
	size_t at = frame_put_head(piece, kind, n);
	memcpy(piece + at, payload, n);
	CU_ASSERT_TRUE(tls_write(raw->tls, piece, at + n));
}

static void raw_pieces(struct raw *raw)
{
	uint8_t kind;
	const uint8_t *payload;
	uint32_t n;
	while (frame_reader_next(&raw->reader, &kind, &payload, &n) == FRAME_WHOLE) {
		CU_ASSERT_FATAL(kind < FRAME_KINDS);
		raw->pieces[kind]++;
		if (kind == FRAME_REFUSED && n == 1)
			raw->refusal = payload[0];
		if (kind == FRAME_PING && n == 8 && !raw->deaf)
			raw_piece(raw, FRAME_PONG, payload, 8);
	}
}

static void raw_take(struct raw *raw, const uint8_t *bytes, size_t n)
{
	size_t room, got;
	if (!raw->tls)
		return;
	tls_feed(raw->tls, bytes, n);
	if (!raw->shaken)
		raw->shaken = tls_handshake(raw->tls) == TLS_DONE;
	while (raw->shaken) {
		uint8_t *space = frame_reader_space(&raw->reader, &room);
		if (tls_read(raw->tls, space, room, &got) != TLS_DONE)
			return;
		frame_reader_filled(&raw->reader, got);
		raw_pieces(raw);
	}
}

static void raw_turn(struct raw *raw)
{
	uint8_t in[4096] = { 0 };
	size_t n;
	const uint8_t *out;
	if (raw->tls && !raw->shaken)
		raw_take(raw, in, 0);
	if (raw->tls && (out = tls_output(raw->tls, &n)) != NULL) {
		ssize_t sent = send(raw->fd, out, n, MSG_NOSIGNAL);
		if (sent > 0)
			tls_output_taken(raw->tls, (size_t)sent);
	}
	ssize_t got = recv(raw->fd, in, sizeof in, 0);
	if (got > 0)
		raw_take(raw, in, (size_t)got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		raw->eof = true;
	uv_run(&raw->bed->loop, UV_RUN_NOWAIT);
}

/* Turns until the other side has closed, or has sent `count` pieces of a kind. */
static bool raw_until_eof(struct raw *raw)
{
	uv_timer_again(&raw->bed->watchdog);
	while (!raw->bed->late && !raw->eof)
		raw_turn(raw);
	return raw->eof;
}

static bool raw_until_piece(struct raw *raw, enum frame_kind kind)
{
	uv_timer_again(&raw->bed->watchdog);
	while (!raw->bed->late && !raw->eof && raw->pieces[kind] == 0)
		raw_turn(raw);
	return raw->pieces[kind] > 0;
}

/* TLS, then the HELLO that `as` would send, spoiled at byte `spoil` when that is one of its bytes. */
static void raw_hello(struct raw *raw, const struct node *as, size_t spoil)
{
	uint8_t exporter[TLS_EXPORTER_BYTES], bytes[HELLO_BYTES];
	uv_timer_again(&raw->bed->watchdog);
	while (!raw->bed->late && !raw->eof && !raw->shaken)
		raw_turn(raw);
	CU_ASSERT_TRUE_FATAL(raw->shaken);
	CU_ASSERT_TRUE_FATAL(tls_exporter(raw->tls, exporter));
	const struct hello hello = { .wire_version = HELLO_WIRE_VERSION,
		                     .role = (uint8_t)as->options.role,
		                     .mode = as->options.mode,
		                     .cluster = as->options.cluster,
		                     .key = as->options.self,
		                     .incarnation = 5u + raw->incarnation };
	hello_write(bytes, &hello, exporter, HELLO_FROM_OPENER, &sign_ed25519, &as->options.secret);
	if (spoil < sizeof bytes)
		bytes[spoil] ^= 0x40;
	raw_piece(raw, FRAME_HELLO, bytes, sizeof bytes);
}

static void raw_greet(struct raw *raw, const struct node *as)
{
	raw_hello(raw, as, HELLO_BYTES);
	raw_piece(raw, FRAME_WELCOME, "\x01\0\0\0\0\0\0\0", 8);
}

static struct net_counts counts_of(const struct node *node)
{
	struct net_counts counts;
	net_counts(node->net, &counts);
	return counts;
}

static void bytes_that_are_no_tls_are_cut_off(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1);
	uint8_t garbage[3000];
	uint32_t x = 12345;
	for (int round = 0; round < 20; round++) {
		struct raw raw;
		raw_open(&raw, &bed, a, NULL);
		for (size_t i = 0; i < sizeof garbage; i++)
			garbage[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
		if (round % 2)
			memcpy(garbage, "\x16\x03\x01\x02\x00\x01", 6); /* looks like a ClientHello for a while */
		CU_ASSERT(send(raw.fd, garbage, sizeof garbage, MSG_NOSIGNAL) > 0);
		CU_ASSERT_TRUE(raw_until_eof(&raw));
		raw_close(&raw);
	}
	CU_ASSERT_EQUAL(counts_of(a).failed, 20);
	CU_ASSERT_EQUAL(counts_of(a).strangers, 0);
	CU_ASSERT(a->refusals >= 1 && a->refusals < 20); /* one a second */
	bed_close(&bed);
}

static void silence_meets_the_deadline(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_prepare(&bed, NET_MEMBER, 1), *b = node_prepare(&bed, NET_CLIENT, 2);
	a->options.handshake_ms = 200;
	node_start(a);
	struct raw mute, half;
	raw_open(&mute, &bed, a, NULL);
	raw_open(&half, &bed, a, &b->options.tls_secret); /* does TLS and then says nothing */
	CU_ASSERT_TRUE(raw_until_eof(&half));
	CU_ASSERT_TRUE(half.shaken);
	CU_ASSERT_TRUE(raw_until_eof(&mute));
	CU_ASSERT_EQUAL(counts_of(a).failed, 2);
	raw_close(&mute);
	raw_close(&half);
	bed_close(&bed);
}

static void one_source_opens_so_many_and_no_more(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_prepare(&bed, NET_MEMBER, 1);
	a->options.connections_per_source = 3;
	node_start(a);
	struct raw raw[4];
	for (int i = 0; i < 4; i++)
		raw_open(&raw[i], &bed, a, NULL);
	CU_ASSERT_TRUE(raw_until_eof(&raw[3]));
	CU_ASSERT_EQUAL(counts_of(a).accepted, 4);
	CU_ASSERT_EQUAL(counts_of(a).turned_away, 1);
	CU_ASSERT_EQUAL(counts_of(a).strangers, 3);
	CU_ASSERT_TRUE(said(a, "too many connections from its address"));
	close(raw[0].fd);
	while (!bed.late && counts_of(a).strangers == 3)
		uv_run(&bed.loop, UV_RUN_ONCE);
	CU_ASSERT_EQUAL(counts_of(a).strangers, 2); /* a place is free again */
	frame_reader_free(&raw[0].reader);
	for (int i = 1; i < 4; i++)
		raw_close(&raw[i]);
	bed_close(&bed);
}

static void handshakes_are_bounded_in_all_and_per_second(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_prepare(&bed, NET_MEMBER, 1), *b = node_prepare(&bed, NET_MEMBER, 2);
	a->options.handshakes_max = 2;
	b->options.handshakes_per_second = 1;
	node_start(a);
	node_start(b);
	struct raw raw[5];
	for (int i = 0; i < 3; i++)
		raw_open(&raw[i], &bed, a, NULL);
	CU_ASSERT_TRUE(raw_until_eof(&raw[2]));
	CU_ASSERT_EQUAL(counts_of(a).turned_away, 1);
	knows(a, 1, b); /* a member lives there now: it has its own bound */
	for (int i = 3; i < 5; i++)
		raw_open(&raw[i], &bed, b, NULL);
	CU_ASSERT_TRUE(raw_until_eof(&raw[4]));
	CU_ASSERT_TRUE(said(b, "in one second"));
	knows(b, 0, a);
	CU_ASSERT_TRUE(until(&bed, pair_is_up) || links(a) == 1);
	for (int i = 0; i < 5; i++)
		raw_close(&raw[i]);
	bed_close(&bed);
}

static void a_spoiled_hello_is_refused_by_its_reason(void)
{
	static const struct {
		size_t spoil;
		enum hello_refusal code;
	} rows[] = {
		{ 0, HELLO_NOT_A_HELLO },   { 4, HELLO_OTHER_VERSION },  { 6, HELLO_OTHER_ROLE },      { 7, HELLO_OTHER_MODE },
		{ 8, HELLO_OTHER_CLUSTER }, { 72, HELLO_BAD_SIGNATURE }, { 100, HELLO_BAD_SIGNATURE },
	};
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *c = node_prepare(&bed, NET_CLIENT, 2);
	size_t n = sizeof rows / sizeof rows[0];
	for (size_t i = 0; i < n; i++) {
		struct raw raw;
		raw_open(&raw, &bed, a, &c->options.tls_secret);
		raw_hello(&raw, c, rows[i].spoil);
		CU_ASSERT_TRUE(raw_until_piece(&raw, FRAME_REFUSED));
		CU_ASSERT_EQUAL(raw.refusal, rows[i].code);
		CU_ASSERT_EQUAL(raw.pieces[FRAME_WELCOME], 0);
		CU_ASSERT_TRUE(raw_until_eof(&raw));
		raw_close(&raw);
	}
	CU_ASSERT_EQUAL(counts_of(a).refused, n);
	CU_ASSERT_EQUAL(a->ups, 0);
	bed_close(&bed);
}

/* A stolen member key is worth nothing without the TLS key, and the other way round. */
static void half_of_an_identity_is_none(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *b = node_add(&bed, NET_MEMBER, 2), *c = node_prepare(&bed, NET_CLIENT, 3);
	CU_ASSERT_EQUAL(net_set_member(a->net, 1, &b->options.self, &b->tls_key, "127.0.0.1", 1), NET_OK); /* nobody is there */
	struct raw raw;
	raw_open(&raw, &bed, a, &c->options.tls_secret);
	raw_hello(&raw, b, HELLO_BYTES);
	CU_ASSERT_TRUE(raw_until_piece(&raw, FRAME_REFUSED));
	CU_ASSERT_EQUAL(raw.refusal, HELLO_OTHER_TLS_KEY);
	raw_close(&raw);
	struct node liar = *b;
	liar.options.secret = c->options.secret;
	raw_open(&raw, &bed, a, &b->options.tls_secret);
	raw_hello(&raw, &liar, HELLO_BYTES);
	CU_ASSERT_TRUE(raw_until_piece(&raw, FRAME_REFUSED));
	CU_ASSERT_EQUAL(raw.refusal, HELLO_BAD_SIGNATURE);
	raw_close(&raw);
	CU_ASSERT_EQUAL(a->ups, 0);
	bed_close(&bed);
}

static void an_authenticated_liar_is_cut_off(void)
{
	static const struct {
		uint8_t bytes[16];
		size_t n;
	} rows[] = {
		{ { 0, 0, 0, 0 }, 4 },                          /* length zero                  */
		{ { 0xff, 0xff, 0xff, 0xff, 0 }, 5 },           /* longer than any piece        */
		{ { 0xfd, 0x3f, 0, 0, 0 }, 5 },                 /* longer by one                */
		{ { 1, 0, 0, 0, FRAME_DATA }, 5 },              /* an empty frame               */
		{ { 2, 0, 0, 0, FRAME_PING, 0 }, 6 },           /* a short ping                 */
		{ { 1, 0, 0, 0, FRAME_KINDS }, 5 },             /* a kind that does not exist   */
		{ { 3, 0, 0, 0, FRAME_PART, 5, 0 }, 7 },        /* a class that does not exist  */
		{ { 2, 0, 0, 0, FRAME_LAST, 0 }, 6 },           /* an empty part                */
		{ { 9, 0, 0, 0, FRAME_WELCOME, 1, 0, 0 }, 13 }, /* a second WELCOME             */
	};
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *c = node_prepare(&bed, NET_CLIENT, 2);
	int n = (int)(sizeof rows / sizeof rows[0]);
	for (int i = 0; i < n; i++) {
		struct raw raw;
		raw_open(&raw, &bed, a, &c->options.tls_secret);
		raw_greet(&raw, c);
		CU_ASSERT_TRUE(raw_until_piece(&raw, FRAME_WELCOME));
		CU_ASSERT_TRUE(tls_write(raw.tls, rows[i].bytes, rows[i].n));
		CU_ASSERT_TRUE(raw_until_eof(&raw));
		raw_close(&raw);
		CU_ASSERT_EQUAL(counts_of(a).violations, (uint64_t)i + 1);
	}
	CU_ASSERT_EQUAL(a->ups, n);
	CU_ASSERT_EQUAL(a->frames, 0);
	bed_close(&bed);
}

static void a_frame_above_the_clients_limit_ends_the_link_before_it_is_whole(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_prepare(&bed, NET_MEMBER, 1), *c = node_prepare(&bed, NET_CLIENT, 2);
	a->options.client_frame_bytes_max = 1000;
	node_start(a);
	struct raw raw;
	uint8_t part[400] = { 0 };
	raw_open(&raw, &bed, a, &c->options.tls_secret);
	raw_greet(&raw, c);
	CU_ASSERT_TRUE(raw_until_piece(&raw, FRAME_WELCOME));
	raw_piece(&raw, FRAME_PART, part, 400);
	raw_piece(&raw, FRAME_PART, part, 400);
	raw_piece(&raw, FRAME_PART, part, 400);
	CU_ASSERT_TRUE(raw_until_eof(&raw));
	CU_ASSERT_EQUAL(counts_of(a).violations, 1);
	CU_ASSERT_EQUAL(a->frames, 0);
	raw_close(&raw);
	bed_close(&bed);
}

static void unfinished_frames_of_a_client_share_one_bound(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_prepare(&bed, NET_MEMBER, 1), *c = node_prepare(&bed, NET_CLIENT, 2);
	a->options.client_frame_bytes_max = 1000;
	node_start(a);
	struct raw raw;
	uint8_t part[401] = { 0 };
	raw_open(&raw, &bed, a, &c->options.tls_secret);
	raw_greet(&raw, c);
	CU_ASSERT_TRUE(raw_until_piece(&raw, FRAME_WELCOME));
	for (part[0] = 0; part[0] < 3; part[0]++)
		raw_piece(&raw, FRAME_PART, part, sizeof part);
	CU_ASSERT_TRUE(raw_until_eof(&raw));
	CU_ASSERT_EQUAL(counts_of(a).violations, 1);
	raw_close(&raw);
	bed_close(&bed);
}

/* With bytes on the way to it: a write to a reset socket must not raise SIGPIPE, which would end this program. */
static void a_reset_ends_a_link(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *c = node_prepare(&bed, NET_CLIENT, 2);
	uint8_t body[100000] = { 0 };
	for (int writing = 0; writing < 2; writing++) {
		struct raw raw;
		const struct linger now = { .l_onoff = 1 };
		raw_open(&raw, &bed, a, &c->options.tls_secret);
		raw_greet(&raw, c);
		while (!bed.late && a->ups <= writing)
			raw_turn(&raw);
		CU_ASSERT_PTR_NOT_NULL_FATAL(a->last_up);
		CU_ASSERT_EQUAL(setsockopt(raw.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
		raw_close(&raw);
		while (!bed.late && a->downs <= writing) {
			if (writing)
				net_send(a->last_up, NET_BODIES, body, sizeof body, NULL, 0);
			uv_run(&bed.loop, UV_RUN_ONCE);
		}
		CU_ASSERT_EQUAL(a->downs, writing + 1);
	}
	bed_close(&bed);
}

static void a_stranger_may_not_be_long(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *c = node_prepare(&bed, NET_CLIENT, 2);
	struct raw raw;
	raw_open(&raw, &bed, a, &c->options.tls_secret);
	while (!bed.late && !raw.shaken)
		raw_turn(&raw);
	CU_ASSERT_TRUE(tls_write(raw.tls, (const uint8_t *)"\x01\x04\0\0\5", 5)); /* 1025 */
	CU_ASSERT_TRUE(raw_until_eof(&raw));
	CU_ASSERT_EQUAL(counts_of(a).failed, 1);
	raw_close(&raw);
	bed_close(&bed);
}

/* ---- one link per pair, against a member that misbehaves ---- */

/* The smaller of two TLS keys is the end that decides. */
static void order(struct node **decider, struct node **other, struct bed *bed)
{
	struct node *a = node_prepare(bed, NET_MEMBER, 1), *b = node_prepare(bed, NET_MEMBER, 2);
	bool first = memcmp(a->tls_key.b, b->tls_key.b, PUBLIC_KEY_BYTES) < 0;
	*decider = first ? a : b;
	*other = first ? b : a;
}

static void raw_member_up(struct raw *raw, struct bed *bed, const struct node *to, const struct node *as, uint8_t incarnation)
{
	raw_open(raw, bed, to, &as->options.tls_secret);
	raw->incarnation = incarnation;
	raw_greet(raw, as);
}

static void a_second_link_is_refused_while_the_first_answers(void)
{
	struct bed bed;
	struct node *a, *b;
	struct raw first, second;
	bed_open(&bed);
	order(&a, &b, &bed);
	node_start(a);
	CU_ASSERT_EQUAL(net_set_member(a->net, 1, &b->options.self, &b->tls_key, "127.0.0.1", 1), NET_OK);
	raw_member_up(&first, &bed, a, b, 0);
	CU_ASSERT_TRUE(raw_until_piece(&first, FRAME_WELCOME));
	raw_member_up(&second, &bed, a, b, 0);
	while (!bed.late && !second.eof && second.pieces[FRAME_REFUSED] == 0) {
		raw_turn(&first);
		raw_turn(&second);
	}
	CU_ASSERT_EQUAL(second.refusal, HELLO_DUPLICATE);
	CU_ASSERT_FALSE(first.eof);
	CU_ASSERT(a->ups == 1 && a->downs == 0);
	CU_ASSERT_EQUAL(counts_of(a).refused, 0); /* nothing to complain about */
	raw_close(&first);
	raw_close(&second);
	bed_close(&bed);
}

/* ---- members' keys change ---- */

static bool both_up(struct bed *bed)
{
	return bed->nodes[0].last_up && bed->nodes[1].last_up;
}

static bool not_both_up(struct bed *bed)
{
	return !both_up(bed);
}

/* Node 0 knows node 1, the member 1, by another key than that one shows now. */
static void behind(struct bed *bed, struct node **a, struct node **b, struct public_key *former)
{
	struct secret_key secret;
	uint8_t seed[32] = { 2, 99 };
	bed_open(bed);
	*a = node_prepare(bed, NET_MEMBER, 1);
	*b = node_prepare(bed, NET_MEMBER, 2);
	(*a)->options.other_keys = (*b)->options.other_keys = true;
	node_start(*a);
	node_start(*b);
	sign_ed25519.keypair(former, &secret, seed);
	CU_ASSERT_EQUAL(net_set_member((*a)->net, 1, former, &(*b)->tls_key, "127.0.0.1", net_port((*b)->net)), NET_OK);
	knows(*b, 0, *a);
}

static void another_key_is_up_and_not_known(void)
{
	struct bed bed;
	struct node *a, *b;
	struct public_key former;
	behind(&bed, &a, &b, &former);
	CU_ASSERT_TRUE_FATAL(until(&bed, both_up));
	CU_ASSERT(net_peer_member(a->last_up) == 1 && public_key_equal(net_peer_key(a->last_up), &b->options.self));
	CU_ASSERT(!net_peer_known(a->last_up) && net_peer_known(b->last_up));
	/* Once it is known, or is soon to be its key, the same link is good. */
	const struct net_peer *link = a->last_up;
	CU_ASSERT_EQUAL(net_set_member_key(a->net, 1, &former, &b->options.self), NET_OK);
	CU_ASSERT(a->last_up == link && net_peer_known(link) && a->downs == 0);
	CU_ASSERT_EQUAL(net_set_member_key(a->net, 1, &b->options.self, NULL), NET_OK);
	CU_ASSERT(a->last_up == link && net_peer_known(link) && a->downs == 0);
	/* And when it is changed again, the link with the former one ends. */
	CU_ASSERT_EQUAL(net_set_member_key(a->net, 1, &former, NULL), NET_OK);
	CU_ASSERT_EQUAL(a->downs, 1);
	CU_ASSERT(strstr(a->down_reason, "key was changed") != NULL);
	CU_ASSERT_TRUE(until(&bed, both_up));
	CU_ASSERT(!net_peer_known(a->last_up));
	/* A key has one member. */
	CU_ASSERT_EQUAL(net_set_member(a->net, 2, &a->options.self, &a->tls_key, "127.0.0.1", 1), NET_OK);
	CU_ASSERT_EQUAL(net_set_member_key(a->net, 1, &a->options.self, NULL), NET_BAD_OPTIONS);
	CU_ASSERT_EQUAL(net_set_member_key(a->net, 5, &former, NULL), NET_BAD_OPTIONS);
	bed_close(&bed);
}

static void our_own_key_is_changed(void)
{
	struct bed bed;
	struct node *a, *b;
	struct public_key former, fresh;
	struct secret_key secret;
	uint8_t seed[32] = { 2, 98 };
	behind(&bed, &a, &b, &former);
	sign_ed25519.keypair(&fresh, &secret, seed);
	CU_ASSERT_TRUE_FATAL(until(&bed, both_up));
	net_set_self(b->net, &fresh, &secret);
	CU_ASSERT_TRUE(until(&bed, not_both_up));
	CU_ASSERT_TRUE(until(&bed, both_up));
	CU_ASSERT(public_key_equal(net_peer_key(a->last_up), &fresh) && !net_peer_known(a->last_up));
	bed_close(&bed);
}

static bool some_link_is_known(struct bed *bed)
{
	for (int i = 0; i < bed->count; i++)
		if (bed->nodes[i].last_up && net_peer_known(bed->nodes[i].last_up))
			return true;
	return false;
}

/* A thief with a former key, and the TLS key: it is let in to be told, gives way to the one who has the key that is known, and then is not let in. */
static void a_former_key_pushes_nobody_out(void)
{
	struct bed bed;
	struct node *a, *b;
	struct raw thief, real, again;
	struct public_key fresh;
	struct secret_key fresh_secret, former_secret;
	uint8_t seed[32] = { 2, 98 };
	bed_open(&bed);
	order(&a, &b, &bed);
	a->options.other_keys = true;
	node_start(a);
	sign_ed25519.keypair(&fresh, &fresh_secret, seed);
	CU_ASSERT_EQUAL(net_set_member(a->net, 1, &fresh, &b->tls_key, "127.0.0.1", 1), NET_OK);
	raw_member_up(&thief, &bed, a, b, 0);
	CU_ASSERT_TRUE(raw_until_piece(&thief, FRAME_WELCOME));
	former_secret = b->options.secret;
	struct public_key former = b->options.self;
	b->options.self = fresh;
	b->options.secret = fresh_secret;
	raw_member_up(&real, &bed, a, b, 0);
	CU_ASSERT_TRUE(raw_until_piece(&real, FRAME_WELCOME));
	CU_ASSERT_TRUE(until(&bed, some_link_is_known));
	CU_ASSERT_TRUE(raw_until_eof(&thief));
	b->options.self = former;
	b->options.secret = former_secret;
	raw_member_up(&again, &bed, a, b, 7);
	CU_ASSERT_TRUE(raw_until_piece(&again, FRAME_REFUSED));
	CU_ASSERT_EQUAL(again.refusal, HELLO_DUPLICATE);
	CU_ASSERT_FALSE(real.eof);
	raw_close(&thief);
	raw_close(&real);
	raw_close(&again);
	bed_close(&bed);
}

static void a_link_that_answers_nothing_gives_way(void)
{
	struct bed bed;
	struct node *a, *b;
	struct raw first, second;
	bed_open(&bed);
	order(&a, &b, &bed);
	node_start(a);
	CU_ASSERT_EQUAL(net_set_member(a->net, 1, &b->options.self, &b->tls_key, "127.0.0.1", 1), NET_OK);
	raw_member_up(&first, &bed, a, b, 0);
	CU_ASSERT_TRUE(raw_until_piece(&first, FRAME_PING));
	first.deaf = true;
	raw_member_up(&second, &bed, a, b, 0);
	CU_ASSERT_TRUE(raw_until_piece(&second, FRAME_WELCOME));
	CU_ASSERT_TRUE(raw_until_eof(&first));
	CU_ASSERT_STRING_EQUAL(a->down_reason, "replaced by a newer connection");
	while (!bed.late && a->ups < 2)
		raw_turn(&second);
	CU_ASSERT(a->ups == 2 && a->downs == 1 && links(a) == 1);
	raw_close(&first);
	raw_close(&second);
	bed_close(&bed);
}

/* Whichever end decides: a new process replaces the old one's link at once. */
static void another_incarnation_gives_way_at_once(void)
{
	for (int decides = 0; decides < 2; decides++) {
		struct bed bed;
		struct node *a, *b;
		struct raw first, second;
		bed_open(&bed);
		if (decides)
			order(&a, &b, &bed);
		else
			order(&b, &a, &bed);
		node_start(a);
		CU_ASSERT_EQUAL(net_set_member(a->net, 1, &b->options.self, &b->tls_key, "127.0.0.1", 1), NET_OK);
		raw_member_up(&first, &bed, a, b, 0);
		CU_ASSERT_TRUE(raw_until_piece(&first, FRAME_WELCOME));
		while (!bed.late && a->ups < 1)
			raw_turn(&first);
		raw_member_up(&second, &bed, a, b, 1);
		CU_ASSERT_TRUE(raw_until_piece(&second, FRAME_WELCOME));
		CU_ASSERT_TRUE(raw_until_eof(&first));
		while (!bed.late && a->ups < 2)
			raw_turn(&second);
		CU_ASSERT(a->ups == 2 && a->downs == 1 && links(a) == 1);
		raw_close(&first);
		raw_close(&second);
		bed_close(&bed);
	}
}

static void silence_for_five_seconds_ends_a_link(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *c = node_prepare(&bed, NET_CLIENT, 2);
	struct raw raw;
	raw_open(&raw, &bed, a, &c->options.tls_secret);
	raw_greet(&raw, c);
	CU_ASSERT_TRUE(raw_until_piece(&raw, FRAME_WELCOME));
	while (!bed.late && a->ups < 1)
		raw_turn(&raw);
	uv_timer_again(&bed.watchdog);
	while (!bed.late && a->downs == 0)
		uv_run(&bed.loop, UV_RUN_ONCE); /* the raw end does nothing */
	CU_ASSERT_STRING_EQUAL(a->down_reason, "silent for five seconds");
	raw_close(&raw);
	bed_close(&bed);
}

/* ---- the end, in the middle of everything ---- */

static void closing_after_any_number_of_turns_leaves_nothing(void)
{
	for (int turns = 0; turns < 120; turns += turns < 40 ? 1 : 7) {
		struct bed bed;
		bed_open(&bed);
		members_open(&bed, 4);
		for (int t = 0; t < turns; t++) {
			uv_run(&bed.loop, t % 8 == 7 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
			for (uint32_t i = 0; i < 4; i++) {
				send_number(&bed.nodes[i], (i + 1) % 4, NET_VOTES, 1, 100);
				send_number(&bed.nodes[i], (i + 2) % 4, NET_BODIES, 1, 300000);
			}
		}
		bed_close(&bed);
	}
}

static bool three_frames_each(struct bed *bed)
{
	for (int i = 0; i < 4; i++) {
		if (bed->nodes[i].frames < 3)
			return false;
	}
	return true;
}

/* Links are cut at either end at any time, dials cross, and still both ends of each pair end with the same connection. */
static void links_cut_at_random_come_back_one_per_pair(void)
{
	for (uint32_t seed = 1; seed <= 6; seed++) {
		struct bed bed;
		uint32_t x = seed;
		bed_open(&bed);
		members_open(&bed, 4);
		for (int turn = 0; turn < 300; turn++) {
			x = x * 1664525u + 1013904223u;
			struct net_peer *peer = net_member_peer(bed.nodes[x >> 30].net, x >> 28 & 3);
			if (peer && (x >> 20 & 3) == 0)
				net_peer_close(peer, "cut");
			uv_run(&bed.loop, x >> 18 & 1 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
		}
		if (!until(&bed, mesh_is_up))
			printf("seed %u\n", seed);
		CU_ASSERT_FALSE(bed.late);
		for (uint32_t i = 0; i < 4; i++) {
			for (uint32_t j = 0; j < 4; j++)
				CU_ASSERT(i == j || send_number(&bed.nodes[i], j, NET_STATUS, i, 8));
		}
		CU_ASSERT_TRUE(until(&bed, three_frames_each));
		for (int i = 0; i < 4; i++)
			CU_ASSERT_EQUAL(bed.nodes[i].ups - bed.nodes[i].downs, 3);
		bed_close(&bed);
	}
}

static void closing_waits_for_a_name_that_is_looked_up(void)
{
	for (int turns = 0; turns < 3; turns++) {
		struct bed bed;
		bed_open(&bed);
		struct node *a = node_add(&bed, NET_MEMBER, 1), *b = node_prepare(&bed, NET_MEMBER, 2);
		CU_ASSERT_EQUAL(net_set_member(a->net, 1, &b->options.self, &b->tls_key, "localhost", 9), NET_OK);
		for (int t = 0; t < turns; t++)
			uv_run(&bed.loop, UV_RUN_NOWAIT);
		if (turns == 1)
			net_clear_member(a->net, 1);
		bed_close(&bed);
	}
}

static void an_endpoint_may_be_closed_in_its_callbacks(void)
{
	for (int kind = 0; kind < 3; kind++) {
		struct bed bed;
		bed_open(&bed);
		members_open(&bed, 4);
		bed.nodes[1].close_on_up = kind == 0;
		bed.nodes[1].close_on_frame = kind == 1;
		bed.nodes[1].close_peer_on_frame = kind == 2;
		uv_timer_again(&bed.watchdog);
		while (!bed.late && !(kind == 2 ? bed.nodes[1].downs >= 3 : bed.nodes[1].closed)) {
			uv_run(&bed.loop, UV_RUN_ONCE);
			for (uint32_t k = 0; k < 20; k++)
				send_number(&bed.nodes[0], 1, NET_VOTES, k, 100);
		}
		CU_ASSERT_FALSE(bed.late);
		bed_close(&bed);
	}
}

static void options_that_cannot_be_are_refused(void)
{
	struct bed bed;
	bed_open(&bed);
	struct node *a = node_add(&bed, NET_MEMBER, 1), *b = node_prepare(&bed, NET_MEMBER, 2);
	struct net *net;
	struct net_options o = b->options;
	o.listen_port = net_port(a->net);
	CU_ASSERT_EQUAL(net_create(&net, &o), NET_CANNOT_LISTEN);
	o = b->options;
	o.listen_host = "no-such-host.invalid";
	CU_ASSERT_EQUAL(net_create(&net, &o), NET_BAD_ADDRESS);
	o = b->options;
	o.role = (enum net_role)3;
	CU_ASSERT_EQUAL(net_create(&net, &o), NET_BAD_OPTIONS);
	o = b->options;
	o.loop = NULL;
	CU_ASSERT_EQUAL(net_create(&net, &o), NET_BAD_OPTIONS);
	o = b->options;
	o.frame_bytes_max = NET_FRAME_BYTES_MAX + 1;
	CU_ASSERT_EQUAL(net_create(&net, &o), NET_BAD_OPTIONS);
	o = b->options;
	memset(&o.self, 0, sizeof o.self); /* of small order */
	CU_ASSERT_EQUAL(net_create(&net, &o), NET_BAD_OPTIONS);
	CU_ASSERT_PTR_NULL(net);
	bed_close(&bed);
}

static const struct unit_case cases[] = {
	{ "four members have one link per pair", four_members_have_one_link_per_pair },
	{ "a client reaches a member and is answered", a_client_reaches_a_member_and_is_answered },
	{ "eight megabytes arrive whole and votes overtake them", eight_megabytes_arrive_whole_and_votes_overtake_them },
	{ "a full queue refuses and what was taken arrives", a_full_queue_refuses_and_what_was_taken_arrives },
	{ "pings measure the round trip", pings_measure_the_round_trip },
	{ "a link that ends is built again", a_link_that_ends_is_built_again },
	{ "a member that restarts is found again", a_member_that_restarts_is_found_again },
	{ "a changed member loses its link", a_changed_member_loses_its_link },
	{ "a name is looked up", a_name_is_looked_up },
	{ "another cluster is refused", another_cluster_is_refused },
	{ "another mode is refused", another_mode_is_refused },
	{ "a stranger is no member", a_stranger_is_no_member },
	{ "another tls key is refused", another_tls_key_is_refused },
	{ "somebody else than dialled is refused", somebody_else_than_dialled_is_refused },
	{ "an address that leads back is refused", an_address_that_leads_back_is_refused },
	{ "members places are not for clients", members_places_are_not_for_clients },
	{ "bytes that are no tls are cut off", bytes_that_are_no_tls_are_cut_off },
	{ "silence meets the deadline", silence_meets_the_deadline },
	{ "one source opens so many and no more", one_source_opens_so_many_and_no_more },
	{ "handshakes are bounded in all and per second", handshakes_are_bounded_in_all_and_per_second },
	{ "a spoiled hello is refused by its reason", a_spoiled_hello_is_refused_by_its_reason },
	{ "another key is up, and not known", another_key_is_up_and_not_known },
	{ "our own key is changed", our_own_key_is_changed },
	{ "a former key pushes nobody out", a_former_key_pushes_nobody_out },
	{ "half of an identity is none", half_of_an_identity_is_none },
	{ "an authenticated liar is cut off", an_authenticated_liar_is_cut_off },
	{ "a frame above the clients limit ends the link before it is whole", a_frame_above_the_clients_limit_ends_the_link_before_it_is_whole },
	{ "unfinished frames of a client share one bound", unfinished_frames_of_a_client_share_one_bound },
	{ "a reset ends a link", a_reset_ends_a_link },
	{ "a stranger may not be long", a_stranger_may_not_be_long },
	{ "a second link is refused while the first answers", a_second_link_is_refused_while_the_first_answers },
	{ "a link that answers nothing gives way", a_link_that_answers_nothing_gives_way },
	{ "another incarnation gives way at once", another_incarnation_gives_way_at_once },
	{ "silence for five seconds ends a link", silence_for_five_seconds_ends_a_link },
	{ "closing after any number of turns leaves nothing", closing_after_any_number_of_turns_leaves_nothing },
	{ "links cut at random come back one per pair", links_cut_at_random_come_back_one_per_pair },
	{ "closing waits for a name that is looked up", closing_waits_for_a_name_that_is_looked_up },
	{ "an endpoint may be closed in its callbacks", an_endpoint_may_be_closed_in_its_callbacks },
	{ "options that cannot be are refused", options_that_cannot_be_are_refused },
	{ 0 },
};

int main(void)
{
	return sign_self_test() ? unit_main("net", cases) : 1;
}
