/* bench/pairs.h - calm and attack in turn within one run, so that what else the machine does falls on both: when which is on, and what share was kept. Pure functions.
 *
 * A pair is a calm phase, the attack (its grace, in which a leader may lose its office, and then a phase that is measured), and a phase without the attackers, in which
 * processes burn the CPU that they used: the second baseline (ATTACKS.md section 7, "CPU-fair"). What lies between is not measured. */
#ifndef BENCH_PAIRS_H
#define BENCH_PAIRS_H
#include "bench/stats.h"
#include "bench/track.h"

#define PAIRS_COUNT_MAX 50u

struct pairs {
	uint32_t count; /* 0: no pairs */
	uint32_t phase_ms, grace_ms, settle_ms;
};

struct pair_result {
	double calm, held, burn;    /* operations a second */
	struct estimate kept, fair; /* held by calm, and held by burn; intervals from the seconds' parts of this pair alone */
	double recover_s;           /* from the attack's beginning to the end of the first second with 90 % of calm; negative: not before the attack's end */
};

uint32_t pairs_length_ms(const struct pairs *p);
uint32_t pairs_total_ms(const struct pairs *p);
/* When the k-th attack begins, since the beginning of all. */
uint32_t pairs_attack_ms(const struct pairs *p, uint32_t k);
/* What is on at that time since the beginning, of which pair. AFTER stands for what is not measured. */
enum track_phase pairs_at(const struct pairs *p, uint64_t ms, uint32_t *pair);
/* Of the k-th pair, from intervals of TRACK_INTERVAL_US. False: the run ended before it was whole. */
bool pairs_measure(const struct pairs *p, const struct track_interval *interval, size_t count, uint32_t k, struct pair_result *out);
/* Of all: the pair's own interval when there is one, else by the pairs. `fair`: against the second baseline. */
struct estimate pairs_kept(const struct pair_result *pair, size_t count, bool fair);
/* The longest; negative when one never recovered. */
double pairs_recover_s(const struct pair_result *pair, size_t count);
#endif
