/* tests/sim/explain/teller.h - how a story is told: sentences with the time before them, folded for a terminal, and what must hold for the story to be true. */
#ifndef EXPLAIN_TELLER_H
#define EXPLAIN_TELLER_H
#include "bft/types.h"

#include <stdbool.h>
#include <stdio.h>

#define TELLER_COLUMNS 100u

struct teller {
	FILE *to;
	bool failed;   /* something that must hold did not */
	bool quiet;    /* nothing is told, and all must hold all the same */
	uint64_t last; /* the time of the last line */
};

/* A paragraph, folded. */
__attribute__((format(printf, 2, 3))) void tell(struct teller *t, const char *format, ...);
/* A heading, with a blank line before it. */
__attribute__((format(printf, 2, 3))) void tell_part(struct teller *t, const char *format, ...);
/* What happened at `ms`. */
__attribute__((format(printf, 3, 4))) void tell_at(struct teller *t, uint64_t ms, const char *format, ...);
/* A line as it is. */
__attribute__((format(printf, 2, 3))) void tell_line(struct teller *t, const char *format, ...);
/* The story is told only if this holds: else it says so, and has failed. Returns `holds`. */
bool tell_must(struct teller *t, bool holds, const char *what);

/* "A", or "A'" for a place behind `members`, the twin of member `twinned`. */
const char *place_name(uint32_t members, uint32_t twinned, uint32_t place);
/* "A, B and C". */
struct names {
	char text[64];
};
struct names names_of(bft_mask places);
#endif
