/* Execution: once each, whole or not at all, the same everywhere; a local failure is never a result; snapshots where they are due. */
#include "tests/unit/execution_bed.h"

#define NOW 1000000u

static struct xbed b, other;

static void begin(void)
{
	struct bft_genesis_limits limits = xbed_limits();
	xbed_create(&b, &limits);
}

static uint8_t run_one(uint64_t session, uint64_t number, const char *const *ops)
{
	xbed_request(&b, 1, session, number, ops);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	return xbed_result(&b, 0).status;
}

/* ---- digests, spelled out ---- */

/* One session is opened by the first proposal: its result, leaf, root and chain from the bytes of docs/formats.md. */
static void root_and_chain_are_as_written_down(void)
{
	begin();
	xbed_open(&b, 1, 0x0102, NOW + 5);
	uint8_t proposal[14 + 32], result[8 + 8 + 1 + 2 + 4 + 8];
	struct wr w = wr_of(proposal, sizeof proposal);
	wr_u64(&w, NOW);
	wr_u32(&w, 0);
	wr_u16(&w, 1);
	wr_bytes(&w, b.bundle[0]->digest.b, 32);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));

	struct digest d, leaf, chain;
	struct digest_ctx c;
	digest_begin(&c, DOMAIN_PROPOSAL);
	digest_add(&c, b.cluster.b, 32);
	digest_add(&c, proposal, sizeof proposal);
	digest_end(&c, &d);
	CU_ASSERT_TRUE(digest_equal(&d, &b.done.proposal));

	w = wr_of(result, sizeof result);
	wr_u64(&w, 0);
	wr_u64(&w, 0x0102);
	wr_u8(&w, 0);
	wr_u16(&w, 1);
	wr_u32(&w, 8);
	wr_u64(&w, 1 << 16);
	digest_begin(&c, DOMAIN_RESULT);
	digest_add_u64(&c, 1);
	digest_add(&c, b.bundle[0]->digest.b, 32);
	digest_add(&c, result, sizeof result);
	digest_end(&c, &leaf);
	CU_ASSERT_TRUE(b.done.result[0].n == sizeof result && memcmp(b.done.bytes + b.done.result[0].at, result, sizeof result) == 0);
	CU_ASSERT_TRUE(digest_equal(&leaf, &b.done.leaf[0]) && digest_equal(&leaf, &b.done.root));

	digest_begin(&c, DOMAIN_CHAIN);
	digest_add(&c, b.cluster.b, 32);
	digest_add_u64(&c, 1);
	digest_add(&c, d.b, 32);
	digest_add(&c, leaf.b, 32);
	digest_end(&c, &chain);
	CU_ASSERT_TRUE(digest_equal(&chain, &b.done.chain) && digest_equal(&chain, execution_chain(b.x)));

	/* Two bundles: a tree of two leaves, behind the first chain digest. */
	xbed_open(&b, 2, 1, NOW + 5);
	xbed_request(&b, 3, 99, 7, XBED_OPS("n"));
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	struct digest leaves[2], root;
	for (int i = 0; i < 2; i++) {
		digest_begin(&c, DOMAIN_RESULT);
		digest_add_u64(&c, 2);
		digest_add(&c, b.bundle[i]->digest.b, 32);
		digest_add(&c, b.done.bytes + b.done.result[i].at, b.done.result[i].n);
		digest_end(&c, &leaves[i]);
	}
	digest_of(&root, DOMAIN_MERKLE_NODE, leaves, sizeof leaves);
	CU_ASSERT_TRUE(digest_equal(&root, &b.done.root));
	digest_begin(&c, DOMAIN_CHAIN);
	digest_add(&c, chain.b, 32);
	digest_add_u64(&c, 2);
	digest_add(&c, b.done.proposal.b, 32);
	digest_add(&c, root.b, 32);
	digest_end(&c, &d);
	CU_ASSERT_TRUE(digest_equal(&d, &b.done.chain));
	xbed_destroy(&b);
}

static void the_null_proposal_counts_and_changes_nothing(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	struct digest null, none;
	proposal_null_digest(&null, &b.cluster);
	CU_ASSERT_FATAL(execution_run(b.x, bodies_find_proposal(b.bodies, &null), &b.done));
	digest_of(&none, DOMAIN_RESULT, NULL, 0);
	CU_ASSERT_TRUE(b.done.count == 0 && b.done.seq == 2 && digest_equal(&b.done.root, &none) && digest_equal(&b.done.proposal, &null));
	/* Its time is 0: time does not fall. */
	CU_ASSERT_EQUAL(execution_time_ms(b.x), NOW);
	CU_ASSERT_FATAL(execution_run(b.x, bodies_find_proposal(b.bodies, &null), &b.done));
	CU_ASSERT_EQUAL(execution_seq(b.x), 3);
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("c")), RESULT_DONE);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 0), 0);
	xbed_destroy(&b);
}

/* ---- once ---- */

static void a_request_is_executed_once(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("pa", "t")), RESULT_DONE);
	CU_ASSERT_EQUAL(b.calls, 2);
	struct digest leaf = b.done.leaf[0], digest = b.done.result[0].digest;
	uint8_t first[64];
	size_t n = b.done.result[0].n;
	CU_ASSERT_FATAL(n <= sizeof first);
	memcpy(first, b.done.bytes + b.done.result[0].at, n);
	CU_ASSERT_FALSE(b.done.result[0].repeated);
	/* Again, later, and with other operations under the same number: the same answer. */
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("pa", "t")), RESULT_DONE);
	CU_ASSERT_TRUE(b.done.result[0].repeated && b.done.result[0].seq == 2 && b.done.result[0].n == n);
	CU_ASSERT_EQUAL(memcmp(first, b.done.bytes + b.done.result[0].at, n), 0);
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("x")), RESULT_DONE);
	/* What it is an answer to stays the first request, and its leaf the same: the second was not executed. */
	CU_ASSERT_TRUE(b.done.result[0].repeated && !digest_equal(&digest, &b.bundle[0]->digest));
	CU_ASSERT_TRUE(digest_equal(&b.done.result[0].digest, &digest) && digest_equal(&b.done.leaf[0], &leaf));
	CU_ASSERT_EQUAL(b.calls, 2);
	/* Twice in one proposal. */
	xbed_request(&b, 1, s, 2, XBED_OPS("pb"));
	xbed_request(&b, 1, s, 2, XBED_OPS("pb"));
	xbed_request(&b, 1, s, 2, XBED_OPS("pc"));
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(b.calls, 3);
	CU_ASSERT_TRUE(!b.done.result[0].repeated && b.done.result[1].repeated && b.done.result[2].repeated);
	CU_ASSERT_TRUE(digest_equal(&b.done.leaf[0], &b.done.leaf[1]) && digest_equal(&b.done.leaf[0], &b.done.leaf[2]));
	CU_ASSERT_EQUAL(run_one(s, 3, XBED_OPS("gc", "c")), RESULT_DONE);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 1), 2);
	xbed_destroy(&b);
}

static void an_opening_is_executed_once(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 5, NOW);
	CU_ASSERT_EQUAL(s, 1 << 16);
	CU_ASSERT_EQUAL(xbed_session(&b, 1, 5, NOW), s);
	CU_ASSERT_TRUE(b.done.result[0].repeated && b.done.result[0].seq == 1);
	xbed_open(&b, 1, 6, NOW + 9);
	xbed_open(&b, 1, 6, NOW + 10);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 0), 3u << 16);
	CU_ASSERT_EQUAL(xbed_u64(&b, 1, 0), 3u << 16);
	xbed_open(&b, 2, 1, NOW - 1);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(xbed_result(&b, 0).status, RESULT_VOID);
	CU_ASSERT_EQUAL(xbed_result(&b, 0).number, 1);
	xbed_destroy(&b);
}

static void a_client_may_number_backwards(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	for (int round = 0; round < 2; round++)
		for (uint64_t number = 20; number >= 1; number--)
			CU_ASSERT_EQUAL(run_one(s, number, XBED_OPS("pa")), number > 12 ? RESULT_DONE : RESULT_TOO_OLD);
	CU_ASSERT_EQUAL(b.calls, 8);
	xbed_destroy(&b);
}

static void a_predecessor_comes_first(void)
{
	uint8_t op[5] = { 1, 0, 0, 0, 'c' };
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	struct bundle x = { .key = xbed_key(1), .session = s, .number = 2, .after = 1, .count = 1, .ops = op, .ops_bytes = sizeof op };
	xbed_add(&b, &x);
	x.number = 3;
	x.after = 2;
	xbed_add(&b, &x);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(xbed_result(&b, 0).status, RESULT_AFTER);
	CU_ASSERT_EQUAL(xbed_result(&b, 1).status, RESULT_AFTER); /* nor is what comes after that */
	CU_ASSERT_EQUAL(b.calls, 0);
	/* The refusal is its result for good. */
	x.number = 2;
	x.after = 1;
	xbed_request(&b, 1, s, 1, XBED_OPS("n"));
	xbed_add(&b, &x);
	x.number = 4;
	xbed_add(&b, &x);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(xbed_result(&b, 1).status, RESULT_AFTER);
	CU_ASSERT_TRUE(b.done.result[1].repeated);
	CU_ASSERT_EQUAL(xbed_result(&b, 2).status, RESULT_DONE);
	xbed_destroy(&b);
}

static void closing_ends_a_session(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	xbed_kind(&b, 2, s, 1, BUNDLE_CLOSE);
	xbed_kind(&b, 1, s, 1, BUNDLE_CLOSE);
	xbed_request(&b, 1, s, 2, XBED_OPS("n"));
	xbed_kind(&b, 1, s, 1, BUNDLE_CLOSE);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(xbed_result(&b, 0).status, RESULT_NO_SESSION);
	CU_ASSERT_EQUAL(xbed_result(&b, 1).status, RESULT_DONE);
	CU_ASSERT_EQUAL(xbed_result(&b, 2).status, RESULT_NO_SESSION);
	CU_ASSERT_EQUAL(xbed_result(&b, 3).status, RESULT_NO_SESSION);
	CU_ASSERT_EQUAL(b.calls, 0);
	xbed_destroy(&b);
}

static void lookup_says_what_execution_would(void)
{
	struct session_answer a;
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("pa")), RESULT_DONE);
	struct bundle x = { .key = xbed_key(1), .session = s, .number = 1 };
	CU_ASSERT_TRUE(execution_lookup(b.x, &x, &a) && a.judgement == SESSION_REPEATED && a.seq == 2 && digest_equal(&a.bundle, &b.done.result[0].digest));
	x.number = 2;
	CU_ASSERT_TRUE(execution_lookup(b.x, &x, &a) && a.judgement == SESSION_FRESH);
	x.key = xbed_key(2);
	CU_ASSERT_TRUE(execution_lookup(b.x, &x, &a) && a.judgement == SESSION_REFUSED && a.status == RESULT_NO_SESSION);
	x.kind = BUNDLE_OPEN;
	CU_ASSERT_TRUE(execution_lookup(b.x, &x, &a) && a.judgement == SESSION_FRESH);
	xbed_destroy(&b);
}

/* ---- whole or not at all ---- */

static void a_bundle_is_a_unit(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("pa", "ga", "pb", "da", "ga", "c")), RESULT_DONE);
	uint32_t n;
	CU_ASSERT_EQUAL(xbed_result(&b, 0).count, 6);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 1), 1);
	CU_ASSERT_TRUE(xbed_value(&b, 0, 4, &n) != NULL && n == 0);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 5), 1);
	xbed_destroy(&b);
}

static void what_is_too_large_for_a_reply_undoes_everything(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("pa")), RESULT_DONE);
	uint64_t bytes = state_bytes(b.state.state);
	/* 7 MiB in one answer; 1 MiB with another; what comes after is not executed. */
	CU_ASSERT_EQUAL(run_one(s, 2, XBED_OPS("pb", "da", "r\x1c", "pc")), RESULT_TOO_LARGE);
	CU_ASSERT_EQUAL(xbed_result(&b, 0).count, 0);
	CU_ASSERT_EQUAL(b.done.result[0].n, RESULT_HEAD_BYTES);
	CU_ASSERT_EQUAL(b.calls, 1 + 3);
	CU_ASSERT_EQUAL(run_one(s, 3, XBED_OPS("ga", "gb", "gc", "c")), RESULT_DONE);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 0), 1);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 3), 1);
	CU_ASSERT_TRUE(state_bytes(b.state.state) < bytes + 1024);
	/* It stays so, without another try. */
	CU_ASSERT_EQUAL(run_one(s, 2, XBED_OPS("pb")), RESULT_TOO_LARGE);
	CU_ASSERT_TRUE(b.done.result[0].repeated);
	/* Several answers together; and one that just fits. */
	CU_ASSERT_EQUAL(run_one(s, 4, XBED_OPS("r\x04", "r\x04", "pd")), RESULT_TOO_LARGE);
	CU_ASSERT_EQUAL(run_one(s, 5, XBED_OPS("r\x04", "r\x03", "gd")), RESULT_DONE);
	/* Its neighbours in the proposal know nothing of it. */
	xbed_request(&b, 1, s, 6, XBED_OPS("pe"));
	xbed_request(&b, 1, s, 7, XBED_OPS("r\x0a"));
	xbed_request(&b, 1, s, 8, XBED_OPS("ge"));
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(xbed_result(&b, 0).status, RESULT_DONE);
	CU_ASSERT_EQUAL(xbed_result(&b, 1).status, RESULT_TOO_LARGE);
	CU_ASSERT_EQUAL(xbed_u64(&b, 2, 0), 6);
	xbed_destroy(&b);
}

static void a_full_state_is_said_to_the_application(void)
{
	struct bft_genesis_limits limits = xbed_limits();
	limits.state_bytes = 200u << 10;
	xbed_create(&b, &limits);
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("l\x64", "pa", "l\x7f", "ga", "l\x32")), RESULT_DONE);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 0), QUORATE_STATE_OK);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 2), QUORATE_STATE_FULL);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 3), 1);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 4), QUORATE_STATE_OK);
	xbed_destroy(&b);
}

/* A large result is kept in the state: where that has no room for it, everything is undone. */
static void a_result_without_room_undoes_everything(void)
{
	struct bft_genesis_limits limits = xbed_limits();
	limits.state_bytes = 200u << 10;
	xbed_create(&b, &limits);
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("pa", "r\x01")), RESULT_QUOTA);
	CU_ASSERT_EQUAL(b.done.result[0].n, RESULT_HEAD_BYTES);
	CU_ASSERT_EQUAL(run_one(s, 2, XBED_OPS("ga", "c")), RESULT_DONE);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 0), UINT64_MAX);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 1), 0);
	/* A full state still takes small results, or nobody could delete anything. */
	CU_ASSERT_EQUAL(run_one(s, 3, XBED_OPS("l\x7f")), RESULT_DONE);
	for (uint64_t number = 4; number < 400; number++)
		CU_ASSERT_EQUAL(run_one(s, number, XBED_OPS("l\x7f", "pa", "dl")), RESULT_DONE);
	xbed_destroy(&b);
}

static void what_undoing_may_keep_is_bounded(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("pa", "o", "pa")), RESULT_DONE);
	/* The first finds nothing to keep, each other 2 MiB and a few bytes. */
	uint64_t times = xbed_u64(&b, 0, 1), most = 2 + (CALL_UNDO_BYTES_MAX + STATE_VALUE_MAX - 1) / STATE_VALUE_MAX;
	CU_ASSERT_TRUE(times > 100 && times <= most);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 2), QUORATE_STATE_FULL);
	CU_ASSERT_STRING_EQUAL(execution_trouble(b.x), "");
	/* And it is undone, when that is how it ends. */
	CU_ASSERT_EQUAL(run_one(s, 2, XBED_OPS("do", "o", "r\x1c")), RESULT_TOO_LARGE);
	CU_ASSERT_EQUAL(state_undo_bytes(b.state.state), 0);
	CU_ASSERT_EQUAL(run_one(s, 3, XBED_OPS("pa", "c")), RESULT_DONE);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 1), 2);
	xbed_destroy(&b);
}

static void marks_left_open_are_ended(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	CU_ASSERT_EQUAL(run_one(s, 1, XBED_OPS("ma", "M", "zb", "gb", "c")), RESULT_DONE);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 4), 1);
	CU_ASSERT_EQUAL(state_undo_bytes(b.state.state), 0);
	/* They do not save anything from being undone with the bundle. */
	CU_ASSERT_EQUAL(run_one(s, 2, XBED_OPS("mc", "M", "r\x1c")), RESULT_TOO_LARGE);
	CU_ASSERT_EQUAL(run_one(s, 3, XBED_OPS("gc", "c")), RESULT_DONE);
	CU_ASSERT_EQUAL(xbed_u64(&b, 0, 1), 1);
	/* Nothing is open: a snapshot demands that. */
	xbed_kind(&b, 1, s, 4, BUNDLE_SNAPSHOT);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	xbed_idle(&b, execution_snapshot_due(b.x), NOW);
	CU_ASSERT_TRUE(execution_snapshot(b.x));
	xbed_destroy(&b);
}

/* ---- local failures ---- */

static void an_application_that_fails_ends_it(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	struct digest chain = *execution_chain(b.x);
	xbed_request(&b, 1, s, 1, XBED_OPS("pa", "x", "pb"));
	CU_ASSERT_FALSE(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(b.calls, 2);
	CU_ASSERT_TRUE(strlen(execution_trouble(b.x)) > 0);
	CU_ASSERT_EQUAL(execution_seq(b.x), 1);
	CU_ASSERT_TRUE(digest_equal(&chain, execution_chain(b.x)));
	/* Final: nothing is executed any more. */
	xbed_request(&b, 1, s, 1, XBED_OPS("pa"));
	CU_ASSERT_FALSE(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(b.calls, 2);
	/* After a restart nothing of it is there. */
	xbed_restart(&b);
	CU_ASSERT_EQUAL(execution_seq(b.x), 0);
	CU_ASSERT_TRUE(digest_equal(execution_chain(b.x), &b.cluster));
	xbed_destroy(&b);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CAN_FAIL_MEMORY 1
/* The library's realloc, for as long as the test runs, with a size from which on there is none. */
void *__libc_realloc(void *p, size_t n);
static size_t memory_max = SIZE_MAX;
void *realloc(void *p, size_t n)
{
	return n >= memory_max ? NULL : __libc_realloc(p, n);
}

static void memory_that_runs_out_is_no_result(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	memory_max = 256u << 10; /* for the results; the state's own room is smaller */
	xbed_request(&b, 1, s, 1, XBED_OPS("r\x04"));
	bool ran = xbed_run(&b, NOW);
	memory_max = SIZE_MAX;
	CU_ASSERT_FALSE(ran);
	CU_ASSERT_TRUE(strlen(execution_trouble(b.x)) > 0);
	CU_ASSERT_EQUAL(execution_seq(b.x), 1);
	xbed_destroy(&b);
}
#endif

/* ---- time ---- */

static void agreed_time_never_falls(void)
{
	static const uint64_t said[] = { NOW + 5, NOW, 0, NOW + 6, NOW + 5 }, is[] = { NOW + 5, NOW + 5, NOW + 5, NOW + 6, NOW + 6 };
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	for (uint64_t i = 0; i < 5; i++) {
		xbed_request(&b, 1, s, 1 + i, XBED_OPS("t"));
		CU_ASSERT_FATAL(xbed_run(&b, said[i]));
		CU_ASSERT_EQUAL(xbed_u64(&b, 0, 0), is[i]);
		CU_ASSERT_EQUAL(execution_time_ms(b.x), is[i]);
	}
	/* An opening is judged by it too: not by what the proposal says. */
	xbed_open(&b, 1, 9, NOW + 5);
	CU_ASSERT_FATAL(xbed_run(&b, NOW));
	CU_ASSERT_EQUAL(xbed_result(&b, 0).status, RESULT_VOID);
	xbed_destroy(&b);
}

/* ---- snapshots ---- */

static void a_snapshot_is_due_after_so_many_sequences(void)
{
	struct bft_genesis_limits limits = xbed_limits();
	limits.snapshot_seqs = 6;
	xbed_create(&b, &limits);
	xbed_idle(&b, 5, NOW);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 0);
	xbed_idle(&b, 6, NOW);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 8);
	xbed_idle(&b, 8, NOW);
	CU_ASSERT_TRUE(execution_snapshot(b.x));
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 0);
	struct state_meta meta = execution_snapshot_meta(b.x);
	CU_ASSERT_TRUE(meta.seq == 8 && meta.time_ms == NOW && digest_equal(&meta.chain, execution_chain(b.x)));
	struct digest root = bed_reference_root(&b.state);
	CU_ASSERT_TRUE(digest_equal(&root, &meta.root));
	xbed_idle(&b, 13, NOW);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 0);
	xbed_idle(&b, 14, NOW);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 16);
	/* It goes on from there. */
	xbed_restart(&b);
	CU_ASSERT_TRUE(execution_seq(b.x) == 8 && execution_time_ms(b.x) == NOW && digest_equal(execution_chain(b.x), &meta.chain));
	xbed_idle(&b, 13, NOW);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 0);
	xbed_idle(&b, 14, NOW);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 16);
	xbed_destroy(&b);
}

static void a_snapshot_is_due_after_so_many_bytes(void)
{
	struct bft_genesis_limits limits = xbed_limits();
	size_t one = PROPOSAL_BYTES(1) + 4 + SIGNATURE_BYTES + BUNDLE_HEAD_BYTES + 5; /* a proposal of one bundle with one operation of a byte */
	limits.snapshot_bytes = PROPOSAL_BYTES(1) + 4 + SIGNATURE_BYTES + BUNDLE_HEAD_BYTES + 12 + 4 * one;
	xbed_create(&b, &limits);
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	for (uint64_t number = 1; number <= 3; number++) {
		CU_ASSERT_EQUAL(run_one(s, number, XBED_OPS("n")), RESULT_DONE);
		CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 0);
	}
	CU_ASSERT_EQUAL(run_one(s, 4, XBED_OPS("n")), RESULT_DONE);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 8);
	xbed_idle(&b, 8, NOW);
	CU_ASSERT_TRUE(execution_snapshot(b.x));
	CU_ASSERT_EQUAL(run_one(s, 5, XBED_OPS("n")), RESULT_DONE);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 0); /* counted anew */
	xbed_destroy(&b);
}

static uint8_t ask(uint64_t session, uint64_t number, uint64_t time_ms)
{
	xbed_kind(&b, 1, session, number, BUNDLE_SNAPSHOT);
	CU_ASSERT_FATAL(xbed_run(&b, time_ms));
	return xbed_result(&b, 0).status;
}

static void a_snapshot_may_be_asked_for(void)
{
	begin();
	uint64_t s = xbed_session(&b, 1, 1, NOW);
	xbed_idle(&b, 4, NOW);
	CU_ASSERT_EQUAL(ask(s, 1, NOW), RESULT_DONE);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 8);
	CU_ASSERT_EQUAL(ask(s, 2, NOW), RESULT_DONE); /* one is on its way */
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 8);
	xbed_idle(&b, 8, NOW + 1);
	CU_ASSERT_TRUE(execution_snapshot(b.x));
	/* Within ten seconds of agreed time, counted from the asking, there is no other. */
	CU_ASSERT_EQUAL(ask(s, 3, NOW + 9999), RESULT_LATER);
	CU_ASSERT_EQUAL(ask(s, 3, NOW + 10001), RESULT_LATER); /* repeated */
	CU_ASSERT_TRUE(b.done.result[0].repeated);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 0);
	xbed_idle(&b, 11, NOW);
	/* At a multiple of K itself it is that one. */
	CU_ASSERT_EQUAL(ask(s, 4, NOW + 10001), RESULT_DONE);
	CU_ASSERT_EQUAL(execution_seq(b.x), 12);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 12);
	CU_ASSERT_TRUE(execution_snapshot(b.x));
	/* That is remembered beyond a restart. */
	xbed_restart(&b);
	CU_ASSERT_EQUAL(ask(s, 5, NOW + 20000), RESULT_LATER);
	CU_ASSERT_EQUAL(ask(s, 6, NOW + 20001), RESULT_DONE);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 16);
	xbed_destroy(&b);
}

static void only_a_session_asks_for_a_snapshot(void)
{
	begin();
	CU_ASSERT_EQUAL(ask(77, 1, NOW), RESULT_NO_SESSION);
	CU_ASSERT_EQUAL(execution_snapshot_due(b.x), 0);
	xbed_destroy(&b);
}

/* ---- the same everywhere ---- */

static void feed(struct xbed *x, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i <= to; i++) {
		uint64_t s = (i % 3 + 1) << 16 | 0; /* of the first three proposals */
		char key[8] = { 'p', (char)('a' + i % 20) };
		if (i <= 3)
			xbed_open(x, (uint8_t)(i % 3), 1, NOW + 500);
		else
			xbed_request(x, (uint8_t)((i % 3 + 1) % 3), s, i / 3, XBED_OPS(key, "t", "c"));
		if (i % 5 == 0)
			xbed_request(x, 1, 1 << 16, i, XBED_OPS("r\x1c"));
		CU_ASSERT_FATAL(xbed_run(x, NOW + i * 7 % 31));
		if (execution_snapshot_due(x->x) == execution_seq(x->x))
			CU_ASSERT_TRUE(execution_snapshot(x->x));
	}
}

static void two_replicas_say_the_same(void)
{
	struct bft_genesis_limits limits = xbed_limits();
	limits.snapshot_seqs = 10;
	xbed_create(&b, &limits);
	xbed_create(&other, &limits);
	feed(&b, 1, 60);
	/* The other one is stopped in between, and executes again what came after its snapshot. */
	feed(&other, 1, 23);
	xbed_restart(&other);
	CU_ASSERT_EQUAL(execution_seq(other.x), 12);
	feed(&other, 13, 47);
	xbed_restart(&other);
	CU_ASSERT_EQUAL(execution_seq(other.x), 36);
	feed(&other, 37, 60);
	struct state_meta mine = execution_snapshot_meta(b.x), its = execution_snapshot_meta(other.x);
	CU_ASSERT_TRUE(digest_equal(&b.done.chain, &other.done.chain) && digest_equal(&b.done.root, &other.done.root));
	CU_ASSERT_TRUE(mine.seq == 60 && its.seq == 60 && digest_equal(&mine.root, &its.root) && digest_equal(&mine.chain, &its.chain));
	CU_ASSERT_EQUAL(mine.time_ms, its.time_ms);
	xbed_destroy(&b);
	xbed_destroy(&other);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "root and chain are as written down", root_and_chain_are_as_written_down },
		{ "the null proposal counts and changes nothing", the_null_proposal_counts_and_changes_nothing },
		{ "a request is executed once", a_request_is_executed_once },
		{ "an opening is executed once", an_opening_is_executed_once },
		{ "a client may number backwards", a_client_may_number_backwards },
		{ "a predecessor comes first", a_predecessor_comes_first },
		{ "closing ends a session", closing_ends_a_session },
		{ "lookup says what execution would", lookup_says_what_execution_would },
		{ "a bundle is a unit", a_bundle_is_a_unit },
		{ "what is too large for a reply undoes everything", what_is_too_large_for_a_reply_undoes_everything },
		{ "a full state is said to the application", a_full_state_is_said_to_the_application },
		{ "a result without room undoes everything", a_result_without_room_undoes_everything },
		{ "what undoing may keep is bounded", what_undoing_may_keep_is_bounded },
		{ "marks left open are ended", marks_left_open_are_ended },
		{ "an application that fails ends it", an_application_that_fails_ends_it },
#ifdef CAN_FAIL_MEMORY
		{ "memory that runs out is no result", memory_that_runs_out_is_no_result },
#endif
		{ "agreed time never falls", agreed_time_never_falls },
		{ "a snapshot is due after so many sequences", a_snapshot_is_due_after_so_many_sequences },
		{ "a snapshot is due after so many bytes", a_snapshot_is_due_after_so_many_bytes },
		{ "a snapshot may be asked for", a_snapshot_may_be_asked_for },
		{ "only a session asks for a snapshot", only_a_session_asks_for_a_snapshot },
		{ "two replicas say the same", two_replicas_say_the_same },
		{ 0 },
	};
	return unit_main("execution", cases);
}
