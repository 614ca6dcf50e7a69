#include "bench/nets.h"

#include "bench/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_LOSS_MAX_PPM 500000u
#define DELAY_US_MAX 10000000.0
#define BITS_MIN 1e5
#define BITS_MAX 1e11

static const struct net_name {
	const char *name;
	struct nets nets;
} named[] = {
	{ "none", { 0 } },
	{ "lan", { .shape = { .delay_us = 250, .jitter_us = 50, .bits_per_s = 1000000000 } } },
	{ "wan", { .shape = { .delay_us = 20000, .jitter_us = 2000, .loss_ppm = 100, .bits_per_s = 100000000 } } },
	{ "wan4", { .regions = true, .shape = { .jitter_us = 2000, .loss_ppm = 100, .bits_per_s = 100000000 } } },
};
#define NAMED (sizeof named / sizeof *named)

/* Round trips between Virginia, Ireland, Tokyo and Sao Paulo, in tenths of a millisecond (docs/benchmarking.md, "Networks"); within one, as in a LAN. */
#define REGIONS 4u
static const uint32_t round_trip[REGIONS][REGIONS] = {
	{ 5, 805, 1453, 1195 },
	{ 805, 5, 2124, 1913 },
	{ 1453, 2124, 5, 2568 },
	{ 1195, 1913, 2568, 5 },
};

struct net_shape nets_between(const struct nets *nets, uint32_t from, uint32_t to)
{
	struct net_shape shape = nets->shape;
	if (nets->regions) {
		uint32_t a = from == NETS_CLIENT ? 0 : from % REGIONS, b = to == NETS_CLIENT ? 0 : to % REGIONS;
		shape.delay_us = round_trip[a][b] * 100 / 2;
		shape.jitter_us = a == b ? 50 : shape.jitter_us;
		shape.loss_ppm = a == b ? 0 : shape.loss_ppm;
		shape.bits_per_s = a == b ? 1000000000 : shape.bits_per_s;
	}
	return shape;
}

/* A number and its unit. False: it is neither, or beyond `most`. */
static bool measure(const char *text, const char *const *unit, const double *factor, size_t units, double least, double most, double *out)
{
	char *end;
	if (*text < '0' || *text > '9')
		return false;
	size_t digits = strspn(text, "0123456789.");
	double v = strtod(text, &end);
	if (end != text + digits)
		return false;
	for (size_t i = 0; i < units; i++)
		if (!strcmp(end, unit[i])) {
			*out = v * factor[i];
			return *out == 0 || (*out >= least && *out <= most);
		}
	return false;
}

static bool read_time(const char *text, uint32_t *us)
{
	static const char *const unit[] = { "us", "ms", "s" };
	static const double factor[] = { 1, 1e3, 1e6 };
	double v;
	bool ok = measure(text, unit, factor, 3, 1, DELAY_US_MAX, &v);
	if (ok)
		*us = (uint32_t)v;
	return ok;
}

static bool read_loss(const char *text, uint32_t *ppm)
{
	static const char *const unit[] = { "%" };
	static const double factor[] = { 1e4 };
	double v;
	bool ok = measure(text, unit, factor, 1, 1, SEGMENT_LOSS_MAX_PPM, &v);
	if (ok)
		*ppm = (uint32_t)v;
	return ok;
}

static bool read_rate(const char *text, uint64_t *bits)
{
	static const char *const unit[] = { "kbit", "mbit", "gbit" };
	static const double factor[] = { 1e3, 1e6, 1e9 };
	double v;
	bool ok = measure(text, unit, factor, 3, BITS_MIN, BITS_MAX, &v) && v > 0;
	if (ok)
		*bits = (uint64_t)v;
	return ok;
}

static bool read_figure(struct net_shape *shape, const char *name, const char *value, char why[NETS_WHY_BYTES])
{
	static const char *const figures[] = { "delay", "jitter", "loss", "rate" };
	bool ok = false;
	if (!strcmp(name, "delay"))
		ok = read_time(value, &shape->delay_us);
	else if (!strcmp(name, "jitter"))
		ok = read_time(value, &shape->jitter_us);
	else if (!strcmp(name, "loss"))
		ok = read_loss(value, &shape->loss_ppm);
	else if (!strcmp(name, "rate"))
		ok = read_rate(value, &shape->bits_per_s);
	else {
		const char *meant = words_meant(name, figures, 4);
		snprintf(why, NETS_WHY_BYTES, "--net knows no figure %.60s; %s%s", name, meant ? "did you mean " : "it takes delay, jitter, loss and rate",
		         meant ? meant : "");
		return false;
	}
	if (!ok)
		snprintf(why, NETS_WHY_BYTES,
		         "--net %.20s does not take \"%.60s\": delay and jitter as 20ms or 250us, to 10 s; loss as 0.1%%, to 50 %%; rate as 100mbit", name,
		         value);
	return ok;
}

static bool read_figures(struct nets *out, const char *text, char why[NETS_WHY_BYTES])
{
	char copy[200], *rest = NULL;
	if (strlen(text) >= sizeof copy) {
		snprintf(why, NETS_WHY_BYTES, "--net takes at most %zu letters", sizeof copy - 1);
		return false;
	}
	snprintf(copy, sizeof copy, "%s", text);
	for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		char *value = strchr(word, '=');
		if (value)
			*value++ = 0;
		if (!read_figure(&out->shape, word, value ? value : "", why))
			return false;
	}
	return true;
}

bool nets_read(struct nets *out, const char *text, char why[NETS_WHY_BYTES])
{
	const char *names[NAMED];
	*out = (struct nets){ 0 };
	for (size_t i = 0; i < NAMED; i++) {
		names[i] = named[i].name;
		if (!strcmp(text, names[i])) {
			*out = named[i].nets;
			out->name = i ? text : NULL;
			return true;
		}
	}
	if (strchr(text, '=')) {
		out->name = text;
		return read_figures(out, text, why);
	}
	const char *meant = words_meant(text, names, NAMED);
	snprintf(why, NETS_WHY_BYTES, "unknown network %.60s; %s%s%s", text,
	         meant ? "did you mean " : "there are none, lan, wan, wan4, and figures: delay=20ms,jitter=2ms,loss=0.1%,rate=100mbit", meant ? meant : "",
	         meant ? "?" : "");
	return false;
}
