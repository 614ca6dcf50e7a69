#include "bench/schedule.h"

void schedule_begin(struct schedule *s, double rate, uint64_t now_us)
{
	*s = (struct schedule){ .rate = rate, .begins_us = now_us };
}

uint64_t schedule_next_us(const struct schedule *s)
{
	return s->begins_us + (uint64_t)((double)s->asked * 1e6 / s->rate);
}

bool schedule_due(struct schedule *s, uint64_t now_us, uint64_t *intended_us)
{
	*intended_us = schedule_next_us(s);
	if (*intended_us > now_us)
		return false;
	if (now_us - *intended_us > s->behind_us_max)
		s->behind_us_max = now_us - *intended_us;
	s->asked++;
	return true;
}
