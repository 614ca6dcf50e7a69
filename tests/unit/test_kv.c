/* The key-value service: its codec, and the service itself, driven through execution with a real state. */
#include "quorate_kv.h"
#include "replica/execution/execution.h"
#include "tests/unit/state_bed.h"

#define OP_MAX (QUORATE_KV_VALUE_MAX + 2048u)

static struct state_bed bed;
static struct execution *run;
static struct bodies *bodies;
static struct digest cluster;
static uint64_t session, number;
static struct executed *done;
static uint8_t op[OP_MAX], op2[OP_MAX], big[2u << 20];

/* Executes one bundle of one operation; its value, or NULL when the bundle was refused (`*status` says how). */
static const uint8_t *carry(uint8_t kind, const void *bytes, size_t n, size_t *value_bytes, uint8_t *status)
{
	static uint8_t ops[OP_MAX + 4], packed[OP_MAX + 256];
	uint8_t head[PROPOSAL_BYTES(1)];
	struct wr w = wr_of(ops, sizeof ops);
	wr_u32(&w, (uint32_t)n);
	wr_bytes(&w, bytes, n);
	struct bundle b = { .kind = kind,
		            .session = kind == BUNDLE_OPEN ? 0 : session,
		            .number = ++number,
		            .reply_mask = UINT64_MAX,
		            .count = 1,
		            .ops = ops,
		            .ops_bytes = wr_done(&w) };
	size_t packed_n = bundle_encode(&b, packed, sizeof packed);
	struct digest d;
	struct signature none = { { 0 } };
	bundle_digest(&d, packed, packed_n);
	struct bundle_body *body = bodies_add_bundle(bodies, &d, &none, packed, packed_n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	struct bft_proposal p = { .time_ms = 1000, .count = 1, .digests = d.b };
	size_t head_n = proposal_encode(&p, head, sizeof head);
	struct digest pd;
	proposal_digest(&pd, &cluster, head, head_n);
	struct proposal_body *proposal = bodies_add_proposal(bodies, &pd, head, head_n, 0);
	CU_ASSERT_FATAL(proposal && bodies_whole(proposal));
	CU_ASSERT_FATAL(execution_run(run, proposal, done));
	bodies_remove_proposal(bodies, proposal);
	bodies_unref(bodies, body);
	if (execution_snapshot_due(run) == execution_seq(run))
		CU_ASSERT_FATAL(execution_snapshot(run));
	struct result result;
	CU_ASSERT_FATAL(result_decode(&result, done->bytes + done->result[0].at, done->result[0].n));
	*status = result.status;
	if (result.status != RESULT_DONE)
		return NULL;
	struct rd r = rd_of(result.values, result.values_bytes);
	uint32_t value_n = 0;
	rd_u32(&r, &value_n);
	*value_bytes = value_n;
	return result.values + 4;
}

static void begin(void)
{
	static struct bft_genesis genesis;
	struct bodies_limits most = { .proposal_bundles_max = 16, .proposal_bytes_max = 8u << 20, .bytes_max = (size_t)64 << 20 };
	struct quorate_app app;
	uint8_t void_ms[8] = { 0x30, 0x75 }, status; /* 30 s */
	size_t n;
	bed_create(&bed);
	genesis_limits_default(&genesis.limits);
	genesis.count = 4;
	genesis.limits.state_bytes = (uint64_t)8 << 20;
	quorate_kv_app(&app);
	run = execution_create(bed.state, &genesis, &sign_ed25519, &cluster, &app);
	bodies = bodies_create(&most, &cluster);
	done = malloc(sizeof *done);
	CU_ASSERT_FATAL(run && bodies && done);
	session = number = 0;
	const uint8_t *value = carry(BUNDLE_OPEN, void_ms, sizeof void_ms, &n, &status);
	CU_ASSERT_FATAL(value && n == 8);
	memcpy(&session, value, 8);
	number = 0;
}

static void end(void)
{
	execution_destroy(run);
	bodies_destroy(bodies);
	free(done);
	bed_destroy(&bed);
}

static struct quorate_kv_answer ask(const void *bytes, size_t n)
{
	struct quorate_kv_answer a = { .status = 255 };
	uint8_t status;
	size_t value_n = 0;
	const uint8_t *value = carry(BUNDLE_OPS, bytes, n, &value_n, &status);
	CU_ASSERT_PTR_NOT_NULL_FATAL(value);
	CU_ASSERT_FATAL(quorate_kv_answer_read(&a, value, value_n));
	return a;
}

static uint8_t put(const char *key, const char *value)
{
	return ask(op, quorate_kv_put(op, sizeof op, key, strlen(key), value, strlen(value))).status;
}

static bool holds(const char *key, const char *value)
{
	struct quorate_kv_answer a = ask(op2, quorate_kv_get(op2, sizeof op2, key, strlen(key)));
	if (!value)
		return a.status == QUORATE_KV_NONE && a.body_bytes == 0;
	return a.status == QUORATE_KV_OK && a.body_bytes == strlen(value) && memcmp(a.body, value, a.body_bytes) == 0;
}

static void put_get_delete(void)
{
	uint64_t count;
	begin();
	CU_ASSERT(holds("a", NULL));
	CU_ASSERT_EQUAL(put("a", "1"), QUORATE_KV_OK);
	CU_ASSERT_EQUAL(put("b", ""), QUORATE_KV_OK);
	CU_ASSERT(holds("a", "1") && holds("b", ""));
	CU_ASSERT_EQUAL(put("a", "2"), QUORATE_KV_OK);
	CU_ASSERT(holds("a", "2"));
	struct quorate_kv_answer a = ask(op, quorate_kv_count(op, sizeof op));
	CU_ASSERT(quorate_kv_count_read(&count, &a) && count == 2);
	CU_ASSERT_EQUAL(ask(op, quorate_kv_del(op, sizeof op, "a", 1)).status, QUORATE_KV_OK);
	CU_ASSERT_EQUAL(ask(op, quorate_kv_del(op, sizeof op, "a", 1)).status, QUORATE_KV_NONE);
	CU_ASSERT(holds("a", NULL));
	a = ask(op, quorate_kv_count(op, sizeof op));
	CU_ASSERT(quorate_kv_count_read(&count, &a) && count == 1);
	end();
}

static void compare_and_swap(void)
{
	begin();
	struct quorate_kv_answer a = ask(op, quorate_kv_cas(op, sizeof op, "k", 1, "x", 1, "1", 1));
	CU_ASSERT(a.status == QUORATE_KV_MISMATCH && a.body_bytes == 1 && a.body[0] == 0);
	CU_ASSERT_EQUAL(ask(op, quorate_kv_cas(op, sizeof op, "k", 1, NULL, 0, "1", 1)).status, QUORATE_KV_OK);
	a = ask(op, quorate_kv_cas(op, sizeof op, "k", 1, NULL, 0, "2", 1));
	CU_ASSERT(a.status == QUORATE_KV_MISMATCH && a.body_bytes == 2 &&
	          memcmp(a.body,
	                 "\1"
	                 "1",
	                 2) == 0);
	a = ask(op, quorate_kv_cas(op, sizeof op, "k", 1, "", 0, "2", 1)); /* empty is not absent, and not "1" */
	CU_ASSERT_EQUAL(a.status, QUORATE_KV_MISMATCH);
	CU_ASSERT(holds("k", "1"));
	CU_ASSERT_EQUAL(ask(op, quorate_kv_cas(op, sizeof op, "k", 1, "1", 1, "", 0)).status, QUORATE_KV_OK);
	CU_ASSERT_EQUAL(ask(op, quorate_kv_cas(op, sizeof op, "k", 1, "", 0, "3", 1)).status, QUORATE_KV_OK);
	CU_ASSERT(holds("k", "3"));
	end();
}

static void limits_are_exact(void)
{
	char key[QUORATE_KV_KEY_MAX + 1];
	begin();
	memset(key, 'k', sizeof key);
	size_t n = quorate_kv_put(op, sizeof op, key, QUORATE_KV_KEY_MAX, big, QUORATE_KV_VALUE_MAX);
	CU_ASSERT_EQUAL_FATAL(n, 1 + 2 + QUORATE_KV_KEY_MAX + 4 + QUORATE_KV_VALUE_MAX);
	CU_ASSERT_EQUAL(ask(op, n).status, QUORATE_KV_OK);
	CU_ASSERT_EQUAL(ask(op2, quorate_kv_get(op2, sizeof op2, key, QUORATE_KV_KEY_MAX)).body_bytes, QUORATE_KV_VALUE_MAX);
	/* The writers refuse more; a client that writes it by itself hears so. */
	CU_ASSERT_EQUAL(quorate_kv_put(op, sizeof op, key, QUORATE_KV_KEY_MAX + 1, "", 0), 0);
	CU_ASSERT_EQUAL(quorate_kv_put(op, sizeof op, key, 0, "", 0), 0);
	CU_ASSERT_EQUAL(quorate_kv_put(op, sizeof op, "k", 1, big, QUORATE_KV_VALUE_MAX + 1), 0);
	CU_ASSERT_EQUAL(quorate_kv_scan(op, sizeof op, "", 0, "", 0, 0), 0);
	CU_ASSERT_EQUAL(quorate_kv_scan(op, sizeof op, "", 0, "", 0, QUORATE_KV_SCAN_MAX + 1), 0);
	CU_ASSERT_EQUAL(quorate_kv_get(op, 3, "k", 1), 0);
	uint8_t raw[1024] = { 2, (QUORATE_KV_KEY_MAX + 1) & 255, (QUORATE_KV_KEY_MAX + 1) >> 8 };
	CU_ASSERT_EQUAL(ask(raw, 3 + QUORATE_KV_KEY_MAX + 1).status, QUORATE_KV_TOO_LARGE);
	uint8_t page[] = { 5, 0, 0, 0, 0, 0xe9, 3 };
	CU_ASSERT_EQUAL(ask(page, sizeof page).status, QUORATE_KV_TOO_LARGE);
	struct wr w = wr_of(op, sizeof op);
	wr_bytes(&w, "\1\1\0k", 4);
	wr_u32(&w, QUORATE_KV_VALUE_MAX + 1);
	wr_bytes(&w, big, QUORATE_KV_VALUE_MAX + 1);
	CU_ASSERT_EQUAL(ask(op, wr_done(&w)).status, QUORATE_KV_TOO_LARGE);
	end();
}

static void wrong_bytes_are_malformed(void)
{
	uint8_t part[64];
	struct quorate_kv_part parts[2] = { { part, quorate_kv_get(part, sizeof part, "k", 1) }, { part, 4 } };
	size_t lengths[8] = { 0 };
	uint8_t good[8][96];
	begin();
	lengths[0] = quorate_kv_put(good[0], 96, "key", 3, "value", 5);
	lengths[1] = quorate_kv_get(good[1], 96, "key", 3);
	lengths[2] = quorate_kv_del(good[2], 96, "key", 3);
	lengths[3] = quorate_kv_cas(good[3], 96, "key", 3, "a", 1, "b", 1);
	lengths[4] = quorate_kv_cas(good[4], 96, "key", 3, NULL, 0, "b", 1);
	lengths[5] = quorate_kv_scan(good[5], 96, "k", 1, "ka", 2, 10);
	lengths[6] = quorate_kv_count(good[6], 96);
	lengths[7] = quorate_kv_atomic(good[7], 96, parts, 2);
	for (int i = 0; i < 8; i++) {
		CU_ASSERT_FATAL(lengths[i] > 0);
		for (size_t n = 0; n < lengths[i]; n++) /* every truncation; none at all is no operation for the bundle's codec to carry */
			CU_ASSERT_EQUAL(n == 0 ? QUORATE_KV_MALFORMED : ask(good[i], n).status, QUORATE_KV_MALFORMED);
		good[i][lengths[i]] = 0;
		CU_ASSERT_EQUAL(ask(good[i], lengths[i] + 1).status, QUORATE_KV_MALFORMED);
		uint8_t code = good[i][0];
		good[i][0] = 0;
		CU_ASSERT_EQUAL(ask(good[i], lengths[i]).status, QUORATE_KV_MALFORMED);
		good[i][0] = 200;
		CU_ASSERT_EQUAL(ask(good[i], lengths[i]).status, QUORATE_KV_MALFORMED);
		good[i][0] = code;
	}
	CU_ASSERT_EQUAL(ask("\4\1\0k\2\1\0\0\0b", 10).status, QUORATE_KV_MALFORMED); /* present: neither 0 nor 1 */
	CU_ASSERT_EQUAL(ask("\2\0\0", 3).status, QUORATE_KV_MALFORMED);              /* an empty key            */
	CU_ASSERT_EQUAL(ask("\5\0\0\0\0\0\0", 7).status, QUORATE_KV_MALFORMED);      /* an empty page           */
	CU_ASSERT_EQUAL(ask("\7\0", 2).status, QUORATE_KV_MALFORMED);                /* nothing to do           */
	CU_ASSERT_EQUAL(ask("\7\1\xff\xff\xff\xff\6", 7).status, QUORATE_KV_MALFORMED);
	CU_ASSERT_EQUAL(ask("\1\1\0k\xff\xff\xff\xff", 8).status, QUORATE_KV_MALFORMED);
	end();
}

static void all_or_nothing(void)
{
	uint8_t a1[64], a2[64], a3[64];
	begin();
	CU_ASSERT_EQUAL(put("from", "10"), QUORATE_KV_OK);
	struct quorate_kv_part parts[3] = {
		{ a1, quorate_kv_put(a1, sizeof a1, "to", 2, "5", 1) },
		{ a2, quorate_kv_cas(a2, sizeof a2, "from", 4, "10", 2, "5", 1) },
		{ a3, quorate_kv_get(a3, sizeof a3, "none", 4) },
	};
	struct quorate_kv_answer a = ask(op, quorate_kv_atomic(op, sizeof op, parts, 3));
	CU_ASSERT_EQUAL(a.status, QUORATE_KV_OK); /* an absent key is an answer */
	CU_ASSERT(a.body_bytes == 1 + 3 * 5 && memcmp(a.body, "\3\1\0\0\0\0\1\0\0\0\0\1\0\0\0\1", 16) == 0);
	CU_ASSERT(holds("to", "5") && holds("from", "5"));
	/* Again: the swap does not match, and the put before it is undone. */
	parts[0].n = quorate_kv_put(a1, sizeof a1, "to", 2, "9", 1);
	a = ask(op, quorate_kv_atomic(op, sizeof op, parts, 3));
	CU_ASSERT_EQUAL(a.status, QUORATE_KV_MISMATCH);
	CU_ASSERT(a.body_bytes == 1 + 5 + 4 + 3 && memcmp(a.body,
	                                                  "\2\1\0\0\0\0\3\0\0\0\2\1"
	                                                  "5",
	                                                  13) == 0);
	CU_ASSERT(holds("to", "5") && holds("from", "5"));
	/* Reads see the writes before them, and deletions are undone too. */
	parts[0].n = quorate_kv_del(a1, sizeof a1, "to", 2);
	parts[1].n = quorate_kv_get(a2, sizeof a2, "to", 2);
	parts[2].n = quorate_kv_cas(a3, sizeof a3, "to", 2, "x", 1, "y", 1);
	a = ask(op, quorate_kv_atomic(op, sizeof op, parts, 3));
	CU_ASSERT(a.status == QUORATE_KV_MISMATCH && memcmp(a.body, "\3\1\0\0\0\0\1\0\0\0\1\2\0\0\0\2\0", 17) == 0);
	CU_ASSERT(holds("to", "5"));
	end();
}

static void atomic_parts_are_single_operations(void)
{
	uint8_t inner[64];
	struct quorate_kv_part part = { inner, quorate_kv_scan(inner, sizeof inner, "", 0, "", 0, 1) }, many[255];
	begin();
	CU_ASSERT_EQUAL(ask(op, quorate_kv_atomic(op, sizeof op, &part, 1)).status, QUORATE_KV_MALFORMED);
	part.n = quorate_kv_count(inner, sizeof inner);
	size_t n = quorate_kv_atomic(op2, sizeof op2, &part, 1);
	struct quorate_kv_part nested = { op2, n };
	CU_ASSERT_EQUAL(ask(op, quorate_kv_atomic(op, sizeof op, &nested, 1)).status, QUORATE_KV_MALFORMED);
	for (int i = 0; i < 255; i++)
		many[i] = part;
	CU_ASSERT_EQUAL(quorate_kv_atomic(op, sizeof op, many, QUORATE_KV_ATOMIC_MAX + 1), 0);
	CU_ASSERT_EQUAL(ask(op, quorate_kv_atomic(op, sizeof op, many, QUORATE_KV_ATOMIC_MAX)).status, QUORATE_KV_OK);
	op[0] = 7;
	op[1] = QUORATE_KV_ATOMIC_MAX + 1;
	for (size_t i = 0; i <= QUORATE_KV_ATOMIC_MAX; i++)
		memcpy(op + 2 + 5 * i, "\1\0\0\0\6", 5);
	CU_ASSERT_EQUAL(ask(op, 2 + 5 * (QUORATE_KV_ATOMIC_MAX + 1)).status, QUORATE_KV_TOO_LARGE);
	end();
}

static void answers_of_an_atomic_operation_are_bounded(void)
{
	uint8_t get[16], mark[16];
	begin();
	CU_ASSERT_EQUAL(ask(op, quorate_kv_put(op, sizeof op, "big", 3, big, QUORATE_KV_VALUE_MAX)).status, QUORATE_KV_OK);
	struct quorate_kv_part one = { get, quorate_kv_get(get, sizeof get, "big", 3) };
	struct quorate_kv_part parts[4] = { { mark, quorate_kv_put(mark, sizeof mark, "m", 1, "1", 1) }, one, one, one };
	struct quorate_kv_answer a = ask(op, quorate_kv_atomic(op, sizeof op, parts, 4));
	CU_ASSERT(a.status == QUORATE_KV_TOO_LARGE && a.body_bytes == 0);
	CU_ASSERT(holds("m", NULL));
	end();
}

static void a_full_state_changes_nothing(void)
{
	uint8_t status = QUORATE_KV_OK;
	char key[8];
	int i;
	begin();
	for (i = 0; i < 16 && status == QUORATE_KV_OK; i++) {
		snprintf(key, sizeof key, "k%02d", i);
		status = ask(op, quorate_kv_put(op, sizeof op, key, 3, big, QUORATE_KV_VALUE_MAX)).status;
	}
	CU_ASSERT_EQUAL(status, QUORATE_KV_FULL);
	CU_ASSERT(holds(key, NULL));
	uint8_t small[16], large_key[] = "k00";
	struct quorate_kv_part parts[2] = { { small, quorate_kv_put(small, sizeof small, "s", 1, "1", 1) }, { op2, 0 } };
	parts[1].n = quorate_kv_put(op2, sizeof op2, key, 3, big, QUORATE_KV_VALUE_MAX - 100);
	static uint8_t both[OP_MAX];
	struct quorate_kv_answer a = ask(both, quorate_kv_atomic(both, sizeof both, parts, 2));
	CU_ASSERT_EQUAL(a.status, QUORATE_KV_MISMATCH);
	CU_ASSERT(a.body_bytes == 1 + 5 + 5 && a.body[0] == 2 && a.body[10] == QUORATE_KV_FULL);
	CU_ASSERT(holds("s", NULL));
	CU_ASSERT_EQUAL(ask(op, quorate_kv_del(op, sizeof op, large_key, 3)).status, QUORATE_KV_OK);
	CU_ASSERT_EQUAL(ask(op, quorate_kv_put(op, sizeof op, key, 3, "1", 1)).status, QUORATE_KV_OK);
	end();
}

/* Reads everything that begins with `prefix`, in pages of `limit`; the number of pages. */
static int collect(const char *prefix, uint16_t limit, char *keys, size_t capacity)
{
	char after[QUORATE_KV_KEY_MAX];
	size_t after_n = 0;
	int pages = 0;
	struct quorate_kv_page page = { .more = true };
	keys[0] = 0;
	while (page.more && pages < 100) {
		struct quorate_kv_answer a = ask(op, quorate_kv_scan(op, sizeof op, prefix, strlen(prefix), after, after_n, limit));
		const void *key, *value;
		size_t key_n, value_n;
		CU_ASSERT_FATAL(quorate_kv_page_read(&page, &a));
		CU_ASSERT(page.left <= limit);
		while (quorate_kv_page_next(&page, &key, &key_n, &value, &value_n)) {
			snprintf(keys + strlen(keys), capacity - strlen(keys), "%.*s,", (int)key_n, (const char *)key);
			memcpy(after, key, key_n);
			after_n = key_n;
		}
		pages++;
	}
	return pages;
}

static void scans_come_in_pages(void)
{
	char keys[256];
	begin();
	const char *const names[] = { "a", "b", "b1", "b2", "b3", "bz", "c" };
	for (size_t i = 0; i < 7; i++)
		CU_ASSERT_EQUAL(put(names[i], "v"), QUORATE_KV_OK);
	CU_ASSERT_EQUAL(collect("b", 2, keys, sizeof keys), 3);
	CU_ASSERT_STRING_EQUAL(keys, "b,b1,b2,b3,bz,");
	CU_ASSERT_EQUAL(collect("b", 5, keys, sizeof keys), 1); /* exactly all: no page more */
	CU_ASSERT_EQUAL(collect("", 1000, keys, sizeof keys), 1);
	CU_ASSERT_STRING_EQUAL(keys, "a,b,b1,b2,b3,bz,c,");
	CU_ASSERT_EQUAL(collect("zz", 10, keys, sizeof keys), 1);
	CU_ASSERT_STRING_EQUAL(keys, "");
	end();
}

static void pages_are_bounded_in_bytes(void)
{
	char keys[256];
	begin();
	CU_ASSERT_EQUAL(ask(op, quorate_kv_put(op, sizeof op, "b1", 2, big, 600000)).status, QUORATE_KV_OK);
	CU_ASSERT_EQUAL(ask(op, quorate_kv_put(op, sizeof op, "b2", 2, big, 400000)).status, QUORATE_KV_OK);
	CU_ASSERT_EQUAL(ask(op, quorate_kv_put(op, sizeof op, "b3", 2, big, 600000)).status, QUORATE_KV_OK);
	CU_ASSERT_EQUAL(ask(op, quorate_kv_put(op, sizeof op, "b4", 2, big, QUORATE_KV_VALUE_MAX)).status, QUORATE_KV_OK);
	CU_ASSERT_EQUAL(collect("", 1000, keys, sizeof keys), 3);
	CU_ASSERT_STRING_EQUAL(keys, "b1,b2,b3,b4,");
	end();
}

static void lying_pages_are_refused(void)
{
	uint8_t good[] = { 0, 1, 1, 0, 1, 0, 'k', 2, 0, 0, 0, 'v', 'w' };
	struct quorate_kv_answer a;
	struct quorate_kv_page page;
	CU_ASSERT(quorate_kv_answer_read(&a, good, sizeof good) && quorate_kv_page_read(&page, &a) && page.more && page.left == 1);
	for (size_t n = 1; n < sizeof good; n++)
		CU_ASSERT(quorate_kv_answer_read(&a, good, n) && !quorate_kv_page_read(&page, &a));
	uint8_t longer[sizeof good + 1] = { 0 };
	memcpy(longer, good, sizeof good);
	CU_ASSERT(quorate_kv_answer_read(&a, longer, sizeof longer) && !quorate_kv_page_read(&page, &a));
	memset(good + 2, 0xff, 2);
	CU_ASSERT(quorate_kv_answer_read(&a, good, sizeof good) && !quorate_kv_page_read(&page, &a));
	CU_ASSERT(!quorate_kv_answer_read(&a, good, 0));
	good[0] = QUORATE_KV_FULL + 1;
	CU_ASSERT(!quorate_kv_answer_read(&a, good, sizeof good));
	uint64_t count;
	a = (struct quorate_kv_answer){ .status = QUORATE_KV_OK, .body = good, .body_bytes = 7 };
	CU_ASSERT(!quorate_kv_count_read(&count, &a));
	for (uint8_t i = 0; i <= QUORATE_KV_FULL + 1; i++)
		CU_ASSERT_PTR_NOT_NULL(quorate_kv_status_text(i));
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "put, get and delete", put_get_delete },
		{ "compare and swap", compare_and_swap },
		{ "limits are exact", limits_are_exact },
		{ "wrong bytes are malformed", wrong_bytes_are_malformed },
		{ "atomic: all or nothing", all_or_nothing },
		{ "atomic: parts are single operations", atomic_parts_are_single_operations },
		{ "atomic: answers are bounded", answers_of_an_atomic_operation_are_bounded },
		{ "a full state changes nothing", a_full_state_changes_nothing },
		{ "scans come in pages", scans_come_in_pages },
		{ "pages are bounded in bytes", pages_are_bounded_in_bytes },
		{ "lying pages are refused", lying_pages_are_refused },
		{ NULL, NULL },
	};
	return unit_main("kv", cases);
}
