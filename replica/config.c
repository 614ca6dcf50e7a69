/* Configuration files, as include/quorate_setup.h offers them. */
#include "replica/config_schema.h"
#include "replica/setup_file.h"

#include <stdlib.h>

/* Judges a file that was read; frees it. */
static enum quorate_error judge(struct quorate_config **out, enum quorate_config_kind kind, struct config_file *file, quorate_problem_fn problem, void *user)
{
	struct quorate_config *c = calloc(1, sizeof *c);
	if (c)
		c->kind = kind;
	bool judged = c && schema_apply(c, file);
	bool clean = judged && file->problems_count == 0;
	if (judged)
		config_tell(file, problem, user);
	else if (problem)
		problem(user, "no memory for the configuration");
	config_file_free(file);
	if (!clean) {
		quorate_config_free(c);
		return judged ? QUORATE_CONFIG : QUORATE_FAILED;
	}
	*out = c;
	return QUORATE_OK;
}

static struct config_file *open_file(const char *path, enum quorate_error *error, quorate_problem_fn problem, void *user)
{
	char reason[QUORATE_REASON_BYTES] = "no file is named";
	*error = QUORATE_USAGE;
	struct config_file *file = path ? config_file_read(path, error, reason) : NULL;
	if (!file && problem)
		problem(user, reason);
	return file;
}

enum quorate_error quorate_config_read(struct quorate_config **out, enum quorate_config_kind kind, const char *path, quorate_problem_fn problem, void *user)
{
	enum quorate_error error;
	*out = NULL;
	struct config_file *file = open_file(path, &error, problem, user);
	return file ? judge(out, kind, file, problem, user) : error;
}

enum quorate_error quorate_config_check(const char *path, quorate_problem_fn problem, void *user, enum quorate_config_kind *kind)
{
	enum quorate_error error;
	struct config_file *file = open_file(path, &error, problem, user);
	if (!file)
		return error;
	uint32_t replica = schema_telling_keys(file, QUORATE_CONFIG_REPLICA), client = schema_telling_keys(file, QUORATE_CONFIG_CLIENT);
	/* With neither or as many of both, a client's: of the two it is the one that may consist of keys that both have. */
	*kind = replica > client ? QUORATE_CONFIG_REPLICA : QUORATE_CONFIG_CLIENT;
	struct quorate_config *c = NULL;
	error = judge(&c, *kind, file, problem, user);
	quorate_config_free(c);
	return error;
}

const struct quorate_options *quorate_config_options(const struct quorate_config *config)
{
	return &config->replica;
}

const struct quorate_client_options *quorate_config_client(const struct quorate_config *config)
{
	return &config->client;
}

void quorate_config_free(struct quorate_config *config)
{
	if (!config)
		return;
	for (uint32_t i = 0; i < config->strings_count; i++)
		free(config->strings[i]);
	free(config);
}
