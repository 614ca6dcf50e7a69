/* net/members.c - dialling members, and one link per pair.
 *
 * Both members of a pair dial, so that either can repair a link. Of each pair the member with the smaller key decides which connection is the link: it
 * welcomes one at a time, and a connection is UP only when both ends have welcomed it. The other member welcomes every proven connection at once and
 * takes the one with the newest WELCOME. So both always end with the same one, however their packets cross. Smaller is the TLS key: it stays when a member's key
 * changes, and the two ends need not know of the same change.
 *
 * A second connection while one is in use means that both dialled at once, or that the other side has lost the first. Another incarnation settles it: the
 * old process is gone. Otherwise the first is asked (PING): an answer refuses the second, silence for a second hands the place over. */
#include "net/endpoint.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOLUTION_MAGIC 0x6c736572u
#define BACKOFF_MS_MIN 50u
#define BACKOFF_MS_MAX 2000u
#define LIVED_MS 1000u /* a link that lasted so long was a good one: the next attempt comes soon */
#define HOLD_MS 1000u
#define ADDRESSES_MAX 8u

struct resolution {
	uint32_t magic;
	struct net *net;
	uint32_t index;
	bool stale; /* the member was cleared or changed meanwhile */
	uv_getaddrinfo_t request;
};

static bool has_key(const struct member *m, const struct public_key *key)
{
	return public_key_equal(&m->key, key) || (m->has_next && public_key_equal(&m->next_key, key));
}

int member_find(const struct net *net, const struct public_key *key)
{
	for (uint32_t i = 0; i < NET_MEMBERS_MAX; i++) {
		if (net->members[i].set && has_key(&net->members[i], key))
			return (int)i;
	}
	return -1;
}

/* By its TLS key: a member's key may have been changed where we were not. */
static int member_by_tls(const struct net *net, const struct public_key *tls_key)
{
	for (uint32_t i = 0; i < NET_MEMBERS_MAX; i++)
		if (net->members[i].set && public_key_equal(&net->members[i].tls_key, tls_key))
			return (int)i;
	return -1;
}

static int member_of(const struct net *net, const struct net_peer *link)
{
	int index = member_find(net, &link->hello.key);
	return index < 0 && net->context.options.other_keys ? member_by_tls(net, &link->tls_key) : index;
}

bool member_known(const struct net *net, const struct net_peer *link)
{
	return link->member < 0 || has_key(&net->members[link->member], &link->hello.key);
}

/* This endpoint's TLS key: the second half of its secret. */
static const uint8_t *own_tls_key(const struct net *net)
{
	const struct secret_key *secret = &net->context.options.tls_secret;
	return secret->b + sizeof secret->b - PUBLIC_KEY_BYTES;
}

static bool decides(const struct net *net, const struct member *m)
{
	return net->context.options.role == NET_MEMBER && memcmp(own_tls_key(net), m->tls_key.b, sizeof m->tls_key.b) < 0;
}

/* ---- who is welcome ---- */

enum hello_refusal member_judge(const struct net *net, const struct net_peer *link)
{
	int index = member_of(net, link);
	if (link->dialled >= 0 && index != link->dialled)
		return HELLO_NOT_DIALLED;
	if (index < 0)
		return HELLO_NOT_A_MEMBER;
	const struct member *m = &net->members[index];
	if (!public_key_equal(&m->tls_key, &link->tls_key))
		return HELLO_OTHER_TLS_KEY;
	/* Whoever has a TLS key alone, or a key that was changed, pushes nobody out. */
	bool known = has_key(m, &link->hello.key);
	return !known && m->current && member_known(net, m->current) ? HELLO_DUPLICATE : HELLO_ACCEPTED;
}

static void take(struct net *net, struct member *m, struct net_peer *link)
{
	m->current = link;
	if (m->held == link)
		m->held = NULL;
	link_welcome(link, ++net->welcomes);
}

static void replace(struct net *net, struct member *m, struct net_peer *link)
{
	struct net_peer *old = m->current;
	m->current = link;
	if (m->held == link)
		m->held = NULL;
	link_close(old, LINK_END_LOCAL, "replaced by a newer connection");
	if (m->current == link && link->state == LINK_GREETING)
		take(net, m, link); /* unless on_down wanted otherwise */
}

static void hold(struct net *net, struct member *m, struct net_peer *link)
{
	struct net_peer *older = m->held;
	m->held = link;
	if (older)
		link_refuse(older, HELLO_DUPLICATE); /* the newest is the likeliest to be alive */
	else
		m->held_until_ms = uv_now(net->context.loop) + HOLD_MS;
	if (m->current && m->current->state == LINK_UP)
		link_probe(m->current);
}

void member_identified(struct net *net, struct net_peer *link)
{
	link->member = member_of(net, link);
	struct member *m = &net->members[link->member];
	if (m->current && !member_known(net, m->current) && member_known(net, link))
		replace(net, m, link);
	else if (!decides(net, m))
		link_welcome(link, ++net->welcomes);
	else if (!m->current)
		take(net, m, link);
	else if (m->current->hello.incarnation != link->hello.incarnation)
		replace(net, m, link);
	else
		hold(net, m, link);
}

/* Of two connections that the other end has welcomed, the newer WELCOME holds; numbers of another process say nothing. */
static bool is_older(const struct net_peer *link, const struct net_peer *than)
{
	return link->hello.incarnation == than->hello.incarnation && link->welcome_number_seen < than->welcome_number_seen;
}

bool member_up(struct net *net, struct net_peer *link)
{
	struct member *m = &net->members[link->member];
	struct net_peer *old = m->current != link ? m->current : NULL;
	if (old && (decides(net, m) || is_older(link, old))) {
		link_close(link, LINK_END_LOCAL, "a newer connection is in use");
		return false;
	}
	m->current = link;
	if (m->dial == link)
		m->dial = NULL;
	if (old)
		link_close(old, LINK_END_LOCAL, "replaced by a newer connection");
	if (m->current == link && m->dial)
		link_close(m->dial, LINK_END_LOCAL, "another connection came first");
	if (m->current != link || link->state != LINK_UP)
		return false;
	m->up_ms = uv_now(net->context.loop);
	m->trouble[0] = 0;
	if (m->held)
		link_probe(link);
	return true;
}

void member_pong(struct net *net, const struct net_peer *link)
{
	if (link->member < 0)
		return;
	struct member *m = &net->members[link->member];
	struct net_peer *held = m->held;
	if (m->current != link || !held)
		return;
	m->held = NULL;
	link_refuse(held, HELLO_DUPLICATE);
}

void member_next(struct net *net, uint32_t index)
{
	struct member *m = &net->members[index];
	if (m->set && !net->closing && !m->current && m->held)
		take(net, m, m->held);
}

/* ---- dialling ---- */

static void plan(struct net *net, struct member *m)
{
	uint32_t half = m->backoff_ms / 2;
	m->dial_at_ms = uv_now(net->context.loop) + half + net_random(net) % (half + 1);
	m->backoff_ms = m->backoff_ms * 2 < BACKOFF_MS_MAX ? m->backoff_ms * 2 : BACKOFF_MS_MAX;
}

void member_lost(struct net *net, uint32_t index, const struct net_peer *link, enum link_end end, const char *why)
{
	struct member *m = &net->members[index];
	if (!m->set)
		return;
	if (m->current == link)
		m->current = NULL;
	if (m->held == link)
		m->held = NULL;
	if (m->dial == link)
		m->dial = NULL;
	if (end != LINK_END_LOCAL && !m->current)
		snprintf(m->trouble, sizeof m->trouble, "%s", why);
	if (link->was_up && uv_now(net->context.loop) >= m->up_ms + LIVED_MS)
		m->backoff_ms = BACKOFF_MS_MIN;
	if (link->was_up || link->dialled >= 0)
		plan(net, m);
}

static void dial_address(struct net *net, uint32_t index)
{
	struct member *m = &net->members[index];
	const char *why;
	m->dial = link_dial(&net->context, &m->address, (int)index, &why);
	if (m->dial) {
		net->pending++;
		return;
	}
	snprintf(m->trouble, sizeof m->trouble, "%s", why);
	plan(net, m);
}

bool address_literal(struct sockaddr_storage *out, const char *text, uint16_t port)
{
	memset(out, 0, sizeof *out);
	if (uv_ip4_addr(text, port, (struct sockaddr_in *)out) == 0)
		return true;
	memset(out, 0, sizeof *out);
	return uv_ip6_addr(text, port, (struct sockaddr_in6 *)out) == 0;
}

static bool usable(const struct addrinfo *a)
{
	return a->ai_family == AF_INET || a->ai_family == AF_INET6;
}

/* Another address at each attempt, so that one that leads nowhere does not hide the others. */
static bool pick_address(struct member *m, const struct addrinfo *list)
{
	uint32_t count = 0;
	for (const struct addrinfo *a = list; a && count < ADDRESSES_MAX; a = a->ai_next)
		count += usable(a);
	if (count == 0)
		return false;
	uint32_t wanted = m->attempts % count;
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		if (!usable(a) || wanted-- > 0)
			continue;
		memset(&m->address, 0, sizeof m->address);
		memcpy(&m->address, a->ai_addr, a->ai_addrlen);
		if (a->ai_family == AF_INET6)
			((struct sockaddr_in6 *)&m->address)->sin6_port = htons(m->port);
		else
			((struct sockaddr_in *)&m->address)->sin_port = htons(m->port);
		m->address_known = true;
		return true;
	}
	return false;
}

static void resolved(struct net *net, uint32_t index, int status, const struct addrinfo *list)
{
	struct member *m = &net->members[index];
	m->resolution = NULL;
	if (m->current)
		return; /* it has come by itself */
	if (status == 0 && pick_address(m, list)) {
		dial_address(net, index);
		return;
	}
	snprintf(m->trouble, sizeof m->trouble, "its name leads nowhere: %s", status ? uv_strerror(status) : "no address");
	plan(net, m);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct resolution *r = request->data;
	if (!r || r->magic != RESOLUTION_MAGIC)
		return;
	struct net *net = r->net;
	if (!r->stale)
		resolved(net, r->index, status, list);
	uv_freeaddrinfo(list);
	r->magic = 0;
	free(r);
	net_unpend(net);
}

static void resolve(struct net *net, uint32_t index)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct member *m = &net->members[index];
	struct resolution *r = calloc(1, sizeof *r);
	int error = UV_ENOMEM;
	if (r) {
		*r = (struct resolution){ .magic = RESOLUTION_MAGIC, .net = net, .index = index };
		r->request.data = r;
		error = uv_getaddrinfo(net->context.loop, &r->request, on_resolved, m->host, NULL, &hints);
	}
	if (error == 0) {
		m->resolution = r;
		net->pending++;
		return;
	}
	free(r);
	snprintf(m->trouble, sizeof m->trouble, "its name cannot be looked up: %s", uv_strerror(error));
	plan(net, m);
}

/* A look-up that runs on a thread cannot be stopped: its answer is dropped when it comes. */
static void resolution_drop(struct member *m)
{
	if (!m->resolution)
		return;
	m->resolution->stale = true;
	uv_cancel((uv_req_t *)&m->resolution->request);
	m->resolution = NULL;
}

void members_cancel(struct net *net)
{
	for (uint32_t i = 0; i < NET_MEMBERS_MAX; i++)
		resolution_drop(&net->members[i]);
}

static void dial(struct net *net, uint32_t index)
{
	struct member *m = &net->members[index];
	struct sockaddr_storage literal;
	m->attempts++;
	if (address_literal(&literal, m->host, m->port))
		dial_address(net, index); /* m->address has been this one since net_set_member */
	else
		resolve(net, index);
}

void members_tick(struct net *net, uint64_t now_ms)
{
	for (uint32_t i = 0; i < NET_MEMBERS_MAX && !net->closing; i++) {
		struct member *m = &net->members[i];
		if (!m->set || m->self)
			continue;
		if (m->held && m->current && now_ms >= m->held_until_ms)
			replace(net, m, m->held);
		if (m->set && !m->current && !m->dial && !m->resolution && now_ms >= m->dial_at_ms)
			dial(net, i);
	}
}

/* ---- naming members ---- */

/* The place is empty before any on_down runs: what a callback puts there stays. */
static void member_drop(struct net *net, uint32_t index, const char *why)
{
	struct member *m = &net->members[index];
	if (!m->set)
		return;
	resolution_drop(m);
	memset(m, 0, sizeof *m);
	net->members_count--;
	struct net_peer *next;
	for (struct net_peer *link = net->context.all; link; link = next) {
		next = link->next; /* closed links stay in the list until the loop runs */
		if (link->member == (int)index || link->dialled == (int)index)
			link_close(link, LINK_END_LOCAL, why);
	}
}

static bool member_same(const struct member *m, const struct public_key *key, const struct public_key *tls_key, const char *host, uint16_t port)
{
	return m->set && public_key_equal(&m->key, key) && public_key_equal(&m->tls_key, tls_key) && strcmp(m->host, host) == 0 && m->port == port;
}

enum net_error net_set_member(struct net *net, uint32_t index, const struct public_key *key, const struct public_key *tls_key, const char *host, uint16_t port)
{
	if (index >= NET_MEMBERS_MAX || !key || !tls_key || net->closing)
		return NET_BAD_OPTIONS;
	int holder = member_find(net, key);
	if (holder >= 0 && holder != (int)index)
		return NET_BAD_OPTIONS;
	if (!host || host[0] == 0 || strnlen(host, NET_HOST_BYTES_MAX + 1) > NET_HOST_BYTES_MAX || port == 0)
		return NET_BAD_ADDRESS;
	struct member *m = &net->members[index];
	if (member_same(m, key, tls_key, host, port))
		return NET_OK;

	member_drop(net, index, "the member's entry has changed");
	if (net->closing || m->set)
		return NET_OK; /* an on_down has ended or set it anew: the later word holds */
	m->set = true;
	m->self = net->context.options.role == NET_MEMBER &&
	          (public_key_equal(key, &net->context.options.self) || memcmp(own_tls_key(net), tls_key->b, sizeof tls_key->b) == 0);
	m->key = *key;
	m->tls_key = *tls_key;
	snprintf(m->host, sizeof m->host, "%s", host);
	m->port = port;
	m->address_known = address_literal(&m->address, host, port);
	m->backoff_ms = BACKOFF_MS_MIN;
	net->members_count++;
	return NET_OK;
}

static bool another_has(const struct net *net, uint32_t index, const struct public_key *key)
{
	int holder = key ? member_find(net, key) : -1;
	return holder >= 0 && holder != (int)index;
}

enum net_error net_set_member_key(struct net *net, uint32_t index, const struct public_key *key, const struct public_key *next)
{
	if (index >= NET_MEMBERS_MAX || !key || net->closing || !net->members[index].set || another_has(net, index, key) || another_has(net, index, next))
		return NET_BAD_OPTIONS;
	struct member *m = &net->members[index];
	m->key = *key;
	m->has_next = next != NULL;
	if (next)
		m->next_key = *next;
	struct net_peer *after;
	for (struct net_peer *link = net->context.all; link; link = after) {
		after = link->next;
		if (link->member == (int)index && !member_known(net, link))
			link_close(link, LINK_END_LOCAL, "its key was changed");
	}
	return NET_OK;
}

void net_set_self(struct net *net, const struct public_key *self, const struct secret_key *secret)
{
	net->context.options.self = *self;
	net->context.options.secret = *secret;
	struct net_peer *next;
	for (struct net_peer *link = net->context.all; link; link = next) {
		next = link->next;
		if (!link->has_place)
			link_close(link, LINK_END_LOCAL, "our key was changed");
	}
}

void net_clear_member(struct net *net, uint32_t index)
{
	if (index < NET_MEMBERS_MAX)
		member_drop(net, index, "it is no longer a member");
}

struct net_peer *net_member_peer(const struct net *net, uint32_t index)
{
	if (index >= NET_MEMBERS_MAX || !net->members[index].current || net->members[index].current->state != LINK_UP)
		return NULL;
	return net->members[index].current;
}

const char *net_member_trouble(const struct net *net, uint32_t index)
{
	return index < NET_MEMBERS_MAX ? net->members[index].trouble : "";
}
