/* client/cli/evidence_say.h - a piece of evidence, in words and as JSON. */
#ifndef CLIENT_CLI_EVIDENCE_SAY_H
#define CLIENT_CLI_EVIDENCE_SAY_H
#include "cli.h"

/* "epoch 1, view 0, sequence 17" */
void evidence_place(char out[64], const struct quorate_evidence_info *e);
/* Adds what it says to `o`; nothing when it could not be read. */
void evidence_json_add(json_t *o, const struct quorate_evidence_info *e);
#endif
