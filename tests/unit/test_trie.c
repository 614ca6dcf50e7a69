/* tests/unit/test_trie.c - one set, one root, whatever the way to it. */
#include "tests/unit/state_bed.h"

static struct state_bed a, b;

#define CU_ASSERT_SAME(x, y) CU_ASSERT_TRUE(digest_equal(&(x), &(y)))

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15ull;
	return x ^ x >> 29;
}

static void empty_root(void)
{
	bed_create(&a);
	struct digest empty = state_meta(a.state).root, reference;
	digest_of(&reference, DOMAIN_STATE_LEAF, NULL, 0);
	CU_ASSERT_SAME(empty, reference);
	struct digest first = bed_snapshot(&a);
	CU_ASSERT_SAME(first, empty);
	CU_ASSERT_EQUAL(bed_put(&a, 1, 1), STATE_OK);
	first = bed_snapshot(&a);
	CU_ASSERT_FALSE(digest_equal(&first, &empty));
	CU_ASSERT_EQUAL(bed_delete(&a, 1), STATE_OK);
	first = bed_snapshot(&a);
	CU_ASSERT_SAME(first, empty);
	bed_destroy(&a);
}

static void one_set_has_one_root(void)
{
	static const uint64_t sizes[] = { 1, 2, 15, 16, 17, 18, 40, 255, 256, 257, 3000 };
	for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
		uint64_t n = sizes[k];
		bed_create(&a);
		bed_create(&b);
		for (uint64_t i = 0; i < n; i++)
			CU_ASSERT_EQUAL(bed_put(&a, i, i * i), STATE_OK);
		struct digest root = bed_snapshot(&a), reference = bed_reference_root(&a);
		CU_ASSERT_SAME(root, reference);

		/* Backwards, over other values, with more that is deleted again, in many snapshots. */
		for (uint64_t i = 2 * n; i-- > 0;) {
			CU_ASSERT_EQUAL(bed_put(&b, i, 7), STATE_OK);
			if (i % 97 == 0)
				(void)bed_snapshot(&b);
		}
		for (uint64_t i = 0; i < n; i++) {
			CU_ASSERT_EQUAL(bed_put(&b, i, i * i), STATE_OK);
			CU_ASSERT_EQUAL(bed_delete(&b, n + i), STATE_OK);
			if (i % 31 == 0)
				(void)bed_snapshot(&b);
		}
		struct digest other = bed_snapshot(&b);
		CU_ASSERT_SAME(root, other);
		CU_ASSERT_EQUAL(state_count(b.state, STATE_USER), n);
		CU_ASSERT_EQUAL(state_bytes(a.state), state_bytes(b.state));

		CU_ASSERT_EQUAL(bed_put(&b, 0, 1000000), STATE_OK); /* a different set differs */
		other = bed_snapshot(&b);
		CU_ASSERT_FALSE(digest_equal(&root, &other));
		bed_destroy(&a);
		bed_destroy(&b);
	}
}

static void sets_that_look_alike_differ(void)
{
	struct digest roots[4];
	for (int i = 0; i < 4; i++) {
		bed_create(&a);
		enum state_result r = i == 0   ? state_put(a.state, 'u', "ab", 2, "c", 1)
		                      : i == 1 ? state_put(a.state, 'u', "a", 1, "bc", 2)
		                      : i == 2 ? state_put(a.state, 's', "ab", 2, "c", 1)
		                               : state_put(a.state, 'u', "abc", 3, "", 0);
		CU_ASSERT_EQUAL(r, STATE_OK);
		roots[i] = bed_snapshot(&a);
		for (int j = 0; j < i; j++)
			CU_ASSERT_FALSE(digest_equal(&roots[i], &roots[j]));
		bed_destroy(&a);
	}
}

/* Growing and shrinking at random, checked against the reference at each snapshot. */
static void random_walk(void)
{
	bed_create(&a);
	uint64_t x = 5;
	for (int round = 0; round < 60; round++) {
		uint64_t range = round % 20 < 10 ? 2000 : 60;
		bool shrinking = round % 20 >= 13;
		for (int i = 0; i < 200; i++) {
			x = mix(x + 1);
			if (shrinking ? x >> 60 != 0 : x >> 60 < 3)
				(void)bed_delete(&a, x % (shrinking ? 2000 : range));
			else
				CU_ASSERT_EQUAL(bed_put(&a, x % range, x), STATE_OK);
		}
		for (uint64_t i = 0; shrinking && round % 20 == 19 && i < 2000; i++)
			(void)bed_delete(&a, i);
		struct digest root = bed_snapshot(&a), reference = bed_reference_root(&a);
		CU_ASSERT_SAME(root, reference);
		CU_ASSERT_TRUE(round % 20 != 19 || state_count(a.state, STATE_USER) == 0);
	}
	bed_destroy(&a);
}

/* No node is left behind that a smaller tree does not need: else state would leak, and a transfer would find it. */
static void no_node_is_left_behind(void)
{
	bed_create(&a);
	for (uint64_t i = 0; i < 2000; i++)
		CU_ASSERT_EQUAL(bed_put(&a, i, i), STATE_OK);
	(void)bed_snapshot(&a);
	for (uint64_t i = 0; i < 1995; i++)
		CU_ASSERT_EQUAL(bed_delete(&a, i), STATE_OK);
	(void)bed_snapshot(&a);
	const void *value;
	size_t n;
	CU_ASSERT_EQUAL(state_get(a.state, STATE_USER, "x", 1, &value, &n), STATE_NONE); /* opens the transaction */
	MDB_stat stat;
	CU_ASSERT_EQUAL(mdb_stat(a.state->txn, a.state->trie, &stat), 0);
	CU_ASSERT_EQUAL(stat.ms_entries, 1);
	for (uint64_t i = 1995; i < 2000; i++)
		CU_ASSERT_EQUAL(bed_delete(&a, i), STATE_OK);
	(void)bed_snapshot(&a);
	CU_ASSERT_EQUAL(state_get(a.state, STATE_USER, "x", 1, &value, &n), STATE_NONE);
	CU_ASSERT_EQUAL(mdb_stat(a.state->txn, a.state->trie, &stat), 0);
	CU_ASSERT_EQUAL(stat.ms_entries, 0);
	bed_destroy(&a);
}

/* Each node that is read hashes to what its parent says. */
static uint64_t check_node(uint8_t *path, uint32_t depth, const struct digest *expected)
{
	uint8_t node[STATE_NODE_BYTES_MAX];
	size_t n;
	struct digest d;
	CU_ASSERT_EQUAL_FATAL(state_node_read(a.state, path, depth, node, &n), STATE_OK);
	if (node[0] == 0) {
		digest_of(&d, DOMAIN_STATE_LEAF, node + 2, n - 2);
		CU_ASSERT_TRUE(digest_equal(&d, expected));
		CU_ASSERT_EQUAL(n, 2u + 64u * node[1]);
		return node[1];
	}
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_STATE_NODE);
	uint64_t total = 0;
	for (unsigned i = 0; i < 16; i++) {
		struct digest child;
		uint64_t count = 0;
		memcpy(child.b, node + 1 + i * 40 + 8, 32);
		for (unsigned k = 0; k < 8; k++)
			count |= (uint64_t)node[1 + i * 40 + k] << (8 * k);
		digest_add(&ctx, child.b, 32);
		path[depth] = (uint8_t)i;
		if (count > 0)
			CU_ASSERT_EQUAL(check_node(path, depth + 1, &child), count);
		total += count;
	}
	digest_end(&ctx, &d);
	CU_ASSERT_TRUE(digest_equal(&d, expected));
	CU_ASSERT_TRUE(total > STATE_LEAF_ENTRIES);
	return total;
}

static void nodes_can_be_walked(void)
{
	uint8_t path[STATE_PATH_MAX + 1], node[STATE_NODE_BYTES_MAX];
	size_t n;
	bed_create(&a);
	CU_ASSERT_EQUAL(state_node_read(a.state, path, 0, node, &n), STATE_NONE);
	for (uint64_t i = 0; i < 1500; i++)
		CU_ASSERT_EQUAL(bed_put(&a, i, i), STATE_OK);
	struct digest root = bed_snapshot(&a);
	CU_ASSERT_EQUAL(check_node(path, 0, &root), 1500);
	CU_ASSERT_EQUAL(bed_put(&a, 9999, 1), STATE_OK);
	CU_ASSERT_EQUAL(check_node(path, 0, &root), 1500); /* as of the last snapshot */
	CU_ASSERT_EQUAL(state_node_read(a.state, path, STATE_PATH_MAX + 1, node, &n), STATE_ERR_TOO_LARGE);
	bed_destroy(&a);
}

static const struct unit_case cases[] = {
	{ "the empty root", empty_root },
	{ "one set has one root", one_set_has_one_root },
	{ "sets that look alike differ", sets_that_look_alike_differ },
	{ "a random walk agrees with the reference", random_walk },
	{ "no node is left behind", no_node_is_left_behind },
	{ "nodes can be walked", nodes_can_be_walked },
	{ 0 },
};

int main(void)
{
	return unit_main("trie", cases);
}
