/* The client's timers against a plain search. */
#include "client/timers.h"
#include "tests/unit/client_core_bed.h"

static void timers(void)
{
	struct client_timers t = { 0 };
	struct client_timer timer[200] = { 0 };
	dice_state = 5;
	for (int i = 0; i < 200; i++)
		CU_ASSERT_FATAL(client_timers_reserve(&t));
	CU_ASSERT(client_timers_next(&t) == UINT64_MAX && !client_timers_due(&t, UINT64_MAX));
	for (int round = 0; round < 20000; round++) {
		uint32_t i = dice(200);
		if (dice(3))
			client_timer_set(&t, &timer[i], dice(1000));
		else
			client_timer_clear(&t, &timer[i]);
		uint64_t first = UINT64_MAX;
		for (int k = 0; k < 200; k++)
			if (timer[k].place && timer[k].at_ms < first)
				first = timer[k].at_ms;
		CU_ASSERT_FATAL(client_timers_next(&t) == first);
	}
	uint64_t last = 0;
	struct client_timer *due;
	while ((due = client_timers_due(&t, 1000)) != NULL) {
		CU_ASSERT(due->at_ms >= last && due->place == 0);
		last = due->at_ms;
	}
	CU_ASSERT(t.count == 0);
	for (int i = 0; i < 200; i++)
		client_timers_release(&t);
	client_timers_free(&t);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "timers", timers },
		{ 0 },
	};
	return unit_main("client_timers", cases);
}
