/* replica/config_file.h - a configuration file as pairs of keys and values with their places, and the list of what is wrong with it.
 *
 * The YAML that is understood is one mapping of scalars: no anchors, aliases, tags, lists or nested mappings, one document. Nothing grows with the file but
 * the bounded tables here. */
#ifndef REPLICA_CONFIG_FILE_H
#define REPLICA_CONFIG_FILE_H
#include "quorate_setup.h"

#define CONFIG_FILE_BYTES_MAX (1u << 20)
#define CONFIG_PAIRS_MAX 128u
#define CONFIG_PROBLEMS_MAX 64u /* further ones are counted */
#define CONFIG_DEPTH_MAX 16u

struct config_place {
	size_t line, column; /* from 1 */
};

enum config_form {
	CONFIG_EMPTY,  /* no value, or null                  */
	CONFIG_PLAIN,  /* a scalar without quotes            */
	CONFIG_QUOTED, /* with quotes, or as a block of text */
	CONFIG_LIST,
	CONFIG_MAPPING,
	CONFIG_UNREADABLE, /* it was reported already            */
};

struct config_pair {
	char *key, *value; /* value: "" when it is no scalar */
	struct config_place key_at, value_at;
	enum config_form form;
};

struct config_problem {
	struct config_place at;
	char text[QUORATE_REASON_BYTES];
};

struct config_file {
	const char *path; /* borrowed */
	uint32_t pairs_count;
	struct config_pair pairs[CONFIG_PAIRS_MAX];
	struct config_place end;
	bool cut; /* the rest could not be read: what seems to be missing may stand there */
	bool no_memory;
	uint32_t problems_count, problems_more;
	struct config_problem problems[CONFIG_PROBLEMS_MAX];
};

/* NULL: no memory, or the file cannot be read; `reason` says which, as "path: sentence". What is wrong inside is a problem of the file. */
struct config_file *config_file_read(const char *path, enum quorate_error *error, char *reason);
void config_file_free(struct config_file *file);

__attribute__((format(printf, 3, 4))) void config_problem(struct config_file *file, struct config_place at, const char *format, ...);
/* Tells every problem in the order of places, as "file:line:col: sentence". */
void config_tell(struct config_file *file, quorate_problem_fn problem, void *user);
/* `text` made fit for a message: short, and nothing in it that a terminal would obey. */
struct config_quoted {
	char text[64];
};
struct config_quoted config_quote(const char *text);
#endif
