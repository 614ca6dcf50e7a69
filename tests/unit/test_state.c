/* tests/unit/test_state.c - the store: its own writes, units undone, snapshots, crashes, scans, limits, a full map, a damaged file. */
#include "tests/unit/state_bed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct state_bed b;

static void own_writes_are_read(void)
{
	bed_create(&b);
	CU_ASSERT_TRUE(bed_lacks(&b, 1));
	CU_ASSERT_EQUAL(bed_put(&b, 1, 10), STATE_OK);
	CU_ASSERT_TRUE(bed_holds(&b, 1, 10));
	CU_ASSERT_EQUAL(bed_put(&b, 1, 11), STATE_OK);
	CU_ASSERT_TRUE(bed_holds(&b, 1, 11));
	CU_ASSERT_EQUAL(state_count(b.state, STATE_USER), 1);
	CU_ASSERT_EQUAL(state_bytes(b.state), 1 + 5 + 8 + STATE_ENTRY_CHARGE);
	CU_ASSERT_EQUAL(bed_delete(&b, 1), STATE_OK);
	CU_ASSERT_EQUAL(bed_delete(&b, 1), STATE_NONE);
	CU_ASSERT_TRUE(bed_lacks(&b, 1));
	CU_ASSERT_EQUAL(state_bytes(b.state), 0);
	bed_destroy(&b);
}

static void namespaces_are_apart(void)
{
	const void *v;
	size_t n;
	bed_create(&b);
	CU_ASSERT_EQUAL(state_put(b.state, 'u', "k", 1, "user", 4), STATE_OK);
	CU_ASSERT_EQUAL(state_put(b.state, 's', "k", 1, "session", 7), STATE_OK);
	CU_ASSERT_EQUAL(state_put(b.state, 's', NULL, 0, NULL, 0), STATE_OK); /* the empty key with the empty value */
	CU_ASSERT_EQUAL(state_get(b.state, 'u', "k", 1, &v, &n), STATE_OK);
	CU_ASSERT_TRUE(n == 4 && memcmp(v, "user", 4) == 0);
	CU_ASSERT_EQUAL(state_get(b.state, 's', "", 0, &v, &n), STATE_OK);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(state_count(b.state, 'u'), 1);
	CU_ASSERT_EQUAL(state_count(b.state, 's'), 2);
	struct digest root = bed_snapshot(&b), reference = bed_reference_root(&b);
	CU_ASSERT_TRUE(digest_equal(&root, &reference));
	bed_destroy(&b);
}

static void limits_change_nothing(void)
{
	static uint8_t big[STATE_VALUE_MAX + 1];
	const void *v;
	size_t n;
	bed_create(&b);
	CU_ASSERT_EQUAL(state_put(b.state, 'u', big, STATE_KEY_MAX + 1, "v", 1), STATE_ERR_TOO_LARGE);
	CU_ASSERT_EQUAL(state_put(b.state, 'u', "k", 1, big, sizeof big), STATE_ERR_TOO_LARGE);
	CU_ASSERT_EQUAL(state_get(b.state, 'u', big, STATE_KEY_MAX + 1, &v, &n), STATE_ERR_TOO_LARGE);
	CU_ASSERT_EQUAL(state_delete(b.state, 'u', big, SIZE_MAX), STATE_ERR_TOO_LARGE);
	CU_ASSERT_EQUAL(state_bytes(b.state), 0);
	for (size_t i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * i >> 3);
	CU_ASSERT_EQUAL(state_put(b.state, 'u', big, STATE_KEY_MAX, big, STATE_VALUE_MAX), STATE_OK); /* at the limit it works */
	CU_ASSERT_EQUAL(state_get(b.state, 'u', big, STATE_KEY_MAX, &v, &n), STATE_OK);
	CU_ASSERT_TRUE(n == STATE_VALUE_MAX && memcmp(v, big, n) == 0);
	CU_ASSERT_EQUAL(state_put(b.state, 'u', "copy", 4, v, n), STATE_OK); /* a value that this state lent */
	struct digest root = bed_snapshot(&b), reference = bed_reference_root(&b);
	CU_ASSERT_TRUE(digest_equal(&root, &reference));
	CU_ASSERT_EQUAL(bed_reopen(&b), STATE_OK);
	CU_ASSERT_EQUAL(state_get(b.state, 'u', "copy", 4, &v, &n), STATE_OK);
	CU_ASSERT_TRUE(n == STATE_VALUE_MAX && memcmp(v, big, n) == 0);
	bed_destroy(&b);
}

static void snapshots_are_found_again(void)
{
	bed_create(&b);
	CU_ASSERT_EQUAL(state_meta(b.state).seq, 0);
	for (uint64_t i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(bed_put(&b, i, i), STATE_OK);
	b.seq = 127;
	struct digest root = bed_snapshot(&b);
	uint64_t bytes = state_bytes(b.state);
	CU_ASSERT_EQUAL(bed_reopen(&b), STATE_OK);
	struct state_meta meta = state_meta(b.state);
	CU_ASSERT_EQUAL(meta.seq, 128);
	CU_ASSERT_EQUAL(meta.time_ms, 1280);
	CU_ASSERT_EQUAL(meta.chain.b[0], 128);
	CU_ASSERT_TRUE(digest_equal(&meta.root, &root));
	CU_ASSERT_EQUAL(state_count(b.state, STATE_USER), 100);
	CU_ASSERT_EQUAL(state_bytes(b.state), bytes);
	for (uint64_t i = 0; i < 100; i++)
		CU_ASSERT_TRUE(bed_holds(&b, i, i));
	bed_destroy(&b);
}

/* What came after the snapshot is gone, and executing it again gives the same root. */
static void a_crash_goes_back_to_the_snapshot(void)
{
	struct digest roots[2];
	bed_create(&b);
	for (uint64_t i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(bed_put(&b, i, i), STATE_OK);
	struct digest before = bed_snapshot(&b);
	uint64_t bytes = state_bytes(b.state);
	for (int again = 0; again < 2; again++) {
		for (uint64_t i = 25; i < 80; i++)
			CU_ASSERT_EQUAL(bed_put(&b, i, i + 1), STATE_OK);
		CU_ASSERT_EQUAL(bed_delete(&b, 3), STATE_OK);
		if (again == 0) {
			CU_ASSERT_EQUAL(bed_reopen(&b), STATE_OK);
			struct digest now = state_meta(b.state).root, reference = bed_reference_root(&b);
			CU_ASSERT_TRUE(digest_equal(&before, &now) && digest_equal(&before, &reference));
			CU_ASSERT_TRUE(bed_holds(&b, 3, 3) && bed_holds(&b, 30, 30) && bed_lacks(&b, 60));
			CU_ASSERT_EQUAL(state_bytes(b.state), bytes);
			CU_ASSERT_EQUAL(state_count(b.state, STATE_USER), 50);
		}
	}
	roots[0] = bed_snapshot(&b);
	roots[1] = bed_reference_root(&b);
	CU_ASSERT_TRUE(digest_equal(&roots[0], &roots[1]));
	bed_destroy(&b);
}

/* A process that dies with its transaction open. */
static void a_killed_process_leaves_the_snapshot(void)
{
	bed_create(&b);
	CU_ASSERT_EQUAL(bed_put(&b, 1, 1), STATE_OK);
	struct digest root = bed_snapshot(&b);
	state_close(b.state);
	b.state = NULL;
	pid_t child = fork();
	if (child == 0) {
		char reason[STATE_REASON_BYTES];
		if (state_open(&b.state, b.path, &b.options, reason) != STATE_OK)
			_exit(1);
		for (uint64_t i = 0; i < 3000; i++)
			(void)bed_put(&b, i, 7);
		_exit(0);
	}
	int status = 1;
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_EQUAL(bed_reopen(&b), STATE_OK);
	struct digest now = bed_reference_root(&b);
	CU_ASSERT_TRUE(digest_equal(&root, &now) && bed_lacks(&b, 2));
	bed_destroy(&b);
}

static void a_unit_is_undone(void)
{
	bed_create(&b);
	for (uint64_t i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(bed_put(&b, i, i), STATE_OK);
	struct digest before = bed_snapshot(&b);
	uint64_t bytes = state_bytes(b.state);
	struct state_mark mark = state_mark(b.state);
	for (uint64_t i = 0; i < 40; i++)
		CU_ASSERT_EQUAL(bed_put(&b, i, i + 100), STATE_OK);
	for (uint64_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(bed_delete(&b, i), STATE_OK);
	CU_ASSERT_EQUAL(bed_put(&b, 5, 1), STATE_OK);
	CU_ASSERT_EQUAL(state_rollback(b.state, mark), STATE_OK);
	for (uint64_t i = 0; i < 20; i++)
		CU_ASSERT_TRUE(bed_holds(&b, i, i));
	CU_ASSERT_TRUE(bed_lacks(&b, 30));
	CU_ASSERT_EQUAL(state_bytes(b.state), bytes);
	CU_ASSERT_EQUAL(state_count(b.state, STATE_USER), 20);
	struct digest after = bed_snapshot(&b);
	CU_ASSERT_TRUE(digest_equal(&before, &after));
	bed_destroy(&b);
}

static void marks_nest(void)
{
	bed_create(&b);
	struct state_mark outer = state_mark(b.state);
	CU_ASSERT_EQUAL(bed_put(&b, 1, 1), STATE_OK);
	struct state_mark inner = state_mark(b.state);
	CU_ASSERT_EQUAL(bed_put(&b, 1, 2), STATE_OK);
	CU_ASSERT_EQUAL(bed_put(&b, 2, 2), STATE_OK);
	CU_ASSERT_EQUAL(state_rollback(b.state, inner), STATE_OK);
	CU_ASSERT_TRUE(bed_holds(&b, 1, 1) && bed_lacks(&b, 2));
	inner = state_mark(b.state);
	CU_ASSERT_EQUAL(bed_put(&b, 3, 3), STATE_OK);
	state_release(b.state, inner);
	CU_ASSERT_EQUAL(state_rollback(b.state, outer), STATE_OK); /* with what the inner one kept */
	CU_ASSERT_TRUE(bed_lacks(&b, 1) && bed_lacks(&b, 3));

	outer = state_mark(b.state);
	CU_ASSERT_EQUAL(bed_put(&b, 4, 4), STATE_OK);
	state_release(b.state, outer);
	CU_ASSERT_EQUAL(b.state->undo_count, 0);
	CU_ASSERT_TRUE(bed_holds(&b, 4, 4));
	bed_destroy(&b);
}

struct page {
	char last[64];
	size_t last_bytes;
	uint32_t count, stop_after;
	bool ordered;
};

static bool see(void *arg, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	struct page *p = arg;
	(void)value;
	(void)value_bytes;
	p->ordered = p->ordered && (p->count == 0 || memcmp(p->last, key, p->last_bytes < key_bytes ? p->last_bytes : key_bytes) <= 0);
	memcpy(p->last, key, key_bytes);
	p->last_bytes = key_bytes;
	return ++p->count != p->stop_after;
}

static void scans_go_in_pages(void)
{
	bed_create(&b);
	for (uint64_t i = 0; i < 500; i++)
		CU_ASSERT_EQUAL(bed_put(&b, i, i), STATE_OK);
	CU_ASSERT_EQUAL(state_put(b.state, 't', "key-other", 9, "", 0), STATE_OK);
	CU_ASSERT_EQUAL(state_put(b.state, 'u', "kez", 3, "", 0), STATE_OK);
	uint32_t total = 0, pages = 0;
	struct page p = { .ordered = true };
	for (;; pages++) {
		uint32_t before = p.count;
		char after[64];
		memcpy(after, p.last, sizeof after);
		CU_ASSERT_EQUAL_FATAL(state_scan(b.state, 'u', "key-", 4, before ? after : NULL, p.last_bytes, see, &p, 64), STATE_OK);
		if (p.count == before)
			break;
		total += p.count - before;
	}
	CU_ASSERT_EQUAL(total, 500);
	CU_ASSERT_EQUAL(pages, 8);
	CU_ASSERT_TRUE(p.ordered);

	p = (struct page){ .ordered = true };
	CU_ASSERT_EQUAL(state_scan(b.state, 'u', "key-49", 6, NULL, 0, see, &p, UINT32_MAX), STATE_OK);
	CU_ASSERT_EQUAL(p.count, 11);
	p = (struct page){ .ordered = true, .stop_after = 3 };
	CU_ASSERT_EQUAL(state_scan(b.state, 'u', NULL, 0, NULL, 0, see, &p, UINT32_MAX), STATE_OK);
	CU_ASSERT_EQUAL(p.count, 3);
	p = (struct page){ .ordered = true };
	CU_ASSERT_EQUAL(state_scan(b.state, 'u', "key-", 4, "a", 1, see, &p, 10), STATE_OK); /* after a key below the prefix */
	CU_ASSERT_EQUAL(p.count, 10);
	p = (struct page){ .ordered = true };
	CU_ASSERT_EQUAL(state_scan(b.state, 'u', "key-", 4, "z", 1, see, &p, 10), STATE_OK); /* and above it */
	CU_ASSERT_EQUAL(p.count, 0);
	CU_ASSERT_EQUAL(state_scan(b.state, 'x', NULL, 0, NULL, 0, see, &p, 10), STATE_OK);
	CU_ASSERT_EQUAL(p.count, 0);
	CU_ASSERT_EQUAL(state_scan(b.state, 'u', NULL, 0, NULL, 0, see, &p, 0), STATE_OK);
	CU_ASSERT_EQUAL(p.count, 0);
	bed_destroy(&b);
}

/* The map is full: no result, but the end of this handle; the last snapshot is there after it. */
static void a_full_map_is_final(void)
{
	static uint8_t value[100000];
	bed_create(&b);
	state_close(b.state);
	b.state = NULL;
	b.options.map_bytes = 2u << 20;
	CU_ASSERT_EQUAL_FATAL(bed_reopen(&b), STATE_OK);
	CU_ASSERT_EQUAL(bed_put(&b, 1, 1), STATE_OK);
	struct digest root = bed_snapshot(&b);
	enum state_result r = STATE_OK;
	for (uint32_t i = 0; r == STATE_OK && i < 100; i++)
		r = state_put(b.state, 'u', &i, sizeof i, value, sizeof value);
	CU_ASSERT_EQUAL(r, STATE_ERR_FULL);
	struct state_meta meta = { .seq = 2 };
	const void *v;
	size_t n;
	CU_ASSERT_EQUAL(state_snapshot(b.state, &meta), STATE_ERR_FULL);
	CU_ASSERT_EQUAL(state_get(b.state, 'u', "k", 1, &v, &n), STATE_ERR_FULL);
	CU_ASSERT_EQUAL(bed_put(&b, 2, 2), STATE_ERR_FULL);
	CU_ASSERT_EQUAL(state_rollback(b.state, state_mark(b.state)), STATE_ERR_FULL);
	b.options.map_bytes = 64u << 20;
	CU_ASSERT_EQUAL_FATAL(bed_reopen(&b), STATE_OK);
	meta = state_meta(b.state);
	CU_ASSERT_TRUE(meta.seq == 1 && digest_equal(&meta.root, &root) && bed_holds(&b, 1, 1));
	bed_destroy(&b);
}

static void a_damaged_file_is_refused_and_can_be_dropped(void)
{
	char reason[STATE_REASON_BYTES] = "";
	bed_create(&b);
	CU_ASSERT_EQUAL(bed_put(&b, 1, 1), STATE_OK);
	(void)bed_snapshot(&b);
	state_close(b.state);
	b.state = NULL;
	int fd = open(b.path, O_RDWR | O_CLOEXEC);
	uint8_t junk[8192];
	memset(junk, 0x5a, sizeof junk);
	CU_ASSERT_EQUAL(pwrite(fd, junk, sizeof junk, 0), (ssize_t)sizeof junk);
	close(fd);
	CU_ASSERT_EQUAL(state_open(&b.state, b.path, &b.options, reason), STATE_ERR_DAMAGED);
	CU_ASSERT_PTR_NULL(b.state);
	CU_ASSERT_NOT_EQUAL(reason[0], 0);
	CU_ASSERT_EQUAL(state_drop(b.path), 0);
	CU_ASSERT_EQUAL(state_drop(b.path), 0);
	CU_ASSERT_EQUAL_FATAL(bed_reopen(&b), STATE_OK);
	CU_ASSERT_EQUAL(state_meta(b.state).seq, 0);
	bed_destroy(&b);
	CU_ASSERT_EQUAL(state_open(&b.state, "/tmp/test-state-not-there/state", &b.options, reason), STATE_ERR_IO);
}

/* ---- the audit ---- */

/* Flips a bit of the byte `offset` behind each place of the closed file where `what` stands. Returns how many. */
static uint32_t spoil(const char *path, const void *what, size_t n, long offset)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	CU_ASSERT_EQUAL_FATAL(fstat(fd, &st), 0);
	char *bytes = malloc((size_t)st.st_size);
	CU_ASSERT_EQUAL_FATAL(pread(fd, bytes, (size_t)st.st_size, 0), (ssize_t)st.st_size);
	uint32_t count = 0;
	for (off_t at = 0; at + (off_t)n <= st.st_size; at++) {
		if (memcmp(bytes + at, what, n) != 0)
			continue;
		char c = (char)(bytes[at + offset] ^ 4);
		CU_ASSERT_EQUAL(pwrite(fd, &c, 1, at + offset), 1);
		count++;
	}
	free(bytes);
	close(fd);
	return count;
}

static enum state_result audit_after(const void *what, size_t n, long offset)
{
	char reason[STATE_REASON_BYTES] = "";
	state_close(b.state);
	b.state = NULL;
	if (what)
		CU_ASSERT_TRUE(spoil(b.path, what, n, offset) > 0);
	CU_ASSERT_EQUAL_FATAL(bed_reopen(&b), STATE_OK); /* LMDB itself sees nothing */
	enum state_result r = state_audit(b.state, reason);
	CU_ASSERT_TRUE((r == STATE_OK) == (reason[0] == 0));
	return r;
}

static void fill(uint64_t entries)
{
	bed_create(&b);
	for (uint64_t i = 1; i <= entries; i++)
		CU_ASSERT_EQUAL(bed_put(&b, i, i), STATE_OK);
	(void)bed_snapshot(&b);
}

static void an_audit_passes_what_is_right(void)
{
	bed_create(&b);
	CU_ASSERT_EQUAL(audit_after(NULL, 0, 0), STATE_OK); /* before the first snapshot */
	bed_destroy(&b);
	static const uint64_t sizes[] = { 1, 16, 17, 400 };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		fill(sizes[i]);
		CU_ASSERT_EQUAL(audit_after(NULL, 0, 0), STATE_OK);
		CU_ASSERT_EQUAL(bed_delete(&b, 1), STATE_OK);
		CU_ASSERT_EQUAL(state_put(b.state, STATE_SESSION, NULL, 0, "v", 1), STATE_OK);
		(void)bed_snapshot(&b);
		CU_ASSERT_EQUAL(audit_after(NULL, 0, 0), STATE_OK);
		bed_destroy(&b);
	}
}

static void an_audit_finds_one_flipped_bit(void)
{
	fill(400);
	CU_ASSERT_EQUAL(audit_after("value 200", 9, 7), STATE_ERR_DAMAGED); /* a value */
	bed_destroy(&b);
	fill(400);
	CU_ASSERT_EQUAL(audit_after("ukey-200", 8, 5), STATE_ERR_DAMAGED); /* a key, where it stands beside its value and where its hash finds it */
	bed_destroy(&b);
	fill(400);
	struct digest hash;
	trie_key_hash(&hash, "ukey-200", 8);
	CU_ASSERT_EQUAL(audit_after(hash.b, DIGEST_BYTES, 3), STATE_ERR_DAMAGED); /* a hash, in the tree and where the key is found by it */
	bed_destroy(&b);
}

/* What nobody put there through this interface: an entry that is missing, one too many, and counts that do not fit. */
static void an_audit_finds_what_the_tree_does_not_name(void)
{
	static const char *const how[] = { "gone", "more", "count" };
	for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
		fill(40);
		MDB_val key = { 7, "ukey-20" }, extra = { 4, "uxyz" }, value = { 1, "v" };
		MDB_txn *txn;
		CU_ASSERT_EQUAL_FATAL(bed_reopen(&b), STATE_OK);
		CU_ASSERT_EQUAL_FATAL(mdb_txn_begin(b.state->env, NULL, 0, &txn), 0);
		if (i == 0)
			CU_ASSERT_EQUAL(mdb_del(txn, b.state->data, &key, NULL), 0);
		if (i == 1)
			CU_ASSERT_EQUAL(mdb_put(txn, b.state->data, &extra, &value, 0), 0);
		CU_ASSERT_EQUAL_FATAL(mdb_txn_commit(txn), 0);
		b.state->counts[STATE_USER] += i == 2;
		char reason[STATE_REASON_BYTES];
		CU_ASSERT_EQUAL(state_audit(b.state, reason), STATE_ERR_DAMAGED);
		bed_destroy(&b);
	}
}

/* A key that changes all the time costs no memory: it stands there once. */
static void a_hot_key_costs_no_memory(void)
{
	bed_create(&b);
	for (uint64_t i = 0; i < 20000; i++)
		CU_ASSERT_EQUAL(bed_put(&b, i % 10, i), STATE_OK);
	CU_ASSERT_TRUE(b.state->touched.capacity <= 2048);
	CU_ASSERT_TRUE(b.state->touched.bytes_capacity <= 64 * 1024);
	struct digest root = bed_snapshot(&b), reference = bed_reference_root(&b);
	CU_ASSERT_TRUE(digest_equal(&root, &reference));
	bed_destroy(&b);
}

/* What is reserved before a snapshot holds the file after it: for many small entries, for the same again, for large values, for deletions. */
static void the_disk_is_asked_before_the_snapshot(void)
{
	static uint8_t large[60000];
	bed_create(&b);
	for (uint64_t round = 0; round < 24; round++) {
		uint64_t x = round * 2654435761u;
		for (uint64_t i = 0; i < 2000; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			uint64_t key = (x >> 33) % 50000;
			if (round % 4 == 3 && i % 2) {
				(void)bed_delete(&b, key);
			} else if (round % 4 == 2 && i % 50 == 0) {
				CU_ASSERT_EQUAL(state_put(b.state, STATE_USER, &key, sizeof key, large, sizeof large), STATE_OK);
			} else {
				CU_ASSERT_EQUAL(bed_put(&b, key, round), STATE_OK);
			}
			if (i % 100 == 0)
				CU_ASSERT_TRUE(state_room(b.state, 5000));
		}
		CU_ASSERT_TRUE(state_room(b.state, 0));
		uint64_t reserved = b.state->room.reserved;
		(void)bed_snapshot(&b);
		MDB_envinfo info;
		CU_ASSERT_EQUAL(mdb_env_info(b.state->env, &info), 0);
		CU_ASSERT_TRUE((info.me_last_pgno + 1) * 4096 <= reserved);
	}
	bed_destroy(&b);
}

/* The file may not grow: the answer is no, nothing is lost, and with the limit gone it goes on. */
static void a_full_disk_is_said_and_passes(void)
{
	bed_create(&b);
	CU_ASSERT_EQUAL(bed_put(&b, 1, 1), STATE_OK);
	CU_ASSERT_TRUE(state_room(b.state, 0));
	CU_ASSERT_FALSE(state_room(b.state, (size_t)1 << 46)); /* more than any disk */
	CU_ASSERT_TRUE(state_room(b.state, 100));
	CU_ASSERT_TRUE(bed_holds(&b, 1, 1));
	(void)bed_snapshot(&b);
	bed_destroy(&b);
}

/* A write into a mapped file that has no block there ends the process when the disk is full: LMDB's file of locks is such a one. */
static void what_is_mapped_has_its_blocks(void)
{
	char lock[sizeof b.path + 8];
	struct stat st;
	bed_create(&b);
	snprintf(lock, sizeof lock, "%s-lock", b.path);
	CU_ASSERT_EQUAL_FATAL(stat(lock, &st), 0);
	CU_ASSERT_TRUE(st.st_size > 0 && st.st_blocks * 512 >= st.st_size);
	bed_destroy(&b);
}

static const struct unit_case cases[] = {
	{ "own writes are read", own_writes_are_read },
	{ "namespaces are apart", namespaces_are_apart },
	{ "limits change nothing", limits_change_nothing },
	{ "snapshots are found again", snapshots_are_found_again },
	{ "a crash goes back to the snapshot", a_crash_goes_back_to_the_snapshot },
	{ "a killed process leaves the snapshot", a_killed_process_leaves_the_snapshot },
	{ "a unit is undone", a_unit_is_undone },
	{ "marks nest", marks_nest },
	{ "scans go in pages", scans_go_in_pages },
	{ "a full map is final", a_full_map_is_final },
	{ "an audit passes what is right", an_audit_passes_what_is_right },
	{ "an audit finds one flipped bit", an_audit_finds_one_flipped_bit },
	{ "an audit finds what the tree does not name", an_audit_finds_what_the_tree_does_not_name },
	{ "a damaged file is refused and can be dropped", a_damaged_file_is_refused_and_can_be_dropped },
	{ "a hot key costs no memory", a_hot_key_costs_no_memory },
	{ "the disk is asked before the snapshot", the_disk_is_asked_before_the_snapshot },
	{ "a full disk is said and passes", a_full_disk_is_said_and_passes },
	{ "what is mapped has its blocks", what_is_mapped_has_its_blocks },
	{ 0 },
};

int main(void)
{
	return unit_main("state", cases);
}
