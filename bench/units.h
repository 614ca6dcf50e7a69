/* bench/units.h - what one signature, one check and one flush cost on this machine, measured in the same run as everything that is compared with them. */
#ifndef BENCH_UNITS_H
#define BENCH_UNITS_H
#include <stdbool.h>
#include <stdint.h>

struct units {
	double sign_us, verify_us;
	double hash_us_per_kib;
	double flush_us;   /* one process alone                          */
	double flush_n_us; /* each of n processes flushing at once        */
};

/* Flushes files in `folder`, where the replicas' logs will be. False: the folder cannot be used. */
bool units_measure(struct units *out, const char *folder, uint32_t n);
#endif
