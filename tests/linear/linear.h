/* tests/linear/linear.h - is a history of registers linearizable?
 *
 * After Wing and Gong, with Lowe's memory of what was tried, forward in time: for each key the set of (value, operations that took effect already) that some order
 * allows is carried from one answer to the next. At an answer the operation must have taken effect; what cannot be arranged so is dropped, and when nothing is left
 * no order exists. So memory and time follow what overlaps, not the length of the history. Knows nothing of replicas, networks or time but its order. */
#ifndef TESTS_LINEAR_H
#define TESTS_LINEAR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LINEAR_OPEN_MAX 64u         /* operations on one key that overlap, those that were never answered among them */
#define LINEAR_ARRANGED_MAX 200000u /* (value, taken effect) at one moment                                           */
#define LINEAR_NEVER UINT64_MAX     /* `answered`: nobody knows                                                      */
#define LINEAR_NONE 0u              /* a value: the key is absent, or the caller's hash of nothing                   */
#define LINEAR_UNTOLD UINT64_MAX    /* `result`: the service does not tell                                           */

enum linear_kind { LINEAR_GET, LINEAR_PUT, LINEAR_CAS, LINEAR_DELETE };

struct linear_op {
	uint64_t key;
	uint64_t asked, answered; /* one clock for all. An answer at the moment at which another is asked comes after it: the two overlap */
	enum linear_kind kind;
	uint64_t value;    /* PUT, CAS: what it writes                                                                        */
	uint64_t expected; /* CAS: if this is there                                                                           */
	uint64_t result;   /* GET: what it found. CAS: 1 it wrote, 0 not. DELETE: 1 there was something, 0 not. Or LINEAR_UNTOLD */
	uint32_t client;   /* for people */
};

enum linear_verdict {
	LINEAR_HOLDS,
	LINEAR_BROKEN,   /* no order explains the answers          */
	LINEAR_TOO_WIDE, /* more overlaps than the limits above    */
};
struct linear_report {
	enum linear_verdict verdict;
	uint64_t key;                /* of the first key that is not LINEAR_HOLDS                        */
	const struct linear_op *op;  /* in the sorted array: the answer that nothing explains any more   */
	size_t first, count;         /* the key's operations in it                                       */
	uint64_t keys, arranged_max; /* checked; the largest set that was carried                         */
};

/* Sorts `ops` by key and time, and checks each key from LINEAR_NONE on. Cost: O(n log n) and, at each answer, the arrangements of what is open there. */
enum linear_verdict linear_check(struct linear_op *ops, size_t n, struct linear_report *report);
/* One operation, as people read it. */
void linear_print(FILE *to, const struct linear_op *op);
#endif
