/* bft/pbft/evidence.h - what a member of a PBFT cluster can be convicted of (bft/evidence.h; design section 10).
 *
 * Each predicate is a function of the bytes and of the genesis; none depends on a clock, on a state, or on comparing signatures, of which a signer can make any
 * number for one statement. What a flipped bit in an honest member's memory can cause (a chain or a state that is outvoted) is not in it. */
#ifndef BFT_PBFT_EVIDENCE_H
#define BFT_PBFT_EVIDENCE_H
#include "bft/evidence.h"
#include "bft/pbft/messages.h"

struct evidence_room {
	struct bft_votes votes[2];
	struct pbft_new_view new_view[2];
	struct pbft_view_change view_change[BFT_MEMBERS_MAX];
	union pbft_body body;
	uint8_t leaf[2][EVIDENCE_LEAF_BYTES_MAX];
};

extern const struct evidence_rules pbft_evidence;

/* What the messages say is a contradiction, if they are signed: NULL, or the reason why it is none. `roster`: the members of that epoch. */
const char *evidence_holds(const struct evidence *e, const struct bft_genesis *g, const struct bft_roster *roster, struct evidence_room *room);
/* The statement that message `i` is signed over. False: its body is malformed. */
bool evidence_statement(struct statement *out, const struct evidence *e, uint32_t i, struct evidence_room *room);

/* As struct evidence_rules has it. */
const char *evidence_verify(struct evidence *e, const uint8_t *bytes, size_t n, const struct epoch_keys *keys, const struct digest *cluster,
                            const struct sign_scheme *scheme, struct evidence_room *room);
bool pbft_gather(struct evidence *e, uint16_t reason, const struct evidence_message *m, const struct evidence_message *other,
                 const struct evidence_source *source, struct evidence_room *room);
bool pbft_say(struct evidence_said *out, const struct evidence_message *m, struct evidence_room *room);
/* A VIEW-CHANGE that its signer cannot send when it has sent a COMMIT for (view, seq, digest): it must show that certificate, or one of a higher view, unless its
 * stable checkpoint covers the place. */
bool evidence_hides(const struct pbft_view_change *vc, bft_view view, bft_seq seq, const struct digest *digest);
#endif
