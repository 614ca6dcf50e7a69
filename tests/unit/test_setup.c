/* Keys, cards, genesis and a local test cluster, each with what must be refused. */
#include "bft/epoch_change.h"
#include "quorate_setup.h"
#include "replica/epochs_file.h"
#include "replica/identity.h"
#include "tests/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char reason[QUORATE_REASON_BYTES];
static char paths[64][128]; /* of the last calls of in(): a test that keeps one for longer copies it */
static unsigned path_next;

static const char *in(const char *name)
{
	char *p = paths[path_next++ % 64];
	snprintf(p, sizeof paths[0], "%s/%s", folder, name);
	return p;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void begin(void)
{
	snprintf(folder, sizeof folder, "/tmp/test-setup-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	reason[0] = 0;
}

static void end(void)
{
	CU_ASSERT_EQUAL(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static size_t read_file(const char *path, char *bytes, size_t capacity)
{
	FILE *f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	size_t n = fread(bytes, 1, capacity, f);
	fclose(f);
	return n;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static void keys(void)
{
	char a[QUORATE_HEX_BYTES], b[QUORATE_HEX_BYTES];
	struct stat st;
	begin();
	CU_ASSERT_EQUAL(quorate_key_new(in("k"), NULL, a, reason), QUORATE_OK);
	CU_ASSERT_EQUAL(quorate_key_show(in("k"), NULL, b, reason), QUORATE_OK);
	CU_ASSERT_STRING_EQUAL(a, b);
	CU_ASSERT(stat(in("k"), &st) == 0 && (st.st_mode & 0777) == 0600);
	CU_ASSERT_EQUAL(quorate_key_new(in("k"), NULL, b, reason), QUORATE_CONFIG); /* never overwritten */
	CU_ASSERT_EQUAL(quorate_key_show(in("k"), NULL, b, reason), QUORATE_OK);
	CU_ASSERT_STRING_EQUAL(a, b);
	CU_ASSERT_EQUAL(quorate_key_show(in("none"), NULL, b, reason), QUORATE_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(reason, "none"));
	CU_ASSERT_EQUAL(chmod(in("k"), 0644), 0);
	CU_ASSERT_EQUAL(quorate_key_show(in("k"), NULL, b, NULL), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(quorate_key_new(in("no/such/folder"), NULL, b, reason), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(quorate_key_new(in("s"), "open", a, reason), QUORATE_OK);
	CU_ASSERT_EQUAL(quorate_key_show(in("s"), "open", b, reason), QUORATE_OK);
	CU_ASSERT_EQUAL(quorate_key_show(in("s"), "wrong", b, reason), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(quorate_key_show(in("s"), NULL, b, reason), QUORATE_CONFIG);
	end();
}

static enum quorate_error card(const char *name, const char *org, const char *address, bool fresh_org)
{
	char org_key[128], member[128], tls[128], hex[QUORATE_HEX_BYTES];
	const char *const addresses[] = { address };
	snprintf(org_key, sizeof org_key, "%s/%s.org", folder, fresh_org ? name : "shared");
	snprintf(member, sizeof member, "%s/%s.member", folder, name);
	snprintf(tls, sizeof tls, "%s/%s.tls", folder, name);
	quorate_key_new(org_key, NULL, hex, NULL);
	quorate_key_new(member, NULL, hex, NULL);
	quorate_key_new(tls, NULL, hex, NULL);
	struct quorate_card_options o = { org, org_key, member, tls, NULL, addresses, 1, in(name) };
	return quorate_card_new(&o, reason);
}

static void cards(void)
{
	char before[4096], after[4096];
	begin();
	CU_ASSERT_EQUAL(card("a", "alpha", "127.0.0.1:7000", true), QUORATE_OK);
	size_t n = read_file(in("a"), before, sizeof before);
	CU_ASSERT_EQUAL(card("a", "alpha", "127.0.0.1:7001", true), QUORATE_CONFIG); /* the file exists */
	CU_ASSERT(read_file(in("a"), after, sizeof after) == n && memcmp(before, after, n) == 0);
	CU_ASSERT_EQUAL(card("b", "Alpha", "127.0.0.1:7000", true), QUORATE_USAGE);
	CU_ASSERT_EQUAL(card("b", "", "127.0.0.1:7000", true), QUORATE_USAGE);
	CU_ASSERT_EQUAL(card("b", "alpha", "127.0.0.1", true), QUORATE_USAGE);
	CU_ASSERT_EQUAL(card("b", "alpha", "127.0.0.1:70000", true), QUORATE_USAGE);
	CU_ASSERT_NOT_EQUAL(access(in("b"), F_OK), 0);
	/* One key in two roles is no card. */
	const char *const addresses[] = { "h:1", "h:2", "h:3", "h:4", "h:5" };
	struct quorate_card_options o = { "alpha", in("a.org"), in("a.member"), in("a.member"), NULL, addresses, 1, in("c") };
	CU_ASSERT_EQUAL(quorate_card_new(&o, reason), QUORATE_CONFIG);
	o.tls_key = in("a.tls");
	o.addresses_count = 5;
	CU_ASSERT_EQUAL(quorate_card_new(&o, reason), QUORATE_USAGE);
	o.addresses_count = 4;
	CU_ASSERT_EQUAL(quorate_card_new(&o, reason), QUORATE_OK);
	end();
}

static void genesis(void)
{
	static char one[65536], other[65536];
	char digest[QUORATE_HEX_BYTES], again[QUORATE_HEX_BYTES];
	struct quorate_genesis_info *info = calloc(1, sizeof *info);
	CU_ASSERT_PTR_NOT_NULL_FATAL(info);
	begin();
	const char *const names[] = { "delta", "alpha", "charlie", "bravo" };
	char address[32];
	for (int i = 0; i < 4; i++) {
		snprintf(address, sizeof address, "127.0.0.1:%d", 7000 + i);
		CU_ASSERT_EQUAL(card(names[i], names[i], address, true), QUORATE_OK);
	}
	const char *in_order[] = { in("alpha"), in("bravo"), in("charlie"), in("delta") };
	const char *mixed[] = { in_order[3], in_order[0], in_order[2], in_order[1] };
	CU_ASSERT_EQUAL(quorate_genesis_build(in_order, 4, QUORATE_BFT, in("g1"), digest, reason), QUORATE_OK);
	CU_ASSERT_EQUAL(quorate_genesis_build(mixed, 4, QUORATE_BFT, in("g2"), again, reason), QUORATE_OK);
	CU_ASSERT_STRING_EQUAL(digest, again);
	size_t n = read_file(in("g1"), one, sizeof one);
	CU_ASSERT(read_file(in("g2"), other, sizeof other) == n && memcmp(one, other, n) == 0);
	CU_ASSERT_EQUAL(quorate_genesis_show(in("g1"), info, reason), QUORATE_OK);
	CU_ASSERT_STRING_EQUAL(info->digest, digest);
	CU_ASSERT(info->members == 4 && info->faults == 1 && info->quorum == 3 && info->mode == 1);
	CU_ASSERT_STRING_EQUAL(info->member[0].org, "alpha");
	CU_ASSERT_STRING_EQUAL(info->member[0].address, "127.0.0.1:7001");
	CU_ASSERT_EQUAL(quorate_genesis_build(in_order, 4, QUORATE_BFT, in("g1"), again, reason), QUORATE_CONFIG); /* exists */
	CU_ASSERT_EQUAL(quorate_genesis_build(in_order, 3, QUORATE_BFT, in("g3"), again, reason), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(quorate_genesis_build(in_order, 0, QUORATE_BFT, in("g3"), again, reason), QUORATE_USAGE);
	CU_ASSERT_EQUAL(quorate_genesis_build(in_order, 65, QUORATE_BFT, in("g3"), again, reason), QUORATE_USAGE);
	mixed[1] = mixed[0];
	CU_ASSERT_EQUAL(quorate_genesis_build(mixed, 4, QUORATE_BFT, in("g3"), again, reason), QUORATE_CONFIG); /* one card twice */
	CU_ASSERT_NOT_EQUAL(access(in("g3"), F_OK), 0);
	end();
	free(info);
}

/* Every byte of a genesis counts: one changed makes it another or none. */
static void changed_files_are_refused(void)
{
	static char text[65536];
	char digest[QUORATE_HEX_BYTES];
	struct quorate_genesis_info *info = calloc(1, sizeof *info);
	CU_ASSERT_PTR_NOT_NULL_FATAL(info);
	begin();
	static char kept[4][128];
	const char *files[4];
	for (int i = 0; i < 4; i++) {
		char name[8];
		snprintf(name, sizeof name, "o%d", i);
		CU_ASSERT_EQUAL(card(name, name, "127.0.0.1:7000", true), QUORATE_OK);
		snprintf(kept[i], sizeof kept[i], "%s", in(name));
		files[i] = kept[i];
	}
	CU_ASSERT_EQUAL_FATAL(quorate_genesis_build(files, 4, QUORATE_BFT, in("g"), digest, reason), QUORATE_OK);
	size_t n = read_file(in("g"), text, sizeof text);
	for (size_t i = 0; i < n; i += 7) {
		text[i] = (char)(text[i] ^ 1);
		write_file(in("changed"), text, n);
		enum quorate_error error = quorate_genesis_show(in("changed"), info, reason);
		/* What the members did not sign (mode, limits) makes another cluster: its digest differs. */
		CU_ASSERT(error == QUORATE_CONFIG || error == QUORATE_VERIFICATION || strcmp(info->digest, digest) != 0);
		text[i] = (char)(text[i] ^ 1);
	}
	write_file(in("short"), text, n - 1);
	CU_ASSERT_EQUAL(quorate_genesis_show(in("short"), info, reason), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(quorate_genesis_show(in("none"), info, reason), QUORATE_CONFIG);
	write_file(in("empty"), text, 0);
	CU_ASSERT_EQUAL(quorate_genesis_show(in("empty"), info, reason), QUORATE_CONFIG);
	n = read_file(files[0], text, sizeof text);
	text[n / 2] = text[n / 2] == '0' ? '1' : '0';
	write_file(in("card"), text, n);
	files[0] = in("card");
	enum quorate_error error = quorate_genesis_build(files, 4, QUORATE_BFT, in("g2"), digest, reason);
	CU_ASSERT(error == QUORATE_CONFIG || error == QUORATE_VERIFICATION);
	files[0] = folder;
	CU_ASSERT_EQUAL(quorate_genesis_build(files, 4, QUORATE_BFT, in("g2"), digest, reason), QUORATE_CONFIG);
	end();
	free(info);
}

static bool is_there(const char *format, int i)
{
	char name[64];
	snprintf(name, sizeof name, format, i);
	return access(in(name), F_OK) == 0;
}

static void testnet(void)
{
	struct quorate_genesis_info *info = calloc(1, sizeof *info);
	CU_ASSERT_PTR_NOT_NULL_FATAL(info);
	begin();
	char address[32];
	CU_ASSERT_EQUAL(quorate_testnet(in("t"), 4, QUORATE_BFT, 7400, reason), QUORATE_OK);
	CU_ASSERT_STRING_EQUAL(reason, "");
	CU_ASSERT_EQUAL_FATAL(quorate_genesis_show(in("t/genesis"), info, reason), QUORATE_OK);
	for (int i = 0; i < 4; i++) {
		snprintf(address, sizeof address, "127.0.0.1:%d", 7400 + i);
		CU_ASSERT_STRING_EQUAL(info->member[i].address, address); /* replica I is member I */
		CU_ASSERT(is_there("t/replica-%d/org.key", i) && is_there("t/replica-%d/data/log", i) && is_there("t/replica-%d/replica.yaml", i));
	}
	CU_ASSERT(is_there("t/client.yaml", 0));
	CU_ASSERT_EQUAL(quorate_testnet(in("t"), 4, QUORATE_BFT, 7400, reason), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(quorate_testnet(in("u"), 3, QUORATE_BFT, 7400, reason), QUORATE_USAGE);
	CU_ASSERT_EQUAL(quorate_testnet(in("u"), 65, QUORATE_BFT, 7400, reason), QUORATE_USAGE);
	CU_ASSERT_EQUAL(quorate_testnet(in("u"), 4, QUORATE_BFT, 65533, reason), QUORATE_USAGE);
	CU_ASSERT_EQUAL(quorate_testnet(in("u"), 4, QUORATE_BFT, 0, reason), QUORATE_USAGE);
	CU_ASSERT_EQUAL(quorate_testnet("", 4, QUORATE_BFT, 7400, reason), QUORATE_USAGE);
	CU_ASSERT(!is_there("u", 0));
	CU_ASSERT_EQUAL(quorate_testnet(in("no/such"), 4, QUORATE_BFT, 7400, reason), QUORATE_FAILED);
	end();
	free(info);
}

static void trusted_testnet(void)
{
	struct quorate_genesis_info *info = calloc(1, sizeof *info);
	CU_ASSERT_PTR_NOT_NULL_FATAL(info);
	begin();
	CU_ASSERT_EQUAL(quorate_testnet(in("t"), 3, QUORATE_TRUSTED, 7400, reason), QUORATE_OK);
	CU_ASSERT_EQUAL_FATAL(quorate_genesis_show(in("t/genesis"), info, reason), QUORATE_OK);
	CU_ASSERT(info->mode == QUORATE_TRUSTED && info->members == 3 && info->quorum == 2 && info->faults == 1);
	CU_ASSERT_EQUAL(quorate_testnet(in("one"), 1, QUORATE_TRUSTED, 7400, reason), QUORATE_OK);
	CU_ASSERT_EQUAL_FATAL(quorate_genesis_show(in("one/genesis"), info, reason), QUORATE_OK);
	CU_ASSERT(info->members == 1 && info->quorum == 1 && info->faults == 0);
	CU_ASSERT_EQUAL(quorate_testnet(in("u"), 0, QUORATE_TRUSTED, 7400, reason), QUORATE_USAGE);
	CU_ASSERT_EQUAL(quorate_testnet(in("u"), 65, QUORATE_TRUSTED, 7400, reason), QUORATE_USAGE);
	CU_ASSERT(!is_there("u", 0));
	end();
	free(info);
}

static struct quorate_options options_of(int i)
{
	static char names[4][128];
	const char *const last[4] = { "genesis", "member.key", "tls.key", "data" };
	for (int k = 0; k < 4; k++)
		if (k)
			snprintf(names[k], sizeof names[k], "%s/t/replica-%d/%s", folder, i, last[k]);
		else
			snprintf(names[k], sizeof names[k], "%s/t/%s", folder, last[k]);
	return (struct quorate_options){ .genesis = names[0], .member_key = names[1], .tls_key = names[2], .data = names[3] };
}

/* The word holds for the cluster, the file holds the key, and whoever knows the key finds it, whichever file member_key names. */
static void another_key(void)
{
	static struct identity id;
	static struct epoch_keys keys_of;
	struct epoch_change c;
	struct secret_key secret;
	struct stat st;
	uint8_t word[QUORATE_ROTATE_BYTES];
	char path[QUORATE_PATH_BYTES], other[QUORATE_PATH_BYTES];
	begin();
	CU_ASSERT_EQUAL_FATAL(quorate_testnet(in("t"), 4, QUORATE_BFT, 7400, reason), QUORATE_OK);
	struct quorate_options o = options_of(2);
	char org[128], stranger[128];
	snprintf(org, sizeof org, "%s", in("t/replica-2/org.key"));
	snprintf(stranger, sizeof stranger, "%s", in("t/replica-1/org.key"));
	struct quorate_rotate_options r = { .replica = &o, .org_key = org, .member = 2, .epoch = 1 };
	CU_ASSERT_EQUAL_FATAL(quorate_rotate_sign(&r, word, path, reason), QUORATE_OK);
	CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	CU_ASSERT_EQUAL_FATAL(identity_read(&id, &o, reason), QUORATE_OK);
	epoch_keys_init(&keys_of, &id.genesis);
	CU_ASSERT(epoch_change_decode(&c, BUNDLE_ROTATE, word, sizeof word) && epoch_change_holds(&c, &keys_of, &sign_ed25519, &id.cluster));
	CU_ASSERT(c.rotate.member == 2 && identity_secret(&o, &c.rotate.key, &secret) && memcmp(secret.b + 32, c.rotate.key.b, 32) == 0);
	CU_ASSERT(identity_secret(&o, &id.genesis.cards[2].member_key, &secret) && !identity_secret(&o, &id.genesis.cards[1].member_key, &secret));
	/* A second one is another key in another file. */
	CU_ASSERT_EQUAL(quorate_rotate_sign(&r, word, other, reason), QUORATE_OK);
	CU_ASSERT(strcmp(path, other) != 0 && access(path, F_OK) == 0);
	quorate_rotate_undo(other);
	CU_ASSERT(access(other, F_OK) != 0 && access(path, F_OK) == 0);
	/* Another organization's key, another replica's configuration, nobody. */
	r.org_key = stranger;
	CU_ASSERT_EQUAL(quorate_rotate_sign(&r, word, other, reason), QUORATE_VERIFICATION);
	r.org_key = org;
	for (uint32_t m = 0; m < 300; m += m == 3 ? 61 : 1)
		if (m != 2) {
			r.member = m;
			CU_ASSERT_EQUAL(quorate_rotate_sign(&r, word, other, reason), QUORATE_CONFIG);
		}
	/* The former key may go, and the new one may take its place: the TLS key says which replica it is. */
	CU_ASSERT_EQUAL(unlink(o.member_key), 0);
	CU_ASSERT(identity_read(&id, &o, reason) == QUORATE_OK && id.self == 2 && !id.has_key && identity_secret(&o, &c.rotate.key, &secret));
	CU_ASSERT_EQUAL(rename(path, o.member_key), 0);
	CU_ASSERT(identity_read(&id, &o, reason) == QUORATE_OK && id.self == 2 && id.has_key && identity_secret(&o, &c.rotate.key, &secret));
	/* Nobody else's key, though. */
	struct quorate_options mixed = o;
	char theirs[128];
	snprintf(theirs, sizeof theirs, "%s", in("t/replica-3/member.key"));
	mixed.member_key = theirs;
	CU_ASSERT_EQUAL(identity_read(&id, &mixed, reason), QUORATE_CONFIG);
	end();
}

/* DATA/epochs: appended, cut, lost. */
static void the_chain_in_a_file(void)
{
	uint8_t *bytes;
	size_t n;
	begin();
	CU_ASSERT(epochs_file_read(folder, &bytes, &n) && n == 0 && !bytes);
	CU_ASSERT(epochs_file_cut(folder, 0)); /* nothing to cut */
	CU_ASSERT(epochs_file_append(folder, (const uint8_t *)"one", 3) && epochs_file_append(folder, (const uint8_t *)"two", 3));
	CU_ASSERT_FATAL(epochs_file_read(folder, &bytes, &n) && n == 6);
	CU_ASSERT(memcmp(bytes, "onetwo", 6) == 0);
	free(bytes);
	CU_ASSERT(epochs_file_cut(folder, 3) && epochs_file_append(folder, (const uint8_t *)"2", 1));
	CU_ASSERT_FATAL(epochs_file_read(folder, &bytes, &n) && n == 4);
	CU_ASSERT(memcmp(bytes, "one2", 4) == 0);
	free(bytes);
	CU_ASSERT(!epochs_file_append(in("no/such"), (const uint8_t *)"x", 1));
	/* It grows to its limit and no further. */
	CU_ASSERT_EQUAL(truncate(in("epochs"), (off_t)EPOCHS_FILE_BYTES_MAX), 0);
	CU_ASSERT(!epochs_file_append(folder, (const uint8_t *)"x", 1));
	CU_ASSERT(epochs_file_read(folder, &bytes, &n) && n == EPOCHS_FILE_BYTES_MAX);
	free(bytes);
	end();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "keys", keys },
		{ "cards", cards },
		{ "genesis", genesis },
		{ "changed files are refused", changed_files_are_refused },
		{ "testnet", testnet },
		{ "a trusted testnet", trusted_testnet },
		{ "another key", another_key },
		{ "the chain in a file", the_chain_in_a_file },
		{ NULL, NULL },
	};
	return unit_main("setup", cases);
}
