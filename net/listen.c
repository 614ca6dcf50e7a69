/* net/listen.c - who may begin a handshake. Strangers are bounded four ways: in all, per source, per second, and by the deadline that link.c keeps. A source
 * at which a member lives is not held to the bounds that strangers elsewhere could use up: members come first. */
#include "net/endpoint.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_BACKLOG 256
#define LISTEN_TURN 16 /* accepted in one turn of the loop: links that are up have their turn too */
#define LISTEN_REST_MS 200u

/* ---- the socket ---- */

static int socket_open(const struct sockaddr *address, socklen_t n)
{
	int one = 1, zero = 0;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0;
	if (ok && address->sa_family == AF_INET6)
		ok = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero) == 0;
	if (ok && bind(fd, address, n) == 0 && listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Every address: one socket for both families, or IPv4 alone where the machine has no IPv6. */
static int open_any(uint16_t port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket_open((const struct sockaddr *)&six, sizeof six);
	if (fd < 0 && errno != EADDRINUSE && errno != EACCES)
		fd = socket_open((const struct sockaddr *)&four, sizeof four);
	return fd;
}

/* The first address of the name that can be bound. */
static enum net_error open_name(struct net *net, const char *host, uint16_t port, int *fd)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	uv_getaddrinfo_t request;
	*fd = -1;
	if (uv_getaddrinfo(net->context.loop, &request, NULL, host, NULL, &hints) != 0)
		return NET_BAD_ADDRESS;
	int saved = EADDRNOTAVAIL;
	for (const struct addrinfo *a = request.addrinfo; a && *fd < 0; a = a->ai_next) {
		if (a->ai_family == AF_INET6)
			((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_port = htons(port);
		else if (a->ai_family == AF_INET)
			((struct sockaddr_in *)(void *)a->ai_addr)->sin_port = htons(port);
		else
			continue;
		*fd = socket_open(a->ai_addr, a->ai_addrlen);
		saved = errno;
	}
	uv_freeaddrinfo(request.addrinfo);
	errno = saved;
	return *fd < 0 ? NET_CANNOT_LISTEN : NET_OK;
}

enum net_error listen_open(struct net *net)
{
	const struct net_options *options = &net->context.options;
	int fd = -1;
	if (options->listen_host) {
		enum net_error error = open_name(net, options->listen_host, options->listen_port, &fd);
		if (error != NET_OK)
			return error;
	} else {
		fd = open_any(options->listen_port);
	}
	struct sockaddr_storage bound = { 0 };
	socklen_t n = sizeof bound;
	if (fd < 0 || getsockname(fd, (struct sockaddr *)&bound, &n) != 0) {
		int saved = errno;
		if (fd >= 0)
			close(fd);
		errno = saved;
		return NET_CANNOT_LISTEN;
	}
	in_port_t port = bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port : ((struct sockaddr_in *)&bound)->sin_port;
	net->listen_fd = fd;
	net->port = ntohs(port);
	return NET_OK;
}

/* ---- sources ---- */

void source_of(struct source *out, const struct sockaddr_storage *address)
{
	memset(out, 0, sizeof *out);
	if (address->ss_family == AF_INET6) {
		memcpy(out->b, ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr, 8);
	} else {
		out->b[10] = out->b[11] = 0xff;
		memcpy(out->b + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
	}
}

/* An IPv4 peer of a socket for both families comes as ::ffff:a.b.c.d: make it what it is, or all of IPv4 would be one source. */
static void unmap(struct sockaddr_storage *address)
{
	if (address->ss_family != AF_INET6)
		return;
	struct sockaddr_in6 six;
	memcpy(&six, address, sizeof six);
	if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
		return;
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = six.sin6_port };
	memcpy(&four.sin_addr, six.sin6_addr.s6_addr + 12, 4);
	memset(address, 0, sizeof *address);
	memcpy(address, &four, sizeof four);
}

static bool source_equal(const struct source *a, const struct source *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static bool members_live_at(const struct net *net, const struct source *source)
{
	for (uint32_t i = 0; i < NET_MEMBERS_MAX; i++) {
		const struct member *m = &net->members[i];
		struct source its;
		if (!m->set || !m->address_known)
			continue;
		source_of(&its, &m->address);
		if (source_equal(&its, source))
			return true;
	}
	return false;
}

static uint32_t strangers_at(const struct net *net, const struct source *source)
{
	uint32_t count = 0;
	for (const struct net_peer *link = net->context.all; link; link = link->next) {
		struct source its;
		if (!link->accepted || link->was_up || link->state == LINK_CLOSED)
			continue;
		source_of(&its, &link->address);
		count += source_equal(&its, source);
	}
	return count;
}

/* ---- admission ---- */

/* As many handshakes a second as allowed, with one second's worth saved up. */
static bool token_take(struct net *net)
{
	uint64_t now = uv_now(net->context.loop);
	uint64_t rate = net->context.options.handshakes_per_second;
	net->tokens += (now - net->tokens_ms) * rate;
	net->tokens_ms = now;
	if (net->tokens > rate * 1000)
		net->tokens = rate * 1000;
	if (net->tokens < 1000)
		return false;
	net->tokens -= 1000;
	return true;
}

/* NULL, or why this one may not even begin. */
static const char *admission(struct net *net, const struct sockaddr_storage *address)
{
	const struct net_options *options = &net->context.options;
	struct source source;
	source_of(&source, address);
	if (strangers_at(net, &source) >= options->connections_per_source)
		return "too many connections from its address have not shown who they are";
	if (members_live_at(net, &source))
		return NULL;
	if (net->context.counts.strangers >= options->handshakes_max)
		return "too many connections have not shown who they are";
	if (!token_take(net))
		return "too many handshakes in one second";
	return NULL;
}

static void welcome_stranger(struct net *net, int fd, struct sockaddr_storage *address)
{
	struct net_counts *counts = &net->context.counts;
	char text[LINK_ADDRESS_BYTES];
	unmap(address);
	counts->accepted++;
	const char *why = admission(net, address);
	if (why) {
		close(fd);
	} else if (link_accept(&net->context, fd, address, &why)) {
		net->pending++;
		counts->strangers++;
		return;
	}
	counts->turned_away++;
	link_address_format(text, address);
	net_report(net, address, "%s was turned away: %s", text, why);
}

static void rest(struct net *net)
{
	net->rest_until_ms = uv_now(net->context.loop) + LISTEN_REST_MS;
	uv_poll_stop(&net->listener);
}

static void on_listener(uv_poll_t *handle, int status, int events)
{
	struct net *net = handle->data;
	(void)events;
	if (status < 0) {
		rest(net);
		return;
	}
	for (int i = 0; i < LISTEN_TURN && !net->closing; i++) {
		struct sockaddr_storage address = { 0 };
		socklen_t n = sizeof address;
		int fd = accept4(net->listen_fd, (struct sockaddr *)&address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			welcome_stranger(net, fd, &address);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			rest(net); /* the connection stays in the backlog: without a pause the loop would spin */
			return;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		}
	}
}

void listen_start(struct net *net)
{
	net->rest_until_ms = 0;
	uv_poll_start(&net->listener, UV_READABLE, on_listener);
}

void listen_tick(struct net *net, uint64_t now_ms)
{
	if (net->listen_fd >= 0 && net->rest_until_ms != 0 && now_ms >= net->rest_until_ms)
		listen_start(net);
}
