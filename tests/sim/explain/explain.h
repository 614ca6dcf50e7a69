/* tests/sim/explain/explain.h - quorate-sim explain: stories that run the real cores and say what these do. Each ends with what must hold, so a story that does not go
 * as it is told fails. docs/understand.md has them all, and a test compares it with what is printed. */
#ifndef EXPLAIN_EXPLAIN_H
#define EXPLAIN_EXPLAIN_H
#include "tests/sim/explain/teller.h"

#define EXPLAIN_ROUNDS_MAX 1000u

struct topic {
	const char *name, *line;
	uint32_t rounds; /* what --rounds is when nobody says; 0: the topic has none */
	void (*tell)(struct teller *t, uint32_t rounds);
};

void explain_election(struct teller *t, uint32_t rounds);
void explain_split_vote(struct teller *t, uint32_t rounds);
void explain_partition(struct teller *t, uint32_t rounds);
void explain_flp(struct teller *t, uint32_t rounds);
void explain_two_generals_of_four(struct teller *t, uint32_t rounds);
void explain_quorum_sizes(struct teller *t, uint32_t rounds);

/* The command line behind "explain". Returns the exit status: 0, 1 when a story did not go as told, 2 usage. */
int explain(int argc, char **argv);
#endif
