#include "replica/round_trip.h"

#include "bft/quorum.h"
#include "bft/types.h"

uint32_t round_trip(const uint64_t *us, uint32_t width, uint32_t n)
{
	uint64_t nearest[BFT_MEMBERS_MAX];
	uint32_t count = 0, want = n - 1 - quorum_faults(n);
	for (uint32_t i = 0; i < width; i++) {
		if (us[i] == 0)
			continue;
		uint32_t at = count++;
		for (; at > 0 && nearest[at - 1] > us[i]; at--)
			nearest[at] = nearest[at - 1];
		nearest[at] = us[i];
	}
	if (want == 0 || count < want)
		return 0;
	return nearest[want - 1] < UINT32_MAX ? (uint32_t)nearest[want - 1] : UINT32_MAX;
}
