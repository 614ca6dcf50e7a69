/* A running replica: include/quorate.h over the driver, net/, the log's thread and a libuv loop. One wake-up of the loop is one turn of the driver. */
#include "quorate.h"
#include "replica/driver.h"
#include "replica/epochs_file.h"
#include "replica/evidence_file.h"
#include "replica/folder.h"
#include "replica/identity.h"
#include "replica/log/writer.h"
#include "replica/shim.h"

#include "bft/bundle.h"
#include "bft/check.h"
#include "net/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#define MAGIC 0x71756f72u
#define REQUESTS_DEFAULT 16384u
#define CLIENTS_DEFAULT 1024u
#define CLIENTS_MAX 60000u
#define MEMORY_DEFAULT ((size_t)256 << 20)
#define FRAME_MARGIN (8u << 20) /* above the largest proposal: a VIEW-CHANGE with all its certificates */

enum phase { PHASE_CREATED, PHASE_RUNNING, PHASE_STOPPING, PHASE_STOPPED };

struct client_place {
	struct net_peer *peer; /* NULL: free */
	uint64_t generation;
};

struct quorate {
	uint32_t magic;
	struct quorate_options options;
	char *strings[6];
	struct quorate_app app;
	const struct replica_shim *shim; /* NULL: nothing stands between the driver and the links */
	struct identity *identity;
	struct folder folder;
	struct driver *driver;
	struct net *net;
	struct log_writer *writer;
	struct client_place *clients;
	uint32_t clients_count;
	uint16_t port;
	bft_mask linked;         /* members that show the key which is known here: the others are strangers */
	struct public_key shown; /* by this replica                                                         */
	bool keys_changed;

	uv_loop_t own_loop, *loop;
	uv_check_t check; /* after the sockets: the driver's turn */
	uv_idle_t idle;   /* while there is more to do            */
	uv_timer_t timer;
	uv_async_t async; /* the log's thread, verifiers, stop    */
	uint32_t handles_open;
	bool dirty, idling, log_ok;
	enum phase phase;
	void (*stopped)(void *user);
	void *stopped_user;

	/* a thread of its own */
	bool own_thread;
	uv_thread_t thread;
	uv_mutex_t lock; /* standing, wanted, answer */
	uv_cond_t changed;
	enum { WANT_NOTHING, WANT_START, WANT_STOP } wanted;
	bool joined;  /* the caller's */
	bool created; /* the thread has tried; `error` says how */
	enum quorate_error error;
	char reason[QUORATE_REASON_BYTES];
	struct quorate_standing standing;
};

static struct quorate *from(void *data)
{
	struct quorate *q = data;
	BFT_CHECK(q && q->magic == MAGIC);
	return q;
}

static enum quorate_error fail(char *reason, enum quorate_error error, const char *sentence)
{
	if (reason)
		snprintf(reason, QUORATE_REASON_BYTES, "%s", sentence);
	return error;
}

static void note(void *user, enum quorate_level level, const char *line)
{
	struct quorate *q = from(user);
	if (q->options.log)
		q->options.log(q->options.log_user, level, line);
}

/* ---- clocks ---- */

static uint64_t mono_ms(void)
{
	return uv_hrtime() / 1000000u + 1;
}

static uint64_t wall_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* The first thing in every callback that brings something. */
static void wake(struct quorate *q)
{
	q->dirty = true;
	driver_time(q->driver, mono_ms(), wall_ms());
}

/* ---- the driver's world ---- */

static bool send_member(struct quorate *q, uint8_t member, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct net_peer *peer = q->net && (q->linked & BFT_BIT(member)) ? net_member_peer(q->net, member) : NULL;
	return peer && net_send(peer, class, head, head_n, body, body_n);
}

static bool env_send(void *user, uint8_t member, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct quorate *q = from(user);
	return q->shim ? q->shim->to_member(q->shim->user, q, member, class, head, head_n, body, body_n)
	               : send_member(q, member, class, head, head_n, body, body_n);
}

static struct client_place *place_of(struct quorate *q, driver_link link)
{
	struct client_place *p = &q->clients[link % q->clients_count];
	return p->peer && p->generation == link ? p : NULL;
}

static bool send_client(struct quorate *q, uint64_t link, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct client_place *p = place_of(q, link);
	return p && net_send(p->peer, NET_REQUESTS, head, head_n, body, body_n);
}

static bool env_send_client(void *user, driver_link link, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct quorate *q = from(user);
	return q->shim ? q->shim->to_client(q->shim->user, q, link, head, head_n, body, body_n) : send_client(q, link, head, head_n, body, body_n);
}

void replica_set_shim(struct quorate *q, const struct replica_shim *shim)
{
	q->shim = shim;
}

bool replica_send_member(struct quorate *q, uint8_t member, int class, const void *bytes, size_t n)
{
	return send_member(q, member, (enum net_class) class, bytes, n, NULL, 0);
}

bool replica_send_client(struct quorate *q, uint64_t link, const void *bytes, size_t n)
{
	return send_client(q, link, bytes, n, NULL, 0);
}

static void env_close_member(void *user, uint8_t member, const char *why)
{
	struct quorate *q = from(user);
	struct net_peer *peer = q->net ? net_member_peer(q->net, member) : NULL;
	if (peer)
		net_peer_close(peer, why);
}

static void env_close_client(void *user, driver_link link, const char *why)
{
	struct client_place *p = place_of(from(user), link);
	if (p)
		net_peer_close(p->peer, why);
}

static enum log_result env_append(void *user, uint16_t type, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count, struct log_position *at)
{
	struct quorate *q = from(user);
	return q->writer ? log_writer_queue(q->writer, type, 0, lsn, seq, pieces, count, at) : LOG_ERR_FAILED;
}

static void env_flush(void *user)
{
	struct quorate *q = from(user);
	if (q->writer)
		log_writer_kick(q->writer);
}

static void env_truncate_below(void *user, uint64_t lsn)
{
	struct quorate *q = from(user);
	if (q->writer)
		log_writer_truncate_below(q->writer, lsn);
}

static enum log_result env_read(void *user, const struct log_position *at, void *out, size_t capacity, struct log_record *record)
{
	return log_read(from(user)->folder.log, at, out, capacity, record);
}

static struct state *env_transfer_open(void *user)
{
	return folder_transfer_open(&from(user)->folder);
}

static struct state *env_transfer_install(void *user)
{
	return folder_transfer_install(&from(user)->folder);
}

static uint64_t env_memory_lost(void *user)
{
	return folder_memory_lost(&from(user)->folder);
}

static bool env_readmitted(void *user)
{
	return folder_readmitted(&from(user)->folder);
}

static uint64_t env_rtt_us(void *user, uint8_t member)
{
	struct quorate *q = from(user);
	struct net_peer *peer = q->net ? net_member_peer(q->net, member) : NULL;
	return peer ? net_peer_rtt_us(peer) : 0;
}

static void env_evidence(void *user, const uint8_t *bytes, size_t n, const char *name)
{
	struct quorate *q = from(user);
	char line[256] = "";
	switch (evidence_file_keep(q->options.data, name, bytes, n)) {
	case EVIDENCE_KEPT: snprintf(line, sizeof line, "evidence/%s is kept: 'quorate evidence verify' shows that it holds", name); break;
	case EVIDENCE_KNOWN: return;
	case EVIDENCE_FULL: snprintf(line, sizeof line, "evidence/%s is not kept: there are %u files already", name, EVIDENCE_FILES_MAX); break;
	case EVIDENCE_FAILED: snprintf(line, sizeof line, "evidence/%s is not kept: %s", name, strerror(errno)); break;
	}
	note(q, QUORATE_LEVEL_WARNING, line);
}

static size_t env_evidence_next(void *user, const struct evidence_name *after, struct evidence_name *name, uint8_t *bytes, size_t capacity)
{
	struct quorate *q = from(user);
	return evidence_file_next(q->options.data, after, name, bytes, capacity);
}

static bool env_secret(void *user, const struct public_key *key, struct secret_key *out)
{
	return identity_secret(&from(user)->options, key, out);
}

static void env_keys_changed(void *user)
{
	from(user)->keys_changed = true;
}

static void env_keep_link(void *user, const uint8_t *bytes, size_t n)
{
	struct quorate *q = from(user);
	char line[160];
	if (epochs_file_append(q->options.data, bytes, n))
		return;
	snprintf(line, sizeof line, "a link of the chain of epochs could not be kept: %s; the others have it", strerror(errno));
	note(q, QUORATE_LEVEL_WARNING, line);
}

static bool env_send_chain(void *user, uint8_t member, const void *frame, size_t n)
{
	struct quorate *q = from(user);
	struct net_peer *peer = q->net ? net_member_peer(q->net, member) : NULL;
	return peer && net_send(peer, NET_STATUS, frame, n, NULL, 0);
}

static void env_wake(void *user)
{
	uv_async_send(&from(user)->async);
}

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
	if (public_key_equal(wanted, &q->shown))
		return;
	if (!identity_secret(&q->options, wanted, &secret)) {
		note(q, QUORATE_LEVEL_ERROR,
		     "this replica's key was changed, and the new one is not here: the others take nothing from it but questions for the chain of epochs");
		return;
	}
	q->shown = *wanted;
	net_set_self(q->net, wanted, &secret);
	sign_wipe(&secret);
	note(q, QUORATE_LEVEL_INFO, "this replica shows its new key: the former one is of no use any more, and may be deleted");
}

/* Links with a former key end here, and those that were strangers because of a new one are members'. */
static void follow_keys(struct quorate *q)
{
	q->keys_changed = false;
	for (uint8_t i = 0; i < q->identity->genesis.count; i++) {
		(void)net_set_member_key(q->net, i, driver_member_key(q->driver, i), driver_next_key(q->driver, i));
		const struct net_peer *peer = net_member_peer(q->net, i);
		if (peer && !(q->linked & BFT_BIT(i)) && net_peer_known(peer))
			member_linked(q, i, true);
	}
	show_own_key(q);
}

/* ---- net's callbacks ---- */

static void peer_up(void *user, struct net_peer *peer)
{
	struct quorate *q = from(user);
	int member = net_peer_member(peer);
	wake(q);
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

static void peer_down(void *user, struct net_peer *peer, const char *reason)
{
	struct quorate *q = from(user);
	int member = net_peer_member(peer);
	struct client_place *p = net_peer_user(peer);
	char line[256];
	if (q->phase != PHASE_RUNNING)
		return;
	q->dirty = true;
	if (member >= 0) {
		snprintf(line, sizeof line, "the link to replica %d (%s) is down: %s", member, q->identity->genesis.cards[member].org, reason);
		note(q, QUORATE_LEVEL_INFO, line);
		member_unlinked(q, (uint8_t)member);
	} else if (p) {
		p->peer = NULL;
		driver_client_gone(q->driver, p->generation);
	}
}

static void peer_frame(void *user, struct net_peer *peer, const uint8_t *bytes, size_t n)
{
	struct quorate *q = from(user);
	int member = net_peer_member(peer);
	wake(q);
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
	note(user, QUORATE_LEVEL_WARNING, sentence);
}

/* ---- the loop ---- */

static void publish(struct quorate *q)
{
	struct standing s;
	driver_standing(q->driver, &s);
	uv_mutex_lock(&q->lock);
	q->standing = (struct quorate_standing){
		.role = (enum quorate_role)s.role,
		.id = q->identity->self,
		.epoch = s.epoch,
		.view = s.view,
		.leader = s.leader,
		.incarnation = s.incarnation,
		.changing = s.flags & 1,
		.executed = s.executed,
		.stable = s.stable,
		.snapshot = s.snapshot,
		.time_ms = s.time_ms,
		.failed = driver_failed(q->driver),
	};
	memcpy(q->standing.chain, s.chain.b, DIGEST_BYTES);
	memcpy(q->standing.state_digest, s.root.b, DIGEST_BYTES);
	snprintf(q->standing.trouble, sizeof q->standing.trouble, "%s", s.trouble);
	uv_mutex_unlock(&q->lock);
}

static void on_idle(uv_idle_t *handle)
{
	(void)handle; /* its being active keeps the loop from sleeping */
}

static void on_timer(uv_timer_t *handle);

static void turn(struct quorate *q)
{
	if (q->phase != PHASE_RUNNING)
		return;
	q->dirty = false;
	bool more = driver_turn(q->driver);
	if (q->keys_changed) {
		follow_keys(q);
		more = true;
	}
	if (more && !q->idling)
		uv_idle_start(&q->idle, on_idle);
	if (!more && q->idling)
		uv_idle_stop(&q->idle);
	q->idling = more;
	q->dirty = more;
	uint64_t at = driver_deadline(q->driver), now = mono_ms();
	uv_timer_start(&q->timer, on_timer, at == UINT64_MAX ? 1000 : at > now ? at - now : 1, 0);
	publish(q);
}

static void on_check(uv_check_t *handle)
{
	struct quorate *q = from(handle->data);
	if (q->dirty)
		turn(q);
}

static void on_timer(uv_timer_t *handle)
{
	struct quorate *q = from(handle->data);
	if (q->phase != PHASE_RUNNING)
		return;
	uv_update_time(q->loop);
	wake(q);
	turn(q);
}

static void log_news(struct quorate *q)
{
	struct log_writer_state s = log_writer_state(q->writer);
	driver_durable(q->driver, s.durable_lsn);
	driver_space(q->driver, DRIVER_DISK_LOG, s.low_space);
	if (s.failed && q->log_ok) {
		q->log_ok = false;
		driver_fail(q->driver, "the disk refused a write or a flush of the log");
	}
}

static void stop_now(struct quorate *q);

static void on_async(uv_async_t *handle)
{
	struct quorate *q = from(handle->data);
	uv_mutex_lock(&q->lock);
	bool stop = q->wanted == WANT_STOP;
	uv_mutex_unlock(&q->lock);
	if (q->phase == PHASE_RUNNING) {
		wake(q);
		log_news(q);
	}
	if (stop && q->own_thread)
		stop_now(q);
}

/* ---- making one ---- */

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

static bool copy_options(struct quorate *q, const struct quorate_options *o)
{
	const char **fields[6] = { &q->options.genesis,    &q->options.member_key, &q->options.tls_key,
		                   &q->options.passphrase, &q->options.data,       &q->options.listen };
	q->options = *o;
	for (int i = 0; i < 6; i++) {
		q->strings[i] = copy(*fields[i]);
		if (*fields[i] && !q->strings[i])
			return false;
		*fields[i] = q->strings[i];
	}
	return true;
}

static enum quorate_error make_driver(struct quorate *q, char *reason)
{
	const struct quorate_options *o = &q->options;
	struct driver_options d = {
		.genesis = &q->identity->genesis,
		.cluster = q->identity->cluster,
		.self = q->identity->self,
		.scheme = &sign_ed25519,
		.secret = q->identity->secret,
		.verifiers = o->verifiers,
		.requests_max = o->requests_max ? o->requests_max : REQUESTS_DEFAULT,
		.memory_bytes = o->memory_bytes ? (size_t)o->memory_bytes : MEMORY_DEFAULT,
		.app = &q->app,
		.state = q->folder.state,
		.env = { q,
		         env_send,
		         env_send_client,
		         env_close_member,
		         env_close_client,
		         env_append,
		         env_flush,
		         env_truncate_below,
		         env_read,
		         env_transfer_open,
		         env_transfer_install,
		         env_memory_lost,
		         env_readmitted,
		         note,
		         env_wake,
		         env_evidence,
		         env_evidence_next,
		         env_rtt_us,
		         env_secret,
		         env_keys_changed,
		         env_keep_link,
		         env_send_chain },
	};
	q->driver = driver_create(&d);
	sign_wipe(&d.secret);
	return q->driver ? QUORATE_OK : fail(reason, QUORATE_FAILED, "no memory for the replica's tables");
}

/* The links that were kept. What was torn or damaged is cut off, and asked for again. */
static enum quorate_error recover_chain(struct quorate *q, char *reason)
{
	uint8_t *bytes;
	size_t n, used;
	if (!epochs_file_read(q->options.data, &bytes, &n))
		return fail(reason, QUORATE_CONFIG, "the file 'epochs' in the data folder cannot be read");
	bool whole = driver_epochs(q->driver, bytes, n, &used) || epochs_file_cut(q->options.data, used);
	free(bytes);
	return whole ? QUORATE_OK : fail(reason, QUORATE_FAILED, "the file 'epochs' in the data folder is damaged, and cannot be cut");
}

/* What it shows to the others: its newest key, or whichever is here. */
static enum quorate_error choose_key(struct quorate *q, char *reason)
{
	struct identity *id = q->identity;
	const struct public_key *wanted = driver_member_key(q->driver, id->self);
	bool genesis = public_key_equal(wanted, &id->genesis.cards[id->self].member_key), right = id->has_key && public_key_equal(wanted, &id->key);
	if (!right && identity_secret(&q->options, wanted, &id->secret)) {
		id->key = *wanted;
		id->has_key = right = true;
	}
	q->shown = id->key;
	if (!id->has_key)
		return fail(reason, QUORATE_CONFIG, "the file that member_key names is not there, nor one beside it that holds this replica's key");
	/* Whoever lost its memory does not know yet what its key is. */
	if (!right && genesis && q->folder.recovery == BFT_RECOVERY_WHOLE)
		return fail(reason, QUORATE_CONFIG, "no member of the genesis has the key in the file that member_key names");
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
		return fail(reason, QUORATE_SAFETY, driver_trouble(q->driver));
	return choose_key(q, reason);
}

static enum quorate_error listen_on(struct quorate *q, char host[BFT_ADDRESS_BYTES_MAX + 1], uint16_t *port, char *reason)
{
	const char *text = q->options.listen ? q->options.listen : q->identity->genesis.cards[q->identity->self].addresses[0];
	const char *why = card_address_check(text);
	if (why)
		return fail(reason, QUORATE_CONFIG, why);
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
		.connections_max = q->clients_count + g->count,
		.callbacks = { peer_up, peer_down, peer_frame, peer_refused },
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
	return fail(reason, r == NET_NO_MEMORY || r == NET_CANNOT_WATCH ? QUORATE_FAILED : QUORATE_CONFIG, text);
}

static void open_handles(struct quorate *q)
{
	uv_check_init(q->loop, &q->check);
	uv_idle_init(q->loop, &q->idle);
	uv_timer_init(q->loop, &q->timer);
	uv_async_init(q->loop, &q->async, on_async);
	q->check.data = q->idle.data = q->timer.data = q->async.data = q;
	q->handles_open = 4;
}

/* Everything but running, on the thread that will run it: the state's transactions belong to one thread. */
static enum quorate_error open_all(struct quorate *q, char *reason)
{
	enum quorate_error error = identity_read(q->identity, &q->options, reason);
	if (error != QUORATE_OK)
		return error;
	const struct public_key *member = &q->identity->genesis.cards[q->identity->self].member_key;
	if (!q->options.data)
		return fail(reason, QUORATE_USAGE, "no data folder is named");
	error = folder_open(&q->folder, q->options.data, &q->identity->cluster, member, &q->options, reason);
	if (error == QUORATE_OK)
		error = make_driver(q, reason);
	if (error == QUORATE_OK)
		error = recover(q, reason);
	if (error == QUORATE_OK)
		error = make_net(q, reason);
	return error;
}

/* ---- the end ---- */

static void handle_closed(uv_handle_t *handle)
{
	struct quorate *q = from(handle->data);
	if (--q->handles_open)
		return;
	q->phase = PHASE_STOPPED;
	if (q->stopped && !q->own_thread)
		q->stopped(q->stopped_user);
}

static void close_rest(struct quorate *q)
{
	bool clean = q->log_ok && !(q->driver && driver_failed(q->driver));
	if (q->writer)
		clean &= log_writer_stop(q->writer);
	else
		clean = false; /* it never ran: the superblock says what it said */
	q->writer = NULL;
	driver_destroy(q->driver);
	q->driver = NULL;
	folder_close(&q->folder, clean);
	if (q->identity) {
		sign_wipe(&q->identity->secret);
		sign_wipe(&q->identity->tls_secret);
	}
	if (q->handles_open) {
		uv_close((uv_handle_t *)&q->check, handle_closed);
		uv_close((uv_handle_t *)&q->idle, handle_closed);
		uv_close((uv_handle_t *)&q->timer, handle_closed);
		uv_close((uv_handle_t *)&q->async, handle_closed);
	}
}

static void net_gone(void *user)
{
	struct quorate *q = from(user);
	q->net = NULL;
	close_rest(q);
}

static void stop_now(struct quorate *q)
{
	if (q->phase >= PHASE_STOPPING)
		return;
	q->phase = PHASE_STOPPING;
	if (q->net)
		net_close(q->net, net_gone, q);
	else
		close_rest(q);
}

/* ---- starting ---- */

static enum quorate_error start_now(struct quorate *q, char *reason)
{
	struct log_writer_options w = { .flush = q->options.durability == QUORATE_DURABILITY_FLUSH, .notify = env_wake, .arg = q };
	const struct bft_genesis *g = &q->identity->genesis;
	q->writer = log_writer_start(q->folder.log, &w);
	if (!q->writer)
		return fail(reason, QUORATE_FAILED, "no thread for the log");
	q->log_ok = true;
	q->phase = PHASE_RUNNING;
	for (uint32_t i = 0; i < g->count; i++) {
		char host[BFT_ADDRESS_BYTES_MAX + 1];
		uint16_t port;
		card_address_split(g->cards[i].addresses[0], host, &port);
		enum net_error r = net_set_member(q->net, i, driver_member_key(q->driver, (uint8_t)i), &g->cards[i].tls_key, host, port);
		if (r != NET_OK)
			return fail(reason, QUORATE_CONFIG, net_error_text(r));
	}
	uv_check_start(&q->check, on_check);
	if (q->folder.state_lost[0]) {
		char line[STATE_REASON_BYTES + 96];
		snprintf(line, sizeof line, "the state is damaged (%s): it was dropped, and is made again from the log or from the others",
		         q->folder.state_lost);
		note(q, QUORATE_LEVEL_WARNING, line);
	}
	if (q->folder.recovery == BFT_RECOVERY_LOST) {
		char line[QUORATE_REASON_BYTES + 64];
		snprintf(line, sizeof line, "this replica is an observer: %s", q->folder.why_lost);
		note(q, QUORATE_LEVEL_WARNING, line);
	}
	if (!driver_start(q->driver, q->folder.recovery, folder_incarnation(&q->folder), q->folder.last_lsn, mono_ms(), wall_ms()))
		return fail(reason, QUORATE_FAILED, driver_trouble(q->driver));
	turn(q);
	return QUORATE_OK;
}

static void own_thread_main(void *arg)
{
	struct quorate *q = from(arg);
	char reason[QUORATE_REASON_BYTES] = "";
	enum quorate_error error = open_all(q, reason);
	uv_mutex_lock(&q->lock);
	q->error = error;
	memcpy(q->reason, reason, sizeof reason);
	q->created = true;
	uv_cond_broadcast(&q->changed);
	while (error == QUORATE_OK && q->wanted == WANT_NOTHING)
		uv_cond_wait(&q->changed, &q->lock);
	bool start = error == QUORATE_OK && q->wanted == WANT_START;
	uv_mutex_unlock(&q->lock);
	if (start) {
		error = start_now(q, reason);
		uv_mutex_lock(&q->lock);
		q->error = error;
		memcpy(q->reason, reason, sizeof reason);
		q->created = true;
		uv_cond_broadcast(&q->changed);
		uv_mutex_unlock(&q->lock);
	}
	if (!start || error != QUORATE_OK)
		stop_now(q);
	uv_run(q->loop, UV_RUN_DEFAULT);
}

/* Waits until the thread has tried what was asked. */
static enum quorate_error own_thread_answer(struct quorate *q, char *reason)
{
	while (!q->created)
		uv_cond_wait(&q->changed, &q->lock);
	enum quorate_error error = q->error;
	if (error != QUORATE_OK && reason)
		memcpy(reason, q->reason, sizeof q->reason);
	uv_mutex_unlock(&q->lock);
	return error;
}

/* ---- the public functions ---- */

static struct quorate *allocate(const struct quorate_options *o, const struct quorate_app *app)
{
	struct quorate *q = calloc(1, sizeof *q);
	if (!q)
		return NULL;
	q->magic = MAGIC;
	q->app = *app;
	q->clients_count = o->clients_max ? (o->clients_max < CLIENTS_MAX ? o->clients_max : CLIENTS_MAX) : CLIENTS_DEFAULT;
	q->clients = calloc(q->clients_count, sizeof *q->clients);
	for (uint32_t i = 0; q->clients && i < q->clients_count; i++)
		q->clients[i].generation = i;
	q->identity = calloc(1, sizeof *q->identity);
	uv_mutex_init(&q->lock);
	uv_cond_init(&q->changed);
	if (!copy_options(q, o) || !q->clients || !q->identity) {
		q->phase = PHASE_STOPPED;
		quorate_destroy(q);
		return NULL;
	}
	return q;
}

enum quorate_error quorate_create(struct quorate **out, const struct quorate_options *options, const struct quorate_app *app, char *reason)
{
	*out = NULL;
	if (!options || !app || !app->execute)
		return fail(reason, QUORATE_USAGE, "no options, or no application");
	struct quorate *q = allocate(options, app);
	if (!q)
		return fail(reason, QUORATE_FAILED, "no memory");
	q->own_thread = options->loop == NULL;
	q->loop = q->own_thread ? &q->own_loop : options->loop;
	if (q->own_thread && uv_loop_init(&q->own_loop) != 0) {
		q->phase = PHASE_STOPPED;
		q->own_thread = false;
		quorate_destroy(q);
		return fail(reason, QUORATE_FAILED, "no loop");
	}
	open_handles(q);
	enum quorate_error error;
	if (q->own_thread) {
		uv_mutex_lock(&q->lock);
		if (uv_thread_create(&q->thread, own_thread_main, q) != 0) {
			q->error = QUORATE_FAILED;
			q->created = true;
		}
		error = own_thread_answer(q, reason);
	} else {
		error = open_all(q, reason);
	}
	if (error != QUORATE_OK) {
		quorate_destroy(q);
		return error;
	}
	*out = q;
	return QUORATE_OK;
}

enum quorate_error quorate_start(struct quorate *q, char *reason)
{
	if (q->wanted != WANT_NOTHING)
		return fail(reason, QUORATE_USAGE, "a replica is started once");
	if (!q->own_thread) {
		q->wanted = WANT_START;
		return start_now(q, reason);
	}
	uv_mutex_lock(&q->lock);
	q->created = false;
	q->wanted = WANT_START;
	uv_cond_broadcast(&q->changed);
	return own_thread_answer(q, reason);
}

void quorate_stop(struct quorate *q, void (*stopped)(void *user), void *user)
{
	if (!q->own_thread) {
		q->stopped = stopped;
		q->stopped_user = user;
		if (q->phase == PHASE_STOPPED && stopped)
			stopped(user);
		else
			stop_now(q);
		return;
	}
	uv_mutex_lock(&q->lock);
	q->wanted = WANT_STOP;
	uv_cond_broadcast(&q->changed);
	uv_mutex_unlock(&q->lock);
	if (!q->joined) {
		q->joined = true;
		uv_async_send(&q->async);
		uv_thread_join(&q->thread);
		uv_loop_close(&q->own_loop);
		q->phase = PHASE_STOPPED;
	}
	if (stopped)
		stopped(user);
}

void quorate_destroy(struct quorate *q)
{
	if (!q)
		return;
	if (q->own_thread && !q->joined)
		quorate_stop(q, NULL, NULL);
	if (!q->own_thread && q->phase != PHASE_STOPPED) {
		/* Never started, or stopped and not yet gone: the loop is run until its handles are. */
		stop_now(q);
		while (q->phase != PHASE_STOPPED)
			uv_run(q->loop, UV_RUN_ONCE);
	}
	for (int i = 0; i < 6; i++)
		free(q->strings[i]);
	free(q->identity);
	free(q->clients);
	uv_mutex_destroy(&q->lock);
	uv_cond_destroy(&q->changed);
	q->magic = 0;
	free(q);
}

uint16_t quorate_port(const struct quorate *q)
{
	return q->port;
}

void quorate_standing(struct quorate *q, struct quorate_standing *out)
{
	uv_mutex_lock(&q->lock);
	*out = q->standing;
	uv_mutex_unlock(&q->lock);
}

enum quorate_error quorate_format(const struct quorate_options *options, char *reason)
{
	struct identity *identity = calloc(1, sizeof *identity);
	if (!identity)
		return fail(reason, QUORATE_FAILED, "no memory");
	enum quorate_error error = identity_read(identity, options, reason);
	if (error == QUORATE_OK && !options->data)
		error = fail(reason, QUORATE_USAGE, "no data folder is named");
	if (error == QUORATE_OK && !options->lost &&
	    (!identity->has_key || !public_key_equal(&identity->key, &identity->genesis.cards[identity->self].member_key)))
		error = fail(reason, QUORATE_CONFIG, "no member of the genesis has the key in the file that member_key names");
	if (error == QUORATE_OK) {
		struct folder_needs needs = folder_needs(&identity->genesis);
		error = folder_format(options->data, &identity->cluster, &identity->genesis.cards[identity->self].member_key, &needs, options, reason);
	}
	sign_wipe(&identity->secret);
	sign_wipe(&identity->tls_secret);
	free(identity);
	return error;
}
