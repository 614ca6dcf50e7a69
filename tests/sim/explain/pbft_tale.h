/* tests/sim/explain/pbft_tale.h - bare PBFT cores in virtual time, one of them perhaps with a twin, and a teller who says what they do and why. */
#ifndef EXPLAIN_PBFT_TALE_H
#define EXPLAIN_PBFT_TALE_H
#include "bft/pbft/pbft.h"
#include "tests/sim/cores.h"
#include "tests/sim/explain/teller.h"

struct pbft_tale {
	struct teller *t;
	struct cores *c;
	uint32_t n, places;
	uint8_t twinned;
	bft_mask accused; /* whom somebody was told to have convicted */
	bft_view view[CORES_PLACES_MAX];
};

#define PBFT_TALE_LATENCY_MS 5u
#define PBFT_TALE_TIMEOUT_MS 500u

/* `twinned`: the member that runs twice, in the place behind the others; or CORES_NOBODY. */
void pbft_tale_begin(struct pbft_tale *p, struct teller *t, uint32_t n, uint8_t twinned);
void pbft_tale_end(struct pbft_tale *p);
uint64_t pbft_tale_now(const struct pbft_tale *p);
struct pbft *tale_pbft(const struct pbft_tale *p, uint8_t place);
/* A client asks `place`; returns the request. */
uint32_t pbft_tale_ask(struct pbft_tale *p, uint8_t place);
#endif
