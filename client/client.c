/* The client over libuv: include/quorate_client.h on the core, net/ and a loop. One wake-up of the loop is one tick of the core. */
#include "client/client_state.h"

#include "bft/check.h"
#include "bft/envelope.h"
#include "bft/quorum.h"
#include "bft/reply.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAGIC 0x71756363u
#define QUEUE_DEFAULT 65536u
#define FRAME_MARGIN (64u << 10) /* above the largest result, or bundle: heads */
_Static_assert(FRAME_MARGIN >= BFT_FRAME_HEAD_BYTES + REPLY_HEAD_BYTES_MAX, "every reply can be taken");

struct quorate_client *client_from(void *data)
{
	struct quorate_client *c = data;
	BFT_CHECK(c && c->magic == MAGIC);
	return c;
}

enum quorate_error client_fail(char *reason, enum quorate_error error, const char *sentence)
{
	if (reason)
		snprintf(reason, QUORATE_REASON_BYTES, "%s", sentence);
	return error;
}

void client_note(struct quorate_client *c, enum quorate_level level, const char *line)
{
	if (c->log)
		c->log(c->log_user, level, line);
}

bool client_on_own_thread(struct quorate_client *c)
{
	uv_thread_t self = uv_thread_self();
	uv_mutex_lock(&c->lock);
	bool own = c->own_thread && c->thread_known && uv_thread_equal(&self, &c->thread_self);
	uv_mutex_unlock(&c->lock);
	return own;
}

/* ---- the core's world ---- */

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

static bool env_send(void *user, uint32_t member, enum net_class class, const uint8_t *frame, size_t n)
{
	struct quorate_client *c = client_from(user);
	struct net_peer *peer = c->net ? net_member_peer(c->net, member) : NULL;
	return peer && net_send(peer, class, frame, n, NULL, 0);
}

static void env_random(void *user, void *out, size_t n)
{
	(void)user;
	randombytes_buf(out, n);
}

/* The first thing in every callback that brings something. */
static void wake(struct quorate_client *c)
{
	c->dirty = true;
	client_core_time(c->core, mono_ms(), wall_ms());
}

/* ---- net's callbacks ---- */

static void count_link(struct quorate_client *c, bool up)
{
	uv_mutex_lock(&c->lock);
	c->links = up ? c->links + 1 : c->links - 1;
	uv_cond_broadcast(&c->changed);
	uv_mutex_unlock(&c->lock);
}

/* With the key that is known here, or with another one: that may be newer, or a former one. */
static void member_linked(struct quorate_client *c, uint32_t member, bool known)
{
	client_core_stranger(c->core, member, !known);
	if (!known)
		return;
	c->linked |= BFT_BIT(member);
	client_core_link(c->core, member, true);
	count_link(c, true);
}

static void peer_up(void *user, struct net_peer *peer)
{
	struct quorate_client *c = client_from(user);
	int member = net_peer_member(peer);
	if (member < 0)
		return;
	wake(c);
	member_linked(c, (uint32_t)member, net_peer_known(peer));
}

static const char *org_of(const struct quorate_client *c, uint32_t member)
{
	const struct bft_card *card = client_core_card(c->core, member);
	return card ? card->org : "no member any more";
}

static void peer_down(void *user, struct net_peer *peer, const char *reason)
{
	struct quorate_client *c = client_from(user);
	int member = net_peer_member(peer);
	char line[256];
	if (member < 0)
		return;
	wake(c);
	client_core_stranger(c->core, (uint32_t)member, false);
	if (!(c->linked & BFT_BIT(member)))
		return;
	c->linked &= ~BFT_BIT(member);
	client_core_link(c->core, (uint32_t)member, false);
	count_link(c, false);
	snprintf(line, sizeof line, "the link to replica %d (%s) is down: %s", member, org_of(c, (uint32_t)member), reason);
	client_note(c, QUORATE_LEVEL_INFO, line);
}

/* What no honest replica sends is ignored: the f+1 others do not need its word. */
static void peer_frame(void *user, struct net_peer *peer, const uint8_t *bytes, size_t n)
{
	struct quorate_client *c = client_from(user);
	int member = net_peer_member(peer);
	if (member < 0)
		return;
	wake(c);
	if (c->linked & BFT_BIT(member))
		client_core_frame(c->core, (uint32_t)member, bytes, n);
	else
		client_core_stranger_frame(c->core, (uint32_t)member, bytes, n);
}

static void keys_changed(void *user)
{
	client_from(user)->keys_changed = true;
}

static enum quorate_error net_failed(char *reason, const char *what, enum net_error r)
{
	char text[QUORATE_REASON_BYTES];
	snprintf(text, sizeof text, "%.300s: %.150s", what, net_error_text(r));
	return client_fail(reason, r == NET_BAD_ADDRESS || r == NET_BAD_OPTIONS ? QUORATE_CONFIG : QUORATE_FAILED, text);
}

static enum quorate_error dial(struct quorate_client *c, char *reason)
{
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		const struct bft_card *card = client_core_card(c->core, i);
		char host[BFT_ADDRESS_BYTES_MAX + 1];
		uint16_t port;
		/* Who has a number now is another one than who had it; who only has another key stays linked (net_set_member_key). */
		if (card == c->dialled[i])
			continue;
		net_clear_member(c->net, i);
		c->dialled[i] = card;
		if (!card)
			continue;
		card_address_split(card->addresses[0], host, &port);
		enum net_error r = net_set_member(c->net, i, client_core_key(c->core, i), &card->tls_key, host, port);
		if (r != NET_OK)
			return net_failed(reason, card->addresses[0], r);
	}
	return QUORATE_OK;
}

static void copy_roster(struct quorate_client *c)
{
	c->roster = *client_core_roster(c->core);
	c->epoch = client_core_epoch(c->core);
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++)
		c->card[i] = client_core_card(c->core, i);
}

/* The core is the loop's; others get a copy. */
static void copy_chain(struct quorate_client *c)
{
	size_t n;
	const uint8_t *links = client_core_links(c->core, client_core_epoch(c->core), &n);
	uv_mutex_lock(&c->lock);
	uint8_t *chain = links ? realloc(c->chain, n) : NULL;
	if (chain) {
		memcpy(chain, links, n);
		c->chain = chain;
		c->chain_bytes = n;
	}
	copy_roster(c);
	uv_mutex_unlock(&c->lock);
}

/* Links with a former key end here, and those that were strangers because of a new one are members'. */
static void follow_keys(struct quorate_client *c)
{
	c->keys_changed = false;
	copy_chain(c);
	(void)dial(c, NULL); /* what cannot be reached any more, or not yet, is told by its link */
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		if (!client_core_card(c->core, i))
			continue;
		(void)net_set_member_key(c->net, i, client_core_key(c->core, i), NULL);
		const struct net_peer *peer = net_member_peer(c->net, i);
		if (peer && !(c->linked & BFT_BIT(i)) && net_peer_known(peer))
			member_linked(c, i, true);
	}
}

static void peer_refused(void *user, const char *sentence)
{
	client_note(client_from(user), QUORATE_LEVEL_WARNING, sentence);
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *handle);

static void turn(struct quorate_client *c)
{
	if (c->phase != CLIENT_RUNNING)
		return;
	c->dirty = false;
	if (c->keys_changed)
		follow_keys(c);
	client_core_time(c->core, mono_ms(), wall_ms());
	client_calls_carry_out(c);
	client_core_tick(c->core, mono_ms(), wall_ms());
	uint64_t at = client_core_deadline(c->core), now = mono_ms();
	if (at <= now)
		uv_async_send(&c->async);
	else if (at != UINT64_MAX)
		uv_timer_start(&c->timer, on_timer, at - now, 0);
	else
		uv_timer_stop(&c->timer);
}

static void on_check(uv_check_t *handle)
{
	struct quorate_client *c = client_from(handle->data);
	if (c->dirty)
		turn(c);
}

static void on_timer(uv_timer_t *handle)
{
	struct quorate_client *c = client_from(handle->data);
	uv_update_time(c->loop);
	turn(c);
}

static void stop_now(struct quorate_client *c);

static void on_async(uv_async_t *handle)
{
	struct quorate_client *c = client_from(handle->data);
	uv_mutex_lock(&c->lock);
	bool stop = c->stop_wanted;
	uv_mutex_unlock(&c->lock);
	c->dirty = true;
	if (stop)
		stop_now(c);
}

/* ---- the end ---- */

static void set_phase(struct quorate_client *c, enum client_phase phase)
{
	uv_mutex_lock(&c->lock);
	c->phase = phase;
	uv_cond_broadcast(&c->changed);
	uv_mutex_unlock(&c->lock);
}

/* With a loop given, `stopped` may destroy the client: nothing is touched after it. */
static void handle_closed(uv_handle_t *handle)
{
	struct quorate_client *c = client_from(handle->data);
	if (--c->handles_open)
		return;
	set_phase(c, CLIENT_STOPPED);
	client_calls_refuse(c);
	uv_mutex_lock(&c->lock);
	void (*stopped)(void *user) = c->stopped;
	void *user = c->stopped_user;
	c->stopped = NULL;
	uv_mutex_unlock(&c->lock);
	if (stopped)
		stopped(user);
}

static void close_handles(struct quorate_client *c)
{
	uv_close((uv_handle_t *)&c->check, handle_closed);
	uv_close((uv_handle_t *)&c->timer, handle_closed);
	uv_close((uv_handle_t *)&c->async, handle_closed);
}

static void net_gone(void *user)
{
	struct quorate_client *c = client_from(user);
	c->net = NULL;
	close_handles(c);
}

static void stop_now(struct quorate_client *c)
{
	if (c->phase != CLIENT_RUNNING)
		return;
	uv_mutex_lock(&c->lock);
	c->stop_wanted = true;
	c->phase = CLIENT_STOPPING;
	uv_cond_broadcast(&c->changed);
	uv_mutex_unlock(&c->lock);
	client_core_stop(c->core);
	client_calls_refuse(c);
	net_close(c->net, net_gone, c);
}

/* Never started: no loop knows of it. */
static void stop_cold(struct quorate_client *c)
{
	client_core_stop(c->core);
	client_calls_refuse(c);
	set_phase(c, CLIENT_STOPPED);
}

static void join(struct quorate_client *c)
{
	uv_mutex_lock(&c->lock);
	bool mine = c->thread_made && !c->joined;
	c->joined = true;
	uv_mutex_unlock(&c->lock);
	if (mine)
		uv_thread_join(&c->thread);
	/* Another thread may be joining. */
	uv_mutex_lock(&c->lock);
	while (c->phase != CLIENT_STOPPED)
		uv_cond_wait(&c->changed, &c->lock);
	uv_mutex_unlock(&c->lock);
}

void quorate_client_stop(struct quorate_client *c, void (*stopped)(void *user), void *user)
{
	bool here = client_on_own_thread(c), waits = c->own_thread && !here;
	uv_mutex_lock(&c->lock);
	enum client_phase phase = c->phase;
	c->stop_wanted = true;
	/* Whoever cannot wait is told by the loop. */
	if (!waits && !c->stopped && phase != CLIENT_CREATED && phase != CLIENT_STOPPED) {
		c->stopped = stopped;
		c->stopped_user = user;
	}
	if (phase == CLIENT_RUNNING)
		uv_async_send(&c->async);
	uv_mutex_unlock(&c->lock);
	if (phase == CLIENT_CREATED)
		stop_cold(c);
	else if (waits)
		join(c);
	if (stopped && (waits || phase == CLIENT_CREATED || phase == CLIENT_STOPPED))
		stopped(user);
}

void quorate_client_destroy(struct quorate_client *c)
{
	if (!c)
		return;
	quorate_client_stop(c, NULL, NULL);
	/* With a loop given it is run until nothing of the client is on it. */
	while (!c->own_thread && c->phase != CLIENT_STOPPED)
		uv_run(c->loop, UV_RUN_ONCE);
	if (c->own_thread) {
		join(c);
		uv_loop_close(&c->own_loop);
	}
	client_sessions_free(c);
	client_core_destroy(c->core);
	sign_wipe(&c->secret);
	free(c->chain);
	free(c->genesis);
	uv_mutex_destroy(&c->lock);
	uv_cond_destroy(&c->changed);
	c->magic = 0;
	free(c);
}

/* ---- making one ---- */

static struct quorate_client *allocate(const struct quorate_client_options *o)
{
	struct quorate_client *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->genesis = calloc(1, sizeof *c->genesis);
	if (!c->genesis || uv_mutex_init(&c->lock) != 0) {
		free(c->genesis);
		free(c);
		return NULL;
	}
	if (uv_cond_init(&c->changed) != 0) {
		uv_mutex_destroy(&c->lock);
		free(c->genesis);
		free(c);
		return NULL;
	}
	c->magic = MAGIC;
	c->log = o->log;
	c->log_user = o->log_user;
	c->queue_max = o->queue_max ? o->queue_max : QUEUE_DEFAULT;
	c->own_thread = o->loop == NULL;
	c->loop = o->loop ? o->loop : &c->own_loop;
	return c;
}

static void discard(struct quorate_client *c)
{
	client_core_destroy(c->core);
	sign_wipe(&c->secret);
	free(c->genesis);
	uv_mutex_destroy(&c->lock);
	uv_cond_destroy(&c->changed);
	free(c);
}

static void on_liar(void *user, uint32_t member, const char *what)
{
	struct quorate_client *c = user;
	char line[160];
	snprintf(line, sizeof line, "replica %u (%s): %s", member, org_of(c, member), what);
	client_note(c, QUORATE_LEVEL_WARNING, line);
}

static enum quorate_error make_core(struct quorate_client *c, const struct quorate_client_options *o, char *reason)
{
	struct client_core_options core = {
		.genesis = c->genesis,
		.cluster = c->cluster,
		.scheme = &sign_ed25519,
		.key = c->key,
		.secret = c->secret,
		.timeout_ms = o->timeout_ms,
		.retry_ms = o->retry_ms,
		.bundle_ops = o->bundle_ops,
		.bundles_max = o->bundles_max,
		.queue_max = c->queue_max,
		.user = c,
		.send = env_send,
		.fill_random = env_random,
		.changed = client_calls_changed,
		.liar = on_liar,
		.keys_changed = keys_changed,
	};
	c->core = client_core_create(&core);
	sign_wipe(&core.secret);
	if (!c->core)
		return client_fail(reason, QUORATE_FAILED, "no memory for the client's tables");
	copy_roster(c);
	client_core_time(c->core, mono_ms(), wall_ms());
	return QUORATE_OK;
}

enum quorate_error quorate_client_create(struct quorate_client **out, const struct quorate_client_options *options, char *reason)
{
	if (!out)
		return client_fail(reason, QUORATE_USAGE, "no place for the client");
	*out = NULL;
	if (!options)
		return client_fail(reason, QUORATE_USAGE, "no options");
	struct quorate_client *c = allocate(options);
	if (!c)
		return client_fail(reason, QUORATE_FAILED, "no memory");
	enum quorate_error error = client_identity_read(c, options, reason);
	if (error == QUORATE_OK)
		error = make_core(c, options, reason);
	if (error == QUORATE_OK && c->own_thread && uv_loop_init(&c->own_loop) != 0)
		error = client_fail(reason, QUORATE_FAILED, "no loop");
	if (error != QUORATE_OK) {
		discard(c);
		return error;
	}
	*out = c;
	return QUORATE_OK;
}

/* ---- starting ---- */

static enum net_error make_net(struct quorate_client *c)
{
	struct public_key tls_key;
	struct net_options n = {
		.loop = c->loop,
		.scheme = &sign_ed25519,
		.cluster = c->cluster,
		.self = c->key,
		.secret = c->secret,
		.role = NET_CLIENT,
		.mode = (uint8_t)c->genesis->mode,
		.other_keys = true,
		.frame_bytes_max = RESULT_BYTES_MAX + FRAME_MARGIN,
		.client_frame_bytes_max = BFT_BUNDLE_BYTES_MAX + FRAME_MARGIN,
		.callbacks = { peer_up, peer_down, peer_frame, peer_refused },
		.user = c,
	};
	/* A client's TLS key is known to nobody: the HELLO says who it is. */
	sign_keypair_random(&sign_ed25519, &tls_key, &n.tls_secret);
	enum net_error r = net_create(&c->net, &n);
	sign_wipe(&n.secret);
	sign_wipe(&n.tls_secret);
	return r;
}

/* Nothing of a start that failed stays on the loop, once it has run. */
static void undo_net(struct quorate_client *c)
{
	if (c->net)
		net_close(c->net, NULL, NULL);
	c->net = NULL;
	if (c->own_thread)
		uv_run(c->loop, UV_RUN_DEFAULT);
}

static void own_thread_main(void *arg)
{
	struct quorate_client *c = client_from(arg);
	uv_mutex_lock(&c->lock);
	c->thread_self = uv_thread_self();
	c->thread_known = true;
	uv_mutex_unlock(&c->lock);
	uv_run(c->loop, UV_RUN_DEFAULT);
}

static enum quorate_error run(struct quorate_client *c, char *reason)
{
	uv_check_init(c->loop, &c->check);
	uv_timer_init(c->loop, &c->timer);
	c->check.data = c->timer.data = c->async.data = c;
	c->handles_open = 3;
	uv_check_start(&c->check, on_check);
	set_phase(c, CLIENT_RUNNING);
	uv_async_send(&c->async); /* what was handed over before */
	if (!c->own_thread)
		return QUORATE_OK;
	/* Under the lock: a callback on the new thread may ask at once which thread it is on, and stop. */
	uv_mutex_lock(&c->lock);
	c->thread_made = uv_thread_create(&c->thread, own_thread_main, c) == 0;
	uv_mutex_unlock(&c->lock);
	if (c->thread_made)
		return QUORATE_OK;
	stop_now(c);
	uv_run(c->loop, UV_RUN_DEFAULT);
	return client_fail(reason, QUORATE_FAILED, "no thread for the client");
}

enum quorate_error quorate_client_start(struct quorate_client *c, char *reason)
{
	uv_mutex_lock(&c->lock);
	bool fresh = c->phase == CLIENT_CREATED && !c->stop_wanted;
	uv_mutex_unlock(&c->lock);
	if (!fresh)
		return client_fail(reason, QUORATE_USAGE, "a client is started once");
	enum net_error r = make_net(c);
	if (r != NET_OK)
		return net_failed(reason, "the client's endpoint", r);
	enum quorate_error error = dial(c, reason);
	if (error == QUORATE_OK && uv_async_init(c->loop, &c->async, on_async) != 0)
		error = client_fail(reason, QUORATE_FAILED, "the loop takes no more descriptors");
	if (error != QUORATE_OK) {
		undo_net(c);
		return error;
	}
	return run(c, reason);
}

/* ---- what it knows ---- */

static struct bft_roster roster_copy(const struct quorate_client *c)
{
	struct quorate_client *any = (struct quorate_client *)(uintptr_t)c;
	uv_mutex_lock(&any->lock);
	struct bft_roster r = c->roster;
	uv_mutex_unlock(&any->lock);
	return r;
}

uint32_t quorate_client_members(const struct quorate_client *c)
{
	struct bft_roster r = roster_copy(c);
	return roster_width(&r);
}

uint32_t quorate_client_quorum(const struct quorate_client *c)
{
	struct bft_roster r = roster_copy(c);
	return roster_quorum(&r);
}

uint32_t quorate_client_liars(const struct quorate_client *c)
{
	struct bft_roster r = roster_copy(c);
	return r.mode == BFT_MODE_TRUSTED ? 0 : quorum_faults(roster_count(&r));
}

uint32_t quorate_client_links(struct quorate_client *c)
{
	uv_mutex_lock(&c->lock);
	uint32_t links = c->links;
	uv_mutex_unlock(&c->lock);
	return links;
}

uint64_t quorate_client_epoch(struct quorate_client *c)
{
	uv_mutex_lock(&c->lock);
	uint64_t epoch = c->epoch;
	uv_mutex_unlock(&c->lock);
	return epoch;
}

size_t quorate_client_epochs(struct quorate_client *c, void *bytes, size_t capacity)
{
	uv_mutex_lock(&c->lock);
	size_t n = c->chain_bytes;
	if (n && bytes)
		memcpy(bytes, c->chain, n < capacity ? n : capacity);
	uv_mutex_unlock(&c->lock);
	return n;
}

const char *quorate_client_org(const struct quorate_client *c, uint32_t member)
{
	struct quorate_client *any = (struct quorate_client *)(uintptr_t)c;
	uv_mutex_lock(&any->lock);
	const struct bft_card *card = member < BFT_MEMBERS_MAX ? c->card[member] : NULL;
	uv_mutex_unlock(&any->lock);
	return card ? card->org : "";
}

const char *quorate_client_cluster(const struct quorate_client *c)
{
	return c->cluster_text;
}
