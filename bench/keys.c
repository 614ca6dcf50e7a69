#include "bench/keys.h"

#include <math.h>

#define THETA 0.99

void keys_begin(struct keys *k, uint64_t count, bool zipf)
{
	*k = (struct keys){ .count = count, .zipf = zipf };
	if (!zipf)
		return;
	for (uint64_t i = 1; i <= count; i++)
		k->zeta += pow((double)i, -THETA);
	double two = 1 + pow(2, -THETA);
	k->alpha = 1 / (1 - THETA);
	k->eta = (1 - pow(2.0 / (double)count, 1 - THETA)) / (1 - two / k->zeta);
}

uint64_t keys_draw(const struct keys *k, uint64_t random)
{
	if (!k->zipf || k->count < 3)
		return random % k->count;
	double u = (double)(random >> 11) * 0x1p-53, of = u * k->zeta;
	if (of < 1)
		return 0;
	if (of < 1 + pow(2, -THETA))
		return 1;
	uint64_t rank = (uint64_t)((double)k->count * pow(k->eta * u - k->eta + 1, k->alpha));
	return rank < k->count ? rank : k->count - 1;
}
