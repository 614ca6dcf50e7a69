/* bft/standing.h - what a replica says of itself when it is asked (QUERY): for `quorate status`, never believed in anything that matters.
 *
 *   STANDING = u8 role | u8 mode | u8 flags | u64 epoch | u64 view | u8 leader | u64 executed | chain 32 | u64 stable | u64 snapshot seq | snapshot root 32 |
 *              u64 snapshot_asked | u64 time_ms | u64 incarnation | u64 damaged_from | u64 damaged_to | u8 n, trouble n */
#ifndef BFT_STANDING_H
#define BFT_STANDING_H
#include "bft/codec.h"
#include "bft/types.h"

enum standing_role { STANDING_LEADER = 1, STANDING_BACKUP, STANDING_OBSERVER };
#define STANDING_TROUBLE_BYTES_MAX 200u
#define STANDING_BYTES_MAX 424u

struct standing {
	uint8_t role, mode, flags; /* flags: 1 the view is changing, 2 the disk is full, 4 behind the others */
	bft_epoch epoch;
	bft_view view;
	uint8_t leader;
	bft_seq executed;
	struct digest chain; /* at executed */
	bft_seq stable, snapshot;
	struct digest root;                           /* at snapshot */
	bft_seq snapshot_asked;                       /* the newest snapshot that is being made, or `snapshot` */
	uint64_t time_ms;                             /* agreed time at executed */
	uint64_t incarnation;                         /* of one whose memory is lost: as which it may be let in again (readmit.h); else 0 */
	bft_seq damaged_from, damaged_to;             /* its log lost something between records about these, and it observes; 0: it did not */
	char trouble[STANDING_TROUBLE_BYTES_MAX + 1]; /* one sentence when something needs the operator; "" when not */
};

size_t standing_encode(const struct standing *s, uint8_t *bytes, size_t capacity);
bool standing_decode(struct standing *s, const uint8_t *bytes, size_t n);
#endif
