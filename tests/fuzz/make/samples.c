/* tests/fuzz/make/samples.c - see samples.h. */
#include "tests/fuzz/make/samples.h"
#include "tests/fuzz/replica_bed.h"

#include <sys/stat.h>

static const char *folder;

void samples_folder(const char *path)
{
	folder = path;
	mkdir(folder, 0777);
}

void save(const char *target, const char *name, const void *bytes, size_t n)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", folder, target);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
	FILE *f = fopen(path, "wb");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
		abort();
}

void sample(const char *target, const char *name, uint8_t select, const void *bytes, size_t n, unsigned most)
{
	static struct {
		char key[64];
		size_t n[10];
		unsigned count;
	} kept[128];
	char key[64], file[64];
	uint8_t *joined;
	snprintf(key, sizeof key, "%s/%s", target, name);
	unsigned i = 0;
	while (kept[i].key[0] && strcmp(kept[i].key, key) != 0)
		if (++i == 128)
			abort();
	snprintf(kept[i].key, sizeof kept[i].key, "%s", key);
	if (n + 1 > SAMPLE_MAX || kept[i].count == most)
		return;
	for (unsigned k = 0; k < kept[i].count; k++)
		if (kept[i].n[k] == n)
			return;
	kept[i].n[kept[i].count++] = n;
	snprintf(file, sizeof file, most == 1 ? "%s" : "%s-%u", name, kept[i].count);
	joined = bed_join(&select, 1, bytes, n);
	save(target, file, joined, n + 1);
	free(joined);
}

void plain(const char *target, const char *name, const void *bytes, size_t n)
{
	if (n <= SAMPLE_MAX)
		save(target, name, bytes, n);
}
