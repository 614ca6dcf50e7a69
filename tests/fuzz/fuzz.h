/* tests/fuzz/fuzz.h - what every fuzz target is made of.
 *
 * A target is one function that takes any bytes and aborts when something that must hold does not. With clang it is driven by libFuzzer (./dev fuzz), otherwise
 * by plain.c, which runs the corpus and seeded mutations of it (./dev test). */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H
#include "bft/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static inline void fuzz_failed(const char *file, int line, const char *fact)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, fact);
	abort();
}
#define FUZZ_CHECK(fact) ((fact) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #fact))

/* Decoding and encoding again gave the `n` bytes at `bytes`. */
static inline bool fuzz_same(const uint8_t *bytes, size_t n, const uint8_t *again, size_t again_n)
{
	return again_n == n && (n == 0 || memcmp(bytes, again, n) == 0);
}

/* A folder for files of this process; in memory where there is such a place. `path` gets folder and name. */
static inline void fuzz_path(char *path, size_t capacity, const char *name)
{
	snprintf(path, capacity, "%s/quorate-fuzz-%d-%s", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid(), name);
}
#endif
