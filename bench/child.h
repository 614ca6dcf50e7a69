/* bench/child.h - runs of this very program, one after the other, for whoever compares several: each is a command that anybody can repeat by itself. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CHILD_WORDS_MAX 200

/* The words after the program's name; they end with a NULL. */
struct child_words {
	char *word[CHILD_WORDS_MAX + 1];
	int count;
};

/* False, and said on standard error: there are too many. */
bool child_add(struct child_words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Those of argv, but for the options named in `without` (ends with NULL), each with its value unless its name ends with "!". */
bool child_add_others(struct child_words *w, int argc, char *const *argv, const char *const *without);
void child_free(struct child_words *w);

/* Runs it to its end, and returns what it said in JSON; NULL: it said none, and `why` has its last sentence. `code`: its exit code. What it says on standard error
 * goes to this program's when `aloud`. The caller owns the result. */
json_t *child_run(const struct child_words *w, bool aloud, int *code, char why[300]);
/* Ctrl-C or SIGTERM came: the child was told, and no other should be begun. */
bool child_stopped(void);
/* From then on. */
void child_on_signals(void);
#endif
