/* tests/unit/net_raw.h - a liar with a socket of its own: TLS and frames by hand, against an endpoint of the bed. */
#ifndef TESTS_UNIT_NET_RAW_H
#define TESTS_UNIT_NET_RAW_H
#include "tests/unit/net_bed.h"

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

static inline void raw_open(struct raw *raw, struct bed *bed, const struct node *to, const struct secret_key *tls_secret)
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

static inline void raw_close(struct raw *raw)
{
	close(raw->fd);
	tls_destroy(raw->tls);
	tls_context_destroy(raw->context);
	frame_reader_free(&raw->reader);
}

static inline void raw_piece(struct raw *raw, enum frame_kind kind, const void *payload, size_t n)
{
	uint8_t piece[512];
	CU_ASSERT_FATAL(n + 5 <= sizeof piece);
	size_t at = frame_put_head(piece, kind, n);
	memcpy(piece + at, payload, n);
	CU_ASSERT_TRUE(tls_write(raw->tls, piece, at + n));
}

static inline void raw_pieces(struct raw *raw)
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

static inline void raw_take(struct raw *raw, const uint8_t *bytes, size_t n)
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

static inline void raw_turn(struct raw *raw)
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
static inline bool raw_until_eof(struct raw *raw)
{
	uv_timer_again(&raw->bed->watchdog);
	while (!raw->bed->late && !raw->eof)
		raw_turn(raw);
	return raw->eof;
}

static inline bool raw_until_piece(struct raw *raw, enum frame_kind kind)
{
	uv_timer_again(&raw->bed->watchdog);
	while (!raw->bed->late && !raw->eof && raw->pieces[kind] == 0)
		raw_turn(raw);
	return raw->pieces[kind] > 0;
}

/* TLS, then the HELLO that `as` would send, spoiled at byte `spoil` when that is one of its bytes. */
static inline void raw_hello(struct raw *raw, const struct node *as, size_t spoil)
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

static inline void raw_greet(struct raw *raw, const struct node *as)
{
	raw_hello(raw, as, HELLO_BYTES);
	raw_piece(raw, FRAME_WELCOME, "\x01\0\0\0\0\0\0\0", 8);
}

static inline struct net_counts counts_of(const struct node *node)
{
	struct net_counts counts;
	net_counts(node->net, &counts);
	return counts;
}
#endif
