/* Endpoints against a liar with a socket of its own. */
#include "tests/unit/net_raw.h"

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

static const struct unit_case cases[] = {
	{ "bytes that are no tls are cut off", bytes_that_are_no_tls_are_cut_off },
	{ "silence meets the deadline", silence_meets_the_deadline },
	{ "one source opens so many and no more", one_source_opens_so_many_and_no_more },
	{ "handshakes are bounded in all and per second", handshakes_are_bounded_in_all_and_per_second },
	{ "a spoiled hello is refused by its reason", a_spoiled_hello_is_refused_by_its_reason },
	{ "half of an identity is none", half_of_an_identity_is_none },
	{ "an authenticated liar is cut off", an_authenticated_liar_is_cut_off },
	{ "a frame above the clients limit ends the link before it is whole", a_frame_above_the_clients_limit_ends_the_link_before_it_is_whole },
	{ "unfinished frames of a client share one bound", unfinished_frames_of_a_client_share_one_bound },
	{ "a reset ends a link", a_reset_ends_a_link },
	{ "a stranger may not be long", a_stranger_may_not_be_long },
	{ 0 },
};

int main(void)
{
	return sign_self_test() ? unit_main("net_liar", cases) : 1;
}
