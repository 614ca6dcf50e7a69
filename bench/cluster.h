/* bench/cluster.h - a local cluster of processes: made, started, killed, stopped, and removed again. */
#ifndef BENCH_CLUSTER_H
#define BENCH_CLUSTER_H
#include "bench/nets.h"
#include "quorate_setup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CLUSTER_MAX 64u

#define CLUSTER_WORDS_MAX 40u

struct cluster {
	char folder[256], program[512];
	uint32_t n;
	uint16_t base_port;
	pid_t pid[CLUSTER_MAX];        /* 0: not running */
	double cpu_s;                  /* of replicas that have ended */
	double cpu_of_s[CLUSTER_MAX];  /* the same, of each        */
	const char *liar;              /* NULL, or the program that replicas with words below run instead */
	char words[CLUSTER_MAX][1400]; /* "", or what a liar is told beside its configuration, by spaces   */
	char tapped[512];              /* "", or the program that the others run instead, and tells what passes by (bench/tap/) */
	char preload[1200];            /* "", or libraries, by colons: one that can slow their disks down, one that shows who dials (bench/preload) */
	pid_t relay;                   /* 0: nothing stands between them            */
	double relay_cpu_s;            /* once it has ended                         */
};

/* Where the second process with replica i's key stands, behind all replicas: its pid, its words, its folder and log by number. */
static inline uint32_t cluster_twin(const struct cluster *c, uint32_t i)
{
	return c->n + i;
}

/* The file that slows the disk of that replica down while it exists, if the library is preloaded. */
void cluster_slow_path(const struct cluster *c, uint32_t i, char *out, size_t n);
/* The file that its tap writes. */
void cluster_tap_path(const struct cluster *c, uint32_t i, char *out, size_t n);
/* Makes a test cluster of `n` in a new folder (below `where`, or the temporary one) and starts it with the program `quorate`, `preload` (NULL: nothing) before it. */
bool cluster_start(struct cluster *c, const char *program, const char *preload, const char *where, uint32_t n, enum quorate_mode mode, char *reason);
/* The same in two: nothing runs yet, and what a liar is told can be filled in. `base_port` 0: any that are free. */
bool cluster_make(struct cluster *c, const char *program, const char *preload, const char *where, uint32_t n, enum quorate_mode mode, uint16_t base_port,
                  char *reason);
/* Between making and starting: a relay takes their addresses, and passes on what comes as such a network would. `library`: libsource_address.so. */
bool cluster_shape(struct cluster *c, const struct nets *nets, uint64_t seed, const char *library, char *reason);
bool cluster_start_all(struct cluster *c, char *reason);
bool cluster_start_one(struct cluster *c, uint32_t i, char *reason);
void cluster_kill(struct cluster *c, uint32_t i);
/* Kills it, takes its data away, and prepares a new folder, for a replica that has lost its memory, or (not `lost`) for one that claims to be new. */
bool cluster_empty(struct cluster *c, uint32_t i, bool lost, char *reason);
/* Kills it, and keeps a copy of its data aside; kills it, and brings that copy back. */
bool cluster_keep(struct cluster *c, uint32_t i, char *reason);
bool cluster_roll_back(struct cluster *c, uint32_t i, char *reason);
/* Between making and starting: a second process with replica i's key can be started at its place (cluster_twin), with a folder of its own that is as empty. */
bool cluster_make_twin(struct cluster *c, uint32_t i, char *reason);
/* Between making and starting: the same cluster with snapshots every so many sequences, so that logs are cut and who comes back empty must fetch the state. */
bool cluster_small_snapshots(struct cluster *c, uint32_t seqs, char *reason);
/* Has its organization let replica `i` in again, as soon as it observes. The process, which ends by itself or by SIGKILL; -1: errno. */
pid_t cluster_readmit(const struct cluster *c, uint32_t i);
/* Orderly; false when one had to be killed or ended with an error. */
bool cluster_stop(struct cluster *c);
/* CPU seconds that the running replicas have used, as far as the system tells. */
double cluster_cpu_s(const struct cluster *c);
double cluster_relay_cpu_s(const struct cluster *c);
/* With that of the second process with its key. */
double cluster_cpu_of_s(const struct cluster *c, uint32_t i);
/* Of any process that runs; 0: none. */
double cluster_pid_cpu_s(pid_t pid);
void cluster_remove(struct cluster *c);
#endif
