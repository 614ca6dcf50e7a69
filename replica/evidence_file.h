/* replica/evidence_file.h - the files in DATA/evidence: one for each member, predicate and place, so that the same contradiction is kept once. */
#ifndef REPLICA_EVIDENCE_FILE_H
#define REPLICA_EVIDENCE_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVIDENCE_FILES_MAX 256u /* a liar fills no disk */

enum evidence_kept {
	EVIDENCE_KEPT,
	EVIDENCE_KNOWN,  /* there is a file of that name       */
	EVIDENCE_FULL,   /* there are EVIDENCE_FILES_MAX files */
	EVIDENCE_FAILED, /* errno says why                    */
};

/* Writes DATA/evidence/`name` whole or not at all, and flushes it. The folder is made when it is not there. */
enum evidence_kept evidence_file_keep(const char *data, const char *name, const uint8_t *bytes, size_t n);

/* Visits the paths of at most EVIDENCE_FILES_MAX files, in the order of their names. No folder: none. False: it cannot be read; errno says why. */
typedef void (*evidence_file_fn)(void *user, const char *path);
bool evidence_file_list(const char *data, evidence_file_fn found, void *user);
#endif
