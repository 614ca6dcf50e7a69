/* Endpoints: links, refusals, bounds, and the end of everything in the middle of everything. */
#include "tests/unit/net_bed.h"

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
	/* Of the same name, which no genesis makes; then as a genesis does: the mode is in it. A client, and a member whose address is one of this cluster. */
	for (int other = 0; other < 4; other++) {
		bed_open(&bed);
		struct node *a = node_add(&bed, NET_MEMBER, 1), *b = node_prepare(&bed, other & 1 ? NET_MEMBER : NET_CLIENT, 2);
		b->options.mode = 2;
		b->options.cluster.b[0] ^= other & 2 ? 1 : 0;
		node_start(b);
		knows(a, other & 1, other & 1 ? b : a);
		knows(b, 0, a);
		refused(&bed, "the other mode: one trusts its members, the other does not", "the other mode: one trusts its members, the other does not");
	}
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
