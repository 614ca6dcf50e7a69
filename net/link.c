/* net/link.c - see net/link.h. Each event of the socket is handled to its end: read once, decrypt all of it, hand over every whole frame. Writing is
 * deferred to the end of the loop's turn (link_flush), so that what one wake-up produced leaves in one system call. */
#include "net/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINK_MAGIC 0x6b6e696cu
#define LINK_FLUSH_BYTES (256u * 1024u) /* encrypted per turn and link: what a vote may have to wait for            */
#define LINK_UNSENT_BYTES (128 * 1024)  /* what the kernel may hold unsent: queued there, nothing can be overtaken  */
#define LINK_PING_MS 1000u
#define LINK_SILENCE_MS 5000u
#define LINK_REFUSING_MS 500u
_Static_assert(LINK_FLUSH_BYTES + LINK_FLUSH_BYTES / 8 + FRAME_PIECE_BYTES < TLS_OUTPUT_BYTES_MAX, "one turn's ciphertext fits into the output");

static void on_poll(uv_poll_t *handle, int status, int events);

/* ---- small parts ---- */

void link_address_format(char out[LINK_ADDRESS_BYTES], const struct sockaddr_storage *address)
{
	char host[INET6_ADDRSTRLEN] = "?";
	if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
		uv_ip6_name(six, host, sizeof host);
		snprintf(out, LINK_ADDRESS_BYTES, "[%s]:%u", host, (unsigned)ntohs(six->sin6_port));
	} else {
		const struct sockaddr_in *four = (const struct sockaddr_in *)address;
		uv_ip4_name(four, host, sizeof host);
		snprintf(out, LINK_ADDRESS_BYTES, "%s:%u", host, (unsigned)ntohs(four->sin_port));
	}
}

static void dirty_add(struct net_peer *link)
{
	struct link_context *context = link->context;
	if (link->is_dirty || link->state == LINK_CLOSED)
		return;
	link->is_dirty = true;
	link->prev_dirty = NULL;
	link->next_dirty = context->dirty;
	if (context->dirty)
		context->dirty->prev_dirty = link;
	context->dirty = link;
}

static void dirty_remove(struct net_peer *link)
{
	if (!link->is_dirty)
		return;
	link->is_dirty = false;
	if (link->next_dirty)
		link->next_dirty->prev_dirty = link->prev_dirty;
	if (link->prev_dirty)
		link->prev_dirty->next_dirty = link->next_dirty;
	else
		link->context->dirty = link->next_dirty;
}

static size_t output_waiting(const struct net_peer *link)
{
	size_t n;
	tls_output(link->tls, &n);
	return n;
}

/* Tells the loop what to watch: reading unless paused, writing while something waits. */
static void watch(struct net_peer *link)
{
	int events = link->paused ? 0 : UV_READABLE;
	if (link->state == LINK_CONNECTING || output_waiting(link) > 0 || (link->state == LINK_UP && !queue_empty(&link->queue)))
		events |= UV_WRITABLE;
	if (events == link->events)
		return;
	link->events = events;
	if (events)
		uv_poll_start(&link->poll, events, on_poll); /* fails for a closing handle only */
	else
		uv_poll_stop(&link->poll);
}

/* ---- creation and end ---- */

static void link_free(struct net_peer *link)
{
	tls_destroy(link->tls);
	frame_reader_free(&link->reader);
	for (size_t i = 0; i < FRAME_CLASSES; i++)
		frame_assembly_reset(&link->parts[i]);
	queue_clear(&link->queue);
	free(link);
}

static void on_closed(uv_handle_t *handle)
{
	struct net_peer *link = handle->data;
	if (!link || link->magic != LINK_MAGIC)
		return;
	struct link_context *context = link->context;
	if (link->next)
		link->next->prev = link->prev;
	if (link->prev)
		link->prev->next = link->next;
	else
		context->all = link->next;
	context->calls->freed(context->owner, link);
	link->magic = 0;
	link_free(link);
}

void link_close(struct net_peer *link, enum link_end end, const char *why)
{
	if (link->state == LINK_CLOSED)
		return;
	link->state = LINK_CLOSED;
	dirty_remove(link);
	for (int i = 0; i < NET_CLASSES; i++)
		link->context->counts.dropped[i] += link->queue.classes[i].dropped;
	queue_clear(&link->queue);
	uv_close((uv_handle_t *)&link->poll, on_closed);
	close(link->fd); /* allowed once the handle is closing */
	link->fd = -1;
	link->context->calls->down(link->context->owner, link, end, why);
}

static bool socket_set(int fd)
{
	int one = 1, unsent = LINK_UNSENT_BYTES;
	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 && setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent) == 0;
}

/* Everything but the handle; `fd` stays the caller's until the handle is there. */
static struct net_peer *link_make(struct link_context *context, int fd, const struct sockaddr_storage *address, bool accepted)
{
	struct net_peer *link = calloc(1, sizeof *link);
	if (!link)
		return NULL;
	link->magic = LINK_MAGIC;
	link->context = context;
	link->fd = fd;
	link->accepted = accepted;
	link->dialled = link->member = -1;
	link->address = *address;
	link_address_format(link->address_text, address);
	queue_init(&link->queue, context->options.queue_bytes_max);
	link->tls = tls_create(context->tls, accepted);
	link->deadline_ms = uv_now(context->loop) + context->options.handshake_ms;
	if (link->tls && frame_reader_limit(&link->reader, FRAME_LENGTH_MAX_STRANGER))
		return link;
	link_free(link);
	return NULL;
}

/* Makes the link and its handle; takes over `fd`, also on failure. */
static struct net_peer *link_open(struct link_context *context, int fd, const struct sockaddr_storage *address, bool accepted, const char **why)
{
	struct net_peer *link = link_make(context, fd, address, accepted);
	*why = "memory is short";
	if (!link)
		goto err_fd;
	*why = "the loop takes no more descriptors";
	if (uv_poll_init(context->loop, &link->poll, fd) != 0)
		goto err_link;

	link->poll.data = link;
	link->state = accepted ? LINK_HANDSHAKE : LINK_CONNECTING;
	link->next = context->all;
	if (context->all)
		context->all->prev = link;
	context->all = link;
	watch(link);
	return link;

err_link:
	link_free(link);
err_fd:
	close(fd);
	return NULL;
}

struct net_peer *link_dial(struct link_context *context, const struct sockaddr_storage *address, int member, const char **why)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t n = address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	if (fd < 0 || !socket_set(fd) || (connect(fd, (const struct sockaddr *)address, n) != 0 && errno != EINPROGRESS)) {
		*why = uv_strerror(-errno);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct net_peer *link = link_open(context, fd, address, false, why);
	if (link)
		link->dialled = member;
	return link;
}

struct net_peer *link_accept(struct link_context *context, int fd, const struct sockaddr_storage *address, const char **why)
{
	if (!socket_set(fd)) {
		*why = uv_strerror(-errno);
		close(fd);
		return NULL;
	}
	return link_open(context, fd, address, true, why);
}

/* ---- writing ---- */

/* The connection has ended by itself: what that means depends on how far it came. */
static void on_lost(struct net_peer *link, const char *why)
{
	if (link->state == LINK_REFUSING)
		link_close(link, LINK_END_REFUSED, hello_refusal_of_them(link->refusal));
	else
		link_close(link, link->was_up || !link->accepted ? LINK_END_NETWORK : LINK_END_HANDSHAKE, why);
}

/* Sends what is encrypted until the socket takes no more. False: the link is closed. */
static bool push(struct net_peer *link)
{
	size_t n;
	const uint8_t *bytes;
	while ((bytes = tls_output(link->tls, &n)) != NULL) {
		ssize_t sent = send(link->fd, bytes, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (sent < 0) {
			on_lost(link, uv_strerror(-errno));
			return false;
		}
		tls_output_taken(link->tls, (size_t)sent);
		link->wrote_ms = uv_now(link->context->loop);
		link->context->counts.bytes_out += (uint64_t)sent;
		if ((size_t)sent < n)
			break;
	}
	return true;
}

static bool encrypt(struct net_peer *link, const uint8_t *bytes, size_t n)
{
	if (n == 0 || tls_write(link->tls, bytes, n))
		return true;
	link_close(link, LINK_END_NETWORK, tls_failure(link->tls));
	return false;
}

static bool write_piece(struct net_peer *link, enum frame_kind kind, const uint8_t *payload, size_t n)
{
	uint8_t piece[FRAME_PREFIX_BYTES + 1 + HELLO_BYTES];
	size_t at = frame_put_head(piece, kind, n);
	memcpy(piece + at, payload, n);
	if (!encrypt(link, piece, at + n))
		return false;
	dirty_add(link);
	return true;
}

/* A ping's nonce is random, so that it can only be answered by who has seen it. */
static size_t put_pings(struct net_peer *link, uint8_t *out)
{
	size_t at = 0;
	if (link->pong_due) {
		at += frame_put_head(out + at, FRAME_PONG, 8);
		frame_put_u64(out + at, link->pong_nonce);
		at += 8;
		link->pong_due = false;
	}
	if (link->ping_due && RAND_bytes((uint8_t *)&link->ping_nonce, sizeof link->ping_nonce) == 1) {
		at += frame_put_head(out + at, FRAME_PING, 8);
		frame_put_u64(out + at, link->ping_nonce);
		at += 8;
		link->ping_sent_ns = uv_hrtime();
		link->ping_due = false;
	}
	return at;
}

/* Fills TLS records with pieces until the queues are empty or the turn's budget is used. False: the link is closed. */
static bool encrypt_queued(struct net_peer *link)
{
	uint8_t *plain = link->context->plain;
	size_t used = put_pings(link, plain);
	size_t total = 0;
	while (total < LINK_FLUSH_BYTES) {
		size_t n = queue_take(&link->queue, plain + used, FRAME_PIECE_BYTES - used);
		used += n;
		if (n > 0)
			continue;
		if (used == 0)
			break;
		if (!encrypt(link, plain, used))
			return false;
		total += used;
		used = 0;
	}
	return true; /* `used` is 0: a record begun was written before the budget was asked about */
}

void link_flush(struct net_peer *link)
{
	dirty_remove(link);
	if (link->state == LINK_CLOSED || link->state == LINK_CONNECTING)
		return;
	if (!push(link))
		return;
	if (link->state == LINK_UP && output_waiting(link) == 0) {
		if (!encrypt_queued(link) || !push(link))
			return;
	}
	watch(link);
}

bool link_send(struct net_peer *link, enum net_class class, struct net_buffer *buffer)
{
	const struct net_options *options = &link->context->options;
	size_t max = options->role == NET_CLIENT ? options->client_frame_bytes_max : options->frame_bytes_max; /* what the other side takes */
	if (link->state != LINK_UP || net_buffer_bytes(buffer) > max)
		return false;
	if (!queue_put(&link->queue, class, buffer))
		return false;
	link->context->counts.frames_queued++;
	if (output_waiting(link) == 0)
		dirty_add(link); /* otherwise the socket says when it takes more */
	return true;
}

/* ---- HELLO ---- */

static enum hello_direction direction(bool of_accepted_end)
{
	return of_accepted_end ? HELLO_FROM_ACCEPTOR : HELLO_FROM_OPENER;
}

static void send_hello(struct net_peer *link)
{
	const struct net_options *options = &link->context->options;
	const struct hello mine = {
		.wire_version = HELLO_WIRE_VERSION,
		.role = (uint8_t)options->role,
		.mode = options->mode,
		.cluster = options->cluster,
		.key = options->self,
		.incarnation = link->context->incarnation,
	};
	uint8_t bytes[HELLO_BYTES];
	hello_write(bytes, &mine, link->exporter, direction(link->accepted), options->scheme, &options->secret);
	write_piece(link, FRAME_HELLO, bytes, sizeof bytes);
}

/* The questions that need no signature, cheapest first; `judge` asks about membership. */
static enum hello_refusal hello_check(struct net_peer *link)
{
	const struct link_context *context = link->context;
	const struct hello *h = &link->hello;
	/* The mode is in the genesis, so its cluster is another one too: first what says more. */
	if (h->mode != context->options.mode)
		return HELLO_OTHER_MODE;
	if (!digest_equal(&h->cluster, &context->options.cluster))
		return HELLO_OTHER_CLUSTER;
	if (h->role != NET_MEMBER && (h->role != NET_CLIENT || !link->accepted))
		return HELLO_OTHER_ROLE;
	if (h->role == NET_MEMBER && context->options.role == NET_MEMBER && public_key_equal(&h->key, &context->options.self))
		return HELLO_SELF;

	enum hello_refusal code = context->calls->judge(context->owner, link);
	if (code != HELLO_ACCEPTED)
		return code;
	return hello_holds(h, link->exporter, direction(!link->accepted), context->options.scheme) ? HELLO_ACCEPTED : HELLO_BAD_SIGNATURE;
}

static void on_hello(struct net_peer *link, const uint8_t *bytes, size_t n)
{
	enum hello_refusal code = hello_read(&link->hello, bytes, n);
	if (code == HELLO_ACCEPTED)
		code = hello_check(link);
	if (code != HELLO_ACCEPTED) {
		link_refuse(link, code);
		return;
	}
	link->hello_seen = true;
	link->context->calls->identified(link->context->owner, link);
}

static void enter_up(struct net_peer *link)
{
	struct link_context *context = link->context;
	if (!frame_reader_limit(&link->reader, FRAME_LENGTH_MAX)) {
		link_close(link, LINK_END_LOCAL, "memory is short");
		return;
	}
	link->frame_bytes_max = link->hello.role == NET_CLIENT ? context->options.client_frame_bytes_max : context->options.frame_bytes_max;
	link->state = LINK_UP;
	link->heard_ms = link->piece_ms = link->ping_ms = link->wrote_ms = uv_now(context->loop); /* the owner may have let it wait */
	link->ping_due = true;
	dirty_add(link);
	context->calls->up(context->owner, link);
}

void link_welcome(struct net_peer *link, uint64_t number)
{
	uint8_t bytes[8];
	frame_put_u64(bytes, number);
	link->welcome_number_sent = number;
	link->welcome_sent = true;
	if (!write_piece(link, FRAME_WELCOME, bytes, sizeof bytes))
		return;
	if (link->welcome_seen)
		enter_up(link);
}

static void on_welcome(struct net_peer *link, const uint8_t *payload)
{
	link->welcome_number_seen = frame_get_u64(payload);
	link->welcome_seen = true;
	if (link->welcome_sent)
		enter_up(link);
}

void link_refuse(struct net_peer *link, enum hello_refusal code)
{
	uint8_t byte = (uint8_t)code;
	link->context->counts.refused += code != HELLO_DUPLICATE;
	if (!write_piece(link, FRAME_REFUSED, &byte, 1) || !push(link))
		return;
	/* Closing with unread bytes would reset the connection and take the REFUSED with it: say goodbye, and let the other side hang up. */
	shutdown(link->fd, SHUT_WR);
	link->state = LINK_REFUSING;
	link->deadline_ms = uv_now(link->context->loop) + LINK_REFUSING_MS;
	link->refusal = code;
}

/* ---- reading ---- */

static void violation(struct net_peer *link, const char *why)
{
	link_close(link, link->was_up ? LINK_END_VIOLATION : LINK_END_HANDSHAKE, why);
}

static void on_ping(struct net_peer *link, const uint8_t *payload)
{
	link->pong_due = true;
	link->pong_nonce = frame_get_u64(payload);
	dirty_add(link);
}

static void on_pong(struct net_peer *link, const uint8_t *payload)
{
	if (link->ping_nonce == 0 || frame_get_u64(payload) != link->ping_nonce)
		return; /* an answer to a ping that a later one has replaced */
	link->ping_nonce = 0;
	uint64_t sample = (uv_hrtime() - link->ping_sent_ns) / 1000 + 1;
	link->rtt_us = link->rtt_us ? (7 * link->rtt_us + sample) / 8 : sample;
	link->context->calls->pong(link->context->owner, link);
}

static void deliver(struct net_peer *link, const uint8_t *bytes, size_t n)
{
	if (n > link->frame_bytes_max) {
		violation(link, "it sent a frame above the limit");
		return;
	}
	link->context->counts.frames_in++;
	link->context->calls->frame(link->context->owner, link, bytes, n);
}

/* What the frame being assembled may grow to. Anybody may be a client: all of its unfinished frames together are held to the bound of one. */
static size_t assembly_max(const struct net_peer *link, const struct frame_assembly *a)
{
	size_t others = 0;
	for (size_t i = 0; i < FRAME_CLASSES && link->member < 0; i++)
		others += &link->parts[i] != a ? link->parts[i].used : 0;
	return others < link->frame_bytes_max ? link->frame_bytes_max - others : 0;
}

static void on_part(struct net_peer *link, bool last, const uint8_t *payload, size_t n)
{
	struct frame_assembly *a = &link->parts[payload[0]];
	switch (frame_assembly_add(a, payload + 1, n - 1, assembly_max(link, a))) {
	case FRAME_ADD_TOO_LARGE: violation(link, "it sent a frame above the limit"); return;
	case FRAME_ADD_NO_MEMORY: link_close(link, LINK_END_LOCAL, "memory is short"); return;
	case FRAME_ADDED: break;
	}
	if (!last)
		return;
	deliver(link, a->bytes, a->used);
	frame_assembly_reset(a); /* also after a close in the callback: memory stays until the handle has closed */
}

static bool piece_ok_up(uint8_t kind, const uint8_t *payload, uint32_t n)
{
	switch (kind) {
	case FRAME_DATA: return n > 0;
	case FRAME_PING:
	case FRAME_PONG: return n == 8;
	case FRAME_PART:
	case FRAME_LAST: return n > 1 && payload[0] < FRAME_CLASSES;
	default: return false;
	}
}

static void on_piece_up(struct net_peer *link, uint8_t kind, const uint8_t *payload, uint32_t n)
{
	if (!piece_ok_up(kind, payload, n)) {
		violation(link, "it sent a piece that does not exist");
		return;
	}
	switch (kind) {
	case FRAME_DATA: deliver(link, payload, n); break;
	case FRAME_PING: on_ping(link, payload); break;
	case FRAME_PONG: on_pong(link, payload); break;
	default: on_part(link, kind == FRAME_LAST, payload, n); break;
	}
}

/* Before UP: HELLO first, then WELCOME; or REFUSED at any time. */
static void on_piece_greeting(struct net_peer *link, uint8_t kind, const uint8_t *payload, uint32_t n)
{
	if (kind == FRAME_REFUSED && n == 1) {
		if (payload[0] == HELLO_DUPLICATE)
			link_close(link, LINK_END_LOCAL, hello_refusal_by_them(payload[0]));
		else
			link_close(link, LINK_END_TURNED, hello_refusal_by_them(payload[0]));
	} else if (kind == FRAME_HELLO && !link->hello_seen) {
		on_hello(link, payload, n);
	} else if (kind == FRAME_WELCOME && n == 8 && link->hello_seen && !link->welcome_seen) {
		on_welcome(link, payload);
	} else if (!link->hello_seen) {
		link_refuse(link, HELLO_NOT_A_HELLO);
	} else {
		violation(link, "it did not greet as agreed");
	}
}

static bool open_for_pieces(const struct net_peer *link)
{
	return link->state == LINK_GREETING || link->state == LINK_UP;
}

static void on_pieces(struct net_peer *link)
{
	const uint8_t *payload;
	uint32_t n;
	uint8_t kind;
	while (open_for_pieces(link)) {
		switch (frame_reader_next(&link->reader, &kind, &payload, &n)) {
		case FRAME_PARTIAL: return;
		case FRAME_EMPTY: violation(link, "it sent a piece of length zero"); return;
		case FRAME_TOO_LONG: violation(link, "it announced a piece above the limit"); return;
		case FRAME_WHOLE:
			link->piece_ms = uv_now(link->context->loop);
			if (link->state == LINK_UP)
				on_piece_up(link, kind, payload, n);
			else
				on_piece_greeting(link, kind, payload, n);
			break;
		}
	}
}

static void handshake_done(struct net_peer *link)
{
	if (!tls_peer_key(link->tls, &link->tls_key) || !tls_exporter(link->tls, link->exporter)) {
		link_close(link, LINK_END_HANDSHAKE, "TLS gave no key or no exporter value");
		return;
	}
	link->state = LINK_GREETING;
	send_hello(link);
}

/* Everything that the ciphertext just fed gives. What is left when the link leaves the states that read is dropped with it. */
static void on_ciphertext(struct net_peer *link)
{
	if (link->state == LINK_HANDSHAKE) {
		enum tls_result result = tls_handshake(link->tls);
		dirty_add(link);
		if (result == TLS_WANT)
			return;
		if (result != TLS_DONE) {
			push(link); /* the alert, as far as the socket takes it now */
			link_close(link, LINK_END_HANDSHAKE, tls_failure(link->tls));
			return;
		}
		handshake_done(link);
	}
	while (open_for_pieces(link)) {
		size_t room, n;
		if (!frame_reader_inside(&link->reader))
			link->piece_ms = uv_now(link->context->loop);
		uint8_t *space = frame_reader_space(&link->reader, &room);
		switch (tls_read(link->tls, space, room, &n)) {
		case TLS_DONE:
			frame_reader_filled(&link->reader, n);
			on_pieces(link);
			break;
		case TLS_WANT: return;
		case TLS_CLOSED: on_lost(link, "the other side closed the connection"); return;
		case TLS_FAILED: link_close(link, link->was_up ? LINK_END_VIOLATION : LINK_END_HANDSHAKE, tls_failure(link->tls)); return;
		}
	}
}

/* One recv. False when there was nothing to read. */
static bool on_readable(struct net_peer *link)
{
	struct link_context *context = link->context;
	size_t room = link->state == LINK_UP ? sizeof context->in : LINK_READ_BYTES_STRANGER;
	ssize_t n = recv(link->fd, context->in, room, 0);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return false;
	if (n <= 0) {
		on_lost(link, n < 0 ? uv_strerror(-errno) : "the other side closed the connection");
		return true;
	}
	context->counts.bytes_in += (uint64_t)n;
	link->heard_ms = uv_now(context->loop);
	if (link->state == LINK_REFUSING)
		return true; /* read and forgotten, until it hangs up */
	tls_feed(link->tls, context->in, (size_t)n);
	on_ciphertext(link);
	return true;
}

static void on_connected(struct net_peer *link)
{
	int error = 0;
	socklen_t n = sizeof error;
	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (error != 0) {
		link_close(link, LINK_END_NETWORK, uv_strerror(-error));
		return;
	}
	link->state = LINK_HANDSHAKE;
	on_ciphertext(link); /* writes the ClientHello */
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct net_peer *link = handle->data;
	if (!link || link->magic != LINK_MAGIC || link->state == LINK_CLOSED)
		return;
	if (link->state == LINK_CONNECTING && (status < 0 || (events & UV_WRITABLE))) {
		on_connected(link);
		events = 0;
	}
	if (link->state == LINK_CLOSED)
		return;
	if (status < 0) {
		/* The socket has an error, and libuv has stopped watching. What was received before it may hold the reason. */
		while (link->state != LINK_CLOSED && on_readable(link))
			;
		on_lost(link, "the connection was reset");
		return;
	}
	if (events & UV_READABLE)
		on_readable(link);
	if (link->state == LINK_CLOSED)
		return;
	if (events & UV_WRITABLE)
		dirty_add(link);
	watch(link);
}

/* ---- time ---- */

void link_probe(struct net_peer *link)
{
	link->ping_due = true;
	link->ping_ms = uv_now(link->context->loop);
	dirty_add(link);
}

void link_pause(struct net_peer *link, bool pause)
{
	if (link->state != LINK_UP || link->paused == pause)
		return;
	link->paused = pause;
	link->heard_ms = link->piece_ms = uv_now(link->context->loop);
	watch(link);
}

static void tick_up(struct net_peer *link, uint64_t now_ms)
{
	if (!link->paused && now_ms > link->heard_ms + LINK_SILENCE_MS) {
		link_close(link, LINK_END_NETWORK, "silent for five seconds");
		return;
	}
	if (!link->paused && frame_reader_inside(&link->reader) && now_ms > link->piece_ms + LINK_SILENCE_MS) {
		violation(link, "it left a piece unfinished for five seconds");
		return;
	}
	/* A member may have paused us; a client that takes nothing only holds our memory. */
	if (link->member < 0 && output_waiting(link) > 0 && now_ms > link->wrote_ms + LINK_SILENCE_MS) {
		link_close(link, LINK_END_NETWORK, "it took nothing for five seconds");
		return;
	}
	if (now_ms >= link->ping_ms + LINK_PING_MS)
		link_probe(link);
}

void link_forgive(struct net_peer *link, uint64_t ms)
{
	link->deadline_ms += ms;
	link->heard_ms += ms;
	link->piece_ms += ms;
	link->wrote_ms += ms;
}

void link_tick(struct net_peer *link, uint64_t now_ms)
{
	if (link->state == LINK_UP) {
		tick_up(link, now_ms);
	} else if (link->state == LINK_REFUSING) {
		if (now_ms >= link->deadline_ms)
			on_lost(link, "");
	} else if (link->state != LINK_CLOSED && now_ms >= link->deadline_ms) {
		link_close(link, link->state == LINK_CONNECTING ? LINK_END_NETWORK : LINK_END_HANDSHAKE,
		           link->state == LINK_CONNECTING ? "no answer in time" : "it did not show in time who it is");
	}
}
