#include "tolerance.h"

#include <stdio.h>

/* Two quorums of the rest must still share a correct member, which they do while those who lie are no more than the mode allows; and the rest must be a quorum. */
struct tolerance tolerance_of(uint32_t voting, uint32_t needed, uint32_t liars_max)
{
	struct tolerance t = { .voting = voting, .needed = needed, .stands_still = voting < needed };
	t.crashes = t.stands_still ? 0 : voting - needed;
	t.liars = t.crashes < liars_max ? t.crashes : liars_max;
	return t;
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

const char *tolerance_text(char text[TOLERANCE_TEXT_BYTES], const struct tolerance *t, uint32_t liars_max)
{
	if (t->stands_still)
		snprintf(text, TOLERANCE_TEXT_BYTES, "the cluster stands still: %u replica%s vote%s, and it needs %u", t->voting, plural(t->voting),
		         t->voting == 1 ? "s" : "", t->needed);
	else if (t->crashes == 0)
		snprintf(text, TOLERANCE_TEXT_BYTES, "tolerated now: no failure: with one replica less that votes, the cluster stands still");
	else if (liars_max == 0)
		snprintf(text, TOLERANCE_TEXT_BYTES, "tolerated now: %u more crash%s, and no liar", t->crashes, t->crashes == 1 ? "" : "es");
	else if (t->crashes == t->liars)
		snprintf(text, TOLERANCE_TEXT_BYTES, "tolerated now: %u more failure%s, crash or liar", t->crashes, plural(t->crashes));
	else
		snprintf(text, TOLERANCE_TEXT_BYTES, "tolerated now: %u more failures, of which %u may lie", t->crashes, t->liars);
	return text;
}

/* ---- damage ---- */

static uint32_t overlapping(const struct damage_place *place, uint32_t count, uint64_t at, struct damage_place *common)
{
	uint32_t together = 0;
	*common = (struct damage_place){ 0, UINT64_MAX };
	for (uint32_t i = 0; i < count; i++) {
		if (place[i].from > at || place[i].to < at)
			continue;
		together++;
		common->from = place[i].from > common->from ? place[i].from : common->from;
		common->to = place[i].to < common->to ? place[i].to : common->to;
	}
	return together;
}

/* Where most of them overlap, one of them begins. */
struct damage damage_of(uint32_t members, uint32_t needed, uint32_t observing, const struct damage_place *place, uint32_t count)
{
	struct damage d = { .observing = observing, .too_many = members - observing < needed };
	for (uint32_t i = 0; i < count; i++) {
		struct damage_place common;
		uint32_t together = overlapping(place, count, place[i].from, &common);
		if (together <= d.together)
			continue;
		d.together = together;
		d.place = common;
	}
	d.same_place = members - d.together < needed;
	return d;
}

const char *damage_text(char text[DAMAGE_TEXT_BYTES], const struct damage *d, uint32_t members)
{
	if (d->same_place)
		snprintf(text, DAMAGE_TEXT_BYTES,
		         "the logs of %u of %u replicas are damaged in the same place, around sequences %llu to %llu: nobody can tell what was acknowledged "
		         "there, and the rest is no quorum",
		         d->together, members, (unsigned long long)d->place.from, (unsigned long long)d->place.to);
	else
		snprintf(text, DAMAGE_TEXT_BYTES,
		         "%u of %u replicas observe, because they may have forgotten what they acknowledged, and the rest is no quorum", d->observing, members);
	return text;
}
