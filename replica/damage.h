/* replica/damage.h - whether a damaged log may still be believed (design section 8): what was lost in it costs nothing once it has been overtaken. */
#ifndef REPLICA_DAMAGE_H
#define REPLICA_DAMAGE_H
#include "replica/driver.h"

struct damage {
	struct driver *driver;           /* whose records these are                            */
	const struct log_report *report; /* as it fills                                        */
	uint64_t records;
	uint32_t damages;         /* that the records since were judged by                     */
	bool unplaced;            /* damage that may lie anywhere: a segment that is not there */
	uint64_t views_at_damage; /* records about views before the last damage                */
	bft_seq stable_at_damage; /* the stable checkpoint then, as far as is known            */
	bft_seq stable_after;     /* the first one that is known after it; 0: none             */
	bft_seq seq;              /* of the last record that is about one                      */
	bft_seq from, to;         /* what is lost stood between records about these            */
	bool open;                /* nothing about a sequence has followed the last damage yet */
};

/* log_open's visitor; `arg` is a struct damage that begins with a driver and the report, and zeros. False: driver_record's. */
bool damage_visit(void *arg, const struct log_record *record, const struct log_position *position);
/* After the last record: the sequences between whose records something is lost; zeros: nothing is. For operators. */
void damage_place(const struct damage *v, bft_seq *from, bft_seq *to);
/* After the last record, with a log that is LOG_DAMAGED: nothing of what is lost can matter any more. */
bool damage_overtaken(const struct damage *v, uint32_t window);
#endif
