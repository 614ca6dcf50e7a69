/* bench/slots/tell.h - what taps told, as JSON (docs/benchmarking.md, "The folder of a run"). New references. */
#ifndef BENCH_SLOTS_TELL_H
#define BENCH_SLOTS_TELL_H
#include "bench/slots/slots.h"

#include <jansson.h>

#define SLOTS_MESSAGES_MAX 500u /* shown of one slot */

/* A message between replicas about what stands at its sequence. */
bool slots_is_about(const struct tap_entry *e);
/* A leader says with it that something stands at its sequence. */
bool slots_proposes(const struct tap_entry *e);

/* Of all replicas together, in the measured time. */
json_t *slots_bytes(const struct slots *s);
json_t *slots_leaves(const struct slots *s);
/* Of the requests that were executed where they had been proposed. `requests`: how many. */
json_t *slots_stages(const struct slots *s, uint64_t *requests);
/* slots.json. `begins_ns`: the beginning of the measured time. */
json_t *slots_told(const struct slots *s, uint64_t begins_ns);
#endif
