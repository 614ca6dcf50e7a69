#include "bench/knee.h"

#include <math.h>

void knee_begin(struct knee *k, double from, double to, uint32_t steps)
{
	*k = (struct knee){ .from = from, .to = to, .steps_left = steps < KNEE_STEPS_MAX ? steps : KNEE_STEPS_MAX };
}

bool knee_next(const struct knee *k, double *rate)
{
	if (!k->steps_left || k->kept >= k->to || (k->broken > 0 && k->broken <= k->from))
		return false;
	if (k->broken > 0) {
		*rate = sqrt(k->kept * k->broken);
		return k->broken / k->kept > KNEE_CLOSE;
	}
	*rate = k->kept > 0 ? fmin(2 * k->kept, k->to) : k->from;
	return true;
}

void knee_tell(struct knee *k, double rate, bool kept)
{
	k->steps_left--;
	if (kept && rate > k->kept)
		k->kept = rate;
	if (!kept && (k->broken == 0 || rate < k->broken))
		k->broken = rate;
}
