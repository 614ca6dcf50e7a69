/* net/net.c - see net/net.h: the endpoint's life, and what the embedder calls. Who may connect stands in listen.c and members.c. */
#include "net/net.h"

#include "net/endpoint.h"

#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NET_MAGIC 0x7074656eu
#define LINKS_TICK_MS 200u
#define REPORT_MS 1000u
#define MIB (1024u * 1024u)

/* The largest body fits four times into BODIES; votes are small, and a backlog of them is news that STATUS repeats. */
static const size_t queue_bytes_default[NET_CLASSES] = {
	[NET_VOTES] = 8 * MIB, [NET_STATUS] = 2 * MIB, [NET_BODIES] = 32 * MIB, [NET_REQUESTS] = 16 * MIB, [NET_TRANSFER] = 16 * MIB
};

const char *net_error_text(enum net_error error)
{
	switch (error) {
	case NET_OK: return "no error";
	case NET_BAD_OPTIONS: return "an option cannot be";
	case NET_NO_MEMORY: return "memory is short";
	case NET_TLS_UNUSABLE: return "OpenSSL cannot do TLS 1.3 with this Ed25519 key";
	case NET_BAD_ADDRESS: return "the address cannot be used";
	case NET_CANNOT_LISTEN: return "cannot listen on the address";
	case NET_CANNOT_WATCH: return "the loop takes no more descriptors";
	}
	return "unknown error";
}

/* splitmix64, seeded from the system: for jitter, where nobody gains by guessing. */
uint64_t net_random(struct net *net)
{
	uint64_t z = net->random += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* ---- reports ---- */

/* Each source falls on one place of the table; a place taken within a second keeps silent, so the sentences are bounded whoever knocks. */
static bool report_due(struct net *net, const struct sockaddr_storage *from)
{
	struct source source;
	uint64_t now = uv_now(net->context.loop);
	uint64_t hash = net->context.incarnation | 1;
	source_of(&source, from);
	for (size_t i = 0; i < sizeof source.b; i++)
		hash = (hash ^ source.b[i]) * 0x100000001b3u;
	uint64_t *place = &net->reported_ms[(hash >> 32) % NET_REPORTERS];
	if (*place != 0 && now < *place + REPORT_MS)
		return false;
	*place = now ? now : 1;
	return true;
}

void net_report(struct net *net, const struct sockaddr_storage *from, const char *format, ...)
{
	const struct net_options *options = &net->context.options;
	if (!options->callbacks.on_refused || net->closing || !report_due(net, from))
		return;
	char sentence[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	options->callbacks.on_refused(options->user, sentence);
}

/* Who it is, as far as that is known: only a proven key, or the address that was dialled, names a member. */
static void link_name(char *out, size_t room, const struct net_peer *link)
{
	int index = link->member >= 0 ? link->member : link->dialled;
	if (index >= 0)
		snprintf(out, room, "member %d at %s", index, link->address_text);
	else if (link->hello_seen)
		snprintf(out, room, "the client at %s", link->address_text);
	else
		snprintf(out, room, "%s", link->address_text);
}

static void report_end(struct net *net, const struct net_peer *link, enum link_end end, const char *why)
{
	char who[LINK_ADDRESS_BYTES + 32];
	link_name(who, sizeof who, link);
	switch (end) {
	case LINK_END_REFUSED:
		if (link->refusal != HELLO_DUPLICATE)
			net_report(net, &link->address, "%s was refused: %s", who, why);
		break;
	case LINK_END_TURNED: net_report(net, &link->address, "%s refused this endpoint: %s", who, why); break;
	case LINK_END_HANDSHAKE: net_report(net, &link->address, "%s was turned away: %s", who, why); break;
	case LINK_END_VIOLATION: net_report(net, &link->address, "%s was cut off: %s", who, why); break;
	case LINK_END_LOCAL:
	case LINK_END_NETWORK: break;
	}
}

/* ---- what links ask and tell ---- */

/* Members' places are kept free whatever clients do. A client has its place from the moment that it is welcomed. */
static bool client_has_room(const struct net *net)
{
	return net->clients + net->members_count < net->context.options.connections_max;
}

static enum hello_refusal on_link_judge(void *owner, struct net_peer *link)
{
	struct net *net = owner;
	if (link->hello.role == NET_MEMBER)
		return member_judge(net, link);
	return client_has_room(net) ? HELLO_ACCEPTED : HELLO_NO_ROOM;
}

static void on_link_identified(void *owner, struct net_peer *link)
{
	struct net *net = owner;
	if (link->hello.role == NET_MEMBER) {
		member_identified(net, link);
		return;
	}
	for (int i = 0; i < NET_CLASSES; i++)
		link->queue.classes[i].bytes_max = (size_t)net->context.options.frame_bytes_max + QUEUE_FRAME_CHARGE;
	link->has_place = true;
	net->clients++;
	link_welcome(link, ++net->welcomes);
}

static void on_link_up(void *owner, struct net_peer *link)
{
	struct net *net = owner;
	const struct net_options *options = &net->context.options;
	bool is_member = link->member >= 0;
	if (is_member && !member_up(net, link))
		return;
	struct net_counts *counts = &net->context.counts;
	link->was_up = true;
	counts->strangers -= link->accepted;
	*(is_member ? &counts->links_members : &counts->links_clients) += 1;
	if (options->callbacks.on_up)
		options->callbacks.on_up(options->user, link);
}

static void on_link_frame(void *owner, struct net_peer *link, const uint8_t *bytes, size_t n)
{
	const struct net *net = owner;
	const struct net_options *options = &net->context.options;
	if (options->callbacks.on_frame)
		options->callbacks.on_frame(options->user, link, bytes, n);
}

static void on_link_pong(void *owner, struct net_peer *link)
{
	member_pong(owner, link);
}

static void count_end(struct net_counts *counts, const struct net_peer *link, enum link_end end)
{
	if (link->was_up)
		*(link->member >= 0 ? &counts->links_members : &counts->links_clients) -= 1;
	else
		counts->strangers -= link->accepted;
	counts->failed += end == LINK_END_HANDSHAKE;
	counts->violations += end == LINK_END_VIOLATION;
}

static void on_link_down(void *owner, struct net_peer *link, enum link_end end, const char *why)
{
	struct net *net = owner;
	const struct net_options *options = &net->context.options;
	int index = link->member >= 0 ? link->member : link->dialled;
	count_end(&net->context.counts, link, end);
	net->clients -= link->has_place;
	if (index >= 0)
		member_lost(net, (uint32_t)index, link, end, why);
	if (link->was_up && options->callbacks.on_down)
		options->callbacks.on_down(options->user, link, why);
	report_end(net, link, end, why);
	if (index >= 0)
		member_next(net, (uint32_t)index);
}

static void on_link_freed(void *owner, struct net_peer *link)
{
	(void)link;
	net_unpend(owner);
}

static const struct link_owner owner_calls = {
	.judge = on_link_judge,
	.identified = on_link_identified,
	.up = on_link_up,
	.frame = on_link_frame,
	.pong = on_link_pong,
	.down = on_link_down,
	.freed = on_link_freed,
};

/* ---- the loop ---- */

static void flush_all(struct net *net)
{
	while (net->context.dirty)
		link_flush(net->context.dirty); /* takes it off the list */
}

static void on_prepare(uv_prepare_t *handle)
{
	flush_all(handle->data);
}

static void on_check(uv_check_t *handle)
{
	flush_all(handle->data);
}

/* When the loop itself stood still (a long callback, a stopped process), nobody could be heard: that time does not count against the others. */
static void forgive(struct net *net, uint64_t now_ms)
{
	uint64_t passed = now_ms - net->ticked_ms;
	net->ticked_ms = now_ms;
	if (passed < LINKS_TICK_MS)
		return;
	for (struct net_peer *link = net->context.all; link; link = link->next)
		link_forgive(link, passed - NET_TICK_MS);
}

static void on_timer(uv_timer_t *handle)
{
	struct net *net = handle->data;
	uint64_t now_ms = uv_now(net->context.loop);
	forgive(net, now_ms);
	if (now_ms >= net->links_ticked_ms + LINKS_TICK_MS) {
		net->links_ticked_ms = now_ms;
		/* Closed links stay in the list until their handle's callback; new ones come before the first. */
		for (struct net_peer *link = net->context.all; link; link = link->next)
			link_tick(link, now_ms);
	}
	if (net->closing)
		return;
	listen_tick(net, now_ms);
	members_tick(net, now_ms);
}

/* ---- creation ---- */

static void or_default(uint32_t *value, uint32_t standard)
{
	if (*value == 0)
		*value = standard;
}

static void fill_defaults(struct net_options *o)
{
	or_default(&o->frame_bytes_max, 8 * MIB);
	or_default(&o->client_frame_bytes_max, o->frame_bytes_max < MIB ? o->frame_bytes_max : MIB);
	or_default(&o->connections_max, 1024);
	or_default(&o->connections_per_source, 32);
	or_default(&o->handshakes_max, 64);
	or_default(&o->handshakes_per_second, 200);
	or_default(&o->handshake_ms, 3000);
	for (int i = 0; i < NET_CLASSES; i++) {
		size_t least = (size_t)o->frame_bytes_max + QUEUE_FRAME_CHARGE;
		if (o->queue_bytes_max[i] == 0)
			o->queue_bytes_max[i] = queue_bytes_default[i];
		if (o->queue_bytes_max[i] < least)
			o->queue_bytes_max[i] = least;
	}
}

static bool options_ok(const struct net_options *o)
{
	return o && o->loop && o->scheme && (o->role == NET_MEMBER || o->role == NET_CLIENT) && o->frame_bytes_max <= NET_FRAME_BYTES_MAX &&
	       o->client_frame_bytes_max <= NET_FRAME_BYTES_MAX && (!o->listen_host || o->listen_host[0] != 0) && o->scheme->key_ok(&o->self);
}

/* Starts what cannot fail. */
static void start(struct net *net)
{
	uv_loop_t *loop = net->context.loop;
	net->ticked_ms = net->links_ticked_ms = net->tokens_ms = uv_now(loop);
	net->tokens = (uint64_t)net->context.options.handshakes_per_second * 1000;
	uv_timer_init(loop, &net->timer);
	uv_prepare_init(loop, &net->prepare);
	uv_check_init(loop, &net->check);
	net->timer.data = net->prepare.data = net->check.data = net;
	net->pending = 3;
	uv_timer_start(&net->timer, on_timer, 0, NET_TICK_MS);
	uv_prepare_start(&net->prepare, on_prepare);
	uv_check_start(&net->check, on_check);
	if (net->listen_fd < 0)
		return;
	net->listener.data = net;
	net->pending++;
	listen_start(net);
}

enum net_error net_create(struct net **out, const struct net_options *options)
{
	*out = NULL;
	if (!options_ok(options))
		return NET_BAD_OPTIONS;
	struct net *net = calloc(1, sizeof *net);
	if (!net)
		return NET_NO_MEMORY;

	enum net_error error = NET_TLS_UNUSABLE;
	struct link_context *context = &net->context;
	net->magic = NET_MAGIC;
	net->listen_fd = -1;
	context->loop = options->loop;
	context->options = *options;
	context->calls = &owner_calls;
	context->owner = net;
	fill_defaults(&context->options);
	context->tls = tls_context_create(&options->tls_secret);
	if (!context->tls || RAND_bytes((uint8_t *)&context->incarnation, sizeof context->incarnation) != 1 ||
	    RAND_bytes((uint8_t *)&net->random, sizeof net->random) != 1)
		goto err_tls;
	if (options->role == NET_MEMBER) {
		error = listen_open(net);
		if (error != NET_OK)
			goto err_tls;
		error = NET_CANNOT_WATCH;
		if (uv_poll_init(options->loop, &net->listener, net->listen_fd) != 0)
			goto err_listen;
	}
	context->options.listen_host = NULL; /* was borrowed */
	start(net);
	*out = net;
	return NET_OK;

err_listen:
	close(net->listen_fd);
err_tls:
	tls_context_destroy(context->tls);
	sign_wipe(&context->options.secret);
	sign_wipe(&context->options.tls_secret);
	free(net);
	return error;
}

uint16_t net_port(const struct net *net)
{
	return net->port;
}

/* ---- the end ---- */

void net_unpend(struct net *net)
{
	if (--net->pending > 0 || !net->closing)
		return;
	void (*done)(void *) = net->done;
	void *user = net->done_user;
	tls_context_destroy(net->context.tls);
	sign_wipe(&net->context.options.secret);
	sign_wipe(&net->context.options.tls_secret);
	net->magic = 0;
	free(net);
	if (done)
		done(user);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct net *net = handle->data;
	if (net && net->magic == NET_MAGIC)
		net_unpend(net);
}

void net_close(struct net *net, void (*done)(void *user), void *user)
{
	if (net->closing)
		return;
	net->closing = true;
	net->done = done;
	net->done_user = user;
	for (struct net_peer *link = net->context.all; link; link = link->next)
		link_close(link, LINK_END_LOCAL, "this endpoint closes");
	members_cancel(net);
	uv_close((uv_handle_t *)&net->timer, on_handle_closed);
	uv_close((uv_handle_t *)&net->prepare, on_handle_closed);
	uv_close((uv_handle_t *)&net->check, on_handle_closed);
	if (net->listen_fd < 0)
		return;
	uv_close((uv_handle_t *)&net->listener, on_handle_closed);
	close(net->listen_fd); /* allowed once the handle is closing */
	net->listen_fd = -1;
}

/* ---- peers ---- */

int net_peer_member(const struct net_peer *peer)
{
	return peer->member;
}

const struct public_key *net_peer_key(const struct net_peer *peer)
{
	return &peer->hello.key;
}

bool net_peer_known(const struct net_peer *peer)
{
	return member_known(peer->context->owner, peer);
}

const char *net_peer_address(const struct net_peer *peer)
{
	return peer->address_text;
}

uint64_t net_peer_rtt_us(const struct net_peer *peer)
{
	return peer->rtt_us;
}

void net_peer_set_user(struct net_peer *peer, void *user)
{
	peer->user = user;
}

void *net_peer_user(const struct net_peer *peer)
{
	return peer->user;
}

void net_peer_close(struct net_peer *peer, const char *why)
{
	link_close(peer, LINK_END_LOCAL, why);
}

void net_peer_pause_reading(struct net_peer *peer, bool pause)
{
	link_pause(peer, pause);
}

bool net_send_buffer(struct net_peer *peer, enum net_class class, struct net_buffer *buffer)
{
	return buffer && (unsigned)class < NET_CLASSES && link_send(peer, class, buffer);
}

bool net_send(struct net_peer *peer, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	if (head_n > NET_FRAME_BYTES_MAX || body_n > NET_FRAME_BYTES_MAX)
		return false; /* before it is copied */
	struct net_buffer *buffer = net_buffer_create(head, head_n, body, body_n);
	bool sent = net_send_buffer(peer, class, buffer);
	net_buffer_unref(buffer);
	return sent;
}

size_t net_peer_queued(const struct net_peer *peer, enum net_class class)
{
	return (unsigned)class < NET_CLASSES ? peer->queue.classes[class].bytes : 0;
}

void net_counts(const struct net *net, struct net_counts *out)
{
	*out = net->context.counts;
	for (const struct net_peer *link = net->context.all; link; link = link->next) {
		for (int i = 0; i < NET_CLASSES && link->state != LINK_CLOSED; i++)
			out->dropped[i] += link->queue.classes[i].dropped;
	}
}
