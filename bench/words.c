#include "bench/words.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400e3
#define RATE_MAX 10e6

bool words_number(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
	char *end;
	if (!isdigit((unsigned char)text[0]))
		return false;
	unsigned long long v = strtoull(text, &end, 10);
	if (*end || strlen(text) > 19 || v < low || v > high)
		return false;
	*out = v;
	return true;
}

/* A decimal number without sign, exponent or other bases; `unit` is what stands behind it. */
static bool decimal(const char *text, double *value, const char **unit)
{
	char digits[24];
	size_t n = strspn(text, "0123456789.");
	if (!isdigit((unsigned char)text[0]) || n >= sizeof digits || text[n - 1] == '.')
		return false;
	memcpy(digits, text, n);
	digits[n] = 0;
	char *end;
	*value = strtod(digits, &end);
	*unit = text + n;
	return *end == 0;
}

bool words_duration(const char *text, uint32_t *ms)
{
	double v;
	const char *unit;
	if (!decimal(text, &v, &unit))
		return false;
	double of = strcmp(unit, "s") == 0 ? 1000 : strcmp(unit, "ms") == 0 ? 1 : strcmp(unit, "m") == 0 ? 60000 : 0;
	if (of == 0 || v * of > DAY_MS)
		return false;
	*ms = (uint32_t)(v * of + 0.5);
	return true;
}

bool words_size(const char *text, uint32_t most, uint32_t *out)
{
	double v;
	const char *unit;
	if (!decimal(text, &v, &unit))
		return false;
	double of = !*unit || strcmp(unit, "B") == 0 ? 1 : strcmp(unit, "KiB") == 0 ? 1024 : strcmp(unit, "MiB") == 0 ? 1048576 : 0;
	if (of == 0 || v * of > most || v * of != floor(v * of))
		return false;
	*out = (uint32_t)(v * of);
	return true;
}

bool words_percent(const char *text, uint32_t *out)
{
	double v;
	const char *unit;
	if (!decimal(text, &v, &unit) || (*unit && strcmp(unit, "%") != 0) || v > 100 || v != floor(v))
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool one_rate(const char *text, double *out)
{
	const char *unit;
	if (!decimal(text, out, &unit))
		return false;
	double of = !*unit ? 1 : strcmp(unit, "k") == 0 ? 1e3 : strcmp(unit, "M") == 0 ? 1e6 : 0;
	*out *= of;
	return *out > 0 && *out <= RATE_MAX;
}

bool words_rate(const char *text, double *from, double *to)
{
	char first[32];
	const char *dots = strstr(text, "..");
	if (!dots) {
		bool ok = one_rate(text, from);
		*to = *from;
		return ok;
	}
	if ((size_t)(dots - text) >= sizeof first)
		return false;
	memcpy(first, text, (size_t)(dots - text));
	first[dots - text] = 0;
	return one_rate(first, from) && one_rate(dots + 2, to) && *from < *to;
}

/* What stands before `end` in `text`; false when it is empty or does not fit. */
static bool part(const char *text, const char *end, char *out, size_t capacity)
{
	size_t n = (size_t)(end - text);
	if (!n || n >= capacity)
		return false;
	memcpy(out, text, n);
	out[n] = 0;
	return true;
}

/* FROM[-TO], the end behind the beginning. */
static bool span(const char *text, uint32_t *from, uint32_t *to)
{
	char first[24];
	const char *dash = strchr(text, '-');
	*to = WORDS_NEVER;
	if (!dash)
		return words_duration(text, from);
	return part(text, dash, first, sizeof first) && words_duration(first, from) && words_duration(dash + 1, to) && *from < *to;
}

bool words_timed(const char *text, struct words_timed *out)
{
	const char *at = strchr(text, '@');
	*out = (struct words_timed){ .to_ms = WORDS_NEVER };
	if (!part(text, at ? at : text + strlen(text), out->name, sizeof out->name))
		return false;
	return !at || span(at + 1, &out->from_ms, &out->to_ms);
}

bool words_fault(const char *text, struct words_fault *out)
{
	char replica[16];
	const char *colon = strchr(text, ':'), *at = strchr(text, '@');
	uint64_t who = WORDS_LEADER;
	*out = (struct words_fault){ .to_ms = WORDS_NEVER };
	if (!colon || !at || at < colon || !part(text, colon, out->name, sizeof out->name) || !part(colon + 1, at, replica, sizeof replica))
		return false;
	if (strcmp(replica, "leader") != 0 && !words_number(replica, 0, 63, &who))
		return false;
	out->replica = (uint32_t)who;
	return span(at + 1, &out->at_ms, &out->to_ms);
}

static uint32_t least(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t two = a < b ? a : b;
	return two < c ? two : c;
}

/* Damerau's distance, without a swap of what was changed already. */
uint32_t words_distance(const char *a, const char *b)
{
	enum { MOST = 48 };
	uint32_t row[3][MOST + 1];
	size_t an = strlen(a), bn = strlen(b);
	if (an > MOST || bn > MOST)
		return UINT32_MAX;
	for (uint32_t k = 0; k <= bn; k++)
		row[0][k] = k;
	for (uint32_t i = 1; i <= an; i++) {
		uint32_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
		now[0] = i;
		for (uint32_t k = 1; k <= bn; k++) {
			now[k] = least(last[k] + 1, now[k - 1] + 1, last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] && before[k - 2] + 1 < now[k])
				now[k] = before[k - 2] + 1;
		}
	}
	return row[an % 3][bn];
}

const char *words_meant(const char *word, const char *const *names, size_t count)
{
	const char *best = NULL;
	uint32_t least_far = UINT32_MAX;
	for (size_t i = 0; i < count; i++) {
		uint32_t far = words_distance(word, names[i]);
		if (far < least_far) {
			least_far = far;
			best = names[i];
		}
	}
	return least_far <= 1 + strlen(word) / 3 ? best : NULL;
}
