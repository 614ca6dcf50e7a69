/* bench/attacks.h - the catalogue for people: `quorate-bench attacks [NAME]`. */
#ifndef BENCH_ATTACKS_H
#define BENCH_ATTACKS_H
#include <stdbool.h>

/* `name` NULL: all, a line each. The exit code. */
int attacks_tell(const char *name, bool json);
#endif
