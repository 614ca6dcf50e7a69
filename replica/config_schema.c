#include "replica/config_schema.h"

#include "replica/log/log.h"
#include "replica/setup_file.h"

#include "bft/card.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type { TYPE_PATH, TYPE_ADDRESS, TYPE_DURABILITY, TYPE_COUNT, TYPE_SIZE, TYPE_DURATION };

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

struct schema_key {
	enum quorate_config_kind kind;
	const char *name;
	enum type type;
	bool required;
	size_t at;         /* in struct quorate_config                       */
	uint8_t width;     /* of a number: 4 or 8 bytes                      */
	uint64_t min, max; /* of a number                                    */
	uint64_t step;     /* of a number: a multiple of it; 0: any          */
	const char *range; /* the same, for people                           */
};

#define REPLICA(field) offsetof(struct quorate_config, replica.field)
#define CLIENT(field) offsetof(struct quorate_config, client.field)
#define WIDTH(kind, field) sizeof(((struct quorate_config *)NULL)->kind.field)

static const struct schema_key schema[] = {
	{ QUORATE_CONFIG_REPLICA, "genesis", TYPE_PATH, true, REPLICA(genesis), 0, 0, 0, 0, NULL },
	{ QUORATE_CONFIG_REPLICA, "member_key", TYPE_PATH, true, REPLICA(member_key), 0, 0, 0, 0, NULL },
	{ QUORATE_CONFIG_REPLICA, "tls_key", TYPE_PATH, true, REPLICA(tls_key), 0, 0, 0, 0, NULL },
	{ QUORATE_CONFIG_REPLICA, "data", TYPE_PATH, true, REPLICA(data), 0, 0, 0, 0, NULL },
	{ QUORATE_CONFIG_REPLICA, "listen", TYPE_ADDRESS, false, REPLICA(listen), 0, 0, 0, 0, NULL },
	{ QUORATE_CONFIG_REPLICA, "durability", TYPE_DURABILITY, false, REPLICA(durability), 4, 0, 0, 0, NULL },
	{ QUORATE_CONFIG_REPLICA, "verifiers", TYPE_COUNT, false, REPLICA(verifiers), WIDTH(replica, verifiers), 0, 32, 0, "0 to 32" },
	{ QUORATE_CONFIG_REPLICA, "state_size", TYPE_SIZE, false, REPLICA(state_bytes), WIDTH(replica, state_bytes), 64 * MIB, 64 * TIB, 0, "64MiB to 64TiB" },
	{ QUORATE_CONFIG_REPLICA, "segment_size", TYPE_SIZE, false, REPLICA(segment_bytes), WIDTH(replica, segment_bytes), 1 * MIB, LOG_SEGMENT_BYTES_MAX,
	  4 * KIB, "1MiB to 1GiB, in steps of 4KiB" },
	{ QUORATE_CONFIG_REPLICA, "requests_max", TYPE_COUNT, false, REPLICA(requests_max), WIDTH(replica, requests_max), 64, 1 << 20, 0, "64 to 1048576" },
	{ QUORATE_CONFIG_REPLICA, "clients_max", TYPE_COUNT, false, REPLICA(clients_max), WIDTH(replica, clients_max), 1, 60000, 0, "1 to 60000" },
	{ QUORATE_CONFIG_REPLICA, "memory", TYPE_SIZE, false, REPLICA(memory_bytes), WIDTH(replica, memory_bytes), 16 * MIB, 1 * TIB, 0, "16MiB to 1TiB" },
	{ QUORATE_CONFIG_REPLICA, "lease_drift_percent", TYPE_COUNT, false, REPLICA(lease_drift_percent), WIDTH(replica, lease_drift_percent), 0,
	  BFT_LEASE_DRIFT_PERCENT_MAX, 0, "0 to 20" },
	{ QUORATE_CONFIG_CLIENT, "genesis", TYPE_PATH, true, CLIENT(genesis), 0, 0, 0, 0, NULL },
	{ QUORATE_CONFIG_CLIENT, "key", TYPE_PATH, false, CLIENT(key), 0, 0, 0, 0, NULL },
	{ QUORATE_CONFIG_CLIENT, "timeout", TYPE_DURATION, false, CLIENT(timeout_ms), WIDTH(client, timeout_ms), 10, 3600000, 0, "10ms to 1h" },
	{ QUORATE_CONFIG_CLIENT, "retry", TYPE_DURATION, false, CLIENT(retry_ms), WIDTH(client, retry_ms), 1, 60000, 0, "1ms to 1min" },
	{ QUORATE_CONFIG_CLIENT, "bundle_ops", TYPE_COUNT, false, CLIENT(bundle_ops), WIDTH(client, bundle_ops), 1, BFT_BUNDLE_OPS_MAX, 0, "1 to 1024" },
};
#define SCHEMA_COUNT (sizeof schema / sizeof schema[0])

_Static_assert(sizeof(enum quorate_durability) == 4, "written as four bytes");
_Static_assert(BFT_BUNDLE_OPS_MAX == 1024 && BFT_LEASE_DRIFT_PERCENT_MAX == 20 && LOG_SEGMENT_BYTES_MAX == GIB && LOG_SEGMENT_BYTES_MIN <= MIB,
               "the ranges as they are told");

static const struct schema_key *find(enum quorate_config_kind kind, const char *name)
{
	for (size_t i = 0; i < SCHEMA_COUNT; i++) {
		if (schema[i].kind == kind && strcmp(schema[i].name, name) == 0)
			return &schema[i];
	}
	return NULL;
}

static enum quorate_config_kind other(enum quorate_config_kind kind)
{
	return kind == QUORATE_CONFIG_REPLICA ? QUORATE_CONFIG_CLIENT : QUORATE_CONFIG_REPLICA;
}

static const char *kind_text(enum quorate_config_kind kind)
{
	return kind == QUORATE_CONFIG_REPLICA ? "replica's" : "client's";
}

uint32_t schema_telling_keys(const struct config_file *file, enum quorate_config_kind kind)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < file->pairs_count; i++)
		count += find(kind, file->pairs[i].key) && !find(other(kind), file->pairs[i].key);
	return count;
}

/* ---- did you mean ---- */

#define NAME_MAX_BYTES 24u

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;
	return m < c ? m : c;
}

/* Insertions, deletions and replacements that make `a` of `b`; both are short. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_BYTES + 1];
	size_t na = strlen(a), nb = strlen(b);
	if (na > NAME_MAX_BYTES || nb > NAME_MAX_BYTES)
		return NAME_MAX_BYTES;
	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned above = row[j];
			row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[nb];
}

static const char *nearest(enum quorate_config_kind kind, const char *name)
{
	const char *best = NULL;
	unsigned best_distance = 1 + (unsigned)strlen(name) / 3; /* a guess that shares less helps nobody */
	for (size_t i = 0; i < SCHEMA_COUNT; i++) {
		unsigned d = schema[i].kind == kind ? distance(name, schema[i].name) : NAME_MAX_BYTES;
		if (d <= best_distance && (!best || d < best_distance)) {
			best = schema[i].name;
			best_distance = d;
		}
	}
	return best;
}

static void unknown(struct config_file *f, const struct config_pair *pair, enum quorate_config_kind kind)
{
	struct config_quoted key = config_quote(pair->key);
	const char *guess = nearest(kind, pair->key);
	if (find(other(kind), pair->key))
		config_problem(f, pair->key_at, "'%s' is a key of a %s file, and this is a %s", key.text, kind_text(other(kind)), kind_text(kind));
	else if (guess)
		config_problem(f, pair->key_at, "unknown key '%s'; did you mean '%s'?", key.text, guess);
	else
		config_problem(f, pair->key_at, "unknown key '%s'", key.text);
}

/* ---- numbers ---- */

struct unit {
	const char *name;
	uint64_t factor;
};
static const struct unit size_units[] = { { "B", 1 }, { "KiB", KIB }, { "MiB", MIB }, { "GiB", GIB }, { "TiB", TIB }, { NULL, 0 } };
static const struct unit duration_units[] = { { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { NULL, 0 } };
static const struct unit count_units[] = { { "", 1 }, { NULL, 0 } };

/* Digits at the beginning of `text`: UINT64_MAX when they are too many for any range. NULL when there are none. */
static const char *digits(const char *text, uint64_t *out)
{
	const char *at = text;
	*out = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (*out > (UINT64_MAX - 9) / 10)
			*out = UINT64_MAX;
		if (*out != UINT64_MAX)
			*out = *out * 10 + (uint64_t)(*at - '0');
	}
	return at == text ? NULL : at;
}

static uint64_t unit_factor(const struct unit *units, const char *name)
{
	for (; units->name; units++) {
		if (strcmp(units->name, name) == 0)
			return units->factor;
	}
	return 0;
}

static void wrong_unit(struct config_file *f, const struct config_pair *pair, const struct schema_key *key, const char *rest)
{
	bool size = key->type == TYPE_SIZE;
	struct config_quoted value = config_quote(pair->value);
	if (key->type == TYPE_COUNT)
		config_problem(f, pair->value_at, "'%s' is a whole number without a unit (%s), not '%s'", key->name, key->range, value.text);
	else if (!*rest)
		config_problem(f, pair->value_at, "'%s' needs a unit: %s%s, for example (units: %s)", key->name, value.text, size ? "MiB" : "ms",
		               size ? "B, KiB, MiB, GiB, TiB" : "ms, s, min, h");
	else
		config_problem(f, pair->value_at, "'%s' is a whole number and a unit (%s), not '%s'", key->name,
		               size ? "B, KiB, MiB, GiB, TiB" : "ms, s, min, h", value.text);
}

static void store(struct quorate_config *c, const struct schema_key *key, uint64_t value)
{
	uint8_t *at = (uint8_t *)c + key->at;
	uint32_t narrow = (uint32_t)value;
	if (key->width == 8)
		memcpy(at, &value, 8);
	else
		memcpy(at, &narrow, 4);
}

static void read_number(struct quorate_config *c, struct config_file *f, const struct config_pair *pair, const struct schema_key *key)
{
	const struct unit *units = key->type == TYPE_SIZE ? size_units : key->type == TYPE_DURATION ? duration_units : count_units;
	uint64_t value;
	const char *rest = digits(pair->value, &value);
	if (rest && *rest == ' ')
		rest++;
	uint64_t factor = rest ? unit_factor(units, rest) : 0;
	if (!factor) {
		wrong_unit(f, pair, key, rest ? rest : pair->value);
		return;
	}
	bool fits = value <= UINT64_MAX / factor && value * factor >= key->min && value * factor <= key->max;
	if (!fits || (key->step && value * factor % key->step != 0)) {
		config_problem(f, pair->value_at, "'%s' is %s, and may be %s", key->name, config_quote(pair->value).text, key->range);
		return;
	}
	store(c, key, value * factor);
}

/* ---- texts ---- */

static bool keep(struct quorate_config *c, const struct schema_key *key, char *text)
{
	if (!text || c->strings_count == CONFIG_STRINGS_MAX) {
		free(text);
		return false;
	}
	c->strings[c->strings_count++] = text;
	const char *borrowed = text;
	memcpy((uint8_t *)c + key->at, &borrowed, sizeof borrowed);
	return true;
}

/* Paths are relative to the file's folder, wherever the program was started. */
static bool read_path(struct quorate_config *c, struct config_file *f, const struct config_pair *pair, const struct schema_key *key)
{
	const char *slash = strrchr(f->path, '/');
	int folder = *pair->value == '/' || !slash ? 0 : (int)(slash - f->path) + 1;
	char *text = NULL;
	if (strlen(pair->value) + (size_t)folder >= SETUP_PATH_BYTES) {
		config_problem(f, pair->value_at, "'%s' is a path that is too long", key->name);
		return true;
	}
	return asprintf(&text, "%.*s%s", folder, f->path, pair->value) >= 0 && keep(c, key, text);
}

static bool read_address(struct quorate_config *c, struct config_file *f, const struct config_pair *pair, const struct schema_key *key)
{
	const char *why = card_address_check(pair->value);
	if (!why)
		return keep(c, key, strdup(pair->value));
	config_problem(f, pair->value_at, "'%s': %s, as 127.0.0.1:7000", key->name, why);
	return true;
}

static void read_durability(struct quorate_config *c, struct config_file *f, const struct config_pair *pair, const struct schema_key *key)
{
	if (strcmp(pair->value, "flush") == 0)
		store(c, key, QUORATE_DURABILITY_FLUSH);
	else if (strcmp(pair->value, "os") == 0)
		store(c, key, QUORATE_DURABILITY_OS);
	else
		config_problem(f, pair->value_at, "'%s' is 'flush' or 'os', not '%s'", key->name, config_quote(pair->value).text);
}

/* ---- the file ---- */

static const char *type_text(enum type type)
{
	switch (type) {
	case TYPE_PATH: return "a path";
	case TYPE_ADDRESS: return "an address, host:port";
	case TYPE_DURABILITY: return "'flush' or 'os'";
	case TYPE_COUNT: return "a whole number";
	case TYPE_SIZE: return "a size, as 64MiB";
	default: return "a duration, as 250ms or 10s";
	}
}

static bool is_number(enum type type)
{
	return type == TYPE_COUNT || type == TYPE_SIZE || type == TYPE_DURATION;
}

static bool form_ok(struct config_file *f, const struct config_pair *pair, const struct schema_key *key)
{
	const char *found = NULL;
	switch (pair->form) {
	case CONFIG_EMPTY: found = "nothing"; break;
	case CONFIG_LIST: found = "a list"; break;
	case CONFIG_MAPPING: found = "a mapping"; break;
	case CONFIG_QUOTED: found = is_number(key->type) ? "text in quotes" : !*pair->value ? "empty text" : NULL; break;
	case CONFIG_PLAIN: break;
	case CONFIG_UNREADABLE: return false;
	}
	if (found)
		config_problem(f, pair->value_at, "'%s' is %s, and here is %s", key->name, type_text(key->type), found);
	return !found;
}

static bool read_value(struct quorate_config *c, struct config_file *f, const struct config_pair *pair, const struct schema_key *key)
{
	if (!form_ok(f, pair, key))
		return true;
	switch (key->type) {
	case TYPE_PATH: return read_path(c, f, pair, key);
	case TYPE_ADDRESS: return read_address(c, f, pair, key);
	case TYPE_DURABILITY: read_durability(c, f, pair, key); return true;
	default: read_number(c, f, pair, key); return true;
	}
}

static const struct config_pair *earlier(const struct config_file *f, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++) {
		if (strcmp(f->pairs[i].key, f->pairs[index].key) == 0)
			return &f->pairs[i];
	}
	return NULL;
}

static void missing(struct config_file *f, enum quorate_config_kind kind)
{
	for (size_t i = 0; i < SCHEMA_COUNT; i++) {
		bool found = schema[i].kind != kind || !schema[i].required;
		for (uint32_t j = 0; j < f->pairs_count && !found; j++)
			found = strcmp(f->pairs[j].key, schema[i].name) == 0;
		if (!found)
			config_problem(f, f->end, "the key '%s' is missing: %s", schema[i].name, type_text(schema[i].type));
	}
}

bool schema_apply(struct quorate_config *config, struct config_file *file)
{
	for (uint32_t i = 0; i < file->pairs_count; i++) {
		const struct config_pair *pair = &file->pairs[i], *before = earlier(file, i);
		const struct schema_key *key = find(config->kind, pair->key);
		if (before)
			config_problem(file, pair->key_at, "the key '%s' stands in line %zu already", config_quote(pair->key).text, before->key_at.line);
		else if (!key)
			unknown(file, pair, config->kind);
		else if (!read_value(config, file, pair, key))
			return false;
	}
	if (!file->cut)
		missing(file, config->kind);
	return true;
}
