/* replica/evidence_file.h - the files in DATA/evidence: one for each member, predicate and place, so that the same contradiction is kept once. */
#ifndef REPLICA_EVIDENCE_FILE_H
#define REPLICA_EVIDENCE_FILE_H
#include "bft/evidence_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVIDENCE_FILES_MAX EVIDENCE_LIST_FILES_MAX /* a liar fills no disk */

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
/* Reads the file whose name comes first behind `after`. Returns its size; 0: there is none, or it cannot be read, or is larger than `capacity`. */
size_t evidence_file_next(const char *data, const struct evidence_name *after, struct evidence_name *name, uint8_t *bytes, size_t capacity);
#endif
