/* Frames in and out, in quorate-tapped; quorate-liar has its own wraps of the same functions, and tells the tap from there. */
#include "bench/tap/tap.h"
#include "net/net.h"
#include "replica/driver.h"

void __real_driver_member_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n);
void __wrap_driver_member_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n);
void __wrap_driver_member_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n)
{
	tap_heard(member, bytes, n);
	__real_driver_member_frame(d, member, bytes, n);
}

void __real_driver_client_frame(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *bytes, size_t n);
void __wrap_driver_client_frame(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *bytes, size_t n);
void __wrap_driver_client_frame(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *bytes, size_t n)
{
	tap_heard(TAP_CLIENT, bytes, n);
	__real_driver_client_frame(d, link, key, bytes, n);
}

bool __real_net_send(struct net_peer *peer, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n);
bool __wrap_net_send(struct net_peer *peer, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n);
bool __wrap_net_send(struct net_peer *peer, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	tap_sent((uint8_t)net_peer_member(peer), head, head_n, body, body_n);
	return __real_net_send(peer, class, head, head_n, body, body_n);
}
