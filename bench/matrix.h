/* bench/matrix.h - `quorate-bench matrix`: every attack of the catalogue that the mode bears, one after the other, and what was kept under each. */
#ifndef BENCH_MATRIX_H
#define BENCH_MATRIX_H
#include <jansson.h>

/* `argv`: the words behind `matrix`. The exit code: 9 when anything was not safe, 1 when a row could not be measured, 2 for wrong words. */
int matrix_run(int argc, char *const *argv);

/* ---- its rows (matrix_rows.c) ---- */

struct attack;

/* A row, from the summary of its run (NULL: there is none, and `why` says why not). The caller owns it. */
json_t *matrix_row(const struct attack *a, const json_t *summary, const char *why);
/* What a row must keep (the table in docs/benchmarking.md), in percent, and whether this one did. */
double matrix_must_pct(const char *class);
/* Puts that into it: "must_pct", "must_first_s" and "must_client_pct" (null: nothing is asked for), and "below", which of its figures are (null: it was not measured). */
void matrix_judge(json_t *row);
int matrix_meets(const json_t *row); /* of one that was judged. -1: it was not measured */
void matrix_say_head(int against);
/* `was`: the same row of another matrix, or NULL. */
void matrix_say_row(const json_t *row, const json_t *was, int against);
void matrix_say_end(const json_t *rows);
#endif
