/* tests/unit/state_bed.h - a state in a folder of its own, and a root computed from the set of entries without the trie's code. */
#ifndef TESTS_UNIT_STATE_BED_H
#define TESTS_UNIT_STATE_BED_H
#include "replica/state/store.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct state_bed {
	char folder[64], path[96];
	struct state_options options;
	struct state *state;
	uint64_t seq;
};

static inline enum state_result bed_reopen(struct state_bed *b)
{
	char reason[STATE_REASON_BYTES];
	state_close(b->state);
	return state_open(&b->state, b->path, &b->options, reason);
}

static inline void bed_create(struct state_bed *b)
{
	memset(b, 0, sizeof *b);
	snprintf(b->folder, sizeof b->folder, "/tmp/test-state-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(b->folder));
	snprintf(b->path, sizeof b->path, "%s/state", b->folder);
	b->options = (struct state_options){ .map_bytes = (size_t)256 << 20, .no_sync = true };
	CU_ASSERT_EQUAL_FATAL(bed_reopen(b), STATE_OK);
}

static inline void bed_destroy(struct state_bed *b)
{
	state_close(b->state);
	CU_ASSERT_EQUAL(state_drop(b->path), 0);
	CU_ASSERT_EQUAL(rmdir(b->folder), 0);
}

static inline struct digest bed_snapshot(struct state_bed *b)
{
	struct state_meta meta = { .seq = ++b->seq, .time_ms = b->seq * 10 };
	meta.chain.b[0] = (uint8_t)b->seq;
	CU_ASSERT_EQUAL_FATAL(state_snapshot(b->state, &meta), STATE_OK);
	return meta.root;
}

static inline enum state_result bed_put(struct state_bed *b, uint64_t key, uint64_t value)
{
	char k[40], v[40];
	int kn = snprintf(k, sizeof k, "key-%llu", (unsigned long long)key), vn = snprintf(v, sizeof v, "value %llu", (unsigned long long)value);
	return state_put(b->state, STATE_USER, k, (size_t)kn, v, (size_t)vn);
}

static inline enum state_result bed_delete(struct state_bed *b, uint64_t key)
{
	char k[40];
	int kn = snprintf(k, sizeof k, "key-%llu", (unsigned long long)key);
	return state_delete(b->state, STATE_USER, k, (size_t)kn);
}

static inline bool bed_holds(struct state_bed *b, uint64_t key, uint64_t value)
{
	char k[40], v[40];
	int kn = snprintf(k, sizeof k, "key-%llu", (unsigned long long)key), vn = snprintf(v, sizeof v, "value %llu", (unsigned long long)value);
	const void *got;
	size_t n;
	return state_get(b->state, STATE_USER, k, (size_t)kn, &got, &n) == STATE_OK && n == (size_t)vn && memcmp(got, v, n) == 0;
}

static inline bool bed_lacks(struct state_bed *b, uint64_t key)
{
	char k[40];
	int kn = snprintf(k, sizeof k, "key-%llu", (unsigned long long)key);
	const void *got;
	size_t n;
	return state_get(b->state, STATE_USER, k, (size_t)kn, &got, &n) == STATE_NONE;
}

struct bed_entry {
	uint8_t hash[32], entry[32];
};
struct bed_entries {
	uint8_t ns;
	size_t count;
	struct bed_entry at[60000];
};

static inline bool bed_collect(void *arg, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	struct bed_entries *e = arg;
	uint8_t full[512];
	full[0] = e->ns;
	memcpy(full + 1, key, key_bytes);
	struct digest d;
	digest_of(&d, DOMAIN_STATE_KEY, full, key_bytes + 1);
	memcpy(e->at[e->count].hash, d.b, 32);
	struct digest_ctx ctx;
	digest_begin(&ctx, DOMAIN_STATE_ENTRY);
	digest_add_u32(&ctx, (uint32_t)key_bytes + 1);
	digest_add(&ctx, full, key_bytes + 1);
	digest_add(&ctx, value, value_bytes);
	digest_end(&ctx, &d);
	memcpy(e->at[e->count++].entry, d.b, 32);
	return e->count < 60000;
}

static inline int bed_compare(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static inline void bed_reference(struct digest *out, const struct bed_entry *e, size_t n, unsigned depth)
{
	if (n <= 16) {
		digest_of(out, DOMAIN_STATE_LEAF, e, n * sizeof *e);
		return;
	}
	struct digest children[16] = { { { 0 } } };
	for (unsigned c = 0; c < 16; c++) {
		size_t from = 0, to;
		while (from < n && (unsigned)(e[from].hash[depth / 2] >> (depth % 2 ? 0 : 4) & 15) != c)
			from++;
		for (to = from; to < n && (unsigned)(e[to].hash[depth / 2] >> (depth % 2 ? 0 : 4) & 15) == c;)
			to++;
		if (to > from)
			bed_reference(&children[c], e + from, to - from, depth + 1);
	}
	digest_of(out, DOMAIN_STATE_NODE, children, sizeof children);
}

/* The root of what the state holds, computed from scratch. */
static inline struct digest bed_reference_root(struct state_bed *b)
{
	static struct bed_entries entries;
	entries.count = 0;
	for (unsigned ns = 0; ns < 256; ns++) {
		entries.ns = (uint8_t)ns;
		CU_ASSERT_EQUAL_FATAL(state_scan(b->state, (uint8_t)ns, NULL, 0, NULL, 0, bed_collect, &entries, UINT32_MAX), STATE_OK);
	}
	qsort(entries.at, entries.count, sizeof entries.at[0], bed_compare);
	struct digest root;
	bed_reference(&root, entries.at, entries.count, 0);
	return root;
}
#endif
