/* bench/conduct.h - what happens during the measured time and is not load: attacks begin and end, faults strike, replicas are asked how they stand, somebody watches. */
#ifndef BENCH_CONDUCT_H
#define BENCH_CONDUCT_H
#include "bench/burn.h"
#include "bench/cluster.h"
#include "bench/plan.h"
#include "bench/slots/slots.h"
#include "bench/track.h"

#include <pthread.h>

#define HAPPENINGS_MAX 4096u
#define NOBODY UINT32_MAX

struct happening {
	double t_s;
	const char *what; /* attack-begins, attack-ends, fault, view, epoch, leader, evidence, note */
	uint32_t replica; /* NOBODY: about none */
	char text[200];
};

struct seen {
	bool heard, asked;
	uint64_t view, epoch;
	uint32_t leader;
	bool changing, leads;
};

struct attacker { /* a client that lies: a process of its own */
	pid_t pid;
	double cpu_s;
};

struct conductor {
	const struct plan *plan;
	struct cluster *cluster;
	struct track *track;
	struct slots *slots; /* NULL: nobody wants to know */
	const char *liar;    /* program */
	struct attacker attacker[PLAN_ATTACKS_MAX];
	struct quorate_client *client;
	pthread_t thread;
	bool runs;
	volatile bool ends;
	uint64_t begins_us;
	pthread_mutex_t lock; /* seen, happening */
	struct seen seen[CLUSTER_MAX];
	uint64_t view, view_first, epoch;
	uint64_t views_before; /* changes in former epochs: each begins with view 0 */
	uint32_t leader, suspects;
	struct happening *happening;
	size_t happenings;
	uint64_t attacks_on; /* bit i: the i-th attack goes on */
	bool struck[PLAN_FAULTS_MAX], over[PLAN_FAULTS_MAX];
	uint32_t victim[PLAN_FAULTS_MAX]; /* of each fault, once it struck */
	uint64_t acted;                   /* how often all attacks did something, as their processes said in the end */
	enum track_phase part;            /* of the pairs, what is on */
	struct burners burners;
	bool burning;
	double held_cpu_s, attackers_s,
		attackers_for_s; /* the attackers' CPU when the part that is measured began; in all such parts, and how long these were */
	double held_at_s;
	pid_t readmits[PLAN_FAULTS_MAX]; /* 0, or the process that has it let in again */
	uint64_t faulty;                 /* bit i: replica i was killed, or wiped, and may not stand in good order */
};

/* What the liars of the plan are told: fills in the cluster's words. Before it starts. */
void conduct_prepare(struct conductor *c, const struct plan *plan, struct cluster *cluster, struct track *track, const char *liar);
/* Prepares second processes for the liars, where an attack needs them. Before the cluster starts too. False: `reason` says why. */
bool conduct_twins(struct conductor *c, char *reason);
/* Starts those who attack as clients, and the client that asks how replicas stand. Nothing is attacked yet. False: `reason` says why. */
bool conduct_ready(struct conductor *c, const char *genesis, char *reason);
/* The measured time begins, and ends: what still goes on ends too. */
void conduct_begin(struct conductor *c);
void conduct_end(struct conductor *c);
/* How many cores the attackers used while an attack was measured. */
double conduct_attackers_cores(const struct conductor *c);
/* Ends the processes, and takes down how often each attack acted. After the cluster has stopped. */
void conduct_finish(struct conductor *c);
/* The attacks that go on now, as words. */
void conduct_attacks_now(const struct conductor *c, char *out, size_t n);
void conduct_note(struct conductor *c, const char *what, uint32_t replica, const char *format, ...) __attribute__((format(printf, 4, 5)));
#endif
