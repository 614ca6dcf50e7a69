/* replica/folder.h - a replica's data folder: what is in it, whose it is, and what its log is worth (design sections 8, 12).
 *
 *   DATA/log/    segments, superblock, lock (replica/log/)
 *   DATA/state/  state.mdb: LMDB, which may be lost
 *   DATA/evidence/  what members did that no honest one does (replica/evidence_file.h) */
#ifndef REPLICA_FOLDER_H
#define REPLICA_FOLDER_H
#include "bft/core.h"
#include "bft/genesis.h"
#include "quorate.h"
#include "replica/log/log.h"
#include "replica/log/superblock.h"
#include "replica/state/state.h"

struct driver;

struct folder {
	struct log_disk disk;
	bool disk_open;
	struct superblock superblock;
	struct state *state, *next; /* next: being fetched from others, beside it */
	struct state_options state_options;
	char state_path[4096], next_path[4096];
	struct log *log;
	bft_lsn last_lsn;
	enum bft_recovery recovery;
	char why_lost[QUORATE_REASON_BYTES]; /* when recovery is LOST: one sentence */
	char state_lost[STATE_REASON_BYTES]; /* why the state was dropped at the opening; empty when it was not */
};

/* What the cluster's limits ask of a log. */
struct folder_needs {
	uint32_t window;            /* W                                                                                                           */
	uint32_t segment_bytes_min; /* holds every record a replica may have to write: a proposal with its bundles, a VIEW-CHANGE with certificates */
	size_t queue_bytes;         /* what may wait for the disk: everything that the window allows                                               */
};
struct folder_needs folder_needs(const struct bft_genesis *genesis);

/* Prepares `path` once, for `member` of `cluster`. */
enum quorate_error folder_format(const char *path, const struct digest *cluster, const struct public_key *member, const struct folder_needs *needs,
                                 const struct quorate_options *options, char *reason);
/* Locks it, reads the superblock, opens the state. Errors: the folder is not formatted, another's, in use, damaged. */
enum quorate_error folder_open(struct folder *f, const char *path, const struct digest *cluster, const struct public_key *member,
                               const struct quorate_options *options, char *reason);
/* Reads the log into the driver, opens it for appending, judges what it is worth, and notes in the superblock that it is in use. */
enum quorate_error folder_recover(struct folder *f, struct driver *d, const struct digest *cluster, const struct quorate_options *options,
                                  const struct folder_needs *needs, char *reason);
/* The log may lack something that was signed: remembered beyond this process. Returns the incarnation under which it may be let in again. */
uint64_t folder_memory_lost(struct folder *f);
/* Drawn when the memory was found lost; 0 while it is whole. */
uint64_t folder_incarnation(const struct folder *f);
/* It was let in again: nothing is remembered against it any more. False: that could not be written. */
bool folder_readmitted(struct folder *f);
/* DATA/state/next.mdb: what is being fetched, made as a copy of the state when it is not there. NULL: it cannot be made. */
struct state *folder_transfer_open(struct folder *f);
/* Puts it in the state's place, whole or not at all. NULL: it failed. */
struct state *folder_transfer_install(struct folder *f);
/* Closes everything; `clean`: all that was appended is on disk and nothing failed. */
void folder_close(struct folder *f, bool clean);
#endif
