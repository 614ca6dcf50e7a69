/* bench/relay.h - a process between replicas, and between them and their clients: what it passes on arrives as a network of a given shape would let it arrive. It stands at
 * the addresses that the cards name, and passes on to where the replicas listen. It knows who dials by the address that they dial from (bench/preload/source_address.c).
 * It moves bytes: TLS goes through it unopened. */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H
#include "bench/nets.h"

#include <sys/types.h>

#define RELAY_SOURCES "127.0.1." /* and 1 more than the replica's number */

struct relay {
	struct nets nets;
	uint32_t n;
	uint16_t outer_port, inner_port; /* of replica 0; the others follow */
	uint64_t seed;
};

/* The process, or -1: `errno` says why. It ends with this thread, or by SIGTERM. */
pid_t relay_start(const struct relay *relay);
#endif
