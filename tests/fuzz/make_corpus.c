/* Writes the corpora: make_corpus FOLDER. Four replicas and a client talk in memory, the leader falls silent, one restarts; what they say and keep, cut to a few
 * samples of each kind, is the corpus. Everything follows from the code, so the same code writes the same files. */
#include "bft/bundle.h"
#include "bft/certificate.h"
#include "bft/evidence_list.h"
#include "bft/pbft/evidence.h"
#include "bft/receipt.h"
#include "bft/reconfigure.h"
#include "bft/reply.h"
#include "crypto/keyfile.h"
#include "net/hello.h"
#include "quorate_setup.h"
#include "replica/log/superblock.h"
#include "tests/fuzz/client_bed.h"

#include <sys/stat.h>

#define QUEUE_MAX 20000u
#define SCRIPT_MAX 8000u
#define SAMPLE_MAX 3900u

struct flight {
	uint8_t from, to;
	bool client; /* from or to it */
	bool reply;
	uint8_t *bytes;
	size_t n;
};

static const char *folder;
static struct cluster_bed cluster;
static struct replica_bed replica[BED_MEMBERS];
static struct client_bed client;
static struct flight queue[QUEUE_MAX];
static uint32_t queue_head, queue_count;
static bool mute[BED_MEMBERS]; /* what it sends is lost */
static bool down[BED_MEMBERS]; /* it does not run        */

static void save(const char *target, const char *name, const void *bytes, size_t n)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", folder, target);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
	FILE *f = fopen(path, "wb");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
		abort();
}

/* A byte that selects, then the bytes; at most `most` samples with that name, of different lengths. */
static void sample(const char *target, const char *name, uint8_t select, const void *bytes, size_t n, unsigned most)
{
	static struct {
		char key[64];
		size_t n[10];
		unsigned count;
	} kept[128];
	char key[64], file[64];
	uint8_t *joined;
	snprintf(key, sizeof key, "%s/%s", target, name);
	unsigned i = 0;
	while (kept[i].key[0] && strcmp(kept[i].key, key) != 0)
		if (++i == 128)
			abort();
	snprintf(kept[i].key, sizeof kept[i].key, "%s", key);
	if (n + 1 > SAMPLE_MAX || kept[i].count == most)
		return;
	for (unsigned k = 0; k < kept[i].count; k++)
		if (kept[i].n[k] == n)
			return;
	kept[i].n[kept[i].count++] = n;
	snprintf(file, sizeof file, most == 1 ? "%s" : "%s-%u", name, kept[i].count);
	joined = bed_join(&select, 1, bytes, n);
	save(target, file, joined, n + 1);
	free(joined);
}

static void plain(const char *target, const char *name, const void *bytes, size_t n)
{
	if (n <= SAMPLE_MAX)
		save(target, name, bytes, n);
}

/* ---- scripts: what replica 0 and the client are sent, for fuzz_driver and fuzz_client ---- */

struct script {
	uint8_t bytes[SCRIPT_MAX];
	size_t n;
	bool closed, passing; /* passing: the last step is time */
	unsigned seen[32];
	uint64_t now;
};
static struct script heard, told;

static void script_add(struct script *s, uint8_t what, size_t n, const uint8_t *bytes)
{
	struct wr w = wr_of(s->bytes + s->n, sizeof s->bytes - s->n);
	if (s->closed || n > UINT16_MAX)
		return;
	wr_u8(&w, what);
	wr_u16(&w, (uint16_t)n);
	if (bytes)
		wr_bytes(&w, bytes, n);
	if (w.failed)
		s->closed = true;
	else
		s->n += wr_done(&w);
	s->passing = false;
}

/* Time that passes between two frames is one step. */
static void script_pass(struct script *s, uint8_t what, uint64_t now)
{
	uint16_t ms = (uint16_t)(now - s->now);
	s->now = now;
	if (s->passing && !s->closed) {
		uint16_t before = (uint16_t)(s->bytes[s->n - 2] | s->bytes[s->n - 1] << 8), sum = (uint16_t)(before + ms);
		s->bytes[s->n - 2] = (uint8_t)sum;
		s->bytes[s->n - 1] = (uint8_t)(sum >> 8);
		return;
	}
	script_add(s, what, ms, NULL);
	s->passing = true;
}

static void script_frame(struct script *s, uint8_t from, const uint8_t *frame, size_t n)
{
	struct rd r = rd_of(frame, n);
	struct bft_envelope e;
	/* What comes again and again, or from everybody alike, would fill it. */
	if (envelope_read(&r, &e) && ++s->seen[e.type % 32] > (e.type == PBFT_STATUS ? 4u : e.type == PBFT_NEW_VIEW || e.type == PBFT_STABLE ? 2u : 64u))
		return;
	if (frame[0] != BFT_SIGNER_CHANNEL && memmem(s->bytes, s->n, frame, n) != NULL)
		return;
	script_add(s, from, n, frame);
}

static void script_begin(struct script *s)
{
	*s = (struct script){ 0 };
}

/* ---- samples of each decoder ---- */

static void sample_bundle(const uint8_t *bytes, size_t n)
{
	struct bundle b;
	char name[16];
	static unsigned seen[4];
	if (bundle_decode(&b, bytes, n) != NULL || seen[b.kind & 3] == 2)
		return;
	snprintf(name, sizeof name, "kind%u-%u", b.kind, ++seen[b.kind & 3]);
	plain("fuzz_bundle", name, bytes, n);
	struct rd r = rd_of(b.ops, b.ops_bytes);
	const uint8_t *op;
	uint32_t op_n;
	while (b.kind == BUNDLE_OPS && bundle_next_op(&r, &op, &op_n))
		sample("fuzz_kv", "operation", 0, op, op_n, 8);
}

static void sample_state(struct rd r)
{
	static unsigned seen;
	char name[16];
	uint64_t seq;
	uint32_t question, n;
	uint16_t count;
	const uint8_t *part;
	struct state_node node;
	if (!rd_u64(&r, &seq) || !rd_u32(&r, &question) || !rd_u16(&r, &count))
		return;
	while (seen < 3 && rd_u32(&r, &n) && (part = rd_take(&r, n)) != NULL && state_node_parse(&node, part, n)) {
		snprintf(name, sizeof name, "node-%u", ++seen);
		plain("fuzz_state_node", name, part, n);
	}
}

static void sample_message(const uint8_t *frame, size_t n)
{
	struct rd r = rd_of(frame, n);
	struct bft_envelope e;
	char name[16];
	if (!envelope_read(&r, &e))
		return;
	if (e.type == BFT_WIRE_BUNDLE)
		sample_bundle(r.at, rd_left(&r));
	if (e.type == BFT_WIRE_PROPOSAL) {
		static unsigned seen;
		if (seen < 2) {
			snprintf(name, sizeof name, "proposal-%u", ++seen);
			plain("fuzz_proposal", name, r.at, rd_left(&r));
		}
	}
	if (e.type == BFT_WIRE_STATE)
		sample_state(r);
	if (e.type < PBFT_VOTES)
		return;
	snprintf(name, sizeof name, "type%u", e.type);
	sample("fuzz_pbft", name, (uint8_t)e.type, r.at, rd_left(&r), 1);
}

static void sample_reply(const uint8_t *frame, size_t n)
{
	struct rd r = rd_of(frame, n);
	struct bft_envelope e;
	struct reply x;
	struct result result;
	if (!envelope_read(&r, &e))
		return;
	if (e.type == BFT_WIRE_STANDING)
		plain("fuzz_standing", "standing", r.at, rd_left(&r));
	bool late = e.type == BFT_WIRE_REPLY_LATE;
	if ((e.type != BFT_WIRE_REPLY && !late) || !reply_decode(&x, late, r.at, rd_left(&r)))
		return;
	sample("fuzz_reply", late ? "late" : "reply", late ? 2 : 1, r.at, rd_left(&r), 3);
	sample("fuzz_reply", "result", 0, x.result, x.result_bytes, 3);
	if (!late) { /* the same, as it would come from the session's record */
		uint8_t other[512];
		size_t head = reply_head_encode(&x, true, other, sizeof other);
		if (head == 0 || head + x.result_bytes > sizeof other)
			return;
		memcpy(other + head, x.result, x.result_bytes);
		sample("fuzz_reply", "late", 2, other, head + x.result_bytes, 3);
	}
	if (!result_decode(&result, x.result, x.result_bytes))
		abort();
	struct rd values = rd_of(result.values, result.values_bytes);
	uint32_t value_n;
	const uint8_t *value;
	while (rd_u32(&values, &value_n) && (value = rd_take(&values, value_n)) != NULL)
		sample("fuzz_kv", "answer", 1, value, value_n, 3);
}

static void kept(void *user, const struct log_record *record)
{
	char name[16];
	(void)user;
	snprintf(name, sizeof name, "type%u", record->type);
	if (record->type == DRIVER_REC_BODY)
		return;
	sample("fuzz_record", name, (uint8_t)record->type, record->payload, record->bytes, 1);
	if (pbft_record_has_certificate(record->type)) {
		snprintf(name, sizeof name, "kind%u", record->type);
		static unsigned seen[16];
		if (seen[record->type]++ == 0)
			plain("fuzz_certificate", name, record->payload, record->bytes);
	}
}

/* ---- the world ---- */

static void put(struct flight f, const uint8_t *bytes, size_t n)
{
	if (queue_head + queue_count >= QUEUE_MAX)
		abort();
	f.bytes = bed_join(bytes, n, NULL, 0);
	f.n = n;
	queue[queue_head + queue_count++] = f;
}

static void to_member(void *user, uint8_t from, uint8_t to, const uint8_t *frame, size_t n)
{
	(void)user;
	sample_message(frame, n);
	put((struct flight){ .from = from, .to = to }, frame, n);
}

static void to_client(void *user, uint8_t from, driver_link link, const uint8_t *frame, size_t n)
{
	(void)user;
	(void)link;
	sample_reply(frame, n);
	put((struct flight){ .from = from, .client = true, .reply = true }, frame, n);
}

static void from_client(void *user, uint8_t member, const uint8_t *frame, size_t n)
{
	(void)user;
	sample_message(frame, n);
	put((struct flight){ .to = member, .client = true }, frame, n);
}

static void wake(uint8_t i, uint64_t now)
{
	replica[i].now = now;
	driver_time(replica[i].driver, now, BED_WALL_MS + now);
}

static void deliver(const struct flight *f)
{
	if (f->reply && mute[f->from])
		return;
	if (f->reply) {
		script_frame(&told, f->from, f->bytes, f->n);
		(void)client_core_frame(client.core, f->from, f->bytes, f->n);
		client_bed_tick(&client);
		return;
	}
	if (down[f->to] || (!f->client && mute[f->from]))
		return;
	if (f->to == 0)
		script_frame(&heard, f->client ? 0 : f->from, f->bytes, f->n);
	if (f->client)
		driver_client_frame(replica[f->to].driver, 1, &cluster.client_key, f->bytes, f->n);
	else
		driver_member_frame(replica[f->to].driver, f->from, f->bytes, f->n);
	bed_turn(&replica[f->to]);
}

static void run(uint64_t ms)
{
	for (uint64_t end = client.now + ms; client.now < end; client.now += 10) {
		script_pass(&heard, 4, client.now);
		script_pass(&told, 12, client.now);
		client_core_time(client.core, client.now, BED_WALL_MS + client.now);
		client_bed_tick(&client);
		for (uint8_t i = 0; i < BED_MEMBERS; i++) {
			if (down[i])
				continue;
			wake(i, client.now);
			bed_turn(&replica[i]);
		}
		while (queue_count) {
			struct flight f = queue[queue_head++];
			queue_count--;
			deliver(&f);
			free(f.bytes);
		}
		queue_head = 0;
	}
}

static void links(uint8_t i)
{
	for (uint8_t k = 0; k < BED_MEMBERS && !down[i]; k++)
		if (k != i) {
			driver_member_link(replica[i].driver, k, false);
			driver_member_link(replica[i].driver, k, true);
		}
	bed_turn(&replica[i]);
}

static void begin_one(uint8_t i)
{
	bed_create(&replica[i], i);
	replica[i].now = client.now;
	replica[i].to_member = to_member;
	replica[i].to_client = to_client;
	replica[i].kept = kept;
	if (!bed_start(&replica[i], &cluster))
		abort();
}

static void begin(void)
{
	client.now = 0;
	cluster_make(&cluster);
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		begin_one(i);
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		links(i);
	script_begin(&heard);
	script_begin(&told);
	client_bed_create(&client, &cluster);
	client.sent = from_client;
	for (uint32_t i = 0; i < BED_MEMBERS; i++)
		client_core_link(client.core, i, true);
	client_bed_tick(&client); /* at the target's time: the opening is the same request in both */
}

static void on_answer(void *user, const struct quorate_answer *a)
{
	(void)user;
	if (a->error != QUORATE_OK)
		fprintf(stderr, "an operation ended with: %s\n", a->reason);
}

static void submit_as(bool receipt, const uint8_t *op, size_t n)
{
	struct quorate_op one = { op, n };
	enum quorate_error e = receipt ? client_session_submit_receipt(client.session, &one, 1, on_answer, NULL)
	                               : client_session_submit(client.session, op, n, on_answer, NULL);
	if (n == 0 || e != QUORATE_OK)
		abort();
	script_add(&told, receipt ? 29 : 13, n, op);
	client_bed_tick(&client); /* as the target does after each step */
}

static void submit(const uint8_t *op, size_t n)
{
	submit_as(false, op, n);
}

static void on_report(void *user, uint32_t member, const struct standing *standing)
{
	(void)user;
	(void)member;
	(void)standing;
}

static void operations(void)
{
	uint8_t op[256], inner[64];
	submit(op, quorate_kv_put(op, sizeof op, "key", 3, "value", 5));
	submit(op, quorate_kv_get(op, sizeof op, "key", 3));
	run(40);
	submit(op, quorate_kv_cas(op, sizeof op, "key", 3, "value", 5, "other", 5));
	submit(op, quorate_kv_cas(op, sizeof op, "new", 3, NULL, 0, "x", 1));
	submit(op, quorate_kv_scan(op, sizeof op, "k", 1, NULL, 0, 10));
	run(40);
	struct quorate_kv_part part = { inner, quorate_kv_put(inner, sizeof inner, "in", 2, "side", 4) };
	submit(op, quorate_kv_atomic(op, sizeof op, &part, 1));
	submit_as(true, op, quorate_kv_count(op, sizeof op));
	submit(op, quorate_kv_del(op, sizeof op, "key", 3));
	run(40);
	if (client_session_snapshot(client.session, on_answer, NULL) != QUORATE_OK || client_core_ask(client.core, 1, 0, on_report, NULL) != QUORATE_OK)
		abort();
	script_add(&told, 15, 0, NULL);
	run(200);
}

static void end_script(struct script *s, const char *target, const char *name, int mode)
{
	uint8_t head = (uint8_t)mode;
	if (mode < 0) {
		save(target, name, s->bytes, s->n);
	} else {
		uint8_t *all = bed_join(&head, 1, s->bytes, s->n);
		save(target, name, all, s->n + 1);
		free(all);
	}
	script_begin(s);
}

static void end(const char *name)
{
	end_script(&heard, "fuzz_driver", name, -1);
	end_script(&told, "fuzz_client", name, 1);
	client_core_destroy(client.core);
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		bed_destroy(&replica[i]);
}

static void put_one(const char *key)
{
	uint8_t op[64];
	submit(op, quorate_kv_put(op, sizeof op, key, strlen(key), "v", 1));
}

static void a_beginning(void)
{
	begin();
	run(60);
	operations();
	end("beginning");
}

/* Nobody hears replica 0 any more: suspicion, a view change, work in the new view. It hears the others. */
static void a_new_view(void)
{
	begin();
	run(40);
	put_one("a");
	run(40);
	mute[0] = true;
	put_one("b");
	run(1500);
	put_one("c");
	run(300);
	mute[0] = false;
	run(300);
	end("new-view");
}

/* Replica 0 starts again and asks what it signed. */
static void a_recall(void)
{
	begin();
	run(40);
	for (unsigned i = 0; i < 3; i++) {
		put_one("a");
		run(20);
	}
	bed_stop(&replica[0]);
	if (!bed_start(&replica[0], &cluster))
		abort();
	script_add(&heard, 6, 0, NULL);
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		links(i);
	run(300);
	put_one("b");
	run(300);
	end("recall");
}

/* Replica 0 begins when the others' logs no longer reach back to the beginning: it fetches their state. */
static void a_transfer(void)
{
	begin();
	bed_destroy(&replica[0]);
	down[0] = true;
	for (uint8_t i = 1; i < BED_MEMBERS; i++)
		driver_member_link(replica[i].driver, 0, false);
	for (unsigned i = 0; i < 40; i++) {
		char key[8];
		snprintf(key, sizeof key, "k%u", i % 3);
		put_one(key);
		run(i ? 20 : 1500);
	}
	down[0] = false;
	begin_one(0);
	script_pass(&heard, 4, client.now);
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		links(i);
	run(600);
	if (replica[0].transfers != 1)
		abort();
	end("transfer");
}

/* For the decoders alone: two view changes, one that was away for long, one that restarts. */
static void a_long_story(void)
{
	begin();
	run(60);
	mute[0] = true;
	operations();
	run(4000);
	mute[0] = false;
	links(0);
	run(1000);
	bed_stop(&replica[2]);
	if (!bed_start(&replica[2], &cluster))
		abort();
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		links(i);
	run(600);
	mute[1] = true;
	operations();
	run(2500);
	mute[1] = false;
	client_core_destroy(client.core);
	for (uint8_t i = 0; i < BED_MEMBERS; i++)
		bed_destroy(&replica[i]);
}

/* ---- what stands on the disk and at the beginning of a link ---- */

static void files(void)
{
	static const char replica_yaml[] =
		"genesis: ../genesis\nmember_key: member.key\ntls_key: tls.key\ndata: data\nlisten: 127.0.0.1:7000\ndurability: flush\nverifiers: 0\n";
	static const char client_yaml[] = "genesis: genesis\nkey: client.key\ntimeout: 10s\n";
	static const char wrong_yaml[] = "genesys: [a]\nverifiers: many\n\"listen\": *x\n";
	static const uint8_t one[] = { 1, 6, 10, 0, 120, 1, 3, 0, 200, 2, 9, 0, 1, 1, 0, 0, 16, 4, 1, 2, 3, 4 };
	static const uint8_t cut[] = { 2, 8, 100, 0, 120, 1, 100, 0, 100, 0, 100, 0, 100, 128, 100, 0, 100, 0, 1, 0, 32, 1, 0 };
	static const uint8_t gone[] = { 4, 8, 250, 0, 250, 1, 250, 0, 250, 0, 250, 0, 250, 0, 250, 0, 250, 0, 1, 0, 32, 1, 0 };
	static const uint8_t whole[] = { 0, 12, 0, 0, 1, 0, 2, 0, 3, 0, 255, 0, 255, 0, 255, 0, 4, 128, 5, 0, 6, 0, 255, 0, 7, 0 };
	plain("fuzz_config", "replica", replica_yaml, sizeof replica_yaml - 1);
	plain("fuzz_config", "client", client_yaml, sizeof client_yaml - 1);
	plain("fuzz_config", "wrong", wrong_yaml, sizeof wrong_yaml - 1);
	plain("fuzz_log", "one-change", one, sizeof one);
	plain("fuzz_log", "cut", cut, sizeof cut);
	plain("fuzz_log", "segment-gone", gone, sizeof gone);
	plain("fuzz_log", "whole", whole, sizeof whole);
}

static void queues(void)
{
	static const uint8_t mixed[] = { 0, 10, 0, 2, 0, 200, 1, 50, 0, 128, 0, 0, 2, 255, 127, 3, 1, 0, 128, 0, 0, 128, 0, 0, 4, 0, 64 };
	uint8_t stream[600], *at = stream + 1;
	stream[0] = 6;
	for (uint8_t kind = 0; kind < FRAME_KINDS; kind++) {
		uint8_t payload[40] = { 1, kind };
		size_t n = 8u + kind;
		at += frame_put_head(at, (enum frame_kind)kind, n);
		memcpy(at, payload, n);
		at += n;
	}
	plain("fuzz_queue", "mixed", mixed, sizeof mixed);
	plain("fuzz_pieces", "every-kind", stream, (size_t)(at - stream));
}

static void hello(void)
{
	uint8_t out[HELLO_BYTES], exporter[TLS_EXPORTER_BYTES] = { 7 };
	struct hello h = { .wire_version = HELLO_WIRE_VERSION, .role = 1, .mode = 1, .cluster = cluster.cluster, .key = cluster.client_key, .incarnation = 5 };
	hello_write(out, &h, exporter, HELLO_FROM_OPENER, &bed_scheme, &cluster.client_secret);
	plain("fuzz_hello", "hello", out, sizeof out);
}

static size_t slurp(const char *path, uint8_t *out, size_t capacity)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		abort();
	size_t n = fread(out, 1, capacity, f);
	fclose(f);
	return n;
}

static void members(void)
{
	static struct bft_genesis g;
	static uint8_t bytes[BFT_GENESIS_BYTES_MAX];
	char text[BFT_CARD_TEXT_BYTES_MAX], path[96];
	uint8_t seed[32] = { 0 };
	struct secret_key sk;
	struct public_key pk;
	g.mode = BFT_MODE_BFT;
	g.count = 4;
	snprintf(g.scheme, sizeof g.scheme, "fuzz");
	genesis_limits_default(&g.limits);
	for (uint8_t i = 0; i < 4; i++) {
		struct bft_card *c = &g.cards[i];
		snprintf(c->org, sizeof c->org, "org-%u", i);
		c->addresses_count = 1;
		snprintf(c->addresses[0], sizeof c->addresses[0], "127.0.0.1:%u", 7000u + i);
		memset(c->org_key.b, 10 + i, 32);
		memset(c->member_key.b, 20 + i, 32);
		memset(c->tls_key.b, 30 + i, 32);
	}
	plain("fuzz_genesis", "four", bytes, genesis_encode(bytes, sizeof bytes, &g));
	struct wr w = wr_of(bytes, sizeof bytes);
	card_write(&w, &g.cards[0]);
	sample("fuzz_card", "binary", 0, bytes, wr_done(&w), 1);
	sample("fuzz_card", "text", 1, text, card_format(text, sizeof text, &g.cards[0]), 1);
	fuzz_path(path, sizeof path, "corpus-key");
	sign_ed25519.keypair(&pk, &sk, seed);
	unlink(path);
	if (keyfile_write(path, &sk, NULL) != KEYFILE_OK)
		abort();
	plain("fuzz_keyfile", "clear", bytes, slurp(path, bytes, sizeof bytes));
	unlink(path);
}

/* Runs of bytes that are not zero: see fuzz_superblock.c. */
static void superblock(void)
{
	uint8_t out[SAMPLE_MAX], slot[160] = "qr/superb";
	struct wr s = wr_of(slot + 16, sizeof slot - 16), w = wr_of(out, sizeof out);
	wr_u32(&s, SUPERBLOCK_VERSION);
	wr_u32(&s, 0);
	wr_u64(&s, 5);
	wr_bytes(&s, cluster.cluster.b, 32);
	wr_bytes(&s, cluster.client_key.b, 32);
	wr_u8(&s, 1);
	wr_u8(&s, 1);
	wr_u16(&s, 0);
	wr_u8(&w, 3);
	for (uint16_t at = 0; at <= SUPERBLOCK_SLOT_BYTES; at = (uint16_t)(at + SUPERBLOCK_SLOT_BYTES)) {
		wr_u16(&w, at);
		wr_u8(&w, (uint8_t)(16 + wr_done(&s)));
		wr_bytes(&w, slot, 16 + wr_done(&s));
	}
	plain("fuzz_superblock", "two-slots", out, wr_done(&w));
}

/* ---- evidence: the target believes any signature ---- */

static struct evidence shown;
static uint8_t shown_bytes[EVIDENCE_MESSAGES_MAX][1024];

static void show(uint8_t signer, uint16_t type, const void *body)
{
	struct evidence_message *m = &shown.message[shown.count];
	*m = (struct evidence_message){ .signer = signer, .type = type, .body = shown_bytes[shown.count] };
	m->n = pbft_encode(type, body, shown_bytes[shown.count], sizeof shown_bytes[0]);
	shown.count++;
}

static void show_leaf(uint8_t signer, bft_view view, uint8_t kind, bft_seq seq, uint8_t what, uint16_t count)
{
	static struct bft_votes v;
	v = (struct bft_votes){ .view = view, .count = count };
	for (uint16_t i = 0; i < count; i++)
		v.leaf[i] = (struct bft_leaf){ .kind = kind, .seq = seq + i, .digest = { { what } } };
	struct evidence_message *m = &shown.message[shown.count];
	show(signer, PBFT_VOTES, &v);
	m->form = EVIDENCE_LEAF;
	m->n = evidence_leaf(shown_bytes[shown.count - 1], &v, 0);
}

static void begin_showing(enum evidence_predicate predicate, uint8_t culprit, bft_view view, bft_seq seq)
{
	shown = (struct evidence){ .cluster = { { 7 } }, .epoch = 1, .predicate = predicate, .culprit = culprit, .view = view, .seq = seq };
}

static void save_shown(void)
{
	static uint8_t bytes[SAMPLE_MAX];
	plain("fuzz_evidence", evidence_name(shown.predicate), bytes, evidence_encode(&shown, bytes, sizeof bytes));
}

static void two_votes(enum evidence_predicate predicate, uint8_t kind)
{
	begin_showing(predicate, 2, 6, 17);
	show_leaf(2, 6, kind, 17, 1, 5);
	show_leaf(2, 6, kind, 17, 2, 1);
	save_shown();
}

static void evidence(void)
{
	static struct pbft_view_change vc;
	static struct pbft_new_view nv;
	two_votes(EVIDENCE_TWO_PRE_PREPARES, BFT_LEAF_PRE_PREPARE);
	two_votes(EVIDENCE_TWO_PREPARES, BFT_LEAF_PREPARE);
	two_votes(EVIDENCE_TWO_COMMITS, BFT_LEAF_COMMIT);
	struct bft_snapshot s = { .seq = 32, .chain = { { 1 } } };
	begin_showing(EVIDENCE_TWO_SNAPSHOTS, 1, 0, 32);
	show(1, PBFT_SNAPSHOT, &s);
	s.root.b[0] = 1;
	show(1, PBFT_SNAPSHOT, &s);
	save_shown();
	vc = (struct pbft_view_change){ .view = 7, .stable = 32, .count = 1, .prepared = { { .seq = 33, .view = 6, .digest = { { 3 } } } } };
	begin_showing(EVIDENCE_HIDDEN_COMMIT, 2, 5, 34);
	show_leaf(2, 5, BFT_LEAF_COMMIT, 34, 1, 3);
	show(2, PBFT_VIEW_CHANGE, &vc);
	save_shown();
	nv = (struct pbft_new_view){ .view = 7, .stable = 32, .sources_count = 3, .count = 1, .digest = { { { 4 } } } };
	for (uint8_t i = 0; i < 3; i++) {
		uint8_t bytes[256];
		size_t n = pbft_encode(PBFT_VIEW_CHANGE, &vc, bytes, sizeof bytes);
		nv.source[i].member = i;
		pbft_body_digest(&nv.source[i].digest, PBFT_VIEW_CHANGE, bytes, n);
	}
	begin_showing(EVIDENCE_FALSE_NEW_VIEW, 3, 7, 0);
	show(3, PBFT_NEW_VIEW, &nv);
	for (uint8_t i = 0; i < 3; i++)
		show(i, PBFT_VIEW_CHANGE, &vc);
	save_shown();
	begin_showing(EVIDENCE_NOT_REPROPOSED, 3, 7, 33);
	show_leaf(3, 7, BFT_LEAF_PRE_PREPARE, 33, 9, 2);
	show(3, PBFT_NEW_VIEW, &nv);
	save_shown();
}

/* ---- receipts: so does this one ---- */

static void one_receipt(const char *name, bft_mask signers, bft_mask alone, uint16_t count, uint16_t index)
{
	static const uint8_t op[] = { 3, 0, 0, 0, 'p', 'u', 't' }, value[] = { 1, 0, 0, 0, 0 };
	uint8_t request[128], answer[64], bytes[SAMPLE_MAX];
	struct bundle b = { .session = 7, .number = 3, .reply_mask = 15, .count = 1, .ops = op, .ops_bytes = sizeof op };
	struct result x = { 7, 3, RESULT_DONE, 1, value, sizeof value };
	struct receipt r = { .cluster = { { 7 } }, .epoch = 1, .seq = 9, .bundle = request, .result = answer, .signers = signers, .alone = alone };
	r.bundle_bytes = bundle_encode(&b, request, sizeof request);
	r.result_bytes = result_encode(&x, answer, sizeof answer);
	r.place = (struct reply_place){ .count = count, .index = index, .path_count = merkle_path_length(count, index) };
	plain("fuzz_receipt", name, bytes, receipt_encode(&r, bytes, sizeof bytes));
}

static void receipts(void)
{
	one_receipt("roots", 7, 0, 5, 2);
	one_receipt("alone", 11, 11, 0, 0);
	one_receipt("both-forms", 15, 2, 1, 0);
	one_receipt("too-few", 3, 0, 512, 511);
}

/* ---- members and mode: so does this one, and its four organizations' keys are all ones, all twos, and so on ---- */

static void save_change(const char *name, struct reconfigure *r, uint8_t approvals)
{
	static uint8_t bytes[RECONFIGURE_BYTES_MAX];
	static const struct signature any = { { 6 } };
	for (uint8_t i = 1; i <= approvals; i++) {
		struct public_key org;
		memset(org.b, i, sizeof org.b);
		(void)reconfigure_add(r, &org, &any);
	}
	plain("fuzz_reconfigure", name, bytes, reconfigure_encode(r, bytes, sizeof bytes));
}

static struct bft_card newcomer(uint8_t i)
{
	struct bft_card c = { .org = "new", .addresses_count = 1 };
	snprintf(c.addresses[0], sizeof c.addresses[0], "127.0.0.1:%u", 7000u + i);
	memset(c.org_key.b, 40, 32);
	memset(c.member_key.b, 50 + i, 32);
	memset(c.tls_key.b, 60 + i, 32);
	return c;
}

/* As the chain of epochs shows it. */
static void save_link(const struct reconfigure *r)
{
	static uint8_t bytes[EPOCH_LINK_BYTES_MAX];
	static struct epoch_link link;
	static const struct signature any = { { 6 } };
	link = (struct epoch_link){ .record = { .epoch = 2, .base = 64, .change = { .kind = BUNDLE_RECONFIGURE } } };
	link.record.change.reconfigure = *r;
	(void)epoch_link_add(&link, 0, &any);
	(void)epoch_link_add(&link, 2, &any);
	plain("fuzz_epoch_link", "reconfigure", bytes, epoch_link_encode(&link, bytes, sizeof bytes));
}

/* As a client brings it. */
static void save_request(const struct reconfigure *r)
{
	static uint8_t ops[4 + RECONFIGURE_BYTES_MAX], bytes[BUNDLE_HEAD_BYTES + sizeof ops];
	size_t n = reconfigure_encode(r, ops + 4, sizeof ops - 4);
	struct wr w = wr_of(ops, 4);
	wr_u32(&w, (uint32_t)n);
	struct bundle b = { .key = cluster.client_key, .kind = BUNDLE_RECONFIGURE, .session = 7, .number = 3, .count = 1, .ops = ops, .ops_bytes = 4 + n };
	plain("fuzz_bundle", "reconfigure", bytes, bundle_encode(&b, bytes, sizeof bytes));
}

/* What organizations approve is asked of a replica: whole, and one byte short. */
static void save_question(void)
{
	uint8_t frame[BFT_FRAME_HEAD_BYTES + PUBLIC_KEY_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH_VOICE };
	struct public_key none = { { 0 } };
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	wr_bytes(&w, none.b, sizeof none.b);
	script_begin(&heard);
	script_add(&heard, 0, wr_done(&w), frame);
	script_add(&heard, 0, wr_done(&w) - 1, frame);
	end_script(&heard, "fuzz_driver", "voices", -1);
}

static void changes(void)
{
	struct reconfigure come = { .epoch = 1, .kind = RECONFIGURE_MEMBERS, .seats = 1, .seat = { { 4, true, newcomer(4) } } };
	struct reconfigure replace = { .epoch = 1, .kind = RECONFIGURE_MEMBERS, .seats = 1, .seat = { { 2, true, newcomer(4) } } };
	struct reconfigure two = { .epoch = 1, .kind = RECONFIGURE_MEMBERS, .seats = 2, .seat = { { 1, false, { { 0 } } }, { 63, true, newcomer(5) } } };
	struct reconfigure trusted = { .epoch = 1, .kind = RECONFIGURE_MODE, .mode = BFT_MODE_TRUSTED };
	struct reconfigure bft = { .epoch = 1, .kind = RECONFIGURE_MODE, .mode = BFT_MODE_BFT };
	save_change("come", &come, 3);
	save_change("replace", &replace, 4);
	save_change("go-and-come", &two, 4);
	save_change("trusted", &trusted, 4);
	save_change("bft-by-one", &bft, 1);
	save_link(&come);
	save_request(&trusted);
	save_question();
}

static void evidence_list(void)
{
	uint8_t bytes[256];
	struct evidence_answer a;
	evidence_name_set(&a.after, "0-two-commits-0-9.evidence");
	evidence_name_set(&a.name, "3-two-view-changes-4-0.evidence");
	sample("fuzz_evidence_list", "question", 0, bytes, evidence_question_encode(&a.after, bytes, sizeof bytes), 1);
	size_t n = evidence_answer_head_encode(&a, bytes, sizeof bytes);
	memcpy(bytes + n, "file", 4);
	sample("fuzz_evidence_list", "answer", 1, bytes, n + 4, 1);
	evidence_name_set(&a.name, "");
	sample("fuzz_evidence_list", "no-other", 1, bytes, evidence_answer_head_encode(&a, bytes, sizeof bytes), 1);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	folder = argv[1];
	mkdir(folder, 0777);
	a_beginning();
	a_new_view();
	a_recall();
	a_transfer();
	a_long_story();
	files();
	queues();
	hello();
	members();
	superblock();
	evidence();
	receipts();
	changes();
	evidence_list();
	return 0;
}
