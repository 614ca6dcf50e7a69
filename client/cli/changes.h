/* client/cli/changes.h - changes of members and mode that organizations have approved and that wait for more approvals: read from all replicas, judged here. */
#ifndef CLIENT_CLI_CHANGES_H
#define CLIENT_CLI_CHANGES_H
#include "survey.h"

#define CHANGES_MAX 64u /* one voice for each organization */

struct change {
	uint8_t bytes[QUORATE_CHANGE_BYTES_MAX];
	size_t n;
	struct quorate_change_info info;
};
struct changes {
	struct survey survey;
	struct cluster cluster;
	struct quorate_chain chain; /* of the newest epoch in which f+1 replicas are */
	uint64_t epoch;
	struct quorate_change_size size; /* of the cluster in that epoch */
	struct change *at;               /* CHANGES_MAX */
	uint32_t count;
	/* one answer of one replica */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool answered, silent;
	uint8_t voice[QUORATE_CHANGE_BYTES_MAX];
	size_t voice_n;
};

/* Opens the cluster, learns its epoch, and gathers what waits. CLI_OK, or a code after saying why; changes_close in both cases. */
int changes_open(struct changes *c, const struct cli *cli);
void changes_close(struct changes *c);
/* The one whose name begins with `name`; NULL after saying that there is none, or more than one. */
const struct change *changes_find(const struct changes *c, const char *name);
/* Puts `change` into the cluster's order. `*border`: behind which sequence it is in force; 0: more organizations have to approve. */
int changes_order(struct changes *c, const uint8_t *change, size_t n, uint64_t *border);
/* Until f+1 replicas are in the epoch after this one, or the time is up: then it says so. */
int changes_wait(struct changes *c);
/* Learns anew what waits. */
int changes_gather(struct changes *c);
#endif
