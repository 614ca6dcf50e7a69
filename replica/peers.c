/* Links that come and go, and the keys that members show on them. */
#include "replica/running.h"

#include <stdio.h>

/* ---- members' keys ---- */

/* Its link is up, with the key that is known here or with another one: that may be newer, or the former one of somebody who is behind. */
static void member_linked(struct quorate *q, uint8_t member, bool known)
{
	if (known)
		q->linked |= BFT_BIT(member);
	driver_stranger(q->driver, member, !known);
	if (known)
		driver_member_link(q->driver, member, true);
}

static void member_unlinked(struct quorate *q, uint8_t member)
{
	driver_stranger(q->driver, member, false);
	if (q->linked & BFT_BIT(member))
		driver_member_link(q->driver, member, false);
	q->linked &= ~BFT_BIT(member);
}

/* The key of this replica in the newest epoch that is known, if it is here. */
static void show_own_key(struct quorate *q)
{
	const struct public_key *wanted = driver_member_key(q->driver, q->identity->self);
	struct secret_key secret;
	if (!wanted || public_key_equal(wanted, &q->shown))
		return;
	if (!identity_secret(&q->options, wanted, &secret)) {
		running_note(
			q, QUORATE_LEVEL_ERROR,
			"this replica's key was changed, and the new one is not here: the others take nothing from it but questions for the chain of epochs");
		return;
	}
	q->shown = *wanted;
	net_set_self(q->net, wanted, &secret);
	sign_wipe(&secret);
	running_note(q, QUORATE_LEVEL_INFO, "this replica shows its new key: the former one is of no use any more, and may be deleted");
}

/* Who has left stays linked for as long as it is: it learns that it has left. */
bool peers_dial(struct quorate *q, const char **why)
{
	*why = NULL;
	for (uint8_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		bool member = driver_member_key(q->driver, i) != NULL;
		const struct bft_card *card = driver_member_card(q->driver, i);
		char host[BFT_ADDRESS_BYTES_MAX + 1];
		uint16_t port;
		if (member ? card == q->dialled[i] : !q->dialled[i] || net_member_peer(q->net, i))
			continue;
		net_clear_member(q->net, i);
		q->dialled[i] = member ? card : NULL;
		if (!member)
			continue;
		card_address_split(card->addresses[0], host, &port);
		enum net_error r = net_set_member(q->net, i, driver_member_key(q->driver, i), &card->tls_key, host, port);
		if (r != NET_OK && !*why)
			*why = net_error_text(r);
	}
	return !*why;
}

/* Links with a former key end here, and those that were strangers because of a new one are members'. */
void peers_follow_keys(struct quorate *q)
{
	q->keys_changed = false;
	const char *why;
	(void)peers_dial(q, &why); /* what cannot be reached is told by its link */
	for (uint8_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		const struct public_key *key = driver_member_key(q->driver, i);
		if (!key)
			continue;
		(void)net_set_member_key(q->net, i, key, driver_next_key(q->driver, i));
		const struct net_peer *peer = net_member_peer(q->net, i);
		if (peer && !(q->linked & BFT_BIT(i)) && net_peer_known(peer))
			member_linked(q, i, true);
	}
	show_own_key(q);
}

/* ---- net's callbacks ---- */

static void peer_up(void *user, struct net_peer *peer)
{
	struct quorate *q = running_of(user);
	int member = net_peer_member(peer);
	running_wake(q);
	if (member >= 0) {
		member_linked(q, (uint8_t)member, net_peer_known(peer));
		return;
	}
	for (uint32_t i = 0; i < q->clients_count; i++) {
		struct client_place *p = &q->clients[i];
		if (p->peer)
			continue;
		/* A name that was never used: its place is the remainder. */
		p->generation += q->clients_count;
		p->peer = peer;
		net_peer_set_user(peer, p);
		return;
	}
	net_peer_close(peer, "too many clients");
}

static const char *org_of(const struct quorate *q, uint8_t member)
{
	const struct bft_card *card = driver_member_card(q->driver, member);
	return card ? card->org : "?";
}

static void peer_down(void *user, struct net_peer *peer, const char *reason)
{
	struct quorate *q = running_of(user);
	int member = net_peer_member(peer);
	struct client_place *p = net_peer_user(peer);
	char line[256];
	if (q->phase != PHASE_RUNNING)
		return;
	q->dirty = true;
	if (member >= 0) {
		snprintf(line, sizeof line, "the link to replica %d (%s) is down: %s", member, org_of(q, (uint8_t)member), reason);
		running_note(q, QUORATE_LEVEL_INFO, line);
		member_unlinked(q, (uint8_t)member);
		q->keys_changed |= driver_member_key(q->driver, (uint8_t)member) == NULL;
	} else if (p) {
		p->peer = NULL;
		driver_client_gone(q->driver, p->generation);
	}
}

static void peer_frame(void *user, struct net_peer *peer, const uint8_t *bytes, size_t n)
{
	struct quorate *q = running_of(user);
	int member = net_peer_member(peer);
	running_wake(q);
	if (member >= 0) {
		if (q->linked & BFT_BIT(member))
			driver_member_frame(q->driver, (uint8_t)member, bytes, n);
		else
			driver_stranger_frame(q->driver, (uint8_t)member, bytes, n);
		return;
	}
	struct client_place *p = net_peer_user(peer);
	if (p)
		driver_client_frame(q->driver, p->generation, net_peer_key(peer), bytes, n);
}

static void peer_refused(void *user, const char *sentence)
{
	running_note(user, QUORATE_LEVEL_WARNING, sentence);
}

struct net_callbacks peers_callbacks(void)
{
	return (struct net_callbacks){ peer_up, peer_down, peer_frame, peer_refused };
}
