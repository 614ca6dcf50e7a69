/* tests/sim/faults.h - what can go wrong, by class, so that each occurrence has a name ("crash:3", the third crash) and can be left out.
 *
 * A class of faults that are planned draws from a stream of its own, so that leaving one out, or asking fewer requests, moves no other. The occurrences of a class
 * are numbered as they would come, left out or not. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct rng {
	uint64_t s;
};
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* 0 .. n-1 */
bool rng_chance(struct rng *r, uint32_t percent);

/* X(name, word, what): the word is what --without takes, and what totals and stories say. */
#define FAULT_LIST(X)                                                                                                                                          \
	X(CRASH, "crash", "a replica crashes")                                                                                                                 \
	X(CRASH_INSIDE, "crash-inside", "a replica crashes in the middle of a wake-up")                                                                        \
	X(PARTITION, "partition", "the network is cut in two")                                                                                                 \
	X(LEADER_CUT, "leader-cut", "the leader is cut off from the others, where reads are by lease")                                                         \
	X(STRIKE, "strike", "whoever executes first is cut off, or crashes")                                                                                   \
	X(LOSS, "loss", "a frame is lost")                                                                                                                     \
	X(DUPLICATE, "duplicate", "a frame comes twice")                                                                                                       \
	X(SLOW_FLUSH, "slow-flush", "a flush takes long")                                                                                                      \
	X(OLD_FOLDER, "old-folder", "a replica gets an older copy of its folder")                                                                              \
	X(EMPTY_FOLDER, "empty-folder", "a replica gets an empty folder")                                                                                      \
	X(BITS, "bits", "bits flip in a log at rest")                                                                                                          \
	X(SUPERBLOCK, "superblock", "a bit flips in a superblock at rest")                                                                                     \
	X(MISDIRECTED, "misdirected", "a write of a log goes to another place")                                                                                \
	X(STATE, "state", "a byte of a state flips at rest")                                                                                                   \
	X(DISK_FAILS, "disk-fails", "a write or flush of a log fails, and the replica stops")                                                                  \
	X(DISK_FULL, "disk-full", "a disk is full for a while")                                                                                                \
	X(CLOCK, "clock", "a wall clock is stepped within bounds")                                                                                             \
	X(SPEED, "speed", "a replica's clock runs faster or slower than true time, within the bound that reads by lease rely on")                              \
	X(CLOCK_FAR, "clock-far", "a wall clock is set far out of bounds")                                                                                     \
	X(READMIT, "readmit", "an organization lets in one that never was out")                                                                                \
	X(ROTATE, "rotate", "an organization gives its replica another key")                                                                                   \
	X(MEMBERS, "members", "a member comes, goes or is replaced")                                                                                           \
	X(MODE, "mode", "the mode is changed")                                                                                                                 \
	X(HAND_OVER, "hand-over", "whoever leads trusted members is asked to hand its office over")                                                            \
	X(LIAR, "liar", "a replica lies")                                                                                                                      \
	X(DROPS, "lie-drop", "a liar says nothing")                                                                                                            \
	X(REPEATS, "lie-repeat", "a liar says it twice")                                                                                                       \
	X(REPLAYS, "lie-replay", "a liar says something old again")                                                                                            \
	X(CHANGES, "lie-change", "a liar changes a field and signs again")                                                                                     \
	X(FAVOURS, "lie-favour", "a liar speaks to its favourites alone")                                                                                      \
	X(EQUIVOCATES, "lie-equivocate", "a liar tells two halves two proposals")                                                                              \
	X(LIES_TO_CLIENTS, "lie-to-clients", "a liar gives a client another answer")                                                                           \
	X(HIDES, "lie-hide", "a liar's VIEW-CHANGE or NEW-VIEW hides what was prepared")                                                                       \
	X(FORGES, "lie-forge", "a liar's VIEW-CHANGE has certificates that it made itself")                                                                    \
	X(HURRIES, "lie-hurry", "a liar commits to what it has not prepared")                                                                                  \
	X(COLLUDES, "lie-collude", "a liar votes for what an equivocating leader told that half")                                                              \
	X(DELAYS, "lie-delay", "a liar says it later")                                                                                                         \
	X(SILENT, "script-silent", "a liar says nothing any more")                                                                                             \
	X(MUTE, "script-mute", "a leader votes and answers, and proposes nothing")                                                                             \
	X(HOLE, "script-hole", "a leader leaves out each fifth sequence")                                                                                      \
	X(NO_BODY, "script-no-body", "a liar gives bodies to one replica alone")                                                                               \
	X(FALSE_BODY, "script-false-body", "a liar gives bodies with a false client signature")                                                                \
	X(NO_NEW_VIEW, "script-no-new-view", "a leader shows its NEW-VIEW to one replica alone")                                                               \
	X(NO_CHECKPOINT, "script-no-checkpoint", "a liar keeps its CHECKPOINTs and SNAPSHOTs")                                                                 \
	X(LATE, "script-late", "a liar votes late")                                                                                                            \
	X(FLOODS, "script-flood", "a liar sends each vote seven times")                                                                                        \
	X(FALSE_VOTES, "script-false-votes", "a liar sends votes with a false signature beside its own")                                                       \
	X(RELAYS, "script-relay", "a liar passes on what others signed, spoiled")                                                                              \
	X(VIEWS, "script-views", "a liar sends VIEW-CHANGEs for views far ahead")                                                                              \
	X(PULLS, "script-pull", "a liar asks for everything six times")                                                                                        \
	X(CENSORS, "script-censor", "a liar does not hear one of the clients")                                                                                 \
	X(LIARS_CLOCK, "script-clock", "a liar's clock is wrong")                                                                                              \
	X(TIMES, "script-times", "a leader proposes the same with another agreed time to others")                                                              \
	X(BAD_BODY, "script-bad-body", "a leader's proposal breaks a rule, or names a bundle that does")                                                       \
	X(AGAIN, "script-again", "a leader proposes again what was executed, or one thing in two slots")                                                       \
	X(TINY, "script-tiny", "a leader proposes one request at a time")                                                                                      \
	X(SLOW, "script-slow", "a leader proposes at nine tenths of the timeout")                                                                              \
	X(RAMP, "script-ramp", "a leader proposes later and later")                                                                                            \
	X(DANCES, "script-dance", "a leader proposes just before it is called slow")                                                                           \
	X(DARK, "script-dark", "a liar speaks to q-1 others, and then to nobody")                                                                              \
	X(UNFAIR, "script-unfair", "a liar hears one client at once, and the rest late")                                                                       \
	X(BOTH, "script-both", "a liar votes for two proposals in each slot")                                                                                  \
	X(BLOATS, "script-bloat", "a liar proves what its VIEW-CHANGE says to each by the signatures of others")                                               \
	X(ABSURD, "script-absurd", "a liar signs absurd numbers, counts and kinds")                                                                            \
	X(ACCUSES, "script-accuse", "a liar accuses: PASS_OVERs, entries of the order, votes and evidence that are false")                                     \
	X(FORMER, "script-former", "a liar says again what it said in a former epoch, for another cluster, or with a former key")                              \
	X(INVENTS, "script-invent", "a liar shows links of epochs that never were")                                                                            \
	X(FALSE_STATE, "script-false-state", "a liar serves parts of the state that are false, misplaced or misnamed")                                         \
	X(SLOW_STATE, "script-slow-state", "a liar serves the state one part at a time, as late as it may")                                                    \
	X(PINS, "script-pin", "a liar begins to fetch the state again and again, and never ends")                                                              \
	X(SLEEP, "sleep", "a replica is away until the others' logs no longer reach back, where a liar serves the state or fetches it")                        \
	X(TWIN, "twin", "a liar runs twice, with one key")                                                                                                     \
	X(ADAPTIVE, "adaptive", "the vote that completes a quorum is slowed")                                                                                  \
	X(SPLITS, "lie-split", "a liar gives the vote that completes a quorum to some")                                                                        \
	X(INFLATES, "inflation", "what honest leaders propose is slow, until the liars have a quick network")                                                  \
	X(CLIENT, "client", "a client lies")                                                                                                                   \
	X(CLIENT_TWO, "client-two", "a client signs two bundles under one number")                                                                             \
	X(CLIENT_PARTIAL, "client-partial", "a client sends to one replica alone")                                                                             \
	X(CLIENT_NUMBERS, "client-numbers", "a client plays with numbers")                                                                                     \
	X(CLIENT_SPOILS, "client-spoil", "a client sends what does not verify")                                                                                \
	X(CLIENT_FLOODS, "client-flood", "a client sends far too often")                                                                                       \
	X(CLIENT_OLD, "client-old", "a client sends what is old")                                                                                              \
	X(CLIENT_CHURN, "client-churn", "a client opens one session after another")                                                                            \
	X(CLIENT_EDGE, "client-edge", "a client's opening is void at once, or never")                                                                          \
	X(CLIENT_LARGE, "client-large", "a client's request is as large as may be, larger, or says that it is")                                                \
	X(CLIENT_HOT, "client-hot", "a client writes where the state is deepest")                                                                              \
	X(OLD_EPOCH, "lie-epoch", "a liar shows what another signed in an earlier epoch as if it were of this one")

enum fault_class {
#define FAULT_ENUM(name, word, what) FAULT_##name,
	FAULT_LIST(FAULT_ENUM)
#undef FAULT_ENUM
		FAULT_CLASSES
};
#define FAULT_SCRIPTS_FIRST FAULT_SILENT
#define FAULT_SCRIPTS_LAST FAULT_PINS
extern const char *const fault_words[FAULT_CLASSES], *const fault_texts[FAULT_CLASSES];

/* Occurrences from..to of one class, from 1. */
struct fault_range {
	uint32_t class;
	uint64_t from, to;
};

/* How a seed is run: the seed itself, and what of its plan is left out. */
#define SCHEDULE_RANGES_MAX 4096u
#define SCHEDULE_PLANTS_MAX 4u
struct schedule {
	uint64_t seed;
	uint32_t nodes; /* 0: the seed says how many */
	bool trusted;   /* crash faults alone, by Raft */
	bool trace;
	bool tell;                /* a failure's history goes to standard error */
	bool off[FAULT_CLASSES];  /* left out as a whole                        */
	bool some[FAULT_CLASSES]; /* some of its occurrences are                */
	struct fault_range without[SCHEDULE_RANGES_MAX];
	uint32_t without_count;
	uint32_t requests, register_ops; /* at most so many; 0: as the seed says       */
	uint64_t end_ms;                 /* the faults stop so early; 0: as ever       */
	/* A failure on purpose, so that what looks for failures can itself be tested: once all of these have happened. */
	struct fault_range plant[SCHEDULE_PLANTS_MAX];
	uint32_t plants_count;
	bool plant_breaks; /* a BFT_CHECK fails, wherever the last of them happens */
	/* Who wants to know what happened, each occurrence that was not left out. May be NULL. */
	void (*happened)(void *user, enum fault_class class, uint64_t k, uint64_t at, const char *text);
	void *user;
};
/* "crash,loss:3,partition:2-5". False: it says nothing of the kind. */
bool schedule_without(struct schedule *sch, const char *text);
void schedule_leave_out(struct schedule *sch, enum fault_class class, uint64_t from, uint64_t to);
bool schedule_plant(struct schedule *sch, const char *text, bool breaks);
void schedule_print(FILE *to, const struct schedule *sch);

struct faults {
	struct rng plan[FAULT_CLASSES];
	uint64_t met[FAULT_CLASSES], happened[FAULT_CLASSES]; /* of all; of those not left out */
	uint32_t planted;                                     /* a bit for each plant that has happened */
};
void faults_begin(struct faults *f, uint64_t seed);

struct sim;
/* The next occurrence of this class: true when it happens. `format` says what happens to whom, for the trace and for stories. */
bool fault(struct sim *s, enum fault_class class, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* One of those that come by the thousand: no trace tells of them. */
bool fault_small(struct sim *s, enum fault_class class);
#endif
