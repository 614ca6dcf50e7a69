/* What is done to links and with identities: members' links that break all the time, and strangers with a key that is none of the cluster's. */
#include "bench/malice/malice.h"
#include "net/net.h"
#include "replica/driver_state.h"
#include "replica/running.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define CHURN_MS 100u

static bool churns(struct liar *l, struct sending *s)
{
	static uint64_t last_ms;
	(void)s;
	if (liar_now_ms() >= last_ms + CHURN_MS) {
		last_ms = liar_now_ms();
		for (uint8_t i = 0; i < l->identity.genesis.count; i++)
			l->q->driver->closing |= i == l->identity.self ? 0 : BFT_BIT(i); /* at the end of this wake-up */
		liar_acts(l, "it breaks its links to all members, and takes them up again");
	}
	return false;
}

/* ---- another's name ---- */

static void nobody_up(void *user, struct net_peer *peer)
{
	(void)user;
	net_peer_close(peer, "it was taken for somebody"); /* never: it has no key of theirs */
}

static void nobody_down(void *user, struct net_peer *peer, const char *reason)
{
	(void)user;
	(void)peer;
	(void)reason;
}

static void nobody_hears(void *user, struct net_peer *peer, const uint8_t *bytes, size_t n)
{
	(void)user;
	(void)peer;
	(void)bytes;
	(void)n;
}

static void refused(void *user, const char *sentence)
{
	(void)sentence;
	lying_acts(user, "it comes as a member, with a key that is none or another's");
}

static void fresh_keys(struct public_key *shown, struct secret_key *secret)
{
	uint8_t seed[32];
	randombytes_buf(seed, sizeof seed);
	sign_ed25519.keypair(shown, secret, seed);
}

/* With a key of its own, or that of a member whose secret it does not have. */
static struct net *impostor(struct lying_client *c, uv_loop_t *loop, bool as_member)
{
	struct public_key ignored;
	struct net *net = NULL;
	struct net_options o = { .loop = loop,
		                 .scheme = &sign_ed25519,
		                 .cluster = c->cluster,
		                 .role = NET_MEMBER,
		                 .mode = (uint8_t)c->genesis.mode,
		                 .listen_host = "127.0.0.1",
		                 .callbacks = { nobody_up, nobody_down, nobody_hears, refused },
		                 .user = c };
	fresh_keys(&o.self, &o.secret);
	fresh_keys(&ignored, &o.tls_secret);
	if (as_member)
		o.self = c->genesis.cards[lying_random(c) % c->genesis.count].member_key;
	if (net_create(&net, &o) != NET_OK)
		return NULL;
	for (uint32_t i = 0; i < c->genesis.count; i++) {
		const struct bft_card *card = &c->genesis.cards[i];
		char host[BFT_ADDRESS_BYTES_MAX + 1];
		uint16_t port;
		card_address_split(card->addresses[0], host, &port);
		(void)net_set_member(net, i, &card->member_key, &card->tls_key, host, port);
	}
	return net;
}

#define IMPOSTOR_MS 300u

/* One after the other, each for a moment. */
static void impostors(struct lying_client *c)
{
	for (uint32_t times = 0; lying_goes_on(c); times++) {
		uv_loop_t loop;
		if (uv_loop_init(&loop) != 0)
			return;
		struct net *net = impostor(c, &loop, times % 2);
		for (uint32_t ms = 0; net && ms < IMPOSTOR_MS && lying_goes_on(c); ms++) {
			uv_run(&loop, UV_RUN_NOWAIT);
			usleep(1000);
		}
		if (net)
			net_close(net, NULL, NULL);
		uv_run(&loop, UV_RUN_DEFAULT);
		uv_loop_close(&loop);
		usleep(1000);
	}
}

const struct attack attacks_links[] = {
	{ "connection-churn", "S90", BY_REPLICA, "f replicas break their links to all members ten times a second",
	  "What was under way is lost for good, or each new link costs so much that nothing else is done.",
	  "Members dial again with growing pauses, and STATUS tells what was lost.", .to_member = churns },
	{ "wrong-identity", "B97", BY_CLIENT, "a stranger comes as a member, with a key outside of the membership, or a member's key without its secret",
	  "A name is believed, and a stranger votes.",
	  "Who somebody is is the key that signed, on this very connection; all else is refused after the handshake.", .client = impostors },
	{ 0 },
};
