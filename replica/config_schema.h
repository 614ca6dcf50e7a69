/* replica/config_schema.h - the keys of both configuration files in one table, and how a value is judged. */
#ifndef REPLICA_CONFIG_SCHEMA_H
#define REPLICA_CONFIG_SCHEMA_H
#include "replica/config_file.h"

#define CONFIG_STRINGS_MAX 8u

struct quorate_config {
	enum quorate_config_kind kind;
	struct quorate_options replica;
	struct quorate_client_options client;
	uint32_t strings_count;
	char *strings[CONFIG_STRINGS_MAX]; /* what the options point to */
};

/* How many of the file's keys belong to a file of `kind` and to no other. */
uint32_t schema_telling_keys(const struct config_file *file, enum quorate_config_kind kind);
/* Judges the file by the schema of config->kind: fills the options, and notes every problem. False: no memory. */
bool schema_apply(struct quorate_config *config, struct config_file *file);
#endif
