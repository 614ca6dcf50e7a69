/* tests/fuzz/make/samples.h - files of the corpora, for make_corpus: a few of each kind, none of them large. */
#ifndef TESTS_FUZZ_MAKE_SAMPLES_H
#define TESTS_FUZZ_MAKE_SAMPLES_H
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_MAX 3900u

/* Where the corpora go; made if it does not exist. */
void samples_folder(const char *folder);
void save(const char *target, const char *name, const void *bytes, size_t n);
/* A byte that selects, then the bytes; at most `most` samples with that name, of different lengths. */
void sample(const char *target, const char *name, uint8_t select, const void *bytes, size_t n, unsigned most);
/* The bytes as they are, unless they are many. */
void plain(const char *target, const char *name, const void *bytes, size_t n);
#endif
