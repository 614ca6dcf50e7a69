/* bench/plan.h - what a run is to be: read from the command line, and judged before anything starts. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H
#include "bench/fault.h"
#include "bench/malice/malice.h"
#include "bench/nets.h"
#include "bench/pairs.h"
#include "quorate_setup.h"

#define PLAN_ATTACKS_MAX LIAR_ATTACKS_MAX
#define PLAN_FAULTS_MAX 32u
#define PLAN_WHY_BYTES 512u

struct profile {
	const char *name, *what;
	uint32_t sessions, outstanding, bundle_ops, reads_pct;
};

struct planned_attack {
	const struct attack *attack;
	uint32_t from_ms, to_ms; /* to_ms: the end of the run when none was named */
};

enum strike { STRIKE_KILL, STRIKE_PAUSE, STRIKE_RESTART, STRIKE_WIPE, STRIKE_REJOIN, STRIKE_SLOW_DISK, STRIKES };
extern const char *const strike_names[STRIKES];

struct planned_fault {
	enum strike strike;
	uint32_t replica;      /* WORDS_LEADER: whoever leads then    */
	uint32_t at_ms, to_ms; /* to_ms: WORDS_NEVER when none was named */
};

struct plan {
	const struct profile *profile; /* NULL: none was named */
	enum quorate_mode mode;
	uint32_t n, f;
	uint16_t base_port; /* 0: any that are free */
	const char *folder, *out, *manifest;
	struct nets nets;
	uint64_t seed;
	bool json, beyond_f;
	bool brief; /* one of many: unit costs are not measured, and things settle for half as long */
	/* load */
	uint32_t sessions, outstanding, bundle_ops, reads_pct, value_bytes;
	uint32_t clients; /* keys that the sessions are spread over */
	uint64_t keys;
	bool zipf;
	double rate_from, rate_to; /* 0: a closed loop; two: a sweep */
	uint32_t warmup_ms, duration_ms;
	struct pairs pairs; /* count 0: none; else they make the duration */
	uint32_t repeat;    /* the whole run so many times, each with a cluster of its own */
	/* what goes wrong */
	struct planned_attack attack[PLAN_ATTACKS_MAX];
	struct planned_fault fault[PLAN_FAULTS_MAX];
	uint32_t attacks, faults;
	uint32_t liars_wanted; /* 0: f, or f+1 of colluders */
	uint64_t liars;        /* bit i: replica i          */
	/* of `quorate-bench fault` */
	enum fault_kind what;
};

/* `verb`: argv[1]. False: `why` is a sentence, or "" when the words are none of these. Borrows argv. */
bool plan_read(struct plan *p, const char *verb, int argc, char *const *argv, char why[PLAN_WHY_BYTES]);
bool plan_is_sweep(const struct plan *p);
/* How long a leader that attacks like this may take to lose its office, before what is kept counts (docs/benchmarking.md). */
uint32_t plan_grace_ms(const struct attack *a);
const char *plan_mode_name(enum quorate_mode mode);
#endif
