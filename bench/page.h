/* bench/page.h - the page of a folder that --out made (a run, a repeated one, a matrix, sizes), or of what changed between two: put into the template that bench/page/ makes. */
#ifndef BENCH_PAGE_H
#define BENCH_PAGE_H
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define PAGE_WHY_BYTES 512u

enum page_result {
	PAGE_OK,
	PAGE_NO_RUN, /* nothing in the folder that can be read as a run, or several */
	PAGE_FAILED, /* no template, or the page cannot be written */
};

/* `why`: a sentence, unless PAGE_OK. */
enum page_result page_write(const char *folder, const char *out, const char *template, char why[PAGE_WHY_BYTES]);

/* Of what compare found (bench/compare.c has its members). */
enum page_result page_write_comparison(json_t *comparison, const char *out, const char *template, char why[PAGE_WHY_BYTES]);

/* What the page is given, from the folder's files. NULL: `why`. A new reference. */
json_t *page_data(const char *folder, char why[PAGE_WHY_BYTES]);
/* So that nothing in it can end the element that it stands in. False: it could not be written. */
bool page_put_json(FILE *out, const json_t *data);
#endif
