/* Clients that lie, flood, or play with numbers: the product's client, and what becomes of its frames on their way. */
#include "bench/malice/malice.h"
#include "bft/bundle.h"
#include "net/net.h"
#include "quorate_kv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- bundles ---- */

struct opened_bundle {
	struct bundle b;
	uint8_t bytes[2048]; /* of a small one */
	size_t n;
};

static bool open_bundle(struct opened_bundle *x, const struct requesting *r)
{
	x->n = r->n - BFT_FRAME_HEAD_BYTES;
	if (r->e.type != BFT_WIRE_BUNDLE || x->n > sizeof x->bytes)
		return false;
	memcpy(x->bytes, r->bytes + BFT_FRAME_HEAD_BYTES, x->n);
	return bundle_decode(&x->b, x->bytes, x->n) == NULL && x->b.kind == BUNDLE_OPS;
}

/* Encoded and signed again, and sent in its place. */
static bool send_bundle(struct lying_client *c, const struct requesting *r, struct opened_bundle *x)
{
	uint8_t out[BFT_FRAME_HEAD_BYTES + sizeof x->bytes];
	struct bft_envelope e = r->e;
	struct digest digest;
	struct statement statement;
	struct wr w = wr_of(out, sizeof out);
	size_t n = bundle_encode(&x->b, out + BFT_FRAME_HEAD_BYTES, sizeof out - BFT_FRAME_HEAD_BYTES);
	bundle_digest(&digest, out + BFT_FRAME_HEAD_BYTES, n);
	bundle_statement(&statement, &c->cluster, &digest);
	sign_ed25519.sign(&e.signature, &statement, &c->secret);
	envelope_write(&w, &e);
	return c->send(r->peer, r->class, out, BFT_FRAME_HEAD_BYTES + n);
}

static bool as_it_is(struct lying_client *c, const struct requesting *r)
{
	return c->send(r->peer, r->class, r->bytes, r->n);
}

/* ---- too much ---- */

static void client_flood(struct lying_client *c)
{
	lying_acts(c, "it asks as fast as it can sign");
	lying_keeps_asking(c, 8, 1000, 128);
}

/* Little beside what the honest ask for: what is measured is the lie, not its client's share of the order. */
static void ordinary(struct lying_client *c)
{
	lying_keeps_asking(c, 2, 2, 128);
}

static void churn(struct lying_client *c)
{
	if (!lying_starts(c))
		return;
	lying_acts(c, "it opens one session after the other");
	for (uint32_t i = 0; lying_goes_on(c) && i < 50000; i++) {
		if (!quorate_session_open(c->client, NULL, NULL))
			break;
		usleep(1000);
	}
	while (lying_goes_on(c))
		usleep(10000);
}

static void keep(struct lying_client *c, const struct requesting *r)
{
	uint32_t at = c->old_next++ % CLIENT_OLD;
	uint8_t *copy = malloc(r->n);
	if (!copy)
		return;
	memcpy(copy, r->bytes, r->n);
	free(c->old[at].bytes);
	c->old[at].bytes = copy;
	c->old[at].n = r->n;
}

static bool retransmits(struct lying_client *c, struct requesting *r)
{
	if (r->e.type != BFT_WIRE_BUNDLE)
		return as_it_is(c, r);
	lying_acts(c, "it sends all that it asked before again with each request");
	keep(c, r);
	for (uint32_t i = 0; i < CLIENT_OLD; i++)
		if (c->old[i].bytes)
			c->send(r->peer, r->class, c->old[i].bytes, c->old[i].n);
	return true;
}

/* ---- not to all the same ---- */

static bool partial(struct lying_client *c, struct requesting *r)
{
	if (r->e.type == BFT_WIRE_BUNDLE && r->member != 1)
		return lying_acts(c, "it sends its requests to replica 1 alone"), true;
	return as_it_is(c, r);
}

/* What goes to one goes as it is; the others get another request under the same number, before it could be passed on to them. */
static bool two_under_one_number(struct lying_client *c, struct requesting *r)
{
	struct opened_bundle x;
	if (!open_bundle(&x, r))
		return as_it_is(c, r);
	x.bytes[x.n - 1] ^= 1; /* of the last value */
	lying_acts(c, "it signs two requests under one number");
	for (uint32_t i = 0; i < c->genesis.count; i++) {
		struct requesting other = *r;
		other.peer = (int)i == r->member ? NULL : c->peer(c, i);
		if (other.peer)
			send_bundle(c, &other, &x);
	}
	return as_it_is(c, r);
}

/* ---- not at all ---- */

/* It asks, and takes no answer: what is told to it has nowhere to go. */
static bool slow_reader(struct lying_client *c, struct requesting *r)
{
	if (r->e.type == BFT_WIRE_BUNDLE) {
		lying_acts(c, "it reads nothing any more");
		net_peer_pause_reading(r->peer, true);
	}
	return as_it_is(c, r);
}

static void asks_and_goes_on(struct lying_client *c)
{
	lying_keeps_asking(c, 8, 1000, 4096);
}

/* ---- false ---- */

static bool bad_signature(struct lying_client *c, struct requesting *r)
{
	if (r->e.type != BFT_WIRE_BUNDLE)
		return as_it_is(c, r);
	lying_acts(c, "it sends requests with a false signature");
	r->bytes[BFT_FRAME_HEAD_BYTES - 1 - lying_random(c) % SIGNATURE_BYTES] ^= 1;
	for (uint32_t i = 0; i < 20; i++)
		as_it_is(c, r);
	return true;
}

/* Far ahead, the end of all numbers, old, behind another, for nobody's session. */
static bool number_games(struct lying_client *c, struct requesting *r)
{
	struct opened_bundle x;
	if (!open_bundle(&x, r))
		return as_it_is(c, r);
	switch (lying_random(c) % 7) {
	case 0: x.b.number = UINT64_MAX; break;
	case 1: x.b.number += 1 + lying_random(c) % 200; break;
	case 2: x.b.number = 1 + lying_random(c) % x.b.number; break;
	case 3: x.b.after = x.b.number > 1 ? 1 + lying_random(c) % (x.b.number - 1) : 0; break;
	case 4: x.b.reply_mask = lying_random(c); break;
	case 5: x.b.session = 1 + lying_random(c) % 1000; break;
	default: return as_it_is(c, r);
	}
	lying_acts(c, "it plays with numbers");
	return send_bundle(c, r, &x);
}

#define LARGE_BYTES (256u << 10)
static void large(struct lying_client *c)
{
	uint32_t most = c->genesis.limits.proposal_bytes_max / 2;
	lying_keeps_asking(c, 2, 4, most < LARGE_BYTES ? most : LARGE_BYTES);
}

/* Each second one says that it has 65535 operations; each third is cut in the middle. */
static bool oversized(struct lying_client *c, struct requesting *r)
{
	size_t count_at = BFT_FRAME_HEAD_BYTES + BUNDLE_HEAD_BYTES - 2;
	if (r->e.type != BFT_WIRE_BUNDLE || r->n < count_at + 2)
		return as_it_is(c, r);
	lying_acts(c, "its requests are as large as may be, and claim to be larger");
	as_it_is(c, r);
	if (lying_random(c) % 2)
		memset(r->bytes + count_at, 0xFF, 2);
	else
		r->n /= 2;
	return as_it_is(c, r);
}

const struct attack attacks_clients[] = {
	{ "client-flood", "B97", BY_CLIENT, "a client asks as fast as it can sign, 8000 requests at once",
	  "Who asks most is served most: the others wait behind it.", "Each client has its fair share of what is checked and ordered.",
	  .client = client_flood },
	{ "retransmit-storm", "B97", BY_CLIENT, "a client sends its last 64 requests again with each new one, to all",
	  "Old requests are checked, ordered and executed again.", "What is known is not checked again; the kept answer is told from a budget.",
	  .client = ordinary, .to_replica = retransmits },
	{ "session-churn", "B97", BY_CLIENT, "a client opens a thousand sessions a second",
	  "Tables fill up, or the sessions of others are evicted and their requests run twice.", "A quota for each owner: it evicts its own.",
	  .client = churn },
	{ "client-partial-send", "B97", BY_CLIENT, "a client sends to one backup alone",
	  "Its timer runs out, and an honest leader who never heard of it is deposed.", "The request is passed on to the leader before any timer starts.",
	  .client = ordinary, .to_replica = partial },
	{ "client-equivocation", "B97", BY_CLIENT, "a client signs two requests under one number, for different replicas",
	  "Replicas execute different requests; or the leader is blamed for the one that it did not get.",
	  "The first that is ordered is executed, everywhere; timers follow the number, not the digest.", .client = ordinary,
	  .to_replica = two_under_one_number },
	{ "slow-reader", "B97", BY_CLIENT, "a client asks for much and never reads an answer",
	  "Answers pile up in memory, or the loop waits for a socket that takes nothing.",
	  "Queues have a bound: what does not fit is dropped, and told again to who asks.", .client = asks_and_goes_on, .to_replica = slow_reader },
	{ "client-bad-signature", "B97", BY_CLIENT, "a client sends twenty copies of each request with a false signature",
	  "Each costs every replica a check; or a leader that proposes one is deposed for it.", "The link pays, and is closed; nothing is passed on unchecked.",
	  .client = ordinary, .to_replica = bad_signature },
	{ "number-games", "B97", BY_CLIENT, "a client signs numbers that are old, far ahead, the last of all, or of nobody's session",
	  "Windows overflow, or a number is executed twice.", "Each number has one answer, the same on every replica.", .client = ordinary,
	  .to_replica = number_games },
	{ "oversized", "B97", BY_CLIENT, "a client's requests are as large as may be, claim more than they have, or are cut in the middle",
	  "A length is believed: memory is gone, or the process.", "At the limit it works; beyond it is an error, before anything is allocated.",
	  .client = large, .to_replica = oversized },
	{ 0 },
};
