/* Which round trip counts. */
#include "replica/round_trip.h"
#include "tests/unit/unit.h"

static void the_farthest_of_the_nearest(void)
{
	CU_ASSERT(round_trip((uint64_t[]){ 0, 30, 10, 20 }, 4, 4) == 20);                         /* f = 1: one of three does not count */
	CU_ASSERT(round_trip((uint64_t[]){ 5, 5, 0, 900000 }, 4, 4) == 5);                        /* wherever I stand                   */
	CU_ASSERT(round_trip((uint64_t[]){ 0, 60, 10, 50, 20, 40, 30 }, 7, 7) == 40);             /* f = 2                              */
	CU_ASSERT(round_trip((uint64_t[]){ 0, 1, 1, 50, 20, 40, 30 }, 7, 7) == 30);               /* two that answer at once            */
	CU_ASSERT(round_trip((uint64_t[]){ 0, 10, UINT64_MAX, UINT64_MAX }, 4, 4) == UINT32_MAX); /* it does not wrap              */
}

static void unknown_ones(void)
{
	CU_ASSERT(round_trip((uint64_t[]){ 0, 30, 0, 20 }, 4, 4) == 30);
	CU_ASSERT(round_trip((uint64_t[]){ 0, 0, 0, 20 }, 4, 4) == 0);
	CU_ASSERT(round_trip((uint64_t[]){ 0 }, 1, 1) == 0);
	CU_ASSERT(round_trip((uint64_t[]){ 0, 30, 0, 10, 20 }, 5, 4) == 20); /* of four whose numbers have a gap */
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "the farthest of the nearest", the_farthest_of_the_nearest },
		{ "unknown ones", unknown_ones },
		{ 0 },
	};
	return unit_main("round_trip", cases);
}
