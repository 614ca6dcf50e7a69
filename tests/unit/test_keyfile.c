#include "crypto/keyfile.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];
static struct public_key pk;
static struct secret_key sk;

/* Every case has a folder of its own, so none depends on another. */
static void begin(void)
{
	uint8_t seed[32] = { 42 };
	snprintf(folder, sizeof folder, "/tmp/quorate-keyfile-XXXXXX");
	CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
	snprintf(path, sizeof path, "%s/key", folder);
	sign_ed25519.keypair(&pk, &sk, seed);
}

static void end(void)
{
	unlink(path);
	CU_ASSERT(rmdir(folder) == 0); /* nothing else was left behind */
}

static size_t slurp(char *out, size_t capacity)
{
	FILE *f = fopen(path, "r");
	CU_ASSERT_FATAL(f != NULL);
	size_t n = fread(out, 1, capacity - 1, f);
	fclose(f);
	out[n] = 0;
	return n;
}

static void replace(const char *bytes, size_t n)
{
	unlink(path);
	FILE *f = fopen(path, "w");
	CU_ASSERT_FATAL(f != NULL);
	CU_ASSERT(fwrite(bytes, 1, n, f) == n);
	fclose(f);
	CU_ASSERT(chmod(path, 0600) == 0);
}

static enum keyfile_result read_it(const char *passphrase)
{
	struct secret_key found;
	struct public_key found_pk;
	enum keyfile_result result = keyfile_read(path, &found, &found_pk, passphrase);
	if (result == KEYFILE_OK)
		CU_ASSERT(memcmp(&found, &sk, sizeof sk) == 0 && public_key_equal(&found_pk, &pk));
	return result;
}

static void written_and_read(void)
{
	struct stat st;
	struct secret_key found;
	begin();
	CU_ASSERT(keyfile_write(path, &sk, NULL) == KEYFILE_OK);
	CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	CU_ASSERT(read_it(NULL) == KEYFILE_OK);
	CU_ASSERT(read_it("not needed") == KEYFILE_OK);
	CU_ASSERT(keyfile_read(path, &found, NULL, NULL) == KEYFILE_OK);
	end();
}

static void never_overwritten(void)
{
	char before[2048], after[2048];
	begin();
	CU_ASSERT(keyfile_write(path, &sk, NULL) == KEYFILE_OK);
	size_t n = slurp(before, sizeof before);
	CU_ASSERT(keyfile_write(path, &sk, NULL) == KEYFILE_EXISTS);
	CU_ASSERT(keyfile_write(path, &sk, "secret") == KEYFILE_EXISTS);
	CU_ASSERT(slurp(after, sizeof after) == n && memcmp(before, after, n) == 0);
	end();
}

static void a_dangling_link_is_not_followed(void)
{
	begin();
	CU_ASSERT(symlink("/tmp/quorate-keyfile-nowhere", path) == 0);
	CU_ASSERT(keyfile_write(path, &sk, NULL) == KEYFILE_EXISTS);
	CU_ASSERT(access("/tmp/quorate-keyfile-nowhere", F_OK) != 0);
	end();
}

static void others_may_not_read(void)
{
	begin();
	CU_ASSERT(keyfile_write(path, &sk, NULL) == KEYFILE_OK);
	const mode_t bad[] = { 0640, 0604, 0660, 0606, 0644, 0610, 0601, 0777 };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CU_ASSERT(chmod(path, bad[i]) == 0 && read_it(NULL) == KEYFILE_PERMISSIONS);
	}
	CU_ASSERT(chmod(path, 0400) == 0 && read_it(NULL) == KEYFILE_OK);
	end();
}

static void not_there(void)
{
	char elsewhere[256];
	begin();
	errno = 0;
	CU_ASSERT(read_it(NULL) == KEYFILE_UNREADABLE && errno == ENOENT);
	snprintf(elsewhere, sizeof elsewhere, "%s/no/key", folder);
	errno = 0;
	CU_ASSERT(keyfile_write(elsewhere, &sk, NULL) == KEYFILE_UNREADABLE && errno == ENOENT);
	end();
}

static void not_a_file(void)
{
	begin();
	CU_ASSERT(mkdir(path, 0700) == 0 && read_it(NULL) == KEYFILE_MALFORMED);
	CU_ASSERT(rmdir(path) == 0 && mkfifo(path, 0600) == 0 && read_it(NULL) == KEYFILE_MALFORMED);
	end();
}

/* Every file cut short, lengthened, or with one bit flipped is refused; hexadecimal in capitals is the one thing that means the same. */
static void damaged(void)
{
	char whole[2048], bad[2048];
	begin();
	CU_ASSERT(keyfile_write(path, &sk, NULL) == KEYFILE_OK);
	size_t n = slurp(whole, sizeof whole);
	for (size_t cut = 0; cut < n; cut++) {
		replace(whole, cut);
		CU_ASSERT(read_it(NULL) == KEYFILE_MALFORMED);
	}
	for (size_t bit = 0; bit < 8 * n; bit++) {
		memcpy(bad, whole, n);
		bad[bit / 8] = (char)(bad[bit / 8] ^ (1 << bit % 8));
		replace(bad, n);
		enum keyfile_result result = read_it(NULL);
		CU_ASSERT(result == KEYFILE_MALFORMED || (bit % 8 == 5 && result == KEYFILE_OK));
	}
	memcpy(bad, whole, n);
	bad[n] = '\n';
	replace(bad, n + 1);
	CU_ASSERT(read_it(NULL) == KEYFILE_MALFORMED);
	bad[n] = 0;
	replace(bad, n + 1);
	CU_ASSERT(read_it(NULL) == KEYFILE_MALFORMED);
	memset(bad + n, ' ', sizeof bad - n);
	replace(bad, sizeof bad);
	CU_ASSERT(read_it(NULL) == KEYFILE_MALFORMED);
	end();
}

static void the_public_key_must_belong(void)
{
	char text[2048], other_hex[65];
	struct public_key other;
	struct secret_key other_sk;
	uint8_t seed[32] = { 43 };
	begin();
	sign_ed25519.keypair(&other, &other_sk, seed);
	hex_format(other_hex, other.b, sizeof other.b);
	CU_ASSERT(keyfile_write(path, &sk, NULL) == KEYFILE_OK);
	size_t n = slurp(text, sizeof text);
	memcpy(strstr(text, "public ") + 7, other_hex, 64);
	replace(text, n);
	CU_ASSERT(read_it(NULL) == KEYFILE_MALFORMED);
	end();
}

static void sealed(void)
{
	char text[2048], seed_hex[65];
	begin();
	CU_ASSERT(keyfile_write(path, &sk, "correct horse") == KEYFILE_OK);
	size_t n = slurp(text, sizeof text);
	hex_format(seed_hex, sk.b, 32);
	CU_ASSERT(strstr(text, seed_hex) == NULL && strstr(text, "correct") == NULL);
	CU_ASSERT(read_it("correct horse") == KEYFILE_OK);
	CU_ASSERT(read_it(NULL) == KEYFILE_NEEDS_PASSPHRASE);
	CU_ASSERT(read_it("correct hors") == KEYFILE_WRONG_PASSPHRASE);

	/* A damaged seal does not open, and cannot be told from a wrong passphrase. */
	text[n - 2] = text[n - 2] == '0' ? '1' : '0';
	replace(text, n);
	CU_ASSERT(read_it("correct horse") == KEYFILE_WRONG_PASSPHRASE);
	end();
}

/* The file's cost is a number that somebody else may have written: the bound comes before the work. */
static void the_cost_is_bounded(void)
{
	static const char *const bad[] = { "0 65536",         "17 65536", "4294967297 65536", "2 0", "2 7", "2 1048577", "2 99999999999999999999",
		                           "+2 65536",        "02 65536", "-1 65536",         "2 ",  " 2",  "2 65536x",  "2  65536",
		                           "2 65536 2 65536", "x 65536" };
	char text[2048], zeros[128];
	char public[65];
	begin();
	hex_format(public, pk.b, sizeof pk.b);
	memset(zeros, '0', sizeof zeros);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int n = snprintf(text, sizeof text, "quorate-key 1\npublic %s\nsealed %.32s %s %.48s %.96s\n", public, zeros, bad[i], zeros, zeros);
		replace(text, (size_t)n);
		CU_ASSERT(read_it("x") == KEYFILE_MALFORMED);
	}
	/* The same with a small good cost is well-formed, and refused for its content. */
	int n = snprintf(text, sizeof text, "quorate-key 1\npublic %s\nsealed %.32s 1 8 %.48s %.96s\n", public, zeros, zeros, zeros);
	replace(text, (size_t)n);
	CU_ASSERT(read_it("x") == KEYFILE_WRONG_PASSPHRASE);
	end();
}

static void every_result_has_a_text(void)
{
	for (int i = KEYFILE_OK; i <= KEYFILE_WRONG_PASSPHRASE + 1; i++)
		CU_ASSERT(keyfile_text((enum keyfile_result)i) != NULL && strlen(keyfile_text((enum keyfile_result)i)) > 10);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "written and read", written_and_read },
		{ "never overwritten", never_overwritten },
		{ "a dangling link is not followed", a_dangling_link_is_not_followed },
		{ "others may not read it", others_may_not_read },
		{ "not there", not_there },
		{ "not a file", not_a_file },
		{ "damaged", damaged },
		{ "the public key must belong", the_public_key_must_belong },
		{ "sealed by a passphrase", sealed },
		{ "the cost is bounded", the_cost_is_bounded },
		{ "every result has a text", every_result_has_a_text },
		{ 0 },
	};
	return unit_main("keyfile", cases);
}
