/* The files of one run, for its page. */
#include "bench/page_parts.h"
#include "bench/track.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_MAX 1200u /* of the charts: what lies together is taken together */
#define EVENTS_MAX 400u
#define SLOTS_BYTES_MAX (160u << 10) /* of the page's 400 KiB */
#define EVIDENCE_MAX 64u

/* ---- intervals.csv ---- */

#define COLUMNS 9u
static const char *const column[COLUMNS] = { "t_s", "ops", "failed", "p50_ms", "p99_ms", "max_ms", "view", "leader", "suspects" };
/* Of intervals that are taken together: counts are added, the worst of the others is told, of the view the last. */
enum joining { FIRST, SUM, LARGEST, LAST };
static const enum joining joining[COLUMNS] = { FIRST, SUM, SUM, LARGEST, LARGEST, LARGEST, LAST, LAST, LARGEST };

static bool read_line(const char *line, double value[COLUMNS])
{
	char *end;
	for (uint32_t i = 0; i < COLUMNS; i++, line = end + 1) {
		value[i] = strtod(line, &end);
		if (end == line || *end != (i + 1 < COLUMNS ? ',' : '\n'))
			return false;
	}
	return true;
}

static void join(double into[COLUMNS], const double value[COLUMNS], bool first)
{
	for (uint32_t i = 0; i < COLUMNS; i++) {
		if (first || joining[i] == LAST || (joining[i] == LARGEST && value[i] > into[i]))
			into[i] = value[i];
		else if (joining[i] == SUM)
			into[i] += value[i];
	}
}

static void put_point(json_t *columns, const double value[COLUMNS])
{
	for (uint32_t i = 0; i < COLUMNS; i++)
		json_array_append_new(json_object_get(columns, column[i]),
		                      value[i] == (double)(json_int_t)value[i] ? json_integer((json_int_t)value[i]) : json_real(value[i]));
}

static size_t count_lines(FILE *f)
{
	size_t lines = 0;
	for (int c; (c = fgetc(f)) != EOF;)
		lines += c == '\n';
	rewind(f);
	return lines;
}

static json_t *read_intervals(const char *folder, char why[PAGE_WHY_BYTES])
{
	char line[400];
	double value[COLUMNS], joined[COLUMNS] = { 0 };
	FILE *f = page_open(folder, "intervals.csv", why);
	if (!f)
		return NULL;
	size_t lines = count_lines(f), together = lines / POINTS_MAX + 1, n = 0;
	json_t *columns = json_object();
	for (uint32_t i = 0; i < COLUMNS; i++)
		json_object_set_new(columns, column[i], json_array());
	bool ok = fgets(line, sizeof line, f) && !strncmp(line, "t_s,ops,", 8);
	while (ok && fgets(line, sizeof line, f)) {
		ok = read_line(line, value);
		join(joined, value, n % together == 0);
		if (ok && ++n % together == 0)
			put_point(columns, joined);
	}
	fclose(f);
	json_object_set_new(columns, "every_s", json_real((double)(together * TRACK_INTERVAL_US) / 1e6));
	if (ok)
		return columns;
	json_decref(columns);
	return page_fail(why, folder, "intervals.csv", "it is damaged, or not of a run");
}

/* ---- latency.hgrm ---- */

static json_t *read_percentiles(const char *folder, double *mean, char why[PAGE_WHY_BYTES])
{
	char line[400];
	double value, share;
	unsigned long long total;
	FILE *f = page_open(folder, "latency.hgrm", why);
	json_t *values = json_array(), *shares = json_array();
	while (f && fgets(line, sizeof line, f)) {
		if (line[0] == '#')
			sscanf(line, "#[Mean = %lf", mean);
		else if (json_array_size(values) < 2000 && sscanf(line, "%lf %lf %llu", &value, &share, &total) == 3) {
			json_array_append_new(values, json_real(value));
			json_array_append_new(shares, json_real(share));
		}
	}
	if (f)
		fclose(f);
	json_t *j = json_pack("{s:o,s:o}", "value_ms", values, "share", shares);
	if (f && json_array_size(values))
		return j;
	json_decref(j);
	return f ? page_fail(why, folder, "latency.hgrm", "it is damaged, or not of a run") : NULL;
}

/* ---- events.jsonl, slots.json, evidence/ ---- */

static json_t *read_events(const char *folder, size_t *left_out, char why[PAGE_WHY_BYTES])
{
	char line[1024];
	json_error_t error;
	FILE *f = page_open(folder, "events.jsonl", why);
	json_t *list = json_array();
	bool ok = f != NULL;
	while (ok && fgets(line, sizeof line, f)) {
		json_t *event = json_loads(line, 0, &error);
		ok = json_is_string(json_object_get(event, "what")) && json_is_number(json_object_get(event, "t_s")) &&
		     json_is_string(json_object_get(event, "text"));
		if (ok && json_array_size(list) < EVENTS_MAX)
			json_array_append(list, event);
		else
			*left_out += ok;
		json_decref(event);
	}
	if (f)
		fclose(f);
	if (ok)
		return list;
	json_decref(list);
	return f ? page_fail(why, folder, "events.jsonl", "it is damaged, or not of a run") : NULL;
}

/* Those that fit; a run without a tap has none. */
static json_t *read_slots(const char *folder, char why[PAGE_WHY_BYTES])
{
	json_t *list = json_array(), *slot;
	size_t i, used = 0;
	if (!page_is_there(folder, "slots.json"))
		return list;
	json_t *j = page_read_json(folder, "slots.json", why), *all = json_object_get(j, "slots");
	json_array_foreach(all, i, slot)
	{
		size_t n = json_dumpb(slot, NULL, 0, JSON_COMPACT);
		if (used + n <= SLOTS_BYTES_MAX) {
			used += n;
			json_array_append(list, slot);
		}
	}
	bool ok = json_is_array(all);
	json_decref(j);
	if (ok)
		return list;
	json_decref(list);
	return j ? page_fail(why, folder, "slots.json", "it is damaged, or not of a run") : NULL;
}

static json_t *read_evidence(const char *folder)
{
	char path[1024];
	json_t *list = json_array();
	snprintf(path, sizeof path, "%s/evidence", folder);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d)) && json_array_size(list) < EVIDENCE_MAX;)
		if (e->d_name[0] != '.')
			json_array_append_new(list, json_string(e->d_name));
	if (d)
		closedir(d);
	return list;
}

/* ---- the whole ---- */

/* What the page reads without asking. */
static const char *const of_summary[] = { "throughput", "latency_ms", "service_ms", "phases", "safety", "cpu_s_by_process", "operations", NULL };
static const char *const of_manifest[] = { "mode", "replicas", "argv", "attacks", "faults", "load", "machine", "unit_costs", "date_utc", NULL };

bool page_add_run(json_t *data, const char *folder, char why[PAGE_WHY_BYTES])
{
	double mean = 0;
	size_t left_out = 0;
	bool ok = page_add(data, "manifest", page_read_json(folder, "manifest.json", why));
	const json_t *manifest = json_object_get(data, "manifest");
	if (!ok || page_lacks(json_object_get(data, "summary"), of_summary, folder, why) || page_lacks(manifest, of_manifest, folder, why))
		return false;
	return page_add(data, "intervals", read_intervals(folder, why)) && page_add(data, "percentiles", read_percentiles(folder, &mean, why)) &&
	       page_add(data, "mean_ms", json_real(mean)) && page_add(data, "events", read_events(folder, &left_out, why)) &&
	       page_add(data, "events_left_out", json_integer((json_int_t)left_out)) && page_add(data, "slots", read_slots(folder, why)) &&
	       page_add(data, "evidence", read_evidence(folder)) && page_add(data, "attacks", page_attacks(json_object_get(manifest, "attacks"), "name"));
}
