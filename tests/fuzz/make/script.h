/* tests/fuzz/make/script.h - what replica 0 or the client is sent, step by step, as fuzz_driver and fuzz_client read it. */
#ifndef TESTS_FUZZ_MAKE_SCRIPT_H
#define TESTS_FUZZ_MAKE_SCRIPT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRIPT_MAX 8000u

struct script {
	uint8_t bytes[SCRIPT_MAX];
	size_t n;
	bool closed, passing; /* passing: the last step is time */
	unsigned seen[32];
	uint64_t now;
};

void script_begin(struct script *s);
/* A step; `bytes` NULL: `n` alone. What does not fit any more closes it. */
void script_add(struct script *s, uint8_t what, size_t n, const uint8_t *bytes);
/* Time that passes between two frames is one step. */
void script_pass(struct script *s, uint8_t what, uint64_t now);
void script_frame(struct script *s, uint8_t from, const uint8_t *frame, size_t n);
/* Saves it, behind a byte `mode` unless that is negative, and begins another one. */
void script_end(struct script *s, const char *target, const char *name, int mode);
#endif
