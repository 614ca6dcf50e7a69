/* Configuration files: what is read, and that every problem is told at once with its place. */
#include "quorate_setup.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPLICA "genesis: g\nmember_key: m\ntls_key: t\ndata: d\n"

static char folder[64], path[128];
static char told[32768];
static int count;

static void hear(void *user, const char *sentence)
{
	(void)user;
	/* The folder's name is random: what follows it is compared. */
	const char *rest = strncmp(sentence, folder, strlen(folder)) == 0 ? sentence + strlen(folder) + 1 : sentence;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%s\n", rest);
	count++;
}

static void write_bytes(const char *bytes, size_t n)
{
	FILE *f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(bytes, 1, n, f), n);
	fclose(f);
	told[0] = 0;
	count = 0;
}

static struct quorate_config *read_as(enum quorate_config_kind kind, const char *text)
{
	struct quorate_config *c = NULL;
	write_bytes(text, strlen(text));
	enum quorate_error error = quorate_config_read(&c, kind, path, hear, NULL);
	CU_ASSERT_EQUAL(error, c ? QUORATE_OK : QUORATE_CONFIG);
	CU_ASSERT_EQUAL(c == NULL, count > 0);
	return c;
}

/* The problems of a replica's file, or of a client's, are exactly these. */
static void wrong(enum quorate_config_kind kind, const char *text, const char *expected)
{
	struct quorate_config *c = read_as(kind, text);
	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT_STRING_EQUAL(told, expected);
	if (strcmp(told, expected) != 0)
		fprintf(stderr, "told:\n%sexpected:\n%s", told, expected);
	quorate_config_free(c);
}

static bool ends_with(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void a_replica(void)
{
	struct quorate_config *c =
		read_as(QUORATE_CONFIG_REPLICA, "# all of it\ngenesis: ../g\nmember_key: \"m k\"\ntls_key: /etc/t\ndata: d\nlisten: '[::1]:7000'\n"
	                                        "durability: os\nverifiers: 3\nstate_size: 2GiB\nsegment_size: 16 MiB\nrequests_max: 100\n"
	                                        "clients_max: 7\nmemory: 65536KiB\nlease_drift_percent: 5\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	const struct quorate_options *o = quorate_config_options(c);
	CU_ASSERT(strncmp(o->genesis, folder, strlen(folder)) == 0 && ends_with(o->genesis, "/../g"));
	CU_ASSERT(ends_with(o->member_key, "/m k") && ends_with(o->data, "/d"));
	CU_ASSERT_STRING_EQUAL(o->tls_key, "/etc/t");
	CU_ASSERT_STRING_EQUAL(o->listen, "[::1]:7000");
	CU_ASSERT(o->durability == QUORATE_DURABILITY_OS && o->verifiers == 3 && o->state_bytes == (uint64_t)2 << 30 && o->segment_bytes == 16u << 20);
	CU_ASSERT(o->requests_max == 100 && o->clients_max == 7 && o->lease_drift_percent == 5 && o->memory_bytes == 64u << 20);
	quorate_config_free(c);
	c = read_as(QUORATE_CONFIG_REPLICA, REPLICA);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	o = quorate_config_options(c);
	CU_ASSERT(o->durability == QUORATE_DURABILITY_FLUSH && o->verifiers == 0 && o->state_bytes == 0 && o->lease_drift_percent == 0 && !o->listen);
	quorate_config_free(c);
	quorate_config_free(NULL);
}

static void a_client(void)
{
	struct quorate_config *c = read_as(QUORATE_CONFIG_CLIENT, "{genesis: g, timeout: 10s, retry: 250ms, bundle_ops: 100}");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	const struct quorate_client_options *o = quorate_config_client(c);
	CU_ASSERT(ends_with(o->genesis, "/g") && !o->key && o->timeout_ms == 10000 && o->retry_ms == 250 && o->bundle_ops == 100);
	quorate_config_free(c);
	c = read_as(QUORATE_CONFIG_CLIENT, "genesis: g\nkey: k\ntimeout: 1h\nretry: 1min\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT(quorate_config_client(c)->timeout_ms == 3600000 && quorate_config_client(c)->retry_ms == 60000);
	quorate_config_free(c);
}

static void everything_at_once(void)
{
	wrong(QUORATE_CONFIG_REPLICA,
	      "genesys: g\n"
	      "member_key: [a, b]\n"
	      "tls_key:\n"
	      "listen: 7000\n"
	      "durability: flash\n"
	      "verifiers: 33\n"
	      "state_size: 100\n"
	      "segment_size: 2GB\n"
	      "memory: 1KiB\n"
	      "memory: 1GiB\n"
	      "retry: 1s\n"
	      "something: 1\n",
	      "f.yaml:1:1: unknown key 'genesys'; did you mean 'genesis'?\n"
	      "f.yaml:2:13: 'member_key' is a path, and here is a list\n"
	      "f.yaml:3:9: 'tls_key' is a path, and here is nothing\n"
	      "f.yaml:4:9: 'listen': an address is not of the form host:port, as 127.0.0.1:7000\n"
	      "f.yaml:5:13: 'durability' is 'flush' or 'os', not 'flash'\n"
	      "f.yaml:6:12: 'verifiers' is 33, and may be 0 to 32\n"
	      "f.yaml:7:13: 'state_size' needs a unit: 100MiB, for example (units: B, KiB, MiB, GiB, TiB)\n"
	      "f.yaml:8:15: 'segment_size' is a whole number and a unit (B, KiB, MiB, GiB, TiB), not '2GB'\n"
	      "f.yaml:9:9: 'memory' is 1KiB, and may be 16MiB to 1TiB\n"
	      "f.yaml:10:1: the key 'memory' stands in line 9 already\n"
	      "f.yaml:11:1: 'retry' is a key of a client's file, and this is a replica's\n"
	      "f.yaml:12:1: unknown key 'something'\n"
	      "f.yaml:13:1: the key 'genesis' is missing: a path\n"
	      "f.yaml:13:1: the key 'data' is missing: a path\n");
}

static void numbers(void)
{
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{ "timeout: 10", "f.yaml:2:10: 'timeout' needs a unit: 10ms, for example (units: ms, s, min, h)\n" },
		{ "timeout: 1.5s", "f.yaml:2:10: 'timeout' is a whole number and a unit (ms, s, min, h), not '1.5s'\n" },
		{ "timeout: -1s", "f.yaml:2:10: 'timeout' is a whole number and a unit (ms, s, min, h), not '-1s'\n" },
		{ "timeout: \"1s\"", "f.yaml:2:10: 'timeout' is a duration, as 250ms or 10s, and here is text in quotes\n" },
		{ "timeout: 9ms", "f.yaml:2:10: 'timeout' is 9ms, and may be 10ms to 1h\n" },
		{ "timeout: 61min", "f.yaml:2:10: 'timeout' is 61min, and may be 10ms to 1h\n" },
		{ "timeout: 99999999999999999999999999h", "f.yaml:2:10: 'timeout' is 99999999999999999999999999h, and may be 10ms to 1h\n" },
		{ "timeout: 18446744073709551615ms", "f.yaml:2:10: 'timeout' is 18446744073709551615ms, and may be 10ms to 1h\n" },
		{ "timeout: 5124095576030432h", "f.yaml:2:10: 'timeout' is 5124095576030432h, and may be 10ms to 1h\n" }, /* overflows */
		{ "bundle_ops: 10ms", "f.yaml:2:13: 'bundle_ops' is a whole number without a unit (1 to 1024), not '10ms'\n" },
		{ "bundle_ops: many", "f.yaml:2:13: 'bundle_ops' is a whole number without a unit (1 to 1024), not 'many'\n" },
		{ "bundle_ops: 0", "f.yaml:2:13: 'bundle_ops' is 0, and may be 1 to 1024\n" },
		{ "bundle_ops: 1025", "f.yaml:2:13: 'bundle_ops' is 1025, and may be 1 to 1024\n" },
	};
	char text[256];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text, "genesis: g\n%s\n", rows[i].text);
		wrong(QUORATE_CONFIG_CLIENT, text, rows[i].problem);
	}
	wrong(QUORATE_CONFIG_REPLICA, REPLICA "segment_size: 1048577B\n",
	      "f.yaml:5:15: 'segment_size' is 1048577B, and may be 1MiB to 1GiB, in steps of 4KiB\n");
}

static void what_yaml_has_and_we_do_not(void)
{
	wrong(QUORATE_CONFIG_CLIENT, "genesis: &a g\nkey: *a\n",
	      "f.yaml:1:10: anchors are not used in this file\nf.yaml:2:6: aliases are not used in this file\n");
	wrong(QUORATE_CONFIG_CLIENT, "genesis: !!str g\n", "f.yaml:1:10: tags are not used in this file\n");
	wrong(QUORATE_CONFIG_CLIENT, "genesis: g\n---\nkey: k\n", "f.yaml:2:1: there is a second document; the file holds one\n");
	wrong(QUORATE_CONFIG_CLIENT, "- genesis\n", "f.yaml:1:1: the file must be lines of the form 'key: value'\n");
	wrong(QUORATE_CONFIG_CLIENT, "# nothing\n", "f.yaml:1:1: the file says nothing\n");
	wrong(QUORATE_CONFIG_CLIENT, "genesis: g\n? [a]\n: {b: c}\nkey: {a: {b: c}}\n",
	      "f.yaml:2:3: a key must be a word\nf.yaml:4:6: 'key' is a path, and here is a mapping\n");
	wrong(QUORATE_CONFIG_CLIENT, "genesis: \"g\\0h\"\n", "f.yaml:1:10: a value must not hold a zero byte\n");
	wrong(QUORATE_CONFIG_CLIENT, "genesis: \"\"\n", "f.yaml:1:10: 'genesis' is a path, and here is empty text\n");
	/* What a terminal would obey does not reach it. */
	wrong(QUORATE_CONFIG_CLIENT, "genesis: g\n\"\\e[2J\": 1\n", "f.yaml:2:1: unknown key '?[2J'\n");
}

static void broken_yaml_is_placed(void)
{
	static const char broken[] = "genesis: g\nkex: k\nkey: [a\nb: c: d";
	write_bytes(broken, sizeof broken - 1);
	struct quorate_config *c = NULL;
	CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, path, hear, NULL), QUORATE_CONFIG);
	CU_ASSERT_PTR_NULL(c);
	/* What came before it is judged too; what may stand behind it is not called missing. */
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "f.yaml:2:1: unknown key 'kex'; did you mean 'key'?"));
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "f.yaml:4:2: this is not YAML"));
	write_bytes("genesis: \xff\xfe\n", 12);
	CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, path, hear, NULL), QUORATE_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "this is not UTF-8"));
}

static void sizes_are_bounded(void)
{
	struct quorate_config *c = NULL;
	char *big = malloc((2u << 20) + 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(big);
	memset(big, '#', 2u << 20);
	write_bytes(big, (1u << 20) + 1);
	CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, path, hear, NULL), QUORATE_CONFIG);
	CU_ASSERT(count == 1 && strstr(told, "larger"));
	memcpy(big, "genesis: ", 9);
	memset(big + 9, '[', 100000);
	write_bytes(big, 100009);
	CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, path, hear, NULL), QUORATE_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(told, "nested too deeply"));
	size_t n = 0;
	for (int i = 0; i < 1000; i++)
		n += (size_t)snprintf(big + n, 32, "key-%d: 1\n", i);
	write_bytes(big, n);
	CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, path, hear, NULL), QUORATE_CONFIG);
	CU_ASSERT(count == 65 && ends_with(told, "more problems\n"));
	write_bytes("", 0);
	CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, path, hear, NULL), QUORATE_CONFIG);
	CU_ASSERT_STRING_EQUAL(told, "f.yaml: it is empty\n");
	free(big);
}

/* Random bytes and every truncation: told or read, never worse. */
static void any_bytes(void)
{
	static const char good[] = "genesis: g # x\nkey: \"k\\u00e9\"\ntimeout: 10s\n? a\n: [1, {b: c}]\n";
	char bytes[256];
	struct quorate_config *c;
	unsigned seed = 7;
	for (size_t n = 1; n < sizeof good; n++) {
		write_bytes(good, n);
		CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, path, hear, NULL) == QUORATE_OK, c != NULL);
		quorate_config_free(c);
	}
	for (int i = 0; i < 2000; i++) {
		for (size_t k = 0; k < sizeof bytes; k++) {
			seed = seed * 1103515245u + 12345u;
			bytes[k] = i % 2 ? (char)(seed >> 16) : "genisky: \n{}[]&*!'\"-?#|>1smM"[(seed >> 16) % 28];
		}
		write_bytes(bytes, 1 + (seed >> 8) % sizeof bytes);
		CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, path, hear, NULL) == QUORATE_OK, c != NULL);
		quorate_config_free(c);
	}
}

static void kinds_are_found(void)
{
	enum quorate_config_kind kind;
	write_bytes(REPLICA, strlen(REPLICA));
	CU_ASSERT(quorate_config_check(path, hear, NULL, &kind) == QUORATE_OK && kind == QUORATE_CONFIG_REPLICA);
	write_bytes("genesis: g\ntimeout: 1s\n", 23);
	CU_ASSERT(quorate_config_check(path, hear, NULL, &kind) == QUORATE_OK && kind == QUORATE_CONFIG_CLIENT);
	write_bytes("genesis: g\n", 11);
	CU_ASSERT(quorate_config_check(path, hear, NULL, &kind) == QUORATE_OK && kind == QUORATE_CONFIG_CLIENT);
	write_bytes("data: d\nmember_kei: m\n", 22);
	CU_ASSERT(quorate_config_check(path, hear, NULL, &kind) == QUORATE_CONFIG && kind == QUORATE_CONFIG_REPLICA && count == 4);
	wrong(QUORATE_CONFIG_CLIENT, "genesis: g\ndata: d\n", "f.yaml:2:1: 'data' is a key of a replica's file, and this is a client's\n");
}

static void files_that_cannot_be_read(void)
{
	struct quorate_config *c;
	told[0] = 0;
	count = 0;
	CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, "/no/such/file.yaml", hear, NULL), QUORATE_CONFIG);
	CU_ASSERT_STRING_EQUAL(told, "/no/such/file.yaml: No such file or directory\n");
	CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, folder, hear, NULL), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, NULL, hear, NULL), QUORATE_USAGE);
	CU_ASSERT_EQUAL(quorate_config_read(&c, QUORATE_CONFIG_CLIENT, "/no/such/file.yaml", NULL, NULL), QUORATE_CONFIG);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a replica's file", a_replica },
		{ "a client's file", a_client },
		{ "everything at once", everything_at_once },
		{ "numbers", numbers },
		{ "what YAML has and we do not", what_yaml_has_and_we_do_not },
		{ "broken YAML is placed", broken_yaml_is_placed },
		{ "sizes are bounded", sizes_are_bounded },
		{ "any bytes", any_bytes },
		{ "kinds are found", kinds_are_found },
		{ "files that cannot be read", files_that_cannot_be_read },
		{ NULL, NULL },
	};
	snprintf(folder, sizeof folder, "/tmp/test-config-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof path, "%s/f.yaml", folder);
	int result = unit_main("config", cases);
	unlink(path);
	rmdir(folder);
	return result;
}
