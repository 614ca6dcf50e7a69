/* bench/attacks.h - the catalogue for people: `quorate-bench attacks [NAME]`. */
#ifndef BENCH_ATTACKS_H
#define BENCH_ATTACKS_H
#include "bench/malice/malice.h"

#include <jansson.h>
#include <stdbool.h>

/* `name` NULL: all, a line each. The exit code. */
int attacks_tell(const char *name, bool json);
/* One: its name, class and what that must keep, by whom it is, what it does and breaks, and what a correct engine answers. The caller owns it. */
json_t *attacks_json(const struct attack *a);
#endif
