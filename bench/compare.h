/* bench/compare.h - `quorate-bench compare A B`: what changed between two folders of runs, and how sure that is. */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H
#include "bench/stats.h"

#include <stdbool.h>

/* `argv`: the words behind `compare`; `template`: of the page, should one be wanted. The exit code: 1 when something became worse than --fail-if allows, or the page cannot be written, 3 when a folder holds nothing to compare, 2 for wrong words. */
int compare_run(int argc, char *const *argv, const char *template);
/* Whether `ratio` (new by old) shows a loss of more than `percent`: also its best end is a loss, and the value itself is beyond. Without an interval the value decides. */
bool compare_regressed(const struct estimate *ratio, double percent);
#endif
