/* quorate-liar: a replica, or a client, that is honest until it is told to lie. It links the same core, driver, log and client as the product; the lie is in what leaves it.
 *
 *   quorate-liar --config FILE --attack NAME [--attack NAME...] [--colluders 0,1] [--twin yes] [--seed N] [--on-signal yes]
 *   quorate-liar --client GENESIS --key FILE --attack NAME [...]
 *
 * With --on-signal it waits, but for the attacks whose bits are set in --acting N: SIGRTMIN+i begins the i-th attack, SIGRTMIN+8+i ends it; SIGUSR1 begins all, SIGUSR2 ends all. At the end it says how often each acted. */
#include "bench/malice/malice.h"
#include "bench/tap/tap.h"
#include "bft/raft/raft.h"
#include "client/client_state.h"
#include "crypto/keyfile.h"
#include "net/endpoint.h"
#include "net/net.h"
#include "quorate_kv.h"
#include "quorate_setup.h"
#include "replica/driver_state.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct attack *attacks[LIAR_ATTACKS_MAX];
static uint32_t attacks_count;
static volatile sig_atomic_t stopping;
static volatile uint32_t acting; /* bit i: the i-th attack goes on; signals set it */

/* ---- replica ---- */

static uint32_t was_acting; /* on the engine's thread */
static uint64_t since_ms[LIAR_ATTACKS_MAX];

static void follow(struct liar *l)
{
	uint32_t now = acting;
	for (uint32_t i = 0; i < attacks_count && now != was_acting; i++) {
		bool before = was_acting >> i & 1, after = now >> i & 1;
		if (!before && after)
			since_ms[i] = liar_now_ms();
		if (before && !after && attacks[i]->ends)
			attacks[i]->ends(l);
	}
	was_acting = now;
}

static bool asked(struct liar *l, uint32_t i)
{
	l->acting = i;
	l->since_ms = since_ms[i];
	return was_acting >> i & 1;
}

/* Head and body in one place. */
static bool join(struct liar *l, const void *head, size_t head_n, const void *body, size_t body_n)
{
	size_t n = head_n + body_n;
	if (n > l->frame_capacity) {
		uint8_t *larger = realloc(l->frame, n);
		if (!larger)
			return false;
		l->frame = larger;
		l->frame_capacity = n;
	}
	memcpy(l->frame, head, head_n);
	if (body_n)
		memcpy(l->frame + head_n, body, body_n);
	return true;
}

static bool to_member(void *user, struct quorate *q, uint8_t member, int class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct liar *l = user;
	struct sending s = { .member = member, .class = class, .n = head_n + body_n };
	l->q = q;
	follow(l);
	late_send(&l->late, q);
	if (!join(l, head, head_n, body, body_n))
		return false;
	s.bytes = l->frame;
	struct rd r = rd_of(s.bytes, s.n);
	bool known = envelope_read(&r, &s.e);
	s.mine = s.e.signer == BFT_SIGNER_CHANNEL;
	for (uint32_t i = 0; known && i < attacks_count; i++)
		if (asked(l, i) && attacks[i]->to_member && attacks[i]->to_member(l, &s))
			return true;
	return replica_send_member(q, member, class, s.bytes, s.n);
}

static bool to_client(void *user, struct quorate *q, uint64_t link, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct liar *l = user;
	struct answering a = { .link = link, .n = head_n + body_n };
	l->q = q;
	follow(l);
	if (!join(l, head, head_n, body, body_n))
		return false;
	a.bytes = l->frame;
	struct rd r = rd_of(a.bytes, a.n);
	bool known = envelope_read(&r, &a.e);
	for (uint32_t i = 0; known && i < attacks_count; i++)
		if (asked(l, i) && attacks[i]->to_client && attacks[i]->to_client(l, &a))
			return true;
	return replica_send_client(q, link, a.bytes, a.n);
}

/* ---- office ---- */

void __real_driver_member_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n);

#define OFFICE_MS 300u

static bool office_wanted; /* --office: it is to lead before anything begins */

/* In trusted mode whoever is elected leads, and an attack on the office needs it. While nothing is asked yet all logs are equal, and who takes itself to have been told by the
 * leader to stand at once is elected. Under load it would not be; then it does not try. */
static void take_office(struct liar *l, struct driver *d)
{
	static uint64_t last_ms;
	static uint8_t frame[BFT_FRAME_HEAD_BYTES + 64];
	if (!office_wanted || l->identity.genesis.mode != BFT_MODE_TRUSTED || liar_now_ms() < last_ms + OFFICE_MS)
		return;
	last_ms = liar_now_ms();
	const struct raft *core = (const struct raft *)(const void *)d->core;
	struct raft_timeout_now m = { .term = core->term };
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = RAFT_TIMEOUT_NOW, .epoch = d->epoch };
	struct wr w = wr_of(frame, sizeof frame);
	office_wanted = core->role != RAFT_LEADER;
	if (core->role != RAFT_FOLLOWER || core->leader == RAFT_NOBODY)
		return;
	envelope_write(&w, &e);
	size_t n = raft_encode(RAFT_TIMEOUT_NOW, &m, w.at, (size_t)(w.end - w.at));
	__real_driver_member_frame(d, core->leader, frame, BFT_FRAME_HEAD_BYTES + n);
}

/* What comes in passes by here first: the linker puts these in the place of the driver's. */
static struct liar *listening; /* NULL in a client */

static bool is_unheard(struct hearing *h)
{
	bool unheard = false;
	if (listening)
		follow(listening);
	for (uint32_t i = 0; listening && listening->q && i < attacks_count && !unheard; i++) {
		listening->hearing = h;
		unheard = asked(listening, i) && attacks[i]->hears && attacks[i]->hears(listening, h->bytes, h->n);
		listening->hearing = NULL;
	}
	return unheard;
}

void __real_driver_member_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n);
void __wrap_driver_member_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n);
void __real_driver_client_frame(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *bytes, size_t n);
void __wrap_driver_client_frame(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *bytes, size_t n);

static void tell_driver(struct driver *d, const struct hearing *h)
{
	if (h->member >= 0)
		__real_driver_member_frame(d, (uint8_t)h->member, h->bytes, h->n);
	else
		__real_driver_client_frame(d, h->link, &h->key, h->bytes, h->n);
}

static void hear(struct driver *d, struct hearing *h)
{
	struct hearing late;
	while (listening && late_heard_next(&listening->heard, &late)) {
		tell_driver(d, &late);
		free((void *)(uintptr_t)late.bytes);
	}
	if (listening)
		take_office(listening, d);
	if (!is_unheard(h))
		tell_driver(d, h);
}

void __wrap_driver_member_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n)
{
	tap_heard(member, bytes, n);
	hear(d, &(struct hearing){ .member = member, .bytes = bytes, .n = n });
}

void __wrap_driver_client_frame(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *bytes, size_t n)
{
	tap_heard(TAP_CLIENT, bytes, n);
	hear(d, &(struct hearing){ .member = -1, .link = link, .key = *key, .bytes = bytes, .n = n });
}

/* ---- links ---- */

bool __real_tls_peer_key(const struct tls *tls, struct public_key *out);
bool __wrap_tls_peer_key(const struct tls *tls, struct public_key *out);
struct net_peer *__real_link_dial(struct link_context *context, const struct sockaddr_storage *address, int member, const char **why);
struct net_peer *__wrap_link_dial(struct link_context *context, const struct sockaddr_storage *address, int member, const char **why);

/* Before it has said its own name: whoever heard that would take it for the same replica anew, and let the other process go. */
bool __wrap_tls_peer_key(const struct tls *tls, struct public_key *out)
{
	return __real_tls_peer_key(tls, out) && !(listening && twins_refuse(listening, out));
}

struct net_peer *__wrap_link_dial(struct link_context *context, const struct sockaddr_storage *address, int member, const char **why)
{
	const struct net *net = context->owner;
	if (listening && twins_refuse(listening, &net->members[member].tls_key)) {
		*why = "it is the other one's";
		return NULL;
	}
	return __real_link_dial(context, address, member, why);
}

/* ---- its life ---- */

static void problem(void *user, const char *sentence)
{
	(void)user;
	fprintf(stderr, "quorate-liar: %s\n", sentence);
}

static void read_organization(struct liar *l, const char *config_path)
{
	char path[600];
	const char *slash = strrchr(config_path, '/');
	snprintf(path, sizeof path, "%.*sorg.key", slash ? (int)(slash - config_path) + 1 : 0, config_path);
	if (keyfile_read(path, &l->organization, NULL, NULL) != KEYFILE_OK)
		memset(&l->organization, 0, sizeof l->organization);
}

static int run_replica(struct liar *l, const char *config_path)
{
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_config *config = NULL;
	struct quorate *q = NULL;
	struct quorate_app app;
	const struct replica_shim shim = { l, to_member, to_client };
	tap_begin();
	if (quorate_config_read(&config, QUORATE_CONFIG_REPLICA, config_path, problem, NULL) != QUORATE_OK)
		return 3;
	const struct quorate_options *options = quorate_config_options(config);
	quorate_kv_app(&app);
	read_organization(l, config_path);
	enum quorate_error error = identity_read(&l->identity, options, reason);
	if (error == QUORATE_OK)
		error = quorate_create(&q, options, &app, reason);
	if (error == QUORATE_OK) {
		replica_set_shim(q, &shim);
		listening = l;
		error = quorate_start(q, reason);
	}
	if (error != QUORATE_OK)
		fprintf(stderr, "quorate-liar: %s\n", reason);
	while (error == QUORATE_OK && !stopping)
		usleep(20000);
	if (q)
		quorate_stop(q, NULL, NULL);
	quorate_destroy(q);
	quorate_config_free(config);
	for (uint32_t i = 0; i < attacks_count; i++)
		printf("acted %s %llu\n", attacks[i]->name, (unsigned long long)l->lies[i]);
	return error == QUORATE_OK ? 0 : 1;
}

/* ---- client ---- */

bool __real_net_send(struct net_peer *peer, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n);
bool __wrap_net_send(struct net_peer *peer, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n);

static struct lying_client *filtered; /* NULL in a replica */

static bool past_the_filter(struct net_peer *peer, int class, const uint8_t *bytes, size_t n)
{
	return __real_net_send(peer, (enum net_class) class, bytes, n, NULL, 0);
}

static struct net_peer *peer_of(const struct lying_client *c, uint32_t member)
{
	return c->client && c->client->net ? net_member_peer(c->client->net, member) : NULL;
}

/* The linker puts this in the place of net_send. */
bool __wrap_net_send(struct net_peer *peer, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct lying_client *c = filtered;
	const struct attack *a = c && acting ? attacks[0] : NULL;
	uint8_t *whole = a && a->to_replica ? malloc(head_n + body_n) : NULL;
	tap_sent((uint8_t)net_peer_member(peer), head, head_n, body, body_n);
	if (!whole)
		return __real_net_send(peer, class, head, head_n, body, body_n);
	memcpy(whole, head, head_n);
	if (body_n)
		memcpy(whole + head_n, body, body_n);
	struct requesting r = { .peer = peer, .member = net_peer_member(peer), .class = (int)class, .bytes = whole, .n = head_n + body_n };
	struct rd rd = rd_of(r.bytes, r.n);
	bool sent = envelope_read(&rd, &r.e) ? a->to_replica(c, &r) : past_the_filter(peer, (int)class, whole, r.n);
	free(whole);
	return sent;
}

static int run_client(struct lying_client *c)
{
	char reason[QUORATE_REASON_BYTES] = "", public_hex[QUORATE_HEX_BYTES];
	if (identity_genesis(&c->genesis, &c->cluster, c->genesis_path, reason) != QUORATE_OK ||
	    (access(c->key_path, F_OK) != 0 && quorate_key_new(c->key_path, NULL, public_hex, reason) != QUORATE_OK)) {
		fprintf(stderr, "quorate-liar: %s\n", reason);
		return 1;
	}
	enum keyfile_result read = keyfile_read(c->key_path, &c->secret, NULL, NULL);
	if (read != KEYFILE_OK) {
		fprintf(stderr, "quorate-liar: %s: %s\n", c->key_path, keyfile_text(read));
		return 1;
	}
	c->send = past_the_filter;
	c->peer = peer_of;
	c->acting = &acting;
	filtered = c;
	while (!stopping) {
		usleep(5000);
		if (lying_goes_on(c) && attacks[0]->client)
			attacks[0]->client(c);
	}
	printf("acted %s %llu\n", attacks[0]->name, (unsigned long long)c->lies);
	fflush(stdout);
	_exit(0); /* the client's links end with the process */
}

/* ---- the whole ---- */

static void on_signal(int signal)
{
	uint32_t all = (1u << attacks_count) - 1;
	int i = signal - SIGRTMIN;
	if (signal == SIGUSR1)
		acting = all;
	else if (signal == SIGUSR2)
		acting = 0;
	else if (i >= 0 && i < (int)LIAR_ATTACKS_MAX)
		acting |= all & 1u << i;
	else if (i >= (int)LIAR_ATTACKS_MAX && i < 2 * (int)LIAR_ATTACKS_MAX)
		acting &= ~(1u << (i - (int)LIAR_ATTACKS_MAX));
	else {
		acting = 0;
		stopping = 1;
	}
}

static int usage(void)
{
	const struct attack *a;
	fprintf(stderr, "usage: quorate-liar --config FILE --attack NAME [--attack NAME...] [--colluders 0,1] [--twin yes] [--seed N] [--on-signal yes]\n"
	                "       quorate-liar --client GENESIS --key FILE --attack NAME [--seed N] [--on-signal yes]\nattacks:");
	for (size_t i = 0; (a = attack_at(i)); i++)
		fprintf(stderr, " %s", a->name);
	fputs("\n", stderr);
	return 2;
}

static uint64_t mask_of(const char *text)
{
	uint64_t mask = 0;
	for (char *end; *text; text = *end ? end + 1 : end) {
		mask |= 1ull << (strtoul(text, &end, 10) & 63);
		if (end == text)
			break;
	}
	return mask;
}

int main(int argc, char **argv)
{
	static struct liar liar;
	static struct lying_client client;
	const char *config = NULL;
	bool waits = false, wrong = argc % 2 == 0;
	uint32_t at_once = 0;
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];
		if (!strcmp(argv[i], "--config"))
			config = value;
		else if (!strcmp(argv[i], "--client"))
			client.genesis_path = value;
		else if (!strcmp(argv[i], "--key"))
			client.key_path = value;
		else if (!strcmp(argv[i], "--seed"))
			liar.rng = client.rng = strtoull(value, NULL, 10);
		else if (!strcmp(argv[i], "--colluders"))
			liar.colluders = mask_of(value);
		else if (!strcmp(argv[i], "--on-signal"))
			waits = !strcmp(value, "yes");
		else if (!strcmp(argv[i], "--twin"))
			liar.twin = !strcmp(value, "yes");
		else if (!strcmp(argv[i], "--office"))
			office_wanted = !strcmp(value, "yes");
		else if (!strcmp(argv[i], "--acting"))
			at_once = (uint32_t)strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "--attack") && attacks_count < LIAR_ATTACKS_MAX && attack_find(value))
			attacks[attacks_count++] = attack_find(value);
		else
			wrong = true;
	}
	bool is_client = client.genesis_path != NULL;
	if (wrong || !attacks_count || (is_client ? config || !client.key_path || attacks_count > 1 || !attack_has_client(attacks[0]) : !config))
		return usage();
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	for (int i = 0; i < 2 * (int)LIAR_ATTACKS_MAX; i++)
		sigaction(SIGRTMIN + i, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	acting = waits ? at_once : (1u << attacks_count) - 1;
	return is_client ? run_client(&client) : run_replica(&liar, config);
}
