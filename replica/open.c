/* Making a replica ready to run: who it is, its folder, its driver, what its log says, its links. */
#include "bft/bundle.h"
#include "replica/epochs_file.h"
#include "replica/running.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_DEFAULT 16384u
#define MEMORY_DEFAULT ((size_t)256 << 20)
#define FRAME_MARGIN (8u << 20) /* above the largest proposal: a VIEW-CHANGE with all its certificates */

static enum quorate_error make_driver(struct quorate *q, char *reason)
{
	const struct quorate_options *o = &q->options;
	struct driver_options d = {
		.genesis = &q->identity->genesis,
		.cluster = q->identity->cluster,
		.self = q->identity->self,
		.card_key = q->identity->card.member_key,
		.scheme = &sign_ed25519,
		.secret = q->identity->secret,
		.verifiers = o->verifiers,
		.lease_drift_percent = o->lease_drift_percent,
		.requests_max = o->requests_max ? o->requests_max : REQUESTS_DEFAULT,
		.memory_bytes = o->memory_bytes ? (size_t)o->memory_bytes : MEMORY_DEFAULT,
		.app = &q->app,
		.state = q->folder.state,
		.env = world_of(q),
	};
	q->driver = driver_create(&d);
	sign_wipe(&d.secret);
	return q->driver ? QUORATE_OK : running_fail(reason, QUORATE_FAILED, "no memory for the replica's tables");
}

/* The links that were kept. What was torn or damaged is cut off, and asked for again. */
static enum quorate_error recover_chain(struct quorate *q, char *reason)
{
	uint8_t *bytes;
	size_t n, used;
	if (!epochs_file_read(q->options.data, &bytes, &n))
		return running_fail(reason, QUORATE_CONFIG, "the file 'epochs' in the data folder cannot be read");
	bool whole = driver_epochs(q->driver, bytes, n, &used) || epochs_file_cut(q->options.data, used);
	free(bytes);
	return whole ? QUORATE_OK : running_fail(reason, QUORATE_FAILED, "the file 'epochs' in the data folder is damaged, and cannot be cut");
}

/* What it shows to the others: its newest key, or whichever is here. */
static enum quorate_error choose_key(struct quorate *q, char *reason)
{
	struct identity *id = q->identity;
	const struct public_key *wanted = driver_member_key(q->driver, id->self);
	if (!wanted)
		wanted = &id->card.member_key; /* it has left, or the chain of epochs was lost: it shows what its card says */
	bool genesis = public_key_equal(wanted, &id->card.member_key), right = id->has_key && public_key_equal(wanted, &id->key);
	if (!right && identity_secret(&q->options, wanted, &id->secret)) {
		id->key = *wanted;
		id->has_key = right = true;
	}
	q->shown = id->key;
	if (!id->has_key)
		return running_fail(reason, QUORATE_CONFIG, "the file that member_key names is not there, nor one beside it that holds this replica's key");
	/* Whoever lost its memory does not know yet what its key is. */
	if (!right && genesis && q->folder.recovery == BFT_RECOVERY_WHOLE)
		return running_fail(reason, QUORATE_CONFIG, "no member of the genesis has the key in the file that member_key names");
	return QUORATE_OK;
}

static enum quorate_error recover(struct quorate *q, char *reason)
{
	struct folder_needs needs = folder_needs(&q->identity->genesis);
	enum quorate_error error = recover_chain(q, reason);
	if (error != QUORATE_OK)
		return error;
	error = folder_recover(&q->folder, q->driver, &q->identity->cluster, &q->options, &needs, reason);
	if (error != QUORATE_OK)
		return error;
	if (!driver_replay(q->driver))
		return running_fail(reason, QUORATE_SAFETY, driver_trouble(q->driver));
	return choose_key(q, reason);
}

static enum quorate_error listen_on(struct quorate *q, char host[BFT_ADDRESS_BYTES_MAX + 1], uint16_t *port, char *reason)
{
	const char *text = q->options.listen ? q->options.listen : q->identity->card.addresses[0];
	const char *why = card_address_check(text);
	if (why)
		return running_fail(reason, QUORATE_CONFIG, why);
	card_address_split(text, host, port);
	return QUORATE_OK;
}

static enum quorate_error make_net(struct quorate *q, char *reason)
{
	const struct bft_genesis *g = &q->identity->genesis;
	char host[BFT_ADDRESS_BYTES_MAX + 1];
	uint16_t port;
	enum quorate_error error = listen_on(q, host, &port, reason);
	if (error != QUORATE_OK)
		return error;
	struct net_options n = {
		.loop = q->loop,
		.scheme = &sign_ed25519,
		.cluster = q->identity->cluster,
		.self = q->shown,
		.other_keys = true,
		.secret = q->identity->secret,
		.tls_secret = q->identity->tls_secret,
		.role = NET_MEMBER,
		.mode = (uint8_t)g->mode,
		.listen_host = host,
		.listen_port = port,
		.frame_bytes_max = g->limits.proposal_bytes_max + FRAME_MARGIN,
		.client_frame_bytes_max = BFT_BUNDLE_BYTES_MAX + (64u << 10),
		.connections_max = q->clients_count + BFT_MEMBERS_MAX,
		.callbacks = peers_callbacks(),
		.user = q,
	};
	errno = 0;
	enum net_error r = net_create(&q->net, &n);
	if (r == NET_OK) {
		q->port = net_port(q->net);
		return QUORATE_OK;
	}
	char text[QUORATE_REASON_BYTES];
	snprintf(text, sizeof text, "%s:%u: %s%s%s", host, port, net_error_text(r), r == NET_CANNOT_LISTEN ? ": " : "",
	         r == NET_CANNOT_LISTEN ? strerror(errno) : "");
	return running_fail(reason, r == NET_NO_MEMORY || r == NET_CANNOT_WATCH ? QUORATE_FAILED : QUORATE_CONFIG, text);
}

/* Everything but running, on the thread that will run it: the state's transactions belong to one thread. */
enum quorate_error running_open(struct quorate *q, char *reason)
{
	enum quorate_error error = identity_read(q->identity, &q->options, reason);
	if (error != QUORATE_OK)
		return error;
	const struct public_key *member = &q->identity->card.member_key;
	if (q->options.lease_drift_percent > BFT_LEASE_DRIFT_PERCENT_MAX)
		return running_fail(reason, QUORATE_USAGE, "lease_drift_percent may be 0 to 20");
	if (!q->options.data)
		return running_fail(reason, QUORATE_USAGE, "no data folder is named");
	error = folder_open(&q->folder, q->options.data, &q->identity->cluster, member, &q->options, reason);
	if (error == QUORATE_OK)
		error = make_driver(q, reason);
	if (error == QUORATE_OK)
		error = recover(q, reason);
	if (error == QUORATE_OK)
		error = make_net(q, reason);
	return error;
}
