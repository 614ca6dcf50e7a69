/* bench/report.h - what a run says in the end: for people, as JSON, and as the files of its folder (docs/benchmarking.md). */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H
#include "bench/run.h"

#include <jansson.h>

/* summary.json, with what only this program's readers know beside it. The caller owns it. */
json_t *report_summary(const struct run *r);
json_t *report_manifest(const struct run *r);
/* What everything ran on. */
json_t *report_machine(void);
/* What was kept, of a run with pairs; null of others. The caller owns it. */
json_t *report_pairs(const struct run *r);
void report_pairs_text(const struct run *r);
void report_text(const struct run *r);
void report_json(const struct run *r);

/* The folder R: made before the run, so that an unwritable one is known then. `reason` says why not. */
bool folder_make(const char *path, char *reason);
bool folder_write(const struct run *r, const char *path, char *reason);

/* Of what consists of several runs. The folder that will hold FILE.json; `reason`: it cannot be made, or holds one already. */
bool folder_make_whole(const char *path, const char *file, char *reason);
/* What all of them share, from the manifest of the one in this folder, and the words of the whole. Empty but for those when there is no such folder. The caller owns it. */
json_t *folder_manifest_of(const char *one, int argc, char *const *argv);
/* Takes the reference. False, and said on standard error: it cannot be written. */
bool folder_write_whole(json_t *j, const char *path, const char *file);
#endif
