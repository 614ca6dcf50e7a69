/* Damage in the log, and what has overtaken it: see damage.h. */
#include "replica/damage.h"

static void note_damage(struct damage *v, const struct driver_recovered *before)
{
	v->unplaced |= v->records == 0;
	v->damages = v->report->damaged_count;
	v->views_at_damage = before->view_records;
	v->stable_at_damage = before->stable;
	v->stable_after = 0;
	if (!v->from)
		v->from = v->to = v->seq ? v->seq : 1;
	v->open = true;
}

/* For operators: where it is, in the one order. Records are about nearly rising sequences. */
static void note_place(struct damage *v, bft_seq seq)
{
	if (!seq)
		return;
	v->seq = seq;
	if (v->open && seq > v->to)
		v->to = seq;
	v->open = false;
}

void damage_place(const struct damage *v, bft_seq *from, bft_seq *to)
{
	bool at_end = v->report->damaged_count != v->damages;
	bft_seq last = v->seq ? v->seq : 1;
	*from = !v->from && at_end ? last : v->from;
	*to = at_end && v->to < last ? last : v->to;
}

bool damage_visit(void *arg, const struct log_record *record, const struct log_position *position)
{
	struct damage *v = arg;
	struct driver_recovered r;
	driver_recovered(v->driver, &r);
	if (v->report->damaged_count != v->damages)
		note_damage(v, &r);
	note_place(v, record->seq);
	v->records++;
	if (!driver_record(v->driver, record, position))
		return false;
	driver_recovered(v->driver, &r);
	if (v->damages && !v->stable_after && r.stable > v->stable_at_damage)
		v->stable_after = r.stable;
	return true;
}

/* Damage costs nothing when whatever stood there has been overtaken since: what was lost was written below the first stable checkpoint after it, so it names no
 * sequence above that and the window; a later one has passed there, and a later record says which view it is. The run that wrote those knew what is lost now: a
 * run that did not is an observer, and the superblock remembers it. */
bool damage_overtaken(const struct damage *v, uint32_t window)
{
	struct driver_recovered now;
	driver_recovered(v->driver, &now);
	return !v->unplaced && v->damages == v->report->damaged_count && v->stable_after && now.stable >= v->stable_after + window &&
	       now.view_records > v->views_at_damage;
}
