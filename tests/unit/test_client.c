/* The client over real sockets on the loopback address. The replicas are endpoints in a thread of this file that answer what they are asked, or do not. */
#include "bft/bundle.h"
#include "bft/envelope.h"
#include "bft/genesis.h"
#include "bft/reply.h"
#include "bft/standing.h"
#include "crypto/keyfile.h"
#include "net/net.h"
#include "quorate_client.h"
#include "tests/unit/unit.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMBERS 4
#define PATIENCE_MS 20000u /* a test that waits so long has failed */
#define LINKS_MAX 64

/* ---- replicas ---- */

struct keys {
	struct public_key org, member, tls;
	struct secret_key org_secret, member_secret, tls_secret;
};
struct replica {
	struct bed *bed;
	uint32_t index;
	struct net *net;
	struct net_peer *links[LINKS_MAX]; /* clients */
};
struct bed {
	char folder[64], genesis_path[96];
	struct bft_genesis *genesis;
	struct digest cluster;
	struct keys keys[MEMBERS];
	uint16_t ports[MEMBERS];
	struct replica replicas[MEMBERS];
	uv_loop_t loop;
	uv_thread_t thread;
	uv_async_t async;
	uint32_t open;
	atomic_bool silent; /* nobody answers bundles */
	atomic_bool liar;   /* replica 3 lies */
	atomic_uint bundles;
};

static void send_frame(const struct replica *m, struct net_peer *peer, uint16_t type, const uint8_t *body, size_t n)
{
	uint8_t head[BFT_FRAME_HEAD_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = 1 };
	struct reply reply;
	struct statement statement;
	if (type == BFT_WIRE_REPLY && reply_decode(&reply, false, body, n) && reply_statement(&statement, &m->bed->cluster, 1, &reply, false))
		sign_ed25519.sign(&e.signature, &statement, &m->bed->keys[m->index].member_secret);
	struct wr w = wr_of(head, sizeof head);
	envelope_write(&w, &e);
	net_send(peer, NET_REQUESTS, head, sizeof head, body, n);
}

/* Echoes each operation; an opening opens the session that is its number. */
static size_t carry_out(const struct replica *m, const struct bundle *b, const struct digest *digest, uint8_t *body, size_t capacity)
{
	struct reply reply = { .seq = b->kind == BUNDLE_OPEN ? 1 : b->number,
		               .bundle = *digest,
		               .place.count = 1 }; /* an opening's number is no place in the order */
	struct result x = { b->session, b->number, RESULT_DONE, 0, NULL, 0 };
	uint8_t id[12];
	struct wr w = wr_of(id, sizeof id);
	wr_u32(&w, 8);
	wr_u64(&w, b->number);
	if (b->kind == BUNDLE_OPS)
		x = (struct result){ b->session, b->number, RESULT_DONE, b->count, b->ops, b->ops_bytes };
	if (b->kind == BUNDLE_OPEN)
		x = (struct result){ 0, b->number, RESULT_DONE, 1, id, sizeof id };
	if (m->index == 3 && atomic_load(&m->bed->liar))
		reply.seq += 7;
	size_t n = reply_head_encode(&reply, false, body, capacity);
	return n + result_encode(&x, body + n, capacity - n);
}

/* All replicas hear of it, wherever it came in. */
static void order(struct bed *bed, const struct bundle *b, const struct digest *digest)
{
	size_t capacity = b->ops_bytes + 1024;
	uint8_t *body = malloc(capacity);
	for (uint32_t i = 0; i < MEMBERS; i++) {
		size_t n = carry_out(&bed->replicas[i], b, digest, body, capacity);
		for (uint32_t k = 0; k < LINKS_MAX; k++) {
			struct net_peer *peer = bed->replicas[i].links[k];
			if (peer && public_key_equal(net_peer_key(peer), &b->key))
				send_frame(&bed->replicas[i], peer, BFT_WIRE_REPLY, body, n);
		}
	}
	free(body);
}

static void say_standing(const struct replica *m, struct net_peer *peer)
{
	struct standing s = { .role = STANDING_BACKUP, .mode = 1, .leader = 2, .executed = 42, .snapshot_asked = 7, .trouble = "none worth the name" };
	uint8_t body[STANDING_BYTES_MAX];
	send_frame(m, peer, BFT_WIRE_STANDING, body, standing_encode(&s, body, sizeof body));
}

static void on_frame(void *user, struct net_peer *peer, const uint8_t *bytes, size_t n)
{
	struct replica *m = user;
	struct rd r = rd_of(bytes, n);
	struct bft_envelope e;
	struct bundle b;
	CU_ASSERT_FATAL(envelope_read(&r, &e));
	if (e.type == BFT_WIRE_QUERY)
		say_standing(m, peer);
	if (e.type != BFT_WIRE_BUNDLE)
		return;
	struct digest d;
	struct statement s;
	CU_ASSERT_FATAL(bundle_decode(&b, r.at, rd_left(&r)) == NULL);
	bundle_digest(&d, r.at, rd_left(&r));
	bundle_statement(&s, &m->bed->cluster, &d);
	CU_ASSERT(sign_ed25519.verify(&e.signature, &s, &b.key) && public_key_equal(&b.key, net_peer_key(peer)));
	atomic_fetch_add(&m->bed->bundles, 1);
	if (!atomic_load(&m->bed->silent))
		order(m->bed, &b, &d);
}

static void on_up(void *user, struct net_peer *peer)
{
	struct replica *m = user;
	for (uint32_t k = 0; k < LINKS_MAX; k++) {
		if (m->links[k])
			continue;
		m->links[k] = peer;
		return;
	}
}

static void on_down(void *user, struct net_peer *peer, const char *reason)
{
	struct replica *m = user;
	(void)reason;
	for (uint32_t k = 0; k < LINKS_MAX; k++)
		if (m->links[k] == peer)
			m->links[k] = NULL;
}

static void replica_make(struct bed *bed, uint32_t i)
{
	struct replica *m = &bed->replicas[i];
	m->bed = bed;
	m->index = i;
	struct net_options o = { .loop = &bed->loop,
		                 .scheme = &sign_ed25519,
		                 .cluster = bed->cluster,
		                 .self = bed->keys[i].member,
		                 .secret = bed->keys[i].member_secret,
		                 .tls_secret = bed->keys[i].tls_secret,
		                 .role = NET_MEMBER,
		                 .mode = BFT_MODE_BFT,
		                 .listen_host = "127.0.0.1",
		                 .listen_port = bed->ports[i],
		                 .client_frame_bytes_max = 3u << 20,
		                 .callbacks = { on_up, on_down, on_frame, NULL },
		                 .user = m };
	CU_ASSERT_FATAL(net_create(&m->net, &o) == NET_OK);
}

static void on_net_closed(void *user)
{
	struct bed *bed = user;
	if (--bed->open == 0)
		uv_close((uv_handle_t *)&bed->async, NULL);
}

static void on_async(uv_async_t *handle)
{
	struct bed *bed = handle->data;
	for (uint32_t i = 0; i < MEMBERS; i++)
		net_close(bed->replicas[i].net, on_net_closed, bed);
}

static void replicas_main(void *arg)
{
	uv_run(&((struct bed *)arg)->loop, UV_RUN_DEFAULT);
}

/* Below those that the system gives to whoever dials: one of these could be taken between here and the listener. */
static uint16_t free_port(void)
{
	static uint16_t next;
	for (int tries = 0; tries < 1000; tries++) {
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		uint16_t port = (uint16_t)(10000 + ((uint32_t)getpid() * 61 + next++) % 9000);
		a.sin_port = htons(port);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
		close(fd);
		if (is_free)
			return port;
	}
	CU_FAIL_FATAL("no port is free");
	return 0;
}

static void card_make(struct bft_card *card, const struct keys *k, uint32_t i, uint16_t port)
{
	struct statement s;
	snprintf(card->org, sizeof card->org, "org-%u", i);
	card->org_key = k->org;
	card->member_key = k->member;
	card->tls_key = k->tls;
	card->addresses_count = 1;
	snprintf(card->addresses[0], sizeof card->addresses[0], "127.0.0.1:%u", port);
	card_statement(&s, card, DOMAIN_CARD_ORG);
	sign_ed25519.sign(&card->org_signature, &s, &k->org_secret);
	card_statement(&s, card, DOMAIN_CARD_MEMBER);
	sign_ed25519.sign(&card->member_signature, &s, &k->member_secret);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(fwrite(bytes, 1, n, f) == n);
	fclose(f);
}

static void genesis_make(struct bed *bed)
{
	static uint8_t bytes[BFT_GENESIS_BYTES_MAX];
	struct bft_genesis *g = bed->genesis = calloc(1, sizeof *bed->genesis);
	g->mode = BFT_MODE_BFT;
	g->count = MEMBERS;
	snprintf(g->scheme, sizeof g->scheme, "%s", sign_ed25519.name);
	genesis_limits_default(&g->limits);
	for (uint32_t i = 0; i < MEMBERS; i++) {
		struct keys *k = &bed->keys[i];
		sign_keypair_random(&sign_ed25519, &k->org, &k->org_secret);
		sign_keypair_random(&sign_ed25519, &k->member, &k->member_secret);
		sign_keypair_random(&sign_ed25519, &k->tls, &k->tls_secret);
		bed->ports[i] = free_port();
		card_make(&g->cards[i], k, i, bed->ports[i]);
	}
	size_t n = genesis_encode(bytes, sizeof bytes, g);
	CU_ASSERT_FATAL(n > 0);
	genesis_digest(&bed->cluster, bytes, n);
	write_file(bed->genesis_path, bytes, n);
}

static struct bed *bed_make(void)
{
	struct bed *bed = calloc(1, sizeof *bed);
	CU_ASSERT_FATAL(sign_self_test());
	snprintf(bed->folder, sizeof bed->folder, "/tmp/quorate-client-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(bed->folder));
	snprintf(bed->genesis_path, sizeof bed->genesis_path, "%s/genesis", bed->folder);
	genesis_make(bed);
	uv_loop_init(&bed->loop);
	for (uint32_t i = 0; i < MEMBERS; i++)
		replica_make(bed, i);
	bed->open = MEMBERS;
	bed->async.data = bed;
	uv_async_init(&bed->loop, &bed->async, on_async);
	uv_thread_create(&bed->thread, replicas_main, bed);
	return bed;
}

static void bed_end(struct bed *bed)
{
	uv_async_send(&bed->async);
	uv_thread_join(&bed->thread);
	CU_ASSERT(uv_loop_close(&bed->loop) == 0);
	unlink(bed->genesis_path);
	rmdir(bed->folder);
	free(bed->genesis);
	free(bed);
}

/* ---- who waits for answers ---- */

struct tally {
	uv_mutex_t lock;
	uv_cond_t changed;
	uint32_t count, by[16];
	uint64_t session, number;
	/* what the callback does in turn */
	struct quorate_client *stop;
	struct quorate_session *close, *submit, *again;
	bool waited_inside;
};

static void tally_init(struct tally *t)
{
	memset(t, 0, sizeof *t);
	uv_mutex_init(&t->lock);
	uv_cond_init(&t->changed);
}

static void tally_free(struct tally *t)
{
	uv_cond_destroy(&t->changed);
	uv_mutex_destroy(&t->lock);
}

static void on_answer(void *user, const struct quorate_answer *a)
{
	struct tally *t = user;
	CU_ASSERT((a->error == QUORATE_OK) == (a->reason == NULL));
	uv_mutex_lock(&t->lock);
	struct quorate_client *stop = t->stop;
	struct quorate_session *closing = t->close, *submit = t->submit, *again = t->again;
	t->stop = NULL;
	t->close = t->submit = t->again = NULL;
	uv_mutex_unlock(&t->lock);
	if (submit) {
		char reason[QUORATE_REASON_BYTES];
		CU_ASSERT(quorate_submit(submit, "inner", 5, on_answer, t) == QUORATE_OK);
		t->waited_inside = quorate_call_wait(submit, "x", 1, NULL, 0, NULL, reason) != QUORATE_USAGE ||
		                   quorate_session_wait(submit, 1000, reason) != QUORATE_USAGE;
	}
	if (again && a->error == QUORATE_UNKNOWN)
		CU_ASSERT(quorate_session_ask_again(again, a->number, on_answer, t) == QUORATE_OK);
	if (closing)
		quorate_session_close(closing);
	if (stop)
		quorate_client_stop(stop, NULL, NULL);
	uv_mutex_lock(&t->lock);
	t->count++;
	t->by[a->error]++;
	t->session = a->session;
	t->number = a->number;
	uv_cond_broadcast(&t->changed);
	uv_mutex_unlock(&t->lock);
}

static uint32_t tally_wait(struct tally *t, uint32_t count)
{
	uint64_t until = uv_hrtime() + PATIENCE_MS * 1000000ull;
	uv_mutex_lock(&t->lock);
	while (t->count < count && uv_hrtime() < until)
		uv_cond_timedwait(&t->changed, &t->lock, 100000000u);
	uint32_t now = t->count;
	uv_mutex_unlock(&t->lock);
	return now;
}

static struct quorate_client *client_make(const struct bed *bed, struct quorate_client_options o)
{
	struct quorate_client *c;
	char reason[QUORATE_REASON_BYTES] = "";
	o.genesis = bed->genesis_path;
	enum quorate_error error = quorate_client_create(&c, &o, reason);
	if (error != QUORATE_OK)
		printf("%s\n", reason);
	CU_ASSERT_FATAL(error == QUORATE_OK);
	return c;
}

static struct quorate_client *client_run(const struct bed *bed, struct quorate_client_options o)
{
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_client *c = client_make(bed, o);
	CU_ASSERT_FATAL(quorate_client_start(c, reason) == QUORATE_OK);
	CU_ASSERT(quorate_client_start(c, reason) == QUORATE_USAGE);
	CU_ASSERT(quorate_client_wait(c, MEMBERS, PATIENCE_MS) == MEMBERS && quorate_client_links(c) == MEMBERS);
	return c;
}

static void on_stopped(void *user)
{
	++*(int *)user;
}

/* ---- tests ---- */

static void calls(void)
{
	struct bed *bed = bed_make();
	char reason[QUORATE_REASON_BYTES], value[64];
	size_t n;
	int gone = 0;
	struct quorate_client *c = client_make(bed, (struct quorate_client_options){ 0 });
	/* Before it starts, what is submitted waits. */
	struct tally t;
	tally_init(&t);
	struct quorate_session *s = quorate_session_open(c, on_answer, &t);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT(quorate_submit(s, "early", 5, on_answer, &t) == QUORATE_OK);
	CU_ASSERT(quorate_call_wait(s, "x", 1, NULL, 0, NULL, reason) == QUORATE_USAGE);
	CU_ASSERT(quorate_session_wait(s, 10, reason) == QUORATE_USAGE && quorate_client_wait(c, 1, 10) == 0);
	CU_ASSERT(quorate_client_start(c, reason) == QUORATE_OK);
	CU_ASSERT(quorate_session_wait(s, PATIENCE_MS, reason) == QUORATE_OK && quorate_session_id(s) != 0);
	CU_ASSERT(tally_wait(&t, 2) == 2 && t.by[QUORATE_OK] == 2 && quorate_session_number(s) == 1);

	CU_ASSERT(quorate_call_wait(s, "hello", 5, value, sizeof value, &n, reason) == QUORATE_OK && n == 5 && memcmp(value, "hello", 5) == 0);
	CU_ASSERT(quorate_call_wait(s, "hello", 5, value, 2, &n, reason) == QUORATE_OK && n == 5);
	CU_ASSERT(quorate_call_wait(s, "", 0, NULL, 0, &n, reason) == QUORATE_OK && n == 0);
	CU_ASSERT(quorate_call_wait(s, NULL, 1, NULL, 0, &n, reason) == QUORATE_USAGE && strstr(reason, "larger"));
	size_t large = (1u << 20) + 12345;
	uint8_t *op = malloc(large), *back = malloc(large);
	memset(op, 7, large);
	CU_ASSERT(quorate_call_wait(s, op, large, back, large, &n, reason) == QUORATE_OK && n == large && memcmp(op, back, large) == 0);
	free(op);
	free(back);

	CU_ASSERT(quorate_client_members(c) == 4 && quorate_client_quorum(c) == 3 && strcmp(quorate_client_org(c, 2), "org-2") == 0);
	CU_ASSERT(strcmp(quorate_client_org(c, 4), "") == 0 && strlen(quorate_client_cluster(c)) == 64);
	quorate_session_close(s);
	quorate_client_stop(c, on_stopped, &gone);
	CU_ASSERT(gone == 1);
	CU_ASSERT_PTR_NULL(quorate_session_open(c, NULL, NULL));
	CU_ASSERT(quorate_client_start(c, reason) == QUORATE_USAGE);
	quorate_client_stop(c, on_stopped, &gone);
	CU_ASSERT(gone == 2);
	quorate_client_destroy(c);
	quorate_client_destroy(NULL);
	tally_free(&t);
	bed_end(bed);
}

#define THREADS 4
#define EACH 500
struct worker {
	uv_thread_t thread;
	struct quorate_client *client;
	struct tally tally;
	bool shared;
	struct quorate_session *session;
};

static void worker_main(void *arg)
{
	struct worker *w = arg;
	struct quorate_session *s = w->shared ? w->session : quorate_session_open(w->client, NULL, NULL);
	static const struct quorate_op two[2] = { { "a", 1 }, { "b", 1 } };
	char reason[QUORATE_REASON_BYTES];
	for (int i = 0; i < EACH; i++) {
		enum quorate_error error = i % 10 ? quorate_submit(s, "op", 2, on_answer, &w->tally) : quorate_submit_bundle(s, two, 2, on_answer, &w->tally);
		CU_ASSERT(error == QUORATE_OK);
		if (i % 100 == 50)
			CU_ASSERT(quorate_call_wait(s, "op", 2, NULL, 0, NULL, reason) == QUORATE_OK);
	}
	tally_wait(&w->tally, EACH + EACH / 10);
	if (!w->shared)
		quorate_session_close(s);
}

static void receipts(void)
{
	struct bed *bed = bed_make();
	char reason[QUORATE_REASON_BYTES], value[64];
	size_t value_n, n = 99, left, item_n;
	const void *at, *item;
	uint8_t *receipt = malloc(QUORATE_RECEIPT_BYTES_MAX);
	struct quorate_receipt_info *info = calloc(1, sizeof *info);
	struct quorate_client *c = client_make(bed, (struct quorate_client_options){ .timeout_ms = 5000 });
	CU_ASSERT_FATAL(quorate_client_start(c, reason) == QUORATE_OK);
	struct quorate_session *s = quorate_session_open(c, NULL, NULL);
	CU_ASSERT_FATAL(quorate_session_wait(s, PATIENCE_MS, reason) == QUORATE_OK);
	atomic_store(&bed->liar, true); /* replica 3 names another place: three others sign */
	CU_ASSERT(quorate_receipt_wait(s, "hello", 5, value, sizeof value, &value_n, receipt, QUORATE_RECEIPT_BYTES_MAX, &n, reason) == QUORATE_OK);
	CU_ASSERT_FATAL(value_n == 5 && n > 0 && n <= QUORATE_RECEIPT_BYTES_MAX);
	CU_ASSERT(quorate_receipt_verify(receipt, n, bed->genesis_path, info, reason) == QUORATE_OK);
	CU_ASSERT(info->signers == 3 && info->signed_by == 7 && info->members == 4 && info->placed == 3 && strcmp(info->org[2], "org-2") == 0 &&
	          !*info->org[3]);
	CU_ASSERT(info->seq == 1 && info->epoch == 1 && info->number == 1 && info->session == quorate_session_id(s) && info->executed);
	at = info->ops;
	left = info->ops_bytes;
	CU_ASSERT(info->operations == 1 && quorate_receipt_next(&at, &left, &item, &item_n) && item_n == 5 && memcmp(item, "hello", 5) == 0);
	CU_ASSERT(!quorate_receipt_next(&at, &left, &item, &item_n));
	CU_ASSERT(strcmp(info->cluster, quorate_client_cluster(c)) == 0 && strlen(info->client) == 64 && strlen(info->chain) == 64);
	/* Room that is too small gets nothing, and the true length. */
	CU_ASSERT(quorate_receipt_wait(s, "again", 5, NULL, 0, NULL, receipt, 10, &n, reason) == QUORATE_OK && n > 10);
	receipt[n / 2] ^= 1;
	CU_ASSERT(quorate_receipt_verify(receipt, n, bed->genesis_path, info, reason) == QUORATE_VERIFICATION && strstr(reason, "it proves nothing"));
	CU_ASSERT(quorate_receipt_verify(receipt, n, "/nowhere/genesis", info, reason) == QUORATE_CONFIG);
	CU_ASSERT(quorate_receipt_verify(NULL, 0, bed->genesis_path, info, reason) == QUORATE_USAGE);
	quorate_session_close(s);
	quorate_client_stop(c, NULL, NULL);
	quorate_client_destroy(c);
	free(info);
	free(receipt);
	bed_end(bed);
}

static void from_many_threads(void)
{
	struct bed *bed = bed_make();
	atomic_store(&bed->liar, true);
	struct quorate_client *c = client_run(bed, (struct quorate_client_options){ .bundle_ops = 16 });
	struct quorate_session *s = quorate_session_open(c, NULL, NULL);
	static struct worker w[THREADS];
	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .client = c, .shared = i % 2, .session = s };
		tally_init(&w[i].tally);
		uv_thread_create(&w[i].thread, worker_main, &w[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		uv_thread_join(&w[i].thread);
		CU_ASSERT(w[i].tally.count == EACH + EACH / 10 && w[i].tally.by[QUORATE_OK] == EACH + EACH / 10);
		tally_free(&w[i].tally);
	}
	quorate_client_destroy(c);
	bed_end(bed);
}

struct report_tally {
	atomic_uint answers, silences;
	struct quorate_report last;
};

static void on_report(void *user, uint32_t member, const struct quorate_report *r)
{
	struct report_tally *t = user;
	CU_ASSERT(member == 1);
	if (r)
		t->last = *r;
	atomic_fetch_add(r ? &t->answers : &t->silences, 1);
}

static void reports(void)
{
	struct bed *bed = bed_make();
	struct report_tally t = { 0 };
	struct quorate_client *c = client_run(bed, (struct quorate_client_options){ 0 });
	CU_ASSERT(quorate_client_ask(c, MEMBERS, 0, on_report, &t) == QUORATE_USAGE);
	CU_ASSERT(quorate_client_ask(c, 1, 0, on_report, &t) == QUORATE_OK);
	for (uint32_t i = 0; i < PATIENCE_MS / 5 && !atomic_load(&t.answers); i++)
		uv_sleep(5);
	CU_ASSERT(atomic_load(&t.answers) == 1);
	CU_ASSERT(t.last.standing.id == 1 && t.last.standing.role == QUORATE_BACKUP && t.last.standing.leader == 2 && t.last.standing.executed == 42);
	CU_ASSERT(t.last.mode == 1 && t.last.snapshot_asked == 7 && strcmp(t.last.standing.trouble, "none worth the name") == 0);
	quorate_client_destroy(c);
	CU_ASSERT(quorate_client_ask(NULL, 1, 0, on_report, &t) == QUORATE_USAGE);
	bed_end(bed);
}

static void callbacks_call(void)
{
	struct bed *bed = bed_make();
	struct tally t;
	tally_init(&t);
	struct quorate_client *c = client_run(bed, (struct quorate_client_options){ 0 });
	struct quorate_session *s = quorate_session_open(c, NULL, NULL);
	t.submit = s;
	CU_ASSERT(quorate_submit(s, "outer", 5, on_answer, &t) == QUORATE_OK);
	CU_ASSERT(tally_wait(&t, 2) == 2 && t.by[QUORATE_OK] == 2 && !t.waited_inside);
	t.close = s;
	CU_ASSERT(quorate_submit(s, "last", 4, on_answer, &t) == QUORATE_OK);
	CU_ASSERT(tally_wait(&t, 3) == 3);
	t.stop = c;
	CU_ASSERT_PTR_NOT_NULL(quorate_session_open(c, on_answer, &t));
	CU_ASSERT(tally_wait(&t, 4) == 4);
	quorate_client_destroy(c);
	tally_free(&t);
	bed_end(bed);
}

static void unknown_and_asked_again(void)
{
	struct bed *bed = bed_make();
	struct tally t;
	char reason[QUORATE_REASON_BYTES];
	tally_init(&t);
	struct quorate_client *c = client_run(bed, (struct quorate_client_options){ .timeout_ms = 200, .retry_ms = 20 });
	struct quorate_session *s = quorate_session_open(c, NULL, NULL);
	CU_ASSERT(quorate_session_wait(s, PATIENCE_MS, reason) == QUORATE_OK);
	atomic_store(&bed->silent, true);
	CU_ASSERT(quorate_submit(s, "op", 2, on_answer, &t) == QUORATE_OK);
	CU_ASSERT(quorate_session_ask_again(s, 1, on_answer, &t) == QUORATE_USAGE);
	CU_ASSERT(tally_wait(&t, 1) == 1 && t.by[QUORATE_UNKNOWN] == 1 && t.number == 1 && t.session == quorate_session_id(s));
	/* Within the callback, and from another thread. */
	t.again = s;
	CU_ASSERT(quorate_submit(s, "op", 2, on_answer, &t) == QUORATE_OK);
	CU_ASSERT(tally_wait(&t, 3) == 3 && t.by[QUORATE_UNKNOWN] == 3);
	atomic_store(&bed->silent, false);
	CU_ASSERT(quorate_session_ask_again(s, 1, on_answer, &t) == QUORATE_OK);
	CU_ASSERT(quorate_session_ask_again(s, 1, on_answer, &t) == QUORATE_USAGE);
	CU_ASSERT(quorate_session_ask_again(s, 2, on_answer, &t) == QUORATE_OK);
	CU_ASSERT(tally_wait(&t, 5) == 5 && t.by[QUORATE_OK] == 2);
	CU_ASSERT(quorate_session_ask_again(s, 2, on_answer, &t) == QUORATE_USAGE);
	/* The same key's session in another handle goes on behind it. */
	struct quorate_session *resumed = quorate_session_resume(c, quorate_session_id(s), quorate_session_number(s));
	CU_ASSERT(quorate_call_wait(resumed, "x", 1, NULL, 0, NULL, reason) == QUORATE_OK && quorate_session_number(resumed) == 3);
	/* A session that cannot be opened says so. */
	atomic_store(&bed->silent, true);
	struct quorate_session *late = quorate_session_open(c, NULL, NULL);
	CU_ASSERT(quorate_session_wait(late, 10, reason) == QUORATE_UNREACHABLE);
	CU_ASSERT(quorate_session_wait(late, PATIENCE_MS, reason) == QUORATE_UNKNOWN);
	CU_ASSERT(quorate_call_wait(late, "x", 1, NULL, 0, NULL, reason) == QUORATE_UNREACHABLE);
	quorate_client_destroy(c);
	tally_free(&t);
	bed_end(bed);
}

static void stopped_in_the_middle(void)
{
	for (int round = 0; round < 6; round++) {
		struct bed *bed = bed_make();
		struct tally t;
		tally_init(&t);
		struct quorate_client *c = client_run(bed, (struct quorate_client_options){ .queue_max = 100, .bundles_max = 4 });
		struct quorate_session *s = quorate_session_open(c, on_answer, &t), *other = quorate_session_open(c, on_answer, &t);
		uint32_t owed = 2;
		if (round % 2)
			tally_wait(&t, 2);
		atomic_store(&bed->silent, round >= 2);
		for (int i = 0; i < 150; i++) {
			owed += quorate_submit(s, "op", 2, on_answer, &t) == QUORATE_OK;
			owed += quorate_submit(other, "op", 2, on_answer, &t) == QUORATE_OK;
		}
		CU_ASSERT(owed >= 202 && owed <= 302);
		if (round == 4)
			quorate_session_close(other);
		if (round == 5)
			uv_sleep(20);
		quorate_client_stop(c, NULL, NULL);
		CU_ASSERT(t.count == owed); /* each exactly once, before stop returns */
		CU_ASSERT(quorate_submit(s, "op", 2, on_answer, &t) == QUORATE_FAILED);
		quorate_session_close(s);
		quorate_client_destroy(c);
		CU_ASSERT(t.count == owed);
		tally_free(&t);
		bed_end(bed);
	}
}

static void never_started(void)
{
	struct bed *bed = bed_make();
	struct tally t;
	tally_init(&t);
	struct quorate_client *c = client_make(bed, (struct quorate_client_options){ 0 });
	struct quorate_session *s = quorate_session_open(c, on_answer, &t), *closed = quorate_session_open(c, on_answer, &t);
	CU_ASSERT(quorate_submit(s, "op", 2, on_answer, &t) == QUORATE_OK);
	quorate_session_close(closed);
	quorate_client_destroy(c);
	CU_ASSERT(t.count == 3 && t.by[QUORATE_FAILED] + t.by[QUORATE_UNKNOWN] == 3);
	tally_free(&t);
	bed_end(bed);
}

/* ---- on a loop of the program ---- */

struct looped {
	struct quorate_client *client;
	struct quorate_session *session;
	uint32_t answers;
	bool gone;
};

static void looped_gone(void *user)
{
	struct looped *l = user;
	l->gone = true;
	quorate_client_destroy(l->client);
}

static void looped_answer(void *user, const struct quorate_answer *a)
{
	struct looped *l = user;
	CU_ASSERT(a->error == QUORATE_OK);
	if (++l->answers < 10)
		CU_ASSERT(quorate_submit(l->session, "op", 2, looped_answer, l) == QUORATE_OK);
	if (l->answers == 10)
		quorate_client_stop(l->client, looped_gone, l);
}

static void on_a_given_loop(void)
{
	struct bed *bed = bed_make();
	uv_loop_t loop;
	char reason[QUORATE_REASON_BYTES];
	uv_loop_init(&loop);
	struct looped l = { 0 };
	l.client = client_make(bed, (struct quorate_client_options){ .loop = &loop });
	l.session = quorate_session_open(l.client, looped_answer, &l);
	CU_ASSERT(quorate_client_start(l.client, reason) == QUORATE_OK);
	CU_ASSERT(quorate_call_wait(l.session, "x", 1, NULL, 0, NULL, reason) == QUORATE_USAGE);
	uv_run(&loop, UV_RUN_DEFAULT);
	CU_ASSERT(l.gone && l.answers == 10);
	CU_ASSERT(uv_loop_close(&loop) == 0);

	/* Destroyed without being stopped: the loop is run until nothing is on it. */
	uv_loop_init(&loop);
	l.client = client_make(bed, (struct quorate_client_options){ .loop = &loop });
	CU_ASSERT(quorate_client_start(l.client, reason) == QUORATE_OK);
	quorate_client_destroy(l.client);
	CU_ASSERT(uv_run(&loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&loop) == 0);
	bed_end(bed);
}

/* ---- what cannot be used ---- */

static enum quorate_error refused(struct quorate_client_options o, char *reason)
{
	struct quorate_client *c = (void *)1;
	enum quorate_error error = quorate_client_create(&c, &o, reason);
	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT(error == QUORATE_OK || strlen(reason) > 0);
	return error;
}

static void bad_options(void)
{
	struct bed *bed = bed_make();
	char reason[QUORATE_REASON_BYTES] = "", path[128];
	struct quorate_client *c;
	CU_ASSERT(quorate_client_create(&c, NULL, reason) == QUORATE_USAGE && quorate_client_create(NULL, NULL, NULL) == QUORATE_USAGE);
	CU_ASSERT(refused((struct quorate_client_options){ 0 }, reason) == QUORATE_USAGE);
	CU_ASSERT(refused((struct quorate_client_options){ .genesis = "/nowhere/genesis" }, reason) == QUORATE_CONFIG && strstr(reason, "/nowhere/genesis"));
	CU_ASSERT(refused((struct quorate_client_options){ .genesis = bed->folder }, reason) == QUORATE_CONFIG);
	CU_ASSERT(refused((struct quorate_client_options){ .genesis = bed->genesis_path, .key = "/nowhere/key" }, reason) == QUORATE_CONFIG);

	static uint8_t bytes[BFT_GENESIS_BYTES_MAX];
	size_t n = genesis_encode(bytes, sizeof bytes, bed->genesis);
	snprintf(path, sizeof path, "%s/other", bed->folder);
	write_file(path, bytes, 0);
	CU_ASSERT(refused((struct quorate_client_options){ .genesis = path }, reason) == QUORATE_CONFIG && strstr(reason, "empty"));
	write_file(path, bytes, n - 1);
	CU_ASSERT(refused((struct quorate_client_options){ .genesis = path }, reason) == QUORATE_CONFIG);
	bytes[n - 1] ^= 1;
	write_file(path, bytes, n);
	CU_ASSERT(refused((struct quorate_client_options){ .genesis = path }, reason) == QUORATE_VERIFICATION);
	unlink(path);

	/* A key from a file. */
	CU_ASSERT(keyfile_write(path, &bed->keys[0].org_secret, "secret words") == KEYFILE_OK);
	struct quorate_client_options o = { .genesis = bed->genesis_path, .key = path };
	CU_ASSERT(refused(o, reason) == QUORATE_CONFIG);
	o.passphrase = "secret words";
	CU_ASSERT(quorate_client_create(&c, &o, reason) == QUORATE_OK);
	quorate_client_destroy(c);
	unlink(path);
	bed_end(bed);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "calls", calls },
		{ "receipts", receipts },
		{ "from many threads", from_many_threads },
		{ "reports", reports },
		{ "callbacks call", callbacks_call },
		{ "unknown, and asked again", unknown_and_asked_again },
		{ "stopped in the middle", stopped_in_the_middle },
		{ "never started", never_started },
		{ "on a given loop", on_a_given_loop },
		{ "what cannot be used", bad_options },
		{ 0 },
	};
	return unit_main("client", cases);
}
