/* bench/scale.h - `quorate-bench scale`: the same load on clusters of several sizes. */
#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H
/* `argv`: the words behind `scale`. The exit code: the worst of the runs'. */
int scale_run(int argc, char *const *argv);
#endif
