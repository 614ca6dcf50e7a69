#include "bench/pairs.h"

#include <math.h>

#define INTERVALS_MAX 6000u /* of one phase: ten minutes */
#define SLOT 5u             /* intervals of 100 ms that make one sample */
#define SECOND (1000000u / TRACK_INTERVAL_US)
#define INTERVAL_MS (TRACK_INTERVAL_US / 1000u)
#define RECOVERED 0.9

uint32_t pairs_length_ms(const struct pairs *p)
{
	return 3 * p->phase_ms + p->grace_ms + 2 * p->settle_ms;
}

uint32_t pairs_total_ms(const struct pairs *p)
{
	return p->count * pairs_length_ms(p);
}

/* Where each part of a pair begins. */
static uint32_t attack_ms(const struct pairs *p)
{
	return p->phase_ms;
}
static uint32_t held_ms(const struct pairs *p)
{
	return attack_ms(p) + p->grace_ms;
}
static uint32_t burn_ms(const struct pairs *p)
{
	return held_ms(p) + p->phase_ms + p->settle_ms;
}

uint32_t pairs_attack_ms(const struct pairs *p, uint32_t k)
{
	return k * pairs_length_ms(p) + attack_ms(p);
}

enum track_phase pairs_at(const struct pairs *p, uint64_t ms, uint32_t *pair)
{
	uint32_t length = pairs_length_ms(p), in = (uint32_t)(ms % length);
	*pair = (uint32_t)(ms / length);
	if (*pair >= p->count)
		return TRACK_AFTER;
	if (in < attack_ms(p))
		return TRACK_BASELINE;
	if (in < held_ms(p))
		return TRACK_ATTACK;
	if (in < held_ms(p) + p->phase_ms)
		return TRACK_HELD;
	if (in < burn_ms(p) || in >= burn_ms(p) + p->phase_ms)
		return TRACK_AFTER;
	return TRACK_BURN;
}

/* Operations a second, in slots. */
static size_t slots(const struct track_interval *interval, size_t from, size_t length, double *out)
{
	size_t count = 0;
	for (size_t at = 0; at + SLOT <= length && count < INTERVALS_MAX / SLOT; at += SLOT) {
		double ops = 0;
		for (size_t i = 0; i < SLOT; i++)
			ops += (double)interval[from + at + i].ops;
		out[count++] = ops * SECOND / SLOT;
	}
	return count;
}

static double recovers(const struct track_interval *interval, size_t from, size_t to, double wanted)
{
	for (size_t k = from; k + SECOND <= to; k++) {
		double ops = 0;
		for (size_t i = k; i < k + SECOND; i++)
			ops += (double)interval[i].ops;
		if (ops >= wanted)
			return (double)(k + SECOND - from) / SECOND;
	}
	return -1;
}

bool pairs_measure(const struct pairs *p, const struct track_interval *interval, size_t count, uint32_t k, struct pair_result *out)
{
	double calm[INTERVALS_MAX / SLOT], held[INTERVALS_MAX / SLOT], burn[INTERVALS_MAX / SLOT];
	size_t from = (size_t)k * pairs_length_ms(p) / INTERVAL_MS, phase = p->phase_ms / INTERVAL_MS;
	size_t attack = from + attack_ms(p) / INTERVAL_MS, hold = from + held_ms(p) / INTERVAL_MS, burns = from + burn_ms(p) / INTERVAL_MS;
	if (burns + phase > count || phase > INTERVALS_MAX)
		return false;
	size_t n = slots(interval, from, phase, calm);
	slots(interval, hold, phase, held);
	slots(interval, burns, phase, burn);
	*out = (struct pair_result){ .calm = stats_sum(calm, n).mean,
		                     .held = stats_sum(held, n).mean,
		                     .burn = stats_sum(burn, n).mean,
		                     .kept = stats_ratio(held, n, calm, n),
		                     .fair = stats_ratio(held, n, burn, n) };
	out->recover_s = recovers(interval, attack, hold + phase, RECOVERED * out->calm);
	return true;
}

struct estimate pairs_kept(const struct pair_result *pair, size_t count, bool fair)
{
	double ratio[PAIRS_COUNT_MAX];
	if (count == 1)
		return fair ? pair->fair : pair->kept;
	for (size_t i = 0; i < count; i++)
		ratio[i] = fair ? pair[i].fair.value : pair[i].kept.value;
	return stats_paired(ratio, count);
}

double pairs_recover_s(const struct pair_result *pair, size_t count)
{
	double longest = count ? 0 : -1;
	for (size_t i = 0; i < count; i++)
		longest = longest < 0 || pair[i].recover_s < 0 ? -1 : fmax(longest, pair[i].recover_s);
	return longest;
}
