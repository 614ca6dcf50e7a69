/* tests/sim/scripts.h - what the files of scripts share: scripts.c asks each of them for its part. Private to these. */
#ifndef SIM_SCRIPTS_H
#define SIM_SCRIPTS_H
#include "bft/envelope.h"
#include "tests/sim/sim.h"

/* Whether this liar has that script, and its time has come. */
bool script_has(const struct node *d, enum fault_class class);
/* And does it, now: an occurrence of the class. */
bool script_acts(struct node *d, enum fault_class class);

/* A message of the protocol that the liar itself says: its core's part in s->said. */
struct opened {
	struct bft_envelope e;
	union pbft_body *b;
	size_t core_n;
	const uint8_t *tail; /* the certificates behind it */
	size_t tail_n;
};
bool script_open(const struct node *d, struct opened *x, const struct frame *f);
/* What s->said is now, under the same envelope and signed again. NULL: it cannot be written. */
struct frame *script_close(struct node *d, struct opened *x);
/* Any body under any type, with a signature of this liar's in `epoch`; for one that has none, `sign` is false. */
struct frame *script_frame(struct node *d, uint16_t type, bft_epoch epoch, const uint8_t *body, size_t n, bool sign);
/* Sends it, and lets go of it. NULL is allowed. */
void script_send(struct node *d, uint8_t to, struct frame *f, uint64_t late_ms);

/* Each true: it is done with this frame. */
bool script_leads(struct node *d, uint8_t to, uint16_t type, struct frame *f);  /* scripts_leader.c */
bool script_serves(struct node *d, uint8_t to, uint16_t type, struct frame *f); /* scripts_state.c */
/* Beside a STATUS: twice a second, and more often while something waits. */
void script_pins(struct node *d, uint8_t to);                                                   /* scripts_state.c */
void script_claims(struct node *d, uint8_t to);                                                 /* scripts_claims.c */
bool script_votes_twice(struct node *d, uint8_t to, uint16_t type, const struct frame *f);      /* scripts_claims.c */
bool script_proves_otherwise(struct node *d, uint8_t to, uint16_t type, const struct frame *f); /* scripts_proofs.c */
void script_remembers(struct node *d, struct frame *f);                                         /* scripts_claims.c */
#endif
