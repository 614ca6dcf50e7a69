/* bench/words.h - what stands on the command line, as numbers: rates, times, sizes, shares, and when what happens. Pure functions of text. */
#ifndef BENCH_WORDS_H
#define BENCH_WORDS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_NAME_BYTES 40u
#define WORDS_NEVER UINT32_MAX  /* an end that is not named */
#define WORDS_LEADER UINT32_MAX /* `replica`: whoever leads then */

/* Each false: the text is not one of these. Above zero, if nothing else is said. */
bool words_number(const char *text, uint64_t low, uint64_t high, uint64_t *out);
bool words_duration(const char *text, uint32_t *ms);             /* "500ms", "10s", "2m"; at most a day; `ms` may be 0 for "0s"  */
bool words_size(const char *text, uint32_t most, uint32_t *out); /* "128", "128B", "16KiB", "1MiB"                              */
bool words_percent(const char *text, uint32_t *out);             /* "50%", "50"; 0 too                                          */
bool words_rate(const char *text, double *from, double *to);     /* "5000", "5k", "1.5k", "1k..40k"; one rate: both are the same */

/* NAME[@FROM[-TO]] */
struct words_timed {
	char name[WORDS_NAME_BYTES];
	uint32_t from_ms, to_ms; /* 0; WORDS_NEVER */
};
bool words_timed(const char *text, struct words_timed *out);

/* KIND:REPLICA@TIME[-TO], REPLICA a number or "leader" */
struct words_fault {
	char name[WORDS_NAME_BYTES];
	uint32_t replica, at_ms, to_ms;
};
bool words_fault(const char *text, struct words_fault *out);

/* How many letters must be changed, left out, added or swapped with their neighbour to make one of the other. */
uint32_t words_distance(const char *a, const char *b);
/* The nearest of `names`, when it is near enough to have been meant; else NULL. */
const char *words_meant(const char *word, const char *const *names, size_t count);
#endif
