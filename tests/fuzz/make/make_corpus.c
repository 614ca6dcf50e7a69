/* tests/fuzz/make/make_corpus.c - writes the corpora: make_corpus FOLDER. Four replicas and a client talk in memory, the leader falls silent, one restarts; what
 * they say and keep, cut to a few samples of each kind, is the corpus. Everything follows from the code, so the same code writes the same files. */
#include "tests/fuzz/client_bed.h"
#include "tests/fuzz/make/make.h"
#include "tests/fuzz/make/samples.h"
#include "tests/fuzz/make/script.h"

#define QUEUE_MAX 20000u

struct flight {
	uint8_t from, to;
	bool client; /* from or to it */
	bool reply;
	uint8_t *bytes;
	size_t n;
};

static struct cluster_bed cluster;
static struct replica_bed replica[BED_MEMBERS];
static struct client_bed client;
static struct flight queue[QUEUE_MAX];
static uint32_t queue_head, queue_count;
static bool mute[BED_MEMBERS]; /* what it sends is lost */
static bool down[BED_MEMBERS]; /* it does not run        */

static struct script heard, told; /* what replica 0 and the client are sent */

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
	replica[i].kept = sample_record;
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

static void end(const char *name)
{
	script_end(&heard, "fuzz_driver", name, -1);
	script_end(&told, "fuzz_client", name, 1);
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

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	samples_folder(argv[1]);
	a_beginning();
	a_new_view();
	a_recall();
	a_transfer();
	a_long_story();
	make_files(&cluster);
	make_proofs(&cluster);
	return 0;
}
