/* One link per pair of members, whoever misbehaves, and while their keys change. */
#include "tests/unit/net_raw.h"

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

static const struct unit_case cases[] = {
	{ "another key is up, and not known", another_key_is_up_and_not_known },
	{ "our own key is changed", our_own_key_is_changed },
	{ "a former key pushes nobody out", a_former_key_pushes_nobody_out },
	{ "a second link is refused while the first answers", a_second_link_is_refused_while_the_first_answers },
	{ "a link that answers nothing gives way", a_link_that_answers_nothing_gives_way },
	{ "another incarnation gives way at once", another_incarnation_gives_way_at_once },
	{ "silence for five seconds ends a link", silence_for_five_seconds_ends_a_link },
	{ 0 },
};

int main(void)
{
	return sign_self_test() ? unit_main("net_pairs", cases) : 1;
}
