/* bench/nets.h - what the network between replicas is like, by name or by its figures. Pure functions of text. */
#ifndef BENCH_NETS_H
#define BENCH_NETS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETS_WHY_BYTES 300u
#define NETS_CLIENT UINT32_MAX /* as an end of a link: whoever is no replica */

struct net_shape {                    /* of one direction of a link */
	uint32_t delay_us, jitter_us; /* each piece takes from delay to delay + jitter, never overtaking the one before it */
	uint32_t loss_ppm;            /* of segments, in millionths                                                     */
	uint64_t bits_per_s;          /* 0: no bound                                                                    */
};

struct nets {
	const char *name;       /* as it was given, borrowed; NULL: none is shaped */
	bool regions;           /* wan4: the delay depends on who and whom        */
	struct net_shape shape; /* of every link, but for that delay              */
};

/* "none", "lan", "wan", "wan4", or figures: "delay=20ms,jitter=2ms,loss=0.1%,rate=100mbit". False: `why` is a sentence. */
bool nets_read(struct nets *out, const char *text, char why[NETS_WHY_BYTES]);
/* Of what goes from one to the other: numbers of replicas, or NETS_CLIENT. */
struct net_shape nets_between(const struct nets *nets, uint32_t from, uint32_t to);
#endif
