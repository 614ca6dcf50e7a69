/* bench/keys.h - which key an operation is about: all alike, or by Zipf's law with exponent 0.99, as YCSB draws it (Gray and others, SIGMOD 1994). */
#ifndef BENCH_KEYS_H
#define BENCH_KEYS_H
#include <stdbool.h>
#include <stdint.h>

#define KEYS_ZIPF_MAX 10000000u /* its constant takes so many steps to compute */

struct keys {
	uint64_t count;
	bool zipf;
	double zeta, alpha, eta;
};

void keys_begin(struct keys *k, uint64_t count, bool zipf);
/* 0 .. count-1; key 0 is the hottest of a Zipf distribution. `random`: 64 bits. */
uint64_t keys_draw(const struct keys *k, uint64_t random);
#endif
