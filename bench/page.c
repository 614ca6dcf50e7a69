#include "bench/page.h"

#include "bench/malice/malice.h"
#include "bench/track.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (32u << 20) /* no run writes larger ones                        */
#define POINTS_MAX 1200u           /* of the charts: what lies together is taken together */
#define EVENTS_MAX 400u
#define SLOTS_BYTES_MAX (160u << 10) /* of the page's 400 KiB */
#define EVIDENCE_MAX 64u
#define PLACE "@@RUN@@"

static void *fail(char why[PAGE_WHY_BYTES], const char *folder, const char *name, const char *what)
{
	snprintf(why, PAGE_WHY_BYTES, "%.300s%s%s: %.150s", folder, name[0] ? "/" : "", name, what);
	return NULL;
}

/* ---- the files of a folder ---- */

static FILE *open_file(const char *folder, const char *name, char why[PAGE_WHY_BYTES])
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "re");
	if (!f)
		return fail(why, folder, name, strerror(errno));
	if (fseek(f, 0, SEEK_END) != 0 || ftell(f) < 0 || ftell(f) > (long)FILE_BYTES_MAX) {
		fclose(f);
		return fail(why, folder, name, "it is no file, or larger than any run's");
	}
	rewind(f);
	return f;
}

static json_t *read_json(const char *folder, const char *name, char why[PAGE_WHY_BYTES])
{
	json_error_t error;
	FILE *f = open_file(folder, name, why);
	if (!f)
		return NULL;
	json_t *j = json_loadf(f, JSON_REJECT_DUPLICATES, &error);
	fclose(f);
	if (!json_is_object(j)) {
		char what[160];
		snprintf(what, sizeof what, "it is damaged, or not of a run: %.100s", j ? "no object" : error.text);
		json_decref(j);
		return fail(why, folder, name, what);
	}
	return j;
}

static bool is_there(const char *folder, const char *name)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

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
	FILE *f = open_file(folder, "intervals.csv", why);
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
	return fail(why, folder, "intervals.csv", "it is damaged, or not of a run");
}

/* ---- latency.hgrm ---- */

static json_t *read_percentiles(const char *folder, double *mean, char why[PAGE_WHY_BYTES])
{
	char line[400];
	double value, share;
	unsigned long long total;
	FILE *f = open_file(folder, "latency.hgrm", why);
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
	return f ? fail(why, folder, "latency.hgrm", "it is damaged, or not of a run") : NULL;
}

/* ---- events.jsonl, slots.json, evidence/ ---- */

static json_t *read_events(const char *folder, size_t *left_out, char why[PAGE_WHY_BYTES])
{
	char line[1024];
	json_error_t error;
	FILE *f = open_file(folder, "events.jsonl", why);
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
	return f ? fail(why, folder, "events.jsonl", "it is damaged, or not of a run") : NULL;
}

/* Those that fit; a run without a tap has none. */
static json_t *read_slots(const char *folder, char why[PAGE_WHY_BYTES])
{
	json_t *list = json_array(), *slot;
	size_t i, used = 0;
	if (!is_there(folder, "slots.json"))
		return list;
	json_t *j = read_json(folder, "slots.json", why), *all = json_object_get(j, "slots");
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
	return j ? fail(why, folder, "slots.json", "it is damaged, or not of a run") : NULL;
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

/* What each attack does, from the catalogue: the run's folder has its name. */
static json_t *explain(const json_t *manifest)
{
	json_t *list = json_array(), *attack;
	size_t i;
	json_array_foreach(json_object_get(manifest, "attacks"), i, attack)
	{
		const char *name = json_string_value(json_object_get(attack, "name"));
		const struct attack *a = name ? attack_find(name) : NULL;
		if (a)
			json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", a->name, "class", a->class, "what", a->does));
	}
	return list;
}

/* ---- the whole ---- */

/* What the page reads without asking. */
static const char *missing(const json_t *summary, const json_t *manifest)
{
	static const char *const of_summary[] = { "throughput", "latency_ms", "service_ms", "phases", "safety", "cpu_s_by_process", "operations" };
	static const char *const of_manifest[] = { "mode", "replicas", "argv", "attacks", "faults", "load", "machine", "unit_costs", "date_utc" };
	for (size_t i = 0; i < sizeof of_summary / sizeof of_summary[0]; i++)
		if (!json_object_get(summary, of_summary[i]))
			return of_summary[i];
	for (size_t i = 0; i < sizeof of_manifest / sizeof of_manifest[0]; i++)
		if (!json_object_get(manifest, of_manifest[i]))
			return of_manifest[i];
	return NULL;
}

static bool add(json_t *data, const char *name, json_t *value)
{
	return value && json_object_set_new(data, name, value) == 0;
}

static bool add_run(json_t *data, const char *folder, char why[PAGE_WHY_BYTES])
{
	double mean = 0;
	size_t left_out = 0;
	bool ok = add(data, "summary", read_json(folder, "summary.json", why));
	if (ok && json_object_get(json_object_get(data, "summary"), "repeat"))
		return fail(why, folder, "", "it holds several runs: name the folder of one of them, below it");
	ok = ok && add(data, "manifest", read_json(folder, "manifest.json", why));
	const json_t *manifest = json_object_get(data, "manifest");
	const char *lacks = ok ? missing(json_object_get(data, "summary"), manifest) : NULL;
	if (lacks) {
		char what[100];
		snprintf(what, sizeof what, "it lacks \"%s\": the folder of another version, or of no run", lacks);
		return fail(why, folder, "", what);
	}
	return ok && add(data, "intervals", read_intervals(folder, why)) && add(data, "percentiles", read_percentiles(folder, &mean, why)) &&
	       add(data, "mean_ms", json_real(mean)) && add(data, "events", read_events(folder, &left_out, why)) &&
	       add(data, "events_left_out", json_integer((json_int_t)left_out)) && add(data, "slots", read_slots(folder, why)) &&
	       add(data, "evidence", read_evidence(folder)) && add(data, "attacks", explain(manifest));
}

static bool add_matrix(json_t *data, const char *folder, char why[PAGE_WHY_BYTES])
{
	json_t *matrix = read_json(folder, "matrix.json", why), *row;
	size_t i;
	if (!add(data, "matrix", matrix))
		return false;
	bool ok = json_is_array(json_object_get(matrix, "rows"));
	json_array_foreach(json_object_get(matrix, "rows"), i, row) ok &=
		json_is_string(json_object_get(row, "attack")) && json_is_string(json_object_get(row, "verdict"));
	return ok || fail(why, folder, "matrix.json", "it is damaged, or no matrix");
}

json_t *page_data(const char *folder, char why[PAGE_WHY_BYTES])
{
	bool matrix = is_there(folder, "matrix.json"), run = is_there(folder, "summary.json");
	if (!matrix && !run)
		return fail(why, folder, "", is_there(folder, "") ? "there is no run in it: no summary.json" : "there is no such folder");
	json_t *data = json_object();
	if ((!run || add_run(data, folder, why)) && (!matrix || add_matrix(data, folder, why)))
		return data;
	json_decref(data);
	return NULL;
}

static int put_escaped(const char *text, size_t n, void *out)
{
	for (size_t i = 0; i < n; i++) {
		bool markup = text[i] == '<' || text[i] == '>' || text[i] == '&'; /* these stand in strings alone */
		if (markup ? fprintf(out, "\\u%04x", (unsigned)(unsigned char)text[i]) < 0 : fputc(text[i], out) == EOF)
			return -1;
	}
	return 0;
}

bool page_put_json(FILE *out, const json_t *data)
{
	return json_dump_callback(data, put_escaped, out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9)) == 0;
}

static char *read_template(const char *path, char why[PAGE_WHY_BYTES])
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(FILE_BYTES_MAX) : NULL;
	size_t n = text ? fread(text, 1, FILE_BYTES_MAX - 1, f) : 0;
	if (f)
		fclose(f);
	if (text)
		text[n] = 0;
	if (n && strstr(text, PLACE))
		return text;
	free(text);
	return fail(why, path, "", "it is not the page's template: ./dev build makes it, where npm can be had");
}

static bool put_page(FILE *f, const char *template, const json_t *data)
{
	const char *place = strstr(template, PLACE);
	fwrite(template, 1, (size_t)(place - template), f);
	bool ok = page_put_json(f, data);
	fputs(place + strlen(PLACE), f);
	return ok && !ferror(f);
}

enum page_result page_write(const char *folder, const char *out, const char *template, char why[PAGE_WHY_BYTES])
{
	json_t *data = page_data(folder, why);
	if (!data)
		return PAGE_NO_RUN;
	char *text = read_template(template, why);
	FILE *f = text ? fopen(out, "we") : NULL;
	bool ok = f && put_page(f, text, data);
	if (text && !f)
		fail(why, out, "", strerror(errno));
	if (f && (fclose(f) != 0 || !ok)) {
		fail(why, out, "", "it cannot be written");
		unlink(out);
		ok = false;
	}
	free(text);
	json_decref(data);
	return ok ? PAGE_OK : PAGE_FAILED;
}
