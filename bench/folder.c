/* The folder of a run: docs/benchmarking.md has its files. */
#include "bench/report.h"
#include "bench/slots/tell.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(char *reason, const char *path, const char *why)
{
	snprintf(reason, QUORATE_REASON_BYTES, "%.300s: %.150s", path, why);
	return false;
}

bool folder_make(const char *path, char *reason)
{
	char inside[1024];
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return fail(reason, path, strerror(errno));
	snprintf(inside, sizeof inside, "%s/summary.json", path);
	if (access(inside, F_OK) == 0)
		return fail(reason, path, "there is a run in it already: name another folder");
	snprintf(inside, sizeof inside, "%s/evidence", path);
	if (mkdir(inside, 0777) != 0 && errno != EEXIST)
		return fail(reason, inside, strerror(errno));
	return access(path, W_OK) == 0 || fail(reason, path, strerror(errno));
}

static FILE *create(const char *folder, const char *name)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return fopen(path, "we");
}

/* Closes it; false when anything about it failed. */
static bool done(FILE *f)
{
	bool ok = f && !ferror(f);
	return f && fclose(f) == 0 && ok;
}

static bool write_json(json_t *j, const char *folder, const char *name)
{
	FILE *f = create(folder, name);
	bool ok = f && json_dumpf(j, f, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', f) != EOF;
	json_decref(j);
	return done(f) && ok;
}

static bool write_intervals(const struct run *r, const char *folder)
{
	FILE *f = create(folder, "intervals.csv");
	if (!f)
		return false;
	fputs("t_s,ops,failed,p50_ms,p99_ms,max_ms,view,leader,suspects\n", f);
	for (size_t i = 0; i < r->track.count; i++) {
		const struct track_interval *x = &r->track.interval[i];
		fprintf(f, "%.1f,%llu,%llu,%.3f,%.3f,%.3f,%llu,%u,%u\n", (double)i * TRACK_INTERVAL_US / 1e6, (unsigned long long)x->ops,
		        (unsigned long long)x->failed, (double)x->p50_us / 1e3, (double)x->p99_us / 1e3, (double)x->max_us / 1e3, (unsigned long long)x->view,
		        x->leader, x->suspects);
	}
	return done(f);
}

/* Five lines for each halving of the distance to 100 %, as HdrHistogram's own tools print it. */
static bool write_latency(const struct histogram *h, const char *folder)
{
	FILE *f = create(folder, "latency.hgrm");
	double share = 0;
	if (!f)
		return false;
	fprintf(f, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
	while (h->count && share < 1 - 1 / (2.0 * (double)h->count)) {
		uint64_t value = histogram_at(h, share);
		fprintf(f, "%12.3f %2.12f %10llu %14.2f\n", (double)value / 1e3, share, (unsigned long long)histogram_count_to(h, value), 1 / (1 - share));
		double halves = pow(2, floor(log2(1 / (1 - share))) + 1);
		share += 1 / (5 * halves);
	}
	fprintf(f, "%12.3f %2.12f %10llu\n", (double)h->max / 1e3, 1.0, (unsigned long long)h->count);
	double mean = h->count ? (double)h->sum / (double)h->count / 1e3 : 0;
	fprintf(f, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean, histogram_deviation(h) / 1e3);
	fprintf(f, "#[Max     = %12.3f, Total count    = %12llu]\n", (double)h->max / 1e3, (unsigned long long)h->count);
	fprintf(f, "#[Buckets = %12d, SubBuckets     = %12u]\n", 40, HISTOGRAM_SUB);
	return done(f);
}

static int by_time(const void *a, const void *b)
{
	const struct happening *x = a, *y = b;
	return x->t_s < y->t_s ? -1 : x->t_s > y->t_s;
}

static bool write_events(const struct run *r, const char *folder)
{
	FILE *f = create(folder, "events.jsonl");
	struct happening *sorted = malloc((r->conductor.happenings + 1) * sizeof *sorted);
	if (!f || !sorted) {
		free(sorted);
		return done(f) && false;
	}
	memcpy(sorted, r->conductor.happening, r->conductor.happenings * sizeof *sorted);
	qsort(sorted, r->conductor.happenings, sizeof *sorted, by_time);
	for (size_t i = 0; i < r->conductor.happenings; i++) {
		json_t *j = json_pack("{s:f,s:s,s:s}", "t_s", sorted[i].t_s, "what", sorted[i].what, "text", sorted[i].text);
		if (sorted[i].replica != NOBODY)
			json_object_set_new(j, "replica", json_integer(sorted[i].replica));
		json_dumpf(j, f, JSON_COMPACT | JSON_REAL_PRECISION(6));
		fputc('\n', f);
		json_decref(j);
	}
	free(sorted);
	return done(f);
}

static bool copy_genesis(const struct run *r, const char *folder)
{
	char path[1024];
	uint8_t bytes[4096];
	size_t n;
	snprintf(path, sizeof path, "%s/cluster/genesis", r->cluster.folder);
	FILE *in = fopen(path, "rbe"), *out = create(folder, "genesis");
	while (in && out && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
		fwrite(bytes, 1, n, out);
	return done(out) && done(in);
}

bool folder_write(const struct run *r, const char *path, char *reason)
{
	bool ok = write_json(report_summary(r), path, "summary.json");
	ok = write_json(report_manifest(r), path, "manifest.json") && ok;
	ok = write_intervals(r, path) && ok;
	ok = write_latency(&r->load.latency_us, path) && ok;
	ok = write_events(r, path) && ok;
	if (r->conductor.slots)
		ok = write_json(slots_told(&r->slots, r->conductor.begins_us * 1000), path, "slots.json") && ok;
	ok = copy_genesis(r, path) && ok;
	return ok || fail(reason, path, "not everything could be written");
}

/* ---- of several runs ---- */

bool folder_make_whole(const char *path, const char *file, char *reason)
{
	char inside[1024], why[100];
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return fail(reason, path, strerror(errno));
	snprintf(inside, sizeof inside, "%s/%s.json", path, file);
	snprintf(why, sizeof why, "there is a %s in it already: name another folder", file);
	if (access(inside, F_OK) == 0)
		return fail(reason, path, why);
	return access(path, W_OK) == 0 || fail(reason, path, strerror(errno));
}

json_t *folder_manifest_of(const char *one, int argc, char *const *argv)
{
	char path[1100];
	json_t *words = json_array();
	snprintf(path, sizeof path, "%s/manifest.json", one);
	json_t *j = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(j)) {
		json_decref(j);
		j = json_object();
	}
	for (int i = 0; i < argc; i++)
		json_array_append_new(words, json_string(argv[i]));
	json_object_set_new(j, "argv", words);
	return j;
}

bool folder_write_whole(json_t *j, const char *path, const char *file)
{
	char name[100];
	snprintf(name, sizeof name, "%s.json", file);
	if (write_json(j, path, name))
		return true;
	fprintf(stderr, "quorate-bench: %s/%s cannot be written\n", path, name);
	return false;
}
