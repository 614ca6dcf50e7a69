/* bench/page_parts.h - what a page is given, kind by kind (bench/page.c puts it together). Each of these reads a folder that --out made; false or NULL: `why` is a sentence. */
#ifndef BENCH_PAGE_PARTS_H
#define BENCH_PAGE_PARTS_H
#include "bench/page.h"

/* ---- the files of a folder (page_files.c) ---- */

/* "FOLDER/NAME: WHAT" into `why`. Returns NULL. */
void *page_fail(char why[PAGE_WHY_BYTES], const char *folder, const char *name, const char *what);
bool page_is_there(const char *folder, const char *name);
FILE *page_open(const char *folder, const char *name, char why[PAGE_WHY_BYTES]);
/* An object; a new reference. */
json_t *page_read_json(const char *folder, const char *name, char why[PAGE_WHY_BYTES]);
/* Takes the reference. False: `value` is NULL. */
bool page_add(json_t *data, const char *name, json_t *value);

/* True, and `why`: one of these names (they end with NULL) is missing. */
bool page_lacks(const json_t *j, const char *const *names, const char *folder, char why[PAGE_WHY_BYTES]);

/* ---- the kinds ---- */

/* Of these two the summary is in `data` already. */
bool page_add_run(json_t *data, const char *folder, char why[PAGE_WHY_BYTES]);    /* page_run.c     */
bool page_add_repeat(json_t *data, const char *folder, char why[PAGE_WHY_BYTES]); /* page_several.c */
bool page_add_scale(json_t *data, const char *folder, char why[PAGE_WHY_BYTES]);
bool page_add_matrix(json_t *data, const char *folder, char why[PAGE_WHY_BYTES]); /* page_matrix.c */

/* What the attacks in this list (objects; their name is at `key`) do, from the catalogue; those that it does not know are left out. A new reference. */
json_t *page_attacks(const json_t *list, const char *key);
#endif
