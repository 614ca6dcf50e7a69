/* client/cli/tolerance.h - how many more members may fail before a cluster stands still, or a lie could count. Pure. */
#ifndef CLIENT_CLI_TOLERANCE_H
#define CLIENT_CLI_TOLERANCE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tolerance {
	uint32_t voting, needed; /* members that answer and vote; that ordering needs                */
	uint32_t crashes;        /* more of them may stop, and the rest goes on                      */
	uint32_t liars;          /* of those, how many may lie instead, and nobody takes it for true */
	bool stands_still;       /* too few vote already                                             */
};

/* Who is away, stopped, or observes (its memory, or its log, may lack what it said) counts like one that has crashed: it is not there when a quorum is formed.
 *
 * Requires: voting <= members; `needed` is the mode's quorum of them, and `liars_max` how many of them may lie in it (0: nobody, the members trust one another). */
struct tolerance tolerance_of(uint32_t voting, uint32_t needed, uint32_t liars_max);

/* One sentence without a full stop, for operators. Returns `text`. */
#define TOLERANCE_TEXT_BYTES 160u
const char *tolerance_text(char text[TOLERANCE_TEXT_BYTES], const struct tolerance *t, uint32_t liars_max);

/* ---- damage ---- */

struct damage_place {
	uint64_t from, to; /* sequences, both included */
};

struct damage {
	uint32_t observing;        /* members whose memory may lack what they promised: they say neither yes nor no     */
	bool too_many;             /* so many that those who do are no quorum, whoever else comes back                  */
	uint32_t together;         /* the most of them whose logs are damaged at one place: `place`, where they overlap */
	bool same_place;           /* too many of them are: nobody may have what stood there                            */
	struct damage_place place; /* zeros: none is damaged                                                            */
};

/* Requires: `count` places of observers, count <= observing <= members. */
struct damage damage_of(uint32_t members, uint32_t needed, uint32_t observing, const struct damage_place *place, uint32_t count);
/* One sentence without a full stop. Requires: too_many. Returns `text`. */
#define DAMAGE_TEXT_BYTES 320u
const char *damage_text(char text[DAMAGE_TEXT_BYTES], const struct damage *d, uint32_t members);
#endif
