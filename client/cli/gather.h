/* client/cli/gather.h - the evidence that all replicas keep, read from them one file after the other and judged here: what one of them serves is believed only as far
 * as the file proves it. */
#ifndef CLIENT_CLI_GATHER_H
#define CLIENT_CLI_GATHER_H
#include "cluster.h"

#include <pthread.h>

#define GATHER_MEMBERS_MAX 64u

/* One contradiction, proved. */
struct gather_find {
	struct gather_find *next;
	struct quorate_evidence_info info;
	uint64_t held_by; /* bit i: replica i keeps it */
	uint8_t *bytes;   /* as the first of them served it */
	size_t n;
};
/* What a replica served and does not prove what it says. */
struct gather_refusal {
	struct gather_refusal *next;
	uint32_t member;
	char name[QUORATE_EVIDENCE_NAME_BYTES];
	char reason[QUORATE_REASON_BYTES];
};
struct gather {
	struct cluster *cluster;
	const char *genesis;
	uint32_t members;
	uint64_t silent, heard; /* bit i: replica i did not answer, not to the end; it answered at all */
	struct gather_find *finds;
	struct gather_refusal *refusals;
	uint32_t finds_count, refusals_count;
	uint8_t *epochs; /* links of the chain of epochs, by which everything is judged */
	size_t epochs_n;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct gather_source {
		bool answered, timeout;
		uint32_t files, tries;
		uint64_t ends_ms;
		char after[QUORATE_EVIDENCE_NAME_BYTES], name[QUORATE_EVIDENCE_NAME_BYTES];
		uint8_t *bytes; /* NULL: there is no other, or no memory */
		size_t n;
	} source[GATHER_MEMBERS_MAX];
};

/* Asks all, each for `timeout_ms` a file at most. CLI_OK, or a code after saying why; gather_end in both cases, after the client has ended. */
int gather_all(struct gather *g, struct cluster *c, const char *genesis, uint32_t timeout_ms);
void gather_end(struct gather *g);
#endif
