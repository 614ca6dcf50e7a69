/* bench/track.h - what came out over time: intervals of 100 ms, and the phases before, during and after an attack, each of which may come again. Times are microseconds of
 * one clock; threads: any. */
#ifndef BENCH_TRACK_H
#define BENCH_TRACK_H
#include "bench/histogram.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define TRACK_INTERVAL_US 100000u
#define TRACK_CLIENTS 16u

/* HELD: the attack goes on, and its grace is over. BURN: the attackers are gone, and processes burn the CPU that they used (bench/pairs.h). */
enum track_phase { TRACK_BASELINE, TRACK_ATTACK, TRACK_AFTER, TRACK_HELD, TRACK_BURN, TRACK_PHASES };

struct track_interval {
	uint64_t ops, failed, p50_us, p99_us, max_us;
	uint64_t view; /* the highest that f+1 members say, and who leads it; filled in by track_note */
	uint32_t leader, suspects;
};

struct track {
	pthread_mutex_t lock;
	uint64_t begins_us;                  /* 0: not begun */
	bool several;                        /* loads one after the other: only the first begins, and none ends it but track_end with `several` taken away */
	uint64_t attack_us, first_attack_us; /* when the last began, and the first; 0: none yet */
	uint64_t first_us;                   /* the first answer to what was asked after the (last) attack began; 0: none yet */
	uint64_t first_longest_us;           /* of several attacks: how long that took at most; UINT64_MAX: one of them ended before it */
	enum track_phase phase;
	uint64_t phase_us[TRACK_PHASES], phase_ended_us[TRACK_PHASES], phase_ops[TRACK_PHASES]; /* us: when it began first, and ended last */
	uint64_t phase_time_us[TRACK_PHASES], entered_us;
	uint64_t attacked_ops[TRACK_CLIENTS];              /* while an attack went on, of each client key */
	struct histogram latency_us[TRACK_PHASES], now_us; /* now: of the interval */
	struct track_interval *interval;                   /* the last one is not over */
	size_t count, capacity;
	uint64_t view;
	uint32_t leader, suspects;
};

void track_init(struct track *t);
void track_free(struct track *t);
void track_begin(struct track *t, uint64_t now_us);
/* An operation of that client that was asked (or should have been) at `asked_us` ended now. */
void track_done(struct track *t, uint64_t now_us, uint64_t asked_us, uint32_t client, bool ok);
void track_enter(struct track *t, enum track_phase phase, uint64_t now_us);
/* What members say of themselves, from now on. */
void track_note(struct track *t, uint64_t now_us, uint64_t view, uint32_t leader, uint32_t suspects);
/* The last interval and the last phase are over. */
void track_end(struct track *t, uint64_t now_us);

/* Of the last second that is over: operations, failures and the largest p50 and p99 of its intervals. */
struct track_interval track_last_second(struct track *t, uint64_t now_us);
/* Operations a second of a phase; 0 when it had no time. */
double track_rate(const struct track *t, enum track_phase phase);
/* From an attack's beginning to the first answer to what was asked after it, of the attack that was worst; negative: none came, or there was no attack. */
double track_first_s(const struct track *t);
/* What the client that got least got of its equal share while an attack went on, in percent, of so many clients; 100 when nobody got anything or nothing was attacked. */
double track_worst_client_pct(const struct track *t, uint32_t clients);
/* From the first attack's beginning to the end of the first second in which `share` of the baseline was reached; negative: never. */
double track_recovers_s(const struct track *t, double share);
#endif
